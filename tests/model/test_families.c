/*
 * The multilingual families equal the code of their authors on recorded inputs and outputs, from
 * strings and files to embeddings, in every precision and on every backend. M-CLIP's texts stand
 * beside the pictures of another model.
 */
#include "family_golden.h"

#include "support/files.h"
#include "support/random_model.h"
#include "support/temporary.h"

#include <unistd.h>

static const char *const families[] = {"chinese-clip", "metaclip2", "metaclip2-openclip",
                                       "xlm-roberta-clip", "nllb-clip"};
enum { FAMILIES = sizeof families / sizeof families[0] };

static void embeddings_match_in_every_precision(void **unused) {
    (void)unused;
    for (size_t i = 0; i < FAMILIES; i++) {
        print_message("%s\n", families[i]);
        family_embeddings_match(families[i]);
    }
}

static void texts_and_pictures_go_from_string_and_file_to_embedding(void **unused) {
    (void)unused;
    for (size_t i = 0; i < FAMILIES; i++)
        family_texts_and_pictures_match(families[i]);
}

/* M-CLIP's texts beside the pictures of a model whose vectors are as long. */
static void join(const char *with_image) {
    static const char *const files[] = {"config.json",           "model.safetensors",
                                        "tokenizer.json",        "sentencepiece.bpe.model",
                                        "tokenizer_config.json", "special_tokens_map.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char from[1200];
        (void)snprintf(from, sizeof from, "%s",
                       path_in(shared_path("golden/families/m-clip-text"), files[i]));
        assert_int_equal(symlink(from, in_directory(files[i])), 0);
    }
    if (with_image) assert_int_equal(symlink(with_image, in_directory("image")), 0);
}

static void m_clip_reads_texts_beside_the_pictures_of_another_model(void **unused) {
    (void)unused;
    random_model tiny = random_model_tiny();
    tiny.embedding = 40;
    assert_true(random_model_write(&tiny, in_directory("pictures")));
    join("pictures");
    family g;
    memset(&g, 0, sizeof g);
    (void)snprintf(g.directory, sizeof g.directory, "%s",
                   shared_path("golden/families/m-clip-text/expected"));
    g.json = json_file(path_in(g.directory, "expected.json"));
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.precision = GLIMPSE_PRECISION_F32;
    assert_ok(glimpse_model_open(&g.model, temp_directory, &options));
    assert_ok(glimpse_encoder_create(&g.encoder, g.model, 3));
    family_texts_match(&g);

    glimpse_model *pictures = NULL;
    glimpse_encoder *encoder = NULL;
    float pixels[3 * 32 * 32], joined[40], alone[40];
    uint64_t state = 5;
    fill_uniform(pixels, sizeof pixels / sizeof *pixels, &state, -1, 1);
    assert_ok(glimpse_model_open(&pictures, in_directory("pictures"), &options));
    assert_ok(glimpse_encoder_create(&encoder, pictures, 1));
    assert_ok(glimpse_encoder_pixels(joined, g.encoder, pixels, 1, 0));
    assert_ok(glimpse_encoder_pixels(alone, encoder, pixels, 1, 0));
    assert_memory_equal(joined, alone, sizeof alone);
    assert_float_equal(glimpse_model_logit_scale(g.model), glimpse_model_logit_scale(pictures), 0);
    assert_string_not_equal(glimpse_model_fingerprint(g.model),
                            glimpse_model_fingerprint(pictures));
    glimpse_encoder_free(encoder);
    glimpse_model_close(pictures);
    close_family(&g);
}

