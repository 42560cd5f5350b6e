/*
 * index/dups_mih.c - see dups_mih.h.
 */
#include "dups_mih.h"

#include "core/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RADIUS = 20, MAX_CHUNKS = 8, MAX_BALL = 1 << 18, QUERIES_AT_ONCE = 1024, AHEAD = 12 };

typedef struct plan {
    unsigned chunks;
    unsigned bits[MAX_CHUNKS], shift[MAX_CHUNKS];
    int radius[MAX_CHUNKS]; /* -1: no look-up in this chunk */
} plan;

typedef struct table {
    uint32_t *offsets; /* [2^bits + 1] */
    uint64_t *codes;   /* [count] in bucket order */
    uint32_t *position;
    uint32_t *masks; /* what to look up: the chunk XOR each */
    size_t mask_count;
    unsigned chunk;
} table;

typedef struct hits {
    glimpse_mih_hit *items;
    size_t count, room;
} hits;

typedef struct shared {
    const glimpse_mih_job *job;
    const plan *plan;
    const table *table;
    atomic_size_t next;
    atomic_int stop; /* a status */
} shared;

typedef struct worker {
    shared *shared;
    hits found;
    glimpse_mih_hit *nearest; /* [most_hits] a heap, the farthest on top */
    int status;
    int leads; /* asks whether to stop */
} worker;

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

static void lay_out(plan *p, unsigned chunks, unsigned radius) {
    unsigned shift = 0, whole = radius / chunks, rest = radius % chunks;
    p->chunks = chunks;
    for (unsigned c = 0; c < chunks; c++) {
        p->bits[c] = 64 / chunks + (c < 64 % chunks);
        p->shift[c] = shift;
        p->radius[c] = (int)whole - (c > rest);
        shift += p->bits[c];
    }
}

/* The cheapest number of chunks: a bucket looked up costs about as much as ten codes compared. */
static void choose(plan *best, size_t count, unsigned radius) {
    double least = -1;
    lay_out(best, 4, radius);
    for (unsigned chunks = 2; chunks <= MAX_CHUNKS; chunks++) {
        plan p;
        double cost = 0;
        lay_out(&p, chunks, radius);
        if (p.bits[0] > 26) continue;
        for (unsigned c = 0; c < chunks; c++) {
            if (p.radius[c] < 0) continue;
            double probes = ball(p.bits[c], p.radius[c]);
            double filled = (double)count / (double)(UINT64_C(1) << p.bits[c]);
            cost += probes > MAX_BALL ? 1e18 : probes * (10 + filled);
        }
        if (least < 0 || cost < least) least = cost, *best = p;
    }
}

static uint32_t chunk_of(const plan *p, unsigned c, uint64_t code) {
    return (uint32_t)(code >> p->shift[c] & ((UINT64_C(1) << p->bits[c]) - 1));
}

static void add_masks(table *t, unsigned bits, int left, unsigned from, uint32_t mask) {
    t->masks[t->mask_count++] = mask;
    if (left == 0) return;
    for (unsigned b = from; b < bits; b++)
        add_masks(t, bits, left - 1, b + 1, mask | UINT32_C(1) << b);
}

static void release(table *t) {
    free(t->offsets);
    free(t->codes);
    free(t->position);
    free(t->masks);
    memset(t, 0, sizeof *t);
}

