/*
 * visit.c - reading stored embeddings: one by path or content id, or those of a folder in order.
 */
#include "catalog_private.h"
#include "core/error.h"
#include "dates.h"
#include "file_paths.h"
#include "filter.h"
#include "math/half.h"
#include "results.h"

#include <stdlib.h>
#include <string.h>

static int find_model(glimpse_library *library, const glimpse_model_key *key,
                      glimpse_model_info *model) {
    glimpse_catalog *catalog = glimpse_library_catalog(library);
    int status = glimpse_catalog_find_model(catalog, key->fingerprint, model);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: no picture was indexed with the model %s yet",
                            glimpse_library_path(library), key->name);
    }
    if (status == GLIMPSE_OK && model->dim != key->dim) {
        return glimpse_db_damaged(catalog->db, "model %s has %zu dimensions there and %zu here",
                                  key->fingerprint, model->dim, key->dim);
    }
    return status;
}

static int content_of_path(glimpse_db *db, const char *path, int64_t *content) {
    return glimpse_db_integer(db, content,
                              "SELECT content_id FROM file WHERE path = ?1"
                              " AND content_id IS NOT NULL",
                              "p", path);
}

int glimpse_catalog_content_of(glimpse_db *db, const char *path_or_id, int64_t *content) {
    glimpse_hash hash;
    char *absolute = NULL, *real = NULL;
    int status = GLIMPSE_E_NOT_FOUND;
    if (glimpse_hash_from_hex(&hash, path_or_id)) {
        status =
            glimpse_db_integer(db, content, "SELECT id FROM content WHERE hash = ?1 ORDER BY size",
                               "b", (const void *)hash.bytes, sizeof hash.bytes);
        if (status != GLIMPSE_E_NOT_FOUND) return status;
    }
    status = glimpse_path_absolute(&absolute, path_or_id);
    if (status < 0) return status;
    status = content_of_path(db, absolute, content);
    if (status == GLIMPSE_E_NOT_FOUND && (real = glimpse_path_real(absolute))) {
        status = content_of_path(db, real, content);
    }
    free(real);
    free(absolute);
    return status;
}

int glimpse_library_embedding_key(float *embedding, char *id, glimpse_library *library,
                                  const glimpse_model_key *key, const char *path_or_id) {
    glimpse_db *db = glimpse_library_catalog(library)->db;
    sqlite3_stmt *row = NULL;
    glimpse_model_info model;
    int64_t content = 0;
    const uint8_t *vector = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_begin_read(db);
    if (status < 0) goto leave;
    status = find_model(library, key, &model);
    if (status < 0) goto done;
    status = glimpse_catalog_content_of(db, path_or_id, &content);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_query(db, &row,
                                  "SELECT e.content_id, e.vector, e.sum, c.hash FROM embedding e"
                                  " JOIN content c ON c.id = e.content_id"
                                  " WHERE e.content_id = ?1 AND e.model_id = ?2",
                                  "ii", content, model.id);
        if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
        if (status == 0) status = GLIMPSE_E_NOT_FOUND;
    }
    if (status == GLIMPSE_E_NOT_FOUND) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: not indexed with the model %s", path_or_id,
                              key->name);
    }
    if (status < 0) goto done;
    status = glimpse_embedding_read(db, row, 0, model.id, model.dim, &content, &vector);
    if (status < 0) goto done;
    glimpse_f16_load(embedding, vector, model.dim);
    if (id && sqlite3_column_bytes(row, 3) == GLIMPSE_HASH_BYTES) {
        glimpse_hash hash;
        memcpy(hash.bytes, sqlite3_column_blob(row, 3), GLIMPSE_HASH_BYTES);
        glimpse_hash_to_hex(&hash, id);
    }
done:
    glimpse_db_reset(row);
    glimpse_db_end_read(db);
leave:
    glimpse_db_leave(db);
    return status;
}

