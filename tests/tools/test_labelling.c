/*
 * glimpse label beyond one picture and one word: resuming, labels in the library, calibration,
 * examples, reports on prompts. Nothing here depends on how good the model is.
 */
#include "support/commands.h"

#include <math.h>

static const char *demo(const char *name) {
    char path[600];
    (void)snprintf(path, sizeof path, "data/demo/%s", name);
    return source_path(path);
}

/* Six pictures in the directories of two classes, and one of neither. */
static void make_sample(const char *directory) {
    static const char *const names[] = {"bear", "car", "_none"};
    char path[600];
    assert_int_equal(mkdir(directory, 0777), 0);
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        assert_int_equal(mkdir(path, 0777), 0);
        for (unsigned n = 0; n < (i < 2 ? 3u : 1u); n++) {
            (void)snprintf(path, sizeof path, "%s/%s/%u.ppm", directory, names[i], n);
            write_picture(path, 40, 40, 10 * i + n + 1);
        }
    }
}

static void a_journal_spares_decoding_and_survives_tearing(void **state) {
    (void)state;
    run_result first, second, r;
    const char *directory = demo("vehicles");
    run(&first, "label", directory, "-c", "car,bear", "--resume", "run.journal", "--json", NULL);
    expect(&first, 0);
    size_t size = 0;
    free(read_whole_file("run.journal", &size));
    run(&second, "label", directory, "-c", "car,bear", "--resume", "run.journal", "--json", NULL);
    expect(&second, 0);
    expect_err(&second, "embeddings from before");
    assert_string_equal(first.out, second.out);
    /* Torn in mid-record, at every eighth byte of the last record and the one before. */
    for (size_t cut = size - 1; cut > size - 1500 && cut > 200; cut -= 97) {
        assert_int_equal(truncate("run.journal", (off_t)cut), 0);
        run(&r, "label", directory, "-c", "car,bear", "--resume", "run.journal", "--json", NULL);
        expect(&r, 0);
        json_t *lines = run_json_lines(&r), *whole = run_json_lines(&first);
        assert_int_equal(json_array_size(lines), json_array_size(whole));
        for (size_t i = 0; i < json_array_size(whole); i++) {
            double a = number_at(json_array_get(whole, i), "labels.0.score");
            double b = number_at(json_array_get(lines, i), "labels.0.score");
            assert_true(fabs(a - b) < 1e-2); /* another batch: bf16 may round elsewhere */
        }
        json_decref(lines);
        json_decref(whole);
        run_free(&r);
        size_t again = 0;
        free(read_whole_file("run.journal", &again));
        assert_int_equal(again, size);
    }
    write_file("other.bin", "something else that is long enough to look like a file of mine", 62);
    run(&r, "label", directory, "-c", "car,bear", "--resume", "other.bin", NULL);
    expect(&r, 4);
    expect_err(&r, "not a journal of embeddings");
    run_free(&r);
    run(&r, "label", directory, "-c", "car,bear", "--resume", "run.journal", "--precision", "f32",
        NULL);
    assert_true(r.code == 0 || (r.code == 4 && strstr(r.err, "another model or precision")));
    run_free(&r);
    run_free(&first);
    run_free(&second);
}

static void labels_in_the_library_are_found_again(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", demo("vehicles"), demo("food"), NULL);
    expect(&r, 0);
    run_free(&r);
    write_file("kinds.txt", "thing/car\nthing/bus\nfood/apple\nfood/pizza\n", 42);
    run(&r, "label", "--all", "-c", "kinds.txt", "--store", "kinds", "--json", NULL);
    expect(&r, 0);
    json_t *labels = run_json_lines(&r);
    run_free(&r);
    size_t apples = 0, foods = 0;
    for (size_t i = 0; i < json_array_size(labels); i++) {
        const char *name = text_at(json_array_get(labels, i), "labels.0.class");
        apples += strcmp(name, "food/apple") == 0;
        foods += strncmp(name, "food/", 5) == 0;
    }
    assert_true(json_array_size(labels) > 20);
    static const char *const queries[] = {"food/apple", "apple", "food", "thing"};
    for (size_t i = 0; i < 4; i++) {
        size_t wanted = i < 2 ? apples : i == 2 ? foods : json_array_size(labels) - foods;
        run(&r, "search", "a picture", "--label", queries[i], "-k", "1000", "--json", NULL);
        expect(&r, wanted > 0 ? 0 : 1);
        json_t *found = run_json(&r);
        assert_int_equal(json_array_size(at(found, "results")), wanted);
        json_decref(found);
        run_free(&r);
    }
    /* Part of a name is no name; two labels that no picture has both. */
    run(&r, "search", "a picture", "--label", "app", NULL);
    expect(&r, 1);
    expect_err(&r, "no stored label app (there are: ");
    run_free(&r);
    run(&r, "search", "a picture", "--label", "food", "--label", "thing", NULL);
    expect(&r, 1);
    assert_null(strstr(r.err, "no stored label")); /* there are both, on no picture together */
    run_free(&r);
    /* Another classifier under the same name replaces all of it, another name adds. */
    run(&r, "label", "--all", "-c", "red,blue", "--store", "kinds", "--in", demo("food"), NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "a picture", "--label", "thing", NULL);
    expect(&r, 1);
    run_free(&r);
    run(&r, "label", demo("food"), "-c", "warm,cold", "--store", "more", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "label", "--stored", "--json", NULL);
    expect(&r, 0);
    json_t *kept = run_json_lines(&r);
    assert_int_equal(json_array_size(kept), 2);
    assert_string_equal(text_at(kept, "0.name"), "kinds");
    assert_string_equal(text_at(kept, "1.name"), "more");
    assert_int_equal(strlen(text_at(kept, "1.classifier")), 32);
    assert_true(number_at(kept, "0.pictures") == number_at(kept, "1.pictures"));
    json_decref(kept);
    run_free(&r);
    /* A run that abstains takes labels away. */
    run(&r, "label", "--all", "-c", "warm,cold", "--store", "more", "--min-margin", "1", NULL);
    expect(&r, 0);
    expect_err(&r, "stored as \"more\": 0 pictures");
    run_free(&r);
    run(&r, "label", "--forget", "more", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "label", "--forget", "more", NULL);
    expect(&r, 4);
    expect_err(&r, "no labels stored as \"more\"");
    run_free(&r);
    run(&r, "verify", NULL);
    expect(&r, 0);
    run_free(&r);
    json_decref(labels);
}

