/*
 * image/compare/thumb.c - the small square picture that duplicates are judged by, and the uniform
 * border around what it shows.
 *
 * The border is looked for in the full picture: lines from the outside in, as long as each is of
 * one colour, the colour of the outermost. One side alone is no frame (a white background, a clear
 * sky), two opposite ones are.
 */
#include <glimpse/sys/fingerprint.h>

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

enum {
    SIDE = GLIMPSE_THUMB_SIDE,
    COLOUR = GLIMPSE_THUMB_COLOUR,
    TOLERANCE = 12 /* of a border's samples; what JPEG does to a plain area next to an edge */
};

static int luma(const uint8_t *p) {
    return (299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000;
}

/* Counts lines of one colour from one side. `first` is the outermost line's first pixel, `along`
 * the step from pixel to pixel and `inward` from line to line. At most 45% of the lines. */
static uint32_t uniform_lines(const uint8_t *first, size_t along, uint32_t length, int64_t inward,
                              uint32_t lines) {
    uint32_t max = (uint32_t)((uint64_t)lines * 45 / 100), count = 0;
    const uint8_t *reference = first + along * (length / 2);
    for (; count < max; count++) {
        const uint8_t *p = first + (int64_t)count * inward;
        uint32_t odd = 0;
        for (uint32_t i = 0; i < length; i++, p += along) {
            int d0 = abs(p[0] - reference[0]), d1 = abs(p[1] - reference[1]),
                d2 = abs(p[2] - reference[2]);
            if (d0 > TOLERANCE || d1 > TOLERANCE || d2 > TOLERANCE) odd++;
        }
        if (odd > length / 200) break;
    }
    return count;
}

static void find_content(glimpse_thumb *thumb, const glimpse_image *image) {
    uint32_t w = glimpse_image_width(image), h = glimpse_image_height(image);
    const uint8_t *pixels = glimpse_image_pixels(image);
    size_t row = (size_t)w * 3;
    uint32_t top = uniform_lines(pixels, 3, w, (int64_t)row, h);
    uint32_t bottom = uniform_lines(pixels + row * (h - 1), 3, w, -(int64_t)row, h);
    uint32_t left = uniform_lines(pixels, row, h, 3, w);
    uint32_t right = uniform_lines(pixels + 3 * (size_t)(w - 1), row, h, -3, w);
    thumb->content =
        (glimpse_window){(float)left / (float)w, (float)top / (float)h,
                         1.0F - (float)right / (float)w, 1.0F - (float)bottom / (float)h};
    thumb->framed = (top > 0 && bottom > 0) || (left > 0 && right > 0);
}

int glimpse_thumb_make(glimpse_thumb *thumb, const glimpse_image *image) {
    glimpse_image *small = NULL, *tiny = NULL;
    memset(thumb, 0, sizeof *thumb);
    int status = glimpse_image_resize(&small, image, SIDE, SIDE, GLIMPSE_RESAMPLE_BILINEAR);
    if (status == GLIMPSE_OK) {
        status = glimpse_image_resize(&tiny, small, COLOUR, COLOUR, GLIMPSE_RESAMPLE_BILINEAR);
    }
    if (status == GLIMPSE_OK) {
        const uint8_t *p = glimpse_image_pixels(small);
        for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
            thumb->grey[i] = (uint8_t)luma(p + 3 * i);
        memcpy(thumb->rgb, glimpse_image_pixels(tiny), sizeof thumb->rgb);
        thumb->width = glimpse_image_width(image);
        thumb->height = glimpse_image_height(image);
        find_content(thumb, image);
    }
    glimpse_image_free(tiny);
    glimpse_image_free(small);
    return status;
}

/* Where the pixel (x, y) of the turned square comes from. */
static void source_of(int orientation, int last, int x, int y, int *from_x, int *from_y) {
    int transposed = orientation >= 5;
    int flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    int flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    int u = transposed ? y : x, v = transposed ? x : y;
    *from_x = flip_x ? last - u : u;
    *from_y = flip_y ? last - v : v;
}

void glimpse_thumb_orient(glimpse_thumb *to, const glimpse_thumb *from, int orientation) {
    *to = *from;
    if (orientation < 2 || orientation > 8) return;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            int u, v;
            source_of(orientation, SIDE - 1, x, y, &u, &v);
            to->grey[y * SIDE + x] = from->grey[v * SIDE + u];
        }
    }
    for (int y = 0; y < COLOUR; y++) {
        for (int x = 0; x < COLOUR; x++) {
            int u, v;
            source_of(orientation, COLOUR - 1, x, y, &u, &v);
            memcpy(to->rgb + 3 * (y * COLOUR + x), from->rgb + 3 * (v * COLOUR + u), 3);
        }
    }
    glimpse_window w = from->content;
    float x0 = w.x0, x1 = w.x1, y0 = w.y0, y1 = w.y1;
    int flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    int flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    if (flip_x) x0 = 1.0F - w.x1, x1 = 1.0F - w.x0;
    if (flip_y) y0 = 1.0F - w.y1, y1 = 1.0F - w.y0;
    to->content =
        orientation >= 5 ? (glimpse_window){y0, x0, y1, x1} : (glimpse_window){x0, y0, x1, y1};
    if (orientation >= 5) to->width = from->height, to->height = from->width;
}
