/*
 * index/ingest_internal.h - the ingest pipeline from the inside.
 *
 *     walker ----jobs----> workers (decode, preprocess, encode) ----results----> committer
 *       |                     |                                                     |
 *     file table           ledger: who is working on which content            catalogue
 *
 *   walker     one thread. Walks the roots, tells known files from new ones by size and time,
 *              and makes a job of each that has to be looked into.
 *   workers    `jobs` threads. Each reads, hashes, asks the ledger, decodes and preprocesses; the
 *              picture joins the forming batch, and whoever fills the batch encodes it with its
 *              own encoder while the others go on decoding. No stage waits for another, and all
 *              cores stay busy whatever the ratio of decoding to encoding is.
 *   committer  the calling thread. The only one that writes to the catalogue, in transactions of
 *              COMMIT_EMBEDDED pictures, COMMIT_FILES files or COMMIT_MS, whichever comes first,
 *              and the one that calls back with progress.
 *
 * A job goes down the pipeline and is freed by the committer. Both queues are bounded; the
 * committer never waits for anyone but the results, so everything drains and nothing deadlocks.
 *
 * Equal bytes: the ledger knows the contents that are in flight. The first job with a content owns
 * it; later ones are parked with the owner and share its fate when it is committed.
 *
 * Stopping (cancelled by the caller, or failed): `stop` is set and the job queue closed. Jobs not
 * yet encoded are dropped; what was encoded goes to the committer, who commits it when the caller
 * cancelled and drops it when something failed.
 */
#ifndef GLIMPSE_INDEX_INGEST_INTERNAL_H
#define GLIMPSE_INDEX_INGEST_INTERNAL_H

#include "core/hash.h"
#include "core/queue.h"
#include "ingest_budget.h"
#include "library_private.h"
#include "store.h"
#include "trace.h"
#include "walk.h"

#include <glimpse/library.h>
#include <glimpse/sys/image.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum {
    GLIMPSE_INGEST_COMMIT_EMBEDDED = 64,
    GLIMPSE_INGEST_COMMIT_FILES = 1024,
    GLIMPSE_INGEST_COMMIT_MS = 250,
    GLIMPSE_INGEST_DEFAULT_BATCH = 16
};

/* What turns bytes into a vector: the model (ingest_model.c), or a test's stand-in. All calls but
 * those that create and free come from several threads at once; an encoder stays in one. */
typedef struct glimpse_ingest_engine {
    glimpse_model_key key;
    size_t input_bytes;  /* of one preprocessed picture */
    uint32_t short_side; /* that a reduced picture must keep; 0: never reduce */
    /* Decodes and preprocesses into `rgb` [input_bytes]; messages begin with "picture: ". */
    int (*decode)(const struct glimpse_ingest_engine *engine, const void *data, size_t size,
                  const glimpse_decode_options *options, uint8_t *rgb, glimpse_image_meta *meta);
    int (*encoder_create)(const struct glimpse_ingest_engine *engine, void **out, size_t max_batch);
    void (*encoder_free)(void *encoder);
    /* `rgb` [count][input_bytes] -> `embeddings` [count][key.dim] */
    int (*encode)(void *encoder, const uint8_t *rgb, size_t count, float *embeddings);
    const void *context;

    /* For tests; zero for the real thing. */
    ssize_t (*read)(int fd, void *data, size_t size); /* NULL: read(2) */
    uint64_t memory_limit;                            /* 0: see glimpse_ingest_memory_limit */
} glimpse_ingest_engine;

/* glimpse_library_ingest with any engine; options->model is not looked at. */
int glimpse_ingest_run(glimpse_ingest_report *report, glimpse_library *library,
                       const glimpse_ingest_options *options, const glimpse_ingest_engine *engine);

/* Bytes that decoded pictures in flight may take together with `jobs` workers (one larger picture
 * passes alone): 128 MiB for each, at least 1 GiB. File bytes have a quarter of that beside it. */
uint64_t glimpse_ingest_memory_limit(unsigned jobs);

typedef enum glimpse_ingest_outcome {
    GLIMPSE_INGEST_OUTCOME_PENDING = 0,
    GLIMPSE_INGEST_OUTCOME_DROPPED,    /* stopped before anything was decided */
    GLIMPSE_INGEST_OUTCOME_VANISHED,   /* gone between the walk and the read */
    GLIMPSE_INGEST_OUTCOME_NO_PICTURE, /* an unknown ending, and the bytes are no picture's */
    GLIMPSE_INGEST_OUTCOME_BOUND,      /* `content` was known */
    GLIMPSE_INGEST_OUTCOME_EMBEDDED,
    GLIMPSE_INGEST_OUTCOME_QUARANTINED
} glimpse_ingest_outcome;

typedef struct glimpse_ingest_job {
    char *path;
    glimpse_file_stamp stamp;
    glimpse_file_row *row; /* what the catalogue knew, or NULL; belongs to the file table */
    int must_sniff, is_folder;
    int owns; /* its content, in the ledger */

    glimpse_ingest_outcome outcome;
    int code;     /* QUARANTINED */
    char *reason; /* QUARANTINED; NULL stands for "out of memory" */
    glimpse_hash hash;
    uint64_t content_size;
    int64_t content; /* BOUND */
    glimpse_image_meta meta;
    float *embedding; /* EMBEDDED [dim] */

    struct glimpse_ingest_job *parked;      /* jobs with the same bytes, latest first */
    struct glimpse_ingest_job *ledger_next; /* in the ledger's bucket, or in `parked` */
} glimpse_ingest_job;

