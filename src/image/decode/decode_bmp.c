/*
 * image/decode/decode_bmp.c - Windows and OS/2 bitmaps.
 *
 * Our own, because stb_image lacks run-length coding, 2 bits, most OS/2 headers, and reads zeros
 * past the end of a cut file. Follows Pillow where both decode; where Pillow refuses a valid
 * layout (odd bit masks) the picture is decoded.
 *
 *     "BM", file size, 0, offset of the pixels          14 bytes
 *     header size, width, height, planes, bits, ...     12 bytes (OS/2 1) or 16 to 124
 *     masks, if the header is the 40-byte one and has none inside
 *     palette: B,G,R (OS/2 1) or B,G,R,0
 *     rows, bottom up unless the height is negative, each padded to 4 bytes
 */
#include "core/error.h"
#include "image/decode/decoder.h"

enum { RAW = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3, ALPHA_BITFIELDS = 6 };

typedef struct header {
    uint32_t size, bits, compression;
    uint64_t width, height;
    int top_down;
    uint32_t masks[3]; /* red, green, blue */
    uint32_t alpha;    /* the mask of the opacity; 0: there is none */
    size_t pixels_at;
    uint8_t palette[256][3];
} header;

static int cut(void) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "BMP: the file ends before the picture does");
}

static int read_palette(header *h, const glimpse_source *source, size_t at, uint32_t colours) {
    const size_t entry = h->size == 12 ? 3 : 4;
    uint64_t count = colours ? colours : UINT64_C(1) << h->bits;
    if (count > 65536) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "BMP: a palette of %llu colours",
                            (unsigned long long)count);
    }
    /* Some writers let the offset point at the palette. */
    if (h->pixels_at == at && source->size - at > count * entry) h->pixels_at += count * entry;
    if (h->pixels_at > at && (h->pixels_at - at) / entry < count) {
        count = (h->pixels_at - at) / entry; /* a short palette, usual with OS/2 */
    }
    for (int i = 0; i < 256; i++)
        memset(h->palette[i], i, 3);
    for (size_t i = 0; i < count && i < 256; i++, at += entry) {
        if (source->size - at < entry) return cut();
        h->palette[i][0] = source->data[at + 2];
        h->palette[i][1] = source->data[at + 1];
        h->palette[i][2] = source->data[at];
    }
    if (h->pixels_at == 0) h->pixels_at = at;
    return GLIMPSE_OK;
}

static int read_masks(header *h, const glimpse_source *source, size_t *at) {
    static const uint32_t masks16[3] = {0x7c00, 0x3e0, 0x1f}, masks32[3] = {0xff0000, 0xff00, 0xff};
    memcpy(h->masks, h->bits == 16 ? masks16 : masks32, sizeof h->masks);
    if (h->compression != BITFIELDS && h->compression != ALPHA_BITFIELDS) return GLIMPSE_OK;
    if (h->bits != 16 && h->bits != 24 && h->bits != 32) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "BMP: bit masks for %u bits per pixel", h->bits);
    }
    const uint8_t *p = source->data + 14 + 40; /* inside larger headers, behind the 40-byte one */
    if (h->size == 40) {
        const size_t bytes = h->compression == BITFIELDS ? 12 : 16;
        if (source->size - *at < bytes) return cut();
        *at += bytes;
    } else if (h->size < 52) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "BMP: no room for bit masks in the header");
    }
    uint32_t any = 0;
    for (int c = 0; c < 3; c++) {
        h->masks[c] = glimpse_u32le(p + 4 * c);
        any |= h->masks[c];
    }
    /* The fourth byte of plain 32-bit pixels is said to mean nothing; a mask says that it does. */
    if (any && (h->size >= 56 || (h->size == 40 && h->compression == ALPHA_BITFIELDS))) {
        h->alpha = glimpse_u32le(p + 12);
    }
    if (any == 0) memcpy(h->masks, h->bits == 16 ? masks16 : masks32, sizeof h->masks);
    return GLIMPSE_OK;
}

