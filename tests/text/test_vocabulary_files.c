/*
 * test_vocabulary_files.c - files of every published layout open; damaged and hostile ones are
 * refused with a message that names the file and the entry.
 */
#include "support/temporary.h"

#include <glimpse/sys/tokenizer.h>
#include <jansson.h>

static void clear(void) {
    static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer.json",
                                        "open_clip_config.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(path_in(temp_directory, names[i]));
    }
}

static char *fixture(const char *name, size_t *size) {
    char relative[128];
    (void)snprintf(relative, sizeof relative, "tests/text/fixtures/%s", name);
    return read_whole_file(source_path(relative), size);
}

static void use_fixture(void) {
    clear();
    static const char *const names[] = {"vocab.json", "merges.txt"};
    for (size_t i = 0; i < 2; i++) {
        size_t size;
        char *text = fixture(names[i], &size);
        write_in_directory(names[i], text, size);
        free(text);
    }
}

static const char sentence[] = "The dog's red ball &amp; 2 trees, they've seen caf\xc3\xa9s!";

/* Opens the directory and compares with the fixture's own ids. */
static void opens_as_the_fixture(glimpse_tokenizer_kind kind) {
    glimpse_tokenizer *wanted = NULL, *opened = NULL;
    assert_ok(glimpse_tokenizer_load(&wanted, source_path("tests/text/fixtures"),
                                     GLIMPSE_TOKENIZER_CLIP_HF));
    assert_ok(glimpse_tokenizer_load(&opened, temp_directory, kind));
    int32_t a[64], b[64];
    glimpse_tokens expected = {a, 64, 0, 0}, got = {b, 64, 0, 0};
    assert_ok(glimpse_tokenizer_encode(&expected, wanted, sentence, sizeof sentence - 1));
    assert_ok(glimpse_tokenizer_encode(&got, opened, sentence, sizeof sentence - 1));
    assert_int_equal(got.count, expected.count);
    assert_memory_equal(a, b, got.count * sizeof a[0]);
    for (int32_t id = 0; id < 634; id++) {
        assert_string_equal(glimpse_tokenizer_token(wanted, id),
                            glimpse_tokenizer_token(opened, id));
    }
    glimpse_tokenizer_free(opened);
    glimpse_tokenizer_free(wanted);
}

/* Expects failure with `status` and every given piece in the message. */
static void refuses(int status, const char *first, const char *second) {
    glimpse_tokenizer *tokenizer = (glimpse_tokenizer *)&temp_directory;
    int got = glimpse_tokenizer_load(&tokenizer, temp_directory, GLIMPSE_TOKENIZER_AUTO);
    if (got != status) fail_msg("%d instead of %d (%s)", got, status, glimpse_last_error());
    assert_null(tokenizer);
    const char *message = glimpse_last_error();
    if (!strstr(message, first) || !strstr(message, second)) {
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", message, first, second);
    }
}

static void sorted_indented_and_escaped_vocabularies_open(void **state) {
    (void)state;
    size_t size;
    char *text = fixture("vocab.json", &size);
    json_t *vocab = json_loadb(text, size, 0, NULL);
    assert_non_null(vocab);
    static const size_t styles[] = {JSON_INDENT(2) | JSON_SORT_KEYS, JSON_COMPACT,
                                    JSON_ENSURE_ASCII | JSON_SORT_KEYS};
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
        use_fixture();
        char *dumped = json_dumps(vocab, styles[i]);
        assert_non_null(dumped);
        write_text_in_directory("vocab.json", dumped);
        free(dumped);
        opens_as_the_fixture(GLIMPSE_TOKENIZER_AUTO);
    }
    json_decref(vocab);
    free(text);
}

