/*
 * core/clock.h - seconds of a clock that never jumps.
 */
#ifndef GLIMPSE_CORE_CLOCK_H
#define GLIMPSE_CORE_CLOCK_H

#include <time.h>

/* Since some moment in the past; for differences. */
static inline double glimpse_now(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#endif
