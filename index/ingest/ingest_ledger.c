/*
 * index/ingest_ledger.c - the contents that are being worked on, by hash and size.
 *
 * A claim asks the catalogue and the ledger under one lock, and the committer writes a content and
 * takes it out of the ledger under the same lock. So whoever asks finds a content in at least one
 * of the two, and it is embedded once. Lock order: ledger, then catalogue.
 */
#include "ingest_internal.h"

#include "core/error.h"

#include <string.h>

int glimpse_ledger_init(glimpse_ledger *ledger) {
    memset(ledger, 0, sizeof *ledger);
    if (pthread_mutex_init(&ledger->mutex, NULL) != 0) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a lock");
    }
    ledger->ready = 1;
    return GLIMPSE_OK;
}

void glimpse_ledger_destroy(glimpse_ledger *ledger) {
    if (ledger->ready) (void)pthread_mutex_destroy(&ledger->mutex);
    ledger->ready = 0;
}

static glimpse_ingest_job **bucket_of(glimpse_ledger *ledger, const glimpse_hash *hash) {
    const size_t count = sizeof ledger->buckets / sizeof ledger->buckets[0];
    return &ledger->buckets[((size_t)hash->bytes[0] << 8 | hash->bytes[1]) % count];
}

glimpse_claim glimpse_ledger_claim(glimpse_ledger *ledger, glimpse_store *store, int64_t model,
                                   glimpse_ingest_job *job, int *status) {
    glimpse_claim claim = GLIMPSE_CLAIM_OWN;
    *status = GLIMPSE_OK;
    glimpse_ledger_hold(ledger);
    glimpse_ingest_job **bucket = bucket_of(ledger, &job->hash);
    for (glimpse_ingest_job *owner = *bucket; owner; owner = owner->ledger_next) {
        if (owner->content_size != job->content_size) continue;
        if (memcmp(&owner->hash, &job->hash, sizeof job->hash) != 0) continue;
        job->ledger_next = owner->parked;
        owner->parked = job;
        claim = GLIMPSE_CLAIM_PARKED;
        goto done;
    }
    int64_t content = 0;
    int embedded = 0;
    *status =
        store->ops->contents.find(&content, &embedded, store, &job->hash, job->content_size, model);
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
    job->ledger_next = *bucket;
    *bucket = job;
    job->owns = 1;
done:
    glimpse_ledger_release(ledger);
    return claim;
}

void glimpse_ledger_hold(glimpse_ledger *ledger) {
    (void)pthread_mutex_lock(&ledger->mutex);
}

void glimpse_ledger_release(glimpse_ledger *ledger) {
    (void)pthread_mutex_unlock(&ledger->mutex);
}

void glimpse_ledger_remove(glimpse_ledger *ledger, glimpse_ingest_job *owner) {
    glimpse_ingest_job **at = bucket_of(ledger, &owner->hash);
    while (*at && *at != owner)
        at = &(*at)->ledger_next;
    if (*at) *at = owner->ledger_next;
    owner->ledger_next = NULL;
    owner->owns = 0;
}
