/*
 * index/dedup/dedup_candidates.c - which pictures may be the same, by their hashes.
 *
 * A crop has, whole, about the hash that the original has in a window; a framed copy has, inside
 * its frame, about the hash of the original. So the hashes of all windows of each picture are the
 * base, and the hash of the whole and of the content are the queries; with rotations, the whole in
 * eight orientations. Difference hashes of the whole are joined too: they fail on other pictures.
 *
 * Of many pictures not all hashes within the radius are looked for, but those that differ where the
 * query is weak (dedup_mih.h): work per picture then hardly grows with their number. What is lost
 * is a part of the large crops and rotations.
 *
 * A candidate costs milliseconds to verify, so that one is dropped at once whose 16x16 pictures,
 * laid on each other as the hint says, do not correlate.
 */
#include "dedup_private.h"

#include "core/error.h"
#include "dedup_mih.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MINI = GLIMPSE_DEDUP_MINI };
static const double min_mini = 0.55; /* correlation */

/* What a code is the hash of. */
typedef struct codes {
    uint64_t *hash, *weak; /* weak: of queries */
    uint32_t *item;
    uint8_t *what; /* window, or turn for queries; 0: the content */
    size_t count, capacity;
} codes;

static void free_codes(codes *c) {
    free(c->hash);
    free(c->weak);
    free(c->item);
    free(c->what);
    memset(c, 0, sizeof *c);
}

static int reserve(codes *c, size_t capacity, int asks) {
    memset(c, 0, sizeof *c);
    c->hash = malloc((capacity + 1) * sizeof *c->hash);
    c->weak = asks ? malloc((capacity + 1) * sizeof *c->weak) : NULL;
    c->item = malloc((capacity + 1) * sizeof *c->item);
    c->what = malloc(capacity + 1);
    c->capacity = capacity;
    if (c->hash && c->item && c->what && (c->weak || !asks)) return GLIMPSE_OK;
    free_codes(c);
    return glimpse_fail_nomem(capacity * 21, "hashes");
}

static void add_code(codes *c, uint64_t hash, uint64_t weak, uint32_t item, unsigned what) {
    if (c->weak) c->weak[c->count] = weak;
    c->hash[c->count] = hash;
    c->item[c->count] = item;
    c->what[c->count++] = (uint8_t)what;
}

static int is_whole(const glimpse_window *w) {
    return !(w->x0 > 0.004F || w->y0 > 0.004F || w->x1 < 0.996F || w->y1 < 0.996F);
}

int glimpse_dedup_add_hint(glimpse_dedup *dedup, size_t *capacity, const glimpse_dedup_hint *hint) {
    if (dedup->hint_count == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 1024;
        glimpse_dedup_hint *hints = realloc(dedup->hints, more * sizeof *hints);
        if (!hints) return glimpse_fail_nomem(more * sizeof *hints, "candidates");
        dedup->hints = hints;
        *capacity = more;
    }
    dedup->hints[dedup->hint_count++] = *hint;
    return GLIMPSE_OK;
}

glimpse_warp glimpse_dedup_orientation_warp(int orientation) {
    int flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    int flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    double x = flip_x ? -1 : 1, y = flip_y ? -1 : 1;
    if (orientation >= 5) return (glimpse_warp){{0, x, flip_x, y, 0, flip_y}};
    return (glimpse_warp){{x, 0, flip_x, 0, y, flip_y}};
}

glimpse_warp glimpse_dedup_guess(const glimpse_dedup *dedup, const glimpse_dedup_hint *hint) {
    const glimpse_dedup_item *a = &dedup->items[hint->a], *b = &dedup->items[hint->b];
    const glimpse_dedup_item *query = hint->flags & GLIMPSE_HINT_A_IS_QUERY ? a : b;
    const glimpse_dedup_item *other = hint->flags & GLIMPSE_HINT_A_IS_QUERY ? b : a;
    const glimpse_window *in =
        hint->flags & GLIMPSE_HINT_CONTENT ? &query->content : &glimpse_windows[0];
    const glimpse_window *out =
        hint->window == 1 ? &other->content : &glimpse_windows[hint->window];
    glimpse_warp warp = glimpse_warp_windows(out, in);
    glimpse_warp orientation = glimpse_dedup_orientation_warp(hint->orientation);
    glimpse_warp back = glimpse_warp_inverse(&orientation);
    warp = glimpse_warp_chain(&warp, &back);
    return hint->flags & GLIMPSE_HINT_A_IS_QUERY ? glimpse_warp_inverse(&warp) : warp;
}

