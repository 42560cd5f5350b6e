/*
 * test_holdings.c - what a file holds beside its first picture is found, each thing as what it is,
 * and nothing is found that is not there.
 */
#include "support/held_files.h"
#include "support/temporary.h"
#include "support/test.h"

#include "../metadata/made.h"

#include <glimpse/sys/holdings.h>
#include <glimpse/sys/image.h>

#include <sys/stat.h>

static glimpse_holdings *load(const char *stem, const char *ending) {
    char name[300];
    glimpse_holdings *holdings = NULL;
    (void)snprintf(name, sizeof name, "%s%s", stem, ending);
    assert_ok(glimpse_holdings_load(&holdings, name, 0));
    return holdings;
}

static void print_all(const char *which, const glimpse_holdings *holdings) {
    for (size_t i = 0; i < holdings->count; i++) {
        char text[64];
        glimpse_holding_text(text, sizeof text, &holdings->items[i]);
        print_message("  %s: %s\n", which, text);
    }
}

/* Of each pair one lacks that one thing, and the other one nothing. */
static void each_thing_is_found_and_nothing_else(void **state) {
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < held_pair_count(); i++) {
        const held_pair *pair = held_pair_at(i);
        char more_stem[300], less_stem[300];
        (void)snprintf(more_stem, sizeof more_stem, "%s/more-%zu", temp_directory, i);
        (void)snprintf(less_stem, sizeof less_stem, "%s/less-%zu", temp_directory, i);
        held_pair_write(i, more_stem, less_stem);
        glimpse_holdings *more = load(more_stem, pair->more_ending);
        glimpse_holdings *less = load(less_stem, pair->less_ending);
        const uint32_t lost = glimpse_holdings_lacking(more, less, 1);
        const uint32_t gained = glimpse_holdings_lacking(less, more, 1);
        if (lost != UINT32_C(1) << pair->kind || gained != 0) {
            print_message("%s: lost 0x%x, gained 0x%x\n", pair->thing, lost, gained);
            print_all("more", more);
            print_all("less", less);
            failed++;
        }
        glimpse_holdings_free(more);
        glimpse_holdings_free(less);
    }
    assert_int_equal(failed, 0);
}

static void a_kind_has_a_name_and_a_name_a_kind(void **state) {
    (void)state;
    for (unsigned k = 0; k < GLIMPSE_HOLDING_COUNT; k++) {
        glimpse_holding_kind kind = GLIMPSE_HOLDING_COUNT;
        const char *name = glimpse_holding_kind_name((glimpse_holding_kind)k);
        assert_true(glimpse_holding_kind_of_name(&kind, name));
        assert_int_equal(kind, k);
    }
    glimpse_holding_kind kind;
    assert_false(glimpse_holding_kind_of_name(&kind, "everything"));
    assert_string_equal(glimpse_holding_kind_name(GLIMPSE_HOLDING_COUNT), "?");
}

static void expect_text(const char *file, glimpse_holding_kind kind, const char *expected) {
    char text[64] = "";
    glimpse_holdings *holdings = NULL;
    assert_ok(glimpse_holdings_load(&holdings, file, 0));
    const glimpse_holding *found = glimpse_holdings_find(holdings, kind);
    if (found) glimpse_holding_text(text, sizeof text, found);
    assert_string_equal(text, expected);
    glimpse_holdings_free(holdings);
}

