/*
 * db.h - the boundary to SQLite: one connection, prepared statements kept, errors made ours.
 *
 *     sqlite3_stmt *row;
 *     int status = glimpse_db_query(db, &row, "SELECT name FROM model WHERE id = ?1", "i", id);
 *     while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
 *         ... sqlite3_column_text(row, 0) ...
 *         status = GLIMPSE_OK;
 *     }
 *     glimpse_db_reset(row); // always: a statement left open holds a read transaction
 *
 * SQL texts are string constants: a statement is prepared once and found again by its text's
 * address. A statement is in use by one loop at a time.
 *
 * Threads: glimpse_db_enter/leave is a recursive lock around the connection; those of
 * sqlite_store.h take it, callers that loop over rows take it for the whole loop.
 */
#ifndef GLIMPSE_INDEX_DB_H
#define GLIMPSE_INDEX_DB_H

#include "core/hash.h"

#include <glimpse/status.h>

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_db glimpse_db;

enum { GLIMPSE_DB_READ_ONLY = 1, GLIMPSE_DB_CREATE = 2 };

/* What the column `sum` of a row holds. glimpse_sum() is our SQL function: a 64-bit hash of its
 * arguments and their types. */
#define GLIMPSE_ROOT_SUM "glimpse_sum(path, is_folder, offline)"
/* Of a root without tiles they say nothing. */
#define GLIMPSE_ROOT_OPTIONS_SUM \
 "glimpse_sum(path, follow_links, include_nomedia + 2 * tiles, exclude)"
/* Of a file that is present left_out says nothing. */
#define GLIMPSE_FILE_SUM                                                                      \
 "glimpse_sum(path, size, mtime_ns, inode, missing * (1 + left_out), picture_id, content_id," \
 " code, reason)"
#define GLIMPSE_PICTURE_SUM "glimpse_sum(hash, size, identity, width, height, orientation, format)"
#define GLIMPSE_CONTENT_SUM \
 "glimpse_sum(hash, size, picture_id, taken, camera, latitude, longitude)"
#define GLIMPSE_CAPTION_SUM "glimpse_sum(picture_id, part, style, model, prompt, text, created)"
#define GLIMPSE_SIDECAR_SUM                                                             \
 "glimpse_sum(file_id, stamp, version, taken, camera, latitude, longitude, taken_from," \
 " taken_offset, fields)"
#define GLIMPSE_METADATA_SUM "glimpse_sum(content_id, version, taken_from, taken_offset, fields)"

#define GLIMPSE_UNINDEXED_SUM   "glimpse_sum(identity, hash)"
#define GLIMPSE_VLM_ANSWER_SUM  "glimpse_sum(key, contents, model, prompt, parameters, answer, made)"
#define GLIMPSE_LABELLING_SUM   "glimpse_sum(name, model_id, classifier, classes, settings, created)"
#define GLIMPSE_LABEL_CLASS_SUM "glimpse_sum(labelling_id, name)"
#define GLIMPSE_LABEL_SUM       "glimpse_sum(picture_id, part, class_id, probability, score)"
#define GLIMPSE_FINGERPRINT_SUM "glimpse_sum(picture_id, part, version, data)"
#define GLIMPSE_BACKGROUND_SUM  "glimpse_sum(model_id, key, data)"
#define GLIMPSE_SIGNATURE_SUM   "glimpse_sum(picture_id, version, data)"
#define GLIMPSE_THUMBNAIL_SUM   "glimpse_sum(picture_id, part, version, pixels)"

/* Opens with the settings every connection has (see db.c). */
int glimpse_db_open(glimpse_db **out, const char *path, unsigned flags);
/* Rolls back; a damaged file is left as it is. Brings what is in SQLite's log into the file where
 * that can be done; where it cannot, on a full disk, the log stays beside the file and nothing is
 * lost: commits are on the disk when they return. */
