/*
 * journal.c - the journal of actions: which file of which run is where. A database of its own,
 * actions.db in a directory of the caller's.
 */
#include "journal.h"

#include "core/error.h"
#include "core/file.h"
#include "db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct glimpse_journal {
    glimpse_db *db;
};

#define JOURNAL_ID 0x676c6961 /* "glia" */
enum { JOURNAL_VERSION = 5 };

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

/* 1 -> 2: directories that runs made, to be removed again when nothing is in them. */
static const char directories_table[] = "CREATE TABLE made ("
                                        "  path BLOB NOT NULL PRIMARY KEY,"
                                        "  run_id INTEGER NOT NULL REFERENCES run (id)"
                                        ") STRICT, WITHOUT ROWID;";

/* 2 -> 3: the bytes that the keeper had, without which a held file must not be let go of. */
static const char keeper_column[] = "ALTER TABLE step ADD COLUMN"
                                    " keeper_hash TEXT NOT NULL DEFAULT ''"
                                    " CHECK (length(keeper_hash) IN (0, 32));";

/* 3 -> 4: files that went with another, and lists of what was moved. */
static const char companion_columns[] =
    "ALTER TABLE step ADD COLUMN companion_of INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE step ADD COLUMN relation TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE run ADD COLUMN manifest_directory BLOB;"
    "ALTER TABLE run ADD COLUMN manifest_is_current INTEGER NOT NULL DEFAULT 1;";

/* 4 -> 5: runs that write into files. A check cannot be altered, so the table is made anew; steps
 * go on referring to it by its name, without keys being looked at meanwhile. */
static const char writing_runs[] =
    "CREATE TABLE run_of_5 ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 7),"
    "  started TEXT NOT NULL,"
    "  manifest_directory BLOB,"
    "  manifest_is_current INTEGER NOT NULL DEFAULT 1"
    ") STRICT;"
    "INSERT INTO run_of_5 SELECT id, kind, started, manifest_directory, manifest_is_current"
    " FROM run ORDER BY id;"
    "DROP TABLE run;"
    "ALTER TABLE run_of_5 RENAME TO run;";

static int make_tables_in(glimpse_db *db) {
    int status = glimpse_db_begin(db);
    if (status < 0) return status;
    int64_t version = 0;
    status = glimpse_db_integer(db, &version, "PRAGMA user_version", "");
    if (status == GLIMPSE_OK && version == 0) status = glimpse_db_script(db, tables);
    if (status == GLIMPSE_OK && version < 2) status = glimpse_db_script(db, directories_table);
    if (status == GLIMPSE_OK && version < 3) status = glimpse_db_script(db, keeper_column);
    if (status == GLIMPSE_OK && version < 4) status = glimpse_db_script(db, companion_columns);
    if (status == GLIMPSE_OK && version < 5) status = glimpse_db_script(db, writing_runs);
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

static int make_tables(glimpse_db *db) {
    int status = glimpse_db_script(db, "PRAGMA foreign_keys = OFF;");
    if (status == GLIMPSE_OK) status = make_tables_in(db);
    if (status == GLIMPSE_OK) status = glimpse_db_script(db, "PRAGMA foreign_keys = ON;");
    return status;
}

void glimpse_journal_db_close(glimpse_journal *journal) {
    if (!journal) return;
    glimpse_db_close(journal->db);
    free(journal);
}

int glimpse_journal_db_open(glimpse_journal **out, const char *directory) {
    char *path = NULL;
    int64_t id = 0, version = 0;
    int status = GLIMPSE_OK;
    glimpse_journal *journal = calloc(1, sizeof *journal);
    *out = NULL;
    if (journal) path = glimpse_path_join(directory, "actions.db");
    if (!path) {
        free(journal);
        return glimpse_fail_nomem(strlen(directory), "a journal");
    }
    status = glimpse_db_open(&journal->db, path, GLIMPSE_DB_CREATE);
    if (status < 0) goto done;
    status = glimpse_db_integer(journal->db, &version, "PRAGMA user_version", "");
    if (status == GLIMPSE_OK && version == 0) {
        status = glimpse_db_script(journal->db, "PRAGMA journal_mode = WAL;");
        if (status == GLIMPSE_OK) status = make_tables(journal->db);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(journal->db, &id, "PRAGMA application_id", "");
    }
    if (status == GLIMPSE_OK && id == JOURNAL_ID && version > 0 && version < JOURNAL_VERSION)
        status = make_tables(journal->db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(journal->db, &version, "PRAGMA user_version", "");
    }
    if (status < 0) goto done;
    status = glimpse_db_script(journal->db,
                               "SELECT id, run_id, state, path, other, keeper, info, crossing,"
                               " hash, size, mtime_ns, mode, inode, new_inode, new_mtime_ns,"
                               " keeper_hash, companion_of, relation FROM step LIMIT 0;"
                               " SELECT id, kind, started, manifest_directory, manifest_is_current"
                               " FROM run LIMIT 0;");
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
                              path, directory);
    }
    free(path);
    if (status < 0) {
        glimpse_journal_db_close(journal);
        return status;
    }
    *out = journal;
    return GLIMPSE_OK;
}

