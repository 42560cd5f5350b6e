/*
 * index/ingest/ingest_roots.c - the roots of a run: what they resolve to, whether they can be
 * reached, and what a finished walk says about the files that it did not meet.
 *
 * Unreachable is not deleted. A root that is gone, cannot be listed, or shows nothing although
 * files are known below it (a mount point without its volume) is offline: nothing below it is
 * touched. It is looked at again after the walk, since it may be unplugged meanwhile.
 *
 * A directory below a root known already is only a part of it that is looked at; it does not become
 * a root of its own, unless a walk of the other root would never come by (a hidden directory). Such
 * roots inside a root look after themselves: a walk around them says nothing about their files.
 */
#include "ingest_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "file_paths.h"
#include "roots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_root(const glimpse_root *roots, size_t count, const char *path) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(roots[i].path, path) == 0) return 1;
    }
    return 0;
}

static size_t present_rows(glimpse_file_table *table) {
    size_t present = 0;
    for (size_t i = 0; i < glimpse_file_table_count(table); i++) {
        if (!glimpse_file_table_get(table, i)->missing) present++;
    }
    return present;
}

/* Leaves out roots that another one of the same call covers. */
static int drop_covered(glimpse_ingest *ingest) {
    size_t kept = 0;
    glimpse_walk_root *given = calloc(ingest->root_count ? ingest->root_count : 1, sizeof *given);
    if (!given) return glimpse_fail_nomem(ingest->root_count * sizeof *given, "roots");
    for (size_t i = 0; i < ingest->root_count; i++) {
        const glimpse_ingest_root *root = &ingest->roots[i];
        given[i] = (glimpse_walk_root){root->path, root->is_directory, root->reachable, 0};
    }
    const int status = glimpse_roots_cover(given, ingest->root_count, &ingest->rules);
    for (size_t i = 0; i < ingest->root_count && status == GLIMPSE_OK; i++) {
        const glimpse_ingest_root root = ingest->roots[i];
        memset(&ingest->roots[i], 0, sizeof root);
        if (given[i].covered) {
            free(root.path);
            glimpse_file_table_free(root.table);
        } else {
            ingest->roots[kept++] = root;
        }
    }
    if (status == GLIMPSE_OK) ingest->root_count = kept;
    free(given);
    return status;
}

static int compare_named(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A walk leaves these to themselves, or they would be looked at twice. */
static int list_named(glimpse_ingest *ingest) {
    ingest->named = calloc(ingest->root_count ? ingest->root_count : 1, sizeof *ingest->named);
    if (!ingest->named) return glimpse_fail_nomem(ingest->root_count * sizeof(char *), "roots");
    for (size_t i = 0; i < ingest->root_count; i++) {
        const glimpse_ingest_root *root = &ingest->roots[i];
        if (!root->is_directory && root->reachable) {
            ingest->named[ingest->named_count++] = root->path;
        }
    }
    if (ingest->named_count > 1) {
        qsort(ingest->named, ingest->named_count, sizeof *ingest->named, compare_named);
    }
    return GLIMPSE_OK;
}

int glimpse_ingest_is_named(const glimpse_ingest *ingest, const char *path) {
    return ingest->named_count > 0 && bsearch(&path, ingest->named, ingest->named_count,
                                              sizeof *ingest->named, compare_named) != NULL;
}

static int why_unreadable(const char *path) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return errno;
    (void)close(fd);
    return EACCES; /* what is in a directory that can be listed cannot be looked at */
}

static int look_at(glimpse_ingest *ingest, glimpse_ingest_root *root, const char *given,
                   const glimpse_root *known, size_t known_count) {
    struct stat info;
    int status = glimpse_root_resolve(&root->path, given);
    if (status < 0) return status;
    const int exists = stat(root->path, &info) == 0;
    const int error = errno;
    root->is_directory = !exists || S_ISDIR(info.st_mode);
    for (size_t i = 0; i < known_count && !exists; i++) {
        if (strcmp(known[i].path, root->path) == 0) root->is_directory = known[i].is_directory;
    }
    status = ingest->store->ops->files.load(&root->table, ingest->store, root->path, ingest->model);
    if (status < 0) return status;
    root->registered = is_root(known, known_count, root->path);
    status = glimpse_store_root_reachable(&root->reachable, ingest->store, root->path);
    if (status < 0) return status;
    if (root->reachable || root->registered || glimpse_file_table_count(root->table) > 0) {
        return GLIMPSE_OK;
    }
    errno = exists ? why_unreadable(root->path) : error;
    return exists ? glimpse_fail_errno("%s: cannot be read", root->path)
                  : glimpse_fail_errno("%s: cannot be indexed", root->path);
}

/* Brings the catalogue's roots up to date: this one, and those that it lies in or that lie in it.
 */
