/*
 * picture_out.c - makes small versions of pictures, and encodes them for reports.
 */
#include "picture_out.h"

#include "tool.h"

#include <glimpse/sys/image.h>

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

int thumbnail_make(thumbnail *out, const char *path, uint32_t most_width, uint32_t most_height) {
    glimpse_image *image = NULL, *small = NULL;
    *out = (thumbnail){0};
    int status = glimpse_image_load(&image, path, NULL);
    if (status < 0) goto done;
    uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    double shrink = 1;
    if ((double)most_width / width < shrink) shrink = (double)most_width / width;
    if ((double)most_height / height < shrink) shrink = (double)most_height / height;
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

typedef struct jpeg_failure {
    struct jpeg_error_mgr manager;
    jmp_buf out;
} jpeg_failure;

static void on_jpeg_error(j_common_ptr info) {
    longjmp(((jpeg_failure *)(void *)info->err)->out, 1);
}

static void on_jpeg_message(j_common_ptr info) {
    (void)info;
}

uint8_t *thumbnail_jpeg(const thumbnail *t, int quality, size_t *size) {
    struct jpeg_compress_struct jpeg;
    jpeg_failure failure;
    unsigned char *buffer = NULL;
    unsigned long used = 0;
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = on_jpeg_error;
    failure.manager.output_message = on_jpeg_message;
    if (setjmp(failure.out)) {
        /* Out of memory, nothing else can happen here; libjpeg may have freed `buffer` already
         * while growing it, so it is left alone. */
        jpeg_destroy_compress(&jpeg);
        return NULL;
    }
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &buffer, &used);
    jpeg.image_width = t->width;
    jpeg.image_height = t->height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg.optimize_coding = TRUE;
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = t->rgb + (size_t)jpeg.next_scanline * t->width * 3;
        (void)jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *size = used;
    return buffer;
}

void base64_write(FILE *to, const uint8_t *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t)data[i] << 16;
        if (i + 1 < size) bits |= (uint32_t)data[i + 1] << 8;
        if (i + 2 < size) bits |= data[i + 2];
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                        digits[bits & 63]};
        if (i + 2 >= size) four[3] = '=';
        if (i + 1 >= size) four[2] = '=';
        (void)fwrite(four, 1, 4, to);
    }
}
