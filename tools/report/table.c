/*
 * table.c - prints tables of files.
 */
#include "table.h"

#include "display.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BETWEEN = 2, PATH_INDENT = 2, LINE_INDENT = 8, MIN_TEXT = 20 };

typedef struct column {
    char *title;
    table_kind kind;
    size_t min_width;
    terminal_style style;
} column;

typedef struct row {
    char *path, *shown, *remark;
    char **cells; /* [columns]; that of the path is NULL */
    size_t cell_count;
    char **lines;
    size_t line_count;
} row;

struct table {
    column *columns;
    size_t column_count;
    row *rows;
    size_t row_count, capacity;
};

table *table_create(void) {
    return xcalloc(1, sizeof(table));
}

void table_add_column(table *t, const char *title, table_kind kind, size_t min_width,
                      terminal_style style) {
    t->columns = xrealloc(t->columns, (t->column_count + 1) * sizeof *t->columns);
    t->columns[t->column_count++] = (column){xstrdup(title), kind, min_width, style};
}

static char *shown_path(const char *path) {
    char *storage = NULL, *shown = text_display(text_near_path(path, &storage));
    free(storage);
    return shown;
}

void table_add_row(table *t, const char *path, const char *remark) {
    if (t->row_count == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 32;
        t->rows = xrealloc(t->rows, t->capacity * sizeof *t->rows);
    }
    t->rows[t->row_count++] = (row){.path = xstrdup(path),
                                    .shown = shown_path(path),
                                    .remark = xstrdup(remark),
                                    .cells = xcalloc(t->column_count, sizeof(char *))};
}

void table_add_cell(table *t, char *text) {
    row *r = &t->rows[t->row_count - 1];
    if (r->cell_count < t->column_count && t->columns[r->cell_count].kind == TABLE_PATH) {
        r->cell_count++;
    }
    if (r->cell_count == t->column_count) {
        free(text);
        return;
    }
    r->cells[r->cell_count++] = text ? text : xstrdup("-");
}

void table_add_line(table *t, const char *text) {
    row *r = &t->rows[t->row_count - 1];
    r->lines = xrealloc(r->lines, (r->line_count + 1) * sizeof *r->lines);
    r->lines[r->line_count++] = text_display(text);
}

void table_free(table *t) {
    if (!t) return;
    for (size_t i = 0; i < t->row_count; i++) {
        row *r = &t->rows[i];
        for (size_t c = 0; c < t->column_count; c++)
            free(r->cells[c]);
        for (size_t k = 0; k < r->line_count; k++)
            free(r->lines[k]);
        free(r->cells);
        free(r->lines);
        free(r->path);
        free(r->shown);
        free(r->remark);
    }
    for (size_t c = 0; c < t->column_count; c++)
        free(t->columns[c].title);
    free(t->columns);
    free(t->rows);
    free(t);
}

/*
 * Printing.
 */
typedef struct layout {
    size_t *widths;   /* [columns] */
    size_t available; /* columns of the terminal, 0: no limit */
    int stacked;      /* paths on lines of their own */
} layout;

static const char *cell_text(const row *r, size_t c) {
    return r->cells[c] ? r->cells[c] : "";
}

static layout plan(const table *t) {
    layout l = {.widths = xcalloc(t->column_count, sizeof *l.widths),
                .available = text_terminal_columns(STDOUT_FILENO)};
    size_t all = 0;
    for (size_t c = 0; c < t->column_count; c++) {
        size_t widest = text_width(t->columns[c].title);
        if (widest < t->columns[c].min_width) widest = t->columns[c].min_width;
        for (size_t i = 0; i < t->row_count; i++) {
            const row *r = &t->rows[i];
            size_t width = t->columns[c].kind == TABLE_PATH
                               ? text_width(r->shown) + text_width(r->remark)
                               : text_width(cell_text(r, c));
            if (width > widest) widest = width;
        }
        l.widths[c] = widest;
        all += widest + (c > 0 ? BETWEEN : 0);
    }
    l.stacked = l.available > 0 && all > l.available;
    return l;
}

static void print_styled(const char *text, terminal_style style) {
    (void)printf("%s%s%s", terminal_begin(style), text, terminal_end(style));
}

static void print_spaces(size_t count) {
    (void)printf("%*s", (int)count, "");
}

