/*
 * facts.h - what files say, in columns with indexes: derived from content, metadata, sidecar and
 * file, for filters (where_sql.c).
 *
 *   fact_text   each text once, folded: cameras, lenses, colour labels, keywords, people
 *   fact        a file that has a picture
 *   fact_word   a keyword or a person of such a file
 *
 * Whoever changes what a file says calls one of these in the same transaction; what goes with a
 * file goes by itself.
 */
#ifndef GLIMPSE_INDEX_FACTS_H
#define GLIMPSE_INDEX_FACTS_H

#include "db.h"

/* fact_text.kind */
enum {
    GLIMPSE_FACT_CAMERA = 1,
    GLIMPSE_FACT_LENS,
    GLIMPSE_FACT_COLOUR,
    GLIMPSE_FACT_KEYWORD,
    GLIMPSE_FACT_PERSON
};
/* fact.source: where fact.taken is from */
enum { GLIMPSE_FACT_SAID, GLIMPSE_FACT_NAME, GLIMPSE_FACT_FILE };

/* The step of the schema that made them, with what was stored by then. */
extern const char glimpse_facts_step[];

/* Of a file; of every file that shows these bytes; of all. */
int glimpse_facts_refresh(glimpse_db *db, int64_t file);
int glimpse_facts_refresh_path(glimpse_db *db, const char *path);
int glimpse_facts_refresh_content(glimpse_db *db, int64_t content);
int glimpse_facts_refresh_all(glimpse_db *db);
/* Texts that nothing has any more. */
int glimpse_facts_prune(glimpse_db *db);
/* *path: a file whose facts are not what follows from the rest, malloc'ed; NULL: there is none. */
int glimpse_facts_verify(char **path, glimpse_db *db);

/* The SQL functions of facts and filters. A code of SQLite. */
int glimpse_where_functions(sqlite3 *handle);

#endif
