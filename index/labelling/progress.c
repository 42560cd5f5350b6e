/*
 * progress.c - how far a run is, and whether it should stop.
 */
#include "labeller_internal.h"

#include "core/clock.h"
#include "core/error.h"

int glimpse_labeller_check_cancelled(const glimpse_labeller *l) {
    if (!l->o.cancelled || !l->o.cancelled(l->o.user)) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
}

int glimpse_labeller_progress(const glimpse_labeller *l, const char *stage, size_t done,
                              size_t total, double start) {
    if (l->o.progress) {
        glimpse_progress p = {.stage = stage,
                              .done = done < total ? done : total,
                              .total = total,
                              .total_is_final = 1,
                              .seconds = glimpse_now() - start,
                              .path = ""};
        if (l->o.progress(l->o.user, &p)) return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    }
    return glimpse_labeller_check_cancelled(l);
}
