/*
 * image_support.h - for the tests of pictures: hashes, tables, decoding in a guarded child.
 */
#ifndef GLIMPSE_TESTS_IMAGE_SUPPORT_H
#define GLIMPSE_TESTS_IMAGE_SUPPORT_H

#include "support/numbers.h"

#include <glimpse/sys/image.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static inline uint64_t image_hash(const glimpse_image *image) {
    return fnv1a(glimpse_image_pixels(image),
                 (size_t)glimpse_image_width(image) * glimpse_image_height(image) * 3);
}

/* A table of text: tab separated, or CSV with the usual quoting. */
enum { MAX_FIELDS = 24 };
typedef struct table {
    char *text, *at;
    char separator;
    char *fields[MAX_FIELDS];
    int count;
    char *names[MAX_FIELDS]; /* of the first line */
    int named;
} table;

/* Splits the next line in place; 0 at the end. */
static inline int table_next(table *t) {
    char *from = t->at;
    if (!*from) return 0;
    t->count = 0;
    for (int more = 1; more;) {
        assert_true(t->count < MAX_FIELDS);
        char *to = from;
        t->fields[t->count++] = to;
        int quoted = 0;
        for (;; from++) {
            if (*from == '"' && t->separator == ',') {
                if (quoted && from[1] == '"') {
                    *to++ = *from++;
                } else {
                    quoted = !quoted;
                }
            } else if (*from == '\0' || (!quoted && (*from == '\n' || *from == t->separator))) {
                break;
            } else if (*from != '\r') {
                *to++ = *from;
            }
        }
        more = *from == t->separator;
        const int last = *from == '\0';
        *to = '\0';
        if (!last) from++;
    }
    t->at = from;
    return 1;
}

static inline table table_open(const char *path, char separator) {
    table t = {.separator = separator};
    t.text = t.at = read_whole_file(path, NULL);
    assert_true(table_next(&t));
    memcpy(t.names, t.fields, sizeof t.names);
    t.named = t.count;
    return t;
}

static inline const char *table_get(const table *t, const char *name) {
    for (int i = 0; i < t->named; i++) {
        const char *have = t->names[i][0] == '#' ? t->names[i] + 1 : t->names[i];
        if (strcmp(have, name) == 0) return i < t->count ? t->fields[i] : "";
    }
    fail_msg("no column %s", name);
    return "";
}

static inline void table_close(table *t) {
    free(t->text);
}

/* What became of a file that was decoded in a child of its own. */
typedef struct verdict {
    int crashed; /* killed by a signal, timed out or ran out of its limits */
    int signal;
    int status; /* of the decoder */
    uint32_t width, height;
    double seconds; /* processor time of the child */
    long peak_kb;   /* resident */
    long printed;   /* bytes on stdout and stderr: the library never prints */
    char message[512];
} verdict;

static inline verdict decode_guarded(const char *path, size_t memory_limit, unsigned seconds) {
    verdict v;
    memset(&v, 0, sizeof v);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    FILE *output = tmpfile();
    assert_non_null(output);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(pipes[0]);
        if (!UNDER_SANITIZER) { /* which has reports to make */
            (void)dup2(fileno(output), STDOUT_FILENO);
            (void)dup2(fileno(output), STDERR_FILENO);
        }
        struct rlimit limit = {memory_limit, memory_limit};
        if (!UNDER_SANITIZER && memory_limit) (void)setrlimit(RLIMIT_AS, &limit);
        limit.rlim_cur = limit.rlim_max = seconds;
        (void)setrlimit(RLIMIT_CPU, &limit);
        (void)alarm(seconds * 10); /* also when it only waits; the machine may be busy */
        glimpse_image *image;
        v.status = glimpse_image_load(&image, path, NULL);
        if (v.status == GLIMPSE_OK) {
            v.width = glimpse_image_width(image);
            v.height = glimpse_image_height(image);
            v.message[0] = (char)('0' + image_hash(image) % 10); /* touch every pixel */
        } else {
            (void)snprintf(v.message, sizeof v.message, "%s", glimpse_last_error());
        }
        glimpse_image_free(image);
        (void)fflush(NULL);
        ssize_t written = write(pipes[1], &v, sizeof v);
        _exit(written == (ssize_t)sizeof v ? 0 : 1);
    }
    (void)close(pipes[1]);
    verdict reported;
    ssize_t got = read(pipes[0], &reported, sizeof reported);
    (void)close(pipes[0]);
    int state = 0;
    struct rusage usage;
    assert_int_equal(wait4(child, &state, 0, &usage), child);
    if (got == (ssize_t)sizeof reported) v = reported;
    if (got != (ssize_t)sizeof reported || !WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        v.crashed = 1;
        v.signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
    }
    v.seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    v.peak_kb = usage.ru_maxrss;
    (void)fseek(output, 0, SEEK_END);
    v.printed = ftell(output);
    (void)fclose(output);
    return v;
}

#endif
