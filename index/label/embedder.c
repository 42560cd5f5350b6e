/*
 * index/label/embedder.c - embeds pictures for labels, from the library, the journal of a stopped
 * run, or their pixels.
 *
 * What needs decoding in a window goes through the pool of index/ingest/pool.h. The caller's thread
 * is its consumer: it fills in what was found out and writes the journal.
 */
#include "embedder.h"

#include "core/error.h"
#include "embedding_journal.h"
#include "pool.h"
#include "stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_JOBS = 64, WINDOW_PER_JOB = 2 * GLIMPSE_POOL_DEFAULT_BATCH };

struct glimpse_embedder {
    glimpse_library *library;
    const glimpse_model *model;
    glimpse_embedder_options options;
    glimpse_model_options model_options;
    glimpse_embedding_journal *journal;
    /* Made when the first picture needs it. */
    glimpse_model *opened; /* with the image tower; NULL: `model` has it */
    glimpse_ingest_engine engine;
    glimpse_pool *pool;
    size_t jobs, width, decoded;
    /* The window that is being worked on. */
    glimpse_embedder_picture *pictures;
    float *embeddings;    /* [count][width] of the window */
    size_t *todo, needed; /* places in `pictures` that need decoding */
};

typedef struct embedder_job {
    glimpse_pool_job picture; /* first; its path is the caller's */
    size_t place;             /* in `pictures` */
} embedder_job;

int glimpse_embedder_open(glimpse_embedder **out, glimpse_library *library,
                          const glimpse_model *model, const glimpse_embedder_options *options) {
    *out = NULL;
    glimpse_embedder *e = calloc(1, sizeof *e);
    if (!e) return glimpse_fail_nomem(sizeof *e, "embedding pictures");
    int status = GLIMPSE_OK;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    e->library = library;
    e->model = model;
    e->options = *options;
    e->model_options = GLIMPSE_MODEL_OPTIONS_INIT;
    if (options->model_options) e->model_options = *options->model_options;
    e->width = glimpse_model_embedding_size(model);
    e->jobs = options->jobs ? options->jobs : cores > 0 ? (size_t)cores : 1;
    if (e->jobs > MAX_JOBS) e->jobs = MAX_JOBS;
    e->todo = calloc(glimpse_embedder_window(e), sizeof *e->todo);
    if (!e->todo) status = glimpse_fail_nomem(sizeof *e->todo, "embedding pictures");
    if (status == GLIMPSE_OK && options->journal) {
        const uint32_t short_side =
            options->exact ? 0 : glimpse_preprocess_short_side(glimpse_model_preprocess(model));
        status = glimpse_embedding_journal_open(&e->journal, options->journal, model, short_side);
    }
    e->options.journal = NULL; /* the caller's text */
    e->options.model_options = NULL;
    if (status < 0) {
        glimpse_embedder_close(e);
        return status;
    }
    *out = e;
    return GLIMPSE_OK;
}

void glimpse_embedder_close(glimpse_embedder *e) {
    if (!e) return;
    glimpse_pool_free(e->pool); /* its encoders need the model */
    glimpse_model_close(e->opened);
    glimpse_embedding_journal_close(e->journal);
    free(e->todo);
    free(e);
}

size_t glimpse_embedder_window(const glimpse_embedder *e) {
    return e->jobs * WINDOW_PER_JOB;
}

size_t glimpse_embedder_decoded(const glimpse_embedder *e) {
    return e->decoded;
}

size_t glimpse_embedder_resumed(const glimpse_embedder *e) {
    return glimpse_embedding_journal_count(e->journal);
}

/* The pool, with the model to encode with. */
static int prepare(glimpse_embedder *e) {
    const glimpse_model *model = e->model;
    if (e->pool) return GLIMPSE_OK;
    if (!(glimpse_model_towers(model) & GLIMPSE_TOWER_IMAGE)) {
        if (!e->opened) {
            glimpse_model_options options = e->model_options;
            options.towers = GLIMPSE_TOWER_IMAGE;
            options.dimensions = glimpse_model_embedding_size(model);
            int status = glimpse_model_open(&e->opened, glimpse_model_path(model), &options);
            if (status < 0) return status;
        }
        if (strcmp(glimpse_model_fingerprint(e->opened), glimpse_model_fingerprint(model)) != 0) {
            return glimpse_fail(GLIMPSE_E_INVALID, "%s: changed while it was being used",
                                glimpse_model_path(model));
        }
        model = e->opened;
    }
    e->engine = glimpse_engine_of_model(model);
    const glimpse_pool_options options = {
        .engine = &e->engine, .jobs = (unsigned)e->jobs, .exact = e->options.exact, .user = e};
    return glimpse_pool_create(&e->pool, &options);
}

