/*
 * http/fetch.h - one public file of the web into a file that is open.
 */
#ifndef GLIMPSE_HTTP_FETCH_H
#define GLIMPSE_HTTP_FETCH_H

#include <stddef.h>
#include <stdio.h>

typedef struct glimpse_http_fetch {
    const char *url;
    size_t max_bytes;
    const char *who_needs;        /* libcurl, for the message where it is not there */
    int (*cancelled)(void *user); /* polled; may be NULL */
    void *user;
} glimpse_http_fetch;

/* GET, with up to ten redirects, no token, no cookies; certificates are verified. Of an address out
 * there no redirect leads to this machine or into its own network: who gives an address gives that
 * one. Failures name the address: GLIMPSE_E_INVALID: it is none; GLIMPSE_E_NOT_FOUND: 404, 410;
 * GLIMPSE_E_LIMIT: more than max_bytes; GLIMPSE_E_CANCELLED; GLIMPSE_E_IO: everything else. */
int glimpse_http_fetch_file(FILE *to, const glimpse_http_fetch *fetch);

/* 1 for http:// and https://, in any case of letters. */
int glimpse_http_is_url(const char *text);

#endif
