/*
 * catalog_contents.c - contents (what the bytes of a file are), the pictures that they show, and
 * the embeddings of those.
 */
#include "core/error.h"
#include "facts.h"
#include "math/half.h"
#include "sqlite_store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int has_embedding(glimpse_db *db, int64_t model, int64_t picture, int *embedded) {
    int64_t one = 0;
    int status = glimpse_db_integer(
        db, &one, "SELECT 1 FROM embedding WHERE picture_id = ?1 AND part = 0 AND model_id = ?2",
        "ii", picture, model);
    *embedded = status == GLIMPSE_OK;
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

int glimpse_catalog_find_content(int64_t *picture, int *embedded, glimpse_store *store,
                                 const glimpse_hash *hash, uint64_t size, int64_t model) {
    glimpse_db *db = glimpse_store_db(store);
    *picture = 0;
    if (embedded) *embedded = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_integer(
        db, picture, "SELECT picture_id FROM content WHERE hash = ?1 AND size = ?2", "bi",
        (const void *)hash->bytes, sizeof hash->bytes, (int64_t)size);
    if (status == GLIMPSE_OK && embedded) {
        status = has_embedding(db, model, *picture, embedded);
    }
    glimpse_db_leave(db);
    return status;
}

/* Of several with one identity (they came before theirs was known) the oldest. */
#define WITH_IDENTITY "SELECT id FROM picture WHERE identity = ?1 ORDER BY id LIMIT 1"

int glimpse_catalog_find_identity(int64_t *picture, int *embedded, glimpse_store *store,
                                  const glimpse_hash *identity, int64_t model) {
    glimpse_db *db = glimpse_store_db(store);
    *picture = 0;
    *embedded = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_integer(db, picture, WITH_IDENTITY, "b", (const void *)identity->bytes,
                                    sizeof identity->bytes);
    if (status == GLIMPSE_OK) status = has_embedding(db, model, *picture, embedded);
    glimpse_db_leave(db);
    return status;
}

