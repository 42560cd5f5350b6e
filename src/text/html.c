/*
 * text/html.c - replaces HTML character references by what they stand for. The rules are those of
 * Python's Lib/html/__init__.py, which follows
 * https://html.spec.whatwg.org/multipage/parsing.html#named-character-reference-state, with one
 * limit of its own: a name is looked for in at most 32 characters.
 */
#include "text/html.h"

#include "core/utf8.h"

#include <string.h>

enum { NAME_BYTES = 31, REFERENCE_POINTS = 32, DROPPED = 0x7FFFFFFF };

typedef struct entity {
    char name[NAME_BYTES];  /* without & and ;, NUL-padded */
    char bare;              /* 1: also known without the semicolon */
    uint32_t first, second; /* second is 0 for most */
} entity;

#include "text/html_entities.inc"

enum { ENTITY_COUNT = sizeof entities / sizeof entities[0] };

static const entity *find_entity(const char *name, size_t length) {
    if (length > NAME_BYTES) return NULL;
    size_t low = 0, high = ENTITY_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(name, entities[middle].name, length);
        if (order == 0 && length < NAME_BYTES && entities[middle].name[length]) order = -1;
        if (order == 0) return &entities[middle];
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* What a numeric reference to U+0080..U+009F means: windows-1252, as browsers read it. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

/* The character of a numeric reference, or DROPPED for those that stand for nothing. */
static uint32_t numeric_character(uint32_t number) {
    if (number == 0) return GLIMPSE_UTF8_REPLACEMENT;
    if (number == '\r') return '\r';
    if (number >= 0x80 && number <= 0x9F) return windows_1252[number - 0x80];
    if ((number >= 0xD800 && number <= 0xDFFF) || number > 0x10FFFF) {
        return GLIMPSE_UTF8_REPLACEMENT;
    }
    int dropped = (number >= 0x1 && number <= 0x8) || number == 0xB ||
                  (number >= 0xE && number <= 0x1F) || number == 0x7F ||
                  (number >= 0xFDD0 && number <= 0xFDEF) || (number & 0xFFFE) == 0xFFFE;
    return dropped ? DROPPED : number;
}

static int digit_value(uint32_t c, uint32_t base) {
    if (c >= '0' && c <= '9') return (int)(c - '0');
    if (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f' && c < 0x80) {
        return (int)(c | 0x20) - 'a' + 10;
    }
    return -1;
}

/* The reference behind "&#" at text[0]: writes its character to out[*written] and returns how many
 * code points it took, 0 when it is none. */
static size_t numeric_reference(uint32_t *out, size_t *written, const uint32_t *text,
                                size_t length) {
    size_t i = 0;
    uint32_t base = 10;
    if (length > 0 && (text[0] == 'x' || text[0] == 'X')) {
        base = 16;
        i = 1;
    }
    size_t first = i;
    uint32_t number = 0;
    for (int digit; i < length && (digit = digit_value(text[i], base)) >= 0; i++) {
        number = number * base + (uint32_t)digit;
        if (number > 0x110000) number = 0x110000; /* too large stays too large */
    }
    if (i == first) return 0;
    if (i < length && text[i] == ';') i++;
    uint32_t character = numeric_character(number);
    if (character != DROPPED) out[(*written)++] = character;
    return i;
}

static int ends_name(uint32_t c) {
    return c == '\t' || c == '\n' || c == '\f' || c == ' ' || c == '<' || c == '&' || c == '#' ||
           c == ';';
}

static int is_alphanumeric(uint32_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* As above for the name behind "&". Only the entity itself is taken: characters of the name behind
 * it are copied by the caller, and none of them can begin a reference. */
static size_t named_reference(uint32_t *out, size_t *written, const uint32_t *text, size_t length) {
    char name[REFERENCE_POINTS];
    size_t letters = 0;
    while (letters < length && letters < REFERENCE_POINTS && is_alphanumeric(text[letters])) {
        name[letters] = (char)text[letters];
        letters++;
    }
    const entity *found = NULL;
    size_t taken = 0;
    if (letters < length && text[letters] == ';') {
        found = find_entity(name, letters);
        taken = letters + 1;
    }
    for (size_t n = letters; !found && n >= 2; n--) {
        found = find_entity(name, n);
        if (found && !found->bare) found = NULL;
        taken = n;
    }
    if (!found) return 0;
    out[(*written)++] = found->first;
    if (found->second) out[(*written)++] = found->second;
    return taken;
}

void glimpse_html_unescape(glimpse_points *text) {
    uint32_t *data = text->data;
    size_t i = 0, written = 0;
    while (i < text->count && data[i] != '&') {
        i++;
    }
    written = i;
    while (i < text->count) {
        if (data[i] != '&' || i + 1 >= text->count) {
            data[written++] = data[i++];
            continue;
        }
        /* written <= i, and a reference is never shorter than its characters: what is written
         * never overtakes what is still to be read. */
        size_t rest = text->count - i - 1, taken;
        if (data[i + 1] == '#') {
            taken = numeric_reference(data, &written, data + i + 2, rest - 1);
            taken += taken > 0; /* the number sign */
        } else if (ends_name(data[i + 1])) {
            taken = 0;
        } else {
            taken = named_reference(data, &written, data + i + 1, rest);
        }
        if (taken == 0) {
            data[written++] = data[i++];
        } else {
            i += 1 + taken;
        }
    }
    text->count = written;
}
