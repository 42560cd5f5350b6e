/*
 * glimpse/session_vlm.h - asking a vision-language model (VLM) with a session: questions, captions,
 * two pictures compared, documents read; and the model itself.
 *
 *     static int each(void *user, const glimpse_vlm_request *request,
 *                     const glimpse_vlm_answer *answer) {
 *         printf("%s: %s\n", request->pictures[0].path, answer->text);
 *         return 0;
 *     }
 *     const char *paths[] = {"a.jpg", "b.jpg"};
 *     glimpse_session_ask(NULL, session, "is it raining?", paths, 2, NULL, each, NULL);
 *
 *     glimpse_caption_options options = GLIMPSE_CAPTION_OPTIONS_INIT;  // glimpse/captioning.h
 *     glimpse_captioning *captions = NULL;
 *     options.store = 1;
 *     glimpse_session_caption(&captions, session, NULL, 0, &options);  // the whole library
 *     glimpse_captioning_free(captions);
 *
 * Which model that is, its prompts and its response cache: glimpse/vlm_settings.h. Where there is
 * a library, answers are kept in it; one that the session's options name must be there, but for
 * documents. That a picture cannot be read, a server is down or the model declines is an answer
 * with an outcome, and no failure of the call (glimpse/sys/vlm.h).
 *
 * Threads: as the session. Storing captions waits for the session's other writer.
 */
#ifndef GLIMPSE_SESSION_VLM_H
#define GLIMPSE_SESSION_VLM_H

#include <glimpse/captioning.h>
#include <glimpse/reading.h>
#include <glimpse/session.h>
#include <glimpse/sys/fingerprint.h>
#include <glimpse/vlm_settings.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Questions.
 */
typedef struct glimpse_ask_options {
    size_t size;                     /* GLIMPSE_ASK_OPTIONS_INIT sets it */
    const glimpse_vlm_settings *vlm; /* NULL: the default model */
    int together;                    /* 1: one question about all pictures (remote models) */
    glimpse_progress_fn progress;    /* "asking" */
    int (*cancelled)(void *user);
    void *user; /* for both */
} glimpse_ask_options;

