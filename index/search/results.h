/*
 * results.h - from a content and its score to what a person is shown.
 */
#ifndef GLIMPSE_INDEX_RESULTS_H
#define GLIMPSE_INDEX_RESULTS_H

#include "core/hash.h"
#include "library_private.h"
#include "page.h"

typedef struct glimpse_candidate {
    int64_t content;
    uint32_t part; /* that the score is of; 0: the whole */
    double score;  /* cosine */
    glimpse_hash hash;
    uint64_t size;
} glimpse_candidate;

/* Keeps the first `count` of them. */
void glimpse_results_cut(glimpse_results *results, size_t count);
/* Ranks begin behind `ranked_before`. */
int glimpse_results_create(glimpse_results **out, size_t capacity, uint64_t ranked_before);
/* What is behind them. */
void glimpse_results_set_next_page(glimpse_results *results, const glimpse_search_page *next);

/* Which roots can be reached, looked up once per search. */
typedef struct glimpse_availability {
    glimpse_store *store;
    glimpse_root *roots;
    int *looked; /* 0: not yet, 1: reachable, -1: not */
    size_t count;
} glimpse_availability;
int glimpse_availability_init(glimpse_availability *availability, glimpse_store *store);
void glimpse_availability_free(glimpse_availability *availability);
/* 1 when the root of `path` was offline when last indexed. */
int glimpse_availability_was_offline(const glimpse_availability *availability, const char *path);
/* 1 when the root of `path` cannot be reached now. */
int glimpse_availability_is_offline(glimpse_availability *availability, const char *path);

/* The tags and albums of a content: lists that are the caller's to free, of texts in `strings`. */
int glimpse_results_add_names(glimpse_result *item, glimpse_store *store, glimpse_strings *strings,
                              int64_t content);

/* A content as a search ranked it; fields as in glimpse_result. */
typedef struct glimpse_ranked {
    glimpse_candidate candidate;
    double fused, caption_score;
    size_t vector_rank, caption_rank;
    int64_t caption;               /* row id, 0: none */
    size_t first_other, collapsed; /* in what the search keeps of them */
} glimpse_ranked;

/* Appends a content, described by the best of its files that pass the filter: one that exists if
 * any does. Only files that may be shown are looked at on the disk. */
int glimpse_results_append(glimpse_results *results, glimpse_store *store,
                           glimpse_availability *availability, const glimpse_filter *filter,
                           const glimpse_ranked *ranked);
/* The path of a further picture that the last of the results stands for; GLIMPSE_OTHERS_MAX at most
 * are kept. */
int glimpse_results_add_other(glimpse_results *results, glimpse_store *store,
                              glimpse_availability *availability, const glimpse_filter *filter,
                              int64_t content);

#endif
