/*
 * catalog_files.c - files: which content a path had when it was last looked at.
 *
 * The table is made for walks over folders that did not change: one query over the index on paths
 * fills two blocks of memory (rows, and the bytes of all paths), and finding a path is a binary
 * search, since the database hands the rows over in the order of their bytes.
 */
#include "catalog_private.h"
#include "core/error.h"
#include "file_paths.h"

#include <stdlib.h>
#include <string.h>

struct glimpse_file_table {
    glimpse_file_row *rows; /* by path */
    int64_t *ids;
    size_t count, room;
    char *bytes; /* all paths, each with its NUL */
    size_t used, space;
};

int glimpse_file_row_fresh(const glimpse_file_row *row, const glimpse_file_stamp *stamp) {
    return row->state == GLIMPSE_FILE_OK && row->embedded && row->stamp.size == stamp->size &&
           row->stamp.mtime_ns == stamp->mtime_ns;
}

#define ROW_COLUMNS                                                                              \
 "SELECT size, mtime_ns, inode, missing, content_id, code,"                                      \
 " EXISTS (SELECT 1 FROM embedding e WHERE e.content_id = file.content_id AND e.model_id = ?1)," \
 " id, path FROM file"

static glimpse_file_row read_row(sqlite3_stmt *row) {
    glimpse_file_row out = {
        .stamp = {(uint64_t)sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1),
                  (uint64_t)sqlite3_column_int64(row, 2)},
        .missing = sqlite3_column_int(row, 3) != 0,
        .content = sqlite3_column_int64(row, 4), /* NULL reads as 0 */
        .code = (int16_t)sqlite3_column_int(row, 5),
        .embedded = sqlite3_column_int(row, 6) != 0,
    };
    out.state = out.content ? GLIMPSE_FILE_OK : GLIMPSE_FILE_QUARANTINED;
    return out;
}

static int append_row(glimpse_file_table *table, sqlite3_stmt *row) {
    if (table->count == table->room) {
        size_t room = table->room ? 2 * table->room : 256;
        glimpse_file_row *rows = realloc(table->rows, room * sizeof *rows);
        if (rows) table->rows = rows;
        int64_t *ids = rows ? realloc(table->ids, room * sizeof *ids) : NULL;
        if (ids) table->ids = ids;
        if (!rows || !ids) return glimpse_fail_nomem(room * sizeof *rows, "known files");
        table->room = room;
    }
    const void *path = sqlite3_column_blob(row, 8);
    size_t size = (size_t)sqlite3_column_bytes(row, 8);
    if (table->space - table->used < size + 1) {
        size_t space = 2 * table->space + size + 4096;
        char *bytes = realloc(table->bytes, space);
        if (!bytes) return glimpse_fail_nomem(space, "known files");
        table->bytes = bytes;
        table->space = space;
    }
    if (size > 0) memcpy(table->bytes + table->used, path, size);
    table->bytes[table->used + size] = '\0';
    table->rows[table->count] = read_row(row);
    table->ids[table->count++] = sqlite3_column_int64(row, 7);
    table->used += size + 1;
    return GLIMPSE_OK;
}

static int append_rows(glimpse_db *db, glimpse_file_table *table, sqlite3_stmt *row) {
    int status = GLIMPSE_OK;
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        status = append_row(table, row);
    }
    return status;
}

