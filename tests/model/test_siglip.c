/*
 * SigLIP and the fixed-resolution SigLIP 2 equal the transformers project's SiglipModel on its
 * recorded inputs and outputs, at the tolerances that the reference data states, on every backend
 * that multiplies in f32.
 */
#include "support/json.h"

#include "model/model_internal.h"

#include <glimpse/sys/model.h>
#include <math.h>

static const char *const fixtures[] = {"golden/siglip", "golden/siglip2"};
enum { FIXTURES = 2, MAX_WIDTH_HERE = 128, CONTEXT = 64 };

/* As the reference data's README states them. */
static const double hidden_tolerance = 5e-5, unit_tolerance = 1e-5, probability_tolerance = 5e-5,
                    logit_tolerance = 1e-4, pixel_tolerance = 1e-6;

typedef struct golden {
    json_t *json;
    char directory[1024];
    glimpse_model *model;
    glimpse_encoder *encoder;
    size_t width; /* E */
} golden;

static double compare(const golden *g, const char *what, const float *got, const float *expected,
                      size_t count, double allowed) {
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - (double)expected[i]);
        if (!(difference <= worst)) worst = difference;
    }
    print_message("  %s %-22s largest difference %.2e (allowed %.0e)\n",
                  glimpse_model_backend_name(g->model), what, worst, allowed);
    if (!(worst <= allowed)) fail_msg("%s: %s differs by %g", g->directory, what, worst);
    return worst;
}

/* 0 when the backend is not in this build; the first two always are. */
static int open_golden(golden *g, const char *fixture, glimpse_backend backend) {
    memset(g, 0, sizeof *g);
    (void)snprintf(g->directory, sizeof g->directory, "%s", shared_path(fixture));
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend = backend;
    options.precision = GLIMPSE_PRECISION_F32;
    int status = glimpse_model_open(&g->model, g->directory, &options);
    if (status == GLIMPSE_E_UNSUPPORTED && backend > GLIMPSE_BACKEND_OPENBLAS) {
        print_message("SKIPPED: %s\n", glimpse_last_error());
        return 0;
    }
    assert_ok(status);
    /* Three at a time: full and partial batches both occur. */
    assert_ok(glimpse_encoder_create(&g->encoder, g->model, 3));
    g->json = json_file(path_in(g->directory, "expected.json"));
    g->width = glimpse_model_embedding_size(g->model);
    assert_true(g->width <= MAX_WIDTH_HERE);
    assert_int_equal(glimpse_model_context_length(g->model), CONTEXT);
    return 1;
}

static void close_golden(golden *g) {
    glimpse_encoder_free(g->encoder);
    glimpse_model_close(g->model);
    json_decref(g->json);
}

typedef void (*golden_check)(golden *g);

typedef enum which_backends { ONLY_OPENBLAS, ALL_BACKENDS } which_backends;

static void for_all(golden_check check, which_backends which) {
    for (size_t f = 0; f < FIXTURES; f++) {
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            golden g;
            if (which == ONLY_OPENBLAS && b != GLIMPSE_BACKEND_OPENBLAS) continue;
            if (!open_golden(&g, fixtures[f], (glimpse_backend)b)) continue;
            print_message("%s\n", fixtures[f]);
            check(&g);
            close_golden(&g);
        }
    }
}

static float *read_floats(const golden *g, const char *name, size_t count) {
    size_t size;
    float *data = read_whole_file(path_in(g->directory, name), &size);
    assert_int_equal(size, count * sizeof *data);
    return data;
}

static void read_numbers(const json_t *array, float *out, size_t count) {
    assert_int_equal(json_array_size(array), count);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)json_number_value(json_array_get(array, i));
}

static void read_ids(const json_t *array, int32_t *out) {
    assert_int_equal(json_array_size(array), CONTEXT);
    for (size_t i = 0; i < CONTEXT; i++)
        out[i] = (int32_t)json_integer_value(json_array_get(array, i));
}

static size_t area_of(const golden *g) {
    const glimpse_preprocess *p = glimpse_model_preprocess(g->model);
    return (size_t)p->width * p->height;
}

