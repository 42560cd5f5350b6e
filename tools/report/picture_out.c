/*
 * picture_out.c - makes small versions of pictures, and encodes them for reports.
 */
#include "picture_out.h"

#include "jpeg_out.h"
#include "tool.h"

#include <glimpse/sys/image.h>

#include <stdlib.h>
#include <string.h>

int thumbnail_make(thumbnail *out, const char *path, uint32_t max_width, uint32_t max_height) {
    glimpse_image *image = NULL, *small = NULL;
    *out = (thumbnail){0};
    /* A black drawing on a transparent ground is usually black on black without its opacity. */
    glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
    decode.composite = GLIMPSE_COMPOSITE_CHECKERED;
    int status = glimpse_image_load(&image, path, &decode);
    if (status < 0) goto done;
    uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    double shrink = 1;
    if ((double)max_width / width < shrink) shrink = (double)max_width / width;
    if ((double)max_height / height < shrink) shrink = (double)max_height / height;
    out->width = (uint32_t)(width * shrink + 0.5);
    out->height = (uint32_t)(height * shrink + 0.5);
    if (out->width == 0) out->width = 1;
    if (out->height == 0) out->height = 1;
    const glimpse_image *shown = image;
    if (out->width != width || out->height != height) {
        status =
            glimpse_image_resize(&small, image, out->width, out->height, GLIMPSE_RESAMPLE_BICUBIC);
        if (status < 0) goto done;
        shown = small;
    }
    size_t size = (size_t)out->width * out->height * 3;
    out->rgb = xmalloc(size);
    memcpy(out->rgb, glimpse_image_pixels(shown), size);
done:
    glimpse_image_free(small);
    glimpse_image_free(image);
    return status < 0 ? -1 : 0;
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
