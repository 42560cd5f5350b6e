/*
 * index/ingest/pool_read.h - one read of a file, shared by the hash and the decoder.
 */
#ifndef GLIMPSE_INDEX_POOL_READ_H
#define GLIMPSE_INDEX_POOL_READ_H

#include "pool_state.h"

/* Fills job->stamp, hash and content_size and hands over the bytes, or decides on the job (failed,
 * vanished, no picture) and leaves *data NULL. The bytes count in the file budget until
 * glimpse_pool_release() frees them. 1: the system is known to have had all of it in memory. */
int glimpse_pool_read(glimpse_pool *pool, glimpse_pool_job *job, uint8_t **data);
/* Frees the bytes of a file of `file_size` (job->stamp.size) and gives them back to the budget. */
void glimpse_pool_release(glimpse_pool *pool, uint64_t file_size, uint8_t *data);
/* Asks the system to begin reading the files that are READ_AHEAD jobs per worker away, one for each
 * of the `taken` jobs that were just taken: while reads have to be waited for. */
void glimpse_pool_read_ahead(glimpse_pool *pool, size_t taken);
/* How long reading and hashing a file took, which decides about that. */
void glimpse_pool_note_read(glimpse_pool *pool, const glimpse_pool_job *job, double seconds);

#endif
