/*
 * collection_names.c - which names tags and albums can have.
 */
#include "collection_names.h"

#include "core/error.h"
#include "core/utf8.h"

#include <string.h>

/* What would not be seen in a list, or change how what is around it looks. */
static int is_control(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
           (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

static int is_blank(uint32_t c) {
    return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

static int check_characters(const char *name, size_t length) {
    char quoted[GLIMPSE_UTF8_QUOTED];
    if (!glimpse_utf8_is_valid(name, length)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the name %s is not UTF-8",
                            glimpse_utf8_quote(quoted, name, length));
    }
    for (size_t i = 0; i < length;) {
        uint32_t c = 0;
        i += glimpse_utf8_decode(&c, name + i, length - i, NULL);
        if (is_control(c)) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "the name %s has a control character (U+%04X) in it",
                                glimpse_utf8_quote(quoted, name, length), (unsigned)c);
        }
    }
    return GLIMPSE_OK;
}

/* [*first, *end) of `text` without blanks at both ends. */
static void trim(const char *text, size_t length, size_t *first, size_t *end) {
    *first = *end = 0;
    int is_begun = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c = 0;
        const size_t bytes = glimpse_utf8_decode(&c, text + i, length - i, NULL);
        if (!is_blank(c)) {
            if (!is_begun) *first = i;
            is_begun = 1;
            *end = i + bytes;
        }
        i += bytes;
    }
}

int glimpse_collection_name_clean(char out[GLIMPSE_COLLECTION_NAME_MAX + 1], const char *name) {
    char quoted[GLIMPSE_UTF8_QUOTED];
    size_t used = 0;
    out[0] = '\0';
    if (!name) return glimpse_fail(GLIMPSE_E_INVALID, "a tag or an album without a name");
    const size_t length = strlen(name);
    int status = check_characters(name, length);
    if (status < 0) return status;
    for (const char *part = name;; part++) {
        const size_t size = strcspn(part, "/");
        size_t first = 0, end = 0;
        trim(part, size, &first, &end);
        if (first == end) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                size == length ? "the name %s is empty"
                                               : "a part of the name %s is empty",
                                glimpse_utf8_quote(quoted, name, length));
        }
        if (used + (used > 0) + (end - first) > GLIMPSE_COLLECTION_NAME_MAX) {
            return glimpse_fail(GLIMPSE_E_INVALID, "the name %s is longer than %d bytes",
                                glimpse_utf8_quote(quoted, name, length),
                                GLIMPSE_COLLECTION_NAME_MAX);
        }
        if (used > 0) out[used++] = '/';
        memcpy(out + used, part + first, end - first);
        used += end - first;
        part += size;
        if (!*part) break;
    }
    out[used] = '\0';
    return GLIMPSE_OK;
}

int glimpse_collection_name_check(const char *name) {
    char clean[GLIMPSE_COLLECTION_NAME_MAX + 1];
    return glimpse_collection_name_clean(clean, name);
}
