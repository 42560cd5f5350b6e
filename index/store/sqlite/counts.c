/*
 * counts.c - what a catalogue holds, in numbers, and its models with the state of their indexes.
 */
#include "core/error.h"
#include "upkeep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t bytes_of(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

uint64_t glimpse_upkeep_bytes(const glimpse_store *store) {
    const char *path = glimpse_db_path(glimpse_store_db(store));
    char wal[4096];
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    return bytes_of(path) + bytes_of(wal);
}

/* What is wrong with it is said where nothing is wrong with that of whole pictures. */
static int describe_parts_index(const glimpse_store *store, glimpse_store_model *model) {
    const glimpse_model_info parts = glimpse_indexes_parts_model(&model->info);
    char *path = NULL;
    glimpse_vectors_state state = GLIMPSE_VECTORS_MISSING;
    int current = 0;
    int status = glimpse_indexes_parts_path(&path, store, parts.fingerprint);
    if (status < 0) return status;
    if (glimpse_vectors_peek(path, &parts, &state, &current) < 0) state = GLIMPSE_VECTORS_DAMAGED;
    if (strcmp(model->index_state, "ok") == 0 && !current) {
        model->index_state = state == GLIMPSE_VECTORS_DAMAGED   ? "damaged"
                             : state == GLIMPSE_VECTORS_MISSING ? "missing"
                                                                : "stale";
    }
    model->index_bytes += bytes_of(path);
    free(path);
    return GLIMPSE_OK;
}

static int describe_index(const glimpse_store *store, glimpse_store_model *model) {
    const glimpse_model_info *info = &model->info;
    char *path = NULL;
    glimpse_vectors_state state = GLIMPSE_VECTORS_MISSING;
    int current = 0;
    int status = glimpse_indexes_path(&path, store, info->fingerprint);
    if (status < 0) return status;
    /* One that cannot be opened is as good as damaged. */
    if (glimpse_vectors_peek(path, info, &state, &current) < 0) state = GLIMPSE_VECTORS_DAMAGED;
    model->index_state = "stale";
    if (state == GLIMPSE_VECTORS_DAMAGED) model->index_state = "damaged";
    if (state == GLIMPSE_VECTORS_MISSING) model->index_state = info->embedded ? "missing" : "ok";
    if (current) model->index_state = "ok";
    model->index_bytes = bytes_of(path);
    free(path);
    return info->parts > 0 ? describe_parts_index(store, model) : GLIMPSE_OK;
}

int glimpse_catalog_list_models(glimpse_store *store, glimpse_store_model_fn visit, void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT fingerprint, name, path, dim, embedded, generation,"
                                  " digest, id, is_default, parts, parts_generation, parts_digest"
                                  " FROM model ORDER BY used DESC, id DESC",
                                  "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        glimpse_store_model model = {
            .info = {.id = sqlite3_column_int64(row, 7),
                     .dim = (size_t)sqlite3_column_int64(row, 3),
                     .embedded = (uint64_t)sqlite3_column_int64(row, 4),
                     .generation = (uint64_t)sqlite3_column_int64(row, 5),
                     .digest = (uint64_t)sqlite3_column_int64(row, 6),
                     .parts = (uint64_t)sqlite3_column_int64(row, 9),
                     .parts_generation = (uint64_t)sqlite3_column_int64(row, 10),
                     .parts_digest = (uint64_t)sqlite3_column_int64(row, 11)},
            .name = glimpse_column_text(row, 1),
            .path = glimpse_column_text(row, 2),
            .is_default = sqlite3_column_int(row, 8) != 0,
            .is_chosen = sqlite3_column_int(row, 8) == 1};
        (void)snprintf(model.info.fingerprint, sizeof model.info.fingerprint, "%.32s",
                       glimpse_column_text(row, 0));
        status = describe_index(store, &model);
        if (status == GLIMPSE_OK) status = visit(user, &model);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

/* The integers of a statement's only row; `argument` binds ?1 when `format` says so. */
static int numbers(glimpse_db *db, int64_t *out, int count, const char *sql, const char *format,
                   int64_t argument) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(db, &row, sql, format, argument);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    for (int i = 0; i < count; i++)
        out[i] = status > 0 ? sqlite3_column_int64(row, i) : 0;
    glimpse_db_reset(row);
    return status < 0 ? status : GLIMPSE_OK;
}

int glimpse_upkeep_count(glimpse_store_counts *out, glimpse_store *store, int64_t model) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t files[4] = {0}, embedded[2] = {0}, captions[2] = {0};
    *out = (glimpse_store_counts){0};
    glimpse_db_enter(db);
    int status = numbers(db, files, 4,
                         "SELECT count(*) FILTER (WHERE missing = 0),"
                         " count(*) FILTER (WHERE missing = 1 AND left_out = 0),"
                         " count(*) FILTER (WHERE missing = 0 AND picture_id IS NOT NULL),"
                         " count(*) FILTER (WHERE missing = 1 AND left_out = 1) FROM file",
                         "", 0);
    if (status == GLIMPSE_OK) {
        status = numbers(
            db, embedded, 2,
            "SELECT count(*), count(DISTINCT picture_id) FROM file WHERE missing = 0 AND EXISTS"
            " (SELECT 1 FROM embedding e WHERE e.picture_id = file.picture_id AND e.part = 0"
            "  AND e.model_id = ?1)",
            "i", model);
    }
    if (status == GLIMPSE_OK) {
        status = numbers(db, captions, 2,
                         "SELECT count(*), count(DISTINCT picture_id) FROM caption", "", 0);
    }
    if (status == GLIMPSE_OK) status = glimpse_parts_totals(&out->tiles, &out->tiled, db, model);
    glimpse_db_leave(db);
    if (status < 0) return status;
    out->files = (uint64_t)files[0];
    out->missing = (uint64_t)files[1];
    out->left_out = (uint64_t)files[3];
    out->embedded = (uint64_t)embedded[1];
    out->duplicates = (uint64_t)(embedded[0] - embedded[1]);
    out->pending = (uint64_t)(files[2] - embedded[0]);
    out->captions = (uint64_t)captions[0];
    out->captioned = (uint64_t)captions[1];
    return GLIMPSE_OK;
}
