/*
 * The small pictures in fixtures/: every feature of every decoder, with known pixels.
 */
#include "image_support.h"

#include <math.h>

static const char *fixture(const char *name) {
    char relative[256];
    (void)snprintf(relative, sizeof relative, "tests/image/fixtures/%s", name);
    return source_path(relative);
}

static int expected_status(const char *outcome) {
    if (strcmp(outcome, "ok") == 0) return GLIMPSE_OK;
    if (strcmp(outcome, "format") == 0) return GLIMPSE_E_FORMAT;
    if (strcmp(outcome, "limit") == 0) return GLIMPSE_E_LIMIT;
    assert_string_equal(outcome, "unsupported");
    return GLIMPSE_E_UNSUPPORTED;
}

/* Of a format that this build or this machine cannot decode. */
static int is_optional(const char *name) {
    glimpse_image_format format = GLIMPSE_FORMAT_JPEG;
    if (strncmp(name, "tiff_", 5) == 0) format = GLIMPSE_FORMAT_TIFF;
    if (strstr(name, ".heic")) format = GLIMPSE_FORMAT_HEIF;
    if (strstr(name, ".avif")) format = GLIMPSE_FORMAT_AVIF;
    return !glimpse_image_format_supported(format);
}

static int check_picture(const table *t, const char *name, const glimpse_image *image) {
    const glimpse_image_meta *meta = glimpse_image_metadata(image);
    int bad = 0;
    const unsigned width = (unsigned)strtoul(table_get(t, "width"), NULL, 10);
    const unsigned height = (unsigned)strtoul(table_get(t, "height"), NULL, 10);
    if (meta->width != width || meta->height != height) {
        print_error("%s: %u x %u, expected %u x %u\n", name, meta->width, meta->height, width,
                    height);
        bad = 1;
    }
    const char *hash = table_get(t, "fnv1a64");
    if (hash[0] && strtoull(hash, NULL, 16) != image_hash(image)) {
        print_error("%s: other pixels than expected\n", name);
        bad = 1;
    }
    if (meta->orientation != atoi(table_get(t, "orientation"))) {
        print_error("%s: orientation %d\n", name, meta->orientation);
        bad = 1;
    }
    if (strcmp(meta->taken, table_get(t, "taken")) != 0) {
        print_error("%s: taken '%s'\n", name, meta->taken);
        bad = 1;
    }
    if (strcmp(meta->camera, table_get(t, "camera")) != 0) {
        print_error("%s: camera '%s'\n", name, meta->camera);
        bad = 1;
    }
    const char *latitude = table_get(t, "latitude"), *longitude = table_get(t, "longitude");
    if (meta->has_gps != (latitude[0] != '\0') ||
        (meta->has_gps && (fabs(meta->latitude - strtod(latitude, NULL)) > 1e-6 ||
                           fabs(meta->longitude - strtod(longitude, NULL)) > 1e-6))) {
        print_error("%s: place %d %f %f\n", name, meta->has_gps, meta->latitude, meta->longitude);
        bad = 1;
    }
    return bad;
}

static void every_fixture_decodes_to_its_pixels_or_is_refused_with_a_reason(void **state) {
    (void)state;
    table t = table_open(fixture("manifest.tsv"), '\t');
    int bad = 0, seen = 0;
    while (table_next(&t)) {
        const char *name = table_get(&t, "file");
        if (is_optional(name)) continue;
        seen++;
        glimpse_image *image;
        int status = glimpse_image_load(&image, fixture(name), NULL);
        const int expected = expected_status(table_get(&t, "outcome"));
        if (status != expected) {
            print_error("%s: %s (%s)\n", name, glimpse_status_name(status),
                        status < 0 ? glimpse_last_error() : "decoded");
            bad++;
        } else if (status == GLIMPSE_OK) {
            bad += check_picture(&t, name, image);
        } else {
            assert_null(image);
            /* The message begins with the path, and says more. */
            const char *path = fixture(name), *message = glimpse_last_error();
            if (strncmp(message, path, strlen(path)) != 0 || strlen(message) < strlen(path) + 8) {
                print_error("%s: message '%s'\n", name, message);
                bad++;
            }
        }
        glimpse_image_free(image);
    }
    table_close(&t);
    assert_true(seen > 100);
    assert_int_equal(bad, 0);
}

/* Cut at every length: an error or, near the end, the picture; never something else's memory. */
static void every_prefix_of_a_fixture_is_survived(void **state) {
    (void)state;
    table t = table_open(fixture("manifest.tsv"), '\t');
    while (table_next(&t)) {
        const char *name = table_get(&t, "file");
        if (is_optional(name) || strcmp(table_get(&t, "outcome"), "ok") != 0) continue;
        size_t size;
        uint8_t *data = read_whole_file(fixture(name), &size);
        const size_t step = size > 2000 ? size / 400 : 1;
        for (size_t length = 0; length < size; length += step) {
            /* A copy of exactly that length, for the sanitizers. */
            uint8_t *prefix = malloc(length ? length : 1);
            assert_non_null(prefix);
            memcpy(prefix, data, length);
            glimpse_image *image;
            if (glimpse_image_decode(&image, prefix, length, "prefix", NULL) < 0) {
                assert_null(image);
            }
            glimpse_image_free(image);
            free(prefix);
        }
        free(data);
    }
    table_close(&t);
}

