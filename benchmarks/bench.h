/*
 * bench.h - timing shared by the benchmark programs: warm up, repeat, report the median and the
 * spread, and always as a ratio to a named baseline measured in the same run.
 */
#ifndef GLIMPSE_BENCH_H
#define GLIMPSE_BENCH_H

#include <glimpse/status.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What bench_now() reads; a program may choose the CPU time of its thread instead. */
static clockid_t bench_clock = CLOCK_MONOTONIC;

static inline double bench_now(void) {
    struct timespec t;
    (void)clock_gettime(bench_clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What cannot be done makes the figures worthless. */
static inline void bench_check(int status) {
    if (status >= 0) return;
    (void)fprintf(stderr, "the benchmark is void: %s\n", glimpse_last_error());
    exit(1);
}

static int bench_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct bench_time {
    double min, median, max; /* seconds */
} bench_time;

/* Runs `work` once to warm up, then `runs` (at most 64) times, or until `budget` seconds are used
 * (at least 3 runs). An error voids the benchmark: the program ends. */
static inline bench_time bench_run(int (*work)(void *), void *user, int runs, double budget) {
    double times[64];
    int count = 0;
    double start = bench_now();
    if (work(user) < 0) goto failed;
    for (int i = 0; i < runs && i < 64; i++) {
        double before = bench_now();
        if (work(user) < 0) goto failed;
        times[count++] = bench_now() - before;
        if (count >= 3 && bench_now() - start > budget) break;
    }
    qsort(times, (size_t)count, sizeof times[0], bench_compare);
    return (bench_time){times[0], times[count / 2], times[count - 1]};
failed:
    (void)fprintf(stderr, "the benchmark is void: %s\n", glimpse_last_error());
    exit(1);
}

/* The CPU's name, for the record. */
static inline const char *bench_cpu(void) {
    static char name[128] = "unknown CPU";
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "model name : %127[^\n]", name) == 1) break;
    }
    if (file) (void)fclose(file);
    return name;
}

#endif
