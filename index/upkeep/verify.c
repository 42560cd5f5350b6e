/*
 * verify.c - reading everything once and comparing it with everything it should agree with; what
 * that is, the store knows.
 */
#include "core/error.h"
#include "library_private.h"

void glimpse_library_set_cancelled(glimpse_library *library, int (*cancelled)(void *user),
                                   void *user) {
    if (!library) return;
    glimpse_store *store = glimpse_library_store(library);
    store->cancelled = cancelled;
    store->cancelled_user = user;
}

int glimpse_library_verify(uint64_t *checked, glimpse_library *library, glimpse_problem_fn report,
                           void *user) {
    uint64_t looked_at = 0, problems = 0;
    if (checked) *checked = 0;
    if (!library) return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_library_verify: no library");
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->upkeep.verify(&looked_at, &problems, store, report, user);
    if (checked) *checked = looked_at;
    if (status < 0) return status;
    if (problems == 0) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_CORRUPT, "%s: %llu problem%s found",
                        glimpse_library_path(library), (unsigned long long)problems,
                        problems == 1 ? "" : "s");
}
