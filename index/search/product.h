/*
 * product.h - inner products of embeddings, exactly the same everywhere.
 */
#ifndef GLIMPSE_INDEX_SEARCH_PRODUCT_H
#define GLIMPSE_INDEX_SEARCH_PRODUCT_H

#include <stddef.h>

/* Eight sums in a fixed order: the same result everywhere, and no waiting on one addition. */
static inline double glimpse_product(const float *a, const float *b, size_t n) {
    double sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t j = 0; j < 8; j++)
            sums[j] += (double)a[i + j] * (double)b[i + j];
    }
    for (; i < n; i++)
        sums[i % 8] += (double)a[i] * (double)b[i];
    return ((sums[0] + sums[4]) + (sums[1] + sums[5])) +
           ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

#endif
