/*
 * Files that belong to a picture: which ones go with it, that they never go without it, that they
 * come back with it, and that a process may be killed between any two effects.
 */
#include "actions_support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* kept/a.jpg is the keeper of go/a.jpg; both have the same companions. */
typedef struct album {
    char *base;
    char journal[300], away[300], picture[300], keeper[300];
    char id[33];
    glimpse_action_item item;
} album;

static const char *const along[] = {"a.dng", "a.dng.xmp", "a.jpg.xmp", "a.mov", "a.xmp"};
enum { ALONG = sizeof along / sizeof *along };

static void write_beside(const album *a, const char *directory, const char *name,
                         const char *text) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s/%s", a->base, directory, name);
    write_file(path, text, strlen(text));
}

static int is_there(const album *a, const char *name) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", a->base, name);
    return access(path, F_OK) == 0;
}

static void open_album(album *a, int beside_keeper) {
    char path[400];
    struct stat info;
    memset(a, 0, sizeof *a);
    a->base = make_temp_directory();
    (void)snprintf(a->journal, sizeof a->journal, "%s/state", a->base);
    (void)snprintf(a->away, sizeof a->away, "%s/away", a->base);
    (void)snprintf(a->picture, sizeof a->picture, "%s/go/a.jpg", a->base);
    (void)snprintf(a->keeper, sizeof a->keeper, "%s/kept/a.jpg", a->base);
    (void)snprintf(path, sizeof path, "%s/data", a->base);
    (void)setenv("XDG_DATA_HOME", path, 1);
    assert_int_equal(mkdir(path_in(a->base, "kept"), 0755), 0);
    assert_int_equal(mkdir(path_in(a->base, "go"), 0755), 0);
    write_beside(a, "kept", "a.jpg", "picture");
    write_beside(a, "go", "a.jpg", "picture");
    for (int i = 0; i < ALONG; i++) {
        write_beside(a, "go", along[i], along[i]);
        if (beside_keeper) write_beside(a, "kept", along[i], along[i]);
    }
    assert_int_equal(glimpse_action_hash(a->picture, &info, a->id), 0);
    a->item = (glimpse_action_item){.path = a->picture,
                                    .keeper = a->keeper,
                                    .id = a->id,
                                    .keeper_id = a->id,
                                    .relation = "identical"};
}

static void close_album(album *a) {
    remove_tree(a->base);
    free(a->base);
}

typedef struct fuse {
    long left, passed;
} fuse;

static void burn(void *user, const char *name) {
    fuse *f = user;
    (void)name;
    f->passed++;
    if (f->left >= 0 && f->left-- == 0) (void)kill(getpid(), SIGKILL);
}

static int work(const album *a, glimpse_action_kind kind, int undo, fuse *f) {
    glimpse_actions *actions = NULL;
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    options.kind = kind;
    options.directory = a->away;
    if (glimpse_actions_open_with(&actions, a->journal, burn, f) < 0) return 11;
    int status = undo ? glimpse_actions_undo(&report, actions, 0, NULL, NULL)
                      : glimpse_actions_apply(&report, actions, &options, &a->item, 1, NULL, NULL);
    if (undo && status == GLIMPSE_E_NOT_FOUND) status = GLIMPSE_OK;
    if (status == GLIMPSE_OK && report.left_alone > 0) status = GLIMPSE_E_INTERNAL;
    if (status < 0) (void)fprintf(stderr, "%s\n", glimpse_last_error());
    glimpse_actions_close(actions);
    return status < 0 ? 12 : 0;
}

