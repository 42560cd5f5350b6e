/*
 * plain_convolution.c - six nested loops.
 */
#include "support/plain_convolution.h"

#include <math.h>

size_t plain_convolution_side(const plain_convolution *c, size_t side) {
    return (side + 2 * c->padding - c->kernel) / c->stride + 1;
}

static double at(const plain_convolution *c, const double *plane, ptrdiff_t y, ptrdiff_t x) {
    if (y < 0 || x < 0 || y >= (ptrdiff_t)c->height || x >= (ptrdiff_t)c->width) return 0.0;
    return plane[(size_t)y * c->width + (size_t)x];
}

static double output(const plain_convolution *c, const double *x, size_t o, size_t oy, size_t ox) {
    size_t inputs = c->in / c->groups, group = o / (c->out / c->groups),
           area = c->kernel * c->kernel;
    double sum = c->bias ? (double)c->bias[o] : 0.0;
    for (size_t i = 0; i < inputs; i++) {
        const double *plane = x + (group * inputs + i) * c->height * c->width;
        for (size_t k = 0; k < area; k++) {
            ptrdiff_t py = (ptrdiff_t)(oy * c->stride + k / c->kernel) - (ptrdiff_t)c->padding;
            ptrdiff_t px = (ptrdiff_t)(ox * c->stride + k % c->kernel) - (ptrdiff_t)c->padding;
            sum += (double)c->weights[(o * inputs + i) * area + k] * at(c, plane, py, px);
        }
    }
    return sum;
}

void plain_convolution_run(const plain_convolution *c, double *y, const double *x) {
    size_t height = plain_convolution_side(c, c->height);
    size_t width = plain_convolution_side(c, c->width);
    for (size_t o = 0; o < c->out; o++) {
        for (size_t oy = 0; oy < height; oy++) {
            for (size_t ox = 0; ox < width; ox++)
                y[(o * height + oy) * width + ox] = output(c, x, o, oy, ox);
        }
    }
}

void plain_batch_norm(double *x, size_t channels, size_t area, const float *gamma,
                      const float *beta, const float *mean, const float *variance, double eps) {
    for (size_t c = 0; c < channels; c++) {
        double deviation = sqrt((double)variance[c] + eps);
        for (size_t i = 0; i < area; i++) {
            double *value = &x[c * area + i];
            *value = (*value - (double)mean[c]) / deviation * (double)gamma[c] + (double)beta[c];
        }
    }
}
