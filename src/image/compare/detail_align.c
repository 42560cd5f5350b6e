/*
 * image/compare/detail_align.c - where two pictures lie on each other, to fractions of a pixel.
 *
 * Gauss-Newton on g I(w(x)) + b = T(x) over a pyramid of halved pictures: T the grid, I the other
 * picture, w the affine warp. Gain and bias are two more unknowns of each step, so that tones do
 * not push the warp. The derivative of I(w(x)) by x is taken as that of T, which is what it is
 * when the warp is right. A pixel's weight is 1 / (1 + (r / s)^2) with s the median residual: what
 * was painted over has no say.
 */
#include "image/compare/detail.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LEVELS = 8, COARSEST = 96, SAMPLES = 12000, UNKNOWNS = 8, ROUNDS = 5 };

typedef struct level {
    int width, height;
    uint8_t *grey;
} level;

static int make_pyramid(level levels[MAX_LEVELS], int count, const glimpse_planes *planes) {
    levels[0] = (level){planes->width, planes->height, planes->plane[0]};
    for (int l = 1; l < count; l++) {
        const level *from = &levels[l - 1];
        level *to = &levels[l];
        to->width = from->width / 2;
        to->height = from->height / 2;
        const size_t bytes = (size_t)to->width * (size_t)to->height;
        to->grey = calloc(bytes, 1);
        if (!to->grey) return glimpse_fail_nomem(bytes, "a smaller picture");
        for (int y = 0; y < to->height; y++) {
            const uint8_t *p = from->grey + (ptrdiff_t)2 * y * from->width;
            const uint8_t *q = p + from->width;
            uint8_t *out = to->grey + (ptrdiff_t)y * to->width;
            for (int x = 0; x < to->width; x++)
                out[x] = (uint8_t)((p[2 * x] + p[2 * x + 1] + q[2 * x] + q[2 * x + 1] + 2) / 4);
        }
    }
    return GLIMPSE_OK;
}

static int bilinear(const level *from, double x, double y, double *value) {
    if (!(x >= 0 && y >= 0 && x <= from->width - 1 && y <= from->height - 1)) return 0;
    int i = (int)x, j = (int)y;
    if (i > from->width - 2) i = from->width - 2;
    if (j > from->height - 2) j = from->height - 2;
    const double f = x - i, g = y - j;
    const uint8_t *p = from->grey + (ptrdiff_t)j * from->width + i, *q = p + from->width;
    *value = (1 - g) * ((1 - f) * p[0] + f * p[1]) + g * ((1 - f) * q[0] + f * q[1]);
    return 1;
}

typedef struct equations {
    double h[UNKNOWNS][UNKNOWNS], v[UNKNOWNS];
    unsigned histogram[256]; /* of |residual| */
    size_t count;
} equations;

/* One pass over the pixels of a level: the normal equations of a step. `gain` and `bias` are those
 * so far, `scale` the residual whose weight is a half. */
static void collect(equations *e, const level *grid, const level *other,
                    const glimpse_pixel_warp *warp, double gain, double bias, double scale) {
    memset(e, 0, sizeof *e);
    const double w = grid->width, h = grid->height, *m = warp->m;
    int stride = (int)sqrt(w * h / SAMPLES);
    if (stride < 1) stride = 1;
    for (int y = 1; y < grid->height - 1; y += stride) {
        /* Another column in every row, so that no regular pattern is missed. */
        for (int x = 1 + (y * 7 / stride) % stride; x < grid->width - 1; x += stride) {
            const uint8_t *p = grid->grey + (ptrdiff_t)y * grid->width + x;
            double value;
            if (!bilinear(other, m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5], &value))
                continue;
            const double residual = *p - (gain * value + bias);
            const double gx = (p[1] - p[-1]) / 2.0, gy = (p[grid->width] - p[-grid->width]) / 2.0;
            const double u = 2 * x / w - 1, v = 2 * y / h - 1;
            const double j[UNKNOWNS] = {gx * u, gx * v, gx, gy * u, gy * v, gy, value / 128, 1};
            const double ratio = residual / scale, weight = 1 / (1 + ratio * ratio);
            for (int r = 0; r < UNKNOWNS; r++) {
                for (int c = r; c < UNKNOWNS; c++)
                    e->h[r][c] += weight * j[r] * j[c];
                e->v[r] += weight * j[r] * residual;
            }
            const double size = fabs(residual);
            e->histogram[size < 255 ? (int)size : 255]++;
            e->count++;
        }
    }
}

