/*
 * stored.h - the library as a cache: embeddings of files that did not change since.
 */
#ifndef GLIMPSE_TOOLS_STORED_H
#define GLIMPSE_TOOLS_STORED_H

#include <glimpse/library.h>

/* 1 with `embedding` [E] (and `id` [33] when not NULL) set when `library` (NULL: no) has one of
 * the file at `path`, whose size and time of change are still the same. */
int stored_embedding(glimpse_library *library, const glimpse_model *model, const char *path,
                     float *embedding, char *id);

#endif
