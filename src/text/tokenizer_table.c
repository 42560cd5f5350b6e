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
    json_t *config, *open_clip;
    const char *class, *model_type, *tokenizer; /* NULL: it does not say */
} names;

/* Of models with a layout that does not need the file it may be damaged. */
static int read_tokenizer_name(names *n) {
    const glimpse_kept_error before = glimpse_error_keep();
    int status = glimpse_json_object_read(&n->open_clip, n->directory, "open_clip_config.json");
    if (status == GLIMPSE_E_NOMEM) return status;
    if (status < 0) glimpse_error_restore(&before);
    const json_t *text = json_object_get(json_object_get(n->open_clip, "model_cfg"), "text_cfg");
    n->tokenizer = json_string_value(json_object_get(text, "hf_tokenizer_name"));
    return GLIMPSE_OK;
}

static int read_names(names *n, glimpse_sign_strength strength) {
    int status = GLIMPSE_OK;
    if (strength == GLIMPSE_SIGN_CLASS) {
        status = glimpse_tokenizer_settings_read(&n->settings, n->directory);
        n->class = json_string_value(json_object_get(n->settings.own, "tokenizer_class"));
    } else if (strength == GLIMPSE_SIGN_NAME) {
        status = read_tokenizer_name(n);
    } else if (strength == GLIMPSE_SIGN_MODEL_TYPE) {
        status = glimpse_json_object_read(&n->config, n->directory, "config.json");
        n->model_type = json_string_value(json_object_get(n->config, "model_type"));
    }
    return status;
}

static int holds(int *out, const glimpse_tokenizer_sign *sign, const names *n) {
    const char *name = sign->strength == GLIMPSE_SIGN_CLASS ? n->class : n->model_type;
    *out = !sign->name || (name && strcmp(sign->name, name) == 0);
    if (sign->strength == GLIMPSE_SIGN_NAME) {
        *out = n->tokenizer && strcasestr(n->tokenizer, sign->name) != NULL;
    }
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
    json_decref(n.open_clip);
    json_decref(n.config);
    glimpse_tokenizer_settings_release(&n.settings);
    return status;
}

/* The kind and the cleaning that the directory asks for. */
static int find_both(glimpse_tokenizer_kind *kind, glimpse_tokenizer_cleaning *cleaning,
                     const char *path) {
    int open_clip = 0;
    int status = glimpse_tokenizer_recognise(kind, path, GLIMPSE_SIGN_MARKER);
    if (status == GLIMPSE_OK) status = has(&open_clip, path, "open_clip_config.json");
    if (status < 0 || !open_clip) return status;
    const glimpse_kept_error before = glimpse_error_keep();
    status = glimpse_tokenizer_cleaning_read(cleaning, path);
    if (status != GLIMPSE_E_FORMAT) return status;
    /* Damaged: open_clip's own tokenizer needs nothing of it, and no other is chosen then. */
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

int glimpse_tokenizer_load_cleaned(glimpse_tokenizer **out, const char *path,
                                   glimpse_tokenizer_kind kind,
                                   const glimpse_tokenizer_cleaning *cleaning) {
    glimpse_tokenizer_cleaning found = {GLIMPSE_CLEANING_NONE, 0, ""};
    *out = NULL;
    if (!path) return glimpse_fail(GLIMPSE_E_INVALID, "a tokenizer needs a model directory");
    if (cleaning) found = *cleaning;
    if (kind == GLIMPSE_TOKENIZER_AUTO) {
        int status = find_both(&kind, &found, path);
        if (status < 0) return status;
    }
    const glimpse_tokenizer_type *type = glimpse_tokenizer_type_of(kind);
    if (!type) return glimpse_fail(GLIMPSE_E_INVALID, "unknown kind of tokenizer (%d)", (int)kind);
    glimpse_tokenizer *tokenizer = NULL;
    int status = type->load(&tokenizer, path);
    if (status < 0) return status;
    tokenizer->kind = kind;
    tokenizer->cleaning = found;
    if (type->language && *found.language) {
        status = type->language(&tokenizer->start_id, tokenizer, found.language);
    }
    if (status < 0) {
        type->free(tokenizer);
    } else {
        *out = tokenizer;
    }
    return status;
}

int glimpse_tokenizer_load(glimpse_tokenizer **out, const char *path, glimpse_tokenizer_kind kind) {
    return glimpse_tokenizer_load_cleaned(out, path, kind, NULL);
}
