/*
 * index/dedup/dedup_scan.c - reads the listed files: content id, pixels' id, thumbnail, hashes,
 * measures, embedding. The pool of index/ingest/pool.h does the work; what the libraries know of a
 * file, or of its content, is taken from there. Of files of equal bytes one is decoded, whichever
 * is read first, and the others get their share of it when all are read: what is measured depends
 * on nothing but the bytes. A file that cannot be used keeps its reason and stops nothing.
 */
#include "dedup_private.h"

#include "core/error.h"
#include "core/hash.h"
#include "dedup_cache.h"
#include "image/format.h"
#include "library_private.h"
#include "pool.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FRESH_AT_ONCE = 256 };

/* Which files have the bytes of one that is being decoded, or was: an open-addressing table. */
typedef struct equal_bytes {
    pthread_mutex_t mutex;
    glimpse_hash *hashes; /* [count] of the items in the table */
    uint32_t *slots;      /* [mask + 1] 1 + item; 0: free */
    size_t mask;
    uint32_t *first; /* [count] 1 + the item with the same bytes that is decoded; 0: none */
} equal_bytes;

typedef struct scan {
    glimpse_dedup *dedup;
    glimpse_pool *pool;
    pthread_mutex_t mutex; /* the libraries */
    size_t thumbs;         /* items below this one keep theirs */
    equal_bytes equal;
    /* Of the consumer alone. */
    size_t done;
    const char *path; /* of the last one */
    uint32_t *fresh;  /* [fresh_count] read and not yet kept in the library */
    size_t fresh_count;
} scan;

typedef struct scan_job {
    glimpse_pool_job picture; /* first; its path is the item's */
    size_t index;
} scan_job;

static void equal_bytes_free(equal_bytes *equal) {
    free(equal->hashes);
    free(equal->slots);
    free(equal->first);
    (void)pthread_mutex_destroy(&equal->mutex);
}

static int equal_bytes_init(equal_bytes *equal, size_t count) {
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    *equal = (equal_bytes){.mask = slots - 1};
    (void)pthread_mutex_init(&equal->mutex, NULL);
    equal->hashes = malloc((count + 1) * sizeof *equal->hashes);
    equal->slots = calloc(slots, sizeof *equal->slots);
    equal->first = calloc(count + 1, sizeof *equal->first);
    if (equal->hashes && equal->slots && equal->first) return GLIMPSE_OK;
    equal_bytes_free(equal);
    return glimpse_fail_nomem(count * 28, "hashes of files");
}

/* 1 when another item has these bytes; else this one stands for them from now on. */
static int equal_bytes_claim(equal_bytes *equal, size_t item, const glimpse_hash *hash) {
    size_t at = 0;
    memcpy(&at, hash->bytes, sizeof at);
    (void)pthread_mutex_lock(&equal->mutex);
    for (at &= equal->mask; equal->slots[at]; at = (at + 1) & equal->mask) {
        const uint32_t other = equal->slots[at];
        if (memcmp(equal->hashes[other - 1].bytes, hash->bytes, sizeof hash->bytes) != 0) continue;
        equal->first[item] = other;
        break;
    }
    if (!equal->slots[at]) {
        equal->slots[at] = (uint32_t)item + 1;
        equal->hashes[item] = *hash;
    }
    (void)pthread_mutex_unlock(&equal->mutex);
    return equal->first[item] != 0;
}

/* Of unit length, from `found` [embedding_size]; none when that has no length. */
static int set_embedding(const glimpse_dedup *dedup, glimpse_dedup_item *item, const float *found) {
    const size_t size = dedup->embedding_size;
    double norm = 0;
    for (size_t i = 0; i < size; i++)
        norm += (double)found[i] * (double)found[i];
    if (size == 0 || !(norm > 0) || !isfinite(norm)) return GLIMPSE_OK;
    float *embedding = malloc(size * sizeof *embedding);
    if (!embedding) return glimpse_fail_nomem(size * sizeof *embedding, "an embedding");
    for (size_t i = 0; i < size; i++)
        embedding[i] = (float)((double)found[i] / sqrt(norm));
    item->picture.embedding = embedding;
    return GLIMPSE_OK;
}

