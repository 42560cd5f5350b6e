/*
 * where_parse.c - the grammar of filters (docs/filters.md), by recursive descent.
 *
 *     expression = term { "or" term }
 *     term       = factor { "and" factor }
 *     factor     = "not" factor | "(" expression ")" | condition
 *     condition  = "has" "(" field ")"
 *                | "near" "(" number "," number "," distance ")"
 *                | "near" "(" name [ "," distance ] ")"
 *                | field operator value { "," value }
 *     operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"
 *     value      = quoted | word
 *
 * Positions in messages are characters of the text, from 1.
 */
#include "where.h"

#include "core/error.h"
#include "file_paths.h"
#include "text/fold.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum token_kind {
    TOKEN_END,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_OPERATOR,
    TOKEN_WORD,
    TOKEN_QUOTED
} token_kind;

typedef struct token {
    token_kind kind;
    size_t at, length; /* in the text */
    const char *value; /* of words and of what was quoted: in `values` */
    char operator[3];
} token;

typedef struct parser {
    const char *text;
    size_t at;
    token now;
    char *values; /* unquoted, one behind the other: never longer than the text and its NULs */
    size_t values_used;
    size_t depth, conditions;
    glimpse_where *where;
} parser;

static size_t position(const parser *p, size_t at) {
    size_t characters = 1;
    for (size_t i = 0; i < at && p->text[i]; i++)
        if (((unsigned char)p->text[i] & 0xC0u) != 0x80u) characters++;
    return characters;
}

static int refuse(const parser *p, size_t at, const char *format, ...) GLIMPSE_PRINTF(3, 4);
static int refuse(const parser *p, size_t at, const char *format, ...) {
    char what[768];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return glimpse_fail(GLIMPSE_E_INVALID, "%s, character %zu: %s", glimpse_wording("where", NULL),
                        position(p, at), what);
}

/*
 * Tokens.
 */
static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static int ends_word(char c) {
    return c == '\0' || is_blank(c) || strchr("()=!<>~,'\"", c) != NULL;
}

/* Room for it is there: what is added is as long as in the text, but for a NUL where a quote or
 * what ends a word stands. */
static const char *keep_value(parser *p, const char *bytes, size_t length) {
    char *value = p->values + p->values_used;
    memcpy(value, bytes, length);
    value[length] = '\0';
    p->values_used += length + 1;
    return value;
}

/* Two quotes in one that began with such are one. */
static int read_quoted(parser *p) {
    const char quote = p->text[p->at];
    const size_t start = p->at++;
    char *to = p->values + p->values_used;
    p->now = (token){.kind = TOKEN_QUOTED, .at = start, .value = to};
    for (; p->text[p->at]; p->at++) {
        if (p->text[p->at] == quote) {
            if (p->text[p->at + 1] != quote) break;
            p->at++;
        }
        *to++ = p->text[p->at];
    }
    if (p->text[p->at] != quote) return refuse(p, start, "this quote is not closed");
    p->at++;
    *to++ = '\0';
    p->values_used = (size_t)(to - p->values);
    p->now.length = p->at - start;
    return GLIMPSE_OK;
}

static int read_operator(parser *p) {
    const char *c = p->text + p->at;
    size_t length = 1;
    p->now = (token){.kind = TOKEN_OPERATOR, .at = p->at};
    if ((*c == '<' || *c == '>' || *c == '!' || *c == '=') && c[1] == '=') length = 2;
    if (*c == '<' && c[1] == '>') length = 2;
    if (*c == '!' && length == 1) return refuse(p, p->at, "! is no operator; write != or not");
    memcpy(p->now.operator, c, length);
    if (strcmp(p->now.operator, "==") == 0) memcpy(p->now.operator, "=", 2);
    if (strcmp(p->now.operator, "<>") == 0) memcpy(p->now.operator, "!=", 3);
    p->now.length = length;
    p->at += length;
    return GLIMPSE_OK;
}

