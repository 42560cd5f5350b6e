/*
 * model/convolution.c - folds batch norm into convolutions, gathers patches, and multiplies.
 */
#include "model/convolution.h"

#include "core/error.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Patches gathered at a time: enough rows for the product to be fast, few enough bytes to stay in
 * the cache between gathering and multiplying where the kernel is small. Pieces begin at multiples
 * of TILE_STEP rows, which keeps every one on a 64-byte boundary in all element types. */
enum { TILE_BYTES = 2 << 20, TILE_STEP = 32, MIN_TILE_ROWS = 256 };

static double *doubles(glimpse_loader *l, size_t count) {
    double *numbers = malloc(count * sizeof *numbers);
    if (!numbers) l->status = glimpse_fail_nomem(count * sizeof *numbers, "weights");
    return numbers;
}

glimpse_batch_norm glimpse_load_batch_norm(glimpse_loader *l, size_t channels, double eps,
                                           const char *stem, const char *name) {
    static const char *const names[4] = {".weight", ".bias", ".running_mean", ".running_var"};
    glimpse_batch_norm norm = {NULL, NULL};
    char full[GLIMPSE_TENSOR_NAME_BYTES];
    float *values[4] = {NULL};
    (void)snprintf(full, sizeof full, "%s%s", stem, name);
    for (size_t i = 0; i < 4; i++)
        values[i] = glimpse_load_f32_copy(l, glimpse_load_vector(l, channels, full, names[i]));
    if (l->status < 0 || l->check_only) goto done;
    norm.scale = doubles(l, channels);
    norm.shift = doubles(l, channels);
    for (size_t c = 0; c < channels && l->status == GLIMPSE_OK; c++) {
        double variance = (double)values[3][c];
        if (!(variance >= 0)) {
            l->status = glimpse_fail(
                GLIMPSE_E_FORMAT, "%s: tensor \"%s%s\" has a variance of %g; the file is damaged",
                glimpse_tensors_path(l->tensors), full, names[3], variance);
            break;
        }
        norm.scale[c] = (double)values[0][c] / sqrt(variance + eps);
        norm.shift[c] = (double)values[1][c] - (double)values[2][c] * norm.scale[c];
    }
done:
    for (size_t i = 0; i < 4; i++)
        free(values[i]);
    if (l->status < 0) glimpse_batch_norm_release(&norm);
    return norm;
}

void glimpse_batch_norm_release(glimpse_batch_norm *norm) {
    free(norm->scale);
    free(norm->shift);
    *norm = (glimpse_batch_norm){NULL, NULL};
}

/* to [out][kernel * kernel][in] = from [out][in][kernel * kernel], scaled per output. */
static void fold(float *to, const float *from, const glimpse_convolution_shape *s,
                 const double *scale) {
    size_t area = s->kernel * s->kernel;
    for (size_t o = 0; o < s->out; o++) {
        double factor = scale ? scale[o] : 1.0;
        for (size_t i = 0; i < s->in; i++) {
            for (size_t k = 0; k < area; k++)
                to[(o * area + k) * s->in + i] =
                    (float)((double)from[(o * s->in + i) * area + k] * factor);
        }
    }
}

static void fold_bias(float *to, const float *bias, size_t out, const glimpse_batch_norm *norm) {
    for (size_t o = 0; o < out; o++) {
        double value = bias ? (double)bias[o] : 0.0;
        to[o] = (float)(norm ? value * norm->scale[o] + norm->shift[o] : value);
    }
}

int glimpse_convolution_create(glimpse_convolution *out, const glimpse_math *math,
                               const glimpse_convolution_shape *shape, const float *weights,
                               const float *bias, const glimpse_batch_norm *norm,
                               glimpse_prepared_weights *prepared) {
    size_t columns = shape->in * shape->kernel * shape->kernel, count = shape->out * columns;
    int biased = bias || norm;
    *out = (glimpse_convolution){.shape = *shape, .math = math};
    float *folded = malloc(count * sizeof *folded);
    float *biases = biased ? malloc(shape->out * sizeof *biases) : NULL;
    int status = GLIMPSE_OK;
    if (!folded || (biased && !biases)) {
        status = glimpse_fail_nomem(count * sizeof *folded, "the weights of a convolution");
        goto done;
    }
    fold(folded, weights, shape, norm ? norm->scale : NULL);
    if (biased) fold_bias(biases, bias, shape->out, norm);
    glimpse_linear_spec spec = {.in = columns,
                                .out = shape->out,
                                .weights = {{folded, GLIMPSE_DTYPE_F32, count}},
                                .biases = {{biases, GLIMPSE_DTYPE_F32, shape->out}},
                                .parts = 1,
                                .activation = shape->activation,
                                .accumulate = shape->accumulate,
                                .output = shape->output,
                                .exact = shape->exact,
                                .prepared = prepared};
    status = glimpse_linear_create(&out->product, math, &spec);
    if (status < 0) goto done;
    if (glimpse_linear_borrows(out->product, folded)) {
        out->weights = folded;
        folded = NULL;
    }
done:
    free(folded);
    free(biases);
    if (status < 0) *out = (glimpse_convolution){.product = NULL};
    return status;
}

