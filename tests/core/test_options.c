/*
 * Structs that begin with their size: what an older and what a newer program may hand over, through
 * public calls, and the flag that stops what runs.
 */
#include "support/test.h"

#include "core/options.h"

#include <glimpse/sys/blip.h>
#include <glimpse/sys/image.h>
#include <glimpse/sys/model.h>
#include <glimpse/sys/vlm.h>
#include <glimpse/version.h>

#include <pthread.h>
#include <signal.h>

/* A struct of a later version, with members that this library has never heard of. */
#define NEWER(type)      \
 struct {                \
  type known;            \
  uint64_t unknown;      \
  const char *also_this; \
 }

static void expect_message(const char *part) {
    if (!strstr(glimpse_last_error(), part)) {
        fail_msg("\"%s\" does not speak of \"%s\"", glimpse_last_error(), part);
    }
}

/*
 * glimpse_image_decode: options that come in.
 */
static const uint8_t pixels[] = "P6\n2 2\n255\n0123456789AB";

static int decode(const void *options) {
    glimpse_image *image = NULL;
    int status = glimpse_image_decode(&image, pixels, sizeof pixels - 1, "four pixels", options);
    assert_int_equal(status == GLIMPSE_OK, image != NULL);
    glimpse_image_free(image);
    return status;
}

static void older_options_are_accepted(void **state) {
    (void)state;
    /* Exactly as large as the first version of the struct: what lies behind is not looked at. */
    struct {
        size_t size;
        uint64_t max_pixels;
    } older = {sizeof older, 4};
    assert_ok(decode(&older));
    older.max_pixels = 3;
    assert_int_equal(decode(&older), GLIMPSE_E_LIMIT);
}

static void newer_options_are_accepted_when_they_ask_for_nothing_new(void **state) {
    (void)state;
    NEWER(glimpse_decode_options) newer = {.known = GLIMPSE_DECODE_OPTIONS_INIT};
    newer.known.size = sizeof newer;
    assert_ok(decode(&newer));
    newer.known.max_pixels = 3;
    assert_int_equal(decode(&newer), GLIMPSE_E_LIMIT);
    newer.known.max_pixels = 0;
    newer.unknown = UINT64_C(1) << 63; /* the last byte as good as the first */
    assert_int_equal(decode(&newer), GLIMPSE_E_UNSUPPORTED);
    expect_message("glimpse_decode_options");
    newer.unknown = 0;
    newer.also_this = "x";
    assert_int_equal(decode(&newer), GLIMPSE_E_UNSUPPORTED);
}

static void a_size_that_nobody_set_is_refused(void **state) {
    (void)state;
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    const size_t wrong[] = {0, 1, sizeof(size_t), GLIMPSE_SIZE_LIMIT + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.size = wrong[i];
        assert_int_equal(decode(&options), GLIMPSE_E_INVALID);
        expect_message("glimpse_decode_options");
        expect_message("GLIMPSE_DECODE_OPTIONS_INIT");
    }
    assert_ok(decode(NULL));
}

/*
 * glimpse_weights_cache_load_status: a report that goes out.
 */
static void reports_are_filled_as_far_as_they_go(void **state) {
    (void)state;
    assert_int_equal(setenv("GLIMPSE_WEIGHTS_CACHE", "7", 1), 0);
    glimpse_weights_cache_status whole = GLIMPSE_WEIGHTS_CACHE_STATUS_INIT;
    assert_ok(glimpse_weights_cache_load_status(&whole));
    assert_int_equal(whole.limit, 7 << 20);
    assert_int_equal(whole.size, sizeof whole);

    NEWER(glimpse_weights_cache_status) newer = {.known = GLIMPSE_WEIGHTS_CACHE_STATUS_INIT};
    newer.known.size = sizeof newer;
    newer.unknown = 42;
    assert_ok(glimpse_weights_cache_load_status(&newer.known));
    assert_int_equal(newer.known.limit, 7 << 20);
    assert_int_equal(newer.unknown, 42);
    assert_int_equal(newer.known.size, sizeof newer);

    whole.size = 0;
    assert_int_equal(glimpse_weights_cache_load_status(&whole), GLIMPSE_E_INVALID);
    expect_message("GLIMPSE_WEIGHTS_CACHE_STATUS_INIT");
}

/* An older program's struct ends where its memory ends: nothing is written behind it. */
static void an_older_report_is_not_overrun(void **state) {
    (void)state;
    typedef struct report {
        size_t size;
        uint64_t first, second, third;
    } report;
    const report own = {sizeof own, 1, 2, 3};
    report given = {offsetof(report, third), 9, 9, 9};
    assert_ok(GLIMPSE_REPORT_CHECK(&given, report, first));
    GLIMPSE_REPORT_STORE(&given, &own);
    assert_int_equal(given.size, offsetof(report, third));
    assert_int_equal(given.first, 1);
    assert_int_equal(given.second, 2);
    assert_int_equal(given.third, 9);
    given.size = offsetof(report, first);
    assert_int_equal(GLIMPSE_REPORT_CHECK(&given, report, first), GLIMPSE_E_INVALID);
    assert_ok(GLIMPSE_REPORT_CHECK(NULL, report, first));
    GLIMPSE_REPORT_STORE((report *)NULL, &own);
}

