/*
 * model/fold.h - branches of a network that lie beside each other, added up into one convolution
 * while the model is opened.
 *
 * Networks that are trained with branches (Ding et al. 2021, "RepVGG") add up convolutions of
 * several sizes and the input itself, each behind a batch norm of its own. After training all of
 * that is linear in the input: kernels scaled and put into the centre of the largest, and one bias.
 * Everything is done in double; the result is rounded once.
 */
#ifndef GLIMPSE_MODEL_FOLD_H
#define GLIMPSE_MODEL_FOLD_H

#include "model/convolution.h"
#include "model/loader.h"

typedef struct glimpse_fold {
    size_t out, in; /* `in` is that of one group: 1 in a depthwise convolution */
    size_t rows, columns;
    double *weights; /* [out][in][rows][columns], owned; NULL when only checking */
    double *bias;    /* [out], owned */
} glimpse_fold;

enum { GLIMPSE_FOLD_KERNEL = 31, GLIMPSE_FOLD_WIDTH = 16384 };

/* Zeros, in the shape of the kernel NAME.weight, which must have odd sides of at most
 * GLIMPSE_FOLD_KERNEL and no more than GLIMPSE_FOLD_WIDTH channels. */
void glimpse_fold_start(glimpse_fold *fold, glimpse_loader *l, const char *name);
/* Adds a kernel of the same channels, no larger than the fold: NAME.weight, behind `batch_norm` or,
 * where that is NULL, with NAME.bias. */
void glimpse_fold_add(glimpse_fold *fold, glimpse_loader *l, const char *name,
                      const char *batch_norm);
/* Adds the input behind a batch norm, or, where that is NULL, as it is. */
void glimpse_fold_add_input(glimpse_fold *fold, glimpse_loader *l, const char *batch_norm);
/* Makes it x + gamma (fold(x) - norm(x)); gamma [out] is NULL when only checking. */
void glimpse_fold_residual(glimpse_fold *fold, glimpse_loader *l, const float *gamma,
                           const char *batch_norm);
/* A matrix STEM.weight [out][in], with STEM.bias where there is to be one. */
void glimpse_fold_matrix(glimpse_fold *fold, glimpse_loader *l, size_t out, size_t in,
                         const char *stem, int has_bias);
/* Makes it gamma fold(x); gamma [out] is NULL when only checking. */
void glimpse_fold_scale(glimpse_fold *fold, const glimpse_loader *l, const float *gamma);
/* Makes it fold(norm(x)); of a kernel of 1 x 1. */
void glimpse_fold_input_norm(glimpse_fold *fold, glimpse_loader *l, const char *batch_norm);
void glimpse_fold_release(glimpse_fold *fold); /* a zeroed one is fine */

#endif
