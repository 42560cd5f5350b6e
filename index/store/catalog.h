/*
 * catalog.h - the catalogue of a library: one SQLite database, behind one connection. Private.
 *
 * It holds the truth about a library (docs/library.md has the schema and the rules). What ingest
 * does with it, in order:
 *
 *     glimpse_library_lock(library, "indexing");                         // library_private.h
 *     glimpse_catalog *catalog = glimpse_library_catalog(library);
 *     glimpse_catalog_use_model(catalog, &key, &model_id);
 *     for each root:
 *         glimpse_catalog_root_reachable(catalog, root, &reachable);
 *         glimpse_catalog_put_root(catalog, root, is_folder, !reachable);
 *         glimpse_catalog_load_files(catalog, root, model_id, &table);   // one query
 *         while walking: glimpse_file_row *row = glimpse_file_table_find(table, path);
 *             row && glimpse_file_row_fresh(row, &stamp) -> nothing to do; row->seen = 1 anyway
 *             folder that cannot be read -> glimpse_file_table_keep(table, folder)
 *             other files -> hash -> glimpse_catalog_find_content(): known and embedded -> only
 *             bind_file; known, not embedded or unknown -> decode, encode, put_content,
 *             put_embedding, bind_file; broken -> quarantine_file
 *         glimpse_catalog_finish_scan(catalog, root, table, &missing);
 *     writes go between glimpse_catalog_begin() and _commit(), a batch at a time
 *     glimpse_library_update_vectors(library, fingerprint);
 *     glimpse_library_unlock(library);
 *
 * Invariants the database itself keeps (constraints and triggers, not the caller's care):
 *   - a file is `ok` with a content, or quarantined with a code and a reason and no content;
 *   - an embedding belongs to a model and a content that exist, once;
 *   - an embedding is never changed; adding or removing one moves its model's generation, count
 *     and digest in the same transaction.
 *
 * Paths are bytes, absolute, without a trailing slash ("/" excepted), "." or "..", and compared
 * as bytes. "Below FOLDER" means FOLDER itself or FOLDER/...; never a mere string prefix.
 *
 * Threads: every call locks the connection, so any thread may look things up while one thread
 * writes; begin/commit belong to that one thread. Look-ups see what it has not committed yet.
 *
 * Errors: SQLite's become ours here. GLIMPSE_E_CORRUPT whenever SQLite finds damage, with what to
 * do about it; GLIMPSE_E_BUSY when another connection blocks for too long; GLIMPSE_E_IO (disk
 * full, read-only). After a failure inside a transaction call glimpse_catalog_rollback().
 */
#ifndef GLIMPSE_INDEX_CATALOG_H
#define GLIMPSE_INDEX_CATALOG_H

#include "core/hash.h"

#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_catalog glimpse_catalog;

/*
 * Lifecycle. library.c opens the catalogue; ingest gets it from glimpse_library_catalog().
 */

/* Opens an existing catalogue: checks header, application id, schema version and tables (not the
 * pages: that is glimpse_library_verify). A schema older than this build is migrated unless
 * `read_only` (then GLIMPSE_E_UNSUPPORTED), a newer one is GLIMPSE_E_UNSUPPORTED, anything that is
 * no catalogue GLIMPSE_E_CORRUPT, a missing file GLIMPSE_E_NOT_FOUND. */
int glimpse_catalog_open(glimpse_catalog **out, const char *path, int read_only);
/* Makes an empty one at `path`, complete or not at all (a temporary is renamed). The caller holds
 * the library's lock and knows that there is none. */
int glimpse_catalog_create(const char *path);
void glimpse_catalog_close(glimpse_catalog *catalog); /* rolls back what is not committed */

int glimpse_catalog_begin(glimpse_catalog *catalog); /* write transaction; they do not nest */
int glimpse_catalog_commit(glimpse_catalog *catalog);
void glimpse_catalog_rollback(glimpse_catalog *catalog); /* fine outside a transaction */

/*
 * Models.
 */
typedef struct glimpse_model_key {
    const char *fingerprint; /* 32 hexadecimal digits */
    const char *name, *path;
    size_t dim; /* E */
} glimpse_model_key;

typedef struct glimpse_model_info {
    int64_t id;
    char fingerprint[33];
    size_t dim;
    uint64_t embedded;   /* embeddings of this model */
    uint64_t generation; /* moves with every change to them */
    uint64_t digest;     /* of all of them together, whatever their order: says whether a vector
                            index holds these embeddings and no others */
} glimpse_model_info;

/* Finds or adds the model, brings name and path up to date and makes it the most recently used
 * one. GLIMPSE_E_CORRUPT when the fingerprint is there with another dim. */
int glimpse_catalog_use_model(glimpse_catalog *catalog, const glimpse_model_key *key, int64_t *id);
/* GLIMPSE_E_NOT_FOUND when nothing was ever indexed with it. */
int glimpse_catalog_find_model(glimpse_catalog *catalog, const char *fingerprint,
                               glimpse_model_info *out);

/*
 * Roots: folders (or single files) that were indexed.
 */
typedef struct glimpse_root {
    char *path;
    int is_folder;
    int offline; /* as of the last put_root */
} glimpse_root;

int glimpse_catalog_put_root(glimpse_catalog *catalog, const char *path, int is_folder,
                             int offline);
int glimpse_catalog_roots(glimpse_catalog *catalog, glimpse_root **out,
                          size_t *count); /* by path */
void glimpse_roots_free(glimpse_root *roots, size_t count);

/* Looks at the disk now. *reachable is 0 when a folder cannot be opened, or is empty although the
 * catalogue knows files below it (an unmounted mount point); for a single file: when the folder it
 * is in cannot be opened. A path never indexed before is looked at in the same way. */
