/*
 * predictions.h - adding to predictions that were read. Private; see <glimpse/datasets.h>.
 */
#ifndef GLIMPSE_INDEX_PREDICTIONS_H
#define GLIMPSE_INDEX_PREDICTIONS_H

#include <glimpse/datasets.h>

/* The place of a class, added when it is new. */
int glimpse_predictions_add_class(size_t *at, glimpse_predictions *predictions, const char *name);

#endif
