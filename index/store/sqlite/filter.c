/*
 * filter.c - binds places and a time to the SQL that filters files; glimpse/library.h says what a
 * place is.
 */
#include "filter.h"

#include "core/error.h"
#include "dates.h"

#include <stdlib.h>
#include <string.h>

void glimpse_filter_close(glimpse_filter *base) {
    if (!base) return;
    glimpse_sqlite_filter *filter = (glimpse_sqlite_filter *)(void *)base;
    glimpse_path_ranges_free(&filter->ranges);
    glimpse_where_sql_free(filter->where, filter->db);
    free(filter->holds_file);
    free(filter);
}

int glimpse_filter_query(const glimpse_filter *base, glimpse_db *db, sqlite3_stmt **out,
                         const char *sql, int64_t seventh) {
    const glimpse_sqlite_filter *filter = (const glimpse_sqlite_filter *)(const void *)base;
    if (filter->where) {
        int status = glimpse_where_sql_query(filter->where, db, out, sql, base->has_path);
        if (status < 0) return status;
        return glimpse_db_bind(db, *out, "oi-ttii", (const void *)&filter->ranges,
                               GLIMPSE_PATH_RANGES, (int64_t)filter->ranges.count, filter->after,
                               filter->before, (int64_t)filter->base.has_dates, seventh);
    }
    return glimpse_db_query(db, out, sql, "oi-ttii", (const void *)&filter->ranges,
                            GLIMPSE_PATH_RANGES, (int64_t)filter->ranges.count, filter->after,
                            filter->before, (int64_t)filter->base.has_dates, seventh);
}

/*
 * Places.
 */
static int knows_some(int *known, glimpse_db *db, const char *path) {
    glimpse_path_range below = {0};
    sqlite3_stmt *row = NULL;
    int status = glimpse_path_range_below(&below.first, &below.end, &below.first_size, path);
    if (status != GLIMPSE_OK) return status;
    status = glimpse_db_query(db, &row,
                              "SELECT 1 FROM (SELECT 1 FROM file WHERE path = ?3 AND missing = 0)"
                              " UNION ALL SELECT 1 FROM (SELECT 1 FROM file"
                              " WHERE path >= ?1 AND path < ?2 AND missing = 0 LIMIT 1) LIMIT 1",
                              "bbp", (const void *)below.first, below.first_size,
                              (const void *)below.end, below.first_size, path);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    glimpse_db_reset(row);
    free(below.first);
    free(below.end);
    *known = status > 0;
    return status < 0 ? status : GLIMPSE_OK;
}

/* Place `i`, written as `text`: as its letters say, or what it really is, whichever is known. */
static int resolve(glimpse_sqlite_filter *filter, glimpse_db *db, size_t i, const char *text) {
    char *absolute = NULL, *real = NULL;
    int known = 0;
    int status = glimpse_path_absolute(&absolute, text);
    if (status == GLIMPSE_OK) status = knows_some(&known, db, absolute);
    if (status == GLIMPSE_OK && !known && (real = glimpse_path_real(absolute))) {
        status = knows_some(&known, db, real);
    }
    if (status == GLIMPSE_OK)
        status = glimpse_path_ranges_add(&filter->ranges, known && real ? real : absolute);
    filter->holds_file[i] = (uint8_t)known;
    free(real);
    free(absolute);
    return status;
}

static int init(glimpse_sqlite_filter *filter, glimpse_db *db, const char *const *within,
                size_t within_count, const char *after, const char *before) {
    *filter = (glimpse_sqlite_filter){.after = "", .before = "\x7f"}; /* behind every digit */
    int64_t unused;
    int status = GLIMPSE_OK;
    if (after) {
        status = glimpse_date_parse(after, "after", filter->after, &unused);
        filter->base.has_dates = 1;
    }
    if (before && status == GLIMPSE_OK) {
        status = glimpse_date_parse(before, "before", filter->before, &unused);
        filter->base.has_dates = 1;
    }
    if (status != GLIMPSE_OK) return status;
    filter->holds_file = calloc(within_count ? within_count : 1, 1);
    if (!filter->holds_file) return glimpse_fail_nomem(within_count, "places");
    filter->base.has_path = within_count > 0;
    filter->place_count = within_count;
    if (within_count == 0) status = glimpse_path_ranges_add(&filter->ranges, "/");
    for (size_t i = 0; i < within_count && status == GLIMPSE_OK; i++) {
        if (!within[i] || !*within[i]) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "a folder to search in is empty (the working directory is \".\")");
        }
        status = resolve(filter, db, i, within[i]);
    }
    if (status == GLIMPSE_OK) glimpse_path_ranges_arrange(&filter->ranges);
    return status;
}

