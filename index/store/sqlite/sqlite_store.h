/*
 * sqlite_store.h - the store that is a directory with SQLite's catalog.db and FAISS files, from the
 * inside. Each file of this directory has the operations of one group; table.c lists them.
 *
 * A directory `path` holds catalog.db, vectors-FINGERPRINT.faiss and lock: docs/library.md.
 */
#ifndef GLIMPSE_INDEX_SQLITE_STORE_H
#define GLIMPSE_INDEX_SQLITE_STORE_H

#include "db.h"
#include "store.h"
#include "vectors_shared.h"

#include <sys/types.h>

/* What vectors are called: a model's fingerprint, with "-parts" behind it those of parts. */
enum { GLIMPSE_INDEX_NAME_BYTES = 40 };

/* The vectors of one model as this handle last saw them. */
typedef struct glimpse_held_vectors {
    char name[GLIMPSE_INDEX_NAME_BYTES]; /* of the index */
    glimpse_vectors *vectors;            /* a reference, or NULL */
    struct glimpse_held_vectors *next;
} glimpse_held_vectors;

typedef struct glimpse_sqlite_store {
    glimpse_store base; /* first */
    glimpse_db *db;
    int lock; /* file descriptor while held, else -1 */
    glimpse_held_vectors *held;
    glimpse_vectors_shared *shared; /* with siblings */
    dev_t device;                   /* of catalog.db. It stays open, so nothing else gets */
    ino_t inode;                    /* these two numbers: glimpse_sqlite_is_in_place */
} glimpse_sqlite_store;

static inline glimpse_sqlite_store *glimpse_sqlite(glimpse_store *store) {
    return (glimpse_sqlite_store *)(void *)store;
}
static inline glimpse_db *glimpse_store_db(const glimpse_store *store) {
    return ((const glimpse_sqlite_store *)(const void *)store)->db;
}

/*
 * open.c, lock.c: as in the table.
 */
int glimpse_sqlite_open(glimpse_store **out, const char *path, unsigned flags);
int glimpse_sqlite_open_sibling(glimpse_store **out, const glimpse_store *store);
void glimpse_sqlite_close(glimpse_store *store);
int glimpse_sqlite_is_in_place(const glimpse_store *store);
/* The same with a message: GLIMPSE_E_NOT_FOUND when the library is gone, GLIMPSE_E_CORRUPT when
 * there is another one in its place. */
int glimpse_sqlite_check_place(const glimpse_store *store);
int glimpse_sqlite_lock(glimpse_store *store, const char *purpose);
int glimpse_sqlite_check_writable(const glimpse_store *store);
void glimpse_sqlite_unlock(glimpse_store *store);

/* The lock of the library in `directory`, tried `tries` times, 20 ms apart; *out a descriptor. */
int glimpse_lock_acquire(int *out, const char *directory, const char *purpose, int tries);
void glimpse_lock_release(int fd); /* -1 is fine */
enum { GLIMPSE_LOCK_TRIES = 100 }; /* two seconds */
/* GLIMPSE_E_INVALID when a new library in `directory`, which need not exist, would lie among other
 * files. `shown` is for the message. */
int glimpse_lock_check_empty(const char *directory, const char *shown);
/* Removes what killed writers left. Only with the lock held, so nobody is using one. */
void glimpse_lock_remove_temporaries(const char *directory);

/*
 * catalog.c: the database file, models, roots.
 */
/* Opens an existing catalogue: checks header, application id, schema version and tables (not the
 * pages: that is verify). A schema older than this build is migrated unless `read_only` (then
 * GLIMPSE_E_UNSUPPORTED), a newer one is GLIMPSE_E_UNSUPPORTED, anything that is no catalogue
 * GLIMPSE_E_CORRUPT, a missing file GLIMPSE_E_NOT_FOUND. */
int glimpse_catalog_open(glimpse_db **out, const char *path, int read_only);
/* Makes an empty one at `path`, complete or not at all (a temporary is renamed). The caller holds
 * the library's lock and knows that there is none. */
int glimpse_catalog_create(const char *path);

int glimpse_catalog_use_model(int64_t *id, glimpse_store *store, const glimpse_model_key *key);
int glimpse_catalog_set_default_model(glimpse_store *store, const glimpse_model_key *key,
                                      int is_chosen);
int glimpse_catalog_model_coverage(uint64_t *covered, uint64_t *all, glimpse_store *store,
                                   int64_t model);
int glimpse_catalog_find_model(glimpse_model_info *out, glimpse_store *store,
                               const char *fingerprint);
int glimpse_catalog_list_models(glimpse_store *store, glimpse_store_model_fn visit, void *user);
int glimpse_catalog_write_root(glimpse_store *store, const char *path, int is_directory,
                               int offline);
int glimpse_catalog_write_root_options(glimpse_store *store, const char *path,
                                       const glimpse_root_options *options);
int glimpse_catalog_roots(glimpse_root **out, size_t *count, glimpse_store *store);

