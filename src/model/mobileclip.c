/*
 * model/mobileclip.c - finds the parts of MobileCLIP's networks and folds them.
 */
#include "model/mobileclip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const glimpse_mobile_names glimpse_mobile_timm = {
    .root = "visual.trunk.",
    .stem = "stem.%zu",
    .final = "final_conv",
    .branch = "conv_kxk.%zu",
    .scale = "conv_scale",
    .identity = "identity",
    .folded = "reparam_conv",
    .large = "large_conv",
    .small = "small_conv",
    .large_folded = "reparam_conv",
    .mlp = "mlp",
    .gamma = ".gamma",
    .reduce = "fc1",
    .expand = "fc2",
    .position = "pos_enc",
};

const glimpse_mobile_names glimpse_mobile_apple = {
    .root = "image_encoder.model.",
    .stem = "patch_embed.%zu",
    .final = "conv_exp",
    .branch = "rbr_conv.%zu",
    .scale = "rbr_scale",
    .identity = "rbr_skip",
    .folded = "reparam_conv",
    .large = "lkb_origin",
    .small = "small_conv",
    .large_folded = "lkb_reparam",
    .mlp = "convffn",
    .gamma = "",
    .reduce = "reduce",
    .expand = "expand",
    .position = "pe",
};

int glimpse_mobile_has(const glimpse_loader *l, const char *format, ...) {
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return glimpse_tensors_find(l->tensors, name) != NULL;
}

void glimpse_mobile_one(glimpse_fold *fold, glimpse_loader *l, const glimpse_mobile_names *names,
                        const char *stem) {
    char name[GLIMPSE_TENSOR_NAME_BYTES], norm[GLIMPSE_TENSOR_NAME_BYTES];
    char part[64];
    (void)snprintf(name, sizeof name, "%s.%s", stem, names->folded);
    if (glimpse_mobile_has(l, "%s.weight", name)) {
        glimpse_fold_start(fold, l, name);
        glimpse_fold_add(fold, l, name, NULL);
        return;
    }
    for (size_t i = 0; l->status == GLIMPSE_OK; i++) {
        (void)snprintf(part, sizeof part, names->branch, i);
        (void)snprintf(name, sizeof name, "%s.%s.conv", stem, part);
        (void)snprintf(norm, sizeof norm, "%s.%s.bn", stem, part);
        if (i > 0 && !glimpse_mobile_has(l, "%s.weight", name)) break;
        if (i == 0) glimpse_fold_start(fold, l, name);
        glimpse_fold_add(fold, l, name, norm);
    }
    (void)snprintf(name, sizeof name, "%s.%s.conv", stem, names->scale);
    (void)snprintf(norm, sizeof norm, "%s.%s.bn", stem, names->scale);
    if (glimpse_mobile_has(l, "%s.weight", name)) glimpse_fold_add(fold, l, name, norm);
    (void)snprintf(norm, sizeof norm, "%s.%s", stem, names->identity);
    if (glimpse_mobile_has(l, "%s.weight", norm)) glimpse_fold_add_input(fold, l, norm);
}

