/*
 * test_parts.c - the parts below the tokenizer, each against a table or a plain reference.
 */
#include "support/numbers.h"

#include "core/utf8.h"
#include "text/bpe.h"
#include "text/html.h"
#include "text/json_scan.h"
#include "text/output/base64.h"
#include "text/unicode.h"

#include <jansson.h>
#include <utf8proc.h>

static void expect_points(const glimpse_points *points, const uint32_t *expected, size_t count) {
    assert_int_equal(points->count, count);
    for (size_t i = 0; i < count; i++) {
        if (points->data[i] != expected[i]) {
            fail_msg("character %zu is U+%04X, not U+%04X", i, (unsigned)points->data[i],
                     (unsigned)expected[i]);
        }
    }
}

/* What Python's bytes.decode("utf-8", "replace") gives; the lists end in NONE. */
#define NONE UINT32_MAX
#define BAD  0xFFFD
static const struct {
    const char *bytes;
    size_t length;
    uint32_t points[5];
} utf8_cases[] = {
    {"\x80", 1, {BAD, NONE}},
    {"\xbf\xbf", 2, {BAD, BAD, NONE}},
    {"\xc0\x80", 2, {BAD, BAD, NONE}},
    {"\xc1", 1, {BAD, NONE}},
    {"\xc2", 1, {BAD, NONE}},
    {"\xc2\x41", 2, {BAD, 0x41, NONE}},
    {"\xe0\x80\x80", 3, {BAD, BAD, BAD, NONE}},
    {"\xe0\xa0", 2, {BAD, NONE}},
    {"\xe0\xa0\x41", 3, {BAD, 0x41, NONE}},
    {"\xe2\x82", 2, {BAD, NONE}},
    {"\xed\xa0\x80", 3, {BAD, BAD, BAD, NONE}},
    {"\xed\x9f\xbf", 3, {0xD7FF, NONE}},
    {"\xf0\x80\x80\x80", 4, {BAD, BAD, BAD, BAD, NONE}},
    {"\xf0\x90\x80", 3, {BAD, NONE}},
    {"\xf0\x90\x80\x41", 4, {BAD, 0x41, NONE}},
    {"\xf4\x90\x80\x80", 4, {BAD, BAD, BAD, BAD, NONE}},
    {"\xf4\x8f\xbf\xbf", 4, {0x10FFFF, NONE}},
    {"\xf5\x80", 2, {BAD, BAD, NONE}},
    {"\xff\xfe", 2, {BAD, BAD, NONE}},
    {"\xf0\x9f\x98\x80", 4, {0x1F600, NONE}},
    {"\xf0\x9f\x98", 3, {BAD, NONE}},
    {"\xe2\x82\xac", 3, {0x20AC, NONE}},
    {"\x61\xe1\x62", 3, {0x61, BAD, 0x62, NONE}},
    {"\x00\xc3\xa9", 3, {0, 0xE9, NONE}},
    {"\xef\xbf\xbd", 3, {BAD, NONE}},
    {"\xf1\x80\x80\xc2\x80", 5, {BAD, 0x80, NONE}},
};

static void malformed_utf8_is_replaced_as_python_does(void **state) {
    (void)state;
    glimpse_points points;
    glimpse_points_init(&points);
    for (size_t i = 0; i < sizeof utf8_cases / sizeof utf8_cases[0]; i++) {
        size_t count = 0;
        while (utf8_cases[i].points[count] != NONE) {
            count++;
        }
        char *exact = malloc(utf8_cases[i].length);
        assert_non_null(exact);
        memcpy(exact, utf8_cases[i].bytes, utf8_cases[i].length);
        assert_ok(glimpse_points_decode(&points, exact, utf8_cases[i].length));
        expect_points(&points, utf8_cases[i].points, count);
        free(exact);
    }
    glimpse_points_release(&points);
    assert_true(glimpse_utf8_is_valid("\xef\xbf\xbd", 3));
    assert_false(glimpse_utf8_is_valid("\xef\xbf", 2));
}

