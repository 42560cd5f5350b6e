/*
 * index/ingest/ingest_internal.h - bringing a library up to date, from the inside.
 *
 *     walker --> pool of workers (pool.h) --> committer
 *       |             |                           |
 *  file table   contents in flight            catalogue
 *
 *   walker     ingest_scan.c, the pool's producer. Walks the roots, tells known files from new ones
 *              by size and time, and makes a job of each that has to be looked into.
 *   workers    claim a content before they decode it (in_flight.h): equal bytes are decoded once.
 *              The first job with a content owns it; later ones are parked with the owner and share
 *              its fate when it is committed.
 *   committer  ingest_commit.c, the pool's consumer. The only one that writes to the catalogue, in
 *              transactions of COMMIT_EMBEDDED pictures, COMMIT_FILES files or COMMIT_MS, whichever
 *              comes first, and the one that calls back with progress.
 *
 *     in_flight.c, ingest_roots.c, ingest_scan.c, ingest_tiles.c, ingest_commit.c
 *                                                                    each stands on its own
 *     ingest.c                                                       uses them all
 *     ingest_identify.c      the committer and a pool, without a walk: after an upgrade
 *
 * Stopping: jobs not yet encoded are dropped; what was encoded goes to the committer, who commits
 * it when the caller cancelled and drops it when something failed.
 */
#ifndef GLIMPSE_INDEX_INGEST_INTERNAL_H
#define GLIMPSE_INDEX_INGEST_INTERNAL_H

#include "engine.h"
#include "in_flight.h"
#include "library_private.h"
#include "pool.h"
#include "store.h"
#include "trace.h"
#include "walk.h"

#include <glimpse/library.h>

#include <limits.h>
#include <stdatomic.h>

enum {
    GLIMPSE_INGEST_COMMIT_EMBEDDED = 64,
    GLIMPSE_INGEST_COMMIT_FILES = 32768,
    GLIMPSE_INGEST_COMMIT_MS = 250
};

/* glimpse_library_ingest with any engine; options->model is not looked at. */
int glimpse_ingest_run(glimpse_ingest_report *report, glimpse_library *library,
                       const glimpse_ingest_options *options, const glimpse_ingest_engine *engine);

/* One root of this run. */
typedef struct glimpse_ingest_root {
    char *path;
    int is_directory, reachable, registered;
    glimpse_file_table *table;
    glimpse_walk_rules rules;
    int tiles; /* its pictures are embedded in tiles, too */
    int apart; /* it remembers options: walks around it leave it to itself */
    int added; /* nobody gave it: it lies in one that was given */
    glimpse_walk_summary summary;
    int complete; /* walked to the end */
} glimpse_ingest_root;

typedef struct glimpse_ingest {
    glimpse_library *library;
    glimpse_store *store;
    const glimpse_ingest_options *options;
    const glimpse_ingest_engine *engine;
    int64_t model;
    glimpse_walk_rules given;  /* of the options */
    int has_set;               /* they are to be remembered */
    glimpse_root *known_roots; /* [known_root_count] as the run began; rules point into them */
    size_t known_root_count;
    glimpse_ingest_root *roots;
    size_t root_count;
    const char **apart; /* [apart_count] sorted, borrowed */
    size_t apart_count;
    glimpse_left_out *marked; /* [marked_count] for options->left_out; owned paths. The producer's
                                 until the pool has come to its end */
    size_t marked_count;
    glimpse_left_out *refused; /* [refused_count] roots that were given and are none; owned texts */
    size_t refused_count;
    const char **named; /* [named_count] roots that are files, sorted; borrowed paths */
    size_t named_count;

    glimpse_pool *pool;
    glimpse_in_flight in_flight;
    atomic_uint_fast64_t found, known; /* candidates; those of them that needed no job */
    atomic_uint_fast64_t known_quarantined;
    int64_t *untiled; /* [untiled_count] sorted: embedded pictures that lack tiles */
    size_t untiled_count;
    int lacks_identities; /* some known picture does: whatever is read tells its own */
    glimpse_trace *trace; /* NULL: none */
    glimpse_ingest_report *report;
} glimpse_ingest;

/* ingest_roots.c */
int glimpse_ingest_prepare_roots(glimpse_ingest *ingest);
int glimpse_ingest_finish_roots(glimpse_ingest *ingest);
void glimpse_ingest_free_roots(glimpse_ingest *ingest);
/* 1 for a file that is a root of its own. */
int glimpse_ingest_is_named(const glimpse_ingest *ingest, const char *path);

/* ingest_tiles.c: pictures that lack tiles, where a root of the run is to have them. */
int glimpse_ingest_find_untiled(glimpse_ingest *ingest);
int glimpse_ingest_is_untiled(const glimpse_ingest *ingest, int64_t picture);

/* ingest_scan.c: the producer; `user` is the glimpse_ingest. */
void glimpse_ingest_produce(void *user, glimpse_pool *pool);

/* ingest_commit.c: the committer's own state, and its calls for the pool. */
typedef struct glimpse_committer {
    glimpse_ingest *ingest;
    int writing;                              /* a transaction is open */
    unsigned files_written, embedded_written; /* in it */
    double transaction_since;
    int catalog_failed; /* then nothing more is written */
    int cancelled;
    uint64_t decided; /* results handled that count as files */
    double start, last_progress, busy;
    const char *stage;   /* for progress */
    char path[PATH_MAX]; /* of the last result */
} glimpse_committer;

void glimpse_committer_accept(glimpse_committer *committer, glimpse_pool_job *job);
/* Commits when it is time to, and calls back with progress, which may cancel the run. */
void glimpse_committer_tick(glimpse_committer *committer);
/* Commits now: nothing is at a worker, and the process is about to pause. */
void glimpse_committer_commit(glimpse_committer *committer);
/* After the run: the last commit, or the end of a transaction that failed (GLIMPSE_OK: that failure
 * was told to the pool). */
int glimpse_committer_finish(glimpse_committer *committer);
/* Calls back now; a non-zero answer sets `cancelled`. */
void glimpse_committer_progress(glimpse_committer *committer, const char *stage);

#endif
