/*
 * index/ingest/pool.h - the one pool of workers that read, hash, decode, preprocess and encode
 * pictures: for indexing, labels and duplicates.
 *
 *     producer ----jobs----> workers (read, hash, decode, preprocess, encode) ----> consumer
 *
 *   producer   one thread of the pool's own, which calls run->produce. It submits a job for each
 *              file that has to be looked into, and completes those that need no look.
 *   workers    `jobs` threads. Each reads and hashes a file, asks `claim`, decodes and
 *              preprocesses; the picture joins the forming batch, and whoever fills the batch
 *              encodes it with its own encoder while the others go on decoding. No stage waits for
 *              another, and all cores stay busy whatever the ratio of decoding to encoding is.
 *   consumer   the calling thread. Every job that was submitted or completed comes to run->consume
 *              once, in the order in which they were decided on, not that of the producer; parked
 *              ones (GLIMPSE_STEP_PARKED) do not.
 *
 * Both queues are bounded, and the consumer waits for nothing but results, so everything drains and
 * nothing deadlocks. File bytes and decoded pictures in flight are bounded by budgets (budget.h).
 *
 * Decoding: reduced where that is cheap, to engine->short_side, or every pixel with `exact`. With
 * `inspect` a picture is decoded exactly for it, and its embedding is still that of the rule: it is
 * decoded a second time, reduced, where that makes a difference. So a file has one embedding,
 * whoever asks for it.
 *
 * Tiles are cropped from one more decoding, fine enough for the smallest of them, where that of the
 * whole picture is coarser: the embedding of the whole stays what it is without them. They go
 * through the batches as pictures do, and the job is done when all are.
 *
 * Stopping (cancelled, or failed): jobs not yet encoded come to the consumer as DROPPED; what was
 * encoded comes as it is.
 *
 * Pausing (core/pause.h): workers finish the picture that they have in hand and the batch that
 * forms, and rest; when the consumer has their results, it pauses, and they go on.
 *
 * A pool runs any number of times, one at a time; its encoders stay.
 */
#ifndef GLIMPSE_INDEX_POOL_H
#define GLIMPSE_INDEX_POOL_H

#include "core/hash.h"
#include "engine.h"
#include "store.h"
#include "trace.h"

#include <glimpse/sys/image.h>

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GLIMPSE_POOL_DEFAULT_BATCH = 16,
    GLIMPSE_POOL_MAX_JOBS = 1024,
    GLIMPSE_POOL_MAX_BATCH = 4096,
    GLIMPSE_POOL_TOGETHER = 32 /* jobs and results that are handed over at once, at most */
};

typedef struct glimpse_pool glimpse_pool;

typedef enum glimpse_pool_outcome {
    GLIMPSE_POOL_PENDING = 0,
    GLIMPSE_POOL_DROPPED,    /* stopped before anything was decided */
    GLIMPSE_POOL_VANISHED,   /* gone between the walk and the read; `reason` says so too */
    GLIMPSE_POOL_NO_PICTURE, /* must_sniff, and the bytes are no picture's, or (`code`, `reason`)
                                could not be read */
    GLIMPSE_POOL_KNOWN,      /* a step knew it already */
    GLIMPSE_POOL_DONE,       /* decoded, and embedded where that was wanted */
    GLIMPSE_POOL_FAILED      /* `code`, `reason` */
} glimpse_pool_outcome;

/* The first member of whatever a user of the pool makes its jobs of. Zero it before use. */
typedef struct glimpse_pool_job {
    /* Set by the producer. */
    char *path; /* its own: the pool does not free it */
    int must_sniff;
    int wants_embedding; /* a step may withdraw it */
    int wants_tiles;     /* with wants_embedding: of its tiles, too; */
    int skips_whole;     /* and with this of them alone. A step may change both */
    /* Set by the workers. */
    glimpse_file_stamp stamp; /* of the file when it was opened; from the producer until then */
    glimpse_pool_outcome outcome;
    int code;
    char *reason; /* without the path; NULL stands for "out of memory" */
    glimpse_hash hash;
    uint64_t content_size; /* bytes read */
    const uint8_t *bytes;  /* [content_size] of them, while `claim` is asked */
    int is_identified;     /* after GLIMPSE_STEP_DECODE: identity and meta are set */
    glimpse_hash identity; /* glimpse_image_identity() */
    glimpse_image_meta meta;
    float *embedding;  /* [key.dim], or NULL */
    int has_signature; /* of the whole picture, where it was embedded */
    glimpse_signature signature;
    uint32_t tiles;         /* that it has, as bits (tiles.h), and */
    float *tile_embeddings; /* theirs, in order */
    /* The pool's own. */
    atomic_uint pending; /* embeddings that are not there yet, and who still adds some */
    atomic_int trouble;  /* why one of them will not be */
} glimpse_pool_job;

