/*
 * filtered.c - files and contents that a filter lets through.
 */
#include "core/error.h"
#include "filter.h"
#include "math/half.h"

#include <stdlib.h>
#include <string.h>

/* The integer that a filtered statement gives. */
static int filtered_integer(int64_t *out, glimpse_db *db, const glimpse_filter *filter,
                            const char *sql, int64_t seventh) {
    sqlite3_stmt *row = NULL;
    *out = 0;
    glimpse_db_enter(db);
    int status = glimpse_filter_query(filter, db, &row, sql, seventh);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) *out = sqlite3_column_int64(row, 0);
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status < 0 ? status : GLIMPSE_OK;
}

int glimpse_filtered_count_files(size_t *files, glimpse_store *store, const glimpse_filter *filter,
                                 size_t limit) {
    int64_t count = 0;
    int status =
        filtered_integer(&count, glimpse_store_db(store), filter,
                         "SELECT count(*) FROM (SELECT 1"
                         " FROM " GLIMPSE_FILTER_FILES " WHERE " GLIMPSE_FILTER_COVER " LIMIT ?7)",
                         (int64_t)limit);
    *files = (size_t)count;
    return status;
}

int glimpse_filtered_count_pictures(size_t *count, glimpse_store *store,
                                    const glimpse_filter *filter) {
    int64_t pictures = 0;
    int status = filtered_integer(&pictures, glimpse_store_db(store), filter,
                                  "SELECT count(DISTINCT f.picture_id) FROM " GLIMPSE_FILTER_FILES
                                  " WHERE f.missing = 0 AND f.id >= ?7"
                                  " AND f.picture_id IS NOT NULL AND " GLIMPSE_FILTER_ALL,
                                  0);
    *count = (size_t)pictures;
    return status;
}

/* 1 when the picture has all labels that are wanted. */
static int has_labels(glimpse_db *db, const char *const *labels, size_t count, int64_t picture) {
    int status = 1;
    for (size_t i = 0; i < count && status > 0; i++) {
        sqlite3_stmt *row = NULL;
        status = glimpse_db_query(
            db, &row,
            "SELECT 1 FROM label l JOIN label_class k ON k.id = l.class_id"
            " WHERE l.picture_id = ?1 AND instr('/' || k.name || '/', '/' || ?2 || '/') > 0"
            " LIMIT 1",
            "it", picture, labels[i]);
        if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
        glimpse_db_reset(row);
    }
    return status;
}

int glimpse_filtered_choose(glimpse_content_choice *choices, glimpse_store *store,
                            const glimpse_filter *filter, const char *const *labels,
                            size_t label_count, const int64_t *contents, size_t count) {
    glimpse_db *db = glimpse_store_db(store);
    int status = GLIMPSE_OK;
    glimpse_db_enter(db);
    for (size_t i = 0; i < count && status >= 0; i++) {
        sqlite3_stmt *row = NULL;
        choices[i] = (glimpse_content_choice){0};
        status = glimpse_filter_query(filter, db, &row,
                                      "SELECT p.hash, p.size FROM picture p WHERE p.id = ?7 AND"
                                      " EXISTS (SELECT 1 FROM file f"
                                      " JOIN content c ON c.id = f.content_id"
                                      " WHERE f.picture_id = p.id"
                                      " AND f.missing = 0 AND " GLIMPSE_FILTER ")",
                                      contents[i]);
        if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
        if (status > 0) status = has_labels(db, labels, label_count, contents[i]);
        if (status > 0) {
            choices[i].passes = 1;
            (void)glimpse_column_hash(&choices[i].hash, row, 0);
            choices[i].size = (uint64_t)sqlite3_column_int64(row, 1);
        }
        glimpse_db_reset(row);
    }
    glimpse_db_leave(db);
    return status < 0 ? status : GLIMPSE_OK;
}

const char glimpse_filtered_contents_statement[] =
    "SELECT DISTINCT p.id, p.hash, p.size FROM " GLIMPSE_FILTER_FILES
    " CROSS JOIN content c ON c.id = f.content_id CROSS JOIN picture p ON p.id = f.picture_id"
    " WHERE f.missing = 0 AND p.id > ?7 AND " GLIMPSE_FILTER_DATE " AND " GLIMPSE_FILTER_ALL;

