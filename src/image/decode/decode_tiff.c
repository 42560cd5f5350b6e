/*
 * image/decode/decode_tiff.c - the first page of a TIFF, through libtiff. Optional.
 *
 * Two ways to pixels. The common layouts (interleaved samples of 1 to 16 bits: grey, palette, RGB,
 * CMYK, and YCbCr inside JPEG) are read as stored and converted here, as Pillow does: high byte of
 * 16 bits, alpha dropped, associated alpha divided out. Everything else goes through libtiff's own
 * conversion to RGBA (uncompressed YCbCr, Lab, separate planes, old-style JPEG).
 *
 * Camera raw files that are TIFFs hold a small preview as their first page. Showing that as the
 * picture would be a quiet lie, so they are recognised and refused by name.
 */
#include "image/decode/decoder.h"
#include "image/decode/identity.h"
#include "image/depth.h"

#ifdef GLIMPSE_HAVE_TIFF

# include "core/error.h"

# include <stdarg.h>
# include <stdio.h>
# include <stdlib.h>

# include <tiffio.h>

typedef struct reader {
    const glimpse_source *source;
    uint64_t at;
    char message[256]; /* libtiff's last complaint, "" when it had none */
    int no_memory;
} reader;

/* How the stored samples become bytes. */
typedef struct layout {
    uint32_t width, height;
    uint16_t bits, samples, photometric;
    int unpremultiply;
    glimpse_depth *depth; /* NULL: not wanted */
    int alpha;            /* the sample that is the opacity; 0: none is wanted, or none is there */
    uint8_t palette[256][3];
} layout;

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t count) {
    reader *r = handle;
    const uint64_t left = r->at < r->source->size ? r->source->size - r->at : 0;
    uint64_t wanted = count > 0 ? (uint64_t)count : 0;
    if (wanted > left) wanted = left;
    memcpy(to, r->source->data + (r->at < r->source->size ? r->at : 0), (size_t)wanted);
    r->at += wanted;
    return (tmsize_t)wanted;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t count) {
    (void)handle;
    (void)from;
    (void)count;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    reader *r = handle;
    if (whence == SEEK_SET) r->at = offset;
    if (whence == SEEK_CUR) r->at += offset;
    if (whence == SEEK_END) r->at = r->source->size + offset;
    return r->at;
}

static int close_nothing(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle) {
    const reader *r = handle;
    return r->source->size;
}

GLIMPSE_PRINTF(4, 0)
static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list args) {
    reader *r = user;
    (void)tiff;
    (void)module;
    (void)vsnprintf(r->message, sizeof r->message, format, args);
    return 1; /* handled: nothing is printed */
}

GLIMPSE_PRINTF(4, 0)
static int on_warning(TIFF *tiff, void *user, const char *module, const char *format,
                      va_list args) {
    (void)tiff;
    (void)user;
    (void)module;
    (void)format;
    (void)args;
    return 1;
}

static int damaged(const reader *r) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "TIFF: %s",
                        glimpse_foreign_message(r->message, "the file is damaged"));
}

static int refuse_raw(TIFF *tiff) {
    uint8_t *version = NULL;
    uint16_t subdirectories = 0;
    void *offsets = NULL;
    uint32_t kind = 0;
    const int preview =
        TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind) && (kind & FILETYPE_REDUCEDIMAGE) != 0;
    if (TIFFGetField(tiff, TIFFTAG_DNGVERSION, &version) ||
        (preview && TIFFGetField(tiff, TIFFTAG_SUBIFD, &subdirectories, &offsets))) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "camera raw pictures cannot be decoded by this build");
    }
    return GLIMPSE_OK;
}

/* The first extra sample when it is one of opacity, of colours that are whole (or made so). */
static int alpha_sample(const layout *l, int colours, uint16_t extras, const uint16_t *kinds) {
    if (extras < 1 || !kinds || l->samples != colours + extras) return 0;
    int is_alpha = kinds[0] == EXTRASAMPLE_UNASSALPHA ||
                   (kinds[0] == EXTRASAMPLE_ASSOCALPHA && l->unpremultiply);
    return is_alpha ? colours : 0;
}

