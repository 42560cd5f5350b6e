/*
 * math/prepared_weights.h - prepared weights in the order in which layers ask for them: out of a
 * cache that was written by an earlier process, or collected to be written for later ones.
 *
 * Opening a tower prepares its layers in a fixed order, so an entry needs no name: the n-th request
 * is the n-th entry. What the file as a whole belongs to (model, tower, backend, precision, CPU,
 * versions) is the business of model/weights_cache.h, which fills them from a file and writes them
 * to one.
 *
 *     reading      find() hands out the entries one by one; the first that does not fit stops it,
 *                  and everything from there on is prepared as if there were no cache
 *     collecting   find() finds nothing, keep() remembers; the memory stays the layer's
 */
#ifndef GLIMPSE_MATH_PREPARED_WEIGHTS_H
#define GLIMPSE_MATH_PREPARED_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_prepared_entry {
    const void *data; /* 64-byte aligned when it comes from a cache */
    size_t bytes;
} glimpse_prepared_entry;

typedef struct glimpse_prepared_weights {
    glimpse_prepared_entry *entries; /* owned */
    size_t count, capacity;
    size_t next; /* reading: the entry of the next request */
    int reading, collecting;
} glimpse_prepared_weights;

/* The next entry when it has exactly `bytes`; else NULL, and the caller prepares its weights. A
 * NULL is empty. */
const void *glimpse_prepared_find(glimpse_prepared_weights *prepared, size_t bytes);
/* Remembers what was prepared after find() found nothing; `data` must stay until it is written. */
int glimpse_prepared_keep(glimpse_prepared_weights *prepared, const void *data, size_t bytes);
void glimpse_prepared_release(glimpse_prepared_weights *prepared); /* a zeroed one is fine */

#endif
