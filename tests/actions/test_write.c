/*
 * New bytes in files: the old version or the new one at any moment, whatever kills the process, and
 * the old bytes, time and permissions again when it is taken back.
 */
#include "actions_support.h"

#include "actions_write.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const char old_bytes[] = "the version before\n",
                  new_bytes[] = "the version that was written";

/* File systems that cannot exchange two names (NFS, FAT) have a rename over the file. */
int __real_renameat2(int from_directory, const char *from, int to_directory, const char *to,
                     unsigned flags);
int __wrap_renameat2(int from_directory, const char *from, int to_directory, const char *to,
                     unsigned flags);
static int cannot_exchange, refused;

int __wrap_renameat2(int from_directory, const char *from, int to_directory, const char *to,
                     unsigned flags) {
    if (cannot_exchange && flags != 0) {
        refused++;
        errno = EINVAL;
        return -1;
    }
    return __real_renameat2(from_directory, from, to_directory, to, flags);
}

typedef struct place {
    char *base, journal[300], file[300], made[300];
    char id[GLIMPSE_HASH_HEX];
    struct stat before;
} place;

static void id_of(char *hex, const char *bytes) {
    const glimpse_hash hash = glimpse_hash_bytes(bytes, strlen(bytes));
    glimpse_hash_to_hex(&hash, hex);
}

static void place_open(place *p) {
    p->base = make_resolved_temp_directory();
    (void)snprintf(p->journal, sizeof p->journal, "%s/journal", p->base);
    (void)snprintf(p->file, sizeof p->file, "%s/data/a.jpg.xmp", p->base);
    (void)snprintf(p->made, sizeof p->made, "%s/data/b.jpg.xmp", p->base);
    make_parents(p->file);
    write_text(p->file, old_bytes);
    assert_int_equal(chmod(p->file, 0640), 0);
    const struct timespec times[2] = {{1000, 5}, {1111111111, 123456789}};
    assert_int_equal(utimensat(AT_FDCWD, p->file, times, 0), 0);
    assert_int_equal(stat(p->file, &p->before), 0);
    id_of(p->id, old_bytes);
}

static void place_close(place *p) {
    remove_tree(p->base);
    free(p->base);
}

static int has_text(const char *path, const char *text) {
    if (!path_exists(path)) return 0;
    char *bytes = read_whole_file(path, NULL);
    const int same = strcmp(bytes, text) == 0;
    free(bytes);
    return same;
}

static void check_before(const place *p) {
    struct stat now;
    assert_true(has_text(p->file, old_bytes));
    assert_int_equal(stat(p->file, &now), 0);
    assert_int_equal(now.st_mode, p->before.st_mode);
    assert_int_equal(now.st_mtim.tv_sec, p->before.st_mtim.tv_sec);
    assert_int_equal(now.st_mtim.tv_nsec, p->before.st_mtim.tv_nsec);
    assert_false(path_exists(p->made));
    assert_int_equal(yard_count_files(path_in(p->base, "data")), 1);
    assert_int_equal(yard_count_files(path_in(p->journal, "held")), 0);
}

/* Writes the one file and makes the other. */
static int write_both(const place *p, glimpse_actions *actions, glimpse_action_written written[2]) {
    int64_t run = 0;
    const glimpse_action_write writes[2] = {{p->file, p->id, NULL, 0}, {p->made, "", p->file, 0}};
    int status = glimpse_actions_begin_writes(&run, actions);
    for (unsigned i = 0; i < 2 && status == GLIMPSE_OK; i++) {
        write_text(glimpse_actions_staging(actions), new_bytes);
        status = glimpse_actions_write(&written[i], actions, run, i + 1, &writes[i]);
    }
    if (status == GLIMPSE_OK) status = glimpse_actions_end_writes(actions);
    return status;
}

static int latest(void *user, const glimpse_action_run *run) {
    if (run->kind == GLIMPSE_ACTION_WRITE && run->done > 0) *(int64_t *)user = run->run;
    return 0;
}

