/*
 * results.c - result lists.
 *
 * A content may have many files. The one shown is the first, by path, of these:
 *   1. files whose root was reachable when last indexed and that exist now;
 *   2. files of roots that were offline, and that exist after all;
 *   3. files that do not exist now: of a reachable root first (deleted since), then of offline
 * ones.
 */
#include "results.h"

#include "catalog_private.h"
#include "core/error.h"
#include "dates.h"
#include "string_pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct glimpse_results {
    glimpse_result *items;
    size_t count, capacity;
    glimpse_strings strings;
};

int glimpse_results_create(glimpse_results **out, size_t capacity) {
    *out = calloc(1, sizeof **out);
    if (!*out) return glimpse_fail_nomem(sizeof **out, "results");
    (*out)->items = calloc(capacity ? capacity : 1, sizeof *(*out)->items);
    if (!(*out)->items) {
        free(*out);
        *out = NULL;
        return glimpse_fail_nomem(capacity * sizeof(glimpse_result), "results");
    }
    (*out)->capacity = capacity;
    return GLIMPSE_OK;
}

size_t glimpse_results_count(const glimpse_results *results) {
    return results ? results->count : 0;
}

const glimpse_result *glimpse_results_get(const glimpse_results *results, size_t i) {
    return results && i < results->count ? &results->items[i] : NULL;
}

void glimpse_results_free(glimpse_results *results) {
    if (!results) return;
    glimpse_strings_free(&results->strings);
    free(results->items);
    free(results);
}

int glimpse_reach_init(glimpse_reach *reach, glimpse_catalog *catalog) {
    *reach = (glimpse_reach){.catalog = catalog};
    int status = glimpse_catalog_roots(catalog, &reach->roots, &reach->count);
    if (status < 0) return status;
    reach->looked = calloc(reach->count ? reach->count : 1, sizeof *reach->looked);
    if (!reach->looked) {
        glimpse_reach_free(reach);
        return glimpse_fail_nomem(reach->count * sizeof(int), "roots");
    }
    return GLIMPSE_OK;
}

void glimpse_reach_free(glimpse_reach *reach) {
    glimpse_roots_free(reach->roots, reach->count);
    free(reach->looked);
    *reach = (glimpse_reach){0};
}

int glimpse_reach_was_offline(const glimpse_reach *reach, const char *path) {
    const glimpse_root *root = glimpse_root_of(reach->roots, reach->count, path);
    return root && root->offline;
}

int glimpse_reach_is_offline(glimpse_reach *reach, const char *path) {
    const glimpse_root *root = glimpse_root_of(reach->roots, reach->count, path);
    if (!root) return 0;
    size_t i = (size_t)(root - reach->roots);
    if (reach->looked[i] == 0) {
        int reachable = 1;
        int status = glimpse_catalog_root_reachable(reach->catalog, root->path, &reachable);
        reach->looked[i] = status < 0 || reachable ? 1 : -1;
    }
    return reach->looked[i] < 0;
}

static int exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

/* The file to show, and how many there are. `path` is malloc'ed; NULL when no file passes. */
typedef struct choice {
    char *path;
    int64_t mtime_ns;
    int rank; /* 1..4, in the order above */
    size_t online, all;
} choice;

static int choose(choice *best, glimpse_db *db, glimpse_reach *reach, const glimpse_filter *filter,
                  int64_t content) {
    sqlite3_stmt *row = NULL;
    *best = (choice){.rank = 5};
    int status = glimpse_filter_query(filter, db, &row,
                                      "SELECT f.path, f.mtime_ns, " GLIMPSE_FILTER
                                      " FROM file f JOIN content c ON c.id = f.content_id"
                                      " WHERE f.content_id = ?8 AND f.missing = 0 ORDER BY f.path",
                                      content);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        status = GLIMPSE_OK;
        char *path = glimpse_column_path(row, 0);
        if (!path) {
            status = glimpse_fail_nomem(64, "a path");
            break;
        }
        int was_offline = glimpse_reach_was_offline(reach, path);
        best->all++;
        best->online += !was_offline;
        int rank = 5;
        if (sqlite3_column_int(row, 2)) {
            /* No look at the disk for what could not win anyway. */
            int lowest = was_offline ? 2 : 1;
            if (lowest < best->rank) rank = exists(path) ? lowest : lowest + 2;
        }
        if (rank < best->rank) {
            free(best->path);
            best->path = path;
            best->rank = rank;
            best->mtime_ns = sqlite3_column_int64(row, 1);
            path = NULL;
        }
        free(path);
    }
    glimpse_db_reset(row);
    return status;
}

