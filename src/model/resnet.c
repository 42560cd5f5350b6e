/*
 * model/resnet.c - the residual networks of openai/CLIP (Radford et al. 2021, after He et al. 2019,
 * "Bag of Tricks", and Zhang 2019, "Making Convolutional Networks Shift-Invariant Again").
 *
 *     stem        three convolutions of 3 x 3, the first with stride 2; average of 2 x 2
 *     layer 1..4  bottlenecks: 1 x 1, 3 x 3, 1 x 1 with four times the channels, plus the input
 *     pooling     one query, of the mean of all pixels, attends to the mean and all pixels
 *
 *     pixels of RN50        224  112  56   56   28   14    7   1
 *     channels                3   64  64  256  512 1024 2048 1024
 *
 * Where a layer halves its pixels, the 3 x 3 convolution still has stride 1 and an average of 2 x 2
 * follows it; the input takes the same average before the 1 x 1 convolution that widens it. Batch
 * norm follows every convolution and is folded into it (convolution.h).
 *
 * The sum that runs through a layer is f32 in every precision; what enters a product is a copy of
 * the element type that products want. Activations of the early layers are large, so a batch goes
 * through in groups of as many pictures as some tens of megabytes hold, and of one at least.
 */
#include "model/resnet.h"

#include "core/error.h"
#include "model/convolution.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LAYERS = GLIMPSE_RESNET_LAYERS,
    EXPANSION = 4,   /* channels behind a bottleneck to those in it */
    MAX_GROUP = 8,   /* pictures */
    TILE_ROWS = 256, /* of the products that activations follow while they are in the cache */
};
static const size_t group_bytes = 48u << 20;
static const double batch_norm_eps = 1e-5;

typedef struct bottleneck {
    glimpse_convolution reduce, middle, expand;
    glimpse_convolution shortcut; /* product NULL: the input itself */
    int halves;                   /* averages 2 x 2 */
} bottleneck;

typedef struct resnet {
    const glimpse_math *math;
    size_t side, width, embedding; /* of pictures; of the stem; of the result */
    size_t pooled, heads;          /* channels of the last layer, and how attention shares them */
    glimpse_convolution stem[3];
    size_t layers[LAYERS]; /* bottlenecks in each */
    bottleneck *blocks;    /* [block_count], layer by layer */
    size_t block_count;
    float *positions;    /* [grid * grid + 1][pooled], the first of the mean */
    glimpse_linear *q;   /* [pooled][pooled] */
    glimpse_linear *kv;  /* [2 pooled][pooled] */
    glimpse_linear *out; /* [embedding][pooled] */
} resnet;

static size_t grid_of(const resnet *net) {
    return net->side / GLIMPSE_RESNET_REDUCTION;
}

static void close_resnet(void *tower) {
    resnet *net = tower;
    if (!net) return;
    for (size_t i = 0; i < 3; i++)
        glimpse_convolution_release(&net->stem[i]);
    for (size_t i = 0; net->blocks && i < net->block_count; i++) {
        glimpse_convolution_release(&net->blocks[i].reduce);
        glimpse_convolution_release(&net->blocks[i].middle);
        glimpse_convolution_release(&net->blocks[i].expand);
        glimpse_convolution_release(&net->blocks[i].shortcut);
    }
    free(net->blocks);
    free(net->positions);
    glimpse_linear_free(net->q);
    glimpse_linear_free(net->kv);
    glimpse_linear_free(net->out);
    free(net);
}

static size_t memory_of(const void *tower) {
    const resnet *net = tower;
    size_t bytes = sizeof *net + net->block_count * sizeof *net->blocks +
                   (grid_of(net) * grid_of(net) + 1) * net->pooled * sizeof(float) +
                   glimpse_linear_memory(net->q) + glimpse_linear_memory(net->kv) +
                   glimpse_linear_memory(net->out);
    for (size_t i = 0; i < 3; i++)
        bytes += glimpse_convolution_memory(&net->stem[i]);
    for (size_t i = 0; i < net->block_count; i++) {
        const bottleneck *b = &net->blocks[i];
        bytes += glimpse_convolution_memory(&b->reduce) + glimpse_convolution_memory(&b->middle) +
                 glimpse_convolution_memory(&b->expand);
        if (b->shortcut.product) bytes += glimpse_convolution_memory(&b->shortcut);
    }
    return bytes;
}

