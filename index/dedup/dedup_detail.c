/*
 * index/dedup/dedup_detail.c - pairs that thumbnails take for the same picture, at full size.
 *
 * Decoding is what costs, so that only pairs are looked at that a group is made of: those of a
 * keeper and its members. dedup_groups.c says which; here they are taken keeper by keeper, in
 * threads, and the keeper is decoded once.
 *
 * Memory: a pair takes 6 bytes a pixel of both pictures (14 with transparency) and 9 of the smaller
 * one (of 12 megapixels at most). As many are looked at at once as DETAIL_BYTES hold; one always
 * is, so that the largest pair that GLIMPSE_DEFAULT_MAX_PIXELS allows sets the bound.
 */
#include "dedup_holdings.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_BYTES ((uint64_t)1 << 30)

typedef struct star {
    uint32_t keeper; /* item */
    uint32_t edge;
} star;

typedef struct details {
    glimpse_dedup *dedup;
    const star *stars; /* [count] by keeper */
    size_t count, next;
    uint64_t bytes; /* in flight */
    unsigned running;
    int status; /* the first failure */
    pthread_mutex_t mutex;
    pthread_cond_t freed;
} details;

/* Thin lines lose contrast on a grid of 128 pixels, more or less as their edges fall. */
static int are_slight_tones(const glimpse_comparison *c) {
    const unsigned tones = GLIMPSE_EDIT_TONES | GLIMPSE_EDIT_STRETCHED;
    return (c->edits & ~tones) == 0 && fabs(c->gain - 1) < 0.16 &&
           fabs(c->gain * 128 + c->bias - 128) < 16;
}

/* Every pixel says that the tones are those of the other picture. */
static int are_same_tones(const glimpse_detail *d) {
    return fabs(d->gain - 1) < 0.05 && fabs(d->gain * 128 + d->bias - 128) < 4;
}

int glimpse_dedup_wants_detail(const glimpse_dedup_edge *edge) {
    const unsigned parts = GLIMPSE_EDIT_PARTS | GLIMPSE_EDIT_STRETCHED;
    if (edge->detailed || edge->orientation != 1 || edge->kind != GLIMPSE_DEDUP_PERCEPTUAL)
        return 0;
    if (edge->relation != GLIMPSE_RELATION_EDITED)
        return edge->relation == GLIMPSE_RELATION_REENCODED ||
               edge->relation == GLIMPSE_RELATION_HOLDS_MORE;
    return edge->comparison.edits != 0 &&
           ((edge->comparison.edits & ~parts) == 0 || are_slight_tones(&edge->comparison));
}

static int load(glimpse_image **image, const glimpse_dedup *dedup, uint32_t item) {
    glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
    decode.max_pixels = dedup->options->max_pixels;
    decode.ground = GLIMPSE_GROUND_KEEP;
    return glimpse_image_load(image, dedup->items[item].picture.path, &decode);
}

static int compare_on(glimpse_detail *detail, const glimpse_image *a, const glimpse_image *b,
                      glimpse_ground ground, const glimpse_warp *warp) {
    glimpse_image *x = NULL, *y = NULL;
    int status = glimpse_image_on_ground(&x, a, ground);
    if (status == GLIMPSE_OK) status = glimpse_image_on_ground(&y, b, ground);
    if (status == GLIMPSE_OK) status = glimpse_compare_detail(detail, x, y, warp);
    glimpse_image_free(x);
    glimpse_image_free(y);
    return status;
}

/* What is transparent is seen on a light and on a dark ground: white strokes show on one of them
 * alone. */
static int compare_as_seen(glimpse_detail *detail, const glimpse_image *a, const glimpse_image *b,
                           const glimpse_warp *warp) {
    if (!glimpse_image_alpha(a) && !glimpse_image_alpha(b))
        return glimpse_compare_detail(detail, a, b, warp);
    glimpse_detail dark;
    int status = compare_on(detail, a, b, GLIMPSE_GROUND_LIGHT, warp);
    if (status == GLIMPSE_OK) status = compare_on(&dark, a, b, GLIMPSE_GROUND_DARK, warp);
    if (status == GLIMPSE_OK &&
        (dark.verdict > detail->verdict ||
         (dark.verdict == detail->verdict && dark.strength > detail->strength)))
        *detail = dark;
    return status;
}

/* What full size says of the edge. */
static void conclude(const glimpse_dedup *dedup, glimpse_dedup_edge *edge,
                     const glimpse_detail *detail) {
    edge->detailed = 1;
    if (!detail) {
        /* Too small for it, or gone since it was read: nobody acts on what nobody has seen. */
        edge->relation = GLIMPSE_RELATION_EDITED;
    } else if (detail->verdict == GLIMPSE_VERDICT_NEAR) {
        edge->relation = GLIMPSE_RELATION_NEAR_SHOT;
    } else if (detail->verdict == GLIMPSE_VERDICT_EDITED) {
        edge->relation = GLIMPSE_RELATION_EDITED;
        edge->comparison.edits |= GLIMPSE_EDIT_PARTS;
    } else if (are_slight_tones(&edge->comparison) && are_same_tones(detail)) {
        edge->comparison.edits &= ~(unsigned)GLIMPSE_EDIT_TONES;
        edge->relation = GLIMPSE_RELATION_REENCODED;
        glimpse_dedup_weigh(dedup, edge);
    }
    /* A date that was changed explains copies, not pictures that differ. */
    if (edge->relation == GLIMPSE_RELATION_EDITED &&
        glimpse_dedup_moments(&dedup->items[edge->a], &dedup->items[edge->b]) !=
            GLIMPSE_SAME_MOMENT)
        edge->relation = GLIMPSE_RELATION_NEAR_SHOT;
}

