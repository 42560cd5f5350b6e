/*
 * faults.h - running glimpse while the system calls that write its files fail. The kernel hands
 * each such call to the test (seccomp's user notification), which lets it go on or answers with an
 * error: whatever library makes it, in every build, without privileges.
 */
#ifndef GLIMPSE_TESTS_TOOLS_FAULTS_H
#define GLIMPSE_TESTS_TOOLS_FAULTS_H

#include "support/commands.h"

typedef struct faults {
    const char *below;   /* only files below this directory; absolute, without links */
    int64_t bytes;       /* as many may be written, then: no space left; negative: any number */
    long sync, rename;   /* this one fails with an I/O error; 0: none */
    int64_t written;     /* out: counted so far */
    long syncs, renames; /* out */
} faults;

/* 0 where the system has no such thing. */
int faults_available(void);
/* As run_list(); standard output and error go through files "out" and "err" in run_directory. */
void faults_run(run_result *r, faults *f, const char *const *arguments);

#endif
