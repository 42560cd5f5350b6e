/*
 * Actions on duplicates where one file is seen through several mounts: no action takes away what it
 * was to keep. In a mount namespace of its own; skipped where that is not allowed.
 */
#include "actions_support.h"

#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

static const char *cannot_mount; /* why the tests are skipped */

static int write_line(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : write(fd, text, strlen(text));
    if (fd >= 0) (void)close(fd);
    return size == (ssize_t)strlen(text) ? 0 : -1;
}

/* Before anything else starts a thread. */
static void enter_namespace(void) {
    char map[2][64];
    (void)snprintf(map[0], sizeof map[0], "0 %lu 1", (unsigned long)geteuid());
    (void)snprintf(map[1], sizeof map[1], "0 %lu 1", (unsigned long)getegid());
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
            write_line("/proc/self/setgroups", "deny") != 0 ||
            write_line("/proc/self/uid_map", map[0]) != 0 ||
            write_line("/proc/self/gid_map", map[1]) != 0) {
            cannot_mount = "no mount namespace may be made here";
            return;
        }
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        cannot_mount = "mounts cannot be made private here";
    }
}

typedef struct mounts {
    yard yard;
    char bound[300], far[300];
} mounts;

/* base/far is another file system, base/bound the directory of pictures once more; the keeper has a
 * name elsewhere, too. */
static void open_mounts(mounts *m, unsigned seed) {
    if (cannot_mount) {
        print_message("SKIPPED: %s\n", cannot_mount);
        skip();
    }
    yard_open(&m->yard, seed, 0);
    (void)snprintf(m->bound, sizeof m->bound, "%s/bound", m->yard.base);
    (void)snprintf(m->far, sizeof m->far, "%s/far", m->yard.base);
    assert_int_equal(mkdir(m->bound, 0755), 0);
    assert_int_equal(mkdir(m->far, 0755), 0);
    if (mount(m->yard.pictures, m->bound, NULL, MS_BIND, NULL) != 0 ||
        mount("none", m->far, "tmpfs", 0, "size=16m") != 0) {
        (void)umount2(m->bound, MNT_DETACH);
        yard_close(&m->yard);
        print_message("SKIPPED: nothing may be mounted here\n");
        skip();
    }
    assert_int_equal(link(m->yard.files[0].path, path_in(m->yard.base, "elsewhere.jpg")), 0);
}

static void close_mounts(mounts *m) {
    assert_int_equal(umount2(m->bound, MNT_DETACH), 0);
    assert_int_equal(umount2(m->far, MNT_DETACH), 0);
    yard_close(&m->yard);
}

typedef struct seen {
    glimpse_action_outcome outcome;
    char message[600];
} seen;

static void see(void *user, const glimpse_action_event *event) {
    seen *s = user;
    s->outcome = event->outcome;
    (void)snprintf(s->message, sizeof s->message, "%s", event->message);
}

/* Every kind but reflinks, and a MOVE to another file system as well. */
enum { MODES = GLIMPSE_ACTION_SYMLINK + 1 };

static glimpse_action_options options_of(const mounts *m, int mode) {
    glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
    options.kind = mode ? (glimpse_action_kind)mode : GLIMPSE_ACTION_MOVE;
    options.directory = mode ? m->yard.quarantine : m->far;
    return options;
}

static seen act(mounts *m, int mode, glimpse_action_item item, int apply) {
    const glimpse_action_options options = options_of(m, mode);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_actions *actions = NULL;
    seen s = {0};
    if (!apply) {
        assert_ok(glimpse_actions_preview(&report, &options, &item, 1, see, &s));
        return s;
    }
    assert_ok(glimpse_actions_open(&actions, m->yard.journal));
    assert_ok(glimpse_actions_apply(&report, actions, &options, &item, 1, see, &s));
    glimpse_actions_close(actions);
    return s;
}

static void undo(mounts *m) {
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_actions *actions = NULL;
    assert_ok(glimpse_actions_open(&actions, m->yard.journal));
    assert_ok(glimpse_actions_undo(&report, actions, 0, NULL, NULL));
    assert_int_equal(report.left_alone, 0);
    glimpse_actions_close(actions);
}

