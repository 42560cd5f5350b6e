/*
 * session_found.c - models that are on this machine: where they are, and what they are called.
 */
#include "session_private.h"

#include "caches.h"
#include "core/error.h"
#include "file_paths.h"
#include "model_facts.h"

#include <glimpse/sys/blip.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct found {
    char *name, *path;
    session_place place;
} found;

typedef struct found_list {
    found *items;
    size_t count, capacity;
    glimpse_session *session;
} found_list;

static void free_list(found_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].path);
    }
    free(list->items);
}

/* Takes over both strings, also when it fails. */
static int add(found_list *list, char *name, char *path, session_place place) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        found *items = realloc(list->items, capacity * sizeof *items);
        if (items) {
            list->items = items;
            list->capacity = capacity;
        }
    }
    if (!name || !path || list->count == list->capacity) {
        free(name);
        free(path);
        return glimpse_fail_nomem(256, "a list of models");
    }
    list->items[list->count++] = (found){name, path, place};
    return GLIMPSE_OK;
}

/* One that was made and forgotten is no damaged model. */
static int is_empty(const char *path) {
    DIR *dir = opendir(path);
    int empty = 1;
    if (!dir) return 0;
    for (const struct dirent *entry; empty && (entry = readdir(dir)) != NULL;)
        empty = entry->d_name[0] == '.';
    (void)closedir(dir);
    return empty;
}

int glimpse_session_has_directories(const char *path) {
    DIR *dir = opendir(path);
    int has = 0;
    if (!dir) return 0;
    for (const struct dirent *entry; !has && (entry = readdir(dir)) != NULL;) {
        struct stat info;
        if (entry->d_name[0] == '.') continue;
        has = fstatat(dirfd(dir), entry->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
    }
    (void)closedir(dir);
    return has;
}

/* NAME and ORG/NAME below `directory`, which need not exist. */
static int add_installed(found_list *list, const char *directory, const char *organisation) {
    int status = GLIMPSE_OK;
    DIR *dir = opendir(directory);
    if (!dir) return GLIMPSE_OK;
    for (const struct dirent *entry; status == GLIMPSE_OK && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char *path = glimpse_session_format("%s/%s", directory, entry->d_name);
        if (!path) {
            status = glimpse_fail_nomem(strlen(entry->d_name), "a name");
        } else if (!glimpse_places_is_directory(path) || is_empty(path)) {
            free(path);
        } else if (!organisation && !glimpse_places_is_model(path) &&
                   glimpse_session_has_directories(path)) {
            status = add_installed(list, path, entry->d_name);
            free(path);
        } else {
            char *name = organisation ? glimpse_session_format("%s/%s", organisation, entry->d_name)
                                      : strdup(entry->d_name);
            status = add(list, name, path, SESSION_INSTALLED);
        }
    }
    (void)closedir(dir);
    return status;
}

/* A cache of the hub has models of all kinds, and parts of them. Of interest are those that can be
 * read, and those of the table. */
static int add_cached(void *user, const char *repository, const char *path) {
    found_list *list = user;
    const glimpse_catalog *catalog = NULL;
    const glimpse_kept_error before = glimpse_error_keep();
    int known = glimpse_session_catalog(&catalog, list->session) == GLIMPSE_OK &&
                glimpse_catalog_find(catalog, repository);
    if (!known) {
        known = glimpse_places_is_model(path) &&
                (glimpse_blip_is_model(path) || glimpse_session_is_encoder(path));
    }
    glimpse_error_restore(&before);
    return known ? add(list, strdup(repository), strdup(path), SESSION_HUB_CACHE) : GLIMPSE_OK;
}

static int is_weights(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".pt") == 0 || strcmp(dot, ".bin") == 0 ||
                   strcmp(dot, ".safetensors") == 0);
}

/* Single files, under the names they are downloaded by. */
static int add_clip_cache(found_list *list, const char *directory) {
    int status = GLIMPSE_OK;
    DIR *dir = opendir(directory);
    if (!dir) return GLIMPSE_OK;
    for (const struct dirent *entry; status == GLIMPSE_OK && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' || !is_weights(entry->d_name)) continue;
        status = add(list, glimpse_session_format("%s/%s", directory, entry->d_name),
                     glimpse_session_format("%s/%s", directory, entry->d_name), SESSION_CLIP_CACHE);
    }
    (void)closedir(dir);
    return status;
}

static int by_place(const void *a, const void *b) {
    const found *first = a, *second = b;
    if (first->place != second->place) return first->place < second->place ? -1 : 1;
    return strcmp(first->name, second->name);
}

/* What is called as something before it is called by its path. */
static int make_names_unique(found_list *list) {
    for (size_t i = 1; i < list->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(list->items[i].name, list->items[k].name) != 0) continue;
            free(list->items[i].name);
            list->items[i].name = strdup(list->items[i].path);
            if (!list->items[i].name) return glimpse_fail_nomem(256, "a name");
            break;
        }
    }
    return GLIMPSE_OK;
}