static void merges_may_have_crlf_no_header_or_a_blank_last_line(void **state) {
    (void)state;
    size_t size;
    char *text = fixture("merges.txt", &size);
    char *crlf = malloc(2 * size + 3);
    assert_non_null(crlf);
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n') crlf[length++] = '\r';
        crlf[length++] = text[i];
    }
    memcpy(crlf + length, "\r\n", 2);
    use_fixture();
    write_in_directory("merges.txt", crlf, length + 2);
    opens_as_the_fixture(GLIMPSE_TOKENIZER_AUTO);
    write_in_directory("merges.txt", text, size - 1); /* no newline at the end */
    opens_as_the_fixture(GLIMPSE_TOKENIZER_AUTO);
    write_text_in_directory("merges.txt", strchr(text, '\n') + 1);
    opens_as_the_fixture(GLIMPSE_TOKENIZER_AUTO);
    free(crlf);
    free(text);
}

/* Builds {"model": {"type": "BPE", ...}} from the fixture. */
static json_t *tokenizer_document(int pairs) {
    size_t size;
    char *text = fixture("vocab.json", &size);
    json_t *vocab = json_loadb(text, size, 0, NULL), *merges = json_array();
    assert_non_null(vocab);
    free(text);
    text = fixture("merges.txt", &size);
    char *line = strtok(text, "\n");
    while ((line = strtok(NULL, "\n")) != NULL) {
        char *space = strchr(line, ' ');
        if (pairs) *space = '\0';
        json_t *merge = pairs ? json_pack("[s, s]", line, space + 1) : json_string(line);
        json_array_append_new(merges, merge);
    }
    free(text);
    return json_pack("{s: [{s: i, s: s}], s: {s: s, s: s, s: o, s: o}}", "added_tokens", "id", 633,
                     "content", "<|endoftext|>", "model", "type", "BPE", "end_of_word_suffix",
                     "</w>", "vocab", vocab, "merges", merges);
}

static void write_document(json_t *document) {
    char *dumped = json_dumps(document, JSON_INDENT(1));
    assert_non_null(dumped);
    write_text_in_directory("tokenizer.json", dumped);
    free(dumped);
}

static void tokenizer_json_stands_in_for_the_two_files(void **state) {
    (void)state;
    for (int pairs = 0; pairs < 2; pairs++) {
        clear();
        json_t *document = tokenizer_document(pairs);
        write_document(document);
        opens_as_the_fixture(GLIMPSE_TOKENIZER_AUTO);
        /* the specials only in the list of added tokens */
        json_t *vocab = json_object_get(json_object_get(document, "model"), "vocab");
        assert_int_equal(json_object_del(vocab, "<|endoftext|>"), 0);
        write_document(document);
        opens_as_the_fixture(GLIMPSE_TOKENIZER_AUTO);
        json_decref(document);
    }
}

static void damaged_tokenizer_json_is_refused(void **state) {
    (void)state;
    clear();
    write_text_in_directory("tokenizer.json", "{\"model\": ");
    refuses(GLIMPSE_E_FORMAT, "tokenizer.json", "line 1");
    write_text_in_directory("tokenizer.json", "[1]");
    refuses(GLIMPSE_E_UNSUPPORTED, "tokenizer.json", "not a CLIP tokenizer");
    write_text_in_directory("tokenizer.json", "{\"model\": {\"type\": \"Unigram\"}}");
    refuses(GLIMPSE_E_UNSUPPORTED, "tokenizer.json", "not a CLIP tokenizer");
    write_text_in_directory("tokenizer.json",
                            "{\"model\": {\"type\": \"BPE\", \"end_of_word_suffix\": \"</w>\"}}");
    refuses(GLIMPSE_E_FORMAT, "tokenizer.json", "missing");
    static const char *const damages[] = {
        "{\"a\": 1.5}", "{\"a\": \"0\"}", "{\"a\": 0, \"b\": 0}", "{\"a\": -1}", "{}",
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       "{\"model\": {\"end_of_word_suffix\": \"</w>\", \"vocab\": %s, "
                       "\"merges\": []}}",
                       damages[i]);
        write_text_in_directory("tokenizer.json", text);
        refuses(GLIMPSE_E_FORMAT, "tokenizer.json", "token");
    }
    static const char *const merges[] = {
        "1",          "\"a\"",    "\"a b c\"",       "[\"a\"]",
        "[\"a\", 1]", "\"a zz\"", "[\"zz\", \"a\"]", "[\"\", \"a\"]"};
    for (size_t i = 0; i < sizeof merges / sizeof merges[0]; i++) {
        json_t *document = tokenizer_document(0);
        json_t *list = json_object_get(json_object_get(document, "model"), "merges");
        json_array_insert_new(list, 2, json_loads(merges[i], JSON_DECODE_ANY, NULL));
        write_document(document);
        refuses(GLIMPSE_E_FORMAT, "tokenizer.json", "3");
        json_decref(document);
    }
}

