/*
 * vlm/blip/blip_worker.c - a worker: all memory planned and reserved once, and the keys and values
 * of the last pictures.
 */
#include "core/error.h"
#include "core/options.h"
#include "vlm/blip/blip_internal.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PICTURES = 1024, MAX_TEXTS = 4096, MAX_BEAMS = 64, USUAL_LENGTH = 64 };
/* Texts are mostly short: the rows of a pass are planned for this many tokens each, longer ones
 * just leave fewer places. */
enum { TOKENS_PER_TEXT = 32 };

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static void plan_source(glimpse_arena *arena, glimpse_blip_source *source,
                        const glimpse_blip_stack *stack, size_t rows) {
    glimpse_blip_source planned = {NULL, 0, glimpse_padded_rows(rows)};
    planned.kv =
        glimpse_arena_alloc(arena, glimpse_blip_kv_size(stack, planned.capacity), sizeof(float));
    if (source) *source = planned;
}

/* Buffers of the towers, which never run at the same time and share the block. */
static void plan_towers(glimpse_blip_worker *w, glimpse_arena *arena) {
    const glimpse_blip *model = w->model;
    const glimpse_blip_config *c = &model->config;
    size_t area = c->image_size * c->image_size, squares = model->vision.tokens - 1;
    size_t rows = glimpse_padded_rows(squares), mark = glimpse_arena_mark(arena);
    glimpse_pass_plan(&w->vision, arena, &model->vision, model->vision.tokens, 1);
    w->pixels = glimpse_arena_alloc(arena, 3 * area, sizeof(float));
    w->rgb = glimpse_arena_alloc(arena, 3 * area, 1);
    w->patches = glimpse_arena_alloc(arena, rows * 3 * c->patch * c->patch,
                                     glimpse_element_size(model->math.element));
    w->embedded = glimpse_arena_alloc(arena, rows * c->vision.width, sizeof(float));
    glimpse_arena_rewind(arena, mark);
    if (model->encoder.math) {
        glimpse_blip_pass_plan(&w->encoder, arena, &model->encoder,
                               larger(c->context, w->limits.texts * TOKENS_PER_TEXT),
                               w->limits.texts, 0, model->vision.tokens);
    }
    glimpse_arena_rewind(arena, mark);
    if (model->decoder.math) {
        size_t spans = larger(w->limits.pictures * w->limits.beams, w->limits.texts);
        glimpse_blip_pass_plan(&w->decoder, arena, &model->decoder, larger(c->context, spans),
                               spans, w->limits.length, larger(model->vision.tokens, c->context));
    }
}

static void plan_generation(glimpse_blip_worker *w, glimpse_arena *arena) {
    const glimpse_blip *model = w->model;
    size_t pictures = w->limits.pictures, beams = w->limits.beams, each = 3 * beams + 1;
    w->items = glimpse_arena_alloc(arena, pictures, sizeof *w->items);
    w->beams = glimpse_arena_alloc(arena, pictures * each, sizeof *w->beams);
    w->scores = glimpse_arena_alloc(arena, pictures * (beams + 1), sizeof *w->scores);
    w->ids = glimpse_arena_alloc(arena, pictures * each * w->limits.length, sizeof *w->ids);
    w->choices =
        glimpse_arena_alloc(arena, larger(2 * beams, model->config.vocabulary), sizeof *w->choices);
    w->totals = glimpse_arena_alloc(arena, beams, sizeof *w->totals);
    w->caches = glimpse_arena_alloc(
        arena, pictures * beams * glimpse_blip_kv_size(&model->decoder, w->limits.length),
        sizeof(float));
    if (!arena->base) return;
    for (size_t i = 0; i < pictures; i++) {
        glimpse_blip_item *item = &w->items[i];
        item->live = w->beams + i * each;
        item->next = item->live + beams;
        item->finished = item->next + beams;
        item->scores = w->scores + i * (beams + 1);
        for (size_t b = 0; b < each; b++)
            item->live[b].ids = w->ids + (i * each + b) * w->limits.length;
    }
}

/* Counts or carves, depending on the arena; both with the same code, so that they agree. */
static void plan(glimpse_blip_worker *w, glimpse_arena *arena) {
    const glimpse_blip *model = w->model;
    const glimpse_blip_config *c = &model->config;
    size_t element = glimpse_element_size(model->math.element), pictures = w->limits.pictures;
    size_t tokens = model->vision.tokens, width = larger(c->vision.width, c->text.width);
    const glimpse_blip_stack *looks = model->encoder.math ? &model->encoder : &model->decoder;
    w->pictures = glimpse_arena_alloc(arena, pictures, sizeof *w->pictures);
    for (size_t i = 0; i < pictures; i++) {
        plan_source(arena, arena->base ? &w->pictures[i].source : NULL, looks, tokens);
    }
    w->states = glimpse_arena_alloc(arena, glimpse_padded_rows(larger(tokens, c->context)) * width,
                                    element);
    if (c->kind == GLIMPSE_BLIP_ANSWER) {
        w->questions = glimpse_arena_alloc(arena, pictures, sizeof *w->questions);
        for (size_t i = 0; i < pictures; i++) {
            plan_source(arena, arena->base ? &w->questions[i] : NULL, &model->decoder, c->context);
        }
        w->question = glimpse_arena_alloc(arena, glimpse_padded_rows(c->context) * c->text.width,
                                          sizeof(float));
    }
    size_t outputs = c->kind == GLIMPSE_BLIP_MATCH ? larger(c->joint, 2) : c->vocabulary;
    w->head_rows = glimpse_padded_rows(c->kind == GLIMPSE_BLIP_MATCH ? w->limits.texts
                                                                     : pictures * w->limits.beams);
    w->head_input = glimpse_arena_alloc(arena, w->head_rows * width, element);
    w->head_inner = glimpse_arena_alloc(arena, w->head_rows * width, sizeof(float));
    w->hidden = glimpse_arena_alloc(arena, w->head_rows * width, sizeof(float));
    w->logits = glimpse_arena_alloc(arena, w->head_rows * outputs, sizeof(float));
    if (model->decoder.math) plan_generation(w, arena);
    plan_towers(w, arena);
}

