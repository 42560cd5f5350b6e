/*
 * Small things in big pictures: glimpse index --tiles, what searches and their outputs make of it,
 * and a part of a picture as the query.
 */
#include "support/commands.h"

#include <glimpse/sys/image.h>

#include <math.h>

enum { WIDTH = 900, HEIGHT = 600, SIDE = 60, AT_X = 720, AT_Y = 60 };

static const char *const things[] = {"shapes/star-red-152.jpg", "shapes/heart-black-153.webp",
                                     "shapes/square-green-141.jpg", "shapes/ring-gray-146.jpg"};

/* One of the demo's pictures, small, in a corner of a large gradient. */
static void compose(const char *path, const char *thing, unsigned seed) {
    char from[2048];
    glimpse_image *image = NULL, *small = NULL;
    uint8_t *rgb = malloc((size_t)WIDTH * HEIGHT * 3);
    assert_non_null(rgb);
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
        rgb[3 * i] = (uint8_t)(40 * seed + i % WIDTH / 12);
        rgb[3 * i + 1] = (uint8_t)(90 + i / WIDTH / 12);
        rgb[3 * i + 2] = (uint8_t)(200 - 30 * seed);
    }
    (void)snprintf(from, sizeof from, "%s/data/demo/%s", GLIMPSE_SOURCE_DIR, thing);
    assert_ok(glimpse_image_load(&image, from, NULL));
    assert_ok(glimpse_image_resize(&small, image, SIDE, SIDE, GLIMPSE_RESAMPLE_BICUBIC));
    for (size_t y = 0; y < SIDE; y++)
        memcpy(rgb + ((AT_Y + y) * WIDTH + AT_X) * 3, glimpse_image_pixels(small) + y * SIDE * 3,
               (size_t)SIDE * 3);
    write_ppm(path, WIDTH, HEIGHT, rgb);
    glimpse_image_free(small);
    glimpse_image_free(image);
    free(rgb);
}

/* pictures/ has four of them and a tiny one, lib all of these with tiles. */
static int setup(void **state) {
    run_result r;
    run_setup(state);
    make_parents("pictures/x");
    for (unsigned i = 0; i < 4; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%u.ppm", i);
        compose(name, things[i], i);
    }
    write_picture("pictures/tiny.ppm", 60, 40, 5);
    run(&r, "index", "pictures", "-l", "lib", "-m", "demo", NULL);
    expect(&r, 0);
    expect_out(&r, "5 pictures: 5 embedded, in ");
    run_free(&r);
    run(&r, "index", "--tiles", "-l", "lib", "-m", "demo", NULL);
    expect(&r, 0);
    expect_out(&r, "5 pictures: 0 embedded, 5 unchanged, 52 tiles of 4 pictures, in ");
    run_free(&r);
    return 0;
}

static json_t *search(const char *text, const char *option) {
    run_result r;
    run(&r, "search", text, "-l", "lib", "-m", "demo", "--json", option, NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    run_free(&r);
    return root;
}

static void a_small_thing_is_found_and_where_it_is_is_told(void **state) {
    (void)state;
    json_t *root = search("a red star", NULL), *whole = search("a red star", "--no-tiles");
    assert_non_null(strstr(text_at(root, "results.0.path"), "/0.ppm"));
    const double x = number_at(root, "results.0.tile.x"), y = number_at(root, "results.0.tile.y");
    const double width = number_at(root, "results.0.tile.width");
    assert_true(x <= AT_X + SIDE / 2 && x + width >= AT_X + SIDE / 2);
    assert_true(y <= AT_Y + SIDE / 2 &&
                y + number_at(root, "results.0.tile.height") >= AT_Y + SIDE / 2);
    assert_true(number_at(root, "results.0.score") > number_at(whole, "results.0.score"));
    assert_int_equal(json_array_size(at(root, "results")), 5); /* pictures, not tiles */
    for (size_t i = 0; i < json_array_size(at(whole, "results")); i++) {
        const json_t *result = json_array_get(at(whole, "results"), i);
        assert_true(json_is_null(json_object_get(result, "tile")));
    }
    json_decref(root);
    json_decref(whole);
}

static void tables_and_pages_say_where(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "a red star", "-k", "1", "-l", "lib", "-m", "demo", "--html", "sheet.html",
        NULL);
    expect(&r, 0);
    expect_out(&r, "pictures/0.ppm (at 600,0 300x300)");
    run_free(&r);
    char *page = read_whole_file("sheet.html", NULL);
    assert_non_null(strstr(page, "in the frame: 300 &times; 300 pixels at 600,0"));
    struct glimpse_image *image = picture_in_page(page, 0);
    assert_non_null(image);
    /* White in the middle of the frame's upper edge, none beside it. */
    assert_true(grey_at(image, 600.0 / WIDTH + 0.15, 0.005) > 200);
    assert_true(grey_at(image, 0.3, 0.005) < 200);
    glimpse_image_free(image);
    free(page);
    run(&r, "search", "a red star", "-k", "1", "-l", "lib", "-m", "demo", "--tsv", NULL);
    expect(&r, 0);
    expect_out(&r, "\t600,0,300,300\t\t0\n");
    run_free(&r);
}