/* 1 when the layout is one that store_row() knows. */
static int read_layout(layout *l, TIFF *tiff) {
    uint16_t planar, format, compression, extras = 0, inks = 0, *kinds = NULL;
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &l->bits);
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &l->samples);
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extras, &kinds);
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &l->photometric)) {
        l->photometric = l->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    }
    if (planar != PLANARCONFIG_CONTIG && l->samples > 1) return 0;
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) return 0;
    const int wide = l->bits == 8 || l->bits == 16;
    switch (l->photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
        l->alpha = alpha_sample(l, 1, extras, kinds);
        return wide || (l->samples == 1 && (l->bits == 1 || l->bits == 2 || l->bits == 4));
    case PHOTOMETRIC_PALETTE: {
        uint16_t *map[3];
        if (l->bits > 8 || (l->bits != 8 && l->samples != 1)) return 0;
        if (l->bits != 1 && l->bits != 2 && l->bits != 4 && l->bits != 8) return 0;
        if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2])) return 0;
        const int colours = 1 << l->bits;
        unsigned top = 0;
        for (int i = 0; i < colours * 3; i++)
            top |= map[i / colours][i % colours];
        for (int i = 0; i < colours; i++) {
            for (int c = 0; c < 3; c++) { /* some writers put 8-bit values there */
                l->palette[i][c] = (uint8_t)(top > 255 ? map[c][i] >> 8 : map[c][i]);
            }
        }
        return 1;
    }
    case PHOTOMETRIC_RGB:
        l->unpremultiply = l->bits == 8 && l->samples == 4 && extras == 1 && kinds &&
                           kinds[0] == EXTRASAMPLE_ASSOCALPHA;
        l->alpha = alpha_sample(l, 3, extras, kinds);
        return wide && l->samples >= 3;
    case PHOTOMETRIC_SEPARATED:
        (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &inks);
        return wide && l->samples >= 4 && (inks == 0 || inks == INKSET_CMYK);
    case PHOTOMETRIC_YCBCR:
        if (compression != COMPRESSION_JPEG || l->bits != 8 || l->samples != 3) return 0;
        return TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    default: return 0;
    }
}

/* Sample i of a row as a byte (palette: as an index). */
static unsigned sample_at(const layout *l, const uint8_t *row, size_t i) {
    if (l->bits == 8) return row[i];
    if (l->bits == 16) {
        uint16_t value; /* libtiff has put it into the machine's order */
        memcpy(&value, row + i * 2, 2);
        return value >> 8;
    }
    const size_t bit = i * l->bits;
    const unsigned top = (1u << l->bits) - 1;
    const unsigned value = row[bit / 8] >> (8 - l->bits - bit % 8) & top;
    return l->photometric == PHOTOMETRIC_PALETTE ? value : value * 255 / top;
}

/* The colours' samples, without what is beside them. */
static void add_depth(const layout *l, const uint8_t *row, size_t pixels) {
    const unsigned colours = l->photometric == PHOTOMETRIC_SEPARATED ? 4
                             : l->photometric == PHOTOMETRIC_RGB     ? 3
                                                                     : 1;
    for (size_t x = 0; x < pixels; x++) {
        uint16_t samples[4] = {0};
        memcpy(samples, row + 2 * x * l->samples, 2 * (size_t)colours);
        glimpse_depth_add(l->depth, samples, colours, 16);
    }
}

/* To `pixels` pixels of the picture from number `to` on. */
static void store_row(const layout *l, glimpse_image *picture, size_t to, const uint8_t *row,
                      size_t pixels) {
    uint8_t *rgb = picture->pixels + to * 3;
    if (l->depth && l->bits == 16) add_depth(l, row, pixels);
    for (size_t x = 0; picture->alpha && x < pixels; x++)
        picture->alpha[to + x] = (uint8_t)sample_at(l, row, x * l->samples + (size_t)l->alpha);
    for (size_t x = 0; x < pixels; x++, rgb += 3) {
        const size_t at = x * l->samples;
        switch (l->photometric) {
        case PHOTOMETRIC_MINISWHITE: memset(rgb, (int)(255 - sample_at(l, row, at)), 3); break;
        case PHOTOMETRIC_MINISBLACK: memset(rgb, (int)sample_at(l, row, at), 3); break;
        case PHOTOMETRIC_PALETTE: memcpy(rgb, l->palette[sample_at(l, row, at)], 3); break;
        case PHOTOMETRIC_SEPARATED: {
            const unsigned k = sample_at(l, row, at + 3);
            for (size_t c = 0; c < 3; c++) {
                rgb[c] = glimpse_cmyk_channel(sample_at(l, row, at + c), k);
            }
            break;
        }
        default:
            for (size_t c = 0; c < 3; c++)
                rgb[c] = (uint8_t)sample_at(l, row, at + c);
            if (l->unpremultiply && row[at + 3] != 255) {
                const unsigned alpha = row[at + 3];
                for (int c = 0; c < 3; c++) {
                    const unsigned value = alpha ? rgb[c] * 255u / alpha : 0;
                    rgb[c] = (uint8_t)(value > 255 ? 255 : value);
                }
            }
            break;
        }
    }
}

