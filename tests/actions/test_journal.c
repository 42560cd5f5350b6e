/*
 * Actions on duplicates: what each does, what it refuses, and that undo brings everything back.
 */
#include "actions_support.h"

#include <unistd.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/file.h>
#include <sys/wait.h>

typedef struct seen {
    size_t count;
    glimpse_action_outcome outcomes[64];
    char others[64][600], messages[64][600];
} seen;

static void see(void *user, const glimpse_action_event *event) {
    seen *s = user;
    if (s->count >= 64) return;
    s->outcomes[s->count] = event->outcome;
    (void)snprintf(s->others[s->count], 600, "%s", event->other ? event->other : "");
    (void)snprintf(s->messages[s->count++], 600, "%s", event->message);
}

static glimpse_action_options options_for(glimpse_action_kind kind, const char *directory) {
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    options.kind = kind;
    options.directory = directory;
    return options;
}

/* Applies to the first `count` items; returns what was seen. */
static seen apply(yard *y, const glimpse_action_options *options, size_t count,
                  glimpse_action_report *report) {
    seen s = {0};
    glimpse_actions *actions = NULL;
    assert_ok(glimpse_actions_open(&actions, y->journal));
    assert_ok(glimpse_actions_apply(report, actions, options, y->items, count, see, &s));
    glimpse_actions_close(actions);
    return s;
}

static seen undo(yard *y, int64_t run, int expected, glimpse_action_report *report) {
    seen s = {0};
    glimpse_actions *actions = NULL;
    assert_ok(glimpse_actions_open(&actions, y->journal));
    assert_int_equal(glimpse_actions_undo(report, actions, run, see, &s), expected);
    glimpse_actions_close(actions);
    return s;
}

static void every_action_is_taken_back_exactly(void **state) {
    (void)state;
    for (int kind = GLIMPSE_ACTION_MOVE; kind <= GLIMPSE_ACTION_REFLINK; kind++) {
        yard y;
        yard_open(&y, (unsigned)kind, 0);
        glimpse_action_options options = options_for((glimpse_action_kind)kind, y.quarantine);
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        seen s = apply(&y, &options, YARD_ITEMS, &report);
        if (kind == GLIMPSE_ACTION_REFLINK && s.outcomes[0] == GLIMPSE_OUTCOME_UNSUPPORTED) {
            print_message("SKIPPED: reflinks: %s\n", s.messages[0]);
            assert_int_equal(report.left_alone, YARD_ITEMS);
            yard_check_same(&y, 1);
            assert_int_equal(yard_count_files(path_in(y.journal, "held")), 0);
            (void)undo(&y, 0, GLIMPSE_E_NOT_FOUND, &report);
            yard_close(&y);
            continue;
        }
        for (size_t i = 0; i < s.count; i++) {
            if (s.outcomes[i]) fail_msg("%s: %s", y.items[i].path, s.messages[i]);
        }
        assert_int_equal(report.done, YARD_ITEMS);
        assert_int_equal(report.left_alone, 0);
        assert_int_equal(report.bytes, YARD_ITEMS * y.files[0].size);
        assert_int_equal(report.run, 1);
        yard_check_nothing_lost(&y, NULL);
        struct stat info, keeper;
        assert_int_equal(lstat(y.files[0].path, &keeper), 0);
        for (size_t i = 0; i < YARD_ITEMS; i++) {
            int there = lstat(y.items[i].path, &info) == 0;
            assert_int_equal(there, glimpse_kind_replaces((glimpse_action_kind)kind));
            if (kind == GLIMPSE_ACTION_HARDLINK) assert_int_equal(info.st_ino, keeper.st_ino);
            if (kind == GLIMPSE_ACTION_SYMLINK) assert_true(S_ISLNK(info.st_mode));
        }
        seen back = undo(&y, 0, GLIMPSE_OK, &report);
        for (size_t i = 0; i < back.count; i++) {
            if (back.outcomes[i]) fail_msg("%s", back.messages[i]);
        }
        assert_int_equal(report.done, YARD_ITEMS);
        yard_check_same(&y, 1);
        assert_int_equal(yard_count_files(path_in(y.journal, "held")), 0);
        /* The directory was made for the run, and goes with it. */
        assert_int_not_equal(access(y.quarantine, F_OK), 0);
        assert_int_equal(yard_count_files(path_in(y.base, "data")), 0);
        (void)undo(&y, 0, GLIMPSE_E_NOT_FOUND, &report);
        yard_close(&y);
    }
}

static void a_preview_changes_nothing_and_says_the_same(void **state) {
    (void)state;
    for (int kind = GLIMPSE_ACTION_MOVE; kind <= GLIMPSE_ACTION_SYMLINK; kind++) {
        yard y;
        yard_open(&y, 40, 2);
        glimpse_action_options options = options_for((glimpse_action_kind)kind, y.quarantine);
        glimpse_action_report planned = GLIMPSE_ACTION_REPORT_INIT,
                              done = GLIMPSE_ACTION_REPORT_INIT;
        seen s = {0};
        assert_ok(glimpse_actions_preview(&planned, &options, y.items, YARD_ITEMS, see, &s));
        yard_check_same(&y, 1);
        assert_int_equal(yard_count_files(y.base), YARD_FILES);
        assert_int_equal(planned.run, 0);
        seen after = apply(&y, &options, YARD_ITEMS, &done);
        assert_int_equal(s.count, after.count);
        for (size_t i = 0; i < s.count; i++)
            assert_int_equal(s.outcomes[i], after.outcomes[i]);
        assert_int_equal(planned.done, done.done);
        assert_int_equal(planned.bytes, done.bytes);
        yard_close(&y);
    }
}

