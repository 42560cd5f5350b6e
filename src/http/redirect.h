/*
 * http/redirect.h - where a redirect leads.
 */
#ifndef GLIMPSE_HTTP_REDIRECT_H
#define GLIMPSE_HTTP_REDIRECT_H

#include "http/address.h"
#include "http/download.h"

int glimpse_http_is_redirect(long status);

/* `location` as a whole address, as seen from `url` (RFC 3986, 5.2); malloc'ed, NULL: no memory. */
char *glimpse_http_resolve(const char *url, const char *location);

/* Puts the address that an answer leads to in the place of *url, which is freed; NULL when it says
 * none. `from` is the origin of *url. GLIMPSE_E_FORMAT for what is no address of the web, and from
 * https to http. */
int glimpse_http_follow(char **url, const glimpse_http_get *get, const glimpse_http_origin *from);

#endif
