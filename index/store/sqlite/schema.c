/*
 * schema.c - the schema, step by step.
 *
 * steps[i] takes a catalogue from version i to i + 1. A step is never changed once released; a
 * change of the schema is a new one. Creating is migrating from 0, so both are one mechanism.
 *
 * Paths are BLOBs: a path is any bytes but NUL, and BLOBs compare as bytes, which makes "below a
 * directory" a range of the index. Names and paths of models, reasons and the like are TEXT.
 *
 * Columns named sum hold a 64-bit hash of the rest of their row (GLIMPSE_..._SUM in db.h; for an
 * embedding: of model id, picture id and vector), so that damage SQLite cannot see, such as a
 * flipped bit inside a vector or a date, is noticed. model.digest is the XOR of the sums of its
 * embeddings, kept by triggers; SQLite has no XOR operator, but (a | b) - (a & b) is it, and cannot
 * overflow. A vector index that carries the same digest holds the same embeddings.
 */
#include "schema.h"

#include "collections.h"
#include "core/error.h"
#include "facts.h"
#include "upgrade.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Captions, and a text index over them (FTS5, "external content": it keeps no copy of the texts).
 * Whoever changes captions changes the index in the same transaction (captions.c): triggers would
 * be the natural way, but a schema that is not trusted (db.c) may not touch virtual tables. That is
 * also why captions do not go by themselves with their content: it cannot go before them. */
static const char captions_step[] =
    "CREATE TABLE caption ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* the text index refers to it */
    "  content_id INTEGER NOT NULL REFERENCES content (id),"
    "  style INTEGER NOT NULL CHECK (style BETWEEN 0 AND 3)," /* glimpse_caption_style */
    "  model TEXT NOT NULL CHECK (model <> ''),"
    "  prompt TEXT NOT NULL,"
    "  text TEXT NOT NULL CHECK (text <> ''),"
    "  created TEXT NOT NULL,"
    "  sum INTEGER NOT NULL,"
    "  UNIQUE (content_id, style, model, prompt)"
    ") STRICT;"
    "CREATE VIRTUAL TABLE caption_text USING fts5 ("
    "  text, content = 'caption', content_rowid = 'id',"
    "  tokenize = 'porter unicode61 remove_diacritics 2');";

/* What the file of a content says about its picture. `taken` itself is in content: taken_from says
 * where it is from, taken_offset how many minutes its zone is from UTC. Contents without a row were
 * read before this step; they get theirs when one of their files is read again. */
static const char metadata_step[] =
    "CREATE TABLE metadata ("
    "  content_id INTEGER PRIMARY KEY REFERENCES content (id) ON DELETE CASCADE,"
    "  version INTEGER NOT NULL," /* GLIMPSE_METADATA_VERSION of the reader */
    "  taken_from INTEGER NOT NULL CHECK (taken_from BETWEEN 0 AND 2)," /* glimpse_taken_from */
    "  taken_offset INTEGER,"
    "  fields TEXT NOT NULL," /* a JSON object: docs/metadata.md */
    "  sum INTEGER NOT NULL"
    ") STRICT;"
    /* What the sidecars of a file were when they were read; files without any have no row. */
    "CREATE TABLE sidecar ("
    "  file_id INTEGER PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,"
    "  stamp INTEGER NOT NULL," /* glimpse_sidecar_stamp() */
    "  sum INTEGER NOT NULL"
    ") STRICT;";

/* What the files of a content say beside their bytes is theirs: of two with equal bytes one may
 * have a sidecar. A row here counts before that of the content. Until this step both went into the
 * one of the content, whichever came last; those are read again. */
static const char sidecars_step[] =
    "UPDATE metadata SET version = 0, sum = CASE"
    "  WHEN sum = glimpse_sum(content_id, version, taken_from, taken_offset, fields)"
    "  THEN glimpse_sum(content_id, 0, taken_from, taken_offset, fields) ELSE sum END"
    " WHERE content_id IN (SELECT f.content_id FROM sidecar s JOIN file f ON f.id = s.file_id);"
    "DROP TABLE sidecar;"
    "CREATE TABLE sidecar ("
    "  file_id INTEGER PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,"
    "  stamp INTEGER NOT NULL,"   /* glimpse_sidecar_stamp() */
    "  version INTEGER NOT NULL," /* the rest is as in content and metadata */
    "  taken TEXT NOT NULL,"
    "  camera TEXT NOT NULL,"
    "  latitude REAL,"
    "  longitude REAL,"
    "  taken_from INTEGER NOT NULL CHECK (taken_from BETWEEN 0 AND 2),"
    "  taken_offset INTEGER,"
    "  fields TEXT NOT NULL,"
    "  sum INTEGER NOT NULL"
    ") STRICT;";