static void links_never_replace_other_bytes(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 2, 3);
    for (int kind = GLIMPSE_ACTION_HARDLINK; kind <= GLIMPSE_ACTION_SYMLINK; kind++) {
        glimpse_action_options options = options_for((glimpse_action_kind)kind, NULL);
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        seen s = apply(&y, &options, YARD_ITEMS, &report);
        for (size_t i = 0; i < YARD_ITEMS; i++) {
            assert_int_equal(s.outcomes[i], i >= YARD_ITEMS - 3 ? GLIMPSE_OUTCOME_DIFFERENT
                                                                : GLIMPSE_OUTCOME_DONE);
        }
        (void)undo(&y, 0, GLIMPSE_OK, &report);
        yard_check_same(&y, 1);
    }
    yard_close(&y);
}

static void what_changed_since_the_scan_is_left_alone(void **state) {
    (void)state;
    for (int kind = GLIMPSE_ACTION_MOVE; kind <= GLIMPSE_ACTION_SYMLINK; kind++) {
        yard y;
        yard_open(&y, 3, 0);
        glimpse_action_options options = options_for((glimpse_action_kind)kind, y.quarantine);
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        write_file(y.items[0].path, "new bytes", 9);
        assert_int_equal(unlink(y.items[1].path), 0);
        assert_int_equal(unlink(y.items[2].path), 0);
        assert_int_equal(symlink(y.files[0].path, y.items[2].path), 0);
        assert_int_equal(chmod(y.items[3].path, 0444), 0);
        options.skip_read_only = 1;
        assert_int_equal(unlink(y.items[4].path), 0);
        assert_int_equal(mkdir(y.items[4].path, 0755), 0);
        y.items[5].path = y.items[5].keeper; /* would remove the only copy */
        y.items[5].id = y.items[5].keeper_id;
        static const glimpse_action_outcome expected[] = {
            GLIMPSE_OUTCOME_CHANGED,   GLIMPSE_OUTCOME_MISSING, GLIMPSE_OUTCOME_CHANGED,
            GLIMPSE_OUTCOME_READ_ONLY, GLIMPSE_OUTCOME_CHANGED, GLIMPSE_OUTCOME_KEEPER};
        seen s = apply(&y, &options, 6, &report);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(s.outcomes[i], expected[i]);
            assert_true(strlen(s.messages[i]) > 5);
        }
        assert_int_equal(report.done, 0);
        assert_int_equal(report.left_alone, 6);
        assert_int_equal(report.run, 0);
        struct stat info;
        assert_int_equal(lstat(y.items[3].path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0444);
        yard_close(&y);
    }
}

static void read_only_files_come_back_read_only_and_can_be_left_alone(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 4, 0);
    for (int i = 1; i < YARD_FILES; i++) {
        assert_int_equal(chmod(y.files[i].path, 0444), 0);
        y.files[i].mode = (y.files[i].mode & ~(mode_t)07777) | 0444;
    }
    glimpse_action_options options = options_for(GLIMPSE_ACTION_DELETE, NULL);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    options.skip_read_only = 1;
    seen s = apply(&y, &options, YARD_ITEMS, &report);
    assert_int_equal(report.left_alone, YARD_ITEMS);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_READ_ONLY);
    options.skip_read_only = 0;
    (void)apply(&y, &options, YARD_ITEMS, &report);
    assert_int_equal(report.done, YARD_ITEMS);
    (void)undo(&y, 0, GLIMPSE_OK, &report);
    yard_check_same(&y, 1);
    yard_close(&y);
}

static void nothing_is_done_when_the_keeper_is_gone_or_changed(void **state) {
    (void)state;
    for (int kind = GLIMPSE_ACTION_MOVE; kind <= GLIMPSE_ACTION_SYMLINK; kind++) {
        yard y;
        yard_open(&y, 5, 0);
        glimpse_action_options options = options_for((glimpse_action_kind)kind, y.quarantine);
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        char away[600];
        (void)snprintf(away, sizeof away, "%s/away", y.base);
        assert_int_equal(rename(y.files[0].path, away), 0);
        seen s = apply(&y, &options, 2, &report);
        assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_KEEPER);
        write_file(y.files[0].path, "other", 5);
        s = apply(&y, &options, 2, &report);
        assert_int_equal(s.outcomes[1], GLIMPSE_OUTCOME_KEEPER);
        assert_int_equal(unlink(y.files[0].path), 0);
        assert_int_equal(rename(away, y.files[0].path), 0);
        yard_check_same(&y, 1);
        yard_close(&y);
    }
}

