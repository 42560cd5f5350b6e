/*
 * tile_frame.c - a frame around the tile that a search found, in a small version of the picture.
 */
#include "tile_frame.h"

static void mark(thumbnail *t, int64_t x, int64_t y, uint8_t value) {
    if (x < 0 || y < 0 || x >= t->width || y >= t->height) return;
    uint8_t *to = t->rgb + ((size_t)y * t->width + (size_t)x) * 3;
    to[0] = to[1] = to[2] = value;
}

static void mark_rectangle(thumbnail *t, int64_t left, int64_t top, int64_t right, int64_t bottom,
                           uint8_t value) {
    for (int64_t x = left; x <= right; x++) {
        mark(t, x, top, value);
        mark(t, x, bottom, value);
    }
    for (int64_t y = top; y <= bottom; y++) {
        mark(t, left, y, value);
        mark(t, right, y, value);
    }
}

void tile_frame_draw(thumbnail *t, const glimpse_result *result) {
    const glimpse_box *tile = &result->tile;
    if (tile->width == 0 || result->width == 0 || result->height == 0) return;
    const int64_t left = (int64_t)tile->x * t->width / result->width;
    const int64_t top = (int64_t)tile->y * t->height / result->height;
    const int64_t right = ((int64_t)tile->x + tile->width) * t->width / result->width - 1;
    const int64_t bottom = ((int64_t)tile->y + tile->height) * t->height / result->height - 1;
    /* White between black: seen on any picture. */
    for (int64_t i = 0; i < 4; i++) {
        mark_rectangle(t, left + i, top + i, right - i, bottom - i, i == 0 || i == 3 ? 0 : 255);
    }
}
