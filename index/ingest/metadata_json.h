/*
 * index/ingest/metadata_json.h - what a file says, as the catalogue keeps it.
 */
#ifndef GLIMPSE_INDEX_METADATA_JSON_H
#define GLIMPSE_INDEX_METADATA_JSON_H

#include <glimpse/sys/metadata.h>

/* A JSON object with the fields that are there (docs/metadata.md names them); free() it. NULL when
 * out of memory. */
char *glimpse_metadata_json(const glimpse_metadata *metadata);

#endif
