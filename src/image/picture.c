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

unsigned glimpse_picture_reduction(const glimpse_source *source, uint32_t width, uint32_t height) {
    const uint32_t shorter = width < height ? width : height;
    if (source->short_side == 0) return 1;
    for (unsigned by = 8; by > 1; by /= 2) {
        if (glimpse_reduced(shorter, by) >= source->short_side) return by;
    }
    return 1;
}
