/*
 * image/decode/decode_png.c - PNG through libpng.
 *
 * stb_image would be smaller, but it checks no checksum, so that a damaged file passes as a
 * picture, and knows no eXIf chunk.
 *
 * The conversion to RGB is Pillow's: 16-bit samples keep their high byte, grey below 8 bits is
 * spread over 0..255, alpha and tRNS are dropped, gamma and profiles are ignored, and a palette
 * index without an entry is a grey of that value.
 *
 * Two passes over the file. The first, ours, walks the chunks: it finds EXIF, wherever it is
 * (an eXIf chunk may follow the pixels; ImageMagick writes a text chunk), and checks the checksums
 * of the chunks that decide the picture, IDAT excepted. The second is libpng with checksums off,
 * because, like Pillow, we accept wrong IDAT checksums: zlib's own checksum over the pixels
 * tells whether they are whole. libpng is told to skip all chunks of text and profiles, so that
 * nothing but pixels is ever inflated by it.
 */
#include "core/error.h"
#include "core/hex.h"
#include "image/decode/decoder.h"
#include "image/decode/exif.h"
#include "image/decode/identity.h"

#include <setjmp.h>
#include <stdlib.h>

#include <png.h>
#include <zlib.h>

/* Inflated size of a text chunk with EXIF; the hexadecimal form doubles 64 KB. */
enum { MAX_TEXT = 1 << 20 };

typedef struct reader {
    const uint8_t *data;
    size_t size, at;
    int status;
    uint8_t *rgba; /* with alpha: [height][width][4]; here, because errors jump */
} reader;

/* "\nexif\n    1234\n45786966..." : name, decoded length, hexadecimal lines. */
static void read_raw_profile(glimpse_image_meta *meta, const uint8_t *text, size_t length) {
    size_t at = 0;
    for (int line = 0; line < 3; line++) {
        while (at < length && text[at] != '\n')
            at++;
        if (at++ >= length) return;
    }
    uint8_t *bytes = malloc(length / 2 + 1);
    if (!bytes) return;
    size_t used = 0;
    for (int high = -1; at < length; at++) {
        int digit = glimpse_hex_digit((char)text[at]);
        if (digit < 0) continue;
        if (high < 0) {
            high = digit;
        } else {
            bytes[used++] = (uint8_t)(high << 4 | digit);
            high = -1;
        }
    }
    glimpse_exif_read(meta, bytes, used);
    free(bytes);
}

/* A tEXt or zTXt chunk that may be "Raw profile type exif" (or "APP1", which also may be XMP). */
static void read_text_chunk(glimpse_image_meta *meta, const uint8_t *chunk, size_t length,
                            int compressed) {
    static const char exif_key[] = "Raw profile type exif", app1_key[] = "Raw profile type APP1";
    if (length < sizeof exif_key + 1) return;
    if (memcmp(chunk, exif_key, sizeof exif_key) != 0 &&
        memcmp(chunk, app1_key, sizeof app1_key) != 0) {
        return;
    }
    const uint8_t *text = chunk + sizeof exif_key;
    size_t text_length = length - sizeof exif_key;
    if (!compressed) {
        read_raw_profile(meta, text, text_length);
        return;
    }
    /* One byte for the method, then a zlib stream. */
    uint8_t *plain = malloc(MAX_TEXT);
    if (!plain) return;
    z_stream stream = {0};
    stream.next_in = (Bytef *)(uintptr_t)(text + 1);
    stream.avail_in = (uInt)(text_length - 1);
    stream.next_out = plain;
    stream.avail_out = MAX_TEXT;
    if (text[0] == 0 && inflateInit(&stream) == Z_OK) {
        if (inflate(&stream, Z_FINISH) == Z_STREAM_END) {
            read_raw_profile(meta, plain, MAX_TEXT - stream.avail_out);
        }
        (void)inflateEnd(&stream);
    }
    free(plain);
}

/* Checks checksums, and reads EXIF into `meta`. */
static int scan_chunks(glimpse_image_meta *meta, const glimpse_source *source) {
    int have_exif = 0;
    for (size_t at = 8; source->size - at >= 12;) {
        const uint8_t *chunk = source->data + at;
        const size_t length = glimpse_u32be(chunk);
        if (length > source->size - at - 12) break; /* cut: libpng has the last word */
        const uint8_t *type = chunk + 4, *body = chunk + 8;
        const int critical = (type[0] & 0x20) == 0;
        if (critical && memcmp(type, "IDAT", 4) != 0 &&
            crc32(0, type, (uInt)(length + 4)) != glimpse_u32be(body + length)) {
            char name[5] = "????"; /* what is damaged may be the name itself */
            for (int i = 0; i < 4; i++) {
                if ((type[i] | 0x20) >= 'a' && (type[i] | 0x20) <= 'z') name[i] = (char)type[i];
            }
            return glimpse_fail(GLIMPSE_E_FORMAT, "PNG: wrong checksum of the %s chunk", name);
        }
        if (memcmp(type, "eXIf", 4) == 0) {
            glimpse_exif_read(meta, body, length);
            have_exif = 1;
        } else if (!have_exif && memcmp(type, "tEXt", 4) == 0) {
            read_text_chunk(meta, body, length, 0);
        } else if (!have_exif && memcmp(type, "zTXt", 4) == 0) {
            read_text_chunk(meta, body, length, 1);
        } else if (memcmp(type, "IEND", 4) == 0) {
            break;
        }
        at += length + 12;
    }
    return GLIMPSE_OK;
}

static int identify(glimpse_identifier *to, const uint8_t *data, size_t size) {
    const glimpse_source source = {.data = data, .size = size};
    if (!glimpse_identify_png(to, data, size)) return 0;
    const glimpse_kept_error before = glimpse_error_keep();
    (void)scan_chunks(to->meta, &source);
    glimpse_error_restore(&before);
    return 1;
}

