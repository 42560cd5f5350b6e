/*
 * index/dedup/dedup_mih_table.c - builds the tables of multi-index hashing, one for each chunk of
 * the codes.
 */
#include "dedup_mih_table.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_BALL = 1 << 18 };
/* With weak bits: tables, bits of a chunk, and how many bits may differ in one: one more beyond a
 * radius that is wider than usual. */
enum {
    GUIDED_CHUNKS = 4, /* 3 for MANY codes */
    MANY = 4 << 20,
    MIN_BITS = 16,
    MAX_BITS = 22,
    GUIDED_FLIPS = 2,
    WIDE_RADIUS = 12
};

static double binomial(unsigned n, unsigned k) {
    double c = 1;
    for (unsigned i = 0; i < k; i++)
        c = c * (n - i) / (i + 1);
    return c;
}

static double ball(unsigned bits, int radius) {
    double size = 0;
    for (int k = 0; k <= radius && k <= (int)bits; k++)
        size += binomial(bits, (unsigned)k);
    return size;
}

static void lay_out(glimpse_mih_plan *p, unsigned chunks, unsigned radius) {
    unsigned shift = 0, whole = radius / chunks, rest = radius % chunks;
    memset(p, 0, sizeof *p);
    p->chunks = chunks;
    for (unsigned c = 0; c < chunks; c++) {
        p->bits[c] = 64 / chunks + (c < 64 % chunks);
        p->shift[c] = shift;
        p->radius[c] = (int)whole - (c > rest);
        shift += p->bits[c];
    }
}

/* The cheapest number of chunks: a bucket looked up costs about as much as ten codes compared. */
static void choose_exact(glimpse_mih_plan *best, size_t count, unsigned radius) {
    double min = -1;
    lay_out(best, 4, radius);
    for (unsigned chunks = 2; chunks <= GLIMPSE_MIH_MAX_CHUNKS; chunks++) {
        glimpse_mih_plan p;
        double cost = 0;
        lay_out(&p, chunks, radius);
        if (p.bits[0] > GLIMPSE_MIH_MAX_BITS) continue;
        for (unsigned c = 0; c < chunks; c++) {
            if (p.radius[c] < 0) continue;
            double probes = ball(p.bits[c], p.radius[c]);
            double filled = (double)count / (double)(UINT64_C(1) << p.bits[c]);
            cost += probes > MAX_BALL ? 1e18 : probes * (10 + filled);
        }
        if (min < 0 || cost < min) min = cost, *best = p;
    }
}

/* Chunks so long that a bucket holds a few codes, spread over the code; long ones overlap. */
static void choose_guided(glimpse_mih_plan *p, size_t count, unsigned radius) {
    unsigned bits = MIN_BITS, flips = GUIDED_FLIPS + (radius > WIDE_RADIUS);
    while (bits < MAX_BITS && count >> (bits + 4) > 0)
        bits++;
    p->chunks = GUIDED_CHUNKS - (count >= MANY);
    for (unsigned c = 0; c < p->chunks; c++) {
        p->bits[c] = bits;
        p->shift[c] = (c * (64 - bits) + (p->chunks - 1) / 2) / (p->chunks - 1);
        p->radius[c] = (int)(flips < radius ? flips : radius);
    }
}

void glimpse_mih_choose(glimpse_mih_plan *plan, const glimpse_mih_job *job, size_t count) {
    memset(plan, 0, sizeof *plan);
    if (job->weak) {
        choose_guided(plan, count, job->radius);
    } else {
        choose_exact(plan, count, job->radius);
    }
    for (unsigned c = 0; c < plan->chunks; c++) {
        size_t masks = plan->radius[c] < 0 ? 0 : (size_t)ball(plan->bits[c], plan->radius[c]);
        if (masks > plan->max_masks) plan->max_masks = masks;
    }
}

void glimpse_mih_table_release(glimpse_mih_table *t) {
    free(t->offsets);
    free(t->codes);
    free(t->position);
    free(t->order);
    memset(t, 0, sizeof *t);
}

