/*
 * model/encoder.c - a worker: inputs of any number in, embeddings out, with memory planned once.
 */
#include "core/error.h"
#include "math/half.h"
#include "model/model_internal.h"
#include "model/text_tower.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct glimpse_encoder {
    const glimpse_model *model;
    size_t max_batch;
    glimpse_arena arena;
    glimpse_workspace *workspace;
    void *image; /* of the image tower's work_bytes */
    glimpse_pass text;
    float *pixels; /* [3][H][W] of one picture, the largest */
    uint8_t *rgb;  /* [H][W][3] of one picture, the largest */
    int32_t *ids;  /* [context] */
    float *whole;  /* embeddings of one pass [..][E] where only their beginnings are kept */
};

/* Text sequences are short, so more of them than pictures fit the same number of rows. */
enum { TEXTS_PER_PICTURE = 8, MAX_BATCH = 4096, USUAL_CONTEXT = 80 };

/* Counts or carves, depending on the arena; both with the same code, so that they agree. */
static void plan(glimpse_encoder *e, glimpse_arena *arena) {
    const glimpse_model *model = e->model;
    const glimpse_model_config *c = &model->config;
    if (model->dimensions < c->embedding)
        e->whole = glimpse_arena_alloc(arena, e->max_batch * TEXTS_PER_PICTURE * c->embedding,
                                       sizeof(float));
    /* The towers never run at the same time: they share the block. */
    size_t mark = glimpse_arena_mark(arena);
    if (model->towers & GLIMPSE_TOWER_IMAGE) {
        size_t values = glimpse_preprocess_max_bytes(&c->preprocess);
        model->image.ops->plan(e->image, arena, model->image.tower, e->max_batch);
        e->pixels = glimpse_arena_alloc(arena, values, sizeof(float));
        e->rgb = glimpse_arena_alloc(arena, values, 1);
    }
    glimpse_arena_rewind(arena, mark);
    if (model->towers & GLIMPSE_TOWER_TEXT) {
        /* Texts lie behind each other: those of a tower that takes long ones share the rows. */
        size_t usual = c->context < USUAL_CONTEXT ? c->context : USUAL_CONTEXT;
        size_t rows = e->max_batch * usual > c->context ? e->max_batch * usual : c->context;
        glimpse_pass_plan(&e->text, arena, &model->text, rows, e->max_batch * TEXTS_PER_PICTURE);
        e->ids = glimpse_arena_alloc(arena, c->context, sizeof(int32_t));
    }
}

size_t glimpse_encoder_plan_memory(const glimpse_model *model, size_t max_batch) {
    glimpse_encoder e = {.model = model, .max_batch = max_batch};
    glimpse_arena measured = {NULL, 0, 0, 0};
    if (max_batch == 0 || max_batch > MAX_BATCH) return 0;
    if (model->towers & GLIMPSE_TOWER_IMAGE) {
        e.image = calloc(1, model->image.ops->work_bytes);
        if (!e.image) return 0;
    }
    plan(&e, &measured);
    free(e.image);
    return measured.peak;
}

int glimpse_encoder_create(glimpse_encoder **out, const glimpse_model *model, size_t max_batch) {
    *out = NULL;
    if (max_batch == 0 || max_batch > MAX_BATCH) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a batch of %zu; 1 to %d are possible", max_batch,
                            MAX_BATCH);
    }
    glimpse_encoder *e = calloc(1, sizeof *e);
    if (!e) return glimpse_fail_nomem(sizeof *e, "an encoder");
    e->model = model;
    e->max_batch = max_batch;
    int status = GLIMPSE_OK;
    if (model->towers & GLIMPSE_TOWER_IMAGE) {
        e->image = calloc(1, model->image.ops->work_bytes);
        if (!e->image) {
            status = glimpse_fail_nomem(model->image.ops->work_bytes, "an encoder");
            goto done;
        }
    }
    glimpse_arena measured = {NULL, 0, 0, 0};
    plan(e, &measured);
    status = glimpse_arena_reserve(&e->arena, measured.peak);
    if (status < 0) goto done;
    /* Rows that only pad a product are computed too: they must not be random memory. */
    memset(e->arena.base, 0, e->arena.capacity);
    plan(e, &e->arena);
    status = glimpse_workspace_create(&e->workspace, &model->math);
    if (status < 0) goto done;
    e->text.workspace = e->workspace;
    *out = e;
    e = NULL;
