/*
 * vlm/blip/blip_pass.h - the text side of BLIP over a batch of sequences packed behind each other:
 * no padding, so no masks.
 *
 *     x [rows][D]; a span is the rows of one sequence
 *
 *     glimpse_blip_pass_clear(&pass);
 *     glimpse_blip_pass_add(&pass, &span, ids);        // any number that fits
 *     glimpse_blip_pass_run(&pass, GLIMPSE_BLIP_PICK_LAST);
 *     // pass.x [spans][D] now holds the last state of every sequence
 *
 * With a cache, a span is only the new tokens of a sequence: its keys and values join those of the
 * `past` tokens before them. The keys and values of cross-attention come from outside and are not
 * copied: spans that stand beside each other and share a source (the beams of one picture, the
 * texts matched with one picture) become one product.
 */
#ifndef GLIMPSE_VLM_BLIP_PASS_H
#define GLIMPSE_VLM_BLIP_PASS_H

#include "core/arena.h"
#include "vlm/blip/blip_weights.h"

/* Keys and values of cross-attention in every layer: [layers][room][2D], `rows` of them real. */
typedef struct glimpse_blip_source {
    float *kv;
    size_t rows, capacity;
} glimpse_blip_source;

typedef struct glimpse_blip_span {
    size_t count;                      /* rows */
    size_t past;                       /* tokens of the sequence that are in the cache */
    float *cache;                      /* [layers][cache_rows][2D]; NULL: none */
    const glimpse_blip_source *source; /* NULL: no cross-attention */
    size_t start;                      /* first row, set by the pass */
} glimpse_blip_span;

typedef enum glimpse_blip_pick {
    GLIMPSE_BLIP_PICK_ALL,   /* x keeps every row */
    GLIMPSE_BLIP_PICK_FIRST, /* one row per span, which saves most of the last layer */
    GLIMPSE_BLIP_PICK_LAST
} glimpse_blip_pick;

typedef struct glimpse_blip_pass {
    const glimpse_blip_stack *stack;
    glimpse_workspace *workspace;
    size_t max_rows, max_spans;
    size_t cache_rows;        /* of every span's cache */
    float *x;                 /* [max_rows][D] residual stream */
    void *h;                  /* [max_rows][D] element: what products read; x itself for f32 */
    float *qkv;               /* [max_rows][3D] */
    float *mixed;             /* [max_rows][D] attention output */
    void *mlp;                /* [max_rows][F] element */
    float *scores;            /* of one head */
    glimpse_blip_span *spans; /* [max_spans] */
    size_t span_count, rows;
} glimpse_blip_pass;

/* Carves (or, with a measuring arena, only counts) the buffers. `source_rows` is the most that
 * cross-attention reads. */
void glimpse_blip_pass_plan(glimpse_blip_pass *pass, glimpse_arena *arena,
                            const glimpse_blip_stack *stack, size_t max_rows, size_t max_spans,
                            size_t cache_rows, size_t source_rows);
static inline void glimpse_blip_pass_clear(glimpse_blip_pass *pass) {
    pass->span_count = pass->rows = 0;
}
static inline int glimpse_blip_pass_fits(const glimpse_blip_pass *pass, size_t rows) {
    return pass->span_count < pass->max_spans && pass->rows + rows <= pass->max_rows;
}
/* Embeds span->count ids, which stand at positions span->past and up. GLIMPSE_E_INVALID for ids
 * outside the vocabulary and positions the model has not. It must fit. */
int glimpse_blip_pass_add(glimpse_blip_pass *pass, const glimpse_blip_span *span,
                          const int32_t *ids);
int glimpse_blip_pass_run(glimpse_blip_pass *pass, glimpse_blip_pick pick);

/* Bytes are checked once, when a worker is planned. Floats in a cache or a source: */
static inline size_t glimpse_blip_kv_size(const glimpse_blip_stack *stack, size_t rows) {
    return stack->config.layers * rows * 2 * stack->config.width;
}
/* Keys and values of `rows` states [padded rows][S] (of the element type) for every layer. */
int glimpse_blip_source_fill(glimpse_blip_source *source, const glimpse_blip_stack *stack,
                             glimpse_workspace *workspace, const void *states, size_t rows);

#endif
