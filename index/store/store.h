/*
 * store.h - where a library is kept, as the rest of index/ sees it.
 *
 * A store holds what is known: models, roots, files, contents (what the bytes of files are), their
 * embeddings, labels, captions, decisions, answers. Everything that index/ does with it goes
 * through one table of operations, glimpse_store_ops, which speaks in these words alone: no
 * operation takes or returns a statement, a query text or an index of some library. SQLite + FAISS
 * (sqlite/, faiss/) is one implementation; another is one more table. docs/library.md says what is
 * kept how.
 *
 *     glimpse_store *store = glimpse_library_store(library);                  // library_private.h
 *     const glimpse_store_ops *ops = store->ops;
 *     ops->lock(store, "indexing");
 *     ops->models.use(&model, store, &key);
 *     for each root:
 *         glimpse_store_root_reachable(&reachable, store, root);
 *         ops->roots.put(store, root, is_directory, !reachable);
 *         ops->files.load(&table, store, root, model);                       // one query
 *         while walking: glimpse_file_row *row = glimpse_file_table_find(table, path);
 *             row && glimpse_file_row_fresh(row, &stamp) -> nothing to do; row->seen = 1 anyway
 *             directory that cannot be read -> glimpse_file_table_keep(table, directory)
 *             other files -> hash -> ops->contents.find(): known and embedded -> only files.bind;
 *             known, not embedded or unknown -> decode, encode, contents.put,
 *             contents.write_embedding, files.bind; broken -> files.quarantine
 *         glimpse_store_finish_scan(&missing, &left_out, store, root, table);
 *     writes go between ops->begin() and ops->commit(), a batch at a time
 *     ops->vectors.update(store, fingerprint);
 *     ops->unlock(store);
 *
 * What every implementation promises
 *   - A file is ok with a content, or quarantined with a code and a reason and no content. An
 *     embedding belongs to a model and a content that exist, once, and is never changed; adding or
 *     removing one moves its model's generation, count and digest in the same transaction.
 *   - Row ids of contents are never used again. Ids are the store's own; those that people see are
 *     hashes.
 *   - Paths are bytes, absolute, without a trailing slash ("/" excepted), "." or "..", and compared
 *     as bytes. "Below DIRECTORY" means DIRECTORY itself or DIRECTORY/...; never a mere prefix.
 *
 * Visitors: operations on many things call a function with one after the other, in the order that
 * is said there. What a visitor is given is valid during the call. It may call operations that
 * read; it must not write. A non-zero return ends the visit and is what the operation returns.
 *
 * Transactions: begin_read ... end_read sees one state of everything; they nest, also in a write
 * transaction. begin ... commit or rollback writes; these do not nest. An operation that says so
 * has a transaction of its own.
 *
 * Errors are statuses with a message, never those of a database. GLIMPSE_E_CORRUPT whenever damage
 * is found, with what to do about it, and from then on nothing more is written through this handle;
 * GLIMPSE_E_BUSY when somebody else blocks for too long; GLIMPSE_E_IO (disk full, read-only). After
 * a failure inside a write transaction call rollback. GLIMPSE_E_NOT_FOUND comes without a message
 * where looking something up is the ordinary case.
 *
 * Threads: a handle is used by one thread at a time for reading and writing, except that any thread
 * may look up files and contents (files.find, contents.find, picture_parts.find, derived.*) while
 * one thread writes. begin_read keeps other threads out until end_read. Handles of one store are
 * independent; those made by open_sibling share what is loaded of the vectors.
 */
#ifndef GLIMPSE_INDEX_STORE_H
#define GLIMPSE_INDEX_STORE_H

#include "core/hash.h"
#include "file_paths.h"
#include "file_table.h"
#include "string_pool.h"

#include <glimpse/actions.h>
#include <glimpse/build.h>
#include <glimpse/captions.h>
#include <glimpse/library.h>
#include <glimpse/listing.h>
#include <glimpse/status.h>
#include <glimpse/stored_labels.h>
#include <glimpse/sys/metadata.h>
#include <glimpse/sys/signature.h>
#include <glimpse/tags.h>

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_store_ops glimpse_store_ops;

/* The common part of every handle; an implementation's own is larger. Constant while it is open. */
typedef struct glimpse_store {
    const glimpse_store_ops *ops;
    char *path; /* absolute: names the library to people */
    int read_only;
    /* Asked by verify and reindex between steps; NULL: never. */
    int (*cancelled)(void *user);
    void *cancelled_user;
} glimpse_store;

/* Opens what `path` names, with the implementation that it belongs to; GLIMPSE_LIBRARY_... flags
 * and failures of <glimpse/library.h>. */
int glimpse_store_open(glimpse_store **out, const char *path, unsigned flags);
/* Another handle of the same store, for another thread, which shares loaded vectors with this one.
 * May be called while another thread uses `store`. */
int glimpse_store_open_sibling(glimpse_store **out, const glimpse_store *store);
void glimpse_store_close(glimpse_store *store); /* rolls back what is not committed; NULL is fine */

/* The implementation for what is kept at `path`; NULL: the one for this machine's own files. For
 * what belongs to no library: journals, answers in a place of their own, neighbours of rows. */
const glimpse_store_ops *glimpse_store_backend(const char *path);

/*
 * Models.
 */
typedef struct glimpse_model_key {
    const char *fingerprint; /* 32 hexadecimal digits */
    const char *name, *path;
    size_t dim; /* E */
} glimpse_model_key;

typedef struct glimpse_model_info {
    int64_t id;
    char fingerprint[33];
    size_t dim;
    uint64_t embedded;   /* embeddings of this model */
    uint64_t generation; /* moves with every change to them */
    uint64_t digest;     /* of all of them together, whatever their order: says whether a vector
                            index holds these embeddings and no others */
    /* The same of further parts of pictures; `embedded` and so on are of whole ones alone. */
    uint64_t parts, parts_generation, parts_digest;
} glimpse_model_info;

