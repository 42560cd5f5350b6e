/*
 * index/dedup/dedup_verify.c - from candidates to relations, by looking at the thumbnails. In
 * threads: each takes the next pair, and a pair's outcome depends on nothing but the pair.
 *
 * Two pictures of one camera that say of themselves that they were taken at different moments are
 * two shots, whatever the pixels say: bursts and bracketed exposures may agree to the last digit of
 * any measure. Moments that differ by whole quarters of an hour are what a change of time zone
 * looks like, and of a picture that does not name its camera, or names another, a date may have
 * been set by hand: those are copies when the pixels agree in every detail.
 */
#include "dedup_private.h"

#include "core/error.h"
#include "core/file.h"
#include "dedup_cache.h"
#include "dedup_holdings.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_AT_ONCE = 16 };

typedef struct pairs {
    glimpse_dedup *dedup;
    const size_t *first; /* [count + 1] hints of a pair */
    size_t count;
    glimpse_dedup_edge *edges; /* [count]; relation -1 when unrelated */
    atomic_size_t next;
    atomic_int stop;
} pairs;

typedef struct verifier {
    pairs *pairs;
    int leads;
} verifier;

const glimpse_thumb *glimpse_dedup_thumb(const glimpse_dedup *dedup, size_t index,
                                         glimpse_thumb *spare) {
    const glimpse_dedup_item *item = &dedup->items[index];
    glimpse_image *image = NULL;
    glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
    if (item->thumb) return item->thumb;
    if (glimpse_dedup_cache_find_thumb(dedup, item, spare)) return spare;
    decode.max_pixels = dedup->options->max_pixels;
    decode.ground = GLIMPSE_GROUND_VISIBLE;
    if (glimpse_image_load(&image, item->picture.path, &decode) < 0) return NULL;
    int status = glimpse_thumb_make(spare, image);
    glimpse_image_free(image);
    if (status == GLIMPSE_OK) glimpse_dedup_cache_write_thumb(dedup, item, spare);
    return status < 0 ? NULL : spare;
}

/* Another exposure of a scene shows most of what the first does. Less than that is in common to any
 * two things before the same background. */
static int is_near_shot(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge) {
    const int apart = glimpse_dedup_are_days_apart(&dedup->items[edge->a].picture,
                                                   &dedup->items[edge->b].picture);
    const double min = apart ? 0.92 : 0.76;
    return edge->comparison.score >= min && edge->comparison.agreeing >= min;
}

/* The orientation nearest to the linear part of a warp. */
static int nearest_orientation(const glimpse_warp *warp) {
    int best = 1;
    double max = -1e9;
    for (int orientation = 1; orientation <= 8; orientation++) {
        glimpse_warp t = glimpse_dedup_orientation_warp(orientation),
                     back = glimpse_warp_inverse(&t);
        double dot = 0;
        for (int k = 0; k < 6; k++) {
            if (k % 3 != 2) dot += back.m[k] * warp->m[k];
        }
        if (dot > max + 1e-9) max = dot, best = orientation;
    }
    return best;
}

int glimpse_dedup_too_weak(const glimpse_dedup *dedup, glimpse_dedup_relation relation) {
    return dedup->options->weakest > 0 && (unsigned)relation >= dedup->options->weakest;
}

