/*
 * facts.c - makes the columns that filters ask, from what files say.
 *
 * All of it is SQL, so that one file and a whole catalogue that is upgraded get the same. JSON is
 * read by SQLite; what is no JSON, or not of the type that belongs there, counts as nothing.
 */
#include "facts.h"

#include "sqlite_store.h"

#include <stdlib.h>

/* These lines are SQL. */
/* clang-format off */
/* The files of `scope` with what they say: file_id, path, mtime_ns, taken, camera, latitude,
 * longitude, fields. */
#define SOURCE(scope) \
 "(SELECT f.id AS file_id, f.path AS path, f.mtime_ns AS mtime_ns," \
 " " GLIMPSE_SAID_TAKEN " AS taken, " GLIMPSE_SAID("camera", "c") " AS camera," \
 " " GLIMPSE_SAID("latitude", "c") " AS latitude," \
 " " GLIMPSE_SAID("longitude", "c") " AS longitude," \
 " iif(json_valid(" GLIMPSE_SAID_FIELDS "), " GLIMPSE_SAID_FIELDS ", '{}') AS fields" \
 " FROM file f JOIN content c ON c.id = f.content_id" \
 " LEFT JOIN metadata m ON m.content_id = c.id" \
 " LEFT JOIN sidecar s ON s.file_id = f.id" scope ") q"
#define ONE " WHERE f.id = ?1"
#define ALL ""

#define NUMBER(key) \
 "CASE WHEN json_type(q.fields, '$." key "') IN ('integer', 'real')" \
 " THEN CAST(json_extract(q.fields, '$." key "') AS REAL) END"
#define IS_TEXT(key) "json_type(q.fields, '$." key "') = 'text'"
#define TEXT(key) \
 "CASE WHEN " IS_TEXT(key) " THEN glimpse_fold(json_extract(q.fields, '$." key "')) END"
#define ID_OF(kind, text) "(SELECT id FROM fact_text WHERE kind = " kind " AND text = " text ")"
#define WORD_KIND "CAST(substr(w.value, 1, 1) AS INTEGER)"
#define WORD_TEXT "substr(w.value, 2)"

/* The date that is said, else that of the name, else that of the file. */
#define TAKEN \
 "CASE WHEN length(q.taken) = 19 THEN q.taken WHEN glimpse_name_date(q.path) <> ''" \
 " THEN glimpse_name_date(q.path) ELSE glimpse_utc_time(q.mtime_ns) END"
#define TAKEN_SOURCE \
 "CASE WHEN length(q.taken) = 19 THEN 0 WHEN glimpse_name_date(q.path) <> '' THEN 1 ELSE 2 END"
#define TAKEN_PRECISION \
 "CASE WHEN length(q.taken) = 19 THEN CASE json_extract(q.fields, '$.precision')" \
 "  WHEN 'day' THEN 1 WHEN 'month' THEN 2 WHEN 'year' THEN 3 ELSE 0 END" \
 " ELSE glimpse_name_date(q.path) LIKE '%T00:00:00' END"

#define ADD_TEXTS(scope) \
 "INSERT OR IGNORE INTO fact_text (kind, text)" \
 " SELECT 1, glimpse_fold(q.camera) FROM " SOURCE(scope) " WHERE q.camera <> ''" \
 " UNION SELECT 2, " TEXT("lens") " FROM " SOURCE(scope) " WHERE " IS_TEXT("lens") \
 " UNION SELECT 3, " TEXT("label") " FROM " SOURCE(scope) " WHERE " IS_TEXT("label") \
 " UNION SELECT " WORD_KIND ", " WORD_TEXT " FROM " SOURCE(scope) \
 " CROSS JOIN json_each(glimpse_words(q.fields)) w"

#define ADD_FACTS(scope) \
 "INSERT INTO fact (file_id, taken, source, precision, camera, lens, colour, iso, aperture," \
 " exposure, focal, rating, latitude, longitude, title)" \
 " SELECT q.file_id, " TAKEN ", " TAKEN_SOURCE ", " TAKEN_PRECISION "," \
 " " ID_OF("1", "glimpse_fold(q.camera)") "," \
 " " ID_OF("2", TEXT("lens")) ", " ID_OF("3", TEXT("label")) "," \
 " " NUMBER("iso") ", " NUMBER("aperture") ", " NUMBER("exposure") "," \
 " " NUMBER("focal_length") ", " NUMBER("rating") ", q.latitude, q.longitude," \
 " " TEXT("title") " FROM " SOURCE(scope)

