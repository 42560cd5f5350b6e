/*
 * runner.c - a main() for a fuzz target without libFuzzer: what is in the corpus, whole, cut, and
 * damaged, the same on every run.
 *
 *     fuzz_NAME [--runs N] [--seed N] PATH ...
 *
 * PATHs are files or directories of inputs. N is how many cuts and damaged copies are tried in all
 * (2000). When one ends the program, it is written to crash-NAME in the current directory: give
 * that as the PATH, with --runs 0, to see it again.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct input {
    char *name;
    uint8_t *data;
    size_t size;
} input;

static struct {
    input *list;
    size_t count, capacity;
} inputs;

static void *checked(void *memory) {
    if (memory) return memory;
    (void)fputs("out of memory\n", stderr);
    exit(2);
}

static _Noreturn void fail(const char *path) {
    (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(2);
}

/*
 * What is running, for when it ends the program.
 */
static struct {
    const uint8_t *data;
    size_t size;
    char path[256];
} current;

static void keep_current(void) {
    if (!current.data) return;
    int fd = open(current.path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    ssize_t written = fd < 0 ? -1 : write(fd, current.data, current.size);
    const char *words =
        written < 0 ? "the input could not be written to " : "the input that did it is in ";
    if (write(STDERR_FILENO, words, strlen(words)) > 0 &&
        write(STDERR_FILENO, current.path, strlen(current.path)) > 0) {
        (void)!write(STDERR_FILENO, "\n", 1);
    }
    current.data = NULL;
}

static void on_signal(int number) {
    keep_current();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* Of the sanitizers, where there are any. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch(const char *program) {
    const char *name = strrchr(program, '/');
    name = name ? name + 1 : program;
    if (strncmp(name, "fuzz_", 5) == 0) name += 5;
    (void)snprintf(current.path, sizeof current.path, "crash-%.200s", name);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(keep_current);
        (void)signal(SIGABRT, on_signal); /* theirs to report, but broken promises abort */
        return;
    }
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        (void)signal(deadly[i], on_signal);
}

static void run(const uint8_t *data, size_t size) {
    /* A block of its own size, so that the sanitizer sees reads behind the end. */
    uint8_t *exact = checked(malloc(size > 0 ? size : 1));
    if (size > 0) memcpy(exact, data, size);
    current.data = exact;
    current.size = size;
    (void)LLVMFuzzerTestOneInput(exact, size);
    current.data = NULL;
    free(exact);
}

/*
 * The corpus.
 */
static void add_file(const char *path) {
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info) != 0) fail(path);
    input one = {checked(strdup(path)), NULL, (size_t)info.st_size};
    one.data = checked(malloc(one.size + 1));
    if (fread(one.data, 1, one.size, file) != one.size || fclose(file) != 0) fail(path);
    if (inputs.count == inputs.capacity) {
        inputs.capacity = 2 * inputs.capacity + 64;
        inputs.list = checked(realloc(inputs.list, inputs.capacity * sizeof *inputs.list));
    }
    inputs.list[inputs.count++] = one;
}

static void add(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) fail(path);
    if (!S_ISDIR(info.st_mode)) {
        add_file(path);
        return;
    }
    DIR *directory = opendir(path);
    if (!directory) fail(path);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.') continue;
        char inside[4096];
        (void)snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (stat(inside, &info) == 0 && S_ISREG(info.st_mode)) add_file(inside);
    }
    (void)closedir(directory);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const input *)a)->name, ((const input *)b)->name);
}

/*
 * Damage.
 */
static uint64_t random_state;

static size_t random_below(size_t limit) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state >> 20) % limit;
}

/* `buffer` has capacity for `capacity` bytes. */
static size_t damage_once(uint8_t *buffer, size_t size, size_t capacity) {
    static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '"', '\\', '\n', '{', '-', '9'};
    const size_t at = random_below(size);
    size_t length = 1 + random_below(16);
    if (length > size - at) length = size - at;
    switch (random_below(6)) {
    case 0: buffer[at] ^= (uint8_t)(1u << random_below(8)); return size;
    case 1: buffer[at] = (uint8_t)random_below(256); return size;
    case 2: buffer[at] = telling[random_below(sizeof telling)]; return size;
    case 3: /* leave a piece out */
        memmove(buffer + at, buffer + at + length, size - at - length);
        return size - length;
    case 4: { /* a piece twice */
        if (size + length > capacity) return size;
        memmove(buffer + at + length, buffer + at, size - at);
        return size + length;
    }
    default: { /* a piece of another input */
        const input *other = &inputs.list[random_below(inputs.count)];
        if (other->size == 0) return size;
        const size_t from = random_below(other->size);
        if (length > other->size - from) length = other->size - from;
        memcpy(buffer + at, other->data + from, length);
        return size;
    }
    }
}

static void run_damaged(const input *from) {
    const size_t capacity = from->size + 256;
    uint8_t *buffer = checked(malloc(capacity));
    size_t size = from->size;
    memcpy(buffer, from->data, size);
    for (size_t times = 1 + random_below(6); times > 0 && size > 0; times--)
        size = damage_once(buffer, size, capacity);
    run(buffer, size);
    free(buffer);
}

static size_t number(const char *text) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text ? text : "", &end, 10);
    if (end == text || !end || *end || errno) {
        (void)fprintf(stderr, "not a number: %s\n", text ? text : "");
        exit(2);
    }
    return (size_t)value;
}

int main(int count, char **arguments) {
    size_t runs = 2000, seed = 1;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--runs") == 0) {
            runs = number(arguments[++i]);
        } else if (strcmp(arguments[i], "--seed") == 0) {
            seed = number(arguments[++i]);
        } else {
            add(arguments[i]);
        }
    }
    if (inputs.count == 0) {
        (void)fputs("no inputs: give files or directories\n", stderr);
        return 2;
    }
    qsort(inputs.list, inputs.count, sizeof *inputs.list, by_name); /* the same order everywhere */
    watch(arguments[0]);
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

    run((const uint8_t *)"", 0);
    for (size_t i = 0; i < inputs.count; i++)
        run(inputs.list[i].data, inputs.list[i].size);
    /* A third of the runs are cuts. */
    for (size_t i = 0; i < runs; i++) {
        const input *from = &inputs.list[i % inputs.count];
        if (i / inputs.count % 3 == 0 && from->size > 0) {
            run(from->data, random_below(from->size));
        } else {
            run_damaged(from);
        }
    }
    (void)printf("%zu inputs, %zu damaged copies of them\n", inputs.count, runs);
    for (size_t i = 0; i < inputs.count; i++) {
        free(inputs.list[i].name);
        free(inputs.list[i].data);
    }
    free(inputs.list);
    return 0;
}
