/*
 * actions_undo.c - recovering what a killed process left in doubt, putting files back, and letting
 * go of what is held.
 *
 * Recovering looks where the original is, removes what we made ourselves beside it (a link that was
 * not exchanged, half a copy, a .trashinfo without a file), and writes the matching state. It moves
 * an original in two cases only: back to its name, when its keeper is not there without it or when
 * the process ended before it had looked. When it finds the original nowhere (somebody else was at
 * work), it leaves everything as it is.
 */
#include "actions_internal.h"
#include "core/error.h"
#include "core/file.h"
#include "core/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

/* Of what is held, while it is looked whether its keeper is there without it. */
static const char emptying[] = ".emptying";

static void remove_part(const char *path, const char *ending) {
    char *part = glimpse_action_with_ending(path, ending);
    if (part) (void)unlink(part);
    free(part);
}

/* Is `path` what we put there in place of the original? */
static int is_our_link(const action_step *step, const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0) return 0;
    if (step->kind == GLIMPSE_ACTION_SYMLINK) {
        size_t length = strlen(step->keeper);
        char *target = malloc(length + 2);
        ssize_t got = target ? readlink(path, target, length + 2) : -1;
        int ours = got == (ssize_t)length && memcmp(target, step->keeper, length) == 0;
        free(target);
        return ours;
    }
    if (!S_ISREG(info.st_mode)) return 0;
    if (step->new_inode && (uint64_t)info.st_ino != step->new_inode) return 0;
    if (step->kind == GLIMPSE_ACTION_HARDLINK) {
        if (!step->new_inode) return 0;
        /* The name of a hard link may go whatever the keeper became, as long as that has a name. */
        struct stat keeper;
        if (lstat(step->keeper, &keeper) == 0 && keeper.st_dev == info.st_dev &&
            keeper.st_ino == info.st_ino) {
            return 1;
        }
    } else if ((uint64_t)info.st_size != step->size ||
               glimpse_action_mtime(&info) != step->new_mtime_ns) {
        return 0;
    }
    /* It may be all that is left of what was written into it since. */
    char hex[GLIMPSE_HASH_HEX];
    return glimpse_action_hash(path, &info, hex) == 0 && strcmp(hex, step->hash) == 0;
}

/*
 * Recovering.
 */
/* The original may have been the keeper's only name. */
static int comes_back(const action_step *step) {
    if (glimpse_action_readable(step->keeper)) return 0;
    if (glimpse_kind_replaces(step->kind)) {
        if (!is_our_link(step, step->path)) return 0; /* somebody's new file */
        if (glimpse_action_exchange(step->path, step->other) != 0) return 0;
        (void)unlink(step->other);
        return 1;
    }
    if (glimpse_action_rename(step->other, step->path) != 0) return 0;
    if (*step->info) (void)unlink(step->info);
    return 1;
}

static step_state recover_crossing(const action_step *step) {
    char *aside = glimpse_step_aside(step);
    remove_part(step->other, ".part");
    if (aside && exists(aside) && glimpse_action_rename(aside, step->path) == EEXIST &&
        glimpse_step_is_original(step, step->other)) {
        (void)unlink(aside); /* somebody's new file has its name: the copy is what comes back */
    }
    free(aside);
    if (!glimpse_step_is_original(step, step->path)) {
        return exists(step->other) ? STEP_DONE : STEP_ABANDONED;
    }
    if (glimpse_step_is_original(step, step->other)) (void)unlink(step->other);
    return STEP_ABANDONED;
}

