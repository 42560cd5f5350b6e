/*
 * limited.c - a start under a limit of address space (ulimit -v).
 *
 * OpenBLAS starts a thread for every core as soon as it is loaded, with 8 MB of stack and a buffer
 * of 128 MB each, which glimpse, having workers of its own, never uses. Where they cannot be had,
 * the program dies before it begins, or those threads ask again for ever. OpenBLAS can be told to
 * start none, by the environment alone, and before it is loaded: so the program starts itself a
 * second time with that in its environment. Without a limit nothing of the kind happens.
 */
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__ELF__) && defined(__GLIBC__)

/* Before the libraries are initialised: nothing here may need them. */
static void start_without_threads_of_blas(int argc, char **argv, char **environment) {
    static char threads[] = "OPENBLAS_NUM_THREADS=1", path[4096];
    static char *extended[4096];
    struct rlimit limit;
    size_t count = 0;
    (void)argc;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    for (; environment[count]; count++) {
        if (count + 2 == sizeof extended / sizeof *extended) return;
        if (strncmp(environment[count], threads, sizeof "OPENBLAS_NUM_THREADS") == 0) {
            if (strcmp(environment[count], threads) == 0) return; /* this is the second start */
            environment[count] = threads;
        }
        extended[count] = environment[count];
    }
    extended[count] = threads;
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = '\0';
    (void)execve(path, argv, extended); /* where it fails, this start goes on */
}

__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(
    int, char **, char **) = start_without_threads_of_blas;

#else

typedef int nothing_to_do_here;

#endif
