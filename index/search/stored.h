/*
 * stored.h - the library as a cache: embeddings of files that did not change since.
 */
#ifndef GLIMPSE_TOOLS_STORED_H
#define GLIMPSE_TOOLS_STORED_H

#include <glimpse/library.h>

typedef struct stored_file {
    char id[33]; /* content id */
    uint32_t width, height;
    uint64_t bytes;
} stored_file;

/* 1 with `embedding` [E] (and `id` [33] when not NULL) set when `library` (NULL: no) has one of
 * the file at `path`, whose size and time of change are still the same. */
int stored_embedding(glimpse_library *library, const glimpse_model *model, const char *path,
                     float *embedding, char *id);
/* The same, with what else the library knows of the file; `file` may be NULL. */
int stored_picture(glimpse_library *library, const glimpse_model *model, const char *path,
                   float *embedding, stored_file *file);

#endif
