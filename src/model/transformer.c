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
    pass->mlp = glimpse_arena_alloc(arena, rows * c->mlp, element);
    pass->scores = glimpse_arena_alloc(
        arena, glimpse_attention_scratch(tower->tokens, c->width / c->heads), sizeof(float));
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

/* Attention output in `mixed` [rows][D] as the input of the next product. */
static const void *as_input(const glimpse_pass *pass, size_t rows) {
    const glimpse_math *math = pass->tower->math;
    if (math->element == GLIMPSE_ELEMENT_F32) return pass->mixed;
    math->kernels->convert(pass->h, math->element, pass->mixed, rows * pass->tower->config.width);
    return pass->h;
}

static void norm(const glimpse_pass *pass, const glimpse_norm *n, const float *x, size_t rows) {
    const glimpse_tower *tower = pass->tower;
    tower->math->kernels->layer_norm(pass->h, tower->math->element, x, n->gamma, n->beta,
                                     tower->config.eps, rows, tower->config.width);
}

/* x [rows][D] as the input of the next product, in h where it is not one as it lies. */
static const void *stream_as_input(const glimpse_pass *pass, const float *x, size_t rows) {
    const glimpse_math *math = pass->tower->math;
    if (math->element == GLIMPSE_ELEMENT_F32) return x;
    math->kernels->convert(pass->h, math->element, x, rows * pass->tower->config.width);
    return pass->h;
}

/* The norm behind a half of a block, in place: one row is read before it is written. */
static void norm_stream(const glimpse_pass *pass, const glimpse_norm *n, float *x, size_t rows) {
    const glimpse_tower *tower = pass->tower;
    tower->math->kernels->layer_norm(x, GLIMPSE_ELEMENT_F32, x, n->gamma, n->beta,
                                     tower->config.eps, rows, tower->config.width);
}

/* The half of a block behind attention, on x [rows][D] with the attention output as `input`. */
static int finish_block(const glimpse_pass *pass, const glimpse_block *block, const void *input,
                        float *x, size_t rows) {
    int post = pass->tower->config.norm_place == GLIMPSE_NORM_POST;
    int status = glimpse_linear_run(block->out, pass->workspace, input, rows, x);
    if (status < 0) return status;
    const void *middle = pass->h;
    if (post) {
        norm_stream(pass, &block->norm1, x, rows);
        middle = stream_as_input(pass, x, rows);
    } else {
        norm(pass, &block->norm2, x, rows);
    }
    status = glimpse_linear_run(block->up, pass->workspace, middle, rows, pass->mlp);
    if (status < 0) return status;
    status = glimpse_linear_run(block->down, pass->workspace, pass->mlp, rows, x);
    if (post && status == GLIMPSE_OK) norm_stream(pass, &block->norm2, x, rows);
    return status;
}

/* All sequences into h on the matrix units. 1 when that was done: either for all or for none, as
 * the sequences are equally long in the towers that it is asked for. */
static int attend_fast(const glimpse_pass *pass, size_t sequences) {
    const glimpse_tower *tower = pass->tower;
    size_t width = tower->config.width, element = glimpse_element_size(tower->math->element);
    int done = 0;
    if (tower->causal || tower->unpadded) return 0;
    for (size_t s = 0; s < sequences; s++) {
        size_t start = pass->starts[s];
        done = glimpse_attend_fast(tower->math, pass->workspace, pass->qkv + start * 3 * width,
                                   pass->starts[s + 1] - start, tower->config.heads,
                                   width / tower->config.heads,
                                   (uint8_t *)pass->h + start * width * element);
        if (done <= 0) break;
    }
    return done;
}

static int run_block(const glimpse_pass *pass, const glimpse_block *block, size_t sequences,
                     int pooled_only) {
    size_t width = pass->tower->config.width;
    size_t rows = pass->starts[sequences];
    const void *input = pass->h;
    if (pass->tower->config.norm_place == GLIMPSE_NORM_POST) {
        input = stream_as_input(pass, pass->x, rows);
    } else {
        norm(pass, &block->norm1, pass->x, rows);
    }
    int status = glimpse_linear_run(block->qkv, pass->workspace, input, rows, pass->qkv);
    if (status < 0) return status;
    if (!pooled_only) {
        status = attend_fast(pass, sequences);
        if (status < 0) return status;
        if (status == 1) return finish_block(pass, block, pass->h, pass->x, rows);
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
        return finish_block(pass, block, as_input(pass, sequences), pass->pooled, sequences);
    }
    return finish_block(pass, block, as_input(pass, rows), pass->x, rows);
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
    if (tower->last.gamma) {
        norm(pass, &tower->last, pass->pooled, sequences);
    } else {
        input = stream_as_input(pass, pass->pooled, sequences);
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
    size_t rows = pass->starts[sequences];
    if (pass->trace) pass->trace(pass->trace_user, 0, pass->x, rows, width);
    for (size_t i = 0; i < layers; i++) {
        int pooled_only = i + 1 == layers && !pass->trace && !tower->pooling.query && !tower->mean;
        if (pooled_only) gather(pass, sequences);
        int status = run_block(pass, &tower->blocks[i], sequences, pooled_only);
        if (status < 0) return status;
        if (pass->trace) pass->trace(pass->trace_user, i + 1, pass->x, rows, width);
    }
    if (tower->pooling.query) return glimpse_pass_pool(pass, sequences, embeddings);
    if (tower->mean) {
        gather_means(pass, sequences);
    } else if (pass->trace) {
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
