/*
 * glimpse/session_blip.h - BLIP models on picture files with a session: captions, matches and
 * answers with their tokens, log-probabilities and scores.
 *
 *     static int each(void *user, const glimpse_blip_record *record) {
 *         if (record->problem) fprintf(stderr, "%s: %s\n", record->path, record->problem);
 *         else puts(glimpse_blip_result_get(record->result, 0)->text);
 *         return 0;
 *     }
 *     const char *paths[] = {"a.jpg", "b.jpg"};
 *     glimpse_session_blip_caption(session, paths, 2, NULL, each, NULL);
 *
 * Where the words alone are wanted, also of a remote model, and kept for the next time:
 * glimpse_session_caption and glimpse_session_ask (glimpse/session_vlm.h). Here every picture is
 * decoded (all its pixels) and looked at anew, and no library is needed.
 *
 * A picture that cannot be used is a record with a problem and stops nothing. A model stays open in
 * the session, with the session's precision and backend, once it was used.
 *
 * Threads: as the session.
 */
#ifndef GLIMPSE_SESSION_BLIP_H
#define GLIMPSE_SESSION_BLIP_H

#include <glimpse/library.h>
#include <glimpse/session.h>
#include <glimpse/sys/blip.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_session_blip_options {
    size_t size;       /* GLIMPSE_SESSION_BLIP_OPTIONS_INIT sets it */
    const char *model; /* a directory, or a name as glimpse_session_vlm_spec takes it; NULL: the
                          default one, of the demo VLM the part that fits */
    const glimpse_blip_generation *generation; /* captions, answers; NULL: the model's defaults */
    const char *prompt;                        /* captions: what they begin with; may be NULL */
    glimpse_blip_role role;        /* matches, answers: how a text begins, _CLS or _ENC */
    const char *const *candidates; /* [candidate_count] answers: rate these, write none */
    size_t candidate_count;
    glimpse_progress_fn progress; /* "pictures described", ... */
    int (*cancelled)(void *user); /* asked between batches, pictures and questions */
    void *user;                   /* for both */
} glimpse_session_blip_options;

static inline glimpse_session_blip_options glimpse_session_blip_options_init(void) {
    glimpse_session_blip_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_SESSION_BLIP_OPTIONS_INIT glimpse_session_blip_options_init()

/* A candidate for an answer. */
typedef struct glimpse_blip_rating {
    const char *text;
    double sum;         /* log-probability of its tokens */
    double probability; /* among the candidates */
} glimpse_blip_rating;

/* What came of a picture, or of a picture and a text. All is valid during the callback. */
typedef struct glimpse_blip_record {
    size_t picture; /* which of the paths */
    const char *path;
    const char *problem; /* why the picture cannot be used, without its path; then no more than this
                            is set */
    int status;          /* that of the problem, else GLIMPSE_OK */
    size_t text_index;   /* matches, answers: which text or question */
    const char *text;    /* that one; NULL for captions */
    int truncated;       /* 1: the text was longer than the model reads */
    const glimpse_blip_result *result;  /* captions, answers that were written */
    float logits[2];                    /* matches: {no match, match}, */
    double probability;                 /* softmax(logits)[match] */
    double cosine;                      /* and ITC; its text always begins with [CLS] */
    const glimpse_blip_rating *ratings; /* [rating_count] the candidates, the likeliest first */
    size_t rating_count;
} glimpse_blip_record;

/* In the order of the pictures, and for one in that of the texts; a picture with a problem comes
 * once. A non-zero return stops, and the call returns GLIMPSE_E_CANCELLED. */
typedef int (*glimpse_blip_record_fn)(void *user, const glimpse_blip_record *record);

/* The model of `kind` that `chosen` (as in the options) means, opened once and borrowed until the
 * session is closed. GLIMPSE_E_NOT_FOUND when there is none, GLIMPSE_E_UNSUPPORTED for a remote
 * model and one of another kind. */
GLIMPSE_API int glimpse_session_blip(const glimpse_blip **model, glimpse_session *session,
                                     const char *chosen, glimpse_blip_kind kind);

/* The calls fail as glimpse_session_blip does, with GLIMPSE_E_INVALID for settings that the model
 * cannot keep, and with GLIMPSE_E_CANCELLED. `options` may be NULL. */
/* Captions of `paths` [count]; a few pictures are described together. */
GLIMPSE_API int glimpse_session_blip_caption(glimpse_session *session, const char *const *paths,
                                             size_t count,
                                             const glimpse_session_blip_options *options,
                                             glimpse_blip_record_fn each, void *user);
/* How well `texts` [text_count] describe each picture: a record a pair. */
GLIMPSE_API int glimpse_session_blip_match(glimpse_session *session, const char *const *paths,
                                           size_t count, const char *const *texts,
                                           size_t text_count,
                                           const glimpse_session_blip_options *options,
                                           glimpse_blip_record_fn each, void *user);
/* Answers to `questions` [question_count] about each picture: a record a pair. */
GLIMPSE_API int glimpse_session_blip_answer(glimpse_session *session, const char *const *paths,
                                            size_t count, const char *const *questions,
                                            size_t question_count,
                                            const glimpse_session_blip_options *options,
                                            glimpse_blip_record_fn each, void *user);

#ifdef __cplusplus
}
#endif
#endif