/* Bytes that its vectors take in memory at most, while they are loaded or grow: halves, ids, and as
 * much again. */
static inline uint64_t glimpse_vectors_memory(const glimpse_model_info *model) {
    return 2 * model->embedded * (2 * (uint64_t)model->dim + 16);
}

/* The same of the vectors of its pictures' parts. */
static inline uint64_t glimpse_parts_memory(const glimpse_model_info *model) {
    return 2 * model->parts * (2 * (uint64_t)model->dim + 16);
}

typedef struct glimpse_store_model {
    glimpse_model_info info;
    const char *name, *path;
    const char *index_state;   /* "ok", "missing", "stale", "damaged" */
    uint64_t index_bytes;      /* of what is derived and kept for it */
    int is_default, is_chosen; /* it is asked when nobody says which; somebody made it so */
} glimpse_store_model;
typedef int (*glimpse_store_model_fn)(void *user, const glimpse_store_model *model);

struct glimpse_models_ops {
    /* Finds or adds the model, brings name and path (made absolute) up to date and makes it the
     * most recently used one; where no model is the default, it becomes that as chosen.
     * GLIMPSE_E_CORRUPT when the fingerprint is there with another dim. */
    int (*use)(int64_t *id, glimpse_store *store, const glimpse_model_key *key);
    /* Finds or adds it, and makes it the default instead of the one that was. */
    int (*set_default)(glimpse_store *store, const glimpse_model_key *key, int is_chosen);
    /* Pictures with an embedding of `model`, and of any. */
    int (*coverage)(uint64_t *covered, uint64_t *all, glimpse_store *store, int64_t model);
    /* GLIMPSE_E_NOT_FOUND, with a message, when nothing was ever indexed with it. */
    int (*find)(glimpse_model_info *out, glimpse_store *store, const char *fingerprint);
    /* Most recently used first. */
    int (*list)(glimpse_store *store, glimpse_store_model_fn visit, void *user);
};

/*
 * Roots: directories that were indexed. A file that was indexed by itself has a row as all files,
 * and no root.
 */
typedef struct glimpse_root_options {  /* all 0: the defaults */
    int follow_links, include_nomedia; /* of the walk */
    const char *const *exclude;
    size_t exclude_count;
    int tiles; /* its pictures are embedded in tiles as well */
} glimpse_root_options;
/* 1 when some are not the defaults. */
int glimpse_root_options_any(const glimpse_root_options *options);

typedef struct glimpse_root {
    char *path;
    int is_directory;
    int offline; /* as of the last put */
    glimpse_root_options options;
    char *patterns; /* what options.exclude points to */
} glimpse_root;
void glimpse_roots_free(glimpse_root *roots, size_t count);
/* The most specific of `roots` that `path` is below, or NULL. */
const glimpse_root *glimpse_root_of(const glimpse_root *roots, size_t count, const char *path);

struct glimpse_roots_ops {
    int (*write)(glimpse_store *store, const char *path, int is_directory, int offline);
    /* Keeps the options of a root that was written. */
    int (*write_options)(glimpse_store *store, const char *path,
                         const glimpse_root_options *options);
    int (*list)(glimpse_root **out, size_t *count, glimpse_store *store); /* by path */
};

/*
 * Filters: which files a search or a visit is about, a place and a time.
 */
typedef struct glimpse_filter { /* an implementation's own is larger */
    int has_path, has_dates, has_where;
    size_t max_files; /* no more files pass; SIZE_MAX: nobody knows */
} glimpse_filter;

/* One of the contents that a filter lets through. */
typedef int (*glimpse_content_fn)(void *user, int64_t content, const glimpse_hash *hash,
                                  uint64_t size);
/* What lies directly in a directory: the file or directory `path`, and how many files that is. */
typedef int (*glimpse_child_fn)(void *user, const char *path, size_t files);
typedef struct glimpse_content_choice {
    int passes;
    glimpse_hash hash; /* when it passes */
    uint64_t size;
} glimpse_content_choice;

struct glimpse_filters_ops {
    /* `within` [within_count], `after` and `before` as in glimpse_search_options. Takes a look at
     * which paths are known. */
    int (*open)(glimpse_filter **out, glimpse_store *store, const char *const *within,
                size_t within_count, const char *after, const char *before);
    /* Adds what `options` ask for beside a place: where, after, before, labels. Once, before the
     * filter is used; GLIMPSE_E_INVALID for what makes no sense. */
    int (*narrow)(glimpse_filter *filter, glimpse_store *store,
                  const glimpse_search_options *options);
    void (*close)(glimpse_filter *filter); /* NULL is fine */
    /* 1 when some file that is not missing is named place `i` of `within`, or lies below it. */
    int (*holds_file)(const glimpse_filter *filter, size_t i);
    /* The first components of the paths below the absolute `directory`, in their order: `files`
     * that are not missing, counted up to a thousand. A `visit` that returns non-zero ends it. */
    int (*children)(glimpse_store *store, const char *directory, glimpse_child_fn visit,
                    void *user);
    /* *files: how many lie in the filter's place, missing ones too; counted up to `limit`. */
    int (*count_files)(size_t *files, glimpse_store *store, const glimpse_filter *filter,
                       size_t limit);
    /* Which of `contents` [count] have a file that is not missing and passes, and all of `labels`
     * [label_count] (glimpse_search_options). */
    int (*choose)(glimpse_content_choice *choices, glimpse_store *store,
                  const glimpse_filter *filter, const char *const *labels, size_t label_count,
                  const int64_t *contents, size_t count);
    /* All contents that `choose` lets through, in no particular order. */
    int (*contents)(glimpse_store *store, const glimpse_filter *filter, const char *const *labels,
                    size_t label_count, glimpse_content_fn visit, void *user);
    /* All contents with a file in the filter's place that is not missing, by the first of its
     * paths. */
    int (*pictures)(glimpse_store *store, const glimpse_filter *filter,
                    int (*visit)(void *user, int64_t content), void *user);
    int (*count_pictures)(size_t *count, glimpse_store *store, const glimpse_filter *filter);
    /* Files that pass, are not missing and have a picture, in the order of glimpse/listing.h. */
    int (*list)(glimpse_store *store, const glimpse_filter *filter, glimpse_sort sort, int reverse,
                int (*visit)(void *user, int64_t file, int64_t picture), void *user);
};

