/*
 * Figures of labels and retrieval: cases worked out by hand, ties, and plain references on random
 * data full of ties.
 */
#include "support/test.h"

#include <glimpse/evaluate.h>

#include <math.h>

enum { CLASSES = 6 };

#define close_to(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static const glimpse_eval_options no_samples = {.size = sizeof no_samples};

/* A picture of one class with a probability for each class. */
static void add(glimpse_label_eval *e, size_t truth, const double *probabilities, size_t count) {
    glimpse_guess guesses[CLASSES];
    for (size_t c = 0; c < count; c++)
        guesses[c] = (glimpse_guess){c, probabilities[c], NAN, 0};
    assert_ok(glimpse_label_eval_add(e, &truth, 1, guesses, count, 0));
}

static void accuracy_recall_and_f1_are_as_worked_out_by_hand(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    assert_ok(glimpse_label_eval_create(&e, CLASSES));
    add(e, 0, (double[]){.50, .20, .10, .08, .07, .05}, 6); /* rank 1 */
    add(e, 1, (double[]){.40, .30, .10, .08, .07, .05}, 6); /* rank 2, taken for 0 */
    add(e, 5, (double[]){.40, .30, .10, .08, .07, .05}, 6); /* rank 6, taken for 0 */
    add(e, 0, (double[]){.20, .10, .50, .08, .07, .05}, 6); /* rank 2, taken for 2 */
    assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
    close_to(r->top1.value, 1.0 / 4);
    close_to(r->top5.value, 3.0 / 4);
    close_to(r->mean_per_class_recall.value, (1.0 / 2 + 0 + 0) / 3);
    /* Classes 0, 1, 2, 5 occur; class 0: 2 x 1 / (2 + 3). */
    close_to(r->macro_f1.value, (0.4 + 0 + 0 + 0) / 4);
    assert_true(isnan(r->top1.low));
    assert_int_equal(r->classes[0].pictures, 2);
    assert_int_equal(r->classes[0].guessed, 3);
    assert_int_equal(r->classes[0].right, 1);
    close_to(r->classes[0].precision, 1.0 / 3);
    assert_int_equal(r->confusion[0 * (CLASSES + 1) + 0], 1);
    assert_int_equal(r->confusion[0 * (CLASSES + 1) + 2], 1);
    assert_int_equal(r->confusion[1 * (CLASSES + 1) + 0], 1);
    assert_int_equal(r->confusion[5 * (CLASSES + 1) + 0], 1);
    glimpse_label_report_free(r);
    glimpse_label_eval_free(e);
}

static void the_same_answer_for_everything_is_never_right(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    assert_ok(glimpse_label_eval_create(&e, CLASSES));
    static const double same[] = {.1, .1, .1, .1, .1, .1};
    for (size_t c = 0; c < 4; c++)
        add(e, c, same, 6);
    assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
    close_to(r->top1.value, 0);
    close_to(r->top5.value, 0);
    close_to(r->mean_per_class_recall.value, 0);
    close_to(r->macro_f1.value, 0);
    /* One picture of four behind the three others: 1/4; two classes have no picture. */
    close_to(r->map.value, (4 * 0.25 + 0 + 0) / 6);
    glimpse_label_report_free(r);
    glimpse_label_eval_free(e);
}

static void a_tie_with_the_true_class_is_lost_unless_the_score_decides(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    size_t truth = 0;
    const glimpse_guess tied[] = {{0, 0.5, 0.3, 0}, {1, 0.5, 0.3, 0}};
    const glimpse_guess decided[] = {{1, 0.5, 0.29, 0}, {0, 0.5, 0.3, 0}};
    assert_ok(glimpse_label_eval_create(&e, 2));
    assert_ok(glimpse_label_eval_add(e, &truth, 1, tied, 2, 0));
    assert_ok(glimpse_label_eval_add(e, &truth, 1, decided, 2, 0));
    assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
    close_to(r->top1.value, 0.5);
    assert_true(isnan(r->top5.value)); /* two classes: top-5 says nothing */
    assert_int_equal(r->classes[1].guessed, 1);
    close_to(r->mean_per_class_recall.value, 0.5);
    glimpse_label_report_free(r);
    glimpse_label_eval_free(e);
}

