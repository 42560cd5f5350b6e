/*
 * test_stop.c - calls of a session that are stopped, or would wait for themselves.
 */
#include "session_support.h"

#include <glimpse/session_label.h>

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* Stops when it is asked for the time `at`. */
typedef struct asked {
    unsigned count, at;
} asked;

static int stop_at(void *user) {
    asked *a = user;
    return ++a->count == a->at;
}

static int progress_stops(void *user, const glimpse_progress *progress) {
    asked *a = user;
    (void)progress;
    a->count++;
    return 1;
}

static void a_search_is_asked_whether_to_stop(void **state) {
    fixture *f = *state;
    const char *words[] = {"a red circle"};
    asked a = {0, 0};
    glimpse_hits *hits = NULL;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    options.cancelled = stop_at;
    options.user = &a;
    open_session(f, NULL);
    index_demo(f, "shapes");
    assert_ok(glimpse_session_search(&hits, f->session, words, 1, &options));
    assert_int_equal(a.count, 2);
    const char *path = glimpse_hits_get(hits, 0)->path;
    for (unsigned at = 1; at <= 2; at++) {
        glimpse_hits *none = hits;
        a = (asked){0, at};
        assert_int_equal(glimpse_session_search(&none, f->session, words, 1, &options),
                         GLIMPSE_E_CANCELLED);
        assert_null(none);
        assert_int_equal(a.count, at);
        a = (asked){0, at};
        assert_int_equal(glimpse_session_similar(&none, f->session, path, &options),
                         GLIMPSE_E_CANCELLED);
        assert_null(none);
        assert_int_equal(a.count, at);
    }
    glimpse_hits_free(hits);
}

static void labelling_that_is_stopped_at_its_end_was_stopped(void **state) {
    fixture *f = *state;
    const char *paths[4];
    asked a = {0, 0};
    glimpse_label_totals totals = GLIMPSE_LABEL_TOTALS_INIT;
    glimpse_labeller_options options = GLIMPSE_LABELLER_OPTIONS_INIT;
    open_session(f, NULL);
    index_demo(f, "shapes");
    glimpse_hits *hits = search(f, "a red circle", NULL);
    for (size_t i = 0; i < 4; i++)
        paths[i] = glimpse_hits_get(hits, i)->path;
    options.classes = "circle,square";
    options.progress = progress_stops;
    options.user = &a;
    assert_int_equal(glimpse_session_label(&totals, f->session, paths, 4, &options, NULL, NULL),
                     GLIMPSE_E_CANCELLED);
    assert_int_equal(a.count, 1);
    assert_int_equal(totals.labelled, 4);
    glimpse_hits_free(hits);
}

static void *write_elsewhere(void *user) {
    fixture *f = user;
    return (void *)(intptr_t)glimpse_session_reindex(f->session);
}

static void a_thread_does_not_wait_for_itself(void **state) {
    fixture *f = *state;
    glimpse_labeller *labeller = NULL;
    glimpse_labeller_options options = GLIMPSE_LABELLER_OPTIONS_INIT;
    pthread_t thread;
    void *status = NULL;
    open_session(f, NULL);
    index_demo(f, "shapes");
    options.classes = "circle,square";
    options.store = "forms";
    assert_ok(glimpse_session_open_labeller(&labeller, f->session, 1, &options));
    assert_int_equal(glimpse_session_reindex(f->session), GLIMPSE_E_BUSY);
    assert_message("this thread is writing to the library already");
    assert_int_equal(glimpse_session_prune(NULL, f->session, NULL), GLIMPSE_E_BUSY);
    glimpse_hits_free(search(f, "a red circle", NULL));
    /* Another thread waits as ever. */
    assert_int_equal(pthread_create(&thread, NULL, write_elsewhere, f), 0);
    (void)usleep(50000);
    assert_ok(glimpse_labeller_label_library(NULL, labeller, NULL, 0, NULL, NULL));
    glimpse_labeller_close(labeller);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_int_equal((intptr_t)status, GLIMPSE_OK);
    assert_ok(glimpse_session_reindex(f->session));
}

typedef struct waiting {
    fixture *f;
    asked asked;
} waiting;

