/*
 * remote_http.c - one POST through libcurl, which is loaded when the first remote model is opened:
 * linking it would cost every start of the command the loading of some thirty libraries.
 *
 * Certificates are verified. Redirects are not followed: a key must not go where the user did not
 * send it. Each thread has a handle of its own from the pool, so connections are used again.
 */
#include "vlm/remote/remote.h"

#include "core/dynlib.h"
#include "core/error.h"

#include <glimpse/version.h>

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define FUNCTIONS(X)    \
 X(curl_global_init)    \
 X(curl_easy_init)      \
 X(curl_easy_cleanup)   \
 X(curl_easy_reset)     \
 X(curl_easy_perform)   \
 X(curl_easy_strerror)  \
 X(curl_slist_append)   \
 X(curl_slist_free_all) \
 X(curl_getdate)        \
 X(curl_version_info)

/* CURLE_TOO_LARGE of libcurl 8.6, which older headers do not have. */
#define CURLE_TOO_LARGE_HEADER ((CURLcode)100)

/* Their headers wrap these two in checking macros. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct libcurl {
#define DECLARE(name) __typeof__(name) *name;
    FUNCTIONS(DECLARE)
#undef DECLARE
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
} lib;

static void version(unsigned found[3]) {
    unsigned number = lib.curl_version_info(CURLVERSION_NOW)->version_num;
    for (int i = 0; i < 3; i++)
        found[i] = number >> (16 - 8 * i) & 0xff;
}

/* Never undone: it lasts for the process. */
static const char *start(void) {
    return lib.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? NULL : "it cannot be started";
}

static const glimpse_dynlib_symbol symbols[] = {
#define SYMBOL(name) GLIMPSE_DYNLIB_SYMBOL(#name, lib.name),
    FUNCTIONS(SYMBOL)
#undef SYMBOL
        GLIMPSE_DYNLIB_SYMBOL("curl_easy_setopt", lib.setopt),
    GLIMPSE_DYNLIB_SYMBOL("curl_easy_getinfo", lib.getinfo),
    {0},
};
static glimpse_dynlib library = {
    .name = "libcurl",
    .package = "libcurl4",
    .files = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"},
    .symbols = symbols,
    .version = version,
    .min_version = {7, 85, 0}, /* CURLOPT_PROTOCOLS_STR */
    .start = start,
    .mutex = PTHREAD_MUTEX_INITIALIZER,
};

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
    if (!glimpse_dynlib_load(&library)) {
        return glimpse_dynlib_fail(&library, "remote models need");
    }
    glimpse_http_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return glimpse_fail_nomem(sizeof *pool, "connections");
    (void)pthread_mutex_init(&pool->mutex, NULL);
    *out = pool;
    return GLIMPSE_OK;
}