glimpse_convolution glimpse_load_convolution(glimpse_loader *l,
                                             const glimpse_convolution_shape *shape,
                                             const char *stem, const char *name, int has_bias,
                                             const glimpse_batch_norm *norm) {
    glimpse_convolution convolution = {.product = NULL};
    size_t dims[4] = {shape->out, shape->in, shape->kernel, shape->kernel};
    char full[GLIMPSE_TENSOR_NAME_BYTES];
    (void)snprintf(full, sizeof full, "%s%s", stem, name);
    float *weights = glimpse_load_f32_copy(l, glimpse_load_numbers(l, 4, dims, "%s.weight", full));
    float *bias = has_bias
                      ? glimpse_load_f32_copy(l, glimpse_load_vector(l, shape->out, full, ".bias"))
                      : NULL;
    if (l->status == GLIMPSE_OK && !l->check_only) {
        l->status = glimpse_convolution_create(&convolution, l->math, shape, weights, bias, norm,
                                               l->prepared);
    }
    free(weights);
    free(bias);
    return convolution;
}

void glimpse_convolution_release(glimpse_convolution *convolution) {
    glimpse_linear_free(convolution->product);
    free(convolution->weights);
    *convolution = (glimpse_convolution){.product = NULL};
}

static size_t columns_of(const glimpse_convolution_shape *s) {
    return s->in * s->kernel * s->kernel;
}

size_t glimpse_convolution_memory(const glimpse_convolution *convolution) {
    const glimpse_convolution_shape *s = &convolution->shape;
    return glimpse_linear_memory(convolution->product) +
           (convolution->weights ? s->out * columns_of(s) * sizeof(float) : 0);
}

size_t glimpse_convolution_side(const glimpse_convolution_shape *shape, size_t side) {
    size_t padded = side + 2 * shape->padding;
    return padded < shape->kernel ? 0 : (padded - shape->kernel) / shape->stride + 1;
}

/* Nothing is gathered where the patches are what lies there. */
static int is_product(const glimpse_convolution_shape *s) {
    return s->kernel == 1 && s->stride == 1 && s->padding == 0;
}

static size_t tile_rows(const glimpse_convolution *c, size_t pixels) {
    size_t row = columns_of(&c->shape) * glimpse_element_size(c->math->element);
    size_t rows = TILE_BYTES / row / TILE_STEP * TILE_STEP;
    if (rows < MIN_TILE_ROWS) rows = MIN_TILE_ROWS;
    return rows < pixels ? rows : pixels;
}

size_t glimpse_convolution_patches(const glimpse_convolution *c, size_t pixels) {
    if (is_product(&c->shape)) return 0;
    return glimpse_padded_rows(tile_rows(c, pixels)) * columns_of(&c->shape) *
           glimpse_element_size(c->math->element);
}

typedef struct gather_task {
    const uint8_t *x;
    size_t height, width;         /* of x */
    size_t out_height, out_width; /* of y */
    size_t kernel, stride, padding;
    size_t pixel; /* bytes of one of x */
} gather_task;

/* One row of a patch: `kernel` pixels of row `y` from column `left` on, which may be outside. All
 * bits zero are the number zero in every element type. */
static void gather_row(const gather_task *t, uint8_t *out, const uint8_t *row, ptrdiff_t left) {
    ptrdiff_t first = left < 0 ? -left : 0;
    ptrdiff_t end = (ptrdiff_t)t->width - left;
    ptrdiff_t kernel = (ptrdiff_t)t->kernel;
    if (first > kernel) first = kernel;
    if (end > kernel) end = kernel;
    if (!row || end <= first) {
        memset(out, 0, t->kernel * t->pixel);
        return;
    }
    if (first > 0) memset(out, 0, (size_t)first * t->pixel);
    memcpy(out + (size_t)first * t->pixel, row + (size_t)(left + first) * t->pixel,
           (size_t)(end - first) * t->pixel);
    if (end < kernel) memset(out + (size_t)end * t->pixel, 0, (size_t)(kernel - end) * t->pixel);
}

