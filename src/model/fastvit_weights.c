/*
 * model/fastvit_weights.c - finds the weights of a FastViT under timm's names and under Apple's.
 *
 * Everything between the activations that is linear is folded (fold.h): batch norms, branches,
 * residual connections around convolutions, and the scales gamma of the others. How many stages,
 * blocks and channels there are, the tensors say.
 */
#include "model/fastvit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BLOCKS = 256 };

/* Where the parts of a stage lie, below the root; "" for what it does not have. */
typedef struct places {
    char downsample[64], position[64], blocks[64];
} places;

static int has_position(const glimpse_loader *l, const glimpse_mobile_names *n, const char *at) {
    return glimpse_mobile_has(l, "%s%s.%s.weight", n->root, at, n->position) ||
           glimpse_mobile_has(l, "%s%s.%s.weight", n->root, at, n->folded);
}

static int has_blocks(const glimpse_loader *l, const glimpse_mobile_names *n, const char *at) {
    return glimpse_mobile_has(l, "%s%s.0.%s.fc1.weight", n->root, at, n->mlp);
}

static int has_downsample(const glimpse_loader *l, const glimpse_mobile_names *n, const char *at) {
    return glimpse_mobile_has(l, "%s%s.proj.0.%s.conv.weight", n->root, at, n->large) ||
           glimpse_mobile_has(l, "%s%s.proj.0.%s.weight", n->root, at, n->large_folded);
}

/* timm numbers stages; Apple all of their parts, one after the other. */
static size_t find_stages(const glimpse_loader *l, const glimpse_mobile_names *n,
                          places found[GLIMPSE_FASTVIT_STAGES]) {
    size_t count = 0, part = 0;
    char at[64];
    memset(found, 0, GLIMPSE_FASTVIT_STAGES * sizeof *found);
    for (; n == &glimpse_mobile_timm && count < GLIMPSE_FASTVIT_STAGES; count++) {
        (void)snprintf(at, sizeof at, "stages.%zu.blocks", count);
        if (!has_blocks(l, n, at)) return count;
        (void)snprintf(found[count].blocks, sizeof at, "%s", at);
        (void)snprintf(at, sizeof at, "stages.%zu.downsample", count);
        if (has_downsample(l, n, at)) (void)snprintf(found[count].downsample, sizeof at, "%s", at);
        (void)snprintf(at, sizeof at, "stages.%zu.pos_emb", count);
        if (has_position(l, n, at)) (void)snprintf(found[count].position, sizeof at, "%s", at);
    }
    for (; n != &glimpse_mobile_timm && count < GLIMPSE_FASTVIT_STAGES; part++) {
        (void)snprintf(at, sizeof at, "network.%zu", part);
        if (has_downsample(l, n, at)) {
            (void)snprintf(found[count].downsample, sizeof at, "%s", at);
        } else if (has_position(l, n, at)) {
            (void)snprintf(found[count].position, sizeof at, "%s", at);
        } else if (has_blocks(l, n, at)) {
            (void)snprintf(found[count++].blocks, sizeof at, "%s", at);
        } else {
            break;
        }
    }
    return count;
}

/* `channels` inputs, in the order of a depthwise convolution with that multiplier. */
static size_t load_product(glimpse_convolution *out, glimpse_loader *l, glimpse_fold *fold,
                           const char *name, size_t channels, size_t multiplier,
                           const glimpse_convolution_shape *shape) {
    size_t width = fold->out;
    glimpse_mobile_check(l, name, "inputs", fold->in, channels);
    glimpse_mobile_check(l, name, "rows", fold->rows, shape->kernel);
    glimpse_mobile_check(l, name, "columns", fold->columns, shape->kernel);
    *out = glimpse_mobile_product(l, fold, multiplier, shape);
    glimpse_fold_release(fold);
    return width;
}

static const glimpse_convolution_shape to_gelu = {
    .kernel = 1, .stride = 1, .activation = GLIMPSE_ACTIVATION_GELU, .output = GLIMPSE_ELEMENT_F32};
static const glimpse_convolution_shape to_sum = {
    .kernel = 1, .stride = 1, .accumulate = 1, .output = GLIMPSE_ELEMENT_F32};
static const glimpse_convolution_shape to_numbers = {
    .kernel = 1, .stride = 1, .output = GLIMPSE_ELEMENT_F32};