/* Rows of labels get checksums like all others. A later step may not change what GLIMPSE_..._SUM
 * hashes without computing the sums anew. */
static const char label_sums_step[] =
    "ALTER TABLE labelling ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE label_class ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE label ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
    "UPDATE labelling SET sum = " GLIMPSE_LABELLING_SUM ";"
    "UPDATE label_class SET sum = " GLIMPSE_LABEL_CLASS_SUM ";"
    "UPDATE label SET sum = glimpse_sum(content_id, class_id, probability, score);";

/* What a root was indexed with, where that is not the default. Files that were indexed one by one
 * are no longer roots: all that was kept of them there is where they are. */
static const char root_options_step[] =
    "CREATE TABLE root_options ("
    "  path BLOB NOT NULL PRIMARY KEY REFERENCES root (path) ON DELETE CASCADE,"
    "  follow_links INTEGER NOT NULL CHECK (follow_links IN (0, 1)),"
    "  include_nomedia INTEGER NOT NULL CHECK (include_nomedia IN (0, 1)),"
    "  exclude BLOB NOT NULL," /* patterns, each with its NUL */
    "  sum INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "DELETE FROM root WHERE is_folder = 0;";

/* What is kept of files that are not indexed is found again when they were edited. And what is left
 * to do after an upgrade: "identities" until the files of known pictures were read for theirs. */
static const char unfinished_step[] = GLIMPSE_UNINDEXED_TABLE
    "CREATE TABLE unfinished (what TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "INSERT INTO unfinished SELECT 'identities' WHERE EXISTS"
    " (SELECT 1 FROM picture WHERE identity IS NULL);";

/* Which model a library is asked with when nobody says. 1: somebody chose it; 2: nobody did, and
 * the first one that was used will do. */
static const char default_model_step[] =
    "ALTER TABLE model ADD COLUMN is_default INTEGER NOT NULL DEFAULT 0"
    " CHECK (is_default IN (0, 1, 2));"
    "UPDATE model SET is_default = 1 WHERE used = (SELECT max(used) FROM model);";

/* An edit can leave size and mtime of a file alone. Not in the checksum: of a wrong one the file is
 * read once more. Files from before this step are, too. */
static const char ctime_step[] = "ALTER TABLE file ADD COLUMN ctime_ns INTEGER NOT NULL DEFAULT 0;";

/* Of a missing file: it is there, and a walk leaves it out (.nomedia, an exclude pattern). */
static const char left_out_step[] =
    "ALTER TABLE file ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0 CHECK (left_out IN (0, 1));";

/* What searches with a model are judged by. */
static const char background_step[] =
    "CREATE TABLE background ("
    "  model_id INTEGER PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,"
    "  key BLOB NOT NULL CHECK (length(key) = 16),"
    "  data BLOB NOT NULL,"
    "  sum INTEGER NOT NULL"
    ") STRICT;";

#define ADD_TO_DIGEST(row) "digest = (digest | " row ".sum) - (digest & " row ".sum)"
#define ADD_TO_PARTS_DIGEST(row) \
 "parts_digest = (parts_digest | " row ".sum) - (parts_digest & " row ".sum)"

/* Parts of pictures have embeddings as well: a model's numbers go on being those of whole pictures,
 * and there are others of the parts. A root remembers that its pictures are embedded in tiles. */
