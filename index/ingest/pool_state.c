/*
 * index/ingest/pool_state.c - what the threads of a pool share.
 */
#include "pool_state.h"

#include "core/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t glimpse_pool_memory_limit(unsigned jobs) {
    const uint64_t wanted = (uint64_t)jobs << 27, min = UINT64_C(1) << 30;
    return wanted > min ? wanted : min;
}

/*
 * Stopping.
 */
void glimpse_pool_set_resting(glimpse_pool *pool, int resting) {
    (void)pthread_mutex_lock(&pool->rest_mutex);
    atomic_store(&pool->resting, resting);
    (void)pthread_cond_broadcast(&pool->rest_over);
    (void)pthread_mutex_unlock(&pool->rest_mutex);
}

void glimpse_pool_stop(glimpse_pool *pool) {
    atomic_store(&pool->stop, 1);
    glimpse_pool_set_resting(pool, 0);
    glimpse_queue_close(pool->job_queue);
}

void glimpse_pool_fail(glimpse_pool *pool, int status) {
    (void)pthread_mutex_lock(&pool->failure_mutex);
    if (pool->failure == GLIMPSE_OK) {
        pool->failure = status;
        (void)snprintf(pool->failure_text, sizeof pool->failure_text, "%s", glimpse_last_error());
    }
    (void)pthread_mutex_unlock(&pool->failure_mutex);
    glimpse_pool_stop(pool);
}

void glimpse_pool_cancel(glimpse_pool *pool) {
    atomic_store(&pool->cancelled, 1);
    glimpse_pool_stop(pool);
}

int glimpse_pool_is_stopping(const glimpse_pool *pool) {
    return atomic_load(&pool->stop);
}

int glimpse_pool_is_produced(const glimpse_pool *pool) {
    return atomic_load(&pool->produced);
}

/*
 * Accounting.
 */
void glimpse_pool_account(glimpse_pool *pool, uint64_t bytes) {
    const uint64_t inside = atomic_fetch_add(&pool->bytes_inside, bytes) + bytes;
    uint_fast64_t peak = atomic_load(&pool->bytes_peak);
    while (inside > peak && !atomic_compare_exchange_weak(&pool->bytes_peak, &peak, inside)) {}
}

void glimpse_pool_unaccount(glimpse_pool *pool, uint64_t bytes) {
    (void)atomic_fetch_sub(&pool->bytes_inside, bytes);
}

/*
 * Jobs and results.
 */
int glimpse_pool_submit(glimpse_pool *pool, glimpse_pool_job *job) {
    return glimpse_pool_submit_all(pool, &job, 1) == 1;
}

size_t glimpse_pool_submit_all(glimpse_pool *pool, glimpse_pool_job *const *jobs, size_t count) {
    void *items[GLIMPSE_POOL_TOGETHER];
    size_t done = 0;
    (void)atomic_fetch_add(&pool->undecided, count);
    while (done < count) {
        const size_t left = count - done;
        const size_t now = left < GLIMPSE_POOL_TOGETHER ? left : GLIMPSE_POOL_TOGETHER;
        for (size_t i = 0; i < now; i++)
            items[i] = jobs[done + i];
        const size_t taken = glimpse_queue_push_all(pool->job_queue, items, now);
        done += taken;
        if (taken < now) break;
    }
    return done;
}

int glimpse_pool_has_jobs(const glimpse_pool *pool) {
    return glimpse_queue_has_items(pool->job_queue);
}

int glimpse_pool_complete(glimpse_pool *pool, glimpse_pool_job *job) {
    return !atomic_load(&pool->stop) && glimpse_queue_push(pool->result_queue, job);
}

void glimpse_pool_feeder_ends(glimpse_pool *pool) {
    if (atomic_fetch_sub(&pool->feeders, 1) == 1) glimpse_queue_close(pool->result_queue);
}

void glimpse_pool_finish(glimpse_pool_worker *w, glimpse_pool_job *job) {
    w->results[w->result_count++] = job;
    if (w->result_count == GLIMPSE_POOL_TOGETHER) glimpse_pool_hand_over(w);
}

void glimpse_pool_hand_over(glimpse_pool_worker *w) {
    /* None refused: the results are open as long as a worker runs. */
    if (w->result_count > 0) {
        (void)glimpse_queue_push_all(w->pool->result_queue, w->results, w->result_count);
    }
    w->result_count = 0;
}

void glimpse_pool_decided(glimpse_pool_worker *w, glimpse_pool_job *job) {
    (void)atomic_fetch_sub(&w->pool->undecided, 1);
    glimpse_pool_finish(w, job);
}

void glimpse_pool_job_clear(glimpse_pool_job *job) {
    free(job->reason);
    free(job->embedding);
    free(job->tile_embeddings);
    job->reason = NULL;
    job->embedding = job->tile_embeddings = NULL;
}

void glimpse_pool_job_fail(glimpse_pool_job *job, int code, const char *reason) {
    job->outcome = GLIMPSE_POOL_FAILED;
    job->code = code;
    free(job->reason);
    job->reason = reason && *reason ? strdup(glimpse_without_path(reason, job->path)) : NULL;
}

void glimpse_pool_job_fail_decoding(glimpse_pool_job *job, int status) {
    static const char prefix[] = "picture: ";
    const char *message = glimpse_last_error();
    if (strncmp(message, prefix, sizeof prefix - 1) == 0) message += sizeof prefix - 1;
    glimpse_pool_job_fail(job, status, message);
}

const char *glimpse_pool_job_reason(const glimpse_pool_job *job) {
    return job->reason ? job->reason : "out of memory";
}
