/*
 * image/compare/compare.c - is it the same picture? Aligning two thumbnails and judging what is
 * left.
 *
 * After alignment the second picture is divided into blocks of 8x8 thumbnail pixels. With s1, s2
 * the deviations of a block in the first (tones fitted to the second by least squares) and in the
 * second picture and s12 their covariance, the structure term is (s12 + C) / (s1 s2 + C), C as in
 * SSIM. A block has something in it when either deviation is above a few grey levels; it agrees
 * when the term is high. An edit leaves nearly all such blocks in agreement (text and stickers
 * cover few), wherever it was made; another exposure of the same scene has other parallax, moved
 * things and other noise, and parts that the first one does not show.
 *
 * So "same picture" asks for four things: agreement, correlation, no motion left between parts, and
 * that one of the two is within the other (a crop shows nothing new). The thresholds are below;
 * docs/dedup.md says what they were measured on.
 */
#include "image/compare/align.h"
#include "image/compare/recolour.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = GLIMPSE_THUMB_SIDE, COLOUR = GLIMPSE_THUMB_COLOUR, BLOCK = 8, PATCH = 16 };

static const double structure_c = 29.26; /* (0.03 x 255)^2 / 2 */

glimpse_warp glimpse_warp_windows(const glimpse_window *a, const glimpse_window *b) {
    double ax = (double)a->x0, ay = (double)a->y0, bx = (double)b->x0, by = (double)b->y0;
    double sx = ((double)a->x1 - ax) / ((double)b->x1 - bx);
    double sy = ((double)a->y1 - ay) / ((double)b->y1 - by);
    return (glimpse_warp){{sx, 0, ax - sx * bx, 0, sy, ay - sy * by}};
}

glimpse_warp glimpse_warp_chain(const glimpse_warp *outer, const glimpse_warp *inner) {
    const double *o = outer->m, *i = inner->m;
    return (glimpse_warp){{o[0] * i[0] + o[1] * i[3], o[0] * i[1] + o[1] * i[4],
                           o[0] * i[2] + o[1] * i[5] + o[2], o[3] * i[0] + o[4] * i[3],
                           o[3] * i[1] + o[4] * i[4], o[3] * i[2] + o[4] * i[5] + o[5]}};
}

glimpse_warp glimpse_warp_inverse(const glimpse_warp *warp) {
    const double *m = warp->m, det = m[0] * m[4] - m[1] * m[3];
    if (!(fabs(det) > 1e-12)) return (glimpse_warp){{1, 0, 0, 0, 1, 0}};
    return (glimpse_warp){{m[4] / det, -m[1] / det, (m[1] * m[5] - m[4] * m[2]) / det, -m[3] / det,
                           m[0] / det, (m[3] * m[2] - m[0] * m[5]) / det}};
}

/*
 * What is shared. Sides of content count whole when they are within a pixel or so.
 */
static double covered(const glimpse_window *in, const glimpse_window *content,
                      const glimpse_warp *warp) {
    enum { STEPS = 40 };
    const double slack = 0.012;
    int hits = 0;
    for (int j = 0; j < STEPS; j++) {
        for (int i = 0; i < STEPS; i++) {
            double x = (double)in->x0 + (double)(in->x1 - in->x0) * (i + 0.5) / STEPS;
            double y = (double)in->y0 + (double)(in->y1 - in->y0) * (j + 0.5) / STEPS;
            double u = warp->m[0] * x + warp->m[1] * y + warp->m[2];
            double v = warp->m[3] * x + warp->m[4] * y + warp->m[5];
            hits += u >= (double)content->x0 - slack && u <= (double)content->x1 + slack &&
                    v >= (double)content->y0 - slack && v <= (double)content->y1 + slack;
        }
    }
    return (double)hits / (STEPS * STEPS);
}

/*
 * Blocks.
 */
typedef struct blocks {
    int textured, agreeing, broken; /* broken: another thing is there */
    int plain, off;                 /* without texture; of them, of another brightness */
    double structure, weight;
} blocks;

