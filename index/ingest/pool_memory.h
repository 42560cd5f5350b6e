/*
 * index/ingest/pool_memory.h - how many workers, how large batches and how many pixels in flight
 * stay below the memory that the process may have (glimpse/process.h).
 */
#ifndef GLIMPSE_INDEX_POOL_MEMORY_H
#define GLIMPSE_INDEX_POOL_MEMORY_H

#include "pool.h"

typedef struct glimpse_pool_plan {
    unsigned jobs, batch; /* as wanted; then what there is memory for */
    uint64_t pixel_bytes; /* of decoded pictures in flight; files have a quarter of it beside */
    int is_limited;       /* then a picture that needs more than pixel_bytes is refused */
} glimpse_pool_plan;

/* GLIMPSE_E_NOMEM, with the numbers, when not even one worker with one picture fits. */
int glimpse_pool_plan_memory(glimpse_pool_plan *plan, const glimpse_pool_options *options);

#endif
