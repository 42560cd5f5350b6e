/*
 * image/tiff_fields.c - the numbers and fields of a TIFF.
 */
#include "image/tiff_fields.h"

glimpse_tiff glimpse_tiff_over(const uint8_t *data, size_t size) {
    glimpse_tiff t = {.data = data, .size = size, .big = data[0] == 'M'};
    t.wide = glimpse_tiff_number(&t, data + 2, 2) == 43;
    return t;
}

uint64_t glimpse_tiff_number(const glimpse_tiff *t, const uint8_t *p, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[t->big ? i : bytes - 1 - i];
    return value;
}

int glimpse_tiff_read_field(glimpse_tiff_field *f, const glimpse_tiff *t, const uint8_t *entry) {
    static const uint8_t widths[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    const unsigned word = t->wide ? 8 : 4;
    f->tag = (unsigned)glimpse_tiff_number(t, entry, 2);
    f->type = (unsigned)glimpse_tiff_number(t, entry + 2, 2);
    f->count = glimpse_tiff_number(t, entry + 4, word);
    f->width = f->type < sizeof widths ? widths[f->type] : 0;
    f->values = entry + 4 + word;
    if (f->width == 0 || f->count > t->size) return 0;
    if (f->count * f->width <= word) return 1;
    const uint64_t at = glimpse_tiff_number(t, f->values, word);
    if (at > t->size || f->count * f->width > t->size - at) return 0;
    f->values = t->data + at;
    return 1;
}

uint64_t glimpse_tiff_value(const glimpse_tiff *t, const glimpse_tiff_field *f, uint64_t i) {
    return glimpse_tiff_number(t, f->values + i * f->width, f->width);
}
