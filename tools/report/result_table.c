/*
 * result_table.c - the results of a search as a table for people.
 *
 * A column is a row of `columns`: when it is there, its title, what it shows of a result. The first
 * one is the number that ordered.
 */
#include "local_date.h"
#include "output.h"
#include "preview.h"
#include "table.h"
#include "text.h"
#include "tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_COLUMNS = 12 }; /* of the ranks of one of several models */

typedef struct result_column {
    const char *title;
    table_kind kind;
    size_t min_width;
    terminal_style style;
    /* How many of them there are; NULL: one. */
    size_t (*count)(const output_list *list);
    /* A title of its own for number `n`; NULL: the one above. Malloc'ed. */
    char *(*title_of)(const output_list *list, size_t n);
    /* What stands in it, malloc'ed; NULL: a dash. Not asked for the path. */
    char *(*cell)(const output_list *list, size_t i, size_t n);
} result_column;

static size_t count_reranked(const output_list *list) {
    return list->seconds != NULL;
}

static size_t count_captions(const output_list *list) {
    return list->captions != 0;
}

/* The sum of both rankings ordered; behind a re-ranking it no longer does. */
static size_t count_fused(const output_list *list) {
    return list->captions && !list->seconds;
}

static size_t count_models(const output_list *list) {
    return list->model_count;
}

static char *blended_cell(const output_list *list, size_t i, size_t n) {
    (void)n;
    const output_second *second = &list->seconds[i];
    return isnan(second->blended) ? NULL : xprintf("%.3f", second->blended);
}

static char *fused_cell(const output_list *list, size_t i, size_t n) {
    (void)n;
    return xprintf("%.4f", list->results[i]->fused);
}

static char *score_cell(const output_list *list, size_t i, size_t n) {
    (void)n;
    /* Fused scores lie close together, below 0.02 a model. */
    return xprintf(list->models ? "%.4f" : "%.3f", list->results[i]->score);
}

/* Told of all or of none. */
static size_t count_relevances(const output_list *list) {
    return list->relevances && list->count > 0 && !isnan(list->relevances[0]);
}

static char *relevance_cell(const output_list *list, size_t i, size_t n) {
    (void)n;
    return isnan(list->relevances[i]) ? NULL : xprintf("%.2f", list->relevances[i]);
}

static char *model_title(const output_list *list, size_t n) {
    char *shown = text_display(list->models[n].name), *fitted = text_fit(shown, MODEL_COLUMNS);
    free(shown);
    return fitted;
}

static char *model_cell(const output_list *list, size_t i, size_t n) {
    const size_t rank = list->ranks[i][n].rank;
    return rank > 0 ? xprintf("%zu", rank) : NULL;
}

static char *caption_cell(const output_list *list, size_t i, size_t n) {
    (void)n;
    const glimpse_result *r = list->results[i];
    return r->caption_rank ? xprintf("%.2f", r->caption_score) : NULL;
}

static char *vlm_cell(const output_list *list, size_t i, size_t n) {
    (void)n;
    const output_second *second = &list->seconds[i];
    return isnan(second->probability) ? NULL : xprintf("%.3f", second->probability);
}

static char *size_cell(const output_list *list, size_t i, size_t n) {
    (void)n;
    const glimpse_result *r = list->results[i];
    return xprintf("%ux%u", (unsigned)r->width, (unsigned)r->height);
}

static char *date_cell(const output_list *list, size_t i, size_t n) {
    (void)n;
    const glimpse_result *r = list->results[i];
    return local_moment(r->taken && *r->taken ? r->taken : r->modified ? r->modified : "");
}

static const result_column columns[] = {
    {"blended", TABLE_RIGHT, 6, TERMINAL_ACCENT, count_reranked, NULL, blended_cell},
    {"fused", TABLE_RIGHT, 6, TERMINAL_ACCENT, count_fused, NULL, fused_cell},
    {"score", TABLE_RIGHT, 6, TERMINAL_ACCENT, NULL, NULL, score_cell},
    {"rel.", TABLE_RIGHT, 4, TERMINAL_PLAIN, count_relevances, NULL, relevance_cell},
    {NULL, TABLE_RIGHT, MODEL_COLUMNS, TERMINAL_PLAIN, count_models, model_title, model_cell},
    {"caption", TABLE_RIGHT, 8, TERMINAL_PLAIN, count_captions, NULL, caption_cell},
    {"vlm", TABLE_RIGHT, 6, TERMINAL_PLAIN, count_reranked, NULL, vlm_cell},
    {"path", TABLE_PATH, 4, TERMINAL_STRONG, NULL, NULL, NULL},
    {"size", TABLE_LEFT, 10, TERMINAL_FAINT, NULL, NULL, size_cell},
    {"date", TABLE_LEFT, 4, TERMINAL_FAINT, NULL, NULL, date_cell},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static size_t count_of(const result_column *c, const output_list *list) {
    return c->count ? c->count(list) : 1;
}

/* Only the number that ordered stands out. */
static void add_columns(table *t, const output_list *list) {
    int ordered = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
        const result_column *at = &columns[c];
        for (size_t n = 0; n < count_of(at, list); n++) {
            char *title = at->title_of ? at->title_of(list, n) : NULL;
            terminal_style style = at->style;
            if (style == TERMINAL_ACCENT && ordered++ > 0) style = TERMINAL_PLAIN;
            table_add_column(t, title ? title : at->title, at->kind, at->min_width, style);
            free(title);
        }
    }
}

/* What stands behind the path. */
static char *remark_of(const glimpse_result *r) {
    char *copies = r->copies > 1
                       ? xprintf(" (+%zu %s)", r->copies - 1, r->copies == 2 ? "copy" : "copies")
                       : xstrdup("");
    char *tile = r->tile.width > 0
                     ? xprintf(" (at %u,%u %ux%u)", (unsigned)r->tile.x, (unsigned)r->tile.y,
                               (unsigned)r->tile.width, (unsigned)r->tile.height)
                     : xstrdup("");
    char *alike = r->collapsed > 0 ? xprintf(" (+%zu alike)", r->collapsed) : xstrdup("");
    char *remark = xprintf("%s%s%s%s", alike, copies, tile, r->offline ? " (offline)" : "");
    free(alike);
    free(copies);
    free(tile);
    return remark;
}

static void add_row(table *t, const output_list *list, size_t i) {
    const glimpse_result *r = list->results[i];
    char *remark = remark_of(r);
    table_add_row(t, r->path, remark);
    free(remark);
    for (size_t c = 0; c < COLUMNS; c++) {
        const result_column *at = &columns[c];
        for (size_t n = 0; at->cell && n < count_of(at, list); n++)
            table_add_cell(t, at->cell(list, i, n));
    }
    if (list->captions && r->caption) table_add_line(t, r->caption);
    if (list->seconds && list->seconds[i].reason) table_add_line(t, list->seconds[i].reason);
}

typedef struct previews {
    const output_list *list;
    preview_protocol protocol;
} previews;

static void print_preview(void *user, size_t i) {
    const previews *p = user;
    tool_flush();
    if (preview_print(p->protocol, p->list->results[i]->path) < 0) {
        tool_note("%s", glimpse_last_error());
    }
}

void output_table(const output_list *list, preview_protocol preview) {
    previews user = {list, preview};
    table *t = table_create();
    add_columns(t, list);
    for (size_t i = 0; i < list->count; i++)
        add_row(t, list, i);
    table_print(t, preview != PREVIEW_NONE ? print_preview : NULL, &user);
    table_free(t);
}
