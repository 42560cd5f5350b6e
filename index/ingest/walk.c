/*
 * index/ingest/walk.c - the walk itself: one directory open at a time, frames on the heap.
 *
 * A frame is a directory whose files have been told: the length of its path in the shared path
 * buffer, and the sorted names of the directories in it that are still to be entered. Entering one
 * appends its name to the path buffer, lists it, and pushes a frame; leaving cuts the path.
 */
#include "walk.h"

#include "core/error.h"
#include "walk_internal.h"

#include <glimpse/sys/image.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct name_list {
    char **names;
    size_t count, capacity;
} name_list;

typedef struct frame {
    size_t path_length;
    name_list directories;
    size_t next;
} frame;

typedef struct identity {
    dev_t device;
    ino_t inode;
} identity;

typedef struct walker {
    const char *root;
    const glimpse_walk_rules *rules;
    glimpse_walk_fn visit;
    void *user;
    glimpse_walk_summary *summary;
    int near_sidecars; /* of the directory whose files are being told */
    char path[PATH_MAX];
    frame *frames;
    size_t frame_count, frame_capacity;
    name_list links; /* links to directories met so far, whole paths, in order */
    size_t next_link;
    identity *entered; /* open addressing, zero inode = free; only with follow_links */
    size_t entered_count, entered_capacity;
} walker;

static int names_add(name_list *list, const char *name) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        char **names = realloc(list->names, capacity * sizeof *names);
        if (!names) return glimpse_fail_nomem(capacity * sizeof *names, "a list of file names");
        list->names = names;
        list->capacity = capacity;
    }
    char *copy = strdup(name);
    if (!copy) return glimpse_fail_nomem(strlen(name), "a file name");
    list->names[list->count++] = copy;
    return GLIMPSE_OK;
}