/* Frees reason and embeddings. */
void glimpse_pool_job_clear(glimpse_pool_job *job);
/* Makes it a failed one. NULL for the reason: memory ran out. */
void glimpse_pool_job_fail(glimpse_pool_job *job, int code, const char *reason);
const char *glimpse_pool_job_reason(const glimpse_pool_job *job); /* never NULL */

typedef enum glimpse_pool_step {
    GLIMPSE_STEP_ON,     /* go on with it */
    GLIMPSE_STEP_DECODE, /* of `claim`: decode it, to be identified by its pixels, and ask again */
    GLIMPSE_STEP_COMPLETE, /* job->outcome was set */
    GLIMPSE_STEP_PARKED    /* it belongs to somebody else now, and may be gone already */
} glimpse_pool_step;

typedef struct glimpse_pool_options {
    const glimpse_ingest_engine *engine; /* NULL: nothing is embedded. Must outlive the pool */
    unsigned jobs;                       /* workers; 0: one per core */
    unsigned batch;                      /* pictures per encoder call; 0: 16 */
    uint64_t max_pixels;                 /* 0: GLIMPSE_DEFAULT_MAX_PIXELS */
    int exact;                           /* decode every pixel */
    uint64_t reserved_bytes;             /* what the caller takes beside, of a limited memory */
    glimpse_trace *trace; /* NULL: none. Worker n has row GLIMPSE_TRACE_WORKERS + n */

    /* Steps, any of which may be NULL; called from the workers, several at once.
     * claim: the file was read, and job->hash and content_size are set. What it had decoded is not
     * decoded again for the encoder. */
    glimpse_pool_step (*claim)(void *user, glimpse_pool_job *job);
    /* The picture, every pixel of it, with its alpha beside it, and the bytes it came from;
     * job->meta is set. A negative status fails the job with the last error as its reason. */
    int (*inspect)(void *user, glimpse_pool_job *job, const glimpse_image *image,
                   const uint8_t *data, size_t size);
    void *user;
} glimpse_pool_options;

/* Rows of the trace. */
enum { GLIMPSE_TRACE_CONSUMER, GLIMPSE_TRACE_PRODUCER, GLIMPSE_TRACE_WORKERS };

typedef struct glimpse_pool_run {
    void (*produce)(void *user, glimpse_pool *pool);    /* submits and completes jobs */
    void (*consume)(void *user, glimpse_pool_job *job); /* the job is the user's again */
    /* NULL, or called by the consumer when nothing is at a worker any more and the process is about
     * to pause (core/pause.h): what was consumed is to be committed. */
    void (*before_pause)(void *user);
    void (*tick)(void *user); /* NULL, or called by the consumer after a few results and every 20
                                 ms: progress, commits, cancelling */
    void *user;
    size_t expected; /* jobs at most, to start no idle workers; 0: not known */
} glimpse_pool_run;

typedef struct glimpse_pool_stats {
    unsigned jobs;
    double busy_read, busy_decode, busy_encode; /* thread-seconds, of all runs */
    uint64_t peak_bytes; /* largest estimate of what files and pictures in flight took */
} glimpse_pool_stats;

/* The options are copied. */
int glimpse_pool_create(glimpse_pool **out, const glimpse_pool_options *options);
void glimpse_pool_free(glimpse_pool *pool);

/* Runs to the end: all was produced and consumed. The first failure that ended it, as by
 * glimpse_pool_fail; GLIMPSE_E_CANCELLED after glimpse_pool_cancel. */
int glimpse_pool_run_all(glimpse_pool *pool, const glimpse_pool_run *run);

/* For the producer. 1, or 0 when the run is stopping: then the job stays the caller's. Waits for
 * room in the queue. */
int glimpse_pool_submit(glimpse_pool *pool, glimpse_pool_job *job);
/* The same for several: how many were taken, the first ones. Threads that hand over one thing at a
 * time do little else when there is little to do with it; up to POOL_TOGETHER go together. */
size_t glimpse_pool_submit_all(glimpse_pool *pool, glimpse_pool_job *const *jobs, size_t count);
/* 0 when a worker may have nothing to do: what the producer keeps back is wanted now. */
int glimpse_pool_has_jobs(const glimpse_pool *pool);
int glimpse_pool_complete(glimpse_pool *pool, glimpse_pool_job *job);
int glimpse_pool_is_stopping(const glimpse_pool *pool);
int glimpse_pool_is_produced(const glimpse_pool *pool); /* the producer has returned */

/* Any thread, during a run: ends it, with the calling thread's last error or as cancelled. */
void glimpse_pool_fail(glimpse_pool *pool, int status);
void glimpse_pool_cancel(glimpse_pool *pool);

glimpse_pool_stats glimpse_pool_get_stats(const glimpse_pool *pool);

/* Bytes that decoded pictures in flight may take together with `jobs` workers (one larger picture
 * passes alone): 128 MiB for each, at least 1 GiB. File bytes have a quarter of that beside it. */
uint64_t glimpse_pool_memory_limit(unsigned jobs);

#endif