static _Noreturn void on_error(png_structp png, png_const_charp message) {
    reader *r = png_get_error_ptr(png);
    r->status = strstr(message, "emory") ? GLIMPSE_E_NOMEM : GLIMPSE_E_FORMAT;
    (void)glimpse_fail(r->status, "PNG: %s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep to, size_t count) {
    reader *r = png_get_io_ptr(png);
    if (count > r->size - r->at) png_error(png, "the file ends before the picture does");
    memcpy(to, r->data + r->at, count);
    r->at += count;
}

/* Palette indices, at the front of each row, to RGB over the whole row. Backwards, because the
 * target grows over its source. */
static void look_up_rows(glimpse_image *picture, png_structp png, png_infop info) {
    uint8_t table[256][3];
    png_colorp palette = NULL;
    int entries = 0;
    (void)png_get_PLTE(png, info, &palette, &entries);
    for (int i = 0; i < 256; i++) {
        table[i][0] = table[i][1] = table[i][2] = (uint8_t)i;
        if (i >= entries) continue;
        table[i][0] = palette[i].red;
        table[i][1] = palette[i].green;
        table[i][2] = palette[i].blue;
    }
    const size_t width = picture->width;
    for (size_t y = 0; y < picture->height; y++) {
        uint8_t *row = picture->pixels + y * width * 3;
        for (size_t x = width; x-- > 0;) {
            const uint8_t *entry = table[row[x]];
            memcpy(row + x * 3, entry, 3);
        }
    }
}

/* With alpha, from wherever it comes, beside the pixels. As above, jumps. */
static int decode_alpha(png_structp png, png_infop info, glimpse_image *picture, reader *r) {
    const size_t width = picture->width, height = picture->height;
    int status = glimpse_picture_reserve_alpha(picture);
    if (status < 0) return status;
    r->rgba = malloc(width * height * 4);
    if (!r->rgba) return glimpse_fail_nomem(width * height * 4, "pixels");
    png_set_expand(png); /* palettes and tRNS as well */
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != width * 4) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "PNG: libpng announces rows of %zu bytes",
                            (size_t)png_get_rowbytes(png, info));
    }
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < height; y++)
            png_read_row(png, r->rgba + y * width * 4, NULL);
    }
    glimpse_picture_split(picture, 0, r->rgba, width * height);
    png_read_end(png, NULL);
    return GLIMPSE_OK;
}

/* Between png_create and png_destroy; jumps back to the caller on errors. */
static int decode(png_structp png, png_infop info, glimpse_image *picture,
                  const glimpse_source *source, reader *r) {
    /* Sides are ours to check, with our message. */
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(png, info);
    const png_uint_32 width = png_get_image_width(png, info);
    const png_uint_32 height = png_get_image_height(png, info);
    int status = glimpse_picture_reserve(picture, source, width, height);
    if (status < 0) return status;

    const int colour = png_get_color_type(png, info);
    if (source->composite &&
        ((colour & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, info, PNG_INFO_tRNS))) {
        return decode_alpha(png, info, picture, r);
    }
    png_set_strip_16(png);
    if (colour & PNG_COLOR_MASK_ALPHA) png_set_strip_alpha(png);
    if (colour == PNG_COLOR_TYPE_PALETTE) {
        png_set_packing(png);
    } else if (!(colour & PNG_COLOR_MASK_COLOR)) {
        png_set_expand_gray_1_2_4_to_8(png);
        png_set_gray_to_rgb(png);
    }
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const size_t channels = colour == PNG_COLOR_TYPE_PALETTE ? 1 : 3;
    if (png_get_rowbytes(png, info) != (size_t)width * channels) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "PNG: libpng announces rows of %zu bytes",
                            (size_t)png_get_rowbytes(png, info));
    }
    for (int pass = 0; pass < passes; pass++) {
        for (png_uint_32 y = 0; y < height; y++) {
            png_read_row(png, picture->pixels + (size_t)y * width * 3, NULL);
        }
    }
    if (colour == PNG_COLOR_TYPE_PALETTE) look_up_rows(picture, png, info);
    png_read_end(png, NULL); /* up to IEND: a file without its end is cut */
    return GLIMPSE_OK;
}

static int decode_png(glimpse_image *picture, const glimpse_source *source) {
    int status = scan_chunks(&picture->meta, source);
    if (status < 0) return status;
    picture->pending_orientation = picture->meta.orientation;
    reader r = {source->data, source->size, 0, GLIMPSE_E_FORMAT, NULL};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return glimpse_fail_nomem(0, "a PNG decoder");
    }
    png_set_read_fn(png, &r, read_bytes);
    volatile int result;
    if (setjmp(png_jmpbuf(png))) {
        result = r.status;
    } else {
        result = decode(png, info, picture, source, &r);
    }
    free(r.rgba);
    png_destroy_read_struct(&png, &info, NULL);
    return result;
}

static unsigned sniff(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "\x89PNG\r\n\x1a\n");
}

static glimpse_declared declared(const uint8_t *p, size_t size) {
    if (size < 26) return glimpse_declares_nothing();
    return (glimpse_declared){glimpse_u32be(p + 16), glimpse_u32be(p + 20), p[24] == 16 ? 19 : 11,
                              0};
}

const glimpse_format glimpse_format_png = {
    .name = "PNG",
    .endings = "png apng",
    .media_type = "image/png",
    .sniff = sniff,
    .decode = decode_png,
    .declared = declared,
    .lossless = glimpse_always_lossless,
    .identify = identify,
};
