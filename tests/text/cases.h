/*
 * cases.h - opening tokenizers, and reading their cases: tab-separated lines of hexadecimal text
 * and ids.
 */
#ifndef GLIMPSE_TESTS_TEXT_CASES_H
#define GLIMPSE_TESTS_TEXT_CASES_H

#include "support/test.h"

#include <glimpse/sys/tokenizer.h>

enum { CASE_IDS = 4096 };

static inline glimpse_tokenizer *open_or_fail(const char *path, glimpse_tokenizer_kind kind) {
    glimpse_tokenizer *tokenizer = NULL;
    assert_ok(glimpse_tokenizer_load(&tokenizer, path, kind));
    return tokenizer;
}

/* Cuts `line` at its tabs, in place; returns the number of fields, at most `limit`. */
static inline size_t split_fields(char *line, char **fields, size_t limit) {
    size_t count = 0;
    for (char *at = line; count < limit; at++) {
        fields[count++] = at;
        at += strcspn(at, "\t");
        if (*at == '\0') break;
        *at = '\0';
    }
    return count;
}

/* Bytes of a string of hexadecimal digits, in place; "-" is empty. Returns their number. */
static inline size_t unhex(char *text) {
    size_t length = 0;
    if (strcmp(text, "-") == 0) text[0] = '\0';
    for (const char *at = text; at[0] && at[1]; at += 2) {
        char pair[3] = {at[0], at[1], '\0'};
        text[length++] = (char)strtol(pair, NULL, 16);
    }
    return length;
}

static inline size_t parse_ids(int32_t *ids, const char *text) {
    size_t count = 0;
    for (char *end; *text; text = end) {
        long id = strtol(text, &end, 10);
        if (end == text) break;
        assert_true(count < CASE_IDS);
        ids[count++] = (int32_t)id;
    }
    return count;
}

/* The next line of a NUL-terminated buffer without its newline; NULL at the end. */
static inline char *next_line(char **at) {
    char *line = *at;
    if (!*line) return NULL;
    char *end = line + strcspn(line, "\n");
    *at = *end ? end + 1 : end;
    *end = '\0';
    return line;
}

#endif
