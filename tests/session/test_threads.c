/*
 * test_threads.c - one session in many threads: readers beside a writer, writers in turn.
 *
 * Run it with ThreadSanitizer: ctest -L threads.
 */
#include "session_support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

typedef struct reader {
    fixture *f;
    const char *word; /* searched for; NULL: what is similar to `path` */
    const char *path;
    atomic_int *stop;
    unsigned searches;
    int status;
    char message[256];
} reader;

static void *read_until_stopped(void *user) {
    reader *r = user;
    do {
        glimpse_hits *hits = NULL;
        r->status = r->word
                        ? glimpse_session_search(&hits, r->f->session, &r->word, 1, everything())
                        : glimpse_session_similar(&hits, r->f->session, r->path, everything());
        if (r->status < 0 || glimpse_hits_count(hits) != 10) {
            (void)snprintf(r->message, sizeof r->message, "%zu hits; %s", glimpse_hits_count(hits),
                           r->status < 0 ? glimpse_last_error() : "no error");
            if (r->status == GLIMPSE_OK) r->status = GLIMPSE_E_INTERNAL;
        }
        glimpse_hits_free(hits);
        r->searches++;
    } while (r->status == GLIMPSE_OK && !atomic_load(r->stop));
    return NULL;
}

static void threads_search_while_another_indexes(void **state) {
    fixture *f = *state;
    atomic_int stop = 0;
    reader readers[3] = {{.f = f, .word = "a red circle", .stop = &stop},
                         {.f = f, .word = "two parrots on a branch", .stop = &stop},
                         {.f = f, .stop = &stop}};
    pthread_t threads[3];
    glimpse_library_status *status = NULL;
    open_session(f, NULL);
    index_demo(f, "shapes");
    glimpse_hits *red = search(f, "a red circle", NULL);
    readers[2].path = glimpse_hits_get(red, 0)->path;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_until_stopped, &readers[i]), 0);
    index_demo(f, "animals");
    index_demo(f, "food");
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 3; i++) {
        if (readers[i].status != GLIMPSE_OK) fail_msg("reader %d: %s", i, readers[i].message);
        assert_true(readers[i].searches > 0);
    }
    /* What the other threads' handles learned of the library is its state now. */
    assert_ok(glimpse_session_load_status(&status, f->session));
    assert_true(status->embedded > 60);
    glimpse_library_status_free(status);
    glimpse_hits *dog = search(f, "a dog", NULL);
    assert_non_null(strstr(glimpse_hits_get(dog, 0)->path, "/animals/"));
    glimpse_hits_free(dog);
    glimpse_hits_free(red);
}

static void *write_one(void *user) {
    fixture *f = user;
    return (void *)(intptr_t)glimpse_session_reindex(f->session);
}

static void writers_of_one_session_wait_for_each_other(void **state) {
    fixture *f = *state;
    pthread_t threads[4];
    open_session(f, NULL);
    index_demo(f, "shapes");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_one, f), 0);
    index_demo(f, "things");
    for (int i = 0; i < 4; i++) {
        void *status = NULL;
        assert_int_equal(pthread_join(threads[i], &status), 0);
        assert_int_equal((intptr_t)status, GLIMPSE_OK);
    }
}

typedef struct blocked {
    fixture *f;
    atomic_int writing, waited, go_on;
} blocked;

/* The first writer stops half way, until the second has given up. */
static int hold(void *user, const glimpse_progress *progress) {
    blocked *b = user;
    (void)progress;
    atomic_store(&b->writing, 1);
    while (!atomic_load(&b->go_on))
        (void)usleep(1000);
    return 0;
}

static void *write_slowly(void *user) {
    blocked *b = user;
    const char *root = GLIMPSE_SOURCE_DIR "/data/demo/food";
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    options.roots = &root;
    options.root_count = 1;
    options.progress = hold;
    options.user = b;
    return (void *)(intptr_t)glimpse_session_index(NULL, b->f->session, &options);
}

static int give_up(void *user, const glimpse_progress *progress) {
    blocked *b = user;
    assert_string_equal(progress->stage, "waiting for another writer");
    return atomic_fetch_add(&b->waited, 1) == 1;
}

static void waiting_for_a_writer_can_be_cancelled(void **state) {
    fixture *f = *state;
    blocked b = {.f = f};
    pthread_t thread;
    void *status = NULL;
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    open_session(f, NULL);
    index_demo(f, "shapes");
    assert_int_equal(pthread_create(&thread, NULL, write_slowly, &b), 0);
    while (!atomic_load(&b.writing))
        (void)usleep(1000);
    options.progress = give_up;
    options.user = &b;
    assert_int_equal(glimpse_session_index(NULL, f->session, &options), GLIMPSE_E_CANCELLED);
    assert_int_equal(atomic_load(&b.waited), 2);
    glimpse_hits_free(search(f, "a red circle", NULL)); /* readers never wait */
    atomic_store(&b.go_on, 1);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_int_equal((intptr_t)status, GLIMPSE_OK);
}

typedef struct look {
    fixture *f;
    int status;
    size_t failed;
} look;

static void *look_again(void *user) {
    look *l = user;
    const char *text = "a red circle";
    glimpse_hits *hits = NULL;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    options.rerank = 1;
    options.rerank_depth = 4;
    l->status = glimpse_session_search(&hits, l->f->session, &text, 1, &options);
    if (hits) l->failed = glimpse_hits_summarize(hits)->failed;
    glimpse_hits_free(hits);
    return NULL;
}

static void one_vision_language_model_serves_all_threads(void **state) {
    fixture *f = *state;
    look looks[3] = {{.f = f}, {.f = f}, {.f = f}};
    pthread_t threads[3];
    open_session(f, NULL);
    index_demo(f, "shapes");
    f->note_count = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_again, &looks[i]), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(looks[i].status, GLIMPSE_OK);
        assert_int_equal(looks[i].failed, 0);
    }
    assert_int_equal(f->note_count, 1); /* it was chosen, and opened, once */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(threads_search_while_another_indexes),
        TEST(writers_of_one_session_wait_for_each_other),
        TEST(waiting_for_a_writer_can_be_cancelled),
        TEST(one_vision_language_model_serves_all_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