static step_state recover_doing(const action_step *step) {
    if (glimpse_kind_replaces(step->kind)) {
        if (step->new_inode == 0) {
            /* Not exchanged yet: what is at `other`, if anything, is the link. */
            if (glimpse_step_is_original(step, step->path)) (void)unlink(step->other);
            return STEP_ABANDONED;
        }
        if (glimpse_step_is_original(step, step->other)) {
            return comes_back(step) ? STEP_ABANDONED : STEP_DONE;
        }
        if (glimpse_step_is_original(step, step->path)) (void)unlink(step->other);
        return STEP_ABANDONED;
    }
    if (step->crossing) return recover_crossing(step);
    if (glimpse_step_is_original(step, step->other)) {
        return comes_back(step) ? STEP_ABANDONED : STEP_DONE;
    }
    /* The place is free still, so the entry is ours and for nothing. */
    if (*step->info && !exists(step->other)) (void)unlink(step->info);
    return STEP_ABANDONED;
}

static step_state recover_undoing(const action_step *step) {
    if (step->crossing) {
        remove_part(step->path, ".glimpse-part");
        if (!glimpse_step_is_original(step, step->path)) return STEP_DONE;
        if (glimpse_step_is_original(step, step->other)) (void)unlink(step->other);
        return STEP_UNDONE;
    }
    if (exists(step->other)) return STEP_DONE;
    if (!glimpse_step_is_original(step, step->path)) return STEP_DONE;
    if (*step->info) (void)unlink(step->info);
    return STEP_UNDONE;
}

static step_state recover_emptying(const action_step *step) {
    char *aside = glimpse_action_with_ending(step->other, emptying);
    int error = aside ? glimpse_action_rename(aside, step->other) : ENOMEM;
    free(aside);
    if (error == ENOENT) return exists(step->other) ? STEP_DONE : STEP_GONE;
    return error == 0 || error == EEXIST ? STEP_DONE : STEP_EMPTYING;
}

/* Before the journal says that it is so. When it fails, the step stays in doubt, and is recovered
 * by what is there when the journal is opened again. */
static int sync_names(const action_step *step) {
    int error = glimpse_sync_directory_of(step->other);
    if (!error || error == ENOENT) error = glimpse_sync_directory_of(step->path);
    if (!error || error == ENOENT) return GLIMPSE_OK; /* a directory that is gone has no names */
    errno = error;
    return glimpse_fail_errno("%s: where it is now is not known to be on the disk", step->path);
}

static step_state recover(const action_step *step) {
    const int writes = step->kind == GLIMPSE_ACTION_WRITE;
    switch (step->state) {
    case STEP_DOING: return writes ? glimpse_write_recover(step) : recover_doing(step);
    case STEP_UNDOING: return writes ? glimpse_write_recover(step) : recover_undoing(step);
    default: return recover_emptying(step);
    }
}

int glimpse_steps_recover(glimpse_actions *actions) {
    const unsigned in_doubt = 1u << STEP_DOING | 1u << STEP_UNDOING | 1u << STEP_EMPTYING;
    action_steps steps;
    int status = glimpse_journal_load(actions, &steps, 0, in_doubt);
    for (size_t i = 0; i < steps.count && status == GLIMPSE_OK; i++) {
        action_step *step = &steps.items[i];
        const step_state state = recover(step);
        status = sync_names(step);
        if (status < 0) break;
        glimpse_action_point(actions, "recovered");
        status = glimpse_journal_set_state(actions, step, state);
        actions->recovered++;
    }
    glimpse_steps_free(&steps);
    return status;
}

/*
 * Putting back.
 */
static int check_undo(const action_step *step, action_verdict *verdict) {
    int replaced = glimpse_kind_replaces(step->kind);
    if (!exists(step->other)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_MISSING, "it is no longer at %s",
                               step->other);
    }
    if (!glimpse_step_is_original(step, step->other)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED,
                               "%s is not what was put there; left as it is", step->other);
    }
    if (!exists(step->path)) return 0;
    if (!replaced || !is_our_link(step, step->path)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_OCCUPIED,
                               "another file has its name now; it stays at %s", step->other);
    }
    /* Its directory may have become a link to the keeper's: the name is the keeper's own then. */
    struct stat info;
    if (step->kind == GLIMPSE_ACTION_HARDLINK && lstat(step->keeper, &info) == 0 &&
        (uint64_t)info.st_ino == step->new_inode &&
        glimpse_action_same_entry(step->path, step->keeper, info.st_nlink)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_OCCUPIED,
                               "its name leads to its keeper %s now; it stays at %s", step->keeper,
                               step->other);
    }
    return 0;
}

