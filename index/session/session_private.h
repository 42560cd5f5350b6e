/*
 * session_private.h - the handle itself; only for the files that keep it.
 *
 * Locks, none of which is held while a callback of a call runs, but for `note`:
 *     lock         everything that changes; held for moments
 *     opening      who opens a model, so that two threads that need one open it once
 *     vlm_opening  the same of vision-language models
 *     library_opening  who opens a handle of the library, or closes one before the session is
 *                  closed: `first` stays open meanwhile
 * These three may be held when `lock` is taken, never the other way round; `library_opening` also
 * when one of the other two is.
 */
#ifndef GLIMPSE_SESSION_PRIVATE_H
#define GLIMPSE_SESSION_PRIVATE_H

#include "places.h"
#include "session_internal.h"

#include <glimpse/actions.h>
#include <glimpse/catalog.h>
#include <glimpse/session_models.h>
#include <glimpse/session_pull.h>

#include <pthread.h>

enum { SESSION_MODELS = 3 }; /* text, image, both */

typedef struct session_encoder {
    const glimpse_model *model;
    glimpse_encoder *encoder;
    size_t batch;
} session_encoder;

typedef struct session_vlm_entry session_vlm_entry;

struct glimpse_session {
    /* Fixed when it is opened. */
    char *library_option, *model_option, *model_variable, *vlm_variable;
    char *library_named; /* as it was said, for messages; NULL: no place is known */
    char *library_path;  /* absolute */
    unsigned library_flags;
    int no_library, no_weights_cache;
    char *language;    /* of texts; NULL: the model's */
    size_t dimensions; /* that the options ask for; 0: none */
    glimpse_precision precision;
    glimpse_backend backend;
    unsigned jobs;
    session_places places;
    glimpse_note_fn note;
    void *user;
    int (*cancelled)(void *user); /* of calls without options */

    pthread_mutex_t lock, opening, vlm_opening, library_opening;
    pthread_cond_t writer_left;
    int writing;
    pthread_t writer;       /* while `writing`: who acquired it */
    session_list libraries; /* glimpse_library *, idle */
    glimpse_library *first; /* handles are opened as its siblings; NULL: there is none */
    session_list encoders;  /* session_encoder *, idle */
    session_list strings;   /* char *, handed out */
    char *model_path;
    glimpse_model_origin model_origin;     /* with model_path */
    size_t model_dimensions;               /* with model_path; 0: all */
    glimpse_model *models[SESSION_MODELS]; /* by towers - 1 */
    session_list vlms;                     /* session_vlm_entry *, used last at the end */
    session_list blips; /* session_blip_entry *, lent out: opened once and kept */
    int demo_vlm_noted, unidentified_noted;
    glimpse_catalog *catalog; /* of models; NULL: not loaded yet */
    session_list parts;       /* glimpse_session *, a model each: session_several.c */
    session_list backgrounds; /* of models on the library: session_relevance.c */
};

/* Hands `string` (malloc'ed; NULL: out of memory) over to the session: *out lives as long. */
int glimpse_session_keep_string(const char **out, glimpse_session *session, char *string);
void glimpse_session_close_libraries(glimpse_session *session);
void glimpse_session_close_models(glimpse_session *session);
void glimpse_session_close_blips(glimpse_session *session);
/* glimpse_session_vlm_spec, malloc'ed. */
int glimpse_session_choose_vlm(char **out, glimpse_session *session, const char *chosen,
                               const char *part);
/* The journal of actions, with a note where an earlier run was interrupted (session_act.c). */
int glimpse_session_open_journal(glimpse_actions **out, glimpse_session *session);
/*
 * Models on this machine (session_found.c).
 */
typedef enum session_place { /* in the order in which a name is looked for */
                             SESSION_INSTALLED,
                             SESSION_HUB_CACHE,
                             SESSION_CLIP_CACHE, /* a file, and no directory */
                             SESSION_DEMO
} session_place;
typedef int (*session_found_fn)(void *user, const char *name, const char *path,
                                session_place place);
/* `visit` is called with every model; a negative return ends it and is returned. */
int glimpse_session_visit_models(glimpse_session *session, session_found_fn visit, void *user);
/* The directory of one with this fingerprint, malloc'ed; *out NULL: there is none. */
/* `kept`: how many dimensions its vectors have, which may be fewer than the model gives:
 * *dimensions is that number then, else 0. 0: those of the whole model. */
int glimpse_session_find_fingerprint(char **out, size_t *dimensions, glimpse_session *session,
                                     const char *hex, size_t kept);
/* Whether the model at `path` has it; as above. */
int glimpse_session_has_fingerprint(int *same, size_t *dimensions, const char *path,
                                    const char *hex, size_t kept);
int glimpse_session_has_directories(const char *path);
/* The directory that a name means, as in the options; `named_by` is for messages. `library` may be
 * NULL. */
int glimpse_session_resolve_model(char **out, glimpse_session *session, glimpse_library *library,
                                  const char *name, const char *named_by);
/* What the user's configuration has: both malloc'ed, NULL without. */
int glimpse_session_load_user_model(char **name, char **fingerprint,
                                    const glimpse_session *session);
int glimpse_session_write_user_model(const glimpse_session *session, const char *name,
                                     const char *fingerprint);

/* The directory of a model that was pulled, by its name in the table or on the hub (malloc'ed);
 * NULL: it is neither installed nor in the hub's cache, or no such name. *name: as the table has
 * it; NULL: it has it not. */
int glimpse_session_pulled_path(char **path, const char **name, glimpse_session *session,
                                const char *wanted);
/* Which model of this machine or of the table was meant by a name that is none of them; "": none is
 * like it. */
enum { SESSION_NAME_BYTES = 128 };
void glimpse_session_nearest_model(char name[SESSION_NAME_BYTES], glimpse_session *session,
                                   const char *wanted);
void glimpse_session_close_vlms(glimpse_session *session);

#endif
