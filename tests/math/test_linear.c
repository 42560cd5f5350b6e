/*
 * The products of every backend in the table, in every precision that it has here, equal the plain
 * ones, for all forms of weights.
 */
#include "support/numbers.h"

#include "math/backends.h"
#include "math/half.h"
#include "math/init.h"
#include "math/linear.h"
#include "math/self_test.h"

#include <math.h>

static uint64_t state;

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
    {19, 72, 130, 1, 0, 0, GLIMPSE_ACTIVATION_RELU, GLIMPSE_DTYPE_F32, 1},
    {50, 256, 64, 1, 0, 1, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F32, 1},
    {9, 48, 36, 1, 1, 0, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F32, 0},
    {64, 314, 72, 1, 0, 1, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F16, 1},
    {31, 192, 48, 1, 0, 0, GLIMPSE_ACTIVATION_NONE, GLIMPSE_DTYPE_F32, 0},
};

enum { MAX_COUNT = 256 * 1024 };

static void fill_numbers(void *data, glimpse_dtype dtype, size_t count, float scale) {
    for (size_t i = 0; i < count; i++) {
        float value = uniform(&state, -scale, scale);
        if (dtype == GLIMPSE_DTYPE_F32) {
            ((float *)data)[i] = value;
        } else {
            ((uint16_t *)data)[i] =
                dtype == GLIMPSE_DTYPE_F16 ? glimpse_f32_to_f16(value) : glimpse_f32_to_bf16(value);
        }
    }
}

static _Alignas(64) uint8_t weights[MAX_COUNT], biases[MAX_COUNT], input[MAX_COUNT];

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
    float *fast = malloc(MAX_COUNT * sizeof *fast), *plain = malloc(MAX_COUNT * sizeof *plain);
    assert_non_null(fast);
    assert_non_null(plain);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const shape *s = &shapes[i];
        fill_numbers(weights, s->dtype, s->in * s->out, 1.0f);
        fill_numbers(biases, s->dtype, s->out, 1.0f);
        fill_numbers(input, GLIMPSE_DTYPE_F32, s->rows * s->in, 1.0f);
        run(s, backend, precision, fast);
        run(s, GLIMPSE_BACKEND_PLAIN, precision, plain);
        size_t steps = 0;
        for (size_t j = 0; j < s->rows * s->out; j++) {
            float allowed = 2e-6f * sqrtf((float)s->in) * (1.0f + fabsf(plain[j]));
            /* In int8 an input between two whole numbers may become the other one where
             * multiplication and addition are fused: a 127th of it, and rarely. */
            if (precision == GLIMPSE_PRECISION_INT8 && fabsf(fast[j] - plain[j]) > allowed) {
                steps++;
                allowed = 0.05f;
            }
            if (!(fabsf(fast[j] - plain[j]) <= allowed)) {
                fail_msg("shape %zu, entry %zu: %.9g, plain gives %.9g", i, j, (double)fast[j],
                         (double)plain[j]);
            }
        }
        assert_true(steps * 50 <= s->rows * s->out);
    }
    free(fast);
    free(plain);
}

/* A backend and a precision; one test each. */
typedef struct mode {
    glimpse_backend backend;
    glimpse_precision precision;
    char name[64];
} mode;

static void products_equal_plain(void **test_state) {
    const mode *w = *test_state;
    glimpse_math math;
    int status = glimpse_math_init(&math, w->backend, w->precision);
    if (status == GLIMPSE_E_UNSUPPORTED) {
        print_message("SKIPPED: %s\n", glimpse_last_error());
        skip();
    }
    assert_ok(status);
    assert_int_equal(math.backend, w->backend);
    assert_int_equal(math.precision, w->precision);
    compare(w->backend, w->precision);
}

