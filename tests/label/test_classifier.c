/*
 * Class lists, and the zero-shot classifier on cases worked out by hand.
 */
#include "support/test.h"

#include "label_internal.h"
#include "support/fake_model.h"

#include <glimpse/label.h>

static void check_lines(glimpse_lines *lines, const char *const *expected, size_t count) {
    assert_int_equal(glimpse_lines_count(lines), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(glimpse_lines_texts(lines)[i], expected[i]);
    glimpse_lines_free(lines);
}

static void lines_drop_blanks_comments_bom_and_carriage_returns(void **state) {
    (void)state;
    char *directory = make_temp_directory();
    const char *path = path_in(directory, "classes.txt");
    static const char text[] =
        "\xEF\xBB\xBF"
        "cat\r\n\r\n  # a comment\n\t guinea pig \n#x\n\nC#\n\xC3\xA9léphant";
    write_file(path, text, sizeof text - 1);
    glimpse_lines *lines = NULL;
    assert_ok(glimpse_lines_load(&lines, path));
    check_lines(lines, (const char *[]){"cat", "guinea pig", "C#", "\xC3\xA9léphant"}, 4);
    remove_tree(directory);
    free(directory);
}

static void lines_refuse_nothing_and_what_is_not_text(void **state) {
    (void)state;
    char *directory = make_temp_directory();
    const char *path = path_in(directory, "classes.txt");
    glimpse_lines *lines = NULL;
    static const struct {
        const char *text;
        size_t size;
        const char *message;
    } bad[] = {
        {"", 0, "the list is empty"},
        {"\n# only a comment\n  \n", 21, "the list is empty"},
        {"cat\ndo\xFFg\n", 9, "line 2: not UTF-8"},
        {"\xC0\xAF\n", 3, "line 1: not UTF-8"},
        {"\xED\xA0\x80\n", 4, "line 1: not UTF-8"},
        {"\xE2\x82\n", 3, "line 1: not UTF-8"},
        {"cat\nd\0g\n", 8, "line 2: not UTF-8"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(path, bad[i].text, bad[i].size);
        assert_int_equal(glimpse_lines_load(&lines, path), GLIMPSE_E_FORMAT);
        assert_null(lines);
        assert_non_null(strstr(glimpse_last_error(), bad[i].message));
        assert_non_null(strstr(glimpse_last_error(), "classes.txt"));
    }
    assert_int_equal(glimpse_lines_load(&lines, path_in(directory, "absent")), GLIMPSE_E_NOT_FOUND);
    remove_tree(directory);
    free(directory);
}

static void lines_split_at_a_separator(void **state) {
    (void)state;
    glimpse_lines *lines = NULL;
    assert_ok(glimpse_lines_split(&lines, " cat,dog , ,guinea pig,", ','));
    check_lines(lines, (const char *[]){"cat", "dog", "guinea pig"}, 3);
    assert_int_equal(glimpse_lines_split(&lines, " ,, ", ','), GLIMPSE_E_FORMAT);
    glimpse_lines_free(NULL);
}

static void classifier_probabilities_are_the_softmax_of_scaled_cosines(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    static const float weights[] = {1, 0, 0.6f, 0.8f, 0, 1};
    glimpse_classifier *classifier = NULL;
    glimpse_label labels[4];
    assert_ok(glimpse_classifier_from_weights(&classifier, names, 3, weights, 2, 2.0));
    /* Cosines 1, 0.6 and 0; exp of twice that: 7.389056, 3.320117, 1; sum 11.709173. */
    assert_int_equal(glimpse_classifier_score(labels, classifier, (float[]){1, 0}, 4), 3);
    assert_int_equal(labels[0].class_index, 0);
    assert_int_equal(labels[1].class_index, 1);
    assert_int_equal(labels[2].class_index, 2);
    assert_float_equal(labels[0].score, 1.0, 1e-7);
    assert_float_equal(labels[1].score, 0.6, 1e-7);
    assert_float_equal(labels[2].score, 0.0, 1e-7);
    assert_float_equal(labels[0].probability, 0.6310485, 1e-6);
    assert_float_equal(labels[1].probability, 0.2835484, 1e-6);
    assert_float_equal(labels[2].probability, 0.0854031, 1e-6);
    /* The length of the embedding does not matter; fewer labels have the same probabilities. */
    assert_int_equal(glimpse_classifier_score(labels, classifier, (float[]){0, 5}, 1), 1);
    assert_int_equal(labels[0].class_index, 2);
    assert_float_equal(labels[0].score, 1.0, 1e-7);
    assert_float_equal(labels[0].probability, 0.5538158, 1e-6); /* 7.389 / (7.389 + 4.953 + 1) */
    assert_int_equal(glimpse_classifier_score(labels, classifier, (float[]){0, 5}, 0), 0);
    glimpse_classifier_free(classifier);
}

static void classifier_survives_large_scales(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b"};
    static const float weights[] = {1, 0, -1, 0};
    glimpse_classifier *classifier = NULL;
    glimpse_label labels[2];
    assert_ok(glimpse_classifier_from_weights(&classifier, names, 2, weights, 2, 1e6));
    assert_int_equal(glimpse_classifier_score(labels, classifier, (float[]){1, 0}, 2), 2);
    assert_true(labels[0].probability == 1.0);
    assert_true(labels[1].probability == 0.0);
    assert_int_equal(glimpse_classifier_score(labels, classifier, (float[]){-1, 0}, 2), 2);
    assert_int_equal(labels[0].class_index, 1);
    assert_true(labels[0].probability == 1.0);
    glimpse_classifier_free(classifier);
}

static void classifier_ties_come_in_class_order(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d"};
    static const float weights[] = {0, 1, 1, 0, 0, 1, 0, 1};
    glimpse_classifier *classifier = NULL;
    glimpse_label labels[4];
    assert_ok(glimpse_classifier_from_weights(&classifier, names, 4, weights, 2, 1.0));
    for (size_t top = 1; top <= 4; top++) {
        static const size_t order[] = {0, 2, 3, 1};
        assert_int_equal(glimpse_classifier_score(labels, classifier, (float[]){0, 1}, top), top);
        for (size_t i = 0; i < top; i++)
            assert_int_equal(labels[i].class_index, order[i]);
    }
    glimpse_classifier_free(classifier);
}

static void classifier_refuses_embeddings_without_direction(void **state) {
    (void)state;
    static const char *const names[] = {"a"};
    glimpse_classifier *classifier = NULL;
    glimpse_label label;
    assert_ok(glimpse_classifier_from_weights(&classifier, names, 1, (float[]){1, 0}, 2, 1.0));
    assert_int_equal(glimpse_classifier_score(&label, classifier, (float[]){0, 0}, 1),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_classifier_score(&label, classifier, (float[]){NAN, 0}, 1),
                     GLIMPSE_E_INVALID);
    glimpse_classifier_free(classifier);
}

static void classifier_averages_templates_at_unit_length(void **state) {
    (void)state;
    static const char *const classes[] = {"x", "y"};
    static const char *const templates[] = {"{}", "{} {} z"};
    glimpse_classifier *classifier = NULL;
    assert_ok(glimpse_classifier_create(&classifier, &fake_encoder, &fake_model, classes, 2,
                                        templates, 2));
    assert_int_equal(glimpse_classifier_count(classifier), 2);
    assert_string_equal(glimpse_classifier_class(classifier, 1), "y");
    assert_null(glimpse_classifier_class(classifier, 2));
    /* "x" is (1,0,0); "x x z" is (2,0,1)/sqrt(5): sum (1.894427, 0, 0.447214), length 1.946498. */
    const float *weights = glimpse_classifier_weights(classifier);
    assert_float_equal(weights[0], 0.9732490, 1e-6);
    assert_float_equal(weights[1], 0.0, 1e-6);
    assert_float_equal(weights[2], 0.2297529, 1e-6);
    assert_float_equal(weights[3], 0.0, 1e-6);
    assert_float_equal(weights[4], 0.9732490, 1e-6);
    assert_float_equal(weights[5], 0.2297529, 1e-6);
    glimpse_classifier_free(classifier);
    /* No template: "a photo of a {}." */
    assert_ok(
        glimpse_classifier_create(&classifier, &fake_encoder, &fake_model, classes, 2, NULL, 0));
    assert_float_equal(glimpse_classifier_weights(classifier)[0], 1.0, 1e-6);
    glimpse_classifier_free(classifier);
}

static void classifier_batches_many_prompts(void **state) {
    (void)state;
    enum { CLASSES = 101 };
    static char names[CLASSES][16];
    const char *classes[CLASSES];
    static const char *const templates[] = {"{} x", "{} y", "{} z"};
    for (int i = 0; i < CLASSES; i++) {
        (void)snprintf(names[i], sizeof names[i], "%.*s%d", i % 5, "xxxxx", i);
        classes[i] = names[i];
    }
    glimpse_classifier *classifier = NULL;
    fake_encoder = (glimpse_encoder){0};
    assert_ok(glimpse_classifier_create(&classifier, &fake_encoder, &fake_model, classes, CLASSES,
                                        templates, 3));
    assert_true(fake_encoder.calls <= 6 && fake_encoder.largest_call > 16);
    for (int i = 0; i < CLASSES; i++) {
        double sum[3] = {0, 0, 0}, norm = 0;
        for (int t = 0; t < 3; t++) {
            float unit[3];
            char prompt[32];
            (void)snprintf(prompt, sizeof prompt, "%s %c", classes[i], "xyz"[t]);
            fake_embed(prompt, unit);
            for (int j = 0; j < 3; j++)
                sum[j] += (double)unit[j];
        }
        for (int j = 0; j < 3; j++)
            norm += sum[j] * sum[j];
        for (int j = 0; j < 3; j++)
            assert_float_equal(glimpse_classifier_weights(classifier)[3 * i + j],
                               (float)(sum[j] / sqrt(norm)), 1e-6);
    }
    glimpse_classifier_free(classifier);
}

static void classifier_refuses_bad_lists(void **state) {
    (void)state;
    static const struct {
        const char *classes[3], *templates[2];
        size_t class_count, template_count;
        int status;
        const char *message;
    } bad[] = {
        {{NULL}, {NULL}, 0, 0, GLIMPSE_E_INVALID, "no classes"},
        {{"cat", "dog", "cat"}, {NULL}, 3, 0, GLIMPSE_E_INVALID, "\"cat\" is listed twice"},
        {{"cat"}, {"{}", "a photo"}, 1, 2, GLIMPSE_E_INVALID, "\"a photo\" has no {}"},
        {{"x", "a long one"}, {NULL}, 2, 0, GLIMPSE_E_LIMIT, "a long one"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        glimpse_classifier *classifier = (void *)&classifier;
        assert_int_equal(glimpse_classifier_create(&classifier, &fake_encoder, &fake_model,
                                                   bad[i].classes, bad[i].class_count,
                                                   bad[i].templates, bad[i].template_count),
                         bad[i].status);
        assert_null(classifier);
        assert_non_null(strstr(glimpse_last_error(), bad[i].message));
    }
    glimpse_classifier_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_drop_blanks_comments_bom_and_carriage_returns),
        cmocka_unit_test(lines_refuse_nothing_and_what_is_not_text),
        cmocka_unit_test(lines_split_at_a_separator),
        cmocka_unit_test(classifier_probabilities_are_the_softmax_of_scaled_cosines),
        cmocka_unit_test(classifier_survives_large_scales),
        cmocka_unit_test(classifier_ties_come_in_class_order),
        cmocka_unit_test(classifier_refuses_embeddings_without_direction),
        cmocka_unit_test(classifier_averages_templates_at_unit_length),
        cmocka_unit_test(classifier_batches_many_prompts),
        cmocka_unit_test(classifier_refuses_bad_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