/* GLIMPSE_E_NOT_FOUND when no library has one. */
static int find_embedding(scan *s, glimpse_dedup_item *item) {
    const glimpse_dedup_options *options = s->dedup->options;
    glimpse_library *stores[2] = {options->library, options->against_library};
    int status = GLIMPSE_E_NOT_FOUND;
    float *found = malloc(s->dedup->embedding_size * sizeof *found);
    if (!found) return glimpse_fail_nomem(s->dedup->embedding_size * 4, "an embedding");
    for (int i = 0; i < 2 && status == GLIMPSE_E_NOT_FOUND; i++) {
        if (!stores[i]) continue;
        (void)pthread_mutex_lock(&s->mutex);
        status =
            glimpse_library_embedding(found, NULL, stores[i], options->model, item->picture.id);
        (void)pthread_mutex_unlock(&s->mutex);
    }
    if (status == GLIMPSE_OK) status = set_embedding(s->dedup, item, found);
    free(found);
    return status;
}

/* What the library knows is enough, when it has the embedding too. */
static int complete(scan *s, glimpse_dedup_item *item) {
    int status = s->dedup->embedding_size > 0 ? find_embedding(s, item) : GLIMPSE_OK;
    if (status == GLIMPSE_OK) {
        item->picture.label = glimpse_dedup_label(s->dedup, item->picture.path);
        if (!item->picture.label) status = glimpse_fail_nomem(64, "what a file says");
    }
    if (status == GLIMPSE_OK) return status;
    free((char *)item->picture.format);
    free((char *)item->picture.taken);
    free((char *)item->picture.camera);
    item->picture.format = item->picture.taken = item->picture.camera = NULL;
    item->from_cache = 0;
    return status;
}

/*
 * The producer: what needs no look, and what does.
 */
/* Completes the job, or leaves it pending for the workers. */
static void look_at(scan *s, glimpse_dedup_item *item, glimpse_pool_job *job) {
    struct stat info;
    if (item->status < 0) { /* the walk said why */
        job->outcome = GLIMPSE_POOL_KNOWN;
        return;
    }
    if (stat(item->picture.path, &info) != 0) {
        const int error = errno;
        glimpse_pool_job_fail(job, glimpse_fail_errno("%s", item->picture.path), strerror(error));
        return;
    }
    item->picture.mtime_ns =
        (int64_t)info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec;
    item->device = (uint64_t)info.st_dev;
    item->inode = (uint64_t)info.st_ino;
    if ((uint64_t)info.st_size < s->dedup->options->min_bytes) {
        job->outcome = GLIMPSE_POOL_NO_PICTURE;
        return;
    }
    if (!glimpse_dedup_cache_find_file(s->dedup, item, &info)) return;
    const int known = complete(s, item);
    if (known == GLIMPSE_OK) {
        job->outcome = GLIMPSE_POOL_KNOWN;
    } else if (known != GLIMPSE_E_NOT_FOUND) {
        glimpse_pool_job_fail(job, known, glimpse_last_error());
    }
}

static void produce(void *user, glimpse_pool *pool) {
    scan *s = user;
    glimpse_dedup *dedup = s->dedup;
    for (size_t i = 0; i < dedup->count && !glimpse_pool_is_stopping(pool); i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        scan_job *job = calloc(1, sizeof *job);
        if (!job) {
            glimpse_pool_fail(pool, glimpse_fail_nomem(sizeof *job, "a picture"));
            return;
        }
        job->index = i;
        job->picture.path = (char *)item->picture.path;
        job->picture.wants_embedding = dedup->embedding_size > 0;
        look_at(s, item, &job->picture);
        const int taken = job->picture.outcome == GLIMPSE_POOL_PENDING
                              ? glimpse_pool_submit(pool, &job->picture)
                              : glimpse_pool_complete(pool, &job->picture);
        if (taken) continue;
        glimpse_pool_job_clear(&job->picture);
        free(job);
    }
}

/*
 * In the workers.
 */
static glimpse_dedup_item *item_of(const scan *s, const glimpse_pool_job *job) {
    return &s->dedup->items[((const scan_job *)job)->index];
}

/* GLIMPSE_E_NOT_FOUND when the libraries do not know all about these bytes. */
static int find_content(scan *s, glimpse_dedup_item *item, const glimpse_pool_job *job) {
    const glimpse_dedup_options *options = s->dedup->options;
    char id[GLIMPSE_HASH_HEX];
    if (!options->library && !options->against_library) return GLIMPSE_E_NOT_FOUND;
    glimpse_hash_to_hex(&job->hash, id);
    if (!glimpse_dedup_cache_find_content(s->dedup, item, id, job->content_size))
        return GLIMPSE_E_NOT_FOUND;
    return complete(s, item);
}

