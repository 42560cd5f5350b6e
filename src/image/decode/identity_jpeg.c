/*
 * image/decode/identity_jpeg.c - of a JPEG: frame, tables and scans; the colour space that
 * decoders conclude from the markers of JFIF and Adobe, which programs add and drop; the colour
 * profile. Not: EXIF, XMP, IPTC, comments, thumbnails, and what follows the end of the picture.
 */
#include "image/decode/identity.h"

enum { TEM = 0x01, RST0 = 0xd0, SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP0 = 0xe0, COM = 0xfe };

typedef enum segment_kind { TABLES, PROFILE, JFIF, ADOBE, METADATA } segment_kind;

typedef enum colours { AS_THEY_ARE, YCC } colours;

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

/* What the segments in front of the scans say of the colours. */
typedef struct clues {
    int is_jfif, is_adobe;
    unsigned transform; /* Adobe's */
    unsigned count;     /* of components */
    uint8_t ids[3];     /* of components, where there are three */
} clues;

static int is_frame(unsigned marker) {
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static void note(clues *found, const segment *s, segment_kind kind) {
    if (kind == JFIF) found->is_jfif = 1;
    if (kind == ADOBE) {
        found->is_adobe = 1;
        found->transform = s->bytes[13];
    }
    if (!is_frame(s->marker) || s->size < 8) return;
    found->count = s->bytes[7];
    for (size_t i = 0; i < 3 && 8 + 3 * i < s->size; i++)
        found->ids[i] = s->bytes[8 + 3 * i];
}

/* As libjpeg concludes. */
static colours conclude(const clues *c) {
    if (c->count == 4) return c->is_adobe && c->transform != 0 ? YCC : AS_THEY_ARE;
    if (c->count != 3) return AS_THEY_ARE;
    if (c->is_jfif) return YCC;
    if (c->is_adobe) return c->transform != 0 ? YCC : AS_THEY_ARE;
    return memcmp(c->ids, "RGB", 3) == 0 ? AS_THEY_ARE : YCC;
}

int glimpse_identify_jpeg(glimpse_identifier *to, const uint8_t *data, size_t size) {
    size_t at = 0;
    clues found = {0};
    /* Programs order these blocks as they like: a pass for each kind. */
    for (segment_kind kind = TABLES; kind <= PROFILE; kind++) {
        segment s = {0};
        at = 2;
        glimpse_identify_number(to, kind);
        do {
            if (!next_segment(&s, &at, data, size) || s.marker == EOI) return 0;
            const segment_kind is = kind_of(&s);
            if (kind == TABLES) note(&found, &s, is);
            if (is != kind) continue;
            glimpse_identify_number(to, s.marker);
            glimpse_identify_bytes(to, s.bytes, s.size);
        } while (s.marker != SOS);
    }
    glimpse_identify_number(to, conclude(&found));
    const size_t length = scans_length(data + at, size - at);
    glimpse_identify_bytes(to, data + at, length);
    return length > 0;
}
