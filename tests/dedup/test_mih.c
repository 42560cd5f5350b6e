/*
 * Multi-index hashing finds exactly the pairs that comparing everything with everything finds, each
 * once, whatever the number of threads.
 */
#include "support/numbers.h"

#include "dedup_mih.h"

static uint64_t state = 1234567;

enum { MAX_COUNT = 4000 };
static uint64_t base[MAX_COUNT], queries[MAX_COUNT];
static uint32_t base_item[MAX_COUNT], query_item[MAX_COUNT];

/* Random codes and, for every other one, a code near an earlier one. */
static void fill(size_t base_count, size_t query_count) {
    for (size_t i = 0; i < base_count; i++) {
        base[i] = next_random(&state);
        base_item[i] = (uint32_t)(i / 3);
    }
    for (size_t i = 0; i < query_count; i++) {
        queries[i] = i % 2 ? next_random(&state) : base[next_random(&state) % base_count];
        query_item[i] = (uint32_t)(next_random(&state) % (base_count / 3 + 5));
        for (uint64_t flips = next_random(&state) % 20; flips > 0 && i % 2 == 0; flips--)
            queries[i] ^= UINT64_C(1) << (next_random(&state) % 64);
    }
}

static void check_against_all_pairs(const glimpse_mih_job *job) {
    glimpse_mih_hit *hits;
    size_t count, at = 0;
    assert_ok(glimpse_mih_join(job, &hits, &count));
    for (size_t q = 0; q < job->query_count; q++) {
        size_t expected = 0, found = 0;
        for (size_t b = 0; b < job->base_count; b++) {
            expected += job->base_item[b] != job->query_item[q] &&
                        __builtin_popcountll(job->base[b] ^ job->queries[q]) <= (int)job->radius;
        }
        for (; at < count && hits[at].query == q; at++, found++) {
            const glimpse_mih_hit *hit = &hits[at];
            assert_true(hit->base < job->base_count);
            assert_int_equal(__builtin_popcountll(job->base[hit->base] ^ job->queries[q]),
                             hit->distance);
            assert_true(hit->distance <= job->radius);
            assert_int_not_equal(job->base_item[hit->base], job->query_item[q]);
            if (found == 0) continue;
            /* Sorted, so no pair comes twice. */
            assert_true(hit[-1].distance < hit->distance ||
                        (hit[-1].distance == hit->distance && hit[-1].base < hit->base));
        }
        assert_int_equal(found, expected);
    }
    assert_int_equal(at, count);
    free(hits);
}

static void mih_finds_the_pairs_of_an_exhaustive_search(void **unused) {
    static const size_t sizes[][2] = {{3, 1}, {50, 200}, {700, 300}, {MAX_COUNT, 150}};
    (void)unused;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (unsigned radius = 0; radius <= 20; radius += radius < 4 ? 1 : 3) {
            fill(sizes[s][0], sizes[s][1]);
            glimpse_mih_job job = {.base = base,
                                   .base_item = base_item,
                                   .base_count = sizes[s][0],
                                   .queries = queries,
                                   .query_item = query_item,
                                   .query_count = sizes[s][1],
                                   .radius = radius,
                                   .jobs = 1 + radius % 3};
            check_against_all_pairs(&job);
        }
    }
}

/* With weak bits a pair is found when one of the chunks differs in weak bits only, at most two. The
 * plain rule for few codes: chunks of 16 bits. */
static int differs_where_weak(uint64_t difference, uint64_t weak) {
    for (unsigned shift = 0; shift < 64; shift += 16) {
        uint64_t chunk = difference >> shift & 0xffff;
        if (__builtin_popcountll(chunk) <= 2 && (chunk & ~(weak >> shift)) == 0) return 1;
    }
    return 0;
}