static void every_scalar_value_survives_encoding_and_decoding(void **state) {
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char bytes[GLIMPSE_UTF8_MAX_BYTES];
        size_t length = glimpse_utf8_encode(bytes, c);
        uint32_t back;
        int valid;
        assert_int_equal(glimpse_utf8_decode(&back, bytes, length, &valid), length);
        assert_true(valid);
        assert_int_equal(back, c >= 0xD800 && c < 0xE000 ? BAD : c);
    }
}

static void quoting_shows_no_control_characters(void **state) {
    (void)state;
    char out[GLIMPSE_UTF8_QUOTED];
    assert_string_equal(glimpse_utf8_quote(out, "caf\xc3\xa9", 5), "\"caf\xc3\xa9\"");
    assert_string_equal(glimpse_utf8_quote(out, "\x1b[2J\xff", 5), "\"\\x1b[2J\\xff\"");
    assert_string_equal(glimpse_utf8_quote(out, "\xc2\x9b", 2), "\"\\xc2\\x9b\"");
    char many[300];
    memset(many, '\xff', sizeof many);
    const char *quoted = glimpse_utf8_quote(out, many, sizeof many);
    assert_true(strlen(quoted) < GLIMPSE_UTF8_QUOTED);
    assert_string_equal(quoted + strlen(quoted) - 4, "\"...");
}

static void unescape(const char *text, const char *expected) {
    glimpse_points points, wanted;
    glimpse_points_init(&points);
    glimpse_points_init(&wanted);
    assert_ok(glimpse_points_decode(&points, text, strlen(text)));
    assert_ok(glimpse_points_decode(&wanted, expected, strlen(expected)));
    glimpse_html_unescape(&points);
    expect_points(&points, wanted.data, wanted.count);
    glimpse_points_release(&wanted);
    glimpse_points_release(&points);
}