static void work_in_child(const album *a, glimpse_action_kind kind, int undo, long point) {
    int status = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fuse f = {point, 0};
        _exit(work(a, kind, undo, &f));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

/* Nothing is lost, and no companion went before its picture. */
static void check_whole(const album *a) {
    char path[400];
    size_t files =
        yard_count_files(path_in(a->base, "go")) + yard_count_files(path_in(a->base, "kept"));
    (void)snprintf(path, sizeof path, "%s/state/held", a->base);
    files += yard_count_files(path);
    (void)snprintf(path, sizeof path, "%s/data/Trash/files", a->base);
    files += yard_count_files(path);
    const size_t moved = yard_count_files(a->away);
    const int lists = access(path_in(a->away, "glimpse-moved.jsonl"), F_OK) == 0,
              half = access(path_in(a->away, ".glimpse-moved.jsonl.part"), F_OK) == 0;
    assert_int_equal(files + moved - (size_t)lists - (size_t)half, 2 * (ALONG + 1));
    if (!is_there(a, "go/a.jpg")) return;
    glimpse_actions *actions = NULL; /* recovers what is in doubt */
    assert_ok(glimpse_actions_open(&actions, a->journal));
    glimpse_actions_close(actions);
}

static void check_as_before(const album *a) {
    char name[100];
    assert_true(is_there(a, "go/a.jpg"));
    for (int i = 0; i < ALONG; i++) {
        (void)snprintf(name, sizeof name, "go/%s", along[i]);
        char *text = read_whole_file(path_in(a->base, name), NULL);
        assert_string_equal(text, along[i]);
        free(text);
    }
    assert_int_equal(yard_count_files(path_in(a->base, "go")), ALONG + 1);
    assert_int_equal(yard_count_files(path_in(a->base, "kept")), ALONG + 1);
    assert_false(is_there(a, "away"));
    assert_int_equal(yard_count_files(path_in(a->base, "data")), 0);
    assert_int_equal(yard_count_files(path_in(a->base, "state/held")), 0);
}

static void interrupt(glimpse_action_kind kind) {
    album a;
    fuse acting = {-1, 0}, undoing = {-1, 0};
    open_album(&a, 1);
    assert_int_equal(work(&a, kind, 0, &acting), 0);
    assert_int_equal(yard_count_files(path_in(a.base, "go")), 0);
    assert_int_equal(work(&a, kind, 1, &undoing), 0);
    check_as_before(&a);
    close_album(&a);
    for (long point = 0; point < acting.passed; point++) {
        open_album(&a, 1);
        work_in_child(&a, kind, 0, point);
        check_whole(&a);
        work_in_child(&a, kind, 1, point % undoing.passed);
        check_whole(&a);
        fuse never = {-1, 0};
        assert_int_equal(work(&a, kind, 1, &never), 0);
        check_as_before(&a);
        close_album(&a);
    }
    for (long point = 0; point < undoing.passed; point++) {
        open_album(&a, 1);
        fuse never = {-1, 0};
        assert_int_equal(work(&a, kind, 0, &never), 0);
        work_in_child(&a, kind, 1, point);
        check_whole(&a);
        assert_int_equal(work(&a, kind, 1, &never), 0);
        check_as_before(&a);
        close_album(&a);
    }
}

static void moved_companions_survive_a_kill_at_any_point(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_MOVE);
}

static void trashed_companions_survive_a_kill_at_any_point(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_TRASH);
}

static void deleted_companions_survive_a_kill_at_any_point(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_DELETE);
}

typedef struct seen {
    size_t events, companions;
    glimpse_action_outcome outcomes[16];
} seen;

static void see(void *user, const glimpse_action_event *event) {
    seen *s = user;
    assert_true(s->events < 16);
    s->companions += event->companion_of != NULL;
    s->outcomes[s->events++] = event->outcome;
}

static seen act(const album *a, glimpse_action_kind kind, int leave) {
    glimpse_actions *actions = NULL;
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    seen s = {0};
    options.kind = kind;
    options.directory = a->away;
    options.leave_companions = leave;
    assert_ok(glimpse_actions_open(&actions, a->journal));
    assert_ok(glimpse_actions_apply(&report, actions, &options, &a->item, 1, see, &s));
    glimpse_actions_close(actions);
    return s;
}

static seen undo(const album *a) {
    glimpse_actions *actions = NULL;
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    seen s = {0};
    assert_ok(glimpse_actions_open(&actions, a->journal));
    assert_ok(glimpse_actions_undo(&report, actions, 0, see, &s));
    glimpse_actions_close(actions);
    return s;
}

