/*
 * index/dedup/dedup_origin.c - what tells an original from what was made of it, worked out once for
 * every picture of a search, so that the order of keepers is total.
 *
 * Agreement: versions that show just the same (recompressed, resized, with other metadata) all
 * agree with each other, however they were found, and quality decides among them. What was edited
 * lies outside, and has fewer versions on its side.
 */
#include "dedup_private.h"

#include "core/error.h"

#include <stdlib.h>

static uint32_t root_of(uint32_t *parent, uint32_t class) {
    while (parent[class] != class) {
        parent[class] = parent[parent[class]];
        class = parent[class];
    }
    return class;
}

static int shows_the_same(const glimpse_dedup_edge *edge) {
    return edge->relation == GLIMPSE_RELATION_REENCODED ||
           edge->relation == GLIMPSE_RELATION_HOLDS_MORE;
}

int glimpse_dedup_count_agreeing(glimpse_dedup *dedup) {
    const size_t n = dedup->class_count;
    uint32_t *parent = malloc((n + 1) * sizeof *parent), *size = calloc(n + 1, sizeof *size);
    int changed = 0;
    if (!parent || !size) {
        free(parent);
        free(size);
        return glimpse_fail_nomem(n * 8, "groups");
    }
    for (size_t k = 0; k < n; k++)
        parent[k] = (uint32_t)k;
    for (size_t e = 0; e < dedup->edge_count; e++) {
        if (!shows_the_same(&dedup->edges[e])) continue;
        const uint32_t a = root_of(parent, dedup->items[dedup->edges[e].a].class),
                       b = root_of(parent, dedup->items[dedup->edges[e].b].class);
        parent[a > b ? a : b] = a > b ? b : a;
    }
    for (size_t k = 0; k < n; k++)
        size[root_of(parent, (uint32_t)k)]++;
    for (size_t k = 0; k < n; k++) {
        const uint32_t others = size[root_of(parent, (uint32_t)k)] - 1;
        for (uint32_t m = dedup->member_start[k]; m < dedup->member_start[k + 1]; m++) {
            glimpse_dedup_item *item = &dedup->items[dedup->members[m]];
            /* One other version is as easily that of an edit. */
            const uint32_t agreeing = others < 2 ? 0 : others;
            changed |= item->agreeing != agreeing;
            item->agreeing = agreeing;
        }
    }
    free(parent);
    free(size);
    return changed;
}
