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
 *
 * Left out is not gone. A file that is where it was, and that the walk did not meet because of its
 * rules, keeps what is known of it.
 *
 * Options of the walk, and whether there are tiles, are remembered with the root. A root that
 * remembers some is walked with them whoever is walked around it, so that what a run shows does not
 * depend on where it began: walks around it leave it out, and it is added to their run. A file
 * given by itself becomes no root.
 */
#include "ingest_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "file_paths.h"
#include "roots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

/* Those of them that are left out would be there, too. */
static size_t present_rows(glimpse_file_table *table) {
    size_t present = 0;
    for (size_t i = 0; i < glimpse_file_table_count(table); i++) {
        if (glimpse_file_table_get(table, i)->missing != GLIMPSE_FILE_MISSING) present++;
    }
    return present;
}

/* Of the set; tiles are remembered by themselves. */
static int has_set(const glimpse_root_options *options) {
    return options->follow_links || options->include_nomedia || options->exclude_count > 0;
}

static int same_set(const glimpse_root_options *a, const glimpse_root_options *b) {
    if (a->follow_links != b->follow_links || a->include_nomedia != b->include_nomedia ||
        a->exclude_count != b->exclude_count) {
        return 0;
    }
    for (size_t i = 0; i < a->exclude_count; i++) {
        if (strcmp(a->exclude[i], b->exclude[i]) != 0) return 0;
    }
    return 1;
}

static glimpse_walk_rules remembered_rules(const glimpse_root_options *options) {
    return (glimpse_walk_rules){.follow_links = options->follow_links,
                                .exclude = options->exclude,
                                .exclude_count = options->exclude_count,
                                .include_nomedia = options->include_nomedia};
}

/* What a root that is given in this run remembers from now on; `before`: what it, or the one that
 * it is walked as, remembered (NULL: nothing). */
static glimpse_root_options given_options(const glimpse_ingest *ingest,
                                          const glimpse_root_options *before) {
    glimpse_root_options options = {0};
    if (before) options = *before;
    if (ingest->has_set) {
        options = (glimpse_root_options){ingest->given.follow_links != 0,
                                         ingest->given.include_nomedia != 0, ingest->given.exclude,
                                         ingest->given.exclude_count, options.tiles};
    }
    if (ingest->options->tiles) {
        options.tiles = ingest->options->tiles > 0;
    } else if (ingest->options->forget_options) {
        options.tiles = 0;
    }
    return options;
}

/* The run says something that its roots are to remember. */
static int are_options_given(const glimpse_ingest *ingest) {
    return ingest->has_set || ingest->options->tiles != 0;
}

static const glimpse_ingest_root *find_in_run(const glimpse_ingest *ingest, const char *path) {
    for (size_t i = 0; i < ingest->root_count; i++) {
        if (strcmp(ingest->roots[i].path, path) == 0) return &ingest->roots[i];
    }
    return NULL;
}

/* What a root is walked with: the set that was given, else what it, or the innermost root around
 * it, remembers. */
static void choose_rules(glimpse_ingest *ingest, glimpse_ingest_root *root) {
    const glimpse_root *owner =
        glimpse_root_of(ingest->known_roots, ingest->known_root_count, root->path);
    if (ingest->has_set && !root->added) {
        root->rules = ingest->given;
    } else if (owner) {
        root->rules = remembered_rules(&owner->options);
        if (strcmp(owner->path, root->path) != 0) root->rules.base = owner->path;
    }
    const glimpse_root_options before = owner ? owner->options : (glimpse_root_options){0};
    root->tiles = root->added ? before.tiles : given_options(ingest, &before).tiles;
    const glimpse_root_options options = {root->rules.follow_links, root->rules.include_nomedia,
                                          root->rules.exclude, root->rules.exclude_count,
                                          root->tiles};
    root->apart = root->is_directory && root->registered && glimpse_root_options_any(&options);
}

