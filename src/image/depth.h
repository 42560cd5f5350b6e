/*
 * image/depth.h - what the samples of a picture carry beyond eight bits. Decoders of formats with
 * more bits add their samples, as stored, where glimpse_source.depth asks for them.
 */
#ifndef GLIMPSE_IMAGE_DEPTH_H
#define GLIMPSE_IMAGE_DEPTH_H

#include "core/hash.h"

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_depth {
    unsigned bits;          /* of a sample; 0: no more than eight */
    int carries;            /* some sample is not one of eight bits that was only made wider */
    glimpse_hasher *hasher; /* of the samples, the low byte first */
} glimpse_depth;

/* `count` samples of `bits` bits (9 to 16) each. */
void glimpse_depth_add(glimpse_depth *depth, const uint16_t *samples, size_t count, unsigned bits);

/* `bits` 0 when the picture has no more than eight, or they carry nothing. Decodes the picture.
 * GLIMPSE_E_NOMEM, or what decoding says. `max_pixels` 0: GLIMPSE_DEFAULT_MAX_PIXELS. */
int glimpse_image_depth(unsigned *bits, glimpse_hash *samples, const void *data, size_t size,
                        uint64_t max_pixels);

#endif