static int undo(glimpse_action_report *report, glimpse_actions *actions) {
    int64_t run = 0;
    int status = glimpse_actions_runs(actions, latest, &run);
    *report = GLIMPSE_ACTION_REPORT_INIT;
    if (status == GLIMPSE_OK && run)
        status = glimpse_actions_undo(report, actions, run, NULL, NULL);
    return status;
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

static int work(const place *p, int undoing, fuse *f) {
    glimpse_actions *actions = NULL;
    glimpse_action_written written[2];
    glimpse_action_report report;
    if (glimpse_actions_open_with(&actions, p->journal, burn, f) < 0) return 11;
    const int status = undoing ? undo(&report, actions) : write_both(p, actions, written);
    glimpse_actions_close(actions);
    return status < 0 ? 12 : 0;
}

static int killed_at(const place *p, int undoing, long point) {
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fuse f = {point, 0};
        _exit(work(p, undoing, &f));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
}

static void check_whole(const place *p) {
    assert_true(has_text(p->file, old_bytes) || has_text(p->file, new_bytes));
    assert_true(!path_exists(p->made) || has_text(p->made, new_bytes));
}

static void kill_at_any_moment(void) {
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 1);
    place p;
    fuse whole = {-1, 0}, back = {-1, 0}, never = {-1, 0};
    place_open(&p);
    assert_int_equal(work(&p, 0, &whole), 0);
    assert_true(has_text(p.file, new_bytes) && has_text(p.made, new_bytes));
    assert_int_equal(work(&p, 1, &back), 0);
    check_before(&p);
    place_close(&p);
    assert_true(whole.passed > 12 && back.passed > 6);
    for (long point = 0; point < whole.passed; point++) {
        place_open(&p);
        assert_true(killed_at(&p, 0, point));
        check_whole(&p);
        assert_int_equal(work(&p, 1, &never), 0);
        check_before(&p);
        place_close(&p);
    }
    for (long point = 0; point < back.passed; point++) {
        place_open(&p);
        assert_int_equal(work(&p, 0, &never), 0);
        assert_true(killed_at(&p, 1, point));
        check_whole(&p);
        assert_int_equal(work(&p, 1, &never), 0);
        check_before(&p);
        place_close(&p);
    }
    if (kept) {
        (void)setenv("TMPDIR", kept, 1);
    } else {
        (void)unsetenv("TMPDIR");
    }
    free(kept);
}

static void a_kill_at_any_moment_leaves_the_old_or_the_new_file(void **state) {
    (void)state;
    kill_at_any_moment();
}

static void so_it_does_where_names_cannot_be_exchanged(void **state) {
    (void)state;
    cannot_exchange = 1;
    kill_at_any_moment();
    cannot_exchange = 0;
    assert_true(refused > 4);
}

static void what_is_written_looks_like_what_was_there(void **state) {
    (void)state;
    place p;
    glimpse_actions *actions = NULL;
    glimpse_action_written written[2];
    struct stat now;
    place_open(&p);
    assert_ok(glimpse_actions_open(&actions, p.journal));
    assert_ok(write_both(&p, actions, written));
    assert_int_equal(written[0].outcome, GLIMPSE_OUTCOME_DONE);
    assert_int_equal(written[1].outcome, GLIMPSE_OUTCOME_DONE);
    assert_int_equal(written[0].held, strlen(old_bytes));
    assert_int_equal(stat(p.file, &now), 0);
    assert_int_equal(now.st_mode & 07777, 0640);
    assert_true(now.st_mtim.tv_sec > p.before.st_mtim.tv_sec);
    assert_int_equal(stat(p.made, &now), 0);
    assert_int_equal(now.st_mode & 07777, 0640);
    /* dedup's undo passes it by. */
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    assert_int_equal(glimpse_actions_undo(&report, actions, 0, NULL, NULL), GLIMPSE_E_NOT_FOUND);
    assert_ok(undo(&report, actions));
    assert_int_equal(report.done, 2);
    check_before(&p);
    glimpse_actions_close(actions);
    place_close(&p);
}

static void undo_leaves_a_file_alone_that_changed_since(void **state) {
    (void)state;
    place p;
    glimpse_actions *actions = NULL;
    glimpse_action_written written[2];
    glimpse_action_report report;
    place_open(&p);
    assert_ok(glimpse_actions_open(&actions, p.journal));
    assert_ok(write_both(&p, actions, written));
    write_text(p.file, "somebody's");
    assert_int_equal(unlink(p.made), 0);
    assert_ok(undo(&report, actions));
    assert_int_equal(report.done, 1); /* what is gone already is as before */
    assert_int_equal(report.left_alone, 1);
    assert_true(has_text(p.file, "somebody's"));
    /* When it is what was written again, it can be taken back; when it is gone, too. */
    assert_int_equal(unlink(p.file), 0);
    assert_ok(undo(&report, actions));
    assert_int_equal(report.done, 1);
    check_before(&p);
    glimpse_actions_close(actions);
    place_close(&p);
}

