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

/*
 * Small models, and the ids from the definitions.
 */
static const char *fixture(const char *name) {
    char relative[128];
    (void)snprintf(relative, sizeof relative, "tests/text/fixtures/%s", name);
    return source_path(relative);
}

#define expect_as(tokenizer, language, text, ...)                                                \
 do {                                                                                            \
  const int32_t expected_[] = {__VA_ARGS__};                                                     \
  static int32_t ids_[IDS];                                                                      \
  glimpse_tokens tokens_ = {ids_, IDS, 0, 0};                                                    \
  assert_ok(glimpse_tokenizer_encode_as(&tokens_, tokenizer, language, text, sizeof(text) - 1)); \
  compare(text, &tokens_, expected_, sizeof expected_ / sizeof *expected_);                      \
 } while (0)
#define expect(tokenizer, ...) expect_as(tokenizer, -1, __VA_ARGS__)

/* The model part of a fixture's tokenizer.json, and the way that a text is cut by it. */
typedef struct definition {
    json_t *root;
    const json_t *vocabulary, *merges;
    double best;
    int32_t ids[64], best_ids[64];
    size_t best_count;
} definition;

static int32_t id_of(const definition *d, const char *text, size_t length, double *score) {
    char piece[64];
    assert_true(length < sizeof piece);
    memcpy(piece, text, length);
    piece[length] = '\0';
    if (json_is_object(d->vocabulary)) {
        const json_t *id = json_object_get(d->vocabulary, piece);
        return id ? (int32_t)json_integer_value(id) : -1;
    }
    for (size_t i = 4; i < json_array_size(d->vocabulary); i++) {
        const json_t *entry = json_array_get(d->vocabulary, i);
        if (strcmp(json_string_value(json_array_get(entry, 0)), piece) != 0) continue;
        *score = json_real_value(json_array_get(entry, 1));
        return (int32_t)i;
    }
    return -1;
}

static size_t character(const char *text) {
    const unsigned char lead = (unsigned char)*text;
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* Unigram: every way to cut the rest of the text, the best of them kept. */
static void try_all(definition *d, const char *rest, double sum, size_t count, double lowest) {
    if (*rest == '\0') {
        if (d->best_count > 0 && sum <= d->best) return;
        d->best = sum;
        d->best_count = count;
        memcpy(d->best_ids, d->ids, count * sizeof *d->ids);
        return;
    }
    int alone = 0;
    for (size_t length = character(rest), left = strlen(rest); length <= left;
         length += length < left ? character(rest + length) : 1) {
        double score = 0;
        const int32_t id = id_of(d, rest, length, &score);
        if (id < 0) continue;
        alone = alone || length == character(rest);
        d->ids[count] = id;
        try_all(d, rest + length, sum + score, count + 1, lowest);
    }
    if (alone) return;
    d->ids[count] = 3;
    try_all(d, rest + character(rest), sum + lowest - 10, count + 1, lowest);
}

static void cut_unigram(definition *d, const char *text) {
    double lowest = 0;
    for (size_t i = 4; i < json_array_size(d->vocabulary); i++) {
        const double score = json_real_value(json_array_get(json_array_get(d->vocabulary, i), 1));
        if (score < lowest) lowest = score;
    }
    d->best_count = 0;
    try_all(d, text, 0, 0, lowest);
}

/* BPE: the merge of the lowest rank first, the leftmost of equal ones, until there is none. */
static void cut_bpe(definition *d, const char *text) {
    char pieces[64][64];
    size_t count = 0;
    for (size_t at = 0; text[at]; at += character(text + at), count++) {
        assert_true(count < 64);
        (void)snprintf(pieces[count], sizeof pieces[count], "%.*s", (int)character(text + at),
                       text + at);
    }
    for (;;) {
        size_t best = json_array_size(d->merges), where = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            for (size_t rank = 0; rank < best; rank++) {
                const json_t *merge = json_array_get(d->merges, rank);
                if (strcmp(json_string_value(json_array_get(merge, 0)), pieces[i]) != 0 ||
                    strcmp(json_string_value(json_array_get(merge, 1)), pieces[i + 1]) != 0)
                    continue;
                best = rank;
                where = i;
            }
        }
        if (best == json_array_size(d->merges)) break;
        assert_true(strlen(pieces[where]) + strlen(pieces[where + 1]) < sizeof *pieces);
        char *end = pieces[where] + strlen(pieces[where]);
        memcpy(end, pieces[where + 1], strlen(pieces[where + 1]) + 1);
        count--;
        memmove(pieces[where + 1], pieces[where + 2], (count - where - 1) * sizeof *pieces);
    }
    d->best_count = count;
    for (size_t i = 0; i < count; i++) {
        double unused;
        const int32_t id = id_of(d, pieces[i], strlen(pieces[i]), &unused);
        d->best_ids[i] = id < 0 ? 3 : id;
    }
}