static glimpse_pool_step claim(void *user, glimpse_pool_job *job) {
    scan *s = user;
    const int known = find_content(s, item_of(s, job), job);
    if (known == GLIMPSE_E_NOT_FOUND) {
        if (!equal_bytes_claim(&s->equal, ((const scan_job *)job)->index, &job->hash))
            return GLIMPSE_STEP_ON;
        job->outcome = GLIMPSE_POOL_KNOWN;
    } else if (known < 0) {
        glimpse_pool_job_fail(job, known, glimpse_last_error());
    } else {
        job->outcome = GLIMPSE_POOL_KNOWN;
    }
    return GLIMPSE_STEP_COMPLETE;
}

/* What the library calls it. Bytes that it does not know may show a picture that was decided about.
 */
static int name_picture(scan *s, glimpse_dedup_item *item, const glimpse_hash *hash,
                        const uint8_t *data, size_t size) {
    const glimpse_dedup_options *options = s->dedup->options;
    glimpse_hash identity, id;
    int known = 0;
    if (!options->library) return GLIMPSE_OK;
    glimpse_store *store = glimpse_library_store(options->library);
    (void)pthread_mutex_lock(&s->mutex);
    int status = store->ops->contents.id_of(&id, &known, store, hash, NULL);
    (void)pthread_mutex_unlock(&s->mutex);
    if (status < 0) return status;
    if (!known) {
        if (glimpse_image_identity(&identity, NULL, data, size) < 0) {
            return glimpse_fail_nomem(64, "the identity of a picture");
        }
        (void)pthread_mutex_lock(&s->mutex);
        status = store->ops->contents.id_of(&id, &known, store, hash, &identity);
        (void)pthread_mutex_unlock(&s->mutex);
    }
    if (status < 0 || !known) return status;
    glimpse_hash_to_hex(&id, item->picture.picture_id);
    if (options->decide) glimpse_hash_to_hex(&id, item->decided_as);
    return GLIMPSE_OK;
}

static int inspect(void *user, glimpse_pool_job *job, const glimpse_image *image,
                   const uint8_t *data, size_t size) {
    scan *s = user;
    glimpse_dedup_item *item = item_of(s, job);
    const int keep = ((const scan_job *)job)->index < s->thumbs;
    int status = glimpse_dedup_measure(s->dedup, item, image, data, size, &job->hash, keep);
    if (status == GLIMPSE_OK) status = name_picture(s, item, &job->hash, data, size);
    if (status < 0 || !job->wants_embedding) return status;
    status = find_embedding(s, item);
    if (status == GLIMPSE_OK) job->wants_embedding = 0;
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

/*
 * The consumer.
 */
/* Puts what was read since into the library, `least` pictures or more. */
static void keep_fresh(scan *s, size_t min) {
    if (s->fresh_count < min || s->fresh_count == 0) return;
    glimpse_dedup_cache_write(s->dedup, s->fresh, s->fresh_count);
    s->fresh_count = 0;
}

static void consume(void *user, glimpse_pool_job *job) {
    scan *s = user;
    glimpse_dedup_item *item = item_of(s, job);
    int status = GLIMPSE_OK;
    switch (job->outcome) {
    case GLIMPSE_POOL_DONE:
        s->dedup->decoded++;
        if (job->embedding) status = set_embedding(s->dedup, item, job->embedding);
        s->fresh[s->fresh_count++] = (uint32_t)((const scan_job *)job)->index;
        break;
    case GLIMPSE_POOL_VANISHED:
    case GLIMPSE_POOL_FAILED:
        item->status = job->code;
        item->reason = strdup(glimpse_pool_job_reason(job));
        if (!item->reason) status = glimpse_fail_nomem(64, "a reason");
        break;
    case GLIMPSE_POOL_NO_PICTURE: item->skip = 1; break;
    case GLIMPSE_POOL_KNOWN:
        if (item->is_refreshed) {
            s->fresh[s->fresh_count++] = (uint32_t)((const scan_job *)job)->index;
        }
        break;
    case GLIMPSE_POOL_DROPPED:
    case GLIMPSE_POOL_PENDING: break;
    }
    if (status < 0) glimpse_pool_fail(s->pool, status);
    s->done++;
    s->path = item->picture.path;
    glimpse_pool_job_clear(job);
    free(job);
    keep_fresh(s, FRESH_AT_ONCE);
}

static void before_pause(void *user) {
    keep_fresh(user, 1);
}

static void tick(void *user) {
    scan *s = user;
    if (glimpse_dedup_progress(s->dedup, "reading pictures", s->done, s->dedup->count, 1, s->path) <
        0) {
        glimpse_pool_cancel(s->pool);
    }
}

static int copy_owned(glimpse_dedup *dedup, glimpse_dedup_item *item,
                      const glimpse_dedup_item *from, int keep) {
    const size_t embedding_bytes = dedup->embedding_size * sizeof(float);
    float *embedding = NULL;
    item->picture.label = glimpse_dedup_label(dedup, item->picture.path);
    if (!item->picture.label) return glimpse_fail_nomem(64, "what a file says");
    if (from->picture.embedding) {
        item->picture.embedding = embedding = malloc(embedding_bytes);
        if (!embedding) return glimpse_fail_nomem(embedding_bytes, "an embedding");
        memcpy(embedding, from->picture.embedding, embedding_bytes);
    }
    if (!keep || !from->thumb) return GLIMPSE_OK;
    item->thumb = malloc(sizeof *item->thumb);
    if (!item->thumb) return glimpse_fail_nomem(sizeof *item->thumb, "a thumbnail");
    *item->thumb = *from->thumb;
    return GLIMPSE_OK;
}

/* What the item with the same bytes is, or why it cannot be used. */
static int copy_item(glimpse_dedup *dedup, glimpse_dedup_item *item, const glimpse_dedup_item *from,
                     int keep) {
    if (from->status < 0) {
        item->status = from->status;
        item->reason = strdup(from->reason);
        return item->reason ? GLIMPSE_OK : glimpse_fail_nomem(64, "a reason");
    }
    const int status = glimpse_dedup_cache_copy(item, from);
    if (status < 0) return status;
    memcpy(item->decided_as, from->decided_as, sizeof item->decided_as);
    memcpy(item->picture.picture_id, from->picture.picture_id, sizeof item->picture.picture_id);
    return copy_owned(dedup, item, from, keep);
}

static int share_equal_bytes(scan *s) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < s->dedup->count && status == GLIMPSE_OK; i++) {
        const uint32_t first = s->equal.first[i];
        if (!first) continue;
        status =
            copy_item(s->dedup, &s->dedup->items[i], &s->dedup->items[first - 1], i < s->thumbs);
    }
    return status;
}