/* Leaves out roots that another one of the same call covers. */
static int drop_covered(glimpse_ingest *ingest) {
    size_t kept = 0;
    glimpse_walk_root *given = calloc(ingest->root_count ? ingest->root_count : 1, sizeof *given);
    if (!given) return glimpse_fail_nomem(ingest->root_count * sizeof *given, "roots");
    for (size_t i = 0; i < ingest->root_count; i++) {
        const glimpse_ingest_root *root = &ingest->roots[i];
        given[i] = (glimpse_walk_root){root->path, root->is_directory, root->reachable,
                                       0,          &root->rules,       root->apart};
    }
    const int status = glimpse_roots_cover(given, ingest->root_count, &ingest->given);
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

/* *refused: 1 with a failure that is one of this root alone. */
static int look_at(glimpse_ingest *ingest, glimpse_ingest_root *root, const char *given,
                   int *refused) {
    struct stat info;
    *refused = 0;
    int status = glimpse_root_resolve(&root->path, given);
    if (status < 0) return status;
    const int exists = stat(root->path, &info) == 0;
    const int error = errno;
    status = ingest->store->ops->files.load(&root->table, ingest->store, root->path, ingest->model);
    if (status < 0) return status;
    root->registered = is_root(ingest->known_roots, ingest->known_root_count, root->path);
    root->is_directory =
        exists ? S_ISDIR(info.st_mode)
               : root->registered || !glimpse_file_table_find(root->table, root->path);
    status = glimpse_store_root_reachable(&root->reachable, ingest->store, root->path);
    if (status < 0) return status;
    if (root->reachable || root->registered || glimpse_file_table_count(root->table) > 0) {
        return GLIMPSE_OK;
    }
    *refused = 1;
    errno = exists ? why_unreadable(root->path) : error;
    return exists ? glimpse_fail_errno("%s: cannot be read", root->path)
                  : glimpse_fail_errno("%s: cannot be indexed", root->path);
}

/* Whether a walk of `other` leaves out `root`, which lies in it. */
static int is_passed_by(const glimpse_ingest *ingest, const glimpse_root *other,
                        const glimpse_ingest_root *root) {
    const glimpse_ingest_root *in_run = find_in_run(ingest, other->path);
    const glimpse_walk_rules rules = in_run ? in_run->rules : remembered_rules(&other->options);
    return glimpse_walk_passes_by(&rules, other->path, root->path);
}

static void free_patterns(char **patterns) {
    for (size_t i = 0; patterns && patterns[i]; i++)
        free(patterns[i]);
    free(patterns);
}

/* What a root is to remember. One that becomes a root only for its tiles goes on being walked as
 * the one around it: with its patterns, of which those that begin at its top become whole paths.
 * `patterns` keeps these. */
static int options_of_root(glimpse_root_options *options, char ***patterns,
                           const glimpse_ingest *ingest, const glimpse_ingest_root *root) {
    const glimpse_root *owner =
        glimpse_root_of(ingest->known_roots, ingest->known_root_count, root->path);
    *options = given_options(ingest, owner ? &owner->options : NULL);
    if (ingest->has_set || !owner || strcmp(owner->path, root->path) == 0) return GLIMPSE_OK;
    char **own = calloc(options->exclude_count + 1, sizeof *own);
    *patterns = own;
    for (size_t i = 0; own && i < options->exclude_count; i++) {
        const char *pattern = options->exclude[i], *base = pattern[0] == '/' ? owner->path : "";
        const size_t size = strlen(base) + strlen(pattern) + 1;
        own[i] = malloc(size);
        if (!own[i]) return glimpse_fail_nomem(size, "a pattern");
        (void)snprintf(own[i], size, "%s%s", base, pattern);
    }
    if (!own) return glimpse_fail_nomem(options->exclude_count * sizeof *own, "patterns");
    options->exclude = (const char *const *)own;
    return GLIMPSE_OK;
}

/* 1 when a root that becomes one would remember anything else than the one that it lies in, or than
 * nothing. */
static int differs_from_around(const glimpse_ingest *ingest, const glimpse_ingest_root *root,
                               const glimpse_root_options *options) {
    const glimpse_root *owner =
        glimpse_root_of(ingest->known_roots, ingest->known_root_count, root->path);
    if (ingest->has_set || !owner || strcmp(owner->path, root->path) == 0) {
        return glimpse_root_options_any(options);
    }
    return options->tiles != owner->options.tiles;
}

/* Brings the catalogue's roots up to date: this one, and those that it lies in or that lie in it.
 */
static int register_root(glimpse_ingest *ingest, glimpse_ingest_root *root) {
    int inside_another = 0, status = GLIMPSE_OK;
    for (size_t i = 0; i < ingest->known_root_count && status == GLIMPSE_OK; i++) {
        const glimpse_root *other = &ingest->known_roots[i];
        if (strcmp(other->path, root->path) == 0) continue;
        const int contains = glimpse_path_is_below(root->path, other->path);
        const int contained = glimpse_path_is_below(other->path, root->path);
        if (!contains && !contained) continue;
        if (contains && !is_passed_by(ingest, other, root)) inside_another = 1;
        int reachable = 0;
        status = glimpse_store_root_reachable(&reachable, ingest->store, other->path);
        if (status == GLIMPSE_OK) {
            status = ingest->store->ops->roots.write(ingest->store, other->path,
                                                     other->is_directory, !reachable);
        }
        if (status == GLIMPSE_OK && contained && !reachable) ingest->report->offline_roots++;
        if (status == GLIMPSE_OK && contained &&
            (glimpse_root_options_any(&other->options) ||
             glimpse_walk_passes_by(&root->rules, root->path, other->path))) {
            glimpse_file_table_keep(root->table, other->path);
        }
    }
    if (status < 0 || !root->is_directory) return status;
    char **patterns = NULL;
    glimpse_root_options options = {0};
    status = options_of_root(&options, &patterns, ingest, root);
    const int has_own = are_options_given(ingest) && differs_from_around(ingest, root, &options);
    if (status == GLIMPSE_OK && (root->registered || !inside_another || has_own)) {
        root->registered = 1;
        status = ingest->store->ops->roots.write(ingest->store, root->path, 1, !root->reachable);
        if (status == GLIMPSE_OK && has_own && !root->added) {
            status = ingest->store->ops->roots.write_options(ingest->store, root->path, &options);
        }
    }
    free_patterns(patterns);
    return status;
}

/* What roots that were known before remember from now on; also those that another one covers. */
static int replace_options(glimpse_ingest *ingest) {
    const int given = are_options_given(ingest);
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < ingest->known_root_count && given && status == GLIMPSE_OK; i++) {
        const glimpse_root *known = &ingest->known_roots[i];
        const glimpse_ingest_root *root = find_in_run(ingest, known->path);
        if (!root || root->added) continue;
        const glimpse_root_options options = given_options(ingest, &known->options);
        const int same = same_set(&known->options, &options);
        if (same && known->options.tiles == options.tiles) continue;
        if (has_set(&known->options) && !same) ingest->report->replaced_options++;
        status = ingest->store->ops->roots.write_options(ingest->store, known->path, &options);
    }
    return status;
}

