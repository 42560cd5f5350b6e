/*
 * index/dups_scan.c - reads the listed files: content id, pixels' id, thumbnail, hashes, measures,
 * embedding. Workers take the next file from a shared counter; each holds one picture at a time. A
 * file that cannot be used keeps its reason and stops nothing.
 */
#include "dups_private.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "dups_cache.h"
#include "image/format.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { FRESH_AT_ONCE = 256 };

typedef struct scan {
    glimpse_dups *dups;
    pthread_mutex_t mutex; /* the library, `finished` and `changed` */
    pthread_cond_t changed;
    atomic_size_t next, done;
    atomic_int stop;
    unsigned running;
    size_t thumbs;   /* items below this one keep theirs */
    uint32_t *fresh; /* [fresh_count] read and not yet kept in the library */
    size_t fresh_count;
} scan;

static const char *copy_text(const char *text) {
    return strdup(text ? text : "");
}

static void hex_of(const glimpse_hash *hash, char hex[33]) {
    glimpse_hash_to_hex(hash, hex);
}

/* Size and pixels, so that 2x8 and 4x4 differ. */
static int hash_pixels(const glimpse_image *image, char hex[33]) {
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return glimpse_fail_nomem(64, "a hash");
    uint32_t w = glimpse_image_width(image), h = glimpse_image_height(image);
    uint8_t size[8];
    for (int i = 0; i < 4; i++) {
        size[i] = (uint8_t)(w >> 8 * i);
        size[4 + i] = (uint8_t)(h >> 8 * i);
    }
    glimpse_hasher_update(hasher, size, sizeof size);
    glimpse_hasher_update(hasher, glimpse_image_pixels(image), (size_t)w * h * 3);
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    hex_of(&hash, hex);
    return GLIMPSE_OK;
}

/* 101 for files that lose nothing, 0 where it cannot be told. */
static int estimate_quality(glimpse_image_format format, const uint8_t *data, size_t size) {
    if (glimpse_format_is_lossless(format, data, size)) return 101;
    return glimpse_jpeg_quality(data, size); /* 0 for what is no JPEG */
}

/* The name of the folder a file lies in; "" when that is a root. */
static const char *make_label(const glimpse_dups *dups, const char *path) {
    const char *name = strrchr(path, '/');
    size_t length = name ? (size_t)(name - path) : 0, start = length;
    for (size_t i = 0; i < dups->root_count; i++) {
        if (strlen(dups->roots[i]) == length && strncmp(dups->roots[i], path, length) == 0)
            return copy_text("");
        if (strcmp(dups->roots[i], path) == 0) return copy_text(""); /* a root that is a file */
    }
    while (start > 0 && path[start - 1] != '/')
        start--;
    return strndup(path + start, length - start);
}

static int fill_in(glimpse_dups *dups, glimpse_dups_item *item, const glimpse_image *image,
                   const uint8_t *data, size_t size) {
    glimpse_dedup_picture *p = &item->picture;
    const glimpse_image_meta *meta = glimpse_image_metadata(image);
    p->format = copy_text(glimpse_image_format_name(meta->format));
    p->taken = copy_text(meta->taken);
    p->camera = copy_text(meta->camera);
    p->label = make_label(dups, p->path);
    if (!p->format || !p->taken || !p->camera || !p->label)
        return glimpse_fail_nomem(64, "what a file says");
    p->width = glimpse_image_width(image);
    p->height = glimpse_image_height(image);
    p->bytes = size;
    p->exif = (p->taken[0] != '\0') + (p->camera[0] != '\0') + (meta->has_gps != 0) +
              (meta->orientation > 1);
    p->quality = estimate_quality(meta->format, data, size);
    glimpse_hash hash = glimpse_hash_bytes(data, size);
    hex_of(&hash, p->id);
    int status = hash_pixels(image, p->pixels);
    return status < 0 ? status : glimpse_picture_measure(&p->measures, image);
}

