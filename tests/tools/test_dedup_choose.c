/*
 * glimpse dedup: which files are kept and which are never touched, what goes along with a file that
 * is moved, trashed or deleted, and the lists of what was done.
 */
#include "support/commands.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy_demo(const char *name, const char *to) {
    char path[300];
    (void)snprintf(path, sizeof path, "data/demo/%s", name);
    copy_file(source_path(path), to);
}

static void make(const char *path) {
    assert_int_equal(mkdir(path, 0755), 0);
}

static void expect_keeper(const char *const *arguments, const char *keeper, const char *reason) {
    run_result r;
    run_list(&r, arguments, "", 0);
    expect(&r, 1);
    json_t *root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "groups")), 1);
    if (!strstr(text_at(root, "groups.0.keeper"), keeper) ||
        !strstr(text_at(root, "groups.0.reason"), reason)) {
        fail_msg("%s: %s", text_at(root, "groups.0.keeper"), text_at(root, "groups.0.reason"));
    }
    json_decref(root);
    run_free(&r);
}

static void a_path_without_the_marks_of_a_copy_is_kept(void **state) {
    (void)state;
    static const char *const copies[] = {
        "a - Copy.jpg",  "a copy.jpg",        "Copy of a.jpg", "a (1).jpg",      "a - Kopie.jpg",
        "a - copie.jpg", "a copia.jpg",       "a – копия.jpg", "a のコピー.jpg", "a 副本.jpg",
        "backup/a.jpg",  "A - KOPIE (2).jpg", "a_copy2.jpg",   "Copies/0.jpg"};
    static const char *const search[] = {"dedup", "names", "--json", "-q", NULL};
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        char path[200];
        make("names");
        make("names/backup");
        make("names/Copies");
        make("names/zz photocopier");
        (void)snprintf(path, sizeof path, "names/%s", copies[i]);
        copy_demo("animals/cat-forest-169.jpg", path);
        copy_demo("animals/cat-forest-169.jpg", "names/zz photocopier/copyright (2019).jpg");
        expect_keeper(search, "zz photocopier/copyright (2019).jpg", "named like a copy");
        remove_tree("names");
    }
}

