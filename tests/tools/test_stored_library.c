/*
 * test_stored_library.c - a library that an earlier glimpse wrote is opened with all that people
 * put into it: labels, captions, answers, decisions, the journal of actions.
 */
#include "support/commands.h"

#define FIXTURE "library-schema-7"

static int setup(void **state) {
    if (run_setup(state) != 0) return -1;
    run_result r;
    char command[8192];
    (void)snprintf(
        command, sizeof command,
        "cp -R '%s' library && chmod -R u+w library && "
        "mkdir -p \"$HOME/.local/state/glimpse\" && "
        "mv library/state/actions \"$HOME/.local/state/glimpse/\" && rmdir library/state",
        source_path("tests/fixtures/" FIXTURE));
    run_shell(&r, command);
    int code = r.code;
    run_free(&r);
    return code;
}

static void nothing_of_it_is_damaged_or_lost(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "cp -R library old && cp -R library older");
    run_free(&r);
    run(&r, "verify", "--library", "old", NULL);
    expect(&r, 0);
    expect_out(&r, "12 embeddings checked");
    run_free(&r);
    run(&r, "status", "--library", "older", NULL);
    expect(&r, 0);
    expect_out(&r, "Pictures:    14 files, 12 embedded");
    expect_out(&r, "12 pictures are not yet identified");
    run_free(&r);
    /* Nothing is left of the upgrade beside it. */
    run_shell(&r, "ls old older | grep before");
    expect(&r, 1);
    run_free(&r);
    run(&r, "search", "bat", "--model", "demo", "--library", "library", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "verify", "--library", "library", NULL);
    expect(&r, 0);
    expect_out(&r, "12 embeddings checked");
    run_free(&r);
    run(&r, "status", "--json", "--library", "library", NULL);
    expect(&r, 0);
    json_t *status = run_json(&r);
    assert_int_equal(number_at(status, "files"), 14);
    assert_int_equal(number_at(status, "embedded"), 12);
    assert_int_equal(number_at(status, "duplicates"), 1);
    assert_int_equal(number_at(status, "captioned"), 12);
    assert_string_equal(text_at(status, "quarantined.0.path"), "/srv/photos/notes.png");
    assert_string_equal(text_at(status, "models.0.fingerprint"),
                        "18435a32117c617e32b2154813f81538");
    json_decref(status);
    run_free(&r);
}

static void its_vectors_are_searched(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "bat", "-k", "2", "--paths", "--model", "demo", "--library", "library", NULL);
    expect(&r, 0);
    assert_string_equal(r.out, "/srv/photos/animals/bat-room-054.jpg\n"
                               "/srv/photos/animals/bat-sky-180.jpg\n");
    run_free(&r);
}

static void its_labels_are_searched(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "a picture", "--label", "airplane", "-k", "9", "--json", "--model", "demo",
        "--library", "library", NULL);
    expect(&r, 0);
    json_t *found = run_json(&r);
    assert_int_equal(json_array_size(json_object_get(found, "results")), 1);
    json_decref(found);
    run_free(&r);
}

static void its_captions_are_read_and_searched(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "GLIMPSE_LIBRARY=library \"$G\" caption --library --stored -q");
    expect(&r, 0);
    expect_out(&r, "/srv/photos/animals/bat-room-054.jpg\ta large bat in a room\n");
    run_free(&r);
    run(&r, "search", "--captions", "four bats", "-k", "1", "--json", "--model", "demo",
        "--library", "library", NULL);
    expect(&r, 0);
    expect_out(&r, "four bats in the sky");
    run_free(&r);
}

static void its_decisions_and_its_journal_are_listed(void **state) {
    (void)state;
    run_result r;
    run(&r, "dedup", "--decisions", "--library", "library", NULL);
    expect(&r, 0);
    expect_out(&r, "1. not-duplicates");
    expect_out(&r, "2. keep-all");
    run_free(&r);
    run(&r, "dedup", "--runs", "--json", NULL);
    expect(&r, 0);
    json_t *runs = run_json(&r);
    assert_string_equal(text_at(runs, "runs.0.kind"), "move");
    assert_int_equal(number_at(runs, "runs.0.done"), 2);
    json_decref(runs);
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_it_is_damaged_or_lost),
        cmocka_unit_test(
            its_vectors_are_searched), /* first: it opens for writing, which upgrades */
        cmocka_unit_test(its_labels_are_searched),
        cmocka_unit_test(its_captions_are_read_and_searched),
        cmocka_unit_test(its_decisions_and_its_journal_are_listed),
    };
    return cmocka_run_group_tests_name("a library of an earlier version", tests, setup,
                                       run_teardown);
}
