/*
 * Pausing: what is under way is finished and committed before the process stops, and all goes on
 * as if nothing had been.
 */
#include "ingest_support.h"

#include "core/clock.h"

#include <glimpse/process.h>

#include <time.h>

enum { PICTURES = 120, PAUSES = 3 };

static struct {
    fixture *f;
    atomic_int wanted;
    int paused, cancel_after; /* cancelled: when so many pauses are over; 0: never */
    uint64_t committed[PAUSES + 1];
} p;

static int wanted(void) {
    return atomic_load(&p.wanted);
}

static uint64_t committed_embeddings(void) {
    glimpse_library *other = NULL;
    glimpse_library_status *status = NULL;
    assert_ok(glimpse_library_open(&other, p.f->library_path, GLIMPSE_LIBRARY_READ_ONLY));
    assert_ok(glimpse_library_load_status(&status, other));
    const uint64_t count = status->embedded;
    glimpse_library_status_free(status);
    glimpse_library_close(other);
    return count;
}

static void pause_here(void) {
    static const struct timespec a_while = {0, 30000000};
    atomic_store(&p.wanted, 0);
    const unsigned before = atomic_load(&p.f->fake.encoded);
    (void)nanosleep(&a_while, NULL);
    assert_int_equal(atomic_load(&p.f->fake.encoded), before); /* nobody works */
    /* All that was embedded is there for whoever looks, and would be after a power cut. */
    p.committed[p.paused] = committed_embeddings();
    assert_int_equal(p.committed[p.paused], before);
    p.paused++;
}

static int on_progress(void *user, const glimpse_progress *now) {
    (void)user;
    if (p.cancel_after && p.paused >= p.cancel_after) return 1;
    /* After the next few pictures; several times. */
    if (p.paused < PAUSES && now->embedded > (uint64_t)p.paused * 20) atomic_store(&p.wanted, 1);
    return 0;
}

static glimpse_ingest_options begin(void **state) {
    fixture *f = *state;
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%03u.ppm", i);
        write_picture(f, name, i);
    }
    f->fake.decode_us = 1000;
    f->fake.encode_us = 1000;
    memset(&p, 0, sizeof p);
    p.f = f;
    glimpse_ingest_options options = options_for(f);
    options.jobs = 3;
    options.batch = 4;
    options.progress = on_progress;
    glimpse_set_pause(wanted, pause_here);
    return options;
}

static void a_paused_run_has_committed_all_and_goes_on(void **state) {
    glimpse_ingest_options options = begin(state);
    assert_ok(ingest_with(p.f, &options));
    glimpse_set_pause(NULL, NULL);
    assert_true(p.paused >= 1);
    for (int i = 1; i < p.paused; i++)
        assert_true(p.committed[i] > p.committed[i - 1]);
    assert_report(p.f, PICTURES, 0, PICTURES, 0, 0, 0);
    assert_int_equal(committed_embeddings(), PICTURES);
    assert_sound(p.f);
}

static void a_run_that_is_stopped_while_it_pauses_ends(void **state) {
    glimpse_ingest_options options = begin(state);
    p.cancel_after = 1;
    assert_int_equal(ingest_with(p.f, &options), GLIMPSE_E_CANCELLED);
    assert_int_equal(p.paused, 1);
    assert_int_equal(committed_embeddings(), p.f->report.embedded);
    options.progress = NULL;
    assert_ok(ingest_with(p.f, &options));
    glimpse_set_pause(NULL, NULL);
    assert_int_equal(committed_embeddings(), PICTURES);
    assert_sound(p.f);
}

static void slow_pause(void) {
    static const struct timespec tenth = {0, 100000000};
    atomic_store(&p.wanted, 0);
    (void)nanosleep(&tenth, NULL);
    p.paused++;
}

static void the_time_of_a_pause_is_none_of_the_run(void **state) {
    (void)state;
    memset(&p, 0, sizeof p);
    glimpse_set_pause(wanted, slow_pause);
    atomic_store(&p.wanted, 1);
    assert_false(glimpse_pause_is_coming()); /* nothing runs that looks */
    struct timespec start, end;
    const double before = glimpse_now();
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    glimpse_pause_now(slow_pause);
    const double shown = glimpse_now() - before;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    const double real =
        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
    glimpse_set_pause(NULL, NULL);
    assert_int_equal(p.paused, 1);
    assert_true(real >= 0.1);
    assert_true(shown >= 0 && shown <= real - 0.099);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        T(a_paused_run_has_committed_all_and_goes_on),
        T(a_run_that_is_stopped_while_it_pauses_ends),
        cmocka_unit_test(the_time_of_a_pause_is_none_of_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