static int next(parser *p) {
    while (is_blank(p->text[p->at]))
        p->at++;
    const size_t start = p->at;
    const char c = p->text[start];
    p->now = (token){.kind = TOKEN_END, .at = start};
    if (c == '\0') return GLIMPSE_OK;
    if (c == '\'' || c == '"') return read_quoted(p);
    if (c == '(' || c == ')' || c == ',') {
        p->now.kind = c == '(' ? TOKEN_OPEN : c == ')' ? TOKEN_CLOSE : TOKEN_COMMA;
        p->now.length = 1;
        p->at++;
        return GLIMPSE_OK;
    }
    if (ends_word(c)) return read_operator(p);
    while (!ends_word(p->text[p->at]))
        p->at++;
    p->now = (token){.kind = TOKEN_WORD, .at = start, .length = p->at - start};
    p->now.value = keep_value(p, p->text + start, p->now.length);
    return GLIMPSE_OK;
}

static int is_word(const parser *p, const char *word) {
    return p->now.kind == TOKEN_WORD && strcasecmp(p->now.value, word) == 0;
}

/* What stands there, for messages. */
enum { SHOWN_BYTES = 64 };
static const char *shown(char out[SHOWN_BYTES], const parser *p) {
    if (p->now.kind == TOKEN_END) return "the end";
    int length = p->now.length < 40 ? (int)p->now.length : 40;
    while (length > 0 && ((unsigned char)p->text[p->now.at + (size_t)length] & 0xC0u) == 0x80u)
        length--;
    (void)snprintf(out, SHOWN_BYTES, "%.*s%s", length, p->text + p->now.at,
                   (size_t)length < p->now.length ? "..." : "");
    return out;
}

static int expect(parser *p, token_kind kind, const char *what) {
    char text[SHOWN_BYTES];
    if (p->now.kind != kind) {
        return refuse(p, p->now.at, "%s is missing before %s", what, shown(text, p));
    }
    return next(p);
}

/*
 * The tree.
 */
static int add_node(glimpse_where *where, size_t *out, const glimpse_where_node *node) {
    if (where->count == where->capacity) {
        const size_t capacity = where->capacity ? 2 * where->capacity : 16;
        glimpse_where_node *grown = realloc(where->nodes, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "a filter");
        where->nodes = grown;
        where->capacity = capacity;
        if (where->count == 0) where->nodes[where->count++] = (glimpse_where_node){0};
    }
    where->nodes[where->count] = *node;
    *out = where->count++;
    return GLIMPSE_OK;
}

static const glimpse_where_node no_node = {
    .low = -HUGE_VAL, .high = HUGE_VAL, .first = "", .end = "\x7f"};

static glimpse_where_node node_of(glimpse_where_kind kind, glimpse_where_field field) {
    glimpse_where_node node = no_node;
    node.kind = kind;
    node.field = field;
    return node;
}

static int add_parent(glimpse_where *where, size_t *out, glimpse_where_kind kind, size_t child) {
    glimpse_where_node node = node_of(kind, GLIMPSE_WHERE_CAMERA);
    node.child = child;
    return add_node(where, out, &node);
}

static int count_condition(parser *p, size_t at) {
    if (++p->conditions > GLIMPSE_WHERE_MAX_CONDITIONS) {
        return refuse(p, at, "more than %d conditions", GLIMPSE_WHERE_MAX_CONDITIONS);
    }
    return GLIMPSE_OK;
}

/*
 * Values.
 */
static const char *of_field(const parser *p, glimpse_where_field field) {
    (void)p;
    return glimpse_where_row_of(field)->info.name;
}

/* Splits "100..400", "4.." and "..2020" in place. */
static char *split_range(char *value) {
    char *dots = strstr(value, "..");
    if (!dots) return NULL;
    *dots = '\0';
    return dots + 2;
}

static int bad_value(const parser *p, size_t at, glimpse_where_field field, const char *value) {
    static const char *const forms[] = {
        [GLIMPSE_WHERE_NUMBER] = "a number such as 100, 100..400 or 100..",
        [GLIMPSE_WHERE_SIZE] = "a size such as 500kB, 10MB or 1MiB..2MiB",
        [GLIMPSE_WHERE_SECONDS] = "a time such as 1/250, 0.5 or 2s",
        [GLIMPSE_WHERE_F_NUMBER] = "an f-number such as 2.8 or f/2.8",
        [GLIMPSE_WHERE_LENGTH] = "a length such as 50, 50mm or 24..70",
        [GLIMPSE_WHERE_DATE] = "a date such as 2020, 2020-05-30, 2020-05-30T14:00 or 2019..2020",
    };
    return refuse(p, at, "%s: \"%.60s\" is not %s", of_field(p, field), value,
                  forms[glimpse_where_row_of(field)->type]);
}

