/*
 * core/arena.c - one aligned block of memory that is given out from the front (the layout is in
 * arena.h).
 */
#include "core/arena.h"

#include "core/error.h"

#include <assert.h>
#include <stdlib.h>

enum { ALIGNMENT = 64 };

int glimpse_arena_reserve(glimpse_arena *arena, size_t capacity) {
    if (capacity > SIZE_MAX - ALIGNMENT) {
        return glimpse_fail_nomem(capacity, "a worker's activations");
    }
    size_t rounded = (capacity + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded < ALIGNMENT) rounded = ALIGNMENT;
    uint8_t *base = aligned_alloc(ALIGNMENT, rounded);
    if (!base) return glimpse_fail_nomem(rounded, "a worker's activations");
    *arena = (glimpse_arena){base, 0, rounded, 0};
    return GLIMPSE_OK;
}

void glimpse_arena_release(glimpse_arena *arena) {
    free(arena->base);
    *arena = (glimpse_arena){NULL, 0, 0, 0};
}

void *glimpse_arena_alloc(glimpse_arena *arena, size_t count, size_t size) {
    /* Callers pass shapes that were bounded when the model was opened, so this cannot wrap. */
    assert(size == 0 || count <= SIZE_MAX / 2 / size);
    size_t start = arena->used;
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    arena->used += bytes;
    if (arena->used > arena->peak) arena->peak = arena->used;
    if (!arena->base) return NULL;
    assert(arena->used <= arena->capacity);
    if (arena->used > arena->capacity) return NULL;
    return arena->base + start;
}
