/*
 * query.c - the grammar of glimpse/query.h, and the sum of unit embeddings it stands for.
 *
 * The words are joined with one space each into one text, so that `horse + stripes` means the
 * same whether a shell handed it over as one word or as three. Two things are remembered about
 * where words began: a word that names an existing picture is a path as a whole, whatever it
 * contains ("Bob - 2020.jpg"), and several words after a path get a better message.
 *
 *     query     = [ "-" ] term { operator term }
 *     operator  = "+" or "-" with white space or an end of the text on both sides
 *
 * Parsing is one pass from left to right; every position in a message is a character (not byte)
 * of the joined text, counted from 1.
 */
#include <glimpse/query.h>

#include "query_terms.h"

#include "core/error.h"
#include "http/fetch.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double MAX_WEIGHT = 1000.0;

struct glimpse_query {
    glimpse_query_term *terms; /* the bodies are owned by the query */
    size_t count, capacity;
};

/* The joined text, and for every byte of it whether a word begins there. */
typedef struct parser {
    char *text;
    unsigned char *starts;
    size_t length, at;
} parser;

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static int is_escapable(char c) {
    return c == '+' || c == '-' || c == '"' || c == ':' || c == '\\';
}

/* Characters before byte `at`, plus one. */
static size_t position(const parser *p, size_t at) {
    size_t characters = 1;
    for (size_t i = 0; i < at && i < p->length; i++) {
        if (((unsigned char)p->text[i] & 0xC0u) != 0x80u) characters++;
    }
    return characters;
}

static void skip_blank(parser *p) {
    while (p->at < p->length && is_blank(p->text[p->at]))
        p->at++;
}

static int operator_at(const parser *p, size_t at) {
    if (at >= p->length || (p->text[at] != '+' && p->text[at] != '-')) return 0;
    if (at > 0 && !is_blank(p->text[at - 1])) return 0;
    return at + 1 == p->length || is_blank(p->text[at + 1]);
}

static int names_picture(const char *path) {
    struct stat info;
    return glimpse_image_name_is_picture(path) && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static int starts_like_path(const char *body) {
    return body[0] == '/' || strncmp(body, "./", 2) == 0 || strncmp(body, "../", 3) == 0 ||
           strncmp(body, "~/", 2) == 0;
}

/* A malloc'ed copy of `path` with a leading ~/ replaced by the home directory; NULL: out of memory.
 */
static char *expand_home(const char *path) {
    const char *home = getenv("HOME");
    if (strncmp(path, "~/", 2) != 0 || !home || !*home) return strdup(path);
    size_t home_length = strlen(home), rest = strlen(path + 1);
    char *full = malloc(home_length + rest + 1);
    if (!full) return NULL;
    (void)snprintf(full, home_length + rest + 1, "%s%s", home, path + 1);
    return full;
}

/* Takes over `body`, also when it fails. */
static int add_term(glimpse_query *query, double weight, int is_picture, int is_url, char *body) {
    if (!body) return glimpse_fail_nomem(1, "a query");
    if (query->count == query->capacity) {
        size_t capacity = query->capacity ? 2 * query->capacity : 8;
        glimpse_query_term *terms = realloc(query->terms, capacity * sizeof *terms);
        if (!terms) {
            free(body);
            return glimpse_fail_nomem(capacity * sizeof *terms, "a query");
        }
        query->terms = terms;
        query->capacity = capacity;
    }
    query->terms[query->count++] = (glimpse_query_term){weight, is_picture, body, is_url};
    return GLIMPSE_OK;
}

/* Reads `[weight ":"]` if there is one; *weight stays as it is otherwise. */
static int parse_weight(parser *p, double *weight) {
    const char *start = p->text + p->at, *s = start;
    int negative = *s == '-';
    if (negative) s++;
    size_t digits = 0, dots = 0;
    for (; (*s >= '0' && *s <= '9') || *s == '.'; s++) {
        if (*s == '.') {
            dots++;
        } else {
            digits++;
        }
    }
    if (digits == 0) return GLIMPSE_OK;
    if (*s == 'e' || *s == 'E') {
        const char *e = s + 1;
        if (*e == '+' || *e == '-') e++;
        if (*e < '0' || *e > '9') return GLIMPSE_OK;
        while (*e >= '0' && *e <= '9')
            e++;
        s = e;
    }
    if (*s != ':') return GLIMPSE_OK;
    size_t length = (size_t)(s - start), where = position(p, p->at);
    int shown = length > 40 ? 40 : (int)length;
    if (negative) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "query, character %zu: the weight %.*s is negative; to subtract, write "
                            "a - with spaces around it and then %.*s:",
                            where, shown, start, shown - 1, start + 1);
    }
    double value = 0;
    int valid = dots <= 1;
    if (valid) {
        char *end = NULL;
        value = strtod(start, &end);
        valid = end == s && isfinite(value) && value > 0 && value <= MAX_WEIGHT;
    }
    if (!valid) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "query, character %zu: the weight %.*s is not a number above 0 and up "
                            "to %g (a colon that belongs to a text is written \\:)",
                            where, shown, start, MAX_WEIGHT);
    }
    *weight = value;
    p->at += length + 1;
    return GLIMPSE_OK;
}

