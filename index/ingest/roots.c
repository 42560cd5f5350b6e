/*
 * index/ingest/roots.c - resolves the files and directories that a walk is given, and drops those
 * that another one covers.
 */
#include "roots.h"

#include "core/error.h"
#include "core/file.h"
#include "file_paths.h"

#include <stdlib.h>
#include <string.h>

int glimpse_root_resolve(char **out, const char *path) {
    char *absolute = NULL;
    *out = glimpse_path_real(path);
    if (*out) return GLIMPSE_OK;
    int status = glimpse_path_absolute(&absolute, path);
    if (status < 0) return status;
    for (size_t end = strlen(absolute); end > 1;) {
        while (end > 1 && absolute[end - 1] != '/')
            end--;
        if (end <= 1) break;
        absolute[end - 1] = '\0';
        char *real = glimpse_path_real(absolute);
        absolute[end - 1] = '/';
        if (real) {
            *out = glimpse_path_join(real, absolute + end);
            free(real);
            free(absolute);
            return *out ? GLIMPSE_OK : glimpse_fail_nomem(end, "a path");
        }
        end--;
    }
    *out = absolute;
    return GLIMPSE_OK;
}

/* By path, then as given: their addresses are in that order. */
static int by_path(const void *a, const void *b) {
    const glimpse_walk_root *x = *(glimpse_walk_root *const *)a;
    const glimpse_walk_root *y = *(glimpse_walk_root *const *)b;
    const int order = strcmp(x->path, y->path);
    return order ? order : (x > y) - (x < y);
}

static int is_inside(const glimpse_walk_root *inner, const glimpse_walk_root *outer,
                     const glimpse_walk_rules *rules) {
    if (outer->rules) rules = outer->rules;
    return !inner->apart && outer->reachable && inner->reachable &&
           glimpse_path_is_below(inner->path, outer->path) &&
           !glimpse_walk_passes_by(rules, outer->path, inner->path);
}

int glimpse_roots_cover(glimpse_walk_root *roots, size_t count, const glimpse_walk_rules *rules) {
    glimpse_walk_root **sorted = calloc(count ? count : 1, sizeof *sorted);
    size_t directories = 0;
    if (!sorted) return glimpse_fail_nomem(count * sizeof *sorted, "roots");
    for (size_t i = 0; i < count; i++)
        sorted[i] = &roots[i];
    if (count > 1) qsort(sorted, count, sizeof *sorted, by_path);
    for (size_t i = 0; i < count; i++)
        sorted[i]->covered = i > 0 && strcmp(sorted[i - 1]->path, sorted[i]->path) == 0;
    /* There may be many thousands of files, and few directories. */
    for (size_t i = 0; i < count; i++) {
        if (sorted[i]->is_directory && !sorted[i]->covered) sorted[directories++] = sorted[i];
    }
    for (size_t i = 0; i < directories; i++) {
        for (size_t j = 0; j < directories && !sorted[i]->covered; j++) {
            if (j == i || sorted[j]->covered) continue;
            sorted[i]->covered = is_inside(sorted[i], sorted[j], rules);
        }
    }
    free(sorted);
    return GLIMPSE_OK;
}
