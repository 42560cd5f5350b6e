/*
 * image/tiff_fields.h - the numbers and fields of a TIFF, for those who go through its directories
 * without decoding. Every count and place is checked against the size of the file.
 */
#ifndef GLIMPSE_IMAGE_TIFF_FIELDS_H
#define GLIMPSE_IMAGE_TIFF_FIELDS_H

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_tiff {
    const uint8_t *data;
    size_t size;
    int big, wide; /* numbers begin with the high byte; BigTIFF */
} glimpse_tiff;

/* A field's values, wherever they are. */
typedef struct glimpse_tiff_field {
    unsigned tag, type, width; /* bytes of one value */
    uint64_t count;
    const uint8_t *values; /* [count * width] */
} glimpse_tiff_field;

/* Of at least 16 bytes, which begin like a TIFF. */
glimpse_tiff glimpse_tiff_over(const uint8_t *data, size_t size);
/* `bytes` (at most 8) at `p`. */
uint64_t glimpse_tiff_number(const glimpse_tiff *t, const uint8_t *p, unsigned bytes);
/* 0: of an unknown type, or its values are not in the file. */
int glimpse_tiff_read_field(glimpse_tiff_field *f, const glimpse_tiff *t, const uint8_t *entry);
uint64_t glimpse_tiff_value(const glimpse_tiff *t, const glimpse_tiff_field *f, uint64_t i);

#endif
