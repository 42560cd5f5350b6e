/*
 * A disk that is full, at whatever byte, and one that fails: the command says so, and leaves a
 * library that is sound and on which the same command goes on and comes to the same result.
 *
 * Real small disks are tmpfs and ext4, mounted in a namespace of this program's own, where the
 * system lets it; and everywhere else the calls that write are made to fail (faults.h).
 */
#include "faults.h"

#include "support/random_blip.h"
#include "support/random_model.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 }; /* a tenth of the speed: fewer sizes and places */
#else
enum { SANITIZED = 0 };
#endif

enum { PICTURES = 12, COPIES = 2, KB = 1024, FIRST_KB = 200, LAST_KB = 1000 };
enum { STEP_KB = SANITIZED ? 160 : 10, PLACES = SANITIZED ? 3 : 12 };

#define LIBRARY     "--library", "disk/lib", "-q"
#define MODEL       "-m", "./model", "--precision", "f32"
#define CHECK_FOUND "\"$G\" search red -k 50 --json --library disk/lib -m ./model --precision f32"

enum { NO_LIBRARY = 1, FILLED_LIBRARY = 2, OLD_LIBRARY = 4, OWN_PICTURES = 8 };

typedef struct task {
    const char *name, *arguments[24];
    const char *check; /* a shell line; it prints what it prints when nothing failed */
    unsigned begins;   /* with which files */
    int done, partly;  /* exit codes; 0: never partly */
} task;

/* Undoing run by run: every file is back, whichever run moved it. */
#define CHECK_UNDONE                                                        \
 "ls disk/pictures && while \"$G\" dedup --undo >undone 2>&1; do :; done; " \
 "cat disk/pictures/* | cksum; ls disk/pictures"

/* What a small disk is tried with. */
static const task tasks[] = {
    {"index", {"index", "pictures", LIBRARY, MODEL, NULL}, CHECK_FOUND, NO_LIBRARY, 0, 0},
    {"label",
     {"label", "--all", "-c", "red,green,blue", "--store", "colours", LIBRARY, MODEL, NULL},
     CHECK_FOUND " --label red",
     0,
     0,
     0},
    {"caption",
     {"caption", "--store", "-m", "./blip", LIBRARY, NULL},
     "\"$G\" caption --library disk/lib --stored",
     0,
     0,
     0},
    {"dedup",
     {"dedup", "disk/pictures", "--tiers", "exact", "--move", "disk/away", "--apply", LIBRARY,
      NULL},
     CHECK_UNDONE,
     OWN_PICTURES,
     0,
     3},
    {"reindex", {"reindex", LIBRARY, NULL}, CHECK_FOUND, FILLED_LIBRARY, 0, 0},
};

/* And what else writes. */
static const task more_tasks[] = {
    {"migration", {"index", "pictures", LIBRARY, MODEL, NULL}, CHECK_FOUND, OLD_LIBRARY, 0, 0},
    {"trash",
     {"dedup", "disk/pictures", "--tiers", "exact", "--trash", "--apply", LIBRARY, NULL},
     CHECK_UNDONE,
     OWN_PICTURES,
     0,
     3},
    {"hardlink",
     {"dedup", "disk/pictures", "--tiers", "exact", "--hardlink", "--apply", LIBRARY, NULL},
     CHECK_UNDONE,
     OWN_PICTURES,
     0,
     3},
    {"contact sheet",
     {"search", "red", "--html", "disk/sheet.html", LIBRARY, MODEL, NULL},
     "cksum disk/sheet.html",
     0,
     0,
     0},
    {"duplicates' page and table",
     {"dedup", "disk/pictures", "--tiers", "exact", "--html", "disk/page.html", "--csv",
      "disk/table.csv", LIBRARY, NULL},
     "tail -c 8 disk/page.html; wc -l <disk/table.csv",
     OWN_PICTURES,
     1,
     0},
    {"table of labels",
     {"label", "--all", "-c", "red,blue", "--csv", "-o", "disk/labels.csv", LIBRARY, MODEL, NULL},
     "cksum disk/labels.csv",
     0,
     0,
     0},
    {"COCO",
     {"label", "--all", "-c", "red,blue", "-f", "coco", "-o", "disk/coco.json", LIBRARY, MODEL,
      NULL},
     "cksum disk/coco.json",
     0,
     0,
     0},
    {"a folder a class",
     {"label", "--all", "-c", "red,blue", "-f", "imagefolder", "--place", "copy", "-o", "disk/tree",
      LIBRARY, MODEL, NULL},
     "cat disk/tree/*/* | cksum",
     0,
     0,
     0},
    {"report of labels",
     {"label", "--all", "-c", "red,blue", "--report", "disk/report.html", LIBRARY, MODEL, NULL},
     "tail -c 8 disk/report.html",
     0,
     0,
     0},
    {"journal of embeddings",
     {"label", "pictures", "-c", "red,blue", "--csv", "--resume", "disk/journal", "-q", MODEL,
      NULL},
     "\"$G\" label pictures -c red,blue --csv --resume disk/journal -q -m ./model --precision f32 |"
     " cut -d, -f1-3",
     0,
     0,
     0},
};

