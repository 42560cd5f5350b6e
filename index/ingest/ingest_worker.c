/*
 * index/ingest_worker.c - one worker: read, hash, claim, decode, preprocess, batch, encode.
 *
 * Batches form across workers: a prepared picture is copied into the forming batch, and the worker
 * that fills it takes it away and encodes it. A batch is full at `batch` pictures; once the walk
 * is over, earlier: what is left is cut into ever smaller shares, so that all workers end at about
 * the same time. A batch that nobody adds to for FLUSH_MS is encoded as it is.
 */
#include "ingest_internal.h"

#include "core/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MS = 100, FLUSH_MS = 500, SMALL_BATCH = 4 };

typedef struct worker {
    glimpse_ingest *ingest;
    unsigned row;      /* in the trace */
    void *encoder;     /* made when the first batch comes */
    float *embeddings; /* [batch][dim], likewise */
    uint8_t *rgb;      /* one picture being prepared */
    glimpse_batch *spare;
    double read, decode, encode;
} worker;

static uint64_t now_ms(void) {
    return (uint64_t)(glimpse_ingest_seconds() * 1000.0);
}

static size_t batch_bytes(const glimpse_ingest *ingest) {
    return ingest->batch * (ingest->engine->input_bytes + sizeof(glimpse_ingest_job *));
}

void glimpse_batch_free(glimpse_batch *batch) {
    if (!batch) return;
    free(batch->jobs);
    free(batch->rgb);
    free(batch);
}

static glimpse_batch *new_batch(const glimpse_ingest *ingest) {
    glimpse_batch *batch = calloc(1, sizeof *batch);
    if (!batch) return NULL;
    batch->jobs = calloc(ingest->batch, sizeof(glimpse_ingest_job *));
    batch->rgb = malloc(ingest->batch * ingest->engine->input_bytes);
    if (!batch->jobs || !batch->rgb) {
        glimpse_batch_free(batch);
        return NULL;
    }
    return batch;
}

static void finish(worker *w, glimpse_ingest_job *job) {
    /* Not refused: the results are open as long as anyone produces them. */
    if (!glimpse_queue_push(w->ingest->result_queue, job)) glimpse_ingest_job_free(job);
}

static void decided(worker *w, glimpse_ingest_job *job) {
    (void)atomic_fetch_sub(&w->ingest->undecided, 1);
    finish(w, job);
}

/* 0 when the vector is of no use: then cosine similarities with it would be nonsense. */
static int is_usable(const float *vector, size_t dim) {
    double sum = 0.0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)vector[i] * (double)vector[i];
    return isfinite(sum) && sum > 1e-12;
}

static int prepare_encoder(worker *w) {
    const glimpse_ingest *ingest = w->ingest;
    const glimpse_ingest_engine *engine = ingest->engine;
    if (!w->embeddings) {
        const size_t bytes = ingest->batch * engine->key.dim * sizeof(float);
        w->embeddings = malloc(bytes);
        if (!w->embeddings) return glimpse_fail_nomem(bytes, "embeddings");
    }
    if (w->encoder) return GLIMPSE_OK;
    return engine->encoder_create(engine, &w->encoder, ingest->batch);
}