static void absent_files_are_named(void **state) {
    (void)state;
    clear();
    refuses(GLIMPSE_E_NOT_FOUND, temp_directory,
            "neither vocab.json and merges.txt nor tokenizer.json");
    write_text_in_directory("vocab.json", "{}");
    refuses(GLIMPSE_E_NOT_FOUND, temp_directory, "nor tokenizer.json");
    glimpse_tokenizer *tokenizer;
    assert_int_equal(glimpse_tokenizer_load(&tokenizer, "/no/such/place", GLIMPSE_TOKENIZER_AUTO),
                     GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "/no/such/place"));
    assert_int_equal(glimpse_tokenizer_load(&tokenizer, NULL, GLIMPSE_TOKENIZER_AUTO),
                     GLIMPSE_E_INVALID);
    assert_int_equal(
        glimpse_tokenizer_load(&tokenizer, temp_directory, (glimpse_tokenizer_kind)999),
        GLIMPSE_E_INVALID);
    glimpse_tokenizer_free(NULL);
}

static void hostile_vocabularies_are_refused(void **state) {
    (void)state;
#define SPECIALS "\"<|startoftext|>\": 0, \"<|endoftext|>\": 1"
    static const struct {
        const char *text, *complaint;
    } vocabularies[] = {
        {"", "not a JSON object"},
        {"[\"a\"]", "not a JSON object"},
        {"{" SPECIALS, "expected , or }"},
        {"{" SPECIALS ", \"a\": 2", "expected , or }"},
        {"{" SPECIALS ", \"a\": 1}", "entry 3: token \"a\" has id 1 a second time"},
        {"{" SPECIALS ", \"a\": 3}", "entry 3: the id of token \"a\" is not below 3"},
        {"{" SPECIALS ", \"a\": 99999999999}", "entry 3: the id of token \"a\""},
        {"{" SPECIALS ", \"a\": -1}", "entry 3: token \"a\" has the negative id -1"},
        {"{" SPECIALS ", \"a\": 2, \"\\u0061\": 3}", "token \"a\" occurs twice, with ids 2 and 3"},
        {"{" SPECIALS ", \"\x1b[2J\": 2}", "entry 3"},
        {"{" SPECIALS ", \"\\u001b[2J\": 1}", "\"\\x1b[2J\""},
        {"{" SPECIALS ", \"\xc3\x28\": 2}", "malformed UTF-8"},
        {"{\"a\": 0}", "neither <|startoftext|> nor <start_of_text>"},
        {"{\"<|startoftext|>\": 0}", "neither <|endoftext|> nor <end_of_text>"},
        {"{}", "neither <|startoftext|>"},
    };
    clear();
    write_text_in_directory("merges.txt", "#version: 0.2\n");
    for (size_t i = 0; i < sizeof vocabularies / sizeof vocabularies[0]; i++) {
        write_text_in_directory("vocab.json", vocabularies[i].text);
        refuses(GLIMPSE_E_FORMAT, "vocab.json", vocabularies[i].complaint);
    }
    /* No byte tokens at all: unknown bytes are the end token, CLIP's unknown token. */
    write_text_in_directory("vocab.json", "{" SPECIALS "}");
    glimpse_tokenizer *tokenizer;
    assert_ok(glimpse_tokenizer_load(&tokenizer, temp_directory, GLIMPSE_TOKENIZER_AUTO));
    int32_t ids[8];
    glimpse_tokens tokens = {ids, 8, 0, 0};
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, "ab", 2));
    assert_int_equal(tokens.count, 4);
    assert_int_equal(ids[1], 1);
    glimpse_tokenizer_free(tokenizer);
}

