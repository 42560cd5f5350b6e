/*
 * The kernels' products - few rows by stored weights, int8, attention - equal the plain ones on
 * every instruction set that this CPU has, and backends with ways of their own of int8 and of
 * attention equal them too.
 */
#include "support/numbers.h"

#include "math/backends.h"
#include "math/half.h"
#include "math/linear.h"

#include <math.h>

static uint64_t state;

static float *numbers(size_t count, float scale) {
    float *x = aligned_alloc(64, (count * sizeof *x + 63) / 64 * 64);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = uniform(&state, -scale, scale);
    return x;
}

static void few_rows_equal_plain_for_all_ways_of_storing(void **unused) {
    (void)unused;
    state = 3;
    static const size_t shapes[][3] = {/* rows, in, out */
                                       {1, 1, 1},   {1, 64, 7},   {2, 7, 5},    {3, 60, 9},
                                       {4, 100, 4}, {5, 16, 3},   {7, 333, 10}, {13, 48, 31},
                                       {6, 15, 2},  {32, 128, 17}};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        size_t rows = shapes[s][0], in = shapes[s][1], out = shapes[s][2], ldy = out + 3;
        float *x = numbers(rows * in, 1), *w = numbers(in * out, 1);
        float *fast = numbers(rows * ldy, 1), *plain = numbers(rows * ldy, 1);
        /* F16 and BF16 may lie at odd addresses in a file. */
        uint8_t *stored = malloc(in * out * 4 + 1);
        assert_non_null(stored);
        for (int d = GLIMPSE_DTYPE_F32; d <= GLIMPSE_DTYPE_BF16; d++) {
            for (int accumulate = 0; accumulate < 2; accumulate++) {
                const void *weights = w;
                if (d != GLIMPSE_DTYPE_F32) {
                    for (size_t i = 0; i < in * out; i++) {
                        uint16_t half = d == GLIMPSE_DTYPE_F16 ? glimpse_f32_to_f16(w[i])
                                                               : glimpse_f32_to_bf16(w[i]);
                        memcpy(stored + 1 + 2 * i, &half, sizeof half);
                    }
                    weights = stored + 1;
                }
                memset(plain, 0, rows * ldy * sizeof *plain);
                glimpse_kernels_plain.few_rows(plain, ldy, x, rows, in, weights, (glimpse_dtype)d,
                                               out, accumulate);
                for (const glimpse_kernels *const *k = glimpse_kernels_all() + 1; *k; k++) {
                    memset(fast, 0, rows * ldy * sizeof *fast);
                    (*k)->few_rows(fast, ldy, x, rows, in, weights, (glimpse_dtype)d, out,
                                   accumulate);
                    for (size_t i = 0; i < rows * ldy; i++) {
                        float allowed = 2e-6f * sqrtf((float)in) * (1.0f + fabsf(plain[i]));
                        if (!(fabsf(fast[i] - plain[i]) <= allowed)) {
                            fail_msg("%s, shape %zu, dtype %d: %.9g, plain gives %.9g", (*k)->name,
                                     s, d, (double)fast[i], (double)plain[i]);
                        }
                    }
                }
            }
        }
        free(stored), free(x), free(w), free(fast), free(plain);
    }
}

static void few_rows_widen_every_f16_exactly(void **unused) {
    (void)unused;
    /* One input of 1: the outputs are the weights, all 65536 of them. */
    enum { IN = 16, OUT = 65536 };
    static uint16_t weights[(size_t)OUT * IN];
    static float y[OUT];
    float x[IN] = {1};
    for (size_t i = 0; i < OUT; i++)
        weights[i * IN] = (uint16_t)i;
    for (const glimpse_kernels *const *k = glimpse_kernels_all(); *k; k++) {
        (*k)->few_rows(y, OUT, x, 1, IN, weights, GLIMPSE_DTYPE_F16, OUT, 0);
        for (size_t i = 0; i < OUT; i++) {
            float expected = glimpse_f16_to_f32((uint16_t)i);
            assert_true(isnan(expected) ? isnan(y[i]) : y[i] == expected);
        }
    }
}

