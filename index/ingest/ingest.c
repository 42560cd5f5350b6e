/*
 * index/ingest.c - the committer: starts the pipeline, writes what comes out of it, reports.
 */
#include "ingest_internal.h"

#include "core/error.h"
#include "core/options.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { JOB_QUEUE = 1024, RESULT_QUEUE = 256, WAIT_MS = 20, MAX_JOBS = 1024, MAX_BATCH = 4096 };
static const double PROGRESS_SECONDS = 0.1;

/* The committer's own state. */
typedef struct committer {
    glimpse_ingest *ingest;
    int writing;                              /* a transaction is open */
    unsigned files_written, embedded_written; /* in it */
    double transaction_since;
    int catalog_failed; /* then nothing more is written */
    int cancelled;
    uint64_t decided; /* results handled that count as files */
    double start, last_progress, busy, pipeline;
    char path[PATH_MAX];
} committer;

double glimpse_ingest_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uint64_t glimpse_ingest_memory_limit(unsigned jobs) {
    const uint64_t wanted = (uint64_t)jobs << 27, least = UINT64_C(1) << 30;
    return wanted > least ? wanted : least;
}

/*
 * What the threads share.
 */
void glimpse_ingest_stop(glimpse_ingest *ingest) {
    atomic_store(&ingest->stop, 1);
    glimpse_queue_close(ingest->job_queue);
}

void glimpse_ingest_fail(glimpse_ingest *ingest, int status) {
    (void)pthread_mutex_lock(&ingest->failure_mutex);
    if (ingest->failure == GLIMPSE_OK) {
        ingest->failure = status;
        (void)snprintf(ingest->failure_text, sizeof ingest->failure_text, "%s",
                       glimpse_last_error());
    }
    (void)pthread_mutex_unlock(&ingest->failure_mutex);
    glimpse_ingest_stop(ingest);
}

void glimpse_ingest_producer_ends(glimpse_ingest *ingest) {
    if (atomic_fetch_sub(&ingest->producers, 1) == 1) glimpse_queue_close(ingest->result_queue);
}

void glimpse_ingest_account(glimpse_ingest *ingest, uint64_t bytes) {
    const uint64_t inside = atomic_fetch_add(&ingest->bytes_inside, bytes) + bytes;
    uint_fast64_t peak = atomic_load(&ingest->bytes_peak);
    while (inside > peak && !atomic_compare_exchange_weak(&ingest->bytes_peak, &peak, inside)) {}
}

void glimpse_ingest_unaccount(glimpse_ingest *ingest, uint64_t bytes) {
    (void)atomic_fetch_sub(&ingest->bytes_inside, bytes);
}

void glimpse_ingest_job_free(glimpse_ingest_job *job) {
    if (!job) return;
    while (job->parked) {
        glimpse_ingest_job *parked = job->parked;
        job->parked = parked->ledger_next;
        glimpse_ingest_job_free(parked); /* parked ones have none parked with them */
    }
    free(job->path);
    free(job->reason);
    free(job->embedding);
    free(job);
}

void glimpse_ingest_job_quarantine(glimpse_ingest_job *job, int code, const char *reason) {
    job->outcome = GLIMPSE_INGEST_OUTCOME_QUARANTINED;
    job->code = code;
    free(job->reason);
    job->reason = reason && *reason ? strdup(reason) : NULL;
}

void glimpse_ingest_job_quarantine_decoding(glimpse_ingest_job *job, int status) {
    static const char prefix[] = "picture: ";
    const char *message = glimpse_last_error();
    if (strncmp(message, prefix, sizeof prefix - 1) == 0) message += sizeof prefix - 1;
    glimpse_ingest_job_quarantine(job, status, message);
}

/*
 * Writing.
 */
static int begin_if_needed(committer *c) {
    if (c->writing) return GLIMPSE_OK;
    int status = glimpse_catalog_begin(c->ingest->catalog);
    if (status < 0) return status;
    c->writing = 1;
    c->files_written = c->embedded_written = 0;
    c->transaction_since = glimpse_ingest_seconds();
    return GLIMPSE_OK;
}

static int commit(committer *c) {
    if (!c->writing) return GLIMPSE_OK;
    c->writing = 0;
    return glimpse_catalog_commit(c->ingest->catalog);
}

