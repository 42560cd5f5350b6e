/*
 * model/convolution.h - convolutions as the products of math/linear.h, with the batch norm that
 * follows them folded into their weights.
 *
 * Activations lie as [pixels][channels]: pictures behind each other, each row by row, so that a
 * convolution with a kernel of 1 x 1 is a product of what lies there. A larger kernel is a product
 * of gathered patches
 *
 *     y [pixels of y][out] = patches [pixels of y][kernel * kernel * in] * W [out][kernel * kernel
 * * in]^T
 *
 * a piece of them at a time, in a buffer of bounded size. Weights, [out][in][kernel][kernel] in a
 * file, are put into the order of the patches when they are loaded.
 *
 * Batch norm (Ioffe & Szegedy 2015), as it is after training, is one scale and shift per channel:
 *
 *     scale = gamma / sqrt(variance + eps)       shift = beta - mean * scale
 *     norm(W x + b) = (scale W) x + (scale b + shift)
 */
#ifndef GLIMPSE_MODEL_CONVOLUTION_H
#define GLIMPSE_MODEL_CONVOLUTION_H

#include "math/linear.h"
#include "model/loader.h"

typedef struct glimpse_batch_norm {
    double *scale, *shift; /* [channels], owned; NULL after a failure and when only checking */
} glimpse_batch_norm;

/* NAME.weight, NAME.bias, NAME.running_mean and NAME.running_var, each [channels]. */
glimpse_batch_norm glimpse_load_batch_norm(glimpse_loader *l, size_t channels, double eps,
                                           const char *stem, const char *name);
void glimpse_batch_norm_release(glimpse_batch_norm *norm);

typedef struct glimpse_convolution_shape {
    size_t in, out; /* channels */
    size_t kernel, stride, padding;
    glimpse_activation activation;
    int accumulate;         /* y += instead of y =, as in glimpse_linear_spec */
    glimpse_element output; /* of y */
    int exact;              /* f32 even when the precision is int8 */
} glimpse_convolution_shape;

typedef struct glimpse_convolution {
    glimpse_convolution_shape shape;
    const glimpse_math *math;
    glimpse_linear *product;
    float *weights; /* folded, where the product uses them in place; else NULL */
} glimpse_convolution;

/* weights [out][in][kernel][kernel] and bias [out] or NULL, in f32 and copied; `norm` may be NULL.
 * Folded in double. `prepared` as in glimpse_linear_spec. */
int glimpse_convolution_create(glimpse_convolution *out, const glimpse_math *math,
                               const glimpse_convolution_shape *shape, const float *weights,
                               const float *bias, const glimpse_batch_norm *norm,
                               glimpse_prepared_weights *prepared);
/* NAME.weight and, with `has_bias`, NAME.bias. Zeroed after a failure and when only checking. */
glimpse_convolution glimpse_load_convolution(glimpse_loader *l,
                                             const glimpse_convolution_shape *shape,
                                             const char *stem, const char *name, int has_bias,
                                             const glimpse_batch_norm *norm);
void glimpse_convolution_release(glimpse_convolution *convolution); /* a zeroed one is fine */
size_t glimpse_convolution_memory(const glimpse_convolution *convolution); /* bytes owned */

/* Pixels per side of y where x has `side`; 0 when the kernel does not fit. */
size_t glimpse_convolution_side(const glimpse_convolution_shape *shape, size_t side);
/* Bytes of `patches` that a run which makes `pixels` of y needs, all pictures together. */
size_t glimpse_convolution_patches(const glimpse_convolution *convolution, size_t pixels);
/* x [pictures][height][width][in] of math->element into y of shape.output. Both 64-byte aligned and
 * with the room of glimpse_padded_rows(); `patches` has the bytes above, 64-byte aligned. */
int glimpse_convolution_run(const glimpse_convolution *convolution, glimpse_workspace *workspace,
                            void *patches, const void *x, size_t pictures, size_t height,
                            size_t width, void *y);

/* pixels [3][side][side], as pictures are normalised, into out [side * side][3] of math->element.
 */
void glimpse_interleave_pixels(const glimpse_math *math, void *out, const float *pixels,
                               size_t side);
/* The means of squares of `step` x `step` pixels: x [pictures][height][width][channels] into out,
 * of `element`. Pixels beyond the last whole square are not looked at. */
void glimpse_average_pool(const glimpse_math *math, void *out, glimpse_element element,
                          const float *x, size_t pictures, size_t height, size_t width,
                          size_t channels, size_t step);

#endif
