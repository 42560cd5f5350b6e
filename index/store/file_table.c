/*
 * file_table.c - the files below a root in memory, for walks over directories that did not change.
 * Two blocks of memory: the rows, and the bytes of all paths.
 */
#include "file_table.h"

#include "core/error.h"
#include "file_paths.h"

#include <stdlib.h>
#include <string.h>

struct glimpse_file_table {
    glimpse_file_row *rows; /* by path */
    size_t count, capacity;
    char *bytes; /* all paths, each with its NUL */
    size_t used, space;
};

int glimpse_file_row_fresh(const glimpse_file_row *row, const glimpse_file_stamp *stamp) {
    return row->state == GLIMPSE_FILE_OK && row->embedded && row->stamp.size == stamp->size &&
           row->stamp.mtime_ns == stamp->mtime_ns && row->stamp.ctime_ns == stamp->ctime_ns;
}

int glimpse_file_table_create(glimpse_file_table **out) {
    *out = calloc(1, sizeof **out);
    return *out ? GLIMPSE_OK : glimpse_fail_nomem(sizeof **out, "known files");
}

int glimpse_file_table_append(glimpse_file_table *table, int64_t id, const glimpse_file_row *row,
                              const void *path, size_t path_size) {
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 256;
        glimpse_file_row *rows = realloc(table->rows, capacity * sizeof *rows);
        if (!rows) return glimpse_fail_nomem(capacity * sizeof *rows, "known files");
        table->rows = rows;
        table->capacity = capacity;
    }
    if (table->space - table->used < path_size + 1) {
        size_t space = 2 * table->space + path_size + 4096;
        char *bytes = realloc(table->bytes, space);
        if (!bytes) return glimpse_fail_nomem(space, "known files");
        table->bytes = bytes;
        table->space = space;
    }
    if (path_size > 0) memcpy(table->bytes + table->used, path, path_size);
    table->bytes[table->used + path_size] = '\0';
    table->rows[table->count] = *row;
    table->rows[table->count++].id = id;
    table->used += path_size + 1;
    return GLIMPSE_OK;
}

void glimpse_file_table_seal(glimpse_file_table *table) {
    /* The block of bytes no longer moves. */
    for (size_t i = 0, offset = 0; i < table->count; i++) {
        table->rows[i].path = table->bytes + offset;
        offset += strlen(table->rows[i].path) + 1;
    }
}

void glimpse_file_table_free(glimpse_file_table *table) {
    if (!table) return;
    free(table->rows);
    free(table->bytes);
    free(table);
}

size_t glimpse_file_table_count(const glimpse_file_table *table) {
    return table->count;
}

glimpse_file_row *glimpse_file_table_get(glimpse_file_table *table, size_t i) {
    return &table->rows[i];
}

int64_t glimpse_file_table_id(const glimpse_file_table *table, size_t i) {
    return table->rows[i].id;
}

/* The first row whose path is not before `path`. */
static size_t lower_bound(const glimpse_file_table *table, const char *path) {
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(table->rows[middle].path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

glimpse_file_row *glimpse_file_table_find(glimpse_file_table *table, const char *path) {
    size_t i = lower_bound(table, path);
    return i < table->count && strcmp(table->rows[i].path, path) == 0 ? &table->rows[i] : NULL;
}

void glimpse_file_table_keep(glimpse_file_table *table, const char *directory) {
    size_t length = strlen(directory);
    for (size_t i = lower_bound(table, directory); i < table->count; i++) {
        glimpse_file_row *row = &table->rows[i];
        if (strncmp(row->path, directory, length) != 0) break;
        if (!row->seen && glimpse_path_is_below(row->path, directory)) {
            row->seen = GLIMPSE_SEEN_KEPT;
        }
    }
}
