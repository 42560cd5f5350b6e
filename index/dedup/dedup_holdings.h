/*
 * index/dedup/dedup_holdings.h - what files hold beside their first picture.
 */
#ifndef GLIMPSE_INDEX_DEDUP_HOLDINGS_H
#define GLIMPSE_INDEX_DEDUP_HOLDINGS_H

#include "dedup_private.h"

#include <glimpse/sys/holdings.h>

/* Reads what the items with wanted[item] hold, in threads, as far as it was not read. Files of
 * equal bytes with nothing beside them are read once. */
int glimpse_dedup_read_holdings(glimpse_dedup *dedup, const uint8_t *wanted);
/* 1 when the file could not be read again. Then nobody knows what would be lost with it. */
int glimpse_dedup_is_unreadable(const glimpse_dedup *dedup, uint32_t item);
/* NULL: not read, or not there any more. */
const glimpse_holdings *glimpse_dedup_holdings(const glimpse_dedup *dedup,
                                               const glimpse_dedup_item *item);

/* After glimpse_dedup_make_classes: makes them anew, of files with the same pixels that hold the
 * same. */
int glimpse_dedup_split_classes(glimpse_dedup *dedup);
/* After glimpse_dedup_verify: pairs that differ in what they hold become HOLDS_MORE, and those of
 * the same pixels are added. */
int glimpse_dedup_weigh_all(glimpse_dedup *dedup);
/* Reads what two items hold, for a pair that is compared later. */
int glimpse_dedup_weigh_items(glimpse_dedup *dedup, uint32_t a, uint32_t b);
void glimpse_dedup_weigh(const glimpse_dedup *dedup, glimpse_dedup_edge *edge);
/* Of all members of groups, for the report. */
int glimpse_dedup_read_members(glimpse_dedup *dedup);

/* -1 when the two have other pixels, and are to be compared. 1: they have not, and the edge is
 * filled; 0: nor are they related, being documents that share the first page alone. */
int glimpse_dedup_is_same_picture(const glimpse_dedup *dedup, glimpse_dedup_edge *edge);

/* Bits of glimpse_holding_kind: what `of` holds and `in` lacks; in which respect its picture is the
 * better one (resolution, colour, quality; of pictures that were changed, colour). */
uint32_t glimpse_dedup_lacking(const glimpse_dedup *dedup, const glimpse_dedup_item *of,
                               const glimpse_dedup_item *in);
uint32_t glimpse_dedup_better(const glimpse_dedup_item *of, const glimpse_dedup_item *in,
                              glimpse_dedup_relation relation);

/* Fills member->holds; one piece of memory. */
int glimpse_dedup_list_holdings(const glimpse_dedup *dedup, const glimpse_dedup_item *item,
                                glimpse_dedup_member *member);
/* "a video of 3 s, a caption": what of `kinds` the item holds. */
void glimpse_dedup_holdings_words(char *out, size_t capacity, const glimpse_dedup *dedup,
                                  const glimpse_dedup_item *item, uint32_t kinds);
/* How the item differs from the keeper in what it holds of this kind: "has a caption", "without its
 * video", "other keywords"; "" when it does not. */
void glimpse_dedup_holding_difference(char *out, size_t capacity, const glimpse_dedup *dedup,
                                      const glimpse_dedup_item *keeper,
                                      const glimpse_dedup_item *item, glimpse_holding_kind kind);

#endif
