/*
 * numbers.h - numbers as bytes, the lowest byte first.
 */
#ifndef GLIMPSE_INDEX_SEARCH_NUMBERS_H
#define GLIMPSE_INDEX_SEARCH_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* `bytes`, 1 to 8, of it; returns what is behind them. */
static inline uint8_t *glimpse_number_write(uint8_t *to, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        *to++ = (uint8_t)(value >> 8 * i);
    return to;
}

static inline const uint8_t *glimpse_number_read(uint64_t *value, const uint8_t *from,
                                                 size_t bytes) {
    *value = 0;
    for (size_t i = 0; i < bytes; i++)
        *value |= (uint64_t)*from++ << 8 * i;
    return from;
}

#endif
