/*
 * glimpse label on the demo pictures: right answers, every output, and what goes wrong.
 */
#include "support/commands.h"

#include <math.h>

static const char *demo(const char *name) {
    char path[600];
    (void)snprintf(path, sizeof path, "data/demo/%s", name);
    return source_path(path);
}

static void label_agrees_with_and_without_a_library(void **state) {
    (void)state;
    run_result before, after, all;
    char *directory = strdup(demo("vehicles")), *classes = strdup(demo("classes.txt"));
    run(&before, "label", directory, "--classes", classes, "--json", "--jobs", "2", NULL);
    expect(&before, 0);
    run(&all, "index", directory, NULL);
    expect(&all, 0);
    run_free(&all);
    run(&after, "label", directory, "--classes", classes, "--json", NULL);
    expect(&after, 0);
    json_t *decoded = run_json_lines(&before), *stored = run_json_lines(&after);
    assert_true(json_array_size(decoded) > 10);
    assert_int_equal(json_array_size(decoded), json_array_size(stored));
    for (size_t i = 0; i < json_array_size(decoded); i++) {
        const json_t *a = json_array_get(decoded, i), *b = json_array_get(stored, i);
        assert_string_equal(text_at(a, "path"), text_at(b, "path"));
        assert_true(json_is_false(at(a, "abstained")));
        assert_int_equal(json_array_size(at(a, "labels")), 1);
        /* Stored embeddings are half floats. */
        assert_true(fabs(number_at(a, "labels.0.score") - number_at(b, "labels.0.score")) < 1e-3);
    }
    /* --all says the same as the directory. */
    run(&all, "label", "--all", "--classes", classes, "--json", NULL);
    expect(&all, 0);
    json_t *whole = run_json_lines(&all);
    assert_int_equal(json_array_size(stored), json_array_size(whole));
    for (size_t i = 0; i < json_array_size(whole); i++) {
        const json_t *a = json_array_get(whole, i), *b = json_array_get(stored, i);
        assert_string_equal(text_at(a, "path"), text_at(b, "path"));
        assert_true(fabs(number_at(a, "labels.0.score") - number_at(b, "labels.0.score")) < 2e-6);
    }
    json_decref(whole);
    json_decref(decoded);
    json_decref(stored);
    run_free(&before);
    run_free(&after);
    run_free(&all);
    free(directory);
    free(classes);
}

static void label_probabilities_add_up_over_all_classes(void **state) {
    (void)state;
    run_result r;
    run(&r, "label", demo("vehicles"), "-c", "car,bear,tree", "--top", "9", "--json", NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *labels = at(json_array_get(lines, i), "labels");
        assert_int_equal(json_array_size(labels), 3);
        double sum = 0, before = 2;
        for (size_t k = 0; k < 3; k++) {
            double p = number_at(json_array_get(labels, k), "probability");
            assert_true(p <= before);
            before = p;
            sum += p;
        }
        assert_true(fabs(sum - 1) < 1e-6);
    }
    json_decref(lines);
    run_free(&r);
}

static void label_csv_quotes_what_needs_it(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(mkdir("odd", 0777), 0);
    write_picture("odd/a,b \"c\"\nd.ppm", 40, 40, 1);
    static const char classes[] = "\xEF\xBB\xBF# comment\nbig, \"red\" car\n";
    write_file("classes.txt", classes, sizeof classes - 1);
    run(&r, "label", "odd", "--classes", "classes.txt", "--csv", NULL);
    expect(&r, 0);
    assert_int_equal(strncmp(r.out, "path,rank,class,probability,score,abstained\n", 44), 0);
    expect_out(&r, "\n\"odd/a,b \"\"c\"\"\nd.ppm\",1,\"big, \"\"red\"\" car\",1,");
    run_free(&r);
}

