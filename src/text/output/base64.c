/*
 * text/output/base64.c - writes bytes as base64.
 */
#include "base64.h"

#include <stdint.h>

void glimpse_base64_encode(char *out, const void *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (left > 1) group |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2) group |= bytes[i + 2];
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[group & 63] : '=';
    }
}

void glimpse_base64_write(FILE *to, const void *data, size_t size) {
    enum { GROUPS = 256 };
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i += 3 * (size_t)GROUPS) {
        char text[4 * GROUPS];
        size_t part = size - i < 3 * (size_t)GROUPS ? size - i : 3 * (size_t)GROUPS;
        glimpse_base64_encode(text, bytes + i, part);
        (void)fwrite(text, 1, glimpse_base64_length(part), to);
    }
}
