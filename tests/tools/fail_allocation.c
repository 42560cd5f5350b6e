/*
 * fail_allocation.c - loaded in front of the C library (LD_PRELOAD): from main() on, allocation
 * number GLIMPSE_TEST_FAIL_AT fails, wherever it is made, and with GLIMPSE_TEST_FAIL_FOR so many
 * behind it. The total is written to the file that GLIMPSE_TEST_COUNT names. With
 * GLIMPSE_TEST_FAIL_THREADS no thread can be started; with GLIMPSE_TEST_END_BY=exit or =abort the
 * failure ends the program, as libgomp's and those of C++ do.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_int armed;
static atomic_long made;
static long fail_at, fail_for = 1;
static const char *end_by; /* "exit", "abort": instead of failing, as libraries do */

static int must_fail(void) {
    if (!atomic_load(&armed)) return 0;
    const long number = atomic_fetch_add(&made, 1) + 1;
    if (fail_at <= 0 || number < fail_at || number >= fail_at + fail_for) return 0;
    if (end_by) {
        atomic_store(&armed, 0);
        (void)fputs("a library: out of memory\n", stderr);
        if (*end_by == 'e') exit(1);
        abort();
    }
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    return must_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return must_fail() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    return size > 0 && must_fail() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return must_fail() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    if (must_fail()) return ENOMEM;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *),
                   void *argument) {
    union {
        void *object;
        create_fn *function;
    } real = {dlsym(RTLD_NEXT, "pthread_create")};
    if (atomic_load(&armed) && getenv("GLIMPSE_TEST_FAIL_THREADS")) return EAGAIN;
    return real.function(thread, attributes, work, argument);
}

static void report_count(void) {
    const char *path = getenv("GLIMPSE_TEST_COUNT");
    atomic_store(&armed, 0);
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    (void)fprintf(file, "%ld\n", atomic_load(&made));
    (void)fclose(file);
}

typedef int main_fn(int, char **, char **);
typedef int start_fn(main_fn *, int, char **, void (*)(void), void (*)(void), void (*)(void),
                     void *);

static main_fn *program;

static int run(int argc, char **argv, char **environment) {
    atomic_store(&armed, 1);
    return program(argc, argv, environment);
}

int __libc_start_main(main_fn *start, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*loader_fini)(void), void *stack_end);
int __libc_start_main(main_fn *start, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*loader_fini)(void), void *stack_end) {
    union {
        void *object;
        start_fn *function;
    } real = {dlsym(RTLD_NEXT, "__libc_start_main")};
    const char *at = getenv("GLIMPSE_TEST_FAIL_AT"), *count = getenv("GLIMPSE_TEST_FAIL_FOR");
    end_by = getenv("GLIMPSE_TEST_END_BY");
    if (at) fail_at = atol(at);
    if (count) fail_for = atol(count);
    (void)atexit(report_count);
    program = start;
    return real.function(run, argc, argv, init, fini, loader_fini, stack_end);
}
