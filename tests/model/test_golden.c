/*
 * The engine equals the original CLIP and OpenCLIP code on their recorded inputs and outputs, at
 * the tolerances that the reference data states, on every backend that multiplies in f32.
 */
#include "golden.h"

#include "model/model_internal.h"

static const fixture fixtures[] = {
    {"golden/clip-hf-quickgelu", "golden/clip-hf-quickgelu/expected"},
    {"golden/sharded", "golden/clip-hf-quickgelu/expected"},
    {"golden/clip-hf-gelu-f16", "golden/clip-hf-gelu-f16/expected"},
    {"golden/clip-hf-gelu-bf16", "golden/clip-hf-gelu-bf16/expected"},
    {"golden/open-clip/plain", "golden/open-clip/plain/expected"},
    {"golden/open-clip/custom-text", "golden/open-clip/custom-text/expected"},
};
enum { FIXTURES = sizeof fixtures / sizeof fixtures[0] };

static int open_golden(golden *g, const fixture *f, glimpse_backend backend) {
    return open_golden_as(g, f, backend, GLIMPSE_PRECISION_F32);
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
            double of_images, of_texts;
            print_message("%s ", fixtures[f].model);
            min_cosines(&g, &of_images, &of_texts);
            assert_true(of_images > 0.99 && of_texts > 0.99);
            close_golden(&g);
        }
    }
}

static void texts_go_from_string_to_embedding(void **unused) {
    (void)unused;
    for_all(check_texts, ONLY_OPENBLAS);
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