/* The picture that these bytes show, as far as is known. */
static int picture_of(glimpse_db *db, int64_t *picture, const glimpse_content_meta *meta) {
    int status = glimpse_db_integer(
        db, picture,
        "SELECT coalesce((SELECT picture_id FROM content WHERE hash = ?1 AND size = ?2),"
        " (SELECT id FROM picture WHERE hash = ?1 AND size = ?2))",
        "bi", (const void *)meta->hash.bytes, sizeof meta->hash.bytes, (int64_t)meta->size);
    if (status < 0 || *picture || !meta->has_identity) return status;
    status = glimpse_db_integer(db, picture, WITH_IDENTITY, "b", (const void *)meta->identity.bytes,
                                sizeof meta->identity.bytes);
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

static int insert_picture(glimpse_db *db, int64_t *picture, const glimpse_content_meta *meta) {
    return glimpse_db_integer(
        db, picture,
        "INSERT INTO picture (hash, size, identity, width, height, orientation, format, sum, added)"
        " VALUES (?1, ?2, nullif(?3, x''), ?4, ?5, ?6, ?7,"
        "  glimpse_sum(?1, ?2, nullif(?3, x''), ?4, ?5, ?6, ?7), unixepoch()) RETURNING id",
        "bibiiit", (const void *)meta->hash.bytes, sizeof meta->hash.bytes, (int64_t)meta->size,
        (const void *)meta->identity.bytes, meta->has_identity ? sizeof meta->identity.bytes : 0,
        (int64_t)meta->width, (int64_t)meta->height, (int64_t)meta->orientation,
        meta->format ? meta->format : "");
}

static int update_picture(glimpse_db *db, int64_t picture, const glimpse_content_meta *meta) {
    return glimpse_db_run(
        db,
        "UPDATE picture SET identity = coalesce(identity, nullif(?2, x'')), width = ?3,"
        " height = ?4, orientation = ?5, format = ?6, sum = glimpse_sum(hash, size,"
        "  coalesce(identity, nullif(?2, x'')), ?3, ?4, ?5, ?6) WHERE id = ?1",
        "ibiiit", picture, (const void *)meta->identity.bytes,
        meta->has_identity ? sizeof meta->identity.bytes : 0, (int64_t)meta->width,
        (int64_t)meta->height, (int64_t)meta->orientation, meta->format ? meta->format : "");
}

/* What the bytes say. */
static int write_fields(glimpse_db *db, int64_t content, const glimpse_content_meta *meta) {
    return glimpse_db_run(
        db,
        "INSERT INTO metadata (content_id, version, taken_from, taken_offset, fields, sum)"
        " VALUES (?1, ?2, ?3, ?5, ?4, glimpse_sum(?1, ?2, ?3, ?5, ?4))"
        " ON CONFLICT (content_id) DO UPDATE SET version = excluded.version,"
        " taken_from = excluded.taken_from, taken_offset = excluded.taken_offset,"
        " fields = excluded.fields, sum = excluded.sum",
        meta->has_offset ? "iiiti" : "iiitn", content, (int64_t)GLIMPSE_METADATA_VERSION,
        (int64_t)meta->taken_from, meta->fields, (int64_t)meta->offset_minutes);
}

static int find_bytes(glimpse_db *db, int64_t *content, const glimpse_content_meta *meta) {
    return glimpse_db_integer(db, content, "SELECT id FROM content WHERE hash = ?1 AND size = ?2",
                              "bi", (const void *)meta->hash.bytes, sizeof meta->hash.bytes,
                              (int64_t)meta->size);
}

static int update_bytes(glimpse_db *db, int64_t content, const glimpse_content_meta *meta) {
    return glimpse_db_run(db,
                          "UPDATE content SET taken = ?2, camera = ?3, latitude = ?4,"
                          " longitude = ?5,"
                          " sum = glimpse_sum(hash, size, picture_id, ?2, ?3, ?4, ?5)"
                          " WHERE id = ?1",
                          meta->has_gps ? "ittrr" : "ittnn", content,
                          meta->taken ? meta->taken : "", meta->camera ? meta->camera : "",
                          meta->latitude, meta->longitude);
}

/* With the connection entered. */
static int attach(glimpse_db *db, int64_t *content, int *is_new, int64_t picture,
                  const glimpse_content_meta *meta) {
    int status = find_bytes(db, content, meta);
    *is_new = status == GLIMPSE_E_NOT_FOUND;
    if (status == GLIMPSE_OK) {
        status = update_bytes(db, *content, meta);
    } else if (*is_new) {
        status = glimpse_db_run(
            db,
            "INSERT INTO content (hash, size, picture_id, taken, camera, latitude, longitude, sum)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, glimpse_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7))",
            meta->has_gps ? "biittrr" : "biittnn", (const void *)meta->hash.bytes,
            sizeof meta->hash.bytes, (int64_t)meta->size, picture, meta->taken ? meta->taken : "",
            meta->camera ? meta->camera : "", meta->latitude, meta->longitude);
        *content = glimpse_db_inserted(db);
    }
    if (status == GLIMPSE_OK && meta->fields) status = write_fields(db, *content, meta);
    if (status == GLIMPSE_OK && !*is_new) status = glimpse_facts_refresh_content(db, *content);
    return status;
}

int glimpse_catalog_write_metadata(glimpse_store *store, const glimpse_content_meta *meta) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t content = 0;
    glimpse_db_enter(db);
    int status = find_bytes(db, &content, meta);
    if (status == GLIMPSE_OK) status = update_bytes(db, content, meta);
    if (status == GLIMPSE_OK && meta->fields) status = write_fields(db, content, meta);
    if (status == GLIMPSE_OK) status = glimpse_facts_refresh_content(db, content);
    glimpse_db_leave(db);
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

int glimpse_catalog_write_content(int64_t *picture, glimpse_store *store,
                                  const glimpse_content_meta *meta) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t content = 0;
    int is_new = 0;
    *picture = 0;
    glimpse_db_enter(db);
    int status = picture_of(db, picture, meta);
    if (status == GLIMPSE_OK) {
        status = *picture ? update_picture(db, *picture, meta) : insert_picture(db, picture, meta);
    }
    if (status == GLIMPSE_OK) status = attach(db, &content, &is_new, *picture, meta);
    glimpse_db_leave(db);
    return status;
}

/* One row less to insert, and one less that nothing shows afterwards. Others may show the old
 * bytes, or have the new ones: then nothing is done. */
