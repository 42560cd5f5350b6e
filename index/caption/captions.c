/*
 * captions.c - captions in the catalogue; glimpse/captions.h says what they mean.
 *
 * A text leaves the index before its row changes or goes, and enters it after: FTS5 finds what to
 * take out by the text it once took in.
 */
#include <glimpse/captions.h>

#include "catalog_private.h"
#include "core/error.h"
#include "core/options.h"
#include "dates.h"
#include "library_private.h"
#include "text/utf8.h"

#include <string.h>
#include <time.h>

enum { MOST_BYTES = 65536 };

const char *glimpse_caption_style_name(int style) {
    static const char *const names[GLIMPSE_CAPTION_STYLES] = {"short", "detailed", "keywords",
                                                              "alt"};
    return style >= 0 && style < GLIMPSE_CAPTION_STYLES ? names[style] : NULL;
}

/* One text of a caption: there, UTF-8, of a size that can be meant. */
static int check_text(const char *text, const char *what, int may_be_empty) {
    size_t length = text ? strlen(text) : 0;
    if (!text || (length == 0 && !may_be_empty)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a caption without a %s", what);
    }
    if (length > MOST_BYTES) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "the %s of a caption has %zu bytes; at most %d are "
                            "kept",
                            what, length, MOST_BYTES);
    }
    if (!glimpse_utf8_is_valid(text, length)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the %s of a caption is not UTF-8", what);
    }
    return GLIMPSE_OK;
}

static int check(const glimpse_caption *caption) {
    glimpse_hash hash;
    if (!caption->id || !glimpse_hash_from_hex(&hash, caption->id)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "'%.64s' is not a content id (32 hex digits)",
                            caption->id ? caption->id : "");
    }
    if (!glimpse_caption_style_name((int)caption->style)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "captions have no style %d", (int)caption->style);
    }
    int status = check_text(caption->model, "model", 0);
    if (status == GLIMPSE_OK) status = check_text(caption->prompt, "prompt", 1);
    if (status == GLIMPSE_OK) status = check_text(caption->text, "text", 0);
    return status;
}

static int put(glimpse_db *db, const glimpse_caption *caption, const char *created,
               size_t *stored) {
    glimpse_hash hash;
    int64_t content = 0;
    (void)glimpse_hash_from_hex(&hash, caption->id);
    int status =
        glimpse_db_integer(db, &content, "SELECT id FROM content WHERE hash = ?1 ORDER BY size",
                           "b", (const void *)hash.bytes, sizeof hash.bytes);
    if (status == GLIMPSE_E_NOT_FOUND) return GLIMPSE_OK;
    if (status < 0) return status;
    ++*stored;
    status = glimpse_db_run(
        db,
        "INSERT INTO caption_text (caption_text, rowid, text) SELECT 'delete', id, text"
        " FROM caption WHERE content_id = ?1 AND style = ?2 AND model = ?3 AND prompt = ?4",
        "iitt", content, (int64_t)caption->style, caption->model, caption->prompt);
    if (status < 0) return status;
    status =
        glimpse_db_run(db,
                       "INSERT INTO caption (content_id, style, model, prompt, text, created, sum)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, glimpse_sum(?1, ?2, ?3, ?4, ?5, ?6))"
                       " ON CONFLICT (content_id, style, model, prompt) DO UPDATE SET"
                       " text = excluded.text, created = excluded.created, sum = excluded.sum",
                       "iitttt", content, (int64_t)caption->style, caption->model, caption->prompt,
                       caption->text, created);
    if (status < 0) return status;
    return glimpse_db_run(db,
                          "INSERT INTO caption_text (rowid, text) SELECT id, text FROM caption"
                          " WHERE content_id = ?1 AND style = ?2 AND model = ?3 AND prompt = ?4",
                          "iitt", content, (int64_t)caption->style, caption->model,
                          caption->prompt);
}

int glimpse_library_store_captions(size_t *stored, glimpse_library *library,
                                   const glimpse_caption *captions, size_t count) {
    char created[GLIMPSE_DATE_BYTES];
    size_t counted = 0;
    if (stored) *stored = 0;
    if (!library || (count > 0 && !captions)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_library_store_captions: a NULL argument");
    }
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = check(&captions[i]);
    if (status < 0 || count == 0) return status;
    glimpse_date_of_mtime((int64_t)time(NULL) * 1000000000, created);
    glimpse_db *db = glimpse_library_catalog(library)->db;
    status = glimpse_library_lock(library, "captioning");
    if (status < 0) return status;
    glimpse_db_enter(db);
    status = glimpse_db_begin(db);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = put(db, &captions[i], created, &counted);
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    glimpse_db_rollback(db);
    glimpse_db_leave(db);
    glimpse_library_unlock(library);
    if (status == GLIMPSE_OK && stored) *stored = counted;
    return status;
}