/* `kept` [base_count]: the positions that take part. */
static int build(table *t, const glimpse_mih_job *job, const plan *p, unsigned c,
                 const uint32_t *kept, size_t count) {
    size_t buckets = (size_t)1 << p->bits[c], masks = (size_t)ball(p->bits[c], p->radius[c]);
    memset(t, 0, sizeof *t);
    t->chunk = c;
    t->offsets = calloc(buckets + 1, sizeof *t->offsets);
    t->codes = malloc((count + 1) * sizeof *t->codes);
    t->position = malloc((count + 1) * sizeof *t->position);
    t->masks = calloc(masks + 2 * AHEAD, sizeof *t->masks); /* zeros behind, for looking ahead */
    if (!t->offsets || !t->codes || !t->position || !t->masks) {
        release(t);
        return glimpse_fail_nomem(buckets * 4 + count * 12, "a table of hashes");
    }
    for (size_t i = 0; i < count; i++)
        t->offsets[chunk_of(p, c, job->base[kept[i]]) + 1]++;
    for (size_t b = 0; b < buckets; b++)
        t->offsets[b + 1] += t->offsets[b];
    /* Filled from behind, so that the ends become the starts and order within a bucket is kept. */
    for (size_t i = count; i-- > 0;) {
        uint32_t at = --t->offsets[chunk_of(p, c, job->base[kept[i]]) + 1];
        t->codes[at] = job->base[kept[i]];
        t->position[at] = kept[i];
    }
    /* offsets[b + 1] is now the start of b. */
    memmove(t->offsets, t->offsets + 1, buckets * sizeof *t->offsets);
    t->offsets[buckets] = (uint32_t)count;
    add_masks(t, p->bits[c], p->radius[c], 0, 0);
    return GLIMPSE_OK;
}

/* 1 when an earlier chunk finds the pair as well. */
static int told_before(const plan *p, unsigned c, uint64_t difference) {
    for (unsigned e = 0; e < c; e++) {
        if (p->radius[e] >= 0 && __builtin_popcount(chunk_of(p, e, difference)) <= p->radius[e])
            return 1;
    }
    return 0;
}

static int append(hits *list, glimpse_mih_hit hit) {
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 1024;
        glimpse_mih_hit *items = realloc(list->items, room * sizeof *items);
        if (!items) return glimpse_fail_nomem(room * sizeof *items, "candidates");
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = hit;
    return GLIMPSE_OK;
}

static int is_farther(const glimpse_mih_hit *a, const glimpse_mih_hit *b) {
    return a->distance != b->distance ? a->distance > b->distance : a->base > b->base;
}

