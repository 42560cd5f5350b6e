/*
 * model/zip.c - reads the directory of a zip archive and inflates entries (what is believed:
 * zip.h).
 */
#include "model/zip.h"

#include "core/error.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    END_BYTES = 22,
    END64_LOCATOR_BYTES = 20,
    END64_BYTES = 56,
    DIRECTORY_BYTES = 46,
    LOCAL_BYTES = 30,
    MAX_COMMENT = 0xffff,
    MAX_ENTRIES = 1 << 17,
    FLAG_ENCRYPTED = 1,
    FLAG_SIZES_BEHIND = 1 << 3, /* sizes and sum of the local header stand behind the data */
    FLAG_STRONG_ENCRYPTION = 1 << 6,
    FLAG_MASKED = 1 << 13
};

typedef struct reader {
    glimpse_zip *zip;
    const uint8_t *data;
    size_t size;
    size_t directory, directory_end; /* offsets */
    size_t count;
} reader;

static uint32_t read_16(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t read_32(const uint8_t *at) {
    return read_16(at) | read_16(at + 2) << 16;
}

static uint64_t read_64(const uint8_t *at) {
    return (uint64_t)read_32(at) | (uint64_t)read_32(at + 4) << 32;
}

static int damaged(const reader *r, const char *what) {
    return glimpse_fail(GLIMPSE_E_FORMAT,
                        "%s: a zip archive %s; the file is damaged or cut short: get it again",
                        r->zip->path, what);
}

static int damaged_entry(const reader *r, const glimpse_zip_entry *entry, const char *what) {
    char quoted[GLIMPSE_UTF8_QUOTED];
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the entry %s of the zip archive %s", r->zip->path,
                        glimpse_utf8_quote(quoted, entry->name, entry->name_length), what);
}

/* The end record with the comment that reaches exactly to the end of the file. */
static const uint8_t *find_end(const uint8_t *data, size_t size) {
    if (size < END_BYTES) return NULL;
    size_t last = size - END_BYTES, first = last > MAX_COMMENT ? last - MAX_COMMENT : 0;
    for (size_t at = last + 1; at-- > first;) {
        if (memcmp(data + at, "PK\5\6", 4) == 0 && read_16(data + at + 20) == last - at)
            return data + at;
    }
    return NULL;
}

static int find_directory(reader *r) {
    const uint8_t *end = find_end(r->data, r->size);
    if (!end) return damaged(r, "without its directory");
    size_t end_at = (size_t)(end - r->data);
    uint64_t disk = read_16(end + 4), directory_disk = read_16(end + 6);
    uint64_t here = read_16(end + 8), count = read_16(end + 10);
    uint64_t bytes = read_32(end + 12), offset = read_32(end + 16);
    uint64_t limit = end_at;
    if (end_at >= END64_LOCATOR_BYTES &&
        memcmp(end - END64_LOCATOR_BYTES, "PK\6\7", 4) == 0) { /* ZIP64: the larger record counts */
        const uint8_t *locator = end - END64_LOCATOR_BYTES;
        uint64_t at = read_64(locator + 8);
        size_t before = end_at - END64_LOCATOR_BYTES;
        if (before < END64_BYTES || at > before - END64_BYTES ||
            memcmp(r->data + at, "PK\6\6", 4) != 0) {
            return damaged(r, "whose ZIP64 record is not where it should be");
        }
        const uint8_t *record = r->data + at;
        disk = read_32(record + 16);
        directory_disk = read_32(record + 20);
        here = read_64(record + 24);
        count = read_64(record + 32);
        bytes = read_64(record + 40);
        offset = read_64(record + 48);
        limit = at;
    }
    if (disk != 0 || directory_disk != 0 || here != count) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: a part of a zip archive in several files",
                            r->zip->path);
    }
    if (offset > limit || bytes > limit - offset) {
        return damaged(r, "whose directory does not fit the file");
    }
    if (count > bytes / DIRECTORY_BYTES) {
        return damaged(r, "with more entries than its directory can hold");
    }
    if (count > MAX_ENTRIES) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: a zip archive of more than %d entries",
                            r->zip->path, MAX_ENTRIES);
    }
    r->directory = (size_t)offset;
    r->directory_end = (size_t)(offset + bytes);
    r->count = (size_t)count;
    return GLIMPSE_OK;
}

/* The ZIP64 values of an extra field, in this order, those whose 32 bits are all ones. */
static int read_extra(const uint8_t *extra, size_t length, uint64_t *const values[3]) {
    size_t wanted = 0;
    for (size_t i = 0; i < 3; i++)
        wanted += *values[i] == UINT32_MAX;
    if (wanted == 0) return 1;
    while (length >= 4) {
        size_t id = read_16(extra), bytes = read_16(extra + 2);
        extra += 4, length -= 4;
        if (bytes > length) return 0;
        if (id == 1) {
            if (bytes < 8 * wanted) return 0;
            for (size_t i = 0; i < 3; i++) {
                if (*values[i] != UINT32_MAX) continue;
                *values[i] = read_64(extra);
                extra += 8;
            }
            return 1;
        }
        extra += bytes, length -= bytes;
    }
    return 0;
}

