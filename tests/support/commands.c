/*
 * commands.c - runs glimpse from a test and collects its exit code and output.
 */
#include "support/commands.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

enum { MAX_ARGUMENTS = 64 };

char run_directory[1024];

int run_setup(void **state) {
    (void)state;
    char *base = make_temp_directory();
    (void)snprintf(run_directory, sizeof run_directory, "%s/with a space", base);
    free(base);
    char path[1100];
    assert_int_equal(mkdir(run_directory, 0777), 0);
    assert_int_equal(chdir(run_directory), 0);
    (void)snprintf(path, sizeof path, "%s/data", run_directory);
    (void)setenv("XDG_DATA_HOME", path, 1);
    (void)setenv("HOME", run_directory, 1);
    (void)setenv("TERM", "dumb", 1);
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    static const char *const unwanted[] = {"GLIMPSE_LIBRARY",
                                           "GLIMPSE_MODEL",
                                           "KITTY_WINDOW_ID",
                                           "TERM_PROGRAM",
                                           "LC_TERMINAL",
                                           "WT_SESSION",
                                           "KONSOLE_VERSION",
                                           "GLIMPSE_OPENER",
                                           "COLUMNS",
                                           "XDG_STATE_HOME",
                                           "XDG_CONFIG_HOME",
                                           "XDG_CACHE_HOME",
                                           "HF_HOME",
                                           "HF_HUB_CACHE",
                                           "HUGGINGFACE_HUB_CACHE",
                                           "NO_COLOR",
                                           "CLICOLOR_FORCE",
                                           "COLORTERM",
                                           "TMUX",
                                           "STY",
                                           "VTE_VERSION",
                                           "LC_TIME",
                                           "TERM_PROGRAM_VERSION"};
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        (void)unsetenv(unwanted[i]);
    return 0;
}

int run_teardown(void **state) {
    (void)state;
    assert_int_equal(chdir("/"), 0);
    *strrchr(run_directory, '/') = '\0';
    remove_tree(run_directory);
    return 0;
}

static int exit_code(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Takes in both streams until both end, so that neither fills up. */
static void drain(run_result *r, int out, int err, int in, const char *input, size_t size) {
    size_t capacity[2] = {0, 0};
    char **text[2] = {&r->out, &r->err};
    size_t *used[2] = {&r->out_size, &r->err_size};
    struct pollfd fds[3] = {{out, POLLIN, 0}, {err, POLLIN, 0}, {in, POLLOUT, 0}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        assert_true(poll(fds, 3, 240000) > 0);
        for (int i = 0; i < 2; i++) {
            if (fds[i].fd < 0 || !fds[i].revents) continue;
            if (*used[i] + 65536 > capacity[i]) {
                capacity[i] = 2 * capacity[i] + 131072;
                *text[i] = realloc(*text[i], capacity[i] + 1);
                assert_non_null(*text[i]);
            }
            ssize_t got = read(fds[i].fd, *text[i] + *used[i], 65536);
            if (got > 0) {
                *used[i] += (size_t)got;
            } else {
                (void)close(fds[i].fd);
                fds[i].fd = -1;
            }
        }
        if (fds[2].fd >= 0 && fds[2].revents) {
            ssize_t written = size > 0 ? write(fds[2].fd, input, size) : 0;
            if (written > 0) {
                input += written;
                size -= (size_t)written;
            }
            if (written <= 0 || size == 0) {
                (void)close(fds[2].fd);
                fds[2].fd = -1;
            }
        }
    }
    if (fds[2].fd >= 0) (void)close(fds[2].fd);
    for (int i = 0; i < 2; i++) {
        if (!*text[i]) *text[i] = calloc(1, 1);
        assert_non_null(*text[i]);
        (*text[i])[*used[i]] = '\0';
    }
}

/* Both ends of a new terminal, as of a pipe; 100 columns wide. */
static int open_terminal(int ends[2]) {
    const struct winsize size = {.ws_row = 24, .ws_col = 100};
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[0] < 0 || grantpt(ends[0]) != 0 || unlockpt(ends[0]) != 0) return -1;
    ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
    return ends[1] < 0 ? -1 : ioctl(ends[1], TIOCSWINSZ, &size);
}

