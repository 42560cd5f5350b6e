/*
 * glimpse dedup: what is said of an action before and after it: every file that is left and why,
 * what other relations there are, where files go, and how much room that frees.
 */
#include "support/commands.h"

#include <sys/stat.h>
#include <unistd.h>

static void copy_demo(const char *name, const char *to) {
    char path[300];
    (void)snprintf(path, sizeof path, "data/demo/%s", name);
    copy_file(source_path(path), to);
}

static void write_rating(const char *path, int stars) {
    write_formatted(path,
                    "<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
                    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
                    "<rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' "
                    "xmp:Rating='%d'/></rdf:RDF></x:xmpmeta>",
                    stars);
}

/* kept/cat.jpg, go/cat.jpg are equal; so are kept/owl.webp and go/owl.webp, which has a rating
 * beside it. */
static void make_set(void) {
    remove_tree("kept");
    remove_tree("go");
    assert_int_equal(mkdir("kept", 0755), 0);
    assert_int_equal(mkdir("go", 0755), 0);
    copy_demo("animals/cat-forest-169.jpg", "kept/cat.jpg");
    copy_demo("animals/cat-forest-169.jpg", "go/cat.jpg");
    copy_demo("animals/owl-city-034.webp", "kept/owl.webp");
    copy_demo("animals/owl-city-034.webp", "go/owl.webp");
    write_rating("go/owl.xmp", 4);
}

/* The entry of action.files whose path ends so. */
static const json_t *file_of(const json_t *root, const char *ending) {
    const json_t *files = at(root, "action.files");
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        const char *path = text_at(file, "path");
        const size_t length = strlen(path), end = strlen(ending);
        if (length >= end && strcmp(path + length - end, ending) == 0) return file;
    }
    fail_msg("no %s", ending);
    return NULL;
}

static void other_relations_that_were_found_are_counted(void **state) {
    (void)state;
    run_result r;
    make_set();
    run(&r, "dedup", "kept", "go", "--delete", "-q", NULL);
    expect(&r, 0);
    expect_out(&r, "1 file would be deleted");
    expect_out(&r,
               "1 file of other relations not acted on: 1 holds-more; --include holds-more adds "
               "them\n");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--delete", "--json", "-q", NULL);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "action.not_included"), 1);
    assert_int_equal(number_at(root, "action.not_included_relations.holds-more"), 1);
    json_decref(root);
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--delete", "--include", "holds-more", "--json", "-q", NULL);
    root = run_json(&r);
    assert_int_equal(number_at(root, "action.not_included"), 0);
    assert_int_equal(json_object_size(at(root, "action.not_included_relations")), 0);
    json_decref(root);
    run_free(&r);
}

static void a_file_that_is_like_several_of_the_other_set_is_counted_once(void **state) {
    (void)state;
    run_result r;
    make_set();
    copy_demo("animals/owl-city-034.webp", "kept/other.webp");
    write_rating("kept/other.xmp", 2);
    run(&r, "dedup", "go", "--against", "kept", "--delete", "--json", "-q", NULL);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "action.done"), 1);
    assert_int_equal(number_at(root, "action.not_included"), 1);
    json_decref(root);
    run_free(&r);
}

static void every_file_that_is_held_back_is_named(void **state) {
    (void)state;
    run_result r;
    make_set();
    run(&r, "dedup", "kept", "go", "--keep", "in:kept", "--include", "holds-more", "--delete",
        "--csv", "held.csv", "-q", NULL);
    expect(&r, 0);
    expect_out(&r, "left alone (held-back): go/owl.webp: it holds what its keeper lacks (rating)");
    expect_out(&r, "1 file would be deleted (19 kB), 1 left alone");
    run_free(&r);
    run_shell(&r, "grep /go/owl.webp held.csv");
    expect_out(&r, ",delete,");
    expect_out(&r, "/kept/owl.webp,,held-back\r\n");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--keep", "in:kept", "--include", "holds-more", "--delete",
        "--json", "-q", NULL);
    json_t *root = run_json(&r);
    const json_t *held = file_of(root, "/go/owl.webp");
    assert_string_equal(text_at(held, "outcome"), "held-back");
    assert_string_equal(text_at(held, "kinds.0"), "rating");
    assert_true(json_is_null(at(held, "other")));
    assert_non_null(strstr(text_at(held, "keeper"), "/kept/owl.webp"));
    json_decref(root);
    run_free(&r);
}

