/*
 * classes_load.c - class lists from files: lines, TSV and (classes_json.c) JSON; lists with commas.
 */
#include "label_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "core/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_FILE_BYTES = 64 << 20, MAX_COLUMNS = 32, MAX_VALUES = 1024 };

/*
 * TSV.
 */
enum {
    COLUMN_NAME,
    COLUMN_ID,
    COLUMN_SYNONYMS,
    COLUMN_DESCRIPTION,
    COLUMN_PROMPTS,
    COLUMN_THRESHOLD,
    COLUMN_COUNT
};
static const char *const column_names[COLUMN_COUNT] = {"name",        "id",      "synonyms",
                                                       "description", "prompts", "threshold"};

static char *trim(char *text) {
    while (*text == ' ' || *text == '\r')
        text++;
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\r'))
        text[--length] = '\0';
    return text;
}

/* Cuts `text` at each `separator`; at most `room` parts, or -1. Empty ones only when `empty`. */
static int cut(char *text, char separator, int empty, const char **parts, int capacity) {
    int count = 0;
    for (char *next = text; next;) {
        char *start = next;
        next = strchr(start, separator);
        if (next) *next++ = '\0';
        start = trim(start);
        if (!*start && !empty) continue;
        if (count == capacity) return -1;
        parts[count++] = start;
    }
    return count;
}

static int read_header(char *line, int *columns, int *count, const char *where) {
    const char *parts[MAX_COLUMNS];
    int seen = 0;
    *count = cut(line, '\t', 1, parts, MAX_COLUMNS);
    if (*count < 0) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: too many columns", where);
    for (int i = 0; i < *count; i++) {
        int k = 0;
        while (k < COLUMN_COUNT && strcasecmp(parts[i], column_names[k]) != 0)
            k++;
        if (k == COLUMN_COUNT) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: there is no column \"%.40s\"; the header has name and, as "
                                "needed, id, synonyms, description, prompts, threshold",
                                where, parts[i]);
        }
        if (seen & (1 << k)) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the column %s is there twice", where,
                                column_names[k]);
        }
        seen |= 1 << k;
        columns[i] = k;
    }
    if (!(seen & 1)) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: no column \"name\"", where);
    return GLIMPSE_OK;
}

static int read_row(glimpse_classes *classes, char *line, const int *columns, int column_count,
                    const char *where) {
    const char *parts[MAX_COLUMNS], *synonyms[MAX_VALUES], *prompts[MAX_VALUES];
    const char *of[COLUMN_COUNT] = {NULL};
    int count = cut(line, '\t', 1, parts, MAX_COLUMNS);
    if (count < 0 || count > column_count) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: more columns than the header has", where);
    }
    for (int i = 0; i < count; i++)
        of[columns[i]] = parts[i];
    glimpse_class_draft draft = {
        of[COLUMN_ID], of[COLUMN_NAME], of[COLUMN_DESCRIPTION], synonyms, 0, prompts, 0, -1};
    int n = of[COLUMN_SYNONYMS]
                ? cut((char *)(uintptr_t)of[COLUMN_SYNONYMS], '|', 0, synonyms, MAX_VALUES)
                : 0;
    int p = of[COLUMN_PROMPTS]
                ? cut((char *)(uintptr_t)of[COLUMN_PROMPTS], '|', 0, prompts, MAX_VALUES)
                : 0;
    if (n < 0 || p < 0) return glimpse_fail(GLIMPSE_E_LIMIT, "%s: too many values", where);
    draft.synonym_count = (size_t)n;
    draft.prompt_count = (size_t)p;
    if (of[COLUMN_THRESHOLD] && *of[COLUMN_THRESHOLD]) {
        char *end = NULL;
        draft.threshold = strtod(of[COLUMN_THRESHOLD], &end);
        if (*end || !isfinite(draft.threshold) || draft.threshold < 0) draft.threshold = NAN;
    }
    return glimpse_classes_add(classes, &draft, where);
}

static int read_tsv(glimpse_classes *classes, char *text, const char *path) {
    int columns[MAX_COLUMNS], column_count = 0, status = GLIMPSE_OK;
    size_t number = 0;
    for (char *next = text; next && status == GLIMPSE_OK;) {
        char *line = next, where[512];
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        number++;
        (void)snprintf(where, sizeof where, "%s, line %zu", path, number);
        if (line[0] == '#' || line[strspn(line, " \t\r")] == '\0') continue;
        status = column_count == 0 ? read_header(line, columns, &column_count, where)
                                   : read_row(classes, line, columns, column_count, where);
    }
    return status;
}

/*
 * Reading.
 */
static int ends_with(const char *path, const char *ending) {
    size_t length = strlen(path), n = strlen(ending);
    return length >= n && strcasecmp(path + length - n, ending) == 0;
}

static int read_file(glimpse_classes *classes, const char *path) {
    void *data = NULL;
    size_t size = 0;
    int status = glimpse_file_read(&data, &size, path, MAX_FILE_BYTES);
    if (status < 0) return status;
    char *text = data;
    if (memchr(text, '\0', size) || !glimpse_utf8_is_valid(text, size)) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: not UTF-8 text", path);
    } else {
        size_t skip = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        status = ends_with(path, ".json")
                     ? glimpse_classes_read_json(classes, text + skip, size - skip, path)
                     : read_tsv(classes, text + skip, path);
    }
    free(data);
    return status;
}

static int add_lines(glimpse_classes *classes, const glimpse_lines *lines, const char *name) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < glimpse_lines_count(lines) && status == GLIMPSE_OK; i++) {
        glimpse_class_draft draft = {.name = glimpse_lines_texts(lines)[i], .threshold = -1};
        status = glimpse_classes_add(classes, &draft, name);
    }
    return status;
}

int glimpse_classes_load(glimpse_classes **out, const char *path) {
    glimpse_classes *classes = NULL;
    glimpse_lines *lines = NULL;
    if (out) *out = NULL;
    if (!out || !path) return glimpse_fail_null(__func__);
    int status = glimpse_classes_start(out, &classes);
    if (status < 0) return status;
    if (ends_with(path, ".tsv") || ends_with(path, ".json")) {
        status = read_file(classes, path);
    } else {
        status = glimpse_lines_load(&lines, path);
        if (status == GLIMPSE_OK) status = add_lines(classes, lines, path);
        glimpse_lines_free(lines);
    }
    return glimpse_classes_hand_over(out, classes, path, status);
}

int glimpse_classes_split(glimpse_classes **out, const char *text) {
    glimpse_classes *classes = NULL;
    glimpse_lines *lines = NULL;
    if (out) *out = NULL;
    if (!out || !text) return glimpse_fail_null(__func__);
    int status = glimpse_classes_start(out, &classes);
    if (status < 0) return status;
    status = glimpse_lines_split(&lines, text, ',');
    if (status == GLIMPSE_OK) status = add_lines(classes, lines, "list");
    glimpse_lines_free(lines);
    return glimpse_classes_hand_over(out, classes, "list", status);
}