static void html_references_are_those_of_python(void **state) {
    (void)state;
    unescape("", "");
    unescape("no reference", "no reference");
    unescape("&amp;&lt;&gt;&quot;", "&<>\"");
    unescape("&amp", "&");
    unescape("&", "&");
    unescape("&;&#;&#x;&#xg;", "&;&#;&#x;&#xg;");
    unescape("&ampx &ltx;", "&x <x;");  /* longest prefix */
    unescape("&notit;", "\xc2\xacit;"); /* "not", although "notin;" begins alike */
    unescape("&notin;", "\xe2\x88\x89");
    unescape("&AElig&aelig", "\xc3\x86\xc3\xa6");
    unescape("&Amp;", "&Amp;"); /* names know case; "AMP" is one */
    unescape("&AMP", "&");
    unescape("&hellip", "&hellip");                                /* only with its semicolon */
    unescape("&NotEqualTilde;", "\xe2\x89\x82\xcc\xb8");           /* two characters */
    unescape("&CounterClockwiseContourIntegral;", "\xe2\x88\xb3"); /* the longest name */
    unescape("&aCounterClockwiseContourIntegralx;", "&aCounterClockwiseContourIntegralx;");
    unescape("&#65;&#x41&#X41;&#0000065;", "AAAA");
    unescape("&#128;&#x9f;&#x81;", "\xe2\x82\xac\xc5\xb8\xc2\x81"); /* windows-1252 */
    unescape("&#0;&#xD800;&#x110000;&#99999999999999999999;",
             "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    unescape("a&#1;b&#xB;c&#xFFFE;d&#x1FFFF;e&#xFDD0;", "abcde"); /* stand for nothing */
    unescape("&#13;&#9;", "\r\t");
    unescape("&&amp;&", "&&&");
    unescape("&amp;lt;", "&lt;"); /* once */
    unescape("&l\xc3\xa9t;&lt\xc3\xa9", "&l\xc3\xa9t;<\xc3\xa9");
}

static void normalise(const char *text, const char *expected) {
    glimpse_points points, out, wanted;
    glimpse_points_init(&points);
    glimpse_points_init(&out);
    glimpse_points_init(&wanted);
    assert_ok(glimpse_points_decode(&points, text, strlen(text)));
    assert_ok(glimpse_points_decode(&wanted, expected, strlen(expected)));
    assert_ok(glimpse_points_nfc(&out, &points));
    expect_points(&out, wanted.data, wanted.count);
    glimpse_points_release(&wanted);
    glimpse_points_release(&out);
    glimpse_points_release(&points);
}

static void nfc_composes_and_orders(void **state) {
    (void)state;
    normalise("cafe\xcc\x81", "caf\xc3\xa9");
    normalise("caf\xc3\xa9", "caf\xc3\xa9");
    normalise("\xe2\x84\xab", "\xc3\x85");                             /* ANGSTROM SIGN */
    normalise("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"); /* Hangul */
    normalise("\xe0\xa4\x95\xe0\xa4\xbc", "\xe0\xa4\x95\xe0\xa4\xbc"); /* excluded: U+0958 */
    normalise("\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc");
    normalise("q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87"); /* dot below first */
    normalise("\xef\xac\x81", "\xef\xac\x81");           /* a ligature is a compatibility matter */
}

/* The plain reference: utf8proc's own NFC. */
static void nfc_agrees_with_utf8proc_on_random_marks(void **state) {
    (void)state;
    uint64_t seed = 11;
    for (int round = 0; round < 3000; round++) {
        glimpse_points points, out;
        glimpse_points_init(&points);
        glimpse_points_init(&out);
        size_t length = 1 + random_below(&seed, 120);
        assert_ok(glimpse_points_reserve(&points, length));
        for (size_t i = 0; i < length; i++) {
            static const uint32_t from[] = {0x61,   0x300,  0x300,  0x300, 0xC0,   0x1100,
                                            0x1161, 0x11A7, 0xAC00, 0x900, 0x1E00, 0x1D100};
            static const uint32_t span[] = {26, 0x70, 0x40,  0x20,  0x100, 19,
                                            21, 28,   0x100, 0x200, 0x200, 0x80};
            size_t range = random_below(&seed, sizeof from / sizeof from[0]);
            if (round % 4 == 0 && i % 50 != 0) range = 1 + range % 3; /* long runs of marks */
            points.data[points.count++] = from[range] + (uint32_t)random_below(&seed, span[range]);
        }
        utf8proc_int32_t reference[1024];
        utf8proc_ssize_t count = 0;
        for (size_t i = 0; i < length; i++) {
            int boundary = 0;
            count += utf8proc_decompose_char((utf8proc_int32_t)points.data[i], reference + count,
                                             1024 - count, UTF8PROC_DECOMPOSE, &boundary);
        }
        for (utf8proc_ssize_t i = 1; i < count; i++) { /* exchange sort of the marks */
            for (utf8proc_ssize_t k = i; k > 0; k--) {
                int here = utf8proc_get_property(reference[k])->combining_class;
                int before = utf8proc_get_property(reference[k - 1])->combining_class;
                if (here == 0 || before <= here) break;
                utf8proc_int32_t swap = reference[k];
                reference[k] = reference[k - 1];
                reference[k - 1] = swap;
            }
        }
        count = utf8proc_normalize_utf32(reference, count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
        assert_ok(glimpse_points_nfc(&out, &points));
        expect_points(&out, (const uint32_t *)reference, (size_t)count);
        glimpse_points_release(&out);
        glimpse_points_release(&points);
    }
}

static void lower_case(const char *text, const char *each, const char *python) {
    glimpse_points points, out, wanted;
    glimpse_points_init(&points);
    glimpse_points_init(&out);
    glimpse_points_init(&wanted);
    assert_ok(glimpse_points_decode(&points, text, strlen(text)));
    assert_ok(glimpse_points_decode(&wanted, each, strlen(each)));
    assert_ok(glimpse_points_lower_each(&out, &points));
    expect_points(&out, wanted.data, wanted.count);
    assert_ok(glimpse_points_decode(&wanted, python, strlen(python)));
    assert_ok(glimpse_points_lower_python(&out, &points));
    expect_points(&out, wanted.data, wanted.count);
    glimpse_points_release(&wanted);
    glimpse_points_release(&out);
    glimpse_points_release(&points);
}

#define S_CAPITAL "\xce\xa3"
#define S_SMALL   "\xcf\x83"
#define S_FINAL   "\xcf\x82"
static void lower_case_knows_final_sigma_and_dotted_i(void **state) {
    (void)state;
    lower_case("ABC xyz", "abc xyz", "abc xyz");
    lower_case("\xc4\xb0" S_CAPITAL, "i\xcc\x87" S_SMALL, "i\xcc\x87" S_FINAL);
    lower_case("A" S_CAPITAL, "a" S_SMALL, "a" S_FINAL);
    lower_case("A" S_CAPITAL "B", "a" S_SMALL "b", "a" S_SMALL "b");
    lower_case(S_CAPITAL, S_SMALL, S_SMALL);
    lower_case("A" S_CAPITAL ".B", "a" S_SMALL ".b", "a" S_SMALL ".b"); /* . is ignorable */
    lower_case("A." S_CAPITAL " B", "a." S_SMALL " b", "a." S_FINAL " b");
    lower_case("1" S_CAPITAL, "1" S_SMALL, "1" S_SMALL);
    lower_case("\xe2\x84\xaa\xc5\xbf", "k\xc5\xbf", "k\xc5\xbf"); /* KELVIN SIGN, long s */
    /* cased without being cased letters: an ordinal, a circled letter, a Roman numeral */
    lower_case("\xc2\xaa" S_CAPITAL, "\xc2\xaa" S_SMALL, "\xc2\xaa" S_FINAL);
    lower_case("\xe2\x92\xb6" S_CAPITAL, "\xe2\x93\x90" S_SMALL, "\xe2\x93\x90" S_FINAL);
    lower_case("\xe2\x85\xa0" S_CAPITAL, "\xe2\x85\xb0" S_SMALL, "\xe2\x85\xb0" S_FINAL);
    lower_case("\xf0\x9f\x84\xb0" S_CAPITAL, "\xf0\x9f\x84\xb0" S_SMALL,
               "\xf0\x9f\x84\xb0" S_FINAL);
    lower_case("\xe1\xb2\x90", "\xe1\x83\x90", "\xe1\x83\x90"); /* Georgian */
}

/* Reads with the scanner into a jansson object; NULL when refused. */
static json_t *scan_object(const char *text, size_t length) {
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    copy[length] = '\0';
    json_t *object = json_object();
    glimpse_json_scan scan;
    glimpse_json_scan_begin(&scan, copy, length, "test.json");
    char *key;
    size_t key_length;
    int64_t value;
    int more;
    while ((more = glimpse_json_scan_next(&scan, &key, &key_length, &value)) > 0) {
        char *name = malloc(key_length + 1);
        assert_non_null(name);
        memcpy(name, key, key_length);
        name[key_length] = '\0';
        assert_int_equal(strlen(name), key_length);
        json_object_set_new(object, name, json_integer(value));
        free(name);
    }
    free(copy);
    if (more == 0) return object;
    assert_int_equal(more, GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "test.json: entry "));
    json_decref(object);
    return NULL;
}

static const char *const json_accepted[] = {
    "{}",
    " \r\n\t{ \"a\" : 1 , \"b\":-2}\n",
    "{\"\\u0041\\u00e9\\u20AC\":0}",
    "{\"\\ud83d\\ude00\":7, \"\\\"\\\\\\/\\b\\f\\n\\r\\t\":8}",
    "{\"\xc4\xa0the</w>\":9,\"\":10}",
    "{\"a\\u0142b\\u0142cdefgh\":11}",
    "{\"x\":123456789012}",
};
static const char *const json_refused[] = {
    "",
    " ",
    "[]",
    "1",
    "\"a\"",
    "{",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,}",
    "{\"a\":1}x",
    "{\"a\":1}{}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":01}",
    "{\"a\":-}",
    "{\"a\":+1}",
    "{\"a\":1.0}",
    "{\"a\":1e3}",
    "{\"a\":null}",
    "{\"a\":\"1\"}",
    "{\"a\":{}}",
    "{\"a\":99999999999999999999999}",
    "{\"a\n\":1}",
    "{\"\\x\":1}",
    "{\"\\u12\":1}",
    "{\"\\u12g4\":1}",
    "{\"\\ud800\":1}",
    "{\"\\udc00\":1}",
    "{\"\\ud800\\u0041\":1}",
    "{\"\\ud83d\":1}",
    "{\"\\u0000\":1}",
    "{\"\xff\":1}",
    "{\"\xc3\":1}",
    "{\"\xed\xa0\x80\":1}",
    "{\"a\\",
    "{\"\\u",
    "\xef\xbb\xbf{}",
    "{\"a\":1/**/}",
};

