/*
 * search_private.h - a search while it runs, for the parts it is made of: candidates and their
 * scores (candidates.c), the ranking together with captions (fusion.c), the search itself
 * (search.c).
 */
#ifndef GLIMPSE_INDEX_SEARCH_PRIVATE_H
#define GLIMPSE_INDEX_SEARCH_PRIVATE_H

#include "results.h"

typedef struct glimpse_search {
    glimpse_store *store;
    const glimpse_vectors *vectors;
    glimpse_filter *filter;
    const float *query; /* [dim], unit length */
    float *row;         /* [dim] */
    size_t k;           /* pictures ranked by cosine */
    size_t wanted;      /* results asked for */
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
} glimpse_search;

/* For qsort(): best first; ties by hash, then size: an order that does not depend on when a picture
 * came. */
int glimpse_search_compare(const void *a, const void *b);

/* Scores the rows of these contents and appends those that pass to `found`, in their order. */
int glimpse_search_consider(glimpse_search *s, const glimpse_vector_hit *hits, size_t count);
/* Scores every content that passes the filter; `found` is sorted. */
int glimpse_search_consider_all(glimpse_search *s);

/* `found` is ranked by cosine: makes `ranked` of it and of the captions. */
int glimpse_search_fuse(glimpse_search *s);

/* The public calls of these names, for a model that is known by its key. */
int glimpse_library_search_key(glimpse_results **out, glimpse_library *library,
                               const glimpse_model_key *key, const float *query,
                               const glimpse_search_options *options);
int glimpse_library_embedding_key(float *embedding, char *id, glimpse_library *library,
                                  const glimpse_model_key *key, const char *path_or_id);
int glimpse_library_visit_key(glimpse_library *library, const glimpse_model_key *key,
                              const glimpse_search_options *filter, glimpse_visit_fn visit,
                              void *user);
/* The filters among `given` (NULL: none), checked and opened. */
int glimpse_search_open_filter(glimpse_filter **out, glimpse_store *store,
                               const glimpse_search_options *given);

#endif
