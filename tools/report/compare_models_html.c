/*
 * compare_models_html.c - a comparison of models as one HTML file: for each query a row of
 * thumbnails for each model, one below the other, so that what differs is seen.
 *
 * As in html.c nothing is loaded from outside, and there is no script. A picture's thumbnail is
 * made once for all places it is shown at: the style sheet holds it as a class.
 */
#include "base64.h"
#include "compare_models_report.h"
#include "html_text.h"
#include "picture_out.h"
#include "progress.h"
#include "report_file.h"
#include "text.h"
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THUMB = 160 };

static const char style[] =
    ":root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;"
    "margin:2rem clamp(1rem,4vw,2rem)}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2rem 0 .3rem;overflow-wrap:anywhere}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse}td,th{text-align:right;padding:.15rem "
    ".8rem .15rem 0;"
    "font-variant-numeric:tabular-nums}td:first-child,th:first-child{text-align:left}"
    ".soft{opacity:.65;font-size:.85rem}"
    ".row{display:flex;gap:.5rem;overflow-x:auto;padding:.2rem 0 .6rem}"
    ".row a{flex:none;width:164px;text-decoration:none;color:inherit;font-size:.75rem;"
    "overflow-wrap:anywhere}.row a:focus-visible{outline:3px solid;outline-offset:-1px}"
    "@media print{.row{flex-wrap:wrap}*{print-color-adjust:exact}}"
    ".t{display:block;width:160px;height:120px;border:2px solid transparent;border-radius:6px;"
    "background:#8883 center/contain no-repeat}"
    ".fits .t{border-color:#2a9d4a}.alone .t{outline:2px dashed #d98a1f;outline-offset:-2px}";

/* Pictures that are shown, each once. */
typedef struct shown {
    const char *id, *path;
} shown;

static int by_id(const void *a, const void *b) {
    return strcmp(((const shown *)a)->id, ((const shown *)b)->id);
}

static shown *list_shown(const glimpse_model_comparison *c, size_t *count) {
    size_t all = 0, used = 0;
    for (size_t i = 0; i < c->query_count; i++) {
        for (size_t m = 0; m < c->model_count; m++)
            all += glimpse_results_count(c->queries[i].results[m]);
    }
    shown *list = xcalloc(all + 1, sizeof *list);
    all = 0;
    for (size_t i = 0; i < c->query_count; i++) {
        for (size_t m = 0; m < c->model_count; m++) {
            const glimpse_results *results = c->queries[i].results[m];
            for (size_t k = 0; k < glimpse_results_count(results); k++) {
                const glimpse_result *r = glimpse_results_get(results, k);
                list[all++] = (shown){r->id, r->path};
            }
        }
    }
    if (all > 0) qsort(list, all, sizeof *list, by_id);
    for (size_t i = 0; i < all; i++) {
        if (used == 0 || strcmp(list[used - 1].id, list[i].id) != 0) list[used++] = list[i];
    }
    *count = used;
    return list;
}

/* Ids are hexadecimal digits. */
static void write_thumbnails(FILE *to, const shown *list, size_t count) {
    double start = progress_now();
    (void)fputs("<style>", to);
    for (size_t i = 0; i < count; i++) {
        thumbnail t;
        size_t size = 0;
        uint8_t *jpeg = NULL;
        progress_show("thumbnails", i, count, 1, progress_now() - start, NULL);
        if (thumbnail_make(&t, list[i].path, THUMB, THUMB) == 0) {
            jpeg = thumbnail_jpeg(&t, 80, &size);
        }
        if (jpeg) {
            (void)fprintf(to, ".p%s{background-image:url(data:image/jpeg;base64,", list[i].id);
            glimpse_base64_write(to, jpeg, size);
            (void)fputs(")}\n", to);
        } else {
            tool_note("not in the page: %s", glimpse_last_error());
        }
        free(jpeg);
        thumbnail_free(&t);
    }
    progress_clear();
    (void)fputs("</style>", to);
}

static int is_listed(const glimpse_results *results, const char *id) {
    for (size_t i = 0; i < glimpse_results_count(results); i++)
        if (strcmp(glimpse_results_get(results, i)->id, id) == 0) return 1;
    return 0;
}

/* 1 when no other model shows it for this query. */
static int is_alone(const glimpse_model_comparison *c, const glimpse_compared_query *q,
                    size_t model, const char *id) {
    for (size_t m = 0; m < c->model_count; m++)
        if (m != model && is_listed(q->results[m], id)) return 0;
    return 1;
}

