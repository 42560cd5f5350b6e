/*
 * image/decode/decode_jpeg.c - JPEG through libjpeg-turbo, with the settings Pillow uses.
 *
 * Settings that decide the pixels: accurate integer IDCT, triangle-filter chroma upsampling
 * (libjpeg calls it fancy), libjpeg's own guess of the colour space from the Adobe and JFIF
 * markers. Four-component files are taken to be inverted (Adobe's convention, followed by every
 * writer in the wild), then turned to RGB as Pillow does.
 *
 * Reduced decoding (glimpse_decode_options.short_side) leaves out the high frequencies of every
 * block of 8 x 8 and transforms it to 4 x 4, 2 x 2 or 1 pixel: the entropy decoding stays, most of
 * the rest goes.
 *
 * What counts as broken. libjpeg goes on after almost any damage and counts warnings. As in Pillow,
 * damage inside the data is tolerated (a photo with a grey stripe can still be found), but a file
 * that ends too early is refused. One deliberate difference: when only the end marker is missing
 * and every pixel was there, the picture is accepted; Pillow refuses it. Of a file with several
 * scans that means all bits of all coefficients, because a scan may follow that refines them. An
 * arithmetic decoder makes up zeros behind the end, because its encoder leaves them out, and every
 * beginning of its data is data of some picture: there no pixel may have needed one, which in
 * practice takes the end marker.
 *
 * What counts as hostile. A progressive file of 200 KB can hold a thousand scans that each visit
 * every pixel. Scans times pixels is bounded (MAX_WORK), which costs no honest file anything:
 * encoders write about ten scans.
 */
#include "core/error.h"
#include "image/decode/decoder.h"
#include "image/decode/identity.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

/* Pixels visited by all scans together: about a second of work. */
#define MAX_WORK UINT64_C(2000000000)
/* ... but this many scans are always fine, so that large honest files pass. */
enum { ALWAYS_SCANS = 32 };

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    int status;         /* set before the jump */
    int ended_early;    /* the bytes ran out */
    int pixels_missing; /* ... and pixels had to be made up */
    int in_scans;       /* the headers have been read */
    const glimpse_source *source;
} decoder;

static decoder *decoder_of(j_common_ptr jpeg) {
    return jpeg->client_data;
}

static const char ends_early[] = "the file ends before the picture does";

/* Of a marker that libjpeg does not know: what kind of coding begins with it; NULL: it is damage.
 */
static const char *coding_of(int marker) {
    switch (marker) {
    case 0xf7: return "coded as JPEG-LS, which cannot be decoded";
    case 0xde:
    case 0xdf: return "a hierarchical JPEG, which cannot be decoded";
    default: return NULL;
    }
}

static _Noreturn void on_error(j_common_ptr jpeg) {
    decoder *d = decoder_of(jpeg);
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    /* Behind the end libjpeg sees an end mark, and takes its bytes for what it was looking for. */
    const int ended = d->ended_early && jpeg->err->msg_code != JERR_OUT_OF_MEMORY;
    if (ended) (void)snprintf(message, sizeof message, "%s", ends_early);
    int code = ended ? JERR_NO_IMAGE : jpeg->err->msg_code;
    const char *coding =
        code == JERR_UNKNOWN_MARKER && !d->in_scans ? coding_of(jpeg->err->msg_parm.i[0]) : NULL;
    if (coding) {
        (void)snprintf(message, sizeof message, "%s", coding);
        code = JERR_SOF_UNSUPPORTED;
    }
    switch (code) {
    case JERR_OUT_OF_MEMORY: d->status = GLIMPSE_E_NOMEM; break;
    case JERR_IMAGE_TOO_BIG: d->status = GLIMPSE_E_LIMIT; break;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED: d->status = GLIMPSE_E_UNSUPPORTED; break;
    default: d->status = GLIMPSE_E_FORMAT; break;
    }
    (void)glimpse_fail(d->status, "JPEG: %s", glimpse_foreign_message(message, "damaged"));
    longjmp(d->escape, 1);
}

static void on_message(j_common_ptr jpeg, int level) {
    decoder *d = decoder_of(jpeg);
    if (level >= 0) return; /* trace output */
    jpeg->err->num_warnings++;
    if (jpeg->err->msg_code == JWRN_JPEG_EOF) {
        d->ended_early = 1;
        if (d->in_scans && d->jpeg.arith_code && d->jpeg.input_iMCU_row < d->jpeg.total_iMCU_rows) {
            d->pixels_missing = 1;
        }
    }
    if (jpeg->err->msg_code == JWRN_HIT_MARKER && d->ended_early) d->pixels_missing = 1;
}

static void print_nothing(j_common_ptr jpeg) {
    (void)jpeg;
}

