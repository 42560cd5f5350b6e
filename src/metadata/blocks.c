/*
 * metadata/blocks.c - finds the blocks of a file; containers with more to them have files of their
 * own.
 */
#include "metadata/blocks.h"

#include "metadata/bytes.h"

#include <string.h>

/* XMP, IPTC and image resources in IFD0 of a TIFF file. */
static void find_in_tiff(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    const int big = data[0] == 'M';
    glimpse_blocks_add_exif(blocks, data, size, GLIMPSE_TIFF_WHOLE);
    const size_t directory = glimpse_get32(data + 4, big);
    if (directory > size - 2) return;
    size_t count = glimpse_get16(data + directory, big);
    for (size_t i = 0; i < count && (size - directory - 2) / 12 > i; i++) {
        const uint8_t *entry = data + directory + 2 + 12 * i;
        const unsigned tag = glimpse_get16(entry, big), type = glimpse_get16(entry + 2, big);
        const size_t at = glimpse_get32(entry + 8, big);
        size_t length = glimpse_get32(entry + 4, big);
        if (type == 4 && length <= GLIMPSE_MAX_BLOCK) length *= 4; /* IPTC is often of LONGs */
        if (length <= 4 || at > size || length > size - at) continue;
        if (tag == 0x02bc) glimpse_blocks_add(&blocks->xmp, data + at, length);
        if (tag == 0x83bb) glimpse_blocks_add(&blocks->iptc, data + at, length);
        if (tag == 0x8649) glimpse_blocks_resources(blocks, data + at, length);
    }
}

static void find_in_webp(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    for (size_t at = 12; at + 8 <= size;) {
        const uint8_t *chunk = data + at;
        size_t length = glimpse_get32(chunk + 4, 0);
        at += 8;
        if (length > size - at) length = size - at;
        if (memcmp(chunk, "EXIF", 4) == 0)
            glimpse_blocks_add_exif(blocks, chunk + 8, length, GLIMPSE_TIFF_WHOLE);
        if (memcmp(chunk, "XMP ", 4) == 0) glimpse_blocks_add(&blocks->xmp, chunk + 8, length);
        at += length + (length & 1);
    }
}

static void find_in_psd(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    size_t at = 26;
    for (int section = 0; section < 2; section++) { /* colours, then resources */
        if (at > size || size - at < 4) return;
        size_t length = glimpse_get32(data + at, 1);
        at += 4;
        if (length > size - at) length = size - at;
        if (section == 1) glimpse_blocks_resources(blocks, data + at, length);
        at += length;
    }
}

/* XMP in an application extension: its bytes stand there as they are, so that the sub-blocks'
 * lengths are bytes of the text; a trailer of falling numbers ends them. */
static void find_in_gif(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    if (size < 13) return;
    size_t at = 13 + (data[10] & 0x80 ? (size_t)3 << ((data[10] & 7) + 1) : 0);
    while (at + 2 < size) {
        if (data[at] == 0x21 && data[at + 1] == 0xff && at + 14 < size &&
            memcmp(data + at + 3, "XMP DataXMP", 11) == 0) {
            const uint8_t *text = data + at + 14;
            const uint8_t *end = memchr(text, 0x01, size - at - 14);
            if (end) glimpse_blocks_add(&blocks->xmp, text, (size_t)(end - text));
            return;
        }
        if (data[at] == 0x21) {
            at += 2;
        } else if (data[at] == 0x2c && at + 10 < size) {
            const unsigned flags = data[at + 9];
            at += 11 + (flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0);
        } else {
            return;
        }
        while (at < size && data[at] != 0)
            at += (size_t)data[at] + 1;
        at++;
    }
}

void glimpse_blocks_find(glimpse_blocks *blocks, const uint8_t *data, size_t size) {
    *blocks = (glimpse_blocks){.nomem = 0};
    if (size < 12) return;
    if (data[0] == 0xff && data[1] == 0xd8) {
        glimpse_blocks_jpeg(blocks, data, size);
    } else if (memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0) {
        glimpse_blocks_png(blocks, data, size);
    } else if (memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0) {
        find_in_webp(blocks, data, size);
    } else if (memcmp(data, "II*\0", 4) == 0 || memcmp(data, "MM\0*", 4) == 0 ||
               memcmp(data, "IIU\0", 4) == 0 || memcmp(data, "IIRO", 4) == 0 ||
               memcmp(data, "IIRS", 4) == 0 || memcmp(data, "MMOR", 4) == 0) {
        find_in_tiff(blocks, data, size);
    } else if (memcmp(data + 4, "ftyp", 4) == 0 || memcmp(data + 4, "JXL ", 4) == 0) {
        glimpse_blocks_iso(blocks, data, size);
    } else if (memcmp(data, "8BPS", 4) == 0) {
        find_in_psd(blocks, data, size);
    } else if (memcmp(data, "GIF8", 4) == 0) {
        find_in_gif(blocks, data, size);
    }
}
