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
/* In a transaction, or alone. */
static int write_model(int64_t *id, glimpse_db *db, const glimpse_model_key *key, const char *sql) {
    int64_t dim = 0;
    char *path = NULL;
    *id = 0;
    int status = glimpse_path_absolute(&path, key->path);
    if (status < 0) return status;
    status = glimpse_db_run(db, sql, "ttti", key->fingerprint, key->name, path, (int64_t)key->dim);
    free(path);
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
    return status;
}

int glimpse_catalog_use_model(int64_t *id, glimpse_store *store, const glimpse_model_key *key) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status =
        write_model(id, db, key,
                    "INSERT INTO model (fingerprint, name, path, dim, used, is_default)"
                    " VALUES (?1, ?2, ?3, ?4, (SELECT ifnull(max(used), 0) + 1 FROM model),"
                    "  NOT EXISTS (SELECT 1 FROM model WHERE is_default > 0))"
                    " ON CONFLICT (fingerprint) DO UPDATE SET name = ?2, path = ?3,"
                    "  used = (SELECT max(used) + 1 FROM model),"
                    "  is_default = CASE WHEN EXISTS (SELECT 1 FROM model WHERE is_default > 0)"
                    "   THEN is_default ELSE 1 END");
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_set_default_model(glimpse_store *store, const glimpse_model_key *key,
                                      int is_chosen) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t id = 0;
    glimpse_db_enter(db);
    int status = write_model(&id, db, key,
                             "INSERT INTO model (fingerprint, name, path, dim, used)"
                             " VALUES (?1, ?2, ?3, ?4, 0)"
                             " ON CONFLICT (fingerprint) DO UPDATE SET name = ?2, path = ?3");
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db,
                                "UPDATE model SET is_default = CASE id WHEN ?1 THEN ?2 ELSE 0 END"
                                " WHERE is_default > 0 OR id = ?1",
                                "ii", id, (int64_t)(is_chosen ? 1 : 2));
    }
    glimpse_db_leave(db);
    return status;
}

int glimpse_catalog_model_coverage(uint64_t *covered, uint64_t *all, glimpse_store *store,
                                   int64_t model) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t models = 0, count = 0, total = 0;
    glimpse_db_enter(db);
    int status =
        glimpse_db_integer(db, &models, "SELECT count(*) FROM model WHERE embedded > 0", "");
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(
            db, &count, "SELECT count(*) FROM embedding WHERE model_id = ?1 AND part = 0", "i",
            model);
    }
    total = count;
    if (status == GLIMPSE_OK && (models > 1 || count == 0)) {
        status =
            glimpse_db_integer(db, &total, "SELECT count(DISTINCT picture_id) FROM embedding", "");
    }
    glimpse_db_leave(db);
    *covered = (uint64_t)count;
    *all = (uint64_t)total;
    return status;
}

int glimpse_catalog_find_model(glimpse_model_info *out, glimpse_store *store,
                               const char *fingerprint) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    *out = (glimpse_model_info){0};
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT id, dim, embedded, generation, digest, parts,"
                                  " parts_generation, parts_digest FROM model"
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
        out->parts = (uint64_t)sqlite3_column_int64(row, 5);
        out->parts_generation = (uint64_t)sqlite3_column_int64(row, 6);
        out->parts_digest = (uint64_t)sqlite3_column_int64(row, 7);
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

int glimpse_catalog_write_root_options(glimpse_store *store, const char *path,
                                       const glimpse_root_options *options) {
    glimpse_db *db = glimpse_store_db(store);
    size_t length = 0;
    for (size_t i = 0; i < options->exclude_count; i++)
        length += strlen(options->exclude[i]) + 1;
    char *patterns = malloc(length + 1), *end = patterns;
    if (!patterns) return glimpse_fail_nomem(length, "patterns");
    for (size_t i = 0; i < options->exclude_count; i++)
        end = stpcpy(end, options->exclude[i]) + 1;
    glimpse_db_enter(db);
    int status = glimpse_db_run(db, "DELETE FROM root_options WHERE path = ?1", "p", path);
    if (status == GLIMPSE_OK && glimpse_root_options_any(options)) {
        status = glimpse_db_run(db,
                                "INSERT INTO root_options (path, follow_links, include_nomedia,"
                                " exclude, tiles, sum) VALUES (?1, ?2, ?3, ?4, ?5,"
                                " glimpse_sum(?1, ?2, ?3 + 2 * ?5, ?4))",
                                "piibi", path, (int64_t)(options->follow_links != 0),
                                (int64_t)(options->include_nomedia != 0), (const void *)patterns,
                                length, (int64_t)(options->tiles != 0));
    }
    glimpse_db_leave(db);
    free(patterns);
    return status;
}

/* From columns 3 to 6; NULL where a root has no options. */
static int read_options(glimpse_root *root, sqlite3_stmt *row) {
    const char *bytes = sqlite3_column_blob(row, 5);
    const size_t length = (size_t)sqlite3_column_bytes(row, 5);
    size_t count = 0;
    root->options.follow_links = sqlite3_column_int(row, 3);
    root->options.include_nomedia = sqlite3_column_int(row, 4);
    root->options.tiles = sqlite3_column_int(row, 6);
    if (!bytes || length == 0) return GLIMPSE_OK;
    for (size_t i = 0; i < length; i++)
        count += bytes[i] == '\0';
    const char **exclude = calloc(count + 1, sizeof *exclude);
    root->options.exclude = exclude;
    root->patterns = malloc(length + 1);
    if (!exclude || !root->patterns) return glimpse_fail_nomem(length, "patterns");
    memcpy(root->patterns, bytes, length);
    root->patterns[length] = '\0';
    const char *at = root->patterns;
    for (; root->options.exclude_count < count; at += strlen(at) + 1)
        exclude[root->options.exclude_count++] = at;
    return GLIMPSE_OK;
}

int glimpse_catalog_roots(glimpse_root **out, size_t *count, glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_root *roots = NULL;
    size_t used = 0, capacity = 0;
    *out = NULL;
    *count = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT root.path, is_folder, offline, follow_links,"
                                  " include_nomedia, exclude, tiles FROM root"
                                  " LEFT JOIN root_options ON root_options.path = root.path"
                                  " ORDER BY root.path",
                                  "");
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
        glimpse_root *root = &roots[used++];
        *root = (glimpse_root){.path = glimpse_column_path(row, 0),
                               .is_directory = sqlite3_column_int(row, 1),
                               .offline = sqlite3_column_int(row, 2)};
        status = root->path ? read_options(root, row) : glimpse_fail_nomem(64, "a path");
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
