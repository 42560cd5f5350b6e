/*
 * The engine equals the original CLIP and OpenCLIP code on their recorded inputs and outputs, at
 * the tolerances that the reference data states, on every backend that multiplies in f32.
 */
#include "support/json.h"
#include "support/numbers.h"

#include "model/model_internal.h"

#include <glimpse/sys/model.h>
#include <math.h>

typedef struct fixture {
    const char *model, *expected;
} fixture;

static const fixture fixtures[] = {
    {"golden/clip-hf-quickgelu", "golden/clip-hf-quickgelu/expected"},
    {"golden/sharded", "golden/clip-hf-quickgelu/expected"},
    {"golden/clip-hf-gelu-f16", "golden/clip-hf-gelu-f16/expected"},
    {"golden/clip-hf-gelu-bf16", "golden/clip-hf-gelu-bf16/expected"},
    {"golden/open-clip/plain", "golden/open-clip/plain/expected"},
    {"golden/open-clip/custom-text", "golden/open-clip/custom-text/expected"},
};
enum { FIXTURES = sizeof fixtures / sizeof fixtures[0] };

typedef struct array {
    void *data;
    size_t dims[4];
} array;

typedef struct golden {
    json_t *json;
    char directory[1024];
    glimpse_model *model;
    glimpse_encoder *encoder;
} golden;

static array load(const golden *g, const char *name) {
    array a = {NULL, {1, 1, 1, 1}};
    json_t *entry = json_object_get(json_object_get(g->json, "arrays"), name);
    json_t *shape = json_object_get(entry, "shape");
    size_t count = 1, size;
    for (size_t i = 0; i < json_array_size(shape) && i < 4; i++) {
        a.dims[i] = (size_t)json_integer_value(json_array_get(shape, i));
        count *= a.dims[i];
    }
    a.data = read_whole_file(
        path_in(g->directory, json_string_value(json_object_get(entry, "file"))), &size);
    assert_int_equal(size, count * 4);
    return a;
}

static double tolerance(const golden *g, const char *name) {
    json_t *value = json_object_get(json_object_get(g->json, "tolerance_max_abs"), name);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void compare(const golden *g, const char *what, const float *got, const float *expected,
                    size_t count, double allowed) {
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - (double)expected[i]);
        if (!(difference <= worst)) worst = difference;
    }
    print_message("  %s %-18s largest difference %.2e (allowed %.0e)\n",
                  glimpse_model_backend_name(g->model), what, worst, allowed);
    if (!(worst <= allowed)) fail_msg("%s: %s differs by %g", g->directory, what, worst);
}

static void compare_cosines(const float *got, const float *expected, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++) {
        double dot = 0, a = 0, b = 0;
        for (size_t j = 0; j < width; j++) {
            double x = (double)got[i * width + j], y = (double)expected[i * width + j];
            dot += x * y, a += x * x, b += y * y;
        }
        assert_true(dot / sqrt(a * b) > 0.999999);
    }
}

/* 0 when the backend is not in this build; the first two always are. */
static int open_golden_as(golden *g, const fixture *f, glimpse_backend backend,
                          glimpse_precision precision) {
    memset(g, 0, sizeof *g);
    const char *model = shared_path(f->model);
    (void)snprintf(g->directory, sizeof g->directory, "%s", shared_path(f->expected));
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend = backend;
    options.precision = precision;
    int status = glimpse_model_open(&g->model, model, &options);
    if (status == GLIMPSE_E_UNSUPPORTED && backend > GLIMPSE_BACKEND_OPENBLAS) {
        print_message("SKIPPED: %s\n", glimpse_last_error());
        return 0;
    }
    assert_ok(status);
    /* Three at a time: full and partial batches both occur. */
    assert_ok(glimpse_encoder_create(&g->encoder, g->model, 3));
    g->json = json_file(path_in(g->directory, "expected.json"));
    return 1;
}

static int open_golden(golden *g, const fixture *f, glimpse_backend backend) {
    return open_golden_as(g, f, backend, GLIMPSE_PRECISION_F32);
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
            if (!open_golden(&g, &fixtures[f], (glimpse_backend)b)) continue;
            print_message("%s\n", fixtures[f].model);
            check(&g);
            close_golden(&g);
        }
    }
}

