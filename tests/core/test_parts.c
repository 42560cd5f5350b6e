/*
 * test_parts.c - the last error, hashes and arenas.
 */
#include "support/test.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/hash.h"

#include <errno.h>
#include <pthread.h>

static void a_failure_sets_code_and_message(void **state) {
    (void)state;
    assert_int_equal(glimpse_fail(GLIMPSE_E_FORMAT, "%s: line %d", "a.json", 7), GLIMPSE_E_FORMAT);
    assert_string_equal(glimpse_last_error(), "a.json: line 7");
    assert_int_equal(glimpse_fail_nomem(12, "a thing"), GLIMPSE_E_NOMEM);
    assert_string_equal(glimpse_last_error(), "out of memory (12 bytes for a thing)");
}

static void shout(char *text, size_t size, const char *name, const char *value) {
    (void)snprintf(text, size, "<%s|%s>", name, value ? value : "");
}

static void messages_name_options_as_the_program_does(void **state) {
    (void)state;
    assert_string_equal(glimpse_wording("options.model", NULL), "options.model");
    assert_string_equal(glimpse_wording("options.model", "DIR"), "options.model = DIR");
    assert_string_equal(glimpse_wording("glimpse_session_index", "photos"),
                        "glimpse_session_index");
    glimpse_set_wording(shout);
    (void)glimpse_fail(GLIMPSE_E_INVALID, "%s and %s", glimpse_wording("options.model", "DIR"),
                       glimpse_wording("glimpse_session_index", "photos"));
    assert_string_equal(glimpse_last_error(),
                        "<options.model|DIR> and <glimpse_session_index|photos>");
    glimpse_set_wording(NULL);
    assert_string_equal(glimpse_wording("sample", "a.csv"), "sample = a.csv");
}

static void what_other_libraries_say_becomes_a_part_of_a_line(void **state) {
    (void)state;
    static const struct {
        const char *said, *shown;
    } cases[] = {{"Invalid input: no box\n", "Invalid input: no box"},
                 {" \ttwo\r\nlines\n\n of it ", "two lines of it"},
                 {"caf\xc3\xa9", "caf\xc3\xa9"},
                 {"\n", "nothing"},
                 {"", "nothing"},
                 {NULL, "nothing"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(glimpse_foreign_message(cases[i].said, "nothing"), cases[i].shown);
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(strlen(glimpse_foreign_message(text, "")) < sizeof text);
}

static void context_goes_in_front(void **state) {
    (void)state;
    (void)glimpse_fail(GLIMPSE_E_IO, "inner");
    assert_int_equal(glimpse_fail_context(GLIMPSE_E_CORRUPT, "outer %d", 2), GLIMPSE_E_CORRUPT);
    assert_string_equal(glimpse_last_error(), "outer 2: inner");
    /* an argument may be the message itself */
    (void)glimpse_fail(GLIMPSE_E_IO, "again: %s", glimpse_last_error());
    assert_string_equal(glimpse_last_error(), "again: outer 2: inner");
    (void)glimpse_fail_context(GLIMPSE_E_IO, "%s", glimpse_last_error());
    assert_string_equal(glimpse_last_error(), "again: outer 2: inner: again: outer 2: inner");
}

static void system_errors_are_spelt_out(void **state) {
    (void)state;
    errno = ENOENT;
    assert_int_equal(glimpse_fail_errno("%s: cannot open", "x"), GLIMPSE_E_NOT_FOUND);
    assert_string_equal(glimpse_last_error(), "x: cannot open: No such file or directory");
    errno = ENOMEM;
    assert_int_equal(glimpse_fail_errno("x"), GLIMPSE_E_NOMEM);
    errno = EACCES;
    assert_int_equal(glimpse_fail_errno("x"), GLIMPSE_E_IO);
    assert_string_equal(glimpse_last_error(), "x: Permission denied");
    errno = 99999;
    assert_int_equal(glimpse_fail_errno("x"), GLIMPSE_E_IO);
    assert_non_null(strstr(glimpse_last_error(), "99999"));
}

static void long_messages_are_cut(void **state) {
    (void)state;
    char text[5000];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)glimpse_fail(GLIMPSE_E_IO, "%s", text);
    assert_int_equal(strlen(glimpse_last_error()), 1023);
    (void)glimpse_fail_context(GLIMPSE_E_IO, "context");
    assert_int_equal(strlen(glimpse_last_error()), 1023);
    assert_memory_equal(glimpse_last_error(), "context: yyy", 12);
    (void)glimpse_fail_context(GLIMPSE_E_IO, "%s", text);
    assert_int_equal(strlen(glimpse_last_error()), 1023);
    errno = ENOENT;
    (void)glimpse_fail_errno("%s", text);
    assert_int_equal(strlen(glimpse_last_error()), 1023);
}

static void *fail_in_thread(void *argument) {
    int *number = argument;
    if (glimpse_last_error()[0] != '\0') return argument; /* nothing failed here yet */
    for (int i = 0; i < 1000; i++) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "thread %d, %d", *number, i);
        (void)glimpse_fail(GLIMPSE_E_IO, "thread %d, %d", *number, i);
        if (strcmp(glimpse_last_error(), expected) != 0) return argument;
    }
    return NULL;
}

