/*
 * derived.c - what was worked out about contents, kept beside them (schema step 5 -> 6). Rows of
 * another version, and such that do not match their checksum, are as good as none.
 */
#include "core/error.h"
#include "duplicates.h"

/* The statements of a kind: its table and the column with the data. */
#define SELECT_DERIVED(table, data)                                                                \
 "SELECT c.hash, c.size, p." data ", p.sum = glimpse_sum(p.picture_id, p.part, p.version, p." data \
 "), (SELECT hash FROM picture WHERE id = p.picture_id)"
#define OF_CONTENT(table, data)                                                   \
 SELECT_DERIVED(table, data)                                                      \
 " FROM content c JOIN " table " p ON p.picture_id = c.picture_id AND p.part = 0" \
 " WHERE c.hash = ?1 AND c.size = ?2 AND p.version = ?3"
#define OF_FILE(table, data)                                       \
 SELECT_DERIVED(table, data)                                       \
 " FROM file f JOIN content c ON c.id = f.content_id"              \
 " JOIN " table " p ON p.picture_id = c.picture_id AND p.part = 0" \
 " WHERE f.path = ?1 AND f.size = ?2"                              \
 " AND f.mtime_ns = ?3 AND f.inode = ?4 AND p.version = ?5"
#define UPSERT(table, data)                                                       \
 "INSERT OR REPLACE INTO " table " (picture_id, part, version, " data ", sum)"    \
 " SELECT picture_id, 0, ?3, ?4, glimpse_sum(picture_id, 0, ?3, ?4) FROM content" \
 " WHERE hash = ?1 AND size = ?2"

static const struct {
    const char *of_content, *of_file, *write;
} kinds[] = {
    [GLIMPSE_DERIVED_FINGERPRINT] = {OF_CONTENT("fingerprint", "data"),
                                     OF_FILE("fingerprint", "data"), UPSERT("fingerprint", "data")},
    [GLIMPSE_DERIVED_THUMBNAIL] = {OF_CONTENT("thumbnail", "pixels"),
                                   OF_FILE("thumbnail", "pixels"), UPSERT("thumbnail", "pixels")},
};

static int load_row(glimpse_db *db, sqlite3_stmt *row, glimpse_derived_fn visit, void *user) {
    glimpse_derived_item item;
    int status = glimpse_db_step(db, row);
    if (status <= 0) return status;
    if (!glimpse_column_hash(&item.hash, row, 0) || !sqlite3_column_int(row, 3)) return 0;
    (void)glimpse_column_hash(&item.id, row, 4);
    item.size = (uint64_t)sqlite3_column_int64(row, 1);
    item.data = sqlite3_column_blob(row, 2);
    item.data_size = (size_t)sqlite3_column_bytes(row, 2);
    return visit(user, &item);
}

int glimpse_derived_of_file(glimpse_store *store, glimpse_derived kind, int version,
                            const char *path, const glimpse_file_stamp *stamp,
                            glimpse_derived_fn visit, void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status =
        glimpse_db_query(db, &row, kinds[kind].of_file, "piiii", path, (int64_t)stamp->size,
                         stamp->mtime_ns, (int64_t)stamp->inode, (int64_t)version);
    if (status == GLIMPSE_OK) status = load_row(db, row, visit, user);
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_derived_of_content(glimpse_store *store, glimpse_derived kind, int version,
                               const glimpse_hash *hash, uint64_t size, glimpse_derived_fn visit,
                               void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status =
        glimpse_db_query(db, &row, kinds[kind].of_content, "bii", (const void *)hash->bytes,
                         sizeof hash->bytes, (int64_t)size, (int64_t)version);
    if (status == GLIMPSE_OK) status = load_row(db, row, visit, user);
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_derived_write(glimpse_store *store, glimpse_derived kind, int version,
                          const glimpse_derived_item *items, size_t count) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        status = glimpse_db_run(db, kinds[kind].write, "biib", (const void *)items[i].hash.bytes,
                                sizeof items[i].hash.bytes, (int64_t)items[i].size,
                                (int64_t)version, items[i].data, items[i].data_size);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (status < 0) glimpse_db_rollback(db);
    glimpse_db_leave(db);
    return status;
}
