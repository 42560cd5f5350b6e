/*
 * core/child.c - runs another program with bounds on its time, its memory and its output.
 *
 * Between fork and exec only functions are called that are safe there in a program with threads:
 * everything that allocates happens before.
 */
#include "core/child.h"
#include "core/clock.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_BYTES = 4096, CHUNK = 65536, POLL_MS = 100 };

/* What comes out of one of the child's ends. */
typedef struct sink {
    int fd; /* -1 when it is closed */
    char *data;
    size_t size, capacity, max;
    int overflowed;
} sink;

/* The program's path, malloc'ed; NULL when it is nowhere. */
static char *find_program(const char *name) {
    if (strchr(name, '/')) return access(name, X_OK) == 0 ? strdup(name) : NULL;
    const char *path = getenv("PATH");
    if (!path || !*path) path = "/usr/local/bin:/usr/bin:/bin";
    char *candidate = malloc(strlen(path) + strlen(name) + 2);
    while (candidate && *path) {
        const size_t length = strcspn(path, ":");
        if (length > 0) { /* an empty entry would be the working directory */
            memcpy(candidate, path, length);
            candidate[length] = '/';
            memcpy(candidate + length + 1, name, strlen(name) + 1);
            if (access(candidate, X_OK) == 0) return candidate;
        }
        path += length;
        if (*path) path++;
    }
    free(candidate);
    return NULL;
}

/* The environment with the locale replaced; only the array is allocated. */
static char **child_environment(void) {
    static char locale[] = "LC_ALL=C.UTF-8";
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **copy = calloc(count + 2, sizeof *copy);
    if (!copy) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], "LC_ALL=", 7) != 0) copy[kept++] = environ[i];
    }
    copy[kept] = locale;
    return copy;
}

static _Noreturn void become(const glimpse_child *child, const char *program, char **environment,
                             int output, int messages) {
    (void)setpgid(0, 0); /* so that what it starts can be ended with it */
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(messages, STDERR_FILENO) < 0) {
        _exit(127);
    }
    const struct rlimit seconds = {child->cpu_seconds, child->cpu_seconds};
    const struct rlimit memory = {(rlim_t)child->memory, (rlim_t)child->memory};
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CPU, &seconds);
    (void)setrlimit(RLIMIT_AS, &memory);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_FSIZE, &none);
    (void)execve(program, (char *const *)(uintptr_t)child->arguments, environment);
    _exit(127);
}

/* One chunk. What is over the bound is read and dropped, so that the child does not hang. */
static int drain(sink *s) {
    char chunk[CHUNK];
    const ssize_t got = read(s->fd, chunk, sizeof chunk);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return GLIMPSE_OK;
    if (got <= 0) {
        (void)close(s->fd);
        s->fd = -1;
        return GLIMPSE_OK;
    }
    size_t keep = (size_t)got;
    if (keep > s->max - s->size) {
        keep = s->max - s->size;
        s->overflowed = 1;
    }
    if (!s->data || s->size + keep + 1 > s->capacity) {
        const size_t capacity = 2 * (s->size + keep) + 1;
        char *grown = realloc(s->data, capacity);
        if (!grown) return glimpse_fail_nomem(capacity, "a program's output");
        s->data = grown;
        s->capacity = capacity;
    }
    memcpy(s->data + s->size, chunk, keep);
    s->size += keep;
    return GLIMPSE_OK;
}

/* The last line that is not empty, for the message; in place. */
static const char *last_words(sink *messages) {
    if (!messages->data) return "";
    size_t end = messages->size;
    while (end > 0 && (unsigned char)messages->data[end - 1] <= ' ')
        end--;
    size_t start = end;
    while (start > 0 && messages->data[start - 1] != '\n')
        start--;
    messages->data[end] = '\0';
    for (size_t i = start; i < end; i++) {
        if ((unsigned char)messages->data[i] < ' ') messages->data[i] = ' ';
    }
    return messages->data + start;
}

static int too_slow(const glimpse_child *child) {
    return glimpse_fail(GLIMPSE_E_LIMIT, "%s takes more than %u seconds", child->arguments[0],
                        child->wall_seconds);
}

