/*
 * Several models on one library: --model A+B, what is embedded for a model that lacks pictures, and
 * models compared.
 */
#include "support/commands.h"

#include "support/random_model.h"

#include <math.h>
#include <signal.h>
#include <time.h>

enum { PICTURES = 24, FEW = 8, MANY = 300 };

static char other[1100]; /* a model with random weights, beside the demo model */

static void write_other(const char *directory, uint64_t seed) {
    random_model tiny = random_model_tiny();
    tiny.seed = seed;
    assert_true(random_model_write(&tiny, directory));
}

/* All of pictures/ is embedded by the demo model, pictures/few/ by the other one as well. */
static int setup(void **state) {
    run_result r;
    char sum[1200];
    run_setup(state);
    make_parents("pictures/few/x");
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%sp%02u.ppm", i < FEW ? "few/" : "", i);
        write_picture(name, 40 + i, 40, i);
    }
    (void)snprintf(other, sizeof other, "%s/other", run_directory);
    write_other(other, 5);
    run(&r, "index", "pictures", "--model", "demo", "-l", "lib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "index", "pictures/few", "--model", other, "-l", "lib", NULL);
    expect(&r, 0);
    (void)snprintf(sum, sizeof sum,
                   "other covers 0 of the library's 24 files; what the folders have of the rest");
    expect_err(&r, sum);
    run_free(&r);
    return 0;
}

static json_t *search_text(const char *model, const char *text) {
    run_result r;
    run(&r, "search", text, "--model", model, "-l", "lib", "-k", "24", "--no-collapse", "--json",
        NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    run_free(&r);
    return root;
}

static json_t *search_json(const char *model) {
    return search_text(model, "a red car");
}

/* Of a picture in the list of one model; 0 when it is not there. */
static size_t rank_in(const json_t *root, const char *id, double *score) {
    const json_t *results = at(root, "results");
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        if (strcmp(text_at(result, "id"), id) != 0) continue;
        *score = number_at(result, "score");
        size_t rank = 1;
        for (size_t k = 0; k < i; k++)
            rank += number_at(json_array_get(results, k), "score") > *score;
        return rank;
    }
    return 0;
}

static void ranks_of_both_models_are_fused_as_documented(void **state) {
    (void)state;
    char sum[1200];
    (void)snprintf(sum, sizeof sum, "demo+%s", other);
    json_t *fused = search_json(sum), *one[2] = {search_json("demo"), search_json(other)};
    const json_t *results = at(fused, "results");
    double before = 1;
    assert_int_equal(json_array_size(at(one[0], "results")), PICTURES);
    assert_int_equal(json_array_size(at(one[1], "results")), FEW);
    assert_int_equal(json_array_size(results), PICTURES);
    assert_string_equal(text_at(fused, "model"), "demo+other");
    assert_true(number_at(fused, "models.0.embedded") == PICTURES);
    assert_true(number_at(fused, "models.1.embedded") == FEW);
    size_t with_both = 0;
    for (size_t i = 0; i < PICTURES; i++) {
        const json_t *result = json_array_get(results, i), *ranks = at(result, "ranks");
        double sum_of_parts = 0;
        size_t known = 0;
        for (size_t m = 0; m < 2; m++) {
            const json_t *shown = json_array_get(ranks, m);
            double score = 0;
            size_t rank = rank_in(one[m], text_at(result, "id"), &score);
            if (rank == 0) {
                assert_true(json_is_null(json_object_get(shown, "rank")));
                assert_true(json_is_null(json_object_get(shown, "score")));
                continue;
            }
            known++;
            sum_of_parts += 1.0 / (60.0 + (double)rank);
            assert_true(number_at(shown, "rank") == (double)rank);
            assert_true(number_at(shown, "score") == score);
        }
        with_both += known == 2;
        assert_true(fabs(number_at(result, "score") - sum_of_parts) < 1e-9);
        assert_true(number_at(result, "score") <= before);
        before = number_at(result, "score");
    }
    assert_int_equal(with_both, FEW);
    json_decref(fused);
    json_decref(one[0]);
    json_decref(one[1]);
}

