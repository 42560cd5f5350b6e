/*
 * test_beside.c - everything at once on one session: searching, looking for duplicates,
 * deciding and captioning while another thread indexes.
 *
 * Run it with ThreadSanitizer: ctest -L threads.
 */
#include "session_support.h"

#include <glimpse/session_dedup.h>
#include <glimpse/session_vlm.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct worker {
    fixture *f;
    atomic_int *stop;
    int (*work)(struct worker *w); /* a status */
    unsigned orientations;
    int status;
    char message[256];
} worker;

static void *run(void *user) {
    worker *w = user;
    do {
        w->status = w->work(w);
        w->orientations++;
        if (w->status < 0) {
            (void)snprintf(w->message, sizeof w->message, "%s", glimpse_last_error());
        }
    } while (w->status == GLIMPSE_OK && !atomic_load(w->stop));
    return NULL;
}

static int search_words(worker *w) {
    static const char *const words[] = {"a red circle", "a dog", "bread"};
    glimpse_hits *hits = NULL;
    int status =
        glimpse_session_search(&hits, w->f->session, &words[w->orientations % 3], 1, everything());
    if (status == GLIMPSE_OK && glimpse_hits_count(hits) != 10) status = GLIMPSE_E_INTERNAL;
    glimpse_hits_free(hits);
    return status;
}

static int find_duplicates(worker *w) {
    glimpse_dedup_report *report = NULL;
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    options.tiers = GLIMPSE_TIER_EXACT | GLIMPSE_TIER_SEMANTIC;
    int status = glimpse_session_dedup(&report, w->f->session, &options);
    if (status == GLIMPSE_OK && report->picture_count < 30) status = GLIMPSE_E_INTERNAL;
    glimpse_dedup_report_free(report);
    return status;
}

/* A writer, which waits for the one that indexes. */
static int decide_and_forget(worker *w) {
    const char *words[] = {"00000000000000000000000000000001", "00000000000000000000000000000002"};
    int64_t number = 0;
    int status = glimpse_session_decide(&number, NULL, w->f->session,
                                        GLIMPSE_DECISION_NOT_DUPLICATES, words, 2);
    return status < 0 ? status : glimpse_session_forget_decision(w->f->session, number);
}

/* Asks as a reader, stores as a writer. */
static int caption(worker *w) {
    glimpse_caption_options options = GLIMPSE_CAPTION_OPTIONS_INIT;
    glimpse_captioning *captions = NULL;
    options.store = 1;
    options.path_prefix = GLIMPSE_SOURCE_DIR "/data/demo/shapes/circle-s";
    int status = glimpse_session_caption(&captions, w->f->session, NULL, 0, &options);
    if (status == GLIMPSE_OK && (glimpse_captioning_count(captions) < 2 ||
                                 glimpse_captioning_summarize(captions)->without > 0)) {
        status = GLIMPSE_E_INTERNAL;
    }
    glimpse_captioning_free(captions);
    return status;
}

static void everything_goes_on_while_a_thread_indexes(void **state) {
    fixture *f = *state;
    atomic_int stop = 0;
    worker workers[] = {{.f = f, .stop = &stop, .work = search_words},
                        {.f = f, .stop = &stop, .work = search_words},
                        {.f = f, .stop = &stop, .work = find_duplicates},
                        {.f = f, .stop = &stop, .work = decide_and_forget},
                        {.f = f, .stop = &stop, .work = caption}};
    enum { COUNT = sizeof workers / sizeof *workers };
    pthread_t threads[COUNT];
    glimpse_decisions *decisions = NULL;
    open_session(f, NULL);
    index_demo(f, "shapes");
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
    index_demo(f, "animals");
    index_demo(f, "food");
    atomic_store(&stop, 1);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < COUNT; i++) {
        if (workers[i].status != GLIMPSE_OK) {
            fail_msg("worker %d: %d, %s", i, workers[i].status, workers[i].message);
        }
        assert_true(workers[i].orientations > 0);
    }
    assert_ok(glimpse_session_load_decisions(&decisions, f->session));
    assert_int_equal(glimpse_decisions_count(decisions), 0);
    glimpse_decisions_free(decisions);
    glimpse_hits *dog = search(f, "a dog", NULL);
    assert_non_null(strstr(glimpse_hits_get(dog, 0)->path, "/animals/"));
    glimpse_hits_free(dog);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_goes_on_while_a_thread_indexes, fixture_begin,
                                        fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
