/*
 * filter.c - binds a place and a time to the SQL that filters files; glimpse/library.h says what a
 * path prefix means.
 */
#include "filter.h"

#include "core/error.h"
#include "dates.h"

#include <stdlib.h>
#include <string.h>

static void forget_paths(glimpse_sqlite_filter *filter) {
    free(filter->first);
    free(filter->end);
    free(filter->exact);
    filter->first = filter->end = filter->exact = NULL;
}

void glimpse_filter_close(glimpse_filter *base) {
    if (!base) return;
    glimpse_sqlite_filter *filter = (glimpse_sqlite_filter *)(void *)base;
    forget_paths(filter);
    glimpse_where_sql_free(filter->where, filter->db);
    free(base);
}

static char *copy_of(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

/* The file or directory `path`, and everything below it. */
static int as_directory(glimpse_sqlite_filter *filter, const char *path) {
    forget_paths(filter);
    int status = glimpse_path_range_below(&filter->first, &filter->end, &filter->first_size, path);
    if (status != GLIMPSE_OK) return status;
    filter->end_size = filter->first_size;
    filter->exact = copy_of(path);
    filter->exact_size = strlen(path);
    return filter->exact ? GLIMPSE_OK : glimpse_fail_nomem(filter->exact_size, "a path");
}

/* Every path that begins with these bytes: up to the next string of the same length or less. */
static int as_prefix(glimpse_sqlite_filter *filter, const char *path) {
    forget_paths(filter);
    filter->first = copy_of(path);
    filter->end = copy_of(path);
    filter->exact = copy_of(path);
    if (!filter->first || !filter->end || !filter->exact) {
        return glimpse_fail_nomem(strlen(path), "a path");
    }
    filter->first_size = filter->exact_size = filter->end_size = strlen(path);
    while (filter->end_size > 1 && (unsigned char)filter->end[filter->end_size - 1] == 0xff) {
        filter->end_size--;
    }
    filter->end[filter->end_size - 1]++; /* the first byte is '/' */
    return GLIMPSE_OK;
}

int glimpse_filter_query(const glimpse_filter *base, glimpse_db *db, sqlite3_stmt **out,
                         const char *sql, int64_t seventh) {
    const glimpse_sqlite_filter *filter = (const glimpse_sqlite_filter *)(const void *)base;
    if (filter->where) {
        int status = glimpse_where_sql_query(filter->where, db, out, sql,
                                             base->has_path ? NULL : GLIMPSE_FILTER_PATH);
        if (status < 0) return status;
        return glimpse_db_bind(db, *out, "bbbttii", (const void *)filter->first, filter->first_size,
                               (const void *)filter->end, filter->end_size,
                               (const void *)filter->exact, filter->exact_size, filter->after,
                               filter->before, (int64_t)filter->base.has_dates, seventh);
    }
    return glimpse_db_query(db, out, sql, "bbbttii", (const void *)filter->first,
                            filter->first_size, (const void *)filter->end, filter->end_size,
                            (const void *)filter->exact, filter->exact_size, filter->after,
                            filter->before, (int64_t)filter->base.has_dates, seventh);
}

static int knows_some(const glimpse_sqlite_filter *filter, glimpse_db *db, int *known) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_filter_query(
        &filter->base, db, &row,
        "SELECT 1 FROM file f WHERE " GLIMPSE_FILTER_PATH " AND f.missing = 0 LIMIT ?7", 1);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    glimpse_db_reset(row);
    *known = status > 0;
    return status < 0 ? status : GLIMPSE_OK;
}

static int resolve(glimpse_sqlite_filter *filter, glimpse_db *db, const char *text) {
    char *absolute = NULL, *real = NULL;
    int known = 0;
    size_t length = strlen(text);
    int status = glimpse_path_absolute(&absolute, text);
    if (status != GLIMPSE_OK) return status;
    real = glimpse_path_real(absolute);
    for (int i = 0; i < (real ? 2 : 1) && status == GLIMPSE_OK && !known; i++) {
        status = as_directory(filter, i == 0 ? absolute : real);
        if (status == GLIMPSE_OK) status = knows_some(filter, db, &known);
    }
    /* "photos/2020-" begins names in photos/; "photos/" can only be meant as a directory. */
    int directory_only = length == 0 || text[length - 1] == '/' || strcmp(absolute, "/") == 0;
    if (status == GLIMPSE_OK && !known && !directory_only) {
        status = as_prefix(filter, absolute);
        if (status == GLIMPSE_OK) status = knows_some(filter, db, &known);
    }
    if (status == GLIMPSE_OK && !known) status = as_directory(filter, absolute);
    free(real);
    free(absolute);
    return status;
}

static int init(glimpse_sqlite_filter *filter, glimpse_db *db, const char *path_prefix,
                const char *after, const char *before) {
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
    filter->base.has_path = path_prefix && *path_prefix;
    return filter->base.has_path ? resolve(filter, db, path_prefix) : as_directory(filter, "/");
}

int glimpse_filter_open(glimpse_filter **out, glimpse_store *store, const char *path_prefix,
                        const char *after, const char *before) {
    glimpse_db *db = glimpse_store_db(store);
    *out = NULL;
    glimpse_sqlite_filter *filter = malloc(sizeof *filter);
    if (!filter) return glimpse_fail_nomem(sizeof *filter, "a filter");
    glimpse_db_enter(db);
    int status = init(filter, db, path_prefix, after, before);
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
