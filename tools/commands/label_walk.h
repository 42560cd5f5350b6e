/*
 * label_walk.h - the pictures below some folders, in the order of their names.
 */
#ifndef GLIMPSE_TOOLS_LABEL_WALK_H
#define GLIMPSE_TOOLS_LABEL_WALK_H

#include <stddef.h>

typedef struct picture_list {
    char **paths; /* [count], as reached from what was given */
    size_t count, room;
    char **problem_paths, **problems; /* [problem_count]: what could not be looked at, and why */
    size_t problem_count;
} picture_list;

/* A file as it is, or every file below a folder whose name ends as pictures do, sorted. Hidden
 * folders and files are left out, and so are links to folders, as when indexing. */
void picture_list_add(picture_list *list, const char *path);
void picture_list_free(picture_list *list);

#endif