static int carry_back(const glimpse_actions *actions, const action_step *step,
                      action_verdict *verdict) {
    char *part = glimpse_action_with_ending(step->path, ".glimpse-part");
    if (!part) return glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "out of memory");
    int same = 0, error = glimpse_action_copy(step->other, part);
    glimpse_action_point(actions, "copied back");
    if (!error) error = glimpse_action_compare(step->other, part, &same);
    if (!error && !same) error = EBUSY;
    /* From the journal: the other file system may not have kept them. */
    if (!error) error = glimpse_action_restore_facts(part, step->mode, step->mtime_ns);
    if (!error) error = glimpse_action_rename(part, step->path);
    if (error) {
        if (error != EEXIST) (void)unlink(part);
        free(part);
        return glimpse_verdict_errno(verdict, error, "cannot be copied back from %s", step->other);
    }
    free(part);
    error = glimpse_sync_directory_of(step->path);
    glimpse_action_point(actions, "back in place");
    if (error) {
        (void)unlink(step->path); /* the one at `other` is known to be on the disk */
        return glimpse_verdict_errno(verdict, error, "cannot be copied back from %s", step->other);
    }
    (void)unlink(step->other);
    return 0;
}

static int restore(const glimpse_actions *actions, const action_step *step,
                   action_verdict *verdict) {
    char *directory = glimpse_action_directory_of(step->path);
    int status = directory ? glimpse_make_directories(directory) : GLIMPSE_E_NOMEM;
    free(directory);
    if (status < 0) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "%s", glimpse_last_error());
    }
    if (step->crossing) return carry_back(actions, step, verdict);
    int error;
    if (glimpse_kind_replaces(step->kind)) {
        /* Over our own link: one step, and the name is never missing. */
        error = rename(step->other, step->path) != 0 ? errno : 0;
    } else {
        error = glimpse_action_rename(step->other, step->path);
    }
    if (error == EEXIST) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_OCCUPIED,
                               "another file has its name now; it stays at %s", step->other);
    }
    if (error) {
        return glimpse_verdict_errno(verdict, error, "cannot be put back from %s", step->other);
    }
    glimpse_action_point(actions, "put back");
    if (*step->info) (void)unlink(step->info);
    return 0;
}

static int cancelled(const glimpse_actions *actions, glimpse_action_report *report) {
    report->cancelled = actions->cancelled && actions->cancelled(actions->cancelled_user);
    return report->cancelled;
}

static int undo_step(glimpse_actions *actions, action_step *step, action_verdict *verdict) {
    const int writes = step->kind == GLIMPSE_ACTION_WRITE;
    const int refused =
        writes ? glimpse_write_check_undo(step, verdict) : check_undo(step, verdict);
    if (refused < 0) return GLIMPSE_OK;
    int status = glimpse_journal_set_state(actions, step, STEP_UNDOING);
    if (status < 0) return status;
    glimpse_action_point(actions, "undo written down");
    int failed = (writes ? glimpse_write_restore(actions, step, verdict)
                         : restore(actions, step, verdict)) < 0;
    status = sync_names(step);
    if (status < 0) return status;
    glimpse_action_point(actions, "undo effective");
    return glimpse_journal_set_state(actions, step, failed ? STEP_DONE : STEP_UNDONE);
}

/* What the report counts for a step, as the action did: of a file with several names the bytes of
 * the last of its steps, when all names are among them. `removes`: names go one after the other,
 * and with the last of them the file. */
