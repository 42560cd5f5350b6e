/*
 * math/backend.h - what the backends of linear.h fill in.
 */
#ifndef GLIMPSE_MATH_BACKEND_H
#define GLIMPSE_MATH_BACKEND_H

#include "math/linear.h"

typedef struct glimpse_linear_part {
    const void *weights; /* [rows][in]; plain: f32, or [in][rows] when transposed */
    size_t rows;
    glimpse_dtype dtype;
} glimpse_linear_part;

/* Who computes a layer. */
typedef enum glimpse_way {
    GLIMPSE_WAY_PLAIN,  /* loops in C */
    GLIMPSE_WAY_STORED, /* openblas/stored.c: OpenBLAS and the kernel for few rows */
    GLIMPSE_WAY_INT8,   /* int8/int8.c: the kernels' own products, plain ones included */
    GLIMPSE_WAY_ONEDNN
} glimpse_way;

struct glimpse_linear {
    const glimpse_math *math;
    size_t in, out;
    glimpse_activation activation;
    int accumulate, transposed, has_bias;
    glimpse_element output;
    glimpse_way way;
    float *bias;    /* [out], owned; zeros when the layer has none */
    void *owned;    /* prepared weights that are not the file's or the cache's, or NULL */
    size_t memory;  /* owned bytes */
    size_t scratch; /* bytes that a run needs in its workspace */
    /* plain and stored */
    glimpse_linear_part parts[GLIMPSE_LINEAR_PARTS];
    size_t part_count;
    /* int8, onednn as well */
    size_t padded;        /* in, made even */
    const int8_t *panels; /* kernels.h */
    const float *scales;  /* [out] */
    /* onednn */
    void *prepared;
};

/* All weights of `spec` as f32 [out][in]. */
int glimpse_linear_gather(float *out, const glimpse_linear_spec *spec);

void glimpse_linear_run_plain(const glimpse_linear *linear, const float *x, size_t rows, void *y);

int glimpse_stored_prepare(glimpse_linear *linear, const glimpse_linear_spec *spec);
size_t glimpse_stored_scratch(const glimpse_linear *linear);
int glimpse_stored_run(const glimpse_linear *linear, float *scratch, const float *x, size_t rows,
                       void *y);

int glimpse_int8_prepare(glimpse_linear *linear, const glimpse_linear_spec *spec);
size_t glimpse_int8_scratch(const glimpse_linear *linear);
size_t glimpse_int8_chunk(const glimpse_linear *linear); /* rows at a time */
int glimpse_int8_run(const glimpse_linear *linear, void *scratch, const float *x, size_t rows,
                     float *y);
/* weights [out][in] become whole numbers -127..127, scales [out] what to multiply them with. */
void glimpse_int8_quantize_weights(float *weights, float *scales, size_t out, size_t in);

/* y [rows][ldy] = (or +=) x [rows][in] * w [out][in]^T. */
void glimpse_sgemm_rows(const float *x, size_t rows, size_t in, const float *w, size_t out,
                        float *y, size_t ldy, int accumulate);
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
int glimpse_onednn_fast_int8(void);       /* in hardware, exactly: VNNI or AMX */
/* linear.c: whether attention goes through bf16 products on the matrix units. */
int glimpse_attends_in_bf16(const glimpse_math *math);
/* self_test.c: 1 when a small layer and attention come out as they should; the verdict of the first
 * call is kept for the process. */
int glimpse_onednn_trusted(glimpse_precision precision);
int glimpse_onednn_agrees(glimpse_precision precision); /* the test itself */
int glimpse_onednn_prepare(glimpse_linear *linear, const glimpse_linear_spec *spec);
void glimpse_onednn_release(glimpse_linear *linear);
int glimpse_onednn_workspace_create(void **out);
void glimpse_onednn_workspace_free(void *workspace);
int glimpse_onednn_run(const glimpse_linear *linear, void *workspace, void *scratch, const void *x,
                       size_t rows, void *y);
size_t glimpse_onednn_scratch(const glimpse_linear *linear);

#endif
