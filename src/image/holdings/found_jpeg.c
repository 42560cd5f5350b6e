/*
 * image/holdings/found_jpeg.c - of a JPEG: profile, comments, inks, and what is behind its end, but
 * for the previews that MPF names as such.
 */
#include "image/holdings/jpeg_segments.h"

#include <stdlib.h>

enum { EOI = 0xd9, SOS = 0xda, APP0 = 0xe0, COM = 0xfe, MAX_CHUNKS = 255, MAX_PREVIEWS = 16 };

typedef struct profile_chunks {
    const uint8_t *data[MAX_CHUNKS + 1];
    size_t size[MAX_CHUNKS + 1], total;
    unsigned count;
} profile_chunks;

static void add_chunk(profile_chunks *icc, const glimpse_jpeg_segment *s) {
    if (s->size < 14) return;
    const unsigned number = s->bytes[12];
    if (number == 0 || icc->data[number]) return;
    icc->data[number] = s->bytes + 14;
    icc->size[number] = s->size - 14;
    icc->total += s->size - 14;
    icc->count++;
}

static void add_profile(glimpse_found *to, const profile_chunks *icc) {
    if (icc->count == 0) return;
    uint8_t *whole = malloc(icc->total + 1);
    size_t used = 0;
    if (!whole) {
        to->nomem = 1;
        return;
    }
    for (unsigned i = 1; i <= MAX_CHUNKS; i++) {
        if (!icc->data[i]) continue;
        memcpy(whole + used, icc->data[i], icc->size[i]);
        used += icc->size[i];
    }
    glimpse_found_profile(to, whole, used);
    free(whole);
}

typedef struct extent {
    size_t at, size;
} extent;

/* Previews of a multi-picture file (CIPA DC-007): class 0x01 of its entries. `base` is where the
 * offsets count from. */
static size_t find_previews(extent previews[MAX_PREVIEWS], const uint8_t *mp, size_t size,
                            size_t base) {
    size_t found = 0;
    if (size < 8) return 0;
    const int big = mp[0] == 'M';
    const size_t directory = glimpse_get32(mp + 4, big);
    if (directory > size - 2) return 0;
    const size_t count = glimpse_get16(mp + directory, big);
    for (size_t i = 0; i < count && (size - directory - 2) / 12 > i; i++) {
        const uint8_t *entry = mp + directory + 2 + 12 * i;
        const size_t bytes = glimpse_get32(entry + 4, big), at = glimpse_get32(entry + 8, big);
        if (glimpse_get16(entry, big) != 0xb002 || at > size || bytes > size - at) continue;
        for (size_t k = 0; k + 16 <= bytes && found < MAX_PREVIEWS; k += 16) {
            const uint8_t *picture = mp + at + k;
            if ((glimpse_get32(picture, big) >> 16 & 0xff) != 0x01) continue;
            const size_t offset = glimpse_get32(picture + 8, big);
            if (offset == 0) continue; /* the first picture of the file */
            previews[found++] = (extent){base + offset, glimpse_get32(picture + 4, big)};
        }
    }
    return found;
}

/* Behind the picture, with the previews cut out. */
static void look_behind(glimpse_found *to, const uint8_t *data, size_t size, size_t end,
                        const extent *previews, size_t count) {
    while (end < size) {
        size_t next = size, behind = size;
        for (size_t i = 0; i < count; i++) {
            const extent *p = &previews[i];
            if (p->at < end || p->at >= next || p->size > size - p->at || p->size == 0) continue;
            next = p->at;
            behind = p->at + p->size;
        }
        glimpse_found_behind(to, data + end, next - end);
        end = behind;
    }
}

static int is_named(const glimpse_jpeg_segment *s, const char *name) {
    return glimpse_begins(s->bytes, s->size, name);
}

