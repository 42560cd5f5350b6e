/*
 * model/fold.c - adds branches of a network up, in double.
 */
#include "model/fold.h"

#include <stdio.h>
#include <stdlib.h>

static const double eps = 1e-5; /* of every batch norm in these networks */

static int is_loading(const glimpse_loader *l) {
    return l->status == GLIMPSE_OK && !l->check_only;
}

static double *new_doubles(glimpse_loader *l, size_t count) {
    if (!is_loading(l)) return NULL;
    double *numbers = calloc(count, sizeof *numbers);
    if (!numbers) l->status = glimpse_fail_nomem(count * sizeof *numbers, "weights");
    return numbers;
}

/* The four dimensions of NAME.weight. */
static int kernel_dims(glimpse_loader *l, const char *name, size_t dims[4]) {
    char full[GLIMPSE_TENSOR_NAME_BYTES];
    if (l->status < 0) return 0;
    (void)snprintf(full, sizeof full, "%s.weight", name);
    const glimpse_tensor *tensor = glimpse_tensors_find(l->tensors, full);
    if (!tensor) {
        l->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: tensor \"%s\" is missing",
                                 glimpse_tensors_path(l->tensors), full);
        return 0;
    }
    int fits = tensor->rank == 4;
    for (size_t i = 0; fits && i < 4; i++) {
        dims[i] = tensor->dims[i];
        fits = dims[i] >= 1 && dims[i] <= (i < 2 ? GLIMPSE_FOLD_WIDTH : GLIMPSE_FOLD_KERNEL) &&
               (i < 2 || dims[i] % 2 == 1);
    }
    if (!fits) {
        l->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: tensor \"%s\" is no kernel of a convolution with odd sides "
                                 "up to %d",
                                 glimpse_tensors_path(l->tensors), full, GLIMPSE_FOLD_KERNEL);
    }
    return fits;
}

void glimpse_fold_start(glimpse_fold *fold, glimpse_loader *l, const char *name) {
    size_t dims[4] = {1, 1, 1, 1};
    *fold = (glimpse_fold){.weights = NULL};
    if (!kernel_dims(l, name, dims)) return;
    *fold = (glimpse_fold){.out = dims[0], .in = dims[1], .rows = dims[2], .columns = dims[3]};
    fold->weights = new_doubles(l, fold->out * fold->in * fold->rows * fold->columns);
    fold->bias = new_doubles(l, fold->out);
}

void glimpse_fold_add(glimpse_fold *fold, glimpse_loader *l, const char *name,
                      const char *batch_norm) {
    size_t dims[4];
    if (!kernel_dims(l, name, dims)) return;
    if (dims[0] != fold->out || dims[1] != fold->in || dims[2] > fold->rows ||
        dims[3] > fold->columns) {
        l->status = glimpse_fail(
            GLIMPSE_E_FORMAT,
            "%s: tensor \"%s.weight\" is %zu x %zu x %zu x %zu, the branch beside it %zu x %zu x "
            "%zu x %zu",
            glimpse_tensors_path(l->tensors), name, dims[0], dims[1], dims[2], dims[3], fold->out,
            fold->in, fold->rows, fold->columns);
        return;
    }
    float *weights = glimpse_load_f32_copy(l, glimpse_load_numbers(l, 4, dims, "%s.weight", name));
    float *bias = NULL;
    glimpse_batch_norm norm = {NULL, NULL};
    if (batch_norm) {
        norm = glimpse_load_batch_norm(l, fold->out, eps, "", batch_norm);
    } else {
        bias = glimpse_load_f32_copy(l, glimpse_load_vector(l, fold->out, name, ".bias"));
    }
    size_t top = (fold->rows - dims[2]) / 2, left = (fold->columns - dims[3]) / 2;
    for (size_t o = 0; is_loading(l) && o < fold->out; o++) {
        double factor = batch_norm ? norm.scale[o] : 1.0;
        fold->bias[o] += batch_norm ? norm.shift[o] : (double)bias[o];
        for (size_t i = 0; i < fold->in; i++) {
            const float *from = weights + (o * fold->in + i) * dims[2] * dims[3];
            double *to = fold->weights + (o * fold->in + i) * fold->rows * fold->columns;
            for (size_t y = 0; y < dims[2]; y++) {
                for (size_t x = 0; x < dims[3]; x++)
                    to[(top + y) * fold->columns + left + x] +=
                        factor * (double)from[y * dims[3] + x];
            }
        }
    }
    free(weights);
    free(bias);
    glimpse_batch_norm_release(&norm);
}

