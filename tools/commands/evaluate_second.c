/*
 * evaluate_second.c - see evaluate_second.h.
 */
#include "evaluate_second.h"

#include "progress.h"
#include "rerank_run.h"
#include "text.h"
#include "tool.h"

#include <glimpse/rerank.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fits(const glimpse_caption_pairs *c, size_t text, size_t image) {
    for (size_t i = 0; i < c->pair_count; i++) {
        if (c->pairs[i].text == text && c->pairs[i].image == image) return 1;
    }
    return 0;
}

/* `rank` of the first fitting picture, 0: not found. */
static void count_rank(second_recall *sum, size_t rank) {
    sum->at_1 += rank == 1;
    sum->at_5 += rank >= 1 && rank <= 5;
    sum->at_10 += rank >= 1 && rank <= 10;
}

static void make_shares(second_recall *sum, size_t queries) {
    sum->at_1 /= (double)queries;
    sum->at_5 /= (double)queries;
    sum->at_10 /= (double)queries;
}

static void finish_shares(second_figures *f) {
    make_shares(&f->without, f->queries);
    make_shares(&f->with, f->queries);
    for (int w = 0; w < SECOND_WEIGHTS; w++)
        make_shares(&f->by_weight[w], f->queries);
}

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

/* 1 + the place of the first fitting one in `order` of the first `depth`, or behind them. */
static size_t rank_in(const ranked *list, size_t count, const glimpse_reranked *order,
                      size_t depth) {
    for (size_t i = 0; i < count; i++) {
        if (list[i < depth ? order[i].index : i].fits) return i + 1;
    }
    return 0;
}

static int rerank_one(const vlm_session *v, const glimpse_caption_pairs *c, size_t text,
                      const ranked *list, size_t depth, second_figures *out) {
    rerank_picture *pictures = xcalloc(depth, sizeof *pictures);
    double *first = xcalloc(depth, sizeof *first);
    glimpse_reranked *order = xcalloc(depth, sizeof *order);
    reranking r = {0};
    for (size_t i = 0; i < depth; i++) {
        pictures[i].path = c->images[list[i].image];
        first[i] = list[i].score;
    }
    int code = rerank_look(v, c->texts[text], pictures, depth, &r);
    for (int w = 0; w <= SECOND_WEIGHTS && code == CLI_RUN; w++) {
        double weight = w < SECOND_WEIGHTS ? w / 10.0 : out->weight;
        if (glimpse_rerank(order, first, r.scores, depth, weight) < 0) code = tool_fail_last();
        size_t rank = code == CLI_RUN ? rank_in(list, c->image_count, order, depth) : 0;
        count_rank(w < SECOND_WEIGHTS ? &out->by_weight[w] : &out->with, rank);
        if (w == 0) count_rank(&out->without, rank); /* weight 0 is the first order */
    }
    out->looked_at += depth;
    out->failed += r.failed;
    rerank_free(&r);
    free(order);
    free(first);
    free(pictures);
    return code;
}

int evaluate_rerank(const vlm_session *v, const glimpse_caption_pairs *c, const float *texts,
                    const float *images, size_t width, size_t depth, double weight,
                    second_figures *out) {
    ranked *list = xcalloc(c->image_count, sizeof *list);
    int code = CLI_RUN;
    double start = progress_now();
    if (depth > c->image_count) depth = c->image_count;
    *out = (second_figures){.queries = c->text_count,
                            .model = glimpse_vlm_name(v->vlm),
                            .weight = weight,
                            .depth = depth};
    for (size_t t = 0; t < c->text_count && code == CLI_RUN; t++) {
        for (size_t i = 0; i < c->image_count; i++) {
            double score = 0;
            for (size_t k = 0; k < width; k++)
                score += (double)texts[t * width + k] * (double)images[i * width + k];
            list[i] = (ranked){i, score, fits(c, t, i)};
        }
        qsort(list, c->image_count, sizeof *list, compare);
        code = rerank_one(v, c, t, list, depth, out);
        progress_show("queries", t + 1, c->text_count, 1, progress_now() - start, NULL);
        if (code == CLI_RUN && tool_stopped()) code = EXIT_STOPPED;
    }
    progress_clear();
    out->seconds = progress_now() - start;
    finish_shares(out);
    free(list);
    return code;
}

static int library_ids(const session *s, const glimpse_caption_pairs *c, size_t width,
                       char (*ids)[33]) {
    float *unused = xmalloc(width * sizeof *unused);
    int code = CLI_RUN;
    for (size_t i = 0; i < c->image_count && code == CLI_RUN; i++) {
        if (glimpse_library_embedding(unused, ids[i], s->library, s->model, c->images[i]) < 0) {
            code = tool_fail("%s (--blend searches the library, so all the pictures must be in it)",
                             glimpse_last_error());
        }
    }
    free(unused);
    return code;
}

