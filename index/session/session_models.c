/*
 * session_models.c - the models that can be chosen by name.
 */
#include "session_private.h"

#include "core/error.h"
#include "math/init.h"
#include "model_facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct glimpse_model_list {
    glimpse_model_entry *items;
    size_t count, capacity;
    session_list strings; /* char *, owned */
    /* While it is made. */
    const glimpse_catalog *catalog; /* NULL: there is no table */
    const char *precision;
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

static int copy_known(const char **out, glimpse_model_list *list, const char *text) {
    *out = NULL;
    return text ? copy(out, list, text) : GLIMPSE_OK;
}

static int add(glimpse_model_entry **out, glimpse_model_list *list, const char *name,
               const char *path) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        glimpse_model_entry *items = realloc(list->items, capacity * sizeof *items);
        if (!items) return glimpse_fail_nomem(capacity * sizeof *items, "a list of models");
        list->items = items;
        list->capacity = capacity;
    }
    glimpse_model_entry entry = {.parameters = (double)NAN};
    int status = copy(&entry.name, list, name);
    if (status == GLIMPSE_OK) status = copy(&entry.path, list, path);
    if (status < 0) return status;
    list->items[list->count++] = entry;
    *out = &list->items[list->count - 1];
    return GLIMPSE_OK;
}

/* What the files say. */
static int add_facts(glimpse_model_entry *entry, glimpse_model_list *list) {
    session_model_facts facts;
    int status = glimpse_session_read_facts(&facts, entry->path);
    if (status < 0) return status;
    entry->is_blip = facts.is_blip;
    entry->is_available = !*facts.problem;
    entry->family = facts.family;
    entry->parameters = facts.parameters;
    entry->dimension = facts.dimension;
    entry->resolution = facts.resolution;
    entry->bytes = facts.bytes;
    status = copy_known(&entry->problem, list, *facts.problem ? facts.problem : NULL);
    if (status == GLIMPSE_OK && *facts.fingerprint) {
        status = copy(&entry->fingerprint, list, facts.fingerprint);
    }
    if (status == GLIMPSE_OK && entry->is_available) entry->precision = list->precision;
    return status;
}

/* What the table says of the repository it comes from, and what its publisher said. */
static int add_published(glimpse_model_entry *entry, glimpse_model_list *list) {
    char *repository = glimpse_session_read_record(entry->path, "repository");
    char *licence = glimpse_session_read_record(entry->path, "licence");
    const glimpse_catalog_model *m =
        glimpse_catalog_find(list->catalog, repository ? repository : entry->name);
    int status = GLIMPSE_OK;
    if (m) {
        status = copy_known(&entry->family, list, m->family);
        if (status == GLIMPSE_OK) status = copy_known(&entry->short_name, list, m->name);
        if (status == GLIMPSE_OK) status = copy_known(&entry->languages, list, m->languages);
        if (status == GLIMPSE_OK) status = copy_known(&entry->licence, list, m->licence);
    }
    if (status == GLIMPSE_OK && licence) status = copy(&entry->licence, list, licence);
    free(repository);
    free(licence);
    return status;
}

static int on_found(void *user, const char *name, const char *path, session_place place) {
    static const char *const places[] = {"models directory", "hub cache", "clip cache", "demo"};
    glimpse_model_list *list = user;
    glimpse_model_entry *entry = NULL;
    int status = add(&entry, list, name, path);
    if (status < 0) return status;
    entry->place = places[place];
    entry->can_be_removed = place == SESSION_INSTALLED;
    status = add_facts(entry, list);
    if (status == GLIMPSE_OK) status = add_published(entry, list);
    if (place == SESSION_DEMO) {
        entry->languages = "en";
        entry->licence = "Apache-2.0";
    }
    return status;
}

/* The one of the library: where it was, else any with its fingerprint. */
static glimpse_model_entry *find_entry(const glimpse_model_list *list,
                                       const glimpse_library_model *m) {
    glimpse_model_entry *found = NULL;
    for (size_t i = 0; i < list->count; i++) {
        glimpse_model_entry *entry = &list->items[i];
        if (!entry->fingerprint || strcmp(entry->fingerprint, m->fingerprint) != 0) continue;
        if (m->path && strcmp(entry->path, m->path) == 0) return entry;
        found = entry;
    }
    return found;
}

static int is_named(const glimpse_model_list *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0) return 1;
    return 0;
}

/* Whether the model with this fingerprint made the library's vectors, or their beginnings. */
static int is_same(const char *fingerprint, const glimpse_library_model *m) {
    char shortened[33];
    if (strcmp(fingerprint, m->fingerprint) == 0) return 1;
    return glimpse_model_shortened_fingerprint(shortened, fingerprint, m->embedding_size) ==
               GLIMPSE_OK &&
           strcmp(shortened, m->fingerprint) == 0;
}

static int add_of_library(glimpse_model_list *list, const glimpse_library_status *known) {
    for (size_t i = 0; i < known->model_count; i++) {
        const glimpse_library_model *m = &known->models[i];
        glimpse_model_entry *entry = find_entry(list, m);
        int status = GLIMPSE_OK;
        if (!entry) {
            const char *path = m->path ? m->path : "";
            /* Its name means it only to calls that have this library. */
            const int by_path = glimpse_places_is_model(path) || is_named(list, m->name);
            status = add(&entry, list, by_path ? path : m->name, path);
            if (status == GLIMPSE_OK) {
                entry->place = "library";
                status = glimpse_places_is_directory(path) ? add_facts(entry, list) : GLIMPSE_OK;
            }
            if (status == GLIMPSE_OK) status = add_published(entry, list);
            /* What is there now may be another model. */
            if (status == GLIMPSE_OK && entry->fingerprint && !is_same(entry->fingerprint, m)) {
                entry->is_available = 0;
                entry->problem = "another model is there now";
            }
            if (status == GLIMPSE_OK) status = copy(&entry->fingerprint, list, m->fingerprint);
            if (status == GLIMPSE_OK) entry->dimension = (unsigned)m->embedding_size;
        }
        if (status < 0) return status;
        entry->in_library = m->embedded > 0 || !m->is_default;
        entry->last_used = i == 0;
        entry->embedded = m->embedded;
        entry->is_library_default = m->is_default;
    }
    return GLIMPSE_OK;
}

/* Nobody's fault when its name leads nowhere: then it is none of those listed. */
static void mark_user_default(glimpse_model_list *list, glimpse_session *session) {
    const glimpse_kept_error before = glimpse_error_keep();
    char *name = NULL, *hex = NULL, *path = NULL;
    if (glimpse_session_load_user_model(&name, &hex, session) == GLIMPSE_OK && name) {
        (void)glimpse_session_resolve_model(&path, session, NULL, name, "the model");
    }
    for (size_t i = 0; path && i < list->count; i++)
        list->items[i].is_user_default = strcmp(list->items[i].path, path) == 0;
    free(name);
    free(hex);
    free(path);
    glimpse_error_restore(&before);
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
    /* Without the table less is known of them. */
    (void)glimpse_session_catalog(&list->catalog, session);
    list->precision =
        glimpse_precision_names()[glimpse_math_has_fast_bf16() ? GLIMPSE_PRECISION_BF16
                                                               : GLIMPSE_PRECISION_F32];
    if (status == GLIMPSE_OK) status = glimpse_session_visit_models(session, on_found, list);
    if (status == GLIMPSE_OK && lease.library) {
        status = glimpse_library_load_model_status(&known, lease.library);
        if (status == GLIMPSE_OK) status = add_of_library(list, known);
    }
    if (status == GLIMPSE_OK) mark_user_default(list, session);
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
