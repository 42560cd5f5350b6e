/*
 * index/dedup/dedup_links.c - one file with several names is one picture; sets that share nothing;
 * directories that are never touched.
 *
 * Files are told apart by device and inode, which sees through symbolic links, hard links and bind
 * mounts. A name is a directory entry of its own (a hard link) when no other name has its directory
 * and its last component; all other names only lead to one.
 */
#include "dedup_private.h"

#include "core/error.h"
#include "file_paths.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A directory entry: where it is, and its last component (part of `path`). */
typedef struct entry {
    dev_t device;
    ino_t directory;
    char *path; /* links followed */
    const char *name;
} entry;

static int find_entry(entry *out, const char *path) {
    struct stat info;
    *out = (entry){0};
    char *real = glimpse_path_real(path), *slash = real ? strrchr(real, '/') : NULL;
    if (!slash) {
        free(real);
        return 0;
    }
    *slash = '\0';
    const int found = stat(slash == real ? "/" : real, &info) == 0;
    *slash = '/';
    *out = (entry){info.st_dev, info.st_ino, real, slash + 1};
    if (!found) free(real);
    return found;
}

static int same_entry(const entry *a, const entry *b) {
    return a->device == b->device && a->directory == b->directory && strcmp(a->name, b->name) == 0;
}

/*
 * Sets.
 */
/* 1 when `path`, without links, is `directory` or lies below it, whatever either is called. */
static int leads_into(const char *path, const struct stat *directory) {
    struct stat info;
    char *at = strdup(path);
    int found = 0;
    while (at && !found) {
        found = stat(*at ? at : "/", &info) == 0 && info.st_dev == directory->st_dev &&
                info.st_ino == directory->st_ino;
        char *slash = strrchr(at, '/');
        if (!slash || !*at) break;
        *slash = '\0';
    }
    free(at);
    return found;
}

static int check_pair(const char *a, const char *b) {
    struct stat of_a, of_b;
    char *real_a = glimpse_path_real(a), *real_b = glimpse_path_real(b);
    int status = GLIMPSE_OK;
    if (real_a && real_b && stat(real_a, &of_a) == 0 && stat(real_b, &of_b) == 0) {
        const int below = leads_into(real_a, &of_b), above = leads_into(real_b, &of_a);
        if (strcmp(a, b) == 0) {
            status = glimpse_fail(GLIMPSE_E_INVALID,
                                  "the sets overlap: %s would be compared with itself", a);
        } else if (below && above) {
            status =
                glimpse_fail(GLIMPSE_E_INVALID, "the sets overlap: %s and %s are the same", a, b);
        } else if (below || above) {
            status = glimpse_fail(GLIMPSE_E_INVALID,
                                  "the sets overlap: %s lies in %s; two sets share no folder",
                                  below ? a : b, below ? b : a);
        }
    }
    free(real_a);
    free(real_b);
    return status;
}

int glimpse_dedup_check_sets(const char *const *roots, size_t root_count,
                             const char *const *against, size_t against_count) {
    if ((root_count > 0 && !roots) || (against_count > 0 && !against))
        return glimpse_fail_null(__func__);
    for (size_t i = 0; i < root_count; i++) {
        for (size_t k = 0; k < against_count; k++) {
            int status = check_pair(roots[i], against[k]);
            if (status < 0) return status;
        }
    }
    return GLIMPSE_OK;
}

/*
 * Directories that are not touched.
 */
static size_t directory_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash != path ? (size_t)(slash - path) : 1;
}

int glimpse_dedup_mark_protected(glimpse_dedup *dedup) {
    const size_t count = dedup->options->protect_count;
    struct stat *protected = calloc(count + 1, sizeof *protected);
    if (!protected) return glimpse_fail_nomem(count * sizeof *protected, "directories");
    for (size_t i = 0; i < count; i++) {
        if (stat(dedup->protect[i], &protected[i]) != 0) protected[i].st_ino = 0;
    }
    const char *last = ""; /* of the directory that was looked at; items come by path */
    int last_is = 0;
    for (size_t i = 0; count > 0 && i < dedup->count; i++) {
        glimpse_dedup_picture *p = &dedup->items[i].picture;
        const size_t length = directory_length(p->path);
        if (length != directory_length(last) || strncmp(last, p->path, length) != 0) {
            char *directory = strndup(p->path, length);
            char *real = directory ? glimpse_path_real(directory) : NULL;
            last = p->path;
            last_is = 0;
            for (size_t k = 0; k < count && !last_is; k++)
                last_is = leads_into(real ? real : p->path, &protected[k]);
            free(real);
            free(directory);
        }
        p->is_protected = last_is;
        for (size_t k = 0; k < count && !p->is_protected; k++) /* a file that is named itself */
            p->is_protected = strcmp(p->path, dedup->protect[k]) == 0;
    }
    free(protected);
    return GLIMPSE_OK;
}

/*
 * Names.
 */
typedef struct named {
    const glimpse_dedup *dedup;
    uint32_t item;
} named;

static int compare_files(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    if (a->device != b->device) return a->device < b->device ? -1 : 1;
    return (a->inode > b->inode) - (a->inode < b->inode);
}

/* By file, then set, then the name that is to be its path. */
static int compare_named(const void *a, const void *b) {
    const named *x = a, *y = b;
    const glimpse_dedup_item *p = &x->dedup->items[x->item], *q = &y->dedup->items[y->item];
    int order = compare_files(p, q);
    if (!order) order = p->picture.set - q->picture.set;
    return order ? order : glimpse_dedup_compare_names(x->dedup, p, q);
}

