/*
 * bench_dedup.h - the three parts of bench_dedup.
 */
#ifndef GLIMPSE_BENCH_DEDUP_H
#define GLIMPSE_BENCH_DEDUP_H

#include <glimpse/dedup.h>

#include <stddef.h>

int bench_dedup_quality(const char *images);
int bench_dedup_edits(const char *images);
int bench_dedup_scale(size_t max);

/* The truth about a set of files: which original each shows, and what was done to it. */
typedef struct truth_file {
    char path[1024];
    char original[64];  /* the same for all versions of a picture */
    char transform[64]; /* "original" for the original itself */
} truth_file;
typedef struct truth {
    truth_file *files;
    size_t count, capacity;
} truth;
truth_file *truth_add(truth *t, const char *path, const char *original, const char *transform);
/* Prints the table; the roots are searched without and with rotations. */
int truth_judge(truth *t, const char *const *roots, size_t root_count);

#endif
