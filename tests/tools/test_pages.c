/*
 * glimpse search a page at a time, and many queries at once.
 */
#include "support/commands.h"

enum { PICTURES = 30 };

static int setup(void **state) {
    run_result r;
    run_setup(state);
    make_parents("pictures/x");
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/p%02u.ppm", i);
        write_picture(name, 40 + i, 40, i);
    }
    run(&r, "index", "pictures", "--model", "demo", "-l", "lib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

/* The ids that a search gives, in the order of their ranks. */
static size_t ids_of(const json_t *page, const char *ids[], size_t before) {
    const json_t *results = json_object_get(page, "results");
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        assert_int_equal(json_integer_value(json_object_get(result, "rank")), before + i + 1);
        ids[i] = json_string_value(json_object_get(result, "id"));
    }
    return json_array_size(results);
}

static void tokens_lead_through_all_results(void **state) {
    (void)state;
    run_result r;
    const char *all[PICTURES + 1], *some[PICTURES + 1];
    run(&r, "search", "red", "--no-collapse", "-l", "lib", "-k", "100", "--json", NULL);
    expect(&r, 0);
    json_t *whole = run_json(&r);
    run_free(&r);
    const size_t count = ids_of(whole, all, 0);
    assert_int_equal(count, PICTURES);
    assert_true(json_is_null(json_object_get(whole, "next_page")));
    char token[400] = "first";
    size_t before = 0;
    while (*token) {
        run(&r, "search", "red", "--no-collapse", "-l", "lib", "-k", "7", "--page-token", token,
            "--json", NULL);
        expect(&r, 0);
        json_t *page = run_json(&r);
        const size_t got = ids_of(page, some, before);
        for (size_t i = 0; i < got; i++)
            assert_string_equal(some[i], all[before + i]);
        before += got;
        const char *next = json_string_value(json_object_get(page, "next_page"));
        expect_err(&r, next ? next : "this is the last page");
        (void)snprintf(token, sizeof token, "%s", next ? next : "");
        json_decref(page);
        run_free(&r);
    }
    assert_int_equal(before, count);
    json_decref(whole);
}

static void tokens_are_of_one_query_and_of_orders_that_do_not_shift(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "red", "--no-collapse", "-l", "lib", "-k", "7", "--json", NULL);
    json_t *page = run_json(&r);
    run_free(&r);
    const char *token = json_string_value(json_object_get(page, "next_page"));
    assert_non_null(token);
    const struct {
        const char *word, *option, *value, *expected;
    } cases[] = {
        {"blue", "-k", "7", "another query"},
        {"red", "--after", "2001", "another query"},
        {"red", "--min-score", "-0.5", "another query"},
        {"red", "--where", "has(gps)", "another query"},
        {"red", "--sort", "taken", "--sort has no pages"},
        {"red", "--captions", "-k7", "--captions has no pages"},
        {"red", "--rerank", "-k7", "--rerank has no pages"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run(&r, "search", cases[i].word, "--no-collapse", "-l", "lib", "--page-token", token,
            cases[i].option, cases[i].value, NULL);
        assert_int_not_equal(r.code, 0);
        expect_err(&r, cases[i].expected);
        run_free(&r);
    }
    run(&r, "search", "red", "-l", "lib", "--page-token", "0123", NULL);
    assert_int_not_equal(r.code, 0);
    expect_err(&r, "\"0123\" is no page token");
    run_free(&r);
    json_decref(page);
}

/* The lines of a run's output, each for itself. */
static size_t lines_of(char *text, char *lines[], size_t capacity) {
    size_t count = 0;
    for (char *end = strchr(text, '\n'); end && count < capacity; end = strchr(text, '\n')) {
        *end = '\0';
        lines[count++] = text;
        text = end + 1;
    }
    return count;
}

static void a_file_of_queries_gives_the_lines_that_each_of_them_gives(void **state) {
    (void)state;
    run_result r, one;
    static const char *const queries[] = {"red", "a blue square + red", "caf\xc3\xa9", "\"- \""};
    char text[400] = "", *lines[8];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s\n\n", queries[i],
                       i == 1 ? "\r" : "");
    }
    write_text("queries.txt", text);
    run(&r, "search", "--queries", "queries.txt", "-l", "lib", "-k", "3", NULL);
    expect(&r, 0);
    assert_int_equal(lines_of(r.out, lines, 8), 4);
    for (size_t i = 0; i < 4; i++) {
        run(&one, "search", queries[i], "-l", "lib", "-k", "3", "--json", NULL);
        expect(&one, 0);
        one.out[strcspn(one.out, "\n")] = '\0';
        assert_string_equal(lines[i], one.out);
        run_free(&one);
    }
    run_free(&r);
}

static void a_query_that_fails_is_told_and_the_others_go_on(void **state) {
    (void)state;
    run_result r;
    char *lines[8], *text = malloc(70000);
    assert_non_null(text);
    memset(text, 'a', 70000 - 1);
    memcpy(text, "red\n- \n./nothing.jpg\n", 21);
    memcpy(text + 70000 - 6, "\nred\n", 6);
    write_text("queries.txt", text);
    free(text);
    run(&r, "search", "--queries", "queries.txt", "-l", "lib", "-k", "1", NULL);
    expect(&r, 3);
    expect_err(&r, "3 of 5 queries failed");
    assert_int_equal(lines_of(r.out, lines, 8), 5);
    for (size_t i = 0; i < 5; i++) {
        json_t *answer = json_loads(lines[i], 0, NULL);
        assert_non_null(answer);
        const char *error = json_string_value(json_object_get(answer, "error"));
        assert_int_equal(error != NULL, i >= 1 && i <= 3);
        if (error) {
            assert_int_equal(json_integer_value(json_object_get(answer, "line")), i + 1);
            static const char *const expected[] = {"nothing after the -", "nothing.jpg",
                                                   "line 4 is longer"};
            assert_non_null(strstr(error, expected[i - 1]));
        }
        json_decref(answer);
    }
    run_free(&r);
}

static void what_would_be_the_same_of_every_line_ends_the_run(void **state) {
    (void)state;
    run_result r;
    write_text("queries.txt", "red\nblue\n");
    run(&r, "search", "--queries", "queries.txt", "-l", "nowhere", NULL);
    expect(&r, 4);
    expect_err(&r, "there is no library");
    assert_string_equal(r.out, "");
    run_free(&r);
    run(&r, "search", "--queries", "nofile.txt", "-l", "lib", NULL);
    expect(&r, 4);
    expect_err(&r, "nofile.txt: No such file");
    run_free(&r);
    run(&r, "search", "--queries", "queries.txt", "red", "-l", "lib", NULL);
    expect(&r, 2);
    run_free(&r);
    run(&r, "search", "--queries", "queries.txt", "--tsv", "-l", "lib", NULL);
    expect(&r, 2);
    run_free(&r);
    write_text("queries.txt", "\n  \n");
    run(&r, "search", "--queries", "queries.txt", "-l", "lib", NULL);
    expect(&r, 4);
    expect_err(&r, "there is no query in it");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_lead_through_all_results),
        cmocka_unit_test(tokens_are_of_one_query_and_of_orders_that_do_not_shift),
        cmocka_unit_test(a_file_of_queries_gives_the_lines_that_each_of_them_gives),
        cmocka_unit_test(a_query_that_fails_is_told_and_the_others_go_on),
        cmocka_unit_test(what_would_be_the_same_of_every_line_ends_the_run),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