static void the_eight_orientations_of_one_scene_look_alike(void **state) {
    (void)state;
    /* The turned fixtures hold the same stored pixels, so each must be the turn of the first. */
    glimpse_image *stored, *oriented;
    assert_ok(glimpse_image_load(&stored, fixture("jpeg_turned_2.jpg"), NULL));
    const uint32_t w = glimpse_image_width(stored), h = glimpse_image_height(stored);
    const uint8_t *two = glimpse_image_pixels(stored); /* mirrored: undo while comparing */
    for (int orientation = 3; orientation <= 8; orientation++) {
        char name[64];
        (void)snprintf(name, sizeof name, "jpeg_turned_%d.jpg", orientation);
        assert_ok(glimpse_image_load(&oriented, fixture(name), NULL));
        const uint8_t *pixels = glimpse_image_pixels(oriented);
        const int swapped = orientation >= 5;
        assert_int_equal(glimpse_image_width(oriented), swapped ? h : w);
        assert_int_equal(glimpse_image_height(oriented), swapped ? w : h);
        for (uint32_t y = 0; y < h; y++) {
            for (uint32_t x = 0; x < w; x++) {
                const uint32_t places[9][2] = {
                    {0, 0},         {x, y}, {w - 1 - x, y}, {w - 1 - x, h - 1 - y},
                    {x, h - 1 - y}, {y, x}, {h - 1 - y, x}, {h - 1 - y, w - 1 - x},
                    {y, w - 1 - x}};
                const uint32_t *to = places[orientation];
                const size_t width = swapped ? h : w;
                assert_memory_equal(pixels + (to[1] * width + to[0]) * 3,
                                    two + ((size_t)y * w + (w - 1 - x)) * 3, 3);
            }
        }
        glimpse_image_free(oriented);
    }
    glimpse_image_free(stored);
}

static void heif_pictures_are_turned_by_the_container_and_not_again_by_exif(void **state) {
    (void)state;
    static const char *const names[] = {"heif_turned.heic", "heif_turned.avif"};
    static const struct corner {
        uint32_t x, y;
        int rgb[3];
    } corners[] = {{10, 10, {220, 30, 30}},
                   {80, 10, {30, 200, 30}},
                   {10, 50, {30, 30, 220}},
                   {80, 50, {245, 245, 245}}};
    for (size_t i = 0; i < 2; i++) {
        if (is_optional(names[i])) continue;
        glimpse_image *image;
        assert_ok(glimpse_image_load(&image, fixture(names[i]), NULL));
        assert_int_equal(glimpse_image_width(image), 96);
        for (size_t c = 0; c < 4; c++) {
            const uint8_t *pixel =
                glimpse_image_pixels(image) + (corners[c].y * 96 + corners[c].x) * 3;
            for (int k = 0; k < 3; k++) {
                assert_in_range(pixel[k] + 10, corners[c].rgb[k], corners[c].rgb[k] + 20);
            }
        }
        glimpse_image_free(image);
    }
}

static void a_pixel_limit_is_obeyed_exactly(void **state) {
    (void)state;
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    glimpse_image *image;
    options.max_pixels = 45 * 35;
    assert_ok(glimpse_image_load(&image, fixture("jpeg_420.jpg"), &options));
    glimpse_image_free(image);
    options.max_pixels = 45 * 35 - 1;
    assert_int_equal(glimpse_image_load(&image, fixture("jpeg_420.jpg"), &options),
                     GLIMPSE_E_LIMIT);
    assert_non_null(strstr(glimpse_last_error(), "45 x 35"));
    assert_non_null(strstr(glimpse_last_error(), "1574"));
    options.size = 4;
    assert_int_equal(glimpse_image_load(&image, fixture("jpeg_420.jpg"), &options),
                     GLIMPSE_E_INVALID);
}

static void a_missing_file_and_a_directory_are_told_apart(void **state) {
    (void)state;
    glimpse_image *image;
    assert_int_equal(glimpse_image_load(&image, fixture("no-such-file.png"), NULL),
                     GLIMPSE_E_NOT_FOUND);
    assert_int_equal(glimpse_image_load(&image, source_path("tests"), NULL), GLIMPSE_E_INVALID);
}