/* The content a filter names, 0 for all. */
static int filtered_content(glimpse_db *db, const glimpse_caption_filter *filter,
                            int64_t *content) {
    *content = 0;
    if (!filter->path_or_id) return GLIMPSE_OK;
    int status = glimpse_catalog_content_of(db, filter->path_or_id, content);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_fail(status, "%s: not in the library", filter->path_or_id);
    }
    return status;
}

#define FILTERED                                             \
 "(?2 < 0 OR p.style = ?2) AND (?3 IS NULL OR p.model = ?3)" \
 " AND (?4 IS NULL OR p.prompt = ?4)"

#define SELECTED                                                                           \
 "SELECT c.hash, p.style, p.model, p.prompt, p.text, p.created,"                           \
 " p.sum = glimpse_sum(p.content_id, p.style, p.model, p.prompt, p.text, p.created), p.id" \
 " FROM caption p JOIN content c ON c.id = p.content_id WHERE " FILTERED
#define IN_ORDER " ORDER BY c.hash, c.size, p.style, p.created DESC, p.id DESC"

static const char *text_of(sqlite3_stmt *row, int column) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

static int visit_row(glimpse_db *db, sqlite3_stmt *row, glimpse_caption_fn visit, void *user) {
    glimpse_hash hash = {{0}};
    char hex[GLIMPSE_HASH_HEX];
    if (!sqlite3_column_int(row, 6)) {
        return glimpse_db_damaged(db, "caption %lld does not match its checksum",
                                  (long long)sqlite3_column_int64(row, 7));
    }
    if (sqlite3_column_bytes(row, 0) == GLIMPSE_HASH_BYTES) {
        memcpy(hash.bytes, sqlite3_column_blob(row, 0), GLIMPSE_HASH_BYTES);
    }
    glimpse_hash_to_hex(&hash, hex);
    glimpse_caption caption = {.id = hex,
                               .style = (glimpse_caption_style)sqlite3_column_int(row, 1),
                               .model = text_of(row, 2),
                               .prompt = text_of(row, 3),
                               .text = text_of(row, 4),
                               .created = text_of(row, 5)};
    return visit(user, &caption);
}

int glimpse_library_captions(glimpse_library *library, const glimpse_caption_filter *given,
                             glimpse_caption_fn visit, void *user) {
    glimpse_caption_filter own = GLIMPSE_CAPTION_FILTER_INIT, *const filter = &own;
    if (!library || !visit) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_caption_filter, prompt);
    if (status < 0) return status;
    glimpse_db *db = glimpse_library_catalog(library)->db;
    sqlite3_stmt *row = NULL;
    int64_t content = 0;
    glimpse_db_enter(db);
    status = glimpse_db_begin_read(db);
    if (status < 0) goto leave;
    status = filtered_content(db, filter, &content);
    if (status == GLIMPSE_OK) {
        /* Two statements: the one about a single picture must use the index. */
        status = glimpse_db_query(
            db, &row,
            content ? SELECTED " AND p.content_id = ?1" IN_ORDER : SELECTED " AND ?1 = 0" IN_ORDER,
            "iitt", content, (int64_t)filter->style, filter->model, filter->prompt);
    }
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0)
        status = visit_row(db, row, visit, user);
    glimpse_db_reset(row);
    glimpse_db_end_read(db);
leave:
    glimpse_db_leave(db);
    return status;
}

int glimpse_library_forget_captions(uint64_t *forgotten, glimpse_library *library,
                                    const glimpse_caption_filter *given) {
    glimpse_caption_filter own = GLIMPSE_CAPTION_FILTER_INIT, *const filter = &own;
    int64_t content = 0;
    uint64_t count = 0;
    if (forgotten) *forgotten = 0;
    if (!library) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_caption_filter, prompt);
    if (status < 0) return status;
    glimpse_db *db = glimpse_library_catalog(library)->db;
    status = glimpse_library_lock(library, "forgetting captions");
    if (status < 0) return status;
    glimpse_db_enter(db);
    status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) status = filtered_content(db, filter, &content);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_db_run(db,
                           "INSERT INTO caption_text (caption_text, rowid, text)"
                           " SELECT 'delete', id, text FROM caption p"
                           " WHERE (?1 = 0 OR p.content_id = ?1) AND " FILTERED,
                           "iitt", content, (int64_t)filter->style, filter->model, filter->prompt);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(
            db, "DELETE FROM caption AS p WHERE (?1 = 0 OR p.content_id = ?1) AND " FILTERED,
            "iitt", content, (int64_t)filter->style, filter->model, filter->prompt);
        count = (uint64_t)glimpse_db_changes(db);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    glimpse_db_rollback(db);
    glimpse_db_leave(db);
    glimpse_library_unlock(library);
    if (status == GLIMPSE_OK && forgotten) *forgotten = count;
    return status;
}
