/*
 * actions_internal.h - what the files behind <glimpse/actions.h> share.
 *
 * A step is one file of one run. Its states, and what each promises about the disk:
 *
 *     DOING      in doubt: the original is at `path` or at `other`, whole
 *     DONE       the original is at `other` (at `path` only if somebody put it back by hand)
 *     UNDOING    in doubt again, in the same way
 *     UNDONE     the original is at `path`
 *     ABANDONED  it was left at `path`; nothing of ours is left behind
 *     EMPTYING   in doubt: removed for good or not
 *     GONE       removed for good
 *
 * A row is committed before the disk is touched and after it was (a commit is on the disk when the
 * call returns). Recovering a step in doubt means looking where the original is.
 */
#ifndef GLIMPSE_INDEX_ACTIONS_INTERNAL_H
#define GLIMPSE_INDEX_ACTIONS_INTERNAL_H

#include "core/hash.h"
#include "store.h"

#include <glimpse/actions.h>

#include <sys/stat.h>

typedef enum step_state {
    STEP_DOING = 1, /* the numbers are stored */
    STEP_DONE = 2,
    STEP_UNDOING = 3,
    STEP_UNDONE = 4,
    STEP_ABANDONED = 5,
    STEP_EMPTYING = 6,
    STEP_GONE = 7
} step_state;

/* path: where the file belongs; other: where the original is put; info: TRASH: the .trashinfo, else
 * ""; crossing: MOVE to another file system, copied; mode: permissions; inode: of the original;
 * new_inode: links: of what takes its place, else 0. */
typedef glimpse_journal_step action_step;

struct glimpse_actions {
    char *directory; /* of the journal */
    glimpse_journal *journal;
    int lock;
    char *staging; /* actions_write.h */
    uint64_t recovered;
    int (*cancelled)(void *user); /* of undo and empty */
    void *cancelled_user;
    /* Tests only: called between any two effects, to be killed there. */
    void (*point)(void *user, const char *name);
    void *point_user;
};

/* Like glimpse_actions_open with a point already during recovery. */
int glimpse_actions_open_with(glimpse_actions **out, const char *directory,
                              void (*point)(void *user, const char *name), void *user);
void glimpse_action_point(const glimpse_actions *actions, const char *name);

/* What was found about a file, with words for people. */
typedef struct action_verdict {
    glimpse_action_outcome outcome;
    char message[1024];
} action_verdict;
int glimpse_verdict(action_verdict *verdict, glimpse_action_outcome outcome, const char *format,
                    ...) GLIMPSE_PRINTF(3, 4); /* returns -1 */
/* From errno: EROFS, EACCES and EPERM are READ_ONLY, ENOENT is MISSING, EXDEV UNSUPPORTED. */
int glimpse_verdict_errno(action_verdict *verdict, int error, const char *format, ...)
    GLIMPSE_PRINTF(3, 4);

/*
 * actions_file.c: the disk. Calls return 0 or an errno.
 */
/* For reading, regular files only, links not followed. */
int glimpse_action_open(const char *path, struct stat *info, int *fd);
int glimpse_action_hash_open(int fd, char *hex); /* from where the descriptor stands */
int glimpse_action_hash(const char *path, struct stat *info, char *hex); /* regular files only */
/* *same is 1 when both have the same bytes. */
int glimpse_action_compare(const char *a, const char *b, int *same);
/* A new file `to` with the bytes, times, permissions, owner (where allowed) and extended attributes
 * of `from`; on the disk when the call returns. Nothing is left behind on failure. */
int glimpse_action_copy(const char *from, const char *to);
/* Gives `to` the times, permissions, owner and extended attributes of `info`/`from`. */
int glimpse_action_copy_metadata(int to, int from, const struct stat *info);
/* Renames unless `to` exists (EEXIST). */
int glimpse_action_rename(const char *from, const char *to);
/* Exchanges two names in one step. ENOTSUP where the system cannot. */
int glimpse_action_exchange(const char *a, const char *b);
int64_t glimpse_action_mtime(const struct stat *info);
/* Gives `path` a mode and a time of change that were written down. */
int glimpse_action_restore_facts(const char *path, unsigned mode, int64_t mtime_ns);
/* malloc'ed: "PATH.part" or "PATH.glimpse-part"; NULL when out of memory. */
char *glimpse_action_with_ending(const char *path, const char *ending);
/* malloc'ed directory of an absolute path; NULL when out of memory. */
char *glimpse_action_directory_of(const char *path);

