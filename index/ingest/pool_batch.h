/*
 * index/ingest/pool_batch.h - the batch that forms across workers.
 *
 * A prepared picture is copied into the forming batch, and the worker that fills it takes it away
 * and encodes it. A batch is full at `batch` pictures; once all is produced, earlier: what is left
 * is cut into ever smaller shares, so that all workers end at about the same time. A batch that
 * nobody adds to for FLUSH_MS is encoded as it is.
 */
#ifndef GLIMPSE_INDEX_POOL_BATCH_H
#define GLIMPSE_INDEX_POOL_BATCH_H

#include "pool_state.h"

/* Adds w->rgb for `job` or a tile of it. 1 when it is in; *full is then the batch that the caller
 * has to encode, or NULL. 0 when there is no memory for a batch. */
int glimpse_batch_add(glimpse_batch **full, glimpse_pool_worker *w, glimpse_pool_job *job,
                      uint32_t tile);
/* The forming batch, when it waits too long for its next picture or (at the end) any; or NULL. */
glimpse_batch *glimpse_batch_flush(glimpse_pool *pool, int at_end);
/* Keeps the memory of an encoded batch as the worker's spare, or frees it. */
void glimpse_batch_recycle(glimpse_pool_worker *w, glimpse_batch *batch);
void glimpse_batch_free(glimpse_pool *pool, glimpse_batch *batch);

#endif
