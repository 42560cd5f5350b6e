/*
 * model/weights_cache.c - keeps prepared weights on disk, and maps them when a model is opened
 * again.
 */
#include "model/weights_cache.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/options.h"
#include "math/init.h"

#include <glimpse/sys/model.h>
#include <glimpse/version.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FORMAT_VERSION = 1, /* also to be raised when the order of a tower's layers changes */
    MAX_ENTRIES = 4096,
    KEY_AT = 24,
    HASH_AT = KEY_AT + GLIMPSE_WEIGHTS_KEY,
    TABLE_AT = HASH_AT + GLIMPSE_HASH_BYTES,
    ENTRY_BYTES = 16 + GLIMPSE_HASH_BYTES,
    ALIGNMENT = 64,
    DEFAULT_MEGABYTES = 4096,
    ABANDONED_SECONDS = 3600
};

static const char magic[8] = {'g', 'l', 'i', 'm', 'p', 's', 'e', 'w'};
static const size_t worth_a_file = 4u << 20;

static uint64_t limit_bytes(void) {
    const char *text = getenv("GLIMPSE_WEIGHTS_CACHE");
    uint64_t megabytes = DEFAULT_MEGABYTES;
    if (text && *text) {
        char *end = NULL;
        megabytes = strtoull(text, &end, 10);
        if (*end) megabytes = strcmp(text, "off") == 0 ? 0 : DEFAULT_MEGABYTES;
        if (megabytes > 1u << 30) megabytes = 1u << 30;
    }
    return megabytes << 20;
}

static char *cache_directory(void) {
    char *cache = glimpse_user_cache_directory();
    char *directory = cache ? glimpse_path_join(cache, "weights") : NULL;
    free(cache);
    return directory;
}

static char *file_path(const char *key, const char *fingerprint, const char *tower) {
    char *directory = cache_directory(), hex[GLIMPSE_HASH_HEX], name[128];
    if (!directory) return NULL;
    glimpse_hash hash = glimpse_hash_bytes(key, strlen(key));
    glimpse_hash_to_hex(&hash, hex);
    (void)snprintf(name, sizeof name, "%.32s-%s-%.8s.weights", fingerprint, tower, hex);
    char *path = glimpse_path_join(directory, name);
    free(directory);
    return path;
}

