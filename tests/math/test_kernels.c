/*
 * Every vector kernel this CPU can run equals the plain one, which is checked by hand.
 */
#include "support/numbers.h"

#include "math/half.h"
#include "math/kernels/kernels.h"

#include <math.h>

static uint64_t state;

static const size_t widths[] = {1, 2, 7, 15, 16, 17, 60, 64, 255, 256, 257, 768, 1023};
enum { WIDTHS = sizeof widths / sizeof widths[0], ROWS = 3, MAX_COUNT = 1024 };

static float as_float(const void *data, glimpse_element element, size_t i) {
    return element == GLIMPSE_ELEMENT_BF16 ? glimpse_bf16_to_f32(((const uint16_t *)data)[i])
                                           : ((const float *)data)[i];
}

/* Largest difference, in units of `scale`; bf16 outputs may differ by one rounding step. */
static void assert_close(const void *fast, const void *plain, glimpse_element element, size_t count,
                         float tolerance, const char *what, const char *name) {
    for (size_t i = 0; i < count; i++) {
        float a = as_float(fast, element, i), b = as_float(plain, element, i);
        float allowed = tolerance * (1.0f + fabsf(b));
        if (element != GLIMPSE_ELEMENT_F32) allowed += fabsf(b) / 128.0f;
        if (!(fabsf(a - b) <= allowed)) {
            fail_msg("%s of %s: entry %zu is %.9g, plain gives %.9g", what, name, i, (double)a,
                     (double)b);
        }
    }
}

static void bf16_rounds_to_nearest_even_and_keeps_nan(void **unused) {
    (void)unused;
    assert_int_equal(glimpse_f32_to_bf16(1.0f), 0x3f80);
    assert_int_equal(glimpse_f32_to_bf16(glimpse_float_from_bits(0x3f808000)),
                     0x3f80); /* tie, even */
    assert_int_equal(glimpse_f32_to_bf16(glimpse_float_from_bits(0x3f818000)),
                     0x3f82); /* tie, odd */
    assert_int_equal(glimpse_f32_to_bf16(glimpse_float_from_bits(0x3f808001)), 0x3f81);
    assert_true(
        isnan(glimpse_bf16_to_f32(glimpse_f32_to_bf16(glimpse_float_from_bits(0x7f800001)))));
    assert_true(isinf(glimpse_bf16_to_f32(glimpse_f32_to_bf16(INFINITY))));
}

static void f16_conversion_is_exact_for_all_values(void **unused) {
    (void)unused;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float value = glimpse_f16_to_f32((uint16_t)bits);
        if (isnan(value)) {
            assert_true((bits & 0x7c00) == 0x7c00 && (bits & 0x3ff));
            continue;
        }
        assert_int_equal(glimpse_f32_to_f16(value), bits);
    }
    assert_int_equal(glimpse_f32_to_f16(65519.996f), 0x7bff);
    assert_int_equal(glimpse_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(glimpse_f32_to_f16(0x1p-25f), 0x0000);          /* tie to even: zero */
    assert_int_equal(glimpse_f32_to_f16(0x1.8p-24f), 0x0002);        /* tie to even: up */
    assert_int_equal(glimpse_f32_to_f16(1.0f + 0x1p-11f), 0x3c00);   /* tie to even: down */
    assert_int_equal(glimpse_f32_to_f16(1.0f + 0x1.8p-10f), 0x3c02); /* tie to even: up */
}

