/*
 * session_index.c - a library brought up to date with directories of pictures.
 */
#include "session_relevance.h"

#include <glimpse/session_models.h>

#include "core/error.h"
#include "core/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A new library: none is made that could not be filled. */
static int create(session_lease *lease, glimpse_session *session,
                  const glimpse_ingest_options *options, const session_control *control) {
    const char *unused = NULL;
    size_t there = 0;
    for (size_t i = 0; i < options->root_count; i++)
        there += access(options->roots[i], F_OK) == 0;
    if (options->root_count > 0 && there == 0) {
        (void)access(options->roots[0], F_OK);
        return glimpse_fail_errno("%s", options->roots[0]);
    }
    int status = options->model ? GLIMPSE_OK : glimpse_session_find_model(&unused, session, NULL);
    if (status < 0) return status;
    return glimpse_session_acquire_library(lease, session, SESSION_WRITE | SESSION_CREATE, control);
}

/* A library that is made with the demo model, because nobody chose another, knows that. And who
 * indexes with another model than the one that is asked is told. */
static int keep_default(glimpse_session *session, glimpse_library *library,
                        const glimpse_model *model) {
    glimpse_library_status *known = NULL;
    const char *fingerprint = glimpse_model_fingerprint(model);
    const glimpse_library_model *asked = NULL;
    int status = glimpse_library_load_model_status(&known, library);
    for (size_t i = 0; status == GLIMPSE_OK && i < known->model_count; i++)
        if (known->models[i].is_default) asked = &known->models[i];
    if (status == GLIMPSE_OK && !asked &&
        glimpse_session_model_origin(session) == GLIMPSE_MODEL_OF_NOBODY) {
        status = glimpse_library_set_default_model(library, model, 0);
    }
    if (status == GLIMPSE_OK && asked && strcmp(asked->fingerprint, fingerprint) != 0) {
        char *listed = NULL;
        status = glimpse_session_name_path(&listed, session, asked->path ? asked->path : "");
        glimpse_session_note(
            session,
            "the library goes on being asked with %s where no model is named (%s changes that)",
            listed ? listed : asked->name,
            glimpse_wording("glimpse_session_set_library_model",
                            glimpse_session_call_model(session, glimpse_model_path(model),
                                                       glimpse_model_name(model))));
        free(listed);
    }
    glimpse_library_status_free(known);
    return status;
}

/* To the progress callback of the caller: whether it wants the wait for another writer to end. */
static int cancelled(void *user) {
    const glimpse_ingest_options *options = user;
    const glimpse_progress waiting = {.stage = "waiting for another writer", .path = ""};
    return options->progress(options->user, &waiting);
}

/* Pictures are indexed without it as well: a search makes it for itself, or says why it cannot. */
static void keep_background(glimpse_session *session, glimpse_library *library,
                            const glimpse_model *model, const session_control *control) {
    const glimpse_kept_error before = glimpse_error_keep();
    if (glimpse_session_write_background(session, library, model, control) < 0) {
        glimpse_error_restore(&before);
    }
}

int glimpse_session_index(glimpse_ingest_report *report, glimpse_session *session,
                          const glimpse_ingest_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_ingest_options own = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_library_status *known = NULL;
    session_lease lease = {0};
    if (!session) return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_index: no session");
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_ingest_options, user);
    if (status < 0) return status;
    const session_control control = {NULL, own.progress ? cancelled : NULL, &own};
    unsigned flags = own.root_count > 0 ? SESSION_WRITE | SESSION_OPTIONAL : SESSION_WRITE;
    status = glimpse_session_acquire_library(&lease, session, flags, &control);
    if (status == GLIMPSE_OK && !lease.library) status = create(&lease, session, &own, &control);
    if (status == GLIMPSE_OK && own.root_count == 0) {
        /* Before a model is opened for nothing. */
        status = glimpse_library_load_status(&known, lease.library);
        if (status == GLIMPSE_OK && known->root_count == 0 && known->single_files == 0) {
            status = glimpse_fail(GLIMPSE_E_INVALID,
                                  "%s: no folder was indexed yet; which ones "
                                  "should be?",
                                  glimpse_library_path(lease.library));
        }
    }
    const int opened = !own.model;
    if (status == GLIMPSE_OK && opened) {
        status =
            glimpse_session_open_model(&own.model, session, GLIMPSE_TOWER_IMAGE, lease.library);
    }
    if (status == GLIMPSE_OK && opened) status = keep_default(session, lease.library, own.model);
    if (own.jobs == 0) own.jobs = glimpse_session_jobs(session, 0);
    if (status == GLIMPSE_OK) status = glimpse_library_ingest(report, lease.library, &own);
    if (status >= 0 && own.model) keep_background(session, lease.library, own.model, &control);
    glimpse_library_status_free(known);
    glimpse_session_release_library(&lease);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
