/*
 * index/ingest/metadata_json.h - what a file says, as the catalogue keeps it.
 */
#ifndef GLIMPSE_INDEX_METADATA_JSON_H
#define GLIMPSE_INDEX_METADATA_JSON_H

#include <glimpse/sys/metadata.h>

/* What the catalogue keeps of it. */
typedef struct glimpse_metadata_row {
    char taken[32], camera[128];
    glimpse_taken_from taken_from;
    int has_offset, offset_minutes, has_gps;
    double latitude, longitude;
    char *fields; /* glimpse_metadata_json(); NULL: nothing was read */
} glimpse_metadata_row;

/* GLIMPSE_E_NOMEM is its only failure. */
int glimpse_metadata_row_fill(glimpse_metadata_row *row, const glimpse_metadata *metadata);

/* A JSON object with the fields that are there (docs/metadata.md names them); free() it. NULL when
 * out of memory. */
char *glimpse_metadata_json(const glimpse_metadata *metadata);

#endif