/* Known roots inside the given ones that remember options are walked with these, by themselves. */
static int add_roots_inside(glimpse_ingest *ingest) {
    const size_t given = ingest->root_count;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < ingest->known_root_count && status == GLIMPSE_OK; i++) {
        const glimpse_root *known = &ingest->known_roots[i];
        int inside = 0, reachable = 0;
        if (!glimpse_root_options_any(&known->options) || find_in_run(ingest, known->path))
            continue;
        for (size_t j = 0; j < given && !inside; j++) {
            inside = ingest->roots[j].is_directory && ingest->roots[j].reachable &&
                     glimpse_path_is_below(known->path, ingest->roots[j].path);
        }
        if (inside) {
            status = glimpse_store_root_reachable(&reachable, ingest->store, known->path);
        }
        if (status < 0 || !reachable) continue;
        glimpse_ingest_root *root = &ingest->roots[ingest->root_count++];
        int refused = 0;
        status = look_at(ingest, root, known->path, &refused);
        root->added = 1;
    }
    return status;
}

static int list_apart(glimpse_ingest *ingest) {
    ingest->apart =
        calloc(ingest->root_count + ingest->known_root_count + 1, sizeof *ingest->apart);
    if (!ingest->apart) return glimpse_fail_nomem(ingest->root_count * sizeof(char *), "roots");
    for (size_t i = 0; i < ingest->root_count; i++) {
        if (ingest->roots[i].apart) ingest->apart[ingest->apart_count++] = ingest->roots[i].path;
    }
    if (ingest->apart_count > 1) {
        qsort(ingest->apart, ingest->apart_count, sizeof *ingest->apart, compare_named);
    }
    for (size_t i = 0; i < ingest->root_count; i++) {
        ingest->roots[i].rules.apart = ingest->apart;
        ingest->roots[i].rules.apart_count = ingest->apart_count;
    }
    return GLIMPSE_OK;
}

