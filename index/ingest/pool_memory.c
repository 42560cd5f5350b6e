/*
 * index/ingest/pool_memory.c - fits a pool into the memory that is left.
 *
 * What a worker takes is counted: its encoder for a batch, two batches of prepared pictures, its
 * vectors; and estimated: stacks, scratch memory of products, what decoders keep. Weights count as
 * far as they are not in memory yet. What is left is for files and decoded pictures.
 */
#include "pool_memory.h"

#include "core/error.h"
#include "core/memory.h"

#include <stdio.h>

enum {
    MEGABYTE = 1 << 20,
    WORKER_BYTES = 24 * MEGABYTE,  /* what is estimated */
    USUAL_PIXELS = 160 * MEGABYTE, /* a photograph of 40 megapixels: workers are given up for it */
    MIN_PIXELS = 24 * MEGABYTE,
    MIN_BATCH = 4
};

static uint64_t worker_bytes(const glimpse_ingest_engine *engine, unsigned batch) {
    if (!engine) return WORKER_BYTES;
    const uint64_t vectors = (uint64_t)batch * engine->key.dim * sizeof(float);
    const uint64_t inputs = (2 * (uint64_t)batch + 1) * engine->input_bytes;
    const uint64_t encoder = engine->encoder_bytes ? engine->encoder_bytes(engine, batch) : 0;
    return WORKER_BYTES + vectors + inputs + encoder;
}

/* Files have a quarter of what pixels have. */
static uint64_t with_files(uint64_t pixel_bytes) {
    return pixel_bytes + pixel_bytes / 4;
}

/* Of the weights, which are mapped and come into memory as they are used; other mapped files, the
 * program and its libraries, count as if they were some of them, and as much is kept back. */
static uint64_t pending_weights(const glimpse_ingest_engine *engine) {
    const uint64_t weights = engine ? engine->model_bytes : 0;
    const uint64_t mapped = glimpse_memory_mapped_resident(), others = 64 * MEGABYTE;
    const uint64_t there = mapped > others ? mapped - others : 0;
    return weights > there ? weights - there : 0;
}

static int fail(uint64_t needed, uint64_t reserved, uint64_t left) {
    const uint64_t max = glimpse_max_memory();
    char beside[64] = "";
    if (reserved >= MEGABYTE) {
        (void)snprintf(beside, sizeof beside, " (of these %llu MB for the vector index)",
                       (unsigned long long)(reserved / MEGABYTE));
    }
    return glimpse_fail(
        GLIMPSE_E_NOMEM,
        "%llu MB are needed for one picture at a time%s, beside the %llu MB that are "
        "in use, and the limit is %llu MB (%s)",
        (unsigned long long)(needed / MEGABYTE + 1), beside,
        (unsigned long long)((max - left) / MEGABYTE), (unsigned long long)(max / MEGABYTE),
        glimpse_wording("glimpse_set_max_memory", NULL));
}

int glimpse_pool_plan_memory(glimpse_pool_plan *plan, const glimpse_pool_options *options) {
    const glimpse_ingest_engine *engine = options->engine;
    const uint64_t left = glimpse_memory_left();
    plan->is_limited = left != UINT64_MAX;
    if (!plan->is_limited) {
        plan->pixel_bytes = glimpse_pool_memory_limit(plan->jobs);
        return GLIMPSE_OK;
    }
    const uint64_t beside = pending_weights(engine) + options->reserved_bytes;
    const uint64_t free_bytes = left > beside ? left - beside : 0;
    /* Small batches cost little, fewer workers much; then the smallest of both. */
    const uint64_t usual = with_files(USUAL_PIXELS);
    while (plan->batch > MIN_BATCH &&
           plan->jobs * worker_bytes(engine, plan->batch) + usual > free_bytes)
        plan->batch /= 2;
    while (plan->jobs > 1 && plan->jobs * worker_bytes(engine, plan->batch) + usual > free_bytes)
        plan->jobs--;
    while (plan->batch > 1 && worker_bytes(engine, plan->batch) + usual > free_bytes)
        plan->batch /= 2;
    const uint64_t workers = plan->jobs * worker_bytes(engine, plan->batch);
    if (workers + with_files(MIN_PIXELS) > free_bytes) {
        return fail(beside + workers + with_files(MIN_PIXELS), options->reserved_bytes, left);
    }
    const uint64_t pixels = (free_bytes - workers) / 5 * 4;
    const uint64_t enough = glimpse_pool_memory_limit(plan->jobs);
    plan->pixel_bytes = pixels < enough ? pixels : enough;
    plan->is_limited = pixels < enough;
    return GLIMPSE_OK;
}
