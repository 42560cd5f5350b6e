/*
 * retrieval_second.c - what a second stage is worth: recall of the same queries with and without.
 */
#include "retrieval_private.h"

#include "core/clock.h"
#include "core/error.h"
#include "totals.h"

#include <glimpse/rerank.h>

#include <stdlib.h>
#include <string.h>

int glimpse_retrieval_keep(const char **out, retrieval *r, const char *text) {
    char *copy = strdup(text);
    *out = NULL;
    if (!copy) return glimpse_fail_nomem(strlen(text), "a string");
    int status = glimpse_session_list_add(&r->strings, copy);
    if (status == GLIMPSE_OK) *out = copy;
    if (status < 0) free(copy);
    return status;
}

static int fits(const retrieval *r, size_t text, size_t image) {
    for (size_t i = 0; i < r->pair_count; i++) {
        if (r->pairs[i].text == text && r->pairs[i].image == image) return 1;
    }
    return 0;
}

/* `rank` of the first fitting picture, 0: not found. */
static void count_rank(glimpse_second_recall *sum, size_t rank) {
    sum->at_1 += rank == 1;
    sum->at_5 += rank >= 1 && rank <= 5;
    sum->at_10 += rank >= 1 && rank <= 10;
}

static void make_shares(glimpse_second_recall *sum, size_t queries) {
    sum->at_1 /= (double)queries;
    sum->at_5 /= (double)queries;
    sum->at_10 /= (double)queries;
}

static void finish_shares(glimpse_second_figures *f) {
    make_shares(&f->without, f->queries);
    make_shares(&f->with, f->queries);
    for (int w = 0; w < GLIMPSE_SECOND_WEIGHTS; w++)
        make_shares(&f->by_weight[w], f->queries);
}

/* Of the w-th of the weights, the last one being the one that was asked for. */
static glimpse_second_recall *recall_at(glimpse_second_figures *f, int w) {
    return w < GLIMPSE_SECOND_WEIGHTS ? &f->by_weight[w] : &f->with;
}

static double weight_at(const glimpse_second_figures *f, int w) {
    return w < GLIMPSE_SECOND_WEIGHTS ? w / 10.0 : f->weight;
}

/*
 * Re-ranking.
 */
typedef struct ranked {
    size_t image;
    double score;
    int fits;
} ranked;

/* Ties never flatter: what does not fit comes first. */
static int compare(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    if (x->fits != y->fits) return x->fits - y->fits;
    return (x->image > y->image) - (x->image < y->image);
}

/* All pictures as the text ranks them, into `list` [image_count]. */
static void rank_pictures(const retrieval *r, size_t text, ranked *list) {
    for (size_t i = 0; i < r->image_count; i++) {
        double score = 0;
        for (size_t k = 0; k < r->width; k++) {
            score +=
                (double)r->text_rows[text * r->width + k] * (double)r->image_rows[i * r->width + k];
        }
        list[i] = (ranked){i, score, fits(r, text, i)};
    }
    qsort(list, r->image_count, sizeof *list, compare);
}

/* 1 + the place of the first fitting one in `order` of the first `depth`, or behind them. */
static size_t rank_in(const ranked *list, size_t count, const glimpse_reranked *order,
                      size_t depth) {
    for (size_t i = 0; i < count; i++) {
        if (list[i < depth ? order[i].index : i].fits) return i + 1;
    }
    return 0;
}

static int rerank_one(retrieval *r, const session_vlm *vlm, size_t text, const ranked *list,
                      const session_control *control) {
    glimpse_second_figures *f = &r->rerank;
    const session_control quiet = {NULL, control->cancelled, control->user};
    session_scores look = {0};
    session_scores_picture *pictures = calloc(f->depth + 1, sizeof *pictures);
    double *first = calloc(f->depth + 1, sizeof *first);
    glimpse_reranked *order = calloc(f->depth + 1, sizeof *order);
    int status = GLIMPSE_OK;
    if (!pictures || !first || !order) {
        status = glimpse_fail_nomem(f->depth * sizeof *order, "an order");
        goto done;
    }
    for (size_t i = 0; i < f->depth; i++) {
        pictures[i].path = r->images[list[i].image];
        first[i] = list[i].score;
    }
    status = glimpse_session_score_pictures(&look, vlm, r->texts[text], pictures, f->depth, &quiet);
    for (int w = 0; w <= GLIMPSE_SECOND_WEIGHTS && status == GLIMPSE_OK; w++) {
        status = glimpse_rerank(order, first, look.scores, f->depth, weight_at(f, w));
        if (status < 0) break;
        size_t rank = rank_in(list, r->image_count, order, f->depth);
        count_rank(recall_at(f, w), rank);
        if (w == 0) count_rank(&f->without, rank); /* weight 0 is the first order */
    }
    f->looked_at += f->depth;
    f->failed += look.failed;
    glimpse_vlm_totals_add(&f->vlm.totals, &look.totals);
done:
    glimpse_session_scores_free(&look);
    free(order);
    free(first);
    free(pictures);
    return status;
}