static void make_mini(glimpse_dups_item *item, const glimpse_thumb *thumb) {
    enum { STEP = GLIMPSE_THUMB_SIDE / GLIMPSE_DUPS_MINI };
    for (int y = 0; y < GLIMPSE_DUPS_MINI; y++) {
        for (int x = 0; x < GLIMPSE_DUPS_MINI; x++) {
            unsigned sum = 0;
            for (int v = 0; v < STEP; v++) {
                for (int u = 0; u < STEP; u++)
                    sum += thumb->grey[(y * STEP + v) * GLIMPSE_THUMB_SIDE + x * STEP + u];
            }
            item->mini[y * GLIMPSE_DUPS_MINI + x] = (uint8_t)(sum / (STEP * STEP));
        }
    }
}

static int make_hashes(glimpse_dups_item *item, const glimpse_image *image, int keep) {
    glimpse_thumb *thumb = malloc(sizeof *thumb);
    if (!thumb) return glimpse_fail_nomem(sizeof *thumb, "a thumbnail");
    int status = glimpse_thumb_make(thumb, image);
    if (status < 0) {
        free(thumb);
        return status;
    }
    item->content = thumb->content;
    for (int w = 0; w < GLIMPSE_WINDOW_COUNT; w++)
        item->windows[w] = glimpse_phash(w == 1 ? &item->weak_content : NULL, thumb,
                                         w == 1 ? &thumb->content : &glimpse_windows[w]);
    glimpse_phash_orientations(item->turns, item->weak_turns, thumb);
    make_mini(item, thumb);
    item->picture.phash = item->windows[0];
    item->picture.dhash = glimpse_dhash(&item->weak_dhash, thumb);
    item->plain = glimpse_dups_is_plain(&item->picture);
    item->effective = (double)item->picture.width * (double)item->picture.height;
    if (keep) {
        item->thumb = thumb;
    } else {
        free(thumb);
    }
    return GLIMPSE_OK;
}

/* Of unit length. */
static int set_embedding(const glimpse_dups *dups, glimpse_dups_item *item,
                         const glimpse_image *image, glimpse_encoder *encoder,
                         glimpse_library *library) {
    const size_t size = dups->embedding_size;
    double norm = 0;
    float *embedding = malloc(size * sizeof *embedding);
    if (!embedding) return glimpse_fail_nomem(size * 4, "an embedding");
    int status = image ? glimpse_encoder_images(embedding, encoder, &image, 1, 0)
                       : glimpse_library_embedding(embedding, NULL, library, dups->options->model,
                                                   item->picture.id);
    for (size_t i = 0; i < size && status == GLIMPSE_OK; i++)
        norm += (double)embedding[i] * (double)embedding[i];
    if (status < 0 || !(norm > 0) || !isfinite(norm)) {
        free(embedding);
        return status;
    }
    for (size_t i = 0; i < size; i++)
        embedding[i] = (float)((double)embedding[i] / sqrt(norm));
    item->picture.embedding = embedding;
    return GLIMPSE_OK;
}

/* GLIMPSE_E_NOT_FOUND when no library has one. */
static int find_embedding(scan *s, glimpse_dups_item *item) {
    const glimpse_dedup_options *options = s->dups->options;
    int status = GLIMPSE_E_NOT_FOUND;
    glimpse_library *stores[2] = {options->library, options->against_library};
    for (int i = 0; i < 2 && status == GLIMPSE_E_NOT_FOUND; i++) {
        if (!stores[i]) continue;
        (void)pthread_mutex_lock(&s->mutex);
        status = set_embedding(s->dups, item, NULL, NULL, stores[i]);
        (void)pthread_mutex_unlock(&s->mutex);
    }
    return status;
}