/* A convolution and the batch norm behind it, without a bias of its own. */
static glimpse_convolution load_convolution(glimpse_loader *l, glimpse_convolution_shape shape,
                                            const char *stem, const char *name,
                                            const char *norm_name) {
    glimpse_batch_norm norm =
        glimpse_load_batch_norm(l, shape.out, batch_norm_eps, stem, norm_name);
    glimpse_convolution convolution = glimpse_load_convolution(l, &shape, stem, name, 0, &norm);
    glimpse_batch_norm_release(&norm);
    return convolution;
}

static void load_stem(resnet *net, glimpse_loader *l) {
    glimpse_element element = l->math->element;
    glimpse_convolution_shape shape = {.in = 3,
                                       .out = net->width / 2,
                                       .kernel = 3,
                                       .stride = 2,
                                       .padding = 1,
                                       .activation = GLIMPSE_ACTIVATION_RELU,
                                       .output = element};
    net->stem[0] = load_convolution(l, shape, "visual.", "conv1", "bn1");
    shape.in = shape.out;
    shape.stride = 1;
    net->stem[1] = load_convolution(l, shape, "visual.", "conv2", "bn2");
    shape.out = net->width;
    shape.output = GLIMPSE_ELEMENT_F32; /* the average comes first */
    net->stem[2] = load_convolution(l, shape, "visual.", "conv3", "bn3");
}

static void load_bottleneck(bottleneck *b, glimpse_loader *l, const char *stem, size_t in,
                            size_t inner, int first, int halves) {
    size_t out = inner * EXPANSION;
    glimpse_convolution_shape reduce = {.in = in,
                                        .out = inner,
                                        .kernel = 1,
                                        .stride = 1,
                                        .activation = GLIMPSE_ACTIVATION_RELU,
                                        .output = l->math->element};
    glimpse_convolution_shape middle = reduce;
    middle.in = inner;
    middle.kernel = 3;
    middle.padding = 1;
    if (halves) middle.output = GLIMPSE_ELEMENT_F32;
    glimpse_convolution_shape expand = {
        .in = inner, .out = out, .kernel = 1, .stride = 1, .accumulate = 1};
    b->halves = halves;
    b->reduce = load_convolution(l, reduce, stem, "conv1", "bn1");
    b->middle = load_convolution(l, middle, stem, "conv2", "bn2");
    b->expand = load_convolution(l, expand, stem, "conv3", "bn3");
    if (!first) return;
    glimpse_convolution_shape shortcut = {.in = in, .out = out, .kernel = 1, .stride = 1};
    b->shortcut = load_convolution(l, shortcut, stem, "downsample.0", "downsample.1");
}

static void load_layers(resnet *net, glimpse_loader *l) {
    size_t channels = net->width;
    net->blocks = calloc(net->block_count, sizeof *net->blocks);
    if (!net->blocks) {
        l->status = glimpse_fail_nomem(net->block_count * sizeof *net->blocks, "a tower");
        return;
    }
    bottleneck *next = net->blocks;
    for (size_t layer = 0; layer < LAYERS; layer++) {
        size_t inner = net->width << layer;
        for (size_t i = 0; i < net->layers[layer] && l->status == GLIMPSE_OK; i++) {
            char stem[GLIMPSE_TENSOR_NAME_BYTES];
            (void)snprintf(stem, sizeof stem, "visual.layer%zu.%zu.", layer + 1, i);
            load_bottleneck(next++, l, stem, channels, inner, i == 0, layer > 0 && i == 0);
            channels = inner * EXPANSION;
        }
    }
}

