/*
 * image/orient.c - EXIF orientation: from stored to upright.
 *
 * The eight orientations are the symmetries of a rectangle. With x, y a stored pixel in a picture
 * of w x h, it belongs at
 *
 *     1: (x, y)          5: (y, x)
 *     2: (w-1-x, y)      6: (h-1-y, x)        rotate clockwise to see it upright
 *     3: (w-1-x, h-1-y)  7: (h-1-y, w-1-x)
 *     4: (x, h-1-y)      8: (y, w-1-x)
 *
 * A whole picture is turned in place for 2, 3 and 4; 5 to 8 swap the sides and need a second
 * buffer. A decoder that knows the orientation before the pixels (JPEG) hands over a band of rows
 * at a time instead, while they are in the cache, and needs no second picture.
 */
#include "core/error.h"
#include "image/picture.h"

#include <stdlib.h>
#include <string.h>

static void mirror_rows(uint8_t *pixels, size_t width, size_t height) {
    for (size_t y = 0; y < height; y++) {
        uint8_t *left = pixels + y * width * 3, *right = left + (width - 1) * 3;
        for (; left < right; left += 3, right -= 3) {
            for (int c = 0; c < 3; c++) {
                uint8_t keep = left[c];
                left[c] = right[c];
                right[c] = keep;
            }
        }
    }
}

static void flip_upside_down(uint8_t *pixels, size_t width, size_t height) {
    size_t stride = width * 3;
    for (size_t y = 0; y < height / 2; y++) {
        uint8_t *above = pixels + y * stride, *below = pixels + (height - 1 - y) * stride;
        for (size_t i = 0; i < stride; i++) {
            uint8_t keep = above[i];
            above[i] = below[i];
            below[i] = keep;
        }
    }
}

/* One run of a new row: pixels of one stored column, `step` bytes apart, side by side. Copies of
 * four bytes are faster than of three; the fourth is overwritten by the next pixel, so only the
 * last has to be exact. `spare`: a byte may be read behind each pixel. */
static void gather_column(uint8_t *to, const uint8_t *from, ptrdiff_t step, size_t count,
                          int spare) {
    if (spare) {
        for (; count > 1; count--, to += 3, from += step)
            memcpy(to, from, 4);
    }
    for (; count > 0; count--, to += 3, from += step)
        memcpy(to, from, 3);
}

void glimpse_orient_rows(uint8_t *to, const uint8_t *rows, size_t width, size_t height,
                         size_t first, size_t count, int orientation) {
    const size_t stride = width * 3;
    if (orientation >= 5) {
        const int from_right = orientation == 7 || orientation == 8; /* new y counts from there */
        const int from_below = orientation == 6 || orientation == 7; /* new x counts from there */
        /* New columns from left to right are stored rows downwards or, from below, upwards. */
        const size_t new_x = from_below ? height - first - count : first;
        const uint8_t *start = from_below ? rows + (count - 1) * stride : rows;
        const ptrdiff_t step = from_below ? -(ptrdiff_t)stride : (ptrdiff_t)stride;
        for (size_t x = 0; x < width; x++) {
            const size_t new_y = from_right ? width - 1 - x : x;
            gather_column(to + (new_y * height + new_x) * 3, start + x * 3, step, count,
                          x + 1 < width);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = rows + i * stride;
        const size_t y = first + i;
        uint8_t *row = to + (orientation == 3 || orientation == 4 ? height - 1 - y : y) * stride;
        if (orientation == 2 || orientation == 3) {
            for (size_t x = 0; x < width; x++)
                memcpy(row + (width - 1 - x) * 3, from + x * 3, 3);
        } else {
            memcpy(row, from, stride);
        }
    }
}

/* Opacities are few: one pass, and a second buffer for all orientations. */
static int orient_alpha(glimpse_image *picture, int orientation) {
    const size_t width = picture->width, height = picture->height;
    const int swapped = orientation >= 5;
    const int flip_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    const int flip_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const size_t new_width = swapped ? height : width, new_height = swapped ? width : height;
    uint8_t *to = malloc(width * height);
    if (!to) return glimpse_fail_nomem(width * height, "turning a picture upright");
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            size_t u = swapped ? y : x, v = swapped ? x : y;
            if (flip_x) u = new_width - 1 - u;
            if (flip_y) v = new_height - 1 - v;
            to[v * new_width + u] = picture->alpha[y * width + x];
        }
    }
    free(picture->alpha);
    picture->alpha = to;
    return GLIMPSE_OK;
}

int glimpse_picture_orient(glimpse_image *picture, int orientation) {
    const size_t width = picture->width, height = picture->height;
    if (picture->alpha && orientation >= 2 && orientation <= 8) {
        int status = orient_alpha(picture, orientation);
        if (status < 0) return status;
    }
    if (orientation == 2 || orientation == 3) mirror_rows(picture->pixels, width, height);
    if (orientation == 3 || orientation == 4) flip_upside_down(picture->pixels, width, height);
    if (orientation < 5 || orientation > 8) return GLIMPSE_OK;

    uint8_t *oriented = malloc(width * height * 3);
    if (!oriented) return glimpse_fail_nomem(width * height * 3, "turning a picture upright");
    for (size_t y = 0; y < height; y += GLIMPSE_ORIENT_BAND) {
        const size_t count = height - y < GLIMPSE_ORIENT_BAND ? height - y : GLIMPSE_ORIENT_BAND;
        glimpse_orient_rows(oriented, picture->pixels + y * width * 3, width, height, y, count,
                            orientation);
    }
    free(picture->pixels);
    picture->pixels = oriented;
    picture->width = (uint32_t)height;
    picture->height = (uint32_t)width;
    const glimpse_axis across = picture->across;
    picture->across = picture->down;
    picture->down = across;
    const uint32_t whole_width = picture->whole_width;
    picture->whole_width = picture->whole_height;
    picture->whole_height = whole_width;
    return GLIMPSE_OK;
}
