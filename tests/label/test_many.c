/*
 * Labels of many pictures: against the plain reference, on cases worked out by hand, with examples;
 * and calibration.
 */
#include "support/test.h"

#include "label_internal.h"
#include "support/fake_model.h"

#include <glimpse/calibrate.h>

static uint32_t noise_state;

/* The fakes are there for the sources; nothing here needs the things themselves. */
static const void *const unused[] = {&fake_model, &fake_encoder};

static float noise(void) {
    noise_state = noise_state * 1664525u + 1013904223u;
    return (float)(noise_state >> 8) / 16777216.0f - 0.5f;
}

static void fill(float *rows, size_t count) {
    for (size_t i = 0; i < count; i++)
        rows[i] = noise();
}

static void to_unit(float *rows, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        double norm = 0;
        for (size_t j = 0; j < width; j++)
            norm += (double)rows[i * width + j] * (double)rows[i * width + j];
        for (size_t j = 0; j < width; j++)
            rows[i * width + j] = (float)((double)rows[i * width + j] / sqrt(norm));
    }
}

static void many_agree_with_the_plain_reference_and_with_themselves(void **state) {
    (void)state;
    enum { K = 301, E = 96, N = 300, TOP = 70 };
    static float weights[K * E], pictures[N * E];
    static char names[K][16];
    static glimpse_label labels[N * TOP], alone[TOP], plain[TOP];
    static glimpse_label_verdict verdicts[N];
    const char *list[K];
    glimpse_classifier *c = NULL;
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    noise_state = 7;
    fill(weights, K * E);
    to_unit(weights, K, E);
    fill(pictures, N * E); /* of any length */
    for (int k = 0; k < K; k++) {
        (void)snprintf(names[k], sizeof names[k], "%d", k);
        list[k] = names[k];
    }
    assert_ok(glimpse_classifier_from_weights(&c, list, K, weights, E, 50));
    assert_ok(glimpse_classifier_label_many(labels, verdicts, c, &rules, pictures, N, TOP));
    for (size_t i = 0; i < N; i++) {
        glimpse_label_verdict verdict;
        assert_int_equal(glimpse_classifier_score(plain, c, pictures + i * E, TOP), TOP);
        assert_ok(
            glimpse_classifier_label_many(alone, &verdict, c, &rules, pictures + i * E, 1, TOP));
        for (size_t t = 0; t < TOP; t++) {
            const glimpse_label *l = &labels[i * TOP + t];
            assert_true(fabs(l->score - plain[t].score) < 1e-6);
            assert_true(fabs(l->probability - plain[t].probability) < 1e-4);
            assert_int_equal(l->accepted, t == 0);
            /* Whatever else is in the call. */
            assert_true(fabs(l->score - alone[t].score) < 1e-6);
            assert_true(fabs(l->probability - alone[t].probability) < 1e-4);
        }
        assert_true(fabs(verdicts[i].margin - verdict.margin) < 1e-4);
        assert_true(fabs(verdicts[i].margin - (plain[0].probability - plain[1].probability)) <
                    1e-4);
        assert_true(verdicts[i].background == -1);
    }
    /* A short list, by insertion, has the same beginning as a long one, by sorting. */
    assert_ok(glimpse_classifier_label_many(alone, verdicts, c, &rules, pictures, 3, 2));
    assert_int_equal(alone[2].class_index, labels[TOP].class_index);
    assert_int_equal(alone[3].class_index, labels[TOP + 1].class_index);
    glimpse_classifier_free(c);
}

/* Classes a (1,0) and b (0,1), background (-1,0) and (0.6,0.8); scale 2. */
static glimpse_classifier *with_background(void) {
    static const char *const names[] = {"a", "b"};
    static const float rows[] = {1, 0, 0, 1, -1, 0, 0.6f, 0.8f};
    glimpse_classifier *c = NULL;
    assert_ok(glimpse_classifier_from_rows(&c, names, 2, 2, rows, 2, 2.0));
    return c;
}

