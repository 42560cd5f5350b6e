/*
 * What a SigLIP model promises beyond the reference data, on a random one: the same output whatever
 * the batch, the backend and the shortcut; texts padded by the encoder; a fingerprint that follows
 * whatever decides the vectors.
 */
#include "support/numbers.h"
#include "support/opened_model.h"
#include "support/temporary.h"

#include "model/model_internal.h"
#include "support/random_model.h"

#include <glimpse/sys/model.h>
#include <math.h>

enum { E = 48, SIDE = 34, AREA = SIDE * SIDE, PICTURES = 7, TEXTS = 6, CONTEXT = 64 };
static float pixels[PICTURES * 3 * AREA];
static const char *const texts[TEXTS] = {
    "a",
    "",
    "A Photo of a dog",
    "caf\xc3\xa9",
    "x <eos> y",
    "a text of so many letters that sixty-four tokens, one of which ends it, are too few"};

static int make_model(void **unused) {
    (void)make_directory(unused);
    uint64_t state = 5;
    fill_uniform(pixels, PICTURES * 3 * AREA, &state, -1, 1);
    random_model tiny = random_model_tiny_siglip();
    return random_model_write(&tiny, temp_directory) ? 0 : -1;
}

typedef struct result {
    float pictures[PICTURES * E], texts[TEXTS * E];
} result;

static void encode(const glimpse_model *model, size_t batch, result *out) {
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_encoder_create(&encoder, model, batch));
    assert_ok(glimpse_encoder_pixels(out->pictures, encoder, pixels, PICTURES, 0));
    assert_ok(glimpse_encoder_texts(out->texts, NULL, encoder, texts, TEXTS, 0));
    glimpse_encoder_free(encoder);
}

static void embeddings_do_not_depend_on_the_batch(void **unused) {
    (void)unused;
    static result one, many;
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    encode(model, 1, &one);
    for (size_t batch = 2; batch <= 16; batch *= 2) {
        encode(model, batch, &many);
        assert_floats_near(many.pictures, one.pictures, PICTURES * E, 2e-6);
        assert_floats_near(many.texts, one.texts, TEXTS * E, 2e-6);
    }
    glimpse_model_close(model);
}

static void backends_agree_and_bf16_is_close(void **unused) {
    (void)unused;
    static result plain, fast, rounded;
    glimpse_model *model = open_as(GLIMPSE_BACKEND_PLAIN, GLIMPSE_PRECISION_F32);
    encode(model, 3, &plain);
    glimpse_model_close(model);
    model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    encode(model, 3, &fast);
    glimpse_model_close(model);
    assert_floats_near(fast.pictures, plain.pictures, PICTURES * E, 2e-6);
    assert_floats_near(fast.texts, plain.texts, TEXTS * E, 2e-6);
    model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_BF16);
    encode(model, 3, &rounded);
    glimpse_model_close(model);
    const float *pairs[2][2] = {{rounded.pictures, plain.pictures}, {rounded.texts, plain.texts}};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < (p ? TEXTS : PICTURES); i++) {
            double dot = 0;
            for (size_t j = 0; j < E; j++)
                dot += (double)pairs[p][0][i * E + j] * (double)pairs[p][1][i * E + j];
            assert_true(dot > 0.999);
        }
    }
}

static void count_stages(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    (void)stage, (void)x, (void)rows, (void)width;
    ++*(size_t *)user;
}

