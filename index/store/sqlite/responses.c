/*
 * responses.c - answers of vision-language models, in a catalogue or in a database of their own.
 *
 * A connection of its own in either case: an answer is committed by itself, and must not wait for,
 * or be rolled back with, the batches of an index run in the same process. The writers' lock of a
 * library is not taken: it keeps vector files and catalogue together, and answers have no part in
 * those.
 *
 * A row that does not match its checksum counts as not there (verify reports it): the question is
 * asked again and the row replaced.
 */
#include "responses.h"

#include "core/error.h"
#include "schema.h"
#include "sqlite_store.h"
#include "upgrade.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "glaw", in the header of a database that holds only answers. */
#define RESPONSES_APPLICATION_ID 0x676c6177

struct glimpse_responses {
    glimpse_db *db;
    int in_library;
};

int glimpse_responses_find(char **answer, glimpse_responses *responses, const glimpse_hash *key) {
    sqlite3_stmt *row = NULL;
    *answer = NULL;
    glimpse_db_enter(responses->db);
    int status = glimpse_db_query(responses->db, &row,
                                  "SELECT answer, sum = " GLIMPSE_VLM_ANSWER_SUM
                                  " FROM vlm_answer WHERE key = ?1",
                                  "b", (const void *)key->bytes, sizeof key->bytes);
    if (status == GLIMPSE_OK) status = glimpse_db_step(responses->db, row);
    if (status > 0) {
        status = GLIMPSE_OK;
        if (sqlite3_column_int(row, 1)) {
            *answer = strdup(glimpse_column_text(row, 0));
            if (!*answer) status = glimpse_fail_nomem(4096, "an answer");
        }
    }
    glimpse_db_reset(row);
    glimpse_db_leave(responses->db);
    return status;
}

static int write_row(glimpse_db *db, const glimpse_response *response) {
    int status = glimpse_db_begin(db);
    if (status < 0) return status;
    status = glimpse_db_run(
        db,
        "INSERT INTO vlm_answer (key, contents, model, prompt, parameters, answer, made, sum)"
        " SELECT key, contents, model, prompt, parameters, answer, made, " GLIMPSE_VLM_ANSWER_SUM
        " FROM (SELECT ?1 AS key, ?2 AS contents, ?3 AS model, ?4 AS prompt, ?5 AS parameters,"
        " ?6 AS answer, ?7 AS made) WHERE true"
        " ON CONFLICT (key) DO UPDATE SET answer = excluded.answer, made = excluded.made,"
        " contents = excluded.contents, model = excluded.model, prompt = excluded.prompt,"
        " parameters = excluded.parameters, sum = excluded.sum",
        "bbttttt", (const void *)response->key.bytes, sizeof response->key.bytes,
        (const void *)response->contents, strlen(response->contents), response->model,
        response->prompt, response->parameters, response->answer, response->made);
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (status < 0) glimpse_db_rollback(db);
    return status;
}

int glimpse_responses_write(glimpse_responses *responses, const glimpse_response *response) {
    glimpse_db_enter(responses->db);
    int status = write_row(responses->db, response);
    glimpse_db_leave(responses->db);
    return status;
}

/*
 * Opening.
 */
static int make(glimpse_responses **out, glimpse_db *db) {
    *out = calloc(1, sizeof **out);
    if (!*out) {
        glimpse_db_close(db);
        return glimpse_fail_nomem(sizeof **out, "answers");
    }
    (*out)->db = db;
    return GLIMPSE_OK;
}

int glimpse_responses_open_store(glimpse_responses **out, const glimpse_store *store) {
    glimpse_db *db = NULL;
    *out = NULL;
    int status = glimpse_db_open(&db, glimpse_db_path(glimpse_store_db(store)),
                                 store->read_only ? GLIMPSE_DB_READ_ONLY : 0);
    if (status == GLIMPSE_OK) status = make(out, db);
    if (status == GLIMPSE_OK) (*out)->in_library = 1;
    return status;
}