static void abstention_follows_the_rules(void **state) {
    (void)state;
    glimpse_classifier *c = with_background();
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    glimpse_label l[2];
    glimpse_label_verdict v;
    const float a[] = {3, 0}, left[] = {-1, 0}, between[] = {1, 1};
    /* Logits 2, 0 and background max(-2, 1.2): e^2, 1, e^1.2 = 7.389056, 1, 3.320117. */
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 2));
    assert_float_equal(l[0].probability, 0.6310485, 1e-6);
    assert_float_equal(l[1].probability, 0.0854031, 1e-6);
    assert_float_equal(v.background, 0.2835484, 1e-6);
    assert_float_equal(v.margin, 0.5456454, 1e-6);
    assert_int_equal(v.reason, GLIMPSE_CLAIMED);
    assert_true(l[0].accepted && !l[1].accepted);
    /* Nothing but background: -2, 0, and 2 for "none of these". */
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, left, 1, 2));
    assert_int_equal(v.reason, GLIMPSE_ABSTAINED_BACKGROUND);
    assert_false(l[0].accepted);
    /* Temperature 2: logits 1, 0, 0.6. */
    rules.temperature = 2;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 1));
    assert_float_equal(l[0].probability, 0.4906291, 1e-6);
    rules.temperature = 1;
    /* Limits are met when they are equalled. */
    rules.ignore_background = 1;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 1));
    double p = l[0].probability;
    assert_float_equal(p, 0.8807971, 1e-6);
    assert_true(v.background == -1);
    rules.min_probability = p;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 1));
    assert_int_equal(v.reason, GLIMPSE_CLAIMED);
    rules.min_probability = p + 1e-9;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 1));
    assert_int_equal(v.reason, GLIMPSE_ABSTAINED_PROBABILITY);
    rules.min_probability = -1;
    rules.min_margin = 0.01;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, between, 1, 1));
    assert_int_equal(v.reason, GLIMPSE_ABSTAINED_MARGIN);
    assert_int_equal(l[0].class_index, 0); /* a tie comes in class order */
    glimpse_classifier_free(c);
}

static void several_labels_are_each_against_the_background(void **state) {
    (void)state;
    glimpse_classifier *c = with_background();
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    glimpse_label l[2];
    glimpse_label_verdict v;
    const float a[] = {1, 0};
    double thresholds[] = {0.7, 0.2};
    rules.multi_label = 1;
    /* a: 2 against 1.2; b: 0 against 1.2. */
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 2));
    assert_float_equal(l[0].probability, 0.6899745, 1e-6); /* 1 / (1 + exp(-0.8)) */
    assert_float_equal(l[1].probability, 0.2314752, 1e-6);
    assert_true(l[0].accepted && !l[1].accepted);
    rules.class_thresholds = thresholds;
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 2));
    assert_true(!l[0].accepted && l[1].accepted);
    assert_int_equal(v.reason, GLIMPSE_CLAIMED);
    thresholds[1] = -1; /* the usual one: 0.5 */
    assert_ok(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 2));
    assert_int_equal(v.reason, GLIMPSE_ABSTAINED_THRESHOLD);
    glimpse_classifier_free(c);
    static const char *const one[] = {"a"};
    assert_ok(glimpse_classifier_from_weights(&c, one, 1, a, 2, 1));
    assert_int_equal(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 1), GLIMPSE_E_INVALID);
    rules.multi_label = 0;
    rules.temperature = 0;
    assert_int_equal(glimpse_classifier_label_many(l, &v, c, &rules, a, 1, 1), GLIMPSE_E_INVALID);
    rules.temperature = 1;
    const float zero[] = {0, 0};
    assert_int_equal(glimpse_classifier_label_many(l, &v, c, &rules, zero, 1, 1),
                     GLIMPSE_E_INVALID);
    assert_ok(glimpse_classifier_label_many(NULL, NULL, c, &rules, zero, 0, 1));
    glimpse_classifier_free(c);
}

