/*
 * metadata/exif.c - the directories of a TIFF structure: an EXIF block, or a TIFF file itself.
 *
 * Read in place, without memory of its own: IFD0, and the EXIF and GPS directories that it points
 * to. Thumbnails and makers' notes are not looked at. An entry that reaches outside the block is
 * left out; those behind it still count.
 */
#include "metadata/bytes.h"
#include "metadata/fields.h"

#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

typedef struct block {
    const uint8_t *data;
    size_t size;
    int big;
} block;

typedef struct directory {
    const uint8_t *entries;
    size_t count;
} directory;

typedef struct value {
    unsigned type;
    uint32_t count;
    const uint8_t *data;
    size_t size;
} value;

enum { BYTE = 1, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL };

static directory directory_at(const block *b, uint64_t offset) {
    directory none = {NULL, 0};
    if (offset < 8 || offset > b->size || b->size - offset < 2) return none;
    size_t count = glimpse_get16(b->data + offset, b->big);
    const size_t fit = (b->size - (size_t)offset - 2) / 12;
    if (count > fit) count = fit;
    return (directory){b->data + offset + 2, count};
}

static int find(value *out, const block *b, const directory *d, unsigned tag) {
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};
    for (size_t i = 0; i < d->count; i++) {
        const uint8_t *entry = d->entries + 12 * i;
        if (glimpse_get16(entry, b->big) != tag) continue;
        unsigned type = glimpse_get16(entry + 2, b->big);
        if (type == 129) type = ASCII; /* UTF-8, of EXIF 3 */
        if (type == 0 || type >= sizeof sizes) continue;
        const uint32_t count = glimpse_get32(entry + 4, b->big);
        const uint64_t size = (uint64_t)count * sizes[type];
        const uint8_t *data = entry + 8;
        if (size > 4) {
            const uint32_t offset = glimpse_get32(entry + 8, b->big);
            if (offset > b->size || size > b->size - offset) continue;
            data = b->data + offset;
        }
        *out = (value){type, count, data, (size_t)size};
        return count > 0;
    }
    return 0;
}

static int number_at(double *out, const block *b, const value *v, uint32_t i) {
    if (i >= v->count) return 0;
    const uint8_t *p = v->data;
    switch (v->type) {
    case BYTE: *out = p[i]; return 1;
    case SHORT: *out = glimpse_get16(p + 2 * (size_t)i, b->big); return 1;
    case SSHORT: *out = (int16_t)glimpse_get16(p + 2 * (size_t)i, b->big); return 1;
    case LONG:
    case 13: *out = glimpse_get32(p + 4 * (size_t)i, b->big); return 1;
    case SLONG: *out = (int32_t)glimpse_get32(p + 4 * (size_t)i, b->big); return 1;
    case RATIONAL:
    case SRATIONAL: {
        const uint32_t over = glimpse_get32(p + 8 * (size_t)i, b->big);
        const uint32_t under = glimpse_get32(p + 8 * (size_t)i + 4, b->big);
        if (under == 0) return 0;
        *out = v->type == RATIONAL ? (double)over / under : (double)(int32_t)over / (int32_t)under;
        return 1;
    }
    default: return 0;
    }
}

static int number(double *out, const block *b, const directory *d, unsigned tag) {
    value v;
    return find(&v, b, d, tag) && number_at(out, b, &v, 0);
}

static int text(value *out, const block *b, const directory *d, unsigned tag) {
    return find(out, b, d, tag) &&
           (out->type == ASCII || out->type == BYTE || out->type == UNDEFINED);
}

static void set_text(glimpse_fields *fields, glimpse_text_field field, const block *b,
                     const directory *d, unsigned tag) {
    value v;
    if (text(&v, b, d, tag)) glimpse_fields_set(fields, field, (const char *)v.data, v.size);
}

/* UTF-16LE, as Windows writes its tags, to UTF-8; NULL when absent. */
static char *wide_text(glimpse_fields *fields, const block *b, const directory *d, unsigned tag) {
    value v;
    if (!find(&v, b, d, tag) || (v.type != BYTE && v.type != UNDEFINED)) return NULL;
    if (v.size > 1 << 16) return NULL;
    char *out = malloc(v.size * 2 + 1);
    if (!out) {
        fields->nomem = 1;
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i + 1 < v.size; i += 2) {
        uint32_t c = glimpse_get16(v.data + i, 0);
        if (c == 0) break;
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < v.size) {
            const uint32_t low = glimpse_get16(v.data + i + 2, 0);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        used += glimpse_utf8_encode(out + used, c);
    }
    out[used] = '\0';
    return out;
}

