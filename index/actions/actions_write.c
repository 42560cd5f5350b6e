/*
 * actions_write.c - new bytes in files, with the version before held; actions_write.h has the order
 * of what happens on the disk.
 */
#include "actions_write.h"

#include "actions_internal.h"
#include "core/error.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char no_hash[GLIMPSE_HASH_HEX] = "00000000000000000000000000000000";
static const char part_ending[] = ".glimpse-part";

static int is_made(const action_step *step) {
    return strcmp(step->hash, no_hash) == 0;
}

static int exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

static int has_bytes(const char *path, const char *hash) {
    struct stat info;
    char hex[GLIMPSE_HASH_HEX];
    return glimpse_action_hash(path, &info, hex) == 0 && strcmp(hex, hash) == 0;
}

int glimpse_actions_begin_writes(int64_t *run, glimpse_actions *actions) {
    return glimpse_journal_begin_run(actions, GLIMPSE_ACTION_WRITE, run);
}

const char *glimpse_actions_staging(const glimpse_actions *actions) {
    return actions->staging;
}

int glimpse_actions_end_writes(glimpse_actions *actions) {
    (void)unlink(actions->staging);
    return glimpse_journal_tidy(actions);
}

/*
 * The look before.
 */
static int check_directory(const char *path, action_verdict *verdict) {
    char *directory = glimpse_action_directory_of(path);
    const int error = !directory ? ENOMEM : access(directory, W_OK | X_OK) != 0 ? errno : 0;
    free(directory);
    if (error) return glimpse_verdict_errno(verdict, error, "its folder cannot be changed");
    return 0;
}

static int check(const glimpse_action_write *write, struct stat *info, action_verdict *verdict) {
    char hex[GLIMPSE_HASH_HEX];
    const int makes = !*write->id;
    if (lstat(write->path, info) != 0) {
        if (!makes || errno != ENOENT) return glimpse_verdict_errno(verdict, errno, "it is gone");
        *info = (struct stat){0};
        return check_directory(write->path, verdict);
    }
    if (makes) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_OCCUPIED, "it is there by now");
    }
    if (!S_ISREG(info->st_mode)) {
        return glimpse_verdict(
            verdict, S_ISLNK(info->st_mode) ? GLIMPSE_OUTCOME_LINKED : GLIMPSE_OUTCOME_CHANGED,
            "%s",
            S_ISLNK(info->st_mode) ? "it is a symbolic link; write to the file that it leads to"
                                   : "it is no regular file");
    }
    if (info->st_nlink > 1) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_LINKED,
                               "it has %lu hard links; the others would keep the old version",
                               (unsigned long)info->st_nlink);
    }
    if ((info->st_mode & 0222) == 0) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_READ_ONLY,
                               "it is read-only, which somebody may have meant");
    }
    if (check_directory(write->path, verdict) < 0) return -1;
    const int error = glimpse_action_hash(write->path, info, hex);
    if (error) return glimpse_verdict_errno(verdict, error, "it cannot be read");
    if (strcmp(hex, write->id) != 0) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed since it was seen");
    }
    return 0;
}

static void store_verdict(glimpse_action_written *out, const action_verdict *verdict) {
    out->outcome = verdict->outcome;
    out->message[0] = '\0';
    if (verdict->outcome != GLIMPSE_OUTCOME_DONE)
        memcpy(out->message, verdict->message, sizeof out->message);
}

void glimpse_actions_check_write(glimpse_action_written *out, const glimpse_action_write *write) {
    struct stat info;
    action_verdict verdict = {GLIMPSE_OUTCOME_DONE, ""};
    *out = (glimpse_action_written){0};
    if (check(write, &info, &verdict) == 0) out->held = (uint64_t)info.st_size;
    store_verdict(out, &verdict);
}

/*
 * The effects.
 */
/* Permissions and owner for a new file; that they cannot be given is no reason to refuse. */
static void give_permissions(int fd, const char *model) {
    struct stat info, now;
    if (!model || stat(model, &info) != 0 || fstat(fd, &now) != 0) return;
    int given = now.st_uid == info.st_uid && now.st_gid == info.st_gid;
    if (!given) given = fchown(fd, info.st_uid, info.st_gid) == 0;
    (void)fchmod(fd, info.st_mode & (given ? 0666 : 0644));
}

