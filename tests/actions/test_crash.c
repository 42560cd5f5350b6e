/*
 * Every action, killed (SIGKILL) again and again at random points, between any two effects and at
 * random moments, while acting and while undoing. Nothing may be lost at any point, and undo brings
 * every file back with the same bytes, time and permissions.
 */
#include "actions_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { TRIALS = 100, CRASH_ITEMS = 4 };

typedef struct fuse {
    long left; /* points until the kill; negative: never */
    long passed;
} fuse;

static void burn(void *user, const char *name) {
    fuse *f = user;
    (void)name;
    f->passed++;
    if (f->left >= 0 && f->left-- == 0) (void)kill(getpid(), SIGKILL);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t random_below(uint64_t end) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % end;
}

typedef struct plan {
    yard *yard;
    glimpse_action_options options;
    int undo;
} plan;

/* Opens the journal (which recovers what was in doubt), then acts or undoes. 0 or an exit code. */
static int work(const plan *p, fuse *f) {
    glimpse_actions *actions = NULL;
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    if (glimpse_actions_open_with(&actions, p->yard->journal, burn, f) < 0) return 11;
    int status = p->undo ? glimpse_actions_undo(&report, actions, 0, NULL, NULL)
                         : glimpse_actions_apply(&report, actions, &p->options, p->yard->items,
                                                 CRASH_ITEMS, NULL, NULL);
    if (p->undo && status == GLIMPSE_E_NOT_FOUND) status = GLIMPSE_OK;
    if (status == GLIMPSE_OK && p->undo && report.left_alone > 0) status = GLIMPSE_E_INTERNAL;
    if (status < 0) (void)fprintf(stderr, "%s\n", glimpse_last_error());
    glimpse_actions_close(actions);
    return status < 0 ? 12 : 0;
}

/* In a child that is killed at the given point, or after some time. 1 when it was. */
static int work_until_killed(const plan *p, long point, long microseconds) {
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fuse f = {point, 0};
        _exit(work(p, &f));
    }
    if (microseconds > 0) {
        const struct timespec pause = {0, microseconds * 1000};
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return 1;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return 0;
}

static int devices_differ(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev != y.st_dev;
}

static void interrupt(glimpse_action_kind kind, int crossing) {
    /* Kills lose nothing that the system was given, so the test does without a real disk. */
    const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    /* It has no reflinks: for those, TMPDIR can name a directory on a file system that has. */
    if (kind == GLIMPSE_ACTION_REFLINK && getenv("TMPDIR")) shm = strdupa(getenv("TMPDIR"));
    char far[64] = "/tmp/glimpse-test-XXXXXX";
    size_t killed_acting = 0, killed_undoing = 0, recovered = 0;
    if (crossing) {
        assert_non_null(mkdtemp(far));
        if (!devices_differ(far, shm)) {
            print_message("SKIPPED: no second file system at /dev/shm\n");
            remove_tree(far);
            skip();
        }
    }
    char *before = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
    (void)setenv("TMPDIR", shm, 1);
    /* How many points there are, from a run that nobody kills. */
    yard y;
    plan p = {.yard = &y};
    p.options = GLIMPSE_ACTION_OPTIONS_INIT;
    p.options.kind = kind;
    yard_open(&y, 1, 0);
    p.options.directory = crossing ? far : y.quarantine;
    fuse whole = {-1, 0}, back = {-1, 0};
    assert_int_equal(work(&p, &whole), 0);
    p.undo = 1;
    assert_int_equal(work(&p, &back), 0);
    yard_check_same(&y, !crossing);
    yard_close(&y);
    for (unsigned trial = 0; trial < TRIALS; trial++) {
        yard_open(&y, trial + 2, 0);
        if (!crossing) p.options.directory = y.quarantine;
        p.undo = 0;
        int by_time = trial % 4 == 3;
        killed_acting +=
            (size_t)work_until_killed(&p, by_time ? -1 : (long)random_below((uint64_t)whole.passed),
                                      by_time ? 1 + (long)random_below(4000) : 0);
        yard_check_nothing_lost(&y, crossing ? far : NULL);
        p.undo = 1;
        for (int attempt = 0; attempt < 2 && back.passed > 0; attempt++) {
            by_time = (trial + (unsigned)attempt) % 5 == 4;
            killed_undoing += (size_t)work_until_killed(
                &p, by_time ? -1 : (long)random_below((uint64_t)back.passed),
                by_time ? 1 + (long)random_below(3000) : 0);
            yard_check_nothing_lost(&y, crossing ? far : NULL);
        }
        glimpse_actions *actions = NULL;
        assert_ok(glimpse_actions_open(&actions, y.journal));
        recovered += glimpse_actions_recovered(actions);
        glimpse_actions_close(actions);
        fuse never = {-1, 0};
        assert_int_equal(work(&p, &never), 0);
        yard_check_same(&y, !crossing);
        /* Nothing of ours is left behind either: no link, no half a copy, no trash entry. */
        assert_int_equal(yard_count_files(path_in(y.journal, "held")), 0);
        assert_int_equal(yard_count_files(p.options.directory), 0);
        if (!crossing) assert_int_not_equal(access(y.quarantine, F_OK), 0);
        assert_int_equal(yard_count_files(path_in(y.base, "data")), 0);
        yard_close(&y);
    }
    if (crossing) remove_tree(far);
    if (before) {
        (void)setenv("TMPDIR", before, 1);
    } else {
        (void)unsetenv("TMPDIR");
    }
    free(before);
    print_message("%s%s: %d trials, killed %zu times acting and %zu times undoing, %zu steps were "
                  "in doubt\n",
                  glimpse_action_kind_name(kind), crossing ? " to another file system" : "", TRIALS,
                  killed_acting, killed_undoing, recovered);
    if (whole.passed > CRASH_ITEMS) assert_true(killed_acting > TRIALS / 2);
}

