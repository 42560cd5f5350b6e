/*
 * prune.c - writing vector files anew, and forgetting what is gone.
 *
 * Nothing here is done by itself: files that disappeared stay known (and come back when they do)
 * until somebody prunes. A dry run does the whole of it in a transaction that is rolled back, so
 * that its numbers are those of the real one.
 */
#include "collections.h"
#include "core/error.h"
#include "facts.h"
#include "upkeep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int known_model(glimpse_db *db, const char *fingerprint, int *known) {
    int64_t one = 0;
    int status = glimpse_db_integer(db, &one, "SELECT 1 FROM model WHERE fingerprint = ?1", "t",
                                    fingerprint);
    *known = status == GLIMPSE_OK;
    return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
}

/* 1 for "vectors-FINGERPRINT.faiss" and "vectors-FINGERPRINT-parts.faiss". */
static int is_index(const char *name) {
    return strlen(name) >= 46 && strncmp(name, "vectors-", 8) == 0 &&
           (strcmp(name + 40, ".faiss") == 0 || strcmp(name + 40, "-parts.faiss") == 0);
}

/* Those of models that the catalogue does not know. */
static int remove_foreign_indexes(const glimpse_store *store, glimpse_db *db) {
    DIR *dir = opendir(store->path);
    if (!dir) return glimpse_fail_errno("%s: cannot read", store->path);
    int status = GLIMPSE_OK;
    for (struct dirent *entry; status == GLIMPSE_OK && (entry = readdir(dir));) {
        char fingerprint[33];
        const char *name = entry->d_name;
        int known = 0;
        if (!is_index(name)) continue;
        memcpy(fingerprint, name + 8, 32);
        fingerprint[32] = '\0';
        status = known_model(db, fingerprint, &known);
        if (status == GLIMPSE_OK && !known) (void)unlinkat(dirfd(dir), name, 0);
    }
    (void)closedir(dir);
    return status;
}

/* Every model's vector file; `anew` also those that are up to date. */
static int write_indexes(glimpse_store *store, int anew) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t id = 0;
    int status = remove_foreign_indexes(store, db);
    while (status == GLIMPSE_OK) {
        sqlite3_stmt *row = NULL;
        char fingerprint[33] = "";
        status = glimpse_db_query(db, &row,
                                  "SELECT id, fingerprint FROM model WHERE id > ?1 ORDER BY id"
                                  " LIMIT 1",
                                  "i", id);
        if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
        if (status > 0) {
            id = sqlite3_column_int64(row, 0);
            (void)snprintf(fingerprint, sizeof fingerprint, "%s", glimpse_column_text(row, 1));
        }
        glimpse_db_reset(row);
        if (status <= 0) break;
        status = glimpse_indexes_write(store, fingerprint, anew);
    }
    return status;
}

/* The captions' text index is derived as well: FTS5 makes it anew from the table. So are facts. */
static int write_text_index(glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_db_run(db, "INSERT INTO caption_text (caption_text) VALUES ('rebuild')", "");
    }
    if (status == GLIMPSE_OK) status = glimpse_facts_refresh_all(db);
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    glimpse_db_set_cancelled(db, NULL, NULL);
    glimpse_db_rollback(db);
    glimpse_db_leave(db);
    return status;
}

/* Each index is whole before or after: a vector file is renamed into place, the text index is one
 * transaction. */
int glimpse_upkeep_reindex(glimpse_store *store) {
    glimpse_db *db = glimpse_store_db(store);
    if (store->cancelled && store->cancelled(store->cancelled_user)) {
        return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    }
    glimpse_db_set_cancelled(db, store->cancelled, store->cancelled_user);
    int status = write_indexes(store, 1);
    if (status == GLIMPSE_OK) status = write_text_index(store);
    glimpse_db_set_cancelled(db, NULL, NULL);
    return status;
}

static int forget_root(glimpse_db *db, const char *text, uint64_t *files) {
    char *root = NULL, *first = NULL, *end = NULL;
    size_t length = 0;
    uint64_t roots = 0, here = 0;
    int status = glimpse_path_absolute(&root, text);
    if (status == GLIMPSE_OK) status = glimpse_path_range_below(&first, &end, &length, root);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_db_run(db, "DELETE FROM file WHERE path = ?1 OR (path >= ?2 AND path < ?3)",
                           "pbb", root, (const void *)first, length, (const void *)end, length);
        here = (uint64_t)glimpse_db_changes(db);
    }
    if (status == GLIMPSE_OK) {
        status =
            glimpse_db_run(db, "DELETE FROM root WHERE path = ?1 OR (path >= ?2 AND path < ?3)",
                           "pbb", root, (const void *)first, length, (const void *)end, length);
        roots = (uint64_t)glimpse_db_changes(db);
    }
    if (status == GLIMPSE_OK && roots == 0 && here == 0) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: nothing below it is in the library", root);
    }
    *files += here;
    free(end);
    free(first);
    free(root);
    return status;
}

static int forget_model(glimpse_db *db, const char *fingerprint, uint64_t *embeddings) {
    int64_t id = 0;
    int status = glimpse_db_integer(db, &id, "SELECT id FROM model WHERE fingerprint = ?1", "t",
                                    fingerprint);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "no model of fingerprint %s is in the library",
                            fingerprint);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db, "DELETE FROM embedding WHERE model_id = ?1", "i", id);
        *embeddings += (uint64_t)glimpse_db_changes(db);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db, "DELETE FROM model WHERE id = ?1", "i", id);
    }
    return status;
}

