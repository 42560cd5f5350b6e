/*
 * test_json_load.c - reading JSON: jansson's own parser is the reference for what is accepted and
 * what comes out; memory may run out anywhere; a program's use of jansson is its own affair.
 */
#include "support/test.h"

#include "core/error.h"
#include "text/json_load.h"

static const char *const texts[] = {
    "{}",
    "[]",
    " \t\r\n[ ]\n",
    "{\"a\": 1, \"b\": [true, false, null], \"c\": {\"d\": -0.5e-3}}",
    "[0, -0, 7, -12, 9223372036854775807, -9223372036854775808, 0.0, 1E5, 1e+2, 123.456e-7]",
    "[9223372036854775808]",
    "[1e400]",
    "[-1e400]",
    "[1e-400]",
    "[01]",
    "[-]",
    "[1.]",
    "[.5]",
    "[1e]",
    "[1e+]",
    "[+1]",
    "[1 2]",
    "[1,]",
    "[,1]",
    "{\"a\" 1}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{\"a\":1 \"b\":2}",
    "[tru]",
    "[True]",
    "[nullx]",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"]",
    "[\"\\u0000\"]",
    "{\"\\u0000\": 1}",
    "[\"\\ud83d\"]",
    "[\"\\ude00\"]",
    "[\"\\ud83d\\u0041\"]",
    "[\"\\u12\"]",
    "[\"\\x\"]",
    "[\"a\tb\"]",
    "[\"caf\xc3\xa9 \xf0\x9f\x98\x80\"]",
    "[\"\xff\"]",
    "[\"\xed\xa0\x80\"]",
    "[\"\xc0\x80\"]",
    "[\"",
    "[\"\\",
    "[",
    "{",
    "{\"a\"",
    "{\"a\":",
    "]",
    "",
    " ",
    "\xef\xbb\xbf{}",
    "{} {}",
    "[1]x",
    "{\"a\": 1, \"a\": 2}",
    "{\"\": {\"\": []}}",
    "\"text\"",
    "17",
    "-2.5",
    "true",
    "null",
};
static const size_t flag_sets[] = {0, JSON_REJECT_DUPLICATES, JSON_DECODE_ANY, JSON_ALLOW_NUL,
                                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL};

static void expect_the_same(const char *text, size_t size, size_t flags) {
    json_error_t ours, theirs;
    char *exact = malloc(size ? size : 1); /* no NUL behind it */
    assert_non_null(exact);
    memcpy(exact, text, size);
    json_t *got = glimpse_json_load(exact, size, flags, &ours);
    json_t *expected = json_loadb(exact, size, flags, &theirs);
    free(exact);
    if (!got != !expected || (got && !json_equal(got, expected))) {
        fail_msg("%.*s, flags %zu: %s, jansson %s", (int)size, text, flags,
                 got ? "accepted" : ours.text, expected ? "accepts" : theirs.text);
    }
    if (!got) {
        assert_false(glimpse_json_is_nomem(&ours));
        assert_true(ours.line >= 1 && (size_t)ours.position <= size && ours.text[0] != '\0');
    }
    json_decref(got);
    json_decref(expected);
}

static void it_accepts_what_jansson_accepts_and_says_the_same(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof flag_sets / sizeof *flag_sets; f++) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            expect_the_same(texts[i], strlen(texts[i]), flag_sets[f]);
    }
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void damaged_texts_are_refused_as_by_jansson(void **state) {
    (void)state;
    static const char pieces[] = "{}[]\",:\\u0e-+.19ntf \n\x80\xc3\xff";
    uint32_t seed = 42;
    for (int round = 0; round < 60000; round++) {
        char text[128];
        const char *from = texts[next_random(&seed) % (sizeof texts / sizeof *texts)];
        size_t size = strlen(from);
        memcpy(text, from, size);
        for (uint32_t edits = next_random(&seed) % 3 + 1; edits > 0 && size > 0; edits--) {
            size_t at = next_random(&seed) % size;
            switch (next_random(&seed) % 3) {
            case 0: text[at] = pieces[next_random(&seed) % (sizeof pieces - 1)]; break;
            case 1: memmove(text + at, text + at + 1, --size - at); break;
            default:
                if (size == sizeof text) break;
                memmove(text + at + 1, text + at, size++ - at);
                text[at] = pieces[next_random(&seed) % (sizeof pieces - 1)];
            }
        }
        expect_the_same(text, size, flag_sets[next_random(&seed) % 5]);
    }
}