static void print_cell(const char *text, const column *c, size_t width, int last) {
    size_t used = text_width(text), spare = used < width ? width - used : 0;
    if (c->kind == TABLE_RIGHT) print_spaces(spare);
    print_styled(text, strcmp(text, "-") == 0 ? TERMINAL_PLAIN : c->style);
    if (c->kind != TABLE_RIGHT && !last) print_spaces(spare);
}

/* The file's name is what people look for. */
static void print_shown(const char *path, const char *shown, terminal_style style) {
    const char *slash = strrchr(shown, '/'), *name = slash ? slash + 1 : shown;
    char *styled = xprintf("%.*s%s%s%s", (int)(name - shown), shown, terminal_begin(style), name,
                           terminal_end(style));
    terminal_print_link(path, styled);
    free(styled);
}

void table_print_path(const char *path, terminal_style style) {
    char *shown = shown_path(path);
    print_shown(path, shown, style);
    free(shown);
}

/* One line, or when stacked as many as it takes; `r` is NULL for the titles. */
static void print_row(const table *t, const layout *l, const row *r) {
    size_t used = 0;
    for (size_t c = 0; c < t->column_count; c++) {
        const column *at = &t->columns[c];
        const int last = c + 1 == t->column_count, is_path = at->kind == TABLE_PATH;
        if (is_path && l->stacked) continue;
        if (used > 0 && l->stacked && used + BETWEEN + l->widths[c] > l->available) {
            (void)putchar('\n');
            used = 0;
        }
        if (used > 0) print_spaces(BETWEEN);
        used += (used > 0 ? BETWEEN : 0) + l->widths[c];
        if (!r) {
            column title = *at;
            title.style = TERMINAL_FAINT;
            print_cell(at->title, &title, l->widths[c], last);
        } else if (is_path) {
            size_t width = text_width(r->shown) + text_width(r->remark);
            print_shown(r->path, r->shown, at->style);
            (void)fputs(r->remark, stdout);
            if (!last) print_spaces(l->widths[c] - width);
        } else {
            print_cell(cell_text(r, c), at, l->widths[c], last);
        }
    }
    (void)putchar('\n');
    if (!l->stacked || !r) return;
    size_t width = text_width(r->shown);
    if (width + PATH_INDENT <= l->available) {
        print_spaces(PATH_INDENT);
        width += PATH_INDENT;
    }
    print_shown(r->path, r->shown, TERMINAL_STRONG);
    if (width <= l->available && width + text_width(r->remark) > l->available) {
        (void)putchar('\n');
        print_spaces(PATH_INDENT + 1);
    }
    (void)printf("%s\n", r->remark);
}

/* How many bytes of `text` are printed on a line of `width` columns: up to a space where there is
 * one, at least one character. */
static size_t line_bytes(const char *text, size_t width) {
    const char *s = text, *before = text, *end = NULL;
    for (;;) {
        before = s;
        if (!*s) return (size_t)(s - text);
        if (*s == ' ') end = s;
        uint32_t c = glimpse_text_next(&s);
        if (c == 0) return (size_t)(before - text);
        char one[8] = "";
        memcpy(one, before, (size_t)(s - before));
        size_t columns = text_width(one);
        if (columns > width && before > text) {
            return end && end > text ? (size_t)(end - text) : (size_t)(before - text);
        }
        width = columns < width ? width - columns : 0;
    }
}

void table_print_line(const char *text, terminal_style style) {
    const size_t available = text_terminal_columns(STDOUT_FILENO);
    size_t width = available > LINE_INDENT + MIN_TEXT ? available - LINE_INDENT : MIN_TEXT;
    do {
        size_t length = available > 0 ? line_bytes(text, width) : strlen(text);
        char *part = xprintf("%.*s", (int)length, text);
        print_spaces(LINE_INDENT);
        print_styled(part, style);
        (void)putchar('\n');
        free(part);
        text += length;
        while (*text == ' ')
            text++;
    } while (*text);
}

int table_fits(size_t columns) {
    const size_t available = text_terminal_columns(STDOUT_FILENO);
    return available == 0 || columns <= available;
}

void table_print(const table *t, void (*after)(void *user, size_t row), void *user) {
    if (t->row_count == 0) return;
    layout l = plan(t);
    print_row(t, &l, NULL);
    for (size_t i = 0; i < t->row_count; i++) {
        print_row(t, &l, &t->rows[i]);
        for (size_t k = 0; k < t->rows[i].line_count; k++)
            table_print_line(t->rows[i].lines[k], TERMINAL_FAINT);
        if (after) after(user, i);
    }
    free(l.widths);
}
