/*
 * index/ingest/ingest_scan.c - the producer: known files from new ones.
 */
#include "ingest_internal.h"

#include "core/clock.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

enum { MIN_WINDOW = 32, MAX_WINDOW = 1024 };

/* What the catalogue has of files that follow each other in the table. */
typedef struct known_window {
    size_t first, count, used; /* rows of the table; those of them that were of use */
    int64_t ids[MAX_WINDOW];
    glimpse_known_file files[MAX_WINDOW];
} known_window;

typedef struct scan {
    glimpse_ingest *ingest;
    glimpse_ingest_root *root;
    known_window *known;                             /* NULL until one is asked for */
    glimpse_ingest_job *kept[GLIMPSE_POOL_TOGETHER]; /* [kept_count] that the pool gets next */
    size_t kept_count;
} scan;

/* Circumstances may have changed though the file did not: permissions, a disk, memory, the target
 * of a link. Cheap to try again. */
static int is_passing_trouble(int code) {
    return code == GLIMPSE_E_IO || code == GLIMPSE_E_NOMEM || code == GLIMPSE_E_NOT_FOUND;
}

static glimpse_ingest_job *new_job(const scan *s, const glimpse_walk_entry *entry,
                                   glimpse_file_row *row) {
    glimpse_ingest *ingest = s->ingest;
    glimpse_ingest_job *job = calloc(1, sizeof *job);
    char *path = strdup(entry->path);
    if (!job || !path) {
        free(job);
        free(path);
        glimpse_pool_fail(ingest->pool, glimpse_fail_nomem(sizeof *job, "a file to index"));
        return NULL;
    }
    job->picture.path = path;
    job->picture.stamp =
        (glimpse_file_stamp){entry->size, entry->mtime_ns, entry->inode, entry->ctime_ns};
    job->picture.must_sniff = entry->must_sniff;
    job->picture.wants_embedding = 1;
    job->picture.wants_tiles = s->root->tiles;
    job->tile_side = glimpse_engine_tile_side(ingest->engine);
    job->row = row;
    job->is_new_identity = ingest->lacks_identities;
    job->is_directory = entry->is_directory;
    return job;
}

static int load_window(scan *s, size_t first) {
    glimpse_store *store = s->ingest->store;
    glimpse_file_table *table = s->root->table;
    const size_t left = glimpse_file_table_count(table) - first;
    size_t count = MIN_WINDOW;
    if (!s->known) {
        s->known = malloc(sizeof *s->known);
        if (!s->known) return glimpse_fail_nomem(sizeof *s->known, "known files");
    } else if (2 * s->known->used >= s->known->count) {
        count = 2 * s->known->count;
    }
    known_window *w = s->known;
    if (count > MAX_WINDOW) count = MAX_WINDOW;
    if (count > left) count = left;
    for (size_t i = 0; i < count; i++)
        w->ids[i] = glimpse_file_table_id(table, first + i);
    w->first = first;
    w->used = 0;
    w->count = 0;
    const int status = store->ops->files.known(w->files, store, w->ids, count);
    if (status == GLIMPSE_OK) w->count = count;
    return status;
}

/* What the catalogue has of a file that shows a picture which needs nothing more: if its bytes or
 * its picture are still those, nothing has to be looked up for it. Asked for those after it, too,
 * and for the more of them the more of the last ones were of use: the committer has the catalogue
 * for most of the time, and each question waits for it. */
static int find_known(scan *s, glimpse_known_file *was, const glimpse_file_row *row) {
    const size_t i = (size_t)(row - glimpse_file_table_get(s->root->table, 0));
    if (row->state != GLIMPSE_FILE_OK || !row->embedded || !row->identified) return GLIMPSE_OK;
    if (!s->known || i < s->known->first || i - s->known->first >= s->known->count) {
        const int status = load_window(s, i);
        if (status < 0) return status;
    }
    s->known->used++;
    *was = s->known->files[i - s->known->first];
    return GLIMPSE_OK;
}

/* 0, or 1 when the run is stopping. */
static int hand_over(scan *s) {
    glimpse_pool *pool = s->ingest->pool;
    glimpse_pool_job *jobs[GLIMPSE_POOL_TOGETHER] = {NULL};
    const size_t count = s->kept_count;
    for (size_t i = 0; i < count; i++)
        jobs[i] = &s->kept[i]->picture;
    const size_t taken = glimpse_pool_submit_all(pool, jobs, count);
    for (size_t i = taken; i < count; i++)
        glimpse_ingest_job_free(s->kept[i]);
    s->kept_count = 0;
    return taken < count;
}

/* Jobs go to the workers together, while these have others. */
static int is_due(const scan *s) {
    return s->kept_count == GLIMPSE_POOL_TOGETHER || !glimpse_pool_has_jobs(s->ingest->pool);
}

static int visit_trouble(scan *s, const glimpse_walk_entry *entry, glimpse_file_row *row) {
    glimpse_ingest *ingest = s->ingest;
    if (entry->is_directory) {
        /* That it cannot be read says nothing about the files in it. */
        glimpse_file_table_keep(s->root->table, entry->path);
    } else if (row && row->state == GLIMPSE_FILE_OK) {
        /* A file that was fine: the target of its link is gone, or it cannot be looked at today.
         * Gone is missing, which is left to the end of the scan; the rest says nothing. */
        if (entry->status == GLIMPSE_E_NOT_FOUND) return 0;
        row->seen = 1;
        (void)atomic_fetch_add(&ingest->found, 1);
        (void)atomic_fetch_add(&ingest->known, 1);
        return 0;
    }
    if (row) row->seen = 1;
    glimpse_ingest_job *job = new_job(s, entry, row);
    if (!job) return 1;
    (void)atomic_fetch_add(&ingest->found, 1);
    glimpse_pool_job_fail(&job->picture, entry->status, entry->reason);
    if (glimpse_pool_complete(ingest->pool, &job->picture)) return 0;
    glimpse_ingest_job_free(job);
    return 1; /* stopped */
}