static void produce(void *user, glimpse_pool *pool) {
    glimpse_embedder *e = user;
    for (size_t i = 0; i < e->needed; i++) {
        embedder_job *job = calloc(1, sizeof *job);
        if (!job) {
            glimpse_pool_fail(pool, glimpse_fail_nomem(sizeof *job, "a picture"));
            return;
        }
        job->place = e->todo[i];
        job->picture.path = (char *)(uintptr_t)e->pictures[job->place].path;
        job->picture.wants_embedding = 1;
        if (glimpse_pool_submit(pool, &job->picture)) continue;
        free(job);
        return; /* stopped */
    }
}

static int accept(glimpse_embedder *e, const glimpse_pool_job *job) {
    const size_t place = ((const embedder_job *)job)->place;
    glimpse_embedder_picture *p = &e->pictures[place];
    switch (job->outcome) {
    case GLIMPSE_POOL_DONE:
        p->width = job->meta.width;
        p->height = job->meta.height;
        p->bytes = job->content_size;
        p->known = 1;
        memcpy(e->embeddings + place * e->width, job->embedding, e->width * sizeof(float));
        e->decoded++;
        if (!e->journal) return GLIMPSE_OK;
        const glimpse_stored_file file = {"", p->width, p->height, p->bytes};
        return glimpse_embedding_journal_add(e->journal, p->path, job->embedding, &file);
    case GLIMPSE_POOL_FAILED:
    case GLIMPSE_POOL_VANISHED:
        p->problem = strdup(glimpse_pool_job_reason(job));
        return p->problem ? GLIMPSE_OK : glimpse_fail_nomem(strlen(p->path), "a problem");
    case GLIMPSE_POOL_NO_PICTURE: /* must_sniff is not set, and nothing completes jobs here */
    case GLIMPSE_POOL_KNOWN:
    case GLIMPSE_POOL_DROPPED:
    case GLIMPSE_POOL_PENDING: break;
    }
    return GLIMPSE_OK;
}

static void consume(void *user, glimpse_pool_job *job) {
    glimpse_embedder *e = user;
    int status = accept(e, job);
    if (status < 0) glimpse_pool_fail(e->pool, status);
    glimpse_pool_job_clear(job);
    free(job);
}

static void tick(void *user) {
    const glimpse_embedder *e = user;
    if (e->options.cancelled && e->options.cancelled(e->options.user)) {
        glimpse_pool_cancel(e->pool);
    }
}

static int decode_and_encode(glimpse_embedder *e) {
    int status = prepare(e);
    if (status < 0) return status;
    const glimpse_pool_run run = {
        .produce = produce, .consume = consume, .tick = tick, .user = e, .expected = e->needed};
    status = glimpse_pool_run_all(e->pool, &run);
    if (status == GLIMPSE_E_CANCELLED) return glimpse_fail(status, "embedding was stopped");
    return status;
}

int glimpse_embedder_embed(float *embeddings, glimpse_embedder *e,
                           glimpse_embedder_picture *pictures, size_t count) {
    e->pictures = pictures;
    e->embeddings = embeddings;
    e->needed = 0;
    for (size_t i = 0; i < count; i++) {
        glimpse_embedder_picture *p = &pictures[i];
        float *embedding = embeddings + i * e->width;
        glimpse_stored_file file = {"", 0, 0, 0};
        p->problem = NULL;
        p->known = glimpse_stored_picture(embedding, &file, e->library, e->model, p->path) ||
                   glimpse_embedding_journal_find(embedding, &file, e->journal, p->path);
        memcpy(p->id, file.id, sizeof p->id);
        p->width = file.width;
        p->height = file.height;
        p->bytes = file.bytes;
        if (!p->known) e->todo[e->needed++] = i;
    }
    return e->needed > 0 ? decode_and_encode(e) : GLIMPSE_OK;
}

void glimpse_embedder_release(glimpse_embedder_picture *pictures, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(pictures[i].problem);
        pictures[i].problem = NULL;
    }
}
