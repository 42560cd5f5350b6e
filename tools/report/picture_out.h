/*
 * picture_out.h - small versions of pictures.
 */
#ifndef GLIMPSE_TOOLS_PICTURE_OUT_H
#define GLIMPSE_TOOLS_PICTURE_OUT_H

#include <stddef.h>
#include <stdint.h>

typedef struct thumbnail {
    uint8_t *rgb; /* height x width x 3 */
    uint32_t width, height;
} thumbnail;

/* The picture at `path`, no larger than `max_width` x `max_height`, never enlarged. Returns 0,
 * or -1 with the library's message set. */
int thumbnail_make(thumbnail *out, const char *path, uint32_t max_width, uint32_t max_height);

/* A part of a picture, in fractions of its upright sides, and how to turn what is cut out. */
typedef struct picture_part {
    double x, y, width, height;
    int orientation; /* EXIF, 1..8 */
} picture_part;
/* The same of a part; what lies outside the picture is left out. */
int thumbnail_make_part(thumbnail *out, const char *path, const picture_part *part,
                        uint32_t max_width, uint32_t max_height);
void thumbnail_free(thumbnail *t);

/* A malloc'ed JPEG of it, NULL when out of memory. */
uint8_t *thumbnail_jpeg(const thumbnail *t, int quality, size_t *size);

#endif
