/*
 * backgrounds.h - the operations on backgrounds (store.h) in SQLite.
 */
#ifndef GLIMPSE_INDEX_BACKGROUNDS_H
#define GLIMPSE_INDEX_BACKGROUNDS_H

#include "sqlite_store.h"

int glimpse_backgrounds_load(glimpse_store_background *out, glimpse_store *store, int64_t model);
int glimpse_backgrounds_write(glimpse_store *store, int64_t model,
                              const glimpse_store_background *background);

#endif
