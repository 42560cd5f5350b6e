/*
 * model/fastvit.c - FastViT: depthwise convolutions and products, attention in the late stages.
 *
 *     stem         3 x 3, depthwise 3 x 3, 1 x 1; the first two of stride 2       [S/4][S/4][C]
 *     stages       downsample   depthwise 7 x 7 of stride 2, twice the channels; squeeze and
 *                               excitation (some); gelu; 1 x 1                  (not the first)
 *                  position     x + depthwise(x)                              (those that attend)
 *                  blocks       x = mixer(x)    or    x += gamma out(attention(qkv(norm(x))))
 *                               x += gamma fc2(gelu(fc1(depthwise(x))))
 *     the end      a depthwise convolution, twice the channels; squeeze and excitation; gelu; the
 *                  mean of all pixels; head                                                  [E]
 *
 * Activations lie channels last, so that a 1 x 1 convolution is a product. A picture begins at a
 * multiple of GLIMPSE_ROW_STEP pixels; those between are computed with the others and mean nothing.
 * PICTURES of a batch go through the network together, and stages run on as many of those at a time
 * as make their products fast, so that memory does not grow with the batch.
 */
#include "model/fastvit.h"

#include <math.h>
#include <string.h>

enum { PICTURES = 16, GROUP_ROWS = 1024, MLP_ROWS = 512 };
static const float norm_eps = 1e-5f;

/* The buffers of one worker. Those "of a group" have the rows of as many pictures of one stage as
 * run at a time. */
typedef struct work {
    const glimpse_fastvit *tower;
    glimpse_workspace *workspace;
    size_t pixel_bytes; /* of one picture */
    void *pixels;       /* [max_batch][S * S][3] element */
    float *x, *y;       /* the residual stream of PICTURES, and where it goes next */
    void *h;            /* of a group: an input of products */
    float *wide;        /* of a group: an output of theirs, or of depthwise convolutions */
    float *mixed;       /* of a group: the output of attention */
    void *hidden;       /* [MLP_ROWS][of the MLP] element */
    float *scratch;     /* of depthwise convolutions */
    float *scores;      /* tiles of the attention of one head */
    void *patches;      /* of the first convolution */
    void *means;        /* [of a group, and PICTURES][channels] element */
    void *reduced;      /* [of a group][of squeeze and excitation] element */
    float *gates;       /* [of a group][channels] */
    float *embedded;    /* [PICTURES][E] */
    glimpse_trace_fn trace;
    void *trace_user;
} work;

static size_t rows_of(const glimpse_fastvit_stage *s) {
    return glimpse_padded_rows(s->side * s->side);
}

