/*
 * session_model.c - which model a session works with, opening its towers, and encoders.
 *
 * A tower that was opened stays open, since models are lent out. So there are at most three
 * openings of the model: for its text, for its pictures, and for both in one, which a query of
 * words and pictures needs. Whoever needs one tower takes what is there.
 */
#include "session_private.h"

#include "caches.h"
#include "core/error.h"
#include "model_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Which one.
 */
static int no_memory(void) {
    return glimpse_fail_nomem(1, "a path");
}

static int fail_ambiguous(const char *name, const char *one, const char *other) {
    return glimpse_fail(GLIMPSE_E_INVALID,
                        "%s is the name of two models of the library, %s and %s: give the folder "
                        "or the whole name",
                        name, one, other);
}

/* A model of the library that is called so, and is where it was. */
static int find_in_library(char **out, glimpse_session *session, glimpse_library *library,
                           const char *name) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_library_status *known = NULL;
    session_lease lease = {0};
    int status = GLIMPSE_OK;
    if (!library) {
        status = glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL, NULL);
        library = lease.library;
    }
    if (status == GLIMPSE_OK && library) {
        status = glimpse_library_load_model_status(&known, library);
    }
    for (size_t i = 0; status == GLIMPSE_OK && known && i < known->model_count; i++) {
        const glimpse_library_model *m = &known->models[i];
        if (strcmp(m->name, name) != 0 || !glimpse_places_is_model(m->path)) continue;
        if (*out && strcmp(*out, m->path) != 0) {
            status = fail_ambiguous(name, *out, m->path);
        } else if (!*out) {
            *out = strdup(m->path);
            if (!*out) status = no_memory();
        }
    }
    glimpse_library_status_free(known);
    glimpse_session_release_library(&lease);
    if (status == GLIMPSE_E_NOMEM || (status < 0 && *out)) {
        free(*out);
        *out = NULL;
        return status;
    }
    glimpse_error_restore(&before); /* a library that cannot be read has no names */
    return GLIMPSE_OK;
}

/* A file is handed on: opening it says what it is. */
static char *existing_file(const session_places *places, const char *name) {
    struct stat info;
    char *path = name[0] == '/' || !places->directory
                     ? strdup(name)
                     : glimpse_session_format("%s/%s", places->directory, name);
    if (path && stat(path, &info) == 0 && S_ISREG(info.st_mode)) return path;
    free(path);
    return NULL;
}

/* ORG/NAME@REVISION, as it was pulled: what is installed may be of another revision. Malloc'ed. */
static char *find_revision(const glimpse_session *session, const char *name) {
    static const char *const keys[] = {"revision", "commit"};
    const char *at = strchr(name, '@');
    char *path =
        at ? glimpse_session_format("%s/%.*s", session->places.models, (int)(at - name), name)
           : NULL;
    int is_same = 0;
    for (size_t i = 0; path && i < 2 && !is_same; i++) {
        char *value = glimpse_session_read_record(path, keys[i]);
        is_same = value && strcmp(value, at + 1) == 0;
        free(value);
    }
    if (is_same) return path;
    free(path);
    return NULL;
}

/* Of a directory of the hub's cache the snapshot is meant; of any other, itself. */
static int enter_snapshot(char **path) {
    char *snapshot = NULL;
    if (glimpse_places_is_model(*path)) return GLIMPSE_OK;
    int status = glimpse_hub_cache_snapshot(&snapshot, *path);
    if (status == GLIMPSE_OK && snapshot) {
        free(*path);
        *path = snapshot;
    } else if (status < 0) {
        free(*path);
        *path = NULL;
    }
    return status;
}

