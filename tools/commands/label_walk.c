/*
 * label_walk.c - see label_walk.h.
 */
#include "label_walk.h"

#include "tool.h"

#include <glimpse/sys/image.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_LEVELS = 256 };

static void add_path(picture_list *list, char *path) {
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 256;
        list->paths = xrealloc(list->paths, list->room * sizeof *list->paths);
    }
    list->paths[list->count++] = path;
}

static void add_problem(picture_list *list, const char *path, const char *reason) {
    size_t n = list->problem_count++;
    list->problem_paths = xrealloc(list->problem_paths, (n + 1) * sizeof *list->problem_paths);
    list->problems = xrealloc(list->problems, (n + 1) * sizeof *list->problems);
    list->problem_paths[n] = xstrdup(path);
    list->problems[n] = xprintf("%s: %s", path, reason);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void walk(picture_list *list, const char *folder, int level) {
    struct dirent **entries = NULL;
    if (level > MOST_LEVELS) {
        add_problem(list, folder, "folders nested too deeply");
        return;
    }
    int count = scandir(folder, &entries, is_visible, by_name);
    if (count < 0) {
        add_problem(list, folder, strerror(errno));
        return;
    }
    size_t length = strlen(folder);
    for (int i = 0; i < count; i++) {
        char *path = xprintf("%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/",
                             entries[i]->d_name);
        struct stat info;
        int linked = lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
        if (stat(path, &info) != 0) {
            free(path);
        } else if (S_ISDIR(info.st_mode)) {
            if (!linked) walk(list, path, level + 1);
            free(path);
        } else if (S_ISREG(info.st_mode) && glimpse_image_name_is_picture(entries[i]->d_name)) {
            add_path(list, path);
        } else {
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
}

void picture_list_add(picture_list *list, const char *path) {
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        walk(list, path, 0);
    } else {
        add_path(list, xstrdup(path)); /* one that does not exist fails in its turn */
    }
}

void picture_list_free(picture_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    for (size_t i = 0; i < list->problem_count; i++) {
        free(list->problem_paths[i]);
        free(list->problems[i]);
    }
    free(list->paths);
    free(list->problem_paths);
    free(list->problems);
    *list = (picture_list){0};
}
