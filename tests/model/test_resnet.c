/*
 * CLIP's ResNets equal the recorded model and, on a small one of random weights, the network as it
 * is written down, in double; whatever the batch; and files that cannot be one are refused by name.
 */
#include "family_golden.h"
#include "support/opened_model.h"
#include "support/plain_convolution.h"
#include "support/random_resnet.h"
#include "support/temporary.h"

#include "math/half.h"
#include "model/model_internal.h"

#include <math.h>

static const char family_name[] = "clip-resnet";

static void the_recorded_model_is_matched_in_every_precision(void **unused) {
    (void)unused;
    family_embeddings_match(family_name);
}

static void texts_and_picture_files_become_the_recorded_embeddings(void **unused) {
    (void)unused;
    family_texts_and_pictures_match(family_name);
}

typedef struct stages {
    const family *f;
    size_t seen;
} stages;

static void check_stage(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    static const char *const names[] = {"vision_stem", "vision_layer1", "vision_layer2",
                                        "vision_layer3", "vision_layer4"};
    stages *s = user;
    assert_true(stage < sizeof names / sizeof *names);
    family_array expected = load_family_array(s->f, names[stage]);
    assert_int_equal(expected.count, rows * width);
    assert_int_equal(expected.dims[0], width);
    double largest = 0;
    for (size_t i = 0; i < expected.count; i++)
        largest = fmax(largest, fabs((double)expected.data[i]));
    const float allowed = 2e-4f * (float)fmax(1.0, largest / 10);
    for (size_t i = 0; i < rows; i++) {
        for (size_t c = 0; c < width; c++)
            assert_float_equal(x[i * width + c], expected.data[c * rows + i], allowed);
    }
    free(expected.data);
    s->seen++;
}

static void every_stage_is_the_recorded_one(void **unused) {
    (void)unused;
    family f;
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        float embedding[64];
        if (!open_family(&f, family_name, (glimpse_backend)b, GLIMPSE_PRECISION_F32)) continue;
        family_array pixels = load_family_array(&f, "pixel_values");
        stages s = {&f, 0};
        glimpse_encoder_set_trace(f.encoder, check_stage, &s);
        assert_ok(glimpse_encoder_pixels(embedding, f.encoder, pixels.data, 1, 0));
        assert_int_equal(s.seen, 5);
        free(pixels.data);
        close_family(&f);
    }
}

/* ---- the network as it is written down, in double, [channels][side][side] ---- */

typedef struct map {
    size_t channels, side;
    double *x;
} map;

static const double eps = 1e-5;

static double *numbers_of(size_t count) {
    double *numbers = calloc(count, sizeof *numbers);
    assert_non_null(numbers);
    return numbers;
}

/* A weight by name, in f32; malloc'ed. */
static float *weight(const glimpse_model *model, const char *stem, const char *name) {
    char full[128];
    (void)snprintf(full, sizeof full, "%s%s", stem, name);
    const glimpse_tensor *tensor = glimpse_tensors_find(model->tensors, full);
    if (!tensor) fail_msg("no %s", full);
    glimpse_numbers numbers = {tensor->data, GLIMPSE_DTYPE_F32, tensor->count};
    assert_string_equal(tensor->dtype, "F32");
    float *copy = malloc(tensor->count * sizeof *copy);
    assert_non_null(copy);
    glimpse_numbers_to_f32(copy, &numbers);
    return copy;
}

static void relu(map *m) {
    for (size_t i = 0; i < m->channels * m->side * m->side; i++)
        m->x[i] = fmax(m->x[i], 0.0);
}

/* A new map: the convolution and its norm. */
static map convolve(const glimpse_model *model, const map *in, size_t out, size_t kernel,
                    size_t stride, const char *stem, const char *name, const char *norm) {
    char full[128];
    (void)snprintf(full, sizeof full, "%s.weight", name);
    float *weights = weight(model, stem, full), *values[4];
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(full, sizeof full, "%s.%s", norm, parts[i]);
        values[i] = weight(model, stem, full);
    }
    plain_convolution c = {.in = in->channels,
                           .out = out,
                           .groups = 1,
                           .height = in->side,
                           .width = in->side,
                           .kernel = kernel,
                           .stride = stride,
                           .padding = kernel / 2,
                           .weights = weights};
    map result = {out, plain_convolution_side(&c, in->side), NULL};
    size_t area = result.side * result.side;
    result.x = numbers_of(out * area);
    plain_convolution_run(&c, result.x, in->x);
    plain_batch_norm(result.x, out, area, values[0], values[1], values[2], values[3], eps);
    free(weights);
    for (size_t i = 0; i < 4; i++)
        free(values[i]);
    return result;
}