/* What Photoshop keeps beside the picture: paths, and whatever is not the state of its windows. */
void glimpse_found_resources(glimpse_found *to, const uint8_t *data, size_t size) {
    enum { COPYRIGHT_FLAG = 1034, URL = 1035, FIRST_PATH = 2000, LAST_PATH = 2998 };
    for (size_t at = 0; size >= at && size - at >= 12;) {
        const unsigned id = glimpse_get16(data + at + 4, 1);
        if (memcmp(data + at, "8BIM", 4) != 0) return;
        at += 6;
        at += ((size_t)data[at] + 2) & ~(size_t)1;
        if (size < at || size - at < 4) return;
        const size_t length = glimpse_get32(data + at, 1);
        at += 4;
        if (length > size - at) return;
        if (id == COPYRIGHT_FLAG && length > 0 && data[at])
            glimpse_found_add_text(to, GLIMPSE_HOLDING_COPYRIGHT, "copyrighted");
        if (id == URL && length > 0)
            glimpse_found_add(to, GLIMPSE_HOLDING_COPYRIGHT, data + at, length);
        if (id >= FIRST_PATH && id <= LAST_PATH)
            glimpse_found_add(to, GLIMPSE_HOLDING_ATTACHMENT, data + at, length);
        at += length + (length & 1);
    }
}

/* Segments of applications: those of pictures and of metadata are known, any other holds something.
 */
static void look_at_application(glimpse_found *to, const glimpse_jpeg_segment *s) {
    static const char photoshop[] = "Photoshop 3.0";
    static const struct {
        unsigned marker;
        const char *name;
    } known[] = {{0, "JFIF"},
                 {0, "JFXX"},
                 {1, "Exif"},
                 {1, "http://ns.adobe.com/xap/1.0/"},
                 {1, "http://ns.adobe.com/xmp/extension/"},
                 {2, "ICC_PROFILE"},
                 {2, "MPF"},
                 {2, "urn:iso:std:iso:ts:21496:-1"},
                 {12, "Ducky"},
                 {13, "Adobe_CM"},
                 {14, "Adobe"}};
    const unsigned number = s->marker - APP0;
    if (number == 13 && is_named(s, photoshop) && s->size > sizeof photoshop) {
        glimpse_found_resources(to, s->bytes + sizeof photoshop, s->size - sizeof photoshop);
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].marker == number && is_named(s, known[i].name)) return;
    }
    if (s->size == 0) return;
    glimpse_found_add(
        to, number == 2 && is_named(s, "FPXR") ? GLIMPSE_HOLDING_AUDIO : GLIMPSE_HOLDING_ATTACHMENT,
        s->bytes, s->size);
}

void glimpse_found_in_jpeg(glimpse_found *to, const uint8_t *data, size_t size) {
    profile_chunks *icc = calloc(1, sizeof *icc);
    extent previews[MAX_PREVIEWS];
    size_t preview_count = 0, at = 2;
    glimpse_jpeg_segment s;
    if (!icc) {
        to->nomem = 1;
        return;
    }
    while (glimpse_jpeg_next(&s, &at, data, size) && s.marker != EOI) {
        if (s.marker == SOS) at = glimpse_jpeg_skip_scan(data, size, at);
        if (s.marker >= APP0 && s.marker <= APP0 + 15) look_at_application(to, &s);
        if (s.marker == COM) glimpse_found_comment(to, s.bytes, s.size);
        if (s.marker == APP0 + 2 && s.size >= 12 && memcmp(s.bytes, "ICC_PROFILE", 12) == 0)
            add_chunk(icc, &s);
        if (s.marker == APP0 + 2 && s.size >= 4 && memcmp(s.bytes, "MPF", 4) == 0)
            preview_count =
                find_previews(previews, s.bytes + 4, s.size - 4, (size_t)(s.bytes + 4 - data));
        const int is_frame = s.marker >= 0xc0 && s.marker <= 0xcf && s.marker != 0xc4 &&
                             s.marker != 0xc8 && s.marker != 0xcc;
        if (is_frame && s.size >= 6 && s.bytes[5] == 4)
            glimpse_found_add(to, GLIMPSE_HOLDING_PROFILE, "CMYK", 4);
    }
    add_profile(to, icc);
    free(icc);
    const size_t end = glimpse_jpeg_length(data, size);
    if (end > 0) look_behind(to, data, size, end, previews, preview_count);
}
