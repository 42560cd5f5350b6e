/*
 * index/dedup/dedup_cache.c - packs what a scan measured of a picture into a row of the catalogue,
 * and unpacks it.
 *
 * Numbers are packed little-endian, floating-point ones by their IEEE bits; texts with their length
 * in front.
 */
#include "dedup_cache.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "library_private.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 8192, MAX_TEXT = 1000, ROWS_AT_ONCE = 256 };

/* Writes to `bytes`, or reads from it, so that both are one list of fields. */
typedef struct packer {
    uint8_t bytes[MAX_BYTES];
    size_t at, size;
    int reads, failed;
} packer;

static void pack_raw(packer *p, void *data, size_t size) {
    const size_t limit = p->reads ? p->size : sizeof p->bytes;
    if (p->failed || size > limit - p->at) {
        p->failed = 1;
        return;
    }
    if (p->reads) {
        memcpy(data, p->bytes + p->at, size);
    } else {
        memcpy(p->bytes + p->at, data, size);
    }
    p->at += size;
}

static void pack_u64(packer *p, uint64_t *value) {
    uint8_t b[8];
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)(*value >> 8 * i);
    pack_raw(p, b, 8);
    if (!p->reads || p->failed) return;
    *value = 0;
    for (int i = 0; i < 8; i++)
        *value |= (uint64_t)b[i] << 8 * i;
}

static void pack_int(packer *p, int *value) {
    uint64_t wide = (uint64_t)(int64_t)*value;
    pack_u64(p, &wide);
    *value = (int)(int64_t)wide;
}

static void pack_u32(packer *p, uint32_t *value) {
    uint64_t wide = *value;
    pack_u64(p, &wide);
    *value = (uint32_t)wide;
}

static void pack_double(packer *p, double *value) {
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    pack_u64(p, &bits);
    memcpy(value, &bits, sizeof bits);
}

static void pack_float(packer *p, float *value) {
    double wide = (double)*value;
    pack_double(p, &wide);
    *value = (float)wide;
}

static void pack_text(packer *p, const char **text) {
    char capacity[MAX_TEXT + 1] = "";
    uint64_t length = p->reads ? 0 : strlen(*text);
    pack_u64(p, &length);
    if (length > MAX_TEXT) p->failed = 1;
    if (p->failed) return;
    if (!p->reads) memcpy(capacity, *text, length);
    pack_raw(p, capacity, length);
    if (!p->reads || p->failed) return;
    capacity[length] = '\0';
    *text = strdup(capacity);
    if (!*text) p->failed = 1;
}

static void pack_window(packer *p, glimpse_window *w) {
    pack_float(p, &w->x0), pack_float(p, &w->y0);
    pack_float(p, &w->x1), pack_float(p, &w->y1);
}

static void pack_item(packer *p, glimpse_dedup_item *item) {
    glimpse_dedup_picture *picture = &item->picture;
    glimpse_picture_measures *m = &picture->measures;
    pack_raw(p, picture->id, sizeof picture->id);
    pack_raw(p, picture->pixels, sizeof picture->pixels);
    pack_text(p, &picture->format);
    pack_text(p, &picture->taken);
    pack_text(p, &picture->camera);
    pack_u32(p, &picture->width), pack_u32(p, &picture->height);
    pack_u64(p, &picture->bytes);
    pack_int(p, &picture->quality), pack_int(p, &picture->exif);
    pack_u64(p, &picture->phash), pack_u64(p, &picture->dhash);
    pack_double(p, &m->mean), pack_double(p, &m->deviation);
    pack_double(p, &m->low), pack_double(p, &m->high);
    pack_double(p, &m->entropy), pack_double(p, &m->sharpness);
    pack_double(p, &m->colourfulness), pack_double(p, &m->aspect);
    pack_int(p, &m->grey);
    for (int w = 0; w < GLIMPSE_WINDOW_COUNT; w++)
        pack_u64(p, &item->windows[w]);
    for (int t = 0; t < 8; t++)
        pack_u64(p, &item->orientations[t]), pack_u64(p, &item->weak_orientations[t]);
    pack_u64(p, &item->weak_content), pack_u64(p, &item->weak_dhash);
    pack_window(p, &item->content);
    pack_raw(p, item->mini, sizeof item->mini);
    pack_int(p, &picture->is_transparent);
    pack_int(p, &picture->taken_is_modification);
    pack_double(p, &item->subseconds);
    pack_int(p, &item->is_cut);
}