static void check_has_bytes(const char *path, const char *id) {
    struct stat info;
    char hex[GLIMPSE_HASH_HEX];
    if (glimpse_action_hash(path, &info, hex) != 0) fail_msg("%s is gone", path);
    assert_string_equal(hex, id);
}

/* What item.path and item.keeper lead to is one file: nothing may be done, by any kind. */
static void check_refused(mounts *m, glimpse_action_item item, int foreseen) {
    for (int mode = 0; mode < MODES; mode++) {
        /* Links across devices are refused before. */
        glimpse_action_outcome other = !foreseen && mode == GLIMPSE_ACTION_HARDLINK
                                           ? GLIMPSE_OUTCOME_UNSUPPORTED
                                           : GLIMPSE_OUTCOME_KEEPER;
        for (int apply = !foreseen; apply < 2; apply++) {
            seen s = act(m, mode, item, apply);
            if (s.outcome != other) {
                fail_msg("%d, apply %d: %s: %s", mode, apply,
                         glimpse_action_outcome_name(s.outcome), s.message);
            }
        }
        check_has_bytes(item.keeper, item.keeper_id);
        check_has_bytes(item.path, item.id);
        assert_int_equal(yard_count_files(m->far), 0);
        assert_int_equal(yard_count_files(m->yard.quarantine), 0);
        assert_int_equal(yard_count_files(path_in(m->yard.journal, "held")), 0);
    }
}

static void a_directory_mounted_twice_loses_no_keeper(void **state) {
    (void)state;
    mounts m;
    open_mounts(&m, 1);
    char through[600];
    (void)snprintf(through, sizeof through, "%s/keeper.jpg", m.bound);
    glimpse_action_item item = m.yard.items[0];
    item.path = through;
    check_refused(&m, item, 1);
    item.path = item.keeper;
    item.keeper = through;
    check_refused(&m, item, 1);
    yard_check_same(&m.yard, 1);
    close_mounts(&m);
}

/* The same directory through a link to the mount, and a mount of a directory above. */
static void a_mount_further_up_loses_no_keeper(void **state) {
    (void)state;
    mounts m;
    open_mounts(&m, 2);
    char up[400], linked[400], through[900];
    (void)snprintf(up, sizeof up, "%s/up", m.yard.base);
    (void)snprintf(linked, sizeof linked, "%s/linked", m.yard.base);
    assert_int_equal(mkdir(up, 0755), 0);
    assert_int_equal(symlink(m.bound, linked), 0);
    assert_int_equal(mount(m.yard.base, up, NULL, MS_BIND, NULL), 0);
    glimpse_action_item item = m.yard.items[0];
    item.path = through;
    (void)snprintf(through, sizeof through, "%s/pictures/keeper.jpg", up);
    check_refused(&m, item, 1);
    (void)snprintf(through, sizeof through, "%s/keeper.jpg", linked);
    check_refused(&m, item, 1);
    assert_int_equal(umount2(up, MNT_DETACH), 0);
    yard_check_same(&m.yard, 1);
    close_mounts(&m);
}

/* A file mounted on another name is no second name: it ends with the mount. */
static void a_file_mounted_on_another_is_no_duplicate(void **state) {
    (void)state;
    mounts m;
    open_mounts(&m, 3);
    const char *keeper = m.yard.files[0].path, *copy = m.yard.files[1].path;
    assert_int_equal(mount(keeper, copy, NULL, MS_BIND, NULL), 0);
    check_refused(&m, m.yard.items[0], 1);
    glimpse_action_item item = m.yard.items[0];
    item.path = keeper;
    item.keeper = copy;
    check_refused(&m, item, 1);
    assert_int_equal(umount2(copy, MNT_DETACH), 0);
    yard_check_same(&m.yard, 1);
    close_mounts(&m);
}

/* An overlay shows the files of its upper layer with another device, and goes on showing one that
 * went below. */