/*
 * catalog_files.c, catalog_contents.c.
 */
/* The row of the picture whose id ?1 is; people may also have noted what the bytes of one of its
 * files hash to. */
#define GLIMPSE_PICTURE_OF_ID                                      \
 "SELECT id FROM picture WHERE id = coalesce("                     \
 "(SELECT id FROM picture WHERE hash = ?1 ORDER BY size LIMIT 1)," \
 " (SELECT picture_id FROM content WHERE hash = ?1 ORDER BY size LIMIT 1))"

int glimpse_catalog_load_files(glimpse_file_table **out, glimpse_store *store, const char *root,
                               int64_t model);
int glimpse_catalog_list_single_files(char ***paths, size_t *count, glimpse_store *store);
int glimpse_catalog_find_file(glimpse_file_row *out, glimpse_store *store, const char *path,
                              int64_t model);
int glimpse_catalog_picture_of_file(int64_t *picture, glimpse_store *store, const char *path);
int glimpse_catalog_any_below(int *known, glimpse_store *store, const char *directory);
int glimpse_catalog_bind_file(glimpse_store *store, const char *path,
                              const glimpse_file_stamp *stamp, const glimpse_hash *hash,
                              uint64_t size);
int glimpse_catalog_quarantine_file(glimpse_store *store, const char *path,
                                    const glimpse_file_stamp *stamp, int code, const char *reason);
int glimpse_catalog_known_files(glimpse_known_file *out, glimpse_store *store, const int64_t *files,
                                size_t count);
int glimpse_catalog_update_file(glimpse_store *store, int64_t file, const glimpse_file_stamp *stamp,
                                int64_t content);
int glimpse_catalog_set_sidecars(glimpse_store *store, const char *path, int64_t stamp,
                                 const glimpse_content_meta *meta);
int glimpse_catalog_forget_file(glimpse_store *store, const char *path);
int glimpse_catalog_set_missing(glimpse_store *store, int64_t id, int absence);
int glimpse_catalog_described_files(glimpse_store *store, glimpse_store_described_fn visit,
                                    void *user);
int glimpse_catalog_present_files(glimpse_store *store, int (*visit)(void *user, const char *path),
                                  void *user);
int glimpse_catalog_quarantined_files(glimpse_store *store,
                                      int (*visit)(void *user, const char *path,
                                                   const char *reason),
                                      void *user);

int glimpse_catalog_find_content(int64_t *picture, int *embedded, glimpse_store *store,
                                 const glimpse_hash *hash, uint64_t size, int64_t model);
int glimpse_catalog_find_identity(int64_t *picture, int *embedded, glimpse_store *store,
                                  const glimpse_hash *identity, int64_t model);
int glimpse_catalog_is_unfinished(int *unfinished, glimpse_store *store);
int glimpse_catalog_count_unidentified(uint64_t *count, glimpse_store *store);
int glimpse_catalog_finish(glimpse_store *store);
int glimpse_catalog_newest_content(int64_t *picture, glimpse_store *store);
int glimpse_catalog_lack_identity(int *lacking, glimpse_store *store);
int glimpse_catalog_find_id(int64_t *picture, glimpse_store *store, const glimpse_hash *id);
int glimpse_catalog_id_of(glimpse_hash *id, int *known, glimpse_store *store,
                          const glimpse_hash *hash, const glimpse_hash *identity);
int glimpse_catalog_keep_id(glimpse_store *store, const glimpse_hash *id,
                            const glimpse_hash *identity);
/* The same of a catalogue or of a database of answers, which has no pictures, with the connection
 * entered. What is kept about a picture before it is indexed has another id than afterwards when it
 * was edited in between: answers stay under the first, and all else looks for both. */
typedef enum glimpse_id_order {
    GLIMPSE_ID_UNINDEXED, /* there is nothing else */
    GLIMPSE_ID_UNINDEXED_FIRST,
    GLIMPSE_ID_INDEXED_FIRST
} glimpse_id_order;
int glimpse_picture_id(glimpse_hash *id, int *known, glimpse_db *db, glimpse_id_order order,
                       const glimpse_hash *hash, const glimpse_hash *identity);
int glimpse_picture_keep_id(glimpse_db *db, const glimpse_hash *id, const glimpse_hash *identity);
int glimpse_catalog_replace_content(int *replaced, glimpse_store *store, int64_t content,
                                    int64_t file, const glimpse_content_meta *meta);
int glimpse_catalog_attach_content(int64_t *content, int *is_new, glimpse_store *store,
                                   int64_t picture, const glimpse_content_meta *meta);
int glimpse_catalog_identify(glimpse_store *store, int64_t picture, const glimpse_hash *identity);
int glimpse_catalog_write_content(int64_t *picture, glimpse_store *store,
                                  const glimpse_content_meta *meta);
/* What a file says: with its sidecars (`s`, a LEFT JOIN), or by its bytes alone (`other`: content c
 * or metadata m), where it has none. */
