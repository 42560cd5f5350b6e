/*
 * test_multilingual_tokenizers.c - the tokenizers of the model families for many languages give
 * the ids of the reference implementations, from either of the files that they are published in.
 */
#include "cases.h"
#include "support/json.h"
#include "support/temporary.h"

#include "text/tokenizer_kinds.h"

enum { IDS = 4096 };

static const char *family(const char *name, const char *file) {
    char relative[160];
    (void)snprintf(relative, sizeof relative, "golden/families/%s/%s", name, file);
    return shared_path(relative);
}

static void compare(const char *text, const glimpse_tokens *tokens, const int32_t *expected,
                    size_t count) {
    for (size_t i = 0; i < count || i < tokens->count; i++) {
        if (i >= count || i >= tokens->count || tokens->ids[i] != expected[i]) {
            fail_msg("\"%s\": token %zu is %d, not %d", text, i,
                     i < tokens->count ? tokens->ids[i] : -1, i < count ? expected[i] : -1);
        }
    }
}

/* The text of a case: its bytes, which JSON could not always hold. */
static size_t bytes_of(const json_t *entry, char **out) {
    *out = strdup(json_string_value(json_object_get(entry, "hex")));
    assert_non_null(*out);
    return unhex(*out);
}

static void matches_every_case(const glimpse_tokenizer *tokenizer, const char *name) {
    static int32_t ids[IDS], expected[IDS];
    json_t *root = json_file(family(name, "expected/tokenizer_cases.json")), *entry;
    size_t index;
    json_array_foreach(json_object_get(root, "cases"), index, entry) {
        const json_t *list = json_object_get(entry, "ids");
        const size_t count = json_array_size(list);
        assert_true(count <= IDS);
        for (size_t i = 0; i < count; i++)
            expected[i] = (int32_t)json_integer_value(json_array_get(list, i));
        char *text;
        const size_t length = bytes_of(entry, &text);
        glimpse_tokens tokens = {ids, IDS, 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, text, length));
        compare(text, &tokens, expected, count);
        free(text);
    }
    assert_int_equal(index, 300);
    json_decref(root);
}

/* The ids that the model was run with: cut and filled up. */
static void matches_the_texts(const glimpse_tokenizer *tokenizer, const char *name) {
    json_t *root = json_file(family(name, "expected/expected.json")), *entry;
    size_t index, size;
    char *bytes = read_whole_file(family(name, "expected/text_ids.i32"), &size);
    const json_t *texts = json_object_get(root, "texts");
    const size_t context = size / sizeof(int32_t) / json_array_size(texts);
    int32_t *ids = calloc(context, sizeof *ids), *expected = calloc(context, sizeof *expected);
    assert_non_null(ids);
    assert_non_null(expected);
    json_array_foreach(texts, index, entry) {
        char *text;
        const size_t length = bytes_of(entry, &text);
        glimpse_tokens tokens = {ids, context, 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, text, length));
        assert_int_equal(tokens.count, json_integer_value(json_object_get(entry, "n_tokens")));
        while (tokens.count < context)
            ids[tokens.count++] = glimpse_tokenizer_pad_id(tokenizer);
        memcpy(expected, bytes + index * context * sizeof *expected, context * sizeof *expected);
        compare(text, &tokens, expected, context);
        free(text);
    }
    assert_true(index > 3);
    free(ids);
    free(expected);
    free(bytes);
    json_decref(root);
}

/* Copies what the tokenizer reads, besides its main file. */
static void copy_settings(const char *name) {
    static const char *const files[] = {"tokenizer_config.json", "special_tokens_map.json",
                                        "config.json", "open_clip_config.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char relative[160];
        (void)snprintf(relative, sizeof relative, "golden/families/%s/%s", name, files[i]);
        const char *path = shared_path_if_there(relative);
        if (path) copy_file(path, in_directory(files[i]));
    }
}

static void from_either_file(const char *name, glimpse_tokenizer_kind kind, int cases) {
    static const char *const files[] = {"sentencepiece.bpe.model", "tokenizer.json"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(make_directory(NULL), 0);
        copy_settings(name);
        copy_file(family(name, files[i]), in_directory(files[i]));
        glimpse_tokenizer *tokenizer = open_or_fail(temp_directory, GLIMPSE_TOKENIZER_AUTO);
        assert_int_equal(glimpse_tokenizer_kind_of(tokenizer), kind);
        matches_the_texts(tokenizer, name);
        glimpse_tokenizer_free(tokenizer);
        /* The recorded ids of the cases are of texts that were not cleaned. */
        tokenizer = open_or_fail(temp_directory, kind);
        if (cases) matches_every_case(tokenizer, name);
        glimpse_tokenizer_free(tokenizer);
        (void)remove_directory(NULL);
    }
}

static void xlm_r_matches_every_recorded_case(void **state) {
    (void)state;
    from_either_file("xlm-roberta-clip", GLIMPSE_TOKENIZER_XLMR, 1);
    from_either_file("m-clip-text", GLIMPSE_TOKENIZER_XLMR, 1);
    from_either_file("metaclip2", GLIMPSE_TOKENIZER_XLMR, 1);
    from_either_file("metaclip2-openclip", GLIMPSE_TOKENIZER_XLMR, 0);
}

static void nllb_matches_every_recorded_case(void **state) {
    (void)state;
    from_either_file("nllb-clip", GLIMPSE_TOKENIZER_NLLB, 1);
}

static void tokenizers_of_other_families_give_the_recorded_ids(void **state) {
    (void)state;
    static const struct {
        const char *name;
        glimpse_tokenizer_kind kind;
    } cases[] = {{"siglip2-openclip", GLIMPSE_TOKENIZER_GEMMA},
                 {"siglip2-naflex", GLIMPSE_TOKENIZER_GEMMA},
                 {"chinese-clip", GLIMPSE_TOKENIZER_WORDPIECE},
                 {"clip-resnet", GLIMPSE_TOKENIZER_CLIP_OPENCLIP},
                 {"eva02-clip", GLIMPSE_TOKENIZER_CLIP_OPENCLIP},
                 {"eva02-e-clip", GLIMPSE_TOKENIZER_CLIP_OPENCLIP},
                 {"mobileclip", GLIMPSE_TOKENIZER_CLIP_OPENCLIP},
                 {"mobileclip2-s3", GLIMPSE_TOKENIZER_CLIP_OPENCLIP},
                 {"pe-core", GLIMPSE_TOKENIZER_CLIP_OPENCLIP}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_tokenizer *tokenizer =
            open_or_fail(family(cases[i].name, ""), GLIMPSE_TOKENIZER_AUTO);
        assert_int_equal(glimpse_tokenizer_kind_of(tokenizer), cases[i].kind);
        matches_the_texts(tokenizer, cases[i].name);
        glimpse_tokenizer_free(tokenizer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xlm_r_matches_every_recorded_case),
        cmocka_unit_test(nllb_matches_every_recorded_case),
        cmocka_unit_test(tokenizers_of_other_families_give_the_recorded_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
