/*
 * test_tokenizer.c - the public tokenizer gives the ids of the reference implementations.
 */
#include "cases.h"
#include "support/json.h"
#include "support/numbers.h"

#include <time.h>

static glimpse_tokenizer *open_fixture(glimpse_tokenizer_kind kind) {
    return open_or_fail(source_path("tests/text/fixtures"), kind);
}

/* Encodes and compares; `what` names the case in the message. */
static void expect_ids(const glimpse_tokenizer *tokenizer, const char *text, size_t length,
                       const int32_t *expected, size_t count, const char *what) {
    static int32_t ids[CASE_IDS];
    glimpse_tokens tokens = {ids, CASE_IDS, 0, 0};
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, text, length));
    assert_int_equal(tokens.truncated, 0);
    for (size_t i = 0; i < count || i < tokens.count; i++) {
        if (i >= count || i >= tokens.count || ids[i] != expected[i]) {
            fail_msg("%s: token %zu is %d, not %d", what, i, i < tokens.count ? ids[i] : -1,
                     i < count ? expected[i] : -1);
        }
    }
}

#define expect(tokenizer, text, ...)                            \
 do {                                                           \
  const int32_t expect_ids_[] = {__VA_ARGS__};                  \
  expect_ids(tokenizer, text, sizeof(text) - 1, expect_ids_,    \
             sizeof expect_ids_ / sizeof expect_ids_[0], text); \
 } while (0)

/* Column `column` of the recorded cases; "=" stands for column 4. */
static void golden_column(glimpse_tokenizer_kind kind, size_t column) {
    const char *cases = shared_path("golden/tokenizer/clip_bpe_cases.tsv");
    glimpse_tokenizer *tokenizer = open_or_fail(shared_path("golden/clip-hf-quickgelu"), kind);
    char *text = read_whole_file(cases, NULL), *at = text;
    static int32_t expected[CASE_IDS];
    size_t compared = 0;
    for (char *line; (line = next_line(&at)) != NULL;) {
        char *fields[7] = {NULL};
        if (line[0] == '#' || split_fields(line, fields, 7) < 7) continue;
        if (strcmp(fields[1], "special-token") == 0) continue;
        const char *ids = strcmp(fields[column], "=") == 0 ? fields[4] : fields[column];
        char what[64];
        (void)snprintf(what, sizeof what, "case %s (%s)", fields[0], fields[1]);
        size_t length = unhex(fields[3]);
        expect_ids(tokenizer, fields[3], length, expected, parse_ids(expected, ids), what);
        compared++;
    }
    assert_true(compared > 600);
    free(text);
    glimpse_tokenizer_free(tokenizer);
}

static void hf_matches_every_recorded_case(void **state) {
    (void)state;
    golden_column(GLIMPSE_TOKENIZER_CLIP_HF, 6);
}

static void openclip_matches_every_recorded_case(void **state) {
    (void)state;
    golden_column(GLIMPSE_TOKENIZER_CLIP_OPENCLIP, 5);
}

/* The special strings of open_clip: the column that only the JSON has. */
static void openclip_matches_the_recorded_special_tokens(void **state) {
    (void)state;
    glimpse_tokenizer *tokenizer =
        open_or_fail(shared_path("golden/clip-hf-quickgelu"), GLIMPSE_TOKENIZER_CLIP_OPENCLIP);
    json_t *root = json_file(shared_path("golden/tokenizer/clip_bpe_cases.json"));
    size_t index, compared = 0;
    json_t *entry;
    json_array_foreach(json_object_get(root, "cases"), index, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "tag")), "special-token") != 0) {
            continue;
        }
        const json_t *ids = json_object_get(entry, "ids_open_clip");
        if (!ids) ids = json_object_get(entry, "ids");
        int32_t expected[CASE_IDS];
        size_t count = json_array_size(ids);
        for (size_t i = 0; i < count; i++) {
            expected[i] = (int32_t)json_integer_value(json_array_get(ids, i));
        }
        const json_t *text = json_object_get(entry, "text");
        expect_ids(tokenizer, json_string_value(text), json_string_length(text), expected, count,
                   json_string_value(text));
        compared++;
    }
    assert_true(compared >= 18);
    json_decref(root);
    glimpse_tokenizer_free(tokenizer);
}