static void people_and_tables_are_shown_the_ranks(void **state) {
    (void)state;
    run_result r;
    char sum[1200];
    (void)snprintf(sum, sizeof sum, "demo+%s", other);
    run(&r, "search", "a red car", "--model", sum, "-l", "lib", NULL);
    expect(&r, 0);
    expect_out(&r, " score          demo         other  path");
    expect_err(&r, "other covers 8 of 24 pictures; the others take part without its rank");
    run_free(&r);
    run(&r, "search", "a red car", "--model", sum, "-l", "lib", "--html", "page.html", "--tsv",
        "-q", "-k", "1", NULL);
    expect(&r, 0);
    size_t tabs = 0;
    for (const char *c = r.out; *c; c++)
        tabs += *c == '\t';
    /* Seven fields, two for each model, the tile, the relevance, how many alike. */
    assert_int_equal(tabs, 13);
    run_free(&r);
    char *page = read_whole_file("page.html", NULL);
    assert_non_null(strstr(page, "ranks fused"));
    assert_non_null(strstr(page, "other: #"));
    free(page);
}

static void a_part_that_is_wrong_is_named(void **state) {
    (void)state;
    run_result r;
    char sum[2400];
    write_other("unused", 9);
    write_other("copy", 5); /* of the other model */
    (void)snprintf(sum, sizeof sum, "%s+./copy", other);
    run(&r, "search", "x", "--model", sum, "-l", "lib", NULL);
    expect(&r, 4);
    expect_err(&r, "and ./copy are the same model");
    run_free(&r);
    const struct {
        const char *model, *message;
    } cases[] = {
        {"demo+nobody/nothing", "there is no model nobody/nothing"},
        {"demo+", "demo+: a model is missing beside a +"},
        {"demo+demo", "demo+demo: demo and demo are the same model"},
        {"demo+ViT-B-32-openai", "the model ViT-B-32-openai is not installed; glimpse pull"},
        {"demo+./unused", "no picture was indexed with the model ./unused yet; glimpse index "
                          "--model ./unused does it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run(&r, "search", "x", "--model", cases[i].model, "-l", "lib", NULL);
        expect(&r, 4);
        expect_err(&r, cases[i].message);
        assert_int_equal(r.out_size, 0);
        run_free(&r);
    }
    /* What needs one model says so. */
    (void)snprintf(sum, sizeof sum, "demo+%s", other);
    run(&r, "embed", "--text", "x", "--model", sum, NULL);
    expect(&r, 4);
    expect_err(&r, "would be several models: only searches ask several at once; choose one with "
                   "--model");
    run_free(&r);
    run(&r, "search", "x", "--captions", "--model", sum, "-l", "lib", NULL);
    expect(&r, 4);
    expect_err(&r, "captions are blended with the ranking of one model");
    run_free(&r);
}

static void a_folder_with_a_plus_in_its_name_is_one_model(void **state) {
    (void)state;
    run_result r, plain;
    write_other("a+b", 5);
    run(&r, "search", "x", "--model", "./a+b", "-l", "lib", "--paths", NULL);
    expect(&r, 0);
    run(&plain, "search", "x", "--model", other, "-l", "lib", "--paths", NULL);
    assert_string_equal(r.out, plain.out);
    run_free(&plain);
    run_free(&r);
}

static void similar_asks_both_and_leaves_the_picture_out(void **state) {
    (void)state;
    run_result r;
    char sum[1200];
    (void)snprintf(sum, sizeof sum, "demo+%s", other);
    static const char *const pictures[] = {"pictures/few/p03.ppm", "pictures/p20.ppm", "new.ppm"};
    copy_file("pictures/few/p03.ppm", "new.ppm");
    for (size_t i = 0; i < 3; i++) {
        run(&r, "similar", pictures[i], "--model", sum, "-l", "lib", "-k", "24", "--no-collapse",
            "--json", NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        const json_t *results = at(root, "results");
        assert_int_equal(json_array_size(results), PICTURES - 1);
        assert_true(number_at(root, "results.0.ranks.0.rank") >= 1);
        for (size_t k = 0; k < json_array_size(results); k++)
            assert_null(strstr(text_at(json_array_get(results, k), "path"),
                               i == 1 ? "/p20.ppm" : "/p03.ppm"));
        json_decref(root);
        run_free(&r);
    }
    run(&r, "similar", pictures[0], "--model", sum, "-l", "lib", "--with-self", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_non_null(strstr(text_at(root, "results.0.path"), "/p03.ppm"));
    assert_true(number_at(root, "results.0.ranks.1.rank") == 1);
    json_decref(root);
    run_free(&r);
}

/*
 * What a model lacks.
 */
static double embedded_by(const char *library, const char *name) {
    run_result r;
    double count = 0;
    run(&r, "status", "--json", "--library", library, NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    const json_t *models = at(root, "models");
    for (size_t i = 0; i < json_array_size(models); i++) {
        const json_t *m = json_array_get(models, i);
        if (strcmp(text_at(m, "name"), name) == 0) count = number_at(m, "embedded");
    }
    json_decref(root);
    run_free(&r);
    return count;
}

static void what_is_missing_is_embedded_first_when_asked(void **state) {
    (void)state;
    run_result r;
    write_other("third", 7);
    run(&r, "search", "x", "--model", "./third", "-l", "lib", NULL);
    expect(&r, 4);
    expect_err(&r, "no picture was indexed with the model ./third yet; glimpse index "
                   "--model ./third does it");
    run_free(&r);
    run(&r, "search", "x", "--all-scores", "--model", "demo+./third", "--embed", "-l", "lib", "-k",
        "24", "--paths", NULL);
    expect(&r, 0);
    expect_err(&r, "./third covers 0 of the library's 24 files; the rest is embedded first");
    expect_err(&r, "24 pictures embedded in ");
    assert_null(strstr(r.err, "demo covers"));
    run_free(&r);
    assert_true(embedded_by("lib", "third") == PICTURES);
    run(&r, "similar", "pictures/p20.ppm", "--all-scores", "--model", "./third", "--embed", "-l",
        "lib", "--paths", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    run_free(&r);
    /* Without directories all of the library. */
    write_other("fourth", 8);
    run(&r, "index", "--model", "./fourth", "-l", "lib", NULL);
    expect(&r, 0);
    expect_err(&r, "./fourth covers 0 of the library's 24 files; the rest is embedded now (Ctrl-C "
                   "keeps what is done, and the same command goes on)");
    run_free(&r);
    assert_true(embedded_by("lib", "fourth") == PICTURES);
    run(&r, "index", "--model", "./fourth", "-l", "lib", NULL);
    expect(&r, 0);
    assert_null(strstr(r.err, "covers"));
    run_free(&r);
}

static void wait_milliseconds(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

static void embedding_that_is_stopped_keeps_its_work_and_goes_on(void **state) {
    (void)state;
    run_result r;
    int stopped = 0;
    double before = 0;
    assert_int_equal(mkdir("many", 0777), 0);
    for (unsigned i = 0; i < MANY; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "many/%03u.ppm", i);
        write_picture(name, 96 + i % 40, 96, i);
    }
    run(&r, "index", "many", "--model", other, "-l", "long", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    for (int attempt = 0; attempt < 6; attempt++) {
        pid_t child = run_start("out", "err", "search", "x", "--model", "demo", "--embed", "-l",
                                "long", NULL);
        wait_milliseconds(60 + 60 * attempt);
        (void)kill(child, SIGINT);
        int code = run_wait(child);
        char *err = read_whole_file("err", NULL);
        /* Before it listens, a signal simply ends it; behind the end it comes too late. */
        if (code != 130 && code > 1 && code != 1000 + SIGINT) fail_msg("code %d: %s", code, err);
        if (code == 130 && strstr(err, "which are kept; run the same command again to continue")) {
            stopped++;
        }
        free(err);
        double now = embedded_by("long", "demo");
        assert_true(now >= before);
        before = now;
    }
    assert_true(stopped > 0);
    run(&r, "search", "x", "--all-scores", "--model", "demo", "--embed", "-l", "long", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_true(embedded_by("long", "demo") == MANY);
    run(&r, "verify", "--library", "long", NULL);
    expect(&r, 0);
    run_free(&r);
}

/*
 * Comparing.
 */
static void equal_models_agree_and_find_what_they_find(void **state) {
    (void)state;
    run_result r;
    write_other("same", 5);
    json_t *single = search_json(other);
    write_formatted(
        "queries.txt",
        "# what should be found\n\na red car\t%s\r\na dog\tpictures/few/p03.ppm\n2:cat + "
        "dog\n",
        text_at(single, "results.0.id"));
    run(&r, "models", "--compare", other, "./same", "--queries", "queries.txt", "-l", "lib", "-k",
        "5", "--json", "--html", "compared.html", NULL);
    expect(&r, 0);
    expect_err(&r, "page written to compared.html");
    json_t *root = run_json(&r);
    assert_true(number_at(root, "common_pictures") == FEW);
    assert_true(number_at(root, "judged_queries") == 2);
    assert_true(number_at(root, "pairs.0.overlap") == 1);
    assert_true(fabs(number_at(root, "pairs.0.rank_correlation") - 1) < 1e-12);
    assert_true(number_at(root, "models.0.recall@1") >= 0.5);
    assert_true(number_at(root, "models.0.recall@10") == 1);
    assert_true(number_at(root, "models.0.seconds_per_query") > 0);
    assert_true(number_at(root, "queries.0.lists.0.truth_rank") == 1);
    assert_true(json_is_true(at(root, "queries.0.lists.1.results.0.fits")));
    assert_int_equal(json_array_size(at(root, "queries.2.truth")), 0);
    assert_int_equal(json_array_size(at(root, "queries.2.lists.1.results")), 5);
    for (size_t i = 0; i < 5; i++) {
        char path[60];
        (void)snprintf(path, sizeof path, "results.%zu.id", i);
        const char *wanted = text_at(single, path);
        (void)snprintf(path, sizeof path, "queries.0.lists.1.results.%zu.id", i);
        assert_string_equal(text_at(root, path), wanted);
    }
    json_decref(root);
    json_decref(single);
    run_free(&r);
    char *page = read_whole_file("compared.html", NULL);
    assert_non_null(strstr(page, "2:cat + dog"));
    assert_non_null(strstr(page, "url(data:image/jpeg;base64,"));
    assert_null(strstr(page, "<script"));
    free(page);
}

/* The correlation that two searches of everything imply, without ties. */
static double spearman(const json_t *a, const json_t *b, size_t count) {
    double sum = 0, n = (double)count, unused;
    for (size_t i = 0; i < count; i++) {
        char path[60];
        (void)snprintf(path, sizeof path, "results.%zu.id", i);
        double difference = (double)(i + 1) - (double)rank_in(b, text_at(a, path), &unused);
        sum += difference * difference;
    }
    return 1 - 6 * sum / (n * (n * n - 1));
}

static void different_models_are_set_side_by_side(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "--model", other, "-l", "lib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    json_t *one[2] = {search_json("demo"), search_json(other)};
    write_formatted("queries.tsv", "a red car\t%s\t\t%s\n", text_at(one[0], "results.0.id"),
                    text_at(one[0], "results.0.id"));
    run(&r, "models", "--compare", "demo", other, "--queries", "queries.tsv", "-l", "lib", "-k",
        "10", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    size_t both = 0;
    for (size_t i = 0; i < 10; i++) {
        double unused;
        char path[60];
        (void)snprintf(path, sizeof path, "results.%zu.id", i);
        size_t rank = rank_in(one[1], text_at(one[0], path), &unused);
        both += rank >= 1 && rank <= 10;
    }
    assert_true(fabs(number_at(root, "pairs.0.overlap") - (double)both / 10) < 1e-9);
    double wanted = spearman(one[0], one[1], PICTURES);
    assert_true(fabs(number_at(root, "pairs.0.rank_correlation") - wanted) < 1e-6);
    assert_true(number_at(root, "models.0.recall@1") == 1);
    double unused;
    size_t rank = rank_in(one[1], text_at(one[0], "results.0.id"), &unused);
    assert_true(number_at(root, "models.1.recall@5") == (rank <= 5));
    assert_int_equal(json_array_size(at(root, "queries.0.truth")), 1);
    json_decref(root);
    run_free(&r);
    run(&r, "models", "--compare", "demo", other, "./same", "--queries", "queries.tsv", "-l", "lib",
        NULL);
    expect(&r, 0);
    expect_out(&r, "a red car\ndemo  ");
    expect_out(&r, "* pictures/");
    expect_out(&r, "R@1    R@5   R@10\n");
    expect_out(&r, "demo and ./same: overlap@10 ");
    expect_out(&r, "Rank correlation is over 24 pictures that all models cover.\n");
    run_free(&r);
    json_decref(one[0]);
    json_decref(one[1]);
}

/* Two models that order two pictures the other way round give them equal sums. */
static void equal_sums_are_ordered_by_the_model_named_first(void **state) {
    (void)state;
    static const char *const texts[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    size_t ties = 0;
    for (size_t t = 0; t < 20; t++) {
        char sum[2400];
        (void)snprintf(sum, sizeof sum, "%s+%s", t % 2 ? "demo" : other, t % 2 ? other : "demo");
        json_t *first = search_text(sum, texts[t / 2]), *again = search_text(sum, texts[t / 2]);
        const json_t *results = at(first, "results");
        assert_true(json_equal(first, again));
        for (size_t i = 1; i < json_array_size(results); i++) {
            const json_t *a = json_array_get(results, i - 1), *b = json_array_get(results, i);
            if (number_at(a, "score") != number_at(b, "score")) continue;
            ties++;
            assert_true(number_at(a, "ranks.0.rank") < number_at(b, "ranks.0.rank"));
        }
        json_decref(again);
        json_decref(first);
    }
    assert_true(ties > 0);
}

static void what_cannot_be_compared_is_said(void **state) {
    (void)state;
    run_result r;
    static const struct {
        const char *text, *first, *second;
        int code;
        const char *message;
    } cases[] = {
        {"a\tpictures/none.ppm\n", "demo", "./same", 4,
         "bad.txt, line 1: the library has no embedding of ./pictures/none.ppm"},
        {"ok\n\n\tx.jpg\n", "demo", "./same", 4, "bad.txt, line 3: no query before the tab"},
        {"# nothing\n", "demo", "./same", 4, "bad.txt: no query in it"},
        {"ok\n\"open\n", "demo", "./same", 4, "bad.txt, line 2: query, character "},
        {"bad \xff utf\n", "demo", "./same", 4, "bad.txt, line 1: not UTF-8 text"},
        {"ok\n", "demo", "demo", 4, "demo and demo are the same model"},
        {"ok\n", "demo", "./nobody", 4, "there is no model folder ./nobody"},
        {"ok\n", "demo", "./unused", 4, "no picture was indexed with the model ./unused yet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text("bad.txt", cases[i].text);
        run(&r, "models", "--compare", cases[i].first, cases[i].second, "--queries", "bad.txt",
            "-l", "lib", NULL);
        expect(&r, cases[i].code);
        expect_err(&r, cases[i].message);
        assert_int_equal(r.out_size, 0);
        run_free(&r);
    }
    run(&r, "models", "--compare", "demo", "--queries", "bad.txt", NULL);
    expect(&r, 2);
    expect_err(&r, "--compare takes from 2 to 8 models");
    run_free(&r);
    run(&r, "models", "--compare", "demo", "x", NULL);
    expect(&r, 2);
    expect_err(&r, "which queries? --queries FILE");
    run_free(&r);
    run(&r, "models", "--queries", "bad.txt", NULL);
    expect(&r, 2);
    expect_err(&r, "--queries goes with --compare");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_of_both_models_are_fused_as_documented),
        cmocka_unit_test(people_and_tables_are_shown_the_ranks),
        cmocka_unit_test(a_part_that_is_wrong_is_named),
        cmocka_unit_test(a_folder_with_a_plus_in_its_name_is_one_model),
        cmocka_unit_test(similar_asks_both_and_leaves_the_picture_out),
        cmocka_unit_test(equal_models_agree_and_find_what_they_find),
        cmocka_unit_test(what_is_missing_is_embedded_first_when_asked),
        cmocka_unit_test(embedding_that_is_stopped_keeps_its_work_and_goes_on),
        cmocka_unit_test(different_models_are_set_side_by_side),
        cmocka_unit_test(equal_sums_are_ordered_by_the_model_named_first),
        cmocka_unit_test(what_cannot_be_compared_is_said),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
