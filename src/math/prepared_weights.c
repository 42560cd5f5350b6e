/*
 * math/prepared_weights.c - prepared weights in the order in which layers ask for them, out of a
 * cache or for one.
 */
#include "math/prepared_weights.h"

#include "core/error.h"

#include <stdlib.h>

const void *glimpse_prepared_find(glimpse_prepared_weights *prepared, size_t bytes) {
    if (!prepared || !prepared->reading) return NULL;
    if (prepared->next < prepared->count && prepared->entries[prepared->next].bytes == bytes) {
        return prepared->entries[prepared->next++].data;
    }
    prepared->reading = 0;
    return NULL;
}

int glimpse_prepared_keep(glimpse_prepared_weights *prepared, const void *data, size_t bytes) {
    if (!prepared || !prepared->collecting) return GLIMPSE_OK;
    if (prepared->count == prepared->capacity) {
        size_t capacity = prepared->capacity ? 2 * prepared->capacity : 64;
        glimpse_prepared_entry *entries = realloc(prepared->entries, capacity * sizeof *entries);
        if (!entries) return glimpse_fail_nomem(capacity * sizeof *entries, "a list of weights");
        prepared->entries = entries;
        prepared->capacity = capacity;
    }
    prepared->entries[prepared->count++] = (glimpse_prepared_entry){data, bytes};
    return GLIMPSE_OK;
}

void glimpse_prepared_release(glimpse_prepared_weights *prepared) {
    free(prepared->entries);
    *prepared = (glimpse_prepared_weights){.entries = NULL};
}
