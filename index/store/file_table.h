/*
 * file_table.h - what the catalogue knows of the files below a root, in memory: made for walks over
 * directories that did not change. An implementation of the store fills it with one query; finding
 * a path is a binary search and touches no database.
 */
#ifndef GLIMPSE_INDEX_FILE_TABLE_H
#define GLIMPSE_INDEX_FILE_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum { GLIMPSE_FILE_OK = 0, GLIMPSE_FILE_QUARANTINED = 1 };
enum {
    GLIMPSE_SEEN_KEPT = 2, /* not looked at: it stays as it is */
    GLIMPSE_SEEN_ELSEWHERE =
        3,                    /* the same, and the walk of another root says whether it is there */
    GLIMPSE_SEEN_LEFT_OUT = 4 /* it is there, and the rules of the walk leave it out */
};
/* Where a file is that is not present. State and picture are kept in either case. */
enum { GLIMPSE_FILE_MISSING = 1, GLIMPSE_FILE_LEFT_OUT = 2 };

/* What stat says: enough to tell that a file did not change. */
typedef struct glimpse_file_stamp {
    uint64_t size;
    int64_t mtime_ns;
    uint64_t inode;
    int64_t ctime_ns; /* programs set mtime back (exiftool -P); not this one */
} glimpse_file_stamp;

typedef struct glimpse_file_row {
    const char *path; /* borrowed from the table */
    int64_t id;       /* the store's own number of the row */
    glimpse_file_stamp stamp;
    int64_t picture;    /* row id; 0 when quarantined */
    int64_t sidecars;   /* glimpse_sidecar_stamp() when they were read; 0: there were none */
    uint8_t state;      /* GLIMPSE_FILE_... */
    uint8_t missing;    /* 0: the last scan saw it; else GLIMPSE_FILE_MISSING or ..._LEFT_OUT */
    uint8_t embedded;   /* its picture has an embedding of the model asked for */
    uint8_t identified; /* the identity of its picture is known */
    uint8_t described;  /* what its content says was read, by GLIMPSE_METADATA_VERSION */
    uint8_t seen;       /* 0 at first; the walk sets 1 for what it comes across; or ..._KEPT */
    int16_t code;       /* of a quarantined file: the status it failed with */
} glimpse_file_row;

/* 1 when nothing has to be done: same size and mtime as `stamp`, embedded. (A quarantined file with
 * an equal stamp is left to the caller, who may be asked to retry. The inode is not compared: it
 * changes when a directory is remounted or restored; it is there to tell a rename.) */
int glimpse_file_row_fresh(const glimpse_file_row *row, const glimpse_file_stamp *stamp);

typedef struct glimpse_file_table glimpse_file_table;

void glimpse_file_table_free(glimpse_file_table *table);
size_t glimpse_file_table_count(const glimpse_file_table *table);
glimpse_file_row *glimpse_file_table_get(glimpse_file_table *table, size_t i);
/* NULL when unknown. Finding is read-only (threads may share a table); `seen` is the caller's. */
glimpse_file_row *glimpse_file_table_find(glimpse_file_table *table, const char *path);
/* Everything below `directory` that was not seen stays as it is, present or missing: the directory
 * could not be read, which says nothing about its files. */
void glimpse_file_table_keep(glimpse_file_table *table, const char *directory);

/*
 * For the store: making one. Paths are appended in the order of their bytes; `id` is the store's
 * own number of the row. Nothing but appending and freeing before the table is sealed.
 */
int glimpse_file_table_create(glimpse_file_table **out);
int glimpse_file_table_append(glimpse_file_table *table, int64_t id, const glimpse_file_row *row,
                              const void *path, size_t path_size);
void glimpse_file_table_seal(glimpse_file_table *table);
int64_t glimpse_file_table_id(const glimpse_file_table *table, size_t i);

#endif
