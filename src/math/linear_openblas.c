/*
 * math/linear_openblas.c - sgemm, then bias and activation in one pass over the result.
 */
#include "math/linear_internal.h"

#include <cblas.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void single_thread(void) {
    openblas_set_num_threads(1);
}

void glimpse_openblas_init(void) {
    (void)pthread_once(&once, single_thread);
}

void glimpse_gemm_openblas(int transpose_b, size_t m, size_t n, size_t k, float alpha,
                           const float *a, size_t lda, const float *b, size_t ldb, float *c,
                           size_t ldc) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, (int)m,
                (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, 0.0f, c, (int)ldc);
}

void glimpse_linear_run_openblas(const glimpse_linear *linear, const float *x, size_t rows,
                                 void *y) {
    /* One product over all rows: sgemm packs the weights anew at every call, which costs more than
     * a second pass over the result from memory. */
    float *result = y;
    size_t column = 0;
    for (size_t p = 0; p < linear->part_count; p++) {
        const glimpse_linear_part *part = &linear->parts[p];
        cblas_sgemm(CblasRowMajor, CblasNoTrans, linear->transposed ? CblasNoTrans : CblasTrans,
                    (int)rows, (int)part->rows, (int)linear->in, 1.0f, x, (int)linear->in,
                    part->weights, (int)(linear->transposed ? part->rows : linear->in),
                    linear->accumulate ? 1.0f : 0.0f, result + column, (int)linear->out);
        column += part->rows;
    }
    if (linear->has_bias || linear->activation != GLIMPSE_ACTIVATION_NONE ||
        linear->output != GLIMPSE_ELEMENT_F32) {
        linear->math->kernels->bias_activation(result, linear->output, result, linear->bias,
                                               linear->activation, rows, linear->out);
    }
}
