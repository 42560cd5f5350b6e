/*
 * text/json_scan.h - reads large JSON files: flat objects {"string": integer, ...}, and step by
 * step what tokenizer.json has besides.
 *
 * vocab.json holds 49,408 such pairs. Building a document tree of it takes jansson several times
 * as long as everything else a text query does, so this one file format has its own scanner. It is
 * strict: whatever it accepts jansson accepts too, with the same keys and values (a test compares
 * them); NUL in a key and numbers that are not integers are refused.
 *
 *     glimpse_json_scan scan;
 *     glimpse_json_scan_begin(&scan, text, length, "models/x/vocab.json");
 *     while ((more = glimpse_json_scan_next(&scan, &key, &key_length, &value)) > 0) ...
 */
#ifndef GLIMPSE_TEXT_JSON_SCAN_H
#define GLIMPSE_TEXT_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_json_scan {
    char *text;
    size_t length, at, entry; /* entries read so far */
    const char *name;         /* for messages; NULL: none are made, `wrong` says it */
    const char *wrong;        /* what a call that failed found */
    int allow_nul;            /* 1: \u0000 may be in a string */
} glimpse_json_scan;

/* `text` is borrowed and changed: keys are unescaped where they stand. `name` is for messages. */
void glimpse_json_scan_begin(glimpse_json_scan *scan, char *text, size_t length, const char *name);

/* 1 and the next pair, 0 after the last one and nothing but white space behind the object, or
 * GLIMPSE_E_FORMAT. The key is valid UTF-8, points into the text and does not end in NUL. */
int glimpse_json_scan_next(glimpse_json_scan *scan, char **key, size_t *key_length, int64_t *value);

/* Step by step: enter('{' or '['), then more() before each member or element (`first`: nothing has
 * been read of it yet) until it returns 0, which takes the closing bracket. key() takes the colon
 * too. Strings are as the keys above. All return GLIMPSE_E_FORMAT for anything unexpected. */
int glimpse_json_scan_enter(glimpse_json_scan *scan, char open);
int glimpse_json_scan_more(glimpse_json_scan *scan, char close, int first);
int glimpse_json_scan_string(glimpse_json_scan *scan, char **text, size_t *length);
int glimpse_json_scan_key(glimpse_json_scan *scan, char **text, size_t *length);
char glimpse_json_scan_peek(glimpse_json_scan *scan); /* NUL at the end */

/* Passes over one value, whatever it is, without changing it: it is [*start, scan->at) of the text.
 * Brackets and quotes are checked, nothing else. *items, which may be NULL, is an upper bound of
 * the elements or members directly inside. */
int glimpse_json_scan_skip(glimpse_json_scan *scan, size_t *start, size_t *items);

#endif
