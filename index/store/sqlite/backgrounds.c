/*
 * backgrounds.c - what searches with a model are judged by (schema step 15 -> 16). Derived: a row
 * that does not match its checksum is as good as none.
 */
#include "backgrounds.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

int glimpse_backgrounds_load(glimpse_store_background *out, glimpse_store *store, int64_t model) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    *out = (glimpse_store_background){0};
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "SELECT key, data FROM background WHERE model_id = ?1 AND sum = " GLIMPSE_BACKGROUND_SUM,
        "i", model);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status == 0) status = GLIMPSE_E_NOT_FOUND;
    if (status > 0) {
        out->size = (size_t)sqlite3_column_bytes(row, 1);
        const void *data = sqlite3_column_blob(row, 1);
        out->data = malloc(out->size + 1);
        status = out->data ? GLIMPSE_OK : glimpse_fail_nomem(out->size, "a background");
        if (out->data && out->size > 0) memcpy(out->data, data, out->size);
        (void)glimpse_column_hash(&out->key, row, 0);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_backgrounds_write(glimpse_store *store, int64_t model,
                              const glimpse_store_background *background) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db,
                                "INSERT OR REPLACE INTO background (model_id, key, data, sum)"
                                " SELECT id, ?2, ?3, glimpse_sum(id, ?2, ?3) FROM model"
                                " WHERE id = ?1",
                                "ibb", model, (const void *)background->key.bytes,
                                sizeof background->key.bytes, background->data, background->size);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (status < 0) glimpse_db_rollback(db);
    glimpse_db_leave(db);
    return status;
}