static void protected_files_links_and_pairs_are_named(void **state) {
    (void)state;
    run_result r;
    make_set();
    assert_int_equal(unlink("go/owl.xmp"), 0);
    run(&r, "dedup", "kept", "go", "--protect", "kept", "--protect", "go", "--delete", "-q", NULL);
    expect(&r, 0);
    expect_out(&r, "0 files would be deleted");
    run_free(&r);
    /* Two protected copies stay, and so does one RAW beside its picture. */
    copy_demo("animals/cat-forest-169.jpg", "kept/cat.dng");
    run(&r, "dedup", "kept", "--delete", "--json", "-q", NULL);
    json_t *root = run_json(&r);
    assert_string_equal(text_at(file_of(root, "/kept/cat.dng"), "outcome"), "pair");
    assert_int_equal(number_at(root, "action.pairs"), 1);
    json_decref(root);
    run_free(&r);
    assert_int_equal(unlink("kept/cat.dng"), 0);
    remove_tree("go");
    assert_int_equal(mkdir("go", 0755), 0);
    assert_int_equal(symlink("../kept/cat.jpg", "go/linked.jpg"), 0);
    run(&r, "dedup", "go", "--against", "kept", "--follow-links", "--delete", "--json", "-q", NULL);
    root = run_json(&r);
    assert_string_equal(text_at(file_of(root, "/go/linked.jpg"), "outcome"), "link");
    json_decref(root);
    run_free(&r);
}

/* `other` is where a file goes, and nothing else; the keeper has a key of its own. */
static void where_a_file_goes_is_not_its_keeper(void **state) {
    (void)state;
    static const char *const actions[] = {"--delete", "--hardlink", "--symlink", "--move=away"};
    run_result r;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        for (int apply = 0; apply < 2; apply++) {
            make_set();
            run(&r, "dedup", "kept", "go", "--keep", "in:kept", actions[i], "--json", "-q",
                apply ? "--apply" : NULL, NULL);
            expect(&r, 0);
            json_t *root = run_json(&r);
            const json_t *file = file_of(root, "/go/cat.jpg");
            assert_string_equal(text_at(file, "outcome"), apply ? "done" : "would-be-done");
            assert_non_null(strstr(text_at(file, "keeper"), "/kept/cat.jpg"));
            if (!apply && i < 3) {
                assert_true(json_is_null(at(file, "other")));
            } else {
                assert_null(strstr(text_at(file, "other"), "/kept/"));
                assert_int_equal(path_exists(text_at(file, "other")), apply);
            }
            json_decref(root);
            run_free(&r);
        }
        run(&r, "dedup", "--undo", NULL);
        expect(&r, 0);
        run_free(&r);
    }
    write_text("go/cat.thm", "small");
    write_text("kept/cat.thm", "small");
    run(&r, "dedup", "kept", "go", "--keep", "in:kept", "--delete", "-q", NULL);
    expect_out(&r, "would be deleted: go/cat.jpg (kept/cat.jpg is kept)\n"
                   "  with it would be deleted: go/cat.thm\n");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--keep", "in:kept", "--hardlink", "-q", NULL);
    expect_out(&r, "would be replaced by a hard link: go/cat.jpg -> kept/cat.jpg\n");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--keep", "in:kept", "--move", "away", "-q", NULL);
    expect_out(&r, "would be moved: go/cat.jpg -> away/go/cat.jpg\n");
    run_free(&r);
}

