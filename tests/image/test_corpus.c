/*
 * The picture corpus beside the checkout: valid files of every format, camera metadata,
 * orientation. Files that we do differently from the reference are listed with the reason.
 */
#include "image_support.h"

#include <math.h>

typedef struct exception {
    const char *file;
    int status;
    const char *why;
} exception;

/* Valid pictures that are refused. */
static const exception refused[] = {
    {"bmp/rgb24jpeg.bmp", GLIMPSE_E_UNSUPPORTED, "a JPEG for printers inside a BMP"},
    {"bmp/rgb24png.bmp", GLIMPSE_E_UNSUPPORTED, "likewise, a PNG"},
    {"bmp/rgb24rle24.bmp", GLIMPSE_E_UNSUPPORTED, "OS/2 run-length coding of 24 bits"},
    {"hdr/overexposed gradient - data window equals display window.exr", GLIMPSE_E_FORMAT,
     "OpenEXR, not Radiance"},
    {"jpeg/jpeg_lossless_sel1.jpg", GLIMPSE_E_UNSUPPORTED, "lossless JPEG (SOF3)"},
    {"jpeg/monkey12.jpg", GLIMPSE_E_UNSUPPORTED, "12 bits per sample"},
    {"pnm/hopper.pfm", GLIMPSE_E_UNSUPPORTED, "floating point"},
    {"tiff/multipage_rgb.tif", GLIMPSE_E_UNSUPPORTED, "64-bit samples"},
    {"tiff/rgb32f_color.tiff", GLIMPSE_E_UNSUPPORTED, "floating point"},
    {"heif/avc32.heif", GLIMPSE_E_FORMAT, "AVC inside: libheif 1.15 calls it damaged"},
    {"heif/j2k32.heif", GLIMPSE_E_FORMAT, "JPEG 2000 inside, likewise"},
    {"heif/jpeg32.heif", GLIMPSE_E_FORMAT, "JPEG inside, likewise"},
    {"heif/uncompressed_pix_RGB.heif", GLIMPSE_E_FORMAT, "no codec inside, likewise"},
    {"heif/lightning_mini.heif", GLIMPSE_E_FORMAT, "low-overhead box, newer than libheif 1.15"},
    {"heif/vvc32.heif", GLIMPSE_E_UNSUPPORTED, "VVC inside"},
};

static const exception *find_exception(const char *file) {
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (strcmp(refused[i].file, file) == 0) return &refused[i];
    }
    return NULL;
}

static const char *corpus(const char *directory, const char *file) {
    char path[512];
    (void)snprintf(path, sizeof path, "images/%s%s%s", directory, directory[0] ? "/" : "", file);
    return shared_path(path);
}

static int starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static void every_valid_picture_decodes_with_its_size(void **state) {
    (void)state;
    table t = table_open(corpus("formats", "formats.csv"), ',');
    const int tiff = glimpse_image_format_supported(GLIMPSE_FORMAT_TIFF);
    const int heif = glimpse_image_format_supported(GLIMPSE_FORMAT_HEIF);
    const int avif = glimpse_image_format_supported(GLIMPSE_FORMAT_AVIF);
    int bad = 0, decoded = 0;
    while (table_next(&t)) {
        const char *file = table_get(&t, "file");
        if (!tiff && starts_with(file, "tiff/")) continue;
        if (!heif && starts_with(file, "heif/")) continue;
        if (!avif && starts_with(file, "avif/")) continue;
        const exception *except = find_exception(file);
        int expected = except ? except->status : GLIMPSE_OK;
        /* Formats without a decoder are refused by name; what is no format of ours by its bytes. */
        if (starts_with(file, "jxl/") || (starts_with(file, "jp2/") && !strstr(file, "duck"))) {
            expected = GLIMPSE_E_UNSUPPORTED;
        } else if (starts_with(file, "other/")) {
            expected = strstr(file, ".crw") ? GLIMPSE_E_UNSUPPORTED : GLIMPSE_E_FORMAT;
        }
        glimpse_image *image;
        const int status = glimpse_image_load(&image, corpus("formats", file), NULL);
        if (status != expected) {
            print_error("%s: %s: %s\n", file, glimpse_status_name(status),
                        status < 0 ? glimpse_last_error() : "decoded");
            bad++;
        }
        if (status == GLIMPSE_OK) {
            const glimpse_image_meta *meta = glimpse_image_metadata(image);
            uint32_t width = (uint32_t)strtoul(table_get(&t, "width"), NULL, 10);
            uint32_t height = (uint32_t)strtoul(table_get(&t, "height"), NULL, 10);
            /* The table has stored sizes, except for HEIF, where they are upright. */
            const int upright = starts_with(file, "heif/") || starts_with(file, "avif/");
            if (meta->orientation >= 5 && !upright) {
                const uint32_t keep = width;
                width = height;
                height = keep;
            }
            if (width != meta->width || height != meta->height) {
                print_error("%s: %u x %u, expected %u x %u\n", file, meta->width, meta->height,
                            width, height);
                bad++;
            }
            decoded++;
        }
        glimpse_image_free(image);
    }
    table_close(&t);
    assert_int_equal(bad, 0);
    assert_true(decoded > 270);
}

/* Where ExifTool knows more, or less. */
static const struct metadata_difference {
    const char *file, *why;
} metadata_differences[] = {
    {"sony-powershota5.jpg", "the camera is in a Canon block, there is no EXIF"},
};

static int differs_from_exiftool(const char *file) {
    for (size_t i = 0; i < sizeof metadata_differences / sizeof metadata_differences[0]; i++) {
        if (strcmp(metadata_differences[i].file, file) == 0) return 1;
    }
    return 0;
}

