/*
 * index/dedup/dups_candidates.c - which pictures may be the same, by their hashes.
 *
 * A crop has, whole, about the hash that the original has in a window; a framed copy has, inside
 * its frame, about the hash of the original. So the hashes of all windows of each picture are the
 * base, and the hash of the whole and of the content are the queries; with rotations, the whole in
 * eight orientations. Difference hashes of the whole are joined too: they fail on other pictures.
 *
 * Of many pictures not all hashes within the radius are looked for, but those that differ where the
 * query is weak (dups_mih.h): work per picture then hardly grows with their number. What is lost is
 * a part of the large crops and rotations.
 *
 * A candidate costs milliseconds to verify, so that one is dropped at once whose 16x16 pictures,
 * laid on each other as the hint says, do not correlate.
 */
#include "dups_private.h"

#include "core/error.h"
#include "dups_mih.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MINI = GLIMPSE_DUPS_MINI };
static const double least_mini = 0.55; /* correlation */

/* What a code is the hash of. */
typedef struct codes {
    uint64_t *hash, *weak; /* weak: of queries */
    uint32_t *item;
    uint8_t *what; /* window, or turn for queries; 0: the content */
    size_t count, room;
} codes;

static void free_codes(codes *c) {
    free(c->hash);
    free(c->weak);
    free(c->item);
    free(c->what);
    memset(c, 0, sizeof *c);
}

static int reserve(codes *c, size_t room, int asks) {
    memset(c, 0, sizeof *c);
    c->hash = malloc((room + 1) * sizeof *c->hash);
    c->weak = asks ? malloc((room + 1) * sizeof *c->weak) : NULL;
    c->item = malloc((room + 1) * sizeof *c->item);
    c->what = malloc(room + 1);
    c->room = room;
    if (c->hash && c->item && c->what && (c->weak || !asks)) return GLIMPSE_OK;
    free_codes(c);
    return glimpse_fail_nomem(room * 21, "hashes");
}

static void put(codes *c, uint64_t hash, uint64_t weak, uint32_t item, unsigned what) {
    if (c->weak) c->weak[c->count] = weak;
    c->hash[c->count] = hash;
    c->item[c->count] = item;
    c->what[c->count++] = (uint8_t)what;
}

static int is_whole(const glimpse_window *w) {
    return !(w->x0 > 0.004F || w->y0 > 0.004F || w->x1 < 0.996F || w->y1 < 0.996F);
}

int glimpse_dups_add_hint(glimpse_dups *dups, size_t *room, const glimpse_dups_hint *hint) {
    if (dups->hint_count == *room) {
        size_t more = *room ? *room * 2 : 1024;
        glimpse_dups_hint *hints = realloc(dups->hints, more * sizeof *hints);
        if (!hints) return glimpse_fail_nomem(more * sizeof *hints, "candidates");
        dups->hints = hints;
        *room = more;
    }
    dups->hints[dups->hint_count++] = *hint;
    return GLIMPSE_OK;
}

glimpse_warp glimpse_dups_turn_warp(int turn) {
    int flip_x = turn == 2 || turn == 3 || turn == 7 || turn == 8;
    int flip_y = turn == 3 || turn == 4 || turn == 6 || turn == 7;
    double x = flip_x ? -1 : 1, y = flip_y ? -1 : 1;
    if (turn >= 5) return (glimpse_warp){{0, x, flip_x, y, 0, flip_y}};
    return (glimpse_warp){{x, 0, flip_x, 0, y, flip_y}};
}

glimpse_warp glimpse_dups_guess(const glimpse_dups *dups, const glimpse_dups_hint *hint) {
    const glimpse_dups_item *a = &dups->items[hint->a], *b = &dups->items[hint->b];
    const glimpse_dups_item *query = hint->way & GLIMPSE_HINT_A_ASKS ? a : b;
    const glimpse_dups_item *other = hint->way & GLIMPSE_HINT_A_ASKS ? b : a;
    const glimpse_window *in =
        hint->way & GLIMPSE_HINT_CONTENT ? &query->content : &glimpse_windows[0];
    const glimpse_window *out =
        hint->window == 1 ? &other->content : &glimpse_windows[hint->window];
    glimpse_warp warp = glimpse_warp_windows(out, in);
    glimpse_warp turn = glimpse_dups_turn_warp(hint->turn);
    glimpse_warp back = glimpse_warp_inverse(&turn);
    warp = glimpse_warp_chain(&warp, &back);
    return hint->way & GLIMPSE_HINT_A_ASKS ? glimpse_warp_inverse(&warp) : warp;
}

