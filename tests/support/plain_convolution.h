/*
 * plain_convolution.h - a convolution as the textbook writes it, in double: what the fast ones are
 * compared with.
 */
#ifndef GLIMPSE_TESTS_PLAIN_CONVOLUTION_H
#define GLIMPSE_TESTS_PLAIN_CONVOLUTION_H

#include <stddef.h>

typedef struct plain_convolution {
    size_t in, out, groups;
    size_t height, width; /* of x */
    size_t kernel, stride, padding;
    const float *weights; /* [out][in / groups][kernel][kernel] */
    const float *bias;    /* [out] or NULL */
} plain_convolution;

/* Pixels per side of the result where x has `side`. */
size_t plain_convolution_side(const plain_convolution *c, size_t side);
/* One picture: x [in][height][width] into y [out][side of height][side of width]. */
void plain_convolution_run(const plain_convolution *c, double *y, const double *x);
/* In place on x [channels][area]: (x - mean) / sqrt(variance + eps) * gamma + beta per channel. */
void plain_batch_norm(double *x, size_t channels, size_t area, const float *gamma,
                      const float *beta, const float *mean, const float *variance, double eps);

#endif
