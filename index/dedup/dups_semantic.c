/*
 * index/dups_semantic.c - candidates whose embeddings are close.
 *
 * Each picture's nearest neighbours by cosine. Up to EXACT_COUNT pictures all pairs are looked at
 * (FAISS "Flat": products of blocks); beyond that an inverted file (FAISS "IVF", Jegou et al. 2011)
 * with about one list per ROWS_PER_LIST pictures, of which PROBES are searched: near duplicates
 * lie in the same list or a neighbouring one. Work per picture is then lists + PROBES x
 * ROWS_PER_LIST products.
 */
#include "dups_private.h"

#include "core/error.h"
#include "vectors_private.h"

#include <faiss/c_api/AutoTune_c.h>
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXACT_COUNT = 16384,
    ROWS_PER_LIST = 256,
    PROBES = 8,
    TRAIN_PER_LIST = 40,
    MOST_LISTS = 8192,
    ROWS_AT_ONCE = 1024,
    NEIGHBOURS = GLIMPSE_DUPS_NEIGHBOURS
};

/* Rows first, first + step, ... into `rows` [count][width]. */
static void copy_rows(const float *const *from, size_t width, size_t first, size_t count,
                      size_t step, float *rows) {
    for (size_t i = 0; i < count; i++)
        memcpy(rows + i * width, from[first + i * step], width * sizeof *rows);
}

static int train(FaissIndex *index, const glimpse_nearest_job *job, size_t lists) {
    size_t count = lists * TRAIN_PER_LIST;
    if (count > job->base_count) count = job->base_count;
    float *sample = malloc(count * job->width * sizeof *sample);
    if (!sample) return glimpse_fail_nomem(count * job->width * 4, "a sample of embeddings");
    copy_rows(job->base, job->width, 0, count, job->base_count / count, sample);
    int failed = faiss_Index_train(index, (idx_t)count, sample);
    free(sample);
    FaissParameterSpace *space = NULL;
    failed = failed || faiss_ParameterSpace_new(&space) ||
             faiss_ParameterSpace_set_index_parameter(space, index, "nprobe", PROBES);
    faiss_ParameterSpace_free(space);
    return failed ? glimpse_faiss_fail("training an index of embeddings") : GLIMPSE_OK;
}

static int build(FaissIndex **index, const glimpse_nearest_job *job, float *rows) {
    char kind[64] = "Flat";
    size_t lists = job->base_count / ROWS_PER_LIST;
    if (lists > MOST_LISTS) lists = MOST_LISTS;
    int exact = job->base_count <= EXACT_COUNT;
    if (!exact) (void)snprintf(kind, sizeof kind, "IVF%zu,SQfp16", lists);
    if (faiss_index_factory(index, (int)job->width, kind, METRIC_INNER_PRODUCT))
        return glimpse_faiss_fail("an index of embeddings");
    int status = exact ? GLIMPSE_OK : train(*index, job, lists);
    for (size_t first = 0; first < job->base_count && status == GLIMPSE_OK; first += ROWS_AT_ONCE) {
        size_t n = job->base_count - first < ROWS_AT_ONCE ? job->base_count - first : ROWS_AT_ONCE;
        copy_rows(job->base, job->width, first, n, 1, rows);
        if (faiss_Index_add(*index, (idx_t)n, rows))
            status = glimpse_faiss_fail("filling an index of embeddings");
    }
    return status;
}

int glimpse_dups_nearest(const glimpse_nearest_job *job) {
    FaissIndex *index = NULL;
    int status = GLIMPSE_OK;
    const size_t k = job->k;
    if (job->base_count == 0 || job->query_count == 0 || k == 0) return GLIMPSE_OK;
    float *rows = malloc(ROWS_AT_ONCE * job->width * sizeof *rows);
    float *scores = malloc(ROWS_AT_ONCE * k * sizeof *scores);
    idx_t *found = malloc(ROWS_AT_ONCE * k * sizeof *found);
    int64_t *positions = malloc(k * sizeof *positions);
    if (!rows || !scores || !found || !positions) {
        status = glimpse_fail_nomem(ROWS_AT_ONCE * (job->width * 4 + k * 12), "embeddings");
    }
    if (status == GLIMPSE_OK) status = build(&index, job, rows);
    for (size_t first = 0; first < job->query_count && status == GLIMPSE_OK;
         first += ROWS_AT_ONCE) {
        size_t n = job->query_count - first;
        if (n > ROWS_AT_ONCE) n = ROWS_AT_ONCE;
        copy_rows(job->queries, job->width, first, n, 1, rows);
        if (faiss_Index_search(index, (idx_t)n, rows, (idx_t)k, scores, found)) {
            status = glimpse_faiss_fail("searching embeddings");
            break;
        }
        for (size_t q = 0; q < n && status == GLIMPSE_OK; q++) {
            for (size_t i = 0; i < k; i++)
                positions[i] = found[q * k + i];
            status = job->visit(job->user, first + q, scores + q * k, positions);
        }
    }
    faiss_Index_free(index);
    free(positions);
    free(found);
    free(scores);
    free(rows);
    return status;
}