/* Both names of the copy go, and its bytes are counted once by everything that counts them. */
static void names_of_one_file_free_its_bytes_once(void **state) {
    (void)state;
    run_result r;
    make_set();
    assert_int_equal(unlink("go/owl.xmp"), 0);
    assert_int_equal(unlink("go/owl.webp"), 0);
    assert_int_equal(link("go/cat.jpg", "go/puss.jpg"), 0);
    run(&r, "dedup", "kept", "go", "--keep", "in:kept", "-q", NULL);
    expect_out(&r, "; 19 kB could be freed (identical and re-encoded ones)\n");
    run_free(&r);
    for (int round = 0; round < 2; round++) {
        run(&r, "dedup", "kept", "go", "--keep", "in:kept", "--delete", "-q", "--apply", NULL);
        expect_out(&r, "2 files deleted (19 kB), 0 left alone");
        run_free(&r);
        run(&r, "dedup", "--runs", "--json", NULL);
        json_t *root = run_json(&r);
        const json_t *runs = at(root, "runs");
        const json_t *last = json_array_get(runs, json_array_size(runs) - 1);
        assert_int_equal(number_at(last, "held_bytes"), 18733);
        json_decref(root);
        run_free(&r);
        if (round > 0) break;
        run(&r, "dedup", "--undo", NULL);
        expect_out(&r, "2 files put back (19 kB), 0 left alone");
        run_free(&r);
    }
    run(&r, "dedup", "--empty", NULL);
    expect_out(&r, "2 held files would be gone for good (19 kB), 0 left alone");
    run_free(&r);
    run(&r, "dedup", "--empty", "--apply", NULL);
    expect_out(&r, "2 held files gone (19 kB), 0 left alone");
    run_free(&r);
}

/* Only what an action may remove is counted as room. */
static void room_is_what_the_action_may_free(void **state) {
    (void)state;
    run_result r;
    make_set();
    run(&r, "dedup", "kept", "go", "-q", NULL);
    expect_out(&r, "; 19 kB could be freed (identical and re-encoded ones)\n");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--delete", "--include", "holds-more", "-q", NULL);
    expect_out(&r, "; 28 kB could be freed\n");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--protect", "kept", "--protect", "go", "-q", NULL);
    assert_null(strstr(r.out, "could be freed"));
    run_free(&r);
}

static void the_table_says_what_a_file_holds(void **state) {
    (void)state;
    run_result r;
    make_set();
    copy_demo("animals/cow-city-029.png", "kept/circle.png");
    copy_demo("animals/cow-city-029.png", "go/circle.png");
    run(&r, "dedup", "go", "--against", "kept", "--protect", "kept", "--csv", "table.csv", "-q",
        NULL);
    run_free(&r);
    run_shell(&r, "grep /kept/cat.jpg, table.csv");
    expect_out(&r, ",JPEG,80,");
    expect_out(&r, ",date camera,0,yes,against,,,,\r\n");
    run_free(&r);
    run_shell(&r, "grep /go/cat.jpg, table.csv");
    expect_out(&r, ",date camera,0,no,searched,,,,\r\n");
    run_free(&r);
    run_shell(&r, "grep /kept/circle.png, table.csv");
    expect_out(&r, ",PNG,lossless,");
    run_free(&r);
    run_shell(&r, "grep /kept/owl.webp, table.csv");
    expect_out(&r, ",WebP,,");
    run_free(&r);
}

