/*
 * index/dedup/dups_verify.c - from candidates to relations, by looking at the thumbnails. In
 * threads: each takes the next pair, and a pair's outcome depends on nothing but the pair.
 *
 * Two pictures that say of themselves that they were taken at different moments are two shots,
 * unless they agree in every detail, or the moments differ by whole quarters of an hour, which is
 * what a change of time zone looks like.
 */
#include "dups_private.h"

#include "core/error.h"
#include "core/file.h"
#include "dups_cache.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_AT_ONCE = 16 };

typedef struct pairs {
    glimpse_dups *dups;
    const size_t *first; /* [count + 1] hints of a pair */
    size_t count;
    glimpse_dups_edge *edges; /* [count]; relation -1 when unrelated */
    atomic_size_t next;
    atomic_int stop;
} pairs;

typedef struct verifier {
    pairs *pairs;
    int leads;
} verifier;

const glimpse_thumb *glimpse_dups_thumb(const glimpse_dups *dups, size_t index,
                                        glimpse_thumb *spare) {
    const glimpse_dups_item *item = &dups->items[index];
    glimpse_image *image = NULL;
    glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
    if (item->thumb) return item->thumb;
    if (glimpse_dups_cache_find_thumb(dups, item, spare)) return spare;
    decode.max_pixels = dups->options->max_pixels;
    if (glimpse_image_load(&image, item->picture.path, &decode) < 0) return NULL;
    int status = glimpse_thumb_make(spare, image);
    glimpse_image_free(image);
    if (status == GLIMPSE_OK) glimpse_dups_cache_put_thumb(dups, item, spare);
    return status < 0 ? NULL : spare;
}

/* Seconds since some midnight, -1 when it is no moment. "2021-05-30T14:03:59" */
static double moment(const char *taken) {
    int digits[6] = {0};
    static const int at[6] = {0, 5, 8, 11, 14, 17}, length[6] = {4, 2, 2, 2, 2, 2};
    if (strlen(taken) < 19) return -1;
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < length[i]; k++) {
            char c = taken[at[i] + k];
            if (c < '0' || c > '9') return -1;
            digits[i] = digits[i] * 10 + (c - '0');
        }
    }
    /* Days by the usual formula for the Gregorian calendar, years beginning in March. */
    int year = digits[0] - (digits[1] <= 2), month = (digits[1] + 9) % 12;
    int days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + digits[2];
    return ((days * 24.0 + digits[3]) * 60 + digits[4]) * 60 + digits[5];
}

static int are_two_shots(const glimpse_dedup_picture *a, const glimpse_dedup_picture *b) {
    double first = moment(a->taken), second = moment(b->taken), apart = fabs(first - second);
    if (first < 0 || second < 0 || apart < 0.5) return 0;
    return apart > 26 * 3600.0 || fmod(apart, 900) > 0.5;
}

/* The orientation nearest to the linear part of a warp. */
static int nearest_turn(const glimpse_warp *warp) {
    int best = 1;
    double most = -1e9;
    for (int turn = 1; turn <= 8; turn++) {
        glimpse_warp t = glimpse_dups_turn_warp(turn), back = glimpse_warp_inverse(&t);
        double dot = 0;
        for (int k = 0; k < 6; k++) {
            if (k % 3 != 2) dot += back.m[k] * warp->m[k];
        }
        if (dot > most + 1e-9) most = dot, best = turn;
    }
    return best;
}

int glimpse_dups_too_weak(const glimpse_dups *dups, glimpse_dedup_relation relation) {
    return dups->options->weakest > 0 && (unsigned)relation >= dups->options->weakest;
}

int glimpse_dups_compare(const glimpse_dups *dups, glimpse_dups_edge *edge,
                         const glimpse_warp *guess) {
    glimpse_thumb spare[2];
    const glimpse_thumb *a = glimpse_dups_thumb(dups, edge->a, &spare[0]);
    const glimpse_thumb *b = a ? glimpse_dups_thumb(dups, edge->b, &spare[1]) : NULL;
    glimpse_warp same = {{1, 0, 0, 0, 1, 0}};
    if (!b) return 0; /* gone since it was read: no relation that anybody could act on */
    if (!guess) guess = &same;
    edge->turn = nearest_turn(guess);
    glimpse_warp turn = glimpse_dups_turn_warp(edge->turn), back = glimpse_warp_inverse(&turn);
    glimpse_warp hint = glimpse_warp_chain(guess, &turn);
    glimpse_compare(&edge->comparison, a, b, &hint, edge->turn);
    edge->warp = glimpse_warp_chain(&edge->comparison.warp, &back);
    edge->score = edge->comparison.score > 1 ? 1 : edge->comparison.score;
    edge->kind = GLIMPSE_DEDUP_PERCEPTUAL;
    switch (edge->comparison.verdict) {
    case GLIMPSE_VERDICT_REENCODED: edge->relation = GLIMPSE_RELATION_REENCODED; break;
    case GLIMPSE_VERDICT_EDITED: edge->relation = GLIMPSE_RELATION_EDITED; break;
    case GLIMPSE_VERDICT_NEAR: edge->relation = GLIMPSE_RELATION_NEAR_SHOT; break;
    default: return 0;
    }
    if (edge->turn != 1 && edge->relation < GLIMPSE_RELATION_EDITED)
        edge->relation = GLIMPSE_RELATION_EDITED;
    /* No two shots agree in every detail: then it is a date that was changed. */
    int to_the_detail = edge->comparison.verdict == GLIMPSE_VERDICT_REENCODED &&
                        edge->comparison.correlation > 0.9985 && edge->score > 0.995;
    if (!to_the_detail &&
        are_two_shots(&dups->items[edge->a].picture, &dups->items[edge->b].picture))
        edge->relation = GLIMPSE_RELATION_NEAR_SHOT;
    return 1;
}

