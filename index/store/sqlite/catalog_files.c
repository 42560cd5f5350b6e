/*
 * catalog_files.c - files: which content a path had when it was last looked at.
 */
#include "core/error.h"
#include "facts.h"
#include "sqlite_store.h"

#include <stdlib.h>
#include <string.h>

#define LITERALLY(number) #number
#define TEXT_OF(macro)    LITERALLY(macro)
#define ROW_COLUMNS                                                                           \
 "SELECT size, mtime_ns, inode, missing, picture_id, code,"                                   \
 " EXISTS (SELECT 1 FROM embedding e WHERE e.picture_id = file.picture_id AND e.part = 0"     \
 "  AND e.model_id = ?1), picture_id NOT IN (SELECT id FROM picture WHERE identity IS NULL)," \
 " id, path, EXISTS (SELECT 1 FROM metadata m WHERE m.content_id = file.content_id AND"       \
 " m.version = " TEXT_OF(GLIMPSE_METADATA_VERSION) "), (SELECT iif(s.version = " TEXT_OF(     \
     GLIMPSE_METADATA_VERSION) ", stamp, 2) FROM sidecar s WHERE s.file_id = file.id),"       \
                               " ctime_ns, left_out FROM file"

static glimpse_file_row read_row(sqlite3_stmt *row) {
    glimpse_file_row out = {
        .stamp = {(uint64_t)sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1),
                  (uint64_t)sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 12)},
        .missing = (uint8_t)(sqlite3_column_int(row, 3) == 0    ? 0
                             : sqlite3_column_int(row, 13) == 0 ? GLIMPSE_FILE_MISSING
                                                                : GLIMPSE_FILE_LEFT_OUT),
        .picture = sqlite3_column_int64(row, 4), /* NULL reads as 0 */
        .code = (int16_t)sqlite3_column_int(row, 5),
        .embedded = sqlite3_column_int(row, 6) != 0,
        .identified = sqlite3_column_int(row, 7) != 0,
        .described = sqlite3_column_int(row, 10) != 0,
        .sidecars = sqlite3_column_int64(row, 11), /* NULL reads as 0; 2 is no stamp: read again */
    };
    out.state = out.picture ? GLIMPSE_FILE_OK : GLIMPSE_FILE_QUARANTINED;
    return out;
}

static int append_rows(glimpse_db *db, glimpse_file_table *table, sqlite3_stmt *row) {
    int status = GLIMPSE_OK;
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const glimpse_file_row file = read_row(row);
        status = glimpse_file_table_append(table, sqlite3_column_int64(row, 8), &file,
                                           sqlite3_column_blob(row, 9),
                                           (size_t)sqlite3_column_bytes(row, 9));
    }
    return status;
}

int glimpse_catalog_load_files(glimpse_file_table **out, glimpse_store *store, const char *root,
                               int64_t model) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *one = NULL, *below = NULL;
    char *first = NULL, *end = NULL;
    size_t length = 0;
    glimpse_file_table *table = NULL;
    *out = NULL;
    int status = glimpse_file_table_create(&table);
    if (status < 0) return status;
    glimpse_db_enter(db);
    status = glimpse_path_range_below(&first, &end, &length, root);
    if (status < 0) goto done;
    /* The path itself sorts before everything below it. */
    status = glimpse_db_query(db, &one, ROW_COLUMNS " WHERE path = ?2", "ip", model, root);
    if (status == GLIMPSE_OK) status = append_rows(db, table, one);
    if (status < 0) goto done;
    status =
        glimpse_db_query(db, &below, ROW_COLUMNS " WHERE path >= ?2 AND path < ?3 ORDER BY path",
                         "ibb", model, first, length, end, length);
    if (status == GLIMPSE_OK) status = append_rows(db, table, below);
    if (status < 0) goto done;
    glimpse_file_table_seal(table);
    *out = table;
    table = NULL;
