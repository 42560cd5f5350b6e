/*
 * text/output/display.c - makes bytes from outside fit to be shown to people.
 */
#include "display.h"

#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_unsafe(uint32_t c) {
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return 1;
    if (c == 0x200E || c == 0x200F || c == 0x061C) return 1; /* direction marks */
    if ((c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069)) return 1;
    return c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB);
}

char *glimpse_text_display(const char *bytes) {
    const char *end = bytes + strlen(bytes);
    char *out = malloc(6 * (size_t)(end - bytes) + 1), *to = out;
    while (out && bytes < end) {
        uint32_t c = 0;
        int valid = 1;
        size_t length = glimpse_utf8_decode(&c, bytes, (size_t)(end - bytes), &valid);
        if (!valid) {
            for (size_t i = 0; i < length; i++)
                to += sprintf(to, "\\x%02x", (unsigned)(unsigned char)bytes[i]);
        } else if (!is_unsafe(c)) {
            memcpy(to, bytes, length);
            to += length;
        } else if (c == '\n' || c == '\t' || c == '\r') {
            *to++ = '\\';
            *to++ = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
        } else {
            to += sprintf(to, c < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        }
        bytes += length;
    }
    if (out) *to = '\0';
    return out;
}

uint32_t glimpse_text_next(const char **s) {
    uint32_t c = 0;
    size_t length = strnlen(*s, GLIMPSE_UTF8_MAX_BYTES);
    if (length > 0) *s += glimpse_utf8_decode(&c, *s, length, NULL);
    return c;
}

size_t glimpse_text_encode(char out[4], uint32_t c) {
    return glimpse_utf8_encode(out, c);
}