int glimpse_catalog_replace_content(int *replaced, glimpse_store *store, int64_t content,
                                    int64_t file, const glimpse_content_meta *meta) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_run(
        db,
        "UPDATE OR IGNORE content SET hash = ?2, size = ?3, taken = ?4, camera = ?5,"
        " latitude = ?6, longitude = ?7,"
        " sum = glimpse_sum(?2, ?3, picture_id, ?4, ?5, ?6, ?7) WHERE id = ?1 AND ?8 ="
        " (SELECT iif(count(*) = 1, max(id), 0) FROM file WHERE content_id = ?1)",
        meta->has_gps ? "ibittrri" : "ibittnni", content, (const void *)meta->hash.bytes,
        sizeof meta->hash.bytes, (int64_t)meta->size, meta->taken ? meta->taken : "",
        meta->camera ? meta->camera : "", meta->latitude, meta->longitude, file);
    *replaced = status == GLIMPSE_OK && glimpse_db_changes(db) == 1;
    if (*replaced && meta->fields) status = write_fields(db, content, meta);
    if (*replaced && status == GLIMPSE_OK) status = glimpse_facts_refresh_content(db, content);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_attach_content(int64_t *content, int *is_new, glimpse_store *store,
                                   int64_t picture, const glimpse_content_meta *meta) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = attach(db, content, is_new, picture, meta);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_identify(glimpse_store *store, int64_t picture, const glimpse_hash *identity) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status =
        glimpse_db_run(db,
                       "UPDATE picture SET identity = ?2,"
                       " sum = glimpse_sum(hash, size, ?2, width, height, orientation, format)"
                       " WHERE id = ?1 AND identity IS NULL",
                       "ib", picture, (const void *)identity->bytes, sizeof identity->bytes);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_newest_content(int64_t *picture, glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_integer(db, picture, "SELECT coalesce(max(id), 0) FROM picture", "");
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_lack_identity(int *lacking, glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t one = 0;
    glimpse_db_enter(db);
    int status =
        glimpse_db_integer(db, &one, "SELECT 1 FROM picture WHERE identity IS NULL LIMIT 1", "");
    glimpse_db_leave(db);
    *lacking = status == GLIMPSE_OK;
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

int glimpse_catalog_is_unfinished(int *unfinished, glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t one = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_integer(db, &one, "SELECT 1 FROM unfinished LIMIT 1", "");
    glimpse_db_leave(db);
    *unfinished = status == GLIMPSE_OK;
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

/* Of a picture whose files are all gone nothing can be learned any more; when one comes back, the
 * run that finds it reads it. */
#define UNIDENTIFIED                            \
 " FROM picture p WHERE p.identity IS NULL AND" \
 " EXISTS (SELECT 1 FROM file f WHERE f.picture_id = p.id AND f.missing = 0)"

int glimpse_catalog_count_unidentified(uint64_t *count, glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t found = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_integer(db, &found, "SELECT count(*)" UNIDENTIFIED, "");
    glimpse_db_leave(db);
    *count = (uint64_t)found;
    return status;
}

int glimpse_catalog_finish(glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(
            db, "DELETE FROM unfinished WHERE NOT EXISTS (SELECT 1" UNIDENTIFIED ")", "");
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (status < 0) glimpse_db_rollback(db);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_find_id(int64_t *picture, glimpse_store *store, const glimpse_hash *id) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_integer(db, picture, GLIMPSE_PICTURE_OF_ID, "b",
                                    (const void *)id->bytes, sizeof id->bytes);
    glimpse_db_leave(db);
    return status;
}

/* Of a picture that is not indexed: what was kept is kept under its first id. */
static int unindexed_id(glimpse_db *db, glimpse_hash *id, int *known,
                        const glimpse_hash *identity) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(db, &row,
                                  "SELECT hash FROM unindexed WHERE identity = ?1"
                                  " AND sum = " GLIMPSE_UNINDEXED_SUM,
                                  "b", (const void *)identity->bytes, sizeof identity->bytes);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    *known = status > 0 && glimpse_column_hash(id, row, 0);
    glimpse_db_reset(row);
    return status < 0 ? status : GLIMPSE_OK;
}

static int indexed_id(glimpse_db *db, glimpse_hash *id, int *known, const glimpse_hash *hash,
                      const glimpse_hash *identity, int unindexed_first) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(
        db, &row,
        "WITH known (id) AS (SELECT coalesce("
        "(SELECT id FROM picture WHERE hash = ?1 ORDER BY size LIMIT 1),"
        " (SELECT picture_id FROM content WHERE hash = ?1 ORDER BY size LIMIT 1),"
        " (SELECT id FROM picture WHERE identity = ?3 ORDER BY id LIMIT 1)))"
        " SELECT iif(?2, coalesce(u.hash, p.hash), p.hash) FROM picture p JOIN known USING (id)"
        " LEFT JOIN unindexed u ON u.identity = p.identity"
        "  AND u.sum = glimpse_sum(u.identity, u.hash)",
        identity ? "bib" : "bin", (const void *)hash->bytes, sizeof hash->bytes,
        (int64_t)unindexed_first, identity ? (const void *)identity->bytes : NULL,
        sizeof identity->bytes);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    *known = status > 0 && glimpse_column_hash(id, row, 0);
    glimpse_db_reset(row);
    return status < 0 ? status : GLIMPSE_OK;
}

int glimpse_picture_id(glimpse_hash *id, int *known, glimpse_db *db, glimpse_id_order order,
                       const glimpse_hash *hash, const glimpse_hash *identity) {
    const int first = order == GLIMPSE_ID_UNINDEXED_FIRST;
    int status = GLIMPSE_OK;
    *known = 0;
    if (identity && order != GLIMPSE_ID_INDEXED_FIRST)
        status = unindexed_id(db, id, known, identity);
    if (status == GLIMPSE_OK && !*known && order != GLIMPSE_ID_UNINDEXED) {
        status = indexed_id(db, id, known, hash, identity, first);
    }
    if (status == GLIMPSE_OK && !*known && identity && order == GLIMPSE_ID_INDEXED_FIRST) {
        status = unindexed_id(db, id, known, identity);
    }
    if (!*known) *id = *hash;
    return status;
}

int glimpse_picture_keep_id(glimpse_db *db, const glimpse_hash *id, const glimpse_hash *identity) {
    int status = glimpse_db_begin(db);
    if (status < 0) return status;
    status = glimpse_db_run(
        db,
        "INSERT INTO unindexed (identity, hash, sum) VALUES (?1, ?2, glimpse_sum(?1, ?2))"
        " ON CONFLICT (identity) DO UPDATE SET hash = excluded.hash, sum = excluded.sum"
        " WHERE unindexed.sum <> glimpse_sum(unindexed.identity, unindexed.hash)",
        "bb", (const void *)identity->bytes, sizeof identity->bytes, (const void *)id->bytes,
        sizeof id->bytes);
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (status < 0) glimpse_db_rollback(db);
    return status;
}

int glimpse_catalog_id_of(glimpse_hash *id, int *known, glimpse_store *store,
                          const glimpse_hash *hash, const glimpse_hash *identity) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_picture_id(id, known, db, GLIMPSE_ID_INDEXED_FIRST, hash, identity);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_keep_id(glimpse_store *store, const glimpse_hash *id,
                            const glimpse_hash *identity) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_picture_keep_id(db, id, identity);
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
                                     glimpse_strings *strings, int64_t picture, int64_t file) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    *out = (glimpse_content_meta){.format = "", .taken = "", .camera = ""};
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "SELECT p.hash, c.size, p.width, p.height, p.format, " GLIMPSE_SAID_TAKEN
        ", " GLIMPSE_SAID_TAKEN_FROM ", " GLIMPSE_SAID_FIELDS ", " GLIMPSE_SAID_PLACE
        ", p.orientation, p.added, (SELECT x.rating FROM fact x WHERE x.file_id = f.id)"
        " FROM picture p JOIN content c ON c.picture_id = p.id"
        " LEFT JOIN file f ON f.id = ?2 AND f.content_id = c.id"
        " LEFT JOIN metadata m ON m.content_id = c.id LEFT JOIN sidecar s ON s.file_id = f.id"
        " WHERE p.id = ?1 ORDER BY f.id IS NULL, c.id LIMIT 1",
        "ii", picture, file);
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
        out->camera = keep(strings, row, 9);
        out->has_gps = sqlite3_column_type(row, 10) != SQLITE_NULL;
        out->latitude = sqlite3_column_double(row, 10);
        out->longitude = sqlite3_column_double(row, 11);
        out->orientation = sqlite3_column_int(row, 12);
        out->added = sqlite3_column_int64(row, 13);
        out->has_rating = sqlite3_column_type(row, 14) != SQLITE_NULL;
        out->rating = sqlite3_column_double(row, 14);
        if (!out->format || !out->taken || !out->camera)
            status = glimpse_fail_nomem(256, "a content");
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status > 0 ? GLIMPSE_OK : status == 0 ? GLIMPSE_E_NOT_FOUND : status;
}

