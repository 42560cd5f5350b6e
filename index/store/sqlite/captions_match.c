/*
 * captions_match.c - from what a person typed to captions that fit, ranked by BM25.
 */
#include "captions_private.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TERMS = 64 };

typedef struct term {
    const char *text; /* borrowed, not ended */
    size_t length;
    int prefix;
    int64_t captions; /* that have it */
} term;

typedef struct terms {
    term list[MAX_TERMS];
    size_t count;
} terms;

/* What makes up words: letters, digits, everything beyond ASCII, and - _ ' within. The tokenizer of
 * the index decides what a word is in the end; "t-shirt" becomes the phrase of "t" and "shirt". */
static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80;
}

static int is_word(char c) {
    return is_letter(c) || c == '-' || c == '_' || c == '\'';
}

static int same_letters(const char *a, const char *b, size_t length) {
    for (size_t i = 0; i < length; i++) {
        char x = a[i], y = b[i];
        if (x >= 'A' && x <= 'Z') x = (char)(x - 'A' + 'a');
        if (y >= 'A' && y <= 'Z') y = (char)(y - 'A' + 'a');
        if (x != y) return 0;
    }
    return 1;
}

static void add(terms *all, const char *text, size_t length, int prefix) {
    int has_letter = 0;
    for (size_t i = 0; i < length && !has_letter; i++)
        has_letter = is_letter(text[i]);
    if (!has_letter || all->count == MAX_TERMS) return;
    for (size_t i = 0; i < all->count; i++) {
        const term *t = &all->list[i];
        if (t->length == length && t->prefix == prefix && same_letters(t->text, text, length)) {
            return;
        }
    }
    all->list[all->count++] = (term){text, length, prefix, 0};
}

static void split(terms *all, const char *text) {
    while (*text) {
        const char *closing = *text == '"' ? strchr(text + 1, '"') : NULL;
        if (closing) {
            add(all, text + 1, (size_t)(closing - text - 1), 0);
            text = closing + 1;
        } else if (is_word(*text)) {
            size_t length = 0;
            while (is_word(text[length]))
                length++;
            add(all, text, length, text[length] == '*');
            text += length;
        } else {
            text++;
        }
    }
}

/* Appends the term as an FTS5 string: in quotes, quotes inside doubled (a phrase has none). */
static char *append_term(char *to, const term *t) {
    *to++ = '"';
    for (size_t i = 0; i < t->length; i++) {
        if (t->text[i] == '"') *to++ = '"';
        *to++ = t->text[i];
    }
    *to++ = '"';
    if (t->prefix) *to++ = '*';
    *to = '\0';
    return to;
}

static int count_captions(glimpse_db *db, term *t, char *scratch) {
    (void)append_term(scratch, t);
    return glimpse_db_integer(db, &t->captions,
                              "SELECT count(*) FROM caption_text WHERE caption_text MATCH ?1", "t",
                              scratch);
}

int glimpse_captions_expression(glimpse_db *db, const char *text, char **out) {
    terms all = {.count = 0};
    int64_t captions = 0;
    int rare = 0;
    *out = NULL;
    split(&all, text);
    if (all.count == 0) return GLIMPSE_OK;
    size_t capacity = 2 * strlen(text) + all.count * sizeof " OR \"\"*" + 1;
    char *expression = malloc(capacity), *to = expression;
    if (!expression) return glimpse_fail_nomem(capacity, "a text query");
    int status = glimpse_db_integer(db, &captions, "SELECT count(*) FROM caption", "");
    for (size_t i = 0; i < all.count && status == GLIMPSE_OK; i++) {
        term *t = &all.list[i];
        status = count_captions(db, t, expression);
        rare |= t->captions > 0 && 2 * t->captions <= captions;
    }
    if (status < 0) {
        free(expression);
        return status;
    }
    *to = '\0';
    for (size_t i = 0; i < all.count; i++) {
        const term *t = &all.list[i];
        if (t->captions == 0 || (rare && 2 * t->captions > captions)) continue;
        if (to > expression) to = stpcpy(to, " OR ");
        to = append_term(to, t);
    }
    if (to == expression) {
        free(expression);
        return GLIMPSE_OK;
    }
    *out = expression;
    return GLIMPSE_OK;
}

int glimpse_captions_match(glimpse_store *store, const char *text, glimpse_caption_match_fn visit,
                           void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    char *expression = NULL;
    glimpse_db_enter(db);
    int status = glimpse_captions_expression(db, text, &expression);
    if (status == GLIMPSE_OK && expression) {
        status = glimpse_db_query(db, &row,
                                  "SELECT p.picture_id, p.id, -t.rank FROM caption_text t"
                                  " CROSS JOIN caption p ON p.id = t.rowid"
                                  " WHERE t.caption_text MATCH ?1 ORDER BY t.rank",
                                  "t", expression);
        while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
            status = visit(user, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1),
                           sqlite3_column_double(row, 2));
        }
        glimpse_db_reset(row);
    }
    glimpse_db_leave(db);
    free(expression);
    if (status == GLIMPSE_E_CORRUPT) {
        return glimpse_fail_context(status, "the captions' text index (%s makes it anew)",
                                    glimpse_wording("glimpse_library_reindex", NULL));
    }
    return status > 0 ? GLIMPSE_OK : status;
}
