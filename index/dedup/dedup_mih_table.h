/*
 * index/dedup/dedup_mih_table.h - the tables of multi-index hashing: which bits of a code make a
 * chunk, and where the codes with a given chunk are. See dedup_mih.h.
 */
#ifndef GLIMPSE_INDEX_DEDUP_MIH_TABLE_H
#define GLIMPSE_INDEX_DEDUP_MIH_TABLE_H

#include "dedup_mih.h"

enum {
    GLIMPSE_MIH_MAX_RADIUS = 20,
    GLIMPSE_MIH_MAX_CHUNKS = 8,
    GLIMPSE_MIH_MAX_BITS = 26 /* of a chunk */
};

typedef struct glimpse_mih_plan {
    unsigned chunks;
    unsigned bits[GLIMPSE_MIH_MAX_CHUNKS], shift[GLIMPSE_MIH_MAX_CHUNKS];
    int radius[GLIMPSE_MIH_MAX_CHUNKS]; /* -1: no look-up in this chunk */
    size_t max_masks;                   /* look-ups of one query in one table */
} glimpse_mih_plan;

typedef struct glimpse_mih_table {
    uint32_t *offsets; /* [2^bits + 1] */
    uint64_t *codes;   /* [count] in bucket order; room for 16 more, which may be looked ahead to */
    uint32_t *position; /* [count] in job->base */
    /* [query_count] queries by chunk: neighbours find their buckets in the cache */
    uint32_t *order;
    unsigned chunk;
} glimpse_mih_table;

/* For `count` codes in the base. */
void glimpse_mih_choose(glimpse_mih_plan *plan, const glimpse_mih_job *job, size_t count);

/* `kept` [count]: the positions of the base that take part. */
int glimpse_mih_table_build(glimpse_mih_table *table, const glimpse_mih_job *job,
                            const glimpse_mih_plan *plan, unsigned chunk, const uint32_t *kept,
                            size_t count);
void glimpse_mih_table_release(glimpse_mih_table *table);

/* The positions to look at, ascending, malloc'ed: all, or of equal codes the first max_equal. */
int glimpse_mih_keep_some(const glimpse_mih_job *job, uint32_t **kept, size_t *count);

static inline uint32_t glimpse_mih_chunk(const glimpse_mih_plan *p, unsigned c, uint64_t code) {
    return (uint32_t)(code >> p->shift[c] & ((UINT64_C(1) << p->bits[c]) - 1));
}

#endif
