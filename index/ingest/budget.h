/*
 * index/ingest/budget.h - bounding the memory that pictures in flight take.
 *
 * A gate lets bytes in while they fit below its limit, and lets a single item of any size in when
 * nothing else is inside: a picture larger than the limit passes alone instead of never. Items
 * enter in the order they came, so a large one is not overtaken for ever.
 *
 * A worker enters the gate of file bytes first and then, holding that, the gate of pixels. Those
 * inside the second wait for nobody, so both drain.
 */
#ifndef GLIMPSE_INDEX_BUDGET_H
#define GLIMPSE_INDEX_BUDGET_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_gate {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    uint64_t limit, inside;
    uint64_t next_ticket, now_serving;
    int ready; /* the lock exists */
} glimpse_gate;

int glimpse_gate_init(glimpse_gate *gate, uint64_t limit);
void glimpse_gate_destroy(glimpse_gate *gate); /* also of a zeroed one */
void glimpse_gate_enter(glimpse_gate *gate, uint64_t bytes);
void glimpse_gate_leave(glimpse_gate *gate, uint64_t bytes);

/* An upper estimate of what decoding these bytes takes at its peak, beside the bytes themselves:
 * pixels, what the decoder holds, and a turned copy. From the declared size. What declares an
 * empty picture, or more than `max_pixels`, will be refused before memory is taken and counts as
 * nothing. What declares no size that is understood here counts as `max_pixels`, with *certain 0:
 * nearly always it is damaged and will take nothing. */
uint64_t glimpse_estimate_decoding(const void *data, size_t size, uint64_t max_pixels,
                                   int *certain);

#endif