static size_t group_of(const glimpse_fastvit_stage *s, size_t batch) {
    size_t group = GROUP_ROWS / rows_of(s);
    if (group < 1) group = 1;
    return group < batch ? group : batch;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static void measure_squeeze(const glimpse_fastvit_squeeze *s, size_t pictures, size_t *reduced) {
    *reduced = larger(*reduced, glimpse_padded_rows(pictures) * s->hidden);
}

static void plan_fastvit(void *untyped, glimpse_arena *arena, const void *tower, size_t max_batch) {
    work *w = untyped;
    const glimpse_fastvit *v = tower;
    size_t element = glimpse_element_size(v->math->element);
    size_t batch = max_batch < PICTURES ? max_batch : PICTURES;
    size_t half = (v->side - 1) / 2 + 1, quarter = (half - 1) / 2 + 1;
    size_t first = glimpse_padded_rows(half * half) * v->stem.shape.out;
    size_t second = glimpse_padded_rows(quarter * quarter) * v->stem_depthwise.channels *
                    v->stem_depthwise.multiplier;
    size_t stream = batch * glimpse_padded_rows(quarter * quarter) * v->stem_pointwise.shape.out;
    size_t h = second, wide = first, mixed = 0, hidden = 0, means = 0, reduced = 0, attended = 0;
    size_t scratch = glimpse_depthwise_scratch(&v->stem_depthwise, half);
    for (size_t i = 0; i < v->count; i++) {
        const glimpse_fastvit_stage *s = &v->stages[i];
        size_t rows = rows_of(s), group = group_of(s, batch), pictures = group * rows;
        size_t outputs = s->downsample.channels * s->downsample.multiplier;
        stream = larger(stream, batch * rows * s->width);
        h = larger(h, pictures * larger(s->width, outputs));
        wide = larger(wide, pictures * outputs);
        means = larger(means, glimpse_padded_rows(group) * outputs);
        measure_squeeze(&s->excite, group, &reduced);
        if (s->downsample.weights)
            scratch = larger(scratch, glimpse_depthwise_scratch(&s->downsample, s->before));
        if (s->position.weights)
            scratch = larger(scratch, glimpse_depthwise_scratch(&s->position, s->side));
        for (size_t j = 0; j < s->count; j++) {
            const glimpse_fastvit_block *b = &s->blocks[j];
            if (b->attends) {
                wide = larger(wide, pictures * 3 * s->width);
                mixed = larger(mixed, pictures * s->width);
                attended = larger(attended, s->side * s->side);
            } else {
                scratch = larger(scratch, glimpse_depthwise_scratch(&b->mixer, s->side));
            }
            scratch = larger(scratch, glimpse_depthwise_scratch(&b->mlp_conv, s->side));
            hidden = larger(hidden, b->mlp.hidden);
        }
    }
    const glimpse_fastvit_stage *end = &v->stages[v->count - 1];
    size_t outputs = v->last.channels * v->last.multiplier, group = group_of(end, batch);
    wide = larger(wide, group * rows_of(end) * outputs);
    scratch = larger(scratch, glimpse_depthwise_scratch(&v->last, end->side));
    means = larger(means, (glimpse_padded_rows(batch) + glimpse_padded_rows(group)) * outputs);
    measure_squeeze(&v->excite, group, &reduced);

    w->tower = v;
    w->pixel_bytes = (v->side * v->side * 3 * element + 63) / 64 * 64;
    w->pixels = glimpse_arena_alloc(arena, max_batch, w->pixel_bytes);
    w->x = glimpse_arena_alloc(arena, stream, sizeof(float));
    w->y = glimpse_arena_alloc(arena, stream, sizeof(float));
    w->h = glimpse_arena_alloc(arena, h, element);
    w->wide = glimpse_arena_alloc(arena, wide, sizeof(float));
    w->mixed = glimpse_arena_alloc(arena, mixed, sizeof(float));
    w->hidden = glimpse_arena_alloc(arena, MLP_ROWS * hidden, element);
    w->scratch = glimpse_arena_alloc(arena, scratch, sizeof(float));
    w->scores = glimpse_arena_alloc(
        arena, glimpse_attention_scratch(attended, GLIMPSE_FASTVIT_HEAD), sizeof(float));
    w->patches = glimpse_arena_alloc(arena, glimpse_convolution_patches(&v->stem, half * half), 1);
    w->means = glimpse_arena_alloc(arena, means, element);
    w->reduced = glimpse_arena_alloc(arena, reduced, element);
    w->gates = glimpse_arena_alloc(arena, means, sizeof(float));
    w->embedded =
        glimpse_arena_alloc(arena, glimpse_padded_rows(batch) * v->embedding, sizeof(float));
}

static void add_picture(void *untyped, size_t place, const float *pixels) {
    work *w = untyped;
    glimpse_interleave_pixels(w->tower->math, (uint8_t *)w->pixels + place * w->pixel_bytes, pixels,
                              w->tower->side);
}

/* A picture into x, where it is number `place`, by way of wide and h. */
static int run_stem(work *w, const void *pixels, size_t place) {
    const glimpse_fastvit *v = w->tower;
    const glimpse_math *math = v->math;
    size_t half = glimpse_convolution_side(&v->stem.shape, v->side);
    size_t side = glimpse_depthwise_side(&v->stem_depthwise, half);
    size_t rows = glimpse_padded_rows(side * side);
    int status = glimpse_convolution_run(&v->stem, w->workspace, w->patches, pixels, 1, v->side,
                                         v->side, w->wide);
    if (status < 0) return status;
    glimpse_depthwise_run(&v->stem_depthwise, math->kernels, w->wide, half, half, w->h,
                          math->element, GLIMPSE_ACTIVATION_GELU, w->scratch);
    return glimpse_linear_run(v->stem_pointwise.product, w->workspace, w->h, rows,
                              w->x + place * rows * v->stem_pointwise.shape.out);
}

/* `wide` [pictures][rows][width], of which side * side pixels of each picture mean something, times
 * what it makes of their means; then gelu, into `out` of `element`. */
static int run_squeeze(work *w, const glimpse_fastvit_squeeze *s, size_t pictures, size_t side,
                       size_t width, void *means, void *out, glimpse_element element) {
    const glimpse_math *math = w->tower->math;
    size_t rows = glimpse_padded_rows(side * side), bytes = glimpse_element_size(math->element);
    for (size_t p = 0; p < pictures; p++) {
        glimpse_average_pool(math, (uint8_t *)means + p * width * bytes, math->element,
                             w->wide + p * rows * width, 1, side, side, width, side);
    }
    int status = glimpse_linear_run(s->reduce.product, w->workspace, means, pictures, w->reduced);
    if (status == GLIMPSE_OK)
        status =
            glimpse_linear_run(s->expand.product, w->workspace, w->reduced, pictures, w->gates);
    if (status < 0) return status;
    for (size_t p = 0; p < pictures; p++) {
        float *gates = w->gates + p * width, *x = w->wide + p * rows * width;
        for (size_t c = 0; c < width; c++)
            gates[c] = 1.0f / (1.0f + expf(-gates[c]));
        for (size_t i = 0; i < side * side; i++, x += width) {
            for (size_t c = 0; c < width; c++)
                x[c] *= gates[c];
        }
        math->kernels->bias_activation(
            (uint8_t *)out + p * rows * width * glimpse_element_size(element), element,
            w->wide + p * rows * width, NULL, GLIMPSE_ACTIVATION_GELU, side * side, width);
    }
    return GLIMPSE_OK;
}

static void swap(work *w) {
    float *x = w->x;
    w->x = w->y;
    w->y = x;
}

/* From x to x, whose pictures become smaller. */
static int run_downsample(work *w, const glimpse_fastvit_stage *s, size_t count) {
    const glimpse_math *math = w->tower->math;
    size_t side = s->before, from = glimpse_padded_rows(side * side) * s->downsample.channels;
    size_t width = s->downsample.channels * s->downsample.multiplier, rows = rows_of(s);
    size_t group = group_of(s, count), bytes = glimpse_element_size(math->element);
    int squeezed = s->excite.hidden > 0;
    for (size_t done = 0; done < count; done += group) {
        size_t pictures = count - done < group ? count - done : group;
        for (size_t p = 0; p < pictures; p++) {
            glimpse_depthwise_run(
                &s->downsample, math->kernels, w->x + (done + p) * from, side, side,
                squeezed ? (void *)(w->wide + p * rows * width)
                         : (void *)((uint8_t *)w->h + p * rows * width * bytes),
                squeezed ? GLIMPSE_ELEMENT_F32 : math->element,
                squeezed ? GLIMPSE_ACTIVATION_NONE : GLIMPSE_ACTIVATION_GELU, w->scratch);
        }
        int status = GLIMPSE_OK;
        if (squeezed) {
            status =
                run_squeeze(w, &s->excite, pictures, s->side, width, w->means, w->h, math->element);
        }
        if (status == GLIMPSE_OK) {
            status = glimpse_linear_run(s->pointwise.product, w->workspace, w->h, pictures * rows,
                                        w->y + done * rows * s->width);
        }
        if (status < 0) return status;
    }
    swap(w);
    return GLIMPSE_OK;
}

/* A depthwise convolution of every picture of a stage, from x to x. */
static void run_mixer(work *w, const glimpse_fastvit_stage *s, const glimpse_depthwise *mixer,
                      size_t count) {
    size_t size = rows_of(s) * s->width;
    for (size_t p = 0; p < count; p++) {
        glimpse_depthwise_run(mixer, w->tower->math->kernels, w->x + p * size, s->side, s->side,
                              w->y + p * size, GLIMPSE_ELEMENT_F32, GLIMPSE_ACTIVATION_NONE,
                              w->scratch);
    }
    swap(w);
}

/* Attention of each picture over its own pixels, out of `wide`: the input of the next product. */
static int attend(work *w, const glimpse_fastvit_stage *s, size_t pictures, const void **out) {
    const glimpse_math *math = w->tower->math;
    size_t width = s->width, pixels = s->side * s->side, rows = rows_of(s);
    int done = 0;
    for (size_t p = 0; p < pictures; p++) {
        const float *qkv = w->wide + p * rows * 3 * width;
        done = glimpse_attend_fast(math, w->workspace, qkv, pixels, width / GLIMPSE_FASTVIT_HEAD,
                                   GLIMPSE_FASTVIT_HEAD, math->element,
                                   (uint8_t *)w->h +
                                       p * rows * width * glimpse_element_size(math->element));
        if (done < 0) return done;
        for (size_t i = 0; !done && i < width / GLIMPSE_FASTVIT_HEAD; i++) {
            math->kernels->attention(
                w->mixed + p * rows * width + i * GLIMPSE_FASTVIT_HEAD, width,
                qkv + i * GLIMPSE_FASTVIT_HEAD, qkv + width + i * GLIMPSE_FASTVIT_HEAD,
                qkv + 2 * width + i * GLIMPSE_FASTVIT_HEAD, 3 * width, pixels, pixels,
                GLIMPSE_FASTVIT_HEAD, 1.0f / sqrtf((float)GLIMPSE_FASTVIT_HEAD), -1, w->scores);
        }
    }
    *out = w->h;
    if (!done && math->element == GLIMPSE_ELEMENT_F32) *out = w->mixed;
    if (!done && math->element != GLIMPSE_ELEMENT_F32)
        math->kernels->convert(w->h, math->element, w->mixed, pictures * rows * width);
    return GLIMPSE_OK;
}

/* The half of a block that attends, on `pictures` of x. */
static int run_attention(work *w, const glimpse_fastvit_stage *s, const glimpse_fastvit_block *b,
                         float *x, size_t pictures) {
    const glimpse_math *math = w->tower->math;
    size_t rows = pictures * rows_of(s);
    const void *input = x;
    if (b->norm.gamma) {
        math->kernels->layer_norm(w->h, math->element, x, b->norm.gamma, b->norm.beta, norm_eps,
                                  rows, s->width);
        input = w->h;
    } else if (math->element != GLIMPSE_ELEMENT_F32) {
        math->kernels->convert(w->h, math->element, x, rows * s->width);
        input = w->h;
    }
    int status = glimpse_linear_run(b->qkv.product, w->workspace, input, rows, w->wide);
    if (status == GLIMPSE_OK) status = attend(w, s, pictures, &input);
    if (status == GLIMPSE_OK)
        status = glimpse_linear_run(b->out.product, w->workspace, input, rows, x);
    return status;
}

static int run_block(work *w, const glimpse_fastvit_stage *s, const glimpse_fastvit_block *b,
                     size_t count) {
    const glimpse_math *math = w->tower->math;
    size_t size = rows_of(s) * s->width, bytes = glimpse_element_size(math->element);
    size_t group = group_of(s, count);
    if (!b->attends) run_mixer(w, s, &b->mixer, count);
    for (size_t done = 0; done < count; done += group) {
        size_t pictures = count - done < group ? count - done : group;
        size_t rows = pictures * rows_of(s);
        float *x = w->x + done * size;
        int status = b->attends ? run_attention(w, s, b, x, pictures) : GLIMPSE_OK;
        for (size_t p = 0; p < pictures && status == GLIMPSE_OK; p++) {
            glimpse_depthwise_run(&b->mlp_conv, math->kernels, x + p * size, s->side, s->side,
                                  (uint8_t *)w->h + p * size * bytes, math->element,
                                  GLIMPSE_ACTIVATION_NONE, w->scratch);
        }
        /* A piece at a time, so that what is between the two products stays in the cache. */
        for (size_t from = 0; from < rows && status == GLIMPSE_OK; from += MLP_ROWS) {
            size_t piece = rows - from < MLP_ROWS ? rows - from : MLP_ROWS;
            status =
                glimpse_linear_run(b->mlp.up, w->workspace,
                                   (uint8_t *)w->h + from * s->width * bytes, piece, w->hidden);
            if (status == GLIMPSE_OK) {
                status = glimpse_linear_run(b->mlp.down.product, w->workspace, w->hidden, piece,
                                            x + from * s->width);
            }
        }
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

static int run_stage(work *w, const glimpse_fastvit_stage *s, size_t count) {
    int status = GLIMPSE_OK;
    if (s->downsample.weights) status = run_downsample(w, s, count);
    if (s->position.weights && status == GLIMPSE_OK) run_mixer(w, s, &s->position, count);
    for (size_t j = 0; j < s->count && status == GLIMPSE_OK; j++)
        status = run_block(w, s, &s->blocks[j], count);
    return status;
}

/* The last convolution, the means of its pixels, and the head. */
static int run_end(work *w, size_t count, float *embeddings) {
    const glimpse_fastvit *v = w->tower;
    const glimpse_math *math = v->math;
    const glimpse_fastvit_stage *s = &v->stages[v->count - 1];
    size_t rows = rows_of(s), width = v->last.channels * v->last.multiplier;
    size_t group = group_of(s, count), bytes = glimpse_element_size(math->element);
    /* The means of the group stand behind those of the batch. */
    uint8_t *group_means = (uint8_t *)w->means + glimpse_padded_rows(count) * width * bytes;
    for (size_t done = 0; done < count; done += group) {
        size_t pictures = count - done < group ? count - done : group;
        for (size_t p = 0; p < pictures; p++) {
            glimpse_depthwise_run(
                &v->last, math->kernels, w->x + (done + p) * rows * s->width, s->side, s->side,
                w->wide + p * rows * width, GLIMPSE_ELEMENT_F32,
                v->excite.hidden ? GLIMPSE_ACTIVATION_NONE : GLIMPSE_ACTIVATION_GELU, w->scratch);
        }
        if (v->excite.hidden) {
            int status = run_squeeze(w, &v->excite, pictures, s->side, width, group_means, w->wide,
                                     GLIMPSE_ELEMENT_F32);
            if (status < 0) return status;
        }
        for (size_t p = 0; p < pictures; p++) {
            glimpse_average_pool(math, (uint8_t *)w->means + (done + p) * width * bytes,
                                 math->element, w->wide + p * rows * width, 1, s->side, s->side,
                                 width, s->side);
        }
    }
    int status = glimpse_linear_run(v->head.product, w->workspace, w->means, count, w->embedded);
    if (status == GLIMPSE_OK) memcpy(embeddings, w->embedded, count * v->embedding * sizeof(float));
    return status;
}

/* The trace sees the first picture: behind the stem, then behind each stage. */
static void report(const work *w, size_t number, size_t side, size_t width) {
    if (w->trace) w->trace(w->trace_user, number, w->x, side * side, width);
}

static int run_pictures(work *w, const uint8_t *pixels, size_t count, float *embeddings) {
    const glimpse_fastvit *v = w->tower;
    int status = GLIMPSE_OK;
    for (size_t p = 0; p < count && status == GLIMPSE_OK; p++)
        status = run_stem(w, pixels + p * w->pixel_bytes, p);
    if (status < 0) return status;
    report(w, 0, v->stages[0].before, v->stem_pointwise.shape.out);
    for (size_t i = 0; i < v->count; i++) {
        status = run_stage(w, &v->stages[i], count);
        if (status < 0) return status;
        report(w, i + 1, v->stages[i].side, v->stages[i].width);
    }
    return run_end(w, count, embeddings);
}

static int run_fastvit(void *untyped, glimpse_workspace *workspace, size_t count,
                       float *embeddings) {
    work *w = untyped;
    int status = GLIMPSE_OK;
    w->workspace = workspace;
    for (size_t done = 0; done < count && status == GLIMPSE_OK; done += PICTURES) {
        size_t pictures = count - done < PICTURES ? count - done : PICTURES;
        status = run_pictures(w, (const uint8_t *)w->pixels + done * w->pixel_bytes, pictures,
                              embeddings + done * w->tower->embedding);
    }
    return status;
}

static void trace_fastvit(void *untyped, glimpse_trace_fn trace, void *user) {
    work *w = untyped;
    w->trace = trace;
    w->trace_user = user;
}

const glimpse_image_ops glimpse_image_fastvit = {
    .open = glimpse_fastvit_open,
    .close = glimpse_fastvit_close,
    .memory = glimpse_fastvit_memory,
    .work_bytes = sizeof(work),
    .plan = plan_fastvit,
    .add = add_picture,
    .run = run_fastvit,
    .trace = trace_fastvit,
};
