/*
 * index/dedup/dedup_mih.h - all pairs of 64-bit codes within a Hamming radius, by multi-index
 * hashing.
 *
 * Norouzi, Punjani, Fleet 2012, "Fast search in Hamming space with multi-index hashing": cut the
 * codes into m chunks. When two codes differ in at most r = m r' + a bits (0 <= a < m), then one of
 * the first a + 1 chunks differs in at most r' bits, or one of the others in at most r' - 1. So it
 * is enough to look up, chunk by chunk, the neighbours of a query's chunk in a table of buckets.
 *
 * m is chosen for the least expected work for the number of codes.
 *
 * That finds every pair, and what it costs grows faster than the number of codes: the longer the
 * chunks, the more of them are near. When it is known which bits of a query are weak - of a hash
 * that cuts coefficients at a threshold, those near the threshold - then only buckets are looked up
 * in which weak bits differ, at most two (three when the radius is beyond 12), as Lv et al. 2007
 * ("Multi-probe LSH") choose theirs by how near a query is to the border. Four chunks of 16 to 22
 * bits, overlapping when they are long, are about 100 to 200 look-ups per query for any number of
 * codes. A pair can be missed: that all four chunks differ in more or in firm bits is rare when
 * the codes are those of edits of a picture (docs/dedup.md has figures).
 *
 * Queries are looked up in the order of their chunks, so that the buckets of one are in the cache
 * when the next asks for their neighbours.
 *
 * One table exists at a time: 12 bytes per code (24 while it is made), 4 per query and bucket. A
 * pair that several chunks would find is told once, by the first of them.
 */
#ifndef GLIMPSE_INDEX_DEDUP_MIH_H
#define GLIMPSE_INDEX_DEDUP_MIH_H

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
    const uint64_t *weak;       /* [query_count] bits of a query that may differ; NULL: any */
    size_t query_count;
    unsigned radius;  /* at most 20 */
    unsigned jobs;    /* threads, at least 1 */
    size_t max_equal; /* of equal codes only so many are looked at as base (the first); 0: all */
    size_t max_hits;  /* the nearest per query and table, then by position; 0: all */
    int (*cancelled)(void *user); /* asked now and then by one thread; NULL: never */
    void *user;
} glimpse_mih_job;

/* *hits is malloc'ed, sorted by query, distance, base; the caller frees it. */
int glimpse_mih_join(const glimpse_mih_job *job, glimpse_mih_hit **hits, size_t *count);

#endif
