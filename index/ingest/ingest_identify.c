/*
 * index/ingest/ingest_identify.c - what an upgrade leaves to do: the files that an older version
 * indexed are read once, for the identities of their pictures and for what they say, before anybody
 * edits them. Nothing is encoded.
 *
 * The walk is over what the catalogue knows and not over directories. A file that is not as it was
 * then is none of ours: the next run finds it. Killed at any moment, what was committed is not read
 * again.
 */
#include "ingest_internal.h"

#include "core/clock.h"
#include "core/error.h"
#include "image/format.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct identifying {
    glimpse_committer committer;
    glimpse_ingest ingest;
    glimpse_ingest_options options;
    glimpse_ingest_report report;
    glimpse_file_table *table;
} identifying;

/* 1 when the file may have the bytes that it had when it was indexed, which reading it tells: its
 * times are others once it was copied. */
static int may_be_unchanged(const glimpse_file_row *row) {
    struct stat info;
    if (stat(row->path, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
    return (uint64_t)info.st_size == row->stamp.size;
}

static int is_wanted(const glimpse_file_row *row) {
    return row->state == GLIMPSE_FILE_OK && !row->missing && !(row->identified && row->described) &&
           may_be_unchanged(row);
}

/* As a rule there is none but in the first run, and those after it are to cost nothing. */
static size_t mark_wanted(glimpse_file_table *table) {
    size_t wanted = 0;
    for (size_t i = 0; i < glimpse_file_table_count(table); i++) {
        glimpse_file_row *row = glimpse_file_table_get(table, i);
        row->seen = is_wanted(row) != 0;
        wanted += row->seen != 0;
    }
    return wanted;
}

static void produce(void *user, glimpse_pool *pool) {
    identifying *run = user;
    const size_t count = glimpse_file_table_count(run->table);
    for (size_t i = 0; i < count && !glimpse_pool_is_stopping(pool); i++) {
        glimpse_file_row *row = glimpse_file_table_get(run->table, i);
        if (!row->seen) continue;
        glimpse_ingest_job *job = calloc(1, sizeof *job);
        char *path = strdup(row->path);
        if (!job || !path) {
            free(job);
            free(path);
            glimpse_pool_fail(pool, glimpse_fail_nomem(sizeof *job, "a file to read"));
            return;
        }
        job->picture.path = path;
        job->picture.stamp = row->stamp;
        job->row = row;
        job->sidecars = glimpse_sidecar_stamp(path);
        job->is_new_identity = !row->identified;
        (void)atomic_fetch_add(&run->ingest.found, 1);
        if (!glimpse_pool_submit(pool, &job->picture)) {
            glimpse_ingest_job_free(job);
            return;
        }
    }
}

/* Only bytes that are known tell something, and only of their picture. */
static glimpse_pool_step claim(void *user, glimpse_pool_job *picture) {
    identifying *run = user;
    glimpse_store *store = run->ingest.store;
    glimpse_ingest_job *job = (glimpse_ingest_job *)picture; /* its first member */
    const size_t size = (size_t)picture->content_size;
    int status = store->ops->contents.find(&job->known, NULL, store, &picture->hash, size, 0);
    if (status == GLIMPSE_E_NOT_FOUND) {
        picture->outcome = GLIMPSE_POOL_DROPPED;
        return GLIMPSE_STEP_COMPLETE;
    }
    glimpse_metadata *metadata = NULL;
    if (status == GLIMPSE_OK) status = glimpse_ingest_job_read_metadata(&metadata, job);
    if (status == GLIMPSE_OK && job->is_new_identity) {
        if (picture->is_identified) {
            job->identity = picture->identity;
        } else if (glimpse_image_identity_decodes(picture->bytes, size)) {
            glimpse_metadata_free(metadata);
            return GLIMPSE_STEP_DECODE;
        } else if (glimpse_image_identity(&job->identity, metadata, picture->bytes, size) < 0) {
            status = glimpse_fail_nomem(64, "the identity of a picture");
        }
    }
    glimpse_metadata_free(metadata);
    if (status < 0) glimpse_pool_fail(run->ingest.pool, status);
    picture->outcome = status < 0 ? GLIMPSE_POOL_DROPPED : GLIMPSE_POOL_KNOWN;
    return GLIMPSE_STEP_COMPLETE;
}

static void consume(void *user, glimpse_pool_job *picture) {
    identifying *run = user;
    /* What cannot be read today is no news about it. */
    if (picture->outcome != GLIMPSE_POOL_KNOWN) picture->outcome = GLIMPSE_POOL_DROPPED;
    run->committer.decided += picture->outcome == GLIMPSE_POOL_DROPPED;
    glimpse_committer_accept(&run->committer, picture);
}

static void tick(void *user) {
    identifying *run = user;
    glimpse_committer_tick(&run->committer);
}

static void before_pause(void *user) {
    identifying *run = user;
    glimpse_committer_commit(&run->committer);
}

static int identify(identifying *run, unsigned jobs) {
    glimpse_ingest *ingest = &run->ingest;
    const glimpse_pool_options pool = {.jobs = jobs, .claim = claim, .user = run};
    const glimpse_pool_run calls = {.produce = produce,
                                    .consume = consume,
                                    .before_pause = before_pause,
                                    .tick = tick,
                                    .user = run};
    int status = ingest->store->ops->files.load(&run->table, ingest->store, "/", 0);
    if (status == GLIMPSE_OK && mark_wanted(run->table) == 0) {
        return ingest->store->ops->upkeep.finish(ingest->store);
    }
    if (status == GLIMPSE_OK) status = glimpse_in_flight_init(&ingest->in_flight);
    if (status == GLIMPSE_OK) status = glimpse_pool_create(&ingest->pool, &pool);
    if (status < 0) return status;
    status = glimpse_pool_run_all(ingest->pool, &calls);
    const int written = glimpse_committer_finish(&run->committer);
    if (status == GLIMPSE_E_CANCELLED) return glimpse_fail(status, "stopped");
    if (status == GLIMPSE_OK) status = written;
    return status == GLIMPSE_OK ? ingest->store->ops->upkeep.finish(ingest->store) : status;
}

int glimpse_library_identify(glimpse_library *library, unsigned jobs, glimpse_progress_fn progress,
                             void *user) {
    const glimpse_kept_error before = glimpse_error_keep();
    int unfinished = 0;
    if (!library) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->upkeep.is_unfinished(&unfinished, store);
    if (status < 0 || !unfinished) return status;
    status = glimpse_library_lock(library, "reading pictures for their identities");
    if (status < 0) return status;
    identifying *run = calloc(1, sizeof *run);
    if (run) {
        run->options = GLIMPSE_INGEST_OPTIONS_INIT;
        run->options.progress = progress;
        run->options.user = user;
        run->report = GLIMPSE_INGEST_REPORT_INIT;
        run->ingest.library = library;
        run->ingest.store = store;
        run->ingest.options = &run->options;
        run->ingest.report = &run->report;
        run->committer.ingest = &run->ingest;
        run->committer.start = glimpse_now();
        run->committer.stage = "reading known pictures";
        status = identify(run, jobs);
        glimpse_pool_free(run->ingest.pool);
        glimpse_in_flight_destroy(&run->ingest.in_flight);
        glimpse_file_table_free(run->table);
    } else {
        status = glimpse_fail_nomem(sizeof *run, "reading pictures");
    }
    free(run);
    glimpse_library_unlock(library);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
