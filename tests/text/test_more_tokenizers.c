/*
 * test_more_tokenizers.c - the tokenizers of SigLIP, SigLIP 2 and BLIP give the ids of the
 * reference implementations; damaged models of these and of the families for many languages are
 * refused or still work; hostile texts take linear time.
 */
#include "cases.h"
#include "support/json.h"
#include "support/temporary.h"

enum { IDS = 4096 };

static const char *fixture(const char *name) {
    char relative[128];
    (void)snprintf(relative, sizeof relative, "tests/text/fixtures/%s", name);
    return source_path(relative);
}

static void expect_ids(const glimpse_tokenizer *tokenizer, const char *text, size_t length,
                       size_t capacity, const int32_t *expected, size_t count) {
    static int32_t ids[IDS];
    glimpse_tokens tokens = {ids, capacity, 0, 0};
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, text, length));
    for (size_t i = 0; i < count || i < tokens.count; i++) {
        if (i >= count || i >= tokens.count || ids[i] != expected[i]) {
            fail_msg("\"%s\": token %zu is %d, not %d", text, i, i < tokens.count ? ids[i] : -1,
                     i < count ? expected[i] : -1);
        }
    }
}

#define expect(tokenizer, text, ...)                              \
 do {                                                             \
  const int32_t expect_ids_[] = {__VA_ARGS__};                    \
  expect_ids(tokenizer, text, sizeof(text) - 1, IDS, expect_ids_, \
             sizeof expect_ids_ / sizeof expect_ids_[0]);         \
 } while (0)

static size_t read_ids(const json_t *list, int32_t *ids) {
    size_t count = json_array_size(list);
    assert_true(count <= IDS);
    for (size_t i = 0; i < count; i++) {
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    }
    return count;
}

static void matches_every_case(const char *golden, const glimpse_tokenizer *tokenizer, size_t min) {
    char name[128];
    static int32_t expected[IDS];
    (void)snprintf(name, sizeof name, "golden/%s/expected.json", golden);
    json_t *root = json_file(shared_path(name));
    const json_t *section = json_object_get(root, "tokenizer"), *entry;
    size_t index;
    json_array_foreach(json_object_get(section, "cases"), index, entry) {
        const json_t *text = json_object_get(entry, "text"), *padded;
        size_t count = read_ids(json_object_get(entry, "ids"), expected);
        expect_ids(tokenizer, json_string_value(text), json_string_length(text), IDS, expected,
                   count);
        padded = json_object_get(entry, "ids_64");
        if (!padded) continue;
        int32_t ids[64];
        glimpse_tokens tokens = {ids, 64, 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, json_string_value(text),
                                           json_string_length(text)));
        while (tokens.count < 64) {
            ids[tokens.count++] = glimpse_tokenizer_pad_id(tokenizer);
        }
        assert_int_equal(read_ids(padded, expected), 64);
        assert_memory_equal(ids, expected, sizeof ids);
    }
    assert_true(index >= min);
    const json_t *cut = json_object_get(section, "truncation");
    if (cut) {
        const json_t *text = json_object_get(cut, "text");
        size_t count = read_ids(json_object_get(cut, "ids"), expected);
        expect_ids(tokenizer, json_string_value(text), json_string_length(text),
                   (size_t)json_integer_value(json_object_get(cut, "max_length")), expected, count);
    }
    json_decref(root);
}

static void model_matches(const char *golden, glimpse_tokenizer_kind kind, size_t min) {
    char name[128];
    (void)snprintf(name, sizeof name, "golden/%s", golden);
    glimpse_tokenizer *tokenizer = open_or_fail(shared_path(name), GLIMPSE_TOKENIZER_AUTO);
    assert_int_equal(glimpse_tokenizer_kind_of(tokenizer), kind);
    matches_every_case(golden, tokenizer, min);
    glimpse_tokenizer_free(tokenizer);
}

static void siglip_matches_every_recorded_case(void **state) {
    (void)state;
    model_matches("siglip", GLIMPSE_TOKENIZER_SIGLIP, 100);
}

static void siglip2_matches_every_recorded_case(void **state) {
    (void)state;
    model_matches("siglip2", GLIMPSE_TOKENIZER_GEMMA, 60);
}

static void blip_matches_every_recorded_case(void **state) {
    (void)state;
    model_matches("blip-itm", GLIMPSE_TOKENIZER_WORDPIECE, 60);
    model_matches("blip-caption", GLIMPSE_TOKENIZER_WORDPIECE, 60);
    model_matches("blip-vqa", GLIMPSE_TOKENIZER_WORDPIECE, 60);
}