/* Tidying up does not block emptying for good: the advice works. */
static void what_is_held_for_a_keeper_that_was_moved_can_be_let_go(void **state) {
    (void)state;
    run_result r;
    make_set();
    assert_int_equal(unlink("go/owl.xmp"), 0);
    run(&r, "dedup", "kept", "go", "--keep", "in:kept", "--delete", "--apply", "--json", "-q",
        NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    char number[32], advice[64];
    (void)snprintf(number, sizeof number, "%.0f", number_at(root, "action.run"));
    (void)snprintf(advice, sizeof advice, "glimpse dedup --undo %s", number);
    json_decref(root);
    run_free(&r);
    assert_int_equal(rename("kept", "tidied"), 0);
    run(&r, "dedup", "--empty", number, "--apply", NULL);
    expect(&r, 3);
    expect_out(&r, advice);
    expect_out(&r, "0 held files gone (0 B), 2 left alone");
    run_free(&r);
    run(&r, "dedup", "--undo", number, NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "dedup", "tidied", "go", "--keep", "in:tidied", "--delete", "--apply", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "dedup", "--empty", "--apply", NULL);
    expect(&r, 0);
    expect_out(&r, "2 held files gone");
    run_free(&r);
    remove_tree("tidied");
}

static void files_that_cannot_be_used_are_named_behind_what_was_done(void **state) {
    (void)state;
    run_result r;
    make_set();
    write_text("go/broken.jpg", "no picture");
    run(&r, "dedup", "kept", "go", "--delete", "-q", NULL);
    expect(&r, 3);
    expect_out(&r, "1 file could not be used, and nothing was done to it: go/broken.jpg\n");
    run_free(&r);
}

static void what_is_missing_on_the_command_line_is_asked_for(void **state) {
    (void)state;
    run_result r;
    make_set();
    run(&r, "dedup", "--against", "kept", NULL);
    expect(&r, 2);
    expect_err(&r, "which folder is to be compared with kept?");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--keep", "in:kept,richest", NULL);
    expect(&r, 2);
    expect_err(&r, "not joined by commas");
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--keep", "largest,oldest", NULL);
    expect(&r, 2);
    expect_err(&r, "not joined by commas");
    run_free(&r);
    write_text("go/cat.thm", "only here");
    run(&r, "dedup", "kept", "go", "--keep", "in:kept", "--delete", "-q", NULL);
    expect(&r, 3);
    expect_out(&r, "--move FOLDER takes it along");
    run_free(&r);
}

/* A typing mistake is not to cost a picture. */
static void no_page_and_no_table_takes_the_name_of_a_picture(void **state) {
    (void)state;
    run_result r;
    make_set();
    static const char *const options[] = {"--html", "--csv"};
    static const char *const commands[] = {"dedup", "audit"};
    for (size_t i = 0; i < 4; i++) {
        size_t before = 0, after = 0;
        char *was = read_whole_file("kept/cat.jpg", &before);
        run(&r, commands[i / 2], "kept", options[i % 2], "kept/cat.jpg", "-q", NULL);
        expect(&r, 4);
        assert_non_null(strstr(r.err, "is a picture, and is not overwritten"));
        run_free(&r);
        char *is = read_whole_file("kept/cat.jpg", &after);
        assert_int_equal(before, after);
        assert_memory_equal(was, is, before);
        free(was);
        free(is);
    }
}

static void what_is_held_in_a_searched_folder_is_not_found_again(void **state) {
    (void)state;
    run_result r;
    make_set();
    run_shell(&r, "XDG_STATE_HOME=\"$PWD/go/state\" \"$G\" dedup kept go --delete --apply -q");
    expect(&r, 0);
    run_free(&r);
    run_shell(&r, "find go/state -name '*cat*' -o -path '*held*' -type f | grep -c .");
    assert_int_equal(strtol(r.out, NULL, 10) > 0, 1);
    run_free(&r);
    run(&r, "dedup", "kept", "go", "--tiers", "exact", "--json", "-q", NULL);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "scanned"), 3);
    json_decref(root);
    run_free(&r);
}

static void findings_of_an_audit_are_words_first(void **state) {
    (void)state;
    run_result r;
    make_set();
    run(&r, "audit", "kept", "--sharpness", "100000", "--entropy", "8", "-q", NULL);
    expect(&r, 1);
    expect_out(&r, "cat.jpg: hardly any edges (variance of the Laplacian ");
    expect_out(&r, "cat.jpg: few greys (they carry ");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_relations_that_were_found_are_counted),
        cmocka_unit_test(a_file_that_is_like_several_of_the_other_set_is_counted_once),
        cmocka_unit_test(every_file_that_is_held_back_is_named),
        cmocka_unit_test(protected_files_links_and_pairs_are_named),
        cmocka_unit_test(where_a_file_goes_is_not_its_keeper),
        cmocka_unit_test(names_of_one_file_free_its_bytes_once),
        cmocka_unit_test(room_is_what_the_action_may_free),
        cmocka_unit_test(the_table_says_what_a_file_holds),
        cmocka_unit_test(what_is_held_for_a_keeper_that_was_moved_can_be_let_go),
        cmocka_unit_test(files_that_cannot_be_used_are_named_behind_what_was_done),
        cmocka_unit_test(what_is_missing_on_the_command_line_is_asked_for),
        cmocka_unit_test(no_page_and_no_table_takes_the_name_of_a_picture),
        cmocka_unit_test(what_is_held_in_a_searched_folder_is_not_found_again),
        cmocka_unit_test(findings_of_an_audit_are_words_first),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
