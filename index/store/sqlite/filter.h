/*
 * filter.h - which files a search or a visit is about: places and a time, ready to be bound to
 * SQL.
 *
 * Places are ranges of the index of paths, in order and apart from each other. A filtered statement
 * names the table of files `f` and that of contents `c`, keeps ?1 to ?6 for the filter and has one
 * parameter of its own, ?7. What an expression asks for (where_sql.h) has those behind. It either
 * goes through the files, FROM GLIMPSE_FILTER_FILES and with GLIMPSE_FILTER_ALL, or asks about
 * files that it has found by something else, GLIMPSE_FILTER.
 */
#ifndef GLIMPSE_INDEX_FILTER_H
#define GLIMPSE_INDEX_FILTER_H

#include "path_ranges.h"
#include "sqlite_store.h"
#include "where_sql.h"

typedef struct glimpse_sqlite_filter {
    glimpse_filter base; /* first */
    glimpse_path_ranges ranges;
    uint8_t *holds_file; /* [place_count] */
    size_t place_count;
    char after[20], before[20];
    glimpse_db *db;
    glimpse_where_sql *where; /* glimpse_filter_narrow; NULL: no more than the above */
} glimpse_sqlite_filter;

/* glimpse_taken_within() is our SQL function: what glimpse_file_date_choose() says, in [?4, ?5). */
#define GLIMPSE_FILTER_DATE                                                                   \
 "(?6 = 0 OR glimpse_taken_within(coalesce((SELECT s.taken FROM sidecar s WHERE s.file_id = " \
 "f.id),"                                                                                     \
 " c.taken), f.path, f.mtime_ns, ?4, ?5))"
#define GLIMPSE_FILTER GLIMPSE_FILTER_PATH " AND " GLIMPSE_FILTER_DATE " AND " GLIMPSE_FILTER_CHECK
/* Of statements that look for all that passes. */
#define GLIMPSE_FILTER_ALL GLIMPSE_FILTER_COVER " AND " GLIMPSE_FILTER_CHECK

int glimpse_filter_query(const glimpse_filter *filter, glimpse_db *db, sqlite3_stmt **out,
                         const char *sql, int64_t seventh);

/* As in the table of the store. */
int glimpse_filter_open(glimpse_filter **out, glimpse_store *store, const char *const *within,
                        size_t within_count, const char *after, const char *before);
int glimpse_filter_narrow(glimpse_filter *filter, glimpse_store *store,
                          const glimpse_search_options *options);
void glimpse_filter_close(glimpse_filter *filter);
int glimpse_filter_holds_file(const glimpse_filter *filter, size_t i);
int glimpse_filter_children(glimpse_store *store, const char *directory, glimpse_child_fn visit,
                            void *user);

/* filtered.c */
int glimpse_filtered_count_files(size_t *files, glimpse_store *store, const glimpse_filter *filter,
                                 size_t limit);
int glimpse_filtered_choose(glimpse_content_choice *choices, glimpse_store *store,
                            const glimpse_filter *filter, const char *const *labels,
                            size_t label_count, const int64_t *contents, size_t count);
int glimpse_filtered_contents(glimpse_store *store, const glimpse_filter *filter,
                              const char *const *labels, size_t label_count,
                              glimpse_content_fn visit, void *user);
extern const char glimpse_filtered_contents_statement[]; /* that it runs */
int glimpse_filtered_pictures(glimpse_store *store, const glimpse_filter *filter,
                              int (*visit)(void *user, int64_t content), void *user);
int glimpse_filtered_count_pictures(size_t *count, glimpse_store *store,
                                    const glimpse_filter *filter);
int glimpse_filtered_list(glimpse_store *store, const glimpse_filter *filter, glimpse_sort sort,
                          int reverse, int (*visit)(void *user, int64_t file, int64_t picture),
                          void *user);
/* The statement that it runs, for glimpse_filter_query. */
const char *glimpse_filtered_list_statement(glimpse_sort sort, int reverse);
int glimpse_filtered_files_of(glimpse_store *store, const glimpse_filter *filter, int64_t content,
                              glimpse_store_file_fn visit, void *user);
int glimpse_filtered_embedded(glimpse_store *store, const glimpse_filter *filter,
                              const glimpse_model_info *model, glimpse_store_picture_fn visit,
                              void *user);

#endif