static void on_progress(j_common_ptr common) {
    decoder *d = decoder_of(common);
    const int scan = d->jpeg.input_scan_number;
    const uint64_t pixels = (uint64_t)d->jpeg.image_width * d->jpeg.image_height;
    if (scan > ALWAYS_SCANS && (uint64_t)scan * pixels > MAX_WORK) {
        d->status = glimpse_fail(GLIMPSE_E_LIMIT,
                                 "JPEG: more than %d scans over %u x %u pixels, which no encoder "
                                 "writes: refused as an attempt to burn time",
                                 scan - 1, d->jpeg.image_width, d->jpeg.image_height);
        longjmp(d->escape, 1);
    }
}

/* One row of inverted CMYK to RGB. */
static void cmyk_row(uint8_t *rgb, const uint8_t *cmyk, size_t width) {
    for (size_t x = 0; x < width; x++, rgb += 3, cmyk += 4) {
        const unsigned k = 255u - cmyk[3];
        rgb[0] = glimpse_cmyk_channel(255u - cmyk[0], k);
        rgb[1] = glimpse_cmyk_channel(255u - cmyk[1], k);
        rgb[2] = glimpse_cmyk_channel(255u - cmyk[2], k);
    }
}

static void grey_row(uint8_t *rgb, const uint8_t *grey, size_t width) {
    for (size_t x = 0; x < width; x++, rgb += 3)
        rgb[0] = rgb[1] = rgb[2] = grey[x];
}

/* Reads the rows into `picture`, upright. Memory comes from libjpeg's pool, so that a jump does
 * not leak it. */
static int read_rows(decoder *d, glimpse_image *picture, size_t width, size_t height,
                     int pending_orientation) {
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    const size_t stride = width * 3;
    JSAMPROW sample_row = NULL; /* grey and CMYK go through a row of their own */
    uint8_t *band = NULL;
    if (jpeg->out_color_space != JCS_RGB) {
        const size_t bytes = width * (size_t)jpeg->output_components;
        sample_row = jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE, bytes);
    }
    if (pending_orientation > 1) {
        band =
            jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE, stride * GLIMPSE_ORIENT_BAND);
    }
    size_t in_band = 0;
    for (size_t y = 0; y < height; y++) {
        uint8_t *rgb = band ? band + in_band * stride : picture->pixels + y * stride;
        JSAMPROW target = sample_row ? sample_row : rgb;
        if (jpeg_read_scanlines(jpeg, &target, 1) != 1) {
            return glimpse_fail(GLIMPSE_E_INTERNAL, "JPEG: libjpeg gives no more rows");
        }
        if (d->pixels_missing) return GLIMPSE_OK; /* no use going on */
        if (jpeg->out_color_space == JCS_CMYK) cmyk_row(rgb, target, width);
        if (jpeg->out_color_space == JCS_GRAYSCALE) grey_row(rgb, target, width);
        if (band && (++in_band == GLIMPSE_ORIENT_BAND || y + 1 == height)) {
            glimpse_orient_rows(picture->pixels, band, width, height, y + 1 - in_band, in_band,
                                pending_orientation);
            in_band = 0;
        }
    }
    return GLIMPSE_OK;
}

/* What of a reduced picture is picture: libjpeg rounds sizes up, so the last pixel of a stored row
 * or column may be partly outside, and turning upright may make it the first. */
static void note_whole_size(glimpse_image *picture, const struct jpeg_decompress_struct *jpeg,
                            int pending_orientation) {
    const double by = (double)jpeg->scale_denom / jpeg->scale_num;
    const glimpse_axis stored_x = {jpeg->output_width, 0.0, jpeg->image_width / by};
    const glimpse_axis stored_y = {jpeg->output_height, 0.0, jpeg->image_height / by};
    glimpse_axis *across = &picture->across, *down = &picture->down;
    *across = pending_orientation >= 5 ? stored_y : stored_x;
    *down = pending_orientation >= 5 ? stored_x : stored_y;
    if (pending_orientation == 2 || pending_orientation == 3 || pending_orientation == 6 ||
        pending_orientation == 7)
        across->from = across->size - across->span;
    if (pending_orientation == 3 || pending_orientation == 4 || pending_orientation == 7 ||
        pending_orientation == 8)
        down->from = down->size - down->span;
    picture->whole_width = pending_orientation >= 5 ? jpeg->image_height : jpeg->image_width;
    picture->whole_height = pending_orientation >= 5 ? jpeg->image_width : jpeg->image_height;
}

