/*
 * picture_list.h - the pictures below some directories, in the order of their names. Private.
 */
#ifndef GLIMPSE_INDEX_PICTURE_LIST_H
#define GLIMPSE_INDEX_PICTURE_LIST_H

#include <stddef.h>

typedef struct glimpse_picture_list {
    char **paths; /* [count], as reached from what was given */
    size_t count, capacity;
    char **problem_paths, **problems; /* [problem_count]: what could not be looked at, and why */
    size_t problem_count, problem_capacity, text_capacity;
} glimpse_picture_list;

/* A file as it is, or every file below a directory whose name ends as pictures do, sorted. Hidden
 * directories and files are left out, and so are links to directories, as when indexing. */
int glimpse_picture_list_add(glimpse_picture_list *list, const char *path);
void glimpse_picture_list_free(glimpse_picture_list *list);

#endif
