/*
 * index/dups_cache.c - see dups_cache.h.
 *
 * Numbers are packed little-endian, floating-point ones by their IEEE bits; texts with their length
 * in front.
 */
#include "dups_cache.h"

#include "catalog_private.h"
#include "core/hash.h"
#include "library_private.h"
#include "store_private.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 8192, MOST_TEXT = 1000, ROWS_AT_ONCE = 256 };

/* Writes to `bytes`, or reads from it, so that both are one list of fields. */
typedef struct packer {
    uint8_t bytes[MOST_BYTES];
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
    char room[MOST_TEXT + 1] = "";
    uint64_t length = p->reads ? 0 : strlen(*text);
    pack_u64(p, &length);
    if (length > MOST_TEXT) p->failed = 1;
    if (p->failed) return;
    if (!p->reads) memcpy(room, *text, length);
    pack_raw(p, room, length);
    if (!p->reads || p->failed) return;
    room[length] = '\0';
    *text = strdup(room);
    if (!*text) p->failed = 1;
}

static void pack_window(packer *p, glimpse_window *w) {
    pack_float(p, &w->x0), pack_float(p, &w->y0);
    pack_float(p, &w->x1), pack_float(p, &w->y1);
}

static void pack_item(packer *p, glimpse_dups_item *item) {
    glimpse_dedup_picture *picture = &item->picture;
    glimpse_picture_measures *m = &picture->measures;
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
        pack_u64(p, &item->turns[t]), pack_u64(p, &item->weak_turns[t]);
    pack_u64(p, &item->weak_content), pack_u64(p, &item->weak_dhash);
    pack_window(p, &item->content);
    pack_raw(p, item->mini, sizeof item->mini);
}

static void free_texts(glimpse_dedup_picture *picture) {
    free((char *)picture->format);
    free((char *)picture->taken);
    free((char *)picture->camera);
    picture->format = picture->taken = picture->camera = NULL;
}

static int unpack(glimpse_dups_item *item, const void *data, size_t size, const char *id) {
    packer p = {.reads = 1, .size = size};
    glimpse_dups_item found = {0};
    if (size > sizeof p.bytes) return 0;
    memcpy(p.bytes, data, size);
    pack_item(&p, &found);
    if (p.failed || p.at != size || memchr(found.picture.pixels, 0, GLIMPSE_HASH_HEX - 1) ||
        found.picture.pixels[GLIMPSE_HASH_HEX - 1] != '\0') {
        free_texts(&found.picture);
        return 0;
    }
    found.picture.path = item->picture.path;
    found.picture.set = item->picture.set;
    found.picture.mtime_ns = item->picture.mtime_ns;
    found.device = item->device;
    found.inode = item->inode;
    memcpy(found.picture.id, id, GLIMPSE_HASH_HEX);
    found.effective = (double)found.picture.width * (double)found.picture.height;
    found.plain = glimpse_dups_is_plain(&found.picture);
    found.from_cache = 1;
    *item = found;
    return 1;
}

static glimpse_db *store_of(const glimpse_dups *dups, int which) {
    glimpse_library *library = which == 0 ? dups->options->library : dups->options->against_library;
    return library ? glimpse_library_catalog(library)->db : NULL;
}

static int may_write(const glimpse_dups *dups, int which) {
    const glimpse_library *library =
        which == 0 ? dups->options->library : dups->options->against_library;
    return library && !glimpse_library_is_read_only(library);
}

static int is_too_large(const glimpse_dups *dups, const glimpse_dups_item *item) {
    uint64_t most =
        dups->options->max_pixels ? dups->options->max_pixels : GLIMPSE_DEFAULT_MAX_PIXELS;
    return (uint64_t)item->picture.width * item->picture.height > most;
}

/* A row of content hash, data and whether it is sound, of this version. */
static int take_row(const glimpse_dups *dups, sqlite3_stmt *row, glimpse_dups_item *item) {
    glimpse_hash hash;
    char id[GLIMPSE_HASH_HEX];
    if (sqlite3_column_bytes(row, 0) != GLIMPSE_HASH_BYTES || !sqlite3_column_int(row, 2)) return 0;
    memcpy(hash.bytes, sqlite3_column_blob(row, 0), GLIMPSE_HASH_BYTES);
    glimpse_hash_to_hex(&hash, id);
    glimpse_dups_item found = *item;
    if (!unpack(&found, sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1), id))
        return 0;
    if (is_too_large(dups, &found)) { /* decoding it says so */
        free_texts(&found.picture);
        return 0;
    }
    *item = found;
    return 1;
}

