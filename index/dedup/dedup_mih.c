/*
 * index/dedup/dedup_mih.c - finds all pairs of 64-bit codes within a Hamming radius, by multi-index
 * hashing.
 */
#include "dedup_mih.h"

#include "core/error.h"
#include "dedup_mih_table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { QUERIES_AT_ONCE = 1024, TOGETHER = 16, AHEAD = 16 };

typedef struct hits {
    glimpse_mih_hit *items;
    size_t count, capacity;
} hits;

typedef struct shared {
    const glimpse_mih_job *job;
    const glimpse_mih_plan *plan;
    const glimpse_mih_table *table;
    atomic_size_t next;
    atomic_int stop; /* a status */
} shared;

typedef struct worker {
    shared *shared;
    hits found;
    glimpse_mih_hit *nearest; /* [max_hits] a heap, the farthest on top */
    uint32_t *masks;   /* [max_masks] what to look up without weak bits: the chunk XOR each */
    uint32_t *buckets; /* [TOGETHER * max_masks + 2 * AHEAD] of some queries */
    size_t mask_count;
    int status;
    int leads; /* asks whether to stop */
} worker;

/* All masks of up to `left` of the bits of `from`. */
static size_t add_masks(uint32_t *masks, size_t count, uint32_t from, int left, uint32_t mask) {
    masks[count++] = mask;
    for (; left > 0 && from; from &= from - 1)
        count = add_masks(masks, count, from & (from - 1), left - 1, mask | (from & -from));
    return count;
}

/* 1 when an earlier chunk finds the pair as well. `weak`: the bits that may differ in a chunk. */
static int told_before(const glimpse_mih_plan *p, unsigned c, uint64_t difference, uint64_t weak) {
    for (unsigned e = 0; e < c; e++) {
        uint32_t d = glimpse_mih_chunk(p, e, difference);
        if ((d & ~glimpse_mih_chunk(p, e, weak)) == 0 && __builtin_popcount(d) <= p->radius[e])
            return 1;
    }
    return 0;
}

static int append(hits *list, glimpse_mih_hit hit) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 1024;
        glimpse_mih_hit *items = realloc(list->items, capacity * sizeof *items);
        if (!items) return glimpse_fail_nomem(capacity * sizeof *items, "candidates");
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = hit;
    return GLIMPSE_OK;
}

static int is_farther(const glimpse_mih_hit *a, const glimpse_mih_hit *b) {
    return a->distance != b->distance ? a->distance > b->distance : a->base > b->base;
}

/* Puts `hit` into the heap of the nearest. */
static void keep_nearest(glimpse_mih_hit *heap, size_t *count, size_t max, glimpse_mih_hit hit) {
    size_t i;
    if (*count < max) {
        for (i = (*count)++; i > 0 && is_farther(&hit, &heap[(i - 1) / 2]); i = (i - 1) / 2)
            heap[i] = heap[(i - 1) / 2];
        heap[i] = hit;
        return;
    }
    if (!is_farther(&heap[0], &hit)) return;
    for (i = 0;;) {
        size_t child = 2 * i + 1;
        if (child >= max) break;
        if (child + 1 < max && is_farther(&heap[child + 1], &heap[child])) child++;
        if (!is_farther(&heap[child], &hit)) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = hit;
}

/* Compiled twice: counting bits is an instruction that not every x86-64 has, and most of the work.
 */
#if defined(__x86_64__) && defined(__GNUC__)
# define GLIMPSE_MIH_POPCNT 1
#else
# define GLIMPSE_MIH_POPCNT 0
#endif

/* Keeps the nearest of `near_count` in the heap. */
static int flush(worker *w, size_t *near_count) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < *near_count && status == GLIMPSE_OK; i++)
        status = append(&w->found, w->nearest[i]);
    *near_count = 0;
    return status;
}

