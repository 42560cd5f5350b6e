/*
 * opened_model.h - the model in the temporary directory of a test, opened.
 */
#ifndef GLIMPSE_TESTS_OPENED_MODEL_H
#define GLIMPSE_TESTS_OPENED_MODEL_H

#include <glimpse/sys/model.h>

/* NULL where the build or the CPU lacks the backend in this precision, which the first two never
 * do. */
glimpse_model *open_as(glimpse_backend backend, glimpse_precision precision);

#endif
