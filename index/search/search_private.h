/*
 * search_private.h - a search while it runs, for the parts it is made of: candidates and their
 * scores (candidates.c), the ranking together with captions (fusion.c), the search itself
 * (search.c).
 */
#ifndef GLIMPSE_INDEX_SEARCH_PRIVATE_H
#define GLIMPSE_INDEX_SEARCH_PRIVATE_H

#include "page.h"
#include "results.h"

/* A picture that joined a leader. */
typedef struct glimpse_other {
    size_t leader, place; /* numbers */
    glimpse_candidate candidate;
} glimpse_other;

typedef struct glimpse_search {
    glimpse_store *store;
    glimpse_model_info model;
    const glimpse_vectors *vectors; /* of whole pictures; NULL: they are read from the catalogue */
    const glimpse_vectors *parts;   /* and of their parts; NULL: these are not asked */
    double parts_rest; /* cosine that no part has which the index did not tell; -INFINITY: all are
                          told */
    int whole_only;
    glimpse_filter *filter;
    const float *query; /* [dim], unit length */
    float *row;         /* [dim] */
    size_t k;           /* pictures ranked by cosine */
    size_t wanted;      /* results asked for */
    int counts;         /* 1: everything that scores at least min_score is wanted, whatever k */
    const glimpse_search_page *page; /* that they are of; NULL: the first */
    size_t dim;
    double min_score;
    int has_excluded;
    glimpse_hash excluded;
    const char *const *labels; /* [label_count] that a picture must have */
    size_t label_count;
    const char *captions; /* words, or NULL */
    double captions_weight;
    glimpse_candidate *found;
    size_t count, capacity;
    glimpse_ranked *ranked; /* [ranked_count] the order to show */
    size_t ranked_count;
    /* Stages behind the ranking (groups.c). */
    int collapse, diverse;
    double diverse_lambda;
    glimpse_other *others; /* [other_count] of what is ranked, by leader */
    size_t other_count, other_capacity;
    glimpse_search_place group_start; /* of the next page */
    uint64_t leaders_digest;          /* of the pages before */
} glimpse_search;

/* For qsort(): best first; ties by hash, then size: an order that does not depend on when a picture
 * came. */
int glimpse_search_compare(const void *a, const void *b);

/* A picture, or a part of one, with the row of its vectors. */
typedef struct glimpse_search_row {
    int64_t content, row;
    uint32_t part;
    double score; /* out: of the content */
} glimpse_search_row;

/* Scores the contents of these rows and appends those that pass to `found`. Changes `rows`; without
 * parts they are kept in their order. */
int glimpse_search_consider(glimpse_search *s, glimpse_search_row *rows, size_t count);
/* Scores all parts of one content and appends it if it passes. */
int glimpse_search_consider_content(glimpse_search *s, int64_t content);
/* Opens what a search reads: vectors and the filter, which is to be closed. In a read. */
int glimpse_search_open(glimpse_search *s, const glimpse_model_key *key,
                        const glimpse_search_options *options);
/* Finds by the indexes; *final is 0 when scoring everything is the better way. */
int glimpse_search_ask_index(glimpse_search *s, int *final);
/* Scores every content that passes the filter; `found` is sorted. */
int glimpse_search_consider_all(glimpse_search *s);

/* `found` is ranked by cosine: makes `ranked` of it and of the captions. */
int glimpse_search_fuse(glimpse_search *s);

/* `ranked` becomes the leaders behind the page before, `limit` of them at most. */
int glimpse_search_collapse(glimpse_search *s, size_t limit);
/* Of those and the first `count` of `ranked`. */
uint64_t glimpse_search_leaders_digest(const glimpse_search *s, size_t count);
/* `ranked` becomes `wanted` of its first `depth`, in an order that does not repeat itself. */
int glimpse_search_diversify(glimpse_search *s, size_t depth);

/* The public calls of these names, for a model that is known by its key. */
int glimpse_library_search_key(glimpse_results **out, glimpse_library *library,
                               const glimpse_model_key *key, const float *query,
                               const glimpse_search_options *options);
int glimpse_library_search_page_key(glimpse_results **out, glimpse_library *library,
                                    const glimpse_model_key *key, const float *query,
                                    const glimpse_search_options *options,
                                    const glimpse_search_page *page);
int glimpse_library_embedding_key(float *embedding, char *id, glimpse_library *library,
                                  const glimpse_model_key *key, const char *path_or_id);
int glimpse_library_visit_key(glimpse_library *library, const glimpse_model_key *key,
                              const glimpse_search_options *filter, glimpse_visit_fn visit,
                              void *user);
/* The filters among `given` (NULL: none), checked and opened. */
int glimpse_search_open_filter(glimpse_filter **out, glimpse_store *store,
                               const glimpse_search_options *given);

#endif