static void hostile_merges_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *complaint;
    } merges[] = {
        {"#version: 0.2\nt h\nq zz\n", "3: the token \"zz\" is not in the vocabulary"},
        {"#version: 0.2\nq z\n", "2: what the pair becomes, \"qz\""},
        {"t h\n\nt h\n", "2: \"\" is not two tokens"},
        {"t\n", "1: \"t\" is not two tokens"},
        {"t h e\n", "1: \"t h e\" is not two tokens"},
        {"t  h\n", "not two tokens"},
        {" h\n", "1: a merge with an empty token"},
        {"t \n", "1: a merge with an empty token"},
        {"t h\n#version\n", "2: \"#version\""},
        {"\xff h\n", "\"\\xff\""},
        {"t\th\n", "\"t\\x09h\""},
    };
    use_fixture();
    for (size_t i = 0; i < sizeof merges / sizeof merges[0]; i++) {
        write_text_in_directory("merges.txt", merges[i].text);
        refuses(GLIMPSE_E_FORMAT, "merges.txt", merges[i].complaint);
    }
    write_in_directory("merges.txt", "t h\nt\0h h\n", 10);
    refuses(GLIMPSE_E_FORMAT, "merges.txt", "2: the token \"t\\x00h\"");
    write_text_in_directory("merges.txt", ""); /* no merges: every byte is a token */
    glimpse_tokenizer *tokenizer;
    assert_ok(glimpse_tokenizer_load(&tokenizer, temp_directory, GLIMPSE_TOKENIZER_AUTO));
    int32_t ids[8];
    glimpse_tokens tokens = {ids, 8, 0, 0};
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, "the", 3));
    assert_int_equal(tokens.count, 5);
    glimpse_tokenizer_free(tokenizer);
}

/* Encodes `text` with the vocabulary of the directory and compares what lies between the specials.
 */
static void expect_tokens(glimpse_tokenizer_kind kind, const char *text, const char *expected) {
    glimpse_tokenizer *tokenizer;
    assert_ok(glimpse_tokenizer_load(&tokenizer, temp_directory, kind));
    int32_t ids[16];
    glimpse_tokens tokens = {ids, 16, 0, 0};
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, text, strlen(text)));
    char found[128] = "";
    for (size_t i = 1; i + 1 < tokens.count; i++) {
        size_t used = strlen(found);
        (void)snprintf(found + used, sizeof found - used, "[%s]",
                       glimpse_tokenizer_token(tokenizer, ids[i]));
    }
    assert_string_equal(found, expected);
    glimpse_tokenizer_free(tokenizer);
}

static void merges_out_of_order_follow_the_reference_of_the_flavour(void **state) {
    (void)state;
    clear();
    write_text_in_directory("vocab.json",
                            "{\"<|startoftext|>\":0,\"<|endoftext|>\":1,\"a\":2,\"b\":3,\"c\":4,"
                            "\"b</w>\":5,\"c</w>\":6,\"ab\":7,\"bc\":8,\"aba\":9}");
    write_text_in_directory("merges.txt", "#version: 0.2\nab a\na b\n");
    expect_tokens(GLIMPSE_TOKENIZER_CLIP_HF, "ababb", "[aba][b][b ]");
    expect_tokens(GLIMPSE_TOKENIZER_CLIP_OPENCLIP, "ababb", "[ab][ab][b ]");
    /* a pair given twice has its later rank */
    write_text_in_directory("merges.txt", "a b\nb c\na b\n");
    expect_tokens(GLIMPSE_TOKENIZER_CLIP_HF, "abcc", "[a][bc][c ]");
    expect_tokens(GLIMPSE_TOKENIZER_CLIP_OPENCLIP, "abcc", "[a][bc][c ]");
}

