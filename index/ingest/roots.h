/*
 * index/ingest/roots.h - the files and directories that a walk is given: what they resolve to, and
 * which of them another one covers. Indexing, labelling, captions and the search for duplicates go
 * by it, so that overlapping roots are the same files for all of them.
 */
#ifndef GLIMPSE_INDEX_ROOTS_H
#define GLIMPSE_INDEX_ROOTS_H

#include "walk.h"

typedef struct glimpse_walk_root {
    const char *path; /* resolved */
    int is_directory, reachable;
    int covered;                     /* out: a walk of the others comes by all that it is */
    const glimpse_walk_rules *rules; /* what it is walked with; NULL: as all */
    int apart;                       /* never covered by a directory around it */
} glimpse_walk_root;

/* realpath() of the longest part that exists, and the rest as it is. malloc'ed. */
int glimpse_root_resolve(char **out, const char *path);

/* Marks the roots that another one of `roots` [count] covers: the same path given before, or a
 * directory that a walk of a directory around it enters. A file below a directory is none of them:
 * who names it wants it, though the walk may leave it out. Fails only for want of memory. */
int glimpse_roots_cover(glimpse_walk_root *roots, size_t count, const glimpse_walk_rules *rules);

#endif