static void load_pooling(resnet *net, glimpse_loader *l) {
    const char *stem = "visual.attnpool.";
    size_t pooled = net->pooled;
    net->positions =
        glimpse_load_f32_copy(l, glimpse_load_matrix(l, grid_of(net) * grid_of(net) + 1, pooled,
                                                     stem, "positional_embedding"));
    net->q = glimpse_load_linear(l, pooled, pooled, stem, "q_proj", GLIMPSE_ACTIVATION_NONE, 0,
                                 GLIMPSE_ELEMENT_F32);
    glimpse_linear_spec kv = {
        .in = pooled, .out = 2 * pooled, .parts = 2, .output = GLIMPSE_ELEMENT_F32};
    kv.weights[0] = glimpse_load_matrix(l, pooled, pooled, stem, "k_proj.weight");
    kv.biases[0] = glimpse_load_vector(l, pooled, stem, "k_proj.bias");
    kv.weights[1] = glimpse_load_matrix(l, pooled, pooled, stem, "v_proj.weight");
    kv.biases[1] = glimpse_load_vector(l, pooled, stem, "v_proj.bias");
    net->kv = glimpse_load_spec(l, &kv);
    glimpse_linear_spec out = {
        .in = pooled, .out = net->embedding, .parts = 1, .output = GLIMPSE_ELEMENT_F32, .exact = 1};
    out.weights[0] = glimpse_load_matrix(l, net->embedding, pooled, stem, "c_proj.weight");
    out.biases[0] = glimpse_load_vector(l, net->embedding, stem, "c_proj.bias");
    net->out = glimpse_load_spec(l, &out);
}

static int open_resnet(void **out, glimpse_loader *l, const glimpse_model_config *config) {
    *out = NULL;
    resnet *net = calloc(1, sizeof *net);
    if (!net) return glimpse_fail_nomem(sizeof *net, "a tower");
    net->math = l->math;
    net->side = config->image_size;
    net->width = config->resnet_width;
    net->embedding = config->embedding;
    net->pooled = config->vision.width;
    net->heads = config->vision.heads;
    for (size_t i = 0; i < LAYERS; i++) {
        net->layers[i] = config->resnet_layers[i];
        net->block_count += net->layers[i];
    }
    load_stem(net, l);
    if (l->status == GLIMPSE_OK) load_layers(net, l);
    if (l->status == GLIMPSE_OK) load_pooling(net, l);
    glimpse_load_require_all(l, "visual.");
    if (l->status == GLIMPSE_OK && !l->check_only) {
        *out = net;
    } else {
        close_resnet(net);
    }
    return l->status;
}

typedef struct resnet_work {
    const resnet *net;
    size_t group;     /* pictures that go through together */
    uint8_t *pixels;  /* [max_batch][side][side][3] element */
    float *sums[2];   /* [pixels][channels] of a layer: what runs through it, and the next */
    void *input;      /* the same as products want it; NULL: as it is */
    void *a, *b;      /* inside a bottleneck and the stem */
    void *patches;    /* of convolution.h */
    float *tokens;    /* [group * tokens][pooled]: the mean and all pixels of each picture */
    void *rows;       /* the same as products want it */
    float *kv;        /* [group * tokens][2 pooled] */
    float *q, *mixed; /* [group][pooled] */
    void *queries;    /* [group][pooled] as products want it; then what was mixed */
    float *results;   /* [group][embedding] */
    float *scratch;   /* of attention */
    glimpse_trace_fn trace;
    void *trace_user;
} resnet_work;

/* The largest of each kind of buffer, for one picture: numbers, not bytes. */
typedef struct sizes {
    size_t sums, a, b;
} sizes;

static void raise_to(size_t *size, size_t value) {
    if (*size < value) *size = value;
}

static sizes sizes_of(const resnet *net) {
    size_t half = net->side / 2 * (net->side / 2), area = half / 4, channels = net->width;
    sizes s = {.sums = area * channels, .a = half * net->width, .b = half * net->width / 2};
    for (size_t i = 0; i < net->block_count; i++) {
        const bottleneck *block = &net->blocks[i];
        size_t inner = block->reduce.shape.out, after = block->halves ? area / 4 : area;
        raise_to(&s.a, area * inner);
        if (block->halves) raise_to(&s.a, after * channels);
        raise_to(&s.b, area * inner);
        area = after;
        channels = inner * EXPANSION;
        raise_to(&s.sums, area * channels);
    }
    return s;
}

