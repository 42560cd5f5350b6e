/*
 * Half precision: all 65536 values, and the rounding of many f32 ones, against the definition.
 */
#include "support/test.h"

#include "math/half.h"

#include <math.h>

/* The definition: sign, exponent, mantissa. */
static double meaning(uint16_t half) {
    double sign = half & 0x8000 ? -1.0 : 1.0;
    int exponent = half >> 10 & 31, mantissa = half & 1023;
    if (exponent == 31) return mantissa ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0) return sign * ldexp(mantissa, -24);
    return sign * ldexp(1024 + mantissa, exponent - 25);
}

static void every_half_widens_to_its_meaning(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        double expected = meaning((uint16_t)h);
        float got = glimpse_f16_to_f32((uint16_t)h);
        if (isnan(expected)) {
            assert_true(isnan(got));
        } else {
            assert_true((double)got == expected && !signbit(got) == !signbit(expected));
        }
    }
}

static void every_half_survives_widening_and_narrowing(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        uint16_t back = glimpse_f32_to_f16(glimpse_f16_to_f32((uint16_t)h));
        if (isnan(meaning((uint16_t)h))) {
            assert_int_equal(back, h | 0x0200); /* quiet, with its payload */
        } else {
            assert_int_equal(back, h);
        }
    }
}

static void check_rounding(float value) {
    uint16_t got = glimpse_f32_to_f16(value);
    double v = fabs((double)value), here = fabs(meaning(got));
    assert_int_equal(got >> 15, signbit(value) != 0);
    if (v >= 65520.0) { /* half-way from 65504 to 65536, which would be the next */
        assert_true(isinf(here));
        return;
    }
    assert_true(isfinite(here));
    uint16_t magnitude = got & 0x7fff;
    double below = magnitude ? meaning((uint16_t)(magnitude - 1)) : -1.0;
    double above = magnitude == 0x7bff ? 65536.0 : meaning((uint16_t)(magnitude + 1));
    double error = fabs(v - here);
    assert_true(error <= v - below && error <= above - v);
    if (error == v - below || error == above - v) assert_int_equal(magnitude & 1, 0);
}

static void narrowing_rounds_to_nearest_ties_to_even(void **state) {
    (void)state;
    /* Around every half and every middle between two. */
    for (uint32_t h = 0; h < 0x7c00; h++) {
        float a = glimpse_f16_to_f32((uint16_t)h);
        float b = h == 0x7bff ? 65536.0f : glimpse_f16_to_f32((uint16_t)(h + 1));
        float middle = (float)(((double)a + (double)b) / 2);
        const float values[] = {a,
                                middle,
                                nextafterf(a, 1e9f),
                                nextafterf(a, 0.0f),
                                nextafterf(middle, 1e9f),
                                nextafterf(middle, 0.0f)};
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            check_rounding(values[i]);
            check_rounding(-values[i]);
        }
    }
    uint32_t seed = 1;
    for (int i = 0; i < 2000000; i++) {
        float value;
        seed = seed * 1664525u + 1013904223u;
        memcpy(&value, &seed, sizeof value);
        if (!isnan(value)) check_rounding(value);
    }
}

static void loading_with_the_cpu_equals_the_plain_reference(void **state) {
    (void)state;
    static uint8_t bytes[2 * 65536 + 2];
    static float fast[65536], plain[65536];
    for (size_t i = 0; i < 65536; i++) {
        bytes[2 * i] = (uint8_t)(i & 255);
        bytes[2 * i + 1] = (uint8_t)(i >> 8);
    }
    glimpse_f16_load(fast, bytes, 65536);
    glimpse_f16_load_plain(plain, bytes, 65536);
    for (size_t i = 0; i < 65536; i++) {
        if (isnan(plain[i])) {
            assert_true(isnan(fast[i]));
        } else {
            assert_memory_equal(&fast[i], &plain[i], sizeof plain[i]);
        }
    }
    for (size_t count = 0; count < 40; count++) { /* odd lengths, odd addresses */
        memset(fast, 0, sizeof fast[0] * 64);
        glimpse_f16_load(fast, bytes + 2 * 15000 + 1, count);
        glimpse_f16_load_plain(plain, bytes + 2 * 15000 + 1, count);
        assert_memory_equal(fast, plain, count * sizeof *fast);
        assert_true(fast[count] == 0.0f);
    }
}

static void stored_bytes_are_little_endian(void **state) {
    (void)state;
    const float values[] = {1.0f, -2.0f, 0.5f};
    uint8_t bytes[6];
    glimpse_f16_store(bytes, values, 3);
    const uint8_t expected[] = {0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38};
    assert_memory_equal(bytes, expected, sizeof expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_widens_to_its_meaning),
        cmocka_unit_test(every_half_survives_widening_and_narrowing),
        cmocka_unit_test(narrowing_rounds_to_nearest_ties_to_even),
        cmocka_unit_test(loading_with_the_cpu_equals_the_plain_reference),
        cmocka_unit_test(stored_bytes_are_little_endian),
    };
    return cmocka_run_group_tests_name("f16", tests, NULL, NULL);
}
