/*
 * Re-ranking without a model: what the order promises, whatever the scores are.
 */
#include "support/test.h"

#include <glimpse/rerank.h>

#include <math.h>

enum { MAX_COUNT = 40 };

static uint64_t random_state = 12345;
static size_t below(size_t end) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(random_state >> 33) % end;
}

/* First scores fall, with ties; second ones are coarse, so that they tie; some are missing. */
static size_t make(double *first, double *second, size_t missing_of_ten) {
    size_t count = below(MAX_COUNT + 1);
    double score = 0.9;
    for (size_t i = 0; i < count; i++) {
        score -= 0.01 * (double)below(3);
        first[i] = score;
        second[i] = below(10) < missing_of_ten ? NAN : (double)below(8) - 4.0;
    }
    return count;
}

static void check_is_permutation(const glimpse_reranked *order, size_t count) {
    int seen[MAX_COUNT] = {0};
    for (size_t i = 0; i < count; i++) {
        assert_true(order[i].index < count);
        assert_int_equal(seen[order[i].index]++, 0);
    }
}

static void weight_0_is_the_order_of_the_first_stage(void **state) {
    (void)state;
    for (int orientation = 0; orientation < 2000; orientation++) {
        double first[MAX_COUNT], second[MAX_COUNT];
        glimpse_reranked order[MAX_COUNT];
        size_t count = make(first, second, below(11));
        assert_ok(glimpse_rerank(order, first, second, count, 0.0));
        for (size_t i = 0; i < count; i++)
            assert_int_equal(order[i].index, i);
    }
}

static void weight_1_is_the_order_of_the_second_stage(void **state) {
    (void)state;
    for (int orientation = 0; orientation < 2000; orientation++) {
        double first[MAX_COUNT], second[MAX_COUNT];
        glimpse_reranked order[MAX_COUNT];
        size_t count = make(first, second, orientation % 2 ? 3 : 0);
        assert_ok(glimpse_rerank(order, first, second, count, 1.0));
        check_is_permutation(order, count);
        double before = INFINITY;
        size_t index = 0;
        for (size_t i = 0; i < count; i++) {
            double score = second[order[i].index];
            if (isnan(score)) continue;
            assert_true(score <= before);
            if (score == before) assert_true(order[i].index > index); /* ties: as they were */
            before = score;
            index = order[i].index;
        }
    }
}

static void a_missing_score_moves_its_picture_neither_up_nor_down(void **state) {
    (void)state;
    for (int orientation = 0; orientation < 2000; orientation++) {
        double first[MAX_COUNT], second[MAX_COUNT];
        glimpse_reranked order[MAX_COUNT];
        size_t count = make(first, second, below(11));
        assert_ok(glimpse_rerank(order, first, second, count, (double)below(101) / 100.0));
        check_is_permutation(order, count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(isnan(second[order[i].index]), isnan(order[i].blended));
            if (isnan(second[i])) assert_int_equal(order[i].index, i);
        }
    }
}

/* A score that goes missing never helps the picture it is missing of. */
static void losing_a_score_never_promotes(void **state) {
    (void)state;
    for (int orientation = 0; orientation < 1000; orientation++) {
        double first[MAX_COUNT], second[MAX_COUNT];
        glimpse_reranked order[MAX_COUNT];
        size_t count = make(first, second, 2);
        if (count == 0) continue;
        size_t loser = below(count);
        second[loser] = NAN;
        assert_ok(glimpse_rerank(order, first, second, count, 0.7));
        for (size_t i = 0; i < loser; i++)
            assert_true(order[i].index != loser);
    }
}

