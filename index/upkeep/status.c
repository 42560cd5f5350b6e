/*
 * status.c - what a library holds, in numbers and lists.
 *
 *     files = embedded + duplicates + quarantined + pending
 *
 * counted over files that are not missing, for the model that was used last: each is quarantined,
 * or its content has no embedding yet (pending), or it is the first with its content (embedded), or
 * a further one (duplicate).
 */
#include "catalog_private.h"
#include "core/error.h"
#include "store_private.h"
#include "string_pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct full_status {
    glimpse_library_status shown; /* first: the public pointer is this one */
    glimpse_strings strings;
    glimpse_quarantined *quarantined;
    glimpse_library_model *models;
    const char **roots;
    int *root_offline;
} full_status;

static uint64_t bytes_of(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

static const char *keep_text(full_status *full, sqlite3_stmt *row, int column) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    return glimpse_strings_add(&full->strings, text ? text : "", text ? strlen(text) : 0);
}

/* Makes room for one more of `size` bytes in a list of `count`. */
static int grow(void **list, size_t count, size_t size) {
    if (count & (count - 1)) return GLIMPSE_OK; /* doubled whenever a power of two is full */
    void *grown = realloc(*list, (count ? 2 * count : 1) * size);
    if (!grown) return glimpse_fail_nomem(2 * count * size, "a list");
    *list = grown;
    return GLIMPSE_OK;
}

static int list_quarantined(full_status *full, glimpse_db *db) {
    glimpse_library_status *s = &full->shown;
    sqlite3_stmt *row = NULL;
    void *list = NULL;
    int status = glimpse_db_query(db, &row,
                                  "SELECT path, reason FROM file WHERE content_id IS NULL"
                                  " AND missing = 0 ORDER BY path",
                                  "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        status = grow(&list, s->quarantined_count, sizeof *full->quarantined);
        full->quarantined = list;
        if (status < 0) break;
        glimpse_quarantined item = {glimpse_strings_add(&full->strings, sqlite3_column_blob(row, 0),
                                                        (size_t)sqlite3_column_bytes(row, 0)),
                                    keep_text(full, row, 1)};
        if (!item.path || !item.reason) status = glimpse_fail_nomem(256, "a list");
        if (status == GLIMPSE_OK) full->quarantined[s->quarantined_count++] = item;
    }
    glimpse_db_reset(row);
    return status;
}

static int describe_index(glimpse_library *library, glimpse_library_status *s,
                          const glimpse_model_info *info, const char **state_name) {
    char *path = NULL;
    glimpse_vectors_state state = GLIMPSE_VECTORS_MISSING;
    int current = 0;
    int status = glimpse_library_vectors_path(library, info->fingerprint, &path);
    if (status < 0) return status;
    /* One that cannot be opened is as good as damaged. */
    if (glimpse_vectors_peek(path, info, &state, &current) < 0) state = GLIMPSE_VECTORS_DAMAGED;
    *state_name = "stale";
    if (state == GLIMPSE_VECTORS_DAMAGED) *state_name = "damaged";
    if (state == GLIMPSE_VECTORS_MISSING) *state_name = info->embedded ? "missing" : "ok";
    if (current) *state_name = "ok";
    s->vectors_bytes += bytes_of(path);
    free(path);
    return GLIMPSE_OK;
}

/* *latest: the row id of the model used last, 0 when there is none. */
static int list_models(full_status *full, glimpse_library *library, glimpse_db *db,
                       int64_t *latest) {
    glimpse_library_status *s = &full->shown;
    sqlite3_stmt *row = NULL;
    void *list = NULL;
    *latest = 0;
    int status = glimpse_db_query(db, &row,
                                  "SELECT fingerprint, name, path, dim, embedded, generation,"
                                  " digest, id FROM model ORDER BY used DESC, id DESC",
                                  "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        status = grow(&list, s->model_count, sizeof *full->models);
        full->models = list;
        if (status < 0) break;
        glimpse_library_model model = {.fingerprint = keep_text(full, row, 0),
                                       .name = keep_text(full, row, 1),
                                       .path = keep_text(full, row, 2),
                                       .embedding_size = (size_t)sqlite3_column_int64(row, 3),
                                       .embedded = (uint64_t)sqlite3_column_int64(row, 4),
                                       .generation = (uint64_t)sqlite3_column_int64(row, 5)};
        if (!model.fingerprint || !model.name || !model.path) {
            status = glimpse_fail_nomem(256, "a list");
            break;
        }
        glimpse_model_info info = {.dim = model.embedding_size,
                                   .embedded = model.embedded,
                                   .generation = model.generation,
                                   .digest = (uint64_t)sqlite3_column_int64(row, 6)};
        memcpy(info.fingerprint, model.fingerprint,
               strlen(model.fingerprint) < 33 ? strlen(model.fingerprint) : 32);
        status = describe_index(library, s, &info, &model.index_state);
        if (status < 0) break;
        if (s->model_count == 0) *latest = sqlite3_column_int64(row, 7);
        full->models[s->model_count++] = model;
    }
    glimpse_db_reset(row);
    return status;
}

static int count_offline(glimpse_library_status *s, glimpse_db *db, const glimpse_root *roots,
                         size_t count) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(db, &row, "SELECT path FROM file WHERE missing = 0", "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        status = GLIMPSE_OK;
        char *path = glimpse_column_path(row, 0);
        if (!path) {
            status = glimpse_fail_nomem(64, "a path");
            break;
        }
        const glimpse_root *root = glimpse_root_of(roots, count, path);
        s->offline += root && root->offline;
        free(path);
    }
    glimpse_db_reset(row);
    return status;
}