static int read_header(header *h, const glimpse_source *source) {
    if (source->size < 14 + 12) return cut();
    const uint8_t *p = source->data + 14;
    uint32_t colours = 0, planes;
    h->pixels_at = glimpse_u32le(source->data + 10);
    h->size = glimpse_u32le(p);
    const int os2 = h->size == 64 || (h->size >= 16 && h->size < 40);
    if (h->size != 12 && !os2 && h->size != 40 && h->size != 52 && h->size != 56 &&
        h->size != 108 && h->size != 124) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "BMP: a header of %u bytes", h->size);
    }
    if (source->size - 14 < h->size) return cut();
    if (h->size == 12) {
        h->width = glimpse_u16le(p + 4);
        h->height = glimpse_u16le(p + 6);
        planes = glimpse_u16le(p + 8);
        h->bits = glimpse_u16le(p + 10);
    } else {
        const uint32_t height = glimpse_u32le(p + 8);
        h->width = glimpse_u32le(p + 4);
        h->top_down = height > INT32_MAX;
        h->height = h->top_down ? (UINT64_C(1) << 32) - height : height;
        planes = glimpse_u16le(p + 12);
        h->bits = glimpse_u16le(p + 14);
        h->compression = h->size >= 20 ? glimpse_u32le(p + 16) : RAW;
        colours = h->size >= 36 ? glimpse_u32le(p + 32) : 0;
    }
    (void)planes; /* 1 by the book; wrong in the wild and without meaning */
    /* 4 and 5 are a JPEG and a PNG inside; in OS/2 files 3 and 4 are other codings. */
    if (h->compression > ALPHA_BITFIELDS || h->compression == 4 || h->compression == 5 ||
        (os2 && h->compression >= BITFIELDS)) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "BMP: compression %u cannot be decoded",
                            h->compression);
    }
    const uint32_t b = h->bits;
    if (b != 1 && b != 2 && b != 4 && b != 8 && b != 16 && b != 24 && b != 32) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "BMP: %u bits per pixel", b);
    }
    const int rle = h->compression == RLE8 || h->compression == RLE4;
    if (rle && (b != (h->compression == RLE8 ? 8u : 4u) || h->top_down)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "BMP: run-length coding of %u bits%s", b,
                            h->top_down ? ", top down" : "");
    }
    size_t at = 14 + (size_t)h->size;
    int status = read_masks(h, source, &at);
    if (status < 0) return status;
    if (b <= 8) return read_palette(h, source, at, colours);
    if (h->pixels_at == 0) h->pixels_at = at + (size_t)colours * 4;
    return GLIMPSE_OK;
}

/* Where row `y` of the file begins, in pixels. */
static size_t start_of(const glimpse_image *picture, const header *h, size_t y) {
    return (h->top_down ? y : picture->height - 1 - y) * picture->width;
}

static uint8_t *row_of(glimpse_image *picture, const header *h, size_t y) {
    return picture->pixels + start_of(picture, h, y) * 3;
}

/* The bits of a mask as 0..255. Wide masks keep their high byte. */
static uint8_t masked(uint32_t value, uint32_t mask) {
    if (mask == 0) return 0;
    const int shift = __builtin_ctz(mask);
    uint32_t top = mask >> shift;
    value = (value & mask) >> shift;
    if (top > 0xffff) {
        value >>= 16;
        top >>= 16;
    }
    return (uint8_t)(value * 255 / top);
}

static void decode_row(uint8_t *rgb, const uint8_t *row, size_t width, const header *h) {
    const uint32_t bits = h->bits;
    for (size_t x = 0; x < width; x++, rgb += 3) {
        if (bits <= 8) {
            const size_t bit = x * bits;
            const unsigned index = row[bit / 8] >> (8 - bits - bit % 8) & ((1u << bits) - 1);
            memcpy(rgb, h->palette[index], 3);
        } else if (h->compression == RAW && bits >= 24) {
            const uint8_t *p = row + x * (bits / 8);
            rgb[0] = p[2];
            rgb[1] = p[1];
            rgb[2] = p[0];
        } else {
            const uint8_t *p = row + x * (bits / 8);
            uint32_t value = glimpse_u16le(p);
            if (bits >= 24) value |= (uint32_t)p[2] << 16;
            if (bits == 32) value |= (uint32_t)p[3] << 24;
            for (int c = 0; c < 3; c++)
                rgb[c] = masked(value, h->masks[c]);
        }
    }
}

static void decode_alpha(uint8_t *alpha, const uint8_t *row, size_t width, const header *h) {
    const size_t bytes = h->bits / 8;
    for (size_t x = 0; x < width; x++) {
        uint32_t value = 0;
        for (size_t i = 0; i < bytes; i++)
            value |= (uint32_t)row[x * bytes + i] << (8 * i);
        alpha[x] = masked(value, h->alpha);
    }
}

