/*
 * image/decode/identity_tiff.c - of a TIFF: for every page its strips or tiles and its tags, but
 * those of metadata. Offsets are followed and not added: programs write the directories anew.
 */
#include "image/decode/identity.h"

#include "image/tiff_fields.h"

enum { MAX_PAGES = 4096 };

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

static int is_integer(const glimpse_tiff_field *f) {
    return f->type == 3 || f->type == 4 || f->type == 16;
}

static int identify_strips(glimpse_identifier *to, const glimpse_tiff *t,
                           const glimpse_tiff_field *offsets, const glimpse_tiff_field *lengths) {
    if (offsets->count == 0 && lengths->count == 0) return 1;
    if (offsets->count != lengths->count || !is_integer(offsets) || !is_integer(lengths)) return 0;
    glimpse_identify_number(to, offsets->count);
    for (uint64_t i = 0; i < offsets->count && !to->failed; i++) {
        const uint64_t at = glimpse_tiff_value(t, offsets, i),
                       length = glimpse_tiff_value(t, lengths, i);
        if (at > t->size || length > t->size - at) return 0;
        glimpse_identify_bytes(to, t->data + at, (size_t)length);
    }
    return 1;
}

static int identify_page(glimpse_identifier *to, const glimpse_tiff *t, const uint8_t *entries,
                         uint64_t count) {
    enum { OLD_JPEG = 6 };
    glimpse_tiff_field places[4] = {{0}}; /* offsets and lengths of strips, of tiles */
    for (uint64_t i = 0; i < count; i++) {
        glimpse_tiff_field f;
        if (!glimpse_tiff_read_field(&f, t, entries + i * (t->wide ? 20 : 12))) return 0;
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
            if (f.count == 0 || glimpse_tiff_value(t, &f, 0) == OLD_JPEG) return 0;
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
    const glimpse_tiff t = glimpse_tiff_over(data, size);
    const unsigned word = t.wide ? 8 : 4, count_bytes = t.wide ? 8 : 2;
    const unsigned entry_bytes = t.wide ? 20 : 12;
    uint64_t at = glimpse_tiff_number(&t, data + (t.wide ? 8 : 4), word);
    glimpse_identify_bytes(to, data, 4);
    for (unsigned page = 0; at != 0; page++) {
        if (page == MAX_PAGES || at > size || size - at < count_bytes) return 0;
        const uint64_t count = glimpse_tiff_number(&t, data + at, count_bytes);
        at += count_bytes;
        if (count > (size - at) / entry_bytes || size - at - count * entry_bytes < word) return 0;
        glimpse_identify_number(to, page);
        if (!identify_page(to, &t, data + at, count) || to->failed) return 0;
        at = glimpse_tiff_number(&t, data + at + count * entry_bytes, word);
    }
    return 1;
}
