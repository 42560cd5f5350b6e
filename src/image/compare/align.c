/*
 * image/compare/align.c - alignment by maximising the enhanced correlation coefficient (Evangelidis
 * and Psarakis, IEEE TPAMI 30(10), 2008), forward additive, affine, over the pixels seen in both.
 *
 * Letters: I the fixed picture seen through the warp, T the moving one, both with their mean over
 * the seen pixels taken off; J [pixels][6] the derivative of I by the warp's parameters. A step is
 *
 *     H = J'J, i = J'I, t = J'T
 *     lambda = (I'I - i'H^-1 i) / (I'T - t'H^-1 i)
 *     d = H^-1 J'(lambda T - I)
 *
 * J is [gx, gy] times [x, y, 1], so all sums are those of a few products times 1, x and x x along
 * each row, which is where y is constant.
 *
 * Warps are kept around the centre of the picture inside, which decouples turning from moving.
 */
#include "image/compare/align.h"

#include <math.h>
#include <string.h>

enum { SIDE = GLIMPSE_THUMB_SIDE };

static void derivatives(int side, const float *grey, float *dx, float *dy) {
    for (int y = 0; y < side; y++) {
        int above = y > 0 ? y - 1 : y, below = y < side - 1 ? y + 1 : y;
        for (int x = 0; x < side; x++) {
            int left = x > 0 ? x - 1 : x, right = x < side - 1 ? x + 1 : x;
            dx[y * side + x] =
                (grey[y * side + right] - grey[y * side + left]) / (float)(right - left);
            dy[y * side + x] =
                (grey[below * side + x] - grey[above * side + x]) / (float)(below - above);
        }
    }
}

void glimpse_pyramid_make(glimpse_pyramid *pyramid, const glimpse_thumb *thumb) {
    size_t offset = GLIMPSE_PYRAMID_FLOATS;
    for (int level = GLIMPSE_LEVELS - 1, side = SIDE; level >= 0; level--, side /= 2) {
        float *finer = pyramid->grey + offset;
        offset -= (size_t)side * (size_t)side;
        float *grey = pyramid->grey + offset;
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                if (level == GLIMPSE_LEVELS - 1) {
                    grey[y * side + x] = thumb->grey[y * side + x];
                } else {
                    const float *p = finer + (size_t)(4 * y * side + 2 * x);
                    grey[y * side + x] = 0.25F * (p[0] + p[1] + p[2 * side] + p[2 * side + 1]);
                }
            }
        }
        derivatives(side, grey, pyramid->dx + offset, pyramid->dy + offset);
        pyramid->level[level] =
            (glimpse_plane){side, grey, pyramid->dx + offset, pyramid->dy + offset, thumb->content};
    }
}

/* One row of moving pixels: where each lies in the fixed plane, and whether both have content. */
typedef struct row_map {
    int first, last; /* columns with content in the moving picture: first .. last - 1 */
    double x, y;     /* of column 0 in fixed pixels */
    double step_x, step_y;
    float low_x, high_x, low_y, high_y; /* where the fixed picture has content, in its pixels */
} row_map;

static int map_row(row_map *map, const glimpse_plane *fixed, const glimpse_plane *moving,
                   const glimpse_warp *warp, int row) {
    const double side = moving->side, y = (row + 0.5) / side;
    const double *m = warp->m;
    if (y < (double)moving->content.y0 || y > (double)moving->content.y1) return 0;
    map->first = (int)ceil((double)moving->content.x0 * side - 0.5);
    map->last = (int)floor((double)moving->content.x1 * side - 0.5) + 1;
    if (map->first < 0) map->first = 0;
    if (map->last > moving->side) map->last = moving->side;
    map->x = (m[0] * 0.5 / side + m[1] * y + m[2]) * fixed->side - 0.5;
    map->y = (m[3] * 0.5 / side + m[4] * y + m[5]) * fixed->side - 0.5;
    map->step_x = m[0] * fixed->side / side;
    map->step_y = m[3] * fixed->side / side;
    const float n = (float)fixed->side, last = n - 1.0F, slack = 0.5F;
    map->low_x = fixed->content.x0 * n - 0.5F, map->high_x = fixed->content.x1 * n - 0.5F;
    map->low_y = fixed->content.y0 * n - 0.5F, map->high_y = fixed->content.y1 * n - 0.5F;
    /* Half a pixel beyond the outermost centres still belongs to the picture. */
    if (map->low_x < -slack) map->low_x = -slack;
    if (map->low_y < -slack) map->low_y = -slack;
    if (map->high_x > last + slack) map->high_x = last + slack;
    if (map->high_y > last + slack) map->high_y = last + slack;
    return map->first < map->last;
}

