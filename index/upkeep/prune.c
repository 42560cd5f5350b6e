/*
 * prune.c - writing anew what is derived, and forgetting what is gone.
 *
 * Nothing here is done by itself: files that disappeared stay known (and come back when they do)
 * until somebody prunes.
 */
#include "core/error.h"
#include "library_private.h"

int glimpse_library_reindex(glimpse_library *library) {
    if (!library) return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_library_reindex: no library");
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->lock(store, "reindexing");
    if (status < 0) return status;
    status = store->ops->upkeep.reindex(store);
    store->ops->unlock(store);
    return status;
}

int glimpse_library_prune(glimpse_prune_report *report, glimpse_library *library,
                          const glimpse_prune_options *options) {
    static const glimpse_prune_options defaults = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report counted = {0};
    if (report) *report = counted;
    if (!library) return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_library_prune: no library");
    if (!options) options = &defaults;
    if (options->version != GLIMPSE_PRUNE_OPTIONS_VERSION) {
        return glimpse_fail(GLIMPSE_E_INVALID, "prune options of version %u", options->version);
    }
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->lock(store, "pruning");
    if (status < 0) return status;
    status = store->ops->upkeep.prune(&counted, store, options);
    store->ops->unlock(store);
    if (status == GLIMPSE_OK && report) *report = counted;
    return status;
}
