/*
 * metadata/iptc.c - the application record of IPTC-IIM.
 */
#include "metadata/bytes.h"
#include "metadata/fields.h"

#include <string.h>

void glimpse_iptc_parse(glimpse_fields *fields, const uint8_t *data, size_t size) {
    for (size_t at = 0; at + 5 <= size;) {
        if (data[at] != 0x1c) return; /* padding behind the last one */
        const unsigned record = data[at + 1], set = data[at + 2];
        const size_t length = glimpse_get16(data + at + 3, 1);
        at += 5;
        /* The high bit announces a longer length, which no text of these fields has. */
        if (length > size - at || (length & 0x8000)) return;
        const char *text = (const char *)data + at;
        at += length;
        if (record != 2) continue;
        switch (set) {
        case 5: glimpse_fields_set(fields, GLIMPSE_TEXT_TITLE, text, length); break;
        case 25: glimpse_fields_add(fields, GLIMPSE_LIST_KEYWORDS, text, length); break;
        case 80: glimpse_fields_add(fields, GLIMPSE_LIST_CREATORS, text, length); break;
        case 116: glimpse_fields_set(fields, GLIMPSE_TEXT_COPYRIGHT, text, length); break;
        case 120: glimpse_fields_set(fields, GLIMPSE_TEXT_DESCRIPTION, text, length); break;
        default: break;
        }
    }
}
