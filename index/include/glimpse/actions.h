/*
 * glimpse/actions.h - moving, linking and deleting duplicates in a way that can be taken back.
 *
 *     glimpse_action_item items[] = {{.path = "/p/copy.jpg", .keeper = "/p/best.jpg",
 *                                     .id = id_of_copy, .keeper_id = id_of_best}};
 *     glimpse_action_options options = GLIMPSE_ACTION_OPTIONS_INIT;
 *     options.kind = GLIMPSE_ACTION_MOVE;
 *     options.directory = "/p-duplicates";
 *     glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
 *     glimpse_actions_preview(&report, &options, items, 1, each, user);        // changes nothing
 *
 *     glimpse_actions *actions = NULL;
 *     glimpse_actions_open(&actions, NULL);
 *     glimpse_actions_apply(&report, actions, &options, items, 1, each, user); // report.run = 7
 *     glimpse_actions_undo(&report, actions, 7, each, user);
 *     glimpse_actions_close(actions);
 *
 * No file is ever destroyed by apply. What the actions do to a file and how undo takes it back:
 *
 *     MOVE      renamed into `directory`/`under`, by its name below `relative_to`; renamed back.
 * Into a directory on another file system it is copied, compared, and only then removed. TRASH
 * renamed into the desktop's trash (freedesktop.org, version 1.0) of its file system. DELETE
 * renamed into a holding directory on its file system; gone for good, and its space free, only
 * after glimpse_actions_empty(). HARDLINK, SYMLINK, REFLINK a link to the keeper (a copy that
 * shares the keeper's blocks) is made in the holding directory and exchanged with the file in one
 * step, so that at no moment the name is missing. The file itself is then in the holding directory,
 * like a deleted one.
 *
 * Companions: MOVE, TRASH and DELETE take along what belongs to a picture a.jpg in its directory:
 * sidecars (a.xmp, a.jpg.xmp, .aae, .pp3, .dop, .on1, .json, .txt, .wav, .thm), the video of a live
 * photo (a.mov, a_HEVC.mov, a.mp4, ...), and of a JPEG or HEIF its RAW (a.dng, ...), in capitals or
 * not. What a.jpg shares with another picture that stays, as a.xmp with
 * a.png, stays too. A companion never goes when its picture was left alone, and undo brings it back
 * after its picture. TRASH and DELETE leave a picture alone whose companions are not, byte for
 * byte, beside its keeper as well: what only they hold would go with it.
 *
 * Manifest: MOVE lists what it moved in `directory`/glimpse-moved.jsonl, one JSON object a line
 * with journal, run, from, to, id, keeper, relation and companion_of. It is replaced in one step at
 * the end of a run, of an undo, and of a recovery, and goes with its last line.
 *
 * The original keeps its inode throughout (except for a MOVE to another file system), and with it
 * bytes, times, permissions, owner and extended attributes; undo brings exactly that back.
 *
 * Before each action the file is looked at again: it must be there, be a regular file, lie in a
 * directory that can be written, and have the bytes the caller saw, told by its content id. (A file
 * that is read-only itself is acted on like any other, as by mv, and comes back read-only, unless
 * `skip_read_only`.) The keeper must be another, existing file with the bytes the caller saw.
 * Whenever both ids are equal, DELETE and the links compare the bytes too; links are refused when
 * they differ. What does not pass is left alone, with an outcome that says why.
 *
 * And each action looks again after it, while it can be taken back (a MOVE to another file system
 * renames the original beside itself before it removes it): a file that changed between the look
 * and the rename is put back, and so is one whose keeper cannot be read at its path any more, is
 * another file than the one that was held open meanwhile, or was touched by what happened to the
 * file. Two paths of one directory entry, however they come about (linked directories, bind mounts,
 * file systems above others, folded case), thus never pass for two files, whatever hard links the
 * file has elsewhere.
 *
 * Journal: an SQLite database `actions.db` in a directory of its own, by default
 * ${XDG_STATE_HOME:-~/.local/state}/glimpse/actions. Every step is on the disk before the file is
 * touched and again after. A process that was killed leaves at most one step in doubt;
 * glimpse_actions_open() recovers it by looking at where the file is. Holding directories are
 * `held` below the journal's directory for files on its file system, else TOP/.glimpse-held-UID,
 * where TOP is the top directory of the file system.
 *
 * Threads: a handle belongs to one thread. Processes: one at a time (GLIMPSE_E_BUSY).
 */
