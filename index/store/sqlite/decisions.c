/*
 * decisions.c - decisions about duplicates in the catalogue. Members name pictures by id and not by
 * the catalogue's row, which comes and goes with the files.
 */
#include "core/error.h"
#include "duplicates.h"

#include <stdlib.h>

/* By its id, by other bytes of it, or by those that it was decided about before it was indexed. */
#define PICTURES_OF_MEMBER                                       \
 "SELECT id FROM picture WHERE hash = m.hash UNION ALL"          \
 " SELECT picture_id FROM content WHERE hash = m.hash UNION ALL" \
 " SELECT q.id FROM unindexed u JOIN picture q ON q.identity = u.identity WHERE u.hash = m.hash"

static int insert(glimpse_db *db, int kind, const char *made, const glimpse_hash *key,
                  const glimpse_decision_member *members, size_t count, int64_t *number) {
    int status = glimpse_db_run(db,
                                "DELETE FROM decision_member WHERE decision_id IN"
                                " (SELECT id FROM decision WHERE key = ?1)",
                                "b", (const void *)key->bytes, sizeof key->bytes);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db, "DELETE FROM decision WHERE key = ?1", "b",
                                (const void *)key->bytes, sizeof key->bytes);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(
            db, number, "INSERT INTO decision (kind, made, key) VALUES (?1, ?2, ?3) RETURNING id",
            "itb", (int64_t)kind, made, (const void *)key->bytes, sizeof key->bytes);
    }
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        status = glimpse_db_run(db,
                                "INSERT INTO decision_member (decision_id, hash, path, copies)"
                                " VALUES (?1, ?2, ?3, ?4)",
                                "ibpi", *number, (const void *)members[i].hash.bytes,
                                sizeof members[i].hash.bytes, members[i].path,
                                (int64_t)members[i].copies);
    }
    return status;
}

int glimpse_decisions_write_row(int64_t *number, glimpse_store *store, int kind, const char *made,
                                const glimpse_hash *key, const glimpse_decision_member *members,
                                size_t count) {
    glimpse_db *db = glimpse_store_db(store);
    *number = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) status = insert(db, kind, made, key, members, count, number);
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (status < 0) glimpse_db_rollback(db);
    glimpse_db_leave(db);
    return status;
}

int glimpse_decisions_forget_row(glimpse_store *store, int64_t number) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_db_run(db, "DELETE FROM decision_member WHERE decision_id = ?1", "i", number);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db, "DELETE FROM decision WHERE id = ?1", "i", number);
    }
    if (status == GLIMPSE_OK && glimpse_db_changes(db) == 0) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no decision %lld", (long long)number);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (status < 0) glimpse_db_rollback(db);
    glimpse_db_leave(db);
    return status;
}

int glimpse_decisions_list_rows(glimpse_store *store, glimpse_decision_entry_fn visit, void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "SELECT d.id, d.kind, d.made, m.hash, coalesce((SELECT f.path FROM file f"
        " WHERE f.picture_id IN (" PICTURES_OF_MEMBER ") AND f.missing = 0"
        " ORDER BY f.path LIMIT 1), m.path), m.copies"
        " FROM decision d JOIN decision_member m ON m.decision_id = d.id ORDER BY d.id, m.hash",
        "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        char *path = glimpse_column_path(row, 4);
        glimpse_decision_entry entry = {
            .number = sqlite3_column_int64(row, 0),
            .kind = sqlite3_column_int(row, 1),
            .made = glimpse_column_text(row, 2),
            .member = {.path = path, .copies = sqlite3_column_int(row, 5)}};
        (void)glimpse_column_hash(&entry.member.hash, row, 3);
        status = path ? visit(user, &entry) : glimpse_fail_nomem(256, "a path");
        free(path);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_decisions_list_contents(glimpse_store *store, glimpse_decision_content_fn visit,
                                    void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "WITH about (hash, picture) AS (SELECT m.hash, p.id FROM"
        "  (SELECT DISTINCT hash FROM decision_member) m JOIN picture p"
        "  ON p.id IN (" PICTURES_OF_MEMBER "))"
        " SELECT a.hash, c.hash FROM about a JOIN content c ON c.picture_id = a.picture"
        "  WHERE c.hash <> a.hash UNION"
        " SELECT a.hash, p.hash FROM about a JOIN picture p ON p.id = a.picture"
        "  WHERE p.hash <> a.hash",
        "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        glimpse_hash member, bytes;
        (void)glimpse_column_hash(&member, row, 0);
        (void)glimpse_column_hash(&bytes, row, 1);
        status = visit(user, &member, &bytes);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}
