/*
 * image/compare/detail_tiles.c - which tiles of two aligned pictures differ by more than what
 * recompression of that strength explains. glimpse/sys/fingerprint.h has the method.
 *
 * First the second picture is fitted to the first, by least squares that outliers have no say in:
 * gain and bias in each plane, and for brightness two differences of neighbours (at one and at two
 * pixels), which is what sharpening and resampling filters differ in. The residual is what is
 * judged.
 *
 * Coding noise grows with contrast, so tiles are sorted by their gradient (the lesser of both
 * pictures': what was written on white paper is held against white paper) and cut into strips of
 * equal count. The median of a strip is what coding does to such a tile. A strip may itself be full
 * of edits (a form whose fields are all filled in anew), so that it is bounded by what its
 * neighbours say and by a share of the contrast.
 */
#include "image/compare/detail.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE = GLIMPSE_TILE,
    CELL = 8,   /* gradients are summed over cells of this side */
    UNIT = 16,  /* residuals are kept in 1/16 of a grey level */
    MARGIN = 2, /* pixels at the edge of what is shared: every resampler has its own idea of them */
    TERMS = 4,
    SAMPLES = 12000
};

/* What is looked at: the plane, the side of the averaging window, and the bounds in grey levels. */
typedef struct measure {
    int plane, radius;
    float floor, ceiling; /* below: never odd; above: always */
    float factor;         /* times the median of tiles like it */
    float by_noise;       /* what the floor rises by with the noise of brightness */
} measure;
static const measure measures[GLIMPSE_MEASURES] = {
    {0, 1, 11.0F, 80.0F, 5.5F, 0.0F},
    {0, 4, 4.0F, 30.0F, 6.5F, 0.2F},
    {1, 2, 14.0F, 60.0F, 6.5F, 1.0F},
    {2, 2, 14.0F, 60.0F, 6.5F, 1.0F},
};

typedef struct tile {
    float activity[GLIMPSE_PLANES]; /* root mean square of the gradient, the lesser of both */
    float gradient[2];              /* of brightness in the tile alone, of each picture */
    float value[GLIMPSE_MEASURES];
    float strength; /* the largest value by its threshold */
} tile;

typedef struct judging {
    const glimpse_aligned *aligned;
    int x0, y0, x1, y1; /* what is judged */
    int columns, rows;  /* of tiles */
    int16_t *residual;  /* [height][width] of the judged part */
    int32_t *sums;      /* scratch for averaging */
    float *cells[2];    /* [rows of cells][columns of cells] squared gradients */
    tile *tiles;
    uint32_t *order;
    float *scratch;
    float noise; /* what coding does to brightness where contrast is strong */
} judging;

static int width_of(const judging *j) {
    return j->x1 - j->x0;
}
static int height_of(const judging *j) {
    return j->y1 - j->y0;
}

/*
 * The fit.
 */
typedef struct fit {
    double gain, bias, near, far;
} fit;

/* The terms of the second picture at p: itself, 1, and its differences to the neighbours. */
static void terms_at(const uint8_t *p, ptrdiff_t width, double terms[TERMS]) {
    terms[0] = *p / 128.0;
    terms[1] = 1;
    terms[2] = (p[-1] + p[1] + p[-width] + p[width]) / 4.0 - *p;
    terms[3] = (p[-2] + p[2] + p[-2 * width] + p[2 * width]) / 4.0 - *p;
}

static int solve(double h[TERMS][TERMS], double v[TERMS], int n) {
    for (int c = 0; c < n; c++) {
        for (int r = 0; r <= c; r++) {
            double sum = h[r][c];
            for (int k = 0; k < r; k++)
                sum -= h[k][r] * h[k][c];
            if (r < c) {
                h[r][c] = sum / h[r][r];
            } else if (sum > 1e-9) {
                h[c][c] = sqrt(sum);
            } else {
                return 0;
            }
        }
    }
    for (int r = 0; r < n; r++) {
        for (int k = 0; k < r; k++)
            v[r] -= h[k][r] * v[k];
        v[r] /= h[r][r];
    }
    for (int r = n - 1; r >= 0; r--) {
        for (int k = r + 1; k < n; k++)
            v[r] -= h[r][k] * v[k];
        v[r] /= h[r][r];
    }
    return 1;
}

