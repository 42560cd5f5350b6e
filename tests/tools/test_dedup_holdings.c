/*
 * test_dedup_holdings.c - no action of glimpse dedup takes away what nothing that stays holds: over
 * pairs that differ in exactly one thing a file can hold, and over the cases that went wrong once.
 */
#include "support/commands.h"
#include "support/held_files.h"

#include <sys/stat.h>
#include <utime.h>

static void stem_of(char out[64], size_t i, const char *name) {
    (void)snprintf(out, 64, "pairs/%03zu-%s", i, name);
}

static void set_age(const char *stem, const char *ending, long when) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s%s", stem, ending);
    assert_int_equal(utime(path, &(struct utimbuf){when, when}), 0);
}

static int is_there(const char *stem, const char *ending) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s%s", stem, ending);
    return path_exists(path);
}

/* `first`: the name of the file that holds more comes first. `older`: it is the older one. */
static void make_pairs(int first, int older) {
    remove_tree("pairs");
    assert_int_equal(mkdir("pairs", 0755), 0);
    for (size_t i = 0; i < held_pair_count(); i++) {
        const held_pair *pair = held_pair_at(i);
        char more[64], less[64];
        stem_of(more, i, first ? "a" : "b");
        stem_of(less, i, first ? "b" : "a");
        held_pair_write(i, more, less);
        set_age(more, pair->more_ending, older ? 1000000000 : 1100000000);
        set_age(less, pair->less_ending, older ? 1100000000 : 1000000000);
    }
}

/* Counts the pairs whose poorer file is gone; the richer ones are all there. */
static size_t expect_richer_ones(int first, const char *when) {
    size_t gone = 0;
    for (size_t i = 0; i < held_pair_count(); i++) {
        const held_pair *pair = held_pair_at(i);
        char more[64], less[64];
        stem_of(more, i, first ? "a" : "b");
        stem_of(less, i, first ? "b" : "a");
        if (!is_there(more, pair->more_ending)) fail_msg("%s: lost %s", when, pair->thing);
        gone += !is_there(less, pair->less_ending);
    }
    return gone;
}

static void nothing_that_holds_more_is_removed(void **state) {
    (void)state;
    assert_true(held_pair_count() >= 60);
    for (int round = 0; round < 4; round++) {
        const int first = round & 1, older = round >> 1;
        run_result r;
        make_pairs(first, older);
        run(&r, "dedup", "pairs", "--delete", "--apply", "-q", NULL);
        if (r.code != 0 && r.code != 1) expect(&r, 0);
        expect_out(&r, "0 files deleted");
        run_free(&r);
        assert_int_equal(expect_richer_ones(first, "by default"), 0);
        run(&r, "dedup", "pairs", "--delete", "--apply", "-q", "--include",
            "identical,re-encoded,holds-more", NULL);
        if (r.code != 0 && r.code != 1) expect(&r, 0);
        run_free(&r);
        /* All but opacities, whose pictures are other ones on a dark ground. */
        size_t strict = 0;
        for (size_t i = 0; i < held_pair_count(); i++)
            strict += !held_pair_at(i)->other_pixels;
        const size_t gone = expect_richer_ones(first, "with holds-more");
        if (gone < strict) {
            for (size_t i = 0; i < held_pair_count(); i++) {
                char less[64];
                stem_of(less, i, first ? "b" : "a");
                if (is_there(less, held_pair_at(i)->less_ending))
                    print_message("kept for nothing: %s\n", held_pair_at(i)->thing);
            }
        }
        assert_true(gone >= strict);
    }
}