int glimpse_catalog_root_reachable(glimpse_catalog *catalog, const char *path, int *reachable);

/*
 * Files.
 */
enum { GLIMPSE_FILE_OK = 0, GLIMPSE_FILE_QUARANTINED = 1 };
enum { GLIMPSE_SEEN_KEPT = 2 }; /* not looked at: it stays as it is */

/* What stat says: enough to tell that a file did not change. */
typedef struct glimpse_file_stamp {
    uint64_t size;
    int64_t mtime_ns;
    uint64_t inode;
} glimpse_file_stamp;

typedef struct glimpse_file_row {
    const char *path; /* borrowed from the table */
    glimpse_file_stamp stamp;
    int64_t content;  /* row id; 0 when quarantined */
    uint8_t state;    /* GLIMPSE_FILE_... */
    uint8_t missing;  /* it was not there at the last scan; state and content are kept */
    uint8_t embedded; /* its content has an embedding of the model asked for */
    uint8_t seen;     /* 0 at first; the walk sets 1 for what it comes across; or ..._KEPT */
    int16_t code;     /* of a quarantined file: the status it failed with */
} glimpse_file_row;

/* 1 when nothing has to be done: same size and mtime as `stamp`, embedded. (A quarantined file with
 * an equal stamp is left to the caller, who may be asked to retry. The inode is not compared: it
 * changes when a folder is remounted or restored; it is there to tell a rename.) */
int glimpse_file_row_fresh(const glimpse_file_row *row, const glimpse_file_stamp *stamp);

/* All known files below `root`, missing ones too, in path order, with `embedded` for `model` (0:
 * none). One query; look-ups touch no database. */
typedef struct glimpse_file_table glimpse_file_table;
int glimpse_catalog_load_files(glimpse_catalog *catalog, const char *root, int64_t model,
                               glimpse_file_table **out);
void glimpse_file_table_free(glimpse_file_table *table);
size_t glimpse_file_table_count(const glimpse_file_table *table);
glimpse_file_row *glimpse_file_table_get(glimpse_file_table *table, size_t i);
/* NULL when unknown. Finding is read-only (threads may share a table); `seen` is the caller's. */
glimpse_file_row *glimpse_file_table_find(glimpse_file_table *table, const char *path);
/* Everything below `folder` that was not seen stays as it is, present or missing: the folder could
 * not be read, which says nothing about its files. */
void glimpse_file_table_keep(glimpse_file_table *table, const char *folder);

/* One file, for single look-ups; row->path is NULL (the caller has it). GLIMPSE_E_NOT_FOUND. */
int glimpse_catalog_find_file(glimpse_catalog *catalog, const char *path, int64_t model,
                              glimpse_file_row *row);

/* Adds the file or brings it up to date: ok, present, with this content. */
int glimpse_catalog_bind_file(glimpse_catalog *catalog, const char *path,
                              const glimpse_file_stamp *stamp, int64_t content);
/* Adds the file or brings it up to date: present, quarantined. `code` is the negative status of the
 * failure, `reason` its message (glimpse_last_error() at the time), kept to 1000 bytes. */
int glimpse_catalog_quarantine_file(glimpse_catalog *catalog, const char *path,
                                    const glimpse_file_stamp *stamp, int code, const char *reason);

/* Removes the file's row, never a content; fine when there is none. For an entry that turned out to
 * be no file. */
int glimpse_catalog_forget_file(glimpse_catalog *catalog, const char *path);

/* The end of a complete walk of `root` with its table: rows not seen become missing, missing ones
 * that were seen come back; nothing else is written. Rows below another root that is offline (a
 * nested one) are left alone. *missing: the number of rows below `root` that are missing now (NULL
 * allowed). Do not call it after a walk that was cut short, nor for an offline root. Makes its own
 * transaction unless one is open. */
int glimpse_catalog_finish_scan(glimpse_catalog *catalog, const char *root,
                                glimpse_file_table *table, uint64_t *missing);

/*
 * Contents and embeddings.
 */
typedef struct glimpse_content_meta {
    glimpse_hash hash;
    uint64_t size;          /* bytes of the file */
    uint32_t width, height; /* upright */
    int orientation;        /* EXIF 1..8 */
    const char *format;     /* "JPEG" */
    const char *taken;      /* "2021-05-30T14:03:59" or "" */
    const char *camera;     /* or "" */
    int has_gps;
    double latitude, longitude;
} glimpse_content_meta;

/* Is there a content with this hash and size, and has it an embedding of `model`?
 * GLIMPSE_E_NOT_FOUND (without the cost of a message) when there is none; *embedded may be NULL. */
int glimpse_catalog_find_content(glimpse_catalog *catalog, const glimpse_hash *hash, uint64_t size,
                                 int64_t model, int64_t *content, int *embedded);
/* Adds the content; one that is there already (hash and size) gets the new metadata. */
int glimpse_catalog_put_content(glimpse_catalog *catalog, const glimpse_content_meta *meta,
                                int64_t *content);
int glimpse_catalog_has_embedding(glimpse_catalog *catalog, int64_t model, int64_t content,
                                  int *embedded);
/* Normalises `vector` [dim] and stores it as f16. One that is there already is kept as it is (same
 * input, same output). GLIMPSE_E_INVALID when it is zero or not finite. */
int glimpse_catalog_put_embedding(glimpse_catalog *catalog, int64_t model, int64_t content,
                                  const float *vector, size_t dim);

/* "Below": 1 when `path` is `folder` or lies in it. `folder` "/" holds everything. */
int glimpse_path_is_below(const char *path, const char *folder);

#endif
