/*
 * session.c - opening and closing a session, and where its things are.
 */
#include "session_private.h"
#include "session_relevance.h"

#include "core/error.h"
#include "core/options.h"
#include "file_paths.h"

#include <stdlib.h>
#include <string.h>

/*
 * Opening and closing.
 */
static int copy_string(char **out, const char *from) {
    *out = from ? strdup(from) : NULL;
    return from && !*out ? glimpse_fail_nomem(strlen(from), "a string") : GLIMPSE_OK;
}

static int choose_library(glimpse_session *session) {
    const char *chosen = session->library_option;
    if (session->no_library) return GLIMPSE_OK;
    if (chosen && !*chosen) return GLIMPSE_OK; /* it fails where it is needed */
    if (!chosen) chosen = glimpse_places_environment("GLIMPSE_LIBRARY");
    if (!chosen && !session->places.user_data) return GLIMPSE_OK;
    session->library_named =
        chosen ? strdup(chosen) : glimpse_session_format("%s/library", session->places.user_data);
    if (!session->library_named) return glimpse_fail_nomem(1, "a path");
    return glimpse_path_absolute(&session->library_path, session->library_named);
}

static int make_locks(glimpse_session *session) {
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_mutex_init(&session->lock, NULL) != 0 ||
                 pthread_mutex_init(&session->opening, NULL) != 0 ||
                 pthread_mutex_init(&session->vlm_opening, NULL) != 0 ||
                 pthread_mutex_init(&session->library_opening, NULL) != 0 ||
                 pthread_cond_init(&session->writer_left, &attributes) != 0;
    (void)pthread_condattr_destroy(&attributes);
    return failed ? glimpse_fail(GLIMPSE_E_INTERNAL, "cannot make the locks of a session")
                  : GLIMPSE_OK;
}

int glimpse_session_open(glimpse_session **out, const glimpse_session_options *options) {
    glimpse_session_options own = GLIMPSE_SESSION_OPTIONS_INIT;
    if (out) *out = NULL;
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_open: no place for it");
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_session_options, user);
    if (status < 0) return status;
    if (own.library_flags &
        ~(unsigned)(GLIMPSE_LIBRARY_CREATE | GLIMPSE_LIBRARY_READ_ONLY | GLIMPSE_LIBRARY_UPGRADE)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "flags %u make no sense for a library",
                            own.library_flags);
    }
    glimpse_session *session = calloc(1, sizeof *session);
    if (!session) return glimpse_fail_nomem(sizeof *session, "a session");
    status = make_locks(session);
    if (status < 0) {
        free(session);
        return status;
    }
    session->library_flags = own.library_flags;
    session->no_library = own.no_library;
    session->no_weights_cache = own.no_weights_cache;
    session->precision = own.precision;
    session->dimensions = own.dimensions;
    session->backend = own.backend;
    session->jobs = own.jobs;
    session->note = own.note;
    session->user = own.user;
    session->cancelled = own.cancelled;
    status = glimpse_places_init(&session->places, own.data_directory);
    if (status == GLIMPSE_OK) status = copy_string(&session->library_option, own.library);
    if (status == GLIMPSE_OK) status = copy_string(&session->model_option, own.model);
    if (status == GLIMPSE_OK) status = copy_string(&session->language, own.language);
    if (status == GLIMPSE_OK) {
        status = copy_string(&session->model_variable, glimpse_places_environment("GLIMPSE_MODEL"));
    }
    if (status == GLIMPSE_OK) {
        status = copy_string(&session->vlm_variable, glimpse_places_environment("GLIMPSE_VLM"));
    }
    if (status == GLIMPSE_OK) status = choose_library(session);
    if (status < 0) {
        glimpse_session_close(session);
        return status;
    }
    *out = session;
    return GLIMPSE_OK;
}

void glimpse_session_close(glimpse_session *session) {
    if (!session) return;
    for (size_t i = 0; i < session->parts.count; i++)
        glimpse_session_close(session->parts.items[i]);
    free(session->parts.items);
    glimpse_session_close_blips(session);
    glimpse_session_close_vlms(session);
    glimpse_session_close_backgrounds(session);
    glimpse_session_close_models(session);
    glimpse_session_close_libraries(session);
    for (size_t i = 0; i < session->strings.count; i++)
        free(session->strings.items[i]);
    free(session->strings.items);
    glimpse_catalog_free(session->catalog);
    glimpse_places_free(&session->places);
    free(session->library_option);
    free(session->model_option);
    free(session->language);
    free(session->model_variable);
    free(session->vlm_variable);
    free(session->library_named);
    free(session->library_path);
    free(session->model_path);
    (void)pthread_cond_destroy(&session->writer_left);
    (void)pthread_mutex_destroy(&session->library_opening);
    (void)pthread_mutex_destroy(&session->vlm_opening);
    (void)pthread_mutex_destroy(&session->opening);
    (void)pthread_mutex_destroy(&session->lock);
    free(session);
}

/*
 * Where things are.
 */
const char *glimpse_session_library_path(const glimpse_session *session) {
    return session ? session->library_path : NULL;
}

const char *glimpse_session_models_directory(const glimpse_session *session) {
    return session ? session->places.models : NULL;
}

const char *glimpse_session_shipped(glimpse_session *session, const char *relative) {
    const char *kept = NULL;
    char *path = session && relative ? glimpse_places_shipped(&session->places, relative) : NULL;
    if (path) (void)glimpse_session_keep_string(&kept, session, path);
    return kept;
}
