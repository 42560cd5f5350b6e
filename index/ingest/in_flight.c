/*
 * index/ingest/in_flight.c - the table of pictures that workers are busy with, so that those in
 * several files are encoded once.
 */
#include "in_flight.h"

#include "core/error.h"
#include "image/format.h"
#include "tiles.h"

#include <stdlib.h>
#include <string.h>

void glimpse_ingest_job_free(glimpse_ingest_job *job) {
    if (!job) return;
    while (job->parked) {
        glimpse_ingest_job *parked = job->parked;
        job->parked = parked->next;
        glimpse_ingest_job_free(parked); /* parked ones have none parked with them */
    }
    glimpse_pool_job_clear(&job->picture);
    free(job->own.fields);
    if (job->beside) free(job->beside->fields);
    free(job->beside);
    free(job->picture.path);
    free(job);
}

int glimpse_ingest_job_read_metadata(glimpse_metadata **out, glimpse_ingest_job *job) {
    const glimpse_pool_job *picture = &job->picture;
    const size_t size = (size_t)picture->content_size;
    *out = NULL;
    if (job->own.fields) return GLIMPSE_OK;
    int status = glimpse_metadata_read(out, picture->bytes, size);
    if (status == GLIMPSE_OK) status = glimpse_metadata_row_fill(&job->own, *out);
    if (status < 0 || !job->sidecars) return status;
    glimpse_metadata *all = NULL;
    job->beside = calloc(1, sizeof *job->beside);
    if (!job->beside) return glimpse_fail_nomem(sizeof *job->beside, "metadata");
    status = glimpse_metadata_read_beside(&all, picture->bytes, size, picture->path);
    if (status == GLIMPSE_OK) status = glimpse_metadata_row_fill(job->beside, all);
    glimpse_metadata_free(all);
    return status;
}

int glimpse_in_flight_init(glimpse_in_flight *table) {
    memset(table, 0, sizeof *table);
    if (pthread_mutex_init(&table->mutex, NULL) != 0) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a lock");
    }
    table->ready = 1;
    return GLIMPSE_OK;
}

void glimpse_in_flight_destroy(glimpse_in_flight *table) {
    if (table->ready) (void)pthread_mutex_destroy(&table->mutex);
    table->ready = 0;
}

static glimpse_ingest_job **bucket_of(glimpse_in_flight *table, const glimpse_hash *identity) {
    const size_t count = sizeof table->buckets / sizeof table->buckets[0];
    return &table->buckets[((size_t)identity->bytes[0] << 8 | identity->bytes[1]) % count];
}

/* 0 when job->known, which is embedded, lacks tiles that are wanted: then it is to be embedded in
 * these alone. */
static int has_tiles(glimpse_store *store, int64_t model, glimpse_ingest_job *job, int *status) {
    glimpse_store_parts found;
    if (!job->picture.wants_tiles) return 1;
    *status = store->ops->picture_parts.find(&found, store, model, job->known);
    if (*status < 0) return 0;
    const uint32_t tiles = glimpse_tiles_of(found.width, found.height, job->tile_side);
    job->picture.skips_whole = glimpse_tiles_count(tiles) > found.parts;
    return !job->picture.skips_whole;
}

/* By the hash of the bytes alone, which is all that is needed of most. 1: known and embedded. */
static int is_known(glimpse_store *store, int64_t model, glimpse_ingest_job *job, int *status) {
    int embedded = 0;
    job->picture.skips_whole = 0;
    *status = store->ops->contents.find(&job->known, &embedded, store, &job->picture.hash,
                                        job->picture.content_size, model);
    if (*status == GLIMPSE_E_NOT_FOUND) *status = GLIMPSE_OK;
    return embedded && has_tiles(store, model, job, status);
}

/* The same, then by its identity. */
static int is_known_picture(glimpse_store *store, int64_t model, glimpse_ingest_job *job,
                            int *status) {
    int embedded = 0;
    job->is_new_content = 0;
    if (is_known(store, model, job, status)) return 1;
    if (*status < 0 || job->known) return 0; /* known, but not to this model */
    *status =
        store->ops->contents.find_identity(&job->known, &embedded, store, &job->identity, model);
    if (*status == GLIMPSE_E_NOT_FOUND) *status = GLIMPSE_OK;
    job->is_new_content = embedded;
    return embedded && has_tiles(store, model, job, status);
}

glimpse_claim glimpse_in_flight_claim(glimpse_in_flight *table, glimpse_store *store, int64_t model,
                                      glimpse_ingest_job *job, const glimpse_metadata *metadata,
                                      int *status) {
    glimpse_claim claim = GLIMPSE_CLAIM_OWN;
    const glimpse_known_file *was = &job->was;
    const size_t size = (size_t)job->picture.content_size;
    int known = 0;
    *status = GLIMPSE_OK;
    /* Of a file that goes on showing its picture nobody is asked: metadata was edited. */
    if (!was->has_identity) {
        known = is_known(store, model, job, status);
        if (*status < 0) return GLIMPSE_CLAIM_FAILED;
        if (known && !job->is_new_identity) return GLIMPSE_CLAIM_KNOWN;
    }
    if (job->picture.is_identified) {
        job->identity = job->picture.identity;
    } else if (glimpse_image_identity_decodes(job->picture.bytes, size)) {
        return GLIMPSE_CLAIM_DECODE;
    } else if (glimpse_image_identity(&job->identity, metadata, job->picture.bytes, size) < 0) {
        *status = glimpse_fail_nomem(64, "the identity of a picture");
        return GLIMPSE_CLAIM_FAILED;
    }
    if (known) return GLIMPSE_CLAIM_KNOWN;
    if (was->has_identity) {
        if (memcmp(&was->identity, &job->identity, sizeof job->identity) == 0) {
            job->known = job->row->picture;
            job->is_new_content = 1;
            return GLIMPSE_CLAIM_KNOWN;
        }
        if (is_known(store, model, job, status)) return GLIMPSE_CLAIM_KNOWN;
        if (*status < 0) return GLIMPSE_CLAIM_FAILED;
    }
    job->is_new_identity = 0; /* comes with the content */
    glimpse_in_flight_lock(table);
    glimpse_ingest_job **bucket = bucket_of(table, &job->identity);
    for (glimpse_ingest_job *owner = *bucket; owner; owner = owner->next) {
        if (memcmp(&owner->identity, &job->identity, sizeof job->identity) != 0) continue;
        job->next = owner->parked;
        owner->parked = job;
        claim = GLIMPSE_CLAIM_PARKED;
        goto done;
    }
    if (is_known_picture(store, model, job, status)) {
        claim = GLIMPSE_CLAIM_KNOWN;
        goto done;
    }
    if (*status < 0) {
        claim = GLIMPSE_CLAIM_FAILED;
        goto done;
    }
    job->next = *bucket;
    *bucket = job;
    job->owns = 1;
done:
    glimpse_in_flight_unlock(table);
    return claim;
}

void glimpse_in_flight_lock(glimpse_in_flight *table) {
    (void)pthread_mutex_lock(&table->mutex);
}

void glimpse_in_flight_unlock(glimpse_in_flight *table) {
    (void)pthread_mutex_unlock(&table->mutex);
}

void glimpse_in_flight_remove(glimpse_in_flight *table, glimpse_ingest_job *owner) {
    glimpse_ingest_job **at = bucket_of(table, &owner->identity);
    while (*at && *at != owner)
        at = &(*at)->next;
    if (*at) *at = owner->next;
    owner->next = NULL;
    owner->owns = 0;
}