void glimpse_db_close(glimpse_db *db);
/* A copy of what is committed, as a database of its own at `path`, where no file is yet; on the
 * disk when this returns. A failure may leave a part of it. */
int glimpse_db_copy(glimpse_db *db, const char *path);
/* Closes a database of which the file alone is to be kept, under another name: a failure when it is
 * not whole without the log. */
int glimpse_db_close_alone(glimpse_db *db);

const char *glimpse_db_path(const glimpse_db *db);
int glimpse_db_read_only(const glimpse_db *db);

void glimpse_db_enter(glimpse_db *db);
void glimpse_db_leave(glimpse_db *db);
/* Every statement asks `cancelled` (NULL: none) now and then, and ends with GLIMPSE_E_CANCELLED
 * when that is not 0. */
void glimpse_db_set_cancelled(glimpse_db *db, int (*cancelled)(void *user), void *user);

/* Finds or prepares the statement and binds ?1, ?2, ... as `format` says, one letter each:
 *     i int64_t   r double   t const char * (NULL binds NULL)   b const void *, size_t
 *     p const char * as a blob without its NUL (paths)          n nothing: NULL
 * Texts and blobs must outlive the steps. */
int glimpse_db_query(glimpse_db *db, sqlite3_stmt **out, const char *sql, const char *format, ...);
/* A statement of a text that is made when it is needed: not kept, for sqlite3_finalize() with the
 * connection entered. */
int glimpse_db_prepare(glimpse_db *db, sqlite3_stmt **out, const char *sql);
/* Binds as glimpse_db_query does. */
int glimpse_db_bind(glimpse_db *db, sqlite3_stmt *statement, const char *format, ...);
/* SQLite's result code of a call made elsewhere as one of our statuses, with the message. */
int glimpse_db_status(glimpse_db *db, int code);
/* 1: a row, 0: no more, negative: a status. */
int glimpse_db_step(glimpse_db *db, sqlite3_stmt *statement);
void glimpse_db_reset(sqlite3_stmt *statement); /* NULL is fine */

/* Query, step to the end, reset. */
int glimpse_db_run(glimpse_db *db, const char *sql, const char *format, ...);
/* The same, with the integer in the first column of the first row; GLIMPSE_E_NOT_FOUND, without a
 * message, when there is no row. */
int glimpse_db_integer(glimpse_db *db, int64_t *out, const char *sql, const char *format, ...);
/* Several statements, not kept. */
int glimpse_db_script(glimpse_db *db, const char *sql);

/* malloc'ed copy of a path column, NUL-terminated; NULL when out of memory. */
char *glimpse_column_path(sqlite3_stmt *row, int column);
/* Never NULL; valid until the next step. */
const char *glimpse_column_text(sqlite3_stmt *row, int column);
/* 1, or 0 and zeros when the column holds no hash. */
int glimpse_column_hash(glimpse_hash *out, sqlite3_stmt *row, int column);

int64_t glimpse_db_changes(glimpse_db *db);  /* rows the last statement changed */
int64_t glimpse_db_inserted(glimpse_db *db); /* the row that was inserted last */

/* One consistent state for several reads. They nest, also inside a write transaction. */
int glimpse_db_begin_read(glimpse_db *db);
void glimpse_db_end_read(glimpse_db *db);
/* The write transaction. GLIMPSE_E_CORRUPT when damage was found before on this connection. */
int glimpse_db_begin(glimpse_db *db);
int glimpse_db_commit(glimpse_db *db);
void glimpse_db_rollback(glimpse_db *db); /* fine outside a transaction */
int glimpse_db_writing(const glimpse_db *db);

/* Damage found above SQLite (a checksum, a reference): sets the message, marks the connection so
 * that nothing more is written through it, returns GLIMPSE_E_CORRUPT. */
int glimpse_db_damaged(glimpse_db *db, const char *format, ...) GLIMPSE_PRINTF(2, 3);

#endif
