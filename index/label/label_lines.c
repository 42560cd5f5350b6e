/*
 * label_lines.c - text files of one item a line, and lists in one string.
 */
#include "core/error.h"
#include "core/file.h"
#include "core/utf8.h"

#include <glimpse/label.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LIST_BYTES = 64 << 20 /* a class list or template file */ };

struct glimpse_lines {
    char *text;         /* what the items point into */
    const char **items; /* [count] */
    size_t count;
};

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

/* Takes over `text` (NUL-terminated, `size` bytes before that), also when it fails. */
static int split(glimpse_lines **out, char *text, size_t size, char separator, const char *name) {
    int status = GLIMPSE_OK;
    size_t items = 1, line_number = 1;
    glimpse_lines *lines = calloc(1, sizeof *lines);
    if (!lines) {
        free(text);
        return glimpse_fail_nomem(sizeof *lines, "a list");
    }
    lines->text = text;
    for (size_t i = 0; i < size; i++)
        items += text[i] == separator;
    lines->items = calloc(items, sizeof *lines->items);
    if (!lines->items) {
        status = glimpse_fail_nomem(items * sizeof *lines->items, "a list");
        goto done;
    }
    size_t at = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (; at <= size; line_number++) {
        char *end = memchr(text + at, separator, size - at);
        size_t next = (end ? (size_t)(end - text) : size), start = at, stop = next;
        if (!glimpse_utf8_is_valid(text + at, next - at) || memchr(text + at, '\0', next - at)) {
            status = glimpse_fail(GLIMPSE_E_FORMAT, "%s, %s %zu: not UTF-8 text", name,
                                  separator == '\n' ? "line" : "item", line_number);
            goto done;
        }
        while (start < stop && is_blank(text[start]))
            start++;
        while (stop > start && is_blank(text[stop - 1]))
            stop--;
        if (stop > start && text[start] != '#') {
            text[stop] = '\0';
            lines->items[lines->count++] = text + start;
        }
        at = next + 1;
    }
    if (lines->count == 0) status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: the list is empty", name);
done:
    if (status < 0) {
        glimpse_lines_free(lines);
        return status;
    }
    *out = lines;
    return GLIMPSE_OK;
}

int glimpse_lines_load(glimpse_lines **out, const char *path) {
    void *text = NULL;
    size_t size = 0;
    if (out) *out = NULL;
    if (!out || !path) return glimpse_fail_null(__func__);
    int status = glimpse_file_read(&text, &size, path, MAX_LIST_BYTES);
    if (status < 0) return status;
    return split(out, text, size, '\n', path);
}

int glimpse_lines_split(glimpse_lines **out, const char *text, char separator) {
    if (out) *out = NULL;
    if (!out || !text) return glimpse_fail_null(__func__);
    char *copy = strdup(text);
    if (!copy) return glimpse_fail_nomem(strlen(text) + 1, "a list");
    return split(out, copy, strlen(copy), separator, "list");
}

size_t glimpse_lines_count(const glimpse_lines *lines) {
    return lines ? lines->count : 0;
}

const char *const *glimpse_lines_texts(const glimpse_lines *lines) {
    return lines ? lines->items : NULL;
}

void glimpse_lines_free(glimpse_lines *lines) {
    if (!lines) return;
    free(lines->text);
    free(lines->items);
    free(lines);
}
