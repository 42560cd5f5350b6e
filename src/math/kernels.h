/*
 * math/kernels.h - everything a transformer does between its matrix products.
 *
 * One table of functions per instruction set. kernels_plain.c is the oracle: straightforward
 * loops, libm, double accumulators. kernels_simd.inc is one source of loops shaped for the
 * vectoriser, compiled once per instruction set (baseline, AVX2+FMA, AVX-512) and chosen at run
 * time. Tests compare each table with the plain one.
 *
 * Element types: activations that feed a matrix product are stored as the product wants them.
 *   F32    float
 *   BF16   uint16_t, for backends that multiply bf16 in hardware
 *   F32_BF float holding a number that bf16 can represent, for backends without such hardware
 */
#ifndef GLIMPSE_MATH_KERNELS_H
#define GLIMPSE_MATH_KERNELS_H

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
    GLIMPSE_ACTIVATION_GELU_TANH
} glimpse_activation;

typedef struct glimpse_kernels {
    const char *name; /* "plain", "baseline", "avx2", "avx512" */

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
} glimpse_kernels;

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
