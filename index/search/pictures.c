/*
 * pictures.c - the pictures of a library as a list.
 */
#include "catalog_private.h"
#include "core/error.h"
#include "filter.h"
#include "results.h"

static int count_pictures(glimpse_db *db, const glimpse_filter *filter, size_t *count) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_filter_query(filter, db, &row,
                                      "SELECT count(DISTINCT f.content_id) FROM file f"
                                      " WHERE f.missing = 0 AND f.id >= ?8"
                                      " AND f.content_id IS NOT NULL AND " GLIMPSE_FILTER_PATH,
                                      0);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) *count = (size_t)sqlite3_column_int64(row, 0);
    glimpse_db_reset(row);
    return status < 0 ? status : GLIMPSE_OK;
}

int glimpse_library_pictures(glimpse_results **out, glimpse_library *library,
                             const char *path_prefix) {
    if (out) *out = NULL;
    if (!library || !out) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_library_pictures: a NULL argument");
    }
    glimpse_catalog *catalog = glimpse_library_catalog(library);
    glimpse_db *db = catalog->db;
    glimpse_filter filter = {0};
    glimpse_reach reach = {0};
    glimpse_results *results = NULL;
    sqlite3_stmt *row = NULL;
    size_t count = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_begin_read(db);
    if (status < 0) goto leave;
    status = glimpse_filter_init(&filter, db, path_prefix, NULL, NULL);
    if (status == GLIMPSE_OK) status = glimpse_reach_init(&reach, catalog);
    if (status == GLIMPSE_OK) status = count_pictures(db, &filter, &count);
    if (status == GLIMPSE_OK) status = glimpse_results_create(&results, count);
    if (status == GLIMPSE_OK) {
        status = glimpse_filter_query(&filter, db, &row,
                                      "SELECT f.content_id, min(f.path) FROM file f"
                                      " WHERE f.missing = 0 AND f.id >= ?8"
                                      " AND f.content_id IS NOT NULL AND " GLIMPSE_FILTER_PATH
                                      " GROUP BY f.content_id ORDER BY 2",
                                      0);
    }
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const glimpse_ranked one = {.candidate.content = sqlite3_column_int64(row, 0)};
        status = glimpse_results_append(results, db, &reach, &filter, &one);
    }
    glimpse_db_reset(row);
    glimpse_db_end_read(db);
leave:
    glimpse_db_leave(db);
    glimpse_reach_free(&reach);
    glimpse_filter_free(&filter);
    if (status < 0) {
        glimpse_results_free(results);
        return status;
    }
    *out = results;
    return GLIMPSE_OK;
}
