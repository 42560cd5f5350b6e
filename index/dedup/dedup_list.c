/*
 * index/dedup/dedup_list.c - which files a duplicate search looks at: those of the roots and of the
 * second set, or those that a library knows.
 *
 * Roots are resolved (realpath), so that a path reached in two ways is met once; a path under both
 * sets belongs to the second. dedup_links.c finds the names that are one file all the same.
 */
#include "dedup_private.h"

#include "core/error.h"
#include "core/file.h"
#include "file_paths.h"
#include "library_private.h"
#include "picture_list.h"
#include "search_private.h"

#include <stdlib.h>
#include <string.h>

/* Takes over `path`. */
static int add_item(glimpse_dedup *dedup, char *path, int set, int status, const char *reason) {
    if (!path) return glimpse_fail_nomem(256, "a path");
    if (dedup->count == dedup->capacity) {
        size_t capacity = dedup->capacity ? dedup->capacity * 2 : 256;
        glimpse_dedup_item *items = realloc(dedup->items, capacity * sizeof *items);
        if (!items) {
            free(path);
            return glimpse_fail_nomem(capacity * sizeof *items, "the list of pictures");
        }
        dedup->items = items;
        dedup->capacity = capacity;
    }
    glimpse_dedup_item *item = &dedup->items[dedup->count++];
    memset(item, 0, sizeof *item);
    item->picture.path = path;
    item->picture.set = set;
    item->status = status;
    if (status < 0) item->reason = strdup(reason ? reason : "cannot be read");
    return status < 0 && !item->reason ? glimpse_fail_nomem(64, "a reason") : GLIMPSE_OK;
}

/* A file was met; `count` tells how many so far. */
typedef struct walk_state {
    glimpse_dedup *dedup;
    size_t count;
} walk_state;

static int visited(void *user, const char *path) {
    walk_state *state = user;
    if (++state->count % 256 != 0) return 0;
    return glimpse_dedup_progress(state->dedup, "reading pictures", 0, state->count, 0, path) < 0;
}

/* Keeps a resolved root for labels. */
static int remember_root(glimpse_dedup *dedup, char *root) {
    char **roots = root ? realloc(dedup->roots, (dedup->root_count + 1) * sizeof *roots) : NULL;
    if (!roots) {
        free(root);
        return glimpse_fail_nomem(sizeof *roots, "a root");
    }
    dedup->roots = roots;
    dedup->roots[dedup->root_count++] = root;
    return GLIMPSE_OK;
}

static int walk_roots(glimpse_dedup *dedup, const char *const *roots, size_t count, int set) {
    const glimpse_dedup_options *options = dedup->options;
    const glimpse_walk_rules rules = {.follow_links = options->follow_links,
                                      .exclude = options->exclude,
                                      .exclude_count = options->exclude_count,
                                      .include_nomedia = options->include_nomedia};
    glimpse_picture_list list = {0};
    walk_state state = {dedup, dedup->count};
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        char *real = glimpse_path_real(roots[i]);
        status = real ? remember_root(dedup, real)
                      : glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: no such file or folder", roots[i]);
    }
    if (status < 0) return status;
    status = glimpse_picture_list_add(&list, roots, count, &rules, visited, &state);
    for (size_t i = 0; i < list.count && status == GLIMPSE_OK; i++) {
        status = add_item(dedup, list.reals[i], set, GLIMPSE_OK, NULL);
        list.reals[i] = NULL; /* taken over */
    }
    for (size_t i = 0; i < list.problem_count && status == GLIMPSE_OK; i++) {
        const glimpse_picture_problem *p = &list.problems[i];
        if (p->is_root && p->is_directory) {
            status = glimpse_fail(p->status, "%s", p->text);
        } else {
            status = add_item(dedup, strdup(p->real), set, p->status, p->reason);
        }
    }
    dedup->nomedia += list.marked;
    glimpse_picture_list_free(&list);
    return status;
}

/* What lies in directories of reference and in no root, marked as such. */
static int walk_protected(glimpse_dedup *dedup) {
    const glimpse_dedup_options *options = dedup->options;
    const size_t before = dedup->count;
    int status = walk_roots(dedup, options->protect, options->protect_count, 0);
    for (size_t i = before; i < dedup->count; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        item->reference = 1;
        for (size_t k = 0; k < dedup->set_roots[0] && item->reference; k++)
            item->reference = !glimpse_path_is_below(item->picture.path, dedup->roots[k]);
    }
    return status;
}

/* Files of a library that pass. */
typedef struct passing {
    int64_t *ids; /* [count], sorted */
    size_t count, capacity;
} passing;

static int add_passing(void *user, int64_t file, int64_t picture) {
    passing *p = user;
    (void)picture;
    if (p->count == p->capacity) {
        const size_t capacity = p->capacity ? 2 * p->capacity : 1024;
        int64_t *grown = realloc(p->ids, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "files");
        p->ids = grown;
        p->capacity = capacity;
    }
    p->ids[p->count++] = file;
    return GLIMPSE_OK;
}

