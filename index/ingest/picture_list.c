/*
 * index/ingest/picture_list.c - collects the pictures below some directories before any of them is
 * read.
 */
#include "picture_list.h"

#include "core/error.h"
#include "image/format.h"
#include "roots.h"

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
    const char *given, *real; /* the root, and what it resolves to */
    int (*visited)(void *user, const char *path);
    void *user;
} gathering;

static size_t next_capacity(size_t capacity) {
    return capacity ? 2 * capacity : 64;
}

static int reserve(glimpse_picture_list *list) {
    if (list->count < list->capacity) return GLIMPSE_OK;
    const size_t capacity = next_capacity(list->capacity);
    char **paths = realloc(list->paths, capacity * sizeof *paths);
    if (paths) list->paths = paths;
    char **reals = paths ? realloc(list->reals, capacity * sizeof *reals) : NULL;
    if (!reals) return glimpse_fail_nomem(capacity * sizeof *reals, "a list of pictures");
    list->reals = reals;
    list->capacity = capacity;
    return GLIMPSE_OK;
}

/* `path` begins with the resolved root: the same with the root as it was given. malloc'ed. */
static char *as_given(const gathering *g, const char *path) {
    const char *rest = path + strlen(g->real);
    if (!*rest) return strdup(g->given);
    size_t length = strlen(g->given);
    if (length > 0 && g->given[length - 1] == '/') length--;
    if (*rest == '/') rest++; /* not behind the root "/" */
    const size_t bytes = length + strlen(rest) + 2;
    char *shown = malloc(bytes);
    if (shown) (void)snprintf(shown, bytes, "%.*s/%s", (int)length, g->given, rest);
    return shown;
}

static int add_path(const gathering *g, const char *path) {
    glimpse_picture_list *list = g->list;
    if (reserve(list) < 0) return GLIMPSE_E_NOMEM;
    char *shown = as_given(g, path), *real = strdup(path);
    if (!shown || !real) {
        free(shown);
        free(real);
        return glimpse_fail_nomem(strlen(path), "a list of pictures");
    }
    list->paths[list->count] = shown;
    list->reals[list->count++] = real;
    return GLIMPSE_OK;
}

static int add_problem(const gathering *g, const char *path, int status, const char *reason,
                       int is_directory) {
    glimpse_picture_list *list = g->list;
    if (list->problem_count == list->problem_capacity) {
        const size_t capacity = next_capacity(list->problem_capacity);
        glimpse_picture_problem *problems = realloc(list->problems, capacity * sizeof *problems);
        if (!problems) return glimpse_fail_nomem(capacity * sizeof *problems, "problems");
        list->problems = problems;
        list->problem_capacity = capacity;
    }
    char *shown = as_given(g, path), *real = strdup(path);
    const size_t length = shown ? strlen(shown) : 0, bytes = length + strlen(reason) + 3;
    char *text = shown && real ? malloc(bytes) : NULL;
    if (!text) {
        free(shown);
        free(real);
        return glimpse_fail_nomem(bytes, "a list of problems");
    }
    (void)snprintf(text, bytes, "%s: %s", shown, reason);
    list->problems[list->problem_count++] =
        (glimpse_picture_problem){.path = shown,
                                  .real = real,
                                  .text = text,
                                  .reason = text + length + 2,
                                  .status = status,
                                  .is_directory = is_directory,
                                  .is_root = strcmp(path, g->real) == 0};
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
    if (entry->mark) {
        g->list->marked++;
        return GLIMPSE_OK;
    }
    if (entry->status < 0) {
        return add_problem(g, entry->path, entry->status, entry->reason, entry->is_directory);
    }
    if (entry->must_sniff && !looks_like_picture(entry->path)) return GLIMPSE_OK;
    return add_path(g, entry->path);
}