static void check_embeddings(golden *g) {
    array pixels = load(g, "pixel_values"), ids = load(g, "text_ids");
    array image_raw = load(g, "image_embeds"), image_unit = load(g, "image_embeds_norm");
    array text_raw = load(g, "text_embeds"), text_unit = load(g, "text_embeds_norm");
    array logits = load(g, "logits_per_image"), probabilities = load(g, "probs_per_image");
    size_t n = pixels.dims[0], m = ids.dims[0], e = image_raw.dims[1];
    assert_int_equal(e, glimpse_model_embedding_size(g->model));
    assert_int_equal(ids.dims[1], glimpse_model_context_length(g->model));
    float *images = malloc(n * e * sizeof *images), *texts = malloc(m * e * sizeof *texts);
    assert_non_null(images);
    assert_non_null(texts);

    assert_ok(glimpse_encoder_pixels(images, g->encoder, pixels.data, n, GLIMPSE_ENCODE_RAW));
    compare(g, "image_embeds", images, image_raw.data, n * e, tolerance(g, "image_embeds"));
    assert_ok(glimpse_encoder_pixels(images, g->encoder, pixels.data, n, 0));
    compare(g, "image_embeds_norm", images, image_unit.data, n * e,
            tolerance(g, "image_embeds_norm"));
    compare_cosines(images, image_unit.data, n, e);

    assert_ok(glimpse_encoder_tokens(texts, g->encoder, ids.data, m, GLIMPSE_ENCODE_RAW));
    compare(g, "text_embeds", texts, text_raw.data, m * e, tolerance(g, "text_embeds"));
    assert_ok(glimpse_encoder_tokens(texts, g->encoder, ids.data, m, 0));
    compare(g, "text_embeds_norm", texts, text_unit.data, m * e, tolerance(g, "text_embeds_norm"));
    compare_cosines(texts, text_unit.data, m, e);

    double scale = (double)glimpse_model_logit_scale(g->model);
    float *got = malloc(n * m * sizeof *got), *softmax = malloc(n * m * sizeof *softmax);
    assert_non_null(got);
    assert_non_null(softmax);
    for (size_t i = 0; i < n; i++) {
        double largest = -1e30, sum = 0;
        for (size_t j = 0; j < m; j++) {
            double dot = 0;
            for (size_t k = 0; k < e; k++)
                dot += (double)images[i * e + k] * (double)texts[j * e + k];
            got[i * m + j] = (float)(scale * dot);
            largest = fmax(largest, scale * dot);
        }
        for (size_t j = 0; j < m; j++)
            sum += exp((double)got[i * m + j] - largest);
        for (size_t j = 0; j < m; j++) {
            softmax[i * m + j] = (float)(exp((double)got[i * m + j] - largest) / sum);
        }
    }
    compare(g, "logits_per_image", got, logits.data, n * m, tolerance(g, "logits_per_image"));
    compare(g, "probs_per_image", softmax, probabilities.data, n * m,
            tolerance(g, "probs_per_image"));
    void *all[] = {images,         texts,           got,
                   softmax,        pixels.data,     ids.data,
                   image_raw.data, image_unit.data, text_raw.data,
                   text_unit.data, logits.data,     probabilities.data};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static void embeddings_logits_and_probabilities_match(void **unused) {
    (void)unused;
    for_all(check_embeddings, ALL_BACKENDS);
}

static void int8_keeps_cosine_above_0_99(void **unused) {
    (void)unused;
    for (size_t f = 0; f < FIXTURES; f++) {
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            golden g;
            if (!open_golden_as(&g, &fixtures[f], (glimpse_backend)b, GLIMPSE_PRECISION_INT8)) {
                continue;
            }
            array pixels = load(&g, "pixel_values"), ids = load(&g, "text_ids");
            array image = load(&g, "image_embeds_norm"), text = load(&g, "text_embeds_norm");
            size_t n = pixels.dims[0], m = ids.dims[0], e = image.dims[1];
            float *got = malloc((n > m ? n : m) * e * sizeof *got);
            assert_non_null(got);
            assert_ok(glimpse_encoder_pixels(got, g.encoder, pixels.data, n, 0));
            double of_images = min_dot(got, image.data, n, e);
            assert_ok(glimpse_encoder_tokens(got, g.encoder, ids.data, m, 0));
            double of_texts = min_dot(got, text.data, m, e);
            print_message("%s %s: least cosine of pictures %.5f, of texts %.5f\n",
                          fixtures[f].model, glimpse_model_backend_name(g.model), of_images,
                          of_texts);
            assert_true(of_images > 0.99 && of_texts > 0.99);
            void *all[] = {pixels.data, ids.data, image.data, text.data, got};
            for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
                free(all[i]);
            close_golden(&g);
        }
    }
}

static void check_texts(golden *g) {
    array unit = load(g, "text_embeds_norm"), ids = load(g, "text_ids");
    size_t e = unit.dims[1];
    json_t *texts = json_object_get(g->json, "texts"), *entry;
    size_t i;
    json_array_foreach(texts, i, entry) {
        const char *text = json_string_value(json_object_get(entry, "text"));
        int32_t got_ids[128];
        glimpse_tokens tokens = {got_ids, ids.dims[1], 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, glimpse_model_tokenizer(g->model), text,
                                           strlen(text)));
        assert_memory_equal(got_ids, (int32_t *)ids.data + i * ids.dims[1],
                            tokens.count * sizeof(int32_t));
        float *got = malloc(e * sizeof *got);
        assert_non_null(got);
        assert_ok(glimpse_encoder_texts(got, NULL, g->encoder, &text, 1, 0));
        compare(g, "text -> embedding", got, (float *)unit.data + i * e, e,
                tolerance(g, "text_embeds_norm"));
        free(got);
    }
    free(unit.data);
    free(ids.data);
}