static void companions_stay_when_their_picture_does(void **state) {
    (void)state;
    static const glimpse_action_kind kinds[] = {GLIMPSE_ACTION_MOVE, GLIMPSE_ACTION_TRASH,
                                                GLIMPSE_ACTION_DELETE};
    for (size_t i = 0; i < 3; i++) {
        album a;
        open_album(&a, 1);
        write_beside(&a, "go", "a.jpg", "another picture");
        seen s = act(&a, kinds[i], 0);
        assert_int_equal(s.events, 1);
        assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_CHANGED);
        write_beside(&a, "go", "a.jpg", "picture");
        check_as_before(&a);
        close_album(&a);
    }
}

static void companions_stay_away_when_their_picture_cannot_come_back(void **state) {
    (void)state;
    album a;
    open_album(&a, 1);
    seen s = act(&a, GLIMPSE_ACTION_MOVE, 0);
    assert_int_equal(s.events, 1 + ALONG);
    assert_int_equal(s.companions, ALONG);
    write_beside(&a, "go", "a.jpg", "somebody's new file");
    s = undo(&a);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_OCCUPIED);
    for (size_t i = 1; i < s.events; i++)
        assert_int_equal(s.outcomes[i], GLIMPSE_OUTCOME_COMPANION);
    assert_true(is_there(&a, "away/a.xmp") && !is_there(&a, "go/a.xmp"));
    assert_int_equal(unlink(a.picture), 0);
    s = undo(&a);
    assert_int_equal(s.events, 1 + ALONG);
    check_as_before(&a);
    close_album(&a);
}

static void what_is_only_beside_the_copy_keeps_it_from_going_for_good(void **state) {
    (void)state;
    album a;
    open_album(&a, 0);
    seen s = act(&a, GLIMPSE_ACTION_DELETE, 0);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_COMPANION);
    s = act(&a, GLIMPSE_ACTION_TRASH, 0);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_COMPANION);
    assert_int_equal(yard_count_files(path_in(a.base, "go")), ALONG + 1);
    /* It is not lost when it is moved, nor when it is left where it is. */
    s = act(&a, GLIMPSE_ACTION_MOVE, 0);
    assert_int_equal(s.events, 1 + ALONG);
    (void)undo(&a);
    s = act(&a, GLIMPSE_ACTION_DELETE, 1);
    assert_int_equal(s.events, 1);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_DONE);
    assert_int_equal(yard_count_files(path_in(a.base, "go")), ALONG);
    (void)undo(&a);
    assert_int_equal(yard_count_files(path_in(a.base, "go")), ALONG + 1);
    close_album(&a);
}

/* Each kind by itself, in either case. */
static void no_companion_of_any_kind_goes_for_good_with_the_copy(void **state) {
    (void)state;
    static const char *const names[] = {"a.xmp", "a.jpg.xmp", "a.XMP", "a.jpg.XMP", "a.aae",
                                        "a.AAE", "a.thm",     "a.THM", "a.jpg.thm", "a.dng",
                                        "a.CR3", "a.mov",     "a.MOV", "a.mp4",     "a.MP4"};
    static const glimpse_action_kind kinds[] = {GLIMPSE_ACTION_TRASH, GLIMPSE_ACTION_DELETE};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        album a;
        char path[300];
        open_album(&a, 0);
        for (size_t k = 0; k < ALONG; k++) {
            (void)snprintf(path, sizeof path, "%s/go/%s", a.base, along[k]);
            assert_int_equal(unlink(path), 0);
        }
        write_beside(&a, "go", names[i], "only here");
        for (size_t k = 0; k < 2; k++) {
            seen s = act(&a, kinds[k], 0);
            if (s.events != 1 || s.outcomes[0] != GLIMPSE_OUTCOME_COMPANION)
                fail_msg("%s", names[i]);
        }
        assert_int_equal(yard_count_files(path_in(a.base, "go")), 2);
        /* Other bytes beside the keeper are not it; the same are. */
        write_beside(&a, "kept", names[i], "otherwise");
        assert_int_equal(act(&a, GLIMPSE_ACTION_DELETE, 0).outcomes[0], GLIMPSE_OUTCOME_COMPANION);
        write_beside(&a, "kept", names[i], "only here");
        assert_int_equal(act(&a, GLIMPSE_ACTION_DELETE, 0).events, 2);
        assert_int_equal(yard_count_files(path_in(a.base, "go")), 0);
        close_album(&a);
    }
}

