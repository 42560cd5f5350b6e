/*
 * groups.c - the stages of a search behind its ranking: what is the same over again becomes one
 * result, and results that are unlike come first.
 *
 * Leaders do not depend on what follows them, so that those of the beginning of the ranking are
 * those of all of it. Members are counted as far as the ranking was looked at: `depth`, at least
 * GLIMPSE_COLLAPSE_DEPTH. Scores of near-duplicates are near as well.
 *
 * Pages. A page knows where its groups begin (page->start) and a digest of the leaders on the pages
 * before. As long as these are the ones that the ranking gives again, what is near them was theirs,
 * and is not shown. Where one of them was removed its members have no leader, and whom they would
 * lead now was not shown with them: groups begin anew behind the last page. So no result comes
 * twice, nothing is lost that was not among the others of one, and those may come again.
 */
#include "collapse.h"
#include "core/error.h"
#include "diverse.h"
#include "search_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t digest_of(const glimpse_candidate *candidate) {
    uint8_t bytes[GLIMPSE_HASH_BYTES + sizeof candidate->size];
    uint64_t digest;
    memcpy(bytes, candidate->hash.bytes, GLIMPSE_HASH_BYTES);
    memcpy(bytes + GLIMPSE_HASH_BYTES, &candidate->size, sizeof candidate->size);
    const glimpse_hash hash = glimpse_hash_bytes(bytes, sizeof bytes);
    memcpy(&digest, hash.bytes, sizeof digest);
    return digest;
}

uint64_t glimpse_search_leaders_digest(const glimpse_search *s, size_t count) {
    uint64_t digest = s->leaders_digest;
    for (size_t i = 0; i < count; i++)
        digest += digest_of(&s->ranked[i].candidate);
    return digest;
}

/* How many of the ranking come not behind a place of it. */
static size_t count_up_to(const glimpse_search *s, const glimpse_search_place *place) {
    const glimpse_candidate last = {
        .score = place->score, .hash = place->hash, .size = place->size};
    size_t count = 0;
    while (count < s->ranked_count &&
           glimpse_search_compare(&s->ranked[count].candidate, &last) <= 0) {
        count++;
    }
    return count;
}

typedef struct grouping {
    size_t *leaders;      /* [count] places in the ranking */
    size_t count, before; /* `before` of them are on the pages before */
    size_t limit;
} grouping;

static int add_other(glimpse_search *s, size_t leader, const glimpse_candidate *candidate) {
    if (s->other_count == s->other_capacity) {
        const size_t capacity = s->other_capacity ? 2 * s->other_capacity : 64;
        glimpse_other *grown = realloc(s->others, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "groups of results");
        s->others = grown;
        s->other_capacity = capacity;
    }
    s->others[s->other_count] = (glimpse_other){leader, s->other_count, *candidate};
    s->other_count++;
    return GLIMPSE_OK;
}

/* Groups from place `start` on, until `limit` leaders are behind place `shown`. */
static int group(grouping *g, glimpse_search *s, size_t start, size_t shown) {
    glimpse_collapse *collapse = NULL;
    g->count = g->before = 0;
    s->other_count = 0;
    int status = glimpse_collapse_create(&collapse, s->store, &s->vectors, &s->dim, 1);
    for (size_t i = start; i < s->ranked_count && status == GLIMPSE_OK; i++) {
        const glimpse_candidate *candidate = &s->ranked[i].candidate;
        size_t leader = 0;
        int is_new = 0;
        const int is_full = g->count - g->before >= g->limit;
        status = glimpse_collapse_add(&leader, &is_new, collapse, candidate->content, is_full);
        if (status < 0) break;
        if (is_new) {
            g->leaders[g->count++] = i;
            g->before += i < shown;
        } else if (leader < g->count && leader >= g->before && i >= shown) {
            status = add_other(s, leader - g->before, candidate);
        }
    }
    glimpse_collapse_free(collapse);
    return status;
}

