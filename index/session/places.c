/*
 * places.c - where a user's library, settings and caches are, and where the files are that ship
 * with glimpse.
 *
 * What ships is found from where the code is that looks for it: beside the shared library
 * (lib/../share/glimpse, or one directory deeper where there is one for each architecture), beside
 * the program it was linked into, in the source tree when either lies in build/PRESET/; else where
 * the build was told to install. So an installed tree can be moved as a whole.
 */
#include "places.h"

#include "core/error.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *glimpse_session_format(const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    return length < 0 ? NULL : text;
}

const char *glimpse_places_environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

int glimpse_places_is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *glimpse_places_directory(const session_places *places, const char *name) {
    while (strncmp(name, "./", 2) == 0 && name[2] != '/')
        name += 2;
    char *path = name[0] == '/' || !places->directory
                     ? strdup(name)
                     : glimpse_session_format("%s/%s", places->directory, name);
    if (path && glimpse_places_is_directory(path)) return path;
    free(path);
    return NULL;
}

static int is_readable(const char *path) {
    return access(path, R_OK) == 0;
}

int glimpse_places_is_model(const char *directory) {
    static const char *const names[] = {"config.json", "open_clip_config.json",
                                        "mobileclip_s0.json", "mobileclip_s1.json",
                                        "mobileclip_s2.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = glimpse_session_format("%s/%s", directory, names[i]);
        int found = path && is_readable(path);
        free(path);
        if (found) return 1;
    }
    return 0;
}

/* The specification: a relative value of these variables is to be ignored. */
static int user_directory(char **out, const char *variable, const char *below_home) {
    const char *base = glimpse_places_environment(variable);
    const char *home = glimpse_places_environment("HOME");
    *out = NULL;
    if (base && base[0] == '/') {
        *out = glimpse_session_format("%s/glimpse", base);
    } else if (home) {
        *out = glimpse_session_format("%s/%s/glimpse", home, below_home);
    } else {
        return GLIMPSE_OK;
    }
    return *out ? GLIMPSE_OK : glimpse_fail_nomem(PATH_MAX, "a path");
}

int glimpse_places_init(session_places *places, const char *shipped) {
    *places = (session_places){.directory = getcwd(NULL, 0)};
    int status = user_directory(&places->user_data, "XDG_DATA_HOME", ".local/share");
    if (status == GLIMPSE_OK) {
        status = user_directory(&places->user_config, "XDG_CONFIG_HOME", ".config");
    }
    if (status == GLIMPSE_OK && places->user_data) {
        places->models = glimpse_session_format("%s/models", places->user_data);
        if (!places->models) status = glimpse_fail_nomem(PATH_MAX, "a path");
    }
    if (status == GLIMPSE_OK && shipped) {
        places->shipped = realpath(shipped, NULL);
        if (!places->shipped) {
            status = glimpse_fail_errno("%s: the directory of what ships with glimpse", shipped);
        }
    }
    if (status < 0) glimpse_places_free(places);
    return status;
}

void glimpse_places_free(session_places *places) {
    free(places->shipped);
    free(places->user_data);
    free(places->user_config);
    free(places->models);
    free(places->directory);
    *places = (session_places){0};
}

typedef int (*accept_fn)(const char *path);

/* DIRECTORY/RELATIVE, resolved, when `accept` likes it; else NULL. */
static char *try_place(const char *directory, const char *relative, accept_fn accept) {
    char *path = glimpse_session_format("%s/%s", directory, relative), *full = NULL;
    if (path && accept(path)) full = realpath(path, NULL);
    free(path);
    return full;
}

/* Around the directory that the file `code` lies in. */
static char *try_around(const char *code, const char *relative, accept_fn accept) {
    static const char *const candidates[] = {"../share/glimpse", "../../share/glimpse",
                                             "../../../data"};
    const char *slash = strrchr(code, '/');
    char *found = NULL;
    for (size_t i = 0; slash && i < sizeof candidates / sizeof *candidates && !found; i++) {
        char *place = glimpse_session_format("%.*s/%s", (int)(slash - code), code, candidates[i]);
        if (place) found = try_place(place, relative, accept);
        free(place);
    }
    return found;
}

/* The file this code was loaded from, malloc'ed; NULL when that cannot be told. Of the main program
 * the loader knows only the name it was called by. */
static char *own_file(void) {
    static const char anchor;
    Dl_info info;
    if (dladdr(&anchor, &info) == 0 || !info.dli_fname || info.dli_fname[0] != '/') return NULL;
    return realpath(info.dli_fname, NULL);
}

/* Of what ships there is nothing above or elsewhere. */
static int leaves(const char *relative) {
    for (const char *part = relative;; part++) {
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.') return 1;
        part += length;
        if (!*part) return relative[0] == '/';
    }
}

static char *find(const session_places *places, const char *relative, accept_fn accept) {
    if (leaves(relative)) return NULL;
    if (places->shipped) return try_place(places->shipped, relative, accept);
    char *own = own_file(), *program = realpath("/proc/self/exe", NULL), *found = NULL;
    if (own) found = try_around(own, relative, accept);
    if (!found && program) found = try_around(program, relative, accept);
    if (!found) found = try_place(GLIMPSE_DATA_DIRECTORY, relative, accept);
    if (!found) found = try_place(GLIMPSE_SOURCE_DIRECTORY "/data", relative, accept);
    free(own);
    free(program);
    return found;
}

char *glimpse_places_shipped(const session_places *places, const char *relative) {
    return find(places, relative, is_readable);
}

char *glimpse_places_shipped_model(const session_places *places, const char *relative) {
    return find(places, relative, glimpse_places_is_model);
}
