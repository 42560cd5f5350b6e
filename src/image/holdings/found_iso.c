/*
 * image/holdings/found_iso.c - of HEIC and AVIF the other pictures, what belongs to the first one
 * (opacities, distances, gain maps, profile, depth), the frames of a sequence, and films behind it.
 */
#include "image/holdings/found.h"

#include "core/hash.h"

#include <stdlib.h>

enum {
    MAX_ITEMS = 2048,
    MAX_LINKS = 8192,
    MAX_PROPERTIES = 1024,
    MAX_BOXES = 65536,
    MAX_EXTENTS = 65536,
    MAX_NAME = 256
};

/* Frames of the first track that has pictures; 0: none. */
static uint32_t frame_count(const glimpse_iso_box *moov) {
    glimpse_iso_box track, media, handler, info, table, sizes;
    size_t at = 0;
    while (glimpse_iso_next(&track, &at, moov->body, moov->size)) {
        if (!glimpse_iso_is(&track, "trak") ||
            !glimpse_iso_find(&media, "mdia", track.body, track.size))
            continue;
        if (!glimpse_iso_find(&handler, "hdlr", media.body, media.size) || handler.size < 12)
            continue;
        if (memcmp(handler.body + 8, "pict", 4) != 0 && memcmp(handler.body + 8, "vide", 4) != 0)
            continue;
        if (glimpse_iso_find(&info, "minf", media.body, media.size) &&
            glimpse_iso_find(&table, "stbl", info.body, info.size) &&
            glimpse_iso_find(&sizes, "stsz", table.body, table.size) && sizes.size >= 12)
            return glimpse_get32(sizes.body + 8, 1);
    }
    return 0;
}

/*
 * Pictures.
 */
typedef struct item {
    uint32_t id;
    uint8_t type[4];
    int hidden;
    int is_thumbnail, is_part, is_auxiliary; /* of another one */
    const char *auxiliary;                   /* [auxiliary_length] what it is; NULL: not told */
    size_t auxiliary_length;
    uint64_t identity;
} item;

typedef struct link {
    uint32_t from, to; /* a picture and one of its parts */
} link;

typedef struct iso {
    const uint8_t *data;
    size_t size;
    glimpse_iso_box idat;
    uint32_t primary;
    item items[MAX_ITEMS];
    size_t item_count;
    link links[MAX_LINKS];
    size_t link_count;
    glimpse_iso_box properties[MAX_PROPERTIES];
    size_t property_count;
    uint64_t budget; /* bytes that may still be hashed: extents can overlap */
} iso;

static item *item_of(iso *f, uint32_t id) {
    for (size_t i = 0; i < f->item_count; i++) {
        if (f->items[i].id == id) return &f->items[i];
    }
    return NULL;
}

static void read_items(iso *f, const glimpse_iso_box *info) {
    glimpse_iso_cursor c = glimpse_iso_over(info);
    const unsigned version = (unsigned)(glimpse_iso_read(&c, 4) >> 24);
    (void)glimpse_iso_read(&c, version == 0 ? 2 : 4);
    const uint8_t *first = c.at;
    const size_t left = (size_t)(c.end - c.at);
    glimpse_iso_box box;
    size_t at = 0;
    while (f->item_count < MAX_ITEMS && glimpse_iso_next(&box, &at, first, left)) {
        glimpse_iso_cursor e = glimpse_iso_over(&box);
        const uint64_t head = glimpse_iso_read(&e, 4);
        const unsigned entry = (unsigned)(head >> 24);
        if (!glimpse_iso_is(&box, "infe") || entry < 2) continue;
        item *to = &f->items[f->item_count];
        *to = (item){.id = (uint32_t)glimpse_iso_read(&e, entry == 2 ? 2 : 4), .hidden = head & 1};
        (void)glimpse_iso_read(&e, 2);
        if (e.failed || e.end - e.at < 4) continue;
        memcpy(to->type, e.at, 4);
        f->item_count++;
    }
}