int glimpse_session_visit_models(glimpse_session *session, session_found_fn visit, void *user) {
    found_list list = {.session = session};
    char *hub = glimpse_hub_cache_directory(), *clip = glimpse_clip_cache_directory();
    char *demo = glimpse_places_shipped_model(&session->places, "models/demo");
    int status = GLIMPSE_OK;
    if (session->places.models) status = add_installed(&list, session->places.models, NULL);
    if (status == GLIMPSE_OK && hub) status = glimpse_hub_cache_visit(hub, add_cached, &list);
    if (status == GLIMPSE_OK && clip) status = add_clip_cache(&list, clip);
    if (status == GLIMPSE_OK && demo) {
        status = add(&list, strdup("demo"), demo, SESSION_DEMO);
        demo = NULL;
    }
    if (list.count > 1) qsort(list.items, list.count, sizeof *list.items, by_place);
    if (status == GLIMPSE_OK) status = make_names_unique(&list);
    for (size_t i = 0; i < list.count && status == GLIMPSE_OK; i++)
        status = visit(user, list.items[i].name, list.items[i].path, list.items[i].place);
    free_list(&list);
    free(hub);
    free(clip);
    free(demo);
    return status;
}

/*
 * By path.
 */
int glimpse_session_name_path(char **out, const glimpse_session *session, const char *path) {
    const char *models = session->places.models;
    char *cache = glimpse_hub_cache_directory();
    char *demo = glimpse_places_shipped_model(&session->places, "models/demo");
    int status = GLIMPSE_OK;
    *out = NULL;
    if (models && glimpse_path_is_below(path, models)) {
        *out = strdup(path + strlen(models) + 1);
        if (!*out) status = glimpse_fail_nomem(strlen(path), "a name");
    } else if (demo && strcmp(path, demo) == 0) {
        *out = strdup("demo");
        if (!*out) status = glimpse_fail_nomem(5, "a name");
    } else if (cache && glimpse_path_is_below(path, cache)) {
        status = glimpse_hub_cache_name(out, cache, path);
    }
    free(cache);
    free(demo);
    return status;
}

const char *glimpse_session_call_model(const glimpse_session *session, const char *path,
                                       const char *name) {
    static _Thread_local char text[1024];
    const glimpse_kept_error before = glimpse_error_keep();
    char *listed = NULL;
    if (session->model_option) return session->model_option;
    if (session->model_variable) return session->model_variable;
    if (path && glimpse_session_name_path(&listed, session, path) < 0) {
        glimpse_error_restore(&before);
    }
    (void)snprintf(text, sizeof text, "%s", listed ? listed : name);
    free(listed);
    return text;
}

/*
 * By fingerprint.
 */
typedef struct wanted {
    const char *fingerprint;
    size_t kept, dimensions;
    char *path; /* NULL: not found yet */
} wanted;

int glimpse_session_has_fingerprint(int *same, size_t *dimensions, const char *path,
                                    const char *hex, size_t kept) {
    char whole[33], shortened[33];
    *same = 0;
    *dimensions = 0;
    int status = glimpse_model_read_fingerprint(whole, path);
    if (status < 0) return status;
    *same = strcmp(whole, hex) == 0;
    if (*same || kept == 0) return GLIMPSE_OK;
    status = glimpse_model_shortened_fingerprint(shortened, whole, kept);
    if (status < 0) return status;
    *same = strcmp(shortened, hex) == 0;
    if (*same) *dimensions = kept;
    return GLIMPSE_OK;
}

static int compare(void *user, const char *name, const char *path, session_place place) {
    wanted *w = user;
    int same = 0;
    (void)name;
    if (w->path || place == SESSION_CLIP_CACHE || !glimpse_places_is_model(path)) return GLIMPSE_OK;
    int status =
        glimpse_session_has_fingerprint(&same, &w->dimensions, path, w->fingerprint, w->kept);
    if (status == GLIMPSE_E_NOMEM) return status;
    if (status < 0 || !same) return GLIMPSE_OK;
    w->path = strdup(path);
    return w->path ? GLIMPSE_OK : glimpse_fail_nomem(strlen(path), "a path");
}

int glimpse_session_find_fingerprint(char **out, size_t *dimensions, glimpse_session *session,
                                     const char *hex, size_t kept) {
    const glimpse_kept_error before = glimpse_error_keep();
    wanted w = {.fingerprint = hex, .kept = kept};
    int status = glimpse_session_visit_models(session, compare, &w);
    *out = status < 0 ? NULL : w.path;
    *dimensions = w.path ? w.dimensions : 0;
    if (status < 0) {
        free(w.path);
    } else {
        glimpse_error_restore(&before);
    }
    return status;
}
