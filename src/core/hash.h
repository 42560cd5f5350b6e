/*
 * core/hash.h - content identity: XXH3, 128 bits (libxxhash), of the bytes of a file.
 *
 * Chosen for speed: hashing must not be what an ingest waits for. 128 bits make an accidental
 * collision impossible in practice (10^9 files: about 10^-21); it is not cryptographic, so
 * whoever acts on "same bytes" in a way that cannot be undone compares the bytes as well.
 */
#ifndef GLIMPSE_CORE_HASH_H
#define GLIMPSE_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { GLIMPSE_HASH_BYTES = 16, GLIMPSE_HASH_HEX = 33 };

typedef struct glimpse_hash {
    uint8_t bytes[GLIMPSE_HASH_BYTES]; /* canonical (big-endian) order */
} glimpse_hash;

glimpse_hash glimpse_hash_bytes(const void *data, size_t size);

/* Streaming: create, update any number of times, finish (which frees). NULL when out of memory. */
typedef struct glimpse_hasher glimpse_hasher;
glimpse_hasher *glimpse_hasher_create(void);
void glimpse_hasher_update(glimpse_hasher *hasher, const void *data, size_t size);
glimpse_hash glimpse_hasher_finish(glimpse_hasher *hasher);

/* 32 lower-case digits and a NUL into `hex` [GLIMPSE_HASH_HEX]. */
void glimpse_hash_to_hex(const glimpse_hash *hash, char *hex);
/* 1 when `hex` is exactly 32 hexadecimal digits. */
int glimpse_hash_from_hex(glimpse_hash *hash, const char *hex);

#endif