/* A picture stays while a file shows it, in whatever bytes, or while it is in a collection; then
 * its bytes do too, so that it is known when they come back. Captions go before their pictures, and
 * their words before them. */
#define NOT_COLLECTED(picture) \
 "NOT EXISTS (SELECT 1 FROM collection_picture m WHERE m.picture_id = " picture ")"
static int forget_pictures(glimpse_db *db, const glimpse_prune_options *options,
                           glimpse_prune_report *report) {
    int status =
        glimpse_collections_prune(&report->kept, &report->collected, db, options->collected);
    if (status < 0) return status;
    status = glimpse_db_run(
        db,
        "INSERT INTO caption_text (caption_text, rowid, text) SELECT 'delete', id, text"
        " FROM caption WHERE NOT EXISTS"
        " (SELECT 1 FROM file WHERE file.picture_id = caption.picture_id)",
        "");
    if (status < 0) return status;
    status = glimpse_db_run(db,
                            "DELETE FROM caption WHERE NOT EXISTS"
                            " (SELECT 1 FROM file WHERE file.picture_id = caption.picture_id)",
                            "");
    report->captions += (uint64_t)glimpse_db_changes(db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db,
                                "DELETE FROM content WHERE NOT EXISTS"
                                " (SELECT 1 FROM file WHERE file.content_id = content.id)"
                                " AND " NOT_COLLECTED("content.picture_id"),
                                "");
        report->contents += (uint64_t)glimpse_db_changes(db);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db,
                                "DELETE FROM picture WHERE NOT EXISTS"
                                " (SELECT 1 FROM file WHERE file.picture_id = picture.id)"
                                " AND " NOT_COLLECTED("picture.id"),
                                "");
    }
    if (status == GLIMPSE_OK) status = glimpse_facts_prune(db);
    return status;
}

/* Files that were indexed one by one have no root whose walk would notice that they are gone. */
static int forget_single_files(glimpse_store *store, uint64_t *files) {
    char **paths = NULL;
    size_t count = 0;
    struct stat info;
    glimpse_file_row row;
    int status = glimpse_catalog_list_single_files(&paths, &count, store);
    for (size_t i = 0; i < count; i++) {
        const int gone = lstat(paths[i], &info) != 0 && (errno == ENOENT || errno == ENOTDIR);
        if (status == GLIMPSE_OK && gone)
            status = glimpse_catalog_find_file(&row, store, paths[i], 0);
        if (status == GLIMPSE_OK && gone &&
            glimpse_store_file_reachable(paths[i], row.stamp.ctime_ns)) {
            status = glimpse_db_run(glimpse_store_db(store), "DELETE FROM file WHERE path = ?1",
                                    "p", paths[i]);
            *files += status == GLIMPSE_OK;
        }
        free(paths[i]);
    }
    free(paths);
    return status;
}

static int forget(glimpse_store *store, const glimpse_prune_options *options,
                  glimpse_prune_report *report) {
    glimpse_db *db = glimpse_store_db(store);
    int status = GLIMPSE_OK;
    if (options->root) status = forget_root(db, options->root, &report->files);
    if (status == GLIMPSE_OK && options->model) {
        status = forget_model(db, options->model, &report->embeddings);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db, "DELETE FROM file WHERE missing = 1 AND left_out <= ?1", "i",
                                (int64_t)(options->left_out != 0));
        report->files += (uint64_t)glimpse_db_changes(db);
    }
    if (status == GLIMPSE_OK) status = forget_single_files(store, &report->files);
    if (status == GLIMPSE_OK && options->tiles) {
        status = glimpse_parts_forget_tiles(store, &report->embeddings);
    }
    if (status == GLIMPSE_OK) {
        status =
            glimpse_db_run(db,
                           "DELETE FROM embedding WHERE NOT EXISTS"
                           " (SELECT 1 FROM file WHERE file.picture_id = embedding.picture_id)",
                           "");
        report->embeddings += (uint64_t)glimpse_db_changes(db);
    }
    return status == GLIMPSE_OK ? forget_pictures(db, options, report) : status;
}

int glimpse_upkeep_prune(glimpse_prune_report *report, glimpse_store *store,
                         const glimpse_prune_options *options) {
    glimpse_db *db = glimpse_store_db(store);
    *report = GLIMPSE_PRUNE_REPORT_INIT;
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    glimpse_db_set_cancelled(db, options->cancelled, options->user);
    if (status == GLIMPSE_OK) status = forget(store, options, report);
    glimpse_db_set_cancelled(db, NULL, NULL); /* not between commit and what says that it was */
    if (status == GLIMPSE_OK && !options->dry_run) status = glimpse_db_commit(db);
    glimpse_db_rollback(db);
    if (status == GLIMPSE_OK && !options->dry_run) {
        glimpse_indexes_drop(store);
        status = write_indexes(store, 0);
        /* Gives the free pages back to the file system. A reader may be in the way of the second
         * step; then it happens some other time. */
        if (status == GLIMPSE_OK) status = glimpse_db_script(db, "PRAGMA incremental_vacuum");
        if (status == GLIMPSE_OK) {
            (void)glimpse_db_script(db, "PRAGMA busy_timeout = 200; "
                                        "PRAGMA wal_checkpoint(TRUNCATE);"
                                        "PRAGMA busy_timeout = 10000");
        }
    }
    glimpse_db_leave(db);
    return status;
}
