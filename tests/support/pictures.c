/*
 * pictures.c - writes small picture files, and finds the pictures of a page.
 */
#include "support/pictures.h"

#include <glimpse/sys/image.h>
#include <zlib.h>

void write_ppm(const char *path, unsigned width, unsigned height, const void *rgb) {
    const size_t size = (size_t)width * height * 3;
    FILE *file = fopen(path, "wb");
    if (!file) fail_msg("%s: cannot write", path);
    (void)fprintf(file, "P6\n%u %u\n255\n", width, height);
    assert_int_equal(fwrite(rgb, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_chunk(FILE *file, const char *kind, const uint8_t *data, uLong size) {
    uLong check = crc32(crc32(0, (const Bytef *)kind, 4), data, (uInt)size);
    for (int shift = 24; shift >= 0; shift -= 8)
        assert_int_not_equal(fputc((int)(size >> shift & 255), file), EOF);
    assert_int_equal(fwrite(kind, 1, 4, file), 4);
    assert_int_equal(fwrite(data, 1, size, file), size);
    for (int shift = 24; shift >= 0; shift -= 8)
        assert_int_not_equal(fputc((int)(check >> shift & 255), file), EOF);
}

void write_rgba(const char *path, unsigned width, unsigned height, const void *rgba) {
    const uint8_t head[13] = {0, 0, (uint8_t)(width >> 8),  (uint8_t)width,
                              0, 0, (uint8_t)(height >> 8), (uint8_t)height,
                              8, 6};
    const size_t row = (size_t)width * 4, size = (row + 1) * height;
    uLongf packed_size = compressBound(size);
    uint8_t *rows = malloc(size), *packed = malloc(packed_size);
    assert_true(rows && packed);
    for (size_t y = 0; y < height; y++) {
        rows[y * (row + 1)] = 0; /* as it is, without a filter */
        memcpy(rows + y * (row + 1) + 1, (const uint8_t *)rgba + y * row, row);
    }
    assert_int_equal(compress(packed, &packed_size, rows, size), Z_OK);
    FILE *file = fopen(path, "wb");
    if (!file) fail_msg("%s: cannot write", path);
    assert_int_equal(fwrite("\x89PNG\r\n\x1a\n", 1, 8, file), 8);
    write_chunk(file, "IHDR", head, sizeof head);
    write_chunk(file, "IDAT", packed, packed_size);
    write_chunk(file, "IEND", head, 0);
    assert_int_equal(fclose(file), 0);
    free(rows);
    free(packed);
}

static size_t from_base64(uint8_t *to, const char *text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    for (const char *at; *text && (at = strchr(digits, *text)); text++) {
        bits = bits << 6 | (uint32_t)(at - digits);
        if ((have += 6) >= 8) to[size++] = (uint8_t)(bits >> (have -= 8));
    }
    return size;
}

glimpse_image *picture_in_page(const char *page, size_t index) {
    static const char start[] = "src=\"data:image/jpeg;base64,";
    glimpse_image *image = NULL;
    for (size_t i = 0; (page = strstr(page, start)); i++) {
        page += sizeof start - 1;
        if (i < index) continue;
        uint8_t *jpeg = malloc(strcspn(page, "\"") + 1);
        assert_non_null(jpeg);
        const size_t size = from_base64(jpeg, page);
        assert_ok(glimpse_image_decode(&image, jpeg, size, "a picture of the page", NULL));
        free(jpeg);
        return image;
    }
    return NULL;
}

unsigned grey_at(const glimpse_image *image, double x, double y) {
    const uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    const size_t column = (size_t)(x * (width - 1) + 0.5), row = (size_t)(y * (height - 1) + 0.5);
    const uint8_t *p = glimpse_image_pixels(image) + 3 * (row * width + column);
    return (299u * p[0] + 587u * p[1] + 114u * p[2]) / 1000u;
}

void write_picture(const char *path, unsigned width, unsigned height, unsigned seed) {
    unsigned char *rgb = malloc((size_t)width * height * 3 + 1), *at = rgb;
    assert_non_null(rgb);
    uint32_t random = seed * 2654435761u + 1;
    for (unsigned y = 0; y < height; y++) {
        for (unsigned x = 0; x < width; x++) {
            random = random * 1664525u + 1013904223u;
            *at++ = (unsigned char)(x * 255 / width);
            *at++ = (unsigned char)(y * 255 / height);
            *at++ = (unsigned char)((random >> 24) & 0x7F) + (unsigned char)(seed & 0x7F);
        }
    }
    write_ppm(path, width, height, rgb);
    free(rgb);
}
