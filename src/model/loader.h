/*
 * model/loader.h - taking the weights of a layer out of safetensors by name, with every shape
 * checked, and preparing them for the products of math/linear.h.
 *
 * A loader carries what every look-up needs and the first failure: after one, each call does
 * nothing and returns nothing, so that a tower is read as one list of statements and the status is
 * looked at once, at the end. Names are put together from a stem ("text_model.encoder.layers.3.")
 * and what follows it.
 */
#ifndef GLIMPSE_MODEL_LOADER_H
#define GLIMPSE_MODEL_LOADER_H

#include "core/error.h"
#include "math/linear.h"
#include "model/tensors.h"

typedef struct glimpse_loader {
    const glimpse_math *math;
    const glimpse_tensors *tensors;
    int status;
    glimpse_prepared_weights *prepared; /* NULL: none */
    int check_only; /* names and shapes are looked at, and nothing is prepared */
} glimpse_loader;

typedef struct glimpse_norm {
    float *gamma, *beta; /* [D], owned */
} glimpse_norm;

enum { GLIMPSE_TENSOR_NAME_BYTES = 256 };

/* The numbers of one tensor of exactly these dimensions, borrowed from the mapping. */
glimpse_numbers glimpse_load_numbers(glimpse_loader *l, size_t rank, const size_t *dims,
                                     const char *format, ...) GLIMPSE_PRINTF(4, 5);
glimpse_numbers glimpse_load_vector(glimpse_loader *l, size_t width, const char *stem,
                                    const char *name);
glimpse_numbers glimpse_load_matrix(glimpse_loader *l, size_t rows, size_t columns,
                                    const char *stem, const char *name);
/* A copy in f32, malloc'ed; NULL after a failure. */
float *glimpse_load_f32_copy(glimpse_loader *l, glimpse_numbers numbers);
/* NAME.weight and NAME.bias, each [width]. */
glimpse_norm glimpse_load_norm(glimpse_loader *l, size_t width, const char *stem, const char *name);
void glimpse_norm_release(glimpse_norm *norm);
/* After the last take: fails when a tensor whose name begins with `prefix` was not taken. The
 * configuration then tells of fewer layers, or of another architecture, than the file holds. */
void glimpse_load_require_all(glimpse_loader *l, const char *prefix);
/* A layer out of a specification filled by the calls above; NULL after a failure. */
glimpse_linear *glimpse_load_spec(glimpse_loader *l, const glimpse_linear_spec *spec);
/* NAME.weight [out][in] and NAME.bias [out] as one layer. */
glimpse_linear *glimpse_load_linear(glimpse_loader *l, size_t out, size_t in, const char *stem,
                                    const char *name, glimpse_activation activation, int accumulate,
                                    glimpse_element output);

#endif
