/*
 * duplicates.h - decisions about duplicates, and what was worked out about contents: as in the
 * table of the store.
 */
#ifndef GLIMPSE_INDEX_SQLITE_DUPLICATES_H
#define GLIMPSE_INDEX_SQLITE_DUPLICATES_H

#include "sqlite_store.h"

int glimpse_decisions_write_row(int64_t *number, glimpse_store *store, int kind, const char *made,
                                const glimpse_hash *key, const glimpse_decision_member *members,
                                size_t count);
int glimpse_decisions_forget_row(glimpse_store *store, int64_t number);
int glimpse_decisions_list_rows(glimpse_store *store, glimpse_decision_entry_fn visit, void *user);
int glimpse_decisions_list_contents(glimpse_store *store, glimpse_decision_content_fn visit,
                                    void *user);

int glimpse_derived_of_file(glimpse_store *store, glimpse_derived kind, int version,
                            const char *path, const glimpse_file_stamp *stamp,
                            glimpse_derived_fn visit, void *user);
int glimpse_derived_of_content(glimpse_store *store, glimpse_derived kind, int version,
                               const glimpse_hash *hash, uint64_t size, glimpse_derived_fn visit,
                               void *user);
int glimpse_derived_write(glimpse_store *store, glimpse_derived kind, int version,
                          const glimpse_derived_item *items, size_t count);

int glimpse_signatures_write(glimpse_store *store, int64_t picture,
                             const glimpse_signature *signature);
int glimpse_signatures_likeness(glimpse_store_likeness *out, glimpse_store *store, int64_t picture);

#endif
