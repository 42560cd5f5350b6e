/*
 * Reduced decoding: pictures that will be scaled down anyway are decoded at a half, a quarter or
 * an eighth of their size, and what the model sees hardly changes.
 */
#include "image_support.h"

#include <jpeglib.h>
#include <math.h>
#include <webp/encode.h>

/* Waves and shapes with colour edges: enough detail to tell a wrong geometry from a right one. */
static uint8_t *draw(unsigned width, unsigned height) {
    uint8_t *rgb = malloc((size_t)width * height * 3);
    assert_non_null(rgb);
    for (unsigned y = 0; y < height; y++) {
        for (unsigned x = 0; x < width; x++) {
            uint8_t *p = rgb + ((size_t)y * width + x) * 3;
            const double u = (double)x / width, v = (double)y / height;
            p[0] = (uint8_t)(127.0 + 120.0 * sin(9.0 * u + 4.0 * v));
            p[1] = (uint8_t)(127.0 + 120.0 * cos(7.0 * v - 3.0 * u * v));
            p[2] = u + v > 0.9 && u < 0.7 ? 220 : 40;
        }
    }
    return rgb;
}

enum { PROGRESSIVE = 1, GREY = 2, FULL_CHROMA = 4 };

static unsigned char *encode_jpeg(const uint8_t *rgb, unsigned width, unsigned height, int flags,
                                  int orientation, unsigned long *size) {
    static const uint8_t exif[] = {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                                   1,   18,  0,   3,   0, 0, 0,   1,   0, 0,  0, 0, 0, 0, 0, 0};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &out, size);
    jpeg.image_width = width, jpeg.image_height = height;
    jpeg.input_components = 3, jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    if (flags & GREY) jpeg_set_colorspace(&jpeg, JCS_GRAYSCALE);
    if (flags & FULL_CHROMA) jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
    if (flags & PROGRESSIVE) jpeg_simple_progression(&jpeg);
    jpeg_set_quality(&jpeg, 90, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    if (orientation > 1) {
        uint8_t marker[sizeof exif];
        memcpy(marker, exif, sizeof exif);
        marker[25] = (uint8_t)orientation;
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, marker, sizeof marker);
    }
    for (unsigned y = 0; y < height; y++) {
        JSAMPROW rows[1] = {(JSAMPROW)(uintptr_t)(rgb + (size_t)y * width * 3)};
        (void)jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return out;
}

static glimpse_image *decode(const void *data, size_t size, uint32_t short_side) {
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    options.short_side = short_side;
    glimpse_image *image = NULL;
    assert_ok(glimpse_image_decode(&image, data, size, "drawn", &options));
    return image;
}

static double mean_difference(const glimpse_preprocess *p, const glimpse_image *a,
                              const glimpse_image *b) {
    const size_t bytes = (size_t)p->width * p->height * 3;
    uint8_t *one = malloc(bytes), *two = malloc(bytes);
    assert_non_null(one);
    assert_non_null(two);
    assert_ok(glimpse_preprocess_rgb(one, p, a));
    assert_ok(glimpse_preprocess_rgb(two, p, b));
    double sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum += abs((int)one[i] - (int)two[i]);
    /* The two paths agree on reduced pictures as well. */
    assert_ok(glimpse_preprocess_rgb_plain(one, p, b));
    assert_memory_equal(one, two, bytes);
    free(one);
    free(two);
    return sum / (double)bytes;
}

static const glimpse_preprocess rules = {.resize = GLIMPSE_RESIZE_SHORTEST,
                                         .resize_width = 32,
                                         .resize_height = 32,
                                         .resample = GLIMPSE_RESAMPLE_BICUBIC,
                                         .center_crop = 1,
                                         .width = 32,
                                         .height = 32,
                                         .scale = 1.0F / 255.0F};

static unsigned smaller(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* One encoded picture against its exact decoding. */
static void check(const void *data, size_t size, const char *what) {
    glimpse_image *exact = decode(data, size, 0);
    const uint32_t width = glimpse_image_width(exact), height = glimpse_image_height(exact);
    static const uint32_t sides[] = {1, 20, 64, 65, 100, 5000};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        glimpse_image *reduced = decode(data, size, sides[i]);
        const glimpse_image_meta *meta = glimpse_image_metadata(reduced);
        assert_int_equal(meta->width, width);
        assert_int_equal(meta->height, height);
        const uint32_t w = glimpse_image_width(reduced), h = glimpse_image_height(reduced);
        unsigned by = 1;
        while (by < 8 && (width + 2 * by - 1) / (2 * by) >= sides[i] &&
               (height + 2 * by - 1) / (2 * by) >= sides[i]) {
            by *= 2;
        }
        if (w != (width + by - 1) / by || h != (height + by - 1) / by) {
            fail_msg("%s, %u x %u, short side %u: came out at %u x %u, not reduced by %u", what,
                     width, height, sides[i], w, h, by);
        }
        if (sides[i] >= 2 * rules.width || smaller(w, h) >= 2 * rules.width) {
            const double mean = mean_difference(&rules, exact, reduced);
            if (mean > 1.5) fail_msg("%s reduced by %u: differs by %.2f", what, by, mean);
        }
        glimpse_image_free(reduced);
    }
    glimpse_image_free(exact);
}

