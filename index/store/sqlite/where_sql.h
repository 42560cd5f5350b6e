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

/* In a filtered statement; replaced when the filter has an expression. */
#define GLIMPSE_FILTER_CHECK "(1 /*check*/)"
#define GLIMPSE_FILTER_COVER "(1 /*cover*/)"

typedef struct glimpse_where_sql glimpse_where_sql;

/* `where` is only read. */
int glimpse_where_sql_create(glimpse_where_sql **out, glimpse_db *db, const glimpse_where *where);
void glimpse_where_sql_free(glimpse_where_sql *sql, glimpse_db *db); /* NULL is fine */
/* At most so many files pass; SIZE_MAX: more than anyone counted. */
size_t glimpse_where_sql_max_files(const glimpse_where_sql *sql);
/* malloc'ed: `statement` with the two above in place. What it has of `everywhere` (a condition that
 * holds for every path; NULL: none) goes, so that no plan takes all paths for a choice. */
int glimpse_where_sql_expand(char **out, const glimpse_where_sql *sql, const char *statement,
                             const char *everywhere);
/* The statement so expanded, made once for each `statement` (a constant), with the values of the
 * expression bound; ?1 to ?7 are the caller's. */
int glimpse_where_sql_query(glimpse_where_sql *sql, glimpse_db *db, sqlite3_stmt **out,
                            const char *statement, const char *everywhere);

#endif
