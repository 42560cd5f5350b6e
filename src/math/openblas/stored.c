/*
 * math/openblas/stored.c - f32 products with weights as the file stores them, through OpenBLAS and
 * kernels of our own.
 *
 * F16 and BF16 weights stay what they are, in the mapped file: opening a model converts nothing and
 * takes no memory, and a text of a few tokens, for which reading the weights is all the work, reads
 * half of what f32 would need. Few rows go through a kernel that widens weights in registers; for
 * many, a piece of the matrix at a time is widened into a buffer that stays in the cache and is
 * multiplied by sgemm from there. Widening is exact, so the numbers are those of f32 weights.
 */
#include "math/openblas/stored.h"

#include "core/error.h"
#include "math/half.h"
#include "math/openblas/sgemm.h"
#include "math/weights.h"

#include <stdlib.h>
#include <string.h>

/* Measured on AVX2: up to about 30 rows the kernel for few rows is faster than sgemm, which packs
 * the weights anew at every call. */
enum { FEW_ROWS = 32, PIECE_FLOATS = 1 << 20 };

static size_t scratch_of(const glimpse_linear *linear) {
    size_t max = 0;
    for (size_t p = 0; p < linear->part_count; p++) {
        if (linear->parts[p].dtype == GLIMPSE_DTYPE_F32) continue;
        size_t rows = PIECE_FLOATS / linear->in;
        if (rows < 16) rows = 16;
        if (rows > linear->parts[p].rows) rows = linear->parts[p].rows;
        if (rows * linear->in > max) max = rows * linear->in;
    }
    return max * sizeof(float);
}

static int borrowable(const glimpse_linear_spec *spec, size_t p, int rounded) {
    const glimpse_numbers *w = &spec->weights[p];
    if (spec->transposed) return 0;
    if (rounded) return w->dtype == GLIMPSE_DTYPE_BF16;
    return w->dtype != GLIMPSE_DTYPE_F32 || (uintptr_t)w->data % sizeof(float) == 0;
}

static int load_weights(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    int rounded = linear->math->precision == GLIMPSE_PRECISION_BF16, borrow = 1;
    for (size_t p = 0; p < spec->parts; p++)
        borrow = borrow && borrowable(spec, p, rounded);
    if (borrow) {
        linear->part_count = spec->parts;
        for (size_t p = 0; p < spec->parts; p++) {
            linear->parts[p] = (glimpse_linear_part){spec->weights[p].data, spec->out / spec->parts,
                                                     spec->weights[p].dtype};
        }
        return GLIMPSE_OK;
    }
    /* One matrix of f32 or, where the precision is that, of numbers rounded to bf16. */
    size_t count = spec->out * spec->in;
    size_t bytes = count * (rounded ? sizeof(uint16_t) : sizeof(float));
    linear->part_count = 1;
    linear->parts[0] =
        (glimpse_linear_part){NULL, spec->out, rounded ? GLIMPSE_DTYPE_BF16 : GLIMPSE_DTYPE_F32};
    const void *ready = glimpse_prepared_find(spec->prepared, bytes);
    if (ready) {
        linear->parts[0].weights = ready;
        return GLIMPSE_OK;
    }
    linear->owned = malloc(count * sizeof(float));
    if (!linear->owned) {
        return glimpse_fail_nomem(count * sizeof(float), "the weights of a layer");
    }
    int status = glimpse_linear_gather(linear->owned, spec);
    if (status < 0) return status;
    if (rounded) {
        uint16_t *halves = malloc(bytes);
        if (!halves) return glimpse_fail_nomem(bytes, "the weights of a layer");
        linear->math->kernels->convert(halves, GLIMPSE_ELEMENT_BF16, linear->owned, count);
        free(linear->owned);
        linear->owned = halves;
    }
    linear->memory += bytes;
    linear->parts[0].weights = linear->owned;
    return glimpse_prepared_keep(spec->prepared, linear->owned, bytes);
}

/* y [rows][ldy] (+)= x W^T for weights that sgemm cannot read. */
static void widen_and_multiply(const glimpse_linear *linear, const glimpse_linear_part *part,
                               float *scratch, const float *x, size_t rows, float *y) {
    size_t step = PIECE_FLOATS / linear->in;
    if (step < 16) step = 16;
    for (size_t first = 0; first < part->rows; first += step) {
        size_t count = part->rows - first < step ? part->rows - first : step;
        glimpse_numbers piece = {(const uint8_t *)part->weights +
                                     first * linear->in * glimpse_dtype_size(part->dtype),
                                 part->dtype, count * linear->in};
        glimpse_numbers_to_f32(scratch, &piece);
        glimpse_openblas_rows(x, rows, linear->in, scratch, count, y + first, linear->out,
                              linear->accumulate);
    }
}

static int prepare(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    int status = load_weights(linear, spec);
    linear->scratch = scratch_of(linear);
    return status;
}

static int run(const glimpse_linear *linear, void *state, void *scratch, const void *x, size_t rows,
               void *y) {
    (void)state;
    float *result = y;
    size_t column = 0;
    for (size_t p = 0; p < linear->part_count; p++) {
        const glimpse_linear_part *part = &linear->parts[p];
        if (rows <= FEW_ROWS) {
            linear->math->kernels->few_rows(result + column, linear->out, x, rows, linear->in,
                                            part->weights, part->dtype, part->rows,
                                            linear->accumulate);
        } else if (part->dtype == GLIMPSE_DTYPE_F32) {
            glimpse_openblas_rows(x, rows, linear->in, part->weights, part->rows, result + column,
                                  linear->out, linear->accumulate);
        } else {
            widen_and_multiply(linear, part, scratch, x, rows, result + column);
        }
        column += part->rows;
    }
    if (linear->has_bias || linear->activation != GLIMPSE_ACTIVATION_NONE ||
        linear->output != GLIMPSE_ELEMENT_F32) {
        linear->math->kernels->bias_activation(result, linear->output, result, linear->bias,
                                               linear->activation, rows, linear->out);
    }
    return GLIMPSE_OK;
}

const glimpse_linear_ops glimpse_stored_layers = {.prepare = prepare, .run = run};
