/*
 * image/decode/identity_iso.c - of an ISO media file with pictures (HEIC, AVIF): the items that are
 * no metadata, with their data, their properties, their relations, and which is the first. Places
 * of data are followed and not added. Files with films (moov) are not taken apart.
 */
#include "image/decode/identity.h"

#include "metadata/iso_boxes.h"

#include <stdlib.h>

enum { MAX_ITEMS = 2048 };

typedef struct item {
    uint64_t id;
    uint8_t type[4];
} item;

typedef struct iso {
    const uint8_t *data;
    size_t size;
    glimpse_iso_box info, places, idat; /* iinf, iloc, idat; a body of NULL: there is none */
    item items[MAX_ITEMS];
    size_t item_count;
} iso;

static int read_items(iso *f) {
    glimpse_iso_cursor c = glimpse_iso_over(&f->info);
    const unsigned version = (unsigned)(glimpse_iso_read(&c, 4) >> 24);
    const uint64_t count = glimpse_iso_read(&c, version == 0 ? 2 : 4);
    size_t at = 0;
    const size_t left = (size_t)(c.end - c.at);
    if (c.failed || count > MAX_ITEMS) return 0;
    for (uint64_t i = 0; i < count; i++) {
        glimpse_iso_box b;
        if (!glimpse_iso_next(&b, &at, c.at, left) || !glimpse_iso_is(&b, "infe")) return 0;
        glimpse_iso_cursor e = glimpse_iso_over(&b);
        const unsigned entry = (unsigned)(glimpse_iso_read(&e, 4) >> 24);
        if (entry < 2 || entry > 3) return 0;
        item *to = &f->items[f->item_count++];
        to->id = glimpse_iso_read(&e, entry == 2 ? 2 : 4);
        if (glimpse_iso_read(&e, 2) != 0) return 0; /* protected */
        if (e.failed || e.end - e.at < 4) return 0;
        memcpy(to->type, e.at, 4);
    }
    return 1;
}

static const item *item_of(const iso *f, uint64_t id) {
    for (size_t i = 0; i < f->item_count; i++) {
        if (f->items[i].id == id) return &f->items[i];
    }
    return NULL;
}

/* EXIF, and XMP. */
static int is_metadata(const item *i) {
    return memcmp(i->type, "Exif", 4) == 0 || memcmp(i->type, "mime", 4) == 0;
}

/* One entry of iloc. */
static int identify_item(glimpse_identifier *to, iso *f, glimpse_iso_cursor *c, unsigned version,
                         unsigned sizes) {
    const unsigned offset_bytes = sizes >> 12 & 15, length_bytes = sizes >> 8 & 15;
    const unsigned base_bytes = sizes >> 4 & 15, index_bytes = version ? sizes & 15 : 0;
    const uint64_t id = glimpse_iso_read(c, version < 2 ? 2 : 4);
    const unsigned method = version ? (unsigned)glimpse_iso_read(c, 2) & 15 : 0;
    const uint64_t elsewhere = glimpse_iso_read(c, 2);
    const uint64_t base = glimpse_iso_read(c, base_bytes), extents = glimpse_iso_read(c, 2);
    const item *of = item_of(f, id);
    if (c->failed || !of || elsewhere != 0 || method > 1) return 0;
    const int left_out = is_metadata(of);
    const uint8_t *from = method == 1 ? f->idat.body : f->data;
    const size_t size = method == 1 ? f->idat.size : f->size;
    if (!from) return 0;
    if (!left_out) {
        glimpse_identify_number(to, id);
        glimpse_identify_number(to, extents);
    }
    for (uint64_t i = 0; i < extents; i++) {
        (void)glimpse_iso_read(c, index_bytes);
        const uint64_t offset = glimpse_iso_read(c, offset_bytes),
                       length = glimpse_iso_read(c, length_bytes);
        /* exiftool takes EXIF away by making its length 0. */
        if (c->failed || offset > size || base > size - offset || (length == 0 && !left_out) ||
            length > size - offset - base) {
            return 0;
        }
        const uint8_t *data = from + base + offset;
        if (!left_out) glimpse_identify_bytes(to, data, (size_t)length);
    }
    return 1;
}