static size_t group_of(const sizes *s, size_t max_batch) {
    size_t each = (2 * s->sums + s->a + s->b) * sizeof(float), group = group_bytes / each;
    if (group > MAX_GROUP) group = MAX_GROUP;
    if (group > max_batch) group = max_batch;
    return group ? group : 1;
}

static size_t patches_of(const resnet *net, size_t group) {
    size_t half = net->side / 2 * (net->side / 2), area = half / 4, bytes = 0;
    for (size_t i = 0; i < 3; i++)
        raise_to(&bytes, glimpse_convolution_patches(&net->stem[i], group * half));
    for (size_t i = 0; i < net->block_count; i++) {
        raise_to(&bytes, glimpse_convolution_patches(&net->blocks[i].middle, group * area));
        if (net->blocks[i].halves) area /= 4;
    }
    return bytes;
}

/* Room for products of rows rounded up: at most one step of them, each as wide as all. */
static void *carve(glimpse_arena *arena, size_t count, size_t widest, size_t size) {
    return glimpse_arena_alloc(arena, count + GLIMPSE_ROW_STEP * widest, size);
}

static void plan_resnet(void *work, glimpse_arena *arena, const void *tower, size_t max_batch) {
    resnet_work *w = work;
    const resnet *net = tower;
    size_t element = glimpse_element_size(net->math->element), pooled = net->pooled;
    int converts = net->math->element != GLIMPSE_ELEMENT_F32;
    sizes s = sizes_of(net);
    size_t group = group_of(&s, max_batch), tokens = grid_of(net) * grid_of(net) + 1;
    w->net = net;
    w->group = group;
    w->pixels = glimpse_arena_alloc(arena, max_batch * net->side * net->side * 3, element);
    for (size_t i = 0; i < 2; i++)
        w->sums[i] = carve(arena, group * s.sums, pooled, sizeof(float));
    if (converts) w->input = carve(arena, group * s.sums, pooled, element);
    w->a = carve(arena, group * s.a, pooled, sizeof(float));
    w->b = carve(arena, group * s.b, pooled, sizeof(float));
    w->patches = glimpse_arena_alloc(arena, patches_of(net, group), 1);
    w->tokens = carve(arena, group * tokens * pooled, pooled, sizeof(float));
    w->rows = converts ? carve(arena, group * tokens * pooled, pooled, element) : w->tokens;
    w->kv = carve(arena, group * tokens * 2 * pooled, 2 * pooled, sizeof(float));
    w->q = carve(arena, group * pooled, pooled, sizeof(float));
    w->mixed = carve(arena, group * pooled, pooled, sizeof(float));
    w->queries = carve(arena, group * pooled, pooled, element);
    w->results = carve(arena, group * net->embedding, net->embedding, sizeof(float));
    w->scratch = glimpse_arena_alloc(arena, glimpse_attention_scratch(tokens, pooled / net->heads),
                                     sizeof(float));
}

static void add_picture(void *work, size_t place, const float *pixels) {
    resnet_work *w = work;
    const resnet *net = w->net;
    size_t bytes = net->side * net->side * 3 * glimpse_element_size(net->math->element);
    glimpse_interleave_pixels(net->math, w->pixels + place * bytes, pixels, net->side);
}

/* What runs through the layers: `count` pictures of side x side pixels. */
typedef struct flow {
    size_t count, side, channels;
    float *sums;
    const void *input; /* the same, or a copy in the element type of products */
} flow;

