/*
 * test_dynlib.c - libraries that are loaded when they are needed: what is loaded works, what is
 * missing is named with what to install, and any number of threads may ask first.
 */
#include "support/test.h"

#include "core/dynlib.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define assert_message(part) assert_non_null(strstr(glimpse_last_error(), part))

static struct {
    double (*cosine)(double);
    void (*nowhere)(void);
    int starts;
} math;

static const glimpse_dynlib_symbol symbols[] = {
    GLIMPSE_DYNLIB_SYMBOL("cos", math.cosine),
    GLIMPSE_DYNLIB_OPTIONAL("glimpse_is_no_function_of_libm", math.nowhere),
    {0},
};
static const glimpse_dynlib_symbol impossible[] = {
    GLIMPSE_DYNLIB_SYMBOL("glimpse_is_no_function_of_libm", math.nowhere),
    {0},
};

static const char *count_starts(void) {
    math.starts++;
    return NULL;
}

static const char *refuse_to_start(void) {
    return "it does not feel like it";
}

static void version(unsigned found[3]) {
    found[0] = 2, found[1] = 10, found[2] = 3;
}

#define LIBM                                                                    \
 .name = "libm", .package = "libc6", .files = {"libnowhere.so.1", "libm.so.6"}, \
 .mutex = PTHREAD_MUTEX_INITIALIZER

static void a_library_is_found_by_any_of_its_names(void **state) {
    (void)state;
    glimpse_dynlib library = {LIBM, .symbols = symbols};
    math.nowhere = (void (*)(void))abort;
    assert_true(glimpse_dynlib_load(&library));
    assert_true(math.cosine(0.0) > 0.99);
    assert_null(math.nowhere); /* optional */
}

static void what_is_missing_is_named_with_what_to_install(void **state) {
    (void)state;
    glimpse_dynlib library = {.name = "libnowhere",
                              .package = "libnowhere1",
                              .files = {"libnowhere.so.1"},
                              .symbols = symbols,
                              .mutex = PTHREAD_MUTEX_INITIALIZER};
    for (int i = 0; i < 2; i++) {
        assert_false(glimpse_dynlib_load(&library));
        assert_int_equal(glimpse_dynlib_fail(&library, "such pictures need"),
                         GLIMPSE_E_UNSUPPORTED);
        assert_message("such pictures need libnowhere, which cannot be used here: libnowhere.so.1");
        assert_message("; install libnowhere1");
    }
}

static void a_library_that_lacks_a_function_is_not_used(void **state) {
    (void)state;
    glimpse_dynlib library = {LIBM, .symbols = impossible};
    assert_false(glimpse_dynlib_load(&library));
    (void)glimpse_dynlib_fail(&library, "this needs");
    assert_message("glimpse_is_no_function_of_libm");
}

static void a_version_that_is_too_old_is_named(void **state) {
    (void)state;
    static const struct {
        unsigned min[3];
        int usable;
    } cases[] = {{{2, 10, 3}, 1}, {{2, 10, 4}, 0}, {{2, 9, 9}, 1},
                 {{2, 11, 0}, 0}, {{3, 0, 0}, 0},  {{1, 99, 99}, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_dynlib library = {LIBM, .symbols = symbols, .version = version};
        memcpy(library.min_version, cases[i].min, sizeof library.min_version);
        assert_int_equal(glimpse_dynlib_load(&library), cases[i].usable);
        if (cases[i].usable) continue;
        (void)glimpse_dynlib_fail(&library, "this needs");
        assert_message("version 2.10.3 is older than");
    }
}

static void a_library_that_does_not_start_says_why(void **state) {
    (void)state;
    glimpse_dynlib library = {LIBM, .symbols = symbols, .start = refuse_to_start};
    assert_false(glimpse_dynlib_load(&library));
    (void)glimpse_dynlib_fail(&library, "this needs");
    assert_message("libm, which cannot be used here: it does not feel like it; install libc6");
}

static void *load(void *library) {
    return glimpse_dynlib_load(library) && math.cosine(0.0) > 0.99 ? library : NULL;
}

static void many_threads_load_it_once(void **state) {
    (void)state;
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    glimpse_dynlib library = {LIBM, .symbols = symbols, .start = count_starts};
    math.starts = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load, &library), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &library);
    }
    assert_int_equal(math.starts, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_is_found_by_any_of_its_names),
        cmocka_unit_test(what_is_missing_is_named_with_what_to_install),
        cmocka_unit_test(a_library_that_lacks_a_function_is_not_used),
        cmocka_unit_test(a_version_that_is_too_old_is_named),
        cmocka_unit_test(a_library_that_does_not_start_says_why),
        cmocka_unit_test(many_threads_load_it_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
