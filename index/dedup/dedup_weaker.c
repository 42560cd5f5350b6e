/*
 * index/dedup/dedup_weaker.c - what options.weakest keeps out of groups, counted: a search for an
 * action looks at pairs of some relations only, and a person should hear of the others.
 *
 * They are counted as the stages before the groups see them: a pair that is too weak is not looked
 * at again, so that full size might call it something weaker still.
 */
#include "dedup_private.h"

#include "core/error.h"

#include <stdlib.h>

static int compare_pairs(const void *a, const void *b) {
    const glimpse_dedup_weak_pair *x = a, *y = b;
    if (x->relation != y->relation) return x->relation < y->relation ? -1 : 1;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

/* The class that stands for all that are joined to it. */
static uint32_t root_of(uint32_t *joined, uint32_t class) {
    while (joined[class] != class) {
        joined[class] = joined[joined[class]];
        class = joined[class];
    }
    return class;
}

static int is_against(const glimpse_dedup *dedup) {
    return dedup->options->against_count > 0 || dedup->options->against_library;
}

static int counts(const glimpse_dedup *dedup, const glimpse_dedup_weak_pair *pair) {
    const glimpse_dedup_item *a = &dedup->items[pair->a], *b = &dedup->items[pair->b];
    if (is_against(dedup)) {
        const unsigned x = dedup->sets[a->class], y = dedup->sets[b->class];
        if ((x | y) != 3 || (x != 1 && y != 1)) return 0;
    }
    if (a->reference && b->reference) return 0;
    if (dedup->options->same_picture_only && pair->relation > GLIMPSE_RELATION_EDITED) return 0;
    return glimpse_dedup_decided(dedup, pair->a, pair->b) == GLIMPSE_DECIDED_NOTHING;
}

int glimpse_dedup_count_weak(glimpse_dedup *dedup) {
    int status = GLIMPSE_OK;
    /* Full size may have weakened pairs that were kept. */
    for (size_t i = 0; i < dedup->edge_count && status == GLIMPSE_OK; i++) {
        const glimpse_dedup_edge *edge = &dedup->edges[i];
        if (glimpse_dedup_too_weak(dedup, edge->relation))
            status = glimpse_dedup_note_weak(dedup, edge->a, edge->b, edge->relation);
    }
    if (status < 0 || dedup->weak_count == 0) return status;
    uint32_t *joined = malloc(dedup->class_count * sizeof *joined);
    if (!joined) return glimpse_fail_nomem(dedup->class_count * sizeof *joined, "pairs");
    for (size_t k = 0; k < dedup->class_count; k++)
        joined[k] = (uint32_t)k;
    for (size_t g = 0; g < dedup->group_count; g++) {
        const glimpse_dedup_cluster *group = &dedup->groups[g];
        const uint32_t keeper = root_of(joined, dedup->items[group->members[0].item].class);
        for (size_t m = 1; m < group->count; m++)
            joined[root_of(joined, dedup->items[group->members[m].item].class)] = keeper;
    }
    /* Each pair that joins two groups, a file being one of itself, makes one keeper less. */
    qsort(dedup->weak, dedup->weak_count, sizeof *dedup->weak, compare_pairs);
    for (size_t i = 0; i < dedup->weak_count; i++) {
        const glimpse_dedup_weak_pair *pair = &dedup->weak[i];
        if (!counts(dedup, pair)) continue;
        uint32_t a = dedup->items[pair->a].class, b = dedup->items[pair->b].class;
        if (is_against(dedup)) {
            /* A picture of the first set is a member once, and never a keeper. */
            if (dedup->sets[b] != 1) {
                const uint32_t other = b;
                b = a;
                a = other;
            }
            if (joined[b] != b) continue;
        }
        a = root_of(joined, a);
        b = root_of(joined, b);
        if (a == b) continue;
        joined[b] = a;
        dedup->left_out[pair->relation]++;
    }
    free(joined);
    return GLIMPSE_OK;
}