/* Reads both ends until they close or a bound is met. */
static int listen_to(const glimpse_child *child, double deadline, sink *output, sink *messages) {
    int status = GLIMPSE_OK;
    while ((output->fd >= 0 || messages->fd >= 0) && status == GLIMPSE_OK) {
        struct pollfd ends[2] = {{output->fd, POLLIN, 0}, {messages->fd, POLLIN, 0}};
        if (poll(ends, 2, POLL_MS) < 0 && errno != EINTR) {
            status = glimpse_fail_errno("cannot wait for %s", child->arguments[0]);
            break;
        }
        if (ends[0].revents) status = drain(output);
        if (status == GLIMPSE_OK && ends[1].revents) status = drain(messages);
        if (status == GLIMPSE_OK && output->overflowed) {
            status = glimpse_fail(GLIMPSE_E_LIMIT, "%s writes more than %zu bytes",
                                  child->arguments[0], child->max_output);
        }
        if (status == GLIMPSE_OK && glimpse_now() > deadline) status = too_slow(child);
    }
    return status;
}

/* Waits for the end of a child that has closed its ends, or was killed. */
static int wait_for(pid_t pid, const glimpse_child *child, double deadline, int *ended) {
    static const struct timespec pause = {0, 5000000};
    for (;;) {
        const pid_t got = waitpid(pid, ended, WNOHANG);
        if (got == pid) return GLIMPSE_OK;
        if (got < 0 && errno != EINTR) {
            return glimpse_fail_errno("cannot wait for %s", child->arguments[0]);
        }
        if (glimpse_now() > deadline) return too_slow(child);
        (void)nanosleep(&pause, NULL);
    }
}

static void end(pid_t pid) {
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL); /* when it had not come to its group yet */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

static int judge(const glimpse_child *child, int ended, sink *messages) {
    if (WIFEXITED(ended) && WEXITSTATUS(ended) == 0) return GLIMPSE_OK;
    if (WIFSIGNALED(ended) && WTERMSIG(ended) == SIGXCPU) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s takes more than %u seconds of processor time",
                            child->arguments[0], child->cpu_seconds);
    }
    if (WIFSIGNALED(ended)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s crashed (signal %d)", child->arguments[0],
                            WTERMSIG(ended));
    }
    const char *words = last_words(messages);
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %s", child->arguments[0],
                        *words ? words : "failed without a word");
}

int glimpse_child_run(const glimpse_child *child, void **out, size_t *size) {
    *out = NULL;
    *size = 0;
    int status = GLIMPSE_OK, ends[2] = {-1, -1}, words[2] = {-1, -1}, ended = 0;
    sink output = {.fd = -1, .max = child->max_output};
    sink messages = {.fd = -1, .max = WORDS_BYTES};
    char *program = find_program(child->arguments[0]);
    char **environment = child_environment();
    if (!program) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "the program %s is not installed",
                              child->arguments[0]);
        goto done;
    }
    if (!environment) {
        status = glimpse_fail_nomem(0, "an environment");
        goto done;
    }
    if (pipe2(ends, O_CLOEXEC) != 0 || pipe2(words, O_CLOEXEC) != 0) {
        status = glimpse_fail_errno("cannot start %s", child->arguments[0]);
        goto done;
    }
    const pid_t pid = fork();
    if (pid < 0) {
        status = glimpse_fail_errno("cannot start %s", child->arguments[0]);
        goto done;
    }
    if (pid == 0) become(child, program, environment, ends[1], words[1]);
    (void)close(ends[1]);
    (void)close(words[1]);
    output.fd = ends[0];
    messages.fd = words[0];
    ends[0] = ends[1] = words[0] = words[1] = -1;
    const double deadline = glimpse_now() + child->wall_seconds;
    status = listen_to(child, deadline, &output, &messages);
    if (status == GLIMPSE_OK) status = wait_for(pid, child, deadline, &ended);
    if (status < 0) end(pid);
    if (status == GLIMPSE_OK) status = judge(child, ended, &messages);
    if (status == GLIMPSE_OK && !output.data) {
        output.data = malloc(1);
        if (!output.data) status = glimpse_fail_nomem(1, "a program's output");
    }
    if (status == GLIMPSE_OK) {
        output.data[output.size] = '\0';
        *out = output.data;
        *size = output.size;
        output.data = NULL;
    }
done:
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0) (void)close(ends[i]);
        if (words[i] >= 0) (void)close(words[i]);
    }
    if (output.fd >= 0) (void)close(output.fd);
    if (messages.fd >= 0) (void)close(messages.fd);
    free(output.data);
    free(messages.data);
    free(environment);
    free(program);
    return status;
}
