/*
 * label_internal.h - a classifier from given weights, for tests that know the answer by hand.
 */
#ifndef GLIMPSE_INDEX_LABEL_INTERNAL_H
#define GLIMPSE_INDEX_LABEL_INTERNAL_H

#include <glimpse/label.h>

/* `weights` [count][width], unit rows, copied. Checks class names as glimpse_classifier_create. */
int glimpse_classifier_from_weights(glimpse_classifier **out, const char *const *classes,
                                    size_t count, const float *weights, size_t width,
                                    double logit_scale);

#endif