static void what_is_held_can_be_let_go_of_but_not_the_last_version(void **state) {
    (void)state;
    place p;
    glimpse_actions *actions = NULL;
    glimpse_action_written written[2];
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    place_open(&p);
    assert_ok(glimpse_actions_open(&actions, p.journal));
    assert_ok(write_both(&p, actions, written));
    assert_int_equal(rename(p.file, path_in(p.base, "elsewhere")), 0);
    assert_ok(glimpse_actions_empty(&report, actions, 0, 1, NULL, NULL));
    assert_int_equal(report.left_alone, 1);
    assert_int_equal(yard_count_files(path_in(p.journal, "held")), 1);
    assert_int_equal(rename(path_in(p.base, "elsewhere"), p.file), 0);
    assert_ok(glimpse_actions_empty(&report, actions, 0, 1, NULL, NULL));
    assert_int_equal(report.left_alone, 0);
    assert_int_equal(yard_count_files(path_in(p.journal, "held")), 0);
    assert_true(has_text(p.file, new_bytes) && has_text(p.made, new_bytes));
    glimpse_actions_close(actions);
    place_close(&p);
}

static glimpse_action_outcome outcome_of(const place *p, glimpse_actions *actions, const char *path,
                                         const char *id) {
    const glimpse_action_write write = {path, id, p->file, 0};
    glimpse_action_written looked, written;
    int64_t run = 0;
    glimpse_actions_check_write(&looked, &write);
    assert_ok(glimpse_actions_begin_writes(&run, actions));
    write_text(glimpse_actions_staging(actions), new_bytes);
    assert_ok(glimpse_actions_write(&written, actions, run, 1, &write));
    assert_int_equal(looked.outcome, written.outcome);
    assert_string_equal(looked.message, written.message);
    return written.outcome;
}

static void links_and_what_changed_are_left_alone(void **state) {
    (void)state;
    place p;
    glimpse_actions *actions = NULL;
    char other[GLIMPSE_HASH_HEX];
    place_open(&p);
    assert_ok(glimpse_actions_open(&actions, p.journal));
    id_of(other, "not this");
    assert_int_equal(outcome_of(&p, actions, p.file, other), GLIMPSE_OUTCOME_CHANGED);
    assert_int_equal(outcome_of(&p, actions, p.file, ""), GLIMPSE_OUTCOME_OCCUPIED);
    assert_int_equal(outcome_of(&p, actions, p.made, p.id), GLIMPSE_OUTCOME_MISSING);
    assert_int_equal(symlink(p.file, p.made), 0);
    assert_int_equal(outcome_of(&p, actions, p.made, p.id), GLIMPSE_OUTCOME_LINKED);
    assert_int_equal(unlink(p.made), 0);
    assert_int_equal(link(p.file, p.made), 0);
    assert_int_equal(outcome_of(&p, actions, p.file, p.id), GLIMPSE_OUTCOME_LINKED);
    assert_int_equal(unlink(p.made), 0);
    assert_int_equal(chmod(p.file, 0440), 0);
    assert_int_equal(outcome_of(&p, actions, p.file, p.id), GLIMPSE_OUTCOME_READ_ONLY);
    assert_int_equal(chmod(p.file, 0640), 0);
    if (geteuid() != 0) {
        assert_int_equal(chmod(path_in(p.base, "data"), 0500), 0);
        assert_int_equal(outcome_of(&p, actions, p.file, p.id), GLIMPSE_OUTCOME_READ_ONLY);
        assert_int_equal(outcome_of(&p, actions, p.made, ""), GLIMPSE_OUTCOME_READ_ONLY);
        assert_int_equal(chmod(path_in(p.base, "data"), 0700), 0);
    }
    check_before(&p);
    glimpse_actions_close(actions);
    place_close(&p);
}

/* A limit on the size of files stands for a disk that is full: the journal, which is larger, is
 * written before. */