int glimpse_session_resolve_model(char **out, glimpse_session *session, glimpse_library *library,
                                  const char *name, const char *named_by) {
    *out = NULL;
    if (!*name) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s is empty; give the folder or the name of a model", named_by);
    }
    *out = glimpse_places_directory(&session->places, name);
    if (*out) return enter_snapshot(out);
    /* As open_clip names what is on the hub. */
    if (strncmp(name, "hf-hub:", 7) == 0 && name[7]) name += 7;
    const char *models = session->places.models;
    int plain = name[0] != '/' && strncmp(name, "./", 2) != 0 && strncmp(name, "../", 3) != 0 &&
                !strstr(name, "/../");
    if (models && plain) {
        char *path = glimpse_session_format("%s/%s", models, name);
        if (!path) return no_memory();
        if (glimpse_places_is_directory(path)) {
            *out = path;
            return GLIMPSE_OK;
        }
        free(path);
        *out = find_revision(session, name);
        if (*out) return GLIMPSE_OK;
    }
    if (strcmp(name, "demo") == 0) {
        *out = glimpse_places_shipped_model(&session->places, "models/demo");
    }
    if (*out) return GLIMPSE_OK;
    const char *known = NULL;
    int status = glimpse_session_pulled_path(out, &known, session, name);
    if (status < 0 || *out) return status;
    *out = existing_file(&session->places, name);
    if (*out) return GLIMPSE_OK;
    if (plain) status = find_in_library(out, session, library, name);
    if (status < 0 || *out) return status;
    if (known) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "the model %s is not installed; %s installs it",
                            name, glimpse_wording("glimpse_session_open_pull", known));
    }
    if (!models || !plain) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no model folder %s", name);
    }
    char nearest[SESSION_NAME_BYTES];
    glimpse_session_nearest_model(nearest, session, name);
    if (*nearest) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "there is no model %s: neither a folder of that name nor one in %s; "
                            "did you mean %s?",
                            name, models, nearest);
    }
    const char *slash = strchr(name, '/');
    const int is_repository = slash && slash > name && slash[1] && !strchr(slash + 1, '/');
    return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                        "there is no model %s: neither a folder of that name nor one in %s%s%s%s",
                        name, models, is_repository ? "; " : "",
                        is_repository ? glimpse_wording("glimpse_session_open_pull", name) : "",
                        is_repository ? " gets it when the hub has it" : "");
}

/* The directory of the model with this fingerprint: the one where it was, or another that has it.
 * *out NULL: there is none. */
static int find_again(char **out, size_t *dimensions, glimpse_session *session,
                      const glimpse_library_model *model) {
    const glimpse_kept_error before = glimpse_error_keep();
    *out = NULL;
    if (model->path && glimpse_places_is_directory(model->path)) {
        int same = 0;
        int status = glimpse_session_has_fingerprint(&same, dimensions, model->path,
                                                     model->fingerprint, model->embedding_size);
        if (status == GLIMPSE_E_NOMEM) return status;
        if (status == GLIMPSE_OK && same) {
            *out = strdup(model->path);
            return *out ? GLIMPSE_OK : no_memory();
        }
        glimpse_error_restore(&before);
    }
    return glimpse_session_find_fingerprint(out, dimensions, session, model->fingerprint,
                                            model->embedding_size);
}

/* Of the one that is asked; what was installed can be installed again. */
static int fail_gone(const glimpse_session *session, const glimpse_library_model *model) {
    char *listed = NULL, where[64], again[256] = "";
    int status = glimpse_session_name_path(&listed, session, model->path ? model->path : "");
    if (status < 0) return status;
    const char *name = listed ? listed : model->name;
    (void)snprintf(where, sizeof where, "%s", glimpse_wording("options.model", "DIR"));
    if (listed && strchr(listed, '/')) {
        (void)snprintf(again, sizeof again, ", or get it again with %s",
                       glimpse_wording("glimpse_session_open_pull", listed));
    }
    status = glimpse_fail(GLIMPSE_E_NOT_FOUND,
                          "the library was made with the model %s, which is no longer at %s; say "
                          "where it is with %s%s; %s chooses another for good",
                          name, model->path ? model->path : "its old place", where, again,
                          glimpse_wording("glimpse_session_set_library_model", "NAME"));
    free(listed);
    return status;
}

typedef struct choice {
    char *path;        /* NULL: none was found */
    size_t dimensions; /* of its embeddings that are kept; 0: all */
    glimpse_model_origin origin;
    int is_chosen;
} choice;

