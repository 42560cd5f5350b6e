/*
 * model/loader.c - takes the weights of a layer out of safetensors by name, and checks their
 * shapes.
 */
#include "model/loader.h"

#include "math/half.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

glimpse_numbers glimpse_load_numbers(glimpse_loader *l, size_t rank, const size_t *dims,
                                     const char *format, ...) {
    glimpse_numbers numbers = {NULL, GLIMPSE_DTYPE_F32, 0};
    if (l->status < 0) return numbers;
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name, sizeof name, format, args);
    va_end(args);
    l->status = glimpse_tensors_load(&numbers, l->tensors, name, rank, dims);
    return numbers;
}

glimpse_numbers glimpse_load_vector(glimpse_loader *l, size_t width, const char *stem,
                                    const char *name) {
    return glimpse_load_numbers(l, 1, &width, "%s%s", stem, name);
}

glimpse_numbers glimpse_load_matrix(glimpse_loader *l, size_t rows, size_t columns,
                                    const char *stem, const char *name) {
    size_t dims[2] = {rows, columns};
    return glimpse_load_numbers(l, 2, dims, "%s%s", stem, name);
}

float *glimpse_load_f32_copy(glimpse_loader *l, glimpse_numbers numbers) {
    if (l->status < 0 || l->check_only) return NULL;
    float *copy = malloc(numbers.count * sizeof *copy);
    if (!copy) {
        l->status = glimpse_fail_nomem(numbers.count * sizeof *copy, "weights");
        return NULL;
    }
    glimpse_numbers_to_f32(copy, &numbers);
    return copy;
}

void glimpse_load_require_all(glimpse_loader *l, const char *prefix) {
    if (l->status < 0) return;
    const char *left = glimpse_tensors_left(l->tensors, prefix);
    if (!left) return;
    l->status = glimpse_fail(GLIMPSE_E_FORMAT,
                             "%s: tensor \"%s\" has no place in the model that the configuration "
                             "describes (as many layers? the same architecture?)",
                             glimpse_tensors_path(l->tensors), left);
}

glimpse_norm glimpse_load_norm(glimpse_loader *l, size_t width, const char *stem,
                               const char *name) {
    glimpse_norm norm;
    char full[GLIMPSE_TENSOR_NAME_BYTES];
    (void)snprintf(full, sizeof full, "%s%s", stem, name);
    norm.gamma = glimpse_load_f32_copy(l, glimpse_load_vector(l, width, full, ".weight"));
    norm.beta = glimpse_load_f32_copy(l, glimpse_load_vector(l, width, full, ".bias"));
    return norm;
}

glimpse_linear *glimpse_load_spec(glimpse_loader *l, const glimpse_linear_spec *spec) {
    glimpse_linear *linear = NULL;
    glimpse_linear_spec shelved = *spec;
    shelved.prepared = l->prepared;
    if (l->status == GLIMPSE_OK && !l->check_only)
        l->status = glimpse_linear_create(&linear, l->math, &shelved);
    return linear;
}

glimpse_linear *glimpse_load_linear(glimpse_loader *l, size_t out, size_t in, const char *stem,
                                    const char *name, glimpse_activation activation, int accumulate,
                                    glimpse_element output) {
    char full[GLIMPSE_TENSOR_NAME_BYTES];
    (void)snprintf(full, sizeof full, "%s%s", stem, name);
    glimpse_linear_spec spec = {.in = in,
                                .out = out,
                                .parts = 1,
                                .activation = activation,
                                .accumulate = accumulate,
                                .output = output};
    spec.weights[0] = glimpse_load_matrix(l, out, in, full, ".weight");
    spec.biases[0] = glimpse_load_vector(l, out, full, ".bias");
    return glimpse_load_spec(l, &spec);
}

void glimpse_norm_release(glimpse_norm *norm) {
    free(norm->gamma);
    free(norm->beta);
    *norm = (glimpse_norm){NULL, NULL};
}
