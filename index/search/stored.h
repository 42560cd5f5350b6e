/*
 * index/search/stored.h - the library as a cache: embeddings of files that did not change since.
 */
#ifndef GLIMPSE_INDEX_STORED_H
#define GLIMPSE_INDEX_STORED_H

#include <glimpse/library.h>

typedef struct glimpse_stored_file {
    char id[33]; /* content id; "" where it is not known */
    uint32_t width, height;
    uint64_t bytes;
} glimpse_stored_file;

/* 1 with `embedding` [E] set (and `file` when it is not NULL) when `library` has one of the file at
 * `path`, whose size and time of change are still the same. 0 otherwise: no such file, no library
 * (NULL), nothing indexed with this model. */
int glimpse_stored_picture(float *embedding, glimpse_stored_file *file, glimpse_library *library,
                           const glimpse_model *model, const char *path);

#endif