static void hard_links_of_the_keeper_are_known(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 6, 0);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    assert_int_equal(unlink(y.items[0].path), 0);
    assert_int_equal(link(y.files[0].path, y.items[0].path), 0);
    glimpse_action_options options = options_for(GLIMPSE_ACTION_HARDLINK, NULL);
    seen s = apply(&y, &options, 1, &report);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_SAME_FILE);
    options.kind = GLIMPSE_ACTION_DELETE; /* one name less: the keeper stays */
    s = apply(&y, &options, 1, &report);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_DONE);
    assert_int_equal(access(y.files[0].path, F_OK), 0);
    assert_int_equal(access(y.items[0].path, F_OK), -1);
    /* The same file by way of a linked directory is not another name: it is the only one. */
    char linked[600], through[700];
    (void)snprintf(linked, sizeof linked, "%s/linked", y.base);
    (void)snprintf(through, sizeof through, "%s/keeper.jpg", linked);
    assert_int_equal(symlink(y.pictures, linked), 0);
    y.items[1].path = through;
    s = apply(&y, &options, 2, &report);
    assert_int_equal(s.outcomes[1], GLIMPSE_OUTCOME_KEEPER);
    assert_int_equal(access(y.files[0].path, F_OK), 0);
    yard_close(&y);
}

/*
 * What is kept stays readable.
 */
/* The keeper's file has a second name that no item is about: its inode has two, as a duplicate
 * that is a hard link has. */
static void link_elsewhere(const yard *y) {
    assert_int_equal(link(y->files[0].path, path_in(y->base, "elsewhere.jpg")), 0);
}

/* For every kind, and a MOVE to another file system where there is one: items[0] is left alone with
 * `expected`, and nothing changes. A preview says so, too, when `foreseen`. */
static void check_left_alone(yard *y, glimpse_action_outcome expected, int foreseen) {
    char far[64] = "/dev/shm/glimpse-test-XXXXXX";
    assert_non_null(mkdtemp(far));
    for (int kind = 0; kind <= GLIMPSE_ACTION_SYMLINK; kind++) {
        glimpse_action_options options =
            options_for(kind ? (glimpse_action_kind)kind : GLIMPSE_ACTION_MOVE, y->quarantine);
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        seen s = {0};
        if (!kind) options.directory = far;
        if (foreseen) {
            assert_ok(glimpse_actions_preview(&report, &options, y->items, 1, see, &s));
            assert_int_equal(s.outcomes[0], expected);
        }
        s = apply(y, &options, 1, &report);
        if (s.outcomes[0] != expected) fail_msg("kind %d: %s", kind, s.messages[0]);
        assert_true(glimpse_action_readable(y->files[0].path));
        yard_check_nothing_lost(y, far);
        assert_int_equal(yard_count_files(path_in(y->journal, "held")), 0);
        assert_int_equal(yard_count_files(y->quarantine), 0);
        assert_int_equal(yard_count_files(path_in(y->base, "data")), 0);
        assert_int_equal(yard_count_files(far), 0);
    }
    assert_int_equal(yard_count_files(y->pictures), YARD_FILES);
    remove_tree(far);
}

static void one_entry_is_never_its_own_duplicate_however_it_is_reached(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 16, 0);
    link_elsewhere(&y);
    char linked[400], paths[4][900];
    (void)snprintf(linked, sizeof linked, "%s/linked", y.base);
    assert_int_equal(symlink(y.pictures, linked), 0);
    (void)snprintf(paths[0], sizeof paths[0], "%s/keeper.jpg", linked);
    (void)snprintf(paths[1], sizeof paths[1], "%s/sub/../keeper.jpg", y.pictures);
    (void)snprintf(paths[2], sizeof paths[2], "%s//./keeper.jpg", y.pictures);
    (void)snprintf(paths[3], sizeof paths[3], "%s/sub/deep/../../../linked/sub/../keeper.jpg",
                   y.pictures);
    for (size_t i = 0; i < 4; i++) {
        y.items[0].path = paths[i];
        y.items[0].keeper = y.files[0].path;
        check_left_alone(&y, GLIMPSE_OUTCOME_KEEPER, 1);
        y.items[0].keeper = paths[i];
        y.items[0].path = y.files[0].path;
        check_left_alone(&y, GLIMPSE_OUTCOME_KEEPER, 1);
    }
    yard_close(&y);
}

static void a_directory_that_became_another_takes_no_keeper(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 17, 0);
    link_elsewhere(&y);
    /* Planned: sub/copy.jpg beside the keeper other/copy.jpg. Then `sub` became a link to it. */
    char other[400], keeper[900], sub[400];
    (void)snprintf(other, sizeof other, "%s/other", y.base);
    (void)snprintf(keeper, sizeof keeper, "%s/copy.jpg", other);
    (void)snprintf(sub, sizeof sub, "%s/sub", y.pictures);
    assert_int_equal(rename(sub, other), 0);
    assert_int_equal(symlink(other, sub), 0);
    assert_int_equal(link(keeper, path_in(y.base, "elsewhere-too.jpg")), 0);
    y.items[0] = y.items[1];
    y.items[0].keeper = keeper;
    char far[64] = "/dev/shm/glimpse-test-XXXXXX";
    assert_non_null(mkdtemp(far));
    for (int kind = 0; kind <= GLIMPSE_ACTION_SYMLINK; kind++) {
        glimpse_action_options options =
            options_for(kind ? (glimpse_action_kind)kind : GLIMPSE_ACTION_MOVE, y.quarantine);
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        if (!kind) options.directory = far;
        seen s = apply(&y, &options, 1, &report);
        assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_KEEPER);
        assert_true(glimpse_action_readable(keeper));
    }
    remove_tree(far);
    yard_close(&y);
}

/* Moves the keeper away at a point of the work: what a second name of one entry does. */
typedef struct keeper_loss {
    const char *at, *keeper, *to;
    int moved, kills;
} keeper_loss;

