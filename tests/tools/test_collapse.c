/*
 * What is the same over again, at the command: every form of output, real near-duplicates, and
 * refusals.
 */
#include "support/commands.h"

#include <stdio.h>
#include <string.h>

static void index_directory(const char *library, const char *directory) {
    run_result r;
    run(&r, "index", directory, "-l", library, "--model", "demo", "-q", NULL);
    assert_true(r.code == 0 || r.code == 3);
    run_free(&r);
}

static int setup(void **state) {
    run_setup(state);
    index_directory("drawn", source_path("data/demo"));
    return 0;
}

static json_t *search_all(const char *library, const char *option) {
    run_result r;
    run(&r, "search", "--all-scores", "a crocodile at sunset", "-l", library, "-k", "2000",
        "--json", option, NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    run_free(&r);
    return root;
}

static void the_demo_collapses_to_what_was_edited_and_nothing_else(void **state) {
    (void)state;
    json_t *root = search_all("drawn", "-q"), *result, *other;
    size_t i, n, joined = 0;
    json_array_foreach(at(root, "results"), i, result) {
        assert_int_equal(number_at(result, "collapsed"), json_array_size(at(result, "others")));
        json_array_foreach(at(result, "others"), n, other) {
            const int edited = strstr(text_at(other, "path"), "/edited/") != NULL;
            if (!edited && !strstr(text_at(result, "path"), "/edited/")) {
                fail_msg("%s stands for %s", text_at(result, "path"), text_at(other, "path"));
            }
            joined++;
        }
    }
    assert_int_equal(joined, 7); /* of 8: a crop stays apart */
    json_decref(root);
}

static void every_form_says_how_many_are_alike(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "--all-scores", "a crocodile at sunset", "-l", "drawn", "-k", "1", "--html",
        "page.html", NULL);
    expect(&r, 0);
    expect_out(&r, "(+1 alike)");
    run_free(&r);
    char *page = read_whole_file("page.html", NULL);
    assert_non_null(strstr(page, ">+1 alike</span>"));
    free(page);
    run(&r, "search", "--all-scores", "a crocodile at sunset", "-l", "drawn", "-k", "1", "--tsv",
        NULL);
    expect_out(&r, "\t1\n");
    run_free(&r);
    run(&r, "search", "--all-scores", "a crocodile at sunset", "-l", "drawn", "-k", "2",
        "--no-collapse", NULL);
    assert_null(strstr(r.out, "alike"));
    expect_out(&r, "recompressed-02.jpg");
    expect_out(&r, "crocodile-sunset-060.jpg");
    run_free(&r);
    json_t *root = search_all("drawn", "--no-collapse");
    assert_null(json_object_get(json_array_get(at(root, "results"), 0), "collapsed"));
    json_decref(root);
    run(&r, "similar", "--all-scores", source_path("data/demo/edited/webp-05.webp"), "-l", "drawn",
        "-k", "1", "--with-self", NULL);
    expect_out(&r, "(+1 alike)");
    run_free(&r);
}

static void a_diverse_order_says_so_and_has_no_pages(void **state) {
    (void)state;
    run_result r;
    run(&r, "search", "--all-scores", "a shoe", "-l", "drawn", "--diverse=0.5", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_string_equal(text_at(root, "order"), "mmr");
    assert_true(number_at(root, "lambda") == 0.5);
    assert_true(json_is_null(at(root, "next_page")));
    json_decref(root);
    run_free(&r);
    static const struct {
        const char *option, *value, *told;
    } refused[] = {{"--diverse", "--page-token=first", "--diverse has no pages"},
                   {"--diverse", "--rerank", "choose one of --diverse and --rerank"},
                   {"--diverse=2", "-q", "goes from 0 to 1"},
                   {"--diverse", "--count=1001", "at most 1000"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        run(&r, "search", "--all-scores", "a shoe", "-l", "drawn", refused[i].option,
            refused[i].value, NULL);
        expect(&r, 2);
        expect_err(&r, refused[i].told);
        run_free(&r);
    }
}

static void pages_go_on_behind_what_is_alike(void **state) {
    (void)state;
    run_result r;
    json_t *whole = search_all("drawn", "-q");
    char token[400] = "first";
    size_t shown = 0;
    while (shown < 40) {
        run(&r, "search", "--all-scores", "a crocodile at sunset", "-l", "drawn", "-k", "8",
            "--json", "--page-token", token, NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        for (size_t i = 0; i < 8; i++, shown++) {
            char path[40];
            (void)snprintf(path, sizeof path, "results.%zu.path", shown);
            const char *expected = text_at(whole, path);
            (void)snprintf(path, sizeof path, "results.%zu.path", i);
            assert_string_equal(text_at(root, path), expected);
        }
        (void)snprintf(token, sizeof token, "%s", text_at(root, "next_page"));
        json_decref(root);
        run_free(&r);
    }
    run(&r, "search", "--all-scores", "a crocodile at sunset", "-l", "drawn", "--no-collapse",
        "--page-token", token, NULL);
    expect(&r, 4);
    expect_err(&r, "another query");
    run_free(&r);
    json_decref(whole);
}

static void what_matches_is_counted_in_pictures_not_in_results(void **state) {
    (void)state;
    static const char *const ks[] = {"1", "5", "50"}; /* fewer than there are, and more */
    for (size_t i = 0; i < 3; i++) {
        run_result together, apart;
        run(&together, "search", "a crocodile at sunset", "-l", "drawn", "-k", ks[i], "--json",
            NULL);
        expect(&together, 0);
        run(&apart, "search", "a crocodile at sunset", "-l", "drawn", "-k", "50", "--json",
            "--no-collapse", NULL);
        expect(&apart, 0);
        json_t *a = run_json(&together), *b = run_json(&apart);
        assert_true(number_at(b, "matched") > 1);
        assert_int_equal(number_at(a, "matched"), number_at(b, "matched"));
        assert_int_equal(number_at(b, "matched"), json_array_size(at(b, "results")));
        json_decref(a);
        json_decref(b);
        run_free(&together);
        run_free(&apart);
    }
}

/* "g07" of ".../g07_name_edit.jpg"; of an original in photos/ the group of its copy. */
static void group_of(char group[4], const char *path) {
    const char *slash = strrchr(path, '/');
    (void)snprintf(group, 4, "%s", strstr(path, "/dups/") ? slash + 1 : "");
}

static void real_near_duplicates_join_their_groups_alone(void **state) {
    (void)state;
    index_directory("dups", shared_path("images/dups"));
    json_t *root = search_all("dups", "-q"), *result, *other;
    size_t i, n, joined = 0;
    json_array_foreach(at(root, "results"), i, result) {
        char leader[4], member[4];
        group_of(leader, text_at(result, "path"));
        json_array_foreach(at(result, "others"), n, other) {
            group_of(member, text_at(other, "path"));
            if (strcmp(leader, member) != 0) {
                fail_msg("%s stands for %s", text_at(result, "path"), text_at(other, "path"));
            }
            joined++;
        }
    }
    print_message("%zu pictures joined others, %zu results\n", joined,
                  json_array_size(at(root, "results")));
    assert_true(joined >= 150);
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_demo_collapses_to_what_was_edited_and_nothing_else),
        cmocka_unit_test(every_form_says_how_many_are_alike),
        cmocka_unit_test(a_diverse_order_says_so_and_has_no_pages),
        cmocka_unit_test(pages_go_on_behind_what_is_alike),
        cmocka_unit_test(what_matches_is_counted_in_pictures_not_in_results),
        cmocka_unit_test(real_near_duplicates_join_their_groups_alone),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
