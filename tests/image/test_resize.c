/*
 * Resizing and preprocessing: the fast paths give the bytes of the plain ones, whatever the sizes.
 */
#include "image_support.h"

#include "image/resize.h"

static uint8_t *noise(size_t bytes, uint64_t *seed) {
    uint8_t *data = malloc(bytes);
    assert_non_null(data);
    /* Runs of extremes provoke clipping and overflow more than plain noise. */
    const int kind = (int)(next_random(seed) >> 62);
    for (size_t i = 0; i < bytes; i++) {
        const uint64_t r = next_random(seed);
        data[i] = kind == 0   ? (uint8_t)(r >> 56)
                  : kind == 1 ? (r >> 63 ? 255 : 0)
                  : kind == 2 ? (uint8_t)((i / 7) % 2 ? 255 : 0)
                              : 255;
    }
    return data;
}

static uint32_t random_side(uint64_t *seed, uint32_t max) {
    const uint64_t r = next_random(seed);
    if ((r & 7) == 0) return 1;
    if ((r & 7) == 1) return 1 + (uint32_t)(r >> 40) % 4;
    return 1 + (uint32_t)(r >> 33) % max;
}

static void compare(const glimpse_resize_kernels *kernels, uint32_t iterations) {
    if (!kernels) {
        print_message("SKIPPED: this machine lacks the instructions\n");
        skip();
    }
    uint64_t seed = 20240607;
    for (uint32_t i = 0; i < iterations; i++) {
        const uint32_t in_w = random_side(&seed, 300), in_h = random_side(&seed, 200);
        const uint32_t out_w = i % 5 == 0 ? in_w : random_side(&seed, 300);
        const uint32_t out_h = i % 7 == 0 ? in_h : random_side(&seed, 200);
        const glimpse_resample filter =
            i & 1 ? GLIMPSE_RESAMPLE_BICUBIC : GLIMPSE_RESAMPLE_BILINEAR;
        glimpse_axis across = glimpse_axis_whole(in_w), down = glimpse_axis_whole(in_h);
        if (i % 4 == 1) across.span -= 0.25 * (double)(i % 3); /* as after reduced decoding */
        if (i % 4 == 1) down.from = 0.5, down.span -= 0.5;
        uint8_t *from = noise((size_t)in_w * in_h * 3, &seed);
        uint8_t *whole = malloc((size_t)out_w * out_h * 3);
        assert_non_null(whole);
        assert_ok(glimpse_resize_plain(whole, out_w, out_h, from, across, down, filter));

        /* A random part of it, into a larger buffer whose rest must stay as it was. */
        glimpse_region part;
        part.w = 1 + (uint32_t)(next_random(&seed) >> 33) % out_w;
        part.h = 1 + (uint32_t)(next_random(&seed) >> 33) % out_h;
        if (i % 3 == 0) {
            part.w = out_w;
            part.h = out_h;
        }
        part.x = (uint32_t)(next_random(&seed) >> 33) % (out_w - part.w + 1);
        part.y = (uint32_t)(next_random(&seed) >> 33) % (out_h - part.h + 1);
        const size_t stride = (size_t)part.w * 3 + next_random(&seed) % 5;
        uint8_t *got = malloc(stride * part.h);
        assert_non_null(got);
        memset(got, 0xa5, stride * part.h);
        assert_ok(glimpse_resize_region(got, stride, part, out_w, out_h, from, across, down, filter,
                                        kernels));
        for (uint32_t y = 0; y < part.h; y++) {
            const uint8_t *row = got + y * stride;
            const uint8_t *expected = whole + (((size_t)part.y + y) * out_w + part.x) * 3;
            if (memcmp(row, expected, (size_t)part.w * 3) != 0) {
                fail_msg("%s: %u x %u to %u x %u, filter %d: row %u differs", kernels->name, in_w,
                         in_h, out_w, out_h, (int)filter, part.y + y);
            }
            for (size_t x = (size_t)part.w * 3; x < stride; x++)
                assert_int_equal(row[x], 0xa5);
        }
        free(got);
        free(whole);
        free(from);
    }
}

static void the_portable_region_equals_the_plain_resize(void **state) {
    (void)state;
    compare(&glimpse_resize_portable, UNDER_SANITIZER ? 150 : 500);
}

static void the_avx2_region_equals_the_plain_resize(void **state) {
    (void)state;
    compare(glimpse_resize_avx2(), UNDER_SANITIZER ? 300 : 1500);
}

static void a_resize_keeps_a_flat_picture_flat(void **state) {
    (void)state;
    uint8_t flat[5 * 4 * 3];
    memset(flat, 137, sizeof flat);
    glimpse_image *image, *resized;
    assert_ok(glimpse_image_create(&image, flat, 5, 4));
    assert_ok(glimpse_image_resize(&resized, image, 61, 1, GLIMPSE_RESAMPLE_BICUBIC));
    assert_int_equal(glimpse_image_width(resized), 61);
    assert_int_equal(glimpse_image_height(resized), 1);
    for (int i = 0; i < 61 * 3; i++)
        assert_int_equal(glimpse_image_pixels(resized)[i], 137);
    glimpse_image_free(resized);
    assert_int_equal(glimpse_image_resize(&resized, image, 0, 1, GLIMPSE_RESAMPLE_BICUBIC),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_image_resize(&resized, image, 1, 65537, GLIMPSE_RESAMPLE_BICUBIC),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_image_resize(&resized, image, 1, 1, (glimpse_resample)0),
                     GLIMPSE_E_INVALID);
    assert_null(resized);
    glimpse_image_free(image);
}

