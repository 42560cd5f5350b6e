/*
 * The 77 golden cases of preprocessing: what Pillow and the reference crops made of real files.
 */
#include "image_support.h"

#include <jansson.h>
#include <math.h>

static json_t *manifest;
static int exact_lossy, all_lossy;

static int load_manifest(void **state) {
    (void)state;
    const char *path = shared_path_if_there("golden/preprocess/manifest.json");
    manifest = path ? json_load_file(path, 0, NULL) : NULL;
    return 0;
}

static int drop_manifest(void **state) {
    (void)state;
    json_decref(manifest);
    return 0;
}

static const char *golden(const char *relative) {
    char path[512];
    (void)snprintf(path, sizeof path, "golden/preprocess/%s", relative);
    return shared_path(path);
}

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key)); /* NULL when absent */
}

static double number_of(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static glimpse_preprocess rules_of(const json_t *item) {
    glimpse_preprocess p = {.resize = GLIMPSE_RESIZE_SHORTEST,
                            .resample = GLIMPSE_RESAMPLE_BICUBIC,
                            .center_crop = 1,
                            .normalize = 1,
                            .scale = 1.0f / 255.0f};
    p.resize_width = p.resize_height = (uint32_t)number_of(item, "resize_shortest_edge");
    p.width = p.height = (uint32_t)number_of(item, "crop");
    for (size_t c = 0; c < 3; c++) {
        p.mean[c] = (float)json_number_value(json_array_get(json_object_get(manifest, "mean"), c));
        p.std[c] = (float)json_number_value(json_array_get(json_object_get(manifest, "std"), c));
    }
    return p;
}

/* Largest and mean difference to an expected file. */
static void differences(const uint8_t *rgb, size_t bytes, const char *file, int *max,
                        double *mean) {
    size_t size;
    uint8_t *expected = read_whole_file(golden(file), &size);
    assert_int_equal(size, bytes);
    uint64_t sum = 0;
    *max = 0;
    for (size_t i = 0; i < bytes; i++) {
        const int d = abs((int)rgb[i] - (int)expected[i]);
        if (d > *max) *max = d;
        sum += (uint64_t)d;
    }
    *mean = (double)sum / (double)bytes;
    free(expected);
}

/* Runs one variant, fast and plain; 1 when it is off. */
static int check(const char *name, const glimpse_preprocess *p, const glimpse_image *image,
                 const char *file, const char *other_file, int lossless, uint8_t *rgb) {
    const size_t bytes = (size_t)p->width * p->height * 3;
    uint8_t *plain = malloc(bytes);
    assert_non_null(plain);
    assert_ok(glimpse_preprocess_rgb(rgb, p, image));
    assert_ok(glimpse_preprocess_rgb_plain(plain, p, image));
    assert_memory_equal(rgb, plain, bytes);
    free(plain);
    int max;
    double mean;
    differences(rgb, bytes, file, &max, &mean);
    if (max > 0 && other_file) differences(rgb, bytes, other_file, &max, &mean);
    if (!lossless) {
        all_lossy++;
        exact_lossy += max == 0;
    }
    if (lossless ? max > 0 : max > 8 || mean > 0.5) {
        print_error("%s: %s: max %d, mean %.3f\n", name, file, max, mean);
        return 1;
    }
    return 0;
}

static int check_tensor(const json_t *item, const glimpse_preprocess *p, const uint8_t *rgb) {
    const size_t pixels = (size_t)p->width * p->height;
    float *chw = malloc(pixels * 3 * sizeof *chw);
    assert_non_null(chw);
    glimpse_preprocess_normalize(chw, p, rgb);
    int bad = 0;
    size_t i;
    json_t *sample;
    json_array_foreach(json_object_get(item, "tensor_samples_cyx"), i, sample) {
        const size_t c = (size_t)json_integer_value(json_array_get(sample, 0));
        const size_t y = (size_t)json_integer_value(json_array_get(sample, 1));
        const size_t x = (size_t)json_integer_value(json_array_get(sample, 2));
        const double expected = json_number_value(json_array_get(sample, 3));
        if (fabs((double)chw[c * pixels + y * p->width + x] - expected) > 1e-5) bad = 1;
    }
    double total = 0, squares = 0;
    for (size_t c = 0; c < 3; c++) {
        double sum = 0, square = 0;
        for (size_t k = 0; k < pixels; k++) {
            const double v = (double)chw[c * pixels + k];
            sum += v;
            square += v * v;
        }
        total += sum;
        squares += square;
        const double mean = sum / (double)pixels;
        const double std = sqrt(fmax(square / (double)pixels - mean * mean, 0));
        const json_t *means = json_object_get(item, "channel_mean");
        const json_t *stds = json_object_get(item, "channel_std");
        if (fabs(mean - json_number_value(json_array_get(means, c))) > 1e-5) bad = 1;
        if (fabs(std - json_number_value(json_array_get(stds, c))) > 1e-5) bad = 1;
    }
    const double mean = total / (3.0 * (double)pixels);
    const double std = sqrt(squares / (3.0 * (double)pixels) - mean * mean);
    if (fabs(mean - number_of(item, "tensor_mean")) > 1e-5) bad = 1;
    if (fabs(std - number_of(item, "tensor_std")) > 1e-5) bad = 1;
    free(chw);
    if (bad) print_error("%s: the normalised tensor is off\n", text_of(item, "name"));
    return bad;
}

static void every_golden_case_gives_the_expected_pixels_and_tensor(void **state) {
    (void)state;
    if (!manifest) {
        print_message("SKIPPED: the golden data is not on this machine\n");
        skip();
    }
    int bad = 0, seen = 0;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(manifest, "cases"), i, item) {
        const char *name = text_of(item, "name");
        const int lossless = json_is_true(json_object_get(item, "lossless_decode"));
        glimpse_image *image;
        assert_ok(glimpse_image_load(&image, golden(text_of(item, "file")), NULL));
        const json_t *size = json_object_get(item, "oriented_size");
        assert_int_equal(glimpse_image_width(image), json_integer_value(json_array_get(size, 0)));
        assert_int_equal(glimpse_image_height(image), json_integer_value(json_array_get(size, 1)));
        assert_int_equal(glimpse_image_metadata(image)->orientation,
                         (int)number_of(item, "exif_orientation"));

        glimpse_preprocess p = rules_of(item);
        uint8_t *rgb = malloc((size_t)p.width * p.height * 3);
        assert_non_null(rgb);
        /* One case has a second accepted answer, where Pillow clips 16-bit grey. */
        const char *other = text_of(item, "expected_rgb_alt");
        bad += check(name, &p, image, text_of(item, "expected_rgb"), other, lossless, rgb);
        if (lossless && !other) bad += check_tensor(item, &p, rgb);

        p.crop_rule = GLIMPSE_CROP_TORCHVISION;
        const char *torchvision = text_of(item, "expected_rgb_torchvision");
        if (!torchvision) torchvision = text_of(item, "expected_rgb");
        bad += check(name, &p, image, torchvision, other, lossless, rgb);

        const json_t *squash = json_object_get(item, "squash");
        if (squash) {
            p.resize = GLIMPSE_RESIZE_EXACT;
            p.center_crop = 0;
            bad += check(name, &p, image, text_of(squash, "bicubic"), NULL, lossless, rgb);
            p.resample = GLIMPSE_RESAMPLE_BILINEAR;
            bad += check(name, &p, image, text_of(squash, "bilinear"), NULL, lossless, rgb);
        }
        free(rgb);
        glimpse_image_free(image);
        seen++;
    }
    print_message("%d cases; of %d results from lossy files, %d are exact\n", seen, all_lossy,
                  exact_lossy);
    assert_int_equal(seen, 77);
    assert_int_equal(bad, 0);
}

