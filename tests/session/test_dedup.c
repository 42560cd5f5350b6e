/*
 * test_dedup.c - duplicates, audits, actions and decisions through a session.
 */
#include "session_support.h"

#include <glimpse/session_dedup.h>

#include <sys/stat.h>
#include <unistd.h>

#define DEMO GLIMPSE_SOURCE_DIR "/data/demo/shapes/"

/* directory/pictures with a picture, a copy of it and another one; links are followed by searches.
 */
typedef struct files {
    char root[1100], first[1200], copy[1200], other[1200];
} files;

static files make_files(const fixture *f) {
    files made;
    char *real = realpath(f->directory, NULL);
    (void)snprintf(made.root, sizeof made.root, "%s/pictures", real);
    (void)snprintf(made.first, sizeof made.first, "%s/a.jpg", made.root);
    (void)snprintf(made.copy, sizeof made.copy, "%s/sub/b.jpg", made.root);
    (void)snprintf(made.other, sizeof made.other, "%s/sub/c.png", made.root);
    assert_int_equal(mkdir(made.root, 0777), 0);
    assert_int_equal(mkdir(path_in(made.root, "sub"), 0777), 0);
    copy_file(DEMO "circle-night-149.jpg", made.first);
    copy_file(DEMO "circle-night-149.jpg", made.copy);
    copy_file(DEMO "circle-snow-131.png", made.other);
    free(real);
    return made;
}

static glimpse_dedup_report *find(const fixture *f, const char *const *roots, size_t count) {
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    options.roots = roots;
    options.root_count = count;
    assert_ok(glimpse_session_dedup(&report, f->session, &options));
    return report;
}

static glimpse_dedup_plan *plan_of(const glimpse_dedup_report *report, const char *const *root,
                                   const char *target) {
    glimpse_dedup_plan_options options = GLIMPSE_DEDUP_PLAN_OPTIONS_INIT;
    glimpse_dedup_plan *plan = NULL;
    options.roots = root;
    options.root_count = 1;
    options.target = target;
    assert_ok(glimpse_dedup_plan_create(&plan, report, &options));
    return plan;
}

/*
 * Finding.
 */
static void directories_need_no_library(void **state) {
    fixture *f = *state;
    const files made = make_files(f);
    const char *root = made.root;
    open_own(f);
    glimpse_dedup_report *report = find(f, &root, 1);
    assert_int_equal(report->group_count, 1);
    assert_int_equal(report->groups[0].count, 2);
    assert_int_equal(report->groups[0].kind, GLIMPSE_DEDUP_EXACT);
    assert_int_equal(report->scanned, 3);
    glimpse_dedup_report_free(report);
    assert_false(path_exists(f->library));
    /* Without roots it is about the library, which is not there. */
    assert_int_equal(glimpse_session_dedup(&report, f->session, NULL), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "there is no library at"));
    assert_null(report);
}

static void the_library_is_searched_with_its_embeddings(void **state) {
    fixture *f = *state;
    glimpse_dedup_report *report = NULL;
    open_own(f);
    index_demo(f, "shapes");
    assert_ok(glimpse_session_dedup(&report, f->session, NULL));
    assert_true(report->picture_count > 30);
    assert_true(report->embedding_size > 0);
    glimpse_dedup_report_free(report);
}

static void the_second_set_may_be_a_library(void **state) {
    fixture *f = *state;
    const files made = make_files(f);
    const char *root = made.root, *both[] = {f->library, made.root};
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    open_own(f);
    index_demo(f, "shapes");
    options.roots = &root;
    options.root_count = 1;
    options.against = both;
    options.against_count = 1;
    assert_ok(glimpse_session_dedup(&report, f->session, &options));
    assert_int_equal(report->leak.pictures, 3);
    assert_int_equal(report->leak.leaked, 3);
    glimpse_dedup_report_free(report);
    options.against_count = 2;
    assert_int_equal(glimpse_session_dedup(&report, f->session, &options), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "one library or several folders"));
}

static int stop(void *user, const glimpse_progress *progress) {
    (void)user, (void)progress;
    return 1;
}