static void average_precision_is_as_worked_out_by_hand(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    static const double scores[] = {.9, .8, .7, .6};
    assert_ok(glimpse_label_eval_create(&e, 2));
    for (size_t i = 0; i < 4; i++) {
        /* Class 0 has pictures 0 and 2; class 1 has pictures 1, 2 and 3, all scored alike. */
        const size_t first[] = {0}, second[] = {1}, both[] = {0, 1};
        const size_t *truth = i == 0 ? first : i == 2 ? both : second;
        const glimpse_guess guesses[] = {{0, NAN, scores[i], i == 0}, {1, NAN, 0.5, 1}};
        assert_ok(glimpse_label_eval_add(e, truth, i == 2 ? 2 : 1, guesses, 2, 0));
    }
    assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
    assert_true(r->multi_label);
    close_to(r->classes[0].average_precision, (1.0 + 2.0 / 3) / 2);
    /* The one that is not of the class comes first: 1/2, 2/3, 3/4. */
    close_to(r->classes[1].average_precision, (1.0 / 2 + 2.0 / 3 + 3.0 / 4) / 3);
    close_to(r->map.value, (5.0 / 6 + 23.0 / 36) / 2);
    assert_true(isnan(r->top1.value));
    assert_null(r->confusion);
    /* Accepted: class 0 for picture 0 only, class 1 for all. */
    close_to(r->mean_per_class_recall.value, (1.0 / 2 + 1) / 2);
    close_to(r->macro_f1.value, (2.0 / 3 + 6.0 / 7) / 2);
    glimpse_label_report_free(r);
    glimpse_label_eval_free(e);
}

static void calibration_error_is_as_worked_out_by_hand(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    assert_ok(glimpse_label_eval_create(&e, CLASSES));
    add(e, 0, (double[]){.95, .05}, 2);
    add(e, 1, (double[]){.95, .05}, 2);
    add(e, 1, (double[]){.34, .35}, 2);
    assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
    /* Bin 15 has the first two, half of them right; bin 6, (1/3, 0.4], the third. */
    close_to(r->ece.value, (fabs(1 - 1.9) + fabs(1 - 0.35)) / 3);
    assert_int_equal(r->bins[14].pictures, 2);
    assert_int_equal(r->bins[5].pictures, 1);
    close_to(r->bins[14].accuracy, 0.5);
    assert_true(isnan(r->bins[0].accuracy));
    assert_true(isnan(r->top5.value)); /* only two of six classes were named */
    assert_true(isnan(r->map.value));
    /* The curve: the two most certain together, half right; all, two thirds right. */
    assert_int_equal(r->curve_count, 2);
    close_to(r->curve[0].coverage, 2.0 / 3);
    close_to(r->curve[0].accuracy, 0.5);
    close_to(r->curve[1].accuracy, 2.0 / 3);
    close_to(r->curve[1].threshold, 0.35);
    glimpse_label_report_free(r);
    glimpse_label_eval_free(e);
}

static void confidence_on_a_bin_edge_belongs_to_the_bin_below(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    assert_ok(glimpse_label_eval_create(&e, CLASSES));
    add(e, 0, (double[]){1.0}, 1);
    add(e, 0, (double[]){0.2}, 1); /* 3/15 */
    add(e, 0, (double[]){0.0}, 1);
    assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
    assert_int_equal(r->bins[14].pictures, 1);
    assert_int_equal(r->bins[2].pictures, 1);
    assert_int_equal(r->bins[0].pictures, 1);
    glimpse_label_report_free(r);
    glimpse_label_eval_free(e);
}

static void a_picture_without_guesses_is_wrong_and_abstaining_lowers_coverage(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    size_t truth = 0;
    const glimpse_guess right = {0, 0.9, NAN, 1}, wrong = {1, 0.6, NAN, 1};
    assert_ok(glimpse_label_eval_create(&e, 2));
    assert_ok(glimpse_label_eval_add(e, &truth, 1, &right, 1, 0));
    assert_ok(glimpse_label_eval_add(e, &truth, 1, &wrong, 1, 1));
    assert_ok(glimpse_label_eval_add(e, &truth, 1, NULL, 0, 0));
    assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
    close_to(r->top1.value, 1.0 / 3);
    close_to(r->coverage.value, 1.0 / 3);
    close_to(r->selective_accuracy.value, 1);
    close_to(r->ece.value, (0.1 + 0.6) / 2);
    assert_int_equal(r->unguessed, 1);
    assert_int_equal(r->abstained, 1);
    assert_int_equal(r->confusion[2], 1); /* taken for nothing */
    glimpse_label_report_free(r);
    glimpse_label_eval_free(e);
}

