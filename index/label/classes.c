/*
 * classes.c - class lists; classes_load.c and classes_json.c read them from files.
 *
 * Whatever the file, a class is added through glimpse_classes_add, which checks and copies it, and
 * the list is finished by finish(), which looks at all of them together: duplicates, and names of
 * a hierarchy whose last parts are the same word.
 */
#include "label_internal.h"

#include "core/error.h"
#include "core/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct glimpse_classes {
    glimpse_class *rows; /* [count]; their strings belong to the list */
    size_t count, capacity;
};

static void free_list(const char *const *list, size_t count) {
    for (size_t i = 0; list && i < count; i++)
        free((void *)(uintptr_t)list[i]);
    free((void *)(uintptr_t)list);
}

static void free_class(glimpse_class *c) {
    free((void *)(uintptr_t)c->id);
    free((void *)(uintptr_t)c->name);
    free((void *)(uintptr_t)c->description);
    free_list(c->words, c->word_count);
    free_list(c->prompts, c->prompt_count);
}

void glimpse_classes_free(glimpse_classes *classes) {
    if (!classes) return;
    for (size_t i = 0; i < classes->count; i++)
        free_class(&classes->rows[i]);
    free(classes->rows);
    free(classes);
}

size_t glimpse_classes_count(const glimpse_classes *classes) {
    return classes ? classes->count : 0;
}

const glimpse_class *glimpse_classes_get(const glimpse_classes *classes, size_t i) {
    return classes && i < classes->count ? &classes->rows[i] : NULL;
}

/* What stands behind the last slash. */
static const char *last_part(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Copies `from` into a new list that has room for one more in front. */
static const char **copy_list(const char *const *from, size_t count, size_t front) {
    const char **list = calloc(count + front + 1, sizeof *list);
    for (size_t i = 0; list && i < count; i++) {
        list[front + i] = strdup(from[i]);
        if (!list[front + i]) {
            free_list(list, count + front);
            return NULL;
        }
    }
    return list;
}

int glimpse_classes_add(glimpse_classes *classes, const glimpse_class_draft *draft,
                        const char *where) {
    size_t length = draft->name ? strlen(draft->name) : 0;
    if (length == 0) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: no name", where);
    if (draft->name[0] == '/' || draft->name[length - 1] == '/' || strstr(draft->name, "//")) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: \"%.60s\" has an empty part; a hierarchy is written "
                            "animal/dog/terrier",
                            where, draft->name);
    }
    if (draft->threshold != -1 && !(draft->threshold >= 0 && draft->threshold <= 1)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: a threshold is a number from 0 to 1", where);
    }
    if (classes->count == classes->capacity) {
        size_t capacity = classes->capacity ? 2 * classes->capacity : 64;
        glimpse_class *grown = realloc(classes->rows, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "classes");
        classes->rows = grown;
        classes->capacity = capacity;
    }
    glimpse_class *c = &classes->rows[classes->count];
    *c = (glimpse_class){.threshold = draft->threshold};
    c->id = strdup(draft->id && *draft->id ? draft->id : draft->name);
    c->name = strdup(draft->name);
    c->description = strdup(draft->description ? draft->description : "");
    const char **words = copy_list(draft->synonyms, draft->synonym_count, 1);
    c->words = words;
    c->prompts = copy_list(draft->prompts, draft->prompt_count, 0);
    c->prompt_count = c->prompts ? draft->prompt_count : 0;
    c->word_count = words ? draft->synonym_count + 1 : 0;
    if (words) words[0] = strdup(last_part(draft->name));
    if (!c->id || !c->name || !c->description || !words || !words[0] || !c->prompts) {
        free_class(c);
        return glimpse_fail_nomem(length, "a class");
    }
    classes->count++;
    return GLIMPSE_OK;
}

/*
 * All of them together.
 */
typedef struct key {
    const char *text;
    size_t i;
} key;

static int by_text(const void *a, const void *b) {
    const key *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->i > y->i) - (x->i < y->i);
}

