/*
 * status.c - what a library holds, in numbers and lists.
 *
 *     files = embedded + duplicates + quarantined + pending
 *
 * counted over files that are not missing, for the default model: each is quarantined,
 * or its content has no embedding yet (pending), or it is the first with its content (embedded), or
 * a further one (duplicate).
 */
#include "core/error.h"
#include "library_private.h"

#include <stdlib.h>
#include <string.h>

typedef struct full_status {
    glimpse_library_status shown; /* first: the public pointer is this one */
    glimpse_strings strings;
    glimpse_quarantined *quarantined;
    glimpse_library_model *models;
    const char **roots;
    int *root_offline;
    glimpse_root_settings *root_settings;
    int64_t model;             /* the default one, 0 when there is none */
    const glimpse_root *known; /* [root_count], while offline files are counted */
} full_status;

static const char *keep_text(full_status *full, const char *text) {
    return glimpse_strings_add(&full->strings, text, strlen(text));
}

/* Makes room for one more of `size` bytes in a list of `count`. */
static int grow(void **list, size_t count, size_t size) {
    if (count & (count - 1)) return GLIMPSE_OK; /* doubled whenever a power of two is full */
    void *grown = realloc(*list, (count ? 2 * count : 1) * size);
    if (!grown) return glimpse_fail_nomem(2 * count * size, "a list");
    *list = grown;
    return GLIMPSE_OK;
}

static int add_quarantined(void *user, const char *path, const char *reason) {
    full_status *full = user;
    glimpse_library_status *s = &full->shown;
    void *list = full->quarantined;
    int status = grow(&list, s->quarantined_count, sizeof *full->quarantined);
    full->quarantined = list;
    if (status < 0) return status;
    glimpse_quarantined item = {keep_text(full, path),
                                keep_text(full, glimpse_without_path(reason, path))};
    if (!item.path || !item.reason) return glimpse_fail_nomem(256, "a list");
    full->quarantined[s->quarantined_count++] = item;
    return GLIMPSE_OK;
}

static int add_model(void *user, const glimpse_store_model *found) {
    full_status *full = user;
    glimpse_library_status *s = &full->shown;
    void *list = full->models;
    int status = grow(&list, s->model_count, sizeof *full->models);
    full->models = list;
    if (status < 0) return status;
    glimpse_library_model model = {.fingerprint = keep_text(full, found->info.fingerprint),
                                   .name = keep_text(full, found->name),
                                   .path = keep_text(full, found->path),
                                   .embedding_size = found->info.dim,
                                   .embedded = found->info.embedded,
                                   .generation = found->info.generation,
                                   .index_state = found->index_state,
                                   .is_default = found->is_default,
                                   .is_chosen = found->is_chosen};
    if (!model.fingerprint || !model.name || !model.path) {
        return glimpse_fail_nomem(256, "a list");
    }
    s->vectors_bytes += found->index_bytes;
    if (s->model_count == 0 || found->is_default) full->model = found->info.id;
    full->models[s->model_count++] = model;
    return GLIMPSE_OK;
}

static int count_offline(void *user, const char *path) {
    full_status *full = user;
    const glimpse_root *root = glimpse_root_of(full->known, full->shown.root_count, path);
    full->shown.offline += root && root->offline;
    return GLIMPSE_OK;
}

static int keep_options(full_status *full, size_t i, const glimpse_root_options *options) {
    const char **exclude = calloc(options->exclude_count + 1, sizeof *exclude);
    if (!exclude) return glimpse_fail_nomem(options->exclude_count * sizeof *exclude, "a list");
    full->root_settings[i] = (glimpse_root_settings){
        options->follow_links, options->include_nomedia, exclude, 0, options->tiles};
    for (size_t k = 0; k < options->exclude_count; k++) {
        exclude[k] = keep_text(full, options->exclude[k]);
        if (!exclude[k]) return glimpse_fail_nomem(256, "a list");
        full->root_settings[i].exclude_count++;
    }
    return GLIMPSE_OK;
}

static int count_single(full_status *full, glimpse_store *store) {
    char **paths = NULL;
    size_t count = 0;
    int status = store->ops->files.list_single(&paths, &count, store);
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
    full->shown.single_files = count;
    return status;
}

