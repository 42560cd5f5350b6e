/*
 * core/utf8.c - decodes and encodes UTF-8, one code point at a time. The ranges of the second byte
 * are Table 3-7 of the Unicode standard: checking them there is what rules out overlong forms,
 * surrogates and values above U+10FFFF, and what makes the replaced piece a "maximal subpart".
 */
#include "core/utf8.h"

#include <stdio.h>
#include <string.h>

static size_t malformed(uint32_t *code_point, int *valid, size_t bytes) {
    *code_point = GLIMPSE_UTF8_REPLACEMENT;
    if (valid) *valid = 0;
    return bytes;
}

size_t glimpse_utf8_decode(uint32_t *code_point, const char *text, size_t length, int *valid) {
    const uint8_t *bytes = (const uint8_t *)text;
    uint8_t lead = bytes[0];
    if (valid) *valid = 1;
    if (lead < 0x80) {
        *code_point = lead;
        return 1;
    }
    size_t tail;                     /* continuation bytes */
    uint8_t low = 0x80, high = 0xBF; /* what the first of them may be */
    uint32_t value;
    if (lead < 0xC2) { /* a stray continuation byte, or an overlong form of ASCII */
        return malformed(code_point, valid, 1);
    } else if (lead < 0xE0) {
        tail = 1;
        value = lead & 0x1Fu;
    } else if (lead < 0xF0) {
        tail = 2;
        value = lead & 0x0Fu;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead < 0xF5) {
        tail = 3;
        value = lead & 0x07u;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return malformed(code_point, valid, 1);
    }
    for (size_t i = 1; i <= tail; i++) {
        if (i >= length || bytes[i] < low || bytes[i] > high) {
            return malformed(code_point, valid, i);
        }
        value = value << 6 | (bytes[i] & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    *code_point = value;
    return tail + 1;
}

size_t glimpse_utf8_encode(char out[GLIMPSE_UTF8_MAX_BYTES], uint32_t code_point) {
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
        code_point = GLIMPSE_UTF8_REPLACEMENT;
    }
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xC0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xE0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code_point & 0x3F));
    return 4;
}

int glimpse_utf8_is_valid(const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        uint32_t code_point;
        int valid;
        i += glimpse_utf8_decode(&code_point, text + i, length - i, &valid);
        if (!valid) return 0;
    }
    return 1;
}

const char *glimpse_utf8_quote(char out[GLIMPSE_UTF8_QUOTED], const char *text, size_t length) {
    enum { SHOWN = 40 }; /* bytes of text; each takes at most 4 in `out` */
    size_t used = 0, i = 0;
    out[used++] = '"';
    while (i < length && i < SHOWN) {
        uint32_t code_point;
        int valid;
        size_t bytes = glimpse_utf8_decode(&code_point, text + i, length - i, &valid);
        int control = code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
        if (valid && !control) {
            memcpy(out + used, text + i, bytes);
            used += bytes;
        } else {
            for (size_t k = 0; k < bytes; k++) {
                (void)snprintf(out + used, GLIMPSE_UTF8_QUOTED - used, "\\x%02x",
                               (unsigned)(uint8_t)text[i + k]);
                used += 4;
            }
        }
        i += bytes;
    }
    out[used++] = '"';
    out[used] = '\0';
    if (i < length) memcpy(out + used, "...", 4);
    return out;
}
