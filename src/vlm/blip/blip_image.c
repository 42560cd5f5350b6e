/*
 * vlm/blip/blip_image.c - looking at a picture once.
 */
#include "core/error.h"
#include "model/patches.h"
#include "vlm/blip/blip_internal.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic uint64_t last_serial;

static glimpse_blip_image *image_alloc(const glimpse_blip *model) {
    /* Products read padded rows of it, 64-byte aligned; those rows stay zero. */
    size_t rows = glimpse_padded_rows(model->vision.tokens), width = model->config.vision.width;
    size_t bytes = rows * width * sizeof(float), joint = model->config.joint;
    glimpse_blip_image *image = calloc(1, sizeof *image);
    if (!image) goto failed;
    image->states = aligned_alloc(64, bytes);
    if (!image->states) goto failed;
    memset(image->states, 0, bytes);
    if (model->vision_feature) {
        image->feature = calloc(joint, sizeof(float));
        if (!image->feature) goto failed;
    }
    image->model = model;
    image->serial = atomic_fetch_add(&last_serial, 1) + 1;
    return image;
failed:
    (void)glimpse_fail_nomem(bytes, "the states of a picture");
    glimpse_blip_image_free(image);
    return NULL;
}

/* vision_proj of the class token, to unit length. */
static int make_feature(glimpse_blip_worker *w, glimpse_blip_image *image) {
    const glimpse_blip *model = w->model;
    size_t width = model->config.vision.width;
    memcpy(w->hidden, image->states, width * sizeof *w->hidden);
    const void *input = glimpse_blip_as_input(&model->math, w->head_input, w->hidden, width);
    int status = glimpse_linear_run(model->vision_feature, w->workspace, input, 1, w->logits);
    if (status < 0) return status;
    memcpy(image->feature, w->logits, model->config.joint * sizeof *image->feature);
    return glimpse_normalize(image->feature, model->config.joint)
               ? GLIMPSE_OK
               : glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s: the model's output is not a finite, non-zero vector; its "
                              "weights may be damaged",
                              model->path);
}

static int look(glimpse_blip_worker *w, const float *pixels, glimpse_blip_image *image) {
    const glimpse_blip *model = w->model;
    const glimpse_tower *tower = &model->vision;
    const glimpse_blip_config *c = &model->config;
    size_t width = c->vision.width, squares = tower->tokens - 1;
    glimpse_cut_patches(&model->math, pixels, c->image_size, c->patch, w->patches);
    int status = glimpse_linear_run(tower->patches, w->workspace, w->patches, squares, w->embedded);
    if (status < 0) return status;
    float *x = w->vision.x;
    for (size_t j = 0; j < width; j++)
        x[j] = tower->class_token[j] + tower->positions[j];
    for (size_t j = 0; j < squares * width; j++)
        x[width + j] = w->embedded[j] + tower->positions[width + j];
    w->vision.starts[0] = 0;
    w->vision.starts[1] = tower->tokens;
    status = glimpse_pass_states(&w->vision, 1, image->states);
    if (status < 0) return status;
    for (size_t j = 0; j < tower->tokens * width; j++) {
        if (!isfinite(image->states[j])) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: the model's states of a picture are not finite; its weights "
                                "may be damaged",
                                model->path);
        }
    }
    return image->feature ? make_feature(w, image) : GLIMPSE_OK;
}

int glimpse_blip_image_from_pixels(glimpse_blip_image **out, glimpse_blip_worker *worker,
                                   const float *pixels) {
    *out = NULL;
    glimpse_blip_image *image = image_alloc(worker->model);
    if (!image) return GLIMPSE_E_NOMEM;
    int status = look(worker, pixels, image);
    if (status < 0) {
        glimpse_blip_image_free(image);
        return status;
    }
    *out = image;
    return GLIMPSE_OK;
}

int glimpse_blip_image_create(glimpse_blip_image **out, glimpse_blip_worker *worker,
                              const glimpse_image *image) {
    const glimpse_preprocess *rules = &worker->model->config.preprocess;
    *out = NULL;
    int status = glimpse_preprocess_rgb(worker->rgb, rules, image);
    if (status < 0) return status;
    glimpse_preprocess_normalize(worker->pixels, rules, worker->rgb);
    return glimpse_blip_image_from_pixels(out, worker, worker->pixels);
}

void glimpse_blip_image_free(glimpse_blip_image *image) {
    if (!image) return;
    free(image->states);
    free(image->feature);
    free(image);
}

const float *glimpse_blip_image_states(const glimpse_blip_image *image) {
    return image->states;
}

const float *glimpse_blip_image_feature(const glimpse_blip_image *image) {
    return image->feature;
}
