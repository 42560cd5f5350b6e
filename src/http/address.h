/*
 * http/address.h - hosts in addresses as people write them.
 */
#ifndef GLIMPSE_HTTP_ADDRESS_H
#define GLIMPSE_HTTP_ADDRESS_H

#include <stddef.h>

/* Length of "SCHEME://" at `text`, 0 when there is none. */
size_t glimpse_http_scheme_length(const char *text);

typedef struct glimpse_http_address {
    char host[256];      /* without brackets, lower case */
    int bracketed, port; /* port: -1 without one */
} glimpse_http_address;

/* Splits "HOST[:PORT]" and what follows from / ? #; 0 when it is not of that form. */
int glimpse_http_split_address(glimpse_http_address *out, const char *text);
int glimpse_http_is_loopback(const glimpse_http_address *address);
/* RFC 1918, RFC 3927; RFC 4193 and link-local addresses of IPv6. */
int glimpse_http_is_private(const glimpse_http_address *address);

/* Where an http:// or https:// URL leads: two with equal origins lead to the same server. */
typedef struct glimpse_http_origin {
    glimpse_http_address address; /* with the port, whether it was written or not */
    int secure;                   /* https */
} glimpse_http_origin;
/* 0 when it is no such URL, or has a name or password in it. */
int glimpse_http_read_origin(glimpse_http_origin *out, const char *url);
int glimpse_http_same_origin(const glimpse_http_origin *a, const glimpse_http_origin *b);

#endif
