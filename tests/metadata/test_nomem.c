/*
 * The Nth allocation fails, for every N: reading says so, and releases what it has. Nothing that a
 * file says is left out silently.
 */
#include "made.h"
#include "support/test.h"

#include <glimpse/sys/metadata.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int armed, failed;
static long countdown; /* allocations that still succeed */

static int must_fail(void) {
    if (!armed || countdown-- > 0) return 0;
    failed = 1;
    return 1;
}

void *__wrap_malloc(size_t size) {
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return must_fail() ? NULL : __real_realloc(old, size);
}

static void check(made file) {
    for (long n = 0; n < 5000; n++) {
        glimpse_metadata *m = NULL;
        countdown = n;
        failed = 0;
        armed = 1;
        const int status = glimpse_metadata_read(&m, file.bytes, file.size);
        armed = 0;
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