static void the_scanner_accepts_what_jansson_accepts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof json_accepted / sizeof json_accepted[0]; i++) {
        json_t *mine = scan_object(json_accepted[i], strlen(json_accepted[i]));
        json_t *reference = json_loads(json_accepted[i], 0, NULL);
        assert_non_null(reference);
        if (!mine || !json_equal(mine, reference)) fail_msg("%s", json_accepted[i]);
        json_decref(mine);
        json_decref(reference);
    }
    for (size_t i = 0; i < sizeof json_refused / sizeof json_refused[0]; i++) {
        if (scan_object(json_refused[i], strlen(json_refused[i]))) fail_msg("%s", json_refused[i]);
    }
}

static void mutated_objects_are_read_alike_or_refused(void **state) {
    (void)state;
    static const char base[] =
        "{\"a\\u00e9\": 1, \"\\ud83d\\ude00</w>\":22,\n \"caf\xc3\xa9\\n\": 300,\"q\":-4}";
    uint64_t seed = 5;
    size_t accepted = 0;
    for (int round = 0; round < 60000; round++) {
        char text[sizeof base];
        size_t length = sizeof base - 1;
        memcpy(text, base, sizeof base);
        for (size_t n = 1 + random_below(&seed, 3); n > 0; n--) {
            static const char marks[] = "\"\\u{}:,09-ead \n\xc3\xff";
            size_t at = random_below(&seed, length);
            text[at] =
                round % 3 ? marks[random_below(&seed, sizeof marks - 1)] : (char)next_random(&seed);
        }
        if (round % 5 == 0) length = random_below(&seed, length);
        json_t *mine = scan_object(text, length);
        if (!mine) continue;
        accepted++;
        json_t *reference = json_loadb(text, length, 0, NULL);
        if (!reference || !json_equal(mine, reference))
            fail_msg("read differently: %.*s", (int)length, text);
        json_decref(reference);
        json_decref(mine);
    }
    assert_true(accepted > 100); /* otherwise nothing was compared */
}

