/*
 * companions.h - pictures and RAW files that were taken together, by their names; for those who
 * choose what an action is about.
 */
#ifndef GLIMPSE_INDEX_COMPANIONS_H
#define GLIMPSE_INDEX_COMPANIONS_H

#include <stddef.h>

/* By its ending. */
int glimpse_action_is_raw(const char *path);
/* 1 for a.jpg and a.dng of one directory. */
int glimpse_action_is_pair(const char *a, const char *b);

/* The files of a directory that could belong to a picture. */
typedef struct glimpse_companion_names {
    char **names; /* [count] sorted */
    size_t count;
} glimpse_companion_names;
/* Empty where the directory cannot be read. 0 or ENOMEM. */
int glimpse_companion_names_load(glimpse_companion_names *out, const char *directory);
void glimpse_companion_names_free(glimpse_companion_names *names);
/* How many belong to the picture called `name`, thumbnails aside. */
unsigned glimpse_companion_names_of(const glimpse_companion_names *names, const char *name);

#endif
