/*
 * rerank_run.h - the best pictures of a list looked at again by a vision-language model.
 *
 *     reranking r = {0};
 *     code = rerank_look(&v, "a red ball left of a cube", pictures, count, &r);
 *     glimpse_rerank(order, first, r.scores, count, weight);
 *     ... r.probabilities[i], r.reasons[i] ...
 *     rerank_free(&r);
 */
#ifndef GLIMPSE_TOOLS_RERANK_RUN_H
#define GLIMPSE_TOOLS_RERANK_RUN_H

#include "vlm_session.h"

typedef struct rerank_picture {
    const char *path;
    const char *id; /* content id when it is surely that of the file as it is now, else NULL */
} rerank_picture;

/* Each [count]. */
typedef struct reranking {
    size_t count, failed;
    double *probabilities; /* that the text describes the picture; NaN where there is none */
    /* What glimpse_rerank takes: of a native model the logit of the probability, which tells
     * near-certain pictures apart; of a remote one, whose numbers are round, the probability. */
    double *scores;
    char **reasons; /* why there is none, else NULL */
} reranking;

/* Weight and depth when nothing is said; docs/rerank.md has the measurements. */
#define RERANK_WEIGHT 0.7
enum { RERANK_DEPTH = 50 };

/* `v` is open. CLI_RUN also when pictures have no score; an exit code when nothing can go on. */
int rerank_look(const vlm_session *v, const char *text, const rerank_picture *pictures,
                size_t count, reranking *out);
void rerank_free(reranking *r);

/* The id of a result when its file has the size and the time it was indexed with, else NULL. */
const char *rerank_sure_id(const glimpse_result *result);

#endif
