/*
 * math/openblas/sgemm.h - f32 products through OpenBLAS, for its own backend and for those that
 * have nothing better in f32. Everything runs on the calling thread.
 */
#ifndef GLIMPSE_MATH_OPENBLAS_SGEMM_H
#define GLIMPSE_MATH_OPENBLAS_SGEMM_H

#include <stddef.h>

/* Before the others: OpenBLAS keeps its number of threads per process, and it becomes 1. Fails with
 * GLIMPSE_E_NOMEM while there is no room for its first buffer; more of them, for products that run
 * at once, are had as long as there is room. Any thread, as often as one likes. */
int glimpse_openblas_start(void);

/* C [m][n] = alpha A B, as glimpse_gemm() in linear.h. */
void glimpse_openblas_gemm(int transpose_b, size_t m, size_t n, size_t k, float alpha,
                           const float *a, size_t lda, const float *b, size_t ldb, float *c,
                           size_t ldc);

/* y [rows][ldy] = (or +=) x [rows][in] * w [out][in]^T. */
void glimpse_openblas_rows(const float *x, size_t rows, size_t in, const float *w, size_t out,
                           float *y, size_t ldy, int accumulate);

#endif
