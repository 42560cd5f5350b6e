/*
 * remote_config.c - ~/.config/glimpse/vlm.json:
 *
 *     {"model": "openai:gpt-4o-mini",
 *      "keys": {"openai": "...", "anthropic": "...", "gemini": "...",
 *               "http://localhost:8080": "..."}}
 *
 * It holds keys, so it is refused when anyone else could read or change it.
 */
#include "vlm/remote/remote.h"

#include "core/error.h"
#include "text/json_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 20 };

static char *default_path(void) {
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    /* The specification: a relative XDG_CONFIG_HOME is to be ignored. */
    const char *base = config && config[0] == '/' ? config : home;
    if (!base || !*base) return NULL;
    const char *rest = base == config ? "/glimpse/vlm.json" : "/.config/glimpse/vlm.json";
    size_t size = strlen(base) + strlen(rest) + 1;
    char *path = malloc(size);
    if (path) (void)snprintf(path, size, "%s%s", base, rest);
    return path;
}

/* The permissions of the very file that is then read. */
static int check(int fd, const char *path) {
    struct stat info;
    if (fstat(fd, &info) != 0) return glimpse_fail_errno("%s: cannot stat", path);
    if (!S_ISREG(info.st_mode)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: not a regular file", path);
    }
    if ((info.st_mode & 077) != 0) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s: others may read or change it (mode %03o) and it is for keys; "
                            "run: chmod 600 '%s'",
                            path, (unsigned)(info.st_mode & 0777), path);
    }
    if (info.st_uid != geteuid() && info.st_uid != 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: belongs to another user", path);
    }
    if (info.st_size > MAX_BYTES) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d bytes", path, MAX_BYTES);
    }
    return GLIMPSE_OK;
}

static int read_json(json_t **out, int fd, const char *path) {
    char *text = malloc(MAX_BYTES + 1);
    size_t used = 0;
    if (!text) return glimpse_fail_nomem(MAX_BYTES + 1, path);
    for (;;) {
        ssize_t got = read(fd, text + used, MAX_BYTES + 1 - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            free(text);
            return glimpse_fail_errno("%s: cannot read", path);
        }
        if (got == 0 || (used += (size_t)got) > MAX_BYTES) break;
    }
    json_error_t error;
    *out = glimpse_json_load(text, used, JSON_REJECT_DUPLICATES, &error);
    /* Not error.text: it quotes the file, and the file has keys. */
    explicit_bzero(text, used);
    free(text);
    if (!*out && glimpse_json_is_nomem(&error)) return glimpse_json_failed(&error, path);
    if (!json_is_object(*out)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: not a JSON object (line %d)", path,
                            *out ? 1 : error.line);
    }
    return GLIMPSE_OK;
}

static int read_members(glimpse_remote_config *out, const json_t *root) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)root, name, value) {
        if (strcmp(name, "model") == 0) {
            if (!json_is_string(value)) {
                return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"model\" is not a text", out->path);
            }
            out->model = strdup(json_string_value(value));
            if (!out->model) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a name");
        } else if (strcmp(name, "keys") == 0) {
            const char *of;
            json_t *key;
            if (!json_is_object(value)) {
                return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"keys\" is not an object", out->path);
            }
            json_object_foreach(value, of, key) {
                if (json_is_string(key)) continue;
                return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the key of \"%s\" is not a text",
                                    out->path, of);
            }
            out->keys = json_incref(value);
        } else {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: \"%s\" is not known; \"model\" and \"keys\" are", out->path,
                                name);
        }
    }
    return GLIMPSE_OK;
}

int glimpse_remote_config_read(glimpse_remote_config *out, const char *path) {
    *out = (glimpse_remote_config){NULL, NULL, NULL};
    if (path && !*path) return GLIMPSE_OK;
    out->path = path ? strdup(path) : default_path();
    if (!out->path) {
        return path ? glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a path") : GLIMPSE_OK;
    }
    int fd = open(out->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status = GLIMPSE_OK;
    if (fd < 0) {
        if (!path && (errno == ENOENT || errno == ENOTDIR)) return GLIMPSE_OK;
        status = glimpse_fail_errno("%s: cannot open", out->path);
    }
    json_t *root = NULL;
    if (status == GLIMPSE_OK) status = check(fd, out->path);
    if (status == GLIMPSE_OK) status = read_json(&root, fd, out->path);
    if (status == GLIMPSE_OK) status = read_members(out, root);
    json_decref(root);
    if (fd >= 0) (void)close(fd);
    if (status < 0) glimpse_remote_config_free(out);
    return status;
}

void glimpse_remote_config_free(glimpse_remote_config *config) {
    free(config->path);
    free(config->model);
    json_decref(config->keys);
    *config = (glimpse_remote_config){NULL, NULL, NULL};
}

const char *glimpse_remote_config_key(const glimpse_remote_config *config, const char *name) {
    const char *key = json_string_value(json_object_get(config->keys, name));
    return key && *key ? key : NULL;
}