/* Correlation of the 16x16 pictures. */
static double compare_minis(const glimpse_dups_item *a, const glimpse_dups_item *b,
                            const glimpse_warp *warp) {
    double n = 0, s1 = 0, s2 = 0, s11 = 0, s22 = 0, s12 = 0;
    for (int y = 0; y < MINI; y++) {
        for (int x = 0; x < MINI; x++) {
            double px = (x + 0.5) / MINI, py = (y + 0.5) / MINI;
            if (px < (double)b->content.x0 || px > (double)b->content.x1 ||
                py < (double)b->content.y0 || py > (double)b->content.y1)
                continue;
            double u = (warp->m[0] * px + warp->m[1] * py + warp->m[2]) * MINI - 0.5;
            double v = (warp->m[3] * px + warp->m[4] * py + warp->m[5]) * MINI - 0.5;
            if (!(u > -0.6 && v > -0.6 && u < MINI - 0.4 && v < MINI - 0.4)) continue;
            u = u < 0 ? 0 : u > MINI - 1.001 ? MINI - 1.001 : u;
            v = v < 0 ? 0 : v > MINI - 1.001 ? MINI - 1.001 : v;
            int i = (int)u, j = (int)v;
            double f = u - i, g = v - j;
            const uint8_t *p = a->mini + (size_t)j * MINI + i;
            double value =
                (1 - g) * ((1 - f) * p[0] + f * p[1]) + g * ((1 - f) * p[MINI] + f * p[MINI + 1]);
            double other = b->mini[y * MINI + x];
            n++, s1 += value, s2 += other;
            s11 += value * value, s22 += other * other, s12 += value * other;
        }
    }
    if (n < 16) return 0;
    double v1 = s11 - s1 * s1 / n, v2 = s22 - s2 * s2 / n;
    return v1 > 1 && v2 > 1 ? (s12 - s1 * s2 / n) / sqrt(v1 * v2) : 1;
}

/* The pictures of one side: `set` 0 or 1, or -1 for all. */
static int takes_part(const glimpse_dups *dups, size_t class, int set) {
    if (dups->items[dups->first_of[class]].plain) return 0;
    return set < 0 || (dups->sets[class] & 1U << set) != 0;
}

static int collect_windows(const glimpse_dups *dups, codes *c, int set) {
    int status = reserve(c, dups->class_count * GLIMPSE_WINDOW_COUNT, 0);
    for (size_t k = 0; k < dups->class_count && status == GLIMPSE_OK; k++) {
        uint32_t item = dups->first_of[k];
        if (!takes_part(dups, k, set)) continue;
        for (unsigned w = 0; w < GLIMPSE_WINDOW_COUNT; w++) {
            if (w == 1 && is_whole(&dups->items[item].content)) continue;
            put(c, dups->items[item].windows[w], 0, item, w);
        }
    }
    return status;
}

static int collect_queries(const glimpse_dups *dups, codes *c, int set) {
    unsigned turns = dups->options->rotations ? 8 : 1;
    int status = reserve(c, dups->class_count * (turns + 1), 1);
    for (size_t k = 0; k < dups->class_count && status == GLIMPSE_OK; k++) {
        uint32_t item = dups->first_of[k];
        if (!takes_part(dups, k, set)) continue;
        for (unsigned t = 1; t <= turns; t++)
            put(c, dups->items[item].turns[t - 1], dups->items[item].weak_turns[t - 1], item, t);
        if (!is_whole(&dups->items[item].content))
            put(c, dups->items[item].windows[1], dups->items[item].weak_content, item, 0);
    }
    return status;
}

static int collect_differences(const glimpse_dups *dups, codes *c, int set) {
    int status = reserve(c, dups->class_count, 1);
    for (size_t k = 0; k < dups->class_count && status == GLIMPSE_OK; k++) {
        uint32_t item = dups->first_of[k];
        if (takes_part(dups, k, set))
            put(c, dups->items[item].picture.dhash, dups->items[item].weak_dhash, item, 0);
    }
    return status;
}

static int is_cancelled(void *user) {
    glimpse_dups *dups = user;
    return glimpse_dups_progress(dups, "comparing", 0, dups->class_count, 1, "") < 0;
}

