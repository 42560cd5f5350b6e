/*
 * Fingerprints: turned hashes are those of turned pictures, warps compose, comparisons tell edits
 * from other pictures, qualities of JPEGs are read from their tables, measures say what they
 * should.
 */
#include "image_support.h"

#include <glimpse/sys/fingerprint.h>

#include <jpeglib.h>
#include <math.h>

enum { W = 256, H = 192 };

static uint8_t pixels[3 * W * H];

static void draw(uint64_t seed) {
    double p[12][4];
    for (int k = 0; k < 12; k++) {
        for (int i = 0; i < 4; i++)
            p[k][i] = (double)(next_random(&seed) >> 11) / 9007199254740992.0;
    }
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            double v = 100 + 50 * sin(x * 0.05 * p[0][0] + y * 0.06 * p[0][1]);
            for (int k = 1; k < 12; k++) {
                double r = hypot(x - p[k][0] * W, y - p[k][1] * H);
                v += (k % 2 ? 80 : -60) / (1 + exp((r - 8 - 30 * p[k][2]) / 2));
            }
            for (int c = 0; c < 3; c++) {
                double value = v * (0.8 + 0.2 * c);
                pixels[3 * (y * W + x) + c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
        }
    }
}

static void thumb_of(glimpse_thumb *thumb, const uint8_t *rgb, uint32_t w, uint32_t h) {
    glimpse_image *image;
    assert_ok(glimpse_image_create(&image, rgb, w, h));
    assert_ok(glimpse_thumb_make(thumb, image));
    glimpse_image_free(image);
}

static void hashes_of_turns_are_those_of_turned_pictures(void **unused) {
    static glimpse_thumb thumb, oriented;
    (void)unused;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t hashes[8];
        draw(seed);
        thumb_of(&thumb, pixels, W, H);
        glimpse_phash_orientations(hashes, NULL, &thumb);
        assert_true(hashes[0] == glimpse_phash(NULL, &thumb, NULL));
        for (int orientation = 1; orientation <= 8; orientation++) {
            glimpse_thumb_orient(&oriented, &thumb, orientation);
            /* Coefficients next to the median may fall to either side. */
            assert_true(glimpse_hamming(glimpse_phash(NULL, &oriented, NULL),
                                        hashes[orientation - 1]) <= 2);
        }
        /* Different orientations have different hashes. */
        assert_true(glimpse_hamming(hashes[0], hashes[1]) > 10);
    }
}

static void turning_back_gives_the_same_thumbnail(void **unused) {
    static const int back[9] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    static glimpse_thumb thumb, oriented, again;
    (void)unused;
    draw(5);
    thumb_of(&thumb, pixels, W, H);
    for (int orientation = 1; orientation <= 8; orientation++) {
        glimpse_thumb_orient(&oriented, &thumb, orientation);
        assert_int_equal(oriented.width, orientation >= 5 ? H : W);
        glimpse_thumb_orient(&again, &oriented, back[orientation]);
        assert_memory_equal(again.grey, thumb.grey, sizeof thumb.grey);
        assert_memory_equal(again.rgb, thumb.rgb, sizeof thumb.rgb);
        assert_int_equal(again.width, W);
    }
}

static void warps_compose_and_invert(void **unused) {
    (void)unused;
    glimpse_window a = {0.1F, 0.2F, 0.8F, 0.9F}, b = {0, 0.05F, 0.7F, 1};
    glimpse_warp warp = glimpse_warp_windows(&a, &b), back = glimpse_warp_inverse(&warp);
    glimpse_warp none = glimpse_warp_chain(&warp, &back);
    const double identity[6] = {1, 0, 0, 0, 1, 0};
    for (int k = 0; k < 6; k++)
        assert_true(fabs(none.m[k] - identity[k]) < 1e-9);
    /* The corner of b goes to the corner of a. */
    assert_true(fabs(warp.m[0] * 0.7 + warp.m[2] - 0.8) < 1e-6);
    assert_true(fabs(warp.m[4] * 0.05 + warp.m[5] - 0.2) < 1e-6);
}

static void a_crop_is_aligned_to_a_fraction_of_a_pixel(void **unused) {
    static uint8_t cut[3 * W * H];
    static glimpse_thumb whole, part;
    (void)unused;
    const uint32_t x = 20, y = 8, w = 210, h = 164;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        draw(seed);
        thumb_of(&whole, pixels, W, H);
        for (uint32_t j = 0; j < h; j++)
            memcpy(cut + 3 * j * w, pixels + 3 * ((y + j) * W + x), 3 * (size_t)w);
        thumb_of(&part, cut, w, h);
        glimpse_comparison c;
        glimpse_compare(&c, &whole, &part, NULL, 1);
        assert_int_equal(c.verdict, GLIMPSE_VERDICT_EDITED);
        assert_true(c.edits & GLIMPSE_EDIT_CROPPED);
        assert_true(fabs(c.warp.m[0] - (double)w / W) < 0.01);
        assert_true(fabs(c.warp.m[2] - (double)x / W) < 0.005);
        assert_true(fabs(c.warp.m[5] - (double)y / H) < 0.005);
        assert_true(fabs(c.covered[0] - (double)(w * h) / (W * H)) < 0.05);
        assert_true(c.covered[1] > 0.99);
        assert_true(c.motion < 0.1);
    }
}

