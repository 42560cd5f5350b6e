/*
 * Little memory and impatient users: under every limit of address space an index works or ends by
 * itself with a message and exit code 4, and a second signal ends what does not listen.
 */
#include "support/commands.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { PICTURES = 12, PATIENCE = 60 };

static int setup(void **state) {
    run_setup(state);
    assert_int_equal(mkdir("pictures", 0777), 0);
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%03u.ppm", i);
        write_picture(name, 80 + i, 64, i);
    }
    return 0;
}

/* Exit code, 1000 + signal, or 2000 when it had to be killed. */
static int run_limited(size_t megabytes, const char *const *arguments) {
    char *argv[16] = {strdup("glimpse")};
    size_t count = 1;
    for (; arguments[count - 1]; count++)
        argv[count] = strdup(arguments[count - 1]);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {megabytes << 20, megabytes << 20};
        int out = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        int err = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        (void)dup2(out, 1);
        (void)dup2(err, 2);
        if (setrlimit(RLIMIT_AS, &limit) == 0) (void)execv(GLIMPSE_PROGRAM, argv);
        _exit(126);
    }
    for (size_t i = 0; i < count; i++)
        free(argv[i]);
    for (int i = 0; i < PATIENCE * 100; i++) {
        int status = 0;
        if (waitpid(child, &status, WNOHANG) == child) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        }
        (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    return 2000;
}

static void check(size_t megabytes, const char *const *arguments, int good, int *works,
                  int *fails) {
    int code = run_limited(megabytes, arguments);
    char *err = read_whole_file("err", NULL);
    if (code == good) {
        ++*works;
    } else if (code == 4 && strstr(err, "glimpse: ")) {
        ++*fails;
    } else if (code == 127 && strstr(err, "error while loading shared libraries")) {
        /* Not even its libraries found room: that is the loader's to say. */
    } else {
        fail_msg("%s under %zu MB: exit code %d: %s", arguments[0], megabytes, code, err);
    }
    free(err);
}

static void an_index_works_or_ends_under_every_limit(void **state) {
    (void)state;
    if (UNDER_SANITIZER) skip(); /* sanitizers take terabytes of it */
    int works = 0, fails = 0;
    for (size_t megabytes = 40; megabytes <= 1000; megabytes += megabytes < 600 ? 40 : 200) {
        const char *const arguments[] = {"index", "pictures", "--library", "lib", NULL};
        check(megabytes, arguments, 0, &works, &fails);
        assert_int_equal(system("rm -rf lib"), 0);
    }
    assert_true(works > 0 && fails > 0);
}

static void other_commands_do_so_too(void **state) {
    (void)state;
    if (UNDER_SANITIZER) skip();
    run_result r;
    run(&r, "index", "pictures", "--library", "kept", NULL);
    expect(&r, 0);
    run_free(&r);
    const struct {
        const char *words[6];
        int good;
    } commands[] = {
        {{"search", "a red square", "--library", "kept"}, 0},
        {{"label", "pictures", "--classes", "red,blue"}, 0},
        {{"dedup", "pictures"}, 1}, /* they are alike */
        {{"embed", "--text", "red"}, 0},
    };
    for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++) {
        int works = 0, fails = 0;
        for (size_t megabytes = 50; megabytes <= 850; megabytes += megabytes < 450 ? 50 : 200)
            check(megabytes, commands[c].words, commands[c].good, &works, &fails);
        assert_true(works > 0 && fails > 0);
    }
}

