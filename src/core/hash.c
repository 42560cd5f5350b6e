/*
 * core/hash.c - XXH3-128 through libxxhash.
 */
#include "core/hash.h"
#include "core/hex.h"

#include <string.h>
#include <xxhash.h>

static glimpse_hash from_xxh(XXH128_hash_t value) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, value);
    glimpse_hash hash;
    memcpy(hash.bytes, canonical.digest, sizeof hash.bytes);
    return hash;
}

glimpse_hash glimpse_hash_bytes(const void *data, size_t size) {
    return from_xxh(XXH3_128bits(data, size));
}

struct glimpse_hasher; /* an XXH3_state_t by another name */

glimpse_hasher *glimpse_hasher_create(void) {
    XXH3_state_t *state = XXH3_createState();
    if (state) (void)XXH3_128bits_reset(state);
    return (glimpse_hasher *)state;
}

void glimpse_hasher_update(glimpse_hasher *hasher, const void *data, size_t size) {
    (void)XXH3_128bits_update((XXH3_state_t *)hasher, data, size);
}

glimpse_hash glimpse_hasher_finish(glimpse_hasher *hasher) {
    glimpse_hash hash = from_xxh(XXH3_128bits_digest((XXH3_state_t *)hasher));
    (void)XXH3_freeState((XXH3_state_t *)hasher);
    return hash;
}

void glimpse_hash_to_hex(const glimpse_hash *hash, char *hex) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < GLIMPSE_HASH_BYTES; i++) {
        hex[2 * i] = digits[hash->bytes[i] >> 4];
        hex[2 * i + 1] = digits[hash->bytes[i] & 15];
    }
    hex[2 * (size_t)GLIMPSE_HASH_BYTES] = '\0';
}

int glimpse_hash_from_hex(glimpse_hash *hash, const char *hex) {
    for (size_t i = 0; i < GLIMPSE_HASH_BYTES; i++) {
        int high = glimpse_hex_digit(hex[2 * i]);
        int low = high < 0 ? -1 : glimpse_hex_digit(hex[2 * i + 1]);
        if (low < 0) return 0;
        hash->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return hex[2 * (size_t)GLIMPSE_HASH_BYTES] == '\0';
}