/* Bytes that `pixels` stored pixels take. */
static uint64_t packed_bytes(const layout *l, uint64_t pixels) {
    return (pixels * l->samples * l->bits + 7) / 8;
}

static int decode_rows(glimpse_image *picture, TIFF *tiff, const layout *l, const reader *r) {
    const tmsize_t bytes = TIFFScanlineSize(tiff);
    if (bytes <= 0 || (uint64_t)bytes < packed_bytes(l, l->width)) return damaged(r);
    uint8_t *row = calloc(1, (size_t)bytes);
    if (!row) return glimpse_fail_nomem((uint64_t)bytes, "a TIFF row");
    int status = GLIMPSE_OK;
    for (uint32_t y = 0; y < l->height && status == GLIMPSE_OK; y++) {
        if (TIFFReadScanline(tiff, row, y, 0) < 0) {
            status = damaged(r);
        } else {
            store_row(l, picture, (size_t)y * l->width, row, l->width);
        }
    }
    free(row);
    return status;
}

static int decode_tiles(glimpse_image *picture, TIFF *tiff, const layout *l, const reader *r) {
    uint32_t tile_w = 0, tile_h = 0;
    (void)TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_w);
    (void)TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_h);
    const tmsize_t bytes = TIFFTileSize(tiff), row_bytes = TIFFTileRowSize(tiff);
    if (tile_w == 0 || tile_h == 0 || bytes <= 0 || row_bytes <= 0 ||
        (uint64_t)row_bytes < packed_bytes(l, tile_w) ||
        (uint64_t)bytes / (uint64_t)row_bytes < tile_h) {
        return damaged(r);
    }
    int status = glimpse_picture_check_size(r->source, tile_w, tile_h);
    if (status < 0) return status;
    uint8_t *tile = calloc(1, (size_t)bytes);
    if (!tile) return glimpse_fail_nomem((uint64_t)bytes, "a TIFF tile");
    for (uint64_t y = 0; y < l->height; y += tile_h) {
        for (uint64_t x = 0; x < l->width; x += tile_w) {
            if (TIFFReadTile(tiff, tile, (uint32_t)x, (uint32_t)y, 0, 0) < 0) {
                status = damaged(r);
                goto done;
            }
            const uint64_t columns = l->width - x < tile_w ? l->width - x : tile_w;
            const uint64_t rows = l->height - y < tile_h ? l->height - y : tile_h;
            for (uint64_t i = 0; i < rows; i++) {
                store_row(l, picture, (size_t)((y + i) * l->width + x),
                          tile + i * (uint64_t)row_bytes, (size_t)columns);
            }
        }
    }
done:
    free(tile);
    return status;
}

/* libtiff's conversion, asked for in stored orientation so that it turns nothing. */
static int decode_by_libtiff(glimpse_image *picture, TIFF *tiff, reader *r) {
    char why[1024] = "";
    uint16_t stored;
    if (!TIFFRGBAImageOK(tiff, why)) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "TIFF: %s", why);
    }
    const size_t pixels = (size_t)picture->width * picture->height;
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &stored);
    uint32_t *raster = calloc(pixels, sizeof *raster);
    if (!raster) return glimpse_fail_nomem((uint64_t)pixels * 4, "a TIFF picture");
    int status = GLIMPSE_OK;
    if (!TIFFReadRGBAImageOriented(tiff, picture->width, picture->height, raster, stored, 1)) {
        status = damaged(r);
    } else {
        for (size_t i = 0; i < pixels; i++) {
            picture->pixels[i * 3] = (uint8_t)TIFFGetR(raster[i]);
            picture->pixels[i * 3 + 1] = (uint8_t)TIFFGetG(raster[i]);
            picture->pixels[i * 3 + 2] = (uint8_t)TIFFGetB(raster[i]);
        }
    }
    free(raster);
    return status;
}

static void read_page_tags(glimpse_image_meta *meta, TIFF *tiff) {
    uint16_t orientation = 1;
    if (TIFFGetField(tiff, TIFFTAG_ORIENTATION, &orientation) && orientation >= 1 &&
        orientation <= 8) {
        meta->orientation = orientation;
    }
}

