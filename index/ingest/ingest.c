/*
 * index/ingest/ingest.c - bringing a library up to date, from options to report.
 */
#include "ingest_internal.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"

#include <stdlib.h>
#include <string.h>

static int check_options(const glimpse_ingest_options *options) {
    for (size_t i = 0; i < options->root_count; i++) {
        if (!options->roots[i] || !*options->roots[i]) {
            return glimpse_fail(GLIMPSE_E_INVALID, "a folder to index has no name");
        }
    }
    if (options->jobs > GLIMPSE_POOL_MAX_JOBS) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%u jobs, at most %d make sense", options->jobs,
                            GLIMPSE_POOL_MAX_JOBS);
    }
    if (options->batch > GLIMPSE_POOL_MAX_BATCH) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a batch of %u, at most %d make sense", options->batch,
                            GLIMPSE_POOL_MAX_BATCH);
    }
    return GLIMPSE_OK;
}

/* 1 when the bytes are those that the file had, which have all that is wanted of them. */
static int is_same(glimpse_ingest_job *job) {
    const glimpse_known_file *was = &job->was;
    if (!was->content || was->size != job->picture.content_size ||
        memcmp(&was->hash, &job->picture.hash, sizeof was->hash) != 0) {
        return 0;
    }
    job->is_same = 1;
    job->known = job->row->picture;
    job->picture.outcome = GLIMPSE_POOL_KNOWN;
    return 1;
}

/* A worker's question: is this content known, or somebody's already? */
static glimpse_pool_step claim(void *user, glimpse_pool_job *picture) {
    glimpse_ingest *ingest = user;
    glimpse_ingest_job *job = (glimpse_ingest_job *)picture; /* its first member */
    glimpse_metadata *metadata = NULL;
    glimpse_pool_step step = GLIMPSE_STEP_COMPLETE;
    const int same = is_same(job);
    if (same && job->row->described && job->row->sidecars == job->sidecars) return step;
    int status = glimpse_ingest_job_read_metadata(&metadata, job);
    if (status < 0) {
        glimpse_pool_job_fail(picture, status, glimpse_last_error());
        goto done;
    }
    if (same) goto done;
    switch (glimpse_in_flight_claim(&ingest->in_flight, ingest->store, ingest->model, job, metadata,
                                    &status)) {
    case GLIMPSE_CLAIM_KNOWN: picture->outcome = GLIMPSE_POOL_KNOWN; break;
    case GLIMPSE_CLAIM_DECODE: step = GLIMPSE_STEP_DECODE; break;
    case GLIMPSE_CLAIM_PARKED: step = GLIMPSE_STEP_PARKED; break;
    case GLIMPSE_CLAIM_FAILED:
        glimpse_pool_fail(ingest->pool, status);
        picture->outcome = GLIMPSE_POOL_DROPPED;
        break;
    case GLIMPSE_CLAIM_OWN: step = GLIMPSE_STEP_ON; break;
    }
done:
    glimpse_metadata_free(metadata);
    return step;
}

/* Of the vector index, which is read and written at the end. */
static uint64_t vector_bytes(const glimpse_ingest *ingest) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_model_info model;
    const int status = glimpse_store_find_model(&model, ingest->store, &ingest->engine->key);
    glimpse_error_restore(&before);
    return status == GLIMPSE_OK ? glimpse_vectors_memory(&model) : 0;
}

static int set_up(glimpse_ingest *ingest) {
    const glimpse_ingest_options *options = ingest->options;
    ingest->given = (glimpse_walk_rules){.follow_links = options->follow_links,
                                         .exclude = options->exclude,
                                         .exclude_count = options->exclude_count,
                                         .include_nomedia = options->include_nomedia};
    ingest->has_set = options->follow_links || options->exclude_count > 0 ||
                      options->include_nomedia || options->forget_options;
    int status = glimpse_in_flight_init(&ingest->in_flight);
    if (status == GLIMPSE_OK && options->profile) {
        status = glimpse_trace_open(&ingest->trace, options->profile);
        glimpse_trace_name(ingest->trace, GLIMPSE_TRACE_CONSUMER, "catalogue");
        glimpse_trace_name(ingest->trace, GLIMPSE_TRACE_PRODUCER, "walk");
    }
    if (status < 0) return status;
    const glimpse_pool_options pool = {.engine = ingest->engine,
                                       .jobs = options->jobs,
                                       .batch = options->batch,
                                       .max_pixels = options->max_pixels,
                                       .exact = options->exact_decode,
                                       .reserved_bytes = vector_bytes(ingest),
                                       .trace = ingest->trace,
                                       .claim = claim,
                                       .user = ingest};
    return glimpse_pool_create(&ingest->pool, &pool);
}

static void stop_workers(glimpse_ingest *ingest) {
    glimpse_pool_free(ingest->pool);
    glimpse_in_flight_destroy(&ingest->in_flight);
    glimpse_ingest_free_roots(ingest);
}

/* Model row and roots, in one transaction. */
static int prepare_catalog(glimpse_ingest *ingest) {
    int status = ingest->store->ops->begin(ingest->store);
    if (status < 0) return status;
    status = ingest->store->ops->models.use(&ingest->model, ingest->store, &ingest->engine->key);
    if (status == GLIMPSE_OK) status = glimpse_ingest_prepare_roots(ingest);
    if (status == GLIMPSE_OK) return ingest->store->ops->commit(ingest->store);
    ingest->store->ops->rollback(ingest->store);
    return status;
}

/* What the pool calls, for the two that it takes one `user` for. */
static void produce(void *user, glimpse_pool *pool) {
    glimpse_committer *c = user;
    glimpse_ingest_produce(c->ingest, pool);
}

