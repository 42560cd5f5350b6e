/*
 * captions.c - captions in the catalogue.
 *
 * A text leaves the index before its row changes or goes, and enters it after: FTS5 finds what to
 * take out by the text it once took in.
 */
#include "captions_private.h"
#include "core/error.h"

#include <string.h>

static int write_caption(glimpse_db *db, const glimpse_caption *caption, const char *created,
                         size_t *stored) {
    glimpse_hash hash;
    int64_t picture = 0;
    (void)glimpse_hash_from_hex(&hash, caption->id);
    int status = glimpse_db_integer(db, &picture, GLIMPSE_PICTURE_OF_ID, "b",
                                    (const void *)hash.bytes, sizeof hash.bytes);
    if (status == GLIMPSE_E_NOT_FOUND) return GLIMPSE_OK;
    if (status < 0) return status;
    ++*stored;
    status = glimpse_db_run(
        db,
        "INSERT INTO caption_text (caption_text, rowid, text) SELECT 'delete', id, text"
        " FROM caption WHERE picture_id = ?1 AND part = 0 AND style = ?2 AND model = ?3"
        " AND prompt = ?4",
        "iitt", picture, (int64_t)caption->style, caption->model, caption->prompt);
    if (status < 0) return status;
    status = glimpse_db_run(db,
                            "INSERT INTO caption"
                            " (picture_id, part, style, model, prompt, text, created, sum)"
                            " VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6,"
                            "  glimpse_sum(?1, 0, ?2, ?3, ?4, ?5, ?6))"
                            " ON CONFLICT (picture_id, part, style, model, prompt) DO UPDATE SET"
                            " text = excluded.text, created = excluded.created, sum = excluded.sum",
                            "iitttt", picture, (int64_t)caption->style, caption->model,
                            caption->prompt, caption->text, created);
    if (status < 0) return status;
    return glimpse_db_run(db,
                          "INSERT INTO caption_text (rowid, text) SELECT id, text FROM caption"
                          " WHERE picture_id = ?1 AND part = 0 AND style = ?2 AND model = ?3"
                          " AND prompt = ?4",
                          "iitt", picture, (int64_t)caption->style, caption->model,
                          caption->prompt);
}

int glimpse_captions_insert(size_t *stored, glimpse_store *store, const glimpse_caption *captions,
                            size_t count, const char *created) {
    glimpse_db *db = glimpse_store_db(store);
    *stored = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = write_caption(db, &captions[i], created, stored);
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    glimpse_db_rollback(db);
    glimpse_db_leave(db);
    return status;
}

#define FILTERED                                             \
 "(?2 < 0 OR p.style = ?2) AND (?3 IS NULL OR p.model = ?3)" \
 " AND (?4 IS NULL OR p.prompt = ?4)"

#define SELECTED                                                                              \
 "SELECT c.hash, p.style, p.model, p.prompt, p.text, p.created,"                              \
 " p.sum = glimpse_sum(p.picture_id, p.part, p.style, p.model, p.prompt, p.text, p.created)," \
 " p.id FROM caption p JOIN picture c ON c.id = p.picture_id WHERE " FILTERED
#define IN_ORDER " ORDER BY c.hash, c.size, p.style, p.created DESC, p.id DESC"

static int visit_row(glimpse_db *db, sqlite3_stmt *row, glimpse_caption_fn visit, void *user) {
    glimpse_hash hash;
    char hex[GLIMPSE_HASH_HEX];
    if (!sqlite3_column_int(row, 6)) {
        return glimpse_db_damaged(db, "caption %lld does not match its checksum",
                                  (long long)sqlite3_column_int64(row, 7));
    }
    (void)glimpse_column_hash(&hash, row, 0);
    glimpse_hash_to_hex(&hash, hex);
    glimpse_caption caption = {.id = hex,
                               .style = (glimpse_caption_style)sqlite3_column_int(row, 1),
                               .model = glimpse_column_text(row, 2),
                               .prompt = glimpse_column_text(row, 3),
                               .text = glimpse_column_text(row, 4),
                               .created = glimpse_column_text(row, 5)};
    return visit(user, &caption);
}

int glimpse_captions_list(glimpse_store *store, const glimpse_store_caption_filter *filter,
                          glimpse_caption_fn visit, void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    /* Two statements: the one about a single picture must use the index. */
    int status = glimpse_db_query(db, &row,
                                  filter->content ? SELECTED " AND p.picture_id = ?1" IN_ORDER
                                                  : SELECTED " AND ?1 = 0" IN_ORDER,
                                  "iitt", filter->content, (int64_t)filter->style, filter->model,
                                  filter->prompt);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0)
        status = visit_row(db, row, visit, user);
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_captions_forget(uint64_t *forgotten, glimpse_store *store,
                            const glimpse_store_caption_filter *filter) {
    glimpse_db *db = glimpse_store_db(store);
    *forgotten = 0;
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db,
                                "INSERT INTO caption_text (caption_text, rowid, text)"
                                " SELECT 'delete', id, text FROM caption p"
                                " WHERE (?1 = 0 OR p.picture_id = ?1) AND " FILTERED,
                                "iitt", filter->content, (int64_t)filter->style, filter->model,
                                filter->prompt);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(
            db, "DELETE FROM caption AS p WHERE (?1 = 0 OR p.picture_id = ?1) AND " FILTERED,
            "iitt", filter->content, (int64_t)filter->style, filter->model, filter->prompt);
        *forgotten = (uint64_t)glimpse_db_changes(db);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    glimpse_db_rollback(db);
    glimpse_db_leave(db);
    return status;
}

int glimpse_captions_text(const char **text, glimpse_store *store, glimpse_strings *strings,
                          int64_t caption) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    *text = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row, "SELECT text FROM caption WHERE id = ?1", "i", caption);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        const char *found = glimpse_column_text(row, 0);
        *text = glimpse_strings_add(strings, found, strlen(found));
        status = *text ? GLIMPSE_OK : glimpse_fail_nomem(256, "a caption");
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}
