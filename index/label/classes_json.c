/*
 * classes_json.c - class lists in JSON; glimpse/label.h has the form.
 */
#include "label_internal.h"

#include "core/error.h"
#include "text/json_load.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 4096 };

/* The text under `key`, NULL when it is not there. */
static int get_text(const json_t *item, const char *key, const char **out, const char *where) {
    const json_t *value = json_object_get(item, key);
    *out = NULL;
    if (!value || json_is_null(value)) return GLIMPSE_OK;
    if (json_is_string(value)) {
        *out = json_string_value(value);
        return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" is no string", where, key);
}

/* The texts under `key`; `list` is malloc'ed, its items borrowed. */
static int get_texts(const json_t *item, const char *key, const char ***list, size_t *count,
                     const char *where) {
    const json_t *value = json_object_get(item, key);
    *list = NULL;
    *count = 0;
    if (!value || json_is_null(value)) return GLIMPSE_OK;
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > MAX_VALUES) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" is no array of at most %d strings", where,
                            key, MAX_VALUES);
    }
    *list = calloc(n + 1, sizeof **list);
    if (!*list) return glimpse_fail_nomem(n * sizeof **list, "classes");
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (!text || !*text) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" has an item that is no text", where,
                                key);
        }
        (*list)[(*count)++] = text;
    }
    return GLIMPSE_OK;
}

/* A misspelt key would be ignored, and its synonyms or prompts with it. */
static int check_keys(json_t *item, const char *where) {
    static const char *const known[] = {"id",          "name",    "synonyms",
                                        "description", "prompts", "threshold"};
    for (void *at = json_object_iter(item); at; at = json_object_iter_next(item, at)) {
        const char *key = json_object_iter_key(at);
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(key, known[i]) != 0)
            i++;
        if (i == sizeof known / sizeof *known && key[0] != '_') {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: there is no key \"%.40s\"", where, key);
        }
    }
    return GLIMPSE_OK;
}

static int add(glimpse_classes *classes, json_t *item, const char *where) {
    glimpse_class_draft draft = {.threshold = -1};
    if (json_is_string(item)) {
        draft.name = json_string_value(item);
        return glimpse_classes_add(classes, &draft, where);
    }
    if (!json_is_object(item)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: neither a name nor an object", where);
    }
    const char **synonyms = NULL, **prompts = NULL;
    char number[32];
    const json_t *id = json_object_get(item, "id"), *threshold = json_object_get(item, "threshold");
    int status = check_keys(item, where);
    if (status == GLIMPSE_OK && json_is_integer(id)) {
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
        draft.id = number;
    } else if (status == GLIMPSE_OK) {
        status = get_text(item, "id", &draft.id, where);
    }
    if (status == GLIMPSE_OK) status = get_text(item, "name", &draft.name, where);
    if (status == GLIMPSE_OK) status = get_text(item, "description", &draft.description, where);
    if (status == GLIMPSE_OK) {
        status = get_texts(item, "synonyms", &synonyms, &draft.synonym_count, where);
    }
    if (status == GLIMPSE_OK) {
        status = get_texts(item, "prompts", &prompts, &draft.prompt_count, where);
    }
    if (status == GLIMPSE_OK && threshold && !json_is_null(threshold)) {
        if (json_is_number(threshold)) {
            draft.threshold = json_number_value(threshold);
            if (draft.threshold < 0) draft.threshold = 2; /* refused below */
        } else {
            status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"threshold\" is no number", where);
        }
    }
    draft.synonyms = synonyms;
    draft.prompts = prompts;
    if (status == GLIMPSE_OK) status = glimpse_classes_add(classes, &draft, where);
    free(synonyms);
    free(prompts);
    return status;
}

int glimpse_classes_read_json(glimpse_classes *classes, const char *text, size_t size,
                              const char *path) {
    json_error_t error;
    json_t *root = glimpse_json_load(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!root && glimpse_json_is_nomem(&error)) return glimpse_json_failed(&error, path);
    if (!root) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %d: %s", path, error.line,
                            glimpse_foreign_message(error.text, "not JSON"));
    }
    json_t *list = json_is_object(root) ? json_object_get(root, "classes") : root;
    int status = GLIMPSE_OK;
    if (!json_is_array(list)) {
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s: neither an array of classes nor an object with one under "
                              "\"classes\"",
                              path);
    }
    for (size_t i = 0; status == GLIMPSE_OK && i < json_array_size(list); i++) {
        char where[512];
        (void)snprintf(where, sizeof where, "%s, class %zu", path, i + 1);
        status = add(classes, json_array_get(list, i), where);
    }
    json_decref(root);
    return status;
}
