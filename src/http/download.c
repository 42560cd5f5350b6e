/*
 * download.c - one GET whose body goes where it comes.
 */
#include "http/download.h"

#include "core/error.h"
#include "http/curl.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LINES = 256 << 10 };

struct glimpse_http_client {
    CURL *curl;
};

int glimpse_http_client_create(glimpse_http_client **out, const char *who_needs) {
    *out = NULL;
    int status = glimpse_curl_load(who_needs);
    if (status < 0) return status;
    glimpse_http_client *client = calloc(1, sizeof *client);
    if (client) client->curl = glimpse_curl.easy_init();
    if (!client || !client->curl) {
        free(client);
        return glimpse_fail_nomem(sizeof *client, "a connection");
    }
    *out = client;
    return GLIMPSE_OK;
}

void glimpse_http_client_free(glimpse_http_client *client) {
    if (!client) return;
    glimpse_curl.easy_cleanup(client->curl);
    free(client);
}

/*
 * What comes in.
 */
typedef struct incoming {
    glimpse_http_get *get;
    CURL *curl;
    int has_begun; /* on_head was called */
    int refused;   /* by a callback */
    int too_large, no_memory;
} incoming;

static int add_line(incoming *in, const char *line, size_t size) {
    glimpse_http_get *get = in->get;
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) get->lines_size = 0; /* after a 100 */
    if (get->lines_size + size > MAX_LINES) {
        in->too_large = 1;
        return 0;
    }
    char *grown = realloc(get->lines, get->lines_size + size + 2);
    if (!grown) {
        in->no_memory = 1;
        return 0;
    }
    get->lines = grown;
    memcpy(grown + get->lines_size, line, size);
    get->lines_size += size;
    if (size == 0 || line[size - 1] != '\n') grown[get->lines_size++] = '\n';
    grown[get->lines_size] = '\0';
    return 1;
}

static size_t on_header(char *line, size_t size, size_t count, void *user) {
    return add_line(user, line, size * count) ? size * count : 0;
}

static int begin(incoming *in) {
    glimpse_http_get *get = in->get;
    if (in->has_begun) return 1;
    in->has_begun = 1;
    (void)glimpse_curl.getinfo(in->curl, CURLINFO_RESPONSE_CODE, &get->status);
    if (get->on_head && get->on_head(get->user)) in->refused = 1;
    return !in->refused;
}

static size_t on_body(char *data, size_t size, size_t count, void *user) {
    incoming *in = user;
    if (!begin(in)) return 0;
    if (in->get->on_body && in->get->on_body(in->get->user, data, size * count)) {
        in->refused = 1;
        return 0;
    }
    return size * count;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    const incoming *in = user;
    (void)a, (void)b, (void)c, (void)d;
    return in->get->cancelled && in->get->cancelled(in->get->user);
}

static int set_up(incoming *in, struct curl_slist *headers, char *error) {
    const glimpse_http_get *get = in->get;
    CURL *curl = in->curl;
    CURLcode codes[] = {
        glimpse_curl.setopt(curl, CURLOPT_HTTPGET, 1L),
        glimpse_curl.setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L),
        glimpse_curl.setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)get->stalled_timeout),
        glimpse_curl.setopt(curl, CURLOPT_WRITEFUNCTION, on_body),
        glimpse_curl.setopt(curl, CURLOPT_WRITEDATA, in),
        glimpse_curl.setopt(curl, CURLOPT_HEADERFUNCTION, on_header),
        glimpse_curl.setopt(curl, CURLOPT_HEADERDATA, in),
        glimpse_curl.setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress),
        glimpse_curl.setopt(curl, CURLOPT_XFERINFODATA, in),
        glimpse_curl.setopt(curl, CURLOPT_NOPROGRESS, 0L),
        get->authorities ? glimpse_curl.setopt(curl, CURLOPT_CAINFO, get->authorities) : CURLE_OK,
    };
    const int status = glimpse_curl_check(codes, sizeof codes / sizeof *codes);
    return status < 0 ? status
                      : glimpse_curl_set_common(curl, get->url, headers, error,
                                                get->connect_timeout, get->loopback);
}

static glimpse_http_end end_of(const incoming *in, CURLcode code) {
    if (in->too_large) return GLIMPSE_HTTP_TOO_LARGE;
    if (in->refused) return GLIMPSE_HTTP_STOPPED;
    return glimpse_curl_end(in->curl, code, in->no_memory);
}

int glimpse_http_client_get(glimpse_http_client *client, glimpse_http_get *get,
                            glimpse_http_end *end) {
    char error[CURL_ERROR_SIZE] = "";
    incoming in = {.get = get, .curl = client->curl};
    struct curl_slist *headers = NULL;
    int status = GLIMPSE_OK;
    get->status = 0;
    get->lines = NULL;
    get->lines_size = 0;
    get->error[0] = '\0';
    *end = GLIMPSE_HTTP_BROKEN;
    for (size_t i = 0; get->headers[i] && status == GLIMPSE_OK; i++) {
        struct curl_slist *more = glimpse_curl.slist_append(headers, get->headers[i]);
        if (!more)
            status = glimpse_fail_nomem(strlen(get->headers[i]), "a request");
        else
            headers = more;
    }
    if (status == GLIMPSE_OK) status = set_up(&in, headers, error);
    if (status == GLIMPSE_OK) {
        CURLcode code = glimpse_curl.easy_perform(client->curl);
        if (code == CURLE_OK && !begin(&in)) code = CURLE_WRITE_ERROR; /* an empty body */
        *end = end_of(&in, code);
        if (code != CURLE_OK) {
            (void)snprintf(
                get->error, sizeof get->error, "%s",
                glimpse_foreign_message(
                    error, glimpse_foreign_message(glimpse_curl.easy_strerror(code), "")));
        }
        if (in.no_memory || (code == CURLE_OUT_OF_MEMORY && *end != GLIMPSE_HTTP_ENDLESS)) {
            status = glimpse_fail_nomem(get->lines_size, "an answer");
        }
    }
    glimpse_curl.easy_reset(client->curl); /* keeps its connections, drops a key */
    glimpse_curl.slist_free_all(headers);
    return status;
}

char *glimpse_http_get_header(const glimpse_http_get *get, const char *name) {
    char *found = NULL;
    for (const char *line = get->lines; line && *line;) {
        size_t length = strcspn(line, "\n");
        char *value = malloc(length + 1);
        if (!value) break;
        if (glimpse_http_header_value(value, length + 1, line, length, name)) {
            free(found);
            found = value;
        } else {
            free(value);
        }
        line += length + (line[length] == '\n');
    }
    return found;
}
