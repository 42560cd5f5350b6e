/*
 * image/compare/phash.c - perceptual hashes of thumbnails and of windows of them.
 *
 * A window is averaged over areas to 32x32 (fractions of pixels count) and goes through the 8x32
 * part of the DCT-II that is needed, in both directions. Constant factors of the transform are left
 * out: each of the 64 coefficients has the same, and only their order matters.
 */
#include <glimpse/sys/fingerprint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = GLIMPSE_THUMB_SIDE, GRID = 32, FREQUENCIES = 8 };

#define CORNERS(s)                                       \
 {0, 0, s, s}, {1 - (s), 0, 1, s}, {0, 1 - (s), s, 1}, { \
  1 - (s), 1 - (s), 1, 1                                 \
 }
#define CENTRE(s) \
 { (1 - (s)) / 2, (1 - (s)) / 2, (1 + (s)) / 2, (1 + (s)) / 2 }
#define SIDES(s)                                                                   \
 {0, (1 - (s)) / 2, s, (1 + (s)) / 2}, {1 - (s), (1 - (s)) / 2, 1, (1 + (s)) / 2}, \
     {(1 - (s)) / 2, 0, (1 + (s)) / 2, s}, {                                       \
  (1 - (s)) / 2, 1 - (s), (1 + (s)) / 2, 1                                         \
 }

const glimpse_window glimpse_windows[GLIMPSE_WINDOW_COUNT] = {
    {0, 0, 1, 1},  {0, 0, 1, 1}, /* the content */
    CENTRE(0.95F), CENTRE(0.9F),    CORNERS(0.9F),   CENTRE(0.85F),   CENTRE(0.8F),   CORNERS(0.8F),
    SIDES(0.8F),   {0, 0, 0.9F, 1}, {0.1F, 0, 1, 1}, {0, 0, 1, 0.9F}, {0, 0.1F, 1, 1}};

/* Bounds of the averaged areas along one side, as fractions of thumbnail pixels. */
static void average(float out[GRID][GRID], const uint8_t *grey, const glimpse_window *window) {
    /* Rows of sums first: [SIDE][GRID]. */
    static const double whole = SIDE;
    float rows[SIDE][GRID];
    double step_x = ((double)window->x1 - (double)window->x0) * whole / GRID;
    double step_y = ((double)window->y1 - (double)window->y0) * whole / GRID;
    double from_x = (double)window->x0 * whole, from_y = (double)window->y0 * whole;
    int first_row = (int)from_y, last_row = (int)ceil(from_y + step_y * GRID);
    if (last_row > SIDE) last_row = SIDE;
    for (int y = first_row; y < last_row; y++) {
        const uint8_t *p = grey + (size_t)y * SIDE;
        for (int i = 0; i < GRID; i++) {
            double a = from_x + step_x * i, b = a + step_x, sum = 0;
            int x = (int)a;
            if (b > whole) b = whole;
            for (; x < SIDE && (double)x < b; x++) {
                double left = a > x ? a : x, right = b < x + 1 ? b : x + 1;
                sum += (right - left) * p[x];
            }
            rows[y][i] = (float)(sum / (b - a));
        }
    }
    for (int j = 0; j < GRID; j++) {
        double a = from_y + step_y * j, b = a + step_y;
        if (b > whole) b = whole;
        for (int i = 0; i < GRID; i++)
            out[j][i] = 0;
        for (int y = (int)a; y < SIDE && (double)y < b; y++) {
            double top = a > y ? a : y, bottom = b < y + 1 ? b : y + 1;
            float weight = (float)((bottom - top) / (b - a));
            for (int i = 0; i < GRID; i++)
                out[j][i] += weight * rows[y][i];
        }
    }
}

/* cos(pi (2 x + 1) k / 64), k = 1..8, from the exact 128th roots: the same on every machine that
 * rounds cos() alike to float. */
static void basis_make(float basis[FREQUENCIES][GRID]) {
    const double pi = 3.14159265358979323846;
    for (int k = 0; k < FREQUENCIES; k++) {
        for (int x = 0; x < GRID; x++)
            basis[k][x] = (float)cos(pi * ((2 * x + 1) * (k + 1) % (4 * GRID)) / (2 * GRID));
    }
}

