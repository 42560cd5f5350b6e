/*
 * dups_state.c - the state of a duplicate search: its clock, its progress, its end.
 */
#include "dups_private.h"

#include "core/clock.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

int glimpse_dups_progress(glimpse_dups *dups, const char *stage, uint64_t done, uint64_t total,
                          int final, const char *path) {
    double now = glimpse_now();
    if (!dups->options->progress || now - dups->last_progress < 0.1) return GLIMPSE_OK;
    dups->last_progress = now;
    glimpse_progress progress = {.stage = stage,
                                 .done = done,
                                 .total = total,
                                 .total_is_final = final,
                                 .seconds = now - dups->started,
                                 .path = path};
    if (dups->options->progress(dups->options->user, &progress))
        return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped while %s", stage);
    return GLIMPSE_OK;
}

void glimpse_dups_release(glimpse_dups *dups) {
    for (size_t i = 0; i < dups->count; i++) {
        glimpse_dups_item *item = &dups->items[i];
        free((char *)item->picture.path);
        free((char *)item->picture.label);
        free((char *)item->picture.format);
        free((char *)item->picture.taken);
        free((char *)item->picture.camera);
        free((float *)item->picture.embedding);
        free(item->thumb);
        free(item->reason);
    }
    for (size_t i = 0; i < dups->root_count; i++)
        free(dups->roots[i]);
    for (size_t i = 0; i < dups->group_count; i++)
        free(dups->groups[i].members);
    free(dups->keep_path);
    free(dups->items);
    free(dups->roots);
    free(dups->first_of);
    free(dups->members);
    free(dups->member_start);
    free(dups->sets);
    free(dups->hints);
    free(dups->edges);
    free(dups->groups);
    memset(dups, 0, sizeof *dups);
}
