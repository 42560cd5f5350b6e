/*
 * store.c - which implementation keeps what.
 */
#include "store.h"

extern const glimpse_store_ops glimpse_store_sqlite; /* sqlite/table.c */

const glimpse_store_ops *glimpse_store_backend(const char *path) {
    (void)path; /* there is one */
    return &glimpse_store_sqlite;
}

int glimpse_store_open(glimpse_store **out, const char *path, unsigned flags) {
    const glimpse_store_ops *ops = glimpse_store_backend(path);
    *out = NULL;
    int status = ops->open(out, path, flags);
    if (status == GLIMPSE_OK) (*out)->ops = ops;
    return status;
}

int glimpse_store_open_sibling(glimpse_store **out, const glimpse_store *store) {
    *out = NULL;
    int status = store->ops->open_sibling(out, store);
    if (status == GLIMPSE_OK) (*out)->ops = store->ops;
    return status;
}

void glimpse_store_close(glimpse_store *store) {
    if (store) store->ops->close(store);
}