static fit fit_plane(const judging *j, int plane) {
    const glimpse_planes *other = &j->aligned->other;
    const ptrdiff_t width = other->width;
    const int n = plane == 0 ? TERMS : 2;
    fit f = {1, 0, 0, 0};
    double scale = 16;
    int stride = (int)sqrt((double)width_of(j) * height_of(j) / SAMPLES);
    if (stride < 1) stride = 1;
    for (int round = 0; round < 5; round++) {
        double h[TERMS][TERMS] = {{0}}, v[TERMS] = {0};
        unsigned histogram[256] = {0};
        size_t count = 0, sum = 0;
        for (int y = j->y0; y < j->y1; y += stride) {
            for (int x = j->x0 + (y * 5 / stride) % stride; x < j->x1; x += stride) {
                const ptrdiff_t at = y * width + x;
                double t[TERMS];
                terms_at(other->plane[plane] + at, width, t);
                const double r = j->aligned->first->plane[plane][at] -
                                 (128 * f.gain * t[0] + f.bias + f.near * t[2] + f.far * t[3]);
                const double weight = 1 / (1 + r / scale * (r / scale));
                histogram[fabs(r) * 4 < 255 ? (int)(fabs(r) * 4) : 255]++;
                count++;
                for (int a = 0; a < n; a++) {
                    for (int b = a; b < n; b++)
                        h[a][b] += weight * t[a] * t[b];
                    v[a] += weight * t[a] * r;
                }
            }
        }
        int median = 0;
        while (median < 255 && (sum += histogram[median]) * 2 < count)
            median++;
        scale = fmax(median, 4.0);
        /* No gain can be told of a plane of one colour: a slight pull towards 1 and 0. */
        const double pull = 1e-3 * (double)count + 1e-6;
        h[0][0] += pull, v[0] += pull * (1 - f.gain) * 128;
        for (int a = 2; a < n; a++)
            h[a][a] += pull, v[a] -= pull * (a == 2 ? f.near : f.far);
        if (!solve(h, v, n)) break;
        f.gain = fmax(0.7, fmin(1.4, f.gain + v[0] / 128));
        f.bias += v[1];
        const double moved = fmax(fabs(v[0]), fabs(v[1]));
        if (n > 2) {
            f.near = fmax(-0.8, fmin(0.9, f.near + v[2]));
            f.far = fmax(-0.5, fmin(0.5, f.far + v[3]));
        }
        if (round > 0 && moved < 0.05 && (n == 2 || fabs(v[2]) + fabs(v[3]) < 0.005)) break;
    }
    return f;
}

static void make_residual(judging *j, int plane, const fit *f) {
    const glimpse_planes *other = &j->aligned->other;
    const ptrdiff_t width = other->width;
    const float gain = (float)f->gain, bias = (float)f->bias, near = (float)f->near / 4,
                far = (float)f->far / 4, self = gain - (float)f->near - (float)f->far;
    int16_t *out = j->residual;
    for (int y = j->y0; y < j->y1; y++) {
        const uint8_t *a = j->aligned->first->plane[plane] + y * width;
        const uint8_t *b = other->plane[plane] + y * width;
        for (int x = j->x0; x < j->x1; x++) {
            const uint8_t *p = b + x;
            float fitted = self * (float)*p + bias;
            if (plane == 0) {
                fitted += near * (float)(p[-1] + p[1] + p[-width] + p[width]) +
                          far * (float)(p[-2] + p[2] + p[-2 * width] + p[2 * width]);
            }
            /* What runs out of range was clipped in the first picture, too. */
            fitted = fitted < 0 ? 0 : fitted > 255 ? 255 : fitted;
            *out++ = (int16_t)lrintf(UNIT * ((float)a[x] - fitted));
        }
    }
}

/*
 * The largest average of (2 radius + 1)^2 residuals in each tile.
 */
static void add_row(const judging *j, int32_t *total, int y, int sign) {
    const int16_t *p = j->residual + (size_t)y * (size_t)width_of(j);
    for (int x = 0; x < width_of(j); x++)
        total[x] += sign * p[x];
}

