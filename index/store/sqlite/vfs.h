/*
 * vfs.h - SQLite's own file system layer, with room for its shared memory made sure of.
 */
#ifndef GLIMPSE_INDEX_VFS_H
#define GLIMPSE_INDEX_VFS_H

/* The name for sqlite3_open_v2(); NULL, SQLite's default, when there is nothing to add to. */
const char *glimpse_vfs(void);
/* Why the last write of this thread failed, an errno; 0 when that was asked for before. */
int glimpse_vfs_write_error(void);

#endif