static void plain_kernels_give_hand_computed_values(void **unused) {
    (void)unused;
    const glimpse_kernels *k = &glimpse_kernels_plain;
    float x[4] = {1, 2, 3, 4}, out[4], gamma[4] = {1, 1, 2, 1}, beta[4] = {0, 0, 0, 1};
    k->layer_norm(out, GLIMPSE_ELEMENT_F32, x, gamma, beta, 0.0f, 1, 4);
    /* mean 2.5, variance 1.25 */
    assert_float_equal(out[0], -1.3416407, 1e-6);
    assert_float_equal(out[2], 0.8944272, 1e-6);
    assert_float_equal(out[3], 2.3416407, 1e-6);
    float scores[4] = {0.0f, 0.6931472f, 9.0f, 9.0f}; /* ln 2 */
    k->softmax(scores, 2, 2, 2, 0);
    assert_float_equal(scores[0], 1.0, 1e-7); /* the first row sees itself only */
    assert_float_equal(scores[1], 0.0, 1e-7);
    assert_float_equal(scores[2], 0.5, 1e-7);
    float y[3] = {-1, 0, 1}, bias[3] = {0, 0, 1};
    k->bias_activation(y, GLIMPSE_ELEMENT_F32, y, bias, GLIMPSE_ACTIVATION_GELU, 1, 3);
    assert_float_equal(y[0], -0.15865525, 1e-7);
    assert_float_equal(y[2], 1.9544997, 1e-6);
    float z[1] = {1};
    k->bias_activation(z, GLIMPSE_ELEMENT_F32, z, NULL, GLIMPSE_ACTIVATION_QUICK_GELU, 1, 1);
    assert_float_equal(z[0], 0.84579577, 1e-6);
    /* 0.84119199 where the erf form has 0.84134475: not to be mistaken for it */
    float w[2] = {1, -2};
    k->bias_activation(w, GLIMPSE_ELEMENT_F32, w, NULL, GLIMPSE_ACTIVATION_GELU_TANH, 1, 2);
    assert_float_equal(w[0], 0.84119199, 1e-7);
    assert_float_equal(w[1], -0.04540231, 1e-7);
    /* silu(1) = 0.7310586, silu(-1) = -0.2689414 */
    float pairs[8] = {1, -1, 3, 5, 0, 1, 7, 2};
    k->swiglu(pairs, GLIMPSE_ELEMENT_F32, pairs, 2, 2);
    const float products[4] = {2.1931758f, -1.3447071f, 0.0f, 1.4621172f};
    for (size_t i = 0; i < 4; i++)
        assert_float_equal(pairs[i], products[i], 1e-6);
}

static void every_layer_norm_equals_the_plain_one(void **unused) {
    (void)unused;
    state = 1;
    static float x[ROWS * MAX_COUNT], gamma[MAX_COUNT], beta[MAX_COUNT], fast[ROWS * MAX_COUNT],
        plain[ROWS * MAX_COUNT];
    for (size_t w = 0; w < WIDTHS; w++) {
        size_t width = widths[w];
        for (size_t i = 0; i < ROWS * width; i++)
            x[i] = uniform(&state, -5, 7);
        for (size_t i = 0; i < width; i++)
            gamma[i] = uniform(&state, -2, 2), beta[i] = uniform(&state, -1, 1);
        for (int e = GLIMPSE_ELEMENT_F32; e <= GLIMPSE_ELEMENT_F32_BF; e++) {
            glimpse_element element = (glimpse_element)e;
            glimpse_kernels_plain.layer_norm(plain, element, x, gamma, beta, 1e-5f, ROWS, width);
            for (const glimpse_kernels *const *k = glimpse_kernels_all() + 1; *k; k++) {
                (*k)->layer_norm(fast, element, x, gamma, beta, 1e-5f, ROWS, width);
                assert_close(fast, plain, element, ROWS * width, 3e-6f, "layer_norm", (*k)->name);
            }
        }
    }
}