static int commit_when_due(committer *c) {
    if (!c->writing) return GLIMPSE_OK;
    if (c->files_written < GLIMPSE_INGEST_COMMIT_FILES &&
        c->embedded_written < GLIMPSE_INGEST_COMMIT_EMBEDDED &&
        glimpse_ingest_seconds() - c->transaction_since < GLIMPSE_INGEST_COMMIT_MS / 1000.0) {
        return GLIMPSE_OK;
    }
    return commit(c);
}

static int write_content(committer *c, glimpse_ingest_job *job) {
    const glimpse_ingest *ingest = c->ingest;
    const glimpse_content_meta meta = {.hash = job->hash,
                                       .size = job->content_size,
                                       .width = job->meta.width,
                                       .height = job->meta.height,
                                       .orientation = job->meta.orientation,
                                       .format = glimpse_image_format_name(job->meta.format),
                                       .taken = job->meta.taken,
                                       .camera = job->meta.camera,
                                       .has_gps = job->meta.has_gps,
                                       .latitude = job->meta.latitude,
                                       .longitude = job->meta.longitude};
    int status = glimpse_catalog_put_content(ingest->catalog, &meta, &job->content);
    if (status < 0) return status;
    return glimpse_catalog_put_embedding(ingest->catalog, ingest->model, job->content,
                                         job->embedding, ingest->engine->key.dim);
}

static void count_file(committer *c, const glimpse_ingest_job *job) {
    c->decided++;
    c->files_written++;
    if (job->must_sniff) (void)atomic_fetch_add(&c->ingest->found, 1);
}

static int write_bound(committer *c, const glimpse_ingest_job *job, int64_t content) {
    int status = glimpse_catalog_bind_file(c->ingest->catalog, job->path, &job->stamp, content);
    if (status < 0) return status;
    count_file(c, job);
    c->ingest->report->bound++;
    return GLIMPSE_OK;
}

static int write_quarantined(committer *c, const glimpse_ingest_job *job, int code,
                             const char *reason) {
    /* A folder has no stamp; a file keeps its own, to be left alone until it changes. */
    static const glimpse_file_stamp no_stamp;
    int status = glimpse_catalog_quarantine_file(c->ingest->catalog, job->path,
                                                 job->is_folder ? &no_stamp : &job->stamp, code,
                                                 reason ? reason : "out of memory");
    if (status < 0) return status;
    count_file(c, job);
    c->ingest->report->quarantined++;
    if (!job->row || job->row->state != GLIMPSE_FILE_QUARANTINED) {
        c->ingest->report->newly_quarantined++;
    }
    return GLIMPSE_OK;
}

/* Everything one result has to say, and what is parked with it. */
static int write_result(committer *c, glimpse_ingest_job *job) {
    int status = GLIMPSE_OK;
    switch (job->outcome) {
    case GLIMPSE_INGEST_OUTCOME_PENDING:
    case GLIMPSE_INGEST_OUTCOME_DROPPED: return GLIMPSE_OK;
    case GLIMPSE_INGEST_OUTCOME_VANISHED:
        if (!job->must_sniff) (void)atomic_fetch_sub(&c->ingest->found, 1);
        return GLIMPSE_OK;
    case GLIMPSE_INGEST_OUTCOME_NO_PICTURE:
        if (job->row) job->row->seen = 0; /* it was one; now there is none of that name */
        return GLIMPSE_OK;
    case GLIMPSE_INGEST_OUTCOME_BOUND:
    case GLIMPSE_INGEST_OUTCOME_EMBEDDED:
    case GLIMPSE_INGEST_OUTCOME_QUARANTINED: break;
    }
    status = begin_if_needed(c);
    if (status < 0) return status;
    if (job->outcome == GLIMPSE_INGEST_OUTCOME_BOUND) return write_bound(c, job, job->content);
    if (job->outcome == GLIMPSE_INGEST_OUTCOME_QUARANTINED) {
        status = write_quarantined(c, job, job->code, job->reason);
        for (glimpse_ingest_job *copy = job->parked; copy && status == GLIMPSE_OK;
             copy = copy->ledger_next) {
            status = write_quarantined(c, copy, job->code, job->reason);
        }
        return status;
    }
    status = write_content(c, job);
    if (status == GLIMPSE_OK) status = write_bound(c, job, job->content);
    if (status < 0) return status;
    c->ingest->report->bound--; /* that one was embedded */
    c->ingest->report->embedded++;
    c->embedded_written++;
    for (glimpse_ingest_job *copy = job->parked; copy && status == GLIMPSE_OK;
         copy = copy->ledger_next) {
        status = write_bound(c, copy, job->content);
    }
    return status;
}