static void check_embeddings(golden *g) {
    json_t *images = json_object_get(g->json, "images"), *texts = json_object_get(g->json, "texts");
    size_t n = json_array_size(images), m = json_array_size(texts), e = g->width;
    size_t area = area_of(g);
    assert_true(n > 1 && m > 1);
    float *pixels = malloc(n * 3 * area * sizeof *pixels), *x = calloc(n + m, e * sizeof *x);
    float *expected = malloc((n + m) * e * sizeof *expected);
    float *raw = malloc((n + m) * e * sizeof *raw);
    int32_t *ids = malloc(m * CONTEXT * sizeof *ids);
    assert_true(pixels && x && expected && raw && ids);
    for (size_t i = 0; i < n; i++) {
        json_t *entry = json_array_get(images, i);
        float *one =
            read_floats(g, json_string_value(json_object_get(entry, "pixel_values")), 3 * area);
        memcpy(pixels + i * 3 * area, one, 3 * area * sizeof *one);
        free(one);
        read_numbers(json_object_get(entry, "pooler_output"), raw + i * e, e);
        read_numbers(json_object_get(entry, "image_embed"), expected + i * e, e);
    }
    for (size_t i = 0; i < m; i++) {
        json_t *entry = json_array_get(texts, i);
        read_ids(json_object_get(entry, "input_ids"), ids + i * CONTEXT);
        read_numbers(json_object_get(entry, "pooler_output"), raw + (n + i) * e, e);
        read_numbers(json_object_get(entry, "text_embed"), expected + (n + i) * e, e);
    }
    assert_ok(glimpse_encoder_pixels(x, g->encoder, pixels, n, GLIMPSE_ENCODE_RAW));
    assert_ok(glimpse_encoder_tokens(x + n * e, g->encoder, ids, m, GLIMPSE_ENCODE_RAW));
    compare(g, "pooler_output, images", x, raw, n * e, hidden_tolerance);
    compare(g, "pooler_output, texts", x + n * e, raw + n * e, m * e, hidden_tolerance);
    assert_ok(glimpse_encoder_pixels(x, g->encoder, pixels, n, 0));
    assert_ok(glimpse_encoder_tokens(x + n * e, g->encoder, ids, m, 0));
    compare(g, "image_embed", x, expected, n * e, unit_tolerance);
    compare(g, "text_embed", x + n * e, expected + n * e, m * e, unit_tolerance);

    assert_int_equal(glimpse_model_scoring(g->model), GLIMPSE_SCORING_SIGMOID);
    double scale = (double)glimpse_model_logit_scale(g->model);
    double bias = (double)glimpse_model_logit_bias(g->model);
    for (size_t i = 0; i < n; i++) {
        float cosine[64], logit[64], probability[64], want[64];
        assert_true(m <= 64);
        for (size_t j = 0; j < m; j++) {
            double dot = 0;
            for (size_t k = 0; k < e; k++)
                dot += (double)x[i * e + k] * (double)x[(n + j) * e + k];
            cosine[j] = (float)dot;
            logit[j] = (float)(scale * dot + bias);
            probability[j] = (float)(1 / (1 + exp(-(scale * dot + bias))));
        }
        read_numbers(json_array_get(json_object_get(g->json, "cosine"), i), want, m);
        compare(g, "cosine", cosine, want, m, unit_tolerance);
        read_numbers(json_array_get(json_object_get(g->json, "logits_per_image"), i), want, m);
        compare(g, "logits_per_image", logit, want, m, logit_tolerance);
        read_numbers(json_array_get(json_object_get(g->json, "probs"), i), want, m);
        compare(g, "probs", probability, want, m, probability_tolerance);
    }
    free(pixels), free(x), free(expected), free(raw), free(ids);
}

static void embeddings_logits_and_probabilities_match(void **unused) {
    (void)unused;
    for_all(check_embeddings, ALL_BACKENDS);
}

static void check_texts(golden *g) {
    json_t *texts = json_object_get(g->json, "texts"), *entry;
    size_t i, m = json_array_size(texts), e = g->width;
    const char *list[64];
    float *got = calloc(m, e * sizeof *got), *want = calloc(m, e * sizeof *want);
    assert_true(m <= 64 && got && want);
    json_array_foreach(texts, i, entry) {
        list[i] = json_string_value(json_object_get(entry, "text"));
        read_numbers(json_object_get(entry, "text_embed"), want + i * e, e);
    }
    assert_ok(glimpse_encoder_texts(got, NULL, g->encoder, list, m, 0));
    compare(g, "texts -> embeddings", got, want, m * e, unit_tolerance);
    free(got), free(want);
}

static void texts_go_from_string_to_embedding(void **unused) {
    (void)unused;
    for_all(check_texts, ALL_BACKENDS);
}

static void check_pictures(golden *g) {
    json_t *images = json_object_get(g->json, "images"), *entry;
    const glimpse_preprocess *p = glimpse_model_preprocess(g->model);
    size_t i, seen = 0, area = area_of(g);
    json_array_foreach(images, i, entry) {
        const char *file = json_string_value(json_object_get(entry, "png"));
        if (!file) continue;
        size_t size;
        uint8_t *rgb = malloc(3 * area), *want;
        float *pixels = malloc(3 * area * sizeof *pixels), got[MAX_WIDTH_HERE];
        float expected[MAX_WIDTH_HERE];
        glimpse_image *image = NULL;
        assert_true(rgb && pixels);
        assert_ok(glimpse_image_load(&image, path_in(g->directory, file), NULL));
        assert_ok(glimpse_preprocess_rgb(rgb, p, image));
        const char *name = json_string_value(json_object_get(entry, "resized_rgb_u8"));
        want = read_whole_file(path_in(g->directory, name), &size);
        assert_int_equal(size, 3 * area);
        assert_memory_equal(rgb, want, size);
        glimpse_preprocess_normalize(pixels, p, rgb);
        float *values =
            read_floats(g, json_string_value(json_object_get(entry, "pixel_values")), 3 * area);
        compare(g, "pixel_values", pixels, values, 3 * area, pixel_tolerance);
        const glimpse_image *one = image;
        read_numbers(json_object_get(entry, "image_embed"), expected, g->width);
        assert_ok(glimpse_encoder_images(got, g->encoder, &one, 1, 0));
        compare(g, "image -> embedding", got, expected, g->width, unit_tolerance);
        assert_ok(glimpse_encoder_rgb(got, g->encoder, rgb, 1, 0));
        compare(g, "rgb -> embedding", got, expected, g->width, unit_tolerance);
        glimpse_image_free(image);
        free(rgb), free(pixels), free(want), free(values);
        seen++;
    }
    assert_true(seen > 0);
}

