/*
 * session_several.h - several models in one session, and their rankings as one.
 */
#ifndef GLIMPSE_SESSION_SEVERAL_H
#define GLIMPSE_SESSION_SEVERAL_H

#include "session_hits.h"

/*
 * The models of "A+B". Each is opened and kept by a session of its own that has no library and is
 * closed with the one it belongs to: models and encoders come from these, the library from that.
 */
typedef struct session_parts {
    size_t count; /* 0: one model, the session's */
    glimpse_session *sessions[GLIMPSE_MAX_MODELS];
    const char *names[GLIMPSE_MAX_MODELS]; /* as they were said; live as long as the session */
} session_parts;

/* GLIMPSE_E_NOT_FOUND, with its name, for one that is not there. */
int glimpse_session_load_parts(session_parts *out, glimpse_session *session);
/* One of them by name, whatever the session's model is; *path (may be NULL) is where it is. */
int glimpse_session_load_part(glimpse_session **out, const char **path, glimpse_session *session,
                              const char *name);

/* GLIMPSE_E_NOT_FOUND, saying so: nothing was indexed with the model of this name; `dimensions`: as
 * vectors of so many numbers, where that was asked for. */
int glimpse_session_fail_uncovered(const glimpse_library *library, const glimpse_model *model,
                                   const char *name);

/* Makes the query's vectors for one of the models (malloc'ed, [2][E]: what is searched for, and
 * behind it the mean of its wordings, which is not set for a picture) and says which model that
 * is. */
typedef int (*session_vector_fn)(void *user, float **vector, const glimpse_model **model,
                                 glimpse_session *part, glimpse_library *library);

/* What is left out for its relevance (session_relevance.h), for the session itself. */
typedef struct session_cut {
    glimpse_session *session;
    double pictures;        /* their share in the query */
    const char *exclude_id; /* of the picture that is not shown; "" or NULL: none */
    double cutoff;
    int all_scores; /* nothing is */
    const session_control *control;
} session_cut;

/* Searches with each of `parts` and fuses the ranks; the first `k` of the order. All vectors are
 * made before the first search, so that making them may find out search->exclude_id. */
int glimpse_hits_of_several(glimpse_hits **out, const session_parts *parts,
                            glimpse_library *library, const glimpse_search_options *search,
                            size_t k, const session_cut *cut, session_vector_fn make_vector,
                            void *user);

#endif