/* clang-format off */
static const char parts_step[] =
    "ALTER TABLE root_options ADD COLUMN tiles INTEGER NOT NULL DEFAULT 0 CHECK (tiles IN (0, 1));"
    "ALTER TABLE model ADD COLUMN parts INTEGER NOT NULL DEFAULT 0 CHECK (parts >= 0);"
    "ALTER TABLE model ADD COLUMN parts_generation INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE model ADD COLUMN parts_digest INTEGER NOT NULL DEFAULT 0;"
    "DROP TRIGGER embedding_added;"
    "DROP TRIGGER embedding_removed;"
    "CREATE TRIGGER embedding_added AFTER INSERT ON embedding WHEN NEW.part = 0 BEGIN"
    "  UPDATE model SET embedded = embedded + 1, generation = generation + 1, "
    ADD_TO_DIGEST("NEW") " WHERE id = NEW.model_id;"
    "END;"
    "CREATE TRIGGER embedding_removed AFTER DELETE ON embedding WHEN OLD.part = 0 BEGIN"
    "  UPDATE model SET embedded = embedded - 1, generation = generation + 1, "
    ADD_TO_DIGEST("OLD") " WHERE id = OLD.model_id;"
    "END;"
    "CREATE TRIGGER part_added AFTER INSERT ON embedding WHEN NEW.part <> 0 BEGIN"
    "  UPDATE model SET parts = parts + 1, parts_generation = parts_generation + 1, "
    ADD_TO_PARTS_DIGEST("NEW") " WHERE id = NEW.model_id;"
    "END;"
    "CREATE TRIGGER part_removed AFTER DELETE ON embedding WHEN OLD.part <> 0 BEGIN"
    "  UPDATE model SET parts = parts - 1, parts_generation = parts_generation + 1, "
    ADD_TO_PARTS_DIGEST("OLD") " WHERE id = OLD.model_id;"
    "END;";
/* clang-format on */

/* What a search knows pictures by that are the same over again (signature.c). Pictures that were
 * embedded before have none. */
static const char signatures_step[] =
    "CREATE TABLE signature ("
    "  picture_id INTEGER PRIMARY KEY REFERENCES picture (id) ON DELETE CASCADE,"
    "  version INTEGER NOT NULL," /* GLIMPSE_SIGNATURE_VERSION */
    "  data BLOB NOT NULL,"
    "  sum INTEGER NOT NULL"
    ") STRICT;";

/* 7 -> 8: what the bytes of a file are (content) is told from what they show (picture), and all
 * that is stored belongs to a picture and to a part of it. A picture keeps the row id and the hash
 * that its bytes had, so that ids people noted, vector files and embeddings' checksums stay right.
 * Its identity is not known before a file of it is read (NULL).
 *
 * Checksums are made anew, but only of rows that match theirs: damage must not be signed. Formulas
 * of both versions stand here and not in db.h, where they go on changing. */
#define RESUMMED(before, after) \
 "CASE WHEN sum = glimpse_sum(" before ") THEN glimpse_sum(" after ") ELSE sum END"
/* AUTOINCREMENT goes on from where the old table was, also when its last rows are gone. */
#define SEQUENCE(from, to)                                      \
 "DELETE FROM sqlite_sequence WHERE name = '" to "';"           \
 "INSERT INTO sqlite_sequence (name, seq) SELECT '" to "', seq" \
 " FROM sqlite_sequence WHERE name = '" from "';"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings" /* C99 promises only 4095 */
