/*
 * rerank.c - makes one order of the scores of two stages.
 */
#include <glimpse/rerank.h>

#include "core/error.h"

#include <math.h>
#include <stdlib.h>

static int check(const double *first, const double *second, size_t count, double weight) {
    if (!(weight >= 0.0 && weight <= 1.0)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "the weight of re-ranking is %g; it goes from 0 to 1", weight);
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(first[i])) {
            return glimpse_fail(GLIMPSE_E_INVALID, "score %zu of the first stage is not finite",
                                i + 1);
        }
        if (i > 0 && first[i] > first[i - 1]) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "score %zu of the first stage is greater than the one before it",
                                i + 1);
        }
        if (isinf(second[i])) {
            return glimpse_fail(GLIMPSE_E_INVALID, "score %zu of the second stage is infinite",
                                i + 1);
        }
    }
    return GLIMPSE_OK;
}

typedef struct scale {
    double mean, factor; /* 1 / standard deviation, 0 when all are equal */
} scale;

/* Over the items that have a second score. Values that are all the same give exactly 0, not the
 * rounding of their mean. */
static scale scale_of(const double *values, const double *second, size_t count) {
    scale s = {0.0, 0.0};
    double min = INFINITY, max = -INFINITY, square = 0.0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(second[i])) continue;
        /* A running mean: sums of huge values do not overflow. */
        s.mean += (values[i] - s.mean) / (double)++n;
        if (values[i] < min) min = values[i];
        if (values[i] > max) max = values[i];
    }
    if (n == 0 || min == max) return s;
    double range = max - min;
    for (size_t i = 0; i < count; i++) {
        if (isnan(second[i])) continue;
        double off = (values[i] - s.mean) / range;
        square += off * off;
    }
    s.factor = 1.0 / (range * sqrt(square / (double)n));
    if (!isfinite(s.factor)) s.factor = 0.0; /* a range beyond what numbers tell apart */
    return s;
}

static double standardise(scale s, double value) {
    return s.factor > 0.0 ? (value - s.mean) * s.factor : 0.0;
}

static int compare(const void *a, const void *b) {
    const glimpse_reranked *x = a, *y = b;
    if (x->blended != y->blended) return x->blended < y->blended ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

int glimpse_rerank(glimpse_reranked *order, const double *first, const double *second, size_t count,
                   double weight) {
    if (count > 0 && (!first || !second || !order)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_rerank: an argument that must be there is "
                                               "NULL");
    }
    int status = check(first, second, count, weight);
    if (status < 0 || count == 0) return status;
    glimpse_reranked *scored = malloc(count * sizeof *scored);
    if (!scored) return glimpse_fail_nomem(count * sizeof *scored, "a ranking");
    scale of_first = scale_of(first, second, count), of_second = scale_of(second, second, count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(second[i])) continue;
        /* At the ends the other score must not even round into it. */
        double blended = weight < 1.0 ? (1.0 - weight) * standardise(of_first, first[i]) : 0.0;
        if (weight > 0.0) blended += weight * standardise(of_second, second[i]);
        scored[n++] = (glimpse_reranked){i, blended};
    }
    if (n > 0) qsort(scored, n, sizeof *scored, compare);
    n = 0;
    for (size_t i = 0; i < count; i++) {
        order[i] = isnan(second[i]) ? (glimpse_reranked){i, NAN} : scored[n++];
    }
    free(scored);
    return GLIMPSE_OK;
}