static unsigned next_random(unsigned *state) {
    *state = *state * 1103515245u + 12345u;
    return *state >> 16 & 0x7FFF;
}

/* A text of up to `parts` parts, and the same as the model sees it: U+2581 for spaces, one of them
 * in front and none at the end. */
static void make_text(const definition *d, unsigned *state, size_t parts, char *text, char *seen) {
    static const char *const letters[] = {"a",           "b", "c", "d", "e",  "f", "o",
                                          "r",           "s", "t", " ", "  ", "z", "\xe7\x8c\xab",
                                          "\xe6\x88\x91"};
    const char *part;
    char *end = seen;
    int space = 1;
    *text = '\0';
    for (size_t i = 0; i < parts; i++) {
        part = letters[next_random(state) % 15];
        if (d->merges && next_random(state) % 3 == 0) {
            const json_t *merge =
                json_array_get(d->merges, next_random(state) % json_array_size(d->merges));
            part = json_string_value(json_array_get(merge, next_random(state) % 2));
            if (strncmp(part, "\xe2\x96\x81", 3) == 0) part = " ";
        }
        strcat(text, part);
    }
    for (const char *at = text; *at; at++) {
        if (*at == ' ') {
            space = 1;
            continue;
        }
        if (space) end = stpcpy(end, "\xe2\x96\x81");
        space = 0;
        *end++ = *at;
    }
    *end = '\0';
}

static void agrees_with_the_definition(const char *name, size_t parts, size_t texts) {
    char json[64];
    (void)snprintf(json, sizeof json, "%s/json", name);
    glimpse_tokenizer *both[2] = {open_or_fail(fixture(name), GLIMPSE_TOKENIZER_AUTO),
                                  open_or_fail(fixture(json), GLIMPSE_TOKENIZER_AUTO)};
    (void)snprintf(json, sizeof json, "%s/json/tokenizer.json", name);
    definition d = {.root = json_file(fixture(json))};
    d.vocabulary = at(d.root, "model.vocab");
    d.merges = json_object_get(at(d.root, "model"), "merges");
    assert_int_equal(glimpse_tokenizer_vocab_size(both[0]), glimpse_tokenizer_vocab_size(both[1]));
    unsigned state = 7;
    for (size_t n = 0; n < texts; n++) {
        char text[256], seen[512];
        int32_t expected[66], ids[66];
        size_t count = 0;
        make_text(&d, &state, 1 + next_random(&state) % parts, text, seen);
        d.best_count = 0;
        if (*seen) (d.merges ? cut_bpe : cut_unigram)(&d, seen);
        expected[count++] = glimpse_tokenizer_start_id(both[0]);
        for (size_t i = 0; i < d.best_count; i++) { /* a run of unknown ones is one */
            if (d.best_ids[i] != 3 || expected[count - 1] != 3) expected[count++] = d.best_ids[i];
        }
        expected[count++] = 2;
        for (size_t i = 0; i < 2; i++) {
            glimpse_tokens tokens = {ids, 66, 0, 0};
            assert_ok(glimpse_tokenizer_encode(&tokens, both[i], text, strlen(text)));
            compare(text, &tokens, expected, count);
        }
    }
    for (int32_t id = 0; id < (int32_t)glimpse_tokenizer_vocab_size(both[0]); id++) {
        assert_string_equal(glimpse_tokenizer_token(both[0], id),
                            glimpse_tokenizer_token(both[1], id));
    }
    json_decref(d.root);
    glimpse_tokenizer_free(both[0]);
    glimpse_tokenizer_free(both[1]);
}