/* Puts the outputs of a fold into the order that a depthwise convolution leaves its own in. */
static void permute_outputs(glimpse_loader *l, glimpse_fold *fold, size_t multiplier) {
    size_t columns = fold->in * fold->rows * fold->columns;
    if (l->status < 0 || l->check_only || multiplier == 1) return;
    double *weights = malloc(fold->out * columns * sizeof *weights);
    double *bias = malloc(fold->out * sizeof *bias);
    if (!weights || !bias) {
        l->status = glimpse_fail_nomem(fold->out * (columns + 1) * sizeof *weights, "weights");
        free(weights);
        free(bias);
        return;
    }
    for (size_t o = 0; o < fold->out; o++) {
        size_t place = glimpse_depthwise_permute(o, fold->out / multiplier, multiplier);
        bias[place] = fold->bias[o];
        memcpy(weights + place * columns, fold->weights + o * columns, columns * sizeof *weights);
    }
    free(fold->weights);
    free(fold->bias);
    fold->weights = weights;
    fold->bias = bias;
}

/* STEM.se, when it is there, over the outputs of `before`. Apple has both kinds of names. */
static void load_squeeze(glimpse_fastvit_squeeze *s, glimpse_loader *l,
                         const glimpse_mobile_names *n, const char *stem,
                         const glimpse_depthwise *before) {
    char reduce[GLIMPSE_TENSOR_NAME_BYTES], expand[GLIMPSE_TENSOR_NAME_BYTES];
    size_t width = before->channels * before->multiplier;
    (void)snprintf(reduce, sizeof reduce, "%s.se.%s", stem, n->reduce);
    (void)snprintf(expand, sizeof expand, "%s.se.%s", stem, n->expand);
    if (!glimpse_mobile_has(l, "%s.weight", reduce)) {
        (void)snprintf(reduce, sizeof reduce, "%s.se.fc1", stem);
        (void)snprintf(expand, sizeof expand, "%s.se.fc2", stem);
        if (!glimpse_mobile_has(l, "%s.weight", reduce)) return;
    }
    glimpse_fold fold;
    glimpse_convolution_shape shape = {.kernel = 1,
                                       .stride = 1,
                                       .activation = GLIMPSE_ACTIVATION_RELU,
                                       .output = l->math->element,
                                       .exact = 1};
    glimpse_fold_start(&fold, l, reduce);
    glimpse_fold_add(&fold, l, reduce, NULL);
    s->hidden = load_product(&s->reduce, l, &fold, reduce, width, before->multiplier, &shape);
    shape.activation = GLIMPSE_ACTIVATION_NONE;
    shape.output = GLIMPSE_ELEMENT_F32;
    glimpse_fold_start(&fold, l, expand);
    glimpse_fold_add(&fold, l, expand, NULL);
    glimpse_mobile_check(l, expand, "outputs", fold.out, width);
    permute_outputs(l, &fold, before->multiplier);
    (void)load_product(&s->expand, l, &fold, expand, s->hidden, 1, &shape);
}

/* A picture of `channels` becomes half as wide and high. */
static size_t load_downsample(glimpse_fastvit_stage *s, glimpse_loader *l,
                              const glimpse_mobile_names *n, const char *at, size_t channels) {
    char stem[GLIMPSE_TENSOR_NAME_BYTES], name[GLIMPSE_TENSOR_NAME_BYTES];
    char norm[GLIMPSE_TENSOR_NAME_BYTES];
    glimpse_fold fold = {.weights = NULL};
    (void)snprintf(stem, sizeof stem, "%s%.63s.proj.0", n->root, at);
    (void)snprintf(name, sizeof name, "%.200s.%s", stem, n->large_folded);
    if (glimpse_mobile_has(l, "%s.weight", name)) {
        glimpse_fold_start(&fold, l, name);
        glimpse_fold_add(&fold, l, name, NULL);
    } else {
        (void)snprintf(name, sizeof name, "%.200s.%s.conv", stem, n->large);
        (void)snprintf(norm, sizeof norm, "%.200s.%s.bn", stem, n->large);
        glimpse_fold_start(&fold, l, name);
        glimpse_fold_add(&fold, l, name, norm);
        (void)snprintf(name, sizeof name, "%.200s.%s.conv", stem, n->small);
        (void)snprintf(norm, sizeof norm, "%.200s.%s.bn", stem, n->small);
        if (glimpse_mobile_has(l, "%s.weight", name)) glimpse_fold_add(&fold, l, name, norm);
    }
    glimpse_mobile_depthwise(&s->downsample, l, &fold, name, channels, 0, 2);
    size_t width = s->downsample.channels * s->downsample.multiplier;
    load_squeeze(&s->excite, l, n, stem, &s->downsample);
    (void)snprintf(stem, sizeof stem, "%s%.63s.proj.1", n->root, at);
    glimpse_mobile_one(&fold, l, n, stem);
    return load_product(&s->pointwise, l, &fold, stem, width, s->downsample.multiplier, &to_gelu);
}

