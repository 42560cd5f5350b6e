/*
 * files.c - the files of a library and what they say.
 */
#include "core/error.h"
#include "dates.h"
#include "library_private.h"

typedef struct visiting {
    glimpse_file_fn visit;
    void *user;
} visiting;

static int visit_file(void *user, const char *path, int64_t mtime_ns,
                      const glimpse_content_meta *meta) {
    const visiting *v = user;
    char hex[GLIMPSE_HASH_HEX], modified[GLIMPSE_DATE_BYTES];
    glimpse_file_date date;
    glimpse_hash_to_hex(&meta->hash, hex);
    glimpse_date_of_file(mtime_ns, modified, NULL);
    glimpse_file_date_choose(&date, meta->taken, meta->taken_from,
                             meta->has_offset ? &meta->offset_minutes : NULL, path, mtime_ns);
    const glimpse_library_file file = {
        .path = path,
        .id = hex,
        .bytes = meta->size,
        .width = meta->width,
        .height = meta->height,
        .format = meta->format,
        .taken = date.taken,
        .taken_from = glimpse_taken_from_name(date.from),
        .has_taken_offset = date.has_offset,
        .taken_offset = date.offset_minutes,
        .modified = modified,
        .camera = meta->camera,
        .has_gps = meta->has_gps,
        .latitude = meta->latitude,
        .longitude = meta->longitude,
        .metadata = meta->fields ? meta->fields : "",
    };
    return v->visit(v->user, &file);
}

int glimpse_library_visit_files(glimpse_library *library, glimpse_file_fn visit, void *user) {
    if (!library || !visit) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    visiting v = {visit, user};
    int status = store->ops->begin_read(store);
    if (status < 0) return status;
    status = store->ops->files.described(store, visit_file, &v);
    store->ops->end_read(store);
    return status;
}