/* Whatever rule the person gives, what would be lost holds the file back, and is named. */
static void a_rule_of_the_users_own_loses_nothing(void **state) {
    (void)state;
    run_result r;
    make_pairs(1, 1);
    run(&r, "dedup", "pairs", "--delete", "--apply", "-q", "--keep", "newest", "--include",
        "holds-more", NULL);
    expect_out(&r, "they hold what their keeper lacks (pages, frames, video");
    expect_out(&r, "--allow-loss names what may go");
    run_free(&r);
    (void)expect_richer_ones(1, "with --keep newest");
    run(&r, "dedup", "pairs", "--delete", "--apply", "-q", "--keep", "newest", "--include",
        "holds-more", "--allow-loss", "rating,label", "--json", NULL);
    json_t *root = run_json(&r);
    assert_true(number_at(root, "action.held_back") > 50);
    assert_string_equal(text_at(root, "action.held_kinds.0"), "pages");
    json_decref(root);
    run_free(&r);
    for (size_t i = 0; i < held_pair_count(); i++) {
        const held_pair *pair = held_pair_at(i);
        char more[64];
        stem_of(more, i, "a");
        const int may_go =
            pair->kind == GLIMPSE_HOLDING_RATING || pair->kind == GLIMPSE_HOLDING_LABEL;
        if (is_there(more, pair->more_ending) == may_go) fail_msg("%s", pair->thing);
    }
}

static void each_of_two_that_hold_something_stays(void **state) {
    (void)state;
    run_result r;
    char seen[2][64];
    remove_tree("both");
    assert_int_equal(mkdir("both", 0755), 0);
    /* The same JPEG: one with a film behind it, one with a sidecar. */
    for (size_t i = 0; i < held_pair_count(); i++) {
        if (strcmp(held_pair_at(i)->thing, "a film behind a JPEG") != 0) continue;
        held_pair_write(i, "both/film", "both/plain");
    }
    write_text("both/plain.xmp",
               "<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
               "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
               "<rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' "
               "xmp:Rating='4'/></rdf:RDF></x:xmpmeta>");
    run(&r, "dedup", "both", "--json", "-q", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    assert_string_equal(text_at(root, "groups.0.relation"), "holds-more");
    (void)snprintf(seen[0], 64, "%s", text_at(root, "groups.0.members.0.holds.0"));
    (void)snprintf(seen[1], 64, "%s", text_at(root, "groups.0.members.1.holds.0"));
    assert_true((strcmp(seen[0], "video") == 0 && strcmp(seen[1], "rating") == 0) ||
                (strcmp(seen[0], "rating") == 0 && strcmp(seen[1], "video") == 0));
    json_decref(root);
    run_free(&r);
    run(&r, "dedup", "both", "--delete", "--apply", "-q", "--include",
        "identical,re-encoded,holds-more", NULL);
    run_free(&r);
    assert_true(path_exists("both/film.jpg") && path_exists("both/plain.jpg"));
}

/* Equal bytes, but a sidecar or a film beside one of them. */
static void equal_bytes_are_not_equal_when_something_is_beside(void **state) {
    (void)state;
    run_result r;
    remove_tree("beside");
    assert_int_equal(mkdir("beside", 0755), 0);
    for (size_t i = 0; i < held_pair_count(); i++) {
        if (strcmp(held_pair_at(i)->thing, "the film of a live photo") != 0) continue;
        held_pair_write(i, "beside/z", "beside/a");
    }
    copy_file("beside/a.jpg", "beside/b.jpg");
    run(&r, "dedup", "beside", "--delete", "--apply", "-q", NULL);
    run_free(&r);
    /* a and b are identical; z has its film. */
    assert_true(path_exists("beside/z.jpg"));
    assert_true(path_exists("beside/a.jpg") != path_exists("beside/b.jpg"));
}

static void words_say_what_is_held(void **state) {
    (void)state;
    static const struct {
        const char *thing, *words;
    } cases[] = {
        {"two more pages", "without its other pages"},
        {"the last of three pages", "has less of: other pages"},
        {"a film behind a JPEG", "without its video"},
        {"16 bits of colour", "without its deeper samples"},
        {"a caption in XMP", "without its caption"},
    };
    run_result r;
    for (size_t i = 0; i < held_pair_count(); i++) {
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            if (strcmp(held_pair_at(i)->thing, cases[k].thing) != 0) continue;
            remove_tree("words");
            assert_int_equal(mkdir("words", 0755), 0);
            held_pair_write(i, "words/more", "words/less");
            run(&r, "dedup", "words", NULL);
            expect_out(&r, cases[k].words);
            expect_out(&r, "holds more: ");
            run_free(&r);
        }
    }
    /* The other way round, as the file that is not kept. */
    remove_tree("words");
    assert_int_equal(mkdir("words", 0755), 0);
    for (size_t i = 0; i < held_pair_count(); i++) {
        if (strcmp(held_pair_at(i)->thing, "two more pages") == 0)
            held_pair_write(i, "words/pages", "words/page");
        if (strcmp(held_pair_at(i)->thing, "a film behind a JPEG") == 0)
            held_pair_write(i, "words/film", "words/still");
    }
    assert_int_equal(utime("words/page.tif", &(struct utimbuf){1, 1}), 0);
    assert_int_equal(utime("words/still.jpg", &(struct utimbuf){1, 1}), 0);
    run(&r, "dedup", "words", "--keep", "oldest", NULL);
    expect_out(&r, "has 2 more pages");
    expect_out(&r, "has a video of 3 s");
    run_free(&r);
}