/* 1 with the cell and the weights when column `x` is seen. */
static inline int locate(const row_map *map, int side, int x, size_t *at, float weight[4]) {
    float u = (float)(map->x + map->step_x * x), v = (float)(map->y + map->step_y * x);
    if (!(u >= map->low_x && u <= map->high_x && v >= map->low_y && v <= map->high_y)) return 0;
    float last = (float)(side - 1);
    u = u < 0 ? 0 : u > last ? last : u;
    v = v < 0 ? 0 : v > last ? last : v;
    int i = (int)u, j = (int)v;
    if (i > side - 2) i = side - 2;
    if (j > side - 2) j = side - 2;
    float a = u - (float)i, b = v - (float)j;
    *at = (size_t)j * (size_t)side + (size_t)i;
    weight[0] = (1 - a) * (1 - b), weight[1] = a * (1 - b);
    weight[2] = (1 - a) * b, weight[3] = a * b;
    return 1;
}

static inline float blend(const float *plane, size_t at, int side, const float weight[4]) {
    const float *p = plane + at;
    return weight[0] * p[0] + weight[1] * p[1] + weight[2] * p[side] + weight[3] * p[side + 1];
}

size_t glimpse_plane_sample(const glimpse_plane *fixed, const glimpse_plane *moving,
                            const glimpse_warp *warp, float *values, uint8_t *seen) {
    size_t count = 0, side = (size_t)moving->side;
    memset(seen, 0, side * side);
    for (int y = 0; y < moving->side; y++) {
        row_map map;
        if (!map_row(&map, fixed, moving, warp, y)) continue;
        for (int x = map.first; x < map.last; x++) {
            size_t at, to = (size_t)y * side + (size_t)x;
            float weight[4];
            if (!locate(&map, fixed->side, x, &at, weight)) continue;
            values[to] = blend(fixed->grey, at, fixed->side, weight);
            seen[to] = 1;
            count++;
        }
    }
    return count;
}

/*
 * Sums of one step.
 */
typedef struct sums {
    double count, i, t, ii, tt, it;
    double h[3][6];                           /* gx gx, gx gy, gy gy times xx, xy, yy, x, y, 1 */
    double one[2][3], by_i[2][3], by_t[2][3]; /* gx, gy times x, y, 1 */
} sums;

static void add_row(sums *s, const row_map *map, const glimpse_plane *fixed,
                    const glimpse_plane *moving, int y) {
    float gx[SIDE], gy[SIDE], i[SIDE], t[SIDE], x[SIDE];
    const double side = moving->side;
    int n = 0;
    for (int column = map->first; column < map->last; column++) {
        size_t at;
        float weight[4];
        if (!locate(map, fixed->side, column, &at, weight)) continue;
        i[n] = blend(fixed->grey, at, fixed->side, weight);
        gx[n] = blend(fixed->dx, at, fixed->side, weight);
        gy[n] = blend(fixed->dy, at, fixed->side, weight);
        t[n] = moving->grey[y * moving->side + column];
        x[n] = (float)((column + 0.5) / side - 0.5);
        n++;
    }
    float sum_i = 0, sum_t = 0, ii = 0, tt = 0, it = 0;
    float h[3][3] = {{0}}, one[2][2] = {{0}}, by_i[2][2] = {{0}}, by_t[2][2] = {{0}};
    for (int k = 0; k < n; k++) {
        float a = gx[k], b = gy[k], u = x[k];
        float aa = a * a, ab = a * b, bb = b * b;
        sum_i += i[k], sum_t += t[k];
        ii += i[k] * i[k], tt += t[k] * t[k], it += i[k] * t[k];
        h[0][0] += aa, h[0][1] += aa * u, h[0][2] += aa * u * u;
        h[1][0] += ab, h[1][1] += ab * u, h[1][2] += ab * u * u;
        h[2][0] += bb, h[2][1] += bb * u, h[2][2] += bb * u * u;
        one[0][0] += a, one[0][1] += a * u, one[1][0] += b, one[1][1] += b * u;
        by_i[0][0] += a * i[k], by_i[0][1] += a * i[k] * u;
        by_i[1][0] += b * i[k], by_i[1][1] += b * i[k] * u;
        by_t[0][0] += a * t[k], by_t[0][1] += a * t[k] * u;
        by_t[1][0] += b * t[k], by_t[1][1] += b * t[k] * u;
    }
    const double v = (y + 0.5) / side - 0.5;
    s->count += n;
    s->i += (double)sum_i, s->t += (double)sum_t;
    s->ii += (double)ii, s->tt += (double)tt, s->it += (double)it;
    for (int k = 0; k < 3; k++) {
        double c0 = (double)h[k][0], c1 = (double)h[k][1], c2 = (double)h[k][2];
        s->h[k][0] += c2, s->h[k][1] += c1 * v, s->h[k][2] += c0 * v * v;
        s->h[k][3] += c1, s->h[k][4] += c0 * v, s->h[k][5] += c0;
    }
    for (int k = 0; k < 2; k++) {
        s->one[k][0] += (double)one[k][1], s->one[k][1] += (double)one[k][0] * v;
        s->one[k][2] += (double)one[k][0];
        s->by_i[k][0] += (double)by_i[k][1], s->by_i[k][1] += (double)by_i[k][0] * v;
        s->by_i[k][2] += (double)by_i[k][0];
        s->by_t[k][0] += (double)by_t[k][1], s->by_t[k][1] += (double)by_t[k][0] * v;
        s->by_t[k][2] += (double)by_t[k][0];
    }
}