static void nesting_has_a_limit(void **state) {
    (void)state;
    static char text[2 * 2050];
    for (size_t depth = 2047; depth <= 2050; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        expect_the_same(text, 2 * depth, 0);
    }
}

static void faults_are_located(void **state) {
    (void)state;
    static const char text[] = "{\n  \"a\\n\": 1,\n  \"b\": tru\n}\n";
    json_error_t error;
    (void)glimpse_fail(GLIMPSE_E_IO, "of before");
    assert_null(glimpse_json_load(text, strlen(text), 0, &error));
    assert_string_equal(glimpse_last_error(), "of before");
    assert_int_equal(error.line, 3);
    assert_int_equal(error.position, strstr(text, "tru") - text);
    assert_int_equal(glimpse_json_failed(&error, "a.json"), GLIMPSE_E_FORMAT);
    assert_string_equal(glimpse_last_error(), "a.json: line 3: expected a value");
}

/* An allocator whose memory free() would not take, and that runs out. */
static long countdown = -1;
static size_t held;

static void *allocate(size_t size) {
    if (countdown >= 0 && countdown-- == 0) return NULL;
    size_t *memory = malloc(size + 2 * sizeof *memory);
    if (!memory) return NULL;
    held++;
    return memory + 2;
}

static void release(void *memory) {
    if (!memory) return;
    held--;
    free((size_t *)memory - 2);
}

static void the_allocator_of_the_program_is_used_and_stays(void **state) {
    (void)state;
    json_malloc_t allocator;
    json_free_t releaser;
    json_error_t error;
    json_set_alloc_funcs(allocate, release);
    static const char source[] = "{\"b\": [true, \"x\", null], \"a\": -0.5}";
    json_t *root = glimpse_json_load(source, strlen(source), 0, &error);
    assert_non_null(root);
    assert_true(held > 0);
    char *text = glimpse_json_dump(root, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"a\":-0.5,\"b\":[true,\"x\",null]}");
    free(text);
    json_decref(root);
    assert_int_equal(held, 0);
    json_get_alloc_funcs(&allocator, &releaser);
    assert_true(allocator == allocate && releaser == release);
    json_set_alloc_funcs(malloc, free);
}

static void running_out_of_memory_leaves_nothing_behind(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\": [1, 2.5, \"text\", {\"b\": {}}, [[], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]], \"c\": 1,"
        " \"d\": 2, \"e\": 3, \"f\": 4, \"g\": 5, \"h\": 6, \"i\": 7, \"j\": 8, \"k\": null}";
    json_set_alloc_funcs(allocate, release);
    long failures = 0;
    for (long n = 0;; n++) {
        json_error_t error;
        countdown = n;
        json_t *root = glimpse_json_load(text, strlen(text), 0, &error);
        int unused = countdown >= 0;
        countdown = -1;
        if (unused) {
            assert_non_null(root);
            json_decref(root);
            break;
        }
        failures++;
        assert_null(root);
        assert_true(glimpse_json_is_nomem(&error));
        assert_int_equal(glimpse_json_failed(&error, "x"), GLIMPSE_E_NOMEM);
        assert_int_equal(held, 0);
    }
    assert_true(failures > 20);
    assert_int_equal(held, 0);
    json_set_alloc_funcs(malloc, free);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_accepts_what_jansson_accepts_and_says_the_same),
        cmocka_unit_test(damaged_texts_are_refused_as_by_jansson),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(faults_are_located),
        cmocka_unit_test(the_allocator_of_the_program_is_used_and_stays),
        cmocka_unit_test(running_out_of_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
