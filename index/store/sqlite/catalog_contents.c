/*
 * catalog_contents.c - contents (what the bytes of a file are) and their embeddings.
 */
#include "core/error.h"
#include "math/half.h"
#include "sqlite_store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int has_embedding(glimpse_db *db, int64_t model, int64_t content, int *embedded) {
    int64_t one = 0;
    int status = glimpse_db_integer(
        db, &one, "SELECT 1 FROM embedding WHERE content_id = ?1 AND model_id = ?2", "ii", content,
        model);
    *embedded = status == GLIMPSE_OK;
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

int glimpse_catalog_find_content(int64_t *content, int *embedded, glimpse_store *store,
                                 const glimpse_hash *hash, uint64_t size, int64_t model) {
    glimpse_db *db = glimpse_store_db(store);
    *content = 0;
    if (embedded) *embedded = 0;
    glimpse_db_enter(db);
    int status =
        glimpse_db_integer(db, content, "SELECT id FROM content WHERE hash = ?1 AND size = ?2",
                           "bi", hash->bytes, sizeof hash->bytes, (int64_t)size);
    if (status == GLIMPSE_OK && embedded) {
        status = has_embedding(db, model, *content, embedded);
    }
    glimpse_db_leave(db);
    return status;
}

static int write_fields(glimpse_db *db, int64_t content, const glimpse_content_meta *meta) {
    return glimpse_db_run(db,
                          "INSERT OR REPLACE INTO metadata (content_id, version, taken_from,"
                          " taken_offset, fields, sum) VALUES (?1, ?2, ?3, ?5, ?4,"
                          " glimpse_sum(?1, ?2, ?3, ?5, ?4))",
                          meta->has_offset ? "iiiti" : "iiitn", content,
                          (int64_t)GLIMPSE_METADATA_VERSION, (int64_t)meta->taken_from,
                          meta->fields, (int64_t)meta->offset_minutes);
}

int glimpse_catalog_write_content(int64_t *content, glimpse_store *store,
                                  const glimpse_content_meta *meta) {
    glimpse_db *db = glimpse_store_db(store);
    *content = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_run(
        db,
        "INSERT INTO content (hash, size, width, height, orientation, format, taken, camera,"
        " latitude, longitude, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
        " glimpse_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10))"
        " ON CONFLICT (hash, size) DO UPDATE SET width = ?3, height = ?4, orientation = ?5,"
        " format = ?6, taken = ?7, camera = ?8, latitude = ?9, longitude = ?10, sum = excluded.sum",
        meta->has_gps ? "biiiitttrr" : "biiiitttnn", meta->hash.bytes, sizeof meta->hash.bytes,
        (int64_t)meta->size, (int64_t)meta->width, (int64_t)meta->height,
        (int64_t)meta->orientation, meta->format ? meta->format : "",
        meta->taken ? meta->taken : "", meta->camera ? meta->camera : "", meta->latitude,
        meta->longitude);
    if (status == GLIMPSE_OK) {
        status = glimpse_catalog_find_content(content, NULL, store, &meta->hash, meta->size, 0);
    }
    if (status == GLIMPSE_OK && meta->fields) status = write_fields(db, *content, meta);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_write_metadata(glimpse_store *store, int64_t content,
                                   const glimpse_content_meta *meta) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_run(
        db,
        "UPDATE content SET taken = ?2, camera = ?3, latitude = ?4, longitude = ?5,"
        " sum = glimpse_sum(hash, size, width, height, orientation, format, ?2, ?3, ?4, ?5)"
        " WHERE id = ?1",
        meta->has_gps ? "ittrr" : "ittnn", content, meta->taken ? meta->taken : "",
        meta->camera ? meta->camera : "", meta->latitude, meta->longitude);
    if (status == GLIMPSE_OK && meta->fields) status = write_fields(db, content, meta);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_find_hash(int64_t *content, glimpse_store *store, const glimpse_hash *hash) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status =
        glimpse_db_integer(db, content, "SELECT id FROM content WHERE hash = ?1 ORDER BY size", "b",
                           (const void *)hash->bytes, sizeof hash->bytes);
    glimpse_db_leave(db);
    return status;
}

static const char *keep(glimpse_strings *strings, sqlite3_stmt *row, int column) {
    const char *text = glimpse_column_text(row, column);
    return glimpse_strings_add(strings, text, strlen(text));
}

void glimpse_column_taken(glimpse_taken_from *from, int *has_offset, int *offset_minutes,
                          sqlite3_stmt *row, int column, const char *taken) {
    *from = (glimpse_taken_from)sqlite3_column_int(row, column);
    if (sqlite3_column_type(row, column) == SQLITE_NULL && *taken) *from = GLIMPSE_TAKEN_EXIF;
    *has_offset = sqlite3_column_type(row, column + 1) != SQLITE_NULL;
    *offset_minutes = sqlite3_column_int(row, column + 1);
}