/* Part 0 is not in it: that is what it was before there were parts. */
int64_t glimpse_embedding_sum(int64_t model, int64_t picture, uint32_t part, const void *vector,
                              size_t size) {
    /* Ids and vector are hashed apart and combined, so that nothing has to be copied. */
    uint8_t ids[20];
    for (int i = 0; i < 8; i++) {
        ids[i] = (uint8_t)((uint64_t)model >> (8 * i));
        ids[8 + i] = (uint8_t)((uint64_t)picture >> (8 * i));
    }
    for (int i = 0; i < 4; i++)
        ids[16 + i] = (uint8_t)(part >> (8 * i));
    glimpse_hash parts[2] = {glimpse_hash_bytes(ids, part ? sizeof ids : 16),
                             glimpse_hash_bytes(vector, size)};
    glimpse_hash whole = glimpse_hash_bytes(parts, sizeof parts);
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++)
        sum = sum << 8 | whole.bytes[i];
    return (int64_t)sum;
}

int glimpse_catalog_write_embedding(glimpse_store *store, int64_t model, int64_t picture,
                                    const float *vector, size_t dim) {
    return glimpse_embedding_insert(store, model, picture, 0, vector, dim);
}

int glimpse_embedding_insert(glimpse_store *store, int64_t model, int64_t picture, uint32_t part,
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
                       "INSERT INTO embedding (model_id, picture_id, part, vector, sum)"
                       " VALUES (?1, ?2, ?5, ?3, ?4)"
                       " ON CONFLICT (picture_id, part, model_id) DO NOTHING",
                       "iibii", model, picture, (const void *)bytes, 2 * dim,
                       glimpse_embedding_sum(model, picture, part, bytes, 2 * dim), (int64_t)part);
