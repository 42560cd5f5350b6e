/*
 * image/checker.c - lays what is transparent over squares of two greys, as people know it.
 */
#include "image/picture.h"

void glimpse_picture_checker(glimpse_image *picture, double mean) {
    /* Neither tone is pure: white and black drawings show on both. What is nearly white gets middle
     * greys. Squares are sized by the picture, so that they are still squares in a small version of
     * it. */
    enum { SQUARES = 24, MIN_SQUARE = 4 };
    static const unsigned light[2] = {236, 204}, middle[2] = {150, 110};
    const unsigned *tones = mean > 0.8 * 255.0 ? middle : light;
    const size_t width = picture->width, count = width * picture->height;
    const size_t longer = picture->width > picture->height ? picture->width : picture->height;
    const size_t square = longer / SQUARES > MIN_SQUARE ? longer / SQUARES : MIN_SQUARE;
    for (size_t i = 0; i < count; i++) {
        const unsigned alpha = picture->alpha[i];
        if (alpha == 255) continue;
        const size_t row = i / width / square, column = i % width / square;
        const unsigned tone = tones[(row + column) & 1];
        for (size_t c = 3 * i; c < 3 * i + 3; c++) {
            const unsigned mixed = picture->pixels[c] * alpha + tone * (255 - alpha);
            picture->pixels[c] = (uint8_t)((mixed + 127) / 255);
        }
    }
}