/* The staged bytes in a new file `to`, which looks like the one at `path`. 0 or an errno. */
static int make_new(const char *staging, const char *to, const glimpse_action_write *write) {
    struct stat info;
    int old = -1, fd = -1, error = glimpse_action_copy(staging, to);
    if (error) return error;
    fd = open(to, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) error = errno;
    if (!error && *write->id) {
        error = glimpse_action_open(write->path, &info, &old);
        if (!error) {
            error = glimpse_action_copy_metadata(fd, old, &info);
            (void)close(old);
        }
    } else if (!error) {
        give_permissions(fd, write->model);
    }
    const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    if (!error && !(write->keep_time && *write->id) && futimens(fd, now) != 0) error = errno;
    if (!error && fsync(fd) != 0) error = errno;
    if (fd >= 0) (void)close(fd);
    if (error) (void)unlink(to);
    return error;
}

/* Where the version before is held. malloc'ed; NULL: with a verdict. */
static char *choose_held(const glimpse_actions *actions, const char *path, int64_t run,
                         uint64_t serial, action_verdict *verdict) {
    char *held = glimpse_path_join(actions->directory, "held"), *out = NULL;
    const char *base = strrchr(path, '/') + 1;
    const size_t length = strlen(base), skip = length > 200 ? length - 200 : 0;
    char *name = malloc(length + 64);
    if (held && name) {
        (void)snprintf(name, length + 64, "%lld-%llu-%s", (long long)run,
                       (unsigned long long)serial, base + skip);
        out = glimpse_path_join(held, name);
    }
    const int error = !out ? ENOMEM : mkdir(held, 0700) != 0 && errno != EEXIST ? errno : 0;
    if (error) {
        (void)glimpse_verdict_errno(verdict, error, "the version before cannot be held in %s",
                                    actions->directory);
        free(out);
        out = NULL;
    }
    free(held);
    free(name);
    return out;
}

static int hold(const action_step *step, action_verdict *verdict) {
    int error = glimpse_action_copy(step->path, step->other);
    if (!error) error = glimpse_sync_directory_of(step->other);
    if (error) {
        return glimpse_verdict_errno(verdict, error, "the version before cannot be held at %s",
                                     step->other);
    }
    /* The file may have been saved while it was copied. */
    if (has_bytes(step->other, step->hash)) return 0;
    return glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed just now");
}

/* Puts `aside` in the place of the file, and takes that back when it was not the one that was seen.
 */
static int exchange(const glimpse_actions *actions, const action_step *step, const char *aside,
                    const char *expected, action_verdict *verdict) {
    int error = glimpse_action_exchange(step->path, aside);
    if (error == ENOTSUP) {
        if (!has_bytes(step->path, expected)) {
            return glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed just now");
        }
        if (rename(aside, step->path) == 0) return 0;
        error = errno;
    }
    if (error) return glimpse_verdict_errno(verdict, error, "it cannot be replaced");
    glimpse_action_point(actions, "exchanged");
    if (!has_bytes(aside, expected)) {
        error = glimpse_action_exchange(step->path, aside);
        return error ? glimpse_verdict_errno(verdict, error,
                                             "it changed meanwhile and is now at %s", aside)
                     : glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed just now");
    }
    return 0;
}

static int replace_file(glimpse_actions *actions, action_step *step, const char *aside,
                        const glimpse_action_write *write, action_verdict *verdict, int *status) {
    struct stat info;
    int error = make_new(actions->staging, aside, write);
    if (error) return glimpse_verdict_errno(verdict, error, "the new version cannot be written");
    glimpse_action_point(actions, "made");
    if (!has_bytes(aside, step->keeper_hash) || lstat(aside, &info) != 0) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED,
                               "the new version is not what was written");
    }
    step->new_inode = info.st_ino;
    step->new_mtime_ns = glimpse_action_mtime(&info);
    *status = glimpse_journal_set_new(actions, step);
    if (*status < 0) return -1;
    glimpse_action_point(actions, "known");
    if (is_made(step)) {
        error = glimpse_action_rename(aside, step->path);
        if (error == EEXIST)
            return glimpse_verdict(verdict, GLIMPSE_OUTCOME_OCCUPIED, "it is there by now");
        if (error) return glimpse_verdict_errno(verdict, error, "it cannot be made");
    } else if (exchange(actions, step, aside, step->hash, verdict) < 0) {
        return -1;
    }
    glimpse_action_point(actions, "in place");
    error = glimpse_sync_directory_of(step->path);
    if (error) (void)error; /* after a power cut the old version may be back: whole, and known */
    return 0;
}