static void *prune_until_stopped(void *user) {
    waiting *w = user;
    glimpse_prune_options options = GLIMPSE_PRUNE_OPTIONS_INIT;
    options.cancelled = stop_at;
    options.user = &w->asked;
    return (void *)(intptr_t)glimpse_session_prune(NULL, w->f->session, &options);
}

static void pruning_stops_while_it_waits(void **state) {
    fixture *f = *state;
    glimpse_labeller *labeller = NULL;
    glimpse_labeller_options options = GLIMPSE_LABELLER_OPTIONS_INIT;
    waiting w = {f, {0, 2}};
    pthread_t thread;
    void *status = NULL;
    open_session(f, NULL);
    index_demo(f, "shapes");
    options.classes = "circle,square";
    options.store = "forms";
    assert_ok(glimpse_session_open_labeller(&labeller, f->session, 1, &options));
    assert_int_equal(pthread_create(&thread, NULL, prune_until_stopped, &w), 0);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_int_equal((intptr_t)status, GLIMPSE_E_CANCELLED);
    assert_int_equal(w.asked.count, 2);
    glimpse_labeller_close(labeller);
    /* And before it begins. */
    w.asked = (asked){0, 1};
    assert_int_equal((intptr_t)prune_until_stopped(&w), GLIMPSE_E_CANCELLED);
    /* And at any time while it works: it is one transaction, and nothing was forgotten. */
    unsigned asks = 1;
    for (unsigned at = 0; at <= asks; at++) {
        glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
        glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
        const unsigned last = at == asks;
        w.asked = (asked){0, last ? 0 : at};
        prune.dry_run = at == 0;
        prune.root = GLIMPSE_SOURCE_DIR "/data/demo/shapes";
        prune.cancelled = stop_at;
        prune.user = &w.asked;
        int pruned = glimpse_session_prune(&report, f->session, &prune);
        if (at > 0 && !last) {
            assert_int_equal(pruned, GLIMPSE_E_CANCELLED);
        } else {
            assert_ok(pruned);
            assert_true(report.files > 0);
        }
        if (at == 0) asks = w.asked.count;
        assert_true(asks > 2);
    }
}

/* Stops calls without options the first time and at any later time they ask; then they go on. */
static void looking_after_a_library_stops_and_goes_on(void **state) {
    fixture *f = *state;
    asked a = {0, 0};
    uint64_t checked = 0;
    unsigned asks[2];
    glimpse_session_options options = options_for(f);
    options.cancelled = stop_at;
    options.user = &a;
    open_session(f, &options);
    index_demo(f, "shapes");
    a.count = 0;
    assert_ok(glimpse_session_verify(&checked, f->session, NULL, NULL));
    asks[0] = a.count;
    a.count = 0;
    assert_ok(glimpse_session_reindex(f->session));
    asks[1] = a.count;
    assert_true(asks[0] > 2 && asks[1] > 0);
    for (unsigned at = 1; at <= asks[0]; at += 1 + asks[0] / 12) {
        a = (asked){0, at};
        assert_int_equal(glimpse_session_verify(NULL, f->session, NULL, NULL), GLIMPSE_E_CANCELLED);
        assert_int_equal(a.count, at);
    }
    for (unsigned at = 1; at <= asks[1]; at++) {
        a = (asked){0, at};
        const int status = glimpse_session_reindex(f->session);
        /* How often SQLite asks depends on what it has ready from before, by one. */
        if (at < asks[1] || a.count == at) assert_int_equal(status, GLIMPSE_E_CANCELLED);
        a.at = 0;
        assert_ok(glimpse_session_verify(NULL, f->session, NULL, NULL));
        glimpse_hits_free(search(f, "a red circle", NULL));
    }
    a.at = 0;
    assert_ok(glimpse_session_reindex(f->session));
    assert_ok(glimpse_session_verify(&checked, f->session, NULL, NULL));
    assert_true(checked > 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_search_is_asked_whether_to_stop),
        TEST(labelling_that_is_stopped_at_its_end_was_stopped),
        TEST(a_thread_does_not_wait_for_itself),
        TEST(pruning_stops_while_it_waits),
        TEST(looking_after_a_library_stops_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
