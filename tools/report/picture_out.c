/*
 * picture_out.c - makes small versions of pictures, and encodes them for reports.
 */
#include "picture_out.h"

#include "jpeg_out.h"
#include "tool.h"

#include <glimpse/sys/image.h>

#include <stdlib.h>
#include <string.h>

static int load(glimpse_image **out, const char *path) {
    /* A black drawing on a transparent ground is usually black on black without its opacity. */
    glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
    decode.ground = GLIMPSE_GROUND_CHECKERED;
    return glimpse_image_load(out, path, &decode);
}

static int shrink(thumbnail *out, const glimpse_image *image, uint32_t max_width,
                  uint32_t max_height) {
    glimpse_image *small = NULL;
    const uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    double by = 1;
    if ((double)max_width / width < by) by = (double)max_width / width;
    if ((double)max_height / height < by) by = (double)max_height / height;
    out->width = (uint32_t)(width * by + 0.5);
    out->height = (uint32_t)(height * by + 0.5);
    if (out->width == 0) out->width = 1;
    if (out->height == 0) out->height = 1;
    if (out->width != width || out->height != height) {
        if (glimpse_image_resize(&small, image, out->width, out->height, GLIMPSE_RESAMPLE_BICUBIC) <
            0) {
            return -1;
        }
        image = small;
    }
    const size_t size = (size_t)out->width * out->height * 3;
    out->rgb = xmalloc(size);
    memcpy(out->rgb, glimpse_image_pixels(image), size);
    glimpse_image_free(small);
    return 0;
}

int thumbnail_make(thumbnail *out, const char *path, uint32_t max_width, uint32_t max_height) {
    glimpse_image *image = NULL;
    *out = (thumbnail){0};
    if (load(&image, path) < 0) return -1;
    const int status = shrink(out, image, max_width, max_height);
    glimpse_image_free(image);
    return status;
}

/* First pixel and count of [at, at + length) of a side of `size` pixels: at least one. */
static void span(uint32_t *first, uint32_t *count, double at, double length, uint32_t size) {
    double start = at * size, end = (at + length) * size;
    if (!(start > 0)) start = 0;
    if (start > size - 1) start = size - 1;
    if (!(end < size)) end = size;
    *first = (uint32_t)start;
    *count = end > start + 1 ? (uint32_t)(end + 0.5) - *first : 1;
    if (*count > size - *first) *count = size - *first;
}

/* A new picture of the pixels of `image` from x, y on, turned. */
static int cut_out(glimpse_image **out, const glimpse_image *image, const picture_part *part) {
    uint32_t x0, y0, w, h;
    span(&x0, &w, part->x, part->width, glimpse_image_width(image));
    span(&y0, &h, part->y, part->height, glimpse_image_height(image));
    const int o = part->orientation, swapped = o >= 5 && o <= 8;
    const int flip_x = o == 2 || o == 3 || o == 7 || o == 8;
    const int flip_y = o == 3 || o == 4 || o == 6 || o == 7;
    const uint32_t width = swapped ? h : w, height = swapped ? w : h;
    uint8_t *rgb = xmalloc((size_t)w * h * 3), *to = rgb;
    for (uint32_t v = 0; v < height; v++) {
        for (uint32_t u = 0; u < width; u++, to += 3) {
            uint32_t x = swapped ? v : u, y = swapped ? u : v;
            if (flip_x) x = w - 1 - x;
            if (flip_y) y = h - 1 - y;
            const size_t at = (size_t)(y0 + y) * glimpse_image_width(image) + x0 + x;
            memcpy(to, glimpse_image_pixels(image) + at * 3, 3);
        }
    }
    const int status = glimpse_image_create(out, rgb, width, height);
    free(rgb);
    return status < 0 ? -1 : 0;
}

int thumbnail_make_part(thumbnail *out, const char *path, const picture_part *part,
                        uint32_t max_width, uint32_t max_height) {
    glimpse_image *image = NULL, *cut = NULL;
    *out = (thumbnail){0};
    if (load(&image, path) < 0) return -1;
    int status = cut_out(&cut, image, part);
    glimpse_image_free(image);
    if (status == 0) status = shrink(out, cut, max_width, max_height);
    glimpse_image_free(cut);
    return status;
}

void thumbnail_free(thumbnail *t) {
    free(t->rgb);
    *t = (thumbnail){0};
}

uint8_t *thumbnail_jpeg(const thumbnail *t, int quality, size_t *size) {
    uint8_t *jpeg = NULL;
    (void)glimpse_jpeg_encode(&jpeg, size, t->rgb, t->width, t->height, quality, NULL, 0);
    return jpeg;
}
