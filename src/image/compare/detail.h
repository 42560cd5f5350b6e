/*
 * image/compare/detail.h - the steps of a comparison at full resolution. Private to this directory.
 */
#ifndef GLIMPSE_IMAGE_COMPARE_DETAIL_H
#define GLIMPSE_IMAGE_COMPARE_DETAIL_H

#include <glimpse/sys/fingerprint.h>

enum { GLIMPSE_TILE = 16, GLIMPSE_PLANES = 3, GLIMPSE_MEASURES = 4 };

/* Brightness and the two chroma planes (Rec. 601, 128: none) of a picture, one after the other. */
typedef struct glimpse_planes {
    int width, height;
    uint8_t *plane[GLIMPSE_PLANES];
} glimpse_planes;

/* From pixels of the grid to pixels of the other picture: x' = m[0] x + m[1] y + m[2] and so on. */
typedef struct glimpse_pixel_warp {
    double m[6];
} glimpse_pixel_warp;

/* Both on one grid: `other` holds the second picture where `seen`, columns x0..x1-1 of rows
 * y0..y1-1. */
typedef struct glimpse_aligned {
    const glimpse_planes *first;
    glimpse_planes other;
    int x0, y0, x1, y1;
} glimpse_aligned;

/* Refines `warp`. */
int glimpse_detail_align(glimpse_pixel_warp *warp, const glimpse_planes *grid,
                         const glimpse_planes *other);
/* The mean difference of brightness under a warp, large ones clipped. */
double glimpse_detail_residual(const glimpse_pixel_warp *warp, const glimpse_planes *grid,
                               const glimpse_planes *other);
/* Samples `from` onto the grid of aligned->first. */
int glimpse_detail_sample(glimpse_aligned *aligned, const glimpse_planes *from,
                          const glimpse_pixel_warp *warp);
/* Judges the tiles; fills all of `result` but the places' transformation to the first picture:
 * `differences` are in fractions of the grid. */
int glimpse_detail_judge(glimpse_detail *result, const glimpse_aligned *aligned);

#endif
