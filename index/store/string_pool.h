/*
 * string_pool.h - a heap of small strings that live and die together: the texts of a result list.
 */
#ifndef GLIMPSE_INDEX_STRING_POOL_H
#define GLIMPSE_INDEX_STRING_POOL_H

#include <stddef.h>

typedef struct glimpse_strings {
    struct glimpse_strings_chunk *chunks; /* zero-initialise */
} glimpse_strings;

/* A copy with a NUL behind it; NULL when out of memory. It never moves. */
const char *glimpse_strings_add(glimpse_strings *strings, const void *bytes, size_t size);
void glimpse_strings_free(glimpse_strings *strings);

#endif