static int decode(glimpse_image *picture, TIFF *tiff, reader *r) {
    layout l = {0};
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &l.width) ||
        !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &l.height)) {
        return damaged(r);
    }
    int status = refuse_raw(tiff);
    if (status < 0) return status;
    status = glimpse_picture_reserve(picture, r->source, l.width, l.height);
    if (status < 0) return status;
    read_page_tags(&picture->meta, tiff);
    picture->pending_orientation = picture->meta.orientation;
    r->message[0] = '\0'; /* complaints about tags do not count */
    int known = read_layout(&l, tiff);
    l.depth = r->source->depth;
    if (known && l.alpha && r->source->composite) status = glimpse_picture_reserve_alpha(picture);
    if (status < 0) return status;
    if (!known) {
        status = decode_by_libtiff(picture, tiff, r);
    } else if (TIFFIsTiled(tiff)) {
        status = decode_tiles(picture, tiff, &l, r);
    } else {
        status = decode_rows(picture, tiff, &l, r);
    }
    /* Some codecs complain about damaged data and go on. */
    if (status == GLIMPSE_OK && r->message[0]) status = damaged(r);
    return status;
}

static TIFF *open_tiff(reader *r) {
    const glimpse_source *source = r->source;
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    r->no_memory = options == NULL;
    if (!options) return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, r);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, NULL);
    /* A strip may be the whole picture at 16 bits RGBA; nothing honest is larger. */
    const uint64_t max = source->max_pixels < (UINT64_C(1) << 40)
                             ? source->max_pixels * 8 + (1 << 20)
                             : UINT64_C(1) << 43;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)max);
    /* "m": no memory mapping, the bytes are in memory already; "O" is not asked for, so that a
     * damaged list of strips is found when opening. */
    TIFF *tiff = TIFFClientOpenExt("picture", "rm", r, read_bytes, write_nothing, seek,
                                   close_nothing, size_of, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static int decode_tiff(glimpse_image *picture, const glimpse_source *source) {
    reader r = {.source = source};
    TIFF *tiff = open_tiff(&r);
    if (!tiff) return r.no_memory ? glimpse_fail_nomem(0, "a TIFF decoder") : damaged(&r);
    int status = GLIMPSE_OK;
    if (source->page > 0 && !TIFFSetDirectory(tiff, (tdir_t)source->page)) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "TIFF: there is no page %u", source->page + 1);
    }
    if (status == GLIMPSE_OK) status = decode(picture, tiff, &r);
    TIFFClose(tiff);
    return status;
}

#endif /* GLIMPSE_HAVE_TIFF */

static unsigned sniff(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "II*\0") | glimpse_has(p, size, 0, "MM\0*") |
           glimpse_has(p, size, 0, "II+\0") | glimpse_has(p, size, 0, "MM\0+"); /* BigTIFF */
}

/* Numbers in a TIFF, either way around. */
static uint64_t number(const uint8_t *p, unsigned bytes, int big) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[big ? i : bytes - 1 - i];
    return value;
}

/* Width and height of the first directory. BigTIFF has wider counts, offsets and entries. */
static glimpse_declared declared(const uint8_t *p, size_t size) {
    glimpse_declared found = {.bytes_per_pixel = 12, .unknown = 1};
    if (size < 16) return found;
    const int big = p[0] == 'M', wide = number(p + 2, 2, big) == 43;
    const unsigned count_bytes = wide ? 8 : 2, entry_bytes = wide ? 20 : 12;
    const unsigned value_at = wide ? 12 : 8;
    const uint64_t start = wide ? number(p + 8, 8, big) : number(p + 4, 4, big);
    if (start > size || size - start < count_bytes) return found;
    const uint64_t count = number(p + start, count_bytes, big);
    const uint64_t capacity = (size - start - count_bytes) / entry_bytes;
    for (uint64_t i = 0; i < count && i < capacity; i++) {
        const uint8_t *entry = p + start + count_bytes + i * entry_bytes;
        const uint64_t tag = number(entry, 2, big), type = number(entry + 2, 2, big);
        if (tag != 256 && tag != 257) continue;
        const unsigned bytes = type == 3 ? 2 : type == 16 && wide ? 8 : 4;
        const uint64_t value = number(entry + value_at, bytes, big);
        if (tag == 256) found.width = value;
        if (tag == 257) found.height = value;
        found.unknown = 0;
    }
    return found;
}

const glimpse_format glimpse_format_tiff = {
    .name = "TIFF",
    .endings = "tif tiff",
    .sniff = sniff,
#ifdef GLIMPSE_HAVE_TIFF
    .decode = decode_tiff,
#endif
    .declared = declared,
    .lossless = glimpse_always_lossless,
    .identify = glimpse_identify_tiff,
};
