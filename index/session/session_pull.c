/*
 * session_pull.c - the table of models, pulling one, and finding what was pulled by its name.
 */
#include "session_private.h"

#include "caches.h"
#include "core/error.h"
#include "math/init.h"
#include "math/speed.h"

#include <glimpse/session_pull.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int load(glimpse_catalog **out, const glimpse_session *session) {
    char *path = glimpse_places_shipped(&session->places, "models/catalog.json");
    *out = NULL;
    if (!path) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "the table of models (models/catalog.json), which "
                                                 "ships with glimpse, is not installed");
    }
    int status = glimpse_catalog_load(out, path);
    free(path);
    return status;
}

int glimpse_session_catalog(const glimpse_catalog **catalog, glimpse_session *session) {
    glimpse_catalog *loaded = NULL;
    if (catalog) *catalog = NULL;
    if (!catalog || !session) return glimpse_fail_null(__func__);
    (void)pthread_mutex_lock(&session->lock);
    const glimpse_catalog *known = session->catalog;
    (void)pthread_mutex_unlock(&session->lock);
    if (!known) {
        int status = load(&loaded, session);
        if (status < 0) return status;
        (void)pthread_mutex_lock(&session->lock);
        if (!session->catalog) {
            session->catalog = loaded;
            loaded = NULL;
        }
        known = session->catalog;
        (void)pthread_mutex_unlock(&session->lock);
    }
    glimpse_catalog_free(loaded); /* another thread was first */
    *catalog = known;
    return GLIMPSE_OK;
}

/* The snapshot of `name`, when it is a whole model. */
static int find_cached(char **path, const char *name) {
    char *cache = glimpse_hub_cache_directory();
    *path = NULL;
    if (!cache) return GLIMPSE_OK;
    int status = glimpse_hub_cache_find(path, cache, name);
    free(cache);
    if (*path && !glimpse_places_is_model(*path)) {
        free(*path);
        *path = NULL;
    }
    return status;
}

int glimpse_session_pulled_path(char **path, const char **name, glimpse_session *session,
                                const char *wanted) {
    const glimpse_kept_error before = glimpse_error_keep();
    const glimpse_catalog *catalog = NULL;
    *path = NULL;
    *name = NULL;
    /* Without the table there are no short names. */
    if (glimpse_session_catalog(&catalog, session) < 0) glimpse_error_restore(&before);
    const glimpse_catalog_model *model = glimpse_catalog_find(catalog, wanted);
    if (model) {
        *name = model->name;
        if (session->places.models) {
            *path = glimpse_session_format("%s/%s", session->places.models, model->repository);
            if (!*path) return glimpse_fail_nomem(1, "a path");
            if (glimpse_places_is_model(*path)) return GLIMPSE_OK;
            free(*path);
            *path = NULL;
        }
    }
    return find_cached(path, model ? model->repository : wanted);
}

int glimpse_session_has_model(glimpse_session *session, const glimpse_catalog_model *model) {
    if (!session || !model || !session->places.models) return 0;
    char *path = glimpse_session_format("%s/%s", session->places.models, model->repository);
    int found = path && glimpse_places_is_model(path);
    free(path);
    return found;
}

int glimpse_session_open_pull(glimpse_pull **out, glimpse_session *session, const char *name,
                              const glimpse_pull_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    const glimpse_catalog *catalog = NULL;
    if (out) *out = NULL;
    if (!out || !session || !name) return glimpse_fail_null(__func__);
    if (!session->places.models) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "no place for models is known: set XDG_DATA_HOME "
                                                 "or HOME");
    }
    /* Without the table there are no short names; ORG/NAME needs none. */
    if (glimpse_session_catalog(&catalog, session) < 0) {
        if (!strchr(name, '/')) return GLIMPSE_E_NOT_FOUND;
        glimpse_error_restore(&before);
    }
    return glimpse_pull_open(out, name, catalog, session->places.models, options);
}

int glimpse_session_measure_flops(double *flops, glimpse_session *session) {
    static const double seconds = 0.2;
    glimpse_math math;
    if (flops) *flops = 0.0;
    if (!flops || !session) return glimpse_fail_null(__func__);
    int status = glimpse_math_init(&math, session->backend, session->precision);
    if (status < 0) return status;
    return glimpse_math_measure(flops, &math, glimpse_session_jobs(session, 0), seconds);
}