static void pictures_outside_the_library_are_labelled_but_not_stored(void **state) {
    (void)state;
    run_result r;
    write_picture("outside.ppm", 40, 40, 77);
    run(&r, "label", "outside.ppm", "-c", "a,b", "--store", "x", NULL);
    expect(&r, 0);
    expect_err(&r, "1 picture is not in the library");
    run_free(&r);
    run(&r, "label", "outside.ppm", "-c", "a,b", "--store", "x", "--library", "nowhere", NULL);
    expect(&r, 4);
    expect_err(&r, "no library at nowhere");
    run_free(&r);
}

static void calibration_is_fitted_kept_and_used(void **state) {
    (void)state;
    run_result r, again;
    make_sample("sample");
    run(&r, "label", "-c", "bear,car", "--calibrate", "sample", "--save-calibration", "c.json",
        "--json", NULL);
    expect(&r, 0);
    json_t *report = run_json(&r);
    assert_true(number_at(report, "samples") == 7);
    assert_true(number_at(report, "unknown") == 1);
    assert_true(number_at(report, "nll_after") <= number_at(report, "nll_before") + 1e-9);
    double temperature = number_at(report, "temperature");
    /* Seven pictures are too few to learn from, and that is said and kept. */
    assert_true(temperature == 1);
    assert_non_null(strstr(text_at(report, "uncalibrated"), "too few"));
    expect_err(&r, "the model's own probabilities are kept: too few");
    char *kept = read_whole_file("c.json", NULL);
    assert_non_null(strstr(kept, "\"uncalibrated\": \"too few"));
    free(kept);
    json_decref(report);
    run_free(&r);
    run(&r, "label", "sample", "-c", "bear,car", "--calibration", "c.json", "--top", "2", "--json",
        NULL);
    expect(&r, 0);
    run(&again, "label", "sample", "-c", "bear,car", "--top", "2", "--json", NULL);
    json_t *with = run_json_lines(&r), *without = run_json_lines(&again);
    for (size_t i = 0; i < json_array_size(with); i++) {
        const json_t *a = json_array_get(with, i), *b = json_array_get(without, i);
        double pa = number_at(a, "labels.0.probability"), pb = number_at(b, "labels.0.probability");
        double za = log(pa / (1 - pa)), zb = log(pb / (1 - pb));
        assert_string_equal(text_at(a, "labels.0.class"), text_at(b, "labels.0.class"));
        assert_true(fabs(za * temperature - zb) < 1e-3 * (1 + fabs(zb)));
    }
    json_decref(with);
    json_decref(without);
    run_free(&again);
    run_free(&r);
    run(&r, "label", "sample", "-c", "bear,bus", "--calibration", "c.json", NULL);
    expect(&r, 4);
    expect_err(&r, "calibrate again");
    run_free(&r);
    run(&r, "label", "sample", "-c", "bear,bus", "--calibrate", "sample", NULL);
    expect(&r, 4);
    expect_err(&r, "no class \"car\"");
    assert_string_equal(r.out, "");
    run_free(&r);
    run(&r, "label", "sample", "-c", "bear,car", "--calibrate", "absent", NULL);
    expect(&r, 4);
    run_free(&r);
}

