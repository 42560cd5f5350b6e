/*
 * math/onednn/layers.h - layers through oneDNN: f32, bf16 and int8.
 */
#ifndef GLIMPSE_MATH_ONEDNN_LAYERS_H
#define GLIMPSE_MATH_ONEDNN_LAYERS_H

#include "math/backend.h"

/* The primitives that a worker has made, and their scratchpad. One thread at a time. */
typedef struct glimpse_onednn_products glimpse_onednn_products;
int glimpse_onednn_products_create(glimpse_onednn_products **out);
void glimpse_onednn_products_free(glimpse_onednn_products *products);

/* As in glimpse_linear_ops. */
int glimpse_onednn_prepare(glimpse_linear *linear, const glimpse_linear_spec *spec);
int glimpse_onednn_run(const glimpse_linear *linear, glimpse_onednn_products *products,
                       void *scratch, const void *x, size_t rows, void *y);
void glimpse_onednn_release(glimpse_linear *linear);

#endif