/* coefficients[v][u]: v the vertical frequency. */
static void transform(float coefficients[FREQUENCIES][FREQUENCIES], float grid[GRID][GRID]) {
    float basis[FREQUENCIES][GRID], rows[FREQUENCIES][GRID];
    basis_make(basis);
    for (int v = 0; v < FREQUENCIES; v++) {
        for (int x = 0; x < GRID; x++)
            rows[v][x] = 0;
        for (int y = 0; y < GRID; y++) {
            for (int x = 0; x < GRID; x++)
                rows[v][x] += basis[v][y] * grid[y][x];
        }
    }
    for (int v = 0; v < FREQUENCIES; v++) {
        for (int u = 0; u < FREQUENCIES; u++) {
            float sum = 0;
            for (int x = 0; x < GRID; x++)
                sum += basis[u][x] * rows[v][x];
            coefficients[v][u] = sum;
        }
    }
}

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The bits of the GLIMPSE_WEAK_BITS smallest margins; of equal ones the first. */
static uint64_t weakest(const float margins[64]) {
    float sorted[64];
    uint64_t weak = 0;
    int capacity = GLIMPSE_WEAK_BITS;
    memcpy(sorted, margins, sizeof sorted);
    qsort(sorted, 64, sizeof sorted[0], compare_floats);
    const float limit = sorted[GLIMPSE_WEAK_BITS - 1];
    for (int i = 0; i < 64; i++) {
        if (margins[i] < limit) weak |= UINT64_C(1) << i, capacity--;
    }
    for (int i = 0; i < 64 && capacity > 0; i++) {
        if (margins[i] <= limit && !(weak >> i & 1)) weak |= UINT64_C(1) << i, capacity--;
    }
    return weak;
}

static uint64_t above_median(const float values[64], uint64_t *weak) {
    float sorted[64];
    uint64_t hash = 0;
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, 64, sizeof sorted[0], compare_floats);
    float median = 0.5F * (sorted[31] + sorted[32]);
    for (int i = 0; i < 64; i++)
        hash |= (uint64_t)(values[i] > median) << i;
    if (weak) {
        for (int i = 0; i < 64; i++)
            sorted[i] = fabsf(values[i] - median);
        *weak = weakest(sorted);
    }
    return hash;
}

uint64_t glimpse_phash(uint64_t *weak, const glimpse_thumb *thumb, const glimpse_window *window) {
    float grid[GRID][GRID], coefficients[FREQUENCIES][FREQUENCIES];
    average(grid, thumb->grey, window ? window : &glimpse_windows[0]);
    transform(coefficients, grid);
    float values[64];
    memcpy(values, coefficients, sizeof values);
    return above_median(values, weak);
}

void glimpse_phash_orientations(uint64_t hashes[8], uint64_t weak[8], const glimpse_thumb *thumb) {
    float grid[GRID][GRID], c[FREQUENCIES][FREQUENCIES], oriented[64];
    average(grid, thumb->grey, &glimpse_windows[0]);
    transform(c, grid);
    for (int orientation = 1; orientation <= 8; orientation++) {
        int transposed = orientation >= 5;
        int flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
        int flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
        for (int v = 0; v < FREQUENCIES; v++) {
            for (int u = 0; u < FREQUENCIES; u++) {
                int from_u = transposed ? v : u, from_v = transposed ? u : v;
                /* Frequency k is odd where k - 1 is even. */
                int negative = (flip_x && from_u % 2 == 0) != (flip_y && from_v % 2 == 0);
                oriented[v * FREQUENCIES + u] = negative ? -c[from_v][from_u] : c[from_v][from_u];
            }
        }
        hashes[orientation - 1] = above_median(oriented, weak ? &weak[orientation - 1] : NULL);
    }
}

uint64_t glimpse_dhash(uint64_t *weak, const glimpse_thumb *thumb) {
    double cells[8][9];
    float margins[64];
    uint64_t hash = 0;
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 9; x++) {
            double left = (double)x * SIDE / 9, right = (double)(x + 1) * SIDE / 9, sum = 0;
            for (int v = y * SIDE / 8; v < (y + 1) * SIDE / 8; v++) {
                for (int u = (int)left; u < SIDE && u < right; u++) {
                    double a = left > u ? left : u, b = right < u + 1 ? right : u + 1;
                    sum += (b - a) * thumb->grey[v * SIDE + u];
                }
            }
            cells[y][x] = sum;
        }
    }
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 8; x++) {
            hash |= (uint64_t)(cells[y][x] > cells[y][x + 1]) << (8 * y + x);
            margins[8 * y + x] = (float)fabs(cells[y][x] - cells[y][x + 1]);
        }
    }
    if (weak) *weak = weakest(margins);
    return hash;
}