static void fixtures_hold_what_they_were_made_with(void **state) {
    (void)state;
    static const struct {
        const char *name;
        glimpse_holding_kind kind;
        const char *text;
    } cases[] = {
        {"png_rgba.png", GLIMPSE_HOLDING_ALPHA, "alpha"},
        {"png_palette_transparent.png", GLIMPSE_HOLDING_ALPHA, "alpha"},
        {"png_grey_alpha.png", GLIMPSE_HOLDING_ALPHA, "alpha"},
        {"png_rgb.png", GLIMPSE_HOLDING_ALPHA, ""},
        {"png_rgb16.png", GLIMPSE_HOLDING_DEPTH, "depth:16"},
        {"pnm_6_16bit.ppm", GLIMPSE_HOLDING_DEPTH, "depth:16"},
        {"psd_rgb16.psd", GLIMPSE_HOLDING_DEPTH, "depth:16"},
        {"jpeg_cmyk.jpg", GLIMPSE_HOLDING_PROFILE, "profile"},
        {"psd_cmyk.psd", GLIMPSE_HOLDING_PROFILE, "profile"},
        {"jpeg_420.jpg", GLIMPSE_HOLDING_PROFILE, ""},
        {"webp_alpha.webp", GLIMPSE_HOLDING_ALPHA, "alpha"},
        {"webp_lossy.webp", GLIMPSE_HOLDING_ALPHA, ""},
        {"gif_transparent.gif", GLIMPSE_HOLDING_ALPHA, "alpha"},
        {"gif_plain.gif", GLIMPSE_HOLDING_FRAMES, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[300];
        (void)snprintf(path, sizeof path, "tests/image/fixtures/%s", cases[i].name);
        expect_text(source_path(path), cases[i].kind, cases[i].text);
    }
}

static void what_nobody_would_miss_is_no_holding(void **state) {
    (void)state;
    /* Software, history, an empty caption, a camera's name of its own in the description. */
    const made_tag tags[] = {{.where = IN_IFD0, .tag = 0x131, .text = "Photo Editor 3"},
                             {.where = IN_IFD0, .tag = 0x10e, .text = "OLYMPUS DIGITAL CAMERA"}};
    const made exif = made_exif(tags, 2, 0);
    const char *xmp = made_xmp("xmp:CreatorTool='Editor' xmp:Rating='0' dc:description=' '",
                               "<xmpMM:History><rdf:Seq><rdf:li>saved</rdf:li></rdf:Seq>"
                               "</xmpMM:History>");
    const made jpeg = made_jpeg(&exif, xmp, NULL);
    glimpse_holdings *holdings = NULL;
    assert_ok(glimpse_holdings_read(&holdings, jpeg.bytes, jpeg.size, NULL, 0));
    if (holdings->count > 0) print_all("held", holdings);
    assert_int_equal(holdings->count, 0);
    glimpse_holdings_free(holdings);
    assert_ok(glimpse_holdings_read(&holdings, "no picture", 10, NULL, 0));
    assert_int_equal(holdings->count, 0);
    glimpse_holdings_free(holdings);
}

static void put32(uint8_t *to, uint32_t value) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* The file that row `thing` makes richer, as bytes. */
static uint8_t *richer_file(const char *thing, size_t *size) {
    for (size_t i = 0; i < held_pair_count(); i++) {
        char stem[300], other[300], path[320];
        if (strcmp(held_pair_at(i)->thing, thing) != 0) continue;
        (void)snprintf(stem, sizeof stem, "%s/richer", temp_directory);
        (void)snprintf(other, sizeof other, "%s/poorer", temp_directory);
        held_pair_write(i, stem, other);
        (void)snprintf(path, sizeof path, "%s%s", stem, held_pair_at(i)->more_ending);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        uint8_t *bytes = malloc(1 << 20);
        assert_non_null(bytes);
        *size = fread(bytes, 1, 1 << 20, file);
        (void)fclose(file);
        return bytes;
    }
    fail_msg("no row %s", thing);
    return NULL;
}

static uint8_t *find_bytes(uint8_t *in, size_t size, const char *name) {
    for (size_t i = 0; i + strlen(name) <= size; i++) {
        if (memcmp(in + i, name, strlen(name)) == 0) return in + i;
    }
    fail_msg("no %s", name);
    return NULL;
}

/* Each of two files lacks something of that kind that the other one has. */
static void expect_each_lacks(const uint8_t *a, const uint8_t *b, size_t size,
                              glimpse_holding_kind kind) {
    glimpse_holdings *first = NULL, *second = NULL;
    assert_ok(glimpse_holdings_read(&first, a, size, NULL, 0));
    assert_ok(glimpse_holdings_read(&second, b, size, NULL, 0));
    assert_int_equal(glimpse_holdings_lacking(first, second, 1), UINT32_C(1) << kind);
    assert_int_equal(glimpse_holdings_lacking(second, first, 1), UINT32_C(1) << kind);
    glimpse_holdings_free(first);
    glimpse_holdings_free(second);
}

static void how_fast_and_how_often_frames_come_belongs_to_them(void **state) {
    (void)state;
    size_t size = 0;
    uint8_t *webp = richer_file("frames of a WebP", &size), *changed = malloc(size);
    assert_non_null(changed);
    memcpy(changed, webp, size);
    find_bytes(changed, size, "ANMF")[8 + 12] = 10; /* the first frame's time */
    expect_each_lacks(webp, changed, size, GLIMPSE_HOLDING_FRAMES);
    memcpy(changed, webp, size);
    find_bytes(changed, size, "ANIM")[8 + 4] = 3; /* three times */
    expect_each_lacks(webp, changed, size, GLIMPSE_HOLDING_FRAMES);
    free(webp);
    free(changed);
    uint8_t *gif = richer_file("frames of a GIF", &size);
    const size_t control = 13 + ((size_t)3 << ((gif[10] & 7) + 1));
    changed = malloc(size);
    assert_non_null(changed);
    assert_memory_equal(gif + control, "\x21\xf9", 2);
    memcpy(changed, gif, size);
    changed[control + 4] = 100; /* the first frame's time */
    expect_each_lacks(gif, changed, size, GLIMPSE_HOLDING_FRAMES);
    memcpy(changed, gif, size);
    find_bytes(changed + control + 8, size - control - 8, "\x21\xf9\4")[4] = 100;
    expect_each_lacks(gif, changed, size, GLIMPSE_HOLDING_FRAMES);
    free(gif);
    free(changed);
}

static void pages_in_another_order_are_other_pages(void **state) {
    (void)state;
    char one[300], other[300];
    (void)snprintf(one, sizeof one, "%s/one.tif", temp_directory);
    (void)snprintf(other, sizeof other, "%s/other.tif", temp_directory);
    held_document_write(one, 1, 10, 3);
    held_document_reversed_write(other, 1, 10, 3);
    glimpse_holdings *a = load(one, ""), *b = load(other, "");
    assert_int_equal(glimpse_holdings_lacking(a, b, 1), UINT32_C(1) << GLIMPSE_HOLDING_PAGES);
    assert_int_equal(glimpse_holdings_lacking(b, a, 1), UINT32_C(1) << GLIMPSE_HOLDING_PAGES);
    glimpse_holdings_free(a);
    glimpse_holdings_free(b);
}

static void expect_text_of(const uint8_t *data, size_t size, glimpse_holding_kind kind,
                           const char *expected) {
    char text[64] = "";
    glimpse_holdings *holdings = NULL;
    assert_ok(glimpse_holdings_read(&holdings, data, size, NULL, 0));
    const glimpse_holding *found = glimpse_holdings_find(holdings, kind);
    if (found) glimpse_holding_text(text, sizeof text, found);
    assert_string_equal(text, expected);
    glimpse_holdings_free(holdings);
}

static void damaged_counts_are_worth_nothing(void **state) {
    (void)state;
    size_t size = 0;
    /* The last page's link leads back to the first one. */
    uint8_t *tiff = richer_file("a second page", &size);
    memcpy(tiff + size - 4, tiff + 4, 4);
    expect_text_of(tiff, size, GLIMPSE_HOLDING_PAGES, "pages:1");
    free(tiff);
    uint8_t *psd = richer_file("layers of a PSD", &size);
    psd[42] = 0x7f, psd[43] = 0xff;
    expect_text_of(psd, size, GLIMPSE_HOLDING_LAYERS, "layers:2");
    free(psd);
}

/* Nobody has seen the pages beyond those that are read: none of two files has the other's. */
static void more_pages_than_are_read_hold_something_in_each_file(void **state) {
    (void)state;
    enum { PAGES = 4200, DIRECTORY = 18 };
    const size_t size = 8 + (size_t)PAGES * DIRECTORY;
    uint8_t *a = calloc(1, size), *b = malloc(size);
    assert_true(a && b);
    memcpy(a, "II*\0\10\0\0\0", 8);
    for (size_t i = 0; i < PAGES; i++) {
        uint8_t *d = a + 8 + i * DIRECTORY; /* one entry: the width */
        const uint32_t next = i + 1 < PAGES ? (uint32_t)(8 + (i + 1) * DIRECTORY) : 0;
        d[0] = 1, d[3] = 1, d[4] = 3, d[6] = 1, d[10] = (uint8_t)i, d[11] = (uint8_t)(i >> 8);
        for (int k = 0; k < 4; k++)
            d[14 + k] = (uint8_t)(next >> (8 * k));
    }
    memcpy(b, a, size);
    b[8 + 4150 * DIRECTORY + 10] ^= 1;
    expect_each_lacks(a, b, size, GLIMPSE_HOLDING_PAGES);
    free(a);
    free(b);
}

/* Programs write what EXIF says into XMP as well, in words of their own for numbers. */
static void what_is_said_twice_is_said(void **state) {
    (void)state;
    static const uint32_t aperture[] = {28, 10}, bias[] = {1, 3};
    const made_tag tags[] = {{.where = IN_IFD0, .tag = 0x10e, .text = "The old mill"},
                             {.where = IN_IFD0, .tag = 0x110, .text = "Kodak No. 2"},
                             {.where = IN_IFD0, .tag = 0x13b, .text = "Ada; Grace"},
                             {.where = IN_EXIF, .tag = 0x829d, .rationals = aperture, .count = 1},
                             {.where = IN_EXIF, .tag = 0x9204, .rationals = bias, .count = 1},
                             {.where = IN_EXIF, .tag = 0x8822, .number = 2},
                             {.where = IN_EXIF, .tag = 0x9003, .text = "2019:07:04 10:15:02"},
                             {.where = IN_EXIF, .tag = 0x9004, .text = "2019:07:04 10:15:02"},
                             {.where = IN_EXIF, .tag = 0xa431, .text = "12345"}};
    const made exif = made_exif(tags, sizeof tags / sizeof *tags, 0);
    const char *xmp = made_xmp(
        "tiff:Model='Kodak No. 2' exif:FNumber='28/10' exif:ExposureBiasValue='1/3' "
        "exif:ExposureProgram='2' exif:DateTimeOriginal='2019-07-04T10:15:02' "
        "xmp:CreateDate='2019-07-04T10:15:02' photoshop:DateCreated='2019-07-04T10:15:02' "
        "aux:SerialNumber='12345' xmp:CreatorTool='Editor' tiff:XResolution='72/1' "
        "exif:PixelXDimension='96'",
        "<dc:description><rdf:Alt><rdf:li xml:lang='x-default'>The old mill</rdf:li></rdf:Alt>"
        "</dc:description><dc:creator><rdf:Seq><rdf:li>Ada</rdf:li><rdf:li>Grace</rdf:li></rdf:Seq>"
        "</dc:creator>");
    const made both = made_jpeg(&exif, xmp, NULL), one = made_jpeg(&exif, NULL, NULL);
    glimpse_holdings *a = NULL, *b = NULL;
    assert_ok(glimpse_holdings_read(&a, both.bytes, both.size, NULL, 0));
    assert_ok(glimpse_holdings_read(&b, one.bytes, one.size, NULL, 0));
    assert_int_equal(glimpse_holdings_lacking(a, b, 1), 0);
    assert_int_equal(glimpse_holdings_lacking(b, a, 1), 0);
    glimpse_holdings_free(a);
    glimpse_holdings_free(b);
}

static void what_is_beside_is_found_in_other_capitals(void **state) {
    (void)state;
    static const char *const names[] = {"LIVE.MOV", "live.Mov", "LIVE.mov", "live_hevc.mov",
                                        "lives.mov"};
    char picture[300], path[320];
    (void)snprintf(picture, sizeof picture, "%s/beside", temp_directory);
    assert_int_equal(mkdir(picture, 0755), 0);
    (void)snprintf(picture, sizeof picture, "%s/beside/live.jpg", temp_directory);
    assert_false(glimpse_holdings_has_companion(picture));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/beside/%s", temp_directory, names[i]);
        write_file(path, "something", 9);
        assert_int_equal(glimpse_holdings_has_companion(picture), i < 4);
        assert_int_equal(remove(path), 0);
    }
}