static void status_counts_tiles_apart(void **state) {
    (void)state;
    run_result r;
    run(&r, "status", "-l", "lib", NULL);
    expect(&r, 0);
    expect_out(&r, "5 files, 5 embedded\n");
    expect_out(&r, "Tiles:       52, of 4 pictures\n");
    expect_out(&r, "/pictures (--tiles)\n");
    run_free(&r);
    run(&r, "status", "-l", "lib", "--json", NULL);
    json_t *root = run_json(&r);
    assert_int_equal((int)number_at(root, "tiles"), 52);
    assert_int_equal((int)number_at(root, "tiled"), 4);
    assert_int_equal((int)number_at(root, "models.0.embedded"), 5);
    assert_true(json_is_true(at(root, "roots.0.tiles")));
    json_decref(root);
    run_free(&r);
    run(&r, "verify", "-l", "lib", NULL);
    expect(&r, 0);
    expect_out(&r, "57 embeddings checked");
    run_free(&r);
}

static void cut_before(char *text, const char *mark) {
    char *found = strstr(text, mark);
    if (found) *found = '\0';
}

/* What has an embedding stored is judged by that of the whole picture, as without tiles. */
static void labels_duplicates_and_files_know_no_tiles(void **state) {
    (void)state;
    run_result with, without;
    run(&without, "index", "pictures", "-l", "plain", "-m", "demo", "-q", NULL);
    expect(&without, 0);
    run_free(&without);
    static const char *const commands[][11] = {
        {"label", "pictures", "--classes", "star,heart,square,ring", "--json", "-m", "demo", NULL},
        {"dedup", "--tiers", "semantic", "--min-similarity", "0.4", "--json", "-m", "demo", NULL},
        {"similar", "pictures/1.ppm", "--no-tiles", "--tsv", "-m", "demo", NULL},
        {"search", "a heart", "--no-tiles", "--tsv", "-m", "demo", NULL},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *arguments[2][14];
        for (size_t k = 0; k < 11; k++) {
            arguments[0][k] = arguments[1][k] = commands[i][k];
            if (commands[i][k]) continue;
            for (int side = 0; side < 2; side++) {
                arguments[side][k] = "-l";
                arguments[side][k + 1] = side ? "plain" : "lib";
                arguments[side][k + 2] = NULL;
            }
            break;
        }
        run_list(&with, arguments[0], NULL, 0);
        run_list(&without, arguments[1], NULL, 0);
        if (with.code > 1) fail_msg("%s: %s", commands[i][0], with.err);
        assert_int_equal(with.code, without.code);
        cut_before(with.out, ",\"cached\""); /* and seconds */
        cut_before(without.out, ",\"cached\"");
        assert_string_equal(with.out, without.out);
        run_free(&with);
        run_free(&without);
    }
}

