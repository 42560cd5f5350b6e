/*
 * math/types.h - what says how to multiply, and what a layer of a network is: for those who make
 * layers (linear.h) and for the backends that compute them (backend.h).
 */
#ifndef GLIMPSE_MATH_TYPES_H
#define GLIMPSE_MATH_TYPES_H

#include "math/kernels/kernels.h"
#include "math/numbers.h"
#include "math/prepared_weights.h"

#include <glimpse/compute.h>

#include <stddef.h>

/* Who multiplies, in which precision, and of which element type the inputs of products are
 * (kernels.h): the kernels that produce an input store it that way, so that no product converts
 * anything. Filled by glimpse_math_init() (init.h), immutable after. */
typedef struct glimpse_math {
    glimpse_backend backend;     /* not AUTO */
    glimpse_precision precision; /* not AUTO */
    glimpse_element element;     /* of the inputs of products */
    const glimpse_kernels *kernels;
} glimpse_math;

enum { GLIMPSE_LINEAR_PARTS = 3 };

typedef struct glimpse_linear_spec {
    size_t in, out; /* K, N */
    /* W in up to three parts stacked along N (q, k, v), each [N / parts][K] row-major. */
    glimpse_numbers weights[GLIMPSE_LINEAR_PARTS];
    glimpse_numbers biases[GLIMPSE_LINEAR_PARTS]; /* data NULL: no bias */
    size_t parts;
    int transposed; /* the single part is stored as [K][N] */
    glimpse_activation activation;
    int accumulate;         /* y += instead of y = ; then there is no activation and y is f32 */
    glimpse_element output; /* element type of y */
    int exact;              /* f32 even when the precision is int8: small last layers */
    /* where prepared weights come from or go to; NULL: nowhere */
    glimpse_prepared_weights *prepared;
} glimpse_linear_spec;

/* Products may be computed for rows rounded up to a multiple of this: buffers of x and y need the
 * room, and what is in the extra rows of x must be finite or at least initialised. */
enum { GLIMPSE_ROW_STEP = 16 };
static inline size_t glimpse_padded_rows(size_t rows) {
    return (rows + GLIMPSE_ROW_STEP - 1) / GLIMPSE_ROW_STEP * GLIMPSE_ROW_STEP;
}

#endif