/* Mean absolute difference of two pictures of one size. */
static double distance(const glimpse_image *a, const glimpse_image *b) {
    assert_int_equal(glimpse_image_width(a), glimpse_image_width(b));
    assert_int_equal(glimpse_image_height(a), glimpse_image_height(b));
    const size_t bytes = (size_t)glimpse_image_width(a) * glimpse_image_height(a) * 3;
    const uint8_t *p = glimpse_image_pixels(a), *q = glimpse_image_pixels(b);
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum += (uint64_t)abs((int)p[i] - (int)q[i]);
    return (double)sum / (double)bytes;
}

static void check_alike(const char *directory, const char *pattern, double max) {
    glimpse_image *first = NULL;
    for (int orientation = 1; orientation <= 8; orientation++) {
        char name[64];
        (void)snprintf(name, sizeof name, pattern, orientation);
        glimpse_image *image;
        assert_ok(glimpse_image_load(&image, corpus(directory, name), NULL));
        assert_int_equal(glimpse_image_metadata(image)->orientation, orientation);
        if (!first) {
            first = image;
            continue;
        }
        const double d = distance(first, image);
        if (d > max) fail_msg("%s differs from the first by %.2f on average", name, d);
        glimpse_image_free(image);
    }
    glimpse_image_free(first);
}

static void the_eight_orientations_look_alike(void **state) {
    (void)state;
    check_alike("orientation", "landscape_%d.jpg", 4.0);
    check_alike("orientation", "portrait_%d.jpg", 4.0);
    if (glimpse_image_format_supported(GLIMPSE_FORMAT_TIFF)) {
        check_alike("formats/tiff", "g4_orientation_%d.tif", 2.0);
    }
}

static void photos_have_their_sizes(void **state) {
    (void)state;
    table t = table_open(corpus("", "photos.csv"), ',');
    int seen = 0;
    while (table_next(&t)) {
        glimpse_image *image;
        assert_ok(glimpse_image_load(&image, corpus("", table_get(&t, "file")), NULL));
        assert_int_equal(glimpse_image_width(image), strtol(table_get(&t, "width"), NULL, 10));
        assert_int_equal(glimpse_image_height(image), strtol(table_get(&t, "height"), NULL, 10));
        glimpse_image_free(image);
        seen++;
    }
    table_close(&t);
    assert_int_equal(seen, 400);
}

static void dates_places_and_orientations_are_those_of_exiftool(void **state) {
    (void)state;
    table t = table_open(corpus("exif", "exif.csv"), ',');
    int bad = 0, seen = 0;
    while (table_next(&t)) {
        const char *file = table_get(&t, "file");
        glimpse_image *image;
        const int status = glimpse_image_load(&image, corpus("exif", file), NULL);
        if (status == GLIMPSE_E_UNSUPPORTED) continue; /* JPEG XL, camera raw */
        if (status < 0) {
            print_error("%s\n", glimpse_last_error());
            bad++;
            continue;
        }
        seen++;
        const glimpse_image_meta *meta = glimpse_image_metadata(image);
        const char *date = table_get(&t, "date_iso"), *orientation = table_get(&t, "orientation");
        const char *modified = table_get(&t, "modify_date");
        const int excused = differs_from_exiftool(file);
        /* Where EXIF has no date of taking, XMP may (the table has none of it), or the date of the
         * last change counts. */
        char last[32] = "";
        if (!date[0] && meta->taken_is_modification && strlen(modified) >= 19) {
            (void)snprintf(last, sizeof last, "%.4s-%.2s-%.2sT%.8s", modified, modified + 5,
                           modified + 8, modified + 11);
            date = last;
        }
        if (strcmp(meta->taken, date) != 0 && meta->taken_from != GLIMPSE_TAKEN_XMP && !excused) {
            print_error("%s: taken '%s', expected '%s'\n", file, meta->taken, date);
            bad++;
        }
        if (meta->orientation != (orientation[0] ? atoi(orientation) : 1)) {
            print_error("%s: orientation %d, expected %s\n", file, meta->orientation, orientation);
            bad++;
        }
        const char *latitude = table_get(&t, "gps_latitude");
        const double lat = strtod(latitude, NULL),
                     lon = strtod(table_get(&t, "gps_longitude"), NULL);
        const int place = latitude[0] != '\0' && !(lat == 0.0 && lon == 0.0);
        if (meta->has_gps != place ||
            (place && (fabs(meta->latitude - lat) > 2e-6 || fabs(meta->longitude - lon) > 2e-6))) {
            print_error("%s: place %d %f %f, expected %f %f\n", file, meta->has_gps, meta->latitude,
                        meta->longitude, lat, lon);
            bad++;
        }
        const char *make = table_get(&t, "make"), *model = table_get(&t, "model");
        if (!excused && ((model[0] && !strstr(meta->camera, model)) ||
                         (!model[0] && strcmp(meta->camera, make) != 0))) {
            print_error("%s: camera '%s', expected '%s' '%s'\n", file, meta->camera, make, model);
            bad++;
        }
        glimpse_image_free(image);
    }
    table_close(&t);
    print_message("%d files with metadata\n", seen);
    assert_int_equal(bad, 0);
    assert_true(seen >= 45);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_valid_picture_decodes_with_its_size),
        cmocka_unit_test(the_eight_orientations_look_alike),
        cmocka_unit_test(photos_have_their_sizes),
        cmocka_unit_test(dates_places_and_orientations_are_those_of_exiftool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
