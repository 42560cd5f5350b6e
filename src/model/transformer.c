/*
 * model/transformer.c - the blocks of a tower over a batch of sequences packed behind each other
 * (no padding: texts of different lengths cost what they are long).
 *
 *     x [rows][D], rows = sum of lengths; sequence s is rows starts[s] .. starts[s+1]
 *
 * Only one row per sequence is looked at in the end (the class or end token), so the last block
 * computes its attention output and MLP for those rows alone. A tower with an attention-pooling
 * head (SigLIP's pictures), or of which the mean is pooled (XLM-R's texts), needs them all.
 */
#include "model/model_internal.h"
#include "model/text_mixer.h"

#include <math.h>
#include <string.h>

void glimpse_pass_plan(glimpse_pass *pass, glimpse_arena *arena, const glimpse_tower *tower,
                       size_t max_rows, size_t max_sequences) {
    const glimpse_tower_config *c = &tower->config;
    size_t rows = glimpse_padded_rows(max_rows);
    size_t sequences = glimpse_padded_rows(max_sequences);
    size_t element = glimpse_element_size(tower->math->element);
    pass->tower = tower;
    pass->max_rows = max_rows;
    pass->max_sequences = max_sequences;
    pass->x = glimpse_arena_alloc(arena, rows * c->width, sizeof(float));
    pass->h = glimpse_arena_alloc(arena, rows * c->width, element);
    pass->qkv = glimpse_arena_alloc(arena, rows * 3 * c->width, sizeof(float));
    pass->mixed = glimpse_arena_alloc(arena, rows * c->width, sizeof(float));
    size_t mlp = tower->pooling.mlp > c->mlp ? tower->pooling.mlp : c->mlp;
    pass->mlp = glimpse_arena_alloc(arena, rows * mlp, element);
    if (c->gated) pass->gates = glimpse_arena_alloc(arena, rows * 2 * c->mlp, sizeof(float));
    pass->scores = glimpse_arena_alloc(
        arena, glimpse_attention_scratch(tower->tokens, c->width / c->heads), sizeof(float));
    pass->scratch = glimpse_arena_alloc(arena, glimpse_text_mixers_scratch(tower), sizeof(float));
    pass->pooled = glimpse_arena_alloc(arena, sequences * c->width, sizeof(float));
    pass->middle = glimpse_arena_alloc(arena, sequences * tower->middle_width, element);
    pass->projected = glimpse_arena_alloc(arena, sequences * tower->embedding, sizeof(float));
    pass->starts = glimpse_arena_alloc(arena, max_sequences + 1, sizeof(size_t));
    pass->pools = glimpse_arena_alloc(arena, max_sequences, sizeof(size_t));
}

/*
 * Attention of Vaswani et al. 2017 over `rows` keys and values of one sequence, for the `count`
 * queries from row `first` on: out [count][D] = softmax(q k^T / sqrt(head width)) v, per head.
 */
static void attend(const glimpse_pass *pass, const float *qkv, size_t rows, size_t first,
                   size_t count, float *out) {
    const glimpse_kernels *kernels = pass->tower->math->kernels;
    size_t width = pass->tower->config.width, heads = pass->tower->config.heads;
    size_t head = width / heads;
    ptrdiff_t causal_first = pass->tower->causal ? (ptrdiff_t)first : -1;
    for (size_t i = 0; i < heads; i++) {
        const float *q = qkv + first * 3 * width + i * head;
        const float *k = qkv + width + i * head;
        const float *v = qkv + 2 * width + i * head;
        kernels->attention(out + i * head, width, q, k, v, 3 * width, count, rows, head,
                           1.0f / sqrtf((float)head), causal_first, pass->scores);
    }
}

static void norm(const glimpse_pass *pass, const glimpse_norm *n, const float *x, size_t rows) {
    const glimpse_tower *tower = pass->tower;
    tower->math->kernels->layer_norm(pass->h, tower->math->element, x, n->gamma, n->beta,
                                     tower->config.eps, rows, tower->config.width);
}