done:
    glimpse_encoder_free(e);
    return status;
}

void glimpse_encoder_free(glimpse_encoder *e) {
    if (!e) return;
    glimpse_workspace_free(e->workspace);
    glimpse_arena_release(&e->arena);
    free(e->image);
    free(e);
}

size_t glimpse_encoder_memory(const glimpse_encoder *e) {
    return e->arena.capacity;
}

void glimpse_encoder_set_trace(glimpse_encoder *e, glimpse_trace_fn trace, void *user) {
    if (e->image) e->model->image.ops->trace(e->image, trace, user);
    e->text.trace = trace;
    e->text.trace_user = user;
}

static int needs(const glimpse_encoder *e, unsigned tower) {
    if (e->model->towers & tower) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_INVALID, "%s: the model was opened without its %s tower",
                        e->model->path, tower == GLIMPSE_TOWER_IMAGE ? "image" : "text");
}

/* A result that is not finite, or cannot be scaled to unit length, is no embedding: weights or
 * pixels are broken, and a search would silently never find it. */
static int finish(const glimpse_encoder *e, float *embeddings, size_t count, unsigned flags) {
    size_t size = e->model->dimensions;
    for (size_t i = 0; i < count; i++) {
        float *embedding = embeddings + i * size;
        int good = 1;
        if (flags & GLIMPSE_ENCODE_RAW) {
            for (size_t j = 0; j < size; j++)
                good = good && isfinite(embedding[j]);
        } else {
            good = glimpse_normalize(embedding, size);
        }
        if (!good) {
            return glimpse_fail(
                GLIMPSE_E_FORMAT,
                "%s: the model's output is not a finite, non-zero vector; its weights "
                "may be damaged",
                e->model->path);
        }
    }
    return GLIMPSE_OK;
}

/* Where a pass puts its embeddings when they go to `embeddings` [..][kept] in the end. */
static float *pass_output(const glimpse_encoder *e, float *embeddings) {
    return e->whole ? e->whole : embeddings;
}

/* The beginnings of `count` embeddings of a pass. */
static void keep_beginnings(const glimpse_encoder *e, float *embeddings, size_t count) {
    size_t kept = e->model->dimensions, all = e->model->config.embedding;
    for (size_t i = 0; e->whole && i < count; i++)
        memcpy(embeddings + i * kept, e->whole + i * all, kept * sizeof *embeddings);
}

/* Where the pictures of a call come from; exactly one is set. */
typedef struct pictures {
    const float *pixels;
    const uint8_t *rgb;
    const glimpse_image *const *images;
    const glimpse_encoder_input *inputs;
} pictures;

/* Picture `i` as the tower takes it, up to its pixel values. */
static int find_input(glimpse_encoder_input *out, const glimpse_encoder *e, const pictures *from,
                      size_t i) {
    const glimpse_preprocess *p = &e->model->config.preprocess;
    size_t values = (size_t)p->width * p->height * 3;
    *out = (glimpse_encoder_input){.width = p->width, .height = p->height};
    if (from->inputs) {
        *out = from->inputs[i];
    } else if (from->pixels) {
        out->pixels = from->pixels + i * values;
    } else if (from->rgb) {
        out->rgb = from->rgb + i * values;
    } else {
        const glimpse_image_meta *meta = glimpse_image_metadata(from->images[i]);
        glimpse_preprocess own;
        int status = glimpse_preprocess_for(&own, p, meta->width, meta->height);
        if (status == GLIMPSE_OK) status = glimpse_preprocess_rgb(e->rgb, &own, from->images[i]);
        if (status < 0) return status;
        *out = (glimpse_encoder_input){.rgb = e->rgb, .width = own.width, .height = own.height};
    }
    return GLIMPSE_OK;
}

static int check_input(const glimpse_encoder *e, const glimpse_encoder_input *input) {
    const glimpse_preprocess *p = &e->model->config.preprocess;
    int fits = input->width == p->width && input->height == p->height;
    if (p->resize == GLIMPSE_RESIZE_PATCHES) {
        fits = input->width > 0 && input->height > 0 && input->width % p->patch == 0 &&
               input->height % p->patch == 0 &&
               (uint64_t)(input->width / p->patch) * (input->height / p->patch) <= p->max_patches;
    }
    if (!fits) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s: an input of %u x %u pixels, which is no size that the model's "
                            "preprocessing ends at",
                            e->model->path, input->width, input->height);
    }
    if (!input->rgb == !input->pixels) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: an input has either `rgb` or `pixels`",
                            e->model->path);
    }
    return GLIMPSE_OK;
}

