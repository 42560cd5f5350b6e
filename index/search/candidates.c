/*
 * candidates.c - exact scores, and which pictures a search may show.
 */
#include "core/error.h"
#include "product.h"
#include "search_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHOOSE_AT_ONCE = 128 };

static double exact_score(const float *a, const float *b, size_t n) {
    const double score = glimpse_product(a, b, n);
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
    if (score < s->min_score || (s->page && content > s->page->newest)) return GLIMPSE_OK;
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

/*
 * The score of a picture: the best of its own and those of its parts, each of which is mostly the
 * part's cosine and in small part the picture's. The best of many is more by chance alone, and what
 * is asked for is mostly more than what a part shows: so what is around it has its say. Of equal
 * ones the first counts.
 */
typedef struct best_part {
    const glimpse_search *s;
    double whole, score; /* score: -INFINITY, there is none */
    uint32_t part;
} best_part;

/* Written so that a part that is like its picture scores like it to the last bit. */
static double part_score(double part, double whole) {
    return whole + (1.0 - GLIMPSE_TILE_CONTEXT) * (part - whole);
}

static int add_part(void *user, uint32_t part, int64_t row) {
    best_part *best = user;
    double cosine = 0.0;
    int status = score_row(&cosine, best->s, part, row);
    const double score = part_score(cosine, best->whole);
    if (status < 0 || score < best->score || (score == best->score && part >= best->part)) {
        return status;
    }
    best->score = score;
    best->part = part;
    return GLIMPSE_OK;
}

/* `row` of the whole, -1: to be looked up. Without an index what the catalogue has is the same. */
static int begin_best(best_part *best, const glimpse_search *s, int64_t content, int64_t row) {
    const glimpse_store_ops *ops = s->store->ops;
    *best = (best_part){s, 0.0, -INFINITY, 0};
    glimpse_hash hash;
    int status = GLIMPSE_OK;
    if (!s->vectors) {
        status = ops->contents.embedding(s->row, &hash, s->store, &s->model, content);
        if (status == GLIMPSE_E_NOT_FOUND) return GLIMPSE_OK;
        if (status == GLIMPSE_OK) best->whole = exact_score(s->query, s->row, s->dim);
    } else {
        if (row < 0) status = ops->vectors.find(&row, s->vectors, content);
        if (status < 0 || row < 0) return status;
        status = score_row(&best->whole, s, 0, row);
    }
    if (status == GLIMPSE_OK) best->score = best->whole;
    return status;
}

static int add_all_parts(best_part *best, int64_t content) {
    const glimpse_search *s = best->s;
    if (!s->parts || !isfinite(best->score)) return GLIMPSE_OK;
    return s->store->ops->picture_parts.rows(s->parts, content, add_part, best);
}

static int by_content(const void *a, const void *b) {
    const glimpse_search_row *x = a, *y = b;
    if (x->content != y->content) return x->content < y->content ? -1 : 1;
    return (x->part > y->part) - (x->part < y->part);
}

/* Rows [count] of one content, by part. Parts that were not told are looked at where they could
 * change anything. */
static int score_told(best_part *best, const glimpse_search *s, const glimpse_search_row *rows,
                      size_t count) {
    const int64_t content = rows[0].content;
    int status = begin_best(best, s, content, rows[0].part == 0 ? rows[0].row : -1);
    for (size_t i = 0; i < count && status == GLIMPSE_OK && isfinite(best->score); i++) {
        if (rows[i].part) status = add_part(best, rows[i].part, rows[i].row);
    }
    if (status < 0 || !s->parts || part_score(s->parts_rest, best->whole) < best->score) {
        return status;
    }
    return add_all_parts(best, content);
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
    size_t used = 0, end = 0;
    int status = GLIMPSE_OK;
    if (s->parts && count > 0) qsort(rows, count, sizeof *rows, by_content);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i = end) {
        best_part best;
        for (end = i + 1; s->parts && end < count && rows[end].content == rows[i].content;)
            end++;
        status = score_told(&best, s, rows + i, end - i);
        if (status < 0 || !isfinite(best.score) || best.score < s->min_score) continue;
        rows[used++] = (glimpse_search_row){rows[i].content, -1, best.part, best.score};
    }
    for (size_t i = 0; i < used && status == GLIMPSE_OK; i += CHOOSE_AT_ONCE) {
        status = choose_some(s, rows + i, used - i < CHOOSE_AT_ONCE ? used - i : CHOOSE_AT_ONCE);
    }
    return status;
}

int glimpse_search_consider_content(glimpse_search *s, int64_t content) {
    best_part best;
    int status = begin_best(&best, s, content, -1);
    if (status == GLIMPSE_OK) status = add_all_parts(&best, content);
    if (status < 0 || !isfinite(best.score) || best.score < s->min_score) return status;
    const glimpse_search_row row = {content, -1, best.part, best.score};
    return choose_some(s, &row, 1);
}

static int add_content(void *user, int64_t content, const glimpse_hash *hash, uint64_t size) {
    glimpse_search *s = user;
    best_part best;
    int status = begin_best(&best, s, content, -1);
    if (status == GLIMPSE_OK) status = add_all_parts(&best, content);
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