static inline glimpse_ask_options glimpse_ask_options_init(void) {
    glimpse_ask_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_ASK_OPTIONS_INIT glimpse_ask_options_init()

typedef struct glimpse_ask_report {
    size_t size;         /* GLIMPSE_ASK_REPORT_INIT sets it */
    glimpse_vlm_use vlm; /* its strings live as long as the session */
} glimpse_ask_report;

static inline glimpse_ask_report glimpse_ask_report_init(void) {
    glimpse_ask_report report;
    memset(&report, 0, sizeof report);
    report.size = sizeof report;
    return report;
}
#define GLIMPSE_ASK_REPORT_INIT glimpse_ask_report_init()

/* An answer, in the order of the pictures; both are valid during the call. 0: go on; above 0: stop,
 * and the call returns GLIMPSE_E_CANCELLED; a negative status: the call stops and fails with it. It
 * is not called again after it stopped. */
typedef int (*glimpse_ask_fn)(void *user, const glimpse_vlm_request *request,
                              const glimpse_vlm_answer *answer);

/* Asks `question` about each of `paths` [count], or with `together` about all at once (at most
 * GLIMPSE_VLM_MAX_PICTURES). `each` gets an answer as soon as those before it are there; when the
 * call was stopped otherwise than by `each`, also those that came out of turn. `report` may be
 * NULL. */
GLIMPSE_API int glimpse_session_ask(glimpse_ask_report *report, glimpse_session *session,
                                    const char *question, const char *const *paths, size_t count,
                                    const glimpse_ask_options *options, glimpse_ask_fn each,
                                    void *user);

/*
 * Captions.
 */
/* Captions for `paths` [count] (files and directories), or when that is 0 for the library's
 * pictures. Unlike elsewhere, *out is there after most failures too, with what there is (captions
 * that were paid for); it may be NULL then. Free it in any case.
 * GLIMPSE_E_NOT_FOUND without a library where one is needed (`store`, `missing`, `stored`, or no
 * paths), without a model, and without a prompt; GLIMPSE_E_UNSUPPORTED for a model that writes no
 * captions; GLIMPSE_E_CANCELLED. That pictures have no caption is no failure. */
GLIMPSE_API int glimpse_session_caption(glimpse_captioning **out, glimpse_session *session,
                                        const char *const *paths, size_t count,
                                        const glimpse_caption_options *options);

/*
 * Two pictures.
 */
typedef struct glimpse_compare_options {
    size_t size;                     /* GLIMPSE_COMPARE_OPTIONS_INIT sets it */
    int offline;                     /* 1: no VLM is asked */
    const glimpse_vlm_settings *vlm; /* who tells it in words: a remote model. Without a spec in it,
                                        in $GLIMPSE_VLM and in the configuration file nobody does */
    int (*cancelled)(void *user);
    void *user;
} glimpse_compare_options;

static inline glimpse_compare_options glimpse_compare_options_init(void) {
    glimpse_compare_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_COMPARE_OPTIONS_INIT glimpse_compare_options_init()

typedef struct glimpse_compared {
    const char *path;
    char id[33];            /* content id */
    uint32_t width, height; /* as stored */
    const char *format;     /* "JPEG" */
    const char *taken;      /* "2021-05-30T14:03:59" or "" */
} glimpse_compared;

typedef struct glimpse_compared_pair {
    glimpse_compared pictures[2];
    int same_bytes;
    glimpse_comparison pixels;        /* glimpse/sys/fingerprint.h */
    int orientation;                  /* EXIF, 1..8, that takes the second to the first; 1: none */
    double cosine;                    /* of the embeddings */
    const char *model;                /* that made them, for people */
    const glimpse_vlm_answer *answer; /* of GLIMPSE_VLM_JSON_COMPARE; NULL: nobody was asked */
    const char *not_asked;            /* then: why */
    glimpse_vlm_use vlm;
    /* What the answer says; nothing where it has no `json`. */
    const char *const *similarities; /* [similarity_count] */
    const char *const *differences;  /* [difference_count] */
    size_t similarity_count, difference_count;
    const char *same; /* object or scene: "yes" or "no"; NULL: the model cannot tell */
    /* Where the pictures differ at full size, when they show the same view; the verdict of `pixels`
     * follows it. Zeros otherwise. */
    glimpse_detail detail;
} glimpse_compared_pair;

/* As pixels, as the CLIP model sees them and, where a VLM was chosen, in words. A native VLM looks
 * at one picture at a time: GLIMPSE_E_UNSUPPORTED when the settings name one. */
GLIMPSE_API int glimpse_session_compare(glimpse_compared_pair **out, glimpse_session *session,
                                        const char *a, const char *b,
                                        const glimpse_compare_options *options);
GLIMPSE_API void glimpse_compared_pair_free(glimpse_compared_pair *pair);

/*
 * Documents.
 */
/* The pages of the document `path` that are about `question`, and the answer of a VLM that was
 * shown them (glimpse/reading.h). GLIMPSE_E_NOT_FOUND also when a program that reads documents is
 * not installed (glimpse/sys/document.h). */
GLIMPSE_API int glimpse_session_read(glimpse_reading **out, glimpse_session *session,
                                     const char *path, const char *question,
                                     const glimpse_reading_options *options);

/*
 * The model, for calls that are not there.
 */
/* The spec of the model that `chosen` (NULL or "": nothing) and the defaults mean, directories as
 * paths; it lives as long as the session. `part` of the demo VLM, where nothing was chosen: "vqa",
 * "caption", "itm"; NULL: "vqa". GLIMPSE_E_NOT_FOUND when there is none. */
GLIMPSE_API int glimpse_session_vlm_spec(const char **spec, glimpse_session *session,
                                         const char *chosen, const char *part);
/* 1 when the model that is used where none is chosen is a remote one. */
GLIMPSE_API int glimpse_session_vlm_default_is_remote(glimpse_session *session);

/* The models that `settings` (NULL: all defaults) mean, borrowed from the session until it is
 * closed. `second` may be NULL; *second is NULL without a second tier. */
GLIMPSE_API int glimpse_session_vlm(glimpse_vlm **vlm, glimpse_vlm **second,
                                    glimpse_session *session, const glimpse_vlm_settings *settings,
                                    const char *part);

/* The prompt NAME ("ask", "caption-short") with `text` filled in (glimpse_vlm_fill); release it
 * with glimpse_free(). GLIMPSE_E_INVALID for a name with a "/" in it. */
GLIMPSE_API int glimpse_session_prompt(char **out, glimpse_session *session, const char *name,
                                       const char *text);

#ifdef __cplusplus
}
#endif
#endif
