/*
 * session_default.c - which model is asked when nobody says; and removing one.
 */
#include "session_private.h"

#include "caches.h"
#include "core/error.h"
#include "file_paths.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* `name` is opened, with the tower that is prepared sooner. */
static int open_named(glimpse_model **out, char **path, glimpse_session *session,
                      glimpse_library *library, const char *name) {
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    *out = NULL;
    int status = glimpse_session_resolve_model(path, session, library, name, "the model");
    if (status < 0) return status;
    options.precision = GLIMPSE_PRECISION_F32; /* nothing is computed, so nothing is converted */
    options.backend = GLIMPSE_BACKEND_AUTO;
    options.towers = GLIMPSE_TOWER_TEXT;
    return glimpse_model_open(out, *path, &options);
}

int glimpse_session_set_library_model(glimpse_session *session, const char *name) {
    const glimpse_kept_error before = glimpse_error_keep();
    session_lease lease = {0};
    glimpse_model *model = NULL;
    char *path = NULL;
    if (!session || !name) return glimpse_fail_null(__func__);
    const session_control control = {NULL, session->cancelled, session->user};
    int status = glimpse_session_acquire_library(&lease, session, SESSION_WRITE, &control);
    if (status == GLIMPSE_OK) status = open_named(&model, &path, session, lease.library, name);
    if (status == GLIMPSE_OK) status = glimpse_library_set_default_model(lease.library, model, 1);
    glimpse_model_close(model);
    glimpse_session_release_library(&lease);
    free(path);
    if (status == GLIMPSE_OK) glimpse_error_restore(&before);
    return status;
}

int glimpse_session_set_user_model(glimpse_session *session, const char *name) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_model *model = NULL;
    char *found = NULL, *directory = NULL;
    if (!session || !name) return glimpse_fail_null(__func__);
    if (!session->places.user_config) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "no place for settings is known: set "
                                                 "XDG_CONFIG_HOME or HOME");
    }
    int status = open_named(&model, &found, session, NULL, name);
    /* A name stays one, so that a newer version of the model is found by it. */
    char *here = glimpse_places_directory(&session->places, name);
    if (status == GLIMPSE_OK && here) status = glimpse_path_absolute(&directory, here);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_write_user_model(session, directory ? directory : name,
                                                  glimpse_model_fingerprint(model));
    }
    glimpse_model_close(model);
    free(found);
    free(here);
    free(directory);
    if (status == GLIMPSE_OK) glimpse_error_restore(&before);
    return status;
}

/*
 * Removing.
 */
static int is_plain(const char *name) {
    if (!*name || name[0] == '/' || name[0] == '.') return 0;
    const char *slash = strchr(name, '/');
    return !slash || (slash[1] && slash[1] != '.' && !strchr(slash + 1, '/'));
}

/* Why a model that is not in the models directory is left alone. */
static int refuse(glimpse_session *session, const char *name) {
    char *path = NULL;
    char *cache = glimpse_hub_cache_directory();
    int status = glimpse_session_resolve_model(&path, session, NULL, name, "the model");
    if (status == GLIMPSE_OK && cache && glimpse_path_is_below(path, cache)) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "%s is at %s, in the cache of Hugging Face's programs, which are to "
                              "remove it (hf cache delete); it was not removed",
                              name, path);
    } else if (status == GLIMPSE_OK && session->places.models &&
               glimpse_path_is_below(path, session->places.models)) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "%s: models in %s are removed by name (NAME or ORG/NAME); it was not "
                              "removed",
                              name, session->places.models);
    } else if (status == GLIMPSE_OK) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "%s is at %s, which is not below %s; it was not removed", name, path,
                              session->places.models ? session->places.models : "a models folder");
    }
    free(path);
    free(cache);
    return status;
}

int glimpse_session_remove_model(glimpse_session *session, const char *name) {
    const glimpse_kept_error before = glimpse_error_keep();
    const glimpse_catalog *catalog = NULL;
    struct stat info;
    if (!session || !name) return glimpse_fail_null(__func__);
    const char *models = session->places.models;
    if (!models || !is_plain(name)) return refuse(session, name);
    char *path = glimpse_session_format("%s/%s", models, name);
    if (!path) return glimpse_fail_nomem(256, "a path");
    int is_there = lstat(path, &info) == 0;
    if (!is_there && glimpse_session_catalog(&catalog, session) == GLIMPSE_OK) {
        const glimpse_catalog_model *model = glimpse_catalog_find(catalog, name);
        free(path);
        path = glimpse_session_format("%s/%s", models, model ? model->repository : name);
        if (!path) return glimpse_fail_nomem(256, "a path");
        is_there = lstat(path, &info) == 0;
        if (model && is_there) name = model->repository;
    }
    int status = GLIMPSE_OK;
    if (!is_there) {
        status = refuse(session, name);
    } else if (S_ISDIR(info.st_mode) && !strchr(name, '/') && !glimpse_places_is_model(path) &&
               glimpse_session_has_directories(path)) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "%s has several models in it; name the one that is to go (%s/...)",
                              path, name);
    } else if (!S_ISDIR(info.st_mode) && !S_ISLNK(info.st_mode)) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "%s is no model but a file", path);
    } else {
        status = glimpse_hub_remove_installed(models, name);
    }
    free(path);
    if (status == GLIMPSE_OK) glimpse_error_restore(&before);
    return status;
}
