/*
 * roots.c - where indexed directories lie, and whether they can be reached.
 *
 * Unreachable is not deleted: an empty directory below which files are known is a mount point
 * without its volume.
 */
#include "core/error.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void glimpse_roots_free(glimpse_root *roots, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(roots[i].path);
        free((void *)roots[i].options.exclude);
        free(roots[i].patterns);
    }
    free(roots);
}

const glimpse_root *glimpse_root_of(const glimpse_root *roots, size_t count, const char *path) {
    const glimpse_root *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (glimpse_path_is_below(path, roots[i].path) &&
            (!best || strlen(roots[i].path) > strlen(best->path))) {
            best = &roots[i];
        }
    }
    return best;
}

/* 1: has an entry, 0: is empty, -1: cannot be opened or read. */
static int look_into(const char *directory) {
    DIR *dir = opendir(directory);
    if (!dir) return -1;
    int found = 0;
    errno = 0;
    for (struct dirent *entry; !found && (entry = readdir(dir));) {
        found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    if (!found && errno != 0) found = -1;
    (void)closedir(dir);
    return found;
}

int glimpse_store_file_reachable(const char *path) {
    const char *slash = strrchr(path, '/');
    size_t length = slash && slash > path ? (size_t)(slash - path) : 1;
    char above[PATH_MAX];
    if (access(path, F_OK) == 0) return 1;
    if (length >= sizeof above) return 0;
    memcpy(above, slash ? path : ".", length);
    above[length] = '\0';
    return look_into(above) >= 0;
}

/* What a root is, or what is there, or what a file known by that name was: 1 for a directory. */
static int is_directory(glimpse_store *store, const char *path, int *directory) {
    glimpse_root *roots = NULL;
    size_t count = 0;
    struct stat info;
    int status = store->ops->roots.list(&roots, &count, store);
    if (status < 0) return status;
    const glimpse_root *root = NULL;
    for (size_t i = 0; i < count && !root; i++) {
        if (strcmp(roots[i].path, path) == 0) root = &roots[i];
    }
    if (root) {
        *directory = root->is_directory;
    } else if (stat(path, &info) == 0) {
        *directory = S_ISDIR(info.st_mode);
    } else {
        glimpse_file_row row;
        const glimpse_kept_error before = glimpse_error_keep();
        status = store->ops->files.find(&row, store, path, 0);
        *directory = status == GLIMPSE_E_NOT_FOUND;
        if (status == GLIMPSE_E_NOT_FOUND) {
            glimpse_error_restore(&before);
            status = GLIMPSE_OK;
        }
    }
    glimpse_roots_free(roots, count);
    return status;
}

int glimpse_store_root_reachable(int *reachable, glimpse_store *store, const char *path) {
    int directory = 1;
    *reachable = 0;
    int status = is_directory(store, path, &directory);
    if (status < 0) return status;
    if (!directory) {
        *reachable = glimpse_store_file_reachable(path);
        return GLIMPSE_OK;
    }
    int found = look_into(path), known = 0;
    if (found == 0) status = store->ops->files.any_below(&known, store, path);
    *reachable = found > 0 || (found == 0 && !known);
    return status;
}