/* One row of the statement below as the caller's callback sees it. */
static int visit_row(glimpse_db *db, sqlite3_stmt *row, const glimpse_model_info *model,
                     glimpse_reach *reach, size_t rank, float *embedding, glimpse_visit_fn visit,
                     void *user) {
    int64_t content = 0;
    const uint8_t *vector = NULL;
    char hex[GLIMPSE_HASH_HEX], modified[GLIMPSE_DATE_BYTES];
    glimpse_hash hash = {{0}};
    int status = glimpse_embedding_read(db, row, 8, model->id, model->dim, &content, &vector);
    if (status < 0) return status;
    glimpse_f16_load(embedding, vector, model->dim);
    char *path = glimpse_column_path(row, 0);
    if (!path) return glimpse_fail_nomem(64, "a path");
    if (sqlite3_column_bytes(row, 2) == GLIMPSE_HASH_BYTES) {
        memcpy(hash.bytes, sqlite3_column_blob(row, 2), GLIMPSE_HASH_BYTES);
    }
    glimpse_hash_to_hex(&hash, hex);
    glimpse_date_of_mtime(sqlite3_column_int64(row, 1), modified);
    const char *format = (const char *)sqlite3_column_text(row, 6);
    const char *taken = (const char *)sqlite3_column_text(row, 7);
    glimpse_result file = {
        .rank = rank,
        .path = path,
        .id = hex,
        .bytes = (uint64_t)sqlite3_column_int64(row, 3),
        .width = (uint32_t)sqlite3_column_int64(row, 4),
        .height = (uint32_t)sqlite3_column_int64(row, 5),
        .taken = taken ? taken : "",
        .modified = modified,
        .format = format ? format : "",
        .offline = glimpse_reach_was_offline(reach, path),
        .copies = (size_t)sqlite3_column_int64(row, 11),
    };
    status = visit(user, &file, embedding);
    free(path);
    return status;
}

int glimpse_library_visit_key(glimpse_library *library, const glimpse_model_key *key,
                              const char *path_prefix, glimpse_visit_fn visit, void *user) {
    glimpse_catalog *catalog = glimpse_library_catalog(library);
    glimpse_db *db = catalog->db;
    sqlite3_stmt *row = NULL;
    glimpse_model_info model;
    glimpse_filter filter = {0};
    glimpse_reach reach = {0};
    float *embedding = NULL;
    size_t rank = 0;
    int reading = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_begin_read(db);
    if (status < 0) goto done;
    reading = 1;
    status = find_model(library, key, &model);
    if (status == GLIMPSE_OK) status = glimpse_filter_init(&filter, db, path_prefix, NULL, NULL);
    if (status == GLIMPSE_OK) status = glimpse_reach_init(&reach, catalog);
    if (status < 0) goto done;
    embedding = malloc(model.dim * sizeof *embedding);
    if (!embedding) {
        status = glimpse_fail_nomem(model.dim * sizeof *embedding, "an embedding");
        goto done;
    }
    status = glimpse_filter_query(
        &filter, db, &row,
        "SELECT f.path, f.mtime_ns, c.hash, c.size, c.width, c.height, c.format, c.taken,"
        " e.content_id, e.vector, e.sum,"
        " (SELECT count(*) FROM file g WHERE g.content_id = c.id AND g.missing = 0)"
        " FROM file f CROSS JOIN content c ON c.id = f.content_id"
        " CROSS JOIN embedding e ON e.content_id = c.id AND e.model_id = ?8"
        " WHERE f.missing = 0 AND " GLIMPSE_FILTER_PATH " ORDER BY f.path",
        model.id);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        status = visit_row(db, row, &model, &reach, ++rank, embedding, visit, user);
    }
done:
    glimpse_db_reset(row);
    if (reading) glimpse_db_end_read(db);
    glimpse_db_leave(db);
    free(embedding);
    glimpse_reach_free(&reach);
    glimpse_filter_free(&filter);
    return status;
}