/*
 * Files.
 */
typedef struct glimpse_store_file { /* of a picture that was asked about */
    const char *path;
    int64_t mtime_ns;
    int passes; /* the filter */
    int64_t id; /* for `describe` */
    uint64_t size;
} glimpse_store_file;
typedef int (*glimpse_store_file_fn)(void *user, const glimpse_store_file *file);

typedef struct glimpse_content_meta glimpse_content_meta;
typedef struct glimpse_store_picture { /* a file with its content and embedding */
    const char *path;
    int64_t mtime_ns;
    glimpse_hash hash;
    uint64_t size;
    uint32_t width, height;
    const char *format, *taken;
    glimpse_taken_from taken_from; /* of `taken` */
    int has_offset, offset_minutes;
    size_t copies;          /* files with this content that are not missing */
    const float *embedding; /* [dim] */
} glimpse_store_picture;
typedef int (*glimpse_store_picture_fn)(void *user, const glimpse_store_picture *picture);

/* What there is of a file that has a picture. */
typedef struct glimpse_known_file {
    int64_t content; /* what its bytes are; 0: it has none */
    glimpse_hash hash;
    uint64_t size; /* of these */
    int has_identity;
    glimpse_hash identity; /* of its picture */
} glimpse_known_file;

typedef int (*glimpse_store_described_fn)(void *user, const char *path, int64_t mtime_ns,
                                          const glimpse_content_meta *meta);

struct glimpse_files_ops {
    /* All known files below `root`, missing ones too, in path order, with `embedded` for `model`
     * (0: none). One query. */
    int (*load)(glimpse_file_table **out, glimpse_store *store, const char *root, int64_t model);
    /* One file; row->path is NULL (the caller has it). GLIMPSE_E_NOT_FOUND. */
    int (*find)(glimpse_file_row *row, glimpse_store *store, const char *path, int64_t model);
    /* The present files below no root, indexed one by one: malloc'ed, in path order. */
    int (*list_single)(char ***paths, size_t *count, glimpse_store *store);
    /* The picture of a file that has one. GLIMPSE_E_NOT_FOUND. */
    int (*picture_of)(int64_t *picture, glimpse_store *store, const char *path);
    /* *known: 1 when a file below `directory` is known and not missing; left out ones count. */
    int (*any_below)(int *known, glimpse_store *store, const char *directory);
    /* Adds the file or brings it up to date: ok, present, with the content that has this hash and
     * size, which is there. */
    int (*bind)(glimpse_store *store, const char *path, const glimpse_file_stamp *stamp,
                const glimpse_hash *hash, uint64_t size);
    /* Adds the file or brings it up to date: present, quarantined. `code` is the negative status of
     * the failure, `reason` its message (glimpse_last_error() at the time), kept to 1000 bytes. */
    int (*quarantine)(glimpse_store *store, const char *path, const glimpse_file_stamp *stamp,
                      int code, const char *reason);
    /* [count], of files by their ids (glimpse_file_table_id). */
    int (*known)(glimpse_known_file *out, glimpse_store *store, const int64_t *files, size_t count);
    /* Brings a file that has a picture, and goes on showing it, up to date, as bind does. `content`
     * is another one of that picture, or 0: it has the one that it had. */
    int (*update)(glimpse_store *store, int64_t file, const glimpse_file_stamp *stamp,
                  int64_t content);
    /* What the sidecars of a known file were when they were read, and what the file says with them:
     * date, camera, place and `fields` of `meta`. 0: there are none (`meta` may be NULL). */
    int (*set_sidecars)(glimpse_store *store, const char *path, int64_t stamp,
                        const glimpse_content_meta *meta);
    /* Removes the file's row, never a content; fine when there is none. For an entry that turned
     * out to be no file. */
    int (*forget)(glimpse_store *store, const char *path);
    /* `id` as of the file table; `absence` as row->missing. Wherever else a file is "not missing",
     * it is not left out either. */
    int (*set_missing)(glimpse_store *store, int64_t id, int absence);
    /* The files of a content that are not missing, by path. */
    int (*of_content)(glimpse_store *store, const glimpse_filter *filter, int64_t content,
                      glimpse_store_file_fn visit, void *user);
    /* The files in the filter's place that are not missing and have an embedding, by path. */
    int (*embedded)(glimpse_store *store, const glimpse_filter *filter,
                    const glimpse_model_info *model, glimpse_store_picture_fn visit, void *user);
    /* All that are not missing and have a content, by path; `meta` and the path are borrowed. */
    int (*described)(glimpse_store *store, glimpse_store_described_fn visit, void *user);
    /* All that are not missing; those of them that are quarantined, by path. */
    int (*present)(glimpse_store *store, int (*visit)(void *user, const char *path), void *user);
    int (*quarantined)(glimpse_store *store,
                       int (*visit)(void *user, const char *path, const char *reason), void *user);
};

/*
 * Pictures, contents and embeddings.
 *
 * A content is what the bytes of a file are; a picture is what they show: metadata can be edited,
 * which makes another content of the same picture. Everything that is stored (embeddings, labels,
 * captions, what was worked out) belongs to the picture and to a part of it: a frame, a page or a
 * second, or a crop of one (struct glimpse_parts_ops); 0 is the picture as it is seen whole.
 * Handles (int64_t content, picture) everywhere in this file are those of pictures, unless it says
 * "bytes". Every picture has an id, which never changes: the hash of the first bytes that it was
 * known by.
 */
