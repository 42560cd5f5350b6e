/*
 * temporary.h - one temporary folder for a test program, or for each of its tests.
 *
 *     cmocka_run_group_tests(tests, make_folder, remove_folder);
 */
#ifndef GLIMPSE_TESTS_TEMPORARY_H
#define GLIMPSE_TESTS_TEMPORARY_H

#include "support/test.h"

extern char *folder;

/* cmocka set-up and tear-down; *state is left alone. */
int make_folder(void **state);
int remove_folder(void **state);

/* folder/NAME. */
const char *in_folder(const char *name);
void write_in_folder(const char *name, const void *data, size_t size);
void write_text_in_folder(const char *name, const char *text);

#endif