static void jpegs_come_out_reduced_and_nearly_the_same(void **state) {
    (void)state;
    static const unsigned sizes[][2] = {{640, 480}, {523, 777}, {257, 1031}, {64, 64}, {9, 700}};
    static const int flags[] = {0, PROGRESSIVE, GREY, FULL_CHROMA};
    for (size_t s = 0; s < 5; s++) {
        uint8_t *rgb = draw(sizes[s][0], sizes[s][1]);
        for (size_t f = 0; f < 4; f++) {
            unsigned long size = 0;
            unsigned char *data = encode_jpeg(rgb, sizes[s][0], sizes[s][1], flags[f], 1, &size);
            check(data, size, "JPEG");
            free(data);
        }
        free(rgb);
    }
}

static void every_orientation_is_applied_to_reduced_pictures(void **state) {
    (void)state;
    uint8_t *rgb = draw(611, 402);
    for (int orientation = 1; orientation <= 8; orientation++) {
        unsigned long size = 0;
        unsigned char *data = encode_jpeg(rgb, 611, 402, 0, orientation, &size);
        glimpse_image *exact = decode(data, size, 0);
        assert_int_equal(glimpse_image_width(exact), orientation >= 5 ? 402 : 611);
        glimpse_image_free(exact);
        check(data, size, "turned JPEG");
        free(data);
    }
    free(rgb);
}

static void webp_pictures_come_out_reduced_and_nearly_the_same(void **state) {
    (void)state;
    static const unsigned sizes[][2] = {{640, 480}, {523, 777}, {70, 66}};
    for (size_t s = 0; s < 3; s++) {
        const int width = (int)sizes[s][0], height = (int)sizes[s][1];
        uint8_t *rgb = draw(sizes[s][0], sizes[s][1]), *data = NULL;
        size_t size = WebPEncodeRGB(rgb, width, height, width * 3, 90.0F, &data);
        assert_true(size > 0);
        check(data, size, "lossy WebP");
        WebPFree(data);
        size = WebPEncodeLosslessRGB(rgb, width, height, width * 3, &data);
        assert_true(size > 0);
        check(data, size, "lossless WebP");
        WebPFree(data);
        free(rgb);
    }
}

static void other_formats_are_decoded_whole(void **state) {
    (void)state;
    enum { SIDE = 200 };
    char head[32];
    const int head_size = snprintf(head, sizeof head, "P6 %d %d 255\n", SIDE, SIDE);
    uint8_t *rgb = draw(SIDE, SIDE), *file = malloc((size_t)head_size + SIDE * SIDE * 3);
    memcpy(file, head, (size_t)head_size);
    memcpy(file + head_size, rgb, SIDE * SIDE * 3);
    glimpse_image *image = decode(file, (size_t)head_size + SIDE * SIDE * 3, 10);
    assert_int_equal(glimpse_image_width(image), SIDE);
    assert_memory_equal(glimpse_image_pixels(image), rgb, SIDE * SIDE * 3);
    glimpse_image_free(image);
    free(file);
    free(rgb);
}

static void a_cut_file_is_refused_reduced_as_it_is_whole(void **state) {
    (void)state;
    uint8_t *rgb = draw(400, 300);
    for (int flags = 0; flags <= PROGRESSIVE; flags++) {
        unsigned long size = 0;
        unsigned char *data = encode_jpeg(rgb, 400, 300, flags, 1, &size);
        for (unsigned long cut = 2; cut < size - 2; cut += 97) {
            glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
            glimpse_image *image = NULL;
            int whole = glimpse_image_decode(&image, data, cut, "cut", &options);
            glimpse_image_free(image);
            options.short_side = 40;
            int reduced = glimpse_image_decode(&image, data, cut, "cut", &options);
            glimpse_image_free(image);
            assert_int_equal(reduced, whole);
        }
        free(data);
    }
    free(rgb);
}

static void options_of_an_older_program_mean_what_they_meant(void **state) {
    (void)state;
    uint8_t *rgb = draw(400, 300);
    unsigned long size = 0;
    unsigned char *data = encode_jpeg(rgb, 400, 300, 0, 1, &size);
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    options.size = offsetof(glimpse_decode_options, short_side); /* it had no such member */
    options.short_side = 10;
    glimpse_image *image = NULL;
    assert_ok(glimpse_image_decode(&image, data, size, "old", &options));
    assert_int_equal(glimpse_image_width(image), 400);
    glimpse_image_free(image);
    options.size = 0;
    assert_int_equal(glimpse_image_decode(&image, data, size, "new", &options), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "GLIMPSE_DECODE_OPTIONS_INIT"));
    free(data);
    free(rgb);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpegs_come_out_reduced_and_nearly_the_same),
        cmocka_unit_test(every_orientation_is_applied_to_reduced_pictures),
        cmocka_unit_test(webp_pictures_come_out_reduced_and_nearly_the_same),
        cmocka_unit_test(other_formats_are_decoded_whole),
        cmocka_unit_test(a_cut_file_is_refused_reduced_as_it_is_whole),
        cmocka_unit_test(options_of_an_older_program_mean_what_they_meant),
    };
    return cmocka_run_group_tests_name("reduced decoding", tests, NULL, NULL);
}