/* clang-format off */
/* clang-format off */
static const char pictures_step[] =
    "CREATE TABLE picture ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used again: vector indexes refer to it */
    "  hash BLOB NOT NULL CHECK (length(hash) = 16)," /* of the first bytes it was known by */
    "  size INTEGER NOT NULL CHECK (size >= 0),"
    "  identity BLOB CHECK (length(identity) = 16),"
    "  width INTEGER NOT NULL,"
    "  height INTEGER NOT NULL,"
    "  orientation INTEGER NOT NULL,"
    "  format TEXT NOT NULL,"
    "  sum INTEGER NOT NULL,"
    "  UNIQUE (hash, size)"
    ") STRICT;"
    "INSERT INTO picture (id, hash, size, width, height, orientation, format, sum)"
    " SELECT id, hash, size, width, height, orientation, format, "
    RESUMMED(
            "hash, size, width, height, orientation, format, taken, camera, latitude, longitude",
            "hash, size, NULL, width, height, orientation, format")
    " FROM content ORDER BY id;"
    SEQUENCE("content", "picture")
    "CREATE INDEX picture_identity ON picture (identity);"
    "CREATE INDEX picture_unidentified ON picture (id) WHERE identity IS NULL;"
    "CREATE TABLE new_content ("
    "  id INTEGER PRIMARY KEY,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 16),"
    "  size INTEGER NOT NULL CHECK (size >= 0),"
    "  picture_id INTEGER NOT NULL REFERENCES picture (id) ON DELETE CASCADE,"
    "  taken TEXT NOT NULL," /* '2021-05-30T14:03:59' or '' */
    "  camera TEXT NOT NULL,"
    "  latitude REAL,"
    "  longitude REAL,"
    "  sum INTEGER NOT NULL,"
    "  UNIQUE (hash, size)"
    ") STRICT;"
    "INSERT INTO new_content (id, hash, size, picture_id, taken, camera, latitude, longitude, sum)"
    " SELECT id, hash, size, id, taken, camera, latitude, longitude, "
    RESUMMED(
            "hash, size, width, height, orientation, format, taken, camera, latitude, longitude",
            "hash, size, id, taken, camera, latitude, longitude")
    " FROM content ORDER BY id;"
    "CREATE TABLE new_file ("
    "  id INTEGER PRIMARY KEY,"
    "  path BLOB NOT NULL UNIQUE,"
    "  size INTEGER NOT NULL,"
    "  mtime_ns INTEGER NOT NULL,"
    "  inode INTEGER NOT NULL,"
    "  missing INTEGER NOT NULL CHECK (missing IN (0, 1)),"
    "  picture_id INTEGER REFERENCES picture (id),"
    "  content_id INTEGER REFERENCES new_content (id)," /* of that picture */
    "  code INTEGER,"
    "  reason TEXT,"
    "  sum INTEGER NOT NULL,"
    "  CHECK ((content_id IS NULL) = (picture_id IS NULL)),"
    "  CHECK ((content_id IS NULL) = (code IS NOT NULL)),"
    "  CHECK ((content_id IS NULL) = (reason IS NOT NULL))"
    ") STRICT;"
    "INSERT INTO new_file (id, path, size, mtime_ns, inode, missing, picture_id, content_id, code,"
    " reason, sum) SELECT id, path, size, mtime_ns, inode, missing, content_id, content_id, code,"
    " reason, "
    RESUMMED("path, size, mtime_ns, inode, missing, content_id, code, reason",
            "path, size, mtime_ns, inode, missing, content_id, content_id, code, reason")
    " FROM file ORDER BY path;"
    "CREATE TABLE new_embedding ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* in the order they came: indexes catch up by it */
    "  model_id INTEGER NOT NULL REFERENCES model (id),"
    "  picture_id INTEGER NOT NULL REFERENCES picture (id),"
    "  part INTEGER NOT NULL CHECK (part >= 0)," /* a frame, a page, a second */
    "  vector BLOB NOT NULL," /* f16, little-endian, unit length */
    "  sum INTEGER NOT NULL,"
    "  UNIQUE (picture_id, part, model_id)"
    ") STRICT;"
    "INSERT INTO new_embedding (id, model_id, picture_id, part, vector, sum)"
    " SELECT id, model_id, content_id, 0, vector, sum FROM embedding ORDER BY id;"
    SEQUENCE("embedding", "new_embedding")
    "CREATE TABLE new_label ("
    "  picture_id INTEGER NOT NULL REFERENCES picture (id) ON DELETE CASCADE,"
    "  part INTEGER NOT NULL CHECK (part >= 0),"
    "  class_id INTEGER NOT NULL REFERENCES label_class (id) ON DELETE CASCADE,"
    "  probability REAL NOT NULL,"
    "  score REAL NOT NULL,"
    "  sum INTEGER NOT NULL,"
    "  PRIMARY KEY (picture_id, part, class_id)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO new_label (picture_id, part, class_id, probability, score, sum)"
    " SELECT content_id, 0, class_id, probability, score, "
    RESUMMED("content_id, class_id, probability, score",
            "content_id, 0, class_id, probability, score")
    " FROM label ORDER BY content_id, class_id;"
    "CREATE TABLE new_caption ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* the text index refers to it */
    "  picture_id INTEGER NOT NULL REFERENCES picture (id),"
    "  part INTEGER NOT NULL CHECK (part >= 0),"
    "  style INTEGER NOT NULL CHECK (style BETWEEN 0 AND 3)," /* glimpse_caption_style */
    "  model TEXT NOT NULL CHECK (model <> ''),"
    "  prompt TEXT NOT NULL,"
    "  text TEXT NOT NULL CHECK (text <> ''),"
    "  created TEXT NOT NULL,"
    "  sum INTEGER NOT NULL,"
    "  UNIQUE (picture_id, part, style, model, prompt)"
    ") STRICT;"
    "INSERT INTO new_caption (id, picture_id, part, style, model, prompt, text, created, sum)"
    " SELECT id, content_id, 0, style, model, prompt, text, created, "
    RESUMMED("content_id, style, model, prompt, text, created",
            "content_id, 0, style, model, prompt, text, created")
    " FROM caption ORDER BY id;"
    SEQUENCE("caption", "new_caption")
    "CREATE TABLE new_fingerprint ("
    "  picture_id INTEGER NOT NULL REFERENCES picture (id) ON DELETE CASCADE,"
    "  part INTEGER NOT NULL CHECK (part >= 0),"
    "  version INTEGER NOT NULL,"
    "  data BLOB NOT NULL,"
    "  sum INTEGER NOT NULL,"
    "  PRIMARY KEY (picture_id, part)"
    ") STRICT;"
    "INSERT INTO new_fingerprint (picture_id, part, version, data, sum)"
    " SELECT content_id, 0, version, data, "
    RESUMMED("content_id, version, data", "content_id, 0, version, data")
    " FROM fingerprint;"
    "CREATE TABLE new_thumbnail ("
    "  picture_id INTEGER NOT NULL REFERENCES picture (id) ON DELETE CASCADE,"
    "  part INTEGER NOT NULL CHECK (part >= 0),"
    "  version INTEGER NOT NULL,"
    "  pixels BLOB NOT NULL,"
    "  sum INTEGER NOT NULL,"
    "  PRIMARY KEY (picture_id, part)"
    ") STRICT;"
    "INSERT INTO new_thumbnail (picture_id, part, version, pixels, sum)"
    " SELECT content_id, 0, version, pixels, "
    RESUMMED("content_id, version, pixels", "content_id, 0, version, pixels")
    " FROM thumbnail;"
    "DROP TABLE thumbnail; DROP TABLE fingerprint; DROP TABLE caption; DROP TABLE label;"
    "DROP TABLE embedding; DROP TABLE file; DROP TABLE content;"
    "ALTER TABLE new_content RENAME TO content;"
    "ALTER TABLE new_file RENAME TO file;"
    "ALTER TABLE new_embedding RENAME TO embedding;"
    "ALTER TABLE new_label RENAME TO label;"
    "ALTER TABLE new_caption RENAME TO caption;"
    "ALTER TABLE new_fingerprint RENAME TO fingerprint;"
    "ALTER TABLE new_thumbnail RENAME TO thumbnail;"
    "CREATE INDEX content_picture ON content (picture_id);"
    "CREATE INDEX file_picture ON file (picture_id);"
    "CREATE INDEX file_content ON file (content_id);"
    "CREATE INDEX embedding_model ON embedding (model_id);"
    "CREATE INDEX label_of_class ON label (class_id);" /* As in the first step. */
    "CREATE TRIGGER embedding_added AFTER INSERT ON embedding BEGIN"
    "  UPDATE model SET embedded = embedded + 1, generation = generation + 1,"
    "    "
    ADD_TO_DIGEST("NEW")
    " WHERE id = NEW.model_id;"
    "END;"
    "CREATE TRIGGER embedding_removed AFTER DELETE ON embedding BEGIN"
    "  UPDATE model SET embedded = embedded - 1, generation = generation + 1,"
    "    "
    ADD_TO_DIGEST("OLD")
    " WHERE id = OLD.model_id;"
    "END;"
    "CREATE TRIGGER embedding_kept BEFORE UPDATE ON embedding BEGIN"
    "  SELECT RAISE(ABORT, 'an embedding is never changed');"
    "END;";
