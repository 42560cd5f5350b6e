/*
 * page.h - results a page at a time.
 *
 * A page begins behind a position of the order: a score and the picture that had it. What was
 * deleted since leaves its position behind, so that nothing is repeated and nothing skipped; what
 * was added since the first page is on none of the following ones, which go by the ids of pictures,
 * never used twice.
 */
#ifndef GLIMPSE_INDEX_SEARCH_PAGE_H
#define GLIMPSE_INDEX_SEARCH_PAGE_H

#include "core/hash.h"

#include <glimpse/library.h>

/* A place in the order: behind this picture. */
typedef struct glimpse_search_place {
    double score;
    glimpse_hash hash;
    uint64_t size;
} glimpse_search_place;

typedef struct glimpse_search_page {
    uint64_t shown; /* results on the pages before; 0: the first page, with nothing below set */
    double score;   /* of the last of them */
    glimpse_hash hash;
    uint64_t size;
    int64_t newest; /* no picture that came later */
    /* Of a search that collapses (groups.c): where its groups begin, and of which leaders they are
     * on the pages before. */
    glimpse_search_place start;
    uint64_t leaders;
} glimpse_search_page;

/* As glimpse_library_search; `page` NULL is the first one. Ranks go on from page to page.
 * GLIMPSE_E_INVALID for a later page of an order that captions have a part in: it goes by ranks,
 * which move when pictures come and go; and of a diverse one, which goes by all that is before. */
int glimpse_library_search_page(glimpse_results **out, glimpse_library *library,
                                const glimpse_model *model, const float *query,
                                const glimpse_search_options *options,
                                const glimpse_search_page *page);
/* The page behind these results: NULL, there is nothing behind them. */
const glimpse_search_page *glimpse_results_next_page(const glimpse_results *results);

/*
 * As text: opaque to people, with a check sum.
 */
enum { GLIMPSE_PAGE_TOKEN_BYTES = 208 };

/* `query`: a hash of all that the order depends on. */
void glimpse_page_to_token(char token[GLIMPSE_PAGE_TOKEN_BYTES], const glimpse_search_page *page,
                           const glimpse_hash *query);
/* GLIMPSE_E_INVALID for what is no token, or one of another query. */
int glimpse_page_from_token(glimpse_search_page *page, const char *token,
                            const glimpse_hash *query);

#endif
