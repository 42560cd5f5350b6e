/*
 * image/decode/identity_iso.c - of an ISO media file with pictures (HEIC, AVIF): the items that are
 * no metadata, with their data, their properties, their relations, and which is the first. Places
 * of data are followed and not added. Files with films (moov) are not taken apart.
 */
#include "image/decode/identity.h"

#include <stdlib.h>

enum { MAX_ITEMS = 2048 };

typedef struct box {
    uint8_t name[4];
    const uint8_t *body;
    size_t size; /* of the body */
} box;

/* The box at *at, which moves behind it. */
static int next_box(box *b, size_t *at, const uint8_t *data, size_t size) {
    if (size - *at < 8) return 0;
    const uint8_t *p = data + *at;
    uint64_t length = glimpse_u32be(p);
    size_t head = 8;
    memcpy(b->name, p + 4, 4);
    if (length == 1) {
        if (size - *at < 16) return 0;
        length = (uint64_t)glimpse_u32be(p + 8) << 32 | glimpse_u32be(p + 12);
        head = 16;
    } else if (length == 0) {
        length = size - *at;
    }
    if (length < head || length > size - *at) return 0;
    b->body = p + head;
    b->size = (size_t)length - head;
    *at += (size_t)length;
    return 1;
}

static int is(const box *b, const char *name) {
    return memcmp(b->name, name, 4) == 0;
}

/* What is read from left to right; past the end everything is 0 and `failed`. */
typedef struct cursor {
    const uint8_t *at, *end;
    int failed;
} cursor;

static uint64_t read_number(cursor *c, unsigned bytes) {
    uint64_t value = 0;
    if ((size_t)(c->end - c->at) < bytes) {
        c->failed = 1;
        c->at = c->end;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | *c->at++;
    return value;
}

static cursor over(const box *b) {
    return (cursor){b->body, b->body + b->size, 0};
}

typedef struct item {
    uint64_t id;
    uint8_t type[4];
} item;

typedef struct iso {
    const uint8_t *data;
    size_t size;
    box info, places, idat; /* iinf, iloc, idat; a body of NULL: there is none */
    item items[MAX_ITEMS];
    size_t item_count;
} iso;

static int read_items(iso *f) {
    cursor c = over(&f->info);
    const unsigned version = (unsigned)(read_number(&c, 4) >> 24);
    const uint64_t count = read_number(&c, version == 0 ? 2 : 4);
    size_t at = 0;
    const size_t left = (size_t)(c.end - c.at);
    if (c.failed || count > MAX_ITEMS) return 0;
    for (uint64_t i = 0; i < count; i++) {
        box b;
        if (!next_box(&b, &at, c.at, left) || !is(&b, "infe")) return 0;
        cursor e = over(&b);
        const unsigned entry = (unsigned)(read_number(&e, 4) >> 24);
        if (entry < 2 || entry > 3) return 0;
        item *to = &f->items[f->item_count++];
        to->id = read_number(&e, entry == 2 ? 2 : 4);
        if (read_number(&e, 2) != 0) return 0; /* protected */
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
static int identify_item(glimpse_identifier *to, iso *f, cursor *c, unsigned version,
                         unsigned sizes) {
    const unsigned offset_bytes = sizes >> 12 & 15, length_bytes = sizes >> 8 & 15;
    const unsigned base_bytes = sizes >> 4 & 15, index_bytes = version ? sizes & 15 : 0;
    const uint64_t id = read_number(c, version < 2 ? 2 : 4);
    const unsigned method = version ? (unsigned)read_number(c, 2) & 15 : 0;
    const uint64_t elsewhere = read_number(c, 2);
    const uint64_t base = read_number(c, base_bytes), extents = read_number(c, 2);
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
        (void)read_number(c, index_bytes);
        const uint64_t offset = read_number(c, offset_bytes), length = read_number(c, length_bytes);
        if (c->failed || offset > size || base > size - offset || length == 0 ||
            length > size - offset - base) {
            return 0;
        }
        const uint8_t *data = from + base + offset;
        if (!left_out) glimpse_identify_bytes(to, data, (size_t)length);
    }
    return 1;
}

static int identify_items(glimpse_identifier *to, iso *f) {
    cursor c = over(&f->places);
    const unsigned version = (unsigned)(read_number(&c, 4) >> 24);
    const unsigned sizes = (unsigned)read_number(&c, 2);
    const uint64_t count = read_number(&c, version < 2 ? 2 : 4);
    if (c.failed || version > 2 || count > MAX_ITEMS) return 0;
    for (uint64_t i = 0; i < count && !to->failed; i++) {
        if (!identify_item(to, f, &c, version, sizes)) return 0;
    }
    return 1;
}

/* Which items belong together, but for what metadata describes. The box comes and goes with these:
 * one that has nothing else counts as none. */
static int identify_relations(glimpse_identifier *to, const box *references) {
    int is_begun = 0;
    if (references->size < 4) return 0;
    for (size_t at = 4; at < references->size;) {
        const size_t begin = at;
        box b;
        if (!next_box(&b, &at, references->body, references->size)) return 0;
        if (is(&b, "cdsc")) continue;
        if (!is_begun) glimpse_identify_bytes(to, references->body, 4);
        is_begun = 1;
        glimpse_identify_bytes(to, references->body + begin, at - begin);
    }
    return 1;
}

static int identify_meta(glimpse_identifier *to, iso *f, const box *meta) {
    if (meta->size < 4) return 0;
    for (size_t at = 4; at < meta->size;) {
        box b;
        if (!next_box(&b, &at, meta->body, meta->size)) return 0;
        if (is(&b, "iinf")) f->info = b;
        if (is(&b, "iloc")) f->places = b;
        if (is(&b, "idat")) f->idat = b;
        if (is(&b, "iref") && !identify_relations(to, &b)) return 0;
        if (is(&b, "iinf") || is(&b, "iloc") || is(&b, "idat") || is(&b, "iref")) continue;
        if (is(&b, "free")) continue;
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
        box b;
        if (!next_box(&b, &at, f->data, f->size)) return 0;
        if (is(&b, "moov") || (is(&b, "meta") && found)) return 0;
        if (is(&b, "ftyp")) glimpse_identify_bytes(to, b.body, b.size);
        if (is(&b, "meta")) {
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
