/*
 * labels.h - labels in the catalogue: as in the table of the store.
 */
#ifndef GLIMPSE_INDEX_SQLITE_LABELS_H
#define GLIMPSE_INDEX_SQLITE_LABELS_H

#include "sqlite_store.h"

int glimpse_labels_write(uint64_t *stored, glimpse_store *store,
                         const glimpse_store_labelling *labelling);
int glimpse_labels_forget(glimpse_store *store, const char *name);
int glimpse_labels_list(glimpse_store *store, glimpse_labelling_fn visit, void *user);
int glimpse_labels_names(glimpse_store *store, const char *label, glimpse_label_name_fn visit,
                         void *user);
int glimpse_labels_of_content(glimpse_store *store, int64_t content, glimpse_stored_label_fn visit,
                              void *user);

#endif
