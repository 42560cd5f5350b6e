/*
 * http/curl.h - libcurl, loaded when it is first needed: linking it would cost every start of the
 * command the loading of some thirty libraries.
 *
 *     int status = glimpse_curl_load("remote models need");
 *     if (status < 0) return status;
 *     CURL *curl = glimpse_curl.easy_init();
 */
#ifndef GLIMPSE_HTTP_CURL_H
#define GLIMPSE_HTTP_CURL_H

#include "http/http.h"

#include <curl/curl.h>

/* The header of libcurl wraps these two in checking macros. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

typedef struct glimpse_curl_calls {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_reset) *easy_reset;
    __typeof__(curl_easy_perform) *easy_perform;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_getdate) *getdate;
    __typeof__(curl_version_info) *version_info;
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
} glimpse_curl_calls;

/* Constant once it is loaded. */
extern glimpse_curl_calls glimpse_curl;

/* GLIMPSE_E_UNSUPPORTED with "WHO_NEEDS libcurl, which ..." where it is not there. Any thread. */
int glimpse_curl_load(const char *who_needs);

/* What a perform that ended with `code` means; nothing of what callbacks refused is known here.
 * `no_memory`: a callback had none. */
glimpse_http_end glimpse_curl_end(CURL *curl, CURLcode code, int no_memory);

/* What every request here asks for: http and https alone, certificates verified, redirects not
 * followed, no signals. `error` [CURL_ERROR_SIZE]. GLIMPSE_E_NOMEM or GLIMPSE_E_INTERNAL. */
int glimpse_curl_set_common(CURL *curl, const char *url, struct curl_slist *headers, char *error,
                            double connect_timeout, int loopback);
/* The first of the results of setopt that is not CURLE_OK, as a status with a message. */
int glimpse_curl_check(const CURLcode *codes, size_t count);

/* For options that are milliseconds: at least one. */
long glimpse_curl_milliseconds(double seconds);

#endif
