/*
 * index/ingest/picture_list.h - the pictures below some directories: the walk (walk.h) for those
 * who want to know all of them before they begin.
 *
 *     const char *roots[] = {"photos", "scans"};
 *     glimpse_picture_list list = {0};
 *     glimpse_picture_list_add(&list, roots, 2, NULL, NULL, NULL);
 *     for (size_t i = 0; i < list.count; i++) puts(list.paths[i]);
 *     glimpse_picture_list_free(&list);
 *
 * They are the files that indexing the same roots would look at, less those that it finds to be no
 * pictures: a name that does not tell is looked into here (its first bytes).
 */
#ifndef GLIMPSE_INDEX_PICTURE_LIST_H
#define GLIMPSE_INDEX_PICTURE_LIST_H

#include "walk.h"

#include <stddef.h>

typedef struct glimpse_picture_problem {
    char *path, *real;  /* as below */
    char *text;         /* "path: what is wrong" */
    const char *reason; /* the part of `text` behind the path */
    int status;
    int is_directory; /* nothing below it was seen */
    int is_root;      /* one of those that were given */
} glimpse_picture_problem;

typedef struct glimpse_picture_list {
    char **paths; /* [count], as reached from what was given */
    char **reals; /* [count], as reached from what that resolves to: what indexing calls them */
    size_t count, capacity;
    glimpse_picture_problem *problems; /* [problem_count]: what could not be looked at */
    size_t problem_count, problem_capacity;
    size_t marked; /* directories with .nomedia or .noimage that were left out */
} glimpse_picture_list;

/* Adds the pictures below `roots` [count], and the problems, root by root and there sorted by path,
 * behind what the list has already. Each file is in it once: of roots that overlap (roots.h) the
 * outer one is walked, and of several names of one root the first is kept. What is no directory is
 * added as it is, whatever its name, also when it does not exist; a pipe, socket or device is a
 * problem. `rules` may be NULL. `visited` (may be NULL) is called for each file that is met; a
 * non-zero answer ends it with GLIMPSE_E_CANCELLED. A directory that cannot be listed is a problem,
 * and no failure: only memory is. */
int glimpse_picture_list_add(glimpse_picture_list *list, const char *const *roots, size_t count,
                             const glimpse_walk_rules *rules,
                             int (*visited)(void *user, const char *path), void *user);
void glimpse_picture_list_free(glimpse_picture_list *list);

#endif
