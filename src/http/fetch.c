/*
 * fetch.c - one public file of the web.
 */
#include "http/fetch.h"

#include "core/error.h"
#include "http/redirect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_REDIRECTS = 10 };
static const double CONNECT_SECONDS = 30.0, STALLED_SECONDS = 30.0;

typedef struct fetching {
    const glimpse_http_fetch *fetch;
    FILE *to;
    glimpse_http_get get;
    size_t size;
    int is_too_large, write_error, is_cancelled;
} fetching;

int glimpse_http_is_url(const char *text) {
    return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

/* A length that is announced is believed where it is too large. */
static int on_head(void *user) {
    fetching *f = user;
    char *length = f->get.status == 200 ? glimpse_http_get_header(&f->get, "Content-Length") : NULL;
    f->is_too_large = length && strtoull(length, NULL, 10) > f->fetch->max_bytes;
    free(length);
    return f->is_too_large;
}

static int on_body(void *user, const void *data, size_t size) {
    fetching *f = user;
    if (f->get.status != 200) return 0; /* what servers say instead is of no use */
    if (size > f->fetch->max_bytes - f->size) {
        f->is_too_large = 1;
        return 1;
    }
    if (fwrite(data, 1, size, f->to) != size) {
        f->write_error = errno ? errno : EIO;
        return 1;
    }
    f->size += size;
    return 0;
}

static int on_poll(void *user) {
    fetching *f = user;
    f->is_cancelled = f->fetch->cancelled && f->fetch->cancelled(f->fetch->user);
    return f->is_cancelled;
}

static int judge(const fetching *f, glimpse_http_end end, const char *url) {
    if (f->is_cancelled) return glimpse_fail(GLIMPSE_E_CANCELLED, "%s: stopped", url);
    if (f->is_too_large) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %zu MiB, which no picture should have",
                            url, f->fetch->max_bytes >> 20);
    }
    if (f->write_error) {
        return glimpse_fail(GLIMPSE_E_IO, "%s: cannot be kept: %s", url, strerror(f->write_error));
    }
    if (end == GLIMPSE_HTTP_TIMEOUT) {
        return glimpse_fail(GLIMPSE_E_IO, "%s: no answer in %g seconds", url, STALLED_SECONDS);
    }
    if (end != GLIMPSE_HTTP_DONE) {
        return glimpse_fail(GLIMPSE_E_IO, "%s: %s", url,
                            *f->get.error ? f->get.error : "the answer did not come whole");
    }
    if (f->get.status == 404 || f->get.status == 410) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: the server has no such file (%ld)", url,
                            f->get.status);
    }
    if (f->get.status != 200) {
        return glimpse_fail(GLIMPSE_E_IO, "%s: the server answers %ld", url, f->get.status);
    }
    return GLIMPSE_OK;
}

static int is_inside(const glimpse_http_origin *origin) {
    return glimpse_http_is_loopback(&origin->address) || glimpse_http_is_private(&origin->address);
}

/* The way of one address to where its file is. */
static int go(fetching *f, glimpse_http_client *client, char **url) {
    static const char *const lines[] = {"Accept: image/*, */*;q=0.5", "Accept-Encoding: identity",
                                        NULL};
    const char *const given = f->fetch->url;
    int was_inside = 0;
    for (int hops = 0;; hops++) {
        glimpse_http_origin origin;
        glimpse_http_end end = GLIMPSE_HTTP_BROKEN;
        if (!glimpse_http_read_origin(&origin, *url)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "%.200s is no address of a file on the web",
                                given);
        }
        if (hops == 0) was_inside = is_inside(&origin);
        if (!was_inside && is_inside(&origin)) {
            return glimpse_fail(GLIMPSE_E_IO,
                                "%.200s leads to %s, inside of this network, which is not followed",
                                given, origin.address.host);
        }
        free(f->get.lines);
        f->get = (glimpse_http_get){.url = *url,
                                    .headers = lines,
                                    .connect_timeout = CONNECT_SECONDS,
                                    .stalled_timeout = STALLED_SECONDS,
                                    .loopback = glimpse_http_is_loopback(&origin.address),
                                    .on_head = on_head,
                                    .on_body = on_body,
                                    .cancelled = on_poll,
                                    .user = f};
        int status = glimpse_http_client_get(client, &f->get, &end);
        f->get.url = NULL;
        if (status < 0) return status;
        if (end != GLIMPSE_HTTP_DONE || !glimpse_http_is_redirect(f->get.status)) {
            return judge(f, end, given);
        }
        if (hops == MAX_REDIRECTS) {
            return glimpse_fail(GLIMPSE_E_IO, "%.200s redirects more than %d times", given,
                                MAX_REDIRECTS);
        }
        status = glimpse_http_follow(url, &f->get, &origin);
        if (status < 0) {
            char *reason = strdup(glimpse_last_error());
            status = glimpse_fail(status, "%.200s: %s", given, reason ? reason : "a bad redirect");
            free(reason);
            return status;
        }
        if (!*url) {
            return glimpse_fail(GLIMPSE_E_IO, "%.200s redirects without saying where", given);
        }
    }
}

int glimpse_http_fetch_file(FILE *to, const glimpse_http_fetch *fetch) {
    fetching f = {.fetch = fetch, .to = to};
    glimpse_http_client *client = NULL;
    char *url = strdup(fetch->url);
    if (!url) return glimpse_fail_nomem(strlen(fetch->url), "an address");
    int status = glimpse_http_client_create(&client, fetch->who_needs);
    if (status == GLIMPSE_OK) status = go(&f, client, &url);
    if (status == GLIMPSE_OK && fflush(to) != 0) {
        status = glimpse_fail(GLIMPSE_E_IO, "%s: cannot be kept: %s", fetch->url, strerror(errno));
    }
    glimpse_http_client_free(client);
    free(f.get.lines);
    free(url);
    return status;
}