static void judge_block(blocks *b, const float *first, const float *second, const uint8_t *seen,
                        int side, double gain, double bias) {
    double n = 0, s1 = 0, s2 = 0, s11 = 0, s22 = 0, s12 = 0;
    for (int y = 0; y < BLOCK; y++) {
        for (int x = 0; x < BLOCK; x++) {
            if (!seen[y * side + x]) continue;
            double p = gain * (double)first[y * side + x] + bias, q = (double)second[y * side + x];
            n++, s1 += p, s2 += q, s11 += p * p, s22 += q * q, s12 += p * q;
        }
    }
    if (n < BLOCK * BLOCK / 2.0) return;
    double m1 = s1 / n, m2 = s2 / n, v1 = s11 / n - m1 * m1, v2 = s22 / n - m2 * m2;
    double deviation1 = sqrt(v1 > 0 ? v1 : 0), deviation2 = sqrt(v2 > 0 ? v2 : 0);
    double covariance = s12 / n - m1 * m2;
    double term = (covariance + structure_c) / (deviation1 * deviation2 + structure_c);
    double larger = deviation1 > deviation2 ? deviation1 : deviation2;
    double smaller = deviation1 > deviation2 ? deviation2 : deviation1;
    double difference = sqrt((s11 + s22 - 2 * s12) / n > 0 ? (s11 + s22 - 2 * s12) / n : 0);
    if (larger < 5) {
        b->plain++;
        /* Tones that ran into black or white are beyond a straight line. */
        b->off += fabs(m1 - m2) > 20 && m2 > 12 && m2 < 243;
        return;
    }
    /* A block that has lost its contrast altogether is no agreement either. */
    if (smaller < 0.25 * larger) term *= smaller / (0.25 * larger);
    b->textured++;
    b->agreeing += term >= 0.7;
    b->broken += difference > 18 && term < 0.6;
    b->structure += larger * (term > 0 ? term : 0);
    b->weight += larger;
}

/*
 * Motion. An edit moves all of a picture by one affine warp; another shot moves near things more
 * than far ones. One step of Lucas and Kanade (1981) per patch of 16x16 pixels tells how far the
 * patch lies beside where the warp puts it.
 */
static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How far one patch moved, in pixels; -1: it has no texture in both directions. */
static double move_of(const float *first, const float *second, const uint8_t *seen, int side,
                      double gain) {
    double xx = 0, xy = 0, yy = 0, xt = 0, yt = 0, x1 = 0, y1 = 0, t1 = 0, tt = 0, n = 0;
    for (int y = 1; y < PATCH - 1; y++) {
        for (int x = 1; x < PATCH - 1; x++) {
            int i = y * side + x;
            if (!(seen[i] && seen[i - 1] && seen[i + 1] && seen[i - side] && seen[i + side]))
                continue;
            /* The mean of both slopes is nearer to the truth than either. */
            double gx = 0.25 * (gain * (double)(first[i + 1] - first[i - 1]) +
                                (double)(second[i + 1] - second[i - 1]));
            double gy = 0.25 * (gain * (double)(first[i + side] - first[i - side]) +
                                (double)(second[i + side] - second[i - side]));
            double t = (double)second[i] - gain * (double)first[i];
            tt += t * t;
            n++, x1 += gx, y1 += gy, t1 += t;
            xx += gx * gx, xy += gx * gy, yy += gy * gy, xt += gx * t, yt += gy * t;
        }
    }
    if (n < PATCH * PATCH / 2.0) return -1;
    xt -= x1 * t1 / n, yt -= y1 * t1 / n; /* brightness may differ */
    double half = 0.5 * (xx + yy), min = half - sqrt(fmax(half * half - (xx * yy - xy * xy), 0));
    if (min < 1.5 * n) return -1;
    double det = xx * yy - xy * xy;
    double dx = (yy * xt - xy * yt) / det, dy = (xx * yt - xy * xt) / det;
    /* What is painted over differs and no motion explains it. */
    double left = tt - t1 * t1 / n, explained = dx * xt + dy * yt;
    return left > 0 ? hypot(dx, dy) * fmin(explained / left, 1) : 0;
}