/* Only windows that lie whole in what is shared: parts of them average less noise away. */
static void find_largest(judging *j, int index) {
    const int width = width_of(j), height = height_of(j), radius = measures[index].radius;
    const int side = 2 * radius + 1;
    const float unit = 1.0F / (float)(UNIT * side * side);
    int32_t *columns = j->sums;
    if (width < side || height < side) return;
    memset(columns, 0, (size_t)width * sizeof *columns);
    for (int y = 0; y < side - 1; y++)
        add_row(j, columns, y, 1);
    for (int y = radius; y < height - radius; y++) {
        const int r = y / TILE < j->rows ? y / TILE : j->rows - 1;
        tile *tiles = j->tiles + (size_t)r * (size_t)j->columns;
        int32_t sum = 0;
        add_row(j, columns, y + radius, 1);
        for (int x = 0; x < side - 1; x++)
            sum += columns[x];
        for (int x = radius; x < width - radius; x++) {
            const int c = x / TILE < j->columns ? x / TILE : j->columns - 1;
            sum += columns[x + radius];
            const float value = unit * (float)(sum < 0 ? -sum : sum);
            if (value > tiles[c].value[index]) tiles[c].value[index] = value;
            sum -= columns[x - radius];
        }
        add_row(j, columns, y - radius, -1);
    }
}

/*
 * Gradients.
 */
static int cell_columns(const judging *j) {
    return (width_of(j) + CELL - 1) / CELL;
}
static int cell_rows(const judging *j) {
    return (height_of(j) + CELL - 1) / CELL;
}

static void sum_gradients(const judging *j, const glimpse_planes *planes, int plane, float *cells) {
    const ptrdiff_t width = planes->width;
    const int columns = cell_columns(j);
    memset(cells, 0, (size_t)columns * (size_t)cell_rows(j) * sizeof *cells);
    for (int y = j->y0; y < j->y1; y++) {
        const uint8_t *p = planes->plane[plane] + y * width;
        float *row = cells + (size_t)((y - j->y0) / CELL) * (size_t)columns;
        for (int x = j->x0; x < j->x1; x++) {
            const int gx = p[x + 1] - p[x - 1], gy = p[x + width] - p[x - width];
            row[(x - j->x0) / CELL] += (float)(gx * gx + gy * gy) / (4 * CELL * CELL);
        }
    }
}

/* The largest of the cells of a tile and `around` cells beside it. */
static float gradient_of(const judging *j, const float *cells, int column, int row, int around) {
    const int columns = cell_columns(j), rows = cell_rows(j), step = TILE / CELL;
    int x0 = column * step - around, y0 = row * step - around;
    int x1 = (column + 1) * step + around, y1 = (row + 1) * step + around;
    float max = 0;
    x0 = x0 < 0 ? 0 : x0, y0 = y0 < 0 ? 0 : y0;
    x1 = x1 > columns ? columns : x1, y1 = y1 > rows ? rows : y1;
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++)
            max = fmaxf(max, cells[(size_t)y * (size_t)columns + (size_t)x]);
    }
    return sqrtf(max);
}

static void find_activity(judging *j, int plane) {
    sum_gradients(j, j->aligned->first, plane, j->cells[0]);
    sum_gradients(j, &j->aligned->other, plane, j->cells[1]);
    for (int r = 0; r < j->rows; r++) {
        for (int c = 0; c < j->columns; c++) {
            tile *t = &j->tiles[(size_t)r * (size_t)j->columns + (size_t)c];
            const float a = gradient_of(j, j->cells[0], c, r, 1);
            const float b = gradient_of(j, j->cells[1], c, r, 1);
            t->activity[plane] = (a < b) == (plane == 0) ? a : b;
            if (plane == 0) {
                t->gradient[0] = gradient_of(j, j->cells[0], c, r, 0);
                t->gradient[1] = gradient_of(j, j->cells[1], c, r, 0);
            } else { /* strong edges of brightness leave traces in the colours */
                t->activity[plane] = hypotf(t->activity[plane], 0.25F * t->activity[0]);
            }
        }
    }
}

/*
 * Thresholds.
 */
