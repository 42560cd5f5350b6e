/*
 * metadata/xml_text.c - the text of an element, in pieces.
 */
#include "metadata/xml_text.h"

#include <stdlib.h>
#include <string.h>

int glimpse_xml_text_add(glimpse_xml_text *to, const char *piece, size_t count, size_t limit) {
    if (count > limit - 1 - to->used) count = limit - 1 - to->used;
    if (to->used + count + 1 > to->capacity) {
        size_t capacity = to->capacity ? to->capacity * 2 : 1024;
        while (capacity < to->used + count + 1)
            capacity *= 2;
        char *grown = realloc(to->bytes, capacity);
        if (!grown) return 0;
        to->bytes = grown;
        to->capacity = capacity;
    }
    memcpy(to->bytes + to->used, piece, count);
    to->used += count;
    return 1;
}