enum { TASKS = sizeof tasks / sizeof *tasks, MORE = sizeof more_tasks / sizeof *more_tasks };

static const task *task_of(size_t i) {
    return i < TASKS ? &tasks[i] : &more_tasks[i - TASKS];
}

static char *expected[TASKS + MORE], disk_path[1100];
static int is_root, has_namespace, has_mount;

static void shell(const char *line) {
    run_result r;
    run_shell(&r, line);
    expect(&r, 0);
    run_free(&r);
}

static void begin(const task *t) {
    shell("rm -rf disk/*");
    if (!(t->begins & NO_LIBRARY)) {
        shell(t->begins & FILLED_LIBRARY ? "cp -a filled disk/lib"
              : t->begins & OLD_LIBRARY  ? "cp -a old disk/lib"
                                         : "cp -a base disk/lib");
    }
    if (t->begins & OWN_PICTURES) shell("cp -a pictures disk/pictures");
}

static char *output_of(const char *line) {
    run_result r;
    run_shell(&r, line);
    expect(&r, 0);
    char *text = strdup(r.out);
    run_free(&r);
    return text;
}

static int make_namespace(void) {
    char text[64];
    const uid_t user = geteuid();
    const gid_t group = getegid();
    is_root = user == 0 && unshare(CLONE_NEWNS) == 0;
    if (!is_root) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 0;
        (void)snprintf(text, sizeof text, "%u %u 1", (unsigned)user, (unsigned)user);
        int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
        int failed = fd < 0 || write(fd, text, strlen(text)) < 0;
        (void)close(fd);
        fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
        failed |= fd < 0 || write(fd, "deny", 4) < 0;
        (void)close(fd);
        (void)snprintf(text, sizeof text, "%u %u 1", (unsigned)group, (unsigned)group);
        fd = open("/proc/self/gid_map", O_WRONLY | O_CLOEXEC);
        failed |= fd < 0 || write(fd, text, strlen(text)) < 0;
        (void)close(fd);
        if (failed) return 0;
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int setup(void **state) {
    has_namespace = make_namespace();
    int code = run_setup(state);
    random_model model = random_model_tiny();
    random_blip blip = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    assert_true(random_model_write(&model, "model"));
    assert_true(random_blip_write(&blip, "blip"));
    assert_int_equal(mkdir("pictures", 0777) | mkdir("disk", 0777), 0);
    assert_non_null(realpath("disk", disk_path));
    for (unsigned i = 0; i < PICTURES + COPIES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%02u.ppm", i);
        write_picture(name, 40, 30, i % PICTURES);
    }
    shell("touch -d 2020-01-01 pictures/*");
    (void)setenv("XDG_CACHE_HOME", path_in(disk_path, "cache"), 1);
    (void)setenv("XDG_STATE_HOME", path_in(disk_path, "state"), 1);
    (void)setenv("XDG_DATA_HOME", path_in(disk_path, "data"), 1);
    shell("\"$G\" index pictures -q --library base -m ./model --precision f32; cp -a base filled;"
          "\"$G\" label --all -q -c red,green,blue --store colours --library filled -m ./model"
          " --precision f32 >out; \"$G\" caption --library filled -q --store -m ./blip >out");
    char line[4200];
    (void)snprintf(line, sizeof line, "cp -R '%s' old && chmod -R u+w old && rm -r old/state",
                   source_path("tests/fixtures/library-schema-7")); /* as glimpse 0.1 left it */
    shell(line);
    for (size_t i = 0; i < TASKS + MORE; i++) {
        const task *t = task_of(i);
        run_result r;
        begin(t);
        run_list(&r, t->arguments, "", 0);
        expect(&r, t->done);
        run_free(&r);
        expected[i] = output_of(t->check);
        assert_true(*expected[i] != '\0');
    }
    return code;
}

static int teardown(void **state) {
    if (has_mount) (void)umount2("disk", MNT_DETACH);
    for (size_t i = 0; i < TASKS + MORE; i++)
        free(expected[i]);
    return run_teardown(state);
}

/* Of a run on a disk that was full or failed. 1 when it did not come to its end. */
static int check_failed_run(const task *t, const run_result *r, int is_full, const char *where) {
    if (r->code == t->done) return 0;
    if (r->code != 4 && (t->partly == 0 || r->code != t->partly)) {
        fail_msg("%s, %s: exit code %d: %s%s", t->name, where, r->code, r->out, r->err);
    }
    const char *text = strstr(r->err, "No space left on device") ? r->err : r->out;
    if (r->code == 4 && r->err_size == 0) fail_msg("%s, %s: no message", t->name, where);
    if (is_full && !strstr(text, "No space left on device")) {
        fail_msg("%s, %s: not said that the disk is full: %s%s", t->name, where, r->out, r->err);
    }
    if (is_full && r->code == 4 && (!strstr(text, "disk/") || !strstr(text, "make space"))) {
        fail_msg("%s, %s: not said where, or what to do: %s", t->name, where, r->err);
    }
    char *left = output_of("find disk -name '*.tmp*'");
    if (*left) fail_msg("%s, %s: left behind: %s", t->name, where, left);
    free(left);
    return 1;
}

/* With space again: the same command, then everything as if nothing had happened. */
static void check_goes_on(size_t i, int failed, const char *where) {
    const task *t = task_of(i);
    run_result r;
    if (failed) {
        run_list(&r, t->arguments, "", 0);
        /* A link that was made the first time is left alone the second. */
        const int alone =
            strcmp(t->name, "hardlink") == 0 && r.code == t->partly && !strstr(r.out, "(failed)");
        if (r.code != t->done && !alone)
            fail_msg("%s, %s, again: %s%s", t->name, where, r.out, r.err);
        run_free(&r);
        char *found = output_of(t->check);
        if (strcmp(found, expected[i]) != 0) {
            fail_msg("%s, %s, again: %s, instead of %s", t->name, where, found, expected[i]);
        }
        free(found);
    }
    run(&r, "verify", "--library", "disk/lib", NULL);
    if (r.code != 0) fail_msg("%s, %s, verify: %s%s", t->name, where, r.out, r.err);
    run_free(&r);
}

static void resize(long kilobytes) {
    char text[64];
    (void)snprintf(text, sizeof text, "size=%ldk", kilobytes);
    if (mount("tmpfs", "disk", "tmpfs", MS_REMOUNT, text) != 0) {
        fail_msg("remounting with %s: %s", text, strerror(errno));
    }
}

static long used_kilobytes(void) {
    struct statvfs info;
    assert_int_equal(statvfs("disk", &info), 0);
    return (long)((info.f_blocks - info.f_bfree) * info.f_frsize / KB);
}

/* `index` on disks of each size; the others begin with what is there, and that much less is free.
 */
static void try_sizes(size_t i) {
    const task *t = task_of(i);
    int fitted = 0, full = 0;
    if (!has_namespace || mount("tmpfs", "disk", "tmpfs", 0, "size=64m") != 0) {
        print_message("SKIPPED: this user may not mount a tmpfs (the next tests need none)\n");
        skip();
    }
    has_mount = 1;
    for (long size = FIRST_KB; size <= LAST_KB; size += STEP_KB) {
        run_result r;
        char where[64];
        (void)snprintf(where, sizeof where, "%ld kB", size);
        begin(t);
        const long used = used_kilobytes();
        resize(t->begins & NO_LIBRARY ? size : used + size - FIRST_KB);
        run_list(&r, t->arguments, "", 0);
        const int failed = check_failed_run(t, &r, 1, where);
        run_free(&r);
        resize(64L * KB);
        check_goes_on(i, failed, where);
        full += failed;
        fitted += !failed;
    }
    has_mount = 0;
    assert_int_equal(umount2("disk", MNT_DETACH), 0);
    print_message("%s: full at %d sizes, done at %d\n", t->name, full, fitted);
    assert_true(full > 0 && fitted > 0);
}

static void index_goes_on_after_a_full_disk(void **state) {
    (void)state;
    try_sizes(0);
}

/* Inodes run out as well: SQLite then forgets why it could not make a file. */
static void a_disk_without_inodes_is_full(void **state) {
    (void)state;
    int fitted = 0, full = 0;
    for (int inodes = 2; inodes < 14; inodes++) {
        run_result r;
        char options[64], where[64];
        (void)snprintf(options, sizeof options, "size=64m,nr_inodes=%d", inodes);
        (void)snprintf(where, sizeof where, "%d inodes", inodes);
        if (!has_namespace || mount("tmpfs", "disk", "tmpfs", 0, options) != 0) {
            print_message("SKIPPED: this user may not mount a tmpfs\n");
            skip();
        }
        has_mount = 1;
        run_list(&r, tasks[0].arguments, "", 0);
        const int failed = check_failed_run(&tasks[0], &r, 1, where);
        run_free(&r);
        if (mount("tmpfs", "disk", "tmpfs", MS_REMOUNT, "size=64m,nr_inodes=1000") != 0) {
            fail_msg("remounting: %s", strerror(errno));
        }
        check_goes_on(0, failed, where);
        full += failed;
        fitted += !failed;
        assert_int_equal(umount2("disk", MNT_DETACH), 0);
        has_mount = 0;
    }
    assert_true(full > 0 && fitted > 0);
}

static void label_goes_on_after_a_full_disk(void **state) {
    (void)state;
    try_sizes(1);
}

static void caption_goes_on_after_a_full_disk(void **state) {
    (void)state;
    try_sizes(2);
}

static void dedup_goes_on_after_a_full_disk(void **state) {
    (void)state;
    try_sizes(3);
}

static void reindex_goes_on_after_a_full_disk(void **state) {
    (void)state;
    try_sizes(4);
}

/* Blocks smaller than a page: memory that is mapped can lack some of its own (SIGBUS). */
static void a_disk_of_small_blocks_ends_no_program(void **state) {
    (void)state;
    run_result r;
    int full = 0;
    if (has_namespace && is_root) {
        run_shell(&r, "truncate -s 8M image && PATH=$PATH:/sbin:/usr/sbin && mkfs.ext4 -q -m 0 "
                      "-b 1024 -O ^has_journal image && mount -o loop image disk");
    }
    if (!has_namespace || !is_root || r.code != 0) {
        print_message("SKIPPED: an ext4 in a file can be mounted by root only\n");
        skip();
    }
    run_free(&r);
    has_mount = 1;
    const size_t tried[] = {0, 4};
    for (size_t k = 0; k < 2; k++) {
        const task *t = &tasks[tried[k]];
        const long last = t->begins & NO_LIBRARY ? 420 : 120;
        for (long space = 4; space <= last; space += SANITIZED ? 60 : 8) {
            char line[160], where[64];
            (void)snprintf(where, sizeof where, "%ld kB free", space);
            begin(t);
            (void)snprintf(line, sizeof line,
                           "sync; fallocate -l $(( $(stat -f -c '%%a * %%S' disk) - %ld )) "
                           "disk/ballast",
                           space * KB);
            shell(line);
            run_list(&r, t->arguments, "", 0);
            const int failed = check_failed_run(t, &r, 1, where);
            run_free(&r);
            shell("rm disk/ballast");
            check_goes_on(tried[k], failed, where);
            full += failed;
        }
    }
    has_mount = 0;
    assert_int_equal(umount2("disk", MNT_DETACH), 0);
    assert_true(full > 0);
}

/* One run with a fault, and one after it; whether the first came to its end. */
static int try_fault(size_t i, faults *f, const char *where) {
    const task *t = task_of(i);
    run_result r;
    begin(t);
    faults_run(&r, f, t->arguments);
    const int failed = check_failed_run(t, &r, f->bytes >= 0, where);
    run_free(&r);
    check_goes_on(i, failed, where);
    return failed;
}

/* What a run does when nothing fails. */
static faults count(const task *t) {
    faults f = {.below = disk_path, .bytes = -1};
    run_result r;
    begin(t);
    faults_run(&r, &f, t->arguments);
    expect(&r, t->done);
    run_free(&r);
    return f;
}

static void need_faults(void) {
    if (faults_available()) return;
    print_message("SKIPPED: this system has no user notification of system calls\n");
    skip();
}

static void a_disk_may_be_full_at_any_byte(void **state) {
    (void)state;
    need_faults();
    for (size_t i = 0; i < TASKS + MORE; i++) {
        const task *t = task_of(i);
        const faults whole = count(t);
        int failures = 0;
        assert_true(whole.written > 0);
        for (int place = 0; place < PLACES; place++) {
            /* From no byte at all to all but one. */
            faults f = {.below = disk_path, .bytes = (whole.written - 1) * place / (PLACES - 1)};
            char where[64];
            (void)snprintf(where, sizeof where, "full after %lld bytes", (long long)f.bytes);
            failures += try_fault(i, &f, where);
        }
        print_message("%s: %lld bytes, %d of %d runs failed\n", t->name, (long long)whole.written,
                      failures, PLACES);
        assert_true(failures > 0);
    }
}

static void any_sync_may_fail(void **state) {
    (void)state;
    int all = 0;
    need_faults();
    for (size_t i = 0; i < TASKS + MORE; i++) {
        const task *t = task_of(i);
        const long total = count(t).syncs;
        int failures = 0;
        for (long at = 1; at <= total; at += SANITIZED ? 5 : 1) {
            faults f = {.below = disk_path, .bytes = -1, .sync = at};
            char where[64];
            (void)snprintf(where, sizeof where, "sync %ld failed", at);
            failures += try_fault(i, &f, where);
        }
        print_message("%s: %ld syncs, %d runs failed\n", t->name, total, failures);
        all += failures; /* those of caches do no harm */
    }
    assert_true(all > 0);
}

static void any_rename_may_fail(void **state) {
    (void)state;
    int all = 0;
    need_faults();
    for (size_t i = 0; i < TASKS + MORE; i++) {
        const task *t = task_of(i);
        const long total = count(t).renames;
        int failures = 0;
        for (long at = 1; at <= total; at++) {
            faults f = {.below = disk_path, .bytes = -1, .rename = at};
            char where[64];
            (void)snprintf(where, sizeof where, "rename %ld failed", at);
            failures += try_fault(i, &f, where);
        }
        print_message("%s: %ld renames, %d runs failed\n", t->name, total, failures);
        all += failures;
    }
    assert_true(all > 0);
}

/* The name of a test, or a pattern, runs that alone. */
int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_goes_on_after_a_full_disk),
        cmocka_unit_test(a_disk_without_inodes_is_full),
        cmocka_unit_test(label_goes_on_after_a_full_disk),
        cmocka_unit_test(caption_goes_on_after_a_full_disk),
        cmocka_unit_test(dedup_goes_on_after_a_full_disk),
        cmocka_unit_test(reindex_goes_on_after_a_full_disk),
        cmocka_unit_test(a_disk_of_small_blocks_ends_no_program),
        cmocka_unit_test(a_disk_may_be_full_at_any_byte),
        cmocka_unit_test(any_sync_may_fail),
        cmocka_unit_test(any_rename_may_fail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