/* clang-format on */
/* clang-format on */
#pragma GCC diagnostic pop

static const char *const steps[] = {
    /* 0 -> 1 */
    "CREATE TABLE model ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  fingerprint TEXT NOT NULL UNIQUE CHECK (length(fingerprint) = 32),"
    "  name TEXT NOT NULL,"
    "  path TEXT NOT NULL,"
    "  dim INTEGER NOT NULL CHECK (dim BETWEEN 1 AND 65536),"
    "  embedded INTEGER NOT NULL DEFAULT 0 CHECK (embedded >= 0),"
    "  generation INTEGER NOT NULL DEFAULT 0,"
    "  digest INTEGER NOT NULL DEFAULT 0,"
    "  used INTEGER NOT NULL" /* the largest belongs to the model used last */
    ") STRICT;"
    "CREATE TABLE root ("
    "  path BLOB NOT NULL PRIMARY KEY,"
    "  is_folder INTEGER NOT NULL CHECK (is_folder IN (0, 1)),"
    "  offline INTEGER NOT NULL CHECK (offline IN (0, 1)),"
    "  sum INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE content ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used again: vector indexes refer to it */
    "  hash BLOB NOT NULL CHECK (length(hash) = 16),"
    "  size INTEGER NOT NULL CHECK (size >= 0),"
    "  width INTEGER NOT NULL,"
    "  height INTEGER NOT NULL,"
    "  orientation INTEGER NOT NULL,"
    "  format TEXT NOT NULL,"
    "  taken TEXT NOT NULL," /* '2021-05-30T14:03:59' or '' */
    "  camera TEXT NOT NULL,"
    "  latitude REAL,"
    "  longitude REAL,"
    "  sum INTEGER NOT NULL,"
    "  UNIQUE (hash, size)"
    ") STRICT;"
    "CREATE TABLE file ("
    "  id INTEGER PRIMARY KEY,"
    "  path BLOB NOT NULL UNIQUE,"
    "  size INTEGER NOT NULL,"
    "  mtime_ns INTEGER NOT NULL,"
    "  inode INTEGER NOT NULL,"
    "  missing INTEGER NOT NULL CHECK (missing IN (0, 1)),"
    "  content_id INTEGER REFERENCES content (id),"
    "  code INTEGER,"
    "  reason TEXT,"
    "  sum INTEGER NOT NULL,"
    "  CHECK ((content_id IS NULL) = (code IS NOT NULL)),"
    "  CHECK ((content_id IS NULL) = (reason IS NOT NULL))"
    ") STRICT;"
    "CREATE INDEX file_content ON file (content_id);"
    "CREATE TABLE embedding ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* in the order they came: indexes catch up by it */
    "  model_id INTEGER NOT NULL REFERENCES model (id),"
    "  content_id INTEGER NOT NULL REFERENCES content (id),"
    "  vector BLOB NOT NULL," /* f16, little-endian, unit length */
    "  sum INTEGER NOT NULL,"
    "  UNIQUE (content_id, model_id)"
    ") STRICT;"
    "CREATE INDEX embedding_model ON embedding (model_id);"
    "CREATE TRIGGER embedding_added AFTER INSERT ON embedding BEGIN"
    "  UPDATE model SET embedded = embedded + 1, generation = generation + 1,"
    "    " ADD_TO_DIGEST(
        "NEW") " WHERE id = NEW.model_id;"
               "END;"
               "CREATE TRIGGER embedding_removed AFTER DELETE ON embedding BEGIN"
               "  UPDATE model SET embedded = embedded - 1, generation = generation + 1,"
               "    " ADD_TO_DIGEST(
                   "OLD") " WHERE id = OLD.model_id;"
                          "END;"
                          "CREATE TRIGGER embedding_kept BEFORE UPDATE ON embedding BEGIN"
                          "  SELECT RAISE(ABORT, 'an embedding is never changed');"
                          "END;",
    /* 1 -> 2: labels. A labelling is one run's worth of them under a name; label_class holds the
     * classes that occur. Labels go with their content, class or labelling. */
    "CREATE TABLE labelling ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE,"
    "  model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,"
    "  classifier TEXT NOT NULL CHECK (length(classifier) = 32),"
    "  classes INTEGER NOT NULL,"
    "  settings TEXT NOT NULL,"
    "  created TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX labelling_model ON labelling (model_id);"
    "CREATE TABLE label_class ("
    "  id INTEGER PRIMARY KEY,"
    "  labelling_id INTEGER NOT NULL REFERENCES labelling (id) ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  UNIQUE (labelling_id, name)"
    ") STRICT;"
    "CREATE TABLE label ("
    "  content_id INTEGER NOT NULL REFERENCES content (id) ON DELETE CASCADE,"
    "  class_id INTEGER NOT NULL REFERENCES label_class (id) ON DELETE CASCADE,"
    "  probability REAL NOT NULL,"
    "  score REAL NOT NULL,"
    "  PRIMARY KEY (content_id, class_id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX label_of_class ON label (class_id);",
    /* 2 -> 3: what was decided about duplicates */
    "CREATE TABLE decision ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* the larger was made later */
    "  kind INTEGER NOT NULL CHECK (kind IN (1, 2)),"
    "  made TEXT NOT NULL,"
    "  key BLOB NOT NULL UNIQUE CHECK (length(key) = 16)"
    ") STRICT;"
    "CREATE TABLE decision_member ("
    "  decision_id INTEGER NOT NULL REFERENCES decision (id),"
    "  hash BLOB NOT NULL CHECK (length(hash) = 16),"     /* content.hash, which may come and go */
    "  path BLOB NOT NULL,"                               /* where it was then, for lists */
    "  copies INTEGER NOT NULL CHECK (copies IN (0, 1))," /* 1: files of its bytes, too */
    "  PRIMARY KEY (decision_id, hash)"
    ") STRICT, WITHOUT ROWID;",
    label_sums_step, /* 3 -> 4 */
    /* 4 -> 5: answers of vision-language models */
    GLIMPSE_VLM_ANSWER_TABLE,
    /* 5 -> 6: what a search for duplicates found out about contents (derived.c). Derived: rows
     * of another version, or damaged ones, are made again. */
    "CREATE TABLE fingerprint ("
    "  content_id INTEGER PRIMARY KEY REFERENCES content (id) ON DELETE CASCADE,"
    "  version INTEGER NOT NULL,"
    "  data BLOB NOT NULL,"
    "  sum INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE thumbnail ("
    "  content_id INTEGER PRIMARY KEY REFERENCES content (id) ON DELETE CASCADE,"
    "  version INTEGER NOT NULL,"
    "  pixels BLOB NOT NULL,"
    "  sum INTEGER NOT NULL"
    ") STRICT;",
    captions_step,            /* 6 -> 7 */
    pictures_step,            /* 7 -> 8 */
    root_options_step,        /* 8 -> 9 */
    metadata_step,            /* 9 -> 10 */
    unfinished_step,          /* 10 -> 11 */
    sidecars_step,            /* 11 -> 12 */
    default_model_step,       /* 12 -> 13 */
    ctime_step,               /* 13 -> 14 */
    left_out_step,            /* 14 -> 15 */
    parts_step,               /* 15 -> 16 */
    background_step,          /* 16 -> 17 */
    signatures_step,          /* 17 -> 18 */
    glimpse_facts_step,       /* 18 -> 19 */
    glimpse_collections_step, /* 19 -> 20 */
};

