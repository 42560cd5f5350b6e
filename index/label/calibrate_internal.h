/*
 * calibrate_internal.h - what the files of the calibration share. Private.
 */
#ifndef GLIMPSE_INDEX_CALIBRATE_INTERNAL_H
#define GLIMPSE_INDEX_CALIBRATE_INTERNAL_H

#include <stddef.h>

/* The logit of a claim, and whether it was right. */
typedef struct glimpse_platt_pair {
    double logit;
    int right;
} glimpse_platt_pair;

/* platt.c: T from 0.02 to 50 and b of p = 1 / (1 + exp(-(logit / T + b))). */
void glimpse_platt_fit(const glimpse_platt_pair *pairs, size_t count, double *temperature,
                       double *offset);

#endif
