/*
 * test_composite.c - what is transparent is laid over white, over grey where white would hide it,
 * and only where that was asked for: embeddings see what they always saw.
 */
#include "support.h"

#include <glimpse/sys/image.h>

#include <zlib.h>

static void put32(uint8_t *to, uint32_t value) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static size_t put_chunk(uint8_t *to, const char *type, const uint8_t *data, size_t size) {
    put32(to, (uint32_t)size);
    memcpy(to + 4, type, 4);
    if (size > 0) memcpy(to + 8, data, size);
    put32(to + 8 + size, (uint32_t)crc32(0, to + 4, (uInt)(size + 4)));
    return size + 12;
}

/* A PNG of one row of `count` pixels R,G,B,A. */
static size_t make_png(uint8_t to[1024], const uint8_t *rgba, size_t count) {
    static const uint8_t head[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t ihdr[13] = {[8] = 8, [9] = 6}, raw[256] = {0}, packed[512];
    uLongf packed_size = sizeof packed;
    put32(ihdr, (uint32_t)count);
    put32(ihdr + 4, 1);
    memcpy(raw + 1, rgba, 4 * count);
    assert_int_equal(compress(packed, &packed_size, raw, 4 * count + 1), Z_OK);
    size_t used = sizeof head;
    memcpy(to, head, used);
    used += put_chunk(to + used, "IHDR", ihdr, sizeof ihdr);
    used += put_chunk(to + used, "IDAT", packed, packed_size);
    return used + put_chunk(to + used, "IEND", NULL, 0);
}

static glimpse_image *decode(const void *data, size_t size, int composite) {
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    glimpse_image *image = NULL;
    options.composite = composite;
    assert_ok(glimpse_image_decode(&image, data, size, "test", &options));
    return image;
}

static void expect_pixels(const uint8_t *rgba, size_t count, int composite, const uint8_t *rgb) {
    uint8_t png[1024];
    glimpse_image *image = decode(png, make_png(png, rgba, count), composite);
    assert_memory_equal(glimpse_image_pixels(image), rgb, 3 * count);
    glimpse_image_free(image);
}

static void transparency_is_laid_over_white_or_grey(void **state) {
    (void)state;
    /* A black drawing on nothing, the case of most line art: black on black without. */
    static const uint8_t ink[] = {0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 128};
    expect_pixels(ink, 3, 1, (const uint8_t[]){0, 0, 0, 255, 255, 255, 127, 127, 127});
    expect_pixels(ink, 3, 0, (const uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0});
    /* A white one; what is not seen does not count. */
    static const uint8_t chalk[] = {255, 255, 255, 255, 0, 0, 0, 0, 250, 250, 250, 255};
    expect_pixels(chalk, 3, 1, (const uint8_t[]){255, 255, 255, 128, 128, 128, 250, 250, 250});
    /* 0.8 of 255 is 204: from there on. */
    static const uint8_t light[] = {204, 204, 204, 255, 9, 9, 9, 0};
    expect_pixels(light, 2, 1, (const uint8_t[]){204, 204, 204, 255, 255, 255});
    static const uint8_t lighter[] = {205, 205, 205, 255, 9, 9, 9, 0};
    expect_pixels(lighter, 2, 1, (const uint8_t[]){205, 205, 205, 128, 128, 128});
    /* Nothing is seen; all is. */
    static const uint8_t nothing[] = {7, 7, 7, 0};
    expect_pixels(nothing, 1, 1, (const uint8_t[]){255, 255, 255});
    static const uint8_t all[] = {255, 250, 245, 255};
    expect_pixels(all, 1, 1, (const uint8_t[]){255, 250, 245});
}

static uint64_t sum_of(const glimpse_image *image) {
    const uint8_t *pixels = glimpse_image_pixels(image);
    size_t size = (size_t)glimpse_image_width(image) * glimpse_image_height(image) * 3;
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += pixels[i];
    return sum;
}

static void every_way_to_be_transparent_is_seen(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int transparent;
    } cases[] = {{"png_rgba.png", 1},
                 {"png_grey_alpha.png", 1},
                 {"png_grey_transparent.png", 1},
                 {"png_palette_transparent.png", 1},
                 {"webp_alpha.webp", 1},
                 {"gif_transparent.gif", 1},
                 {"jpeg_420.jpg", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128];
        size_t size = 0;
        (void)snprintf(path, sizeof path, "tests/image/fixtures/%s", cases[i].name);
        char *file = read_whole_file(source_path(path), &size);
        glimpse_image *without = decode(file, size, 0), *with = decode(file, size, 1);
        assert_int_equal(glimpse_image_width(with), glimpse_image_width(without));
        assert_int_equal(glimpse_image_height(with), glimpse_image_height(without));
        if ((sum_of(with) != sum_of(without)) != cases[i].transparent) {
            fail_msg("%s: %llu and %llu", cases[i].name, (unsigned long long)sum_of(without),
                     (unsigned long long)sum_of(with));
        }
        glimpse_image_free(with);
        glimpse_image_free(without);
        free(file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transparency_is_laid_over_white_or_grey),
        cmocka_unit_test(every_way_to_be_transparent_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
