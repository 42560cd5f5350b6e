/*
 * image/picture.h - the insides of an image, for the files of src/image that make or read pixels.
 *
 * glimpse_picture_reserve() and glimpse_picture_adopt() are the places where sizes are checked and
 * pixel memory is taken. Messages of failures do not name the file: glimpse_image_decode() puts
 * the name in front of them.
 */
#ifndef GLIMPSE_IMAGE_PICTURE_H
#define GLIMPSE_IMAGE_PICTURE_H

#include "core/hash.h"
#include "image/resize.h"

#include <glimpse/sys/image.h>

#include <stddef.h>
#include <stdint.h>

/* No side of a picture may be longer: keeps every later product of two sides or of a side and a
 * pixel size far from 64-bit overflow, and no real picture is near it. */
#define GLIMPSE_MAX_SIDE UINT32_C(0x3fffffff)

typedef struct glimpse_source {
    const uint8_t *data;
    size_t size;
    uint64_t max_pixels;
    uint32_t short_side;         /* see glimpse_decode_options */
    int composite;               /* not 0: decoders say what is transparent */
    glimpse_ground ground;       /* what then is done about it */
    uint32_t page;               /* of a TIFF, from 0 */
    struct glimpse_depth *depth; /* not NULL: it is wanted, and pixels are not */
} glimpse_source;

struct glimpse_image {
    uint32_t width, height;
    uint8_t *pixels; /* [height][width][3] */
    /* Of the picture in the file: a decoder that reduces sets them after reserving. Turned together
     * with the pixels. */
    uint32_t whole_width, whole_height;
    glimpse_axis across, down; /* what of the pixels the picture covers; likewise */
    glimpse_image_meta meta;
    /* While decoding with `composite`, and afterwards with GLIMPSE_GROUND_KEEP: [height][width]
     * opacities, 0 to 255; NULL: all opaque. Turned together with the pixels. */
    uint8_t *alpha;
    int was_transparent;     /* composited */
    int stated_orientation;  /* by the metadata; decoders whose formats are turned by it heed it */
    int pending_orientation; /* while decoding: EXIF orientation still to be applied, 1 when none */
};

/* Checks width x height against the limit of `source` and takes zeroed pixel memory. May be
 * called once per picture. GLIMPSE_E_FORMAT for an empty side, GLIMPSE_E_LIMIT, GLIMPSE_E_NOMEM. */
int glimpse_picture_reserve(glimpse_image *picture, const glimpse_source *source, uint64_t width,
                            uint64_t height);

/* The check alone, for decoders whose library takes memory before pixels can be reserved. */
int glimpse_picture_check_size(const glimpse_source *source, uint64_t width, uint64_t height);

/* After reserving, for a source with `composite`: picture->alpha, zeroed. */
int glimpse_picture_reserve_alpha(glimpse_image *picture);

/* Splits `count` pixels of R,G,B,A into the picture's pixels and alpha, from pixel `at` on. */
void glimpse_picture_split(glimpse_image *picture, size_t at, const uint8_t *rgba, size_t count);

/* For formats whose writers declare opacities and leave them at 0: releases alpha when no pixel has
 * any, so that the picture is opaque. */
void glimpse_picture_drop_unused_alpha(glimpse_image *picture);

/* The identity of a picture that was just decoded with `composite`, before it is laid over
 * anything. GLIMPSE_E_NOMEM is its only failure. */
int glimpse_picture_identify(glimpse_hash *identity, const glimpse_image *picture);

/* Lays the pixels over the ground where they are transparent, and releases alpha; KEEP leaves both,
 * unless all is opaque. */
void glimpse_picture_lay(glimpse_image *picture, glimpse_ground ground);

/* Instead of reserving: `pixels`, width * height * 3 bytes from malloc(), becomes the picture's.
 * The size is checked already. */
void glimpse_picture_adopt(glimpse_image *picture, uint8_t *pixels, uint32_t width,
                           uint32_t height);

/* 1, 2, 4 or 8: how far a picture of this size may be reduced for `source`. Sizes are rounded up
 * after the division, as libjpeg does. */
unsigned glimpse_picture_reduction(const glimpse_source *source, uint32_t width, uint32_t height);
static inline uint32_t glimpse_reduced(uint32_t size, unsigned by) {
    return (size + (by - 1)) / by;
}

/* Lays the pixels over squares of two greys: GLIMPSE_GROUND_CHECKERED. `mean`: of what is seen, 0
 * to 255. */
void glimpse_picture_checker(glimpse_image *picture, double mean);

/* Applies EXIF orientation 2..8 to the pixels; GLIMPSE_E_NOMEM is its only failure. Needs a second
 * buffer of the picture's size for 5..8. */
int glimpse_picture_orient(glimpse_image *picture, int orientation);

/* Puts the stored rows first .. first+count-1 of a picture of width x height where orientation
 * 2..8 wants them in the upright picture `to`, whose sides are swapped for 5..8. Bands of
 * GLIMPSE_ORIENT_BAND rows keep both sides of the copy in the cache. */
enum { GLIMPSE_ORIENT_BAND = 64 };
void glimpse_orient_rows(uint8_t *to, const uint8_t *rows, size_t width, size_t height,
                         size_t first, size_t count, int orientation);

#endif
