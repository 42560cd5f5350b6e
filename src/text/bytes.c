/*
 * text/bytes.c - a growing array of bytes.
 */
#include "text/bytes.h"

#include "core/error.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

void glimpse_bytes_init(glimpse_bytes *bytes) {
    bytes->data = bytes->inside;
    bytes->count = 0;
    bytes->capacity = GLIMPSE_BYTES_INLINE;
}

void glimpse_bytes_release(glimpse_bytes *bytes) {
    if (bytes->data != bytes->inside) free(bytes->data);
    glimpse_bytes_init(bytes);
}

static int reserve(glimpse_bytes *bytes, size_t more) {
    if (more <= bytes->capacity - bytes->count) return GLIMPSE_OK;
    if (more > SIZE_MAX / 4 - bytes->count) return glimpse_fail_nomem(SIZE_MAX, "a text");
    size_t needed = bytes->count + more;
    size_t grown = bytes->capacity * 2 > needed ? bytes->capacity * 2 : needed;
    char *old = bytes->data == bytes->inside ? NULL : bytes->data;
    char *data = realloc(old, grown);
    if (!data) return glimpse_fail_nomem(grown, "a text");
    if (!old) memcpy(data, bytes->inside, bytes->count);
    bytes->data = data;
    bytes->capacity = grown;
    return GLIMPSE_OK;
}

int glimpse_bytes_append(glimpse_bytes *bytes, const char *data, size_t length) {
    int status = reserve(bytes, length);
    if (status < 0) return status;
    if (length > 0) memcpy(bytes->data + bytes->count, data, length);
    bytes->count += length;
    return GLIMPSE_OK;
}

int glimpse_bytes_append_points(glimpse_bytes *bytes, const uint32_t *points, size_t count) {
    if (count > SIZE_MAX / (4 * GLIMPSE_UTF8_MAX_BYTES)) {
        return glimpse_fail_nomem(SIZE_MAX, "a text");
    }
    int status = reserve(bytes, count * GLIMPSE_UTF8_MAX_BYTES);
    if (status < 0) return status;
    for (size_t i = 0; i < count; i++) {
        bytes->count += glimpse_utf8_encode(bytes->data + bytes->count, points[i]);
    }
    return GLIMPSE_OK;
}
