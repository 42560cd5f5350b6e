/*
 * Several models through the session's interface, from several threads.
 */
#include "session_support.h"

#include "support/random_model.h"

#include <glimpse/session_compare_models.h>

#include <math.h>
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 6 };

/* A model with random weights below the fixture's directory; its path. */
static const char *write_model(fixture *f, const char *name, uint64_t seed) {
    random_model model = random_model_tiny();
    const char *path = path_in(f->directory, name);
    model.seed = seed;
    assert_true(random_model_write(&model, path));
    return path;
}

static char sum[2400];

/* A session of "demo+OTHER" on a library that only the demo model covers. */
static void open_several(fixture *f) {
    glimpse_session_options options = options_for(f);
    options.model = "demo";
    open_session(f, &options);
    index_demo(f, "shapes");
    glimpse_session_close(f->session);
    f->session = NULL;
    (void)snprintf(sum, sizeof sum, "demo+%s", write_model(f, "other", 3));
    options.model = sum;
    open_session(f, &options);
}

static void what_each_covers_is_known_and_embedded(void **state) {
    fixture *f = *state;
    glimpse_model_coverage covered[GLIMPSE_MAX_MODELS];
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    glimpse_hits *hits = NULL;
    const char *word = "a red circle";
    size_t count = 0;
    open_several(f);
    assert_ok(glimpse_session_load_coverage(covered, &count, f->session));
    assert_int_equal(count, 2);
    assert_string_equal(covered[0].model, "demo");
    assert_true(covered[0].embedded > 0 && covered[0].pending == 0);
    assert_true(covered[1].embedded == 0 && covered[1].pending == covered[1].files);
    assert_int_equal(glimpse_session_search(&hits, f->session, &word, 1, NULL),
                     GLIMPSE_E_NOT_FOUND);
    assert_message("/other yet; ");
    assert_null(hits);
    assert_ok(glimpse_session_embed_rest(&report, f->session, NULL));
    assert_int_equal(report.embedded, covered[0].embedded);
    assert_ok(glimpse_session_embed_rest(&report, f->session, NULL));
    assert_int_equal(report.embedded, 0);
    assert_ok(glimpse_session_load_coverage(covered, &count, f->session));
    assert_int_equal(covered[1].pending, 0);
    assert_int_equal(covered[1].embedded, covered[0].embedded);
}

static void hits_of_several_outlive_the_session(void **state) {
    fixture *f = *state;
    open_several(f);
    assert_ok(glimpse_session_embed_rest(NULL, f->session, NULL));
    glimpse_hits *hits = search(f, "a red circle", NULL);
    glimpse_session_close(f->session);
    f->session = NULL;
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    assert_int_equal(summary->model_count, 2);
    assert_string_equal(summary->model, "demo+other");
    assert_null(summary->fingerprint);
    assert_string_equal(summary->models[1].name, "other");
    for (size_t i = 0; i < glimpse_hits_count(hits); i++) {
        const glimpse_hit *hit = glimpse_hits_get(hits, i);
        double fused =
            1.0 / (60.0 + (double)hit->ranks[0].rank) + 1.0 / (60.0 + (double)hit->ranks[1].rank);
        assert_true(fabs(hit->score - fused) < 1e-12 && hit->result->score == hit->score);
        assert_true(hit->first_rank == i + 1 && hit->result->rank == i + 1);
        assert_int_equal(access(hit->path, R_OK), 0);
    }
    glimpse_hits_free(hits);
}

static void what_needs_one_model_refuses_several(void **state) {
    fixture *f = *state;
    const glimpse_model *model = NULL;
    const char *path = NULL;
    open_several(f);
    assert_int_equal(glimpse_session_model(&model, f->session, GLIMPSE_TOWER_TEXT),
                     GLIMPSE_E_INVALID);
    assert_message("would be several models");
    assert_int_equal(glimpse_session_model_path(&path, f->session), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_session_index(NULL, f->session, NULL), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_session_load_coverage(NULL, NULL, f->session), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_session_embed_rest(NULL, NULL, NULL), GLIMPSE_E_INVALID);
}

