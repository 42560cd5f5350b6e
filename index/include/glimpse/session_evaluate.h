/*
 * glimpse/session_evaluate.h - how well a session's model finds pictures by their captions, and
 * what a second stage adds to it.
 *
 *     glimpse_retrieval_set set = {images, image_count, texts, text_count, pairs, pair_count};
 *     glimpse_retrieval_options options = GLIMPSE_RETRIEVAL_OPTIONS_INIT;
 *     glimpse_retrieval_evaluation *evaluation = NULL;
 *     options.rerank = 1;
 *     if (glimpse_session_evaluate_retrieval(&evaluation, session, &set, &options) < 0) ...
 *     printf("R@1 %.3f, re-ranked %.3f\n", evaluation->report->text_to_image.recall_at_1.value,
 *            evaluation->rerank->with.at_1);
 *     glimpse_retrieval_evaluation_free(evaluation);
 *
 * Figures are those of glimpse/evaluate.h. Pictures that the session's library knows, and that have
 * not changed, are not decoded again.
 *
 * Threads: as the session.
 */
#ifndef GLIMPSE_SESSION_EVALUATE_H
#define GLIMPSE_SESSION_EVALUATE_H

#include <glimpse/evaluate.h>
#include <glimpse/session.h>
#include <glimpse/session_search.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Picture files, texts, and which fits which: every one of both at least once. */
typedef struct glimpse_retrieval_set {
    const char *const *images;
    size_t image_count;
    const char *const *texts;
    size_t text_count;
    const glimpse_pair *pairs;
    size_t pair_count;
} glimpse_retrieval_set;

typedef struct glimpse_retrieval_options {
    size_t size;       /* GLIMPSE_RETRIEVAL_OPTIONS_INIT sets it */
    unsigned samples;  /* bootstrap samples; 0: no intervals */
    uint64_t seed;     /* of the bootstrap */
    unsigned jobs;     /* threads that decode and encode; 0: the session's */
    int exact_decode;  /* as in glimpse_ingest_options */
    int skip_unusable; /* 1: pictures that cannot be used, and texts that fit no other, are left
                          out; 0: they are a failure */
    /* Re-ranking: every text's best `rerank_depth` pictures are looked at again. */
    int rerank;
    unsigned rerank_depth;
    double rerank_weight;
    const glimpse_vlm_settings *vlm;
    /* Stored captions: every text searches the library, which must know all the pictures. */
    int captions;
    double captions_weight;
    const char *const *within; /* [within_count] of the pictures in the library only these, as in
                                  a search; 0: all */
    size_t within_count;
    glimpse_problem_fn unusable;  /* told of each picture that cannot be used; may be NULL */
    glimpse_progress_fn progress; /* "pictures", "captions", "queries" */
    int (*cancelled)(void *user);
    void *user;
} glimpse_retrieval_options;

static inline glimpse_retrieval_options glimpse_retrieval_options_init(void) {
    glimpse_retrieval_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.samples = 1000;
    options.seed = 2026;
    options.rerank_depth = GLIMPSE_RERANK_DEPTH;
    options.rerank_weight = GLIMPSE_RERANK_WEIGHT;
    options.captions_weight = GLIMPSE_CAPTIONS_WEIGHT;
    return options;
}
#define GLIMPSE_RETRIEVAL_OPTIONS_INIT glimpse_retrieval_options_init()

enum { GLIMPSE_SECOND_WEIGHTS = 11 }; /* 0, 0.1, ... 1 */

typedef struct glimpse_second_recall {
    double at_1, at_5, at_10; /* text to image: shares of the queries */
} glimpse_second_recall;

/* What a second stage is worth: the same queries without and with it. */
typedef struct glimpse_second_figures {
    size_t queries;
    glimpse_second_recall without, with;
    double weight, seconds; /* seconds: for all of them */
    glimpse_second_recall by_weight[GLIMPSE_SECOND_WEIGHTS];
    /* Of re-ranking only. */
    size_t depth, looked_at, failed; /* pairs of query and picture */
    glimpse_vlm_use vlm;
} glimpse_second_figures;

typedef struct glimpse_retrieval_evaluation {
    const glimpse_retrieval_report *report;
    /* What took part, as places in the set; ranks in the report are in this order. */
    const size_t *images, *texts;
    size_t image_count, text_count, pair_count;
    size_t unusable;  /* pictures that could not be used */
    size_t truncated; /* texts that are longer than the model reads */
    const char *model, *fingerprint;
    const glimpse_second_figures *rerank, *captions; /* NULL when not asked for */
} glimpse_retrieval_evaluation;

/* GLIMPSE_E_FORMAT when pictures cannot be used and must be. */
GLIMPSE_API int glimpse_session_evaluate_retrieval(glimpse_retrieval_evaluation **out,
                                                   glimpse_session *session,
                                                   const glimpse_retrieval_set *set,
                                                   const glimpse_retrieval_options *options);
GLIMPSE_API void glimpse_retrieval_evaluation_free(glimpse_retrieval_evaluation *evaluation);

#ifdef __cplusplus
}
#endif
#endif