static int keep_caption(glimpse_strings *strings, glimpse_db *db, int64_t caption,
                        const char **out) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(db, &row, "SELECT text FROM caption WHERE id = ?1", "i", caption);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        *out = glimpse_strings_add(strings, text ? text : "", text ? strlen(text) : 0);
        status = *out ? GLIMPSE_OK : glimpse_fail_nomem(256, "a caption");
    }
    glimpse_db_reset(row);
    return status;
}

int glimpse_results_append(glimpse_results *results, glimpse_db *db, glimpse_reach *reach,
                           const glimpse_filter *filter, const glimpse_ranked *ranked) {
    int64_t content = ranked->candidate.content;
    sqlite3_stmt *row = NULL;
    choice shown;
    int status = choose(&shown, db, reach, filter, content);
    if (status < 0 || !shown.path || results->count == results->capacity) goto done;
    status = glimpse_db_query(
        db, &row, "SELECT hash, size, width, height, format, taken FROM content WHERE id = ?1", "i",
        content);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status <= 0) goto done;
    status = GLIMPSE_OK;

    glimpse_hash hash = {{0}};
    char hex[GLIMPSE_HASH_HEX], modified[GLIMPSE_DATE_BYTES];
    if (sqlite3_column_bytes(row, 0) == GLIMPSE_HASH_BYTES) {
        memcpy(hash.bytes, sqlite3_column_blob(row, 0), GLIMPSE_HASH_BYTES);
    }
    glimpse_hash_to_hex(&hash, hex);
    glimpse_date_of_mtime(shown.mtime_ns, modified);
    const char *format = (const char *)sqlite3_column_text(row, 4);
    const char *taken = (const char *)sqlite3_column_text(row, 5);
    glimpse_strings *strings = &results->strings;
    glimpse_result *item = &results->items[results->count];
    *item = (glimpse_result){
        .rank = results->count + 1,
        .score = ranked->candidate.score,
        .path = glimpse_strings_add(strings, shown.path, strlen(shown.path)),
        .id = glimpse_strings_add(strings, hex, strlen(hex)),
        .width = (uint32_t)sqlite3_column_int64(row, 2),
        .height = (uint32_t)sqlite3_column_int64(row, 3),
        .bytes = (uint64_t)sqlite3_column_int64(row, 1),
        .taken = glimpse_strings_add(strings, taken ? taken : "", taken ? strlen(taken) : 0),
        .modified = glimpse_strings_add(strings, modified, strlen(modified)),
        .format = glimpse_strings_add(strings, format ? format : "", format ? strlen(format) : 0),
        .offline = shown.rank >= 3 && (glimpse_reach_was_offline(reach, shown.path) ||
                                       glimpse_reach_is_offline(reach, shown.path)),
        /* What is away counts only where nothing else is left. */
        .copies = shown.online > 0 ? shown.online : shown.all,
        .fused = ranked->fused,
        .caption_score = ranked->caption_score,
        .vector_rank = ranked->vector_rank,
        .caption_rank = ranked->caption_rank,
    };
    if (!item->path || !item->id || !item->taken || !item->modified || !item->format) {
        status = glimpse_fail_nomem(256, "a result");
        goto done;
    }
    if (ranked->caption) status = keep_caption(strings, db, ranked->caption, &item->caption);
    if (status == GLIMPSE_OK) results->count++;
done:
    glimpse_db_reset(row);
    free(shown.path);
    return status;
}
