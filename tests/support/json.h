/*
 * json.h - reading JSON files and looking into them.
 */
#ifndef GLIMPSE_TESTS_JSON_H
#define GLIMPSE_TESTS_JSON_H

#include "support/test.h"

#include <jansson.h>

/* The whole file, parsed; fails the test when that fails. json_decref it. */
json_t *json_file(const char *path);

/* By path, as in "results.0.path"; fails the test when it is not there. Borrowed. */
const json_t *at(const json_t *root, const char *path);
const char *text_at(const json_t *root, const char *path);
double number_at(const json_t *root, const char *path);

#endif
