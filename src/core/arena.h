/*
 * core/arena.h - one aligned block, carved from the front: the activations of one worker.
 *
 *     [ a | pad | b | pad | c | ................ free ]
 *       ^mark                 ^used                   ^capacity
 *
 * The owner measures the worst case first (glimpse_arena with base NULL only counts), reserves
 * once and then runs without allocating. Every piece starts on a 64-byte boundary: a cache line,
 * and the widest vector register.
 */
#ifndef GLIMPSE_CORE_ARENA_H
#define GLIMPSE_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_arena {
    uint8_t *base; /* NULL: measuring, nothing is handed out */
    size_t used, capacity, peak;
} glimpse_arena;

/* Reserves `capacity` bytes; GLIMPSE_E_NOMEM on failure. */
int glimpse_arena_reserve(glimpse_arena *arena, size_t capacity);
void glimpse_arena_release(glimpse_arena *arena);

/* `count` items of `size` bytes, not cleared. NULL when measuring (base is NULL) or, which the
 * plan makes a programmer's error, when the block is too small. */
void *glimpse_arena_alloc(glimpse_arena *arena, size_t count, size_t size);

/* Everything taken after the mark is given back. */
static inline size_t glimpse_arena_mark(const glimpse_arena *arena) {
    return arena->used;
}
static inline void glimpse_arena_rewind(glimpse_arena *arena, size_t mark) {
    arena->used = mark;
}

#endif
