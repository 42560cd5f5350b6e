/*
 * model/depthwise.c - depthwise convolutions of whole pictures, row by row.
 *
 * Input rows are copied between margins of zeros into a ring of as many rows as the kernel has, so
 * that the kernel of math/kernels.h knows no edges. Rows above and below the picture are left out.
 */
#include "model/depthwise.h"

#include <stdlib.h>
#include <string.h>

void glimpse_depthwise_load(glimpse_depthwise *depthwise, glimpse_loader *l,
                            const glimpse_fold *fold, size_t channels, size_t stride) {
    *depthwise = (glimpse_depthwise){.channels = channels,
                                     .multiplier = fold->out / channels,
                                     .kernel_rows = fold->rows,
                                     .kernel_columns = fold->columns,
                                     .stride = stride};
    if (l->status < 0 || l->check_only) return;
    size_t taps = fold->rows * fold->columns;
    depthwise->weights = malloc(fold->out * taps * sizeof(float));
    depthwise->bias = malloc(fold->out * sizeof(float));
    if (!depthwise->weights || !depthwise->bias) {
        l->status = glimpse_fail_nomem(fold->out * (taps + 1) * sizeof(float), "weights");
        return;
    }
    for (size_t o = 0; o < fold->out; o++) {
        size_t place = glimpse_depthwise_permute(o, channels, depthwise->multiplier);
        size_t m = place / channels, c = place % channels;
        depthwise->bias[place] = (float)fold->bias[o];
        for (size_t k = 0; k < taps; k++)
            depthwise->weights[(m * taps + k) * channels + c] = (float)fold->weights[o * taps + k];
    }
}

void glimpse_depthwise_release(glimpse_depthwise *depthwise) {
    free(depthwise->weights);
    free(depthwise->bias);
    *depthwise = (glimpse_depthwise){.weights = NULL};
}

size_t glimpse_depthwise_memory(const glimpse_depthwise *d) {
    return d->weights ? d->multiplier * d->channels * (d->kernel_rows * d->kernel_columns + 1) *
                            sizeof(float)
                      : 0;
}

static size_t ring_row(const glimpse_depthwise *d, size_t columns) {
    return (columns + d->kernel_columns - 1) * d->channels;
}

size_t glimpse_depthwise_scratch(const glimpse_depthwise *d, size_t columns) {
    return d->kernel_rows * ring_row(d, columns) +
           glimpse_depthwise_side(d, columns) * d->multiplier * d->channels;
}

void glimpse_depthwise_run(const glimpse_depthwise *d, const glimpse_kernels *kernels,
                           const float *x, size_t rows, size_t columns, void *out,
                           glimpse_element element, glimpse_activation activation, float *scratch) {
    size_t channels = d->channels, width = d->multiplier * channels;
    size_t above = d->kernel_rows / 2, margin = d->kernel_columns / 2 * channels;
    size_t row_floats = ring_row(d, columns), taps = d->kernel_rows * d->kernel_columns;
    size_t out_rows = glimpse_depthwise_side(d, rows),
           out_columns = glimpse_depthwise_side(d, columns);
    float *line = scratch + d->kernel_rows * row_floats;
    const float *inputs[GLIMPSE_DEPTHWISE_KERNEL], *weights[GLIMPSE_DEPTHWISE_KERNEL];
    size_t copied = 0; /* input rows that have been in the ring */
    memset(scratch, 0, d->kernel_rows * row_floats * sizeof(float));
    for (size_t i = 0; i < out_rows; i++) {
        /* Row `first` of the padded picture meets row 0 of the kernel. */
        size_t first = i * d->stride;
        size_t from = first < above ? above - first : 0;
        size_t to = first + d->kernel_rows > rows + above ? rows + above - first : d->kernel_rows;
        for (; copied < first + to - above; copied++) {
            memcpy(scratch + copied % d->kernel_rows * row_floats + margin,
                   x + copied * columns * channels, columns * channels * sizeof(float));
        }
        uint8_t *target = (uint8_t *)out + i * out_columns * width * glimpse_element_size(element);
        float *sums = element == GLIMPSE_ELEMENT_F32 ? (float *)(void *)target : line;
        for (size_t m = 0; m < d->multiplier; m++) {
            for (size_t r = from; r < to; r++) {
                inputs[r - from] = scratch + (first + r - above) % d->kernel_rows * row_floats;
                weights[r - from] = d->weights + (m * taps + r * d->kernel_columns) * channels;
            }
            glimpse_depthwise_row row = {inputs,      weights,           d->bias + m * channels,
                                         to - from,   d->kernel_columns, d->stride,
                                         out_columns, channels};
            kernels->depthwise(sums + m * channels, width, &row);
        }
        if (activation != GLIMPSE_ACTIVATION_NONE) {
            kernels->bias_activation(target, element, sums, NULL, activation, out_columns, width);
        } else if (element != GLIMPSE_ELEMENT_F32) {
            kernels->convert(target, element, sums, out_columns * width);
        }
    }
}