static void every_conversion_equals_the_plain_one(void **unused) {
    (void)unused;
    state = 4;
    enum { STRIDE = MAX_COUNT + 40 };
    static float x[ROWS * STRIDE], fast[ROWS * STRIDE], plain[ROWS * STRIDE];
    for (size_t w = 0; w < WIDTHS; w++) {
        size_t width = widths[w];
        for (size_t i = 0; i < ROWS * STRIDE; i++)
            x[i] = uniform(&state, -9, 9);
        x[width / 2] = NAN;
        for (size_t more = 0; more < 40; more += 13) {
            size_t padded = width + more;
            for (int e = GLIMPSE_ELEMENT_F32; e <= GLIMPSE_ELEMENT_F32_BF; e++) {
                glimpse_element element = (glimpse_element)e;
                memset(plain, 0x55, sizeof plain);
                glimpse_kernels_plain.convert_rows(plain, padded + 1, element, x, width + 3, ROWS,
                                                   width, padded);
                for (const glimpse_kernels *const *k = glimpse_kernels_all() + 1; *k; k++) {
                    memset(fast, 0x55, sizeof fast); /* nothing is written between rows */
                    (*k)->convert_rows(fast, padded + 1, element, x, width + 3, ROWS, width,
                                       padded);
                    assert_memory_equal(fast, plain, sizeof fast);
                    memcpy(fast, plain, sizeof fast);
                    (*k)->convert(fast, element, x, width);
                    assert_memory_equal(fast, plain, width * glimpse_element_size(element));
                }
            }
        }
    }
}

static void every_softmax_equals_the_plain_one(void **unused) {
    (void)unused;
    state = 2;
    static float x[ROWS * MAX_COUNT], fast[ROWS * MAX_COUNT], plain[ROWS * MAX_COUNT];
    for (size_t w = 0; w < WIDTHS; w++) {
        for (ptrdiff_t causal = -1; causal < 4; causal++) {
            size_t width = widths[w], stride = width + 1;
            for (size_t i = 0; i < ROWS * stride; i++)
                x[i] = uniform(&state, -60, 60);
            memcpy(plain, x, sizeof x);
            glimpse_kernels_plain.softmax(plain, ROWS, width, stride, causal);
            for (const glimpse_kernels *const *k = glimpse_kernels_all() + 1; *k; k++) {
                memcpy(fast, x, sizeof x);
                (*k)->softmax(fast, ROWS, width, stride, causal);
                assert_close(fast, plain, GLIMPSE_ELEMENT_F32, ROWS * stride, 1e-6f, "softmax",
                             (*k)->name);
            }
        }
    }
}

static void every_activation_equals_the_plain_one(void **unused) {
    (void)unused;
    state = 3;
    static float x[ROWS * MAX_COUNT], bias[MAX_COUNT], fast[ROWS * MAX_COUNT],
        plain[ROWS * MAX_COUNT];
    for (size_t w = 0; w < WIDTHS; w++) {
        size_t width = widths[w];
        for (size_t i = 0; i < ROWS * width; i++)
            x[i] = uniform(&state, -12, 12);
        for (size_t i = 0; i < width; i++)
            bias[i] = uniform(&state, -1, 1);
        for (int a = GLIMPSE_ACTIVATION_NONE; a <= GLIMPSE_ACTIVATION_RELU; a++) {
            for (int e = GLIMPSE_ELEMENT_F32; e <= GLIMPSE_ELEMENT_F32_BF; e++) {
                const float *b = a == GLIMPSE_ACTIVATION_NONE ? NULL : bias;
                glimpse_kernels_plain.bias_activation(plain, (glimpse_element)e, x, b,
                                                      (glimpse_activation)a, ROWS, width);
                for (const glimpse_kernels *const *k = glimpse_kernels_all() + 1; *k; k++) {
                    (*k)->bias_activation(fast, (glimpse_element)e, x, b, (glimpse_activation)a,
                                          ROWS, width);
                    /* The erf polynomial is good to 1.5e-7, times up to 12 / 2. */
                    assert_close(fast, plain, (glimpse_element)e, ROWS * width, 1e-6f, "activation",
                                 (*k)->name);
                }
            }
        }
    }
}