static int compare_floats(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

typedef struct ordered {
    float activity;
    uint32_t tile;
} ordered;

static int compare_ordered(const void *a, const void *b) {
    const ordered *x = a, *y = b;
    if (x->activity > y->activity || x->activity < y->activity)
        return x->activity > y->activity ? 1 : -1;
    return (x->tile > y->tile) - (x->tile < y->tile);
}

static float median_of(float *values, size_t count) {
    qsort(values, count, sizeof *values, compare_floats);
    return count ? values[count / 2] : 0;
}

/* Judges all tiles by one measure. Returns the median of a strip of strong contrast. */
static float judge_measure(judging *j, int index, ordered *order) {
    const measure *m = &measures[index];
    /* Colours are quantised more than brightness, and small coloured things alone go first. */
    const float floor = m->floor + m->by_noise * j->noise;
    const size_t n = (size_t)j->columns * (size_t)j->rows;
    size_t strip = n / 40;
    strip = strip < 12 ? 12 : strip > 400 ? 400 : strip;
    size_t strips = n / strip;
    if (strips < 1) strips = 1;
    for (size_t i = 0; i < n; i++)
        order[i] = (ordered){j->tiles[i].activity[m->plane], (uint32_t)i};
    qsort(order, n, sizeof *order, compare_ordered);
    float *medians = j->scratch, *values = medians + strips;
    for (size_t s = 0; s < strips; s++) {
        const size_t from = s * n / strips, to = (s + 1) * n / strips;
        for (size_t i = from; i < to; i++)
            values[i - from] = j->tiles[order[i].tile].value[index];
        medians[s] = median_of(values, to - from);
    }
    for (size_t s = 0; s < strips; s++) {
        const size_t from = s * n / strips, to = (s + 1) * n / strips;
        float typical = medians[s];
        if (s > 0) typical = fmaxf(typical, medians[s - 1]);
        if (s + 1 < strips) typical = fmaxf(typical, medians[s + 1]);
        const float usual = fminf(fmaxf(m->factor * typical, floor), m->ceiling);
        for (size_t i = from; i < to; i++) {
            tile *t = &j->tiles[order[i].tile];
            /* Strong colours that were moved by a pixel are clipped in RGB: brightness follows. */
            const float colours = m->plane == 0 ? fmaxf(t->value[2], t->value[3]) : 0;
            const float threshold = usual + (index == 0 ? 0.2F : 0.05F) * colours;
            const float strength = t->value[index] / threshold;
            if (strength > t->strength) t->strength = strength;
        }
    }
    return medians[strips * 9 / 10];
}

/*
 * Regions.
 */
static void insert(glimpse_detail *result, const glimpse_difference *d) {
    size_t at = result->count;
    while (at > 0 && result->differences[at - 1].strength < d->strength)
        at--;
    if (at == GLIMPSE_DIFFERENCES) return;
    if (result->count < GLIMPSE_DIFFERENCES) result->count++;
    for (size_t i = result->count - 1; i > at; i--)
        result->differences[i] = result->differences[i - 1];
    result->differences[at] = *d;
}

/* Odd tiles that touch, with one tile between them at most. They are unmarked. */
static void gather_region(judging *j, glimpse_detail *result, uint32_t start) {
    const int columns = j->columns;
    size_t head = 0, tail = 0;
    int x0 = columns, y0 = j->rows, x1 = 0, y1 = 0;
    float strength = 0;
    uint32_t *queue = j->order;
    strength = j->tiles[start].strength;
    j->tiles[start].strength = 0;
    queue[tail++] = start;
    while (head < tail) {
        const int x = (int)(queue[head] % (uint32_t)columns);
        const int y = (int)(queue[head] / (uint32_t)columns);
        head++;
        x0 = x < x0 ? x : x0, y0 = y < y0 ? y : y0;
        x1 = x + 1 > x1 ? x + 1 : x1, y1 = y + 1 > y1 ? y + 1 : y1;
        for (int v = y - 2; v <= y + 2; v++) {
            for (int u = x - 2; u <= x + 2; u++) {
                if (u < 0 || v < 0 || u >= columns || v >= j->rows) continue;
                tile *t = &j->tiles[v * columns + u];
                if (t->strength <= 1) continue;
                strength = fmaxf(strength, t->strength);
                t->strength = 0;
                queue[tail++] = (uint32_t)(v * columns + u);
            }
        }
    }
    const double w = j->aligned->first->width, h = j->aligned->first->height;
    const double right = x1 == columns ? j->x1 : j->x0 + x1 * TILE;
    const double bottom = y1 == j->rows ? j->y1 : j->y0 + y1 * TILE;
    const double left = j->x0 + x0 * TILE, top = j->y0 + y0 * TILE;
    const glimpse_difference d = {left / w, top / h, (right - left) / w, (bottom - top) / h,
                                  (double)strength};
    insert(result, &d);
}

static void find_regions(judging *j, glimpse_detail *result) {
    const size_t n = (size_t)j->columns * (size_t)j->rows;
    size_t odd = 0;
    for (size_t i = 0; i < n; i++) {
        odd += j->tiles[i].strength > 1;
        result->strength = fmax(result->strength, (double)j->tiles[i].strength);
    }
    result->odd = (double)odd / (double)n;
    for (size_t i = 0; i < n; i++) {
        if (j->tiles[i].strength > 1) gather_region(j, result, (uint32_t)i);
    }
}

/* Shares of the picture, by areas of at least four tiles with detail, where the one and where the
 * other is clearly sharper. Coding takes detail from one of two pictures, a lens moves it. */
static void compare_sharpness(const judging *j, glimpse_detail *result) {
    enum { GRID = 8 };
    double areas = 0;
    for (int v = 0; v < GRID; v++) {
        for (int u = 0; u < GRID; u++) {
            double sum = 0, count = 0;
            for (int y = v * j->rows / GRID; y < (v + 1) * j->rows / GRID; y++) {
                for (int x = u * j->columns / GRID; x < (u + 1) * j->columns / GRID; x++) {
                    const tile *t = &j->tiles[y * j->columns + x];
                    if (fmaxf(t->gradient[0], t->gradient[1]) < 8) continue;
                    sum += log2(((double)t->gradient[0] + 1) / ((double)t->gradient[1] + 1));
                    count++;
                }
            }
            if (count < 4) continue;
            areas++;
            result->sharper[0] += sum > 0.3 * count;
            result->sharper[1] += sum < -0.3 * count;
        }
    }
    for (int k = 0; k < 2 && areas > 0; k++)
        result->sharper[k] /= areas;
}

/* Brightness of a tile in the first picture. */
static double mean_of(const judging *j, int column, int row) {
    const glimpse_planes *first = j->aligned->first;
    double sum = 0;
    for (int y = 0; y < TILE; y++) {
        const uint8_t *p =
            first->plane[0] + (ptrdiff_t)(j->y0 + row * TILE + y) * first->width + j->x0;
        for (int x = 0; x < TILE; x++)
            sum += p[column * TILE + x];
    }
    return sum / (TILE * TILE);
}

/* What was written upon has more contrast where the two differ. On blank paper writing is what the
 * other one lacks; on a picture it hides something. */
static void find_marks(const judging *j, glimpse_detail *result) {
    enum { PAPER = 190 };
    /* Scanned paper is light and has some noise; drawn grounds have none; skies are in between. */
    const double ratio = 1.4, blank = 4, flat = 1.5, limit = 0.15;
    double odd = 0, empty = 0, light = 0, contrast[2] = {0, 0};
    if (width_of(j) < TILE || height_of(j) < TILE) return;
    for (int r = 0; r < j->rows; r++) {
        for (int c = 0; c < j->columns; c++) {
            const tile *t = &j->tiles[(size_t)r * (size_t)j->columns + (size_t)c];
            const double less = (double)fminf(t->gradient[0], t->gradient[1]);
            empty += less < blank;
            if (t->strength <= 1) continue;
            odd++;
            light += mean_of(j, c, r);
            for (int k = 0; k < 2; k++)
                contrast[k] += (double)t->gradient[k];
        }
    }
    const double tiles = (double)j->columns * j->rows;
    if (odd < 1 || odd > limit * tiles) return;
    const int second = contrast[1] > contrast[0];
    const double more = contrast[second], less = contrast[!second];
    if (more < ratio * less) return;
    const double ground = light > PAPER * odd ? blank : flat;
    if (less < ground * odd && empty > 0.4 * tiles) {
        result->written = 1 + second;
    } else {
        result->marked = 1 + second;
    }
}

/* Where most of what has contrast is equal to the last bit nothing was coded anew, and coding
 * explains nothing: a pale line on a form, a watermark in the colour of paper. */
static void judge_exactly(judging *j) {
    const float equal = 0.5F, seen = 3, contrast = 8;
    const size_t n = (size_t)j->columns * (size_t)j->rows;
    size_t same = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        const float *v = j->tiles[i].value;
        if (j->tiles[i].activity[0] < contrast) continue;
        count++;
        same += fmaxf(fmaxf(v[0], v[1]), fmaxf(v[2], v[3])) < equal;
    }
    for (size_t i = 0; i < n && count >= 4 && same > count * 3 / 4; i++) {
        tile *t = &j->tiles[i];
        for (int m = 0; m < GLIMPSE_MEASURES; m++)
            t->strength = fmaxf(t->strength, t->value[m] / seen);
    }
}

