/*
 * test_edited_files.c - another program writes a rating into files: they stay the pictures that
 * they were, with all that is stored, also in a library that glimpse 0.1 wrote, and when they are
 * moved.
 */
#include "support/commands.h"
#include "support/endpoint.h"

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

/*
 * Answers that were paid for, and decisions: of files that a library has, of those that it has not
 * seen since they were edited, and of those that it never knew.
 */
static void answer_with_text(const endpoint_question *question, endpoint_reply *reply) {
    (void)question;
    (void)snprintf(reply->body, sizeof reply->body, "{\"text\": \"a %s\"}", question->operation);
}

/* A comment in every picture of a format that has nothing else. */
static void comment(const char *directory, int rating) {
    char command[1024];
    (void)snprintf(command, sizeof command, "sed -i '1a # rated %d' %s/*.ppm", rating, directory);
    free(output_of(command));
}

static void make_paid(const char *directory) {
    char command[8192], path[128];
    (void)snprintf(command, sizeof command, "mkdir '%s' && cp '%s' '%s'/a.jpg && chmod u+w '%s'/*",
                   directory, source_path("tests/image/fixtures/jpeg_420.jpg"), directory,
                   directory);
    free(output_of(command));
    (void)snprintf(path, sizeof path, "%s/b.ppm", directory);
    write_picture(path, 40, 30, 7);
}

static void edit_paid(const char *directory, int rating) {
    rate(directory, rating);
    comment(directory, rating);
}

static void ask_both(const char *directory, const char *library) {
    char command[1024];
    (void)snprintf(command, sizeof command,
                   "cd %s && \"$G\" ask -q %s%s --model %s 'what is it?' *.??g *.ppm && \"$G\" "
                   "caption -q %s%s --model %s .",
                   directory, *library ? "--library ../" : "", library, endpoint_spec,
                   *library ? "--library ../" : "", library, endpoint_spec);
    free(output_of(command));
}

static void a_paid_answer_is_not_paid_again_for_an_edited_file(void **state) {
    (void)state;
    static const struct {
        const char *directory, *library;
        int index;
    } cases[] = {{"alone", "", 0}, {"beside", "library", 0}, {"inside", "library", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *directory = cases[i].directory, *library = cases[i].library;
        endpoint_start(answer_with_text);
        make_paid(directory);
        if (cases[i].index) json_decref(index_of(directory));
        ask_both(directory, library);
        assert_int_equal(endpoint_count(), 4); /* a question and a caption of each */
        ask_both(directory, library);
        edit_paid(directory, 1);
        ask_both(directory, library); /* before the library sees it */
        assert_int_equal(endpoint_count(), 4);
        if (cases[i].index) json_decref(index_of(directory));
        edit_paid(directory, 2);
        char command[256];
        (void)snprintf(command, sizeof command, "cd %s && mv a.jpg c.jpg && mv b.ppm d.ppm",
                       directory);
        free(output_of(command));
        if (*library) json_decref(index_of(directory)); /* those beside it come into it */
        ask_both(directory, library);
        edit_paid(directory, 3);
        ask_both(directory, library);
        assert_int_equal(endpoint_count(), 4);
        endpoint_stop();
    }
}

static void a_stored_caption_is_found_before_the_library_sees_the_edit(void **state) {
    (void)state;
    endpoint_start(answer_with_text);
    make_paid("captioned");
    json_decref(index_of("captioned"));
    char command[512];
    (void)snprintf(command, sizeof command,
                   "\"$G\" caption -q --library library --store --model %s captioned",
                   endpoint_spec);
    free(output_of(command));
    const size_t asked = endpoint_count();
    edit_paid("captioned", 1);
    char *found = output_of("\"$G\" caption -q --library library --stored captioned");
    assert_non_null(strstr(found, "a.jpg\ta caption"));
    assert_non_null(strstr(found, "b.ppm\ta caption"));
    free(found);
    assert_int_equal(endpoint_count(), asked);
    endpoint_stop();
}

static json_int_t groups_of(const char *directory) {
    run_result r;
    run(&r, "dedup", directory, "--json", "-q", "--library", "library", NULL);
    json_t *report = run_json(&r);
    const json_int_t count = (json_int_t)json_array_size(json_object_get(report, "groups"));
    json_decref(report);
    run_free(&r);
    return count;
}

static void decisions_outlive_edits_moves_and_being_indexed(void **state) {
    (void)state;
    static const char *const kinds[] = {"--not-duplicates", "--keep-all"};
    for (int known = 0; known < 2; known++) {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            run_result r;
            char command[8192];
            (void)snprintf(command, sizeof command,
                           "rm -rf library pair moved && \"$G\" index -q --library library --model "
                           "demo '%s' && mkdir pair && cp '%s' pair/a.jpg && cp '%s' pair/b.jpg &&"
                           " chmod u+w pair/*",
                           source_path("data/demo/night"),
                           source_path("data/demo/animals/crocodile-sunset-060.jpg"),
                           source_path("data/demo/edited/recompressed-02.jpg"));
            free(output_of(command));
            if (known) json_decref(index_of("pair"));
            assert_int_equal(groups_of("pair"), 1);
            run(&r, "dedup", kinds[i], "pair/a.jpg", "pair/b.jpg", "--library", "library", NULL);
            expect(&r, 0);
            run_free(&r);
            assert_int_equal(groups_of("pair"), 0);
            rate("pair", 1);
            assert_int_equal(groups_of("pair"), 0);
            free(
                output_of("mkdir moved && mv pair/a.jpg moved/c.jpg && mv pair/b.jpg moved/d.jpg"));
            rate("moved", 2);
            assert_int_equal(groups_of("moved"), 0);
            json_decref(index_of("moved"));
            assert_int_equal(groups_of("moved"), 0);
            rate("moved", 3);
            assert_int_equal(groups_of("moved"), 0);
            /* Of one of them a second file, edited otherwise: nobody said that these differ. */
            free(output_of("cp moved/c.jpg moved/e.jpg && touch moved/e.jpg"));
            rate("moved", 4);
            free(output_of("cp moved/c.jpg moved/e.jpg"));
            rate("moved/e.jpg", 5);
            assert_int_equal(groups_of("moved"), 1);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratings_change_nothing_that_is_stored),
        cmocka_unit_test(a_paid_answer_is_not_paid_again_for_an_edited_file),
        cmocka_unit_test(a_stored_caption_is_found_before_the_library_sees_the_edit),
        cmocka_unit_test(decisions_outlive_edits_moves_and_being_indexed)};
    return cmocka_run_group_tests_name("files whose metadata were edited", tests, setup,
                                       run_teardown);
}
