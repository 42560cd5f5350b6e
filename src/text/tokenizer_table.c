/*
 * text/tokenizer_table.c - the kinds of tokenizers, and which of them a model directory has.
 */
#include "core/error.h"
#include "core/file.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By kind; AUTO is the empty place at the front. */
static const glimpse_tokenizer_type *const types[] = {NULL,
#define ROW(constant, name) &glimpse_tokenizer_type_##name,
                                                      GLIMPSE_TOKENIZER_KINDS(ROW)
#undef ROW
};
enum { TYPES = sizeof types / sizeof types[0] };

const glimpse_tokenizer_type *glimpse_tokenizer_type_of(glimpse_tokenizer_kind kind) {
    return (unsigned)kind < TYPES ? types[kind] : NULL;
}

const char *glimpse_tokenizer_kind_name(glimpse_tokenizer_kind kind) {
    const glimpse_tokenizer_type *type = glimpse_tokenizer_type_of(kind);
    return type ? type->name : NULL;
}

static int has(int *out, const char *directory, const char *name) {
    char *path = glimpse_path_join(directory, name);
    if (!path) return glimpse_fail_nomem(strlen(directory) + strlen(name), "a file name");
    *out = access(path, F_OK) == 0;
    free(path);
    return GLIMPSE_OK;
}

/* What the JSON files of the directory say; read when the first sign asks for it, so that a
 * damaged one is no trouble where a surer sign makes it needless. */
typedef struct names {
    const char *directory;
    glimpse_tokenizer_settings settings;
    json_t *config;
    const char *class, *model_type; /* NULL: it does not say */
} names;

static int read_names(names *n, glimpse_sign_strength strength) {
    int status = GLIMPSE_OK;
    if (strength == GLIMPSE_SIGN_CLASS) {
        status = glimpse_tokenizer_settings_read(&n->settings, n->directory);
        n->class = json_string_value(json_object_get(n->settings.own, "tokenizer_class"));
    } else if (strength == GLIMPSE_SIGN_MODEL_TYPE) {
        status = glimpse_json_object_read(&n->config, n->directory, "config.json");
        n->model_type = json_string_value(json_object_get(n->config, "model_type"));
    }
    return status;
}

static int holds(int *out, const glimpse_tokenizer_sign *sign, const names *n) {
    const char *name = sign->strength == GLIMPSE_SIGN_CLASS ? n->class : n->model_type;
    *out = !sign->name || (name && strcmp(sign->name, name) == 0);
    for (size_t i = 0; i < 2 && *out && sign->files[i]; i++) {
        int status = has(out, n->directory, sign->files[i]);
        if (status < 0) return status;
    }
    return *out && sign->contents ? sign->contents(out, n->directory) : GLIMPSE_OK;
}

/* The first kind with a sign of that strength; AUTO when no kind has one. */
static int find(glimpse_tokenizer_kind *out, glimpse_sign_strength strength, const names *n) {
    *out = GLIMPSE_TOKENIZER_AUTO;
    for (size_t kind = 1; kind < TYPES; kind++) {
        for (const glimpse_tokenizer_sign *sign = types[kind]->signs; sign->strength; sign++) {
            int there = 0;
            if (sign->strength != strength) continue;
            int status = holds(&there, sign, n);
            if (status < 0) return status;
            if (!there) continue;
            *out = (glimpse_tokenizer_kind)kind;
            return GLIMPSE_OK;
        }
    }
    return GLIMPSE_OK;
}

int glimpse_tokenizer_recognise(glimpse_tokenizer_kind *out, const char *directory,
                                glimpse_sign_strength from) {
    names n = {.directory = directory};
    int status = GLIMPSE_OK;
    *out = GLIMPSE_TOKENIZER_AUTO;
    for (int strength = (int)from; strength <= GLIMPSE_SIGN_ANY; strength++) {
        status = read_names(&n, (glimpse_sign_strength)strength);
        if (status == GLIMPSE_OK) status = find(out, (glimpse_sign_strength)strength, &n);
        if (status < 0 || *out != GLIMPSE_TOKENIZER_AUTO) break;
    }
    json_decref(n.config);
    glimpse_tokenizer_settings_release(&n.settings);
    return status;
}

int glimpse_tokenizer_load(glimpse_tokenizer **out, const char *path, glimpse_tokenizer_kind kind) {
    *out = NULL;
    if (!path) return glimpse_fail(GLIMPSE_E_INVALID, "a tokenizer needs a model directory");
    if (kind == GLIMPSE_TOKENIZER_AUTO) {
        int status = glimpse_tokenizer_recognise(&kind, path, GLIMPSE_SIGN_MARKER);
        if (status < 0) return status;
    }
    const glimpse_tokenizer_type *type = glimpse_tokenizer_type_of(kind);
    if (!type) return glimpse_fail(GLIMPSE_E_INVALID, "unknown kind of tokenizer (%d)", (int)kind);
    int status = type->load(out, path);
    if (status == GLIMPSE_OK) (*out)->kind = kind;
    return status;
}
