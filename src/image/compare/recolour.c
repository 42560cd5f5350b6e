/*
 * image/compare/recolour.c - the same thing in another colour.
 *
 * Of the 32x32 colours of both thumbnails, gain and bias of each channel are fitted by least
 * squares in which what changed has no say: tones and white balance. What a cell's chroma (colour
 * minus brightness) then differs by is large where something has another colour and small where
 * nothing was done. Both must be there: a tint, or grey, changes all that has a colour.
 *
 * Something painted over changes colours too. Where a thing was recoloured its edges are where
 * they were; where something was written, edges are new. So the gradients of both thumbnails must
 * agree in the changed part and right around it.
 */
#include "image/compare/recolour.h"

#include <math.h>
#include <string.h>

enum { COLOUR = GLIMPSE_THUMB_COLOUR, SIDE = GLIMPSE_THUMB_SIDE, CELL = SIDE / COLOUR };

static const double changed_from = 30, kept_below = 14; /* chroma, of 255 */

typedef struct cells {
    int count;
    short at[COLOUR * COLOUR]; /* of the second */
    float first[COLOUR * COLOUR][3], second[COLOUR * COLOUR][3];
    float difference[COLOUR * COLOUR]; /* of chroma */
} cells;

static void collect(cells *c, const glimpse_thumb *a, const glimpse_thumb *b,
                    const glimpse_warp *warp) {
    c->count = 0;
    for (int y = 0; y < COLOUR; y++) {
        for (int x = 0; x < COLOUR; x++) {
            const double px = (x + 0.5) / COLOUR, py = (y + 0.5) / COLOUR;
            const int u = (int)floor((warp->m[0] * px + warp->m[1] * py + warp->m[2]) * COLOUR);
            const int v = (int)floor((warp->m[3] * px + warp->m[4] * py + warp->m[5]) * COLOUR);
            if (u < 0 || v < 0 || u >= COLOUR || v >= COLOUR) continue;
            c->at[c->count] = (short)(y * COLOUR + x);
            for (int k = 0; k < 3; k++) {
                c->first[c->count][k] = (float)a->rgb[3 * (v * COLOUR + u) + k];
                c->second[c->count][k] = (float)b->rgb[3 * (y * COLOUR + x) + k];
            }
            c->count++;
        }
    }
}

/* second = gain * first + bias in one channel; the weight of a cell falls with its difference. */
static void fit(const cells *c, int channel, double *gain, double *bias) {
    *gain = 1, *bias = 0;
    for (int round = 0; round < 6; round++) {
        double n = 1e-6, x = 0, y = 0, xx = 0, xy = 0;
        for (int i = 0; i < c->count; i++) {
            const double p = (double)c->first[i][channel], q = (double)c->second[i][channel];
            const double r = (q - *gain * p - *bias) / 12, w = 1 / (1 + r * r);
            n += w, x += w * p, y += w * q, xx += w * p * p, xy += w * p * q;
        }
        const double mx = x / n, my = y / n, pull = 400; /* towards a gain of 1 */
        *gain = (xy / n - mx * my + pull) / (xx / n - mx * mx + pull);
        *gain = fmax(0.6, fmin(1.6, *gain));
        *bias = my - *gain * mx;
    }
}

/* 1 when all colours of one picture lie on one line from dark to light, and none is strong: grey,
 * sepia, a tint. */
static int is_monochrome(const cells *c, int second) {
    double n = c->count, y = 0, yy = 0, sum[3] = {0}, product[3] = {0};
    for (int i = 0; i < c->count; i++) {
        const float *p = second ? c->second[i] : c->first[i];
        const double luma = 0.299 * (double)p[0] + 0.587 * (double)p[1] + 0.114 * (double)p[2];
        y += luma, yy += luma * luma;
        for (int k = 0; k < 3; k++)
            sum[k] += (double)p[k], product[k] += luma * (double)p[k];
    }
    const double variance = yy / n - y / n * (y / n) + 1;
    int off = 0;
    for (int i = 0; i < c->count; i++) {
        const float *p = second ? c->second[i] : c->first[i];
        const double luma = 0.299 * (double)p[0] + 0.587 * (double)p[1] + 0.114 * (double)p[2];
        double max = 0;
        for (int k = 0; k < 3; k++) {
            const double slope = (product[k] / n - y / n * (sum[k] / n)) / variance;
            max = fmax(max, fabs((double)p[k] - sum[k] / n - slope * (luma - y / n)));
            if (fabs((double)p[k] - luma) > 70) return 0;
        }
        off += max > 16;
    }
    return off * 16 < c->count;
}

static double chroma_difference(const double p[3], const float q[3]) {
    const double yp = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
    const double yq = 0.299 * (double)q[0] + 0.587 * (double)q[1] + 0.114 * (double)q[2];
    double max = 0;
    for (int k = 0; k < 3; k++)
        max = fmax(max, fabs((p[k] - yp) - ((double)q[k] - yq)));
    return max;
}