/* What the library knows is enough, when it has the embedding too. */
static int complete(scan *s, glimpse_dups_item *item) {
    int status = s->dups->embedding_size > 0 ? find_embedding(s, item) : GLIMPSE_OK;
    if (status == GLIMPSE_OK) {
        item->picture.label = make_label(s->dups, item->picture.path);
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

static int knows_contents(const glimpse_dups *dups) {
    return dups->options->library || dups->options->against_library;
}

static int read_item(scan *s, glimpse_dups_item *item, size_t index, glimpse_encoder *encoder) {
    const glimpse_dedup_options *options = s->dups->options;
    glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
    uint64_t pixels = options->max_pixels ? options->max_pixels : GLIMPSE_DEFAULT_MAX_PIXELS;
    uint64_t limit = (pixels > SIZE_MAX / 16 ? SIZE_MAX / 2 : pixels * 8) + (64U << 20);
    void *data = NULL;
    size_t size = 0;
    glimpse_image *image = NULL;
    struct stat info;
    decode.max_pixels = options->max_pixels;
    if (stat(item->picture.path, &info) != 0) return glimpse_fail_errno("%s", item->picture.path);
    item->picture.mtime_ns =
        (int64_t)info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec;
    item->device = (uint64_t)info.st_dev;
    item->inode = (uint64_t)info.st_ino;
    if ((uint64_t)info.st_size < options->min_bytes) {
        item->skip = 1;
        return GLIMPSE_OK;
    }
    if (glimpse_dups_cache_find_file(s->dups, item, &info)) {
        int known = complete(s, item);
        if (known != GLIMPSE_E_NOT_FOUND) return known;
    }
    if (item->must_sniff) {
        uint8_t start[GLIMPSE_SNIFF_BYTES];
        FILE *file = fopen(item->picture.path, "rb");
        size_t got = file ? fread(start, 1, sizeof start, file) : 0;
        if (file) (void)fclose(file);
        if (glimpse_image_sniff(start, got) == GLIMPSE_FORMAT_UNKNOWN) {
            item->skip = 1;
            return GLIMPSE_OK;
        }
    }
    int status = glimpse_file_read(&data, &size, item->picture.path, (size_t)limit);
    if (status == GLIMPSE_OK && knows_contents(s->dups)) {
        glimpse_hash hash = glimpse_hash_bytes(data, size);
        char id[GLIMPSE_HASH_HEX];
        hex_of(&hash, id);
        if (glimpse_dups_cache_find_content(s->dups, item, id, size)) {
            int known = complete(s, item);
            if (known != GLIMPSE_E_NOT_FOUND) {
                free(data);
                return known;
            }
        }
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_image_decode(&image, data, size, item->picture.path, &decode);
    }
    if (status == GLIMPSE_OK) status = fill_in(s->dups, item, image, data, size);
    free(data);
    if (status == GLIMPSE_OK) status = make_hashes(item, image, index < s->thumbs);
    if (status == GLIMPSE_OK && encoder) {
        status = find_embedding(s, item);
        if (status == GLIMPSE_E_NOT_FOUND)
            status = set_embedding(s->dups, item, image, encoder, NULL);
    }
    glimpse_image_free(image);
    return status;
}

/* The message without the path in front of it. */
static char *reason_of(const char *path) {
    const char *message = glimpse_last_error();
    size_t length = strlen(path);
    if (strncmp(message, path, length) == 0 && message[length] == ':') {
        message += length + 1;
        while (*message == ' ')
            message++;
    }
    return strdup(message);
}

static void *work(void *context) {
    scan *s = context;
    glimpse_dups *dups = s->dups;
    glimpse_encoder *encoder = NULL;
    int status = GLIMPSE_OK;
    if (dups->embedding_size > 0) {
        status = glimpse_encoder_create(&encoder, dups->options->model, 1);
        if (status < 0) atomic_store(&s->stop, status);
    }
    while (!atomic_load(&s->stop)) {
        size_t i = atomic_fetch_add(&s->next, 1);
        if (i >= dups->count) break;
        glimpse_dups_item *item = &dups->items[i];
        if (item->status == GLIMPSE_OK) {
            item->status = read_item(s, item, i, encoder);
            if (item->status < 0) {
                item->reason = reason_of(item->picture.path);
                if (!item->reason) atomic_store(&s->stop, GLIMPSE_E_NOMEM);
            }
        }
        if (item->status == GLIMPSE_OK && !item->skip && !item->from_cache) {
            (void)pthread_mutex_lock(&s->mutex);
            s->fresh[s->fresh_count++] = (uint32_t)i;
            (void)pthread_mutex_unlock(&s->mutex);
        }
        atomic_fetch_add(&s->done, 1);
    }
    glimpse_encoder_free(encoder);
    (void)pthread_mutex_lock(&s->mutex);
    s->running--;
    (void)pthread_cond_signal(&s->changed);
    (void)pthread_mutex_unlock(&s->mutex);
    return NULL;
}

/* Puts what was read since into the library, `least` pictures or more. Called with the mutex held,
 * which is released meanwhile: only this thread takes from the list. */
static void keep_fresh(scan *s, size_t least) {
    if (s->fresh_count < least || s->fresh_count == 0) return;
    size_t count = s->fresh_count;
    uint32_t *items = malloc(count * sizeof *items);
    if (!items) return;
    memcpy(items, s->fresh, count * sizeof *items);
    s->fresh_count = 0;
    (void)pthread_mutex_unlock(&s->mutex);
    glimpse_dups_cache_put(s->dups, items, count);
    (void)pthread_mutex_lock(&s->mutex);
    free(items);
}

/* Until all workers are done: tells progress ten times a second, and keeps what was found out. */
static void watch(scan *s) {
    (void)pthread_mutex_lock(&s->mutex);
    while (s->running > 0) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
        (void)pthread_cond_timedwait(&s->changed, &s->mutex, &until);
        (void)pthread_mutex_unlock(&s->mutex);
        size_t done = atomic_load(&s->done);
        const char *path = done < s->dups->count ? s->dups->items[done].picture.path : "";
        if (glimpse_dups_progress(s->dups, "reading pictures", done, s->dups->count, 1, path) < 0)
            atomic_store(&s->stop, GLIMPSE_E_CANCELLED);
        (void)pthread_mutex_lock(&s->mutex);
        keep_fresh(s, FRESH_AT_ONCE);
    }
    keep_fresh(s, 1);
    (void)pthread_mutex_unlock(&s->mutex);
}

/* What turned out to be no picture was never found. */
static void drop_skipped(glimpse_dups *dups) {
    size_t kept = 0;
    for (size_t i = 0; i < dups->count; i++) {
        if (dups->items[i].skip) {
            free((char *)dups->items[i].picture.path);
            continue;
        }
        dups->items[kept++] = dups->items[i];
    }
    dups->count = kept;
}

int glimpse_dups_scan(glimpse_dups *dups) {
    unsigned jobs = dups->count < dups->jobs ? (unsigned)dups->count : dups->jobs, started = 0;
    scan s = {.dups = dups, .thumbs = dups->thumb_bytes / sizeof(glimpse_thumb)};
    pthread_t *threads = malloc((jobs + 1) * sizeof *threads);
    s.fresh = malloc((dups->count + 1) * sizeof *s.fresh);
    if (!threads || !s.fresh) {
        free(threads);
        free(s.fresh);
        return glimpse_fail_nomem(jobs * sizeof *threads + dups->count * 4, "threads");
    }
    (void)pthread_mutex_init(&s.mutex, NULL);
    (void)pthread_cond_init(&s.changed, NULL);
    s.running = jobs;
    for (; started < jobs; started++) {
        int error = pthread_create(&threads[started], NULL, work, &s);
        if (error == 0) continue;
        (void)pthread_mutex_lock(&s.mutex);
        s.running -= jobs - started;
        (void)pthread_mutex_unlock(&s.mutex);
        errno = error;
        if (started == 0) atomic_store(&s.stop, glimpse_fail_errno("starting a thread"));
        break;
    }
    watch(&s);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_cond_destroy(&s.changed);
    (void)pthread_mutex_destroy(&s.mutex);
    free(threads);
    free(s.fresh);
    for (size_t i = 0; i < dups->count; i++)
        dups->cached += (uint64_t)dups->items[i].from_cache;
    int status = atomic_load(&s.stop);
    if (status == GLIMPSE_E_CANCELLED)
        return glimpse_fail(status, "stopped while reading pictures");
    if (status < 0 && started > 0) return glimpse_fail(status, "a worker could not go on");
    if (status == GLIMPSE_OK) drop_skipped(dups);
    return status;
}
