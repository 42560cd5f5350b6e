/*
 * actions_support.h - a directory of files to act on, and what it looked like before.
 */
#ifndef GLIMPSE_TESTS_ACTIONS_SUPPORT_H
#define GLIMPSE_TESTS_ACTIONS_SUPPORT_H

#include "support/test.h"

#include "actions_internal.h"

enum { YARD_FILES = 12, YARD_ITEMS = YARD_FILES - 1 };

typedef struct yard_file {
    char path[512];
    char hash[33];
    mode_t mode;
    int64_t mtime_ns;
    uint64_t size;
    ino_t inode;
} yard_file;

/* files[0] is the keeper of all others; the last `different` ones have bytes of their own. */
typedef struct yard {
    char *base; /* temporary, everything is below it */
    char pictures[300], journal[300], quarantine[300];
    yard_file files[YARD_FILES];
    glimpse_action_item items[YARD_ITEMS];
} yard;

/* XDG_DATA_HOME (for the trash) is below `base` as well. */
void yard_open(yard *y, unsigned seed, int different);
void yard_close(yard *y);
/* Every file is where it was, with the same bytes, size, time and permissions (and inode, when
 * `inodes`), and nothing else is in the directory. */
void yard_check_same(const yard *y, int inodes);
/* Whatever happened, the bytes of every file are still somewhere below `base` or `extra`. */
void yard_check_nothing_lost(const yard *y, const char *extra);
/* Files below `directory`, directories not counted; 0 when there is none. */
size_t yard_count_files(const char *directory);

#endif