int glimpse_actions_write(glimpse_action_written *out, glimpse_actions *actions, int64_t run,
                          uint64_t serial, const glimpse_action_write *write) {
    struct stat info;
    action_verdict verdict = {GLIMPSE_OUTCOME_DONE, ""};
    char *held = NULL, *aside = NULL, nothing[] = "";
    int status = GLIMPSE_OK;
    *out = (glimpse_action_written){0};
    action_step step = {.run = run, .kind = GLIMPSE_ACTION_WRITE, .crossing = 1, .info = nothing};
    if (check(write, &info, &verdict) < 0) goto done;
    struct stat staged;
    int error = glimpse_action_hash(actions->staging, &staged, step.keeper_hash);
    if (error) {
        (void)glimpse_verdict_errno(&verdict, error, "%s", actions->staging);
        goto done;
    }
    if (*write->id && !(held = choose_held(actions, write->path, run, serial, &verdict))) goto done;
    step.path = (char *)(uintptr_t)write->path;
    step.other = held ? held : step.path;
    step.keeper = nothing;
    step.size = held ? (uint64_t)info.st_size : 0;
    step.mtime_ns = held ? glimpse_action_mtime(&info) : 0;
    step.inode = held ? info.st_ino : 0;
    step.mode = held ? info.st_mode & 07777 : 0;
    (void)snprintf(step.hash, sizeof step.hash, "%s", held ? write->id : no_hash);
    status = glimpse_journal_add(actions, &step);
    if (status < 0) goto done;
    glimpse_action_point(actions, "written down");
    aside = glimpse_step_aside(&step);
    int written = 0;
    if (!aside) {
        (void)glimpse_verdict(&verdict, GLIMPSE_OUTCOME_FAILED, "out of memory");
    } else if (!held || hold(&step, &verdict) == 0) {
        glimpse_action_point(actions, "held");
        written = replace_file(actions, &step, aside, write, &verdict, &status) == 0;
    }
    if (status < 0) goto done; /* in doubt until the journal is opened again */
    /* After an exchange it is the old version, which is held; else ours, for nothing. */
    if (aside && (written || has_bytes(aside, step.keeper_hash))) (void)unlink(aside);
    glimpse_action_point(actions, "effective");
    if (!written && held) (void)unlink(held);
    status = glimpse_journal_set_state(actions, &step, written ? STEP_DONE : STEP_ABANDONED);
    glimpse_action_point(actions, "noted");
    if (written) out->held = step.size;
done:
    if (status < 0)
        (void)glimpse_verdict(&verdict, GLIMPSE_OUTCOME_FAILED, "%s", glimpse_last_error());
    store_verdict(out, &verdict);
    free(held);
    free(aside);
    return status;
}

/*
 * Recovering.
 */
static void drop_held(const action_step *step) {
    if (!is_made(step)) (void)unlink(step->other);
}

static step_state recover_doing(const action_step *step, const char *aside) {
    const int is_new = has_bytes(step->path, step->keeper_hash);
    if (exists(aside)) {
        const int is_ours = step->new_inode == 0 || has_bytes(aside, step->hash) ||
                            has_bytes(aside, step->keeper_hash);
        if (is_ours) {
            (void)unlink(aside);
        } else if (is_new && rename(aside, step->path) == 0) {
            drop_held(step); /* it was saved between the look and the exchange */
            return STEP_ABANDONED;
        }
    }
    if (is_new) return STEP_DONE;
    const int is_old = is_made(step) ? !exists(step->path) : has_bytes(step->path, step->hash);
    if (!is_old && step->new_inode != 0) return STEP_DONE; /* saved by somebody since, perhaps */
    drop_held(step);
    return STEP_ABANDONED;
}

