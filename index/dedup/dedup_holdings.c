/*
 * index/dedup/dedup_holdings.c - what files hold beside their first picture, as far as that tells
 * copies apart (glimpse/sys/holdings.h).
 *
 * Files with the same pixels are one class only when they hold the same as well. What is read for
 * it: a class of one content needs no look, unless something is beside a file; of others each
 * content is read once more. Between classes of the same pixels there are edges HOLDS_MORE; pairs
 * that were only coded anew become HOLDS_MORE when one holds something that the other lacks.
 */
#include "dedup_holdings.h"

#include "core/error.h"
#include "core/hash.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLEARLY_BETTER = 10 }; /* JPEG quality */

/*
 * Reading.
 */
typedef struct reading {
    glimpse_dedup *dedup;
    const uint32_t *items;
    size_t count;
    atomic_size_t next;
    atomic_int status;
} reading;

static void *read_some(void *context) {
    reading *r = context;
    for (;;) {
        const size_t i = atomic_fetch_add(&r->next, 1);
        if (i >= r->count || atomic_load(&r->status) < 0) return NULL;
        glimpse_dedup_item *item = &r->dedup->items[r->items[i]];
        const int status = glimpse_holdings_load(&item->holdings, item->picture.path,
                                                 r->dedup->options->max_pixels);
        if (status == GLIMPSE_E_NOMEM) atomic_store(&r->status, status);
        item->unreadable = status < 0;
    }
}

static int read_all(glimpse_dedup *dedup, const uint32_t *items, size_t count) {
    reading r = {.dedup = dedup, .items = items, .count = count};
    pthread_t threads[64];
    unsigned jobs = dedup->jobs > 64 ? 64 : dedup->jobs, started = 0;
    if (jobs > count) jobs = (unsigned)count;
    for (; started + 1 < jobs; started++) {
        if (pthread_create(&threads[started], NULL, read_some, &r) != 0) break;
    }
    (void)read_some(&r);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    return atomic_load(&r.status) < 0 ? glimpse_fail_nomem(count, "what files hold") : GLIMPSE_OK;
}

/* A number that is larger for a file that holds more than another one. Another kind of thing is
 * more than another part of one: a gain map is more than three further words on the camera. */
static double worth_of(const glimpse_holdings *holdings) {
    enum { OF_A_KIND = 16 };
    double worth = 0;
    for (size_t i = 0; holdings && i < holdings->count; i++) {
        const glimpse_holding *h = &holdings->items[i];
        worth += OF_A_KIND + (double)h->part_count + (h->amount > 0 ? log1p(h->amount) : 0);
    }
    return worth;
}

typedef struct content {
    const char *id;
    uint32_t item;
    int alone; /* something is beside the file: it shares with no other one */
} content;

static int compare_contents(const void *a, const void *b) {
    const content *x = a, *y = b;
    if (x->alone != y->alone) return x->alone - y->alone;
    const int order = x->alone ? 0 : strcmp(x->id, y->id);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

int glimpse_dedup_read_holdings(glimpse_dedup *dedup, const uint8_t *wanted) {
    size_t count = 0, reads = 0;
    content *contents = malloc((dedup->count + 1) * sizeof *contents);
    uint32_t *items = malloc((dedup->count + 1) * sizeof *items);
    int status = GLIMPSE_OK;
    if (!contents || !items) status = glimpse_fail_nomem(dedup->count * 24, "what files hold");
    for (size_t i = 0; i < dedup->count && status == GLIMPSE_OK; i++) {
        const glimpse_dedup_item *item = &dedup->items[i];
        if (!wanted[i] || item->holder || item->status < 0) continue;
        contents[count++] = (content){item->picture.id, (uint32_t)i,
                                      glimpse_holdings_has_companion(item->picture.path)};
    }
    if (status == GLIMPSE_OK) qsort(contents, count, sizeof *contents, compare_contents);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        const content *c = &contents[i];
        const int shares = i > 0 && !c->alone && !c[-1].alone && strcmp(c->id, c[-1].id) == 0;
        if (!shares) items[reads++] = c->item;
        dedup->items[c->item].holder = items[reads - 1] + 1;
    }
    if (status == GLIMPSE_OK) status = read_all(dedup, items, reads);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        glimpse_dedup_item *item = &dedup->items[contents[i].item];
        item->worth = worth_of(glimpse_dedup_holdings(dedup, item));
    }
    free(contents);
    free(items);
    return status;
}

const glimpse_holdings *glimpse_dedup_holdings(const glimpse_dedup *dedup,
                                               const glimpse_dedup_item *item) {
    return item->holder ? dedup->items[item->holder - 1].holdings : NULL;
}

/*
 * Edges.
 */
static int has_same_pixels(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    return strcmp(a->picture.pixels, b->picture.pixels) == 0;
}

uint32_t glimpse_dedup_lacking(const glimpse_dedup *dedup, const glimpse_dedup_item *of,
                               const glimpse_dedup_item *in) {
    return glimpse_holdings_lacking(glimpse_dedup_holdings(dedup, of),
                                    glimpse_dedup_holdings(dedup, in), has_same_pixels(of, in));
}

