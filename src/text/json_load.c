/*
 * text/json_load.c - parses JSON on a machine that may run out of memory. Strings and punctuation
 * are those of json_scan.h; numbers, words and the tree are here.
 */
#include "text/json_load.h"

#include "core/download.h"
#include "core/error.h"
#include "text/json_scan.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 2048 /* as jansson's */ };

typedef struct parse {
    glimpse_json_scan scan;
    size_t flags;
    int no_memory;
} parse;

static json_t *load_value(parse *p, unsigned depth);

/* Each of these returns NULL after saying why. */
static json_t *invalid(parse *p, const char *what) {
    p->scan.wrong = what;
    return NULL;
}

static json_t *built(parse *p, json_t *value) {
    if (!value) p->no_memory = 1;
    return value;
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Programs choose the locale, and with it what strtod() takes for a decimal point. */
static locale_t plain_locale;
static pthread_once_t plain_locale_once = PTHREAD_ONCE_INIT;
static void make_plain_locale(void) {
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc's own: needs no memory */
}

static double to_real(const char *text) {
    (void)pthread_once(&plain_locale_once, make_plain_locale);
    return plain_locale ? strtod_l(text, NULL, plain_locale) : strtod(text, NULL);
}

/* The digits from `at`; how many. */
static size_t digits_at(const glimpse_json_scan *scan, size_t at) {
    size_t end = at;
    while (end < scan->length && is_digit(scan->text[end]))
        end++;
    return end - at;
}

static json_t *load_number(parse *p) {
    glimpse_json_scan *scan = &p->scan;
    const size_t start = scan->at;
    size_t at = start + (scan->text[start] == '-'), count = digits_at(scan, at);
    int real = 0;
    if (count == 0 || (count > 1 && scan->text[at] == '0')) return invalid(p, "not a number");
    at += count;
    if (at < scan->length && scan->text[at] == '.') {
        real = 1;
        count = digits_at(scan, at + 1);
        if (count == 0) return invalid(p, "a number without digits behind the point");
        at += 1 + count;
    }
    if (at < scan->length && (scan->text[at] == 'e' || scan->text[at] == 'E')) {
        real = 1;
        at++;
        if (at < scan->length && (scan->text[at] == '+' || scan->text[at] == '-')) at++;
        count = digits_at(scan, at);
        if (count == 0) return invalid(p, "a number without an exponent behind the e");
        at += count;
    }
    /* The text is a copy with a NUL behind it; what follows a number ends it for strtod(). */
    errno = 0;
    const char *text = scan->text + start;
    if (!real && !(p->flags & JSON_DECODE_INT_AS_REAL)) {
        long long number = strtoll(text, NULL, 10);
        if (errno == ERANGE) return invalid(p, "the number is too large");
        scan->at = at;
        return built(p, json_integer(number));
    }
    double number = to_real(text);
    if (isinf(number)) return invalid(p, "the number is too large");
    scan->at = at;
    return built(p, json_real(number));
}

int glimpse_json_number(double *out, const char *text, size_t length) {
    size_t at = length > 0 && text[0] == '-', digits = at;
    while (at < length && is_digit(text[at]))
        at++;
    if (at == digits || (at - digits > 1 && text[digits] == '0')) return 0;
    if (at < length && text[at] == '.') {
        digits = ++at;
        while (at < length && is_digit(text[at]))
            at++;
        if (at == digits) return 0;
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (at < length && (text[at] == '+' || text[at] == '-')) at++;
        digits = at;
        while (at < length && is_digit(text[at]))
            at++;
        if (at == digits) return 0;
    }
    if (at != length) return 0;
    *out = to_real(text);
    return isfinite(*out);
}

static json_t *load_word(parse *p) {
    static const char *const words[] = {"true", "false", "null"};
    glimpse_json_scan *scan = &p->scan;
    size_t length = 0;
    while (scan->at + length < scan->length) {
        char c = scan->text[scan->at + length];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) break;
        length++;
    }
    for (size_t i = 0; i < 3; i++) {
        if (strlen(words[i]) != length || memcmp(words[i], scan->text + scan->at, length) != 0)
            continue;
        scan->at += length;
        return i == 0 ? json_true() : i == 1 ? json_false() : json_null();
    }
    return invalid(p, "expected a value");
}

static json_t *load_string(parse *p) {
    char *text;
    size_t length;
    if (glimpse_json_scan_string(&p->scan, &text, &length) < 0) return NULL;
    return built(p, json_stringn_nocheck(text, length));
}

/* One member into `object`; 0 after saying why not. */
static int load_member(parse *p, json_t *object, unsigned depth) {
    char *key;
    size_t length;
    if (glimpse_json_scan_key(&p->scan, &key, &length) < 0) return 0;
    if (memchr(key, '\0', length)) {
        (void)invalid(p, "NUL in a key");
        return 0;
    }
    key[length] = '\0'; /* where the quote stood, or before it */
    if ((p->flags & JSON_REJECT_DUPLICATES) && json_object_get(object, key)) {
        (void)invalid(p, "duplicate object key");
        return 0;
    }
    json_t *value = load_value(p, depth);
    if (!value) return 0;
    if (json_object_set_new_nocheck(object, key, value) == 0) return 1;
    p->no_memory = 1;
    return 0;
}

static int load_element(parse *p, json_t *array, unsigned depth) {
    json_t *value = load_value(p, depth);
    if (!value) return 0;
    if (json_array_append_new(array, value) == 0) return 1;
    p->no_memory = 1;
    return 0;
}