static void quantised_rows_are_the_nearest_whole_numbers(void **unused) {
    (void)unused;
    enum { ROWS = 5, WIDTH = 77, PADDED = 80 };
    state = 9;
    float *x = numbers((size_t)ROWS * WIDTH, 3), scales[ROWS];
    int16_t wide[ROWS * PADDED];
    int8_t narrow[ROWS * PADDED];
    for (size_t j = 0; j < WIDTH; j++)
        x[1 * WIDTH + j] = 0, x[2 * WIDTH + j] = 1e-35f;
    x[3 * WIDTH + 4] = NAN;
    for (const glimpse_kernels *const *k = glimpse_kernels_all(); *k; k++) {
        (*k)->quantize(wide, 2, scales, x, ROWS, WIDTH, PADDED);
        (*k)->quantize(narrow, 1, scales, x, ROWS, WIDTH, PADDED);
        assert_true(scales[1] == 0 && scales[2] == 0 && isnan(scales[3]));
        for (size_t i = 0; i < ROWS; i++) {
            int largest = 0;
            for (size_t j = 0; j < PADDED; j++) {
                int q = wide[i * PADDED + j];
                assert_int_equal(q, narrow[i * PADDED + j]);
                if (j >= WIDTH || !(scales[i] > 0)) {
                    assert_int_equal(q, 0);
                    continue;
                }
                largest = abs(q) > largest ? abs(q) : largest;
                assert_true(fabsf((float)q * scales[i] - x[i * WIDTH + j]) <= 0.5001f * scales[i]);
            }
            if (scales[i] > 0) assert_int_equal(largest, 127);
        }
    }
    free(x);
}

/* Panels of `panel` outputs from weights [out][padded]. */
static int8_t *pack(const int8_t *weights, size_t out, size_t padded, size_t panel) {
    int8_t *panels = calloc((out + panel - 1) / panel * panel, padded);
    assert_non_null(panels);
    for (size_t o = 0; o < out; o++) {
        for (size_t k = 0; k < padded; k++) {
            panels[o / panel * panel * padded + k / 2 * panel * 2 + o % panel * 2 + k % 2] =
                weights[o * padded + k];
        }
    }
    return panels;
}

static void int8_sums_are_exact_at_the_extremes(void **unused) {
    (void)unused;
    /* All factors -127 or 127: nothing may saturate. Scales of 1 give the sums themselves; they are
     * whole numbers that f32 holds. */
    static const size_t shapes[][3] = {{1, 2, 1}, {7, 64, 33}, {13, 1000, 40}, {6, 30, 16}};
    state = 17;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        size_t rows = shapes[s][0], padded = shapes[s][1], out = shapes[s][2];
        int16_t *x = malloc(rows * padded * sizeof *x);
        int8_t *w = malloc(out * padded);
        float *ones = numbers(rows + out, 1), *zeros = calloc(out, sizeof *zeros);
        float *y = numbers(rows * out, 1);
        assert_non_null(x);
        assert_non_null(w);
        assert_non_null(zeros);
        for (size_t i = 0; i < rows + out; i++)
            ones[i] = 1;
        for (size_t i = 0; i < rows * padded; i++)
            x[i] = uniform(&state, 0, 1) < 0.9f ? 127 : -127;
        for (size_t i = 0; i < out * padded; i++)
            w[i] = uniform(&state, 0, 1) < 0.9f ? -127 : 127;
        for (const glimpse_kernels *const *k = glimpse_kernels_all(); *k; k++) {
            int8_t *panels = pack(w, out, padded, (*k)->panel);
            (*k)->int8_rows(y, out, x, ones, rows, padded, panels, ones, zeros, out, 0);
            for (size_t i = 0; i < rows; i++) {
                for (size_t o = 0; o < out; o++) {
                    int32_t sum = 0;
                    for (size_t j = 0; j < padded; j++)
                        sum += x[i * padded + j] * w[o * padded + j];
                    assert_true(y[i * out + o] == (float)sum);
                }
            }
            free(panels);
        }
        free(x), free(w), free(ones), free(zeros), free(y);
    }
}

/* The layers of a model in int8: [rows][in] by [out][in]. Weights have one large number in each
 * row, with zeros beside it, so that the others quantise to less than half of the range: a CPU
 * without VNNI, where oneDNN adds pairs of 8-bit products in 16 bits, cannot saturate then, and its
 * way can be tested there as well. */
