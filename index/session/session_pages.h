/*
 * session_pages.h - pages of a search, from token to token.
 */
#ifndef GLIMPSE_INDEX_SESSION_PAGES_H
#define GLIMPSE_INDEX_SESSION_PAGES_H

#include "page.h"

#include <glimpse/session_search.h>

/* A search as far as its order depends on it. */
typedef struct session_query {
    const char *kind;         /* of the call */
    const char *const *words; /* [count] */
    size_t count;
    const char *fingerprint; /* of the model */
    const glimpse_find_options *options;
    const glimpse_search_options *search;
    double min_score; /* as it was asked for: the one of `search` goes up to the cut-off */
} session_query;

/* *page is set from options->page_token; *has_page 0 without one. GLIMPSE_E_INVALID for a token
 * that is none, or not of this query. */
int glimpse_session_load_page(glimpse_search_page *page, int *has_page, const session_query *query);
/* A token for `page`, or "" for none. */
int glimpse_session_make_token(char token[GLIMPSE_PAGE_TOKEN_BYTES],
                               const glimpse_search_page *page, const session_query *query);

#endif
