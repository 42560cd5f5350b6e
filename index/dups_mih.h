/*
 * index/dups_mih.h - all pairs of 64-bit codes within a Hamming radius, by multi-index hashing.
 *
 * Norouzi, Punjani, Fleet 2012, "Fast search in Hamming space with multi-index hashing": cut the
 * codes into m chunks. When two codes differ in at most r = m r' + a bits (0 <= a < m), then one of
 * the first a + 1 chunks differs in at most r' bits, or one of the others in at most r' - 1. So it
 * is enough to look up, chunk by chunk, the neighbours of a query's chunk in a table of buckets.
 *
 * m is chosen for the least expected work for the number of codes. With chunks of about log2 n bits
 * a bucket holds about one code, and work per query grows slower than any power of n.
 *
 * One table exists at a time: 12 bytes per code and 4 per bucket. A pair that several chunks would
 * find is told once, by the first of them.
 */
#ifndef GLIMPSE_INDEX_DUPS_MIH_H
#define GLIMPSE_INDEX_DUPS_MIH_H

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_mih_hit {
    uint32_t query, base; /* positions */
    uint32_t distance;
} glimpse_mih_hit;

typedef struct glimpse_mih_job {
    const uint64_t *base;
    const uint32_t *base_item; /* [base_count] what a code belongs to */
    size_t base_count;
    const uint64_t *queries;
    const uint32_t *query_item; /* [query_count]; codes of one item are no pair */
    size_t query_count;
    unsigned radius;   /* at most 20 */
    unsigned jobs;     /* threads, at least 1 */
    size_t most_equal; /* of equal codes only so many are looked at as base (the first); 0: all */
    size_t most_hits;  /* the nearest per query and table, then by position; 0: all */
    int (*cancelled)(void *user); /* asked now and then by one thread; NULL: never */
    void *user;
} glimpse_mih_job;

/* *hits is malloc'ed, sorted by query, distance, base; the caller frees it. */
int glimpse_mih_join(const glimpse_mih_job *job, glimpse_mih_hit **hits, size_t *count);

#endif