static void consume(void *user, glimpse_pool_job *job) {
    glimpse_committer_accept(user, job);
}

static void tick(void *user) {
    glimpse_committer_tick(user);
}

static void before_pause(void *user) {
    glimpse_committer_commit(user);
}

static int run_pipeline(glimpse_committer *c) {
    const glimpse_pool_run run = {.produce = produce,
                                  .consume = consume,
                                  .before_pause = before_pause,
                                  .tick = tick,
                                  .user = c};
    const double begun = glimpse_now();
    int status = glimpse_pool_run_all(c->ingest->pool, &run);
    const int cancelled = status == GLIMPSE_E_CANCELLED;
    /* Also after a failure of something else: what was embedded is worth keeping. */
    const int written = glimpse_committer_finish(c);
    if (status == GLIMPSE_OK || cancelled) {
        if (written < 0) {
            status = written;
        } else if (cancelled) {
            status = glimpse_fail(GLIMPSE_E_CANCELLED, "indexing was stopped");
        }
    }
    c->ingest->report->pipeline_seconds = glimpse_now() - begun;
    return status;
}

static void fill_report(const glimpse_committer *c) {
    const glimpse_ingest *ingest = c->ingest;
    const glimpse_pool_stats stats = glimpse_pool_get_stats(ingest->pool);
    glimpse_ingest_report *report = ingest->report;
    const uint64_t old_bad = atomic_load(&ingest->known_quarantined);
    report->files = atomic_load(&ingest->found);
    report->unchanged = atomic_load(&ingest->known) - old_bad;
    report->quarantined += old_bad;
    report->nomedia = ingest->marked_count;
    report->refused_roots = ingest->refused_count;
    report->seconds = glimpse_now() - c->start;
    report->busy_read = stats.busy_read;
    report->busy_decode = stats.busy_decode;
    report->busy_encode = stats.busy_encode;
    report->busy_commit = c->busy;
    report->jobs = stats.jobs;
    report->peak_bytes = (size_t)stats.peak_bytes;
}

int glimpse_ingest_run(glimpse_ingest_report *out, glimpse_library *library,
                       const glimpse_ingest_options *given, const glimpse_ingest_engine *engine) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    int status = GLIMPSE_REPORT_CHECK(out, glimpse_ingest_report, peak_bytes);
    if (status < 0) return status;
    GLIMPSE_REPORT_STORE(out, &report);
    status = GLIMPSE_OPTIONS_LOAD(&options, given, glimpse_ingest_options, user);
    if (status == GLIMPSE_OK) status = check_options(&options);
    if (status < 0) return status;
    status = glimpse_library_lock(library, "indexing");
    if (status < 0) return status;

    glimpse_ingest *ingest = calloc(1, sizeof *ingest);
    glimpse_committer *c = calloc(1, sizeof *c);
    if (!ingest || !c) {
        status = glimpse_fail_nomem(sizeof *ingest, "indexing");
        goto done;
    }
    ingest->library = library;
    ingest->store = glimpse_library_store(library);
    ingest->options = &options;
    ingest->engine = engine;
    ingest->report = &report;
    c->ingest = ingest;
    c->start = glimpse_now();
    c->stage = "indexing";

    status = set_up(ingest);
    if (status == GLIMPSE_OK) status = prepare_catalog(ingest);
    if (status < 0) goto done;
    status = run_pipeline(c);
    if (status == GLIMPSE_OK) status = glimpse_ingest_finish_roots(ingest);
    if (status == GLIMPSE_OK) {
        glimpse_committer_progress(c, "writing the vector index");
        if (c->cancelled) status = glimpse_fail(GLIMPSE_E_CANCELLED, "indexing was stopped");
    }
    if (status == GLIMPSE_OK) {
        const double start = glimpse_now();
        status = ingest->store->ops->vectors.update(ingest->store, engine->key.fingerprint);
        const double end = glimpse_now();
        c->busy += end - start;
        glimpse_trace_span(ingest->trace, GLIMPSE_TRACE_CONSUMER, "vector index", start, end, NULL);
    }
    fill_report(c);
    for (size_t i = 0; i < ingest->refused_count && options.left_out && status == GLIMPSE_OK; i++)
        options.left_out(options.user, &ingest->refused[i]);
    for (size_t i = 0; i < ingest->marked_count && options.left_out && status == GLIMPSE_OK; i++)
        options.left_out(options.user, &ingest->marked[i]);
    if (status == GLIMPSE_OK) glimpse_committer_progress(c, "done");
done:
    if (ingest) {
        /* What was indexed stays indexed; that its trace is incomplete is worth an error only when
         * nothing else is. */
        const int traced = glimpse_trace_close(ingest->trace);
        if (status == GLIMPSE_OK) status = traced;
        stop_workers(ingest);
    }
    free(ingest);
    free(c);
    glimpse_library_unlock(library);
    GLIMPSE_REPORT_STORE(out, &report);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}

int glimpse_library_ingest(glimpse_ingest_report *report, glimpse_library *library,
                           const glimpse_ingest_options *given) {
    glimpse_ingest_options own = GLIMPSE_INGEST_OPTIONS_INIT, *const options = &own;
    if (!library || !given) return glimpse_fail_null(__func__);
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_ingest_options, user);
    if (status < 0) return status;
    if (!options->model) {
        return glimpse_fail(GLIMPSE_E_INVALID, "indexing needs a model");
    }
    const glimpse_ingest_engine engine = glimpse_engine_of_model(options->model);
    return glimpse_ingest_run(report, library, options, &engine);
}
