/*
 * pictures.c - writes small PPM files.
 */
#include "support/pictures.h"

void write_ppm(const char *path, unsigned width, unsigned height, const void *rgb) {
    const size_t size = (size_t)width * height * 3;
    FILE *file = fopen(path, "wb");
    if (!file) fail_msg("%s: cannot write", path);
    (void)fprintf(file, "P6\n%u %u\n255\n", width, height);
    assert_int_equal(fwrite(rgb, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
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
