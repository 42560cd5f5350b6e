/*
 * image/decode/identity_jpeg.c - of a JPEG: frame, tables and scans; whether it calls itself JFIF
 * and what Adobe's marker says, which decide the colour space; the colour profile. Not: EXIF, XMP,
 * IPTC, comments, thumbnails, and what follows the end of the picture.
 */
#include "image/decode/identity.h"

enum { TEM = 0x01, RST0 = 0xd0, SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP0 = 0xe0, COM = 0xfe };

typedef enum segment_kind { TABLES, JFIF, ADOBE, PROFILE, METADATA, KIND_COUNT } segment_kind;

/* A segment behind its marker: the length's two bytes and what it counts. */
typedef struct segment {
    unsigned marker;
    const uint8_t *bytes;
    size_t size;
} segment;

static int begins(const segment *s, const char *text, size_t length) {
    return s->size >= 2 + length && memcmp(s->bytes + 2, text, length) == 0;
}

static segment_kind kind_of(const segment *s) {
    if (s->marker == COM) return METADATA;
    if (s->marker < APP0 || s->marker > APP0 + 15) return TABLES;
    if (s->marker == APP0 && s->size >= 16 && begins(s, "JFIF\0", 5)) return JFIF;
    if (s->marker == APP0 + 14 && s->size >= 14 && begins(s, "Adobe", 5)) return ADOBE;
    if (s->marker == APP0 + 2 && begins(s, "ICC_PROFILE\0", 12)) return PROFILE;
    return METADATA;
}

/* At *at: 0xff, fill bytes, a marker, and but for some of them a length. Moves behind it. */
static int next_segment(segment *s, size_t *at, const uint8_t *data, size_t size) {
    if (*at >= size || data[*at] != 0xff) return 0;
    while (*at < size && data[*at] == 0xff)
        ++*at;
    if (*at >= size) return 0;
    s->marker = data[(*at)++];
    s->bytes = data + *at;
    s->size = 0;
    if (s->marker == 0 || s->marker == SOI) return 0;
    if (s->marker == TEM || s->marker == EOI || (s->marker >= RST0 && s->marker < SOI)) return 1;
    if (size - *at < 2) return 0;
    s->size = glimpse_u16be(data + *at);
    if (s->size < 2 || s->size > size - *at) return 0;
    *at += s->size;
    return 1;
}

/* From behind the first SOS: the length up to and with EOI; 0 when there is none. */
static size_t scans_length(const uint8_t *data, size_t size) {
    size_t at = 0;
    while (at < size) {
        const uint8_t *mark = memchr(data + at, 0xff, size - at);
        if (!mark) return 0;
        at = (size_t)(mark - data);
        if (at + 1 >= size) return 0;
        const unsigned next = data[at + 1];
        if (next == 0 || (next >= RST0 && next < SOI)) {
            at += 2;
            continue;
        }
        segment s;
        if (!next_segment(&s, &at, data, size)) return 0;
        if (s.marker == EOI) return at;
    }
    return 0;
}

int glimpse_identify_jpeg(glimpse_identifier *to, const uint8_t *data, size_t size) {
    size_t at = 0;
    /* Programs order these blocks as they like: a pass for each kind. */
    for (segment_kind kind = TABLES; kind < METADATA; kind++) {
        segment s = {0};
        at = 2;
        glimpse_identify_number(to, kind);
        do {
            if (!next_segment(&s, &at, data, size) || s.marker == EOI) return 0;
            if (kind_of(&s) != kind) continue;
            glimpse_identify_number(to, s.marker);
            /* Of JFIF, that it is there: it has a resolution, which is metadata. */
            if (kind != JFIF) glimpse_identify_bytes(to, s.bytes, s.size);
        } while (s.marker != SOS);
    }
    const size_t length = scans_length(data + at, size - at);
    glimpse_identify_bytes(to, data + at, length);
    return length > 0;
}
