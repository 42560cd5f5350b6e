/*
 * picture_list.c - see picture_list.h.
 */
#include "picture_list.h"

#include "dataset_text.h"

#include <glimpse/sys/image.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_LEVELS = 256 };

/* Takes `path` over; NULL is out of memory. */
static int add_path(glimpse_picture_list *list, char *path) {
    char **paths =
        path ? glimpse_grown(list->paths, &list->capacity, list->count, sizeof *paths) : NULL;
    if (!paths) {
        free(path);
        return GLIMPSE_E_NOMEM;
    }
    list->paths = paths;
    list->paths[list->count++] = path;
    return GLIMPSE_OK;
}

static int add_problem(glimpse_picture_list *list, const char *path, const char *reason) {
    size_t n = list->problem_count;
    char **paths =
        glimpse_grown(list->problem_paths, &list->problem_capacity, n, sizeof *list->problem_paths);
    if (paths) list->problem_paths = paths;
    char **texts = glimpse_grown(list->problems, &list->text_capacity, n, sizeof *list->problems);
    if (texts) list->problems = texts;
    char *kept = glimpse_copied(path), *text = glimpse_formatted("%s: %s", path, reason);
    if (!paths || !texts || !kept || !text) {
        free(kept);
        free(text);
        return GLIMPSE_E_NOMEM;
    }
    list->problem_paths[n] = kept;
    list->problems[n] = text;
    list->problem_count++;
    return GLIMPSE_OK;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int walk(glimpse_picture_list *list, const char *directory, int level);

static int look_at(glimpse_picture_list *list, const char *directory, const char *name, int level) {
    size_t length = strlen(directory);
    char *path = glimpse_formatted("%s%s%s", directory,
                                   length > 0 && directory[length - 1] == '/' ? "" : "/", name);
    struct stat info;
    int status = GLIMPSE_OK;
    if (!path) return GLIMPSE_E_NOMEM;
    int linked = lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
    if (stat(path, &info) != 0) {
        /* gone, or a link to nothing */
    } else if (S_ISDIR(info.st_mode)) {
        if (!linked) status = walk(list, path, level + 1);
    } else if (S_ISREG(info.st_mode) && glimpse_image_name_is_picture(name)) {
        return add_path(list, path);
    }
    free(path);
    return status;
}

static int walk(glimpse_picture_list *list, const char *directory, int level) {
    struct dirent **entries = NULL;
    if (level > MAX_LEVELS) return add_problem(list, directory, "folders nested too deeply");
    int count = scandir(directory, &entries, is_visible, by_name), status = GLIMPSE_OK;
    if (count < 0) return add_problem(list, directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (status == GLIMPSE_OK) status = look_at(list, directory, entries[i]->d_name, level);
        free(entries[i]);
    }
    free(entries);
    return status;
}

int glimpse_picture_list_add(glimpse_picture_list *list, const char *path) {
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return walk(list, path, 0);
    return add_path(list, glimpse_copied(path)); /* one that does not exist fails in its turn */
}

void glimpse_picture_list_free(glimpse_picture_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    for (size_t i = 0; i < list->problem_count; i++) {
        free(list->problem_paths[i]);
        free(list->problems[i]);
    }
    free(list->paths);
    free(list->problem_paths);
    free(list->problems);
    *list = (glimpse_picture_list){0};
}
