/*
 * vlm/blip/blip_decode.c - what the decoder makes of sequences that are given: its source, its
 * logits, and how likely a text is.
 */
#include "core/error.h"
#include "vlm/blip/blip_internal.h"

#include <string.h>

/* The question's states, through the picture, become the decoder's source. */
static int encode_question(glimpse_blip_worker *w, const glimpse_blip_image *image,
                           const glimpse_blip_text *question, glimpse_blip_source *source) {
    const glimpse_blip *model = w->model;
    size_t count = question->count, width = model->config.text.width;
    int status = glimpse_blip_run_encoder(w, image, question);
    if (status < 0) return status;
    /* The decoder's pass shares its memory with the encoder's. */
    memcpy(w->question, w->encoder.x, count * width * sizeof *w->question);
    const void *input = glimpse_blip_as_input(&model->math, w->states, w->question, count * width);
    return glimpse_blip_source_fill(source, &model->decoder, w->workspace, input, count);
}

int glimpse_blip_decoder_source(glimpse_blip_worker *w, const glimpse_blip_image *image,
                                const glimpse_blip_text *question, size_t slot,
                                const glimpse_blip_source **out) {
    *out = NULL;
    if (w->model->config.kind == GLIMPSE_BLIP_ANSWER) {
        if (!question) return glimpse_fail(GLIMPSE_E_INVALID, "an answer needs a question");
        int status = encode_question(w, image, question, &w->questions[slot]);
        if (status == GLIMPSE_OK) *out = &w->questions[slot];
        return status;
    }
    if (question) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: a caption model takes no question",
                            w->model->path);
    }
    int status = glimpse_blip_acquire(w, image, out);
    if (status == GLIMPSE_OK && !*out)
        status = glimpse_fail(GLIMPSE_E_INTERNAL, "no room for another picture");
    return status;
}

int glimpse_blip_run_head(glimpse_blip_worker *w, const float *states, size_t rows) {
    const glimpse_blip *model = w->model;
    const glimpse_blip_head *head = &model->head;
    size_t width = model->config.text.width;
    const float *aligned = states;
    if (states != w->hidden) {
        memcpy(w->hidden, states, rows * width * sizeof *w->hidden);
        aligned = w->hidden;
    }
    const void *input = glimpse_blip_as_input(&model->math, w->head_input, aligned, rows * width);
    int status = glimpse_linear_run(head->transform, w->workspace, input, rows, w->head_inner);
    if (status < 0) return status;
    model->math.kernels->layer_norm(w->head_input, model->math.element, w->head_inner,
                                    head->norm.gamma, head->norm.beta, model->config.text.eps, rows,
                                    width);
    return glimpse_linear_run(head->words, w->workspace, w->head_input, rows, w->logits);
}

/* Calls `use` with the logits behind every token of the spans in the decoder's pass, in order. */
typedef int (*logits_fn)(void *user, size_t row, const float *logits);

static int run_all_rows(glimpse_blip_worker *w, logits_fn use, void *user) {
    size_t width = w->model->config.text.width, vocabulary = w->model->config.vocabulary;
    int status = glimpse_blip_pass_run(&w->decoder, GLIMPSE_BLIP_PICK_ALL);
    if (status < 0) return status;
    for (size_t done = 0; done < w->decoder.rows;) {
        size_t rows = w->decoder.rows - done < w->head_rows ? w->decoder.rows - done : w->head_rows;
        status = glimpse_blip_run_head(w, w->decoder.x + done * width, rows);
        for (size_t i = 0; i < rows && status == GLIMPSE_OK; i++)
            status = use(user, done + i, w->logits + i * vocabulary);
        if (status < 0) return status;
        done += rows;
    }
    return GLIMPSE_OK;
}

typedef struct copying {
    float *logits;
    size_t vocabulary;
} copying;

static int copy_logits(void *user, size_t row, const float *logits) {
    copying *c = user;
    memcpy(c->logits + row * c->vocabulary, logits, c->vocabulary * sizeof *logits);
    return GLIMPSE_OK;
}

static int check_sequence(const glimpse_blip_worker *w, const glimpse_blip_text *text, size_t min) {
    size_t max = w->model->config.context;
    if (text->count >= min && text->count <= max) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_INVALID, "a sequence of %zu tokens; the model takes %zu to %zu",
                        text->count, min, max);
}

int glimpse_blip_logits(float *logits, glimpse_blip_worker *worker, const glimpse_blip_image *image,
                        const glimpse_blip_text *question, const glimpse_blip_text *text) {
    glimpse_blip_span span = {.count = text->count};
    copying c = {logits, worker->model->config.vocabulary};
    int status = glimpse_blip_needs(worker->model, GLIMPSE_BLIP_CAPTION, GLIMPSE_BLIP_ANSWER);
    if (status == GLIMPSE_OK) status = check_sequence(worker, text, 1);
    if (status < 0) return status;
    status = glimpse_blip_decoder_source(worker, image, question, 0, &span.source);
    glimpse_blip_pass_clear(&worker->decoder);
    if (status == GLIMPSE_OK) status = glimpse_blip_pass_add(&worker->decoder, &span, text->ids);
    if (status == GLIMPSE_OK) status = run_all_rows(worker, copy_logits, &c);
    glimpse_blip_release(worker);
    return status;
}

/* Texts of one pass, and which of their tokens comes next. */
typedef struct rating {
    const glimpse_blip *model;
    const glimpse_blip_text *texts;
    double *sums;
    size_t text, token;
} rating;

static int rate_row(void *user, size_t row, const float *logits) {
    rating *r = user;
    (void)row;
    if (r->token + 1 == r->texts[r->text].count) { /* nothing comes behind the last token */
        r->text++;
        r->token = 0;
        return GLIMPSE_OK;
    }
    double total;
    if (!glimpse_blip_log_total(logits, r->model->config.vocabulary, &total)) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: the model's output is not finite; its weights may be damaged",
                            r->model->path);
    }
    r->token++;
    r->sums[r->text] += (double)logits[r->texts[r->text].ids[r->token]] - total;
    return GLIMPSE_OK;
}

static int rate_all(glimpse_blip_worker *w, const glimpse_blip_source *source,
                    const glimpse_blip_text *texts, size_t count, double *sums) {
    rating r = {w->model, texts, sums, 0, 0};
    glimpse_blip_pass_clear(&w->decoder);
    for (size_t i = 0; i < count; i++) {
        glimpse_blip_span span = {.count = texts[i].count, .source = source};
        int status = check_sequence(w, &texts[i], 2);
        if (status == GLIMPSE_OK && !glimpse_blip_pass_fits(&w->decoder, span.count)) {
            status = run_all_rows(w, rate_row, &r);
            glimpse_blip_pass_clear(&w->decoder);
        }
        if (status == GLIMPSE_OK) status = glimpse_blip_pass_add(&w->decoder, &span, texts[i].ids);
        if (status < 0) return status;
        sums[i] = 0;
    }
    return run_all_rows(w, rate_row, &r);
}

int glimpse_blip_rate(double *sums, glimpse_blip_worker *worker, const glimpse_blip_image *image,
                      const glimpse_blip_text *question, const glimpse_blip_text *texts,
                      size_t count) {
    const glimpse_blip_source *source = NULL;
    int status = glimpse_blip_needs(worker->model, GLIMPSE_BLIP_CAPTION, GLIMPSE_BLIP_ANSWER);
    if (status < 0) return status;
    status = glimpse_blip_decoder_source(worker, image, question, 0, &source);
    if (status == GLIMPSE_OK) status = rate_all(worker, source, texts, count, sums);
    glimpse_blip_release(worker);
    return status;
}
