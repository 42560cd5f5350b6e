/*
 * index/ingest_scan.c - the walker thread: known files from new ones.
 */
#include "ingest_internal.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct scan {
    glimpse_ingest *ingest;
    glimpse_ingest_root *root;
} scan;

/* Circumstances may have changed though the file did not: permissions, a disk, memory, the target
 * of a link. Cheap to try again. */
static int is_passing_trouble(int code) {
    return code == GLIMPSE_E_IO || code == GLIMPSE_E_NOMEM || code == GLIMPSE_E_NOT_FOUND;
}

static glimpse_ingest_job *new_job(glimpse_ingest *ingest, const glimpse_walk_entry *entry,
                                   glimpse_file_row *row) {
    glimpse_ingest_job *job = calloc(1, sizeof *job);
    char *path = strdup(entry->path);
    if (!job || !path) {
        free(job);
        free(path);
        glimpse_ingest_fail(ingest, glimpse_fail_nomem(sizeof *job, "a file to index"));
        return NULL;
    }
    job->path = path;
    job->stamp = (glimpse_file_stamp){entry->size, entry->mtime_ns, entry->inode};
    job->row = row;
    job->must_sniff = entry->must_sniff;
    job->is_folder = entry->is_folder;
    return job;
}

static int push(glimpse_queue *queue, glimpse_ingest_job *job) {
    if (glimpse_queue_push(queue, job)) return 0;
    glimpse_ingest_job_free(job);
    return 1; /* stopped */
}

static int visit_trouble(scan *s, const glimpse_walk_entry *entry, glimpse_file_row *row) {
    glimpse_ingest *ingest = s->ingest;
    if (entry->is_folder) {
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
    glimpse_ingest_job *job = new_job(ingest, entry, row);
    if (!job) return 1;
    (void)atomic_fetch_add(&ingest->found, 1);
    glimpse_ingest_job_quarantine(job, entry->status, entry->reason);
    return push(ingest->result_queue, job);
}

static int visit(void *user, const glimpse_walk_entry *entry) {
    scan *s = user;
    glimpse_ingest *ingest = s->ingest;
    if (atomic_load(&ingest->stop)) return 1;
    glimpse_file_row *row = glimpse_file_table_find(s->root->table, entry->path);
    if (entry->status < 0) return visit_trouble(s, entry, row);

    const glimpse_file_stamp stamp = {entry->size, entry->mtime_ns, entry->inode};
    int is_known = 0, is_bad = 0;
    if (row) {
        row->seen = 1;
        is_known = glimpse_file_row_fresh(row, &stamp);
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
    glimpse_ingest_job *job = new_job(ingest, entry, row);
    if (!job) return 1;
    (void)atomic_fetch_add(&ingest->undecided, 1);
    return push(ingest->job_queue, job);
}

void *glimpse_ingest_walker(void *argument) {
    glimpse_ingest *ingest = argument;
    for (size_t i = 0; i < ingest->root_count && !atomic_load(&ingest->stop); i++) {
        glimpse_ingest_root *root = &ingest->roots[i];
        if (!root->reachable) continue;
        scan s = {ingest, root};
        const double start = glimpse_ingest_seconds();
        int status = glimpse_walk(root->path, &ingest->rules, visit, &s, &root->summary);
        glimpse_trace_span(ingest->trace, GLIMPSE_TRACE_WALKER, "walk", start,
                           glimpse_ingest_seconds(), root->path);
        if (status < 0) glimpse_ingest_fail(ingest, status);
        root->complete = status == GLIMPSE_OK;
    }
    atomic_store(&ingest->walk_done, 1);
    glimpse_queue_close(ingest->job_queue);
    glimpse_ingest_producer_ends(ingest);
    return NULL;
}
