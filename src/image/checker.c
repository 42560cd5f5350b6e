/*
 * image/checker.c - lays what is transparent over squares of two greys, as people know it.
 */
#include "image/picture.h"

#include <stdlib.h>

/* Neither tone is pure: white and black drawings show on both. A picture whose mean is nearly white
 * gets middle greys, as in glimpse_picture_composite(). Squares are sized by the picture, so that
 * they are still squares in a small version of it. */
typedef struct checker {
    unsigned tones[2];
    size_t square;
} checker;

static checker choose(const glimpse_image *picture, double light, double visible) {
    enum { SQUARES = 24, MIN_SQUARE = 4 };
    const size_t longer = picture->width > picture->height ? picture->width : picture->height;
    checker c = {{236, 204}, longer / SQUARES};
    if (c.square < MIN_SQUARE) c.square = MIN_SQUARE;
    if (visible > 0.0 && light / visible > 0.8 * 3.0 * 255.0) c.tones[0] = 150, c.tones[1] = 110;
    return c;
}

void glimpse_picture_checker(glimpse_image *picture) {
    const size_t width = picture->width, count = width * picture->height;
    double light = 0.0, visible = 0.0;
    if (!picture->alpha) return;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = picture->pixels + 3 * i;
        const unsigned alpha = picture->alpha[i];
        light += (double)(alpha * (unsigned)(p[0] + p[1] + p[2]));
        visible += (double)alpha;
    }
    const checker squares = choose(picture, light, visible);
    for (size_t i = 0; i < count; i++) {
        const unsigned alpha = picture->alpha[i];
        if (alpha == 255) continue;
        picture->was_transparent = 1;
        const size_t row = i / width / squares.square, column = i % width / squares.square;
        const unsigned tone = squares.tones[(row + column) & 1];
        for (size_t c = 3 * i; c < 3 * i + 3; c++) {
            const unsigned mixed = picture->pixels[c] * alpha + tone * (255 - alpha);
            picture->pixels[c] = (uint8_t)((mixed + 127) / 255);
        }
    }
    free(picture->alpha);
    picture->alpha = NULL;
}