static int note_marked(glimpse_ingest *ingest, const glimpse_walk_entry *entry) {
    const size_t count = ingest->marked_count;
    char *path = strdup(entry->path);
    glimpse_left_out *marked = ingest->marked;
    if (path && (count & (count - 1)) == 0) { /* doubled whenever a power of two is full */
        marked = realloc(marked, (count ? 2 * count : 1) * sizeof *marked);
    }
    if (!path || !marked) {
        free(path);
        glimpse_pool_fail(ingest->pool, glimpse_fail_nomem(sizeof *marked, "a list of folders"));
        return 1;
    }
    ingest->marked = marked;
    marked[ingest->marked_count++] = (glimpse_left_out){.path = path, .reason = entry->mark};
    return 0;
}

static int visit_entry(scan *s, const glimpse_walk_entry *entry) {
    glimpse_ingest *ingest = s->ingest;
    if (entry->mark) return note_marked(ingest, entry);
    glimpse_file_row *row = glimpse_file_table_find(s->root->table, entry->path);
    if (s->root->is_directory && glimpse_ingest_is_named(ingest, entry->path)) {
        if (row) row->seen = 1;
        return 0;
    }
    if (entry->status < 0) return visit_trouble(s, entry, row);

    const glimpse_file_stamp stamp = {entry->size, entry->mtime_ns, entry->inode, entry->ctime_ns};
    const int64_t sidecars = entry->near_sidecars ? glimpse_sidecar_stamp(entry->path) : 0;
    int is_known = 0, is_bad = 0, is_as_before = 0;
    /* Embedded, and to be so in tiles as well: nothing that is known of it will do. */
    const int is_untiled = row && s->root->tiles && glimpse_ingest_is_untiled(ingest, row->picture);
    if (row) {
        row->seen = 1;
        /* Read once more for the identity of a picture from before there were any, when an earlier
         * version did not ask what the file says, and when what its sidecars say may have
         * changed. */
        const int is_fresh = glimpse_file_row_fresh(row, &stamp);
        /* Where only its ctime is another one (chmod), it counts as unchanged once it was read. */
        const glimpse_file_stamp before = {entry->size, entry->mtime_ns, entry->inode,
                                           row->stamp.ctime_ns};
        is_as_before = glimpse_file_row_fresh(row, &before);
        is_known = is_fresh && row->identified && row->described && row->sidecars == sidecars &&
                   !is_untiled;
        if (row->state == GLIMPSE_FILE_QUARANTINED && !ingest->options->retry_quarantined &&
            !is_passing_trouble(row->code) && row->stamp.size == stamp.size &&
            row->stamp.mtime_ns == stamp.mtime_ns) {
            is_known = is_bad = 1;
        }
    }
    /* A file that has to be looked into counts once it turned out to be a picture. */
    if (is_known || !entry->must_sniff) (void)atomic_fetch_add(&ingest->found, 1);
    if (is_known) {
        (void)atomic_fetch_add(&ingest->known, 1); /* before the part of it: readers subtract */
        if (is_bad) (void)atomic_fetch_add(&ingest->known_quarantined, 1);
        return 0;
    }
    glimpse_ingest_job *job = new_job(s, entry, row);
    if (!job) return 1;
    const int status = row && !is_untiled ? find_known(s, &job->was, row) : GLIMPSE_OK;
    if (status < 0) {
        glimpse_pool_fail(ingest->pool, status);
        glimpse_ingest_job_free(job);
        return 1;
    }
    job->is_refresh = is_as_before;
    job->sidecars = sidecars;
    s->kept[s->kept_count++] = job;
    return 0;
}

static int visit(void *user, const glimpse_walk_entry *entry) {
    scan *s = user;
    if (glimpse_pool_is_stopping(s->ingest->pool)) return 1;
    const int stopped = visit_entry(s, entry);
    if (stopped || s->kept_count == 0) return stopped;
    return is_due(s) && hand_over(s);
}

void glimpse_ingest_produce(void *user, glimpse_pool *pool) {
    glimpse_ingest *ingest = user;
    for (size_t i = 0; i < ingest->root_count && !glimpse_pool_is_stopping(pool); i++) {
        glimpse_ingest_root *root = &ingest->roots[i];
        if (!root->reachable) continue;
        scan s = {.ingest = ingest, .root = root};
        const double start = glimpse_now();
        int status = glimpse_walk(root->path, &root->rules, visit, &s, &root->summary);
        if (s.kept_count > 0 && hand_over(&s) && status == GLIMPSE_OK) status = 1;
        glimpse_trace_span(ingest->trace, GLIMPSE_TRACE_PRODUCER, "walk", start, glimpse_now(),
                           root->path);
        if (status < 0) glimpse_pool_fail(pool, status);
        root->complete = status == GLIMPSE_OK;
        free(s.known);
    }
}