static int by_leader(const void *a, const void *b) {
    const glimpse_other *x = a, *y = b;
    if (x->leader != y->leader) return x->leader < y->leader ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Leaves the leaders of this page, and which others each has. */
static void keep_leaders(glimpse_search *s, const grouping *g) {
    size_t at = 0;
    if (s->other_count > 0) qsort(s->others, s->other_count, sizeof *s->others, by_leader);
    for (size_t i = g->before; i < g->count; i++) {
        glimpse_ranked *r = &s->ranked[i - g->before];
        *r = s->ranked[g->leaders[i]];
        r->first_other = at;
        while (at < s->other_count && s->others[at].leader == i - g->before)
            at++;
        r->collapsed = at - r->first_other;
    }
    s->ranked_count = g->count - g->before;
}

int glimpse_search_collapse(glimpse_search *s, size_t limit) {
    static const glimpse_search_place top = {.score = INFINITY};
    grouping g = {.leaders = calloc(s->ranked_count + 1, sizeof *g.leaders), .limit = limit};
    if (!g.leaders) {
        return glimpse_fail_nomem(s->ranked_count * sizeof *g.leaders, "groups of results");
    }
    size_t start = 0, shown = 0;
    s->group_start = top;
    s->leaders_digest = 0;
    if (s->page) {
        const glimpse_search_place last = {s->page->score, s->page->hash, s->page->size};
        s->group_start = s->page->start;
        start = count_up_to(s, &s->group_start);
        shown = count_up_to(s, &last);
    }
    int status = group(&g, s, start, shown);
    if (status == GLIMPSE_OK && s->page) {
        for (size_t i = 0; i < g.before; i++)
            s->leaders_digest += digest_of(&s->ranked[g.leaders[i]].candidate);
        if (s->leaders_digest != s->page->leaders) {
            s->group_start = (glimpse_search_place){s->page->score, s->page->hash, s->page->size};
            s->leaders_digest = 0;
            status = group(&g, s, shown, shown);
        }
    }
    if (status == GLIMPSE_OK) keep_leaders(s, &g);
    free(g.leaders);
    return status;
}

int glimpse_search_diversify(glimpse_search *s, size_t depth) {
    const size_t count = s->ranked_count < depth ? s->ranked_count : depth;
    const size_t wanted = s->wanted < count ? s->wanted : count;
    double *relevance = calloc(count + 1, sizeof *relevance);
    float *rows = malloc((count * s->dim + 1) * sizeof *rows);
    const float **vectors = calloc(count + 1, sizeof *vectors);
    size_t *order = calloc(count + 1, sizeof *order);
    glimpse_ranked *ordered = calloc(wanted + 1, sizeof *ordered);
    int status = GLIMPSE_OK;
    if (!relevance || !rows || !vectors || !order || !ordered) {
        status = glimpse_fail_nomem(count * s->dim * sizeof *rows, "an order");
    }
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        int64_t row = -1;
        const glimpse_ranked *r = &s->ranked[i];
        relevance[i] = s->captions ? r->fused : r->candidate.score;
        status = s->store->ops->vectors.find(&row, s->vectors, r->candidate.content);
        if (status < 0 || row < 0) continue;
        status = s->store->ops->vectors.row(rows + i * s->dim, s->vectors, row);
        vectors[i] = rows + i * s->dim;
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_diverse_order(order, wanted, relevance, vectors, count, s->dim,
                                       s->diverse_lambda);
    }
    for (size_t i = 0; i < wanted && status == GLIMPSE_OK; i++)
        ordered[i] = s->ranked[order[i]];
    if (status == GLIMPSE_OK) {
        if (wanted > 0) memcpy(s->ranked, ordered, wanted * sizeof *ordered);
        s->ranked_count = wanted;
    }
    free(relevance);
    free(rows);
    free(vectors);
    free(order);
    free(ordered);
    return status;
}