static uint64_t counted(const action_steps *steps, size_t at, int removes) {
    const action_step *step = &steps->items[at];
    struct stat info;
    nlink_t names = 0;
    if (lstat(step->other, &info) != 0 || info.st_nlink < 2) return step->size;
    if (removes) return 0;
    for (size_t i = 0; i < steps->count; i++) {
        const action_step *other = &steps->items[i];
        if (other->inode != step->inode || strcmp(other->hash, step->hash) != 0) continue;
        if (i > at) return 0;
        names++;
    }
    return names == info.st_nlink ? step->size : 0;
}

static void report_item(const action_step *step, const action_verdict *verdict, uint64_t bytes,
                        glimpse_action_fn each, void *user, glimpse_action_report *report) {
    if (verdict->outcome == GLIMPSE_OUTCOME_DONE) {
        if (step->companion_of) {
            report->companions++;
        } else {
            report->done++;
        }
        report->bytes += bytes;
    } else {
        report->left_alone++;
    }
    if (!each) return;
    const glimpse_action_event event = {
        .path = step->path,
        .other = step->other,
        .kind = step->kind,
        .outcome = verdict->outcome,
        .message = verdict->outcome == GLIMPSE_OUTCOME_DONE ? "" : verdict->message,
        .bytes = step->size,
        .keeper = step->keeper,
    };
    each(user, &event);
}

/* The picture that a companion goes with, among the steps to take back; they come last first, so
 * that it is behind its companions. NULL: none, it was taken back before. */
static const action_step *picture_of(const action_steps *steps, size_t at) {
    const int64_t id = steps->items[at].companion_of;
    for (size_t i = at + 1; id != 0 && i < steps->count && steps->items[i].id >= id; i++) {
        if (steps->items[i].id == id) return &steps->items[i];
    }
    return NULL;
}

/* A picture, then what went with it, for that stays when the picture does. */
static int undo_with_companions(glimpse_actions *actions, const action_steps *steps, size_t at,
                                glimpse_action_fn each, void *user, glimpse_action_report *report) {
    action_step *step = &steps->items[at];
    action_verdict verdict = {GLIMPSE_OUTCOME_DONE, ""};
    uint64_t bytes = counted(steps, at, 0);
    int status = undo_step(actions, step, &verdict);
    if (status == GLIMPSE_OK) report_item(step, &verdict, bytes, each, user, report);
    const int stays = verdict.outcome != GLIMPSE_OUTCOME_DONE;
    for (size_t i = at; status == GLIMPSE_OK && i-- > 0;) {
        action_step *companion = &steps->items[i];
        if (companion->companion_of != step->id) break;
        verdict = (action_verdict){GLIMPSE_OUTCOME_DONE, ""};
        if (stays) {
            (void)glimpse_verdict(&verdict, GLIMPSE_OUTCOME_COMPANION,
                                  "its picture was left alone; it stays at %s", companion->other);
        } else {
            bytes = counted(steps, i, 0);
            status = undo_step(actions, companion, &verdict);
        }
        if (status == GLIMPSE_OK) report_item(companion, &verdict, bytes, each, user, report);
    }
    return status;
}

int glimpse_actions_undo(glimpse_action_report *report, glimpse_actions *actions, int64_t run,
                         glimpse_action_fn each, void *user) {
    const glimpse_kept_error before = glimpse_error_keep();
    if (!actions || !report || run < 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no journal, or no such run");
    }
    glimpse_action_report own = GLIMPSE_ACTION_REPORT_INIT;
    action_steps steps = {0};
    int status = GLIMPSE_REPORT_CHECK(report, glimpse_action_report, cancelled);
    if (status < 0) return status;
    if (run == 0) status = glimpse_journal_latest(actions, &run);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is nothing to undo");
    }
    if (status == GLIMPSE_OK) status = glimpse_journal_load(actions, &steps, run, 1u << STEP_DONE);
    if (status == GLIMPSE_OK && steps.count == 0) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "run %lld has nothing to undo", (long long)run);
    }
    if (status == GLIMPSE_OK && steps.items[0].kind == GLIMPSE_ACTION_MOVE)
        status = glimpse_manifest_begin(actions, run, NULL);
    for (size_t i = 0; i < steps.count && status == GLIMPSE_OK && !cancelled(actions, &own); i++) {
        if (picture_of(&steps, i)) continue;
        status = undo_with_companions(actions, &steps, i, each, user, &own);
    }
    if (status == GLIMPSE_OK && steps.items[0].kind == GLIMPSE_ACTION_MOVE)
        status = glimpse_manifest_update(actions, run);
    glimpse_steps_free(&steps);
    own.run = run;
    GLIMPSE_REPORT_STORE(report, &own);
    if (status == GLIMPSE_OK) status = glimpse_journal_tidy(actions);
    if (status == GLIMPSE_OK) glimpse_error_restore(&before);
    return status;
}