/* The codes of buckets[0..count) that are near `query`. */
static inline __attribute__((always_inline)) int look_up_one(worker *w, size_t query,
                                                             const uint32_t *buckets, size_t count,
                                                             size_t *near_count) {
    const shared *s = w->shared;
    const glimpse_mih_job *job = s->job;
    const glimpse_mih_table *t = s->table;
    const uint64_t code = job->queries[query], weak = job->weak ? job->weak[query] : UINT64_MAX;
    int status = GLIMPSE_OK;
    for (size_t m = 0; m < count; m++) {
        /* Buckets lie anywhere in memory: ask for them some steps before they are needed. */
        __builtin_prefetch(&t->offsets[buckets[m + 2 * AHEAD]]);
        const uint64_t *soon = &t->codes[t->offsets[buckets[m + AHEAD]]];
        __builtin_prefetch(soon);
        __builtin_prefetch(soon + 8); /* the next cache line */
        for (uint32_t i = t->offsets[buckets[m]]; i < t->offsets[buckets[m] + 1]; i++) {
            uint64_t difference = code ^ t->codes[i];
            unsigned distance = (unsigned)__builtin_popcountll(difference);
            if (distance > job->radius) continue;
            uint32_t position = t->position[i];
            if (job->base_item[position] == job->query_item[query]) continue;
            if (told_before(s->plan, t->chunk, difference, weak)) continue;
            glimpse_mih_hit hit = {(uint32_t)query, position, distance};
            if (job->max_hits > 0) {
                keep_nearest(w->nearest, near_count, job->max_hits, hit);
            } else if ((status = append(&w->found, hit)) < 0) {
                return status;
            }
        }
    }
    return status;
}

/* Queries order[first..last), at most TOGETHER: their buckets are one list, so that looking ahead
 * goes on from one query to the next. */
static inline __attribute__((always_inline)) int look_up_with(worker *w, size_t first,
                                                              size_t last) {
    const shared *s = w->shared;
    const glimpse_mih_table *t = s->table;
    size_t ends[TOGETHER], total = 0, near_count = 0, from = 0;
    int status = GLIMPSE_OK;
    for (size_t i = first; i < last; i++) {
        size_t query = t->order[i], start = total;
        uint32_t chunk = glimpse_mih_chunk(s->plan, t->chunk, s->job->queries[query]);
        if (s->job->weak) {
            uint32_t weak = glimpse_mih_chunk(s->plan, t->chunk, s->job->weak[query]);
            total = add_masks(w->buckets, total, weak, s->plan->radius[t->chunk], 0);
            for (size_t m = start; m < total; m++)
                w->buckets[m] ^= chunk;
        } else {
            for (size_t m = 0; m < w->mask_count; m++)
                w->buckets[total++] = chunk ^ w->masks[m];
        }
        ends[i - first] = total;
    }
    memset(w->buckets + total, 0, 2 * (size_t)AHEAD * sizeof *w->buckets);
    for (size_t i = first; i < last && status == GLIMPSE_OK; i++) {
        status =
            look_up_one(w, t->order[i], w->buckets + from, ends[i - first] - from, &near_count);
        from = ends[i - first];
        if (status == GLIMPSE_OK) status = flush(w, &near_count);
    }
    return status;
}

static int look_up_plain(worker *w, size_t first, size_t last) {
    return look_up_with(w, first, last);
}

#if GLIMPSE_MIH_POPCNT
__attribute__((target("popcnt"))) static int look_up_popcnt(worker *w, size_t first, size_t last) {
    return look_up_with(w, first, last);
}
#endif

static void *work(void *context) {
    worker *w = context;
    int (*look_up)(worker *, size_t, size_t) = look_up_plain;
#if GLIMPSE_MIH_POPCNT
    if (__builtin_cpu_supports("popcnt")) look_up = look_up_popcnt;
#endif
    shared *s = w->shared;
    const glimpse_mih_job *job = s->job;
    const unsigned c = s->table->chunk;
    if (!job->weak) {
        uint32_t all = (uint32_t)((UINT64_C(1) << s->plan->bits[c]) - 1);
        w->mask_count = add_masks(w->masks, 0, all, s->plan->radius[c], 0);
    }
    while (!atomic_load(&s->stop)) {
        size_t first = atomic_fetch_add(&s->next, QUERIES_AT_ONCE);
        if (first >= job->query_count) break;
        size_t last = first + QUERIES_AT_ONCE;
        if (last > job->query_count) last = job->query_count;
        for (size_t q = first; q < last && w->status == GLIMPSE_OK; q += TOGETHER)
            w->status = look_up(w, q, last - q < TOGETHER ? last : q + TOGETHER);
        if (w->leads && w->status == GLIMPSE_OK && job->cancelled && job->cancelled(job->user))
            w->status = glimpse_fail(GLIMPSE_E_CANCELLED, "stopped while comparing hashes");
        if (w->status < 0) atomic_store(&s->stop, w->status);
    }
    return NULL;
}

