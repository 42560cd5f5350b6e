/*
 * string_pool.c - chunks of memory, filled from the front.
 */
#include "string_pool.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 16384 };

struct glimpse_strings_chunk {
    struct glimpse_strings_chunk *next;
    size_t used, size;
    char bytes[];
};

const char *glimpse_strings_add(glimpse_strings *strings, const void *bytes, size_t size) {
    struct glimpse_strings_chunk *chunk = strings->chunks;
    if (!chunk || chunk->size - chunk->used <= size) {
        size_t capacity = size < CHUNK_BYTES ? CHUNK_BYTES : size + 1;
        chunk = malloc(sizeof *chunk + capacity);
        if (!chunk) return NULL;
        chunk->next = strings->chunks;
        chunk->used = 0;
        chunk->size = capacity;
        strings->chunks = chunk;
    }
    char *copy = chunk->bytes + chunk->used;
    if (size > 0) memcpy(copy, bytes, size);
    copy[size] = '\0';
    chunk->used += size + 1;
    return copy;
}

void glimpse_strings_free(glimpse_strings *strings) {
    while (strings->chunks) {
        struct glimpse_strings_chunk *next = strings->chunks->next;
        free(strings->chunks);
        strings->chunks = next;
    }
}