/*
 * Letting go.
 */
/* Something must be left of what it was a duplicate of: a file with the bytes that the keeper had,
 * which is another one than what is held. `at` and `id` are the keeper's or, of a hard link and a
 * reflink, which have the bytes themselves, those of the link. */
static int check_left(action_keeper *out, const action_step *step, const char *at, const char *id,
                      action_verdict *verdict) {
    struct stat info;
    int same = 0;
    const glimpse_action_item item = {
        .path = step->other, .keeper = at, .id = step->hash, .keeper_id = id};
    if (lstat(step->other, &info) != 0) {
        return glimpse_verdict_errno(verdict, errno, "%s", step->other);
    }
    int result = glimpse_keeper_open(out, &item, &info, verdict);
    if (result == 0 && strcmp(id, step->hash) == 0) {
        int error = glimpse_action_compare(step->other, at, &same);
        if (error || !same) {
            result = glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                                     "its keeper %s has not the same bytes%s%s", at,
                                     error ? ": " : "", error ? strerror(error) : "");
        }
    }
    if (result < 0) glimpse_keeper_close(out);
    return result;
}

/* The message of a look that failed, and what to do. */
static int refuse_empty(const action_step *step, action_verdict *verdict) {
    const action_verdict why = *verdict;
    char run[24];
    (void)snprintf(run, sizeof run, "%lld", (long long)step->run);
    return glimpse_verdict(
        verdict, GLIMPSE_OUTCOME_KEEPER,
        "%.600s, so this may be all that is left. If the keeper is elsewhere now: "
        "%s, and act again, which finds it there; else look at both, and remove "
        "%s yourself",
        why.message, glimpse_wording("glimpse_actions_undo", run), step->other);
}

/* 0 with `keeper` open (closed when nothing is held), or -1 with a verdict. */
static int check_empty(action_keeper *keeper, const action_step *step, action_verdict *verdict) {
    int own = step->kind == GLIMPSE_ACTION_HARDLINK || step->kind == GLIMPSE_ACTION_REFLINK;
    int links = glimpse_kind_replaces(step->kind);
    const char *id = *step->keeper_hash && !links ? step->keeper_hash : step->hash;
    *keeper = (action_keeper){.fd = ACTION_KEEPER_CLOSED};
    if (step->kind == GLIMPSE_ACTION_WRITE) return glimpse_write_check_empty(step, verdict);
    if (!exists(step->other)) return 0;
    if (!glimpse_step_is_original(step, step->other)) {
        return glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED,
                               "%s is not what was put there; left as it is", step->other);
    }
    if (step->companion_of && !glimpse_companion_is_beside(step->keeper, step->other)) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                              "beside its picture's keeper %s nothing has its bytes", step->keeper);
        return refuse_empty(step, verdict);
    }
    action_verdict of_link;
    if (check_left(keeper, step, step->keeper, id, verdict) == 0) return 0;
    if (own && check_left(keeper, step, step->path, step->hash, &of_link) == 0) {
        verdict->outcome = GLIMPSE_OUTCOME_DONE;
        return 0;
    }
    if (!*step->keeper_hash && !links && glimpse_action_readable(step->keeper)) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_KEEPER,
                              "an older version did not write down which bytes its keeper %s had",
                              step->keeper);
    }
    return refuse_empty(step, verdict);
}

