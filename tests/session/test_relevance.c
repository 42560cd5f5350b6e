/*
 * A search that knows when it found nothing, through the session's interface: one library of demo
 * pictures, animals and shapes, which has no pizza and no castle. It is made once; tests that
 * change it come last.
 */
#include "session_support.h"

#include "support/random_model.h"

#include <glimpse/session_models.h>

#include <math.h>
#include <sqlite3.h>

static const char *const absent[] = {"a castle", "a bus", "a laptop", "asdfgh qwerty",
                                     "the annual report of a bank"};
static const char *const present[] = {"a panda", "a tiger", "a peacock"};

static glimpse_hits *find(fixture *f, const char *text, double relevance, int all_scores,
                          size_t k) {
    glimpse_search_options search_options = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    search_options.k = k;
    options.search = &search_options;
    options.relevance = relevance;
    options.all_scores = all_scores;
    return search(f, text, &options);
}

static double best_of(fixture *f, const char *text) {
    glimpse_hits *hits = find(f, text, 0.5, 0, 1);
    double best = glimpse_hits_summarize(hits)->best;
    glimpse_hits_free(hits);
    return best;
}

static fixture *shared; /* whose library it is */

static int make_shared(void **state) {
    if (fixture_begin((void **)&shared) != 0) return -1;
    (void)state;
    open_session(shared, NULL);
    index_demo(shared, "animals");
    index_demo(shared, "shapes");
    glimpse_session_close(shared->session);
    shared->session = NULL;
    return 0;
}

static int remove_shared(void **state) {
    (void)state;
    return fixture_end((void **)&shared);
}

static void open_two(fixture *f) {
    (void)snprintf(f->library, sizeof f->library, "%s", shared->library);
    open_session(f, NULL);
}

static void check_absent_and_present(fixture *f) {
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        glimpse_hits *hits = find(f, absent[i], GLIMPSE_RELEVANCE, 0, 10);
        const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
        if (glimpse_hits_count(hits) > 0) fail_msg("%s: %zu", absent[i], glimpse_hits_count(hits));
        assert_true(summary->cutoff == GLIMPSE_RELEVANCE && summary->best < GLIMPSE_RELEVANCE);
        assert_true(summary->best >= 0 && summary->matched == 0 && !summary->more_matched);
        assert_null(summary->no_relevance);
        glimpse_hits_free(hits);
    }
    for (size_t i = 0; i < sizeof present / sizeof *present; i++) {
        glimpse_hits *hits = find(f, present[i], GLIMPSE_RELEVANCE, 0, 10);
        assert_true(glimpse_hits_count(hits) > 0);
        assert_non_null(strstr(glimpse_hits_get(hits, 0)->path, present[i] + strlen("a ")));
        glimpse_hits_free(hits);
    }
}

static void what_is_not_there_is_not_found_and_what_is_there_is(void **state) {
    fixture *f = *state;
    open_two(f);
    check_absent_and_present(f);
}

static void relevance_grows_with_the_cosine_and_leaves_no_order_changed(void **state) {
    fixture *f = *state;
    open_two(f);
    glimpse_hits *all = find(f, "a panda", 0.5, 1, 500), *some = find(f, "a panda", 0.05, 0, 500);
    const size_t count = glimpse_hits_count(all), kept = glimpse_hits_count(some);
    assert_true(count > 90 && kept > 0 && kept < count);
    assert_true(isnan(glimpse_hits_summarize(all)->cutoff));
    for (size_t i = 0; i < count; i++) {
        const glimpse_hit *hit = glimpse_hits_get(all, i);
        assert_true(hit->relevance >= 0 && hit->relevance <= 1);
        assert_true((hit->relevance >= 0.05) == (i < kept));
        if (i > 0) {
            const glimpse_hit *before = glimpse_hits_get(all, i - 1);
            assert_true(before->relevance >= hit->relevance);
            assert_true((before->score > hit->score) == (before->relevance > hit->relevance));
        }
        if (i < kept) {
            assert_string_equal(hit->path, glimpse_hits_get(some, i)->path);
            assert_true(hit->relevance == glimpse_hits_get(some, i)->relevance);
        }
    }
    /* All that match are counted, however few are asked for. */
    glimpse_hits *one = find(f, "a panda", 0.05, 0, 1);
    assert_int_equal(glimpse_hits_count(one), 1);
    assert_int_equal(glimpse_hits_summarize(one)->matched, kept);
    assert_int_equal(glimpse_hits_summarize(some)->matched, kept);
    glimpse_hits *zero = find(f, "a castle", 0.0, 0, 500);
    assert_int_equal(glimpse_hits_count(zero), count);
    glimpse_hits_free(zero);
    glimpse_hits_free(one);
    glimpse_hits_free(some);
    glimpse_hits_free(all);
}

