/*
 * session_internal.h - what calls of a session are made of. For the files of index/session, and for
 * those that add calls in headers of their own.
 *
 *     session_lease lease = {0};
 *     session_worker worker = {0};
 *     session_vlm vlm = {0};
 *     int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
 *     if (status == GLIMPSE_OK)
 *         status = glimpse_session_acquire_encoder(&worker, session, GLIMPSE_TOWER_TEXT, 1,
 *                                                  lease.library);
 *     if (status == GLIMPSE_OK)
 *         status = glimpse_session_acquire_vlm(&vlm, session, options->vlm, "itm", lease.library,
 *                                              &control);
 *     ... lease.library, worker.encoder, worker.model, vlm.vlm, vlm.run ...
 *     glimpse_session_release_vlm(&vlm);
 *     glimpse_session_release_encoder(&worker);
 *     glimpse_session_release_library(&lease);
 *
 * Releasing takes zeroed structs, and leaves them zeroed.
 */
#ifndef GLIMPSE_SESSION_INTERNAL_H
#define GLIMPSE_SESSION_INTERNAL_H

#include <glimpse/response_cache.h>
#include <glimpse/session.h>
#include <glimpse/session_vlm.h>

/* A list that grows. */
typedef struct session_list {
    void **items;
    size_t count, capacity;
} session_list;

/* GLIMPSE_OK, or GLIMPSE_E_NOMEM and the item is not in the list. */
int glimpse_session_list_add(session_list *list, void *item);

/* The callbacks of one call, from its options. All may be NULL. */
typedef struct session_control {
    glimpse_progress_fn progress;
    int (*cancelled)(void *user);
    void *user;
} session_control;

/* GLIMPSE_E_CANCELLED with a message when the caller wants to stop, else GLIMPSE_OK. */
int glimpse_session_check_cancelled(const session_control *control);
/* Reports progress; the same as above when that wants to stop. `seconds` is since the start. */
int glimpse_session_report_progress(const session_control *control, const char *stage,
                                    uint64_t done, uint64_t total, double seconds);

/*
 * The library.
 */
enum {
    SESSION_READ = 0,
    SESSION_WRITE = 1,    /* waits for the session's other writer; GLIMPSE_E_CANCELLED meanwhile */
    SESSION_CREATE = 2,   /* with SESSION_WRITE: it is made when there is none */
    SESSION_OPTIONAL = 4, /* no library is no failure: lease.library is NULL then, */
    SESSION_NAMED = 8     /* unless the options named it */
};

typedef struct session_lease {
    glimpse_session *session;
    glimpse_library *library; /* for the calling thread, until it is released */
    int writing;
} session_lease;

/* `control` may be NULL. */
int glimpse_session_acquire_library(session_lease *out, glimpse_session *session, unsigned flags,
                                    const session_control *control);
void glimpse_session_release_library(session_lease *lease);

/*
 * The model.
 */
/* As the public calls, for who has a handle of the library at hand (NULL: one is acquired where the
 * choice of the model needs it). */
int glimpse_session_find_model(const char **path, glimpse_session *session,
                               glimpse_library *library);
int glimpse_session_open_model(const glimpse_model **model, glimpse_session *session,
                               unsigned towers, glimpse_library *library);

/* Why the session has the model it has. */
int glimpse_session_model_origin(glimpse_session *session);
/* How many dimensions of its embeddings are kept; 0: all, or none was found yet. */
size_t glimpse_session_model_dimensions(
    glimpse_session *session); /* glimpse_model_origin; 0: none yet */

typedef struct session_worker {
    glimpse_session *session;
    const glimpse_model *model; /* the encoder's */
    glimpse_encoder *encoder;   /* for the calling thread, until it is released */
    size_t batch;
} session_worker;

/* An encoder for at least `batch` inputs at once. */
int glimpse_session_acquire_encoder(session_worker *out, glimpse_session *session, unsigned towers,
                                    size_t batch, glimpse_library *library);
void glimpse_session_release_encoder(session_worker *worker);
/* As glimpse_session_embed_picture; neither pointer may be NULL. */
int glimpse_session_encode_picture(float *embedding, int *unusable, glimpse_session *session,
                                   const char *path, unsigned flags, glimpse_library *library);
/* An embedder (embedder.h) with the session's precision, backend and threads: `model` may be
 * without its image tower, which is then prepared when a picture needs it. `library` may be NULL;
 * both and `control` must outlive it. `exact` and `journal` as in its options. */
struct glimpse_embedder;
int glimpse_session_open_embedder(struct glimpse_embedder **out, glimpse_session *session,
                                  glimpse_library *library, const glimpse_model *model,
                                  unsigned jobs, int exact, const char *journal,
                                  const session_control *control);
/* Threads for a call whose options say `jobs`: that, else the session's, else one a core. */
unsigned glimpse_session_jobs(const glimpse_session *session, unsigned jobs);
/* A remark for people, printf style. */
void glimpse_session_note(glimpse_session *session, const char *format, ...) GLIMPSE_PRINTF(2, 3);
/* Notes what is wrong with each of `within` [count] that holds no file of the library. */
int glimpse_session_note_within(glimpse_session *session, glimpse_library *library,
                                const char *const *within, size_t count);

/*
 * The vision-language model.
 */
typedef struct session_vlm {
    glimpse_session *session;
    void *entry; /* of the session's list */
    glimpse_vlm *vlm, *second;
    glimpse_response_cache *responses;
    glimpse_vlm_run_options run; /* cache, second tier, dry run and cancelling are set up */
    glimpse_vlm_settings settings;
} session_vlm;

/* `settings` NULL: all defaults. `part` of the demo VLM, where nothing was chosen: "vqa",
 * "caption", "itm". Answers are kept in `library` (which must stay acquired meanwhile), or in the
 * user's cache when that is NULL. `control` is borrowed until the release. */
int glimpse_session_acquire_vlm(session_vlm *out, glimpse_session *session,
                                const glimpse_vlm_settings *settings, const char *part,
                                glimpse_library *library, const session_control *control);
void glimpse_session_release_vlm(session_vlm *vlm);
/* Whether one was chosen: in `settings` (NULL: nothing), the environment or the configuration;
 * *spec (may be NULL) is then its name as it was said, in `buffer` [size] where it comes from
 * there. A configuration that cannot be read is a failure. */
int glimpse_session_vlm_is_chosen(const char **spec, char *buffer, size_t size,
                                  const glimpse_session *session,
                                  const glimpse_vlm_settings *settings);
/* The same as glimpse_session_vlm_use, with strings that live as long as the session. */
int glimpse_session_keep_use(glimpse_vlm_use *use, const session_vlm *vlm,
                             const glimpse_vlm_totals *totals);
/* The same of a single answer. */
int glimpse_session_keep_use_of(glimpse_vlm_use *use, const session_vlm *vlm,
                                const glimpse_vlm_answer *answer);
/* What was asked; its strings are borrowed from `vlm`. */
glimpse_vlm_use glimpse_session_vlm_use(const session_vlm *vlm, const glimpse_vlm_totals *totals);

/*
 * Names of models (session_found.c).
 */
/* The name that the model at `path` is listed under, malloc'ed; *out NULL: it has none, being in
 * none of the places where models are looked for by name. */
int glimpse_session_name_path(char **out, const glimpse_session *session, const char *path);
/* What to call the model of this session in messages: as it was named, else as it is listed, else
 * `name`. It can be given as options.model. Static storage of the thread, or the session's. */
const char *glimpse_session_call_model(const glimpse_session *session, const char *path,
                                       const char *name);

#endif
