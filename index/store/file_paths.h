/*
 * file_paths.h - paths as the catalogue keeps them: absolute bytes, without ".", ".." or doubled
 * slashes.
 */
#ifndef GLIMPSE_INDEX_FILE_PATHS_H
#define GLIMPSE_INDEX_FILE_PATHS_H

#include <stddef.h>

/* malloc'ed: `path` put behind the working directory when relative, then normalised by its letters
 * alone ("a/../b" is "b" even when "a" is a link, as in a shell's cd). The path need not exist. */
int glimpse_path_absolute(char **out, const char *path);

/* malloc'ed realpath(), or NULL when the path does not exist (no failure is reported). */
char *glimpse_path_real(const char *path);

/* "Below": 1 when `path` is `directory` or lies in it. `directory` "/" holds everything. */
int glimpse_path_is_below(const char *path, const char *directory);

/* The bytes of all paths strictly below `directory` lie in [*first, *end): "directory/" up to, not
 * including, "folder0", the byte after '/' being '0'. Both malloc'ed, `length` bytes without a NUL
 * of their own worth counting. */
int glimpse_path_range_below(char **first, char **end, size_t *length, const char *directory);

#endif
