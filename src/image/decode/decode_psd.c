/*
 * image/decode/decode_psd.c - the merged picture of Photoshop files (PSD and, for large pictures,
 * PSB).
 *
 * Our own, because stb_image reads only RGB, un-multiplies alpha (Pillow does not), and takes cut
 * files for whole. Channels are planes, one after the other:
 *
 *     "8BPS", version, 6 bytes, channels (16 bits), height, width (32), depth, mode (16)
 *     palette | resources | layers, each with its length in front (layers in PSB: 8 bytes)
 *     compression (16 bits): 0 plain, 1 PackBits with a table of row lengths in front
 *     first plane, second plane, ...
 *
 * Ink channels are stored inverted (255 = no ink). Duotone is shown as the grey it is stored as.
 * The colours of a picture with an opacity are stored as they look over white.
 */
#include "core/error.h"
#include "image/decode/decoder.h"
#include "image/decode/identity.h"
#include "image/depth.h"

#include <stdlib.h>

enum { BITMAP = 0, GREY = 1, INDEXED = 2, RGB = 3, CMYK = 4, MULTICHANNEL = 7, DUOTONE = 8 };

typedef struct psd {
    const uint8_t *at, *end;
    int large; /* PSB */
    unsigned channels, depth, mode, planes;
    int has_alpha; /* the plane behind the colours is the opacity */
    size_t width, height, row_bytes;
    const uint8_t *palette; /* 256 reds, 256 greens, 256 blues, or NULL */
} psd;

static int cut(void) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "PSD: the file ends before the picture does");
}

/* Skips a section whose length is in front of it. */
static int skip_section(psd *p, int wide, const uint8_t **body, size_t *length) {
    const size_t field = wide ? 8 : 4;
    if ((size_t)(p->end - p->at) < field) return cut();
    uint64_t bytes = glimpse_u32be(p->at);
    if (wide) bytes = bytes << 32 | glimpse_u32be(p->at + 4);
    p->at += field;
    if (bytes > (uint64_t)(p->end - p->at)) return cut();
    if (body) *body = p->at;
    if (length) *length = (size_t)bytes;
    p->at += bytes;
    return GLIMPSE_OK;
}

/* One row as stored into plain bytes, one per sample or, for bitmaps, one per 8 samples. */
static int unpack_row(uint8_t *to, size_t wanted, const uint8_t *from, size_t length) {
    const uint8_t *end = from + length;
    size_t used = 0;
    while (used < wanted) {
        if (from == end) return cut();
        const unsigned code = *from++;
        if (code < 128) {
            const size_t count = code + 1u;
            if ((size_t)(end - from) < count) return cut();
            const size_t capacity = wanted - used < count ? wanted - used : count;
            memcpy(to + used, from, capacity);
            used += capacity;
            from += count;
        } else if (code > 128) {
            if (from == end) return cut();
            const size_t count = 257u - code;
            const size_t capacity = wanted - used < count ? wanted - used : count;
            memset(to + used, *from++, capacity);
            used += capacity;
        } /* 128 does nothing */
    }
    return GLIMPSE_OK;
}

/* A row of plane `plane` into the picture. Black comes last, when the colours are there. */
static void store_row(const psd *p, uint8_t *rgb, const uint8_t *row, unsigned plane) {
    const size_t step = p->depth == 16 ? 2 : 1; /* the high byte comes first */
    for (size_t x = 0; x < p->width; x++, rgb += 3) {
        const unsigned bit = (unsigned)row[x / 8] >> (7 - x % 8) & 1u;
        const unsigned sample = p->depth == 1 ? bit : row[x * step];
        switch (p->mode) {
        case BITMAP: memset(rgb, sample ? 0 : 255, 3); break;
        case INDEXED:
            for (unsigned c = 0; c < 3; c++) {
                rgb[c] = p->palette ? p->palette[c * 256 + sample] : (uint8_t)sample;
            }
            break;
        case RGB: rgb[plane] = (uint8_t)sample; break;
        case CMYK:
            if (plane < 3) {
                rgb[plane] = (uint8_t)(255 - sample);
            } else {
                for (int c = 0; c < 3; c++)
                    rgb[c] = glimpse_cmyk_channel(rgb[c], 255 - sample);
            }
            break;
        default: memset(rgb, (int)sample, 3); break;
        }
    }
}

/* A row of opacities; the colours, which lie over white, as they are without it. */
static void store_alpha(const psd *p, uint8_t *alpha, uint8_t *rgb, const uint8_t *row) {
    const size_t step = p->depth == 16 ? 2 : 1;
    for (size_t x = 0; x < p->width; x++) {
        const int opacity = row[x * step];
        alpha[x] = (uint8_t)opacity;
        for (size_t c = 3 * x; opacity > 0 && c < 3 * x + 3; c++) {
            const int own = 255 - ((255 - rgb[c]) * 255 + opacity / 2) / opacity;
            rgb[c] = (uint8_t)(own > 0 ? own : 0);
        }
    }
}

/* The first channel behind the colours is the opacity when the number of layers is negative; of a
 * file without layers, when it is the only one. */
static int has_alpha(const psd *p, const uint8_t *layers, size_t length) {
    const size_t field = p->large ? 8 : 4;
    if (p->channels <= p->planes || p->depth == 1) return 0;
    if (p->mode != GREY && p->mode != RGB && p->mode != CMYK && p->mode != DUOTONE) return 0;
    if (length < field + 2 ||
        (glimpse_u32be(layers) == 0 && glimpse_u32be(layers + field - 4) == 0)) {
        return p->channels == p->planes + 1;
    }
    return (layers[field] & 0x80) != 0;
}

