/*
 * examples.c - what a classifier's examples say about its classes.
 */
#include "label_internal.h"

void glimpse_examples_centre(double *sums, const double *share, size_t classes) {
    double average = 0;
    size_t with = 0;
    for (size_t k = 0; k < classes; k++) {
        if (!(share[k] > 0)) continue;
        sums[k] *= share[k];
        average += sums[k];
        with++;
    }
    if (with > 0) average /= (double)with;
    for (size_t k = 0; k < classes; k++)
        sums[k] = share[k] > 0 ? sums[k] - average : 0;
}