static void handle(committer *c, glimpse_ingest_job *job) {
    glimpse_ingest *ingest = c->ingest;
    const double start = glimpse_ingest_seconds();
    const int owner = job->owns;
    if (owner) glimpse_ledger_hold(&ingest->ledger);
    if (!c->catalog_failed) {
        int status = write_result(c, job);
        if (status < 0) {
            c->catalog_failed = 1;
            glimpse_ingest_fail(ingest, status);
        }
    }
    if (owner) {
        glimpse_ledger_remove(&ingest->ledger, job);
        glimpse_ledger_release(&ingest->ledger);
    }
    (void)snprintf(c->path, sizeof c->path, "%s", job->path);
    glimpse_ingest_job_free(job);
    c->busy += glimpse_ingest_seconds() - start;
}

static void commit_or_fail(committer *c, int (*action)(committer *)) {
    if (c->catalog_failed) return;
    const double start = glimpse_ingest_seconds();
    const int was_writing = c->writing;
    int status = action(c);
    if (was_writing && !c->writing) {
        glimpse_trace_span(c->ingest->trace, GLIMPSE_TRACE_COMMITTER, "commit", start,
                           glimpse_ingest_seconds(), NULL);
    }
    if (status < 0) {
        c->catalog_failed = 1;
        glimpse_ingest_fail(c->ingest, status);
    }
    c->busy += glimpse_ingest_seconds() - start;
}

/* Calls back when it is time to; a non-zero answer cancels. */
static void tell_progress(committer *c, const char *stage, int now) {
    glimpse_ingest *ingest = c->ingest;
    const glimpse_ingest_options *options = ingest->options;
    if (!options->progress || c->cancelled) return;
    const double time = glimpse_ingest_seconds();
    if (!now && time - c->last_progress < PROGRESS_SECONDS) return;
    c->last_progress = time;
    const uint64_t old_bad = atomic_load(&ingest->known_quarantined);
    const uint64_t known = atomic_load(&ingest->known);
    glimpse_progress progress = {.stage = stage,
                                 .done = known + c->decided,
                                 .total = atomic_load(&ingest->found),
                                 .total_is_final = atomic_load(&ingest->walk_done),
                                 .embedded = ingest->report->embedded,
                                 .unchanged = known - old_bad,
                                 .bound = ingest->report->bound,
                                 .quarantined = ingest->report->quarantined + old_bad,
                                 .seconds = time - c->start,
                                 .path = c->path};
    if (progress.done > progress.total) progress.done = progress.total;
    if (options->progress(options->user, &progress) != 0) {
        c->cancelled = 1;
        glimpse_ingest_stop(ingest);
    }
}

static void committer_loop(committer *c) {
    for (;;) {
        void *item = NULL;
        const int got = glimpse_queue_pop_timed(c->ingest->result_queue, &item, WAIT_MS);
        if (got == 0) break;
        if (got > 0) handle(c, item);
        commit_or_fail(c, commit_when_due);
        tell_progress(c, "indexing", 0);
    }
    commit_or_fail(c, commit);
    if (c->catalog_failed) glimpse_catalog_rollback(c->ingest->catalog);
}

/*
 * Setting up and taking down.
 */
static unsigned usable_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}

static int check_options(const glimpse_ingest_options *options) {
    if (options->root_count == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no folder to index was given");
    }
    for (size_t i = 0; i < options->root_count; i++) {
        if (!options->roots[i] || !*options->roots[i]) {
            return glimpse_fail(GLIMPSE_E_INVALID, "a folder to index has no name");
        }
    }
    if (options->jobs > MAX_JOBS) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%u jobs, at most %d make sense", options->jobs,
                            MAX_JOBS);
    }
    if (options->batch > MAX_BATCH) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a batch of %u, at most %d make sense", options->batch,
                            MAX_BATCH);
    }
    return GLIMPSE_OK;
}

