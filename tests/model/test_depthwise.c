/*
 * Depthwise convolutions equal the textbook's on every instruction set, for all kernels, strides
 * and shapes of pictures.
 */
#include "support/numbers.h"
#include "support/plain_convolution.h"

#include "math/half.h"
#include "model/depthwise.h"

#include <math.h>

static float *random_numbers(uint64_t *state, size_t count) {
    float *numbers = malloc(count * sizeof *numbers);
    assert_non_null(numbers);
    fill_uniform(numbers, count, state, -1.0f, 1.0f);
    return numbers;
}

typedef struct task {
    size_t channels, multiplier, kernel, stride, rows, columns;
} task;

/* As the textbook has it: [rows'][columns'][output], outputs as PyTorch counts them. */
static double *expected_of(const task *t, const float *x, const float *weights, const float *bias) {
    size_t outputs = t->channels * t->multiplier, area = t->rows * t->columns;
    plain_convolution c = {.in = t->channels,
                           .out = outputs,
                           .groups = t->channels,
                           .height = t->rows,
                           .width = t->columns,
                           .kernel = t->kernel,
                           .stride = t->stride,
                           .padding = t->kernel / 2,
                           .weights = weights,
                           .bias = bias};
    size_t after = plain_convolution_side(&c, t->rows) * plain_convolution_side(&c, t->columns);
    double *planes = malloc(t->channels * area * sizeof *planes);
    double *y = malloc(outputs * after * sizeof *y), *result = malloc(outputs * after * sizeof *y);
    assert_true(planes && y && result);
    for (size_t i = 0; i < area; i++) {
        for (size_t channel = 0; channel < t->channels; channel++)
            planes[channel * area + i] = (double)x[i * t->channels + channel];
    }
    plain_convolution_run(&c, y, planes);
    for (size_t i = 0; i < after; i++) {
        for (size_t o = 0; o < outputs; o++)
            result[i * outputs + o] = y[o * after + i];
    }
    free(planes);
    free(y);
    return result;
}