/* Looks at every root on the disk. */
static int list_roots(full_status *full, glimpse_catalog *catalog) {
    glimpse_library_status *s = &full->shown;
    glimpse_root *roots = NULL;
    size_t count = 0;
    int any_offline = 0;
    int status = glimpse_catalog_roots(catalog, &roots, &count);
    if (status < 0) return status;
    full->roots = calloc(count ? count : 1, sizeof *full->roots);
    full->root_offline = calloc(count ? count : 1, sizeof *full->root_offline);
    if (!full->roots || !full->root_offline) status = glimpse_fail_nomem(16 * count, "a list");
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        int reachable = 0;
        status = glimpse_catalog_root_reachable(catalog, roots[i].path, &reachable);
        roots[i].offline = !reachable;
        any_offline |= !reachable;
        full->root_offline[i] = !reachable;
        full->roots[i] = glimpse_strings_add(&full->strings, roots[i].path, strlen(roots[i].path));
        if (!full->roots[i]) status = glimpse_fail_nomem(256, "a list");
        s->root_count++;
    }
    if (status == GLIMPSE_OK && any_offline) status = count_offline(s, catalog->db, roots, count);
    glimpse_roots_free(roots, count);
    return status;
}

static int count_files(glimpse_library_status *s, glimpse_db *db, int64_t latest) {
    sqlite3_stmt *row = NULL;
    uint64_t ok = 0, embedded_files = 0;
    int status = glimpse_db_query(
        db, &row,
        "SELECT count(*) FILTER (WHERE missing = 0), count(*) FILTER (WHERE missing = 1),"
        " count(*) FILTER (WHERE missing = 0 AND content_id IS NOT NULL) FROM file",
        "");
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        s->files = (uint64_t)sqlite3_column_int64(row, 0);
        s->missing = (uint64_t)sqlite3_column_int64(row, 1);
        ok = (uint64_t)sqlite3_column_int64(row, 2);
        status = GLIMPSE_OK;
    }
    glimpse_db_reset(row);
    if (status < 0) return status;
    status = glimpse_db_query(
        db, &row,
        "SELECT count(*), count(DISTINCT content_id) FROM file WHERE missing = 0 AND EXISTS"
        " (SELECT 1 FROM embedding e WHERE e.content_id = file.content_id AND e.model_id = ?1)",
        "i", latest);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        embedded_files = (uint64_t)sqlite3_column_int64(row, 0);
        s->embedded = (uint64_t)sqlite3_column_int64(row, 1);
        s->duplicates = embedded_files - s->embedded;
        s->pending = ok - embedded_files;
        status = GLIMPSE_OK;
    }
    glimpse_db_reset(row);
    return status;
}

static int count_captions(glimpse_library_status *s, glimpse_db *db) {
    sqlite3_stmt *row = NULL;
    int status =
        glimpse_db_query(db, &row, "SELECT count(*), count(DISTINCT content_id) FROM caption", "");
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        s->captions = (uint64_t)sqlite3_column_int64(row, 0);
        s->captioned = (uint64_t)sqlite3_column_int64(row, 1);
        status = GLIMPSE_OK;
    }
    glimpse_db_reset(row);
    return status;
}

/* `everything` 0: only the models, which needs no look at files. */
static int collect(glimpse_library *library, glimpse_library_status **out, int everything) {
    if (out) *out = NULL;
    if (!library || !out) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the status of a library: a NULL argument");
    }
    glimpse_catalog *catalog = glimpse_library_catalog(library);
    glimpse_db *db = catalog->db;
    int64_t latest = 0;
    full_status *full = calloc(1, sizeof *full);
    if (!full) return glimpse_fail_nomem(sizeof *full, "a status");
    glimpse_library_status *s = &full->shown;
    glimpse_db_enter(db);
    int status = glimpse_db_begin_read(db);
    if (status < 0) goto leave;
    status = list_models(full, library, db, &latest);
    if (status == GLIMPSE_OK && everything) status = count_files(s, db, latest);
    if (status == GLIMPSE_OK && everything) status = count_captions(s, db);
    if (status == GLIMPSE_OK && everything) status = list_quarantined(full, db);
    if (status == GLIMPSE_OK && everything) status = list_roots(full, catalog);
    if (status < 0) goto done;
    const char *path = glimpse_library_path(library);
    s->library = glimpse_strings_add(&full->strings, path, strlen(path));
    if (!s->library) {
        status = glimpse_fail_nomem(256, "a status");
        goto done;
    }
    s->quarantined = full->quarantined;
    s->models = full->models;
    s->roots = full->roots;
    s->root_offline = full->root_offline;
    char wal[4096];
    (void)sqlite3_snprintf((int)sizeof wal, wal, "%s-wal", glimpse_db_path(db));
    s->catalog_bytes = bytes_of(glimpse_db_path(db)) + bytes_of(wal);
done:
    glimpse_db_end_read(db);
leave:
    glimpse_db_leave(db);
    if (status < 0) {
        glimpse_library_status_free(s);
        return status;
    }
    *out = s;
    return GLIMPSE_OK;
}

int glimpse_library_load_status(glimpse_library_status **out, glimpse_library *library) {
    return collect(library, out, 1);
}

int glimpse_library_load_models(glimpse_library_status **out, glimpse_library *library) {
    return collect(library, out, 0);
}

void glimpse_library_status_free(glimpse_library_status *status) {
    if (!status) return;
    full_status *full = (full_status *)(void *)status;
    glimpse_strings_free(&full->strings);
    free(full->quarantined);
    free(full->models);
    free(full->roots);
    free(full->root_offline);
    free(full);
}