/* By Cholesky, slightly damped. 0 when it is not positive definite. */
static int solve(equations *e) {
    for (int r = 0; r < UNKNOWNS; r++)
        e->h[r][r] = e->h[r][r] * (1 + 1e-6) + 1e-3;
    for (int c = 0; c < UNKNOWNS; c++) {
        for (int r = 0; r <= c; r++) {
            double sum = e->h[r][c];
            for (int k = 0; k < r; k++)
                sum -= e->h[k][r] * e->h[k][c];
            if (r < c) {
                e->h[r][c] = sum / e->h[r][r];
            } else if (sum > 1e-9) {
                e->h[c][c] = sqrt(sum);
            } else {
                return 0;
            }
        }
    }
    for (int r = 0; r < UNKNOWNS; r++) {
        for (int k = 0; k < r; k++)
            e->v[r] -= e->h[k][r] * e->v[k];
        e->v[r] /= e->h[r][r];
    }
    for (int r = UNKNOWNS - 1; r >= 0; r--) {
        for (int k = r + 1; k < UNKNOWNS; k++)
            e->v[r] -= e->h[r][k] * e->v[k];
        e->v[r] /= e->h[r][r];
    }
    return 1;
}

static double median_of(const equations *e) {
    size_t sum = 0;
    for (int i = 0; i < 256; i++) {
        sum += e->histogram[i];
        if (sum * 2 >= e->count) return i + 0.5;
    }
    return 255;
}

/* Improves `warp` on one level. The step d moves w(x) by the other picture's pixels per pixel of
 * the grid, m[0] and m[4], which is what the derivatives are in. */
static void refine(glimpse_pixel_warp *warp, const level *grid, const level *other) {
    double gain = 1, bias = 0, scale = 24;
    equations e;
    for (int round = 0; round < ROUNDS; round++) {
        collect(&e, grid, other, warp, gain, bias, scale);
        if (e.count < 400) return;
        scale = fmax(4 * median_of(&e), 3);
        if (!solve(&e)) return;
        const double px = warp->m[0], py = warp->m[4];
        const double w = grid->width, h = grid->height;
        double d[6], size = 0;
        for (int k = 0; k < 6; k++) {
            d[k] = fmax(-3, fmin(3, e.v[k] * (k < 3 ? px : py)));
            size = fmax(size, fabs(d[k]));
        }
        for (int k = 0; k < 6; k += 3) {
            warp->m[k] += 2 * d[k] / w;
            warp->m[k + 1] += 2 * d[k + 1] / h;
            warp->m[k + 2] += d[k + 2] - d[k] - d[k + 1];
        }
        gain += e.v[6] / 128;
        bias += e.v[7];
        if (size < 0.004) return;
    }
}

/* Between levels: pixel x of the finer is (x - 1/2) / 2 of the coarser. */
static glimpse_pixel_warp halved(glimpse_pixel_warp w) {
    w.m[2] = (w.m[2] + 0.5 * (w.m[0] + w.m[1]) - 0.5) / 2;
    w.m[5] = (w.m[5] + 0.5 * (w.m[3] + w.m[4]) - 0.5) / 2;
    return w;
}

static glimpse_pixel_warp doubled(glimpse_pixel_warp w) {
    w.m[2] = 2 * w.m[2] + 0.5 - 0.5 * (w.m[0] + w.m[1]);
    w.m[5] = 2 * w.m[5] + 0.5 - 0.5 * (w.m[3] + w.m[4]);
    return w;
}

int glimpse_detail_align(glimpse_pixel_warp *warp, const glimpse_planes *grid,
                         const glimpse_planes *other) {
    level first[MAX_LEVELS] = {{0}}, second[MAX_LEVELS] = {{0}};
    int count = 1, shortest = grid->width < grid->height ? grid->width : grid->height;
    while (count < MAX_LEVELS && (shortest >> count) >= COARSEST)
        count++;
    int status = make_pyramid(first, count, grid);
    if (status == GLIMPSE_OK) status = make_pyramid(second, count, other);
    if (status == GLIMPSE_OK) {
        glimpse_pixel_warp at = *warp;
        for (int l = 1; l < count; l++)
            at = halved(at);
        for (int l = count - 1; l >= 0; l--) {
            refine(&at, &first[l], &second[l]);
            if (l > 0) at = doubled(at);
        }
        *warp = at;
    }
    for (int l = 1; l < count; l++) {
        free(first[l].grey);
        free(second[l].grey);
    }
    return status;
}