static void unknown_pictures_are_told_by_confidence(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    size_t truth = 0;
    const glimpse_guess sure[] = {{0, 0.9, NAN, 1}, {1, 0.1, NAN, 0}};
    const glimpse_guess unsure[] = {{0, 0.6, NAN, 1}, {1, 0.4, NAN, 0}};
    assert_ok(glimpse_label_eval_create(&e, 2));
    assert_ok(glimpse_label_eval_add(e, &truth, 1, sure, 2, 0));
    assert_ok(glimpse_label_eval_add(e, &truth, 1, unsure, 2, 0));
    assert_ok(glimpse_label_eval_add(e, NULL, 0, unsure, 2, 1));
    assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
    assert_int_equal(r->pictures, 2);
    assert_int_equal(r->unknowns, 1);
    assert_int_equal(r->unknowns_abstained, 1);
    close_to(r->top1.value, 1);
    close_to(r->auroc_probability, 0.75); /* one pair is won, one a tie */
    close_to(r->auroc_margin, 0.75);
    glimpse_label_report_free(r);
    glimpse_label_eval_free(e);
    /* With one label a picture the margin has to be told; what is not told of all is not judged. */
    for (int told = 0; told < 2; told++) {
        assert_ok(glimpse_label_eval_create(&e, 2));
        assert_int_equal(glimpse_label_eval_margin(e, 0.5), GLIMPSE_E_INVALID);
        assert_ok(glimpse_label_eval_add(e, &truth, 1, sure, 1, 0));
        assert_ok(glimpse_label_eval_margin(e, 0.2));
        assert_ok(glimpse_label_eval_add(e, &truth, 1, unsure, 1, 0));
        assert_ok(glimpse_label_eval_margin(e, 0.8));
        assert_ok(glimpse_label_eval_add(e, NULL, 0, unsure, 1, 1));
        if (told) assert_ok(glimpse_label_eval_margin(e, 0.5));
        assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
        close_to(r->auroc_probability, 0.75);
        assert_true(told ? r->auroc_margin == 0.5 : isnan(r->auroc_margin));
        glimpse_label_report_free(r);
        glimpse_label_eval_free(e);
    }
}

static void auroc_counts_pairs_and_halves_of_ties(void **state) {
    (void)state;
    const double values[] = {3, 2, 2, 1};
    close_to(glimpse_auroc(values, (const unsigned char[]){1, 1, 0, 0}, 4), 3.5 / 4);
    close_to(glimpse_auroc(values, (const unsigned char[]){0, 0, 1, 1}, 4), 0.5 / 4);
    assert_true(isnan(glimpse_auroc(values, (const unsigned char[]){1, 1, 1, 1}, 4)));
    assert_true(isnan(glimpse_auroc(values, NULL, 0)));
    const double broken[] = {1, NAN};
    assert_true(isnan(glimpse_auroc(broken, (const unsigned char[]){1, 0}, 2)));
}

static void intervals_are_the_same_every_time_and_as_wide_as_they_should_be(void **state) {
    (void)state;
    enum { N = 400 };
    glimpse_figure figures[2][2];
    for (int round = 0; round < 2; round++) {
        glimpse_label_eval *e = NULL;
        glimpse_label_report *r = NULL;
        assert_ok(glimpse_label_eval_create(&e, 2));
        for (size_t i = 0; i < N; i++) /* half of them right */
            add(e, i % 2, (double[]){.7, .3}, 2);
        assert_ok(glimpse_label_eval_report(&r, e, NULL));
        figures[round][0] = r->top1;
        figures[round][1] = r->mean_per_class_recall;
        glimpse_label_report_free(r);
        glimpse_label_eval_free(e);
    }
    assert_memory_equal(figures[0], figures[1], sizeof figures[0]);
    /* A mean of N throws of a coin: 1.96 sqrt(0.25 / N) = 0.049 to both sides. */
    assert_true(fabs(figures[0][0].high - 0.5 - 0.049) < 0.008);
    assert_true(fabs(0.5 - figures[0][0].low - 0.049) < 0.008);
    close_to(figures[0][1].low, 0.5); /* one class always right, the other never */
}

