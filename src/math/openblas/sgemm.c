/*
 * math/openblas/sgemm.c - sgemm, the only file that knows OpenBLAS.
 */
#include "math/openblas/sgemm.h"

#include <cblas.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void single_thread(void) {
    openblas_set_num_threads(1);
}

void glimpse_openblas_start(void) {
    (void)pthread_once(&once, single_thread);
}

void glimpse_openblas_gemm(int transpose_b, size_t m, size_t n, size_t k, float alpha,
                           const float *a, size_t lda, const float *b, size_t ldb, float *c,
                           size_t ldc) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, (int)m,
                (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, 0.0f, c, (int)ldc);
}

void glimpse_openblas_rows(const float *x, size_t rows, size_t in, const float *w, size_t out,
                           float *y, size_t ldy, int accumulate) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)out, (int)in, 1.0f, x,
                (int)in, w, (int)in, accumulate ? 1.0f : 0.0f, y, (int)ldy);
}
