/*
 * image/decode/decode_tga.c - Truevision TGA: palette, grey and true colour, plain and run-length
 * coded.
 *
 * Our own, because stb_image ignores the right-to-left flag and reads zeros past the end of a
 * cut file without complaint.
 *
 *     18-byte header | id | colour map | pixels
 *     header: id length, has map, kind (1 palette, 2 colour, 3 grey, +8 run-length), map first
 *     (16 bits), map length (16), map depth, x, y, width, height (16 each), depth, descriptor
 *     (bit 4: right to left, bit 5: top to bottom)
 */
#include "core/error.h"
#include "image/decode/decoder.h"

typedef struct header {
    unsigned kind, depth;
    size_t width, height, pixel_bytes;
    int right_to_left, top_down, run_length;
    uint8_t palette[256][3];
} header;

static int cut(void) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "TGA: the file ends before the picture does");
}

/* One colour as stored (B,G,R order, or 5 bits each) to RGB. */
static void read_colour(uint8_t *rgb, const uint8_t *p, unsigned depth) {
    if (depth == 15 || depth == 16) {
        const unsigned v = glimpse_u16le(p);
        rgb[0] = (uint8_t)((v >> 10 & 31) * 255 / 31);
        rgb[1] = (uint8_t)((v >> 5 & 31) * 255 / 31);
        rgb[2] = (uint8_t)((v & 31) * 255 / 31);
    } else {
        rgb[0] = p[2];
        rgb[1] = p[1];
        rgb[2] = p[0];
    }
}

static void read_pixel(uint8_t *rgb, const uint8_t *p, const header *h) {
    switch (h->kind) {
    case 1: memcpy(rgb, h->palette[*p], 3); break;
    case 2: read_colour(rgb, p, h->depth); break;
    default: rgb[0] = rgb[1] = rgb[2] = *p; break; /* grey, alpha dropped */
    }
}

/* Pixel number i in file order to its place. */
static uint8_t *place(glimpse_image *picture, const header *h, size_t x, size_t y) {
    if (h->right_to_left) x = h->width - 1 - x;
    if (!h->top_down) y = h->height - 1 - y;
    return picture->pixels + (y * h->width + x) * 3;
}

static int decode_plain(glimpse_image *picture, const header *h, const uint8_t *at, size_t left) {
    const uint64_t needed = (uint64_t)h->width * h->height * h->pixel_bytes;
    if (left < needed) return cut();
    for (size_t y = 0; y < h->height; y++) {
        for (size_t x = 0; x < h->width; x++, at += h->pixel_bytes) {
            read_pixel(place(picture, h, x, y), at, h);
        }
    }
    return GLIMPSE_OK;
}

/* Packets: a count byte, then one pixel to repeat (high bit set) or that many pixels. Packets may
 * cross rows. */
static int decode_runs(glimpse_image *picture, const header *h, const uint8_t *at, size_t left) {
    size_t x = 0, y = 0;
    while (y < h->height) {
        if (left < 1) return cut();
        const int repeat = *at & 0x80;
        const size_t count = (size_t)(*at & 0x7f) + 1;
        const size_t bytes = repeat ? h->pixel_bytes : count * h->pixel_bytes;
        at++;
        left--;
        if (left < bytes) return cut();
        for (size_t i = 0; i < count && y < h->height; i++) {
            read_pixel(place(picture, h, x, y), repeat ? at : at + i * h->pixel_bytes, h);
            if (++x == h->width) {
                x = 0;
                y++;
            }
        }
        at += bytes;
        left -= bytes;
    }
    return GLIMPSE_OK;
}

static int read_palette(header *h, const uint8_t *head, const uint8_t *at, size_t left,
                        size_t *used) {
    const size_t first = glimpse_u16le(head + 3), count = glimpse_u16le(head + 5);
    const unsigned depth = head[7];
    const size_t entry = (depth + 7) / 8;
    *used = head[1] ? count * entry : 0;
    if (left < *used) return cut();
    for (size_t i = 0; i < 256; i++)
        memset(h->palette[i], (int)i, 3);
    if (h->kind != 1) return GLIMPSE_OK; /* a palette nobody uses */
    for (size_t i = 0; i < first && i < 256; i++)
        memset(h->palette[i], 0, 3);
    for (size_t i = 0; i < count && first + i < 256; i++) {
        read_colour(h->palette[first + i], at + i * entry, depth);
    }
    return GLIMPSE_OK;
}

static int decode_tga(glimpse_image *picture, const glimpse_source *source) {
    const uint8_t *head = source->data; /* at least 18 bytes with fields that agree: sniffed */
    header h = {0};
    h.kind = head[2] & 7;
    h.run_length = head[2] & 8;
    h.width = glimpse_u16le(head + 12);
    h.height = glimpse_u16le(head + 14);
    h.depth = head[16];
    h.pixel_bytes = (h.depth + 7) / 8;
    h.right_to_left = head[17] & 0x10;
    h.top_down = head[17] & 0x20;
    if (h.depth == 1) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "TGA: one bit per pixel cannot be decoded");
    }
    const uint8_t *at = head + 18;
    size_t left = source->size - 18;
    if (left < head[0]) return cut();
    at += head[0];
    left -= head[0];
    size_t used = 0;
    int status = read_palette(&h, head, at, left, &used);
    if (status < 0) return status;
    at += used;
    left -= used;
    /* The densest run stores 128 pixels in a count and a pixel. */
    const uint64_t pixels = (uint64_t)h.width * h.height;
    const uint64_t least =
        h.run_length ? pixels / 128 * (1 + h.pixel_bytes) : pixels * h.pixel_bytes;
    status = glimpse_picture_check_size(source, h.width, h.height);
    if (status < 0) return status;
    if (left < least) return cut();
    status = glimpse_picture_reserve(picture, source, h.width, h.height);
    if (status < 0) return status;
    return h.run_length ? decode_runs(picture, &h, at, left) : decode_plain(picture, &h, at, left);
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
    return (glimpse_declared){glimpse_u16le(p + 12), glimpse_u16le(p + 14), 11, 0};
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