/* x [rows][D] as the input of a product. */
static const void *as_input(const glimpse_pass *pass, const float *x, size_t rows) {
    const glimpse_math *math = pass->tower->math;
    if (math->element == GLIMPSE_ELEMENT_F32) return x;
    math->kernels->convert(pass->h, math->element, x, rows * pass->tower->config.width);
    return pass->h;
}

/* What the first product of half a block takes, of the residual stream x [rows][D]. */
static const void *half_input(const glimpse_pass *pass, const glimpse_norm *n, const float *x,
                              size_t rows) {
    if (pass->tower->config.norms != GLIMPSE_NORM_PRE) return as_input(pass, x, rows);
    norm(pass, n, x, rows);
    return pass->h;
}

/* The attention output in `mixed` [rows][D] as the input of the product behind it. */
static const void *attention_input(const glimpse_pass *pass, const glimpse_block *block,
                                   size_t rows) {
    if (!block->attn_norm.gamma) return as_input(pass, pass->mixed, rows);
    norm(pass, &block->attn_norm, pass->mixed, rows);
    return pass->h;
}

/* The last product of half a block, onto the residual stream x [rows][D]. By now qkv and mixed,
 * unless that is the input, are free. */
static int add_half(const glimpse_pass *pass, const glimpse_linear *last, const glimpse_norm *n,
                    const void *input, float *x, size_t rows) {
    const glimpse_tower *tower = pass->tower;
    size_t width = tower->config.width;
    if (tower->config.norms != GLIMPSE_NORM_RESIDUAL_POST) {
        int status = glimpse_linear_run(last, pass->workspace, input, rows, x);
        if (status < 0 || tower->config.norms == GLIMPSE_NORM_PRE) return status;
        /* In place: a row is read before it is written. */
        tower->math->kernels->layer_norm(x, GLIMPSE_ELEMENT_F32, x, n->gamma, n->beta,
                                         tower->config.eps, rows, width);
        return GLIMPSE_OK;
    }
    int status = glimpse_linear_run(last, pass->workspace, input, rows, pass->qkv);
    if (status < 0) return status;
    tower->math->kernels->layer_norm(pass->mixed, GLIMPSE_ELEMENT_F32, pass->qkv, n->gamma, n->beta,
                                     tower->config.eps, rows, width);
    for (size_t j = 0; j < rows * width; j++)
        x[j] += pass->mixed[j];
    return GLIMPSE_OK;
}

/* The input of the MLP's second product, into pass->mlp. */
static int run_up(const glimpse_pass *pass, const glimpse_block *block, const void *input,
                  size_t rows) {
    const glimpse_tower *tower = pass->tower;
    const glimpse_kernels *kernels = tower->math->kernels;
    size_t width = tower->config.mlp;
    if (!tower->config.gated)
        return glimpse_linear_run(block->up, pass->workspace, input, rows, pass->mlp);
    int status = glimpse_linear_run(block->up, pass->workspace, input, rows, pass->gates);
    if (status < 0) return status;
    if (!block->mlp_norm.gamma) {
        kernels->swiglu(pass->mlp, tower->math->element, pass->gates, rows, width);
        return GLIMPSE_OK;
    }
    kernels->swiglu(pass->gates, GLIMPSE_ELEMENT_F32, pass->gates, rows, width);
    kernels->layer_norm(pass->mlp, tower->math->element, pass->gates, block->mlp_norm.gamma,
                        block->mlp_norm.beta, tower->config.eps, rows, width);
    return GLIMPSE_OK;
}

/* The half of a block behind attention, on x [rows][D] with the attention output as `input`. */
static int finish_block(const glimpse_pass *pass, const glimpse_block *block, const void *input,
                        float *x, size_t rows) {
    int status = add_half(pass, block->out, &block->norm1, input, x, rows);
    if (status < 0) return status;
    status = run_up(pass, block, half_input(pass, &block->norm2, x, rows), rows);
    if (status < 0) return status;
    return add_half(pass, block->down, &block->norm2, pass->mlp, x, rows);
}

