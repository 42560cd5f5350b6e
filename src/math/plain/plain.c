/*
 * math/plain/plain.c - matrix products as the textbook writes them: the oracle.
 */
#include "math/backend.h"
#include "math/half.h"

#include <stdlib.h>

void glimpse_gemm_plain(int transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                        size_t lda, const float *b, size_t ldb, float *c, size_t ldc) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t p = 0; p < k; p++) {
                sum += (double)a[i * lda + p] *
                       (double)(transpose_b ? b[j * ldb + p] : b[p * ldb + j]);
            }
            c[i * ldc + j] = (float)((double)alpha * sum);
        }
    }
}

void glimpse_linear_run_plain(const glimpse_linear *linear, const float *x, size_t rows, void *y) {
    const glimpse_kernels *kernels = linear->math->kernels;
    size_t column = 0;
    for (size_t p = 0; p < linear->part_count; p++) {
        const glimpse_linear_part *part = &linear->parts[p];
        const float *weights = part->weights;
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < part->rows; j++) {
                double sum = (double)linear->bias[column + j];
                for (size_t k = 0; k < linear->in; k++) {
                    float w = linear->transposed ? weights[k * part->rows + j]
                                                 : weights[j * linear->in + k];
                    sum += (double)x[i * linear->in + k] * (double)w;
                }
                float *target = (float *)y + i * linear->out + column + j;
                float value = (float)(linear->accumulate ? (double)*target + sum : sum);
                kernels->bias_activation(target, linear->output, &value, NULL, linear->activation,
                                         1, 1);
            }
        }
        column += part->rows;
    }
}