/* Takes a root that does not exist, or cannot be read, out of the run: others are no worse for it.
 */
static int refuse(glimpse_ingest *ingest, int status) {
    glimpse_ingest_root *root = &ingest->roots[--ingest->root_count];
    glimpse_left_out *what = &ingest->refused[ingest->refused_count];
    *what = (glimpse_left_out){
        root->path, strdup(glimpse_without_path(glimpse_last_error(), root->path)), status, 0, 1};
    glimpse_file_table_free(root->table);
    memset(root, 0, sizeof *root);
    ingest->refused_count++;
    return what->reason ? GLIMPSE_OK : glimpse_fail_nomem(64, "a reason");
}

/* The roots of the run, as they were given: or all that are known, when none was. */
static int look_at_all(glimpse_ingest *ingest) {
    const glimpse_ingest_options *options = ingest->options;
    char **single = NULL;
    size_t single_count = 0;
    const int all = options->root_count == 0;
    int status = GLIMPSE_OK;
    if (all) {
        status = ingest->store->ops->files.list_single(&single, &single_count, ingest->store);
        if (status < 0) return status;
    }
    const size_t count = all ? ingest->known_root_count + single_count : options->root_count;
    ingest->roots = calloc(count + ingest->known_root_count + 1, sizeof *ingest->roots);
    ingest->refused = calloc(count + 1, sizeof *ingest->refused);
    if (!ingest->roots || !ingest->refused)
        status = glimpse_fail_nomem(count * sizeof *ingest->roots, "roots");
    if (status == GLIMPSE_OK && count == 0) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "%s: no folder was indexed yet; which ones should "
                              "be?",
                              glimpse_library_path(ingest->library));
    }
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        const char *given = !all                           ? options->roots[i]
                            : i < ingest->known_root_count ? ingest->known_roots[i].path
                                                           : single[i - ingest->known_root_count];
        int refused = 0;
        status = look_at(ingest, &ingest->roots[ingest->root_count++], given, &refused);
        /* When there is nothing else to be done, that is the failure of all. */
        if (refused && (i + 1 < count || ingest->root_count > 1)) status = refuse(ingest, status);
    }
    for (size_t i = 0; i < single_count; i++)
        free(single[i]);
    free(single);
    return status;
}

int glimpse_ingest_prepare_roots(glimpse_ingest *ingest) {
    int status = ingest->store->ops->roots.list(&ingest->known_roots, &ingest->known_root_count,
                                                ingest->store);
    if (status == GLIMPSE_OK) status = look_at_all(ingest);
    if (status == GLIMPSE_OK) status = add_roots_inside(ingest);
    if (status == GLIMPSE_OK) status = replace_options(ingest);
    for (size_t i = 0; i < ingest->root_count && status == GLIMPSE_OK; i++)
        choose_rules(ingest, &ingest->roots[i]);
    if (status == GLIMPSE_OK) status = drop_covered(ingest);
    if (status == GLIMPSE_OK) status = list_named(ingest);
    if (status == GLIMPSE_OK) status = list_apart(ingest);
    if (status == GLIMPSE_OK) {
        status =
            ingest->store->ops->contents.lack_identity(&ingest->lacks_identities, ingest->store);
    }
    if (status == GLIMPSE_OK) status = glimpse_ingest_find_untiled(ingest);
    for (size_t i = 0; i < ingest->root_count && status == GLIMPSE_OK; i++) {
        status = register_root(ingest, &ingest->roots[i]);
        if (status == GLIMPSE_OK && !ingest->roots[i].reachable) ingest->report->offline_roots++;
    }
    return status;
}