static void unigram_takes_the_best_of_all_ways_to_cut(void **state) {
    (void)state;
    agrees_with_the_definition("xlmr", 12, 600);
}

static void bpe_merges_by_rank(void **state) {
    (void)state;
    agrees_with_the_definition("nllb", 20, 3000);
}

static void special_tokens_are_behind_and_before_the_pieces(void **state) {
    (void)state;
    static const char *const names[] = {"xlmr", "xlmr/json"};
    for (size_t i = 0; i < 2; i++) {
        glimpse_tokenizer *t = open_or_fail(fixture(names[i]), GLIMPSE_TOKENIZER_AUTO);
        assert_int_equal(glimpse_tokenizer_kind_of(t), GLIMPSE_TOKENIZER_XLMR);
        assert_int_equal(glimpse_tokenizer_start_id(t), 0);
        assert_int_equal(glimpse_tokenizer_pad_id(t), 1);
        assert_int_equal(glimpse_tokenizer_end_id(t), 2);
        assert_int_equal(glimpse_tokenizer_unknown_id(t), 3);
        const int32_t mask = glimpse_tokenizer_find(t, "<mask>");
        assert_int_equal(mask + 1, glimpse_tokenizer_vocab_size(t));
        assert_int_equal(glimpse_tokenizer_min_rows(t), mask + 1);
        expect(t, "", 0, 2);
        expect(t, " \xe3\x80\x80 ", 0, 2);
        expect(t, "\xff", 0, 4, 3, 2);
        /* What stands beside one is a text of its own; <mask> takes the space before it. */
        const int32_t space = glimpse_tokenizer_find(t, "\xe2\x96\x81"),
                      a = glimpse_tokenizer_find(t, "a");
        expect(t, "a <mask> a</s>a<pad>", 0, space, a, mask, space, a, 2, space, a, 1, 2);
        expect(t, "\xef\xbd\x81", 0, space, a, 2); /* a rule: full-width a */
        const int32_t cut[3] = {0, space, 2};
        int32_t ids[3];
        glimpse_tokens tokens = {ids, 3, 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, t, "aaaa", 4));
        compare("aaaa", &tokens, cut, 3);
        assert_int_equal(tokens.truncated, 1);
        int32_t id = 0;
        assert_int_equal(glimpse_tokenizer_language(&id, t, "eng_Latn"), GLIMPSE_E_UNSUPPORTED);
        assert_int_equal(id, -1);
        assert_int_equal(glimpse_tokenizer_encode_as(&tokens, t, 4, "a", 1), GLIMPSE_E_INVALID);
        assert_int_equal(tokens.count, 0);
        glimpse_tokenizer_free(t);
    }
}

static void refuses_language(const glimpse_tokenizer *t, const char *name, const char *said) {
    int32_t id = 0;
    assert_int_equal(glimpse_tokenizer_language(&id, t, name), GLIMPSE_E_INVALID);
    assert_int_equal(id, -1);
    if (!strstr(glimpse_last_error(), said)) fail_msg("%s", glimpse_last_error());
}

