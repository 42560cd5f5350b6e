/*
 * index/ingest/pool_worker.h - one worker: read, hash, claim, decode, preprocess, batch, encode.
 */
#ifndef GLIMPSE_INDEX_POOL_WORKER_H
#define GLIMPSE_INDEX_POOL_WORKER_H

#include "pool_state.h"

/* A thread; its argument is a glimpse_pool_worker. */
void *glimpse_pool_work(void *argument);

#endif
