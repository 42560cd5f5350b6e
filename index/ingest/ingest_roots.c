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

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* realpath() of the longest part that exists, and the rest as it is. malloc'ed. */
static int resolve(char **out, const char *path) {
    char *absolute = NULL;
    *out = glimpse_path_real(path);
    if (*out) return GLIMPSE_OK;
    int status = glimpse_path_absolute(&absolute, path);
    if (status < 0) return status;
    for (size_t end = strlen(absolute); end > 1;) {
        while (end > 1 && absolute[end - 1] != '/')
            end--;
        if (end <= 1) break;
        absolute[end - 1] = '\0';
        char *real = glimpse_path_real(absolute);
        absolute[end - 1] = '/';
        if (real) {
            *out = glimpse_path_join(real, absolute + end);
            free(real);
            free(absolute);
            return *out ? GLIMPSE_OK : glimpse_fail_nomem(end, "a path");
        }
        end--;
    }
    *out = absolute;
    return GLIMPSE_OK;
}

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

/* 1 when a walk of `outer` comes by `path`. */
static int is_covered(const glimpse_ingest *ingest, const glimpse_ingest_root *outer,
                      const glimpse_ingest_root *inner) {
    if (strcmp(inner->path, outer->path) == 0) return 1;
    if (!outer->is_directory || !outer->reachable || !inner->reachable) return 0;
    if (!glimpse_path_is_below(inner->path, outer->path)) return 0;
    if (!inner->is_directory)
        return 0; /* looked at twice at worst; named files are always wanted */
    return !glimpse_walk_passes_by(&ingest->rules, outer->path, inner->path);
}

/* Leaves out roots that another one of the same call covers. */
static void drop_covered(glimpse_ingest *ingest) {
    size_t kept = 0;
    for (size_t i = 0; i < ingest->root_count; i++) {
        glimpse_ingest_root *root = &ingest->roots[i];
        int covered = 0;
        for (size_t j = 0; j < ingest->root_count && !covered; j++) {
            const glimpse_ingest_root *other = &ingest->roots[j];
            if (j == i || !other->path) continue;
            if (strcmp(other->path, root->path) == 0)
                covered = j < i;
            else
                covered = is_covered(ingest, other, root);
        }
        if (!covered) continue;
        free(root->path);
        glimpse_file_table_free(root->table);
        memset(root, 0, sizeof *root);
    }
    for (size_t i = 0; i < ingest->root_count; i++) {
        if (!ingest->roots[i].path) continue;
        const glimpse_ingest_root root = ingest->roots[i];
        memset(&ingest->roots[i], 0, sizeof root);
        ingest->roots[kept++] = root;
    }
    ingest->root_count = kept;
}

static int look_at(glimpse_ingest *ingest, glimpse_ingest_root *root, const char *given,
                   const glimpse_root *known, size_t known_count) {
    struct stat info;
    int status = resolve(&root->path, given);
    if (status < 0) return status;
    const int exists = stat(root->path, &info) == 0;
    const int error = errno;
    root->is_directory = !exists || S_ISDIR(info.st_mode);
    for (size_t i = 0; i < known_count && !exists; i++) {
        if (strcmp(known[i].path, root->path) == 0) root->is_directory = known[i].is_folder;
    }
    status = ingest->store->ops->files.load(&root->table, ingest->store, root->path, ingest->model);
    if (status < 0) return status;
    root->registered = is_root(known, known_count, root->path);
    status = glimpse_store_root_reachable(&root->reachable, ingest->store, root->path);
    if (status < 0) return status;
    if (root->reachable || root->registered || glimpse_file_table_count(root->table) > 0) {
        return GLIMPSE_OK;
    }
    errno = exists ? EACCES : error;
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
            status = ingest->store->ops->roots.put(ingest->store, other->path, other->is_folder,
                                                   !reachable);
        }
        if (status == GLIMPSE_OK && contained && !reachable) ingest->report->offline_roots++;
        if (status == GLIMPSE_OK && contained &&
            glimpse_walk_passes_by(&ingest->rules, root->path, other->path)) {
            glimpse_file_table_keep(root->table, other->path);
        }
    }
    if (status == GLIMPSE_OK && (root->registered || !inside_another)) {
        root->registered = 1;
        status = ingest->store->ops->roots.put(ingest->store, root->path, root->is_directory,
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
    drop_covered(ingest);
    for (size_t i = 0; i < ingest->root_count; i++) {
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
    return ingest->store->ops->roots.put(ingest->store, root->path, root->is_directory, 1);
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
    ingest->roots = NULL;
    ingest->root_count = 0;
}
