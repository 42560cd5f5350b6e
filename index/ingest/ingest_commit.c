/*
 * index/ingest/ingest_commit.c - the committer: writes what comes out of the pool, and reports.
 */
#include "ingest_internal.h"

#include "core/clock.h"
#include "core/error.h"
#include "tiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double PROGRESS_SECONDS = 0.1;

/*
 * Writing.
 */
static int begin_if_needed(glimpse_committer *c) {
    if (c->writing) return GLIMPSE_OK;
    int status = c->ingest->store->ops->begin(c->ingest->store);
    if (status < 0) return status;
    c->writing = 1;
    c->files_written = c->embedded_written = 0;
    c->transaction_since = glimpse_now();
    return GLIMPSE_OK;
}

static int commit(glimpse_committer *c) {
    if (!c->writing) return GLIMPSE_OK;
    c->writing = 0;
    return c->ingest->store->ops->commit(c->ingest->store);
}

static int commit_when_due(glimpse_committer *c) {
    if (!c->writing) return GLIMPSE_OK;
    if (c->files_written < GLIMPSE_INGEST_COMMIT_FILES &&
        c->embedded_written < GLIMPSE_INGEST_COMMIT_EMBEDDED &&
        glimpse_now() - c->transaction_since < GLIMPSE_INGEST_COMMIT_MS / 1000.0) {
        return GLIMPSE_OK;
    }
    return commit(c);
}

static void set_metadata(glimpse_content_meta *meta, const glimpse_metadata_row *row) {
    meta->taken = row->taken;
    meta->taken_from = row->taken_from;
    meta->has_offset = row->has_offset;
    meta->offset_minutes = row->offset_minutes;
    meta->camera = row->camera;
    meta->has_gps = row->has_gps;
    meta->latitude = row->latitude;
    meta->longitude = row->longitude;
    meta->fields = row->fields;
}

/* Of the bytes of a job, with what they say. */
static glimpse_content_meta content_of(const glimpse_ingest_job *job) {
    glimpse_content_meta meta = {
        .hash = job->picture.hash, .size = job->picture.content_size, .format = ""};
    set_metadata(&meta, &job->own);
    return meta;
}

static int write_tiles(const glimpse_ingest *ingest, const glimpse_ingest_job *job) {
    const size_t dim = ingest->engine->key.dim;
    const float *vector = job->picture.tile_embeddings;
    int status = GLIMPSE_OK;
    for (unsigned tile = 1; tile <= GLIMPSE_TILES && status == GLIMPSE_OK; tile++) {
        if (!(job->picture.tiles & UINT32_C(1) << tile)) continue;
        status = ingest->store->ops->picture_parts.write(ingest->store, ingest->model, job->known,
                                                         tile, vector, dim);
        vector += dim;
    }
    return status;
}

static int write_content(glimpse_committer *c, glimpse_ingest_job *job) {
    const glimpse_ingest *ingest = c->ingest;
    const glimpse_image_meta *decoded = &job->picture.meta;
    glimpse_content_meta meta = content_of(job);
    meta.has_identity = 1;
    meta.identity = job->identity;
    meta.width = decoded->width;
    meta.height = decoded->height;
    meta.orientation = decoded->orientation;
    meta.format = glimpse_image_format_name(decoded->format);
    int status = ingest->store->ops->contents.write(&job->known, ingest->store, &meta);
    if (status == GLIMPSE_OK && job->picture.embedding) {
        status = ingest->store->ops->contents.write_embedding(ingest->store, ingest->model,
                                                              job->known, job->picture.embedding,
                                                              ingest->engine->key.dim);
    }
    if (status == GLIMPSE_OK && job->picture.has_signature) {
        status = ingest->store->ops->signatures.write(ingest->store, job->known,
                                                      &job->picture.signature);
    }
    return status == GLIMPSE_OK ? write_tiles(ingest, job) : status;
}

static void count_file(glimpse_committer *c, const glimpse_ingest_job *job) {
    c->decided++;
    c->files_written++;
    if (job->picture.must_sniff) (void)atomic_fetch_add(&c->ingest->found, 1);
}

