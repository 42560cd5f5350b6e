/*
 * glimpse/rerank.h - a second opinion on a ranking.
 *
 * A fast first stage ranks everything; a slow, better second stage scores the best K of it. This is
 * the part in between that needs no model: from two scores to one order.
 *
 *     glimpse_reranked *order = malloc(count * sizeof *order);
 *     glimpse_rerank(order, first, second, count, 0.8);
 *     for (size_t rank = 0; rank < count; rank++)
 *         puts(paths[order[rank].index]);
 *
 * Blending. The two scores have nothing in common (cosines lie between 0.2 and 0.4, the logit of a
 * match between -8 and 8), so each is standardised over the items that have both:
 *
 *     z(x) = (x - mean) / standard deviation       (0 when all are equal)
 *     blended = (1 - weight) z(first) + weight z(second)
 *
 * the sum of standardised scores of metasearch (Montague and Aslam 2001). Weight 0 is the order of
 * the first stage, weight 1 that of the second; equal values stay in the order of the first stage.
 *
 * Items without a second score (the model failed, or would not say) keep their place in the list;
 * the others are sorted around them. So no failure moves a picture up or down, and when all failed
 * the list is as it was.
 *
 * Threads: any; everything here works on the caller's data alone.
 */
#ifndef GLIMPSE_RERANK_H
#define GLIMPSE_RERANK_H

#include <glimpse/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_reranked {
    size_t index;   /* in the list that was given: 0 was first */
    double blended; /* NaN without a second score */
} glimpse_reranked;

/* `first` [count] scores of the first stage, in its order: best first (equal ones in the order they
 * are to keep). `second` [count], NaN where there is none; any scale, the greater the better.
 * `order` [count] is what to show, best first. `weight` from 0 to 1. GLIMPSE_E_INVALID for a weight
 * outside, a first score that is not finite or greater than the one before it, or an infinite
 * second score. */
GLIMPSE_API int glimpse_rerank(glimpse_reranked *order, const double *first, const double *second,
                               size_t count, double weight);

#ifdef __cplusplus
}
#endif
#endif
