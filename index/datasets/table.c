/*
 * table_in.c - see table_in.h.
 *
 * The text is taken apart in place: a cell is always at least as long as what it means, so
 * unquoting moves bytes to the front and ends them with NUL.
 */
#include "table_in.h"

#include "tool.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_COLUMNS = 4096 };
static const size_t MOST_BYTES = (size_t)1 << 30;

char *text_file_read(const char *file, size_t *size) {
    int standard = strcmp(file, "-") == 0;
    FILE *from = standard ? stdin : fopen(file, "rb");
    if (!from) {
        (void)tool_fail("%s: %s", file, strerror(errno));
        return NULL;
    }
    size_t used = 0, room = 1 << 16;
    char *text = xmalloc(room + 1);
    errno = 0;
    for (size_t got; (got = fread(text + used, 1, room - used, from)) > 0;) {
        used += got;
        if (used > MOST_BYTES) break;
        if (used == room) text = xrealloc(text, (room *= 2) + 1);
    }
    int bad = ferror(from), error = errno;
    if (!standard) (void)fclose(from);
    if (bad || used > MOST_BYTES) {
        (void)tool_fail("%s: %s", file, bad ? strerror(error) : "larger than 1 GiB");
        free(text);
        return NULL;
    }
    text[used] = '\0';
    if (size) *size = used;
    return text;
}

typedef struct reader {
    char *at, *end;
    char separator;
    int quotes; /* quoting is known */
    size_t line;
    const char *file;
} reader;

typedef struct row {
    const char **cells;
    size_t count, room;
} table_row;

static void add_cell(table_row *r, const char *cell) {
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 16;
        r->cells = xrealloc(r->cells, r->room * sizeof *r->cells);
    }
    r->cells[r->count++] = cell;
}

/* One cell; *ended is set when it was the last of its row. NULL after saying what is wrong. */
static const char *read_cell(reader *r, int *ended) {
    char *start = r->at, *to = start;
    int quoted = r->quotes && r->at < r->end && *r->at == '"';
    size_t first = r->line;
    if (quoted) {
        for (r->at++;; r->at++) {
            if (r->at >= r->end) {
                (void)tool_fail("%s, line %zu: a quote is never closed", r->file, first);
                return NULL;
            }
            if (*r->at == '"' && (r->at + 1 >= r->end || r->at[1] != '"')) break;
            if (*r->at == '"') r->at++;
            if (*r->at == '\n') r->line++;
            *to++ = *r->at;
        }
        r->at++; /* the closing quote; what stands between it and the separator is an error */
        if (r->at < r->end && *r->at != r->separator && *r->at != '\n' && *r->at != '\r') {
            (void)tool_fail("%s, line %zu: text behind a closing quote", r->file, r->line);
            return NULL;
        }
    } else {
        while (r->at < r->end && *r->at != r->separator && *r->at != '\n')
            r->at++;
        to = r->at;
    }
    char *stop = r->at;
    *ended = 1;
    if (quoted && stop < r->end && *stop == '\r') r->at = ++stop;
    if (stop < r->end) {
        if (*stop != '\n' && *stop != r->separator) {
            (void)tool_fail("%s, line %zu: a stray carriage return", r->file, r->line);
            return NULL;
        }
        *ended = *stop == '\n';
        r->line += *stop == '\n';
        r->at = stop + 1;
    }
    if (!quoted && *ended && to > start && to[-1] == '\r') to--;
    *to = '\0';
    return start;
}

/* 1: a row, 0: the end, -1: wrong. */
static int read_row(reader *r, table_row *out, size_t *line) {
    out->count = 0;
    while (r->at < r->end &&
           (*r->at == '\n' || (*r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n'))) {
        r->line += *r->at == '\n';
        r->at++;
    }
    if (r->at >= r->end) return 0;
    *line = r->line;
    for (int ended = 0; !ended;) {
        const char *cell = read_cell(r, &ended);
        if (!cell) return -1;
        add_cell(out, cell);
        if (out->count > MOST_COLUMNS) {
            (void)tool_fail("%s, line %zu: more than %d columns", r->file, *line, MOST_COLUMNS);
            return -1;
        }
    }
    return 1;
}

static int is_tsv(const char *file, const char *text) {
    const char *dot = strrchr(file, '.');
    if (dot && strcasecmp(dot, ".tsv") == 0) return 1;
    if (dot && strcasecmp(dot, ".csv") == 0) return 0;
    size_t line = strcspn(text, "\n");
    return memchr(text, '\t', line) != NULL && memchr(text, ',', line) == NULL;
}

table_in *table_in_read(const char *file) {
    size_t size = 0, line = 1, room = 0;
    char *text = text_file_read(file, &size);
    if (!text) return NULL;
    table_in *t = xcalloc(1, sizeof *t);
    table_row cells = {0};
    t->file = file;
    t->text = text;
    int found = 0;
    if (memchr(text, '\0', size)) {
        (void)tool_fail("%s: not a text file", file);
        goto failed;
    }
    int tabs = is_tsv(file, text);
    reader r = {text, text + size, tabs ? '\t' : ',', !tabs, 1, file};
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) r.at += 3;
    found = read_row(&r, &cells, &line);
    if (found < 0) goto failed;
    if (found == 0) {
        (void)tool_fail("%s: the file is empty; its first row has to name the columns", file);
        goto failed;
    }
    t->column_count = cells.count;
    t->header = cells.cells;
    cells = (table_row){0};
    while ((found = read_row(&r, &cells, &line)) > 0) {
        if (cells.count > t->column_count) {
            (void)tool_fail("%s, line %zu: %zu fields, but the header has %zu", file, line,
                            cells.count, t->column_count);
            goto failed;
        }
        if (t->row_count == room) {
            room = room ? 2 * room : 256;
            t->cells = xrealloc(t->cells, room * t->column_count * sizeof *t->cells);
            t->lines = xrealloc(t->lines, room * sizeof *t->lines);
        }
        for (size_t i = 0; i < t->column_count; i++)
            t->cells[t->row_count * t->column_count + i] = i < cells.count ? cells.cells[i] : "";
        t->lines[t->row_count++] = line;
    }
    if (found < 0) goto failed;
    free(cells.cells);
    return t;
failed:
    free(cells.cells);
    table_in_free(t);
    return NULL;
}

void table_in_free(table_in *t) {
    if (!t) return;
    free(t->text);
    free(t->header);
    free(t->cells);
    free(t->lines);
    free(t);
}

int table_in_column(const table_in *t, const char *names) {
    for (const char *name = names; *name;) {
        size_t length = strcspn(name, "|");
        for (size_t i = 0; i < t->column_count; i++) {
            if (strlen(t->header[i]) == length && strncasecmp(t->header[i], name, length) == 0)
                return (int)i;
        }
        name += length;
        if (*name) name++;
    }
    return -1;
}

const char *table_in_cell(const table_in *t, size_t row, int column) {
    return column < 0 ? "" : t->cells[row * t->column_count + (size_t)column];
}
