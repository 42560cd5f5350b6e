/*
 * collections.h - a person's own tags and albums in the catalogue: as in the table of the store.
 *
 *   collection           a tag or an album by its name, unique but for case within its kind
 *   collection_picture   a picture of it, with its position among those of an album
 *
 * A picture that is in one stays in the catalogue when its last file is forgotten (prune.c): what a
 * person said of it cannot be made again, and counts again when a file of it comes back.
 */
#ifndef GLIMPSE_INDEX_SQLITE_COLLECTIONS_H
#define GLIMPSE_INDEX_SQLITE_COLLECTIONS_H

#include "sqlite_store.h"

#define GLIMPSE_COLLECTION_SUM         "glimpse_sum(kind, name, folded, created)"
#define GLIMPSE_COLLECTION_PICTURE_SUM "glimpse_sum(collection_id, picture_id, position)"

/* The step of the schema that made them. */
extern const char glimpse_collections_step[];

int glimpse_collections_create(glimpse_store *store, glimpse_collection_kind kind,
                               const char *name);
int glimpse_collections_add(unsigned char *touched, glimpse_store *store,
                            glimpse_collection_kind kind, const char *name, const int64_t *pictures,
                            size_t count, size_t position);
int glimpse_collections_remove(unsigned char *touched, glimpse_store *store,
                               glimpse_collection_kind kind, const char *name,
                               const int64_t *pictures, size_t count);
int glimpse_collections_rename(uint64_t *renamed, glimpse_store *store,
                               glimpse_collection_kind kind, const char *from, const char *to);
int glimpse_collections_forget(glimpse_store *store, glimpse_collection_kind kind,
                               const char *name);
int glimpse_collections_list(glimpse_store *store, glimpse_collection_kind kind,
                             glimpse_collection_fn visit, void *user);
int glimpse_collections_of_picture(glimpse_store *store, glimpse_collection_kind kind,
                                   int64_t picture, glimpse_collection_name_fn visit, void *user);
int glimpse_collections_pictures(glimpse_store *store, glimpse_collection_kind kind,
                                 const char *name, int (*visit)(void *user, int64_t picture),
                                 void *user);

/* Pictures without a file: *kept of them are in a collection. With `forget` they are taken out, and
 * *forgotten counts them instead. Within a write transaction. */
int glimpse_collections_prune(uint64_t *kept, uint64_t *forgotten, glimpse_db *db, int forget);

#endif
