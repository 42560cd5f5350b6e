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
    expect_held("tests/fuzz/corpus/holdings/all_sorts.heic",
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
        cmocka_unit_test(a_film_in_a_heic_is_found),
        cmocka_unit_test(what_belongs_to_a_heic_is_told_from_its_other_pictures),
        cmocka_unit_test(alpha_is_handed_out_beside_the_pixels),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