/* Numbers. `low` and `high` are equal unless it was a range. */
static int read_numbers(const parser *p, glimpse_where_node *node, size_t at, char *value) {
    const glimpse_where_type type = glimpse_where_row_of(node->field)->type;
    char copy[64] = "";
    (void)snprintf(copy, sizeof copy, "%s", value);
    char *high = split_range(value);
    if (high && !*value && !*high) return bad_value(p, at, node->field, "..");
    if ((*value || !high) && !glimpse_where_number(&node->low, type, value)) {
        return bad_value(p, at, node->field, copy);
    }
    if (!high) {
        node->high = node->low;
    } else if (*high && !glimpse_where_number(&node->high, type, high)) {
        return bad_value(p, at, node->field, copy);
    }
    if (node->low > node->high) {
        return refuse(p, at, "%s: the range %s ends before it begins", of_field(p, node->field),
                      copy);
    }
    return GLIMPSE_OK;
}

static int read_dates(const parser *p, glimpse_where_node *node, size_t at, char *value) {
    char copy[64] = "", unused[GLIMPSE_DATE_BYTES];
    (void)snprintf(copy, sizeof copy, "%s", value);
    char *high = split_range(value);
    if (high && !*value && !*high) return bad_value(p, at, node->field, "..");
    if ((*value || !high) && glimpse_date_period(value, "", node->first, node->end) < 0) {
        return bad_value(p, at, node->field, copy);
    }
    if (high && !*high) {
        memcpy(node->end, "\x7f", 2);
    } else if (high && glimpse_date_period(high, "", unused, node->end) < 0) {
        return bad_value(p, at, node->field, copy);
    }
    if (strcmp(node->first, node->end) >= 0) {
        return refuse(p, at, "%s: the range %s ends before it begins", of_field(p, node->field),
                      copy);
    }
    return GLIMPSE_OK;
}

/* From one value with `=` to what another operator makes of it. */
static int apply_operator(const parser *p, glimpse_where_node *node, const token *op,
                          int is_range) {
    const char *o = op->operator;
    if (*o == '=' || *o == '!') return GLIMPSE_OK;
    if (is_range) return refuse(p, op->at, "a range goes with = and != only");
    if (node->kind == GLIMPSE_WHERE_TIME) {
        char first[GLIMPSE_DATE_BYTES], end[GLIMPSE_DATE_BYTES];
        memcpy(first, node->first, sizeof first);
        memcpy(end, node->end, sizeof end);
        const int greater = *o == '>', equal = o[1] == '=';
        memcpy(node->first, greater ? (equal ? first : end) : "\0", greater ? sizeof first : 1);
        memcpy(node->end, greater ? "\x7f" : (equal ? end : first), greater ? 2 : sizeof end);
        return GLIMPSE_OK;
    }
    if (*o == '>') {
        node->high = HUGE_VAL;
        node->low_open = o[1] != '=';
    } else {
        node->low = -HUGE_VAL;
        node->high_open = o[1] != '=';
    }
    return GLIMPSE_OK;
}

static const char *const shapes[] = {"landscape", "portrait", "square"};

static int read_shape(const parser *p, size_t at, const char *value) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (strcasecmp(shapes[i], value) == 0) return GLIMPSE_OK;
    return refuse(p, at, "orientation: \"%.60s\" is not landscape, portrait or square", value);
}

/* What people call a format otherwise than the library does. */
static const char *format_name(const char *value) {
    static const char *const names[][2] = {{"jpg", "jpeg"},         {"tif", "tiff"},
                                           {"heic", "heif"},        {"jxl", "jpeg xl"},
                                           {"raw", "camera raw"},   {"jp2", "jpeg 2000"},
                                           {"hdr", "radiance hdr"}, {"pic", "softimage pic"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i][0], value) == 0) return names[i][1];
    return value;
}

