/*
 * Convolutions with a folded batch norm equal the textbook's, for every backend and precision, all
 * sizes, strides and paddings; what a file has wrong is an error that names it.
 */
#include "support/numbers.h"
#include "support/plain_convolution.h"
#include "support/random_model.h"
#include "support/temporary.h"

#include "math/backends.h"
#include "math/half.h"
#include "math/init.h"
#include "model/convolution.h"

#include <math.h>

static const double eps = 1e-5;
static const char *const file_names[] = {"model.safetensors", NULL};

static void *aligned(size_t bytes) {
    void *block = aligned_alloc(64, (bytes + 64) / 64 * 64);
    assert_non_null(block);
    memset(block, 0, (bytes + 64) / 64 * 64);
    return block;
}

static float *random_numbers(uint64_t *state, size_t count, float low, float high) {
    float *numbers = malloc((count + 1) * sizeof *numbers);
    assert_non_null(numbers);
    fill_uniform(numbers, count, state, low, high);
    return numbers;
}

/* A convolution, its norm, pictures, and what the textbook makes of them. */
typedef struct task {
    glimpse_convolution_shape shape;
    size_t pictures, height, width, out_height, out_width;
    float *weights, *bias, *gamma, *beta, *mean, *variance;
    float *x; /* [pictures][in][height][width] */
    float *y; /* [pictures][out_height][out_width][out] */
} task;

static void make_expected(task *t) {
    const glimpse_convolution_shape *s = &t->shape;
    size_t area = t->height * t->width, out_area = t->out_height * t->out_width;
    plain_convolution plain = {.in = s->in,
                               .out = s->out,
                               .groups = 1,
                               .height = t->height,
                               .width = t->width,
                               .kernel = s->kernel,
                               .stride = s->stride,
                               .padding = s->padding,
                               .weights = t->weights,
                               .bias = t->bias};
    double *x = malloc(s->in * area * sizeof *x), *y = malloc(s->out * out_area * sizeof *y);
    t->y = malloc(t->pictures * s->out * out_area * sizeof *t->y);
    assert_true(x && y && t->y);
    for (size_t p = 0; p < t->pictures; p++) {
        for (size_t i = 0; i < s->in * area; i++)
            x[i] = (double)t->x[p * s->in * area + i];
        plain_convolution_run(&plain, y, x);
        plain_batch_norm(y, s->out, out_area, t->gamma, t->beta, t->mean, t->variance, eps);
        for (size_t o = 0; o < s->out; o++) {
            for (size_t i = 0; i < out_area; i++)
                t->y[(p * out_area + i) * s->out + o] = (float)y[o * out_area + i];
        }
    }
    free(x);
    free(y);
}

static task make_task(uint64_t *state) {
    task t = {.pictures = 1 + random_below(state, 3)};
    glimpse_convolution_shape *s = &t.shape;
    s->in = 1 + random_below(state, 40);
    s->out = 1 + random_below(state, 70);
    s->kernel = 1 + random_below(state, 5);
    s->stride = 1 + random_below(state, 3);
    s->padding = random_below(state, 4);
    t.height = s->kernel + random_below(state, 18);
    t.width = s->kernel + random_below(state, 18);
    t.out_height = (t.height + 2 * s->padding - s->kernel) / s->stride + 1;
    t.out_width = (t.width + 2 * s->padding - s->kernel) / s->stride + 1;
    size_t columns = s->in * s->kernel * s->kernel;
    float scale = 1.0f / sqrtf((float)columns);
    t.weights = random_numbers(state, s->out * columns, -scale, scale);
    t.bias = random_below(state, 2) ? random_numbers(state, s->out, -1, 1) : NULL;
    t.gamma = random_numbers(state, s->out, 0.5f, 1.5f);
    t.beta = random_numbers(state, s->out, -1, 1);
    t.mean = random_numbers(state, s->out, -0.5f, 0.5f);
    t.variance = random_numbers(state, s->out, 0.2f, 2.0f);
    t.x = random_numbers(state, t.pictures * s->in * t.height * t.width, -1, 1);
    make_expected(&t);
    return t;
}