/* Read at random: in large pages, where there are any, a look-up misses the cache once and not
 * twice.
 */
static void *reserve(size_t size) {
    enum { PAGE = 2 << 20 };
    void *capacity = NULL;
    if (size < 2 * (size_t)PAGE) return malloc(size);
    if (posix_memalign(&capacity, PAGE, (size + PAGE - 1) / PAGE * PAGE) != 0) return NULL;
#ifdef MADV_HUGEPAGE
    (void)madvise(capacity, size / PAGE * PAGE, MADV_HUGEPAGE);
#endif
    return capacity;
}

/* Queries by chunk. */
static int sort_queries(glimpse_mih_table *t, const glimpse_mih_job *job,
                        const glimpse_mih_plan *p) {
    const size_t buckets = (size_t)1 << p->bits[t->chunk];
    uint32_t *starts = calloc(buckets + 1, sizeof *starts);
    if (!starts) return glimpse_fail_nomem(buckets * 4, "a table of hashes");
    for (size_t q = 0; q < job->query_count; q++)
        starts[glimpse_mih_chunk(p, t->chunk, job->queries[q]) + 1]++;
    for (size_t b = 0; b < buckets; b++)
        starts[b + 1] += starts[b];
    for (size_t q = 0; q < job->query_count; q++)
        t->order[starts[glimpse_mih_chunk(p, t->chunk, job->queries[q])]++] = (uint32_t)q;
    free(starts);
    return GLIMPSE_OK;
}

/* Codes by chunk, in two steps that each stay within the caches: by the PART_BITS highest bits of
 * the chunk, then every part by the others. Order within a bucket is kept. */
static void sort_codes(glimpse_mih_table *t, const glimpse_mih_job *job, const glimpse_mih_plan *p,
                       const uint32_t *kept, size_t count, uint64_t *codes, uint32_t *position) {
    enum { PART_BITS = 8, PARTS = 1 << PART_BITS };
    const unsigned c = t->chunk, shift = p->bits[c] - PART_BITS;
    const size_t of_part = (size_t)1 << shift;
    uint32_t starts[PARTS + 1] = {0}, next[PARTS];
    for (size_t i = 0; i < count; i++)
        starts[(glimpse_mih_chunk(p, c, job->base[kept[i]]) >> shift) + 1]++;
    for (size_t k = 0; k < PARTS; k++)
        starts[k + 1] += starts[k];
    memcpy(next, starts, sizeof next);
    for (size_t i = 0; i < count; i++) {
        uint64_t code = job->base[kept[i]];
        uint32_t at = next[glimpse_mih_chunk(p, c, code) >> shift]++;
        codes[at] = code;
        position[at] = kept[i];
    }
    memset(t->offsets, 0, PARTS * of_part * sizeof *t->offsets);
    for (size_t k = 0; k < PARTS; k++) {
        uint32_t *ends = t->offsets + k * of_part, at = starts[k];
        for (uint32_t i = starts[k]; i < starts[k + 1]; i++)
            ends[glimpse_mih_chunk(p, c, codes[i]) & (of_part - 1)]++;
        for (size_t b = 0; b < of_part; b++)
            at += ends[b], ends[b] = at;
        /* From behind, so that the ends become the starts. */
        for (uint32_t i = starts[k + 1]; i-- > starts[k];) {
            uint32_t to = --ends[glimpse_mih_chunk(p, c, codes[i]) & (of_part - 1)];
            t->codes[to] = codes[i];
            t->position[to] = position[i];
        }
    }
    t->offsets[PARTS * of_part] = (uint32_t)count;
}