static void a_search_is_stopped_by_its_progress(void **state) {
    fixture *f = *state;
    const files made = make_files(f);
    const char *root = made.root;
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    open_own(f);
    options.roots = &root;
    options.root_count = 1;
    options.progress = stop;
    assert_int_equal(glimpse_session_dedup(&report, f->session, &options), GLIMPSE_E_CANCELLED);
    assert_null(report);
}

static void an_audit_measures_pictures_and_finds_what_is_odd(void **state) {
    fixture *f = *state;
    const files made = make_files(f);
    const char *root = made.root;
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_audit_limits limits = GLIMPSE_AUDIT_LIMITS_INIT;
    glimpse_dedup_report *report = NULL;
    glimpse_audit *audit = NULL;
    open_own(f);
    options.roots = &root;
    options.root_count = 1;
    limits.kinds = 1U << GLIMPSE_AUDIT_SMALL;
    limits.min_side = 100000;
    assert_ok(glimpse_session_audit(&audit, &report, f->session, &options, &limits));
    assert_int_equal(audit->count, 3);
    assert_int_equal(audit->counts[GLIMPSE_AUDIT_SMALL], 3);
    assert_false(audit->has_embeddings);
    assert_int_equal(report->group_count, 0);
    glimpse_audit_free(audit);
    glimpse_dedup_report_free(report);
    options.embed = 1;
    assert_ok(glimpse_session_audit(&audit, &report, f->session, &options, NULL));
    assert_true(audit->has_embeddings);
    glimpse_audit_free(audit);
    glimpse_dedup_report_free(report);
    root = "/nowhere/at/all";
    assert_int_equal(glimpse_session_audit(&audit, &report, f->session, &options, NULL),
                     GLIMPSE_E_NOT_FOUND);
    assert_null(audit);
    assert_null(report);
}

/*
 * Planning.
 */
static void a_plan_has_the_members_of_the_relations_asked_for(void **state) {
    fixture *f = *state;
    const files made = make_files(f);
    const char *root = made.root;
    glimpse_dedup_plan_options edited = GLIMPSE_DEDUP_PLAN_OPTIONS_INIT;
    glimpse_dedup_plan *other = NULL;
    open_own(f);
    glimpse_dedup_report *report = find(f, &root, 1);
    glimpse_dedup_plan *plan = plan_of(report, &root, NULL);
    assert_int_equal(plan->count, 1);
    assert_int_equal(plan->not_included, 0);
    assert_null(plan->target);
    const glimpse_action_item *item = &plan->items[0];
    assert_true(strcmp(item->path, made.first) == 0 || strcmp(item->path, made.copy) == 0);
    assert_true(strcmp(item->keeper, made.first) == 0 || strcmp(item->keeper, made.copy) == 0);
    assert_string_not_equal(item->path, item->keeper);
    assert_string_equal(item->id, item->keeper_id);
    assert_string_equal(item->relative_to, made.root);
    assert_string_equal(item->under, strrchr(made.root, '/') + 1);
    assert_string_equal(item->relation, "identical");
    glimpse_dedup_plan_free(plan);
    edited.relations = 1U << GLIMPSE_RELATION_EDITED;
    assert_ok(glimpse_dedup_plan_create(&other, report, &edited));
    assert_int_equal(other->count, 0);
    assert_int_equal(other->not_included, 1);
    glimpse_dedup_plan_free(other);
    /* The labels (directories) differ: "" and "sub". */
    edited.relations = 0;
    edited.conflicts_only = 1;
    assert_ok(glimpse_dedup_plan_create(&other, report, &edited));
    assert_int_equal(other->count, report->groups[0].labels_differ);
    glimpse_dedup_plan_free(other);
    glimpse_dedup_report_free(report);
}