static void label_abstains_below_the_threshold(void **state) {
    (void)state;
    run_result r;
    write_picture("one.ppm", 40, 40, 1);
    run(&r, "label", "one.ppm", "-c", "car,bear", "--min-probability", "1", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_true(json_is_true(at(root, "abstained")));
    assert_int_equal(json_array_size(at(root, "labels")), 1);
    json_decref(root);
    run_free(&r);
    run(&r, "label", "one.ppm", "-c", "car,bear", "--min-probability", "1", "--csv", NULL);
    expect(&r, 0);
    expect_out(&r, "\none.ppm,1,,0.");
    expect_out(&r, ",true\n");
    run_free(&r);
    run(&r, "label", "one.ppm", "-c", "car,bear", "--min-probability", "1", NULL);
    expect(&r, 0);
    expect_out(&r, "- ");
    expect_out(&r, "%  one.ppm\n");
    run_free(&r);
}

static void label_names_unusable_pictures(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(mkdir("mixed", 0777), 0);
    write_picture("mixed/b.ppm", 40, 40, 1);
    write_file("mixed/a.jpg", "no picture", 10);
    write_file("mixed/notes.txt", "no picture", 10);
    run(&r, "label", "mixed", "absent.png", "-c", "car,bear", "--json", NULL);
    expect(&r, 3);
    expect_err(&r, "glimpse: mixed/a.jpg: ");
    expect_err(&r, "glimpse: absent.png: ");
    expect_err(&r, "2 could not be labelled");
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), 3);
    assert_string_equal(text_at(lines, "0.path"), "mixed/a.jpg");
    assert_true(strlen(text_at(lines, "0.error")) > 0);
    assert_string_equal(text_at(lines, "1.path"), "mixed/b.ppm");
    assert_string_equal(text_at(lines, "2.path"), "absent.png");
    json_decref(lines);
    run_free(&r);
    assert_int_equal(mkdir("empty", 0777), 0);
    run(&r, "label", "empty", "-c", "car,bear", NULL);
    expect(&r, 1);
    expect_err(&r, "no pictures found");
    run_free(&r);
}

static void label_uses_templates(void **state) {
    (void)state;
    run_result plain, single, seven, own;
    write_picture("one.ppm", 40, 40, 1);
    run(&plain, "label", "one.ppm", "-c", "car,bear", "--json", NULL);
    run(&single, "label", "one.ppm", "-c", "car,bear", "--json", "--templates", "single", NULL);
    run(&own, "label", "one.ppm", "-c", "car,bear", "--json", "--template", "a photo of a {}.",
        NULL);
    run(&seven, "label", "one.ppm", "-c", "car,bear", "--json", "--templates", "ensemble-7", NULL);
    expect(&seven, 0);
    assert_string_equal(plain.out, single.out);
    assert_string_equal(plain.out, own.out);
    assert_string_not_equal(plain.out, seven.out);
    run_free(&plain);
    run_free(&single);
    run_free(&seven);
    run_free(&own);
}

static void label_refuses_bad_lists(void **state) {
    (void)state;
    static const struct {
        const char *classes, *template, *message;
    } bad[] = {
        {",,", "{}", "the list is empty"},
        {"car,bear,car", "{}", "\"car\" is listed twice"},
        {"car,bear", "a photo", "has no {}"},
        {"@nothing", "{}", "no class list @nothing; those that ship are cifar10, "},
        {"./nothing.txt", "{}", "no class list ./nothing.txt; those that ship are cifar10, "},
        {"nothing.names", "{}", "no class list nothing.names; "},
        {"animals/dog", "{}", "no class list animals/dog; "},
        {"coco8", "{}", "no class list coco8; did you mean coco80? (\"coco8,\" is one class"},
        {"scene", "{}", "did you mean scenes?"},
        {"Coco80", "{}", "did you mean coco80?"},
        {"@coco8", "{}", "did you mean coco80?"},
        {"classes/coco80.txt", "{}", "did you mean coco80?"},
        {"latin.txt", "{}", "did you mean latin1.txt?"},
        {"./latin.txt", "{}", "did you mean ./latin1.txt?"},
        {"latin1.txt", "{}", "latin1.txt, line 1: not UTF-8"},
        {"car",
         "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}"
         " {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}"
         " {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}",
         "longer than the model can read"},
    };
    run_result r;
    write_picture("one.ppm", 40, 40, 1);
    write_file("latin1.txt", "caf\xE9\n", 5);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        run(&r, "label", "one.ppm", "-c", bad[i].classes, "--template", bad[i].template, NULL);
        expect(&r, 4);
        expect_err(&r, bad[i].message);
        assert_string_equal(r.out, "");
        run_free(&r);
    }
}

static void label_knows_the_shipped_lists(void **state) {
    (void)state;
    run_result r;
    write_picture("one.ppm", 40, 40, 1);
    run(&r, "label", "one.ppm", "-c", "@cifar10", "--top", "100", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "labels")), 10);
    json_decref(root);
    run_free(&r);
    run(&r, "label", "one.ppm", "-c", "@coco80", "--top", "100", "--json", NULL);
    root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "labels")), 80);
    json_decref(root);
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(label_agrees_with_and_without_a_library),
        cmocka_unit_test(label_probabilities_add_up_over_all_classes),
        cmocka_unit_test(label_csv_quotes_what_needs_it),
        cmocka_unit_test(label_abstains_below_the_threshold),
        cmocka_unit_test(label_names_unusable_pictures),
        cmocka_unit_test(label_uses_templates),
        cmocka_unit_test(label_refuses_bad_lists),
        cmocka_unit_test(label_knows_the_shipped_lists),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
