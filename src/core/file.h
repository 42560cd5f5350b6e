/*
 * core/file.h - reading files whole or mapped, and replacing them atomically.
 */
#ifndef GLIMPSE_CORE_FILE_H
#define GLIMPSE_CORE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Reads a regular file whole into a malloc'ed buffer with a NUL behind its last byte (not counted
 * in *size). More than `limit` bytes is GLIMPSE_E_LIMIT. Safe against files that grow or shrink
 * meanwhile: what was read is what *size says. */
int glimpse_file_read(void **out, size_t *size, const char *path, size_t limit);

/* A read-only mapping of a whole regular file. An empty file maps to data = "" and size 0. The
 * file must not be truncated while mapped; use glimpse_file_read for files that others may
 * change (pictures). */
typedef struct glimpse_mapping {
    const uint8_t *data;
    size_t size;
} glimpse_mapping;
int glimpse_file_map(glimpse_mapping *out, const char *path);
/* Its pages leave memory, and come back as they are used: for what is mostly done with. */
void glimpse_file_drop_pages(const glimpse_mapping *mapping);
void glimpse_file_unmap(glimpse_mapping *mapping); /* leaves it zeroed; a zeroed one is fine */

/* Atomic replacement: open a temporary file beside `path`, write to ->stream, then commit (flush,
 * fsync, rename over `path`, fsync the directory) or abandon (removes the temporary). */
typedef struct glimpse_new_file {
    FILE *stream; /* opened "w+b" */
    char *path, *temporary;
} glimpse_new_file;
int glimpse_new_file_open(glimpse_new_file *out, const char *path);
/* "PATH: cannot write: REASON" of a stream on which something failed, whenever that was; the file
 * is good for nothing then but to be abandoned. */
int glimpse_new_file_fail(const glimpse_new_file *file);
int glimpse_new_file_commit(glimpse_new_file *file);
/* Renames without waiting for the disk: for what carries a checksum and can be made again. */
int glimpse_new_file_publish(glimpse_new_file *file);
void glimpse_new_file_abandon(glimpse_new_file *file); /* also fine after commit, and on zeros */

/* Makes the names in the directory of `path` last. 0, or the errno; file systems that have no such
 * call, and directories that may not be read, have done what can be done. */
int glimpse_sync_directory_of(const char *path);

/* mkdir -p; existing directories are fine. */
int glimpse_make_directories(const char *path);

/* malloc'ed "a/b" (no doubled slash; b as it is when a is empty), NULL when out of memory. */
char *glimpse_path_join(const char *directory, const char *name);

/* malloc'ed ${XDG_CACHE_HOME:-$HOME/.cache}/glimpse or the same for XDG_DATA_HOME
 * (~/.local/share), NULL when neither variable is set. Not created. */
char *glimpse_user_cache_directory(void);
char *glimpse_user_data_directory(void);

#endif
