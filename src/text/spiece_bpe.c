/*
 * text/spiece_bpe.c - cuts a text as a SentencePiece BPE model does (bpe_model.cc).
 *
 * The text begins as its characters; user-defined pieces stay whole. Of all neighbours that make a
 * piece, those merge first whose piece has the highest score, the leftmost of equal ones. There is
 * no list of merges: any two halves of a piece make it.
 *
 * The queue is a binary heap. Entries are not removed when a neighbour changes: a popped one counts
 * only if the two symbols are still as long together as it says. Every merge takes one entry and
 * adds at most two, so there are fewer than twice as many as characters.
 */
#include "core/error.h"
#include "text/spiece_model.h"

#include <stdlib.h>

enum { NONE = -1 };

typedef struct symbol {
    uint32_t from, length; /* bytes of the text; length 0: merged into the one before */
    int32_t before, after; /* NONE at the ends */
    int32_t id;            /* NONE: not looked up yet */
    int32_t whole;         /* merges with nothing */
} symbol;

typedef struct pair {
    float score;
    int32_t left, right, id;
    uint32_t length; /* of both together */
} pair;

typedef struct merging {
    const glimpse_spiece_model *model;
    const char *text;
    symbol *symbols;
    pair *heap;
    size_t heap_count;
} merging;

static int goes_first(const pair *a, const pair *b) {
    return a->score > b->score || (!(a->score < b->score) && a->left < b->left);
}

static void push(merging *m, const pair *entry) {
    size_t i = m->heap_count++;
    while (i > 0 && goes_first(entry, &m->heap[(i - 1) / 2])) {
        m->heap[i] = m->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    m->heap[i] = *entry;
}

static pair pop(merging *m) {
    pair top = m->heap[0], moved = m->heap[--m->heap_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < m->heap_count; i = child) {
        if (child + 1 < m->heap_count && goes_first(&m->heap[child + 1], &m->heap[child])) child++;
        if (!goes_first(&m->heap[child], &moved)) break;
        m->heap[i] = m->heap[child];
    }
    m->heap[i] = moved;
    return top;
}

/* Queues the neighbours if they make a piece. */
static void offer(merging *m, int32_t left, int32_t right) {
    if (left == NONE || right == NONE) return;
    const symbol *a = &m->symbols[left], *b = &m->symbols[right];
    const size_t length = (size_t)a->length + b->length;
    if (a->whole || b->whole || length > GLIMPSE_SPIECE_BYTES_LIMIT) return;
    int32_t id = glimpse_prefix_table_find(&m->model->table, m->text + a->from, length);
    if (id < 0) return;
    const pair entry = {m->model->pieces[id].score, left, right, id, (uint32_t)length};
    push(m, &entry);
}

/* The characters and user-defined pieces of the text; how many. */
static size_t split(merging *m, size_t size) {
    size_t count = 0;
    for (size_t at = 0, length; at < size; at += length, count++) {
        int32_t id =
            glimpse_prefix_table_longest(&m->model->user_defined, m->text + at, size - at, &length);
        int whole = id >= 0;
        if (!whole) {
            length = glimpse_spiece_character((unsigned char)m->text[at]);
            if (length > size - at) length = size - at;
        }
        m->symbols[count] = (symbol){(uint32_t)at,       (uint32_t)length,  (int32_t)count - 1,
                                     (int32_t)count + 1, whole ? id : NONE, whole};
    }
    if (count > 0) m->symbols[count - 1].after = NONE;
    return count;
}

static void merge_all(merging *m) {
    while (m->heap_count > 0) {
        const pair top = pop(m);
        symbol *left = &m->symbols[top.left], *right = &m->symbols[top.right];
        if (left->length == 0 || right->length == 0 || left->length + right->length != top.length) {
            continue;
        }
        left->length = top.length;
        left->id = top.id;
        left->after = right->after;
        if (right->after != NONE) m->symbols[right->after].before = top.left;
        right->length = 0;
        offer(m, left->before, top.left);
        offer(m, top.left, left->after);
    }
}

int glimpse_spiece_merge(const glimpse_spiece_model *model, const char *text, size_t size,
                         int (*piece)(void *context, int32_t id, const char *text, size_t length),
                         void *context) {
    merging m = {.model = model, .text = text};
    if (size > INT32_MAX / 4) return glimpse_fail(GLIMPSE_E_LIMIT, "a text of %zu bytes", size);
    m.symbols = malloc(size * sizeof *m.symbols);
    m.heap = malloc(2 * size * sizeof *m.heap);
    int status = GLIMPSE_OK;
    if (!m.symbols || !m.heap) {
        status = glimpse_fail_nomem(size * (sizeof *m.symbols + 2 * sizeof *m.heap), "a text");
        goto done;
    }
    size_t count = split(&m, size);
    for (size_t i = 1; i < count; i++) {
        offer(&m, (int32_t)i - 1, (int32_t)i);
    }
    merge_all(&m);
    for (int32_t i = 0; i != NONE; i = m.symbols[i].after) {
        const symbol *s = &m.symbols[i];
        int32_t id = s->id;
        if (id == NONE) id = glimpse_prefix_table_find(&model->table, text + s->from, s->length);
        if (id < 0) id = model->unknown_id;
        if (piece(context, id, text + s->from, s->length)) break;
    }
done:
    free(m.heap);
    free(m.symbols);
    return status;
}