/* The file did not change. */
static void count_unchanged(glimpse_committer *c, const glimpse_ingest_job *job) {
    c->files_written++;
    if (job->picture.must_sniff) (void)atomic_fetch_add(&c->ingest->found, 1);
    (void)atomic_fetch_add(&c->ingest->known, 1);
}

/* What it says with its sidecars, where that was read, is the file's own. */
static int write_sidecars(glimpse_store *store, const glimpse_ingest_job *job) {
    const int had_some = job->row && job->row->sidecars;
    glimpse_content_meta meta = {0};
    if (!job->own.fields || (!job->beside && !had_some)) return GLIMPSE_OK;
    if (job->beside) set_metadata(&meta, job->beside);
    return store->ops->files.set_sidecars(store, job->picture.path, job->sidecars, &meta);
}

static int bind(glimpse_store *store, const glimpse_ingest_job *job) {
    int status = store->ops->files.bind(store, job->picture.path, &job->picture.stamp,
                                        &job->picture.hash, job->picture.content_size);
    return status == GLIMPSE_OK ? write_sidecars(store, job) : status;
}

/* It shows the picture that it showed, in the bytes that it had (0) or in those. */
static int update(glimpse_store *store, const glimpse_ingest_job *job, int64_t content) {
    int status = store->ops->files.update(store, job->row->id, &job->picture.stamp, content);
    return status == GLIMPSE_OK ? write_sidecars(store, job) : status;
}

/* When it was read last, and no other job of this run was about it. */
static int shows(const glimpse_ingest_job *job, int64_t picture) {
    return job->was.content && job->row->picture == picture;
}

/* The bytes of a file that shows a known picture. *content: those that the file has now; 0: where
 * it had its old ones, there are these. */
static int write_new_bytes(int64_t *content, int *is_new, glimpse_store *store,
                           const glimpse_ingest_job *job, int64_t picture) {
    const glimpse_content_meta meta = content_of(job);
    int status = GLIMPSE_OK;
    *content = 0;
    *is_new = 0;
    if (shows(job, picture)) {
        status = store->ops->contents.replace(is_new, store, job->was.content, job->row->id, &meta);
    }
    if (status < 0 || *is_new) return status;
    return store->ops->contents.attach(content, is_new, store, picture, &meta);
}

/* A file of a picture that is there: `picture`, and of one that was known, by its bytes or not. */
static int write_bound(glimpse_committer *c, const glimpse_ingest_job *job, int64_t picture,
                       int is_new_content) {
    glimpse_store *store = c->ingest->store;
    const glimpse_content_meta meta = content_of(job);
    int status = GLIMPSE_OK, is_new = 0;
    int64_t content = 0;
    if (is_new_content) {
        status = write_new_bytes(&content, &is_new, store, job, picture);
    } else {
        if (job->is_new_identity) {
            status = store->ops->contents.identify(store, picture, &job->identity);
        }
        if (status == GLIMPSE_OK && meta.fields) {
            status = store->ops->contents.write_metadata(store, &meta);
        }
    }
    if (status == GLIMPSE_OK) {
        const int stays = job->is_same || (is_new && shows(job, picture));
        status = stays ? update(store, job, content) : bind(store, job);
    }
    if (status < 0) return status;
    if (job->is_refresh && !is_new_content) {
        count_unchanged(c, job);
        return GLIMPSE_OK;
    }
    count_file(c, job);
    c->ingest->report->bound++;
    c->ingest->report->edited += is_new != 0;
    return GLIMPSE_OK;
}

/* What parked with an owner has its bytes, or shows its picture in others. */
static int write_parked(glimpse_committer *c, const glimpse_ingest_job *job,
                        const glimpse_ingest_job *owner) {
    const int same_bytes =
        job->picture.content_size == owner->picture.content_size &&
        memcmp(&job->picture.hash, &owner->picture.hash, sizeof job->picture.hash) == 0;
    return write_bound(c, job, owner->known, !same_bytes);
}

