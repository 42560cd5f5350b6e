/*
 * dedup_crops.h - the place where an edited picture differs most from its keeper, cut out of both
 * and shown beside each other.
 */
#ifndef GLIMPSE_TOOLS_DEDUP_CROPS_H
#define GLIMPSE_TOOLS_DEDUP_CROPS_H

#include "dedup_shown.h"

/* So many pairs on a page, and in a group; beyond these the place is said in words. */
enum { DEDUP_CROPS = 300, DEDUP_CROPS_OF_GROUP = 6 };
typedef struct dedup_crops {
    size_t used;
} dedup_crops;

/* A box of the keeper's picture becomes that of the member's. 0 when the two were not aligned, or
 * it lies outside. */
int dedup_box_in_member(const glimpse_dedup_member *member, page_box *box);

/* Twice, with a `crops` of zeros each: first what is to be made of a group, in order (at most two
 * for each crop; how many is returned), later the pairs themselves. */
size_t dedup_crops_plan(page_picture *pictures, dedup_crops *crops,
                        const glimpse_dedup_group *group, const dedup_shown *shown);
/* `keeper_tag`: what is said of the keeper's part. */
void dedup_crops_write(FILE *to, dedup_crops *crops, const glimpse_dedup_group *group,
                       const dedup_shown *shown, const char *keeper_tag, page_thumbs *thumbs);

#endif