static void filters_do_not_change_what_a_score_means(void **state) {
    fixture *f = *state;
    glimpse_search_options search_options = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    open_two(f);
    glimpse_hits *everywhere = search(f, "a panda", &options);
    options.search = &search_options;
    const char *within = GLIMPSE_SOURCE_DIR "/data/demo/animals";
    search_options.within = &within;
    search_options.within_count = 1;
    glimpse_hits *here = search(f, "a panda", &options);
    assert_true(glimpse_hits_get(here, 0)->relevance == glimpse_hits_get(everywhere, 0)->relevance);
    assert_int_equal(glimpse_hits_summarize(here)->matched,
                     glimpse_hits_summarize(everywhere)->matched);
    within = GLIMPSE_SOURCE_DIR "/data/demo/shapes";
    glimpse_hits *there = search(f, "a panda", &options);
    assert_int_equal(glimpse_hits_count(there), 0);
    assert_true(glimpse_hits_summarize(there)->best < GLIMPSE_RELEVANCE);
    /* A limit of scores holds for what is left, and is no part of what matches. */
    search_options.within_count = 0;
    search_options.min_score = 2;
    glimpse_hits *none = search(f, "a panda", &options);
    assert_int_equal(glimpse_hits_count(none), 0);
    assert_int_equal(glimpse_hits_summarize(none)->matched,
                     glimpse_hits_summarize(everywhere)->matched);
    glimpse_hits_free(none);
    glimpse_hits_free(there);
    glimpse_hits_free(here);
    glimpse_hits_free(everywhere);
}

static void who_may_only_read_is_told_the_same_with_and_without_a_background(void **state) {
    fixture *f = *state;
    char path[1200];
    sqlite3 *db = NULL;
    open_two(f);
    const double kept = best_of(f, "a tiger");
    glimpse_session_close(f->session);
    f->session = NULL;
    (void)snprintf(path, sizeof path, "%s/catalog.db", f->library);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM background", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    glimpse_session_options options = options_for(f);
    options.library_flags = GLIMPSE_LIBRARY_READ_ONLY;
    open_session(f, &options);
    assert_true(fabs(best_of(f, "a tiger") - kept) < 1e-9);
    assert_true(fabs(best_of(f, "a tiger") - kept) < 1e-9); /* kept by the session */
}

static void with_few_pictures_nothing_is_left_out(void **state) {
    fixture *f = *state;
    open_session(f, NULL);
    index_demo(f, "food");
    glimpse_hits *hits = find(f, "a castle", GLIMPSE_RELEVANCE, 0, 10);
    const glimpse_hits_summary *summary = glimpse_hits_summarize(hits);
    assert_int_equal(glimpse_hits_count(hits), 10);
    assert_true(isnan(glimpse_hits_get(hits, 0)->relevance));
    assert_true(isnan(summary->cutoff) && isnan(summary->best));
    assert_non_null(strstr(summary->no_relevance, "fewer than 50 pictures"));
    glimpse_hits_free(hits);
}

static void a_cutoff_that_is_none_is_refused(void **state) {
    fixture *f = *state;
    const double wrong[] = {-0.1, 1.1, NAN, INFINITY};
    const char *words[] = {"a dog"};
    glimpse_hits *hits = NULL;
    open_two(f);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
        options.relevance = wrong[i];
        assert_int_equal(glimpse_session_search(&hits, f->session, words, 1, &options),
                         GLIMPSE_E_INVALID);
        assert_message("from 0 to 1");
        assert_int_equal(glimpse_session_similar(&hits, f->session, "x.png", &options),
                         GLIMPSE_E_INVALID);
    }
}

