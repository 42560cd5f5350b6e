/*
 * text/output/base64.h - base64 of RFC 4648, with padding, without line ends.
 */
#ifndef GLIMPSE_TEXT_BASE64_H
#define GLIMPSE_TEXT_BASE64_H

#include <stddef.h>
#include <stdio.h>

enum { GLIMPSE_BASE64_MAX = 1 << 30 /* bytes that are encoded at once */ };

/* Characters that `size` bytes become; `size` is at most GLIMPSE_BASE64_MAX. */
static inline size_t glimpse_base64_length(size_t size) {
    return (size + 2) / 3 * 4;
}

/* Writes exactly those to `out`, and no NUL. */
void glimpse_base64_encode(char *out, const void *data, size_t size);
/* Of any size. Write errors stay in the stream. */
void glimpse_base64_write(FILE *to, const void *data, size_t size);

#endif
