/*
 * math/numbers.h - numbers as a file of weights stores them.
 */
#ifndef GLIMPSE_MATH_NUMBERS_H
#define GLIMPSE_MATH_NUMBERS_H

#include "math/kernels/kernels.h"

#include <stddef.h>

/* Somewhere in a mapped file: any alignment. */
typedef struct glimpse_numbers {
    const void *data; /* NULL: absent */
    glimpse_dtype dtype;
    size_t count;
} glimpse_numbers;

void glimpse_numbers_to_f32(float *out, const glimpse_numbers *numbers);

#endif
