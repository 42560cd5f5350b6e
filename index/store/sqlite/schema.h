/*
 * schema.h - the tables of a catalogue, and how older ones become newer ones.
 */
#ifndef GLIMPSE_INDEX_SCHEMA_H
#define GLIMPSE_INDEX_SCHEMA_H

#include "db.h"

/* "glim", in the database header: tells a catalogue from any other SQLite file. */
#define GLIMPSE_APPLICATION_ID 0x676c696d

/* Answers of vision-language models (responses.c): in a catalogue, and in a database of their own.
 * They name contents by hash, because contents come and go with the files. */
#define GLIMPSE_VLM_ANSWER_TABLE                             \
 "CREATE TABLE vlm_answer ("                                 \
 "  key BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 16)," \
 "  contents BLOB NOT NULL,"                                 \
 "  model TEXT NOT NULL,"                                    \
 "  prompt TEXT NOT NULL,"                                   \
 "  parameters TEXT NOT NULL,"                               \
 "  answer TEXT NOT NULL,"                                   \
 "  made TEXT NOT NULL,"                                     \
 "  sum INTEGER NOT NULL"                                    \
 ") STRICT, WITHOUT ROWID;"

/* The id of a picture that nothing of is indexed, and something is kept of: answers, decisions. It
 * is the hash of the bytes that it came in then. */
#define GLIMPSE_UNINDEXED_TABLE                                        \
 "CREATE TABLE unindexed ("                                            \
 "  identity BLOB NOT NULL PRIMARY KEY CHECK (length(identity) = 16)," \
 "  hash BLOB NOT NULL CHECK (length(hash) = 16),"                     \
 "  sum INTEGER NOT NULL"                                              \
 ") STRICT, WITHOUT ROWID;"                                            \
 "CREATE INDEX unindexed_hash ON unindexed (hash);"

/* The version this build writes, in the header's user_version. */
int glimpse_schema_version(void);

/* Makes the tables in an empty database, by applying every step from version 0. */
int glimpse_schema_create(glimpse_db *db);

/* Checks application id, version and tables; applies the missing steps to an older catalogue. */
int glimpse_schema_open(glimpse_db *db);

#endif
