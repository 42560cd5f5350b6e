/*
 * image/turn.c - EXIF orientation: from stored to upright.
 *
 * The eight orientations are the symmetries of a rectangle. With x, y a stored pixel in a picture
 * of w x h, it belongs at
 *
 *     1: (x, y)          5: (y, x)
 *     2: (w-1-x, y)      6: (h-1-y, x)        rotate clockwise to see it upright
 *     3: (w-1-x, h-1-y)  7: (h-1-y, w-1-x)
 *     4: (x, h-1-y)      8: (y, w-1-x)
 *
 * 2, 3 and 4 are done in place; 5 to 8 swap the sides and need a second buffer.
 */
#include "core/error.h"
#include "image/picture.h"

#include <stdlib.h>

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

/* Orientations 5..8. Walks the picture in square tiles, so that both the rows that are read and
 * the columns that are written stay in the cache. */
static void transpose(uint8_t *to, const uint8_t *from, size_t width, size_t height,
                      int orientation) {
    enum { TILE = 32 };
    const int mirror_x = orientation == 7 || orientation == 8; /* new y counts from the right */
    const int mirror_y = orientation == 6 || orientation == 7; /* new x counts from below */
    for (size_t ty = 0; ty < height; ty += TILE) {
        size_t y_end = ty + TILE < height ? ty + TILE : height;
        for (size_t tx = 0; tx < width; tx += TILE) {
            size_t x_end = tx + TILE < width ? tx + TILE : width;
            for (size_t y = ty; y < y_end; y++) {
                size_t new_x = mirror_y ? height - 1 - y : y;
                for (size_t x = tx; x < x_end; x++) {
                    size_t new_y = mirror_x ? width - 1 - x : x;
                    const uint8_t *p = from + (y * width + x) * 3;
                    uint8_t *q = to + (new_y * height + new_x) * 3;
                    q[0] = p[0];
                    q[1] = p[1];
                    q[2] = p[2];
                }
            }
        }
    }
}

int glimpse_picture_turn(glimpse_image *picture, int orientation) {
    const size_t width = picture->width, height = picture->height;
    if (orientation == 2 || orientation == 3) mirror_rows(picture->pixels, width, height);
    if (orientation == 3 || orientation == 4) flip_upside_down(picture->pixels, width, height);
    if (orientation < 5 || orientation > 8) return GLIMPSE_OK;

    uint8_t *turned = malloc(width * height * 3);
    if (!turned) return glimpse_fail_nomem(width * height * 3, "turning a picture upright");
    transpose(turned, picture->pixels, width, height, orientation);
    free(picture->pixels);
    picture->pixels = turned;
    picture->width = (uint32_t)height;
    picture->height = (uint32_t)width;
    return GLIMPSE_OK;
}