static void the_interval_of_map_surrounds_it(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    uint32_t random = 5;
    assert_ok(glimpse_label_eval_create(&e, CLASSES));
    for (size_t i = 0; i < 24; i++) { /* four pictures of each class */
        double p[CLASSES];
        for (size_t c = 0; c < CLASSES; c++) {
            random = random * 1664525u + 1013904223u;
            p[c] = (random >> 8) / 16777216.0 * 0.7 + (c == i % CLASSES ? 0.3 : 0);
        }
        add(e, i % CLASSES, p, CLASSES);
    }
    assert_ok(glimpse_label_eval_report(&r, e, NULL));
    assert_true(r->map.low < r->map.value && r->map.value < r->map.high);
    assert_true(r->map.value - r->map.low < 0.3 && r->map.high - r->map.value < 0.3);
    glimpse_label_report_free(r);
    glimpse_label_eval_free(e);
}

/* Each figure again, from a matrix of few different values, in the plainest way. */
static void figures_equal_their_plain_references_on_data_full_of_ties(void **state) {
    (void)state;
    enum { N = 60, ROUNDS = 20 };
    uint32_t random = 1;
    for (int round = 0; round < ROUNDS; round++) {
        double p[N][CLASSES], top1 = 0, top5 = 0, map = 0;
        size_t truth[N];
        glimpse_label_eval *e = NULL;
        glimpse_label_report *r = NULL;
        assert_ok(glimpse_label_eval_create(&e, CLASSES));
        for (size_t i = 0; i < N; i++) {
            for (size_t c = 0; c < CLASSES; c++) {
                random = random * 1664525u + 1013904223u;
                p[i][c] = ((random >> 16) % 5) / 8.0;
            }
            truth[i] = (random >> 8) % (CLASSES - 1); /* the last class has no pictures */
            add(e, truth[i], p[i], CLASSES);
        }
        assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
        for (size_t i = 0; i < N; i++) {
            int better = 0;
            for (size_t c = 0; c < CLASSES; c++)
                better += c != truth[i] && p[i][c] >= p[i][truth[i]];
            top1 += better < 1;
            top5 += better < 5;
        }
        for (size_t c = 0; c < CLASSES; c++) {
            double sum = 0, positives = 0;
            for (size_t i = 0; i < N; i++) {
                if (truth[i] != c) continue;
                /* Its place: behind all higher ones, all others as high, and those of its own
                 * class as high that came before. */
                double place = 1, own = 1;
                for (size_t k = 0; k < N; k++) {
                    int higher = p[k][c] > p[i][c], equal = p[k][c] >= p[i][c] && !higher;
                    int same = truth[k] == c;
                    place += higher || (equal && !same) || (equal && same && k < i);
                    own += same && (higher || (equal && k < i));
                }
                sum += own / place;
                positives++;
            }
            map += positives > 0 ? sum / positives / CLASSES : 0;
        }
        close_to(r->top1.value, top1 / N);
        close_to(r->top5.value, top5 / N);
        close_to(r->map.value, map);
        glimpse_label_report_free(r);
        glimpse_label_eval_free(e);
    }
}

static void labels_that_make_no_sense_are_refused(void **state) {
    (void)state;
    glimpse_label_eval *e = NULL;
    glimpse_label_report *r = NULL;
    const size_t twice[] = {1, 1}, outside = 2, fine = 0;
    const glimpse_guess same[] = {{0, 0.5, NAN, 0}, {0, 0.4, NAN, 0}}, far = {7, 0.5, NAN, 0};
    const glimpse_guess blank = {0, NAN, NAN, 0};
    assert_int_equal(glimpse_label_eval_create(&e, 0), GLIMPSE_E_INVALID);
    assert_null(e);
    assert_ok(glimpse_label_eval_create(&e, 2));
    assert_int_equal(glimpse_label_eval_report(&r, e, NULL), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_label_eval_add(e, twice, 2, NULL, 0, 0), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_label_eval_add(e, &outside, 1, NULL, 0, 0), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_label_eval_add(e, &fine, 1, same, 2, 0), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_label_eval_add(e, &fine, 1, &far, 1, 0), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_label_eval_add(e, &fine, 1, &blank, 1, 0), GLIMPSE_E_INVALID);
    /* Nothing of that is left behind. */
    assert_ok(glimpse_label_eval_add(e, &fine, 1, same, 1, 0));
    assert_ok(glimpse_label_eval_report(&r, e, &no_samples));
    assert_int_equal(r->pictures, 1);
    const glimpse_eval_options unset = {.samples = 10, .seed = 1};
    glimpse_label_report *none = NULL;
    assert_int_equal(glimpse_label_eval_report(&none, e, &unset), GLIMPSE_E_INVALID);
    glimpse_label_report_free(r);
    glimpse_label_report_free(NULL);
    glimpse_label_eval_free(e);
    glimpse_label_eval_free(NULL);
}