/* Correlation of the 16x16 pictures. */
static double compare_minis(const glimpse_dedup_item *a, const glimpse_dedup_item *b,
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
static int is_candidate(const glimpse_dedup *dedup, size_t class, int set) {
    if (dedup->items[dedup->first_of[class]].plain) return 0;
    return set < 0 || (dedup->sets[class] & 1U << set) != 0;
}

static int collect_windows(const glimpse_dedup *dedup, codes *c, int set) {
    int status = reserve(c, dedup->class_count * GLIMPSE_WINDOW_COUNT, 0);
    for (size_t k = 0; k < dedup->class_count && status == GLIMPSE_OK; k++) {
        uint32_t item = dedup->first_of[k];
        if (!is_candidate(dedup, k, set)) continue;
        for (unsigned w = 0; w < GLIMPSE_WINDOW_COUNT; w++) {
            if (w == 1 && is_whole(&dedup->items[item].content)) continue;
            add_code(c, dedup->items[item].windows[w], 0, item, w);
        }
    }
    return status;
}

static int collect_queries(const glimpse_dedup *dedup, codes *c, int set) {
    unsigned orientations = dedup->options->rotations ? 8 : 1;
    int status = reserve(c, dedup->class_count * (orientations + 1), 1);
    for (size_t k = 0; k < dedup->class_count && status == GLIMPSE_OK; k++) {
        uint32_t item = dedup->first_of[k];
        if (!is_candidate(dedup, k, set)) continue;
        for (unsigned t = 1; t <= orientations; t++)
            add_code(c, dedup->items[item].orientations[t - 1],
                     dedup->items[item].weak_orientations[t - 1], item, t);
        if (!is_whole(&dedup->items[item].content))
            add_code(c, dedup->items[item].windows[1], dedup->items[item].weak_content, item, 0);
    }
    return status;
}

static int collect_differences(const glimpse_dedup *dedup, codes *c, int set) {
    int status = reserve(c, dedup->class_count, 1);
    for (size_t k = 0; k < dedup->class_count && status == GLIMPSE_OK; k++) {
        uint32_t item = dedup->first_of[k];
        if (is_candidate(dedup, k, set))
            add_code(c, dedup->items[item].picture.dhash, dedup->items[item].weak_dhash, item, 0);
    }
    return status;
}

static int is_cancelled(void *user) {
    glimpse_dedup *dedup = user;
    return glimpse_dedup_progress(dedup, "comparing", 0, dedup->class_count, 1, "") < 0;
}

/* `difference`: both lists are difference hashes of the whole. */
static int join(glimpse_dedup *dedup, size_t *capacity, const codes *base, const codes *queries,
                int difference) {
    glimpse_mih_hit *hits = NULL;
    size_t count = 0;
    unsigned radius = dedup->radius;
    const size_t few = GLIMPSE_DEDUP_FEW * (size_t)(difference ? 1 : GLIMPSE_WINDOW_COUNT);
    if (difference && radius > GLIMPSE_DEDUP_DIFFERENCE_RADIUS)
        radius = GLIMPSE_DEDUP_DIFFERENCE_RADIUS;
    glimpse_mih_job job = {.base = base->hash,
                           .base_item = base->item,
                           .base_count = base->count,
                           .queries = queries->hash,
                           .query_item = queries->item,
                           .query_count = queries->count,
                           .weak = base->count > few ? queries->weak : NULL,
                           .radius = radius,
                           .jobs = dedup->jobs,
                           .max_equal = GLIMPSE_DEDUP_MAX_EQUAL,
                           .max_hits = GLIMPSE_DEDUP_MAX_HITS,
                           .cancelled = is_cancelled,
                           .user = dedup};
    int status = glimpse_mih_join(&job, &hits, &count);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        uint32_t query = queries->item[hits[i].query], other = base->item[hits[i].base];
        unsigned orientation = difference ? 1 : queries->what[hits[i].query];
        glimpse_dedup_hint hint = {.a = query < other ? query : other,
                                   .b = query < other ? other : query,
                                   .distance = (uint8_t)hits[i].distance,
                                   .window = difference ? 0 : base->what[hits[i].base],
                                   .orientation = (uint8_t)(orientation ? orientation : 1),
                                   .cosine = -2};
        if (query < other) hint.flags |= GLIMPSE_HINT_A_IS_QUERY;
        if (orientation == 0) hint.flags |= GLIMPSE_HINT_CONTENT;
        glimpse_warp guess = glimpse_dedup_guess(dedup, &hint);
        if (compare_minis(&dedup->items[hint.a], &dedup->items[hint.b], &guess) < min_mini)
            continue;
        status = glimpse_dedup_add_hint(dedup, capacity, &hint);
    }
    free(hits);
    return status;
}

