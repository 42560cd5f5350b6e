/*
 * image/decode/identity_parts.c - what walkers add to an identity.
 */
#include "image/decode/identity.h"

void glimpse_identify_bytes(glimpse_identifier *to, const void *data, size_t size) {
    if (to->failed || size > to->left) {
        to->failed = 1;
        return;
    }
    to->left -= size;
    glimpse_identify_number(to, size);
    glimpse_hasher_update(to->hasher, data, size);
}

void glimpse_identify_number(glimpse_identifier *to, uint64_t number) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    glimpse_hasher_update(to->hasher, bytes, sizeof bytes);
}
