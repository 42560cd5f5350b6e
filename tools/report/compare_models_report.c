/*
 * compare_models_report.c - a comparison of models as a table and as JSON.
 */
#include "compare_models_report.h"

#include "evaluate_out.h"
#include "json_out.h"
#include "table.h"
#include "text.h"
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECALLS = 3, USUAL_COLUMNS = 100, MIN_COLUMNS = 16 };

int compare_models_fits(const glimpse_compared_query *query, const char *id) {
    for (size_t i = 0; i < query->truth_count; i++)
        if (strcmp(query->truth[i], id) == 0) return 1;
    return 0;
}

/*
 * For people.
 */
static void print_cell(const char *text, size_t columns, int last) {
    char *fitted = text_fit(text, columns);
    if (last) {
        (void)puts(fitted);
    } else {
        text_print_padded(fitted, columns);
        (void)fputs("  ", stdout);
    }
    free(fitted);
}

/* "0.412 * " before a path: the star is on pictures that fit. */
static char *head_of(const glimpse_compared_query *q, const glimpse_result *r) {
    return xprintf("%6.3f %s", r->score, compare_models_fits(q, r->id) ? "* " : "");
}

/* `fills`: spaces up to `columns`, and between two of them. */
static void print_result(const glimpse_compared_query *q, size_t model, size_t i, size_t columns,
                         int fills) {
    const glimpse_result *r = glimpse_results_get(q->results[model], i);
    size_t used = 0;
    if (r) {
        char *head = head_of(q, r), *storage = NULL;
        char *path = text_display(text_near_path(r->path, &storage));
        used = strlen(head) + text_width(path);
        (void)fputs(head, stdout);
        table_print_path(r->path, TERMINAL_PLAIN);
        free(path);
        free(storage);
        free(head);
    }
    if (fills) {
        (void)printf("%*s  ", (int)(used < columns ? columns - used : 0), "");
    } else {
        (void)putchar('\n');
    }
}

/* 1 when every result of every query fits into so many columns, whole. */
static int fits_beside(const glimpse_model_comparison *c, size_t columns) {
    for (size_t i = 0; i < c->query_count; i++) {
        const glimpse_compared_query *q = &c->queries[i];
        for (size_t m = 0; m < c->model_count; m++) {
            for (size_t k = 0; k < glimpse_results_count(q->results[m]); k++) {
                const glimpse_result *r = glimpse_results_get(q->results[m], k);
                char *head = head_of(q, r), *storage = NULL;
                char *path = text_display(text_near_path(r->path, &storage));
                const int fits = strlen(head) + text_width(path) <= columns;
                free(path);
                free(storage);
                free(head);
                if (!fits) return 0;
            }
        }
    }
    return 1;
}

static void print_agreement(const glimpse_model_comparison *c, const glimpse_model_pair *pair) {
    (void)printf("overlap@%zu %.2f", c->k, pair->overlap);
    if (!isnan(pair->correlation)) (void)printf(", rank correlation %.2f", pair->correlation);
}

/* The lists of all models beside each other. */
static void print_beside(const glimpse_model_comparison *c, const glimpse_compared_query *q,
                         size_t columns) {
    size_t longest = 0;
    for (size_t m = 0; m < c->model_count; m++) {
        char *name = text_display(c->models[m].name);
        print_cell(name, columns, m + 1 == c->model_count);
        free(name);
        size_t count = glimpse_results_count(q->results[m]);
        longest = count > longest ? count : longest;
    }
    for (size_t i = 0; i < longest; i++) {
        for (size_t m = 0; m < c->model_count; m++)
            print_result(q, m, i, columns, m + 1 < c->model_count);
    }
}

/* Below each other, where paths are too long. */
static void print_below(const glimpse_model_comparison *c, const glimpse_compared_query *q) {
    for (size_t m = 0; m < c->model_count; m++) {
        char *name = text_display(c->models[m].name);
        (void)puts(name);
        free(name);
        for (size_t i = 0; i < glimpse_results_count(q->results[m]); i++)
            print_result(q, m, i, 0, 0);
    }
}

