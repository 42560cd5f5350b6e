/*
 * session_scores.h - the best pictures of a list looked at again by a vision-language model.
 *
 *     session_scores look = {0};
 *     status = glimpse_session_score_pictures(&look, &vlm, "a red ball left of a cube", pictures,
 *                                         count, &control);
 *     glimpse_rerank(order, first, look.scores, count, weight);
 *     ... look.probabilities[i], look.reasons[i] ...
 *     glimpse_session_scores_free(&look);
 */
#ifndef GLIMPSE_SESSION_SCORES_H
#define GLIMPSE_SESSION_SCORES_H

#include "session_internal.h"

typedef struct session_scores_picture {
    const char *path;
    const char *id; /* content id when it is surely that of the file as it is now, else NULL */
} session_scores_picture;

/* Each [count]. */
typedef struct session_scores {
    size_t count, failed;
    double *probabilities; /* that the text describes the picture; NaN where there is none */
    /* What glimpse_rerank takes: of a native model the logit of the probability, which tells
     * near-certain pictures apart; of a remote one, whose numbers are round, the probability. */
    double *scores;
    char **reasons; /* why there is none, else NULL */
    glimpse_vlm_totals totals;
} session_scores;

/* GLIMPSE_OK also when pictures have no score. Free it in any case. */
int glimpse_session_score_pictures(session_scores *out, const session_vlm *vlm, const char *text,
                                   const session_scores_picture *pictures, size_t count,
                                   const session_control *control);
void glimpse_session_scores_free(session_scores *look);

#endif