static void split_list(glimpse_fields *fields, glimpse_list_field field, const char *list,
                       size_t length) {
    const char *end = length > 0 ? memchr(list, '\0', length) : NULL;
    if (end) length = (size_t)(end - list);
    for (size_t at = 0; at <= length;) {
        const char *next = at < length ? memchr(list + at, ';', length - at) : NULL;
        const size_t part = next ? (size_t)(next - list) - at : length - at;
        glimpse_fields_add(fields, field, list + at, part);
        at += part + 1;
    }
}

static void read_wide(glimpse_fields *fields, const block *b, const directory *d) {
    char *title = wide_text(fields, b, d, 0x9c9b), *comment = wide_text(fields, b, d, 0x9c9c),
         *author = wide_text(fields, b, d, 0x9c9d), *keywords = wide_text(fields, b, d, 0x9c9e);
    if (title) glimpse_fields_set(fields, GLIMPSE_TEXT_TITLE, title, strlen(title));
    if (comment) glimpse_fields_set(fields, GLIMPSE_TEXT_DESCRIPTION, comment, strlen(comment));
    if (author && fields->lists[GLIMPSE_LIST_CREATORS].count == 0)
        split_list(fields, GLIMPSE_LIST_CREATORS, author, strlen(author));
    if (keywords) split_list(fields, GLIMPSE_LIST_KEYWORDS, keywords, strlen(keywords));
    free(title);
    free(comment);
    free(author);
    free(keywords);
}

/* A date with the tags of its zone and its sub-seconds, which stand in the EXIF directory. */
static void read_date(glimpse_fields *fields, glimpse_date_kind kind, const block *b,
                      const directory *where, const directory *exif, unsigned tag) {
    static const struct {
        unsigned offset, subseconds;
    } beside[GLIMPSE_DATE_KINDS] = {
        [GLIMPSE_DATE_ORIGINAL] = {0x9011, 0x9291},
        [GLIMPSE_DATE_DIGITIZED] = {0x9012, 0x9292},
        [GLIMPSE_DATE_MODIFIED] = {0x9010, 0x9290},
    };
    value v;
    glimpse_moment *date = &fields->dates[kind];
    if (date->text[0] || !text(&v, b, where, tag)) return;
    glimpse_fields_date(fields, kind, (const char *)v.data, v.size, 0);
    if (!date->text[0]) return;
    if (!date->has_offset && text(&v, b, exif, beside[kind].offset)) {
        date->has_offset =
            glimpse_moment_offset(&date->offset_minutes, (const char *)v.data, v.size);
    }
    if (!date->subseconds[0] && text(&v, b, exif, beside[kind].subseconds)) {
        glimpse_moment_subseconds(date->subseconds, (const char *)v.data, v.size);
    }
}

static void read_page(glimpse_fields *fields, const block *b, const directory *d) {
    value v;
    double n = 0;
    set_text(fields, GLIMPSE_TEXT_MAKE, b, d, 0x010f);
    set_text(fields, GLIMPSE_TEXT_MODEL, b, d, 0x0110);
    read_wide(fields, b, d);
    set_text(fields, GLIMPSE_TEXT_DESCRIPTION, b, d, 0x010e);
    set_text(fields, GLIMPSE_TEXT_COPYRIGHT, b, d, 0x8298);
    if (text(&v, b, d, 0x013b) && fields->lists[GLIMPSE_LIST_CREATORS].count == 0)
        split_list(fields, GLIMPSE_LIST_CREATORS, (const char *)v.data, v.size);
    if (!fields->orientation && number(&n, b, d, 0x0112) && n >= 1 && n <= 8)
        fields->orientation = (int)n;
    if (!fields->has_rating && number(&n, b, d, 0x4746) && n >= -1 && n <= 5) {
        fields->has_rating = 1;
        fields->rating = n;
    }
}

