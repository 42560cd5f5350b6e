/*
 * image/decode/stb_tga.c - Truevision TGA: palette, grey and true colour, plain and run-length
 * coded.
 *
 *     18-byte header | id | colour map | pixels
 *     header: id length, has map, kind (1 palette, 2 colour, 3 grey, +8 run-length), map first
 *     (16 bits), map length (16), map depth, x, y, width, height (16 each), depth, descriptor
 *     (bits 0 to 3: how many bits of a pixel are its opacity, bit 4: right to left, bit 5: top to
 *     bottom)
 *
 * stb_image decodes the pixels. It is given a header without id and with a palette of 256 colours
 * and their opacities, because it skips `map first` bytes where as many entries are meant, takes
 * indices beyond the palette for 0, and refuses a palette that a true-colour picture does not use.
 * Rows from right to left, which it does not know, are turned afterwards.
 */
#include "core/error.h"
#include "image/decode/stb.h"

#include <stdlib.h>

enum { HEADER_BYTES = 18, PALETTE = 256, CHANNELS = 4 };

/* Is the highest of 16 bits an opacity? */
static int has_attribute_bit(const uint8_t *head, unsigned depth) {
    return depth == 16 && (head[17] & 15) == 1;
}

/* stb_image leaves the highest of 16 bits out: it is read here, in the order of stb_image's rows.
 * `pixels` is at least as long as stb_image found it to be. */
static uint8_t *read_attribute_bits(const uint8_t *head, const uint8_t *pixels, size_t size,
                                    size_t width, size_t height) {
    uint8_t *alpha = malloc(width * height);
    const int run_length = head[2] & 8, top_down = head[17] & 0x20;
    size_t at = 0, left = run_length ? 0 : width * height;
    int repeats = 0;
    for (size_t i = 0; alpha && i < width * height; i++) {
        if (left == 0 && at < size) {
            left = (pixels[at] & 127u) + 1;
            repeats = pixels[at++] & 128;
        }
        const size_t row = i / width, to = top_down ? row : height - 1 - row;
        alpha[to * width + i % width] = at + 2 <= size && pixels[at + 1] & 128 ? 255 : 0;
        if (left > 0) left--;
        if (!repeats || left == 0) at += 2;
    }
    return alpha;
}

/* All 256 colours as blue, green, red, opacity, from the palette in the file, `map`. Those before
 * `map first` are black; an index without an entry is a grey of that value. */
static void fill_palette(uint8_t (*to)[CHANNELS], const uint8_t *head, const uint8_t *map) {
    const size_t first = glimpse_u16le(head + 3), count = glimpse_u16le(head + 5);
    const size_t entry = (head[7] + 7u) / 8;
    for (size_t i = 0; i < PALETTE; i++) {
        to[i][3] = 255;
        if (i < first || i - first >= count) {
            memset(to[i], i < first ? 0 : (int)i, 3);
            continue;
        }
        const uint8_t *from = map + (i - first) * entry;
        if (entry == 2) { /* five bits a colour */
            const unsigned packed = glimpse_u16le(from);
            to[i][0] = (uint8_t)((packed & 31) * 255 / 31);
            to[i][1] = (uint8_t)((packed >> 5 & 31) * 255 / 31);
            to[i][2] = (uint8_t)((packed >> 10 & 31) * 255 / 31);
            if (has_attribute_bit(head, head[7])) to[i][3] = packed >> 15 ? 255 : 0;
        } else {
            memcpy(to[i], from, entry);
        }
    }
}

