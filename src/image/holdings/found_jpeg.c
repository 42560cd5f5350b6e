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
