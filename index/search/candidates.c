/*
 * candidates.c - exact scores, and which pictures a search may show.
 */
#include "core/error.h"
#include "search_private.h"

#include <stdlib.h>
#include <string.h>

enum { CHOOSE_AT_ONCE = 128 };

/* Eight sums in a fixed order: the same result everywhere, and no waiting on one addition. */
static double exact_score(const float *a, const float *b, size_t n) {
    double sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t j = 0; j < 8; j++)
            sums[j] += (double)a[i + j] * (double)b[i + j];
    }
    for (; i < n; i++)
        sums[i % 8] += (double)a[i] * (double)b[i];
    double score =
        ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
    return score > 1.0 ? 1.0 : score < -1.0 ? -1.0 : score;
}

/* Best first; ties by hash, then size: an order that does not depend on when a picture came. */
int glimpse_search_compare(const void *a, const void *b) {
    const glimpse_candidate *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    int order = memcmp(x->hash.bytes, y->hash.bytes, sizeof x->hash.bytes);
    if (order != 0) return order;
    return (x->size > y->size) - (x->size < y->size);
}

static int add_candidate(glimpse_search *s, int64_t content, const glimpse_hash *hash,
                         uint64_t size, double score) {
    if (score < s->min_score) return GLIMPSE_OK;
    if (s->has_excluded && memcmp(hash->bytes, s->excluded.bytes, GLIMPSE_HASH_BYTES) == 0) {
        return GLIMPSE_OK;
    }
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 256;
        glimpse_candidate *grown = realloc(s->found, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "candidates");
        s->found = grown;
        s->capacity = capacity;
    }
    s->found[s->count++] = (glimpse_candidate){content, score, *hash, size};
    return GLIMPSE_OK;
}

static int score_row(double *score, const glimpse_search *s, int64_t row) {
    int status = s->store->ops->vectors.row(s->row, s->vectors, row);
    if (status == GLIMPSE_OK) *score = exact_score(s->query, s->row, s->dim);
    return status;
}

/* At most CHOOSE_AT_ONCE. */
static int consider_some(glimpse_search *s, const glimpse_vector_hit *hits, size_t count) {
    int64_t contents[CHOOSE_AT_ONCE];
    double scores[CHOOSE_AT_ONCE];
    glimpse_content_choice choices[CHOOSE_AT_ONCE];
    size_t used = 0;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        status = score_row(&scores[used], s, hits[i].row);
        if (status != GLIMPSE_OK || scores[used] < s->min_score) continue;
        contents[used++] = hits[i].content;
    }
    if (status == GLIMPSE_OK && used > 0) {
        status = s->store->ops->filters.choose(choices, s->store, s->filter, s->labels,
                                               s->label_count, contents, used);
    }
    for (size_t i = 0; i < used && status == GLIMPSE_OK; i++) {
        if (!choices[i].passes) continue;
        status = add_candidate(s, contents[i], &choices[i].hash, choices[i].size, scores[i]);
    }
    return status;
}

int glimpse_search_consider(glimpse_search *s, const glimpse_vector_hit *hits, size_t count) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i += CHOOSE_AT_ONCE) {
        status =
            consider_some(s, hits + i, count - i < CHOOSE_AT_ONCE ? count - i : CHOOSE_AT_ONCE);
    }
    return status;
}

static int add_content(void *user, int64_t content, const glimpse_hash *hash, uint64_t size) {
    glimpse_search *s = user;
    int64_t row = -1;
    double score = 0.0;
    int status = s->store->ops->vectors.find(&row, s->vectors, content);
    if (status < 0 || row < 0) return status;
    status = score_row(&score, s, row);
    return status == GLIMPSE_OK ? add_candidate(s, content, hash, size, score) : status;
}

int glimpse_search_consider_all(glimpse_search *s) {
    s->count = 0;
    int status = s->store->ops->filters.contents(s->store, s->filter, s->labels, s->label_count,
                                                 add_content, s);
    if (status == GLIMPSE_OK && s->count > 0) {
        qsort(s->found, s->count, sizeof *s->found, glimpse_search_compare);
    }
    return status;
}