static void each_thread_has_its_own_message(void **state) {
    (void)state;
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    int numbers[THREADS];
    (void)glimpse_fail(GLIMPSE_E_IO, "mine");
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, fail_in_thread, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_string_equal(glimpse_last_error(), "mine");
}

static void every_status_has_a_name(void **state) {
    (void)state;
    for (int status = GLIMPSE_E_INTERNAL; status <= 0; status++) {
        assert_string_not_equal(glimpse_status_name(status), "unknown status");
        for (int other = status + 1; other <= 0; other++) {
            assert_string_not_equal(glimpse_status_name(status), glimpse_status_name(other));
        }
    }
    assert_string_equal(glimpse_status_name(1), "unknown status");
    assert_string_equal(glimpse_status_name(-1000), "unknown status");
}

/* The vectors of xxHash's own sanity check: its buffer, XXH3_128bits without seed, high half first.
 */
static const struct {
    size_t length;
    const char *hex;
} xxh_vectors[] = {
    {0, "99aa06d3014798d86001c324468d497f"},    {1, "a6cd5e9392000f6ac44bdff4074eecdb"},
    {6, "082afe0b8162d12a3e7039bdda43cfc6"},    {12, "6e3efd8fc7802b18061a192713f69ad9"},
    {24, "0ce966e4678d37611e7044d28b1b901d"},   {48, "a002ac4e5478227ef942219aed80f67b"},
    {403, "1b6de21e332dd73dcdeb804d65c6dea4"},  {512, "18d2d110dcc9bca1617e49599013cb6b"},
    {2048, "f736557fd47073a5dd59e2c3a5f038e0"},
};

static void hashes_are_xxh3_128(void **state) {
    (void)state;
    unsigned char buffer[2048];
    uint64_t generator = 2654435761u;
    for (size_t i = 0; i < sizeof buffer; i++) {
        buffer[i] = (unsigned char)(generator >> 56);
        generator *= 11400714785074694797u;
    }
    for (size_t i = 0; i < sizeof xxh_vectors / sizeof xxh_vectors[0]; i++) {
        char hex[GLIMPSE_HASH_HEX];
        glimpse_hash hash = glimpse_hash_bytes(buffer, xxh_vectors[i].length);
        glimpse_hash_to_hex(&hash, hex);
        assert_string_equal(hex, xxh_vectors[i].hex);
        /* in pieces of any size */
        for (size_t piece = 1; piece < 700; piece += 97) {
            glimpse_hasher *hasher = glimpse_hasher_create();
            assert_non_null(hasher);
            for (size_t at = 0; at < xxh_vectors[i].length; at += piece) {
                size_t rest = xxh_vectors[i].length - at;
                glimpse_hasher_update(hasher, buffer + at, rest < piece ? rest : piece);
            }
            glimpse_hash streamed = glimpse_hasher_finish(hasher);
            assert_memory_equal(streamed.bytes, hash.bytes, GLIMPSE_HASH_BYTES);
        }
    }
}