static void siglip2_with_merges_in_one_string_matches_too(void **state) {
    (void)state;
    copy_file(shared_path("golden/siglip2/tokenizer.legacy-merges.json"),
              in_directory("tokenizer.json"));
    copy_file(shared_path("golden/siglip2/tokenizer_config.json"),
              in_directory("tokenizer_config.json"));
    glimpse_tokenizer *tokenizer = open_or_fail(temp_directory, GLIMPSE_TOKENIZER_AUTO);
    matches_every_case("siglip2", tokenizer, 60);
    glimpse_tokenizer_free(tokenizer);
    /* taken literally, as ids_without_lowercasing records */
    write_in_directory("tokenizer_config.json", "{\"do_lower_case\": false}", 24);
    tokenizer = open_or_fail(temp_directory, GLIMPSE_TOKENIZER_GEMMA);
    json_t *root = json_file(shared_path("golden/siglip2/expected.json"));
    const json_t *entry;
    size_t index;
    static int32_t expected[IDS];
    json_array_foreach(json_object_get(json_object_get(root, "tokenizer"), "cases"), index, entry) {
        const json_t *text = json_object_get(entry, "text");
        size_t count = read_ids(json_object_get(entry, "ids_without_lowercasing"), expected);
        expect_ids(tokenizer, json_string_value(text), json_string_length(text), IDS, expected,
                   count);
    }
    json_decref(root);
    glimpse_tokenizer_free(tokenizer);
}

static void captions_are_decoded_as_recorded(void **state) {
    (void)state;
    glimpse_tokenizer *tokenizer =
        open_or_fail(shared_path("golden/blip-caption"), GLIMPSE_TOKENIZER_AUTO);
    json_t *root = json_file(shared_path("golden/blip-caption/expected.json")), *entry, *beam;
    size_t index, which, compared = 0;
    static int32_t ids[IDS];
    char text[4096];
    json_array_foreach(json_object_get(root, "cases"), index, entry) {
        json_t *one = json_object_get(entry, "ids") ? json_pack("[O]", entry)
                                                    : json_incref(json_object_get(entry, "beams"));
        json_array_foreach(one, which, beam) {
            size_t count = read_ids(json_object_get(beam, "ids"), ids), length;
            assert_ok(
                glimpse_tokenizer_decode(text, sizeof text, &length, tokenizer, ids, count, 0));
            assert_string_equal(text, json_string_value(json_object_get(beam, "text")));
            assert_int_equal(length, strlen(text));
            compared++;
        }
        json_decref(one);
    }
    assert_true(compared > 4);
    json_decref(root);
    assert_int_equal(glimpse_tokenizer_find(tokenizer, "[SEP]"), 22);
    assert_int_equal(glimpse_tokenizer_find(tokenizer, "[DEC]"), -1);
    glimpse_tokenizer_free(tokenizer);
}

static void unigram_takes_the_best_path_through_the_normalised_text(void **state) {
    (void)state;
    glimpse_tokenizer *t = open_or_fail(fixture("siglip"), GLIMPSE_TOKENIZER_AUTO);
    assert_int_equal(glimpse_tokenizer_start_id(t), -1);
    assert_int_equal(glimpse_tokenizer_pad_id(t), 1);
    assert_int_equal(glimpse_tokenizer_unknown_id(t), 2);
    expect(t, "", 1);
    expect(t, "A, cat!", 4, 10, 1);
    expect(t, "abc", 3, 8, 7, 1);                                   /* -9.25 beats abc at -9.5 */
    expect(t, "user b", 3, 14, 1);                                  /* user-defined */
    expect(t, "bb", 3, 6, 6, 1);                                    /* unused */
    expect(t, "\xef\xbc\xa1\xe3\x80\x80\xef\xac\x81", 4, 3, 11, 1); /* rules */
    expect(t, "\xc3\xa9 zz b", 3, 13, 3, 2, 3, 6, 1);               /* one unknown for a run */
    expect(t, "b</s> b", 3, 6, 1, 6, 1);
    expect(t, "b</s>", 3, 6, 1);
    expect(t,
           "\xe2\x96\x81\xe2\x96\x81"
           "a",
           4, 1);
    const int32_t cut[3] = {3, 6, 1};
    expect_ids(t, "bcbcbc", 6, 3, cut, 3);
    glimpse_tokenizer_free(t);
}

