/*
 * http/http.h - what requests over HTTP share: how one ended, and what header lines say.
 *
 *     address.c   which host an address is, and whether it is this machine
 *     header.c    lines of headers
 *     curl.c      libcurl, loaded when it is needed
 *     download.c  one GET whose body goes where it comes
 */
#ifndef GLIMPSE_HTTP_HTTP_H
#define GLIMPSE_HTTP_HTTP_H

#include <stddef.h>

typedef enum glimpse_http_end {
    GLIMPSE_HTTP_DONE = 0, /* the answer came whole */
    GLIMPSE_HTTP_BROKEN,   /* network: may work again */
    GLIMPSE_HTTP_TIMEOUT,
    GLIMPSE_HTTP_NOBODY,  /* the connection was refused */
    GLIMPSE_HTTP_REFUSED, /* certificate, scheme: will not work again */
    GLIMPSE_HTTP_ENDLESS, /* a header line larger than any should be */
    GLIMPSE_HTTP_TOO_LARGE,
    GLIMPSE_HTTP_STOPPED
} glimpse_http_end;

/* Ten years: what asks for longer means never. */
#define GLIMPSE_LONGEST_PAUSE 315360000.0

/* The value of the header `name` into `to`; 0 when the line is another. */
int glimpse_http_header_value(char *to, size_t capacity, const char *line, size_t length,
                              const char *name);
/* RFC 9110, 10.2.3: seconds of a number of them, or of a date; at most GLIMPSE_LONGEST_PAUSE;
 * negative: it is neither. libcurl must have been loaded. */
double glimpse_http_retry_after(const char *value);

#endif