static void move_keeper_away(void *user, const char *name) {
    keeper_loss *t = user;
    if (t->moved || strcmp(name, t->at) != 0) return;
    t->moved = 1;
    if (rename(t->keeper, t->to) != 0) abort();
    if (t->kills) _exit(7);
}

static const struct {
    glimpse_action_kind kind;
    int crossing;
    const char *at;
} removals[] = {{GLIMPSE_ACTION_MOVE, 0, "renamed"},     {GLIMPSE_ACTION_MOVE, 1, "set aside"},
                {GLIMPSE_ACTION_MOVE, 1, "removed"},     {GLIMPSE_ACTION_TRASH, 0, "renamed"},
                {GLIMPSE_ACTION_DELETE, 0, "renamed"},   {GLIMPSE_ACTION_HARDLINK, 0, "exchanged"},
                {GLIMPSE_ACTION_SYMLINK, 0, "exchanged"}};

/* One removal of items[0] during which the keeper goes; `kills`: and the process with it. */
static void lose_the_keeper(yard *y, size_t i, const char *far, int kills) {
    char away[600];
    (void)snprintf(away, sizeof away, "%s/away", y->base);
    glimpse_action_options options =
        options_for(removals[i].kind, removals[i].crossing ? far : y->quarantine);
    keeper_loss loss = {removals[i].at, y->files[0].path, away, 0, kills};
    (void)fflush(NULL);
    pid_t child = kills ? fork() : 0;
    if (child == 0) {
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        glimpse_actions *actions = NULL;
        seen s = {0};
        int status = glimpse_actions_open_with(&actions, y->journal, move_keeper_away, &loss);
        if (status == GLIMPSE_OK) {
            status = glimpse_actions_apply(&report, actions, &options, y->items, 1, see, &s);
        }
        glimpse_actions_close(actions);
        if (kills) _exit(1);
        assert_ok(status);
        assert_true(loss.moved);
        if (s.outcomes[0] != GLIMPSE_OUTCOME_KEEPER) fail_msg("%s: %s", loss.at, s.messages[0]);
        assert_int_equal(report.done, 0);
    } else {
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), 7);
        glimpse_actions *actions = NULL;
        assert_ok(glimpse_actions_open(&actions, y->journal));
        assert_int_equal(glimpse_actions_recovered(actions), 1);
        glimpse_actions_close(actions);
    }
    assert_int_equal(rename(away, y->files[0].path), 0);
}

static void a_file_comes_back_when_its_keeper_goes_with_it(void **state) {
    (void)state;
    char far[64] = "/dev/shm/glimpse-test-XXXXXX";
    assert_non_null(mkdtemp(far));
    for (size_t i = 0; i < sizeof removals / sizeof *removals; i++) {
        yard y;
        yard_open(&y, 18, 0);
        lose_the_keeper(&y, i, far, 0);
        yard_check_same(&y, !removals[i].crossing);
        assert_int_equal(yard_count_files(far), 0);
        assert_int_equal(yard_count_files(path_in(y.journal, "held")), 0);
        assert_int_equal(yard_count_files(path_in(y.base, "data")), 0);
        yard_close(&y);
    }
    remove_tree(far);
}

/* Killed between removing the name and looking at the keeper: the next who opens the journal looks.
 */
static void a_process_killed_before_it_looked_again_takes_no_keeper(void **state) {
    (void)state;
    char far[64] = "/dev/shm/glimpse-test-XXXXXX";
    assert_non_null(mkdtemp(far));
    for (size_t i = 0; i < sizeof removals / sizeof *removals; i++) {
        yard y;
        if (strcmp(removals[i].at, "removed") == 0) continue; /* it had looked */
        yard_open(&y, 19, 0);
        lose_the_keeper(&y, i, far, 1);
        yard_check_same(&y, 1);
        assert_int_equal(yard_count_files(far), 0);
        assert_int_equal(yard_count_files(path_in(y.journal, "held")), 0);
        assert_int_equal(yard_count_files(path_in(y.base, "data")), 0);
        yard_close(&y);
    }
    remove_tree(far);
}

