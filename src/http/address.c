/*
 * address.c - hosts in addresses as people write them.
 */
#include "http/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t glimpse_http_scheme_length(const char *text) {
    size_t length = 0;
    if (!isalpha((unsigned char)*text)) return 0;
    while (isalnum((unsigned char)text[length]) || (text[length] && strchr("+.-", text[length])))
        length++;
    return strncmp(text + length, "://", 3) == 0 ? length + 3 : 0;
}

int glimpse_http_split_address(glimpse_http_address *out, const char *text) {
    size_t whole = strcspn(text, "/?#"), host, skip = 0;
    out->bracketed = text[0] == '[';
    out->port = -1;
    if (out->bracketed) {
        const char *end = memchr(text, ']', whole);
        if (!end) return 0;
        skip = 1;
        host = (size_t)(end - text) + 1;
    } else {
        host = strcspn(text, ":/?#");
    }
    if (host < whole) { /* ":PORT" */
        size_t digits = strspn(text + host + 1, "0123456789");
        if (text[host] != ':' || digits < 1 || digits > 5 || host + 1 + digits != whole) return 0;
        out->port = (int)strtol(text + host + 1, NULL, 10);
        if (out->port > 65535) return 0;
    }
    size_t length = out->bracketed ? host - 2 : host;
    if (length == 0 || length >= sizeof out->host) return 0;
    for (size_t i = 0; i < length; i++)
        out->host[i] = (char)tolower((unsigned char)text[skip + i]);
    out->host[length] = '\0';
    return 1;
}

static int host_of(uint32_t *v4, uint8_t v6[16], const glimpse_http_address *address) {
    struct in_addr four;
    if (address->bracketed) return inet_pton(AF_INET6, address->host, v6) == 1 ? 6 : 0;
    if (inet_pton(AF_INET, address->host, &four) != 1) return 0;
    *v4 = ntohl(four.s_addr);
    return 4;
}

int glimpse_http_is_loopback(const glimpse_http_address *address) {
    static const uint8_t one[16] = {[15] = 1};
    uint32_t v4 = 0;
    uint8_t v6[16] = {0};
    if (!address->bracketed && strcmp(address->host, "localhost") == 0) return 1;
    switch (host_of(&v4, v6, address)) {
    case 4: return v4 >> 24 == 127 || v4 == 0; /* 0.0.0.0, as servers say they listen */
    case 6: return memcmp(v6, one, sizeof one) == 0;
    default: return 0;
    }
}

int glimpse_http_is_private(const glimpse_http_address *address) {
    uint32_t v4 = 0;
    uint8_t v6[16] = {0};
    switch (host_of(&v4, v6, address)) {
    case 4: return v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 || v4 >> 16 == 0xa9fe;
    case 6: return (v6[0] & 0xfe) == 0xfc || (v6[0] == 0xfe && (v6[1] & 0xc0) == 0x80);
    default: return 0;
    }
}

int glimpse_http_read_origin(glimpse_http_origin *out, const char *url) {
    size_t scheme = glimpse_http_scheme_length(url);
    out->secure = strncasecmp(url, "https://", 8) == 0;
    if (!out->secure && strncasecmp(url, "http://", 7) != 0) return 0;
    if (memchr(url + scheme, '@', strcspn(url + scheme, "/?#"))) return 0;
    if (!glimpse_http_split_address(&out->address, url + scheme)) return 0;
    if (out->address.port < 0) out->address.port = out->secure ? 443 : 80;
    return 1;
}

int glimpse_http_same_origin(const glimpse_http_origin *a, const glimpse_http_origin *b) {
    return a->secure == b->secure && a->address.port == b->address.port &&
           a->address.bracketed == b->address.bracketed &&
           strcmp(a->address.host, b->address.host) == 0;
}
