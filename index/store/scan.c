/*
 * scan.c - the end of a walk: which files are missing now, and which are left out.
 */
#include "core/error.h"
#include "store.h"

#include <string.h>

static uint8_t absence_of(const glimpse_file_row *row) {
    if (row->seen == GLIMPSE_SEEN_LEFT_OUT) return GLIMPSE_FILE_LEFT_OUT;
    return row->seen ? 0 : GLIMPSE_FILE_MISSING;
}

int glimpse_store_finish_scan(uint64_t *missing, uint64_t *left_out, glimpse_store *store,
                              const char *root, glimpse_file_table *table) {
    const glimpse_store_ops *ops = store->ops;
    glimpse_root *roots = NULL;
    size_t root_count = 0, count = glimpse_file_table_count(table);
    uint64_t absent[3] = {0}; /* by where they are */
    int own = 0;
    if (missing) *missing = 0;
    if (left_out) *left_out = 0;
    int status = ops->roots.list(&roots, &root_count, store);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        glimpse_file_row *row = glimpse_file_table_get(table, i);
        if (!row->seen) {
            const glimpse_root *nearest = glimpse_root_of(roots, root_count, row->path);
            if (nearest && nearest->offline && strcmp(nearest->path, root) != 0) continue;
        }
        const int kept = row->seen == GLIMPSE_SEEN_KEPT || row->seen == GLIMPSE_SEEN_ELSEWHERE;
        const uint8_t absence = kept ? row->missing : absence_of(row);
        /* Of one that is kept nobody saw it come back; of another root's, that one counts. */
        if (row->seen != GLIMPSE_SEEN_ELSEWHERE) absent[absence]++;
        if (row->missing == absence) continue;
        if (!own && !ops->is_writing(store)) {
            status = ops->begin(store);
            if (status < 0) break;
            own = 1;
        }
        status = ops->files.set_missing(store, glimpse_file_table_id(table, i), absence);
        if (status == GLIMPSE_OK) row->missing = absence;
    }
    if (own && status == GLIMPSE_OK) status = ops->commit(store);
    if (own && status < 0) ops->rollback(store);
    glimpse_roots_free(roots, root_count);
    if (status == GLIMPSE_OK && missing) *missing = absent[GLIMPSE_FILE_MISSING];
    if (status == GLIMPSE_OK && left_out) *left_out = absent[GLIMPSE_FILE_LEFT_OUT];
    return status;
}
