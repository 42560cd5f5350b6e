/*
 * actions_keeper.c - making sure that what is kept stays readable at its name.
 *
 * Two paths can be one directory entry: by a symbolic link to a directory, by a bind mount, by two
 * spellings on a file system that folds case. Then removing one removes the other, and neither
 * paths nor inodes say so: with a hard link elsewhere the inode has two names, as two real
 * duplicates have. What can be told beforehand is told (glimpse_action_same_entry()). The proof is
 * the look after a step that can still be taken back: the keeper's name must lead to the inode that
 * was held open all the time, and give its bytes.
 *
 * A file system on top of another (overlay, bindfs, two mounts of one share) shows one file with
 * two devices, and may go on giving out of its cache what is gone below. Renaming a file changes
 * the status time of its inode, and nothing else in that moment has reason to change the keeper's:
 * when it does change, the two are one.
 */
#include "actions_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* The status time as it is now, also where a network or a daemon is asked. */
static int change_time(int fd, struct timespec *time) {
#ifdef STATX_CTIME
    struct statx s;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_CTIME, &s) == 0) {
        *time = (struct timespec){(time_t)s.stx_ctime.tv_sec, (long)s.stx_ctime.tv_nsec};
        return 0;
    }
#endif
    struct stat info;
    if (fstat(fd, &info) != 0) return errno;
    *time = info.st_ctim;
    return 0;
}

/* A file that something is mounted on: its name is not in the directory it is seen in. */
static int is_mount_point(const char *path) {
#if defined(STATX_ATTR_MOUNT_ROOT) && defined(STATX_BASIC_STATS)
    struct statx s;
    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &s) ==
               0 &&
           (s.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
           (s.stx_attributes & STATX_ATTR_MOUNT_ROOT);
#else
    (void)path;
    return 0;
#endif
}

static int is_ascii(const char *s) {
    for (; *s; s++)
        if ((unsigned char)*s >= 0x80) return 0;
    return 1;
}

/* Does the directory list both names, byte for byte? Where it cannot be read: no. */
static int lists_both(const char *directory, const char *a, const char *b) {
    int found_a = 0, found_b = 0;
    DIR *open = opendir(directory);
    for (struct dirent *entry; open && !(found_a && found_b) && (entry = readdir(open));) {
        if (strcmp(entry->d_name, a) == 0) found_a = 1;
        if (strcmp(entry->d_name, b) == 0) found_b = 1;
    }
    if (open) (void)closedir(open);
    return found_a && found_b;
}

int glimpse_action_same_entry(const char *a, const char *b, nlink_t links) {
    if (links < 2 || is_mount_point(a) || is_mount_point(b)) return 1;
    char *real_a = realpath(a, NULL), *real_b = realpath(b, NULL);
    char *in_a = real_a ? glimpse_action_directory_of(real_a) : NULL;
    char *in_b = real_b ? glimpse_action_directory_of(real_b) : NULL;
    struct stat at_a, at_b;
    int same = 1;
    if (in_a && in_b && stat(in_a, &at_a) == 0 && stat(in_b, &at_b) == 0) {
        const char *name_a = strrchr(real_a, '/') + 1, *name_b = strrchr(real_b, '/') + 1;
        same = at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
        if (same && strcmp(name_a, name_b) != 0) {
            int one_spelling =
                is_ascii(name_a) && is_ascii(name_b) && strcasecmp(name_a, name_b) != 0;
            same = !one_spelling && !lists_both(in_a, name_a, name_b);
        }
    }
    free(real_a);
    free(real_b);
    free(in_a);
    free(in_b);
    return same;
}

int glimpse_action_readable(const char *path) {
    struct stat info;
    int fd = -1;
    if (glimpse_action_open(path, &info, &fd) != 0) return 0;
    (void)close(fd);
    return 1;
}

int glimpse_keeper_open(action_keeper *out, const glimpse_action_item *item,
                        const struct stat *info, action_verdict *verdict) {
    char hex[GLIMPSE_HASH_HEX];
    *out = (action_keeper){.path = item->keeper, .id = item->keeper_id, .fd = ACTION_KEEPER_CLOSED};
    int error = glimpse_action_open(item->keeper, &out->info, &out->fd);
    if (error) out->fd = ACTION_KEEPER_CLOSED;
    if (!error) error = glimpse_action_hash_open(out->fd, hex);
    if (error) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER, "its keeper %s: %s", item->keeper,
                               strerror(error));
    }
    if (strcmp(hex, item->keeper_id) != 0) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                               "its keeper %s changed since it was seen", item->keeper);
    }
    out->same_inode = out->info.st_dev == info->st_dev && out->info.st_ino == info->st_ino;
    out->other_device = out->info.st_dev != info->st_dev;
    if (out->same_inode && glimpse_action_same_entry(item->path, item->keeper, info->st_nlink)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                               "it is its keeper %s under another name", item->keeper);
    }
    return 0;
}

void glimpse_keeper_close(action_keeper *keeper) {
    if (keeper->fd != ACTION_KEEPER_CLOSED) (void)close(keeper->fd);
    keeper->fd = ACTION_KEEPER_CLOSED;
}

void glimpse_keeper_mark(action_keeper *keeper, glimpse_action_kind kind) {
    /* Status times are as coarse as the system's tick: a change in the same tick would not show. */
    enum { TICK_NS = 20000000, SECOND_NS = 1000000000 };
    const struct timespec tick = {0, TICK_NS};
    struct timespec now = {0, 0};
    /* A hard link is a name of the keeper's inode, and is renamed itself: but it can only be made
     * within a device, and there inodes tell. */
    keeper->marked = kind != GLIMPSE_ACTION_HARDLINK && !keeper->same_inode &&
                     change_time(keeper->fd, &keeper->changed) == 0;
    if (!keeper->marked || !keeper->other_device) return;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return;
    int64_t age = (int64_t)(now.tv_sec - keeper->changed.tv_sec) * SECOND_NS + now.tv_nsec -
                  keeper->changed.tv_nsec;
    if (age < TICK_NS) (void)nanosleep(&tick, NULL);
}

int glimpse_keeper_look(const action_keeper *keeper, action_verdict *verdict) {
    struct stat info;
    struct timespec changed = {0, 0};
    char hex[GLIMPSE_HASH_HEX];
    int fd = -1, error = glimpse_action_open(keeper->path, &info, &fd);
    if (error == ENOENT) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER, "its keeper %s went with it",
                               keeper->path);
    }
    if (!error) {
        error = glimpse_action_hash_open(fd, hex);
        (void)close(fd);
    }
    if (!error) error = change_time(keeper->fd, &changed);
    if (error) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                               "its keeper %s could not be read without it: %s", keeper->path,
                               strerror(error));
    }
    if (info.st_dev != keeper->info.st_dev || info.st_ino != keeper->info.st_ino ||
        strcmp(hex, keeper->id) != 0) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                               "its keeper %s changed in that moment", keeper->path);
    }
    if (keeper->marked &&
        (changed.tv_sec != keeper->changed.tv_sec || changed.tv_nsec != keeper->changed.tv_nsec)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                               "its keeper %s changed with it: it seems to be the same file by way "
                               "of another mount",
                               keeper->path);
    }
    return 0;
}