static int run_stem(resnet_work *w, glimpse_workspace *workspace, const uint8_t *pixels, flow *f) {
    const resnet *net = w->net;
    const glimpse_math *math = net->math;
    size_t half = net->side / 2;
    int status = glimpse_convolution_run(&net->stem[0], workspace, w->patches, pixels, f->count,
                                         net->side, net->side, w->a);
    if (status < 0) return status;
    status = glimpse_convolution_run(&net->stem[1], workspace, w->patches, w->a, f->count, half,
                                     half, w->b);
    if (status < 0) return status;
    status = glimpse_convolution_run(&net->stem[2], workspace, w->patches, w->b, f->count, half,
                                     half, w->a);
    if (status < 0) return status;
    glimpse_average_pool(math, w->sums[0], GLIMPSE_ELEMENT_F32, w->a, f->count, half, half,
                         net->width, 2);
    f->side = half / 2;
    f->channels = net->width;
    f->sums = w->sums[0];
    f->input = w->input ? w->input : w->sums[0];
    if (w->input)
        math->kernels->convert(w->input, math->element, w->sums[0],
                               f->count * f->side * f->side * f->channels);
    return GLIMPSE_OK;
}

/* sums = relu(sums + x W): the activation, and the copy for the next product, follow a piece of the
 * rows at a time. */
static int expand(const resnet_work *w, const bottleneck *b, glimpse_workspace *workspace,
                  const void *x, size_t rows, float *sums) {
    const glimpse_math *math = w->net->math;
    size_t in = b->expand.shape.in, out = b->expand.shape.out;
    size_t element = glimpse_element_size(math->element);
    for (size_t done = 0; done < rows; done += TILE_ROWS) {
        size_t count = rows - done < TILE_ROWS ? rows - done : TILE_ROWS;
        float *y = sums + done * out;
        int status = glimpse_linear_run(b->expand.product, workspace,
                                        (const uint8_t *)x + done * in * element, count, y);
        if (status < 0) return status;
        math->kernels->bias_activation(y, GLIMPSE_ELEMENT_F32, y, NULL, GLIMPSE_ACTIVATION_RELU,
                                       count, out);
        if (w->input)
            math->kernels->convert((uint8_t *)w->input + done * out * element, math->element, y,
                                   count * out);
    }
    return GLIMPSE_OK;
}

/* The input as the sum begins with it, where the block changes pixels or channels. */
static int run_shortcut(const resnet_work *w, const bottleneck *b, glimpse_workspace *workspace,
                        const flow *f, float *sums) {
    const glimpse_math *math = w->net->math;
    const void *x = f->input;
    size_t side = f->side;
    if (b->halves) {
        glimpse_average_pool(math, w->a, math->element, f->sums, f->count, side, side, f->channels,
                             2);
        x = w->a;
        side /= 2;
    }
    return glimpse_linear_run(b->shortcut.product, workspace, x, f->count * side * side, sums);
}

static int run_block(const resnet_work *w, const bottleneck *b, glimpse_workspace *workspace,
                     flow *f) {
    const glimpse_math *math = w->net->math;
    size_t rows = f->count * f->side * f->side, inner = b->reduce.shape.out;
    float *sums = f->sums;
    const void *middle = w->b;
    if (b->shortcut.product) {
        sums = f->sums == w->sums[0] ? w->sums[1] : w->sums[0];
        int status = run_shortcut(w, b, workspace, f, sums);
        if (status < 0) return status;
    }
    int status = glimpse_linear_run(b->reduce.product, workspace, f->input, rows, w->a);
    if (status < 0) return status;
    status = glimpse_convolution_run(&b->middle, workspace, w->patches, w->a, f->count, f->side,
                                     f->side, w->b);
    if (status < 0) return status;
    if (b->halves) {
        glimpse_average_pool(math, w->a, math->element, w->b, f->count, f->side, f->side, inner, 2);
        middle = w->a;
        f->side /= 2;
        rows /= 4;
    }
    status = expand(w, b, workspace, middle, rows, sums);
    f->sums = sums;
    f->input = w->input ? w->input : sums;
    f->channels = inner * EXPANSION;
    return status;
}

static void show(const resnet_work *w, size_t stage, const flow *f) {
    if (w->trace) {
        w->trace(w->trace_user, stage, f->sums, f->count * f->side * f->side, f->channels);
    }
}

