/*
 * remote_json.c - building and reading the JSON of requests and answers.
 */
#include "vlm/remote/remote.h"

#include <stdlib.h>
#include <string.h>

int glimpse_json_add(json_t *array, json_t *value) {
    return value && json_array_append_new(array, value) == 0;
}

int glimpse_json_put(json_t *object, const char *name, json_t *value) {
    return value && json_object_set_new(object, name, value) == 0;
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629), 0 when there is none. */
static size_t sequence(const unsigned char *p) {
    if (p[0] < 0x80) return 1;
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) {
        return 0;
    }
    return length;
}

json_t *glimpse_json_text(const char *text) {
    json_t *value = json_string(text);
    if (value) return value;
    size_t length = strlen(text);
    char *fixed = malloc(3 * length + 1), *to = fixed;
    if (!fixed) return NULL;
    for (const char *p = text; *p;) {
        size_t bytes = sequence((const unsigned char *)p);
        memcpy(to, bytes ? p : "\xef\xbf\xbd", bytes ? bytes : 3);
        to += bytes ? bytes : 3;
        p += bytes ? bytes : 1;
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
    size_t length = 0, before = strlen(prefix);
    char *base64 = glimpse_remote_base64(picture->sent, picture->sent_size, &length);
    if (!base64) return NULL;
    if (before > 0) {
        char *joined = malloc(before + length + 1);
        if (joined) {
            memcpy(joined, prefix, before);
            memcpy(joined + before, base64, length + 1);
        }
        free(base64);
        if (!joined) return NULL;
        base64 = joined;
    }
    json_t *value = json_stringn_nocheck(base64, before + length);
    free(base64);
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