static void examples_help_where_words_fail(void **state) {
    (void)state;
    /* The words for a and b are swapped; the examples are not. */
    static const char *const names[] = {"a", "b", "c"};
    static const float weights[] = {0, 1, 0, 1, 0, 0, 0, 0, 1};
    static const float examples[] = {1,    0.1f, 0, 1,     -0.1f, 0, 1, 0, 0.1f,
                                     0.1f, 1,    0, -0.1f, 1,     0, 0, 1, 0.1f};
    static const size_t classes[] = {0, 0, 0, 1, 1, 1};
    glimpse_examples_report report = GLIMPSE_EXAMPLES_REPORT_INIT,
                            again = GLIMPSE_EXAMPLES_REPORT_INIT;
    glimpse_classifier *c = NULL, *d = NULL;
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    glimpse_label l;
    glimpse_label_verdict v;
    assert_ok(glimpse_classifier_from_weights(&c, names, 3, weights, 3, 10));
    char before[33];
    (void)snprintf(before, sizeof before, "%s", glimpse_classifier_id(c));
    assert_ok(glimpse_classifier_add_examples(&report, c, examples, classes, 6));
    assert_int_equal(report.chosen, 1);
    assert_int_equal(report.held_out, 6);
    assert_int_equal(report.right_before, 0);
    assert_int_equal(report.right_after, 6);
    assert_true(report.alpha > 0);
    assert_string_not_equal(before, glimpse_classifier_id(c));
    const float a[] = {1, 0, 0}, other[] = {0, 0, 1};
    assert_ok(glimpse_classifier_label_many(&l, &v, c, &rules, a, 1, 1));
    assert_int_equal(l.class_index, 0);
    /* A class without examples still has its words. */
    assert_ok(glimpse_classifier_label_many(&l, &v, c, &rules, other, 1, 1));
    assert_int_equal(l.class_index, 2);
    /* The logit by hand, at a's own picture: the three affinities of a, of b, less their mean. */
    double logits[4], m[2] = {0, 0};
    assert_ok(glimpse_classifier_logits(logits, c, a, 1));
    for (int i = 0; i < 6; i++) {
        const float *f = examples + 3 * i;
        double norm = sqrt((double)(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]));
        m[i / 3] += exp(-report.beta * (1 - (double)f[0] / norm)) / 3;
    }
    assert_true(fabs(logits[0] - report.alpha * (m[0] - (m[0] + m[1]) / 2)) < 1e-5);
    assert_float_equal(logits[2], 0.0, 1e-5);
    /* The same examples, the same classifier. */
    assert_ok(glimpse_classifier_from_weights(&d, names, 3, weights, 3, 10));
    assert_ok(glimpse_classifier_add_examples(&again, d, examples, classes, 6));
    assert_string_equal(glimpse_classifier_id(c), glimpse_classifier_id(d));
    assert_int_equal(glimpse_classifier_add_examples(NULL, d, examples, classes, 6),
                     GLIMPSE_E_INVALID);
    glimpse_classifier_free(c);
    glimpse_classifier_free(d);
}

static void one_example_a_class_cannot_be_held_out(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b"};
    static const float rows[] = {1, 0, 0, 1};
    static const size_t classes[] = {0, 1}, beyond[] = {0, 2};
    glimpse_examples_report report = GLIMPSE_EXAMPLES_REPORT_INIT;
    glimpse_classifier *c = NULL;
    assert_ok(glimpse_classifier_from_weights(&c, names, 2, rows, 2, 10));
    assert_int_equal(glimpse_classifier_add_examples(&report, c, rows, beyond, 2),
                     GLIMPSE_E_INVALID);
    const float bad[] = {1, 0, 0, 0};
    assert_int_equal(glimpse_classifier_add_examples(&report, c, bad, classes, 2),
                     GLIMPSE_E_INVALID);
    assert_ok(glimpse_classifier_add_examples(&report, c, rows, classes, 2));
    assert_int_equal(report.chosen, 0);
    assert_float_equal(report.alpha, 1.0, 1e-9);
    assert_float_equal(report.beta, 5.5, 1e-9);
    glimpse_classifier_free(c);
}

/*
 * Calibration.
 */
