/*
 * math/int8/int8.h - int8 layers by our own kernels, and what every way of int8 starts from.
 */
#ifndef GLIMPSE_MATH_INT8_INT8_H
#define GLIMPSE_MATH_INT8_INT8_H

#include "math/backend.h"

/* Any backend's: the sums are exact, and the kernels are those of the glimpse_math. */
extern const glimpse_linear_ops glimpse_int8_layers;

/* weights [out][in] become whole numbers -127..127, scales [out] what to multiply them with. */
void glimpse_int8_quantize_weights(float *weights, float *scales, size_t out, size_t in);

#endif
