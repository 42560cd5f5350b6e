/*
 * vlm/blip/blip_pass.c - the text decoder and encoder of BLIP over a batch of packed sequences.
 */
#include "vlm/blip/blip_pass.h"

#include "core/error.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void glimpse_blip_pass_plan(glimpse_blip_pass *pass, glimpse_arena *arena,
                            const glimpse_blip_stack *stack, size_t max_rows, size_t max_spans,
                            size_t cache_rows, size_t source_rows) {
    size_t rows = glimpse_padded_rows(max_rows), width = stack->config.width;
    glimpse_element element = stack->math->element;
    size_t own = stack->context * stack->context, cross = max_rows * source_rows;
    pass->stack = stack;
    pass->max_rows = max_rows;
    pass->max_spans = max_spans;
    pass->cache_rows = cache_rows;
    pass->x = glimpse_arena_alloc(arena, rows * width, sizeof(float));
    pass->h = element == GLIMPSE_ELEMENT_F32
                  ? pass->x
                  : glimpse_arena_alloc(arena, rows * width, glimpse_element_size(element));
    pass->qkv = glimpse_arena_alloc(arena, rows * 3 * width, sizeof(float));
    pass->mixed = glimpse_arena_alloc(arena, rows * width, sizeof(float));
    pass->mlp = glimpse_arena_alloc(arena, rows * stack->config.mlp, glimpse_element_size(element));
    pass->scores = glimpse_arena_alloc(arena, own > cross ? own : cross, sizeof(float));
    pass->spans = glimpse_arena_alloc(arena, max_spans, sizeof *pass->spans);
}

int glimpse_blip_pass_add(glimpse_blip_pass *pass, const glimpse_blip_span *span,
                          const int32_t *ids) {
    const glimpse_blip_stack *stack = pass->stack;
    size_t width = stack->config.width, bytes = width * glimpse_dtype_size(stack->words.dtype);
    assert(glimpse_blip_pass_fits(pass, span->count) && span->count > 0);
    if (span->past + span->count > stack->context) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a text of %zu tokens; the model takes up to %zu",
                            span->past + span->count, stack->context);
    }
    for (size_t t = 0; t < span->count; t++) {
        if (ids[t] < 0 || (size_t)ids[t] >= stack->vocabulary) {
            return glimpse_fail(GLIMPSE_E_INVALID, "token id %d is outside the vocabulary of %zu",
                                (int)ids[t], stack->vocabulary);
        }
        float *row = pass->x + (pass->rows + t) * width;
        glimpse_numbers word = {(const uint8_t *)stack->words.data + (size_t)ids[t] * bytes,
                                stack->words.dtype, width};
        const float *position = stack->positions + (span->past + t) * width;
        glimpse_numbers_to_f32(row, &word);
        for (size_t j = 0; j < width; j++)
            row[j] += position[j];
    }
    glimpse_blip_span *added = &pass->spans[pass->span_count++];
    *added = *span;
    added->start = pass->rows;
    pass->rows += span->count;
    return GLIMPSE_OK;
}

/* What the next product reads of x, or of the attention output, `rows` of them. */
static const void *as_input(const glimpse_blip_pass *pass, const float *values, size_t rows) {
    const glimpse_math *math = pass->stack->math;
    if (math->element == GLIMPSE_ELEMENT_F32) return values;
    math->kernels->convert(pass->h, math->element, values, rows * pass->stack->config.width);
    return pass->h;
}

static void norm(const glimpse_blip_pass *pass, const glimpse_norm *n) {
    const glimpse_blip_stack *stack = pass->stack;
    stack->math->kernels->layer_norm(pass->x, GLIMPSE_ELEMENT_F32, pass->x, n->gamma, n->beta,
                                     stack->config.eps, pass->rows, stack->config.width);
}

/* x = norm(x + layer(attention output)) */
static int add_and_norm(const glimpse_blip_pass *pass, const glimpse_linear *layer,
                        const void *input, const glimpse_norm *n) {
    int status = glimpse_linear_run(layer, pass->workspace, input, pass->rows, pass->x);
    if (status < 0) return status;
    norm(pass, n);
    return GLIMPSE_OK;
}

/* Attention of `count` queries (rows `q_step` apart) over `rows` keys, each followed by its value
 * (rows `kv_step` apart): out [count][D]. `causal`: how many keys before its own the first query
 * sees, -1 for all. */
static void attend(const glimpse_blip_pass *pass, const float *q, size_t q_step, size_t count,
                   const float *kv, size_t kv_step, size_t rows, ptrdiff_t causal, float *out) {
    const glimpse_math *math = pass->stack->math;
    size_t width = pass->stack->config.width, heads = pass->stack->config.heads;
    size_t head = width / heads;
    float scale = 1.0f / sqrtf((float)head);
    for (size_t i = 0; i < heads; i++, q += head, kv += head, out += head) {
        glimpse_gemm(math, 1, count, rows, head, scale, q, q_step, kv, kv_step, pass->scores, rows);
        math->kernels->softmax(pass->scores, count, rows, rows, causal);
        glimpse_gemm(math, 0, count, head, rows, 1.0f, pass->scores, rows, kv + width, kv_step, out,
                     width);
    }
}