static void a_film_in_a_heic_is_found(void **state) {
    (void)state;
    const made exif = made_exif_text(IN_IFD0, 0x110, "Camera");
    made heic = made_heif(&exif, made_xmp("", ""));
    uint8_t film[48] = {0};
    put32(film, sizeof film);
    memcpy(film + 4, "mpvd", 4);
    memcpy(film + 12, "ftypisom", 8);
    memcpy(heic.bytes + heic.size, film, sizeof film);
    glimpse_holdings *with = NULL, *without = NULL;
    assert_ok(glimpse_holdings_read(&without, heic.bytes, heic.size, NULL, 0));
    assert_ok(glimpse_holdings_read(&with, heic.bytes, heic.size + sizeof film, NULL, 0));
    assert_int_equal(glimpse_holdings_lacking(with, without, 1), 1u << GLIMPSE_HOLDING_VIDEO);
    assert_int_equal(glimpse_holdings_lacking(without, with, 1), 0);
    glimpse_holdings_free(with);
    glimpse_holdings_free(without);
    /* The second ftyp of a file is that of a film behind the picture. */
    memcpy(heic.bytes + heic.size + 4, "ftypisom", 8);
    assert_ok(glimpse_holdings_read(&with, heic.bytes, heic.size + sizeof film, NULL, 0));
    assert_non_null(glimpse_holdings_find(with, GLIMPSE_HOLDING_VIDEO));
    glimpse_holdings_free(with);
}

