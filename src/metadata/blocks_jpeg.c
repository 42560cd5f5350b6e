/*
 * metadata/blocks_jpeg.c - the APP segments in front of a JPEG's picture.
 *
 * Extended XMP (more than one segment holds) says in each piece where it belongs; image resources
 * that are split over segments simply go on.
 */
#include "metadata/blocks.h"
#include "metadata/bytes.h"

#include <string.h>

static const char xmp_name[] = "http://ns.adobe.com/xap/1.0/";
static const char extension_name[] = "http://ns.adobe.com/xmp/extension/";
static const char resources_name[] = "Photoshop 3.0";

/* id, length of the whole, place of this piece */
enum { GUID = 32, EXTENSION_HEAD = GUID + 8 };

typedef struct extension {
    const uint8_t *id; /* of the first piece: the others are its like */
    uint8_t *data;
    size_t size, filled;
} extension;

/* 1 when the segment's name, with its NUL, is `name`. */
static int is_named(const uint8_t *segment, size_t length, const char *name, size_t name_size) {
    return length > name_size && memcmp(segment, name, name_size) == 0;
}
#define IS_NAMED(segment, length, name) is_named(segment, length, name, sizeof(name))

static void add_piece(glimpse_blocks *blocks, extension *e, const uint8_t *piece, size_t length) {
    if (length <= EXTENSION_HEAD) return;
    const size_t whole = glimpse_get32(piece + GUID, 1), at = glimpse_get32(piece + GUID + 4, 1);
    if (!e->id) {
        if (whole > GLIMPSE_MAX_BLOCK) return;
        e->data = glimpse_blocks_alloc(blocks, whole);
        if (!e->data) return;
        memset(e->data, ' ', whole);
        e->id = piece;
        e->size = whole;
    }
    length -= EXTENSION_HEAD;
    if (memcmp(e->id, piece, GUID) != 0 || at > e->size || length > e->size - at) return;
    memcpy(e->data + at, piece + EXTENSION_HEAD, length);
    e->filled += length;
}

/* The segments that `data` begins with: calls `visit` for each. */
typedef void (*segment_fn)(void *user, unsigned marker, const uint8_t *segment, size_t length);
static void visit_segments(const uint8_t *data, size_t size, segment_fn visit, void *user) {
    for (size_t at = 2; at + 4 <= size;) {
        if (data[at] != 0xff) {
            at++; /* rubbish between segments, which decoders skip as well */
            continue;
        }
        const unsigned marker = data[at + 1];
        if (marker == 0xff) {
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9) return; /* the picture; the end */
        if (marker == 0x00 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
            at += 2;
            continue;
        }
        size_t length = glimpse_get16(data + at + 2, 1);
        if (length < 2) return;
        if (length > size - at - 2) length = size - at - 2;
        visit(user, marker, data + at + 4, length - 2);
        at += 2 + length;
    }
}

typedef struct reading {
    glimpse_blocks *blocks;
    extension extended;
    size_t resource_segments, resource_bytes;
    uint8_t *resources; /* all segments' together, on the second visit */
} reading;

static void on_segment(void *user, unsigned marker, const uint8_t *segment, size_t length) {
    reading *r = user;
    if (marker == 0xe1 && length > 6 && memcmp(segment, "Exif\0", 5) == 0) {
        glimpse_blocks_add_exif(r->blocks, segment, length, GLIMPSE_TIFF_WHOLE);
    } else if (marker == 0xe1 && IS_NAMED(segment, length, xmp_name)) {
        glimpse_blocks_add(&r->blocks->xmp, segment + sizeof xmp_name, length - sizeof xmp_name);
    } else if (marker == 0xe1 && IS_NAMED(segment, length, extension_name)) {
        add_piece(r->blocks, &r->extended, segment + sizeof extension_name,
                  length - sizeof extension_name);
    } else if (marker == 0xed && IS_NAMED(segment, length, resources_name)) {
        r->resource_segments++;
        r->resource_bytes += length - sizeof resources_name;
    }
}

static void on_resources(void *user, unsigned marker, const uint8_t *segment, size_t length) {
    reading *r = user;
    if (marker != 0xed || !IS_NAMED(segment, length, resources_name)) return;
    segment += sizeof resources_name;
    length -= sizeof resources_name;
    if (r->resource_segments == 1) {
        glimpse_blocks_resources(r->blocks, segment, length);
        return;
    }
    memcpy(r->resources + r->resource_bytes, segment, length);
    r->resource_bytes += length;
}

void glimpse_blocks_jpeg(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    reading r = {.blocks = blocks};
    visit_segments(data, size, on_segment, &r);
    if (r.extended.filled > 0) glimpse_blocks_add(&blocks->xmp, r.extended.data, r.extended.size);
    if (r.resource_segments == 0 || r.resource_bytes > GLIMPSE_MAX_BLOCK) return;
    if (r.resource_segments > 1) {
        r.resources = glimpse_blocks_alloc(blocks, r.resource_bytes);
        if (!r.resources) return;
    }
    r.resource_bytes = 0;
    visit_segments(data, size, on_resources, &r);
    if (r.resources) glimpse_blocks_resources(blocks, r.resources, r.resource_bytes);
}
