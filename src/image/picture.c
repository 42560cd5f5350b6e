/*
 * image/picture.c - where the size of a picture is checked and its memory comes from.
 */
#include "image/picture.h"

#include "core/error.h"

#include <stdlib.h>

int glimpse_picture_check_size(const glimpse_source *source, uint64_t width, uint64_t height) {
    if (width == 0 || height == 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "declares an empty picture (%llu x %llu)",
                            (unsigned long long)width, (unsigned long long)height);
    }
    if (width > GLIMPSE_MAX_SIDE || height > GLIMPSE_MAX_SIDE ||
        width * height > source->max_pixels) {
        return glimpse_fail(GLIMPSE_E_LIMIT,
                            "declares %llu x %llu pixels, more than the limit of %llu pixels",
                            (unsigned long long)width, (unsigned long long)height,
                            (unsigned long long)source->max_pixels);
    }
    return GLIMPSE_OK;
}

void glimpse_picture_adopt(glimpse_image *picture, uint8_t *pixels, uint32_t width,
                           uint32_t height) {
    picture->pixels = pixels;
    picture->width = picture->whole_width = width;
    picture->height = picture->whole_height = height;
    picture->across = glimpse_axis_whole(width);
    picture->down = glimpse_axis_whole(height);
}

int glimpse_picture_reserve(glimpse_image *picture, const glimpse_source *source, uint64_t width,
                            uint64_t height) {
    int status = glimpse_picture_check_size(source, width, height);
    if (status < 0) return status;
    uint64_t bytes = width * height * 3;
    if (picture->pixels || bytes > SIZE_MAX / 2) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "pixel memory asked for twice or beyond reach");
    }
    /* Zeroed, so that a decoder that skips pixels shows black and never old memory. */
    uint8_t *pixels = calloc((size_t)(width * height), 3);
    if (!pixels) return glimpse_fail_nomem(bytes, "pixels");
    glimpse_picture_adopt(picture, pixels, (uint32_t)width, (uint32_t)height);
    return GLIMPSE_OK;
}

int glimpse_picture_reserve_alpha(glimpse_image *picture) {
    const size_t size = (size_t)picture->width * picture->height;
    picture->alpha = calloc(size, 1);
    return picture->alpha ? GLIMPSE_OK : glimpse_fail_nomem(size, "pixels");
}

void glimpse_picture_split(glimpse_image *picture, size_t at, const uint8_t *rgba, size_t count) {
    uint8_t *pixels = picture->pixels + at * 3, *alpha = picture->alpha + at;
    for (size_t i = 0; i < count; i++) {
        pixels[3 * i] = rgba[4 * i];
        pixels[3 * i + 1] = rgba[4 * i + 1];
        pixels[3 * i + 2] = rgba[4 * i + 2];
        alpha[i] = rgba[4 * i + 3];
    }
}

void glimpse_picture_drop_unused_alpha(glimpse_image *picture) {
    const size_t count = (size_t)picture->width * picture->height;
    for (size_t i = 0; picture->alpha && i < count; i++)
        if (picture->alpha[i]) return;
    free(picture->alpha);
    picture->alpha = NULL;
}

static unsigned plain_ground(glimpse_ground ground, double mean) {
    enum { WHITE = 255, GREY = 128 };
    if (ground == GLIMPSE_GROUND_DARK) return 0;
    /* White would hide what is nearly white. */
    return ground == GLIMPSE_GROUND_VISIBLE && mean > 0.8 * 255.0 ? GREY : WHITE;
}

static void lay_over(glimpse_image *picture, unsigned behind) {
    const size_t count = (size_t)picture->width * picture->height;
    for (size_t i = 0; i < count; i++) {
        const unsigned alpha = picture->alpha[i];
        for (size_t c = 3 * i; c < 3 * i + 3; c++) {
            const unsigned mixed = picture->pixels[c] * alpha + behind * (255 - alpha);
            picture->pixels[c] = (uint8_t)((mixed + 127) / 255);
        }
    }
}

void glimpse_picture_lay(glimpse_image *picture, glimpse_ground ground) {
    const size_t count = (size_t)picture->width * picture->height;
    double light = 0.0, visible = 0.0;
    if (!picture->alpha) return;
    for (size_t i = 0; i < count && ground != GLIMPSE_GROUND_NONE; i++) {
        const uint8_t *p = picture->pixels + 3 * i;
        const unsigned alpha = picture->alpha[i];
        light += (double)(alpha * (unsigned)(p[0] + p[1] + p[2]));
        visible += (double)alpha;
    }
    if (ground != GLIMPSE_GROUND_NONE && visible < 255.0 * (double)count) {
        const double mean = visible > 0.0 ? light / visible / 3.0 : 0.0;
        picture->was_transparent = 1;
        if (ground == GLIMPSE_GROUND_KEEP) return;
        if (ground == GLIMPSE_GROUND_CHECKERED) {
            glimpse_picture_checker(picture, mean);
        } else {
            lay_over(picture, plain_ground(ground, mean));
        }
    }
    free(picture->alpha);
    picture->alpha = NULL;
}

unsigned glimpse_picture_reduction(const glimpse_source *source, uint32_t width, uint32_t height) {
    const uint32_t shorter = width < height ? width : height;
    if (source->short_side == 0) return 1;
    for (unsigned by = 8; by > 1; by /= 2) {
        if (glimpse_reduced(shorter, by) >= source->short_side) return by;
    }
    return 1;
}
