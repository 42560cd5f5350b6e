/*
 * listed.c - the files that a filter lets through, in an order that people ask for.
 *
 * Only ids and what is sorted by are sorted: what is shown of a file is read when it comes.
 */
#include "filter.h"

#define FILES                                                           \
 " FROM " GLIMPSE_FILTER_FILES " CROSS JOIN fact x ON x.file_id = f.id" \
 " CROSS JOIN picture p ON p.id = f.picture_id"
#define PASSING       " WHERE f.missing = 0 AND ?7 = ?7 AND " GLIMPSE_FILTER_ALL
#define LISTED(order) "SELECT f.id, f.picture_id" FILES PASSING " ORDER BY " order

/* Of files whose date is their own in local time (where_sql.c). */
#define TAKEN "CASE x.source WHEN 2 THEN glimpse_file_time(f.mtime_ns) ELSE x.taken END"

/* The statements of an order: as it is, reversed. */
static const char *const orders[][2] = {
    [GLIMPSE_SORT_NONE] = {LISTED("f.path"), LISTED("f.path DESC")},
    [GLIMPSE_SORT_TAKEN] = {LISTED(TAKEN " DESC, f.path"), LISTED(TAKEN ", f.path")},
    [GLIMPSE_SORT_ADDED] = {LISTED("p.added IS NULL, p.added DESC, f.path"),
                            LISTED("p.added IS NULL, p.added, f.path")},
    [GLIMPSE_SORT_BYTES] = {LISTED("f.size DESC, f.path"), LISTED("f.size, f.path")},
    [GLIMPSE_SORT_PATH] = {LISTED("f.path"), LISTED("f.path DESC")},
    [GLIMPSE_SORT_RATING] = {LISTED("x.rating IS NULL, x.rating DESC, f.path"),
                             LISTED("x.rating IS NULL, x.rating, f.path")},
};

/* Everything by path: the index of paths is in that order already. */
static const char *const everything[2] = {
    "SELECT f.id, f.picture_id FROM file f WHERE f.missing = 0 AND f.picture_id IS NOT NULL"
    " ORDER BY f.path",
    "SELECT f.id, f.picture_id FROM file f WHERE f.missing = 0 AND f.picture_id IS NOT NULL"
    " ORDER BY f.path DESC"};

const char *glimpse_filtered_list_statement(glimpse_sort sort, int reverse) {
    return orders[sort][reverse != 0];
}

int glimpse_filtered_list(glimpse_store *store, const glimpse_filter *filter, glimpse_sort sort,
                          int reverse, int (*visit)(void *user, int64_t file, int64_t picture),
                          void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    const int by_path = sort == GLIMPSE_SORT_NONE || sort == GLIMPSE_SORT_PATH;
    glimpse_db_enter(db);
    int status = by_path && !filter->has_path && !filter->has_where
                     ? glimpse_db_query(db, &row, everything[reverse != 0], "")
                     : glimpse_filter_query(filter, db, &row,
                                            glimpse_filtered_list_statement(sort, reverse), 0);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0)
        status = visit(user, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1));
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}