/* Nothing stands out; is what differs all over what their coding explains? */
static void judge_coding(const glimpse_dedup *dedup, glimpse_dedup_edge *edge,
                         const glimpse_detail *detail, const glimpse_image *a,
                         const glimpse_image *b) {
    edge->softer = glimpse_dedup_softer(dedup, edge, detail, a, b);
    if (edge->softer || !glimpse_dedup_is_explained(dedup, edge, detail, a, b))
        edge->comparison.edits |= GLIMPSE_EDIT_DETAIL;
    if (glimpse_dedup_has_other_colours(dedup, edge, detail))
        edge->comparison.edits |= GLIMPSE_EDIT_COLOURS;
    if (edge->comparison.edits & (GLIMPSE_EDIT_DETAIL | GLIMPSE_EDIT_COLOURS))
        edge->relation = GLIMPSE_RELATION_EDITED;
}

static int keep(glimpse_dedup *dedup, const glimpse_detail *detail, const glimpse_detail **kept) {
    if (dedup->detail_count == dedup->detail_capacity) {
        const size_t capacity = dedup->detail_capacity ? 2 * dedup->detail_capacity : 64;
        glimpse_detail **grown = realloc(dedup->details, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "differences");
        dedup->details = grown;
        dedup->detail_capacity = capacity;
    }
    glimpse_detail *copy = malloc(sizeof *copy);
    if (!copy) return glimpse_fail_nomem(sizeof *copy, "differences");
    *copy = *detail;
    dedup->details[dedup->detail_count++] = copy;
    *kept = copy;
    return GLIMPSE_OK;
}

/* Compares; `keeper` is the decoded picture of edge->a or edge->b, or NULL when it cannot be. The
 * mutex (NULL: there are no threads) guards what is kept. */
static int look_at(glimpse_dedup *dedup, glimpse_dedup_edge *edge, const glimpse_image *keeper,
                   uint32_t keeper_item, pthread_mutex_t *mutex) {
    glimpse_image *other = NULL;
    glimpse_detail detail = {0};
    int status = keeper ? load(&other, dedup, edge->a == keeper_item ? edge->b : edge->a)
                        : GLIMPSE_E_NOT_FOUND;
    if (status == GLIMPSE_OK) {
        const glimpse_image *first = edge->a == keeper_item ? keeper : other;
        status = compare_as_seen(&detail, first, first == keeper ? other : keeper,
                                 &edge->comparison.warp);
    }
    if (status == GLIMPSE_E_NOMEM) {
        glimpse_image_free(other);
        return status;
    }
    conclude(dedup, edge, status == GLIMPSE_OK ? &detail : NULL);
    if (status == GLIMPSE_OK && edge->relation <= GLIMPSE_RELATION_HOLDS_MORE) {
        const glimpse_image *first = edge->a == keeper_item ? keeper : other;
        judge_coding(dedup, edge, &detail, first, first == keeper ? other : keeper);
    }
    glimpse_image_free(other);
    if (status < 0 || detail.count == 0) return GLIMPSE_OK;
    if (mutex) (void)pthread_mutex_lock(mutex);
    status = keep(dedup, &detail, &edge->detail);
    if (mutex) (void)pthread_mutex_unlock(mutex);
    return status;
}

int glimpse_dedup_detail(glimpse_dedup *dedup, glimpse_dedup_edge *edge) {
    glimpse_image *keeper = NULL;
    int status = load(&keeper, dedup, edge->a);
    if (status != GLIMPSE_E_NOMEM) status = look_at(dedup, edge, keeper, edge->a, NULL);
    glimpse_image_free(keeper);
    return status;
}

static uint64_t bytes_of(const glimpse_dedup *dedup, const star *s) {
    const glimpse_dedup_edge *edge = &dedup->edges[s->edge];
    const glimpse_dedup_picture *a = &dedup->items[edge->a].picture,
                                *b = &dedup->items[edge->b].picture;
    return 16 * ((uint64_t)a->width * a->height + (uint64_t)b->width * b->height);
}