static int parse_quoted(parser *p, glimpse_query *query, double weight) {
    size_t open = p->at++, used = 0;
    char *body = malloc(p->length - open + 1);
    if (!body) return glimpse_fail_nomem(p->length, "a query");
    while (p->at < p->length && p->text[p->at] != '"') {
        if (p->text[p->at] == '\\' && p->at + 1 < p->length && is_escapable(p->text[p->at + 1])) {
            p->at++;
        }
        body[used++] = p->text[p->at++];
    }
    body[used] = '\0';
    int status = GLIMPSE_OK;
    if (p->at == p->length) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "query, character %zu: the quote that opens here is never closed (a "
                              "quote that belongs to a text is written \\\")",
                              position(p, open));
        goto done;
    }
    p->at++;
    int blank = 1;
    for (size_t i = 0; i < used; i++) {
        if (!is_blank(body[i])) blank = 0;
    }
    if (blank) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "query, character %zu: nothing between the quotes",
                              position(p, open));
        goto done;
    }
    skip_blank(p);
    if (p->at < p->length && !operator_at(p, p->at)) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "query, character %zu: expected + or - (with spaces around it) after "
                              "the closing quote",
                              position(p, p->at));
        goto done;
    }
    status = add_term(query, weight, 0, 0, body);
    body = NULL;
done:
    free(body);
    return status;
}

/* The word that begins at p->at, when an operator or the end follows it and it names a picture
 * as it stands. *found tells. */
static int parse_whole_path(parser *p, glimpse_query *query, double weight, int *found) {
    *found = 0;
    size_t end = p->at + 1;
    while (end < p->length && !p->starts[end])
        end++;
    size_t last = end; /* without the joining space */
    if (end < p->length) {
        last--;
        if (!operator_at(p, end)) return GLIMPSE_OK;
    }
    if (last <= p->at) return GLIMPSE_OK;
    char *word = strndup(p->text + p->at, last - p->at);
    char *path = word ? expand_home(word) : NULL;
    free(word);
    if (!path) return glimpse_fail_nomem(last - p->at, "a query");
    if (!names_picture(path)) {
        free(path);
        return GLIMPSE_OK;
    }
    *found = 1;
    p->at = end;
    return add_term(query, weight, 1, 0, path);
}

/* Everything up to the next operator: a path or a text. */
static int parse_plain(parser *p, glimpse_query *query, double weight) {
    size_t start = p->at, used = 0, kept = 0, first_word = 0, words = 1;
    char *body = malloc(p->length - start + 1);
    if (!body) return glimpse_fail_nomem(p->length, "a query");
    while (p->at < p->length && !operator_at(p, p->at)) {
        if (p->at > start && p->starts[p->at] && !is_blank(p->text[p->at])) {
            if (words++ == 1) first_word = kept;
        }
        char c = p->text[p->at];
        if (c == '\\' && p->at + 1 < p->length && is_escapable(p->text[p->at + 1])) {
            body[used++] = p->text[p->at + 1];
            p->at += 2;
            kept = used;
            continue;
        }
        body[used++] = c;
        p->at++;
        if (!is_blank(c)) kept = used;
    }
    body[kept] = '\0';
    char *path = expand_home(body);
    int status = GLIMPSE_OK;
    if (!path) {
        status = glimpse_fail_nomem(kept, "a query");
    } else if (glimpse_http_is_url(body)) {
        if (strpbrk(body, " \t\n")) {
            status = glimpse_fail(GLIMPSE_E_INVALID,
                                  "query, character %zu: %.*s is an address; to combine a picture "
                                  "with a text, put a + between them",
                                  position(p, start), (int)strcspn(body, " \t\n"), body);
        } else {
            status = add_term(query, weight, 1, 1, body);
            body = NULL;
        }
    } else if (starts_like_path(body)) {
        /* `./pool.jpg night`: two words, and only together they are no file. */
        if (words > 1 && !names_picture(path)) {
            status = glimpse_fail(GLIMPSE_E_INVALID,
                                  "query, character %zu: %s is not a file; to combine a picture "
                                  "with a text, put a + between them: %.*s + ...",
                                  position(p, start), path, (int)first_word, body);
        } else {
            status = add_term(query, weight, 1, 0, path);
            path = NULL;
        }
    } else if (names_picture(path)) {
        status = add_term(query, weight, 1, 0, path);
        path = NULL;
    } else {
        status = add_term(query, weight, 0, 0, body);
        body = NULL;
    }
    free(path);
    free(body);
    return status;
}