static void a_region_is_this_thing_and_not_this_picture(void **state) {
    (void)state;
    run_result r;
    /* The corner with the thing, of a picture that is in the library, in pixels and in percent. */
    run(&r, "similar", "pictures/0.ppm", "--region", "600,0,300,300", "--with-self", "-k", "1",
        "-l", "lib", "-m", "demo", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_non_null(strstr(text_at(root, "results.0.path"), "/0.ppm"));
    assert_int_equal((int)number_at(root, "results.0.tile.x"), 600);
    const double score = number_at(root, "results.0.score");
    assert_true(score > 0.8); /* its very tile, and what is around it */
    json_decref(root);
    run_free(&r);
    run(&r, "similar", "pictures/0.ppm", "--region=66.667%,0%,33.333%,50%", "--with-self", "-k",
        "1", "-l", "lib", "-m", "demo", "--json", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_true(fabs(number_at(root, "results.0.score") - score) < 1e-6);
    json_decref(root);
    run_free(&r);
    /* The picture itself is left out, under another name too. */
    run_shell(&r, "cp pictures/0.ppm elsewhere.ppm && \"$G\" similar elsewhere.ppm --region "
                  "600,0,300,300 -l lib -m demo --paths");
    expect(&r, 0);
    assert_null(strstr(r.out, "/0.ppm"));
    run_free(&r);
    /* All of the picture is the picture, but for the decoding of its embedding. */
    run(&r, "similar", "pictures/0.ppm", "--region", "0%,0%,100%,100%", "--with-self", "-k", "1",
        "--no-tiles", "-l", "lib", "-m", "demo", "--json", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_true(number_at(root, "results.0.score") > 0.999);
    json_decref(root);
    run_free(&r);
}

static void a_region_that_is_none_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *region, *message;
        int code;
    } cases[] = {
        {"720,60,100", "\"720,60,100\" is no region", 2},
        {"720,60,60,60,1", "is no region", 2},
        {"a,b,c,d", "is no region", 2},
        {"-1,0,50,50", "is no region", 2},
        {"10%,10,20,20", "pixels and percent are mixed", 2},
        {"10,10,0,20", "the region 10,10,0,20 is empty", 2},
        {"80%,0%,30%,10%", "is not inside the picture", 2},
        {"850,0,100,100",
         "100 x 100 pixels at 850,0 is not inside the picture, which has 900 x 600", 4},
        {"900,0,10,10", "is not inside the picture", 4},
        {"0,0,7,100", "7 x 100 pixels is too small to look for", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_result r;
        char option[64];
        (void)snprintf(option, sizeof option, "--region=%s", cases[i].region);
        run(&r, "similar", "pictures/2.ppm", option, "-l", "lib", "-m", "demo", NULL);
        expect(&r, cases[i].code);
        expect_err(&r, cases[i].message);
        run_free(&r);
    }
}

static void a_region_needs_the_file(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(rename("pictures", "disk"), 0);
    run(&r, "similar", "pictures/2.ppm", "--region", "0,0,50,50", "-l", "lib", "-m", "demo", NULL);
    expect(&r, 4);
    expect_err(&r, "pictures/2.ppm: the library knows the picture, but its file is not there now");
    run_free(&r);
    assert_int_equal(rename("disk", "pictures"), 0);
    run(&r, "similar", "nowhere.ppm", "--region", "0,0,50,50", "-l", "lib", "-m", "demo", NULL);
    expect(&r, 4);
    expect_err(&r, "nowhere.ppm: cannot be read: No such file or directory");
    run_free(&r);
}

static void tiles_go_when_they_are_told_to(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "--tiles", "--no-tiles", "-l", "lib", NULL);
    expect(&r, 2);
    run_free(&r);
    run(&r, "index", "--no-tiles", "-l", "lib", "-m", "demo", NULL);
    expect(&r, 0);
    expect_err(&r, "glimpse prune --tiles forgets them");
    run_free(&r);
    run(&r, "prune", "--tiles", "-l", "lib", NULL);
    expect(&r, 0);
    expect_out(&r, "52 embeddings");
    run_free(&r);
    json_t *root = search("a red star", NULL);
    assert_true(json_is_null(at(root, "results.0.tile")));
    json_decref(root);
    run(&r, "index", "--json", "--tiles", "-l", "lib", "-m", "demo", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_int_equal((int)number_at(root, "tiles"), 52);
    assert_int_equal((int)number_at(root, "tiled"), 4);
    assert_int_equal((int)number_at(root, "unchanged"), 5);
    json_decref(root);
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_thing_is_found_and_where_it_is_is_told),
        cmocka_unit_test(tables_and_pages_say_where),
        cmocka_unit_test(status_counts_tiles_apart),
        cmocka_unit_test(labels_duplicates_and_files_know_no_tiles),
        cmocka_unit_test(a_region_is_this_thing_and_not_this_picture),
        cmocka_unit_test(a_region_that_is_none_is_refused),
        cmocka_unit_test(a_region_needs_the_file),
        cmocka_unit_test(tiles_go_when_they_are_told_to),
    };
    return cmocka_run_group_tests_name("tiles", tests, setup, run_teardown);
}