static void a_language_is_found_by_its_name(void **state) {
    (void)state;
    static const char *const names[] = {"nllb", "nllb/json"};
    static const struct {
        const char *name;
        const char *token;
    } cases[] = {{"eng_Latn", "eng_Latn"}, {"deu_Latn", "deu_Latn"}, {"DEU-latn", "deu_Latn"},
                 {"deu", "deu_Latn"},      {"de", "deu_Latn"},       {"En", "eng_Latn"},
                 {"zh-Hant", "zho_Hant"},  {"zho_hans", "zho_Hans"}};
    for (size_t n = 0; n < 2; n++) {
        glimpse_tokenizer *t = open_or_fail(fixture(names[n]), GLIMPSE_TOKENIZER_AUTO);
        int32_t id;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            assert_ok(glimpse_tokenizer_language(&id, t, cases[i].name));
            assert_string_equal(glimpse_tokenizer_token(t, id), cases[i].token);
        }
        refuses_language(t, "zh", "zho_Hans, zho_Hant");
        refuses_language(t, "deu_Latm", "deu_Latn");
        refuses_language(t, "german", "none of");
        refuses_language(t, "", "none of");
        refuses_language(t, "a name that is much longer than any of a language", "none of");
        const int32_t english = glimpse_tokenizer_start_id(t),
                      space = glimpse_tokenizer_find(t, "\xe2\x96\x81"),
                      a = glimpse_tokenizer_find(t, "a");
        assert_string_equal(glimpse_tokenizer_token(t, english), "eng_Latn");
        assert_ok(glimpse_tokenizer_language(&id, t, "de"));
        expect(t, "a", english, space, a, 2);
        expect_as(t, id, "a", id, space, a, 2);
        expect_as(t, id, "", id, 2);
        expect_as(t, english, "a eng_Latn", english, space, a, english, 2);
        int32_t ids[4];
        glimpse_tokens tokens = {ids, 4, 0, 0};
        assert_int_equal(glimpse_tokenizer_encode_as(&tokens, t, a, "a", 1), GLIMPSE_E_INVALID);
        assert_int_equal(glimpse_tokenizer_encode_as(&tokens, t, -2, "a", 1), GLIMPSE_E_INVALID);
        glimpse_tokenizer_free(t);
    }
}

/* Without a list of its own a model has the published languages, in their order. */
static void the_published_languages_are_the_usual_ones(void **state) {
    (void)state;
    copy_file(fixture("nllb/sentencepiece.bpe.model"), in_directory("sentencepiece.bpe.model"));
    glimpse_tokenizer *t = open_or_fail(temp_directory, GLIMPSE_TOKENIZER_AUTO);
    assert_int_equal(glimpse_tokenizer_kind_of(t), GLIMPSE_TOKENIZER_NLLB);
    const int32_t first = glimpse_tokenizer_find(t, "ace_Arab");
    assert_int_equal(glimpse_tokenizer_find(t, "zul_Latn"), first + 201);
    assert_int_equal(glimpse_tokenizer_vocab_size(t), first + 203);
    int32_t id;
    assert_ok(glimpse_tokenizer_language(&id, t, "sw"));
    assert_string_equal(glimpse_tokenizer_token(t, id), "swh_Latn");
    assert_ok(glimpse_tokenizer_language(&id, t, "fa"));
    assert_string_equal(glimpse_tokenizer_token(t, id), "pes_Arab");
    refuses_language(t, "ks", "kas_Arab, kas_Deva");
    glimpse_tokenizer_free(t);
    write_text_in_directory("tokenizer_config.json", "{\"src_lang\": \"fra_Latn\"}");
    t = open_or_fail(temp_directory, GLIMPSE_TOKENIZER_AUTO);
    assert_string_equal(glimpse_tokenizer_token(t, glimpse_tokenizer_start_id(t)), "fra_Latn");
    glimpse_tokenizer_free(t);
}

/*
 * What open_clip does first.
 */
static void write_arguments(const char *tokenizer, const char *arguments) {
    write_formatted(in_directory("open_clip_config.json"),
                    "{\"model_cfg\": {\"text_cfg\": {%s%s%s\"tokenizer_kwargs\": {%s}}}}",
                    *tokenizer ? "\"hf_tokenizer_name\": \"" : "", tokenizer,
                    *tokenizer ? "\", " : "", arguments);
}

