/*
 * math/speed.h - how fast this machine multiplies matrices, about.
 */
#ifndef GLIMPSE_MATH_SPEED_H
#define GLIMPSE_MATH_SPEED_H

#include "math/types.h"

/* Floating-point operations a second: for `seconds`, `threads` threads multiply what an image tower
 * of middle size does. */
int glimpse_math_measure(double *flops, const glimpse_math *math, unsigned threads, double seconds);

#endif
