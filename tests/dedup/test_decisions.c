/*
 * Decisions about duplicates: remembered by content, for every pair, the last one counting.
 */
#include "support/libraries.h"

#include "schema.h"

#include <glimpse/decisions.h>

static const char *const ids[] = {
    "00000000000000000000000000000001", "00000000000000000000000000000002",
    "00000000000000000000000000000003", "ffffffffffffffffffffffffffffffff"};

static int ask(world *w, const char *a, const char *b) {
    glimpse_decisions *decisions = NULL;
    assert_ok(glimpse_decisions_load(&decisions, w->library));
    int kind = glimpse_decisions_ask(decisions, a, b);
    assert_int_equal(glimpse_decisions_ask(decisions, b, a), kind);
    glimpse_decisions_free(decisions);
    return kind;
}

static void a_decision_holds_for_every_pair_and_nothing_else(void **state) {
    (void)state;
    world w;
    world_open(&w, 1);
    int64_t number = 0;
    const char *const three[] = {ids[2], ids[0], ids[1], ids[0]};
    assert_int_equal(ask(&w, ids[0], ids[1]), GLIMPSE_DECISION_NOTHING);
    assert_ok(
        glimpse_decision_add(&number, w.library, GLIMPSE_DECISION_NOT_DUPLICATES, three, NULL, 4));
    world_reopen(&w, 0);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(ask(&w, ids[i], ids[k]),
                             i == k ? GLIMPSE_DECISION_NOTHING : GLIMPSE_DECISION_NOT_DUPLICATES);
        }
        assert_int_equal(ask(&w, ids[i], ids[3]), GLIMPSE_DECISION_NOTHING);
    }
    assert_int_equal(glimpse_decisions_ask(NULL, ids[0], ids[1]), GLIMPSE_DECISION_NOTHING);
    world_close(&w);
}

static void keep_all_of_one_content_is_about_files_of_equal_bytes(void **state) {
    (void)state;
    world w;
    world_open(&w, 2);
    assert_ok(glimpse_decision_add(NULL, w.library, GLIMPSE_DECISION_KEEP_ALL, &ids[0], NULL, 1));
    assert_int_equal(ask(&w, ids[0], ids[0]), GLIMPSE_DECISION_KEEP_ALL);
    assert_int_equal(ask(&w, ids[1], ids[1]), GLIMPSE_DECISION_NOTHING);
    /* Two pictures that are both wanted: further copies of one of them are not, unless said so. */
    const char *const two[] = {ids[1], ids[2]}, *const copies[] = {ids[2], ids[1], ids[2]};
    assert_ok(glimpse_decision_add(NULL, w.library, GLIMPSE_DECISION_KEEP_ALL, two, NULL, 2));
    assert_int_equal(ask(&w, ids[1], ids[2]), GLIMPSE_DECISION_KEEP_ALL);
    assert_int_equal(ask(&w, ids[2], ids[2]), GLIMPSE_DECISION_NOTHING);
    assert_ok(glimpse_decision_add(NULL, w.library, GLIMPSE_DECISION_KEEP_ALL, copies, NULL, 3));
    assert_int_equal(ask(&w, ids[1], ids[1]), GLIMPSE_DECISION_NOTHING);
    assert_int_equal(ask(&w, ids[2], ids[2]), GLIMPSE_DECISION_KEEP_ALL);
    world_close(&w);
}

static void the_last_decision_counts_and_equal_ones_are_not_doubled(void **state) {
    (void)state;
    world w;
    world_open(&w, 3);
    int64_t first = 0, second = 0, third = 0;
    assert_ok(
        glimpse_decision_add(&first, w.library, GLIMPSE_DECISION_NOT_DUPLICATES, ids, NULL, 2));
    assert_ok(glimpse_decision_add(&second, w.library, GLIMPSE_DECISION_KEEP_ALL, ids, NULL, 3));
    assert_int_equal(ask(&w, ids[0], ids[1]), GLIMPSE_DECISION_KEEP_ALL);
    assert_ok(
        glimpse_decision_add(&third, w.library, GLIMPSE_DECISION_NOT_DUPLICATES, ids, NULL, 2));
    assert_int_equal(ask(&w, ids[0], ids[1]), GLIMPSE_DECISION_NOT_DUPLICATES);
    assert_true(first < second && second < third);
    glimpse_decisions *decisions = NULL;
    assert_ok(glimpse_decisions_load(&decisions, w.library));
    assert_int_equal(glimpse_decisions_count(decisions), 2);
    assert_int_equal(glimpse_decisions_get(decisions, 0)->number, second);
    assert_int_equal(glimpse_decisions_get(decisions, 0)->count, 3);
    assert_null(glimpse_decisions_get(decisions, 2));
    glimpse_decisions_free(decisions);
    assert_ok(glimpse_decision_forget(w.library, third));
    assert_int_equal(ask(&w, ids[0], ids[1]), GLIMPSE_DECISION_KEEP_ALL);
    assert_ok(glimpse_decision_forget(w.library, second));
    assert_int_equal(ask(&w, ids[0], ids[1]), GLIMPSE_DECISION_NOTHING);
    assert_int_equal(glimpse_decision_forget(w.library, second), GLIMPSE_E_NOT_FOUND);
    world_close(&w);
}