static double strongest_chroma(const double p[3], const float q[3]) {
    static const float none[3] = {0, 0, 0};
    const double wide[3] = {(double)q[0], (double)q[1], (double)q[2]};
    return fmax(chroma_difference(p, none), chroma_difference(wide, none));
}

static void gradient(const uint8_t *grey, int x, int y, double g[2]) {
    const int left = x > 0 ? x - 1 : x, right = x < SIDE - 1 ? x + 1 : x;
    const int above = y > 0 ? y - 1 : y, below = y < SIDE - 1 ? y + 1 : y;
    g[0] = grey[y * SIDE + right] - grey[y * SIDE + left];
    g[1] = grey[below * SIDE + x] - grey[above * SIDE + x];
}

/* How far gradients lie alike, whatever their sign, in the changed cells and those around: 0..1. */
static double edges_agree(const glimpse_thumb *a, const glimpse_thumb *b, const glimpse_warp *warp,
                          const uint8_t *changed) {
    double both = 0, first = 1e-9, second = 1e-9;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            int near = 0;
            for (int v = y / CELL - 1; v <= y / CELL + 1; v++) {
                for (int u = x / CELL - 1; u <= x / CELL + 1; u++)
                    near |= u >= 0 && v >= 0 && u < COLOUR && v < COLOUR && changed[v * COLOUR + u];
            }
            const double px = (x + 0.5) / SIDE, py = (y + 0.5) / SIDE;
            const int i = (int)floor((warp->m[0] * px + warp->m[1] * py + warp->m[2]) * SIDE);
            const int j = (int)floor((warp->m[3] * px + warp->m[4] * py + warp->m[5]) * SIDE);
            if (!near || i < 0 || j < 0 || i >= SIDE || j >= SIDE) continue;
            double p[2], q[2];
            gradient(a->grey, i, j, p);
            gradient(b->grey, x, y, q);
            /* Strength by its root: recolouring changes contrast, and one strong edge is not all.
             */
            const double lp = hypot(p[0], p[1]), lq = hypot(q[0], q[1]);
            if (lp + lq < 8) continue;
            const double cosine = fabs(p[0] * q[0] + p[1] * q[1]) / (lp * lq + 1e-9);
            both += cosine * sqrt(lp * lq);
            first += lp, second += lq;
        }
    }
    return both / sqrt(first * second);
}

/* Marks the cells of another hue; 1 when those are a thing and not a tint of all. */
static int mark_changed(const cells *c, uint8_t changed[COLOUR * COLOUR], int *count) {
    double gain[3], bias[3];
    int kept = 0, grey[2] = {1, 1};
    *count = 0;
    for (int k = 0; k < 3; k++)
        fit(c, k, &gain[k], &bias[k]);
    for (int i = 0; i < c->count; i++) {
        double p[3];
        int clipped = 0;
        for (int k = 0; k < 3; k++) {
            p[k] = gain[k] * (double)c->first[i][k] + bias[k];
            clipped |= p[k] > 258 || p[k] < -3;
        }
        if (clipped) continue; /* tones that ran out of range take colour along */
        const double difference = chroma_difference(p, c->second[i]);
        kept += difference < kept_below;
        /* Another hue, and not more or less of the same, which clipped highlights have. */
        if (difference < fmax(changed_from, 0.6 * strongest_chroma(p, c->second[i]))) continue;
        changed[c->at[i]] = 1;
        ++*count;
        for (int side = 0; side < 2; side++) {
            const float *rgb = side ? c->second[i] : c->first[i];
            if (fabsf(rgb[0] - rgb[1]) > 12 || fabsf(rgb[2] - rgb[1]) > 12) grey[side] = 0;
        }
    }
    /* One of them is grey there: most likely it is all over. */
    return *count > 0 && kept * 4 >= c->count && !grey[0] && !grey[1];
}

double glimpse_recoloured(const glimpse_thumb *a, const glimpse_thumb *b,
                          const glimpse_warp *warp) {
    uint8_t changed[COLOUR * COLOUR] = {0}, back[COLOUR * COLOUR] = {0};
    int count = 0, count_back = 0;
    cells c;
    collect(&c, a, b, warp);
    if (c.count < COLOUR * COLOUR / 4 || !mark_changed(&c, changed, &count)) return 0;
    /* A tint leaves one colour of many. */
    if (is_monochrome(&c, 0) != is_monochrome(&c, 1)) return 0;
    /* What was clipped in one of them looks like a change from there alone. */
    for (int i = 0; i < c.count; i++) {
        for (int k = 0; k < 3; k++) {
            const float swap = c.first[i][k];
            c.first[i][k] = c.second[i][k];
            c.second[i][k] = swap;
        }
    }
    if (!mark_changed(&c, back, &count_back)) return 0;
    if (edges_agree(a, b, warp, changed) < 0.6) return 0;
    return (double)(count < count_back ? count : count_back) / c.count;
}
