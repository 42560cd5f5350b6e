/*
 * math/kernels/kernels.h - everything a transformer does between its matrix products.
 *
 * One table of functions per instruction set. plain.c is the oracle: straightforward
 * loops, libm, double accumulators. simd.inc is one source in the compiler's vector types,
 * compiled once per instruction set (baseline, AVX2+FMA, AVX-512) and chosen at run time. Tests
 * compare each table with the plain one.
 *
 * Element types: activations that feed a matrix product are stored as the product wants them.
 *   F32    float
 *   BF16   uint16_t, for backends that multiply bf16 in hardware
 *   F32_BF float holding a number that bf16 can represent, for backends without such hardware
 */
#ifndef GLIMPSE_MATH_KERNELS_KERNELS_H
#define GLIMPSE_MATH_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef enum glimpse_element {
    GLIMPSE_ELEMENT_F32 = 0,
    GLIMPSE_ELEMENT_BF16,
    GLIMPSE_ELEMENT_F32_BF
} glimpse_element;

static inline size_t glimpse_element_size(glimpse_element element) {
    return element == GLIMPSE_ELEMENT_BF16 ? sizeof(uint16_t) : sizeof(float);
}

typedef enum glimpse_activation {
    GLIMPSE_ACTIVATION_NONE = 0,
    GLIMPSE_ACTIVATION_QUICK_GELU, /* x * sigmoid(1.702 x), openai/CLIP */
    GLIMPSE_ACTIVATION_GELU,       /* x * (1 + erf(x / sqrt 2)) / 2, Hendrycks & Gimpel 2016 */
    /* Its approximation in the same paper, x * (1 + tanh(u)) / 2 with
     * u = sqrt(2 / pi) * (x + 0.044715 x^3); up to 5e-4 away from the one above. */
    GLIMPSE_ACTIVATION_GELU_TANH,
    GLIMPSE_ACTIVATION_RELU /* max(x, 0) */
} glimpse_activation;

/* How weights are stored in a file. */
typedef enum glimpse_dtype {
    GLIMPSE_DTYPE_F32,
    GLIMPSE_DTYPE_F16,
    GLIMPSE_DTYPE_BF16
} glimpse_dtype;

static inline size_t glimpse_dtype_size(glimpse_dtype dtype) {
    return dtype == GLIMPSE_DTYPE_F32 ? 4 : 2;
}

enum { GLIMPSE_ATTENTION_KEYS = 64 }; /* of one tile */

/* One row of a depthwise convolution, channels last: what goes into it. */
typedef struct glimpse_depthwise_row {
    const float *const *rows;    /* [taps] input rows of [columns'][channels] */
    const float *const *weights; /* [taps] their weights, each [kernel][channels] */
    const float *bias;           /* [channels] */
    size_t taps, kernel;         /* of the kernel: rows that take part, columns */
    size_t stride;               /* input columns from one output column to the next */
    size_t columns, channels;    /* of the output */
} glimpse_depthwise_row;

