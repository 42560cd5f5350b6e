/*
 * redirect.c - where a redirect leads.
 */
#include "http/redirect.h"

#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int glimpse_http_is_redirect(long status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The first `length` bytes of `start`, `between` and `end` in one. */
static char *join(const char *start, size_t length, const char *between, const char *end) {
    const size_t size = length + strlen(between) + strlen(end) + 1;
    char *text = malloc(size);
    if (text) (void)snprintf(text, size, "%.*s%s%s", (int)length, start, between, end);
    return text;
}

char *glimpse_http_resolve(const char *url, const char *location) {
    if (glimpse_http_scheme_length(location) > 0) return strdup(location);
    const size_t scheme = glimpse_http_scheme_length(url);
    if (location[0] == '/' && location[1] == '/') return join(url, scheme - 2, "", location);
    const size_t origin = scheme + strcspn(url + scheme, "/?#");
    if (location[0] == '/') return join(url, origin, "", location);
    size_t path = strcspn(url, "?#");
    while (path > origin && url[path - 1] != '/')
        path--;
    return join(url, path, path > origin ? "" : "/", location);
}

int glimpse_http_follow(char **url, const glimpse_http_get *get, const glimpse_http_origin *from) {
    glimpse_http_origin to;
    char *location = glimpse_http_get_header(get, "Location");
    char *next = location ? glimpse_http_resolve(*url, location) : NULL;
    free(location);
    free(*url);
    *url = next;
    if (!next) return GLIMPSE_OK;
    for (const char *p = next; *p; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s redirects to what is no address",
                                from->address.host);
        }
    }
    if (!glimpse_http_read_origin(&to, next)) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s redirects to %.200s, which is no address of the web",
                            from->address.host, next);
    }
    if (from->secure && !to.secure) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s redirects from https to http (%.200s), which is not followed",
                            from->address.host, to.address.host);
    }
    return GLIMPSE_OK;
}