int glimpse_journal_db_begin_run(int64_t *run, glimpse_journal *journal, glimpse_action_kind kind,
                                 const char *started) {
    return glimpse_db_integer(journal->db, run,
                              "INSERT INTO run (kind, started) VALUES (?1, ?2) RETURNING id", "it",
                              (int64_t)kind, started);
}

int glimpse_journal_db_set_manifest(glimpse_journal *journal, int64_t run, const char *directory,
                                    int is_current) {
    if (directory) {
        return glimpse_db_run(journal->db,
                              "UPDATE run SET manifest_directory = ?2, manifest_is_current = ?3"
                              " WHERE id = ?1",
                              "ipi", run, directory, (int64_t)is_current);
    }
    return glimpse_db_run(journal->db, "UPDATE run SET manifest_is_current = ?2 WHERE id = ?1",
                          "ii", run, (int64_t)is_current);
}

int glimpse_journal_db_manifests(glimpse_journal *journal, int64_t run,
                                 int (*visit)(void *user, int64_t run, const char *directory),
                                 void *user) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(journal->db, &row,
                                  "SELECT id, manifest_directory FROM run"
                                  " WHERE manifest_directory IS NOT NULL AND"
                                  " (id = ?1 OR (?1 = 0 AND NOT manifest_is_current)) ORDER BY id",
                                  "i", run);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(journal->db, row)) > 0) {
        char *directory = glimpse_column_path(row, 1);
        status = directory ? visit(user, sqlite3_column_int64(row, 0), directory)
                           : glimpse_fail_nomem(256, "a path");
        free(directory);
    }
    glimpse_db_reset(row);
    return status;
}

int glimpse_journal_db_note_directory(glimpse_journal *journal, const char *path, int64_t run) {
    return glimpse_db_run(journal->db, "INSERT OR REPLACE INTO made (path, run_id) VALUES (?1, ?2)",
                          "pi", path, run);
}

int glimpse_journal_db_next_directory(char **path, glimpse_journal *journal) {
    sqlite3_stmt *row = NULL;
    *path = NULL;
    int status = glimpse_db_query(journal->db, &row,
                                  "SELECT path FROM made WHERE NOT EXISTS (SELECT 1 FROM step"
                                  " WHERE step.run_id = made.run_id AND step.state IN (1, 2, 3, 6))"
                                  " ORDER BY length(path) DESC, path LIMIT 1",
                                  "");
    if (status == GLIMPSE_OK) status = glimpse_db_step(journal->db, row);
    if (status > 0) {
        *path = glimpse_column_path(row, 0);
        status = *path ? GLIMPSE_OK : glimpse_fail_nomem(256, "a path");
    }
    glimpse_db_reset(row);
    return status;
}

int glimpse_journal_db_forget_directory(glimpse_journal *journal, const char *path) {
    return glimpse_db_run(journal->db, "DELETE FROM made WHERE path = ?1", "p", path);
}

int glimpse_journal_db_add(int64_t *id, glimpse_journal *journal,
                           const glimpse_journal_step *step) {
    return glimpse_db_integer(
        journal->db, id,
        "INSERT INTO step (run_id, state, path, other, keeper, info, crossing, hash, size,"
        " mtime_ns, inode, mode, new_inode, new_mtime_ns, keeper_hash, companion_of, relation)"
        " VALUES (?1, ?12, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, ?13, ?14, ?15)"
        " RETURNING id",
        "ippppitiiiiitit", step->run, step->path, step->other, step->keeper, step->info,
        (int64_t)step->crossing, step->hash, (int64_t)step->size, step->mtime_ns,
        (int64_t)step->inode, (int64_t)step->mode, (int64_t)step->state, step->keeper_hash,
        step->companion_of, step->relation);
}