int glimpse_dedup_compare(const glimpse_dedup *dedup, glimpse_dedup_edge *edge,
                          const glimpse_warp *guess) {
    glimpse_thumb spare[2];
    const int same_pixels = glimpse_dedup_is_same_picture(dedup, edge);
    if (same_pixels >= 0) return same_pixels;
    const glimpse_thumb *a = glimpse_dedup_thumb(dedup, edge->a, &spare[0]);
    const glimpse_thumb *b = a ? glimpse_dedup_thumb(dedup, edge->b, &spare[1]) : NULL;
    glimpse_warp same = {{1, 0, 0, 0, 1, 0}};
    if (!b) return 0; /* gone since it was read: no relation that anybody could act on */
    if (!guess) guess = &same;
    edge->orientation = nearest_orientation(guess);
    glimpse_warp orientation = glimpse_dedup_orientation_warp(edge->orientation),
                 back = glimpse_warp_inverse(&orientation);
    glimpse_warp hint = glimpse_warp_chain(guess, &orientation);
    glimpse_compare(&edge->comparison, a, b, &hint, edge->orientation);
    edge->warp = glimpse_warp_chain(&edge->comparison.warp, &back);
    edge->score = edge->comparison.score > 1 ? 1 : edge->comparison.score;
    edge->kind = GLIMPSE_DEDUP_PERCEPTUAL;
    switch (edge->comparison.verdict) {
    case GLIMPSE_VERDICT_REENCODED: edge->relation = GLIMPSE_RELATION_REENCODED; break;
    case GLIMPSE_VERDICT_EDITED: edge->relation = GLIMPSE_RELATION_EDITED; break;
    case GLIMPSE_VERDICT_NEAR: edge->relation = GLIMPSE_RELATION_NEAR_SHOT; break;
    default: return 0;
    }
    if (edge->orientation != 1 && edge->relation < GLIMPSE_RELATION_EDITED)
        edge->relation = GLIMPSE_RELATION_EDITED;
    const int moments = glimpse_dedup_moments(&dedup->items[edge->a], &dedup->items[edge->b]);
    const int to_the_detail = edge->comparison.verdict == GLIMPSE_VERDICT_REENCODED &&
                              edge->comparison.correlation > 0.9985 && edge->score > 0.995;
    if (moments == GLIMPSE_TWO_SHOTS || (moments == GLIMPSE_ZONES && !to_the_detail))
        edge->relation = GLIMPSE_RELATION_NEAR_SHOT;
    if (edge->relation == GLIMPSE_RELATION_EDITED)
        edge->altered = glimpse_dedup_which_is_altered(dedup, edge, a, b);
    if (edge->comparison.recoloured > 0.015) {
        edge->relation = GLIMPSE_RELATION_VARIANT;
    } else if (edge->comparison.verdict == GLIMPSE_VERDICT_NEAR) {
        return is_near_shot(dedup, edge);
    }
    return 1;
}

/* Tries the hints of one pair until one shows the same picture. */
static void look_at(pairs *p, size_t index) {
    glimpse_dedup *dedup = p->dedup;
    glimpse_dedup_edge *best = &p->edges[index];
    int found = 0, distance = -1, semantic = 0;
    double cosine = -2;
    best->relation = GLIMPSE_RELATION_SIMILAR;
    for (size_t h = p->first[index]; h < p->first[index + 1]; h++) {
        const glimpse_dedup_hint *hint = &dedup->hints[h];
        if (hint->flags & GLIMPSE_HINT_SEMANTIC) {
            semantic = 1;
            cosine = (double)hint->cosine;
        } else if (distance < 0) {
            distance = hint->distance;
        }
        if (found && best->relation <= GLIMPSE_RELATION_EDITED) continue;
        glimpse_dedup_edge edge = {.a = hint->a, .b = hint->b};
        glimpse_warp guess = glimpse_dedup_guess(dedup, hint);
        if (glimpse_dedup_compare(dedup, &edge, &guess) != 1) continue;
        if (!found || edge.relation < best->relation ||
            (edge.relation == best->relation && edge.score > best->score))
            *best = edge;
        found = 1;
    }
    best->a = dedup->hints[p->first[index]].a;
    best->b = dedup->hints[p->first[index]].b;
    best->distance = distance;
    best->cosine = cosine;
    if (!found && semantic) {
        best->relation = GLIMPSE_RELATION_SIMILAR;
        best->kind = GLIMPSE_DEDUP_SEMANTIC;
        best->score = cosine;
        best->orientation = 1;
    } else if (!found) {
        best->distance = -2; /* unrelated */
    } else if (best->relation == GLIMPSE_RELATION_NEAR_SHOT && distance < 0) {
        best->kind = GLIMPSE_DEDUP_SEMANTIC;
    }
}

