/*
 * vlm/blip/blip_match.c - ITM and ITC: how well pictures and texts belong together.
 */
#include "core/error.h"
#include "vlm/blip/blip_internal.h"

#include <math.h>
#include <string.h>

/* Finishes the pass that was put together: `layer` of the first token of each span, in
 * worker->logits [spans][outputs]. */
static int run_first_tokens(glimpse_blip_worker *w, const glimpse_linear *layer) {
    const glimpse_blip *model = w->model;
    size_t rows = w->encoder.span_count, width = model->config.text.width;
    int status = glimpse_blip_pass_run(&w->encoder, GLIMPSE_BLIP_PICK_FIRST);
    if (status < 0) return status;
    const void *input =
        glimpse_blip_as_input(&model->math, w->head_input, w->encoder.x, rows * width);
    return glimpse_linear_run(layer, w->workspace, input, rows, w->logits);
}

static int check_text(const glimpse_blip_worker *w, const glimpse_blip_text *text) {
    size_t max = w->model->config.context;
    if (text->count >= 1 && text->count <= max) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_INVALID, "a text of %zu tokens; the model takes 1 to %zu",
                        text->count, max);
}

/* Runs the pairs [*done, end) that are in the pass. */
static int match_pass(glimpse_blip_worker *w, size_t *done, float *logits) {
    size_t pairs = w->encoder.span_count;
    if (pairs == 0) return GLIMPSE_OK;
    int status = run_first_tokens(w, w->model->match);
    if (status < 0) return status;
    for (size_t i = 0; i < 2 * pairs; i++) {
        if (!isfinite(w->logits[i])) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: the model's output is not finite; its weights may be damaged",
                                w->model->path);
        }
    }
    memcpy(logits + 2 * *done, w->logits, 2 * pairs * sizeof *logits);
    *done += pairs;
    glimpse_blip_pass_clear(&w->encoder);
    glimpse_blip_release(w);
    return GLIMPSE_OK;
}

static int match_all(glimpse_blip_worker *w, const glimpse_blip_image *const *images,
                     size_t image_count, const glimpse_blip_text *texts, size_t text_count,
                     float *logits) {
    size_t done = 0;
    for (size_t i = 0; i < image_count; i++) {
        for (size_t t = 0; t < text_count; t++) {
            int status = check_text(w, &texts[t]);
            if (status < 0) return status;
            glimpse_blip_span span = {.count = texts[t].count};
            if (!glimpse_blip_pass_fits(&w->encoder, span.count)) {
                status = match_pass(w, &done, logits);
                if (status < 0) return status;
            }
            status = glimpse_blip_acquire(w, images[i], &span.source);
            if (status == GLIMPSE_OK && !span.source) {
                status = match_pass(w, &done, logits);
                if (status == GLIMPSE_OK) status = glimpse_blip_acquire(w, images[i], &span.source);
            }
            if (status == GLIMPSE_OK)
                status = glimpse_blip_pass_add(&w->encoder, &span, texts[t].ids);
            if (status < 0) return status;
        }
    }
    return match_pass(w, &done, logits);
}

int glimpse_blip_match(float *logits, glimpse_blip_worker *worker,
                       const glimpse_blip_image *const *images, size_t image_count,
                       const glimpse_blip_text *texts, size_t text_count) {
    int status = glimpse_blip_needs(worker->model, GLIMPSE_BLIP_MATCH, GLIMPSE_BLIP_MATCH);
    if (status < 0) return status;
    glimpse_blip_pass_clear(&worker->encoder);
    status = match_all(worker, images, image_count, texts, text_count, logits);
    glimpse_blip_release(worker);
    return status;
}

double glimpse_blip_probability(const float logits[2]) {
    return 1.0 / (1.0 + exp((double)logits[0] - (double)logits[1]));
}

/* Runs the texts that are in the pass; their features go behind the `*done` first ones. */
static int feature_pass(glimpse_blip_worker *w, size_t *done, float *features) {
    size_t count = w->encoder.span_count, joint = w->model->config.joint;
    if (count == 0) return GLIMPSE_OK;
    int status = run_first_tokens(w, w->model->text_feature);
    if (status < 0) return status;
    memcpy(features + *done * joint, w->logits, count * joint * sizeof *features);
    for (size_t i = *done; i < *done + count; i++) {
        if (!glimpse_normalize(features + i * joint, joint)) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: the model's output is not a finite, non-zero vector; its "
                                "weights may be damaged",
                                w->model->path);
        }
    }
    *done += count;
    glimpse_blip_pass_clear(&w->encoder);
    return GLIMPSE_OK;
}

int glimpse_blip_text_features(float *features, glimpse_blip_worker *worker,
                               const glimpse_blip_text *texts, size_t count) {
    int status = glimpse_blip_needs(worker->model, GLIMPSE_BLIP_MATCH, GLIMPSE_BLIP_MATCH);
    if (status < 0) return status;
    size_t done = 0;
    glimpse_blip_pass_clear(&worker->encoder);
    for (size_t t = 0; t < count; t++) {
        glimpse_blip_span span = {.count = texts[t].count};
        status = check_text(worker, &texts[t]);
        if (status == GLIMPSE_OK && !glimpse_blip_pass_fits(&worker->encoder, span.count))
            status = feature_pass(worker, &done, features);
        if (status == GLIMPSE_OK)
            status = glimpse_blip_pass_add(&worker->encoder, &span, texts[t].ids);
        if (status < 0) return status;
    }
    return feature_pass(worker, &done, features);
}

int glimpse_blip_run_encoder(glimpse_blip_worker *w, const glimpse_blip_image *image,
                             const glimpse_blip_text *text) {
    glimpse_blip_span span = {.count = text->count};
    int status = check_text(w, text);
    if (status < 0) return status;
    glimpse_blip_pass_clear(&w->encoder);
    if (image) status = glimpse_blip_acquire(w, image, &span.source);
    if (status == GLIMPSE_OK) status = glimpse_blip_pass_add(&w->encoder, &span, text->ids);
    if (status == GLIMPSE_OK) status = glimpse_blip_pass_run(&w->encoder, GLIMPSE_BLIP_PICK_ALL);
    glimpse_blip_release(w);
    return status;
}

int glimpse_blip_text_states(float *states, glimpse_blip_worker *worker,
                             const glimpse_blip_image *image, const glimpse_blip_text *text) {
    int status = glimpse_blip_needs(worker->model, GLIMPSE_BLIP_MATCH, GLIMPSE_BLIP_ANSWER);
    if (status == GLIMPSE_OK) status = glimpse_blip_run_encoder(worker, image, text);
    if (status < 0) return status;
    memcpy(states, worker->encoder.x,
           text->count * worker->model->config.text.width * sizeof *states);
    return GLIMPSE_OK;
}