static glimpse_preprocess clip_like(uint32_t size, uint32_t crop) {
    glimpse_preprocess p = {.resize = GLIMPSE_RESIZE_SHORTEST,
                            .resize_width = size,
                            .resample = GLIMPSE_RESAMPLE_BICUBIC,
                            .center_crop = 1,
                            .width = crop,
                            .height = crop,
                            .normalize = 1,
                            .scale = 1.0f / 255.0f,
                            .mean = {0.5f, 0.25f, 0.125f},
                            .std = {0.5f, 0.25f, 2.0f}};
    return p;
}

static void preprocessing_fast_equals_plain_for_any_rules(void **state) {
    (void)state;
    uint64_t seed = 99;
    for (int i = 0; i < 400; i++) {
        const uint32_t w = random_side(&seed, 120), h = random_side(&seed, 90);
        uint8_t *rgb = noise((size_t)w * h * 3, &seed);
        glimpse_image *image;
        assert_ok(glimpse_image_create(&image, rgb, w, h));
        glimpse_preprocess p = clip_like(random_side(&seed, 60), random_side(&seed, 60));
        p.height = random_side(&seed, 60);
        p.crop_rule = i & 1 ? GLIMPSE_CROP_TORCHVISION : GLIMPSE_CROP_HF;
        p.resample = i & 2 ? GLIMPSE_RESAMPLE_BICUBIC : GLIMPSE_RESAMPLE_BILINEAR;
        p.resize = (glimpse_resize_rule)(i / 4 % 3);
        p.resize_height = random_side(&seed, 60);
        if (p.resize == GLIMPSE_RESIZE_EXACT && i % 8 == 0) {
            p.center_crop = 0;
            p.width = p.resize_width;
            p.height = p.resize_height;
        }
        const size_t bytes = (size_t)p.width * p.height * 3;
        uint8_t *fast = malloc(bytes), *plain = malloc(bytes);
        assert_non_null(fast);
        assert_non_null(plain);
        memset(fast, 1, bytes);
        memset(plain, 2, bytes);
        assert_ok(glimpse_preprocess_rgb(fast, &p, image));
        assert_ok(glimpse_preprocess_rgb_plain(plain, &p, image));
        assert_memory_equal(fast, plain, bytes);
        free(fast);
        free(plain);
        glimpse_image_free(image);
        free(rgb);
    }
}

static void rules_that_miss_the_model_input_are_refused(void **state) {
    (void)state;
    uint8_t rgb[10 * 20 * 3] = {0}, out[64 * 64 * 3];
    glimpse_image *image;
    assert_ok(glimpse_image_create(&image, rgb, 10, 20));
    glimpse_preprocess p = clip_like(16, 16);
    p.center_crop = 0;
    assert_int_equal(glimpse_preprocess_rgb(out, &p, image), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "16 x 32"));
    p.resize = GLIMPSE_RESIZE_NONE;
    assert_int_equal(glimpse_preprocess_rgb_plain(out, &p, image), GLIMPSE_E_INVALID);
    p = clip_like(0, 16);
    assert_int_equal(glimpse_preprocess_rgb(out, &p, image), GLIMPSE_E_INVALID);
    p = clip_like(16, 0);
    assert_int_equal(glimpse_preprocess_rgb(out, &p, image), GLIMPSE_E_INVALID);
    glimpse_image_free(image);
}

static void a_very_long_picture_needs_memory_for_its_crop_only(void **state) {
    (void)state;
    /* Resized whole it would be 224 x 13,440,000 pixels. */
    const uint32_t length = 60000;
    uint64_t seed = 5;
    uint8_t *rgb = noise((size_t)length * 3, &seed), *out = malloc(224 * 224 * 3);
    assert_non_null(out);
    glimpse_image *image;
    assert_ok(glimpse_image_create(&image, rgb, 1, length));
    glimpse_preprocess p = clip_like(224, 224);
    assert_ok(glimpse_preprocess_rgb(out, &p, image));
    assert_int_equal(glimpse_preprocess_rgb_plain(out, &p, image), GLIMPSE_E_LIMIT);
    glimpse_image_free(image);
    free(out);
    free(rgb);
}

static void normalising_puts_channels_first(void **state) {
    (void)state;
    glimpse_preprocess p = clip_like(2, 2);
    const uint8_t rgb[12] = {0, 51, 102, 255, 51, 102, 0, 51, 102, 0, 51, 204};
    float chw[12];
    glimpse_preprocess_normalize(chw, &p, rgb);
    assert_true(chw[0] > -1.00001f && chw[0] < -0.99999f); /* (0 - 0.5) / 0.5 */
    assert_true(chw[1] > 0.99999f && chw[1] < 1.00001f);
    assert_true(chw[4] > -0.20001f && chw[4] < -0.19999f); /* (0.2 - 0.25) / 0.25 */
    assert_true(chw[11] > 0.33749f && chw[11] < 0.33751f); /* (0.8 - 0.125) / 2 */
    p.normalize = 0;
    glimpse_preprocess_normalize(chw, &p, rgb);
    assert_true(chw[8] > 0.39999f && chw[8] < 0.40001f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_portable_region_equals_the_plain_resize),
        cmocka_unit_test(the_avx2_region_equals_the_plain_resize),
        cmocka_unit_test(a_resize_keeps_a_flat_picture_flat),
        cmocka_unit_test(preprocessing_fast_equals_plain_for_any_rules),
        cmocka_unit_test(rules_that_miss_the_model_input_are_refused),
        cmocka_unit_test(a_very_long_picture_needs_memory_for_its_crop_only),
        cmocka_unit_test(normalising_puts_channels_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
