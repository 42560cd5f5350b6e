/*
 * image/decode/decode_png.c - PNG through libpng.
 *
 * stb_image would be smaller, but it checks no checksum, so that a damaged file passes as a
 * picture.
 *
 * The conversion to RGB is Pillow's: 16-bit samples keep their high byte, grey below 8 bits is
 * spread over 0..255, alpha and tRNS are dropped, gamma and profiles are ignored, and a palette
 * index without an entry is a grey of that value.
 *
 * Two passes over the file. The first, ours, walks the chunks and checks the checksums of those
 * that decide the picture, IDAT excepted. The second is libpng with checksums off,
 * because, like Pillow, we accept wrong IDAT checksums: zlib's own checksum over the pixels
 * tells whether they are whole. libpng is told to skip all chunks of text and profiles, so that
 * nothing but pixels is ever inflated by it.
 *
 * No pixel is behind the last IDAT chunk, so libpng reads up to there and then an IEND of ours:
 * what follows in the file may be missing or damaged. Where the file ends inside IDAT, the chunk is
 * given the length that is there, and libpng says whether the pixels are.
 */
#include "core/error.h"
#include "image/decode/decoder.h"
#include "image/decode/identity.h"
#include "image/depth.h"

#include <setjmp.h>
#include <stdlib.h>

#include <png.h>
#include <zlib.h>

typedef struct reader {
    const uint8_t *data;
    size_t at, size;  /* `size`: what of the file libpng sees before it sees our end */
    size_t length_at; /* where the length is of the IDAT chunk that the file ends in, or 0 */
    uint32_t length;  /* ... and what is there of that chunk */
    int is_cut;       /* the file ends before the chunk that follows the pixels */
    int64_t rows, rows_decoded; /* of all passes */
    int status;
    uint16_t *samples; /* a row of them, for the depth */
    uint8_t *rgba;     /* with alpha: [height][width][4]; here, because errors jump */
} reader;

static int check_sum(const uint8_t *chunk, size_t length) {
    const uint8_t *type = chunk + 4;
    if (crc32(0, type, (uInt)(length + 4)) == glimpse_u32be(chunk + 8 + length)) return GLIMPSE_OK;
    char name[5] = "????"; /* what is damaged may be the name itself */
    for (int i = 0; i < 4; i++) {
        if ((type[i] | 0x20) >= 'a' && (type[i] | 0x20) <= 'z') name[i] = (char)type[i];
    }
    return glimpse_fail(GLIMPSE_E_FORMAT, "PNG: wrong checksum of the %s chunk", name);
}

/* An IDAT chunk; `left` is what the file has behind its name. Returns whether it is all there. */
static int note_pixels(reader *r, size_t at, size_t length, size_t left) {
    if (length > left) {
        r->length_at = at;
        r->length = (uint32_t)left;
    }
    r->size = at + 8 + (length < left ? length : left);
    return left >= 4 && length <= left - 4;
}

/* Finds what of the file libpng is to see. */
static int scan_chunks(const glimpse_source *source, reader *r) {
    int have_pixels = 0, status;
    r->is_cut = 1;
    for (size_t at = 8; source->size - at >= 8;) {
        const uint8_t *chunk = source->data + at, *type = chunk + 4;
        const size_t length = glimpse_u32be(chunk), left = source->size - at - 8;
        const int is_whole = left >= 4 && length <= left - 4;
        const int is_pixels = memcmp(type, "IDAT", 4) == 0;
        if (is_pixels && r->is_cut) {
            have_pixels = 1;
            if (!note_pixels(r, at, length, left)) break;
        } else if (have_pixels) {
            r->is_cut = 0;
        } else if (is_whole) {
            r->size = at + 8 + length;
        }
        if (memcmp(type, "IEND", 4) == 0) {
            r->is_cut = 0;
            break;
        }
        if (!is_whole) {
            if (have_pixels && memcmp(type, "eXIf", 4) == 0) {
                return glimpse_fail(GLIMPSE_E_FORMAT,
                                    "PNG: the file ends inside its EXIF data, which may say how "
                                    "to turn the picture");
            }
            break;
        }
        if (!have_pixels && (type[0] & 0x20) == 0 && (status = check_sum(chunk, length)) < 0) {
            return status;
        }
        at += length + 12;
    }
    return GLIMPSE_OK;
}

static _Noreturn void on_error(png_structp png, png_const_charp message) {
    reader *r = png_get_error_ptr(png);
    r->status = strstr(message, "emory") ? GLIMPSE_E_NOMEM : GLIMPSE_E_FORMAT;
    /* libpng's words for its coming to another chunk while zlib wants more. */
    const int wants_more = strcmp(message, "Not enough image data") == 0;
    if (r->is_cut && wants_more && r->rows > 0 && r->rows_decoded == r->rows) {
        r->status = GLIMPSE_OK; /* what is missing is zlib's checksum */
        png_longjmp(png, 1);
    }
    const int ended = r->is_cut && r->at >= r->size && (wants_more || r->rows == 0);
    (void)glimpse_fail(r->status, "PNG: %s",
                       ended && r->status == GLIMPSE_E_FORMAT
                           ? "the file ends before the picture does"
                           : glimpse_foreign_message(message, "damaged"));
    png_longjmp(png, 1);
}