static void expect_held(const char *path, const char *const *expected) {
    glimpse_holdings *holdings = NULL;
    size_t at = 0;
    assert_ok(glimpse_holdings_load(&holdings, source_path(path), 1));
    print_all(path, holdings);
    for (; expected[at]; at++) {
        char text[64];
        assert_true(at < holdings->count);
        glimpse_holding_text(text, sizeof text, &holdings->items[at]);
        assert_string_equal(text, expected[at]);
    }
    assert_int_equal(holdings->count, at);
    glimpse_holdings_free(holdings);
}

/* A grid of two tiles with a thumbnail, opacities, a gain map, a matte and a second picture; its
 * data cannot be decoded, so that nothing is known of opacities and depth. */
static void what_belongs_to_a_heic_is_told_from_its_other_pictures(void **state) {
    (void)state;
    expect_held(
        "tests/fuzz/corpus/holdings/all_sorts.heic",
        (const char *const[]){"pages:1", "video", "profile", "depth-map", "gain-map", NULL});
    expect_held("tests/fuzz/corpus/holdings/sequence.avif",
                (const char *const[]){"pages:1", "frames:4", "video", "profile", "depth-map",
                                      "gain-map", NULL});
}

/* What is drawn is seen on every ground, and turned with the picture. */
static void alpha_is_handed_out_beside_the_pixels(void **state) {
    (void)state;
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    static const char *const names[] = {"png_rgba.png", "png_grey_alpha.png", "webp_alpha.webp",
                                        "gif_transparent.gif"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[300];
        (void)snprintf(path, sizeof path, "tests/image/fixtures/%s", names[i]);
        glimpse_image *kept = NULL;
        options.ground = GLIMPSE_GROUND_KEEP;
        assert_ok(glimpse_image_load(&kept, source_path(path), &options));
        assert_non_null(glimpse_image_alpha(kept));
        for (unsigned ground = GLIMPSE_GROUND_LIGHT; ground < GLIMPSE_GROUND_KEEP; ground++) {
            glimpse_image *laid = NULL, *decoded = NULL;
            options.ground = (glimpse_ground)ground;
            assert_ok(glimpse_image_load(&decoded, source_path(path), &options));
            assert_ok(glimpse_image_on_ground(&laid, kept, (glimpse_ground)ground));
            assert_null(glimpse_image_alpha(laid));
            assert_memory_equal(glimpse_image_pixels(laid), glimpse_image_pixels(decoded),
                                (size_t)glimpse_image_width(laid) * glimpse_image_height(laid) * 3);
            glimpse_image_free(laid);
            glimpse_image_free(decoded);
        }
        glimpse_image_free(kept);
    }
    glimpse_image *opaque = NULL;
    options.ground = GLIMPSE_GROUND_KEEP;
    assert_ok(
        glimpse_image_load(&opaque, source_path("tests/image/fixtures/png_rgb.png"), &options));
    assert_null(glimpse_image_alpha(opaque));
    glimpse_image_free(opaque);
    options.ground = (glimpse_ground)77;
    assert_int_equal(
        glimpse_image_load(&opaque, source_path("tests/image/fixtures/png_rgb.png"), &options),
        GLIMPSE_E_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thing_is_found_and_nothing_else),
        cmocka_unit_test(a_kind_has_a_name_and_a_name_a_kind),
        cmocka_unit_test(fixtures_hold_what_they_were_made_with),
        cmocka_unit_test(what_nobody_would_miss_is_no_holding),
        cmocka_unit_test(how_fast_and_how_often_frames_come_belongs_to_them),
        cmocka_unit_test(pages_in_another_order_are_other_pages),
        cmocka_unit_test(damaged_counts_are_worth_nothing),
        cmocka_unit_test(more_pages_than_are_read_hold_something_in_each_file),
        cmocka_unit_test(what_is_said_twice_is_said),
        cmocka_unit_test(what_is_beside_is_found_in_other_capitals),
        cmocka_unit_test(a_film_in_a_heic_is_found),
        cmocka_unit_test(what_belongs_to_a_heic_is_told_from_its_other_pictures),
        cmocka_unit_test(alpha_is_handed_out_beside_the_pixels),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
