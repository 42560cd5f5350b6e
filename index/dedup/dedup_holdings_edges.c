/*
 * index/dedup/dedup_holdings_edges.c - classes and edges by what files hold: files of the same
 * pixels are one class when they hold the same, and else HOLDS_MORE of each other; so are pairs
 * that were coded anew.
 */
#include "dedup_holdings.h"

#include "core/error.h"
#include "core/hash.h"

#include <stdlib.h>
#include <string.h>

enum { ALL_PAIRS = 32 }; /* so many classes of the same pixels are all linked to each other */

/*
 * Classes.
 */
static uint64_t digest_of(const glimpse_holdings *holdings) {
    glimpse_hasher *hasher = glimpse_hasher_create();
    uint64_t digest = 1;
    for (size_t i = 0; hasher && holdings && i < holdings->count; i++) {
        const glimpse_holding *h = &holdings->items[i];
        const double head[3] = {(double)h->kind, h->amount, (double)h->is_weak};
        glimpse_hasher_update(hasher, head, sizeof head);
        glimpse_hasher_update(hasher, &h->order, sizeof h->order);
        glimpse_hasher_update(hasher, h->parts, h->part_count * sizeof *h->parts);
    }
    if (!hasher) return 0;
    const glimpse_hash hash = glimpse_hasher_finish(hasher);
    memcpy(&digest, hash.bytes, sizeof digest);
    return digest;
}

/* Marks the members of a class that may hold different things. */
static int mark_class(const glimpse_dedup *dedup, size_t class, uint8_t *wanted) {
    const uint32_t first = dedup->member_start[class], end = dedup->member_start[class + 1];
    int differ = 0;
    for (uint32_t m = first; m < end && end - first > 1 && !differ; m++) {
        const glimpse_dedup_picture *p = &dedup->items[dedup->members[m]].picture;
        differ = strcmp(p->id, dedup->items[dedup->members[first]].picture.id) != 0 ||
                 glimpse_holdings_has_companion(p->path);
    }
    for (uint32_t m = first; m < end && differ; m++)
        wanted[dedup->members[m]] = 1;
    return differ;
}

int glimpse_dedup_split_classes(glimpse_dedup *dedup) {
    uint8_t *wanted = calloc(dedup->count + 1, 1);
    int any = 0;
    if (!wanted) return glimpse_fail_nomem(dedup->count, "what files hold");
    for (size_t k = 0; k < dedup->class_count; k++)
        any |= mark_class(dedup, k, wanted);
    int status = any ? glimpse_dedup_read_holdings(dedup, wanted) : GLIMPSE_OK;
    for (size_t i = 0; i < dedup->count && any && status == GLIMPSE_OK; i++) {
        if (!wanted[i]) continue;
        glimpse_dedup_item *item = &dedup->items[i];
        item->holds = glimpse_dedup_is_unreadable(dedup, (uint32_t)i)
                          ? i + 1
                          : digest_of(glimpse_dedup_holdings(dedup, item));
    }
    free(wanted);
    if (!any || status < 0) return status;
    free(dedup->first_of);
    free(dedup->members);
    free(dedup->member_start);
    free(dedup->sets);
    dedup->first_of = dedup->members = dedup->member_start = NULL;
    dedup->sets = NULL;
    return glimpse_dedup_make_classes(dedup);
}

/*
 * Edges.
 */
static int add_edge(glimpse_dedup *dedup, size_t *capacity, uint32_t x, uint32_t y) {
    glimpse_dedup_edge edge = {.a = x < y ? x : y, .b = x < y ? y : x, .cosine = -2};
    if (glimpse_dedup_is_same_picture(dedup, &edge) != 1) return GLIMPSE_OK;
    if (glimpse_dedup_too_weak(dedup, edge.relation))
        return glimpse_dedup_note_weak(dedup, edge.a, edge.b, edge.relation);
    if (dedup->edge_count == *capacity) {
        const size_t more = *capacity ? *capacity * 2 : 64;
        glimpse_dedup_edge *edges = realloc(dedup->edges, more * sizeof *edges);
        if (!edges) return glimpse_fail_nomem(more * sizeof *edges, "pairs");
        dedup->edges = edges;
        *capacity = more;
    }
    dedup->edges[dedup->edge_count++] = edge;
    return GLIMPSE_OK;
}

/* Classes of the same pixels stand beside each other. Of many, each is linked to the next and to
 * the best of them: what is to be one group is reached from its keeper. */