static int compare_names_by_path(const void *a, const void *b) {
    return strcmp(((const glimpse_dedup_name *)a)->path, ((const glimpse_dedup_name *)b)->path);
}

/* Makes the names of items[1..count) names of items[0]; what lies in a directory of reference alone
 * is a name as well. */
static int join(glimpse_dedup *dedup, const named *list, size_t count) {
    glimpse_dedup_item *first = &dedup->items[list[0].item];
    glimpse_dedup_name *names = calloc(count, sizeof *names);
    entry *entries = calloc(count, sizeof *entries);
    size_t known = 0, used = 0;
    if (!names || !entries) {
        free(names);
        free(entries);
        return glimpse_fail_nomem(count * sizeof *names, "names of a file");
    }
    known += (size_t)find_entry(&entries[0], first->picture.path);
    for (size_t i = 1; i < count; i++) {
        glimpse_dedup_item *item = &dedup->items[list[i].item];
        names[used].path = item->picture.path;
        names[used].is_symbolic_link = item->picture.is_link;
        item->picture.path = NULL; /* the item goes */
        item->skip = 1;
        first->reference &= item->reference;
        first->picture.is_protected |= item->picture.is_protected;
        if (!item->picture.is_link && first->links > 1 &&
            find_entry(&entries[known], names[used].path)) {
            int is_new = 1;
            for (size_t k = 0; k < known && is_new; k++)
                is_new = !same_entry(&entries[k], &entries[known]);
            names[used].is_hard_link = is_new && !first->picture.is_link;
            if (is_new) {
                known++;
            } else {
                free(entries[known].path);
            }
        }
        used++;
    }
    for (size_t k = 0; k < known; k++)
        free(entries[k].path);
    free(entries);
    qsort(names, used, sizeof *names, compare_names_by_path);
    first->picture.names = names;
    first->picture.name_count = used;
    dedup->other_names += used;
    return GLIMPSE_OK;
}

/* The same directory entry in both sets, however it came about: a file of one that is a link to a
 * file of the other is a picture that both have. */
static int check_entries(const glimpse_dedup *dedup, const named *list, size_t count) {
    for (size_t i = 1; i < count; i++) {
        const glimpse_dedup_item *a = &dedup->items[list[0].item], *b = &dedup->items[list[i].item];
        entry x, y;
        if (a->picture.set == b->picture.set || a->picture.is_link || b->picture.is_link) continue;
        int found = find_entry(&x, a->picture.path) + 2 * find_entry(&y, b->picture.path);
        /* A mount gives one directory two paths, and its files two devices at times. */
        int same = found == 3 && (a->links < 2 || same_entry(&x, &y));
        if (found & 1) free(x.path);
        if (found & 2) free(y.path);
        if (same) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "the sets overlap: %s and %s are one file, by a mount or a linked "
                                "folder",
                                a->picture.path, b->picture.path);
        }
    }
    return GLIMPSE_OK;
}

static void look_at_names(glimpse_dedup *dedup, named *list) {
    for (size_t i = 0; i < dedup->count; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        struct stat info, link;
        list[i] = (named){dedup, (uint32_t)i};
        if (item->status < 0 || stat(item->picture.path, &info) != 0) continue;
        item->device = (uint64_t)info.st_dev;
        item->inode = (uint64_t)info.st_ino;
        item->links = (uint64_t)info.st_nlink;
        item->picture.is_link =
            lstat(item->picture.path, &link) == 0 && S_ISLNK(link.st_mode) ? 1 : 0;
    }
}

static void drop_joined(glimpse_dedup *dedup) {
    size_t kept = 0;
    for (size_t i = 0; i < dedup->count; i++) {
        if (dedup->items[i].skip) continue;
        dedup->items[kept++] = dedup->items[i];
    }
    dedup->count = kept;
}

int glimpse_dedup_join_names(glimpse_dedup *dedup) {
    const int apart = dedup->options->names_apart || dedup->options->no_matching;
    named *list = malloc(dedup->count * sizeof *list);
    int status = list ? GLIMPSE_OK : glimpse_fail_nomem(dedup->count * sizeof *list, "names");
    if (status < 0) return status;
    look_at_names(dedup, list);
    qsort(list, dedup->count, sizeof *list, compare_named);
    for (size_t i = 0, next; i < dedup->count && status == GLIMPSE_OK; i = next) {
        const glimpse_dedup_item *first = &dedup->items[list[i].item];
        size_t same = i + 1; /* of one set */
        for (next = i + 1; next < dedup->count; next++) {
            const glimpse_dedup_item *item = &dedup->items[list[next].item];
            if (first->inode == 0 || compare_files(first, item) != 0) break;
            if (item->picture.set == first->picture.set) same = next + 1;
        }
        if (next - i < 2) continue;
        status = check_entries(dedup, list + i, next - i);
        if (status < 0 || apart) continue;
        if (same - i > 1) status = join(dedup, list + i, same - i);
        if (status == GLIMPSE_OK && next - same > 1) status = join(dedup, list + same, next - same);
    }
    free(list);
    for (size_t i = 0; i < dedup->count; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        uint64_t found = 1;
        for (size_t k = 0; k < item->picture.name_count; k++)
            found += (uint64_t)item->picture.names[k].is_hard_link;
        item->picture.links_elsewhere = item->links > found ? item->links - found : 0;
    }
    drop_joined(dedup);
    return status;
}

void glimpse_dedup_free_names(const glimpse_dedup_picture *picture) {
    for (size_t i = 0; i < picture->name_count; i++)
        free((char *)picture->names[i].path);
    free((glimpse_dedup_name *)picture->names);
}