/* In two steps, like every action: out of the way, which can be taken back, and, once the keeper
 * was seen without it, for good. */
static int empty_held(const glimpse_actions *actions, const action_step *step,
                      action_keeper *keeper, action_verdict *verdict) {
    char *aside = glimpse_action_with_ending(step->other, emptying);
    if (!aside) return glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "out of memory");
    glimpse_keeper_mark(keeper, GLIMPSE_ACTION_DELETE);
    int result = -1, error = glimpse_action_rename(step->other, aside);
    if (error == 0) {
        glimpse_action_point(actions, "set aside");
        if (!glimpse_step_is_original(step, aside)) {
            (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_CHANGED, "it changed just now");
        } else if (glimpse_keeper_look(keeper, verdict) < 0) {
            (void)refuse_empty(step, verdict);
        } else if (unlink(aside) == 0) {
            result = 0;
        } else {
            (void)glimpse_verdict_errno(verdict, errno, "%s", step->other);
        }
        if (result < 0 && (error = glimpse_action_rename(aside, step->other)) != 0) {
            (void)glimpse_verdict_errno(verdict, error, "it is now at %s", aside);
        }
    } else if (error == ENOENT) {
        result = 0;
    } else {
        (void)glimpse_verdict_errno(verdict, error, "%s", step->other);
    }
    free(aside);
    return result;
}

static int empty_step(glimpse_actions *actions, action_step *step, action_keeper *keeper,
                      action_verdict *verdict) {
    int status = glimpse_journal_set_state(actions, step, STEP_EMPTYING);
    if (status < 0) return status;
    glimpse_action_point(actions, "emptying");
    if (step->kind == GLIMPSE_ACTION_WRITE) {
        glimpse_write_empty(step);
        return glimpse_journal_set_state(actions, step, STEP_GONE);
    }
    /* What went by itself since it was looked at has no keeper open. */
    int kept = keeper->fd != ACTION_KEEPER_CLOSED && empty_held(actions, step, keeper, verdict) < 0;
    glimpse_action_point(actions, "emptied");
    step_state state = !kept || !exists(step->other) ? STEP_GONE : STEP_DONE;
    if (kept && state == STEP_GONE) return GLIMPSE_OK; /* aside: in doubt until the next opening */
    return glimpse_journal_set_state(actions, step, state);
}

int glimpse_actions_empty(glimpse_action_report *report, glimpse_actions *actions, int64_t run,
                          int apply, glimpse_action_fn each, void *user) {
    const glimpse_kept_error before = glimpse_error_keep();
    if (!actions || !report || run < 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no journal, or no such run");
    }
    glimpse_action_report own = GLIMPSE_ACTION_REPORT_INIT;
    action_steps steps = {0};
    int status = GLIMPSE_REPORT_CHECK(report, glimpse_action_report, cancelled);
    if (status < 0) return status;
    status = glimpse_journal_load(actions, &steps, run, 1u << STEP_DONE);
    for (size_t i = 0; i < steps.count && status == GLIMPSE_OK && !cancelled(actions, &own); i++) {
        action_step *step = &steps.items[i];
        if (step->kind == GLIMPSE_ACTION_MOVE || step->kind == GLIMPSE_ACTION_TRASH) continue;
        action_verdict verdict = {GLIMPSE_OUTCOME_DONE, ""};
        action_keeper keeper;
        const uint64_t bytes = counted(&steps, i, apply);
        if (check_empty(&keeper, step, &verdict) == 0 && apply) {
            status = empty_step(actions, step, &keeper, &verdict);
        }
        glimpse_keeper_close(&keeper);
        if (status == GLIMPSE_OK) report_item(step, &verdict, bytes, each, user, &own);
    }
    glimpse_steps_free(&steps);
    own.run = run;
    GLIMPSE_REPORT_STORE(report, &own);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
