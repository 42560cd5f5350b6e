/*
 * nearest.c - the nearest of many rows in memory for each of many others.
 *
 * Up to EXACT_COUNT rows all pairs are looked at (FAISS "Flat": products of blocks); beyond that an
 * inverted file (FAISS "IVF", Jegou et al. 2011) with about one list per ROWS_PER_LIST rows, of
 * which PROBES are searched: near duplicates lie in the same list or a neighbouring one. Work per
 * row is then lists + PROBES x ROWS_PER_LIST products.
 */
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
    MAX_LISTS = 8192,
    ROWS_AT_ONCE = 1024
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
    if (lists > MAX_LISTS) lists = MAX_LISTS;
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

int glimpse_faiss_nearest(const glimpse_nearest_job *job) {
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
