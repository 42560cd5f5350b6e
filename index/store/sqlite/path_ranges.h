/*
 * path_ranges.h - places, files or directories with all below them, as ranges of the index of
 * paths; and the SQL that goes through them or asks whether a path lies in one.
 */
#ifndef GLIMPSE_INDEX_PATH_RANGES_H
#define GLIMPSE_INDEX_PATH_RANGES_H

#include <sqlite3.h>
#include <stddef.h>

typedef struct glimpse_path_range { /* paths in [first, end), compared as bytes */
    char *first, *end;
    size_t first_size, end_size;
} glimpse_path_range;

typedef struct glimpse_path_ranges { /* zero is empty */
    glimpse_path_range *ranges;      /* [count] */
    size_t count;
} glimpse_path_ranges;

/* The file or directory `path`, absolute, and everything below it. */
int glimpse_path_ranges_add(glimpse_path_ranges *ranges, const char *path);
/* After the last: sorts them and drops what lies in another; SQL takes them only so. */
void glimpse_path_ranges_arrange(glimpse_path_ranges *ranges);
void glimpse_path_ranges_free(glimpse_path_ranges *ranges);

/* The type of a glimpse_path_ranges that is bound to a statement as a pointer. */
#define GLIMPSE_PATH_RANGES "glimpse_path_ranges"

/* The functions of a connection; SQLite's code.
 *
 *     glimpse_range_first(ranges, i), glimpse_range_end(ranges, i)   of range i
 *     glimpse_path_within(ranges, path)                              1 when one holds it */
int glimpse_path_ranges_add_functions(sqlite3 *handle);

#endif
