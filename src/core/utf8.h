/*
 * core/utf8.h - UTF-8 in and out, one code point at a time, for text that may be anything.
 *
 * Decoding never fails: what is not UTF-8 becomes U+FFFD, exactly as many of them as Python's
 * bytes.decode("utf-8", "replace") gives (one per maximal subpart of a sequence, Unicode 3.9
 * "U+FFFD substitution of maximal subparts"). NUL is an ordinary character.
 */
#ifndef GLIMPSE_CORE_UTF8_H
#define GLIMPSE_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { GLIMPSE_UTF8_REPLACEMENT = 0xFFFD, GLIMPSE_UTF8_MAX_BYTES = 4 };

/* Decodes the character at `text` (length >= 1) into *code_point and returns how many bytes it
 * took, at least 1. For a malformed sequence *code_point is U+FFFD and *valid is 0; `valid` may be
 * NULL. A real U+FFFD in the text is valid. */
size_t glimpse_utf8_decode(uint32_t *code_point, const char *text, size_t length, int *valid);

/* Writes the 1 to 4 bytes of a Unicode scalar value to `out` and returns their number. Surrogates
 * and values above U+10FFFF are written as U+FFFD. */
size_t glimpse_utf8_encode(char out[GLIMPSE_UTF8_MAX_BYTES], uint32_t code_point);

/* 1 when all of `text` is well-formed UTF-8. */
int glimpse_utf8_is_valid(const char *text, size_t length);

/* For messages: `text` in double quotes, cut at about 40 bytes with "..." behind it. Control
 * characters and malformed bytes are written as \xNN, so that a hostile file cannot send escape
 * sequences to the reader's terminal. Returns `out`. */
enum { GLIMPSE_UTF8_QUOTED = 192 };
const char *glimpse_utf8_quote(char out[GLIMPSE_UTF8_QUOTED], const char *text, size_t length);

#endif
