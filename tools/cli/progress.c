/*
 * progress.c - the line on a terminal that shows rate and time left.
 */
#include "progress.h"

#include "text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int quiet;
static volatile sig_atomic_t drawn;
static double drawn_at;

double progress_now(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void progress_set_quiet(int is_quiet) {
    quiet = is_quiet;
}

static int is_due(void) {
    static int terminal = -1;
    if (terminal < 0) {
        const char *kind = getenv("TERM");
        terminal = isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0;
    }
    return !quiet && terminal && !(drawn && progress_now() - drawn_at < 0.1);
}

static void draw(const char *line) {
    size_t columns = text_terminal_columns(STDERR_FILENO);
    char *shown = text_fit(line, columns > 1 ? columns - 1 : 1);
    (void)fprintf(stderr, "\r%s\033[K", shown);
    (void)fflush(stderr);
    free(shown);
    drawn = 1;
    drawn_at = progress_now();
}

void progress_show(const char *what, uint64_t done, uint64_t total, int total_is_final,
                   double seconds, const char *detail) {
    if (!is_due()) return;
    char line[256], left[64] = "";
    double rate = seconds > 0 ? (double)done / seconds : 0;
    if (total_is_final && rate > 0 && total >= done && seconds > 0.5) {
        (void)snprintf(left, sizeof left, ", %s left",
                       text_duration((double)(total - done) / rate));
    }
    (void)snprintf(line, sizeof line, "%s  %s of %s%s, %.*f/s%s%s%s", what, text_count(done),
                   text_count(total), total_is_final ? "" : "+", rate < 10 ? 1 : 0, rate, left,
                   detail && *detail ? ", " : "", detail ? detail : "");
    draw(line);
}

void progress_show_bytes(const char *what, uint64_t done, uint64_t total, double bytes_a_second,
                         const char *detail) {
    if (!is_due()) return;
    char line[512], rate[96] = "";
    if (bytes_a_second > 0) {
        (void)snprintf(rate, sizeof rate, ", %s/s, %s left", text_bytes((uint64_t)bytes_a_second),
                       text_duration((double)(total - done) / bytes_a_second));
    }
    (void)snprintf(line, sizeof line, "%s  %s of %s%s, %s", what, text_bytes(done),
                   text_bytes(total), rate, detail);
    draw(line);
}

void progress_clear(void) {
    if (!drawn) return;
    (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
    drawn = 0;
}

void progress_erase(void) {
    static const char erase[] = "\r\033[K";
    if (!drawn) return;
    ssize_t ignored = write(STDERR_FILENO, erase, sizeof erase - 1);
    (void)ignored;
}

int progress_report(void *user, const glimpse_progress *p) {
    (void)user;
    progress_show(p->stage, p->done, p->total, p->total_is_final, p->seconds, NULL);
    return 0;
}