static void temperature_is_the_one_of_the_least_log_loss(void **state) {
    (void)state;
    /* Two classes, logits 4 and 0: right 3 times of 4. The best p is 3/4, so 4 / T = log 3. */
    enum { N = 40 };
    double logits[N * 3];
    size_t truth[N];
    for (size_t i = 0; i < N; i++) {
        logits[3 * i] = 4, logits[3 * i + 1] = 0, logits[3 * i + 2] = -INFINITY;
        truth[i] = i % 4 == 3;
    }
    glimpse_calibration c = GLIMPSE_CALIBRATION_INIT;
    assert_ok(glimpse_calibrate(&c, GLIMPSE_SCORING_SOFTMAX, logits, truth, N, 2, 0));
    assert_float_equal(c.temperature, 3.640957, 1e-4);
    assert_float_equal(c.accuracy, 0.75, 1e-12);
    assert_float_equal(c.nll_after, -(0.75 * log(0.75) + 0.25 * log(0.25)), 1e-9);
    assert_float_equal(c.ece_before, 0.2320138, 1e-6);
    assert_true(c.ece_after < 0.05); /* each fifth with the temperature of the others */
    assert_true(c.threshold == -1 && !c.target_met);
    /* The figure stays the same when one runs over any valley of log T around it. */
    for (double t = 1; t < 10; t *= 1.1) {
        double p = 1 / (1 + exp(-4 / t));
        assert_true(-(0.75 * log(p) + 0.25 * log(1 - p)) >= c.nll_after - 1e-9);
    }
}

static void threshold_reaches_the_wanted_precision(void **state) {
    (void)state;
    /* Ten pictures, surer and surer; wrong are the 1st, the 3rd and the 6th. */
    enum { N = 10 };
    double logits[N * 3];
    size_t truth[N];
    for (size_t i = 0; i < N; i++) {
        logits[3 * i] = 1 + 0.3 * (double)i, logits[3 * i + 1] = 0;
        logits[3 * i + 2] = -INFINITY;
        truth[i] = i == 0 || i == 2 ? 1 : i == 5 ? GLIMPSE_NONE_OF_THESE : 0;
    }
    glimpse_calibration c = GLIMPSE_CALIBRATION_INIT;
    assert_ok(glimpse_calibrate(&c, GLIMPSE_SCORING_SOFTMAX, logits, truth, N, 2, 0.8));
    /* From the surest on: 1/1 2/2 3/3 4/4 4/5 5/6 6/7 6/8 7/9 7/10. The seven surest are right 6/7
     * of the time. */
    assert_int_equal(c.unknown, 1);
    assert_true(c.target_met);
    assert_float_equal(c.precision, 6.0 / 7, 1e-12);
    assert_float_equal(c.coverage, 0.7, 1e-12);
    double last = 1 / (1 + exp(-1.9 / c.temperature)), next = 1 / (1 + exp(-1.6 / c.temperature));
    assert_true(c.threshold > next && c.threshold < last);
    assert_true(c.precision_low > 0.4 && c.precision_low < c.precision);
    assert_ok(glimpse_calibrate(&c, GLIMPSE_SCORING_SOFTMAX, logits, truth, N, 2, 1.0));
    assert_float_equal(c.coverage, 0.4, 1e-12);
    /* No threshold makes wrong answers right. */
    for (size_t i = 0; i < N; i++)
        truth[i] = 1;
    assert_ok(glimpse_calibrate(&c, GLIMPSE_SCORING_SOFTMAX, logits, truth, N, 2, 0.5));
    assert_true(!c.target_met && c.threshold == -1);
    for (size_t i = 0; i < N; i++)
        truth[i] = GLIMPSE_NONE_OF_THESE;
    assert_int_equal(glimpse_calibrate(&c, GLIMPSE_SCORING_SOFTMAX, logits, truth, N, 2, 0.5),
                     GLIMPSE_E_INVALID);
    truth[0] = 2;
    assert_int_equal(glimpse_calibrate(&c, GLIMPSE_SCORING_SOFTMAX, logits, truth, N, 2, 0.5),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_calibrate(&c, GLIMPSE_SCORING_SOFTMAX, logits, truth, N, 2, 1.5),
                     GLIMPSE_E_INVALID);
}

