/*
 * search_private.h - a search while it runs, for the parts it is made of: by vector (search.c) and
 * together with captions (fusion.c).
 */
#ifndef GLIMPSE_INDEX_SEARCH_PRIVATE_H
#define GLIMPSE_INDEX_SEARCH_PRIVATE_H

#include "filter.h"
#include "results.h"
#include "store_private.h"

typedef struct glimpse_search {
    glimpse_db *db;
    glimpse_vectors *vectors;
    glimpse_filter filter;
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
    size_t count, room;
    glimpse_ranked *ranked; /* [ranked_count] the order to show */
    size_t ranked_count;
} glimpse_search;

/* For qsort(): best first; ties by hash, then size: an order that does not depend on when a picture
 * came. */
int glimpse_search_compare(const void *a, const void *b);

/* Scores the row at `position` of the index and appends its content to `found` if it passes. */
int glimpse_search_consider(glimpse_search *s, size_t position);

/* `found` is ranked by cosine: makes `ranked` of it and of the captions. */
int glimpse_search_fuse(glimpse_search *s);

#endif
