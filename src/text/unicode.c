/*
 * text/unicode.c - Unicode properties, case mapping and normalization for the tokenizers.
 *
 * utf8proc does the tables and the composition. Canonical ordering is done here: utf8proc sorts
 * by insertion, which takes minutes on a megabyte of combining marks in an unlucky order.
 */
#include "text/unicode.h"

#include "core/error.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void glimpse_points_init(glimpse_points *points) {
    points->data = points->inside;
    points->count = 0;
    points->capacity = GLIMPSE_POINTS_INLINE;
}

void glimpse_points_release(glimpse_points *points) {
    if (points->data != points->inside) free(points->data);
    glimpse_points_init(points);
}

int glimpse_points_reserve(glimpse_points *points, size_t capacity) {
    if (capacity <= points->capacity) return GLIMPSE_OK;
    size_t grown = points->capacity * 2 > capacity ? points->capacity * 2 : capacity;
    if (grown > SIZE_MAX / sizeof *points->data) return glimpse_fail_nomem(SIZE_MAX, "a text");
    uint32_t *old = points->data == points->inside ? NULL : points->data;
    uint32_t *data = realloc(old, grown * sizeof *data);
    if (!data) return glimpse_fail_nomem(grown * sizeof *data, "a text");
    if (!old) memcpy(data, points->inside, points->count * sizeof *data);
    points->data = data;
    points->capacity = grown;
    return GLIMPSE_OK;
}

static int is_white_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

int glimpse_unicode_is_python_space(uint32_t c) {
    return is_white_space(c) || (c >= 0x1C && c <= 0x1F);
}

int glimpse_unicode_is_ascii_punctuation(uint32_t c) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

glimpse_class glimpse_unicode_class(uint32_t c) {
    if (c < 0x80) {
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') return GLIMPSE_CLASS_LETTER;
        if (c >= '0' && c <= '9') return GLIMPSE_CLASS_NUMBER;
        return is_white_space(c) ? GLIMPSE_CLASS_SPACE : GLIMPSE_CLASS_OTHER;
    }
    if (is_white_space(c)) return GLIMPSE_CLASS_SPACE;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return GLIMPSE_CLASS_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return GLIMPSE_CLASS_NUMBER;
    default: return GLIMPSE_CLASS_OTHER;
    }
}

int glimpse_unicode_is_punctuation(uint32_t c) {
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return 1;
    default: return 0;
    }
}

int glimpse_unicode_is_other(uint32_t c) {
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN: return 1;
    default: return 0;
    }
}

int glimpse_unicode_is_nonspacing_mark(uint32_t c) {
    return c >= 0x300 && utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_MN;
}

int glimpse_points_decode(glimpse_points *out, const char *text, size_t length) {
    out->count = 0;
    int status = glimpse_points_reserve(out, length);
    if (status < 0) return status;
    for (size_t i = 0; i < length;) {
        i += glimpse_utf8_decode(&out->data[out->count], text + i, length - i, NULL);
        out->count++;
    }
    return GLIMPSE_OK;
}

/* Sorts a run of combining marks by class, equal ones staying in order. */
static int order_marks(uint32_t *marks, size_t count, glimpse_points *scratch) {
    enum { SHORT = 16, CLASSES = 256 };
    if (count < 2) return GLIMPSE_OK;
    if (count <= SHORT) {
        for (size_t i = 1; i < count; i++) {
            uint32_t mark = marks[i];
            int class = utf8proc_get_property((utf8proc_int32_t)mark)->combining_class;
            size_t k = i;
            for (; k > 0; k--) {
                uint32_t before = marks[k - 1];
                if (utf8proc_get_property((utf8proc_int32_t)before)->combining_class <= class) {
                    break;
                }
                marks[k] = before;
            }
            marks[k] = mark;
        }
        return GLIMPSE_OK;
    }
    size_t start[CLASSES + 1] = {0}; /* counting sort: classes are 1 to 254 */
    int status = glimpse_points_reserve(scratch, count);
    if (status < 0) return status;
    for (size_t i = 0; i < count; i++) {
        start[utf8proc_get_property((utf8proc_int32_t)marks[i])->combining_class + 1]++;
    }
    for (size_t i = 1; i <= CLASSES; i++) {
        start[i] += start[i - 1];
    }
    for (size_t i = 0; i < count; i++) {
        int class = utf8proc_get_property((utf8proc_int32_t)marks[i])->combining_class;
        scratch->data[start[class]++] = marks[i];
    }
    memcpy(marks, scratch->data, count * sizeof *marks);
    return GLIMPSE_OK;
}

