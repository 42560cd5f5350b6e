/*
 * Ctrl-Z: a job stops when what it has in hand is committed, says so to who wants to write as well,
 * and goes on as if nothing had been.
 */
#include "support/commands.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { PICTURES = 250 };

static void wait_milliseconds(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

static double embedded(void) {
    run_result r;
    run(&r, "status", "--json", "--library", "lib", NULL);
    double count = 0;
    if (r.code == 0) {
        json_t *root = run_json(&r);
        count = number_at(root, "embedded");
        json_decref(root);
    }
    run_free(&r);
    return count;
}

static int setup(void **state) {
    run_setup(state);
    assert_int_equal(mkdir("pictures", 0777), 0);
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%03u.ppm", i);
        write_picture(name, 96 + i % 40, 96, i);
    }
    return 0;
}

/* Until it stopped (1) or ended (0). */
static int wait_for_stop(pid_t child, int *signal_number) {
    int status = 0;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    *signal_number = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
    return WIFSTOPPED(status);
}

static pid_t start_index(void) {
    pid_t child = run_start("out", "err", "index", "pictures", "--jobs", "2", "--batch", "4",
                            "--library", "lib", NULL);
    while (embedded() == 0)
        wait_milliseconds(5);
    return child;
}

static void a_paused_index_has_committed_and_says_who_it_is(void **state) {
    (void)state;
    run_result r;
    int number = 0;
    pid_t child = start_index();
    (void)kill(child, SIGTSTP);
    assert_true(wait_for_stop(child, &number));
    const double before = embedded();
    assert_true(before > 0 && before < PICTURES);
    /* Who wants to write is told; who reads need not know. */
    run(&r, "index", "pictures", "--library", "lib", NULL);
    expect(&r, 4);
    expect_err(&r, " (indexing) is writing to this library, and is paused (Ctrl-Z); ");
    expect_err(&r, "kill -CONT ");
    run_free(&r);
    run(&r, "verify", "--library", "lib", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "x", "--all-scores", "--no-collapse", "--library", "lib", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_true(embedded() == before);
    /* Again, and then to the end. */
    (void)kill(child, SIGCONT);
    (void)kill(child, SIGTSTP);
    if (wait_for_stop(child, &number)) {
        assert_true(embedded() >= before);
        (void)kill(child, SIGCONT);
        assert_int_equal(run_wait(child), 0);
    }
    assert_true(embedded() == PICTURES);
}

static void ctrl_c_ends_a_paused_index(void **state) {
    (void)state;
    run_result r;
    int number = 0;
    assert_int_equal(system("rm -r lib"), 0);
    pid_t child = start_index();
    (void)kill(child, SIGTSTP);
    assert_true(wait_for_stop(child, &number));
    const double before = embedded();
    (void)kill(child, SIGINT);
    (void)kill(child, SIGCONT);
    assert_int_equal(run_wait(child), 130);
    assert_true(embedded() >= before && embedded() < PICTURES);
    run(&r, "index", "pictures", "--library", "lib", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "verify", "--library", "lib", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_true(embedded() == PICTURES);
}

/* A killed one has lost no more than what was begun after it stopped: nothing. */
static void what_was_committed_outlives_a_paused_index(void **state) {
    (void)state;
    int number = 0;
    assert_int_equal(system("rm -r lib"), 0);
    pid_t child = start_index();
    (void)kill(child, SIGTSTP);
    assert_true(wait_for_stop(child, &number));
    const double before = embedded();
    (void)kill(child, SIGKILL);
    (void)run_wait(child);
    assert_true(embedded() == before);
}

static void a_second_ctrl_z_does_not_wait(void **state) {
    (void)state;
    int number = 0;
    assert_int_equal(system("rm -r lib"), 0);
    pid_t child = start_index();
    (void)kill(child, SIGTSTP);
    (void)kill(child, SIGTSTP);
    assert_true(wait_for_stop(child, &number));
    (void)kill(child, SIGCONT);
    while (wait_for_stop(child, &number)) /* the first one may still be wanted */
        (void)kill(child, SIGCONT);
    assert_true(embedded() == PICTURES);
}

/*
 * In a terminal: a shell in little, which puts the job in front and sees it stop.
 */
static void run_in_front(int report) {
    int status = 0, number = 0;
    (void)signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
        (void)setpgid(0, 0);
        (void)tcsetpgrp(0, getpid());
        (void)signal(SIGTTOU, SIG_DFL);
        (void)setenv("TERM", "xterm", 1);
        (void)execl(GLIMPSE_PROGRAM, "glimpse", "index", "pictures", "--library", "lib", "--jobs",
                    "2", "--batch", "4", "--model", "demo", (char *)NULL);
        _exit(127);
    }
    (void)setpgid(job, job);
    (void)waitpid(job, &status, WUNTRACED);
    number = WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
    (void)tcsetpgrp(0, getpgrp());
    (void)!write(2, "[shell]", 7);
    (void)!write(report, &number, sizeof number);
    (void)tcsetpgrp(0, job);
    (void)kill(-job, SIGCONT);
    (void)waitpid(job, &status, 0);
    number = WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
    (void)!write(report, &number, sizeof number);
    _exit(0);
}

static void a_terminal_is_left_clean(void **state) {
    (void)state;
    int terminal = -1, report[2], number = 0, asked = 0;
    static char text[1 << 20];
    size_t used = 0;
    (void)!system("rm -rf lib");
    assert_int_equal(pipe(report), 0);
    pid_t shell = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(shell >= 0);
    if (shell == 0) run_in_front(report[1]);
    (void)close(report[1]);
    for (;;) {
        ssize_t got = read(terminal, text + used, sizeof text - 1 - used);
        if (got <= 0) break; /* EIO: all who had it open are gone */
        used += (size_t)got;
        text[used] = '\0';
        if (!asked && strstr(text, "indexing") && embedded() > 0) {
            asked = 1;
            assert_int_equal(write(terminal, "\x1a", 1), 1); /* Ctrl-Z */
        }
    }
    assert_int_equal(waitpid(shell, NULL, 0), shell);
    assert_true(asked);
    assert_int_equal(read(report[0], &number, sizeof number), sizeof number);
    assert_int_equal(number, SIGTSTP);
    assert_int_equal(read(report[0], &number, sizeof number), sizeof number);
    assert_int_equal(number, 0);
    (void)close(report[0]);
    (void)close(terminal);
    /* What stood in the line is gone before the shell writes. */
    const char *prompt = strstr(text, "[shell]");
    assert_non_null(prompt);
    assert_true(prompt - text >= 4);
    assert_memory_equal(prompt - 4, "\r\033[K", 4);
    assert_true(embedded() == PICTURES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_index_has_committed_and_says_who_it_is),
        cmocka_unit_test(ctrl_c_ends_a_paused_index),
        cmocka_unit_test(what_was_committed_outlives_a_paused_index),
        cmocka_unit_test(a_second_ctrl_z_does_not_wait),
        cmocka_unit_test(a_terminal_is_left_clean),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