/* ... with the same bytes, as far as can be told without reading them. */
static int was_unusable(const glimpse_ingest_job *job) {
    const glimpse_file_row *row = job->row;
    const glimpse_file_stamp *now = &job->picture.stamp;
    return row && !row->missing && row->state == GLIMPSE_FILE_QUARANTINED &&
           (job->is_directory ||
            (row->stamp.size == now->size && row->stamp.mtime_ns == now->mtime_ns));
}

/* A file that showed a picture and whose bytes could not be read today: that says nothing about
 * them. Quarantined it would show none, and what is stored of the picture would go with the next
 * prune. */
static int keeps_its_picture(const glimpse_ingest_job *job, int code) {
    return !job->is_directory && job->row && job->row->state == GLIMPSE_FILE_OK &&
           job->picture.content_size == 0 && (code == GLIMPSE_E_IO || code == GLIMPSE_E_NOMEM);
}

static int write_quarantined(glimpse_committer *c, const glimpse_ingest_job *job, int code,
                             const char *reason) {
    /* A directory has no stamp; a file keeps its own, to be left alone until it changes. */
    static const glimpse_file_stamp no_stamp;
    glimpse_store *store = c->ingest->store;
    int status = GLIMPSE_OK;
    if (!keeps_its_picture(job, code)) {
        status = store->ops->files.quarantine(store, job->picture.path,
                                              job->is_directory ? &no_stamp : &job->picture.stamp,
                                              code, reason ? reason : "out of memory");
    } else if (job->row->missing) { /* by its old stamp, so that the next run looks again */
        status = store->ops->files.update(store, job->row->id, &job->row->stamp, 0);
    }
    if (status < 0) return status;
    count_file(c, job);
    c->ingest->report->quarantined++;
    const int known = was_unusable(job);
    if (!known) c->ingest->report->newly_quarantined++;
    if (c->ingest->options->left_out) {
        const char *path = job->picture.path;
        const glimpse_left_out what = {
            path, glimpse_without_path(reason ? reason : "out of memory", path), code, known, 0};
        c->ingest->options->left_out(c->ingest->options->user, &what);
    }
    return GLIMPSE_OK;
}

static void count_embedded(glimpse_committer *c, const glimpse_ingest_job *job) {
    glimpse_ingest_report *report = c->ingest->report;
    const uint32_t tiles = glimpse_tiles_count(job->picture.tiles);
    report->tiles += tiles;
    report->tiled += tiles > 0;
    c->embedded_written++;
    if (job->picture.skips_whole && job->is_refresh) {
        count_unchanged(c, job);
        return;
    }
    count_file(c, job);
    if (job->picture.skips_whole) {
        report->bound++;
        report->edited += job->is_new_content != 0;
    } else {
        report->embedded++;
    }
}

/* Everything one result has to say, and what is parked with it. */
static int write_result(glimpse_committer *c, glimpse_ingest_job *job) {
    int status = GLIMPSE_OK;
    switch (job->picture.outcome) {
    case GLIMPSE_POOL_PENDING:
    case GLIMPSE_POOL_DROPPED: return GLIMPSE_OK;
    case GLIMPSE_POOL_VANISHED:
        if (!job->picture.must_sniff) (void)atomic_fetch_sub(&c->ingest->found, 1);
        return GLIMPSE_OK;
    case GLIMPSE_POOL_NO_PICTURE:
        if (keeps_its_picture(job, job->picture.code)) break;
        if (job->row) job->row->seen = 0; /* it was one; now there is none of that name */
        return GLIMPSE_OK;
    case GLIMPSE_POOL_KNOWN:
    case GLIMPSE_POOL_DONE:
    case GLIMPSE_POOL_FAILED: break;
    }
    status = begin_if_needed(c);
    if (status < 0) return status;
    if (job->picture.outcome == GLIMPSE_POOL_KNOWN) {
        return write_bound(c, job, job->known, job->is_new_content);
    }
    if (job->picture.outcome == GLIMPSE_POOL_FAILED ||
        job->picture.outcome == GLIMPSE_POOL_NO_PICTURE) {
        status = write_quarantined(c, job, job->picture.code, job->picture.reason);
        for (glimpse_ingest_job *copy = job->parked; copy && status == GLIMPSE_OK;
             copy = copy->next) {
            status = write_quarantined(c, copy, job->picture.code, job->picture.reason);
        }
        return status;
    }
    status = write_content(c, job);
    if (status == GLIMPSE_OK) status = bind(c->ingest->store, job);
    if (status < 0) return status;
    count_embedded(c, job);
    for (glimpse_ingest_job *copy = job->parked; copy && status == GLIMPSE_OK; copy = copy->next) {
        status = write_parked(c, copy, job);
    }
    return status;
}