static int run_workers(shared *s, worker *workers, unsigned jobs) {
    pthread_t threads[256];
    unsigned started = 0;
    int status = GLIMPSE_OK;
    atomic_store(&s->next, 0);
    for (; started + 1 < jobs; started++) {
        if (pthread_create(&threads[started], NULL, work, &workers[started + 1]) != 0) break;
    }
    (void)work(&workers[0]); /* this thread takes its share, and the rest if no other started */
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    status = atomic_load(&s->stop);
    if (status == GLIMPSE_E_NOMEM) return glimpse_fail_nomem(0, "candidates");
    return status;
}

static int compare_hits(const void *a, const void *b) {
    const glimpse_mih_hit *x = a, *y = b;
    if (x->query != y->query) return x->query < y->query ? -1 : 1;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return (x->base > y->base) - (x->base < y->base);
}

/* All workers' hits in one sorted list. */
static int gather(worker *workers, unsigned jobs, glimpse_mih_hit **out, size_t *count) {
    size_t total = 0, at = 0;
    for (unsigned i = 0; i < jobs; i++)
        total += workers[i].found.count;
    glimpse_mih_hit *all = malloc((total + 1) * sizeof *all);
    if (!all) return glimpse_fail_nomem(total * sizeof *all, "candidates");
    for (unsigned i = 0; i < jobs; i++) {
        if (workers[i].found.count == 0) continue;
        memcpy(all + at, workers[i].found.items, workers[i].found.count * sizeof *all);
        at += workers[i].found.count;
    }
    qsort(all, total, sizeof *all, compare_hits);
    *out = all;
    *count = total;
    return GLIMPSE_OK;
}

int glimpse_mih_join(const glimpse_mih_job *job, glimpse_mih_hit **out, size_t *count) {
    *out = NULL;
    *count = 0;
    if (job->radius > GLIMPSE_MIH_MAX_RADIUS) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a Hamming radius of %u; at most %d make sense",
                            job->radius, GLIMPSE_MIH_MAX_RADIUS);
    }
    if (job->base_count >= UINT32_MAX || job->query_count >= UINT32_MAX - QUERIES_AT_ONCE) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "too many pictures to compare");
    }
    if (job->base_count == 0 || job->query_count == 0) {
        *out = malloc(sizeof **out);
        return *out ? GLIMPSE_OK : glimpse_fail_nomem(sizeof **out, "candidates");
    }
    unsigned jobs = job->jobs < 1 ? 1 : job->jobs > 256 ? 256 : job->jobs;
    worker *workers = calloc(jobs, sizeof *workers);
    uint32_t *kept = NULL;
    size_t kept_count = 0;
    glimpse_mih_plan p;
    shared s = {.job = job, .plan = &p};
    int status = workers ? glimpse_mih_keep_some(job, &kept, &kept_count)
                         : glimpse_fail_nomem(jobs * sizeof *workers, "workers");
    glimpse_mih_choose(&p, job, kept_count);
    for (unsigned i = 0; i < jobs && status == GLIMPSE_OK; i++) {
        workers[i].shared = &s;
        workers[i].leads = i == 0;
        workers[i].masks = malloc((p.max_masks + 1) * sizeof *workers[i].masks);
        workers[i].buckets =
            malloc((TOGETHER * p.max_masks + 2 * AHEAD) * sizeof *workers[i].buckets);
        workers[i].nearest = malloc((job->max_hits + 1) * sizeof *workers[i].nearest);
        if (!workers[i].nearest || !workers[i].masks || !workers[i].buckets)
            status =
                glimpse_fail_nomem(job->max_hits * 12 + TOGETHER * p.max_masks * 4, "candidates");
    }
    for (unsigned c = 0; c < p.chunks && status == GLIMPSE_OK; c++) {
        glimpse_mih_table t;
        if (p.radius[c] < 0) continue;
        status = glimpse_mih_table_build(&t, job, &p, c, kept, kept_count);
        if (status < 0) break;
        s.table = &t;
        status = run_workers(&s, workers, jobs);
        glimpse_mih_table_release(&t);
    }
    if (status == GLIMPSE_OK) status = gather(workers, jobs, out, count);
    for (unsigned i = 0; workers && i < jobs; i++) {
        free(workers[i].found.items);
        free(workers[i].nearest);
        free(workers[i].masks);
        free(workers[i].buckets);
    }
    free(workers);
    free(kept);
    return status;
}