static void run_int8(glimpse_backend backend, const glimpse_kernels *kernels, size_t rows,
                     size_t in, size_t out, int accumulate, float *result) {
    glimpse_math math = {backend, GLIMPSE_PRECISION_INT8, GLIMPSE_ELEMENT_F32, kernels};
    state = 23;
    float *w = numbers(in * out, 0.4f), *bias = numbers(out, 1);
    for (size_t o = 0; o < out; o++) {
        size_t large = o % in;
        w[o * in + large] = 1.0f;
        if (large > 0) w[o * in + large - 1] = 0.0f;
        if (large + 1 < in) w[o * in + large + 1] = 0.0f;
    }
    size_t padded = glimpse_padded_rows(rows);
    float *x = numbers(padded * in, 2), *y = numbers(padded * out, 1);
    glimpse_linear_spec spec = {.in = in,
                                .out = out,
                                .parts = 1,
                                .accumulate = accumulate,
                                .activation =
                                    accumulate ? GLIMPSE_ACTIVATION_NONE : GLIMPSE_ACTIVATION_GELU};
    spec.weights[0] = (glimpse_numbers){w, GLIMPSE_DTYPE_F32, in * out};
    spec.biases[0] = (glimpse_numbers){bias, GLIMPSE_DTYPE_F32, out};
    glimpse_linear *linear = NULL;
    glimpse_workspace *workspace = NULL;
    assert_ok(glimpse_linear_create(&linear, &math, &spec));
    assert_ok(glimpse_workspace_create(&workspace, &math));
    assert_ok(glimpse_linear_run(linear, workspace, x, rows, y));
    memcpy(result, y, rows * out * sizeof *y);
    glimpse_workspace_free(workspace);
    glimpse_linear_free(linear);
    free(w), free(bias), free(x), free(y);
}

static void compare_int8(glimpse_backend backend, const glimpse_kernels *kernels) {
    static const size_t shapes[][3] = {{1, 64, 64}, {50, 63, 70}, {300, 96, 40}, {17, 256, 65}};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        size_t rows = shapes[s][0], in = shapes[s][1], out = shapes[s][2];
        float *fast = numbers(rows * out, 1), *plain = numbers(rows * out, 1);
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            run_int8(backend, kernels, rows, in, out, accumulate, fast);
            run_int8(GLIMPSE_BACKEND_PLAIN, &glimpse_kernels_plain, rows, in, out, accumulate,
                     plain);
            size_t beside = 0;
            for (size_t i = 0; i < rows * out; i++) {
                /* A tie may round the other way where multiplication and addition are fused: then
                 * the row is a 127th of one number away. */
                float difference = fabsf(fast[i] - plain[i]);
                if (difference > 2e-5f) beside++;
                assert_true(difference < 0.05f);
            }
            assert_true(beside * 100 <= rows * out * 2);
        }
        free(fast), free(plain);
    }
}

static void int8_layers_of_all_kernels_equal_plain(void **unused) {
    (void)unused;
    for (const glimpse_kernels *const *k = glimpse_kernels_all() + 1; *k; k++)
        compare_int8(GLIMPSE_BACKEND_OPENBLAS, *k);
}

/* Also where the CPU is too old for the backend to be offered in int8: see run_int8(). */
static void int8_layers_of_every_backend_equal_plain(void **unused) {
    (void)unused;
    for (int b = GLIMPSE_BACKEND_AUTO + 1; b < GLIMPSE_BACKEND_COUNT; b++) {
        const glimpse_backend_ops *ops = glimpse_backend_get((glimpse_backend)b);
        glimpse_math math;
        if (!ops->precisions[GLIMPSE_PRECISION_INT8].layers) continue;
        if (glimpse_backend_start(&math, (glimpse_backend)b, GLIMPSE_PRECISION_F32) < 0) continue;
        compare_int8((glimpse_backend)b, math.kernels);
    }
}

static void attention_in_tiles_equals_plain(void **unused) {
    (void)unused;
    static const size_t shapes[][3] = {/* queries, keys, head */
                                       {1, 1, 4},      {3, 3, 16},     {50, 50, 64},
                                       {1, 50, 64},    {65, 65, 8},    {77, 77, 20},
                                       {130, 257, 32}, {257, 257, 64}, {5, 128, 80}};
    state = 31;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        size_t queries = shapes[s][0], keys = shapes[s][1], head = shapes[s][2], stride = 3 * head;
        size_t out_stride = head + 2;
        float *qkv = numbers(keys * stride, 3), *scratch = numbers(1, 1);
        float *fast = numbers(queries * out_stride, 1), *plain = numbers(queries * out_stride, 1);
        scratch = realloc(scratch, glimpse_attention_scratch(keys, head) * sizeof *scratch);
        assert_non_null(scratch);
        /* Without a mask, and with one: the queries are the last ones of the sequence. */
        for (int masked = 0; masked < 2; masked++) {
            ptrdiff_t first = masked ? (ptrdiff_t)(keys - queries) : -1;
            const float *q = qkv + (masked ? keys - queries : 0) * stride;
            glimpse_kernels_plain.attention(plain, out_stride, q, qkv + head, qkv + 2 * head,
                                            stride, queries, keys, head, 0.7f, first, scratch);
            for (const glimpse_kernels *const *k = glimpse_kernels_all() + 1; *k; k++) {
                (*k)->attention(fast, out_stride, q, qkv + head, qkv + 2 * head, stride, queries,
                                keys, head, 0.7f, first, scratch);
                for (size_t i = 0; i < queries; i++) {
                    for (size_t d = 0; d < head; d++) {
                        float a = fast[i * out_stride + d], b = plain[i * out_stride + d];
                        if (!(fabsf(a - b) <= 3e-5f)) {
                            fail_msg("%s, shape %zu, row %zu: %.9g, plain gives %.9g", (*k)->name,
                                     s, i, (double)a, (double)b);
                        }
                    }
                }
            }
        }
        free(qkv), free(fast), free(plain), free(scratch);
    }
}

