/*
 * metadata/blocks_iso.c - the items of HEIF and AVIF files, the boxes of JPEG XL and of Canon's
 * CR3.
 *
 * HEIF: "iinf" names the items, "iloc" says where their bytes are, in the file or in "idat". Boxes
 * and items are only looked at, never entered deeper than these files do.
 */
#include "metadata/blocks.h"
#include "metadata/bytes.h"

#include <string.h>

typedef struct box {
    char type[5];
    const uint8_t *data; /* its inside */
    size_t size;
} box;

/* The box at `*at`, which moves behind it. 0 at the end, and where it is damaged. */
static int next_box(box *out, const uint8_t *data, size_t size, size_t *at) {
    if (*at > size || size - *at < 8) return 0;
    const uint8_t *p = data + *at;
    uint64_t length = glimpse_get32(p, 1);
    size_t head = 8;
    memcpy(out->type, p + 4, 4);
    out->type[4] = '\0';
    if (length == 1) {
        if (size - *at < 16) return 0;
        length = glimpse_get64be(p + 8);
        head = 16;
    } else if (length == 0) {
        length = size - *at;
    }
    if (length < head) return 0;
    if (length > size - *at) length = size - *at; /* cut: what is there */
    out->data = p + head;
    out->size = (size_t)length - head;
    *at += (size_t)length;
    return 1;
}

static int find_box(box *out, const uint8_t *data, size_t size, const char *type) {
    for (size_t at = 0; next_box(out, data, size, &at);)
        if (strcmp(out->type, type) == 0) return 1;
    return 0;
}

/* Big-endian numbers of 0, 4 or 8 bytes, and others, as iloc has them. */
typedef struct numbers {
    const uint8_t *at, *end;
    int failed;
} numbers;

static uint64_t read_number(numbers *n, size_t bytes) {
    uint64_t value = 0;
    if ((size_t)(n->end - n->at) < bytes) {
        n->failed = 1;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | *n->at++;
    return value;
}

typedef struct item_file {
    glimpse_blocks *blocks;
    const uint8_t *data;
    size_t size;
    box idat;
} item_file;

/* The bytes of an item, in one piece. 0 when there are none. */
static int item_bytes(glimpse_block *out, const item_file *f, const box *iloc, uint64_t wanted) {
    numbers n = {iloc->data, iloc->data + iloc->size, 0};
    const unsigned version = (unsigned)read_number(&n, 1);
    (void)read_number(&n, 3);
    const unsigned sizes = (unsigned)read_number(&n, 2);
    const size_t offset_size = sizes >> 12, length_size = sizes >> 8 & 15,
                 base_size = sizes >> 4 & 15, index_size = version > 0 ? sizes & 15 : 0;
    const uint64_t count = read_number(&n, version < 2 ? 2 : 4);
    for (uint64_t i = 0; i < count && !n.failed; i++) {
        const uint64_t id = read_number(&n, version < 2 ? 2 : 4);
        const unsigned method = version > 0 ? (unsigned)read_number(&n, 2) & 15 : 0;
        (void)read_number(&n, 2); /* another file: not followed */
        const uint64_t base = read_number(&n, base_size), extents = read_number(&n, 2);
        const uint8_t *source = method == 1 ? f->idat.data : f->data;
        const size_t source_size = method == 1 ? f->idat.size : f->size;
        uint8_t *joined = NULL;
        size_t used = 0;
        for (uint64_t k = 0; k < extents && !n.failed; k++) {
            (void)read_number(&n, index_size);
            const uint64_t at = base + read_number(&n, offset_size);
            uint64_t length = read_number(&n, length_size);
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

static void on_item(item_file *f, const box *infe, const box *iloc) {
    static const char mime[] = "application/rdf+xml";
    if (infe->size < 12 || infe->data[0] < 2) return;
    const size_t id_size = infe->data[0] == 2 ? 2 : 4;
    numbers n = {infe->data + 4, infe->data + infe->size, 0};
    const uint64_t id = read_number(&n, id_size);
    (void)read_number(&n, 2); /* protection */
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

static void on_meta(glimpse_blocks *blocks, const box *meta, const uint8_t *data, size_t size) {
    item_file f = {blocks, data, size, {"", NULL, 0}};
    box iinf, iloc, infe;
    if (meta->size < 4) return;
    const uint8_t *inside = meta->data + 4;
    const size_t inside_size = meta->size - 4;
    if (!find_box(&f.idat, inside, inside_size, "idat")) f.idat = (box){"", NULL, 0};
    if (!find_box(&iinf, inside, inside_size, "iinf") || iinf.size < 6 ||
        !find_box(&iloc, inside, inside_size, "iloc"))
        return;
    const size_t head = iinf.data[0] == 0 ? 6 : 8;
    for (size_t at = head; next_box(&infe, iinf.data, iinf.size, &at);)
        if (strcmp(infe.type, "infe") == 0) on_item(&f, &infe, &iloc);
}

/* "moov" of CR3: a box of Canon's with IFD0, EXIF and GPS each as a TIFF structure. */
static void on_movie(glimpse_blocks *blocks, const box *moov) {
    static const uint8_t canon[16] = {0x85, 0xc0, 0xb6, 0x87, 0x82, 0x0f, 0x11, 0xe0,
                                      0x81, 0x11, 0xf4, 0xce, 0x46, 0x2b, 0x6a, 0x48};
    static const struct {
        const char *type;
        glimpse_tiff_kind kind;
    } parts[] = {
        {"CMT1", GLIMPSE_TIFF_WHOLE}, {"CMT2", GLIMPSE_TIFF_EXIF}, {"CMT4", GLIMPSE_TIFF_GPS}};
    box own, part;
    for (size_t at = 0; next_box(&own, moov->data, moov->size, &at);) {
        if (strcmp(own.type, "uuid") != 0 || own.size < 16 || memcmp(own.data, canon, 16) != 0)
            continue;
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            if (find_box(&part, own.data + 16, own.size - 16, parts[i].type))
                glimpse_blocks_add_exif(blocks, part.data, part.size, parts[i].kind);
        }
        return;
    }
}

void glimpse_blocks_iso(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    static const uint8_t xmp[16] = {0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8,
                                    0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac};
    box b;
    for (size_t at = 0; next_box(&b, data, size, &at);) {
        if (strcmp(b.type, "meta") == 0)
            on_meta(blocks, &b, data, size);
        else if (strcmp(b.type, "moov") == 0)
            on_movie(blocks, &b);
        else if (strcmp(b.type, "Exif") == 0)
            add_skipped(blocks, b.data, b.size);
        else if (strcmp(b.type, "xml ") == 0)
            glimpse_blocks_add(&blocks->xmp, b.data, b.size);
        else if (strcmp(b.type, "uuid") == 0 && b.size > 16 && memcmp(b.data, xmp, 16) == 0)
            glimpse_blocks_add(&blocks->xmp, b.data + 16, b.size - 16);
    }
}
