/*
 * table.h - whole text files, for the readers. Private; tables themselves are in
 * <glimpse/datasets.h>.
 */
#ifndef GLIMPSE_INDEX_DATASETS_TABLE_H
#define GLIMPSE_INDEX_DATASETS_TABLE_H

#include <stddef.h>

/* The whole file ("-": standard input), NUL-terminated, at most 1 GiB. Free it. `size` may be
 * NULL. */
int glimpse_text_file_read(char **out, size_t *size, const char *path);

#endif
