/*
 * math/linear_internal.h - what the backends of linear.h fill in.
 */
#ifndef GLIMPSE_MATH_LINEAR_INTERNAL_H
#define GLIMPSE_MATH_LINEAR_INTERNAL_H

#include "math/linear.h"

typedef struct glimpse_linear_part {
    const float *weights; /* [rows][in], or [in][rows] when transposed */
    size_t rows;
} glimpse_linear_part;

struct glimpse_linear {
    const glimpse_math *math;
    size_t in, out;
    glimpse_activation activation;
    int accumulate, transposed, has_bias;
    glimpse_element output;
    float *bias; /* [out], owned; zeros when the layer has none */
    /* plain and openblas */
    glimpse_linear_part parts[GLIMPSE_LINEAR_PARTS];
    size_t part_count;
    float *owned; /* converted weights that the parts point into, or NULL */
    /* onednn */
    void *prepared;
    size_t memory;
};

void glimpse_linear_run_plain(const glimpse_linear *linear, const float *x, size_t rows, void *y);
void glimpse_linear_run_openblas(const glimpse_linear *linear, const float *x, size_t rows,
                                 void *y);
void glimpse_gemm_plain(int transpose_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                        size_t lda, const float *b, size_t ldb, float *c, size_t ldc);
void glimpse_gemm_openblas(int transpose_b, size_t m, size_t n, size_t k, float alpha,
                           const float *a, size_t lda, const float *b, size_t ldb, float *c,
                           size_t ldc);
void glimpse_openblas_init(void);

/* oneDNN: 0 when this build or machine cannot. */
int glimpse_onednn_available(void);
int glimpse_onednn_multiplies_bf16(void); /* can at all: AVX-512 and up */
int glimpse_onednn_fast_bf16(void);       /* in hardware */
int glimpse_onednn_prepare(glimpse_linear *linear, const glimpse_linear_spec *spec);
void glimpse_onednn_release(glimpse_linear *linear);
int glimpse_onednn_workspace_create(void **out);
void glimpse_onednn_workspace_free(void *workspace);
int glimpse_onednn_run(const glimpse_linear *linear, void *workspace, const void *x, size_t rows,
                       void *y);

#endif
