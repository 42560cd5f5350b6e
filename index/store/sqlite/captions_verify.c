/*
 * captions_verify.c - does the text index hold what the captions say?
 *
 * FTS5 has a check of its own, but it is run by an INSERT, and verify only reads. So a second index
 * is made from the captions, in memory (temp_store), with the same tokenizer, and both are read out
 * word by word (fts5vocab, kind "instance": every word of every caption at its place). Lengths of
 * captions and the totals, which BM25 divides by, are compared as well.
 */
#include "captions_private.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>

enum { MAX_REPORTED = 20 };

typedef struct check {
    glimpse_db *db;
    glimpse_captions_problem_fn report;
    void *user;
    size_t problems;
} check;

static void problem(check *c, const char *text) {
    if (c->problems++ < MAX_REPORTED) c->report(c->user, text);
}

static int make_second_index(glimpse_db *db) {
    return glimpse_db_script(
        db, "CREATE VIRTUAL TABLE temp.caption_check USING fts5 ("
            "  text, content = '', tokenize = 'porter unicode61 remove_diacritics 2');"
            "INSERT INTO temp.caption_check (rowid, text) SELECT id, text FROM main.caption"
            "  ORDER BY id;"
            "CREATE VIRTUAL TABLE temp.caption_words USING"
            "  fts5vocab ('main', 'caption_text', 'instance');"
            "CREATE VIRTUAL TABLE temp.caption_check_words USING"
            "  fts5vocab ('temp', 'caption_check', 'instance');");
}

static void drop_second_index(glimpse_db *db) {
    (void)glimpse_db_script(db, "DROP TABLE IF EXISTS temp.caption_words;"
                                "DROP TABLE IF EXISTS temp.caption_check_words;"
                                "DROP TABLE IF EXISTS temp.caption_check;");
}

/* Reads two result sets of three columns side by side. The statements are not kept: the tables they
 * are about go away again. */
static int compare(check *c, const char *ours, const char *theirs, const char *what) {
    sqlite3_stmt *a = NULL, *b = NULL;
    int more_a = 0, more_b = 0;
    char text[200];
    int status = glimpse_db_query(c->db, &a, ours, "");
    if (status == GLIMPSE_OK) status = glimpse_db_query(c->db, &b, theirs, "");
    while (status == GLIMPSE_OK) {
        more_a = glimpse_db_step(c->db, a);
        more_b = more_a < 0 ? 0 : glimpse_db_step(c->db, b);
        if (more_a < 0 || more_b < 0) status = more_a < 0 ? more_a : more_b;
        if (!(more_a > 0 && more_b > 0)) break;
        int same = 1;
        for (int i = 0; i < 3 && same; i++) {
            int size = sqlite3_column_bytes(a, i);
            const void *bytes_a = sqlite3_column_blob(a, i), *bytes_b = sqlite3_column_blob(b, i);
            same = size == sqlite3_column_bytes(b, i) &&
                   (size == 0 || memcmp(bytes_a, bytes_b, (size_t)size) == 0);
        }
        if (same) continue;
        (void)snprintf(text, sizeof text,
                       "captions: the text index has other %s than the captions, first at caption "
                       "%lld (%s makes it anew)",
                       what, (long long)sqlite3_column_int64(b, 0),
                       glimpse_wording("glimpse_library_reindex", NULL));
        problem(c, text);
        goto done;
    }
    if (status == GLIMPSE_OK && (more_a > 0) != (more_b > 0)) {
        (void)snprintf(text, sizeof text,
                       "captions: the text index has %s %s than the captions (%s makes it anew)",
                       more_a > 0 ? "more" : "fewer", what,
                       glimpse_wording("glimpse_library_reindex", NULL));
        problem(c, text);
    }
done:
    glimpse_db_reset(a);
    glimpse_db_reset(b);
    return status;
}

static int compare_all(check *c) {
    int status = compare(c, "SELECT doc, term, \"offset\" FROM temp.caption_words",
                         "SELECT doc, term, \"offset\" FROM temp.caption_check_words", "words");
    if (status == GLIMPSE_OK) {
        status = compare(c, "SELECT id, sz, 0 FROM main.caption_text_docsize ORDER BY id",
                         "SELECT id, sz, 0 FROM temp.caption_check_docsize ORDER BY id", "lengths");
    }
    /* Row 1: the number of captions and of all their words; nothing, or two zeros, of none. */
#define TOTALS(table) \
 "SELECT id, CASE block WHEN x'0000' THEN x'' ELSE block END, 0 FROM " table " WHERE id = 1"
    if (status == GLIMPSE_OK) {
        status = compare(c, TOTALS("main.caption_text_data"), TOTALS("temp.caption_check_data"),
                         "totals");
    }
#undef TOTALS
    return status;
}

static int check_sums(check *c) {
    sqlite3_stmt *row = NULL;
    char text[100];
    int status = glimpse_db_query(c->db, &row,
                                  "SELECT id FROM caption WHERE sum <> " GLIMPSE_CAPTION_SUM, "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(c->db, row)) > 0) {
        status = GLIMPSE_OK;
        (void)glimpse_db_damaged(c->db, "a row does not match its checksum");
        (void)snprintf(text, sizeof text, "catalogue: caption %lld does not match its checksum",
                       (long long)sqlite3_column_int64(row, 0));
        problem(c, text);
    }
    glimpse_db_reset(row);
    return status;
}

int glimpse_captions_check(glimpse_db *db, glimpse_captions_problem_fn report, void *user) {
    check c = {db, report, user, 0};
    int status = check_sums(&c);
    if (status < 0) return status;
    drop_second_index(db);
    status = make_second_index(db);
    if (status == GLIMPSE_OK) status = compare_all(&c);
    if (status == GLIMPSE_E_CORRUPT) {
        char text[160];
        (void)snprintf(text, sizeof text,
                       "captions: the text index cannot be read (%s makes it anew)",
                       glimpse_wording("glimpse_library_reindex", NULL));
        problem(&c, text);
        status = GLIMPSE_OK;
    }
    drop_second_index(db);
    return status;
}
