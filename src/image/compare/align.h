/*
 * image/compare/align.h - finding the affine warp between two thumbnails. Private to this
 * directory.
 */
#ifndef GLIMPSE_IMAGE_COMPARE_ALIGN_H
#define GLIMPSE_IMAGE_COMPARE_ALIGN_H

#include <glimpse/sys/fingerprint.h>

/* Side lengths of the pyramid, coarse to fine. */
enum { GLIMPSE_LEVELS = 3, GLIMPSE_COARSEST = 32 };

/* One thumbnail at one size: grey values, their derivatives per pixel, and the part that counts. */
typedef struct glimpse_plane {
    int side;
    const float *grey, *dx, *dy; /* [side][side]; derivatives NULL where not needed */
    glimpse_window content;
} glimpse_plane;

enum { GLIMPSE_PYRAMID_FLOATS = 32 * 32 + 64 * 64 + 128 * 128 };
typedef struct glimpse_pyramid {
    float grey[GLIMPSE_PYRAMID_FLOATS], dx[GLIMPSE_PYRAMID_FLOATS], dy[GLIMPSE_PYRAMID_FLOATS];
    glimpse_plane level[GLIMPSE_LEVELS];
} glimpse_pyramid;

void glimpse_pyramid_make(glimpse_pyramid *pyramid, const glimpse_thumb *thumb);

/* `fixed` sampled where the pixels of `moving` are: values [side][side], and seen [side][side]: 1
 * where both have content. Returns how many are seen. */
size_t glimpse_plane_sample(const glimpse_plane *fixed, const glimpse_plane *moving,
                            const glimpse_warp *warp, float *values, uint8_t *seen);

/* Improves `warp` (moving to fixed) in at most `rounds` steps. Returns the correlation of the part
 * that is seen in both at the end, or -2 when they drifted apart. */
double glimpse_align(const glimpse_plane *fixed, const glimpse_plane *moving, glimpse_warp *warp,
                     int rounds);

#endif
