/*
 * image/decode/decode_hdr.c - Radiance pictures (RGBE): one shared exponent per pixel.
 *
 * Our own, because stb_image does not know the older run-length coding and reads zeros past the
 * end of a cut file. Pillow has no decoder; the rendering is the one of stb_image: linear light
 * at exposure 1, clipped, gamma 2.2.
 *
 *     #?RADIANCE            text header, ended by an empty line
 *     -Y 768 +X 1024        rows from top to bottom, each from left to right
 *     rows of 4-byte pixels, in one of three codings chosen per row:
 *       2, 2, width (16 bits), then four planes of runs: n > 128: repeat n-128 times, else n bytes
 *       old: a pixel 1,1,1,n repeats the one before it n times; a second such pixel in a row
 *            counts 256 times as much, and so on
 *       plain
 */
#include "core/error.h"
#include "image/decode/decoder.h"

#include <math.h>
#include <stdlib.h>

typedef struct hdr {
    const uint8_t *at, *end;
    size_t width, height;
    int bottom_up, right_to_left;
    uint8_t done[256];       /* per exponent: is its table row filled */
    uint8_t table[256][256]; /* [exponent][mantissa] -> byte */
} hdr;

static int cut(void) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "HDR: the file ends before the picture does");
}

/* The next header line, without its end; 0 at the end of the file or when absurdly long. */
static int next_line(hdr *h, char *line, size_t room) {
    size_t used = 0;
    while (h->at < h->end && *h->at != '\n') {
        if (used + 1 >= room) return 0;
        line[used++] = (char)*h->at++;
    }
    if (h->at == h->end) return 0;
    h->at++;
    if (used > 0 && line[used - 1] == '\r') used--;
    line[used] = '\0';
    return 1;
}

/* "-Y 768": sign, axis, size. Moves *text on. */
static int read_axis(const char **text, char *sign, char *axis, size_t *size) {
    const char *p = *text;
    while (*p == ' ')
        p++;
    if (*p != '+' && *p != '-') return 0;
    *sign = *p++;
    *axis = *p ? *p++ : '\0';
    while (*p == ' ')
        p++;
    size_t value = 0;
    int count = 0;
    for (; *p >= '0' && *p <= '9' && count < 10; p++, count++) {
        value = value * 10 + (size_t)(*p - '0');
    }
    *size = value;
    *text = p;
    return count > 0;
}

static int read_header(hdr *h) {
    char line[512];
    if (!next_line(h, line, sizeof line)) return cut();
    do {
        if (!next_line(h, line, sizeof line)) return cut();
        if (strncmp(line, "FORMAT=", 7) == 0 && strcmp(line + 7, "32-bit_rle_rgbe") != 0) {
            return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "HDR: %.40s cannot be decoded", line);
        }
    } while (line[0] != '\0');
    if (!next_line(h, line, sizeof line)) return cut();
    const char *text = line;
    char sign[2], axis[2];
    if (!read_axis(&text, &sign[0], &axis[0], &h->height) ||
        !read_axis(&text, &sign[1], &axis[1], &h->width)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "HDR: the size line is damaged");
    }
    if (axis[0] != 'Y' || axis[1] != 'X') {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "HDR: pictures stored by columns");
    }
    h->bottom_up = sign[0] == '+';
    h->right_to_left = sign[1] == '-';
    return GLIMPSE_OK;
}

/* Four planes of runs into row[width][4]. */
static int read_planes(hdr *h, uint8_t *row) {
    for (size_t plane = 0; plane < 4; plane++) {
        for (size_t x = 0; x < h->width;) {
            if (h->end - h->at < 2) return cut();
            size_t count = *h->at++;
            const int repeat = count > 128;
            if (repeat) count -= 128;
            if (count == 0 || count > h->width - x) {
                return glimpse_fail(GLIMPSE_E_FORMAT, "HDR: a run leaves its row");
            }
            if (!repeat && (size_t)(h->end - h->at) < count) return cut();
            for (size_t i = 0; i < count; i++) {
                row[(x + i) * 4 + plane] = repeat ? h->at[0] : h->at[i];
            }
            h->at += repeat ? 1 : count;
            x += count;
        }
    }
    return GLIMPSE_OK;
}