static void read_references(iso *f, const glimpse_iso_box *references) {
    glimpse_iso_box box;
    size_t at = 4;
    if (references->size < 4) return;
    const unsigned bytes = references->body[0] == 0 ? 2 : 4;
    while (f->link_count < MAX_LINKS &&
           glimpse_iso_next(&box, &at, references->body, references->size)) {
        glimpse_iso_cursor c = glimpse_iso_over(&box);
        const uint32_t from = (uint32_t)glimpse_iso_read(&c, bytes);
        const uint64_t count = glimpse_iso_read(&c, 2);
        item *source = item_of(f, from);
        if (source && glimpse_iso_is(&box, "thmb")) source->is_thumbnail = 1;
        if (source && glimpse_iso_is(&box, "auxl")) source->is_auxiliary = 1;
        if (!glimpse_iso_is(&box, "dimg")) continue;
        for (uint64_t i = 0; i < count && !c.failed && f->link_count < MAX_LINKS; i++) {
            const uint32_t to = (uint32_t)glimpse_iso_read(&c, bytes);
            item *target = item_of(f, to);
            if (c.failed || !target) continue;
            target->is_part = 1;
            f->links[f->link_count++] = (link){from, to};
        }
    }
}

/* Adds what is stored of an item to its identity. */
static void read_places(iso *f, const glimpse_iso_box *places) {
    glimpse_iso_cursor c = glimpse_iso_over(places);
    const unsigned version = (unsigned)(glimpse_iso_read(&c, 4) >> 24);
    const unsigned sizes = (unsigned)glimpse_iso_read(&c, 2);
    const uint64_t count = glimpse_iso_read(&c, version < 2 ? 2 : 4);
    size_t all = 0;
    for (uint64_t i = 0; i < count && i < MAX_ITEMS && !c.failed; i++) {
        item *of = item_of(f, (uint32_t)glimpse_iso_read(&c, version < 2 ? 2 : 4));
        const unsigned method = version ? (unsigned)glimpse_iso_read(&c, 2) & 15 : 0;
        (void)glimpse_iso_read(&c, 2);
        const uint64_t base = glimpse_iso_read(&c, sizes >> 4 & 15),
                       extents = glimpse_iso_read(&c, 2);
        const uint8_t *from = method == 1 ? f->idat.body : f->data;
        const size_t size = method == 1 ? f->idat.size : f->size;
        for (uint64_t k = 0; k < extents && !c.failed && all++ < MAX_EXTENTS; k++) {
            (void)glimpse_iso_read(&c, version ? sizes & 15 : 0);
            const uint64_t offset = glimpse_iso_read(&c, sizes >> 12 & 15);
            const uint64_t length = glimpse_iso_read(&c, sizes >> 8 & 15);
            if (c.failed || !of || !from || method > 1 || offset > size || base > size - offset ||
                length > size - offset - base || length > f->budget)
                continue;
            f->budget -= length;
            const glimpse_hash hash = glimpse_hash_bytes(from + base + offset, (size_t)length);
            uint64_t more = 0;
            memcpy(&more, hash.bytes, sizeof more);
            of->identity = of->identity * 31 + more;
        }
    }
}

static void use_property(glimpse_found *to, iso *f, item *of, const glimpse_iso_box *p) {
    if (glimpse_iso_is(p, "auxC") && p->size > 4) {
        of->auxiliary = (const char *)p->body + 4;
        of->auxiliary_length =
            strnlen(of->auxiliary, p->size - 4 < MAX_NAME ? p->size - 4 : MAX_NAME);
    }
    if (of->id != f->primary) return;
    if (glimpse_iso_is(p, "colr") && p->size >= 4 &&
        (memcmp(p->body, "prof", 4) == 0 || memcmp(p->body, "rICC", 4) == 0))
        glimpse_found_profile(to, p->body + 4, p->size - 4);
    if (!glimpse_iso_is(p, "colr") || p->size < 10 || memcmp(p->body, "nclx", 4) != 0) return;
    const unsigned primaries = glimpse_get16(p->body + 4, 1);
    const unsigned transfer = glimpse_get16(p->body + 6, 1);
    const int usual_primaries = primaries <= 2 || (primaries >= 5 && primaries <= 7);
    const int usual_transfer = transfer <= 2 || transfer == 4 || transfer == 6 || transfer == 13;
    if (!usual_primaries || !usual_transfer)
        glimpse_found_add(to, GLIMPSE_HOLDING_PROFILE, p->body + 4, 4);
}

