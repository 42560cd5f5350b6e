/*
 * index/ingest/walk.h - which files of a directory tree may be pictures.
 *
 * Order: bytewise by name; in every directory first its files, then its directories. Same tree,
 * same calls. Links to directories (with follow_links) are entered after the whole tree they hang
 * in, so that a file reachable both ways is met under its own path; a directory is entered once, by
 * device and inode, which ends loops.
 *
 * Left out: names that begin with a dot, directories that programs keep for themselves (.git,
 * @eaDir, node_modules, #recycle, lost+found, ...), glimpse libraries, what an exclude pattern
 * matches, devices, pipes and sockets, files with endings that are well known and no picture's. The
 * root itself is exempt: who names a hidden directory wants it.
 *
 * A directory with a file `.nomedia` or `.noimage` in it is left out as well, and told to the
 * visitor as an entry with `mark`; the root is exempt here, too.
 *
 * A file with a picture's ending is a candidate; one with an ending nobody knows, or none, is one
 * that has to be looked into (must_sniff).
 *
 * Trouble does not stop a walk. A directory that cannot be listed, a file that cannot be looked at
 * and a picture's name that links to nothing are told to the visitor as entries with a status.
 * Something that vanished between two looks is simply not there.
 *
 * Limits: a path has at most PATH_MAX - 1 bytes, because no program could open it otherwise; a
 * longer one is such a problem. Depth is limited by nothing else: one directory is open at a time
 * and the stack is on the heap.
 */
#ifndef GLIMPSE_INDEX_WALK_H
#define GLIMPSE_INDEX_WALK_H

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_walk_entry {
    const char *path; /* absolute when the root is; any bytes; valid during the call */
    uint64_t size;
    int64_t mtime_ns, ctime_ns;
    uint64_t inode;
    int must_sniff;     /* the name does not tell: look at the first bytes */
    int near_sidecars;  /* its directory has files of XMP */
    int is_directory;   /* with a status or a mark: nothing below it was seen */
    int status;         /* GLIMPSE_OK, or why it could not be looked at */
    const char *reason; /* with a status: one line without the path */
    const char *mark;   /* NULL, or the name of the file that keeps the directory out */
} glimpse_walk_entry;

/* Non-zero stops the walk, which returns it. */
typedef int (*glimpse_walk_fn)(void *user, const glimpse_walk_entry *entry);

typedef struct glimpse_walk_rules {
    int follow_links;
    const char *const *exclude; /* see glimpse_walk_excluded */
    size_t exclude_count;
    int include_nomedia; /* enter directories with .nomedia or .noimage */
    const char *base;    /* patterns are for paths below it; NULL: below the root of the walk */
    const char *const *apart; /* [apart_count] sorted: directories that are not entered */
    size_t apart_count;
} glimpse_walk_rules;

typedef struct glimpse_walk_summary {
    uint64_t directories;  /* listed */
    uint64_t root_entries; /* visible names in the root: 0 is what an unmounted volume looks like */
    int root_status;       /* why the root itself could not be listed; no entry is made of that */
    char root_reason[256];
} glimpse_walk_summary;

/* Walks `root`, a directory or a single file (then it is the only entry, whatever its name). A
 * pipe, socket or device as root is an entry with GLIMPSE_E_INVALID. */
int glimpse_walk(const char *root, const glimpse_walk_rules *rules, glimpse_walk_fn visit,
                 void *user, glimpse_walk_summary *summary);

/* What `must_sniff` asks of the first 64 bytes of a file, or fewer: 1 when they are a picture's. */
int glimpse_walk_is_picture(const uint8_t *head, size_t size);

/* 1 when a pattern matches. A pattern is tried with fnmatch(3) on the last name and on the path
 * below the root ("*" also matches "/"); "x/" only on directories; "/x" on the path below the root
 * and on the whole path. */
int glimpse_walk_excluded(const glimpse_walk_rules *rules, const char *root, const char *path,
                          int is_directory);

/* 1 when a walk of `root` would not come by the directory `path` below it: a hidden, unwanted or
 * excluded part, a link that is not followed, or one with .nomedia, which are looked for now. 0
 * when it would, or when `path` is not below `root`. */
int glimpse_walk_passes_by(const glimpse_walk_rules *rules, const char *root, const char *path);

#endif
