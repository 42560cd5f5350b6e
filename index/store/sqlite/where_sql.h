/*
 * where_sql.h - a filter's expression as SQL, every value of it bound.
 *
 * It is said twice. The *check* is a condition on the row `f` of file, whatever the statement
 * around it: right for candidates that something else found. The *cover* is a set of ids that holds
 * every file which can pass, read from indexes alone (each part says which, so that no plan of
 * SQLite's reads a table through): for finding all that pass, together with the check. Where only a
 * scan answers, as for `not keyword = draft`, there is none. Of conditions that all have to hold
 * the one with the fewest files is the cover; how many that are is counted, up to 100,000,
 * when the filter is opened.
 */
#ifndef GLIMPSE_INDEX_WHERE_SQL_H
#define GLIMPSE_INDEX_WHERE_SQL_H

#include "db.h"
#include "where.h"

/* ?1 is the glimpse_path_ranges, ?2 how many there are. CROSS JOIN keeps the ranges outside, so
 * that each is a search in the index. */
#define GLIMPSE_FILTER_FILES                                                         \
 "(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)" \
 " SELECT glimpse_range_first(?1, i) AS first, glimpse_range_end(?1, i) AS behind"   \
 " FROM n) r CROSS JOIN file f ON f.path >= r.first AND f.path < r.behind"
#define GLIMPSE_FILTER_PATH "glimpse_path_within(?1, f.path)"
/* In a filtered statement, as are those above; replaced when the filter has an expression. */
#define GLIMPSE_FILTER_CHECK "(1 /*check*/)"
#define GLIMPSE_FILTER_COVER "(1 /*cover*/)"

typedef struct glimpse_where_sql glimpse_where_sql;

/* `where` is only read. */
int glimpse_where_sql_create(glimpse_where_sql **out, glimpse_db *db, const glimpse_where *where);
void glimpse_where_sql_free(glimpse_where_sql *sql, glimpse_db *db); /* NULL is fine */
/* At most so many files pass; SIZE_MAX: more than anyone counted. */
size_t glimpse_where_sql_max_files(const glimpse_where_sql *sql);
/* malloc'ed: `statement` with those above in place. Where there is a cover the files come from it
 * and not from the ranges, which are a condition then; one that goes when every path passes
 * (`has_path` 0). */
int glimpse_where_sql_expand(char **out, const glimpse_where_sql *sql, const char *statement,
                             int has_path);
/* The statement so expanded, made once for each `statement` (a constant), with the values of the
 * expression bound; ?1 to ?7 are the caller's. */
int glimpse_where_sql_query(glimpse_where_sql *sql, glimpse_db *db, sqlite3_stmt **out,
                            const char *statement, int has_path);

#endif
