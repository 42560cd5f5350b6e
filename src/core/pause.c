/*
 * core/pause.c - who is asked whether to pause, and the clock that stands still meanwhile.
 */
#include "pause.h"

#include "clock.h"

#include <stdatomic.h>
#include <stdint.h>

/* A handler of signals reads and adds to these. */
#if ATOMIC_POINTER_LOCK_FREE != 2 || ATOMIC_LLONG_LOCK_FREE != 2 || ATOMIC_INT_LOCK_FREE != 2
# error "a signal handler could not use them"
#endif

typedef int (*wanted_fn)(void);
typedef void (*pause_fn)(void);

static _Atomic(wanted_fn) wanted_call;
static _Atomic(pause_fn) pause_call;
static atomic_int sections;
static atomic_llong paused; /* nanoseconds */

static long long clock_nanoseconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

double glimpse_now(void) {
    return (double)(clock_nanoseconds() - atomic_load(&paused)) * 1e-9;
}

void glimpse_set_pause(int (*wanted)(void), void (*pause)(void)) {
    atomic_store(&pause_call, pause);
    atomic_store(&wanted_call, pause ? wanted : NULL);
}

int glimpse_pause_is_coming(void) {
    return atomic_load(&wanted_call) != NULL && atomic_load(&sections) > 0;
}

void glimpse_pause_now(void (*pause)(void)) {
    const long long start = clock_nanoseconds();
    if (pause) pause();
    (void)atomic_fetch_add(&paused, clock_nanoseconds() - start);
}

int glimpse_pause_is_wanted(void) {
    const wanted_fn wanted = atomic_load(&wanted_call);
    return wanted && wanted();
}

void glimpse_pause_here(void) {
    if (glimpse_pause_is_wanted()) glimpse_pause_now(atomic_load(&pause_call));
}

void glimpse_pause_begin(void) {
    (void)atomic_fetch_add(&sections, 1);
}

void glimpse_pause_end(void) {
    (void)atomic_fetch_sub(&sections, 1);
    glimpse_pause_here();
}
