/*
 * core/hex.h - hexadecimal digits.
 */
#ifndef GLIMPSE_CORE_HEX_H
#define GLIMPSE_CORE_HEX_H

/* 0..15, -1 for anything else; whatever the locale. */
static inline int glimpse_hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

#endif