static void m_clip_says_which_pictures_it_goes_with(void **unused) {
    (void)unused;
    glimpse_model *model = NULL;
    join("."); /* the model of the texts itself */
    assert_int_equal(glimpse_model_open(&model, temp_directory, NULL), GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "no pictures of its own"));
    assert_int_equal(unlink(in_directory("image")), 0);
    assert_int_equal(glimpse_model_open(&model, temp_directory, NULL), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "without pictures"));
    random_model tiny = random_model_tiny(); /* 24 dimensions, texts have 40 */
    assert_true(random_model_write(&tiny, in_directory("image")));
    assert_int_equal(glimpse_model_open(&model, temp_directory, NULL), GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "40 numbers"));
    assert_non_null(strstr(glimpse_last_error(), "of 24"));
}

/* The recorded model with `key` of the section `part` of its configuration at `value`; "" is
 * model_cfg itself. NULL: without the key. */
static void change(const char *name, const char *part, const char *key, json_t *value) {
    static const char *const files[] = {"open_clip_model.safetensors", "tokenizer.json",
                                        "sentencepiece.bpe.model", "tokenizer_config.json",
                                        "special_tokens_map.json"};
    char directory[256], from[1200];
    (void)snprintf(directory, sizeof directory, "golden/families/%s", name);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(from, sizeof from, "%s", path_in(shared_path(directory), files[i]));
        if (access(from, F_OK) == 0) (void)symlink(from, in_directory(files[i]));
    }
    json_t *root = json_file(path_in(shared_path(directory), "open_clip_config.json"));
    json_t *section = json_object_get(root, "model_cfg");
    if (*part) section = json_object_get(section, part);
    if (value) {
        assert_int_equal(json_object_set_new(section, key, value), 0);
    } else {
        assert_int_equal(json_object_del(section, key), 0);
    }
    assert_int_equal(json_dump_file(root, in_directory("open_clip_config.json"), 0), 0);
    json_decref(root);
}

/* The reference's mask, its positions and its mean leave out whatever has the id of padding. */
static void padding_spelled_out_in_a_text_of_open_clip_is_none(void **unused) {
    (void)unused;
    static const char *const names[] = {"xlm-roberta-clip", "nllb-clip"};
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        family g;
        float embeddings[3 * 24];
        int truncated[3];
        const char *texts[3] = {"cat", "<pad>cat", "cat<pad>"};
        if (!open_family(&g, names[f], GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32)) continue;
        assert_ok(glimpse_encoder_texts(embeddings, truncated, g.encoder, texts, 3, 0));
        assert_floats_near(embeddings + 24, embeddings, 24, 2e-6);
        assert_floats_near(embeddings + 48, embeddings, 24, 2e-6);
        close_family(&g);
    }
}

/* Otherwise all texts would have the embedding of their first token. */
static void the_end_of_texts_is_the_tokenizers(void **unused) {
    (void)unused;
    glimpse_model *model = NULL;
    change("metaclip2-openclip", "text_cfg", "eos_id", json_integer(2));
    assert_ok(glimpse_model_open(&model, temp_directory, NULL));
    glimpse_model_close(model);
    change("metaclip2-openclip", "text_cfg", "eos_id", json_integer(5));
    assert_int_equal(glimpse_model_open(&model, temp_directory, NULL), GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "open_clip_config.json: \"eos_id\" is 5"));
}

static void a_bias_of_logits_without_its_setting_is_refused(void **unused) {
    (void)unused;
    glimpse_model *model = NULL;
    change("siglip2-openclip", "", "init_logit_bias", NULL);
    assert_int_equal(glimpse_model_open(&model, temp_directory, NULL), GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "init_logit_bias"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_match_in_every_precision),
        cmocka_unit_test(texts_and_pictures_go_from_string_and_file_to_embedding),
        cmocka_unit_test_setup_teardown(m_clip_reads_texts_beside_the_pictures_of_another_model,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(m_clip_says_which_pictures_it_goes_with, make_directory,
                                        remove_directory),
        cmocka_unit_test(padding_spelled_out_in_a_text_of_open_clip_is_none),
        cmocka_unit_test_setup_teardown(the_end_of_texts_is_the_tokenizers, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_bias_of_logits_without_its_setting_is_refused,
                                        make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
