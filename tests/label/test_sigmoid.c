/*
 * Labels by a model with sigmoid probabilities (SigLIP): on cases worked out by hand, against the
 * plain reference, with examples, and calibrated.
 */
#include "support/test.h"

#include "calibrate_internal.h"
#include "label_internal.h"
#include "support/fake_model.h"

#include <glimpse/calibrate.h>

/* The classes x, y, z of the fake model: unit axes; scale 10, bias -5. */
static glimpse_classifier *build(const char *const *background, size_t background_count) {
    static const char *const names[] = {"x", "y", "z"};
    static const char *const templates[] = {"{}"};
    glimpse_classes *classes = NULL;
    glimpse_classifier *c = NULL;
    glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    fake_model.sigmoid = 1;
    assert_ok(glimpse_classes_create(&classes, names, 3));
    options.classes = classes;
    options.templates = templates;
    options.template_count = 1;
    options.background = background;
    options.background_count = background_count;
    assert_ok(glimpse_classifier_build(&c, &fake_encoder, &fake_model, &options));
    glimpse_classes_free(classes);
    assert_int_equal(glimpse_classifier_scoring(c), GLIMPSE_SCORING_SIGMOID);
    return c;
}

static const float picture[] = {0.8f, 0.6f, 0}; /* logits 3, 1, -5 */

static void probabilities_are_of_each_class_alone(void **state) {
    (void)state;
    glimpse_classifier *c = build(NULL, 0);
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    glimpse_label l[3], plain[3];
    glimpse_label_verdict v;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, picture, 1, 3));
    assert_float_equal(l[0].probability, 0.9525741, 1e-6); /* 1 / (1 + exp(-3)) */
    assert_float_equal(l[1].probability, 0.7310586, 1e-6);
    assert_float_equal(l[2].probability, 0.0066929, 1e-6);
    assert_float_equal(v.margin, 0.2215155, 1e-6);
    assert_true(v.background == -1);
    assert_true(l[0].accepted && !l[1].accepted);
    assert_int_equal(glimpse_classifier_score(plain, c, picture, 3), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(plain[i].class_index, l[i].class_index);
        assert_true(fabs(plain[i].probability - l[i].probability) < 1e-6);
    }
    glimpse_classifier_free(c);
    /* The same class on a list of its own: the same probability. */
    static const char *const one[] = {"y"};
    static const char *const templates[] = {"{}"};
    assert_ok(glimpse_classifier_create(&c, &fake_encoder, &fake_model, one, 1, templates, 1));
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, picture, 1, 1));
    assert_float_equal(l[0].probability, 0.7310586, 1e-6);
    glimpse_classifier_free(c);
}

static void limits_and_background_abstain(void **state) {
    (void)state;
    static const char *const other[] = {"xxxy"}; /* (3,1,0) / sqrt(10): cosine 0.9486833 */
    glimpse_classifier *c = build(other, 1);
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    glimpse_label l[3];
    glimpse_label_verdict v;
    /* Background logit 4.4868330 against 3. */
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, picture, 1, 3));
    assert_int_equal(v.reason, GLIMPSE_ABSTAINED_BACKGROUND);
    assert_float_equal(v.background, 0.8156024, 1e-6);
    assert_float_equal(l[0].probability, 0.9525741, 1e-6); /* it takes nothing from the classes */
    assert_false(l[0].accepted);
    rules.ignore_background = 1;
    rules.min_probability = 0.96;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, picture, 1, 3));
    assert_int_equal(v.reason, GLIMPSE_ABSTAINED_PROBABILITY);
    assert_true(v.background == -1);
    rules.min_probability = 0.95;
    rules.min_margin = 0.23;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, picture, 1, 3));
    assert_int_equal(v.reason, GLIMPSE_ABSTAINED_MARGIN);
    /* Probabilities that f64 cannot tell from 1 still know which is better. */
    rules = GLIMPSE_LABEL_RULES_INIT;
    rules.temperature = 0.01;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, picture, 1, 3));
    assert_int_equal(v.reason, GLIMPSE_ABSTAINED_BACKGROUND);
    glimpse_classifier_free(c);
}

static void several_labels_need_no_background(void **state) {
    (void)state;
    glimpse_classifier *c = build(NULL, 0);
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    glimpse_label l[3];
    glimpse_label_verdict v;
    double thresholds[] = {0.99, -1, 0.001};
    rules.multi_label = 1;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, picture, 1, 3));
    assert_float_equal(l[0].probability, 0.9525741, 1e-6);
    assert_float_equal(l[1].probability, 0.7310586, 1e-6);
    assert_true(l[0].accepted && l[1].accepted && !l[2].accepted);
    rules.class_thresholds = thresholds;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, picture, 1, 3));
    assert_true(!l[0].accepted && l[1].accepted && l[2].accepted);
    glimpse_classifier_free(c);
}