/* Two files of the same bytes, of other ages and places. */
static void rules_apply_in_the_order_given(void **state) {
    (void)state;
    make("rules");
    make("rules/in");
    copy_demo("food/cup-of-coffee-sea-076.png", "rules/large.png");
    copy_demo("food/cup-of-coffee-sea-076.png", "rules/in/same.png");
    struct timespec young[2] = {{1999999999, 0}, {1999999999, 0}};
    struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, "rules/large.png", young, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, "rules/in/same.png", old, 0), 0);
    static const struct {
        const char *arguments[12];
        const char *keeper, *reason;
    } cases[] = {
        {{"dedup", "rules", "--json", "-q"},
         "/same.png",
         "kept because it is older: modified 2001"},
        {{"dedup", "rules", "--json", "-q", "--keep", "newest"},
         "/large.png",
         "kept because it is newer: modified 2033"},
        {{"dedup", "rules", "--json", "-q", "--keep", "in:rules/in", "--keep", "newest"},
         "/same.png",
         "rules/in, which --keep names"},
        {{"dedup", "rules", "--json", "-q", "--keep", "newest", "--keep", "in:rules/in"},
         "/large.png",
         "newer"},
        {{"dedup", "rules", "--json", "-q", "--keep", "largest", "--keep", "deepest", "--keep",
          "newest"},
         "/large.png",
         "newer"},
        {{"dedup", "rules", "--json", "-q", "--keep", "richest", "--keep", "oldest"},
         "/same.png",
         "older"},
        {{"dedup", "rules", "--json", "-q", "--protect", "rules/in", "--keep", "newest"},
         "/same.png",
         "rules/in, which --protect names"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_keeper(cases[i].arguments, cases[i].keeper, cases[i].reason);
    remove_tree("rules");
}

static void protected_folders_are_searched_and_never_touched(void **state) {
    (void)state;
    run_result r;
    make("card");
    make("archive");
    make("archive/2019");
    copy_demo("animals/cat-forest-169.jpg", "card/a.jpg");
    copy_demo("animals/owl-city-034.webp", "card/owl.webp");
    copy_demo("animals/cat-forest-169.jpg", "archive/2019/copy of a.jpg");
    copy_demo("animals/cat-forest-169.jpg", "archive/a second copy.jpg");
    assert_int_equal(symlink("archive", "way to archive"), 0);
    static const char *const spellings[] = {"archive", "way to archive", "archive/2019/.."};
    for (size_t i = 0; i < 3; i++) {
        /* Not among what is searched: it is a reference, and duplicates within it are not told. */
        run(&r, "dedup", "card", "--protect", spellings[i], "--delete", "--apply", "--json", "-q",
            NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        assert_int_equal(json_array_size(at(root, "groups")), 1);
        assert_int_equal(json_array_size(at(root, "groups.0.members")), 2);
        assert_non_null(strstr(text_at(root, "groups.0.keeper"), "/archive/"));
        assert_non_null(strstr(text_at(root, "groups.0.reason"), "--protect names"));
        assert_int_equal(number_at(root, "action.done"), 1);
        json_decref(root);
        run_free(&r);
        assert_false(path_exists("card/a.jpg"));
        run(&r, "dedup", "--undo", NULL);
        expect(&r, 0);
        run_free(&r);
        assert_true(path_exists("card/a.jpg"));
    }
    /* Two protected copies are left, whatever the rules say. */
    run(&r, "dedup", "card", "archive", "--protect", "archive", "--keep", "in:card", "--trash",
        "--apply", "-q", NULL);
    expect(&r, 0);
    expect_out(&r, "1 in protected folders not touched");
    expect_out(&r, "1 file put into the trash");
    run_free(&r);
    assert_true(path_exists("archive/2019/copy of a.jpg"));
    assert_true(path_exists("archive/a second copy.jpg"));
    /* Nor by another of its names. */
    assert_int_equal(link("archive/a second copy.jpg", "card/hard.jpg"), 0);
    assert_int_equal(symlink("../archive", "card/linked"), 0);
    run(&r, "dedup", "card", "--protect", "archive", "--follow-links", "--delete", "--apply", "-q",
        NULL);
    expect(&r, 0);
    expect_out(&r, "0 files deleted");
    run_free(&r);
    assert_true(path_exists("card/hard.jpg") && path_exists("archive/2019/copy of a.jpg"));
    run(&r, "dedup", "--undo", NULL);
    run_free(&r);
    remove_tree("card");
    remove_tree("archive");
    assert_int_equal(unlink("way to archive"), 0);
}

/* kept/IMG_1.jpg and its copy below go/ with all that can go along. */
static void make_companions(int beside_keeper) {
    static const char *const endings[] = {".xmp", ".jpg.xmp", ".AAE", ".CR3", ".MOV", ".thm"};
    remove_tree("kept");
    remove_tree("go");
    make("kept");
    make("go");
    make("go/2019");
    copy_demo("animals/cat-forest-169.jpg", "kept/IMG_1.jpg");
    copy_demo("animals/cat-forest-169.jpg", "go/2019/IMG_1.jpg");
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char path[100];
        (void)snprintf(path, sizeof path, "go/2019/IMG_1%s", endings[i]);
        write_text(path, endings[i]);
        (void)snprintf(path, sizeof path, "kept/IMG_1%s", endings[i]);
        if (beside_keeper) write_text(path, endings[i]);
    }
    write_text("go/2019/IMG_12.xmp", "of another");
    write_text("go/2019/IMG_1.bak", "no sidecar");
}

static size_t files_in(const char *directory) {
    run_result r;
    char command[300];
    (void)snprintf(command, sizeof command, "find '%s' -type f | wc -l", directory);
    run_shell(&r, command);
    const size_t count = (size_t)atol(r.out);
    run_free(&r);
    return count;
}

static void what_belongs_to_a_picture_goes_and_comes_back_with_it(void **state) {
    (void)state;
    static const char *const actions[] = {"--move=away", "--trash", "--delete"};
    run_result r;
    for (size_t i = 0; i < 3; i++) {
        make_companions(1);
        run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", actions[i], "-q", NULL);
        expect(&r, 0);
        expect_out(&r, "6 files that belong with them");
        run_free(&r);
        assert_int_equal(files_in("go"), 9);
        run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", actions[i], "--apply",
            "--json", "-q", NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        assert_int_equal(number_at(root, "action.done"), 1);
        assert_int_equal(number_at(root, "action.companions"), 6);
        assert_non_null(strstr(text_at(root, "action.files.1.companion_of"), "/IMG_1.jpg"));
        json_decref(root);
        run_free(&r);
        assert_int_equal(files_in("go"), 2);
        assert_int_equal(files_in("kept"), 7);
        if (i == 0) {
            assert_true(path_exists("away/go/2019/IMG_1.jpg.xmp"));
            assert_int_equal(files_in("away"), 8); /* with the manifest */
        }
        run(&r, "dedup", "--undo", NULL);
        expect(&r, 0);
        run_free(&r);
        assert_int_equal(files_in("go"), 9);
        assert_false(path_exists("away"));
    }
}

/* Trash and holding are emptied one day: what only the copy has would be lost with it. */
static void what_its_keeper_lacks_holds_a_picture_back(void **state) {
    (void)state;
    run_result r;
    make_companions(0);
    /* What belongs to a file is something that it holds ... */
    run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", "--delete", "--apply", "-q",
        NULL);
    expect(&r, 0);
    expect_out(&r, "0 files");
    run_free(&r);
    assert_int_equal(files_in("go"), 9);
    /* ... and is not destroyed with it, whatever may be lost. */
    run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", "--include", "holds-more",
        "--allow-loss", "all", "--delete", "--apply", "-q", NULL);
    expect(&r, 3);
    expect_out(&r, "left alone (companion)");
    expect_out(&r, "is not beside its keeper");
    run_free(&r);
    assert_int_equal(files_in("go"), 9);
    run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", "--include", "holds-more",
        "--allow-loss", "all", "--move", "away", "--apply", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(files_in("go"), 2);
    run(&r, "dedup", "--undo", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(files_in("go"), 9);
}

