/*
 * answers.c - see <glimpse/response_cache.h>.
 *
 * A connection of its own, also for a library's catalogue: an answer is committed by itself, and
 * must not wait for, or be rolled back with, the batches of an index run in the same process. The
 * writers' lock of a library is not taken: it keeps vector files and catalogue together, and
 * answers have no part in those.
 *
 * A row that does not match its checksum counts as not there (glimpse verify reports it): the
 * question is asked again and the row replaced.
 */
#include <glimpse/response_cache.h>

#include "catalog_private.h"
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "library_private.h"
#include "schema.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* "glaw", in the header of a database that holds only answers. */
#define ANSWERS_APPLICATION_ID 0x676c6177

struct glimpse_response_cache {
    glimpse_db *db;
    glimpse_vlm_cache cache;
};

/*
 * An answer as JSON text, so that what answers carry may grow without a change of the tables.
 */
static json_t *to_json(const glimpse_vlm_answer *answer) {
    json_t *ids = json_array();
    for (size_t i = 0; i < answer->id_count; i++) {
        if (json_array_append_new(ids, json_integer(answer->ids[i])) != 0) {
            json_decref(ids);
            return NULL;
        }
    }
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:s, s:f, s:f, s:I, s:I, s:b, s:f, s:f, s:f, s:i, s:i, s:I, s:o}",
        "outcome", (int)answer->outcome, "text", answer->text, "answered_by", answer->answered_by,
        "reason", answer->reason, "probability", answer->probability, "confidence",
        answer->confidence, "tokens_in", (json_int_t)answer->tokens_in, "tokens_out",
        (json_int_t)answer->tokens_out, "tokens_known", answer->tokens_known, "cost", answer->cost,
        "log_probability", answer->log_probability, "cosine", answer->cosine, "sent_width",
        (int)answer->sent_width, "sent_height", (int)answer->sent_height, "sent_bytes",
        (json_int_t)answer->sent_bytes, "ids", ids);
    if (root && answer->json && json_object_set_new(root, "json", json_string(answer->json)) != 0) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static double number(const json_t *root, const char *name) {
    return json_number_value(json_object_get(root, name));
}

static uint64_t count(const json_t *root, const char *name) {
    json_int_t value = json_integer_value(json_object_get(root, name));
    return value > 0 ? (uint64_t)value : 0;
}

static const char *text(const json_t *root, const char *name) {
    const char *value = json_string_value(json_object_get(root, name));
    return value ? value : "";
}