static int read_path(char **out, const char *value) {
    const char *home = getenv("HOME");
    if (value[0] != '~' || value[1] != '/' || !home || !*home) {
        return glimpse_path_absolute(out, value);
    }
    const size_t size = strlen(home) + strlen(value) + 1;
    char *full = malloc(size);
    if (!full) return glimpse_fail_nomem(size, "a path");
    (void)snprintf(full, size, "%s%s", home, value + 1);
    int status = glimpse_path_absolute(out, full);
    free(full);
    return status;
}

static int read_text(const parser *p, glimpse_where_node *node, size_t at, const char *value) {
    if (!*value) return refuse(p, at, "%s: the text is empty", of_field(p, node->field));
    if (node->field == GLIMPSE_WHERE_PATH && node->kind == GLIMPSE_WHERE_IS) {
        return read_path(&node->text, value);
    }
    if (node->field == GLIMPSE_WHERE_FORMAT && node->kind == GLIMPSE_WHERE_IS) {
        value = format_name(value);
    }
    if (glimpse_where_row_of(node->field)->type == GLIMPSE_WHERE_SHAPE) {
        int status = read_shape(p, at, value);
        if (status < 0) return status;
    }
    return glimpse_text_fold(&node->text, value, strlen(value));
}

static int is_text(glimpse_where_type type) {
    return type == GLIMPSE_WHERE_TEXT || type == GLIMPSE_WHERE_SHAPE;
}

/* One value of a list as a node. */
static int read_value(parser *p, size_t *out, glimpse_where_field field, const token *op) {
    const glimpse_where_type type = glimpse_where_row_of(field)->type;
    char text[SHOWN_BYTES];
    const token value = p->now;
    if (value.kind != TOKEN_WORD && value.kind != TOKEN_QUOTED) {
        return refuse(p, value.at, "a value for %s is missing before %s", of_field(p, field),
                      shown(text, p));
    }
    int status = count_condition(p, value.at);
    if (status < 0) return status;
    glimpse_where_node node =
        node_of(is_text(type) ? (*op->operator== '~' ? GLIMPSE_WHERE_PART : GLIMPSE_WHERE_IS)
                : type == GLIMPSE_WHERE_DATE ? GLIMPSE_WHERE_TIME
                                             : GLIMPSE_WHERE_RANGE,
                field);
    /* Split in place; it is this parser's. */
    char *own = p->values + (value.value - p->values);
    const int is_range = strstr(own, "..") != NULL;
    if (is_text(type)) {
        status = read_text(p, &node, value.at, own);
    } else if (type == GLIMPSE_WHERE_DATE) {
        status = read_dates(p, &node, value.at, own);
    } else {
        status = read_numbers(p, &node, value.at, own);
    }
    if (status == GLIMPSE_OK && !is_text(type)) status = apply_operator(p, &node, op, is_range);
    if (status == GLIMPSE_OK) status = add_node(p->where, out, &node);
    if (status < 0) {
        free(node.text);
        return status;
    }
    return next(p);
}

/*
 * Conditions.
 */
static int check_operator(const parser *p, const token *op, glimpse_where_field field) {
    const glimpse_where_type type = glimpse_where_row_of(field)->type;
    const int ordered = *op->operator== '<' || * op->operator== '>';
    if (type == GLIMPSE_WHERE_PLACE) {
        return refuse(p, op->at, "gps cannot be compared; write near(LAT, LON, KM) or has(gps)");
    }
    if (type == GLIMPSE_WHERE_FLAG) {
        const char *name = of_field(p, field);
        return refuse(p, op->at, "%s cannot be compared; write has(%s)", name, name);
    }
    if (is_text(type) && ordered) {
        return refuse(p, op->at, "%s is a text: =, != and ~ go with it", of_field(p, field));
    }
    if (!is_text(type) && *op->operator== '~') {
        return refuse(p, op->at, "%s is no text: =, !=, <, <=, > and >= go with it",
                      of_field(p, field));
    }
    return GLIMPSE_OK;
}