/* Queries and keys of all sequences, each turned by the angles of its place. */
static void rotate(const glimpse_pass *pass, size_t sequences) {
    const glimpse_tower *tower = pass->tower;
    size_t width = tower->config.width, heads = tower->config.heads, pairs = width / heads / 2;
    for (size_t s = 0; s < sequences; s++) {
        size_t start = pass->starts[s], length = pass->starts[s + 1] - start;
        for (size_t t = 0; t < length; t++) {
            const float *cosines = tower->rotary + t * 2 * pairs, *sines = cosines + pairs;
            float *row = pass->qkv + (start + t) * 3 * width;
            for (size_t i = 0; i < 2 * heads; i++, row += 2 * pairs) {
                for (size_t j = 0; j < pairs; j++) {
                    float a = row[2 * j], b = row[2 * j + 1];
                    row[2 * j] = a * cosines[j] - b * sines[j];
                    row[2 * j + 1] = b * cosines[j] + a * sines[j];
                }
            }
        }
    }
}

/* All sequences on the matrix units: into h, or, where a norm follows, into mixed. 1 when that was
 * done: either for all or for none, as the sequences of a tower without a mask are equally long
 * unless it says `unpadded`. */
static int attend_fast(const glimpse_pass *pass, const glimpse_block *block, size_t sequences) {
    const glimpse_tower *tower = pass->tower;
    glimpse_element result = block->attn_norm.gamma ? GLIMPSE_ELEMENT_F32 : tower->math->element;
    size_t width = tower->config.width, element = glimpse_element_size(result);
    uint8_t *out = block->attn_norm.gamma ? (void *)pass->mixed : pass->h;
    int done = 0;
    if (tower->causal || tower->unpadded) return 0;
    for (size_t s = 0; s < sequences; s++) {
        size_t start = pass->starts[s];
        done =
            glimpse_attend_fast(tower->math, pass->workspace, pass->qkv + start * 3 * width,
                                pass->starts[s + 1] - start, tower->config.heads,
                                width / tower->config.heads, result, out + start * width * element);
        if (done <= 0) break;
    }
    return done;
}

static int run_block(const glimpse_pass *pass, const glimpse_block *block, size_t sequences,
                     int pooled_only) {
    size_t width = pass->tower->config.width;
    size_t rows = pass->starts[sequences];
    const void *input = half_input(pass, &block->norm1, pass->x, rows);
    int status = glimpse_linear_run(block->qkv, pass->workspace, input, rows, pass->qkv);
    if (status < 0) return status;
    if (pass->tower->rotary) rotate(pass, sequences);
    if (!pooled_only) {
        status = attend_fast(pass, block, sequences);
        if (status < 0) return status;
        if (status == 1) {
            input = block->attn_norm.gamma ? attention_input(pass, block, rows) : pass->h;
            return finish_block(pass, block, input, pass->x, rows);
        }
    }
    for (size_t s = 0; s < sequences; s++) {
        size_t start = pass->starts[s], length = pass->starts[s + 1] - start;
        const float *qkv = pass->qkv + start * 3 * width;
        if (pooled_only) {
            attend(pass, qkv, length, pass->pools[s], 1, pass->mixed + s * width);
        } else {
            attend(pass, qkv, length, 0, length, pass->mixed + start * width);
        }
    }
    if (pooled_only) {
        return finish_block(pass, block, attention_input(pass, block, sequences), pass->pooled,
                            sequences);
    }
    return finish_block(pass, block, attention_input(pass, block, rows), pass->x, rows);
}

static void gather(const glimpse_pass *pass, size_t sequences) {
    size_t width = pass->tower->config.width;
    for (size_t s = 0; s < sequences; s++) {
        memcpy(pass->pooled + s * width, pass->x + (pass->starts[s] + pass->pools[s]) * width,
               width * sizeof(float));
    }
}

