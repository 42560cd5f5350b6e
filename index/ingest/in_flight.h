/*
 * index/ingest/in_flight.h - the pictures that are being worked on, by identity.
 *
 * A claim asks the catalogue and this table under one lock, and the committer writes a picture and
 * takes it out of the table under the same lock. So whoever asks finds a picture in at least one of
 * the two, and it is embedded once. Lock order: table, then catalogue.
 */
#ifndef GLIMPSE_INDEX_IN_FLIGHT_H
#define GLIMPSE_INDEX_IN_FLIGHT_H

#include "metadata_json.h"
#include "pool.h"
#include "store.h"

#include <pthread.h>

/* A file to be indexed. */
typedef struct glimpse_ingest_job {
    glimpse_pool_job picture; /* first: the pool hands this around; its path is owned */
    glimpse_file_row *row;    /* what the catalogue knew, or NULL; belongs to the file table */
    int64_t sidecars;         /* glimpse_sidecar_stamp() before it was read */
    glimpse_known_file was; /* ... of it when it was read last; no content: not asked, or nothing */
    int is_refresh;         /* unchanged, and read for what it says alone */
    int is_directory;
    int owns;                 /* its picture, in the table */
    int64_t known;            /* the picture, of a known one */
    int is_same;              /* its bytes are those that it had */
    int is_new_content;       /* its picture is known, and its bytes are not, as far as was asked */
    uint32_t tile_side;       /* with picture.wants_tiles: the shortest that tiles may have */
    int is_new_identity;      /* `identity` is to be stored with the known picture */
    glimpse_hash identity;    /* of the picture; not of one that is known with it */
    glimpse_metadata_row own; /* what its bytes say, where that was read */
    glimpse_metadata_row *beside; /* and with its sidecars, where it has some */

    struct glimpse_ingest_job *parked; /* jobs with the same picture, latest first */
    struct glimpse_ingest_job *next;   /* in the table's bucket, or in `parked` */
} glimpse_ingest_job;

void glimpse_ingest_job_free(glimpse_ingest_job *job); /* and what is parked with it */
/* What the file says, into `own` and `beside`; *out: by its bytes, to be freed. A claim that is
 * asked a second time finds that done (*out is NULL). */
int glimpse_ingest_job_read_metadata(glimpse_metadata **out, glimpse_ingest_job *job);

typedef struct glimpse_in_flight {
    pthread_mutex_t mutex;
    int ready;
    glimpse_ingest_job *buckets[1024];
} glimpse_in_flight;

int glimpse_in_flight_init(glimpse_in_flight *table);
void glimpse_in_flight_destroy(glimpse_in_flight *table); /* also of a zeroed one */

typedef enum glimpse_claim {
    GLIMPSE_CLAIM_OWN,    /* the job is now to be decoded and encoded */
    GLIMPSE_CLAIM_KNOWN,  /* job->known is embedded already, in tiles, too, where that is wanted */
    GLIMPSE_CLAIM_DECODE, /* to be asked again when it was identified by its pixels */
    GLIMPSE_CLAIM_PARKED, /* somebody else is at it; the job is no longer the caller's */
    GLIMPSE_CLAIM_FAILED  /* the catalogue cannot be asked; see *status and the last error */
} glimpse_claim;
/* Reads job->picture.bytes where their hash does not answer it; `metadata` is what they say (NULL:
 * to be read, where that is needed). */
glimpse_claim glimpse_in_flight_claim(glimpse_in_flight *table, glimpse_store *store, int64_t model,
                                      glimpse_ingest_job *job, const glimpse_metadata *metadata,
                                      int *status);

/* The committer holds the table while it writes an owner's fate and takes it out: no moment in
 * between at which a content is neither in flight nor in the catalogue. */
void glimpse_in_flight_lock(glimpse_in_flight *table);
void glimpse_in_flight_remove(glimpse_in_flight *table, glimpse_ingest_job *owner); /* locked */
void glimpse_in_flight_unlock(glimpse_in_flight *table);

#endif