static void print_query(const glimpse_model_comparison *c, const glimpse_compared_query *q,
                        size_t columns, int beside) {
    char *text = text_display(q->text);
    (void)printf("%s%s%s\n", terminal_begin(TERMINAL_STRONG), text, terminal_end(TERMINAL_STRONG));
    free(text);
    if (beside) {
        print_beside(c, q, columns);
    } else {
        print_below(c, q);
    }
    if (c->model_count == 2) {
        print_agreement(c, &q->pairs[0]);
        (void)putchar('\n');
    }
    (void)putchar('\n');
}

static size_t name_columns(const glimpse_model_comparison *c) {
    size_t widest = 5;
    for (size_t m = 0; m < c->model_count; m++) {
        char *name = text_display(c->models[m].name);
        size_t width = text_width(name);
        widest = width > widest ? width : widest;
        free(name);
    }
    return widest < 40 ? widest : 40;
}

static void print_models(const glimpse_model_comparison *c) {
    const size_t columns = name_columns(c);
    const int recall = c->models[0].recall.queries > 0;
    text_print_padded("model", columns);
    (void)printf("  pictures  ms a query (text + search)%s\n",
                 recall ? "    R@1    R@5   R@10" : "");
    for (size_t m = 0; m < c->model_count; m++) {
        const glimpse_compared_model *one = &c->models[m];
        const glimpse_recall_report *r = &one->recall;
        char *name = text_display(one->name), *fitted = text_fit(name, columns);
        char *times =
            xprintf("%.1f (%.1f + %.1f)", 1000 * (one->embed_seconds + one->search_seconds),
                    1000 * one->embed_seconds, 1000 * one->search_seconds);
        text_print_padded(fitted, columns);
        (void)printf("  %8s  %26s", text_count(one->pictures), times);
        if (recall) {
            (void)printf(" %5.1f%% %5.1f%% %5.1f%%", 100 * r->recall_at_1.value,
                         100 * r->recall_at_5.value, 100 * r->recall_at_10.value);
        }
        (void)putchar('\n');
        free(times);
        free(fitted);
        free(name);
    }
}

void compare_models_print(const glimpse_model_comparison *c) {
    size_t terminal = text_terminal_columns(STDOUT_FILENO);
    if (terminal == 0) terminal = USUAL_COLUMNS;
    const size_t between = 2 * (c->model_count - 1);
    size_t columns = terminal > between ? (terminal - between) / c->model_count : 0;
    if (columns < MIN_COLUMNS) columns = MIN_COLUMNS;
    const int beside = fits_beside(c, columns);
    for (size_t i = 0; i < c->query_count; i++)
        print_query(c, &c->queries[i], columns, beside);
    print_models(c);
    (void)putchar('\n');
    for (size_t p = 0; p < c->pair_count; p++) {
        const glimpse_model_pair *pair = &c->pairs[p];
        char *first = text_display(c->models[pair->first].name);
        char *second = text_display(c->models[pair->second].name);
        (void)printf("%s and %s: ", first, second);
        print_agreement(c, pair);
        (void)putchar('\n');
        free(second);
        free(first);
    }
    if (c->models[0].recall.queries > 0) {
        (void)printf("Recall is over the %s with pictures that fit (*).\n",
                     text_counted(c->models[0].recall.queries, "query", "queries"));
    }
    (void)printf("Rank correlation is over %s", text_counted(c->compared, "picture", "pictures"));
    (void)printf(c->compared < c->common ? ", a sample of the %s that all models cover.\n"
                                         : " that all models cover.\n",
                 text_count(c->common));
}

/*
 * For programs.
 */