#ifndef GLIMPSE_ACTIONS_H
#define GLIMPSE_ACTIONS_H

#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum glimpse_action_kind {
    GLIMPSE_ACTION_MOVE = 1, /* the numbers are stored in journals */
    GLIMPSE_ACTION_TRASH = 2,
    GLIMPSE_ACTION_DELETE = 3,
    GLIMPSE_ACTION_HARDLINK = 4,
    GLIMPSE_ACTION_SYMLINK = 5,
    GLIMPSE_ACTION_REFLINK = 6,
    GLIMPSE_ACTION_WRITE = 7 /* new bytes in a file, or a new file: only undo, empty and runs are
                                for these (glimpse/session_write.h makes them) */
} glimpse_action_kind;

/* What became of one file. Zero is success, everything else left the file as it was. */
typedef enum glimpse_action_outcome {
    GLIMPSE_OUTCOME_DONE = 0,    /* or: would be done (preview), was undone (undo) */
    GLIMPSE_OUTCOME_MISSING,     /* the file is gone */
    GLIMPSE_OUTCOME_CHANGED,     /* its bytes are not those that were seen */
    GLIMPSE_OUTCOME_READ_ONLY,   /* its directory cannot be written, or skip_read_only */
    GLIMPSE_OUTCOME_KEEPER,      /* the keeper is gone, changed, or is this very file */
    GLIMPSE_OUTCOME_SAME_FILE,   /* already a link to the keeper: nothing to win */
    GLIMPSE_OUTCOME_DIFFERENT,   /* a link would replace different bytes */
    GLIMPSE_OUTCOME_UNSUPPORTED, /* this file system cannot: no reflinks, no trash, other device */
    GLIMPSE_OUTCOME_OCCUPIED,    /* undo: another file has taken the name; nothing is overwritten */
    GLIMPSE_OUTCOME_FAILED,      /* the system refused */
    GLIMPSE_OUTCOME_LINKED,      /* a symbolic link leads to it, and would lead nowhere */
    GLIMPSE_OUTCOME_COMPANION    /* TRASH, DELETE: a file that goes with it is unlike any beside the
                                    keeper; a companion: its picture was left alone */
} glimpse_action_outcome;

typedef struct glimpse_action_item {
    const char *path;        /* absolute */
    const char *keeper;      /* absolute */
    const char *id;          /* content id of `path` when it was seen: 32 hexadecimal digits */
    const char *keeper_id;   /* the same of `keeper` */
    const char *relative_to; /* MOVE: the directory whose structure is kept below it; NULL: only the
                                name is */
    const char *under;       /* MOVE: what goes between `directory` and that structure, "photos";
                                NULL: nothing */
    const char *relation;    /* to the keeper, for the manifest; NULL: none */
    const char *link;        /* a symbolic link to the file: what would take its name away leaves it
                                alone; NULL: none is known */
    int shares;              /* 1: the file has other hard links, so that its bytes do not count */
} glimpse_action_item;

typedef struct glimpse_action_options {
    size_t size; /* GLIMPSE_ACTION_OPTIONS_INIT sets it */
    glimpse_action_kind kind;
    const char *directory;        /* MOVE: where to, absolute */
    int skip_read_only;           /* leave files without any write permission bit alone */
    int (*cancelled)(void *user); /* asked before each file; non-zero ends the run cleanly: what
                                     was done is done, and the report says so. NULL: never */
    void *user;                   /* for `cancelled` */
    int leave_companions;         /* 1: only the files themselves, see above */
    int reserved;
} glimpse_action_options;

