/*
 * image/compare/signature.c - a picture in a few hundred bytes, to know it again when it was coded
 * anew, scaled or given other tones.
 *
 * Each cell is the mean of exactly its area, with fractions of the pixels on its borders: a picture
 * that was scaled has the same cells but for what scaling did to it.
 */
#include <glimpse/sys/signature.h>

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = GLIMPSE_SIGNATURE_SIDE, COLOUR = GLIMPSE_SIGNATURE_COLOUR, CELLS = SIDE * SIDE };

/* The cell that begins at `first` and ends at `last` of a line, in pixels. */
static void sum_cell(double sums[3], const uint8_t *line, double first, double last) {
    const uint32_t begin = (uint32_t)first, end = (uint32_t)ceil(last);
    uint32_t whole[3] = {0};
    for (uint32_t x = begin; x < end; x++) {
        for (int c = 0; c < 3; c++)
            whole[c] += line[3 * (size_t)x + (size_t)c];
    }
    for (int c = 0; c < 3; c++) {
        sums[c] = (double)whole[c] - (first - (double)begin) * line[3 * (size_t)begin + (size_t)c] -
                  ((double)end - last) * line[3 * (size_t)(end - 1) + (size_t)c];
    }
}

/* `cells` [SIDE][SIDE][3]: sums over their areas. */
static void sum_cells(double *cells, const glimpse_image *image) {
    const uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    const double cell_width = (double)width / SIDE, cell_height = (double)height / SIDE;
    double line[SIDE][3];
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *pixels = glimpse_image_pixels(image) + (size_t)y * width * 3;
        for (int i = 0; i < SIDE; i++) {
            const double last = i + 1 < SIDE ? (i + 1) * cell_width : width;
            sum_cell(line[i], pixels, i * cell_width, last);
        }
        /* The rows of cells that this line is in. */
        for (int row = (int)(y / cell_height); row < SIDE && row * cell_height < y + 1.0; row++) {
            const double top = fmax(y, row * cell_height);
            const double bottom = fmin(y + 1.0, (row + 1) * cell_height);
            if (bottom <= top) continue;
            for (size_t i = 0; i < (size_t)SIDE * 3; i++)
                cells[(size_t)row * SIDE * 3 + i] += (bottom - top) * (&line[0][0])[i];
        }
    }
}

static uint8_t to_byte(double value) {
    return (uint8_t)(value <= 0.0 ? 0.0 : value >= 255.0 ? 255.0 : value + 0.5);
}

void glimpse_signature_make(glimpse_signature *signature, const glimpse_image *image) {
    double cells[CELLS * 3] = {0};
    const double area =
        (double)glimpse_image_width(image) / SIDE * ((double)glimpse_image_height(image) / SIDE);
    double blue[COLOUR * COLOUR] = {0}, red[COLOUR * COLOUR] = {0};
    sum_cells(cells, image);
    for (size_t i = 0; i < CELLS; i++) {
        const double r = cells[3 * i] / area, g = cells[3 * i + 1] / area,
                     b = cells[3 * i + 2] / area;
        const double luma = 0.299 * r + 0.587 * g + 0.114 * b;
        const size_t at = i / SIDE / 2 * COLOUR + i % SIDE / 2;
        signature->luma[i] = to_byte(luma);
        blue[at] += 0.564 * (b - luma) / 4.0;
        red[at] += 0.713 * (r - luma) / 4.0;
    }
    for (size_t i = 0; i < (size_t)COLOUR * COLOUR; i++) {
        signature->blue[i] = to_byte(blue[i] + 128.0);
        signature->red[i] = to_byte(red[i] + 128.0);
    }
}

/* Mean, and sum of the squares of the differences from it. */
static double spread(double *mean, const uint8_t *values) {
    int64_t sum = 0, squares = 0;
    for (size_t i = 0; i < CELLS; i++) {
        sum += values[i];
        squares += (int64_t)values[i] * values[i];
    }
    *mean = (double)sum / CELLS;
    return (double)squares - (double)sum * *mean;
}

static double colour_between(const glimpse_signature *a, const glimpse_signature *b) {
    int64_t squares = 0;
    for (size_t i = 0; i < (size_t)COLOUR * COLOUR; i++) {
        const int blue = a->blue[i] - b->blue[i], red = a->red[i] - b->red[i];
        squares += (int64_t)blue * blue + (int64_t)red * red;
    }
    return sqrt((double)squares / (COLOUR * COLOUR));
}

void glimpse_signature_compare(glimpse_signature_difference *out, const glimpse_signature *a,
                               const glimpse_signature *b) {
    double mean_a, mean_b;
    const double spread_a = spread(&mean_a, a->luma), spread_b = spread(&mean_b, b->luma);
    int64_t products = 0;
    *out = (glimpse_signature_difference){.colour = colour_between(a, b)};
    if (spread_a > spread_b) { /* what differs is seen best in the one of more contrast */
        glimpse_signature_compare(out, b, a);
        return;
    }
    for (size_t i = 0; i < CELLS; i++)
        products += (int64_t)a->luma[i] * b->luma[i];
    const double common = (double)products - CELLS * mean_a * mean_b;
    out->brightness = fabs(mean_a - mean_b);
    out->correlation = spread_a > 0.0 ? common / sqrt(spread_a * spread_b) : spread_b <= 0.0;
    out->contrast = spread_a > 0.0 ? sqrt(spread_b / spread_a) : spread_b > 0.0 ? INFINITY : 1.0;
    const double gain = spread_a > 0.0 ? common / spread_a : 0.0;
    double squares = 0.0;
    for (size_t i = 0; i < CELLS; i++) {
        const double left = fabs(b->luma[i] - mean_b - gain * (a->luma[i] - mean_a));
        squares += left * left;
        if (left > out->largest) out->largest = left;
    }
    out->mean = sqrt(squares / CELLS);
}