struct glimpse_content_meta {
    glimpse_hash hash; /* of the bytes; `describe`: the id of the picture */
    uint64_t size;     /* bytes of the file */
    int has_identity;
    glimpse_hash identity;  /* glimpse_image_identity() */
    uint32_t width, height; /* upright */
    int orientation;        /* EXIF 1..8 */
    const char *format;     /* "JPEG" */
    const char *taken;      /* "2021-05-30T14:03:59" or "" */
    const char *camera;     /* or "" */
    int has_gps;
    double latitude, longitude;
    glimpse_taken_from taken_from; /* of `taken`: GLIMPSE_TAKEN_EXIF or _XMP, _UNKNOWN for none */
    int has_offset;
    int offset_minutes;
    const char *fields; /* all that the file says, a JSON object; NULL: it was not asked */
    /* `describe` alone: */
    int has_rating;
    double rating;
    int64_t added; /* when the picture came, in seconds since 1970; 0: not known */
};

/* Goes up when files are to be read again for what they say. */
#define GLIMPSE_METADATA_VERSION 2

struct glimpse_contents_ops {
    /* The picture that the bytes with this hash and size show, and whether it has an embedding of
     * `model`. GLIMPSE_E_NOT_FOUND when they are not known; *embedded may be NULL. */
    int (*find)(int64_t *picture, int *embedded, glimpse_store *store, const glimpse_hash *hash,
                uint64_t size, int64_t model);
    /* Likewise by the identity of the picture. */
    int (*find_identity)(int64_t *picture, int *embedded, glimpse_store *store,
                         const glimpse_hash *identity, int64_t model);
    /* By its id, or by the hash of any bytes that are known to show it. GLIMPSE_E_NOT_FOUND. */
    int (*find_id)(int64_t *picture, glimpse_store *store, const glimpse_hash *id);
    /* *id: of the picture that bytes with this hash show, or that `identity` (NULL: not known) is
     * of; `hash` itself when neither is known. */
    int (*id_of)(glimpse_hash *id, int *known, glimpse_store *store, const glimpse_hash *hash,
                 const glimpse_hash *identity);
    /* In a transaction of its own: from now on `id_of` this identity is `id`, the hash of bytes
     * that nobody indexed and that something is kept about. One that is there stays. */
    int (*keep_id)(glimpse_store *store, const glimpse_hash *id, const glimpse_hash *identity);
    /* Adds the bytes, and the picture when neither they nor its identity are known. What is there
     * already gets the new metadata; its identity, when it had none. */
    int (*write)(int64_t *picture, glimpse_store *store, const glimpse_content_meta *meta);
    /* Adds bytes that show a picture which is there: hash, size, date, camera, place and fields.
     * *is_new is 0 when they were known, whatever they were taken to show; then they get the new
     * metadata. *content: of the bytes. */
    int (*attach)(int64_t *content, int *is_new, glimpse_store *store, int64_t picture,
                  const glimpse_content_meta *meta);
    /* Bytes give way to others that show the same picture: hash, size, date, camera, place and
     * fields, where `file` shows the old ones, no other file does (also none that is missing), and
     * the new ones are not known. Else *replaced is 0, and nothing was done. */
    int (*replace)(int *replaced, glimpse_store *store, int64_t content, int64_t file,
                   const glimpse_content_meta *meta);
    /* *picture: the highest id there is, 0: none. Every later one is above it. */
    int (*newest)(int64_t *picture, glimpse_store *store);
    /* *lacking: 1 when the identity of some picture is not known. */
    int (*lack_identity)(int *lacking, glimpse_store *store);
    /* The identity of a picture that has none yet. */
    int (*identify)(glimpse_store *store, int64_t picture, const glimpse_hash *identity);
    /* Of bytes that are there (hash and size): date, camera, place and `fields` of `meta` alone. */
    int (*write_metadata)(glimpse_store *store, const glimpse_content_meta *meta);
    /* Id, width, height, format and `added` of a picture; size, date (with where it is from),
     * camera, place, rating and fields of its file (by glimpse_store_file.id; 0: of the first
     * bytes). Texts are added to `strings`. GLIMPSE_E_NOT_FOUND. */
    int (*describe)(glimpse_content_meta *out, glimpse_store *store, glimpse_strings *strings,
                    int64_t picture, int64_t file);
    /* Normalises `vector` [dim] and stores it as f16. One that is there already is kept as it is
     * (same input, same output). GLIMPSE_E_INVALID when it is zero or not finite. */
    int (*write_embedding)(glimpse_store *store, int64_t model, int64_t content,
                           const float *vector, size_t dim);
    /* `vector` [model->dim]: what is stored. GLIMPSE_E_NOT_FOUND. */
    int (*embedding)(float *vector, glimpse_hash *hash, glimpse_store *store,
                     const glimpse_model_info *model, int64_t content);
};

/*
 * Further parts of pictures, and their embeddings. A part is 64 * unit + crop:
 *
 *     unit   0: the picture itself; n: its n-th frame, page or second, whichever its format has
 *     crop   0: all of it; 1 to 4: tiles of 2 x 2; 5 to 13: of 3 x 3; 14 to 63: kept for others
 *
 * Part 0 is the picture whole, which the operations above are about.
 */
enum {
    GLIMPSE_PART_CROPS = 64,       /* of a unit */
    GLIMPSE_PART_LIMIT = 0x7fffff, /* the largest part */
    GLIMPSE_PART_KEY_BITS = 23     /* of a part, in a key */
};

/* A part of a picture in one number: parts of a picture follow each other. */
static inline int64_t glimpse_part_key(int64_t picture, uint32_t part) {
    return (int64_t)((uint64_t)picture << GLIMPSE_PART_KEY_BITS | part);
}
static inline int64_t glimpse_part_key_picture(int64_t key) {
    return key >> GLIMPSE_PART_KEY_BITS;
}
static inline uint32_t glimpse_part_key_part(int64_t key) {
    return (uint32_t)(key & GLIMPSE_PART_LIMIT);
}

