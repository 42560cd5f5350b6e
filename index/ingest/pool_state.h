/*
 * index/ingest/pool_state.h - the pool from the inside: what its threads share.
 *
 *     pool_state.c   the shared state: stopping, accounting, handing results over
 *     pool_read.c    one read of a file
 *     pool_batch.c   the batch that forms across workers
 *     pool_worker.c  a worker, which uses all of these
 *     pool.c         starts and joins the threads
 */
#ifndef GLIMPSE_INDEX_POOL_STATE_H
#define GLIMPSE_INDEX_POOL_STATE_H

#include "budget.h"
#include "core/queue.h"
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>

/* A picture or a tile of one in a batch. */
typedef struct glimpse_batch_item {
    glimpse_pool_job *job;
    uint32_t tile; /* 0: the whole; else the place of the tile among those of the job, from 1 */
} glimpse_batch_item;

typedef struct glimpse_batch {
    size_t count;
    glimpse_batch_item *items; /* [batch] */
    uint8_t *rgb;              /* [batch][input_bytes] */
} glimpse_batch;

/* What a worker keeps from run to run. */
typedef struct glimpse_pool_worker {
    glimpse_pool *pool;
    unsigned row;                         /* in the trace */
    void *encoder;                        /* made when the first batch comes */
    float *embeddings;                    /* [batch][dim], likewise */
    uint8_t *rgb;                         /* one picture being prepared */
    glimpse_batch *spare;                 /* memory of a batch that was encoded */
    void *results[GLIMPSE_POOL_TOGETHER]; /* [result_count] that the consumer does not have yet */
    size_t result_count;
    double read, decode, encode;
} glimpse_pool_worker;

struct glimpse_pool {
    glimpse_pool_options options;
    unsigned jobs, batch;
    uint64_t max_file_bytes;
    int is_memory_limited;           /* no picture takes more than the budget, not even alone */
    glimpse_decode_options decoding; /* for embeddings */
    ssize_t (*read)(int fd, void *data, size_t size);

    glimpse_queue *job_queue, *result_queue; /* of the run */
    glimpse_budget file_budget, pixel_budget;
    atomic_uint_fast64_t bytes_inside, bytes_peak;
    atomic_int read_ahead;        /* files to be read ahead of, since one had to be waited for */
    atomic_int with_access_times; /* somebody else's files are among those that are read */

    pthread_mutex_t batch_mutex;
    int batch_mutex_ready;
    glimpse_batch *forming; /* NULL: none was begun */
    uint64_t forming_since_ms;

    atomic_int stop, produced, cancelled;
    atomic_int feeders; /* threads that still push results */
    atomic_uint_fast64_t
        undecided;    /* jobs not yet decided: at a worker or in a batch that is encoded. Of one
                         with tiles, each of its embeddings, once it is known how many */
    unsigned sharing; /* workers of this run */

    /* Pausing: workers rest while `resting`, unless the run stops. */
    pthread_mutex_t rest_mutex;
    pthread_cond_t rest_over;
    int rest_ready;
    atomic_int resting, at_work; /* at_work: workers that neither rest nor are at their end */

    pthread_mutex_t failure_mutex;
    int failure_mutex_ready, failure;
    char failure_text[1024];

    const glimpse_pool_run *run;
    glimpse_pool_worker *workers; /* [jobs] */
};

void glimpse_pool_stop(glimpse_pool *pool);
/* Workers begin to rest, or end it. */
void glimpse_pool_set_resting(glimpse_pool *pool, int resting);
void glimpse_pool_account(glimpse_pool *pool, uint64_t bytes); /* memory taken */
void glimpse_pool_unaccount(glimpse_pool *pool, uint64_t bytes);
/* Called by producer and workers at their end: the last closes the results. */
void glimpse_pool_feeder_ends(glimpse_pool *pool);
/* A job of a worker is the consumer's, with others; `decided` counts it off those undecided first.
 * `hand_over` is due before anything that takes long. */
void glimpse_pool_finish(glimpse_pool_worker *w, glimpse_pool_job *job);
void glimpse_pool_decided(glimpse_pool_worker *w, glimpse_pool_job *job);
void glimpse_pool_hand_over(glimpse_pool_worker *w);
/* Fails the job with the last error, less the stand-in for the name in front of it. */
void glimpse_pool_job_fail_decoding(glimpse_pool_job *job, int status);

#endif