static void names_free(name_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (name_list){NULL, 0, 0};
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_sort(name_list *list) {
    if (list->count > 1) qsort(list->names, list->count, sizeof list->names[0], compare_names);
}

/*
 * Directories entered, when links are followed.
 */
static identity *entered_slot(identity *table, size_t capacity, const struct stat *info) {
    uint64_t key = ((uint64_t)info->st_ino * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)info->st_dev;
    for (size_t i = (size_t)(key >> 16) & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
        identity *slot = &table[i];
        if (slot->inode == 0) return slot;
        if (slot->inode == info->st_ino && slot->device == info->st_dev) return slot;
    }
}

/* *first is 0 when the directory was entered before. */
static int note_entered(walker *w, const struct stat *info, int *first) {
    *first = 1;
    if (!w->rules->follow_links || info->st_ino == 0) return GLIMPSE_OK;
    if (w->entered_count * 2 >= w->entered_capacity) {
        size_t capacity = w->entered_capacity ? w->entered_capacity * 2 : 256;
        identity *table = calloc(capacity, sizeof *table);
        if (!table) return glimpse_fail_nomem(capacity * sizeof *table, "the folders of a walk");
        for (size_t i = 0; i < w->entered_capacity; i++) {
            if (w->entered[i].inode == 0) continue;
            struct stat old = {.st_dev = w->entered[i].device, .st_ino = w->entered[i].inode};
            *entered_slot(table, capacity, &old) = w->entered[i];
        }
        free(w->entered);
        w->entered = table;
        w->entered_capacity = capacity;
    }
    identity *slot = entered_slot(w->entered, w->entered_capacity, info);
    *first = slot->inode == 0;
    if (*first) {
        *slot = (identity){info->st_dev, info->st_ino};
        w->entered_count++;
    }
    return GLIMPSE_OK;
}

/*
 * Telling the visitor.
 */
static int report_file(walker *w, const char *path, const struct stat *info, int must_sniff) {
    glimpse_walk_entry entry = {
        .path = path, .must_sniff = must_sniff, .near_sidecars = w->near_sidecars};
    entry.size = info->st_size < 0 ? 0 : (uint64_t)info->st_size;
    entry.inode = info->st_ino;
    entry.mtime_ns = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
    entry.ctime_ns = (int64_t)info->st_ctim.tv_sec * 1000000000 + info->st_ctim.tv_nsec;
    return w->visit(w->user, &entry);
}

/* "WHAT: text of the error", and its status. */
static int describe(char *reason, size_t capacity, const char *what, int error) {
    errno = error;
    int status = glimpse_fail_errno("%s", what);
    (void)snprintf(reason, capacity, "%s", glimpse_last_error());
    if (error == ELOOP) return GLIMPSE_E_NOT_FOUND; /* a link to itself */
    return error == ENAMETOOLONG ? GLIMPSE_E_LIMIT : status;
}

static int report_trouble(walker *w, const char *path, int is_directory, const char *what,
                          int error) {
    char reason[256];
    glimpse_walk_entry entry = {.path = path, .is_directory = is_directory, .reason = reason};
    entry.status = describe(reason, sizeof reason, what, error);
    return w->visit(w->user, &entry);
}

/* The directory at w->path could not be listed (to the end). */
static int directory_trouble(walker *w, const char *what, int error) {
    if (strcmp(w->path, w->root) == 0) {
        w->summary->root_status =
            describe(w->summary->root_reason, sizeof w->summary->root_reason, what, error);
        return GLIMPSE_OK;
    }
    if (error == ENOENT || error == ENOTDIR) return GLIMPSE_OK; /* gone meanwhile */
    return report_trouble(w, w->path, 1, what, error);
}

static int report_marked(walker *w, const char *mark) {
    const glimpse_walk_entry entry = {.path = w->path, .is_directory = 1, .mark = mark};
    return w->visit(w->user, &entry);
}

/*
 * Listing one directory.
 */
static int is_library(int directory) {
    struct stat info;
    return fstatat(directory, "catalog.db", &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(info.st_mode) && fstatat(directory, "lock", &info, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Reads all names worth a look; a reading error is told and what was read before it counts. */
static int read_names(walker *w, DIR *stream, name_list *names) {
    const int at_root = strcmp(w->path, w->root) == 0;
    for (;;) {
        errno = 0;
        struct dirent *item = readdir(stream);
        if (!item) {
            if (errno == 0) return GLIMPSE_OK;
            return directory_trouble(w, "cannot list the folder", errno);
        }
        const int is_double = strncmp(item->d_name, "._", 2) == 0;
        if (item->d_name[0] == '.' && !is_double) continue;
        if (is_double) {
            /* see is_companion() */
        } else if (at_root && strcmp(item->d_name, "lost+found") != 0) {
            w->summary->root_entries++;
        }
        const char *ending = strrchr(item->d_name, '.');
        if (ending && strcasecmp(ending, ".xmp") == 0) w->near_sidecars = 1;
        if (item->d_type == DT_REG && glimpse_walk_name_is_other(item->d_name)) continue;
        if (item->d_type == DT_FIFO || item->d_type == DT_SOCK || item->d_type == DT_CHR ||
            item->d_type == DT_BLK) {
            continue;
        }
        int status = names_add(names, item->d_name);
        if (status < 0) return status;
    }
}

/* macOS writes what a foreign file system cannot hold of "a.jpg" to "._a.jpg". That is part of
 * a.jpg and nobody's picture; only one whose other half is gone is worth a word. Other names with
 * a dot in front never come here. */
static int is_companion(int directory, const char *name) {
    struct stat info;
    return name[0] == '.' && (!glimpse_image_name_is_picture(name) ||
                              fstatat(directory, name + 2, &info, AT_SYMLINK_NOFOLLOW) == 0);
}

static int compare_apart(const void *key, const void *item) {
    return strcmp(key, *(const char *const *)item);
}

static int is_apart(const walker *w) {
    return w->rules->apart_count > 0 && bsearch(w->path, w->rules->apart, w->rules->apart_count,
                                                sizeof *w->rules->apart, compare_apart) != NULL;
}

/* One name of the directory open as `directory`; w->path already ends in it. */
static int look_at(walker *w, int directory, const char *name, name_list *directories) {
    struct stat info;
    const int is_picture = glimpse_image_name_is_picture(name);
    if (is_companion(directory, name)) return GLIMPSE_OK;
    if (fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT || !is_picture) return GLIMPSE_OK;
        return report_trouble(w, w->path, 0, "cannot look at the file", errno);
    }
    const int is_link = S_ISLNK(info.st_mode);
    if (is_link && fstatat(directory, name, &info, 0) != 0) {
        int error = errno;
        if (!is_picture || glimpse_walk_excluded(w->rules, w->root, w->path, 0)) return GLIMPSE_OK;
        return report_trouble(w, w->path, 0, "a link that cannot be followed", error);
    }
    if (S_ISDIR(info.st_mode)) {
        if (glimpse_walk_directory_is_unwanted(name)) return GLIMPSE_OK;
        if (is_link && !w->rules->follow_links) return GLIMPSE_OK;
        if (glimpse_walk_excluded(w->rules, w->root, w->path, 1)) return GLIMPSE_OK;
        if (is_apart(w)) return GLIMPSE_OK;
        return is_link ? names_add(&w->links, w->path) : names_add(directories, name);
    }
    if (!S_ISREG(info.st_mode)) return GLIMPSE_OK;
    if (!is_picture && glimpse_walk_name_is_other(name)) return GLIMPSE_OK;
    if (glimpse_walk_excluded(w->rules, w->root, w->path, 0)) return GLIMPSE_OK;
    return report_file(w, w->path, &info, !is_picture);
}

/* Puts "/name" behind the first `length` bytes of w->path; 0 when it would be too long. */
static size_t append_name(walker *w, size_t length, const char *name) {
    size_t bytes = strlen(name);
    if (length > 0 && w->path[length - 1] == '/') length--; /* the root "/" */
    if (length + 1 + bytes >= sizeof w->path) return 0;
    w->path[length] = '/';
    memcpy(w->path + length + 1, name, bytes + 1);
    return length + 1 + bytes;
}

/* Lists the directory at w->path, tells its files, and pushes a frame for its directories. */
static int enter(walker *w) {
    const size_t path_length = strlen(w->path);
    name_list names = {NULL, 0, 0}, directories = {NULL, 0, 0};
    DIR *stream = NULL;
    struct stat info;
    int status = GLIMPSE_OK, reported_too_long = 0;
    int fd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return directory_trouble(w, "cannot open the folder", errno);
    stream = fdopendir(fd);
    if (!stream) {
        status = directory_trouble(w, "cannot open the folder", errno);
        (void)close(fd);
        return status;
    }
    int first = 1;
    if (fstat(fd, &info) == 0) status = note_entered(w, &info, &first);
    if (status != GLIMPSE_OK || !first) goto done;
    const int is_root = path_length <= strlen(w->root);
    if (!is_root && is_library(fd)) goto done;
    const char *mark = is_root || w->rules->include_nomedia ? NULL : glimpse_walk_mark(fd);
    if (mark) {
        status = report_marked(w, mark);
        goto done;
    }

    w->summary->directories++;
    w->near_sidecars = 0;
    status = read_names(w, stream, &names);
    if (status != GLIMPSE_OK) goto done;
    names_sort(&names);
    for (size_t i = 0; i < names.count; i++) {
        if (append_name(w, path_length, names.names[i]) == 0) {
            /* Told once, under the directory's path: the full one could not be used for anything.
             */
            if (!reported_too_long) {
                status =
                    report_trouble(w, w->path, 1, "holds paths that are too long", ENAMETOOLONG);
            }
            reported_too_long = 1;
            if (status != GLIMPSE_OK) goto done;
            continue;
        }
        status = look_at(w, fd, names.names[i], &directories);
        w->path[path_length] = '\0';
        if (status != GLIMPSE_OK) goto done;
    }
    if (directories.count > 0) {
        if (w->frame_count == w->frame_capacity) {
            size_t capacity = w->frame_capacity ? w->frame_capacity * 2 : 64;
            frame *frames = realloc(w->frames, capacity * sizeof *frames);
            if (!frames) {
                status = glimpse_fail_nomem(capacity * sizeof *frames, "the stack of a walk");
                goto done;
            }
            w->frames = frames;
            w->frame_capacity = capacity;
        }
        w->frames[w->frame_count++] = (frame){path_length, directories, 0};
        directories = (name_list){NULL, 0, 0};
    }
done:
    names_free(&names);
    names_free(&directories);
    (void)closedir(stream);
    return status;
}

/* From the directory at w->path down. */
static int walk_tree(walker *w) {
    int status = enter(w);
    while (status == GLIMPSE_OK && w->frame_count > 0) {
        frame *top = &w->frames[w->frame_count - 1];
        if (top->next == top->directories.count) {
            names_free(&top->directories);
            w->frame_count--;
            continue;
        }
        const char *name = top->directories.names[top->next++];
        w->path[top->path_length] = '\0';
        (void)append_name(w, top->path_length, name); /* fitted when it was looked at */
        status = enter(w);
    }
    return status;
}

int glimpse_walk(const char *root, const glimpse_walk_rules *rules, glimpse_walk_fn visit,
                 void *user, glimpse_walk_summary *summary) {
    static const glimpse_walk_rules no_rules;
    memset(summary, 0, sizeof *summary);
    walker *w = calloc(1, sizeof *w);
    if (!w) return glimpse_fail_nomem(sizeof *w, "a walk");
    w->root = root;
    w->rules = rules ? rules : &no_rules;
    w->visit = visit;
    w->user = user;
    w->summary = summary;
    w->near_sidecars = 1; /* of a root that is a file, until a directory is listed */

    int status = GLIMPSE_OK;
    struct stat info;
    size_t length = strlen(root);
    if (length == 0 || length >= sizeof w->path) {
        status =
            glimpse_fail(GLIMPSE_E_INVALID, "a folder to index has a path of %zu bytes", length);
        goto done;
    }
    memcpy(w->path, root, length + 1);
    if (stat(root, &info) != 0) {
        (void)directory_trouble(w, "cannot look at it", errno);
    } else if (S_ISDIR(info.st_mode)) {
        status = walk_tree(w);
        while (status == GLIMPSE_OK && w->next_link < w->links.count) {
            const char *link = w->links.names[w->next_link++];
            memcpy(w->path, link, strlen(link) + 1);
            status = walk_tree(w);
        }
    } else if (S_ISREG(info.st_mode)) {
        summary->root_entries = 1;
        status = report_file(w, root, &info, 0);
    } else {
        const glimpse_walk_entry entry = {.path = root,
                                          .status = GLIMPSE_E_INVALID,
                                          .reason = "neither a folder nor a regular file"};
        summary->root_entries = 1;
        status = visit(user, &entry);
    }
done:
    for (size_t i = 0; i < w->frame_count; i++)
        names_free(&w->frames[i].directories);
    free(w->frames);
    names_free(&w->links);
    free(w->entered);
    free(w);
    return status;
}
