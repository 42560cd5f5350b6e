/*
 * index/dedup/dedup_altered.c - which of two versions of a picture was made of the other.
 *
 * Other tones: an edit cannot show more than its original. Of two that are straight functions of
 * each other, the one with less contrast has lost steps: it has fewer grey values (entropy). Where
 * they are not, the one with more contrast cut off what became lighter than white or darker than
 * black.
 *
 * Turned by some degrees: the corners that turning left are of one colour.
 */
#include "dedup_private.h"

#include <math.h>
#include <stdlib.h>

static int by_tones(const glimpse_dedup_item *a, const glimpse_dedup_item *b,
                    const glimpse_comparison *c) {
    if (c->gain < 0.2) return 0;
    /* How many bits a grey value of `a` tells beyond one of `b`, and would if nothing was lost. */
    const double more = a->picture.measures.entropy - b->picture.measures.entropy;
    const double stretch = -log2(c->gain);
    if (fabs(stretch) < 0.07) return fabs(more) < 0.1 ? 0 : more < 0 ? 1 : 2;
    const int flat = stretch < 0 ? 1 : 2, steep = 3 - flat;
    const int is_straight =
        c->correlation > 0.9997 || (c->correlation > 0.9985 && more / stretch > 0.9);
    return is_straight ? flat : steep;
}

/* Corners of one grey, which no picture has by chance. */
static int has_equal_corners(const glimpse_thumb *t) {
    enum { SIDE = GLIMPSE_THUMB_SIDE, LAST = SIDE - 1, MAX_RANGE = 10 };
    static const int at[4] = {0, LAST, LAST * SIDE, LAST * SIDE + LAST};
    int low = 255, high = 0;
    for (int i = 0; i < 4; i++) {
        const int value = (int)t->grey[at[i]];
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    return high - low <= MAX_RANGE;
}

int glimpse_dedup_which_is_altered(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge,
                                   const glimpse_thumb *a, const glimpse_thumb *b) {
    const glimpse_dedup_item *x = &dedup->items[edge->a], *y = &dedup->items[edge->b];
    const glimpse_comparison *c = &edge->comparison;
    const unsigned other_view = GLIMPSE_EDIT_CROPPED | GLIMPSE_EDIT_FRAMED | GLIMPSE_EDIT_ROTATED;
    if (c->edits & GLIMPSE_EDIT_ROTATED) {
        const int equal[2] = {has_equal_corners(a), has_equal_corners(b)};
        if (equal[0] != equal[1]) return equal[0] ? 1 : 2;
    }
    /* Of other views, and of the coarse and the fine, entropy says nothing. */
    if (!(c->edits & GLIMPSE_EDIT_TONES) || (c->edits & other_view) ||
        x->picture.measures.grey != y->picture.measures.grey)
        return 0;
    return by_tones(x, y, c);
}