static double motion_of(const float *first, const float *second, const uint8_t *seen, int side,
                        double gain) {
    double moves[(SIDE / PATCH) * (SIDE / PATCH)];
    size_t count = 0;
    for (int y = 0; y + PATCH <= side; y += PATCH) {
        for (int x = 0; x + PATCH <= side; x += PATCH) {
            size_t at = (size_t)y * (size_t)side + (size_t)x;
            double move = move_of(first + at, second + at, seen + at, side, gain);
            if (move >= 0) moves[count++] = move;
        }
    }
    if (count == 0) return 0;
    qsort(moves, count, sizeof moves[0], compare_doubles);
    return 100 * moves[count * 3 / 4] / side;
}

/* Least squares of second = gain * first + bias, and the correlation. */
static double fit_tones(const float *first, const float *second, const uint8_t *seen, size_t n,
                        double *gain, double *bias) {
    double count = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < n; i++) {
        if (!seen[i]) continue;
        double p = (double)first[i], q = (double)second[i];
        count++, a += p, b += q, aa += p * p, bb += q * q, ab += p * q;
    }
    *gain = 1, *bias = 0;
    if (count == 0) return 0;
    a /= count, b /= count;
    double va = aa / count - a * a, vb = bb / count - b * b, cov = ab / count - a * b;
    if (!(va > 1e-6) || !(vb > 1e-6)) return 0;
    *gain = cov / va;
    *bias = b - *gain * a;
    return cov / sqrt(va * vb);
}

/* Mean of how far colours are from grey. */
static double colour_of(const glimpse_thumb *t) {
    double sum = 0;
    for (int i = 0; i < COLOUR * COLOUR; i++) {
        const uint8_t *p = t->rgb + 3 * (size_t)i;
        sum += abs(p[0] - p[1]) + abs(p[2] - p[1]);
    }
    return sum / (2.0 * COLOUR * COLOUR);
}

/* Mean difference of colour: red and blue against grey, which brightness moves little. Strong
 * contrast scales colours too, so the second's are compared with `gain` times the first's. */
static double compare_colours(const glimpse_thumb *a, const glimpse_thumb *b,
                              const glimpse_warp *warp, double gain) {
    double sum = 0, count = 0;
    for (int y = 0; y < COLOUR; y++) {
        for (int x = 0; x < COLOUR; x++) {
            double px = (x + 0.5) / COLOUR, py = (y + 0.5) / COLOUR;
            if (px < (double)b->content.x0 || px > (double)b->content.x1 ||
                py < (double)b->content.y0 || py > (double)b->content.y1)
                continue;
            int u = (int)floor((warp->m[0] * px + warp->m[1] * py + warp->m[2]) * COLOUR);
            int v = (int)floor((warp->m[3] * px + warp->m[4] * py + warp->m[5]) * COLOUR);
            if (u < 0 || v < 0 || u >= COLOUR || v >= COLOUR) continue;
            const uint8_t *p = a->rgb + 3 * (v * COLOUR + u), *q = b->rgb + 3 * (y * COLOUR + x);
            sum += fabs(gain * (p[0] - p[1]) - (q[0] - q[1])) +
                   fabs(gain * (p[2] - p[1]) - (q[2] - q[1]));
            count += 2;
        }
    }
    return count > 0 ? sum / count : 0;
}

static unsigned min_side(const glimpse_thumb *a, const glimpse_thumb *b) {
    unsigned min = a->width < a->height ? a->width : a->height;
    if (b->width < min) min = b->width;
    return b->height < min ? b->height : min;
}

/* What is inside the border of `t` is the other picture, whole: corner on corner. A plain
 * background looks like a border too, and is not filled like that. */
static int is_frame_of(const glimpse_thumb *t, const glimpse_warp *to_other, double slack) {
    if (!t->framed) return 0;
    for (int k = 0; k < 4; k++) {
        double x = (double)(k & 1 ? t->content.x1 : t->content.x0);
        double y = (double)(k & 2 ? t->content.y1 : t->content.y0);
        double u = to_other->m[0] * x + to_other->m[1] * y + to_other->m[2] - (k & 1);
        double v = to_other->m[3] * x + to_other->m[4] * y + to_other->m[5] - (k >> 1);
        if (fabs(u) > slack || fabs(v) > slack) return 0;
    }
    return 1;
}