static void undo_takes_no_keeper_for_a_link_of_its_own(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 20, 0);
    glimpse_action_options options = options_for(GLIMPSE_ACTION_HARDLINK, NULL);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    char keeper[900], other[400], sub[400];
    (void)snprintf(other, sizeof other, "%s/other", y.base);
    (void)snprintf(sub, sizeof sub, "%s/sub", y.pictures);
    (void)snprintf(keeper, sizeof keeper, "%s/copy.jpg", other);
    assert_int_equal(mkdir(other, 0755), 0);
    assert_int_equal(rename(y.files[0].path, keeper), 0);
    y.items[1].keeper = keeper;
    y.items[0] = y.items[1];
    (void)apply(&y, &options, 1, &report);
    assert_int_equal(report.done, 1);
    /* pictures/sub/copy.jpg is the keeper's own name by now. */
    assert_int_equal(rename(sub, path_in(y.base, "was-sub")), 0);
    assert_int_equal(symlink(other, sub), 0);
    struct stat before, after;
    assert_int_equal(stat(keeper, &before), 0);
    seen s = undo(&y, 0, GLIMPSE_OK, &report);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_OCCUPIED);
    assert_int_equal(stat(keeper, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    yard_close(&y);
}

static void emptying_keeps_what_may_be_the_last_copy(void **state) {
    (void)state;
    for (int kind = GLIMPSE_ACTION_DELETE; kind <= GLIMPSE_ACTION_SYMLINK; kind++) {
        yard y;
        yard_open(&y, 21, 0);
        glimpse_action_options options = options_for((glimpse_action_kind)kind, NULL);
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        glimpse_actions *actions = NULL;
        seen s = {0};
        int has_bytes = kind == GLIMPSE_ACTION_HARDLINK;
        (void)apply(&y, &options, 2, &report);
        assert_int_equal(report.done, 2);
        assert_int_equal(unlink(y.files[0].path), 0);
        assert_ok(glimpse_actions_open(&actions, y.journal));
        for (int really = 0; really < 2; really++) {
            s.count = 0;
            assert_ok(glimpse_actions_empty(&report, actions, 0, really, see, &s));
            assert_int_equal(report.done, has_bytes ? 2 : 0);
            assert_int_equal(report.left_alone, has_bytes ? 0 : 2);
            assert_int_equal(s.outcomes[0],
                             has_bytes ? GLIMPSE_OUTCOME_DONE : GLIMPSE_OUTCOME_KEEPER);
        }
        glimpse_actions_close(actions);
        if (!has_bytes) {
            (void)undo(&y, 0, GLIMPSE_OK, &report);
            assert_int_equal(report.done, 2);
        }
        assert_true(glimpse_action_readable(y.items[0].path));
        assert_true(glimpse_action_readable(y.items[1].path));
        yard_close(&y);
    }
}

/* A keeper that is there and can be read need not be one any more. */
static void emptying_looks_at_the_bytes_of_the_keeper(void **state) {
    (void)state;
    enum { EMPTIED, OTHER_BYTES, SAME_SIZE, HELD_ITSELF, FATES };
    for (int kind = GLIMPSE_ACTION_DELETE; kind <= GLIMPSE_ACTION_SYMLINK; kind++) {
        for (int fate = 0; fate < FATES; fate++) {
            yard y;
            yard_open(&y, 22, 0);
            glimpse_action_options options = options_for((glimpse_action_kind)kind, NULL);
            glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
            glimpse_actions *actions = NULL;
            seen s = {0};
            (void)apply(&y, &options, 1, &report);
            assert_int_equal(report.done, 1);
            const char *keeper = y.files[0].path;
            int fd = -1;
            if (fate == HELD_ITSELF) { /* its only name but for a symbolic link */
                char held[600], pattern[400];
                glob_t found = {0};
                (void)snprintf(pattern, sizeof pattern, "%s/held/*", y.journal);
                assert_int_equal(glob(pattern, 0, NULL, &found), 0);
                (void)snprintf(held, sizeof held, "%s", found.gl_pathv[0]);
                globfree(&found);
                assert_int_equal(unlink(keeper), 0);
                if (kind == GLIMPSE_ACTION_HARDLINK) assert_int_equal(unlink(y.items[0].path), 0);
                assert_int_equal(symlink(held, keeper), 0);
            } else {
                fd = open(keeper, fate == SAME_SIZE ? O_WRONLY : O_WRONLY | O_TRUNC);
                assert_true(fd >= 0);
                if (fate != EMPTIED) assert_int_equal(write(fd, "retagged", 8), 8);
                assert_int_equal(close(fd), 0);
            }
            assert_ok(glimpse_actions_open(&actions, y.journal));
            for (int really = 0; really < 2; really++) {
                s.count = 0;
                assert_ok(glimpse_actions_empty(&report, actions, 0, really, see, &s));
                assert_int_equal(report.done, 0);
                assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_KEEPER);
            }
            glimpse_actions_close(actions);
            assert_int_equal(yard_count_files(path_in(y.journal, "held")), 1);
            yard_close(&y);
        }
    }
}

/* The name may be the last one of what was written into the keeper since. */
static void undo_of_a_hard_link_leaves_the_last_name_of_new_bytes(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 23, 0);
    glimpse_action_options options = options_for(GLIMPSE_ACTION_HARDLINK, NULL);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    (void)apply(&y, &options, 1, &report);
    int fd = open(y.files[0].path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "retouched", 9), 9);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(y.files[0].path), 0);
    seen s = undo(&y, 0, GLIMPSE_OK, &report);
    assert_int_equal(report.done, 0);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_OCCUPIED);
    char bytes[10] = "";
    fd = open(y.items[0].path, O_RDONLY);
    assert_int_equal(read(fd, bytes, 9), 9);
    assert_int_equal(close(fd), 0);
    assert_string_equal(bytes, "retouched");
    yard_close(&y);
}

static void a_move_keeps_the_directories_and_never_overwrites(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 7, 0);
    glimpse_action_options options = options_for(GLIMPSE_ACTION_MOVE, y.quarantine);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    assert_int_equal(mkdir(y.quarantine, 0755), 0);
    write_file(path_in(y.quarantine, "copy.jpg"), "mine", 4);
    seen s = apply(&y, &options, 3, &report);
    assert_string_equal(s.others[0], path_in(y.quarantine, "copy (2).jpg"));
    assert_string_equal(s.others[1], path_in(y.quarantine, "sub/copy.jpg"));
    assert_string_equal(s.others[2], path_in(y.quarantine, "sub/copy (2).jpg"));
    size_t size = 0;
    char *mine = read_whole_file(path_in(y.quarantine, "copy.jpg"), &size);
    assert_string_equal(mine, "mine");
    free(mine);
    (void)undo(&y, report.run, GLIMPSE_OK, &report);
    yard_check_same(&y, 1);
    /* What the run made is gone, what was there is not. */
    assert_int_not_equal(access(path_in(y.quarantine, "sub"), F_OK), 0);
    assert_int_equal(access(path_in(y.quarantine, "copy.jpg"), F_OK), 0);
    yard_close(&y);
}

