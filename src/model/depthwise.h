/*
 * model/depthwise.h - depthwise convolutions of whole pictures, channels last.
 *
 *     x [rows][columns][C]  ->  out [rows'][columns'][M C],  rows' = (rows - 1) / stride + 1
 *
 * padded with zeros by half the kernel on every side. With M > 1 outputs for each input channel,
 * output m of channel c lies at m C + c, not at c M + m as in PyTorch's grouped convolutions: that
 * way each m is a depthwise convolution of its own. glimpse_depthwise_permute() gives weights that
 * follow the same order.
 */
#ifndef GLIMPSE_MODEL_DEPTHWISE_H
#define GLIMPSE_MODEL_DEPTHWISE_H

#include "math/types.h"
#include "model/fold.h"

typedef struct glimpse_depthwise {
    size_t channels, multiplier;
    size_t kernel_rows, kernel_columns; /* odd */
    size_t stride;
    float *weights; /* [multiplier][kernel_rows][kernel_columns][channels], owned */
    float *bias;    /* [multiplier][channels], owned */
} glimpse_depthwise;

enum { GLIMPSE_DEPTHWISE_KERNEL = 31 }; /* the largest side of a kernel */

/* From a folded convolution with one input for each output: out is a multiple of `channels`. */
void glimpse_depthwise_load(glimpse_depthwise *depthwise, glimpse_loader *l,
                            const glimpse_fold *fold, size_t channels, size_t stride);
void glimpse_depthwise_release(glimpse_depthwise *depthwise); /* a zeroed one is fine */
size_t glimpse_depthwise_memory(const glimpse_depthwise *depthwise);

/* Where output o = c M + m of PyTorch's order lies here. */
static inline size_t glimpse_depthwise_permute(size_t o, size_t channels, size_t multiplier) {
    return o % multiplier * channels + o / multiplier;
}
static inline size_t glimpse_depthwise_side(const glimpse_depthwise *depthwise, size_t side) {
    return (side - 1) / depthwise->stride + 1;
}

/* Floats of scratch that a run wants for a picture of so many columns. */
size_t glimpse_depthwise_scratch(const glimpse_depthwise *depthwise, size_t columns);
/* out as `element` says and behind `activation`; not x. */
void glimpse_depthwise_run(const glimpse_depthwise *depthwise, const glimpse_kernels *kernels,
                           const float *x, size_t rows, size_t columns, void *out,
                           glimpse_element element, glimpse_activation activation, float *scratch);

#endif
