/*
 * core/clock.h - seconds of a clock that never jumps.
 */
#ifndef GLIMPSE_CORE_CLOCK_H
#define GLIMPSE_CORE_CLOCK_H

#include <time.h>

/* Since some moment in the past; for differences. It stands still while the process pauses
 * (glimpse/process.h): pause.c. */
double glimpse_now(void);

#endif