int glimpse_dedup_perceptual(glimpse_dedup *dedup) {
    int against = dedup->options->against_count > 0 || dedup->options->against_library;
    size_t capacity = dedup->hint_count;
    int status = GLIMPSE_OK;
    if (dedup->radius == 0) dedup->radius = GLIMPSE_DEDUP_RADIUS;
    /* Between two sets, each asks the other. */
    for (int side = 0; side < (against ? 2 : 1) && status == GLIMPSE_OK; side++) {
        codes base = {0}, queries = {0};
        status = collect_windows(dedup, &base, against ? side : -1);
        if (status == GLIMPSE_OK) status = collect_queries(dedup, &queries, against ? !side : -1);
        if (status == GLIMPSE_OK) status = join(dedup, &capacity, &base, &queries, 0);
        free_codes(&base);
        free_codes(&queries);
        if (status < 0 || side == 1) break;
        status = collect_differences(dedup, &base, against ? 0 : -1);
        if (status == GLIMPSE_OK) status = collect_differences(dedup, &queries, against ? 1 : -1);
        if (status == GLIMPSE_OK) status = join(dedup, &capacity, &base, &queries, 1);
        free_codes(&base);
        free_codes(&queries);
    }
    return status;
}

static int compare_hints(const void *a, const void *b) {
    const glimpse_dedup_hint *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    if (x->b != y->b) return x->b < y->b ? -1 : 1;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    /* Contents on contents is the better guess of equals. */
    int first = (x->flags & GLIMPSE_HINT_CONTENT) && x->window == 1;
    int second = (y->flags & GLIMPSE_HINT_CONTENT) && y->window == 1;
    if (first != second) return second - first;
    if (x->orientation != y->orientation) return x->orientation - y->orientation;
    if (x->window != y->window) return x->window - y->window;
    return x->flags - y->flags;
}

int glimpse_dedup_sort_hints(glimpse_dedup *dedup) {
    size_t kept = 0, of_pair = 0;
    if (dedup->hint_count == 0) return GLIMPSE_OK;
    qsort(dedup->hints, dedup->hint_count, sizeof *dedup->hints, compare_hints);
    for (size_t i = 0; i < dedup->hint_count; i++) {
        const glimpse_dedup_hint *hint = &dedup->hints[i];
        const glimpse_dedup_hint *last = kept > 0 ? &dedup->hints[kept - 1] : NULL;
        int same_pair = last && last->a == hint->a && last->b == hint->b;
        if (!same_pair) dedup->candidates++;
        /* The first few of a pair, and always the one of the embeddings, which sorts last. */
        of_pair = same_pair ? of_pair + 1 : 0;
        if (of_pair >= GLIMPSE_DEDUP_HINTS && !(hint->flags & GLIMPSE_HINT_SEMANTIC)) continue;
        dedup->hints[kept++] = *hint;
    }
    dedup->hint_count = kept;
    return GLIMPSE_OK;
}
