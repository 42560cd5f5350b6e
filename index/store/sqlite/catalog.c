/*
 * catalog.c - opening a catalogue; models and roots. Files are in catalog_files.c, contents and
 * embeddings in catalog_contents.c, the tables in schema.c, SQLite in db.c.
 */
#include "core/error.h"
#include "core/file.h"
#include "schema.h"
#include "sqlite_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without its database file, SQLite would apply a left-over log to whatever file comes next. */
static int log_without_database(const char *path) {
    char wal[4096];
    struct stat info;
    int length = snprintf(wal, sizeof wal, "%s-wal", path);
    return length > 0 && (size_t)length < sizeof wal && stat(wal, &info) == 0 && info.st_size > 0;
}

int glimpse_catalog_open(glimpse_db **out, const char *path, int read_only) {
    *out = NULL;
    struct stat info;
    if (stat(path, &info) != 0) {
        if (errno == ENOENT && log_without_database(path)) {
            return glimpse_fail(GLIMPSE_E_CORRUPT,
                                "%s: the catalogue is gone while its log (-wal) is there; put the "
                                "file back, or move the library away and index again",
                                path);
        }
        return glimpse_fail_errno("%s: cannot open the catalogue", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return glimpse_fail(GLIMPSE_E_CORRUPT, "%s: not a regular file", path);
    }
    glimpse_db *db = NULL;
    int status = glimpse_db_open(&db, path, read_only ? GLIMPSE_DB_READ_ONLY : 0u);
    if (status == GLIMPSE_OK) status = glimpse_schema_open(db);
    if (status < 0) {
        glimpse_db_close(db);
        return status;
    }
    *out = db;
    return GLIMPSE_OK;
}

static void remove_database(const char *path) {
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[4096];
        int length = snprintf(name, sizeof name, "%s%s", path, endings[i]);
        if (length > 0 && (size_t)length < sizeof name) (void)unlink(name);
    }
}

int glimpse_catalog_create(const char *path) {
    if (log_without_database(path)) {
        return glimpse_fail(GLIMPSE_E_CORRUPT,
                            "%s-wal: a log without its catalogue; put the catalogue back, or move "
                            "the library away and index again",
                            path);
    }
    char temporary[4096];
    int length = snprintf(temporary, sizeof temporary, "%s.tmp-%ld-0", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: the path is too long", path);
    }
    remove_database(temporary);
    glimpse_db *db = NULL;
    int status = glimpse_db_open(&db, temporary, GLIMPSE_DB_CREATE);
    if (status == GLIMPSE_OK) status = glimpse_schema_create(db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_close_alone(db);
    } else {
        glimpse_db_close(db);
    }
    if (status == GLIMPSE_OK && rename(temporary, path) != 0) {
        status = glimpse_fail_errno("%s: cannot rename from %s", path, temporary);
    }
    if (status < 0) {
        remove_database(temporary);
        return status;
    }
    int error = glimpse_sync_directory_of(path);
    if (error == 0) return GLIMPSE_OK;
    errno = error;
    return glimpse_fail_errno("%s: made, but its name is not known to be on the disk", path);
}

/*
 * Models.
 */
int glimpse_catalog_use_model(int64_t *id, glimpse_store *store, const glimpse_model_key *key) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t dim = 0;
    *id = 0;
    glimpse_db_enter(db);
    int status =
        glimpse_db_run(db,
                       "INSERT INTO model (fingerprint, name, path, dim, used)"
                       " VALUES (?1, ?2, ?3, ?4, (SELECT ifnull(max(used), 0) + 1 FROM model))"
                       " ON CONFLICT (fingerprint) DO UPDATE SET name = ?2, path = ?3,"
                       "  used = (SELECT max(used) + 1 FROM model)",
                       "ttti", key->fingerprint, key->name, key->path, (int64_t)key->dim);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(db, id, "SELECT id FROM model WHERE fingerprint = ?1", "t",
                                    key->fingerprint);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(db, &dim, "SELECT dim FROM model WHERE id = ?1", "i", *id);
    }
    if (status == GLIMPSE_OK && (uint64_t)dim != key->dim) {
        status = glimpse_db_damaged(db, "model %s has %lld dimensions there and %zu here",
                                    key->fingerprint, (long long)dim, key->dim);
    }
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_find_model(glimpse_model_info *out, glimpse_store *store,
                               const char *fingerprint) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    *out = (glimpse_model_info){0};
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT id, dim, embedded, generation, digest FROM model"
                                  " WHERE fingerprint = ?1",
                                  "t", fingerprint);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        out->id = sqlite3_column_int64(row, 0);
        (void)snprintf(out->fingerprint, sizeof out->fingerprint, "%s", fingerprint);
        out->dim = (size_t)sqlite3_column_int64(row, 1);
        out->embedded = (uint64_t)sqlite3_column_int64(row, 2);
        out->generation = (uint64_t)sqlite3_column_int64(row, 3);
        out->digest = (uint64_t)sqlite3_column_int64(row, 4);
        status = GLIMPSE_OK;
    } else if (status == 0) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND,
                              "%s: nothing was indexed with the model of fingerprint %s",
                              glimpse_db_path(db), fingerprint);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

/*
 * Roots.
 */
int glimpse_catalog_write_root(glimpse_store *store, const char *path, int is_directory,
                               int offline) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_run(db,
                                "INSERT INTO root (path, is_folder, offline, sum)"
                                " VALUES (?1, ?2, ?3, glimpse_sum(?1, ?2, ?3))"
                                " ON CONFLICT (path) DO UPDATE SET is_folder = ?2, offline = ?3,"
                                " sum = excluded.sum WHERE is_folder <> ?2 OR offline <> ?3",
                                "pii", path, (int64_t)(is_directory != 0), (int64_t)(offline != 0));
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_roots(glimpse_root **out, size_t *count, glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_root *roots = NULL;
    size_t used = 0, capacity = 0;
    *out = NULL;
    *count = 0;
    glimpse_db_enter(db);
    int status =
        glimpse_db_query(db, &row, "SELECT path, is_folder, offline FROM root ORDER BY path", "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        if (used == capacity) {
            capacity = capacity ? 2 * capacity : 8;
            glimpse_root *grown = realloc(roots, capacity * sizeof *roots);
            if (!grown) {
                status = glimpse_fail_nomem(capacity * sizeof *roots, "roots");
                break;
            }
            roots = grown;
        }
        roots[used] = (glimpse_root){glimpse_column_path(row, 0), sqlite3_column_int(row, 1),
                                     sqlite3_column_int(row, 2)};
        status = roots[used++].path ? GLIMPSE_OK : glimpse_fail_nomem(64, "a path");
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    if (status < 0) {
        glimpse_roots_free(roots, used);
        return status;
    }
    *out = roots;
    *count = used;
    return GLIMPSE_OK;
}