/*
 * Candidates.
 */
typedef struct side {
    uint32_t *items;
    const float **rows;
    size_t count;
} side;

static void free_side(side *s) {
    free(s->items);
    free((void *)s->rows);
}

static int collect(const glimpse_dups *dups, side *s, int set) {
    s->count = 0;
    s->items = malloc((dups->class_count + 1) * sizeof *s->items);
    s->rows = malloc((dups->class_count + 1) * sizeof *s->rows);
    if (!s->items || !s->rows) return glimpse_fail_nomem(dups->class_count * 12, "embeddings");
    for (size_t k = 0; k < dups->class_count; k++) {
        const glimpse_dups_item *item = &dups->items[dups->first_of[k]];
        if (set >= 0 && !(dups->sets[k] & 1U << set)) continue;
        if (!item->picture.embedding) continue;
        s->items[s->count] = dups->first_of[k];
        s->rows[s->count++] = item->picture.embedding;
    }
    return GLIMPSE_OK;
}

typedef struct search {
    glimpse_dups *dups;
    const side *base, *queries;
    size_t room, k;
} search;

static int add_neighbours(void *user, size_t query, const float *scores, const int64_t *found) {
    search *s = user;
    glimpse_dups *dups = s->dups;
    uint32_t item = s->queries->items[query];
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < s->k && status == GLIMPSE_OK; i++) {
        if (found[i] < 0 || (size_t)found[i] >= s->base->count) continue;
        uint32_t other = s->base->items[found[i]];
        if (other == item || (double)scores[i] < dups->min_similarity) continue;
        glimpse_dups_hint hint = {.a = item < other ? item : other,
                                  .b = item < other ? other : item,
                                  .distance = 255,
                                  .way = GLIMPSE_HINT_SEMANTIC,
                                  .turn = 1,
                                  .cosine = scores[i] > 1 ? 1 : scores[i]};
        status = glimpse_dups_add_hint(dups, &s->room, &hint);
    }
    if (status == GLIMPSE_OK && query % 1024 == 0)
        status = glimpse_dups_progress(dups, "comparing", query, s->queries->count, 1, "");
    return status;
}

/*
 * The threshold. Embeddings of one model all point roughly the same way, one model's more than
 * another's, so that a cosine says little by itself. The median cosine of two pictures of the set
 * is what everything has in common; what two have beyond that, (cosine - median) / (1 - median), is
 * comparable between models.
 */
static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float cosine_of(const float *a, const float *b, size_t width) {
    float sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Of pairs of different pictures, the same in every run; of few pictures no statement is made. */
static int choose_threshold(glimpse_dups *dups) {
    enum { PAIRS = 4096, LEAST_PICTURES = 32 };
    side all = {0};
    uint64_t random = 88172645463325252u;
    dups->min_similarity = GLIMPSE_DUPS_SIMILARITY;
    int status = collect(dups, &all, -1);
    float *cosines = malloc(PAIRS * sizeof *cosines);
    if (status == GLIMPSE_OK && !cosines) status = glimpse_fail_nomem(PAIRS * 4, "similarities");
    if (status == GLIMPSE_OK && all.count >= LEAST_PICTURES) {
        for (size_t i = 0; i < PAIRS; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t a = (size_t)(random >> 33) % all.count;
            size_t b = (a + 1 + (size_t)(random & 0xffffffff) % (all.count - 1)) % all.count;
            cosines[i] = cosine_of(all.rows[a], all.rows[b], dups->embedding_size);
        }
        qsort(cosines, PAIRS, sizeof *cosines, compare_floats);
        double common = (double)cosines[PAIRS / 2];
        if (common < 0) common = 0;
        if (common > 1) common = 1;
        dups->min_similarity = 1 - (1 - GLIMPSE_DUPS_BEYOND) * (1 - common);
    }
    free(cosines);
    free_side(&all);
    return status;
}

int glimpse_dups_semantic(glimpse_dups *dups) {
    int against = dups->options->against_count > 0 || dups->options->against_library;
    side base = {0}, queries = {0};
    int status = dups->min_similarity > 0 ? GLIMPSE_OK : choose_threshold(dups);
    if (status == GLIMPSE_OK) status = collect(dups, &base, against ? 1 : -1);
    if (status == GLIMPSE_OK) status = collect(dups, &queries, against ? 0 : -1);
    if (status == GLIMPSE_OK) {
        search s = {dups, &base, &queries, dups->hint_count, NEIGHBOURS};
        if (s.k > base.count) s.k = base.count;
        glimpse_nearest_job job = {.base = base.rows,
                                   .queries = queries.rows,
                                   .base_count = base.count,
                                   .query_count = queries.count,
                                   .width = dups->embedding_size,
                                   .k = s.k,
                                   .visit = add_neighbours,
                                   .user = &s};
        status = glimpse_dups_nearest(&job);
    }
    free_side(&base);
    free_side(&queries);
    return status;
}
