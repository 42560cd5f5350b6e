/*
 * math/openblas/stored.h - f32 layers (bf16: of rounded operands) with weights as the file stores
 * them.
 */
#ifndef GLIMPSE_MATH_OPENBLAS_STORED_H
#define GLIMPSE_MATH_OPENBLAS_STORED_H

#include "math/backend.h"

/* Needs glimpse_openblas_start(). */
extern const glimpse_linear_ops glimpse_stored_layers;

#endif
