/*
 * store_private.h - what the files of the store share about an open library, beyond what ingest
 * needs: its vector indexes.
 */
#ifndef GLIMPSE_INDEX_STORE_PRIVATE_H
#define GLIMPSE_INDEX_STORE_PRIVATE_H

#include "library_private.h"
#include "vectors.h"

/* malloc'ed path of the FAISS file of a model. */
int glimpse_library_vectors_path(const glimpse_library *library, const char *fingerprint,
                                 char **out);

/* The index of a model, loaded or built, in step with the catalogue as the caller's read
 * transaction sees it; kept until the library is closed. A rebuilt one is saved when nobody holds
 * the lock and the library may be written; failing to save is no failure. */
int glimpse_library_vectors(glimpse_library *library, const glimpse_model_info *model,
                            glimpse_vectors **out);

/* glimpse_library_update_vectors; `anew`: from nothing, whatever there is. */
int glimpse_library_write_vectors(glimpse_library *library, const char *fingerprint, int anew);

/* Forgets loaded indexes (their models may be gone). */
void glimpse_library_drop_vectors(glimpse_library *library);

int glimpse_library_is_read_only(const glimpse_library *library);

#endif