#define ADD_WORDS(scope) \
 "INSERT OR IGNORE INTO fact_word (text_id, file_id)" \
 " SELECT t.id, q.file_id FROM " SOURCE(scope) \
 " CROSS JOIN json_each(glimpse_words(q.fields)) w CROSS JOIN fact_text t" \
 " ON t.kind = " WORD_KIND " AND t.text = " WORD_TEXT

/* Row by row: nothing is sorted, whatever the size. */
#define WRONG_FACTS \
 "SELECT q.path FROM " SOURCE(ALL) " LEFT JOIN fact x ON x.file_id = q.file_id" \
 " LEFT JOIN fact_text k ON k.id = x.camera LEFT JOIN fact_text l ON l.id = x.lens" \
 " LEFT JOIN fact_text o ON o.id = x.colour" \
 " WHERE x.file_id IS NULL" \
 " OR x.taken <> " TAKEN " OR x.source <> " TAKEN_SOURCE " OR x.precision <> " TAKEN_PRECISION \
 " OR ifnull(k.text, '') <> glimpse_fold(q.camera) OR ifnull(k.kind, 1) <> 1" \
 " OR l.text IS NOT " TEXT("lens") " OR ifnull(l.kind, 2) <> 2" \
 " OR o.text IS NOT " TEXT("label") " OR ifnull(o.kind, 3) <> 3" \
 " OR x.iso IS NOT " NUMBER("iso") " OR x.aperture IS NOT " NUMBER("aperture") \
 " OR x.exposure IS NOT " NUMBER("exposure") " OR x.focal IS NOT " NUMBER("focal_length") \
 " OR x.rating IS NOT " NUMBER("rating") " OR x.latitude IS NOT q.latitude" \
 " OR x.longitude IS NOT q.longitude OR x.title IS NOT " TEXT("title") \
 " OR (SELECT count(*) FROM fact_word w WHERE w.file_id = q.file_id)" \
 "  <> json_array_length(glimpse_words(q.fields))" \
 " OR EXISTS (SELECT 1 FROM json_each(glimpse_words(q.fields)) w WHERE NOT EXISTS" \
 "  (SELECT 1 FROM fact_text t JOIN fact_word h ON h.text_id = t.id" \
 "   AND h.file_id = q.file_id WHERE t.kind = " WORD_KIND " AND t.text = " WORD_TEXT "))" \
 " LIMIT 1"
/* clang-format on */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings" /* C99 promises only 4095 */
const char glimpse_facts_step[] =
    "ALTER TABLE picture ADD COLUMN added INTEGER;" /* seconds since 1970; NULL: before this step */
    "CREATE INDEX picture_added ON picture (added) WHERE added IS NOT NULL;"
    "CREATE TABLE fact_text ("
    "  id INTEGER PRIMARY KEY,"
    "  kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 5),"
    "  text TEXT NOT NULL,"
    "  UNIQUE (kind, text)"
    ") STRICT;"
    "CREATE TABLE fact ("
    "  file_id INTEGER PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,"
    "  taken TEXT NOT NULL," /* of source 2 in UTC */
    "  source INTEGER NOT NULL CHECK (source BETWEEN 0 AND 2),"
    "  precision INTEGER NOT NULL," /* 0: a minute or better, 1: a day, 2: a month, 3: a year */
    "  camera INTEGER, lens INTEGER, colour INTEGER," /* ids of fact_text */
    "  iso REAL, aperture REAL, exposure REAL, focal REAL, rating REAL,"
    "  latitude REAL, longitude REAL,"
    "  title TEXT"
    ") STRICT;"
    "CREATE TABLE fact_word ("
    "  text_id INTEGER NOT NULL,"
    "  file_id INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,"
    "  PRIMARY KEY (text_id, file_id)"
    ") STRICT, WITHOUT ROWID;" ADD_TEXTS(ALL) ";" ADD_FACTS(ALL) ";" ADD_WORDS(
        ALL) ";"
             /* Filled in order, at once. */
             "CREATE INDEX fact_taken ON fact (taken);"
             "CREATE INDEX fact_camera ON fact (camera) WHERE camera IS NOT NULL;"
             "CREATE INDEX fact_lens ON fact (lens) WHERE lens IS NOT NULL;"
             "CREATE INDEX fact_colour ON fact (colour) WHERE colour IS NOT NULL;"
             "CREATE INDEX fact_iso ON fact (iso) WHERE iso IS NOT NULL;"
             "CREATE INDEX fact_rating ON fact (rating) WHERE rating IS NOT NULL;"
             "CREATE INDEX fact_place ON fact (latitude, longitude) WHERE latitude IS NOT NULL;"
             "CREATE INDEX fact_word_file ON fact_word (file_id);";