/* Tries the hints of one pair until one shows the same picture. */
static void look_at(pairs *p, size_t index) {
    glimpse_dups *dups = p->dups;
    glimpse_dups_edge *best = &p->edges[index];
    int found = 0, distance = -1, semantic = 0;
    double cosine = -2;
    best->relation = GLIMPSE_RELATION_SIMILAR;
    for (size_t h = p->first[index]; h < p->first[index + 1]; h++) {
        const glimpse_dups_hint *hint = &dups->hints[h];
        if (hint->way & GLIMPSE_HINT_SEMANTIC) {
            semantic = 1;
            cosine = (double)hint->cosine;
        } else if (distance < 0) {
            distance = hint->distance;
        }
        if (found && best->relation <= GLIMPSE_RELATION_EDITED) continue;
        glimpse_dups_edge edge = {.a = hint->a, .b = hint->b};
        glimpse_warp guess = glimpse_dups_guess(dups, hint);
        if (glimpse_dups_compare(dups, &edge, &guess) != 1) continue;
        if (!found || edge.relation < best->relation ||
            (edge.relation == best->relation && edge.score > best->score))
            *best = edge;
        found = 1;
    }
    best->a = dups->hints[p->first[index]].a;
    best->b = dups->hints[p->first[index]].b;
    best->distance = distance;
    best->cosine = cosine;
    if (!found && semantic) {
        best->relation = GLIMPSE_RELATION_SIMILAR;
        best->kind = GLIMPSE_DEDUP_SEMANTIC;
        best->score = cosine;
        best->turn = 1;
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
            int status = glimpse_dups_progress(p->dups, "comparing", last, p->count, 1, "");
            if (status < 0) atomic_store(&p->stop, status);
        }
    }
    return NULL;
}

static void run(pairs *p) {
    pthread_t threads[64];
    unsigned jobs = p->dups->jobs > 64 ? 64 : p->dups->jobs, started = 0;
    verifier lead = {p, 1}, others = {p, 0};
    for (; started + 1 < jobs; started++) {
        if (pthread_create(&threads[started], NULL, work, &others) != 0) break;
    }
    (void)work(&lead);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
}

/* Counts, for every picture, the others that differ from it in coding only. */
static void count_agreeing(glimpse_dups *dups) {
    for (size_t i = 0; i < dups->edge_count; i++) {
        if (dups->edges[i].relation != GLIMPSE_RELATION_REENCODED) continue;
        dups->items[dups->edges[i].a].agreeing++;
        dups->items[dups->edges[i].b].agreeing++;
    }
    for (size_t k = 0; k < dups->class_count; k++) {
        uint32_t agreeing = dups->items[dups->first_of[k]].agreeing;
        for (uint32_t m = dups->member_start[k]; m < dups->member_start[k + 1]; m++)
            dups->items[dups->members[m]].agreeing = agreeing < 2 ? 0 : agreeing;
    }
}

static double inside_of(const glimpse_dups_item *item) {
    return (double)(item->content.x1 - item->content.x0) *
           (double)(item->content.y1 - item->content.y0);
}

/* What proved to be a frame around another picture is worth nothing. A plain background looks like
 * a frame, so that nothing is taken off without that proof. */
static void take_frames_off(glimpse_dups *dups) {
    for (size_t i = 0; i < dups->edge_count; i++) {
        const glimpse_dups_edge *e = &dups->edges[i];
        if (e->relation != GLIMPSE_RELATION_EDITED || !(e->comparison.edits & GLIMPSE_EDIT_FRAMED))
            continue;
        double a = inside_of(&dups->items[e->a]), b = inside_of(&dups->items[e->b]);
        uint32_t class = dups->items[a < b ? e->a : e->b].class;
        for (uint32_t m = dups->member_start[class]; m < dups->member_start[class + 1]; m++) {
            glimpse_dups_item *item = &dups->items[dups->members[m]];
            /* Its inside is known to some per cent, and some lines of it are blurred. */
            item->effective =
                (double)item->picture.width * (double)item->picture.height * (a < b ? a : b) * 0.95;
        }
    }
}

int glimpse_dups_verify(glimpse_dups *dups) {
    pairs p = {.dups = dups};
    size_t *first = malloc((dups->hint_count + 1) * sizeof *first);
    int status = GLIMPSE_OK;
    if (!first) return glimpse_fail_nomem(dups->hint_count * sizeof *first, "pairs");
    for (size_t i = 0; i < dups->hint_count; i++) {
        const glimpse_dups_hint *h = &dups->hints[i];
        if (i == 0 || h->a != h[-1].a || h->b != h[-1].b) first[p.count++] = i;
    }
    first[p.count] = dups->hint_count;
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
        dups->verified += p.edges[i].relation <= GLIMPSE_RELATION_EDITED;
        if (dups->options->same_picture_only && p.edges[i].relation > GLIMPSE_RELATION_EDITED)
            continue;
        if (glimpse_dups_too_weak(dups, p.edges[i].relation)) continue;
        p.edges[kept++] = p.edges[i];
    }
    dups->edges = p.edges;
    dups->edge_count = kept;
    p.edges = NULL;
    count_agreeing(dups);
    take_frames_off(dups);
done:
    free(p.edges);
    free(first);
    return status;
}

const glimpse_dups_edge *glimpse_dups_find_edge(const glimpse_dups *dups, uint32_t a, uint32_t b) {
    size_t low = 0, high = dups->edge_count;
    if (a > b) {
        uint32_t swap = a;
        a = b, b = swap;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const glimpse_dups_edge *e = &dups->edges[middle];
        if (e->a == a && e->b == b) return e;
        if (e->a < a || (e->a == a && e->b < b)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
