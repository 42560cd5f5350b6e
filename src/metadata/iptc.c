/*
 * metadata/iptc.c - the application record of IPTC-IIM.
 */
#include "metadata/bytes.h"
#include "metadata/fields.h"

#include <stdio.h>
#include <string.h>

/* "20190704" and "101502+0200"; the first alone where the second is none. */
typedef struct written_date {
    const char *date, *time;
    size_t date_length, time_length;
} written_date;

static void set_date(glimpse_fields *fields, glimpse_date_kind kind, const written_date *written) {
    char text[64];
    if (!written->date) return;
    const int length =
        snprintf(text, sizeof text, "%.*sT%.*s", (int)written->date_length, written->date,
                 (int)written->time_length, written->time ? written->time : "");
    if (written->time && length > 0 && (size_t)length < sizeof text) {
        glimpse_fields_date(fields, kind, text, (size_t)length, 0);
    }
    glimpse_fields_date(fields, kind, written->date, written->date_length, 0);
}

static void keep(const char **text, size_t *kept, const char *found, size_t length) {
    enum { MAX_DATE = 24 };
    if (*text || length > MAX_DATE) return;
    *text = found;
    *kept = length;
}

void glimpse_iptc_parse(glimpse_fields *fields, const uint8_t *data, size_t size) {
    written_date created = {NULL, NULL, 0, 0}, digitized = {NULL, NULL, 0, 0};
    for (size_t at = 0; at + 5 <= size;) {
        if (data[at] != 0x1c) break; /* padding behind the last one */
        const unsigned record = data[at + 1], set = data[at + 2];
        const size_t length = glimpse_get16(data + at + 3, 1);
        at += 5;
        /* The high bit announces a longer length, which no text of these fields has. */
        if (length > size - at || (length & 0x8000)) break;
        const char *text = (const char *)data + at;
        at += length;
        if (record != 2) continue;
        switch (set) {
        case 5: glimpse_fields_set(fields, GLIMPSE_TEXT_TITLE, text, length); break;
        case 25: glimpse_fields_add(fields, GLIMPSE_LIST_KEYWORDS, text, length); break;
        case 55: keep(&created.date, &created.date_length, text, length); break;
        case 60: keep(&created.time, &created.time_length, text, length); break;
        case 62: keep(&digitized.date, &digitized.date_length, text, length); break;
        case 63: keep(&digitized.time, &digitized.time_length, text, length); break;
        case 80: glimpse_fields_add(fields, GLIMPSE_LIST_CREATORS, text, length); break;
        case 116: glimpse_fields_set(fields, GLIMPSE_TEXT_COPYRIGHT, text, length); break;
        case 120: glimpse_fields_set(fields, GLIMPSE_TEXT_DESCRIPTION, text, length); break;
        default: break;
        }
    }
    set_date(fields, GLIMPSE_DATE_CREATED, &created);
    set_date(fields, GLIMPSE_DATE_DIGITIZED, &digitized);
}
