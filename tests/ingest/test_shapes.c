/*
 * Pictures of every shape in one directory get the embeddings that each has alone, whether the
 * model squashes them to a square or keeps their aspect; decoded reduced or exactly.
 */
#include "support/files.h"
#include "support/numbers.h"
#include "support/pictures.h"
#include "support/random_model.h"
#include "support/temporary.h"

#include <glimpse/library.h>

#include <stdio.h>
#include <sys/stat.h>

#include <jpeglib.h>

enum { E = 48 };

static const unsigned sizes[][2] = {{40, 40},   {120, 30}, {30, 120},  {1, 900},   {900, 1},
                                    {1, 1},     {7, 5},    {300, 200}, {200, 300}, {64, 63},
                                    {333, 111}, {90, 91},  {17, 19},   {500, 20},  {20, 500},
                                    {256, 256}, {41, 39},  {3, 200}};
enum { SMALL = sizeof sizes / sizeof *sizes, LARGE = 4 };
static const unsigned large[LARGE][2] = {{1200, 900}, {901, 1203}, {1600, 400}, {333, 1999}};

static void write_jpeg(const char *path, unsigned width, unsigned height, unsigned seed) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    FILE *file = fopen(path, "wb");
    uint8_t *row = malloc((size_t)width * 3);
    assert_true(file && row);
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_stdio_dest(&c, file);
    c.image_width = width, c.image_height = height, c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_start_compress(&c, TRUE);
    for (unsigned y = 0; y < height; y++) {
        for (unsigned x = 0; x < width * 3; x++)
            row[x] = (uint8_t)((x / 3 * seed / 8 + y * (seed + 3) / 9) * (1 + x % 3) & 0xff);
        JSAMPROW rows[] = {row};
        (void)jpeg_write_scanlines(&c, rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(row);
    assert_int_equal(fclose(file), 0);
}

static const char *picture_name(size_t i) {
    static char name[32];
    (void)snprintf(name, sizeof name, "pictures/%02zu.%s", i, i < SMALL ? "ppm" : "jpg");
    return in_directory(name);
}

static int make_pictures(void **state) {
    (void)make_directory(state);
    assert_int_equal(mkdir(in_directory("pictures"), 0777), 0);
    for (size_t i = 0; i < SMALL; i++)
        write_picture(picture_name(i), sizes[i][0], sizes[i][1], (unsigned)i + 1);
    for (size_t i = 0; i < LARGE; i++)
        write_jpeg(picture_name(SMALL + i), large[i][0], large[i][1], (unsigned)i + 1);
    return 0;
}

/* What is stored, against the encoder alone; the storage rounds to f16. */
static void compare(const random_model *m, int exact) {
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    glimpse_library *library = NULL;
    glimpse_model_options how = GLIMPSE_MODEL_OPTIONS_INIT;
    how.precision = GLIMPSE_PRECISION_F32;
    assert_true(random_model_write(m, in_directory("model")));
    assert_ok(glimpse_model_open(&model, in_directory("model"), &how));
    assert_ok(glimpse_encoder_create(&encoder, model, 1));
    assert_ok(glimpse_library_open(&library, in_directory("library"), GLIMPSE_LIBRARY_CREATE));
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    char pictures[1200];
    (void)snprintf(pictures, sizeof pictures, "%s", in_directory("pictures"));
    const char *roots[] = {pictures};
    options.model = model;
    options.roots = roots, options.root_count = 1;
    options.jobs = 2, options.batch = 5;
    options.exact_decode = exact;
    assert_ok(glimpse_library_ingest(&report, library, &options));
    assert_int_equal(report.embedded, SMALL + LARGE);
    assert_int_equal(report.quarantined, 0);
    for (size_t i = 0; i < SMALL + LARGE; i++) {
        float stored[E], alone[E];
        assert_ok(glimpse_library_embedding(stored, NULL, library, model, picture_name(i)));
        assert_ok(glimpse_encoder_file(alone, encoder, picture_name(i),
                                       exact ? GLIMPSE_ENCODE_EXACT : 0));
        assert_floats_near(stored, alone, E, 3e-4);
    }
    glimpse_library_close(library);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    remove_tree(in_directory("library"));
    remove_tree(in_directory("model"));
}

static void a_model_that_keeps_the_aspect_gets_each_as_large_as_it_asks_for(void **unused) {
    (void)unused;
    random_model naflex = random_model_tiny_naflex();
    compare(&naflex, 0);
    compare(&naflex, 1);
}

static void a_model_of_one_size_gets_squares(void **unused) {
    (void)unused;
    random_model fixed = random_model_tiny_siglip();
    compare(&fixed, 0);
    compare(&fixed, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_keeps_the_aspect_gets_each_as_large_as_it_asks_for),
        cmocka_unit_test(a_model_of_one_size_gets_squares),
    };
    return cmocka_run_group_tests(tests, make_pictures, remove_directory);
}
