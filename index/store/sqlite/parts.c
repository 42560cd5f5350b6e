/*
 * parts.c - further parts of pictures: their embeddings, and how many there are.
 */
#include "core/error.h"
#include "sqlite_store.h"

#include <stdlib.h>
#include <string.h>

/* Parts that are tiles of a picture itself. */
#define IS_TILE "part BETWEEN 1 AND 13"

int glimpse_parts_write(glimpse_store *store, int64_t model, int64_t picture, uint32_t part,
                        const float *vector, size_t dim) {
    if (part == 0 || part > GLIMPSE_PART_LIMIT) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a picture has no part %lu", (unsigned long)part);
    }
    return glimpse_embedding_insert(store, model, picture, part, vector, dim);
}

#define COUNTED                                                      \
 "SELECT p.id, p.width, p.height, (SELECT count(*) FROM embedding e" \
 " WHERE e.picture_id = p.id AND e.part <> 0 AND e.model_id = ?1) FROM picture p"

static glimpse_store_parts read_counted(sqlite3_stmt *row) {
    return (glimpse_store_parts){
        sqlite3_column_int64(row, 0), (uint32_t)sqlite3_column_int64(row, 1),
        (uint32_t)sqlite3_column_int64(row, 2), (uint32_t)sqlite3_column_int64(row, 3)};
}

int glimpse_parts_find(glimpse_store_parts *out, glimpse_store *store, int64_t model,
                       int64_t picture) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row, COUNTED " WHERE p.id = ?2", "ii", model, picture);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) *out = read_counted(row);
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status > 0 ? GLIMPSE_OK : status == 0 ? GLIMPSE_E_NOT_FOUND : status;
}

int glimpse_parts_list(glimpse_store *store, int64_t model, glimpse_store_parts_fn visit,
                       void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  COUNTED " WHERE EXISTS (SELECT 1 FROM embedding e WHERE"
                                          " e.picture_id = p.id AND e.part = 0"
                                          " AND e.model_id = ?1)",
                                  "i", model);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const glimpse_store_parts picture = read_counted(row);
        status = visit(user, &picture);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_parts_totals(uint64_t *tiles, uint64_t *tiled, glimpse_db *db, int64_t model) {
    sqlite3_stmt *row = NULL;
    *tiles = *tiled = 0;
    int status = glimpse_db_query(db, &row,
                                  "SELECT count(*), count(DISTINCT picture_id) FROM embedding"
                                  " WHERE model_id = ?1 AND " IS_TILE
                                  " AND EXISTS (SELECT 1 FROM model WHERE id = ?1 AND parts > 0)",
                                  "i", model);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        *tiles = (uint64_t)sqlite3_column_int64(row, 0);
        *tiled = (uint64_t)sqlite3_column_int64(row, 1);
    }
    glimpse_db_reset(row);
    return status < 0 ? status : GLIMPSE_OK;
}

/*
 * Tiles that nobody asks for any more.
 */
typedef struct tiled_pictures {
    int64_t *items; /* [count] whose tiles are to go */
    size_t count, capacity;
} tiled_pictures;

static int add(tiled_pictures *list, int64_t picture) {
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 256;
        int64_t *grown = realloc(list->items, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "pictures");
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = picture;
    return GLIMPSE_OK;
}

/* The innermost root around it that remembers anything decides, as when it is walked. */
static int is_tiled(const glimpse_root *roots, size_t count, const char *path) {
    const glimpse_root *innermost = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!glimpse_root_options_any(&roots[i].options)) continue;
        if (!glimpse_path_is_below(path, roots[i].path)) continue;
        if (!innermost || strlen(roots[i].path) > strlen(innermost->path)) innermost = &roots[i];
    }
    return innermost && innermost->options.tiles;
}

/* Files come by picture: one of them is enough. */
static int find_untiled(tiled_pictures *list, glimpse_db *db, const glimpse_root *roots,
                        size_t root_count) {
    sqlite3_stmt *row = NULL;
    int64_t last = 0;
    int keeps = 0;
    int status = glimpse_db_query(db, &row,
                                  "SELECT picture_id, path FROM file WHERE picture_id IN"
                                  " (SELECT picture_id FROM embedding WHERE " IS_TILE ")"
                                  " ORDER BY picture_id",
                                  "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const int64_t picture = sqlite3_column_int64(row, 0);
        char *path = glimpse_column_path(row, 1);
        status = path ? GLIMPSE_OK : glimpse_fail_nomem(64, "a path");
        if (picture != last && last && !keeps && status == GLIMPSE_OK) status = add(list, last);
        if (picture != last) keeps = 0;
        last = picture;
        if (path && is_tiled(roots, root_count, path)) keeps = 1;
        free(path);
    }
    glimpse_db_reset(row);
    return status == GLIMPSE_OK && last && !keeps ? add(list, last) : status;
}

int glimpse_parts_forget_tiles(glimpse_store *store, uint64_t *embeddings) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_root *roots = NULL;
    size_t root_count = 0;
    tiled_pictures list = {0};
    int status = glimpse_catalog_roots(&roots, &root_count, store);
    if (status == GLIMPSE_OK) status = find_untiled(&list, db, roots, root_count);
    for (size_t i = 0; i < list.count && status == GLIMPSE_OK; i++) {
        status = glimpse_db_run(db, "DELETE FROM embedding WHERE picture_id = ?1 AND " IS_TILE, "i",
                                list.items[i]);
        *embeddings += status == GLIMPSE_OK ? (uint64_t)glimpse_db_changes(db) : 0;
    }
    free(list.items);
    if (roots) glimpse_roots_free(roots, root_count);
    return status;
}