double glimpse_detail_residual(const glimpse_pixel_warp *warp, const glimpse_planes *grid,
                               const glimpse_planes *other) {
    const level first = {grid->width, grid->height, grid->plane[0]},
                second = {other->width, other->height, other->plane[0]};
    const double w = grid->width, h = grid->height, *m = warp->m;
    int stride = (int)sqrt(w * h / SAMPLES);
    double sum = 0, count = 0;
    if (stride < 1) stride = 1;
    for (int y = 1; y < grid->height - 1; y += stride) {
        for (int x = 1 + (y * 7 / stride) % stride; x < grid->width - 1; x += stride) {
            double value;
            if (!bilinear(&second, m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5], &value))
                continue;
            sum += fmin(fabs(first.grey[(ptrdiff_t)y * grid->width + x] - value), 48);
            count++;
        }
    }
    return count > 0.8 * (w / stride) * (h / stride) ? sum / count : 255;
}

/*
 * Sampling: Catmull-Rom's cubic, which passes through the pixels, so that an offset of nothing
 * changes nothing.
 */
static void cubic(double f, float weight[4]) {
    const double f2 = f * f, f3 = f2 * f;
    weight[0] = (float)(0.5 * (-f3 + 2 * f2 - f));
    weight[1] = (float)(0.5 * (3 * f3 - 5 * f2 + 2));
    weight[2] = (float)(0.5 * (-3 * f3 + 4 * f2 + f));
    weight[3] = (float)(0.5 * (f3 - f2));
}

static uint8_t sample_at(const uint8_t *plane, int width, int height, double x, double y) {
    const int i = (int)floor(x), j = (int)floor(y);
    float wx[4], wy[4], sum = 0;
    cubic(x - i, wx);
    cubic(y - j, wy);
    for (int v = 0; v < 4; v++) {
        int row = j - 1 + v;
        row = row < 0 ? 0 : row >= height ? height - 1 : row;
        const uint8_t *p = plane + (size_t)row * (size_t)width;
        float line = 0;
        for (int u = 0; u < 4; u++) {
            int column = i - 1 + u;
            column = column < 0 ? 0 : column >= width ? width - 1 : column;
            line += wx[u] * (float)p[column];
        }
        sum += wy[v] * line;
    }
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum + 0.5F);
}

/* The rows or columns of the grid that lie inside the other picture, half a pixel of slack. */
static void find_seen(glimpse_aligned *a, const glimpse_planes *from, const double *m) {
    const glimpse_planes *grid = a->first;
    a->x0 = a->y0 = 0, a->x1 = grid->width, a->y1 = grid->height;
    const double slack = 0.51;
    /* The warp is almost upright: the worse of both ends of each line says it. */
    const double skew_x = m[1] * (grid->height - 1), skew_y = m[3] * (grid->width - 1);
    while (a->x0 < a->x1 && m[0] * a->x0 + m[2] + fmin(skew_x, 0) < -slack)
        a->x0++;
    while (a->x1 > a->x0 && m[0] * (a->x1 - 1) + m[2] + fmax(skew_x, 0) > from->width - 1 + slack)
        a->x1--;
    while (a->y0 < a->y1 && m[4] * a->y0 + m[5] + fmin(skew_y, 0) < -slack)
        a->y0++;
    while (a->y1 > a->y0 && m[4] * (a->y1 - 1) + m[5] + fmax(skew_y, 0) > from->height - 1 + slack)
        a->y1--;
}

int glimpse_detail_sample(glimpse_aligned *aligned, const glimpse_planes *from,
                          const glimpse_pixel_warp *warp) {
    const glimpse_planes *grid = aligned->first;
    const size_t w = (size_t)grid->width, n = w * (size_t)grid->height;
    const double *m = warp->m;
    const int exact = from->width == grid->width && from->height == grid->height &&
                      fabs(m[0] - 1) < 1e-9 && fabs(m[4] - 1) < 1e-9 && fabs(m[1]) < 1e-9 &&
                      fabs(m[3]) < 1e-9 && fabs(m[2]) < 1e-9 && fabs(m[5]) < 1e-9;
    uint8_t *bytes = malloc(GLIMPSE_PLANES * n);
    if (!bytes) return glimpse_fail_nomem(GLIMPSE_PLANES * n, "a picture's planes");
    find_seen(aligned, from, m);
    aligned->other.width = grid->width;
    aligned->other.height = grid->height;
    for (int k = 0; k < GLIMPSE_PLANES; k++) {
        uint8_t *out = aligned->other.plane[k] = bytes + (size_t)k * n;
        if (exact) {
            memcpy(out, from->plane[k], n);
            continue;
        }
        for (int y = 0; y < grid->height; y++) {
            for (int x = 0; x < grid->width; x++) {
                out[(size_t)y * w + (size_t)x] =
                    sample_at(from->plane[k], from->width, from->height, m[0] * x + m[1] * y + m[2],
                              m[3] * x + m[4] * y + m[5]);
            }
        }
    }
    return GLIMPSE_OK;
}