/* tokens [count][1 + pixels][pooled] = the mean and the pixels of each picture, with positions. */
static void make_tokens(const resnet_work *w, const flow *f) {
    const resnet *net = w->net;
    size_t pooled = net->pooled, area = f->side * f->side;
    for (size_t p = 0; p < f->count; p++) {
        const float *x = f->sums + p * area * pooled;
        float *mean = w->tokens + p * (area + 1) * pooled, *rows = mean + pooled;
        memset(mean, 0, pooled * sizeof *mean);
        for (size_t i = 0; i < area; i++) {
            for (size_t c = 0; c < pooled; c++)
                mean[c] += x[i * pooled + c];
        }
        for (size_t c = 0; c < pooled; c++)
            mean[c] = mean[c] / (float)area + net->positions[c];
        for (size_t j = 0; j < area * pooled; j++)
            rows[j] = x[j] + net->positions[pooled + j];
    }
}

static int pool(const resnet_work *w, glimpse_workspace *workspace, const flow *f,
                float *embeddings) {
    const resnet *net = w->net;
    const glimpse_math *math = net->math;
    size_t pooled = net->pooled, tokens = f->side * f->side + 1, head = pooled / net->heads;
    make_tokens(w, f);
    if (w->rows != w->tokens)
        math->kernels->convert(w->rows, math->element, w->tokens, f->count * tokens * pooled);
    math->kernels->convert_rows(w->queries, pooled, math->element, w->tokens, tokens * pooled,
                                f->count, pooled, pooled);
    int status = glimpse_linear_run(net->q, workspace, w->queries, f->count, w->q);
    if (status < 0) return status;
    status = glimpse_linear_run(net->kv, workspace, w->rows, f->count * tokens, w->kv);
    if (status < 0) return status;
    for (size_t p = 0; p < f->count; p++) {
        for (size_t h = 0; h < net->heads; h++) {
            const float *k = w->kv + p * tokens * 2 * pooled + h * head;
            math->kernels->attention(w->mixed + p * pooled + h * head, pooled,
                                     w->q + p * pooled + h * head, k, k + pooled, 2 * pooled, 1,
                                     tokens, head, 1.0f / sqrtf((float)head), -1, w->scratch);
        }
    }
    math->kernels->convert(w->queries, math->element, w->mixed, f->count * pooled);
    status = glimpse_linear_run(net->out, workspace, w->queries, f->count, w->results);
    if (status == GLIMPSE_OK)
        memcpy(embeddings, w->results, f->count * net->embedding * sizeof(float));
    return status;
}

static int run_group(resnet_work *w, glimpse_workspace *workspace, size_t first, size_t count,
                     float *embeddings) {
    const resnet *net = w->net;
    const bottleneck *block = net->blocks;
    size_t bytes = net->side * net->side * 3 * glimpse_element_size(net->math->element);
    flow f = {.count = count};
    int status = run_stem(w, workspace, w->pixels + first * bytes, &f);
    if (status < 0) return status;
    show(w, 0, &f);
    for (size_t layer = 0; layer < LAYERS; layer++) {
        for (size_t i = 0; i < net->layers[layer]; i++) {
            status = run_block(w, block++, workspace, &f);
            if (status < 0) return status;
        }
        show(w, layer + 1, &f);
    }
    return pool(w, workspace, &f, embeddings);
}

static int run_resnet(void *work, glimpse_workspace *workspace, size_t count, float *embeddings) {
    resnet_work *w = work;
    int status = GLIMPSE_OK;
    for (size_t done = 0; done < count && status == GLIMPSE_OK; done += w->group) {
        size_t group = count - done < w->group ? count - done : w->group;
        status = run_group(w, workspace, done, group, embeddings + done * w->net->embedding);
    }
    return status;
}

static void trace_resnet(void *work, glimpse_trace_fn trace, void *user) {
    resnet_work *w = work;
    w->trace = trace;
    w->trace_user = user;
}

const glimpse_image_ops glimpse_image_resnet = {
    .open = open_resnet,
    .close = close_resnet,
    .memory = memory_of,
    .work_bytes = sizeof(resnet_work),
    .plan = plan_resnet,
    .add = add_picture,
    .run = run_resnet,
    .trace = trace_resnet,
};
