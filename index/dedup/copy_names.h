/*
 * index/dedup/copy_names.h - paths that look like those of copies.
 */
#ifndef GLIMPSE_INDEX_COPY_NAMES_H
#define GLIMPSE_INDEX_COPY_NAMES_H

/* How many marks of a copy the names of a path have: a word such as "copy" or "backup" in one of
 * the larger languages, as file managers write it, or a small number in parentheses. */
unsigned glimpse_copy_marks(const char *path);

#endif
