/*
 * session_upkeep.c - looking at the library of a session, and after it.
 */
#include "session_private.h"

#include "core/error.h"
#include "core/options.h"

#include <stdlib.h>
#include <string.h>

int glimpse_session_visit_files(glimpse_session *session, glimpse_file_fn visit, void *user) {
    session_lease lease;
    if (!session || !visit) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK) status = glimpse_library_visit_files(lease.library, visit, user);
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_load_status(glimpse_library_status **out, glimpse_session *session) {
    session_lease lease;
    if (out) *out = NULL;
    if (!out || !session) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK) status = glimpse_library_load_status(out, lease.library);
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_load_model_status(glimpse_library_status **out, glimpse_session *session) {
    session_lease lease;
    if (out) *out = NULL;
    if (!out || !session) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK) status = glimpse_library_load_model_status(out, lease.library);
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_pictures(glimpse_results **out, glimpse_session *session,
                             const char *const *within, size_t within_count) {
    session_lease lease;
    if (out) *out = NULL;
    if (!out || !session) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK)
        status = glimpse_session_note_within(session, lease.library, within, within_count);
    if (status == GLIMPSE_OK)
        status = glimpse_library_pictures(out, lease.library, within, within_count);
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_visit(glimpse_session *session, const char *const *within, size_t within_count,
                          glimpse_visit_fn visit, void *user) {
    session_lease lease;
    const glimpse_model *model = NULL;
    if (!session || !visit) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_open_model(&model, session, GLIMPSE_TOWER_TEXT, lease.library);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_session_note_within(session, lease.library, within, within_count);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_library_visit(lease.library, model, within, within_count, visit, user);
    }
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_verify(uint64_t *checked, glimpse_session *session, glimpse_problem_fn report,
                           void *user) {
    session_lease lease;
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK) {
        glimpse_library_set_cancelled(lease.library, session->cancelled, session->user);
        status = glimpse_library_verify(checked, lease.library, report, user);
        glimpse_library_set_cancelled(lease.library, NULL, NULL);
    }
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_reindex(glimpse_session *session) {
    session_lease lease;
    const session_control control = {NULL, session ? session->cancelled : NULL,
                                     session ? session->user : NULL};
    int status = glimpse_session_acquire_library(&lease, session, SESSION_WRITE, &control);
    if (status == GLIMPSE_OK) {
        glimpse_library_set_cancelled(lease.library, control.cancelled, control.user);
        status = glimpse_library_reindex(lease.library);
        glimpse_library_set_cancelled(lease.library, NULL, NULL);
    }
    glimpse_session_release_library(&lease);
    return status;
}

/* 1 when the model is called `name`: as the library has it, as it is listed, or in the table. */
static int is_called(glimpse_session *session, const glimpse_library_model *m, const char *name) {
    const glimpse_kept_error before = glimpse_error_keep();
    const glimpse_catalog *catalog = NULL;
    const glimpse_catalog_model *known = NULL;
    char *listed = NULL;
    if (strcmp(m->name, name) == 0) return 1;
    if (glimpse_session_catalog(&catalog, session) == GLIMPSE_OK) {
        known = glimpse_catalog_find(catalog, name);
    }
    (void)glimpse_session_name_path(&listed, session, m->path ? m->path : "");
    const int is_same =
        listed && (strcmp(listed, name) == 0 || (known && strcmp(listed, known->repository) == 0));
    free(listed);
    glimpse_error_restore(&before);
    return is_same;
}

/* The fingerprint in the library that `name` means: a fingerprint, the beginning of one (at least
 * four digits), or a model's name. */
static int find_fingerprint(char fingerprint[33], glimpse_session *session,
                            glimpse_library *library, const char *name) {
    glimpse_library_status *known = NULL;
    size_t matches = 0;
    int status = glimpse_library_load_model_status(&known, library);
    for (size_t i = 0; status == GLIMPSE_OK && i < known->model_count; i++) {
        const glimpse_library_model *m = &known->models[i];
        int starts = strlen(name) >= 4 && strncmp(m->fingerprint, name, strlen(name)) == 0;
        if (!starts && !is_called(session, m, name)) continue;
        matches++;
        memcpy(fingerprint, m->fingerprint, 32);
        fingerprint[32] = '\0';
    }
    if (status == GLIMPSE_OK && matches == 0) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "the library has no model %s (%s lists them)",
                              name, glimpse_wording("glimpse_session_load_model_status", NULL));
    } else if (matches > 1) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "%s means several models of the library; give the fingerprint "
                              "(%s)",
                              name, glimpse_wording("glimpse_library_model.fingerprint", NULL));
    }
    glimpse_library_status_free(known);
    return status;
}

int glimpse_session_prune(glimpse_prune_report *report, glimpse_session *session,
                          const glimpse_prune_options *options) {
    session_lease lease;
    char fingerprint[33];
    glimpse_prune_options own = GLIMPSE_PRUNE_OPTIONS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_prune_options, model);
    if (status < 0) return status;
    const session_control control = {NULL, own.cancelled, own.user};
    status = glimpse_session_acquire_library(&lease, session, SESSION_WRITE, &control);
    if (status == GLIMPSE_OK) status = glimpse_session_check_cancelled(&control);
    if (status == GLIMPSE_OK && own.model) {
        status = find_fingerprint(fingerprint, session, lease.library, own.model);
        own.model = fingerprint;
    }
    if (status == GLIMPSE_OK) status = glimpse_library_prune(report, lease.library, &own);
    glimpse_session_release_library(&lease);
    return status;
}
