/*
 * remote_http.c - one POST through libcurl, which is loaded when the first remote model is opened:
 * linking it would cost every start of the command the loading of some thirty libraries.
 *
 * Certificates are verified. Redirects are not followed: a key must not go where the user did not
 * send it. Each thread has a handle of its own from the pool, so connections are used again.
 */
#include "vlm/remote/remote.h"

#include "core/error.h"
#include "http/curl.h"

#include <stdlib.h>
#include <string.h>

/*
 * The pool of handles.
 */
struct glimpse_http_pool {
    pthread_mutex_t mutex;
    CURL *idle[64];
    size_t count;
};

int glimpse_http_pool_create(glimpse_http_pool **out) {
    *out = NULL;
    int status = glimpse_curl_load("remote models need");
    if (status < 0) return status;
    glimpse_http_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return glimpse_fail_nomem(sizeof *pool, "connections");
    (void)pthread_mutex_init(&pool->mutex, NULL);
    *out = pool;
    return GLIMPSE_OK;
}

void glimpse_http_pool_free(glimpse_http_pool *pool) {
    if (!pool) return;
    for (size_t i = 0; i < pool->count; i++)
        glimpse_curl.easy_cleanup(pool->idle[i]);
    (void)pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

static CURL *acquire_handle(glimpse_http_pool *pool) {
    CURL *curl = NULL;
    (void)pthread_mutex_lock(&pool->mutex);
    if (pool->count > 0) curl = pool->idle[--pool->count];
    (void)pthread_mutex_unlock(&pool->mutex);
    return curl ? curl : glimpse_curl.easy_init();
}

static void give_handle(glimpse_http_pool *pool, CURL *curl) {
    glimpse_curl.easy_reset(curl); /* keeps its connections, drops the key */
    (void)pthread_mutex_lock(&pool->mutex);
    if (pool->count < sizeof pool->idle / sizeof *pool->idle) {
        pool->idle[pool->count++] = curl;
        curl = NULL;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    if (curl) glimpse_curl.easy_cleanup(curl);
}

/*
 * What comes in.
 */
typedef struct incoming {
    glimpse_http *http;
    size_t capacity;
    int too_large, no_memory;
} incoming;

static size_t on_body(char *data, size_t size, size_t count, void *user) {
    incoming *in = user;
    glimpse_http *http = in->http;
    size_t more = size * count; /* libcurl: size is 1, count bounded by its buffer */
    if (more > http->max_bytes - http->answer_size) {
        in->too_large = 1;
        return 0;
    }
    if (http->answer_size + more + 1 > in->capacity) {
        size_t capacity = 2 * (http->answer_size + more) + 1024;
        char *grown = realloc(http->answer, capacity);
        if (!grown) {
            in->no_memory = 1;
            return 0;
        }
        http->answer = grown;
        in->capacity = capacity;
    }
    if (more > 0) memcpy(http->answer + http->answer_size, data, more);
    http->answer_size += more;
    http->answer[http->answer_size] = '\0';
    return more;
}

void glimpse_http_read_header(glimpse_http *http, const char *line, size_t length) {
    char value[256];
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* another answer begins, after a 100 */
        http->retry_after = -1.0;
        http->location[0] = '\0';
    } else if (glimpse_http_header_value(value, sizeof value, line, length, "Retry-After")) {
        http->retry_after = glimpse_http_retry_after(value);
    } else if (glimpse_http_header_value(value, sizeof value, line, length, "Retry-After-Ms")) {
        double after = glimpse_http_retry_after(value);
        if (after >= 0.0) http->retry_after = after / 1000.0;
    } else if (glimpse_http_header_value(value, sizeof value, line, length, "Location")) {
        (void)snprintf(http->location, sizeof http->location, "%s", value);
    }
}

static size_t on_header(char *line, size_t size, size_t count, void *user) {
    const incoming *in = user;
    glimpse_http_read_header(in->http, line, size * count);
    return size * count;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    const incoming *in = user;
    (void)a, (void)b, (void)c, (void)d;
    return glimpse_vlm_job_stopped(in->http->job);
}

static int set_up(CURL *curl, glimpse_http *http, incoming *in, struct curl_slist *headers,
                  char *error) {
    CURLcode codes[] = {
        /* libcurl unpacks as it comes: on_body's ceiling is one of what was unpacked. */
        glimpse_curl.setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip, deflate"),
        glimpse_curl.setopt(curl, CURLOPT_POST, 1L),
        glimpse_curl.setopt(curl, CURLOPT_POSTFIELDS, http->body),
        glimpse_curl.setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)http->body_size),
        glimpse_curl.setopt(curl, CURLOPT_TIMEOUT_MS, glimpse_curl_milliseconds(http->timeout)),
        glimpse_curl.setopt(curl, CURLOPT_WRITEFUNCTION, on_body),
        glimpse_curl.setopt(curl, CURLOPT_WRITEDATA, in),
        glimpse_curl.setopt(curl, CURLOPT_HEADERFUNCTION, on_header),
        glimpse_curl.setopt(curl, CURLOPT_HEADERDATA, in),
        glimpse_curl.setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress),
        glimpse_curl.setopt(curl, CURLOPT_XFERINFODATA, in),
        glimpse_curl.setopt(curl, CURLOPT_NOPROGRESS, 0L),
    };
    const int status = glimpse_curl_check(codes, sizeof codes / sizeof *codes);
    return status < 0 ? status
                      : glimpse_curl_set_common(curl, http->url, headers, error,
                                                http->connect_timeout, http->loopback);
}

int glimpse_http_post(glimpse_http_pool *pool, glimpse_http *http, glimpse_http_end *end) {
    char error[CURL_ERROR_SIZE] = "";
    incoming in = {http, 0, 0, 0};
    struct curl_slist *headers = NULL;
    http->status = 0;
    http->answer = NULL;
    http->answer_size = 0;
    http->retry_after = -1.0;
    http->location[0] = http->error[0] = '\0';
    CURL *curl = acquire_handle(pool);
    int status = curl ? GLIMPSE_OK : glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
    for (size_t i = 0; http->headers[i] && status == GLIMPSE_OK; i++) {
        struct curl_slist *more = glimpse_curl.slist_append(headers, http->headers[i]);
        if (!more)
            status = glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
        else
            headers = more;
    }
    if (status == GLIMPSE_OK) status = set_up(curl, http, &in, headers, error);
    if (status == GLIMPSE_OK) {
        CURLcode code = glimpse_curl.easy_perform(curl);
        (void)glimpse_curl.getinfo(curl, CURLINFO_RESPONSE_CODE, &http->status);
        *end = in.too_large ? GLIMPSE_HTTP_TOO_LARGE : glimpse_curl_end(curl, code, in.no_memory);
        if (code != CURLE_OK) {
            (void)snprintf(
                http->error, sizeof http->error, "%s",
                glimpse_foreign_message(
                    error, glimpse_foreign_message(glimpse_curl.easy_strerror(code), "")));
        }
        if (in.no_memory || (code == CURLE_OUT_OF_MEMORY && *end != GLIMPSE_HTTP_ENDLESS)) {
            status = glimpse_fail_nomem(2 * http->answer_size, "an answer");
        }
    }
    if (curl) give_handle(pool, curl);
    glimpse_curl.slist_free_all(headers);
    if (status < 0) {
        free(http->answer);
        http->answer = NULL;
    }
    return status;
}