static void bpe_over_characters_falls_back_to_bytes(void **state) {
    (void)state;
    static const char *const names[] = {"gemma", "gemma/legacy"};
    for (size_t i = 0; i < 2; i++) {
        glimpse_tokenizer *t = open_or_fail(fixture(names[i]), GLIMPSE_TOKENIZER_AUTO);
        assert_int_equal(glimpse_tokenizer_kind_of(t), GLIMPSE_TOKENIZER_GEMMA);
        assert_int_equal(glimpse_tokenizer_pad_id(t), 0);
        expect(t, "", 1);
        expect(t, "ABC", 268, 266, 1);
        expect(t, "a cab", 264, 270, 1);
        expect(t, "\xc3\x89z", 267, 7 + 'z', 1);
        expect(t, "\xe7\x8c\xab", 7 + 0xe7, 7 + 0x8c, 7 + 0xab, 1);
        expect(t, "a\n<tag>b", 264, 5, 4, 265, 1);
        expect(t, "  \xe2\x96\x81\xe2\x96\x81", 6, 6, 1);
        expect(t, "\xff", 7 + 0xef, 7 + 0xbf, 7 + 0xbd, 1);
        glimpse_tokenizer_free(t);
    }
}

static void wordpiece_takes_the_longest_pieces(void **state) {
    (void)state;
    glimpse_tokenizer *t = open_or_fail(fixture("wordpiece"), GLIMPSE_TOKENIZER_AUTO);
    expect(t, "", 2, 3);
    expect(t, "the CATS, Cafe\xcc\x81's", 2, 10, 7, 8, 12, 11, 14, 15, 3);
    expect(t,
           "a\xe7\x8c\xab"
           "a\xc2\xbf",
           2, 6, 17, 6, 24, 3); /* Han stands alone */
    expect(t, "catx cat\x01", 2, 1, 7, 3);
    expect(t, "[SEP][MASK] [DEC]", 2, 3, 4, 21, 23, 22, 3);
    expect(t, "\xce\x9f\xce\xa3", 2, 18, 19, 3); /* no final sigma */
    assert_int_equal(glimpse_tokenizer_find(t, "[DEC]"), 5);
    assert_int_equal(glimpse_tokenizer_find(t, "[ENC]"), -1);
    char text[64];
    size_t length;
    const int32_t ids[] = {5, 10, 7, 8, 12, 6, 14, 15, 16, 3, 99, -1, 0};
    assert_ok(glimpse_tokenizer_decode(text, sizeof text, &length, t, ids, 13, 0));
    assert_string_equal(text, "the cats, a's!");
    assert_ok(
        glimpse_tokenizer_decode(text, sizeof text, NULL, t, ids, 3, GLIMPSE_DECODE_KEEP_SPECIAL));
    assert_string_equal(text, "[DEC] the cat");
    assert_int_equal(glimpse_tokenizer_decode(text, 14, &length, t, ids, 13, 0), GLIMPSE_E_LIMIT);
    assert_int_equal(length, 14);
    assert_string_equal(text, "");
    glimpse_tokenizer_free(t);
}

/* Every byte cut off and every byte changed: refused with a message that names the file, or the
 * tokenizer works. */
static void survives_damage(const char *source, const char *name, glimpse_tokenizer_kind kind,
                            size_t step) {
    size_t size;
    char *bytes = read_whole_file(source, &size);
    static const char text[] = "The cab, a caf\xc3\xa9 \xef\xbc\xa1\xef\xac\x81 user b \xff </s>";
    for (size_t i = 0; i < 2 * size; i += step) {
        char kept = bytes[i % size];
        if (i < size) {
            write_in_directory(name, bytes, i);
        } else {
            bytes[i - size] = (char)(kept ^ (1 << i % 8));
            write_in_directory(name, bytes, size);
            bytes[i - size] = kept;
        }
        glimpse_tokenizer *tokenizer = NULL;
        int status = glimpse_tokenizer_load(&tokenizer, temp_directory, kind);
        if (status < 0) {
            assert_null(tokenizer);
            assert_non_null(strstr(glimpse_last_error(), name));
            continue;
        }
        int32_t ids[64];
        glimpse_tokens tokens = {ids, 64, 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, text, sizeof text - 1));
        for (size_t k = 0; k < tokens.count; k++) {
            assert_in_range(ids[k], 0, glimpse_tokenizer_vocab_size(tokenizer) - 1);
        }
        glimpse_tokenizer_free(tokenizer);
    }
    free(bytes);
}