/* As for one shape of operands and result; values up to 1. */
static void compare_attention(const glimpse_backend_ops *ops, void *own, glimpse_element element,
                              glimpse_element result, const size_t shape[3], float tolerance) {
    const glimpse_kernels *kernels = glimpse_kernels_best();
    size_t rows = shape[0], heads = shape[1], head = shape[2], width = heads * head;
    float *qkv = numbers(rows * 3 * width, 1), *fast = numbers(rows * width, 1);
    float *plain = numbers(rows * width, 1);
    float *scores = malloc(glimpse_attention_scratch(rows, head) * sizeof *scores);
    glimpse_attend task = {kernels, element, result, qkv, rows, heads, head, 1, fast};
    void *scratch = aligned_alloc(64, (ops->attend_scratch(&task) + 63) / 64 * 64);
    assert_non_null(scores);
    assert_non_null(scratch);
    assert_int_equal(ops->attend(own, &task, scratch), 1);
    for (size_t h = 0; h < heads; h++) {
        const float *q = qkv + h * head;
        glimpse_kernels_plain.attention(plain + h * head, width, q, q + width, q + 2 * width,
                                        3 * width, rows, rows, head, 1.0f / sqrtf((float)head), -1,
                                        scores);
    }
    for (size_t i = 0; i < rows * width; i++) {
        uint16_t half;
        memcpy(&half, (const uint16_t *)(const void *)fast + i, sizeof half);
        float value = result == GLIMPSE_ELEMENT_BF16 ? glimpse_bf16_to_f32(half) : fast[i];
        assert_true(fabsf(value - plain[i]) <= tolerance);
    }
    free(qkv), free(fast), free(plain), free(scores), free(scratch);
}

static void attention_of_every_backend_equals_plain(void **unused) {
    (void)unused;
    static const size_t shapes[][3] = {{50, 12, 64}, {33, 3, 16}, {257, 2, 64}, {50, 12, 64}};
    size_t compared = 0;
    state = 37;
    for (int b = GLIMPSE_BACKEND_AUTO + 1; b < GLIMPSE_BACKEND_COUNT; b++) {
        const glimpse_backend_ops *ops = glimpse_backend_get((glimpse_backend)b);
        glimpse_math math;
        void *own = NULL;
        if (!ops->attend) continue;
        if (glimpse_backend_start(&math, (glimpse_backend)b, GLIMPSE_PRECISION_F32) < 0) continue;
        int bf16 =
            glimpse_backend_start(&math, (glimpse_backend)b, GLIMPSE_PRECISION_BF16) == GLIMPSE_OK;
        if (ops->state_create) assert_ok(ops->state_create(&own));
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            compare_attention(ops, own, GLIMPSE_ELEMENT_F32, GLIMPSE_ELEMENT_F32, shapes[s], 1e-5f);
            /* bf16 in, as with bf16 layers and with int8 ones. */
            if (!bf16) continue;
            compare_attention(ops, own, GLIMPSE_ELEMENT_BF16, GLIMPSE_ELEMENT_BF16, shapes[s],
                              0.02f);
            compare_attention(ops, own, GLIMPSE_ELEMENT_BF16, GLIMPSE_ELEMENT_F32, shapes[s],
                              0.02f);
        }
        if (own) ops->state_free(own);
        compared++;
    }
    if (compared == 0) skip(); /* no backend here has one */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_rows_equal_plain_for_all_ways_of_storing),
        cmocka_unit_test(few_rows_widen_every_f16_exactly),
        cmocka_unit_test(quantised_rows_are_the_nearest_whole_numbers),
        cmocka_unit_test(int8_sums_are_exact_at_the_extremes),
        cmocka_unit_test(int8_layers_of_all_kernels_equal_plain),
        cmocka_unit_test(int8_layers_of_every_backend_equal_plain),
        cmocka_unit_test(attention_in_tiles_equals_plain),
        cmocka_unit_test(attention_of_every_backend_equals_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
