/*
 * text/unicode.h - the Unicode facts and transformations the tokenizers need, on arrays of
 * code points. Data from utf8proc (2.8: Unicode 14, the version of the reference runs).
 */
#ifndef GLIMPSE_TEXT_UNICODE_H
#define GLIMPSE_TEXT_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* A growing array of code points. Short texts, nearly all of them, stay inside the struct: no
 * allocation. Declare, glimpse_points_init(), use, glimpse_points_release(); never copy. */
enum { GLIMPSE_POINTS_INLINE = 256 };
typedef struct glimpse_points {
    uint32_t *data;
    size_t count, capacity;
    uint32_t inside[GLIMPSE_POINTS_INLINE];
} glimpse_points;

void glimpse_points_init(glimpse_points *points);
void glimpse_points_release(glimpse_points *points);
/* Room for `capacity` in all; contents are kept. GLIMPSE_E_NOMEM on failure. */
int glimpse_points_reserve(glimpse_points *points, size_t capacity);

typedef enum glimpse_class {
    GLIMPSE_CLASS_OTHER,  /* everything the others are not: punctuation, marks, controls */
    GLIMPSE_CLASS_SPACE,  /* \s of the regular expressions: Unicode's White_Space */
    GLIMPSE_CLASS_LETTER, /* \p{L} */
    GLIMPSE_CLASS_NUMBER  /* \p{N} */
} glimpse_class;
glimpse_class glimpse_unicode_class(uint32_t code_point);

/* Lower case of one code point by itself, the one-to-one part of the mapping. */
uint32_t glimpse_unicode_lower(uint32_t code_point);

/* Python's str.isspace(): White_Space and the separators U+001C to U+001F. */
int glimpse_unicode_is_python_space(uint32_t code_point);
/* Of the 32 that ASCII has, symbols such as "$" and "+" included. */
int glimpse_unicode_is_ascii_punctuation(uint32_t code_point);

/* General categories: P* (punctuation); C* (controls, formats, private and unassigned); Mn. */
int glimpse_unicode_is_punctuation(uint32_t code_point);
int glimpse_unicode_is_other(uint32_t code_point);
int glimpse_unicode_is_nonspacing_mark(uint32_t code_point);

/* `text` UTF-8 bytes to code points, replacing what is malformed. */
int glimpse_points_decode(glimpse_points *out, const char *text, size_t length);

/* Normalisation form D; `scratch` is overwritten. O(n). */
int glimpse_points_nfd(glimpse_points *out, const glimpse_points *in, glimpse_points *scratch);

/* Normalisation form C; `in` is used as scratch. O(n), also for hostile runs of marks. */
int glimpse_points_nfc(glimpse_points *out, glimpse_points *in);

/* Lower case, each code point by itself (only U+0130 becomes two). */
int glimpse_points_lower_each(glimpse_points *out, const glimpse_points *in);

/* Lower case as Python's str.lower(): the same, and a capital sigma at the end of a word becomes a
 * final sigma. */
int glimpse_points_lower_python(glimpse_points *out, const glimpse_points *in);

#endif