static int set_up(glimpse_ingest *ingest) {
    const glimpse_ingest_options *options = ingest->options;
    ingest->jobs = options->jobs ? options->jobs : usable_cores();
    if (ingest->jobs > MAX_JOBS) ingest->jobs = MAX_JOBS;
    ingest->batch = options->batch ? options->batch : GLIMPSE_INGEST_DEFAULT_BATCH;
    ingest->decoding = GLIMPSE_DECODE_OPTIONS_INIT;
    ingest->decoding.max_pixels =
        options->max_pixels ? options->max_pixels : GLIMPSE_DEFAULT_MAX_PIXELS;
    ingest->decoding.short_side = options->exact_decode ? 0 : ingest->engine->short_side;
    const uint64_t max_pixels = ingest->decoding.max_pixels;
    /* As for a single picture: 16-bit RGBA stored plainly, and room for metadata. */
    const uint64_t most = (uint64_t)SIZE_MAX / 2;
    ingest->max_file_bytes = (64u << 20);
    if (max_pixels < (most >> 4))
        ingest->max_file_bytes += max_pixels * 8;
    else
        ingest->max_file_bytes = most;
    ingest->rules = (glimpse_walk_rules){.follow_links = options->follow_links,
                                         .exclude = options->exclude,
                                         .exclude_count = options->exclude_count};

    const uint64_t limit = ingest->engine->memory_limit ? ingest->engine->memory_limit
                                                        : glimpse_ingest_memory_limit(ingest->jobs);
    if (pthread_mutex_init(&ingest->failure_mutex, NULL) != 0) goto no_lock;
    ingest->failure_mutex_ready = 1;
    if (pthread_mutex_init(&ingest->batch_mutex, NULL) != 0) goto no_lock;
    ingest->batch_mutex_ready = 1;
    int status = glimpse_gate_init(&ingest->pixel_gate, limit);
    if (status == GLIMPSE_OK) status = glimpse_gate_init(&ingest->file_gate, limit / 4);
    if (status == GLIMPSE_OK) status = glimpse_ledger_init(&ingest->ledger);
    if (status == GLIMPSE_OK) status = glimpse_queue_create(&ingest->job_queue, JOB_QUEUE);
    if (status == GLIMPSE_OK) status = glimpse_queue_create(&ingest->result_queue, RESULT_QUEUE);
    if (status == GLIMPSE_OK && options->profile) {
        status = glimpse_trace_open(&ingest->trace, options->profile);
        glimpse_trace_name(ingest->trace, GLIMPSE_TRACE_COMMITTER, "catalogue");
        glimpse_trace_name(ingest->trace, GLIMPSE_TRACE_WALKER, "walk");
    }
    return status;
no_lock:
    return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a lock");
}

static void take_down(glimpse_ingest *ingest) {
    glimpse_batch_free(ingest->forming);
    glimpse_queue_free(ingest->result_queue);
    glimpse_queue_free(ingest->job_queue);
    glimpse_ledger_destroy(&ingest->ledger);
    glimpse_gate_destroy(&ingest->file_gate);
    glimpse_gate_destroy(&ingest->pixel_gate);
    if (ingest->batch_mutex_ready) (void)pthread_mutex_destroy(&ingest->batch_mutex);
    if (ingest->failure_mutex_ready) (void)pthread_mutex_destroy(&ingest->failure_mutex);
    glimpse_ingest_free_roots(ingest);
}

/* Model row and roots, in one transaction. */
static int prepare_catalog(glimpse_ingest *ingest) {
    int status = glimpse_catalog_begin(ingest->catalog);
    if (status < 0) return status;
    status = glimpse_catalog_use_model(ingest->catalog, &ingest->engine->key, &ingest->model);
    if (status == GLIMPSE_OK) status = glimpse_ingest_prepare_roots(ingest);
    if (status == GLIMPSE_OK) return glimpse_catalog_commit(ingest->catalog);
    glimpse_catalog_rollback(ingest->catalog);
    return status;
}

