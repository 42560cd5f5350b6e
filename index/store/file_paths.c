/*
 * file_paths.c - makes a path absolute, without ".", ".." or doubled slashes, and without asking
 * the disk.
 */
#include "file_paths.h"

#include "core/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int glimpse_path_is_below(const char *path, const char *directory) {
    size_t length = strlen(directory);
    if (length == 1 && directory[0] == '/') return path[0] == '/';
    return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Drops empty and "." parts and resolves "..", in place; `path` starts with '/'. */
static void normalise(char *path) {
    size_t used = 0; /* path[0..used) is done: "" or "/a/b" */
    const char *part = path;
    while (*part) {
        while (*part == '/')
            part++;
        size_t length = strcspn(part, "/");
        if (length == 0) break;
        if (length == 2 && part[0] == '.' && part[1] == '.') {
            while (used > 0 && path[used - 1] != '/')
                used--;
            if (used > 0) used--;
        } else if (!(length == 1 && part[0] == '.')) {
            path[used++] = '/';
            memmove(path + used, part, length);
            used += length;
        }
        part += length;
    }
    if (used == 0) path[used++] = '/';
    path[used] = '\0';
}

int glimpse_path_absolute(char **out, const char *path) {
    *out = NULL;
    char *cwd = NULL;
    size_t cwd_length = 0, length = strlen(path);
    if (path[0] != '/') {
        cwd = getcwd(NULL, 0);
        if (!cwd) return glimpse_fail_errno("%s: cannot find the working directory", path);
        cwd_length = strlen(cwd);
    }
    char *full = malloc(cwd_length + length + 2);
    if (!full) {
        free(cwd);
        return glimpse_fail_nomem(cwd_length + length + 2, "a path");
    }
    if (cwd) {
        memcpy(full, cwd, cwd_length);
        full[cwd_length++] = '/';
    }
    memcpy(full + cwd_length, path, length + 1);
    free(cwd);
    normalise(full);
    *out = full;
    return GLIMPSE_OK;
}

char *glimpse_path_real(const char *path) {
    return realpath(path, NULL);
}

int glimpse_path_range_below(char **first, char **end, size_t *length, const char *directory) {
    *first = *end = NULL;
    size_t n = strlen(directory);
    if (n == 1 && directory[0] == '/') n = 0; /* "/" itself is the first path below the root */
    *first = malloc(n + 2);
    *end = malloc(n + 2);
    if (!*first || !*end) {
        free(*first);
        free(*end);
        *first = *end = NULL;
        return glimpse_fail_nomem(2 * n, "a path");
    }
    memcpy(*first, directory, n);
    memcpy(*end, directory, n);
    memcpy(*first + n, "/", 2);
    memcpy(*end + n, "0", 2);
    *length = n + 1;
    return GLIMPSE_OK;
}