/* `wrong` of the pictures are mistakes, by logits of `apart`. */
static void calibrate_with(glimpse_calibration *c, glimpse_scoring scoring, size_t count,
                           size_t wrong, double apart) {
    enum { MAX_COUNT = 200 };
    double logits[MAX_COUNT * 3];
    size_t truth[MAX_COUNT];
    assert_true(count <= MAX_COUNT);
    for (size_t i = 0; i < count; i++) {
        truth[i] = i * wrong / count != (i + 1) * wrong / count; /* evenly spread, and less sure */
        logits[3 * i] = apart * (truth[i] ? 0.6 : 1) * (1 + 0.1 * (double)(i % 7));
        logits[3 * i + 1] = 0, logits[3 * i + 2] = -INFINITY;
    }
    glimpse_calibration fresh = GLIMPSE_CALIBRATION_INIT;
    *c = fresh;
    assert_ok(glimpse_calibrate(c, scoring, logits, truth, count, 2, 0));
    assert_int_equal(c->mistakes, wrong);
}

static void a_sample_without_mistakes_does_not_become_certainty(void **state) {
    (void)state;
    static const glimpse_scoring scorings[] = {GLIMPSE_SCORING_SOFTMAX, GLIMPSE_SCORING_SIGMOID};
    glimpse_calibration c;
    for (size_t s = 0; s < 2; s++) {
        /* Nothing wrong, nearly nothing, nothing right, nearly nothing: nobody can tell. */
        static const size_t mistakes[] = {0, 1, 4, 96, 100};
        for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
            calibrate_with(&c, scorings[s], 100, mistakes[i], 2);
            assert_int_equal(c.scale, GLIMPSE_SCALE_TOO_FEW);
            assert_true(c.temperature == 1 && c.offset == 0);
            assert_true(c.nll_after == c.nll_before && c.ece_after == c.ece_before);
            assert_non_null(strstr(glimpse_calibration_kept(&c), "too few"));
        }
        calibrate_with(&c, scorings[s], 100, 5, 2);
        assert_int_equal(c.scale, GLIMPSE_SCALE_FITTED);
        assert_true(c.temperature != 1 && c.temperature > 0.02 && c.temperature < 50);
        assert_null(glimpse_calibration_kept(&c));
    }
    /* Enough of both, but what fits best is beyond the range: differences of a millionth that are
     * nearly always right, and of a million that are as good as a coin. */
    calibrate_with(&c, GLIMPSE_SCORING_SOFTMAX, 100, 10, 1e-6);
    assert_int_equal(c.scale, GLIMPSE_SCALE_AT_LIMIT);
    assert_true(c.temperature == 1);
    calibrate_with(&c, GLIMPSE_SCORING_SOFTMAX, 100, 50, 1e6);
    assert_int_equal(c.scale, GLIMPSE_SCALE_AT_LIMIT);
    assert_true(c.temperature == 1);
    assert_non_null(strstr(glimpse_calibration_kept(&c), "limit"));
}

static void ties_are_claimed_together_or_not_at_all(void **state) {
    (void)state;
    double logits[4 * 3];
    static const size_t truth[] = {0, 1, 0, 0};
    for (size_t i = 0; i < 4; i++)
        logits[3 * i] = i < 2 ? 2 : 1, logits[3 * i + 1] = 0, logits[3 * i + 2] = -INFINITY;
    glimpse_calibration c = GLIMPSE_CALIBRATION_INIT;
    assert_ok(glimpse_calibrate(&c, GLIMPSE_SCORING_SOFTMAX, logits, truth, 4, 2, 0.9));
    assert_false(c.target_met); /* not the right one of the two that are equally sure */
    assert_ok(glimpse_calibrate(&c, GLIMPSE_SCORING_SOFTMAX, logits, truth, 4, 2, 0.75));
    assert_float_equal(c.coverage, 1.0, 1e-12);
}