static void free_task(task *t) {
    float *all[] = {t->weights, t->bias, t->gamma, t->beta, t->mean, t->variance, t->x, t->y};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static glimpse_batch_norm make_norm(const task *t) {
    size_t out = t->shape.out;
    glimpse_batch_norm norm = {malloc(out * sizeof(double)), malloc(out * sizeof(double))};
    assert_true(norm.scale && norm.shift);
    for (size_t o = 0; o < out; o++) {
        norm.scale[o] = (double)t->gamma[o] / sqrt((double)t->variance[o] + eps);
        norm.shift[o] = (double)t->beta[o] - (double)t->mean[o] * norm.scale[o];
    }
    return norm;
}

/* y in f32 of one way to compute it; malloc'ed. */
static float *run_task(const task *t, const glimpse_math *math) {
    const glimpse_convolution_shape *s = &t->shape;
    size_t area = t->height * t->width, pixels = t->pictures * t->out_height * t->out_width;
    glimpse_convolution convolution;
    glimpse_workspace *workspace = NULL;
    glimpse_batch_norm norm = make_norm(t);
    assert_ok(glimpse_convolution_create(&convolution, math, s, t->weights, t->bias, &norm, NULL));
    glimpse_batch_norm_release(&norm);
    assert_ok(glimpse_workspace_create(&workspace, math));
    assert_int_equal(glimpse_convolution_side(s, t->height), t->out_height);
    assert_int_equal(glimpse_convolution_side(s, t->width), t->out_width);
    float *rows = random_numbers(&(uint64_t){1}, t->pictures * area * s->in, 0, 1);
    for (size_t p = 0; p < t->pictures; p++) {
        for (size_t i = 0; i < area; i++) {
            for (size_t c = 0; c < s->in; c++)
                rows[(p * area + i) * s->in + c] = t->x[(p * s->in + c) * area + i];
        }
    }
    void *x = aligned(glimpse_padded_rows(t->pictures * area) * s->in * sizeof(float));
    void *patches = aligned(glimpse_convolution_patches(&convolution, pixels));
    float *y = aligned(glimpse_padded_rows(pixels) * s->out * sizeof(float));
    math->kernels->convert(x, math->element, rows, t->pictures * area * s->in);
    assert_ok(glimpse_convolution_run(&convolution, workspace, patches, x, t->pictures, t->height,
                                      t->width, y));
    free(rows);
    free(x);
    free(patches);
    glimpse_workspace_free(workspace);
    glimpse_convolution_release(&convolution);
    return y;
}

static double allowed(glimpse_precision precision) {
    return precision == GLIMPSE_PRECISION_F32    ? 5e-6
           : precision == GLIMPSE_PRECISION_BF16 ? 2e-2
                                                 : 4e-2;
}

static void compare_all(const task *t) {
    static const glimpse_precision precisions[] = {GLIMPSE_PRECISION_F32, GLIMPSE_PRECISION_BF16,
                                                   GLIMPSE_PRECISION_INT8};
    size_t count = t->pictures * t->out_height * t->out_width * t->shape.out;
    for (int b = GLIMPSE_BACKEND_PLAIN; b < GLIMPSE_BACKEND_COUNT; b++) {
        for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
            glimpse_math math;
            if (glimpse_math_init(&math, (glimpse_backend)b, precisions[p]) < 0) continue;
            float *y = run_task(t, &math);
            assert_floats_near(y, t->y, count, allowed(precisions[p]));
            free(y);
        }
    }
}

static void convolutions_equal_plain_ones(void **unused) {
    (void)unused;
    uint64_t state = 17;
    for (int i = 0; i < 60; i++) {
        task t = make_task(&state);
        compare_all(&t);
        free_task(&t);
    }
}

/* More patches than are gathered at a time, and an output type of two bytes where there is one:
 * every piece lands where it belongs. */
static void many_patches_are_gathered_in_pieces(void **unused) {
    (void)unused;
    uint64_t state = 23;
    task t = {.shape = {.in = 33, .out = 7, .kernel = 3, .stride = 1, .padding = 1},
              .pictures = 2,
              .height = 61,
              .width = 59,
              .out_height = 61,
              .out_width = 59};
    t.weights = random_numbers(&state, 7 * 33 * 9, -0.1f, 0.1f);
    t.gamma = random_numbers(&state, 7, 0.5f, 1.5f);
    t.beta = random_numbers(&state, 7, -1, 1);
    t.mean = random_numbers(&state, 7, -1, 1);
    t.variance = random_numbers(&state, 7, 0.5f, 1.5f);
    t.x = random_numbers(&state, 2 * 33 * 61 * 59, -1, 1);
    make_expected(&t);
    compare_all(&t);
    glimpse_math math;
    if (glimpse_math_init(&math, GLIMPSE_BACKEND_ONEDNN, GLIMPSE_PRECISION_BF16) == GLIMPSE_OK &&
        math.element == GLIMPSE_ELEMENT_BF16) {
        t.shape.output = GLIMPSE_ELEMENT_BF16;
        float *y = run_task(&t, &math);
        const uint16_t *halves = (const uint16_t *)(const void *)y;
        for (size_t i = 0; i < (size_t)2 * 61 * 59 * 7; i++)
            assert_float_equal(glimpse_bf16_to_f32(halves[i]), t.y[i], 4e-2);
        free(y);
    }
    free_task(&t);
}

