/*
 * fusion.c - the ranking by cosine and the ranking by captions made one, by reciprocal rank fusion
 * (Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
 * learning methods", SIGIR 2009): a picture's score is the weighted sum of 1 / (60 + its rank) over
 * the rankings it is in. Only ranks count, so that cosines and BM25, which have nothing in common,
 * need not be brought to one scale.
 */
#include "core/error.h"
#include "search_private.h"

#include <stdlib.h>

typedef struct hit {
    glimpse_candidate candidate;
    double score; /* BM25 of its best caption */
    int64_t caption;
} hit;

typedef struct hits {
    glimpse_search *s;
    hit *list;
    size_t count, capacity;
    int64_t *seen; /* [seen_capacity] open addressing: contents that were looked at, 0: free */
    size_t seen_count, seen_capacity;
} hits;

static size_t slot_of(const hits *h, int64_t content) {
    size_t mask = h->seen_capacity - 1;
    size_t slot = (size_t)((uint64_t)content * UINT64_C(0x9e3779b97f4a7c15) >> 17) & mask;
    while (h->seen[slot] != 0 && h->seen[slot] != content)
        slot = (slot + 1) & mask;
    return slot;
}

/* *first is 1 when the content was not asked about before. */
static int remember(hits *h, int64_t content, int *first) {
    if (2 * (h->seen_count + 1) > h->seen_capacity) {
        size_t old_capacity = h->seen_capacity;
        int64_t *old = h->seen;
        h->seen_capacity = old_capacity ? 2 * old_capacity : 1024;
        h->seen = calloc(h->seen_capacity, sizeof *h->seen);
        if (!h->seen) {
            free(old);
            h->seen_capacity = 0;
            return glimpse_fail_nomem(h->seen_capacity * sizeof *h->seen, "captions");
        }
        for (size_t i = 0; i < old_capacity; i++) {
            if (old[i] != 0) h->seen[slot_of(h, old[i])] = old[i];
        }
        free(old);
    }
    size_t slot = slot_of(h, content);
    *first = h->seen[slot] == 0;
    if (*first) {
        h->seen[slot] = content;
        h->seen_count++;
    }
    return GLIMPSE_OK;
}

/* Captions come best first, so the first of a content is its best one. */
static int on_match(void *user, int64_t content, int64_t caption, double score) {
    hits *h = user;
    glimpse_search *s = h->s;
    int first = 0;
    /* Everything that is scored like the last one that counts is taken in: what comes first among
     * equals is no more than the order of storing. */
    if (h->count >= s->k && score < h->list[s->k - 1].score) return 1;
    int status = remember(h, content, &first);
    if (status < 0 || !first) return status;
    size_t before = s->count;
    status = glimpse_search_consider_content(s, content);
    if (status < 0 || s->count == before) return status;
    if (h->count == h->capacity) {
        size_t capacity = h->capacity ? 2 * h->capacity : 256;
        hit *grown = realloc(h->list, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "captions");
        h->list = grown;
        h->capacity = capacity;
    }
    h->list[h->count++] = (hit){s->found[--s->count], score, caption};
    return GLIMPSE_OK;
}

static int by_content(const void *a, const void *b) {
    const glimpse_ranked *x = a, *y = b;
    return (x->candidate.content > y->candidate.content) -
           (x->candidate.content < y->candidate.content);
}

static int by_fused(const void *a, const void *b) {
    const glimpse_ranked *x = a, *y = b;
    if (x->fused != y->fused) return x->fused < y->fused ? 1 : -1;
    return glimpse_search_compare(&x->candidate, &y->candidate);
}

static double part(size_t rank) {
    return rank ? 1.0 / (double)(GLIMPSE_FUSION_K + rank) : 0.0;
}

/* `ranked` has room for everything; [0, by_vector) come from the cosine and are sorted by content.
 */
static void merge(glimpse_search *s, const hits *h, size_t by_vector) {
    size_t rank = 0;
    for (size_t i = 0; i < h->count; i++) {
        const hit *one = &h->list[i];
        if (i == 0 || one->score != h->list[i - 1].score) rank = i + 1;
        glimpse_ranked key = {.candidate = one->candidate};
        glimpse_ranked *r =
            by_vector ? bsearch(&key, s->ranked, by_vector, sizeof key, by_content) : NULL;
        if (!r) {
            r = &s->ranked[s->ranked_count++];
            *r = key;
        }
        r->caption_rank = rank;
        r->caption_score = one->score;
        r->caption = one->caption;
    }
}

int glimpse_search_fuse(glimpse_search *s) {
    hits h = {.s = s};
    size_t by_vector = s->count, rank = 0;
    int status = s->store->ops->captions.match(s->store, s->captions, on_match, &h);
    if (status < 0) goto done;
    s->ranked = calloc(by_vector + h.count + 1, sizeof *s->ranked);
    if (!s->ranked) {
        status = glimpse_fail_nomem((by_vector + h.count) * sizeof *s->ranked, "results");
        goto done;
    }
    for (size_t i = 0; i < by_vector; i++) {
        if (i == 0 || s->found[i].score != s->found[i - 1].score) rank = i + 1;
        s->ranked[i] = (glimpse_ranked){.candidate = s->found[i], .vector_rank = rank};
    }
    s->ranked_count = by_vector;
    if (by_vector > 0) qsort(s->ranked, by_vector, sizeof *s->ranked, by_content);
    merge(s, &h, by_vector);
    for (size_t i = 0; i < s->ranked_count; i++) {
        glimpse_ranked *r = &s->ranked[i];
        r->fused = (1 - s->captions_weight) * part(r->vector_rank) +
                   s->captions_weight * part(r->caption_rank);
    }
    if (s->ranked_count > 0) qsort(s->ranked, s->ranked_count, sizeof *s->ranked, by_fused);
done:
    free(h.seen);
    free(h.list);
    return status;
}