static void a_sidecar_of_a_file_that_stays_stays(void **state) {
    (void)state;
    run_result r;
    remove_tree("kept");
    remove_tree("go");
    make("kept");
    make("go");
    copy_demo("animals/cat-forest-169.jpg", "kept/a.jpg");
    copy_demo("animals/cat-forest-169.jpg", "go/a.jpg");
    copy_demo("animals/owl-city-034.webp", "go/a.webp");
    write_text("go/a.xmp", "of both");
    write_text("go/a.CR3", "of both");
    write_text("go/a.jpg.xmp", "of one");
    run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", "--move", "away", "--apply",
        "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_true(path_exists("away/go/a.jpg") && path_exists("away/go/a.jpg.xmp"));
    assert_true(path_exists("go/a.xmp") && path_exists("go/a.webp") && path_exists("go/a.CR3"));
    run(&r, "dedup", "--undo", NULL);
    expect(&r, 0);
    run_free(&r);
    /* With the last of them it goes. */
    assert_int_equal(unlink("go/a.CR3"), 0);
    copy_demo("animals/owl-city-034.webp", "kept/other.webp");
    run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", "--move", "away", "-q",
        NULL);
    expect(&r, 0);
    expect_out(&r, "a.xmp -> away/go/a.xmp");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", "--move", "away", "--apply",
        "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_true(path_exists("away/go/a.xmp"));
    run(&r, "dedup", "--undo", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(files_in("go"), 4);
    assert_false(path_exists("away"));
}

