/*
 * vectors_file.c - a vector index on disk; vectors.h draws the format.
 *
 * Loading reads the payload twice: once to check its hash, once for FAISS, whose reader trusts what
 * it reads. The second time comes from the page cache.
 */
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "vectors_private.h"

#include <errno.h>
#include <faiss/c_api/index_io_c.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_BYTES = 128, CHECKED_BYTES = 112, FORMAT_VERSION = 1, READ_BYTES = 1 << 20 };

static const char magic[8] = {'g', 'l', 'i', 'm', 'p', 's', 'e', 'v'};

typedef struct header {
    uint32_t dim;
    char fingerprint[33];
    uint64_t generation, digest, count, last_row, payload_bytes;
    glimpse_hash payload_hash;
} header;

static void write_le(uint8_t *bytes, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void encode_header(uint8_t bytes[HEADER_BYTES], const header *h) {
    memset(bytes, 0, HEADER_BYTES);
    memcpy(bytes, magic, sizeof magic);
    write_le(bytes + 8, FORMAT_VERSION, 4);
    write_le(bytes + 12, h->dim, 4);
    memcpy(bytes + 16, h->fingerprint, 32);
    write_le(bytes + 48, h->generation, 8);
    write_le(bytes + 56, h->digest, 8);
    write_le(bytes + 64, h->count, 8);
    write_le(bytes + 72, h->last_row, 8);
    write_le(bytes + 80, h->payload_bytes, 8);
    memcpy(bytes + 88, h->payload_hash.bytes, GLIMPSE_HASH_BYTES);
    glimpse_hash own = glimpse_hash_bytes(bytes, CHECKED_BYTES);
    memcpy(bytes + CHECKED_BYTES, own.bytes, GLIMPSE_HASH_BYTES);
}

/* NULL when the header is sound, else what is wrong with it. */
static const char *decode_header(header *h, const uint8_t bytes[HEADER_BYTES], uint64_t file_size) {
    if (memcmp(bytes, magic, sizeof magic) != 0) return "it is not a vector file";
    if (get(bytes + 8, 4) != FORMAT_VERSION) return "its format version is another";
    glimpse_hash own = glimpse_hash_bytes(bytes, CHECKED_BYTES);
    if (memcmp(bytes + CHECKED_BYTES, own.bytes, GLIMPSE_HASH_BYTES) != 0) {
        return "its header does not match its checksum";
    }
    h->dim = (uint32_t)get(bytes + 12, 4);
    memcpy(h->fingerprint, bytes + 16, 32);
    h->fingerprint[32] = '\0';
    h->generation = get(bytes + 48, 8);
    h->digest = get(bytes + 56, 8);
    h->count = get(bytes + 64, 8);
    h->last_row = get(bytes + 72, 8);
    h->payload_bytes = get(bytes + 80, 8);
    memcpy(h->payload_hash.bytes, bytes + 88, GLIMPSE_HASH_BYTES);
    if (file_size != HEADER_BYTES + h->payload_bytes) return "it was cut short or made longer";
    return NULL;
}

/* Hashes what follows the header, from the file's beginning. GLIMPSE_OK, or a status. */
static int hash_payload(glimpse_hash *out, uint64_t *size, int fd, const char *path) {
    glimpse_hasher *hasher = glimpse_hasher_create();
    uint8_t *buffer = malloc(READ_BYTES);
    int status = GLIMPSE_OK;
    off_t offset = HEADER_BYTES;
    *size = 0;
    if (!hasher || !buffer) {
        status = glimpse_fail_nomem(READ_BYTES, "a read buffer");
    }
    while (status == GLIMPSE_OK) {
        ssize_t got = pread(fd, buffer, READ_BYTES, offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) status = glimpse_fail_errno("%s: cannot read", path);
        if (got <= 0) break;
        glimpse_hasher_update(hasher, buffer, (size_t)got);
        offset += got;
        *size += (uint64_t)got;
    }
    if (hasher) *out = glimpse_hasher_finish(hasher);
    free(buffer);
    return status;
}

int glimpse_vectors_save(const glimpse_vectors *vectors, const char *path,
                         const char *fingerprint) {
    glimpse_new_file file;
    uint8_t bytes[HEADER_BYTES] = {0};
    header h = {.dim = (uint32_t)vectors->dim,
                .generation = glimpse_vectors_generation(vectors),
                .digest = vectors->digest,
                .count = vectors->count,
                .last_row = (uint64_t)vectors->last_row};
    (void)snprintf(h.fingerprint, sizeof h.fingerprint, "%s", fingerprint);
    int status = glimpse_new_file_open(&file, path);
    if (status < 0) return status;
    if (fwrite(bytes, 1, sizeof bytes, file.stream) != sizeof bytes) {
        status = glimpse_new_file_fail(&file);
    } else if (faiss_write_index(vectors->index, file.stream) != 0) {
        status = ferror(file.stream) ? glimpse_new_file_fail(&file) : glimpse_faiss_fail(path);
    } else if (fflush(file.stream) != 0 || ferror(file.stream)) {
        status = glimpse_new_file_fail(&file);
    }
    if (status == GLIMPSE_OK) {
        status = hash_payload(&h.payload_hash, &h.payload_bytes, fileno(file.stream), path);
    }
    if (status == GLIMPSE_OK) {
        encode_header(bytes, &h);
        if (fseeko(file.stream, 0, SEEK_SET) != 0 ||
            fwrite(bytes, 1, sizeof bytes, file.stream) != sizeof bytes) {
            status = glimpse_new_file_fail(&file);
        }
    }
    if (status == GLIMPSE_OK) return glimpse_new_file_commit(&file);
    glimpse_new_file_abandon(&file);
    return status;
}

/* Opens the file and reads its header; *stream is NULL unless it is sound. */
static int open_file(FILE **stream, header *h, const char *path, glimpse_vectors_state *state,
                     const char **problem) {
    *stream = NULL;
    *problem = NULL;
    *state = GLIMPSE_VECTORS_MISSING;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return GLIMPSE_OK;
    if (fd < 0) return glimpse_fail_errno("%s: cannot open", path);
    *state = GLIMPSE_VECTORS_DAMAGED;
    struct stat info;
    uint8_t bytes[HEADER_BYTES];
    int status = GLIMPSE_OK;
    if (fstat(fd, &info) != 0) {
        status = glimpse_fail_errno("%s: cannot stat", path);
    } else if (!S_ISREG(info.st_mode)) {
        *problem = "it is not a regular file";
    } else {
        ssize_t got = pread(fd, bytes, sizeof bytes, 0);
        if (got < 0) {
            status = glimpse_fail_errno("%s: cannot read", path);
        } else if (got != HEADER_BYTES) {
            *problem = "it is too short";
        } else {
            *problem = decode_header(h, bytes, (uint64_t)info.st_size);
        }
    }
    if (status == GLIMPSE_OK && !*problem) {
        *stream = fdopen(fd, "rb");
        if (*stream) {
            *state = GLIMPSE_VECTORS_OK;
            return GLIMPSE_OK;
        }
        status = glimpse_fail_errno("%s: cannot open", path);
    }
    (void)close(fd);
    return status;
}

int glimpse_vectors_load(glimpse_vectors **out, const char *path, const char *fingerprint,
                         size_t dim, glimpse_vectors_state *state, char *problem,
                         size_t problem_size) {
    FILE *stream = NULL;
    header h = {0};
    const char *wrong = NULL;
    glimpse_vectors *vectors = NULL;
    FaissIndex *index = NULL;
    *out = NULL;
    if (problem_size > 0) problem[0] = '\0';
    int status = open_file(&stream, &h, path, state, &wrong);
    if (status < 0 || !stream) goto done;
    if (strcmp(h.fingerprint, fingerprint) != 0 || h.dim != dim) {
        wrong = "it belongs to another model";
        goto done;
    }
    glimpse_hash hash = {{0}};
    uint64_t size = 0;
    status = hash_payload(&hash, &size, fileno(stream), path);
    if (status < 0) goto done;
    if (size != h.payload_bytes ||
        memcmp(hash.bytes, h.payload_hash.bytes, GLIMPSE_HASH_BYTES) != 0) {
        wrong = "its vectors do not match their checksum";
        goto done;
    }
    if (fseeko(stream, HEADER_BYTES, SEEK_SET) != 0) {
        status = glimpse_fail_errno("%s: cannot read", path);
        goto done;
    }
    status = glimpse_vectors_allocate(&vectors, dim);
    if (status < 0) goto done;
    if (faiss_read_index(stream, 0, &index) != 0) {
        status = glimpse_faiss_fail(path);
        /* As written, but by a FAISS that this one does not understand. */
        if (status != GLIMPSE_E_NOMEM) status = GLIMPSE_OK, wrong = "FAISS cannot read it";
        goto done;
    }
    if (glimpse_vectors_adopt(vectors, index) < 0 || vectors->count != h.count) {
        wrong = "it holds an index of another kind";
        goto done;
    }
    glimpse_vectors_set_generation(vectors, h.generation);
    vectors->digest = h.digest;
    vectors->last_row = (int64_t)h.last_row;
    *out = vectors;
    vectors = NULL;
done:
    if (stream) (void)fclose(stream);
    glimpse_vectors_release(vectors);
    if (wrong) {
        *state = GLIMPSE_VECTORS_DAMAGED;
        if (problem_size > 0) (void)snprintf(problem, problem_size, "%s: %s", path, wrong);
    }
    return status;
}

int glimpse_vectors_peek(const char *path, const glimpse_model_info *model,
                         glimpse_vectors_state *state, int *current) {
    FILE *stream = NULL;
    header h = {0};
    const char *wrong = NULL;
    *current = 0;
    int status = open_file(&stream, &h, path, state, &wrong);
    if (stream) {
        (void)fclose(stream);
        if (strcmp(h.fingerprint, model->fingerprint) != 0 || h.dim != model->dim) {
            *state = GLIMPSE_VECTORS_DAMAGED;
        }
        *current =
            *state == GLIMPSE_VECTORS_OK && h.digest == model->digest && h.count == model->embedded;
    }
    return status;
}