/* The field that is named, known and answered. */
static int read_field(parser *p, glimpse_where_field *field) {
    char text[SHOWN_BYTES], more[512];
    if (p->now.kind != TOKEN_WORD) {
        return refuse(p, p->now.at, "a condition is missing before %s", shown(text, p));
    }
    const glimpse_where_row *row =
        glimpse_where_row_find(field, p->now.value, strlen(p->now.value));
    if (!row) {
        return refuse(
            p, p->now.at, "there is no field %s%s", shown(text, p),
            glimpse_where_row_suggest(more, sizeof more, p->now.value, strlen(p->now.value)));
    }
    if (row->none) return refuse(p, p->now.at, "%s: %s", row->info.name, row->none);
    return next(p);
}

static int read_comparison(parser *p, size_t *out) {
    glimpse_where_field field = GLIMPSE_WHERE_CAMERA;
    char text[SHOWN_BYTES];
    size_t first = 0, last = 0;
    int status = read_field(p, &field);
    if (status < 0) return status;
    const token op = p->now;
    if (op.kind != TOKEN_OPERATOR) {
        return refuse(p, op.at, "=, !=, <, <=, >, >= or ~ is missing before %s", shown(text, p));
    }
    status = check_operator(p, &op, field);
    if (status == GLIMPSE_OK) status = next(p);
    if (status == GLIMPSE_OK) status = read_value(p, &first, field, &op);
    *out = last = first;
    while (status == GLIMPSE_OK && p->now.kind == TOKEN_COMMA) {
        size_t more = 0;
        if (*op.operator== '<' || * op.operator== '>') {
            return refuse(p, p->now.at, "several values go with =, != and ~ only");
        }
        status = next(p);
        if (status == GLIMPSE_OK) status = read_value(p, &more, field, &op);
        if (status == GLIMPSE_OK) p->where->nodes[last].next = more;
        last = more;
    }
    if (status == GLIMPSE_OK && last != first) {
        status = add_parent(p->where, out, GLIMPSE_WHERE_ANY, first);
    }
    if (status == GLIMPSE_OK && *op.operator== '!') {
        status = add_parent(p->where, out, GLIMPSE_WHERE_NOT, *out);
    }
    return status;
}

static int read_has(parser *p, size_t *out) {
    glimpse_where_field field = GLIMPSE_WHERE_CAMERA;
    int status = next(p);
    if (status == GLIMPSE_OK) status = expect(p, TOKEN_OPEN, "(");
    if (status == GLIMPSE_OK) status = count_condition(p, p->now.at);
    const size_t at = p->now.at;
    if (status == GLIMPSE_OK) status = read_field(p, &field);
    if (status < 0) return status;
    if (!glimpse_where_row_of(field)->info.can_be_missing) {
        return refuse(p, at, "every picture has %s; has() asks for what may be missing",
                      of_field(p, field));
    }
    const glimpse_where_node node = node_of(GLIMPSE_WHERE_HAS, field);
    status = add_node(p->where, out, &node);
    return status == GLIMPSE_OK ? expect(p, TOKEN_CLOSE, ")") : status;
}

static int read_distance(parser *p, glimpse_where_node *node) {
    char text[SHOWN_BYTES];
    if ((p->now.kind != TOKEN_WORD && p->now.kind != TOKEN_QUOTED) ||
        !glimpse_where_kilometres(&node->high, p->now.value)) {
        return refuse(p, p->now.at, "near: %s is not a distance such as 10, 10km or 500m",
                      shown(text, p));
    }
    return next(p);
}

static int read_coordinates(parser *p, glimpse_where_node *node) {
    const size_t at = p->now.at;
    char text[SHOWN_BYTES];
    int status = next(p);
    if (status == GLIMPSE_OK) status = expect(p, TOKEN_COMMA, "the longitude");
    if (status < 0) return status;
    if (p->now.kind != TOKEN_WORD ||
        !glimpse_where_number(&node->longitude, GLIMPSE_WHERE_NUMBER, p->now.value)) {
        return refuse(p, p->now.at, "near: %s is no longitude", shown(text, p));
    }
    if (!(fabs(node->latitude) <= 90)) {
        return refuse(p, at, "near: a latitude goes from -90 to 90");
    }
    if (!(fabs(node->longitude) <= 180)) {
        return refuse(p, p->now.at, "near: a longitude goes from -180 to 180");
    }
    status = next(p);
    if (status == GLIMPSE_OK) {
        status = expect(p, TOKEN_COMMA, "the distance in km, near(LAT, LON, KM),");
    }
    return status == GLIMPSE_OK ? read_distance(p, node) : status;
}

