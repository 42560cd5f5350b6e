/*
 * table.c - CSV and TSV files that came from outside, and whole text files.
 *
 * The text is taken apart in place: a cell is always at least as long as what it means, so
 * unquoting moves bytes to the front and ends them with NUL.
 */
#include "table.h"

#include "core/error.h"
#include "dataset_text.h"

#include <glimpse/datasets.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_COLUMNS = 4096 };
static const size_t MAX_BYTES = (size_t)1 << 30;

struct glimpse_table {
    char *text; /* what the cells point into */
    const char **header;
    size_t column_count;
    const char **cells; /* [row_count][column_count] */
    size_t *lines;      /* [row_count] */
    size_t row_count;
};

int glimpse_text_file_read(char **out, size_t *size, const char *path) {
    int standard = strcmp(path, "-") == 0;
    FILE *from = standard ? stdin : fopen(path, "rb");
    *out = NULL;
    if (!from) return glimpse_fail_errno("%s", path);
    size_t used = 0, capacity = 1 << 16;
    char *text = malloc(capacity + 1);
    int status = GLIMPSE_OK;
    errno = 0;
    while (text) {
        size_t got = fread(text + used, 1, capacity - used, from);
        used += got;
        if (got == 0 || used > MAX_BYTES) break;
        if (used < capacity) continue;
        char *grown = realloc(text, (capacity *= 2) + 1);
        if (!grown) free(text);
        text = grown;
    }
    if (!text) {
        status = glimpse_fail_nomem(capacity, path);
    } else if (ferror(from)) {
        status = glimpse_fail_errno("%s", path);
    } else if (used > MAX_BYTES) {
        status = glimpse_fail(GLIMPSE_E_LIMIT, "%s: larger than 1 GiB", path);
    }
    if (!standard) (void)fclose(from);
    if (status < 0) {
        free(text);
        return status;
    }
    text[used] = '\0';
    if (size) *size = used;
    *out = text;
    return GLIMPSE_OK;
}

/* What is left to read. */
typedef struct reader {
    char *at, *end;
    char separator;
    int quotes; /* quoting is known */
    size_t line;
    const char *path;
} reader;

typedef struct table_row {
    const char **cells;
    size_t count, capacity;
} table_row;

static int add_cell(table_row *r, const char *cell) {
    const char **cells = glimpse_grown(r->cells, &r->capacity, r->count, sizeof *cells);
    if (!cells) return GLIMPSE_E_NOMEM;
    r->cells = cells;
    r->cells[r->count++] = cell;
    return GLIMPSE_OK;
}

/* One cell; *ended is set when it was the last of its row. */
static int read_cell(const char **cell, reader *r, int *ended) {
    char *start = r->at, *to = start;
    int quoted = r->quotes && r->at < r->end && *r->at == '"';
    size_t first = r->line;
    if (quoted) {
        for (r->at++;; r->at++) {
            if (r->at >= r->end) {
                return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: a quote is never closed",
                                    r->path, first);
            }
            if (*r->at == '"' && (r->at + 1 >= r->end || r->at[1] != '"')) break;
            if (*r->at == '"') r->at++;
            if (*r->at == '\n') r->line++;
            *to++ = *r->at;
        }
        r->at++; /* the closing quote; what stands between it and the separator is an error */
        if (r->at < r->end && *r->at != r->separator && *r->at != '\n' && *r->at != '\r') {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: text behind a closing quote",
                                r->path, r->line);
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
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: a stray carriage return", r->path,
                                r->line);
        }
        *ended = *stop == '\n';
        r->line += *stop == '\n';
        r->at = stop + 1;
    }
    if (!quoted && *ended && to > start && to[-1] == '\r') to--;
    *to = '\0';
    *cell = start;
    return GLIMPSE_OK;
}