static void model_directory_matches_its_expected_ids(const char *relative) {
    char name[256];
    (void)snprintf(name, sizeof name, "golden/%s", relative);
    glimpse_tokenizer *tokenizer = open_or_fail(shared_path(name), GLIMPSE_TOKENIZER_AUTO);
    (void)snprintf(name, sizeof name, "golden/%s/expected/expected.json", relative);
    json_t *root = json_file(shared_path(name));
    size_t context = (size_t)json_integer_value(json_object_get(root, "context_length"));
    (void)snprintf(name, sizeof name, "golden/%s/expected/text_ids.i32", relative);
    size_t size;
    int32_t *expected = read_whole_file(shared_path(name), &size);
    size_t index, compared = 0;
    json_t *entry;
    json_array_foreach(json_object_get(root, "texts"), index, entry) {
        const json_t *text = json_object_get(entry, "text");
        int32_t *ids = calloc(context, sizeof *ids); /* zero padded, as the recorded ones */
        assert_non_null(ids);
        glimpse_tokens tokens = {ids, context, 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, json_string_value(text),
                                           json_string_length(text)));
        assert_true(((index + 1) * context) * sizeof *ids <= size);
        assert_memory_equal(ids, expected + index * context, context * sizeof *ids);
        assert_int_equal(tokens.count, json_integer_value(json_object_get(entry, "n_tokens")));
        free(ids);
        compared++;
    }
    assert_true(compared >= 7);
    free(expected);
    json_decref(root);
    glimpse_tokenizer_free(tokenizer);
}

static void every_model_directory_matches_its_expected_ids(void **state) {
    (void)state;
    model_directory_matches_its_expected_ids("clip-hf-quickgelu");
    model_directory_matches_its_expected_ids("clip-hf-gelu-f16");
    model_directory_matches_its_expected_ids("clip-hf-gelu-bf16");
    model_directory_matches_its_expected_ids("open-clip/plain");
    model_directory_matches_its_expected_ids("open-clip/custom-text");
}

/* The small vocabulary that lives with the tests: nothing below needs the reference data. */
static void both_flavours_match_the_python_reference(void **state) {
    (void)state;
    glimpse_tokenizer *hf = open_fixture(GLIMPSE_TOKENIZER_AUTO);
    glimpse_tokenizer *openclip = open_fixture(GLIMPSE_TOKENIZER_CLIP_OPENCLIP);
    char *text = read_whole_file(source_path("tests/text/fixtures/cases.tsv"), NULL), *at = text;
    static int32_t expected[CASE_IDS];
    size_t number = 0;
    for (char *line; (line = next_line(&at)) != NULL; number++) {
        char *fields[3] = {NULL}, what[64];
        assert_int_equal(split_fields(line, fields, 3), 3);
        (void)snprintf(what, sizeof what, "line %zu", number + 1);
        size_t length = unhex(fields[0]), count = parse_ids(expected, fields[1]);
        expect_ids(hf, fields[0], length, expected, count, what);
        if (strcmp(fields[2], "=") != 0) count = parse_ids(expected, fields[2]);
        expect_ids(openclip, fields[0], length, expected, count, what);
    }
    assert_true(number > 600);
    free(text);
    glimpse_tokenizer_free(openclip);
    glimpse_tokenizer_free(hf);
}

/* Worked out by hand from tests/text/fixtures: byte c is token c - 33 and 223 + c at the end of a
 * word, for the printable ASCII characters; 632 and 633 are the special tokens. */
static void single_bytes_have_the_ids_of_the_vocabulary(void **state) {
    (void)state;
    glimpse_tokenizer *tokenizer = open_fixture(GLIMPSE_TOKENIZER_CLIP_HF);
    assert_int_equal(glimpse_tokenizer_vocab_size(tokenizer), 634);
    assert_int_equal(glimpse_tokenizer_start_id(tokenizer), 632);
    assert_int_equal(glimpse_tokenizer_end_id(tokenizer), 633);
    expect(tokenizer, "", 632, 633);
    expect(tokenizer, " \t\n ", 632, 633);
    expect(tokenizer, "!", 632, 256, 633);
    expect(tokenizer, "zq", 632, 'z' - 33, 'q' + 223, 633);
    expect(tokenizer, "ZQ", 632, 'z' - 33, 'q' + 223, 633);
    expect(tokenizer, "a 1", 632, 'a' + 223, '1' + 223, 633);
    expect(tokenizer, "11", 632, '1' + 223, '1' + 223, 633); /* digits stand alone */
    expect(tokenizer, "?!", 632, '?' - 33, 256, 633);
    expect(tokenizer, "z?", 632, 'z' + 223, '?' + 223, 633);
    assert_string_equal(glimpse_tokenizer_token(tokenizer, 0), "!");
    assert_string_equal(glimpse_tokenizer_token(tokenizer, 256), "! ");
    assert_string_equal(glimpse_tokenizer_token(tokenizer, 633), "<|endoftext|>");
    assert_null(glimpse_tokenizer_token(tokenizer, -1));
    assert_null(glimpse_tokenizer_token(tokenizer, 634));
    glimpse_tokenizer_free(tokenizer);
}

