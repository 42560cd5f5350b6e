/*
 * bench_dedup_scale.c - time and memory of the three tiers on made-up pictures, from 10,000 on, and
 * how they grow: the exponent e of seconds ~ pictures^e, from each size to the next and over all.
 *
 * Hashes are random; one picture in ten is a near copy of another (up to 6 bits changed), and each
 * has its 23 window hashes, one of which is near that of the copy. Embeddings have 512 numbers:
 * 2,000 random directions with a spread around each, so that neighbours exist as they do in
 * photographs; one in ten is a near copy (cosine about 0.98).
 */
#include "bench.h"
#include "bench_dedup.h"

#include "core/hash.h"
#include "dups_mih.h"
#include "dups_private.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { WIDTH = 512, TOPICS = 2000 };

static uint64_t state = 88172645463325252u;
static uint64_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static float gauss(void) {
    /* Sum of uniforms: near enough to normal for directions. */
    double sum = 0;
    uint64_t r = next_random();
    for (int i = 0; i < 4; i++)
        sum += (double)(r >> (16 * i) & 0xffff) / 65535.0;
    return (float)((sum - 2) * 1.732);
}

static uint64_t change_bits(uint64_t hash, unsigned bits) {
    for (unsigned i = 0; i < bits; i++)
        hash ^= UINT64_C(1) << (next_random() & 63);
    return hash;
}