/*
 * A part of a picture.
 */
static glimpse_image *noise(uint32_t width, uint32_t height) {
    glimpse_image *image = NULL;
    uint8_t *rgb = malloc((size_t)width * height * 3);
    uint32_t state = 7;
    assert_non_null(rgb);
    for (size_t i = 0; i < (size_t)width * height * 3; i++) {
        state = state * 1664525u + 1013904223u;
        rgb[i] = (uint8_t)(state >> 24);
    }
    assert_ok(glimpse_image_create(&image, rgb, width, height));
    free(rgb);
    return image;
}

static glimpse_preprocess square_rules(uint32_t side) {
    return (glimpse_preprocess){.resize = GLIMPSE_RESIZE_SHORTEST,
                                .resize_width = side,
                                .resize_height = side,
                                .resample = GLIMPSE_RESAMPLE_BICUBIC,
                                .center_crop = 1,
                                .width = side,
                                .height = side};
}

enum { SIDE = 24 };

static void a_part_is_what_cutting_it_out_first_gives_but_for_its_edge(void **state) {
    (void)state;
    static const glimpse_box boxes[] = {
        {0, 0, 60, 60}, {37, 21, 83, 51}, {100, 0, 50, 100}, {10, 60, 40, 40}, {0, 0, 150, 100}};
    const glimpse_preprocess rules = square_rules(SIDE);
    glimpse_image *image = noise(150, 100);
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        const glimpse_box *box = &boxes[i];
        uint8_t part[SIDE][SIDE][3], cut[SIDE][SIDE][3];
        uint8_t *rgb = malloc((size_t)box->width * box->height * 3);
        glimpse_image *own = NULL;
        assert_non_null(rgb);
        for (uint32_t y = 0; y < box->height; y++)
            memcpy(rgb + (size_t)y * box->width * 3,
                   glimpse_image_pixels(image) + ((size_t)(box->y + y) * 150 + box->x) * 3,
                   (size_t)box->width * 3);
        assert_ok(glimpse_image_create(&own, rgb, box->width, box->height));
        assert_ok(glimpse_preprocess_rgb(&cut[0][0][0], &rules, own));
        assert_ok(glimpse_preprocess_box_rgb(&part[0][0][0], &rules, image, box));
        /* Two pixels from its edge nothing of what lies outside is left. */
        for (size_t y = 3; y < SIDE - 3; y++)
            assert_memory_equal(part[y][3], cut[y][3], (size_t)(SIDE - 6) * 3);
        if (box->width == 150) assert_memory_equal(part, cut, sizeof cut);
        glimpse_image_free(own);
        free(rgb);
    }
    glimpse_image_free(image);
}

static void a_part_outside_the_picture_is_refused(void **state) {
    (void)state;
    static const glimpse_box boxes[] = {
        {0, 0, 0, 10},  {0, 0, 10, 0}, {91, 0, 10, 10},       {0, 41, 10, 10},
        {100, 0, 1, 1}, {0, 50, 1, 1}, {1, 0, UINT32_MAX, 1}, {0, 1, 1, UINT32_MAX}};
    const glimpse_preprocess rules = square_rules(SIDE);
    glimpse_image *image = noise(100, 50);
    uint8_t rgb[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        assert_int_equal(glimpse_preprocess_box_rgb(rgb, &rules, image, &boxes[i]),
                         GLIMPSE_E_INVALID);
    }
    glimpse_image_free(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_what_cutting_it_out_first_gives_but_for_its_edge),
        cmocka_unit_test(a_part_outside_the_picture_is_refused),
        cmocka_unit_test(every_golden_case_gives_the_expected_pixels_and_tensor),
    };
    return cmocka_run_group_tests(tests, load_manifest, drop_manifest);
}