static void special_strings_are_those_of_the_flavour(void **state) {
    (void)state;
    glimpse_tokenizer *hf = open_fixture(GLIMPSE_TOKENIZER_CLIP_HF);
    glimpse_tokenizer *openclip = open_fixture(GLIMPSE_TOKENIZER_CLIP_OPENCLIP);
    expect(hf, "z<|endoftext|>!<|STARTOFTEXT|><|", 632, 'z' + 223, 633, 256, 632, '<' - 33,
           '|' + 223, 633);
    expect(openclip, "z<END_OF_TEXT>z <start_of_text>", 632, 'z' + 223, 633, 'z' + 223, 632, 633);
    expect(openclip, "&lt;end_of_text&gt;", 632, 633, 633);
    /* behind punctuation it is no word of its own: the pattern takes "!<" first */
    expect(openclip, "!<q", 632, 0, '<' + 223, 'q' + 223, 633);
    glimpse_tokenizer_free(openclip);
    glimpse_tokenizer_free(hf);
}

static void html_is_unescaped_twice_by_openclip_only(void **state) {
    (void)state;
    glimpse_tokenizer *hf = open_fixture(GLIMPSE_TOKENIZER_CLIP_HF);
    glimpse_tokenizer *openclip = open_fixture(GLIMPSE_TOKENIZER_CLIP_OPENCLIP);
    expect(openclip, "&amp;", 632, '&' + 223, 633);
    expect(openclip, "&amp;lt;", 632, '<' + 223, 633);
    expect(openclip, "&ampamp;", 632, '&' + 223, 633); /* "&amp" needs no semicolon */
    expect(openclip, "&#63;&#x3F&#0063;", 632, '?' - 33, '?' - 33, '?' + 223, 633);
    expect(openclip, "z&nbsp;z", 632, 'z' + 223, 'z' + 223, 633);
    expect(openclip, "&zz;", 632, '&' + 223, 'z' - 33, 'z' + 223, ';' + 223, 633);
    expect(hf, "&lt;", 632, '&' + 223, 'l' - 33, 't' + 223, ';' + 223, 633);
    glimpse_tokenizer_free(openclip);
    glimpse_tokenizer_free(hf);
}

static void too_long_a_text_keeps_its_end_token(void **state) {
    (void)state;
    glimpse_tokenizer *tokenizer = open_fixture(GLIMPSE_TOKENIZER_CLIP_HF);
    int32_t ids[6] = {-1, -1, -1, -1, -1, -1};
    glimpse_tokens tokens = {ids, 5, 99, 99};
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, "? ? ?", 5)); /* just fits */
    assert_int_equal(tokens.count, 5);
    assert_int_equal(tokens.truncated, 0);
    assert_int_equal(ids[4], 633);
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, "? ? ? ", 6)); /* white space is free */
    assert_int_equal(tokens.truncated, 0);
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, "! ! ! !", 7));
    assert_int_equal(tokens.count, 5);
    assert_int_equal(tokens.truncated, 1);
    const int32_t cut[6] = {632, 256, 256, 256, 633, -1};
    assert_memory_equal(ids, cut, sizeof cut);
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, "zqzqzqzqzq", 10)); /* inside a word */
    assert_int_equal(tokens.truncated, 1);
    assert_int_equal(ids[4], 633);
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, "!", 1));
    assert_int_equal(tokens.count, 3);
    assert_int_equal(tokens.truncated, 0);
    tokens.capacity = 2;
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, "!", 1));
    assert_int_equal(tokens.count, 2);
    assert_int_equal(tokens.truncated, 1);
    tokens.capacity = 1;
    assert_int_equal(glimpse_tokenizer_encode(&tokens, tokenizer, "!", 1), GLIMPSE_E_INVALID);
    assert_int_equal(tokens.count, 0);
    glimpse_tokenizer_free(tokenizer);
}

