/*
 * Same input, same output: whatever the batch, the order, the worker or the shortcut.
 */
#include "support/numbers.h"
#include "support/temporary.h"

#include "model/model_internal.h"
#include "support/random_model.h"

#include <glimpse/sys/model.h>
#include <math.h>
#include <pthread.h>

static glimpse_model *open_tiny(unsigned towers) {
    glimpse_model *model = NULL;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.precision = GLIMPSE_PRECISION_F32;
    options.towers = towers;
    assert_ok(glimpse_model_open(&model, temp_directory, &options));
    return model;
}

static int make_model(void **unused) {
    (void)make_directory(unused);
    random_model tiny = random_model_tiny();
    return random_model_write(&tiny, temp_directory) ? 0 : -1;
}

enum { E = 24, PICTURES = 11, AREA = 32 * 32, TEXTS = 9 };
static float pixels[PICTURES * 3 * AREA];
static const char *const texts[TEXTS] = {"a",
                                         "",
                                         "two words",
                                         "a photo of a dog",
                                         "x y z",
                                         "caf\xc3\xa9",
                                         "!?",
                                         "1234",
                                         ("the last one is too long "
                                          "for the context")};

static void fill_pixels(void) {
    uint64_t state = 99;
    fill_uniform(pixels, PICTURES * 3 * AREA, &state, -1, 1);
}

static void embeddings_do_not_depend_on_the_batch(void **unused) {
    (void)unused;
    fill_pixels();
    glimpse_model *model = open_tiny(GLIMPSE_TOWER_BOTH);
    float one_by_one[PICTURES * E], batched[PICTURES * E], text_single[TEXTS * E],
        text_batch[TEXTS * E];
    glimpse_encoder *single = NULL;
    assert_ok(glimpse_encoder_create(&single, model, 1));
    for (size_t i = 0; i < PICTURES; i++) {
        assert_ok(glimpse_encoder_pixels(one_by_one + i * E, single, pixels + i * 3 * AREA, 1, 0));
    }
    for (size_t i = 0; i < TEXTS; i++) {
        assert_ok(glimpse_encoder_texts(text_single + i * E, NULL, single, &texts[i], 1, 0));
    }
    glimpse_encoder_free(single);
    const size_t batches[] = {1, 2, 4, 8, 16};
    for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
        glimpse_encoder *encoder = NULL;
        assert_ok(glimpse_encoder_create(&encoder, model, batches[b]));
        assert_ok(glimpse_encoder_pixels(batched, encoder, pixels, PICTURES, 0));
        assert_floats_near(batched, one_by_one, PICTURES * E, 2e-6);
        assert_ok(glimpse_encoder_texts(text_batch, NULL, encoder, texts, TEXTS, 0));
        assert_floats_near(text_batch, text_single, TEXTS * E, 2e-6);
        glimpse_encoder_free(encoder);
    }
    glimpse_model_close(model);
}

static void ignore_stage(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    (void)x, (void)rows, (void)width;
    *(size_t *)user += stage;
}

static void skipping_unpooled_rows_of_the_last_layer_changes_nothing(void **unused) {
    (void)unused;
    fill_pixels();
    glimpse_model *model = open_tiny(GLIMPSE_TOWER_BOTH);
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_encoder_create(&encoder, model, 4));
    float fast[PICTURES * E], full[PICTURES * E];
    size_t stages = 0;
    assert_ok(glimpse_encoder_pixels(fast, encoder, pixels, PICTURES, 0));
    glimpse_encoder_set_trace(encoder, ignore_stage, &stages);
    assert_ok(glimpse_encoder_pixels(full, encoder, pixels, PICTURES, 0));
    assert_true(stages > 0);
    assert_floats_near(fast, full, PICTURES * E, 2e-6);
    assert_ok(glimpse_encoder_texts(full, NULL, encoder, texts, TEXTS, 0));
    glimpse_encoder_set_trace(encoder, NULL, NULL);
    assert_ok(glimpse_encoder_texts(fast, NULL, encoder, texts, TEXTS, 0));
    assert_floats_near(fast, full, TEXTS * E, 2e-6);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void openblas_equals_plain_on_whole_towers(void **unused) {
    (void)unused;
    fill_pixels();
    float results[2][PICTURES * E], text_results[2][TEXTS * E];
    const glimpse_backend backends[2] = {GLIMPSE_BACKEND_PLAIN, GLIMPSE_BACKEND_OPENBLAS};
    for (size_t i = 0; i < 2; i++) {
        glimpse_model *model = NULL;
        glimpse_encoder *encoder = NULL;
        glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
        options.backend = backends[i];
        options.precision = GLIMPSE_PRECISION_F32;
        assert_ok(glimpse_model_open(&model, temp_directory, &options));
        assert_ok(glimpse_encoder_create(&encoder, model, 3));
        assert_ok(glimpse_encoder_pixels(results[i], encoder, pixels, PICTURES, 0));
        assert_ok(glimpse_encoder_texts(text_results[i], NULL, encoder, texts, TEXTS, 0));
        glimpse_encoder_free(encoder);
        glimpse_model_close(model);
    }
    assert_floats_near(results[0], results[1], PICTURES * E, 2e-6);
    assert_floats_near(text_results[0], text_results[1], TEXTS * E, 2e-6);
}