static int by_path(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_problem_path(const void *a, const void *b) {
    return strcmp(((const glimpse_picture_problem *)a)->path,
                  ((const glimpse_picture_problem *)b)->path);
}

/* One root; a file, or what is not there, is taken as it is. */
static int add_root(gathering *g, const glimpse_walk_rules *rules, const glimpse_walk_root *root,
                    int is_file) {
    glimpse_picture_list *list = g->list;
    const size_t first = list->count, first_problem = list->problem_count;
    glimpse_walk_summary summary;
    if (is_file) return add_path(g, root->path);
    int status = glimpse_walk(root->path, rules, visit, g, &summary);
    if (status == GLIMPSE_OK && summary.root_status < 0) {
        status = add_problem(g, root->path, summary.root_status, summary.root_reason, 1);
    }
    /* All begin with the same root, so both arrays come into the same order. */
    const size_t added = list->count - first, problems = list->problem_count - first_problem;
    if (added > 1) {
        qsort(list->paths + first, added, sizeof *list->paths, by_path);
        qsort(list->reals + first, added, sizeof *list->reals, by_path);
    }
    if (problems > 1) {
        qsort(list->problems + first_problem, problems, sizeof *list->problems, by_problem_path);
    }
    return status;
}

/* Pointers into `reals`: by path, then in the order of the list. */
static int by_real(const void *a, const void *b) {
    char *const *x = *(char **const *)a, *const *y = *(char **const *)b;
    const int order = strcmp(*x, *y);
    return order ? order : (x > y) - (x < y);
}

/* What two roots led to is kept where it was met first. */
static int drop_twice(glimpse_picture_list *list) {
    size_t kept = 0;
    if (list->count < 2) return GLIMPSE_OK;
    char ***sorted = malloc(list->count * sizeof *sorted);
    char *twice = calloc(list->count, 1);
    if (!sorted || !twice) {
        free(sorted);
        free(twice);
        return glimpse_fail_nomem(list->count * sizeof *sorted, "a list of pictures");
    }
    for (size_t i = 0; i < list->count; i++)
        sorted[i] = &list->reals[i];
    qsort(sorted, list->count, sizeof *sorted, by_real);
    for (size_t i = 1; i < list->count; i++)
        twice[sorted[i] - list->reals] = strcmp(*sorted[i - 1], *sorted[i]) == 0;
    for (size_t i = 0; i < list->count; i++) {
        if (twice[i]) {
            free(list->paths[i]);
            free(list->reals[i]);
            continue;
        }
        list->paths[kept] = list->paths[i];
        list->reals[kept++] = list->reals[i];
    }
    list->count = kept;
    free(sorted);
    free(twice);
    return GLIMPSE_OK;
}

int glimpse_picture_list_add(glimpse_picture_list *list, const char *const *roots, size_t count,
                             const glimpse_walk_rules *rules,
                             int (*visited)(void *user, const char *path), void *user) {
    static const glimpse_walk_rules no_rules;
    const glimpse_walk_rules *r = rules ? rules : &no_rules;
    glimpse_walk_root *resolved = calloc(count ? count : 1, sizeof *resolved);
    char *is_file = calloc(count ? count : 1, 1);
    const size_t had = list->count;
    int status = resolved && is_file
                     ? GLIMPSE_OK
                     : glimpse_fail_nomem(count * sizeof *resolved, "a list of pictures");
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        struct stat info;
        char *path = NULL;
        const int exists = stat(roots[i], &info) == 0;
        status = glimpse_root_resolve(&path, roots[i]);
        resolved[i] = (glimpse_walk_root){
            .path = path, .is_directory = exists && S_ISDIR(info.st_mode), .reachable = exists};
        is_file[i] = !exists || S_ISREG(info.st_mode);
    }
    if (status == GLIMPSE_OK) status = glimpse_roots_cover(resolved, count, r);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        gathering g = {list, roots[i], resolved[i].path, visited, user};
        if (!resolved[i].covered) status = add_root(&g, r, &resolved[i], is_file[i]);
    }
    if (count > 1 || had > 0) {
        const int dropped = drop_twice(list);
        if (status == GLIMPSE_OK) status = dropped;
    }
    for (size_t i = 0; resolved && i < count; i++)
        free((char *)resolved[i].path);
    free(resolved);
    free(is_file);
    return status;
}

void glimpse_picture_list_free(glimpse_picture_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->paths[i]);
        free(list->reals[i]);
    }
    for (size_t i = 0; i < list->problem_count; i++) {
        free(list->problems[i].path);
        free(list->problems[i].real);
        free(list->problems[i].text);
    }
    free(list->paths);
    free(list->reals);
    free(list->problems);
    *list = (glimpse_picture_list){0};
}