/* The formula, taken word by word. */
static void blended_scores_are_the_weighted_sum_of_standardised_ones(void **state) {
    (void)state;
    for (int orientation = 0; orientation < 500; orientation++) {
        double first[MAX_COUNT], second[MAX_COUNT], mean[2] = {0, 0}, deviation[2] = {0, 0};
        glimpse_reranked order[MAX_COUNT];
        size_t count = make(first, second, 2), n = 0;
        double weight = (double)below(101) / 100.0;
        for (size_t i = 0; i < count; i++) {
            if (isnan(second[i])) continue;
            mean[0] += first[i];
            mean[1] += second[i];
            n++;
        }
        if (n == 0) continue;
        mean[0] /= (double)n, mean[1] /= (double)n;
        for (size_t i = 0; i < count; i++) {
            if (isnan(second[i])) continue;
            deviation[0] += (first[i] - mean[0]) * (first[i] - mean[0]);
            deviation[1] += (second[i] - mean[1]) * (second[i] - mean[1]);
        }
        for (int k = 0; k < 2; k++)
            deviation[k] = sqrt(deviation[k] / (double)n);
        assert_ok(glimpse_rerank(order, first, second, count, weight));
        double before = INFINITY;
        for (size_t i = 0; i < count; i++) {
            size_t at = order[i].index;
            if (isnan(order[i].blended)) continue;
            double a = deviation[0] > 1e-9 ? (first[at] - mean[0]) / deviation[0] : 0;
            double b = deviation[1] > 1e-9 ? (second[at] - mean[1]) / deviation[1] : 0;
            assert_true(fabs(order[i].blended - ((1 - weight) * a + weight * b)) < 1e-6);
            assert_true(order[i].blended <= before);
            before = order[i].blended;
        }
    }
}

/* Logits, probabilities, percentages: only what they say about the order of sizes counts. */
static void the_scale_of_a_score_does_not_matter(void **state) {
    (void)state;
    for (int orientation = 0; orientation < 500; orientation++) {
        double first[MAX_COUNT], second[MAX_COUNT], scaled[MAX_COUNT];
        glimpse_reranked a[MAX_COUNT], b[MAX_COUNT];
        size_t count = make(first, second, 1);
        for (size_t i = 0; i < count; i++)
            scaled[i] = 1024.0 * second[i] - 4096.0;
        assert_ok(glimpse_rerank(a, first, second, count, 1.0));
        assert_ok(glimpse_rerank(b, first, scaled, count, 1.0));
        for (size_t i = 0; i < count; i++)
            assert_int_equal(a[i].index, b[i].index);
    }
}

static void ends_of_the_range_are_fine_and_nonsense_is_refused(void **state) {
    (void)state;
    glimpse_reranked order[3];
    assert_ok(glimpse_rerank(NULL, NULL, NULL, 0, 0.5));
    const double huge[] = {1e308, -1e308, -1e308}, tiny[] = {5e-324, 0, 5e-324};
    assert_ok(glimpse_rerank(order, huge, tiny, 3, 0.5));
    check_is_permutation(order, 3);
    const double equal[] = {0.25, 0.25, 0.25}, tenth[] = {0.1, 0.1, 0.1};
    assert_ok(glimpse_rerank(order, equal, tenth, 3, 0.5));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(order[i].index, i);
        assert_true(order[i].blended == 0);
    }
    const double rising[] = {0.1, 0.2, 0.3}, odd[] = {0.3, NAN, 0.1}, ends[] = {0, INFINITY, 0};
    assert_int_equal(glimpse_rerank(order, rising, equal, 3, 0.5), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_rerank(order, odd, equal, 3, 0.5), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_rerank(order, equal, ends, 3, 0.5), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_rerank(order, equal, equal, 3, -0.1), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_rerank(order, equal, equal, 3, 1.1), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_rerank(order, equal, equal, 3, NAN), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_rerank(order, NULL, equal, 3, 0.5), GLIMPSE_E_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weight_0_is_the_order_of_the_first_stage),
        cmocka_unit_test(weight_1_is_the_order_of_the_second_stage),
        cmocka_unit_test(a_missing_score_moves_its_picture_neither_up_nor_down),
        cmocka_unit_test(losing_a_score_never_promotes),
        cmocka_unit_test(blended_scores_are_the_weighted_sum_of_standardised_ones),
        cmocka_unit_test(the_scale_of_a_score_does_not_matter),
        cmocka_unit_test(ends_of_the_range_are_fine_and_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