static void texts_are_cleaned_as_the_configuration_says(void **state) {
    (void)state;
    static const struct {
        const char *arguments, *text, *as;
    } cases[] = {
        {"", " A &amp;amp; B\xc2\xa0\n c_d! ", "A & B c_d!"},
        {"\"clean\": \"whitespace\"",
         "A&lt;b\x1c"
         "c",
         "A<b c"},
        {"\"clean\": \"lower\"", "A &amp;\tB_\xce\xa3", "a & b_\xcf\x83"},
        {"\"clean\": \"canonicalize\"", "A_b, &amp;  C!\xce\x91\xce\xa3", "a b c\xce\xb1\xcf\x82"},
    };
    copy_file(fixture("xlmr/sentencepiece.bpe.model"), in_directory("sentencepiece.bpe.model"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t ids[64], expected[64];
        glimpse_tokens tokens = {ids, 64, 0, 0}, plain = {expected, 64, 0, 0};
        write_arguments("xlm-roberta-base", cases[i].arguments);
        glimpse_tokenizer *cleaned = open_or_fail(temp_directory, GLIMPSE_TOKENIZER_AUTO);
        glimpse_tokenizer *literal = open_or_fail(temp_directory, GLIMPSE_TOKENIZER_XLMR);
        assert_int_equal(glimpse_tokenizer_kind_of(cleaned), GLIMPSE_TOKENIZER_XLMR);
        assert_ok(glimpse_tokenizer_encode(&plain, literal, cases[i].as, strlen(cases[i].as)));
        assert_ok(glimpse_tokenizer_encode(&tokens, cleaned, cases[i].text, strlen(cases[i].text)));
        compare(cases[i].text, &tokens, expected, plain.count);
        glimpse_tokenizer_free(cleaned);
        glimpse_tokenizer_free(literal);
    }
}

static void what_is_not_implemented_of_it_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *tokenizer, *arguments, *said;
    } cases[] = {
        {"xlm-roberta-base", "\"clean\": \"ftfy\"", "ftfy"},
        {"xlm-roberta-base", "\"clean\": 1", "\"clean\""},
        {"xlm-roberta-base", "\"language\": 7", "\"language\""},
        {"xlm-roberta-base", "\"tokenizer_mode\": \"clips\"", "\"tokenizer_mode\": clips"},
        {"xlm-roberta-base", "\"strip_sep_token\": 1", "\"strip_sep_token\""},
        {"", "\"clean\": \"whitespace\"", "whitespace"},
        {"", "\"strip_sep_token\": true", "\"strip_sep_token\": true"},
        {"", "\"language\": \"deu_Latn\"", "\"language\": deu_Latn"},
        {"", "\"reduction_mask\": \"random\"", "reduction_mask"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_tokenizer *t = NULL;
        write_arguments(cases[i].tokenizer, cases[i].arguments);
        assert_int_equal(glimpse_tokenizer_load(&t, temp_directory, GLIMPSE_TOKENIZER_AUTO),
                         GLIMPSE_E_UNSUPPORTED);
        assert_null(t);
        if (!strstr(glimpse_last_error(), cases[i].said)) fail_msg("%s", glimpse_last_error());
    }
}

static void the_end_token_goes_where_the_configuration_says_so(void **state) {
    (void)state;
    copy_file(fixture("wordpiece/vocab.txt"), in_directory("vocab.txt"));
    write_arguments("bert-base-uncased", "\"strip_sep_token\": true");
    glimpse_tokenizer *t = open_or_fail(temp_directory, GLIMPSE_TOKENIZER_AUTO);
    assert_int_equal(glimpse_tokenizer_kind_of(t), GLIMPSE_TOKENIZER_WORDPIECE);
    expect(t, "a cat", 2, 6, 7, 0);
    glimpse_tokenizer_free(t);
}