static int parse_term(parser *p, glimpse_query *query, double sign, size_t operator_place) {
    skip_blank(p);
    double weight = 1;
    size_t start = p->at;
    if (p->at < p->length && !operator_at(p, p->at)) {
        int found = 0, status = parse_whole_path(p, query, sign * weight, &found);
        if (status < 0 || found) return status;
        status = parse_weight(p, &weight);
        if (status < 0) return status;
        if (p->at > start && p->at < p->length) {
            status = parse_whole_path(p, query, sign * weight, &found);
            if (status < 0 || found) return status;
        }
        skip_blank(p);
    }
    if (p->at == p->length || operator_at(p, p->at)) {
        if (p->at > start) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "query, character %zu: nothing after the weight %.*s",
                                position(p, start), (int)(p->at - start > 40 ? 40 : p->at - start),
                                p->text + start);
        }
        if (operator_place == (size_t)-1) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "query, character %zu: nothing before the %c (to search for the "
                                "sign itself, write \\%c)",
                                position(p, p->at), p->text[p->at], p->text[p->at]);
        }
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "query, character %zu: nothing after the %c (to search for the sign "
                            "itself, write \\%c)",
                            position(p, operator_place), p->text[operator_place],
                            p->text[operator_place]);
    }
    if (p->text[p->at] == '"') return parse_quoted(p, query, sign * weight);
    return parse_plain(p, query, sign * weight);
}

static int parse_all(parser *p, glimpse_query *query) {
    skip_blank(p);
    if (p->at == p->length) return glimpse_fail(GLIMPSE_E_INVALID, "the query is empty");
    double sign = 1;
    size_t operator_place = (size_t)-1;
    if (p->text[p->at] == '-' && operator_at(p, p->at)) {
        sign = -1;
        operator_place = p->at++;
    }
    for (;;) {
        int status = parse_term(p, query, sign, operator_place);
        if (status < 0) return status;
        skip_blank(p);
        if (p->at == p->length) return GLIMPSE_OK;
        operator_place = p->at++; /* a term ends at an operator or at the end */
        sign = p->text[operator_place] == '-' ? -1 : 1;
    }
}

int glimpse_query_parse(glimpse_query **out, const char *const *words, size_t count) {
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the query");
    *out = NULL;
    if (count > 0 && !words) return glimpse_fail(GLIMPSE_E_INVALID, "the query is empty");
    int status = GLIMPSE_OK;
    parser p = {0};
    glimpse_query *query = NULL;
    size_t capacity = 1;
    for (size_t i = 0; i < count; i++)
        capacity += strlen(words[i]) + 1;
    p.text = malloc(capacity);
    p.starts = calloc(capacity, 1);
    query = calloc(1, sizeof *query);
    if (!p.text || !p.starts || !query) {
        status = glimpse_fail_nomem(capacity, "a query");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(words[i]);
        if (i > 0) p.text[p.length++] = ' ';
        p.starts[p.length] = 1;
        memcpy(p.text + p.length, words[i], length);
        p.length += length;
    }
    p.text[p.length] = '\0';
    status = parse_all(&p, query);
done:
    free(p.text);
    free(p.starts);
    if (status < 0) {
        glimpse_query_free(query);
        return status;
    }
    *out = query;
    return GLIMPSE_OK;
}

void glimpse_query_free(glimpse_query *query) {
    if (!query) return;
    for (size_t i = 0; i < query->count; i++)
        free((char *)(uintptr_t)query->terms[i].body);
    free(query->terms);
    free(query);
}

size_t glimpse_query_count(const glimpse_query *query) {
    return query ? query->count : 0;
}

const glimpse_query_term *glimpse_query_get(const glimpse_query *query, size_t i) {
    return query && i < query->count ? &query->terms[i] : NULL;
}

int glimpse_query_set_file(glimpse_query *query, size_t i, const char *path) {
    glimpse_query_term *term = &query->terms[i];
    char *copy = strdup(path);
    if (!copy) return glimpse_fail_nomem(strlen(path), "a query");
    free((char *)(uintptr_t)term->body);
    *term = (glimpse_query_term){term->weight, 1, copy, 0};
    return GLIMPSE_OK;
}