static void write_pairs(json_out *j, const glimpse_model_comparison *c,
                        const glimpse_model_pair *pairs) {
    jout_key(j, "pairs");
    jout_open(j, '[');
    for (size_t p = 0; p < c->pair_count; p++) {
        jout_open(j, '{');
        jout_path(j, "first", c->models[pairs[p].first].name);
        jout_path(j, "second", c->models[pairs[p].second].name);
        jout_key(j, "overlap"), jout_number(j, pairs[p].overlap);
        jout_key(j, "rank_correlation"), jout_number(j, pairs[p].correlation);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static void write_model(json_out *j, const glimpse_compared_model *m) {
    const named_figure figures[RECALLS] = {
        {"recall@1", "R@1", m->recall.recall_at_1, 1},
        {"recall@5", "R@5", m->recall.recall_at_5, 1},
        {"recall@10", "R@10", m->recall.recall_at_10, 1},
    };
    jout_open(j, '{');
    jout_path(j, "name", m->name);
    jout_key(j, "fingerprint"), jout_string(j, m->fingerprint);
    jout_key(j, "pictures"), jout_uint(j, m->pictures);
    jout_key(j, "seconds_per_query"), jout_number(j, m->embed_seconds + m->search_seconds);
    jout_key(j, "text_seconds"), jout_number(j, m->embed_seconds);
    jout_key(j, "search_seconds"), jout_number(j, m->search_seconds);
    if (m->recall.queries > 0) evaluate_json_figures(j, figures, RECALLS);
    jout_close(j, '}');
}

static void write_list(json_out *j, const glimpse_model_comparison *c,
                       const glimpse_compared_query *q, size_t model) {
    jout_open(j, '{');
    jout_path(j, "model", c->models[model].name);
    if (q->truth_count > 0) {
        jout_key(j, "truth_rank");
        if (q->truth_ranks[model] > 0) {
            jout_uint(j, q->truth_ranks[model]);
        } else {
            jout_null(j);
        }
    }
    jout_key(j, "results");
    jout_open(j, '[');
    for (size_t i = 0; i < glimpse_results_count(q->results[model]); i++) {
        const glimpse_result *r = glimpse_results_get(q->results[model], i);
        jout_open(j, '{');
        jout_key(j, "rank"), jout_uint(j, r->rank);
        jout_key(j, "score"), jout_number(j, r->score);
        jout_path(j, "path", r->path);
        jout_key(j, "id"), jout_string(j, r->id);
        if (q->truth_count > 0) jout_key(j, "fits"), jout_bool(j, compare_models_fits(q, r->id));
        jout_close(j, '}');
    }
    jout_close(j, ']');
    jout_close(j, '}');
}

void compare_models_json(const glimpse_model_comparison *c) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_key(&j, "k"), jout_uint(&j, c->k);
    jout_key(&j, "common_pictures"), jout_uint(&j, c->common);
    jout_key(&j, "correlated_pictures"), jout_uint(&j, c->compared);
    jout_key(&j, "judged_queries"), jout_uint(&j, c->models[0].recall.queries);
    jout_key(&j, "models");
    jout_open(&j, '[');
    for (size_t m = 0; m < c->model_count; m++)
        write_model(&j, &c->models[m]);
    jout_close(&j, ']');
    write_pairs(&j, c, c->pairs);
    jout_key(&j, "queries");
    jout_open(&j, '[');
    for (size_t i = 0; i < c->query_count; i++) {
        const glimpse_compared_query *q = &c->queries[i];
        jout_open(&j, '{');
        jout_key(&j, "query"), jout_string(&j, q->text);
        jout_key(&j, "line"), jout_uint(&j, q->line);
        jout_key(&j, "truth");
        jout_open(&j, '[');
        for (size_t k = 0; k < q->truth_count; k++)
            jout_string(&j, q->truth[k]);
        jout_close(&j, ']');
        jout_key(&j, "lists");
        jout_open(&j, '[');
        for (size_t m = 0; m < c->model_count; m++)
            write_list(&j, c, q, m);
        jout_close(&j, ']');
        write_pairs(&j, c, q->pairs);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}
