/*
 * user_model.c - the user's default model: {"model": NAME, "fingerprint": HEX} in model.json of the
 * user's configuration.
 */
#include "session_private.h"

#include "core/error.h"
#include "core/file.h"
#include "text/json_load.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SETTINGS = 1 << 16 };

static char *settings_path(const glimpse_session *session) {
    const char *config = session->places.user_config;
    return config ? glimpse_session_format("%s/model.json", config) : NULL;
}

static int copy_member(char **out, const json_t *root, const char *key) {
    const char *text = json_string_value(json_object_get(root, key));
    *out = text && *text ? strdup(text) : NULL;
    return text && *text && !*out ? glimpse_fail_nomem(strlen(text), "a name") : GLIMPSE_OK;
}

int glimpse_session_load_user_model(char **name, char **fingerprint,
                                    const glimpse_session *session) {
    const glimpse_kept_error before = glimpse_error_keep();
    json_t *root = NULL;
    *name = NULL;
    *fingerprint = NULL;
    char *path = settings_path(session);
    if (!path) return GLIMPSE_OK;
    int status = glimpse_json_object_load(&root, path, MAX_SETTINGS, 0);
    if (status == GLIMPSE_E_NOT_FOUND) {
        glimpse_error_restore(&before);
        status = GLIMPSE_OK;
    } else if (status == GLIMPSE_OK && !json_is_string(json_object_get(root, "model"))) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: there is no \"model\" in it", path);
    }
    if (status == GLIMPSE_OK) status = copy_member(name, root, "model");
    if (status == GLIMPSE_OK) status = copy_member(fingerprint, root, "fingerprint");
    json_decref(root);
    free(path);
    return status;
}

int glimpse_session_write_user_model(const glimpse_session *session, const char *name,
                                     const char *fingerprint) {
    glimpse_new_file file;
    char *path = settings_path(session), *directory = path ? strdup(path) : NULL;
    json_t *root = json_pack("{s:s, s:s}", "model", name, "fingerprint", fingerprint);
    char *text = glimpse_json_dump(root, JSON_INDENT(1));
    int status = directory && text ? GLIMPSE_OK : glimpse_fail_nomem(256, "a configuration file");
    if (status == GLIMPSE_OK) {
        *strrchr(directory, '/') = '\0';
        status = glimpse_make_directories(directory);
    }
    if (status == GLIMPSE_OK) status = glimpse_new_file_open(&file, path);
    if (status == GLIMPSE_OK) {
        status = fprintf(file.stream, "%s\n", text) < 0 ? glimpse_new_file_fail(&file)
                                                        : glimpse_new_file_commit(&file);
        glimpse_new_file_abandon(&file);
    }
    json_decref(root);
    free(path);
    free(directory);
    free(text);
    return status;
}