/* The patches of pixels `from` .. `from` + `count` of y. */
static void gather(const gather_task *t, uint8_t *out, size_t from, size_t count) {
    size_t area = t->out_height * t->out_width, row_bytes = t->width * t->pixel;
    for (size_t p = from; p < from + count; p++) {
        size_t picture = p / area, oy = p % area / t->out_width, ox = p % t->out_width;
        const uint8_t *x = t->x + picture * t->height * row_bytes;
        ptrdiff_t top = (ptrdiff_t)(oy * t->stride) - (ptrdiff_t)t->padding;
        ptrdiff_t left = (ptrdiff_t)(ox * t->stride) - (ptrdiff_t)t->padding;
        for (size_t k = 0; k < t->kernel; k++, out += t->kernel * t->pixel) {
            ptrdiff_t y = top + (ptrdiff_t)k;
            int inside = y >= 0 && y < (ptrdiff_t)t->height;
            gather_row(t, out, inside ? x + (size_t)y * row_bytes : NULL, left);
        }
    }
}

int glimpse_convolution_run(const glimpse_convolution *c, glimpse_workspace *workspace,
                            void *patches, const void *x, size_t pictures, size_t height,
                            size_t width, void *y) {
    const glimpse_convolution_shape *s = &c->shape;
    if (is_product(s)) {
        return glimpse_linear_run(c->product, workspace, x, pictures * height * width, y);
    }
    const gather_task task = {.x = x,
                              .height = height,
                              .width = width,
                              .out_height = glimpse_convolution_side(s, height),
                              .out_width = glimpse_convolution_side(s, width),
                              .kernel = s->kernel,
                              .stride = s->stride,
                              .padding = s->padding,
                              .pixel = s->in * glimpse_element_size(c->math->element)};
    size_t pixels = pictures * task.out_height * task.out_width;
    size_t tile = tile_rows(c, pixels), row = s->out * glimpse_element_size(s->output);
    for (size_t done = 0; done < pixels; done += tile) {
        size_t count = pixels - done < tile ? pixels - done : tile;
        gather(&task, patches, done, count);
        int status =
            glimpse_linear_run(c->product, workspace, patches, count, (uint8_t *)y + done * row);
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

void glimpse_interleave_pixels(const glimpse_math *math, void *out, const float *pixels,
                               size_t side) {
    enum { CHUNK = 128 };
    float chunk[3 * CHUNK];
    size_t area = side * side, size = glimpse_element_size(math->element);
    for (size_t done = 0; done < area; done += CHUNK) {
        size_t count = area - done < CHUNK ? area - done : CHUNK;
        for (size_t i = 0; i < count; i++) {
            for (size_t c = 0; c < 3; c++)
                chunk[3 * i + c] = pixels[c * area + done + i];
        }
        math->kernels->convert((uint8_t *)out + 3 * done * size, math->element, chunk, 3 * count);
    }
}

void glimpse_average_pool(const glimpse_math *math, void *out, glimpse_element element,
                          const float *x, size_t pictures, size_t height, size_t width,
                          size_t channels, size_t step) {
    enum { CHUNK = 256 };
    float chunk[CHUNK];
    const float factor = 1.0f / (float)(step * step);
    uint8_t *target = out;
    for (size_t r = 0; r < pictures * (height / step); r++) {
        size_t picture = r / (height / step), top = r % (height / step) * step;
        for (size_t left = 0; left + step <= width; left += step) {
            const float *corner = x + ((picture * height + top) * width + left) * channels;
            for (size_t first = 0; first < channels; first += CHUNK) {
                size_t count = channels - first < CHUNK ? channels - first : CHUNK;
                for (size_t k = 0; k < step * step; k++) {
                    const float *from = corner + (k / step * width + k % step) * channels + first;
                    for (size_t c = 0; c < count; c++)
                        chunk[c] = k ? chunk[c] + from[c] : from[c];
                }
                for (size_t c = 0; c < count; c++)
                    chunk[c] *= factor;
                math->kernels->convert(target, element, chunk, count);
                target += count * glimpse_element_size(element);
            }
        }
    }
}
