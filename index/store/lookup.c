/*
 * lookup.c - a picture or a model by what a person calls it.
 */
#include "core/error.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>

int glimpse_store_content_of(int64_t *content, glimpse_store *store, const char *path_or_id) {
    const glimpse_store_ops *ops = store->ops;
    glimpse_hash hash;
    char *absolute = NULL, *real = NULL;
    int status = GLIMPSE_E_NOT_FOUND;
    if (glimpse_hash_from_hex(&hash, path_or_id)) {
        status = ops->contents.find_id(content, store, &hash);
        if (status != GLIMPSE_E_NOT_FOUND) return status;
    }
    status = glimpse_path_absolute(&absolute, path_or_id);
    if (status < 0) return status;
    status = ops->files.picture_of(content, store, absolute);
    if (status == GLIMPSE_E_NOT_FOUND && (real = glimpse_path_real(absolute))) {
        status = ops->files.picture_of(content, store, real);
    }
    free(real);
    free(absolute);
    return status;
}

int glimpse_store_find_model(glimpse_model_info *out, glimpse_store *store,
                             const glimpse_model_key *key) {
    int status = store->ops->models.find(out, store, key->fingerprint);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: no picture was indexed with the model %s yet",
                            store->path, key->name);
    }
    if (status == GLIMPSE_OK && out->dim != key->dim) {
        char text[160];
        (void)snprintf(text, sizeof text, "model %s has %zu dimensions there and %zu here",
                       key->fingerprint, out->dim, key->dim);
        return store->ops->damaged(store, text);
    }
    return status;
}