static void roots_of_one_name_do_not_meet_where_they_are_moved(void **state) {
    (void)state;
    run_result r;
    static const char *const directories[] = {"a", "a/photos", "b", "b/photos", "best"};
    for (size_t i = 0; i < 5; i++)
        make(directories[i]);
    copy_demo("animals/cat-forest-169.jpg", "best/0.jpg");
    copy_demo("animals/cat-forest-169.jpg", "a/photos/x.jpg");
    copy_demo("animals/cat-forest-169.jpg", "b/photos/x.jpg");
    run(&r, "dedup", "a/photos", "b/photos/", "best", "--keep", "in:best", "--move", "away",
        "--apply", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_true(path_exists("away/photos/x.jpg") && path_exists("away/photos (2)/x.jpg"));
    run(&r, "dedup", "--undo", NULL);
    expect(&r, 0);
    run_free(&r);
    remove_tree("a");
    remove_tree("b");
    remove_tree("best");
}

static json_t *manifest_lines(void) {
    run_result r;
    run_shell(&r, "cat away/glimpse-moved.jsonl");
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    run_free(&r);
    return lines;
}

static void a_move_lists_what_it_moved_until_it_is_undone(void **state) {
    (void)state;
    run_result r;
    char number[2][32];
    make_companions(1);
    copy_demo("animals/owl-city-034.webp", "kept/owl.webp");
    copy_demo("animals/owl-city-034.webp", "go/o\"w\nl.webp");
    for (size_t i = 0; i < 2; i++) {
        static const char *const which[] = {"go/2019", "go"};
        run(&r, "dedup", "kept", which[i], "-x", "*.CR3", "--keep", "in:kept", "--move", "away",
            "--apply", "--json", "-q", NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        (void)snprintf(number[i], sizeof number[i], "%.0f", number_at(root, "action.run"));
        json_decref(root);
        run_free(&r);
    }
    json_t *lines = manifest_lines();
    assert_int_equal(json_array_size(lines), 8);
    const json_t *first = json_array_get(lines, 0), *last = json_array_get(lines, 7);
    assert_non_null(strstr(text_at(first, "from"), "/go/2019/IMG_1.jpg"));
    assert_non_null(strstr(text_at(first, "to"), "/away/2019/IMG_1.jpg"));
    assert_non_null(strstr(text_at(first, "keeper"), "/kept/IMG_1.jpg"));
    assert_string_equal(text_at(first, "relation"), "identical");
    assert_int_equal(strlen(text_at(first, "id")), 32);
    assert_string_equal(text_at(json_array_get(lines, 1), "relation"), "companion");
    assert_non_null(strstr(text_at(json_array_get(lines, 1), "companion_of"), "/IMG_1.jpg"));
    assert_non_null(strstr(text_at(last, "to"), "/away/go/o\"w\nl.webp"));
    json_decref(lines);
    run(&r, "dedup", "--undo", number[0], NULL);
    expect(&r, 0);
    run_free(&r);
    lines = manifest_lines();
    assert_int_equal(json_array_size(lines), 1);
    json_decref(lines);
    run(&r, "dedup", "--undo", number[1], NULL);
    expect(&r, 0);
    run_free(&r);
    assert_false(path_exists("away/glimpse-moved.jsonl"));
    assert_int_equal(files_in("away"), 0);
    remove_tree("away");
    assert_true(path_exists("go/o\"w\nl.webp"));
}

static void the_table_says_what_was_done(void **state) {
    (void)state;
    run_result r;
    make_companions(1);
    run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", "--move", "away", "--csv",
        "plan.csv", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run_shell(&r,
              "head -1 plan.csv; grep -c would-be-done plan.csv; grep -c ',companion,' plan.csv");
    expect_out(&r, ",id,holds,regions,protected,set,action,keeper,destination,outcome\r\n7\n6\n");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "-x", "*.CR3", "--keep", "in:kept", "--move", "away", "--csv",
        "done.csv", "--apply", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run_shell(&r, "grep '/go/2019/IMG_1.jpg,identical' done.csv");
    expect_out(&r, ",move,");
    expect_out(&r, "/away/go/2019/IMG_1.jpg,done\r\n");
    run_free(&r);
    run(&r, "dedup", "--undo", NULL);
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--csv", "look.csv", "-q", NULL);
    expect(&r, 1);
    run_free(&r);
    run_shell(&r, "grep -c ',,,,\r$' look.csv");
    expect_out(&r, "2\n");
    run_free(&r);
}

/* A RAW whose preview decodes is not what its preview shows. */
static void a_raw_file_is_never_taken_for_its_picture(void **state) {
    (void)state;
    run_result r;
    remove_tree("kept");
    make("kept");
    copy_demo("animals/cat-forest-169.jpg", "kept/a.jpg");
    run_shell(&r, "cp kept/a.jpg kept/a.dng; cp kept/a.jpg kept/b.dng; echo >> kept/b.dng");
    run_free(&r);
    run(&r, "dedup", "kept", "--delete", "--apply", "--json", "-q", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "action.done"), 0);
    assert_int_equal(number_at(root, "action.pairs"), 2);
    json_decref(root);
    run_free(&r);
    assert_int_equal(files_in("kept"), 3);
}

static void include_adds_to_what_is_acted_on(void **state) {
    (void)state;
    run_result r;
    remove_tree("kept");
    make("kept");
    copy_demo("food/cup-of-coffee-sea-076.png", "kept/cup.png");
    copy_demo("food/cup-of-coffee-sea-076.png", "kept/same.png");
    copy_demo("edited/brighter-03.jpg", "kept/brighter.jpg");
    static const char *const both[] = {"edited", "identical,edited", "edited,near-shot"};
    for (size_t i = 0; i < 3; i++) {
        run(&r, "dedup", "kept", "--trash", "--include", both[i], "--json", "-q", NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        assert_int_equal(number_at(root, "action.done"), 2);
        json_decref(root);
        run_free(&r);
    }
    run(&r, "dedup", "kept", "--trash", "--include", "similar", NULL);
    expect(&r, 2);
    expect_err(&r, "different pictures");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_without_the_marks_of_a_copy_is_kept),
        cmocka_unit_test(rules_apply_in_the_order_given),
        cmocka_unit_test(protected_folders_are_searched_and_never_touched),
        cmocka_unit_test(what_belongs_to_a_picture_goes_and_comes_back_with_it),
        cmocka_unit_test(what_its_keeper_lacks_holds_a_picture_back),
        cmocka_unit_test(a_sidecar_of_a_file_that_stays_stays),
        cmocka_unit_test(roots_of_one_name_do_not_meet_where_they_are_moved),
        cmocka_unit_test(a_move_lists_what_it_moved_until_it_is_undone),
        cmocka_unit_test(the_table_says_what_was_done),
        cmocka_unit_test(a_raw_file_is_never_taken_for_its_picture),
        cmocka_unit_test(include_adds_to_what_is_acted_on),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