static double *in_double(const float *numbers, size_t count) {
    double *copy = malloc(count * sizeof *copy);
    assert_non_null(copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = (double)numbers[i];
    return copy;
}

static double gelu(double x) {
    return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
}

/* One table of kernels, one type of element; with gelu, when that is not F32. */
static void compare(const task *t, const glimpse_kernels *kernels, glimpse_element element,
                    const glimpse_depthwise *d, const float *x, const double *expected) {
    size_t outputs = t->channels * t->multiplier;
    size_t after = glimpse_depthwise_side(d, t->rows) * glimpse_depthwise_side(d, t->columns);
    size_t bytes = after * outputs * glimpse_element_size(element);
    uint8_t *out = malloc(bytes + 16);
    float *scratch = malloc(glimpse_depthwise_scratch(d, t->columns) * sizeof *scratch);
    assert_true(out && scratch);
    memset(out + bytes, 0x5a, 16);
    glimpse_activation activation =
        element == GLIMPSE_ELEMENT_F32 ? GLIMPSE_ACTIVATION_NONE : GLIMPSE_ACTIVATION_GELU;
    glimpse_depthwise_run(d, kernels, x, t->rows, t->columns, out, element, activation, scratch);
    for (size_t i = 0; i < after; i++) {
        for (size_t o = 0; o < outputs; o++) {
            size_t at = i * outputs + glimpse_depthwise_permute(o, t->channels, t->multiplier);
            double wanted = expected[i * outputs + o];
            double got =
                element == GLIMPSE_ELEMENT_BF16
                    ? (double)glimpse_bf16_to_f32(((const uint16_t *)(const void *)out)[at])
                    : (double)((const float *)(const void *)out)[at];
            double allowed = 3e-6 * (1.0 + fabs(wanted));
            if (activation == GLIMPSE_ACTIVATION_GELU) {
                wanted = gelu(wanted);
                allowed += fabs(wanted) / 128;
            }
            if (!(fabs(got - wanted) <= allowed)) {
                fail_msg("%s, %zu x %zu of %zu, kernel %zu, stride %zu: output %zu of pixel %zu is "
                         "%.9g, not %.9g",
                         kernels->name, t->rows, t->columns, t->channels, t->kernel, t->stride, o,
                         i, got, wanted);
            }
        }
    }
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(out[bytes + i], 0x5a);
    free(out);
    free(scratch);
}

static void check(const task *t, uint64_t *state) {
    size_t outputs = t->channels * t->multiplier, taps = t->kernel * t->kernel;
    float *x = random_numbers(state, t->rows * t->columns * t->channels);
    float *weights = random_numbers(state, outputs * taps), *bias = random_numbers(state, outputs);
    double *expected = expected_of(t, x, weights, bias);
    glimpse_fold fold = {.out = outputs,
                         .in = 1,
                         .rows = t->kernel,
                         .columns = t->kernel,
                         .weights = in_double(weights, outputs * taps),
                         .bias = in_double(bias, outputs)};
    glimpse_loader loader = {.math = NULL};
    glimpse_depthwise d;
    glimpse_depthwise_load(&d, &loader, &fold, t->channels, t->stride);
    assert_ok(loader.status);
    for (const glimpse_kernels *const *k = glimpse_kernels_all(); *k; k++) {
        for (int e = GLIMPSE_ELEMENT_F32; e <= GLIMPSE_ELEMENT_F32_BF; e++)
            compare(t, *k, (glimpse_element)e, &d, x, expected);
    }
    glimpse_depthwise_release(&d);
    glimpse_fold_release(&fold);
    free(x);
    free(weights);
    free(bias);
    free(expected);
}

static void every_instruction_set_gives_what_the_textbook_says(void **unused) {
    (void)unused;
    static const size_t channels[] = {1, 3, 4, 8, 15, 16, 17, 40, 64};
    uint64_t state = 7;
    for (size_t kernel = 1; kernel <= 7; kernel += 2) {
        for (size_t stride = 1; stride <= 3; stride++) {
            for (size_t c = 0; c < sizeof channels / sizeof *channels; c++) {
                task t = {.channels = channels[c],
                          .multiplier = 1 + c % 3,
                          .kernel = kernel,
                          .stride = stride,
                          .rows = 1 + random_below(&state, 12),
                          .columns = 1 + random_below(&state, 24)};
                check(&t, &state);
            }
        }
    }
    /* A picture smaller than the kernel, and the largest kernel. */
    check(&(task){8, 2, 7, 2, 2, 2}, &state);
    check(&(task){8, 1, 7, 1, 1, 1}, &state);
    check(&(task){2, 1, GLIMPSE_DEPTHWISE_KERNEL, 1, 9, 40}, &state);
}

/* A kernel of one row: texts. */
static void kernels_need_not_be_square(void **unused) {
    (void)unused;
    enum { LENGTH = 13, CHANNELS = 5, KERNEL = 11 };
    uint64_t state = 9;
    float *x = random_numbers(&state, LENGTH * CHANNELS);
    float *weights = random_numbers(&state, CHANNELS * KERNEL);
    float *bias = random_numbers(&state, CHANNELS), out[LENGTH * CHANNELS];
    glimpse_fold fold = {.out = CHANNELS,
                         .in = 1,
                         .rows = 1,
                         .columns = KERNEL,
                         .weights = in_double(weights, CHANNELS * KERNEL),
                         .bias = in_double(bias, CHANNELS)};
    glimpse_loader loader = {.math = NULL};
    glimpse_depthwise d;
    glimpse_depthwise_load(&d, &loader, &fold, CHANNELS, 1);
    assert_ok(loader.status);
    float *scratch = malloc(glimpse_depthwise_scratch(&d, LENGTH) * sizeof *scratch);
    assert_non_null(scratch);
    for (const glimpse_kernels *const *k = glimpse_kernels_all(); *k; k++) {
        glimpse_depthwise_run(&d, *k, x, 1, LENGTH, out, GLIMPSE_ELEMENT_F32,
                              GLIMPSE_ACTIVATION_NONE, scratch);
        for (size_t i = 0; i < LENGTH; i++) {
            for (size_t c = 0; c < CHANNELS; c++) {
                double sum = (double)bias[c];
                for (size_t t = 0; t < KERNEL; t++) {
                    if (i + t < KERNEL / 2 || i + t >= LENGTH + KERNEL / 2) continue;
                    sum += (double)weights[c * KERNEL + t] *
                           (double)x[(i + t - KERNEL / 2) * CHANNELS + c];
                }
                assert_true(fabs((double)out[i * CHANNELS + c] - sum) < 2e-6);
            }
        }
    }
    glimpse_depthwise_release(&d);
    glimpse_fold_release(&fold);
    free(scratch);
    free(x);
    free(weights);
    free(bias);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_set_gives_what_the_textbook_says),
        cmocka_unit_test(kernels_need_not_be_square),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