static void formats_are_told_by_their_bytes_and_names_by_their_endings(void **state) {
    (void)state;
    assert_int_equal(glimpse_image_sniff("GIF89a", 6), GLIMPSE_FORMAT_GIF);
    assert_int_equal(glimpse_image_sniff("GIF89a", 5), GLIMPSE_FORMAT_UNKNOWN);
    assert_int_equal(glimpse_image_sniff("\0\0\0\x18"
                                         "ftypheic\0\0\0\0mif1heic",
                                         24),
                     GLIMPSE_FORMAT_HEIF);
    assert_int_equal(glimpse_image_sniff("\0\0\0\x18"
                                         "ftypmif1\0\0\0\0avifmiaf",
                                         24),
                     GLIMPSE_FORMAT_AVIF);
    assert_int_equal(glimpse_image_sniff("\0\0\0\x18"
                                         "ftypcrx \0\0\0\0crx isom",
                                         24),
                     GLIMPSE_FORMAT_RAW);
    assert_int_equal(glimpse_image_sniff("\0\0\0\x18"
                                         "ftypisom\0\0\0\0mp42avc1",
                                         24),
                     GLIMPSE_FORMAT_UNKNOWN); /* a film */
    assert_int_equal(glimpse_image_sniff("", 0), GLIMPSE_FORMAT_UNKNOWN);
    static const char zeros[64];
    assert_int_equal(glimpse_image_sniff(zeros, sizeof zeros), GLIMPSE_FORMAT_UNKNOWN);

    assert_true(glimpse_image_name_is_picture("holiday/IMG_1.JPG"));
    assert_true(glimpse_image_name_is_picture("a.b.heic"));
    assert_true(glimpse_image_name_is_picture("x.Cr3"));
    assert_false(glimpse_image_name_is_picture("notes.txt"));
    assert_false(glimpse_image_name_is_picture("jpg"));
    assert_false(glimpse_image_name_is_picture(".jpg"));
    assert_false(glimpse_image_name_is_picture("folder.jpg/readme"));
    for (int f = GLIMPSE_FORMAT_JPEG; f <= GLIMPSE_FORMAT_WEBP; f++) {
        assert_true(glimpse_image_format_supported((glimpse_image_format)f));
    }
    assert_false(glimpse_image_format_supported(GLIMPSE_FORMAT_JXL));
    assert_false(glimpse_image_format_supported(GLIMPSE_FORMAT_UNKNOWN));
}

static void formats_have_numbers_that_stay_and_names_that_differ(void **state) {
    (void)state;
    /* Programs are compiled with the numbers. */
    assert_int_equal(GLIMPSE_FORMAT_UNKNOWN, 0);
    assert_int_equal(GLIMPSE_FORMAT_JPEG, 1);
    assert_int_equal(GLIMPSE_FORMAT_TGA, 6);
    assert_int_equal(GLIMPSE_FORMAT_WEBP, 9);
    assert_int_equal(GLIMPSE_FORMAT_RAW, 15);
    assert_string_equal(glimpse_image_format_name(GLIMPSE_FORMAT_WEBP), "WebP");
    for (int f = 0; f < GLIMPSE_FORMAT_COUNT; f++) {
        const char *name = glimpse_image_format_name((glimpse_image_format)f);
        assert_int_equal(strcmp(name, "unknown") == 0, f == GLIMPSE_FORMAT_UNKNOWN);
        for (int other = 0; other < f; other++) {
            assert_string_not_equal(name, glimpse_image_format_name((glimpse_image_format)other));
        }
    }
    assert_string_equal(glimpse_image_format_name(GLIMPSE_FORMAT_COUNT), "unknown");
    assert_string_equal(glimpse_image_format_name((glimpse_image_format)-1), "unknown");
    assert_false(glimpse_image_format_supported(GLIMPSE_FORMAT_COUNT));
}

static void a_raw_file_that_begins_as_a_tiff_is_a_raw_file(void **state) {
    (void)state;
    static const uint8_t tiff[16] = "II*\0\x10\0\0\0\0\0\0\0";
    static const uint8_t cr2[16] = "II*\0\x10\0\0\0CR\2\0";
    assert_int_equal(glimpse_image_sniff(tiff, sizeof tiff), GLIMPSE_FORMAT_TIFF);
    assert_int_equal(glimpse_image_sniff(cr2, sizeof cr2), GLIMPSE_FORMAT_RAW);
    assert_int_equal(glimpse_image_sniff(cr2, 8), GLIMPSE_FORMAT_TIFF);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_decodes_to_its_pixels_or_is_refused_with_a_reason),
        cmocka_unit_test(every_prefix_of_a_fixture_is_survived),
        cmocka_unit_test(the_eight_orientations_of_one_scene_look_alike),
        cmocka_unit_test(heif_pictures_are_turned_by_the_container_and_not_again_by_exif),
        cmocka_unit_test(a_pixel_limit_is_obeyed_exactly),
        cmocka_unit_test(a_missing_file_and_a_directory_are_told_apart),
        cmocka_unit_test(formats_are_told_by_their_bytes_and_names_by_their_endings),
        cmocka_unit_test(formats_have_numbers_that_stay_and_names_that_differ),
        cmocka_unit_test(a_raw_file_that_begins_as_a_tiff_is_a_raw_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
