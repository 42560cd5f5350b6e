/*
 * fuse_models.c - reciprocal rank fusion over the rankings of several models. Only ranks count:
 * cosines of different models have nothing in common.
 */
#include "fuse_models.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A picture in one ranking. */
typedef struct entry {
    const glimpse_result *result;
    size_t list, rank;
} entry;

static int by_picture(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int order = strcmp(x->result->id, y->result->id);
    return order ? order : (x->list > y->list) - (x->list < y->list);
}

static size_t collect(entry *entries, const glimpse_results *const *lists, size_t list_count) {
    size_t used = 0;
    for (size_t l = 0; l < list_count; l++) {
        size_t rank = 0;
        double before = NAN;
        for (size_t i = 0; i < glimpse_results_count(lists[l]); i++) {
            const glimpse_result *result = glimpse_results_get(lists[l], i);
            if (i == 0 || result->score != before) rank = i + 1;
            before = result->score;
            entries[used++] = (entry){result, l, rank};
        }
    }
    return used;
}

/* Summed from the smallest part on, so that equal ranks give equal sums whoever gave which. */
static double sum_of(const glimpse_fused_rank *ranks, size_t list_count) {
    double sum = 0;
    for (size_t last = SIZE_MAX, next = 0;; last = next, next = 0) {
        size_t times = 0;
        for (size_t l = 0; l < list_count; l++) {
            if (ranks[l].rank == 0 || ranks[l].rank >= last) continue;
            times = ranks[l].rank > next ? 1 : times + (ranks[l].rank == next);
            next = ranks[l].rank > next ? ranks[l].rank : next;
        }
        if (times == 0) return sum;
        for (; times > 0; times--)
            sum += 1.0 / (double)(GLIMPSE_FUSION_K + next);
    }
}

/* qsort() has no room for the number of lists: ranks end with one of SIZE_MAX. */
static int by_score(const void *a, const void *b) {
    const glimpse_fused *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    for (size_t l = 0; x->ranks[l].rank != SIZE_MAX; l++) {
        /* 0 is none, and comes last. */
        size_t i = x->ranks[l].rank - 1, k = y->ranks[l].rank - 1;
        if (i != k) return i < k ? -1 : 1;
    }
    return strcmp(x->result->id, y->result->id);
}

int glimpse_fuse_models(glimpse_fused **out, size_t *count, const glimpse_results *const *lists,
                        size_t list_count) {
    size_t total = 0;
    *out = NULL;
    *count = 0;
    for (size_t l = 0; l < list_count; l++)
        total += glimpse_results_count(lists[l]);
    const size_t width = list_count + 1;
    entry *entries = calloc(total + 1, sizeof *entries);
    glimpse_fused *fused = calloc(total + 1, sizeof *fused + width * sizeof(glimpse_fused_rank));
    if (!entries || !fused) {
        free(entries);
        free(fused);
        return glimpse_fail_nomem(total * sizeof *fused, "results");
    }
    glimpse_fused_rank *ranks = (glimpse_fused_rank *)(void *)(fused + total + 1);
    total = collect(entries, lists, list_count);
    if (total > 0) qsort(entries, total, sizeof *entries, by_picture);
    for (size_t i = 0; i < total;) {
        glimpse_fused_rank *own = ranks + *count * width;
        const char *id = entries[i].result->id;
        for (size_t l = 0; l < list_count; l++)
            own[l] = (glimpse_fused_rank){0, NAN};
        own[list_count].rank = SIZE_MAX;
        fused[*count] = (glimpse_fused){.result = entries[i].result, .ranks = own};
        for (; i < total && strcmp(entries[i].result->id, id) == 0; i++)
            own[entries[i].list] = (glimpse_fused_rank){entries[i].rank, entries[i].result->score};
        fused[(*count)++].score = sum_of(own, list_count);
    }
    if (*count > 0) qsort(fused, *count, sizeof *fused, by_score);
    free(entries);
    *out = fused;
    return GLIMPSE_OK;
}