/*
 * actions_keeper.c: that the keeper stays readable at its name, whatever names lead to it. 0, or -1
 * with a verdict.
 */
typedef struct action_keeper {
    const char *path, *id; /* borrowed */
    int fd;                /* open from the look before to the look after: its inode cannot go */
    struct stat info;
    int same_inode;   /* as the file that is acted on: a hard link to it */
    int other_device; /* than the file's */
    int marked;       /* `changed` is its status time, and must stay */
    struct timespec changed;
} action_keeper;
enum { ACTION_KEEPER_CLOSED = -1 };
/* Opens the keeper of `item`, whose file is `info`, and looks at its bytes. Refuses a keeper that
 * is the same directory entry as the file. Close it in any case. */
int glimpse_keeper_open(action_keeper *out, const glimpse_action_item *item,
                        const struct stat *info, action_verdict *verdict);
void glimpse_keeper_close(action_keeper *keeper);
/* Right before the file's name goes. */
void glimpse_keeper_mark(action_keeper *keeper, glimpse_action_kind kind);
/* Right after: its name leads to the inode that is held open, it can be read to its end, has the
 * bytes it had, and was not touched by what happened to the file. */
int glimpse_keeper_look(const action_keeper *keeper, action_verdict *verdict);
/* 1 when both names, of one inode, are one directory entry, as far as can be told without changing
 * anything; `links` is the number of names the inode has. */
int glimpse_action_same_entry(const char *a, const char *b, nlink_t links);
/* 1 when `path` is a regular file that can be opened. */
int glimpse_action_readable(const char *path);

/*
 * actions_place.c: where an original is put. 0, or -1 with a verdict.
 */
typedef struct action_place {
    char *other, *info;
    int crossing;
} action_place;
void glimpse_place_free(action_place *place);
/* `actions` NULL: a preview, no directory is made. `run` and `serial` go into names. `target`, of a
 * MOVE: the path that is wanted; NULL: what the item says. */
int glimpse_place_choose(action_place *out, const glimpse_actions *actions,
                         const glimpse_action_options *options, const glimpse_action_item *item,
                         const char *target, int64_t run, uint64_t serial, action_verdict *verdict);
/* TRASH: writes the .trashinfo, reserving the name. */
int glimpse_place_reserve(const action_place *place, const char *path, action_verdict *verdict);

/*
 * actions_companions.c: files that belong to a picture.
 */
typedef enum companion_kind {
    COMPANION_NONE = 0,
    COMPANION_RAW,
    COMPANION_VIDEO,
    COMPANION_SIDECAR,
    COMPANION_THUMBNAIL
} companion_kind;
typedef struct action_companion {
    char *path;
    companion_kind kind;
    size_t shared; /* bytes of its name that the picture's begins with as well */
} action_companion;
typedef struct action_companions {
    action_companion *items; /* RAW and video before sidecars */
    size_t count;
} action_companions;
/* Paths that are as good as gone, for a preview. */
typedef struct action_gone {
    const char **paths; /* [count] borrowed */
    size_t count, capacity;
} action_gone;
/* The companions of a picture that go when it goes; of what it shares with a picture that stays
 * (one that is there and not `gone`) none. 0 or an errno. */
int glimpse_companions_find(action_companions *out, const char *path, const action_gone *gone);
void glimpse_companions_free(action_companions *companions);
/* TRASH, DELETE: what goes with a picture is beside its keeper as well. 0, or -1 with a verdict. */
int glimpse_companions_check(const action_companions *companions, const char *keeper,
                             action_verdict *verdict);
