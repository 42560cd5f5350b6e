/*
 * test_edited_files.c - another program writes a rating into files: they stay the pictures that
 * they were, with all that is stored, also in a library that glimpse 0.1 wrote, and when they are
 * moved.
 */
#include "support/commands.h"

#define FIXTURE "library-schema-7"

static int setup(void **state) {
    if (run_setup(state) != 0) return -1;
    run_result r;
    char command[8192];
    (void)snprintf(command, sizeof command,
                   "cp -R '%s' library && chmod -R u+w library && rm -r library/state && "
                   "cp -R '%s' pictures && chmod -R u+w pictures",
                   source_path("tests/fixtures/" FIXTURE), source_path("data/demo"));
    run_shell(&r, command);
    int code = r.code;
    run_free(&r);
    return code;
}

/* XMP with a rating behind the first two bytes of every JPEG; each round another. */
static void rate(const char *directory, int rating) {
    char command[1024];
    run_result r;
    (void)snprintf(command, sizeof command,
                   "find %s -name '*.jpg' | while read f; do"
                   " { head -c 2 \"$f\"; printf '\\377\\341\\000\\047http://ns.adobe.com/xap/1.0/"
                   "\\000%%08d' %d; tail -c +3 \"$f\"; } >rated && mv rated \"$f\"; done",
                   directory, rating);
    run_shell(&r, command);
    expect(&r, 0);
    run_free(&r);
}

static json_t *index_of(const char *directory) {
    run_result r;
    run(&r, "index", directory, "--json", "--model", "demo", "--library", "library", NULL);
    if (r.code != 0 && r.code != 3) expect(&r, 0);
    json_t *report = run_json(&r);
    run_free(&r);
    return report;
}

static char *output_of(const char *line) {
    run_result r;
    run_shell(&r, line);
    expect(&r, 0);
    char *text = strdup(r.out);
    assert_non_null(text);
    run_free(&r);
    return text;
}

#define ON "--library library --model demo"
static const char *const questions[] = {
    "\"$G\" search 'a bat' -k 200 --json " ON " | grep -o '\"id\":\"[0-9a-f]*\"' | sort",
    "\"$G\" search 'a picture' --label airplane -k 200 --json " ON
    " | grep -o '\"id\":\"[0-9a-f]*\"'",
    "\"$G\" caption --library library --stored -q | cut -f 2 | sort",
    "\"$G\" dedup --decisions --library library | grep -c '^[0-9]'",
};

static void ratings_change_nothing_that_is_stored(void **state) {
    (void)state;
    char *before[sizeof questions / sizeof *questions];
    json_t *report = index_of("pictures"); /* upgrades, and learns identities of what it knew */
    const json_int_t files = (json_int_t)number_at(report, "files");
    assert_true(number_at(report, "bound") >= 13);
    assert_int_equal(number_at(report, "edited"), 0);
    json_decref(report);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        before[i] = output_of(questions[i]);
    for (int round = 1; round <= 2; round++) {
        rate(round == 1 ? "pictures" : "moved", round);
        if (round == 1) free(output_of("mv pictures moved"));
        report = index_of("moved");
        assert_int_equal(number_at(report, "files"), files);
        assert_int_equal(number_at(report, "embedded"), 0);
        assert_true(number_at(report, "edited") > 150);
        assert_int_equal(number_at(report, "busy.encode"), 0);
        json_decref(report);
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
            char *after = output_of(questions[i]);
            assert_string_equal(after, before[i]);
            free(after);
        }
        /* The bytes of before are not needed for it. */
        free(output_of("\"$G\" prune --library library && \"$G\" verify --library library"));
    }
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        free(before[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ratings_change_nothing_that_is_stored)};
    return cmocka_run_group_tests_name("files whose metadata were edited", tests, setup,
                                       run_teardown);
}
