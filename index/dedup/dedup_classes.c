/*
 * index/dedup/dedup_classes.c - files with the same pixels that hold the same are one class. Its
 * first file stands for it in everything that looks at pictures, so a thousand copies cost no more
 * than one.
 */
#include "dedup_private.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct key {
    const char *pixels;
    uint64_t holds;
    uint32_t item;
} key;

static int compare_keys(const void *a, const void *b) {
    const key *x = a, *y = b;
    int order = strcmp(x->pixels, y->pixels);
    if (order == 0) order = (x->holds > y->holds) - (x->holds < y->holds);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

int glimpse_dedup_make_classes(glimpse_dedup *dedup) {
    size_t n = 0, total = dedup->count;
    key *keys = malloc((total + 1) * sizeof *keys);
    dedup->first_of = malloc((total + 1) * sizeof *dedup->first_of);
    dedup->members = malloc((total + 1) * sizeof *dedup->members);
    dedup->member_start = malloc((total + 2) * sizeof *dedup->member_start);
    dedup->sets = calloc(total + 1, 1);
    if (!keys || !dedup->first_of || !dedup->members || !dedup->member_start || !dedup->sets) {
        free(keys);
        return glimpse_fail_nomem(total * 32, "classes of equal pictures");
    }
    for (size_t i = 0; i < total; i++) {
        if (dedup->items[i].status < 0) continue;
        keys[n++] = (key){dedup->items[i].picture.pixels, dedup->items[i].holds, (uint32_t)i};
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    dedup->class_count = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(keys[i].pixels, keys[i - 1].pixels) != 0 ||
            keys[i].holds != keys[i - 1].holds) {
            dedup->member_start[dedup->class_count] = (uint32_t)i;
            dedup->first_of[dedup->class_count++] = keys[i].item;
        }
        glimpse_dedup_item *item = &dedup->items[keys[i].item];
        dedup->members[i] = keys[i].item;
        item->class = (uint32_t)(dedup->class_count - 1);
        dedup->sets[item->class] |= (uint8_t)(1U << item->picture.set);
    }
    dedup->member_start[dedup->class_count] = (uint32_t)n;
    free(keys);
    return GLIMPSE_OK;
}
