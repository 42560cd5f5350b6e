/*
 * glimpse/session_compare_models.h - several models on the same queries and the same library: their
 * first results side by side, how far they agree, how long they take, and which finds more.
 *
 *     glimpse_query_file *file = NULL;                      // glimpse/datasets.h
 *     glimpse_model_comparison *c = NULL;
 *     const char *models[] = {"ViT-B-32-openai", "ViT-B-16-SigLIP2"};
 *     if (glimpse_query_file_load(&file, "queries.txt") < 0) ...
 *     if (glimpse_session_compare_models(&c, session, models, 2, file, NULL) < 0) ...
 *     for (size_t i = 0; i < c->model_count; i++)
 *         printf("%s: %.1f ms\n", c->models[i].name,
 *                1000 * (c->models[i].embed_seconds + c->models[i].search_seconds));
 *     glimpse_model_comparison_free(c);
 *
 * Threads: as the session. A comparison is immutable and does not depend on the session.
 */
#ifndef GLIMPSE_SESSION_COMPARE_MODELS_H
#define GLIMPSE_SESSION_COMPARE_MODELS_H

#include <glimpse/datasets.h>
#include <glimpse/evaluate.h>
#include <glimpse/session.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pictures that the rank correlation looks at, at most. */
enum { GLIMPSE_CORRELATION_PICTURES = 2000 };

typedef struct glimpse_compare_models_options {
    size_t size;               /* GLIMPSE_COMPARE_MODELS_OPTIONS_INIT sets it */
    size_t k;                  /* results of each model; 0: 10 */
    const char *const *within; /* [within_count] only pictures here, as in a search; 0: all */
    size_t within_count;
    unsigned samples;             /* bootstrap samples of recall; 0: no intervals */
    uint64_t seed;                /* of the bootstrap */
    glimpse_progress_fn progress; /* "queries" */
    int (*cancelled)(void *user);
    void *user;
} glimpse_compare_models_options;

static inline glimpse_compare_models_options glimpse_compare_models_options_init(void) {
    glimpse_compare_models_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.k = 10;
    options.samples = 1000;
    options.seed = 2026;
    return options;
}
#define GLIMPSE_COMPARE_MODELS_OPTIONS_INIT glimpse_compare_models_options_init()

typedef struct glimpse_compared_model {
    const char *name; /* as it was said */
    const char *fingerprint;
    size_t pictures;                      /* that it has embeddings of */
    double embed_seconds, search_seconds; /* a query, on average; the first is asked once before */
    glimpse_recall_report recall; /* over the queries that say what fits; recall.queries is 0
                                     when none does. Ranks beyond the first 10 (k when that is
                                     more) count as one more than these: look at recall only */
} glimpse_compared_model;

/* Two of the models, i < k. */
typedef struct glimpse_model_pair {
    size_t first, second;
    double overlap; /* share of the first k results (of the longer list, when it is shorter) that
                       both have; in a comparison, the mean over the queries */
    double correlation; /* Spearman's rho between the orders in which both put the pictures that
                           all the models cover, GLIMPSE_CORRELATION_PICTURES of them with the
                           smallest ids at most, which are a fair sample as ids are hashes; equal
                           scores share their mean rank. NaN below two pictures */
} glimpse_model_pair;

typedef struct glimpse_compared_query {
    const char *text;
    size_t line, truth_count;
    const char *const *truth;              /* [truth_count] content ids, none twice */
    const glimpse_results *const *results; /* [model_count] of at most k */
    const size_t *truth_ranks; /* [model_count] 1 + how many that do not fit are scored at least
                                  as high as the best that fits; 0: it is beyond the first 10 (k
                                  when that is more), or there is none */
    const glimpse_model_pair *pairs; /* [pair_count] of this query */
} glimpse_compared_query;

typedef struct glimpse_model_comparison {
    const glimpse_compared_model *models; /* [model_count] as they were given */
    size_t model_count;
    const glimpse_compared_query *queries; /* [query_count] */
    size_t query_count;
    const glimpse_model_pair *pairs; /* [pair_count] */
    size_t pair_count;
    size_t k;
    size_t common;   /* pictures that all models cover */
    size_t compared; /* of these, those that the correlations are over */
} glimpse_model_comparison;

/* `models` [count] by name or directory, from 2 to GLIMPSE_MAX_MODELS of them, none twice; the
 * session's own model does not matter. GLIMPSE_E_NOT_FOUND when one is not there, has no embedding
 * in the library, or when a picture of `file` is not in the library (with its line);
 * GLIMPSE_E_INVALID for a query that makes no sense. */
GLIMPSE_API int glimpse_session_compare_models(glimpse_model_comparison **out,
                                               glimpse_session *session, const char *const *models,
                                               size_t count, const glimpse_query_file *file,
                                               const glimpse_compare_models_options *options);
GLIMPSE_API void glimpse_model_comparison_free(glimpse_model_comparison *comparison);

#ifdef __cplusplus
}
#endif
#endif
