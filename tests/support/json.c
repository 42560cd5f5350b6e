/*
 * json.c - loads JSON files and finds values by their path.
 */
#include "support/json.h"

json_t *json_file(const char *path) {
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root) fail_msg("%s: %s, line %d", path, error.text, error.line);
    return root;
}

const json_t *at(const json_t *root, const char *path) {
    const json_t *value = root;
    char key[128];
    for (const char *s = path; *s && value;) {
        size_t length = strcspn(s, ".");
        (void)snprintf(key, sizeof key, "%.*s", (int)length, s);
        value = json_is_array(value) ? json_array_get(value, (size_t)atol(key))
                                     : json_object_get(value, key);
        s += length;
        if (*s == '.') s++;
    }
    if (!value) {
        char *dump = json_dumps(root, 0);
        fail_msg("%s is not in %.1000s", path, dump);
    }
    return value;
}

const char *text_at(const json_t *root, const char *path) {
    const json_t *value = at(root, path);
    if (!json_is_string(value)) fail_msg("%s is no string", path);
    return json_string_value(value);
}

double number_at(const json_t *root, const char *path) {
    const json_t *value = at(root, path);
    if (!json_is_number(value)) fail_msg("%s is no number", path);
    return json_number_value(value);
}