typedef struct glimpse_kernels {
    const char *name; /* "plain", "baseline", "avx2", "avx512" */
    size_t panel;     /* outputs in one panel of int8 weights */

    /* out [rows][width] (of `element`) = (x - mean) / sqrt(variance + eps) * gamma + beta over
     * each row of x [rows][width]; population variance (Ba et al. 2016). */
    void (*layer_norm)(void *out, glimpse_element element, const float *x, const float *gamma,
                       const float *beta, float eps, size_t rows, size_t width);

    /* In place on x [rows][stride]: softmax over the first `width` entries of each row. With
     * `causal_first` >= 0, row i sees only entries 0 .. causal_first + i; the others become 0. */
    void (*softmax)(float *x, size_t rows, size_t width, size_t stride, ptrdiff_t causal_first);

    /* out [rows][width] = activation(x + bias), bias [width] may be NULL; out may be x when
     * element is not BF16. Rows of x and of out are `width` apart. */
    void (*bias_activation)(void *out, glimpse_element element, const float *x, const float *bias,
                            glimpse_activation activation, size_t rows, size_t width);

    /* out [count] = x [count] converted; out may be x for F32_BF. */
    void (*convert)(void *out, glimpse_element element, const float *x, size_t count);

    /* Rows of x, `x_stride` apart, converted to rows of out, `out_stride` elements apart, with
     * zeros from width to padded. */
    void (*convert_rows)(void *out, size_t out_stride, glimpse_element element, const float *x,
                         size_t x_stride, size_t rows, size_t width, size_t padded);

    /* y [rows][ldy] = (or, accumulating, +=) x [rows][in] * W [out][in]^T, with the weights as a
     * file stores them: F32 aligned, F16 and BF16 anywhere. For few rows, where reading the weights
     * is what takes the time: nothing is packed or converted in memory. */
    void (*few_rows)(float *y, size_t ldy, const float *x, size_t rows, size_t in,
                     const void *weights, glimpse_dtype dtype, size_t out, int accumulate);

    /* Rows of x [rows][width] to whole numbers -127..127, each row with a scale of its own: the
     * largest magnitude / 127 (0 for a row of nothing but zeros or what is below 1e-30, NaN for one
     * with a number that is not finite); out [rows][padded], of int8 or int16 as `bytes` says, is
     * filled up with zeros. */
    void (*quantize)(void *out, size_t bytes, float *scales, const float *x, size_t rows,
                     size_t width, size_t padded);

    /* y [rows][ldy] = (or +=) (x W^T)[i][o] * (scales[o] * row_scales[i]) + bias[o]; x
     * [rows][padded] from quantize(), padded even; sums of the whole numbers are exact (padded <
     * 2^17). The weights are int8 in panels of `panel` outputs, the last one filled up with zeros:
     *     panels [out / panel][padded / 2][panel][2] */
    void (*int8_rows)(float *y, size_t ldy, const int16_t *x, const float *row_scales, size_t rows,
                      size_t padded, const int8_t *panels, const float *scales, const float *bias,
                      size_t out, int accumulate);

    /* The second half of int8_rows() for whole numbers that somebody else summed: sums [rows][out]
     * into y [rows][out], = or += activation(...). */
    void (*int8_finish)(float *y, const int32_t *sums, const float *row_scales, size_t rows,
                        const float *scales, const float *bias, size_t out,
                        glimpse_activation activation, int accumulate);

    /* One head of attention: out [queries][head] = softmax(q k^T * scale) v over `keys` keys and
     * values, in tiles of GLIMPSE_ATTENTION_KEYS with a running softmax: nothing of the size
     * queries x keys is stored (Dao et al. 2022). Rows of q, k, v are `stride` apart, those of out
     * `out_stride`. `causal_first` as in softmax. `scratch` has glimpse_attention_scratch() floats.
     */
    void (*attention)(float *out, size_t out_stride, const float *q, const float *k, const float *v,
                      size_t stride, size_t queries, size_t keys, size_t head, float scale,
                      ptrdiff_t causal_first, float *scratch);

    /* A gated MLP (Shazeer 2020): out [rows][width] = silu(g) * u of each row [g, u]
     * of x [rows][2 width], with silu(g) = g * sigmoid(g); out may be x when element is F32. */
    void (*swiglu)(void *out, glimpse_element element, const float *x, size_t rows, size_t width);

    /* out[i][c] = bias[c] + sum over r, k of rows[r][i stride + k][c] weights[r][k][c]; columns of
     * out are `out_stride` floats apart. Input rows reach as far as the last column looks: padding
     * is in them, or its rows are left out. */
    void (*depthwise)(float *out, size_t out_stride, const glimpse_depthwise_row *row);
} glimpse_kernels;

/* Floats that attention() needs for this many queries (plain: keys) at most. */
static inline size_t glimpse_attention_scratch(size_t max, size_t head) {
    size_t wide = (head + 31) / 32 * 32;
    return (2 * wide + 64) * GLIMPSE_ATTENTION_KEYS + max * (wide + 2);
}

extern const glimpse_kernels glimpse_kernels_plain;
extern const glimpse_kernels glimpse_kernels_baseline;

/* The best table for this CPU. GLIMPSE_CPU=baseline|avx2|avx512 in the environment lowers the
 * choice, for measuring. */
const glimpse_kernels *glimpse_kernels_best(void);
/* All tables this CPU can run, plain first, ended by NULL. */
const glimpse_kernels *const *glimpse_kernels_all(void);

/* Scales x [count] to unit length (double accumulation). A zero or non-finite vector is left as it
 * is and 0 is returned; else 1. */
int glimpse_normalize(float *x, size_t count);

#endif