static int decode_tga(glimpse_image *picture, const glimpse_source *source) {
    const uint8_t *head = source->data; /* at least 18 bytes with fields that agree: sniffed */
    const int has_palette = (head[2] & 7) == 1, is_grey = (head[2] & 7) == 3;
    const int run_length = head[2] & 8;
    const uint64_t width = glimpse_u16le(head + 12), height = glimpse_u16le(head + 14);
    const unsigned depth = head[16], pixel_bytes = (depth + 7) / 8;
    if (depth == 1) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "TGA: one bit per pixel cannot be decoded");
    }
    int status = glimpse_picture_check_size(source, width, height);
    if (status < 0) return status;
    const size_t map_bytes = head[1] ? (size_t)glimpse_u16le(head + 5) * ((head[7] + 7u) / 8) : 0;
    const size_t before = HEADER_BYTES + head[0] + map_bytes;
    /* The densest run stores 128 pixels in a count and a pixel. */
    const uint64_t pixels = width * height;
    const uint64_t min = run_length ? pixels / 128 * (1 + pixel_bytes) : pixels * pixel_bytes;
    if (source->size < before || source->size - before < min) return glimpse_stb_cut("TGA");

    struct {
        uint8_t header[HEADER_BYTES], palette[PALETTE][CHANNELS];
    } ours;
    memcpy(ours.header, head, HEADER_BYTES);
    memset(ours.header, 0, 2);     /* no id, no palette */
    memset(ours.header + 3, 0, 5); /* its first index, length and depth */
    if (has_palette) {
        ours.header[1] = 1;
        ours.header[6] = PALETTE >> 8;
        ours.header[7] = 8 * CHANNELS;
        fill_palette(ours.palette, head, head + HEADER_BYTES + head[0]);
    }
    const glimpse_stb_stream stream = {.head = (const uint8_t *)&ours,
                                       .head_size = has_palette ? sizeof ours : HEADER_BYTES,
                                       .rest = source->data + before,
                                       .rest_size = source->size - before};
    const int has_alpha = has_palette
                              ? head[7] == 32 || has_attribute_bit(head, head[7])
                              : (depth == 32 || (is_grey && depth == 16)) && (head[17] & 15) == 8;
    status = glimpse_stb_decode(picture, source, "TGA", &stream,
                                has_alpha ? GLIMPSE_STB_RGBA : GLIMPSE_STB_RGB);
    if (status == GLIMPSE_OK && source->composite && !has_palette && !is_grey &&
        has_attribute_bit(head, depth)) {
        picture->alpha = read_attribute_bits(head, source->data + before, source->size - before,
                                             (size_t)width, (size_t)height);
        if (!picture->alpha) status = glimpse_fail_nomem((size_t)pixels, "pixels");
    }
    if (status == GLIMPSE_OK) glimpse_picture_drop_unused_alpha(picture);
    if (head[17] & 0x10) picture->pending_orientation = 2;
    return status;
}

/* TGA has no signature: accept headers whose fields agree with each other. Text never passes,
 * because its second byte would have to be 0 or 1. */
static int is_plausible(const uint8_t *p, size_t size) {
    if (size < 18) return 0;
    const unsigned map = p[1], kind = p[2], map_depth = p[7], depth = p[16];
    const int map_fits = map_depth == 15 || map_depth == 16 || map_depth == 24 || map_depth == 32;
    if (map > 1 || (p[17] & 0xc0) != 0) return 0;
    if (glimpse_u16le(p + 12) == 0 || glimpse_u16le(p + 14) == 0) return 0;
    if (map == 1 ? (!map_fits || glimpse_u16le(p + 5) == 0) : glimpse_u16le(p + 5) != 0) return 0;
    switch (kind) {
    case 1:
    case 9: return map == 1 && depth == 8;
    case 2:
    case 10: return depth == 15 || depth == 16 || depth == 24 || depth == 32;
    case 3: return depth == 1 || depth == 8 || depth == 16;
    case 11: return depth == 8 || depth == 16;
    default: return 0;
    }
}

static unsigned sniff(const uint8_t *p, size_t size) {
    return is_plausible(p, size) ? 1 : 0;
}

static glimpse_declared declared(const uint8_t *p, size_t size) {
    (void)size; /* sniffed: the header is there */
    return (glimpse_declared){glimpse_u16le(p + 12), glimpse_u16le(p + 14), 7, 0};
}

const glimpse_format glimpse_format_tga = {
    .name = "TGA",
    .endings = "tga icb vda vst",
    .sniff = sniff,
    .only_plausible = 1,
    .decode = decode_tga,
    .declared = declared,
    .lossless = glimpse_always_lossless,
};
