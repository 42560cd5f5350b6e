/*
 * core/child.h - running another program with bounds on everything it may use, for work on hostile
 * files that a well-kept program does better than a library in this process.
 */
#ifndef GLIMPSE_CORE_CHILD_H
#define GLIMPSE_CORE_CHILD_H

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_child {
    const char *const *arguments; /* arguments[0] is looked for along PATH; ended by NULL */
    size_t max_output;            /* bytes on its stdout; more is GLIMPSE_E_LIMIT */
    unsigned cpu_seconds;         /* processor time; then it is killed */
    unsigned wall_seconds;        /* likewise by the clock */
    uint64_t memory;              /* bytes of address space */
} glimpse_child;

/* Runs it to its end. `output` is malloc'ed, *size bytes and a NUL behind them. Its stdin is empty,
 * its environment that of this process with LC_ALL=C.UTF-8. GLIMPSE_E_NOT_FOUND when there is no
 * such program, GLIMPSE_E_LIMIT when a bound was met, GLIMPSE_E_FORMAT when it ended in any other
 * way than with exit status 0: the message is the last line it wrote to stderr. Nothing it writes
 * reaches the terminal. Safe in programs with threads. */
int glimpse_child_run(const glimpse_child *child, void **output, size_t *size);

#endif
