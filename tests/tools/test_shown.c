/*
 * Pictures as people are shown them: what is transparent is seen on squares, black drawings and
 * white ones, in contact sheets, on the pages of dedup, audit and label, and in terminals.
 */
#include "support/commands.h"

#include <glimpse/sys/image.h>

#include <sys/stat.h>

enum { SIDE = 120 };

/* A disc of `tone` in the middle of nothing; the colours of what is transparent are `hidden`. */
static void write_disc(const char *path, unsigned tone, unsigned hidden) {
    static uint8_t rgba[SIDE * SIDE * 4];
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const int dx = x - SIDE / 2, dy = y - SIDE / 2, inside = dx * dx + dy * dy < 30 * 30;
            uint8_t *p = rgba + 4 * (y * SIDE + x);
            memset(p, (int)(inside ? tone : hidden), 3);
            p[3] = inside ? 255 : 0;
        }
    }
    write_rgba(path, SIDE, SIDE, rgba);
}

/* Around a disc of this tone there are squares of two greys, neither of them the disc's. */
static void expect_disc(const glimpse_image *image, unsigned tone) {
    assert_non_null(image);
    const unsigned disc = grey_at(image, 0.5, 0.5);
    if (abs((int)disc - (int)tone) > 12) fail_msg("a disc of %u is shown as %u", tone, disc);
    unsigned lowest = 255, highest = 0;
    for (double x = 0.02; x < 0.98; x += 0.01) {
        const unsigned grey = grey_at(image, x, 0.06);
        if (grey < lowest) lowest = grey;
        if (grey > highest) highest = grey;
    }
    if (highest < lowest + 15) fail_msg("no squares: %u to %u", lowest, highest);
    if (abs((int)lowest - (int)tone) < 25 && abs((int)highest - (int)tone) < 25)
        fail_msg("a disc of %u is hidden on %u and %u", tone, lowest, highest);
    if (tone < 128 && lowest < 150) fail_msg("a dark disc on a dark ground: %u", lowest);
}

static void expect_page(const char *file, const unsigned *tones, size_t count) {
    char *page = read_whole_file(file, NULL);
    for (size_t i = 0; i < count; i++) {
        glimpse_image *image = picture_in_page(page, i);
        expect_disc(image, tones[i]);
        glimpse_image_free(image);
    }
    assert_null(picture_in_page(page, count));
    free(page);
}

/* drawings/black.png and a copy, white.png: opaque ones would be all black, and all white. */
static void make_drawings(void) {
    remove_tree("drawings");
    assert_int_equal(mkdir("drawings", 0755), 0);
    write_disc("drawings/black.png", 0, 0);
    write_disc("drawings/white.png", 255, 255);
}

static void the_page_of_dedup_shows_what_is_transparent_on_squares(void **state) {
    (void)state;
    run_result r;
    make_drawings();
    copy_file("drawings/black.png", "drawings/black2.png");
    copy_file("drawings/white.png", "drawings/white2.png");
    run(&r, "dedup", "drawings", "--tiers", "exact", "--html", "dedup.html", "-q", NULL);
    expect(&r, 1);
    run_free(&r);
    expect_page("dedup.html", (const unsigned[]){0, 0, 255, 255}, 4);
}

static void the_page_of_audit_shows_what_is_transparent_on_squares(void **state) {
    (void)state;
    run_result r;
    make_drawings();
    run(&r, "audit", "drawings", "--checks", "small", "--min-side", "200", "--html", "audit.html",
        "-q", NULL);
    expect(&r, 1);
    run_free(&r);
    expect_page("audit.html", (const unsigned[]){0, 255}, 2);
}

/* How many findings of this kind are about that file. */
static size_t findings_about(const json_t *root, const char *kind, const char *name) {
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(at(root, "findings")); i++) {
        const json_t *f = json_array_get(at(root, "findings"), i);
        count += strcmp(text_at(f, "kind"), kind) == 0 && strstr(text_at(f, "path"), name);
    }
    return count;
}

static void an_audit_judges_what_is_transparent_as_it_is_seen(void **state) {
    (void)state;
    static uint8_t nothing[SIDE * SIDE * 4];
    run_result r;
    make_drawings();
    /* Colours that nobody sees, as some programs leave behind. */
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        nothing[4 * i] = (uint8_t)(i % SIDE * 2);
        nothing[4 * i + 1] = (uint8_t)(i / SIDE * 2);
    }
    write_rgba("drawings/nothing.png", SIDE, SIDE, nothing);
    run(&r, "audit", "drawings", "--checks", "dark,bright,near-constant", "--json", "-q", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    assert_int_equal(findings_about(root, "near-constant", "/nothing.png"), 1);
    assert_int_equal(number_at(root, "counts.near-constant"), 1);
    assert_int_equal(number_at(root, "counts.dark"), 0);
    assert_int_equal(number_at(root, "counts.bright"), 0);
    assert_true(json_is_true(at(root, "findings.0.transparent")));
    assert_non_null(strstr(text_at(root, "findings.0.text"), "judged as seen"));
    json_decref(root);
    run_free(&r);
}

static void contact_sheets_and_terminals_show_what_is_transparent_on_squares(void **state) {
    (void)state;
    run_result r;
    make_drawings();
    run(&r, "index", "drawings", "--library", "drawn", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "--library", "drawn", "a disc", "--html", "sheet.html", "--paths", NULL);
    expect(&r, 0);
    const unsigned white_first = strstr(r.out, "white.png") < strstr(r.out, "black.png");
    const unsigned tones[] = {white_first ? 255 : 0, white_first ? 0 : 255};
    run_free(&r);
    expect_page("sheet.html", tones, 2);
    /* Raw colours, three bytes a pixel; the first in the corner is one of the squares'. */
    run(&r, "search", "--library", "drawn", "./drawings/black.png", "-k", "1", "--preview=kitty",
        NULL);
    expect(&r, 0);
    const char *data = strchr(strstr(r.out, "\033_G"), ';') + 1;
    assert_int_not_equal(strncmp(data, "AAAAAAAA", 8), 0); /* black */
    assert_int_equal(strncmp(data, "7Ozs7Ozs", 8), 0);
    run_free(&r);
}

static void the_report_of_label_shows_what_is_transparent_on_squares(void **state) {
    (void)state;
    run_result r;
    make_drawings();
    assert_int_equal(unlink("drawings/white.png"), 0);
    run(&r, "label", "drawings", "-c", "disc,square", "--report", "label.html", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    char *page = read_whole_file("label.html", NULL);
    glimpse_image *image = picture_in_page(page, 0);
    expect_disc(image, 0);
    glimpse_image_free(image);
    free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_of_dedup_shows_what_is_transparent_on_squares),
        cmocka_unit_test(the_page_of_audit_shows_what_is_transparent_on_squares),
        cmocka_unit_test(an_audit_judges_what_is_transparent_as_it_is_seen),
        cmocka_unit_test(contact_sheets_and_terminals_show_what_is_transparent_on_squares),
        cmocka_unit_test(the_report_of_label_shows_what_is_transparent_on_squares),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