static int from_json(glimpse_vlm_answer **out, const json_t *root, const char *model) {
    const json_t *list = json_object_get(root, "ids");
    size_t id_count = json_array_size(list);
    int32_t *ids = calloc(id_count + 1, sizeof *ids);
    if (!ids) return glimpse_fail_nomem(id_count * sizeof *ids, "an answer");
    for (size_t i = 0; i < id_count; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    glimpse_vlm_answer answer = {
        .size = sizeof answer,
        .outcome = (glimpse_vlm_outcome)json_integer_value(json_object_get(root, "outcome")),
        .text = text(root, "text"),
        .json = json_string_value(json_object_get(root, "json")),
        .answered_by = text(root, "answered_by"),
        .reason = text(root, "reason"),
        .model = model,
        .probability = number(root, "probability"),
        .confidence = number(root, "confidence"),
        .agreement = -1.0,
        .samples = 1,
        .tokens_in = count(root, "tokens_in"),
        .tokens_out = count(root, "tokens_out"),
        .tokens_known = json_is_true(json_object_get(root, "tokens_known")),
        .cost = number(root, "cost"),
        .log_probability = number(root, "log_probability"),
        .cosine = number(root, "cosine"),
        .sent_width = (uint32_t)count(root, "sent_width"),
        .sent_height = (uint32_t)count(root, "sent_height"),
        .sent_bytes = count(root, "sent_bytes"),
        .ids = ids,
        .id_count = id_count,
    };
    int status = GLIMPSE_OK;
    if ((unsigned)answer.outcome > GLIMPSE_VLM_CANNOT_TELL) {
        status = 0; /* of a newer glimpse: not for us */
        *out = NULL;
    } else {
        status = glimpse_vlm_answer_copy(out, &answer);
        if (status == GLIMPSE_OK) status = 1;
    }
    free(ids);
    return status;
}

/*
 * The cache.
 */
static int find(void *user, glimpse_vlm_answer **out, const glimpse_vlm_question *question) {
    glimpse_response_cache *answers = user;
    glimpse_hash key;
    sqlite3_stmt *row = NULL;
    *out = NULL;
    if (!glimpse_hash_from_hex(&key, question->key)) return 0;
    glimpse_db_enter(answers->db);
    int status = glimpse_db_query(answers->db, &row,
                                  "SELECT answer, sum = " GLIMPSE_VLM_ANSWER_SUM
                                  " FROM vlm_answer WHERE key = ?1",
                                  "b", (const void *)key.bytes, sizeof key.bytes);
    int found = status == GLIMPSE_OK ? glimpse_db_step(answers->db, row) : status;
    if (found > 0) {
        found = 0;
        const char *stored = (const char *)sqlite3_column_text(row, 0);
        json_t *root = stored && sqlite3_column_int(row, 1)
                           ? json_loadb(stored, (size_t)sqlite3_column_bytes(row, 0), 0, NULL)
                           : NULL;
        if (root) found = from_json(out, root, question->model);
        json_decref(root);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(answers->db);
    return found;
}

static int write_row(glimpse_response_cache *answers, const glimpse_hash *key,
                     const glimpse_vlm_question *question, const char *answer) {
    time_t now = time(NULL);
    struct tm utc;
    char made[32] = "1970-01-01T00:00:00";
    if (gmtime_r(&now, &utc)) (void)strftime(made, sizeof made, "%Y-%m-%dT%H:%M:%S", &utc);
    int status = glimpse_db_begin(answers->db);
    if (status < 0) return status;
    status = glimpse_db_run(
        answers->db,
        "INSERT INTO vlm_answer (key, contents, model, prompt, parameters, answer, made, sum)"
        " SELECT key, contents, model, prompt, parameters, answer, made, " GLIMPSE_VLM_ANSWER_SUM
        " FROM (SELECT ?1 AS key, ?2 AS contents, ?3 AS model, ?4 AS prompt, ?5 AS parameters,"
        " ?6 AS answer, ?7 AS made) WHERE true"
        " ON CONFLICT (key) DO UPDATE SET answer = excluded.answer, made = excluded.made,"
        " contents = excluded.contents, model = excluded.model, prompt = excluded.prompt,"
        " parameters = excluded.parameters, sum = excluded.sum",
        "bbttttt", (const void *)key->bytes, sizeof key->bytes, (const void *)question->contents,
        strlen(question->contents), question->model, question->prompt, question->parameters, answer,
        made);
    if (status == GLIMPSE_OK) status = glimpse_db_commit(answers->db);
    if (status < 0) glimpse_db_rollback(answers->db);
    return status;
}

static int keep(void *user, const glimpse_vlm_question *question,
                const glimpse_vlm_answer *answer) {
    glimpse_response_cache *answers = user;
    glimpse_hash key;
    if (glimpse_db_read_only(answers->db)) return GLIMPSE_OK;
    if (!glimpse_hash_from_hex(&key, question->key)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "\"%.40s\" is no key of a question", question->key);
    }
    json_t *root = to_json(answer);
    char *stored = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!stored) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for an answer");
    glimpse_db_enter(answers->db);
    int status = write_row(answers, &key, question, stored);
    glimpse_db_leave(answers->db);
    free(stored);
    return status;
}

/*
 * Opening.
 */
static int make(glimpse_response_cache **out, glimpse_db *db) {
    glimpse_response_cache *answers = calloc(1, sizeof *answers);
    if (!answers) {
        glimpse_db_close(db);
        return glimpse_fail_nomem(sizeof *answers, "answers");
    }
    answers->db = db;
    answers->cache = GLIMPSE_VLM_CACHE_INIT;
    answers->cache.find = find;
    answers->cache.keep = keep;
    answers->cache.user = answers;
    *out = answers;
    return GLIMPSE_OK;
}

