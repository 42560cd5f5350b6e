/*
 * image/compare/recolour.h - is it the same thing in another colour? Private to this directory.
 */
#ifndef GLIMPSE_IMAGE_COMPARE_RECOLOUR_H
#define GLIMPSE_IMAGE_COMPARE_RECOLOUR_H

#include <glimpse/sys/fingerprint.h>

/* glimpse_comparison.recoloured; the warp takes b to a. */
double glimpse_recoloured(const glimpse_thumb *a, const glimpse_thumb *b, const glimpse_warp *warp);

#endif