/* The library's default; one from before there were defaults is asked with the last one. */
static int choose_of_library(choice *out, glimpse_session *session, glimpse_library *library) {
    glimpse_library_status *known = NULL;
    int status = glimpse_library_load_model_status(&known, library);
    if (status < 0 || known->model_count == 0) goto done;
    const glimpse_library_model *model = &known->models[0];
    for (size_t i = 0; i < known->model_count; i++)
        if (known->models[i].is_default) model = &known->models[i];
    out->origin = GLIMPSE_MODEL_OF_LIBRARY;
    out->is_chosen = model->is_chosen || !model->is_default;
    status = find_again(&out->path, &out->dimensions, session, model);
    if (status == GLIMPSE_OK && !out->path && model->path &&
        glimpse_places_is_directory(model->path)) {
        out->path = strdup(model->path); /* another version of it, or one that is damaged */
        if (!out->path) status = no_memory();
    }
    if (status == GLIMPSE_OK && !out->path) status = fail_gone(session, model);
done:
    glimpse_library_status_free(known);
    return status;
}

/* The same where it has to be one: "A+B" is understood where several are asked, and comes here
 * only where they are not. */
static int resolve_one(char **out, glimpse_session *session, glimpse_library *library,
                       const char *name, const char *named_by) {
    int status = glimpse_session_resolve_model(out, session, library, name, named_by);
    if (status != GLIMPSE_E_NOT_FOUND || !strchr(name, '+')) return status;
    return glimpse_fail(GLIMPSE_E_INVALID,
                        "%s would be several models: only searches ask several at once; choose "
                        "one with %s",
                        name, glimpse_wording("options.model", NULL));
}

static int choose_of_user(choice *out, glimpse_session *session, glimpse_library *library) {
    char *name = NULL, *hex = NULL;
    int status = glimpse_session_load_user_model(&name, &hex, session);
    if (status < 0 || !name) goto done;
    out->origin = GLIMPSE_MODEL_OF_USER;
    out->is_chosen = 1;
    status = glimpse_session_resolve_model(&out->path, session, library, name,
                                           "\"model\" in the configuration file");
    if (status == GLIMPSE_E_NOT_FOUND && hex) {
        const glimpse_kept_error missing = glimpse_error_keep();
        int found = glimpse_session_find_fingerprint(&out->path, &out->dimensions, session, hex, 0);
        if (found == GLIMPSE_OK && out->path) {
            status = GLIMPSE_OK;
        } else {
            glimpse_error_restore(&missing);
        }
    }
    if (status == GLIMPSE_E_NOT_FOUND) {
        char why[1024];
        (void)snprintf(why, sizeof why, "%s", glimpse_last_error());
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "your default model: %s; %s chooses another",
                              why, glimpse_wording("glimpse_session_set_user_model", "NAME"));
    }
done:
    free(name);
    free(hex);
    return status;
}

static int choose(choice *out, glimpse_session *session, glimpse_library *library) {
    session_lease lease = {0};
    int status = GLIMPSE_OK;
    *out = (choice){.is_chosen = 1};
    if (session->model_option) {
        out->origin = GLIMPSE_MODEL_OF_OPTIONS;
        return resolve_one(&out->path, session, library, session->model_option,
                           glimpse_wording("options.model", NULL));
    }
    if (session->model_variable) {
        out->origin = GLIMPSE_MODEL_OF_ENVIRONMENT;
        return resolve_one(&out->path, session, library, session->model_variable, "GLIMPSE_MODEL");
    }
    if (!library) {
        status = glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL, NULL);
        library = lease.library;
    }
    if (status == GLIMPSE_OK && library) status = choose_of_library(out, session, library);
    if (status == GLIMPSE_OK && !out->path) status = choose_of_user(out, session, library);
    glimpse_session_release_library(&lease);
    if (status < 0 || out->path) return status;
    out->origin = GLIMPSE_MODEL_OF_NOBODY;
    out->is_chosen = 0;
    out->path = glimpse_places_shipped_model(&session->places, "models/demo");
    if (out->path) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                        "no model was chosen and the demo model is not installed; choose one with "
                        "%s",
                        glimpse_wording("options.model", "DIR"));
}

