/*
 * preview_blocks.c - a picture of characters: U+2580, the upper half of a cell, shows two pixels,
 * one in the colour of the text and one in that of the ground.
 *
 * What is transparent keeps the ground of the terminal, which nobody else knows.
 */
#include "preview.h"

#include "memory.h"
#include "picture_out.h"
#include "terminal.h"
#include "text.h"

#include <glimpse/sys/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MAX_COLUMNS = 64, MAX_ROWS = 20, USUAL_COLUMNS = 80, INDENT = 2 };

/* Of one half of a cell. */
typedef struct block {
    uint8_t rgb[3];
    int opaque;
} block;

typedef struct blocks {
    block *pixels; /* [2 * rows][columns] */
    uint32_t columns, rows;
} blocks;

/* Height of half a cell by its width: 1 unless the terminal says how large its cells are. */
static double block_shape(void) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_xpixel == 0 ||
        size.ws_ypixel == 0 || size.ws_col == 0 || size.ws_row == 0) {
        return 1;
    }
    double width = (double)size.ws_xpixel / size.ws_col;
    double height = (double)size.ws_ypixel / size.ws_row / 2;
    double shape = height / width;
    return shape > 0.5 && shape < 2 ? shape : 1;
}

/* The largest number of cells with the shape of the picture. */
static void fit(blocks *out, uint32_t width, uint32_t height) {
    size_t columns = text_terminal_columns(STDOUT_FILENO);
    if (columns == 0) columns = USUAL_COLUMNS;
    columns = columns > INDENT + 1 ? columns - INDENT : 1;
    if (columns > MAX_COLUMNS) columns = MAX_COLUMNS;
    double shape = block_shape(), w = (double)columns, h = w * height / width / shape;
    if (h > 2 * MAX_ROWS) {
        h = 2 * MAX_ROWS;
        w = h * shape * width / height;
    }
    if (w > width) { /* small pictures stay small */
        h = h * width / w;
        w = width;
    }
    out->columns = w < 1.5 ? 1 : (uint32_t)(w + 0.5);
    out->rows = h < 2 ? 1 : (uint32_t)(h / 2 + 0.5);
}

/* The mean of what is visible in x0..x1, y0..y1. */
static block mean_of(const glimpse_image *image, const uint8_t *alpha, uint32_t x0, uint32_t x1,
                     uint32_t y0, uint32_t y1) {
    const uint32_t width = glimpse_image_width(image);
    const uint8_t *rgb = glimpse_image_pixels(image);
    uint64_t sums[3] = {0}, weight = 0;
    for (uint32_t y = y0; y < y1; y++) {
        for (uint32_t x = x0; x < x1; x++) {
            const size_t at = (size_t)y * width + x;
            const unsigned opacity = alpha ? alpha[at] : 255;
            for (int c = 0; c < 3; c++)
                sums[c] += (uint64_t)rgb[3 * at + (size_t)c] * opacity;
            weight += opacity;
        }
    }
    block b = {.opaque = 2 * weight >= (uint64_t)255 * (x1 - x0) * (y1 - y0)};
    for (int c = 0; c < 3 && weight > 0; c++)
        b.rgb[c] = (uint8_t)((sums[c] + weight / 2) / weight);
    return b;
}

/* Cell borders as [first, end) of `count` pixels: at least one. */
static void span(uint32_t *first, uint32_t *end, uint32_t i, uint32_t parts, uint32_t count) {
    *first = (uint32_t)((uint64_t)i * count / parts);
    *end = (uint32_t)((uint64_t)(i + 1) * count / parts);
    if (*end == *first) (*end)++;
}