static void load_position(glimpse_fastvit_stage *s, glimpse_loader *l,
                          const glimpse_mobile_names *n, const char *at) {
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    glimpse_fold fold = {.weights = NULL};
    (void)snprintf(name, sizeof name, "%s%s.%s", n->root, at, n->folded);
    int folded = glimpse_mobile_has(l, "%s.weight", name);
    if (!folded) (void)snprintf(name, sizeof name, "%s%s.%s", n->root, at, n->position);
    glimpse_fold_start(&fold, l, name);
    glimpse_fold_add(&fold, l, name, NULL);
    if (!folded) glimpse_fold_add_input(&fold, l, NULL);
    glimpse_mobile_depthwise(&s->position, l, &fold, name, s->width, 1, 1);
}

static void load_attention(glimpse_fastvit_block *b, glimpse_loader *l,
                           const glimpse_mobile_names *n, size_t width, const char *stem) {
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    glimpse_fold fold;
    if (l->status == GLIMPSE_OK && width % GLIMPSE_FASTVIT_HEAD != 0) {
        l->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: attention over %zu channels, which are no multiple of the %d "
                                 "of a head",
                                 glimpse_tensors_path(l->tensors), width, GLIMPSE_FASTVIT_HEAD);
    }
    (void)snprintf(name, sizeof name, "%.200s.token_mixer.qkv", stem);
    glimpse_fold_matrix(&fold, l, 3 * width, width, name, 0);
    if (glimpse_mobile_has(l, "%s.norm.running_var", stem)) {
        (void)snprintf(name, sizeof name, "%.200s.norm", stem);
        glimpse_fold_input_norm(&fold, l, name);
    } else {
        b->norm = glimpse_load_norm(l, width, stem, ".norm");
    }
    (void)load_product(&b->qkv, l, &fold, stem, width, 1, &to_numbers);
    (void)snprintf(name, sizeof name, "%.200s.token_mixer.proj", stem);
    glimpse_fold_matrix(&fold, l, width, width, name, 1);
    float *gamma = glimpse_mobile_gamma(l, n, width, stem, ".layer_scale_1");
    glimpse_fold_scale(&fold, l, gamma);
    free(gamma);
    (void)load_product(&b->out, l, &fold, name, width, 1, &to_sum);
}

static void load_block(glimpse_fastvit_block *b, glimpse_loader *l, const glimpse_mobile_names *n,
                       size_t width, const char *stem) {
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    glimpse_fold fold = {.weights = NULL};
    b->attends = glimpse_mobile_has(l, "%s.token_mixer.qkv.weight", stem);
    if (b->attends) {
        load_attention(b, l, n, width, stem);
    } else {
        (void)snprintf(name, sizeof name, "%.200s.token_mixer", stem);
        glimpse_mobile_mixer(&fold, l, n, name);
        glimpse_mobile_depthwise(&b->mixer, l, &fold, name, width, 1, 1);
    }
    glimpse_mobile_mlp_conv(&b->mlp_conv, l, n, width, stem);
    float *gamma =
        glimpse_mobile_gamma(l, n, width, stem, b->attends ? ".layer_scale_2" : ".layer_scale");
    (void)snprintf(name, sizeof name, "%.200s.%s", stem, n->mlp);
    glimpse_mobile_mlp_load(&b->mlp, l, width, name, gamma);
    free(gamma);
}

static void load_blocks(glimpse_fastvit_stage *s, glimpse_loader *l, const glimpse_mobile_names *n,
                        const char *at) {
    char stem[GLIMPSE_TENSOR_NAME_BYTES];
    while (s->count < MAX_BLOCKS &&
           glimpse_mobile_has(l, "%s%s.%zu.%s.fc1.weight", n->root, at, s->count, n->mlp))
        s->count++;
    s->blocks = calloc(s->count, sizeof *s->blocks);
    if (!s->blocks) {
        l->status = glimpse_fail_nomem(s->count * sizeof *s->blocks, "a tower");
        s->count = 0;
    }
    for (size_t i = 0; i < s->count && l->status == GLIMPSE_OK; i++) {
        (void)snprintf(stem, sizeof stem, "%s%s.%zu", n->root, at, i);
        load_block(&s->blocks[i], l, n, s->width, stem);
    }
}