void glimpse_mobile_mixer(glimpse_fold *fold, glimpse_loader *l, const glimpse_mobile_names *names,
                          const char *stem) {
    char name[GLIMPSE_TENSOR_NAME_BYTES], norm[GLIMPSE_TENSOR_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%s.%s", stem, names->folded);
    if (glimpse_mobile_has(l, "%s.weight", name)) {
        glimpse_fold_start(fold, l, name);
        glimpse_fold_add(fold, l, name, NULL);
        return;
    }
    (void)snprintf(name, sizeof name, "%s.mixer", stem);
    (void)snprintf(norm, sizeof norm, "%s.norm.%s", stem, names->identity);
    glimpse_mobile_one(fold, l, names, name);
    float *gamma = glimpse_mobile_gamma(l, names, fold->out, stem, ".layer_scale");
    glimpse_fold_residual(fold, l, gamma, norm);
    free(gamma);
}

float *glimpse_mobile_gamma(glimpse_loader *l, const glimpse_mobile_names *names, size_t width,
                            const char *stem, const char *name) {
    size_t dims[3] = {width, 1, 1};
    return glimpse_load_f32_copy(
        l, glimpse_load_numbers(l, 3, dims, "%s%s%s", stem, name, names->gamma));
}

glimpse_convolution glimpse_mobile_product(glimpse_loader *l, const glimpse_fold *fold,
                                           size_t multiplier,
                                           const glimpse_convolution_shape *shape) {
    glimpse_convolution product = {.product = NULL};
    if (l->status < 0 || l->check_only) return product;
    glimpse_convolution_shape whole = *shape;
    size_t count = fold->out * fold->in * fold->rows * fold->columns;
    size_t area = fold->rows * fold->columns;
    whole.in = fold->in;
    whole.out = fold->out;
    float *weights = malloc(count * sizeof *weights), *bias = malloc(fold->out * sizeof *bias);
    if (weights && bias) {
        for (size_t o = 0; o < fold->out; o++) {
            bias[o] = (float)fold->bias[o];
            for (size_t i = 0; i < fold->in; i++) {
                size_t place = glimpse_depthwise_permute(i, fold->in / multiplier, multiplier);
                for (size_t k = 0; k < area; k++)
                    weights[(o * fold->in + place) * area + k] =
                        (float)fold->weights[(o * fold->in + i) * area + k];
            }
        }
        l->status =
            glimpse_convolution_create(&product, l->math, &whole, weights, bias, NULL, l->prepared);
    } else {
        l->status = glimpse_fail_nomem((count + fold->out) * sizeof *weights, "weights");
    }
    free(weights);
    free(bias);
    return product;
}

void glimpse_mobile_mlp_load(glimpse_mobile_mlp *mlp, glimpse_loader *l, size_t width,
                             const char *stem, const float *gamma) {
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    *mlp = (glimpse_mobile_mlp){.width = width};
    (void)snprintf(name, sizeof name, "%s.fc2", stem);
    glimpse_fold fold = {.weights = NULL};
    glimpse_fold_start(&fold, l, name);
    mlp->hidden = fold.in;
    size_t dims[4] = {mlp->hidden, width, 1, 1};
    glimpse_linear_spec spec = {.in = width,
                                .out = mlp->hidden,
                                .parts = 1,
                                .activation = GLIMPSE_ACTIVATION_GELU,
                                .output = l->math->element};
    spec.weights[0] = glimpse_load_numbers(l, 4, dims, "%s.fc1.weight", stem);
    spec.biases[0] = glimpse_load_numbers(l, 1, dims, "%s.fc1.bias", stem);
    mlp->up = glimpse_load_spec(l, &spec);
    glimpse_mobile_check(l, name, "outputs", fold.out, width);
    glimpse_mobile_check(l, name, "rows of a kernel", fold.rows * fold.columns, 1);
    glimpse_fold_add(&fold, l, name, NULL);
    glimpse_fold_scale(&fold, l, gamma);
    const glimpse_convolution_shape shape = {
        .kernel = 1, .stride = 1, .accumulate = 1, .output = GLIMPSE_ELEMENT_F32};
    mlp->down = glimpse_mobile_product(l, &fold, 1, &shape);
    glimpse_fold_release(&fold);
}

void glimpse_mobile_mlp_release(glimpse_mobile_mlp *mlp) {
    glimpse_linear_free(mlp->up);
    glimpse_convolution_release(&mlp->down);
    *mlp = (glimpse_mobile_mlp){.up = NULL};
}

size_t glimpse_mobile_mlp_memory(const glimpse_mobile_mlp *mlp) {
    return glimpse_linear_memory(mlp->up) + glimpse_convolution_memory(&mlp->down);
}

void glimpse_mobile_check(glimpse_loader *l, const char *name, const char *what, size_t is,
                          size_t wanted) {
    if (l->status < 0 || is == wanted) return;
    l->status =
        glimpse_fail(GLIMPSE_E_FORMAT, "%s: tensor \"%s.weight\" has %zu %s, the network %zu",
                     glimpse_tensors_path(l->tensors), name, is, what, wanted);
}

void glimpse_mobile_depthwise(glimpse_depthwise *out, glimpse_loader *l, glimpse_fold *fold,
                              const char *name, size_t channels, size_t multiplier, size_t stride) {
    size_t outputs = multiplier * channels;
    *out = (glimpse_depthwise){.weights = NULL};
    if (l->status == GLIMPSE_OK && multiplier == 0)
        outputs = fold->out < channels ? channels : fold->out / channels * channels;
    glimpse_mobile_check(l, name, "inputs to a group", fold->in, 1);
    glimpse_mobile_check(l, name, "outputs", fold->out, outputs);
    if (l->status == GLIMPSE_OK) glimpse_depthwise_load(out, l, fold, channels, stride);
    glimpse_fold_release(fold);
}

void glimpse_mobile_mlp_conv(glimpse_depthwise *out, glimpse_loader *l,
                             const glimpse_mobile_names *names, size_t width, const char *stem) {
    char name[GLIMPSE_TENSOR_NAME_BYTES], norm[GLIMPSE_TENSOR_NAME_BYTES];
    glimpse_fold fold = {.weights = NULL};
    (void)snprintf(name, sizeof name, "%.200s.%s.conv.conv", stem, names->mlp);
    (void)snprintf(norm, sizeof norm, "%.200s.%s.conv.bn", stem, names->mlp);
    glimpse_fold_start(&fold, l, name);
    glimpse_fold_add(&fold, l, name, norm);
    glimpse_mobile_depthwise(out, l, &fold, name, width, 1, 1);
}