int glimpse_journal_db_set_new(glimpse_journal *journal, int64_t id, uint64_t inode,
                               int64_t mtime_ns) {
    return glimpse_db_run(journal->db,
                          "UPDATE step SET new_inode = ?2, new_mtime_ns = ?3 WHERE id = ?1", "iii",
                          id, (int64_t)inode, mtime_ns);
}

int glimpse_journal_db_set_state(glimpse_journal *journal, int64_t id, int state) {
    return glimpse_db_run(journal->db, "UPDATE step SET state = ?2 WHERE id = ?1", "ii", id,
                          (int64_t)state);
}

static int read_step(glimpse_journal_step *step, sqlite3_stmt *row) {
    step->id = sqlite3_column_int64(row, 0);
    step->run = sqlite3_column_int64(row, 1);
    step->kind = (glimpse_action_kind)sqlite3_column_int(row, 2);
    step->state = sqlite3_column_int(row, 3);
    step->path = glimpse_column_path(row, 4);
    step->other = glimpse_column_path(row, 5);
    step->keeper = glimpse_column_path(row, 6);
    step->info = glimpse_column_path(row, 7);
    step->crossing = sqlite3_column_int(row, 8);
    (void)snprintf(step->hash, sizeof step->hash, "%s", glimpse_column_text(row, 9));
    step->size = (uint64_t)sqlite3_column_int64(row, 10);
    step->mtime_ns = sqlite3_column_int64(row, 11);
    step->inode = (uint64_t)sqlite3_column_int64(row, 12);
    step->new_inode = (uint64_t)sqlite3_column_int64(row, 13);
    step->new_mtime_ns = sqlite3_column_int64(row, 14);
    step->mode = (unsigned)sqlite3_column_int64(row, 15) & 07777;
    (void)snprintf(step->keeper_hash, sizeof step->keeper_hash, "%s", glimpse_column_text(row, 16));
    step->companion_of = sqlite3_column_int64(row, 17);
    (void)snprintf(step->relation, sizeof step->relation, "%s", glimpse_column_text(row, 18));
    return step->path && step->other && step->keeper && step->info
               ? GLIMPSE_OK
               : glimpse_fail_nomem(4096, "a step of the journal");
}

int glimpse_journal_db_steps(glimpse_journal *journal, int64_t run, unsigned states,
                             int (*visit)(void *user, const glimpse_journal_step *step),
                             void *user) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(
        journal->db, &row,
        "SELECT step.id, run_id, kind, state, path, other, keeper, info, crossing, hash, size,"
        " mtime_ns, inode, new_inode, new_mtime_ns, mode, keeper_hash, companion_of, relation"
        " FROM step JOIN run ON run.id = run_id"
        " WHERE (?1 = 0 OR run_id = ?1) AND (?2 >> state) & 1 ORDER BY step.id DESC",
        "ii", run, (int64_t)states);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(journal->db, row)) > 0) {
        glimpse_journal_step step = {0};
        status = read_step(&step, row);
        if (status == GLIMPSE_OK) status = visit(user, &step);
        free(step.path);
        free(step.other);
        free(step.keeper);
        free(step.info);
    }
    glimpse_db_reset(row);
    return status;
}

int glimpse_journal_db_latest(int64_t *run, glimpse_journal *journal) {
    return glimpse_db_integer(journal->db, run,
                              "SELECT run_id FROM step JOIN run ON run.id = run_id"
                              " WHERE state = 2 AND kind <> 7 ORDER BY run_id DESC LIMIT 1",
                              "");
}

int glimpse_journal_db_runs(glimpse_journal *journal,
                            int (*visit)(void *user, const glimpse_action_run *run), void *user) {
    sqlite3_stmt *row = NULL;
    int status =
        glimpse_db_query(journal->db, &row,
                         "SELECT run.id, started, kind, count(*) FILTER (WHERE state = 2),"
                         " count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE state = 7),"
                         /* Several names of one file hold its bytes once. */
                         " coalesce((SELECT sum(size) FROM (SELECT size FROM step WHERE"
                         "  run_id = run.id AND state = 2 AND kind >= 3"
                         "  GROUP BY CASE inode WHEN 0 THEN -id ELSE inode END, hash)), 0)"
                         " FROM run LEFT JOIN step ON run_id = run.id GROUP BY run.id HAVING "
                         "count(*) FILTER (WHERE state IN (2, 4, 7)) > 0 ORDER BY run.id",
                         "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(journal->db, row)) > 0) {
        glimpse_action_run run = {
            .run = sqlite3_column_int64(row, 0),
            .started = glimpse_column_text(row, 1),
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
