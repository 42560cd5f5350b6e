/*
 * actions_journal.c - the journal: which file of which run is where, in SQLite.
 *
 * A database of its own and not a table of a library: duplicates are looked for in folders that no
 * library knows, and a library that is thrown away must not take with it what is needed to put
 * files back.
 */
#include "actions_internal.h"
#include "catalog_private.h"
#include "core/error.h"
#include "core/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL_ID 0x676c6961 /* "glia" */
enum { JOURNAL_VERSION = 2 };

static const char tables[] = "CREATE TABLE run ("
                             "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                             "  kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 6),"
                             "  started TEXT NOT NULL"
                             ") STRICT;"
                             "CREATE TABLE step ("
                             "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                             "  run_id INTEGER NOT NULL REFERENCES run (id),"
                             "  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 7),"
                             "  path BLOB NOT NULL,"
                             "  other BLOB NOT NULL,"
                             "  keeper BLOB NOT NULL,"
                             "  info BLOB NOT NULL,"
                             "  crossing INTEGER NOT NULL,"
                             "  hash TEXT NOT NULL CHECK (length(hash) = 32),"
                             "  size INTEGER NOT NULL,"
                             "  mtime_ns INTEGER NOT NULL,"
                             "  mode INTEGER NOT NULL,"
                             "  inode INTEGER NOT NULL,"
                             "  new_inode INTEGER NOT NULL,"
                             "  new_mtime_ns INTEGER NOT NULL"
                             ") STRICT;"
                             "CREATE INDEX step_run ON step (run_id, state);"
                             "CREATE INDEX step_in_doubt ON step (state) WHERE state IN (1, 3, 6);";

/* 1 -> 2: folders that runs made, to be removed again when nothing is in them. */
static const char folders_table[] = "CREATE TABLE made ("
                                    "  path BLOB NOT NULL PRIMARY KEY,"
                                    "  run_id INTEGER NOT NULL REFERENCES run (id)"
                                    ") STRICT, WITHOUT ROWID;";

