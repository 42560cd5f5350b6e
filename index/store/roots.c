/*
 * roots.c - where indexed directories lie, and whether they can be reached.
 *
 * Unreachable is not deleted: an empty directory below which files are known is a mount point
 * without its volume. A file by itself is gone when a directory that it was in is there and does
 * not look like a place where its volume is to be mounted.
 */
#include "core/error.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
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

int glimpse_root_options_any(const glimpse_root_options *options) {
    return options->follow_links || options->include_nomedia || options->exclude_count > 0 ||
           options->tiles;
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

/* Cuts the last name off: "/a" of "/a/b". 0: there is none. */
static int cut_name(char *path) {
    char *slash = strrchr(path, '/');
    if (!slash || !slash[1]) return 0;
    slash[slash == path] = '\0';
    return 1;
}

static int is_mount_point(const char *directory) {
    char above[PATH_MAX];
    struct stat here, there;
    (void)snprintf(above, sizeof above, "%s", directory);
    return !cut_name(above) ||
           (stat(directory, &here) == 0 && stat(above, &there) == 0 && here.st_dev != there.st_dev);
}

/* Where systems mount media, whose own directories come and go with them. */
static int is_place_of_volumes(const char *directory) {
    static const char *const places[] = {"/media",           "/mnt", "/run/media", "/Volumes",
                                         "/run/user/*/gvfs", "/net"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (fnmatch(places[i], directory, FNM_PATHNAME) == 0) return 1;
    }
    return 0;
}

/* A volume's own directory, or the one of a user in which those are: /media/USER. */
static int is_among_volumes(const char *directory) {
    char above[PATH_MAX];
    (void)snprintf(above, sizeof above, "%s", directory);
    if (!cut_name(above)) return 0;
    if (is_place_of_volumes(above)) return 1;
    return cut_name(above) && (strcmp(above, "/media") == 0 || strcmp(above, "/run/media") == 0);
}

/* `directory` is there, and what follows it in the path of a file is not. */
static int is_waiting_for_volume(const char *directory, const char *file) {
    char part[PATH_MAX];
    (void)snprintf(part, sizeof part, "%s", file);
    if (strcmp(directory, "/") == 0) return 1;
    /* A place that is not there itself, or that the volume's own directory is missing in. */
    while (cut_name(part) && strlen(part) >= strlen(directory)) {
        if (is_place_of_volumes(part)) return 1;
    }
    return (strcmp(part, "/media") == 0 || strcmp(part, "/run/media") == 0) &&
           !is_mount_point(directory);
}

static int is_unmounted(const char *directory) {
    char buffer[2 * PATH_MAX];
    struct mntent entry;
    int named = 0;
    FILE *table = setmntent("/etc/fstab", "re");
    while (table && !named && getmntent_r(table, &entry, buffer, sizeof buffer))
        named = strcmp(entry.mnt_dir, directory) == 0;
    if (table) (void)endmntent(table);
    return named && !is_mount_point(directory);
}

/* Since the file was there, something came into the directory or went out of it. */
static int has_changed_since(const char *directory, int64_t ctime_ns) {
    struct stat info;
    return stat(directory, &info) == 0 &&
           (int64_t)info.st_ctim.tv_sec * 1000000000 + info.st_ctim.tv_nsec >= ctime_ns;
}

int glimpse_store_file_reachable(const char *path, int64_t ctime_ns) {
    char above[PATH_MAX];
    int depth = 0;
    if (access(path, F_OK) == 0) return 1;
    if (strlen(path) >= sizeof above) return 0;
    memcpy(above, path, strlen(path) + 1);
    do {
        if (!cut_name(above)) return 0;
        depth++;
    } while (access(above, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR));
    struct stat info;
    if (stat(above, &info) == 0 && !S_ISDIR(info.st_mode))
        return 1; /* no volume is mounted there */
    const int found = look_into(above);
    if (found < 0 || is_waiting_for_volume(above, path) || is_unmounted(above)) return 0;
    /* What is left when the last file was deleted is empty, and so is a bare mount point. */
    return found > 0 ||
           (depth == 1 && !is_among_volumes(above) && has_changed_since(above, ctime_ns));
}

/* What a root is, or what is there, or what a file known by that name was: 1 for a directory. */
static int is_directory(glimpse_store *store, const char *path, int *directory, int64_t *ctime_ns) {
    glimpse_root *roots = NULL;
    size_t count = 0;
    struct stat info;
    *ctime_ns = 0;
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
        if (status == GLIMPSE_OK) *ctime_ns = row.stamp.ctime_ns;
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
    int64_t ctime_ns = 0;
    *reachable = 0;
    int status = is_directory(store, path, &directory, &ctime_ns);
    if (status < 0) return status;
    if (!directory) {
        *reachable = glimpse_store_file_reachable(path, ctime_ns);
        return GLIMPSE_OK;
    }
    int found = look_into(path), known = 0;
    if (found == 0) status = store->ops->files.any_below(&known, store, path);
    *reachable = found > 0 || (found == 0 && !known);
    return status;
}
