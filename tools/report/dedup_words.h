/*
 * dedup_words.h - what a group's members are to its keeper, in words for people.
 */
#ifndef GLIMPSE_TOOLS_DEDUP_WORDS_H
#define GLIMPSE_TOOLS_DEDUP_WORDS_H

#include <glimpse/dedup.h>

/* "the same thing in another colour" */
const char *dedup_relation_words(glimpse_dedup_relation relation);
/* "pages:11" as "11 pages"; free it. */
char *dedup_hold_words(const char *hold);
/* "lower right"; "nearly everywhere" for what fills the picture. */
const char *dedup_place_words(const glimpse_dedup_region *region);
/* "lower right (2% of the picture, 8 times what recompression explains), and 2 more places: top and
 * left"; "" without regions. Free it. */
char *dedup_region_words(const glimpse_dedup_member *member);
/* Whether the keeper's file lacks this that the member holds: all of it, or its content. */
int dedup_lacks_in_keeper(const glimpse_dedup_member *member, const char *hold);

#endif
