/*
 * library_private.h - an open library, for the other parts of index/.
 *
 * library.c owns the handle: the catalogue, the writers' lock, the loaded vector indexes. The
 * public functions of <glimpse/library.h> take what they need out of a glimpse_model at once (its
 * fingerprint, name, path and size) and pass a glimpse_model_key on, so that everything below them
 * runs, and is tested, without weights. model_calls.c has those thin public functions.
 */
#ifndef GLIMPSE_INDEX_LIBRARY_PRIVATE_H
#define GLIMPSE_INDEX_LIBRARY_PRIVATE_H

#include "catalog.h"

#include <glimpse/library.h>

/* Borrowed; lives as long as the library. */
glimpse_catalog *glimpse_library_catalog(glimpse_library *library);

/* The key of a model; its strings are borrowed from the model. */
glimpse_model_key glimpse_model_get_key(const glimpse_model *model);

/* Takes the lock that only one writing process has at a time, and removes temporaries that killed
 * writers left behind. `purpose` ("indexing") is shown to whoever finds it taken: GLIMPSE_E_BUSY
 * names the process. GLIMPSE_E_IO when the library is open read-only. Not recursive. */
int glimpse_library_lock(glimpse_library *library, const char *purpose);
void glimpse_library_unlock(glimpse_library *library); /* fine when not held */

/* Brings the FAISS file of a model up to date with the catalogue (appends what is new, rebuilds
 * when something was removed) and writes it if it changed. Call it with the lock held, after the
 * last commit. */
int glimpse_library_update_vectors(glimpse_library *library, const char *fingerprint);

/* The public calls of the same names, for a model that is known by its key. */
int glimpse_library_search_key(glimpse_results **out, glimpse_library *library,
                               const glimpse_model_key *key, const float *query,
                               const glimpse_search_options *options);
int glimpse_library_embedding_key(float *embedding, char *id, glimpse_library *library,
                                  const glimpse_model_key *key, const char *path_or_id);
int glimpse_library_visit_key(glimpse_library *library, const glimpse_model_key *key,
                              const char *path_prefix, glimpse_visit_fn visit, void *user);

#endif
