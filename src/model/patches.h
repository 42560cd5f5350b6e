/*
 * model/patches.h - a picture as the rows of a matrix, so that the patch convolution of an image
 * tower becomes a product.
 */
#ifndef GLIMPSE_MODEL_PATCHES_H
#define GLIMPSE_MODEL_PATCHES_H

#include "math/linear.h"

/* pixels [3][side][side] into target [grid * grid][3 P P] of math->element: row g = patch
 * (g / grid, g % grid), columns in the order of the convolution's kernel [3][P][P]. Pixels beyond
 * the last whole patch are not looked at, as a convolution without padding does. */
void glimpse_cut_patches(const glimpse_math *math, const float *pixels, size_t side, size_t patch,
                         void *target);

#endif