static inline glimpse_action_options glimpse_action_options_init(void) {
    glimpse_action_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_ACTION_OPTIONS_INIT glimpse_action_options_init()

typedef struct glimpse_action_event {
    const char *path;  /* the file's own place */
    const char *other; /* where it was put, or would be; NULL: nowhere, or not known before it is
                          done (previews of DELETE and of links) */
    glimpse_action_kind kind;
    glimpse_action_outcome outcome;
    const char *message;      /* why not; "" for DONE */
    uint64_t bytes;           /* of the file */
    const char *companion_of; /* the picture that it goes with, or NULL: it is one itself */
    const char *keeper;       /* what is kept in its place; of a companion: in its picture's */
} glimpse_action_event;

/* After each file; everything in `event` is valid during the call. */
typedef void (*glimpse_action_fn)(void *user, const glimpse_action_event *event);

typedef struct glimpse_action_report {
    size_t size; /* GLIMPSE_ACTION_REPORT_INIT sets it */
    int64_t run; /* number of the run; 0 for a preview, or when nothing was done */
    uint64_t done, left_alone;
    uint64_t bytes; /* of the files in `done` and `companions`: of a file with several names once,
                       when all of them go, and else not */
    int cancelled;  /* `cancelled` ended it */
    int reserved;
    uint64_t companions; /* files that went with those in `done`, which does not count them */
} glimpse_action_report;

static inline glimpse_action_report glimpse_action_report_init(void) {
    glimpse_action_report report;
    memset(&report, 0, sizeof report);
    report.size = sizeof report;
    return report;
}
#define GLIMPSE_ACTION_REPORT_INIT glimpse_action_report_init()

typedef struct glimpse_actions glimpse_actions;

/* Opens the journal in `directory` (NULL: the default), making it when there is none, and recovers
 * what a killed process left in doubt. GLIMPSE_E_BUSY when another process has it open. */
GLIMPSE_API int glimpse_actions_open(glimpse_actions **out, const char *directory);
GLIMPSE_API void glimpse_actions_close(glimpse_actions *actions);
/* How many steps the last open found in doubt and recovered. */
GLIMPSE_API uint64_t glimpse_actions_recovered(const glimpse_actions *actions);
/* Lets `cancelled` (NULL: nothing) end undo and empty: it is asked before each file. What was done
 * is done and journalled, the report has `cancelled`, and the same call goes on with the rest. */
GLIMPSE_API void glimpse_actions_set_cancelled(glimpse_actions *actions,
                                               int (*cancelled)(void *user), void *user);
/* 1 when there is a journal in `directory` (NULL: the default). */
GLIMPSE_API int glimpse_actions_exist(const char *directory);

/* Every look that apply takes, and no change. What only the attempt can tell (whether the file
 * system has reflinks, for one) is told by the attempt. */
GLIMPSE_API int glimpse_actions_preview(glimpse_action_report *report,
                                        const glimpse_action_options *options,
                                        const glimpse_action_item *items, size_t count,
                                        glimpse_action_fn each, void *user);
/* GLIMPSE_OK also when files were left alone: see the report. Negative when the journal itself
 * cannot be written: nothing more is done then. */
GLIMPSE_API int glimpse_actions_apply(glimpse_action_report *report, glimpse_actions *actions,
                                      const glimpse_action_options *options,
                                      const glimpse_action_item *items, size_t count,
                                      glimpse_action_fn each, void *user);
/* Takes back a run, last step first; `run` 0: the latest that has something to take back and is no
 * GLIMPSE_ACTION_WRITE. Files
 * that cannot be put back stay where they are and may be tried again. GLIMPSE_E_NOT_FOUND when
 * there is no such run, or nothing of it to take back. */
GLIMPSE_API int glimpse_actions_undo(glimpse_action_report *report, glimpse_actions *actions,
                                     int64_t run, glimpse_action_fn each, void *user);
/* Removes what a run holds (0: all runs) for good; such steps cannot be undone any more. Moved and
 * trashed files are not touched. What is held is left alone (GLIMPSE_OUTCOME_KEEPER) unless its
 * keeper, or a hard link or reflink in its place, is another file and has the bytes that the
 * keeper had: it may be all that is left. That is looked at again after a rename that can be taken
 * back.
 * `apply` 0: only counts. */
GLIMPSE_API int glimpse_actions_empty(glimpse_action_report *report, glimpse_actions *actions,
                                      int64_t run, int apply, glimpse_action_fn each, void *user);

typedef struct glimpse_action_run {
    int64_t run;
    const char *started; /* "2021-05-30T14:03:59", UTC; valid during the call */
    glimpse_action_kind kind;
    uint64_t done;         /* files that can be put back */
    uint64_t undone, gone; /* put back; emptied */
    uint64_t held_bytes;   /* what glimpse_actions_empty() would free */
} glimpse_action_run;
/* Oldest first. A non-zero return of `visit` stops and is returned. */
GLIMPSE_API int glimpse_actions_runs(glimpse_actions *actions,
                                     int (*visit)(void *user, const glimpse_action_run *run),
                                     void *user);

/* "move", "hardlink", ...; "done", "changed since it was seen", ... Never NULL. */
GLIMPSE_API const char *glimpse_action_kind_name(glimpse_action_kind kind);
GLIMPSE_API const char *glimpse_action_outcome_name(glimpse_action_outcome outcome);

#ifdef __cplusplus
}
#endif
#endif