static void a_configuration_may_choose_the_language(void **state) {
    (void)state;
    copy_file(fixture("nllb/sentencepiece.bpe.model"), in_directory("sentencepiece.bpe.model"));
    /* CLIP's files are left over in the published directories. */
    copy_file(fixture("vocab.json"), in_directory("vocab.json"));
    copy_file(fixture("merges.txt"), in_directory("merges.txt"));
    write_arguments("facebook/nllb-200-distilled-600M", "\"language\": \"deu_Latn\"");
    glimpse_tokenizer *t = open_or_fail(temp_directory, GLIMPSE_TOKENIZER_AUTO);
    assert_int_equal(glimpse_tokenizer_kind_of(t), GLIMPSE_TOKENIZER_NLLB);
    assert_string_equal(glimpse_tokenizer_token(t, glimpse_tokenizer_start_id(t)), "deu_Latn");
    glimpse_tokenizer_free(t);
    write_arguments("facebook/nllb-200-distilled-600M", "\"language\": \"deutsch\"");
    t = NULL;
    assert_int_equal(glimpse_tokenizer_load(&t, temp_directory, GLIMPSE_TOKENIZER_AUTO),
                     GLIMPSE_E_INVALID);
    assert_null(t);
}

/* SigLIP as open_clip publishes it gives the ids of spiece.model. */
static void siglip_is_read_from_tokenizer_json_too(void **state) {
    (void)state;
    static const char *const texts[] = {
        "", "A, cat!", "abc", "bcbc \xc3\xa9 zz b", "a_ b", "\xef\xbc\xa1\xe3\x80\x80\xef\xac\x81"};
    glimpse_tokenizer *json = open_or_fail(fixture("siglip/json"), GLIMPSE_TOKENIZER_AUTO);
    glimpse_tokenizer *model = open_or_fail(fixture("siglip"), GLIMPSE_TOKENIZER_AUTO);
    assert_int_equal(glimpse_tokenizer_kind_of(json), GLIMPSE_TOKENIZER_SIGLIP);
    size_t context;
    assert_ok(glimpse_tokenizer_read_context(&context, json, fixture("siglip/json")));
    assert_int_equal(context, 16);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int32_t ids[64], expected[64];
        glimpse_tokens tokens = {ids, 64, 0, 0}, other = {expected, 64, 0, 0};
        const char *plain = strcmp(texts[i], "a_ b") == 0 ? "a b" : texts[i];
        assert_ok(glimpse_tokenizer_encode(&tokens, json, texts[i], strlen(texts[i])));
        assert_ok(glimpse_tokenizer_encode(&other, model, plain, strlen(plain)));
        compare(texts[i], &tokens, expected, other.count);
    }
    assert_int_equal(glimpse_tokenizer_pad_id(json), 1);
    glimpse_tokenizer_free(json);
    glimpse_tokenizer_free(model);
}

/*
 * What is wrong in a file is named.
 */
static void refuses(glimpse_tokenizer_kind kind, int status, const char *said) {
    glimpse_tokenizer *t = NULL;
    assert_int_equal(glimpse_tokenizer_load(&t, temp_directory, kind), status);
    assert_null(t);
    if (!strstr(glimpse_last_error(), said)) fail_msg("%s", glimpse_last_error());
}

/* The fixture's tokenizer.json with `from`, which is in it, replaced. */
static void write_changed(const char *name, const char *from, const char *to) {
    char file[64];
    (void)snprintf(file, sizeof file, "%s/json/tokenizer.json", name);
    json_t *root = json_file(fixture(file));
    char *text = json_dumps(root, JSON_COMPACT), *place = strstr(text, from);
    if (!place) fail_msg("%s is not in %s", from, file);
    write_formatted(in_directory("tokenizer.json"), "%.*s%s%s", (int)(place - text), text, to,
                    place + strlen(from));
    free(text);
    json_decref(root);
}

