/*
 * temporary.h - one temporary directory for a test program, or for each of its tests.
 *
 *     cmocka_run_group_tests(tests, make_directory, remove_directory);
 */
#ifndef GLIMPSE_TESTS_TEMPORARY_H
#define GLIMPSE_TESTS_TEMPORARY_H

#include "support/test.h"

extern char *temp_directory;

/* cmocka set-up and tear-down; *state is left alone. */
int make_directory(void **state);
int remove_directory(void **state);

/* directory/NAME. */
const char *in_directory(const char *name);
void write_in_directory(const char *name, const void *data, size_t size);
void write_text_in_directory(const char *name, const char *text);

#endif
