/*
 * actions_step.c - one action on one file: look, write it down, do it, look again, write it down.
 */
#include "actions_internal.h"

#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifdef __linux__
# include <linux/fs.h>
#endif

int glimpse_kind_replaces(glimpse_action_kind kind) {
    return kind == GLIMPSE_ACTION_HARDLINK || kind == GLIMPSE_ACTION_SYMLINK ||
           kind == GLIMPSE_ACTION_REFLINK;
}

/*
 * The look before.
 */
static int check_keeper(const glimpse_action_options *options, const glimpse_action_item *item,
                        const struct stat *info, action_keeper *keeper, action_verdict *verdict) {
    if (glimpse_keeper_open(keeper, item, info, verdict) < 0) return -1;
    if (keeper->same_inode &&
        (options->kind == GLIMPSE_ACTION_HARDLINK || options->kind == GLIMPSE_ACTION_REFLINK)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_SAME_FILE, "already a hard link to %s",
                               item->keeper);
    }
    int links = glimpse_kind_replaces(options->kind), same = 0;
    if (strcmp(item->id, item->keeper_id) != 0) {
        if (!links) return 0;
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_DIFFERENT,
                               "not the same bytes as %s, so no link to it", item->keeper);
    }
    if (!links && options->kind != GLIMPSE_ACTION_DELETE) return 0;
    int error = glimpse_action_compare(item->path, item->keeper, &same);
    if (error) return glimpse_verdict_errno(verdict, error, "comparing with %s", item->keeper);
    if (!same) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_DIFFERENT,
                               "the same checksum as %s, but not the same bytes", item->keeper);
    }
    return 0;
}

int glimpse_step_check(const glimpse_action_options *options, const glimpse_action_item *item,
                       struct stat *info, action_keeper *keeper, action_verdict *verdict) {
    char hex[GLIMPSE_HASH_HEX];
    if (lstat(item->path, info) != 0) {
        return glimpse_verdict_errno(verdict, errno, "it is gone");
    }
    if (!S_ISREG(info->st_mode)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "%s",
                               S_ISLNK(info->st_mode) ? "it is a symbolic link"
                                                      : "it is no regular file");
    }
    if (options->skip_read_only && (info->st_mode & 0222) == 0) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_READ_ONLY,
                               "it is read-only, which somebody may have meant");
    }
    if (item->link && !glimpse_kind_replaces(options->kind)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_LINKED,
                               "the symbolic link %s leads to it, and would lead nowhere",
                               item->link);
    }
    char *directory = glimpse_action_directory_of(item->path);
    int error = !directory ? ENOMEM : access(directory, W_OK) != 0 ? errno : 0;
    free(directory);
    if (error) return glimpse_verdict_errno(verdict, error, "its folder cannot be changed");
    error = glimpse_action_hash(item->path, info, hex);
    if (error) return glimpse_verdict_errno(verdict, error, "it cannot be read");
    if (strcmp(hex, item->id) != 0) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed since it was seen");
    }
    return check_keeper(options, item, info, keeper, verdict);
}

/*
 * The effects.
 */
int glimpse_step_is_original(const action_step *step, const char *path) {
    struct stat info;
    char hex[GLIMPSE_HASH_HEX];
    if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
    if ((uint64_t)info.st_size != step->size) return 0;
    if ((uint64_t)info.st_ino == step->inode && glimpse_action_mtime(&info) == step->mtime_ns) {
        return 1;
    }
    /* A copy on another file system need not keep times to the nanosecond: its bytes count. */
    if (step->crossing && strcmp(path, step->other) == 0) {
        return glimpse_action_hash(path, &info, hex) == 0 && strcmp(hex, step->hash) == 0;
    }
    /* Inode numbers do not outlive a mount everywhere; of a copy they never did. */
    if (step->new_inode && (uint64_t)info.st_ino == step->new_inode) return 0;
    return glimpse_action_mtime(&info) == step->mtime_ns &&
           glimpse_action_hash(path, &info, hex) == 0 && strcmp(hex, step->hash) == 0;
}

/* 0 when both names will outlive a power cut, else an errno. */
static int sync_both(const action_step *step) {
    int error = glimpse_sync_directory_of(step->other);
    return error ? error : glimpse_sync_directory_of(step->path);
}