static void run_program(run_result *r, const char *program, char *const *argv, const char *input,
                        size_t size, run_place place) {
    int out[2], err[2], in[2];
    *r = (run_result){0};
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(out, O_CLOEXEC) | pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(place == RUN_TERMINAL ? open_terminal(err) : pipe2(err, O_CLOEXEC), 0);
    if (place == RUN_NO_READER || place == RUN_FULL) {
        (void)close(out[0]);
        out[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (place == RUN_FULL) {
        (void)close(out[1]);
        out[1] = open("/dev/full", O_WRONLY | O_CLOEXEC);
        assert_true(out[1] >= 0);
    }
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)dup2(err[1], 2);
        (void)execv(program, argv);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    (void)close(err[1]);
    drain(r, out[0], err[0], in[1], input, size);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    r->code = exit_code(status);
}

static void run_words(run_result *r, const char *const *arguments, const char *input, size_t size,
                      run_place place) {
    char *argv[MAX_ARGUMENTS + 2] = {strdup("glimpse")};
    size_t count = 1;
    for (; *arguments && count <= MAX_ARGUMENTS; arguments++)
        argv[count++] = strdup(*arguments);
    run_program(r, GLIMPSE_PROGRAM, argv, input, size, place);
    while (count > 0)
        free(argv[--count]);
}

void run_list(run_result *r, const char *const *arguments, const char *input, size_t size) {
    run_words(r, arguments, input, size, RUN_PIPES);
}

void run_onto(run_result *r, run_place place, const char *const *arguments) {
    run_words(r, arguments, "", 0, place);
}

void run(run_result *r, ...) {
    const char *arguments[MAX_ARGUMENTS + 1];
    size_t count = 0;
    va_list args;
    va_start(args, r);
    while ((arguments[count] = va_arg(args, const char *)) != NULL) {
        count++;
        assert_true(count < MAX_ARGUMENTS);
    }
    va_end(args);
    run_list(r, arguments, "", 0);
}

void run_shell(run_result *r, const char *command) {
    char shell[] = "sh", option[] = "-c", *line = strdup(command);
    char *argv[] = {shell, option, line, NULL};
    (void)setenv("G", GLIMPSE_PROGRAM, 1);
    run_program(r, "/bin/sh", argv, "", 0, RUN_PIPES);
    free(line);
}

void run_free(run_result *r) {
    free(r->out);
    free(r->err);
    *r = (run_result){0};
}

char *run_on_terminal(unsigned columns, const char *const *environment,
                      const char *const *arguments) {
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    struct termios raw;
    memset(&raw, 0, sizeof raw);
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    (void)fflush(NULL);
    int terminal = -1;
    pid_t child = forkpty(&terminal, NULL, &raw, &size);
    assert_true(child >= 0);
    if (child == 0) {
        char *argv[MAX_ARGUMENTS + 2] = {strdup("glimpse")};
        for (size_t i = 0; arguments[i] && i < MAX_ARGUMENTS; i++)
            argv[i + 1] = strdup(arguments[i]);
        (void)setenv("TERM", "xterm", 1);
        (void)setenv("GLIMPSE_MODEL", "demo", 1); /* so that nobody is asked which */
        for (; environment && *environment; environment++) {
            if (strchr(*environment, '=')) {
                (void)putenv(strdup(*environment));
            } else {
                (void)unsetenv(*environment);
            }
        }
        (void)execv(GLIMPSE_PROGRAM, argv);
        _exit(127);
    }
    size_t capacity = 1 << 16, used = 0;
    char *text = malloc(capacity);
    assert_non_null(text);
    for (ssize_t got; (got = read(terminal, text + used, capacity - 1 - used)) > 0;) {
        used += (size_t)got;
        if (used + 1 < capacity) continue;
        text = realloc(text, capacity *= 2);
        assert_non_null(text);
    }
    text[used] = '\0';
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(terminal);
    if (exit_code(status) > 1) fail_msg("exit code %d: %.1000s", exit_code(status), text);
    return text;
}

pid_t run_start(const char *out, const char *err, ...) {
    char *argv[MAX_ARGUMENTS + 2] = {strdup("glimpse")};
    size_t count = 1;
    va_list args;
    va_start(args, err);
    for (const char *word; (word = va_arg(args, const char *)) != NULL;)
        argv[count++] = strdup(word);
    va_end(args);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int to_out = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        int to_err = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        (void)dup2(to_out, 1);
        (void)dup2(to_err, 2);
        (void)execv(GLIMPSE_PROGRAM, argv);
        _exit(127);
    }
    while (count > 0)
        free(argv[--count]);
    return child;
}

int run_wait(pid_t child) {
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return exit_code(status);
}

static void show(const run_result *r) {
    print_error("exit code %d\nstdout: %.2000s\nstderr: %.2000s\n", r->code, r->out, r->err);
}

void expect(const run_result *r, int code) {
    if (r->code == code) return;
    show(r);
    fail_msg("exit code %d, expected %d", r->code, code);
}

void expect_out(const run_result *r, const char *part) {
    if (strstr(r->out, part)) return;
    show(r);
    fail_msg("stdout lacks: %s", part);
}

void expect_err(const run_result *r, const char *part) {
    if (strstr(r->err, part)) return;
    show(r);
    fail_msg("stderr lacks: %s", part);
}

void expect_no_err(const run_result *r) {
    if (r->err_size == 0) return;
    show(r);
    fail_msg("stderr should be empty");
}

static json_t *parse(const char *text, size_t size) {
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root) fail_msg("not JSON: %s at column %d: %.500s", error.text, error.column, text);
    return root;
}

json_t *run_json(const run_result *r) {
    assert_true(r->out_size > 0 && r->out[r->out_size - 1] == '\n');
    if (memchr(r->out, '\n', r->out_size - 1)) fail_msg("more than one line: %.500s", r->out);
    return parse(r->out, r->out_size);
}

json_t *run_json_lines(const run_result *r) {
    json_t *all = json_array();
    for (const char *line = r->out; *line;) {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        json_t *object = parse(line, (size_t)(end - line));
        assert_true(json_is_object(object));
        assert_int_equal(json_array_append_new(all, object), 0);
        line = end + 1;
    }
    return all;
}
