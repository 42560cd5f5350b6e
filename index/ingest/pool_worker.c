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
#include "tiles.h"

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

/* Of a job, part of which may be with several workers. What is worse is kept. */
enum { TROUBLE_NONE, TROUBLE_UNUSABLE, TROUBLE_NOMEM, TROUBLE_CROP, TROUBLE_DROPPED };

static void note_trouble(glimpse_pool_job *job, int trouble) {
    int now = atomic_load(&job->trouble);
    while (trouble > now && !atomic_compare_exchange_weak(&job->trouble, &now, trouble)) {}
}

/* Whoever is the last one hands it over. */
static void finish_one(glimpse_pool_worker *w, glimpse_pool_job *job) {
    if (atomic_fetch_sub(&job->pending, 1) != 1) return;
    switch (atomic_load(&job->trouble)) {
    case TROUBLE_NONE: job->outcome = GLIMPSE_POOL_DONE; break;
    case TROUBLE_DROPPED: job->outcome = GLIMPSE_POOL_DROPPED; break;
    case TROUBLE_NOMEM: glimpse_pool_job_fail(job, GLIMPSE_E_NOMEM, NULL); break;
    case TROUBLE_CROP:
        glimpse_pool_job_fail(job, GLIMPSE_E_INTERNAL, "its tiles cannot be made");
        break;
    default:
        glimpse_pool_job_fail(job, GLIMPSE_E_INTERNAL,
                              "the model gives no usable vector for this picture");
        break;
    }
    if (job->outcome != GLIMPSE_POOL_DONE) {
        free(job->embedding);
        job->embedding = NULL;
    }
    glimpse_pool_finish(w, job);
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
        glimpse_pool_job *job = batch->items[i].job;
        const uint32_t tile = batch->items[i].tile;
        const float *vector = status == GLIMPSE_OK ? w->embeddings + i * dim : NULL;
        if (!vector) {
            note_trouble(job, TROUBLE_DROPPED);
        } else if (!is_usable(vector, dim)) {
            note_trouble(job, TROUBLE_UNUSABLE);
        } else {
            float *to = tile ? job->tile_embeddings + (tile - 1) * dim : job->embedding;
            memcpy(to, vector, dim * sizeof(float));
        }
        finish_one(w, job);
    }
    glimpse_pool_hand_over(w);
    glimpse_batch_recycle(w, batch);
}

/* One that is not added is decided here. */
static void leave_one(glimpse_pool_worker *w, glimpse_pool_job *job, int trouble) {
    note_trouble(job, trouble);
    (void)atomic_fetch_sub(&w->pool->undecided, 1);
    (void)atomic_fetch_sub(&job->pending, 1); /* never the last: who adds counts, too */
}

static void add_one(glimpse_pool_worker *w, glimpse_pool_job *job, uint32_t tile) {
    glimpse_batch *full = NULL;
    if (!glimpse_batch_add(&full, w, job, tile)) leave_one(w, job, TROUBLE_NOMEM);
    if (full) encode(w, full);
}

/* w->rgb has the whole picture, where that is wanted; `fine` what tiles are cropped from, where
 * there are any. */
