/*
 * math/self_test.c - compares a fast backend with the plain loops on this machine, before it is
 * used.
 *
 * Fast paths (AMX, VNNI, bf16) are chosen by themselves on CPUs that nobody tried this build on. So
 * the first time one would be chosen, a small layer and a small attention are computed with it and
 * plainly; when they disagree, or it fails, the next best backend is taken. That takes about as
 * long as making two primitives, once a process. A backend that was asked for by name is not
 * tested.
 */
#include "math/self_test.h"

#include "math/backends.h"
#include "math/linear.h"

#include "core/error.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 40, IN = 64, OUT = 48, HEADS = 2, HEAD = 32 };

/* Numbers in -1..1 that look like nothing in particular. */
static void fill(float *x, size_t count, uint32_t seed) {
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
}

/* The largest difference, compared with the largest number. */
static double distance(const float *a, const float *b, size_t count) {
    double max = 0.0, scale = 1e-6;
    for (size_t i = 0; i < count; i++) {
        const double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= max)) max = isfinite(d) ? d : INFINITY;
        if (fabs((double)b[i]) > scale) scale = fabs((double)b[i]);
    }
    return max / scale;
}

static int run_layer(const glimpse_math *math, const float *x, const float *weights,
                     const float *bias, int accumulate, float *y) {
    glimpse_linear_spec spec = {.in = IN,
                                .out = OUT,
                                .parts = 1,
                                .activation =
                                    accumulate ? GLIMPSE_ACTIVATION_NONE : GLIMPSE_ACTIVATION_GELU,
                                .accumulate = accumulate,
                                .output = GLIMPSE_ELEMENT_F32};
    spec.weights[0] = (glimpse_numbers){weights, GLIMPSE_DTYPE_F32, (size_t)IN * OUT};
    spec.biases[0] = (glimpse_numbers){bias, GLIMPSE_DTYPE_F32, OUT};
    glimpse_linear *linear = NULL;
    glimpse_workspace *workspace = NULL;
    const size_t rows = glimpse_padded_rows(ROWS);
    void *input = aligned_alloc(64, rows * IN * sizeof(float));
    float *output = aligned_alloc(64, rows * OUT * sizeof(float));
    int status = input && output ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) {
        memset(input, 0, rows * IN * sizeof(float));
        math->kernels->convert(input, math->element, x, (size_t)ROWS * IN);
        for (size_t i = 0; i < rows * OUT; i++)
            output[i] = accumulate ? 0.25f : 0.0f;
        status = glimpse_linear_create(&linear, math, &spec);
    }
    if (status == GLIMPSE_OK) status = glimpse_workspace_create(&workspace, math);
    if (status == GLIMPSE_OK) status = glimpse_linear_run(linear, workspace, input, ROWS, output);
    if (status == GLIMPSE_OK) memcpy(y, output, sizeof(float) * ROWS * OUT);
    glimpse_workspace_free(workspace);
    glimpse_linear_free(linear);
    free(output);
    free(input);
    return status;
}

static int layers_agree(const glimpse_math *math, double tolerance) {
    static float x[ROWS * IN], weights[IN * OUT], bias[OUT], got[ROWS * OUT], expected[ROWS * OUT];
    glimpse_math plain;
    if (glimpse_backend_start(&plain, GLIMPSE_BACKEND_PLAIN, math->precision) < 0) return 0;
    fill(x, ROWS * IN, 1);
    fill(weights, IN * OUT, 2);
    fill(bias, OUT, 3);
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        if (run_layer(math, x, weights, bias, accumulate, got) < 0) return 0;
        if (run_layer(&plain, x, weights, bias, accumulate, expected) < 0) return 0;
        if (!(distance(got, expected, ROWS * OUT) < tolerance)) return 0;
    }
    return 1;
}

