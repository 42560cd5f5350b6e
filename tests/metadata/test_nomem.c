/*
 * The Nth allocation fails, for every N: reading says so, and releases what it has. Nothing that a
 * file says is left out silently.
 */
#include "made.h"
#include "metadata/xmp_edit.h"
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

/* The same of writing: all of it or nothing. */
static void a_failed_allocation_fails_the_writing_and_nothing_else(void **state) {
    (void)state;
    static const char *const sources[] = {"labels"}, *const known[] = {"sea"};
    static const glimpse_xmp_item items[] = {{"labels", GLIMPSE_XMP_KEYWORD, "animal|dog"},
                                             {"labels", GLIMPSE_XMP_DESCRIPTION, "a dog"},
                                             {"labels", GLIMPSE_XMP_PLACE, "1 2"}};
    const glimpse_xmp_edit edit = {.items = items,
                                   .item_count = 3,
                                   .sources = sources,
                                   .source_count = 1,
                                   .keywords = known,
                                   .keyword_count = 1,
                                   .is_digikam = 1};
    size_t size = 0;
    char *packet = read_whole_file(source_path("tests/metadata/sidecars/one_line.xmp"), &size);
    for (long n = 0; n < 5000; n++) {
        glimpse_xmp_edited edited;
        fail_allocations_after(n);
        const int status = glimpse_xmp_edit_packet(&edited, packet, size, &edit);
        const int failed = let_allocations_succeed();
        assert_int_equal(status, failed ? GLIMPSE_E_NOMEM : GLIMPSE_OK);
        assert_int_equal(edited.bytes != NULL, !failed);
        if (!failed) {
            assert_int_equal(edited.change_count, 3);
            assert_true(n > 20);
            glimpse_xmp_edited_free(&edited);
            free(packet);
            return;
        }
        assert_int_equal(edited.change_count, 0);
    }
    fail_msg("allocates without end");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_fails_the_reading_and_nothing_else),
        cmocka_unit_test(a_failed_allocation_fails_the_writing_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