/* Puts `hit` into the heap of the nearest. */
static void keep_nearest(glimpse_mih_hit *heap, size_t *count, size_t most, glimpse_mih_hit hit) {
    size_t i;
    if (*count < most) {
        for (i = (*count)++; i > 0 && is_farther(&hit, &heap[(i - 1) / 2]); i = (i - 1) / 2)
            heap[i] = heap[(i - 1) / 2];
        heap[i] = hit;
        return;
    }
    if (!is_farther(&heap[0], &hit)) return;
    for (i = 0;;) {
        size_t child = 2 * i + 1;
        if (child >= most) break;
        if (child + 1 < most && is_farther(&heap[child + 1], &heap[child])) child++;
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

static inline __attribute__((always_inline)) int look_up_with(worker *w, size_t query) {
    const shared *s = w->shared;
    const glimpse_mih_job *job = s->job;
    const table *t = s->table;
    uint64_t code = job->queries[query];
    uint32_t chunk = chunk_of(s->plan, t->chunk, code);
    size_t near_count = 0;
    int status = GLIMPSE_OK;
    for (size_t m = 0; m < t->mask_count; m++) {
        uint32_t bucket = chunk ^ t->masks[m];
        /* Buckets lie anywhere in memory: ask for them some steps before they are needed. */
        __builtin_prefetch(&t->offsets[chunk ^ t->masks[m + 2 * AHEAD]]);
        __builtin_prefetch(&t->codes[t->offsets[chunk ^ t->masks[m + AHEAD]]]);
        for (uint32_t i = t->offsets[bucket]; i < t->offsets[bucket + 1]; i++) {
            uint64_t difference = code ^ t->codes[i];
            unsigned distance = (unsigned)__builtin_popcountll(difference);
            if (distance > job->radius) continue;
            uint32_t position = t->position[i];
            if (job->base_item[position] == job->query_item[query]) continue;
            if (told_before(s->plan, t->chunk, difference)) continue;
            glimpse_mih_hit hit = {(uint32_t)query, position, distance};
            if (job->most_hits > 0) {
                keep_nearest(w->nearest, &near_count, job->most_hits, hit);
            } else if ((status = append(&w->found, hit)) < 0) {
                return status;
            }
        }
    }
    for (size_t i = 0; i < near_count && status == GLIMPSE_OK; i++)
        status = append(&w->found, w->nearest[i]);
    return status;
}

static int look_up_plain(worker *w, size_t query) {
    return look_up_with(w, query);
}

#if GLIMPSE_MIH_POPCNT
__attribute__((target("popcnt"))) static int look_up_popcnt(worker *w, size_t query) {
    return look_up_with(w, query);
}
#endif

static void *work(void *context) {
    worker *w = context;
    int (*look_up)(worker *, size_t) = look_up_plain;
#if GLIMPSE_MIH_POPCNT
    if (__builtin_cpu_supports("popcnt")) look_up = look_up_popcnt;
#endif
    shared *s = w->shared;
    const glimpse_mih_job *job = s->job;
    while (!atomic_load(&s->stop)) {
        size_t first = atomic_fetch_add(&s->next, QUERIES_AT_ONCE);
        if (first >= job->query_count) break;
        size_t last = first + QUERIES_AT_ONCE;
        if (last > job->query_count) last = job->query_count;
        for (size_t q = first; q < last && w->status == GLIMPSE_OK; q++)
            w->status = look_up(w, q);
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

typedef struct code_at {
    uint64_t code;
    uint32_t position;
} code_at;

static int compare_codes(const void *a, const void *b) {
    const code_at *x = a, *y = b;
    if (x->code != y->code) return x->code < y->code ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

static int compare_positions(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The positions to look at: all, or of equal codes the first few. */
static int keep_some(const glimpse_mih_job *job, uint32_t **out, size_t *count) {
    size_t n = job->base_count, kept = 0;
    uint32_t *positions = malloc((n + 1) * sizeof *positions);
    code_at *sorted = job->most_equal > 0 ? malloc((n + 1) * sizeof *sorted) : NULL;
    if (!positions || (job->most_equal > 0 && !sorted)) {
        free(positions);
        free(sorted);
        return glimpse_fail_nomem(n * 20, "hashes");
    }
    for (size_t i = 0; i < n; i++) {
        if (sorted) {
            sorted[i] = (code_at){job->base[i], (uint32_t)i};
        } else {
            positions[i] = (uint32_t)i;
        }
    }
    if (sorted) {
        qsort(sorted, n, sizeof *sorted, compare_codes);
        size_t equal = 0;
        for (size_t i = 0; i < n; i++) {
            equal = i > 0 && sorted[i].code == sorted[i - 1].code ? equal + 1 : 0;
            if (equal < job->most_equal) positions[kept++] = sorted[i].position;
        }
        qsort(positions, kept, sizeof *positions, compare_positions);
    } else {
        kept = n;
    }
    free(sorted);
    *out = positions;
    *count = kept;
    return GLIMPSE_OK;
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
    if (job->radius > MAX_RADIUS) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a Hamming radius of %u; at most %d make sense",
                            job->radius, MAX_RADIUS);
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
    plan p;
    shared s = {.job = job, .plan = &p};
    int status = workers ? keep_some(job, &kept, &kept_count)
                         : glimpse_fail_nomem(jobs * sizeof *workers, "workers");
    for (unsigned i = 0; i < jobs && status == GLIMPSE_OK; i++) {
        workers[i].shared = &s;
        workers[i].leads = i == 0;
        if (job->most_hits == 0) continue;
        workers[i].nearest = malloc(job->most_hits * sizeof *workers[i].nearest);
        if (!workers[i].nearest) status = glimpse_fail_nomem(job->most_hits * 12, "candidates");
    }
    choose(&p, kept_count, job->radius);
    for (unsigned c = 0; c < p.chunks && status == GLIMPSE_OK; c++) {
        table t;
        if (p.radius[c] < 0) continue;
        status = build(&t, job, &p, c, kept, kept_count);
        if (status < 0) break;
        s.table = &t;
        status = run_workers(&s, workers, jobs);
        release(&t);
    }
    if (status == GLIMPSE_OK) status = gather(workers, jobs, out, count);
    for (unsigned i = 0; workers && i < jobs; i++) {
        free(workers[i].found.items);
        free(workers[i].nearest);
    }
    free(workers);
    free(kept);
    return status;
}
