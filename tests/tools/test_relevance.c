/*
 * What the command says of relevance: exit codes, every output, and what keeps the background in
 * step with the library.
 */
#include "support/commands.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#define DEMO GLIMPSE_SOURCE_DIR "/data/demo/"
#define OLD  "--library", "lib", "--model", "demo"

static void make_library(void) {
    run_result r;
    if (access("lib", F_OK) == 0) return;
    run(&r, "index", "-q", DEMO "animals", DEMO "shapes", OLD, NULL);
    expect(&r, 0);
    run_free(&r);
}

/* The number that a statement gives, or the byte; -1: none. */
static long ask(const char *library, const char *sql) {
    char path[300];
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    long value = -1;
    (void)snprintf(path, sizeof path, "%s/catalog.db", library);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_type(row, 0) == SQLITE_BLOB) {
        value = *(const unsigned char *)sqlite3_column_blob(row, 0);
    } else if (sqlite3_data_count(row) > 0) {
        value = (long)sqlite3_column_int64(row, 0);
    }
    assert_int_equal(sqlite3_finalize(row), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

/* How many pictures there were: the lowest byte of that number, which is all of it here. */
static long measured_at(const char *library) {
    return ask(library, "SELECT substr(data, 13, 1) FROM background");
}

static void nothing_relevant_is_exit_code_1_in_every_output(void **state) {
    (void)state;
    static const char *const outputs[] = {"--json", "--tsv", "--paths", "-0", "--html=sheet.html"};
    run_result r;
    make_library();
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        run(&r, "search", "a castle", outputs[i], OLD, NULL);
        expect(&r, 1);
        expect_err(&r, "no picture is relevant enough: the best has 0.0");
        expect_err(&r, "--all-scores shows everything");
        assert_null(strstr(r.out, ".jpg"));
        run_free(&r);
    }
    char *sheet = read_whole_file("sheet.html", NULL);
    assert_null(strstr(sheet, "<figure"));
    free(sheet);
    run(&r, "search", "a castle", "--all-scores", "-k", "3", "--paths", OLD, NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
    run(&r, "search", "a castle", "--relevance", "0", "-k", "3", "--paths", OLD, NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "a panda", "--relevance", "1.5", OLD, NULL);
    expect(&r, 2);
    expect_err(&r, "--relevance goes from 0 to 1");
    run_free(&r);
    run(&r, "similar", DEMO "food/pizza-room-072.jpg", "--relevance", "nan", OLD, NULL);
    expect(&r, 2);
    run_free(&r);
}

static void programs_are_told_what_matched(void **state) {
    (void)state;
    run_result r;
    make_library();
    run(&r, "search", "a panda", "--json", "-k", "1", "--relevance", "0.01", OLD, NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_true(number_at(root, "cutoff") == 0.01);
    assert_true(number_at(root, "matched") > 1);
    assert_true(number_at(root, "results.0.relevance") > 0.5);
    json_decref(root);
    run_free(&r);
    run(&r, "search", "a castle", "--json", "-k", "1", "--all-scores", OLD, NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_true(json_is_null(json_object_get(root, "cutoff")));
    assert_true(json_is_null(json_object_get(root, "matched")));
    assert_true(number_at(root, "results.0.relevance") < 0.5);
    json_decref(root);
    run_free(&r);
    run(&r, "similar", DEMO "animals/dog-grass-004.png", "--json", OLD, NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_true(number_at(root, "cutoff") == 0.5);
    assert_true(number_at(root, "results.0.relevance") >= 0.5);
    json_decref(root);
    run_free(&r);
    run(&r, "search", "a panda", OLD, NULL);
    expect(&r, 0);
    expect_out(&r, " score  rel.  path");
    run_free(&r);
}

static void a_library_of_few_pictures_says_that_nothing_is_left_out(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "-q", DEMO "food", "--library", "few", "--model", "demo", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "a castle", "--json", "--library", "few", "--model", "demo", NULL);
    expect(&r, 0);
    expect_err(&r, "nothing is left out for its relevance: the library has fewer than 50 pictures");
    json_t *root = run_json(&r);
    assert_true(json_is_null(json_object_get(root, "cutoff")));
    assert_true(json_is_null(
        json_object_get(json_array_get(json_object_get(root, "results"), 0), "relevance")));
    json_decref(root);
    run_free(&r);
}

static void the_background_follows_the_library_and_goes_with_the_model(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "mkdir grows && cp '" DEMO "'animals/* grows && \"$G\" index -q grows --library "
                  "grown --model demo");
    expect(&r, 0);
    run_free(&r);
    const long first = measured_at("grown");
    assert_true(first >= 50);
    /* One more does not count; a tenth more does. */
    run_shell(&r, "cp '" DEMO "'food/burger* grows; \"$G\" index -q grows --library grown --model "
                  "demo");
    run_free(&r);
    assert_int_equal(measured_at("grown"), first);
    run_shell(&r, "cp '" DEMO "'shapes/* grows && \"$G\" index -q grows --library grown --model "
                  "demo");
    expect(&r, 0);
    run_free(&r);
    assert_true(measured_at("grown") > first + 20);
    /* Damage is found, and does not matter to a search. */
    run_shell(&r, "\"$G\" search 'a panda' --library grown --model demo --json | sed "
                  "'s/.*\"relevance\":\\([0-9.]*\\).*/\\1/'");
    char *before = strdup(r.out);
    run_free(&r);
    (void)ask("grown", "UPDATE background SET sum = sum + 1");
    run_shell(&r, "\"$G\" search 'a panda' --library grown --model demo --json | sed "
                  "'s/.*\"relevance\":\\([0-9.]*\\).*/\\1/'");
    assert_string_equal(r.out, before);
    free(before);
    run_free(&r);
    run(&r, "verify", "--library", "grown", NULL);
    expect(&r, 1);
    expect_out(&r, "background of model");
    run_free(&r);
    /* Indexing makes it anew, pruning the model takes it along. */
    run(&r, "index", "-q", "--library", "grown", "--model", "demo", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "verify", "--library", "grown", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "prune", "--library", "grown", "--model", "demo", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(ask("grown", "SELECT count(*) FROM background"), 0);
}

static void indexing_that_is_killed_leaves_a_library_that_is_judged(void **state) {
    (void)state;
    run_result r;
    for (int wait = 0; wait < 3; wait++) {
        pid_t child = run_start("out", "err", "index", "-q", DEMO "animals", "--library", "killed",
                                "--model", "demo", NULL);
        (void)usleep(60000U * (unsigned)(wait + 1));
        (void)kill(child, SIGKILL);
        (void)run_wait(child);
        if (access("killed/catalog.db", F_OK) != 0) continue;
        run(&r, "verify", "-q", "--library", "killed", NULL);
        expect(&r, 0);
        run_free(&r);
    }
    run(&r, "index", "-q", DEMO "animals", "--library", "killed", "--model", "demo", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "a castle", "--library", "killed", "--model", "demo", NULL);
    expect(&r, 1);
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_relevant_is_exit_code_1_in_every_output),
        cmocka_unit_test(programs_are_told_what_matched),
        cmocka_unit_test(a_library_of_few_pictures_says_that_nothing_is_left_out),
        cmocka_unit_test(the_background_follows_the_library_and_goes_with_the_model),
        cmocka_unit_test(indexing_that_is_killed_leaves_a_library_that_is_judged),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
