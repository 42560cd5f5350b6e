/*
 * index/ingest/budget.h - bounding the memory that pictures in flight take.
 *
 * A budget gives out bytes while they fit below its limit, and a single item of any size when
 * nothing else has any: a picture larger than the limit passes alone instead of never. Items
 * are served in the order they came, so a large one is not overtaken for ever.
 *
 * A worker acquires from the budget of file bytes first and then, holding that, from that of
 * pixels. Those that have the second wait for nobody, so both drain.
 */
#ifndef GLIMPSE_INDEX_BUDGET_H
#define GLIMPSE_INDEX_BUDGET_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_budget {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    uint64_t limit, inside;
    uint64_t next_ticket, now_serving;
    int ready; /* the lock exists */
} glimpse_budget;

int glimpse_budget_init(glimpse_budget *budget, uint64_t limit);
void glimpse_budget_destroy(glimpse_budget *budget); /* also of a zeroed one */
void glimpse_budget_acquire(glimpse_budget *budget, uint64_t bytes);
void glimpse_budget_release(glimpse_budget *budget, uint64_t bytes);

/* An upper estimate of what decoding these bytes takes at its peak, beside the bytes themselves:
 * pixels, what the decoder holds, and a turned copy. From the declared size. What declares an
 * empty picture, or more than `max_pixels`, will be refused before memory is taken and counts as
 * nothing. What declares no size that is understood here counts as `max_pixels`, with *certain 0:
 * nearly always it is damaged and will take nothing. */
uint64_t glimpse_estimate_decoding(const void *data, size_t size, uint64_t max_pixels,
                                   int *certain);

#endif
