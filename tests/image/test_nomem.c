/*
 * The Nth allocation fails, for every N: our code reports it, releases what it has, and goes on
 * working. The linker routes the engine's calls through here; those inside shared libraries are
 * not seen.
 */
#include "image_support.h"
#include "support/allocations.h"

#include "image/output/jpeg_out.h"

#include <glimpse/sys/holdings.h>

/* Runs `work` with its 1st, 2nd, ... allocation failing, until none is left to fail. */
static void fail_each(const char *what, int (*work)(void *), void *context) {
    for (long n = 0; n < 1000; n++) {
        fail_allocations_after(n);
        const int status = work(context);
        const int failed = let_allocations_succeed();
        if (!failed) {
            assert_int_equal(status, GLIMPSE_OK);
            assert_true(n > 0); /* the hook works */
            return;
        }
        /* Metadata may be given up silently; the picture may not. */
        if (status != GLIMPSE_E_NOMEM && status != GLIMPSE_OK) {
            fail_msg("%s, allocation %ld: %s (%s)", what, n, glimpse_status_name(status),
                     glimpse_last_error());
        }
    }
    fail_msg("%s: allocates without end", what);
}

struct bytes {
    const void *data;
    size_t size;
};

static int decode(void *context) {
    const struct bytes *bytes = context;
    glimpse_image *image;
    const int status = glimpse_image_decode(&image, bytes->data, bytes->size, "picture", NULL);
    assert_true((status == GLIMPSE_OK) == (image != NULL));
    glimpse_image_free(image);
    return status;
}

static void a_failed_allocation_fails_the_decoding_and_nothing_else(void **state) {
    (void)state;
    static const char *const names[] = {"jpeg_exif.jpg",
                                        "jpeg_cmyk.jpg",
                                        "jpeg_turned_6.jpg",
                                        "png_exif_text.png",
                                        "png_palette4_interlaced.png",
                                        "gif_interlaced.gif",
                                        "bmp_rle8.bmp",
                                        "pnm_3.ppm",
                                        "pnm_4.pbm",
                                        "tga_rle.tga",
                                        "tga_palette.tga",
                                        "psd_cmyk.psd",
                                        "hdr_planes.hdr",
                                        "hdr_mixed.hdr",
                                        "pic_mixed.pic",
                                        "webp_exif.webp",
                                        "tiff_palette.tif",
                                        "tiff_cmyk.tif"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strstr(names[i], "tiff") && !glimpse_image_format_supported(GLIMPSE_FORMAT_TIFF)) {
            continue;
        }
        char relative[128];
        (void)snprintf(relative, sizeof relative, "tests/image/fixtures/%s", names[i]);
        struct bytes bytes;
        void *data = read_whole_file(source_path(relative), &bytes.size);
        bytes.data = data;
        fail_each(names[i], decode, &bytes);
        free(data);
    }
}

struct held {
    const void *data;
    size_t size;
    glimpse_holdings *whole;
};

static int hold(void *context) {
    const struct held *held = context;
    glimpse_holdings *found = NULL;
    const int status = glimpse_holdings_read(&found, held->data, held->size, NULL, 0);
    assert_true((status == GLIMPSE_OK) == (found != NULL));
    if (found) assert_int_equal(glimpse_holdings_lacking(held->whole, found, 1), 0);
    glimpse_holdings_free(found);
    return status;
}

/* What is not found for want of memory must not be taken for what is not there. */
static void a_failed_allocation_hides_nothing_that_a_file_holds(void **state) {
    (void)state;
    static const char *const names[] = {"film_behind.jpg", "gain_map.jpg",         "layers.tif",
                                        "layers.psd",      "frames_and_texts.png", "profile.png",
                                        "profile.jpg",     "samsung_sound.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char relative[128];
        struct held held = {0};
        (void)snprintf(relative, sizeof relative, "tests/fuzz/corpus/holdings/%s", names[i]);
        void *data = read_whole_file(source_path(relative), &held.size);
        held.data = data;
        assert_ok(glimpse_holdings_read(&held.whole, data, held.size, NULL, 0));
        assert_true(held.whole->count > 0);
        fail_each(names[i], hold, &held);
        glimpse_holdings_free(held.whole);
        free(data);
    }
}

static int resize(void *context) {
    glimpse_image *resized;
    const int status = glimpse_image_resize(&resized, context, 9, 31, GLIMPSE_RESAMPLE_BICUBIC);
    glimpse_image_free(resized);
    return status;
}

static int preprocess(void *context) {
    static uint8_t rgb[16 * 16 * 3];
    const glimpse_preprocess p = {.resize = GLIMPSE_RESIZE_SHORTEST,
                                  .resize_width = 16,
                                  .resample = GLIMPSE_RESAMPLE_BICUBIC,
                                  .center_crop = 1,
                                  .width = 16,
                                  .height = 16};
    int status = glimpse_preprocess_rgb(rgb, &p, context);
    if (status == GLIMPSE_OK) status = glimpse_preprocess_rgb_plain(rgb, &p, context);
    return status;
}

static void a_failed_allocation_fails_the_resizing_and_nothing_else(void **state) {
    (void)state;
    static const uint8_t rgb[20 * 30 * 3];
    glimpse_image *image;
    assert_ok(glimpse_image_create(&image, rgb, 20, 30));
    fail_each("resize", resize, image);
    fail_each("preprocess", preprocess, image);
    glimpse_image_free(image);
}

/* Noise, which no JPEG makes small: the buffer grows several times. */
static int encode(void *context) {
    enum { SIDE = 256 };
    static uint8_t rgb[SIDE * SIDE * 3];
    uint32_t random = 1;
    uint8_t *jpeg;
    size_t size;
    (void)context;
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    const int status = glimpse_jpeg_encode(&jpeg, &size, rgb, SIDE, SIDE, 95, NULL, 0);
    assert_true((status == GLIMPSE_OK) == (jpeg != NULL));
    assert_true(!jpeg || size > 32 << 10);
    free(jpeg);
    return status;
}

static void a_failed_allocation_fails_the_encoding_and_nothing_else(void **state) {
    (void)state;
    fail_each("encode", encode, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_fails_the_decoding_and_nothing_else),
        cmocka_unit_test(a_failed_allocation_hides_nothing_that_a_file_holds),
        cmocka_unit_test(a_failed_allocation_fails_the_resizing_and_nothing_else),
        cmocka_unit_test(a_failed_allocation_fails_the_encoding_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
