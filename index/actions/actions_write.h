/*
 * actions_write.h - new bytes in a file, or a new file, in a way that can be taken back: for those
 * of index/ that make the bytes.
 *
 *     glimpse_actions_begin_writes(&run, actions);
 *     for each file:
 *         write the new bytes to glimpse_actions_staging(actions)
 *         glimpse_actions_write(&outcome, actions, run, ++serial, &write);
 *     glimpse_actions_end_writes(actions);
 *
 * The order on the disk: a copy of the file, exact in bytes, times, permissions and attributes, in
 * `held` below the journal's directory; the step in the journal, with the hashes of both versions;
 * the new bytes in a hidden file beside the file; and the exchange of the two names in one step
 * (where the file system has none, a rename over the file). So at any moment the name leads to the
 * old bytes or to the new ones, whole. A file that changed between the look and the exchange is put
 * back.
 *
 * The new file has the permissions, owner (where allowed) and extended attributes of the old one; a
 * new sidecar those of the file it belongs to. Symbolic links are refused, and so are files with
 * other hard links, which would keep the old bytes.
 */
#ifndef GLIMPSE_INDEX_ACTIONS_WRITE_H
#define GLIMPSE_INDEX_ACTIONS_WRITE_H

#include "core/hash.h"

#include <glimpse/actions.h>

typedef struct glimpse_action_write {
    const char *path;  /* absolute */
    const char *id;    /* content id of what is there; "": nothing is, and nothing may be */
    const char *model; /* a new file: whose permissions and owner it gets; NULL: the process's */
    int keep_time;     /* 1: the time of its last change stays as well */
} glimpse_action_write;

typedef struct glimpse_action_written {
    glimpse_action_outcome outcome;
    char message[1024];
    uint64_t held; /* bytes */
} glimpse_action_written;

int glimpse_actions_begin_writes(int64_t *run, glimpse_actions *actions);
/* Where new bytes are put for the next write: a path that is borrowed, in a directory of the
 * journal's. What is left there, or there with ".xmp" behind, goes when the journal is opened. */
const char *glimpse_actions_staging(const glimpse_actions *actions);
/* The looks of a write, without one. */
void glimpse_actions_check_write(glimpse_action_written *out, const glimpse_action_write *write);
/* Negative when the journal failed: nothing more is written then. */
int glimpse_actions_write(glimpse_action_written *out, glimpse_actions *actions, int64_t run,
                          uint64_t serial, const glimpse_action_write *write);
int glimpse_actions_end_writes(glimpse_actions *actions);

#endif
