/*
 * index/dedup/pair.h - two pictures compared by their pixels, however one may come from the other.
 * Private to the library.
 */
#ifndef GLIMPSE_INDEX_PAIR_H
#define GLIMPSE_INDEX_PAIR_H

#include <glimpse/sys/fingerprint.h>
#include <glimpse/sys/image.h>

/* The strongest that glimpse_compare finds: as they are, one turned or mirrored, one a part of the
 * other. *orientation is the EXIF orientation, 1..8, that takes b to a. */
/* `detail` is zeros but where the pictures are the same view, turned by nothing: then they were
 * compared at full size, and the verdict is what that says. */
int glimpse_pair_compare(glimpse_comparison *out, glimpse_detail *detail, int *orientation,
                         const glimpse_image *a, const glimpse_image *b);

#endif