#define GLIMPSE_SAID(column, other) \
 "CASE WHEN s.file_id IS NULL THEN " other "." column " ELSE s." column " END"
#define GLIMPSE_SAID_TAKEN  GLIMPSE_SAID("taken", "c")
#define GLIMPSE_SAID_FIELDS GLIMPSE_SAID("fields", "m")
/* Two columns, as glimpse_column_taken() reads them. */
#define GLIMPSE_SAID_TAKEN_FROM \
 GLIMPSE_SAID("taken_from", "m") ", " GLIMPSE_SAID("taken_offset", "m")
/* Three: camera, latitude, longitude. */
#define GLIMPSE_SAID_PLACE \
 GLIMPSE_SAID("camera", "c") ", " GLIMPSE_SAID("latitude", "c") ", " GLIMPSE_SAID("longitude", "c")
/* taken_from and taken_offset of that, in columns from `column` on. Where neither has a row `taken`
 * was read by an earlier version, which knew the dates of EXIF alone. */
void glimpse_column_taken(glimpse_taken_from *from, int *has_offset, int *offset_minutes,
                          sqlite3_stmt *row, int column, const char *taken);
int glimpse_catalog_write_metadata(glimpse_store *store, const glimpse_content_meta *meta);
int glimpse_catalog_describe_content(glimpse_content_meta *out, glimpse_store *store,
                                     glimpse_strings *strings, int64_t picture, int64_t file);
int glimpse_catalog_write_embedding(glimpse_store *store, int64_t model, int64_t picture,
                                    const float *vector, size_t dim);
int glimpse_catalog_embedding(float *vector, glimpse_hash *hash, glimpse_store *store,
                              const glimpse_model_info *model, int64_t picture);

/* Normalises `vector` and adds it; one that is there is kept. */
int glimpse_embedding_insert(glimpse_store *store, int64_t model, int64_t picture, uint32_t part,
                             const float *vector, size_t dim);
/* What embedding.sum holds: a 64-bit hash of model id, picture id, part (but 0) and the stored
 * vector. */
int64_t glimpse_embedding_sum(int64_t model, int64_t picture, uint32_t part, const void *vector,
                              size_t size);
/* Reads columns `first` (picture id), +1 (vector), +2 (sum) of a row, which is one of `part`:
 * checks length and sum, so that a damaged vector is never used (GLIMPSE_E_CORRUPT). *vector is
 * valid until the next step. */
int glimpse_embedding_read(glimpse_db *db, sqlite3_stmt *row, int first, int64_t model,
                           uint32_t part, size_t dim, int64_t *picture, const uint8_t **vector);

/*
 * parts.c: further parts of pictures.
 */
int glimpse_parts_write(glimpse_store *store, int64_t model, int64_t picture, uint32_t part,
                        const float *vector, size_t dim);
int glimpse_parts_find(glimpse_store_parts *out, glimpse_store *store, int64_t model,
                       int64_t picture);
int glimpse_parts_list(glimpse_store *store, int64_t model, glimpse_store_parts_fn visit,
                       void *user);
/* For upkeep: embeddings of tiles of a model, and pictures that have any. */
int glimpse_parts_totals(uint64_t *tiles, uint64_t *tiled, glimpse_db *db, int64_t model);
/* For prune: forgets the tiles of pictures without a file that is to have them. */
int glimpse_parts_forget_tiles(glimpse_store *store, uint64_t *embeddings);

/*
 * indexes.c: the vectors of the models, kept in step with the catalogue.
 */
int glimpse_indexes_get(const glimpse_vectors **out, glimpse_store *store,
                        const glimpse_model_info *model);
int glimpse_indexes_update(glimpse_store *store, const char *fingerprint);
/* The same; `anew`: from nothing, whatever there is. */
int glimpse_indexes_write(glimpse_store *store, const char *fingerprint, int anew);
/* Forgets loaded ones (their models may be gone), also for siblings to come. */
void glimpse_indexes_drop(glimpse_store *store);
/* malloc'ed path of the FAISS file of a model; of its parts. */
int glimpse_indexes_path(char **out, const glimpse_store *store, const char *fingerprint);
int glimpse_indexes_parts_path(char **out, const glimpse_store *store, const char *fingerprint);
/* The model as that of its parts: with their numbers in the place of those of whole pictures. */
glimpse_model_info glimpse_indexes_parts_model(const glimpse_model_info *model);
int glimpse_indexes_get_parts(const glimpse_vectors **out, glimpse_store *store,
                              const glimpse_model_info *model);

/* A read transaction with the connection to itself: enter and leave come with it. */
int glimpse_sqlite_begin_read(glimpse_store *store);
void glimpse_sqlite_end_read(glimpse_store *store);
int glimpse_sqlite_begin(glimpse_store *store);
int glimpse_sqlite_commit(glimpse_store *store);
void glimpse_sqlite_rollback(glimpse_store *store);
int glimpse_sqlite_is_writing(const glimpse_store *store);
int glimpse_sqlite_damaged(glimpse_store *store, const char *what);

#endif