/* A picture, and how many of its parts have an embedding of the model. */
typedef struct glimpse_store_parts {
    int64_t picture;
    uint32_t width, height, parts;
} glimpse_store_parts;
typedef int (*glimpse_store_parts_fn)(void *user, const glimpse_store_parts *picture);

typedef struct glimpse_vectors glimpse_vectors;

struct glimpse_parts_ops {
    /* As contents.write_embedding, of a part from 1 to GLIMPSE_PART_LIMIT. */
    int (*write)(glimpse_store *store, int64_t model, int64_t picture, uint32_t part,
                 const float *vector, size_t dim);
    /* One picture. GLIMPSE_E_NOT_FOUND. Any thread. */
    int (*find)(glimpse_store_parts *out, glimpse_store *store, int64_t model, int64_t picture);
    /* All that have an embedding of the model themselves, in no particular order. */
    int (*list)(glimpse_store *store, int64_t model, glimpse_store_parts_fn visit, void *user);
    /* As vectors.get, of all parts but whole pictures: hits' `content` is a glimpse_part_key(). */
    int (*vectors)(const glimpse_vectors **out, glimpse_store *store,
                   const glimpse_model_info *model);
    /* The rows of a picture in them, by part. */
    int (*rows)(const glimpse_vectors *vectors, int64_t picture,
                int (*visit)(void *user, uint32_t part, int64_t row), void *user);
};

/*
 * Vectors: the embeddings of one model, to be searched.
 */
typedef struct glimpse_vector_hit {
    int64_t content;
    int64_t row; /* the store's own: where to read it again */
    float score;
} glimpse_vector_hit;

/* The nearest of `base` [base_count][width] for each of `queries`, told one query after the other:
 * `found` [k] positions (-1: none) with `scores` [k], cosines of unit rows, best first. */
typedef struct glimpse_nearest_job {
    const float *const *base, *const *queries;
    size_t base_count, query_count, width, k;
    int (*visit)(void *user, size_t query, const float *scores, const int64_t *found);
    void *user;
} glimpse_nearest_job;

struct glimpse_vectors_ops {
    /* All embeddings of the model, in the state that the caller's read transaction sees. Borrowed:
     * until the next call for this model, or the handle is closed. What had to be made anew is kept
     * for others where that is possible; that it is not is no failure. */
    int (*get)(const glimpse_vectors **out, glimpse_store *store, const glimpse_model_info *model);
    size_t (*count)(const glimpse_vectors *vectors);
    /* The `k` best for `query` [dim], of unit length, best first; k is at most the count. Scores
     * are within error_bound of the inner product with what is stored. */
    int (*search)(glimpse_vector_hit *hits, const glimpse_vectors *vectors, const float *query,
                  size_t k);
    double (*error_bound)(size_t dim);
    /* *row: of a content, -1 when there is none. */
    int (*find)(int64_t *row, const glimpse_vectors *vectors, int64_t content);
    /* `values` [dim]: what is stored, exactly. */
    int (*row)(float *values, const glimpse_vectors *vectors, int64_t row);
    /* Brings what is derived from the embeddings of a model up to date (appends what is new, makes
     * it anew when something was removed). With the lock held, after the last commit. */
    int (*update)(glimpse_store *store, const char *fingerprint);
    /* About rows in memory, of no library. */
    int (*nearest)(const glimpse_nearest_job *job);
};

/*
 * Labels (glimpse/stored_labels.h).
 */
enum { GLIMPSE_NO_CLASS = -1 };
typedef struct glimpse_store_label {
    glimpse_hash hash;   /* of the content */
    int32_t class_index; /* GLIMPSE_NO_CLASS begins a content; its labels follow */
    float probability, score;
} glimpse_store_label;

typedef struct glimpse_store_labelling {
    const char *name, *fingerprint, *classifier, *settings, *created;
    const char *const *classes; /* [class_count] */
    size_t class_count;
    const glimpse_store_label *labels; /* [label_count] */
    size_t label_count;
} glimpse_store_labelling;

struct glimpse_labels_ops {
    /* In a transaction of its own; meaning and `stored` as for glimpse_labelling_commit. */
    int (*write)(uint64_t *stored, glimpse_store *store, const glimpse_store_labelling *labelling);
    /* Likewise. GLIMPSE_E_NOT_FOUND, with a message. */
    int (*forget)(glimpse_store *store, const char *name);
    int (*list)(glimpse_store *store, glimpse_labelling_fn visit, void *user); /* by name */
    /* As glimpse_library_label_names. */
    int (*names)(glimpse_store *store, const char *label, glimpse_label_name_fn visit, void *user);
    /* By labelling; of one the most probable first. */
    int (*of_content)(glimpse_store *store, int64_t content, glimpse_stored_label_fn visit,
                      void *user);
};

/*
 * Tags and albums (glimpse/tags.h); names are clean. What writes does so within a write
 * transaction.
 */
struct glimpse_collections_ops {
    /* GLIMPSE_E_INVALID when it is there. */
    int (*create)(glimpse_store *store, glimpse_collection_kind kind, const char *name);
    /* `pictures` [count], each once, as glimpse_library_collect says; touched[i] becomes 1 where
     * something changes for pictures[i]. */
    int (*add)(unsigned char *touched, glimpse_store *store, glimpse_collection_kind kind,
               const char *name, const int64_t *pictures, size_t count, size_t position);
    /* Likewise. From here on GLIMPSE_E_NOT_FOUND, with a message, for a name that is not there. */
    int (*remove)(unsigned char *touched, glimpse_store *store, glimpse_collection_kind kind,
                  const char *name, const int64_t *pictures, size_t count);
    /* As glimpse_library_rename_collection; 0 when all are called so already. */
    int (*rename)(uint64_t *renamed, glimpse_store *store, glimpse_collection_kind kind,
                  const char *from, const char *to);
    int (*forget)(glimpse_store *store, glimpse_collection_kind kind, const char *name);
    int (*list)(glimpse_store *store, glimpse_collection_kind kind, glimpse_collection_fn visit,
                void *user); /* by name */
    int (*of_picture)(glimpse_store *store, glimpse_collection_kind kind, int64_t picture,
                      glimpse_collection_name_fn visit, void *user); /* by name */
    /* In the order of an album. */
    int (*pictures)(glimpse_store *store, glimpse_collection_kind kind, const char *name,
                    int (*visit)(void *user, int64_t picture), void *user);
};