/* Random merges over a small alphabet, in and out of order: both ways of merging must agree. */
static void fast_merging_agrees_with_the_definition(void **state) {
    (void)state;
    uint64_t seed = 3;
    size_t merged = 0;
    for (int round = 0; round < 400; round++) {
        /* Tokens are strings over {a, b}: no merge makes one of its own halves. */
        enum { SLOTS = 256, TOKENS = 60 };
        char names[TOKENS][32];
        size_t tokens = 2;
        (void)snprintf(names[0], sizeof names[0], "a");
        (void)snprintf(names[1], sizeof names[1], "b");
        glimpse_merge table[SLOTS];
        memset(table, 0xFF, sizeof table);
        glimpse_vocabulary vocabulary = {
            .merges = table, .merge_mask = SLOTS - 1, .seed = (uint32_t)seed};
        uint32_t ranks[TOKENS];
        for (uint32_t i = 0; i < TOKENS; i++) {
            ranks[i] = i;
        }
        if (round % 2) { /* out of order */
            for (uint32_t i = TOKENS - 1; i > 0; i--) {
                size_t other = random_below(&seed, i + 1);
                uint32_t swap = ranks[i];
                ranks[i] = ranks[other];
                ranks[other] = swap;
            }
        }
        for (uint32_t n = 0; n < TOKENS; n++) {
            size_t left = random_below(&seed, tokens), right = random_below(&seed, tokens);
            char joined[64];
            (void)snprintf(joined, sizeof joined, "%s%s", names[left], names[right]);
            if (strlen(joined) >= sizeof names[0]) continue;
            size_t id = 0;
            while (id < tokens && strcmp(names[id], joined) != 0) {
                id++;
            }
            if (id == TOKENS) continue;
            if (id == tokens) memcpy(names[tokens++], joined, strlen(joined) + 1);
            if (glimpse_vocabulary_merge(&vocabulary, (int32_t)left, (int32_t)right)) continue;
            uint64_t key = (uint64_t)left << 32 | right;
            size_t slot = (size_t)(((key ^ vocabulary.seed) * 0x9E3779B97F4A7C15u) >> 32);
            while (table[slot & (SLOTS - 1)].key != UINT64_MAX) {
                slot++;
            }
            table[slot & (SLOTS - 1)] = (glimpse_merge){key, ranks[n], (int32_t)id};
        }
        glimpse_bpe_scratch scratch;
        glimpse_bpe_scratch_init(&scratch);
        for (int word = 0; word < 60; word++) {
            int32_t fast[300], plain[300];
            size_t count = random_below(&seed, word % 10 ? 40 : 300), fast_count = count;
            for (size_t i = 0; i < count; i++) {
                fast[i] = plain[i] = (int32_t)(random_below(&seed, 2));
            }
            glimpse_bpe_order order = word % 2 ? GLIMPSE_BPE_ALL : GLIMPSE_BPE_ONE;
            size_t plain_count = count;
            assert_ok(glimpse_bpe_merge(&vocabulary, fast, &fast_count, order, &scratch));
            glimpse_bpe_merge_plain(&vocabulary, plain, &plain_count, order);
            assert_int_equal(fast_count, plain_count);
            if (count > 0) assert_memory_equal(fast, plain, fast_count * sizeof fast[0]);
            merged += count - fast_count;
        }
        glimpse_bpe_scratch_release(&scratch);
    }
    assert_true(merged > 100000);
}

