/*
 * image/depth.c - whether deep samples carry more than eight bits.
 */
#include "image/depth.h"

void glimpse_depth_add(glimpse_depth *depth, const uint16_t *samples, size_t count, unsigned bits) {
    const unsigned more = bits - 8;
    depth->bits = bits;
    for (size_t i = 0; i < count && !depth->carries; i++) {
        const unsigned high = samples[i] >> more, low = samples[i] & ((1u << more) - 1);
        depth->carries = low != 0 && low != high >> (8 - more);
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t bytes[2] = {(uint8_t)samples[i], (uint8_t)(samples[i] >> 8)};
        glimpse_hasher_update(depth->hasher, bytes, sizeof bytes);
    }
}