static void a_move_to_another_file_system_copies_and_comes_back(void **state) {
    (void)state;
    yard y;
    struct stat here, there;
    char far[64] = "/dev/shm/glimpse-test-XXXXXX";
    yard_open(&y, 8, 0);
    if (!mkdtemp(far) || stat(far, &there) != 0 || stat(y.pictures, &here) != 0 ||
        here.st_dev == there.st_dev) {
        print_message("SKIPPED: no second file system at /dev/shm\n");
        yard_close(&y);
        skip();
    }
    glimpse_action_options options = options_for(GLIMPSE_ACTION_MOVE, far);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    seen s = apply(&y, &options, YARD_ITEMS, &report);
    for (size_t i = 0; i < s.count; i++) {
        if (s.outcomes[i]) fail_msg("%s: %s", y.items[i].path, s.messages[i]);
        assert_int_equal(lstat(s.others[i], &there), 0);
        assert_int_equal(glimpse_action_mtime(&there), y.files[i + 1].mtime_ns);
        assert_int_equal(there.st_mode, y.files[i + 1].mode);
    }
    assert_int_equal(report.done, YARD_ITEMS);
    assert_int_equal(yard_count_files(y.pictures), 1);
    /* As if it were a file system without nanoseconds and permissions. */
    const struct timespec coarse[2] = {{1400000000, 0}, {1400000000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, s.others[0], coarse, 0), 0);
    assert_int_equal(chmod(s.others[0], 0777), 0);
    (void)undo(&y, 0, GLIMPSE_OK, &report);
    assert_int_equal(report.done, YARD_ITEMS);
    yard_check_same(&y, 0);
    assert_int_equal(yard_count_files(far), 0);
    /* Links cannot go there; the outcome says so and nothing happened. */
    char keeper[128];
    (void)snprintf(keeper, sizeof keeper, "%s/keeper.jpg", far);
    assert_int_equal(glimpse_action_copy(y.files[0].path, keeper), 0);
    for (int i = 0; i < YARD_ITEMS; i++)
        y.items[i].keeper = keeper;
    options = options_for(GLIMPSE_ACTION_HARDLINK, NULL);
    s = apply(&y, &options, YARD_ITEMS, &report);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_UNSUPPORTED);
    assert_non_null(strstr(s.messages[0], "another file system"));
    options = options_for(GLIMPSE_ACTION_REFLINK, NULL);
    s = apply(&y, &options, YARD_ITEMS, &report);
    assert_int_equal(s.outcomes[0], GLIMPSE_OUTCOME_UNSUPPORTED);
    assert_int_equal(report.left_alone, YARD_ITEMS);
    yard_check_same(&y, 0);
    remove_tree(far);
    yard_close(&y);
}

/* A journal on another file system than the pictures: deleted files are held beside them. */
static void deleted_files_are_held_on_their_own_file_system(void **state) {
    (void)state;
    struct stat here, there;
    char far[64] = "/dev/shm/glimpse-test-XXXXXX", held[128];
    yard y;
    yard_open(&y, 9, 0);
    if (!mkdtemp(far) || stat(far, &there) != 0 || stat(y.pictures, &here) != 0 ||
        here.st_dev == there.st_dev) {
        print_message("SKIPPED: no second file system at /dev/shm\n");
        yard_close(&y);
        skip();
    }
    (void)snprintf(y.journal, sizeof y.journal, "%s/actions", far);
    (void)snprintf(held, sizeof held, "/.glimpse-held-%lu", (unsigned long)geteuid());
    glimpse_action_options options = options_for(GLIMPSE_ACTION_DELETE, NULL);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    seen s = apply(&y, &options, 2, &report);
    if (s.outcomes[0] == GLIMPSE_OUTCOME_UNSUPPORTED) {
        /* Only who may write to the top directory can hold there; the message says what to do. */
        assert_non_null(strstr(s.messages[0], "move it to another folder"));
    } else {
        assert_int_equal(report.done, 2);
        (void)undo(&y, 0, GLIMPSE_OK, &report);
        assert_int_equal(report.done, 2);
        (void)rmdir(held);
    }
    yard_check_same(&y, 1);
    remove_tree(far);
    yard_close(&y);
}

