/*
 * test_utf8.c - what is UTF-8 and what is not, against the definition written out plainly: the
 * bits of a sequence, the shortest form, no surrogates, nothing above U+10FFFF.
 */
#include "support/test.h"

#include "core/utf8.h"

/* The length of the sequence at `s`, 0 when it is none. */
static size_t reference_sequence(const unsigned char *s, size_t left) {
    static const struct {
        unsigned mask, lead;
        uint32_t smallest;
    } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    for (size_t tail = 0; tail < 4; tail++) {
        if ((s[0] & forms[tail].mask) != forms[tail].lead) continue;
        uint32_t value = s[0] & ~forms[tail].mask;
        if (tail >= left) return 0;
        for (size_t i = 1; i <= tail; i++) {
            if ((s[i] & 0xC0u) != 0x80u) return 0;
            value = value << 6 | (s[i] & 0x3Fu);
        }
        if (value < forms[tail].smallest || value > 0x10FFFF) return 0;
        return value >= 0xD800 && value <= 0xDFFF ? 0 : tail + 1;
    }
    return 0;
}

static int reference_is_valid(const unsigned char *s, size_t length) {
    for (size_t i = 0, taken; i < length; i += taken) {
        taken = reference_sequence(s + i, length - i);
        if (taken == 0) return 0;
    }
    return 1;
}

static void expect_the_same(const unsigned char *s, size_t length) {
    if (glimpse_utf8_is_valid((const char *)s, length) != reference_is_valid(s, length)) {
        fail_msg("%02x %02x %02x %02x, %zu bytes", s[0], s[1], s[2], s[3], length);
    }
}

static void every_text_of_up_to_three_bytes_is_told_apart(void **state) {
    (void)state;
    unsigned char s[4] = {0};
    assert_true(glimpse_utf8_is_valid("", 0));
    for (unsigned a = 0; a < 256; a++) {
        s[0] = (unsigned char)a;
        expect_the_same(s, 1);
        for (unsigned b = 0; b < 256; b++) {
            s[1] = (unsigned char)b;
            expect_the_same(s, 2);
            for (unsigned c = 0; c < 256; c++) {
                s[2] = (unsigned char)c;
                expect_the_same(s, 3);
            }
        }
    }
}

/* Of the last two bytes those at the edges of what a continuation may be. */
static void texts_of_four_bytes_are_told_apart(void **state) {
    (void)state;
    static const unsigned char edges[] = {0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90,
                                          0x9F, 0xA0, 0xBE, 0xBF, 0xC0, 0xF4, 0xFF};
    unsigned char s[4];
    for (unsigned a = 0x80; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            for (size_t c = 0; c < sizeof edges; c++) {
                for (size_t d = 0; d < sizeof edges; d++) {
                    s[0] = (unsigned char)a, s[1] = (unsigned char)b;
                    s[2] = edges[c], s[3] = edges[d];
                    expect_the_same(s, 4);
                }
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_of_up_to_three_bytes_is_told_apart),
        cmocka_unit_test(texts_of_four_bytes_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
