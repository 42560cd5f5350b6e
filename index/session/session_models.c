/*
 * session_models.c - the models that can be chosen by name.
 */
#include "session_private.h"

#include "core/error.h"

#include <glimpse/sys/blip.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

struct glimpse_model_list {
    glimpse_model_entry *items;
    size_t count, capacity;
    session_list strings; /* char *, owned */
};

/* A copy that lives as long as the list. */
static int copy(const char **out, glimpse_model_list *list, const char *text) {
    char *own = strdup(text);
    *out = NULL;
    if (!own) return glimpse_fail_nomem(strlen(text), "a string");
    int status = glimpse_session_list_add(&list->strings, own);
    if (status < 0) {
        free(own);
        return status;
    }
    *out = own;
    return GLIMPSE_OK;
}

static int add(glimpse_model_entry **out, glimpse_model_list *list, const char *name,
               const char *path, const char *fingerprint) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        glimpse_model_entry *items = realloc(list->items, capacity * sizeof *items);
        if (!items) return glimpse_fail_nomem(capacity * sizeof *items, "a list of models");
        list->items = items;
        list->capacity = capacity;
    }
    glimpse_model_entry entry = {.is_blip = glimpse_blip_is_model(path),
                                 .is_available = glimpse_places_is_model(path)};
    int status = copy(&entry.name, list, name);
    if (status == GLIMPSE_OK) status = copy(&entry.path, list, path);
    if (status == GLIMPSE_OK && fingerprint) {
        status = copy(&entry.fingerprint, list, fingerprint);
    }
    if (status < 0) return status;
    list->items[list->count++] = entry;
    *out = &list->items[list->count - 1];
    return GLIMPSE_OK;
}

static int add_directory(glimpse_model_list *list, const char *name, const char *path) {
    char hex[33];
    glimpse_model_entry *unused;
    int readable = glimpse_model_read_fingerprint(hex, path) == GLIMPSE_OK;
    return add(&unused, list, name, path, readable ? hex : NULL);
}

/* NAME and ORG/NAME below `directory`, which need not exist. */
static int add_installed(glimpse_model_list *list, const char *directory,
                         const char *organisation) {
    int status = GLIMPSE_OK;
    DIR *dir = opendir(directory);
    if (!dir) return GLIMPSE_OK;
    for (const struct dirent *entry; status == GLIMPSE_OK && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char *path = glimpse_session_format("%s/%s", directory, entry->d_name);
        char *name = organisation ? glimpse_session_format("%s/%s", organisation, entry->d_name)
                                  : strdup(entry->d_name);
        if (!path || !name) {
            status = glimpse_fail_nomem(strlen(entry->d_name), "a name");
        } else if (glimpse_places_is_model(path)) {
            status = add_directory(list, name, path);
        } else if (!organisation) {
            status = add_installed(list, path, entry->d_name);
        }
        free(name);
        free(path);
    }
    (void)closedir(dir);
    return status;
}

static int add_of_library(glimpse_model_list *list, const glimpse_library_status *known) {
    for (size_t i = 0; i < known->model_count; i++) {
        const glimpse_library_model *m = &known->models[i];
        glimpse_model_entry *entry = NULL;
        for (size_t k = 0; k < list->count; k++) {
            const char *have = list->items[k].fingerprint;
            if (have && strcmp(have, m->fingerprint) == 0) entry = &list->items[k];
        }
        int status =
            entry ? GLIMPSE_OK : add(&entry, list, m->name, m->path ? m->path : "", m->fingerprint);
        if (status < 0) return status;
        entry->in_library = 1;
        entry->last_used = i == 0;
        entry->embedded = m->embedded;
    }
    return GLIMPSE_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const glimpse_model_entry *)a)->name, ((const glimpse_model_entry *)b)->name);
}

int glimpse_session_list_models(glimpse_model_list **out, glimpse_session *session) {
    const glimpse_kept_error before = glimpse_error_keep();
    session_lease lease = {0};
    glimpse_library_status *known = NULL;
    if (out) *out = NULL;
    if (!out || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_list_models: a NULL argument");
    }
    glimpse_model_list *list = calloc(1, sizeof *list);
    if (!list) return glimpse_fail_nomem(sizeof *list, "a list of models");
    int status =
        glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL | SESSION_NAMED, NULL);
    if (status == GLIMPSE_OK && session->places.models) {
        status = add_installed(list, session->places.models, NULL);
    }
    if (status == GLIMPSE_OK && list->count > 1) {
        qsort(list->items, list->count, sizeof *list->items, by_name);
    }
    char *demo = glimpse_places_shipped_model(&session->places, "models/demo");
    if (status == GLIMPSE_OK && demo) status = add_directory(list, "demo", demo);
    free(demo);
    if (status == GLIMPSE_OK && lease.library) {
        status = glimpse_library_load_model_status(&known, lease.library);
        if (status == GLIMPSE_OK) status = add_of_library(list, known);
    }
    glimpse_library_status_free(known);
    glimpse_session_release_library(&lease);
    if (status < 0) {
        glimpse_model_list_free(list);
        return status;
    }
    *out = list;
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

size_t glimpse_model_list_count(const glimpse_model_list *list) {
    return list ? list->count : 0;
}

const glimpse_model_entry *glimpse_model_list_get(const glimpse_model_list *list, size_t i) {
    return list && i < list->count ? &list->items[i] : NULL;
}

void glimpse_model_list_free(glimpse_model_list *list) {
    if (!list) return;
    for (size_t i = 0; i < list->strings.count; i++)
        free(list->strings.items[i]);
    free(list->strings.items);
    free(list->items);
    free(list);
}
