/*
 * visit.c - reading stored embeddings: one by path or content id, or those of a directory in order.
 */
#include "core/error.h"
#include "dates.h"
#include "results.h"
#include "search_private.h"

int glimpse_library_embedding_key(float *embedding, char *id, glimpse_library *library,
                                  const glimpse_model_key *key, const char *path_or_id) {
    glimpse_store *store = glimpse_library_store(library);
    const glimpse_store_ops *ops = store->ops;
    glimpse_model_info model;
    glimpse_hash hash;
    int64_t content = 0;
    int status = ops->begin_read(store);
    if (status < 0) return status;
    status = glimpse_store_find_model(&model, store, key);
    if (status < 0) goto done;
    status = glimpse_store_content_of(&content, store, path_or_id);
    if (status == GLIMPSE_OK) {
        status = ops->contents.embedding(embedding, &hash, store, &model, content);
    }
    if (status == GLIMPSE_E_NOT_FOUND) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: not indexed with the model %s", path_or_id,
                              key->name);
    }
    if (status == GLIMPSE_OK && id) glimpse_hash_to_hex(&hash, id);
done:
    ops->end_read(store);
    return status;
}

typedef struct visiting {
    glimpse_availability availability;
    size_t rank;
    glimpse_visit_fn visit;
    void *user;
} visiting;

/* A picture of the store as the caller's callback sees it. */
static int visit_picture(void *user, const glimpse_store_picture *picture) {
    visiting *v = user;
    char hex[GLIMPSE_HASH_HEX], modified[GLIMPSE_DATE_BYTES];
    glimpse_hash_to_hex(&picture->hash, hex);
    glimpse_file_date date;
    glimpse_date_of_file(picture->mtime_ns, modified, NULL);
    glimpse_file_date_choose(&date, picture->taken, picture->taken_from,
                             picture->has_offset ? &picture->offset_minutes : NULL, picture->path,
                             picture->mtime_ns);
    const glimpse_result file = {
        .rank = ++v->rank,
        .path = picture->path,
        .id = hex,
        .bytes = picture->size,
        .width = picture->width,
        .height = picture->height,
        .taken = date.taken,
        .modified = modified,
        .format = picture->format,
        .offline = glimpse_availability_was_offline(&v->availability, picture->path),
        .copies = picture->copies,
        .taken_from = glimpse_taken_from_name(date.from),
        .has_taken_offset = date.has_offset,
        .taken_offset = date.offset_minutes,
    };
    return v->visit(v->user, &file, picture->embedding);
}

int glimpse_library_visit_key(glimpse_library *library, const glimpse_model_key *key,
                              const glimpse_search_options *given, glimpse_visit_fn visit,
                              void *user) {
    glimpse_store *store = glimpse_library_store(library);
    const glimpse_store_ops *ops = store->ops;
    glimpse_model_info model;
    glimpse_filter *filter = NULL;
    visiting v = {.visit = visit, .user = user};
    int status = ops->begin_read(store);
    if (status < 0) return status;
    status = glimpse_store_find_model(&model, store, key);
    if (status == GLIMPSE_OK) status = glimpse_search_open_filter(&filter, store, given);
    if (status == GLIMPSE_OK) status = glimpse_availability_init(&v.availability, store);
    if (status == GLIMPSE_OK)
        status = ops->files.embedded(store, filter, &model, visit_picture, &v);
    ops->end_read(store);
    glimpse_availability_free(&v.availability);
    ops->filters.close(filter);
    return status;
}

static int missing(const char *call) {
    return glimpse_fail(GLIMPSE_E_INVALID, "%s: an argument that must be there is NULL", call);
}

int glimpse_library_embedding(float *embedding, char *id, glimpse_library *library,
                              const glimpse_model *model, const char *path_or_id) {
    if (!library || !model || !path_or_id || !embedding) {
        return missing("glimpse_library_embedding");
    }
    glimpse_model_key key = glimpse_model_get_key(model);
    return glimpse_library_embedding_key(embedding, id, library, &key, path_or_id);
}

int glimpse_library_visit_filtered(glimpse_library *library, const glimpse_model *model,
                                   const glimpse_search_options *filter, glimpse_visit_fn visit,
                                   void *user) {
    if (!library || !model || !visit) return missing("glimpse_library_visit_filtered");
    glimpse_model_key key = glimpse_model_get_key(model);
    return glimpse_library_visit_key(library, &key, filter, visit, user);
}

int glimpse_library_visit(glimpse_library *library, const glimpse_model *model,
                          const char *const *within, size_t within_count, glimpse_visit_fn visit,
                          void *user) {
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    filter.within = within;
    filter.within_count = within_count;
    if (!library || !model || !visit) return missing("glimpse_library_visit");
    glimpse_model_key key = glimpse_model_get_key(model);
    return glimpse_library_visit_key(library, &key, &filter, visit, user);
}
