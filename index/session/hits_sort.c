/*
 * hits_sort.c - what a search found in another order than by score.
 */
#include "session_hits.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct item {
    glimpse_hit hit;
    glimpse_sort sort;
    int reverse;
} item;

/* Negative when `a` comes first; *missing: one of them has no such thing, and comes last. */
static int compare_by(const glimpse_result *a, const glimpse_result *b, glimpse_sort sort,
                      int *missing) {
    *missing = 0;
    switch (sort) {
    case GLIMPSE_SORT_TAKEN: return strcmp(b->taken, a->taken);
    case GLIMPSE_SORT_BYTES: return (b->bytes > a->bytes) - (b->bytes < a->bytes);
    case GLIMPSE_SORT_ADDED:
        *missing = (a->added == 0) != (b->added == 0);
        if (*missing) return a->added == 0 ? 1 : -1;
        return (b->added > a->added) - (b->added < a->added);
    case GLIMPSE_SORT_RATING:
        *missing = a->has_rating != b->has_rating;
        if (*missing) return a->has_rating ? -1 : 1;
        return (b->rating > a->rating) - (b->rating < a->rating);
    default: return strcmp(a->path, b->path);
    }
}

static int compare(const void *left, const void *right) {
    const item *x = left, *y = right;
    const glimpse_result *a = x->hit.result, *b = y->hit.result;
    int missing = 0;
    const int order = compare_by(a, b, x->sort, &missing);
    if (order != 0) return x->reverse && !missing ? -order : order;
    return strcmp(a->path, b->path);
}

int glimpse_hits_sort(glimpse_hits *hits, glimpse_sort sort, int reverse) {
    if (sort == GLIMPSE_SORT_NONE || hits->count < 2) return GLIMPSE_OK;
    item *items = malloc(hits->count * sizeof *items);
    if (!items) return glimpse_fail_nomem(hits->count * sizeof *items, "results");
    for (size_t i = 0; i < hits->count; i++)
        items[i] = (item){hits->items[i], sort, reverse};
    qsort(items, hits->count, sizeof *items, compare);
    for (size_t i = 0; i < hits->count; i++)
        hits->items[i] = items[i].hit;
    free(items);
    return GLIMPSE_OK;
}
