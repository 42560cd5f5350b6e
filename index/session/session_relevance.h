/*
 * session_relevance.h - how relevant what a search found is: the background of a model on a
 * library, made where there is none, and what a search's hits are left out by.
 */
#ifndef GLIMPSE_SESSION_RELEVANCE_H
#define GLIMPSE_SESSION_RELEVANCE_H

#include "session_hits.h"

#include "relevance.h"

/* Of one model of a search. */
typedef struct session_judge {
    glimpse_relevance relevance; /* where `why` is NULL */
    const char *why;             /* it cannot be told; lives as long as the session */
} session_judge;

/* A query that is judged. */
typedef struct session_judged {
    const float *vector;    /* [2][E]: of unit length, and the mean of its wordings */
    double pictures;        /* 0 to 1: the share of pictures in it */
    const char *exclude_id; /* of the picture that is not shown; "" or NULL: none */
} session_judged;

/* What has to be made of neutral prompts is made with an encoder of `part` (the session, or the one
 * that is opened for one of several models) and kept in `session`, not in the library. */
int glimpse_session_judge(session_judge *out, glimpse_session *session, glimpse_session *part,
                          glimpse_library *library, const glimpse_model *model,
                          const session_judged *query, const session_control *control);

/* A writer's: sees to it that the library has an up-to-date background of `model`. */
int glimpse_session_write_background(glimpse_session *session, glimpse_library *library,
                                     const glimpse_model *model, const session_control *control);

/* Closing the session. */
void glimpse_session_close_backgrounds(glimpse_session *session);

/* Sets relevance of hits by their cosines, and the summary's best: of one model, or [count] of
 * several, whose ranks the hits have. */
void glimpse_hits_set_relevance(glimpse_hits *hits, const session_judge *judges, size_t count);

#endif
