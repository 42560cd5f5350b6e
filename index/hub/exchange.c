/*
 * exchange.c - one request with its redirects.
 *
 * The token goes to the endpoint's own scheme, host and port and to no other, whatever a redirect
 * says, and in the clear to nobody but this machine. From https no redirect leads to http.
 */
#include "hub.h"

#include "core/error.h"
#include "http/redirect.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_REDIRECTS = 10, KEPT_BODY = 64 << 10 };
static const double CONNECT_SECONDS = 30.0, STALLED_SECONDS = 60.0;

static int is_wanted(const hub_exchange *x) {
    return x->get.status == 200 || x->get.status == 206;
}

/*
 * What comes in.
 */
static int on_head(void *user) {
    hub_exchange *x = user;
    x->status = x->get.status;
    x->client->has_connected = 1;
    char *linked = glimpse_http_get_header(&x->get, "X-Linked-Etag");
    char *size = glimpse_http_get_header(&x->get, "X-Linked-Size");
    if (linked) { /* of the content, whatever the server that sends it calls it */
        free(x->etag);
        x->etag = linked;
    }
    if (size) {
        free(x->linked_size);
        x->linked_size = size;
    }
    if (is_wanted(x) && x->on_head) x->failed = x->on_head(x->user, x);
    return x->failed < 0;
}

static int keep(hub_exchange *x, const void *data, size_t size) {
    size_t limit = is_wanted(x) && x->max_body ? x->max_body : (size_t)KEPT_BODY;
    if (size > limit - x->body_size) {
        if (is_wanted(x)) {
            x->too_large = 1;
            return 1;
        }
        size = limit - x->body_size; /* of an error, the beginning will do */
    }
    if (x->body_size + size + 1 > x->capacity) {
        size_t capacity = 2 * (x->body_size + size) + 1024;
        char *grown = realloc(x->body, capacity);
        if (!grown) {
            x->no_memory = 1;
            return 1;
        }
        x->body = grown;
        x->capacity = capacity;
    }
    memcpy(x->body + x->body_size, data, size);
    x->body_size += size;
    x->body[x->body_size] = '\0';
    return 0;
}

static int on_body(void *user, const void *data, size_t size) {
    hub_exchange *x = user;
    if (!is_wanted(x) || !x->on_body) return keep(x, data, size);
    x->failed = x->on_body(x->user, data, size);
    return x->failed < 0;
}

static int on_poll(void *user) {
    hub_exchange *x = user;
    const glimpse_pull_options *options = &x->client->options;
    if (options->cancelled && options->cancelled(options->user)) x->is_cancelled = 1;
    return x->is_cancelled;
}

/*
 * One request.
 */
static int ask(hub_exchange *x, const char *url, const glimpse_http_origin *origin) {
    hub_client *client = x->client;
    const hub_settings *settings = &client->settings;
    const char *lines[6];
    char *authorization = NULL;
    size_t used = 0;
    lines[used++] = "Accept-Encoding: identity";
    for (size_t i = 0; i < 3 && x->lines[i]; i++)
        lines[used++] = x->lines[i];
    const int own = glimpse_http_same_origin(origin, &settings->origin);
    const int loopback = glimpse_http_is_loopback(&origin->address);
    if (settings->token && own && !origin->secure && !loopback) {
        client->token_is_withheld = 1;
    } else if (settings->token && own) {
        authorization = glimpse_hub_format("Authorization: Bearer %s", settings->token);
        if (!authorization) return glimpse_fail_nomem(64, "a request");
        lines[used++] = authorization;
    }
    lines[used] = NULL;
    free(x->get.lines);
    x->get = (glimpse_http_get){.url = url,
                                .headers = lines,
                                .connect_timeout = CONNECT_SECONDS,
                                .stalled_timeout = STALLED_SECONDS,
                                .loopback = loopback,
                                .authorities = settings->authorities,
                                .on_head = on_head,
                                .on_body = on_body,
                                .cancelled = on_poll,
                                .user = x};
    x->body_size = 0;
    x->status = 0;
    x->is_elsewhere = !own;
    (void)snprintf(x->host, sizeof x->host, "%s", origin->address.host);
    int status = glimpse_http_client_get(client->http, &x->get, &x->end);
    if (authorization) explicit_bzero(authorization, strlen(authorization));
    free(authorization);
    x->get.headers = NULL;
    x->get.url = NULL;
    if (x->no_memory) status = glimpse_fail_nomem(x->capacity, "an answer");
    if (status == GLIMPSE_OK && x->too_large) {
        status = glimpse_fail(GLIMPSE_E_LIMIT, "%s sends more than %zu bytes as a list", x->host,
                              x->max_body ? x->max_body : (size_t)KEPT_BODY);
    }
    if (status == GLIMPSE_OK && x->failed < 0) status = x->failed;
    return status;
}

int glimpse_hub_exchange_run(hub_client *client, hub_exchange *x) {
    int status = GLIMPSE_OK;
    x->client = client;
    x->failed = 0;
    if (!client->http) status = glimpse_http_client_create(&client->http, "pulling models needs");
    char *url = strdup(x->url);
    if (status == GLIMPSE_OK && !url) status = glimpse_fail_nomem(1024, "an address");
    for (int hops = 0; status == GLIMPSE_OK; hops++) {
        glimpse_http_origin origin;
        if (!glimpse_http_read_origin(&origin, url)) {
            status = glimpse_fail(GLIMPSE_E_INVALID, "%.200s is no address", url);
            break;
        }
        status = ask(x, url, &origin);
        if (status < 0 || x->end != GLIMPSE_HTTP_DONE || !glimpse_http_is_redirect(x->status))
            break;
        if (hops == MAX_REDIRECTS) {
            status = glimpse_fail(GLIMPSE_E_FORMAT, "%s redirects more than %d times", x->host,
                                  MAX_REDIRECTS);
            break;
        }
        status = glimpse_http_follow(&url, &x->get, &origin);
        if (status == GLIMPSE_OK && !url) {
            status = glimpse_fail(GLIMPSE_E_FORMAT, "%s redirects without saying where", x->host);
        }
    }
    free(url);
    if (status == GLIMPSE_OK && !x->etag) x->etag = glimpse_http_get_header(&x->get, "ETag");
    return status;
}

void glimpse_hub_exchange_free(hub_exchange *x) {
    free(x->get.lines);
    free(x->body);
    free(x->etag);
    free(x->linked_size);
    x->get.lines = NULL;
    x->body = x->etag = x->linked_size = NULL;
    x->body_size = x->capacity = 0;
}