static void read_associations(glimpse_found *to, iso *f, const glimpse_iso_box *box) {
    glimpse_iso_cursor c = glimpse_iso_over(box);
    const uint64_t head = glimpse_iso_read(&c, 4);
    const uint64_t count = glimpse_iso_read(&c, 4);
    for (uint64_t i = 0; i < count && i < MAX_ITEMS && !c.failed; i++) {
        item *of = item_of(f, (uint32_t)glimpse_iso_read(&c, head >> 24 == 0 ? 2 : 4));
        const uint64_t properties = glimpse_iso_read(&c, 1);
        for (uint64_t k = 0; k < properties && !c.failed; k++) {
            const uint64_t entry = glimpse_iso_read(&c, head & 1 ? 2 : 1);
            const uint64_t index = entry & (head & 1 ? 0x7fff : 0x7f);
            if (!c.failed && of && index > 0 && index <= f->property_count)
                use_property(to, f, of, &f->properties[index - 1]);
        }
    }
}

static int is_deep(const glimpse_iso_box *p) {
    if (glimpse_iso_is(p, "pixi")) return p->size >= 6 && p->body[5] > 8;
    if (glimpse_iso_is(p, "hvcC")) return p->size >= 18 && (p->body[17] & 7) > 0;
    return glimpse_iso_is(p, "av1C") && p->size >= 3 && (p->body[2] & 0x40) != 0;
}

static void read_properties(glimpse_found *to, iso *f, const glimpse_iso_box *iprp) {
    glimpse_iso_box list, box;
    size_t at = 0;
    if (glimpse_iso_find(&list, "ipco", iprp->body, iprp->size)) {
        while (f->property_count < MAX_PROPERTIES &&
               glimpse_iso_next(&box, &at, list.body, list.size)) {
            f->properties[f->property_count++] = box;
            if (is_deep(&box)) to->may_be_deep = 1;
        }
    }
    at = 0;
    while (glimpse_iso_next(&box, &at, iprp->body, iprp->size)) {
        if (glimpse_iso_is(&box, "ipma")) read_associations(to, f, &box);
    }
}

static int mentions(const item *i, const char *word) {
    const size_t length = strlen(word);
    for (size_t at = 0; at + length <= i->auxiliary_length; at++) {
        if (memcmp(i->auxiliary + at, word, length) == 0) return 1;
    }
    return 0;
}

static int is_picture(const item *i) {
    static const char types[] = "hvc1av01gridiovlidenavc1jpegj2k1vvc1unci";
    for (const char *t = types; *t; t += 4) {
        if (memcmp(i->type, t, 4) == 0) return 1;
    }
    return 0;
}

static void add_item(glimpse_found *to, glimpse_holding_kind kind, const item *i) {
    glimpse_found_add(to, kind, &i->identity, sizeof i->identity);
}

static void judge(glimpse_found *to, iso *f) {
    for (size_t k = 0; k < f->link_count; k++) {
        item *of = item_of(f, f->links[k].from);
        const item *part = item_of(f, f->links[k].to);
        if (of && part) of->identity = of->identity * 31 + part->identity;
    }
    for (size_t k = 0; k < f->item_count; k++) {
        const item *i = &f->items[k];
        if (memcmp(i->type, "tmap", 4) == 0) {
            add_item(to, GLIMPSE_HOLDING_GAIN_MAP, i);
        } else if (i->is_auxiliary && (mentions(i, "alpha") || mentions(i, "auxid:1"))) {
            to->may_be_transparent = 1;
        } else if (i->is_auxiliary && mentions(i, "gainmap")) {
            add_item(to, GLIMPSE_HOLDING_GAIN_MAP, i);
        } else if (i->is_auxiliary && (mentions(i, "depth") || mentions(i, "disparity") ||
                                       mentions(i, "matte") || mentions(i, "auxid:2"))) {
            add_item(to, GLIMPSE_HOLDING_DEPTH_MAP, i);
        } else if (i->is_auxiliary) {
            add_item(to, GLIMPSE_HOLDING_ATTACHMENT, i);
        } else if (is_picture(i) && i->id != f->primary && !i->is_thumbnail && !i->is_part &&
                   !i->hidden) {
            add_item(to, GLIMPSE_HOLDING_PAGES, i);
            glimpse_found_order(to, GLIMPSE_HOLDING_PAGES, &i->identity, sizeof i->identity);
            glimpse_found_count(to, GLIMPSE_HOLDING_PAGES, 1);
        }
    }
}

