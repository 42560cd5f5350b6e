/*
 * text/cleaning.c - what open_clip does to a text before a tokenizer of transformers gets it.
 *
 *   all          HTML unescaped twice; runs of white space to one space, none at the ends
 *   LOWER        then lower case, as Python's
 *   CANONICALIZE "_" to a space, the other ASCII punctuation deleted and lower case before that
 *
 * open_clip_config.json says which in model_cfg.text_cfg.tokenizer_kwargs.
 */
#include "text/cleaning.h"

#include "core/error.h"
#include "text/html.h"
#include "text/tokenizer_settings.h"

#include <string.h>

static void delete_punctuation(glimpse_points *text) {
    size_t kept = 0;
    for (size_t i = 0; i < text->count; i++) {
        uint32_t c = text->data[i] == '_' ? ' ' : text->data[i];
        if (!glimpse_unicode_is_ascii_punctuation(c)) text->data[kept++] = c;
    }
    text->count = kept;
}

void glimpse_text_collapse_spaces(glimpse_points *text) {
    size_t kept = 0;
    int space = 0;
    for (size_t i = 0; i < text->count; i++) {
        uint32_t c = text->data[i];
        if (glimpse_unicode_is_python_space(c)) {
            space = kept > 0;
            continue;
        }
        if (space) text->data[kept++] = ' ';
        space = 0;
        text->data[kept++] = c;
    }
    text->count = kept;
}

int glimpse_text_clean(glimpse_bytes *out, glimpse_cleaning how, const char *text, size_t length) {
    glimpse_points points, lower;
    glimpse_points_init(&points);
    glimpse_points_init(&lower);
    glimpse_points *now = &points;
    int status = glimpse_points_decode(&points, text, length);
    if (status < 0) goto done;
    glimpse_html_unescape(&points);
    glimpse_html_unescape(&points);
    if (how == GLIMPSE_CLEANING_CANONICALIZE) delete_punctuation(&points);
    glimpse_text_collapse_spaces(&points);
    if (how == GLIMPSE_CLEANING_CANONICALIZE || how == GLIMPSE_CLEANING_LOWER) {
        status = glimpse_points_lower_python(&lower, &points);
        if (status < 0) goto done;
        now = &lower;
    }
    status = glimpse_bytes_append_points(out, now->data, now->count);
done:
    glimpse_points_release(&lower);
    glimpse_points_release(&points);
    return status;
}

static int unsupported(const char *directory, const char *key, const char *value) {
    return glimpse_fail(
        GLIMPSE_E_UNSUPPORTED,
        "%s/open_clip_config.json: \"tokenizer_kwargs\": \"%s\"%s%s is not supported", directory,
        key, *value ? ": " : "", value);
}

/* Of a tokenizer of transformers, or (`native`) open_clip's own, which always lower-cases. */
static int read_arguments(glimpse_tokenizer_cleaning *out, const json_t *arguments, int native,
                          const char *directory) {
    static const char *const names[] = {"whitespace", "lower", "canonicalize"};
    const json_t *value = json_object_get(arguments, "clean");
    const char *key, *name = json_string_value(value);
    json_t *other;
    out->text = native ? GLIMPSE_CLEANING_NONE : GLIMPSE_CLEANING_WHITESPACE;
    for (int i = 0; i < 3; i++) {
        if (!name || strcmp(names[i], name) != 0) continue;
        out->text = (glimpse_cleaning)(GLIMPSE_CLEANING_WHITESPACE + i);
        value = NULL;
    }
    if (native && name && out->text == GLIMPSE_CLEANING_WHITESPACE) value = arguments;
    if (native && out->text == GLIMPSE_CLEANING_LOWER) out->text = GLIMPSE_CLEANING_NONE;
    if (value && !json_is_null(value)) return unsupported(directory, "clean", name ? name : "");
    value = json_object_get(arguments, "language");
    name = json_string_value(value);
    if (value && !json_is_null(value) && (!name || strlen(name) >= sizeof out->language)) {
        return unsupported(directory, "language", name ? name : "");
    }
    /* Arguments of the tokenizers of transformers: open_clip's own takes neither. */
    if (native && name) return unsupported(directory, "language", name);
    if (name) memcpy(out->language, name, strlen(name) + 1);
    value = json_object_get(arguments, "strip_sep_token");
    if (value && !json_is_null(value) && !json_is_false(value) &&
        (native || !json_is_true(value))) {
        return unsupported(directory, "strip_sep_token", json_is_true(value) ? "true" : "");
    }
    out->strip_end = json_is_true(value);
    json_object_foreach((json_t *)(void *)arguments, key, other) {
        if (strcmp(key, "clean") == 0 || strcmp(key, "language") == 0 ||
            strcmp(key, "strip_sep_token") == 0 || strcmp(key, "context_length") == 0 ||
            json_is_null(other) || json_is_false(other)) {
            continue;
        }
        const char *text = json_string_value(other);
        return unsupported(directory, key, text ? text : "");
    }
    return GLIMPSE_OK;
}

int glimpse_tokenizer_cleaning_read(glimpse_tokenizer_cleaning *out, const char *directory) {
    json_t *root = NULL;
    memset(out, 0, sizeof *out);
    int status = glimpse_json_object_read(&root, directory, "open_clip_config.json");
    if (status < 0 || !root) return status;
    const json_t *text = json_object_get(json_object_get(root, "model_cfg"), "text_cfg");
    const json_t *arguments = json_object_get(text, "tokenizer_kwargs");
    if (arguments && !json_is_null(arguments) && !json_is_object(arguments)) {
        status =
            glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                         "%s/open_clip_config.json: \"tokenizer_kwargs\" is no object", directory);
        json_decref(root);
        return status;
    }
    const int native = !json_is_string(json_object_get(text, "hf_tokenizer_name"));
    status = read_arguments(out, arguments, native, directory);
    json_decref(root);
    return status;
}
