/*
 * image/decode/stb_hdr.c - Radiance pictures (RGBE): one shared exponent per pixel.
 *
 * Pillow has no decoder; the rendering is the one of stb_image's own conversion to bytes: linear
 * light at exposure 1, clipped, gamma 2.2.
 *
 *     #?RADIANCE            text header, ended by an empty line
 *     -Y 768 +X 1024        rows from top to bottom, each from left to right
 *     rows of 4-byte pixels, in one of three codings chosen per row:
 *       2, 2, width (16 bits), then four planes of runs: n > 128: repeat n-128 times, else n bytes
 *       old: a pixel 1,1,1,n repeats the one before it n times; a second such pixel in a row
 *            counts 256 times as much, and so on
 *       plain
 *
 * stb_image knows pictures all of whose rows are planes and pictures without any, from top to
 * bottom, with the FORMAT line that others leave out. It takes the repeating pixels for colours,
 * and starts the picture afresh at the first row that is not like the ones before. So it gets a
 * header of ours and the rows one by one: planes as they are, and others, with repeated pixels
 * written out, as planes without runs (or as plain pixels where the width allows no planes).
 * All rows are walked over once before any memory is taken.
 */
#include "core/error.h"
#include "image/decode/stb.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct rows {
    const uint8_t *at, *end; /* what of the file is still to be read */
    size_t width, left;      /* rows still to be handed on */
    uint8_t *row;            /* [width][4], for rows that are not planes; NULL when all are */
    uint8_t *coded;          /* that row as planes */
} rows;

/* The next header line, without its end; 0 at the end of the file or when absurdly long. */
static int next_line(rows *h, char *line, size_t capacity) {
    size_t used = 0;
    while (h->at < h->end && *h->at != '\n') {
        if (used + 1 >= capacity) return 0;
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

static int read_header(rows *h, size_t *height, int *pending_orientation) {
    char line[512];
    if (!next_line(h, line, sizeof line)) return glimpse_stb_cut("HDR");
    do {
        if (!next_line(h, line, sizeof line)) return glimpse_stb_cut("HDR");
        if (strncmp(line, "FORMAT=", 7) == 0 && strcmp(line + 7, "32-bit_rle_rgbe") != 0) {
            return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "HDR: %.40s cannot be decoded", line);
        }
    } while (line[0] != '\0');
    if (!next_line(h, line, sizeof line)) return glimpse_stb_cut("HDR");
    const char *text = line;
    char sign[2], axis[2];
    if (!read_axis(&text, &sign[0], &axis[0], height) ||
        !read_axis(&text, &sign[1], &axis[1], &h->width)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "HDR: the size line is damaged");
    }
    if (axis[0] != 'Y' || axis[1] != 'X') {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "HDR: pictures stored by columns");
    }
    const int bottom_up = sign[0] == '+', right_to_left = sign[1] == '-';
    *pending_orientation = bottom_up ? (right_to_left ? 3 : 4) : (right_to_left ? 2 : 1);
    return GLIMPSE_OK;
}

/* Whether rows of this width may be planes. */
static int allows_planes(size_t width) {
    return width >= 8 && width < 32768;
}

static int is_planes(const rows *h) {
    return allows_planes(h->width) && h->end - h->at >= 4 && h->at[0] == 2 && h->at[1] == 2 &&
           h->at[2] < 128;
}

/* Passes over four planes of runs. */
static int skip_planes(rows *h) {
    if (glimpse_u16be(h->at + 2) != h->width) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "HDR: a row announces another width");
    }
    h->at += 4;
    for (size_t plane = 0; plane < 4; plane++) {
        for (size_t x = 0; x < h->width;) {
            if (h->end - h->at < 2) return glimpse_stb_cut("HDR");
            size_t count = *h->at++;
            const int repeat = count > 128;
            if (repeat) count -= 128;
            if (count == 0 || count > h->width - x) {
                return glimpse_fail(GLIMPSE_E_FORMAT, "HDR: a run leaves its row");
            }
            if (!repeat && (size_t)(h->end - h->at) < count) return glimpse_stb_cut("HDR");
            h->at += repeat ? 1 : count;
            x += count;
        }
    }
    return GLIMPSE_OK;
}

