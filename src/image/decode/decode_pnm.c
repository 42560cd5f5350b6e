/*
 * image/decode/decode_pnm.c - PBM, PGM and PPM, plain and binary (P1 to P6), 8 and 16 bits.
 *
 * Our own, because stb_image reads only P5 and P6 and takes any maxval for 255 or 65535. Samples
 * are scaled by Pillow's formula, round(value / maxval * 255) with ties to even. Pillow
 * clips 16-bit grey to 255; that is a flaw of its conversion, not followed here. As there, only the
 * first picture of a file counts.
 */
#include "core/error.h"
#include "image/decode/decoder.h"
#include "image/depth.h"

#include <math.h>
#include <stdlib.h>

typedef struct reader {
    const uint8_t *at, *end;
} reader;

static int is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space_and_comments(reader *r) {
    while (r->at < r->end) {
        if (*r->at == '#') {
            while (r->at < r->end && *r->at != '\n' && *r->at != '\r')
                r->at++;
        } else if (is_space(*r->at)) {
            r->at++;
        } else {
            return;
        }
    }
}

/* A decimal number of at most 10 digits, ended by space, a comment or the end of the file. */
static int read_number(reader *r, uint64_t *out) {
    skip_space_and_comments(r);
    uint64_t value = 0;
    int count = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        if (++count > 10) return glimpse_fail(GLIMPSE_E_FORMAT, "PNM: a number is too long");
        value = value * 10 + (uint64_t)(*r->at++ - '0');
    }
    if (count == 0 && r->at == r->end) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "PNM: the file ends before the picture does");
    }
    if (count == 0 || (r->at < r->end && !is_space(*r->at) && *r->at != '#')) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "PNM: a number was expected");
    }
    *out = value;
    return GLIMPSE_OK;
}

/* Every sample value to its byte. `table` has 65536 entries; those above maxval are white. */
static void make_table(uint8_t *table, uint32_t maxval) {
    for (uint32_t v = 0; v < 65536; v++) {
        double scaled = nearbyint((double)v / (double)maxval * 255.0);
        table[v] = (uint8_t)(scaled > 255.0 ? 255.0 : scaled);
    }
}

static int cut(void) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "PNM: the file ends before the picture does");
}

static int decode_bits(reader *r, glimpse_image *picture) {
    const size_t width = picture->width, stride = (width + 7) / 8;
    if ((uint64_t)(r->end - r->at) < (uint64_t)stride * picture->height) return cut();
    uint8_t *to = picture->pixels;
    for (size_t y = 0; y < picture->height; y++, r->at += stride) {
        for (size_t x = 0; x < width; x++, to += 3) {
            const int ink = r->at[x / 8] >> (7 - x % 8) & 1;
            to[0] = to[1] = to[2] = ink ? 0 : 255;
        }
    }
    return GLIMPSE_OK;
}

static int decode_plain_bits(reader *r, glimpse_image *picture) {
    const size_t pixels = (size_t)picture->width * picture->height;
    for (size_t i = 0; i < pixels; i++) {
        skip_space_and_comments(r);
        if (r->at == r->end) return cut();
        const uint8_t c = *r->at++;
        if (c != '0' && c != '1') {
            return glimpse_fail(GLIMPSE_E_FORMAT, "PNM: a pixel is neither 0 nor 1");
        }
        memset(picture->pixels + i * 3, c == '1' ? 0 : 255, 3);
    }
    return GLIMPSE_OK;
}

static int decode_plain(reader *r, glimpse_image *picture, const uint8_t *table, uint32_t maxval,
                        int channels) {
    const size_t pixels = (size_t)picture->width * picture->height;
    for (size_t i = 0; i < pixels; i++) {
        uint8_t *to = picture->pixels + i * 3;
        for (int c = 0; c < channels; c++) {
            uint64_t value;
            int status = read_number(r, &value);
            if (status < 0) return status;
            if (value > maxval) {
                return glimpse_fail(GLIMPSE_E_FORMAT, "PNM: a sample is above the maximum of %u",
                                    maxval);
            }
            to[c] = table[value];
        }
        if (channels == 1) to[1] = to[2] = to[0];
    }
    return GLIMPSE_OK;
}