static void pictures_go_from_file_to_embedding(void **unused) {
    (void)unused;
    for_all(check_pictures, ONLY_OPENBLAS);
}

/* Keeps what every stage of a pass leaves of its first sequence. */
typedef struct stages {
    float *x; /* [stages][rows][width] */
    size_t rows, width, seen, max;
} stages;

static void keep_stage(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    stages *s = user;
    assert_int_equal(width, s->width);
    assert_true(rows >= s->rows && stage < s->max);
    memcpy(s->x + stage * s->rows * width, x, s->rows * width * sizeof *x);
    s->seen++;
}

/* The state behind the last layer after the last norm, as the reference records it. */
static void check_last(golden *g, const glimpse_tower *tower, const stages *s, const char *file,
                       const char *what) {
    size_t count = s->rows * s->width;
    float *normed = malloc(count * sizeof *normed), *want = read_floats(g, file, count);
    assert_non_null(normed);
    glimpse_kernels_plain.layer_norm(normed, GLIMPSE_ELEMENT_F32, s->x + (s->seen - 1) * count,
                                     tower->last.gamma, tower->last.beta, tower->config.eps,
                                     s->rows, s->width);
    compare(g, what, normed, want, count, hidden_tolerance);
    free(normed), free(want);
}

static size_t dimension(const json_t *entry, const char *key, size_t i) {
    return (size_t)json_integer_value(json_array_get(json_object_get(entry, key), i));
}

static void check_hidden(golden *g) {
    float embedding[MAX_WIDTH_HERE];
    json_t *images = json_object_get(g->json, "images"), *entry;
    size_t i, area = area_of(g);
    json_array_foreach(images, i, entry) {
        stages s = {NULL, dimension(entry, "vision_shape", 0), dimension(entry, "vision_shape", 1),
                    0, g->model->config.vision.layers + 1};
        size_t count = s.rows * s.width;
        s.x = calloc(s.max * count, sizeof *s.x);
        float *pixels =
            read_floats(g, json_string_value(json_object_get(entry, "pixel_values")), 3 * area);
        assert_non_null(s.x);
        glimpse_encoder_set_trace(g->encoder, keep_stage, &s);
        assert_ok(glimpse_encoder_pixels(embedding, g->encoder, pixels, 1, 0));
        assert_int_equal(s.seen, s.max);
        const char *all = json_string_value(json_object_get(entry, "vision_hidden_states"));
        if (all) {
            float *want = read_floats(g, all, s.max * count);
            compare(g, "vision_hidden_states", s.x, want, s.max * count, hidden_tolerance);
            free(want);
        }
        check_last(g, g->model->image.tower, &s,
                   json_string_value(json_object_get(entry, "vision_last_hidden_state")),
                   "vision_last_hidden");
        free(pixels), free(s.x);
    }
    entry = json_array_get(json_object_get(g->json, "texts"), 0);
    stages s = {NULL, dimension(entry, "text_shape", 0), dimension(entry, "text_shape", 1), 0,
                g->model->config.text.layers + 1};
    int32_t ids[CONTEXT];
    s.x = calloc(s.max * s.rows * s.width, sizeof *s.x);
    assert_non_null(s.x);
    read_ids(json_object_get(entry, "input_ids"), ids);
    glimpse_encoder_set_trace(g->encoder, keep_stage, &s);
    assert_ok(glimpse_encoder_tokens(embedding, g->encoder, ids, 1, 0));
    check_last(g, &g->model->text, &s,
               json_string_value(json_object_get(entry, "text_last_hidden_state")),
               "text_last_hidden");
    glimpse_encoder_set_trace(g->encoder, NULL, NULL);
    free(s.x);
}

static void hidden_states_match_after_every_layer(void **unused) {
    (void)unused;
    for_all(check_hidden, ALL_BACKENDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_logits_and_probabilities_match),
        cmocka_unit_test(texts_go_from_string_to_embedding),
        cmocka_unit_test(pictures_go_from_file_to_embedding),
        cmocka_unit_test(hidden_states_match_after_every_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
