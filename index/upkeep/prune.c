/*
 * prune.c - writing anew what is derived, and forgetting what is gone.
 *
 * Nothing here is done by itself: files that disappeared stay known (and come back when they do)
 * until somebody prunes.
 */
#include "core/error.h"
#include "core/options.h"
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
                          const glimpse_prune_options *given) {
    glimpse_prune_options own = GLIMPSE_PRUNE_OPTIONS_INIT, *const options = &own;
    glimpse_prune_report counted = GLIMPSE_PRUNE_REPORT_INIT;
    int status = GLIMPSE_REPORT_CHECK(report, glimpse_prune_report, captions);
    if (status < 0) return status;
    GLIMPSE_REPORT_STORE(report, &counted);
    if (!library) return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_library_prune: no library");
    status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_prune_options, model);
    if (status < 0) return status;
    glimpse_store *store = glimpse_library_store(library);
    if (own.cancelled && own.cancelled(own.user)) {
        return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    }
    status = store->ops->lock(store, "pruning");
    if (status < 0) return status;
    status = store->ops->upkeep.prune(&counted, store, options);
    store->ops->unlock(store);
    if (status == GLIMPSE_OK) GLIMPSE_REPORT_STORE(report, &counted);
    return status;
}