static int decode_binary(reader *r, glimpse_image *picture, const uint8_t *table, int wide,
                         int channels, glimpse_depth *depth) {
    const size_t pixels = (size_t)picture->width * picture->height;
    const uint64_t bytes = (uint64_t)pixels * (uint64_t)channels * (wide ? 2 : 1);
    if ((uint64_t)(r->end - r->at) < bytes) return cut();
    const uint8_t *from = r->at;
    for (size_t i = 0; i < pixels; i++) {
        uint8_t *to = picture->pixels + i * 3;
        for (int c = 0; c < channels; c++) {
            const uint16_t sample = (uint16_t)(wide ? glimpse_u16be(from) : *from);
            to[c] = table[sample];
            if (depth) glimpse_depth_add(depth, &sample, 1, 16);
            from += wide ? 2 : 1;
        }
        if (channels == 1) to[1] = to[2] = to[0];
    }
    return GLIMPSE_OK;
}

static int decode_pnm(glimpse_image *picture, const glimpse_source *source) {
    reader r = {source->data + 2, source->data + source->size};
    const char kind = (char)source->data[1];
    if (kind < '1' || kind > '6') {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "PNM: P%c (%s) cannot be decoded", kind,
                            kind == '7' ? "PAM" : "floating point");
    }
    const int bits = kind == '1' || kind == '4', plain = kind <= '3';
    const int channels = kind == '3' || kind == '6' ? 3 : 1;
    uint64_t width, height, maxval = 1;
    int status = read_number(&r, &width);
    if (status == GLIMPSE_OK) status = read_number(&r, &height);
    if (status == GLIMPSE_OK && !bits) status = read_number(&r, &maxval);
    if (status != GLIMPSE_OK) return status;
    if (maxval == 0 || maxval > 65535) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "PNM: a maximum of %llu is not between 1 and 65535",
                            (unsigned long long)maxval);
    }
    if (r.at < r.end) r.at++; /* exactly one space before binary samples */

    /* Plain formats take at least a digit per sample, binary ones a bit per pixel: a size that the
     * file cannot hold is refused before memory is taken. */
    status = glimpse_picture_check_size(source, width, height);
    if (status < 0) return status;
    const uint64_t min = plain ? width * height * (uint64_t)channels : width * height / 8;
    if (min > source->size) return cut();

    uint8_t *table = malloc(65536);
    if (!table) return glimpse_fail_nomem(65536, "a PNM table");
    make_table(table, (uint32_t)maxval);
    status = glimpse_picture_reserve(picture, source, width, height);
    if (status < 0) {
        /* nothing to decode into */
    } else if (kind == '4') {
        status = decode_bits(&r, picture);
    } else if (kind == '1') {
        status = decode_plain_bits(&r, picture);
    } else if (plain) {
        status = decode_plain(&r, picture, table, (uint32_t)maxval, channels);
    } else {
        status = decode_binary(&r, picture, table, maxval > 255, channels,
                               maxval > 255 ? source->depth : NULL);
    }
    free(table);
    return status;
}

static unsigned sniff(const uint8_t *p, size_t size) {
    if (size < 3 || p[0] != 'P' || !strchr("1234567fF", p[1]) || p[1] == '\0') return 0;
    return p[2] == '#' || is_space(p[2]) ? 3 : 0;
}

/* The first two numbers behind "P6", past comments. */
static glimpse_declared declared(const uint8_t *p, size_t size) {
    uint64_t numbers[2] = {0, 0};
    reader r = {p + 2, p + size};
    for (int i = 0; i < 2; i++) {
        skip_space_and_comments(&r);
        while (r.at < r.end && *r.at >= '0' && *r.at <= '9' && numbers[i] < 1000000000) {
            numbers[i] = numbers[i] * 10 + (uint64_t)(*r.at++ - '0');
        }
    }
    return (glimpse_declared){numbers[0], numbers[1], 15, 0};
}

const glimpse_format glimpse_format_pnm = {
    .name = "PNM",
    .endings = "pnm pbm pgm ppm",
    .sniff = sniff,
    .decode = decode_pnm,
    .declared = declared,
    .lossless = glimpse_always_lossless,
};