static void find_edits(glimpse_comparison *r, const glimpse_thumb *a, const glimpse_thumb *b,
                       const blocks *found) {
    const double *m = r->warp.m;
    double wa = a->width, ha = a->height, wb = b->width, hb = b->height;
    /* In pixels of both pictures. */
    double xx = m[0] * wa / wb, xy = m[1] * wa / hb, yx = m[3] * ha / wb, yy = m[4] * ha / hb;
    double sx = hypot(xx, yx), sy = hypot(xy, yy);
    r->angle = atan2(yx - xy, xx + yy) * 180 / 3.14159265358979323846;
    if (fabs(r->angle) > 0.6) r->edits |= GLIMPSE_EDIT_ROTATED;
    double shortest = min_side(a, b), slack = 0.025 + 1.5 / shortest;
    if (sx > sy * (1 + slack) || sy > sx * (1 + slack)) r->edits |= GLIMPSE_EDIT_STRETCHED;
    /* How far the corners of the whole pictures are apart. */
    double off = 0;
    for (int k = 0; k < 4; k++) {
        double x = k & 1, y = k >> 1;
        double dx = fabs(m[0] * x + m[1] * y + m[2] - x);
        double dy = fabs(m[3] * x + m[4] * y + m[5] - y);
        off = dx > off ? dx : off;
        off = dy > off ? dy : off;
    }
    if (off > 0.012 + 0.7 / shortest) {
        glimpse_warp back = glimpse_warp_inverse(&r->warp);
        int framed = is_frame_of(b, &r->warp, 0.015 + 1.5 / shortest) ||
                     is_frame_of(a, &back, 0.015 + 1.5 / shortest);
        if (framed) r->edits |= GLIMPSE_EDIT_FRAMED;
        if (!framed || r->covered[0] < 0.97 || r->covered[1] < 0.97) {
            if (!(r->edits & GLIMPSE_EDIT_ROTATED) || off > 0.06) r->edits |= GLIMPSE_EDIT_CROPPED;
        }
    }
    double middle = r->gain * 128 + r->bias - 128;
    /* Small pictures lose contrast to blur. */
    if (fabs(r->gain - 1) > 0.07 + 3 / shortest || fabs(middle) > 6) r->edits |= GLIMPSE_EDIT_TONES;
    /* Colours that went away altogether are an edit even where there were few. */
    double colour_a = colour_of(a), colour_b = colour_of(b);
    int bleached = (colour_a < 1.5) != (colour_b < 1.5) && fabs(colour_a - colour_b) > 1.5;
    if (r->colour > 7 || bleached) r->edits |= GLIMPSE_EDIT_COLOURS;
    if (found->broken > 0) r->edits |= GLIMPSE_EDIT_PARTS;
}

/* [1 2 1] in both directions: detail near the limit of the grid depends on where its lines fall. */
static void soften(const float *from, float *to, int side) {
    float rows[SIDE * SIDE];
    for (int y = 0; y < side; y++) {
        const float *p = from + (size_t)(y * side);
        for (int x = 0; x < side; x++) {
            float left = p[x > 0 ? x - 1 : x], right = p[x < side - 1 ? x + 1 : x];
            rows[y * side + x] = 0.25F * (left + 2 * p[x] + right);
        }
    }
    for (int y = 0; y < side; y++) {
        const float *p = rows + (size_t)(y * side);
        const float *above = y > 0 ? p - side : p, *below = y < side - 1 ? p + side : p;
        for (int x = 0; x < side; x++)
            to[y * side + x] = 0.25F * (above[x] + 2 * p[x] + below[x]);
    }
}

/* Content without the lines that its frame was blurred into. */
static glimpse_window inside(glimpse_window w, int side) {
    const float line = 1.5F / (float)side;
    if (w.x0 > 0.004F) w.x0 += line;
    if (w.y0 > 0.004F) w.y0 += line;
    if (w.x1 < 0.996F) w.x1 -= line;
    if (w.y1 < 0.996F) w.y1 -= line;
    return w;
}

