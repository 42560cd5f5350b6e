/*
 * text/output/display.h - bytes from outside (paths, messages) made fit for people to see.
 */
#ifndef GLIMPSE_TEXT_DISPLAY_H
#define GLIMPSE_TEXT_DISPLAY_H

#include <stddef.h>
#include <stdint.h>

/* Control characters, invalid bytes and characters that turn the writing direction are written as
 * \n, \t, \x1b, \u202e. NULL when out of memory. Free it. */
char *glimpse_text_display(const char *bytes);

/* The next code point of the NUL-terminated bytes at *s, which is moved on; 0 at the end. What is
 * not UTF-8 is one U+FFFD per maximal part. */
uint32_t glimpse_text_next(const char **s);
/* Writes a code point as UTF-8 into `out`; returns the bytes. */
size_t glimpse_text_encode(char out[4], uint32_t c);

#endif