static int read_header(psd *p, const glimpse_source *source) {
    if (source->size < 26) return cut();
    const uint8_t *head = source->data;
    const unsigned version = glimpse_u16be(head + 4);
    p->large = version == 2;
    p->channels = glimpse_u16be(head + 12);
    p->height = glimpse_u32be(head + 14);
    p->width = glimpse_u32be(head + 18);
    p->depth = glimpse_u16be(head + 22);
    p->mode = glimpse_u16be(head + 24);
    if (version != 1 && version != 2) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "PSD: version %u", version);
    }
    switch (p->mode) {
    case BITMAP:
    case GREY:
    case INDEXED:
    case MULTICHANNEL:
    case DUOTONE: p->planes = 1; break;
    case RGB: p->planes = 3; break;
    case CMYK: p->planes = 4; break;
    default:
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "PSD: colour mode %u%s cannot be decoded",
                            p->mode, p->mode == 9 ? " (Lab)" : "");
    }
    if ((p->depth == 1) != (p->mode == BITMAP) ||
        (p->depth != 1 && p->depth != 8 && p->depth != 16)) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "PSD: %u bits in colour mode %u", p->depth,
                            p->mode);
    }
    if (p->channels < p->planes || p->channels > 56) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "PSD: %u channels in colour mode %u", p->channels,
                            p->mode);
    }
    p->at = source->data + 26;
    p->end = source->data + source->size;
    const uint8_t *palette = NULL;
    size_t palette_bytes = 0;
    int status = skip_section(p, 0, &palette, &palette_bytes);
    if (status == GLIMPSE_OK && palette_bytes == 768) p->palette = palette;
    if (status == GLIMPSE_OK) status = skip_section(p, 0, NULL, NULL);
    const uint8_t *layers = NULL;
    size_t layers_bytes = 0;
    if (status == GLIMPSE_OK) status = skip_section(p, p->large, &layers, &layers_bytes);
    if (status == GLIMPSE_OK) p->has_alpha = has_alpha(p, layers, layers_bytes);
    return status;
}

static int decode_psd(glimpse_image *picture, const glimpse_source *source) {
    psd p = {0};
    uint8_t *row = NULL;
    int status = read_header(&p, source);
    if (status < 0) return status;
    status = glimpse_picture_check_size(source, p.width, p.height);
    if (status < 0) return status;
    p.row_bytes = p.depth == 1 ? (p.width + 7) / 8 : p.width * (p.depth / 8);
    if (p.end - p.at < 2) return cut();
    const unsigned compression = glimpse_u16be(p.at);
    p.at += 2;
    const uint8_t *lengths = p.at;
    const unsigned planes = p.planes + (unsigned)(source->composite && p.has_alpha);
    const size_t entry = p.large ? 4 : 2;
    if (compression == 0) {
        if ((uint64_t)(p.end - p.at) < (uint64_t)p.row_bytes * p.height * planes) return cut();
    } else if (compression == 1) {
        const uint64_t table = (uint64_t)p.channels * p.height * entry;
        if ((uint64_t)(p.end - p.at) < table) return cut();
        p.at += table;
    } else {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "PSD: compression %u cannot be decoded",
                            compression);
    }
    status = glimpse_picture_reserve(picture, source, p.width, p.height);
    if (status == GLIMPSE_OK && planes > p.planes) status = glimpse_picture_reserve_alpha(picture);
    if (status < 0) return status;
    row = malloc(p.row_bytes);
    if (!row) return glimpse_fail_nomem(p.row_bytes, "a PSD row");

    for (unsigned plane = 0; plane < planes; plane++) {
        for (size_t y = 0; y < p.height; y++) {
            size_t length = p.row_bytes;
            if (compression == 1) {
                length = p.large ? glimpse_u32be(lengths) : glimpse_u16be(lengths);
                lengths += entry;
            }
            if ((size_t)(p.end - p.at) < length) {
                status = cut();
                goto done;
            }
            if (compression == 1) {
                status = unpack_row(row, p.row_bytes, p.at, length);
                if (status < 0) goto done;
            }
            uint8_t *pixels = picture->pixels + y * p.width * 3;
            const uint8_t *stored = compression ? row : p.at;
            for (size_t x = 0; source->depth && p.depth == 16 && x < p.width; x++) {
                const uint16_t sample = (uint16_t)glimpse_u16be(stored + 2 * x);
                glimpse_depth_add(source->depth, &sample, 1, 16);
            }
            if (plane < p.planes) {
                store_row(&p, pixels, compression ? row : p.at, plane);
            } else {
                store_alpha(&p, picture->alpha + y * p.width, pixels, compression ? row : p.at);
            }
            p.at += length;
        }
    }
done:
    free(row);
    return status;
}

static unsigned sniff(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "8BPS");
}

static glimpse_declared declared(const uint8_t *p, size_t size) {
    if (size < 24) return glimpse_declares_nothing();
    return (glimpse_declared){glimpse_u32be(p + 18), glimpse_u32be(p + 14), 15, 0};
}

const glimpse_format glimpse_format_psd = {
    .name = "PSD",
    .endings = "psd psb",
    .sniff = sniff,
    .decode = decode_psd,
    .declared = declared,
    .lossless = glimpse_always_lossless,
    .identify = glimpse_identify_psd,
};