/* `difference`: both lists are difference hashes of the whole. */
static int join(glimpse_dups *dups, size_t *room, const codes *base, const codes *queries,
                int difference) {
    glimpse_mih_hit *hits = NULL;
    size_t count = 0;
    unsigned radius = dups->radius;
    const size_t few = GLIMPSE_DUPS_FEW * (size_t)(difference ? 1 : GLIMPSE_WINDOW_COUNT);
    if (difference && radius > GLIMPSE_DUPS_DIFFERENCE_RADIUS)
        radius = GLIMPSE_DUPS_DIFFERENCE_RADIUS;
    glimpse_mih_job job = {.base = base->hash,
                           .base_item = base->item,
                           .base_count = base->count,
                           .queries = queries->hash,
                           .query_item = queries->item,
                           .query_count = queries->count,
                           .weak = base->count > few ? queries->weak : NULL,
                           .radius = radius,
                           .jobs = dups->jobs,
                           .most_equal = GLIMPSE_DUPS_MOST_EQUAL,
                           .most_hits = GLIMPSE_DUPS_MOST_HITS,
                           .cancelled = is_cancelled,
                           .user = dups};
    int status = glimpse_mih_join(&job, &hits, &count);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        uint32_t query = queries->item[hits[i].query], other = base->item[hits[i].base];
        unsigned turn = difference ? 1 : queries->what[hits[i].query];
        glimpse_dups_hint hint = {.a = query < other ? query : other,
                                  .b = query < other ? other : query,
                                  .distance = (uint8_t)hits[i].distance,
                                  .window = difference ? 0 : base->what[hits[i].base],
                                  .turn = (uint8_t)(turn ? turn : 1),
                                  .cosine = -2};
        if (query < other) hint.way |= GLIMPSE_HINT_A_ASKS;
        if (turn == 0) hint.way |= GLIMPSE_HINT_CONTENT;
        glimpse_warp guess = glimpse_dups_guess(dups, &hint);
        if (compare_minis(&dups->items[hint.a], &dups->items[hint.b], &guess) < least_mini)
            continue;
        status = glimpse_dups_add_hint(dups, room, &hint);
    }
    free(hits);
    return status;
}

int glimpse_dups_perceptual(glimpse_dups *dups) {
    int against = dups->options->against_count > 0 || dups->options->against_library;
    size_t room = dups->hint_count;
    int status = GLIMPSE_OK;
    if (dups->radius == 0) dups->radius = GLIMPSE_DUPS_RADIUS;
    /* Between two sets, each asks the other. */
    for (int side = 0; side < (against ? 2 : 1) && status == GLIMPSE_OK; side++) {
        codes base = {0}, queries = {0};
        status = collect_windows(dups, &base, against ? side : -1);
        if (status == GLIMPSE_OK) status = collect_queries(dups, &queries, against ? !side : -1);
        if (status == GLIMPSE_OK) status = join(dups, &room, &base, &queries, 0);
        free_codes(&base);
        free_codes(&queries);
        if (status < 0 || side == 1) break;
        status = collect_differences(dups, &base, against ? 0 : -1);
        if (status == GLIMPSE_OK) status = collect_differences(dups, &queries, against ? 1 : -1);
        if (status == GLIMPSE_OK) status = join(dups, &room, &base, &queries, 1);
        free_codes(&base);
        free_codes(&queries);
    }
    return status;
}

static int compare_hints(const void *a, const void *b) {
    const glimpse_dups_hint *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    if (x->b != y->b) return x->b < y->b ? -1 : 1;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    /* Contents on contents is the better guess of equals. */
    int first = (x->way & GLIMPSE_HINT_CONTENT) && x->window == 1;
    int second = (y->way & GLIMPSE_HINT_CONTENT) && y->window == 1;
    if (first != second) return second - first;
    if (x->turn != y->turn) return x->turn - y->turn;
    if (x->window != y->window) return x->window - y->window;
    return x->way - y->way;
}

int glimpse_dups_sort_hints(glimpse_dups *dups) {
    size_t kept = 0, of_pair = 0;
    if (dups->hint_count == 0) return GLIMPSE_OK;
    qsort(dups->hints, dups->hint_count, sizeof *dups->hints, compare_hints);
    for (size_t i = 0; i < dups->hint_count; i++) {
        const glimpse_dups_hint *hint = &dups->hints[i];
        const glimpse_dups_hint *last = kept > 0 ? &dups->hints[kept - 1] : NULL;
        int same_pair = last && last->a == hint->a && last->b == hint->b;
        if (!same_pair) dups->candidates++;
        /* The first few of a pair, and always the one of the embeddings, which sorts last. */
        of_pair = same_pair ? of_pair + 1 : 0;
        if (of_pair >= GLIMPSE_DUPS_HINTS && !(hint->way & GLIMPSE_HINT_SEMANTIC)) continue;
        dups->hints[kept++] = *hint;
    }
    dups->hint_count = kept;
    return GLIMPSE_OK;
}