void glimpse_ingest_job_free(glimpse_ingest_job *job); /* and what is parked with it */
/* Makes it a quarantined one. NULL for the reason: memory ran out. */
void glimpse_ingest_job_quarantine(glimpse_ingest_job *job, int code, const char *reason);
/* With the decoder's message, less the stand-in for the name in front of it. */
void glimpse_ingest_job_quarantine_decoding(glimpse_ingest_job *job, int status);

/* The contents in flight. */
typedef struct glimpse_ledger {
    pthread_mutex_t mutex;
    int ready;
    glimpse_ingest_job *buckets[1024];
} glimpse_ledger;

typedef struct glimpse_batch {
    size_t count;
    glimpse_ingest_job **jobs; /* [batch] */
    uint8_t *rgb;              /* [batch][input_bytes] */
} glimpse_batch;

/* One root of this run. */
typedef struct glimpse_ingest_root {
    char *path;
    int is_folder, reachable, registered;
    glimpse_file_table *table;
    glimpse_walk_summary summary;
    int complete; /* walked to the end */
} glimpse_ingest_root;

typedef struct glimpse_ingest {
    glimpse_library *library;
    glimpse_store *store;
    const glimpse_ingest_options *options;
    const glimpse_ingest_engine *engine;
    int64_t model;
    unsigned jobs, batch;
    uint64_t max_file_bytes;
    glimpse_decode_options decoding;
    glimpse_walk_rules rules;
    glimpse_ingest_root *roots;
    size_t root_count;

    glimpse_queue *job_queue, *result_queue;
    glimpse_ledger ledger;
    glimpse_gate file_gate, pixel_gate;
    atomic_uint_fast64_t bytes_inside, bytes_peak;

    pthread_mutex_t batch_mutex;
    int batch_mutex_ready;
    glimpse_batch *forming; /* NULL: none was begun */
    uint64_t forming_since_ms;

    atomic_int stop, walk_done;
    atomic_int producers;              /* threads that still push results */
    atomic_uint_fast64_t undecided;    /* jobs not yet bound, quarantined or taken for encoding */
    atomic_uint_fast64_t found, known; /* candidates; those of them that needed no job */
    atomic_uint_fast64_t known_quarantined;

    pthread_mutex_t failure_mutex;
    int failure_mutex_ready, failure;
    char failure_text[1024];

    double busy_read, busy_decode,
        busy_encode;      /* summed up under failure_mutex at a thread's end */
    glimpse_trace *trace; /* NULL: none */
    atomic_uint workers;  /* that have begun, for their rows in the trace */
    glimpse_ingest_report *report;
} glimpse_ingest;

/* Rows of the trace; workers follow. */
enum { GLIMPSE_TRACE_COMMITTER, GLIMPSE_TRACE_WALKER, GLIMPSE_TRACE_WORKERS };

/* The first failure that ends a run is kept, with the calling thread's last error; stops all. */
void glimpse_ingest_fail(glimpse_ingest *ingest, int status);
void glimpse_ingest_stop(glimpse_ingest *ingest);
void glimpse_ingest_account(glimpse_ingest *ingest, uint64_t bytes); /* memory taken */
void glimpse_ingest_unaccount(glimpse_ingest *ingest, uint64_t bytes);
double glimpse_ingest_seconds(void); /* monotonic */
/* Called by walker and workers at their end: the last closes the results. */
void glimpse_ingest_producer_ends(glimpse_ingest *ingest);

/* ingest_roots.c */
int glimpse_ingest_prepare_roots(glimpse_ingest *ingest);
int glimpse_ingest_finish_roots(glimpse_ingest *ingest);
void glimpse_ingest_free_roots(glimpse_ingest *ingest);

/* ingest_scan.c: the walker thread; its argument is the glimpse_ingest. */
void *glimpse_ingest_walker(void *argument);

/* ingest_worker.c: a worker thread; its argument is the glimpse_ingest. */
void *glimpse_ingest_worker(void *argument);
void glimpse_batch_free(glimpse_batch *batch);

/* ingest_read.c: fills job->stamp, hash and content_size and hands over the bytes, or decides on
 * the job (quarantined, vanished, no picture) and leaves *data NULL. The bytes are inside the file
 * gate: glimpse_ingest_unread() frees them; `file_size` is job->stamp.size. */
void glimpse_ingest_read(glimpse_ingest *ingest, glimpse_ingest_job *job, uint8_t **data);
/* Asks the system to begin reading the file that is READ_AHEAD jobs per worker away. */
void glimpse_ingest_read_ahead(glimpse_ingest *ingest);
void glimpse_ingest_unread(glimpse_ingest *ingest, uint64_t file_size, uint8_t *data);

/* ingest_ledger.c */
int glimpse_ledger_init(glimpse_ledger *ledger);
void glimpse_ledger_destroy(glimpse_ledger *ledger);
typedef enum glimpse_claim {
    GLIMPSE_CLAIM_OWN,    /* the job is now to be decoded and encoded */
    GLIMPSE_CLAIM_KNOWN,  /* job->content is embedded already */
    GLIMPSE_CLAIM_PARKED, /* somebody else is at it; the job is no longer the caller's */
    GLIMPSE_CLAIM_FAILED  /* the catalogue cannot be asked; see the last error */
} glimpse_claim;
glimpse_claim glimpse_ledger_claim(glimpse_ledger *ledger, glimpse_store *store, int64_t model,
                                   glimpse_ingest_job *job, int *status);
/* The committer holds the ledger while it writes an owner's fate and takes it out: no moment in
 * between at which a content is neither in flight nor in the catalogue. */
void glimpse_ledger_hold(glimpse_ledger *ledger);
void glimpse_ledger_remove(glimpse_ledger *ledger, glimpse_ingest_job *owner); /* while held */
void glimpse_ledger_release(glimpse_ledger *ledger);

#endif
