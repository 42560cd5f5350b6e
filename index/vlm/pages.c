/*
 * index/vlm/pages.c - finds the pages of a document that a question is about.
 *
 * A page is higher than it is wide and a model's input is square, so a page is looked at in three
 * squares along its long side, and the one that fits the question best counts.
 */
#include "pages.h"

#include "core/clock.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

enum { SQUARES = GLIMPSE_PAGE_SQUARES, PASSAGE_BYTES = 320, MAX_SIDE = 6144 };
static const double EXPLAINED = 0.95; /* of the question by one page's text: looks add nothing */
static const double NOT_LOOKED_AT = -2.0;

typedef struct looking {
    const glimpse_document *document;
    glimpse_encoder *encoder;
    const glimpse_model *model;
    float *question;   /* [dim] */
    float *embeddings; /* [SQUARES][dim] */
    size_t dim;
} looking;

/* Square `i` of the page as a picture of its own. */
static int cut_square(glimpse_image **out, const glimpse_image *page, size_t i) {
    const uint32_t width = glimpse_image_width(page), height = glimpse_image_height(page);
    const uint32_t side = width < height ? width : height;
    const uint32_t spare = (width > height ? width : height) - side;
    const uint32_t offset = (uint32_t)((uint64_t)spare * i / (SQUARES - 1));
    const uint32_t x = width > height ? offset : 0, y = width > height ? 0 : offset;
    uint8_t *rgb = malloc((size_t)side * side * 3);
    if (!rgb) return glimpse_fail_nomem((size_t)side * side * 3, "a part of a page");
    for (uint32_t row = 0; row < side; row++) {
        memcpy(rgb + (size_t)row * side * 3,
               glimpse_image_pixels(page) + (((size_t)y + row) * width + x) * 3, (size_t)side * 3);
    }
    int status = glimpse_image_create(out, rgb, side, side);
    free(rgb);
    return status;
}

/* The best cosine of the page's squares with the question's embedding. */
static int look_at(double *cosine, const looking *l, size_t page) {
    const glimpse_preprocess *p = glimpse_model_preprocess(l->model);
    const uint32_t side = p->width > p->height ? p->width : p->height;
    glimpse_image *whole = NULL, *squares[SQUARES] = {NULL};
    int status = glimpse_document_render(&whole, l->document, page,
                                         side < MAX_SIDE / 3 ? 3 * side : MAX_SIDE);
    for (size_t i = 0; i < SQUARES && status == GLIMPSE_OK; i++)
        status = cut_square(&squares[i], whole, i);
    if (status == GLIMPSE_OK) {
        status = glimpse_encoder_images(l->embeddings, l->encoder,
                                        (const glimpse_image *const *)squares, SQUARES, 0);
    }
    *cosine = NOT_LOOKED_AT;
    for (size_t i = 0; i < SQUARES && status == GLIMPSE_OK; i++) {
        double dot = 0.0;
        for (size_t d = 0; d < l->dim; d++)
            dot += (double)l->embeddings[i * l->dim + d] * (double)l->question[d];
        if (dot > *cosine) *cosine = dot;
    }
    for (size_t i = 0; i < SQUARES; i++)
        glimpse_image_free(squares[i]);
    glimpse_image_free(whole);
    return status;
}

static int report_progress(const glimpse_reading_options *o, size_t done, size_t total,
                           double seconds) {
    const glimpse_progress progress = {.stage = "looking at pages",
                                       .done = done,
                                       .total = total,
                                       .total_is_final = 1,
                                       .seconds = seconds,
                                       .path = ""};
    int stop = o->progress && o->progress(o->user, &progress);
    if (!stop) stop = o->cancelled && o->cancelled(o->user);
    return stop ? glimpse_fail(GLIMPSE_E_CANCELLED, "stopped") : GLIMPSE_OK;
}

