/*
 * diverse.c - maximal marginal relevance over a bounded number of candidates.
 */
#include "diverse.h"

#include "core/error.h"
#include "product.h"

#include <glimpse/status.h>

#include <math.h>
#include <stdlib.h>

static double scaled(double value, double lowest, double highest) {
    return highest > lowest ? (value - lowest) / (highest - lowest) : 0.0;
}

/* `like` [count][count]; the pairs that there are, scaled. */
static void compare_all(double *like, const float *const *vectors, size_t count, size_t dim) {
    double lowest = INFINITY, highest = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        /* The place on the diagonal holds the square of the length until all its pairs are made. */
        like[i * count + i] = vectors[i] ? glimpse_product(vectors[i], vectors[i], dim) : 0.0;
        for (size_t k = 0; k < i; k++) {
            const double lengths = sqrt(like[i * count + i] * like[k * count + k]);
            double value = NAN;
            if (vectors[i] && vectors[k]) {
                value =
                    lengths > 0.0 ? glimpse_product(vectors[i], vectors[k], dim) / lengths : 0.0;
            }
            like[i * count + k] = like[k * count + i] = value;
            if (value < lowest) lowest = value;
            if (value > highest) highest = value;
        }
    }
    for (size_t i = 0; i < count; i++)
        like[i * count + i] = NAN;
    for (size_t i = 0; i < count * count; i++)
        like[i] = isnan(like[i]) ? 0.0 : scaled(like[i], lowest, highest);
}

int glimpse_diverse_order(size_t *order, size_t wanted, const double *relevance,
                          const float *const *vectors, size_t count, size_t dim, double lambda) {
    double *like = malloc((count * count + 1) * sizeof *like);
    double *likest = calloc(count + 1, sizeof *likest);
    char *is_taken = calloc(count + 1, 1);
    int status = GLIMPSE_OK;
    if (!like || !likest || !is_taken) {
        status = glimpse_fail_nomem(count * count * sizeof *like, "an order");
        goto done;
    }
    double lowest = INFINITY, highest = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        lowest = fmin(lowest, relevance[i]);
        highest = fmax(highest, relevance[i]);
    }
    compare_all(like, vectors, count, dim);
    for (size_t n = 0; n < wanted && n < count; n++) {
        size_t best = count;
        double highest_value = -INFINITY;
        for (size_t i = 0; i < count; i++) {
            if (is_taken[i]) continue;
            const double value =
                lambda * scaled(relevance[i], lowest, highest) - (1.0 - lambda) * likest[i];
            if (value > highest_value) {
                highest_value = value;
                best = i;
            }
        }
        order[n] = best;
        is_taken[best] = 1;
        for (size_t i = 0; i < count; i++)
            likest[i] = fmax(likest[i], like[i * count + best]);
    }
done:
    free(like);
    free(likest);
    free(is_taken);
    return status;
}
