/*
 * tool.c - messages, memory, signals and the two ends of a run.
 */
#include "tool.h"

#include "progress.h"
#include "text.h"
#include "wording.h"

#include <errno.h>
#include <fcntl.h>
#include <glimpse/compute.h>
#include <glimpse/process.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int quiet_notes;
static volatile sig_atomic_t stop_requested;

static void catch_pause(void);

static void print_message(const char *format, va_list args) {
    char message[2048];
    if (vsnprintf(message, sizeof message, format, args) < 0) return;
    char *shown = text_display(message);
    progress_clear();
    (void)fprintf(stderr, "glimpse: %s\n", shown);
    free(shown);
}

void tool_print(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_message(format, args);
    va_end(args);
}

int tool_fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_message(format, args);
    va_end(args);
    return EXIT_FAILED;
}

int tool_fail_last(void) {
    const char *message = glimpse_last_error();
    return tool_fail("%s", *message ? message : "failed without a reason");
}

void tool_set_quiet(int quiet) {
    quiet_notes = quiet;
    progress_set_quiet(quiet);
}

void tool_note(const char *format, ...) {
    if (quiet_notes) return;
    va_list args;
    va_start(args, format);
    print_message(format, args);
    va_end(args);
}

void tool_note_nomedia(uint64_t count) {
    if (count == 0) return;
    tool_note("%s left out for a .nomedia or .noimage file (--include-nomedia goes in)",
              text_counted(count, "folder", "folders"));
}

void tool_message(void *user, glimpse_message_kind kind, const char *text) {
    (void)user;
    if (kind == GLIMPSE_MESSAGE_NOTE) {
        tool_note("%s", text);
    } else {
        tool_print("%s", text);
    }
}

static void on_stop(int number) {
    (void)number;
    stop_requested = 1;
    /* The second one kills, whichever of the two it is. */
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
}

/* Libraries end the program themselves when they are out of memory or threads: OpenMP by exit(1),
 * which would say that nothing was found, C++ by abort(). They have said why. */
static int finishing;

static void on_exit_of_others(void) {
    if (!finishing) _exit(EXIT_FAILED);
}

static void on_abort(int number) {
    static const char message[] = "glimpse: a library gave up (out of memory?)\n";
    (void)number;
    ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
    (void)ignored;
    _exit(EXIT_FAILED);
}

/*
 * Ctrl-Z. A call that has something under way finishes it first and pauses then; a second Ctrl-Z
 * does not wait for that.
 */
static volatile sig_atomic_t pause_requested;

static int pause_wanted(void) {
    return pause_requested != 0;
}

/* The terminal belongs to this process: its shell sees it stop, and puts it in front again. */
static int is_in_front(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (tcgetpgrp(fd) == getpgrp()) return 1;
    return 0;
}

/* Safe in a handler of signals. */
static void stop_process(void) {
    if (!is_in_front()) {
        (void)raise(SIGSTOP); /* kill -TSTP: there may be no shell to stop for */
        return;
    }
    sigset_t stop, before;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTSTP);
    (void)signal(SIGTSTP, SIG_DFL);
    (void)raise(SIGTSTP);
    (void)pthread_sigmask(SIG_UNBLOCK, &stop, &before); /* here it stops */
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    catch_pause();
}

static void pause_process(void) {
    pause_requested = 0;
    progress_clear();
    (void)fflush(stdout);
    stop_process();
}

static void on_pause(int number) {
    const int error = errno;
    (void)number;
    if (glimpse_pause_is_coming() && !pause_requested) {
        pause_requested = 1;
    } else {
        pause_requested = 0;
        progress_erase();
        glimpse_pause_now(stop_process);
    }
    errno = error;
}

static void catch_pause(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_pause;
    (void)sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    (void)sigaction(SIGTSTP, &action, NULL);
}

void tool_catch_stop(void) {
    struct sigaction stop;
    /* Who started this without job control ignores it, and so do we. */
    if (sigaction(SIGTSTP, NULL, &stop) == 0 && stop.sa_handler == SIG_DFL) {
        catch_pause();
        glimpse_set_pause(pause_wanted, pause_process);
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_stop;
    (void)sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

int tool_stopped(void) {
    return stop_requested != 0;
}

/*
 * Standard output. A reader that goes away must not end work half done: the signal is caught, and
 * what is printed from then on goes nowhere. (It is not ignored: programs that are started would
 * inherit that.)
 */
static int output_error; /* errno of the first flush that failed */

static void on_failed_write(int number) {
    (void)number;
}

/* Like glimpse_errno_advice() of the library, which is no part of its interface. */
const char *tool_errno_advice(char *out, size_t size, int error) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    *out = '\0';
    if (error == ENOSPC || error == EDQUOT) {
        (void)snprintf(out, size, "; make space there, then do the same again");
    } else if (error == EFBIG && getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
               limit.rlim_cur != RLIM_INFINITY) {
        (void)snprintf(out, size,
                       "; no file may have more than %llu bytes (ulimit -f): raise it, then do the "
                       "same again",
                       (unsigned long long)limit.rlim_cur);
    }
    return out;
}

void tool_only_prints(void) {
    (void)signal(SIGPIPE, SIG_DFL);
}

void tool_flush(void) {
    if (fflush(stdout) != 0 && !output_error) output_error = errno ? errno : EIO;
}

/* Is nobody there to read what goes to stdout? */
static int reader_is_gone(void) {
    struct pollfd out = {STDOUT_FILENO, POLLOUT, 0};
    return output_error == EPIPE ||
           (poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)) != 0);
}

void tool_start(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
            /* The wrong way round on purpose: using it fails, as it would have. */
            int opened = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
            if (opened != fd) _exit(EXIT_FAILED);
        }
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_failed_write;
    (void)sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    (void)sigaction(SIGPIPE, &action, NULL);
    /* A limit on the size of files (ulimit -f): the write fails, with EFBIG. */
    (void)sigaction(SIGXFSZ, &action, NULL);
    (void)signal(SIGABRT, on_abort);
    (void)atexit(on_exit_of_others);
    glimpse_set_wording(wording_of_command);
    glimpse_compute_end_idle_threads();
}

int tool_finish(int code) {
    finishing = 1;
    progress_clear();
    tool_flush();
    if ((!output_error && !ferror(stdout)) || reader_is_gone()) return code;
    /* A failure between two flushes has left its mark on the stream, but not its reason. */
    char advice[TOOL_ADVICE_BYTES];
    return tool_fail("cannot write to standard output: %s%s",
                     output_error ? strerror(output_error) : "a write failed",
                     tool_errno_advice(advice, sizeof advice, output_error));
}
