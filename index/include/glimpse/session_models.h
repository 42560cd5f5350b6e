/*
 * glimpse/session_models.h - which model is asked, and why; and removing models.
 *
 *     glimpse_model_choice choice = GLIMPSE_MODEL_CHOICE_INIT;
 *     if (glimpse_session_model_choice(&choice, session) < 0) ...
 *     if (!choice.is_chosen) ...              // nobody chose one: it is the demo model
 *
 * The order is that of glimpse/session.h: options, environment, the library's default, the user's,
 * the demo model. The library's default is the first model that it was used with, and stays that
 * when pictures are indexed with others. It is found again by its fingerprint when it was moved
 * into the models directory or one of the caches.
 *
 * Threads: as glimpse/session.h. A choice that was made and used stays for as long as the session.
 */
#ifndef GLIMPSE_SESSION_MODELS_H
#define GLIMPSE_SESSION_MODELS_H

#include <glimpse/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum glimpse_model_origin {
    GLIMPSE_MODEL_OF_OPTIONS = 1,
    GLIMPSE_MODEL_OF_ENVIRONMENT,
    GLIMPSE_MODEL_OF_LIBRARY,
    GLIMPSE_MODEL_OF_USER,
    GLIMPSE_MODEL_OF_NOBODY /* the demo model */
} glimpse_model_origin;

typedef struct glimpse_model_choice {
    size_t size;      /* GLIMPSE_MODEL_CHOICE_INIT sets it */
    const char *path; /* lives as long as the session */
    glimpse_model_origin origin;
    int is_chosen; /* 0: nobody chose one, now or when the library was made */
} glimpse_model_choice;

static inline glimpse_model_choice glimpse_model_choice_init(void) {
    glimpse_model_choice choice;
    memset(&choice, 0, sizeof choice);
    choice.size = sizeof choice;
    return choice;
}
#define GLIMPSE_MODEL_CHOICE_INIT glimpse_model_choice_init()

/* Which model the session would use. It is not opened, the session is not
 * bound to it, and nothing is noted. */
GLIMPSE_API int glimpse_session_model_choice(glimpse_model_choice *out, glimpse_session *session);

/* From now on the library is asked with the model `name` (a directory, or a name as in the options)
 * when nobody says which. It is opened, so that it is known to work. This session goes on with the
 * model it has, if it has used one. */
GLIMPSE_API int glimpse_session_set_library_model(glimpse_session *session, const char *name);
/* The same for whatever has no library, or a new one: kept in
 * ${XDG_CONFIG_HOME:-~/.config}/glimpse/model.json. */
GLIMPSE_API int glimpse_session_set_user_model(glimpse_session *session, const char *name);

/* Removes a model that is in the models directory, by its name as it is listed; what is elsewhere
 * is refused (GLIMPSE_E_INVALID), since it is not glimpse's. It is gone at once or not at all.
 * Embeddings of it stay in libraries. */
GLIMPSE_API int glimpse_session_remove_model(glimpse_session *session, const char *name);

#ifdef __cplusplus
}
#endif
#endif
