/*
 * files.h - paths, whole files, temporary directories, and the reference data beside the checkout.
 * What cannot be done fails the test, so there is nothing to check.
 */
#ifndef GLIMPSE_TESTS_FILES_H
#define GLIMPSE_TESTS_FILES_H

#include <stddef.h>

/* directory/relative; static storage, eight paths in turn. */
const char *path_in(const char *directory, const char *relative);
/* Of a file of the source tree; as path_in. */
const char *source_path(const char *relative);
/* Of reference data below ../shared, or below $GLIMPSE_SHARED; as path_in. Skips the test with a
 * clear message where it is not there. */
const char *shared_path(const char *relative);
/* The same; NULL where it is not there. */
const char *shared_path_if_there(const char *relative);

int path_exists(const char *path);
/* Makes the directories that `path` lies in. */
void make_parents(const char *path);

/* The whole file, NUL-terminated behind its `*size` bytes (`size` may be NULL). Free with free().
 */
void *read_whole_file(const char *path, size_t *size);
void write_file(const char *path, const void *data, size_t size);
void write_text(const char *path, const char *text);
void write_formatted(const char *path, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void copy_file(const char *from, const char *to);

/* A fresh directory under TMPDIR; remove it with remove_tree(). Free with free(). */
char *make_temp_directory(void);
/* The same without links in its path, as the library names files. */
char *make_resolved_temp_directory(void);
void remove_tree(const char *path);

#endif
