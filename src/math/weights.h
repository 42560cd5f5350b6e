/*
 * math/weights.h - the weights of a layer as one f32 matrix, for those who make another form of it.
 */
#ifndef GLIMPSE_MATH_WEIGHTS_H
#define GLIMPSE_MATH_WEIGHTS_H

#include "math/types.h"

/* All weights of `spec`, whatever their parts, type and order: out [spec->out][spec->in]. Fails
 * only for lack of memory. */
int glimpse_linear_gather(float *out, const glimpse_linear_spec *spec);

#endif