unsigned glimpse_query_towers(const glimpse_query *query) {
    unsigned towers = 0;
    for (size_t i = 0; i < glimpse_query_count(query); i++)
        towers |= query->terms[i].is_picture ? GLIMPSE_TOWER_IMAGE : GLIMPSE_TOWER_TEXT;
    return towers;
}

/*
 * Embedding. A text is embedded as it was written, and in further wordings where these are asked
 * for: what a model knows scores alike in all of them.
 */
static const char *const wording_starts[] = {"", "a photo of ", "a picture of ", "there is "};
static const char *const wording_ends[] = {"", "", ".", ""};
enum { WORDINGS = sizeof wording_starts / sizeof *wording_starts };

/* `unit` [count][width] */
static int embed_text(float *unit, int *truncated, glimpse_encoder *encoder, const char *text,
                      size_t count) {
    const size_t length = strlen(text) + sizeof "a picture of .";
    const char *texts[WORDINGS];
    int cuts[WORDINGS] = {0};
    char *written = malloc(WORDINGS * length);
    if (!written) return glimpse_fail_nomem(WORDINGS * length, "a text");
    for (size_t i = 0; i < count; i++) {
        char *to = written + i * length;
        (void)snprintf(to, length, "%s%s%s", wording_starts[i], text, wording_ends[i]);
        texts[i] = to;
    }
    int status = glimpse_encoder_texts(unit, cuts, encoder, texts, count, 0);
    if (cuts[0]) *truncated = 1;
    free(written);
    return status;
}

/* `units` [count][width] */
static int embed_term(float *units, int *truncated, const glimpse_query_term *term,
                      glimpse_encoder *encoder, size_t width, size_t count) {
    if (term->is_url) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%.200s is an address that nobody fetched",
                            term->body);
    }
    if (!term->is_picture) return embed_text(units, truncated, encoder, term->body, count);
    int status = glimpse_encoder_file(units, encoder, term->body, 0);
    for (size_t i = 1; i < count && status == GLIMPSE_OK; i++)
        memcpy(units + i * width, units, width * sizeof *units);
    return status;
}

/* 0 where the terms cancel out: rounding leaves about 1e-7 of the weights where the sum should be
 * zero. */
static int normalise(double *sum, size_t width, double weights) {
    double norm = 0;
    for (size_t j = 0; j < width; j++)
        norm += sum[j] * sum[j];
    norm = sqrt(norm);
    if (!(norm > 1e-5 * weights)) return 0;
    for (size_t j = 0; j < width; j++)
        sum[j] /= norm;
    return 1;
}

int glimpse_query_embed_wordings(float *vector, float *wordings, int *truncated,
                                 const glimpse_query *query, glimpse_encoder *encoder,
                                 const glimpse_model *model) {
    if (!query || !encoder || !model || !vector || query->count == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the query is empty");
    }
    const size_t width = glimpse_model_embedding_size(model);
    const size_t count =
        wordings && (glimpse_query_towers(query) & GLIMPSE_TOWER_TEXT) ? WORDINGS : 1;
    int status = GLIMPSE_OK, cut = 0;
    float *units = malloc(count * width * sizeof *units);
    double *sums = calloc(count, width * sizeof *sums), weights = 0;
    if (!units || !sums) {
        status =
            glimpse_fail_nomem(count * width * (sizeof *units + sizeof *sums), "a query vector");
    }
    for (size_t i = 0; i < query->count && status == GLIMPSE_OK; i++) {
        const glimpse_query_term *term = &query->terms[i];
        status = embed_term(units, &cut, term, encoder, width, count);
        weights += fabs(term->weight);
        for (size_t j = 0; j < count * width && status == GLIMPSE_OK; j++)
            sums[j] += term->weight * (double)units[j];
    }
    if (status == GLIMPSE_OK && !normalise(sums, width, weights)) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "the terms of the query cancel out, nothing is left to search for");
    }
    if (status == GLIMPSE_OK) {
        for (size_t j = 0; j < width; j++)
            vector[j] = (float)sums[j];
        if (wordings) memset(wordings, 0, width * sizeof *wordings);
        for (size_t w = 0; w < count && wordings; w++) {
            const double *sum = sums + w * width;
            if (w > 0) (void)normalise(sums + w * width, width, weights);
            for (size_t j = 0; j < width; j++)
                wordings[j] += (float)(sum[j] / (double)count);
        }
    }
    if (truncated) *truncated = cut;
    free(units);
    free(sums);
    return status;
}

int glimpse_query_embed(float *vector, int *truncated, const glimpse_query *query,
                        glimpse_encoder *encoder, const glimpse_model *model) {
    return glimpse_query_embed_wordings(vector, NULL, truncated, query, encoder, model);
}
