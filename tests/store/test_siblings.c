/*
 * Handles of one library in one process: they share loaded vectors, keep what they have while it is
 * used, and may search from their own threads while one of them writes.
 */
#include "support/libraries.h"

#include <pthread.h>
#include <stdatomic.h>

static glimpse_model_info model_of(glimpse_library *library) {
    glimpse_store *store = glimpse_library_store(library);
    glimpse_model_info model;
    assert_ok(store->ops->models.find(&model, store, world_key.fingerprint));
    return model;
}

/* What the handle searches now, inside a read transaction of its own. */
static const glimpse_vectors *vectors_of(glimpse_library *library) {
    glimpse_store *store = glimpse_library_store(library);
    const glimpse_vectors *vectors = NULL;
    assert_ok(store->ops->begin_read(store));
    const glimpse_model_info model = model_of(library);
    assert_ok(store->ops->vectors.get(&vectors, store, &model));
    store->ops->end_read(store);
    return vectors;
}

static void siblings_share_one_index(void **state) {
    (void)state;
    world w;
    glimpse_library *a = NULL, *b = NULL, *stranger = NULL;
    world_open(&w, 1);
    world_populate(&w, 200);
    assert_ok(glimpse_library_open_sibling(&a, w.library));
    const glimpse_vectors *first = vectors_of(w.library);
    assert_ptr_equal(vectors_of(a), first);
    assert_ok(glimpse_library_open_sibling(&b, a)); /* of a sibling, after it was loaded */
    assert_ptr_equal(vectors_of(b), first);
    assert_string_equal(glimpse_library_path(b), glimpse_library_path(w.library));
    assert_ok(glimpse_library_open(&stranger, w.library_path, 0));
    assert_ptr_not_equal(vectors_of(stranger), first);
    glimpse_library_close(stranger);
    /* Closed in any order; the last one still has it. */
    glimpse_library_close(w.library);
    glimpse_library_close(a);
    assert_ptr_equal(vectors_of(b), first);
    w.library = b;
    world_close(&w);
}

static void a_new_version_takes_the_place_of_the_old_one(void **state) {
    (void)state;
    world w;
    glimpse_library *a = NULL, *b = NULL;
    world_open(&w, 2);
    world_populate(&w, 150);
    assert_ok(glimpse_library_open_sibling(&a, w.library));
    assert_ok(glimpse_library_open_sibling(&b, w.library));
    const glimpse_vectors *old = vectors_of(a);
    assert_ptr_equal(vectors_of(b), old);
    size_t count = glimpse_vectors_count(old);

    size_t added = world_add_content(&w, NULL, "");
    world_add_file(&w, "a/new.jpg", added, 0, 0);
    const glimpse_vectors *new = vectors_of(b);
    assert_ptr_not_equal(new, old);
    assert_int_equal(glimpse_vectors_count(new), count + 1);
    /* Who has not looked keeps what it had, unchanged. */
    int64_t row = 0;
    assert_int_equal(glimpse_vectors_count(old), count);
    assert_ok(glimpse_vectors_find(&row, old, w.contents[added].id));
    assert_int_equal(row, -1);
    assert_ptr_equal(vectors_of(w.library), new);
    assert_ptr_equal(vectors_of(a), new);
    /* Nobody else holds it: it grows in place, and siblings to come find that. */
    glimpse_library_close(w.library);
    glimpse_library_close(b);
    w.library = a;
    world_add_file(&w, "a/newer.jpg", world_add_content(&w, NULL, ""), 0, 0);
    const glimpse_vectors *newest = vectors_of(a);
    assert_ptr_equal(newest, new);
    assert_int_equal(glimpse_vectors_count(newest), count + 2);
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    float query[WORLD_DIM];
    world_vector(&w, query);
    world_check_search(&w, query, &options);
    world_close(&w);
}

static void a_reader_of_an_old_state_gets_its_own(void **state) {
    (void)state;
    world w;
    glimpse_library *a = NULL, *b = NULL;
    world_open(&w, 3);
    world_populate(&w, 100);
    assert_ok(glimpse_library_open_sibling(&a, w.library));
    assert_ok(glimpse_library_open_sibling(&b, w.library));
    glimpse_store *reader = glimpse_library_store(a);
    const glimpse_vectors *seen = NULL, *again = NULL;
    assert_ok(reader->ops->begin_read(reader));
    const glimpse_model_info before = model_of(a); /* from here on it sees this state */
    world_add_file(&w, "a/later.jpg", world_add_content(&w, NULL, ""), 0, 0);
    const glimpse_vectors *latest = vectors_of(b);
    assert_int_equal(glimpse_vectors_count(latest), before.embedded + 1);
    assert_ok(reader->ops->vectors.get(&seen, reader, &before));
    assert_int_equal(glimpse_vectors_count(seen), before.embedded);
    assert_ok(reader->ops->vectors.get(&again, reader, &before));
    assert_ptr_equal(again, seen);
    reader->ops->end_read(reader);
    assert_ptr_equal(vectors_of(b), latest); /* which stays the shared one */
    assert_ptr_equal(vectors_of(a), latest);
    glimpse_library_close(b);
    glimpse_library_close(a);
    world_close(&w);
}

static void pruning_drops_what_is_shared(void **state) {
    (void)state;
    world w;
    glimpse_library *a = NULL;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    world_open(&w, 4);
    world_populate(&w, 120);
    assert_ok(glimpse_library_open_sibling(&a, w.library));
    const glimpse_vectors *old = vectors_of(a);
    size_t count = glimpse_vectors_count(old);
    assert_ok(glimpse_library_prune(&report, w.library, NULL));
    assert_true(report.embeddings > 0);
    assert_int_equal(glimpse_vectors_count(old), count); /* still held */
    const glimpse_vectors *now = vectors_of(a);
    assert_int_equal(glimpse_vectors_count(now), count - report.embeddings);
    assert_ptr_equal(vectors_of(w.library), now);
    glimpse_library_close(a);
    world_close(&w);
}