void glimpse_http_pool_free(glimpse_http_pool *pool) {
    if (!pool) return;
    for (size_t i = 0; i < pool->count; i++)
        lib.curl_easy_cleanup(pool->idle[i]);
    (void)pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

static CURL *acquire_handle(glimpse_http_pool *pool) {
    CURL *curl = NULL;
    (void)pthread_mutex_lock(&pool->mutex);
    if (pool->count > 0) curl = pool->idle[--pool->count];
    (void)pthread_mutex_unlock(&pool->mutex);
    return curl ? curl : lib.curl_easy_init();
}

static void give_handle(glimpse_http_pool *pool, CURL *curl) {
    lib.curl_easy_reset(curl); /* keeps its connections, drops the key */
    (void)pthread_mutex_lock(&pool->mutex);
    if (pool->count < sizeof pool->idle / sizeof *pool->idle) {
        pool->idle[pool->count++] = curl;
        curl = NULL;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    if (curl) lib.curl_easy_cleanup(curl);
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

/* The value of the header `name` into `to`; 0 when the line is another. */
static int header_value(const char *line, size_t size, const char *name, char *to,
                        size_t capacity) {
    size_t length = strlen(name);
    if (size <= length || strncasecmp(line, name, length) != 0 || line[length] != ':') return 0;
    line += length + 1;
    size -= length + 1;
    while (size > 0 && isspace((unsigned char)*line)) {
        line++;
        size--;
    }
    while (size > 0 && isspace((unsigned char)line[size - 1]))
        size--;
    (void)snprintf(to, capacity, "%.*s", (int)(size < capacity ? size : capacity - 1), line);
    return 1;
}

/* RFC 9110, 10.2.3: a number of seconds, or a date. Milliseconds come in headers of their own. */
static double retry_after(const char *value) {
    char *end = NULL;
    double seconds = strtod(value, &end);
    if (end != value && *end == '\0') {
        return seconds >= 0.0 ? fmin(seconds, GLIMPSE_LONGEST_PAUSE) : -1.0;
    }
    time_t now = time(NULL), when = lib.curl_getdate(value, &now);
    if (when == (time_t)-1) return -1.0;
    return when > now ? fmin((double)(when - now), GLIMPSE_LONGEST_PAUSE) : 0.0;
}

void glimpse_http_read_header(glimpse_http *http, const char *line, size_t length) {
    char value[256];
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* another answer begins, after a 100 */
        http->retry_after = -1.0;
        http->location[0] = '\0';
    } else if (header_value(line, length, "Retry-After", value, sizeof value)) {
        http->retry_after = retry_after(value);
    } else if (header_value(line, length, "Retry-After-Ms", value, sizeof value)) {
        double after = retry_after(value);
        if (after >= 0.0) http->retry_after = after / 1000.0;
    } else if (header_value(line, length, "Location", value, sizeof value)) {
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

/* libcurl calls a line of a header beyond its buffer's ceiling "out of memory", too (since 8.6
 * "too large"). Memory for ten such buffers is there when it was that. */
static int is_endless(CURLcode code, const incoming *in) {
    if (code == CURLE_TOO_LARGE_HEADER) return 1;
    if (code != CURLE_OUT_OF_MEMORY || in->no_memory) return 0;
    void *volatile probe = malloc((size_t)1 << 20);
    free(probe);
    return probe != NULL;
}

static int is_nobody_there(CURL *curl, CURLcode code) {
    long number = 0;
    return code == CURLE_COULDNT_CONNECT &&
           lib.getinfo(curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK && number == ECONNREFUSED;
}

static glimpse_http_end end_of(CURL *curl, CURLcode code, const incoming *in) {
    if (in->too_large) return GLIMPSE_HTTP_TOO_LARGE;
    if (is_endless(code, in)) return GLIMPSE_HTTP_ENDLESS;
    if (is_nobody_there(curl, code)) return GLIMPSE_HTTP_NOBODY;
    switch (code) {
    case CURLE_OK: return GLIMPSE_HTTP_DONE;
    case CURLE_ABORTED_BY_CALLBACK: return GLIMPSE_HTTP_STOPPED;
    case CURLE_OPERATION_TIMEDOUT: return GLIMPSE_HTTP_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN: return GLIMPSE_HTTP_REFUSED;
    default: return GLIMPSE_HTTP_BROKEN;
    }
}

static long milliseconds(double seconds) {
    return seconds < 0.001 ? 1 : seconds > 1e6 ? 1000000000L : (long)(seconds * 1000.0);
}

static int set_up(CURL *curl, glimpse_http *http, incoming *in, struct curl_slist *headers,
                  char *error) {
    CURLcode codes[] = {
        lib.setopt(curl, CURLOPT_URL, http->url),
        lib.setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https"),
        lib.setopt(curl, CURLOPT_NOSIGNAL, 1L),
        lib.setopt(curl, CURLOPT_ERRORBUFFER, error),
        lib.setopt(curl, CURLOPT_FOLLOWLOCATION, 0L),
        lib.setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L),
        lib.setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L),
        lib.setopt(curl, CURLOPT_USERAGENT, "glimpse/" GLIMPSE_VERSION),
        lib.setopt(curl, CURLOPT_HTTPHEADER, headers),
        /* libcurl unpacks as it comes: on_body's ceiling is one of what was unpacked. */
        lib.setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip, deflate"),
        lib.setopt(curl, CURLOPT_POST, 1L),
        lib.setopt(curl, CURLOPT_POSTFIELDS, http->body),
        lib.setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)http->body_size),
        lib.setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(http->connect_timeout)),
        lib.setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds(http->timeout)),
        lib.setopt(curl, CURLOPT_WRITEFUNCTION, on_body),
        lib.setopt(curl, CURLOPT_WRITEDATA, in),
        lib.setopt(curl, CURLOPT_HEADERFUNCTION, on_header),
        lib.setopt(curl, CURLOPT_HEADERDATA, in),
        lib.setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress),
        lib.setopt(curl, CURLOPT_XFERINFODATA, in),
        lib.setopt(curl, CURLOPT_NOPROGRESS, 0L),
        http->loopback ? lib.setopt(curl, CURLOPT_NOPROXY, "*") : CURLE_OK,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] == CURLE_OUT_OF_MEMORY) {
            return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
        }
        if (codes[i] != CURLE_OK) {
            return glimpse_fail(GLIMPSE_E_INTERNAL, "libcurl does not take option %zu: %s", i,
                                lib.curl_easy_strerror(codes[i]));
        }
    }
    return GLIMPSE_OK;
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
        struct curl_slist *more = lib.curl_slist_append(headers, http->headers[i]);
        if (!more)
            status = glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
        else
            headers = more;
    }
    if (status == GLIMPSE_OK) status = set_up(curl, http, &in, headers, error);
    if (status == GLIMPSE_OK) {
        CURLcode code = lib.curl_easy_perform(curl);
        (void)lib.getinfo(curl, CURLINFO_RESPONSE_CODE, &http->status);
        *end = end_of(curl, code, &in);
        if (code != CURLE_OK) {
            (void)snprintf(http->error, sizeof http->error, "%s",
                           error[0] ? error : lib.curl_easy_strerror(code));
        }
        if (in.no_memory || (code == CURLE_OUT_OF_MEMORY && *end != GLIMPSE_HTTP_ENDLESS)) {
            status = glimpse_fail_nomem(2 * http->answer_size, "an answer");
        }
    }
    if (curl) give_handle(pool, curl);
    lib.curl_slist_free_all(headers);
    if (status < 0) {
        free(http->answer);
        http->answer = NULL;
    }
    return status;
}
