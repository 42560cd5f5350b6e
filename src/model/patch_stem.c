/*
 * model/patch_stem.c - the convolutions of a stem as products.
 */
#include "model/patch_stem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Sides in cells of a patch. */
enum { CELLS = GLIMPSE_STEM_PATCH / GLIMPSE_STEM_CELL, CELL_PIXELS = 3 * 4 * 4 };

static const double norm_eps = 1e-5;

/* w [out][in][k][k] as [out][k][k][in]: what lies next to each other is a cell's channels. */
static void channels_last(float *to, const float *from, size_t out, size_t in, size_t area) {
    for (size_t o = 0; o < out; o++) {
        for (size_t c = 0; c < in; c++) {
            for (size_t i = 0; i < area; i++)
                to[(o * area + i) * in + c] = from[(o * in + c) * area + i];
        }
    }
}

/* bias [out] and, into the weights, what a batch norm does to each output. */
static void fold_norm(glimpse_loader *l, float *weights, float *bias, size_t out, size_t in,
                      const char *stem) {
    static const char *const names[4] = {"bn.weight", "bn.bias", "bn.running_mean",
                                         "bn.running_var"};
    float *parts[4] = {NULL, NULL, NULL, NULL};
    for (size_t i = 0; i < 4; i++)
        parts[i] = glimpse_load_f32_copy(l, glimpse_load_vector(l, out, stem, names[i]));
    for (size_t o = 0; l->status == GLIMPSE_OK && weights && o < out; o++) {
        double scale = (double)parts[0][o] / sqrt((double)parts[3][o] + norm_eps);
        bias[o] = (float)((double)parts[1][o] - (double)parts[2][o] * scale);
        for (size_t i = 0; i < in; i++)
            weights[o * in + i] = (float)((double)weights[o * in + i] * scale);
    }
    for (size_t i = 0; i < 4; i++)
        free(parts[i]);
}

static void load_layer(glimpse_patch_stem *stem, glimpse_loader *l, size_t index, size_t out,
                       const char *prefix) {
    const int first = index == 0, last = index + 1 == GLIMPSE_STEM_LAYERS;
    size_t in = first ? 3 : stem->channels, kernel = first ? GLIMPSE_STEM_CELL : 2;
    size_t dims[4] = {out, in, kernel, kernel}, count = in * kernel * kernel;
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%s.%zu.", prefix, index);
    float *loaded =
        glimpse_load_f32_copy(l, glimpse_load_numbers(l, 4, dims, "%sconv.weight", name));
    float *weights = NULL, *bias = NULL;
    if (l->status == GLIMPSE_OK && !l->check_only) {
        stem->weights[index] = weights = malloc(out * count * sizeof *weights);
        stem->biases[index] = bias = malloc(out * sizeof *bias);
        if (!weights || !bias) {
            l->status = glimpse_fail_nomem(out * (count + 1) * sizeof *weights, "weights");
            weights = NULL;
        }
    }
    /* Pixels are cut with their channels first, as the file has them. */
    if (weights) channels_last(weights, loaded, out, first ? 1 : in, first ? count : 4);
    free(loaded);
    glimpse_linear_spec spec = {.in = count,
                                .out = out,
                                .parts = 1,
                                .activation =
                                    last ? GLIMPSE_ACTIVATION_NONE : GLIMPSE_ACTIVATION_GELU,
                                .output = last ? GLIMPSE_ELEMENT_F32 : l->math->element};
    spec.weights[0] = (glimpse_numbers){weights, GLIMPSE_DTYPE_F32, out * count};
    if (last) {
        spec.biases[0] = glimpse_load_vector(l, out, name, "conv.bias");
    } else {
        fold_norm(l, weights, bias, out, count, name);
        spec.biases[0] = (glimpse_numbers){bias, GLIMPSE_DTYPE_F32, out};
    }
    stem->layers[index] = glimpse_load_spec(l, &spec);
}

void glimpse_stem_load(glimpse_patch_stem *stem, glimpse_loader *l, size_t width,
                       const char *prefix) {
    stem->channels = width / 4;
    load_layer(stem, l, 0, stem->channels, prefix);
    load_layer(stem, l, 1, stem->channels, prefix);
    load_layer(stem, l, 2, width, prefix);
}

void glimpse_stem_release(glimpse_patch_stem *stem) {
    for (size_t i = 0; i < GLIMPSE_STEM_LAYERS; i++) {
        glimpse_linear_free(stem->layers[i]);
        free(stem->weights[i]);
        free(stem->biases[i]);
    }
    *stem = (glimpse_patch_stem){.channels = 0};
}

size_t glimpse_stem_memory(const glimpse_patch_stem *stem) {
    size_t bytes = 0, c = stem->channels;
    if (!stem->layers[0]) return 0;
    for (size_t i = 0; i < GLIMPSE_STEM_LAYERS; i++)
        bytes += glimpse_linear_memory(stem->layers[i]);
    return bytes + (c * CELL_PIXELS + c * 4 * c + 4 * c * 4 * c) * sizeof(float);
}

void glimpse_stem_plan(glimpse_stem_work *work, glimpse_arena *arena, const glimpse_math *math,
                       const glimpse_patch_stem *stem, size_t max_patches) {
    size_t element = glimpse_element_size(math->element), cells = max_patches * CELLS * CELLS;
    work->pixels = glimpse_arena_alloc(arena, glimpse_padded_rows(cells) * CELL_PIXELS, element);
    work->cells = glimpse_arena_alloc(arena, glimpse_padded_rows(cells) * stem->channels, element);
    work->larger =
        glimpse_arena_alloc(arena, glimpse_padded_rows(cells / 4 + 3) * stem->channels, element);
}

void glimpse_stem_cut(const glimpse_stem_work *work, const glimpse_math *math, const float *pixels,
                      size_t side, size_t patch) {
    size_t grid = side / GLIMPSE_STEM_PATCH, element = glimpse_element_size(math->element);
    uint8_t *out = (uint8_t *)work->pixels + patch * CELLS * CELLS * CELL_PIXELS * element;
    for (size_t i = 0; i < grid * grid * CELLS * CELLS; i++) {
        /* Of the patch, of the larger cell inside, of the cell inside of that. */
        size_t p = i / 16, b = i / 4 % 4, s = i % 4;
        size_t y = (p / grid) * GLIMPSE_STEM_PATCH + (b / 2) * 8 + (s / 2) * GLIMPSE_STEM_CELL;
        size_t x = (p % grid) * GLIMPSE_STEM_PATCH + (b % 2) * 8 + (s % 2) * GLIMPSE_STEM_CELL;
        for (size_t c = 0; c < 3; c++, out += 16 * element) {
            math->kernels->convert_rows(out, GLIMPSE_STEM_CELL, math->element,
                                        pixels + (c * side + y) * side + x, side, GLIMPSE_STEM_CELL,
                                        GLIMPSE_STEM_CELL, GLIMPSE_STEM_CELL);
        }
    }
}

int glimpse_stem_run(const glimpse_stem_work *work, const glimpse_patch_stem *stem,
                     glimpse_workspace *workspace, size_t patches, float *out) {
    size_t cells = patches * CELLS * CELLS;
    int status = glimpse_linear_run(stem->layers[0], workspace, work->pixels, cells, work->cells);
    if (status < 0) return status;
    status = glimpse_linear_run(stem->layers[1], workspace, work->cells, cells / 4, work->larger);
    if (status < 0) return status;
    return glimpse_linear_run(stem->layers[2], workspace, work->larger, patches, out);
}