static void every_gated_mlp_equals_the_plain_one(void **unused) {
    (void)unused;
    state = 4;
    static float x[ROWS * 2 * MAX_COUNT], fast[ROWS * 2 * MAX_COUNT], plain[ROWS * MAX_COUNT];
    for (size_t w = 0; w < WIDTHS; w++) {
        size_t count = ROWS * widths[w];
        for (size_t i = 0; i < 2 * count; i++)
            x[i] = uniform(&state, -12, 12);
        for (int e = GLIMPSE_ELEMENT_F32; e <= GLIMPSE_ELEMENT_F32_BF; e++) {
            glimpse_kernels_plain.swiglu(plain, (glimpse_element)e, x, ROWS, widths[w]);
            for (const glimpse_kernels *const *k = glimpse_kernels_all() + 1; *k; k++) {
                (*k)->swiglu(fast, (glimpse_element)e, x, ROWS, widths[w]);
                assert_close(fast, plain, (glimpse_element)e, count, 1e-5f, "swiglu", (*k)->name);
            }
        }
        /* In place. */
        for (const glimpse_kernels *const *k = glimpse_kernels_all(); *k; k++) {
            glimpse_kernels_plain.swiglu(plain, GLIMPSE_ELEMENT_F32, x, ROWS, widths[w]);
            memcpy(fast, x, 2 * count * sizeof *fast);
            (*k)->swiglu(fast, GLIMPSE_ELEMENT_F32, fast, ROWS, widths[w]);
            assert_close(fast, plain, GLIMPSE_ELEMENT_F32, count, 1e-5f, "swiglu", (*k)->name);
        }
    }
}

static void activations_of_extreme_values_are_finite(void **unused) {
    (void)unused;
    const float extremes[] = {-1e30f, -1000.0f, -90.0f, -0.0f, 0.0f, 90.0f, 1000.0f, 1e30f};
    enum { COUNT = sizeof extremes / sizeof extremes[0] };
    for (const glimpse_kernels *const *k = glimpse_kernels_all(); *k; k++) {
        for (int a = GLIMPSE_ACTIVATION_QUICK_GELU; a <= GLIMPSE_ACTIVATION_RELU; a++) {
            float y[COUNT];
            (*k)->bias_activation(y, GLIMPSE_ELEMENT_F32, extremes, NULL, (glimpse_activation)a, 1,
                                  COUNT);
            for (size_t i = 0; i < COUNT; i++) {
                float expected = extremes[i] > 1.0f ? extremes[i] : 0.0f;
                /* quick_gelu(-1e30) of the polynomial is -1e30 * e^-88 = -6e-9, not quite zero. */
                assert_true(fabsf(y[i] - expected) <= 1e-6f * fabsf(expected) + 1e-6f);
            }
        }
    }
}

static void normalize_refuses_zero_and_nan(void **unused) {
    (void)unused;
    float zero[3] = {0, 0, 0}, nan_vector[2] = {NAN, 1}, good[2] = {3, 4};
    assert_int_equal(glimpse_normalize(zero, 3), 0);
    assert_int_equal(glimpse_normalize(nan_vector, 2), 0);
    assert_int_equal(glimpse_normalize(good, 2), 1);
    assert_float_equal(good[0], 0.6, 1e-7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bf16_rounds_to_nearest_even_and_keeps_nan),
        cmocka_unit_test(f16_conversion_is_exact_for_all_values),
        cmocka_unit_test(plain_kernels_give_hand_computed_values),
        cmocka_unit_test(every_layer_norm_equals_the_plain_one),
        cmocka_unit_test(every_conversion_equals_the_plain_one),
        cmocka_unit_test(every_softmax_equals_the_plain_one),
        cmocka_unit_test(every_activation_equals_the_plain_one),
        cmocka_unit_test(every_gated_mlp_equals_the_plain_one),
        cmocka_unit_test(activations_of_extreme_values_are_finite),
        cmocka_unit_test(normalize_refuses_zero_and_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