static void free_texts(glimpse_dedup_picture *picture) {
    free((char *)picture->format);
    free((char *)picture->taken);
    free((char *)picture->camera);
    picture->format = picture->taken = picture->camera = NULL;
}

/* *is_other: what the bytes say is what those of another content of the picture said. */
static int unpack(glimpse_dedup_item *item, int *is_other, const void *data, size_t size,
                  const char *id) {
    packer p = {.reads = 1, .size = size};
    glimpse_dedup_item found = *item; /* the search has said more of it than where it is */
    found.picture.format = found.picture.taken = found.picture.camera = NULL;
    if (size > sizeof p.bytes) return 0;
    memcpy(p.bytes, data, size);
    pack_item(&p, &found);
    if (p.failed || p.at != size || memchr(found.picture.pixels, 0, GLIMPSE_HASH_HEX - 1) ||
        found.picture.pixels[GLIMPSE_HASH_HEX - 1] != '\0') {
        free_texts(&found.picture);
        return 0;
    }
    *is_other = strncmp(found.picture.id, id, GLIMPSE_HASH_HEX) != 0;
    memcpy(found.picture.id, id, GLIMPSE_HASH_HEX);
    found.effective = (double)found.picture.width * (double)found.picture.height;
    found.plain = glimpse_dedup_is_plain(&found.picture);
    found.from_cache = 1;
    *item = found;
    return 1;
}

int glimpse_dedup_cache_copy(glimpse_dedup_item *item, const glimpse_dedup_item *from) {
    packer p = {0};
    glimpse_dedup_item source = *from;
    int is_other = 0;
    pack_item(&p, &source);
    if (p.failed || !unpack(item, &is_other, p.bytes, p.at, from->picture.id))
        return glimpse_fail_nomem(p.at, "what a file says");
    item->from_cache = from->from_cache;
    return GLIMPSE_OK;
}

/* Of the library `which`, NULL when there is none; `to_write`: nor when it is open for reading
 * only. */
static glimpse_store *store_of(const glimpse_dedup *dedup, int which, int to_write) {
    glimpse_library *library =
        which == 0 ? dedup->options->library : dedup->options->against_library;
    glimpse_store *store = library ? glimpse_library_store(library) : NULL;
    return store && to_write && store->read_only ? NULL : store;
}

static int is_too_large(const glimpse_dedup *dedup, const glimpse_dedup_item *item) {
    uint64_t max =
        dedup->options->max_pixels ? dedup->options->max_pixels : GLIMPSE_DEFAULT_MAX_PIXELS;
    return (uint64_t)item->picture.width * item->picture.height > max;
}

typedef struct taking {
    const glimpse_dedup *dedup;
    glimpse_dedup_item *item;
    int is_other;
} taking;

static int load_item(void *user, const glimpse_derived_item *stored) {
    taking *t = user;
    char id[GLIMPSE_HASH_HEX];
    glimpse_hash_to_hex(&stored->hash, id);
    glimpse_dedup_item found = *t->item;
    if (!unpack(&found, &t->is_other, stored->data, stored->data_size, id)) return 0;
    found.picture.bytes = stored->size;
    glimpse_hash_to_hex(&stored->id, found.picture.picture_id);
    if (is_too_large(t->dedup, &found)) { /* decoding it says so */
        free_texts(&found.picture);
        return 0;
    }
    *t->item = found;
    return 1;
}

/* Of a picture that was found, in bytes that it was not found in. */
static int read_again(glimpse_dedup_item *item) {
    void *data = NULL;
    size_t size = 0;
    const glimpse_kept_error kept = glimpse_error_keep();
    int status = glimpse_file_read(&data, &size, item->picture.path, (size_t)UINT32_MAX);
    if (status == GLIMPSE_OK && size != item->picture.bytes) status = GLIMPSE_E_NOT_FOUND;
    if (status == GLIMPSE_OK) status = glimpse_dedup_read_statements(item, data, size);
    free(data);
    item->is_refreshed = status == GLIMPSE_OK;
    if (status == GLIMPSE_OK) return 1;
    free_texts(&item->picture); /* decoding it says why */
    item->from_cache = 0;
    glimpse_error_restore(&kept);
    return 0;
}