/* Makes or checks the tables of a database of its own. */
static int prepare(glimpse_db *db) {
    static const char *const steps[] = {GLIMPSE_VLM_ANSWER_TABLE, GLIMPSE_UNINDEXED_TABLE};
    enum { STEP_COUNT = sizeof steps / sizeof *steps };
    int64_t id = 0, tables = 0, version = 0;
    int status = glimpse_db_integer(db, &id, "PRAGMA application_id", "");
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(db, &tables, "SELECT count(*) FROM sqlite_schema", "");
    }
    if (status == GLIMPSE_OK) status = glimpse_db_integer(db, &version, "PRAGMA user_version", "");
    if (status < 0) return status;
    if (id != RESPONSES_APPLICATION_ID && (id != 0 || tables != 0)) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: a database, but not one of answers; move it away or choose "
                            "another path",
                            glimpse_db_path(db));
    }
    if (version > STEP_COUNT) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: written by a newer glimpse",
                            glimpse_db_path(db));
    }
    if (id == RESPONSES_APPLICATION_ID && version == STEP_COUNT) return GLIMPSE_OK;
    char sql[128];
    (void)sqlite3_snprintf((int)sizeof sql, sql,
                           "PRAGMA journal_mode = WAL; PRAGMA application_id = %d;",
                           RESPONSES_APPLICATION_ID);
    status = glimpse_db_script(db, sql);
    return status < 0 ? status : glimpse_upgrade_migrate(db, steps, STEP_COUNT);
}

int glimpse_responses_open(glimpse_responses **out, const char *path) {
    *out = NULL;
    /* What pictures show is nobody else's business: made for the owner alone. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return glimpse_fail_errno("%s: cannot open", path);
    (void)close(fd);
    glimpse_db *db = NULL;
    int status = glimpse_db_open(&db, path, GLIMPSE_DB_CREATE);
    if (status == GLIMPSE_OK) status = prepare(db);
    if (status < 0) {
        glimpse_db_close(db);
        return status;
    }
    return make(out, db);
}

void glimpse_responses_close(glimpse_responses *responses) {
    if (!responses) return;
    glimpse_db_close(responses->db);
    free(responses);
}

int glimpse_responses_is_read_only(const glimpse_responses *responses) {
    return glimpse_db_read_only(responses->db);
}

int glimpse_responses_picture_id(glimpse_hash *id, glimpse_responses *responses,
                                 const glimpse_hash *identity) {
    int known = 0;
    const glimpse_hash hash = *id;
    glimpse_db_enter(responses->db);
    int status = glimpse_picture_id(
        id, &known, responses->db,
        responses->in_library ? GLIMPSE_ID_UNINDEXED_FIRST : GLIMPSE_ID_UNINDEXED, &hash, identity);
    /* Before the answer is paid for, so that it is never kept under an id that nobody finds. Where
     * this cannot be written, neither can the answer, which says so. */
    if (status == GLIMPSE_OK && !known && identity && !glimpse_db_read_only(responses->db)) {
        const glimpse_kept_error before = glimpse_error_keep();
        if (glimpse_picture_keep_id(responses->db, &hash, identity) < 0) {
            glimpse_error_restore(&before);
        }
    }
    glimpse_db_leave(responses->db);
    return status;
}

int glimpse_responses_count(int64_t *count, glimpse_responses *responses) {
    glimpse_db_enter(responses->db);
    int status = glimpse_db_integer(responses->db, count, "SELECT count(*) FROM vlm_answer", "");
    glimpse_db_leave(responses->db);
    return status;
}

int glimpse_responses_forget(int64_t *forgotten, glimpse_responses *responses, const char *model) {
    glimpse_db *db = responses->db;
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_db_run(db, "DELETE FROM vlm_answer WHERE ?1 IS NULL OR model = ?1", "t", model);
        if (status == GLIMPSE_OK) *forgotten = glimpse_db_changes(db);
        if (status == GLIMPSE_OK && !responses->in_library) { /* there decisions have their part */
            status = glimpse_db_run(
                db, "DELETE FROM unindexed WHERE NOT EXISTS (SELECT 1 FROM vlm_answer)", "");
        }
        if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
        if (status < 0) glimpse_db_rollback(db);
    }
    glimpse_db_leave(db);
    return status;
}
