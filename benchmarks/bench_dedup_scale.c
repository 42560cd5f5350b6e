/*
 * bench_dedup_scale.c - time and memory of the three tiers on made-up pictures, from 10,000 on, and
 * how they grow: the exponent e of seconds ~ pictures^e, from each size to the next and over all.
 *
 * Hashes are signs of 64 normal numbers, as those of photographs nearly are (their pairs differ in
 * 32 bits with a deviation of 4.02); the bits of the numbers nearest zero are weak. Each picture
 * has its 23 window hashes. One picture in ten is a copy of a window of another with noise added to
 * the numbers, 0 to 50% of their deviation, which changes 0 to 9 bits on average: as crops of 0 to
 * 25% of photographs do. And each has a difference hash. "all pairs" is the plain way, for
 * comparison: every pair of hashes within the radius is found, by exact multi-index hashing.
 * Embeddings have 512 numbers: 2,000 random directions with a spread around each, so that
 * neighbours exist as they do in photographs; one in ten is a near copy (cosine about 0.98).
 */
#include "bench.h"
#include "bench_dedup.h"

#include "core/hash.h"
#include "dedup_mih.h"
#include "dedup_private.h"
#include "store.h"

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

typedef struct code {
    uint64_t hash, weak;
} code;

/* Signs of numbers, and which of them noise changes first. */
static code code_of(const float numbers[64]) {
    code c = {0, 0};
    float margins[64];
    for (int i = 0; i < 64; i++) {
        c.hash |= (uint64_t)(numbers[i] > 0) << i;
        margins[i] = fabsf(numbers[i]);
    }
    for (int k = 0; k < GLIMPSE_WEAK_BITS; k++) {
        int min = 0;
        for (int i = 1; i < 64; i++)
            min = margins[i] < margins[min] ? i : min;
        c.weak |= UINT64_C(1) << min;
        margins[min] = 1e9F;
    }
    return c;
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

/* Made-up pictures. */
typedef struct made_pictures {
    size_t count, copies;
    uint64_t *windows, *hashes, *weak, *differences, *weak_differences; /* windows: [count][23] */
    uint32_t *of_window, *of_hash, *copy_of; /* copy_of: 1 + the original, or 0 */
} made_pictures;

static void *get(size_t count, size_t size) {
    void *p = calloc(count, size);
    if (!p) exit(1);
    return p;
}

static void make_pictures(made_pictures *p, size_t n) {
    enum { RECENT = 16 };
    float recent[RECENT][64], numbers[64];
    *p = (made_pictures){.count = n,
                         .windows = get(n * GLIMPSE_WINDOW_COUNT, 8),
                         .hashes = get(n, 8),
                         .weak = get(n, 8),
                         .differences = get(n, 8),
                         .weak_differences = get(n, 8),
                         .of_window = get(n * GLIMPSE_WINDOW_COUNT, 4),
                         .of_hash = get(n, 4),
                         .copy_of = get(n, 4)};
    memset(recent, 0, sizeof recent);
    for (size_t i = 0; i < n; i++) {
        uint64_t *windows = p->windows + i * GLIMPSE_WINDOW_COUNT;
        for (size_t w = 0; w < GLIMPSE_WINDOW_COUNT; w++) {
            windows[w] = next_random();
            p->of_window[i * GLIMPSE_WINDOW_COUNT + w] = (uint32_t)i;
        }
        size_t original = i - 1 - next_random() % 8;
        float noise = (float)(next_random() % 1000) / 2000;
        for (int k = 0; k < 64; k++)
            numbers[k] = i % 10 == 9 ? recent[original % RECENT][k] + noise * gauss() : gauss();
        /* `recent` are the numbers of one window of a picture, which its copy shows. */
        code c = code_of(numbers), d;
        for (int k = 0; k < 64; k++)
            recent[i % RECENT][k] = gauss();
        windows[1 + next_random() % (GLIMPSE_WINDOW_COUNT - 1)] = code_of(recent[i % RECENT]).hash;
        windows[0] = p->hashes[i] = c.hash;
        p->weak[i] = c.weak;
        p->of_hash[i] = (uint32_t)i;
        for (int k = 0; k < 64; k++)
            numbers[k] = gauss();
        d = code_of(numbers);
        p->differences[i] = d.hash;
        p->weak_differences[i] = d.weak;
        if (i % 10 == 9) p->copy_of[i] = (uint32_t)original + 1, p->copies++;
    }
}

static void free_pictures(made_pictures *p) {
    free(p->windows);
    free(p->hashes);
    free(p->weak);
    free(p->differences);
    free(p->weak_differences);
    free(p->of_window);
    free(p->of_hash);
    free(p->copy_of);
}

/* The two joins of a search: hashes with windows, difference hashes with each other. */
static double run_perceptual(const made_pictures *p, unsigned jobs, int guided) {
    glimpse_mih_hit *hits = NULL;
    size_t count = 0, other_count = 0, right = 0;
    glimpse_mih_job job = {.base = p->windows,
                           .base_item = p->of_window,
                           .base_count = p->count * GLIMPSE_WINDOW_COUNT,
                           .queries = p->hashes,
                           .query_item = p->of_hash,
                           .query_count = p->count,
                           .weak = guided ? p->weak : NULL,
                           .radius = GLIMPSE_DEDUP_RADIUS,
                           .jobs = jobs,
                           .max_equal = GLIMPSE_DEDUP_MAX_EQUAL,
                           .max_hits = GLIMPSE_DEDUP_MAX_HITS};
    double start = cpu_now();
    if (glimpse_mih_join(&job, &hits, &count) < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        exit(1);
    }
    double seconds = cpu_now() - start;
    for (size_t i = 0, last = SIZE_MAX; i < count; i++) {
        size_t q = hits[i].query;
        if (p->copy_of[q] && p->of_window[hits[i].base] + 1 == p->copy_of[q] && q != last)
            right++, last = q;
    }
    free(hits);
    job.base = job.queries = p->differences;
    job.base_item = p->of_hash;
    job.base_count = p->count;
    job.weak = guided ? p->weak_differences : NULL;
    job.radius = GLIMPSE_DEDUP_DIFFERENCE_RADIUS;
    start = cpu_now();
    if (glimpse_mih_join(&job, &hits, &other_count) < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        exit(1);
    }
    double more = cpu_now() - start;
    free(hits);
    printf("%9zu  %-11s %8.2f s  (%.2f + %.2f) %zu candidates, %zu of %zu copies found, %.2f GiB\n",
           p->count, guided ? "perceptual" : "all pairs", seconds + more, seconds, more,
           count + other_count, right, p->copies, resident_gib());
    return seconds + more;
}

typedef struct tally {
    const uint32_t *copy_of;
    size_t found, pairs, k;
} tally;

static int count_copies(void *user, size_t query, const float *scores, const int64_t *found) {
    tally *t = user;
    for (size_t i = 0; i < t->k; i++) {
        if (found[i] < 0 || (size_t)found[i] == query ||
            (double)scores[i] < GLIMPSE_DEDUP_SIMILARITY)
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
          *topics = malloc(sizeof *topics * TOPICS * WIDTH);
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
    tally t = {.copy_of = copy_of, .k = GLIMPSE_DEDUP_NEIGHBOURS};
    glimpse_nearest_job job = {list, list, n, n, WIDTH, t.k, count_copies, &t};
    double start = cpu_now();
    if (glimpse_store_backend(NULL)->vectors.nearest(&job) < 0) {
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

int bench_dedup_scale(size_t max) {
    point points[16];
    size_t count = 0;
    const char *jobs = getenv("BENCH_DEDUP_JOBS");
    const char *skip = getenv("BENCH_DEDUP_SEMANTIC_MOST");
    const char *plain = getenv("BENCH_DEDUP_PLAIN_MOST");
    size_t plain_max = plain ? strtoul(plain, NULL, 10) : 10000;
    size_t semantic_max = skip ? strtoul(skip, NULL, 10) : max;
    unsigned threads = jobs ? (unsigned)strtoul(jobs, NULL, 10) : 1;
    printf("%s; %u threads for hashes; %d windows per picture; embeddings of %d\n", bench_cpu(),
           threads, GLIMPSE_WINDOW_COUNT, WIDTH);
    static const size_t sizes[] = {10000, 100000, 300000, 1000000, 3000000};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0] && sizes[k] <= max; k++) {
        point *p = &points[count++];
        size_t n = sizes[k];
        made_pictures made;
        *p = (point){(double)n, run_exact(n), 0, 0};
        make_pictures(&made, n);
        p->perceptual = run_perceptual(&made, threads, 1);
        if (n <= plain_max) (void)run_perceptual(&made, threads, 0);
        free_pictures(&made);
        if (n <= semantic_max) p->semantic = run_semantic(n);
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
