/*
 * test_jpeg_out.c - JPEGs that we write are pictures again, with what was to go along.
 */
#include "image/image_support.h"

#include "image/output/jpeg_out.h"

enum { WIDTH = 61, HEIGHT = 37 };

static void paint(uint8_t *rgb) {
    for (size_t y = 0; y < HEIGHT; y++) {
        for (size_t x = 0; x < WIDTH; x++, rgb += 3) {
            rgb[0] = (uint8_t)(4 * x);
            rgb[1] = (uint8_t)(6 * y);
            rgb[2] = 90;
        }
    }
}

static void what_is_written_decodes_to_the_picture(void **state) {
    (void)state;
    uint8_t rgb[WIDTH * HEIGHT * 3], *jpeg;
    size_t size;
    glimpse_image *image;
    paint(rgb);
    assert_ok(glimpse_jpeg_encode(&jpeg, &size, rgb, WIDTH, HEIGHT, 95, NULL, 0));
    assert_ok(glimpse_image_decode(&image, jpeg, size, "ours", NULL));
    assert_int_equal(glimpse_image_metadata(image)->format, GLIMPSE_FORMAT_JPEG);
    assert_int_equal(glimpse_image_width(image), WIDTH);
    assert_int_equal(glimpse_image_height(image), HEIGHT);
    const uint8_t *back = glimpse_image_pixels(image);
    double sum = 0.0;
    for (size_t i = 0; i < sizeof rgb; i++)
        sum += abs((int)back[i] - (int)rgb[i]);
    assert_true(sum / (double)sizeof rgb < 4.0);
    glimpse_image_free(image);
    free(jpeg);
}

static void metadata_goes_along_when_it_is_given(void **state) {
    (void)state;
    /* A TIFF header, one entry: orientation (0x0112, SHORT) 6. */
    static const uint8_t exif[] = {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                                   1,   0x12, 0,   3,   0, 0, 0,   1,   0, 6,  0, 0, 0, 0, 0, 0};
    uint8_t rgb[WIDTH * HEIGHT * 3], *jpeg;
    size_t size;
    glimpse_image *image;
    paint(rgb);
    assert_ok(glimpse_jpeg_encode(&jpeg, &size, rgb, WIDTH, HEIGHT, 80, exif, sizeof exif));
    assert_ok(glimpse_image_decode(&image, jpeg, size, "ours", NULL));
    assert_int_equal(glimpse_image_metadata(image)->orientation, 6);
    glimpse_image_free(image);
    free(jpeg);
}

static void sides_that_no_jpeg_has_are_refused(void **state) {
    (void)state;
    static const uint8_t rgb[3];
    uint8_t *jpeg;
    size_t size;
    assert_int_equal(glimpse_jpeg_encode(&jpeg, &size, rgb, 0, 1, 80, NULL, 0), GLIMPSE_E_INTERNAL);
    assert_null(jpeg);
    assert_int_equal(glimpse_jpeg_encode(&jpeg, &size, rgb, 70000, 1, 80, NULL, 0),
                     GLIMPSE_E_INTERNAL);
    assert_non_null(strstr(glimpse_last_error(), "70000 x 1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_decodes_to_the_picture),
        cmocka_unit_test(metadata_goes_along_when_it_is_given),
        cmocka_unit_test(sides_that_no_jpeg_has_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
