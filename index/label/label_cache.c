/*
 * label_cache.c - computed class weights kept on disk.
 *
 * A file per classifier, DIRECTORY/KEY.weights. The key is a hash over everything the weights come
 * from: the model's fingerprint, its precision, E, and every prompt with its place. Layout, in the
 * machine's own byte order (the directory is one machine's cache):
 *
 *     char magic[8]  "GLIMPSEW"     uint32 order 0x01020304    uint32 version
 *     uint64 count                  uint64 width
 *     byte key[16]                  byte checksum[16]  XXH3-128 of what follows
 *     float rows[count][width]
 *
 * A file that is not exactly that, or whose rows are not of unit length, is treated as not there
 * and written anew. Writing goes through a temporary and a rename, so two processes that build the
 * same classifier at once both win.
 */
#include "label_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };
#define BYTE_ORDER_MARK 0x01020304u

typedef struct header {
    char magic[8];
    uint32_t order, version;
    uint64_t count, width;
    uint8_t key[16], checksum[16];
} header;

char *glimpse_classifier_default_cache(void) {
    char *directory = glimpse_user_cache_directory();
    char *path = directory ? glimpse_path_join(directory, "classifiers") : NULL;
    free(directory);
    return path;
}

static void add_number(glimpse_hasher *hasher, uint64_t number) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    glimpse_hasher_update(hasher, bytes, sizeof bytes);
}

static void add_text(glimpse_hasher *hasher, const char *text) {
    add_number(hasher, strlen(text));
    glimpse_hasher_update(hasher, text, strlen(text));
}

glimpse_label_key glimpse_label_cache_key(const glimpse_model *model,
                                          const glimpse_prompts *prompts) {
    glimpse_label_key key = {""};
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return key; /* no key: nothing is found and nothing is written */
    add_text(hasher, "glimpse classifier rows 1");
    add_text(hasher, glimpse_model_fingerprint(model));
    add_number(hasher, (uint64_t)glimpse_model_precision(model));
    add_number(hasher, glimpse_model_embedding_size(model));
    for (size_t i = 0; i < prompts->count; i++) {
        add_number(hasher, prompts->items[i].row);
        add_number(hasher, prompts->items[i].word);
        add_text(hasher, prompts->items[i].text);
    }
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    glimpse_hash_to_hex(&hash, key.hex);
    return key;
}

static char *cache_path(const char *directory, const glimpse_label_key *key) {
    char name[64];
    if (!directory || !key->hex[0]) return NULL;
    (void)snprintf(name, sizeof name, "%s.weights", key->hex);
    return glimpse_path_join(directory, name);
}

static int rows_are_unit(const float *rows, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        double norm = 0;
        for (size_t j = 0; j < width; j++)
            norm += (double)rows[i * width + j] * (double)rows[i * width + j];
        if (!(fabs(norm - 1) < 1e-3)) return 0;
    }
    return 1;
}

int glimpse_label_cache_read(const char *directory, const glimpse_label_key *key, float *rows,
                             size_t count, size_t width) {
    char *path = cache_path(directory, key);
    size_t size = 0, payload = count * width * sizeof *rows;
    void *data = NULL;
    int whole = 0;
    const glimpse_kept_error before = glimpse_error_keep(); /* nothing kept yet is no failure */
    if (path && glimpse_file_read(&data, &size, path, sizeof(header) + payload) == GLIMPSE_OK &&
        size == sizeof(header) + payload) {
        header h;
        glimpse_hash wanted, sum = glimpse_hash_bytes((uint8_t *)data + sizeof h, payload);
        memcpy(&h, data, sizeof h);
        whole = memcmp(h.magic, "GLIMPSEW", 8) == 0 && h.order == BYTE_ORDER_MARK &&
                h.version == VERSION && h.count == count && h.width == width &&
                glimpse_hash_from_hex(&wanted, key->hex) && memcmp(h.key, wanted.bytes, 16) == 0 &&
                memcmp(h.checksum, sum.bytes, 16) == 0;
        if (whole) {
            memcpy(rows, (uint8_t *)data + sizeof h, payload);
            whole = rows_are_unit(rows, count, width);
        }
    }
    glimpse_error_restore(&before);
    free(data);
    free(path);
    return whole;
}

void glimpse_label_cache_write(const char *directory, const glimpse_label_key *key,
                               const float *rows, size_t count, size_t width) {
    char *path = cache_path(directory, key);
    glimpse_new_file file = {0};
    size_t payload = count * width * sizeof *rows;
    header h = {"", BYTE_ORDER_MARK, VERSION, count, width, {0}, {0}};
    const glimpse_kept_error before = glimpse_error_keep(); /* a cache that fails costs only time */
    glimpse_hash name, sum = glimpse_hash_bytes(rows, payload);
    if (path && glimpse_hash_from_hex(&name, key->hex) &&
        glimpse_make_directories(directory) >= 0 && glimpse_new_file_open(&file, path) >= 0) {
        memcpy(h.magic, "GLIMPSEW", 8);
        memcpy(h.key, name.bytes, 16);
        memcpy(h.checksum, sum.bytes, 16);
        if (fwrite(&h, sizeof h, 1, file.stream) == 1 &&
            fwrite(rows, 1, payload, file.stream) == payload) {
            (void)glimpse_new_file_commit(&file);
        }
    }
    glimpse_new_file_abandon(&file);
    glimpse_error_restore(&before);
    free(path);
}