static void lists_show_where_the_content_is_now(void **state) {
    (void)state;
    world w;
    world_open(&w, 4);
    char hex[2][33];
    const char *const pair[] = {hex[0], hex[1]};
    const char *const paths[] = {"/once/here.jpg", "/once/the\nre\xff.jpg"};
    size_t content = world_add_content(&w, NULL, "");
    size_t file = world_add_file(&w, "moved/there.jpg", content, 1, 0);
    glimpse_hash_to_hex(&w.contents[content].hash, hex[0]);
    memset(hex[1], 'f', 32);
    hex[1][32] = '\0';
    assert_ok(
        glimpse_decision_add(NULL, w.library, GLIMPSE_DECISION_NOT_DUPLICATES, pair, paths, 2));
    glimpse_decisions *decisions = NULL;
    assert_ok(glimpse_decisions_load(&decisions, w.library));
    const glimpse_decision *d = glimpse_decisions_get(decisions, 0);
    assert_string_equal(d->ids[0], hex[0]);
    assert_string_equal(d->paths[0], w.files[file].path);
    assert_string_equal(d->paths[1], paths[1]);
    assert_int_equal(strlen(d->made), 19);
    glimpse_decisions_free(decisions);
    /* Forgetting the files of the library does not forget what was decided. */
    world_lose_files(&w, &file, 1);
    glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    assert_ok(glimpse_library_prune(&report, w.library, &prune));
    assert_int_equal(ask(&w, hex[0], hex[1]), GLIMPSE_DECISION_NOT_DUPLICATES);
    world_close(&w);
}

static void senseless_decisions_are_refused(void **state) {
    (void)state;
    world w;
    world_open(&w, 5);
    const char *const twice[] = {ids[0], ids[0]}, *const bad[] = {ids[0], "not an id"};
    assert_int_equal(
        glimpse_decision_add(NULL, w.library, GLIMPSE_DECISION_NOT_DUPLICATES, twice, NULL, 2),
        GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_decision_add(NULL, w.library, GLIMPSE_DECISION_KEEP_ALL, bad, NULL, 2),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_decision_add(NULL, w.library, GLIMPSE_DECISION_KEEP_ALL, ids, NULL, 0),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_decision_add(NULL, w.library, (glimpse_decision_kind)7, ids, NULL, 2),
                     GLIMPSE_E_INVALID);
    world_reopen(&w, GLIMPSE_LIBRARY_READ_ONLY);
    assert_int_equal(glimpse_decision_add(NULL, w.library, GLIMPSE_DECISION_KEEP_ALL, ids, NULL, 2),
                     GLIMPSE_E_IO);
    world_close(&w);
}

/* A library made before there were decisions gets their tables when it is opened. */
static void an_older_library_learns_to_remember(void **state) {
    (void)state;
    world w;
    world_open(&w, 6);
    world_rewind(&w, 2);
    world_reopen(&w, 0);
    assert_ok(glimpse_decision_add(NULL, w.library, GLIMPSE_DECISION_KEEP_ALL, ids, NULL, 2));
    assert_int_equal(ask(&w, ids[0], ids[1]), GLIMPSE_DECISION_KEEP_ALL);
    char problems[1000];
    assert_int_equal(world_verify(&w, problems, sizeof problems), GLIMPSE_OK);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decision_holds_for_every_pair_and_nothing_else),
        cmocka_unit_test(keep_all_of_one_content_is_about_files_of_equal_bytes),
        cmocka_unit_test(the_last_decision_counts_and_equal_ones_are_not_doubled),
        cmocka_unit_test(lists_show_where_the_content_is_now),
        cmocka_unit_test(senseless_decisions_are_refused),
        cmocka_unit_test(an_older_library_learns_to_remember),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