static int decode_rows(glimpse_image *picture, const header *h, const uint8_t *at, size_t left) {
    const uint64_t row_bytes = (h->width * h->bits + 7) / 8;
    const uint64_t stride = (h->width * h->bits + 31) / 32 * 4;
    if (left < stride * (h->height - 1) + row_bytes) return cut();
    for (size_t y = 0; y < picture->height; y++) {
        decode_row(row_of(picture, h, y), at + y * stride, picture->width, h);
        if (picture->alpha) {
            decode_alpha(picture->alpha + start_of(picture, h, y), at + y * stride, picture->width,
                         h);
        }
    }
    glimpse_picture_drop_unused_alpha(picture);
    return GLIMPSE_OK;
}

/* Run-length codes: (n, v) repeats v (RLE4: its two halves in turn) n times; (0, 0) ends the
 * row, (0, 1) the picture, (0, 2, dx, dy) moves on, (0, n, ...) are n pixels, padded to 2 bytes.
 * What is not drawn keeps colour 0. Runs past the end of a row are clipped. */
static int decode_runs(glimpse_image *picture, const header *h, const uint8_t *at, size_t left) {
    const size_t width = picture->width, height = picture->height;
    const int nibbles = h->compression == RLE4;
    for (size_t i = 0; i < width * height; i++)
        memcpy(picture->pixels + i * 3, h->palette[0], 3);
    size_t x = 0, y = 0;
    while (y < height) {
        if (left < 2) {
            /* Nothing left to draw but the end mark itself. */
            if (y + 1 == height && x >= width) return GLIMPSE_OK;
            return cut();
        }
        const unsigned count = at[0], value = at[1];
        at += 2;
        left -= 2;
        if (count == 0 && value == 0) {
            x = 0;
            y++;
        } else if (count == 0 && value == 1) {
            return GLIMPSE_OK;
        } else if (count == 0 && value == 2) {
            if (left < 2) return cut();
            x += at[0];
            y += at[1];
            at += 2;
            left -= 2;
        } else {
            const size_t pixels = count ? count : value;
            const size_t bytes = count ? 0 : nibbles ? (pixels + 1) / 2 : pixels;
            if (left < bytes) return cut();
            for (size_t i = 0; i < pixels; i++, x++) {
                const unsigned code = count ? value : at[nibbles ? i / 2 : i];
                const unsigned index = !nibbles ? code : i % 2 ? code & 15 : code >> 4;
                if (x < width) memcpy(row_of(picture, h, y) + x * 3, h->palette[index], 3);
            }
            const size_t padded = bytes + bytes % 2;
            at += padded < left ? padded : left;
            left -= padded < left ? padded : left;
        }
    }
    return GLIMPSE_OK;
}

static int decode_bmp(glimpse_image *picture, const glimpse_source *source) {
    header h = {0};
    int status = read_header(&h, source);
    if (status < 0) return status;
    status = glimpse_picture_check_size(source, h.width, h.height);
    if (status < 0) return status;
    if (h.pixels_at >= source->size) return cut();
    const uint8_t *at = source->data + h.pixels_at;
    const size_t left = source->size - h.pixels_at;
    const int runs = h.compression == RLE8 || h.compression == RLE4;
    if (!runs && left < h.width * h.bits / 8 * h.height) return cut();
    status = glimpse_picture_reserve(picture, source, h.width, h.height);
    if (status == GLIMPSE_OK && source->composite && h.alpha) {
        status = glimpse_picture_reserve_alpha(picture);
    }
    if (status < 0) return status;
    return runs ? decode_runs(picture, &h, at, left) : decode_rows(picture, &h, at, left);
}

static unsigned sniff(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "BM");
}

static glimpse_declared declared(const uint8_t *p, size_t size) {
    if (size < 26) return glimpse_declares_nothing();
    if (glimpse_u32le(p + 14) == 12) {
        return (glimpse_declared){glimpse_u16le(p + 18), glimpse_u16le(p + 20), 11, 0};
    }
    const uint32_t height = glimpse_u32le(p + 22);
    return (glimpse_declared){glimpse_u32le(p + 18), height >> 31 ? UINT32_C(0) - height : height,
                              11, 0};
}

const glimpse_format glimpse_format_bmp = {
    .name = "BMP",
    .endings = "bmp dib rle",
    .sniff = sniff,
    .decode = decode_bmp,
    .declared = declared,
    .lossless = glimpse_always_lossless,
};
