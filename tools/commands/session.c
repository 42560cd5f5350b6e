/*
 * session.c - see session.h.
 */
#include "session.h"

#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const session_decodings[] = {"fast", "exact", NULL};

static int is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* malloc'ed ${XDG_DATA_HOME:-~/.local/share}/glimpse/NAME; NULL without a home. */
static char *data_folder(const char *name) {
    const char *data = environment("XDG_DATA_HOME"), *home = environment("HOME");
    /* The specification: a relative XDG_DATA_HOME is to be ignored. */
    if (data && data[0] == '/') return xprintf("%s/glimpse/%s", data, name);
    if (home) return xprintf("%s/.local/share/glimpse/%s", home, name);
    return NULL;
}

char *session_default_library(void) {
    return data_folder("library");
}

char *session_models_folder(void) {
    return data_folder("models");
}

int session_is_model(const char *folder) {
    static const char *const names[] = {"config.json", "open_clip_config.json"};
    for (size_t i = 0; i < 2; i++) {
        char *path = xprintf("%s/%s", folder, names[i]);
        int found = access(path, R_OK) == 0;
        free(path);
        if (found) return 1;
    }
    return 0;
}

/* FOLDER/RELATIVE, resolved, when `accept` likes it; else NULL. */
static char *try_place(const char *folder, const char *relative, int (*accept)(const char *)) {
    char *path = xprintf("%s/%s", folder, relative), *full = NULL;
    if (accept(path)) full = realpath(path, NULL);
    free(path);
    return full;
}

/* What ships with glimpse as `relative`: beside the program, installed (bin/../share/glimpse) or
 * in its source tree (build/PRESET/bin/../../../data); else where the build put it. */
static char *find_shipped(const char *relative, int (*accept)(const char *)) {
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *found = NULL;
    if (length > 0) {
        program[length] = '\0';
        char *slash = strrchr(program, '/');
        if (slash) {
            (void)snprintf(slash, sizeof program - (size_t)(slash - program), "/../share/glimpse");
            found = try_place(program, relative, accept);
            (void)snprintf(slash, sizeof program - (size_t)(slash - program), "/../../../data");
            if (!found) found = try_place(program, relative, accept);
        }
    }
    if (!found) found = try_place(GLIMPSE_DATA_FOLDER, relative, accept);
    if (!found) found = try_place(GLIMPSE_SOURCE_FOLDER "/data", relative, accept);
    return found;
}

char *session_demo_model(void) {
    return find_shipped("models/demo", session_is_model);
}

static int is_readable(const char *path) {
    return access(path, R_OK) == 0;
}

char *session_shipped_file(const char *kind, const char *name) {
    if (!*name || strchr(name, '/') || strchr(name, ',') || name[0] == '.') return NULL;
    char *relative = xprintf("%s/%s.txt", kind, name);
    char *found = find_shipped(relative, is_readable);
    free(relative);
    return found;
}

char *session_shipped_data(const char *relative) {
    return find_shipped(relative, is_readable);
}

char *session_demo_vlm(const char *part) {
    char *relative = xprintf("models/demo-vlm/%s", part);
    char *found = find_shipped(relative, session_is_model);
    free(relative);
    return found;
}

/*
 * Libraries.
 */
static int choose_library(session *s) {
    if (s->library_path) return CLI_RUN;
    const char *chosen = s->library_option ? s->library_option : environment("GLIMPSE_LIBRARY");
    if (chosen && !*chosen) return tool_fail("--library needs the path of a folder");
    s->library_path = chosen ? xstrdup(chosen) : session_default_library();
    if (!s->library_path) {
        return tool_fail("no library: HOME is not set; choose one with --library DIR");
    }
    return CLI_RUN;
}

/* Makes the folders above the library. */
static int make_parents(const char *path) {
    char *copy = xstrdup(path);
    int failed = 0;
    for (char *s = copy + 1; *s && !failed; s++) {
        if (*s != '/') continue;
        *s = '\0';
        failed = mkdir(copy, 0777) != 0 && errno != EEXIST && !is_folder(copy);
        *s = '/';
    }
    free(copy);
    return failed;
}

/* A library on a medium that cannot be written is read as it is. */
static int open_library(session *s, unsigned flags) {
    int status = glimpse_library_open(&s->library, s->library_path, flags);
    if (status == GLIMPSE_E_IO && flags == 0 && access(s->library_path, W_OK) != 0) {
        status = glimpse_library_open(&s->library, s->library_path, GLIMPSE_LIBRARY_READ_ONLY);
    }
    return status;
}