/* Picture `i` into place `place` of the batch. */
static int add_picture(glimpse_encoder *e, const pictures *from, size_t i, size_t place) {
    const glimpse_image_ops *tower = e->model->image.ops;
    glimpse_encoder_input input;
    int status = find_input(&input, e, from, i);
    if (status == GLIMPSE_OK) status = check_input(e, &input);
    if (status < 0) return status;
    if (input.rgb) {
        glimpse_preprocess own = e->model->config.preprocess;
        own.width = input.width;
        own.height = input.height;
        glimpse_preprocess_normalize(e->pixels, &own, input.rgb);
        input.pixels = e->pixels;
    }
    if (tower->add_sized) {
        size_t patch = e->model->config.patch;
        tower->add_sized(e->image, place, input.pixels, input.height / patch, input.width / patch);
    } else {
        tower->add(e->image, place, input.pixels);
    }
    return GLIMPSE_OK;
}

static int encode_pictures(glimpse_encoder *e, const pictures *from, size_t count,
                           float *embeddings, unsigned flags) {
    int status = needs(e, GLIMPSE_TOWER_IMAGE);
    if (status < 0) return status;
    for (size_t done = 0; done < count;) {
        size_t batch = count - done < e->max_batch ? count - done : e->max_batch;
        for (size_t b = 0; b < batch; b++) {
            status = add_picture(e, from, done + b, b);
            if (status < 0) return status;
        }
        float *to = embeddings + done * e->model->dimensions;
        status = e->model->image.ops->run(e->image, e->workspace, batch, pass_output(e, to));
        if (status < 0) return status;
        keep_beginnings(e, to, batch);
        done += batch;
    }
    return finish(e, embeddings, count, flags);
}

int glimpse_encoder_pixels(float *embeddings, glimpse_encoder *e, const float *pixels, size_t count,
                           unsigned flags) {
    return encode_pictures(e, &(pictures){.pixels = pixels}, count, embeddings, flags);
}

int glimpse_encoder_rgb(float *embeddings, glimpse_encoder *e, const uint8_t *rgb, size_t count,
                        unsigned flags) {
    return encode_pictures(e, &(pictures){.rgb = rgb}, count, embeddings, flags);
}

int glimpse_encoder_inputs(float *embeddings, glimpse_encoder *e,
                           const glimpse_encoder_input *inputs, size_t count, unsigned flags) {
    return encode_pictures(e, &(pictures){.inputs = inputs}, count, embeddings, flags);
}

int glimpse_encoder_images(float *embeddings, glimpse_encoder *e,
                           const glimpse_image *const *images, size_t count, unsigned flags) {
    return encode_pictures(e, &(pictures){.images = images}, count, embeddings, flags);
}

int glimpse_encoder_file(float *embedding, glimpse_encoder *e, const char *path, unsigned flags) {
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    glimpse_image *image = NULL;
    if (!(flags & GLIMPSE_ENCODE_EXACT)) {
        options.short_side = glimpse_preprocess_short_side(&e->model->config.preprocess);
    }
    int status = glimpse_image_load(&image, path, &options);
    if (status == GLIMPSE_OK) {
        const glimpse_image *const one[] = {image};
        status = glimpse_encoder_images(embedding, e, one, 1, flags);
    }
    glimpse_image_free(image);
    return status;
}

/* Texts gathered for one pass. */
typedef struct packing {
    size_t sequences, rows;
    size_t encoded; /* sequences already run, the place of the next embedding */
} packing;

static int run_texts(glimpse_encoder *e, packing *p, float *embeddings) {
    if (p->sequences == 0) return GLIMPSE_OK;
    float *to = embeddings + p->encoded * e->model->dimensions;
    int status = glimpse_pass_run(&e->text, p->sequences, pass_output(e, to));
    if (status == GLIMPSE_OK) keep_beginnings(e, to, p->sequences);
    p->encoded += p->sequences;
    p->sequences = p->rows = 0;
    return status;
}