static void thresholds_of_classes_are_their_own(void **state) {
    (void)state;
    /* Class 0: its pictures at 3 and 2, others at 1 and 0. Class 1: never right. Class 2: unseen.
     */
    double logits[4 * 4], thresholds[3];
    static const size_t truth[] = {0, 0, 1, GLIMPSE_NONE_OF_THESE};
    static const double zero[] = {3, 2, 1, 0}, one[] = {4, 3, 2, 5};
    for (size_t i = 0; i < 4; i++) {
        logits[4 * i] = zero[i], logits[4 * i + 1] = one[i];
        logits[4 * i + 2] = 0, logits[4 * i + 3] = 0;
    }
    assert_ok(glimpse_calibrate_thresholds(thresholds, GLIMPSE_SCORING_SOFTMAX, logits, truth, 4, 3,
                                           0.9));
    assert_true(thresholds[0] < 1 / (1 + exp(-2)) && thresholds[0] > 1 / (1 + exp(-1)));
    assert_float_equal(thresholds[1], 1.01, 1e-12);
    assert_float_equal(thresholds[2], -1, 0);
    assert_ok(
        glimpse_calibrate_thresholds(thresholds, GLIMPSE_SCORING_SOFTMAX, logits, truth, 4, 3, 0));
    assert_true(thresholds[0] < 1 / (1 + exp(-2)) && thresholds[0] > 1 / (1 + exp(-1)));
}

static void calibrations_are_kept_for_their_classifier_only(void **state) {
    (void)state;
    char *directory = make_temp_directory();
    const char *path = path_in(directory, "c.json");
    glimpse_classifier *c = with_background(), *other = NULL;
    glimpse_calibration out = GLIMPSE_CALIBRATION_INIT, in = GLIMPSE_CALIBRATION_INIT;
    in.temperature = 1.0 / 3;
    in.threshold = 0.1234567890123;
    in.precision_target = 0.9;
    in.target_met = 1;
    double thresholds[] = {0.7, -1}, read[] = {0, 0};
    assert_ok(glimpse_calibration_write(&in, c, thresholds, path));
    assert_ok(glimpse_calibration_read(&out, read, c, path));
    assert_true(out.temperature == in.temperature && out.threshold == in.threshold);
    assert_true(read[0] == 0.7 && read[1] == -1);
    assert_ok(glimpse_classifier_from_weights(&other, (const char *const[]){"a", "c"}, 2,
                                              glimpse_classifier_weights(c), 2, 2));
    assert_int_equal(glimpse_calibration_read(&out, read, other, path), GLIMPSE_E_INVALID);
    static const char *const bad[] = {"", "[]", "{}", "{\"format\":\"glimpse-calibration\"}",
                                      "{\"format\":\"glimpse-calibration\",\"classifier\":7}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(path, bad[i]);
        assert_int_equal(glimpse_calibration_read(&out, read, c, path), GLIMPSE_E_FORMAT);
    }
    write_formatted(path,
                    "{\"format\":\"glimpse-calibration\",\"version\":1,\"classifier\":\"%s\","
                    "\"temperature\":-1}",
                    glimpse_classifier_id(c));
    assert_int_equal(glimpse_calibration_read(&out, read, c, path), GLIMPSE_E_FORMAT);
    glimpse_classifier_free(c);
    glimpse_classifier_free(other);
    remove_tree(directory);
    free(directory);
}

int main(void) {
    (void)unused;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_agree_with_the_plain_reference_and_with_themselves),
        cmocka_unit_test(abstention_follows_the_rules),
        cmocka_unit_test(several_labels_are_each_against_the_background),
        cmocka_unit_test(examples_help_where_words_fail),
        cmocka_unit_test(one_example_a_class_cannot_be_held_out),
        cmocka_unit_test(temperature_is_the_one_of_the_least_log_loss),
        cmocka_unit_test(threshold_reaches_the_wanted_precision),
        cmocka_unit_test(a_sample_without_mistakes_does_not_become_certainty),
        cmocka_unit_test(ties_are_claimed_together_or_not_at_all),
        cmocka_unit_test(thresholds_of_classes_are_their_own),
        cmocka_unit_test(calibrations_are_kept_for_their_classifier_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