/* *rank: the place of the first picture that fits the text, 0: beyond the first ten. */
static int blend_one(const session *s, const glimpse_caption_pairs *c, size_t text,
                     const float *vector, char (*ids)[33], const glimpse_search_options *search,
                     size_t *rank) {
    glimpse_results *results = NULL;
    *rank = 0;
    if (glimpse_library_search(&results, s->library, s->model, vector, search) < 0)
        return tool_fail_last();
    for (size_t i = 0; i < glimpse_results_count(results) && !*rank; i++) {
        const char *id = glimpse_results_get(results, i)->id;
        for (size_t p = 0; p < c->pair_count && !*rank; p++) {
            if (c->pairs[p].text == text && strcmp(ids[c->pairs[p].image], id) == 0) *rank = i + 1;
        }
    }
    glimpse_results_free(results);
    return CLI_RUN;
}

int evaluate_blend(const session *s, const glimpse_caption_pairs *c, const float *texts,
                   size_t width, const char *prefix, double weight, second_figures *out) {
    char(*ids)[33] = xcalloc(c->image_count, sizeof *ids);
    double start = progress_now();
    *out = (second_figures){.queries = c->text_count, .weight = weight};
    int code = library_ids(s, c, width, ids);
    for (size_t t = 0; t < c->text_count && code == CLI_RUN; t++) {
        glimpse_search_options search = GLIMPSE_SEARCH_OPTIONS_INIT;
        const float *vector = texts + t * width;
        size_t rank;
        search.k = 10; /* as deep as the figures look */
        search.path_prefix = prefix;
        code = blend_one(s, c, t, vector, ids, &search, &rank);
        if (code == CLI_RUN) count_rank(&out->without, rank);
        search.captions = c->texts[t];
        for (int w = 0; w <= SECOND_WEIGHTS && code == CLI_RUN; w++) {
            search.captions_weight = w < SECOND_WEIGHTS ? w / 10.0 : weight;
            code = blend_one(s, c, t, vector, ids, &search, &rank);
            if (code == CLI_RUN)
                count_rank(w < SECOND_WEIGHTS ? &out->by_weight[w] : &out->with, rank);
        }
        progress_show("queries", t + 1, c->text_count, 1, progress_now() - start, NULL);
        if (code == CLI_RUN && tool_stopped()) code = EXIT_STOPPED;
    }
    progress_clear();
    out->seconds = progress_now() - start;
    finish_shares(out);
    free(ids);
    return code;
}

/*
 * Output.
 */
void second_print(const char *title, const second_figures *f) {
    (void)printf("\n%-28s   without     with\n", title);
    (void)printf("  %-26s %8.1f%% %8.1f%%\n", "text to image  R@1", 100 * f->without.at_1,
                 100 * f->with.at_1);
    (void)printf("  %-26s %8.1f%% %8.1f%%\n", "text to image  R@5", 100 * f->without.at_5,
                 100 * f->with.at_5);
    (void)printf("  %-26s %8.1f%% %8.1f%%\n", "text to image  R@10", 100 * f->without.at_10,
                 100 * f->with.at_10);
    if (f->model) {
        char *model = text_display(f->model);
        (void)printf("  by %s: the best %zu of each query, weight %g; %.1f ms a picture\n", model,
                     f->depth, f->weight,
                     1000 * f->seconds / (double)(f->looked_at + !f->looked_at));
        free(model);
    } else {
        (void)printf("  weight %g\n", f->weight);
    }
    if (f->failed > 0) {
        (void)printf("  %s of %s looks gave no score\n", text_count(f->failed),
                     text_count(f->looked_at));
    }
    (void)printf("  R@1 by weight:");
    for (int w = 0; w < SECOND_WEIGHTS; w++)
        (void)printf("  %.1f: %.1f%%", w / 10.0, 100 * f->by_weight[w].at_1);
    (void)putchar('\n');
}

static void recall_json(json_out *j, const char *key, const second_recall *r) {
    jout_key(j, key);
    jout_open(j, '{');
    jout_key(j, "t2i_recall@1"), jout_number(j, r->at_1);
    jout_key(j, "t2i_recall@5"), jout_number(j, r->at_5);
    jout_key(j, "t2i_recall@10"), jout_number(j, r->at_10);
    jout_close(j, '}');
}

void second_json(json_out *j, const char *key, const second_figures *f) {
    jout_key(j, key);
    jout_open(j, '{');
    recall_json(j, "without", &f->without);
    recall_json(j, "with", &f->with);
    jout_key(j, "seconds"), jout_number(j, f->seconds);
    jout_key(j, "weight"), jout_number(j, f->weight);
    if (f->model) {
        jout_path(j, "model", f->model);
        jout_key(j, "depth"), jout_uint(j, f->depth);
        jout_key(j, "looked_at"), jout_uint(j, f->looked_at);
        jout_key(j, "failed"), jout_uint(j, f->failed);
    }
    jout_key(j, "by_weight");
    jout_open(j, '[');
    for (int w = 0; w < SECOND_WEIGHTS; w++) {
        jout_open(j, '{');
        jout_key(j, "weight"), jout_number(j, w / 10.0);
        jout_key(j, "t2i_recall@1"), jout_number(j, f->by_weight[w].at_1);
        jout_close(j, '}');
    }
    jout_close(j, ']');
    jout_close(j, '}');
}
