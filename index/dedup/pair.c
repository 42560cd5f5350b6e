/*
 * index/dedup/pair.c - compares the pixels of two pictures as they are, turned or mirrored, and as
 * parts of each other.
 */
#include "pair.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct trying {
    const glimpse_thumb *a, *b;
    glimpse_comparison best;
    int orientation;
} trying;

static void try_hint(trying *t, const glimpse_warp *hint, int orientation) {
    glimpse_comparison tried;
    glimpse_compare(&tried, t->a, t->b, hint, orientation);
    if (tried.verdict < t->best.verdict ||
        (tried.verdict == t->best.verdict && tried.score > t->best.score)) {
        t->best = tried;
        t->orientation = orientation;
    }
}

/* The window of `of` that looks most like the whole of `whole`. */
static size_t best_window(const glimpse_thumb *of, uint64_t whole) {
    size_t best = 0;
    int closest = 65;
    for (size_t i = 0; i < GLIMPSE_WINDOW_COUNT; i++) {
        const glimpse_window *window = i == 1 ? &of->content : &glimpse_windows[i];
        int distance = glimpse_hamming(glimpse_phash(NULL, of, window), whole);
        if (distance < closest) {
            closest = distance;
            best = i;
        }
    }
    return best;
}

static void compare(trying *t) {
    const glimpse_window whole = {0.0F, 0.0F, 1.0F, 1.0F};
    uint64_t oriented[8], first = glimpse_phash(NULL, t->a, NULL);
    int best = 0;
    glimpse_compare(&t->best, t->a, t->b, NULL, 1);
    t->orientation = 1;
    /* Turned or mirrored. */
    glimpse_phash_orientations(oriented, NULL, t->b);
    for (int o = 1; o < 8; o++) {
        if (glimpse_hamming(oriented[o], first) < glimpse_hamming(oriented[best], first)) best = o;
    }
    if (best > 0) try_hint(t, NULL, best + 1);
    /* One a part of the other. */
    size_t of_a = best_window(t->a, glimpse_phash(NULL, t->b, NULL));
    size_t of_b = best_window(t->b, first);
    if (of_a > 0) {
        const glimpse_window *w = of_a == 1 ? &t->a->content : &glimpse_windows[of_a];
        glimpse_warp hint = glimpse_warp_windows(w, &whole);
        try_hint(t, &hint, 1);
    }
    if (of_b > 0) {
        const glimpse_window *w = of_b == 1 ? &t->b->content : &glimpse_windows[of_b];
        glimpse_warp hint = glimpse_warp_windows(&whole, w);
        try_hint(t, &hint, 1);
    }
}

/* What every pixel says of a pair that thumbnails take for the same picture. */
static int look_closer(glimpse_comparison *out, glimpse_detail *detail, int orientation,
                       const glimpse_image *a, const glimpse_image *b) {
    const unsigned parts = GLIMPSE_EDIT_PARTS | GLIMPSE_EDIT_STRETCHED;
    const int same = out->verdict == GLIMPSE_VERDICT_REENCODED ||
                     (out->verdict == GLIMPSE_VERDICT_EDITED && (out->edits & ~parts) == 0);
    memset(detail, 0, sizeof *detail);
    if (!same || orientation != 1) return GLIMPSE_OK;
    const int status = glimpse_compare_detail(detail, a, b, &out->warp);
    if (status == GLIMPSE_E_NOMEM) return status;
    if (status < 0) { /* too small for it */
        memset(detail, 0, sizeof *detail);
        return GLIMPSE_OK;
    }
    if (detail->verdict > out->verdict) out->verdict = detail->verdict;
    if (detail->verdict == GLIMPSE_VERDICT_EDITED) out->edits |= GLIMPSE_EDIT_PARTS;
    return GLIMPSE_OK;
}

int glimpse_pair_compare(glimpse_comparison *out, glimpse_detail *detail, int *orientation,
                         const glimpse_image *a, const glimpse_image *b) {
    glimpse_thumb *thumbs = calloc(2, sizeof *thumbs);
    if (!thumbs) return glimpse_fail_nomem(2 * sizeof *thumbs, "thumbnails");
    int status = glimpse_thumb_make(&thumbs[0], a);
    if (status == GLIMPSE_OK) status = glimpse_thumb_make(&thumbs[1], b);
    if (status == GLIMPSE_OK) {
        trying t = {.a = &thumbs[0], .b = &thumbs[1]};
        compare(&t);
        *out = t.best;
        *orientation = t.orientation;
        status = look_closer(out, detail, t.orientation, a, b);
    }
    free(thumbs);
    return status;
}