static void files_never_move_to_where_they_would_be_found_again(void **state) {
    fixture *f = *state;
    const files made = make_files(f);
    const char *root = made.root;
    char link[1300];
    glimpse_dedup_plan_options options = GLIMPSE_DEDUP_PLAN_OPTIONS_INIT;
    glimpse_dedup_plan *plan = NULL;
    open_own(f);
    glimpse_dedup_report *report = find(f, &root, 1);
    options.roots = &root;
    options.root_count = 1;
    options.target = path_in(made.root, "new/deeper");
    assert_int_equal(glimpse_dedup_plan_create(&plan, report, &options), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "the next run would find the files again"));
    assert_null(plan);
    /* Nor through a link into it. */
    (void)snprintf(link, sizeof link, "%s/link", f->directory);
    assert_int_equal(symlink(made.root, link), 0);
    assert_int_equal(glimpse_dedup_check_target(path_in(link, "new"), &root, 1), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_dedup_check_target("", &root, 1), GLIMPSE_E_INVALID);
    /* Beside it is fine, also where the names begin alike. */
    char beside[1300];
    (void)snprintf(beside, sizeof beside, "%s-moved", made.root);
    assert_ok(glimpse_dedup_check_target(beside, &root, 1));
    glimpse_dedup_report_free(report);
}

static void the_weakest_relation_bounds_the_groups(void **state) {
    (void)state;
    assert_int_equal(glimpse_dedup_weakest(0), 1 + GLIMPSE_RELATION_REENCODED);
    assert_int_equal(glimpse_dedup_weakest(1U << GLIMPSE_RELATION_IDENTICAL), 1);
    assert_int_equal(glimpse_dedup_weakest(1U << GLIMPSE_RELATION_SIMILAR | 1),
                     1 + GLIMPSE_RELATION_SIMILAR);
}

/*
 * Acting.
 */
typedef struct events {
    unsigned count, done;
    char path[1200], other[1200];
} events;

static void each(void *user, const glimpse_action_event *event) {
    events *e = user;
    e->count++;
    e->done += event->outcome == GLIMPSE_OUTCOME_DONE;
    (void)snprintf(e->path, sizeof e->path, "%s", event->path);
    (void)snprintf(e->other, sizeof e->other, "%s", event->other);
}

static int count_run(void *user, const glimpse_action_run *run) {
    unsigned *count = user;
    assert_int_equal(run->kind, GLIMPSE_ACTION_MOVE);
    ++*count;
    return 0;
}

static void an_action_is_shown_done_and_taken_back(void **state) {
    fixture *f = *state;
    const files made = make_files(f);
    const char *root = made.root;
    char target[1200];
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    glimpse_action_report done = GLIMPSE_ACTION_REPORT_INIT;
    events seen = {0};
    unsigned runs = 0;
    open_own(f);
    glimpse_dedup_report *report = find(f, &root, 1);
    (void)snprintf(target, sizeof target, "%s/moved", f->directory);
    glimpse_dedup_plan *plan = plan_of(report, &root, target);
    options.kind = GLIMPSE_ACTION_MOVE;
    assert_int_equal(glimpse_session_undo(&done, f->session, 0, NULL, NULL), GLIMPSE_E_NOT_FOUND);
    assert_string_equal(glimpse_last_error(), "there is nothing to undo");
    assert_ok(glimpse_session_action_runs(f->session, count_run, &runs));
    assert_ok(glimpse_session_act(&done, f->session, plan, &options, 0, each, &seen));
    assert_int_equal(done.done, 1);
    assert_int_equal(done.run, 0);
    assert_true(path_exists(made.first) && path_exists(made.copy));
    assert_false(path_exists(target));
    assert_ok(glimpse_session_act(&done, f->session, plan, &options, 1, each, &seen));
    assert_int_equal(done.done, 1);
    assert_true(done.run > 0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.done, 2);
    assert_false(path_exists(seen.path));
    assert_true(path_exists(seen.other)); /* under its name below the root */
    assert_non_null(strstr(seen.other, "/moved/"));
    assert_ok(glimpse_session_action_runs(f->session, count_run, &runs));
    assert_int_equal(runs, 1);
    assert_ok(glimpse_session_undo(&done, f->session, done.run, NULL, NULL));
    assert_int_equal(done.done, 1);
    assert_true(path_exists(made.first) && path_exists(made.copy));
    /* A moved file is nothing that is held. */
    assert_ok(glimpse_session_empty(&done, f->session, 0, 1, NULL, NULL));
    assert_int_equal(done.done, 0);
    glimpse_dedup_plan_free(plan);
    glimpse_dedup_report_free(report);
}

static int always(void *user) {
    ++*(int *)user;
    return 1;
}

