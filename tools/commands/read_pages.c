/*
 * read_pages.c - see read_pages.h.
 *
 * A page is higher than it is wide and a model's input is square, so a page is looked at in three
 * squares along its long side, and the one that fits the question best counts.
 */
#include "read_pages.h"

#include "progress.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

enum { SQUARES = 3 };
static const double EXPLAINED = 0.95; /* of the question by one page's text: looks add nothing */

/* Square `i` of the page as a picture of its own. */
static int cut_square(const glimpse_image *page, size_t i, glimpse_image **out) {
    const uint32_t width = glimpse_image_width(page), height = glimpse_image_height(page);
    const uint32_t side = width < height ? width : height;
    const uint32_t spare = (width > height ? width : height) - side;
    const uint32_t offset = (uint32_t)((uint64_t)spare * i / (SQUARES - 1));
    const uint32_t x = width > height ? offset : 0, y = width > height ? 0 : offset;
    uint8_t *rgb = xmalloc((size_t)side * side * 3);
    for (uint32_t row = 0; row < side; row++) {
        memcpy(rgb + (size_t)row * side * 3,
               glimpse_image_pixels(page) + (((size_t)y + row) * width + x) * 3, (size_t)side * 3);
    }
    int status = glimpse_image_create(out, rgb, side, side);
    free(rgb);
    return status;
}

/* The best cosine of the page's squares with the question's embedding. */
static int look_at(session *s, const glimpse_document *document, size_t page, const float *question,
                   float *embeddings, double *cosine) {
    const size_t dim = glimpse_model_embedding_size(s->model);
    const glimpse_preprocess *p = glimpse_model_preprocess(s->model);
    const uint32_t side = p->width > p->height ? p->width : p->height;
    glimpse_image *whole = NULL, *squares[SQUARES] = {NULL};
    int status = glimpse_document_render(&whole, document, page, side < 2048 ? 3 * side : 6144);
    for (size_t i = 0; i < SQUARES && status == GLIMPSE_OK; i++)
        status = cut_square(whole, i, &squares[i]);
    if (status == GLIMPSE_OK) {
        status = glimpse_encoder_images(embeddings, s->encoder,
                                        (const glimpse_image *const *)squares, SQUARES, 0);
    }
    *cosine = -2.0;
    for (size_t i = 0; i < SQUARES && status == GLIMPSE_OK; i++) {
        double dot = 0.0;
        for (size_t d = 0; d < dim; d++)
            dot += (double)embeddings[i * dim + d] * (double)question[d];
        if (dot > *cosine) *cosine = dot;
    }
    for (size_t i = 0; i < SQUARES; i++)
        glimpse_image_free(squares[i]);
    glimpse_image_free(whole);
    return status;
}

static int look_at_all(session *s, const glimpse_document *document, const char *question,
                       double *cosines) {
    const size_t pages = glimpse_document_page_count(document);
    const size_t dim = glimpse_model_embedding_size(s->model);
    float *wanted = xmalloc(dim * sizeof *wanted);
    float *embeddings = xmalloc(SQUARES * dim * sizeof *embeddings);
    int status = GLIMPSE_OK;
    if (!s->encoder) status = glimpse_encoder_create(&s->encoder, s->model, SQUARES);
    if (status == GLIMPSE_OK) {
        status = glimpse_encoder_texts(wanted, NULL, s->encoder, &question, 1, 0);
    }
    const double start = progress_now();
    for (size_t i = 0; i < pages && status == GLIMPSE_OK && !tool_stopped(); i++) {
        status = look_at(s, document, i + 1, wanted, embeddings, &cosines[i]);
        progress_show("looking at pages", i + 1, pages, 1, progress_now() - start, NULL);
    }
    progress_clear();
    free(embeddings);
    free(wanted);
    if (status < 0) return tool_fail_last();
    return tool_stopped() ? EXIT_STOPPED : CLI_RUN;
}

static int better(const void *a, const void *b) {
    const found_page *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return x->page < y->page ? -1 : x->page > y->page;
}

int read_pages_find(found_pages *found, session *s, const glimpse_document *document,
                    const char *question, size_t most) {
    const size_t pages = glimpse_document_page_count(document);
    double *text = xcalloc(pages, sizeof *text), *cosines = xcalloc(pages, sizeof *cosines);
    double *scores = xcalloc(pages, sizeof *scores), explained = 0.0;
    *found = (found_pages){0};
    int code = CLI_RUN;
    if (glimpse_document_match(text, document, question) < 0) {
        code = tool_fail_last();
        goto done;
    }
    for (size_t i = 0; i < pages; i++) {
        if (text[i] > explained) explained = text[i];
    }
    found->looked = s->model != NULL && explained < EXPLAINED;
    if (found->looked) {
        code = look_at_all(s, document, question, cosines);
        if (code != CLI_RUN) goto done;
        glimpse_document_blend(scores, pages, text, cosines,
                               (double)glimpse_model_logit_scale(s->model));
    } else {
        memcpy(scores, text, pages * sizeof *scores);
    }
    found->pages = xcalloc(pages, sizeof *found->pages);
    for (size_t i = 0; i < pages; i++) {
        if (scores[i] <= 0.0) continue;
        found->pages[found->count++] =
            (found_page){i + 1, scores[i], text[i], found->looked ? cosines[i] : -2.0};
    }
    qsort(found->pages, found->count, sizeof *found->pages, better);
    if (found->count > most) found->count = most;
done:
    free(scores);
    free(cosines);
    free(text);
    return code;
}

void read_pages_free(found_pages *found) {
    free(found->pages);
    *found = (found_pages){0};
}
