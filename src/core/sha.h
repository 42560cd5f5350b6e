/*
 * core/sha.h - SHA-256 and SHA-1 (FIPS 180-4) of bytes that come piece by piece: for what others
 * name by these digests. For content of our own there is core/hash.h, which is far faster.
 *
 *     glimpse_sha sha;
 *     glimpse_sha_begin(&sha, GLIMPSE_SHA256);
 *     glimpse_sha_update(&sha, data, size);
 *     char hex[GLIMPSE_SHA_HEX];
 *     glimpse_sha_finish(&sha, hex);
 *
 * SHA-1 is broken where somebody chooses both texts; it is here because git names files so.
 */
#ifndef GLIMPSE_CORE_SHA_H
#define GLIMPSE_CORE_SHA_H

#include <stddef.h>
#include <stdint.h>

typedef enum glimpse_sha_kind { GLIMPSE_SHA1, GLIMPSE_SHA256 } glimpse_sha_kind;

enum { GLIMPSE_SHA_HEX = 65 }; /* 64 digits, of SHA-1 40, and a NUL */

typedef struct glimpse_sha {
    glimpse_sha_kind kind;
    uint32_t state[8];
    uint64_t size; /* bytes so far */
    uint8_t block[64];
} glimpse_sha;

void glimpse_sha_begin(glimpse_sha *sha, glimpse_sha_kind kind);
void glimpse_sha_update(glimpse_sha *sha, const void *data, size_t size);
/* Lower-case digits. */
void glimpse_sha_finish(glimpse_sha *sha, char hex[GLIMPSE_SHA_HEX]);

/* Blocks of 64 bytes into the state of SHA-256, in plain C: what the instructions are compared
 * with. */
void glimpse_sha256_plain(uint32_t state[8], const uint8_t *data, size_t blocks);

#endif
