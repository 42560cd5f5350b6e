/*
 * index/ingest/pool_batch.c - gathers prepared pictures of all workers into batches for the
 * encoder.
 */
#include "pool_batch.h"

#include "core/clock.h"

#include <stdlib.h>
#include <string.h>

enum { FLUSH_MS = 500, SMALL_BATCH = 4 };

static uint64_t now_ms(void) {
    return (uint64_t)(glimpse_now() * 1000.0);
}

static size_t batch_bytes(const glimpse_pool *pool) {
    return pool->batch * (pool->options.engine->input_bytes + sizeof(glimpse_batch_item));
}

static glimpse_batch *new_batch(glimpse_pool *pool) {
    glimpse_batch *batch = calloc(1, sizeof *batch);
    if (!batch) return NULL;
    batch->items = calloc(pool->batch, sizeof *batch->items);
    batch->rgb = malloc(pool->batch * pool->options.engine->input_bytes);
    if (!batch->items || !batch->rgb) {
        free(batch->items);
        free(batch->rgb);
        free(batch);
        return NULL;
    }
    glimpse_pool_account(pool, batch_bytes(pool));
    return batch;
}

void glimpse_batch_free(glimpse_pool *pool, glimpse_batch *batch) {
    if (!batch) return;
    free(batch->items);
    free(batch->rgb);
    free(batch);
    glimpse_pool_unaccount(pool, batch_bytes(pool));
}

void glimpse_batch_recycle(glimpse_pool_worker *w, glimpse_batch *batch) {
    batch->count = 0;
    if (w->spare) {
        glimpse_batch_free(w->pool, batch);
    } else {
        w->spare = batch;
    }
}

/* Takes the forming batch away; the mutex is held. */
static glimpse_batch *detach_forming(glimpse_pool *pool) {
    glimpse_batch *batch = pool->forming;
    pool->forming = NULL;
    if (batch) (void)atomic_fetch_sub(&pool->undecided, batch->count);
    return batch;
}

static size_t target_size(glimpse_pool *pool) {
    if (!atomic_load(&pool->produced)) return pool->batch;
    const uint64_t left = atomic_load(&pool->undecided);
    const uint64_t share = (left + pool->sharing - 1) / pool->sharing;
    const size_t min = pool->batch < SMALL_BATCH ? pool->batch : SMALL_BATCH;
    return share >= pool->batch ? pool->batch : share < min ? min : (size_t)share;
}

int glimpse_batch_add(glimpse_batch **full, glimpse_pool_worker *w, glimpse_pool_job *job,
                      uint32_t tile) {
    glimpse_pool *pool = w->pool;
    const size_t bytes = pool->options.engine->input_bytes;
    *full = NULL;
    (void)pthread_mutex_lock(&pool->batch_mutex);
    if (!pool->forming) {
        pool->forming = w->spare ? w->spare : new_batch(pool);
        w->spare = NULL;
        pool->forming_since_ms = now_ms();
    }
    glimpse_batch *batch = pool->forming;
    if (batch) {
        memcpy(batch->rgb + batch->count * bytes, w->rgb, bytes);
        batch->items[batch->count++] = (glimpse_batch_item){job, tile};
        if (batch->count >= target_size(pool)) *full = detach_forming(pool);
    }
    (void)pthread_mutex_unlock(&pool->batch_mutex);
    return batch != NULL;
}

glimpse_batch *glimpse_batch_flush(glimpse_pool *pool, int at_end) {
    glimpse_batch *batch = NULL;
    (void)pthread_mutex_lock(&pool->batch_mutex);
    if (pool->forming && (at_end || now_ms() - pool->forming_since_ms > FLUSH_MS)) {
        batch = detach_forming(pool);
    }
    (void)pthread_mutex_unlock(&pool->batch_mutex);
    return batch;
}
