/*
 * query_file.c - queries and the pictures that they should find, a line each.
 */
#include "core/error.h"
#include "dataset_text.h"
#include "table.h"

#include <glimpse/datasets.h>

#include <stdlib.h>
#include <string.h>

typedef struct held {
    glimpse_query_file shown; /* first: the public pointer is this one */
    glimpse_query_line *lines;
    size_t capacity;
    char *path, *directory;
} held;

static int is_id(const char *text) {
    return strlen(text) == 32 && text[strspn(text, "0123456789abcdef")] == '\0';
}

/* The fields behind the first one. */
static int add_truth(const held *h, glimpse_query_line *line, char *fields) {
    size_t count = 1;
    for (const char *p = fields; (p = strchr(p, '\t')); p++)
        count++;
    char **truth = glimpse_zeroed(count, sizeof *truth);
    if (!truth) return GLIMPSE_E_NOMEM;
    line->truth = (const char *const *)truth;
    for (char *next = fields; next;) {
        char *field = next, *tab = strchr(field, '\t');
        next = tab ? tab + 1 : NULL;
        if (tab) *tab = '\0';
        if (!*field) continue; /* tabs at the end, or several between two */
        char *copy = field[0] == '/' || is_id(field)
                         ? glimpse_copied(field)
                         : glimpse_formatted("%s/%s", h->directory, field);
        if (!copy) return GLIMPSE_E_NOMEM;
        truth[line->truth_count++] = copy;
    }
    return GLIMPSE_OK;
}

static int add_line(held *h, char *text, size_t number) {
    if (text[strspn(text, " \t")] == '\0' || *text == '#') return GLIMPSE_OK;
    if (!glimpse_text_is_utf8(text)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: not UTF-8 text", h->path, number);
    }
    char *tab = strchr(text, '\t');
    if (tab) *tab = '\0';
    if (text[strspn(text, " ")] == '\0') {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: no query before the tab", h->path,
                            number);
    }
    glimpse_query_line *lines =
        glimpse_grown(h->lines, &h->capacity, h->shown.count, sizeof *lines);
    if (!lines) return GLIMPSE_E_NOMEM;
    h->lines = lines;
    glimpse_query_line *line = &lines[h->shown.count++];
    *line = (glimpse_query_line){.text = glimpse_copied(text), .line = number};
    if (!line->text) return GLIMPSE_E_NOMEM;
    return tab ? add_truth(h, line, tab + 1) : GLIMPSE_OK;
}

static int read_lines(held *h, char *text, size_t size) {
    int status = GLIMPSE_OK;
    size_t number = 0;
    if (memchr(text, '\0', size)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: not a text file (it has NUL bytes)", h->path);
    }
    char *next = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    while (next && status == GLIMPSE_OK) {
        char *line = next, *end = strchr(line, '\n');
        next = end ? end + 1 : NULL;
        if (end) *end = '\0';
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r') line[length - 1] = '\0';
        status = add_line(h, line, ++number);
    }
    if (status == GLIMPSE_OK && h->shown.count == 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: no query in it", h->path);
    }
    return status;
}

int glimpse_query_file_load(glimpse_query_file **out, const char *path) {
    char *text = NULL;
    size_t size = 0;
    if (out) *out = NULL;
    if (!out || !path) return glimpse_fail_null(__func__);
    held *h = glimpse_zeroed(1, sizeof *h);
    if (!h) return GLIMPSE_E_NOMEM;
    const char *slash = strrchr(path, '/');
    h->path = glimpse_copied(path);
    h->directory = slash ? glimpse_formatted("%.*s", slash == path ? 1 : (int)(slash - path), path)
                         : glimpse_copied(".");
    int status = h->path && h->directory ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) status = glimpse_text_file_read(&text, &size, path);
    if (status == GLIMPSE_OK) status = read_lines(h, text, size);
    free(text);
    h->shown.path = h->path;
    h->shown.queries = h->lines;
    if (status < 0) {
        glimpse_query_file_free(&h->shown);
        return status;
    }
    *out = &h->shown;
    return GLIMPSE_OK;
}

void glimpse_query_file_free(glimpse_query_file *file) {
    held *h = (held *)(void *)file;
    if (!h) return;
    for (size_t i = 0; i < h->shown.count; i++) {
        for (size_t k = 0; k < h->lines[i].truth_count; k++)
            free((void *)(uintptr_t)h->lines[i].truth[k]);
        free((void *)(uintptr_t)h->lines[i].truth);
        free((void *)(uintptr_t)h->lines[i].text);
    }
    free(h->lines);
    free(h->path);
    free(h->directory);
    free(h);
}