static void write_list(FILE *to, const glimpse_model_comparison *c, const glimpse_compared_query *q,
                       size_t model) {
    (void)fputs("<div class=\"soft\">", to);
    html_text(to, c->models[model].name);
    (void)fputs("</div><div class=\"row\">", to);
    for (size_t i = 0; i < glimpse_results_count(q->results[model]); i++) {
        const glimpse_result *r = glimpse_results_get(q->results[model], i);
        const char *slash = strrchr(r->path, '/');
        (void)fprintf(to, "<a class=\"%s%s\" href=\"", compare_models_fits(q, r->id) ? "fits " : "",
                      is_alone(c, q, model, r->id) ? "alone" : "");
        html_file_link(to, r->path);
        (void)fprintf(to, "\"><span class=\"t p%s\" role=\"img\" aria-label=\"", r->id);
        html_text(to, slash ? slash + 1 : r->path);
        (void)fprintf(to, "\"></span>#%zu %.3f ", i + 1, r->score);
        html_path(to, slash ? slash + 1 : r->path);
        (void)fputs("</a>", to);
    }
    (void)fputs("</div>\n", to);
}

static void write_summary(FILE *to, const glimpse_model_comparison *c) {
    const int recall = c->models[0].recall.queries > 0;
    (void)fprintf(
        to,
        "<div class=\"scroll\" tabindex=\"0\"><table><tr><th>model</th><th>pictures</th><th>ms a "
        "query</th>%s</tr>",
        recall ? "<th>R@1</th><th>R@5</th><th>R@10</th>" : "");
    for (size_t m = 0; m < c->model_count; m++) {
        const glimpse_compared_model *one = &c->models[m];
        (void)fputs("<tr><td>", to);
        html_text(to, one->name);
        (void)fprintf(to, "</td><td>%s</td><td>%.1f</td>", text_count(one->pictures),
                      1000 * (one->embed_seconds + one->search_seconds));
        if (recall) {
            (void)fprintf(to, "<td>%.1f%%</td><td>%.1f%%</td><td>%.1f%%</td>",
                          100 * one->recall.recall_at_1.value, 100 * one->recall.recall_at_5.value,
                          100 * one->recall.recall_at_10.value);
        }
        (void)fputs("</tr>", to);
    }
    (void)fputs("</table></div>", to);
}

static void write_pairs(FILE *to, const glimpse_model_comparison *c,
                        const glimpse_model_pair *pairs) {
    for (size_t p = 0; p < c->pair_count; p++) {
        (void)fputs("<p class=\"soft\">", to);
        if (c->pair_count > 1) {
            html_text(to, c->models[pairs[p].first].name);
            (void)fputs(" and ", to);
            html_text(to, c->models[pairs[p].second].name);
            (void)fputs(": ", to);
        }
        (void)fprintf(to, "overlap@%zu %.2f", c->k, pairs[p].overlap);
        if (!isnan(pairs[p].correlation)) {
            (void)fprintf(to, ", rank correlation %.2f", pairs[p].correlation);
        }
        (void)fputs("</p>", to);
    }
}

int compare_models_html(const char *file, const glimpse_model_comparison *c) {
    report_file page;
    size_t count = 0;
    if (report_file_open_text(&page, file) < 0) return -1;
    FILE *to = page.to;
    (void)fprintf(to,
                  "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "img-src data:; style-src 'unsafe-inline'\">"
                  "<title>models compared - glimpse</title><style>%s</style>",
                  style);
    shown *list = list_shown(c, &count);
    write_thumbnails(to, list, count);
    free(list);
    (void)fputs("</head><body><h1>Models compared</h1>", to);
    write_summary(to, c);
    write_pairs(to, c, c->pairs);
    (void)fputs("<p class=\"soft\">Green frames fit the query; dashed ones only that model "
                "shows.</p>\n",
                to);
    for (size_t i = 0; i < c->query_count; i++) {
        (void)fputs("<h2>", to);
        html_text(to, c->queries[i].text);
        (void)fputs("</h2>", to);
        write_pairs(to, c, c->queries[i].pairs);
        for (size_t m = 0; m < c->model_count; m++)
            write_list(to, c, &c->queries[i], m);
    }
    (void)fputs("</body></html>\n", to);
    return report_file_close(&page);
}
