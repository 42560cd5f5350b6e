/*
 * index/dedup/dedup_origin.c - what tells an original from what was made of it, worked out once for
 * every picture of a search, so that the order of keepers is total.
 *
 * Agreement: versions that show just the same (recompressed, resized, with other metadata) all
 * agree with each other, however they were found, and quality decides among them. What was edited
 * lies outside, and has fewer versions on its side.
 *
 * Quality: a file without loss that has the very pixels of one with loss was made from that, and is
 * worth what its source is. WebP is what pictures on the web were turned into, and so is AVIF
 * unless a camera is named: of those without a known quality, the poorer guess.
 *
 * File times: copying a directory gives its files times that follow each other. They are ordered as
 * runs, each of times that are at most SAME_RUN apart from the next: within a run they say
 * nothing, and runs are ordered whatever lies between two files of one.
 */
#include "dedup_private.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

#define SAME_RUN INT64_C(2000000000)

enum { USUAL = 75, OF_THE_WEB = 50, OF_A_PALETTE = 40, LOSSLESS = 101 };

static int guess_quality(const glimpse_dedup_picture *p) {
    if (p->quality > 0) return p->quality;
    if (strcmp(p->format, "GIF") == 0) return OF_A_PALETTE;
    const int is_of_the_web = strcmp(p->format, "WebP") == 0 || strcmp(p->format, "AVIF") == 0;
    return is_of_the_web && !p->camera[0] ? OF_THE_WEB : USUAL;
}

/* The same pixels are beside each other, those that lost something by quality, then the rest. */
static int compare_pixels(const void *a, const void *b) {
    const glimpse_dedup_item *x = *(glimpse_dedup_item *const *)a,
                             *y = *(glimpse_dedup_item *const *)b;
    const int order = strcmp(x->picture.pixels, y->picture.pixels);
    if (order) return order;
    const int lossless[2] = {x->quality == LOSSLESS, y->quality == LOSSLESS};
    if (lossless[0] != lossless[1]) return lossless[0] - lossless[1];
    return y->quality - x->quality;
}

static int compare_times(const void *a, const void *b) {
    const glimpse_dedup_item *x = *(glimpse_dedup_item *const *)a,
                             *y = *(glimpse_dedup_item *const *)b;
    const int64_t p = x->picture.mtime_ns, q = y->picture.mtime_ns;
    return (p > q) - (p < q);
}

int glimpse_dedup_find_sources(glimpse_dedup *dedup) {
    size_t n = 0;
    glimpse_dedup_item **items = malloc((dedup->count + 1) * sizeof *items);
    if (!items) return glimpse_fail_nomem(dedup->count * sizeof *items, "pictures");
    for (size_t i = 0; i < dedup->count; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        if (item->status < 0) continue;
        item->quality = guess_quality(&item->picture);
        items[n++] = item;
    }
    qsort(items, n, sizeof *items, compare_pixels);
    for (size_t i = 1, source = 0; i < n; i++) {
        if (strcmp(items[i]->picture.pixels, items[source]->picture.pixels) != 0) {
            source = i;
        } else if (items[i]->quality == LOSSLESS && items[source]->quality != LOSSLESS) {
            items[i]->quality = items[source]->quality;
            items[i]->is_resaved = 1;
        }
    }
    qsort(items, n, sizeof *items, compare_times);
    for (size_t i = 1; i < n; i++) {
        const int64_t apart = items[i]->picture.mtime_ns - items[i - 1]->picture.mtime_ns;
        items[i]->written = items[i - 1]->written + (apart > SAME_RUN);
    }
    free(items);
    return GLIMPSE_OK;
}

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