static void note_demo(glimpse_session *session, int of_library) {
    const glimpse_catalog *catalog = NULL;
    const glimpse_catalog_model *real = NULL;
    const glimpse_kept_error before = glimpse_error_keep();
    if (glimpse_session_catalog(&catalog, session) < 0) glimpse_error_restore(&before);
    for (size_t i = 0; i < glimpse_catalog_count(catalog) && !real; i++) {
        const glimpse_catalog_model *m = glimpse_catalog_get(catalog, i);
        if (m->recommended) real = m;
    }
    const int is_there = real && glimpse_session_has_model(session, real);
    if (is_there && of_library) {
        glimpse_session_note(session,
                             "no model was chosen for this library, so it was made with the demo "
                             "model, which knows only the world of the demo pictures (%s is "
                             "installed; %s embeds the library with it)",
                             real->name, glimpse_wording("glimpse_session_embed_rest", real->name));
        return;
    }
    if (is_there) {
        glimpse_session_note(session,
                             "no model was chosen, using the demo model, which knows only the "
                             "world of the demo pictures (%s is installed; %s uses it)",
                             real->name, glimpse_wording("options.model", real->name));
        return;
    }
    glimpse_session_note(session,
                         "no model was chosen, using the demo model, which knows only the world of "
                         "the demo pictures (choose another with %s%s%s)",
                         glimpse_wording("options.model", NULL),
                         real ? "; a real one comes with: " : "",
                         real ? glimpse_wording("glimpse_session_open_pull", real->name) : "");
}

static const char *known_path(glimpse_session *session) {
    (void)pthread_mutex_lock(&session->lock);
    const char *path = session->model_path;
    (void)pthread_mutex_unlock(&session->lock);
    return path;
}

int glimpse_session_model_origin(glimpse_session *session) {
    (void)pthread_mutex_lock(&session->lock);
    const int origin = session->model_path ? (int)session->model_origin : 0;
    (void)pthread_mutex_unlock(&session->lock);
    return origin;
}

/* With `opening` held. */
static int find_once(const char **path, glimpse_session *session, glimpse_library *library) {
    choice found;
    *path = known_path(session);
    if (*path) return GLIMPSE_OK;
    int status = choose(&found, session, library);
    if (status < 0) {
        free(found.path);
        return status;
    }
    if (!found.is_chosen) note_demo(session, found.origin == GLIMPSE_MODEL_OF_LIBRARY);
    if (session->dimensions > 0) found.dimensions = session->dimensions;
    (void)pthread_mutex_lock(&session->lock);
    session->model_path = found.path;
    session->model_origin = found.origin;
    session->model_dimensions = found.dimensions;
    (void)pthread_mutex_unlock(&session->lock);
    *path = found.path;
    return GLIMPSE_OK;
}

int glimpse_session_find_model(const char **path, glimpse_session *session,
                               glimpse_library *library) {
    (void)pthread_mutex_lock(&session->opening);
    int status = find_once(path, session, library);
    (void)pthread_mutex_unlock(&session->opening);
    return status;
}

int glimpse_session_model_choice(glimpse_model_choice *out, glimpse_session *session) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_model_choice own = GLIMPSE_MODEL_CHOICE_INIT;
    choice found = {0};
    if (!out || !session) return glimpse_fail_null(__func__);
    (void)pthread_mutex_lock(&session->opening);
    int status = choose(&found, session, NULL);
    (void)pthread_mutex_unlock(&session->opening);
    if (status < 0) {
        free(found.path);
        return status;
    }
    status = glimpse_session_keep_string(&own.path, session, found.path);
    if (status < 0) return status;
    own.origin = found.origin;
    own.is_chosen = found.is_chosen;
    own.size = out->size < sizeof own ? out->size : sizeof own;
    memcpy(out, &own, own.size);
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

int glimpse_session_model_path(const char **path, glimpse_session *session) {
    if (path) *path = NULL;
    if (!path || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_model_path: a NULL argument");
    }
    return glimpse_session_find_model(path, session, NULL);
}

/*
 * Opening it.
 */
static const glimpse_model *opened_model(glimpse_session *session, unsigned towers) {
    const glimpse_model *model = NULL;
    (void)pthread_mutex_lock(&session->lock);
    for (unsigned have = 1; have <= SESSION_MODELS && !model; have++) {
        if ((have & towers) == towers) model = session->models[have - 1];
    }
    (void)pthread_mutex_unlock(&session->lock);
    return model;
}

/* With `opening` held. Vectors of two openings are compared, so the files must be the same. */
static int check_unchanged(glimpse_session *session, const glimpse_model *model, const char *path) {
    const glimpse_model *other = NULL;
    for (int i = 0; i < SESSION_MODELS && !other; i++)
        other = session->models[i];
    if (!other || strcmp(glimpse_model_fingerprint(model), glimpse_model_fingerprint(other)) == 0) {
        return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_CORRUPT, "%s changed while it was being used", path);
}

