/*
 * upkeep.h - looking after a catalogue and its vector files: as in the table of the store.
 */
#ifndef GLIMPSE_INDEX_SQLITE_UPKEEP_H
#define GLIMPSE_INDEX_SQLITE_UPKEEP_H

#include "sqlite_store.h"

int glimpse_upkeep_count(glimpse_store_counts *out, glimpse_store *store, int64_t model);
uint64_t glimpse_upkeep_bytes(const glimpse_store *store);
int glimpse_upkeep_verify(uint64_t *checked, uint64_t *problems, glimpse_store *store,
                          glimpse_problem_fn report, void *user);
int glimpse_upkeep_reindex(glimpse_store *store);
int glimpse_upkeep_prune(glimpse_prune_report *report, glimpse_store *store,
                         const glimpse_prune_options *options);

#endif