static void examples_and_prompt_reports_take_known_pictures(void **state) {
    (void)state;
    run_result r, again;
    run(&r, "label", "sample", "-c", "bear,car", "--examples", "sample", NULL);
    expect(&r, 4);
    expect_err(&r, "has no class");
    run_free(&r);
    run_shell(&r, "mkdir few && cp -r sample/bear sample/car few/");
    expect(&r, 0);
    run_free(&r);
    run(&r, "label", "sample", "-c", "bear,car", "--examples", "few", "--json", NULL);
    expect(&r, 0);
    expect_err(&r, "6 examples: alpha ");
    run(&again, "label", "sample", "-c", "bear,car", "--examples", "few", "--json", NULL);
    assert_string_equal(r.out, again.out);
    run_free(&again);
    run_free(&r);
    run(&r, "label", "-c", "bear,car", "--prompt-report", "few", "--templates", "ensemble-7",
        "--json", NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), 8);
    assert_string_equal(text_at(lines, "0.template"), "a photo of a {}.");
    assert_true(json_is_null(at(lines, "7.template")));
    for (size_t i = 0; i < 8; i++) {
        /* As many pictures of each class: both figures agree, in steps of a sixth. */
        const json_t *line = json_array_get(lines, i);
        double top1 = number_at(line, "top1");
        assert_true(fabs(top1 - number_at(line, "mean_per_class_recall")) < 1e-9);
        assert_true(fabs(6 * top1 - round(6 * top1)) < 1e-6);
    }
    json_decref(lines);
    run_free(&r);
}

static void background_and_several_labels(void **state) {
    (void)state;
    run_result r;
    write_file("other.txt", "dog\na photo of nothing.\n", 24);
    run(&r, "label", "sample", "-c", "bear,car", "--background=other.txt", "--top", "2", "--json",
        NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        double sum = number_at(line, "background");
        for (size_t k = 0; k < 2; k++)
            sum += number_at(json_array_get(at(line, "labels"), k), "probability");
        assert_true(fabs(sum - 1) < 1e-6);
        if (number_at(line, "background") > number_at(line, "labels.0.probability")) {
            assert_true(json_is_true(at(line, "abstained")));
        }
    }
    json_decref(lines);
    run_free(&r);
    run(&r, "label", "sample", "-c", "bear,car", "--multi-label", "--min-probability", "0",
        "--json", NULL);
    expect(&r, 0);
    lines = run_json_lines(&r);
    for (size_t i = 0; i < json_array_size(lines); i++)
        assert_int_equal(json_array_size(at(json_array_get(lines, i), "labels")), 2);
    json_decref(lines);
    run_free(&r);
    run(&r, "label", "sample", "-c", "bear,car", "--multi-label", "--min-probability", "1",
        "--json", NULL);
    expect(&r, 0);
    lines = run_json_lines(&r);
    for (size_t i = 0; i < json_array_size(lines); i++)
        assert_true(json_is_true(at(json_array_get(lines, i), "abstained")));
    json_decref(lines);
    run_free(&r);
}

static void abstain_means_the_background(void **state) {
    (void)state;
    run_result plain, background, abstain;
    run(&plain, "label", "sample", "-c", "bear,car", "--json", NULL);
    run(&background, "label", "sample", "-c", "bear,car", "--background", "--json", NULL);
    run(&abstain, "label", "sample", "-c", "bear,car", "--abstain", "--json", NULL);
    expect(&background, 0);
    expect(&abstain, 0);
    assert_string_equal(abstain.out, background.out);
    assert_string_not_equal(abstain.out, plain.out);
    run_free(&plain);
    run_free(&background);
    run_free(&abstain);
}

static void shipped_lists_are_whole(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t count;
    } lists[] = {{"@cifar10", 10}, {"@cifar100", 100}, {"@coco80", 80}, {"@scenes", 132}};
    run_result r;
    for (size_t i = 0; i < 4; i++) {
        run(&r, "label", "outside.ppm", "-c", lists[i].name, "--top", "1000", "--json", NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        assert_int_equal(json_array_size(at(root, "labels")), lists[i].count);
        json_decref(root);
        run_free(&r);
    }
    run(&r, "label", "outside.ppm", "-c", "a,b", "--templates", "ensemble-80", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "label", "outside.ppm", "-c", "a,b", "--background", NULL);
    expect(&r, 0);
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_spares_decoding_and_survives_tearing),
        cmocka_unit_test(labels_in_the_library_are_found_again),
        cmocka_unit_test(pictures_outside_the_library_are_labelled_but_not_stored),
        cmocka_unit_test(calibration_is_fitted_kept_and_used),
        cmocka_unit_test(examples_and_prompt_reports_take_known_pictures),
        cmocka_unit_test(background_and_several_labels),
        cmocka_unit_test(abstain_means_the_background),
        cmocka_unit_test(shipped_lists_are_whole),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
