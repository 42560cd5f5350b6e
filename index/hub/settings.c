/*
 * settings.c - which hub is asked, and as whom: options, else the environment, as Hugging Face's
 * own programs read it.
 */
#include "hub.h"

#include "core/error.h"
#include "core/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_TOKEN = 4096 };

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static int is_on(const char *name) {
    static const char *const words[] = {"1", "ON", "YES", "TRUE"};
    const char *value = environment(name);
    for (size_t i = 0; value && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0) return 1;
    return 0;
}

static int load_endpoint(hub_settings *settings, const char *given) {
    const char *value = given ? given : environment("HF_ENDPOINT");
    settings->endpoint = strdup(value ? value : "https://huggingface.co");
    if (!settings->endpoint) return glimpse_fail_nomem(64, "an address");
    size_t length = strlen(settings->endpoint);
    while (length > 0 && settings->endpoint[length - 1] == '/')
        settings->endpoint[--length] = '\0';
    int is_plain = 1;
    for (const char *p = settings->endpoint; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 127 || strchr("?#\"\\", *p)) is_plain = 0;
    if (!is_plain || length > 1000 ||
        !glimpse_http_read_origin(&settings->origin, settings->endpoint)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s \"%.200s\" is not the address of a hub; one looks like "
                            "https://huggingface.co",
                            given ? "the endpoint" : "HF_ENDPOINT", settings->endpoint);
    }
    return GLIMPSE_OK;
}

/* Length of $NAME or ${NAME} at `text`, with its value, which is not empty; 0: none is there. */
static size_t read_variable(const char **value, const char *text) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    char name[128];
    if (*text != '$') return 0;
    const size_t brace = text[1] == '{', length = strspn(text + 1 + brace, letters);
    if (length == 0 || length >= sizeof name || (brace && text[2 + length] != '}')) return 0;
    memcpy(name, text + 1 + brace, length);
    name[length] = '\0';
    *value = environment(name);
    return *value ? length + 1 + 2 * brace : 0;
}

/* As Python's programs do: ~/ at its beginning, and variables wherever they are. Those that are not
 * set stay as they are written. */
char *glimpse_hub_expand(const char *path) {
    const char *value = environment("HOME");
    char *out = NULL;
    if (strncmp(path, "~/", 2) == 0 && value) {
        out = strdup(value);
        path++;
    } else {
        out = strdup("");
    }
    while (out && *path) {
        const size_t variable = read_variable(&value, path);
        const size_t plain = variable ? 0 : 1 + strcspn(path + 1, "$");
        char *longer = variable ? glimpse_hub_format("%s%s", out, value)
                                : glimpse_hub_format("%s%.*s", out, (int)plain, path);
        free(out);
        out = longer;
        path += variable + plain;
    }
    return out;
}

static char *token_path(void) {
    const char *path = environment("HF_TOKEN_PATH"), *directory = environment("HF_HOME");
    const char *cache = environment("XDG_CACHE_HOME"), *home = environment("HOME");
    if (path) return glimpse_hub_expand(path);
    if (directory) {
        char *base = glimpse_hub_expand(directory),
             *joined = base ? glimpse_hub_format("%s/token", base) : NULL;
        free(base);
        return joined;
    }
    if (cache) return glimpse_hub_format("%s/huggingface/token", cache);
    return home ? glimpse_hub_format("%s/.cache/huggingface/token", home) : NULL;
}

/* What cannot be in a header line is no token. */
static int keep_token(hub_settings *settings, const char *from, const char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 127) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "%s holds no token: there is a blank, a line "
                                "break or another such character in it",
                                from);
        }
    }
    if (length == 0) return GLIMPSE_OK;
    settings->token = strndup(text, length);
    return settings->token ? GLIMPSE_OK : glimpse_fail_nomem(length, "a token");
}

static int load_token(hub_settings *settings, const char *given) {
    if (given) return keep_token(settings, "the option", given);
    static const char *const names[] = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"};
    for (size_t i = 0; i < 2; i++) {
        const char *value = environment(names[i]);
        if (value) return keep_token(settings, names[i], value);
    }
    char *path = token_path();
    void *text = NULL;
    size_t size = 0;
    glimpse_kept_error before = glimpse_error_keep();
    int status = path ? glimpse_file_read(&text, &size, path, MAX_TOKEN) : GLIMPSE_E_NOT_FOUND;
    if (status == GLIMPSE_OK) {
        status = keep_token(settings, path, text);
        explicit_bzero(text, size);
    } else if (status != GLIMPSE_E_NOMEM) { /* most people have none */
        glimpse_error_restore(&before);
        status = GLIMPSE_OK;
    }
    free(text);
    free(path);
    return status;
}

/* Networks whose proxy signs everything anew have a certificate of their own. */
static int load_authorities(hub_settings *settings) {
    static const char *const names[] = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !settings->authorities; i++) {
        const char *value = environment(names[i]);
        if (!value) continue;
        settings->authorities = strdup(value);
        if (!settings->authorities) return glimpse_fail_nomem(strlen(value), "a path");
    }
    return GLIMPSE_OK;
}

int glimpse_hub_settings_load(hub_settings *out, const glimpse_pull_options *options) {
    *out = (hub_settings){.offline = is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE")};
    int status = load_endpoint(out, options->endpoint);
    if (status == GLIMPSE_OK) status = load_token(out, options->token);
    if (status == GLIMPSE_OK) status = load_authorities(out);
    if (status < 0) glimpse_hub_settings_free(out);
    return status;
}

void glimpse_hub_settings_free(hub_settings *settings) {
    if (settings->token) explicit_bzero(settings->token, strlen(settings->token));
    free(settings->token);
    free(settings->endpoint);
    free(settings->authorities);
    *settings = (hub_settings){0};
}
