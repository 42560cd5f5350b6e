/*
 * index/ingest/budget.c - the budget, and what a picture will cost judged by its header.
 */
#include "budget.h"

#include "core/error.h"
#include "image/format.h"

#include <string.h>

enum { DECODER_BYTES = 1 << 20 };

int glimpse_budget_init(glimpse_budget *budget, uint64_t limit) {
    memset(budget, 0, sizeof *budget);
    budget->limit = limit;
    if (pthread_mutex_init(&budget->mutex, NULL) != 0) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a lock");
    }
    if (pthread_cond_init(&budget->moved, NULL) != 0) {
        (void)pthread_mutex_destroy(&budget->mutex);
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a condition variable");
    }
    budget->ready = 1;
    return GLIMPSE_OK;
}

void glimpse_budget_destroy(glimpse_budget *budget) {
    if (!budget->ready) return;
    (void)pthread_cond_destroy(&budget->moved);
    (void)pthread_mutex_destroy(&budget->mutex);
    budget->ready = 0;
}

void glimpse_budget_acquire(glimpse_budget *budget, uint64_t bytes) {
    (void)pthread_mutex_lock(&budget->mutex);
    const uint64_t ticket = budget->next_ticket++;
    while (
        ticket != budget->now_serving ||
        (budget->inside > 0 && (bytes > budget->limit || budget->inside > budget->limit - bytes))) {
        (void)pthread_cond_wait(&budget->moved, &budget->mutex);
    }
    budget->now_serving++;
    budget->inside += bytes;
    (void)pthread_cond_broadcast(&budget->moved);
    (void)pthread_mutex_unlock(&budget->mutex);
}

void glimpse_budget_release(glimpse_budget *budget, uint64_t bytes) {
    (void)pthread_mutex_lock(&budget->mutex);
    budget->inside -= bytes;
    (void)pthread_cond_broadcast(&budget->moved);
    (void)pthread_mutex_unlock(&budget->mutex);
}

uint64_t glimpse_estimate_decoding(const void *data, size_t size, uint64_t max_pixels,
                                   int *certain) {
    const glimpse_declared found = glimpse_format_declared(data, size);
    /* No product can wrap: `max_pixels` is capped and compared by division. */
    const uint64_t max = max_pixels < (UINT64_C(1) << 56) ? max_pixels : UINT64_C(1) << 56;
    *certain = !found.unknown;
    if (found.unknown) return max * found.bytes_per_pixel;
    if (found.width == 0 || found.height > max / found.width) return 0;
    /* And what decoders hold whatever the size. */
    return found.width * found.height * found.bytes_per_pixel + DECODER_BYTES;
}