static void what_is_wrong_in_tokenizer_json_is_named(void **state) {
    (void)state;
    static const struct {
        const char *name, *from, *to;
        int status;
        const char *said;
    } cases[] = {
        {"xlmr", "[\"dt\",", "[\"rc\",", GLIMPSE_E_FORMAT, "\"rc\" occurs twice"},
        {"xlmr", "\"unk_id\":3", "\"unk_id\":57", GLIMPSE_E_FORMAT, "\"unk_id\""},
        {"xlmr", "\"unk_id\":3", "\"unk_id\":null", GLIMPSE_E_FORMAT, "\"unk_id\""},
        {"xlmr", "[\"<mask>\",0.0]", "[\"<mask>\",NaN]", GLIMPSE_E_FORMAT, "token 56"},
        {"xlmr", "[\"<mask>\",0.0]", "[\"<mask>\",1e39]", GLIMPSE_E_FORMAT, "token 56"},
        {"xlmr", "[\"<mask>\",0.0]", "[\"<mask>\",\"1\"]", GLIMPSE_E_FORMAT, "token 56"},
        {"xlmr", "[\"<mask>\",0.0]", "[\"<mask>\"]", GLIMPSE_E_FORMAT, "token 56"},
        {"xlmr", "[\"<mask>\",0.0]", "[\"\",0.0]", GLIMPSE_E_FORMAT, ""},
        {"xlmr", "\"id\":56", "\"id\":57", GLIMPSE_E_FORMAT, "<mask>"},
        {"xlmr", "\"id\":56", "\"id\":99", GLIMPSE_E_FORMAT, "<mask>"},
        {"xlmr", "\"content\":\"</s>\"", "\"content\":\"dt\"", GLIMPSE_E_FORMAT, "dt"},
        {"xlmr", "\"type\":\"Unigram\"", "\"type\":\"WordPiece\"", GLIMPSE_E_UNSUPPORTED,
         "WordPiece"},
        {"xlmr", "\"type\":\"Precompiled\"", "\"type\":\"NFKC\"", GLIMPSE_E_UNSUPPORTED, "NFKC"},
        {"xlmr", "\"precompiled_charsmap\":\"", "\"precompiled_charsmap\":\"*", GLIMPSE_E_FORMAT,
         "base64"},
        {"xlmr", "\"precompiled_charsmap\":\"", "\"precompiled_charsmap\":\"AAAA", GLIMPSE_E_FORMAT,
         "damaged"},
        {"xlmr", "\"prepend_scheme\":\"always\"", "\"prepend_scheme\":\"never\"",
         GLIMPSE_E_UNSUPPORTED, "Metaspace"},
        {"xlmr", "\"type\":\"Metaspace\"", "\"type\":\"ByteLevel\"", GLIMPSE_E_UNSUPPORTED,
         "ByteLevel"},
        {"nllb", "[\"d\",\"e\"]", "[\"d\",\"x\"]", GLIMPSE_E_FORMAT, "\"x\""},
        {"nllb", "\"unk_token\":\"<unk>\"", "\"unk_token\":\"?\"", GLIMPSE_E_FORMAT,
         "\"unk_token\""},
        {"nllb", "\"unk_token\":\"<unk>\"", "\"unk_token\":null", GLIMPSE_E_FORMAT,
         "\"unk_token\""},
        {"nllb", "\"<pad>\":1", "\"<pad>\":2", GLIMPSE_E_FORMAT, "a second time"},
        {"nllb", "\"<pad>\":1", "\"<pad>\":500", GLIMPSE_E_FORMAT, "not below"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_changed(cases[i].name, cases[i].from, cases[i].to);
        refuses(*cases[i].name == 'x' ? GLIMPSE_TOKENIZER_XLMR : GLIMPSE_TOKENIZER_NLLB,
                cases[i].status, cases[i].said);
        assert_non_null(strstr(glimpse_last_error(), "tokenizer.json"));
    }
    /* each is the other's family */
    write_changed("xlmr", "x", "x");
    refuses(GLIMPSE_TOKENIZER_NLLB, GLIMPSE_E_UNSUPPORTED, "unigram");
    write_changed("nllb", "x", "x");
    refuses(GLIMPSE_TOKENIZER_XLMR, GLIMPSE_E_UNSUPPORTED, "BPE");
}

static void settings_that_contradict_the_model_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *settings;
        int status;
        const char *said;
    } cases[] = {
        {"{\"eos_token\": \"<end>\"}", GLIMPSE_E_FORMAT, "<end>"},
        {"{\"pad_token\": \"<fill>\"}", GLIMPSE_E_FORMAT, "<fill>"},
        {"{\"added_tokens_decoder\": {\"900\": {\"content\": \"<mask>\"}}}", GLIMPSE_E_FORMAT,
         "900"},
        {"{\"added_tokens_decoder\": {\"1\": {\"content\": \"<s>\"}}}", GLIMPSE_E_FORMAT, "<s>"},
        {"{\"additional_special_tokens\": [\"eng_Latn\", \"eng_Latn\"]}", GLIMPSE_E_FORMAT,
         "twice"},
        {"{\"additional_special_tokens\": [\"eng_Latn\", 7]}", GLIMPSE_E_FORMAT, "entry 2"},
        {"{\"additional_special_tokens\": [\"deu_Latn\"]}", GLIMPSE_E_FORMAT, "eng_Latn"},
        {"{\"src_lang\": \"eng_Lat\"}", GLIMPSE_E_FORMAT, "the nearest is eng_Latn"},
        {"{\"legacy_behaviour\": true}", GLIMPSE_E_UNSUPPORTED, "legacy_behaviour"},
    };
    copy_file(fixture("nllb/sentencepiece.bpe.model"), in_directory("sentencepiece.bpe.model"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text_in_directory("tokenizer_config.json", cases[i].settings);
        refuses(GLIMPSE_TOKENIZER_NLLB, cases[i].status, cases[i].said);
    }
    /* A model that does not begin as fairseq's do: SigLIP's has other pieces there. */
    copy_file(fixture("siglip/spiece.model"), in_directory("sentencepiece.bpe.model"));
    refuses(GLIMPSE_TOKENIZER_XLMR, GLIMPSE_E_FORMAT, "piece 0 is not <unk>");
}

