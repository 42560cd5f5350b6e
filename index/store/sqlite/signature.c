/*
 * signature.c - signatures of pictures (schema step 16 -> 17), and what else says that two results
 * of a search are the same over again: shape, and when and by which camera they were taken.
 */
#include "core/error.h"
#include "duplicates.h"

#include <stdio.h>
#include <string.h>

int glimpse_signatures_write(glimpse_store *store, int64_t picture,
                             const glimpse_signature *signature) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status =
        glimpse_db_run(db,
                       "INSERT INTO signature (picture_id, version, data, sum)"
                       " VALUES (?1, ?2, ?3, glimpse_sum(?1, ?2, ?3))"
                       " ON CONFLICT (picture_id) DO UPDATE SET version = excluded.version,"
                       " data = excluded.data, sum = excluded.sum"
                       " WHERE version <> excluded.version",
                       "iib", picture, (int64_t)GLIMPSE_SIGNATURE_VERSION, (const void *)signature,
                       sizeof *signature);
    glimpse_db_leave(db);
    return status;
}

static void copy_text(char *to, size_t capacity, sqlite3_stmt *row, int column) {
    const unsigned char *text = sqlite3_column_text(row, column);
    (void)snprintf(to, capacity, "%s", text ? (const char *)text : "");
}

/* Of several contents of a picture the earliest date counts: that does not depend on which of them
 * came first. */
int glimpse_signatures_likeness(glimpse_store_likeness *out, glimpse_store *store,
                                int64_t picture) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    *out = (glimpse_store_likeness){0};
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "SELECT p.width, p.height, s.data, s.sum = glimpse_sum(s.picture_id, s.version, s.data),"
        " c.taken, c.camera FROM picture p"
        " LEFT JOIN signature s ON s.picture_id = p.id AND s.version = ?2"
        " LEFT JOIN content c ON c.picture_id = p.id AND c.taken <> ''"
        " WHERE p.id = ?1 ORDER BY c.taken, c.camera LIMIT 1",
        "ii", picture, (int64_t)GLIMPSE_SIGNATURE_VERSION);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        out->width = (uint32_t)sqlite3_column_int64(row, 0);
        out->height = (uint32_t)sqlite3_column_int64(row, 1);
        out->has_signature = sqlite3_column_bytes(row, 2) == sizeof out->signature &&
                             sqlite3_column_int(row, 3) == 1;
        if (out->has_signature) {
            memcpy(&out->signature, sqlite3_column_blob(row, 2), sizeof out->signature);
        }
        copy_text(out->taken, sizeof out->taken, row, 4);
        copy_text(out->camera, sizeof out->camera, row, 5);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status > 0 ? GLIMPSE_OK : status == 0 ? GLIMPSE_E_NOT_FOUND : status;
}