static int read_old_row(hdr *h, uint8_t *row) {
    unsigned shift = 0;
    for (size_t x = 0; x < h->width;) {
        if (h->end - h->at < 4) return cut();
        const uint8_t *p = h->at;
        h->at += 4;
        if (p[0] == 1 && p[1] == 1 && p[2] == 1 && x > 0) {
            size_t count = shift < 24 ? (size_t)p[3] << shift : h->width;
            if (count > h->width - x) count = h->width - x;
            for (size_t i = 0; i < count; i++, x++)
                memcpy(row + x * 4, row + (x - 1) * 4, 4);
            shift += 8;
        } else {
            memcpy(row + x * 4, p, 4);
            shift = 0;
            x++;
        }
    }
    return GLIMPSE_OK;
}

static int read_row(hdr *h, uint8_t *row) {
    const uint8_t *p = h->at;
    if (h->end - p >= 4 && p[0] == 2 && p[1] == 2 && p[2] < 128 && h->width >= 8 &&
        h->width < 32768) {
        if (glimpse_u16be(p + 2) != h->width) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "HDR: a row announces another width");
        }
        h->at += 4;
        return read_planes(h, row);
    }
    return read_old_row(h, row);
}

static void render_row(hdr *h, uint8_t *rgb, const uint8_t *row) {
    for (size_t x = 0; x < h->width; x++, row += 4) {
        const unsigned exponent = row[3];
        uint8_t *to = rgb + (h->right_to_left ? h->width - 1 - x : x) * 3;
        if (!h->done[exponent]) {
            for (int m = 0; m < 256; m++) {
                const double light = exponent ? ldexp(m, (int)exponent - 136) : 0.0;
                const double value = pow(light, 1.0 / 2.2) * 255.0 + 0.5;
                h->table[exponent][m] = (uint8_t)(value > 255.0 ? 255.0 : value);
            }
            h->done[exponent] = 1;
        }
        for (int c = 0; c < 3; c++)
            to[c] = h->table[exponent][row[c]];
    }
}

static int decode_hdr(glimpse_image *picture, const glimpse_source *source) {
    uint8_t *row = NULL;
    hdr *h = calloc(1, sizeof *h);
    if (!h) return glimpse_fail_nomem(sizeof *h, "an HDR decoder");
    h->at = source->data;
    h->end = source->data + source->size;
    int status = read_header(h);
    if (status < 0) goto done;
    status = glimpse_picture_reserve(picture, source, h->width, h->height);
    if (status < 0) goto done;
    row = malloc(h->width * 4);
    if (!row) {
        status = glimpse_fail_nomem(h->width * 4, "an HDR row");
        goto done;
    }
    for (size_t y = 0; y < h->height; y++) {
        status = read_row(h, row);
        if (status < 0) goto done;
        const size_t target = h->bottom_up ? h->height - 1 - y : y;
        render_row(h, picture->pixels + target * h->width * 3, row);
    }
done:
    free(row);
    free(h);
    return status;
}

static unsigned sniff(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "#?RADIANCE") | glimpse_has(p, size, 0, "#?RGBE");
}

/* The line "-Y 480 +X 640" and its seven sisters, after the blank line. */
static glimpse_declared declared(const uint8_t *p, size_t size) {
    glimpse_declared found = {.bytes_per_pixel = 19, .unknown = 1};
    const size_t end = size < 65536 ? size : 65536;
    for (size_t at = 1; at + 1 < end; at++) {
        if (p[at] != '\n' || p[at - 1] != '\n') continue;
        uint64_t numbers[2] = {0, 0};
        int which = -1;
        for (size_t i = at + 1; i < end && p[i] != '\n'; i++) {
            if (p[i] == 'X' || p[i] == 'Y') which++;
            if (which > 1) break;
            if (which >= 0 && p[i] >= '0' && p[i] <= '9' && numbers[which] < 1000000000) {
                numbers[which] = numbers[which] * 10 + (p[i] - (unsigned)'0');
            }
        }
        found.width = numbers[0];
        found.height = numbers[1];
        found.unknown = 0;
        break;
    }
    return found;
}

const glimpse_format glimpse_format_hdr = {
    .name = "Radiance HDR",
    .endings = "hdr rgbe pic",
    .sniff = sniff,
    .decode = decode_hdr,
    .declared = declared,
};