static json_t *load_container(parse *p, char open, unsigned depth) {
    if (depth > MAX_DEPTH) return invalid(p, "nested too deeply");
    json_t *all = built(p, open == '{' ? json_object() : json_array());
    if (!all || glimpse_json_scan_enter(&p->scan, open) < 0) goto failed;
    for (int first = 1;; first = 0) {
        int more = glimpse_json_scan_more(&p->scan, open == '{' ? '}' : ']', first);
        if (more == 0) return all;
        if (more < 0) break;
        if (open == '{' ? !load_member(p, all, depth) : !load_element(p, all, depth)) break;
    }
failed:
    json_decref(all);
    return NULL;
}

static json_t *load_value(parse *p, unsigned depth) {
    char c = glimpse_json_scan_peek(&p->scan);
    if (c == '{' || c == '[') return load_container(p, c, depth + 1);
    if (c == '"') return load_string(p);
    if (c == '-' || is_digit(c)) return load_number(p);
    return load_word(p);
}

/* Where the text is wrong; `original`, because strings are unescaped in the copy. */
static void locate(json_error_t *error, const char *original, size_t at) {
    error->line = 1;
    for (size_t i = 0; i < at; i++) {
        error->column++;
        if (original[i] != '\n') continue;
        error->line++;
        error->column = 0;
    }
    error->position = (int)at;
}

static void describe(json_error_t *error, const char *what, enum json_error_code code) {
    (void)snprintf(error->text, sizeof error->text - 1, "%s", what);
    error->text[sizeof error->text - 1] = (char)code;
}

json_t *glimpse_json_load(const void *text, size_t size, size_t flags, json_error_t *error) {
    parse p = {.flags = flags};
    json_t *root = NULL;
    memset(error, 0, sizeof *error);
    error->line = error->column = -1;
    char *copy = malloc(size + 1);
    if (!copy) {
        describe(error, "out of memory", json_error_out_of_memory);
        return NULL;
    }
    if (size > 0) memcpy(copy, text, size);
    copy[size] = '\0';
    glimpse_json_scan_begin(&p.scan, copy, size, NULL);
    p.scan.allow_nul = (flags & JSON_ALLOW_NUL) != 0;
    char first = glimpse_json_scan_peek(&p.scan);
    if (!(flags & JSON_DECODE_ANY) && first != '{' && first != '[') {
        (void)invalid(&p, "expected an object or an array");
    } else {
        root = load_value(&p, 0);
        (void)glimpse_json_scan_peek(&p.scan); /* white space */
        if (root && p.scan.at < size) {
            json_decref(root);
            root = invalid(&p, "something behind the end");
        }
    }
    free(copy);
    if (root) return root;
    if (p.no_memory) {
        describe(error, "out of memory", json_error_out_of_memory);
    } else {
        locate(error, text, p.scan.at < size ? p.scan.at : size);
        describe(error, p.scan.wrong, json_error_invalid_syntax);
    }
    return NULL;
}

int glimpse_json_is_nomem(const json_error_t *error) {
    return json_error_code(error) == json_error_out_of_memory;
}

int glimpse_json_failed(const json_error_t *error, const char *name) {
    if (glimpse_json_is_nomem(error)) {
        return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory (reading %s)", name);
    }
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: line %d: %s", name, error->line,
                        glimpse_foreign_message(error->text, "not JSON"));
}

/*
 * Files.
 */
int glimpse_json_object_load(json_t **out, const char *path, size_t max_bytes, size_t flags) {
    void *text = NULL;
    size_t size = 0;
    *out = NULL;
    int status = glimpse_download_read(&text, &size, path, max_bytes);
    if (status < 0) return status;
    json_error_t error;
    json_t *root = glimpse_json_load(text, size, flags, &error);
    free(text);
    if (!root) return glimpse_json_failed(&error, path);
    if (!json_is_object(root)) {
        json_decref(root);
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: must hold a JSON object", path);
    }
    *out = root;
    return GLIMPSE_OK;
}

int glimpse_json_lines(const char *text, size_t size, size_t flags, const char *name,
                       glimpse_json_line_fn each, void *user) {
    size_t number = 1;
    int status = GLIMPSE_OK;
    for (const char *line = text, *end = text + size; line < end && status == GLIMPSE_OK;
         number++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((stop ? stop : end) - line);
        if (strspn(line, " \t\r\n") < length) {
            json_error_t error;
            json_t *value = glimpse_json_load(line, length, flags, &error);
            const char *wrong = value ? NULL : error.text;
            if (value) status = each(user, value, &wrong);
            if (!value && glimpse_json_is_nomem(&error)) status = glimpse_json_failed(&error, name);
            if (status == GLIMPSE_OK && wrong) {
                status = glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: %s", name, number, wrong);
            }
            json_decref(value);
        }
        line += length + 1;
    }
    return status;
}

/*
 * Back to text.
 */
typedef struct output {
    char *text; /* [length], capacity for more */
    size_t length, capacity;
} output;

static int add(const char *text, size_t size, void *to) {
    output *o = to;
    if (size >= o->capacity - o->length) {
        size_t capacity = 2 * (o->length + size) + 256;
        char *grown = realloc(o->text, capacity);
        if (!grown) return -1;
        o->text = grown;
        o->capacity = capacity;
    }
    memcpy(o->text + o->length, text, size);
    o->length += size;
    return 0;
}

char *glimpse_json_dump(const json_t *value, size_t flags) {
    output o = {NULL, 0, 0};
    if (!value || json_dump_callback(value, add, &o, flags) != 0 || add("", 1, &o) != 0) {
        free(o.text);
        return NULL;
    }
    return o.text;
}