static void read_exposure(glimpse_fields *fields, const block *b, const directory *d) {
    double n = 0;
    if (number(&n, b, d, 0x829a) && n > 0) fields->exposure = n;
    if (number(&n, b, d, 0x829d) && n > 0) fields->aperture = n;
    if (number(&n, b, d, 0x920a) && n > 0) fields->focal_length = n;
    /* 65535 in a SHORT says "more"; the sensitivity itself is then in another tag. */
    if (number(&n, b, d, 0x8827) && n >= 1 && n <= 1e9) fields->iso = (uint32_t)n;
    if ((fields->iso == 0 || fields->iso == 65535) && number(&n, b, d, 0x8832) && n >= 1 &&
        n <= 1e9)
        fields->iso = (uint32_t)n;
    if (number(&n, b, d, 0x9209) && n >= 0 && n <= 0xffff) {
        fields->has_flash = 1;
        fields->flash = (int)n;
    }
    set_text(fields, GLIMPSE_TEXT_LENS, b, d, 0xa434);
}

static int degrees(double *out, const block *b, const directory *d, unsigned tag, unsigned ref,
                   const char *positive, const char *negative) {
    value v, r;
    if (!find(&v, b, d, tag) || !text(&r, b, d, ref)) return 0;
    if (v.type != RATIONAL && v.type != SRATIONAL) return 0;
    const char sign = (char)r.data[0];
    if (sign == '\0' || (!strchr(positive, sign) && !strchr(negative, sign))) return 0;
    double part[3] = {0, 0, 0};
    for (uint32_t i = 0; i < v.count && i < 3; i++) {
        if (number_at(&part[i], b, &v, i)) continue;
        /* 0/0 is a common way to write "no seconds". */
        if (i == 0 || glimpse_get32(v.data + 8 * (size_t)i, b->big) != 0) return 0;
    }
    *out = part[0] + part[1] / 60 + part[2] / 3600;
    if (strchr(negative, sign)) *out = -*out;
    return 1;
}

static void read_place(glimpse_fields *fields, const block *b, const directory *d) {
    double latitude = 0, longitude = 0, altitude = 0, below = 0;
    value v;
    if (degrees(&latitude, b, d, 2, 1, "Nn", "Ss") && degrees(&longitude, b, d, 4, 3, "Ee", "Ww"))
        glimpse_fields_place(fields, latitude, longitude);
    if (fields->has_altitude || !number(&altitude, b, d, 6)) return;
    if (find(&v, b, d, 5)) {
        /* A byte by the specification; text in some files. */
        below = v.type == ASCII ? v.data[0] == '1' || v.data[0] == 1 : (double)(v.data[0] == 1);
    }
    fields->has_altitude = 1;
    fields->altitude = below > 0 ? -altitude : altitude;
}

/* The directory that a tag gives the place of, which may be given as any kind of number. */
static directory directory_of(const block *b, const directory *d, unsigned tag) {
    double at = 0;
    const int given = number(&at, b, d, tag) && at >= 0 && at < (double)b->size;
    return given ? directory_at(b, (uint64_t)at) : (directory){NULL, 0};
}

void glimpse_exif_parse(glimpse_fields *fields, const uint8_t *data, size_t size,
                        glimpse_tiff_kind kind) {
    block b = {data, size, 0};
    if (size < 8) return;
    if (memcmp(data, "MM", 2) == 0)
        b.big = 1;
    else if (memcmp(data, "II", 2) != 0)
        return;
    const unsigned magic = glimpse_get16(data + 2, b.big);
    /* TIFF, Panasonic's and Olympus's raw files */
    if (magic != 42 && magic != 0x55 && magic != 0x4f52 && magic != 0x5352) return;
    const directory first = directory_at(&b, glimpse_get32(data + 4, b.big));
    directory page = {NULL, 0}, exif = page, gps = page;
    if (kind == GLIMPSE_TIFF_EXIF) {
        exif = first;
    } else if (kind == GLIMPSE_TIFF_GPS) {
        gps = first;
    } else {
        page = first;
        exif = directory_of(&b, &page, 0x8769);
        gps = directory_of(&b, &page, 0x8825);
    }
    read_page(fields, &b, &page);
    read_exposure(fields, &b, &exif);
    read_place(fields, &b, &gps);
    read_date(fields, GLIMPSE_DATE_ORIGINAL, &b, &exif, &exif, 0x9003);
    read_date(fields, GLIMPSE_DATE_ORIGINAL, &b, &page, &exif, 0x9003);
    read_date(fields, GLIMPSE_DATE_DIGITIZED, &b, &exif, &exif, 0x9004);
    read_date(fields, GLIMPSE_DATE_DIGITIZED, &b, &page, &exif, 0x9004);
    read_date(fields, GLIMPSE_DATE_MODIFIED, &b, &page, &exif, 0x0132);
    read_date(fields, GLIMPSE_DATE_MODIFIED, &b, &exif, &exif, 0x0132);
}
