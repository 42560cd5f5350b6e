/*
 * path_ranges.c - makes ranges of the index of paths of places, and SQL functions of ranges.
 */
#include "path_ranges.h"

#include "core/error.h"
#include "file_paths.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int compare_bytes(const void *a, size_t a_size, const void *b, size_t b_size) {
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common ? memcmp(a, b, common) : 0;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int add_range(glimpse_path_ranges *ranges, glimpse_path_range range) {
    const size_t size = (ranges->count + 1) * sizeof *ranges->ranges;
    glimpse_path_range *more =
        range.first && range.end ? realloc(ranges->ranges, size) : (glimpse_path_range *)NULL;
    if (!more) {
        free(range.first);
        free(range.end);
        return glimpse_fail_nomem(range.first_size + range.end_size, "a path");
    }
    ranges->ranges = more;
    ranges->ranges[ranges->count++] = range;
    return GLIMPSE_OK;
}

static char *bytes_of(const char *text, size_t size) {
    char *copy = malloc(size ? size : 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

int glimpse_path_ranges_add(glimpse_path_ranges *ranges, const char *path) {
    const size_t size = strlen(path);
    glimpse_path_range below = {0};
    /* The NUL behind the path is the least that can follow it. */
    int status = add_range(ranges, (glimpse_path_range){bytes_of(path, size),
                                                        bytes_of(path, size + 1), size, size + 1});
    if (status != GLIMPSE_OK) return status;
    status = glimpse_path_range_below(&below.first, &below.end, &below.first_size, path);
    below.end_size = below.first_size;
    return status == GLIMPSE_OK ? add_range(ranges, below) : status;
}

static int compare_ranges(const void *a, const void *b) {
    const glimpse_path_range *x = a, *y = b;
    const int order = compare_bytes(x->first, x->first_size, y->first, y->first_size);
    /* the larger one first */
    return order ? order : compare_bytes(y->end, y->end_size, x->end, x->end_size);
}

void glimpse_path_ranges_arrange(glimpse_path_ranges *ranges) {
    size_t kept = 0;
    qsort(ranges->ranges, ranges->count, sizeof *ranges->ranges, compare_ranges);
    for (size_t i = 0; i < ranges->count; i++) {
        glimpse_path_range *range = &ranges->ranges[i];
        const glimpse_path_range *last = kept > 0 ? &ranges->ranges[kept - 1] : NULL;
        if (last && compare_bytes(range->end, range->end_size, last->end, last->end_size) <= 0) {
            free(range->first);
            free(range->end);
        } else {
            ranges->ranges[kept++] = *range;
        }
    }
    ranges->count = kept;
}

void glimpse_path_ranges_free(glimpse_path_ranges *ranges) {
    for (size_t i = 0; i < ranges->count; i++) {
        free(ranges->ranges[i].first);
        free(ranges->ranges[i].end);
    }
    free(ranges->ranges);
    *ranges = (glimpse_path_ranges){0};
}

/*
 * The SQL functions.
 */
static const glimpse_path_ranges *ranges_of(sqlite3_context *context, sqlite3_value *value) {
    const glimpse_path_ranges *ranges = sqlite3_value_pointer(value, GLIMPSE_PATH_RANGES);
    if (!ranges) sqlite3_result_error(context, "ranges are missing", -1);
    return ranges;
}

/* glimpse_range_first(ranges, i) and glimpse_range_end(ranges, i); the user data says which. */
static void range_function(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    const glimpse_path_ranges *ranges = ranges_of(context, values[0]);
    const sqlite3_int64 i = sqlite3_value_int64(values[1]);
    if (!ranges || i < 0 || (uint64_t)i >= ranges->count) return;
    const glimpse_path_range *range = &ranges->ranges[i];
    const int is_end = sqlite3_user_data(context) != NULL;
    sqlite3_result_blob64(context, is_end ? range->end : range->first,
                          is_end ? range->end_size : range->first_size, SQLITE_STATIC);
}

/* glimpse_path_within(ranges, path) */
static void within_function(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    const glimpse_path_ranges *ranges = ranges_of(context, values[0]);
    if (!ranges) return;
    const void *path = sqlite3_value_blob(values[1]);
    const size_t size = (size_t)sqlite3_value_bytes(values[1]);
    size_t low = 0, high = ranges->count; /* the first range that begins behind the path */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const glimpse_path_range *range = &ranges->ranges[middle];
        if (compare_bytes(range->first, range->first_size, path, size) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    sqlite3_result_int(context, low > 0 && compare_bytes(path, size, ranges->ranges[low - 1].end,
                                                         ranges->ranges[low - 1].end_size) < 0);
}

int glimpse_path_ranges_add_functions(sqlite3 *handle) {
    static char is_end;
    const int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    int code = sqlite3_create_function_v2(handle, "glimpse_range_first", 2, flags, NULL,
                                          range_function, NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_create_function_v2(handle, "glimpse_range_end", 2, flags, &is_end,
                                          range_function, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_create_function_v2(handle, "glimpse_path_within", 2, flags, NULL,
                                          within_function, NULL, NULL, NULL);
    }
    return code;
}
