/*
 * image/holdings/jpeg_segments.h - the segments of a JPEG. Private to this directory.
 */
#ifndef GLIMPSE_IMAGE_HOLDINGS_JPEG_SEGMENTS_H
#define GLIMPSE_IMAGE_HOLDINGS_JPEG_SEGMENTS_H

#include "image/holdings/found.h"

typedef struct glimpse_jpeg_segment {
    unsigned marker;
    const uint8_t *bytes; /* behind the length */
    size_t size;
} glimpse_jpeg_segment;

/* The segment at *at, which moves behind it; 0 where there is none. */
int glimpse_jpeg_next(glimpse_jpeg_segment *s, size_t *at, const uint8_t *data, size_t size);
/* From behind SOS to the next marker that is none of the scan's. */
size_t glimpse_jpeg_skip_scan(const uint8_t *data, size_t size, size_t at);

#endif