/*
 * Retrieval.
 */
static void ranks_are_as_worked_out_by_hand_and_duplicates_are_ties(void **state) {
    (void)state;
    const float texts[2][2] = {{1, 0}, {0, 1}};
    const float images[3][2] = {{1, 0}, {0, 1}, {1, 0}}; /* the third equals the first */
    const glimpse_pair pairs[] = {{1, 2}, {0, 0}, {1, 1}};
    glimpse_retrieval_report *r = NULL;
    assert_ok(glimpse_retrieval_evaluate(&r, texts[0], 2, images[0], 3, 2, pairs, 3, &no_samples));
    assert_int_equal(r->text_ranks[0], 2); /* the copy does not fit, and comes first */
    assert_int_equal(r->text_ranks[1], 1);
    assert_int_equal(r->image_ranks[0], 1);
    assert_int_equal(r->image_ranks[1], 1);
    assert_int_equal(r->image_ranks[2], 2);
    close_to(r->text_to_image.recall_at_1.value, 0.5);
    close_to(r->text_to_image.recall_at_5.value, 1);
    close_to(r->text_to_image.median_rank.value, 1.5);
    close_to(r->image_to_text.recall_at_1.value, 2.0 / 3);
    close_to(r->image_to_text.median_rank.value, 1);
    close_to(r->image_to_text.mean_rank.value, 4.0 / 3);
    assert_int_equal(r->text_to_image.queries, 2);
    assert_int_equal(r->text_to_image.items, 3);
    glimpse_retrieval_report_free(r);
}

static void any_fitting_item_counts_and_only_the_first_one(void **state) {
    (void)state;
    /* One picture with three captions: the best of them is compared with the foreign ones. */
    const float texts[4][1] = {{0.1f}, {0.9f}, {0.2f}, {0.5f}};
    const float images[2][1] = {{1}, {-1}};
    const glimpse_pair pairs[] = {{0, 0}, {1, 0}, {2, 0}, {3, 1}};
    glimpse_retrieval_report *r = NULL;
    assert_ok(glimpse_retrieval_evaluate(&r, texts[0], 4, images[0], 2, 1, pairs, 4, NULL));
    assert_int_equal(r->image_ranks[0], 1);
    assert_int_equal(r->image_ranks[1], 3); /* -0.1 and -0.2 are more than its -0.5 */
    close_to(r->image_to_text.recall_at_1.value, 0.5);
    assert_true(r->image_to_text.recall_at_1.low >= 0 && r->image_to_text.recall_at_1.high <= 1);
    glimpse_retrieval_report_free(r);
}

static void a_model_that_sees_no_difference_finds_nothing_first(void **state) {
    (void)state;
    enum { N = 12, WIDTH = 19 };
    float rows[N][WIDTH];
    glimpse_pair pairs[N];
    glimpse_retrieval_report *r = NULL;
    for (size_t i = 0; i < N; i++) {
        pairs[i] = (glimpse_pair){i, i};
        for (size_t k = 0; k < WIDTH; k++)
            rows[i][k] = 0.229415733f;
    }
    assert_ok(glimpse_retrieval_evaluate(&r, rows[0], N, rows[0], N, WIDTH, pairs, N, &no_samples));
    close_to(r->text_to_image.recall_at_10.value, 0);
    close_to(r->text_to_image.median_rank.value, N);
    glimpse_retrieval_report_free(r);
}