static int make_tables(glimpse_db *db) {
    int status = glimpse_db_begin(db);
    if (status < 0) return status;
    int64_t version = 0;
    status = glimpse_db_integer(db, &version, "PRAGMA user_version", "");
    if (status == GLIMPSE_OK && version == 0) status = glimpse_db_script(db, tables);
    if (status == GLIMPSE_OK && version < 2) status = glimpse_db_script(db, folders_table);
    if (status == GLIMPSE_OK && version < JOURNAL_VERSION) {
        char sql[96];
        (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                       JOURNAL_ID, JOURNAL_VERSION);
        status = glimpse_db_script(db, sql);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    if (status < 0) glimpse_db_rollback(db);
    return status;
}

int glimpse_journal_open(glimpse_actions *actions) {
    char *path = glimpse_path_join(actions->folder, "actions.db");
    if (!path) return glimpse_fail_nomem(strlen(actions->folder), "a path");
    int64_t id = 0, version = 0;
    int status = glimpse_db_open(&actions->db, path, GLIMPSE_DB_CREATE);
    if (status < 0) goto done;
    status = glimpse_db_integer(actions->db, &version, "PRAGMA user_version", "");
    if (status == GLIMPSE_OK && version == 0) {
        status = glimpse_db_script(actions->db, "PRAGMA journal_mode = WAL;");
        if (status == GLIMPSE_OK) status = make_tables(actions->db);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(actions->db, &id, "PRAGMA application_id", "");
    }
    if (status == GLIMPSE_OK && id == JOURNAL_ID && version > 0 && version < JOURNAL_VERSION)
        status = make_tables(actions->db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(actions->db, &version, "PRAGMA user_version", "");
    }
    if (status < 0) goto done;
    status = glimpse_db_script(actions->db,
                               "SELECT id, run_id, state, path, other, keeper, info, crossing,"
                               " hash, size, mtime_ns, mode, inode, new_inode, new_mtime_ns"
                               " FROM step LIMIT 0; SELECT id, kind, started FROM run LIMIT 0;");
    if (status < 0) goto done;
    if (id != JOURNAL_ID) {
        status = glimpse_fail(GLIMPSE_E_CORRUPT, "%s: not a journal of glimpse", path);
    } else if (version > JOURNAL_VERSION) {
        status = glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: written by a newer glimpse", path);
    }
done:
    if (status == GLIMPSE_E_CORRUPT || status == GLIMPSE_E_INTERNAL) {
        status = glimpse_fail(GLIMPSE_E_CORRUPT,
                              "%s: the journal of actions is damaged or not ours; nothing was "
                              "changed (files it knows of are in %s/held, among other places)",
                              path, actions->folder);
    }
    free(path);
    return status;
}

int glimpse_journal_begin_run(glimpse_actions *actions, glimpse_action_kind kind, int64_t *run) {
    time_t now = time(NULL);
    struct tm utc;
    char started[32] = "1970-01-01T00:00:00";
    if (gmtime_r(&now, &utc)) (void)strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%S", &utc);
    return glimpse_db_integer(actions->db, run,
                              "INSERT INTO run (kind, started) VALUES (?1, ?2) RETURNING id", "it",
                              (int64_t)kind, started);
}

int glimpse_journal_note_folders(const glimpse_actions *actions, int64_t run, const char *folder) {
    int status = GLIMPSE_OK;
    struct stat info;
    char *path = strdup(folder);
    if (!path) return glimpse_fail_nomem(strlen(folder), "a path");
    while (status == GLIMPSE_OK && *path && lstat(path, &info) != 0) {
        /* A folder that went and is made anew belongs to the later run. */
        status = glimpse_db_run(actions->db,
                                "INSERT OR REPLACE INTO made (path, run_id) VALUES (?1, ?2)", "pi",
                                path, run);
        char *slash = strrchr(path, '/');
        *(slash ? slash : path) = '\0';
    }
    free(path);
    return status;
}

int glimpse_journal_tidy(glimpse_actions *actions) {
    sqlite3_stmt *row = NULL;
    char *gone = NULL;
    int status;
    do { /* one after the other, the innermost first; what stays is not looked at again */
        free(gone);
        gone = NULL;
        status = glimpse_db_query(actions->db, &row,
                                  "SELECT path FROM made WHERE NOT EXISTS (SELECT 1 FROM step"
                                  " WHERE step.run_id = made.run_id AND step.state IN (1, 2, 3, 6))"
                                  " ORDER BY length(path) DESC, path LIMIT 1",
                                  "");
        if (status == GLIMPSE_OK && (status = glimpse_db_step(actions->db, row)) > 0)
            gone = glimpse_column_path(row, 0);
        glimpse_db_reset(row);
        if (status <= 0) break;
        if (!gone) return glimpse_fail_nomem(256, "a path");
        (void)rmdir(gone); /* in use by somebody else, perhaps: then it is theirs */
        status = glimpse_db_run(actions->db, "DELETE FROM made WHERE path = ?1", "p", gone);
    } while (status == GLIMPSE_OK);
    free(gone);
    return status < 0 ? status : GLIMPSE_OK;
}

int glimpse_journal_add(glimpse_actions *actions, action_step *step) {
    step->state = STEP_DOING;
    return glimpse_db_integer(
        actions->db, &step->id,
        "INSERT INTO step (run_id, state, path, other, keeper, info, crossing, hash, size,"
        " mtime_ns, inode, mode, new_inode, new_mtime_ns)"
        " VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0) RETURNING id",
        "ippppitiiii", step->run, step->path, step->other, step->keeper, step->info,
        (int64_t)step->crossing, step->hash, (int64_t)step->size, step->mtime_ns,
        (int64_t)step->inode, (int64_t)step->mode);
}

int glimpse_journal_set_new(glimpse_actions *actions, const action_step *step) {
    return glimpse_db_run(actions->db,
                          "UPDATE step SET new_inode = ?2, new_mtime_ns = ?3 WHERE id = ?1", "iii",
                          step->id, (int64_t)step->new_inode, step->new_mtime_ns);
}

int glimpse_journal_set_state(glimpse_actions *actions, action_step *step, step_state state) {
    int status = glimpse_db_run(actions->db, "UPDATE step SET state = ?2 WHERE id = ?1", "ii",
                                step->id, (int64_t)state);
    if (status == GLIMPSE_OK) step->state = state;
    return status;
}

static char *column_bytes(sqlite3_stmt *row, int column) {
    const void *bytes = sqlite3_column_blob(row, column);
    size_t size = (size_t)sqlite3_column_bytes(row, column);
    char *copy = malloc(size + 1);
    if (!copy) return NULL;
    if (size > 0) memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

static int read_step(action_step *step, sqlite3_stmt *row) {
    step->id = sqlite3_column_int64(row, 0);
    step->run = sqlite3_column_int64(row, 1);
    step->kind = (glimpse_action_kind)sqlite3_column_int(row, 2);
    step->state = (step_state)sqlite3_column_int(row, 3);
    step->path = column_bytes(row, 4);
    step->other = column_bytes(row, 5);
    step->keeper = column_bytes(row, 6);
    step->info = column_bytes(row, 7);
    step->crossing = sqlite3_column_int(row, 8);
    const unsigned char *hash = sqlite3_column_text(row, 9);
    (void)snprintf(step->hash, sizeof step->hash, "%s", hash ? (const char *)hash : "");
    step->size = (uint64_t)sqlite3_column_int64(row, 10);
    step->mtime_ns = sqlite3_column_int64(row, 11);
    step->inode = (uint64_t)sqlite3_column_int64(row, 12);
    step->new_inode = (uint64_t)sqlite3_column_int64(row, 13);
    step->new_mtime_ns = sqlite3_column_int64(row, 14);
    step->mode = (unsigned)sqlite3_column_int64(row, 15) & 07777;
    return step->path && step->other && step->keeper && step->info
               ? GLIMPSE_OK
               : glimpse_fail_nomem(4096, "a step of the journal");
}

int glimpse_journal_load(glimpse_actions *actions, action_steps *out, int64_t run,
                         unsigned states) {
    *out = (action_steps){0};
    sqlite3_stmt *row = NULL;
    size_t room = 0;
    int status = glimpse_db_query(
        actions->db, &row,
        "SELECT step.id, run_id, kind, state, path, other, keeper, info, crossing, hash, size,"
        " mtime_ns, inode, new_inode, new_mtime_ns, mode FROM step JOIN run ON run.id = run_id"
        " WHERE (?1 = 0 OR run_id = ?1) AND (?2 >> state) & 1 ORDER BY step.id DESC",
        "ii", run, (int64_t)states);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(actions->db, row)) > 0) {
        status = GLIMPSE_OK;
        if (out->count == room) {
            room = room ? 2 * room : 64;
            action_step *items = realloc(out->items, room * sizeof *items);
            if (!items) {
                status = glimpse_fail_nomem(room * sizeof *items, "steps of the journal");
                break;
            }
            out->items = items;
        }
        out->items[out->count] = (action_step){0};
        status = read_step(&out->items[out->count++], row);
    }
    glimpse_db_reset(row);
    if (status < 0) glimpse_steps_free(out);
    return status;
}