static void average(map *m) {
    size_t side = m->side / 2;
    double *x = numbers_of(m->channels * side * side);
    for (size_t i = 0; i < m->channels * side * side; i++) {
        size_t c = i / (side * side), y = i / side % side, column = i % side;
        for (size_t k = 0; k < 4; k++)
            x[i] += m->x[(c * m->side + 2 * y + k / 2) * m->side + 2 * column + k % 2] / 4;
    }
    free(m->x);
    m->x = x;
    m->side = side;
}

static map bottleneck(const glimpse_model *model, map in, size_t inner, int first, int halves,
                      const char *stem) {
    map a = convolve(model, &in, inner, 1, 1, stem, "conv1", "bn1");
    relu(&a);
    map b = convolve(model, &a, inner, 3, 1, stem, "conv2", "bn2");
    relu(&b);
    if (halves) average(&b);
    map c = convolve(model, &b, 4 * inner, 1, 1, stem, "conv3", "bn3");
    if (halves) average(&in);
    if (first) {
        map shortcut = convolve(model, &in, 4 * inner, 1, 1, stem, "downsample.0", "downsample.1");
        free(in.x);
        in = shortcut;
    }
    for (size_t i = 0; i < c.channels * c.side * c.side; i++)
        c.x[i] += in.x[i];
    relu(&c);
    free(in.x);
    free(a.x);
    free(b.x);
    return c;
}

/* y [out] = W x + b. */
static double *apply(const glimpse_model *model, const char *name, const double *x, size_t in,
                     size_t out) {
    char stem[64];
    (void)snprintf(stem, sizeof stem, "visual.attnpool.%s.", name);
    float *w = weight(model, stem, "weight"), *b = weight(model, stem, "bias");
    double *y = numbers_of(out);
    for (size_t o = 0; o < out; o++) {
        y[o] = (double)b[o];
        for (size_t i = 0; i < in; i++)
            y[o] += (double)w[o * in + i] * x[i];
    }
    free(w);
    free(b);
    return y;
}

static void attention_pool(const glimpse_model *model, const random_resnet *m, const map *in,
                           float *embedding) {
    size_t area = in->side * in->side, width = in->channels, tokens = area + 1;
    float *positions = weight(model, "visual.attnpool.", "positional_embedding");
    double *mixed = numbers_of(width), *x = numbers_of(width * tokens);
    double **k = malloc(tokens * sizeof *k), **v = malloc(tokens * sizeof *v);
    assert_true(k && v);
    for (size_t c = 0; c < width; c++) {
        for (size_t i = 0; i < area; i++) {
            x[c] += in->x[c * area + i] / (double)area;
            x[(i + 1) * width + c] = in->x[c * area + i];
        }
    }
    for (size_t i = 0; i < width * tokens; i++)
        x[i] += (double)positions[i];
    double *q = apply(model, "q_proj", x, width, width);
    for (size_t t = 0; t < tokens; t++) {
        k[t] = apply(model, "k_proj", x + t * width, width, width);
        v[t] = apply(model, "v_proj", x + t * width, width, width);
    }
    for (size_t first = 0; first < width; first += m->head_width) {
        double sum = 0;
        for (size_t t = 0; t < tokens; t++) {
            double dot = 0;
            for (size_t c = first; c < first + m->head_width; c++)
                dot += q[c] * k[t][c];
            double share = exp(dot / sqrt((double)m->head_width));
            sum += share;
            for (size_t c = first; c < first + m->head_width; c++)
                mixed[c] += share * v[t][c];
        }
        for (size_t c = first; c < first + m->head_width; c++)
            mixed[c] /= sum;
    }
    double *y = apply(model, "c_proj", mixed, width, m->embedding), square = 0;
    for (size_t i = 0; i < m->embedding; i++)
        square += y[i] * y[i];
    for (size_t i = 0; i < m->embedding; i++)
        embedding[i] = (float)(y[i] / sqrt(square));
    for (size_t t = 0; t < tokens; t++) {
        free(k[t]);
        free(v[t]);
    }
    free(k), free(v), free(q), free(x), free(y), free(mixed), free(positions);
}

