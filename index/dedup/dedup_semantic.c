/*
 * index/dedup/dedup_semantic.c - candidates whose embeddings are close: each picture's nearest
 * neighbours by cosine.
 */
#include "dedup_private.h"

#include "core/error.h"
#include "store.h"

#include <stdlib.h>
#include <string.h>

enum { NEIGHBOURS = GLIMPSE_DEDUP_NEIGHBOURS };

typedef struct side {
    uint32_t *items;
    const float **rows;
    size_t count;
} side;

static void free_side(side *s) {
    free(s->items);
    free((void *)s->rows);
}

static int collect(const glimpse_dedup *dedup, side *s, int set) {
    s->count = 0;
    s->items = malloc((dedup->class_count + 1) * sizeof *s->items);
    s->rows = malloc((dedup->class_count + 1) * sizeof *s->rows);
    if (!s->items || !s->rows) return glimpse_fail_nomem(dedup->class_count * 12, "embeddings");
    for (size_t k = 0; k < dedup->class_count; k++) {
        const glimpse_dedup_item *item = &dedup->items[dedup->first_of[k]];
        if (set >= 0 && !(dedup->sets[k] & 1U << set)) continue;
        if (!item->picture.embedding) continue;
        s->items[s->count] = dedup->first_of[k];
        s->rows[s->count++] = item->picture.embedding;
    }
    return GLIMPSE_OK;
}

typedef struct search {
    glimpse_dedup *dedup;
    const side *base, *queries;
    size_t capacity, k;
} search;

static int add_neighbours(void *user, size_t query, const float *scores, const int64_t *found) {
    search *s = user;
    glimpse_dedup *dedup = s->dedup;
    uint32_t item = s->queries->items[query];
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < s->k && status == GLIMPSE_OK; i++) {
        if (found[i] < 0 || (size_t)found[i] >= s->base->count) continue;
        uint32_t other = s->base->items[found[i]];
        if (other == item || (double)scores[i] < dedup->min_similarity) continue;
        glimpse_dedup_hint hint = {.a = item < other ? item : other,
                                   .b = item < other ? other : item,
                                   .distance = 255,
                                   .flags = GLIMPSE_HINT_SEMANTIC,
                                   .orientation = 1,
                                   .cosine = scores[i] > 1 ? 1 : scores[i]};
        status = glimpse_dedup_add_hint(dedup, &s->capacity, &hint);
    }
    if (status == GLIMPSE_OK && query % 1024 == 0)
        status = glimpse_dedup_progress(dedup, "comparing", query, s->queries->count, 1, "");
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
static int choose_threshold(glimpse_dedup *dedup) {
    enum { PAIRS = 4096, MIN_PICTURES = 32 };
    side all = {0};
    uint64_t random = 88172645463325252u;
    dedup->min_similarity = GLIMPSE_DEDUP_SIMILARITY;
    int status = collect(dedup, &all, -1);
    float *cosines = malloc(PAIRS * sizeof *cosines);
    if (status == GLIMPSE_OK && !cosines) status = glimpse_fail_nomem(PAIRS * 4, "similarities");
    if (status == GLIMPSE_OK && all.count >= MIN_PICTURES) {
        for (size_t i = 0; i < PAIRS; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t a = (size_t)(random >> 33) % all.count;
            size_t b = (a + 1 + (size_t)(random & 0xffffffff) % (all.count - 1)) % all.count;
            cosines[i] = cosine_of(all.rows[a], all.rows[b], dedup->embedding_size);
        }
        qsort(cosines, PAIRS, sizeof *cosines, compare_floats);
        double common = (double)cosines[PAIRS / 2];
        if (common < 0) common = 0;
        if (common > 1) common = 1;
        dedup->min_similarity = 1 - (1 - GLIMPSE_DEDUP_BEYOND) * (1 - common);
    }
    free(cosines);
    free_side(&all);
    return status;
}

int glimpse_dedup_semantic(glimpse_dedup *dedup) {
    int against = dedup->options->against_count > 0 || dedup->options->against_library;
    side base = {0}, queries = {0};
    int status = dedup->min_similarity > 0 ? GLIMPSE_OK : choose_threshold(dedup);
    if (status == GLIMPSE_OK) status = collect(dedup, &base, against ? 1 : -1);
    if (status == GLIMPSE_OK) status = collect(dedup, &queries, against ? 0 : -1);
    if (status == GLIMPSE_OK) {
        search s = {dedup, &base, &queries, dedup->hint_count, NEIGHBOURS};
        if (s.k > base.count) s.k = base.count;
        glimpse_nearest_job job = {.base = base.rows,
                                   .queries = queries.rows,
                                   .base_count = base.count,
                                   .query_count = queries.count,
                                   .width = dedup->embedding_size,
                                   .k = s.k,
                                   .visit = add_neighbours,
                                   .user = &s};
        status = glimpse_store_backend(NULL)->vectors.nearest(&job);
    }
    free_side(&base);
    free_side(&queries);
    return status;
}