static void ranks_equal_their_plain_reference_on_data_full_of_ties(void **state) {
    (void)state;
    enum { TEXTS = 50, IMAGES = 40, WIDTH = 3, PAIRS = 70 };
    float texts[TEXTS][WIDTH], images[IMAGES][WIDTH];
    int fits[TEXTS][IMAGES] = {{0}};
    glimpse_pair pairs[PAIRS];
    glimpse_retrieval_report *r = NULL;
    uint32_t random = 3;
    for (size_t i = 0; i < TEXTS * WIDTH; i++)
        texts[i / WIDTH][i % WIDTH] = (float)((random = random * 1664525u + 1013904223u) >> 30);
    for (size_t i = 0; i < IMAGES * WIDTH; i++)
        images[i / WIDTH][i % WIDTH] = (float)((random = random * 1664525u + 1013904223u) >> 30);
    for (size_t i = 0; i < PAIRS; i++) {
        random = random * 1664525u + 1013904223u;
        pairs[i] = (glimpse_pair){i % TEXTS, i < IMAGES ? i : (random >> 8) % IMAGES};
        fits[pairs[i].text][pairs[i].image] = 1;
    }
    assert_ok(glimpse_retrieval_evaluate(&r, texts[0], TEXTS, images[0], IMAGES, WIDTH, pairs,
                                         PAIRS, &no_samples));
    for (size_t t = 0; t < TEXTS; t++) {
        float best = -1;
        size_t rank = 1;
        for (int pass = 0; pass < 2; pass++) {
            for (size_t i = 0; i < IMAGES; i++) {
                float s = 0;
                for (size_t k = 0; k < WIDTH; k++)
                    s += texts[t][k] * images[i][k];
                if (pass == 0 && fits[t][i] && s > best) best = s;
                rank += pass == 1 && !fits[t][i] && s >= best;
            }
        }
        assert_int_equal(r->text_ranks[t], rank);
    }
    glimpse_retrieval_report_free(r);
}

static void pairs_that_make_no_sense_are_refused(void **state) {
    (void)state;
    const float rows[2][1] = {{1}, {2}}, broken[2][1] = {{1}, {NAN}};
    const glimpse_pair one = {0, 0}, far = {0, 5}, both[] = {{0, 0}, {1, 1}};
    glimpse_retrieval_report *r = NULL;
    assert_int_equal(glimpse_retrieval_evaluate(&r, rows[0], 2, rows[0], 1, 1, &one, 1, NULL),
                     GLIMPSE_E_INVALID); /* text 1 fits nothing */
    assert_int_equal(glimpse_retrieval_evaluate(&r, rows[0], 1, rows[0], 2, 1, &one, 1, NULL),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_retrieval_evaluate(&r, rows[0], 1, rows[0], 1, 1, &far, 1, NULL),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_retrieval_evaluate(&r, rows[0], 0, rows[0], 1, 1, &one, 1, NULL),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_retrieval_evaluate(&r, rows[0], 2, broken[0], 2, 1, both, 2, NULL),
                     GLIMPSE_E_INVALID);
    assert_null(r);
    glimpse_retrieval_report_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accuracy_recall_and_f1_are_as_worked_out_by_hand),
        cmocka_unit_test(the_same_answer_for_everything_is_never_right),
        cmocka_unit_test(a_tie_with_the_true_class_is_lost_unless_the_score_decides),
        cmocka_unit_test(average_precision_is_as_worked_out_by_hand),
        cmocka_unit_test(calibration_error_is_as_worked_out_by_hand),
        cmocka_unit_test(confidence_on_a_bin_edge_belongs_to_the_bin_below),
        cmocka_unit_test(a_picture_without_guesses_is_wrong_and_abstaining_lowers_coverage),
        cmocka_unit_test(unknown_pictures_are_told_by_confidence),
        cmocka_unit_test(auroc_counts_pairs_and_halves_of_ties),
        cmocka_unit_test(intervals_are_the_same_every_time_and_as_wide_as_they_should_be),
        cmocka_unit_test(the_interval_of_map_surrounds_it),
        cmocka_unit_test(figures_equal_their_plain_references_on_data_full_of_ties),
        cmocka_unit_test(labels_that_make_no_sense_are_refused),
        cmocka_unit_test(ranks_are_as_worked_out_by_hand_and_duplicates_are_ties),
        cmocka_unit_test(any_fitting_item_counts_and_only_the_first_one),
        cmocka_unit_test(a_model_that_sees_no_difference_finds_nothing_first),
        cmocka_unit_test(ranks_equal_their_plain_reference_on_data_full_of_ties),
        cmocka_unit_test(pairs_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
