/*
 * place_files.c - files and directories of what is being installed.
 */
#include "hub.h"

#include "core/error.h"
#include "core/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void remove_at(int parent, const char *name, int depth) {
    if (unlinkat(parent, name, 0) == 0 || depth > 64) return;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0) (void)close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        remove_at(fd, entry->d_name, depth + 1);
    }
    (void)closedir(dir);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

void glimpse_hub_remove_tree(const char *path) {
    remove_at(AT_FDCWD, path, 0);
}

int glimpse_hub_write_whole(const char *path, const char *text) {
    glimpse_new_file file;
    int status = glimpse_new_file_open(&file, path);
    if (status < 0) return status;
    if (fputs(text, file.stream) < 0) {
        status = glimpse_new_file_fail(&file);
    } else {
        status = glimpse_new_file_commit(&file);
    }
    glimpse_new_file_abandon(&file);
    return status;
}
