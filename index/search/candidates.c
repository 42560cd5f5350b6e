/*
 * candidates.c - exact scores, and which pictures a search may show.
 */
#include "core/error.h"
#include "search_private.h"

#include <math.h>
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

static int add_candidate(glimpse_search *s, int64_t content, uint32_t part,
                         const glimpse_hash *hash, uint64_t size, double score) {
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
    s->found[s->count++] = (glimpse_candidate){content, part, score, *hash, size};
    return GLIMPSE_OK;
}

static int score_row(double *score, const glimpse_search *s, uint32_t part, int64_t row) {
    const glimpse_vectors *vectors = part ? s->parts : s->vectors;
    int status = s->store->ops->vectors.row(s->row, vectors, row);
    if (status == GLIMPSE_OK) *score = exact_score(s->query, s->row, s->dim);
    return status;
}

/* By content, of each the one that counts first: the best, of equal ones the first part. */
static int by_content(const void *a, const void *b) {
    const glimpse_search_row *x = a, *y = b;
    if (x->content != y->content) return x->content < y->content ? -1 : 1;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->part > y->part) - (x->part < y->part);
}

/* At most CHOOSE_AT_ONCE, of different contents. */
static int choose_some(glimpse_search *s, const glimpse_search_row *rows, size_t count) {
    int64_t contents[CHOOSE_AT_ONCE];
    glimpse_content_choice choices[CHOOSE_AT_ONCE];
    for (size_t i = 0; i < count; i++)
        contents[i] = rows[i].content;
    int status = s->store->ops->filters.choose(choices, s->store, s->filter, s->labels,
                                               s->label_count, contents, count);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        if (!choices[i].passes) continue;
        status = add_candidate(s, rows[i].content, rows[i].part, &choices[i].hash, choices[i].size,
                               rows[i].score);
    }
    return status;
}

int glimpse_search_consider(glimpse_search *s, glimpse_search_row *rows, size_t count) {
    size_t used = 0;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        double score = 0.0;
        status = score_row(&score, s, rows[i].part, rows[i].row);
        if (status != GLIMPSE_OK || score < s->min_score) continue;
        rows[used] = rows[i];
        rows[used++].score = score;
    }
    if (s->parts && used > 0) {
        const size_t all = used;
        qsort(rows, all, sizeof *rows, by_content);
        used = 0;
        for (size_t i = 0; i < all; i++) {
            if (used == 0 || rows[used - 1].content != rows[i].content) rows[used++] = rows[i];
        }
    }
    for (size_t i = 0; i < used && status == GLIMPSE_OK; i += CHOOSE_AT_ONCE) {
        status = choose_some(s, rows + i, used - i < CHOOSE_AT_ONCE ? used - i : CHOOSE_AT_ONCE);
    }
    return status;
}

/*
 * All that there is of one content.
 */
typedef struct best_part {
    const glimpse_search *s;
    double score; /* -INFINITY: there is none */
    uint32_t part;
} best_part;

static int score_part(void *user, uint32_t part, int64_t row) {
    best_part *best = user;
    double score = 0.0;
    int status = score_row(&score, best->s, part, row);
    if (status == GLIMPSE_OK && score > best->score) {
        best->score = score;
        best->part = part;
    }
    return status;
}

/* The whole first, then part by part, so that of equal ones the first stays. */
static int score_content(best_part *best, const glimpse_search *s, int64_t content) {
    const glimpse_store_ops *ops = s->store->ops;
    int64_t row = -1;
    *best = (best_part){s, -INFINITY, 0};
    int status = ops->vectors.find(&row, s->vectors, content);
    if (status == GLIMPSE_OK && row >= 0) status = score_part(best, 0, row);
    if (status == GLIMPSE_OK && s->parts) {
        status = ops->picture_parts.rows(s->parts, content, score_part, best);
    }
    return status;
}

int glimpse_search_consider_content(glimpse_search *s, int64_t content) {
    best_part best;
    int status = score_content(&best, s, content);
    if (status < 0 || !isfinite(best.score) || best.score < s->min_score) return status;
    const glimpse_search_row row = {content, -1, best.part, best.score};
    return choose_some(s, &row, 1);
}

static int add_content(void *user, int64_t content, const glimpse_hash *hash, uint64_t size) {
    glimpse_search *s = user;
    best_part best;
    int status = score_content(&best, s, content);
    if (status < 0 || !isfinite(best.score)) return status;
    return add_candidate(s, content, best.part, hash, size, best.score);
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