/* The last of libpng's transformations, which changes nothing. */
static void count_row(png_structp png, png_row_infop info, png_bytep row) {
    reader *r = png_get_user_transform_ptr(png);
    (void)info;
    (void)row;
    r->rows_decoded++;
}

/* From here on rows are counted. */
static void start_rows(png_structp png, png_infop info, reader *r) {
    const int64_t width = png_get_image_width(png, info);
    const int64_t height = png_get_image_height(png, info);
    const int interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
    if (!interlaced) r->rows = height;
    for (int pass = 0; interlaced && pass < PNG_INTERLACE_ADAM7_PASSES; pass++) {
        if (PNG_PASS_COLS(width, pass) > 0) r->rows += PNG_PASS_ROWS(height, pass);
    }
    png_set_user_transform_info(png, r, 0, 0);
    png_set_read_user_transform_fn(png, count_row);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

/* A checksum, which nobody looks at, and the last chunk. */
static const uint8_t our_end[] = {0,   0,   0,   0,   0,    0,    0,    0,
                                  'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};

static void read_bytes(png_structp png, png_bytep to, size_t count) {
    reader *r = png_get_io_ptr(png);
    for (; count > 0; count--, to++, r->at++) {
        if (r->at >= r->size + sizeof our_end) png_error(png, "damaged chunks");
        if (r->at >= r->size) {
            *to = our_end[r->at - r->size];
        } else if (r->length_at > 0 && r->at >= r->length_at && r->at < r->length_at + 4) {
            *to = (uint8_t)(r->length >> (8 * (r->length_at + 3 - r->at)));
        } else {
            const size_t stop = r->at < r->length_at ? r->length_at : r->size;
            const size_t step = stop - r->at < count ? stop - r->at : count;
            memcpy(to, r->data + r->at, step);
            to += step - 1;
            r->at += step - 1;
            count -= step - 1;
        }
    }
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
    start_rows(png, info, r);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != width * 4) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "PNG: libpng announces rows of %zu bytes",
                            (size_t)png_get_rowbytes(png, info));
    }
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < height; y++)
            png_read_row(png, r->rgba + y * width * 4, NULL);
    }
    return GLIMPSE_OK;
}

/* Samples of 16 bits as they are. As above, jumps. */
static int read_depth(png_structp png, png_infop info, const glimpse_source *source, reader *r) {
    png_set_strip_alpha(png);
    const int passes = png_set_interlace_handling(png);
    start_rows(png, info, r);
    png_read_update_info(png, info);
    const size_t height = png_get_image_height(png, info), bytes = png_get_rowbytes(png, info);
    const size_t kept = passes > 1 ? height : 1; /* interlaced: all rows together */
    r->rgba = malloc(kept * bytes);
    uint16_t *const samples = (r->samples = malloc(bytes + 2));
    if (!r->rgba || !samples) return glimpse_fail_nomem(kept * bytes, "pixels");
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < height; y++) {
            uint8_t *row = r->rgba + (kept > 1 ? y * bytes : 0);
            png_read_row(png, row, NULL);
            if (pass + 1 < passes) continue;
            for (size_t i = 0; i < bytes / 2; i++)
                samples[i] = (uint16_t)glimpse_u16be(row + 2 * i);
            glimpse_depth_add(source->depth, samples, bytes / 2, 16);
        }
    }
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
    if (source->depth) {
        return png_get_bit_depth(png, info) == 16 ? read_depth(png, info, source, r) : GLIMPSE_OK;
    }
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
    start_rows(png, info, r);
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
    return GLIMPSE_OK;
}

static int decode_png(glimpse_image *picture, const glimpse_source *source) {
    reader r = {.data = source->data, .size = 8, .status = GLIMPSE_E_FORMAT};
    int status = scan_chunks(source, &r);
    picture->meta.orientation = picture->pending_orientation = picture->stated_orientation;
    if (status < 0) return status;
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
    if (source->depth) {
        /* no pixels are wanted */
    } else if (result == GLIMPSE_OK && r.rgba) {
        glimpse_picture_split(picture, 0, r.rgba, (size_t)picture->width * picture->height);
    } else if (result == GLIMPSE_OK && png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE) {
        look_up_rows(picture, png, info);
    }
    free(r.rgba);
    free(r.samples);
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
    .identify = glimpse_identify_png,
    .has_end = 1,
};
