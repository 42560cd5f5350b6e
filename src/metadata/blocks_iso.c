/*
 * metadata/blocks_iso.c - the items of HEIF and AVIF files, the boxes of JPEG XL and of Canon's
 * CR3.
 *
 * HEIF: "iinf" names the items, "iloc" says where their bytes are, in the file or in "idat". Boxes
 * and items are only looked at, never entered deeper than these files do.
 */
#include "metadata/blocks.h"
#include "metadata/bytes.h"
#include "metadata/iso_boxes.h"

#include <string.h>

static int find_box(glimpse_iso_box *out, const uint8_t *data, size_t size, const char *name) {
    for (size_t at = 0; glimpse_iso_next_cut(out, &at, data, size);)
        if (glimpse_iso_is(out, name)) return 1;
    return 0;
}

typedef struct item_file {
    glimpse_blocks *blocks;
    const uint8_t *data;
    size_t size;
    glimpse_iso_box idat;
} item_file;

/* The bytes of an item, in one piece. 0 when there are none. */
static int item_bytes(glimpse_block *out, const item_file *f, const glimpse_iso_box *iloc,
                      uint64_t wanted) {
    glimpse_iso_cursor n = glimpse_iso_over(iloc);
    const unsigned version = (unsigned)glimpse_iso_read(&n, 1);
    (void)glimpse_iso_read(&n, 3);
    const unsigned sizes = (unsigned)glimpse_iso_read(&n, 2);
    const unsigned offset_size = sizes >> 12, length_size = sizes >> 8 & 15,
                   base_size = sizes >> 4 & 15, index_size = version > 0 ? sizes & 15 : 0;
    const uint64_t count = glimpse_iso_read(&n, version < 2 ? 2 : 4);
    for (uint64_t i = 0; i < count && !n.failed; i++) {
        const uint64_t id = glimpse_iso_read(&n, version < 2 ? 2 : 4);
        const unsigned method = version > 0 ? (unsigned)glimpse_iso_read(&n, 2) & 15 : 0;
        (void)glimpse_iso_read(&n, 2); /* another file: not followed */
        const uint64_t base = glimpse_iso_read(&n, base_size), extents = glimpse_iso_read(&n, 2);
        const uint8_t *source = method == 1 ? f->idat.body : f->data;
        const size_t source_size = method == 1 ? f->idat.size : f->size;
        uint8_t *joined = NULL;
        size_t used = 0;
        for (uint64_t k = 0; k < extents && !n.failed; k++) {
            (void)glimpse_iso_read(&n, index_size);
            const uint64_t at = base + glimpse_iso_read(&n, offset_size);
            uint64_t length = glimpse_iso_read(&n, length_size);
            if (id != wanted || method > 1 || n.failed) continue;
            if (!source || at > source_size) return 0; /* idat may not be there */
            if (length == 0) length = source_size - at;
            if (length > source_size - at || length > GLIMPSE_MAX_BLOCK - used) return 0;
            if (extents == 1) {
                *out = (glimpse_block){source + at, (size_t)length, GLIMPSE_TIFF_WHOLE};
                return 1;
            }
            if (!joined) joined = glimpse_blocks_alloc(f->blocks, GLIMPSE_MAX_BLOCK);
            if (!joined) return 0;
            memcpy(joined + used, source + at, (size_t)length);
            used += (size_t)length;
        }
        if (joined) {
            *out = (glimpse_block){joined, used, GLIMPSE_TIFF_WHOLE};
            return 1;
        }
    }
    return 0;
}

/* EXIF behind four bytes that say how many to skip. */
static void add_skipped(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    if (size < 4) return;
    const size_t skip = glimpse_get32(data, 1);
    if (skip > size - 4) return;
    glimpse_blocks_add_exif(blocks, data + 4 + skip, size - 4 - skip, GLIMPSE_TIFF_WHOLE);
}