/* Encodes the batch (or drops it when the run stops) and keeps its memory as the spare. */
static void encode(worker *w, glimpse_batch *batch) {
    glimpse_ingest *ingest = w->ingest;
    const size_t dim = ingest->engine->key.dim;
    int status = GLIMPSE_E_CANCELLED;
    if (!atomic_load(&ingest->stop)) {
        const double start = glimpse_ingest_seconds();
        status = prepare_encoder(w);
        if (status == GLIMPSE_OK) {
            status = ingest->engine->encode(w->encoder, batch->rgb, batch->count, w->embeddings);
        }
        if (status < 0) glimpse_ingest_fail(ingest, status);
        const double end = glimpse_ingest_seconds();
        w->encode += end - start;
        if (ingest->trace) {
            char detail[48];
            (void)snprintf(detail, sizeof detail, "%zu pictures", batch->count);
            glimpse_trace_span(ingest->trace, w->row, "encode", start, end, detail);
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        glimpse_ingest_job *job = batch->jobs[i];
        const float *vector = w->embeddings + i * dim;
        job->outcome = GLIMPSE_INGEST_OUTCOME_DROPPED;
        if (status == GLIMPSE_OK && !is_usable(vector, dim)) {
            glimpse_ingest_job_quarantine(job, GLIMPSE_E_INTERNAL,
                                          "the model gives no usable vector for this picture");
        } else if (status == GLIMPSE_OK) {
            job->embedding = malloc(dim * sizeof(float));
            if (job->embedding) {
                memcpy(job->embedding, vector, dim * sizeof(float));
                job->outcome = GLIMPSE_INGEST_OUTCOME_EMBEDDED;
            } else {
                glimpse_ingest_job_quarantine(job, GLIMPSE_E_NOMEM, NULL);
            }
        }
        finish(w, job);
    }
    batch->count = 0;
    if (w->spare) {
        glimpse_batch_free(batch);
        glimpse_ingest_unaccount(ingest, batch_bytes(ingest));
    } else {
        w->spare = batch;
    }
}

/* Takes the forming batch away; the mutex is held. */
static glimpse_batch *take_forming(glimpse_ingest *ingest) {
    glimpse_batch *batch = ingest->forming;
    ingest->forming = NULL;
    if (batch) (void)atomic_fetch_sub(&ingest->undecided, batch->count);
    return batch;
}

static size_t target_size(glimpse_ingest *ingest) {
    if (!atomic_load(&ingest->walk_done)) return ingest->batch;
    const uint64_t left = atomic_load(&ingest->undecided);
    const uint64_t share = (left + ingest->jobs - 1) / ingest->jobs;
    const size_t least = ingest->batch < SMALL_BATCH ? ingest->batch : SMALL_BATCH;
    return share >= ingest->batch ? ingest->batch : share < least ? least : (size_t)share;
}

static void add_to_batch(worker *w, glimpse_ingest_job *job) {
    glimpse_ingest *ingest = w->ingest;
    const size_t bytes = ingest->engine->input_bytes;
    glimpse_batch *full = NULL;
    (void)pthread_mutex_lock(&ingest->batch_mutex);
    if (!ingest->forming) {
        ingest->forming = w->spare;
        w->spare = NULL;
        if (!ingest->forming) {
            ingest->forming = new_batch(ingest);
            if (ingest->forming) glimpse_ingest_account(ingest, batch_bytes(ingest));
        }
        ingest->forming_since_ms = now_ms();
    }
    glimpse_batch *batch = ingest->forming;
    if (batch) {
        memcpy(batch->rgb + batch->count * bytes, w->rgb, bytes);
        batch->jobs[batch->count++] = job;
        if (batch->count >= target_size(ingest)) full = take_forming(ingest);
    }
    (void)pthread_mutex_unlock(&ingest->batch_mutex);
    if (!batch) {
        glimpse_ingest_job_quarantine(job, GLIMPSE_E_NOMEM, NULL);
        decided(w, job);
    }
    if (full) encode(w, full);
}

/* A batch that waits too long for its next picture, or (at the end) any. */
static void flush(worker *w, int at_end) {
    glimpse_ingest *ingest = w->ingest;
    glimpse_batch *batch = NULL;
    (void)pthread_mutex_lock(&ingest->batch_mutex);
    if (ingest->forming && (at_end || now_ms() - ingest->forming_since_ms > FLUSH_MS)) {
        batch = take_forming(ingest);
    }
    (void)pthread_mutex_unlock(&ingest->batch_mutex);
    if (batch) encode(w, batch);
}

static void decode(worker *w, glimpse_ingest_job *job, const uint8_t *data) {
    glimpse_ingest *ingest = w->ingest;
    const size_t size = (size_t)job->content_size;
    int certain = 0;
    const uint64_t estimate =
        glimpse_estimate_decoding(data, size, ingest->decoding.max_pixels, &certain);
    glimpse_gate_enter(&ingest->pixel_gate, estimate);
    const double start = glimpse_ingest_seconds();
    if (certain) glimpse_ingest_account(ingest, estimate);
    int status =
        ingest->engine->decode(ingest->engine, data, size, &ingest->decoding, w->rgb, &job->meta);
    const double end = glimpse_ingest_seconds();
    w->decode += end - start;
    glimpse_trace_span(ingest->trace, w->row, "decode", start, end, job->path);
    if (certain) glimpse_ingest_unaccount(ingest, estimate);
    glimpse_gate_leave(&ingest->pixel_gate, estimate);
    if (status < 0) glimpse_ingest_job_quarantine_decoding(job, status);
}

static void process(worker *w, glimpse_ingest_job *job) {
    glimpse_ingest *ingest = w->ingest;
    uint8_t *data = NULL;
    const double start = glimpse_ingest_seconds();
    glimpse_ingest_read(ingest, job, &data);
    const double end = glimpse_ingest_seconds();
    w->read += end - start;
    glimpse_trace_span(ingest->trace, w->row, "read and hash", start, end, job->path);
    if (!data) {
        decided(w, job);
        return;
    }
    const uint64_t file_size = job->stamp.size;
    int status;
    switch (glimpse_ledger_claim(&ingest->ledger, ingest->store, ingest->model, job, &status)) {
    case GLIMPSE_CLAIM_KNOWN:
        job->outcome = GLIMPSE_INGEST_OUTCOME_BOUND;
        glimpse_ingest_unread(ingest, file_size, data);
        decided(w, job);
        return;
    case GLIMPSE_CLAIM_PARKED: /* `job` is somebody else's now, and may be gone */
        glimpse_ingest_unread(ingest, file_size, data);
        (void)atomic_fetch_sub(&ingest->undecided, 1);
        return;
    case GLIMPSE_CLAIM_FAILED:
        glimpse_ingest_fail(ingest, status);
        job->outcome = GLIMPSE_INGEST_OUTCOME_DROPPED;
        glimpse_ingest_unread(ingest, file_size, data);
        decided(w, job);
        return;
    case GLIMPSE_CLAIM_OWN: break;
    }
    decode(w, job, data);
    glimpse_ingest_unread(ingest, file_size, data);
    if (job->outcome != GLIMPSE_INGEST_OUTCOME_PENDING)
        decided(w, job);
    else
        add_to_batch(w, job);
}

void *glimpse_ingest_worker(void *argument) {
    glimpse_ingest *ingest = argument;
    worker w = {.ingest = ingest};
    w.row = GLIMPSE_TRACE_WORKERS + atomic_fetch_add(&ingest->workers, 1);
    glimpse_trace_name(ingest->trace, w.row, "worker %u", w.row - GLIMPSE_TRACE_WORKERS + 1);
    w.rgb = malloc(ingest->engine->input_bytes);
    if (!w.rgb) {
        glimpse_ingest_fail(ingest, glimpse_fail_nomem(ingest->engine->input_bytes, "a picture"));
    }
    for (;;) {
        void *item = NULL;
        const int got = glimpse_queue_pop_timed(ingest->job_queue, &item, IDLE_MS);
        if (got == 0) break;
        if (got < 0) {
            flush(&w, 0);
            continue;
        }
        glimpse_ingest_job *job = item;
        glimpse_ingest_read_ahead(ingest);
        if (atomic_load(&ingest->stop)) {
            job->outcome = GLIMPSE_INGEST_OUTCOME_DROPPED;
            decided(&w, job);
        } else {
            process(&w, job);
        }
    }
    flush(&w, 1);

    if (w.encoder) ingest->engine->encoder_free(w.encoder);
    if (w.spare) glimpse_ingest_unaccount(ingest, batch_bytes(ingest));
    glimpse_batch_free(w.spare);
    free(w.embeddings);
    free(w.rgb);
    (void)pthread_mutex_lock(&ingest->failure_mutex);
    ingest->busy_read += w.read;
    ingest->busy_decode += w.decode;
    ingest->busy_encode += w.encode;
    (void)pthread_mutex_unlock(&ingest->failure_mutex);
    glimpse_ingest_producer_ends(ingest);
    return NULL;
}
