/*
 * session_pages.c - what a page token belongs to.
 *
 * Its hash is over everything that the order depends on; how many results a page has is not among
 * that, so that pages may be of different sizes.
 */
#include "session_pages.h"

#include "core/error.h"

#include <string.h>

static void add_number(glimpse_hasher *to, double value) {
    glimpse_hasher_update(to, &value, sizeof value);
}

/* With its NUL; nothing and "" differ. */
static void add_text(glimpse_hasher *to, const char *text) {
    glimpse_hasher_update(to, text ? "+" : "-", 1);
    if (text) glimpse_hasher_update(to, text, strlen(text) + 1);
}

/* As queries are read: it does not matter how a shell cut the words. */
static void add_words(glimpse_hasher *to, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        glimpse_hasher_update(to, " ", 1);
        glimpse_hasher_update(to, words[i], strlen(words[i]));
    }
    glimpse_hasher_update(to, "", 1);
}

static void add_texts(glimpse_hasher *to, const char *const *texts, size_t count) {
    add_number(to, (double)count);
    for (size_t i = 0; i < count; i++)
        add_text(to, texts[i]);
}

static int hash_of(glimpse_hash *out, const session_query *query) {
    const glimpse_search_options *search = query->search;
    const glimpse_find_options *options = query->options;
    glimpse_hasher *to = glimpse_hasher_create();
    if (!to) return glimpse_fail_nomem(64, "a page token");
    add_text(to, query->kind);
    add_words(to, query->words, query->count);
    add_text(to, query->fingerprint);
    add_texts(to, search->within, search->within_count);
    add_text(to, search->after);
    add_text(to, search->before);
    add_number(to, query->min_score);
    add_number(to, options->relevance);
    add_number(to, options->all_scores);
    add_texts(to, search->labels, search->label_count);
    add_text(to, search->where);
    add_number(to, search->whole_only);
    add_number(to, search->collapse);
    add_number(to, options->with_self);
    add_number(to, options->region.x);
    add_number(to, options->region.y);
    add_number(to, options->region.width);
    add_number(to, options->region.height);
    *out = glimpse_hasher_finish(to);
    return GLIMPSE_OK;
}

int glimpse_session_load_page(glimpse_search_page *page, int *has_page,
                              const session_query *query) {
    glimpse_hash hash;
    *has_page = query->options->page_token != NULL;
    if (!*has_page) return GLIMPSE_OK;
    int status = hash_of(&hash, query);
    return status < 0 ? status : glimpse_page_from_token(page, query->options->page_token, &hash);
}

int glimpse_session_make_token(char token[GLIMPSE_PAGE_TOKEN_BYTES],
                               const glimpse_search_page *page, const session_query *query) {
    glimpse_hash hash;
    *token = '\0';
    if (!page) return GLIMPSE_OK;
    int status = hash_of(&hash, query);
    if (status == GLIMPSE_OK) glimpse_page_to_token(token, page, &hash);
    return status;
}
