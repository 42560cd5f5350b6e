/*
 * metadata/blocks_png.c - eXIf, XMP in iTXt, the text "Creation Time", and the "raw profiles" that
 * ImageMagick writes as text:
 * "\nexif\n    1234\n45786966...": a name, the decoded length, and hexadecimal lines.
 */
#include "metadata/blocks.h"
#include "metadata/bytes.h"

#include <string.h>
#include <strings.h>
#include <zlib.h>

/* The hexadecimal form of 1 MB, inflated. */
enum { MAX_TEXT = 2 << 20 };

/* A zlib stream, up to MAX_TEXT; NULL when damaged or more. */
static uint8_t *inflate_text(glimpse_blocks *blocks, size_t *size, const uint8_t *data,
                             size_t length) {
    uint8_t *plain = glimpse_blocks_alloc(blocks, MAX_TEXT);
    if (!plain) return NULL;
    z_stream stream = {0};
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)length;
    stream.next_out = plain;
    stream.avail_out = MAX_TEXT;
    const int begun = inflateInit(&stream);
    if (begun == Z_MEM_ERROR) blocks->nomem = 1;
    if (begun != Z_OK) return NULL;
    const int ended = inflate(&stream, Z_FINISH);
    *size = MAX_TEXT - stream.avail_out;
    (void)inflateEnd(&stream);
    return ended == Z_STREAM_END ? plain : NULL;
}

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Skips a line; the first one may be empty. */
static size_t skip_line(const uint8_t *text, size_t size, size_t at) {
    while (at < size && text[at] != '\n')
        at++;
    return at < size ? at + 1 : size;
}

static void add_profile(glimpse_blocks *blocks, const uint8_t *text, size_t size) {
    size_t at = 0, used = 0;
    while (at < size && text[at] == '\n')
        at++;
    at = skip_line(text, size, at); /* the name */
    at = skip_line(text, size, at); /* the length */
    uint8_t *bytes = glimpse_blocks_alloc(blocks, (size - at) / 2 + 1);
    if (!bytes) return;
    while (at < size) {
        const int high = hex_digit(text[at++]);
        if (high < 0) continue;
        if (at == size) break;
        const int low = hex_digit(text[at++]);
        if (low < 0) break;
        bytes[used++] = (uint8_t)(high << 4 | low);
    }
    static const char xmp_name[] = "http://ns.adobe.com/xap/1.0/";
    if (used > 6 && memcmp(bytes, "Exif\0", 5) == 0) {
        glimpse_blocks_add_exif(blocks, bytes, used, GLIMPSE_TIFF_WHOLE);
    } else if (used > sizeof xmp_name && memcmp(bytes, xmp_name, sizeof xmp_name) == 0) {
        glimpse_blocks_add(&blocks->xmp, bytes + sizeof xmp_name, used - sizeof xmp_name);
    } else if (used > 4 && memcmp(bytes, "8BIM", 4) == 0) {
        glimpse_blocks_resources(blocks, bytes, used);
    } else if (used > 5 && bytes[0] == 0x1c) {
        glimpse_blocks_add(&blocks->iptc, bytes, used);
    } else if (used > 8 && (memcmp(bytes, "II", 2) == 0 || memcmp(bytes, "MM", 2) == 0)) {
        glimpse_blocks_add_exif(blocks, bytes, used, GLIMPSE_TIFF_WHOLE);
    } else if (used > 1 && bytes[0] == '<') {
        glimpse_blocks_add(&blocks->xmp, bytes, used);
    }
}

static int is_profile(const char *keyword) {
    static const char prefix[] = "Raw profile type ";
    if (strncmp(keyword, prefix, sizeof prefix - 1) != 0) return 0;
    const char *type = keyword + sizeof prefix - 1;
    return strcmp(type, "exif") == 0 || strcmp(type, "APP1") == 0 || strcmp(type, "iptc") == 0 ||
           strcmp(type, "8bim") == 0 || strcmp(type, "xmp") == 0;
}

/* Of the specification; and what some programs write. */
static int is_creation_time(const char *keyword) {
    return strcasecmp(keyword, "Creation Time") == 0 || strcasecmp(keyword, "create-date") == 0;
}

/* tEXt and zTXt: a keyword, and text that may be compressed. */
static void on_text(glimpse_blocks *blocks, const uint8_t *chunk, size_t length, int compressed) {
    const uint8_t *end = memchr(chunk, '\0', length < 80 ? length : 80);
    if (!end) return;
    const int is_date = is_creation_time((const char *)chunk);
    if (!is_date && !is_profile((const char *)chunk)) return;
    const uint8_t *text = end + 1;
    size_t size = length - (size_t)(text - chunk);
    if (compressed) {
        if (size < 2 || text[0] != 0) return;
        text = inflate_text(blocks, &size, text + 1, size - 1);
    }
    if (!text || size > MAX_TEXT) return;
    if (is_date)
        glimpse_blocks_add(&blocks->created, text, size);
    else
        add_profile(blocks, text, size);
}

/* iTXt: keyword, whether compressed, how; language and translated keyword, each with a NUL. */
static void on_international_text(glimpse_blocks *blocks, const uint8_t *chunk, size_t length) {
    const uint8_t *keyword_end = memchr(chunk, '\0', length < 80 ? length : 80);
    if (!keyword_end || length - (size_t)(keyword_end - chunk) < 5) return;
    const int is_date = is_creation_time((const char *)chunk);
    if (!is_date && strcmp((const char *)chunk, "XML:com.adobe.xmp") != 0) return;
    const int compressed = keyword_end[1];
    const uint8_t *at = keyword_end + 3, *end = chunk + length;
    for (int i = 0; i < 2; i++) {
        at = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
        if (!at) return;
        at++;
    }
    size_t size = (size_t)(end - at);
    if (compressed) at = inflate_text(blocks, &size, at, size);
    if (at) glimpse_blocks_add(is_date ? &blocks->created : &blocks->xmp, at, size);
}

void glimpse_blocks_png(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    glimpse_block found = {NULL, 0, GLIMPSE_TIFF_WHOLE};
    for (size_t at = 8; size - at >= 12;) {
        const uint8_t *chunk = data + at;
        const size_t length = glimpse_get32(chunk, 1);
        if (length > size - at - 12) break;
        const uint8_t *body = chunk + 8;
        if (memcmp(chunk + 4, "eXIf", 4) == 0)
            found = (glimpse_block){body, length, GLIMPSE_TIFF_WHOLE};
        else if (memcmp(chunk + 4, "tEXt", 4) == 0)
            on_text(blocks, body, length, 0);
        else if (memcmp(chunk + 4, "zTXt", 4) == 0)
            on_text(blocks, body, length, 1);
        else if (memcmp(chunk + 4, "iTXt", 4) == 0)
            on_international_text(blocks, body, length);
        else if (memcmp(chunk + 4, "IEND", 4) == 0)
            break;
        at += length + 12;
    }
    /* The chunk that is meant for it counts before the text, wherever it stands. */
    if (found.data) {
        blocks->exif.count = 0;
        glimpse_blocks_add_exif(blocks, found.data, found.size, GLIMPSE_TIFF_WHOLE);
    }
}