/* Looks at every root on the disk. */
static int list_roots(full_status *full, glimpse_store *store) {
    glimpse_library_status *s = &full->shown;
    glimpse_root *roots = NULL;
    size_t count = 0;
    int any_offline = 0;
    int status = store->ops->roots.list(&roots, &count, store);
    if (status < 0) return status;
    full->roots = calloc(count ? count : 1, sizeof *full->roots);
    full->root_offline = calloc(count ? count : 1, sizeof *full->root_offline);
    full->root_settings = calloc(count ? count : 1, sizeof *full->root_settings);
    if (!full->roots || !full->root_offline || !full->root_settings)
        status = glimpse_fail_nomem(16 * count, "a list");
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        int reachable = 0;
        status = glimpse_store_root_reachable(&reachable, store, roots[i].path);
        roots[i].offline = !reachable;
        any_offline |= !reachable;
        full->root_offline[i] = !reachable;
        full->roots[i] = keep_text(full, roots[i].path);
        if (!full->roots[i]) status = glimpse_fail_nomem(256, "a list");
        s->root_count++;
        if (status == GLIMPSE_OK) status = keep_options(full, i, &roots[i].options);
    }
    full->known = roots;
    if (status == GLIMPSE_OK && any_offline) {
        status = store->ops->files.present(store, count_offline, full);
    }
    full->known = NULL;
    glimpse_roots_free(roots, count);
    return status;
}

static int count_all(full_status *full, glimpse_store *store) {
    glimpse_library_status *s = &full->shown;
    glimpse_store_counts counts;
    int status = store->ops->upkeep.count(&counts, store, full->model);
    if (status < 0) return status;
    s->files = counts.files;
    s->missing = counts.missing;
    s->left_out = counts.left_out;
    s->embedded = counts.embedded;
    s->duplicates = counts.duplicates;
    s->pending = counts.pending;
    s->tiles = counts.tiles;
    s->tiled = counts.tiled;
    s->captions = counts.captions;
    s->captioned = counts.captioned;
    return store->ops->upkeep.count_unidentified(&s->unidentified, store);
}

/* `everything` 0: only the models, which needs no look at files. */
static int collect(glimpse_library *library, glimpse_library_status **out, int everything) {
    if (out) *out = NULL;
    if (!library || !out) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the status of a library: a NULL argument");
    }
    glimpse_store *store = glimpse_library_store(library);
    const glimpse_store_ops *ops = store->ops;
    full_status *full = calloc(1, sizeof *full);
    if (!full) return glimpse_fail_nomem(sizeof *full, "a status");
    glimpse_library_status *s = &full->shown;
    int status = ops->begin_read(store);
    if (status < 0) goto done;
    status = ops->models.list(store, add_model, full);
    if (status == GLIMPSE_OK && everything) status = count_all(full, store);
    if (status == GLIMPSE_OK && everything) {
        status = ops->files.quarantined(store, add_quarantined, full);
    }
    if (status == GLIMPSE_OK && everything) status = list_roots(full, store);
    if (status == GLIMPSE_OK && everything) status = count_single(full, store);
    if (status == GLIMPSE_OK) {
        s->library = keep_text(full, store->path);
        if (!s->library) status = glimpse_fail_nomem(256, "a status");
    }
    s->quarantined = full->quarantined;
    s->models = full->models;
    s->roots = full->roots;
    s->root_offline = full->root_offline;
    s->root_settings = full->root_settings;
    s->catalog_bytes = ops->upkeep.bytes(store);
    ops->end_read(store);
done:
    if (status < 0) {
        glimpse_library_status_free(s);
        return status;
    }
    *out = s;
    return GLIMPSE_OK;
}

int glimpse_library_load_status(glimpse_library_status **out, glimpse_library *library) {
    return collect(library, out, 1);
}

int glimpse_library_load_model_status(glimpse_library_status **out, glimpse_library *library) {
    return collect(library, out, 0);
}

int glimpse_library_set_default_model(glimpse_library *library, const glimpse_model *model,
                                      int is_chosen) {
    if (!library || !model) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    const glimpse_model_key key = glimpse_model_get_key(model);
    int status = store->ops->lock(store, "choosing a model");
    if (status < 0) return status;
    status = store->ops->begin(store);
    if (status == GLIMPSE_OK) status = store->ops->models.set_default(store, &key, is_chosen);
    if (status == GLIMPSE_OK) status = store->ops->commit(store);
    if (status < 0) store->ops->rollback(store);
    store->ops->unlock(store);
    return status;
}

int glimpse_library_model_coverage(uint64_t *covered, uint64_t *all, glimpse_library *library,
                                   const glimpse_model *model) {
    glimpse_model_info info;
    if (!covered || !all || !library || !model) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    const glimpse_model_key key = glimpse_model_get_key(model);
    int status = store->ops->begin_read(store);
    if (status < 0) return status;
    status = glimpse_store_find_model(&info, store, &key);
    if (status == GLIMPSE_OK) {
        status = store->ops->models.coverage(covered, all, store, info.id);
    }
    store->ops->end_read(store);
    return status;
}

void glimpse_library_status_free(glimpse_library_status *status) {
    if (!status) return;
    full_status *full = (full_status *)(void *)status;
    glimpse_strings_free(&full->strings);
    free(full->quarantined);
    free(full->models);
    free(full->roots);
    free(full->root_offline);
    for (size_t i = 0; full->root_settings && i < status->root_count; i++)
        free((void *)full->root_settings[i].exclude);
    free(full->root_settings);
    free(full);
}