int glimpse_dups_cache_find_file(const glimpse_dups *dups, glimpse_dups_item *item,
                                 const struct stat *info) {
    int found = 0;
    int64_t time = (int64_t)info->st_mtim.tv_sec * INT64_C(1000000000) + info->st_mtim.tv_nsec;
    for (int which = 0; which < 2 && !found; which++) {
        glimpse_db *db = store_of(dups, which);
        sqlite3_stmt *row = NULL;
        if (!db) continue;
        glimpse_db_enter(db);
        int status = glimpse_db_query(
            db, &row,
            "SELECT c.hash, p.data, p.sum = glimpse_sum(p.content_id, p.version, p.data)"
            " FROM file f JOIN content c ON c.id = f.content_id"
            " JOIN fingerprint p ON p.content_id = c.id WHERE f.path = ?1 AND f.size = ?2"
            " AND f.mtime_ns = ?3 AND f.inode = ?4 AND p.version = ?5",
            "piiii", item->picture.path, (int64_t)info->st_size, time, (int64_t)info->st_ino,
            (int64_t)GLIMPSE_DUPS_CACHE_VERSION);
        if (status == GLIMPSE_OK && glimpse_db_step(db, row) > 0) found = take_row(dups, row, item);
        glimpse_db_reset(row);
        glimpse_db_leave(db);
    }
    return found;
}

int glimpse_dups_cache_find_content(const glimpse_dups *dups, glimpse_dups_item *item,
                                    const char *id, uint64_t size) {
    int found = 0;
    glimpse_hash hash;
    if (!glimpse_hash_from_hex(&hash, id)) return 0;
    for (int which = 0; which < 2 && !found; which++) {
        glimpse_db *db = store_of(dups, which);
        sqlite3_stmt *row = NULL;
        if (!db) continue;
        glimpse_db_enter(db);
        int status = glimpse_db_query(
            db, &row,
            "SELECT c.hash, p.data, p.sum = glimpse_sum(p.content_id, p.version, p.data)"
            " FROM content c JOIN fingerprint p ON p.content_id = c.id"
            " WHERE c.hash = ?1 AND c.size = ?2 AND p.version = ?3",
            "bii", (const void *)hash.bytes, sizeof hash.bytes, (int64_t)size,
            (int64_t)GLIMPSE_DUPS_CACHE_VERSION);
        if (status == GLIMPSE_OK && glimpse_db_step(db, row) > 0) found = take_row(dups, row, item);
        glimpse_db_reset(row);
        glimpse_db_leave(db);
    }
    return found;
}

static int put_item(glimpse_db *db, const glimpse_dups_item *item) {
    packer p = {0};
    glimpse_dups_item copy = *item;
    glimpse_hash hash;
    pack_item(&p, &copy);
    if (p.failed || !glimpse_hash_from_hex(&hash, item->picture.id)) return GLIMPSE_OK;
    return glimpse_db_run(
        db,
        "INSERT OR REPLACE INTO fingerprint (content_id, version, data, sum)"
        " SELECT id, ?3, ?4, glimpse_sum(id, ?3, ?4) FROM content WHERE hash = ?1 AND size = ?2",
        "biib", (const void *)hash.bytes, sizeof hash.bytes, (int64_t)item->picture.bytes,
        (int64_t)GLIMPSE_DUPS_CACHE_VERSION, (const void *)p.bytes, p.at);
}

