/*
 * text/json_scan.c - reads large JSON files in one pass, without a tree of the document.
 */
#include "text/json_scan.h"

#include "core/error.h"
#include "core/hex.h"
#include "core/utf8.h"

#include <string.h>

void glimpse_json_scan_begin(glimpse_json_scan *scan, char *text, size_t length, const char *name) {
    *scan = (glimpse_json_scan){.text = text, .length = length, .name = name};
}

static int fail(glimpse_json_scan *scan, const char *what) {
    scan->wrong = what;
    if (!scan->name) return GLIMPSE_E_FORMAT;
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: entry %zu (byte %zu): %s", scan->name,
                        scan->entry + 1, scan->at, what);
}

static void skip_space(glimpse_json_scan *scan) {
    if (scan->at < scan->length && (unsigned char)scan->text[scan->at] > ' ') return;
    while (scan->at < scan->length) {
        char c = scan->text[scan->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') break;
        scan->at++;
    }
}

static int consume(glimpse_json_scan *scan, char expected) {
    skip_space(scan);
    if (scan->at >= scan->length || scan->text[scan->at] != expected) return 0;
    scan->at++;
    return 1;
}

/* The four digits at `at`, or -1. */
static int32_t four_digits(const glimpse_json_scan *scan, size_t at) {
    if (scan->length - at < 4) return -1;
    int32_t value = 0;
    for (size_t i = at; i < at + 4; i++) {
        int digit = glimpse_hex_digit(scan->text[i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Behind "\u": a scalar value, from two escapes where the first is half of a surrogate pair. */
static int unicode_escape(glimpse_json_scan *scan, char **out) {
    int32_t value = four_digits(scan, scan->at);
    if (value < 0) return fail(scan, "\\u needs four hexadecimal digits");
    scan->at += 4;
    if (value >= 0xD800 && value <= 0xDFFF) {
        int32_t low = -1;
        if (value <= 0xDBFF && scan->length - scan->at >= 6 && scan->text[scan->at] == '\\' &&
            scan->text[scan->at + 1] == 'u') {
            low = four_digits(scan, scan->at + 2);
        }
        if (low < 0xDC00 || low > 0xDFFF) return fail(scan, "half a surrogate pair");
        scan->at += 6;
        value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
    }
    if (value == 0 && !scan->allow_nul) return fail(scan, "NUL in a string");
    *out += glimpse_utf8_encode(*out, (uint32_t)value); /* at most 3 of 6 bytes, or 4 of 12 */
    return GLIMPSE_OK;
}

static int escape(glimpse_json_scan *scan, char **out) {
    if (scan->at >= scan->length) return fail(scan, "the string does not end");
    char c = scan->text[scan->at++];
    switch (c) {
    case '"':
    case '\\':
    case '/': break;
    case 'b': c = '\b'; break;
    case 'f': c = '\f'; break;
    case 'n': c = '\n'; break;
    case 'r': c = '\r'; break;
    case 't': c = '\t'; break;
    case 'u': return unicode_escape(scan, out);
    default: return fail(scan, "unknown escape in a string");
    }
    *(*out)++ = c;
    return GLIMPSE_OK;
}

/* The plain characters of a string, from `at`: all that is copied as it stands. */
static size_t plain_length(const char *text, size_t length) {
    size_t i = 0;
    while (i < length) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80) break;
        i++;
    }
    return i;
}

/* Behind the opening quote. Unescaped in place, which only ever shortens. */
static int string(glimpse_json_scan *scan, char **start, size_t *length) {
    char *out = scan->text + scan->at;
    *start = out;
    for (;;) {
        size_t plain = plain_length(scan->text + scan->at, scan->length - scan->at);
        if (out != scan->text + scan->at) memmove(out, scan->text + scan->at, plain);
        out += plain;
        scan->at += plain;
        if (scan->at >= scan->length) return fail(scan, "the string does not end");
        unsigned char c = (unsigned char)scan->text[scan->at];
        if (c == '"') break;
        if (c == '\\') {
            scan->at++;
            int status = escape(scan, &out);
            if (status < 0) return status;
        } else if (c < 0x20) {
            return fail(scan, "control character in a string");
        } else {
            uint32_t code_point;
            int valid;
            size_t bytes = glimpse_utf8_decode(&code_point, scan->text + scan->at,
                                               scan->length - scan->at, &valid);
            if (!valid) return fail(scan, "malformed UTF-8 in a string");
            memmove(out, scan->text + scan->at, bytes);
            out += bytes;
            scan->at += bytes;
        }
    }
    scan->at++;
    *length = (size_t)(out - *start);
    return GLIMPSE_OK;
}

static int integer(glimpse_json_scan *scan, int64_t *value) {
    skip_space(scan);
    int negative = scan->at < scan->length && scan->text[scan->at] == '-';
    if (negative) scan->at++;
    size_t first = scan->at;
    int64_t magnitude = 0;
    size_t at = first;
    for (; at < scan->length && scan->text[at] >= '0' && scan->text[at] <= '9'; at++) {
        if (magnitude > INT64_MAX / 10 - 1) return fail(scan, "the number is too large");
        magnitude = magnitude * 10 + (scan->text[at] - '0');
    }
    scan->at = at;
    size_t digits = at - first;
    if (digits == 0) return fail(scan, "expected an integer");
    if (digits > 1 && scan->text[first] == '0') return fail(scan, "a number with leading zeros");
    if (scan->at < scan->length) {
        char c = scan->text[scan->at];
        if (c == '.' || c == 'e' || c == 'E') return fail(scan, "expected an integer");
    }
    *value = negative ? -magnitude : magnitude;
    return GLIMPSE_OK;
}

int glimpse_json_scan_next(glimpse_json_scan *scan, char **key, size_t *key_length,
                           int64_t *value) {
    int first = scan->entry == 0;
    if (first && !consume(scan, '{')) return fail(scan, "not a JSON object");
    if (consume(scan, '}')) {
        skip_space(scan);
        return scan->at == scan->length ? 0 : fail(scan, "something behind the object");
    }
    if (!first && !consume(scan, ',')) return fail(scan, "expected , or }");
    if (!consume(scan, '"')) return fail(scan, "expected a string in quotes");
    int status = string(scan, key, key_length);
    if (status < 0) return status;
    if (!consume(scan, ':')) return fail(scan, "expected : behind the string");
    status = integer(scan, value);
    if (status < 0) return status;
    scan->entry++;
    return 1;
}

int glimpse_json_scan_enter(glimpse_json_scan *scan, char open) {
    return consume(scan, open)
               ? GLIMPSE_OK
               : fail(scan, open == '{' ? "expected an object" : "expected an array");
}

int glimpse_json_scan_more(glimpse_json_scan *scan, char close, int first) {
    if (consume(scan, close)) return 0;
    if (first || consume(scan, ',')) return 1;
    return fail(scan, close == '}' ? "expected , or }" : "expected , or ]");
}

int glimpse_json_scan_string(glimpse_json_scan *scan, char **text, size_t *length) {
    if (!consume(scan, '"')) return fail(scan, "expected a string in quotes");
    return string(scan, text, length);
}

int glimpse_json_scan_key(glimpse_json_scan *scan, char **text, size_t *length) {
    int status = glimpse_json_scan_string(scan, text, length);
    if (status < 0) return status;
    return consume(scan, ':') ? GLIMPSE_OK : fail(scan, "expected : behind the string");
}

char glimpse_json_scan_peek(glimpse_json_scan *scan) {
    skip_space(scan);
    return scan->at < scan->length ? scan->text[scan->at] : '\0';
}

int glimpse_json_scan_skip(glimpse_json_scan *scan, size_t *start, size_t *items) {
    enum { DEEPEST = 64 };
    char close[DEEPEST];
    size_t depth = 0, commas = 0;
    skip_space(scan);
    *start = scan->at;
    do {
        if (scan->at >= scan->length) return fail(scan, "the file ends inside a value");
        char c = scan->text[scan->at++];
        if (c == '"') {
            while (scan->at < scan->length && scan->text[scan->at] != '"') {
                scan->at += scan->text[scan->at] == '\\' ? 2 : 1;
            }
            if (scan->at >= scan->length) return fail(scan, "the string does not end");
            scan->at++;
        } else if (c == '{' || c == '[') {
            if (depth == DEEPEST) return fail(scan, "nested too deeply");
            close[depth++] = c == '{' ? '}' : ']';
        } else if (c == '}' || c == ']') {
            if (depth == 0 || close[depth - 1] != c) return fail(scan, "a bracket too many");
            depth--;
        } else if (c == ',') {
            commas += depth == 1;
        } else if (depth == 0) { /* a number or a word: to its end */
            while (scan->at < scan->length && !strchr(",]} \n\r\t", scan->text[scan->at])) {
                scan->at++;
            }
        }
    } while (depth > 0);
    if (items) *items = commas + 1;
    return GLIMPSE_OK;
}