static void skipping_unpooled_rows_of_the_last_layer_changes_nothing(void **unused) {
    (void)unused;
    glimpse_encoder *encoder = NULL;
    float fast[TEXTS * E], full[TEXTS * E];
    size_t stages = 0;
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    assert_ok(glimpse_encoder_texts(fast, NULL, encoder, texts, TEXTS, 0));
    glimpse_encoder_set_trace(encoder, count_stages, &stages);
    assert_ok(glimpse_encoder_texts(full, NULL, encoder, texts, TEXTS, 0));
    assert_true(stages >= 3);
    assert_floats_near(fast, full, TEXTS * E, 2e-6);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void the_encoder_pads_texts_to_the_context(void **unused) {
    (void)unused;
    glimpse_encoder *encoder = NULL;
    float from_texts[TEXTS * E], from_ids[TEXTS * E];
    int32_t ids[TEXTS * CONTEXT];
    int truncated[TEXTS];
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    const glimpse_tokenizer *tokenizer = glimpse_model_tokenizer(model);
    assert_int_equal(glimpse_model_context_length(model), CONTEXT);
    assert_int_equal(glimpse_tokenizer_pad_id(tokenizer), 0);
    for (size_t i = 0; i < TEXTS; i++) {
        glimpse_tokens tokens = {ids + i * CONTEXT, CONTEXT, 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, texts[i], strlen(texts[i])));
        for (size_t t = tokens.count; t < CONTEXT; t++)
            tokens.ids[t] = 0;
    }
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    assert_ok(glimpse_encoder_texts(from_texts, truncated, encoder, texts, TEXTS, 0));
    assert_ok(glimpse_encoder_tokens(from_ids, encoder, ids, TEXTS, 0));
    assert_floats_near(from_texts, from_ids, TEXTS * E, 2e-6);
    assert_true(truncated[TEXTS - 1] && !truncated[0]);
    /* Padding is read: another id in its place is another embedding. */
    ids[CONTEXT - 2] = 5;
    assert_ok(glimpse_encoder_tokens(from_ids, encoder, ids, 1, 0));
    double difference = 0;
    for (size_t j = 0; j < E; j++)
        difference += fabs((double)from_ids[j] - (double)from_texts[j]);
    assert_true(difference > 1e-4);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

static void a_model_says_how_it_scores(void **unused) {
    (void)unused;
    glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
    assert_int_equal(glimpse_model_scoring(model), GLIMPSE_SCORING_SIGMOID);
    assert_float_equal(glimpse_model_logit_scale(model), 10.0, 1e-4);
    assert_float_equal(glimpse_model_logit_bias(model), -1.0, 1e-6);
    glimpse_model_close(model);
    char path[1100];
    (void)snprintf(path, sizeof path, "%s/clip", temp_directory);
    random_model clip = random_model_tiny();
    assert_true(random_model_write(&clip, path));
    assert_ok(glimpse_model_open(&model, path, NULL));
    assert_int_equal(glimpse_model_scoring(model), GLIMPSE_SCORING_SOFTMAX);
    assert_true(glimpse_model_logit_bias(model) == 0);
    glimpse_model_close(model);
}

/* Replaces the first `from` by `to` in a file of the model. */
static void patch(const char *name, const char *from, const char *to) {
    size_t size = 0, length = strlen(from);
    const char *path = path_in(temp_directory, name);
    char *data = read_whole_file(path, &size), *at = NULL;
    for (size_t i = 0; i + length <= size && !at; i++) {
        if (memcmp(data + i, from, length) == 0) at = data + i;
    }
    assert_non_null(at);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    size_t before = (size_t)(at - data), rest = size - before - length;
    assert_int_equal(fwrite(data, 1, before, file), before);
    assert_true(fputs(to, file) >= 0);
    assert_int_equal(fwrite(at + length, 1, rest, file), rest);
    assert_int_equal(fclose(file), 0);
    free(data);
}

static void the_fingerprint_follows_what_decides_the_vectors(void **unused) {
    (void)unused;
    static const struct {
        const char *file, *from, *to;
        int changes;
    } cases[] = {
        {"tokenizer.json", "\"q\": 276", "\"Q\": 276", 1},
        {"tokenizer_config.json", "\"do_lower_case\": true ", "\"do_lower_case\": false", 1},
        {"tokenizer_config.json", "<pad>", "<bos>", 1},
        {"tokenizer_config.json", "\"comment\": 1", "\"comment\": 2", 0},
        {"config.json", "gelu_pytorch_tanh", "gelu", 1},
        {"preprocessor_config.json", "\"resample\": 2", "\"resample\": 3", 1},
        {"config.json", "\"hidden_size\": 48, \"intermediate_size\": 96",
         "\"hidden_size\": 48,\n\"intermediate_size\": 96", 0},
    };
    char first[33], changed[33];
    random_model tiny = random_model_tiny_siglip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(random_model_write(&tiny, temp_directory));
        write_text_in_directory(
            "tokenizer_config.json",
            "{\"tokenizer_class\": \"GemmaTokenizer\", \"add_bos_token\": false, "
            "\"add_eos_token\": true, \"do_lower_case\": true , \"pad_token\": "
            "\"<pad>\", \"comment\": 1}\n");
        assert_ok(glimpse_model_read_fingerprint(first, temp_directory));
        patch(cases[i].file, cases[i].from, cases[i].to);
        assert_ok(glimpse_model_read_fingerprint(changed, temp_directory));
        if ((strcmp(first, changed) != 0) != cases[i].changes) {
            fail_msg("%s: \"%s\"", cases[i].file, cases[i].to);
        }
    }
    assert_true(random_model_write(&tiny, temp_directory));
}