static void texts_go_from_string_to_embedding(void **unused) {
    (void)unused;
    for_all(check_texts, ONLY_OPENBLAS);
}

static void check_pictures(golden *g) {
    array unit = load(g, "image_embeds_norm"), pixels = load(g, "pixel_values");
    size_t e = unit.dims[1], area = pixels.dims[2] * pixels.dims[3];
    const glimpse_preprocess *p = glimpse_model_preprocess(g->model);
    assert_int_equal(p->height, pixels.dims[2]);
    assert_int_equal(p->width, pixels.dims[3]);
    uint8_t *rgb = malloc(3 * area);
    float *got = malloc((3 * area + e) * sizeof *got);
    assert_non_null(rgb);
    assert_non_null(got);
    json_t *images = json_object_get(g->json, "images"), *entry;
    size_t i, seen = 0;
    json_array_foreach(images, i, entry) {
        const char *file = json_string_value(json_object_get(entry, "file"));
        if (!file) continue;
        glimpse_image *image = NULL;
        assert_ok(glimpse_image_load(&image, path_in(g->directory, file), NULL));
        assert_ok(glimpse_preprocess_rgb(rgb, p, image));
        glimpse_preprocess_normalize(got, p, rgb);
        compare(g, "pixel_values", got, (float *)pixels.data + i * 3 * area, 3 * area,
                tolerance(g, "pixel_values"));
        const glimpse_image *one = image;
        assert_ok(glimpse_encoder_images(got, g->encoder, &one, 1, 0));
        compare(g, "image -> embedding", got, (float *)unit.data + i * e, e,
                tolerance(g, "image_embeds_norm"));
        assert_ok(glimpse_encoder_rgb(got, g->encoder, rgb, 1, 0));
        compare(g, "rgb -> embedding", got, (float *)unit.data + i * e, e,
                tolerance(g, "image_embeds_norm"));
        glimpse_image_free(image);
        seen++;
    }
    assert_true(seen > 0);
    free(rgb);
    free(got);
    free(unit.data);
    free(pixels.data);
}

static void pictures_go_from_file_to_embedding(void **unused) {
    (void)unused;
    for_all(check_pictures, ONLY_OPENBLAS);
}

typedef struct stages {
    golden *g;
    array expected;
    size_t first; /* index of stage 0 in the expected array */
    const char *name;
    size_t seen;
} stages;

static void check_stage(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    stages *s = user;
    size_t index = s->first + stage, count = s->expected.dims[1] * s->expected.dims[2];
    assert_true(index < s->expected.dims[0] && rows >= s->expected.dims[1]);
    assert_int_equal(width, s->expected.dims[2]);
    compare(s->g, s->name, x, (float *)s->expected.data + index * count, count,
            tolerance(s->g, s->name));
    s->seen++;
}

static void check_hidden(golden *g) {
    /* Expected stages: embeddings, (vision only) after the pre layer norm, each layer, (text only)
     * after the final layer norm. The trace begins behind the pre layer norm. */
    array pixels = load(g, "pixel_values"), ids = load(g, "text_ids");
    float embedding[1024];
    stages vision = {g, load(g, "vision_hidden"), 1, "vision_hidden", 0};
    glimpse_encoder_set_trace(g->encoder, check_stage, &vision);
    assert_ok(glimpse_encoder_pixels(embedding, g->encoder, pixels.data, 1, 0));
    assert_int_equal(vision.seen, vision.expected.dims[0] - 1);
    stages text = {g, load(g, "text_hidden"), 0, "text_hidden", 0};
    glimpse_encoder_set_trace(g->encoder, check_stage, &text);
    assert_ok(glimpse_encoder_tokens(embedding, g->encoder, ids.data, 1, 0));
    assert_int_equal(text.seen, text.expected.dims[0] - 1);
    glimpse_encoder_set_trace(g->encoder, NULL, NULL);
    free(vision.expected.data);
    free(text.expected.data);
    free(pixels.data);
    free(ids.data);
}

static void hidden_states_match_after_every_layer(void **unused) {
    (void)unused;
    for_all(check_hidden, ALL_BACKENDS);
}

static void shards_and_a_single_file_have_one_fingerprint(void **unused) {
    (void)unused;
    char single[33], sharded[33], other[33];
    assert_ok(glimpse_model_read_fingerprint(single, shared_path("golden/clip-hf-quickgelu")));
    assert_ok(glimpse_model_read_fingerprint(sharded, shared_path("golden/sharded")));
    assert_ok(glimpse_model_read_fingerprint(other, shared_path("golden/clip-hf-gelu-f16")));
    assert_string_equal(single, sharded);
    assert_string_not_equal(single, other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_logits_and_probabilities_match),
        cmocka_unit_test(int8_keeps_cosine_above_0_99),
        cmocka_unit_test(texts_go_from_string_to_embedding),
        cmocka_unit_test(pictures_go_from_file_to_embedding),
        cmocka_unit_test(hidden_states_match_after_every_layer),
        cmocka_unit_test(shards_and_a_single_file_have_one_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
