/*
 * evaluate.c - what the evaluations share: bootstrap intervals and the area under a ROC curve.
 *
 * Bootstrap (Efron 1979), percentile intervals: B times as many items are drawn, with replacement,
 * as there are, and the figure is computed for each draw; its interval is from the 2.5% to the
 * 97.5% percentile of those B values, interpolated between neighbours. A draw is given as how often
 * each item occurs, so that figures cost the same as for the items themselves and need no copies.
 */
#include "evaluate_internal.h"

#include "core/error.h"
#include "core/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SAMPLES = 1000000 };

/* SplitMix64 (Steele, Lea and Flood 2014): one word of state, and any seed is a good one. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 to count - 1; the bias is below count / 2^32. */
static size_t random_below(uint64_t *state, size_t count) {
    return (size_t)(((next_random(state) >> 32) * (uint64_t)count) >> 32);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `values` [count] sorted, count > 0. */
static double percentile(const double *values, size_t count, double share) {
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    if (below + 1 >= count) return values[count - 1];
    return values[below] + (place - (double)below) * (values[below + 1] - values[below]);
}

int glimpse_bootstrap(glimpse_figure *out, size_t figure_count, size_t count,
                      const glimpse_eval_options *given, glimpse_figures_fn compute, void *user) {
    glimpse_eval_options own = GLIMPSE_EVAL_OPTIONS_INIT, *options = &own;
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_eval_options, seed);
    if (status < 0) return status;
    if (options->samples > MAX_SAMPLES) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%u bootstrap samples, more than %d", options->samples,
                            MAX_SAMPLES);
    }
    if (count > UINT32_MAX) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%zu items, more than %u", count, UINT32_MAX);
    }
    size_t samples = options->samples;
    uint64_t state = options->seed;
    uint32_t *weights = malloc(count * sizeof *weights);
    double *figures = malloc(figure_count * sizeof *figures);
    double *drawn = calloc(samples ? samples * figure_count : 1, sizeof *drawn);
    if (!weights || !figures || !drawn) {
        status = glimpse_fail_nomem(count * sizeof *weights, "bootstrap samples");
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        weights[i] = 1;
    compute(user, weights, figures);
    for (size_t f = 0; f < figure_count; f++)
        out[f] = (glimpse_figure){figures[f], NAN, NAN};
    for (size_t s = 0; s < samples; s++) {
        memset(weights, 0, count * sizeof *weights);
        for (size_t i = 0; i < count; i++)
            weights[random_below(&state, count)]++;
        compute(user, weights, figures);
        for (size_t f = 0; f < figure_count; f++)
            drawn[f * samples + s] = figures[f];
    }
    for (size_t f = 0; f < figure_count; f++) {
        double *values = drawn + f * samples;
        size_t usable = 0;
        for (size_t s = 0; s < samples; s++) {
            if (!isnan(values[s])) values[usable++] = values[s];
        }
        if (usable == 0 || isnan(out[f].value)) continue;
        qsort(values, usable, sizeof *values, by_value);
        out[f].low = percentile(values, usable, 0.025);
        out[f].high = percentile(values, usable, 0.975);
    }
done:
    free(weights);
    free(figures);
    free(drawn);
    return status;
}

typedef struct scored {
    double value;
    unsigned char positive;
} scored;

static int by_scored_value(const void *a, const void *b) {
    return by_value(&((const scored *)a)->value, &((const scored *)b)->value);
}

double glimpse_auroc(const double *values, const unsigned char *positive, size_t count) {
    scored *all = count > 0 ? malloc(count * sizeof *all) : NULL;
    if (!all) return NAN;
    double positives = 0, below = 0, wins = 0, result = NAN;
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) goto done;
        all[i] = (scored){values[i], positive[i] != 0};
        positives += positive[i] != 0;
    }
    double negatives = (double)count - positives;
    if (positives == 0 || negatives == 0) goto done;
    qsort(all, count, sizeof *all, by_scored_value);
    for (size_t i = 0; i < count;) {
        double equal_positive = 0, equal_negative = 0, value = all[i].value;
        for (; i < count && all[i].value <= value; i++) {
            if (all[i].positive) {
                equal_positive++;
            } else {
                equal_negative++;
            }
        }
        wins += equal_positive * (below + equal_negative / 2);
        below += equal_negative;
    }
    result = wins / (positives * negatives);
done:
    free(all);
    return result;
}
