/*
 * remote_address.c - where requests go: from what a user wrote behind a model's name to a URL.
 *
 *     openai:llava@http://gpu:8080/v1    as it is
 *     openai:llava@127.0.0.1:8080        http, because that host is this machine or a neighbour
 *     openai:llava@gpu.example.org       an error that asks: no picture is sent in the clear
 *     openai:127.0.0.1:8080, box.lan/v1  an error: no model, and not the provider's cloud either
 *
 * The rule behind all of it: no request leaves for a host that the user did not name. What may be
 * an address and is not understood is therefore never taken for the name of a model.
 */
#include "vlm/remote/remote.h"

#include "core/error.h"
#include "http/address.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *glimpse_remote_find_address(const char *text) {
    for (const char *at = text; (at = strchr(at, '@')); at++) {
        if (glimpse_http_scheme_length(at + 1) > 0) return at;
    }
    return strrchr(text, '@');
}

int glimpse_remote_origin(char *to, size_t capacity, const char *url, int *loopback) {
    size_t scheme = strncasecmp(url, "https://", 8) == 0  ? 8
                    : strncasecmp(url, "http://", 7) == 0 ? 7
                                                          : 0;
    *loopback = 0;
    if (scheme == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "a server's address begins with https:// or http://, not \"%.80s\"",
                            url);
    }
    for (const char *p = url; *p; p++) {
        if ((unsigned char)*p <= ' ' || *p == 127 || *p == '"' || *p == '\\') {
            return glimpse_fail(
                GLIMPSE_E_INVALID,
                "there is a blank or another bad character in the server's address");
        }
    }
    const char *host = url + scheme;
    size_t length = strcspn(host, "/?#");
    if (memchr(host, '@', length)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "no name or password goes into a server's address; put the key into "
                            "GLIMPSE_VLM_KEY or the configuration file");
    }
    glimpse_http_address parts;
    if (strchr(host, '#') || !glimpse_http_split_address(&parts, host)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "\"%.200s\" is not the address of a server", url);
    }
    if (scheme + length >= capacity) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "the server's address is longer than %zu bytes",
                            capacity - 1);
    }
    for (size_t i = 0; i < scheme + length; i++)
        to[i] = (char)tolower((unsigned char)url[i]);
    to[scheme + length] = '\0';
    *loopback = glimpse_http_is_loopback(&parts);
    return GLIMPSE_OK;
}

/*
 * From what was written to a base.
 */
/* "http" or "https" in lower case, or put in front. malloc'ed into *out. */
static int complete(char **out, const char *text, const char *spec) {
    size_t scheme = glimpse_http_scheme_length(text), size = strlen(text) + 8;
    glimpse_http_address parts;
    *out = NULL;
    if (scheme == 0 && (!glimpse_http_split_address(&parts, text) ||
                        !(glimpse_http_is_loopback(&parts) || glimpse_http_is_private(&parts)))) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%.300s: is it https:// or http://? Write the whole address behind "
                            "the @ or colon, such as https://%.200s (a model whose own name has an "
                            "@ in it needs the address behind it, too)",
                            spec, strpbrk(text, ".:") ? text : "gpu.example.org/v1");
    }
    *out = malloc(size);
    if (!*out) return glimpse_fail_nomem(size, "an address");
    (void)snprintf(*out, size, "%s%s", scheme == 0 ? "http://" : "", text);
    for (size_t i = 0; i < scheme; i++)
        (*out)[i] = (char)tolower((unsigned char)(*out)[i]);
    return GLIMPSE_OK;
}

/* Whether the last part of a path is a version: "/v1", "/v1beta". */
static int ends_in_version(const char *base) {
    const char *last = strrchr(base, '/');
    return last && last[1] == 'v' && isdigit((unsigned char)last[2]) &&
           strspn(last + 2, "0123456789abcdefghijklmnopqrstuvwxyz.") == strlen(last + 2);
}

static void cut_slashes(char *text) {
    size_t end = strlen(text);
    while (end > 0 && text[end - 1] == '/')
        text[--end] = '\0';
}

/* Cuts off the path of the call itself, when the whole URL was pasted. 1 when it was. */
static int cut_pasted(char *base, const glimpse_dialect *dialect) {
    size_t length = strlen(base), path = strlen(dialect->path);
    char *found = NULL;
    if (dialect->model_in_url) {
        for (char *at = base; (at = strstr(at, dialect->path)); at++)
            found = at;
        if (found && !strchr(found, ':')) found = NULL;
    } else if (length > path && strcmp(base + length - path, dialect->path) == 0) {
        found = base + length - path;
    }
    if (!found) return 0;
    *found = '\0';
    cut_slashes(base);
    return 1;
}

static int ends_in(const char *text, const char *end) {
    size_t length = strlen(text), behind = strlen(end);
    return length >= behind && strcmp(text + length - behind, end) == 0;
}

/* A whole URL of another dialect, or of a call that glimpse does not make: appending ours to it
 * would ask for nothing that there is. */