int glimpse_catalog_load_files(glimpse_catalog *catalog, const char *root, int64_t model,
                               glimpse_file_table **out) {
    glimpse_db *db = catalog->db;
    sqlite3_stmt *one = NULL, *below = NULL;
    char *first = NULL, *end = NULL;
    size_t length = 0;
    *out = NULL;
    glimpse_file_table *table = calloc(1, sizeof *table);
    if (!table) return glimpse_fail_nomem(sizeof *table, "known files");
    glimpse_db_enter(db);
    int status = glimpse_path_range_below(&first, &end, &length, root);
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
    /* The block of bytes no longer moves. */
    for (size_t i = 0, offset = 0; i < table->count; i++) {
        table->rows[i].path = table->bytes + offset;
        offset += strlen(table->rows[i].path) + 1;
    }
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

void glimpse_file_table_free(glimpse_file_table *table) {
    if (!table) return;
    free(table->rows);
    free(table->ids);
    free(table->bytes);
    free(table);
}

size_t glimpse_file_table_count(const glimpse_file_table *table) {
    return table->count;
}

glimpse_file_row *glimpse_file_table_get(glimpse_file_table *table, size_t i) {
    return &table->rows[i];
}

/* The first row whose path is not before `path`. */
static size_t lower_bound(const glimpse_file_table *table, const char *path) {
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(table->rows[middle].path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

glimpse_file_row *glimpse_file_table_find(glimpse_file_table *table, const char *path) {
    size_t i = lower_bound(table, path);
    return i < table->count && strcmp(table->rows[i].path, path) == 0 ? &table->rows[i] : NULL;
}

void glimpse_file_table_keep(glimpse_file_table *table, const char *folder) {
    size_t length = strlen(folder);
    for (size_t i = lower_bound(table, folder); i < table->count; i++) {
        glimpse_file_row *row = &table->rows[i];
        if (strncmp(row->path, folder, length) != 0) break;
        if (!row->seen && glimpse_path_is_below(row->path, folder)) row->seen = GLIMPSE_SEEN_KEPT;
    }
}

int glimpse_catalog_find_file(glimpse_catalog *catalog, const char *path, int64_t model,
                              glimpse_file_row *out) {
    glimpse_db *db = catalog->db;
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

int glimpse_catalog_bind_file(glimpse_catalog *catalog, const char *path,
                              const glimpse_file_stamp *stamp, int64_t content) {
    glimpse_db *db = catalog->db;
    glimpse_db_enter(db);
    int status = glimpse_db_run(
        db,
        "INSERT INTO file (path, size, mtime_ns, inode, missing, content_id, sum)"
        " VALUES (?1, ?2, ?3, ?4, 0, ?5, glimpse_sum(?1, ?2, ?3, ?4, 0, ?5, NULL, NULL))"
        " ON CONFLICT (path) DO UPDATE SET size = ?2, mtime_ns = ?3, inode = ?4, missing = 0,"
        " content_id = ?5, code = NULL, reason = NULL, sum = excluded.sum",
        "piiii", path, (int64_t)stamp->size, stamp->mtime_ns, (int64_t)stamp->inode, content);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_quarantine_file(glimpse_catalog *catalog, const char *path,
                                    const glimpse_file_stamp *stamp, int code, const char *reason) {
    glimpse_db *db = catalog->db;
    char kept[1001];
    size_t length = strlen(reason);
    if (length >= sizeof kept) length = sizeof kept - 1;
    memcpy(kept, reason, length);
    kept[length] = '\0';
    glimpse_db_enter(db);
    int status =
        glimpse_db_run(db,
                       "INSERT INTO file (path, size, mtime_ns, inode, missing, code, reason, sum)"
                       " VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6,"
                       "  glimpse_sum(?1, ?2, ?3, ?4, 0, NULL, ?5, ?6))"
                       " ON CONFLICT (path) DO UPDATE SET size = ?2, mtime_ns = ?3, inode = ?4,"
                       " missing = 0, content_id = NULL, code = ?5, reason = ?6,"
                       " sum = excluded.sum",
                       "piiiit", path, (int64_t)stamp->size, stamp->mtime_ns, (int64_t)stamp->inode,
                       (int64_t)code, kept);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_forget_file(glimpse_catalog *catalog, const char *path) {
    glimpse_db *db = catalog->db;
    glimpse_db_enter(db);
    int status = glimpse_db_run(db, "DELETE FROM file WHERE path = ?1", "p", path);
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_finish_scan(glimpse_catalog *catalog, const char *root,
                                glimpse_file_table *table, uint64_t *missing) {
    glimpse_db *db = catalog->db;
    glimpse_root *roots = NULL;
    size_t root_count = 0;
    uint64_t gone = 0;
    int own = 0;
    if (missing) *missing = 0;
    glimpse_db_enter(db);
    int status = glimpse_catalog_roots(catalog, &roots, &root_count);
    for (size_t i = 0; i < table->count && status == GLIMPSE_OK; i++) {
        glimpse_file_row *row = &table->rows[i];
        if (!row->seen) {
            const glimpse_root *nearest = glimpse_root_of(roots, root_count, row->path);
            if (nearest && nearest->offline && strcmp(nearest->path, root) != 0) continue;
            gone++;
        }
        if (row->missing && row->seen == GLIMPSE_SEEN_KEPT) gone++; /* nobody saw it come back */
        if (row->missing == !row->seen || row->seen == GLIMPSE_SEEN_KEPT) continue;
        if (!own && !glimpse_db_writing(db)) {
            status = glimpse_db_begin(db);
            if (status < 0) break;
            own = 1;
        }
        status = glimpse_db_run(db,
                                "UPDATE file SET missing = ?2, sum = glimpse_sum(path, size,"
                                " mtime_ns, inode, ?2, content_id, code, reason) WHERE id = ?1",
                                "ii", table->ids[i], (int64_t)!row->seen);
        if (status == GLIMPSE_OK) row->missing = !row->seen;
    }
    if (own && status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (own && status < 0) glimpse_db_rollback(db);
    glimpse_roots_free(roots, root_count);
    glimpse_db_leave(db);
    if (status == GLIMPSE_OK && missing) *missing = gone;
    return status;
}