int glimpse_filter_open(glimpse_filter **out, glimpse_store *store, const char *const *within,
                        size_t within_count, const char *after, const char *before) {
    glimpse_db *db = glimpse_store_db(store);
    *out = NULL;
    glimpse_sqlite_filter *filter = malloc(sizeof *filter);
    if (!filter) return glimpse_fail_nomem(sizeof *filter, "a filter");
    glimpse_db_enter(db);
    int status = init(filter, db, within, within_count, after, before);
    glimpse_db_leave(db);
    if (status != GLIMPSE_OK) {
        glimpse_filter_close(&filter->base);
        return status;
    }
    filter->db = db;
    filter->base.max_files = SIZE_MAX;
    *out = &filter->base;
    return GLIMPSE_OK;
}

int glimpse_filter_holds_file(const glimpse_filter *base, size_t i) {
    const glimpse_sqlite_filter *filter = (const glimpse_sqlite_filter *)(const void *)base;
    return i < filter->place_count && filter->holds_file[i];
}

/*
 * What lies in a directory.
 */
static int count_below(size_t *files, glimpse_db *db, const char *path) {
    glimpse_path_range below = {0};
    int64_t count = 0;
    int status = glimpse_path_range_below(&below.first, &below.end, &below.first_size, path);
    if (status != GLIMPSE_OK) return status;
    status = glimpse_db_integer(
        db, &count,
        "SELECT (SELECT count(*) FROM file WHERE path = ?3 AND missing = 0)"
        " + (SELECT count(*) FROM (SELECT 1 FROM file WHERE path >= ?1 AND path < ?2"
        " AND missing = 0 LIMIT 1000))",
        "bbp", (const void *)below.first, below.first_size, (const void *)below.end,
        below.first_size, path);
    free(below.first);
    free(below.end);
    *files = (size_t)count;
    return status;
}

/* malloc'ed: the first of the paths that are left, cut behind its component that starts at `begin`;
 * NULL when there is none. */
static int next_child(char **out, int *is_directory, glimpse_db *db, const glimpse_path_range *left,
                      size_t begin) {
    sqlite3_stmt *row = NULL;
    *out = NULL;
    int status = glimpse_db_query(
        db, &row, "SELECT path FROM file WHERE path >= ?1 AND path < ?2 ORDER BY path LIMIT 1",
        "bb", (const void *)left->first, left->first_size, (const void *)left->end, left->end_size);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0 && !(*out = glimpse_column_path(row, 0))) {
        status = glimpse_fail_nomem(64, "a path");
    }
    glimpse_db_reset(row);
    if (*out && strlen(*out) > begin) {
        char *behind = *out + begin + strcspn(*out + begin, "/");
        *is_directory = *behind != '\0';
        *behind = '\0';
    }
    return status < 0 ? status : GLIMPSE_OK;
}

int glimpse_filter_children(glimpse_store *store, const char *directory, glimpse_child_fn visit,
                            void *user) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_path_range left = {0};
    int status = glimpse_path_range_below(&left.first, &left.end, &left.first_size, directory);
    if (status != GLIMPSE_OK) return status;
    left.end_size = left.first_size;
    const size_t begin = left.first_size;
    int ended = 0;
    glimpse_db_enter(db);
    while (status == GLIMPSE_OK && !ended) {
        char *child = NULL;
        size_t files = 0;
        int is_directory = 0;
        status = next_child(&child, &is_directory, db, &left, begin);
        if (status != GLIMPSE_OK || !child) break;
        status = count_below(&files, db, child);
        if (status == GLIMPSE_OK && files > 0) ended = visit(user, child, files) != 0;
        /* The order is that of bytes: "a-b/c" comes before "a/d". Whoever stands at a path below a
         * directory has all before "directory/" behind him, and goes on at "directory0". */
        free(left.first);
        left.first_size = strlen(child) + 1;
        left.first = malloc(left.first_size);
        if (left.first) memcpy(left.first, child, left.first_size);
        if (left.first && is_directory) left.first[left.first_size - 1] = '0';
        free(child);
        if (!left.first) status = glimpse_fail_nomem(left.first_size, "a path");
    }
    glimpse_db_leave(db);
    free(left.first);
    free(left.end);
    return status;
}

int glimpse_filter_narrow(glimpse_filter *base, glimpse_store *store,
                          const glimpse_search_options *options) {
    glimpse_sqlite_filter *filter = (glimpse_sqlite_filter *)(void *)base;
    glimpse_where *where = NULL;
    int status = options->where ? glimpse_where_parse(&where, options->where) : GLIMPSE_OK;
    if (status == GLIMPSE_OK) {
        status = glimpse_where_add_dates(&where, options->after, options->before);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_where_add_labels(&where, options->labels, options->label_count);
    }
    if (status == GLIMPSE_OK && where) {
        glimpse_db *db = glimpse_store_db(store);
        glimpse_db_enter(db);
        status = glimpse_where_sql_create(&filter->where, db, where);
        glimpse_db_leave(db);
    }
    if (status == GLIMPSE_OK && where) {
        base->has_where = 1;
        base->max_files = glimpse_where_sql_max_files(filter->where);
    }
    glimpse_where_free(where);
    return status;
}
