/*
 * index/dedup/dups_classes.c - files with the same pixels are one class. Its first file stands for
 * it in everything that looks at pictures, so a thousand copies cost no more than one.
 */
#include "dups_private.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct key {
    const char *pixels;
    uint32_t item;
} key;

static int compare_keys(const void *a, const void *b) {
    const key *x = a, *y = b;
    int order = strcmp(x->pixels, y->pixels);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

int glimpse_dups_make_classes(glimpse_dups *dups) {
    size_t n = 0, total = dups->count;
    key *keys = malloc((total + 1) * sizeof *keys);
    dups->first_of = malloc((total + 1) * sizeof *dups->first_of);
    dups->members = malloc((total + 1) * sizeof *dups->members);
    dups->member_start = malloc((total + 2) * sizeof *dups->member_start);
    dups->sets = calloc(total + 1, 1);
    if (!keys || !dups->first_of || !dups->members || !dups->member_start || !dups->sets) {
        free(keys);
        return glimpse_fail_nomem(total * 32, "classes of equal pictures");
    }
    for (size_t i = 0; i < total; i++) {
        if (dups->items[i].status < 0) continue;
        keys[n++] = (key){dups->items[i].picture.pixels, (uint32_t)i};
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    dups->class_count = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(keys[i].pixels, keys[i - 1].pixels) != 0) {
            dups->member_start[dups->class_count] = (uint32_t)i;
            dups->first_of[dups->class_count++] = keys[i].item;
        }
        glimpse_dups_item *item = &dups->items[keys[i].item];
        dups->members[i] = keys[i].item;
        item->class = (uint32_t)(dups->class_count - 1);
        dups->sets[item->class] |= (uint8_t)(1U << item->picture.set);
    }
    dups->member_start[dups->class_count] = (uint32_t)n;
    free(keys);
    return GLIMPSE_OK;
}