typedef struct worker {
    const glimpse_model *model;
    float embeddings[PICTURES * E], text_embeddings[TEXTS * E];
    int status;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    glimpse_encoder *encoder = NULL;
    w->status = glimpse_encoder_create(&encoder, w->model, 4);
    for (int repeat = 0; repeat < 3 && w->status == GLIMPSE_OK; repeat++) {
        w->status = glimpse_encoder_pixels(w->embeddings, encoder, pixels, PICTURES, 0);
        if (w->status == GLIMPSE_OK) {
            w->status = glimpse_encoder_texts(w->text_embeddings, NULL, encoder, texts, TEXTS, 0);
        }
    }
    glimpse_encoder_free(encoder);
    return NULL;
}

static void workers_share_a_model_and_agree(void **unused) {
    (void)unused;
    fill_pixels();
    glimpse_model *model = open_tiny(GLIMPSE_TOWER_BOTH);
    enum { WORKERS = 4 };
    static worker workers[WORKERS];
    pthread_t threads[WORKERS];
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i].model = model;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].status, GLIMPSE_OK);
        assert_floats_near(workers[i].embeddings, workers[0].embeddings, PICTURES * E, 2e-6);
        assert_floats_near(workers[i].text_embeddings, workers[0].text_embeddings, TEXTS * E, 2e-6);
    }
    glimpse_model_close(model);
}

static void embeddings_have_unit_length_unless_raw(void **unused) {
    (void)unused;
    fill_pixels();
    glimpse_model *model = open_tiny(GLIMPSE_TOWER_BOTH);
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    float unit[E], raw[E];
    assert_ok(glimpse_encoder_pixels(unit, encoder, pixels, 1, 0));
    assert_ok(glimpse_encoder_pixels(raw, encoder, pixels, 1, GLIMPSE_ENCODE_RAW));
    double length = 0, raw_length = 0;
    for (size_t i = 0; i < E; i++) {
        length += (double)unit[i] * (double)unit[i];
        raw_length += (double)raw[i] * (double)raw[i];
    }
    assert_float_equal(length, 1.0, 1e-6);
    for (size_t i = 0; i < E; i++)
        assert_float_equal(raw[i] / (float)sqrt(raw_length), unit[i], 1e-6);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

/* Of Matryoshka models: the first numbers, scaled to unit length by themselves. */
static void shortened_embeddings_are_the_beginnings_of_whole_ones(void **unused) {
    (void)unused;
    enum { KEPT = 10 };
    fill_pixels();
    glimpse_model *models[2];
    float image[2][PICTURES * E], text[2][TEXTS * E];
    char expected[33];
    for (size_t m = 0; m < 2; m++) {
        glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
        glimpse_encoder *encoder = NULL;
        options.precision = GLIMPSE_PRECISION_F32;
        options.dimensions = m == 0 ? 0 : KEPT;
        assert_ok(glimpse_model_open(&models[m], temp_directory, &options));
        assert_int_equal(glimpse_model_embedding_size(models[m]), m == 0 ? E : KEPT);
        assert_ok(glimpse_encoder_create(&encoder, models[m], 4));
        unsigned flags = m == 0 ? GLIMPSE_ENCODE_RAW : 0;
        assert_ok(glimpse_encoder_pixels(image[m], encoder, pixels, PICTURES, flags));
        assert_ok(glimpse_encoder_texts(text[m], NULL, encoder, texts, TEXTS, flags));
        glimpse_encoder_free(encoder);
    }
    for (size_t i = 0; i < PICTURES + TEXTS; i++) {
        float *whole = i < PICTURES ? image[0] + i * E : text[0] + (i - PICTURES) * E;
        const float *kept = i < PICTURES ? image[1] + i * KEPT : text[1] + (i - PICTURES) * KEPT;
        assert_true(glimpse_normalize(whole, KEPT));
        for (size_t j = 0; j < KEPT; j++)
            assert_float_equal(kept[j], whole[j], 1e-6);
    }
    assert_ok(
        glimpse_model_shortened_fingerprint(expected, glimpse_model_fingerprint(models[0]), KEPT));
    assert_string_equal(glimpse_model_fingerprint(models[1]), expected);
    assert_string_not_equal(glimpse_model_fingerprint(models[0]), expected);
    for (size_t m = 0; m < 2; m++)
        glimpse_model_close(models[m]);

    glimpse_model *too_many = NULL;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.dimensions = E + 1;
    assert_int_equal(glimpse_model_open(&too_many, temp_directory, &options), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "25 dimensions"));
}