/* Renames the file to its place. What was caught is looked at again: between the look and the
 * rename somebody may have saved a new version; and so is the keeper. */
static int set_aside(const glimpse_actions *actions, const action_step *step, action_keeper *keeper,
                     action_verdict *verdict) {
    glimpse_keeper_mark(keeper, step->kind);
    int error = glimpse_action_rename(step->path, step->other);
    if (error) return glimpse_verdict_errno(verdict, error, "cannot be moved to %s", step->other);
    glimpse_action_point(actions, "renamed");
    int changed = !glimpse_step_is_original(step, step->other);
    if (changed) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed just now");
    } else if (glimpse_keeper_look(keeper, verdict) == 0) {
        error = sync_both(step);
        if (!error) return 0;
        (void)glimpse_verdict_errno(verdict, error, "the move to %s cannot be made to last",
                                    step->other);
    }
    error = glimpse_action_rename(step->other, step->path);
    if (error) {
        return glimpse_verdict_errno(verdict, error, "it %s and is now at %s",
                                     changed ? "changed meanwhile" : "could not be moved safely",
                                     step->other);
    }
    return -1;
}

char *glimpse_step_aside(const action_step *step) {
    char *directory = glimpse_action_directory_of(step->path);
    size_t capacity = directory ? strlen(directory) + 80 : 0;
    char *aside = directory ? malloc(capacity) : NULL;
    if (aside) {
        (void)snprintf(aside, capacity, "%s/.glimpse-aside-%lld-%lld",
                       strcmp(directory, "/") == 0 ? "" : directory, (long long)step->run,
                       (long long)step->id);
    }
    free(directory);
    return aside;
}

/* A whole copy at `to`, made as `part` and renamed. */
static int make_copy(const glimpse_actions *actions, const char *from, const char *part,
                     const char *to) {
    int same = 0, error = glimpse_action_copy(from, part);
    if (error) return error;
    glimpse_action_point(actions, "copied");
    error = glimpse_action_compare(from, part, &same);
    if (!error && !same) error = EBUSY;
    if (!error) error = glimpse_action_rename(part, to);
    if (error) (void)unlink(part);
    return error;
}

/* The original, copied to step->other by now, goes in two steps: out of the way of its name, which
 * can be taken back, and, once its keeper was seen without it, for good. */
static int remove_copied(const glimpse_actions *actions, const action_step *step, const char *aside,
                         action_keeper *keeper, action_verdict *verdict) {
    glimpse_keeper_mark(keeper, step->kind);
    int error = glimpse_action_rename(step->path, aside);
    if (error) {
        (void)unlink(step->other);
        return glimpse_verdict_errno(verdict, error, "cannot be removed after it was copied");
    }
    glimpse_action_point(actions, "set aside");
    if (!glimpse_step_is_original(step, aside)) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed just now");
    } else if (glimpse_keeper_look(keeper, verdict) == 0) {
        if (unlink(aside) == 0) {
            glimpse_action_point(actions, "removed");
            if (glimpse_keeper_look(keeper, verdict) == 0) return 0;
            error = glimpse_action_copy(step->other, aside);
        } else {
            (void)glimpse_verdict_errno(verdict, errno, "cannot be removed after it was copied");
        }
    }
    if (!error) error = glimpse_action_rename(aside, step->path);
    if (error) {
        return glimpse_verdict_errno(verdict, error, "it changed meanwhile and is now at %s",
                                     step->other);
    }
    (void)unlink(step->other);
    return -1;
}

/* Copies to another file system under a temporary name, compares, then removes the original. */
static int carry_over(const glimpse_actions *actions, const action_step *step,
                      action_keeper *keeper, action_verdict *verdict) {
    int result = -1;
    size_t capacity = strlen(step->other) + 16;
    char *part = malloc(capacity), *aside = glimpse_step_aside(step);
    if (part && aside) {
        (void)snprintf(part, capacity, "%s.part", step->other);
        int error = make_copy(actions, step->path, part, step->other);
        if (error) {
            (void)glimpse_verdict_errno(verdict, error, "cannot be copied to %s", step->other);
        } else {
            /* The original goes only when nothing can take the copy's name back. */
            error = glimpse_sync_directory_of(step->other);
            glimpse_action_point(actions, "in place");
            if (error) {
                (void)unlink(step->other);
                (void)glimpse_verdict_errno(verdict, error, "the copy at %s cannot be made to last",
                                            step->other);
            } else {
                result = remove_copied(actions, step, aside, keeper, verdict);
                /* An original that comes back after a power cut is found again, no more. */
                (void)glimpse_sync_directory_of(step->path);
            }
        }
    } else {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "out of memory");
    }
    free(part);
    free(aside);
    return result;
}

