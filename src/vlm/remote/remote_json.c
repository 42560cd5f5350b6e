/*
 * remote_json.c - building and reading the JSON of requests and answers.
 */
#include "vlm/remote/remote.h"

#include "core/utf8.h"
#include "text/output/base64.h"

#include <stdlib.h>
#include <string.h>

int glimpse_json_add(json_t *array, json_t *value) {
    return value && json_array_append_new(array, value) == 0;
}

int glimpse_json_set(json_t *object, const char *name, json_t *value) {
    return value && json_object_set_new(object, name, value) == 0;
}

json_t *glimpse_json_text(const char *text) {
    json_t *value = json_string(text);
    if (value) return value;
    size_t length = strlen(text);
    char *fixed = malloc(3 * length + 1), *to = fixed; /* U+FFFD has three bytes */
    if (!fixed) return NULL;
    for (size_t i = 0; i < length;) {
        uint32_t code_point;
        i += glimpse_utf8_decode(&code_point, text + i, length - i, NULL);
        to += glimpse_utf8_encode(to, code_point);
    }
    value = json_stringn(fixed, (size_t)(to - fixed));
    free(fixed);
    return value;
}

json_t *glimpse_remote_data(const glimpse_asking *asking, size_t i, const char *prefix) {
    const glimpse_vlm_loaded *picture = &asking->job->pictures[i];
    if (asking->without_data) {
        char text[128];
        (void)snprintf(text, sizeof text, "<%u x %u %s, %zu bytes>", picture->width,
                       picture->height, picture->media_type, picture->sent_size);
        return json_string(text);
    }
    if (picture->sent_size > GLIMPSE_BASE64_MAX) return NULL;
    size_t before = strlen(prefix), length = glimpse_base64_length(picture->sent_size);
    char *text = malloc(before + length + 1);
    if (!text) return NULL;
    memcpy(text, prefix, before);
    glimpse_base64_encode(text + before, picture->sent, picture->sent_size);
    json_t *value = json_stringn_nocheck(text, before + length);
    free(text);
    return value;
}

json_t *glimpse_remote_media_type(const glimpse_asking *asking, size_t i) {
    return json_string(asking->job->pictures[i].media_type);
}

const json_t *glimpse_json_at(const json_t *from, const char *const *path) {
    for (; *path && from; path++) {
        from = json_is_array(from) ? json_array_get(from, strtoul(*path, NULL, 10))
                                   : json_object_get(from, *path);
    }
    return from;
}

uint64_t glimpse_json_count(const json_t *value) {
    json_int_t count = json_is_integer(value) ? json_integer_value(value) : 0;
    return count > 0 ? (uint64_t)count : 0;
}