void glimpse_dups_cache_put(const glimpse_dups *dups, const uint32_t *items, size_t count) {
    for (int which = 0; which < 2; which++) {
        glimpse_db *db = may_write(dups, which) ? store_of(dups, which) : NULL;
        if (!db || count == 0) continue;
        glimpse_db_enter(db);
        int status = GLIMPSE_OK;
        for (size_t i = 0; i < count && status == GLIMPSE_OK; i += ROWS_AT_ONCE) {
            size_t end = i + ROWS_AT_ONCE < count ? i + ROWS_AT_ONCE : count;
            status = glimpse_db_begin(db);
            for (size_t k = i; k < end && status == GLIMPSE_OK; k++)
                status = put_item(db, &dups->items[items[k]]);
            if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
        }
        if (status < 0) glimpse_db_rollback(db);
        glimpse_db_leave(db);
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

int glimpse_dups_cache_find_thumb(const glimpse_dups *dups, const glimpse_dups_item *item,
                                  glimpse_thumb *thumb) {
    int found = 0;
    glimpse_hash hash;
    if (!glimpse_hash_from_hex(&hash, item->picture.id)) return 0;
    for (int which = 0; which < 2 && !found; which++) {
        glimpse_db *db = store_of(dups, which);
        sqlite3_stmt *row = NULL;
        if (!db) continue;
        glimpse_db_enter(db);
        int status = glimpse_db_query(
            db, &row,
            "SELECT t.pixels FROM content c JOIN thumbnail t ON t.content_id = c.id"
            " WHERE c.hash = ?1 AND c.size = ?2 AND t.version = ?3"
            " AND t.sum = glimpse_sum(t.content_id, t.version, t.pixels)",
            "bii", (const void *)hash.bytes, sizeof hash.bytes, (int64_t)item->picture.bytes,
            (int64_t)GLIMPSE_DUPS_CACHE_VERSION);
        if (status == GLIMPSE_OK && glimpse_db_step(db, row) > 0 &&
            (size_t)sqlite3_column_bytes(row, 0) == THUMB_BYTES) {
            const uint8_t *bytes = sqlite3_column_blob(row, 0);
            packer p = {.reads = 1, .size = THUMB_HEAD};
            memcpy(p.bytes, bytes, THUMB_HEAD);
            pack_head(&p, thumb);
            memcpy(thumb->grey, bytes + THUMB_HEAD, sizeof thumb->grey);
            memcpy(thumb->rgb, bytes + THUMB_HEAD + sizeof thumb->grey, sizeof thumb->rgb);
            found = !p.failed;
        }
        glimpse_db_reset(row);
        glimpse_db_leave(db);
    }
    return found;
}

static int put_thumb(glimpse_db *db, const glimpse_dups_item *item, const glimpse_thumb *thumb) {
    packer p = {0};
    glimpse_thumb head = {.width = thumb->width,
                          .height = thumb->height,
                          .content = thumb->content,
                          .framed = thumb->framed};
    glimpse_hash hash;
    uint8_t *bytes = calloc(1, THUMB_BYTES);
    if (!bytes || !glimpse_hash_from_hex(&hash, item->picture.id)) {
        free(bytes);
        return GLIMPSE_OK;
    }
    pack_head(&p, &head);
    memcpy(bytes, p.bytes, p.at);
    memcpy(bytes + THUMB_HEAD, thumb->grey, sizeof thumb->grey);
    memcpy(bytes + THUMB_HEAD + sizeof thumb->grey, thumb->rgb, sizeof thumb->rgb);
    int status = glimpse_db_run(
        db,
        "INSERT OR REPLACE INTO thumbnail (content_id, version, pixels, sum)"
        " SELECT id, ?3, ?4, glimpse_sum(id, ?3, ?4) FROM content WHERE hash = ?1 AND size = ?2",
        "biib", (const void *)hash.bytes, sizeof hash.bytes, (int64_t)item->picture.bytes,
        (int64_t)GLIMPSE_DUPS_CACHE_VERSION, (const void *)bytes, THUMB_BYTES);
    free(bytes);
    return status;
}

void glimpse_dups_cache_put_thumb(const glimpse_dups *dups, const glimpse_dups_item *item,
                                  const glimpse_thumb *thumb) {
    for (int which = 0; which < 2; which++) {
        glimpse_db *db = may_write(dups, which) ? store_of(dups, which) : NULL;
        if (!db) continue;
        glimpse_db_enter(db);
        (void)put_thumb(db, item, thumb); /* a transaction of its own */
        glimpse_db_leave(db);
    }
}

void glimpse_dups_cache_put_thumbs(const glimpse_dups *dups) {
    uint8_t *wanted = calloc(dups->count + 1, 1);
    if (!wanted) return;
    for (size_t h = 0; h < dups->hint_count; h++)
        wanted[dups->hints[h].a] = wanted[dups->hints[h].b] = 1;
    for (int which = 0; which < 2; which++) {
        glimpse_db *db = may_write(dups, which) ? store_of(dups, which) : NULL;
        if (!db) continue;
        size_t pending = 0;
        int status = GLIMPSE_OK;
        glimpse_db_enter(db);
        for (size_t i = 0; i < dups->count && status == GLIMPSE_OK; i++) {
            if (!wanted[i] || !dups->items[i].thumb) continue;
            if (pending++ == 0) status = glimpse_db_begin(db);
            if (status == GLIMPSE_OK) status = put_thumb(db, &dups->items[i], dups->items[i].thumb);
            if (status == GLIMPSE_OK && pending == ROWS_AT_ONCE) {
                status = glimpse_db_commit(db);
                pending = 0;
            }
        }
        if (status == GLIMPSE_OK && pending > 0) status = glimpse_db_commit(db);
        if (status < 0) glimpse_db_rollback(db);
        glimpse_db_leave(db);
    }
    free(wanted);
}