static void write_down(const glimpse_model *model, const random_resnet *m, const float *pixels,
                       float *embedding) {
    static const char *const names[3] = {"conv1", "conv2", "conv3"};
    static const char *const norms[3] = {"bn1", "bn2", "bn3"};
    map x = {3, m->image_size, numbers_of(3 * m->image_size * m->image_size)};
    for (size_t i = 0; i < 3 * m->image_size * m->image_size; i++)
        x.x[i] = (double)pixels[i];
    for (size_t i = 0; i < 3; i++) {
        map next = convolve(model, &x, i < 2 ? m->width / 2 : m->width, 3, i == 0 ? 2 : 1,
                            "visual.", names[i], norms[i]);
        free(x.x);
        x = next;
        relu(&x);
    }
    average(&x);
    for (size_t layer = 0; layer < 4; layer++) {
        for (size_t i = 0; i < m->layers[layer]; i++) {
            char stem[64];
            (void)snprintf(stem, sizeof stem, "visual.layer%zu.%zu.", layer + 1, i);
            x = bottleneck(model, x, m->width << layer, i == 0, layer > 0 && i == 0, stem);
        }
    }
    attention_pool(model, m, &x, embedding);
    free(x.x);
}

/* ---- a small model of random weights ---- */

enum { E = 24, SIDE = 64, AREA = SIDE * SIDE, PICTURES = 11 };
static float pixels[PICTURES * 3 * AREA];

static int make_model(void **state) {
    uint64_t random = 5;
    random_resnet tiny = random_resnet_tiny();
    (void)make_directory(state);
    fill_uniform(pixels, PICTURES * 3 * AREA, &random, -1, 1);
    return random_resnet_write(&tiny, temp_directory) ? 0 : -1;
}

static void embed(const glimpse_model *model, size_t batch, float *embeddings) {
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_encoder_create(&encoder, model, batch));
    assert_ok(glimpse_encoder_pixels(embeddings, encoder, pixels, PICTURES, 0));
    glimpse_encoder_free(encoder);
}

static void a_small_one_equals_the_network_written_down(void **unused) {
    (void)unused;
    random_resnet tiny = random_resnet_tiny();
    float expected[2 * E], got[PICTURES * E];
    static const glimpse_precision precisions[] = {GLIMPSE_PRECISION_F32, GLIMPSE_PRECISION_BF16,
                                                   GLIMPSE_PRECISION_INT8};
    static const double min_cosines[] = {0.999999, 0.999, 0.99};
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    for (size_t i = 0; i < 2; i++)
        write_down(model, &tiny, pixels + i * 3 * AREA, expected + i * E);
    glimpse_model_close(model);
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
            model = open_as((glimpse_backend)b, precisions[p]);
            if (!model) continue;
            embed(model, 4, got);
            if (precisions[p] == GLIMPSE_PRECISION_F32)
                assert_floats_near(got, expected, sizeof expected / sizeof *expected, 5e-6);
            assert_true(min_dot(got, expected, 2, E) > min_cosines[p]);
            glimpse_model_close(model);
        }
    }
}

static void embeddings_do_not_depend_on_the_batch(void **unused) {
    (void)unused;
    float one[PICTURES * E], many[PICTURES * E];
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        glimpse_model *model = open_as((glimpse_backend)b, GLIMPSE_PRECISION_F32);
        if (!model) continue;
        embed(model, 1, one);
        for (size_t batch = 2; batch <= 16; batch += 3) {
            embed(model, batch, many);
            assert_floats_near(one, many, PICTURES * E, 2e-6);
        }
        glimpse_model_close(model);
    }
}

static void memory_is_bounded_whatever_the_batch(void **unused) {
    (void)unused;
    glimpse_encoder *encoder = NULL;
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    assert_ok(glimpse_encoder_create(&encoder, model, 64));
    size_t small = glimpse_encoder_memory(encoder);
    glimpse_encoder_free(encoder);
    assert_ok(glimpse_encoder_create(&encoder, model, 128));
    size_t more = glimpse_encoder_memory(encoder) - small;
    /* The pixels of each picture, and what its texts take; nothing of the layers. */
    size_t texts = 24 * (40 * 6 + 160) * sizeof(float) * 2;
    assert_true(more <= 64 * (3 * AREA * sizeof(float) + texts));
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void f16_weights_are_read(void **unused) {
    (void)unused;
    float whole[PICTURES * E], half[PICTURES * E];
    random_resnet tiny = random_resnet_tiny();
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    embed(model, 4, whole);
    glimpse_model_close(model);
    tiny.dtype = "F16";
    assert_true(random_resnet_write(&tiny, temp_directory));
    model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    embed(model, 4, half);
    glimpse_model_close(model);
    assert_true(min_dot(whole, half, PICTURES, E) > 0.99999);
    tiny.dtype = "F32";
    assert_true(random_resnet_write(&tiny, temp_directory));
}

/* Folded, then quantised or rounded: what is kept of that is what a later start has. */
static void prepared_weights_on_disk_change_nothing(void **unused) {
    (void)unused;
    static const glimpse_precision precisions[] = {GLIMPSE_PRECISION_F32, GLIMPSE_PRECISION_BF16,
                                                   GLIMPSE_PRECISION_INT8};
    random_resnet m = random_resnet_tiny();
    char *cache = make_temp_directory();
    (void)setenv("XDG_CACHE_HOME", cache, 1);
    (void)unsetenv("GLIMPSE_WEIGHTS_CACHE");
    m.width = 32; /* 6 million weights: worth a file in int8, too */
    assert_true(random_resnet_write(&m, temp_directory));
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
        float first[PICTURES * E], second[PICTURES * E];
        int is_f32 = precisions[p] == GLIMPSE_PRECISION_F32;
        glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, precisions[p]);
        assert_false(model->image_weights.prepared.reading);
        embed(model, 4, first);
        glimpse_model_close(model);
        model = open_as(GLIMPSE_BACKEND_OPENBLAS, precisions[p]);
        assert_true(is_f32 || model->image_weights.prepared.reading);
        embed(model, 4, second);
        glimpse_model_close(model);
        assert_memory_equal(first, second, sizeof first);
    }
    (void)unsetenv("XDG_CACHE_HOME");
    remove_tree(cache);
    free(cache);
    m.width = random_resnet_tiny().width;
    assert_true(random_resnet_write(&m, temp_directory));
}

