/*
 * test_tokenizer_kinds.c - the table of tokenizers is complete, and a model directory gets its kind
 * by the strongest sign in it.
 */
#include "support/temporary.h"

#include "text/tokenizer_kinds.h"

static int count_kinds(void) {
    int count = 0;
    while (glimpse_tokenizer_kind_name((glimpse_tokenizer_kind)(count + 1)))
        count++;
    return count;
}

static void every_kind_has_a_name_of_its_own_signs_and_calls(void **state) {
    (void)state;
    int count = count_kinds();
    assert_in_range(count, GLIMPSE_TOKENIZER_NLLB, 1000);
    assert_null(glimpse_tokenizer_kind_name(GLIMPSE_TOKENIZER_AUTO));
    assert_null(glimpse_tokenizer_kind_name((glimpse_tokenizer_kind)-1));
    for (int kind = 1; kind <= count; kind++) {
        const glimpse_tokenizer_type *type =
            glimpse_tokenizer_type_of((glimpse_tokenizer_kind)kind);
        assert_non_null(type);
        assert_string_equal(type->name, glimpse_tokenizer_kind_name((glimpse_tokenizer_kind)kind));
        assert_true(*type->name != '\0' &&
                    strpbrk(type->name, " _ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
        for (int other = 1; other < kind; other++) {
            assert_string_not_equal(type->name,
                                    glimpse_tokenizer_kind_name((glimpse_tokenizer_kind)other));
        }
        assert_true(type->load && type->encode && type->token && type->free);
        assert_in_range(type->usual_context, 2, 1 << 20);
        assert_true(type->signs[0].strength != GLIMPSE_SIGN_NONE);
        for (const glimpse_tokenizer_sign *s = type->signs; s->strength; s++) {
            assert_in_range(s->strength, GLIMPSE_SIGN_MARKER, GLIMPSE_SIGN_ANY);
            int names = s->strength == GLIMPSE_SIGN_CLASS || s->strength == GLIMPSE_SIGN_NAME ||
                        s->strength == GLIMPSE_SIGN_MODEL_TYPE ||
                        s->strength == GLIMPSE_SIGN_FAMILY_FILES ||
                        s->strength == GLIMPSE_SIGN_FAMILY;
            assert_int_equal(s->name != NULL, names);
        }
    }
}

/* An empty directory has none of them, and each says so about the file that it misses. */
static void no_kind_opens_an_empty_directory(void **state) {
    (void)state;
    for (int kind = 1; kind <= count_kinds(); kind++) {
        glimpse_tokenizer *tokenizer = NULL;
        assert_int_equal(
            glimpse_tokenizer_load(&tokenizer, temp_directory, (glimpse_tokenizer_kind)kind),
            GLIMPSE_E_NOT_FOUND);
        assert_null(tokenizer);
        assert_non_null(strstr(glimpse_last_error(), temp_directory));
    }
}

static void an_open_tokenizer_knows_its_kind_and_whether_it_decodes(void **state) {
    (void)state;
    static const struct {
        const char *fixture;
        glimpse_tokenizer_kind kind;
        size_t context;
    } cases[] = {
        {"tests/text/fixtures", GLIMPSE_TOKENIZER_CLIP_HF, 77},
        {"tests/text/fixtures", GLIMPSE_TOKENIZER_CLIP_OPENCLIP, 77},
        {"tests/text/fixtures/siglip", GLIMPSE_TOKENIZER_SIGLIP, 64},
        {"tests/text/fixtures/gemma", GLIMPSE_TOKENIZER_GEMMA, 64},
        {"tests/text/fixtures/wordpiece", GLIMPSE_TOKENIZER_WORDPIECE, 512},
        {"tests/text/fixtures/xlmr", GLIMPSE_TOKENIZER_XLMR, 512},
        {"tests/text/fixtures/nllb", GLIMPSE_TOKENIZER_NLLB, 512},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        glimpse_tokenizer *t = NULL;
        assert_ok(glimpse_tokenizer_load(&t, source_path(cases[i].fixture), cases[i].kind));
        assert_int_equal(glimpse_tokenizer_kind_of(t), cases[i].kind);
        assert_int_equal(glimpse_tokenizer_usual_context(t), cases[i].context);
        assert_in_range(glimpse_tokenizer_min_rows(t), 1, glimpse_tokenizer_vocab_size(t));
        char text[64];
        size_t length;
        int32_t id = glimpse_tokenizer_end_id(t);
        int status = glimpse_tokenizer_decode(text, sizeof text, &length, t, &id, 1, 0);
        if (cases[i].kind == GLIMPSE_TOKENIZER_WORDPIECE) {
            assert_ok(status);
        } else {
            assert_int_equal(status, GLIMPSE_E_UNSUPPORTED);
            assert_non_null(
                strstr(glimpse_last_error(), glimpse_tokenizer_kind_name(cases[i].kind)));
        }
        const glimpse_tokenizer_type *type = glimpse_tokenizer_type_of(cases[i].kind);
        assert_int_equal(type->language != NULL, type->is_language != NULL);
        assert_int_equal(glimpse_tokenizer_language(&id, t, "eng_Latn"),
                         type->language ? GLIMPSE_OK : GLIMPSE_E_UNSUPPORTED);
        glimpse_tokenizer_free(t);
    }
}

static void a_configuration_says_how_long_texts_may_be(void **state) {
    (void)state;
    static const struct {
        const char *config;
        size_t context;
    } cases[] = {{NULL, 512},
                 {"{\"text_config\": {\"max_position_embeddings\": 40}}", 40},
                 {"{\"text_config\": {}}", 512},
                 {"{\"text_config\": {\"max_position_embeddings\": 1}}", 512},
                 {"{\"text_config\": {\"max_position_embeddings\": 40}", 512}};
    static const char open_clip[] = "{\"model_cfg\": {\"text_cfg\": {}}}";
    glimpse_tokenizer *t = NULL;
    assert_ok(glimpse_tokenizer_load(&t, source_path("tests/text/fixtures/wordpiece"),
                                     GLIMPSE_TOKENIZER_WORDPIECE));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t context = 0;
        if (cases[i].config) write_text_in_directory("config.json", cases[i].config);
        assert_ok(glimpse_tokenizer_read_context(&context, t, temp_directory));
        assert_int_equal(context, cases[i].context);
    }
    /* open_clip's own, whatever the tokenizer is. */
    size_t context = 0;
    write_text_in_directory("open_clip_config.json", open_clip);
    assert_ok(glimpse_tokenizer_read_context(&context, t, temp_directory));
    assert_int_equal(context, 77);
    glimpse_tokenizer_free(t);
}

static void has_kind(glimpse_tokenizer_kind expected) {
    glimpse_tokenizer_kind kind;
    assert_ok(glimpse_tokenizer_recognise(&kind, temp_directory, GLIMPSE_SIGN_MARKER));
    if (kind != expected) {
        fail_msg("the directory counts as %s, not %s", glimpse_tokenizer_kind_name(kind),
                 glimpse_tokenizer_kind_name(expected));
    }
}

/* From the weakest sign to the strongest: each that is added decides. */
static void the_strongest_sign_decides(void **state) {
    (void)state;
    has_kind(GLIMPSE_TOKENIZER_CLIP_HF);
    write_text_in_directory("tokenizer.json",
                            "{\"model\": {\"type\": \"BPE\", \"byte_fallback\": false}}");
    has_kind(GLIMPSE_TOKENIZER_CLIP_HF);
    write_text_in_directory("tokenizer.json",
                            "{\"model\": {\"type\": \"BPE\", \"byte_fallback\": true}}");
    has_kind(GLIMPSE_TOKENIZER_GEMMA);
    write_text_in_directory("vocab.txt", "[PAD]\n");
    has_kind(GLIMPSE_TOKENIZER_WORDPIECE);
    write_text_in_directory("config.json", "{\"model_type\": \"siglip\"}");
    has_kind(GLIMPSE_TOKENIZER_GEMMA);
    assert_int_equal(unlink(path_in(temp_directory, "tokenizer.json")), 0);
    has_kind(GLIMPSE_TOKENIZER_SIGLIP);
    write_text_in_directory("config.json", "{\"model_type\": \"bert\"}");
    has_kind(GLIMPSE_TOKENIZER_WORDPIECE);
    write_text_in_directory("spiece.model", "");
    has_kind(GLIMPSE_TOKENIZER_SIGLIP);
    write_text_in_directory("vocab.json", "{}");
    has_kind(GLIMPSE_TOKENIZER_SIGLIP);
    write_text_in_directory("merges.txt", "");
    has_kind(GLIMPSE_TOKENIZER_CLIP_HF);
    write_text_in_directory("config.json", "{\"model_type\": \"blip\"}");
    has_kind(GLIMPSE_TOKENIZER_WORDPIECE);
    write_text_in_directory("tokenizer_config.json",
                            "{\"tokenizer_class\": \"SomeOtherTokenizer\"}");
    has_kind(GLIMPSE_TOKENIZER_WORDPIECE);
    write_text_in_directory("tokenizer_config.json", "{\"tokenizer_class\": \"Siglip2Tokenizer\"}");
    has_kind(GLIMPSE_TOKENIZER_GEMMA);
    /* What need not be read may be damaged. */
    write_text_in_directory("config.json", "{");
    has_kind(GLIMPSE_TOKENIZER_GEMMA);
    write_text_in_directory("open_clip_config.json", "{}");
    write_text_in_directory("tokenizer_config.json", "{");
    has_kind(GLIMPSE_TOKENIZER_CLIP_OPENCLIP);
    glimpse_tokenizer_kind kind;
    assert_int_equal(glimpse_tokenizer_recognise(&kind, temp_directory, GLIMPSE_SIGN_CLASS),
                     GLIMPSE_E_FORMAT);
}

/* The families of many languages, each by what its repositories have. */
static void further_families_are_recognised(void **state) {
    (void)state;
    has_kind(GLIMPSE_TOKENIZER_CLIP_HF);
    write_text_in_directory("tokenizer.json",
                            "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 3}}");
    has_kind(GLIMPSE_TOKENIZER_XLMR);
    write_text_in_directory("tokenizer.json",
                            "{\"model\": {\"type\": \"BPE\"}, \"added_tokens\": [{\"id\": 3, "
                            "\"content\": \"<unk>\"}, {\"id\": 9, \"content\": \"eng_Latn\"}]}");
    has_kind(GLIMPSE_TOKENIZER_NLLB);
    copy_file(source_path("tests/text/fixtures/xlmr/sentencepiece.bpe.model"),
              in_directory("sentencepiece.bpe.model"));
    has_kind(GLIMPSE_TOKENIZER_XLMR);
    copy_file(source_path("tests/text/fixtures/nllb/sentencepiece.bpe.model"),
              in_directory("sentencepiece.bpe.model"));
    has_kind(GLIMPSE_TOKENIZER_NLLB);
    static const struct {
        const char *type;
        glimpse_tokenizer_kind kind;
    } types[] = {{"metaclip_2", GLIMPSE_TOKENIZER_XLMR},
                 {"M-CLIP", GLIMPSE_TOKENIZER_XLMR},
                 {"xlm-roberta", GLIMPSE_TOKENIZER_XLMR},
                 {"chinese_clip", GLIMPSE_TOKENIZER_WORDPIECE}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        write_formatted(in_directory("config.json"), "{\"model_type\": \"%s\"}", types[i].type);
        has_kind(types[i].kind);
    }
    static const struct {
        const char *name;
        glimpse_tokenizer_kind kind;
    } names[] = {{"facebook/nllb-200-distilled-600M", GLIMPSE_TOKENIZER_NLLB},
                 {"xlm-roberta-large", GLIMPSE_TOKENIZER_XLMR},
                 {"facebook/xlm-v-base", GLIMPSE_TOKENIZER_XLMR},
                 {"bert-base-uncased", GLIMPSE_TOKENIZER_WORDPIECE},
                 {"timm/ViT-B-16-SigLIP2", GLIMPSE_TOKENIZER_GEMMA}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        write_formatted(in_directory("open_clip_config.json"),
                        "{\"model_cfg\": {\"text_cfg\": {\"hf_tokenizer_name\": \"%s\"}}}",
                        names[i].name);
        has_kind(names[i].kind);
    }
    static const struct {
        const char *class;
        glimpse_tokenizer_kind kind;
    } classes[] = {{"XLMRobertaTokenizer", GLIMPSE_TOKENIZER_XLMR},
                   {"XLMRobertaTokenizerFast", GLIMPSE_TOKENIZER_XLMR},
                   {"NllbTokenizer", GLIMPSE_TOKENIZER_NLLB},
                   {"NllbTokenizerFast", GLIMPSE_TOKENIZER_NLLB},
                   {"BertTokenizer", GLIMPSE_TOKENIZER_WORDPIECE},
                   {"GemmaTokenizer", GLIMPSE_TOKENIZER_GEMMA}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        write_formatted(in_directory("tokenizer_config.json"), "{\"tokenizer_class\": \"%s\"}",
                        classes[i].class);
        has_kind(classes[i].kind);
    }
    /* A name that is null names no tokenizer. */
    write_text_in_directory("open_clip_config.json",
                            "{\"model_cfg\": {\"text_cfg\": {\"hf_tokenizer_name\": null}}}");
    has_kind(GLIMPSE_TOKENIZER_CLIP_OPENCLIP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_name_of_its_own_signs_and_calls),
        cmocka_unit_test_setup_teardown(no_kind_opens_an_empty_directory, make_directory,
                                        remove_directory),
        cmocka_unit_test(an_open_tokenizer_knows_its_kind_and_whether_it_decodes),
        cmocka_unit_test_setup_teardown(a_configuration_says_how_long_texts_may_be, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(the_strongest_sign_decides, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(further_families_are_recognised, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