int glimpse_mih_table_build(glimpse_mih_table *t, const glimpse_mih_job *job,
                            const glimpse_mih_plan *p, unsigned c, const uint32_t *kept,
                            size_t count) {
    const size_t buckets = (size_t)1 << p->bits[c];
    uint64_t *codes = malloc((count + 1) * sizeof *codes);
    uint32_t *position = malloc((count + 1) * sizeof *position);
    int status = GLIMPSE_OK;
    memset(t, 0, sizeof *t);
    t->chunk = c;
    t->offsets = reserve((buckets + 1) * sizeof *t->offsets);
    t->codes = reserve((count + 16) * sizeof *t->codes);
    t->position = reserve((count + 1) * sizeof *t->position);
    t->order = malloc((job->query_count + 1) * sizeof *t->order);
    if (!t->offsets || !t->codes || !t->position || !t->order || !codes || !position) {
        status = glimpse_fail_nomem(buckets * 4 + count * 24, "a table of hashes");
    }
    if (status == GLIMPSE_OK) status = sort_queries(t, job, p);
    if (status == GLIMPSE_OK) sort_codes(t, job, p, kept, count, codes, position);
    free(codes);
    free(position);
    if (status < 0) glimpse_mih_table_release(t);
    return status;
}

/*
 * Equal codes.
 */
typedef struct code_at {
    uint64_t code;
    uint32_t position;
} code_at;

static int compare_codes(const void *a, const void *b) {
    const code_at *x = a, *y = b;
    if (x->code != y->code) return x->code < y->code ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

static size_t bucket_of(uint64_t code, unsigned bits) {
    return (size_t)(code * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits)); /* Fibonacci hashing */
}

/* Only a code whose bucket is full can be too frequent: those few are sorted. */
static int mark_surplus(const glimpse_mih_job *job, uint8_t *drop) {
    size_t n = job->base_count, full = 0, at = 0;
    unsigned bits = 4;
    while (bits < GLIMPSE_MIH_MAX_BITS && n >> (bits + 2) > 0)
        bits++;
    uint32_t *sizes = calloc((size_t)1 << bits, sizeof *sizes);
    if (!sizes) return glimpse_fail_nomem(sizeof *sizes << bits, "hashes");
    for (size_t i = 0; i < n; i++)
        sizes[bucket_of(job->base[i], bits)]++;
    for (size_t b = 0; b < (size_t)1 << bits; b++)
        full += sizes[b] > job->max_equal ? sizes[b] : 0;
    code_at *sorted = full > 0 ? malloc(full * sizeof *sorted) : NULL;
    if (full > 0 && !sorted) {
        free(sizes);
        return glimpse_fail_nomem(full * sizeof *sorted, "hashes");
    }
    for (size_t i = 0; i < n && full > 0; i++) {
        if (sizes[bucket_of(job->base[i], bits)] > job->max_equal)
            sorted[at++] = (code_at){job->base[i], (uint32_t)i};
    }
    if (full > 0) qsort(sorted, full, sizeof *sorted, compare_codes);
    for (size_t i = 0, equal = 0; i < full; i++) {
        equal = i > 0 && sorted[i].code == sorted[i - 1].code ? equal + 1 : 0;
        if (equal >= job->max_equal) drop[sorted[i].position] = 1;
    }
    free(sorted);
    free(sizes);
    return GLIMPSE_OK;
}

int glimpse_mih_keep_some(const glimpse_mih_job *job, uint32_t **out, size_t *count) {
    size_t n = job->base_count, kept = 0;
    uint32_t *positions = malloc((n + 1) * sizeof *positions);
    uint8_t *drop = calloc(n + 1, 1);
    int status = positions && drop ? GLIMPSE_OK : glimpse_fail_nomem(n * 5, "hashes");
    if (status == GLIMPSE_OK && job->max_equal > 0) status = mark_surplus(job, drop);
    for (size_t i = 0; i < n && status == GLIMPSE_OK; i++) {
        if (!drop[i]) positions[kept++] = (uint32_t)i;
    }
    free(drop);
    if (status < 0) {
        free(positions);
        return status;
    }
    *out = positions;
    *count = kept;
    return GLIMPSE_OK;
}
