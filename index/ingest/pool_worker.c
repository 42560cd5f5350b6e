/*
 * index/ingest/pool_worker.c - what one worker of the pool does with a file, from reading its bytes
 * to its embedding.
 */
#include "pool_worker.h"

#include "core/clock.h"
#include "core/error.h"
#include "image/format.h"
#include "pool_batch.h"
#include "pool_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MS = 100 };

/* 0 when the vector is of no use: then cosine similarities with it would be nonsense. */
static int is_usable(const float *vector, size_t dim) {
    double sum = 0.0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)vector[i] * (double)vector[i];
    return isfinite(sum) && sum > 1e-12;
}

static int prepare_encoder(glimpse_pool_worker *w) {
    const glimpse_pool *pool = w->pool;
    const glimpse_ingest_engine *engine = pool->options.engine;
    if (!w->embeddings) {
        const size_t bytes = pool->batch * engine->key.dim * sizeof(float);
        w->embeddings = malloc(bytes);
        if (!w->embeddings) return glimpse_fail_nomem(bytes, "embeddings");
    }
    if (w->encoder) return GLIMPSE_OK;
    return engine->encoder_create(engine, &w->encoder, pool->batch);
}

/* Encodes the batch, or drops it when the run stops. */
static void encode(glimpse_pool_worker *w, glimpse_batch *batch) {
    glimpse_pool *pool = w->pool;
    const glimpse_ingest_engine *engine = pool->options.engine;
    const size_t dim = engine->key.dim;
    int status = GLIMPSE_E_CANCELLED;
    glimpse_pool_hand_over(w);
    if (!atomic_load(&pool->stop)) {
        const double start = glimpse_now();
        status = prepare_encoder(w);
        if (status == GLIMPSE_OK) {
            status = engine->encode(w->encoder, batch->rgb, batch->count, w->embeddings);
        }
        if (status < 0) glimpse_pool_fail(pool, status);
        const double end = glimpse_now();
        w->encode += end - start;
        if (pool->options.trace) {
            char detail[48];
            (void)snprintf(detail, sizeof detail, "%zu pictures", batch->count);
            glimpse_trace_span(pool->options.trace, w->row, "encode", start, end, detail);
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        glimpse_pool_job *job = batch->jobs[i];
        const float *vector = status == GLIMPSE_OK ? w->embeddings + i * dim : NULL;
        job->outcome = GLIMPSE_POOL_DROPPED;
        if (vector && !is_usable(vector, dim)) {
            glimpse_pool_job_fail(job, GLIMPSE_E_INTERNAL,
                                  "the model gives no usable vector for this picture");
        } else if (vector) {
            job->embedding = malloc(dim * sizeof(float));
            if (job->embedding) {
                memcpy(job->embedding, vector, dim * sizeof(float));
                job->outcome = GLIMPSE_POOL_DONE;
            } else {
                glimpse_pool_job_fail(job, GLIMPSE_E_NOMEM, NULL);
            }
        }
        glimpse_pool_finish(w, job);
    }
    glimpse_pool_hand_over(w);
    glimpse_batch_recycle(w, batch);
}

static void add_to_batch(glimpse_pool_worker *w, glimpse_pool_job *job) {
    glimpse_batch *full = NULL;
    if (!glimpse_batch_add(&full, w, job)) {
        glimpse_pool_job_fail(job, GLIMPSE_E_NOMEM, NULL);
        glimpse_pool_decided(w, job);
    }
    if (full) encode(w, full);
}

/* 1 when decoding may leave out pixels of such a picture. It may say so without need, never the
 * other way round: then the picture is decoded once more and comes out the same. */
static int may_be_reduced(const glimpse_pool *pool, const glimpse_image_meta *meta) {
    const uint32_t side = pool->decoding.short_side;
    const uint32_t shortest = meta->width < meta->height ? meta->width : meta->height;
    if (side == 0 || shortest / 2 + 1 < side) return 0;
    return glimpse_format_is_reducible(meta->format);
}

/* The whole picture for `inspect`, and from it, or reduced, what the encoder gets. */
static int decode_and_inspect(glimpse_pool_worker *w, glimpse_pool_job *job, const uint8_t *data,
                              size_t size) {
    const glimpse_pool *pool = w->pool;
    const glimpse_ingest_engine *engine = pool->options.engine;
    glimpse_decode_options whole = GLIMPSE_DECODE_OPTIONS_INIT;
    glimpse_image *image = NULL;
    whole.max_pixels = pool->decoding.max_pixels;
    int status = glimpse_image_decode(&image, data, size, "picture", &whole);
    if (status < 0) return status;
    job->meta = *glimpse_image_metadata(image);
    status = pool->options.inspect(pool->options.user, job, image, data, size);
    if (!engine) job->wants_embedding = 0;
    if (status == GLIMPSE_OK && job->wants_embedding) {
        if (may_be_reduced(pool, &job->meta)) {
            glimpse_image_free(image);
            image = NULL;
            status = engine->decode(engine, data, size, &pool->decoding, w->rgb, &job->meta);
        } else {
            status = engine->preprocess(engine, image, w->rgb);
        }
    }
    glimpse_image_free(image);
    return status;
}

static void decode(glimpse_pool_worker *w, glimpse_pool_job *job, const uint8_t *data) {
    glimpse_pool *pool = w->pool;
    const glimpse_ingest_engine *engine = pool->options.engine;
    const size_t size = (size_t)job->content_size;
    int certain = 0;
    const uint64_t estimate =
        glimpse_estimate_decoding(data, size, pool->decoding.max_pixels, &certain);
    glimpse_budget_acquire(&pool->pixel_budget, estimate);
    const double start = glimpse_now();
    if (certain) glimpse_pool_account(pool, estimate);
    int status = pool->options.inspect
                     ? decode_and_inspect(w, job, data, size)
                     : engine->decode(engine, data, size, &pool->decoding, w->rgb, &job->meta);
    const double end = glimpse_now();
    w->decode += end - start;
    glimpse_trace_span(pool->options.trace, w->row, "decode", start, end, job->path);
    if (certain) glimpse_pool_unaccount(pool, estimate);
    glimpse_budget_release(&pool->pixel_budget, estimate);
    if (status < 0) glimpse_pool_job_fail_decoding(job, status);
}

static void process(glimpse_pool_worker *w, glimpse_pool_job *job) {
    glimpse_pool *pool = w->pool;
    uint8_t *data = NULL;
    const double start = glimpse_now();
    glimpse_pool_read(pool, job, &data);
    const double end = glimpse_now();
    w->read += end - start;
    glimpse_pool_note_read(pool, job, end - start);
    glimpse_trace_span(pool->options.trace, w->row, "read and hash", start, end, job->path);
    if (!data) {
        glimpse_pool_decided(w, job);
        return;
    }
    const uint64_t file_size = job->stamp.size;
    job->bytes = data;
    glimpse_pool_step step = GLIMPSE_STEP_ON;
    if (pool->options.claim) {
        step = pool->options.claim(pool->options.user, job);
    }
    if (step != GLIMPSE_STEP_PARKED) job->bytes = NULL;
    if (step == GLIMPSE_STEP_ON && job->outcome == GLIMPSE_POOL_PENDING) {
        glimpse_pool_hand_over(w);
        decode(w, job, data);
    }
    glimpse_pool_release(pool, file_size, data);
    if (step == GLIMPSE_STEP_PARKED) {
        (void)atomic_fetch_sub(&pool->undecided, 1);
    } else if (job->outcome != GLIMPSE_POOL_PENDING) {
        glimpse_pool_decided(w, job);
    } else if (job->wants_embedding) {
        add_to_batch(w, job);
    } else {
        job->outcome = GLIMPSE_POOL_DONE;
        glimpse_pool_decided(w, job);
    }
}

static void flush(glimpse_pool_worker *w, int at_end) {
    glimpse_batch *batch = glimpse_batch_flush(w->pool, at_end);
    if (batch) encode(w, batch);
}

void *glimpse_pool_work(void *argument) {
    glimpse_pool_worker *w = argument;
    glimpse_pool *pool = w->pool;
    const glimpse_ingest_engine *engine = pool->options.engine;
    if (engine && !w->rgb) {
        w->rgb = malloc(engine->input_bytes);
        if (!w->rgb) {
            glimpse_pool_fail(pool, glimpse_fail_nomem(engine->input_bytes, "a picture"));
        }
    }
    for (;;) {
        void *items[GLIMPSE_POOL_TOGETHER];
        /* Half of a fair share, so that none is left with many at the end. */
        const int got = glimpse_queue_pop_some(pool->job_queue, items, GLIMPSE_POOL_TOGETHER,
                                               2 * (size_t)pool->sharing, IDLE_MS);
        if (got == 0) break;
        if (got < 0) {
            flush(w, 0);
            continue;
        }
        glimpse_pool_read_ahead(pool, (size_t)got);
        for (int i = 0; i < got; i++) {
            glimpse_pool_job *job = items[i];
            if (atomic_load(&pool->stop)) {
                job->outcome = GLIMPSE_POOL_DROPPED;
                glimpse_pool_decided(w, job);
            } else {
                process(w, job);
            }
        }
        glimpse_pool_hand_over(w);
    }
    flush(w, 1);
    glimpse_pool_hand_over(w);
    glimpse_pool_feeder_ends(pool);
    return NULL;
}