/* By the definition, in double. */
static void attend_plainly(const float *qkv, float *out) {
    enum { WIDTH = HEADS * HEAD };
    for (size_t h = 0; h < HEADS; h++) {
        for (size_t i = 0; i < ROWS; i++) {
            const float *q = qkv + i * 3 * WIDTH + h * HEAD;
            double weights[ROWS], sum = 0.0;
            for (size_t j = 0; j < ROWS; j++) {
                const float *k = qkv + j * 3 * WIDTH + WIDTH + h * HEAD;
                double dot = 0.0;
                for (size_t d = 0; d < HEAD; d++)
                    dot += (double)q[d] * (double)k[d];
                weights[j] = exp(dot / sqrt((double)HEAD));
                sum += weights[j];
            }
            for (size_t d = 0; d < HEAD; d++) {
                double mixed = 0.0;
                for (size_t j = 0; j < ROWS; j++)
                    mixed +=
                        weights[j] / sum * (double)qkv[j * 3 * WIDTH + 2 * WIDTH + h * HEAD + d];
                out[i * WIDTH + h * HEAD + d] = (float)mixed;
            }
        }
    }
}

/* Backends without attention of their own leave it to the kernel. */
static int attention_agrees(const glimpse_math *math, double tolerance) {
    const glimpse_backend_ops *ops = glimpse_backend_get(math->backend);
    if (!ops->attend) return 1;
    enum { WIDTH = HEADS * HEAD };
    static float qkv[ROWS * 3 * WIDTH], expected[ROWS * WIDTH], got[ROWS * WIDTH];
    static uint16_t halves[ROWS * WIDTH];
    const int is_bf16 = math->element == GLIMPSE_ELEMENT_BF16;
    const glimpse_element operands =
        ops->attends(math->precision) ? GLIMPSE_ELEMENT_BF16 : math->element;
    void *state = NULL;
    fill(qkv, sizeof qkv / sizeof qkv[0], 4);
    const glimpse_attend task = {math->kernels, operands, math->element,
                                 qkv,           ROWS,     HEADS,
                                 HEAD,          1,        is_bf16 ? (void *)halves : (void *)got};
    void *scratch = aligned_alloc(64, (ops->attend_scratch(&task) + 63) / 64 * 64);
    int done = scratch && (!ops->state_create || ops->state_create(&state) == GLIMPSE_OK) &&
               ops->attend(state, &task, scratch) == 1;
    if (state) ops->state_free(state);
    free(scratch);
    if (!done) return 0;
    for (size_t i = 0; is_bf16 && i < sizeof halves / sizeof halves[0]; i++) {
        const uint32_t bits = (uint32_t)halves[i] << 16; /* bf16 is the upper half of an f32 */
        memcpy(&got[i], &bits, sizeof bits);
    }
    attend_plainly(qkv, expected);
    return distance(got, expected, ROWS * WIDTH) < tolerance;
}

int glimpse_backend_agrees(glimpse_backend backend, glimpse_precision precision) {
    glimpse_math math;
    if (glimpse_backend_start(&math, backend, precision) < 0) return 0;
    /* bf16 keeps eight bits: sums of 64 such products are good to about 1 %. The whole numbers of
     * int8 are summed exactly, but the plain reference may round a scale the other way. */
    const double tolerance = precision == GLIMPSE_PRECISION_F32 ? 1e-4 : 0.02;
    return layers_agree(&math, tolerance) && attention_agrees(&math, tolerance);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
/* 0: not tested yet, 1 good, -1 bad */
static int verdicts[GLIMPSE_BACKEND_COUNT][GLIMPSE_PRECISIONS];

int glimpse_backend_trusted(glimpse_backend backend, glimpse_precision precision) {
    (void)pthread_mutex_lock(&mutex);
    int *verdict = &verdicts[backend][precision];
    if (*verdict == 0) *verdict = glimpse_backend_agrees(backend, precision) ? 1 : -1;
    const int trusted = *verdict > 0;
    (void)pthread_mutex_unlock(&mutex);
    return trusted;
}
