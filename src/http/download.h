/*
 * http/download.h - one GET whose body goes where it comes, piece by piece.
 *
 *     glimpse_http_client *client = NULL;
 *     int status = glimpse_http_client_create(&client, "downloads need");
 *     glimpse_http_get get = {.url = url, .headers = lines, .on_head = head, .on_body = body};
 *     glimpse_http_end end;
 *     if (status == GLIMPSE_OK) status = glimpse_http_client_get(client, &get, &end);
 *     if (status == GLIMPSE_OK && end == GLIMPSE_HTTP_DONE) ... get.status ...
 *     glimpse_http_client_free(client);
 *
 * Certificates are verified. Redirects are not followed: who asks decides what goes where. A client
 * is for one thread at a time; it uses its connections again.
 */
#ifndef GLIMPSE_HTTP_DOWNLOAD_H
#define GLIMPSE_HTTP_DOWNLOAD_H

#include "http/http.h"

typedef struct glimpse_http_get {
    /* In. */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated */
    double connect_timeout;     /* seconds */
    double stalled_timeout;     /* seconds without a byte */
    int loopback;               /* never through a proxy */
    const char *authorities;    /* a file of certificates that are believed; NULL: the system's */
    /* Each may be NULL; non-zero ends the request as GLIMPSE_HTTP_STOPPED. */
    int (*on_head)(void *user); /* `status` and lines are there */
    int (*on_body)(void *user, const void *data, size_t size);
    int (*cancelled)(void *user); /* polled */
    void *user;
    /* Out. */
    long status;
    char *lines; /* of the header, each ended by \n and NUL behind the last; free() it */
    size_t lines_size;
    char error[320]; /* what libcurl says */
} glimpse_http_get;

typedef struct glimpse_http_client glimpse_http_client;

/* Loads libcurl: GLIMPSE_E_UNSUPPORTED with "WHO_NEEDS libcurl, ..." when it is not there. */
int glimpse_http_client_create(glimpse_http_client **out, const char *who_needs);
void glimpse_http_client_free(glimpse_http_client *client);
/* GLIMPSE_OK with *end, or GLIMPSE_E_NOMEM. */
int glimpse_http_client_get(glimpse_http_client *client, glimpse_http_get *get,
                            glimpse_http_end *end);

/* The last value of the header `name`, malloc'ed; NULL when there is none, or no memory. */
char *glimpse_http_get_header(const glimpse_http_get *get, const char *name);

#endif