static step_state recover_undoing(const action_step *step, const char *aside) {
    if (is_made(step)) {
        if (exists(aside) && glimpse_action_rename(aside, step->path) == 0) return STEP_DONE;
        return exists(step->path) ? STEP_DONE : STEP_UNDONE;
    }
    if (exists(aside)) {
        const int is_ours = has_bytes(aside, step->keeper_hash) || has_bytes(aside, step->hash) ||
                            !has_bytes(step->path, step->hash); /* half a copy */
        if (is_ours) {
            (void)unlink(aside);
        } else {
            (void)rename(aside, step->path);
            return STEP_DONE;
        }
    }
    if (!has_bytes(step->path, step->hash)) return STEP_DONE;
    drop_held(step);
    return STEP_UNDONE;
}

step_state glimpse_write_recover(const action_step *step) {
    const int undoing = step->state == STEP_UNDOING;
    char *aside = undoing && !is_made(step) ? glimpse_action_with_ending(step->path, part_ending)
                                            : glimpse_step_aside(step);
    if (!aside) return (step_state)step->state;
    const step_state state = undoing ? recover_undoing(step, aside) : recover_doing(step, aside);
    free(aside);
    return state;
}

/*
 * Taking back.
 */
int glimpse_write_check_undo(const action_step *step, action_verdict *verdict) {
    if (!is_made(step) && !exists(step->other)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_MISSING,
                               "the version before is no longer at %s", step->other);
    }
    if (!is_made(step) && !has_bytes(step->other, step->hash)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED,
                               "%s is not what was put there; left as it is", step->other);
    }
    if (exists(step->path) && !has_bytes(step->path, step->keeper_hash)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED,
                               "it was changed after it was written, and stays as it is%s%s",
                               is_made(step) ? "" : "; the version before is at ",
                               is_made(step) ? "" : step->other);
    }
    return 0;
}

static int remove_made(const glimpse_actions *actions, const action_step *step,
                       action_verdict *verdict) {
    char *aside = glimpse_step_aside(step);
    int result = 0, error = aside ? glimpse_action_rename(step->path, aside) : ENOMEM;
    glimpse_action_point(actions, "set aside");
    if (error == ENOENT) {
        /* Somebody removed it. */
    } else if (error) {
        result = glimpse_verdict_errno(verdict, error, "it cannot be removed");
    } else if (!has_bytes(aside, step->keeper_hash)) {
        result = glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed just now");
        error = glimpse_action_rename(aside, step->path);
        if (error) (void)glimpse_verdict_errno(verdict, error, "it is now at %s", aside);
    } else {
        (void)unlink(aside);
    }
    free(aside);
    return result;
}

int glimpse_write_restore(const glimpse_actions *actions, const action_step *step,
                          action_verdict *verdict) {
    if (is_made(step)) return remove_made(actions, step, verdict);
    char *part = glimpse_action_with_ending(step->path, part_ending);
    int result = -1, error = part ? glimpse_action_copy(step->other, part) : ENOMEM;
    glimpse_action_point(actions, "copied back");
    /* From the journal: where the copy was held may not keep them. */
    if (!error) error = glimpse_action_restore_facts(part, step->mode, step->mtime_ns);
    if (error) {
        (void)glimpse_verdict_errno(verdict, error, "cannot be put back from %s", step->other);
    } else if (!exists(step->path)) {
        error = glimpse_action_rename(part, step->path);
        result =
            error ? glimpse_verdict_errno(verdict, error, "cannot be put back from %s", step->other)
                  : 0;
    } else {
        result = exchange(actions, step, part, step->keeper_hash, verdict);
    }
    glimpse_action_point(actions, "back in place");
    if (result == 0) {
        error = glimpse_sync_directory_of(step->path);
        (void)unlink(part);
        if (!error) (void)unlink(step->other);
    } else if (part && error != EEXIST &&
               (has_bytes(part, step->hash) || has_bytes(part, step->keeper_hash) || error)) {
        (void)unlink(part);
    }
    free(part);
    return result;
}

/*
 * Letting go.
 */
int glimpse_write_check_empty(const action_step *step, action_verdict *verdict) {
    struct stat info;
    if (is_made(step) || !exists(step->other)) return 0;
    if (lstat(step->path, &info) == 0 && S_ISREG(info.st_mode)) return 0;
    return glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                           "%s is gone, so this version of it may be all that is left: look at %s, "
                           "and remove it yourself",
                           step->path, step->other);
}

void glimpse_write_empty(const action_step *step) {
    drop_held(step);
}
