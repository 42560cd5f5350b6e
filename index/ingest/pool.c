/*
 * index/ingest/pool.c - a pool from its options to the end of a run.
 */
#include "pool.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/pause.h"
#include "pool_batch.h"
#include "pool_memory.h"
#include "pool_state.h"
#include "pool_worker.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JOB_QUEUE = 1024, RESULT_QUEUE = 256, WAIT_MS = 20, WORKER_MEMORY = 128 << 20 };

static unsigned usable_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}

/* As for a single picture: 16-bit RGBA stored plainly, and room for metadata. */
static uint64_t largest_file(uint64_t max_pixels) {
    const uint64_t max = (uint64_t)SIZE_MAX / 2;
    return max_pixels < (max >> 4) ? (UINT64_C(64) << 20) + max_pixels * 8 : max;
}

int glimpse_pool_create(glimpse_pool **out, const glimpse_pool_options *options) {
    const glimpse_ingest_engine *engine = options->engine;
    *out = NULL;
    glimpse_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return glimpse_fail_nomem(sizeof *pool, "workers");
    pool->options = *options;
    pool->jobs = options->jobs ? options->jobs : usable_cores();
    if (pool->jobs > GLIMPSE_POOL_MAX_JOBS) pool->jobs = GLIMPSE_POOL_MAX_JOBS;
    pool->batch = options->batch ? options->batch : GLIMPSE_POOL_DEFAULT_BATCH;
    pool->read = engine && engine->read ? engine->read : read;
    pool->decoding = GLIMPSE_DECODE_OPTIONS_INIT;
    pool->decoding.max_pixels =
        options->max_pixels ? options->max_pixels : GLIMPSE_DEFAULT_MAX_PIXELS;
    pool->decoding.short_side = engine && !options->exact ? engine->short_side : 0;
    pool->max_file_bytes = largest_file(pool->decoding.max_pixels);
    glimpse_pool_plan plan = {.jobs = pool->jobs, .batch = pool->batch};
    int status = glimpse_pool_plan_memory(&plan, options);
    if (status < 0) {
        free(pool);
        return status;
    }
    pool->jobs = plan.jobs;
    pool->batch = plan.batch;
    pool->is_memory_limited = plan.is_limited;
    const uint64_t limit = engine && engine->memory_limit ? engine->memory_limit : plan.pixel_bytes;
    pool->workers = calloc(pool->jobs, sizeof *pool->workers);
    if (!pool->workers) {
        status = glimpse_fail_nomem(pool->jobs * sizeof *pool->workers, "workers");
        goto done;
    }
    for (unsigned i = 0; i < pool->jobs; i++) {
        pool->workers[i].pool = pool;
        pool->workers[i].row = GLIMPSE_TRACE_WORKERS + i;
        glimpse_trace_name(options->trace, GLIMPSE_TRACE_WORKERS + i, "worker %u", i + 1);
    }
    if (pthread_mutex_init(&pool->failure_mutex, NULL) != 0) goto no_lock;
    pool->failure_mutex_ready = 1;
    if (pthread_mutex_init(&pool->batch_mutex, NULL) != 0) goto no_lock;
    pool->batch_mutex_ready = 1;
    if (pthread_mutex_init(&pool->rest_mutex, NULL) != 0) goto no_lock;
    if (pthread_cond_init(&pool->rest_over, NULL) != 0) {
        (void)pthread_mutex_destroy(&pool->rest_mutex);
        goto no_lock;
    }
    pool->rest_ready = 1;
    status = glimpse_budget_init(&pool->pixel_budget, limit);
    if (status == GLIMPSE_OK) status = glimpse_budget_init(&pool->file_budget, limit / 4);
done:
    if (status < 0) {
        glimpse_pool_free(pool);
        return status;
    }
    *out = pool;
    return GLIMPSE_OK;
no_lock:
    status = glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a lock");
    goto done;
}

void glimpse_pool_free(glimpse_pool *pool) {
    if (!pool) return;
    for (unsigned i = 0; pool->workers && i < pool->jobs; i++) {
        glimpse_pool_worker *w = &pool->workers[i];
        if (w->encoder) pool->options.engine->encoder_free(w->encoder);
        glimpse_batch_free(pool, w->spare);
        free(w->embeddings);
        free(w->rgb);
    }
    glimpse_batch_free(pool, pool->forming);
    glimpse_budget_destroy(&pool->file_budget);
    glimpse_budget_destroy(&pool->pixel_budget);
    if (pool->rest_ready) {
        (void)pthread_cond_destroy(&pool->rest_over);
        (void)pthread_mutex_destroy(&pool->rest_mutex);
    }
    if (pool->batch_mutex_ready) (void)pthread_mutex_destroy(&pool->batch_mutex);
    if (pool->failure_mutex_ready) (void)pthread_mutex_destroy(&pool->failure_mutex);
    free(pool->workers);
    free(pool);
}

static void *produce(void *argument) {
    glimpse_pool *pool = argument;
    pool->run->produce(pool->run->user, pool);
    atomic_store(&pool->produced, 1);
    glimpse_queue_close(pool->job_queue);
    glimpse_pool_feeder_ends(pool);
    return NULL;
}

/* For a process that is to pause, after `got` results were consumed (0 or less: there were none).
 * Workers rest first; what they made is in the queue of results then, which is not longer than
 * `drained` gets. */