done:
    glimpse_db_reset(one);
    glimpse_db_reset(below);
    glimpse_db_leave(db);
    free(first);
    free(end);
    glimpse_file_table_free(table);
    return status;
}

int glimpse_catalog_picture_of_file(int64_t *picture, glimpse_store *store, const char *path) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_integer(db, picture,
                                    "SELECT picture_id FROM file WHERE path = ?1"
                                    " AND picture_id IS NOT NULL",
                                    "p", path);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_any_below(int *known, glimpse_store *store, const char *directory) {
    glimpse_db *db = glimpse_store_db(store);
    char *first = NULL, *end = NULL;
    size_t length = 0;
    *known = 0;
    int status = glimpse_path_range_below(&first, &end, &length, directory);
    if (status < 0) return status;
    int64_t one = 0;
    glimpse_db_enter(db);
    status = glimpse_db_integer(
        db, &one,
        "SELECT 1 FROM file WHERE path >= ?1 AND path < ?2 AND (missing = 0 OR left_out = 1)"
        " LIMIT 1",
        "bb", first, length, end, length);
    glimpse_db_leave(db);
    free(first);
    free(end);
    *known = status == GLIMPSE_OK;
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

int glimpse_catalog_find_file(glimpse_file_row *out, glimpse_store *store, const char *path,
                              int64_t model) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    *out = (glimpse_file_row){0};
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row, ROW_COLUMNS " WHERE path = ?2", "ip", model, path);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) *out = read_row(row);
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status > 0 ? GLIMPSE_OK : status == 0 ? GLIMPSE_E_NOT_FOUND : status;
}

int glimpse_catalog_bind_file(glimpse_store *store, const char *path,
                              const glimpse_file_stamp *stamp, const glimpse_hash *hash,
                              uint64_t size) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_run(
        db,
        "INSERT INTO file (path, size, mtime_ns, inode, missing, picture_id, content_id, sum,"
        " ctime_ns) SELECT ?1, ?2, ?3, ?4, 0, picture_id, id,"
        "  glimpse_sum(?1, ?2, ?3, ?4, 0, picture_id, id, NULL, NULL), ?7"
        " FROM content WHERE hash = ?5 AND size = ?6"
        " ON CONFLICT (path) DO UPDATE SET size = ?2, mtime_ns = ?3, inode = ?4, missing = 0,"
        " picture_id = excluded.picture_id, content_id = excluded.content_id,"
        " code = NULL, reason = NULL, sum = excluded.sum, ctime_ns = ?7",
        "piiibii", path, (int64_t)stamp->size, stamp->mtime_ns, (int64_t)stamp->inode,
        (const void *)hash->bytes, sizeof hash->bytes, (int64_t)size, stamp->ctime_ns);
    if (status == GLIMPSE_OK && glimpse_db_changes(db) == 0) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "%s: bound to bytes that are not known", path);
    }
    if (status == GLIMPSE_OK) status = glimpse_facts_refresh_path(db, path);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_quarantine_file(glimpse_store *store, const char *path,
                                    const glimpse_file_stamp *stamp, int code, const char *reason) {
    glimpse_db *db = glimpse_store_db(store);
    char kept[1001];
    size_t length = strlen(reason);
    if (length >= sizeof kept) length = sizeof kept - 1;
    memcpy(kept, reason, length);
    kept[length] = '\0';
    glimpse_db_enter(db);
    int status =
        glimpse_db_run(db,
                       "INSERT INTO file (path, size, mtime_ns, inode, missing, code, reason, sum,"
                       " ctime_ns) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6,"
                       "  glimpse_sum(?1, ?2, ?3, ?4, 0, NULL, NULL, ?5, ?6), ?7)"
                       " ON CONFLICT (path) DO UPDATE SET size = ?2, mtime_ns = ?3, inode = ?4,"
                       " missing = 0, picture_id = NULL, content_id = NULL, code = ?5, reason = ?6,"
                       " sum = excluded.sum, ctime_ns = ?7",
                       "piiiiti", path, (int64_t)stamp->size, stamp->mtime_ns,
                       (int64_t)stamp->inode, (int64_t)code, kept, stamp->ctime_ns);
    if (status == GLIMPSE_OK) status = glimpse_facts_refresh_path(db, path);
    glimpse_db_leave(db);
    return status;
}