static void re_ranking_starts_from_the_fused_order(void **state) {
    fixture *f = *state;
    glimpse_search_options search_options = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    open_several(f);
    assert_ok(glimpse_session_embed_rest(NULL, f->session, NULL));
    search_options.k = 5;
    options.search = &search_options;
    glimpse_hits *plain = search(f, "a red circle", &options);
    options.rerank = 1;
    options.rerank_depth = 8;
    options.rerank_weight = 0; /* the first order */
    glimpse_hits *again = search(f, "a red circle", &options);
    assert_int_equal(glimpse_hits_count(again), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(glimpse_hits_get(again, i)->path, glimpse_hits_get(plain, i)->path);
        assert_true(glimpse_hits_get(again, i)->probability >= 0);
        assert_non_null(glimpse_hits_get(again, i)->ranks);
    }
    glimpse_hits_free(again);
    glimpse_hits_free(plain);
}

static void *search_often(void *user) {
    const char *word = "a red circle";
    size_t found = 0;
    for (int i = 0; i < ROUNDS; i++) {
        glimpse_hits *hits = NULL;
        if (glimpse_session_search(&hits, user, &word, 1, everything()) == GLIMPSE_OK) {
            found += glimpse_hits_count(hits);
        }
        glimpse_hits_free(hits);
    }
    return found == 10 * ROUNDS ? user : NULL;
}

static void *embed_rest(void *user) {
    return glimpse_session_embed_rest(NULL, user, NULL) == GLIMPSE_OK ? user : NULL;
}

static void threads_share_the_models(void **state) {
    fixture *f = *state;
    pthread_t threads[THREADS + 1];
    glimpse_ingest_options some = GLIMPSE_INGEST_OPTIONS_INIT;
    open_several(f);
    assert_ok(glimpse_session_embed_rest(NULL, f->session, &some));
    /* New pictures meanwhile. */
    glimpse_session_options options = options_for(f);
    glimpse_session *one = NULL;
    options.model = "demo";
    assert_ok(glimpse_session_open(&one, &options));
    glimpse_session *kept = f->session;
    f->session = one;
    index_demo(f, "animals");
    f->session = kept;
    glimpse_session_close(one);
    for (int i = 0; i <= THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i ? search_often : embed_rest, f->session), 0);
    for (int i = 0; i <= THREADS; i++) {
        void *fine = NULL;
        assert_int_equal(pthread_join(threads[i], &fine), 0);
        assert_non_null(fine);
    }
}

static int stop(void *user) {
    int *left = user;
    return (*left)-- <= 0;
}

static void a_comparison_outlives_the_session_and_can_be_stopped(void **state) {
    fixture *f = *state;
    char other[1200], queries[1200];
    int polls = 1;
    glimpse_query_file *file = NULL;
    glimpse_model_comparison *c = NULL;
    glimpse_compare_models_options options = GLIMPSE_COMPARE_MODELS_OPTIONS_INIT;
    open_several(f);
    (void)snprintf(other, sizeof other, "%s", path_in(f->directory, "other"));
    (void)snprintf(queries, sizeof queries, "%s", path_in(f->directory, "queries.txt"));
    const char *models[] = {other, "demo"};
    write_text(queries, "a red circle\na blue square\n");
    assert_ok(glimpse_query_file_load(&file, queries));
    assert_int_equal(glimpse_session_compare_models(&c, f->session, models, 2, file, &options),
                     GLIMPSE_E_NOT_FOUND);
    assert_null(c);
    assert_ok(glimpse_session_embed_rest(NULL, f->session, NULL));
    options.cancelled = stop;
    options.user = &polls;
    assert_int_equal(glimpse_session_compare_models(&c, f->session, models, 2, file, &options),
                     GLIMPSE_E_CANCELLED);
    options.cancelled = NULL;
    options.k = 3;
    assert_ok(glimpse_session_compare_models(&c, f->session, models, 2, file, &options));
    glimpse_session_close(f->session);
    f->session = NULL;
    glimpse_query_file_free(file);
    assert_string_equal(c->queries[1].text, "a blue square");
    assert_int_equal(glimpse_results_count(c->queries[1].results[0]), 3);
    assert_true(c->pairs[0].overlap >= 0 && c->pairs[0].overlap <= 1);
    assert_true(c->pairs[0].correlation >= -1 && c->pairs[0].correlation <= 1);
    assert_int_equal(c->models[0].recall.queries, 0);
    assert_string_equal(c->models[1].name, "demo");
    glimpse_model_comparison_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_each_covers_is_known_and_embedded, fixture_begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(hits_of_several_outlive_the_session, fixture_begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(what_needs_one_model_refuses_several, fixture_begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(re_ranking_starts_from_the_fused_order, fixture_begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(threads_share_the_models, fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_comparison_outlives_the_session_and_can_be_stopped,
                                        fixture_begin, fixture_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
