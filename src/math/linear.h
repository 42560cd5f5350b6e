/*
 * math/linear.h - the matrix products of a network, behind one interface with three backends.
 *
 *     y [M][N] = activation(x [M][K] * W [N][K]^T + bias [N])        or, accumulating,
 *     y [M][N] += x [M][K] * W [N][K]^T + bias [N]                   (the residual stream)
 *
 *   plain     loops in C, double accumulators: oracle and baseline
 *   openblas  f32 sgemm, and a kernel of our own for few rows; weights of f16 and bf16 are used as
 *             they lie in the file (linear_stored.c). bf16 by rounding both operands first (exact
 *             products, f32 sums), which is what bf16 hardware computes up to the order of the
 *             sums. int8 by our own kernels (linear_int8.c)
 *   onednn    f32; bf16 where the CPU has AVX-512 or AMX, int8 where it has VNNI or AMX; weights
 *             are reordered once into its blocked layout; bias, activation and the residual are
 *             fused into the product (int8: follow it while the result is in the cache)
 *
 * A glimpse_math says which backend, which precision, and of which element type the inputs of
 * products are (kernels.h): the kernels that produce an input store it that way, so that no
 * product converts anything.
 *
 * Threads: a glimpse_math and a glimpse_linear are immutable after creation. A
 * glimpse_workspace belongs to one thread at a time. Every product runs on the calling thread
 * alone: parallelism is across workers. OpenBLAS keeps its number of threads per process, so the
 * first glimpse_math_init sets that to 1.
 */
#ifndef GLIMPSE_MATH_LINEAR_H
#define GLIMPSE_MATH_LINEAR_H

#include "math/kernels.h"
#include "math/shelf.h"

#include <glimpse/sys/model.h>

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_math {
    glimpse_backend backend;     /* not AUTO */
    glimpse_precision precision; /* not AUTO */
    glimpse_element element;     /* of the inputs of products */
    const glimpse_kernels *kernels;
} glimpse_math;

/* Resolves AUTO. GLIMPSE_E_UNSUPPORTED when this build or CPU cannot do what was asked for. */
int glimpse_math_init(glimpse_math *out, glimpse_backend backend, glimpse_precision precision);
const char *glimpse_math_backend_name(const glimpse_math *math); /* "openblas f32 (avx2)" */
/* 1 when the CPU multiplies bf16 in hardware (AVX512_BF16 or AMX) and oneDNN can be loaded. */
int glimpse_math_has_fast_bf16(void);
const char *glimpse_precision_name(glimpse_precision precision); /* "f32" */

/* Numbers somewhere in a mapped file: any alignment. */
typedef struct glimpse_numbers {
    const void *data; /* NULL: absent */
    glimpse_dtype dtype;
    size_t count;
} glimpse_numbers;

void glimpse_numbers_to_f32(float *out, const glimpse_numbers *numbers);

enum { GLIMPSE_LINEAR_PARTS = 3 };

typedef struct glimpse_linear_spec {
    size_t in, out; /* K, N */
    /* W in up to three parts stacked along N (q, k, v), each [N / parts][K] row-major. */
    glimpse_numbers weights[GLIMPSE_LINEAR_PARTS];
    glimpse_numbers biases[GLIMPSE_LINEAR_PARTS]; /* data NULL: no bias */
    size_t parts;
    int transposed; /* the single part is stored as [K][N] */
    glimpse_activation activation;
    int accumulate;         /* y += instead of y = ; then there is no activation and y is f32 */
    glimpse_element output; /* element type of y */
    int exact;              /* f32 even when the precision is int8: small last layers */
    glimpse_shelf *shelf;   /* where prepared weights come from or go to; NULL: nowhere */
} glimpse_linear_spec;

typedef struct glimpse_linear glimpse_linear;
typedef struct glimpse_workspace glimpse_workspace;

/* The weights may be borrowed from `spec` and from its shelf; both must outlive the result. */
int glimpse_linear_create(glimpse_linear **out, const glimpse_math *math,
                          const glimpse_linear_spec *spec);
void glimpse_linear_free(glimpse_linear *linear);
size_t glimpse_linear_memory(const glimpse_linear *linear); /* bytes owned */

/* Products may be computed for rows rounded up to a multiple of this: buffers of x and y need the
 * room, and what is in the extra rows of x must be finite or at least initialised. */
enum { GLIMPSE_ROW_STEP = 16 };
static inline size_t glimpse_padded_rows(size_t rows) {
    return (rows + GLIMPSE_ROW_STEP - 1) / GLIMPSE_ROW_STEP * GLIMPSE_ROW_STEP;
}

/* x [padded rows][K] of math->element, y [padded rows][N] of spec.output; both 64-byte aligned,
 * not the same. Only `rows` rows of y mean anything. */
int glimpse_linear_run(const glimpse_linear *linear, glimpse_workspace *workspace, const void *x,
                       size_t rows, void *y);

int glimpse_workspace_create(glimpse_workspace **out, const glimpse_math *math);
void glimpse_workspace_free(glimpse_workspace *workspace);

/* Attention of one sequence without a mask on the matrix units, where the backend, the CPU and the
 * length make that the faster way: out [rows][heads * head] of math->element from qkv [rows][3
 * heads head]. 1 when it was done, 0 when it was not and the kernel is to be used, or a failure.
 * For one shape the answer is always the same. */
int glimpse_attend_fast(const glimpse_math *math, glimpse_workspace *workspace, const float *qkv,
                        size_t rows, size_t heads, size_t head, void *out);

/* C [m][n] (row stride ldc) = alpha * A * B, f32, on the calling thread. A [m][k] (lda); B is
 * [k][n] (ldb), or [n][k] when `transpose_b`. */
void glimpse_gemm(const glimpse_math *math, int transpose_b, size_t m, size_t n, size_t k,
                  float alpha, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                  size_t ldc);

#endif
