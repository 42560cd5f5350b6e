/*
 * index/ingest/in_flight.c - the table of contents that workers are busy with, so that equal files
 * are encoded once.
 */
#include "in_flight.h"

#include "core/error.h"

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
    free(job->picture.path);
    free(job);
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

static glimpse_ingest_job **bucket_of(glimpse_in_flight *table, const glimpse_hash *hash) {
    const size_t count = sizeof table->buckets / sizeof table->buckets[0];
    return &table->buckets[((size_t)hash->bytes[0] << 8 | hash->bytes[1]) % count];
}

glimpse_claim glimpse_in_flight_claim(glimpse_in_flight *table, glimpse_store *store, int64_t model,
                                      glimpse_ingest_job *job, int *status) {
    glimpse_claim claim = GLIMPSE_CLAIM_OWN;
    *status = GLIMPSE_OK;
    glimpse_in_flight_lock(table);
    glimpse_ingest_job **bucket = bucket_of(table, &job->picture.hash);
    for (glimpse_ingest_job *owner = *bucket; owner; owner = owner->next) {
        if (owner->picture.content_size != job->picture.content_size) continue;
        if (memcmp(&owner->picture.hash, &job->picture.hash, sizeof job->picture.hash) != 0)
            continue;
        job->next = owner->parked;
        owner->parked = job;
        claim = GLIMPSE_CLAIM_PARKED;
        goto done;
    }
    int64_t content = 0;
    int embedded = 0;
    *status = store->ops->contents.find(&content, &embedded, store, &job->picture.hash,
                                        job->picture.content_size, model);
    if (*status == GLIMPSE_OK && embedded) {
        job->content = content;
        claim = GLIMPSE_CLAIM_KNOWN;
        goto done;
    }
    if (*status < 0 && *status != GLIMPSE_E_NOT_FOUND) {
        claim = GLIMPSE_CLAIM_FAILED;
        goto done;
    }
    *status = GLIMPSE_OK;
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
    glimpse_ingest_job **at = bucket_of(table, &owner->picture.hash);
    while (*at && *at != owner)
        at = &(*at)->next;
    if (*at) *at = owner->next;
    owner->next = NULL;
    owner->owns = 0;
}