static void mih_with_weak_bits_finds_what_differs_in_them(void **unused) {
    static uint64_t weak[MAX_COUNT];
    (void)unused;
    fill(MAX_COUNT, 400);
    for (size_t q = 0; q < 400; q++) {
        weak[q] = next_random(&state);
        weak[q] |= next_random(&state);
    }
    glimpse_mih_hit *hits;
    size_t count, at = 0, all = 0, expected = 0;
    glimpse_mih_job job = {.base = base,
                           .base_item = base_item,
                           .base_count = MAX_COUNT,
                           .queries = queries,
                           .query_item = query_item,
                           .query_count = 400,
                           .weak = weak,
                           .radius = 12,
                           .jobs = 3};
    assert_ok(glimpse_mih_join(&job, &hits, &count));
    for (size_t q = 0; q < 400; q++) {
        for (size_t b = 0; b < MAX_COUNT; b++) {
            uint64_t difference = base[b] ^ queries[q];
            if (base_item[b] == query_item[q] || __builtin_popcountll(difference) > 12) continue;
            all++;
            expected += (size_t)differs_where_weak(difference, weak[q]);
        }
    }
    for (; at < count; at++) {
        assert_true(differs_where_weak(base[hits[at].base] ^ queries[hits[at].query],
                                       weak[hits[at].query]));
    }
    assert_int_equal(count, expected);
    assert_true(expected > 50 && expected < all);
    free(hits);
    /* When any bit may differ, at most two in each of four chunks are found whatever they are. */
    for (size_t q = 0; q < 400; q++)
        weak[q] = UINT64_MAX;
    job.radius = 11; /* three in every chunk would be twelve */
    check_against_all_pairs(&job);
}

static void mih_keeps_the_nearest_when_there_are_too_many(void **unused) {
    (void)unused;
    for (size_t i = 0; i < 1000; i++) {
        /* Code i differs from zero in the i / 100 lowest bits: a hundred of each distance. */
        base[i] = (UINT64_C(1) << i / 100) - 1;
        base_item[i] = (uint32_t)i + 1;
    }
    queries[0] = 0;
    query_item[0] = 0;
    glimpse_mih_hit *hits;
    size_t count;
    glimpse_mih_job job = {.base = base,
                           .base_item = base_item,
                           .base_count = 1000,
                           .queries = queries,
                           .query_item = query_item,
                           .query_count = 1,
                           .radius = 8,
                           .jobs = 1,
                           .max_hits = 150};
    assert_ok(glimpse_mih_join(&job, &hits, &count));
    assert_true(count >= 150);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(hits[i].distance, 0);
        assert_int_equal(hits[i].base, i);
    }
    assert_int_equal(hits[100].distance, 1);
    free(hits);
    job.max_hits = 0;
    job.max_equal = 3; /* of each code the first three */
    assert_ok(glimpse_mih_join(&job, &hits, &count));
    assert_int_equal(count, 3 * 9);
    for (size_t i = 0; i < count; i++)
        assert_true(hits[i].base % 100 < 3);
    free(hits);
}

static void mih_gives_the_same_for_any_number_of_threads(void **unused) {
    (void)unused;
    fill(MAX_COUNT, MAX_COUNT);
    glimpse_mih_hit *one, *many;
    size_t one_count, many_count;
    glimpse_mih_job job = {.base = base,
                           .base_item = base_item,
                           .base_count = MAX_COUNT,
                           .queries = queries,
                           .query_item = query_item,
                           .query_count = MAX_COUNT,
                           .radius = 10,
                           .jobs = 1,
                           .max_equal = 4,
                           .max_hits = 8};
    assert_ok(glimpse_mih_join(&job, &one, &one_count));
    job.jobs = 4;
    assert_ok(glimpse_mih_join(&job, &many, &many_count));
    assert_true(one_count > 1000);
    assert_int_equal(one_count, many_count);
    assert_memory_equal(one, many, one_count * sizeof *one);
    free(one);
    free(many);
}

static int always(void *user) {
    (void)user;
    return 1;
}

static void mih_refuses_nonsense_and_stops_when_asked(void **unused) {
    (void)unused;
    glimpse_mih_hit *hits;
    size_t count;
    fill(100, 100);
    glimpse_mih_job job = {.base = base,
                           .base_item = base_item,
                           .base_count = 100,
                           .queries = queries,
                           .query_item = query_item,
                           .query_count = 100,
                           .radius = 21,
                           .jobs = 1};
    assert_int_equal(glimpse_mih_join(&job, &hits, &count), GLIMPSE_E_INVALID);
    assert_null(hits);
    job.radius = 4;
    job.cancelled = always;
    assert_int_equal(glimpse_mih_join(&job, &hits, &count), GLIMPSE_E_CANCELLED);
    assert_null(hits);
    job.query_count = 0;
    assert_ok(glimpse_mih_join(&job, &hits, &count));
    assert_int_equal(count, 0);
    free(hits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mih_finds_the_pairs_of_an_exhaustive_search),
        cmocka_unit_test(mih_with_weak_bits_finds_what_differs_in_them),
        cmocka_unit_test(mih_keeps_the_nearest_when_there_are_too_many),
        cmocka_unit_test(mih_gives_the_same_for_any_number_of_threads),
        cmocka_unit_test(mih_refuses_nonsense_and_stops_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
