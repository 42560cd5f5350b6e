/*
 * test_exif.c - which dates of EXIF are dates, and how they are written.
 */
#include "support/test.h"

#include "image/decode/exif.h"

#include <string.h>

static void what_is_no_date_is_left_out(void **state) {
    (void)state;
    static const struct {
        const char *exif, *taken;
    } cases[] = {
        {"2021:05:30 14:03:59", "2021-05-30T14:03:59"},
        {"2021-05-30T14.03.59", "2021-05-30T14:03:59"}, /* what some writers separate with */
        {"2021:05:30 14:03:59+02:00", "2021-05-30T14:03:59"},
        {"0001:01:01 00:00:00", "0001-01-01T00:00:00"},
        {"9999:12:31 23:59:60", "9999-12-31T23:59:60"}, /* a leap second */
        {"0000:05:30 14:03:59", ""},
        {"2021:00:30 14:03:59", ""},
        {"2021:13:30 14:03:59", ""},
        {"2021:05:00 14:03:59", ""},
        {"2021:05:32 14:03:59", ""},
        {"2021:05:30 24:00:00", ""},
        {"2021:05:30 14:60:00", ""},
        {"2021:05:30 14:03:61", ""},
        {"2021:05:30 14:03:5", ""},
        {"2021:05:30 14:03", ""},
        {"2021:5:30 14:03:59", ""},
        {"20210530140359", ""},
        {"    :  :     :  :  ", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        glimpse_image_meta meta = {.orientation = 1};
        glimpse_exif_set_taken(&meta, cases[i].exif, strlen(cases[i].exif));
        if (strcmp(meta.taken, cases[i].taken) != 0) {
            fail_msg("\"%s\" gives \"%s\", not \"%s\"", cases[i].exif, meta.taken, cases[i].taken);
        }
    }
    /* The length counts, not the end of the text. */
    glimpse_image_meta meta = {.orientation = 1};
    glimpse_exif_set_taken(&meta, "2021:05:30 14:03:59", 18);
    assert_string_equal(meta.taken, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_date_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