/* The examples of RFC 4648, section 10. */
static void base64_is_that_of_the_standard(void **state) {
    (void)state;
    static const char *const texts[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t size = 0; size < 7; size++) {
        char out[16] = "";
        glimpse_base64_encode(out, "foobar", size);
        assert_string_equal(out, texts[size]);
        assert_int_equal(glimpse_base64_length(size), strlen(texts[size]));
    }
}

static void base64_in_a_file_is_that_in_memory(void **state) {
    (void)state;
    static uint8_t bytes[2000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    static const size_t sizes[] = {0, 1, 767, 768, 769, 1536, 1537, sizeof bytes};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char expected[4 * sizeof bytes], *text = NULL;
        size_t length = 0;
        FILE *file = open_memstream(&text, &length);
        assert_non_null(file);
        glimpse_base64_write(file, bytes, sizes[i]);
        (void)fclose(file);
        glimpse_base64_encode(expected, bytes, sizes[i]);
        assert_int_equal(length, glimpse_base64_length(sizes[i]));
        assert_memory_equal(text, expected, length);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_utf8_is_replaced_as_python_does),
        cmocka_unit_test(every_scalar_value_survives_encoding_and_decoding),
        cmocka_unit_test(quoting_shows_no_control_characters),
        cmocka_unit_test(html_references_are_those_of_python),
        cmocka_unit_test(nfc_composes_and_orders),
        cmocka_unit_test(nfc_agrees_with_utf8proc_on_random_marks),
        cmocka_unit_test(lower_case_knows_final_sigma_and_dotted_i),
        cmocka_unit_test(the_scanner_accepts_what_jansson_accepts),
        cmocka_unit_test(mutated_objects_are_read_alike_or_refused),
        cmocka_unit_test(fast_merging_agrees_with_the_definition),
        cmocka_unit_test(base64_is_that_of_the_standard),
        cmocka_unit_test(base64_in_a_file_is_that_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