done:
    glimpse_db_leave(db);
    free(bytes);
    free(unit);
    return status;
}

int glimpse_embedding_read(glimpse_db *db, sqlite3_stmt *row, int first, int64_t model,
                           uint32_t part, size_t dim, int64_t *picture, const uint8_t **vector) {
    *picture = sqlite3_column_int64(row, first);
    *vector = sqlite3_column_blob(row, first + 1);
    size_t size = (size_t)sqlite3_column_bytes(row, first + 1);
    if (size != 2 * dim) {
        return glimpse_db_damaged(db, "the embedding of picture %lld has %zu bytes instead of %zu",
                                  (long long)*picture, size, 2 * dim);
    }
    if (glimpse_embedding_sum(model, *picture, part, *vector, size) !=
        sqlite3_column_int64(row, first + 2)) {
        return glimpse_db_damaged(db, "the embedding of picture %lld does not match its checksum",
                                  (long long)*picture);
    }
    return GLIMPSE_OK;
}

int glimpse_catalog_embedding(float *vector, glimpse_hash *hash, glimpse_store *store,
                              const glimpse_model_info *model, int64_t picture) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    const uint8_t *bytes = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT e.picture_id, e.vector, e.sum, p.hash FROM embedding e"
                                  " JOIN picture p ON p.id = e.picture_id"
                                  " WHERE e.picture_id = ?1 AND e.part = 0 AND e.model_id = ?2",
                                  "ii", picture, model->id);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status == 0) status = GLIMPSE_E_NOT_FOUND;
    if (status > 0) {
        status = glimpse_embedding_read(db, row, 0, model->id, 0, model->dim, &picture, &bytes);
    }
    if (status == GLIMPSE_OK) {
        glimpse_f16_load(vector, bytes, model->dim);
        (void)glimpse_column_hash(hash, row, 3);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}
