/*
 * library_private.h - an open library, for the other parts of index/.
 *
 * What is done with it goes through its store (store.h). Public functions take what they need out
 * of a glimpse_model at once (its fingerprint, name, path and size) and pass a glimpse_model_key
 * on, so that everything below them runs, and is tested, without weights.
 */
#ifndef GLIMPSE_INDEX_LIBRARY_PRIVATE_H
#define GLIMPSE_INDEX_LIBRARY_PRIVATE_H

#include "store.h"

#include <glimpse/library.h>

/* Borrowed; lives as long as the library. */
glimpse_store *glimpse_library_store(const glimpse_library *library);

/* The key of a model; its strings are borrowed from the model. */
glimpse_model_key glimpse_model_get_key(const glimpse_model *model);

/* The store's: 0 when the library was removed or replaced while it was open. */
int glimpse_library_is_in_place(const glimpse_library *library);
/* The store's lock and unlock. */
int glimpse_library_lock(glimpse_library *library, const char *purpose);
void glimpse_library_unlock(glimpse_library *library);

#endif