static size_t load_stem(glimpse_fastvit *v, glimpse_loader *l, const glimpse_mobile_names *n) {
    const glimpse_convolution_shape first = {.kernel = 3,
                                             .stride = 2,
                                             .padding = 1,
                                             .activation = GLIMPSE_ACTIVATION_GELU,
                                             .output = GLIMPSE_ELEMENT_F32,
                                             .exact = 1};
    char part[64], stem[GLIMPSE_TENSOR_NAME_BYTES];
    glimpse_fold fold = {.weights = NULL};
    (void)snprintf(part, sizeof part, n->stem, (size_t)0);
    (void)snprintf(stem, sizeof stem, "%s%s", n->root, part);
    glimpse_mobile_one(&fold, l, n, stem);
    size_t width = load_product(&v->stem, l, &fold, stem, 3, 1, &first);
    (void)snprintf(part, sizeof part, n->stem, (size_t)1);
    (void)snprintf(stem, sizeof stem, "%s%s", n->root, part);
    glimpse_mobile_one(&fold, l, n, stem);
    glimpse_mobile_depthwise(&v->stem_depthwise, l, &fold, stem, width, 0, 2);
    size_t multiplier = v->stem_depthwise.multiplier;
    (void)snprintf(part, sizeof part, n->stem, (size_t)2);
    (void)snprintf(stem, sizeof stem, "%s%s", n->root, part);
    glimpse_mobile_one(&fold, l, n, stem);
    return load_product(&v->stem_pointwise, l, &fold, stem, width * multiplier, multiplier,
                        &to_gelu);
}

/* timm: head.fc with a bias, [E][D]; Apple: head.proj without, [D][E]. */
static void load_head(glimpse_fastvit *v, glimpse_loader *l, const glimpse_mobile_names *n) {
    const glimpse_convolution_shape shape = {
        .kernel = 1, .stride = 1, .output = GLIMPSE_ELEMENT_F32, .exact = 1};
    size_t width = v->last.channels * v->last.multiplier;
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    glimpse_fold fold;
    if (n == &glimpse_mobile_timm) {
        (void)snprintf(name, sizeof name, "%shead.fc", n->root);
        glimpse_fold_matrix(&fold, l, v->embedding, width, name, 1);
    } else {
        (void)snprintf(name, sizeof name, "%shead.proj", n->root);
        fold = (glimpse_fold){.out = v->embedding, .in = width, .rows = 1, .columns = 1};
        float *weights =
            glimpse_load_f32_copy(l, glimpse_load_matrix(l, width, v->embedding, name, ""));
        if (weights) {
            fold.weights = malloc(width * v->embedding * sizeof *fold.weights);
            fold.bias = calloc(v->embedding, sizeof *fold.bias);
            if (!fold.weights || !fold.bias)
                l->status = glimpse_fail_nomem(width * v->embedding * sizeof(double), "weights");
        }
        for (size_t o = 0; weights && l->status == GLIMPSE_OK && o < v->embedding; o++) {
            for (size_t i = 0; i < width; i++)
                fold.weights[o * width + i] = (double)weights[i * v->embedding + o];
        }
        free(weights);
    }
    (void)load_product(&v->head, l, &fold, name, width, v->last.multiplier, &shape);
}