/* Runs walker, workers and committer to their end. */
static int run_pipeline(committer *c) {
    glimpse_ingest *ingest = c->ingest;
    pthread_t *threads = calloc(ingest->jobs + 1, sizeof *threads);
    if (!threads) return glimpse_fail_nomem((ingest->jobs + 1) * sizeof *threads, "threads");
    unsigned started = 0;
    /* Counted before any thread runs, so that the results cannot be closed too early. */
    atomic_store(&ingest->producers, (int)ingest->jobs + 1);
    for (; started < ingest->jobs + 1; started++) {
        void *(*const role)(void *) = started == 0 ? glimpse_ingest_walker : glimpse_ingest_worker;
        if (pthread_create(&threads[started], NULL, role, ingest) == 0) continue;
        if (started >= 2) { /* a walker and a worker are enough to go on */
            for (unsigned i = started; i < ingest->jobs + 1; i++) {
                glimpse_ingest_producer_ends(ingest);
            }
            break;
        }
        glimpse_ingest_fail(ingest, glimpse_fail(GLIMPSE_E_NOMEM, "cannot start a thread"));
        for (unsigned i = started; i < ingest->jobs + 1; i++)
            glimpse_ingest_producer_ends(ingest);
        break;
    }
    committer_loop(c);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    free(threads);
    /* Without a worker nobody drained the jobs. */
    for (void *item = NULL; glimpse_queue_pop(ingest->job_queue, &item);) {
        glimpse_ingest_job_free(item);
    }
    if (ingest->failure < 0) return glimpse_fail(ingest->failure, "%s", ingest->failure_text);
    return c->cancelled ? glimpse_fail(GLIMPSE_E_CANCELLED, "indexing was stopped") : GLIMPSE_OK;
}

static void fill_report(committer *c) {
    const glimpse_ingest *ingest = c->ingest;
    glimpse_ingest_report *report = ingest->report;
    const uint64_t old_bad = atomic_load(&ingest->known_quarantined);
    report->files = atomic_load(&ingest->found);
    report->unchanged = atomic_load(&ingest->known) - old_bad;
    report->quarantined += old_bad;
    report->seconds = glimpse_ingest_seconds() - c->start;
    report->busy_read = ingest->busy_read;
    report->busy_decode = ingest->busy_decode;
    report->busy_encode = ingest->busy_encode;
    report->busy_commit = c->busy;
    report->jobs = ingest->jobs;
    report->pipeline_seconds = c->pipeline;
    report->peak_bytes = (size_t)atomic_load(&ingest->bytes_peak);
}

int glimpse_ingest_run(glimpse_ingest_report *out, glimpse_library *library,
                       const glimpse_ingest_options *given, const glimpse_ingest_engine *engine) {
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
    committer *c = calloc(1, sizeof *c);
    if (!ingest || !c) {
        status = glimpse_fail_nomem(sizeof *ingest, "indexing");
        goto done;
    }
    ingest->library = library;
    ingest->catalog = glimpse_library_catalog(library);
    ingest->options = &options;
    ingest->engine = engine;
    ingest->report = &report;
    c->ingest = ingest;
    c->start = glimpse_ingest_seconds();

    status = set_up(ingest);
    if (status == GLIMPSE_OK) status = prepare_catalog(ingest);
    if (status < 0) goto done;
    const double begun = glimpse_ingest_seconds();
    status = run_pipeline(c);
    c->pipeline = glimpse_ingest_seconds() - begun;
    if (status == GLIMPSE_OK) status = glimpse_ingest_finish_roots(ingest);
    if (status == GLIMPSE_OK) {
        tell_progress(c, "writing the vector index", 1);
        if (c->cancelled) status = glimpse_fail(GLIMPSE_E_CANCELLED, "indexing was stopped");
    }
    if (status == GLIMPSE_OK) {
        const double start = glimpse_ingest_seconds();
        status = glimpse_library_update_vectors(library, engine->key.fingerprint);
        const double end = glimpse_ingest_seconds();
        c->busy += end - start;
        glimpse_trace_span(ingest->trace, GLIMPSE_TRACE_COMMITTER, "vector index", start, end,
                           NULL);
    }
    fill_report(c);
    if (status == GLIMPSE_OK) tell_progress(c, "done", 1);
done:
    if (ingest) {
        /* What was indexed stays indexed; that its trace is incomplete is worth an error only when
         * nothing else is. */
        const int traced = glimpse_trace_close(ingest->trace);
        if (status == GLIMPSE_OK) status = traced;
        take_down(ingest);
    }
    free(ingest);
    free(c);
    glimpse_library_unlock(library);
    GLIMPSE_REPORT_STORE(out, &report);
    return status;
}
