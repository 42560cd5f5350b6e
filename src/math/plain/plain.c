/*
 * math/plain/plain.c - matrix products as the textbook writes them: the oracle.
 */
#include "core/error.h"
#include "math/backend.h"
#include "math/half.h"
#include "math/int8/int8.h"

#include <stdlib.h>

static void gemm(int transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
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

/* f32 weights, borrowed from the file where they already are that. */
static int prepare(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    if (spec->parts == 0) return glimpse_fail(GLIMPSE_E_INVALID, "a layer without weights");
    int round = linear->math->precision == GLIMPSE_PRECISION_BF16;
    int borrow = !round;
    for (size_t p = 0; p < spec->parts; p++) {
        borrow = borrow && spec->weights[p].dtype == GLIMPSE_DTYPE_F32 &&
                 (uintptr_t)spec->weights[p].data % sizeof(float) == 0;
    }
    size_t rows = spec->out / spec->parts;
    if (!borrow) {
        linear->memory = spec->out * spec->in * sizeof(float);
        linear->owned = malloc(linear->memory);
        if (!linear->owned) return glimpse_fail_nomem(linear->memory, "the weights of a layer");
    }
    linear->part_count = spec->parts;
    for (size_t p = 0; p < spec->parts; p++) {
        linear->parts[p].rows = rows;
        if (borrow) {
            linear->parts[p].weights = spec->weights[p].data;
            continue;
        }
        float *target = (float *)linear->owned + p * rows * spec->in;
        glimpse_numbers_to_f32(target, &spec->weights[p]);
        if (round) {
            for (size_t i = 0; i < rows * spec->in; i++)
                target[i] = glimpse_round_to_bf16(target[i]);
        }
        linear->parts[p].weights = target;
    }
    if (!borrow && !spec->transposed) {
        /* The parts now lie behind each other: one product does them all. */
        linear->part_count = 1;
        linear->parts[0].rows = spec->out;
    }
    return GLIMPSE_OK;
}

static int run(const glimpse_linear *linear, void *state, void *scratch, const void *input,
               size_t rows, void *y) {
    (void)state, (void)scratch;
    const float *x = input;
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
    return GLIMPSE_OK;
}

static const glimpse_linear_ops layers = {.prepare = prepare, .run = run};

const glimpse_backend_ops glimpse_backend_plain = {
    .kernels = &glimpse_kernels_plain,
    .precisions = {[GLIMPSE_PRECISION_F32] = {&layers, GLIMPSE_ELEMENT_F32},
                   [GLIMPSE_PRECISION_BF16] = {&layers, GLIMPSE_ELEMENT_F32_BF},
                   [GLIMPSE_PRECISION_INT8] = {&glimpse_int8_layers, GLIMPSE_ELEMENT_F32}},
    .exact_layers = &layers,
    .gemm = gemm,
};