/* 1: a row, 0: the end, or a status. */
static int read_row(table_row *out, reader *r, size_t *line) {
    out->count = 0;
    while (r->at < r->end &&
           (*r->at == '\n' || (*r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n'))) {
        r->line += *r->at == '\n';
        r->at++;
    }
    if (r->at >= r->end) return 0;
    *line = r->line;
    for (int ended = 0; !ended;) {
        const char *cell = NULL;
        int status = read_cell(&cell, r, &ended);
        if (status == GLIMPSE_OK) status = add_cell(out, cell);
        if (status < 0) return status;
        if (out->count > MAX_COLUMNS) {
            return glimpse_fail(GLIMPSE_E_LIMIT, "%s, line %zu: more than %d columns", r->path,
                                *line, MAX_COLUMNS);
        }
    }
    return 1;
}

static int is_tsv(const char *path, const char *text) {
    const char *dot = strrchr(path, '.');
    if (dot && strcasecmp(dot, ".tsv") == 0) return 1;
    if (dot && strcasecmp(dot, ".csv") == 0) return 0;
    size_t line = strcspn(text, "\n");
    return memchr(text, '\t', line) != NULL && memchr(text, ',', line) == NULL;
}

/* Capacity for one more row; `capacity` counts rows. */
static int grow(glimpse_table *t, size_t *capacity) {
    if (t->row_count < *capacity) return GLIMPSE_OK;
    size_t wanted = *capacity ? 2 * *capacity : 256, row = t->column_count * sizeof *t->cells;
    const char **cells = wanted <= SIZE_MAX / row ? realloc(t->cells, wanted * row) : NULL;
    if (cells) t->cells = cells;
    size_t *lines = cells ? realloc(t->lines, wanted * sizeof *lines) : NULL;
    if (!lines) return glimpse_fail_nomem((unsigned long long)wanted * row, "a table");
    t->lines = lines;
    *capacity = wanted;
    return GLIMPSE_OK;
}

static int read_rows(glimpse_table *t, reader *r, table_row *cells) {
    size_t line = 1, capacity = 0;
    int found = read_row(cells, r, &line);
    if (found == 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: the file is empty; its first row has to name the columns",
                            r->path);
    }
    if (found < 0) return found;
    t->column_count = cells->count;
    t->header = cells->cells;
    *cells = (table_row){NULL, 0, 0};
    while ((found = read_row(cells, r, &line)) > 0) {
        if (cells->count > t->column_count) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s, line %zu: %zu fields, but the header has %zu", r->path, line,
                                cells->count, t->column_count);
        }
        int status = grow(t, &capacity);
        if (status < 0) return status;
        for (size_t i = 0; i < t->column_count; i++) {
            t->cells[t->row_count * t->column_count + i] = i < cells->count ? cells->cells[i] : "";
        }
        t->lines[t->row_count++] = line;
    }
    return found;
}

int glimpse_table_load(glimpse_table **out, const char *path) {
    size_t size = 0;
    table_row cells = {NULL, 0, 0};
    if (out) *out = NULL;
    if (!out || !path) return glimpse_fail_null(__func__);
    glimpse_table *t = glimpse_zeroed(1, sizeof *t);
    if (!t) return GLIMPSE_E_NOMEM;
    int status = glimpse_text_file_read(&t->text, &size, path);
    if (status == GLIMPSE_OK && memchr(t->text, '\0', size)) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: not a text file", path);
    }
    if (status == GLIMPSE_OK) {
        int tabs = is_tsv(path, t->text);
        reader r = {t->text, t->text + size, tabs ? '\t' : ',', !tabs, 1, path};
        if (size >= 3 && memcmp(t->text, "\xEF\xBB\xBF", 3) == 0) r.at += 3;
        status = read_rows(t, &r, &cells);
    }
    free(cells.cells);
    if (status < 0) {
        glimpse_table_free(t);
        return status;
    }
    *out = t;
    return GLIMPSE_OK;
}

void glimpse_table_free(glimpse_table *t) {
    if (!t) return;
    free(t->text);
    free(t->header);
    free(t->cells);
    free(t->lines);
    free(t);
}

size_t glimpse_table_rows(const glimpse_table *t) {
    return t->row_count;
}

size_t glimpse_table_columns(const glimpse_table *t) {
    return t->column_count;
}

size_t glimpse_table_line(const glimpse_table *t, size_t row) {
    return t->lines[row];
}

int glimpse_table_column(const glimpse_table *t, const char *names) {
    for (const char *name = t && names ? names : ""; *name;) {
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

const char *glimpse_table_cell(const glimpse_table *t, size_t row, int column) {
    return column < 0 ? "" : t->cells[row * t->column_count + (size_t)column];
}