static void add_to_batch(glimpse_pool_worker *w, glimpse_pool_job *job, const glimpse_image *fine) {
    const glimpse_ingest_engine *engine = w->pool->options.engine;
    const uint32_t tiles = glimpse_tiles_count(job->tiles), count = tiles + !job->skips_whole;
    uint32_t place = 0;
    atomic_store(&job->pending, count + 1);
    (void)atomic_fetch_add(&w->pool->undecided, count);
    (void)atomic_fetch_sub(&w->pool->undecided, 1);
    if (!job->skips_whole) add_one(w, job, 0);
    for (unsigned tile = 1; place < tiles; tile++) {
        glimpse_box box;
        if (!(job->tiles & UINT32_C(1) << tile)) continue;
        place++;
        (void)glimpse_tile_box(&box, tile, job->meta.width, job->meta.height);
        if (atomic_load(&w->pool->stop)) {
            leave_one(w, job, TROUBLE_DROPPED);
            continue;
        }
        const int status = engine->crop(engine, fine, &box, w->rgb);
        if (status < 0) {
            leave_one(w, job, status == GLIMPSE_E_NOMEM ? TROUBLE_NOMEM : TROUBLE_CROP);
        } else {
            add_one(w, job, place);
        }
    }
    finish_one(w, job);
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
    whole.ground = GLIMPSE_GROUND_KEEP;
    int status = glimpse_image_decode(&image, data, size, "picture", &whole);
    if (status < 0) return status;
    job->meta = *glimpse_image_metadata(image);
    status = pool->options.inspect(pool->options.user, job, image, data, size);
    if (!engine) job->wants_embedding = 0;
    if (status == GLIMPSE_OK && job->wants_embedding) {
        /* Decoders may come to other colours where they are asked for alpha as well. */
        if (may_be_reduced(pool, &job->meta) || glimpse_image_alpha(image)) {
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

/* A picture being decoded, and what of the budget it has. */
typedef struct decoding {
    uint64_t estimate;
    int certain, reserved;
    glimpse_image *image; /* decoded for `claim` already */
    glimpse_image *fine;  /* for tiles */
} decoding;

/* 0, and the job has failed: it needs more memory than there may be. */
static int reserve(decoding *d, glimpse_pool *pool, glimpse_pool_job *job, const uint8_t *data,
                   size_t size) {
    if (d->reserved) return 1;
    d->estimate = glimpse_estimate_decoding(data, size, pool->decoding.max_pixels, &d->certain);
    if (pool->is_memory_limited && d->certain && d->estimate > pool->pixel_budget.limit) {
        char reason[160];
        (void)snprintf(reason, sizeof reason,
                       "decoding it takes up to %llu MB, and %llu MB are left for that (%s)",
                       (unsigned long long)(d->estimate >> 20) + 1,
                       (unsigned long long)(pool->pixel_budget.limit >> 20),
                       glimpse_wording("glimpse_set_max_memory", NULL));
        glimpse_pool_job_fail(job, GLIMPSE_E_NOMEM, reason);
        return 0;
    }
    glimpse_budget_acquire(&pool->pixel_budget, d->estimate);
    if (d->certain) glimpse_pool_account(pool, d->estimate);
    d->reserved = 1;
    return 1;
}

static void release(decoding *d, glimpse_pool *pool) {
    glimpse_image_free(d->image);
    glimpse_image_free(d->fine);
    if (d->reserved) {
        if (d->certain) glimpse_pool_unaccount(pool, d->estimate);
        glimpse_budget_release(&pool->pixel_budget, d->estimate);
    }
    *d = (decoding){0};
}

/* For `claim`. Why a file cannot be decoded matters only if nobody knows it. */
static void decode_to_identify(decoding *d, glimpse_pool_worker *w, glimpse_pool_job *job,
                               const uint8_t *data) {
    glimpse_pool *pool = w->pool;
    const size_t size = (size_t)job->content_size;
    if (!reserve(d, pool, job, data, size)) return;
    const double start = glimpse_now();
    const glimpse_kept_error before = glimpse_error_keep();
    int status = glimpse_image_decode_identified(&d->image, &job->identity, data, size, "picture",
                                                 &pool->decoding);
    if (status == GLIMPSE_OK) {
        job->meta = *glimpse_image_metadata(d->image);
    } else if (status != GLIMPSE_E_NOMEM) {
        glimpse_error_restore(&before);
        job->meta = (glimpse_image_meta){.orientation = 1};
        status = glimpse_image_identity_of_bytes(&job->identity, data, size);
    }
    w->decode += glimpse_now() - start;
    job->is_identified = status == GLIMPSE_OK;
    if (!job->is_identified) glimpse_pool_job_fail_decoding(job, status);
}

static int decode_and_prepare(glimpse_pool_worker *w, glimpse_pool_job *job, const decoding *d,
                              const uint8_t *data, size_t size) {
    const glimpse_pool *pool = w->pool;
    const glimpse_ingest_engine *engine = pool->options.engine;
    if (pool->options.inspect) return decode_and_inspect(w, job, data, size);
    if (d->image) return engine->preprocess(engine, d->image, w->rgb);
    return engine->decode(engine, data, size, &pool->decoding, w->rgb, &job->meta);
}

/* What tiles are cropped from: decoded for them unless it is there. */
static int decode_for_tiles(decoding *d, const glimpse_pool *pool, const glimpse_pool_job *job,
                            const uint8_t *data, size_t size) {
    glimpse_decode_options options = pool->decoding;
    if (d->image && !may_be_reduced(pool, &job->meta)) {
        d->fine = d->image;
        d->image = NULL;
        return GLIMPSE_OK;
    }
    if (options.short_side > UINT32_MAX / GLIMPSE_TILES_FINEST) options.short_side = 0;
    options.short_side *= GLIMPSE_TILES_FINEST;
    return glimpse_image_decode(&d->fine, data, size, "picture", &options);
}

/* With tiles; where all pixels are decoded for these, the whole picture comes from them, too. */
static int decode_and_crop(glimpse_pool_worker *w, glimpse_pool_job *job, decoding *d,
                           const uint8_t *data, size_t size) {
    const glimpse_pool *pool = w->pool;
    const glimpse_ingest_engine *engine = pool->options.engine;
    int status = decode_for_tiles(d, pool, job, data, size);
    if (status < 0) return status;
    job->meta = *glimpse_image_metadata(d->fine);
    job->tiles =
        glimpse_tiles_of(job->meta.width, job->meta.height, glimpse_engine_tile_side(engine));
    const size_t bytes = glimpse_tiles_count(job->tiles) * engine->key.dim * sizeof(float);
    if (bytes > 0) job->tile_embeddings = malloc(bytes);
    if (bytes > 0 && !job->tile_embeddings) return glimpse_fail_nomem(bytes, "embeddings");
    if (job->skips_whole) return GLIMPSE_OK;
    if (may_be_reduced(pool, &job->meta)) {
        return engine->decode(engine, data, size, &pool->decoding, w->rgb, &job->meta);
    }
    return engine->preprocess(engine, d->fine, w->rgb);
}

static int has_tiles(const glimpse_pool *pool, const glimpse_pool_job *job) {
    return job->wants_tiles && pool->options.engine->crop && !pool->options.inspect;
}

static int reserve_embedding(glimpse_pool_job *job, const glimpse_ingest_engine *engine) {
    job->embedding = malloc(engine->key.dim * sizeof(float));
    return job->embedding ? GLIMPSE_OK
                          : glimpse_fail_nomem(engine->key.dim * sizeof(float), "an embedding");
}

static void decode(glimpse_pool_worker *w, glimpse_pool_job *job, decoding *d,
                   const uint8_t *data) {
    glimpse_pool *pool = w->pool;
    const size_t size = (size_t)job->content_size;
    if (!reserve(d, pool, job, data, size)) return;
    const double start = glimpse_now();
    int status = has_tiles(pool, job) ? decode_and_crop(w, job, d, data, size)
                                      : decode_and_prepare(w, job, d, data, size);
    const glimpse_ingest_engine *engine = pool->options.engine;
    if (status == GLIMPSE_OK && job->wants_embedding && !job->skips_whole) {
        status = reserve_embedding(job, engine);
    }
    if (status == GLIMPSE_OK && job->embedding && engine->sign) {
        engine->sign(&job->signature, w->rgb);
        job->has_signature = 1;
    }
    const double end = glimpse_now();
    w->decode += end - start;
    glimpse_trace_span(pool->options.trace, w->row, "decode", start, end, job->path);
    if (status < 0) glimpse_pool_job_fail_decoding(job, status);
}

/* May wait for memory, which no step of others waits to be given back. */
static glimpse_pool_step claim(decoding *d, glimpse_pool_worker *w, glimpse_pool_job *job,
                               const uint8_t *data) {
    const glimpse_pool_options *options = &w->pool->options;
    if (!options->claim) return GLIMPSE_STEP_ON;
    glimpse_pool_step step = options->claim(options->user, job);
    if (step != GLIMPSE_STEP_DECODE) return step;
    glimpse_pool_hand_over(w);
    decode_to_identify(d, w, job, data);
    return job->outcome == GLIMPSE_POOL_PENDING ? options->claim(options->user, job)
                                                : GLIMPSE_STEP_COMPLETE;
}

static void process(glimpse_pool_worker *w, glimpse_pool_job *job) {
    glimpse_pool *pool = w->pool;
    uint8_t *data = NULL;
    const double start = glimpse_now();
    const int from_memory = glimpse_pool_read(pool, job, &data);
    const double end = glimpse_now();
    w->read += end - start;
    if (!from_memory) glimpse_pool_note_read(pool, job, end - start);
    glimpse_trace_span(pool->options.trace, w->row, "read and hash", start, end, job->path);
    if (!data) {
        glimpse_pool_decided(w, job);
        return;
    }
    const uint64_t file_size = job->stamp.size;
    job->bytes = data;
    decoding d = {0};
    const glimpse_pool_step step = claim(&d, w, job, data);
    if (step != GLIMPSE_STEP_PARKED) job->bytes = NULL;
    if (step == GLIMPSE_STEP_ON && job->outcome == GLIMPSE_POOL_PENDING) {
        glimpse_pool_hand_over(w);
        decode(w, job, &d, data);
    }
    if (!d.fine) release(&d, pool);
    glimpse_pool_release(pool, file_size, data);
    if (step == GLIMPSE_STEP_PARKED) {
        (void)atomic_fetch_sub(&pool->undecided, 1);
    } else if (job->outcome != GLIMPSE_POOL_PENDING) {
        glimpse_pool_decided(w, job);
    } else if (job->wants_embedding) {
        add_to_batch(w, job, d.fine);
    } else {
        job->outcome = GLIMPSE_POOL_DONE;
        glimpse_pool_decided(w, job);
    }
    release(&d, pool);
}

static void flush(glimpse_pool_worker *w, int at_end) {
    glimpse_batch *batch = glimpse_batch_flush(w->pool, at_end);
    if (batch) encode(w, batch);
}

/* Between two pictures: while the process is about to pause, nothing is begun. */
static void rest_when_told(glimpse_pool_worker *w) {
    glimpse_pool *pool = w->pool;
    if (!atomic_load(&pool->resting)) return;
    flush(w, 1);
    glimpse_pool_hand_over(w);
    (void)pthread_mutex_lock(&pool->rest_mutex);
    (void)atomic_fetch_sub(&pool->at_work, 1);
    while (atomic_load(&pool->resting) && !atomic_load(&pool->stop))
        (void)pthread_cond_wait(&pool->rest_over, &pool->rest_mutex);
    (void)atomic_fetch_add(&pool->at_work, 1);
    (void)pthread_mutex_unlock(&pool->rest_mutex);
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
    (void)atomic_fetch_add(&pool->at_work, 1);
    for (;;) {
        void *items[GLIMPSE_POOL_TOGETHER];
        rest_when_told(w);
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
            rest_when_told(w);
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
    (void)atomic_fetch_sub(&pool->at_work, 1);
    glimpse_pool_feeder_ends(pool);
    return NULL;
}