/* The mean over the rows of each sequence, into pooled. */
static void gather_means(const glimpse_pass *pass, size_t sequences) {
    size_t width = pass->tower->config.width;
    for (size_t s = 0; s < sequences; s++) {
        float *mean = pass->pooled + s * width;
        size_t start = pass->starts[s], length = pass->starts[s + 1] - start;
        memset(mean, 0, width * sizeof *mean);
        for (size_t t = 0; t < length; t++) {
            const float *row = pass->x + (start + t) * width;
            for (size_t j = 0; j < width; j++)
                mean[j] += row[j];
        }
        for (size_t j = 0; j < width; j++)
            mean[j] /= (float)length;
    }
}

/* pooled [sequences][D] through the last norm and the projection: embeddings [sequences][E]. */
static int project(const glimpse_pass *pass, size_t sequences, float *embeddings) {
    const glimpse_tower *tower = pass->tower;
    const void *input = pass->h;
    if (!tower->projection) {
        tower->math->kernels->layer_norm(embeddings, GLIMPSE_ELEMENT_F32, pass->pooled,
                                         tower->last.gamma, tower->last.beta, tower->config.eps,
                                         sequences, tower->config.width);
        return GLIMPSE_OK;
    }
    if (tower->last.gamma) {
        norm(pass, &tower->last, pass->pooled, sequences);
    } else {
        input = as_input(pass, pass->pooled, sequences);
    }
    if (tower->middle) {
        int status =
            glimpse_linear_run(tower->middle, pass->workspace, input, sequences, pass->middle);
        if (status < 0) return status;
        input = pass->middle;
    }
    int status =
        glimpse_linear_run(tower->projection, pass->workspace, input, sequences, pass->projected);
    if (status < 0) return status;
    memcpy(embeddings, pass->projected, sequences * tower->embedding * sizeof(float));
    return GLIMPSE_OK;
}

int glimpse_pass_run(glimpse_pass *pass, size_t sequences, float *embeddings) {
    const glimpse_tower *tower = pass->tower;
    size_t layers = tower->config.layers, width = tower->config.width;
    size_t rows = pass->starts[sequences], stage = 0;
    /* Whether the last layer is needed for more rows than are pooled. */
    int all = pass->trace || tower->pooling.query || tower->mean || tower->mixers;
    if (pass->trace) pass->trace(pass->trace_user, stage, pass->x, rows, width);
    if (tower->mixers) {
        int status = glimpse_text_mixer_run(pass, 0, sequences);
        if (status < 0) return status;
        if (pass->trace) pass->trace(pass->trace_user, ++stage, pass->x, rows, width);
    }
    for (size_t i = 0; i < layers; i++) {
        int pooled_only = i + 1 == layers && !all;
        if (pooled_only) gather(pass, sequences);
        int status = run_block(pass, &tower->blocks[i], sequences, pooled_only);
        if (status < 0) return status;
        if (pass->trace) pass->trace(pass->trace_user, ++stage, pass->x, rows, width);
    }
    if (tower->mixers) {
        int status = glimpse_text_mixer_run(pass, 1, sequences);
        if (status < 0) return status;
        if (pass->trace) pass->trace(pass->trace_user, ++stage, pass->x, rows, width);
    }
    if (tower->pooling.query) return glimpse_pass_pool(pass, sequences, embeddings);
    if (tower->mean) {
        gather_means(pass, sequences);
    } else if (all) {
        gather(pass, sequences);
    }
    return project(pass, sequences, embeddings);
}

int glimpse_pass_states(glimpse_pass *pass, size_t sequences, float *states) {
    const glimpse_tower *tower = pass->tower;
    size_t layers = tower->config.layers, width = tower->config.width;
    size_t rows = pass->starts[sequences];
    if (pass->trace) pass->trace(pass->trace_user, 0, pass->x, rows, width);
    for (size_t i = 0; i < layers; i++) {
        int status = run_block(pass, &tower->blocks[i], sequences, 0);
        if (status < 0) return status;
        if (pass->trace) pass->trace(pass->trace_user, i + 1, pass->x, rows, width);
    }
    tower->math->kernels->layer_norm(states, GLIMPSE_ELEMENT_F32, pass->x, tower->last.gamma,
                                     tower->last.beta, tower->config.eps, rows, width);
    return GLIMPSE_OK;
}