static void siblings_open_as_the_first_did(void **state) {
    (void)state;
    world w;
    glimpse_library *a = NULL;
    world_open(&w, 5);
    world_populate(&w, 20);
    world_reopen(&w, GLIMPSE_LIBRARY_READ_ONLY);
    assert_ok(glimpse_library_open_sibling(&a, w.library));
    assert_int_equal(glimpse_library_lock(a, "test"), GLIMPSE_E_IO);
    glimpse_library_close(a);
    assert_int_equal(glimpse_library_open_sibling(NULL, w.library), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_open_sibling(&a, NULL), GLIMPSE_E_INVALID);
    assert_null(a);
    world_close(&w);
}

/*
 * Several search while one writes.
 */
enum { READERS = 3, COMMITS = 25, PER_COMMIT = 8 };

typedef struct reader {
    pthread_t thread;
    glimpse_library *parent;
    const atomic_int *done;
    float query[WORLD_DIM];
    int searches;
    size_t fewest, max; /* results, which only grow */
    char trouble[256];
} reader;

static void *read_on(void *user) {
    reader *r = user;
    glimpse_library *library = NULL;
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    options.k = 100000;
    int status = glimpse_library_open_sibling(&library, r->parent);
    int last = 0;
    while (status == GLIMPSE_OK && !last) {
        glimpse_results *results = NULL;
        last = atomic_load(r->done); /* once more after the writer's end */
        status = glimpse_library_search_key(&results, library, &world_key, r->query, &options);
        size_t count = glimpse_results_count(results);
        if (r->searches++ == 0) r->fewest = count;
        if (status == GLIMPSE_OK && count < r->max) {
            (void)snprintf(r->trouble, sizeof r->trouble, "%zu results after %zu", count, r->max);
        }
        if (status == GLIMPSE_OK && (count - r->fewest) % PER_COMMIT != 0) {
            (void)snprintf(r->trouble, sizeof r->trouble, "%zu results: a part of a batch", count);
        }
        r->max = count;
        glimpse_results_free(results);
    }
    if (status < 0) (void)snprintf(r->trouble, sizeof r->trouble, "%s", glimpse_last_error());
    glimpse_library_close(library);
    return NULL;
}

static void siblings_search_while_one_writes(void **state) {
    (void)state;
    world w;
    atomic_int done = 0;
    reader readers[READERS];
    world_open(&w, 6);
    world_populate(&w, 300);
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (reader){.parent = w.library, .done = &done};
        world_vector(&w, readers[i].query);
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    glimpse_store *store = glimpse_library_store(w.library);
    size_t before = w.content_count;
    for (int commit = 0; commit < COMMITS; commit++) {
        assert_ok(store->ops->lock(store, "test"));
        assert_ok(store->ops->begin(store));
        for (int i = 0; i < PER_COMMIT; i++) {
            char name[64];
            (void)snprintf(name, sizeof name, "w/%d-%d.jpg", commit, i);
            world_add_file(&w, name, world_add_content(&w, NULL, ""), 0, 0);
        }
        assert_ok(store->ops->commit(store));
        if (commit % 5 == 4) assert_ok(store->ops->vectors.update(store, world_key.fingerprint));
        store->ops->unlock(store);
        float query[WORLD_DIM];
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        world_vector(&w, query);
        world_check_search(&w, query, &options); /* the writer searches as well */
    }
    atomic_store(&done, 1);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        if (readers[i].trouble[0]) fail_msg("reader %zu: %s", i, readers[i].trouble);
        assert_int_equal(readers[i].max, readers[0].max);
        assert_true(readers[i].searches > 0);
    }
    assert_int_equal(w.content_count - before, COMMITS * PER_COMMIT);
    glimpse_library *fresh = NULL;
    assert_ok(glimpse_library_open(&fresh, w.library_path, 0));
    assert_int_equal(glimpse_vectors_count(vectors_of(fresh)), w.content_count);
    glimpse_library_close(fresh);
    char text[2000];
    assert_ok(world_verify(&w, text, sizeof text));
    world_close(&w);
}

/* What a thread does that forgot to enter the connection. */
typedef struct intruder {
    glimpse_db *db;
    int status;
    char message[200];
} intruder;

static void *go_in_without_the_lock(void *user) {
    intruder *i = user;
    i->status = glimpse_db_run(i->db, "SELECT 1", "");
    (void)snprintf(i->message, sizeof i->message, "%s", glimpse_last_error());
    return NULL;
}

static void two_threads_in_one_connection_are_told_so(void **state) {
    (void)state;
    world w;
    world_open(&w, 7);
    pthread_t thread;
    intruder i = {.db = glimpse_store_db(glimpse_library_store(w.library))};
    glimpse_db_enter(i.db);
    assert_int_equal(pthread_create(&thread, NULL, go_in_without_the_lock, &i), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(i.status, GLIMPSE_E_INTERNAL);
    assert_non_null(strstr(i.message, "used by two threads at once"));
    assert_ok(glimpse_db_run(i.db, "SELECT 1", "")); /* who is inside goes on */
    glimpse_db_leave(i.db);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siblings_share_one_index),
        cmocka_unit_test(a_new_version_takes_the_place_of_the_old_one),
        cmocka_unit_test(a_reader_of_an_old_state_gets_its_own),
        cmocka_unit_test(pruning_drops_what_is_shared),
        cmocka_unit_test(siblings_open_as_the_first_did),
        cmocka_unit_test(siblings_search_while_one_writes),
        cmocka_unit_test(two_threads_in_one_connection_are_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