/* Of a file with several scans: whether all there can be has come. */
static int has_all_scans(const struct jpeg_decompress_struct *jpeg) {
    for (int c = 0; c < jpeg->num_components; c++) {
        if (!jpeg->comp_info[c].quant_table) return 0; /* kept when the first scan begins */
        for (int k = 0; jpeg->progressive_mode && k < DCTSIZE2; k++) {
            if (jpeg->coef_bits[c][k] != 0) return 0;
        }
    }
    return 1;
}

/* Everything that may jump. `d->jpeg` is destroyed by the caller. */
static int decode(decoder *d, glimpse_image *picture) {
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &d->progress;
    jpeg_mem_src(jpeg, d->source->data, (unsigned long)d->source->size);
    (void)jpeg_read_header(jpeg, TRUE);

    int status = glimpse_picture_check_size(d->source, jpeg->image_width, jpeg->image_height);
    if (status < 0) return status;
    switch (jpeg->num_components) {
    case 1: jpeg->out_color_space = JCS_GRAYSCALE; break;
    case 3: jpeg->out_color_space = JCS_RGB; break;
    case 4: jpeg->out_color_space = JCS_CMYK; break;
    default:
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "JPEG: %d components", jpeg->num_components);
    }
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->do_fancy_upsampling = TRUE;
    jpeg->scale_num = 1;
    jpeg->scale_denom = glimpse_picture_reduction(d->source, jpeg->image_width, jpeg->image_height);
    picture->meta.orientation = picture->pending_orientation = picture->stated_orientation;

    d->in_scans = 1;
    (void)jpeg_start_decompress(jpeg); /* reads all scans of a progressive file */
    if (jpeg_has_multiple_scans(jpeg) && d->ended_early && !has_all_scans(jpeg)) {
        d->pixels_missing = 1;
    }
    if (d->pixels_missing) return GLIMPSE_OK; /* the caller refuses it */
    const size_t width = jpeg->output_width, height = jpeg->output_height;
    const int pending_orientation = picture->pending_orientation;
    status = glimpse_picture_reserve(picture, d->source, pending_orientation >= 5 ? height : width,
                                     pending_orientation >= 5 ? width : height);
    if (status < 0) return status;
    note_whole_size(picture, jpeg, pending_orientation);
    status = read_rows(d, picture, width, height, pending_orientation);
    picture->pending_orientation = 1;
    return status;
}

static int decode_jpeg(glimpse_image *picture, const glimpse_source *source) {
    decoder *d = calloc(1, sizeof *d);
    if (!d) return glimpse_fail_nomem(sizeof *d, "a JPEG decoder");
    d->source = source;
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->jpeg.client_data = d;
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->errors.output_message = print_nothing;
    d->progress.progress_monitor = on_progress;
    int status;
    if (setjmp(d->escape)) {
        status = d->status;
    } else {
        status = decode(d, picture);
        if (status == GLIMPSE_OK && d->pixels_missing) {
            status = glimpse_fail(GLIMPSE_E_FORMAT, "JPEG: %s",
                                  d->jpeg.arith_code
                                      ? "no end mark, without which nothing tells whether "
                                        "arithmetic coded pixels are missing"
                                      : ends_early);
        }
    }
    jpeg_destroy_decompress(&d->jpeg);
    free(d);
    return status;
}

static unsigned sniff(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "\xff\xd8\xff");
}

/* Pixels and a turned copy; progressive files keep all coefficients as well (2 bytes each, and up
 * to four components). */
static glimpse_declared declared(const uint8_t *p, size_t size) {
    size_t at = 2;
    while (at + 4 <= size) {
        if (p[at] != 0xff) {
            at++;
            continue;
        }
        const unsigned marker = p[at + 1];
        if (marker == 0xff) {
            at++;
            continue;
        }
        if (marker <= 1 || (marker >= 0xd0 && marker <= 0xd8)) {
            at += 2;
            continue;
        }
        const int is_frame =
            marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (is_frame) {
            if (at + 9 > size) break;
            const int sequential = marker == 0xc0 || marker == 0xc1;
            return (glimpse_declared){glimpse_u16be(p + at + 7), glimpse_u16be(p + at + 5),
                                      sequential ? 6 : 14, 0};
        }
        if (marker == 0xd9 || marker == 0xda) break;
        at += 2 + (size_t)glimpse_u16be(p + at + 2);
    }
    return (glimpse_declared){.bytes_per_pixel = 6}; /* no frame: nothing to decode */
}

const glimpse_format glimpse_format_jpeg = {
    .name = "JPEG",
    .endings = "jpg jpeg jpe jfif jif mpo",
    .media_type = "image/jpeg",
    .sniff = sniff,
    .decode = decode_jpeg,
    .reducible = 1,
    .declared = declared,
    .identify = glimpse_identify_jpeg,
    .has_end = 1,
};