/* Passes over a row of pixels, plain or repeated; writes it out where `row` is not NULL. */
static int read_pixels(rows *h, uint8_t *row) {
    unsigned shift = 0;
    for (size_t x = 0; x < h->width;) {
        if (h->end - h->at < 4) return glimpse_stb_cut("HDR");
        const uint8_t *p = h->at;
        h->at += 4;
        if (p[0] == 1 && p[1] == 1 && p[2] == 1 && x > 0) {
            size_t count = shift < 24 ? (size_t)p[3] << shift : h->width;
            if (count > h->width - x) count = h->width - x;
            for (size_t i = 0; row && i < count; i++)
                memcpy(row + (x + i) * 4, row + (x - 1) * 4, 4);
            x += count;
            shift += 8;
        } else {
            if (row) memcpy(row + x * 4, p, 4);
            shift = 0;
            x++;
        }
    }
    return GLIMPSE_OK;
}

/* Walks over all rows; *all_planes says whether none is to be written out. */
static int check_rows(rows h, int *all_planes) {
    int status = GLIMPSE_OK;
    *all_planes = 1;
    for (; h.left > 0 && status == GLIMPSE_OK; h.left--) {
        const int planes = is_planes(&h);
        if (!planes) *all_planes = 0;
        status = planes ? skip_planes(&h) : read_pixels(&h, NULL);
    }
    return status;
}

/* h->row as planes without runs, at most 128 bytes a count. */
static size_t code_planes(rows *h) {
    uint8_t *to = h->coded;
    *to++ = 2;
    *to++ = 2;
    *to++ = (uint8_t)(h->width >> 8);
    *to++ = (uint8_t)h->width;
    for (size_t plane = 0; plane < 4; plane++) {
        for (size_t x = 0; x < h->width;) {
            const size_t count = h->width - x < 128 ? h->width - x : 128;
            *to++ = (uint8_t)count;
            for (size_t i = 0; i < count; i++, x++)
                *to++ = h->row[x * 4 + plane];
        }
    }
    return (size_t)(to - h->coded);
}

/* glimpse_stb_stream.next: the next row. check_rows() found nothing wrong. */
static size_t next_row(void *user, const uint8_t **piece) {
    rows *h = user;
    if (h->left == 0) return 0;
    h->left--;
    if (is_planes(h)) {
        *piece = h->at;
        return skip_planes(h) < 0 ? 0 : (size_t)(h->at - *piece);
    }
    if (read_pixels(h, h->row) < 0) return 0;
    *piece = allows_planes(h->width) ? h->coded : h->row;
    return allows_planes(h->width) ? code_planes(h) : h->width * 4;
}

static int decode_hdr(glimpse_image *picture, const glimpse_source *source) {
    rows h = {.at = source->data, .end = source->data + source->size};
    size_t height = 0;
    int pending_orientation = 1, all_planes;
    int status = read_header(&h, &height, &pending_orientation);
    if (status == GLIMPSE_OK) status = glimpse_picture_check_size(source, h.width, height);
    if (status < 0) return status;
    h.left = height;
    status = check_rows(h, &all_planes);
    if (status < 0) return status;
    if (!all_planes) {
        const size_t coded = 4 + 4 * (h.width + (h.width + 127) / 128);
        h.row = malloc(h.width * 4);
        h.coded = malloc(coded);
        if (!h.row || !h.coded) {
            status = glimpse_fail_nomem(h.width * 4 + coded, "an HDR row");
            goto done;
        }
    }
    char head[128];
    const int length =
        snprintf(head, sizeof head, "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %zu +X %zu\n", height,
                 h.width);
    const glimpse_stb_stream stream = {
        .head = (const uint8_t *)head, .head_size = (size_t)length, .next = next_row, .user = &h};
    status = glimpse_stb_decode(picture, source, "HDR", &stream, GLIMPSE_STB_LIGHT);
    picture->pending_orientation = pending_orientation;
done:
    free(h.row);
    free(h.coded);
    return status;
}

static unsigned sniff(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "#?RADIANCE") | glimpse_has(p, size, 0, "#?RGBE");
}

/* The line "-Y 480 +X 640" and its seven sisters, after the blank line. */
static glimpse_declared declared(const uint8_t *p, size_t size) {
    glimpse_declared found = {.bytes_per_pixel = 12, .unknown = 1};
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
    .endings = "hdr rgbe",
    .sniff = sniff,
    .decode = decode_hdr,
    .declared = declared,
};
