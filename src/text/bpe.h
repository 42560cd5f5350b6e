/*
 * text/bpe.h - merging the bytes of one word into tokens.
 *
 * Both reference implementations merge the pair of neighbours with the lowest rank first, the
 * leftmost of equal ones, until no pair is left that merges. They differ in one detail that only
 * vocabularies whose merges are out of order can show:
 *
 *   ONE  Hugging Face: after each single merge the choice starts anew
 *   ALL  openai/CLIP: all occurrences of the chosen pair are merged, left to right, before the
 *        choice starts anew
 */
#ifndef GLIMPSE_TEXT_BPE_H
#define GLIMPSE_TEXT_BPE_H

#include "text/vocabulary.h"

typedef enum glimpse_bpe_order { GLIMPSE_BPE_ONE, GLIMPSE_BPE_ALL } glimpse_bpe_order;

/* Scratch memory that short words find inside the struct. Initialise, use for any number of
 * words, release; never copy. */
enum { GLIMPSE_BPE_INLINE = 64, GLIMPSE_BPE_WIDE = 5, GLIMPSE_BPE_NARROW = 4 };
typedef struct glimpse_bpe_scratch {
    size_t capacity; /* symbols */
    uint64_t *wide;  /* [capacity * WIDE] */
    int32_t *narrow; /* [capacity * NARROW] */
    uint64_t wide_inside[GLIMPSE_BPE_INLINE * GLIMPSE_BPE_WIDE];
    int32_t narrow_inside[GLIMPSE_BPE_INLINE * GLIMPSE_BPE_NARROW];
} glimpse_bpe_scratch;

void glimpse_bpe_scratch_init(glimpse_bpe_scratch *scratch);
void glimpse_bpe_scratch_release(glimpse_bpe_scratch *scratch);

/* `ids` [*count], the tokens of single bytes, is merged in place; *count becomes smaller. At most
 * 2^31 ids. O(n log n): a queue of the pairs that merge, and links between those that are left. */
int glimpse_bpe_merge(const glimpse_vocabulary *vocabulary, int32_t *ids, size_t *count,
                      glimpse_bpe_order order, glimpse_bpe_scratch *scratch);

/* The same, straight from the definition in O(n^2): the oracle of the tests. */
void glimpse_bpe_merge_plain(const glimpse_vocabulary *vocabulary, int32_t *ids, size_t *count,
                             glimpse_bpe_order order);

#endif