static void damaged_models_are_refused(void **unused) {
    (void)unused;
    static const struct {
        const char *file, *from, *to;
        int status;
        const char *message;
    } cases[] = {
        {"model.safetensors", "vision_model.head.probe", "vision_model.head.prObe",
         GLIMPSE_E_FORMAT, "vision_model.head.probe"},
        {"model.safetensors", "logit_bias", "logit_Bias", GLIMPSE_E_FORMAT, "logit_bias"},
        {"config.json", "\"patch_size\": 8", "\"patch_size\": 7", GLIMPSE_E_FORMAT,
         "patch_embedding"},
        {"tokenizer_config.json", "<pad>", "<dap>", GLIMPSE_E_FORMAT, "pad"},
        {"tokenizer.json", "\"BPE\"", "\"BPX\"", GLIMPSE_E_UNSUPPORTED, "tokenizer.json"},
    };
    random_model tiny = random_model_tiny_siglip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        glimpse_model *model = NULL;
        assert_true(random_model_write(&tiny, temp_directory));
        patch(cases[i].file, cases[i].from, cases[i].to);
        int status = glimpse_model_open(&model, temp_directory, NULL);
        if (status != cases[i].status || !strstr(glimpse_last_error(), cases[i].message)) {
            fail_msg("%s, \"%s\": status %d, \"%s\"", cases[i].file, cases[i].to, status,
                     status < 0 ? glimpse_last_error() : "");
        }
        assert_null(model);
    }
    assert_true(random_model_write(&tiny, temp_directory));
}

/* The multilingual SigLIP: a sentencepiece model with more pieces than the model has embeddings. */
static void pieces_without_an_embedding_are_no_reason_to_refuse_a_model(void **unused) {
    (void)unused;
    char pieces[1200], settings[1200];
    (void)snprintf(pieces, sizeof pieces, "%s", shared_path("golden/siglip/spiece.model"));
    (void)snprintf(settings, sizeof settings, "%s",
                   shared_path("golden/siglip/tokenizer_config.json"));
    random_model tiny = random_model_tiny_siglip();
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    float embedding[E];
    const char *text = "a photo of a cat", *other = "\xe4\xb8\xad\xe6\x96\x87 \xd0\x9c";
    size_t refused = 0;
    assert_true(random_model_write(&tiny, temp_directory));
    copy_file(pieces, in_directory("spiece.model"));
    copy_file(settings, in_directory("tokenizer_config.json"));
    static const size_t vocabularies[] = {999, 100};
    for (size_t v = 0; v < 2; v++) {
        size_t vocabulary = tiny.vocabulary = vocabularies[v];
        assert_true(random_model_write(&tiny, temp_directory));
        copy_file(settings, in_directory("tokenizer_config.json"));
        assert_ok(glimpse_model_open(&model, temp_directory, NULL));
        assert_true(glimpse_tokenizer_vocab_size(glimpse_model_tokenizer(model)) > vocabulary);
        assert_ok(glimpse_encoder_create(&encoder, model, 1));
        if (vocabulary == 999)
            assert_ok(glimpse_encoder_texts(embedding, NULL, encoder, &text, 1, 0));
        int status = glimpse_encoder_texts(embedding, NULL, encoder, &text, 1, 0);
        if (status == GLIMPSE_OK)
            status = glimpse_encoder_texts(embedding, NULL, encoder, &other, 1, 0);
        refused += status == GLIMPSE_E_INVALID;
        assert_true(status == GLIMPSE_OK || strstr(glimpse_last_error(), "vocabulary"));
        glimpse_encoder_free(encoder);
        glimpse_model_close(model);
    }
    assert_true(refused > 0);
    assert_int_equal(remove(path_in(temp_directory, "spiece.model")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_do_not_depend_on_the_batch),
        cmocka_unit_test(backends_agree_and_bf16_is_close),
        cmocka_unit_test(skipping_unpooled_rows_of_the_last_layer_changes_nothing),
        cmocka_unit_test(the_encoder_pads_texts_to_the_context),
        cmocka_unit_test(a_model_says_how_it_scores),
        cmocka_unit_test(the_fingerprint_follows_what_decides_the_vectors),
        cmocka_unit_test(damaged_models_are_refused),
        cmocka_unit_test(pieces_without_an_embedding_are_no_reason_to_refuse_a_model),
    };
    return cmocka_run_group_tests(tests, make_model, remove_directory);
}
