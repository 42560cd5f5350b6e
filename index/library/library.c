/*
 * library.c - the handle of an open library: a store, and nothing else yet.
 */
#include "core/error.h"
#include "library_private.h"

#include <glimpse/sys/model.h>

#include <stdlib.h>

struct glimpse_library {
    glimpse_store *store;
};

static int make(glimpse_library **out, glimpse_store *store) {
    glimpse_library *library = calloc(1, sizeof *library);
    if (!library) {
        glimpse_store_close(store);
        return glimpse_fail_nomem(sizeof *library, "a library");
    }
    library->store = store;
    *out = library;
    return GLIMPSE_OK;
}

int glimpse_library_open(glimpse_library **out, const char *path, unsigned flags) {
    glimpse_store *store = NULL;
    if (out) *out = NULL;
    if (!out || !path || !*path) return glimpse_fail(GLIMPSE_E_INVALID, "no library was named");
    const unsigned both = GLIMPSE_LIBRARY_CREATE | GLIMPSE_LIBRARY_READ_ONLY;
    if (flags & ~(both | GLIMPSE_LIBRARY_UPGRADE) || (flags & both) == both) {
        return glimpse_fail(GLIMPSE_E_INVALID, "flags %u make no sense for a library", flags);
    }
    int status = glimpse_store_open(&store, path, flags);
    return status < 0 ? status : make(out, store);
}

int glimpse_library_open_sibling(glimpse_library **out, const glimpse_library *library) {
    glimpse_store *store = NULL;
    if (out) *out = NULL;
    if (!out || !library) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_library_open_sibling: a NULL argument");
    }
    int status = glimpse_store_open_sibling(&store, library->store);
    return status < 0 ? status : make(out, store);
}

void glimpse_library_close(glimpse_library *library) {
    if (!library) return;
    glimpse_store_close(library->store);
    free(library);
}

const char *glimpse_library_path(const glimpse_library *library) {
    return library ? library->store->path : "";
}

glimpse_store *glimpse_library_store(const glimpse_library *library) {
    return library->store;
}

int glimpse_library_is_in_place(const glimpse_library *library) {
    return library->store->ops->is_in_place(library->store);
}

int glimpse_library_lock(glimpse_library *library, const char *purpose) {
    return library->store->ops->lock(library->store, purpose);
}

int glimpse_library_check_writable(const glimpse_library *library) {
    return library->store->ops->check_writable(library->store);
}

void glimpse_library_unlock(glimpse_library *library) {
    library->store->ops->unlock(library->store);
}

glimpse_model_key glimpse_model_get_key(const glimpse_model *model) {
    return (glimpse_model_key){
        .fingerprint = glimpse_model_fingerprint(model),
        .name = glimpse_model_name(model),
        .path = glimpse_model_path(model),
        .dim = glimpse_model_embedding_size(model),
    };
}