static void pictures_are_judged_by_pictures(void **state) {
    fixture *f = *state;
    glimpse_find_options options = GLIMPSE_FIND_OPTIONS_INIT;
    glimpse_hits *hits = NULL;
    open_two(f);
    assert_ok(glimpse_session_similar(
        &hits, f->session, GLIMPSE_SOURCE_DIR "/data/demo/animals/dog-grass-004.png", &options));
    assert_true(glimpse_hits_count(hits) > 0);
    assert_true(glimpse_hits_summarize(hits)->cutoff == GLIMPSE_RELEVANCE);
    for (size_t i = 0; i < glimpse_hits_count(hits); i++)
        assert_true(glimpse_hits_get(hits, i)->relevance >= GLIMPSE_RELEVANCE);
    const glimpse_hit *last = glimpse_hits_get(hits, glimpse_hits_count(hits) - 1);
    options.relevance = fmin(1.0, last->relevance + 1e-6);
    glimpse_hits *fewer = NULL;
    assert_ok(glimpse_session_similar(
        &fewer, f->session, GLIMPSE_SOURCE_DIR "/data/demo/animals/dog-grass-004.png", &options));
    assert_true(glimpse_hits_count(fewer) < glimpse_hits_count(hits));
    glimpse_hits_free(fewer);
    glimpse_hits_free(hits);
    hits = NULL;
    options.relevance = GLIMPSE_RELEVANCE;
    assert_ok(glimpse_session_similar(
        &hits, f->session, GLIMPSE_SOURCE_DIR "/data/demo/things/castle-gray-127.jpg", &options));
    assert_int_equal(glimpse_hits_count(hits), 0);
    glimpse_hits_free(hits);
}

/* The best of many tiles is better by chance alone: what it is held against is, too. */
static void with_tiles_as_well_nothing_is_found_that_is_not_there(void **state) {
    fixture *f = *state;
    const char *root = GLIMPSE_SOURCE_DIR "/data/demo/shapes";
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    open_two(f);
    const double whole = best_of(f, "a castle");
    options.roots = &root;
    options.root_count = 1;
    options.tiles = 1;
    assert_ok(glimpse_session_index(NULL, f->session, &options));
    check_absent_and_present(f);
    assert_true(best_of(f, "a castle") != whole); /* the background has tiles */
}

static void of_several_models_the_one_that_is_surest_counts(void **state) {
    fixture *f = *state;
    random_model model = random_model_tiny();
    char other[1200], sum[1300];
    open_two(f);
    glimpse_hits *one = find(f, "a panda", GLIMPSE_RELEVANCE, 1, 1);
    glimpse_session_close(f->session);
    f->session = NULL;
    (void)snprintf(other, sizeof other, "%s/other", f->directory);
    (void)snprintf(sum, sizeof sum, "demo+%s", other);
    assert_true(random_model_write(&model, other));
    glimpse_session_options options = options_for(f);
    options.model = sum;
    open_session(f, &options);
    assert_ok(glimpse_session_embed_rest(NULL, f->session, NULL));
    glimpse_hits *both = find(f, "a panda", GLIMPSE_RELEVANCE, 1, 500);
    size_t matched = 0, at = 0;
    for (size_t i = 0; i < glimpse_hits_count(both); i++) {
        const glimpse_hit *hit = glimpse_hits_get(both, i);
        matched += hit->relevance >= GLIMPSE_RELEVANCE;
        if (strcmp(hit->path, glimpse_hits_get(one, 0)->path) == 0) at = i;
    }
    assert_true(glimpse_hits_get(both, at)->relevance >=
                glimpse_hits_get(one, 0)->relevance - 1e-9);
    glimpse_hits *cut = find(f, "a panda", GLIMPSE_RELEVANCE, 0, 500);
    assert_int_equal(glimpse_hits_count(cut), matched);
    assert_int_equal(glimpse_hits_summarize(cut)->matched, matched);
    glimpse_hits_free(cut);
    glimpse_hits_free(both);
    glimpse_hits_free(one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_there_is_not_found_and_what_is_there_is),
        TEST(relevance_grows_with_the_cosine_and_leaves_no_order_changed),
        TEST(filters_do_not_change_what_a_score_means),
        TEST(with_few_pictures_nothing_is_left_out),
        TEST(a_cutoff_that_is_none_is_refused),
        TEST(pictures_are_judged_by_pictures),
        TEST(of_several_models_the_one_that_is_surest_counts),
        TEST(with_tiles_as_well_nothing_is_found_that_is_not_there),
        TEST(who_may_only_read_is_told_the_same_with_and_without_a_background),
    };
    return cmocka_run_group_tests(tests, make_shared, remove_shared);
}
