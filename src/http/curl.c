/*
 * curl.c - loading libcurl, and what its codes mean.
 */
#include "http/curl.h"

#include "core/dynlib.h"
#include "core/error.h"

#include <glimpse/version.h>

#include <errno.h>
#include <stdlib.h>

/* CURLE_TOO_LARGE of libcurl 8.6, which older headers do not have. */
#define CURLE_TOO_LARGE_HEADER ((CURLcode)100)

glimpse_curl_calls glimpse_curl;

static void version(unsigned found[3]) {
    unsigned number = glimpse_curl.version_info(CURLVERSION_NOW)->version_num;
    for (int i = 0; i < 3; i++)
        found[i] = number >> (16 - 8 * i) & 0xff;
}

/* Never undone: it lasts for the process. */
static const char *start(void) {
    return glimpse_curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? NULL
                                                                     : "it cannot be started";
}

static const glimpse_dynlib_symbol symbols[] = {
    GLIMPSE_DYNLIB_SYMBOL("curl_global_init", glimpse_curl.global_init),
    GLIMPSE_DYNLIB_SYMBOL("curl_easy_init", glimpse_curl.easy_init),
    GLIMPSE_DYNLIB_SYMBOL("curl_easy_cleanup", glimpse_curl.easy_cleanup),
    GLIMPSE_DYNLIB_SYMBOL("curl_easy_reset", glimpse_curl.easy_reset),
    GLIMPSE_DYNLIB_SYMBOL("curl_easy_perform", glimpse_curl.easy_perform),
    GLIMPSE_DYNLIB_SYMBOL("curl_easy_strerror", glimpse_curl.easy_strerror),
    GLIMPSE_DYNLIB_SYMBOL("curl_slist_append", glimpse_curl.slist_append),
    GLIMPSE_DYNLIB_SYMBOL("curl_slist_free_all", glimpse_curl.slist_free_all),
    GLIMPSE_DYNLIB_SYMBOL("curl_getdate", glimpse_curl.getdate),
    GLIMPSE_DYNLIB_SYMBOL("curl_version_info", glimpse_curl.version_info),
    GLIMPSE_DYNLIB_SYMBOL("curl_easy_setopt", glimpse_curl.setopt),
    GLIMPSE_DYNLIB_SYMBOL("curl_easy_getinfo", glimpse_curl.getinfo),
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

int glimpse_curl_load(const char *who_needs) {
    return glimpse_dynlib_load(&library) ? GLIMPSE_OK : glimpse_dynlib_fail(&library, who_needs);
}

/* libcurl calls a line of a header beyond its buffer's ceiling "out of memory", too (since 8.6
 * "too large"). Memory for ten such buffers is there when it was that. */
static int is_endless(CURLcode code, int no_memory) {
    if (code == CURLE_TOO_LARGE_HEADER) return 1;
    if (code != CURLE_OUT_OF_MEMORY || no_memory) return 0;
    void *volatile probe = malloc((size_t)1 << 20);
    free(probe);
    return probe != NULL;
}

static int is_nobody_there(CURL *curl, CURLcode code) {
    long number = 0;
    return code == CURLE_COULDNT_CONNECT &&
           glimpse_curl.getinfo(curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK &&
           number == ECONNREFUSED;
}

glimpse_http_end glimpse_curl_end(CURL *curl, CURLcode code, int no_memory) {
    if (is_endless(code, no_memory)) return GLIMPSE_HTTP_ENDLESS;
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

long glimpse_curl_milliseconds(double seconds) {
    return seconds < 0.001 ? 1 : seconds > 1e6 ? 1000000000L : (long)(seconds * 1000.0);
}

int glimpse_curl_check(const CURLcode *codes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == CURLE_OUT_OF_MEMORY) return glimpse_fail_nomem(1024, "a request");
        if (codes[i] != CURLE_OK) {
            return glimpse_fail(GLIMPSE_E_INTERNAL, "libcurl does not take option %zu: %s", i,
                                glimpse_foreign_message(glimpse_curl.easy_strerror(codes[i]), ""));
        }
    }
    return GLIMPSE_OK;
}

int glimpse_curl_set_common(CURL *curl, const char *url, struct curl_slist *headers, char *error,
                            double connect_timeout, int loopback) {
    const CURLcode codes[] = {
        glimpse_curl.setopt(curl, CURLOPT_URL, url),
        glimpse_curl.setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https"),
        glimpse_curl.setopt(curl, CURLOPT_NOSIGNAL, 1L),
        glimpse_curl.setopt(curl, CURLOPT_ERRORBUFFER, error),
        glimpse_curl.setopt(curl, CURLOPT_FOLLOWLOCATION, 0L),
        glimpse_curl.setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L),
        glimpse_curl.setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L),
        glimpse_curl.setopt(curl, CURLOPT_USERAGENT, "glimpse/" GLIMPSE_VERSION),
        glimpse_curl.setopt(curl, CURLOPT_HTTPHEADER, headers),
        glimpse_curl.setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                            glimpse_curl_milliseconds(connect_timeout)),
        loopback ? glimpse_curl.setopt(curl, CURLOPT_NOPROXY, "*") : CURLE_OK,
    };
    return glimpse_curl_check(codes, sizeof codes / sizeof *codes);
}
