/*
 * test_nomem.c - every allocation of opening and encoding is made to fail once: each failure
 * is reported as out of memory, and nothing leaks or crashes (the sanitizer build watches).
 *
 * The linker sends the engine's malloc, calloc and realloc here (-Wl,--wrap), jansson's are set
 * through its own hook.
 */
#include "support/test.h"

#include <glimpse/sys/tokenizer.h>
#include <jansson.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long countdown = -1; /* the allocation that fails when it reaches 0; -1: none does */
static long allocations;

static int refuse(void) {
    allocations++;
    return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size) {
    return refuse() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
    return refuse() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size) {
    return refuse() ? NULL : __real_realloc(old, size);
}

/* Opens `path` with allocation 0, 1, 2, ... failing until one run needs none of them. `step` skips
 * some where there are thousands alike. */
static void open_with_failures(const char *path, long step) {
    long failed = 0;
    for (long n = 0;; n += n < 100 ? 1 : step) {
        glimpse_tokenizer *tokenizer = NULL;
        countdown = n;
        int status = glimpse_tokenizer_load(&tokenizer, path, GLIMPSE_TOKENIZER_AUTO);
        int unused = countdown >= 0;
        countdown = -1;
        if (unused) {
            assert_ok(status);
            glimpse_tokenizer_free(tokenizer);
            break;
        }
        failed++;
        assert_null(tokenizer);
        if (status != GLIMPSE_E_NOMEM) {
            fail_msg("allocation %ld: %d (%s)", n, status, glimpse_last_error());
        }
    }
    assert_true(failed > 5);
}

static void opening_survives_every_failed_allocation(void **state) {
    (void)state;
    open_with_failures(source_path("tests/text/fixtures"), 1);
}

static void opening_tokenizer_json_survives_failed_allocations(void **state) {
    (void)state;
    char *directory = make_temp_directory();
    json_t *vocab = json_load_file(source_path("tests/text/fixtures/vocab.json"), 0, NULL);
    assert_non_null(vocab);
    json_t *document = json_pack("{s: {s: s, s: o, s: [[s, s]]}}", "model", "end_of_word_suffix",
                                 "</w>", "vocab", vocab, "merges", "t", "h");
    assert_int_equal(json_dump_file(document, path_in(directory, "tokenizer.json"), 0), 0);
    json_decref(document);
    json_set_alloc_funcs(__wrap_malloc, free);
    open_with_failures(directory, 37);
    json_set_alloc_funcs(__real_malloc, free);
    remove_tree(directory);
    free(directory);
}

static void encoding_survives_every_failed_allocation(void **state) {
    (void)state;
    glimpse_tokenizer *tokenizers[2];
    assert_ok(glimpse_tokenizer_load(&tokenizers[0], source_path("tests/text/fixtures"),
                                     GLIMPSE_TOKENIZER_CLIP_HF));
    assert_ok(glimpse_tokenizer_load(&tokenizers[1], source_path("tests/text/fixtures"),
                                     GLIMPSE_TOKENIZER_CLIP_OPENCLIP));
    static char text[6000]; /* long words, runs of marks, characters that grow */
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = i < 2000   ? "\xcc\xa3\xcc\x81"[i % 4]
                  : i < 4000 ? "the"[i % 3]
                             : "\xc4\xb0"[i % 2];
    }
    for (size_t kind = 0; kind < 2; kind++) {
        static int32_t ids[8192];
        glimpse_tokens tokens = {ids, 8192, 0, 0};
        long failed = 0;
        for (long n = 0;; n++) {
            countdown = n;
            int status = glimpse_tokenizer_encode(&tokens, tokenizers[kind], text, sizeof text);
            int unused = countdown >= 0;
            countdown = -1;
            if (unused) {
                assert_ok(status);
                break;
            }
            failed++;
            assert_int_equal(status, GLIMPSE_E_NOMEM);
            assert_int_equal(tokens.count, 0);
        }
        assert_true(failed >= 4);
    }
    glimpse_tokenizer_free(tokenizers[0]);
    glimpse_tokenizer_free(tokenizers[1]);
}

/* The tokenizers of the other families: opening, then encoding. */
static void the_others_survive_failed_allocations(void **state) {
    (void)state;
    static const char *const names[] = {"siglip",    "gemma", "wordpiece", "xlmr",
                                        "xlmr/json", "nllb",  "nllb/json", "siglip/json"};
    static char text[3000];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = i < 1000   ? "abc "[i % 4]
                  : i < 2000 ? "\xcc\xa3\xcc\x81"[i % 4]
                             : "\xc4\xb0"[i % 2];
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char relative[64];
        (void)snprintf(relative, sizeof relative, "tests/text/fixtures/%s", names[i]);
        open_with_failures(source_path(relative), 7);
        glimpse_tokenizer *tokenizer = NULL;
        assert_ok(
            glimpse_tokenizer_load(&tokenizer, source_path(relative), GLIMPSE_TOKENIZER_AUTO));
        static int32_t ids[8192];
        glimpse_tokens tokens = {ids, 8192, 0, 0};
        long failed = 0;
        for (long n = 0, unused = 0; !unused; n++) {
            countdown = n;
            int status = glimpse_tokenizer_encode(&tokens, tokenizer, text, sizeof text);
            unused = countdown >= 0;
            countdown = -1;
            if (unused) {
                assert_ok(status);
            } else {
                failed++;
                assert_int_equal(status, GLIMPSE_E_NOMEM);
                assert_int_equal(tokens.count, 0);
            }
        }
        assert_true(failed >= 2);
        glimpse_tokenizer_free(tokenizer);
    }
}

static void a_short_text_needs_no_allocation(void **state) {
    (void)state;
    for (int kind = GLIMPSE_TOKENIZER_CLIP_HF; kind <= GLIMPSE_TOKENIZER_CLIP_OPENCLIP; kind++) {
        glimpse_tokenizer *tokenizer;
        assert_ok(glimpse_tokenizer_load(&tokenizer, source_path("tests/text/fixtures"),
                                         (glimpse_tokenizer_kind)kind));
        static const char text[] = "The dog's red ball &amp; 2 trees near the caf\xc3\xa9";
        int32_t ids[77];
        glimpse_tokens tokens = {ids, 77, 0, 0};
        allocations = 0;
        assert_ok(glimpse_tokenizer_encode(&tokens, tokenizer, text, sizeof text - 1));
        assert_int_equal(allocations, 0);
        glimpse_tokenizer_free(tokenizer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_survives_every_failed_allocation),
        cmocka_unit_test(opening_tokenizer_json_survives_failed_allocations),
        cmocka_unit_test(encoding_survives_every_failed_allocation),
        cmocka_unit_test(the_others_survive_failed_allocations),
        cmocka_unit_test(a_short_text_needs_no_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