static int check_foreign(const glimpse_remote *remote) {
    static const struct {
        const char *end, *provider; /* who asks there; NULL: nobody here */
    } calls[] = {
        {"/chat/completions", "openai"}, {"/v1/messages", "anthropic"},
        {":generateContent", "gemini"},  {":streamGenerateContent", "gemini"},
        {"/v1/responses", NULL},         {"/v1/completions", NULL},
        {"/v1/embeddings", NULL},        {"/api/chat", NULL},
        {"/api/generate", NULL},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (!ends_in(remote->base, calls[i].end)) continue;
        if (calls[i].provider) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "%.300s: an address that ends in %s is one for %s: and not for "
                                "%s:; change the one or the other",
                                remote->base, calls[i].end, calls[i].provider,
                                remote->kind->provider.name);
        }
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%.300s: %s: asks at ...%s and not at ...%s; write the address up to "
                            "the version, such as http://localhost:8080%s",
                            remote->base, remote->kind->provider.name, remote->dialect->path,
                            calls[i].end, remote->dialect->version);
    }
    return GLIMPSE_OK;
}

/* The list of models that servers have beside every call: "/v1/models". */
static void cut_models(char *base) {
    if (!ends_in(base, "/models")) return;
    char *end = base + strlen(base) - strlen("/models");
    *end = '\0';
    if (!ends_in_version(base)) *end = '/';
}

int glimpse_remote_parse_base(glimpse_remote *remote, const char *text, const char *spec) {
    const glimpse_dialect *dialect = remote->dialect;
    char origin[512];
    int status = complete(&remote->base, text, spec);
    if (status == GLIMPSE_OK) {
        status = glimpse_remote_origin(origin, sizeof origin, remote->base, &remote->loopback);
    }
    if (status < 0) return status;
    char *query = strchr(remote->base, '?');
    remote->query = strdup(query ? query : "");
    if (!remote->query) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for an address");
    if (query) *query = '\0';
    if (!dialect->path) return GLIMPSE_OK; /* an endpoint's address is the user's to the letter */
    cut_slashes(remote->base);
    int pasted = cut_pasted(remote->base, dialect);
    status = pasted ? GLIMPSE_OK : check_foreign(remote);
    if (status < 0) return status;
    cut_models(remote->base);
    if (!pasted && !ends_in_version(remote->base)) remote->version = GLIMPSE_VERSION_UNKNOWN;
    return GLIMPSE_OK;
}

/*
 * Names of models that a provider's own service is asked for.
 */
static int has_dotted_quad(const char *text) {
    for (const char *p = text; *p; p++) {
        if (p > text && isdigit((unsigned char)p[-1])) continue;
        int parts = 0;
        for (const char *q = p; isdigit((unsigned char)*q) && parts < 4; parts++) {
            q += strspn(q, "0123456789");
            if (parts < 3) {
                if (*q != '.') break;
                q++;
            }
        }
        if (parts == 4) return 1;
    }
    return 0;
}

/* Whether a name may be an address. No provider's own service has models with a slash in their
 * names, and colons only in those of fine-tuned ones ("ft:gpt-4o:org::id"). A dot in a name stands
 * before a digit ("gpt-4.1"), in the name of a host before a letter. */
static int may_be_address(const char *model) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (strchr(model, '/') || strcasestr(model, "localhost") || has_dotted_quad(model)) return 1;
    if (strchr(model, ':') && strncmp(model, "ft:", 3) != 0) return 1;
    if (!strpbrk(model, letters) || strncasecmp(model, "0x", 2) == 0) return 1; /* 127.1 */
    for (const char *dot = strchr(model, '.'); dot; dot = strchr(dot + 1, '.')) {
        if (!isdigit((unsigned char)dot[1])) return 1;
    }
    return 0;
}

int glimpse_remote_check_model(const char *model, const char *spec, const char *example) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "._:/+=~-";
    if (may_be_address(model)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%.300s: that looks like the address of a server, or a model that the "
                            "provider's own service does not have, and nothing is sent there; "
                            "write the model and an @ before the address: %s@http://...",
                            spec, example);
    }
    if (model[strspn(model, allowed)] != '\0') {
        return glimpse_fail(GLIMPSE_E_INVALID, "\"%.300s\" is not the name of a model", spec);
    }
    return GLIMPSE_OK;
}

/*
 * URLs.
 */
char *glimpse_remote_url(const glimpse_remote *remote, int versioned, const char *path) {
    const char *version = versioned && remote->dialect->version ? remote->dialect->version : "";
    size_t size = strlen(remote->base) + strlen(version) + strlen(path) + strlen(remote->query) + 1;
    char *url = malloc(size);
    if (url) (void)snprintf(url, size, "%s%s%s%s", remote->base, version, path, remote->query);
    return url;
}

char *glimpse_remote_shown_url(const char *url) {
    size_t length = strcspn(url, "?");
    char *shown = malloc(length + 5);
    if (!shown) return NULL;
    memcpy(shown, url, length);
    memcpy(shown + length, url[length] ? "?..." : "", url[length] ? 5 : 1);
    return shown;
}