/* The header in front of the data, which says the same once more. */
static int read_local(reader *r, glimpse_zip_entry *entry, uint32_t flags, uint32_t method,
                      uint64_t offset) {
    if (r->directory < LOCAL_BYTES || offset > r->directory - LOCAL_BYTES)
        return damaged_entry(r, entry, "lies outside the file");
    const uint8_t *local = r->data + offset;
    size_t rest = r->directory - (size_t)offset - LOCAL_BYTES;
    if (memcmp(local, "PK\3\4", 4) != 0)
        return damaged_entry(r, entry, "does not begin where the directory says");
    size_t name_length = read_16(local + 26), extra_length = read_16(local + 28);
    if (name_length + extra_length > rest) return damaged_entry(r, entry, "does not fit the file");
    if (name_length != entry->name_length ||
        memcmp(local + LOCAL_BYTES, entry->name, name_length) != 0) {
        return damaged_entry(r, entry, "has another name where it lies");
    }
    if (read_16(local + 8) != method || (read_16(local + 6) & FLAG_ENCRYPTED))
        return damaged_entry(r, entry, "is packed otherwise than the directory says");
    if (!(flags & FLAG_SIZES_BEHIND)) {
        uint64_t bytes = read_32(local + 22), stored = read_32(local + 18), none = 0;
        uint64_t *const values[3] = {&bytes, &stored, &none};
        if (!read_extra(local + LOCAL_BYTES + name_length, extra_length, values) ||
            bytes != entry->bytes || stored != entry->stored_bytes) {
            return damaged_entry(r, entry, "has another size where it lies");
        }
    }
    if (entry->stored_bytes > rest - name_length - extra_length)
        return damaged_entry(r, entry, "does not fit the file");
    entry->stored = local + LOCAL_BYTES + name_length + extra_length;
    entry->header_offset = (size_t)offset;
    return GLIMPSE_OK;
}

/* The entry at *at of the directory, which moves behind it. */
static int read_entry(reader *r, glimpse_zip_entry *entry, size_t *at) {
    size_t rest = r->directory_end - *at;
    const uint8_t *record = r->data + *at;
    if (rest < DIRECTORY_BYTES || memcmp(record, "PK\1\2", 4) != 0)
        return damaged(r, "whose directory is not one");
    uint32_t flags = read_16(record + 8), method = read_16(record + 10);
    uint64_t stored = read_32(record + 20), bytes = read_32(record + 24);
    size_t name_length = read_16(record + 28), extra_length = read_16(record + 30);
    size_t comment_length = read_16(record + 32);
    uint64_t offset = read_32(record + 42);
    if (name_length + extra_length + comment_length > rest - DIRECTORY_BYTES)
        return damaged(r, "whose directory is cut short");
    *entry = (glimpse_zip_entry){.name = (const char *)record + DIRECTORY_BYTES,
                                 .name_length = name_length,
                                 .crc = read_32(record + 16)};
    uint64_t *const values[3] = {&bytes, &stored, &offset};
    if (!read_extra(record + DIRECTORY_BYTES + name_length, extra_length, values))
        return damaged_entry(r, entry, "has no ZIP64 size");
    *at += DIRECTORY_BYTES + name_length + extra_length + comment_length;
    if (flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED))
        return damaged_entry(r, entry, "is encrypted");
    if (method != 0 && method != 8)
        return damaged_entry(r, entry, "is compressed, and neither stored nor deflated");
    if (method == 0 && stored != bytes)
        return damaged_entry(r, entry, "has two sizes but is not compressed");
    if (stored > r->size) return damaged_entry(r, entry, "does not fit the file");
    entry->deflated = method == 8;
    entry->bytes = (size_t)bytes;
    entry->stored_bytes = (size_t)stored;
    return read_local(r, entry, flags, method, offset);
}

static int by_place(const void *a, const void *b) {
    const glimpse_zip_entry *x = a, *y = b;
    return (x->header_offset > y->header_offset) - (x->header_offset < y->header_offset);
}