static void where_there_is_no_room_the_old_version_stays(void **state) {
    (void)state;
    place p;
    place_open(&p);
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        enum { LARGE = 1 << 20 };
        glimpse_actions *actions = NULL;
        glimpse_action_written written;
        int64_t run = 0;
        char *large = malloc(LARGE);
        if (!large || glimpse_actions_open(&actions, p.journal) < 0 ||
            glimpse_actions_begin_writes(&run, actions) < 0)
            _exit(2);
        memset(large, 'x', LARGE);
        write_file(glimpse_actions_staging(actions), large, LARGE);
        const struct rlimit limit = {LARGE / 2, LARGE / 2};
        (void)signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(3);
        const glimpse_action_write write = {p.file, p.id, NULL, 0};
        if (glimpse_actions_write(&written, actions, run, 1, &write) < 0) _exit(4);
        glimpse_actions_close(actions);
        _exit(written.outcome == GLIMPSE_OUTCOME_FAILED ? 0 : 5);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    check_before(&p);
    place_close(&p);
}

static int count_runs(void *user, const glimpse_action_run *run) {
    (void)run;
    ++*(int *)user;
    return 0;
}

/* What version 4 made: its tables are brought up to date, with their rows. */
static void a_journal_of_an_older_version_goes_on(void **state) {
    (void)state;
    static const char tables[] =
        "CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL CHECK (kind "
        "BETWEEN 1 AND 6), started TEXT NOT NULL, manifest_directory BLOB, manifest_is_current "
        "INTEGER NOT NULL DEFAULT 1) STRICT;"
        "CREATE TABLE step (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id INTEGER NOT NULL "
        "REFERENCES run (id), state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 7), path BLOB NOT "
        "NULL, other BLOB NOT NULL, keeper BLOB NOT NULL, info BLOB NOT NULL, crossing INTEGER NOT "
        "NULL, hash TEXT NOT NULL CHECK (length(hash) = 32), size INTEGER NOT NULL, mtime_ns "
        "INTEGER NOT NULL, mode INTEGER NOT NULL, inode INTEGER NOT NULL, new_inode INTEGER NOT "
        "NULL, new_mtime_ns INTEGER NOT NULL, keeper_hash TEXT NOT NULL DEFAULT '', companion_of "
        "INTEGER NOT NULL DEFAULT 0, relation TEXT NOT NULL DEFAULT '') STRICT;"
        "CREATE INDEX step_run ON step (run_id, state);"
        "CREATE INDEX step_in_doubt ON step (state) WHERE state IN (1, 3, 6);"
        "CREATE TABLE made (path BLOB NOT NULL PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES run "
        "(id)) STRICT, WITHOUT ROWID;"
        "INSERT INTO run (id, kind, started) VALUES (1, 1, '2021-05-30T14:03:59'), "
        "(2, 3, '2021-05-30T14:04:59');"
        "INSERT INTO step (run_id, state, path, other, keeper, info, crossing, hash, size, "
        "mtime_ns, "
        "mode, inode, new_inode, new_mtime_ns) VALUES (2, 4, x'2f61', x'2f62', x'2f63', x'', 0, "
        "'00112233445566778899aabbccddeeff', 1, 1, 420, 1, 0, 0);"
        "PRAGMA application_id = 1735158113; PRAGMA user_version = 4;";
    place p;
    sqlite3 *db = NULL;
    glimpse_actions *actions = NULL;
    glimpse_action_written written[2];
    glimpse_action_report report;
    int runs = 0;
    place_open(&p);
    make_parents(path_in(p.journal, "actions.db"));
    assert_int_equal(sqlite3_open(path_in(p.journal, "actions.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, tables, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_ok(glimpse_actions_open(&actions, p.journal));
    assert_ok(write_both(&p, actions, written));
    assert_ok(glimpse_actions_runs(actions, count_runs, &runs));
    assert_int_equal(runs, 2); /* one of them had nothing */
    assert_ok(undo(&report, actions));
    assert_int_equal(report.run, 3);
    check_before(&p);
    glimpse_actions_close(actions);
    assert_int_equal(sqlite3_open(path_in(p.journal, "actions.db"), &db), SQLITE_OK);
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_DONE);
    (void)sqlite3_finalize(row);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    place_close(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_any_moment_leaves_the_old_or_the_new_file),
        cmocka_unit_test(so_it_does_where_names_cannot_be_exchanged),
        cmocka_unit_test(what_is_written_looks_like_what_was_there),
        cmocka_unit_test(undo_leaves_a_file_alone_that_changed_since),
        cmocka_unit_test(what_is_held_can_be_let_go_of_but_not_the_last_version),
        cmocka_unit_test(links_and_what_changed_are_left_alone),
        cmocka_unit_test(where_there_is_no_room_the_old_version_stays),
        cmocka_unit_test(a_journal_of_an_older_version_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