static int register_root(glimpse_ingest *ingest, glimpse_ingest_root *root,
                         const glimpse_root *known, size_t known_count) {
    int inside_another = 0, status = GLIMPSE_OK;
    for (size_t i = 0; i < known_count && status == GLIMPSE_OK; i++) {
        const glimpse_root *other = &known[i];
        if (strcmp(other->path, root->path) == 0) continue;
        const int contains = glimpse_path_is_below(root->path, other->path);
        const int contained = glimpse_path_is_below(other->path, root->path);
        if (!contains && !contained) continue;
        if (contains && !glimpse_walk_passes_by(&ingest->rules, other->path, root->path)) {
            inside_another = 1;
        }
        int reachable = 0;
        status = glimpse_store_root_reachable(&reachable, ingest->store, other->path);
        if (status == GLIMPSE_OK) {
            status = ingest->store->ops->roots.write(ingest->store, other->path,
                                                     other->is_directory, !reachable);
        }
        if (status == GLIMPSE_OK && contained && !reachable) ingest->report->offline_roots++;
        if (status == GLIMPSE_OK && contained &&
            glimpse_walk_passes_by(&ingest->rules, root->path, other->path)) {
            glimpse_file_table_keep(root->table, other->path);
        }
    }
    if (status == GLIMPSE_OK && (root->registered || !inside_another)) {
        root->registered = 1;
        status = ingest->store->ops->roots.write(ingest->store, root->path, root->is_directory,
                                                 !root->reachable);
    }
    return status;
}

int glimpse_ingest_prepare_roots(glimpse_ingest *ingest) {
    const glimpse_ingest_options *options = ingest->options;
    glimpse_root *known = NULL;
    size_t known_count = 0;
    int status = ingest->store->ops->roots.list(&known, &known_count, ingest->store);
    if (status < 0) goto done;
    ingest->roots = calloc(options->root_count ? options->root_count : 1, sizeof *ingest->roots);
    if (!ingest->roots) {
        status = glimpse_fail_nomem(options->root_count * sizeof *ingest->roots, "roots");
        goto done;
    }
    ingest->root_count = options->root_count;
    for (size_t i = 0; i < ingest->root_count; i++) {
        status = look_at(ingest, &ingest->roots[i], options->roots[i], known, known_count);
        if (status < 0) goto done;
    }
    status = drop_covered(ingest);
    if (status == GLIMPSE_OK) status = list_named(ingest);
    for (size_t i = 0; i < ingest->root_count && status == GLIMPSE_OK; i++) {
        status = register_root(ingest, &ingest->roots[i], known, known_count);
        if (status < 0) goto done;
        if (!ingest->roots[i].reachable) ingest->report->offline_roots++;
    }
done:
    glimpse_roots_free(known, known_count);
    return status;
}

static int went_offline(glimpse_ingest *ingest, glimpse_ingest_root *root) {
    root->reachable = 0;
    ingest->report->offline_roots++;
    if (!root->registered) return GLIMPSE_OK;
    return ingest->store->ops->roots.write(ingest->store, root->path, root->is_directory, 1);
}

static int finish_root(glimpse_ingest *ingest, glimpse_ingest_root *root) {
    const glimpse_walk_summary *summary = &root->summary;
    int reachable = 0;
    int status = glimpse_store_root_reachable(&reachable, ingest->store, root->path);
    if (status < 0) return status;
    /* A single file that is gone from a directory that is there: gone. */
    const int gone_file = !root->is_directory && summary->root_status == GLIMPSE_E_NOT_FOUND;
    const int shows_nothing = summary->root_entries == 0 && present_rows(root->table) > 0;
    if (!reachable || (!gone_file && (summary->root_status < 0 || shows_nothing))) {
        return went_offline(ingest, root);
    }
    for (size_t i = 0; i < glimpse_file_table_count(root->table); i++) {
        glimpse_file_row *row = glimpse_file_table_get(root->table, i);
        struct stat info;
        if (row->seen || row->state != GLIMPSE_FILE_QUARANTINED || row->stamp.mtime_ns != 0 ||
            lstat(row->path, &info) != 0 || !S_ISDIR(info.st_mode)) {
            continue;
        }
        /* A directory that was listed because it could not be read, and can be now. */
        status = ingest->store->ops->files.forget(ingest->store, row->path);
        if (status < 0) return status;
        row->seen = GLIMPSE_SEEN_KEPT; /* there is nothing left to mark */
        row->missing = 0;
    }
    uint64_t missing = 0;
    status = glimpse_store_finish_scan(&missing, ingest->store, root->path, root->table);
    ingest->report->missing += missing;
    return status;
}

int glimpse_ingest_finish_roots(glimpse_ingest *ingest) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < ingest->root_count && status == GLIMPSE_OK; i++) {
        glimpse_ingest_root *root = &ingest->roots[i];
        if (root->reachable && root->complete) status = finish_root(ingest, root);
    }
    return status;
}

void glimpse_ingest_free_roots(glimpse_ingest *ingest) {
    for (size_t i = 0; i < ingest->root_count; i++) {
        free(ingest->roots[i].path);
        glimpse_file_table_free(ingest->roots[i].table);
    }
    free(ingest->roots);
    free(ingest->named);
    ingest->named = NULL;
    ingest->named_count = 0;
    ingest->roots = NULL;
    ingest->root_count = 0;
}
