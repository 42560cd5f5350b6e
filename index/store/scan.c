/*
 * scan.c - the end of a walk: which files are missing now.
 */
#include "core/error.h"
#include "store.h"

#include <string.h>

int glimpse_store_finish_scan(uint64_t *missing, glimpse_store *store, const char *root,
                              glimpse_file_table *table) {
    const glimpse_store_ops *ops = store->ops;
    glimpse_root *roots = NULL;
    size_t root_count = 0, count = glimpse_file_table_count(table);
    uint64_t gone = 0;
    int own = 0;
    if (missing) *missing = 0;
    int status = ops->roots.list(&roots, &root_count, store);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        glimpse_file_row *row = glimpse_file_table_get(table, i);
        if (!row->seen) {
            const glimpse_root *nearest = glimpse_root_of(roots, root_count, row->path);
            if (nearest && nearest->offline && strcmp(nearest->path, root) != 0) continue;
            gone++;
        }
        if (row->missing && row->seen == GLIMPSE_SEEN_KEPT) gone++; /* nobody saw it come back */
        if (row->missing == !row->seen || row->seen >= GLIMPSE_SEEN_KEPT) continue;
        if (!own && !ops->is_writing(store)) {
            status = ops->begin(store);
            if (status < 0) break;
            own = 1;
        }
        status = ops->files.set_missing(store, glimpse_file_table_id(table, i), !row->seen);
        if (status == GLIMPSE_OK) row->missing = !row->seen;
    }
    if (own && status == GLIMPSE_OK) status = ops->commit(store);
    if (own && status < 0) ops->rollback(store);
    glimpse_roots_free(roots, root_count);
    if (status == GLIMPSE_OK && missing) *missing = gone;
    return status;
}