static void pause_when_wanted(glimpse_pool *pool, int got, size_t *drained) {
    if (atomic_load(&pool->stop)) return;
    if (!atomic_load(&pool->resting)) {
        if (!glimpse_pause_is_wanted()) return;
        *drained = 0;
        glimpse_pool_set_resting(pool, 1);
        return;
    }
    if (atomic_load(&pool->at_work) > 0) return;
    if (got > 0) *drained += (size_t)got;
    if (got > 0 && *drained < RESULT_QUEUE + GLIMPSE_POOL_TOGETHER) return;
    if (pool->run->before_pause) pool->run->before_pause(pool->run->user);
    glimpse_pause_here();
    glimpse_pool_set_resting(pool, 0);
}

/* Until the results are closed. */
static void consume(glimpse_pool *pool) {
    const glimpse_pool_run *run = pool->run;
    size_t drained = 0;
    for (;;) {
        void *items[GLIMPSE_POOL_TOGETHER];
        const int got =
            glimpse_queue_pop_some(pool->result_queue, items, GLIMPSE_POOL_TOGETHER, 1, WAIT_MS);
        if (got == 0) break;
        for (int i = 0; i < got; i++)
            run->consume(run->user, items[i]);
        if (run->tick) run->tick(run->user);
        pause_when_wanted(pool, got, &drained);
    }
}

static void run_threads(glimpse_pool *pool, pthread_t *threads) {
    const unsigned wanted = pool->sharing + 1;
    unsigned started = 0;
    /* Counted before any thread runs, so that the results cannot be closed too early. */
    atomic_store(&pool->feeders, (int)wanted);
    for (; started < wanted; started++) {
        void *(*const role)(void *) = started == 0 ? produce : glimpse_pool_work;
        void *argument = started == 0 ? (void *)pool : (void *)&pool->workers[started - 1];
        if (pthread_create(&threads[started], NULL, role, argument) == 0) continue;
        /* A producer and a worker are enough to go on. */
        if (started < 2) {
            glimpse_pool_fail(pool, glimpse_fail(GLIMPSE_E_NOMEM, "cannot start a thread"));
        }
        for (unsigned i = started; i < wanted; i++)
            glimpse_pool_feeder_ends(pool);
        break;
    }
    consume(pool);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    /* Without a worker nobody drained the jobs. */
    for (void *item = NULL; glimpse_queue_pop_timed(pool->job_queue, &item, 0) > 0;) {
        glimpse_pool_job *job = item;
        job->outcome = GLIMPSE_POOL_DROPPED;
        pool->run->consume(pool->run->user, job);
    }
}

/* A thread takes its stack and its part of the heap, and a worker what it decodes and multiplies
 * with. Fewer workers than asked for do the same in more time; without room for one, that is said
 * before it is found out by a library that cannot say it. */
static int check_memory(glimpse_pool *pool) {
    while (pool->sharing > 1 &&
           !glimpse_memory_is_available((uint64_t)pool->sharing * WORKER_MEMORY)) {
        pool->sharing--;
    }
    return glimpse_memory_check(WORKER_MEMORY, "a worker");
}

int glimpse_pool_run_all(glimpse_pool *pool, const glimpse_pool_run *run) {
    pool->run = run;
    pool->sharing = pool->jobs;
    if (run->expected > 0 && run->expected < pool->jobs) pool->sharing = (unsigned)run->expected;
    pool->failure = GLIMPSE_OK;
    atomic_store(&pool->stop, 0);
    atomic_store(&pool->cancelled, 0);
    atomic_store(&pool->produced, 0);
    atomic_store(&pool->undecided, 0);
    atomic_store(&pool->resting, 0);
    atomic_store(&pool->at_work, 0);
    int status = check_memory(pool);
    if (status < 0) return status;
    pthread_t *threads = calloc(pool->sharing + 1, sizeof *threads);
    if (!threads) return glimpse_fail_nomem((pool->sharing + 1) * sizeof *threads, "threads");
    status = glimpse_queue_create(&pool->job_queue, JOB_QUEUE);
    if (status == GLIMPSE_OK) status = glimpse_queue_create(&pool->result_queue, RESULT_QUEUE);
    if (status == GLIMPSE_OK) {
        glimpse_pause_begin();
        run_threads(pool, threads);
        /* What came too late for the workers: the run is at its end. */
        if (run->before_pause && glimpse_pause_is_wanted()) run->before_pause(run->user);
        glimpse_pause_end();
        if (pool->failure < 0) {
            status = glimpse_fail(pool->failure, "%s", pool->failure_text);
        } else if (atomic_load(&pool->cancelled)) {
            status = glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
        }
    }
    glimpse_queue_free(pool->result_queue);
    glimpse_queue_free(pool->job_queue);
    pool->result_queue = pool->job_queue = NULL;
    pool->run = NULL;
    free(threads);
    return status;
}

glimpse_pool_stats glimpse_pool_get_stats(const glimpse_pool *pool) {
    glimpse_pool_stats stats = {.jobs = pool->jobs, .peak_bytes = atomic_load(&pool->bytes_peak)};
    for (unsigned i = 0; i < pool->jobs; i++) {
        stats.busy_read += pool->workers[i].read;
        stats.busy_decode += pool->workers[i].decode;
        stats.busy_encode += pool->workers[i].encode;
    }
    return stats;
}