static void a_file_system_above_another_loses_no_keeper(void **state) {
    (void)state;
    mounts m;
    open_mounts(&m, 4);
    char merged[400], options[1500], through[600];
    (void)snprintf(merged, sizeof merged, "%s/merged", m.yard.base);
    (void)snprintf(options, sizeof options, "%s/lower", m.yard.base);
    assert_int_equal(mkdir(merged, 0755), 0);
    assert_int_equal(mkdir(options, 0755), 0);
    assert_int_equal(mkdir(path_in(m.yard.base, "work"), 0755), 0);
    (void)snprintf(options, sizeof options, "lowerdir=%s/lower,upperdir=%s,workdir=%s/work",
                   m.yard.base, m.yard.pictures, m.yard.base);
    if (mount("overlay", merged, "overlay", 0, options) != 0) {
        print_message("SKIPPED: no overlay can be mounted here\n");
        close_mounts(&m);
        skip();
    }
    (void)snprintf(through, sizeof through, "%s/keeper.jpg", merged);
    glimpse_action_item item = m.yard.items[0];
    item.path = item.keeper;
    item.keeper = through;
    check_refused(&m, item, 0);
    item.path = through;
    item.keeper = m.yard.files[0].path;
    check_refused(&m, item, 0);
    assert_int_equal(umount2(merged, MNT_DETACH), 0);
    yard_check_same(&m.yard, 1);
    close_mounts(&m);
}

/* What is held, mounted on the keeper's name or on its directory, is no keeper. */
static void a_held_file_mounted_on_its_keeper_is_not_let_go_of(void **state) {
    (void)state;
    mounts m;
    open_mounts(&m, 6);
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    glimpse_actions *actions = NULL;
    glob_t found = {0};
    seen s = act(&m, GLIMPSE_ACTION_DELETE, m.yard.items[0], 1);
    assert_int_equal(s.outcome, GLIMPSE_OUTCOME_DONE);
    assert_int_equal(glob(path_in(m.yard.journal, "held/*"), 0, NULL, &found), 0);
    const char *held = found.gl_pathv[0];
    assert_int_equal(mount(held, m.yard.files[0].path, NULL, MS_BIND, NULL), 0);
    for (int links = 1; links < 3; links++) {
        for (int really = 0; really < 2; really++) {
            assert_ok(glimpse_actions_open(&actions, m.yard.journal));
            assert_ok(glimpse_actions_empty(&report, actions, 0, really, see, &s));
            assert_int_equal(s.outcome, GLIMPSE_OUTCOME_KEEPER);
            glimpse_actions_close(actions);
            check_has_bytes(held, m.yard.items[0].id);
        }
        if (links == 1) assert_int_equal(link(held, path_in(m.yard.base, "second.jpg")), 0);
    }
    assert_int_equal(umount2(m.yard.files[0].path, MNT_DETACH), 0);
    globfree(&found);
    undo(&m);
    close_mounts(&m);
}

/* Real duplicates are acted on through a mount, to the mount and from it, and come back. */
static void duplicates_seen_through_a_mount_are_acted_on_and_come_back(void **state) {
    (void)state;
    mounts m;
    open_mounts(&m, 5);
    char through[600];
    (void)snprintf(through, sizeof through, "%s/copy.jpg", m.bound);
    for (int mode = 0; mode < MODES; mode++) {
        glimpse_action_item item = m.yard.items[0];
        item.path = through;
        seen s = act(&m, mode, item, 1);
        if (mode == GLIMPSE_ACTION_HARDLINK) { /* not from one mount to another */
            assert_int_equal(s.outcome, GLIMPSE_OUTCOME_UNSUPPORTED);
            continue;
        }
        if (s.outcome != GLIMPSE_OUTCOME_DONE) fail_msg("%d: %s", mode, s.message);
        check_has_bytes(item.keeper, item.keeper_id);
        undo(&m);
        for (int i = 0; i < YARD_FILES; i++)
            check_has_bytes(m.yard.files[i].path, m.yard.files[i].hash);
    }
    close_mounts(&m);
}

int main(void) {
    enter_namespace();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_mounted_twice_loses_no_keeper),
        cmocka_unit_test(a_mount_further_up_loses_no_keeper),
        cmocka_unit_test(a_file_mounted_on_another_is_no_duplicate),
        cmocka_unit_test(a_file_system_above_another_loses_no_keeper),
        cmocka_unit_test(a_held_file_mounted_on_its_keeper_is_not_let_go_of),
        cmocka_unit_test(duplicates_seen_through_a_mount_are_acted_on_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