static void temperature_and_offset_bend_the_probability(void **state) {
    (void)state;
    glimpse_classifier *c = build(NULL, 0);
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    glimpse_label l;
    glimpse_label_verdict v;
    rules.temperature = 2;
    rules.offset = -0.5;
    assert_ok(glimpse_classifier_label_many(&l, &v, c, &rules, picture, 1, 1));
    assert_float_equal(l.probability, 0.7310586, 1e-6); /* 3 / 2 - 0.5 = 1 */
    rules.offset = NAN;
    assert_int_equal(glimpse_classifier_label_many(&l, &v, c, &rules, picture, 1, 1),
                     GLIMPSE_E_INVALID);
    c->scoring = GLIMPSE_SCORING_SOFTMAX;
    rules.offset = 1;
    assert_int_equal(glimpse_classifier_label_many(&l, &v, c, &rules, picture, 1, 1),
                     GLIMPSE_E_INVALID);
    glimpse_classifier_free(c);
}

static void examples_add_to_the_logit(void **state) {
    (void)state;
    static const float examples[] = {0.9f, 0.1f, 0, 0.8f, -0.1f, 0, 0.1f, 0.9f, 0, 0, 1, 0.2f};
    static const size_t classes[] = {1, 1, 0, 0}; /* the words of x and y swapped */
    glimpse_classifier *c = build(NULL, 0);
    glimpse_examples_report report = GLIMPSE_EXAMPLES_REPORT_INIT;
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    glimpse_label l[3];
    glimpse_label_verdict v;
    double before[4], after[4], m[2] = {0, 0};
    assert_ok(glimpse_classifier_logits(before, c, picture, 1));
    assert_float_equal(before[0], 3.0, 1e-5);
    assert_float_equal(before[2], -5.0, 1e-5);
    assert_ok(glimpse_classifier_add_examples(&report, c, examples, classes, 4));
    assert_int_equal(report.right_before, 0);
    assert_int_equal(report.right_after, 4);
    assert_ok(glimpse_classifier_logits(after, c, picture, 1));
    for (int i = 0; i < 4; i++) {
        double dot = 0, norm = 0;
        for (int j = 0; j < 3; j++) {
            dot += (double)examples[3 * i + j] * (double)picture[j];
            norm += (double)examples[3 * i + j] * (double)examples[3 * i + j];
        }
        m[classes[i]] += exp(-report.beta * (1 - dot / sqrt(norm))) / 2;
    }
    assert_true(fabs(after[0] - (before[0] + report.alpha * (m[0] - m[1]) / 2)) < 1e-5);
    assert_true(fabs(after[1] - (before[1] + report.alpha * (m[1] - m[0]) / 2)) < 1e-5);
    assert_float_equal(after[2], -5.0, 1e-5);
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, picture, 1, 3));
    assert_int_equal(l[0].class_index, 1);
    assert_true(fabs(l[0].probability - 1 / (1 + exp(-after[1]))) < 1e-6);
    glimpse_classifier_free(c);
}

/* The smoothed loss that platt.c minimises, written out. */
static double smoothed_loss(const glimpse_platt_pair *pairs, size_t count, double t, double b) {
    double right = 0, sum = 0;
    for (size_t i = 0; i < count; i++)
        right += pairs[i].right;
    double yes = (right + 1) / (right + 2), no = 1 / ((double)count - right + 2);
    for (size_t i = 0; i < count; i++) {
        double p = 1 / (1 + exp(-(pairs[i].logit / t + b))), y = pairs[i].right ? yes : no;
        sum -= y * log(p) + (1 - y) * log(1 - p);
    }
    return sum;
}

