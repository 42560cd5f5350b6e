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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_match_in_every_precision),
        cmocka_unit_test(texts_and_pictures_go_from_string_and_file_to_embedding),
        cmocka_unit_test_setup_teardown(m_clip_reads_texts_beside_the_pictures_of_another_model,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(m_clip_says_which_pictures_it_goes_with, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