/* How many embeddings a model may have for the tokenizer. */
static void embeddings_must_be_as_many_as_the_ids(void **state) {
    (void)state;
    glimpse_tokenizer *t = open_or_fail(fixture("nllb"), GLIMPSE_TOKENIZER_AUTO);
    const size_t ids = glimpse_tokenizer_vocab_size(t);
    assert_ok(glimpse_tokenizer_check(t, "model", ids));
    assert_ok(glimpse_tokenizer_check(t, "model", ids + 2)); /* as published */
    assert_int_equal(glimpse_tokenizer_check(t, "model", ids - 1), GLIMPSE_E_FORMAT);
    assert_int_equal(glimpse_tokenizer_check(t, "model", ids + 129), GLIMPSE_E_FORMAT);
    glimpse_tokenizer_free(t);
}

#define in_a_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xlm_r_matches_every_recorded_case),
        cmocka_unit_test(nllb_matches_every_recorded_case),
        cmocka_unit_test(tokenizers_of_other_families_give_the_recorded_ids),
        cmocka_unit_test(unigram_takes_the_best_of_all_ways_to_cut),
        cmocka_unit_test(bpe_merges_by_rank),
        cmocka_unit_test(special_tokens_are_behind_and_before_the_pieces),
        cmocka_unit_test(a_language_is_found_by_its_name),
        in_a_directory(what_is_wrong_in_tokenizer_json_is_named),
        in_a_directory(settings_that_contradict_the_model_are_refused),
        cmocka_unit_test(embeddings_must_be_as_many_as_the_ids),
        in_a_directory(the_published_languages_are_the_usual_ones),
        in_a_directory(texts_are_cleaned_as_the_configuration_says),
        in_a_directory(what_is_not_implemented_of_it_is_refused),
        in_a_directory(the_end_token_goes_where_the_configuration_says_so),
        in_a_directory(a_configuration_may_choose_the_language),
        cmocka_unit_test(siglip_is_read_from_tokenizer_json_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