/* Adds a sequence of `length` ids, of which the place `pooled` becomes the embedding. */
static int add_text(glimpse_encoder *e, packing *p, const int32_t *ids, size_t length,
                    size_t pooled, float *embeddings) {
    const glimpse_tower *tower = &e->model->text;
    if (p->sequences == e->text.max_sequences || p->rows + length > e->text.max_rows) {
        int status = run_texts(e, p, embeddings);
        if (status < 0) return status;
    }
    for (size_t t = 0; t < length; t++) {
        if (ids[t] < 0 || (size_t)ids[t] >= e->model->config.vocabulary) {
            return glimpse_fail(GLIMPSE_E_INVALID, "token id %d is outside the vocabulary of %zu",
                                (int)ids[t], e->model->config.vocabulary);
        }
    }
    glimpse_text_tower_embed(tower, e->text.x + p->rows * tower->config.width, ids, length);
    e->text.starts[p->sequences] = p->rows;
    e->text.pools[p->sequences] = pooled;
    p->sequences++;
    p->rows += length;
    e->text.starts[p->sequences] = p->rows;
    return GLIMPSE_OK;
}

/* The place that is pooled. */
static size_t pooled_place(const glimpse_model_config *c, const int32_t *ids, size_t count) {
    size_t highest = 0;
    switch (c->text_pooling) {
    case GLIMPSE_TEXT_HIGHEST:
        for (size_t t = 0; t < count; t++)
            if (ids[t] > ids[highest]) highest = t;
        return highest;
    case GLIMPSE_TEXT_END:
        for (size_t t = 0; t < count; t++)
            if (ids[t] == c->end_id) return t;
        return 0;
    case GLIMPSE_TEXT_LAST: return count - 1;
    case GLIMPSE_TEXT_FIRST:
    case GLIMPSE_TEXT_MEAN: break;
    }
    return 0;
}

/* Adds the text of `count` ids as the tower has to see it. Behind a causal mask nothing that
 * follows the pooled place can matter, so that it is not computed. */
static int add_ids(glimpse_encoder *e, packing *p, const int32_t *ids, size_t count,
                   float *embeddings) {
    const glimpse_model_config *c = &e->model->config;
    /* Padding that the reference masks. OpenCLIP goes by the ids, so that a text that spells it out
     * is one without it: it has no position and no part in the mean either. */
    if (e->model->text.unpadded) {
        int32_t pad = glimpse_tokenizer_pad_id(e->model->tokenizer);
        while (count > 1 && ids[count - 1] == pad)
            count--;
        if (c->layout == GLIMPSE_LAYOUT_OPENCLIP_CUSTOM && !c->m_clip) {
            size_t kept = 0;
            for (size_t t = 0; t < count; t++)
                if (t == 0 || ids[t] != pad) e->ids[kept++] = ids[t];
            ids = e->ids;
            count = kept;
        }
    }
    size_t pooled = pooled_place(c, ids, count);
    return add_text(e, p, ids, c->causal ? pooled + 1 : count, pooled, embeddings);
}

int glimpse_encoder_texts(float *embeddings, int *truncated, glimpse_encoder *e,
                          const char *const *texts, size_t count, unsigned flags) {
    int status = needs(e, GLIMPSE_TOWER_TEXT);
    if (status < 0) return status;
    const glimpse_model_config *c = &e->model->config;
    packing p = {0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        glimpse_tokens tokens = {e->ids, c->context, 0, 0};
        status = glimpse_tokenizer_encode_as(&tokens, e->model->tokenizer, e->model->language,
                                             texts[i], strlen(texts[i]));
        if (status < 0) return status;
        if (truncated) truncated[i] = tokens.truncated;
        for (; c->padding != GLIMPSE_PADDING_NONE && tokens.count < c->context; tokens.count++) {
            e->ids[tokens.count] = c->padding == GLIMPSE_PADDING_ZERO
                                       ? 0
                                       : glimpse_tokenizer_pad_id(e->model->tokenizer);
        }
        status = add_ids(e, &p, e->ids, tokens.count, embeddings);
        if (status < 0) return status;
    }
    status = run_texts(e, &p, embeddings);
    if (status < 0) return status;
    return finish(e, embeddings, count, flags);
}

int glimpse_encoder_tokens(float *embeddings, glimpse_encoder *e, const int32_t *ids, size_t count,
                           unsigned flags) {
    int status = needs(e, GLIMPSE_TOWER_TEXT);
    if (status < 0) return status;
    const glimpse_model_config *c = &e->model->config;
    packing p = {0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        status = add_ids(e, &p, ids + i * c->context, c->context, embeddings);
        if (status < 0) return status;
    }
    status = run_texts(e, &p, embeddings);
    if (status < 0) return status;
    return finish(e, embeddings, count, flags);
}