static void a_move_survives_any_interruption(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_MOVE, 0);
}

static void a_move_to_another_file_system_survives_any_interruption(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_MOVE, 1);
}

static void the_trash_survives_any_interruption(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_TRASH, 0);
}

static void deleting_survives_any_interruption(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_DELETE, 0);
}

static void hard_links_survive_any_interruption(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_HARDLINK, 0);
}

static void symlinks_survive_any_interruption(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_SYMLINK, 0);
}

/* Where the file system has no reflinks, this is the refusal that is interrupted. */
static void reflinks_survive_any_interruption(void **state) {
    (void)state;
    interrupt(GLIMPSE_ACTION_REFLINK, 0);
}

static void emptying_survives_any_interruption(void **state) {
    (void)state;
    for (int point = 0; point < CRASH_ITEMS * 2; point++) {
        yard y;
        yard_open(&y, (unsigned)point, 0);
        plan p = {.yard = &y};
        p.options = GLIMPSE_ACTION_OPTIONS_INIT;
        p.options.kind = GLIMPSE_ACTION_DELETE;
        fuse never = {-1, 0};
        assert_int_equal(work(&p, &never), 0);
        (void)fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            fuse f = {point, 0};
            glimpse_actions *actions = NULL;
            glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
            if (glimpse_actions_open_with(&actions, y.journal, burn, &f) < 0) _exit(1);
            (void)glimpse_actions_empty(&report, actions, 0, 1, NULL, NULL);
            glimpse_actions_close(actions);
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        size_t held = yard_count_files(path_in(y.journal, "held"));
        glimpse_actions *actions = NULL;
        glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
        assert_ok(glimpse_actions_open(&actions, y.journal));
        int undone = glimpse_actions_undo(&report, actions, 0, NULL, NULL);
        assert_int_equal(undone, held > 0 ? GLIMPSE_OK : GLIMPSE_E_NOT_FOUND);
        assert_int_equal(report.done, held);
        glimpse_actions_close(actions);
        yard_close(&y);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_move_survives_any_interruption),
        cmocka_unit_test(a_move_to_another_file_system_survives_any_interruption),
        cmocka_unit_test(the_trash_survives_any_interruption),
        cmocka_unit_test(deleting_survives_any_interruption),
        cmocka_unit_test(hard_links_survive_any_interruption),
        cmocka_unit_test(symlinks_survive_any_interruption),
        cmocka_unit_test(reflinks_survive_any_interruption),
        cmocka_unit_test(emptying_survives_any_interruption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
