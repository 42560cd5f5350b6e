/*
 * catalog_private.h - what the store's own files (search, status, verify, prune) share beyond
 * catalog.h: the connection itself, and reading embeddings.
 */
#ifndef GLIMPSE_INDEX_CATALOG_PRIVATE_H
#define GLIMPSE_INDEX_CATALOG_PRIVATE_H

#include "catalog.h"
#include "db.h"

struct glimpse_catalog {
    glimpse_db *db;
};

/* What embedding.sum holds: a 64-bit hash of model id, content id and the stored vector. */
int64_t glimpse_embedding_sum(int64_t model, int64_t content, const void *vector, size_t size);

/* Reads columns `first` (content id), +1 (vector), +2 (sum) of a row: checks length and sum, so
 * that a damaged vector is never used (GLIMPSE_E_CORRUPT). *vector is valid until the next step. */
int glimpse_embedding_read(glimpse_db *db, sqlite3_stmt *row, int first, int64_t model, size_t dim,
                           int64_t *content, const uint8_t **vector);

/* malloc'ed copy of a path column, NUL-terminated; NULL when out of memory. */
char *glimpse_column_path(sqlite3_stmt *row, int column);

/* The row id of a content that is given by its id (32 hex digits; tried first), by the path of a
 * file as it is written, or by where that path really is. GLIMPSE_E_NOT_FOUND, without a message,
 * when the catalogue has none. */
int glimpse_catalog_content_of(glimpse_db *db, const char *path_or_id, int64_t *content);

/* The most specific of `roots` that `path` is below, or NULL. */
const glimpse_root *glimpse_root_of(const glimpse_root *roots, size_t count, const char *path);

#endif