int glimpse_fastvit_open(void **out, glimpse_loader *l, const glimpse_model_config *config) {
    const glimpse_mobile_names *n =
        config->layout == GLIMPSE_LAYOUT_MOBILECLIP ? &glimpse_mobile_apple : &glimpse_mobile_timm;
    places found[GLIMPSE_FASTVIT_STAGES];
    char name[GLIMPSE_TENSOR_NAME_BYTES];
    *out = NULL;
    glimpse_fastvit *v = calloc(1, sizeof *v);
    if (!v) return l->status = glimpse_fail_nomem(sizeof *v, "a tower");
    v->math = l->math;
    v->side = config->image_size;
    v->embedding = config->embedding;
    size_t width = load_stem(v, l, n), side = ((v->side - 1) / 2) / 2 + 1;
    v->count = l->status == GLIMPSE_OK ? find_stages(l, n, found) : 0;
    if (l->status == GLIMPSE_OK && v->count == 0) {
        l->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: there are no stages below \"%s\"",
                                 glimpse_tensors_path(l->tensors), n->root);
    }
    for (size_t i = 0; i < v->count && l->status == GLIMPSE_OK; i++) {
        glimpse_fastvit_stage *s = &v->stages[i];
        s->before = side;
        if (found[i].downsample[0]) {
            width = load_downsample(s, l, n, found[i].downsample, width);
            side = (side - 1) / 2 + 1;
        }
        s->width = width;
        s->side = side;
        if (found[i].position[0]) load_position(s, l, n, found[i].position);
        if (l->status == GLIMPSE_OK) load_blocks(s, l, n, found[i].blocks);
    }
    if (l->status == GLIMPSE_OK) {
        glimpse_fold fold = {.weights = NULL};
        (void)snprintf(name, sizeof name, "%s%s", n->root, n->final);
        glimpse_mobile_one(&fold, l, n, name);
        glimpse_mobile_depthwise(&v->last, l, &fold, name, width, 0, 1);
        load_squeeze(&v->excite, l, n, name, &v->last);
        load_head(v, l, n);
    }
    glimpse_load_require_all(l, n->root);
    if (l->status < 0 || l->check_only) {
        glimpse_fastvit_close(v);
    } else {
        *out = v;
    }
    return l->status;
}

static void release_squeeze(glimpse_fastvit_squeeze *s) {
    glimpse_convolution_release(&s->reduce);
    glimpse_convolution_release(&s->expand);
}

void glimpse_fastvit_close(void *tower) {
    glimpse_fastvit *v = tower;
    if (!v) return;
    for (size_t i = 0; i < v->count; i++) {
        glimpse_fastvit_stage *s = &v->stages[i];
        glimpse_depthwise_release(&s->downsample);
        release_squeeze(&s->excite);
        glimpse_convolution_release(&s->pointwise);
        glimpse_depthwise_release(&s->position);
        for (size_t j = 0; j < s->count; j++) {
            glimpse_fastvit_block *b = &s->blocks[j];
            glimpse_depthwise_release(&b->mixer);
            glimpse_norm_release(&b->norm);
            glimpse_convolution_release(&b->qkv);
            glimpse_convolution_release(&b->out);
            glimpse_depthwise_release(&b->mlp_conv);
            glimpse_mobile_mlp_release(&b->mlp);
        }
        free(s->blocks);
    }
    glimpse_convolution_release(&v->stem);
    glimpse_depthwise_release(&v->stem_depthwise);
    glimpse_convolution_release(&v->stem_pointwise);
    glimpse_depthwise_release(&v->last);
    release_squeeze(&v->excite);
    glimpse_convolution_release(&v->head);
    free(v);
}

static size_t squeeze_memory(const glimpse_fastvit_squeeze *s) {
    return glimpse_convolution_memory(&s->reduce) + glimpse_convolution_memory(&s->expand);
}

size_t glimpse_fastvit_memory(const void *tower) {
    const glimpse_fastvit *v = tower;
    size_t bytes = sizeof *v + glimpse_convolution_memory(&v->stem) +
                   glimpse_depthwise_memory(&v->stem_depthwise) +
                   glimpse_convolution_memory(&v->stem_pointwise) +
                   glimpse_depthwise_memory(&v->last) + squeeze_memory(&v->excite) +
                   glimpse_convolution_memory(&v->head);
    for (size_t i = 0; i < v->count; i++) {
        const glimpse_fastvit_stage *s = &v->stages[i];
        bytes += glimpse_depthwise_memory(&s->downsample) + squeeze_memory(&s->excite) +
                 glimpse_convolution_memory(&s->pointwise) +
                 glimpse_depthwise_memory(&s->position) + s->count * sizeof *s->blocks;
        for (size_t j = 0; j < s->count; j++) {
            const glimpse_fastvit_block *b = &s->blocks[j];
            bytes += glimpse_depthwise_memory(&b->mixer) + glimpse_convolution_memory(&b->qkv) +
                     glimpse_convolution_memory(&b->out) + glimpse_depthwise_memory(&b->mlp_conv) +
                     glimpse_mobile_mlp_memory(&b->mlp) +
                     (b->norm.gamma ? 2 * s->width * sizeof(float) : 0);
        }
    }
    return bytes;
}