static int open_once(const glimpse_model **out, glimpse_session *session, unsigned towers,
                     glimpse_library *library) {
    const char *path = NULL;
    glimpse_model *model = NULL;
    *out = opened_model(session, towers);
    if (*out) return GLIMPSE_OK;
    int status = find_once(&path, session, library);
    if (status < 0) return status;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.precision = session->precision;
    options.backend = session->backend;
    options.towers = towers;
    options.language = session->language;
    options.dimensions = session->model_dimensions;
    if (session->no_weights_cache) options.flags |= GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
    status = glimpse_model_open(&model, path, &options);
    if (status == GLIMPSE_OK) status = check_unchanged(session, model, path);
    if (status < 0) {
        glimpse_model_close(model);
        return status;
    }
    (void)pthread_mutex_lock(&session->lock);
    session->models[towers - 1] = model;
    (void)pthread_mutex_unlock(&session->lock);
    *out = model;
    return GLIMPSE_OK;
}

int glimpse_session_open_model(const glimpse_model **model, glimpse_session *session,
                               unsigned towers, glimpse_library *library) {
    if (towers == 0) towers = GLIMPSE_TOWER_BOTH;
    *model = NULL;
    if (towers > GLIMPSE_TOWER_BOTH) {
        return glimpse_fail(GLIMPSE_E_INVALID, "towers %u of a model: there are two", towers);
    }
    *model = opened_model(session, towers);
    if (*model) return GLIMPSE_OK;
    (void)pthread_mutex_lock(&session->opening);
    int status = open_once(model, session, towers, library);
    (void)pthread_mutex_unlock(&session->opening);
    return status;
}

int glimpse_session_model(const glimpse_model **model, glimpse_session *session, unsigned towers) {
    if (model) *model = NULL;
    if (!model || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_model: a NULL argument");
    }
    return glimpse_session_open_model(model, session, towers, NULL);
}

/*
 * Encoders.
 */
static session_encoder *idle_encoder(glimpse_session *session, const glimpse_model *model,
                                     size_t batch) {
    session_encoder *found = NULL;
    (void)pthread_mutex_lock(&session->lock);
    session_list *idle = &session->encoders;
    for (size_t i = idle->count; i-- > 0 && !found;) {
        session_encoder *e = idle->items[i];
        if (e->model != model || e->batch < batch) continue;
        found = e;
        idle->items[i] = idle->items[--idle->count];
    }
    (void)pthread_mutex_unlock(&session->lock);
    return found;
}

int glimpse_session_acquire_encoder(session_worker *out, glimpse_session *session, unsigned towers,
                                    size_t batch, glimpse_library *library) {
    const glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    *out = (session_worker){0};
    int status = glimpse_session_open_model(&model, session, towers, library);
    if (status < 0) return status;
    session_encoder *idle = idle_encoder(session, model, batch);
    if (idle) {
        *out = (session_worker){session, model, idle->encoder, idle->batch};
        free(idle);
        return GLIMPSE_OK;
    }
    status = glimpse_encoder_create(&encoder, model, batch);
    if (status < 0) return status;
    *out = (session_worker){session, model, encoder, batch};
    return GLIMPSE_OK;
}

void glimpse_session_release_encoder(session_worker *worker) {
    glimpse_session *session = worker->session;
    if (session && worker->encoder) {
        session_encoder *idle = malloc(sizeof *idle);
        int kept = 0;
        if (idle) {
            *idle = (session_encoder){worker->model, worker->encoder, worker->batch};
            (void)pthread_mutex_lock(&session->lock);
            kept = glimpse_session_list_add(&session->encoders, idle) == GLIMPSE_OK;
            (void)pthread_mutex_unlock(&session->lock);
        }
        if (!kept) {
            free(idle);
            glimpse_encoder_free(worker->encoder);
        }
    }
    *worker = (session_worker){0};
}

void glimpse_session_close_models(glimpse_session *session) {
    for (size_t i = 0; i < session->encoders.count; i++) {
        session_encoder *e = session->encoders.items[i];
        glimpse_encoder_free(e->encoder);
        free(e);
    }
    free(session->encoders.items);
    session->encoders = (session_list){0};
    for (int i = 0; i < SESSION_MODELS; i++) {
        glimpse_model_close(session->models[i]);
        session->models[i] = NULL;
    }
}