static int identify_items(glimpse_identifier *to, iso *f) {
    glimpse_iso_cursor c = glimpse_iso_over(&f->places);
    const unsigned version = (unsigned)(glimpse_iso_read(&c, 4) >> 24);
    const unsigned sizes = (unsigned)glimpse_iso_read(&c, 2);
    const uint64_t count = glimpse_iso_read(&c, version < 2 ? 2 : 4);
    if (c.failed || version > 2 || count > MAX_ITEMS) return 0;
    for (uint64_t i = 0; i < count && !to->failed; i++) {
        if (!identify_item(to, f, &c, version, sizes)) return 0;
    }
    return 1;
}

/* Which items belong together, but for what metadata describes. The box comes and goes with these:
 * one that has nothing else counts as none. */
static int identify_relations(glimpse_identifier *to, const glimpse_iso_box *references) {
    int is_begun = 0;
    if (references->size < 4) return 0;
    for (size_t at = 4; at < references->size;) {
        const size_t begin = at;
        glimpse_iso_box b;
        if (!glimpse_iso_next(&b, &at, references->body, references->size)) return 0;
        if (glimpse_iso_is(&b, "cdsc")) continue;
        if (!is_begun) glimpse_identify_bytes(to, references->body, 4);
        is_begun = 1;
        glimpse_identify_bytes(to, references->body + begin, at - begin);
    }
    return 1;
}

static int identify_meta(glimpse_identifier *to, iso *f, const glimpse_iso_box *meta) {
    if (meta->size < 4) return 0;
    for (size_t at = 4; at < meta->size;) {
        glimpse_iso_box b;
        if (!glimpse_iso_next(&b, &at, meta->body, meta->size)) return 0;
        if (glimpse_iso_is(&b, "iinf")) f->info = b;
        if (glimpse_iso_is(&b, "iloc")) f->places = b;
        if (glimpse_iso_is(&b, "idat")) f->idat = b;
        if (glimpse_iso_is(&b, "iref") && !identify_relations(to, &b)) return 0;
        if (glimpse_iso_is(&b, "iinf") || glimpse_iso_is(&b, "iloc") ||
            glimpse_iso_is(&b, "idat") || glimpse_iso_is(&b, "iref"))
            continue;
        if (glimpse_iso_is(&b, "free")) continue;
        glimpse_identify_bytes(to, b.name, 4);
        glimpse_identify_bytes(to, b.body, b.size);
    }
    if (!f->info.body || !f->places.body || !read_items(f)) return 0;
    for (size_t i = 0; i < f->item_count; i++) {
        if (is_metadata(&f->items[i])) continue;
        glimpse_identify_number(to, f->items[i].id);
        glimpse_identify_bytes(to, f->items[i].type, 4);
    }
    return identify_items(to, f);
}

static int identify(glimpse_identifier *to, iso *f) {
    int found = 0;
    for (size_t at = 0; at < f->size;) {
        glimpse_iso_box b;
        if (!glimpse_iso_next(&b, &at, f->data, f->size)) return 0;
        if (glimpse_iso_is(&b, "moov") || (glimpse_iso_is(&b, "meta") && found)) return 0;
        if (glimpse_iso_is(&b, "ftyp")) glimpse_identify_bytes(to, b.body, b.size);
        if (glimpse_iso_is(&b, "meta")) {
            if (!identify_meta(to, f, &b)) return 0;
            found = 1;
        }
    }
    return found;
}

int glimpse_identify_iso(glimpse_identifier *to, const uint8_t *data, size_t size) {
    iso *f = calloc(1, sizeof *f);
    if (!f) return 0;
    f->data = data;
    f->size = size;
    const int whole = identify(to, f);
    free(f);
    return whole;
}