static void what_an_older_struct_lacks_is_the_default(void **state) {
    (void)state;
    typedef struct settings {
        size_t size;
        double weight;
        double limit;
    } settings;
    settings own = {sizeof own, 0.5, -1}, older = {offsetof(settings, limit), 0.25, 77};
    assert_ok(GLIMPSE_OPTIONS_LOAD(&own, &older, settings, weight));
    assert_true(own.weight == 0.25 && own.limit == -1);
    assert_int_equal(own.size, sizeof own);
}

/*
 * glimpse_vlm_open and glimpse_vlm_answer_copy: defaults that are not zero, and a struct with
 * borrowed strings.
 */
static void model_options_are_judged_before_the_model(void **state) {
    (void)state;
    glimpse_vlm *vlm = NULL;
    NEWER(glimpse_vlm_options) newer = {.known = GLIMPSE_VLM_OPTIONS_INIT};
    newer.known.size = sizeof newer;
    newer.known.config = "";
    assert_true(newer.known.max_cost < 0);
    assert_ok(glimpse_vlm_open(&vlm, "openai:m@http://127.0.0.1:9/v1", &newer.known));
    glimpse_vlm_close(vlm);
    newer.unknown = 1;
    assert_int_equal(glimpse_vlm_open(&vlm, "openai:m@http://127.0.0.1:9/v1", &newer.known),
                     GLIMPSE_E_UNSUPPORTED);
    assert_null(vlm);
    newer.known.size = 0;
    assert_int_equal(glimpse_vlm_open(&vlm, "openai:m@http://127.0.0.1:9/v1", &newer.known),
                     GLIMPSE_E_INVALID);
    expect_message("GLIMPSE_VLM_OPTIONS_INIT");

    glimpse_model *model = NULL;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.size = 3;
    assert_int_equal(glimpse_model_open(&model, "/nowhere", &options), GLIMPSE_E_INVALID);
    options.size = GLIMPSE_SIZE_UP_TO(glimpse_model_options, towers);
    options.flags = ~0u; /* behind the end */
    assert_int_equal(glimpse_model_open(&model, "/nowhere", &options), GLIMPSE_E_NOT_FOUND);

    glimpse_vlm_answer answer = GLIMPSE_VLM_ANSWER_INIT, *copy = NULL;
    answer.text = "seven";
    assert_ok(glimpse_vlm_answer_copy(&copy, &answer));
    assert_string_equal(copy->text, "seven");
    assert_true(copy->cosine == -2.0 && copy->size == sizeof *copy);
    glimpse_vlm_answer_free(copy);
    answer.size = 0;
    assert_int_equal(glimpse_vlm_answer_copy(&copy, &answer), GLIMPSE_E_INVALID);
    assert_null(copy);
}

/*
 * The flag.
 */
static glimpse_cancel flag;

static void raise_it(int number) {
    (void)number;
    glimpse_cancel_raise(&flag);
}

static void *wait_for_it(void *user) {
    glimpse_cancel *cancel = user;
    while (!glimpse_cancel_raised(cancel))
        (void)usleep(100);
    return NULL;
}

static void a_flag_stays_raised_until_it_is_cleared(void **state) {
    (void)state;
    assert_int_equal(glimpse_cancel_raised(&flag), 0);
    assert_int_equal(glimpse_cancel_raised(NULL), 0);
    glimpse_cancel_raise(NULL);
    struct sigaction action = {.sa_handler = raise_it}, before;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    assert_int_equal(glimpse_cancel_raised(&flag), 1);
    assert_int_equal(glimpse_cancel_raised(&flag), 1);
    glimpse_cancel_clear(&flag);
    assert_int_equal(glimpse_cancel_raised(&flag), 0);

    pthread_t waiting[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&waiting[i], NULL, wait_for_it, &flag), 0);
    glimpse_cancel_raise(&flag);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(waiting[i], NULL), 0);
    glimpse_cancel_clear(&flag);
    glimpse_free(NULL);
    glimpse_free(malloc(1));
}

static void version_numbers_and_text_agree(void **state) {
    (void)state;
    char text[64];
    (void)snprintf(text, sizeof text, "%d.%d.%d", GLIMPSE_VERSION_MAJOR, GLIMPSE_VERSION_MINOR,
                   GLIMPSE_VERSION_PATCH);
    assert_string_equal(text, GLIMPSE_VERSION);
    assert_int_equal(GLIMPSE_VERSION_NUMBER, GLIMPSE_VERSION_MAJOR * 10000 +
                                                 GLIMPSE_VERSION_MINOR * 100 +
                                                 GLIMPSE_VERSION_PATCH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(older_options_are_accepted),
        cmocka_unit_test(newer_options_are_accepted_when_they_ask_for_nothing_new),
        cmocka_unit_test(a_size_that_nobody_set_is_refused),
        cmocka_unit_test(reports_are_filled_as_far_as_they_go),
        cmocka_unit_test(an_older_report_is_not_overrun),
        cmocka_unit_test(what_an_older_struct_lacks_is_the_default),
        cmocka_unit_test(model_options_are_judged_before_the_model),
        cmocka_unit_test(a_flag_stays_raised_until_it_is_cleared),
        cmocka_unit_test(version_numbers_and_text_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
