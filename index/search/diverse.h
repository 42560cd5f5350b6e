/*
 * diverse.h - an order that does not repeat itself: maximal marginal relevance (Carbonell and
 * Goldstein, SIGIR 1998).
 */
#ifndef GLIMPSE_INDEX_DIVERSE_H
#define GLIMPSE_INDEX_DIVERSE_H

#include <stddef.h>

/* order[0..wanted-1]: which of `count` candidates come first, second, ...: each time the one with
 * the largest
 *
 *     lambda * relevance - (1 - lambda) * (likeness to the likest that came before)
 *
 * the earlier candidate where several have that. Both are scaled to 0..1 over the candidates, since
 * cosines of pictures with words and with each other lie in different ranges. `relevance` [count]
 * in any unit; `vectors` [count][dim], NULL in it: like nothing. */
int glimpse_diverse_order(size_t *order, size_t wanted, const double *relevance,
                          const float *const *vectors, size_t count, size_t dim, double lambda);

#endif
