/*
 * Every backend's products equal the plain ones, for all forms of weights.
 */
#include "support.h"

#include "math/backend.h"
#include "math/half.h"

#include <math.h>

static uint64_t state;

static float uniform(float low, float high) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (float)(state >> 40) / 16777216.0f;
}

typedef struct shape {
    size_t rows, in, out, parts;
    int transposed, accumulate;
    glimpse_activation activation;
    glimpse_dtype dtype;
    int bias;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 0, 0, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F32, 1},
    {5, 20, 60, 3, 0, 0, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F32, 1},
    {7, 44, 132, 3, 0, 0, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F16, 1},
    {17, 60, 240, 1, 0, 0, GLIMPSE_ACTIVATION_GELU, GLIMPSE_DTYPE_BF16, 1},
    {33, 64, 256, 1, 0, 0, GLIMPSE_ACTIVATION_QUICK_GELU, GLIMPSE_DTYPE_F32, 1},
    {19, 72, 130, 1, 0, 0, GLIMPSE_ACTIVATION_GELU_TANH, GLIMPSE_DTYPE_F32, 1},
    {50, 256, 64, 1, 0, 1, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F32, 1},
    {9, 48, 36, 1, 1, 0, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F32, 0},
    {64, 314, 72, 1, 0, 1, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F16, 1},
    {31, 192, 48, 1, 0, 0, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F32, 0},
};

enum { MOST = 256 * 1024 };

static void fill_numbers(void *data, glimpse_dtype dtype, size_t count, float scale) {
    for (size_t i = 0; i < count; i++) {
        float value = uniform(-scale, scale);
        if (dtype == GLIMPSE_DTYPE_F32) {
            ((float *)data)[i] = value;
        } else {
            ((uint16_t *)data)[i] =
                dtype == GLIMPSE_DTYPE_F16 ? glimpse_f32_to_f16(value) : glimpse_f32_to_bf16(value);
        }
    }
}

static _Alignas(64) uint8_t weights[MOST], biases[MOST], input[MOST];

/* y of one backend, as f32 [rows][out]. */
static void run(const shape *s, glimpse_backend backend, glimpse_precision precision,
                float *result) {
    glimpse_math math;
    assert_ok(glimpse_math_init(&math, backend, precision));
    glimpse_linear_spec spec = {.in = s->in,
                                .out = s->out,
                                .parts = s->parts,
                                .transposed = s->transposed,
                                .activation = s->activation,
                                .accumulate = s->accumulate,
                                .output = GLIMPSE_ELEMENT_F32};
    size_t part = s->out / s->parts, size = glimpse_dtype_size(s->dtype);
    for (size_t p = 0; p < s->parts; p++) {
        spec.weights[p] =
            (glimpse_numbers){weights + p * part * s->in * size, s->dtype, part * s->in};
        if (s->bias) spec.biases[p] = (glimpse_numbers){biases + p * part * size, s->dtype, part};
    }
    glimpse_linear *linear = NULL;
    glimpse_workspace *workspace = NULL;
    assert_ok(glimpse_linear_create(&linear, &math, &spec));
    assert_ok(glimpse_workspace_create(&workspace, &math));
    size_t padded = glimpse_padded_rows(s->rows);
    void *x = aligned_alloc(64, (padded * s->in * 4 + 63) / 64 * 64);
    float *y = aligned_alloc(64, (padded * s->out * 4 + 63) / 64 * 64);
    assert_non_null(x);
    assert_non_null(y);
    memset(x, 0, padded * s->in * 4);
    math.kernels->convert(x, math.element, (const float *)(const void *)input, s->rows * s->in);
    for (size_t i = 0; i < padded * s->out; i++)
        y[i] = s->accumulate ? 0.25f : NAN;
    assert_ok(glimpse_linear_run(linear, workspace, x, s->rows, y));
    /* A second run with fewer rows must not disturb what the first prepared. */
    if (!s->accumulate) assert_ok(glimpse_linear_run(linear, workspace, x, s->rows, y));
    memcpy(result, y, s->rows * s->out * sizeof *y);
    free(x);
    free(y);
    glimpse_workspace_free(workspace);
    glimpse_linear_free(linear);
}