/* What was beside the keeper then may be gone when the held files are let go of. */
static void a_held_companion_stays_when_nothing_beside_the_keeper_has_its_bytes(void **state) {
    (void)state;
    album a;
    glimpse_actions *actions = NULL;
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    open_album(&a, 1);
    (void)act(&a, GLIMPSE_ACTION_DELETE, 0);
    assert_int_equal(unlink(path_in(a.base, "kept/a.mov")), 0);
    assert_ok(glimpse_actions_open(&actions, a.journal));
    assert_ok(glimpse_actions_empty(&report, actions, 0, 1, NULL, NULL));
    assert_int_equal(report.left_alone, 1);
    assert_int_equal(report.done, 1);
    assert_int_equal(report.companions, ALONG - 1);
    write_beside(&a, "kept", "a.mov", "a.mov");
    assert_ok(glimpse_actions_empty(&report, actions, 0, 1, NULL, NULL));
    assert_int_equal(report.left_alone, 0);
    assert_int_equal(report.companions, 1);
    glimpse_actions_close(actions);
    close_album(&a);
}

static void a_picture_with_another_name_has_its_companions_named_after_it(void **state) {
    (void)state;
    album a;
    open_album(&a, 1);
    assert_int_equal(mkdir(a.away, 0755), 0);
    write_beside(&a, "away", "a.jpg", "mine");
    (void)act(&a, GLIMPSE_ACTION_MOVE, 0);
    assert_true(is_there(&a, "away/a (2).jpg") && is_there(&a, "away/a (2).xmp") &&
                is_there(&a, "away/a (2).jpg.xmp") && is_there(&a, "away/a (2).dng.xmp"));
    (void)undo(&a);
    assert_true(is_there(&a, "away/a.jpg"));
    assert_int_equal(yard_count_files(path_in(a.base, "go")), ALONG + 1);
    close_album(&a);
}

/* A process that was killed between its last step and the list: the next opening makes up for it.
 */
static void the_list_of_moves_is_made_up_for_by_the_next_opening(void **state) {
    (void)state;
    album a;
    fuse acting = {-1, 0};
    size_t missing = 0;
    open_album(&a, 1);
    assert_int_equal(work(&a, GLIMPSE_ACTION_MOVE, 0, &acting), 0);
    close_album(&a);
    for (long point = 0; point < acting.passed; point++) {
        open_album(&a, 1);
        work_in_child(&a, GLIMPSE_ACTION_MOVE, 0, point);
        missing += is_there(&a, "away/a.jpg") && !is_there(&a, "away/glimpse-moved.jsonl");
        glimpse_actions *actions = NULL;
        assert_ok(glimpse_actions_open(&actions, a.journal));
        glimpse_actions_close(actions);
        assert_int_equal(is_there(&a, "away/glimpse-moved.jsonl"), is_there(&a, "away/a.jpg"));
        assert_false(is_there(&a, "away/.glimpse-moved.jsonl.part"));
        close_album(&a);
    }
    assert_true(missing > 0);
}

int main(void) {
    /* Kills lose nothing that the system was given, so the test does without a real disk. */
    if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moved_companions_survive_a_kill_at_any_point),
        cmocka_unit_test(trashed_companions_survive_a_kill_at_any_point),
        cmocka_unit_test(deleted_companions_survive_a_kill_at_any_point),
        cmocka_unit_test(companions_stay_when_their_picture_does),
        cmocka_unit_test(companions_stay_away_when_their_picture_cannot_come_back),
        cmocka_unit_test(what_is_only_beside_the_copy_keeps_it_from_going_for_good),
        cmocka_unit_test(no_companion_of_any_kind_goes_for_good_with_the_copy),
        cmocka_unit_test(a_held_companion_stays_when_nothing_beside_the_keeper_has_its_bytes),
        cmocka_unit_test(a_picture_with_another_name_has_its_companions_named_after_it),
        cmocka_unit_test(the_list_of_moves_is_made_up_for_by_the_next_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