#define KNOWN_FILES                                         \
 "SELECT f.id, c.id, c.hash, c.size, p.identity"            \
 " FROM file f CROSS JOIN content c ON c.id = f.content_id" \
 " CROSS JOIN picture p ON p.id = f.picture_id"

static void read_known(glimpse_known_file *out, sqlite3_stmt *row) {
    if (!glimpse_column_hash(&out->hash, row, 2)) return;
    out->content = sqlite3_column_int64(row, 1);
    out->size = (uint64_t)sqlite3_column_int64(row, 3);
    out->has_identity = glimpse_column_hash(&out->identity, row, 4);
}

static int known_file(glimpse_db *db, glimpse_known_file *out, int64_t file) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(db, &row, KNOWN_FILES " WHERE f.id = ?1", "i", file);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) read_known(out, row);
    glimpse_db_reset(row);
    return status < 0 ? status : GLIMPSE_OK;
}

typedef struct wanted_file {
    int64_t id;
    size_t place;
} wanted_file;

static int compare_wanted(const void *a, const void *b) {
    const int64_t left = ((const wanted_file *)a)->id, right = ((const wanted_file *)b)->id;
    return (left > right) - (left < right);
}

/* All rows from the least of their ids (`wanted`, sorted) to the largest: one after another they
 * are found without a search each, and others among them are passed over. */
static int known_range(glimpse_db *db, glimpse_known_file *out, const wanted_file *wanted,
                       size_t count) {
    sqlite3_stmt *row = NULL;
    size_t next = 0;
    int status =
        glimpse_db_query(db, &row, KNOWN_FILES " WHERE f.id BETWEEN ?1 AND ?2 ORDER BY f.id", "ii",
                         wanted[0].id, wanted[count - 1].id);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const int64_t id = sqlite3_column_int64(row, 0);
        while (next < count && wanted[next].id < id)
            next++;
        if (next < count && wanted[next].id == id) read_known(&out[wanted[next].place], row);
        status = GLIMPSE_OK;
    }
    glimpse_db_reset(row);
    return status;
}

int glimpse_catalog_known_files(glimpse_known_file *out, glimpse_store *store, const int64_t *files,
                                size_t count) {
    enum { MAX_SPARSENESS = 4 }; /* rows to pass over for each that is wanted, about */
    glimpse_db *db = glimpse_store_db(store);
    int status = GLIMPSE_OK;
    if (count == 0) return GLIMPSE_OK;
    wanted_file *wanted = malloc(count * sizeof *wanted);
    if (!wanted) return glimpse_fail_nomem(count * sizeof *wanted, "known files");
    for (size_t i = 0; i < count; i++) {
        out[i] = (glimpse_known_file){0};
        wanted[i] = (wanted_file){files[i], i};
    }
    qsort(wanted, count, sizeof *wanted, compare_wanted);
    const uint64_t span = (uint64_t)wanted[count - 1].id - (uint64_t)wanted[0].id;
    glimpse_db_enter(db);
    if (count > 1 && span / MAX_SPARSENESS < count) {
        status = known_range(db, out, wanted, count);
    } else {
        for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
            status = known_file(db, &out[i], files[i]);
    }
    glimpse_db_leave(db);
    free(wanted);
    return status;
}

