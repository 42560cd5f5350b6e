/*
 * evaluate_internal.h - bootstrap intervals and recall, shared by the evaluations.
 */
#ifndef GLIMPSE_INDEX_EVALUATE_INTERNAL_H
#define GLIMPSE_INDEX_EVALUATE_INTERNAL_H

#include <glimpse/evaluate.h>

/* Computes `figures` from a sample in which item i occurs weights[i] times. */
typedef void (*glimpse_figures_fn)(void *user, const uint32_t *weights, double *figures);

/* `out` [figure_count]: the figures of the items themselves (every weight 1) and their intervals.
 * `count` items > 0. `options` may be NULL. A figure that is NaN for the items keeps NaN limits;
 * samples for which a figure is NaN are left out of its interval. */
int glimpse_bootstrap(glimpse_figure *out, size_t figure_count, size_t count,
                      const glimpse_eval_options *options, glimpse_figures_fn compute, void *user);

/* Of the ranks [count] of the best fitting item, from 1; `count` > 0, `items` is only noted. */
int glimpse_recall_of_ranks(glimpse_recall_report *out, const size_t *ranks, size_t count,
                            size_t items, const glimpse_eval_options *options);

#endif