static int compare_ids(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int find_passing(passing *out, glimpse_store *store, const glimpse_search_options *filter) {
    glimpse_filter *opened = NULL;
    int status = glimpse_search_open_filter(&opened, store, filter);
    if (status == GLIMPSE_OK) {
        status = store->ops->filters.list(store, opened, GLIMPSE_SORT_PATH, 0, add_passing, out);
    }
    store->ops->filters.close(opened);
    if (out->count > 0) qsort(out->ids, out->count, sizeof *out->ids, compare_ids);
    return status;
}

static int passes(const passing *p, int64_t id) {
    return p->count > 0 && bsearch(&id, p->ids, p->count, sizeof id, compare_ids) != NULL;
}

static int list_library(glimpse_dedup *dedup, glimpse_library *library, int set) {
    const glimpse_search_options *filter = set == 0 ? dedup->options->filter : NULL;
    passing kept = {0};
    glimpse_store *store = glimpse_library_store(library);
    glimpse_file_table *table = NULL;
    glimpse_availability availability = {0};
    int status = glimpse_availability_init(&availability, store);
    for (size_t i = 0; status == GLIMPSE_OK && i < availability.count; i++)
        status = remember_root(dedup, strdup(availability.roots[i].path));
    if (status == GLIMPSE_OK && filter) status = find_passing(&kept, store, filter);
    if (status == GLIMPSE_OK) status = store->ops->files.load(&table, store, "/", 0);
    size_t count = status == GLIMPSE_OK ? glimpse_file_table_count(table) : 0;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        const glimpse_file_row *row = glimpse_file_table_get(table, i);
        if (row->missing || row->state != GLIMPSE_FILE_OK) continue;
        if (filter && !passes(&kept, row->id)) continue;
        if (glimpse_availability_is_offline(&availability, row->path)) continue;
        status = add_item(dedup, strdup(row->path), set, GLIMPSE_OK, NULL);
    }
    free(kept.ids);
    glimpse_file_table_free(table);
    glimpse_availability_free(&availability);
    return status;
}

/* By path; the second set before the first, so that it wins, and a root before a directory of
 * reference. */
static int compare_paths(const void *a, const void *b) {
    const glimpse_dedup_item *x = a, *y = b;
    int order = strcmp(x->picture.path, y->picture.path);
    if (order) return order;
    if (x->picture.set != y->picture.set) return y->picture.set - x->picture.set;
    return x->reference - y->reference;
}

static int compare_items(const void *a, const void *b) {
    const glimpse_dedup_item *x = a, *y = b;
    if (x->picture.set != y->picture.set) return x->picture.set - y->picture.set;
    return strcmp(x->picture.path, y->picture.path);
}

static void drop_twice(glimpse_dedup *dedup) {
    size_t kept = 0;
    qsort(dedup->items, dedup->count, sizeof *dedup->items, compare_paths);
    for (size_t i = 0; i < dedup->count; i++) {
        if (kept > 0 &&
            strcmp(dedup->items[kept - 1].picture.path, dedup->items[i].picture.path) == 0) {
            free((char *)dedup->items[i].picture.path);
            free(dedup->items[i].reason);
            continue;
        }
        dedup->items[kept++] = dedup->items[i];
    }
    dedup->count = kept;
    qsort(dedup->items, dedup->count, sizeof *dedup->items, compare_items);
}

int glimpse_dedup_list(glimpse_dedup *dedup) {
    const glimpse_dedup_options *options = dedup->options;
    if (options->filter && options->root_count > 0) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "a filter is about the files of a library, not about folders");
    }
    int status = walk_roots(dedup, options->roots, options->root_count, 0);
    if (status == GLIMPSE_OK && options->root_count == 0) {
        status = list_library(dedup, options->library, 0);
    }
    dedup->set_roots[0] = dedup->root_count;
    if (status == GLIMPSE_OK) {
        status = walk_roots(dedup, options->against, options->against_count, 1);
    }
    if (status == GLIMPSE_OK && options->against_library) {
        status = list_library(dedup, options->against_library, 1);
    }
    dedup->set_roots[1] = dedup->root_count - dedup->set_roots[0];
    if (status == GLIMPSE_OK) {
        const char *const *roots = (const char *const *)dedup->roots;
        status = glimpse_dedup_check_sets(roots, dedup->set_roots[0],
                                          roots ? roots + dedup->set_roots[0] : NULL,
                                          dedup->set_roots[1]);
    }
    if (status == GLIMPSE_OK && dedup->set_roots[1] == 0) status = walk_protected(dedup);
    if (status < 0) return status;
    if (dedup->count > UINT32_MAX / 32) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%zu pictures are more than can be compared",
                            dedup->count);
    }
    if (dedup->count == 0) return GLIMPSE_OK;
    drop_twice(dedup);
    status = glimpse_dedup_mark_protected(dedup);
    return status < 0 ? status : glimpse_dedup_join_names(dedup);
}