/* What turned out to be no picture was never found. */
static void drop_skipped(glimpse_dedup *dedup) {
    size_t kept = 0;
    for (size_t i = 0; i < dedup->count; i++) {
        if (dedup->items[i].skip) {
            free((char *)dedup->items[i].picture.path);
            glimpse_dedup_free_names(&dedup->items[i].picture);
            continue;
        }
        dedup->items[kept++] = dedup->items[i];
    }
    dedup->count = kept;
}

int glimpse_dedup_scan(glimpse_dedup *dedup) {
    const glimpse_dedup_options *options = dedup->options;
    scan s = {.dedup = dedup, .thumbs = dedup->thumb_bytes / sizeof(glimpse_thumb), .path = ""};
    glimpse_ingest_engine engine;
    glimpse_pool_options pool = {.jobs = dedup->jobs,
                                 .max_pixels = options->max_pixels,
                                 .exact = options->exact_decode,
                                 .claim = claim,
                                 .inspect = inspect,
                                 .user = &s};
    const glimpse_pool_run run = {.produce = produce,
                                  .consume = consume,
                                  .before_pause = before_pause,
                                  .tick = tick,
                                  .user = &s,
                                  .expected = dedup->count};
    if (dedup->embedding_size > 0) {
        engine = glimpse_engine_of_model(options->model);
        pool.engine = &engine;
    }
    int status = equal_bytes_init(&s.equal, dedup->count);
    if (status < 0) return status;
    s.fresh = malloc((FRESH_AT_ONCE + 1) * sizeof *s.fresh);
    if (!s.fresh) {
        equal_bytes_free(&s.equal);
        return glimpse_fail_nomem(FRESH_AT_ONCE * sizeof *s.fresh, "pictures");
    }
    (void)pthread_mutex_init(&s.mutex, NULL);
    status = glimpse_pool_create(&s.pool, &pool);
    if (status == GLIMPSE_OK) {
        status = glimpse_pool_run_all(s.pool, &run);
        keep_fresh(&s, 1); /* also when it was stopped: nothing is read twice */
    }
    glimpse_pool_free(s.pool);
    (void)pthread_mutex_destroy(&s.mutex);
    free(s.fresh);
    if (status == GLIMPSE_OK) status = share_equal_bytes(&s);
    equal_bytes_free(&s.equal);
    for (size_t i = 0; i < dedup->count; i++) {
        glimpse_dedup_picture *p = &dedup->items[i].picture;
        if (!p->picture_id[0]) memcpy(p->picture_id, p->id, sizeof p->picture_id);
        dedup->cached += (uint64_t)dedup->items[i].from_cache;
    }
    if (status == GLIMPSE_E_CANCELLED) {
        return glimpse_fail(status, "stopped while reading pictures");
    }
    if (status == GLIMPSE_OK) drop_skipped(dedup);
    return status;
}