static uint64_t read_u64(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static size_t data_at(size_t entries) {
    return (TABLE_AT + entries * ENTRY_BYTES + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static glimpse_hash hash_head(const uint8_t *head, size_t bytes) {
    static const uint8_t zeros[GLIMPSE_HASH_BYTES];
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return (glimpse_hash){{0}};
    glimpse_hasher_update(hasher, head, HASH_AT);
    glimpse_hasher_update(hasher, zeros, sizeof zeros);
    glimpse_hasher_update(hasher, head + TABLE_AT, bytes - TABLE_AT);
    return glimpse_hasher_finish(hasher);
}

static int same_hash(const glimpse_hash *hash, const uint8_t *at) {
    return memcmp(hash->bytes, at, GLIMPSE_HASH_BYTES) == 0;
}

/* Fills the prepared weights from the mapping; 0 when anything is not as it should be. */
static int read_entries(glimpse_weights_cache *cache) {
    const uint8_t *data = cache->mapping.data;
    size_t size = cache->mapping.size;
    uint32_t version = 0, count = 0;
    if (size < TABLE_AT || memcmp(data, magic, sizeof magic) != 0) return 0;
    memcpy(&version, data + 8, sizeof version);
    memcpy(&count, data + 12, sizeof count);
    if (version != FORMAT_VERSION || count > MAX_ENTRIES || read_u64(data + 16) != size) return 0;
    if (memcmp(data + KEY_AT, cache->key, GLIMPSE_WEIGHTS_KEY) != 0) return 0;
    size_t head = data_at(count);
    if (head > size) return 0;
    glimpse_hash hash = hash_head(data, head);
    if (!same_hash(&hash, data + HASH_AT)) return 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = data + TABLE_AT + i * ENTRY_BYTES;
        uint64_t offset = read_u64(entry), bytes = read_u64(entry + 8);
        if (offset < head || offset % ALIGNMENT || offset > size || bytes > size - offset) return 0;
        hash = glimpse_hash_bytes(data + offset, (size_t)bytes);
        if (!same_hash(&hash, entry + 16)) return 0;
        if (glimpse_prepared_keep(&cache->prepared, data + offset, (size_t)bytes) < 0) return 0;
    }
    return 1;
}

static void open_cache(glimpse_weights_cache *cache, const char *fingerprint, const char *tower,
                       const glimpse_math *math) {
    *cache = (glimpse_weights_cache){.path = NULL};
    char layout[64];
    if (limit_bytes() == 0) return;
    glimpse_math_layout(layout, sizeof layout, math);
    (void)snprintf(cache->key, sizeof cache->key, "%s %s %s %s glimpse %s", fingerprint, tower,
                   glimpse_precision_names()[math->precision], layout, GLIMPSE_VERSION);
    cache->path = file_path(cache->key, fingerprint, tower);
    if (!cache->path) return;
    cache->prepared.collecting = 1;
    struct stat info;
    if (stat(cache->path, &info) != 0 || !S_ISREG(info.st_mode)) return;
    if (glimpse_file_map(&cache->mapping, cache->path) < 0) return;
    if (read_entries(cache)) {
        cache->prepared.reading = 1;
        cache->prepared.collecting = 0;
        /* What was used last stays longest; once an hour is exact enough. */
        if (time(NULL) - info.st_mtime > ABANDONED_SECONDS) {
            (void)utimensat(AT_FDCWD, cache->path, NULL, 0);
        }
        return;
    }
    glimpse_prepared_release(&cache->prepared);
    glimpse_file_unmap(&cache->mapping);
    cache->prepared.collecting = 1;
}

/* A cache that has nothing, or cannot be written, costs time and is no failure: what it met is not
 * the caller's last error. */
void glimpse_weights_open(glimpse_weights_cache *cache, const char *fingerprint, const char *tower,
                          const glimpse_math *math) {
    const glimpse_kept_error before = glimpse_error_keep();
    open_cache(cache, fingerprint, tower, math);
    glimpse_error_restore(&before);
}

static int write_all(FILE *stream, const glimpse_weights_cache *cache) {
    const glimpse_prepared_weights *prepared = &cache->prepared;
    static const uint8_t padding[ALIGNMENT];
    uint32_t version = FORMAT_VERSION, count = (uint32_t)prepared->count;
    size_t head = data_at(prepared->count);
    uint64_t offset = head;
    uint8_t *bytes = calloc(1, head);
    if (!bytes) return 0;
    for (size_t i = 0; i < prepared->count; i++) {
        uint8_t *entry = bytes + TABLE_AT + i * ENTRY_BYTES;
        uint64_t length = prepared->entries[i].bytes;
        glimpse_hash hash =
            glimpse_hash_bytes(prepared->entries[i].data, prepared->entries[i].bytes);
        memcpy(entry, &offset, sizeof offset);
        memcpy(entry + 8, &length, sizeof length);
        memcpy(entry + 16, hash.bytes, sizeof hash.bytes);
        offset = (offset + length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    memcpy(bytes, magic, sizeof magic);
    memcpy(bytes + 8, &version, sizeof version);
    memcpy(bytes + 12, &count, sizeof count);
    memcpy(bytes + 16, &offset, sizeof offset);
    memcpy(bytes + KEY_AT, cache->key, GLIMPSE_WEIGHTS_KEY);
    glimpse_hash hash = hash_head(bytes, head);
    memcpy(bytes + HASH_AT, hash.bytes, sizeof hash.bytes);
    int good = fwrite(bytes, 1, head, stream) == head;
    free(bytes);
    for (size_t i = 0; i < prepared->count && good; i++) {
        size_t length = prepared->entries[i].bytes,
               rest = (ALIGNMENT - length % ALIGNMENT) % ALIGNMENT;
        good = fwrite(prepared->entries[i].data, 1, length, stream) == length &&
               fwrite(padding, 1, rest, stream) == rest;
    }
    return good;
}

typedef struct kept_file {
    char name[256];
    time_t used;
    uint64_t bytes;
} kept_file;

/* The files of the cache; malloc'ed, NULL when there are none or no memory. Leftovers of writers
 * that were killed go when they are old. */
static kept_file *list_files(const char *directory, size_t *count, uint64_t *total) {
    kept_file *files = NULL;
    size_t capacity = 0;
    *count = 0;
    *total = 0;
    DIR *dir = opendir(directory);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat info;
        const char *mark = strstr(entry->d_name, ".weights");
        if (!mark || fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode)) {
            continue;
        }
        if (strcmp(mark, ".weights") != 0) {
            if (time(NULL) - info.st_mtime > ABANDONED_SECONDS)
                (void)unlinkat(dirfd(dir), entry->d_name, 0);
            continue;
        }
        if (*count == capacity) {
            kept_file *more = realloc(files, (capacity + 16) * sizeof *more);
            if (!more) break;
            files = more;
            capacity += 16;
        }
        kept_file *file = &files[(*count)++];
        (void)snprintf(file->name, sizeof file->name, "%s", entry->d_name);
        file->used = info.st_mtime;
        file->bytes = (uint64_t)info.st_size;
        *total += file->bytes;
    }
    if (dir) (void)closedir(dir);
    return files;
}

static int by_age(const void *a, const void *b) {
    const kept_file *x = a, *y = b;
    return (x->used > y->used) - (x->used < y->used);
}

/* Removes the longest unused files but `kept` until the rest is within the limit. */
static void prune(const char *directory, const char *kept) {
    size_t count = 0;
    uint64_t total = 0, limit = limit_bytes();
    kept_file *files = list_files(directory, &count, &total);
    if (count > 1) qsort(files, count, sizeof *files, by_age);
    for (size_t i = 0; i < count && total > limit; i++) {
        char *path =
            strcmp(files[i].name, kept) != 0 ? glimpse_path_join(directory, files[i].name) : NULL;
        if (path && unlink(path) == 0) total -= files[i].bytes;
        free(path);
    }
    free(files);
}

void glimpse_weights_store(glimpse_weights_cache *cache) {
    const glimpse_prepared_weights *prepared = &cache->prepared;
    uint64_t bytes = 0;
    if (!cache->path || !prepared->collecting || prepared->count > MAX_ENTRIES) return;
    for (size_t i = 0; i < prepared->count; i++)
        bytes += prepared->entries[i].bytes;
    if (bytes < worth_a_file || bytes > limit_bytes()) return;
    const glimpse_kept_error before = glimpse_error_keep();
    char *directory = cache_directory();
    glimpse_new_file file;
    if (directory && glimpse_make_directories(directory) == GLIMPSE_OK &&
        glimpse_new_file_open(&file, cache->path) == GLIMPSE_OK) {
        if (write_all(file.stream, cache)) {
            (void)glimpse_new_file_publish(&file);
            prune(directory, strrchr(cache->path, '/') + 1);
        } else {
            glimpse_new_file_abandon(&file);
        }
    }
    free(directory);
    glimpse_error_restore(&before);
}

void glimpse_weights_close(glimpse_weights_cache *cache) {
    glimpse_prepared_release(&cache->prepared);
    glimpse_file_unmap(&cache->mapping);
    free(cache->path);
    *cache = (glimpse_weights_cache){.path = NULL};
}

int glimpse_weights_cache_load_status(glimpse_weights_cache_status *out) {
    glimpse_weights_cache_status own = GLIMPSE_WEIGHTS_CACHE_STATUS_INIT;
    int status = GLIMPSE_REPORT_CHECK(out, glimpse_weights_cache_status, limit);
    if (status < 0) return status;
    char *directory = cache_directory();
    own.limit = limit_bytes();
    if (directory && strlen(directory) < sizeof own.path) {
        (void)snprintf(own.path, sizeof own.path, "%s", directory);
        free(list_files(directory, &own.files, &own.bytes));
    }
    free(directory);
    GLIMPSE_REPORT_STORE(out, &own);
    return GLIMPSE_OK;
}