static void damaged_models_are_refused_or_work(void **state) {
    (void)state;
    survives_damage(fixture("siglip/spiece.model"), "spiece.model", GLIMPSE_TOKENIZER_SIGLIP, 1);
    survives_damage(fixture("gemma/tokenizer.json"), "tokenizer.json", GLIMPSE_TOKENIZER_GEMMA, 13);
    survives_damage(fixture("wordpiece/vocab.txt"), "vocab.txt", GLIMPSE_TOKENIZER_WORDPIECE, 1);
}

static void damaged_models_of_many_languages_are_refused_or_work(void **state) {
    (void)state;
    static const char model[] = "sentencepiece.bpe.model", json[] = "tokenizer.json";
    survives_damage(fixture("xlmr/sentencepiece.bpe.model"), model, GLIMPSE_TOKENIZER_XLMR, 1);
    survives_damage(fixture("nllb/sentencepiece.bpe.model"), model, GLIMPSE_TOKENIZER_NLLB, 1);
    assert_int_equal(remove(in_directory(model)), 0);
    survives_damage(fixture("xlmr/json/tokenizer.json"), json, GLIMPSE_TOKENIZER_XLMR, 7);
    survives_damage(fixture("nllb/json/tokenizer.json"), json, GLIMPSE_TOKENIZER_NLLB, 7);
    survives_damage(fixture("siglip/json/tokenizer.json"), json, GLIMPSE_TOKENIZER_SIGLIP, 7);
}

static void what_is_missing_is_named(void **state) {
    (void)state;
    static const struct {
        const char *config, *missing;
    } cases[] = {
        {"{\"tokenizer_class\": \"SiglipTokenizer\"}", "spiece.model"},
        {"{\"tokenizer_class\": \"GemmaTokenizer\"}", "tokenizer.json"},
        {"{\"tokenizer_class\": \"BertTokenizer\"}", "vocab.txt"},
        {"{\"tokenizer_class\": \"XLMRobertaTokenizer\"}", "sentencepiece.bpe.model"},
        {"{\"tokenizer_class\": \"NllbTokenizer\"}", "sentencepiece.bpe.model"},
    };
    char *empty = make_temp_directory();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(path_in(empty, "tokenizer_config.json"), cases[i].config);
        glimpse_tokenizer *tokenizer;
        assert_int_equal(glimpse_tokenizer_load(&tokenizer, empty, GLIMPSE_TOKENIZER_AUTO),
                         GLIMPSE_E_NOT_FOUND);
        assert_non_null(strstr(glimpse_last_error(), cases[i].missing));
    }
    remove_tree(empty);
    free(empty);
}

/* Would take hours if any step were quadratic. */
static void hostile_megabytes_take_linear_time(void **state) {
    (void)state;
    static const char *const names[] = {"siglip", "gemma", "wordpiece", "xlmr", "nllb"};
    static const char *const patterns[] = {
        "abc",          " ",   "<unk", "\xff",         "\xcc\xa3\xcc\x81", "tfbfcs",
        "\xe7\x8c\xab", "[SE", "</s>", "\xef\xac\x81", "<mask> "};
    const size_t length = 1 << 18;
    char *text = malloc(length);
    assert_non_null(text);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        glimpse_tokenizer *t = open_or_fail(fixture(names[n]), GLIMPSE_TOKENIZER_AUTO);
        for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++) {
            for (size_t i = 0; i < length; i++) {
                text[i] = patterns[p][i % strlen(patterns[p])];
            }
            int32_t ids[64];
            glimpse_tokens tokens = {ids, 64, 0, 0};
            assert_ok(glimpse_tokenizer_encode(&tokens, t, text, length));
            assert_in_range(tokens.count, 1, 64);
            assert_int_equal(ids[tokens.count - 1], glimpse_tokenizer_end_id(t));
        }
        glimpse_tokenizer_free(t);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siglip_matches_every_recorded_case),
        cmocka_unit_test(siglip2_matches_every_recorded_case),
        cmocka_unit_test_setup_teardown(siglip2_with_merges_in_one_string_matches_too,
                                        make_directory, remove_directory),
        cmocka_unit_test(blip_matches_every_recorded_case),
        cmocka_unit_test(captions_are_decoded_as_recorded),
        cmocka_unit_test(unigram_takes_the_best_path_through_the_normalised_text),
        cmocka_unit_test(bpe_over_characters_falls_back_to_bytes),
        cmocka_unit_test(wordpiece_takes_the_longest_pieces),
        cmocka_unit_test_setup_teardown(damaged_models_are_refused_or_work, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(damaged_models_of_many_languages_are_refused_or_work,
                                        make_directory, remove_directory),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(hostile_megabytes_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