/* Nobody reads what it writes: it stands in a write that the first signal only interrupts. */
static void a_second_signal_ends_what_does_not_listen(void **state) {
    (void)state;
    static const int pairs[][2] = {
        {SIGINT, SIGINT}, {SIGTERM, SIGTERM}, {SIGINT, SIGTERM}, {SIGTERM, SIGINT}};
    char classes[256] = "";
    for (int c = 'a'; c <= 'z'; c++)
        (void)snprintf(classes + strlen(classes), 8, "%sx%c", *classes ? "," : "", c);
    assert_int_equal(mkfifo("silent", 0600), 0);
    const int pipe = open("silent", O_RDWR | O_CLOEXEC);
    assert_true(pipe >= 0);
    assert_true(fcntl(pipe, F_SETPIPE_SZ, 4096) > 0);
    for (size_t i = 0; i < 4; i++) {
        const pid_t child = run_start("silent", "err", "label", "pictures", "--classes", classes,
                                      "--top", "26", "--json", NULL);
        int held = 0, unconsumed = 0;
        for (int wait = 0; wait < 3000 && unconsumed < 4096; wait++) { /* until the pipe is full */
            (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
            assert_int_equal(ioctl(pipe, FIONREAD, &unconsumed), 0);
        }
        assert_true(unconsumed >= 4096);
        (void)kill(child, pairs[i][0]);
        (void)nanosleep(&(struct timespec){0, 200000000}, NULL);
        held = waitpid(child, NULL, WNOHANG) == 0;
        assert_true(held); /* or this test tests nothing */
        (void)kill(child, pairs[i][1]);
        int waited = 0;
        while (waited < 500 && waitpid(child, NULL, WNOHANG) == 0) {
            (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
            waited++;
        }
        if (waited == 500) {
            (void)kill(child, SIGKILL);
            (void)waitpid(child, NULL, 0);
            fail_msg("signals %d and %d did not end it", pairs[i][0], pairs[i][1]);
        }
        char drop[4096];
        while (ioctl(pipe, FIONREAD, &unconsumed) == 0 && unconsumed > 0)
            assert_true(read(pipe, drop, sizeof drop) > 0);
    }
    (void)close(pipe);
}

/* A limit on the size of files is a full disk, and not the end by a signal. */
static void a_limit_on_the_size_of_files_is_told(void **state) {
    (void)state;
    static const char *const lines[] = {
        "ulimit -f 100; \"$G\" index pictures -q --library limited 2>&1",
        "ulimit -f 1; \"$G\" index pictures -q --library limited 2>&1",
        "ulimit -f 1; \"$G\" dedup pictures pictures2 --tiers exact --html h.html 2>&1 >/dev/null",
        "ulimit -f 0; \"$G\" label pictures -c red,blue --csv -o h.csv 2>&1 >/dev/null",
        "ulimit -f 0; \"$G\" embed --image pictures/000.ppm 2>&1 >h.out",
    };
    run_result r;
    run_shell(&r, "rm -rf pictures2; cp -r pictures pictures2");
    run_free(&r);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        run_shell(&r, lines[i]);
        if (r.code != 4 || !strstr(r.out, "File too large; no file may have more than ") ||
            !strstr(r.out, "(ulimit -f)")) {
            fail_msg("%s: %d, %s", lines[i], r.code, r.out);
        }
        run_free(&r);
        run_shell(&r, "rm -f h.out; ls h.* *.tmp limited/*-journal limited/*.tmp* limited/*-wal");
        assert_string_equal(r.out, "");
        run_free(&r);
    }
    run(&r, "index", "pictures", "-q", "--library", "limited", NULL);
    expect(&r, 0);
    run_free(&r);
}

static void a_limit_on_open_files_is_told(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "ulimit -n 6; exec \"$G\" index pictures -q --library few");
    expect(&r, 4);
    expect_err(&r, "Too many open files; no more than 6 may be open (ulimit -n)");
    run_free(&r);
    run_shell(&r, "ls few/*-journal few/*.t*");
    assert_string_equal(r.out, "");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_works_or_ends_under_every_limit),
        cmocka_unit_test(other_commands_do_so_too),
        cmocka_unit_test(a_limit_on_the_size_of_files_is_told),
        cmocka_unit_test(a_limit_on_open_files_is_told),
        cmocka_unit_test(a_second_signal_ends_what_does_not_listen),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