enum { STEP_COUNT = sizeof steps / sizeof steps[0] };

int glimpse_schema_version(void) {
    return STEP_COUNT;
}

int glimpse_schema_create(glimpse_db *db) {
    /* The page size and auto_vacuum take effect only before the first table. 8 KiB pages hold 7
     * embeddings of 512 dimensions, 4 KiB ones 3. */
    char sql[256];
    (void)sqlite3_snprintf((int)sizeof sql, sql,
                           "PRAGMA page_size = 8192;"
                           "PRAGMA auto_vacuum = INCREMENTAL;"
                           "PRAGMA application_id = %d;",
                           GLIMPSE_APPLICATION_ID);
    int status = glimpse_db_script(db, sql);
    if (status == GLIMPSE_OK) status = glimpse_upgrade_migrate(db, steps, STEP_COUNT);
    /* Last, when there is a file to be logged: the tables are not written twice, into the log and
     * from there into the file, where the disk may be full. */
    return status < 0 ? status : glimpse_db_script(db, "PRAGMA journal_mode = WAL;");
}

/* Whether this user may write to the catalogue and beside it. */
static int is_writable(const char *catalog) {
    const char *slash = strrchr(catalog, '/');
    char *directory = slash ? strndup(catalog, (size_t)(slash - catalog) + 1) : strdup(".");
    const int writable = directory && access(catalog, W_OK) == 0 && access(directory, W_OK) == 0;
    free(directory);
    return writable;
}

