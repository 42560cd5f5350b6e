/*
 * text/tokenizer_settings.c - reads tokenizer_config.json and special_tokens_map.json.
 */
#include "text/tokenizer_settings.h"

#include "core/error.h"
#include "core/file.h"
#include "text/json_load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 16 << 20 };

static int read_object(json_t **out, const char *path) {
    *out = NULL;
    if (access(path, F_OK) != 0) return GLIMPSE_OK;
    return glimpse_json_object_load(out, path, FILE_LIMIT, JSON_ALLOW_NUL);
}

int glimpse_json_object_read(json_t **out, const char *directory, const char *name) {
    *out = NULL;
    char *path = glimpse_path_join(directory, name);
    if (!path) return glimpse_fail_nomem(strlen(directory) + strlen(name), "a file name");
    int status = read_object(out, path);
    free(path);
    return status;
}

int glimpse_tokenizer_settings_read(glimpse_tokenizer_settings *settings, const char *directory) {
    static const char own[] = "tokenizer_config.json";
    memset(settings, 0, sizeof *settings);
    settings->path = glimpse_path_join(directory, own);
    if (!settings->path) return glimpse_fail_nomem(strlen(directory) + sizeof own, "a file name");
    int status = read_object(&settings->own, settings->path);
    if (status < 0) return status;
    return glimpse_json_object_read(&settings->map, directory, "special_tokens_map.json");
}

int glimpse_tokenizer_open(glimpse_tokenizer **out, const char *directory,
                           const glimpse_tokenizer_source *source) {
    glimpse_tokenizer_settings settings = {NULL, NULL, NULL};
    char *path = glimpse_path_join(directory, source->file);
    char *other = source->other ? glimpse_path_join(directory, source->other) : NULL;
    const char *file = path;
    glimpse_tokenizer *tokenizer = calloc(1, source->size);
    int status;
    if (!path || !tokenizer || (source->other && !other)) {
        status = glimpse_fail_nomem(source->size, "a tokenizer");
        goto done;
    }
    tokenizer->type = source->type;
    if (other && access(path, F_OK) != 0 && access(other, F_OK) == 0) file = other;
    status = source->read_file(tokenizer, file);
    if (status < 0) goto done;
    status = glimpse_tokenizer_settings_read(&settings, directory);
    if (status < 0) goto done;
    status = source->read_settings(tokenizer, file, &settings);
    if (status < 0) goto done;
    *out = tokenizer;
    tokenizer = NULL;
done:
    if (tokenizer) source->type->free(tokenizer);
    glimpse_tokenizer_settings_release(&settings);
    free(other);
    free(path);
    return status;
}

void glimpse_tokenizer_settings_release(glimpse_tokenizer_settings *settings) {
    json_decref(settings->own);
    json_decref(settings->map);
    free(settings->path);
    memset(settings, 0, sizeof *settings);
}

int glimpse_tokenizer_settings_flag(const glimpse_tokenizer_settings *settings, const char *key,
                                    int fallback, int *out) {
    const json_t *value = json_object_get(settings->own, key);
    *out = fallback;
    if (!value || json_is_null(value)) return GLIMPSE_OK;
    if (!json_is_boolean(value)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be true or false", settings->path,
                            key);
    }
    *out = json_is_true(value);
    return GLIMPSE_OK;
}

const char *glimpse_tokenizer_settings_name(const glimpse_tokenizer_settings *settings,
                                            const char *key, const char *fallback) {
    const json_t *places[2] = {json_object_get(settings->own, key),
                               json_object_get(settings->map, key)};
    for (int i = 0; i < 2; i++) {
        const json_t *value = places[i];
        if (json_is_object(value)) value = json_object_get(value, "content");
        const char *name = json_string_value(value);
        if (name && *name) return name;
    }
    return fallback;
}