uint32_t glimpse_dedup_better(const glimpse_dedup_item *of, const glimpse_dedup_item *in,
                              glimpse_dedup_relation relation) {
    uint32_t better = 0;
    if (relation < GLIMPSE_RELATION_HOLDS_MORE || has_same_pixels(of, in)) return 0;
    /* Of pictures that were changed, sizes and qualities are no measure; the only one in colour is
     * worth keeping whatever else the other one has. */
    if (relation != GLIMPSE_RELATION_HOLDS_MORE) {
        return in->picture.measures.grey && !of->picture.measures.grey
                   ? UINT32_C(1) << GLIMPSE_HOLDING_COLOUR
                   : 0;
    }
    if (of->effective > in->effective) better |= UINT32_C(1) << GLIMPSE_HOLDING_RESOLUTION;
    if (in->picture.measures.grey && !of->picture.measures.grey)
        better |= UINT32_C(1) << GLIMPSE_HOLDING_COLOUR;
    if (of->quality >= in->quality + CLEARLY_BETTER && of->effective >= in->effective)
        better |= UINT32_C(1) << GLIMPSE_HOLDING_QUALITY;
    return better;
}

/* Documents that have nothing in common but their first page are different ones. */
static int are_documents(const glimpse_dedup *dedup, const glimpse_dedup_item *a,
                         const glimpse_dedup_item *b) {
    const glimpse_holding *x =
        glimpse_holdings_find(glimpse_dedup_holdings(dedup, a), GLIMPSE_HOLDING_PAGES);
    const glimpse_holding *y =
        glimpse_holdings_find(glimpse_dedup_holdings(dedup, b), GLIMPSE_HOLDING_PAGES);
    for (size_t i = 0, k = 0; x && y && i < x->part_count && k < y->part_count;) {
        if (x->parts[i] == y->parts[k]) return 0;
        if (x->parts[i] < y->parts[k]) {
            i++;
        } else {
            k++;
        }
    }
    return x && y;
}

int glimpse_dedup_is_same_picture(const glimpse_dedup *dedup, glimpse_dedup_edge *edge) {
    const glimpse_warp same = {{1, 0, 0, 0, 1, 0}};
    const glimpse_dedup_item *a = &dedup->items[edge->a], *b = &dedup->items[edge->b];
    if (!has_same_pixels(a, b)) return -1;
    if (are_documents(dedup, a, b) || glimpse_dedup_is_unreadable(dedup, edge->a) ||
        glimpse_dedup_is_unreadable(dedup, edge->b))
        return 0;
    /* Two shots of one camera are two, though nothing moved between them. */
    edge->relation = glimpse_dedup_moments(a, b) == GLIMPSE_TWO_SHOTS ? GLIMPSE_RELATION_NEAR_SHOT
                                                                      : GLIMPSE_RELATION_HOLDS_MORE;
    edge->kind = GLIMPSE_DEDUP_EXACT;
    edge->orientation = 1;
    edge->distance = 0;
    edge->score = 1;
    edge->warp = same;
    edge->comparison = (glimpse_comparison){.score = 1, .gain = 1, .covered = {1, 1}, .warp = same};
    return 1;
}

void glimpse_dedup_weigh(const glimpse_dedup *dedup, glimpse_dedup_edge *edge) {
    const glimpse_dedup_item *a = &dedup->items[edge->a], *b = &dedup->items[edge->b];
    if (edge->relation != GLIMPSE_RELATION_REENCODED) return;
    if (glimpse_dedup_lacking(dedup, a, b) || glimpse_dedup_lacking(dedup, b, a))
        edge->relation = GLIMPSE_RELATION_HOLDS_MORE;
}

int glimpse_dedup_weigh_items(glimpse_dedup *dedup, uint32_t a, uint32_t b) {
    if (dedup->items[a].holder && dedup->items[b].holder) return GLIMPSE_OK;
    uint8_t *wanted = calloc(dedup->count + 1, 1);
    if (!wanted) return glimpse_fail_nomem(dedup->count, "what files hold");
    wanted[a] = wanted[b] = 1;
    const int status = glimpse_dedup_read_holdings(dedup, wanted);
    free(wanted);
    return status;
}

int glimpse_dedup_is_unreadable(const glimpse_dedup *dedup, uint32_t item) {
    const uint32_t holder = dedup->items[item].holder;
    return holder && dedup->items[holder - 1].unreadable;
}

/*
 * For the report.
 */
int glimpse_dedup_list_holdings(const glimpse_dedup *dedup, const glimpse_dedup_item *item,
                                glimpse_dedup_member *member) {
    enum { TEXT = 40 };
    const glimpse_holdings *holdings = glimpse_dedup_holdings(dedup, item);
    const size_t count = holdings ? holdings->count : 0;
    if (count == 0) return GLIMPSE_OK;
    /* The pointers, then the texts. */
    char **list = malloc(count * (sizeof *list + TEXT));
    if (!list) return glimpse_fail_nomem(count * TEXT, "a report");
    char *texts = (char *)(list + count);
    for (size_t i = 0; i < count; i++) {
        list[i] = texts + i * TEXT;
        glimpse_holding_text(list[i], TEXT, &holdings->items[i]);
    }
    member->holds = (const char *const *)list;
    member->hold_count = count;
    return GLIMPSE_OK;
}