static void *work(void *context) {
    verifier *v = context;
    pairs *p = v->pairs;
    while (!atomic_load(&p->stop)) {
        size_t first = atomic_fetch_add(&p->next, PAIRS_AT_ONCE);
        if (first >= p->count) break;
        size_t last = first + PAIRS_AT_ONCE < p->count ? first + PAIRS_AT_ONCE : p->count;
        for (size_t i = first; i < last; i++)
            look_at(p, i);
        if (v->leads) {
            int status = glimpse_dedup_progress(p->dedup, "comparing", last, p->count, 1, "");
            if (status < 0) atomic_store(&p->stop, status);
        }
    }
    return NULL;
}

static void run(pairs *p) {
    pthread_t threads[64];
    unsigned jobs = p->dedup->jobs > 64 ? 64 : p->dedup->jobs, started = 0;
    verifier lead = {p, 1}, others = {p, 0};
    for (; started + 1 < jobs; started++) {
        if (pthread_create(&threads[started], NULL, work, &others) != 0) break;
    }
    (void)work(&lead);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
}

static double inside_of(const glimpse_dedup_item *item) {
    return (double)(item->content.x1 - item->content.x0) *
           (double)(item->content.y1 - item->content.y0);
}

/* What proved to be a frame around another picture is worth nothing. A plain background looks like
 * a frame, so that nothing is taken off without that proof. */
static void remove_frames(glimpse_dedup *dedup) {
    for (size_t i = 0; i < dedup->edge_count; i++) {
        const glimpse_dedup_edge *e = &dedup->edges[i];
        if (e->relation != GLIMPSE_RELATION_EDITED || !(e->comparison.edits & GLIMPSE_EDIT_FRAMED))
            continue;
        double a = inside_of(&dedup->items[e->a]), b = inside_of(&dedup->items[e->b]);
        uint32_t class = dedup->items[a < b ? e->a : e->b].class;
        for (uint32_t m = dedup->member_start[class]; m < dedup->member_start[class + 1]; m++) {
            glimpse_dedup_item *item = &dedup->items[dedup->members[m]];
            /* Its inside is known to some per cent, and some lines of it are blurred. */
            item->effective =
                (double)item->picture.width * (double)item->picture.height * (a < b ? a : b) * 0.95;
        }
    }
}

int glimpse_dedup_verify(glimpse_dedup *dedup) {
    pairs p = {.dedup = dedup};
    size_t *first = malloc((dedup->hint_count + 1) * sizeof *first);
    int status = GLIMPSE_OK;
    if (!first) return glimpse_fail_nomem(dedup->hint_count * sizeof *first, "pairs");
    for (size_t i = 0; i < dedup->hint_count; i++) {
        const glimpse_dedup_hint *h = &dedup->hints[i];
        if (i == 0 || h->a != h[-1].a || h->b != h[-1].b) first[p.count++] = i;
    }
    first[p.count] = dedup->hint_count;
    p.first = first;
    p.edges = calloc(p.count + 1, sizeof *p.edges);
    if (!p.edges) {
        status = glimpse_fail_nomem(p.count * sizeof *p.edges, "pairs");
        goto done;
    }
    run(&p);
    status = atomic_load(&p.stop);
    if (status < 0) {
        status = glimpse_fail(status, "stopped while comparing pictures");
        goto done;
    }
    size_t kept = 0;
    for (size_t i = 0; i < p.count; i++) {
        if (p.edges[i].distance == -2) continue;
        dedup->verified += p.edges[i].relation <= GLIMPSE_RELATION_EDITED;
        if (dedup->options->same_picture_only && p.edges[i].relation > GLIMPSE_RELATION_EDITED)
            continue;
        if (!glimpse_dedup_too_weak(dedup, p.edges[i].relation)) {
            p.edges[kept++] = p.edges[i];
            continue;
        }
        status = glimpse_dedup_note_weak(dedup, p.edges[i].a, p.edges[i].b, p.edges[i].relation);
        if (status < 0) goto done;
    }
    dedup->edges = p.edges;
    dedup->edge_count = kept;
    p.edges = NULL;
    remove_frames(dedup);
done:
    free(p.edges);
    free(first);
    return status;
}
