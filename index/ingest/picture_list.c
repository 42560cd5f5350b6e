/*
 * index/ingest/picture_list.c - see picture_list.h.
 */
#include "picture_list.h"

#include "core/error.h"
#include "image/format.h"

#include <glimpse/sys/image.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES = GLIMPSE_SNIFF_BYTES };

typedef struct gathering {
    glimpse_picture_list *list;
    int (*visited)(void *user, const char *path);
    void *user;
} gathering;

/* `items` [count] of `size` bytes with place for one more; NULL when there is no memory. */
static void *grown(void *items, size_t *capacity, size_t count, size_t size) {
    if (count < *capacity) return items;
    size_t wanted = *capacity ? 2 * *capacity : 64;
    void *larger = realloc(items, wanted * size);
    if (larger) *capacity = wanted;
    return larger;
}

static int add_path(glimpse_picture_list *list, const char *path) {
    char **paths = grown(list->paths, &list->capacity, list->count, sizeof *paths);
    if (paths) list->paths = paths;
    char *copy = strdup(path);
    if (!paths || !copy) {
        free(copy);
        return glimpse_fail_nomem(strlen(path), "a list of pictures");
    }
    list->paths[list->count++] = copy;
    return GLIMPSE_OK;
}

static int add_problem(glimpse_picture_list *list, const char *path, int status, const char *reason,
                       int is_directory) {
    glimpse_picture_problem *problems =
        grown(list->problems, &list->problem_capacity, list->problem_count, sizeof *problems);
    if (problems) list->problems = problems;
    size_t length = strlen(path), bytes = length + strlen(reason) + 3;
    char *copy = strdup(path), *text = malloc(bytes);
    if (!problems || !copy || !text) {
        free(copy);
        free(text);
        return glimpse_fail_nomem(bytes, "a list of problems");
    }
    (void)snprintf(text, bytes, "%s: %s", path, reason);
    list->problems[list->problem_count++] =
        (glimpse_picture_problem){copy, text, text + length + 2, status, is_directory};
    return GLIMPSE_OK;
}

/* 0 also for what cannot be read: nothing says then that it is a picture. */
static int looks_like_picture(const char *path) {
    uint8_t head[HEAD_BYTES];
    size_t used = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return 0;
    while (used < sizeof head) {
        const ssize_t got = read(fd, head + used, sizeof head - used);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        used += (size_t)got;
    }
    (void)close(fd);
    return glimpse_walk_is_picture(head, used);
}

static int visit(void *user, const glimpse_walk_entry *entry) {
    const gathering *g = user;
    if (g->visited && g->visited(g->user, entry->path) != 0) {
        return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped while looking for pictures");
    }
    if (entry->status < 0) {
        return add_problem(g->list, entry->path, entry->status, entry->reason, entry->is_directory);
    }
    if (entry->must_sniff && !looks_like_picture(entry->path)) return GLIMPSE_OK;
    return add_path(g->list, entry->path);
}

static int by_path(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_problem_path(const void *a, const void *b) {
    return strcmp(((const glimpse_picture_problem *)a)->path,
                  ((const glimpse_picture_problem *)b)->path);
}

int glimpse_picture_list_add(glimpse_picture_list *list, const char *path,
                             const glimpse_walk_rules *rules,
                             int (*visited)(void *user, const char *path), void *user) {
    const size_t first = list->count, first_problem = list->problem_count;
    gathering g = {list, visited, user};
    glimpse_walk_summary summary;
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return add_path(list, path);
    int status = glimpse_walk(path, rules, visit, &g, &summary);
    if (status == GLIMPSE_OK && summary.root_status < 0) {
        status = add_problem(list, path, summary.root_status, summary.root_reason, 1);
    }
    const size_t added = list->count - first, problems = list->problem_count - first_problem;
    if (added > 1) qsort(list->paths + first, added, sizeof *list->paths, by_path);
    if (problems > 1) {
        qsort(list->problems + first_problem, problems, sizeof *list->problems, by_problem_path);
    }
    return status;
}

void glimpse_picture_list_free(glimpse_picture_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    for (size_t i = 0; i < list->problem_count; i++) {
        free(list->problems[i].path);
        free(list->problems[i].text);
    }
    free(list->paths);
    free(list->problems);
    *list = (glimpse_picture_list){0};
}