/* CPU seconds of all threads: what a shared machine can compare. */
static double cpu_now(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double resident_gib(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / (1024.0 * 1024.0);
}

typedef struct point {
    double pictures, exact, perceptual, semantic; /* CPU seconds */
} point;

static int compare_hashes(const void *a, const void *b) {
    return memcmp(a, b, sizeof(glimpse_hash));
}

/* Exact: hashes of bytes, sorted, as classes are made. */
static double run_exact(size_t n) {
    glimpse_hash *hashes = malloc(n * sizeof *hashes);
    if (!hashes) exit(1);
    for (size_t i = 0; i < n; i++) {
        uint64_t value = i % 10 == 9 ? i - 5 : i;
        hashes[i] = glimpse_hash_bytes(&value, sizeof value);
    }
    double start = cpu_now();
    size_t pairs = 0;
    qsort(hashes, n, sizeof *hashes, compare_hashes);
    for (size_t i = 1; i < n; i++)
        pairs += compare_hashes(&hashes[i], &hashes[i - 1]) == 0;
    double seconds = cpu_now() - start;
    printf("%9zu  exact       %8.2f s  %zu pairs\n", n, seconds, pairs);
    free(hashes);
    return seconds;
}

static double run_perceptual(size_t n, unsigned jobs, unsigned radius) {
    size_t windows = n * GLIMPSE_WINDOW_COUNT, count = 0, right = 0, copies = 0;
    uint64_t *base = malloc(windows * sizeof *base), *queries = malloc(n * sizeof *queries);
    uint32_t *base_item = malloc(windows * sizeof *base_item);
    uint32_t *query_item = malloc(n * sizeof *query_item), *copy_of = calloc(n, sizeof *copy_of);
    glimpse_mih_hit *hits = NULL;
    if (!base || !queries || !base_item || !query_item || !copy_of) exit(1);
    for (size_t i = 0; i < n; i++) {
        for (size_t w = 0; w < GLIMPSE_WINDOW_COUNT; w++) {
            base[i * GLIMPSE_WINDOW_COUNT + w] = next_random();
            base_item[i * GLIMPSE_WINDOW_COUNT + w] = (uint32_t)i;
        }
        queries[i] = base[i * GLIMPSE_WINDOW_COUNT];
        query_item[i] = (uint32_t)i;
        if (i % 10 != 9) continue;
        size_t original = i - 1 - next_random() % 8, window = next_random() % GLIMPSE_WINDOW_COUNT;
        queries[i] = change_bits(base[original * GLIMPSE_WINDOW_COUNT + window],
                                 (unsigned)(next_random() % 7));
        base[i * GLIMPSE_WINDOW_COUNT] = queries[i];
        copy_of[i] = (uint32_t)original + 1;
        copies++;
    }
    glimpse_mih_job job = {.base = base,
                           .base_item = base_item,
                           .base_count = windows,
                           .queries = queries,
                           .query_item = query_item,
                           .query_count = n,
                           .radius = radius,
                           .jobs = jobs,
                           .most_equal = GLIMPSE_DUPS_MOST_EQUAL,
                           .most_hits = GLIMPSE_DUPS_MOST_HITS};
    double start = cpu_now();
    if (glimpse_mih_join(&job, &hits, &count) < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        exit(1);
    }
    double seconds = cpu_now() - start;
    for (size_t i = 0, last = SIZE_MAX; i < count; i++) {
        size_t q = hits[i].query;
        if (copy_of[q] && base_item[hits[i].base] + 1 == copy_of[q] && q != last) right++, last = q;
    }
    printf("%9zu  radius %-2u   %8.2f s  %zu candidates, %zu of %zu copies found, %.2f GiB\n", n,
           radius, seconds, count, right, copies, resident_gib());
    free(hits);
    free(base);
    free(queries);
    free(base_item);
    free(query_item);
    free(copy_of);
    return seconds;
}

typedef struct tally {
    const uint32_t *copy_of;
    size_t found, pairs, k;
} tally;

static int count_copies(void *user, size_t query, const float *scores, const int64_t *found) {
    tally *t = user;
    for (size_t i = 0; i < t->k; i++) {
        if (found[i] < 0 || (size_t)found[i] == query ||
            (double)scores[i] < GLIMPSE_DUPS_SIMILARITY)
            continue;
        t->pairs++;
        t->found += t->copy_of[query] && (size_t)found[i] + 1 == t->copy_of[query];
    }
    return GLIMPSE_OK;
}

static void unit(float *row) {
    double norm = 0;
    for (size_t j = 0; j < WIDTH; j++)
        norm += (double)row[j] * (double)row[j];
    for (size_t j = 0; j < WIDTH; j++)
        row[j] = (float)((double)row[j] / sqrt(norm));
}

static double run_semantic(size_t n) {
    float *rows = malloc(n * WIDTH * sizeof *rows),
          *topics = malloc(TOPICS * WIDTH * sizeof *topics);
    const float **list = malloc(n * sizeof *list);
    uint32_t *copy_of = calloc(n, sizeof *copy_of);
    size_t copies = 0;
    if (!rows || !topics || !list || !copy_of) {
        printf("%9zu  semantic    not measured: not enough memory\n", n);
        free(rows), free(topics), free((void *)list), free(copy_of);
        return 0;
    }
    for (size_t i = 0; i < (size_t)TOPICS * WIDTH; i++)
        topics[i] = gauss();
    for (size_t i = 0; i < n; i++) {
        float *row = rows + i * WIDTH;
        const float *from = topics + next_random() % TOPICS * WIDTH;
        float spread = 0.7F;
        if (i % 10 == 9) {
            size_t original = i - 1 - next_random() % 8;
            copy_of[i] = (uint32_t)original + 1;
            from = rows + original * WIDTH;
            spread = 0.2F / sqrtf(WIDTH);
            copies++;
        }
        for (size_t j = 0; j < WIDTH; j++)
            row[j] = from[j] + spread * gauss();
        unit(row);
        list[i] = row;
    }
    tally t = {.copy_of = copy_of, .k = GLIMPSE_DUPS_NEIGHBOURS};
    glimpse_nearest_job job = {list, list, n, n, WIDTH, t.k, count_copies, &t};
    double start = cpu_now();
    if (glimpse_dups_nearest(&job) < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        exit(1);
    }
    double seconds = cpu_now() - start;
    printf("%9zu  semantic    %8.2f s  %zu pairs, %zu of %zu copies found, %.2f GiB\n", n, seconds,
           t.pairs, t.found, copies, resident_gib());
    free(rows);
    free(topics);
    free((void *)list);
    free(copy_of);
    return seconds;
}

static void print_growth(const char *name, double from, double to, double pictures) {
    if (from <= 0 || to <= 0) return;
    printf("  %-11s seconds grow with pictures^%.2f\n", name, log(to / from) / log(pictures));
}

int bench_dedup_scale(size_t most) {
    point points[16];
    size_t count = 0;
    const char *jobs = getenv("BENCH_DEDUP_JOBS");
    const char *skip = getenv("BENCH_DEDUP_SEMANTIC_MOST");
    size_t semantic_most = skip ? strtoul(skip, NULL, 10) : most;
    unsigned threads = jobs ? (unsigned)strtoul(jobs, NULL, 10) : 1;
    printf("%s; %u threads for hashes; %d windows per picture; embeddings of %d\n", bench_cpu(),
           threads, GLIMPSE_WINDOW_COUNT, WIDTH);
    static const size_t sizes[] = {10000, 100000, 300000, 1000000, 3000000};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0] && sizes[k] <= most; k++) {
        point *p = &points[count++];
        size_t n = sizes[k];
        *p = (point){(double)n, run_exact(n), run_perceptual(n, threads, GLIMPSE_DUPS_MANY_RADIUS),
                     0};
        if (n <= GLIMPSE_DUPS_MANY) (void)run_perceptual(n, threads, GLIMPSE_DUPS_RADIUS);
        if (n <= semantic_most) p->semantic = run_semantic(n);
        (void)fflush(stdout);
    }
    for (size_t i = 1; i < count; i++) {
        const point *a = &points[i - 1], *b = &points[i];
        printf("from %.0f to %.0f:\n", a->pictures, b->pictures);
        print_growth("exact", a->exact, b->exact, b->pictures / a->pictures);
        print_growth("perceptual", a->perceptual, b->perceptual, b->pictures / a->pictures);
        print_growth("semantic", a->semantic, b->semantic, b->pictures / a->pictures);
    }
    if (count > 2) {
        const point *a = &points[0], *b = &points[count - 1];
        printf("over all:\n");
        print_growth("exact", a->exact, b->exact, b->pictures / a->pictures);
        print_growth("perceptual", a->perceptual, b->perceptual, b->pictures / a->pictures);
        print_growth("semantic", a->semantic, b->semantic, b->pictures / a->pictures);
    }
    return 0;
}