/* Solves the symmetric a [6][6] for two right sides at once by Gauss with pivots; 0 when a is
 * singular. */
static int solve(double a[6][6], double b[6][2]) {
    for (int c = 0; c < 6; c++) {
        int best = c;
        for (int r = c + 1; r < 6; r++) {
            if (fabs(a[r][c]) > fabs(a[best][c])) best = r;
        }
        if (!(fabs(a[best][c]) > 1e-9)) return 0;
        for (int k = 0; k < 6 && best != c; k++) {
            double swap = a[c][k];
            a[c][k] = a[best][k], a[best][k] = swap;
        }
        for (int k = 0; k < 2 && best != c; k++) {
            double swap = b[c][k];
            b[c][k] = b[best][k], b[best][k] = swap;
        }
        for (int r = c + 1; r < 6; r++) {
            double f = a[r][c] / a[c][c];
            for (int k = c; k < 6; k++)
                a[r][k] -= f * a[c][k];
            b[r][0] -= f * b[c][0], b[r][1] -= f * b[c][1];
        }
    }
    for (int r = 5; r >= 0; r--) {
        for (int k = 0; k < 2; k++) {
            for (int c = r + 1; c < 6; c++)
                b[r][k] -= a[r][c] * b[c][k];
            b[r][k] /= a[r][r];
        }
    }
    return 1;
}

/* The correlation of what is seen, and with `step` the change of the parameters around the centre
 * (scaled to fractions of the side). -2: too little is seen. */
static double look(const glimpse_plane *fixed, const glimpse_plane *moving,
                   const glimpse_warp *warp, double step[6]) {
    static const int monomial[3][3] = {{0, 1, 3}, {1, 2, 4}, {3, 4, 5}}; /* of x, y, 1 */
    const double side = moving->side;
    sums s;
    memset(&s, 0, sizeof s);
    for (int y = 0; y < moving->side; y++) {
        row_map map;
        if (map_row(&map, fixed, moving, warp, y)) add_row(&s, &map, fixed, moving, y);
    }
    memset(step, 0, 6 * sizeof *step);
    if (s.count < side * side * 0.1) return -2;
    const double mean_i = s.i / s.count, mean_t = s.t / s.count;
    const double ii = s.ii - s.count * mean_i * mean_i, tt = s.tt - s.count * mean_t * mean_t;
    const double it = s.it - s.count * mean_i * mean_t;
    if (!(ii > s.count * 0.25) || !(tt > s.count * 0.25)) return -2; /* nothing to see */
    const double correlation = it / sqrt(ii * tt);

    double h[6][6], b[6][2], i[6], t[6];
    for (int r = 0; r < 6; r++) {
        for (int c = 0; c < 6; c++)
            h[r][c] = s.h[r / 3 + c / 3][monomial[r % 3][c % 3]];
        i[r] = b[r][0] = s.by_i[r / 3][r % 3] - mean_i * s.one[r / 3][r % 3];
        t[r] = b[r][1] = s.by_t[r / 3][r % 3] - mean_t * s.one[r / 3][r % 3];
        h[r][r] *= 1 + 1e-6;
    }
    if (!solve(h, b)) return correlation;
    double top = ii, bottom = it;
    for (int r = 0; r < 6; r++) {
        top -= i[r] * b[r][0];
        bottom -= t[r] * b[r][0];
    }
    if (!(bottom > 0) || !(top > 0)) return correlation;
    for (int r = 0; r < 6; r++)
        step[r] = (top / bottom * b[r][1] - b[r][0]) / fixed->side;
    return correlation;
}

/* 1 while the warp is one that edits and other shots have: no collapse, no wild shear. */
static int is_sane(const double *m) {
    double sx = hypot(m[0], m[3]), sy = hypot(m[1], m[4]), det = m[0] * m[4] - m[1] * m[3];
    return det > 0.05 && sx > 0.3 && sx < 3.4 && sy > 0.3 && sy < 3.4 && det > 0.8 * sx * sy &&
           sx < 1.8 * sy && sy < 1.8 * sx;
}

double glimpse_align(const glimpse_plane *fixed, const glimpse_plane *moving, glimpse_warp *warp,
                     int rounds) {
    double step[6], best = look(fixed, moving, warp, step);
    glimpse_warp current = *warp;
    for (int round = 0; round < rounds && best > -2; round++) {
        /* Around the centre, c' = A c + b with c = p - 1/2; b takes the shift. */
        double *m = current.m, size = 0;
        for (int k = 0; k < 6; k++) {
            step[k] = step[k] > 0.1 ? 0.1 : step[k] < -0.1 ? -0.1 : step[k];
            size += fabs(step[k]);
            m[k] += step[k];
        }
        m[2] -= 0.5 * (step[0] + step[1]);
        m[5] -= 0.5 * (step[3] + step[4]);
        if (!is_sane(m)) return best < 0.5 ? -2 : best;
        double correlation = look(fixed, moving, &current, step);
        if (correlation > best) {
            best = correlation;
            *warp = current;
        } else if (correlation < best - 0.05) {
            break;
        }
        if (size < 2e-4) break;
    }
    return best;
}