/* A failure that has no place in the text gets it. */
static int at_place(const parser *p, size_t at, int status) {
    char what[640];
    if (status == GLIMPSE_OK || status == GLIMPSE_E_NOMEM) return status;
    (void)snprintf(what, sizeof what, "%s", glimpse_last_error());
    return glimpse_fail(status, "%s, character %zu: near: %s", glimpse_wording("where", NULL),
                        position(p, at), what);
}

static int read_near(parser *p, size_t *out) {
    glimpse_where_node node = node_of(GLIMPSE_WHERE_NEAR, GLIMPSE_WHERE_GPS);
    char text[SHOWN_BYTES];
    node.high = GLIMPSE_WHERE_NEAR_KM;
    int status = next(p);
    if (status == GLIMPSE_OK) status = expect(p, TOKEN_OPEN, "(");
    if (status == GLIMPSE_OK) status = count_condition(p, p->now.at);
    if (status < 0) return status;
    const token first = p->now;
    if (first.kind == TOKEN_WORD &&
        glimpse_where_number(&node.latitude, GLIMPSE_WHERE_NUMBER, first.value)) {
        status = read_coordinates(p, &node);
    } else if (first.kind == TOKEN_WORD || first.kind == TOKEN_QUOTED) {
        status =
            at_place(p, first.at, glimpse_place_find(&node.latitude, &node.longitude, first.value));
        if (status == GLIMPSE_OK) status = next(p);
        if (status == GLIMPSE_OK && p->now.kind == TOKEN_COMMA) {
            status = next(p);
            if (status == GLIMPSE_OK) status = read_distance(p, &node);
        }
    } else {
        status = refuse(p, first.at, "near: a place is missing before %s", shown(text, p));
    }
    if (status == GLIMPSE_OK) status = expect(p, TOKEN_CLOSE, ")");
    return status == GLIMPSE_OK ? add_node(p->where, out, &node) : status;
}

/* Whether a ( follows the word: `has` and `near` could be fields otherwise. */
static int read_condition(parser *p, size_t *out) {
    if (is_word(p, "has")) return read_has(p, out);
    if (is_word(p, "near")) return read_near(p, out);
    return read_comparison(p, out);
}

static int read_any(parser *p, size_t *out);

static int read_factor(parser *p, size_t *out) {
    const size_t at = p->now.at;
    int status = GLIMPSE_OK;
    const int is_not = is_word(p, "not");
    if (!is_not && p->now.kind != TOKEN_OPEN) return read_condition(p, out);
    if (++p->depth > GLIMPSE_WHERE_MAX_DEPTH) {
        return refuse(p, at, "more than %d parentheses and nots inside each other",
                      GLIMPSE_WHERE_MAX_DEPTH);
    }
    status = next(p);
    if (status == GLIMPSE_OK) status = is_not ? read_factor(p, out) : read_any(p, out);
    if (status == GLIMPSE_OK && is_not) {
        status = add_parent(p->where, out, GLIMPSE_WHERE_NOT, *out);
    }
    if (status == GLIMPSE_OK && !is_not) {
        char text[SHOWN_BYTES];
        if (p->now.kind == TOKEN_CLOSE) {
            status = next(p);
        } else if (p->now.kind == TOKEN_END) {
            status = refuse(p, at, "this ( is not closed");
        } else {
            status = refuse(p, p->now.at,
                            "and, or or ) is missing before %s (a value of several words needs "
                            "quotes)",
                            shown(text, p));
        }
    }
    p->depth--;
    return status;
}

/* One, or several with `word` between them. */
static int read_list(parser *p, size_t *out, const char *word, glimpse_where_kind kind,
                     int (*read)(parser *p, size_t *out)) {
    size_t first = 0, last = 0;
    int status = read(p, &first);
    *out = last = first;
    while (status == GLIMPSE_OK && is_word(p, word)) {
        size_t more = 0;
        status = next(p);
        if (status == GLIMPSE_OK) status = read(p, &more);
        if (status == GLIMPSE_OK) p->where->nodes[last].next = more;
        last = more;
    }
    if (status == GLIMPSE_OK && last != first) status = add_parent(p->where, out, kind, first);
    return status;
}