int glimpse_response_cache_open_library(glimpse_response_cache **out, glimpse_library *library) {
    if (out) *out = NULL;
    if (!out || !library) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    glimpse_db *of = glimpse_library_catalog(library)->db, *db = NULL;
    int status = glimpse_db_open(&db, glimpse_db_path(of),
                                 glimpse_db_read_only(of) ? GLIMPSE_DB_READ_ONLY : 0);
    return status < 0 ? status : make(out, db);
}

/* Makes or checks the tables of a database of its own. */
static int prepare(glimpse_db *db) {
    static const char *const steps[] = {GLIMPSE_VLM_ANSWER_TABLE};
    int64_t id = 0, tables = 0, version = 0;
    int status = glimpse_db_integer(db, &id, "PRAGMA application_id", "");
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(db, &tables, "SELECT count(*) FROM sqlite_schema", "");
    }
    if (status == GLIMPSE_OK) status = glimpse_db_integer(db, &version, "PRAGMA user_version", "");
    if (status < 0) return status;
    if (id != ANSWERS_APPLICATION_ID && (id != 0 || tables != 0)) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: a database, but not one of answers; move it away or choose "
                            "another path",
                            glimpse_db_path(db));
    }
    if (version > 1) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: written by a newer glimpse",
                            glimpse_db_path(db));
    }
    if (id == ANSWERS_APPLICATION_ID && version == 1) return GLIMPSE_OK;
    char sql[128];
    (void)sqlite3_snprintf((int)sizeof sql, sql,
                           "PRAGMA journal_mode = WAL; PRAGMA application_id = %d;",
                           ANSWERS_APPLICATION_ID);
    status = glimpse_db_script(db, sql);
    return status < 0 ? status : glimpse_schema_migrate(db, steps, 1);
}

static int open_at(glimpse_response_cache **out, const char *path) {
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

int glimpse_response_cache_open(glimpse_response_cache **out, const char *path) {
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "nowhere to put the answers");
    *out = NULL;
    if (path) return open_at(out, path);
    char *folder = glimpse_user_cache_folder();
    if (!folder) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "no place for answers: neither XDG_CACHE_HOME nor HOME is set");
    }
    int status = glimpse_make_folders(folder);
    char *file = status == GLIMPSE_OK ? glimpse_path_join(folder, "answers.db") : NULL;
    if (status == GLIMPSE_OK) {
        status = file ? open_at(out, file) : glimpse_fail_nomem(strlen(folder), "a path");
    }
    free(file);
    free(folder);
    return status;
}

void glimpse_response_cache_close(glimpse_response_cache *answers) {
    if (!answers) return;
    glimpse_db_close(answers->db);
    free(answers);
}

const glimpse_vlm_cache *glimpse_response_cache_calls(const glimpse_response_cache *answers) {
    return answers ? &answers->cache : NULL;
}

int glimpse_response_cache_count(int64_t *total, const glimpse_response_cache *answers) {
    if (!answers || !total) return glimpse_fail(GLIMPSE_E_INVALID, "no answers");
    glimpse_db_enter(answers->db);
    int status = glimpse_db_integer(answers->db, total, "SELECT count(*) FROM vlm_answer", "");
    glimpse_db_leave(answers->db);
    return status;
}

int glimpse_response_cache_forget(int64_t *forgotten, glimpse_response_cache *answers,
                                  const char *model) {
    if (!answers) return glimpse_fail(GLIMPSE_E_INVALID, "no answers");
    glimpse_db_enter(answers->db);
    int status = glimpse_db_begin(answers->db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(
            answers->db, "DELETE FROM vlm_answer WHERE ?1 IS NULL OR model = ?1", "t", model);
        if (status == GLIMPSE_OK && forgotten) *forgotten = glimpse_db_changes(answers->db);
        if (status == GLIMPSE_OK) status = glimpse_db_commit(answers->db);
        if (status < 0) glimpse_db_rollback(answers->db);
    }
    glimpse_db_leave(answers->db);
    return status;
}