void glimpse_steps_free(action_steps *steps) {
    for (size_t i = 0; i < steps->count; i++) {
        free(steps->items[i].path);
        free(steps->items[i].other);
        free(steps->items[i].keeper);
        free(steps->items[i].info);
    }
    free(steps->items);
    *steps = (action_steps){0};
}

int glimpse_journal_latest(glimpse_actions *actions, int64_t *run) {
    return glimpse_db_integer(actions->db, run,
                              "SELECT run_id FROM step WHERE state = 2"
                              " ORDER BY run_id DESC LIMIT 1",
                              "");
}

int glimpse_actions_runs(glimpse_actions *actions,
                         int (*visit)(void *user, const glimpse_action_run *run), void *user) {
    if (!actions || !visit) return glimpse_fail(GLIMPSE_E_INVALID, "no journal or no visitor");
    sqlite3_stmt *row = NULL;
    int status =
        glimpse_db_query(actions->db, &row,
                         "SELECT run.id, started, kind, count(*) FILTER (WHERE state = 2),"
                         " count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE state = 7),"
                         " coalesce(sum(size) FILTER (WHERE state = 2 AND kind >= 3), 0)"
                         " FROM run LEFT JOIN step ON run_id = run.id GROUP BY run.id HAVING "
                         "count(*) FILTER (WHERE state IN (2, 4, 7)) > 0 ORDER BY run.id",
                         "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(actions->db, row)) > 0) {
        const unsigned char *started = sqlite3_column_text(row, 1);
        glimpse_action_run run = {
            .run = sqlite3_column_int64(row, 0),
            .started = started ? (const char *)started : "",
            .kind = (glimpse_action_kind)sqlite3_column_int(row, 2),
            .done = (uint64_t)sqlite3_column_int64(row, 3),
            .undone = (uint64_t)sqlite3_column_int64(row, 4),
            .gone = (uint64_t)sqlite3_column_int64(row, 5),
            .held_bytes = (uint64_t)sqlite3_column_int64(row, 6),
        };
        status = visit(user, &run);
    }
    glimpse_db_reset(row);
    return status;
}