static void judge(glimpse_comparison *r, const glimpse_thumb *a, const glimpse_thumb *b,
                  const glimpse_pyramid *first, const glimpse_pyramid *second) {
    float values[SIDE * SIDE], soft[SIDE * SIDE], reference[SIDE * SIDE];
    uint8_t seen[SIDE * SIDE];
    unsigned shortest = min_side(a, b);
    int level = shortest >= 112 ? 2 : shortest >= 48 ? 1 : 0;
    const glimpse_plane *fixed = &first->level[level], *moving = &second->level[level];
    int side = moving->side;
    size_t n = (size_t)side * (size_t)side;
    glimpse_plane softened = *fixed, other = *moving;
    softened.grey = reference;
    softened.content = inside(fixed->content, side);
    other.content = inside(moving->content, side);
    soften(fixed->grey, reference, side);
    soften(moving->grey, soft, side);
    (void)glimpse_plane_sample(&softened, &other, &r->warp, values, seen);
    r->correlation = fit_tones(values, soft, seen, n, &r->gain, &r->bias);
    blocks found = {0};
    for (int y = 0; y < side; y += BLOCK) {
        for (int x = 0; x < side; x += BLOCK) {
            size_t at = (size_t)y * (size_t)side + (size_t)x;
            judge_block(&found, values + at, soft + at, seen + at, side, r->gain, r->bias);
        }
    }
    glimpse_warp back = glimpse_warp_inverse(&r->warp);
    r->covered[0] = covered(&a->content, &b->content, &back);
    r->covered[1] = covered(&b->content, &a->content, &r->warp);
    r->score = found.weight > 0 ? found.structure / found.weight : 0;
    r->agreeing = found.textured > 0 ? (double)found.agreeing / found.textured : 0;
    r->motion = motion_of(values, soft, seen, side, r->gain);
    r->colour = compare_colours(a, b, &r->warp, r->gain);

    double contained = r->covered[0] > r->covered[1] ? r->covered[0] : r->covered[1];
    double shared = r->covered[0] < r->covered[1] ? r->covered[0] : r->covered[1];
    int enough = found.textured * 12 >= found.textured + found.plain && found.textured >= 3;
    int calm = found.plain < 4 || found.off * 4 < found.plain;
    if (r->gain <= 0 || !enough) return;
    if (r->correlation >= 0.72 && r->agreeing >= 0.68 && r->score >= 0.65 && r->motion <= 0.3 &&
        contained >= 0.93 && shared >= 0.3 && calm) {
        find_edits(r, a, b, &found);
        /* Another shape of the same view is only another size. */
        r->verdict = r->edits & ~(unsigned)GLIMPSE_EDIT_STRETCHED ? GLIMPSE_VERDICT_EDITED
                                                                  : GLIMPSE_VERDICT_REENCODED;
    } else if (r->correlation >= 0.75 && r->agreeing >= 0.38 && r->score >= 0.5 && shared >= 0.5 &&
               found.textured * 6 >= found.textured + found.plain) {
        r->verdict = GLIMPSE_VERDICT_NEAR;
    }
    if (r->verdict != GLIMPSE_VERDICT_DIFFERENT) r->recoloured = glimpse_recoloured(a, b, &r->warp);
}

void glimpse_compare(glimpse_comparison *result, const glimpse_thumb *a, const glimpse_thumb *b,
                     const glimpse_warp *hint, int orientation) {
    /* About 500 KB of stack in all: threads need the usual megabytes. */
    static const int rounds[GLIMPSE_LEVELS] = {20, 12, 8};
    static const double min[GLIMPSE_LEVELS] = {0.55, 0.6, 0.6};
    glimpse_pyramid first, second;
    glimpse_thumb oriented;
    if (orientation >= 2 && orientation <= 8) {
        glimpse_thumb_orient(&oriented, b, orientation);
        b = &oriented;
    }
    memset(result, 0, sizeof *result);
    result->verdict = GLIMPSE_VERDICT_DIFFERENT;
    result->gain = 1;
    result->warp = hint ? *hint : (glimpse_warp){{1, 0, 0, 0, 1, 0}};
    glimpse_pyramid_make(&first, a);
    glimpse_pyramid_make(&second, b);
    for (int level = 0; level < GLIMPSE_LEVELS; level++) {
        result->correlation =
            glimpse_align(&first.level[level], &second.level[level], &result->warp, rounds[level]);
        if (result->correlation < min[level]) return;
    }
    judge(result, a, b, &first, &second);
}
