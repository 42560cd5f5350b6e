/*
 * math/linear.h - the matrix products of a network, behind one interface.
 *
 *     y [M][N] = activation(x [M][K] * W [N][K]^T + bias [N])        or, accumulating,
 *     y [M][N] += x [M][K] * W [N][K]^T + bias [N]                   (the residual stream)
 *
 *     glimpse_math math;                                        who multiplies, and how: init.h
 *     glimpse_linear_spec spec = {.in = K, .out = N, ...};      the layer: types.h
 *     if (glimpse_math_init(&math, GLIMPSE_BACKEND_AUTO, GLIMPSE_PRECISION_AUTO) < 0 ||
 *         glimpse_linear_create(&linear, &math, &spec) < 0 ||
 *         glimpse_workspace_create(&workspace, &math) < 0 ||
 *         glimpse_linear_run(linear, workspace, x, M, y) < 0) ...
 *
 * The backends, each in a directory of its own (backend.h says how one is written):
 *
 *   plain     loops in C, double accumulators: oracle and baseline
 *   openblas  f32 sgemm, and a kernel of our own for few rows; weights of f16 and bf16 are used as
 *             they lie in the file (stored.c). bf16 by rounding both operands first (exact
 *             products, f32 sums), which is what bf16 hardware computes up to the order of the
 *             sums. int8 by our own kernels (int8/)
 *   onednn    f32; bf16 where the CPU has AVX-512 or AMX, int8 where it has VNNI or AMX; weights
 *             are reordered once into its blocked layout; bias, activation and the residual are
 *             fused into the product (int8: follow it while the result is in the cache)
 *
 * Threads: a glimpse_math and a glimpse_linear are immutable after creation. A
 * glimpse_workspace belongs to one thread at a time. Every product runs on the calling thread
 * alone: parallelism is across workers.
 */
#ifndef GLIMPSE_MATH_LINEAR_H
#define GLIMPSE_MATH_LINEAR_H

#include "math/types.h"

#include <stddef.h>

typedef struct glimpse_linear glimpse_linear;
typedef struct glimpse_workspace glimpse_workspace;

/* The weights may be borrowed from `spec` and from its prepared weights; both must outlive the
 * result. */
int glimpse_linear_create(glimpse_linear **out, const glimpse_math *math,
                          const glimpse_linear_spec *spec);
void glimpse_linear_free(glimpse_linear *linear);
size_t glimpse_linear_memory(const glimpse_linear *linear); /* bytes owned */
/* Whether `weights`, the first part of those it was made of, is used in place and must stay. */
int glimpse_linear_borrows(const glimpse_linear *linear, const void *weights);

/* x [padded rows][K] of math->element, y [padded rows][N] of spec.output; both 64-byte aligned,
 * not the same. Only `rows` rows of y mean anything. */
int glimpse_linear_run(const glimpse_linear *linear, glimpse_workspace *workspace, const void *x,
                       size_t rows, void *y);

int glimpse_workspace_create(glimpse_workspace **out, const glimpse_math *math);
void glimpse_workspace_free(glimpse_workspace *workspace);

/* Attention of one sequence without a mask on the matrix units, where the backend, the CPU and the
 * length make that the faster way: out [rows][heads * head] of `result` from qkv [rows][3 heads
 * head]. 1 when it was done, 0 when it was not and the kernel is to be used, or a failure.
 * For one shape the answer is always the same. */
int glimpse_attend_fast(const glimpse_math *math, glimpse_workspace *workspace, const float *qkv,
                        size_t rows, size_t heads, size_t head, glimpse_element result, void *out);

/* C [m][n] (row stride ldc) = alpha * A * B, f32, on the calling thread. A [m][k] (lda); B is
 * [k][n] (ldb), or [n][k] when `transpose_b`. */
void glimpse_gemm(const glimpse_math *math, int transpose_b, size_t m, size_t n, size_t k,
                  float alpha, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                  size_t ldc);

#endif
