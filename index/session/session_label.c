/*
 * session_label.c - a labeller on what the session has.
 */
#include "core/error.h"
#include "core/options.h"
#include "labeller_internal.h"
#include "session_private.h"

#include <glimpse/session_label.h>

#include <stdlib.h>

enum { TEXTS_AT_ONCE = 64 };

/* What a labeller has of the session until it is closed. */
typedef struct loan {
    session_lease lease;
    session_worker worker;
    glimpse_model_options model_options;
} loan;

static void give_back(void *owner) {
    loan *l = owner;
    glimpse_session_release_encoder(&l->worker);
    glimpse_session_release_library(&l->lease);
    free(l);
}

static const char *shipped(void *session, const char *relative) {
    return glimpse_session_shipped(session, relative);
}

static int borrow(loan *l, glimpse_session *session, int needs_library,
                  glimpse_labeller_options *o) {
    const session_control control = {NULL, o->cancelled, o->user};
    unsigned flags = o->store ? SESSION_WRITE : SESSION_READ;
    if (!o->store && !needs_library) flags |= SESSION_OPTIONAL;
    /* One that would be made is not missed yet. */
    if (flags & SESSION_OPTIONAL && !(session->library_flags & GLIMPSE_LIBRARY_CREATE))
        flags |= SESSION_NAMED;
    int status = glimpse_session_acquire_library(&l->lease, session, flags, &control);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_encoder(&l->worker, session, GLIMPSE_TOWER_TEXT,
                                                 TEXTS_AT_ONCE, l->lease.library);
    }
    if (status < 0) return status;
    l->model_options = GLIMPSE_MODEL_OPTIONS_INIT;
    l->model_options.precision = session->precision;
    l->model_options.backend = session->backend;
    if (session->no_weights_cache) l->model_options.flags |= GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
    if (!o->model_options) o->model_options = &l->model_options;
    if (!o->shipped) {
        o->shipped = shipped;
        o->shipped_user = session;
    }
    o->jobs = glimpse_session_jobs(session, o->jobs);
    return GLIMPSE_OK;
}

int glimpse_session_open_labeller(glimpse_labeller **out, glimpse_session *session,
                                  int needs_library, const glimpse_labeller_options *options) {
    glimpse_labeller_options own = GLIMPSE_LABELLER_OPTIONS_INIT;
    if (!out || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_open_labeller: a NULL argument");
    }
    *out = NULL;
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_labeller_options, user);
    if (status < 0) return status;
    loan *l = calloc(1, sizeof *l);
    if (!l) return glimpse_fail_nomem(sizeof *l, "a labeller");
    status = borrow(l, session, needs_library, &own);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_labeller_open(out, l->lease.library, l->worker.model, l->worker.encoder, &own);
    }
    if (status < 0) {
        give_back(l);
        return status;
    }
    (*out)->release = give_back;
    (*out)->owner = l;
    return GLIMPSE_OK;
}

int glimpse_session_label(glimpse_label_totals *totals, glimpse_session *session,
                          const char *const *paths, size_t count,
                          const glimpse_labeller_options *options, glimpse_labelled_fn on_picture,
                          void *user) {
    glimpse_labeller *labeller = NULL;
    if (count > 0 && !paths) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_label: no paths");
    }
    int status = glimpse_session_open_labeller(&labeller, session, 0, options);
    if (status == GLIMPSE_OK) {
        status = glimpse_labeller_label_paths(totals, labeller, paths, count, on_picture, user);
    }
    glimpse_labeller_close(labeller);
    return status;
}

int glimpse_session_label_library(glimpse_label_totals *totals, glimpse_session *session,
                                  const char *const *within, size_t within_count,
                                  const glimpse_labeller_options *options,
                                  glimpse_labelled_fn on_picture, void *user) {
    glimpse_labeller *labeller = NULL;
    int status = glimpse_session_open_labeller(&labeller, session, 1, options);
    if (status == GLIMPSE_OK) {
        status = glimpse_labeller_label_library(totals, labeller, within, within_count, on_picture,
                                                user);
    }
    glimpse_labeller_close(labeller);
    return status;
}

int glimpse_session_labellings(glimpse_session *session, glimpse_labelling_fn visit, void *user) {
    session_lease lease;
    if (!session || !visit) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_READ, NULL);
    if (status == GLIMPSE_OK) status = glimpse_library_labellings(lease.library, visit, user);
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_forget_labelling(glimpse_session *session, const char *name) {
    session_lease lease;
    if (!session || !name) return glimpse_fail_null(__func__);
    int status = glimpse_session_acquire_library(&lease, session, SESSION_WRITE, NULL);
    if (status == GLIMPSE_OK) status = glimpse_library_forget_labelling(lease.library, name);
    glimpse_session_release_library(&lease);
    return status;
}
