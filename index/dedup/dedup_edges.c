/*
 * index/dedup/dedup_edges.c - finding the edge of two pictures.
 */
#include "dedup_private.h"

const glimpse_dedup_edge *glimpse_dedup_find_edge(const glimpse_dedup *dedup, uint32_t a,
                                                  uint32_t b) {
    size_t low = 0, high = dedup->edge_count;
    if (a > b) {
        uint32_t swap = a;
        a = b, b = swap;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const glimpse_dedup_edge *e = &dedup->edges[middle];
        if (e->a == a && e->b == b) return e;
        if (e->a < a || (e->a == a && e->b < b)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