static void other_pictures_differ_and_flat_ones_are_no_match(void **unused) {
    static glimpse_thumb first, second;
    (void)unused;
    glimpse_comparison c;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        draw(seed);
        thumb_of(&first, pixels, W, H);
        draw(seed + 100);
        thumb_of(&second, pixels, W, H);
        glimpse_compare(&c, &first, &second, NULL, 1);
        assert_int_equal(c.verdict, GLIMPSE_VERDICT_DIFFERENT);
        assert_true(glimpse_hamming(glimpse_phash(NULL, &first, NULL),
                                    glimpse_phash(NULL, &second, NULL)) > 8);
    }
    memset(pixels, 77, sizeof pixels);
    thumb_of(&first, pixels, W, H);
    glimpse_compare(&c, &first, &first, NULL, 1);
    assert_int_equal(c.verdict, GLIMPSE_VERDICT_DIFFERENT);
    /* One pixel, one row: nothing to see, nothing to break. */
    thumb_of(&first, pixels, 1, 1);
    thumb_of(&second, pixels, W, 1);
    glimpse_compare(&c, &first, &second, NULL, 6);
    assert_int_equal(c.verdict, GLIMPSE_VERDICT_DIFFERENT);
    (void)glimpse_phash(NULL, &second, &second.content);
}

static void a_frame_is_seen_and_its_inside_found(void **unused) {
    static uint8_t framed[3 * (W + 40) * (H + 24)];
    static glimpse_thumb thumb, plain;
    (void)unused;
    draw(3);
    thumb_of(&plain, pixels, W, H);
    assert_int_equal(plain.framed, 0);
    memset(framed, 30, sizeof framed);
    for (int y = 0; y < H; y++)
        memcpy(framed + 3 * ((y + 12) * (W + 40) + 20), pixels + 3 * y * W, 3 * W);
    thumb_of(&thumb, framed, W + 40, H + 24);
    assert_int_equal(thumb.framed, 1);
    assert_true(fabs((double)thumb.content.x0 - 20.0 / (W + 40)) < 0.02);
    assert_true(fabs((double)thumb.content.y1 - (H + 12.0) / (H + 24)) < 0.02);
    assert_true(glimpse_hamming(glimpse_phash(NULL, &thumb, &thumb.content),
                                glimpse_phash(NULL, &plain, NULL)) <= 6);
}

static void jpeg_qualities_are_read_from_their_tables(void **unused) {
    (void)unused;
    for (int quality = 5; quality <= 100; quality += 5) {
        struct jpeg_compress_struct c;
        struct jpeg_error_mgr errors;
        unsigned char *data = NULL;
        unsigned long size = 0;
        uint8_t row[3 * 16] = {0};
        c.err = jpeg_std_error(&errors);
        jpeg_create_compress(&c);
        jpeg_mem_dest(&c, &data, &size);
        c.image_width = 16, c.image_height = 1, c.input_components = 3;
        c.in_color_space = JCS_RGB;
        jpeg_set_defaults(&c);
        jpeg_set_quality(&c, quality, TRUE);
        jpeg_start_compress(&c, TRUE);
        JSAMPROW rows = row;
        (void)jpeg_write_scanlines(&c, &rows, 1);
        jpeg_finish_compress(&c);
        jpeg_destroy_compress(&c);
        assert_int_equal(glimpse_jpeg_quality(data, size), quality);
        /* Cut anywhere, it is either known or not, and nothing is read beyond the end. */
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *part = malloc(cut + 1);
            assert_non_null(part);
            memcpy(part, data, cut);
            int known = glimpse_jpeg_quality(part, cut);
            assert_true(known == 0 || known == quality);
            free(part);
        }
        free(data);
    }
    assert_int_equal(glimpse_jpeg_quality("not a JPEG", 10), 0);
}

static void measures_of_known_pictures_are_right(void **unused) {
    glimpse_image *image;
    glimpse_picture_measures m;
    (void)unused;
    for (int i = 0; i < W * H; i++) { /* half black, half white, in columns of one pixel */
        uint8_t value = i % 2 ? 255 : 0;
        memset(pixels + 3 * i, value, 3);
    }
    assert_ok(glimpse_image_create(&image, pixels, W, H));
    assert_ok(glimpse_picture_measure(&m, image));
    glimpse_image_free(image);
    assert_true(fabs(m.mean - 127.5) < 1e-9);
    assert_true(fabs(m.deviation - 127.5) < 1e-9);
    assert_true(fabs(m.entropy - 1) < 1e-9);
    assert_true(m.low == 0 && m.high == 255);
    /* The Laplacian is +-510 in turn. */
    assert_true(fabs(m.sharpness - 510.0 * 510.0) < 1);
    assert_true(m.grey == 1 && m.colourfulness < 1e-9);
    assert_true(fabs(m.aspect - (double)W / H) < 1e-12);
    for (int i = 0; i < W * H; i++) {
        pixels[3 * i] = 200, pixels[3 * i + 1] = 0, pixels[3 * i + 2] = 0;
    }
    assert_ok(glimpse_image_create(&image, pixels, W, H));
    assert_ok(glimpse_picture_measure(&m, image));
    glimpse_image_free(image);
    assert_true(m.deviation == 0 && m.entropy == 0 && m.sharpness == 0 && m.grey == 0);
    /* 0.3 sqrt(200^2 + 100^2) */
    assert_true(fabs(m.colourfulness - 0.3 * hypot(200, 100)) < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_of_turns_are_those_of_turned_pictures),
        cmocka_unit_test(turning_back_gives_the_same_thumbnail),
        cmocka_unit_test(warps_compose_and_invert),
        cmocka_unit_test(a_crop_is_aligned_to_a_fraction_of_a_pixel),
        cmocka_unit_test(other_pictures_differ_and_flat_ones_are_no_match),
        cmocka_unit_test(a_frame_is_seen_and_its_inside_found),
        cmocka_unit_test(jpeg_qualities_are_read_from_their_tables),
        cmocka_unit_test(measures_of_known_pictures_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