int glimpse_points_nfd(glimpse_points *out, const glimpse_points *in, glimpse_points *scratch) {
    out->count = 0;
    /* Canonical decomposition, ... */
    enum { LONGEST = 8 }; /* the longest canonical decomposition has 4 */
    for (size_t i = 0; i < in->count; i++) {
        int status = glimpse_points_reserve(out, out->count + LONGEST);
        if (status < 0) return status;
        if (in->data[i] < 0xC0) {
            out->data[out->count++] = in->data[i];
            continue;
        }
        utf8proc_int32_t pieces[LONGEST];
        int boundary = 0;
        utf8proc_ssize_t got = utf8proc_decompose_char((utf8proc_int32_t)in->data[i], pieces,
                                                       LONGEST, UTF8PROC_DECOMPOSE, &boundary);
        if (got < 0 || got > LONGEST) {
            return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot decompose U+%04X",
                                (unsigned)in->data[i]);
        }
        for (utf8proc_ssize_t k = 0; k < got; k++) {
            out->data[out->count++] = (uint32_t)pieces[k];
        }
    }
    /* ... and canonical order. */
    for (size_t i = 0; i < out->count;) {
        size_t end = i;
        while (end < out->count && out->data[end] >= 0x300 &&
               utf8proc_get_property((utf8proc_int32_t)out->data[end])->combining_class != 0) {
            end++;
        }
        int status = order_marks(out->data + i, end - i, scratch);
        if (status < 0) return status;
        i = end > i ? end : i + 1;
    }
    return GLIMPSE_OK;
}

int glimpse_points_nfc(glimpse_points *out, glimpse_points *in) {
    /* Everything below U+0300 is its own NFC, whatever follows it there. */
    size_t plain = 0;
    while (plain < in->count && in->data[plain] < 0x300) {
        plain++;
    }
    out->count = 0;
    if (plain == in->count) {
        int status = glimpse_points_reserve(out, in->count);
        if (status < 0) return status;
        memcpy(out->data, in->data, in->count * sizeof *in->data);
        out->count = in->count;
        return GLIMPSE_OK;
    }

    /* Decomposition, ... (`in` is read to its end before it becomes scratch) */
    int status = glimpse_points_nfd(out, in, in);
    if (status < 0) return status;
    /* ... and composition. int32_t and uint32_t may alias, and code points fit both. */
    utf8proc_ssize_t composed =
        utf8proc_normalize_utf32((utf8proc_int32_t *)out->data, (utf8proc_ssize_t)out->count,
                                 UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (composed < 0) return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot compose a text");
    out->count = (size_t)composed;
    return GLIMPSE_OK;
}

uint32_t glimpse_unicode_lower(uint32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

enum { CAPITAL_SIGMA = 0x3A3, SIGMA = 0x3C3, FINAL_SIGMA = 0x3C2 };
/* The only code point whose full lower case is more than one: i and a combining dot. */
enum { CAPITAL_I_DOT = 0x130, COMBINING_DOT = 0x307 };

int glimpse_points_lower_each(glimpse_points *out, const glimpse_points *in) {
    out->count = 0;
    int status = glimpse_points_reserve(out, in->count);
    for (size_t i = 0; i < in->count && status == GLIMPSE_OK; i++) {
        if (in->data[i] == CAPITAL_I_DOT) {
            status = glimpse_points_reserve(out, out->count + (in->count - i) + 1);
            if (status < 0) break;
            out->data[out->count++] = 'i';
            out->data[out->count++] = COMBINING_DOT;
        } else {
            out->data[out->count++] = glimpse_unicode_lower(in->data[i]);
        }
    }
    return status;
}

/* Unicode's Case_Ignorable: marks, format and modifier characters, and the punctuation that words
 * may contain. */
static int is_case_ignorable(uint32_t c) {
    switch (c) {
    case 0x27:
    case 0x2E:
    case 0x3A:
    case 0xB7:
    case 0x387:
    case 0x55F:
    case 0x5F4:
    case 0x2018:
    case 0x2019:
    case 0x2024:
    case 0x2027:
    case 0xFE13:
    case 0xFE52:
    case 0xFE55:
    case 0xFF07:
    case 0xFF0E:
    case 0xFF1A: return 1;
    default: break;
    }
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return 1;
    default: return 0;
    }
}

/* Unicode's Cased, for code points that are not Case_Ignorable: letters with case, the ordinal
 * indicators, Roman numerals, circled and squared letters. */
static int is_cased(uint32_t c) {
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT: return 1;
    default: break;
    }
    return c == 0xAA || c == 0xBA || (c >= 0x2160 && c <= 0x217F) || (c >= 0x24B6 && c <= 0x24E9) ||
           (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
           (c >= 0x1F170 && c <= 0x1F189);
}

/* A sigma ends a word when the nearest character before it that is not ignorable has case, and
 * the nearest behind it has not. Each run of ignorable characters is looked at by the sigmas at
 * its two ends only, so the whole is linear. */
static uint32_t lower_sigma(const glimpse_points *in, size_t at) {
    size_t i = at;
    while (i > 0 && is_case_ignorable(in->data[i - 1])) {
        i--;
    }
    if (i == 0 || !is_cased(in->data[i - 1])) return SIGMA;
    i = at + 1;
    while (i < in->count && is_case_ignorable(in->data[i])) {
        i++;
    }
    return i < in->count && is_cased(in->data[i]) ? SIGMA : FINAL_SIGMA;
}

int glimpse_points_lower_python(glimpse_points *out, const glimpse_points *in) {
    int status = glimpse_points_lower_each(out, in);
    if (status < 0) return status;
    /* Written behind lower_each so that what both share is written once: `at` follows the output
     * position of each input character. */
    for (size_t i = 0, at = 0; i < in->count; i++, at++) {
        if (in->data[i] == CAPITAL_I_DOT) at++;
        if (in->data[i] == CAPITAL_SIGMA) out->data[at] = lower_sigma(in, i);
    }
    return GLIMPSE_OK;
}
