/*
 * lookup.c - a picture or a model by what a person calls it.
 */
#include "core/error.h"
#include "core/file.h"
#include "image/format.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* 1 when it was read, and is what its hash says. */
static int identify_file(glimpse_hash *identity, const char *path, const glimpse_hash *hash) {
    enum { MAX_BYTES = 1 << 30 };
    const glimpse_kept_error before = glimpse_error_keep();
    void *data = NULL;
    size_t size = 0;
    int identified = 0;
    if (glimpse_file_read(&data, &size, path, MAX_BYTES) == GLIMPSE_OK) {
        const glimpse_hash found = glimpse_hash_bytes(data, size);
        identified = memcmp(&found, hash, sizeof found) == 0 &&
                     glimpse_image_identity(identity, NULL, data, size) >= 0;
        free(data);
    }
    if (!identified) glimpse_error_restore(&before);
    return identified;
}

int glimpse_store_id_of_file(glimpse_hash *id, int *known, glimpse_hash *identity,
                             glimpse_store *store, const char *path, const glimpse_hash *hash) {
    const glimpse_store_ops *ops = store->ops;
    int status = ops->contents.id_of(id, known, store, hash, NULL);
    *identity = (glimpse_hash){{0}};
    if (status < 0 || *known || !identify_file(identity, path, hash)) return status;
    return ops->contents.id_of(id, known, store, hash, identity);
}

typedef struct other_lengths {
    const glimpse_model_key *key;
    char *text; /* "16, 48" */
    size_t capacity, used;
} other_lengths;

static int add_length(void *user, const glimpse_store_model *model) {
    other_lengths *others = user;
    const size_t capacity = others->capacity - others->used;
    if (strcmp(model->name, others->key->name) != 0 || model->info.dim == others->key->dim)
        return GLIMPSE_OK;
    int length = snprintf(others->text + others->used, capacity, "%s%zu", others->used ? ", " : "",
                          model->info.dim);
    if (length > 0 && (size_t)length < capacity) others->used += (size_t)length;
    others->text[others->used] = '\0';
    return GLIMPSE_OK;
}

int glimpse_store_other_lengths(char *text, size_t capacity, glimpse_store *store,
                                const glimpse_model_key *key) {
    other_lengths others = {.key = key, .text = text, .capacity = capacity};
    text[0] = '\0';
    return store->ops->models.list(store, add_length, &others);
}

static int fail_not_indexed(glimpse_store *store, const glimpse_model_key *key) {
    char others[64];
    int status = glimpse_store_other_lengths(others, sizeof others, store, key);
    if (status < 0) return status;
    return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                        "%s: no picture was indexed with the model %s yet, as vectors of %zu "
                        "numbers%s%s",
                        store->path, key->name, key->dim,
                        *others ? "; by this name there are some of " : "", others);
}

int glimpse_store_find_model(glimpse_model_info *out, glimpse_store *store,
                             const glimpse_model_key *key) {
    int status = store->ops->models.find(out, store, key->fingerprint);
    if (status == GLIMPSE_E_NOT_FOUND) return fail_not_indexed(store, key);
    if (status == GLIMPSE_OK && out->dim != key->dim) {
        char text[160];
        (void)snprintf(text, sizeof text, "model %s has %zu dimensions there and %zu here",
                       key->fingerprint, out->dim, key->dim);
        return store->ops->damaged(store, text);
    }
    return status;
}