static int make(blocks *out, const char *path) {
    glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
    decode.ground = GLIMPSE_GROUND_KEEP;
    glimpse_image *image = NULL;
    if (glimpse_image_load(&image, path, &decode) < 0) return -1;
    const uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    const uint8_t *alpha = glimpse_image_alpha(image);
    fit(out, width, height);
    const uint32_t lines = 2 * out->rows;
    out->pixels = xcalloc((size_t)lines * out->columns, sizeof *out->pixels);
    for (uint32_t y = 0; y < lines; y++) {
        uint32_t y0, y1, x0, x1;
        span(&y0, &y1, y, lines, height);
        for (uint32_t x = 0; x < out->columns; x++) {
            span(&x0, &x1, x, out->columns, width);
            out->pixels[(size_t)y * out->columns + x] = mean_of(image, alpha, x0, x1, y0, y1);
        }
    }
    glimpse_image_free(image);
    return 0;
}

/*
 * Colours.
 */
static unsigned distance(const uint8_t a[3], const unsigned b[3]) {
    unsigned sum = 0;
    for (int c = 0; c < 3; c++) {
        int d = (int)a[c] - (int)b[c];
        sum += (unsigned)(d * d);
    }
    return sum;
}

/* The nearest of the 256 colours: a cube of 6 x 6 x 6 from 16 on, 24 greys from 232 on. */
static unsigned nearest(const uint8_t rgb[3]) {
    static const unsigned levels[6] = {0, 95, 135, 175, 215, 255};
    unsigned steps[3], cube[3];
    for (int c = 0; c < 3; c++) {
        unsigned best = 0;
        for (unsigned k = 1; k < 6; k++)
            if (abs((int)levels[k] - rgb[c]) < abs((int)levels[best] - rgb[c])) best = k;
        steps[c] = best;
        cube[c] = levels[best];
    }
    unsigned mean = ((unsigned)rgb[0] + rgb[1] + rgb[2]) / 3;
    unsigned step = mean < 8 ? 0 : mean > 238 ? 23 : (mean - 3) / 10;
    const unsigned grey[3] = {8 + 10 * step, 8 + 10 * step, 8 + 10 * step};
    return distance(rgb, grey) < distance(rgb, cube) ? 232 + step
                                                     : 16 + 36 * steps[0] + 6 * steps[1] + steps[2];
}

/* `ground` is 48, or 38 for the colour of the text; as "38;5;N" or "38;2;R;G;B". */
static void write_color(char *out, size_t size, int ground, const block *b, int bits) {
    if (!b->opaque) {
        (void)snprintf(out, size, "%d", ground + 1);
    } else if (bits >= 24) {
        (void)snprintf(out, size, "%d;2;%u;%u;%u", ground, b->rgb[0], b->rgb[1], b->rgb[2]);
    } else {
        (void)snprintf(out, size, "%d;5;%u", ground, nearest(b->rgb));
    }
}

static void print_line(const block *top, const block *bottom, uint32_t columns, int bits) {
    char last[2][24] = {"", ""};
    (void)printf("%*s", INDENT, "");
    for (uint32_t x = 0; x < columns; x++) {
        /* Only the text can have the colour of an opaque half beside one that is not. */
        int swapped = !top[x].opaque && bottom[x].opaque;
        const block *text = swapped ? &bottom[x] : &top[x];
        const block *ground = swapped ? &top[x] : &bottom[x];
        char now[2][24];
        write_color(now[0], sizeof now[0], 38, text, bits);
        write_color(now[1], sizeof now[1], 48, ground, bits);
        if (strcmp(now[0], last[0]) != 0 || strcmp(now[1], last[1]) != 0) {
            (void)printf("\033[%s;%sm", now[0], now[1]);
            memcpy(last, now, sizeof last);
        }
        (void)fputs(!text->opaque ? " " : swapped ? "\xE2\x96\x84" : "\xE2\x96\x80", stdout);
    }
    (void)fputs("\033[0m\n", stdout);
}

int preview_print_blocks(const char *path) {
    blocks b = {0};
    if (make(&b, path) < 0) return -1;
    const int bits = terminal_color_bits();
    for (uint32_t y = 0; y < b.rows; y++) {
        const block *top = b.pixels + (size_t)2 * y * b.columns;
        print_line(top, top + b.columns, b.columns, bits);
    }
    free(b.pixels);
    return 0;
}
