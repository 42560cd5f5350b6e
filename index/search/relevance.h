/*
 * relevance.h - how much a score means in this library: a background of what neutral prompts and
 * the library's own pictures reach on it, and a query's relevance, 0 to 1, by that. The formula is
 * in <glimpse/session_search.h>, the constants in relevance.c, and docs/relevance.md has where
 * they come from.
 *
 *     glimpse_background *background = NULL;
 *     glimpse_background_create(&background, dim, prompt_count);
 *     ... the embeddings of the prompts into background->prompts ...
 *     glimpse_background_measure(background, &searched);           // in a read transaction
 *     glimpse_relevance relevance;
 *     glimpse_relevance_judge(&relevance, background, &searched, &query);
 *     glimpse_relevance_of(&relevance, score);
 *
 * A background is derived: from the prompts, which cost a text tower's time, and from a sample of
 * the library, which costs a pass over at most GLIMPSE_BACKGROUND_SAMPLE vectors.
 */
#ifndef GLIMPSE_INDEX_RELEVANCE_H
#define GLIMPSE_INDEX_RELEVANCE_H

#include "library_private.h"

enum {
    GLIMPSE_BACKGROUND_SAMPLE = 4096,   /* pictures that are looked at, however many there are */
    GLIMPSE_BACKGROUND_REFERENCES = 256 /* of these are queries, for queries that are pictures */
};

/* Of queries of a kind. */
typedef struct glimpse_background_scale {
    double width; /* deviation of one query's scores over the sample, the root of the mean square */
    double top;   /* median of their best scores */
    double typical; /* texts: median over the pictures of the score of the tenth best prompt */
    double lift;    /* how much parts add to a score, the mean */
} glimpse_background_scale;

typedef struct glimpse_prompt_scores { /* of one prompt, over the sample */
    float mean, deviation, top;
} glimpse_prompt_scores;

typedef struct glimpse_background {
    size_t dim, prompt_count;
    float *prompts;                /* [prompt_count][dim] as stored: f16 */
    glimpse_prompt_scores *scores; /* [prompt_count] */
    float *mean;                   /* [dim] of the sample */
    uint64_t pictures;             /* of the library, when it was measured; 0: not yet */
    uint64_t parts;                /* likewise, of its pictures; 0: it had none */
    glimpse_background_scale texts, references;
} glimpse_background;

/* What is searched, in a read transaction. */
typedef struct glimpse_searched {
    glimpse_store *store;
    const glimpse_store_ops *ops;
    int64_t model;
    const glimpse_vectors *wholes, *parts; /* parts: NULL where the library has none */
} glimpse_searched;

int glimpse_background_create(glimpse_background **out, size_t dim, size_t prompt_count);
void glimpse_background_free(glimpse_background *background); /* NULL is fine */

/* Everything but the prompts. */
int glimpse_background_measure(glimpse_background *background, const glimpse_searched *in);
/* 0 when the library has grown or shrunk by more than a tenth since, or has parts since. */
int glimpse_background_is_current(const glimpse_background *background, uint64_t pictures,
                                  uint64_t parts);

/* As bytes (malloc'ed), and back: GLIMPSE_E_FORMAT when they are no background of this version, of
 * `dim`. */
int glimpse_background_pack(void **data, size_t *size, const glimpse_background *background);
int glimpse_background_unpack(glimpse_background **out, const void *data, size_t size, size_t dim);

/* 1 / (1 + exp(-(offset + slope * score))); slope is above 0. */
typedef struct glimpse_relevance {
    double offset, slope;
} glimpse_relevance;

typedef struct glimpse_relevance_query {
    const float *vector;   /* [dim] of unit length: what pictures are ranked by */
    const float *wordings; /* [dim] mean of the query in several wordings; not looked at where
                              `pictures` is 1 */
    double pictures;       /* 0 to 1: the share that pictures have in it */
    int64_t excluded;      /* the picture that the query is of, which is not shown; 0: none */
} glimpse_relevance_query;

int glimpse_relevance_judge(glimpse_relevance *out, const glimpse_background *background,
                            const glimpse_searched *in, const glimpse_relevance_query *query);
double glimpse_relevance_of(const glimpse_relevance *relevance, double score);
/* The lowest score that is no less relevant than that. */
double glimpse_relevance_score(const glimpse_relevance *relevance, double cutoff);

/* How many pictures pass the filters of `options` and options->min_score. Beyond
 * GLIMPSE_COUNT_LIMIT not all are looked at: *more is 1 then. */
enum { GLIMPSE_COUNT_LIMIT = 16384 };
int glimpse_library_count_key(uint64_t *count, int *more, glimpse_library *library,
                              const glimpse_model_key *key, const float *query,
                              const glimpse_search_options *options);

#endif