int glimpse_filtered_contents(glimpse_store *store, const glimpse_filter *filter,
                              const char *const *labels, size_t label_count,
                              glimpse_content_fn visit, void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_filter_query(filter, db, &row, glimpse_filtered_contents_statement, 0);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        int64_t content = sqlite3_column_int64(row, 0);
        glimpse_hash hash;
        status = has_labels(db, labels, label_count, content);
        if (status <= 0) continue;
        (void)glimpse_column_hash(&hash, row, 1);
        status = visit(user, content, &hash, (uint64_t)sqlite3_column_int64(row, 2));
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_filtered_pictures(glimpse_store *store, const glimpse_filter *filter,
                              int (*visit)(void *user, int64_t content), void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_filter_query(filter, db, &row,
                                      "SELECT f.picture_id, min(f.path) FROM " GLIMPSE_FILTER_FILES
                                      " WHERE f.missing = 0 AND f.id >= ?7"
                                      " AND f.picture_id IS NOT NULL AND " GLIMPSE_FILTER_ALL
                                      " GROUP BY f.picture_id ORDER BY 2",
                                      0);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0)
        status = visit(user, sqlite3_column_int64(row, 0));
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_filtered_files_of(glimpse_store *store, const glimpse_filter *filter, int64_t content,
                              glimpse_store_file_fn visit, void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_filter_query(filter, db, &row,
                                      "SELECT f.path, f.mtime_ns, " GLIMPSE_FILTER ", f.id, c.size"
                                      " FROM file f JOIN content c ON c.id = f.content_id"
                                      " WHERE f.picture_id = ?7 AND f.missing = 0 ORDER BY f.path",
                                      content);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        char *path = glimpse_column_path(row, 0);
        if (!path) {
            status = glimpse_fail_nomem(64, "a path");
            break;
        }
        const glimpse_store_file file = {.path = path,
                                         .mtime_ns = sqlite3_column_int64(row, 1),
                                         .passes = sqlite3_column_int(row, 2),
                                         .id = sqlite3_column_int64(row, 3),
                                         .size = (uint64_t)sqlite3_column_int64(row, 4)};
        status = visit(user, &file);
        free(path);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

/* One row of the statement below as the visitor sees it. */
static int visit_embedded(glimpse_db *db, sqlite3_stmt *row, const glimpse_model_info *model,
                          float *embedding, glimpse_store_picture_fn visit, void *user) {
    int64_t content = 0;
    const uint8_t *vector = NULL;
    int status = glimpse_embedding_read(db, row, 8, model->id, 0, model->dim, &content, &vector);
    if (status < 0) return status;
    glimpse_f16_load(embedding, vector, model->dim);
    char *path = glimpse_column_path(row, 0);
    if (!path) return glimpse_fail_nomem(64, "a path");
    glimpse_store_picture picture = {
        .path = path,
        .mtime_ns = sqlite3_column_int64(row, 1),
        .size = (uint64_t)sqlite3_column_int64(row, 3),
        .width = (uint32_t)sqlite3_column_int64(row, 4),
        .height = (uint32_t)sqlite3_column_int64(row, 5),
        .format = glimpse_column_text(row, 6),
        .taken = glimpse_column_text(row, 7),
        .copies = (size_t)sqlite3_column_int64(row, 11),
        .embedding = embedding,
    };
    glimpse_column_taken(&picture.taken_from, &picture.has_offset, &picture.offset_minutes, row, 12,
                         picture.taken);
    (void)glimpse_column_hash(&picture.hash, row, 2);
    status = visit(user, &picture);
    free(path);
    return status;
}

/* Files with their embedding of a model, which is a parameter between joins and rest. */
#define EMBEDDED_COLUMNS                                                       \
 "SELECT f.path, f.mtime_ns, p.hash, c.size, p.width, p.height, p.format,"     \
 " " GLIMPSE_SAID_TAKEN ", e.picture_id, e.vector, e.sum,"                     \
 " (SELECT count(*) FROM file g WHERE g.picture_id = p.id AND g.missing = 0)," \
 " " GLIMPSE_SAID_TAKEN_FROM " FROM "
#define EMBEDDED_JOINS                          \
 " CROSS JOIN content c ON c.id = f.content_id" \
 " CROSS JOIN picture p ON p.id = f.picture_id" \
 " CROSS JOIN embedding e ON e.picture_id = p.id AND e.part = 0 AND e.model_id = "
#define EMBEDDED_REST                                                                   \
 " LEFT JOIN metadata m ON m.content_id = c.id LEFT JOIN sidecar s ON s.file_id = f.id" \
 " WHERE f.missing = 0"

int glimpse_filtered_embedded(glimpse_store *store, const glimpse_filter *filter,
                              const glimpse_model_info *model, glimpse_store_picture_fn visit,
                              void *user) {
    glimpse_db *db = glimpse_store_db(store);
    const glimpse_sqlite_filter *ranges = (const glimpse_sqlite_filter *)(const void *)filter;
    sqlite3_stmt *row = NULL;
    float *embedding = malloc(model->dim * sizeof *embedding);
    if (!embedding) return glimpse_fail_nomem(model->dim * sizeof *embedding, "an embedding");
    glimpse_db_enter(db);
    int status = GLIMPSE_OK;
    if (ranges->where) {
        status =
            glimpse_filter_query(filter, db, &row,
                                 EMBEDDED_COLUMNS GLIMPSE_FILTER_FILES EMBEDDED_JOINS
                                 "?7" EMBEDDED_REST " AND " GLIMPSE_FILTER_ALL " ORDER BY f.path",
                                 model->id);
        while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0)
            status = visit_embedded(db, row, model, embedding, visit, user);
        glimpse_db_reset(row);
    }
    /* Range by range, which are in order: the index of paths has the order of each. */
    for (size_t i = 0; !ranges->where && i < ranges->ranges.count && status == GLIMPSE_OK; i++) {
        const glimpse_path_range *range = &ranges->ranges.ranges[i];
        status = glimpse_db_query(db, &row,
                                  EMBEDDED_COLUMNS "file f" EMBEDDED_JOINS "?3" EMBEDDED_REST
                                                   " AND f.path >= ?1 AND f.path < ?2"
                                                   " ORDER BY f.path",
                                  "bbi", (const void *)range->first, range->first_size,
                                  (const void *)range->end, range->end_size, model->id);
        while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0)
            status = visit_embedded(db, row, model, embedding, visit, user);
        glimpse_db_reset(row);
    }
    glimpse_db_leave(db);
    free(embedding);
    return status;
}
