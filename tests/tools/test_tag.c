/*
 * glimpse tag and glimpse album: which pictures are meant, what is said of those that are not in
 * the library, all of it or nothing when the disk fails, and nothing lost when files are gone.
 */
#include "faults.h"

enum { PICTURES = 8 };

static int setup(void **state) {
    run_setup(state);
    assert_int_equal(mkdir("p", 0777) | mkdir("p/sub", 0777), 0);
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "p/%s%u.ppm", i % 2 ? "sub/" : "", i);
        write_picture(name, 50 + i, 40, i);
    }
    copy_file("p/0.ppm", "p/copy of 0.ppm");
    assert_int_equal(symlink("p", "link"), 0);
    run_result r;
    run(&r, "index", "p", "--quiet", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

static char *output(const char *command) {
    run_result r;
    run_shell(&r, command);
    char *out = strdup(r.out);
    assert_non_null(out);
    run_free(&r);
    return out;
}

static void expect_output(const char *command, const char *expected) {
    char *out = output(command);
    if (strcmp(out, expected) != 0) fail_msg("%s\n%s", command, out);
    free(out);
}

#define LISTED(filter) "\"$G\" list -p " filter " | sed 's|.*/p/||'"

static void every_way_of_naming_pictures_means_the_same(void **state) {
    (void)state;
    static const char *const adds[] = {
        "\"$G\" tag add t p/0.ppm p/sub/1.ppm",
        "\"$G\" tag add t -- p/0.ppm p/sub/1.ppm",
        "\"$G\" tag add t link/0.ppm link/sub/../sub/1.ppm 'p/copy of 0.ppm'",
        "cd p && \"$G\" tag add t sub/1.ppm \"$PWD/0.ppm\"",
        "\"$G\" tag add t --where 'width <= 51'",
        "\"$G\" tag add ' t ' --where 'width = 50, 51' -q",
        "\"$G\" list --where 'width <= 51' -p | \"$G\" tag add t --stdin",
        "\"$G\" list --where 'width <= 51' -0 | \"$G\" tag add t --stdin0",
        "\"$G\" list --where 'width <= 51' --json | sed 's/.*\"id\":\"\\([^\"]*\\).*/\\1/' |"
        " xargs \"$G\" tag add t",
    };
    for (size_t i = 0; i < sizeof adds / sizeof adds[0]; i++) {
        expect_output(adds[i], "Added: 2 pictures\n");
        expect_output(LISTED("--tag t"), "0.ppm\nsub/1.ppm\n");
        expect_output("\"$G\" tag list 'p/copy of 0.ppm'", "p/copy of 0.ppm: t\n");
        expect_output("\"$G\" tag remove t --tag t", "Taken out: 2 pictures\n");
        expect_output("\"$G\" tag list", "");
    }
    run_result r;
    run(&r, "tag", "add", "a", "b/c", "favourite", "--", "p/2.ppm", "--json", NULL);
    expect(&r, 3); /* behind -- everything is a file */
    expect_err(&r, "--json: not in the library");
    run_free(&r);
    expect_output("\"$G\" tag list", "       1  a\n       1  b/c\n       1  favourite\n");
    expect_output(LISTED("--has favourite --tag c --tag a"), "2.ppm\n");
    expect_output("\"$G\" tag add a p/2.ppm p/4.ppm", "Added: 1 picture; 1 was there already\n");
    expect_output("\"$G\" tag add a p/6.ppm -n", "Would be added: 1 picture\n");
    expect_output("\"$G\" tag rename b x/b", "Renamed: 1 tag\n");
    expect_output("for t in a x/b/c favourite; do \"$G\" tag delete $t; done; \"$G\" tag list",
                  "Deleted: the tag \"a\"\nDeleted: the tag \"x/b/c\"\n"
                  "Deleted: the tag \"favourite\"\n");
}

static void what_is_not_in_the_library_is_named_and_the_others_go_on(void **state) {
    (void)state;
    run_result r;
    write_formatted("p/unknown.txt", "%s", "no picture");
    run(&r, "tag", "add", "t", "p/0.ppm", "nowhere.jpg", "p/unknown.txt", "p/2.ppm", NULL);
    expect(&r, 3);
    expect_out(&r, "Added: 2 pictures");
    expect_err(&r, "nowhere.jpg: not in the library");
    expect_err(&r, "p/unknown.txt: not in the library");
    run_free(&r);
    run(&r, "tag", "add", "t", "nowhere.jpg", "p/4.ppm", "--json", NULL);
    expect(&r, 3);
    json_t *report = run_json(&r);
    assert_int_equal(json_integer_value(at(report, "pictures")), 1);
    assert_int_equal(json_integer_value(at(report, "changed")), 1);
    assert_string_equal(json_string_value(json_array_get(at(report, "unknown"), 0)), "nowhere.jpg");
    json_decref(report);
    run_free(&r);
    run(&r, "tag", "list", "nowhere.jpg", "p/4.ppm", NULL);
    expect(&r, 3);
    expect_out(&r, "p/4.ppm: t");
    run_free(&r);
    run(&r, "tag", "add", "t", "--where", "width > 1000", NULL);
    expect(&r, 1);
    run_free(&r);
    run(&r, "tag", "remove", "none", "p/0.ppm", NULL);
    expect(&r, 4);
    expect_err(&r, "there is no tag \"none\"");
    run_free(&r);
    run(&r, "album", "add", "none", "p/0.ppm", NULL);
    expect(&r, 4);
    expect_err(&r, "glimpse album create");
    run_free(&r);
    run(&r, "tag", "delete", "t", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "tag", "list", NULL);
    expect(&r, 1);
    run_free(&r);
    run(&r, "tag", "list", "--json", "--library", "nowhere", NULL);
    expect(&r, 4);
    assert_string_equal(r.out, "");
    run_free(&r);
}

static void mistakes_are_told_before_anything_is_done(void **state) {
    (void)state;
    static const char *const wrong[][8] = {
        {"tag", "give", "a", "b"},
        {"tag", "add"},
        {"tag", "add", "a"},
        {"tag", "add", "a//b", "p/0.ppm"},
        {"tag", "add", "a\nb", "p/0.ppm"},
        {"tag", "add", "a", "--where", "colour = 1"},
        {"tag", "add", "a", "--rating", "5", "--stdin"},
        {"tag", "add", "a", "--rating", "5", "--", "p/0.ppm"},
        {"tag", "add", "--", "p/0.ppm"},
        {"tag", "add", "a", "--at", "1", "p/0.ppm"},
        {"tag", "rename", "a"},
        {"tag", "delete", "a", "b"},
        {"album", "create"},
        {"album", "create", "a", "b"},
        {"album", "add", "a", "b", "--", "p/0.ppm"},
        {"album", "add", "a", "--at", "0", "p/0.ppm"},
        {"album", "show"},
        {"album", "show", "a", "--json", "--tsv"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        run_result r;
        run_list(&r, wrong[i], "", 0);
        expect(&r, 2);
        expect_err(&r, "Try: glimpse ");
        run_free(&r);
    }
    expect_output("\"$G\" tag list; \"$G\" album list", "");
}

static void an_album_is_shown_in_its_order(void **state) {
    (void)state;
    expect_output("\"$G\" album create 'Two Words'", "Created: the album \"Two Words\"\n");
    expect_output("\"$G\" album add 'two words' p/4.ppm p/0.ppm p/2.ppm", "Added: 3 pictures\n");
    expect_output("\"$G\" album add 'two words' p/6.ppm p/2.ppm --at 2",
                  "Added: 1 picture; 1 was there already\n");
    expect_output("\"$G\" album show 'TWO WORDS' -p | sed 's|.*/p/||'",
                  "4.ppm\n6.ppm\n2.ppm\n0.ppm\n");
    expect_output("\"$G\" album show 'two words' --where 'width < 56' -p | sed 's|.*/p/||'",
                  "4.ppm\n2.ppm\n0.ppm\n");
    expect_output(LISTED("--album 'two words' --sort path"), "0.ppm\n2.ppm\n4.ppm\n6.ppm\n");
    run_result r;
    run(&r, "album", "show", "two words", "--json", NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), 4);
    const json_t *albums = at(json_array_get(lines, 1), "albums");
    assert_string_equal(json_string_value(json_array_get(albums, 0)), "Two Words");
    json_decref(lines);
    run_free(&r);
    run(&r, "search", "thing", "--album", "words", "--json", NULL);
    expect(&r, 1);
    run_free(&r);
    run(&r, "search", "thing", "--album", "two words", "--json", NULL);
    expect(&r, 0);
    json_t *found = run_json(&r);
    assert_int_equal(json_array_size(at(found, "results")), 4);
    assert_int_equal(json_array_size(at(json_array_get(at(found, "results"), 0), "albums")), 1);
    json_decref(found);
    run_free(&r);
    expect_output("\"$G\" album remove 'two words' p/6.ppm p/sub/1.ppm",
                  "Taken out: 1 picture; 1 was not in it\n");
    expect_output("\"$G\" album rename 'two words' x; \"$G\" album list; \"$G\" album delete x",
                  "Renamed: 1 album\n       3  x\nDeleted: the album \"x\"\n");
}

static void what_a_person_said_outlasts_the_file(void **state) {
    (void)state;
    run_result r;
    expect_output("\"$G\" tag add own p/0.ppm p/6.ppm", "Added: 2 pictures\n");
    expect_output("mv p/6.ppm p/moved.ppm && \"$G\" index p -q && \"$G\" tag list p/moved.ppm",
                  "p/moved.ppm: own\n");
    expect_output("mv p/moved.ppm away.ppm && \"$G\" index p -q && \"$G\" tag list",
                  "       2  own (1 of them in no file now)\n");
    run(&r, "prune", "--dry-run", NULL);
    expect(&r, 0);
    expect_err(&r, "1 picture without a file has tags or albums, which are kept");
    run_free(&r);
    run(&r, "prune", "--json", NULL);
    expect(&r, 0);
    json_t *report = run_json(&r);
    assert_int_equal(json_integer_value(at(report, "kept")), 1);
    assert_int_equal(json_integer_value(at(report, "tagged")), 0);
    json_decref(report);
    run_free(&r);
    expect_output("cp away.ppm p/6.ppm && \"$G\" index p -q && \"$G\" tag list p/6.ppm",
                  "p/6.ppm: own\n");
    expect_output("rm p/6.ppm && \"$G\" index p -q; \"$G\" prune -q --tagged | sed 's/.*, //'",
                  "tags and albums of 1 picture\n");
    expect_output("\"$G\" verify -q >out && \"$G\" tag list; \"$G\" tag delete own",
                  "       1  own\nDeleted: the tag \"own\"\n");
    expect_output("mv away.ppm p/6.ppm && \"$G\" index p -q && \"$G\" tag list p/6.ppm",
                  "p/6.ppm:\n");
}

static void a_disk_that_fails_leaves_all_of_it_or_nothing(void **state) {
    (void)state;
    const char *const add[] = {"tag", "add", "a", "b", "--where", "width > 0", NULL};
    char below[1100];
    int failures = 0;
    if (!faults_available()) skip();
    char *library = output("\"$G\" status --json | sed 's/.*\"library\":\"\\([^\"]*\\).*/\\1/'");
    library[strcspn(library, "\n")] = '\0';
    (void)snprintf(below, sizeof below, "%s", library);
    free(library);
    for (int64_t step = 0; step < 8; step++) {
        run_result r;
        faults f = {.below = below, .bytes = step < 6 ? 4000 * step : -1};
        if (step >= 6) f.sync = step - 5;
        faults_run(&r, &f, add);
        if (r.code != 0) {
            failures++;
            expect(&r, 4);
            assert_true(r.err_size > 0);
        }
        char *listed = output("\"$G\" tag list | tr '\\n' ';'");
        const char *whole = "       8  a;       8  b;";
        if (strcmp(listed, r.code == 0 ? whole : "") != 0 && strcmp(listed, whole) != 0) {
            fail_msg("after %d bytes: %s", (int)f.bytes, listed);
        }
        free(listed);
        run_free(&r);
        expect_output("\"$G\" verify -q | cut -c 1-11", "All is well\n");
        free(output("\"$G\" tag delete a -q; \"$G\" tag delete b -q"));
    }
    assert_true(failures > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_of_naming_pictures_means_the_same),
        cmocka_unit_test(what_is_not_in_the_library_is_named_and_the_others_go_on),
        cmocka_unit_test(mistakes_are_told_before_anything_is_done),
        cmocka_unit_test(an_album_is_shown_in_its_order),
        cmocka_unit_test(what_a_person_said_outlasts_the_file),
        cmocka_unit_test(a_disk_that_fails_leaves_all_of_it_or_nothing),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