int session_open_library(session *s, unsigned flags) {
    int code = choose_library(s);
    if (code != CLI_RUN) return code;
    if ((flags & GLIMPSE_LIBRARY_CREATE) && make_parents(s->library_path) != 0) {
        return tool_fail("%s: cannot make the folder: %s", s->library_path, strerror(errno));
    }
    int status = open_library(s, flags);
    if (status == GLIMPSE_E_NOT_FOUND && !(flags & GLIMPSE_LIBRARY_CREATE)) {
        return tool_fail("there is no library at %s yet; make one with: glimpse index FOLDER",
                         s->library_path);
    }
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

int session_open_library_if_any(session *s, int named_must_exist) {
    int code = choose_library(s);
    if (code != CLI_RUN) return s->library_option ? code : CLI_RUN;
    int status = open_library(s, 0);
    if (status == GLIMPSE_E_NOT_FOUND) {
        if (!s->library_option || !named_must_exist) return CLI_RUN;
        return tool_fail("there is no library at %s", s->library_path);
    }
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

/*
 * Models.
 */
static int resolve_model(session *s, const char *name, const char *said_by) {
    if (!*name) return tool_fail("%s is empty; give the folder or the name of a model", said_by);
    if (is_folder(name)) {
        s->model_path = xstrdup(name);
        return CLI_RUN;
    }
    char *models = session_models_folder();
    int plain = name[0] != '/' && strncmp(name, "./", 2) != 0 && strncmp(name, "../", 3) != 0 &&
                !strstr(name, "/../");
    if (models && plain) {
        char *path = xprintf("%s/%s", models, name);
        if (is_folder(path)) {
            s->model_path = path;
            free(models);
            return CLI_RUN;
        }
        free(path);
    }
    if (strcmp(name, "demo") == 0) s->model_path = session_demo_model();
    int code = CLI_RUN;
    if (!s->model_path) {
        code = models && plain
                   ? tool_fail("there is no model %s: neither a folder of that name nor one in %s",
                               name, models)
                   : tool_fail("there is no model folder %s", name);
    }
    free(models);
    return code;
}

/* The model that the open library used last, when it is still where it was. */
static int last_model(session *s) {
    glimpse_library_status *status = NULL;
    if (!s->library) return CLI_RUN;
    if (glimpse_library_load_models(&status, s->library) < 0) return tool_fail_last();
    int code = CLI_RUN;
    if (status->model_count > 0) {
        const glimpse_library_model *model = &status->models[0];
        if (model->path && is_folder(model->path)) {
            s->model_path = xstrdup(model->path);
        } else {
            /* The demo model may have moved with the program. */
            char hex[33], *demo = session_demo_model();
            if (demo && glimpse_model_read_fingerprint(hex, demo) == GLIMPSE_OK &&
                strcmp(hex, model->fingerprint) == 0) {
                s->model_path = demo;
                demo = NULL;
            } else {
                code = tool_fail("the library was made with the model %s, which is no longer at "
                                 "%s; say where it is with --model DIR",
                                 model->name, model->path ? model->path : "its old place");
            }
            free(demo);
        }
    }
    glimpse_library_status_free(status);
    return code;
}

int session_find_model(session *s) {
    if (s->model_path) return CLI_RUN;
    if (s->model_option) return resolve_model(s, s->model_option, "--model");
    const char *variable = environment("GLIMPSE_MODEL");
    if (variable) return resolve_model(s, variable, "GLIMPSE_MODEL");
    int code = last_model(s);
    if (code != CLI_RUN || s->model_path) return code;
    s->model_path = session_demo_model();
    if (!s->model_path) {
        return tool_fail("no model was chosen and the demo model is not installed; choose one with "
                         "--model DIR");
    }
    if (!s->quiet) {
        tool_note("no model was chosen, using the demo model, which knows only the world of the "
                  "demo pictures (choose another with --model)");
    }
    return CLI_RUN;
}

int session_open_model(session *s, unsigned towers, size_t batch) {
    int code = session_find_model(s);
    if (code != CLI_RUN) return code;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.precision = (glimpse_precision)s->precision;
    options.backend = (glimpse_backend)s->backend;
    options.towers = towers;
    if (s->no_weights_cache) options.flags |= GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
    if (glimpse_model_open(&s->model, s->model_path, &options) < 0) return tool_fail_last();
    if (batch > 0 && glimpse_encoder_create(&s->encoder, s->model, batch) < 0) {
        return tool_fail_last();
    }
    return CLI_RUN;
}

void session_model_options(glimpse_model_options *out, const session *s) {
    out->precision = (glimpse_precision)s->precision;
    out->backend = (glimpse_backend)s->backend;
    if (s->no_weights_cache) out->flags |= GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
}

static int was_stopped(void *user) {
    (void)user;
    return tool_stopped();
}

int session_open_embedder(glimpse_embedder **out, const session *s, unsigned jobs, int exact,
                          const char *journal) {
    glimpse_embedder_options options = GLIMPSE_EMBEDDER_OPTIONS_INIT;
    glimpse_model_options model_options = GLIMPSE_MODEL_OPTIONS_INIT;
    session_model_options(&model_options, s);
    options.jobs = jobs;
    options.exact = exact;
    options.journal = journal;
    options.model_options = &model_options;
    options.cancelled = was_stopped;
    return glimpse_embedder_open(out, s->library, s->model, &options) < 0 ? tool_fail_last()
                                                                          : CLI_RUN;
}

void session_close(session *s) {
    glimpse_encoder_free(s->encoder);
    glimpse_model_close(s->model);
    glimpse_library_close(s->library);
    free(s->library_path);
    free(s->model_path);
    s->encoder = NULL;
    s->model = NULL;
    s->library = NULL;
    s->library_path = s->model_path = NULL;
}