static void on_item(item_file *f, const glimpse_iso_box *infe, const glimpse_iso_box *iloc) {
    static const char mime[] = "application/rdf+xml";
    if (infe->size < 12 || infe->body[0] < 2) return;
    const unsigned id_size = infe->body[0] == 2 ? 2 : 4;
    glimpse_iso_cursor n = {infe->body + 4, infe->body + infe->size, 0};
    const uint64_t id = glimpse_iso_read(&n, id_size);
    (void)glimpse_iso_read(&n, 2); /* protection */
    if (n.failed || n.end - n.at < 5) return;
    const char *type = (const char *)n.at;
    glimpse_block bytes;
    if (memcmp(type, "Exif", 4) == 0) {
        if (f->blocks->exif.count == 0 && item_bytes(&bytes, f, iloc, id))
            add_skipped(f->blocks, bytes.data, bytes.size);
    } else if (memcmp(type, "mime", 4) == 0) {
        const uint8_t *content = memchr(n.at + 4, '\0', (size_t)(n.end - n.at) - 4); /* the name */
        if (!content || (size_t)(n.end - content) < sizeof mime) return;
        if (memcmp(content + 1, mime, sizeof mime - 1) == 0 && item_bytes(&bytes, f, iloc, id))
            glimpse_blocks_add(&f->blocks->xmp, bytes.data, bytes.size);
    }
}

static void on_meta(glimpse_blocks *blocks, const glimpse_iso_box *meta, const uint8_t *data,
                    size_t size) {
    item_file f = {blocks, data, size, {"", NULL, 0}};
    glimpse_iso_box iinf, iloc, infe;
    if (meta->size < 4) return;
    const uint8_t *inside = meta->body + 4;
    const size_t inside_size = meta->size - 4;
    if (!find_box(&f.idat, inside, inside_size, "idat")) f.idat = (glimpse_iso_box){.body = NULL};
    if (!find_box(&iinf, inside, inside_size, "iinf") || iinf.size < 6 ||
        !find_box(&iloc, inside, inside_size, "iloc"))
        return;
    const size_t head = iinf.body[0] == 0 ? 6 : 8;
    for (size_t at = head; glimpse_iso_next_cut(&infe, &at, iinf.body, iinf.size);)
        if (glimpse_iso_is(&infe, "infe")) on_item(&f, &infe, &iloc);
}

/* "moov" of CR3: a box of Canon's with IFD0, EXIF and GPS each as a TIFF structure. */
static void on_movie(glimpse_blocks *blocks, const glimpse_iso_box *moov) {
    static const uint8_t canon[16] = {0x85, 0xc0, 0xb6, 0x87, 0x82, 0x0f, 0x11, 0xe0,
                                      0x81, 0x11, 0xf4, 0xce, 0x46, 0x2b, 0x6a, 0x48};
    static const struct {
        const char *type;
        glimpse_tiff_kind kind;
    } parts[] = {
        {"CMT1", GLIMPSE_TIFF_WHOLE}, {"CMT2", GLIMPSE_TIFF_EXIF}, {"CMT4", GLIMPSE_TIFF_GPS}};
    glimpse_iso_box own, part;
    for (size_t at = 0; glimpse_iso_next_cut(&own, &at, moov->body, moov->size);) {
        if (!glimpse_iso_is(&own, "uuid") || own.size < 16 || memcmp(own.body, canon, 16) != 0)
            continue;
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            if (find_box(&part, own.body + 16, own.size - 16, parts[i].type))
                glimpse_blocks_add_exif(blocks, part.body, part.size, parts[i].kind);
        }
        return;
    }
}

void glimpse_blocks_iso(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    static const uint8_t xmp[16] = {0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8,
                                    0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac};
    glimpse_iso_box b;
    for (size_t at = 0; glimpse_iso_next_cut(&b, &at, data, size);) {
        if (glimpse_iso_is(&b, "meta"))
            on_meta(blocks, &b, data, size);
        else if (glimpse_iso_is(&b, "moov"))
            on_movie(blocks, &b);
        else if (glimpse_iso_is(&b, "Exif"))
            add_skipped(blocks, b.body, b.size);
        else if (glimpse_iso_is(&b, "xml "))
            glimpse_blocks_add(&blocks->xmp, b.body, b.size);
        else if (glimpse_iso_is(&b, "uuid") && b.size > 16 && memcmp(b.body, xmp, 16) == 0)
            glimpse_blocks_add(&blocks->xmp, b.body + 16, b.size - 16);
    }
}