static void a_huge_file_is_refused_before_it_is_read(void **state) {
    (void)state;
    use_fixture();
    assert_int_equal(truncate(path_in(temp_directory, "vocab.json"), (off_t)1 << 40), 0);
    refuses(GLIMPSE_E_LIMIT, "vocab.json", "limit");
    use_fixture();
    assert_int_equal(truncate(path_in(temp_directory, "merges.txt"), (off_t)1 << 40), 0);
    refuses(GLIMPSE_E_LIMIT, "merges.txt", "limit");
    clear();
}

static void open_clip_directories_are_recognised(void **state) {
    (void)state;
    use_fixture();
    write_text_in_directory("open_clip_config.json", "{}");
    glimpse_tokenizer *tokenizer;
    assert_ok(glimpse_tokenizer_load(&tokenizer, temp_directory, GLIMPSE_TOKENIZER_AUTO));
    int32_t ids[8];
    glimpse_tokens tokens = {ids, 8, 0, 0};
    assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, "<end_of_text>", 13));
    assert_int_equal(tokens.count, 3);
    glimpse_tokenizer_free(tokenizer);
    opens_as_the_fixture(GLIMPSE_TOKENIZER_CLIP_HF);
}

static void damaged_files_never_crash(void **state) {
    (void)state;
    static const char *const names[] = {"vocab.json", "merges.txt", "tokenizer.json"};
    uint32_t seed = 9;
    size_t opened = 0;
    json_t *document = tokenizer_document(0);
    for (int round = 0; round < 1500; round++) {
        size_t which = (size_t)round % 3, size;
        char *text;
        if (which == 2) {
            clear();
            text = json_dumps(document, JSON_COMPACT);
            assert_non_null(text);
            size = strlen(text);
        } else {
            use_fixture();
            text = fixture(names[which], &size);
        }
        for (int n = 1 + round % 4; n > 0; n--) {
            seed = seed * 1664525u + 1013904223u;
            size_t at = (seed >> 8) % size;
            seed = seed * 1664525u + 1013904223u;
            text[at] = round % 2 ? (char)(seed >> 9) : "\"\\{}:, 0123456789\n"[(seed >> 9) % 18];
        }
        if (round % 7 == 0) size = (seed >> 10) % size;
        write_in_directory(names[which], text, size);
        free(text);
        glimpse_tokenizer *tokenizer;
        int status = glimpse_tokenizer_load(&tokenizer, temp_directory, GLIMPSE_TOKENIZER_AUTO);
        if (status == GLIMPSE_OK) {
            opened++;
            int32_t ids[64];
            glimpse_tokens tokens = {ids, 64, 0, 0};
            assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, sentence, sizeof sentence - 1));
            glimpse_tokenizer_free(tokenizer);
        } else if (status != GLIMPSE_E_FORMAT && status != GLIMPSE_E_UNSUPPORTED) {
            fail_msg("round %d: %s", round, glimpse_last_error());
        }
    }
    assert_in_range(opened, 1, 1400);
    json_decref(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_indented_and_escaped_vocabularies_open),
        cmocka_unit_test(merges_may_have_crlf_no_header_or_a_blank_last_line),
        cmocka_unit_test(tokenizer_json_stands_in_for_the_two_files),
        cmocka_unit_test(damaged_tokenizer_json_is_refused),
        cmocka_unit_test(absent_files_are_named),
        cmocka_unit_test(hostile_vocabularies_are_refused),
        cmocka_unit_test(hostile_merges_are_refused),
        cmocka_unit_test(merges_out_of_order_follow_the_reference_of_the_flavour),
        cmocka_unit_test(a_huge_file_is_refused_before_it_is_read),
        cmocka_unit_test(open_clip_directories_are_recognised),
        cmocka_unit_test(damaged_files_never_crash),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
