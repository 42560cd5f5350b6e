/*
 * filter.h - which files a search or a visit is about: a place and a time, ready to be bound to
 * SQL.
 *
 * A filtered statement names the table of files `f` and that of contents `c`, uses GLIMPSE_FILTER,
 * keeps ?1 to ?7 for it and has one parameter of its own, ?8.
 */
#ifndef GLIMPSE_INDEX_FILTER_H
#define GLIMPSE_INDEX_FILTER_H

#include "db.h"

typedef struct glimpse_filter {
    char *first, *end, *exact; /* paths in [first, end), or equal to exact */
    size_t first_size, end_size, exact_size;
    char after[20], before[20];
    int64_t after_ns, before_ns;
    int has_path, has_dates;
} glimpse_filter;

#define GLIMPSE_FILTER_PATH "((f.path >= ?1 AND f.path < ?2) OR f.path = ?3)"
#define GLIMPSE_FILTER_DATE                                     \
 "(CASE WHEN c.taken <> '' THEN c.taken >= ?4 AND c.taken < ?5" \
 " ELSE f.mtime_ns >= ?6 AND f.mtime_ns < ?7 END)"
#define GLIMPSE_FILTER GLIMPSE_FILTER_PATH " AND " GLIMPSE_FILTER_DATE

/* Each argument may be NULL. The meaning of `path_prefix` is that of glimpse_search_options; it
 * takes a look at which paths the catalogue knows. Free it in any case. */
int glimpse_filter_init(glimpse_filter *filter, glimpse_db *db, const char *path_prefix,
                        const char *after, const char *before);
void glimpse_filter_free(glimpse_filter *filter);

int glimpse_filter_query(const glimpse_filter *filter, glimpse_db *db, sqlite3_stmt **out,
                         const char *sql, int64_t eighth);

#endif