/* After query `t`; GLIMPSE_E_CANCELLED when that was to be the last. */
static int report_query(const retrieval *r, size_t t, double start,
                        const session_control *control) {
    int status = glimpse_session_report_progress(control, "queries", t + 1, r->text_count,
                                                 glimpse_now() - start);
    return status == GLIMPSE_OK ? glimpse_session_check_cancelled(control) : status;
}

int glimpse_retrieval_rerank(retrieval *r, const session_vlm *vlm,
                             const glimpse_retrieval_options *options,
                             const session_control *control) {
    const glimpse_vlm_totals none = GLIMPSE_VLM_TOTALS_INIT;
    double start = glimpse_now();
    glimpse_second_figures *f = &r->rerank;
    ranked *list = calloc(r->image_count, sizeof *list);
    if (!list) return glimpse_fail_nomem(r->image_count * sizeof *list, "a ranking");
    *f = (glimpse_second_figures){.queries = r->text_count, .weight = options->rerank_weight};
    f->depth = options->rerank_depth < r->image_count ? options->rerank_depth : r->image_count;
    const glimpse_vlm_use use = glimpse_session_vlm_use(vlm, &none);
    f->vlm = use;
    int status = glimpse_retrieval_keep(&f->vlm.name, r, use.name);
    if (status == GLIMPSE_OK) status = glimpse_retrieval_keep(&f->vlm.currency, r, use.currency);
    for (size_t t = 0; t < r->text_count && status == GLIMPSE_OK; t++) {
        rank_pictures(r, t, list);
        status = rerank_one(r, vlm, t, list, control);
        if (status == GLIMPSE_OK) status = report_query(r, t, start, control);
    }
    f->seconds = glimpse_now() - start;
    finish_shares(f);
    free(list);
    return status;
}

/*
 * Stored captions.
 */
typedef struct content_id {
    char hex[33];
} content_id;

static int library_ids(const retrieval *r, glimpse_library *library, const glimpse_model *model,
                       content_id *ids) {
    float *unused = malloc(r->width * sizeof *unused);
    if (!unused) return glimpse_fail_nomem(r->width * sizeof *unused, "an embedding");
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < r->image_count && status == GLIMPSE_OK; i++) {
        status = glimpse_library_embedding(unused, ids[i].hex, library, model, r->images[i]);
        if (status < 0) {
            char reason[1024];
            (void)strncpy(reason, glimpse_last_error(), sizeof reason - 1);
            reason[sizeof reason - 1] = '\0';
            status = glimpse_fail(
                status, "%s (%s searches the library, so all the pictures must be in it)", reason,
                glimpse_wording("glimpse_retrieval_options.captions", NULL));
        }
    }
    free(unused);
    return status;
}

/* *rank: the place of the first picture that fits the text, 0: beyond the first ten. */
static int search_one(size_t *rank, const retrieval *r, glimpse_library *library,
                      const glimpse_model *model, size_t text, const content_id *ids,
                      const glimpse_search_options *search) {
    glimpse_results *results = NULL;
    *rank = 0;
    int status =
        glimpse_library_search(&results, library, model, r->text_rows + text * r->width, search);
    for (size_t i = 0; i < glimpse_results_count(results) && !*rank; i++) {
        const char *id = glimpse_results_get(results, i)->id;
        for (size_t p = 0; p < r->pair_count && !*rank; p++) {
            if (r->pairs[p].text == text && strcmp(ids[r->pairs[p].image].hex, id) == 0)
                *rank = i + 1;
        }
    }
    glimpse_results_free(results);
    return status;
}

int glimpse_retrieval_captions(retrieval *r, glimpse_library *library, const glimpse_model *model,
                               const glimpse_retrieval_options *options,
                               const session_control *control) {
    double start = glimpse_now();
    glimpse_second_figures *f = &r->captions;
    content_id *ids = calloc(r->image_count, sizeof *ids);
    if (!ids) return glimpse_fail_nomem(r->image_count * sizeof *ids, "content ids");
    *f = (glimpse_second_figures){.queries = r->text_count, .weight = options->captions_weight};
    int status = library_ids(r, library, model, ids);
    for (size_t t = 0; t < r->text_count && status == GLIMPSE_OK; t++) {
        glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
        size_t rank = 0;
        search.k = 10;         /* as deep as the figures look */
        search.whole_only = 1; /* as those that these are beside */
        search.within = options->within;
        search.within_count = options->within_count;
        status = search_one(&rank, r, library, model, t, ids, &search);
        if (status == GLIMPSE_OK) count_rank(&f->without, rank);
        search.captions = r->texts[t];
        for (int w = 0; w <= GLIMPSE_SECOND_WEIGHTS && status == GLIMPSE_OK; w++) {
            search.captions_weight = weight_at(f, w);
            status = search_one(&rank, r, library, model, t, ids, &search);
            if (status == GLIMPSE_OK) count_rank(recall_at(f, w), rank);
        }
        if (status == GLIMPSE_OK) status = report_query(r, t, start, control);
    }
    f->seconds = glimpse_now() - start;
    finish_shares(f);
    free(ids);
    return status;
}