/* The weight with which output o sees its own input. */
static double *centre(const glimpse_fold *fold, size_t o) {
    size_t taps = fold->rows * fold->columns, own = fold->in == 1 ? 0 : o;
    return fold->weights + (o * fold->in + own) * taps + taps / 2;
}

static int has_own_input(const glimpse_fold *fold, glimpse_loader *l, const char *name) {
    if (l->status < 0) return 0;
    if (fold->in == 1 || fold->in == fold->out) return 1;
    l->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" adds %zu inputs to %zu outputs",
                             glimpse_tensors_path(l->tensors), name, fold->in, fold->out);
    return 0;
}

void glimpse_fold_add_input(glimpse_fold *fold, glimpse_loader *l, const char *batch_norm) {
    glimpse_batch_norm norm = {NULL, NULL};
    if (!has_own_input(fold, l, batch_norm ? batch_norm : "the input")) return;
    if (batch_norm) norm = glimpse_load_batch_norm(l, fold->out, eps, "", batch_norm);
    for (size_t o = 0; is_loading(l) && o < fold->out; o++) {
        *centre(fold, o) += batch_norm ? norm.scale[o] : 1.0;
        if (batch_norm) fold->bias[o] += norm.shift[o];
    }
    glimpse_batch_norm_release(&norm);
}

void glimpse_fold_residual(glimpse_fold *fold, glimpse_loader *l, const float *gamma,
                           const char *batch_norm) {
    if (!has_own_input(fold, l, batch_norm)) return;
    glimpse_batch_norm norm = glimpse_load_batch_norm(l, fold->out, eps, "", batch_norm);
    for (size_t o = 0; is_loading(l) && o < fold->out; o++) {
        *centre(fold, o) -= norm.scale[o];
        fold->bias[o] -= norm.shift[o];
    }
    glimpse_fold_scale(fold, l, gamma);
    for (size_t o = 0; is_loading(l) && o < fold->out; o++)
        *centre(fold, o) += 1.0;
    glimpse_batch_norm_release(&norm);
}

void glimpse_fold_matrix(glimpse_fold *fold, glimpse_loader *l, size_t out, size_t in,
                         const char *stem, int has_bias) {
    *fold = (glimpse_fold){.out = out, .in = in, .rows = 1, .columns = 1};
    float *weights = glimpse_load_f32_copy(l, glimpse_load_matrix(l, out, in, stem, ".weight"));
    float *bias =
        has_bias ? glimpse_load_f32_copy(l, glimpse_load_vector(l, out, stem, ".bias")) : NULL;
    fold->weights = new_doubles(l, out * in);
    fold->bias = new_doubles(l, out);
    for (size_t o = 0; is_loading(l) && o < out; o++) {
        if (bias) fold->bias[o] = (double)bias[o];
        for (size_t i = 0; i < in; i++)
            fold->weights[o * in + i] = (double)weights[o * in + i];
    }
    free(weights);
    free(bias);
}

void glimpse_fold_scale(glimpse_fold *fold, const glimpse_loader *l, const float *gamma) {
    size_t taps = fold->in * fold->rows * fold->columns;
    for (size_t o = 0; is_loading(l) && o < fold->out; o++) {
        fold->bias[o] *= (double)gamma[o];
        for (size_t k = 0; k < taps; k++)
            fold->weights[o * taps + k] *= (double)gamma[o];
    }
}

void glimpse_fold_input_norm(glimpse_fold *fold, glimpse_loader *l, const char *batch_norm) {
    glimpse_batch_norm norm = glimpse_load_batch_norm(l, fold->in, eps, "", batch_norm);
    for (size_t o = 0; is_loading(l) && o < fold->out; o++) {
        for (size_t i = 0; i < fold->in; i++) {
            double *weight = &fold->weights[o * fold->in + i];
            fold->bias[o] += *weight * norm.shift[i];
            *weight *= norm.scale[i];
        }
    }
    glimpse_batch_norm_release(&norm);
}

void glimpse_fold_release(glimpse_fold *fold) {
    free(fold->weights);
    free(fold->bias);
    *fold = (glimpse_fold){.weights = NULL};
}