static double laplacian_of(const judging *j, const glimpse_planes *planes) {
    double sum = 0;
    const ptrdiff_t width = planes->width;
    for (int y = j->y0; y < j->y1; y++) {
        const uint8_t *p = planes->plane[0] + y * width;
        int32_t row = 0;
        for (int x = j->x0; x < j->x1; x++) {
            const int l = 4 * p[x] - p[x - 1] - p[x + 1] - p[x - width] - p[x + width];
            row += l * l / 16;
        }
        sum += row;
    }
    return sqrt(sum / ((double)width_of(j) * height_of(j)));
}

static void find_loss(const judging *j, glimpse_detail *result) {
    const size_t n = (size_t)width_of(j) * (size_t)height_of(j);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)j->residual[i] * j->residual[i];
    result->loss = sqrt(sum / (double)n) / UNIT;
    result->contrast[0] = laplacian_of(j, j->aligned->first);
    result->contrast[1] = laplacian_of(j, &j->aligned->other);
}

static int judge(judging *j, glimpse_detail *result) {
    const size_t n = (size_t)j->columns * (size_t)j->rows;
    ordered *order = malloc(n * sizeof *order);
    if (!order) return glimpse_fail_nomem(n * sizeof *order, "tiles");
    for (int plane = GLIMPSE_PLANES - 1; plane >= 0; plane--) {
        const fit f = fit_plane(j, plane);
        result->gain = f.gain; /* of brightness in the end: planes come last to first */
        result->bias = f.bias;
        if (plane > 0) {
            result->colours[plane - 1] = f.gain;
            result->tint[plane - 1] = 128 * f.gain + f.bias - 128;
        }
        find_activity(j, plane);
        make_residual(j, plane, &f);
        for (int m = 0; m < GLIMPSE_MEASURES; m++) {
            if (measures[m].plane == plane) find_largest(j, m);
        }
        if (plane == 0) find_loss(j, result);
    }
    for (int m = 0; m < GLIMPSE_MEASURES; m++) {
        const float typical = judge_measure(j, m, order);
        if (m == 0) j->noise = typical;
    }
    judge_exactly(j);
    result->noise = (double)j->noise;
    free(order);
    compare_sharpness(j, result);
    find_marks(j, result);
    find_regions(j, result);
    result->verdict = result->odd > 0 ? GLIMPSE_VERDICT_EDITED : GLIMPSE_VERDICT_REENCODED;
    if (result->sharper[0] > 0.08 && result->sharper[1] > 0.08)
        result->verdict = GLIMPSE_VERDICT_NEAR;
    return GLIMPSE_OK;
}