/*
 * Captions (glimpse/captions.h).
 */
typedef struct glimpse_store_caption_filter {
    int64_t content;            /* 0: any */
    int style;                  /* GLIMPSE_CAPTION_ANY */
    const char *model, *prompt; /* NULL: any */
} glimpse_store_caption_filter;
typedef int (*glimpse_caption_match_fn)(void *user, int64_t content, int64_t caption, double score);

struct glimpse_captions_ops {
    /* In a transaction of its own. Those of contents that are not there are left out; *stored
     * counts the others. The captions are in order (glimpse_library_store_captions checks them). */
    int (*write)(size_t *stored, glimpse_store *store, const glimpse_caption *captions,
                 size_t count, const char *created);
    int (*forget)(uint64_t *forgotten, glimpse_store *store,
                  const glimpse_store_caption_filter *filter); /* its own transaction */
    int (*list)(glimpse_store *store, const glimpse_store_caption_filter *filter,
                glimpse_caption_fn visit, void *user);
    /* Captions that `text` finds (glimpse_search_options.captions), best first by BM25; equal
     * scores in no particular order. A positive return of `visit` ends it without a failure. */
    int (*match)(glimpse_store *store, const char *text, glimpse_caption_match_fn visit,
                 void *user);
    /* *text: of one, added to `strings`; NULL when it is gone. */
    int (*text)(const char **text, glimpse_store *store, glimpse_strings *strings, int64_t caption);
};

/*
 * Answers of vision-language models (glimpse/response_cache.h): a handle of their own, because an
 * answer is committed by itself and must not wait for, or be rolled back with, anything else. Any
 * thread.
 */
typedef struct glimpse_responses glimpse_responses;
typedef struct glimpse_response {
    glimpse_hash key;
    const char *contents, *model, *prompt, *parameters, *answer, *made;
} glimpse_response;

struct glimpse_responses_ops {
    int (*open)(glimpse_responses **out, const char *path); /* made when it does not exist */
    int (*open_store)(glimpse_responses **out, const glimpse_store *store);
    void (*close)(glimpse_responses *responses); /* NULL is fine */
    int (*is_read_only)(const glimpse_responses *responses);
    /* *answer: malloc'ed, NULL when there is none that is whole. */
    int (*find)(char **answer, glimpse_responses *responses, const glimpse_hash *key);
    int (*write)(glimpse_responses *responses, const glimpse_response *response);
    /* *id: of the picture that the bytes with this hash show, or that `identity` (NULL: not known)
     * is of; unchanged when there is none. Then it is remembered as that of `identity`, for when
     * the same picture comes in other bytes. */
    int (*picture_id)(glimpse_hash *id, glimpse_responses *responses, const glimpse_hash *identity);
    int (*count)(int64_t *count, glimpse_responses *responses);
    /* Of one model, or all (NULL). */
    int (*forget)(int64_t *forgotten, glimpse_responses *responses, const char *model);
};

/*
 * Decisions about duplicates (glimpse/decisions.h).
 */
typedef struct glimpse_decision_member {
    glimpse_hash hash; /* the picture's id, as far as it was known when that was decided */
    /* stored: where it was then; listed: a present file of it, where there is one */
    const char *path;
    int copies; /* 1: files of its bytes, too */
} glimpse_decision_member;
typedef struct glimpse_decision_entry { /* one member of one decision */
    int64_t number;
    int kind;
    const char *made;
    glimpse_decision_member member;
} glimpse_decision_entry;
typedef int (*glimpse_decision_entry_fn)(void *user, const glimpse_decision_entry *entry);
typedef int (*glimpse_decision_content_fn)(void *user, const glimpse_hash *member,
                                           const glimpse_hash *bytes);

struct glimpse_decisions_ops {
    /* Instead of one with the same key. In a transaction of its own, as forget. */
    int (*write)(int64_t *number, glimpse_store *store, int kind, const char *made,
                 const glimpse_hash *key, const glimpse_decision_member *members, size_t count);
    int (*forget)(glimpse_store *store, int64_t number); /* GLIMPSE_E_NOT_FOUND, with a message */
    int (*list)(glimpse_store *store, glimpse_decision_entry_fn visit, void *user); /* by number */
    /* The hashes of bytes that show a picture which decisions are about, and its id, other than the
     * one that it has there. */
    int (*contents)(glimpse_store *store, glimpse_decision_content_fn visit, void *user);
};

/*
 * What was worked out about a picture and can be again: is kept under any content that shows it,
 * and is found only in the version asked for and when it is what was stored; for other contents of
 * the picture as well, whatever they say. Any thread.
 */
typedef enum glimpse_derived {
    GLIMPSE_DERIVED_FINGERPRINT,
    GLIMPSE_DERIVED_THUMBNAIL
} glimpse_derived;
typedef struct glimpse_derived_item {
    glimpse_hash hash; /* and size: the content */
    uint64_t size;
    const void *data;
    size_t data_size;
    glimpse_hash id; /* of the picture; set by the store */
} glimpse_derived_item;
/* 1: taken, 0: of no use. */
typedef int (*glimpse_derived_fn)(void *user, const glimpse_derived_item *item);

