/*
 * index/ingest/walk_internal.h - between walk.c and walk_rules.c.
 */
#ifndef GLIMPSE_INDEX_WALK_INTERNAL_H
#define GLIMPSE_INDEX_WALK_INTERNAL_H

#include "walk.h"

/* 1 for hidden directories and those that programs keep for themselves. */
int glimpse_walk_directory_is_unwanted(const char *name);
/* 1 for endings that are well known and no picture's. */
int glimpse_walk_name_is_other(const char *name);

/* The name of the file in `directory` (a descriptor) that keeps it out of walks, or NULL. */
const char *glimpse_walk_mark(int directory);

#endif
