/*
 * text/bytes.h - a growing array of bytes: the UTF-8 of a text while a tokenizer works on it.
 */
#ifndef GLIMPSE_TEXT_BYTES_H
#define GLIMPSE_TEXT_BYTES_H

#include "text/unicode.h"

/* As glimpse_points: init, use, release; never copy. Short texts need no allocation. */
enum { GLIMPSE_BYTES_INLINE = 512 };
typedef struct glimpse_bytes {
    char *data;
    size_t count, capacity;
    char inside[GLIMPSE_BYTES_INLINE];
} glimpse_bytes;

void glimpse_bytes_init(glimpse_bytes *bytes);
void glimpse_bytes_release(glimpse_bytes *bytes);
int glimpse_bytes_append(glimpse_bytes *bytes, const char *data, size_t length);
/* `points` [count] as UTF-8. */
int glimpse_bytes_append_points(glimpse_bytes *bytes, const uint32_t *points, size_t count);

#endif
