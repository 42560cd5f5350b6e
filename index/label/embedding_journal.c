/*
 * index/label/embedding_journal.c - the file that keeps embeddings while pictures are labelled: one
 * header, then records with checksums.
 *
 *     header  "glimpse journal 1 FINGERPRINT PRECISION E", with " reduced SIDE" behind it unless
 *             every pixel was decoded; a newline, and spaces to HEADER bytes
 *     record  uint32 path bytes   uint32 width   uint32 height   uint32 0
 *             uint64 file size    int64 mtime in ns
 *             path   float embedding[E]   uint64 checksum of all of the record before it
 *
 * in the machine's own byte order. In memory there is only a table from the hash of a path to the
 * place of its last record.
 */
#include "embedding_journal.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 128, MAX_PATH = 1 << 16 };

typedef struct fixed_part {
    uint32_t path_bytes, width, height, zero;
    uint64_t bytes;
    int64_t mtime_ns;
} fixed_part;

typedef struct slot {
    uint64_t hash; /* 0: empty */
    int64_t place;
} slot;

struct glimpse_embedding_journal {
    int fd;
    char *name;
    size_t width; /* E */
    int64_t end;
    slot *slots; /* [capacity], a power of two */
    size_t capacity, used, found;
    uint8_t *record; /* holds the longest */
};

/* FNV-1a, 64 bits, mixed at the end: it guards against torn writes, not against an enemy. */
static uint64_t hash_of(const void *data, size_t size) {
    const uint8_t *bytes = data;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    hash ^= hash >> 32;
    return hash ? hash : 1;
}

static size_t record_size(const glimpse_embedding_journal *j, size_t path_bytes) {
    return sizeof(fixed_part) + path_bytes + j->width * sizeof(float) + sizeof(uint64_t);
}

static slot *find_slot(const glimpse_embedding_journal *j, uint64_t hash) {
    size_t i = (size_t)hash & (j->capacity - 1);
    while (j->slots[i].hash != 0 && j->slots[i].hash != hash)
        i = (i + 1) & (j->capacity - 1);
    return &j->slots[i];
}

/* A path whose hash another path has takes its place: that one is embedded again, no more. */
static int remember(glimpse_embedding_journal *j, uint64_t hash, int64_t place) {
    if (2 * (j->used + 1) > j->capacity) {
        size_t old = j->capacity, capacity = old ? 2 * old : 1024;
        slot *slots = j->slots;
        slot *larger = calloc(capacity, sizeof *larger);
        if (!larger) return glimpse_fail_nomem(capacity * sizeof *larger, "a journal");
        j->slots = larger;
        j->capacity = capacity;
        for (size_t i = 0; i < old; i++) {
            if (slots[i].hash) *find_slot(j, slots[i].hash) = slots[i];
        }
        free(slots);
    }
    slot *s = find_slot(j, hash);
    if (!s->hash) j->used++;
    *s = (slot){hash, place};
    return GLIMPSE_OK;
}

static int read_at(const glimpse_embedding_journal *j, void *to, size_t size, int64_t place) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(j->fd, (uint8_t *)to + done, size - done, place + (int64_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return 0;
        done += (size_t)got;
    }
    return 1;
}

static int write_at(const glimpse_embedding_journal *j, const void *from, size_t size,
                    int64_t place) {
    size_t done = 0;
    while (done < size) {
        ssize_t written =
            pwrite(j->fd, (const uint8_t *)from + done, size - done, place + (int64_t)done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return 0;
        done += (size_t)written;
    }
    return 1;
}

/* Reads the record at `place` into j->record; its size, or 0 when it is not whole. */
static size_t read_record(glimpse_embedding_journal *j, int64_t place) {
    fixed_part fixed;
    uint64_t sum;
    if (!read_at(j, &fixed, sizeof fixed, place)) return 0;
    if (fixed.path_bytes == 0 || fixed.path_bytes > MAX_PATH || fixed.zero != 0) return 0;
    size_t size = record_size(j, fixed.path_bytes);
    if (!read_at(j, j->record, size, place)) return 0;
    memcpy(&sum, j->record + size - sizeof sum, sizeof sum);
    return sum == hash_of(j->record, size - sizeof sum) ? size : 0;
}

static const char *precision_name(glimpse_precision precision) {
    switch (precision) {
    case GLIMPSE_PRECISION_BF16: return "bf16";
    case GLIMPSE_PRECISION_INT8: return "int8";
    default: return "f32";
    }
}

static void make_header(char *header, const glimpse_model *model, uint32_t short_side) {
    char rule[32] = "";
    memset(header, ' ', HEADER);
    if (short_side > 0) (void)snprintf(rule, sizeof rule, " reduced %" PRIu32, short_side);
    int length = snprintf(
        header, HEADER, "glimpse journal 1 %s %s %zu%s", glimpse_model_fingerprint(model),
        precision_name(glimpse_model_precision(model)), glimpse_model_embedding_size(model), rule);
    if (length > 0 && length < HEADER) header[length] = '\n';
    header[HEADER - 1] = '\n';
}

/* Says in which of the two ways the journal differs. */
static int refuse(const glimpse_embedding_journal *j, const char *found, const glimpse_model *model,
                  uint32_t short_side) {
    char other[HEADER + 1] = "";
    int is_reduced = strstr(found, " reduced ") != NULL;
    make_header(other, model, 0);
    size_t length = strcspn(other, "\n");
    if (strncmp(found, other, length) == 0 && strchr("\n ", found[length]) &&
        (short_side == 0 || !is_reduced)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s: made from %s pictures, and this run decodes them %s; decode as "
                            "before or choose another file",
                            j->name, is_reduced ? "reduced" : "exactly decoded",
                            short_side > 0 ? "reduced" : "exactly");
    }
    return glimpse_fail(GLIMPSE_E_INVALID,
                        "%s: made with another model or precision; choose another file", j->name);
}