int glimpse_dedup_cache_find_file(const glimpse_dedup *dedup, glimpse_dedup_item *item,
                                  const struct stat *info) {
    taking t = {dedup, item, 0};
    int found = 0;
    const glimpse_file_stamp stamp = {(uint64_t)info->st_size,
                                      (int64_t)info->st_mtim.tv_sec * INT64_C(1000000000) +
                                          info->st_mtim.tv_nsec,
                                      (uint64_t)info->st_ino, 0};
    for (int which = 0; which < 2 && found <= 0; which++) {
        glimpse_store *store = store_of(dedup, which, 0);
        if (!store) continue;
        found = store->ops->derived.of_file(store, GLIMPSE_DERIVED_FINGERPRINT,
                                            GLIMPSE_DEDUP_CACHE_VERSION, item->picture.path, &stamp,
                                            load_item, &t);
    }
    return found > 0 && (!t.is_other || read_again(item));
}

int glimpse_dedup_cache_find_content(const glimpse_dedup *dedup, glimpse_dedup_item *item,
                                     const char *id, uint64_t size) {
    taking t = {dedup, item, 0};
    int found = 0;
    glimpse_hash hash;
    if (!glimpse_hash_from_hex(&hash, id)) return 0;
    for (int which = 0; which < 2 && found <= 0; which++) {
        glimpse_store *store = store_of(dedup, which, 0);
        if (!store) continue;
        found =
            store->ops->derived.of_content(store, GLIMPSE_DERIVED_FINGERPRINT,
                                           GLIMPSE_DEDUP_CACHE_VERSION, &hash, size, load_item, &t);
    }
    return found > 0 && (!t.is_other || read_again(item));
}

/*
 * Keeping: ROWS_AT_ONCE of them in one transaction.
 */
typedef struct rows {
    glimpse_store *store;
    glimpse_derived kind;
    glimpse_derived_item items[ROWS_AT_ONCE];
    size_t count;
    uint8_t *bytes; /* [ROWS_AT_ONCE][size] */
    size_t size;
} rows;

static int rows_begin(rows *r, glimpse_store *store, glimpse_derived kind, size_t size) {
    *r = (rows){.store = store, .kind = kind, .size = size};
    r->bytes = malloc(ROWS_AT_ONCE * size);
    return r->bytes ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
}

static int rows_flush(rows *r) {
    size_t count = r->count;
    r->count = 0;
    if (count == 0) return GLIMPSE_OK;
    return r->store->ops->derived.write(r->store, r->kind, GLIMPSE_DEDUP_CACHE_VERSION, r->items,
                                        count);
}

/* Where the next row's data belong; rows_add() takes them in. */
static uint8_t *rows_next(const rows *r) {
    return r->bytes + r->count * r->size;
}

static int rows_add(rows *r, const glimpse_dedup_item *item, size_t size) {
    glimpse_derived_item *row = &r->items[r->count];
    *row = (glimpse_derived_item){
        .size = item->picture.bytes, .data = rows_next(r), .data_size = size};
    if (!glimpse_hash_from_hex(&row->hash, item->picture.id)) return GLIMPSE_OK;
    return ++r->count == ROWS_AT_ONCE ? rows_flush(r) : GLIMPSE_OK;
}

static int add_item(rows *r, const glimpse_dedup_item *item) {
    packer p = {0};
    glimpse_dedup_item copy = *item;
    pack_item(&p, &copy);
    if (p.failed) return GLIMPSE_OK;
    memcpy(rows_next(r), p.bytes, p.at);
    return rows_add(r, item, p.at);
}

void glimpse_dedup_cache_write(const glimpse_dedup *dedup, const uint32_t *items, size_t count) {
    for (int which = 0; which < 2; which++) {
        glimpse_store *store = store_of(dedup, which, 1);
        rows r;
        if (!store || count == 0) continue;
        int status = rows_begin(&r, store, GLIMPSE_DERIVED_FINGERPRINT, MAX_BYTES);
        for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
            status = add_item(&r, &dedup->items[items[i]]);
        if (status == GLIMPSE_OK) (void)rows_flush(&r);
        free(r.bytes);
    }
}

/*
 * Thumbnails: grey, colours, size, content, whether framed.
 */