static void undo_overwrites_nothing_that_came_since(void **state) {
    (void)state;
    for (int kind = GLIMPSE_ACTION_MOVE; kind <= GLIMPSE_ACTION_SYMLINK; kind++) {
        yard y;
        yard_open(&y, 10, 0);
        glimpse_action_options options = options_for((glimpse_action_kind)kind, y.quarantine);
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        (void)apply(&y, &options, YARD_ITEMS, &report);
        (void)unlink(y.items[0].path);
        write_file(y.items[0].path, "somebody's new file", 19);
        seen s = undo(&y, 0, GLIMPSE_OK, &report);
        assert_int_equal(report.done, YARD_ITEMS - 1);
        assert_int_equal(report.left_alone, 1);
        size_t last = YARD_ITEMS - 1; /* last step first */
        assert_int_equal(s.outcomes[last], GLIMPSE_OUTCOME_OCCUPIED);
        assert_non_null(strstr(s.messages[last], "another file has its name"));
        size_t size = 0;
        char *bytes = read_whole_file(y.items[0].path, &size);
        assert_string_equal(bytes, "somebody's new file");
        free(bytes);
        yard_check_nothing_lost(&y, NULL);
        /* Out of the way, it can be tried again. */
        assert_int_equal(unlink(y.items[0].path), 0);
        (void)undo(&y, 0, GLIMPSE_OK, &report);
        assert_int_equal(report.done, 1);
        yard_check_same(&y, 1);
        yard_close(&y);
    }
}

static int stop_after(void *user) {
    return --*(int *)user < 0;
}

static void undo_and_emptying_stop_between_files_and_go_on(void **state) {
    (void)state;
    for (int empties = 0; empties < 2; empties++) {
        yard y;
        yard_open(&y, 22, 0);
        glimpse_action_options options = options_for(GLIMPSE_ACTION_DELETE, NULL);
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        glimpse_actions *actions = NULL;
        (void)apply(&y, &options, YARD_ITEMS, &report);
        size_t left = YARD_ITEMS;
        for (int files = 0; left > 0; files++) {
            int remaining = files;
            assert_ok(glimpse_actions_open(&actions, y.journal));
            assert_int_equal(glimpse_actions_recovered(actions), 0);
            glimpse_actions_set_cancelled(actions, stop_after, &remaining);
            int status = empties ? glimpse_actions_empty(&report, actions, 0, 1, NULL, NULL)
                                 : glimpse_actions_undo(&report, actions, 0, NULL, NULL);
            assert_ok(status);
            glimpse_actions_close(actions);
            const size_t done = (size_t)files < left ? (size_t)files : left;
            assert_int_equal(report.done, done);
            assert_int_equal(report.cancelled, done < left);
            left -= done;
            assert_int_equal(yard_count_files(path_in(y.journal, "held")), left);
        }
        if (!empties) yard_check_same(&y, 1);
        yard_close(&y);
    }
}

static void undo_makes_directories_that_went_and_tells_what_is_gone(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 11, 0);
    glimpse_action_options options = options_for(GLIMPSE_ACTION_MOVE, y.quarantine);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    seen s = apply(&y, &options, YARD_ITEMS, &report);
    assert_int_equal(rmdir(path_in(y.pictures, "sub/deep")), 0);
    assert_int_equal(unlink(s.others[0]), 0);
    write_file(s.others[1], "x", 1);
    s = undo(&y, 0, GLIMPSE_OK, &report);
    assert_int_equal(report.left_alone, 2);
    assert_int_equal(s.outcomes[YARD_ITEMS - 1], GLIMPSE_OUTCOME_MISSING);
    assert_int_equal(s.outcomes[YARD_ITEMS - 2], GLIMPSE_OUTCOME_CHANGED);
    assert_int_equal(access(path_in(y.pictures, "sub/deep/er.jpg"), F_OK), 0);
    yard_close(&y);
}

static int apply_run(void *user, const glimpse_action_run *run) {
    *(glimpse_action_run *)user = *run;
    return 0;
}

static void emptying_frees_what_is_held_and_only_that(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 12, 0);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_action_run run = {0};
    glimpse_actions *actions = NULL;
    glimpse_action_options options = options_for(GLIMPSE_ACTION_DELETE, NULL);
    assert_ok(glimpse_actions_open(&actions, y.journal));
    assert_ok(glimpse_actions_apply(&report, actions, &options, y.items, 4, NULL, NULL));
    options = options_for(GLIMPSE_ACTION_MOVE, y.quarantine);
    assert_ok(glimpse_actions_apply(&report, actions, &options, y.items + 4, 3, NULL, NULL));
    assert_ok(glimpse_actions_empty(&report, actions, 0, 0, NULL, NULL));
    assert_int_equal(report.done, 4);
    assert_int_equal(yard_count_files(path_in(y.journal, "held")), 4);
    assert_ok(glimpse_actions_empty(&report, actions, 0, 1, NULL, NULL));
    assert_int_equal(report.done, 4);
    assert_int_equal(report.bytes, 4 * y.files[0].size);
    assert_int_equal(yard_count_files(path_in(y.journal, "held")), 0);
    assert_int_equal(yard_count_files(y.quarantine), 4); /* with the list of them */
    assert_int_equal(glimpse_actions_undo(&report, actions, 1, NULL, NULL), GLIMPSE_E_NOT_FOUND);
    assert_ok(glimpse_actions_undo(&report, actions, 0, NULL, NULL));
    assert_int_equal(report.done, 3);
    assert_ok(glimpse_actions_runs(actions, apply_run, &run));
    assert_int_equal(run.run, 2);
    assert_int_equal(run.undone, 3);
    glimpse_actions_close(actions);
    yard_close(&y);
}