struct glimpse_derived_ops {
    /* 1 when there is one of the file that has this stamp, inode included, and `take` took it. */
    int (*of_file)(glimpse_store *store, glimpse_derived kind, int version, const char *path,
                   const glimpse_file_stamp *stamp, glimpse_derived_fn visit, void *user);
    int (*of_content)(glimpse_store *store, glimpse_derived kind, int version,
                      const glimpse_hash *hash, uint64_t size, glimpse_derived_fn visit,
                      void *user);
    /* In a transaction of its own. Those of contents that are not there are left out. */
    int (*write)(glimpse_store *store, glimpse_derived kind, int version,
                 const glimpse_derived_item *items, size_t count);
};

/*
 * What searches with a model are judged by (search/relevance.h): one a model, bytes to the store.
 * Goes with the model. Derived: what is damaged is as good as none.
 */
typedef struct glimpse_store_background {
    glimpse_hash key; /* of what it was made from */
    void *data;       /* [size] */
    size_t size;
} glimpse_store_background;

struct glimpse_backgrounds_ops {
    /* out->data is malloc'ed. GLIMPSE_E_NOT_FOUND. */
    int (*load)(glimpse_store_background *out, glimpse_store *store, int64_t model);
    /* Instead of the one there is; in a transaction of its own, with the lock held. */
    int (*write)(glimpse_store *store, int64_t model, const glimpse_store_background *background);
};

/*
 * What tells near-duplicates and bursts among pictures.
 */
typedef struct glimpse_store_likeness {
    uint32_t width, height;
    int has_signature; /* 0: it was embedded by a version that made none */
    glimpse_signature signature;
    char taken[20];  /* "2021-05-30T14:03:59" as its bytes say, "" */
    char camera[64]; /* "" without a date; its beginning */
} glimpse_store_likeness;

struct glimpse_signatures_ops {
    /* In the transaction that is open. One of this version that is there is kept. */
    int (*write)(glimpse_store *store, int64_t picture, const glimpse_signature *signature);
    /* GLIMPSE_E_NOT_FOUND for a picture that is not there. A row of another version, or one that
     * does not match its checksum, is as good as none. Any thread. */
    int (*likeness)(glimpse_store_likeness *out, glimpse_store *store, int64_t picture);
};

/*
 * The journal of actions on files (glimpse/actions.h): a handle of its own and no part of a
 * library, because duplicates are looked for in directories that no library knows, and a library
 * that is thrown away must not take with it what is needed to put files back. Each call is on the
 * disk when it returns. One thread.
 */
typedef struct glimpse_journal glimpse_journal;
typedef struct glimpse_journal_step {
    int64_t id, run;
    glimpse_action_kind kind; /* of the run */
    int state;                /* of actions: 1 to 7 */
    char *path, *other, *keeper, *info;
    int crossing;
    char hash[GLIMPSE_HASH_HEX];
    char keeper_hash[GLIMPSE_HASH_HEX]; /* "": not written down by the version that acted */
    uint64_t size;
    int64_t mtime_ns;
    unsigned mode;
    uint64_t inode, new_inode;
    int64_t new_mtime_ns;
    int64_t companion_of; /* the step of the picture that the file goes with; 0: none */
    char relation[24];    /* to the keeper, as the manifest has it */
} glimpse_journal_step;

struct glimpse_journal_ops {
    int (*open)(glimpse_journal **out, const char *directory); /* made when it does not exist */
    void (*close)(glimpse_journal *journal);                   /* NULL is fine */
    int (*begin_run)(int64_t *run, glimpse_journal *journal, glimpse_action_kind kind,
                     const char *started);
    int (*add)(int64_t *id, glimpse_journal *journal, const glimpse_journal_step *step);
    int (*set_new)(glimpse_journal *journal, int64_t id, uint64_t inode, int64_t mtime_ns);
    int (*set_state)(glimpse_journal *journal, int64_t id, int state);
    /* Steps of a run (0: of all) whose state is in `states` (a bit per state), last first. The step
     * and its strings are borrowed. */
    int (*steps)(glimpse_journal *journal, int64_t run, unsigned states,
                 int (*visit)(void *user, const glimpse_journal_step *step), void *user);
    /* The latest run with a step that is done, of those that are about duplicates.
     * GLIMPSE_E_NOT_FOUND. */
    int (*latest)(int64_t *run, glimpse_journal *journal);
    int (*runs)(glimpse_journal *journal, int (*visit)(void *user, const glimpse_action_run *run),
                void *user); /* in order */
    /* The directory in which a run lists its files (NULL: as it was), and whether that list is what
     * the steps say. */
    int (*set_manifest)(glimpse_journal *journal, int64_t run, const char *directory,
                        int is_current);
    /* The manifest of a run, if it has one; run 0: those that are not current. */
    int (*manifests)(glimpse_journal *journal, int64_t run,
                     int (*visit)(void *user, int64_t run, const char *directory), void *user);
    /* Directories that runs made: noted with the run (a later one takes them over), listed, the
     * innermost first, as *path (malloc'ed, NULL: no more) when that run has nothing there any
     * more, and forgotten. */
    int (*note_directory)(glimpse_journal *journal, const char *path, int64_t run);
    int (*next_directory)(char **path, glimpse_journal *journal);
    int (*forget_directory)(glimpse_journal *journal, const char *path);
};

/*
 * Looking after it (glimpse/library.h).
 */
typedef struct glimpse_store_counts {
    uint64_t files, missing, embedded, duplicates, pending; /* as in glimpse_library_status */
    uint64_t left_out, captions, captioned;
    uint64_t tiles, tiled; /* embeddings of tiles of the model, and pictures that have any */
} glimpse_store_counts;