enum { THUMB_HEAD = 256 };
#define THUMB_BYTES \
 (THUMB_HEAD + sizeof((glimpse_thumb *)0)->grey + sizeof((glimpse_thumb *)0)->rgb)

static void pack_head(packer *p, glimpse_thumb *thumb) {
    pack_u32(p, &thumb->width), pack_u32(p, &thumb->height);
    pack_window(p, &thumb->content);
    pack_int(p, &thumb->framed);
}

static int load_thumb(void *user, const glimpse_derived_item *stored) {
    glimpse_thumb *thumb = user;
    if (stored->data_size != THUMB_BYTES) return 0;
    const uint8_t *bytes = stored->data;
    packer p = {.reads = 1, .size = THUMB_HEAD};
    memcpy(p.bytes, bytes, THUMB_HEAD);
    pack_head(&p, thumb);
    memcpy(thumb->grey, bytes + THUMB_HEAD, sizeof thumb->grey);
    memcpy(thumb->rgb, bytes + THUMB_HEAD + sizeof thumb->grey, sizeof thumb->rgb);
    return !p.failed;
}

int glimpse_dedup_cache_find_thumb(const glimpse_dedup *dedup, const glimpse_dedup_item *item,
                                   glimpse_thumb *thumb) {
    int found = 0;
    glimpse_hash hash;
    if (!glimpse_hash_from_hex(&hash, item->picture.id)) return 0;
    for (int which = 0; which < 2 && found <= 0; which++) {
        glimpse_store *store = store_of(dedup, which, 0);
        if (!store) continue;
        found = store->ops->derived.of_content(store, GLIMPSE_DERIVED_THUMBNAIL,
                                               GLIMPSE_DEDUP_CACHE_VERSION, &hash,
                                               item->picture.bytes, load_thumb, thumb);
    }
    return found > 0;
}

static void pack_thumb(uint8_t *bytes, const glimpse_thumb *thumb) {
    packer p = {0};
    glimpse_thumb head = {.width = thumb->width,
                          .height = thumb->height,
                          .content = thumb->content,
                          .framed = thumb->framed};
    pack_head(&p, &head);
    memset(bytes, 0, THUMB_HEAD);
    memcpy(bytes, p.bytes, p.at);
    memcpy(bytes + THUMB_HEAD, thumb->grey, sizeof thumb->grey);
    memcpy(bytes + THUMB_HEAD + sizeof thumb->grey, thumb->rgb, sizeof thumb->rgb);
}

void glimpse_dedup_cache_write_thumb(const glimpse_dedup *dedup, const glimpse_dedup_item *item,
                                     const glimpse_thumb *thumb) {
    glimpse_derived_item row = {.size = item->picture.bytes, .data_size = THUMB_BYTES};
    if (!glimpse_hash_from_hex(&row.hash, item->picture.id)) return;
    uint8_t *bytes = malloc(THUMB_BYTES);
    if (!bytes) return;
    pack_thumb(bytes, thumb);
    row.data = bytes;
    for (int which = 0; which < 2; which++) {
        glimpse_store *store = store_of(dedup, which, 1);
        if (!store) continue;
        (void)store->ops->derived.write(store, GLIMPSE_DERIVED_THUMBNAIL,
                                        GLIMPSE_DEDUP_CACHE_VERSION, &row, 1);
    }
    free(bytes);
}

void glimpse_dedup_cache_write_thumbs(const glimpse_dedup *dedup) {
    uint8_t *wanted = calloc(dedup->count + 1, 1);
    if (!wanted) return;
    for (size_t h = 0; h < dedup->hint_count; h++)
        wanted[dedup->hints[h].a] = wanted[dedup->hints[h].b] = 1;
    for (int which = 0; which < 2; which++) {
        glimpse_store *store = store_of(dedup, which, 1);
        rows r;
        if (!store) continue;
        int status = rows_begin(&r, store, GLIMPSE_DERIVED_THUMBNAIL, THUMB_BYTES);
        for (size_t i = 0; i < dedup->count && status == GLIMPSE_OK; i++) {
            if (!wanted[i] || !dedup->items[i].thumb) continue;
            pack_thumb(rows_next(&r), dedup->items[i].thumb);
            status = rows_add(&r, &dedup->items[i], THUMB_BYTES);
        }
        if (status == GLIMPSE_OK) (void)rows_flush(&r);
        free(r.bytes);
    }
    free(wanted);
}