/* The next keeper and its edges, once there is memory for them. 0 when there are none. */
static size_t next_star(details *d, size_t *first, uint64_t *bytes) {
    size_t count = 0;
    (void)pthread_mutex_lock(&d->mutex);
    while (d->status == GLIMPSE_OK && d->next < d->count) {
        const star *s = &d->stars[d->next];
        *bytes = 0;
        for (count = 0; d->next + count < d->count && s[count].keeper == s->keeper; count++) {
            const uint64_t needed = bytes_of(d->dedup, &s[count]);
            *bytes = needed > *bytes ? needed : *bytes;
        }
        if (d->running == 0 || d->bytes + *bytes <= DETAIL_BYTES) break;
        count = 0;
        (void)pthread_cond_wait(&d->freed, &d->mutex);
    }
    if (d->status < 0) count = 0;
    if (count > 0) {
        *first = d->next;
        d->next += count;
        d->bytes += *bytes;
        d->running++;
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return count;
}

static void *work(void *context) {
    details *d = context;
    size_t first = 0, count;
    uint64_t bytes = 0;
    while ((count = next_star(d, &first, &bytes)) > 0) {
        const uint32_t item = d->stars[first].keeper;
        glimpse_image *keeper = NULL;
        int status = load(&keeper, d->dedup, item);
        if (status != GLIMPSE_E_NOMEM) status = GLIMPSE_OK;
        for (size_t i = first; i < first + count && status == GLIMPSE_OK; i++) {
            status = look_at(d->dedup, &d->dedup->edges[d->stars[i].edge], keeper, item, &d->mutex);
        }
        glimpse_image_free(keeper);
        (void)pthread_mutex_lock(&d->mutex);
        d->bytes -= bytes;
        d->running--;
        if (status < 0 && d->status == GLIMPSE_OK) d->status = status;
        (void)pthread_cond_broadcast(&d->freed);
        (void)pthread_mutex_unlock(&d->mutex);
    }
    return NULL;
}

static int compare_stars(const void *a, const void *b) {
    const star *x = a, *y = b;
    if (x->keeper != y->keeper) return x->keeper < y->keeper ? -1 : 1;
    return (x->edge > y->edge) - (x->edge < y->edge);
}

static int run(details *d) {
    pthread_t threads[64];
    unsigned jobs = d->dedup->jobs > 64 ? 64 : d->dedup->jobs, started = 0;
    (void)pthread_mutex_init(&d->mutex, NULL);
    (void)pthread_cond_init(&d->freed, NULL);
    for (; started + 1 < jobs && started + 1 < d->count; started++) {
        if (pthread_create(&threads[started], NULL, work, d) != 0) break;
    }
    (void)work(d);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_cond_destroy(&d->freed);
    (void)pthread_mutex_destroy(&d->mutex);
    /* The message of a thread ended with it. */
    return d->status < 0 ? glimpse_fail(d->status, "comparing two pictures: out of memory")
                         : GLIMPSE_OK;
}

typedef struct faults {
    int soft, blemishes, alterations;
} faults;

int glimpse_dedup_count_blemishes(glimpse_dedup *dedup) {
    int changed = 0;
    faults *counts = calloc(dedup->class_count + 1, sizeof *counts);
    if (!counts) return glimpse_fail_nomem(dedup->class_count * sizeof *counts, "groups");
    for (size_t e = 0; e < dedup->edge_count; e++) {
        const glimpse_dedup_edge *edge = &dedup->edges[e];
        const glimpse_detail *d = edge->detail;
        faults *a = &counts[dedup->items[edge->a].class], *b = &counts[dedup->items[edge->b].class];
        if (edge->relation != GLIMPSE_RELATION_EDITED) continue;
        /* The one that hides something, or that lacks what was written. */
        a->soft += edge->softer == 1;
        b->soft += edge->softer == 2;
        a->blemishes += d && (d->marked == 1 || d->written == 2);
        b->blemishes += d && (d->marked == 2 || d->written == 1);
        a->alterations += edge->altered == 1;
        b->alterations += edge->altered == 2;
    }
    for (size_t k = 0; k < dedup->class_count; k++) {
        const faults *f = &counts[k];
        for (uint32_t m = dedup->member_start[k]; m < dedup->member_start[k + 1]; m++) {
            glimpse_dedup_item *item = &dedup->items[dedup->members[m]];
            changed |= item->blemishes != f->blemishes || item->alterations != f->alterations ||
                       item->soft != f->soft;
            item->soft = f->soft;
            item->blemishes = f->blemishes;
            item->alterations = f->alterations;
        }
    }
    free(counts);
    return changed;
}

int glimpse_dedup_detail_all(glimpse_dedup *dedup, const uint8_t *wanted) {
    details d = {.dedup = dedup};
    star *stars = malloc((dedup->edge_count + 1) * sizeof *stars);
    if (!stars) return glimpse_fail_nomem(dedup->edge_count * sizeof *stars, "pairs");
    for (size_t e = 0; e < dedup->edge_count; e++) {
        const glimpse_dedup_edge *edge = &dedup->edges[e];
        if (!wanted[e] || !glimpse_dedup_wants_detail(edge)) continue;
        stars[d.count++] = (star){wanted[e] == 1 ? edge->a : edge->b, (uint32_t)e};
    }
    qsort(stars, d.count, sizeof *stars, compare_stars);
    d.stars = stars;
    int status = d.count > 0 ? run(&d) : GLIMPSE_OK;
    free(stars);
    return status;
}