static int went_offline(glimpse_ingest *ingest, glimpse_ingest_root *root) {
    root->reachable = 0;
    ingest->report->offline_roots++;
    if (!root->registered) return GLIMPSE_OK;
    return ingest->store->ops->roots.write(ingest->store, root->path, root->is_directory, 1);
}

/* Files of other roots of this run, which lie in this one: what is missing there is theirs, and is
 * counted once. */
static void leave_to_others(const glimpse_ingest *ingest, glimpse_ingest_root *root) {
    for (size_t i = 0; i < ingest->root_count; i++) {
        const glimpse_ingest_root *other = &ingest->roots[i];
        if (other == root || !other->reachable || !other->complete) continue;
        if (!glimpse_path_is_below(other->path, root->path)) continue;
        for (size_t j = 0; j < glimpse_file_table_count(root->table); j++) {
            glimpse_file_row *row = glimpse_file_table_get(root->table, j);
            if (row->seen != 1 && (strcmp(row->path, other->path) == 0 ||
                                   glimpse_path_is_below(row->path, other->path))) {
                row->seen = GLIMPSE_SEEN_ELSEWHERE;
            }
        }
    }
}

/* Of a file that the rules of the walk leave out: whether it is there. */
static uint8_t look_for(const char *path) {
    struct stat info;
    if (stat(path, &info) == 0) return S_ISREG(info.st_mode) ? GLIMPSE_SEEN_LEFT_OUT : 0;
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : GLIMPSE_SEEN_KEPT;
}

static void find_left_out(glimpse_ingest_root *root) {
    char directory[PATH_MAX] = "";
    size_t length = 0; /* of `directory` */
    int is_passed = 0;
    for (size_t i = 0; root->is_directory && i < glimpse_file_table_count(root->table); i++) {
        glimpse_file_row *row = glimpse_file_table_get(root->table, i);
        const char *slash = strrchr(row->path, '/');
        if (row->seen || !slash || (size_t)(slash - row->path) >= sizeof directory) continue;
        /* Rows come by their paths: those of a directory mostly one after the other. */
        if ((size_t)(slash - row->path) != length || memcmp(directory, row->path, length) != 0) {
            length = (size_t)(slash - row->path);
            memcpy(directory, row->path, length);
            directory[length] = '\0';
            is_passed = glimpse_walk_passes_by(&root->rules, root->path, directory);
        }
        if (is_passed || glimpse_walk_excluded(&root->rules, root->path, row->path, 0)) {
            row->seen = look_for(row->path);
        }
    }
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
    uint64_t missing = 0, left_out = 0;
    leave_to_others(ingest, root);
    find_left_out(root);
    status = glimpse_store_finish_scan(&missing, &left_out, ingest->store, root->path, root->table);
    ingest->report->missing += missing;
    ingest->report->left_out += left_out;
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
    for (size_t i = 0; i < ingest->marked_count; i++)
        free((char *)ingest->marked[i].path);
    free(ingest->marked);
    for (size_t i = 0; i < ingest->refused_count; i++) {
        free((char *)ingest->refused[i].path);
        free((char *)ingest->refused[i].reason);
    }
    free(ingest->refused);
    ingest->refused = NULL;
    ingest->refused_count = 0;
    ingest->marked = NULL;
    ingest->marked_count = 0;
    glimpse_roots_free(ingest->known_roots, ingest->known_root_count);
    ingest->known_roots = NULL;
    ingest->known_root_count = 0;
    free(ingest->roots);
    free(ingest->untiled);
    ingest->untiled = NULL;
    ingest->untiled_count = 0;
    free(ingest->apart);
    ingest->apart = NULL;
    ingest->apart_count = 0;
    free(ingest->named);
    ingest->named = NULL;
    ingest->named_count = 0;
    ingest->roots = NULL;
    ingest->root_count = 0;
}