static int check_limits(glimpse_blip_limits *limits, const glimpse_blip_config *c) {
    if (limits->length == 0) {
        limits->length = larger(USUAL_LENGTH, c->max_length);
        if (limits->length > c->context) limits->length = c->context;
    }
    if (limits->pictures < 1 || limits->pictures > MAX_PICTURES || limits->texts < 1 ||
        limits->texts > MAX_TEXTS || limits->beams < 1 || limits->beams > MAX_BEAMS) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "a worker for %zu pictures, %zu texts and %zu beams; 1 to %d, %d and "
                            "%d are possible",
                            limits->pictures, limits->texts, limits->beams, MAX_PICTURES, MAX_TEXTS,
                            MAX_BEAMS);
    }
    if (limits->length > c->context) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "sequences of %zu tokens; the model has positions for %zu",
                            limits->length, c->context);
    }
    return GLIMPSE_OK;
}

int glimpse_blip_worker_create(glimpse_blip_worker **out, const glimpse_blip *model,
                               const glimpse_blip_limits *limits) {
    *out = NULL;
    glimpse_blip_limits settings = GLIMPSE_BLIP_LIMITS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&settings, limits, glimpse_blip_limits, length);
    if (status == GLIMPSE_OK) status = check_limits(&settings, &model->config);
    if (status < 0) return status;
    glimpse_blip_worker *w = calloc(1, sizeof *w);
    if (!w) return glimpse_fail_nomem(sizeof *w, "a worker");
    w->model = model;
    w->limits = settings;
    glimpse_arena measured = {NULL, 0, 0, 0};
    plan(w, &measured);
    status = glimpse_arena_reserve(&w->arena, measured.peak);
    if (status < 0) goto done;
    /* Rows that only pad a product are computed too: they must not be random memory. */
    memset(w->arena.base, 0, w->arena.capacity);
    plan(w, &w->arena);
    status = glimpse_workspace_create(&w->workspace, &model->math);
    if (status < 0) goto done;
    w->vision.workspace = w->encoder.workspace = w->decoder.workspace = w->workspace;
    *out = w;
    w = NULL;
done:
    glimpse_blip_worker_free(w);
    return status;
}

void glimpse_blip_worker_free(glimpse_blip_worker *w) {
    if (!w) return;
    glimpse_workspace_free(w->workspace);
    glimpse_arena_release(&w->arena);
    free(w);
}

size_t glimpse_blip_worker_memory(const glimpse_blip_worker *w) {
    return w->arena.capacity;
}

void glimpse_blip_worker_set_trace(glimpse_blip_worker *w, glimpse_blip_trace_fn trace,
                                   void *user) {
    w->trace = trace;
    w->trace_user = user;
}

const void *glimpse_blip_as_input(const glimpse_math *math, void *capacity, const float *values,
                                  size_t count) {
    if (math->element == GLIMPSE_ELEMENT_F32) return values;
    math->kernels->convert(capacity, math->element, values, count);
    return capacity;
}

int glimpse_blip_acquire(glimpse_blip_worker *w, const glimpse_blip_image *image,
                         const glimpse_blip_source **out) {
    const glimpse_blip *model = w->model;
    glimpse_blip_slot *slot = NULL;
    *out = NULL;
    if (image->model != model) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "a picture that was prepared for another model than %s", model->path);
    }
    for (size_t i = 0; i < w->limits.pictures; i++) {
        glimpse_blip_slot *other = &w->pictures[i];
        if (other->serial == image->serial) {
            slot = other;
            break;
        }
        if (!other->pinned && (!slot || other->used < slot->used)) slot = other;
    }
    if (!slot) return GLIMPSE_OK;
    slot->pinned = 1;
    slot->used = ++w->clock;
    *out = &slot->source;
    if (slot->serial == image->serial) return GLIMPSE_OK;
    slot->serial = 0;
    const glimpse_blip_stack *stack = model->encoder.math ? &model->encoder : &model->decoder;
    size_t tokens = model->vision.tokens;
    const void *input = glimpse_blip_as_input(&model->math, w->states, image->states,
                                              tokens * model->config.vision.width);
    int status = glimpse_blip_source_fill(&slot->source, stack, w->workspace, input, tokens);
    if (status < 0) return status;
    slot->serial = image->serial;
    return GLIMPSE_OK;
}

void glimpse_blip_release(glimpse_blip_worker *w) {
    for (size_t i = 0; i < w->limits.pictures; i++)
        w->pictures[i].pinned = 0;
}