static int look_at_all(double *cosines, looking *l, const char *question,
                       const glimpse_reading_options *o) {
    const size_t pages = glimpse_document_page_count(l->document);
    l->dim = glimpse_model_embedding_size(l->model);
    l->question = malloc(l->dim * sizeof *l->question);
    l->embeddings = malloc(SQUARES * l->dim * sizeof *l->embeddings);
    int status = l->question && l->embeddings
                     ? GLIMPSE_OK
                     : glimpse_fail_nomem(l->dim * sizeof *l->embeddings, "embeddings");
    if (status == GLIMPSE_OK) {
        status = glimpse_encoder_texts(l->question, NULL, l->encoder, &question, 1, 0);
    }
    const double start = glimpse_now();
    for (size_t i = 0; i < pages && status == GLIMPSE_OK; i++) {
        status = look_at(&cosines[i], l, i + 1);
        if (status == GLIMPSE_OK) status = report_progress(o, i + 1, pages, glimpse_now() - start);
    }
    free(l->embeddings);
    free(l->question);
    return status;
}

static int better(const void *a, const void *b) {
    const glimpse_reading_page *x = a, *y = b;
    if (x->score < y->score) return 1;
    if (x->score > y->score) return -1;
    return x->page < y->page ? -1 : x->page > y->page;
}

static int add_passages(glimpse_reading *reading, glimpse_reading_page *pages,
                        const glimpse_document *document, const char *question) {
    char passage[PASSAGE_BYTES];
    for (size_t i = 0; i < reading->count; i++) {
        (void)glimpse_document_passage(passage, sizeof passage, document, pages[i].page, question);
        pages[i].passage = strdup(passage);
        if (!pages[i].passage) return glimpse_fail_nomem(sizeof passage, "a passage");
    }
    return GLIMPSE_OK;
}

/* The pages in order; those behind the first options->max_pages are dropped. */
static int choose(glimpse_reading *reading, const glimpse_document *document, const char *question,
                  const double *scores, const double *text, const double *cosines,
                  const glimpse_reading_options *o) {
    const size_t count = glimpse_document_page_count(document);
    glimpse_reading_page *pages = calloc(count + 1, sizeof *pages);
    if (!pages) return glimpse_fail_nomem(count * sizeof *pages, "pages");
    reading->pages = pages;
    for (size_t i = 0; i < count; i++) {
        if (scores[i] <= 0.0) continue;
        pages[reading->count++] = (glimpse_reading_page){
            i + 1, scores[i], text[i], reading->looked ? cosines[i] : NOT_LOOKED_AT, NULL};
    }
    qsort(pages, reading->count, sizeof *pages, better);
    if (reading->count > o->max_pages) reading->count = o->max_pages;
    return add_passages(reading, pages, document, question);
}

int glimpse_pages_find(glimpse_reading *reading, const glimpse_document *document,
                       const char *question, glimpse_encoder *encoder, const glimpse_model *model,
                       const glimpse_reading_options *options) {
    const size_t pages = glimpse_document_page_count(document);
    double *text = calloc(pages, sizeof *text), *cosines = calloc(pages, sizeof *cosines);
    double *scores = calloc(pages, sizeof *scores), explained = 0.0;
    looking l = {.document = document, .encoder = encoder, .model = model};
    int status = text && cosines && scores
                     ? glimpse_document_match(text, document, question)
                     : glimpse_fail_nomem(pages * sizeof *scores, "scores of pages");
    for (size_t i = 0; i < pages && status == GLIMPSE_OK; i++) {
        if (text[i] > explained) explained = text[i];
    }
    reading->looked = encoder != NULL && explained < EXPLAINED;
    if (status == GLIMPSE_OK && reading->looked) {
        status = look_at_all(cosines, &l, question, options);
        if (status == GLIMPSE_OK) {
            glimpse_document_blend(scores, pages, text, cosines,
                                   (double)glimpse_model_logit_scale(model));
        }
    } else if (status == GLIMPSE_OK) {
        memcpy(scores, text, pages * sizeof *scores);
    }
    if (status == GLIMPSE_OK) {
        status = choose(reading, document, question, scores, text, cosines, options);
    }
    free(scores);
    free(cosines);
    free(text);
    return status;
}