/* 1 when a file of the bytes of `path` belongs to the keeper by its name. */
int glimpse_companion_is_beside(const char *keeper, const char *path);
/* malloc'ed: where a companion of `path` goes when that goes to `other`; NULL: out of memory. */
char *glimpse_companion_target(const action_companion *companion, const char *path,
                               const char *other);

/*
 * actions_manifest.c: the list of what was moved, in the directory it was moved to.
 */
/* Before the first step of a run, or of its undo: the list is not what the journal says. */
int glimpse_manifest_begin(glimpse_actions *actions, int64_t run, const char *directory);
/* Makes the list say of `run` what the journal says. */
int glimpse_manifest_update(glimpse_actions *actions, int64_t run);
/* Brings those up to date that a killed process left. What cannot be written is left. */
int glimpse_manifests_recover(glimpse_actions *actions);

/*
 * actions_journal.c: the database.
 */
int glimpse_journal_open(glimpse_actions *actions);
void glimpse_journal_close(glimpse_actions *actions);
int glimpse_journal_begin_run(glimpse_actions *actions, glimpse_action_kind kind, int64_t *run);
/* Adds a step as DOING and sets its id. */
int glimpse_journal_add(glimpse_actions *actions, action_step *step);
int glimpse_journal_set_new(glimpse_actions *actions, const action_step *step);
int glimpse_journal_set_state(glimpse_actions *actions, action_step *step, step_state state);
/* Writes down those of `directory` and the directories above it that are not there yet: this run
 * makes them. */
int glimpse_journal_note_directories(const glimpse_actions *actions, int64_t run,
                                     const char *directory);
/* Removes the directories that runs made and that are empty, of runs that have nothing there any
 * more.
 */
int glimpse_journal_tidy(glimpse_actions *actions);
/* Steps of a run (0: of all) whose state is in `states` (a bit per state), last first. */
typedef struct action_steps {
    action_step *items;
    size_t count;
} action_steps;
int glimpse_journal_load(glimpse_actions *actions, action_steps *out, int64_t run, unsigned states);
void glimpse_steps_free(action_steps *steps);
/* The latest run with a step that is DONE; GLIMPSE_E_NOT_FOUND without a message. */
int glimpse_journal_latest(glimpse_actions *actions, int64_t *run);

/*
 * actions_step.c and actions_undo.c. 0 or -1 with a verdict; *status < 0 when the journal failed.
 */
int glimpse_step_check(const glimpse_action_options *options, const glimpse_action_item *item,
                       struct stat *info, action_keeper *keeper, action_verdict *verdict);
typedef struct action_done {
    char *other; /* malloc'ed */
    uint64_t size;
    int64_t id; /* of the step */
} action_done;
/* `companion_of`: the step of the picture that the item goes with, 0: none; `target` as above. */
int glimpse_step_do(glimpse_actions *actions, const glimpse_action_options *options,
                    const glimpse_action_item *item, int64_t companion_of, const char *target,
                    int64_t run, uint64_t serial, action_done *done, action_verdict *verdict,
                    int *status);
/* Brings every step in doubt to a state that is certain. */
int glimpse_steps_recover(glimpse_actions *actions);
/* 1 when `path` holds the original of the step. */
int glimpse_step_is_original(const action_step *step, const char *path);
/* malloc'ed: the name beside `path` under which a MOVE to another file system holds the original
 * until its keeper was seen without it; NULL when out of memory. */
char *glimpse_step_aside(const action_step *step);
/* actions_write.c: the same of steps that wrote bytes. `keeper_hash` of theirs is that of the new
 * bytes; `hash` of a file that was made is all zeros, and its `other` is `path`. */
step_state glimpse_write_recover(const action_step *step);
int glimpse_write_check_undo(const action_step *step, action_verdict *verdict);
int glimpse_write_restore(const glimpse_actions *actions, const action_step *step,
                          action_verdict *verdict);
int glimpse_write_check_empty(const action_step *step, action_verdict *verdict);
void glimpse_write_empty(const action_step *step);
/* Is the action one that exchanges the file for a link? */
int glimpse_kind_replaces(glimpse_action_kind kind);

#endif
