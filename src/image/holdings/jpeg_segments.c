/*
 * image/holdings/jpeg_segments.c - from marker to marker.
 */
#include "image/holdings/jpeg_segments.h"

enum { TEM = 0x01, RST0 = 0xd0, SOI = 0xd8, EOI = 0xd9, SOS = 0xda };

int glimpse_jpeg_next(glimpse_jpeg_segment *s, size_t *at, const uint8_t *data, size_t size) {
    if (*at >= size || data[*at] != 0xff) return 0;
    while (*at < size && data[*at] == 0xff)
        ++*at;
    if (*at >= size) return 0;
    *s = (glimpse_jpeg_segment){.marker = data[(*at)++]};
    if (s->marker == 0 || s->marker == SOI) return 0;
    if (s->marker == TEM || s->marker == EOI || (s->marker >= RST0 && s->marker < SOI)) return 1;
    if (size - *at < 2) return 0;
    const size_t length = glimpse_get16(data + *at, 1);
    if (length < 2 || length > size - *at) return 0;
    s->bytes = data + *at + 2;
    s->size = length - 2;
    *at += length;
    return 1;
}

size_t glimpse_jpeg_skip_scan(const uint8_t *data, size_t size, size_t at) {
    while (at < size) {
        const uint8_t *mark = memchr(data + at, 0xff, size - at);
        if (!mark) return size;
        at = (size_t)(mark - data);
        if (at + 1 >= size) return size;
        const unsigned next = data[at + 1];
        if (next != 0 && (next < RST0 || next >= SOI)) return at;
        at += 2;
    }
    return size;
}

size_t glimpse_jpeg_length(const uint8_t *data, size_t size) {
    glimpse_jpeg_segment s;
    size_t at = 2;
    if (size < 4 || data[0] != 0xff || data[1] != SOI || data[2] != 0xff) return 0;
    while (glimpse_jpeg_next(&s, &at, data, size)) {
        if (s.marker == EOI) return at;
        if (s.marker == SOS) at = glimpse_jpeg_skip_scan(data, size, at);
    }
    return 0;
}
