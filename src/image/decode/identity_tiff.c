/*
 * image/decode/identity_tiff.c - of a TIFF: for every page its strips or tiles and its tags, but
 * those of metadata. Offsets are followed and not added: programs write the directories anew.
 */
#include "image/decode/identity.h"

enum { MAX_PAGES = 4096 };

typedef struct tiff {
    const uint8_t *data;
    size_t size;
    int big, wide; /* numbers begin with the high byte; BigTIFF */
} tiff;

/* An entry's values, wherever they are. */
typedef struct field {
    unsigned tag, type, width; /* bytes of one value */
    uint64_t count;
    const uint8_t *values; /* [count * width] */
} field;

static uint64_t number(const tiff *t, const uint8_t *p, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[t->big ? i : bytes - 1 - i];
    return value;
}

static int read_field(field *f, const tiff *t, const uint8_t *entry) {
    static const uint8_t widths[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    const unsigned word = t->wide ? 8 : 4;
    f->tag = (unsigned)number(t, entry, 2);
    f->type = (unsigned)number(t, entry + 2, 2);
    f->count = number(t, entry + 4, word);
    f->width = f->type < sizeof widths ? widths[f->type] : 0;
    f->values = entry + 4 + word;
    if (f->width == 0 || f->count > t->size) return 0;
    if (f->count * f->width <= word) return 1;
    const uint64_t at = number(t, f->values, word);
    if (at > t->size || f->count * f->width > t->size - at) return 0;
    f->values = t->data + at;
    return 1;
}

static uint64_t value(const tiff *t, const field *f, uint64_t i) {
    return number(t, f->values + i * f->width, f->width);
}

/* Texts, dates, places, resolution, and blocks that other programs keep. */
static int is_metadata(unsigned tag) {
    static const uint16_t tags[] = {269,   270,   271,   272,   282,   283,   285,   286,   287,
                                    288,   289,   296,   297,   305,   306,   315,   316,   700,
                                    18246, 18249, 33432, 33723, 34377, 34665, 34853, 37510, 40091,
                                    40092, 40093, 40094, 40095, 59932, 59933};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (tags[i] == tag) return 1;
    }
    return 0;
}

static int is_integer(const field *f) {
    return f->type == 3 || f->type == 4 || f->type == 16;
}

static int identify_strips(glimpse_identifier *to, const tiff *t, const field *offsets,
                           const field *lengths) {
    if (offsets->count == 0 && lengths->count == 0) return 1;
    if (offsets->count != lengths->count || !is_integer(offsets) || !is_integer(lengths)) return 0;
    glimpse_identify_number(to, offsets->count);
    for (uint64_t i = 0; i < offsets->count && !to->failed; i++) {
        const uint64_t at = value(t, offsets, i), length = value(t, lengths, i);
        if (at > t->size || length > t->size - at) return 0;
        glimpse_identify_bytes(to, t->data + at, (size_t)length);
    }
    return 1;
}

static int identify_page(glimpse_identifier *to, const tiff *t, const uint8_t *entries,
                         uint64_t count) {
    enum { OLD_JPEG = 6 };
    field places[4] = {{0}}; /* offsets and lengths of strips, of tiles */
    for (uint64_t i = 0; i < count; i++) {
        field f;
        if (!read_field(&f, t, entries + i * (t->wide ? 20 : 12))) return 0;
        switch (f.tag) {
        case 273: places[0] = f; continue;
        case 279: places[1] = f; continue;
        case 324: places[2] = f; continue;
        case 325: places[3] = f; continue;
        case 330: /* pages inside the page: that there are, not where */
            glimpse_identify_number(to, f.tag);
            glimpse_identify_number(to, f.count);
            continue;
        case 259: /* it keeps its tables at places that tags give */
            if (f.count == 0 || value(t, &f, 0) == OLD_JPEG) return 0;
            break;
        default: break;
        }
        if (is_metadata(f.tag)) continue;
        glimpse_identify_number(to, f.tag);
        glimpse_identify_number(to, f.type);
        glimpse_identify_bytes(to, f.values, (size_t)(f.count * f.width));
    }
    return identify_strips(to, t, &places[0], &places[1]) &&
           identify_strips(to, t, &places[2], &places[3]);
}

int glimpse_identify_tiff(glimpse_identifier *to, const uint8_t *data, size_t size) {
    if (size < 16) return 0;
    tiff t = {.data = data, .size = size, .big = data[0] == 'M'};
    t.wide = number(&t, data + 2, 2) == 43;
    const unsigned word = t.wide ? 8 : 4, count_bytes = t.wide ? 8 : 2;
    const unsigned entry_bytes = t.wide ? 20 : 12;
    uint64_t at = number(&t, data + (t.wide ? 8 : 4), word);
    glimpse_identify_bytes(to, data, 4);
    for (unsigned page = 0; at != 0; page++) {
        if (page == MAX_PAGES || at > size || size - at < count_bytes) return 0;
        const uint64_t count = number(&t, data + at, count_bytes);
        at += count_bytes;
        if (count > (size - at) / entry_bytes || size - at - count * entry_bytes < word) return 0;
        glimpse_identify_number(to, page);
        if (!identify_page(to, &t, data + at, count) || to->failed) return 0;
        at = number(&t, data + at + count * entry_bytes, word);
    }
    return 1;
}