/* Each would take hours if any step were quadratic. */
static void hostile_megabytes_are_encoded_in_linear_time(void **state) {
    (void)state;
    glimpse_tokenizer *tokenizers[2] = {open_fixture(GLIMPSE_TOKENIZER_CLIP_HF),
                                        open_fixture(GLIMPSE_TOKENIZER_CLIP_OPENCLIP)};
    const char *const patterns[] = {
        "the",                      /* one word that merges */
        "!",                        /* one run of punctuation */
        "\xcc\xa3\xcc\x81",         /* marks in the wrong order */
        "\xce\xa3'",                /* sigmas between ignorable characters */
        "&amp",                     /* references without semicolon */
        "&",                        /* */
        "<|endoftext|",             /* nearly special */
        "\xc4\xb0",                 /* grows when lower-cased */
        "\xff",                     /* not UTF-8 */
        "\xe1\x84\x80\xe1\x85\xa1", /* composes */
    };
    const size_t length = 1 << 20;
    char *text = malloc(length);
    assert_non_null(text);
    for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++) {
        size_t period = strlen(patterns[p]);
        for (size_t i = 0; i < length; i++) {
            text[i] = patterns[p][i % period];
        }
        for (size_t kind = 0; kind < 2; kind++) {
            int32_t ids[77];
            glimpse_tokens tokens = {ids, 77, 0, 0};
            assert_ok(glimpse_tokenizer_encode(&tokens, tokenizers[kind], text, length));
            assert_int_equal(tokens.truncated, 1);
            assert_int_equal(tokens.count, 77);
        }
    }
    free(text);
    glimpse_tokens tokens = {(int32_t[2]){0}, 2, 0, 0};
    assert_int_equal(
        glimpse_tokenizer_encode(&tokens, tokenizers[0], "", GLIMPSE_TOKENIZER_TEXT_LIMIT + 1u),
        GLIMPSE_E_LIMIT);
    glimpse_tokenizer_free(tokenizers[0]);
    glimpse_tokenizer_free(tokenizers[1]);
}

static void any_bytes_can_be_encoded(void **state) {
    (void)state;
    glimpse_tokenizer *tokenizers[2] = {open_fixture(GLIMPSE_TOKENIZER_CLIP_HF),
                                        open_fixture(GLIMPSE_TOKENIZER_CLIP_OPENCLIP)};
    static const char alphabet[] =
        "&#x;<>|_'sS \t09azAZ\xcc\x81\xce\xa3\xc4\xb0\xe1\x84\x80\xf0\x9f";
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char bytes[96];
        size_t length = random_below(&seed, sizeof bytes);
        for (size_t i = 0; i < length; i++) {
            uint32_t random = (uint32_t)(next_random(&seed) >> 40);
            bytes[i] = round % 2 ? (char)random : alphabet[random % (sizeof alphabet - 1)];
        }
        /* an exact copy, so that reading past the end is seen by the sanitizer */
        char *text = malloc(length ? length : 1);
        assert_non_null(text);
        memcpy(text, bytes, length);
        int32_t ids[24];
        glimpse_tokens tokens = {ids, 2 + random_below(&seed, 22), 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, tokenizers[round / 2 % 2], text, length));
        assert_in_range(tokens.count, 2, tokens.capacity);
        assert_int_equal(ids[0], 632);
        assert_int_equal(ids[tokens.count - 1], 633);
        free(text);
    }
    glimpse_tokenizer_free(tokenizers[0]);
    glimpse_tokenizer_free(tokenizers[1]);
}

static double milliseconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* Printed, not asserted: a busy machine is not a bug. */
static void speed_of_the_real_vocabulary(void **state) {
    (void)state;
    const char *path = shared_path("golden/clip-hf-quickgelu");
    double best = 1e9;
    glimpse_tokenizer *tokenizer = NULL;
    for (int i = 0; i < 9; i++) {
        glimpse_tokenizer_free(tokenizer);
        double start = milliseconds();
        tokenizer = open_or_fail(path, GLIMPSE_TOKENIZER_AUTO);
        double took = milliseconds() - start;
        if (took < best) best = took;
    }
    static const char text[] = "a photo of two parrots on a branch near the old lighthouse";
    enum { ROUNDS = 20000 };
    double start = milliseconds();
    for (int i = 0; i < ROUNDS; i++) {
        int32_t ids[77];
        glimpse_tokens tokens = {ids, 77, 0, 0};
        assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, text, sizeof text - 1));
    }
    double each = (milliseconds() - start) / ROUNDS;
    print_message("opening 49,408 tokens: %.1f ms; a sentence of %zu bytes: %.2f us\n", best,
                  sizeof text - 1, each * 1e3);
    glimpse_tokenizer_free(tokenizer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hf_matches_every_recorded_case),
        cmocka_unit_test(openclip_matches_every_recorded_case),
        cmocka_unit_test(openclip_matches_the_recorded_special_tokens),
        cmocka_unit_test(every_model_directory_matches_its_expected_ids),
        cmocka_unit_test(both_flavours_match_the_python_reference),
        cmocka_unit_test(single_bytes_have_the_ids_of_the_vocabulary),
        cmocka_unit_test(special_strings_are_those_of_the_flavour),
        cmocka_unit_test(html_is_unescaped_twice_by_openclip_only),
        cmocka_unit_test(too_long_a_text_keeps_its_end_token),
        cmocka_unit_test(hostile_megabytes_are_encoded_in_linear_time),
        cmocka_unit_test(any_bytes_can_be_encoded),
        cmocka_unit_test(speed_of_the_real_vocabulary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