static int start(glimpse_embedding_journal *j, const glimpse_model *model, uint32_t short_side) {
    char expected[HEADER], found[HEADER + 1] = "";
    struct stat info;
    int status = GLIMPSE_OK;
    make_header(expected, model, short_side);
    if (fstat(j->fd, &info) != 0) return glimpse_fail_errno("%s", j->name);
    if (info.st_size == 0) {
        if (!write_at(j, expected, HEADER, 0)) return glimpse_fail_errno("%s", j->name);
        j->end = HEADER;
        return GLIMPSE_OK;
    }
    if (!read_at(j, found, HEADER, 0) || memcmp(found, "glimpse journal ", 16) != 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: not a journal of embeddings; choose another file", j->name);
    }
    if (memcmp(found, expected, HEADER) != 0) return refuse(j, found, model, short_side);
    j->end = HEADER;
    for (size_t size; status == GLIMPSE_OK && (size = read_record(j, j->end)) > 0;
         j->end += (int64_t)size) {
        fixed_part fixed;
        memcpy(&fixed, j->record, sizeof fixed);
        status = remember(j, hash_of(j->record + sizeof fixed, fixed.path_bytes), j->end);
    }
    j->found = j->used;
    if (status == GLIMPSE_OK && j->end < info.st_size && ftruncate(j->fd, j->end) != 0) {
        return glimpse_fail_errno("%s", j->name);
    }
    return status;
}

int glimpse_embedding_journal_open(glimpse_embedding_journal **out, const char *path,
                                   const glimpse_model *model, uint32_t short_side) {
    *out = NULL;
    glimpse_embedding_journal *j = calloc(1, sizeof *j);
    if (!j) return glimpse_fail_nomem(sizeof *j, "a journal");
    int status = GLIMPSE_OK;
    j->fd = -1;
    j->name = strdup(path);
    j->width = glimpse_model_embedding_size(model);
    j->record = malloc(record_size(j, MAX_PATH));
    if (!j->name || !j->record) {
        status = glimpse_fail_nomem(record_size(j, MAX_PATH), "a journal");
        goto done;
    }
    j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (j->fd < 0) {
        status = glimpse_fail_errno("%s", path);
    } else if (flock(j->fd, LOCK_EX | LOCK_NB) != 0) {
        status = glimpse_fail(GLIMPSE_E_BUSY, "%s: another glimpse is using it", path);
    } else {
        status = start(j, model, short_side);
    }
done:
    if (status < 0) {
        glimpse_embedding_journal_close(j);
        return status;
    }
    *out = j;
    return GLIMPSE_OK;
}

/* What identifies the file as it is now; 0 when it cannot be told. */
static int stamp(const char *path, fixed_part *out) {
    struct stat info;
    size_t length = strlen(path);
    if (length == 0 || length > MAX_PATH || stat(path, &info) != 0) return 0;
    *out = (fixed_part){.path_bytes = (uint32_t)length,
                        .bytes = (uint64_t)info.st_size,
                        .mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 +
                                    (int64_t)info.st_mtim.tv_nsec};
    return 1;
}

int glimpse_embedding_journal_find(float *embedding, glimpse_stored_file *file,
                                   glimpse_embedding_journal *j, const char *path) {
    fixed_part now, then;
    if (!j || j->capacity == 0 || !stamp(path, &now)) return 0;
    const slot *s = find_slot(j, hash_of(path, now.path_bytes));
    if (!s->hash || read_record(j, s->place) == 0) return 0;
    memcpy(&then, j->record, sizeof then);
    if (then.path_bytes != now.path_bytes || then.bytes != now.bytes ||
        then.mtime_ns != now.mtime_ns ||
        memcmp(j->record + sizeof then, path, now.path_bytes) != 0) {
        return 0;
    }
    memcpy(embedding, j->record + sizeof then + then.path_bytes, j->width * sizeof *embedding);
    *file = (glimpse_stored_file){"", then.width, then.height, then.bytes};
    return 1;
}

int glimpse_embedding_journal_add(glimpse_embedding_journal *j, const char *path,
                                  const float *embedding, const glimpse_stored_file *file) {
    fixed_part fixed;
    if (!j || !stamp(path, &fixed)) return GLIMPSE_OK; /* gone meanwhile: nothing to remember */
    fixed.width = file->width;
    fixed.height = file->height;
    size_t size = record_size(j, fixed.path_bytes);
    uint8_t *to = j->record;
    memcpy(to, &fixed, sizeof fixed);
    memcpy(to + sizeof fixed, path, fixed.path_bytes);
    memcpy(to + sizeof fixed + fixed.path_bytes, embedding, j->width * sizeof *embedding);
    uint64_t sum = hash_of(to, size - sizeof sum);
    memcpy(to + size - sizeof sum, &sum, sizeof sum);
    if (!write_at(j, to, size, j->end)) return glimpse_fail_errno("%s", j->name);
    int status = remember(j, hash_of(path, fixed.path_bytes), j->end);
    j->end += (int64_t)size;
    return status;
}

size_t glimpse_embedding_journal_count(const glimpse_embedding_journal *j) {
    return j ? j->found : 0;
}

void glimpse_embedding_journal_close(glimpse_embedding_journal *j) {
    if (!j) return;
    if (j->fd >= 0) (void)close(j->fd);
    free(j->name);
    free(j->slots);
    free(j->record);
    free(j);
}
