/*
 * math/int8/int8.c - int8 products: weights with a scale per output, inputs with a scale per row
 * (per token), found anew for every product.
 *
 *     s_o = max |W_o| / 127      q_ok = round(W_ok / s_o)
 *     t_i = max |x_i| / 127      p_ik = round(x_ik / t_i)
 *     y_io = (sum_k p_ik q_ok) * s_o * t_i + bias_o
 *
 * (symmetric dynamic quantisation; Dettmers et al. 2022 call it vector-wise). The sums are whole
 * numbers and exact whoever computes them - loops in C, the kernels, oneDNN on VNNI or AMX - so the
 * backends differ only in how the few operations behind the sum round.
 *
 * Kernels multiply pairs of 16-bit numbers (vpmaddwd): twice the rate of f32 at AVX2, and unlike
 * the 8-bit instruction of that set it cannot saturate.
 */
#include "math/int8/int8.h"

#include "core/error.h"
#include "math/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows at a time: their quantised form and their share of the result stay in the second-level
 * cache. A multiple of the kernels' 6. */
static size_t chunk_of(const glimpse_linear *linear) {
    size_t rows = (256u << 10) / (linear->padded * sizeof(int16_t)) / 6 * 6;
    return rows < 24 ? 24 : rows > 192 ? 192 : rows;
}

static size_t scratch_of(const glimpse_linear *linear) {
    size_t chunk = chunk_of(linear);
    return chunk * (linear->padded * sizeof(int16_t) + sizeof(float));
}

/* Where output `o`, input `k` lies among the panels. */
static size_t place(size_t panel, size_t padded, size_t o, size_t k) {
    return (o / panel * padded / 2 + k / 2) * panel * 2 + o % panel * 2 + k % 2;
}

void glimpse_int8_quantize_weights(float *weights, float *scales, size_t out, size_t in) {
    for (size_t o = 0; o < out; o++) {
        float *row = weights + o * in, top = 0;
        int finite = 1;
        for (size_t k = 0; k < in; k++) {
            top = fmaxf(top, fabsf(row[k]));
            finite = finite && isfinite(row[k]);
        }
        int something = finite && top > 1e-30f;
        /* Damaged weights stay visible: everything they touch is NaN. */
        scales[o] = something ? top / 127.0f : finite ? 0.0f : NAN;
        for (size_t k = 0; k < in; k++)
            row[k] = something ? rintf(row[k] * (127.0f / top)) : 0.0f;
    }
}

static int load_weights(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    size_t panel = linear->math->kernels->panel;
    size_t panels = (linear->out + panel - 1) / panel;
    linear->padded = (linear->in + 1) / 2 * 2;
    if (linear->padded >= 1u << 17) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a layer of %zu inputs is too wide for int8",
                            linear->in);
    }
    size_t numbers = panels * panel * linear->padded;
    /* Scales first: they want the alignment. */
    size_t bytes = linear->out * sizeof(float) + numbers;
    const uint8_t *ready = glimpse_prepared_find(spec->prepared, bytes);
    float *weights = NULL;
    int status = GLIMPSE_OK;
    if (!ready) {
        linear->owned = malloc(bytes);
        weights = malloc(linear->out * linear->in * sizeof *weights);
        if (!linear->owned || !weights) {
            status = glimpse_fail_nomem(bytes, "the weights of a layer");
            goto done;
        }
        status = glimpse_linear_gather(weights, spec);
        if (status < 0) goto done;
        float *scales = linear->owned;
        int8_t *target = (int8_t *)linear->owned + linear->out * sizeof(float);
        glimpse_int8_quantize_weights(weights, scales, linear->out, linear->in);
        memset(target, 0, numbers);
        for (size_t o = 0; o < linear->out; o++) {
            for (size_t k = 0; k < linear->in; k++)
                target[place(panel, linear->padded, o, k)] = (int8_t)weights[o * linear->in + k];
        }
        linear->memory += bytes;
        status = glimpse_prepared_keep(spec->prepared, linear->owned, bytes);
        ready = linear->owned;
    }
    linear->scales = (const float *)(const void *)ready;
    linear->panels = (const int8_t *)ready + linear->out * sizeof(float);
done:
    free(weights);
    return status;
}

static int prepare(glimpse_linear *linear, const glimpse_linear_spec *spec) {
    int status = load_weights(linear, spec);
    if (status == GLIMPSE_OK) linear->scratch = scratch_of(linear);
    return status;
}

static int run(const glimpse_linear *linear, void *state, void *scratch, const void *input,
               size_t rows, void *output) {
    (void)state;
    const float *x = input;
    float *y = output;
    const glimpse_kernels *kernels = linear->math->kernels;
    size_t chunk = chunk_of(linear);
    int16_t *numbers = scratch;
    float *row_scales = (float *)(void *)(numbers + chunk * linear->padded);
    for (size_t first = 0; first < rows; first += chunk) {
        size_t count = rows - first < chunk ? rows - first : chunk;
        float *result = y + first * linear->out;
        kernels->quantize(numbers, sizeof *numbers, row_scales, x + first * linear->in, count,
                          linear->in, linear->padded);
        kernels->int8_rows(result, linear->out, numbers, row_scales, count, linear->padded,
                           linear->panels, linear->scales, linear->bias, linear->out,
                           linear->accumulate);
        if (linear->activation != GLIMPSE_ACTIVATION_NONE) {
            kernels->bias_activation(result, GLIMPSE_ELEMENT_F32, result, NULL, linear->activation,
                                     count, linear->out);
        }
    }
    return GLIMPSE_OK;
}

const glimpse_linear_ops glimpse_int8_layers = {.prepare = prepare, .run = run};