/* A file at step->other that shares the keeper's blocks and looks like the original. */
static int make_clone(const action_step *step) {
#ifdef FICLONE
    int error = 0, old = open(step->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int from = open(step->keeper, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), to = -1;
    struct stat info;
    if (old < 0 || from < 0 || fstat(old, &info) != 0) error = errno;
    if (!error) {
        to = open(step->other, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (to < 0) error = errno;
    }
    if (!error && ioctl(to, FICLONE, from) != 0) {
        error = errno == EINVAL || errno == ENOTTY || errno == EOPNOTSUPP || errno == ENOSYS
                    ? ENOTSUP
                    : errno;
    }
    if (!error) error = glimpse_action_copy_metadata(to, old, &info);
    if (!error && fsync(to) != 0) error = errno;
    if (to >= 0) {
        if (close(to) != 0 && !error) error = errno;
        if (error) (void)unlink(step->other);
    }
    if (from >= 0) (void)close(from);
    if (old >= 0) (void)close(old);
    return error;
#else
    (void)step;
    return ENOTSUP;
#endif
}

static int make_link(const action_step *step, action_verdict *verdict) {
    int error = 0;
    switch (step->kind) {
    case GLIMPSE_ACTION_HARDLINK:
        error = link(step->keeper, step->other) != 0 ? errno : 0;
        if (error == EXDEV || error == EMLINK || error == EOPNOTSUPP) {
            return glimpse_verdict(verdict, GLIMPSE_OUTCOME_UNSUPPORTED, "no hard link to %s: %s",
                                   step->keeper,
                                   error == EXDEV    ? "it is on another file system"
                                   : error == EMLINK ? "it has as many as it can have"
                                                     : "the file system has none");
        }
        break;
    case GLIMPSE_ACTION_SYMLINK: error = symlink(step->keeper, step->other) != 0 ? errno : 0; break;
    default:
        error = make_clone(step);
        if (error == ENOTSUP || error == EXDEV) {
            return glimpse_verdict(verdict, GLIMPSE_OUTCOME_UNSUPPORTED, "%s",
                                   error == EXDEV
                                       ? "no reflink across file systems"
                                       : "the file system has no reflinks (Btrfs, XFS and "
                                         "bcachefs have)");
        }
    }
    if (error) return glimpse_verdict_errno(verdict, error, "no link to %s", step->keeper);
    return 0;
}

/* What its name leads to now, the symbolic link followed, has its bytes. */
static int link_gives_bytes(const action_step *step, action_verdict *verdict) {
    struct stat info;
    char hex[GLIMPSE_HASH_HEX], *real = realpath(step->path, NULL);
    int error = !real ? errno : glimpse_action_hash(real, &info, hex);
    free(real);
    if (!error && strcmp(hex, step->hash) == 0) return 1;
    (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                          "a link to its keeper %s does not give its bytes%s%s", step->keeper,
                          error ? ": " : "", error ? strerror(error) : "");
    return 0;
}

static int replace(glimpse_actions *actions, action_step *step, action_keeper *keeper,
                   action_verdict *verdict, int *status) {
    struct stat info;
    if (make_link(step, verdict) < 0) return -1;
    glimpse_action_point(actions, "link made");
    if (lstat(step->other, &info) != 0) {
        return glimpse_verdict_errno(verdict, errno, "%s", step->other);
    }
    /* From here on a crash is recovered from by the inodes. */
    step->new_inode = info.st_ino;
    step->new_mtime_ns = glimpse_action_mtime(&info);
    *status = glimpse_journal_set_new(actions, step);
    if (*status < 0) {
        (void)unlink(step->other);
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "%s", glimpse_last_error());
    }
    glimpse_action_point(actions, "link known");
    glimpse_keeper_mark(keeper, step->kind);
    int error = glimpse_action_exchange(step->path, step->other);
    if (error) {
        (void)unlink(step->other);
        if (error == ENOTSUP) {
            return glimpse_verdict(verdict, GLIMPSE_OUTCOME_UNSUPPORTED,
                                   "the file system cannot exchange a file for a link in one step");
        }
        return glimpse_verdict_errno(verdict, error, "cannot be exchanged for a link");
    }
    glimpse_action_point(actions, "exchanged");
    int changed = !glimpse_step_is_original(step, step->other);
    if (changed) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed just now");
    } else if (glimpse_keeper_look(keeper, verdict) == 0 && link_gives_bytes(step, verdict)) {
        error = sync_both(step);
        if (!error) return 0;
        (void)glimpse_verdict_errno(verdict, error, "the link to %s cannot be made to last",
                                    step->keeper);
    }
    error = glimpse_action_exchange(step->path, step->other);
    if (error) {
        return glimpse_verdict_errno(verdict, error, "it %s and is now at %s",
                                     changed ? "changed meanwhile" : "could not be linked safely",
                                     step->other);
    }
    (void)unlink(step->other);
    return -1;
}