/* Opening after `from` became `to` in the configuration, which is put back. */
static void assert_refused(const char *from, const char *to, int status, const char *because) {
    size_t size = 0;
    char *text = read_whole_file(in_directory("open_clip_config.json"), &size);
    char *at_from = strstr(text, from);
    assert_non_null(at_from);
    write_formatted(in_directory("open_clip_config.json"), "%.*s%s%s", (int)(at_from - text), text,
                    to, at_from + strlen(from));
    glimpse_model *model = NULL;
    assert_int_equal(glimpse_model_open(&model, temp_directory, NULL), status);
    assert_null(model);
    if (!strstr(glimpse_last_error(), because))
        fail_msg("\"%s\" does not say \"%s\"", glimpse_last_error(), because);
    write_text(in_directory("open_clip_config.json"), text);
    free(text);
}

static void configurations_that_cannot_be_right_are_refused_by_name(void **unused) {
    (void)unused;
    assert_refused("[1, 2, 1, 1]", "[1, 2, 1]", GLIMPSE_E_FORMAT, "layers");
    assert_refused("[1, 2, 1, 1]", "[1, 2, 1, 0]", GLIMPSE_E_FORMAT, "layers");
    assert_refused("[1, 2, 1, 1]", "[1, 2, 1, 1.5]", GLIMPSE_E_FORMAT, "layers");
    assert_refused("[1, 2, 1, 1]", "[1, 3, 1, 1]", GLIMPSE_E_FORMAT, "visual.layer2.2.");
    assert_refused("[1, 2, 1, 1]", "[1, 1, 1, 1]", GLIMPSE_E_FORMAT, "visual.layer2.1.");
    assert_refused("[1, 2, 1, 1]", "[1, 2, 400, 400]", GLIMPSE_E_FORMAT, "layers");
    assert_refused("\"width\": 6", "\"width\": 7", GLIMPSE_E_FORMAT, "width");
    assert_refused("\"width\": 6", "\"width\": 8", GLIMPSE_E_FORMAT, "visual.bn1");
    assert_refused("\"image_size\": 64", "\"image_size\": 65", GLIMPSE_E_FORMAT, "image_size");
    assert_refused("\"image_size\": 64", "\"image_size\": 96", GLIMPSE_E_FORMAT,
                   "visual.attnpool.positional_embedding");
    assert_refused("\"head_width\": 32", "\"head_width\": 1000", GLIMPSE_E_FORMAT, "head_width");
    assert_refused("\"embed_dim\": 24", "\"embed_dim\": 25", GLIMPSE_E_FORMAT, "text_projection");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recorded_model_is_matched_in_every_precision),
        cmocka_unit_test(texts_and_picture_files_become_the_recorded_embeddings),
        cmocka_unit_test(every_stage_is_the_recorded_one),
        cmocka_unit_test(a_small_one_equals_the_network_written_down),
        cmocka_unit_test(embeddings_do_not_depend_on_the_batch),
        cmocka_unit_test(memory_is_bounded_whatever_the_batch),
        cmocka_unit_test(f16_weights_are_read),
        cmocka_unit_test(prepared_weights_on_disk_change_nothing),
        cmocka_unit_test(configurations_that_cannot_be_right_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, make_model, remove_directory);
}