static void hex_makes_the_round_trip(void **state) {
    (void)state;
    glimpse_hash hash, back;
    for (size_t i = 0; i < GLIMPSE_HASH_BYTES; i++) {
        hash.bytes[i] = (uint8_t)(i * 17 + 3);
    }
    char hex[GLIMPSE_HASH_HEX];
    glimpse_hash_to_hex(&hash, hex);
    assert_int_equal(strlen(hex), 32);
    assert_true(glimpse_hash_from_hex(&back, hex));
    assert_memory_equal(hash.bytes, back.bytes, GLIMPSE_HASH_BYTES);
    assert_true(glimpse_hash_from_hex(&back, "ABCDEFabcdef00112233445566778899"));
    assert_int_equal(back.bytes[0], 0xAB);
    static const char *const wrong[] = {"",
                                        "ab",
                                        "abcdefabcdef0011223344556677889",
                                        "abcdefabcdef001122334455667788990",
                                        "abcdefabcdef0011223344556677889g",
                                        " bcdefabcdef00112233445566778899"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(glimpse_hash_from_hex(&back, wrong[i]));
    }
}

static void an_arena_is_measured_and_then_carved(void **state) {
    (void)state;
    glimpse_arena arena = {NULL, 0, 0, 0};
    for (int pass = 0; pass < 2; pass++) {
        size_t mark = glimpse_arena_mark(&arena);
        char *first = glimpse_arena_alloc(&arena, 3, 1);
        size_t inner = glimpse_arena_mark(&arena);
        float *second = glimpse_arena_alloc(&arena, 100, sizeof *second);
        glimpse_arena_rewind(&arena, inner);
        char *third = glimpse_arena_alloc(&arena, 0, 4);
        if (pass == 0) { /* nothing there yet: it only counts */
            assert_null(first);
            assert_null(second);
            assert_int_equal(arena.peak, 64 + 448);
            glimpse_arena_rewind(&arena, mark);
            assert_ok(glimpse_arena_reserve(&arena, arena.peak));
            assert_true(arena.capacity >= 512);
            continue;
        }
        assert_int_equal((uintptr_t)first % 64, 0);
        assert_int_equal((uintptr_t)second % 64, 0);
        assert_ptr_equal(first + 64, second);
        assert_ptr_equal(third, second); /* given back, and nothing of size 0 moves */
        memset(second, 0, 100 * sizeof *second);
        assert_int_equal(arena.used, 64);
        assert_int_equal(arena.peak, 512);
    }
    glimpse_arena_release(&arena);
    assert_null(arena.base);
    glimpse_arena_release(&arena);
}

static void an_impossible_arena_is_refused(void **state) {
    (void)state;
    glimpse_arena arena = {NULL, 0, 0, 0};
    assert_int_equal(glimpse_arena_reserve(&arena, SIZE_MAX), GLIMPSE_E_NOMEM);
    assert_int_equal(glimpse_arena_reserve(&arena, SIZE_MAX - 62), GLIMPSE_E_NOMEM);
    assert_null(arena.base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_sets_code_and_message),
        cmocka_unit_test(messages_name_options_as_the_program_does),
        cmocka_unit_test(what_other_libraries_say_becomes_a_part_of_a_line),
        cmocka_unit_test(context_goes_in_front),
        cmocka_unit_test(system_errors_are_spelt_out),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(each_thread_has_its_own_message),
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(hashes_are_xxh3_128),
        cmocka_unit_test(hex_makes_the_round_trip),
        cmocka_unit_test(an_arena_is_measured_and_then_carved),
        cmocka_unit_test(an_impossible_arena_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