static void documents_with_the_same_cover_are_no_duplicates(void **state) {
    (void)state;
    run_result r;
    remove_tree("documents");
    assert_int_equal(mkdir("documents", 0755), 0);
    held_document_write("documents/letter.tif", 1, 10, 3);
    held_document_write("documents/bill.tif", 1, 20, 3);
    held_document_write("documents/report.tif", 1, 30, 5);
    run(&r, "dedup", "documents", NULL);
    expect(&r, 0);
    expect_out(&r, "0 groups");
    run_free(&r);
    held_document_write("documents/two pages of the report.tif", 1, 30, 2);
    run(&r, "dedup", "documents", NULL);
    expect(&r, 1);
    expect_out(&r, "has less of: other pages");
    run_free(&r);
    if (!shared_path_if_there("cases/frames/tif")) return;
    run(&r, "dedup", shared_path("cases/frames/tif"), NULL);
    expect(&r, 0);
    expect_out(&r, "0 groups");
    run_free(&r);
}

static void drawings_on_a_transparent_ground_are_told_apart(void **state) {
    (void)state;
    run_result r;
    remove_tree("drawings");
    assert_int_equal(mkdir("drawings", 0755), 0);
    for (int shape = 0; shape < 4; shape++) {
        for (int grey = 0; grey < 256; grey += 255) {
            char path[64];
            (void)snprintf(path, sizeof path, "drawings/%d-%d.png", shape, grey);
            held_drawing_write(path, shape, grey, -1);
        }
    }
    run(&r, "dedup", "drawings", NULL);
    expect(&r, 0);
    expect_out(&r, "0 groups, 0 files beside the keepers in 8 pictures");
    run_free(&r);
    /* A copy is found all the same, also where the colour that nobody sees is another one. */
    copy_file("drawings/1-0.png", "drawings/copy.png");
    run(&r, "dedup", "drawings", "--json", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "groups")), 1);
    assert_string_equal(text_at(root, "groups.0.relation"), "identical");
    assert_string_equal(text_at(root, "groups.0.members.0.holds.0"), "alpha");
    json_decref(root);
    run_free(&r);
    if (!shared_path_if_there("cases/alpha")) return;
    run(&r, "dedup", shared_path("cases/alpha"), NULL);
    expect(&r, 0);
    expect_out(&r, "0 groups");
    run_free(&r);
}

/* The drawing that can be laid over anything stays, for the one on paper or on slate. */
static void a_transparent_drawing_is_not_lost_for_a_flat_one(void **state) {
    (void)state;
    for (int shape = 0; shape < 4; shape++) {
        run_result r;
        remove_tree("flat");
        assert_int_equal(mkdir("flat", 0755), 0);
        held_drawing_write("flat/a.png", shape, 20, 255);
        held_drawing_write("flat/b.png", shape, 20, -1);
        assert_int_equal(utime("flat/a.png", &(struct utimbuf){1, 1}), 0);
        run(&r, "dedup", "flat", "--delete", "--apply", "-q", NULL);
        run_free(&r);
        assert_true(path_exists("flat/a.png") && path_exists("flat/b.png"));
        run(&r, "dedup", "flat", "--delete", "--apply", "-q", "--include",
            "identical,re-encoded,holds-more", NULL);
        run_free(&r);
        assert_true(path_exists("flat/b.png"));
    }
}