static int compare_names(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t shorter = a_length < b_length ? a_length : b_length;
    int order = shorter ? memcmp(a, b, shorter) : 0;
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int by_name(const void *a, const void *b) {
    const glimpse_zip_entry *x = a, *y = b;
    return compare_names(x->name, x->name_length, y->name, y->name_length);
}

static int check_entries(reader *r) {
    glimpse_zip_entry *entries = r->zip->entries;
    size_t count = r->zip->count;
    if (count > 1) qsort(entries, count, sizeof *entries, by_place);
    for (size_t i = 1; i < count; i++) {
        const glimpse_zip_entry *before = &entries[i - 1];
        size_t end = (size_t)(before->stored - r->data) + before->stored_bytes;
        if (entries[i].header_offset < end)
            return damaged_entry(r, &entries[i], "overlaps another one");
    }
    if (count > 1) qsort(entries, count, sizeof *entries, by_name);
    for (size_t i = 1; i < count; i++) {
        if (by_name(&entries[i - 1], &entries[i]) == 0)
            return damaged_entry(r, &entries[i], "is there twice");
    }
    return GLIMPSE_OK;
}

int glimpse_zip_open(glimpse_zip *out, const char *path, const uint8_t *data, size_t size,
                     size_t memory) {
    *out = (glimpse_zip){.path = path, .memory = memory};
    reader r = {.zip = out, .data = data, .size = size};
    int status = find_directory(&r);
    if (status < 0) return status;
    out->entries = calloc(r.count + 1, sizeof *out->entries);
    if (!out->entries) return glimpse_fail_nomem(r.count * sizeof *out->entries, "a directory");
    size_t at = r.directory;
    while (out->count < r.count && status == GLIMPSE_OK) {
        status = read_entry(&r, &out->entries[out->count], &at);
        if (status == GLIMPSE_OK) out->count++;
    }
    if (status == GLIMPSE_OK && at != r.directory_end)
        status = damaged(&r, "whose directory has more than its entries");
    if (status == GLIMPSE_OK) status = check_entries(&r);
    if (status < 0) glimpse_zip_close(out);
    return status;
}

void glimpse_zip_close(glimpse_zip *zip) {
    for (size_t i = 0; i < zip->count; i++)
        free(zip->entries[i].inflated);
    free(zip->entries);
    *zip = (glimpse_zip){.path = NULL};
}

glimpse_zip_entry *glimpse_zip_find(const glimpse_zip *zip, const char *name, size_t length) {
    size_t low = 0, high = zip->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        glimpse_zip_entry *entry = &zip->entries[middle];
        int order = compare_names(entry->name, entry->name_length, name, length);
        if (order == 0) return entry;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static uint32_t sum_of(const uint8_t *data, size_t size) {
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, size);
}

static int wrong_sum(const glimpse_zip *zip, const glimpse_zip_entry *entry) {
    const reader r = {.zip = (glimpse_zip *)(uintptr_t)zip};
    return damaged_entry(&r, entry,
                         "has another checksum than the directory says: the file is damaged; get "
                         "it again");
}

/* Deflated data of any size, though zlib counts in 32 bits. 0 unless it ends exactly at the ends of
 * both. */
static int inflate_all(uint8_t *out, size_t out_bytes, const uint8_t *in, size_t in_bytes) {
    enum { PIECE = 1 << 30 };
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)in, .next_out = out};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return 0;
    int result = Z_OK;
    while (result == Z_OK) {
        if (stream.avail_in == 0) {
            stream.avail_in = (uInt)(in_bytes < PIECE ? in_bytes : PIECE);
            in_bytes -= stream.avail_in;
        }
        if (stream.avail_out == 0) {
            stream.avail_out = (uInt)(out_bytes < PIECE ? out_bytes : PIECE);
            out_bytes -= stream.avail_out;
        }
        result = inflate(&stream, Z_NO_FLUSH);
    }
    size_t left = stream.avail_in + stream.avail_out + in_bytes + out_bytes;
    (void)inflateEnd(&stream);
    return result == Z_STREAM_END && left == 0;
}

int glimpse_zip_read(const uint8_t **data, glimpse_zip *zip, glimpse_zip_entry *entry) {
    *data = entry->deflated ? entry->inflated : entry->stored;
    if (*data) return GLIMPSE_OK;
    if (entry->bytes > zip->memory) {
        char quoted[GLIMPSE_UTF8_QUOTED];
        return glimpse_fail(GLIMPSE_E_LIMIT,
                            "%s: the entry %s of the zip archive has %zu bytes behind %zu "
                            "compressed ones, more than any weights",
                            zip->path, glimpse_utf8_quote(quoted, entry->name, entry->name_length),
                            entry->bytes, entry->stored_bytes);
    }
    uint8_t *inflated = malloc(entry->bytes + 1);
    if (!inflated) return glimpse_fail_nomem(entry->bytes, "an entry of a zip archive");
    if (!inflate_all(inflated, entry->bytes, entry->stored, entry->stored_bytes) ||
        sum_of(inflated, entry->bytes) != entry->crc) {
        free(inflated);
        return wrong_sum(zip, entry);
    }
    zip->memory -= entry->bytes;
    entry->inflated = inflated;
    *data = inflated;
    return GLIMPSE_OK;
}

int glimpse_zip_check_sum(const glimpse_zip *zip, const glimpse_zip_entry *entry) {
    if (entry->deflated || entry->crc == 0) return GLIMPSE_OK; /* checked when it was inflated */
    return sum_of(entry->stored, entry->bytes) == entry->crc ? GLIMPSE_OK : wrong_sum(zip, entry);
}