static void compare(glimpse_backend backend, glimpse_precision precision) {
    state = 11;
    float *fast = malloc(MOST * sizeof *fast), *plain = malloc(MOST * sizeof *plain);
    assert_non_null(fast);
    assert_non_null(plain);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const shape *s = &shapes[i];
        fill_numbers(weights, s->dtype, s->in * s->out, 1.0f);
        fill_numbers(biases, s->dtype, s->out, 1.0f);
        fill_numbers(input, GLIMPSE_DTYPE_F32, s->rows * s->in, 1.0f);
        run(s, backend, precision, fast);
        run(s, GLIMPSE_BACKEND_PLAIN, precision, plain);
        for (size_t j = 0; j < s->rows * s->out; j++) {
            float allowed = 2e-6f * sqrtf((float)s->in) * (1.0f + fabsf(plain[j]));
            if (!(fabsf(fast[j] - plain[j]) <= allowed)) {
                fail_msg("shape %zu, entry %zu: %.9g, plain gives %.9g", i, j, (double)fast[j],
                         (double)plain[j]);
            }
        }
    }
    free(fast);
    free(plain);
}

static void openblas_f32_equals_plain(void **unused) {
    (void)unused;
    compare(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
}

static void openblas_bf16_equals_plain_products_of_rounded_operands(void **unused) {
    (void)unused;
    compare(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_BF16);
}

static void onednn(glimpse_precision precision) {
    glimpse_math math;
    int status = glimpse_math_init(&math, GLIMPSE_BACKEND_ONEDNN, precision);
    if (status == GLIMPSE_E_UNSUPPORTED) {
        print_message("SKIPPED: %s\n", glimpse_last_error());
        skip();
    }
    assert_ok(status);
    compare(GLIMPSE_BACKEND_ONEDNN, precision);
}

static void onednn_f32_equals_plain(void **unused) {
    (void)unused;
    onednn(GLIMPSE_PRECISION_F32);
}

static void onednn_bf16_equals_plain_products_of_rounded_operands(void **unused) {
    (void)unused;
    onednn(GLIMPSE_PRECISION_BF16);
}

static void gemm_equals_plain_with_strides(void **unused) {
    (void)unused;
    state = 5;
    glimpse_math fast, plain;
    assert_ok(glimpse_math_init(&fast, GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32));
    assert_ok(glimpse_math_init(&plain, GLIMPSE_BACKEND_PLAIN, GLIMPSE_PRECISION_F32));
    static float a[40 * 100], b[60 * 100], c[2][40 * 70];
    for (int transpose = 0; transpose < 2; transpose++) {
        for (size_t i = 0; i < sizeof a / sizeof a[0]; i++)
            a[i] = uniform(-1, 1);
        for (size_t i = 0; i < sizeof b / sizeof b[0]; i++)
            b[i] = uniform(-1, 1);
        size_t m = 37, n = transpose ? 53 : 61, k = transpose ? 90 : 55;
        glimpse_gemm(&fast, transpose, m, n, k, 0.125f, a, 100, b, 100, c[0], 70);
        glimpse_gemm(&plain, transpose, m, n, k, 0.125f, a, 100, b, 100, c[1], 70);
        for (size_t i = 0; i < m; i++) {
            for (size_t j = 0; j < n; j++) {
                assert_float_equal(c[0][i * 70 + j], c[1][i * 70 + j], 1e-5);
            }
        }
    }
}

static void auto_precision_is_f32_without_bf16_hardware(void **unused) {
    (void)unused;
    glimpse_math math;
    assert_ok(glimpse_math_init(&math, GLIMPSE_BACKEND_AUTO, GLIMPSE_PRECISION_AUTO));
    assert_int_equal(math.precision,
                     glimpse_math_has_fast_bf16() ? GLIMPSE_PRECISION_BF16 : GLIMPSE_PRECISION_F32);
}

/* Where oneDNN would be chosen by itself it is tried first; what this CPU can run must pass. */
static void the_self_test_believes_a_library_that_is_right(void **unused) {
    (void)unused;
    glimpse_math math;
    if (glimpse_math_init(&math, GLIMPSE_BACKEND_ONEDNN, GLIMPSE_PRECISION_F32) < 0) {
        print_message("SKIPPED: no oneDNN here\n");
        skip();
    }
    assert_int_equal(glimpse_onednn_agrees(GLIMPSE_PRECISION_F32), 1);
    assert_int_equal(glimpse_onednn_trusted(GLIMPSE_PRECISION_F32), 1);
    assert_int_equal(glimpse_onednn_agrees(GLIMPSE_PRECISION_BF16),
                     glimpse_onednn_multiplies_bf16());
    assert_int_equal(glimpse_onednn_agrees(GLIMPSE_PRECISION_INT8), glimpse_onednn_fast_int8());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openblas_f32_equals_plain),
        cmocka_unit_test(openblas_bf16_equals_plain_products_of_rounded_operands),
        cmocka_unit_test(onednn_f32_equals_plain),
        cmocka_unit_test(onednn_bf16_equals_plain_products_of_rounded_operands),
        cmocka_unit_test(gemm_equals_plain_with_strides),
        cmocka_unit_test(auto_precision_is_f32_without_bf16_hardware),
        cmocka_unit_test(the_self_test_believes_a_library_that_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
