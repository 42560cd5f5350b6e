/*
 * dedup_state.c - the state of a duplicate search: its clock, its progress, its end.
 */
#include "dedup_private.h"

#include "core/clock.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

int glimpse_dedup_progress(glimpse_dedup *dedup, const char *stage, uint64_t done, uint64_t total,
                           int final, const char *path) {
    double now = glimpse_now();
    if (!dedup->options->progress || now - dedup->last_progress < 0.1) return GLIMPSE_OK;
    dedup->last_progress = now;
    glimpse_progress progress = {.stage = stage,
                                 .done = done,
                                 .total = total,
                                 .total_is_final = final,
                                 .seconds = now - dedup->started,
                                 .path = path};
    if (dedup->options->progress(dedup->options->user, &progress))
        return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped while %s", stage);
    return GLIMPSE_OK;
}

int glimpse_dedup_note_weak(glimpse_dedup *dedup, uint32_t a, uint32_t b,
                            glimpse_dedup_relation relation) {
    if (dedup->weak_count == dedup->weak_capacity) {
        const size_t capacity = dedup->weak_capacity ? dedup->weak_capacity * 2 : 64;
        glimpse_dedup_weak_pair *weak = realloc(dedup->weak, capacity * sizeof *weak);
        if (!weak) return glimpse_fail_nomem(capacity * sizeof *weak, "pairs");
        dedup->weak = weak;
        dedup->weak_capacity = capacity;
    }
    dedup->weak[dedup->weak_count++] = (glimpse_dedup_weak_pair){a, b, relation};
    return GLIMPSE_OK;
}

void glimpse_dedup_release(glimpse_dedup *dedup) {
    for (size_t i = 0; i < dedup->count; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        free((char *)item->picture.path);
        free((char *)item->picture.label);
        free((char *)item->picture.format);
        free((char *)item->picture.taken);
        free((char *)item->picture.camera);
        free((float *)item->picture.embedding);
        glimpse_dedup_free_names(&item->picture);
        free(item->thumb);
        glimpse_holdings_free(item->holdings);
        free(item->reason);
    }
    for (size_t i = 0; i < dedup->root_count; i++)
        free(dedup->roots[i]);
    for (size_t i = 0; i < dedup->group_count; i++)
        free(dedup->groups[i].members);
    for (size_t i = 0; dedup->keep_directories && i < dedup->options->keep_count; i++)
        free(dedup->keep_directories[i]);
    for (size_t i = 0; dedup->protect && i < dedup->options->protect_count; i++)
        free(dedup->protect[i]);
    free(dedup->keep_directories);
    free(dedup->protect);
    for (size_t i = 0; i < dedup->detail_count; i++)
        free(dedup->details[i]);
    free(dedup->details);
    free(dedup->items);
    free(dedup->roots);
    free(dedup->first_of);
    free(dedup->members);
    free(dedup->member_start);
    free(dedup->sets);
    free(dedup->hints);
    free(dedup->edges);
    free(dedup->weak);
    free(dedup->groups);
    memset(dedup, 0, sizeof *dedup);
}