int glimpse_catalog_describe_content(glimpse_content_meta *out, glimpse_store *store,
                                     glimpse_strings *strings, int64_t content) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    *out = (glimpse_content_meta){.format = "", .taken = "", .camera = ""};
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "SELECT c.hash, c.size, c.width, c.height, c.format, c.taken, m.taken_from, m.taken_offset,"
        " m.fields FROM content c LEFT JOIN metadata m ON m.content_id = c.id WHERE c.id = ?1",
        "i", content);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        (void)glimpse_column_hash(&out->hash, row, 0);
        out->size = (uint64_t)sqlite3_column_int64(row, 1);
        out->width = (uint32_t)sqlite3_column_int64(row, 2);
        out->height = (uint32_t)sqlite3_column_int64(row, 3);
        out->format = keep(strings, row, 4);
        out->taken = keep(strings, row, 5);
        if (out->taken) {
            glimpse_column_taken(&out->taken_from, &out->has_offset, &out->offset_minutes, row, 6,
                                 out->taken);
        }
        if (sqlite3_column_type(row, 8) != SQLITE_NULL) {
            out->fields = keep(strings, row, 8);
            if (!out->fields) status = glimpse_fail_nomem(256, "a content");
        }
        if (!out->format || !out->taken) status = glimpse_fail_nomem(256, "a content");
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status > 0 ? GLIMPSE_OK : status == 0 ? GLIMPSE_E_NOT_FOUND : status;
}

int64_t glimpse_embedding_sum(int64_t model, int64_t content, const void *vector, size_t size) {
    /* Ids and vector are hashed apart and combined, so that nothing has to be copied. */
    uint8_t ids[16];
    for (int i = 0; i < 8; i++) {
        ids[i] = (uint8_t)((uint64_t)model >> (8 * i));
        ids[8 + i] = (uint8_t)((uint64_t)content >> (8 * i));
    }
    glimpse_hash parts[2] = {glimpse_hash_bytes(ids, sizeof ids), glimpse_hash_bytes(vector, size)};
    glimpse_hash whole = glimpse_hash_bytes(parts, sizeof parts);
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++)
        sum = sum << 8 | whole.bytes[i];
    return (int64_t)sum;
}

int glimpse_catalog_write_embedding(glimpse_store *store, int64_t model, int64_t content,
                                    const float *vector, size_t dim) {
    glimpse_db *db = glimpse_store_db(store);
    double square = 0.0;
    for (size_t i = 0; i < dim; i++)
        square += (double)vector[i] * (double)vector[i];
    /* The square of the smallest f32 is a normal double, so the length is 0 only for zeros. */
    if (dim == 0 || !isfinite(square) || square <= 0.0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "an embedding that is zero or not finite");
    }
    double scale = 1.0 / sqrt(square);
    float *unit = malloc(dim * sizeof *unit);
    uint8_t *bytes = malloc(2 * dim);
    int64_t expected = 0;
    int status = GLIMPSE_OK;
    glimpse_db_enter(db);
    if (!unit || !bytes) {
        status = glimpse_fail_nomem(6 * dim, "an embedding");
        goto done;
    }
    status = glimpse_db_integer(db, &expected, "SELECT dim FROM model WHERE id = ?1", "i", model);
    if (status == GLIMPSE_E_NOT_FOUND || (status == GLIMPSE_OK && (uint64_t)expected != dim)) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "an embedding of %zu dimensions where %lld belong",
                              dim, (long long)expected);
    }
    if (status < 0) goto done;
    for (size_t i = 0; i < dim; i++)
        unit[i] = (float)((double)vector[i] * scale);
    glimpse_f16_store(bytes, unit, dim);
    status =
        glimpse_db_run(db,
                       "INSERT INTO embedding (model_id, content_id, vector, sum)"
                       " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (content_id, model_id) DO NOTHING",
                       "iibi", model, content, (const void *)bytes, 2 * dim,
                       glimpse_embedding_sum(model, content, bytes, 2 * dim));
done:
    glimpse_db_leave(db);
    free(bytes);
    free(unit);
    return status;
}

int glimpse_embedding_read(glimpse_db *db, sqlite3_stmt *row, int first, int64_t model, size_t dim,
                           int64_t *content, const uint8_t **vector) {
    *content = sqlite3_column_int64(row, first);
    *vector = sqlite3_column_blob(row, first + 1);
    size_t size = (size_t)sqlite3_column_bytes(row, first + 1);
    if (size != 2 * dim) {
        return glimpse_db_damaged(db, "the embedding of content %lld has %zu bytes instead of %zu",
                                  (long long)*content, size, 2 * dim);
    }
    if (glimpse_embedding_sum(model, *content, *vector, size) !=
        sqlite3_column_int64(row, first + 2)) {
        return glimpse_db_damaged(db, "the embedding of content %lld does not match its checksum",
                                  (long long)*content);
    }
    return GLIMPSE_OK;
}

int glimpse_catalog_embedding(float *vector, glimpse_hash *hash, glimpse_store *store,
                              const glimpse_model_info *model, int64_t content) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    const uint8_t *bytes = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT e.content_id, e.vector, e.sum, c.hash FROM embedding e"
                                  " JOIN content c ON c.id = e.content_id"
                                  " WHERE e.content_id = ?1 AND e.model_id = ?2",
                                  "ii", content, model->id);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status == 0) status = GLIMPSE_E_NOT_FOUND;
    if (status > 0) {
        status = glimpse_embedding_read(db, row, 0, model->id, model->dim, &content, &bytes);
    }
    if (status == GLIMPSE_OK) {
        glimpse_f16_load(vector, bytes, model->dim);
        (void)glimpse_column_hash(hash, row, 3);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}
