/*
 * within.c - why a place to search in holds no file: a slip, files that went, or nothing indexed.
 */
#include "core/error.h"
#include "core/spelling.h"
#include "library_private.h"
#include "store.h"

#include <glimpse/library.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NAMED = 3, MAX_SIBLINGS = 10000, COUNTED = 1000 };

typedef struct sibling {
    char path[PATH_MAX];
    size_t files, distance;
} sibling;

/* What lies beside the place. */
typedef struct neighbours {
    const char *place, *name; /* name: its last component */
    size_t seen;
    sibling beginning[MAX_NAMED]; /* the first of those whose names begin so */
    size_t beginning_count;       /* of all of them */
    sibling like;                 /* the one whose name is most like it; distance SIZE_MAX: none */
} neighbours;

static void keep(sibling *to, const char *path, size_t files, size_t distance) {
    (void)snprintf(to->path, sizeof to->path, "%s", path);
    to->files = files;
    to->distance = distance;
}

static int look_at_sibling(void *user, const char *path, size_t files) {
    neighbours *n = user;
    size_t distance;
    const char *name = strrchr(path, '/') + 1; /* paths are absolute */
    if (strncmp(path, n->place, strlen(n->place)) == 0) {
        if (n->beginning_count < MAX_NAMED) keep(&n->beginning[n->beginning_count], path, files, 0);
        n->beginning_count++;
    } else if (glimpse_spelling_is_near(&distance, n->name, name) && distance < n->like.distance) {
        keep(&n->like, path, files, distance);
    }
    return ++n->seen >= MAX_SIBLINGS;
}

static int find_neighbours(neighbours *n, glimpse_store *store, const char *place) {
    char *directory = strdup(place);
    if (!directory) return glimpse_fail_nomem(strlen(place), "a path");
    char *slash = strrchr(directory, '/');
    n->place = place;
    n->name = place + (slash - directory) + 1;
    n->like.distance = SIZE_MAX;
    slash[slash == directory] = '\0';
    int status =
        *n->name ? store->ops->filters.children(store, directory, look_at_sibling, n) : GLIMPSE_OK;
    free(directory);
    return status;
}

typedef struct sentence {
    char *text;
    size_t used, size;
} sentence;

static void add(sentence *s, const char *format, ...) GLIMPSE_PRINTF(2, 3);
static void add(sentence *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(s->text + s->used, s->size - s->used, format, args);
    va_end(args);
    if (length > 0) s->used += (size_t)length < s->size - s->used ? (size_t)length : 0;
}

static void add_sibling(sentence *s, const sibling *of) {
    add(s, "%s has %zu%s", of->path, of->files < COUNTED ? of->files : COUNTED,
        of->files < COUNTED ? "" : " or more");
}

static int is_indexed(int *indexed, glimpse_store *store, const char *place) {
    glimpse_root *roots = NULL;
    size_t count = 0;
    int status = store->ops->roots.list(&roots, &count, store);
    *indexed = status == GLIMPSE_OK && glimpse_root_of(roots, count, place) != NULL;
    glimpse_roots_free(roots, count);
    return status;
}

/* What is to be said of a place without a file; `known`: files that were there once. */
static int explain(char **out, glimpse_store *store, const char *place, size_t known) {
    neighbours *n = calloc(1, sizeof *n);
    sentence s = {.size = (MAX_NAMED + 2) * PATH_MAX};
    int indexed = 0;
    s.text = malloc(s.size);
    if (!n || !s.text) {
        free(n);
        free(s.text);
        return glimpse_fail_nomem(s.size, "a sentence");
    }
    int status = find_neighbours(n, store, place);
    if (status == GLIMPSE_OK) status = is_indexed(&indexed, store, place);
    add(&s, "no file of the library lies below %s", place);
    if (known > 0) {
        add(&s, ": %zu that it knew there went, or are left out now", known);
    } else if (n->beginning_count > 0) {
        for (size_t i = 0; i < n->beginning_count && i < MAX_NAMED; i++) {
            add(&s, "%s", i == 0 ? "; " : ", ");
            add_sibling(&s, &n->beginning[i]);
        }
        if (n->beginning_count > MAX_NAMED) add(&s, ", ...");
    } else if (n->like.distance != SIZE_MAX) {
        add(&s, "; did you mean %s?", n->like.path);
    } else if (access(place, F_OK) != 0) {
        add(&s, "; there is no such folder");
    } else if (!indexed) {
        add(&s, "; it was not indexed (%s)", glimpse_wording("glimpse_library_ingest", place));
    }
    free(n);
    if (status != GLIMPSE_OK) {
        free(s.text);
        return status;
    }
    *out = s.text;
    return GLIMPSE_OK;
}

int glimpse_library_check_within(char **problem, glimpse_library *library, const char *place) {
    if (problem) *problem = NULL;
    if (!problem || !library || !place) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    glimpse_filter *filter = NULL;
    char *absolute = NULL;
    size_t known = 0;
    int status = store->ops->begin_read(store);
    if (status < 0) return status;
    status = store->ops->filters.open(&filter, store, &place, 1, NULL, NULL);
    if (status == GLIMPSE_OK && !store->ops->filters.holds_file(filter, 0)) {
        status = glimpse_path_absolute(&absolute, place);
        if (status == GLIMPSE_OK) {
            status = store->ops->filters.count_files(&known, store, filter, COUNTED);
        }
        if (status == GLIMPSE_OK) status = explain(problem, store, absolute, known);
    }
    store->ops->end_read(store);
    store->ops->filters.close(filter);
    free(absolute);
    return status;
}