int glimpse_step_do(glimpse_actions *actions, const glimpse_action_options *options,
                    const glimpse_action_item *item, int64_t companion_of, const char *target,
                    int64_t run, uint64_t serial, action_done *done, action_verdict *verdict,
                    int *status) {
    struct stat info;
    action_place place = {0};
    action_keeper keeper = {.fd = ACTION_KEEPER_CLOSED};
    char nothing[] = "";
    int result = -1;
    *status = GLIMPSE_OK;
    *done = (action_done){0};
    if (glimpse_step_check(options, item, &info, &keeper, verdict) < 0) goto done;
    if (glimpse_place_choose(&place, actions, options, item, target, run, serial, verdict) < 0)
        goto done;
    done->size = (uint64_t)info.st_size;
    action_step step = {
        .run = run,
        .kind = options->kind,
        .path = (char *)(uintptr_t)item->path,
        .other = place.other,
        .keeper = (char *)(uintptr_t)item->keeper,
        .info = place.info ? place.info : nothing,
        .crossing = place.crossing,
        .size = (uint64_t)info.st_size,
        .mtime_ns = glimpse_action_mtime(&info),
        .inode = info.st_ino,
        .mode = info.st_mode & 07777,
        .companion_of = companion_of,
    };
    (void)snprintf(step.relation, sizeof step.relation, "%s", item->relation ? item->relation : "");
    memcpy(step.hash, item->id, sizeof step.hash);
    memcpy(step.keeper_hash, item->keeper_id, sizeof step.keeper_hash);
    *status = glimpse_journal_add(actions, &step);
    done->id = step.id;
    if (*status < 0) goto done;
    glimpse_action_point(actions, "written down");
    if (place.info && glimpse_place_reserve(&place, item->path, verdict) < 0) {
        result = -1;
    } else {
        glimpse_action_point(actions, "reserved");
        result = glimpse_kind_replaces(step.kind)
                     ? replace(actions, &step, &keeper, verdict, status)
                 : step.crossing ? carry_over(actions, &step, &keeper, verdict)
                                 : set_aside(actions, &step, &keeper, verdict);
    }
    if (*status < 0) goto done;
    /* What could not be brought back stays known, for undo to try again. */
    int away = result == 0 || (!glimpse_step_is_original(&step, step.path) &&
                               glimpse_step_is_original(&step, step.other));
    if (!away && place.info) (void)unlink(place.info);
    glimpse_action_point(actions, "effective");
    *status = glimpse_journal_set_state(actions, &step, away ? STEP_DONE : STEP_ABANDONED);
    glimpse_action_point(actions, "noted");
    done->other = place.other;
    place.other = NULL;
done:
    if (*status < 0)
        result = glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "%s", glimpse_last_error());
    glimpse_keeper_close(&keeper);
    glimpse_place_free(&place);
    return result;
}