void glimpse_committer_accept(glimpse_committer *c, glimpse_pool_job *picture) {
    glimpse_ingest_job *job = (glimpse_ingest_job *)picture; /* its first member */
    glimpse_ingest *ingest = c->ingest;
    const double start = glimpse_now();
    const int owner = job->owns;
    if (owner) glimpse_in_flight_lock(&ingest->in_flight);
    if (!c->catalog_failed) {
        int status = write_result(c, job);
        if (status < 0) {
            c->catalog_failed = 1;
            glimpse_pool_fail(ingest->pool, status);
        }
    }
    if (owner) {
        glimpse_in_flight_remove(&ingest->in_flight, job);
        glimpse_in_flight_unlock(&ingest->in_flight);
    }
    const size_t length = strnlen(job->picture.path, sizeof c->path - 1);
    memcpy(c->path, job->picture.path, length);
    c->path[length] = '\0';
    glimpse_ingest_job_free(job);
    c->busy += glimpse_now() - start;
}

/* Commits by `action`; a failure ends all writing. */
static int timed(glimpse_committer *c, int (*action)(glimpse_committer *)) {
    if (c->catalog_failed) return GLIMPSE_OK;
    const double start = glimpse_now();
    const int was_writing = c->writing;
    int status = action(c);
    if (was_writing && !c->writing) {
        glimpse_trace_span(c->ingest->trace, GLIMPSE_TRACE_CONSUMER, "commit", start, glimpse_now(),
                           NULL);
    }
    if (status < 0) c->catalog_failed = 1;
    c->busy += glimpse_now() - start;
    return status;
}

void glimpse_committer_progress(glimpse_committer *c, const char *stage) {
    glimpse_ingest *ingest = c->ingest;
    const glimpse_ingest_options *options = ingest->options;
    if (!options->progress || c->cancelled) return;
    const double time = glimpse_now();
    c->last_progress = time;
    const uint64_t old_bad = atomic_load(&ingest->known_quarantined);
    const uint64_t known = atomic_load(&ingest->known);
    glimpse_progress progress = {.stage = stage,
                                 .done = known + c->decided,
                                 .total = atomic_load(&ingest->found),
                                 .total_is_final = glimpse_pool_is_produced(ingest->pool),
                                 .embedded = ingest->report->embedded,
                                 .unchanged = known - old_bad,
                                 .bound = ingest->report->bound,
                                 .quarantined = ingest->report->quarantined + old_bad,
                                 .seconds = time - c->start,
                                 .path = c->path};
    if (progress.done > progress.total) progress.done = progress.total;
    if (options->progress(options->user, &progress) != 0) c->cancelled = 1;
}

void glimpse_committer_tick(glimpse_committer *c) {
    int status = timed(c, commit_when_due);
    if (status < 0) glimpse_pool_fail(c->ingest->pool, status);
    if (c->cancelled || glimpse_now() - c->last_progress < PROGRESS_SECONDS) return;
    glimpse_committer_progress(c, c->stage);
    if (c->cancelled) glimpse_pool_cancel(c->ingest->pool);
}

void glimpse_committer_commit(glimpse_committer *c) {
    int status = timed(c, commit);
    if (status < 0) glimpse_pool_fail(c->ingest->pool, status);
}

int glimpse_committer_finish(glimpse_committer *c) {
    int status = timed(c, commit);
    if (c->catalog_failed) c->ingest->store->ops->rollback(c->ingest->store);
    return status;
}