/* "terrier" of animal/dog/terrier becomes "terrier, a kind of dog". */
static int disambiguate(glimpse_class *c) {
    const char *last = last_part(c->name);
    if (last == c->name) return GLIMPSE_OK; /* it has no parent to name */
    const char *end = last - 1, *start = end;
    while (start > c->name && start[-1] != '/')
        start--;
    size_t size = strlen(last) + (size_t)(end - start) + 16;
    char *text = malloc(size);
    if (!text) return glimpse_fail_nomem(size, "a class");
    (void)snprintf(text, size, "%s, a kind of %.*s", last, (int)(end - start), start);
    const char **words = (const char **)(uintptr_t)c->words;
    free((void *)(uintptr_t)words[0]);
    words[0] = text;
    return GLIMPSE_OK;
}

static int finish(glimpse_classes *classes, const char *name) {
    size_t count = classes->count;
    if (count == 0) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the list is empty", name);
    key *keys = malloc(count * sizeof *keys);
    if (!keys) return glimpse_fail_nomem(count * sizeof *keys, "classes");
    int status = GLIMPSE_OK;
    for (int pass = 0; pass < 3 && status == GLIMPSE_OK; pass++) {
        for (size_t i = 0; i < count; i++) {
            const glimpse_class *c = &classes->rows[i];
            keys[i] = (key){pass == 0 ? c->name : pass == 1 ? c->id : last_part(c->name), i};
        }
        qsort(keys, count, sizeof *keys, by_text);
        for (size_t i = 1; i < count && status == GLIMPSE_OK; i++) {
            if (strcmp(keys[i - 1].text, keys[i].text) != 0) continue;
            if (pass < 2) {
                status =
                    glimpse_fail(GLIMPSE_E_INVALID, "%s: the class%s \"%.80s\" is listed twice",
                                 name, pass == 0 ? "" : " id", keys[i].text);
                break;
            }
            if (i == 1 || strcmp(keys[i - 2].text, keys[i - 1].text) != 0) {
                status = disambiguate(&classes->rows[keys[i - 1].i]);
            }
            if (status == GLIMPSE_OK) status = disambiguate(&classes->rows[keys[i].i]);
        }
    }
    free(keys);
    return status;
}

int glimpse_classes_start(glimpse_classes **out, glimpse_classes **classes) {
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the classes");
    *out = NULL;
    *classes = calloc(1, sizeof **classes);
    return *classes ? GLIMPSE_OK : glimpse_fail_nomem(sizeof **classes, "classes");
}

int glimpse_classes_hand_over(glimpse_classes **out, glimpse_classes *classes, const char *name,
                              int status) {
    if (status == GLIMPSE_OK) status = finish(classes, name);
    if (status < 0) {
        glimpse_classes_free(classes);
    } else {
        *out = classes;
    }
    return status;
}

int glimpse_classes_create(glimpse_classes **out, const char *const *names, size_t count) {
    glimpse_classes *classes = NULL;
    int status = glimpse_classes_start(out, &classes);
    if (status < 0) return status;
    if (count == 0 || !names) status = glimpse_fail(GLIMPSE_E_INVALID, "no classes to choose from");
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        glimpse_class_draft draft = {.name = names[i], .threshold = -1};
        status = glimpse_classes_add(classes, &draft, "list");
    }
    return glimpse_classes_hand_over(out, classes, "list", status);
}

int glimpse_classes_find(size_t *out, const glimpse_classes *classes, const char *text) {
    size_t found = SIZE_MAX, matches = 0;
    if (!out || !classes || !text) return glimpse_fail_null(__func__);
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < glimpse_classes_count(classes); i++) {
            const glimpse_class *c = &classes->rows[i];
            int same = pass == 0   ? strcmp(c->id, text) == 0
                       : pass == 1 ? strcmp(c->name, text) == 0
                                   : strcmp(last_part(c->name), text) == 0;
            for (size_t w = 1; pass == 2 && !same && w < c->word_count; w++)
                same = strcmp(c->words[w], text) == 0;
            if (!same) continue;
            found = i;
            matches++;
        }
        if (matches == 1) {
            *out = found;
            return GLIMPSE_OK;
        }
        if (matches > 1) {
            return glimpse_fail(GLIMPSE_E_INVALID, "\"%.80s\" may be any of %zu classes", text,
                                matches);
        }
    }
    return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no class \"%.80s\"", text);
}