/* Columns that stay as they are, are not named: then their indexes are not touched. */
int glimpse_catalog_update_file(glimpse_store *store, int64_t file, const glimpse_file_stamp *stamp,
                                int64_t content) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status =
        content ? glimpse_db_run(
                      db,
                      "UPDATE file SET size = ?2, mtime_ns = ?3, inode = ?4, missing = 0,"
                      " content_id = ?5, sum = glimpse_sum(path, ?2, ?3, ?4, 0, picture_id, ?5,"
                      " NULL, NULL), ctime_ns = ?6 WHERE id = ?1",
                      "iiiiii", file, (int64_t)stamp->size, stamp->mtime_ns, (int64_t)stamp->inode,
                      content, stamp->ctime_ns)
                : glimpse_db_run(
                      db,
                      "UPDATE file SET size = ?2, mtime_ns = ?3, inode = ?4, missing = 0,"
                      " sum = glimpse_sum(path, ?2, ?3, ?4, 0, picture_id, content_id, NULL, NULL),"
                      " ctime_ns = ?5 WHERE id = ?1",
                      "iiiii", file, (int64_t)stamp->size, stamp->mtime_ns, (int64_t)stamp->inode,
                      stamp->ctime_ns);
    if (status == GLIMPSE_OK) status = glimpse_facts_refresh(db, file);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_set_sidecars(glimpse_store *store, const char *path, int64_t stamp,
                                 const glimpse_content_meta *meta) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status =
        stamp ? glimpse_db_run(
                    db,
                    "INSERT OR REPLACE INTO sidecar (file_id, stamp, version, taken, camera,"
                    " taken_from, taken_offset, fields, latitude, longitude, sum)"
                    " SELECT id, ?2, ?3, ?4, ?5, ?6, iif(?7, ?8, NULL), ?9, ?10, ?11,"
                    "  glimpse_sum(id, ?2, ?3, ?4, ?5, ?10, ?11, ?6, iif(?7, ?8, NULL), ?9)"
                    " FROM file WHERE path = ?1",
                    meta->has_gps ? "piittiiitrr" : "piittiiitnn", path, stamp,
                    (int64_t)GLIMPSE_METADATA_VERSION, meta->taken, meta->camera,
                    (int64_t)meta->taken_from, (int64_t)(meta->has_offset != 0),
                    (int64_t)meta->offset_minutes, meta->fields, meta->latitude, meta->longitude)
              : glimpse_db_run(db,
                               "DELETE FROM sidecar WHERE file_id IN"
                               " (SELECT id FROM file WHERE path = ?1)",
                               "p", path);
    if (status == GLIMPSE_OK && glimpse_db_changes(db) > 0) {
        status = glimpse_facts_refresh_path(db, path);
    }
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_forget_file(glimpse_store *store, const char *path) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_run(db, "DELETE FROM file WHERE path = ?1", "p", path);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_set_missing(glimpse_store *store, int64_t id, int absence) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_run(
        db,
        "UPDATE file SET missing = ?2, left_out = ?3, sum = glimpse_sum(path, size, mtime_ns, "
        "inode,"
        " ?2 * (1 + ?3), picture_id, content_id, code, reason) WHERE id = ?1",
        "iii", id, (int64_t)(absence != 0), (int64_t)(absence == GLIMPSE_FILE_LEFT_OUT));
    glimpse_db_leave(db);
    return status;
}

/* Paths are handed over one at a time, in a buffer that grows. */
typedef struct path_buffer {
    char *bytes;
    size_t capacity;
} path_buffer;