static void the_line_has_the_least_loss(void **state) {
    (void)state;
    enum { N = 60 };
    glimpse_platt_pair pairs[N];
    uint32_t noise = 5;
    for (int i = 0; i < N; i++) {
        noise = noise * 1664525u + 1013904223u;
        pairs[i].logit = -12 + 0.3 * i;
        /* Surer with the logit, around -6 rather than 0. */
        pairs[i].right = (double)(noise >> 8) / 16777216.0 < 1 / (1 + exp(-(i - 20) / 5.0));
    }
    double t, b;
    glimpse_platt_fit(pairs, N, &t, &b);
    double min = smoothed_loss(pairs, N, t, b);
    assert_true(t > 0.5 && t < 5 && b > 0);
    for (double dt = 0.9; dt < 1.11; dt += 0.02) {
        for (double db = -0.5; db < 0.51; db += 0.1)
            assert_true(smoothed_loss(pairs, N, t * dt, b + db) >= min - 1e-9);
    }
    /* All right: no certainty. All wrong, and wrong order: still finite, order kept. */
    for (int i = 0; i < N; i++)
        pairs[i].right = 1;
    glimpse_platt_fit(pairs, N, &t, &b);
    double p = 1 / (1 + exp(-(pairs[0].logit / t + b)));
    assert_true(isfinite(t) && isfinite(b) && t > 0 && p > 0.9 && p < 1);
    for (int i = 0; i < N; i++)
        pairs[i].right = i < N / 2;
    glimpse_platt_fit(pairs, N, &t, &b);
    assert_float_equal(t, 50.0, 1e-9);
    assert_true(fabs(b) < 1);
    /* One logit for all. */
    for (int i = 0; i < N; i++)
        pairs[i] = (glimpse_platt_pair){-8, i % 4 != 0};
    glimpse_platt_fit(pairs, N, &t, &b);
    assert_true(fabs(1 / (1 + exp(-(-8 / t + b))) - 0.75) < 0.01);
    for (int i = 0; i < N; i++)
        pairs[i].logit = 0;
    glimpse_platt_fit(pairs, N, &t, &b);
    assert_true(fabs(1 / (1 + exp(-b)) - 0.75) < 0.01);
}

static void calibration_says_how_often_the_best_class_is_right(void **state) {
    (void)state;
    /* Logits of an unsure model: -8 and -9 for the best class, right 9 and 3 times of 10. */
    enum { N = 200 };
    double logits[N * 3], thresholds[2];
    size_t truth[N];
    glimpse_calibration c = GLIMPSE_CALIBRATION_INIT;
    for (size_t i = 0; i < N; i++) {
        int sure = i % 2 == 0;
        size_t orientation = (i / 2 + i / 20) % 10; /* evenly spread over the fifths */
        logits[3 * i] = sure ? -8 : -9, logits[3 * i + 1] = -12, logits[3 * i + 2] = -INFINITY;
        truth[i] = orientation < (sure ? 9 : 3) ? 0 : orientation == 9 ? GLIMPSE_NONE_OF_THESE : 1;
    }
    assert_ok(glimpse_calibrate(&c, GLIMPSE_SCORING_SIGMOID, logits, truth, N, 2, 0.85));
    assert_float_equal(c.accuracy, 0.6, 1e-12);
    assert_true(fabs(1 / (1 + exp(-(-8 / c.temperature + c.offset))) - 0.9) < 0.01);
    assert_true(fabs(1 / (1 + exp(-(-9 / c.temperature + c.offset))) - 0.3) < 0.01);
    assert_true(c.ece_before > 0.55 && c.ece_after < 0.06);
    assert_true(c.nll_before > 4 && c.nll_after < 0.5);
    assert_true(c.target_met);
    assert_float_equal(c.precision, 0.9, 1e-12);
    assert_float_equal(c.coverage, 0.5, 1e-12);
    assert_true(c.threshold > 0.3 && c.threshold < 0.9);
    /* Several labels: thresholds on the model's own probabilities, and no background needed. */
    assert_ok(glimpse_calibrate_thresholds(thresholds, GLIMPSE_SCORING_SIGMOID, logits, truth, N, 2,
                                           0.85));
    assert_true(thresholds[0] > 1 / (1 + exp(9.0)) && thresholds[0] < 1 / (1 + exp(8.0)));
    assert_float_equal(thresholds[1], 1.01, 1e-9); /* never right often enough */
}

static void a_calibration_is_kept_with_its_offset(void **state) {
    (void)state;
    char *directory = make_temp_directory();
    const char *path = path_in(directory, "c.json");
    glimpse_classifier *c = build(NULL, 0);
    glimpse_calibration kept = GLIMPSE_CALIBRATION_INIT, back = GLIMPSE_CALIBRATION_INIT;
    kept.temperature = 2;
    kept.offset = 3.25;
    kept.threshold = 0.5;
    assert_ok(glimpse_calibration_write(&kept, c, NULL, path));
    assert_ok(glimpse_calibration_read(&back, NULL, c, path));
    assert_true(back.temperature == 2 && back.offset == 3.25 && back.threshold == 0.5);
    c->scoring = GLIMPSE_SCORING_SOFTMAX;
    assert_int_equal(glimpse_calibration_read(&back, NULL, c, path), GLIMPSE_E_FORMAT);
    glimpse_classifier_free(c);
    remove_tree(directory);
    free(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_of_each_class_alone),
        cmocka_unit_test(limits_and_background_abstain),
        cmocka_unit_test(several_labels_need_no_background),
        cmocka_unit_test(temperature_and_offset_bend_the_probability),
        cmocka_unit_test(examples_add_to_the_logit),
        cmocka_unit_test(the_line_has_the_least_loss),
        cmocka_unit_test(calibration_says_how_often_the_best_class_is_right),
        cmocka_unit_test(a_calibration_is_kept_with_its_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
