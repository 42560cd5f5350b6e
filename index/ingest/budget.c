/*
 * index/ingest/budget.c - the gate, and what a picture will cost judged by its header.
 */
#include "budget.h"

#include "core/error.h"
#include "image/format.h"

#include <string.h>

enum { DECODER_BYTES = 1 << 20 };

int glimpse_gate_init(glimpse_gate *gate, uint64_t limit) {
    memset(gate, 0, sizeof *gate);
    gate->limit = limit;
    if (pthread_mutex_init(&gate->mutex, NULL) != 0) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a lock");
    }
    if (pthread_cond_init(&gate->moved, NULL) != 0) {
        (void)pthread_mutex_destroy(&gate->mutex);
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a condition variable");
    }
    gate->ready = 1;
    return GLIMPSE_OK;
}

void glimpse_gate_destroy(glimpse_gate *gate) {
    if (!gate->ready) return;
    (void)pthread_cond_destroy(&gate->moved);
    (void)pthread_mutex_destroy(&gate->mutex);
    gate->ready = 0;
}

void glimpse_gate_enter(glimpse_gate *gate, uint64_t bytes) {
    (void)pthread_mutex_lock(&gate->mutex);
    const uint64_t ticket = gate->next_ticket++;
    while (ticket != gate->now_serving ||
           (gate->inside > 0 && (bytes > gate->limit || gate->inside > gate->limit - bytes))) {
        (void)pthread_cond_wait(&gate->moved, &gate->mutex);
    }
    gate->now_serving++;
    gate->inside += bytes;
    (void)pthread_cond_broadcast(&gate->moved);
    (void)pthread_mutex_unlock(&gate->mutex);
}

void glimpse_gate_leave(glimpse_gate *gate, uint64_t bytes) {
    (void)pthread_mutex_lock(&gate->mutex);
    gate->inside -= bytes;
    (void)pthread_cond_broadcast(&gate->moved);
    (void)pthread_mutex_unlock(&gate->mutex);
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