/* Self-attention of one span into `out`: of all its rows, or of row `only`. */
static void attend_self(const glimpse_blip_pass *pass, size_t layer, const glimpse_blip_span *span,
                        size_t first, size_t count, float *out) {
    size_t width = pass->stack->config.width;
    const float *qkv = pass->qkv + span->start * 3 * width;
    const float *kv = qkv + width;
    size_t step = 3 * width, rows = span->past + span->count;
    if (span->cache) {
        float *cache = span->cache + layer * pass->cache_rows * 2 * width;
        for (size_t t = 0; t < span->count; t++) {
            memcpy(cache + (span->past + t) * 2 * width, qkv + t * 3 * width + width,
                   2 * width * sizeof *cache);
        }
        kv = cache;
        step = 2 * width;
    }
    attend(pass, qkv + first * 3 * width, 3 * width, count, kv, step, rows,
           pass->stack->causal ? (ptrdiff_t)(span->past + first) : -1, out);
}

/* From here on every span is the one row that is picked. */
static void keep_picked(glimpse_blip_pass *pass, glimpse_blip_pick pick) {
    size_t width = pass->stack->config.width;
    for (size_t s = 0; s < pass->span_count; s++) {
        glimpse_blip_span *span = &pass->spans[s];
        size_t row = span->start + (pick == GLIMPSE_BLIP_PICK_LAST ? span->count - 1 : 0);
        memmove(pass->x + s * width, pass->x + row * width, width * sizeof *pass->x);
        span->start = s;
        span->count = 1;
    }
    pass->rows = pass->span_count;
}

static int self_attention(glimpse_blip_pass *pass, size_t index, glimpse_blip_pick pick) {
    const glimpse_blip_layer *layer = &pass->stack->layers[index];
    size_t width = pass->stack->config.width;
    int status = glimpse_linear_run(layer->qkv, pass->workspace,
                                    as_input(pass, pass->x, pass->rows), pass->rows, pass->qkv);
    if (status < 0) return status;
    for (size_t s = 0; s < pass->span_count; s++) {
        const glimpse_blip_span *span = &pass->spans[s];
        if (pick == GLIMPSE_BLIP_PICK_ALL) {
            attend_self(pass, index, span, 0, span->count, pass->mixed + span->start * width);
        } else {
            size_t row = pick == GLIMPSE_BLIP_PICK_LAST ? span->count - 1 : 0;
            attend_self(pass, index, span, row, 1, pass->mixed + s * width);
        }
    }
    if (pick != GLIMPSE_BLIP_PICK_ALL) keep_picked(pass, pick);
    return add_and_norm(pass, layer->out, as_input(pass, pass->mixed, pass->rows), &layer->norm);
}

/* All spans have a source, or none has. */
static int cross_attention(glimpse_blip_pass *pass, size_t index) {
    const glimpse_blip_layer *layer = &pass->stack->layers[index];
    size_t width = pass->stack->config.width;
    if (!pass->spans[0].source) return GLIMPSE_OK;
    int status = glimpse_linear_run(layer->cross_q, pass->workspace,
                                    as_input(pass, pass->x, pass->rows), pass->rows, pass->qkv);
    if (status < 0) return status;
    for (size_t s = 0, next; s < pass->span_count; s = next) {
        const glimpse_blip_source *source = pass->spans[s].source;
        size_t start = pass->spans[s].start, end = start;
        for (next = s; next < pass->span_count && pass->spans[next].source == source; next++)
            end += pass->spans[next].count;
        attend(pass, pass->qkv + start * width, width, end - start,
               source->kv + index * source->capacity * 2 * width, 2 * width, source->rows, -1,
               pass->mixed + start * width);
    }
    return add_and_norm(pass, layer->cross_out, as_input(pass, pass->mixed, pass->rows),
                        &layer->cross_norm);
}

static int feed_forward(glimpse_blip_pass *pass, size_t index) {
    const glimpse_blip_layer *layer = &pass->stack->layers[index];
    int status = glimpse_linear_run(layer->up, pass->workspace, as_input(pass, pass->x, pass->rows),
                                    pass->rows, pass->mlp);
    if (status < 0) return status;
    return add_and_norm(pass, layer->down, pass->mlp, &layer->last_norm);
}

int glimpse_blip_pass_run(glimpse_blip_pass *pass, glimpse_blip_pick pick) {
    size_t layers = pass->stack->config.layers;
    if (pass->span_count == 0) return GLIMPSE_OK;
    norm(pass, &pass->stack->first);
    for (size_t i = 0; i < layers; i++) {
        int status = self_attention(pass, i, i + 1 == layers ? pick : GLIMPSE_BLIP_PICK_ALL);
        if (status == GLIMPSE_OK) status = cross_attention(pass, i);
        if (status == GLIMPSE_OK) status = feed_forward(pass, i);
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

int glimpse_blip_source_fill(glimpse_blip_source *source, const glimpse_blip_stack *stack,
                             glimpse_workspace *workspace, const void *states, size_t rows) {
    assert(rows <= source->capacity);
    source->rows = rows;
    for (size_t i = 0; i < stack->config.layers; i++) {
        int status =
            glimpse_linear_run(stack->layers[i].cross_kv, workspace, states, rows,
                               source->kv + i * source->capacity * 2 * stack->config.width);
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}