static void an_action_can_be_stopped_before_any_file(void **state) {
    fixture *f = *state;
    const files made = make_files(f);
    const char *root = made.root;
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    glimpse_action_report done = GLIMPSE_ACTION_REPORT_INIT;
    int asked = 0;
    open_own(f);
    glimpse_dedup_report *report = find(f, &root, 1);
    glimpse_dedup_plan *plan = plan_of(report, &root, NULL);
    options.kind = GLIMPSE_ACTION_DELETE;
    options.cancelled = always;
    options.user = &asked;
    assert_ok(glimpse_session_act(&done, f->session, plan, &options, 1, NULL, NULL));
    assert_true(done.cancelled);
    assert_int_equal(asked, 1);
    assert_int_equal(done.done, 0);
    assert_true(path_exists(made.first) && path_exists(made.copy));
    /* A MOVE that has nowhere to go changes nothing either. */
    options.kind = GLIMPSE_ACTION_MOVE;
    options.cancelled = NULL;
    assert_int_equal(glimpse_session_act(&done, f->session, plan, &options, 1, NULL, NULL),
                     GLIMPSE_E_INVALID);
    assert_true(path_exists(made.first) && path_exists(made.copy));
    glimpse_dedup_plan_free(plan);
    glimpse_dedup_report_free(report);
}

/*
 * Decisions.
 */
static void a_decision_is_remembered_and_honoured_until_it_is_forgotten(void **state) {
    fixture *f = *state;
    const files made = make_files(f);
    const char *root = made.root, *words[2] = {made.first, NULL};
    char ids[2][33];
    int64_t number = 0;
    glimpse_decisions *decisions = NULL;
    open_own(f);
    assert_ok(glimpse_session_load_decisions(&decisions, f->session));
    assert_null(decisions);
    assert_ok(
        glimpse_session_decide(&number, ids, f->session, GLIMPSE_DECISION_KEEP_ALL, words, 1));
    assert_int_equal(strlen(ids[0]), 32);
    assert_true(path_exists(f->library)); /* it is where decisions are remembered */
    glimpse_dedup_report *report = find(f, &root, 1);
    assert_int_equal(report->group_count, 0);
    assert_true(report->decided > 0);
    glimpse_dedup_report_free(report);
    assert_ok(glimpse_session_load_decisions(&decisions, f->session));
    assert_int_equal(glimpse_decisions_count(decisions), 1);
    assert_string_equal(glimpse_decisions_get(decisions, 0)->paths[0], made.first);
    glimpse_decisions_free(decisions);
    assert_ok(glimpse_session_forget_decision(f->session, number));
    assert_int_equal(glimpse_session_forget_decision(f->session, number), GLIMPSE_E_NOT_FOUND);
    report = find(f, &root, 1);
    assert_int_equal(report->group_count, 1);
    glimpse_dedup_report_free(report);
    /* Ids as well as files; a file that is not there is named. */
    char first[33];
    memcpy(first, ids[0], sizeof first);
    words[0] = first, words[1] = made.other;
    assert_ok(glimpse_session_decide(&number, ids, f->session, GLIMPSE_DECISION_NOT_DUPLICATES,
                                     words, 2));
    assert_string_equal(ids[0], first);
    assert_string_not_equal(ids[1], first);
    words[1] = "/nowhere/at/all.jpg";
    assert_int_equal(
        glimpse_session_decide(NULL, NULL, f->session, GLIMPSE_DECISION_NOT_DUPLICATES, words, 2),
        GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "/nowhere/at/all.jpg"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(directories_need_no_library),
        TEST(the_library_is_searched_with_its_embeddings),
        TEST(the_second_set_may_be_a_library),
        TEST(a_search_is_stopped_by_its_progress),
        TEST(an_audit_measures_pictures_and_finds_what_is_odd),
        TEST(a_plan_has_the_members_of_the_relations_asked_for),
        TEST(files_never_move_to_where_they_would_be_found_again),
        cmocka_unit_test(the_weakest_relation_bounds_the_groups),
        TEST(an_action_is_shown_done_and_taken_back),
        TEST(an_action_can_be_stopped_before_any_file),
        TEST(a_decision_is_remembered_and_honoured_until_it_is_forgotten),
    };
    (void)unsetenv("XDG_STATE_HOME"); /* where the journal of actions would be */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