static void a_long_text_is_truncated_and_says_so(void **unused) {
    (void)unused;
    glimpse_model *model = open_tiny(GLIMPSE_TOWER_TEXT);
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    float embeddings[TEXTS * E];
    int truncated[TEXTS];
    assert_ok(glimpse_encoder_texts(embeddings, truncated, encoder, texts, TEXTS, 0));
    for (size_t i = 0; i + 1 < TEXTS; i++)
        assert_int_equal(truncated[i], 0);
    assert_int_equal(truncated[TEXTS - 1], 1);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void a_tower_left_out_is_an_error(void **unused) {
    (void)unused;
    fill_pixels();
    glimpse_model *model = open_tiny(GLIMPSE_TOWER_TEXT);
    glimpse_encoder *encoder = NULL;
    float embedding[E];
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    assert_int_equal(glimpse_encoder_pixels(embedding, encoder, pixels, 1, 0), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "without its image tower"));
    assert_ok(glimpse_encoder_texts(embedding, NULL, encoder, texts, 1, 0));
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    model = open_tiny(GLIMPSE_TOWER_IMAGE);
    assert_null(glimpse_model_tokenizer(model));
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    assert_int_equal(glimpse_encoder_texts(embedding, NULL, encoder, texts, 1, 0),
                     GLIMPSE_E_INVALID);
    assert_ok(glimpse_encoder_pixels(embedding, encoder, pixels, 1, 0));
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void ids_outside_the_vocabulary_are_refused(void **unused) {
    (void)unused;
    glimpse_model *model = open_tiny(GLIMPSE_TOWER_TEXT);
    glimpse_encoder *encoder = NULL;
    float embedding[E];
    int32_t ids[24] = {512, 514, 513};
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    assert_int_equal(glimpse_encoder_tokens(embedding, encoder, ids, 1, 0), GLIMPSE_E_INVALID);
    ids[1] = -1;
    assert_int_equal(glimpse_encoder_tokens(embedding, encoder, ids, 1, 0), GLIMPSE_E_INVALID);
    ids[1] = 0;
    assert_ok(glimpse_encoder_tokens(embedding, encoder, ids, 1, 0));
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void pixels_that_are_not_finite_are_refused(void **unused) {
    (void)unused;
    fill_pixels();
    glimpse_model *model = open_tiny(GLIMPSE_TOWER_IMAGE);
    glimpse_encoder *encoder = NULL;
    float embedding[E];
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    pixels[100] = NAN;
    assert_int_equal(glimpse_encoder_pixels(embedding, encoder, pixels, 1, 0), GLIMPSE_E_FORMAT);
    assert_int_equal(glimpse_encoder_pixels(embedding, encoder, pixels, 1, GLIMPSE_ENCODE_RAW),
                     GLIMPSE_E_FORMAT);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void a_batch_must_be_possible(void **unused) {
    (void)unused;
    glimpse_model *model = open_tiny(GLIMPSE_TOWER_BOTH);
    glimpse_encoder *encoder = NULL;
    assert_int_equal(glimpse_encoder_create(&encoder, model, 0), GLIMPSE_E_INVALID);
    assert_null(encoder);
    assert_int_equal(glimpse_encoder_create(&encoder, model, 1000000), GLIMPSE_E_INVALID);
    glimpse_encoder_free(NULL);
    glimpse_model_close(model);
    glimpse_model_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_do_not_depend_on_the_batch),
        cmocka_unit_test(skipping_unpooled_rows_of_the_last_layer_changes_nothing),
        cmocka_unit_test(openblas_equals_plain_on_whole_towers),
        cmocka_unit_test(workers_share_a_model_and_agree),
        cmocka_unit_test(embeddings_have_unit_length_unless_raw),
        cmocka_unit_test(shortened_embeddings_are_the_beginnings_of_whole_ones),
        cmocka_unit_test(a_long_text_is_truncated_and_says_so),
        cmocka_unit_test(a_tower_left_out_is_an_error),
        cmocka_unit_test(ids_outside_the_vocabulary_are_refused),
        cmocka_unit_test(pixels_that_are_not_finite_are_refused),
        cmocka_unit_test(a_batch_must_be_possible),
    };
    return cmocka_run_group_tests(tests, make_model, remove_directory);
}