/* case/: `kept` stays, whatever is included. */
static void expect_kept(const char *directory, const char *kept, const char *other) {
    run_result r;
    char from[300], to[100];
    remove_tree("case");
    assert_int_equal(mkdir("case", 0755), 0);
    const char *const names[] = {kept, other};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(from, sizeof from, "cases/%s/%s", directory, names[i]);
        (void)snprintf(to, sizeof to, "case/%s", names[i]);
        copy_file(shared_path(from), to);
        assert_int_equal(utime(to, &(struct utimbuf){1000000000 - (long)i, 1000000000 - (long)i}),
                         0);
    }
    run(&r, "dedup", "case", "--delete", "--apply", "-q", NULL);
    run_free(&r);
    (void)snprintf(to, sizeof to, "case/%s", other);
    assert_true(path_exists(to));
    run(&r, "dedup", "case", "--delete", "--apply", "-q", "--include",
        "identical,re-encoded,holds-more", NULL);
    run_free(&r);
    assert_false(path_exists(to));
    (void)snprintf(to, sizeof to, "case/%s", kept);
    assert_true(path_exists(to));
}

static void the_file_that_holds_more_is_kept(void **state) {
    (void)state;
    expect_kept("frames/webp_still", "long.webp", "still.webp");
    expect_kept("frames/motion", "motion.jpg", "still.jpg");
    expect_kept("depth", "scan-16bit.png", "export-8bit.png");
    expect_kept("caption-lost", "captioned.jpg", "plain.jpg");
}

static void two_shots_of_one_camera_are_near_shots_whatever_the_pixels(void **state) {
    (void)state;
    run_result r;
    remove_tree("shots");
    assert_int_equal(mkdir("shots", 0755), 0);
    held_shot_write("shots/a.jpg", 7, "10");
    held_shot_write("shots/b.jpg", 7, "60");
    run(&r, "dedup", "shots", "--json", "-q", NULL);
    json_t *root = run_json(&r);
    assert_string_equal(text_at(root, "groups.0.relation"), "near-shot");
    json_decref(root);
    run_free(&r);
    run(&r, "dedup", "shots", "--delete", "--apply", "-q", "--include",
        "identical,re-encoded,holds-more,edited", NULL);
    run_free(&r);
    assert_true(path_exists("shots/a.jpg") && path_exists("shots/b.jpg"));
}

static void the_only_picture_in_colours_is_held_back(void **state) {
    (void)state;
    run_result r;
    remove_tree("colours");
    assert_int_equal(mkdir("colours", 0755), 0);
    held_colours_write("colours/small.ppm", 3);
    held_large_grey_write("colours/large.pgm", 3);
    run(&r, "dedup", "colours", "--delete", "--apply", "-q", "--include",
        "identical,re-encoded,holds-more,edited", NULL);
    expect_out(&r, "it holds what its keeper lacks (colour)");
    run_free(&r);
    assert_true(path_exists("colours/small.ppm"));
}

static void what_may_be_lost_is_a_list_of_known_kinds(void **state) {
    (void)state;
    run_result r;
    assert_true(mkdir("some", 0755) == 0 || path_exists("some"));
    static const char *const wrong[][6] = {
        {"dedup", "some", "--delete", "--allow-loss", "vide"},
        {"dedup", "some", "--delete", "--allow-loss", ""},
        {"dedup", "some", "--allow-loss", "video"},
        {"dedup", "some", "--delete", "--include", "similar"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        run_list(&r, wrong[i], "", 0);
        expect(&r, 2);
        assert_int_equal(r.out_size, 0);
        run_free(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_holds_more_is_removed),
        cmocka_unit_test(a_rule_of_the_users_own_loses_nothing),
        cmocka_unit_test(each_of_two_that_hold_something_stays),
        cmocka_unit_test(equal_bytes_are_not_equal_when_something_is_beside),
        cmocka_unit_test(words_say_what_is_held),
        cmocka_unit_test(documents_with_the_same_cover_are_no_duplicates),
        cmocka_unit_test(drawings_on_a_transparent_ground_are_told_apart),
        cmocka_unit_test(a_transparent_drawing_is_not_lost_for_a_flat_one),
        cmocka_unit_test(the_file_that_holds_more_is_kept),
        cmocka_unit_test(two_shots_of_one_camera_are_near_shots_whatever_the_pixels),
        cmocka_unit_test(the_only_picture_in_colours_is_held_back),
        cmocka_unit_test(what_may_be_lost_is_a_list_of_known_kinds),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