static void gemm_equals_plain_with_strides(glimpse_backend backend) {
    state = 5;
    glimpse_math fast, plain;
    if (glimpse_math_init(&fast, backend, GLIMPSE_PRECISION_F32) < 0) return;
    assert_ok(glimpse_math_init(&plain, GLIMPSE_BACKEND_PLAIN, GLIMPSE_PRECISION_F32));
    static float a[40 * 100], b[60 * 100], c[2][40 * 70];
    for (int transpose = 0; transpose < 2; transpose++) {
        for (size_t i = 0; i < sizeof a / sizeof a[0]; i++)
            a[i] = uniform(&state, -1, 1);
        for (size_t i = 0; i < sizeof b / sizeof b[0]; i++)
            b[i] = uniform(&state, -1, 1);
        memset(c, 0, sizeof c);
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

static void gemm_of_every_backend_equals_plain(void **unused) {
    (void)unused;
    for (int b = GLIMPSE_BACKEND_PLAIN + 1; b < GLIMPSE_BACKEND_COUNT; b++)
        gemm_equals_plain_with_strides((glimpse_backend)b);
}

/* What --backend and `glimpse doctor` offer is what there is. */
static void names_and_rows_belong_together(void **unused) {
    (void)unused;
    const char *const *backends = glimpse_backend_names();
    const char *const *precisions = glimpse_precision_names();
    assert_string_equal(backends[GLIMPSE_BACKEND_AUTO], "auto");
    assert_string_equal(backends[GLIMPSE_BACKEND_PLAIN], "plain");
    assert_string_equal(backends[GLIMPSE_BACKEND_OPENBLAS], "openblas");
    assert_string_equal(backends[GLIMPSE_BACKEND_ONEDNN], "onednn");
    assert_null(backends[GLIMPSE_BACKEND_COUNT]);
    assert_string_equal(precisions[GLIMPSE_PRECISION_AUTO], "auto");
    assert_string_equal(precisions[GLIMPSE_PRECISION_F32], "f32");
    assert_string_equal(precisions[GLIMPSE_PRECISION_BF16], "bf16");
    assert_string_equal(precisions[GLIMPSE_PRECISION_INT8], "int8");
    assert_null(precisions[GLIMPSE_PRECISIONS]);
    assert_null(glimpse_backend_get(GLIMPSE_BACKEND_AUTO));
    assert_null(glimpse_backend_get((glimpse_backend)GLIMPSE_BACKEND_COUNT));
    for (int b = GLIMPSE_BACKEND_AUTO + 1; b < GLIMPSE_BACKEND_COUNT; b++) {
        const glimpse_backend_ops *ops = glimpse_backend_get((glimpse_backend)b);
        assert_non_null(ops);
        assert_true(*backends[b]);
        /* A row that can do nothing in this build says why. */
        if (!ops->precisions[GLIMPSE_PRECISION_F32].layers) {
            assert_non_null(ops->probe);
            assert_int_equal(ops->probe(GLIMPSE_PRECISION_F32), GLIMPSE_E_UNSUPPORTED);
            continue;
        }
        assert_non_null(ops->gemm);
        assert_true(!ops->precisions[GLIMPSE_PRECISION_INT8].layers || ops->exact_layers);
        assert_true(!ops->state_create == !ops->state_free);
        assert_true(!ops->attend == !ops->attends && !ops->attend == !ops->attend_scratch);
    }
}

static void what_is_no_backend_or_precision_is_refused(void **unused) {
    (void)unused;
    glimpse_math math;
    assert_int_equal(
        glimpse_math_init(&math, (glimpse_backend)GLIMPSE_BACKEND_COUNT, GLIMPSE_PRECISION_F32),
        GLIMPSE_E_INVALID);
    assert_int_equal(
        glimpse_math_init(&math, (glimpse_backend)GLIMPSE_BACKEND_COUNT, GLIMPSE_PRECISION_AUTO),
        GLIMPSE_E_INVALID);
    assert_int_equal(
        glimpse_math_init(&math, GLIMPSE_BACKEND_AUTO, (glimpse_precision)GLIMPSE_PRECISIONS),
        GLIMPSE_E_INVALID);
    assert_int_equal(
        glimpse_math_init(&math, GLIMPSE_BACKEND_PLAIN, (glimpse_precision)GLIMPSE_PRECISIONS),
        GLIMPSE_E_INVALID);
}

static void auto_precision_is_f32_without_bf16_hardware(void **unused) {
    (void)unused;
    glimpse_math math;
    assert_ok(glimpse_math_init(&math, GLIMPSE_BACKEND_AUTO, GLIMPSE_PRECISION_AUTO));
    assert_int_equal(math.precision,
                     glimpse_math_has_fast_bf16() ? GLIMPSE_PRECISION_BF16 : GLIMPSE_PRECISION_F32);
}

/* What is asked for in f32 and without a name is OpenBLAS, whatever else there is. */
static void auto_is_openblas_in_f32(void **unused) {
    (void)unused;
    glimpse_math math;
    assert_ok(glimpse_math_init(&math, GLIMPSE_BACKEND_AUTO, GLIMPSE_PRECISION_F32));
    assert_int_equal(math.backend, GLIMPSE_BACKEND_OPENBLAS);
}

/* Where a backend would be chosen for being fast it is tried first; what is right must pass. */
static void the_self_test_believes_a_backend_that_is_right(void **unused) {
    (void)unused;
    for (int b = GLIMPSE_BACKEND_AUTO + 1; b < GLIMPSE_BACKEND_COUNT; b++) {
        for (int p = GLIMPSE_PRECISION_F32; p < GLIMPSE_PRECISIONS; p++) {
            glimpse_math math;
            int can = glimpse_backend_start(&math, (glimpse_backend)b, (glimpse_precision)p) ==
                      GLIMPSE_OK;
            assert_int_equal(glimpse_backend_agrees((glimpse_backend)b, (glimpse_precision)p), can);
            assert_int_equal(glimpse_backend_trusted((glimpse_backend)b, (glimpse_precision)p),
                             can);
            /* AUTO takes nothing that cannot run. */
            if (glimpse_backend_merit((glimpse_backend)b, (glimpse_precision)p) >
                GLIMPSE_MERIT_ON_REQUEST) {
                assert_true(can);
            }
        }
    }
}

int main(void) {
    enum {
        FIRST = GLIMPSE_BACKEND_PLAIN + 1, /* all but what they are compared with */
        PRECISIONS = GLIMPSE_PRECISIONS - 1,
        MODES = (GLIMPSE_BACKEND_COUNT - FIRST) * PRECISIONS
    };
    static mode modes[MODES];
    static struct CMUnitTest by_mode[MODES];
    for (size_t i = 0; i < MODES; i++) {
        modes[i].backend = (glimpse_backend)(FIRST + i / PRECISIONS);
        modes[i].precision = (glimpse_precision)(1 + i % PRECISIONS);
        (void)snprintf(modes[i].name, sizeof modes[i].name, "%s_%s_equals_plain",
                       glimpse_backend_names()[modes[i].backend],
                       glimpse_precision_names()[modes[i].precision]);
        by_mode[i] =
            (struct CMUnitTest){modes[i].name, products_equal_plain, NULL, NULL, &modes[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm_of_every_backend_equals_plain),
        cmocka_unit_test(names_and_rows_belong_together),
        cmocka_unit_test(what_is_no_backend_or_precision_is_refused),
        cmocka_unit_test(auto_precision_is_f32_without_bf16_hardware),
        cmocka_unit_test(auto_is_openblas_in_f32),
        cmocka_unit_test(the_self_test_believes_a_backend_that_is_right),
    };
    int failed = _cmocka_run_group_tests("backends", by_mode, MODES, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