int glimpse_detail_judge(glimpse_detail *result, const glimpse_aligned *aligned) {
    judging j = {.aligned = aligned,
                 .x0 = aligned->x0 + MARGIN,
                 .y0 = aligned->y0 + MARGIN,
                 .x1 = aligned->x1 - MARGIN,
                 .y1 = aligned->y1 - MARGIN};
    if (width_of(&j) < CELL || height_of(&j) < CELL) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "glimpse_compare_detail: too little of the pictures is shared");
    }
    j.columns = width_of(&j) < TILE ? 1 : width_of(&j) / TILE;
    j.rows = height_of(&j) < TILE ? 1 : height_of(&j) / TILE;
    const size_t width = (size_t)width_of(&j), area = width * (size_t)height_of(&j);
    const size_t cells = (size_t)cell_columns(&j) * (size_t)cell_rows(&j);
    const size_t tiles = (size_t)j.columns * (size_t)j.rows;
    j.residual = calloc(area, sizeof *j.residual);
    j.sums = malloc(width * sizeof *j.sums);
    j.cells[0] = malloc(2 * cells * sizeof *j.cells[0]);
    j.cells[1] = j.cells[0] ? j.cells[0] + cells : NULL;
    j.tiles = calloc(tiles, sizeof *j.tiles);
    j.order = malloc(tiles * sizeof *j.order);
    j.scratch = malloc((2 * tiles + 64) * sizeof *j.scratch);
    const int ready = j.residual && j.sums && j.cells[0] && j.tiles && j.order && j.scratch;
    int status = ready ? judge(&j, result) : glimpse_fail_nomem(area * 2, "two pictures' tiles");
    free(j.residual);
    free(j.sums);
    free(j.cells[0]);
    free(j.tiles);
    free(j.order);
    free(j.scratch);
    return status;
}
