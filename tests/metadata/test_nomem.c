/*
 * The Nth allocation fails, for every N: reading says so, and releases what it has. Nothing that a
 * file says is left out silently.
 */
#include "made.h"
#include "support/allocations.h"
#include "support/test.h"

#include <glimpse/sys/metadata.h>

static void check(made file) {
    for (long n = 0; n < 5000; n++) {
        glimpse_metadata *m = NULL;
        fail_allocations_after(n);
        const int status = glimpse_metadata_read(&m, file.bytes, file.size);
        const int failed = let_allocations_succeed();
        assert_true((status == GLIMPSE_OK) == (m != NULL));
        if (status == GLIMPSE_OK) {
            assert_string_equal(m->title, "Title");
            assert_string_equal(m->model, "Model");
            assert_int_equal(m->keywords.count, 2);
            assert_int_equal(m->people_count, 1);
            glimpse_metadata_free(m);
        } else {
            assert_int_equal(status, GLIMPSE_E_NOMEM);
        }
        if (!failed) {
            assert_int_equal(status, GLIMPSE_OK);
            assert_true(n > 5); /* the hook works */
            return;
        }
    }
    fail_msg("allocates without end");
}

static void a_failed_allocation_fails_the_reading_and_nothing_else(void **state) {
    (void)state;
    const made exif = made_exif_text(IN_IFD0, 0x0110, "Model");
    made iptc = {.size = 0};
    made_add_iptc(&iptc, 25, "one");
    made_add_iptc(&iptc, 25, "two");
    const char *packet =
        made_xmp("", "<dc:title>Title</dc:title><dc:subject><rdf:Bag><rdf:li>a</rdf:li>"
                     "<rdf:li>b</rdf:li></rdf:Bag></dc:subject><Iptc4xmpExt:PersonInImage>"
                     "<rdf:Bag><rdf:li>Ada</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>");
    check(made_jpeg(&exif, packet, &iptc));
    check(made_heif(&exif, packet));
    check(made_webp(&exif, packet));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_fails_the_reading_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
