/*
 * text/fold.c - case folding for comparisons: utf8proc's, with a short way for ASCII.
 */
#include "text/fold.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* 1 when all of it is ASCII; then that is all there is to do. */
static int fold_ascii(char *to, const char *from, size_t length) {
    int ascii = 1;
    for (size_t i = 0; i < length; i++) {
        const char c = from[i];
        to[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        ascii = ascii && (unsigned char)c < 0x80;
    }
    to[length] = '\0';
    return ascii;
}

int glimpse_text_fold(char **out, const char *text, size_t length) {
    char *folded = malloc(length + 1);
    *out = NULL;
    if (!folded) return glimpse_fail_nomem(length + 1, "a text");
    if (!fold_ascii(folded, text, length)) {
        utf8proc_uint8_t *mapped = NULL;
        const utf8proc_ssize_t size =
            utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &mapped,
                         UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
        if (size >= 0) {
            free(folded);
            folded = (char *)mapped;
        } else if (size == UTF8PROC_ERROR_NOMEM) {
            free(folded);
            return glimpse_fail_nomem(length + 1, "a text");
        }
    }
    *out = folded;
    return GLIMPSE_OK;
}
