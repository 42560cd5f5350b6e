/*
 * text/bpe.c - merges the bytes of one word into tokens, by rank.
 *
 * The queue is a binary heap of rank << 32 | position, so that its order is the order of merging.
 * Entries are not removed when a neighbour changes: a popped entry counts only if the pair at its
 * position still has that rank. Every merge adds at most two entries, so there are fewer than 3n.
 */
#include "text/bpe.h"

#include "core/error.h"

#include <stdlib.h>

enum { NONE = -1 };
#define NO_RANK UINT32_MAX

typedef struct word {
    const glimpse_vocabulary *vocabulary;
    int32_t *ids;                     /* [n], NONE once merged into the one before */
    uint64_t *heap, *waiting;         /* [3n], [2n] */
    int32_t *before, *after;          /* [n], NONE at the ends */
    uint32_t *rank;                   /* [n], of the pair that begins here */
    int32_t *becomes;                 /* [n], what that pair becomes */
    size_t heap_count, waiting_count; /* waiting: pairs that must not be chosen yet */
} word;

void glimpse_bpe_scratch_init(glimpse_bpe_scratch *scratch) {
    scratch->capacity = GLIMPSE_BPE_INLINE;
    scratch->wide = scratch->wide_inside;
    scratch->narrow = scratch->narrow_inside;
}

void glimpse_bpe_scratch_release(glimpse_bpe_scratch *scratch) {
    if (scratch->wide != scratch->wide_inside) free(scratch->wide);
    if (scratch->narrow != scratch->narrow_inside) free(scratch->narrow);
    glimpse_bpe_scratch_init(scratch);
}

static int reserve(glimpse_bpe_scratch *scratch, size_t symbols) {
    enum {
        PER_SYMBOL = GLIMPSE_BPE_WIDE * sizeof(uint64_t) + GLIMPSE_BPE_NARROW * sizeof(int32_t)
    };
    if (symbols <= scratch->capacity) return GLIMPSE_OK;
    if (symbols > INT32_MAX || symbols > SIZE_MAX / PER_SYMBOL) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "a word of %zu bytes", symbols);
    }
    glimpse_bpe_scratch_release(scratch);
    uint64_t *wide = malloc(symbols * GLIMPSE_BPE_WIDE * sizeof *wide);
    int32_t *narrow = malloc(symbols * GLIMPSE_BPE_NARROW * sizeof *narrow);
    if (!wide || !narrow) {
        free(wide);
        free(narrow);
        return glimpse_fail_nomem(symbols * PER_SYMBOL, "a long word");
    }
    scratch->capacity = symbols;
    scratch->wide = wide;
    scratch->narrow = narrow;
    return GLIMPSE_OK;
}

static void push(word *w, uint64_t entry) {
    size_t i = w->heap_count++;
    while (i > 0 && w->heap[(i - 1) / 2] > entry) {
        w->heap[i] = w->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->heap[i] = entry;
}

static uint64_t pop(word *w) {
    uint64_t top = w->heap[0], moved = w->heap[--w->heap_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->heap_count; i = child) {
        if (child + 1 < w->heap_count && w->heap[child + 1] < w->heap[child]) child++;
        if (w->heap[child] >= moved) break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = moved;
    return top;
}

/* Looks up the pair that begins at `at`; returns its heap entry, or 0 when it does not merge (an
 * entry is never 0 by accident: 0 would be the pair of rank 0 at position 0, so positions count
 * from 1 inside entries). */
static uint64_t look_up(word *w, int32_t at) {
    w->rank[at] = NO_RANK;
    if (w->after[at] == NONE) return 0;
    const glimpse_merge *merge =
        glimpse_vocabulary_merge(w->vocabulary, w->ids[at], w->ids[w->after[at]]);
    if (!merge) return 0;
    w->rank[at] = merge->rank;
    w->becomes[at] = merge->id;
    return (uint64_t)merge->rank << 32 | ((uint32_t)at + 1u);
}

static void run(word *w, glimpse_bpe_order order) {
    while (w->heap_count > 0) {
        uint64_t entry = pop(w);
        uint32_t rank = (uint32_t)(entry >> 32);
        int32_t at = (int32_t)((uint32_t)entry - 1u);
        if (w->ids[at] != NONE && w->rank[at] == rank) {
            int32_t gone = w->after[at];
            w->ids[at] = w->becomes[at];
            w->ids[gone] = NONE;
            w->after[at] = w->after[gone];
            if (w->after[at] != NONE) w->before[w->after[at]] = at;
            uint64_t pairs[2] = {look_up(w, at),
                                 w->before[at] != NONE ? look_up(w, w->before[at]) : 0};
            for (int i = 0; i < 2; i++) {
                if (!pairs[i]) continue;
                if (order == GLIMPSE_BPE_ONE) {
                    push(w, pairs[i]);
                } else {
                    w->waiting[w->waiting_count++] = pairs[i];
                }
            }
        }
        /* ALL: the pass over this pair is over when the queue offers another rank. */
        if (w->waiting_count > 0 && (w->heap_count == 0 || (uint32_t)(w->heap[0] >> 32) != rank)) {
            for (size_t i = 0; i < w->waiting_count; i++) {
                push(w, w->waiting[i]);
            }
            w->waiting_count = 0;
        }
    }
}

int glimpse_bpe_merge(const glimpse_vocabulary *vocabulary, int32_t *ids, size_t *count,
                      glimpse_bpe_order order, glimpse_bpe_scratch *scratch) {
    size_t n = *count;
    if (n < 2) return GLIMPSE_OK;
    int status = reserve(scratch, n);
    if (status < 0) return status;
    word w = {.vocabulary = vocabulary, .ids = ids};
    w.heap = scratch->wide;
    w.waiting = w.heap + 3 * n;
    w.before = scratch->narrow;
    w.after = w.before + n;
    w.becomes = w.after + n;
    w.rank = (uint32_t *)(w.becomes + n);

    for (size_t i = 0; i < n; i++) {
        w.before[i] = (int32_t)i - 1;
        w.after[i] = i + 1 < n ? (int32_t)i + 1 : NONE;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t entry = look_up(&w, (int32_t)i);
        if (entry) push(&w, entry);
    }
    run(&w, order);
    size_t left = 0;
    for (int32_t i = 0; i != NONE; i = w.after[i]) {
        ids[left++] = ids[i];
    }
    *count = left;
    return GLIMPSE_OK;
}

void glimpse_bpe_merge_plain(const glimpse_vocabulary *vocabulary, int32_t *ids, size_t *count,
                             glimpse_bpe_order order) {
    for (;;) {
        const glimpse_merge *best = NULL;
        size_t where = 0;
        for (size_t i = 0; i + 1 < *count; i++) {
            const glimpse_merge *merge = glimpse_vocabulary_merge(vocabulary, ids[i], ids[i + 1]);
            if (merge && (!best || merge->rank < best->rank)) {
                best = merge;
                where = i;
            }
        }
        if (!best) return;
        int32_t left = ids[where], right = ids[where + 1];
        size_t kept = where;
        for (size_t i = where; i < *count;) {
            int merges = i + 1 < *count && ids[i] == left && ids[i + 1] == right &&
                         (order == GLIMPSE_BPE_ALL || i == where);
            ids[kept++] = merges ? best->id : ids[i];
            i += merges ? 2 : 1;
        }
        *count = kept;
    }
}