static const char *fill(path_buffer *buffer, sqlite3_stmt *row, int column) {
    const void *bytes = sqlite3_column_blob(row, column);
    size_t size = (size_t)sqlite3_column_bytes(row, column);
    if (size + 1 > buffer->capacity) {
        size_t capacity = 2 * size + 256;
        char *grown = realloc(buffer->bytes, capacity);
        if (!grown) return NULL;
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    if (size > 0) memcpy(buffer->bytes, bytes, size);
    buffer->bytes[size] = '\0';
    return buffer->bytes;
}

int glimpse_catalog_described_files(glimpse_store *store, glimpse_store_described_fn visit,
                                    void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    path_buffer buffer = {0};
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "SELECT f.path, f.mtime_ns, p.hash, c.size, p.width, p.height, p.orientation, p.format,"
        " " GLIMPSE_SAID_TAKEN ", " GLIMPSE_SAID_PLACE ", " GLIMPSE_SAID_TAKEN_FROM
        ", " GLIMPSE_SAID_FIELDS
        " FROM file f JOIN content c ON c.id = f.content_id JOIN picture p ON p.id = f.picture_id"
        " LEFT JOIN metadata m ON m.content_id = c.id LEFT JOIN sidecar s ON s.file_id = f.id"
        " WHERE f.missing = 0 ORDER BY f.path",
        "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const char *path = fill(&buffer, row, 0);
        glimpse_content_meta meta = {
            .size = (uint64_t)sqlite3_column_int64(row, 3),
            .width = (uint32_t)sqlite3_column_int64(row, 4),
            .height = (uint32_t)sqlite3_column_int64(row, 5),
            .orientation = sqlite3_column_int(row, 6),
            .format = glimpse_column_text(row, 7),
            .taken = glimpse_column_text(row, 8),
            .camera = glimpse_column_text(row, 9),
            .has_gps = sqlite3_column_type(row, 10) != SQLITE_NULL,
            .latitude = sqlite3_column_double(row, 10),
            .longitude = sqlite3_column_double(row, 11),
            .fields = (const char *)sqlite3_column_text(row, 14),
        };
        (void)glimpse_column_hash(&meta.hash, row, 2);
        glimpse_column_taken(&meta.taken_from, &meta.has_offset, &meta.offset_minutes, row, 12,
                             meta.taken);
        status = path ? visit(user, path, sqlite3_column_int64(row, 1), &meta)
                      : glimpse_fail_nomem(256, "a path");
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    free(buffer.bytes);
    return status;
}

int glimpse_catalog_present_files(glimpse_store *store, int (*visit)(void *user, const char *path),
                                  void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    path_buffer buffer = {0};
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row, "SELECT path FROM file WHERE missing = 0", "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const char *path = fill(&buffer, row, 0);
        status = path ? visit(user, path) : glimpse_fail_nomem(256, "a path");
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    free(buffer.bytes);
    return status;
}

int glimpse_catalog_quarantined_files(glimpse_store *store,
                                      int (*visit)(void *user, const char *path,
                                                   const char *reason),
                                      void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    path_buffer buffer = {0};
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT path, reason FROM file WHERE picture_id IS NULL"
                                  " AND missing = 0 ORDER BY path",
                                  "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const char *path = fill(&buffer, row, 0);
        status = path ? visit(user, path, glimpse_column_text(row, 1))
                      : glimpse_fail_nomem(256, "a path");
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    free(buffer.bytes);
    return status;
}

int glimpse_catalog_list_single_files(char ***out, size_t *count, glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_root *roots = NULL;
    size_t root_count = 0, used = 0, capacity = 0;
    char **paths = NULL;
    *out = NULL;
    *count = 0;
    glimpse_db_enter(db);
    int status = glimpse_catalog_roots(&roots, &root_count, store);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_db_query(db, &row, "SELECT path FROM file WHERE missing = 0 ORDER BY path", "");
    }
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        char *path = glimpse_column_path(row, 0);
        status = path ? GLIMPSE_OK : glimpse_fail_nomem(64, "a path");
        if (!path || glimpse_root_of(roots, root_count, path)) {
            free(path);
            continue;
        }
        if (used == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            char **grown = realloc(paths, capacity * sizeof *paths);
            if (!grown) {
                free(path);
                status = glimpse_fail_nomem(capacity * sizeof *paths, "a list of files");
                break;
            }
            paths = grown;
        }
        paths[used++] = path;
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    glimpse_roots_free(roots, root_count);
    if (status < 0) {
        for (size_t i = 0; i < used; i++)
            free(paths[i]);
        free(paths);
        return status;
    }
    *out = paths;
    *count = used;
    return GLIMPSE_OK;
}