#pragma GCC diagnostic pop

int glimpse_facts_refresh(glimpse_db *db, int64_t file) {
    int status = glimpse_db_run(db, "DELETE FROM fact_word WHERE file_id = ?1", "i", file);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db, "DELETE FROM fact WHERE file_id = ?1", "i", file);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_run(db, ADD_TEXTS(ONE), "i", file);
    if (status == GLIMPSE_OK) status = glimpse_db_run(db, ADD_FACTS(ONE), "i", file);
    if (status == GLIMPSE_OK) status = glimpse_db_run(db, ADD_WORDS(ONE), "i", file);
    return status;
}

int glimpse_facts_refresh_path(glimpse_db *db, const char *path) {
    int64_t file = 0;
    int status = glimpse_db_integer(db, &file, "SELECT id FROM file WHERE path = ?1", "p", path);
    if (status == GLIMPSE_E_NOT_FOUND) return GLIMPSE_OK;
    return status == GLIMPSE_OK ? glimpse_facts_refresh(db, file) : status;
}

int glimpse_facts_refresh_content(glimpse_db *db, int64_t content) {
    int64_t file = 0;
    int status = GLIMPSE_OK;
    while (status == GLIMPSE_OK) {
        status = glimpse_db_integer(
            db, &file, "SELECT id FROM file WHERE content_id = ?1 AND id > ?2 ORDER BY id LIMIT 1",
            "ii", content, file);
        if (status == GLIMPSE_OK) status = glimpse_facts_refresh(db, file);
    }
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

int glimpse_facts_refresh_all(glimpse_db *db) {
    int status = glimpse_db_run(db, "DELETE FROM fact_word", "");
    if (status == GLIMPSE_OK) status = glimpse_db_run(db, "DELETE FROM fact", "");
    if (status == GLIMPSE_OK) status = glimpse_db_run(db, "DELETE FROM fact_text", "");
    if (status == GLIMPSE_OK) status = glimpse_db_run(db, ADD_TEXTS(ALL), "");
    if (status == GLIMPSE_OK) status = glimpse_db_run(db, ADD_FACTS(ALL), "");
    if (status == GLIMPSE_OK) status = glimpse_db_run(db, ADD_WORDS(ALL), "");
    return status;
}

int glimpse_facts_prune(glimpse_db *db) {
    return glimpse_db_run(db,
                          "DELETE FROM fact_text WHERE id NOT IN (SELECT text_id FROM fact_word)"
                          " AND id NOT IN (SELECT camera FROM fact WHERE camera IS NOT NULL)"
                          " AND id NOT IN (SELECT lens FROM fact WHERE lens IS NOT NULL)"
                          " AND id NOT IN (SELECT colour FROM fact WHERE colour IS NOT NULL)",
                          "");
}

int glimpse_facts_verify(char **path, glimpse_db *db) {
    sqlite3_stmt *row = NULL;
    *path = NULL;
    int status = glimpse_db_query(db, &row, WRONG_FACTS, "");
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) {
        *path = glimpse_column_path(row, 0);
        status = *path ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    }
    glimpse_db_reset(row);
    return status;
}