struct glimpse_upkeep_ops {
    int (*count)(glimpse_store_counts *out, glimpse_store *store, int64_t model);
    /* Bytes on the disk of all that is not derived. */
    uint64_t (*bytes)(const glimpse_store *store);
    /* *problems were told to `report` (may be NULL); a failure is one of reading, or
     * GLIMPSE_E_CANCELLED. */
    int (*verify)(uint64_t *checked, uint64_t *problems, glimpse_store *store,
                  glimpse_problem_fn report, void *user);
    /* With the lock held. Makes everything anew that is derived; GLIMPSE_E_CANCELLED leaves each
     * index as it was or as it is to be. */
    int (*reindex)(glimpse_store *store);
    int (*prune)(glimpse_prune_report *report, glimpse_store *store,
                 const glimpse_prune_options *options);
    /* *unfinished: 1 while the store comes from an older version and the files of its pictures were
     * not read for their identities; `finish`, in a transaction of its own, makes it 0 when there
     * is none left. */
    int (*is_unfinished)(int *unfinished, glimpse_store *store);
    /* Pictures without an identity that have a file which is not missing. */
    int (*count_unidentified)(uint64_t *count, glimpse_store *store);
    int (*finish)(glimpse_store *store);
};

/*
 * The table.
 */
struct glimpse_store_ops {
    const char *name;
    /* [*count]: what this is made with, for reports. */
    const glimpse_build_part *(*parts)(size_t *count);

    /* Called through glimpse_store_open and its like. */
    int (*open)(glimpse_store **out, const char *path, unsigned flags);
    int (*open_sibling)(glimpse_store **out, const glimpse_store *store);
    void (*close)(glimpse_store *store);

    /* 1 while the store that is open is the one that is to be found where it was opened; 0 when it
     * was removed, moved or replaced. Then lock, begin and commit fail (GLIMPSE_E_NOT_FOUND,
     * GLIMPSE_E_CORRUPT), and reading goes on in what is open. May be called by any thread. */
    int (*is_in_place)(const glimpse_store *store);

    /* The lock that one writer at a time has, in whatever process; `purpose` ("indexing") is shown
     * to whoever finds it taken: GLIMPSE_E_BUSY names the process. GLIMPSE_E_IO when the store is
     * open for reading only. Not recursive. */
    int (*lock)(glimpse_store *store, const char *purpose);
    /* GLIMPSE_E_IO, with the reason, when `lock` would be refused because the store is open for
     * reading only: to be asked before hours of work whose result is to be written. */
    int (*check_writable)(const glimpse_store *store);
    void (*unlock)(glimpse_store *store); /* fine when not held */

    int (*begin)(glimpse_store *store);
    int (*commit)(glimpse_store *store);
    void (*rollback)(glimpse_store *store); /* fine outside a transaction */
    int (*is_writing)(const glimpse_store *store);
    int (*begin_read)(glimpse_store *store);
    void (*end_read)(glimpse_store *store); /* once for each begin_read that succeeded */

    /* Damage that was found above the store (a checksum, a reference): sets the message, sees to it
     * that nothing more is written through this handle, returns GLIMPSE_E_CORRUPT. */
    int (*damaged)(glimpse_store *store, const char *what);

    struct glimpse_models_ops models;
    struct glimpse_roots_ops roots;
    struct glimpse_filters_ops filters;
    struct glimpse_files_ops files;
    struct glimpse_contents_ops contents;
    struct glimpse_parts_ops picture_parts;
    struct glimpse_vectors_ops vectors;
    struct glimpse_labels_ops labels;
    struct glimpse_collections_ops collections;
    struct glimpse_captions_ops captions;
    struct glimpse_responses_ops responses;
    struct glimpse_decisions_ops decisions;
    struct glimpse_derived_ops derived;
    struct glimpse_backgrounds_ops backgrounds;
    struct glimpse_signatures_ops signatures;
    struct glimpse_journal_ops journal;
    struct glimpse_upkeep_ops upkeep;
};

/*
 * Made of operations, for every implementation.
 */

/* Looks at the disk now. *reachable is 0 when a directory cannot be opened, or is empty although
 * files below it are known (an unmounted mount point); for a single file as
 * glimpse_store_file_reachable says. A path never indexed before is looked at in the same way. */
int glimpse_store_root_reachable(int *reachable, glimpse_store *store, const char *path);
/* 1 when `path`, a file, is there, or what is there of the directories that it was in says that it
 * is gone; 0 where it may be on a volume that is away. `ctime_ns` is its own as of when it was
 * indexed, 0: not known. */
int glimpse_store_file_reachable(const char *path, int64_t ctime_ns);

/* The end of a complete walk of `root` with its table: rows not seen become missing, those that
 * were left out are that from now on, missing ones that were seen come back; nothing else is
 * written. Rows below another root that is offline (a nested one) are left alone. *missing and
 * *left_out: how many rows below `root` are that now (NULL allowed). Do not call it after a walk
 * that was cut short, nor for an offline root. Makes its own transaction unless one is open. */
int glimpse_store_finish_scan(uint64_t *missing, uint64_t *left_out, glimpse_store *store,
                              const char *root, glimpse_file_table *table);

/* The content that is given by its id (32 hex digits; tried first), by the path of a file as it is
 * written, or by where that path really is. GLIMPSE_E_NOT_FOUND, without a message. */
int glimpse_store_content_of(int64_t *content, glimpse_store *store, const char *path_or_id);

/* *id: `id_of` the bytes of the file `path`, whose hash is `hash`; they are read only when the hash
 * is not known, and then their *identity is set as well. *known: 1, 0 for neither, and for a file
 * that cannot be read or has other bytes, which is no failure. */
int glimpse_store_id_of_file(glimpse_hash *id, int *known, glimpse_hash *identity,
                             glimpse_store *store, const char *path, const glimpse_hash *hash);

/* How long the vectors of other models of the same name are, "16, 48"; "" without. Beginnings of a
 * Matryoshka model's vectors are another model to the store, of the same name. In a read. */
int glimpse_store_other_lengths(char *text, size_t capacity, glimpse_store *store,
                                const glimpse_model_key *key);
/* The model of a key: GLIMPSE_E_NOT_FOUND, in words for people, when nothing was indexed with it,
 * GLIMPSE_E_CORRUPT when the store has another dim. */
int glimpse_store_find_model(glimpse_model_info *out, glimpse_store *store,
                             const glimpse_model_key *key);

#endif