static void look_at_meta(glimpse_found *to, iso *f, const glimpse_iso_box *meta) {
    glimpse_iso_box box, properties = {{0}, NULL, 0};
    if (meta->size < 4) return;
    const uint8_t *body = meta->body + 4;
    const size_t size = meta->size - 4;
    if (glimpse_iso_find(&box, "pitm", body, size) && box.size >= 6) {
        f->primary = box.body[0] == 0 ? glimpse_get16(box.body + 4, 1)
                     : box.size >= 8  ? glimpse_get32(box.body + 4, 1)
                                      : 0;
    }
    if (!glimpse_iso_find(&f->idat, "idat", body, size)) f->idat.body = NULL;
    if (glimpse_iso_find(&box, "iinf", body, size)) read_items(f, &box);
    if (glimpse_iso_find(&box, "iref", body, size)) read_references(f, &box);
    if (glimpse_iso_find(&box, "iloc", body, size)) read_places(f, &box);
    if (glimpse_iso_find(&properties, "iprp", body, size)) read_properties(to, f, &properties);
    judge(to, f);
}

static void add_sequence(glimpse_found *to, const glimpse_iso_box *moov, const uint8_t *data,
                         size_t size) {
    const uint32_t frames = frame_count(moov);
    glimpse_iso_box box;
    if (frames < 2) return;
    for (size_t at = 0; glimpse_iso_next(&box, &at, data, size);) {
        if (glimpse_iso_is(&box, "mdat"))
            glimpse_found_add(to, GLIMPSE_HOLDING_FRAMES, box.body, box.size);
    }
    glimpse_found_count(to, GLIMPSE_HOLDING_FRAMES, frames - 1);
}

/* Boxes of the file that are no part of its pictures. */
static int is_known_box(const glimpse_iso_box *box) {
    static const char known[] = "ftypstypmetamoovmdatfreeskipwidempvdpdinidatmoofmfrasidx";
    static const uint8_t xmp[16] = {0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8,
                                    0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac};
    if (glimpse_iso_is(box, "uuid")) return box->size < 16 || memcmp(box->body, xmp, 16) == 0;
    for (const char *k = known; *k; k += 4) {
        if (glimpse_iso_is(box, k)) return 1;
    }
    return 0;
}

void glimpse_found_in_iso(glimpse_found *to, const uint8_t *data, size_t size) {
    iso *f = calloc(1, sizeof *f);
    glimpse_iso_box box;
    size_t at = 0, boxes = 0, begin = 0;
    int seen = 0;
    if (!f) {
        to->nomem = 1;
        return;
    }
    f->data = data;
    f->size = size;
    f->budget = 2 * (uint64_t)size;
    while (boxes++ < MAX_BOXES && glimpse_iso_next(&box, &at, data, size)) {
        if (glimpse_iso_is(&box, "ftyp") && begin > 0) { /* a film behind the picture */
            glimpse_found_film(to, data + begin, size - begin);
            at = size;
            break;
        }
        if (glimpse_iso_is(&box, "meta") && !seen) {
            look_at_meta(to, f, &box);
            seen = 1;
        }
        if (glimpse_iso_is(&box, "moov")) add_sequence(to, &box, data, size);
        if (glimpse_iso_is(&box, "mpvd")) glimpse_found_film(to, box.body, box.size);
        if (seen && !is_known_box(&box) && box.size > 0)
            glimpse_found_add(to, GLIMPSE_HOLDING_ATTACHMENT, box.body, box.size);
        begin = at;
    }
    if (at < size && seen) glimpse_found_behind(to, data + at, size - at);
    free(f);
}