static int read_all(parser *p, size_t *out) {
    return read_list(p, out, "and", GLIMPSE_WHERE_ALL, read_factor);
}

static int read_any(parser *p, size_t *out) {
    return read_list(p, out, "or", GLIMPSE_WHERE_ANY, read_all);
}

static int read_whole(parser *p) {
    char text[SHOWN_BYTES];
    int status = next(p);
    if (status == GLIMPSE_OK && p->now.kind == TOKEN_END) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: the expression is empty",
                            glimpse_wording("where", NULL));
    }
    if (status == GLIMPSE_OK) status = read_any(p, &p->where->root);
    if (status == GLIMPSE_OK && p->now.kind == TOKEN_CLOSE) {
        return refuse(p, p->now.at, "there is no ( for this )");
    }
    if (status == GLIMPSE_OK && p->now.kind != TOKEN_END) {
        return refuse(p, p->now.at,
                      "and or or is missing before %s (a value of several words needs quotes)",
                      shown(text, p));
    }
    return status;
}

void glimpse_where_free(glimpse_where *where) {
    if (!where) return;
    for (size_t i = 0; i < where->count; i++)
        free(where->nodes[i].text);
    free(where->nodes);
    free(where);
}

int glimpse_where_parse(glimpse_where **out, const char *text) {
    parser p = {.text = text};
    *out = NULL;
    const size_t length = strlen(text);
    if (length > GLIMPSE_WHERE_MAX_BYTES) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: an expression of %zu bytes; %d are the most",
                            glimpse_wording("where", NULL), length, GLIMPSE_WHERE_MAX_BYTES);
    }
    p.values = malloc(2 * length + 2);
    p.where = calloc(1, sizeof *p.where);
    int status = p.values && p.where ? read_whole(&p) : glimpse_fail_nomem(length, "a filter");
    free(p.values);
    if (status == GLIMPSE_OK) {
        *out = p.where;
    } else {
        glimpse_where_free(p.where);
    }
    return status;
}

/* One more that has to hold; *kept: the node is in the tree, and its text with it. */
static int add_condition(glimpse_where **where, const glimpse_where_node *node, int *kept) {
    glimpse_where *all = *where ? *where : calloc(1, sizeof *all);
    size_t added = 0;
    *kept = 0;
    if (!all) return glimpse_fail_nomem(sizeof *all, "a filter");
    *where = all;
    int status = add_node(all, &added, node);
    *kept = status == GLIMPSE_OK;
    if (status < 0 || all->root == 0) {
        all->root = added;
        return status;
    }
    all->nodes[added].next = all->root;
    return add_parent(all, &all->root, GLIMPSE_WHERE_ALL, added);
}

int glimpse_where_add_dates(glimpse_where **where, const char *after, const char *before) {
    glimpse_where_node node = node_of(GLIMPSE_WHERE_TIME, GLIMPSE_WHERE_TAKEN);
    int64_t unused;
    int status = GLIMPSE_OK;
    if (after) status = glimpse_date_parse(after, "after", node.first, &unused);
    if (status == GLIMPSE_OK && before) {
        status = glimpse_date_parse(before, "before", node.end, &unused);
    }
    int kept = 0;
    if (status < 0 || (!after && !before)) return status;
    return add_condition(where, &node, &kept);
}

int glimpse_where_add_labels(glimpse_where **where, const char *const *labels, size_t count) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        glimpse_where_node node = node_of(GLIMPSE_WHERE_IS, GLIMPSE_WHERE_LABEL);
        int kept = 0;
        node.is_exact = 1;
        node.text = strdup(labels[i]);
        if (!node.text) return glimpse_fail_nomem(strlen(labels[i]), "a label");
        status = add_condition(where, &node, &kept);
        if (!kept) free(node.text);
    }
    return status;
}

int glimpse_where_check(const char *where) {
    glimpse_where *parsed = NULL;
    if (!where) return glimpse_fail_null(__func__);
    int status = glimpse_where_parse(&parsed, where);
    glimpse_where_free(parsed);
    return status;
}