static void the_trash_is_that_of_the_specification(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 13, 0);
    glimpse_action_options options = options_for(GLIMPSE_ACTION_TRASH, NULL);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    seen s = apply(&y, &options, YARD_ITEMS, &report);
    assert_string_equal(s.others[0], path_in(y.base, "data/Trash/files/copy.jpg"));
    assert_string_equal(s.others[1], path_in(y.base, "data/Trash/files/copy (2).jpg"));
    size_t size = 0;
    char expected[800];
    char *info = read_whole_file(path_in(y.base, "data/Trash/info/caf\xe9.jpg.trashinfo"), &size);
    (void)snprintf(expected, sizeof expected, "[Trash Info]\nPath=%s/caf%%E9.jpg\nDeletionDate=2",
                   y.pictures);
    if (strncmp(info, expected, strlen(expected)) != 0) fail_msg("%s", info);
    assert_int_equal(strlen(info), strlen(expected) + 19);
    free(info);
    info = read_whole_file(path_in(y.base, "data/Trash/info/new\nline.jpg.trashinfo"), &size);
    assert_non_null(strstr(info, "/new%0Aline.jpg\n"));
    free(info);
    struct stat directory;
    assert_int_equal(stat(path_in(y.base, "data/Trash/files"), &directory), 0);
    assert_int_equal(directory.st_mode & 0777, 0700);
    (void)undo(&y, 0, GLIMPSE_OK, &report);
    assert_int_equal(yard_count_files(path_in(y.base, "data/Trash")), 0);
    yard_close(&y);
}

static void two_processes_do_not_act_at_once(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 14, 0);
    glimpse_actions *first = NULL, *second = NULL;
    assert_int_equal(glimpse_actions_exist(y.journal), 0);
    assert_ok(glimpse_actions_open(&first, y.journal));
    assert_int_equal(glimpse_actions_open(&second, y.journal), GLIMPSE_E_BUSY);
    assert_null(second);
    glimpse_actions_close(first);
    assert_int_equal(glimpse_actions_exist(y.journal), 1);
    assert_ok(glimpse_actions_open(&second, y.journal));
    glimpse_actions_close(second);
    yard_close(&y);
}

static void senseless_requests_are_refused(void **state) {
    (void)state;
    yard y;
    yard_open(&y, 15, 0);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_action_options options = options_for(GLIMPSE_ACTION_MOVE, "relative");
    assert_int_equal(glimpse_actions_preview(&report, &options, y.items, 1, NULL, NULL),
                     GLIMPSE_E_INVALID);
    options = options_for((glimpse_action_kind)9, NULL);
    assert_int_equal(glimpse_actions_preview(&report, &options, y.items, 1, NULL, NULL),
                     GLIMPSE_E_INVALID);
    options = options_for(GLIMPSE_ACTION_DELETE, NULL);
    y.items[0].id = "123";
    assert_int_equal(glimpse_actions_preview(&report, &options, y.items, 1, NULL, NULL),
                     GLIMPSE_E_INVALID);
    y.items[0].id = y.files[1].hash;
    y.items[0].path = "copy.jpg";
    assert_int_equal(glimpse_actions_preview(&report, &options, y.items, 1, NULL, NULL),
                     GLIMPSE_E_INVALID);
    /* A journal that is none is reported and left as it is. */
    assert_int_equal(mkdir(path_in(y.base, "state"), 0755), 0);
    assert_int_equal(mkdir(y.journal, 0755), 0);
    write_file(path_in(y.journal, "actions.db"), "this is not a database, only words", 34);
    glimpse_actions *actions = NULL;
    assert_int_equal(glimpse_actions_open(&actions, y.journal), GLIMPSE_E_CORRUPT);
    yard_close(&y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_is_taken_back_exactly),
        cmocka_unit_test(a_preview_changes_nothing_and_says_the_same),
        cmocka_unit_test(links_never_replace_other_bytes),
        cmocka_unit_test(what_changed_since_the_scan_is_left_alone),
        cmocka_unit_test(read_only_files_come_back_read_only_and_can_be_left_alone),
        cmocka_unit_test(nothing_is_done_when_the_keeper_is_gone_or_changed),
        cmocka_unit_test(hard_links_of_the_keeper_are_known),
        cmocka_unit_test(one_entry_is_never_its_own_duplicate_however_it_is_reached),
        cmocka_unit_test(a_directory_that_became_another_takes_no_keeper),
        cmocka_unit_test(a_file_comes_back_when_its_keeper_goes_with_it),
        cmocka_unit_test(a_process_killed_before_it_looked_again_takes_no_keeper),
        cmocka_unit_test(undo_takes_no_keeper_for_a_link_of_its_own),
        cmocka_unit_test(emptying_keeps_what_may_be_the_last_copy),
        cmocka_unit_test(emptying_looks_at_the_bytes_of_the_keeper),
        cmocka_unit_test(undo_of_a_hard_link_leaves_the_last_name_of_new_bytes),
        cmocka_unit_test(a_move_keeps_the_directories_and_never_overwrites),
        cmocka_unit_test(a_move_to_another_file_system_copies_and_comes_back),
        cmocka_unit_test(deleted_files_are_held_on_their_own_file_system),
        cmocka_unit_test(undo_overwrites_nothing_that_came_since),
        cmocka_unit_test(undo_and_emptying_stop_between_files_and_go_on),
        cmocka_unit_test(undo_makes_directories_that_went_and_tells_what_is_gone),
        cmocka_unit_test(emptying_frees_what_is_held_and_only_that),
        cmocka_unit_test(the_trash_is_that_of_the_specification),
        cmocka_unit_test(two_processes_do_not_act_at_once),
        cmocka_unit_test(senseless_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