static int link_classes(glimpse_dedup *dedup, size_t *capacity, size_t first, size_t end) {
    int status = GLIMPSE_OK;
    size_t best = first;
    for (size_t k = first; k < end; k++) {
        if (glimpse_dedup_rank(dedup, &dedup->items[dedup->first_of[k]],
                               &dedup->items[dedup->first_of[best]]) < 0)
            best = k;
    }
    for (size_t x = first; x < end && status == GLIMPSE_OK; x++) {
        const int many = end - first > ALL_PAIRS;
        const uint32_t item = dedup->first_of[x];
        for (size_t y = x + 1; y < (many ? x + 2 : end) && y < end && status == GLIMPSE_OK; y++)
            status = add_edge(dedup, capacity, item, dedup->first_of[y]);
        if (many && status == GLIMPSE_OK && (x > best + 1 || x + 1 < best))
            status = add_edge(dedup, capacity, item, dedup->first_of[best]);
    }
    return status;
}

static int compare_edges(const void *a, const void *b) {
    const glimpse_dedup_edge *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

static const char *pixels_of(const glimpse_dedup *dedup, size_t class) {
    return dedup->items[dedup->first_of[class]].picture.pixels;
}

/* The whole class holds what its first file does, which was read. */
static void share_in_classes(glimpse_dedup *dedup) {
    for (size_t k = 0; k < dedup->class_count; k++) {
        const uint32_t holder = dedup->items[dedup->first_of[k]].holder;
        for (uint32_t m = dedup->member_start[k]; m < dedup->member_start[k + 1]; m++) {
            glimpse_dedup_item *item = &dedup->items[dedup->members[m]];
            if (item->holder) continue;
            item->holder = holder;
            item->worth = dedup->items[dedup->first_of[k]].worth;
        }
    }
}

static int read_of_edges(glimpse_dedup *dedup) {
    uint8_t *wanted = calloc(dedup->count + 1, 1);
    if (!wanted) return glimpse_fail_nomem(dedup->count, "what files hold");
    for (size_t i = 0; i < dedup->edge_count; i++) {
        if (dedup->edges[i].relation > GLIMPSE_RELATION_EDITED) continue;
        wanted[dedup->edges[i].a] = wanted[dedup->edges[i].b] = 1;
    }
    const int status = glimpse_dedup_read_holdings(dedup, wanted);
    free(wanted);
    if (status == GLIMPSE_OK) share_in_classes(dedup);
    return status;
}

int glimpse_dedup_weigh_all(glimpse_dedup *dedup) {
    size_t kept = 0, capacity = dedup->edge_count;
    int status = read_of_edges(dedup);
    if (status < 0) return status;
    for (size_t i = 0; i < dedup->edge_count; i++) {
        glimpse_dedup_edge *edge = &dedup->edges[i];
        if (strcmp(dedup->items[edge->a].picture.pixels, dedup->items[edge->b].picture.pixels) == 0)
            continue; /* they come below */
        if (glimpse_dedup_is_unreadable(dedup, edge->a) ||
            glimpse_dedup_is_unreadable(dedup, edge->b))
            continue;
        glimpse_dedup_weigh(dedup, edge);
        if (!glimpse_dedup_too_weak(dedup, edge->relation)) {
            dedup->edges[kept++] = *edge;
        } else if ((status = glimpse_dedup_note_weak(dedup, edge->a, edge->b, edge->relation)) <
                   0) {
            return status;
        }
    }
    dedup->edge_count = kept;
    for (size_t k = 0; k < dedup->class_count && status == GLIMPSE_OK;) {
        size_t end = k + 1;
        while (end < dedup->class_count && strcmp(pixels_of(dedup, k), pixels_of(dedup, end)) == 0)
            end++;
        if (end - k > 1) status = link_classes(dedup, &capacity, k, end);
        k = end;
    }
    if (dedup->edge_count > 0)
        qsort(dedup->edges, dedup->edge_count, sizeof *dedup->edges, compare_edges);
    return status;
}

int glimpse_dedup_read_members(glimpse_dedup *dedup) {
    uint8_t *wanted = calloc(dedup->count + 1, 1);
    if (!wanted) return glimpse_fail_nomem(dedup->count, "what files hold");
    for (size_t g = 0; g < dedup->group_count; g++) {
        for (size_t m = 0; m < dedup->groups[g].count; m++)
            wanted[dedup->groups[g].members[m].item] = 1;
    }
    const int status = glimpse_dedup_read_holdings(dedup, wanted);
    free(wanted);
    return status;
}