static void pixels_are_interleaved_and_squares_averaged(void **unused) {
    (void)unused;
    enum { SIDE = 15, CHANNELS = 301, STEP = 2, HEIGHT = 5, WIDTH = 6 };
    uint64_t state = 3;
    glimpse_math math;
    assert_ok(glimpse_math_init(&math, GLIMPSE_BACKEND_PLAIN, GLIMPSE_PRECISION_F32));
    float *pixels = random_numbers(&state, 3 * SIDE * SIDE, -1, 1), rows[SIDE * SIDE * 3];
    glimpse_interleave_pixels(&math, rows, pixels, SIDE);
    for (size_t i = 0; i < (size_t)SIDE * SIDE * 3; i++)
        assert_true(rows[i] == pixels[i % 3 * SIDE * SIDE + i / 3]);
    free(pixels);

    float *x = random_numbers(&state, 2 * HEIGHT * WIDTH * CHANNELS, -1, 1);
    static float y[2][HEIGHT / STEP][WIDTH / STEP][CHANNELS];
    glimpse_average_pool(&math, y, GLIMPSE_ELEMENT_F32, x, 2, HEIGHT, WIDTH, CHANNELS, STEP);
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < (size_t)(HEIGHT / STEP) * (WIDTH / STEP) * CHANNELS; i++) {
            size_t c = i % CHANNELS, ox = i / CHANNELS % (WIDTH / STEP);
            size_t oy = i / CHANNELS / (WIDTH / STEP);
            double sum = 0;
            for (size_t k = 0; k < 4; k++) {
                size_t py = 2 * oy + k / 2, px = 2 * ox + k % 2;
                sum += (double)x[((p * HEIGHT + py) * WIDTH + px) * CHANNELS + c];
            }
            assert_float_equal(y[p][oy][ox][c], (float)(sum / 4), 1e-6);
        }
    }
    free(x);
}

enum { OUT = 5, IN = 3 };

/* A file with one convolution and its norm, the variance around `centre`. */
static glimpse_tensors *write_convolution(float centre) {
    const size_t kernel[4] = {OUT, IN, 3, 3}, vector[1] = {OUT};
    random_writer *writer = random_writer_create(9);
    random_writer_add(writer, "conv1.weight", 4, kernel, 0.3f, 0);
    random_writer_add(writer, "bn1.weight", 1, vector, 0.1f, 1);
    random_writer_add(writer, "bn1.bias", 1, vector, 0.1f, 0);
    random_writer_add(writer, "bn1.running_mean", 1, vector, 0.1f, 0);
    random_writer_add(writer, "bn1.running_var", 1, vector, 0.01f, centre);
    random_writer_add(writer, "bn1.num_batches_tracked", 0, NULL, 0, 1);
    assert_true(random_writer_finish(writer, temp_directory, "F32", 1));
    glimpse_tensors *tensors = NULL;
    assert_ok(glimpse_tensors_open(&tensors, temp_directory, file_names));
    return tensors;
}

static void a_file_is_read_and_a_wrong_one_refused_by_name(void **unused) {
    (void)unused;
    glimpse_math math;
    assert_ok(glimpse_math_init(&math, GLIMPSE_BACKEND_PLAIN, GLIMPSE_PRECISION_F32));
    glimpse_convolution_shape shape = {
        .in = IN, .out = OUT, .kernel = 3, .stride = 2, .padding = 1};
    glimpse_tensors *tensors = write_convolution(1.0f);
    for (int check_only = 0; check_only < 2; check_only++) {
        glimpse_loader l = {.math = &math, .tensors = tensors, .check_only = check_only};
        glimpse_batch_norm norm = glimpse_load_batch_norm(&l, OUT, eps, "", "bn1");
        glimpse_convolution c = glimpse_load_convolution(&l, &shape, "", "conv1", 0, &norm);
        glimpse_load_require_all(&l, ""); /* the number of batches is no weight */
        assert_ok(l.status);
        assert_true((c.product != NULL) == !check_only);
        if (!check_only) {
            assert_true(glimpse_convolution_memory(&c) >= sizeof(float) * OUT * IN * 9);
        }
        glimpse_batch_norm_release(&norm);
        glimpse_convolution_release(&c);
    }
    glimpse_loader l = {.math = &math, .tensors = tensors};
    shape.kernel = 1;
    glimpse_convolution c = glimpse_load_convolution(&l, &shape, "", "conv1", 0, NULL);
    assert_int_equal(l.status, GLIMPSE_E_FORMAT);
    assert_null(c.product);
    assert_non_null(strstr(glimpse_last_error(), "conv1.weight"));
    l.status = GLIMPSE_OK;
    glimpse_batch_norm norm = glimpse_load_batch_norm(&l, OUT + 1, eps, "", "bn1");
    assert_int_equal(l.status, GLIMPSE_E_FORMAT);
    assert_null(norm.scale);
    glimpse_tensors_free(tensors);

    tensors = write_convolution(-1.0f);
    l = (glimpse_loader){.math = &math, .tensors = tensors};
    norm = glimpse_load_batch_norm(&l, OUT, eps, "", "bn1");
    assert_int_equal(l.status, GLIMPSE_E_FORMAT);
    assert_null(norm.scale);
    assert_non_null(strstr(glimpse_last_error(), "bn1.running_var"));
    glimpse_tensors_free(tensors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_equal_plain_ones),
        cmocka_unit_test(many_patches_are_gathered_in_pieces),
        cmocka_unit_test(pixels_are_interleaved_and_squares_averaged),
        cmocka_unit_test(a_file_is_read_and_a_wrong_one_refused_by_name),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
