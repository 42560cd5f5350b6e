/*
 * image/output/jpeg_out.c - compresses pixels with libjpeg into memory of its own.
 *
 * The bytes are collected here and not by jpeg_mem_dest(): after a failure nobody could say
 * whether that one has freed its buffer already.
 */
#include "jpeg_out.h"

#include "core/error.h"

#include <setjmp.h>
#include <stdlib.h>

/* jpeglib.h needs stdio.h before it and does not say so. */
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

typedef struct encoder {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf failed;
    uint8_t *data; /* [size], capacity for more */
    size_t size, capacity;
} encoder;

static void leave(j_common_ptr info) {
    encoder *e = info->client_data;
    longjmp(e->failed, 1);
}

static void ignore_message(j_common_ptr info) {
    (void)info;
}

static void grow(j_compress_ptr info) {
    encoder *e = info->client_data;
    size_t capacity = e->capacity ? 2 * e->capacity : (size_t)16 << 10;
    uint8_t *data = realloc(e->data, capacity);
    if (!data) ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
    e->destination.next_output_byte = data + e->capacity;
    e->destination.free_in_buffer = capacity - e->capacity;
    e->data = data;
    e->capacity = capacity;
}

/* Called when all of the buffer is full, whatever `free_in_buffer` says. */
static boolean make_space(j_compress_ptr info) {
    grow(info);
    return TRUE;
}

static void finish(j_compress_ptr info) {
    encoder *e = info->client_data;
    e->size = e->capacity - e->destination.free_in_buffer;
}

/* 1 when it was encoded, 0 after an error of libjpeg's. */
static int encode(encoder *e, const uint8_t *rgb, uint32_t width, uint32_t height, int quality,
                  const uint8_t *exif, size_t exif_size) {
    struct jpeg_compress_struct *info = &e->info;
    if (setjmp(e->failed)) return 0;
    jpeg_create_compress(info);
    info->dest = &e->destination;
    info->image_width = width;
    info->image_height = height;
    info->input_components = 3;
    info->in_color_space = JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, quality, TRUE);
    info->optimize_coding = TRUE;
    jpeg_start_compress(info, TRUE);
    if (exif_size > 0) jpeg_write_marker(info, JPEG_APP0 + 1, exif, (unsigned)exif_size);
    while (info->next_scanline < info->image_height) {
        /* libjpeg only reads the row, and says so nowhere. */
        JSAMPROW row = (JSAMPROW)(uintptr_t)(rgb + (size_t)info->next_scanline * width * 3);
        (void)jpeg_write_scanlines(info, &row, 1);
    }
    jpeg_finish_compress(info);
    return 1;
}

int glimpse_jpeg_encode(uint8_t **out, size_t *size, const uint8_t *rgb, uint32_t width,
                        uint32_t height, int quality, const uint8_t *exif, size_t exif_size) {
    encoder e = {.data = NULL};
    *out = NULL;
    *size = 0;
    e.info.err = jpeg_std_error(&e.errors);
    e.info.client_data = &e;
    e.errors.error_exit = leave;
    e.errors.output_message = ignore_message;
    e.destination.init_destination = grow;
    e.destination.empty_output_buffer = make_space;
    e.destination.term_destination = finish;
    int encoded = encode(&e, rgb, width, height, quality, exif, exif_size), status = GLIMPSE_OK;
    if (encoded) {
        *out = e.data;
        *size = e.size;
    } else if (e.errors.msg_code == JERR_OUT_OF_MEMORY) {
        status = glimpse_fail_nomem((unsigned long long)width * height * 3, "encoding a picture");
    } else {
        char message[JMSG_LENGTH_MAX];
        e.errors.format_message((j_common_ptr)&e.info, message);
        status = glimpse_fail(GLIMPSE_E_INTERNAL, "a picture of %u x %u cannot be encoded: %s",
                              width, height, message);
    }
    jpeg_destroy_compress(&e.info);
    if (status < 0) free(e.data);
    return status;
}