static int refuse_older(glimpse_db *db, int64_t version) {
    const char *path = glimpse_db_path(db), *call = glimpse_wording("glimpse_session_index", NULL);
    if (is_writable(path)) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: written by an older glimpse (schema %lld) and open for "
                            "reading only; open it once for writing to upgrade it: %s",
                            path, (long long)version, call);
    }
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "%s: written by an older glimpse (schema %lld), which has to be upgraded, "
                        "and you may not write to it; let somebody do so who may (%s), or use a "
                        "copy of the library",
                        path, (long long)version, call);
}

static int open_schema(glimpse_db *db) {
    int64_t id = 0, version = 0;
    int status = glimpse_db_integer(db, &id, "PRAGMA application_id", "");
    if (status == GLIMPSE_OK) status = glimpse_db_integer(db, &version, "PRAGMA user_version", "");
    if (status < 0) return status;
    if (id != GLIMPSE_APPLICATION_ID) {
        return glimpse_db_damaged(db, "its header is not that of a glimpse catalogue");
    }
    if (version > STEP_COUNT) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: written by a newer glimpse (schema %lld, this one knows %d); "
                            "upgrade glimpse to use it",
                            glimpse_db_path(db), (long long)version, STEP_COUNT);
    }
    if (version < 1) return glimpse_db_damaged(db, "schema version %lld", (long long)version);
    if (version < STEP_COUNT) {
        if (glimpse_db_read_only(db)) return refuse_older(db, version);
        status = glimpse_upgrade(db, steps, (int)version, STEP_COUNT);
        if (status < 0) return status;
    }
    glimpse_upgrade_clean(db, STEP_COUNT);
    /* Every table with every column this build uses; no row is read. */
    return glimpse_db_script(
        db, "SELECT id, fingerprint, name, path, dim, embedded, generation, digest, used,"
            " is_default, parts, parts_generation, parts_digest FROM model LIMIT 0;"
            "SELECT path, is_folder, offline, sum FROM root LIMIT 0;"
            "SELECT path, follow_links, include_nomedia, exclude, tiles, sum"
            " FROM root_options LIMIT 0;"
            "SELECT id, hash, size, identity, width, height, orientation, format, sum, added"
            " FROM picture LIMIT 0;"
            "SELECT id, kind, text FROM fact_text LIMIT 0;"
            "SELECT file_id, taken, source, precision, camera, lens, colour, iso, aperture,"
            " exposure, focal, rating, latitude, longitude, title FROM fact LIMIT 0;"
            "SELECT text_id, file_id FROM fact_word LIMIT 0;"
            "SELECT id, hash, size, picture_id, taken, camera, latitude, longitude, sum"
            " FROM content LIMIT 0;"
            "SELECT id, path, size, mtime_ns, inode, missing, picture_id, content_id, code, reason,"
            " sum, ctime_ns, left_out FROM file LIMIT 0;"
            "SELECT id, model_id, picture_id, part, vector, sum FROM embedding LIMIT 0;"
            "SELECT id, name, model_id, classifier, classes, settings, created, sum"
            " FROM labelling LIMIT 0;"
            "SELECT id, labelling_id, name, sum FROM label_class LIMIT 0;"
            "SELECT picture_id, part, class_id, probability, score, sum FROM label LIMIT 0;"
            "SELECT id, kind, made, key FROM decision LIMIT 0;"
            "SELECT decision_id, hash, path, copies FROM decision_member LIMIT 0;"
            "SELECT id, kind, name, folded, created, sum FROM collection LIMIT 0;"
            "SELECT collection_id, picture_id, position, sum FROM collection_picture LIMIT 0;"
            "SELECT id, picture_id, part, style, model, prompt, text, created, sum FROM caption"
            " LIMIT 0;"
            "SELECT rowid, text FROM caption_text LIMIT 0;"
            "SELECT key, contents, model, prompt, parameters, answer, made, sum FROM vlm_answer"
            " LIMIT 0;"
            "SELECT identity, hash, sum FROM unindexed LIMIT 0;"
            "SELECT what FROM unfinished LIMIT 0;"
            "SELECT picture_id, part, version, data, sum FROM fingerprint LIMIT 0;"
            "SELECT picture_id, part, version, pixels, sum FROM thumbnail LIMIT 0;"
            "SELECT model_id, key, data, sum FROM background LIMIT 0;"
            "SELECT picture_id, version, data, sum FROM signature LIMIT 0;"
            "SELECT content_id, version, taken_from, taken_offset, fields, sum FROM metadata"
            " LIMIT 0;"
            "SELECT file_id, stamp, version, taken, camera, latitude, longitude, taken_from,"
            " taken_offset, fields, sum FROM sidecar LIMIT 0;");
}

int glimpse_schema_open(glimpse_db *db) {
    int status = open_schema(db);
    /* A file format that SQLite does not know, a table without a column: not what we wrote. */
    if (status == GLIMPSE_E_INTERNAL) return glimpse_db_damaged(db, "%s", glimpse_last_error());
    return status;
}
